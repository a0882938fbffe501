"""Parts of one tuple, list or dictionary that lack what others have: dV beside dW / n; b=gb beside a=ga * a."""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Iterator

from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.tree import Path, located, names_in, walk

COST = 1.4
FEWEST = 2  # others


def in_common(live: LiveCode) -> Iterator[Edit]:
    """Each such part as the others are."""
    for spot in live.spots:
        for site, node in live.sites(spot):
            field = {ast.Tuple: "elts", ast.List: "elts", ast.Dict: "values"}.get(type(node), "")
            parts: list[ast.expr] = getattr(node, field) if field else []
            ends = [(type(p.op), ast.dump(p.right)) if isinstance(p, ast.BinOp) else None for p in parts]
            common = Counter(end for end in ends if end is not None)
            for end, count in common.most_common(1):
                like = parts[ends.index(end)]
                if count < FEWEST or count < len(parts) - 1 or not isinstance(like, ast.BinOp):
                    continue
                for k, part in enumerate(parts):
                    if ends[k] != end:
                        made = ast.BinOp(part, like.op, like.right)
                        inner = Site(*site.spot, (*site.path, (field, k)))
                        yield Edit(inner, located(made, part), "missing-factor", COST, part.lineno)


def by_their_keys(live: LiveCode) -> Iterator[Edit]:
    """Each entry of a dictionary, or argument with a name, as another one is with the words of its own key."""
    for spot in live.spots:
        for path, function in walk(live.statement(spot)):
            known = names_in(function) if isinstance(function, ast.FunctionDef) else set()
            for inner, node in walk(function) if known else ():
                entries = list(named(node))
                for (one, like, _), (other, part, step) in itertools.permutations(entries, 2):
                    made = reworded(like, *differing(one, other))
                    if ast.dump(made) != ast.dump(part) and names_in(made) <= known:
                        yield Edit(
                            Site(*spot, (*path, *inner, *step)),
                            located(made, part),
                            "missing-factor",
                            COST,
                            part.lineno,
                        )


def named(node: ast.AST) -> Iterator[tuple[str, ast.expr, Path]]:
    """The keys of a dictionary or the names of arguments, what each has, and where that is."""
    if isinstance(node, ast.Dict):
        for k, key in enumerate(node.keys):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, node.values[k], (("values", k),)
    elif isinstance(node, ast.Call):
        for k, each in enumerate(node.keywords):
            if each.arg is not None:
                yield each.arg, each.value, (("keywords", k), ("value", None))


def differing(one: str, other: str) -> tuple[str, str]:
    """In which word each differs from the other; of words between underscores."""
    first, second = one.split("_"), other.split("_")
    apart = [(a, b) for a, b in zip(first, second, strict=False) if a != b]
    return apart[0] if len(apart) == 1 and len(first) == len(second) else ("", "")


def reworded(node: ast.expr, word: str, other: str) -> ast.expr:
    """The expression with another word in its names."""
    made: ast.expr = ast.parse(ast.unparse(node), mode="eval").body
    for each in ast.walk(made):
        if isinstance(each, ast.Name):
            each.id = "_".join(other if part == word else part for part in each.id.split("_"))
    return made
