"""Parts of one tuple, list or dictionary that lack what all others have: dV beside dW / n and db / n."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.tree import located

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
