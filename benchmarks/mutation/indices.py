"""Edits of indices, slices and ranges."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mutation.edit import Edit
from mutation.sites import Site


def moved(site: Site, node: ast.expr, by: int) -> str | None:
    """An index one further or one less: t - 1 for t, t for t - 1, 2 for 1; None for what is no index of that kind."""
    number = whole(node)
    if number is not None:
        return str(number + by)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and whole(node.right) is not None:
        shift = (whole(node.right) or 0) * (1 if isinstance(node.op, ast.Add) else -1) + by
        base = site.text.of(node.left)
        return f"{base} {'+' if shift > 0 else '-'} {abs(shift)}" if shift else base
    plain = isinstance(node, ast.Name) and site.seen.names.get(node.id, ("whole",)) == ("whole",)
    if plain or isinstance(node, ast.BinOp) or (isinstance(node, ast.Call) and ast.unparse(node.func) == "len"):
        return f"{site.text.of(node)} {'+' if by > 0 else '-'} 1"
    return None


def whole(node: ast.expr | None) -> int | None:
    """The number that a constant is, a negative one too."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = whole(node.operand)
        return None if inner is None else -inner
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None


def subscripts(site: Site) -> Iterator[tuple[ast.Subscript, list[ast.expr]]]:
    """Every use of a part of something, with the parts of its index."""
    for node in site.nodes():
        if isinstance(node, ast.Subscript):
            yield node, list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]


def indices(site: Site) -> Iterator[Edit]:
    """Each index one less and one more; the first for the last."""
    for _, parts in subscripts(site):
        for part in parts:
            if isinstance(part, ast.Slice):
                continue
            mistake = "index-shift" if whole(part) is None else None
            for by in (-1, 1):
                new = moved(site, part, by)
                if new is not None:
                    yield site.edit("index", part, new, mistake)


def slices(site: Site) -> Iterator[Edit]:
    """The bounds of a slice moved or left out, its step turned, or another slice of the same array in its place."""
    for node, parts in subscripts(site):
        for part in parts:
            if not isinstance(part, ast.Slice):
                continue
            for bound in (part.lower, part.upper):
                if bound is None:
                    continue
                shifted = "index-shift" if whole(bound) is not None else None
                for by in (-1, 1):
                    new = moved(site, bound, by)
                    if new is not None:
                        yield site.edit("slice", bound, new, shifted)
                yield site.edit("slice", bound, "", shifted)
            if part.step is not None:
                yield site.edit("slice", part.step, "")
            for other in others(site, node, part):
                yield site.edit("slice", part, other, "wrong-variable")


def others(site: Site, node: ast.Subscript, part: ast.Slice) -> list[str]:
    """The other slices that the function takes of the same array along the same axis."""
    found = []
    for each in ast.walk(site.function):
        if isinstance(each, ast.Subscript) and ast.dump(each.value) == ast.dump(node.value):
            mine = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            theirs = each.slice.elts if isinstance(each.slice, ast.Tuple) else [each.slice]
            axis = next(k for k, entry in enumerate(mine) if entry is part)
            if axis < len(theirs) and isinstance(theirs[axis], ast.Slice):
                found.append(site.text.of(theirs[axis]))
    return sorted(set(found) - {site.text.of(part), ":"})


def ranges(site: Site) -> Iterator[Edit]:
    """The start, the end and the step of a range moved; a list run through without its first or last; forwards."""
    for node in site.nodes():
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name == "range":
            yield from bounds(site, node)
        elif name == "reversed" and len(node.args) == 1:
            inner = site.text.of(node.args[0])
            yield site.edit("range", node, inner)
            if isinstance(node.args[0], ast.Name | ast.Attribute):
                yield site.edit("range", node.args[0], f"{inner}[1:]", "skips-step")
                yield site.edit("range", node.args[0], f"{inner}[:-1]", "skips-step")


def bounds(site: Site, node: ast.Call) -> Iterator[Edit]:
    """A range's own numbers moved."""
    names = {1: ["stop"], 2: ["start", "stop"], 3: ["start", "stop", "step"]}.get(len(node.args), [])
    down = len(names) == 3 and (whole(node.args[2]) or 1) < 0
    for name, argument in zip(names, node.args, strict=True):
        for by in (-1, 1):
            new = moved(site, argument, by)
            if new is None or (name == "step" and new == "0"):
                continue
            later = name == "start" and by == (-1 if down else 1)
            sooner = name == "stop" and by == (1 if down else -1)
            yield site.edit("range", argument, new, "skips-step" if later or sooner or name == "step" else None)
    if names == ["stop"]:
        yield site.edit("range", node.args[0], f"1, {site.text.of(node.args[0])}", "skips-step")
