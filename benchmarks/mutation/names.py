"""Edits that put one thing for another: names, attributes, words in dictionaries, functions, axes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mutation.edit import Edit
from mutation.faults import within_derivative
from mutation.sites import Site, key

OTHER = {
    "sum": "mean", "mean": "sum", "zeros_like": "ones_like", "zeros": "ones", "ones": "zeros", "square": "abs",
    "tanh": "arctan", "exp": "expm1", "log": "log1p", "maximum": "minimum", "max": "min", "hstack": "vstack",
}  # fmt: skip
MISTAKE = {"sum": "scale", "mean": "scale", "zeros_like": "random-start", "zeros": "random-start"}


def exchanged_names(site: Site) -> Iterator[Edit]:
    """A name for another of the same shape in scope; of what is written only the target of +=."""
    for node in site.nodes():
        if not isinstance(node, ast.Name) or not (isinstance(node.ctx, ast.Load) or node is summed(site)):
            continue
        kind = site.seen.names.get(node.id)
        if kind is None or kind[0] in ("whole", "function"):
            continue
        for other, theirs in site.seen.names.items():
            if theirs == kind and other != node.id:
                yield site.edit("name", node, other, mistake(site, node))


def mistake(site: Site, node: ast.expr) -> str:
    """What it is to take another variable here."""
    target = summed(site)
    while target is not node and isinstance(target, ast.Subscript | ast.Attribute):
        target = target.value
    if target is node:
        return "wrong-target"
    return "derivative-point" if within_derivative(site, node) else "wrong-variable"


def summed(site: Site) -> ast.expr | None:
    """The target of +=."""
    return site.node.target if isinstance(site.node, ast.AugAssign) else None


def exchanged_parts(site: Site) -> Iterator[Edit]:
    """self.Wf for self.Wi, P["a"] for P["b"], of the same shape."""
    for node in site.nodes():
        if not isinstance(node, ast.Attribute | ast.Subscript):
            continue
        if not (isinstance(node.ctx, ast.Load) or node is summed(site)):
            continue
        held = site.seen.held.get(key(node.value), {})
        if isinstance(node, ast.Attribute):
            mine, at, width = node.attr, site.text.end(node) - len(node.attr.encode()), len(node.attr.encode())
        elif isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            mine, at = node.slice.value, site.text.start(node.slice) + 1
            width = site.text.end(node.slice) - 1 - at
        else:
            continue
        for other, kind in held.items():
            if other != mine and kind == held.get(mine) and kind[0] != "whole":
                yield site.replace("attribute or key", at, at + width, other, mistake(site, node))


def functions(site: Site) -> Iterator[Edit]:
    """Sum for mean, ones for zeros; a function of the program for another with as many arguments."""
    for node in site.nodes():
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        end = site.text.end(node.func)
        if name in OTHER:
            yield site.replace("function", end - len(name), end, OTHER[name], MISTAKE.get(name))
        kind = site.seen.names.get(name) if isinstance(node.func, ast.Name) else None
        if kind is not None and kind[0] == "function":
            for other, theirs in site.seen.names.items():
                if theirs == kind and other != name:
                    slope = "derivative-function" if name.lower().startswith("d") else None
                    yield site.edit("function", node.func, other, slope)


def axes(site: Site) -> Iterator[Edit]:
    """Another axis, or none; keepdims left out."""
    for node in site.nodes():
        if not isinstance(node, ast.Call):
            continue
        for number, word in enumerate(node.keywords):
            if word.arg not in ("axis", "keepdims", "axes"):
                continue
            for each in ast.walk(word.value):
                if isinstance(each, ast.Constant) and type(each.value) is int:
                    yield site.edit("axis or keyword", each, str({0: 1, 1: 0}.get(each.value, each.value - 1)))
            before = [*node.args, *(other.value for other in node.keywords[:number])]
            if before:
                start = site.text.end(before[-1])
                yield site.replace("axis or keyword", start, site.text.end(word), "")
