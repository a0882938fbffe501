"""The kind of mistake that an edit is, and which names for it in a report are right.

The words are those of the kinds that a report may name; `None` stands for an edit that is none of them.
"""

from __future__ import annotations

import ast
import itertools
import re

from mutation.sites import Site, adds, carries, flat, inputs, key, reads, written

# What an edit was made as, and the names that hold for it, because they speak of the same numbers:
ACCEPTED = {
    # within the loss's own gradient it is that which is wrong
    "sign": {"sign", "loss-seed"},
    # one .T too many reads like one too few; of an outer product the result is transposed
    "missing-transpose": {"missing-transpose", "transposed"},
    # the neighbour may be the initial state, the last one by h[-1], or the target; the end of the range is left out
    "index-shift": {"index-shift", "wraps-at-zero", "initial-state", "loss-target", "skips-step"},
    # without the last steps, the loss of these is what is truncated; a layer left out gets no gradient
    "skips-step": {"skips-step", "truncation", "never-computed"},
    # of a sum of two the first is lost: a term, that of the next step or that of all steps but one
    "assign-not-add": {"assign-not-add", "missing-term", "dropped-path", "skips-step"},
    # one use is that by the next step; without all of these the gradient is truncated
    "dropped-path": {"dropped-path", "missing-term", "truncation"},
    "missing-term": {"missing-term", "dropped-path", "truncation", "loss-seed"},
    # h for h_prev is a neighbouring step's; of results, of weights and in the loss's gradient the word is another
    "wrong-variable": {"wrong-variable", "index-shift", "initial-state", "wrong-result", "updated-before-use",
                       "loss-seed", "loss-target"},
    # one sum gets what another should: it stays zero, the other counts too much
    "wrong-target": {"wrong-variable", "wrong-result", "never-computed", "double-count", "assign-not-add"},
    # another variable within 1 - h**2
    "derivative-point": {"derivative-point", "derivative-function", "derivative-of-gradient", "wrong-variable",
                         "index-shift"},
    "derivative-omitted": {"derivative-omitted"},
    # 1 - h for 1 - h**2, 1 for it, h**2 - 1 for it
    "derivative-function": {"derivative-function", "derivative-omitted", "derivative-point", "derivative-twice",
                            "sign"},
    "never-computed": {"never-computed"},
    # the factor of the loss's own gradient, or of a penalty's
    "scale": {"scale", "loss-seed", "penalty"},
    # of the state, or of the gradient that is carried or summed
    "random-start": {"random-start", "initial-state"},
}  # fmt: skip


def accepts(mistake: str | None, named: str) -> bool | None:
    """Whether a name is right for an edit; None where the edit is of no known kind."""
    return None if mistake is None else named in ACCEPTED[mistake]


def derivative(node: ast.AST) -> bool:
    """Whether an expression looks like the derivative of an activation: 1 - h**2, 1 - h * h, dtanh(h), x > 0."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and is_one(node.left):
        return squared(node.right)
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func).split(".")[-1].lower()
        if name == "where" and node.args:
            return isinstance(node.args[0], ast.Compare)
        return bool(re.match(r"d_?(tanh|sig|relu|log|act)|.*(prime|deriv|slope|grad_of)", name))
    if isinstance(node, ast.Name):
        return bool(re.fullmatch(r"slope|deriv\w*|\w*prime", node.id.lower()))
    return isinstance(node, ast.Subscript) and derivative(node.value)


def is_one(node: ast.AST) -> bool:
    """Whether it is the number 1."""
    return isinstance(node, ast.Constant) and node.value in (1, 1.0) and not isinstance(node.value, bool)


def squared(node: ast.AST) -> bool:
    """Whether it is a square."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return isinstance(node.right, ast.Constant) and node.right.value == 2
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return ast.dump(node.left) == ast.dump(node.right)
    return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "square"


def within_derivative(site: Site, node: ast.AST) -> bool:
    """Whether a node is part of an activation's derivative, that of the sigmoid y * (1 - y) included."""
    around = list(site.up(node))
    if any(derivative(each) for each in around):
        return True
    return any(isinstance(each, ast.BinOp) and logistic(site, each) for each in [node, *around])


def logistic(site: Site, node: ast.BinOp) -> bool:
    """Whether it is the 1 - y of a product that holds y too; without y it may be what a gate lets through."""
    if not (isinstance(node.op, ast.Sub) and is_one(node.left)):
        return False
    return any(ast.dump(each) == ast.dump(node.right) for each in factors(product(site, node)))


def half_derivative(site: Site, node: ast.BinOp, gone: ast.expr) -> bool:
    """Whether a product loses y or 1 - y of y * (1 - y)."""
    slopes = [e for e in factors(product(site, node)) if isinstance(e, ast.BinOp) and logistic(site, e)]
    return any(ast.dump(gone) in (ast.dump(slope), ast.dump(slope.right)) for slope in slopes)


def product(site: Site, node: ast.AST) -> ast.AST:
    """The whole product that a node is a factor of."""
    for outer in site.up(node):
        if not (isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Mult)):
            break
        node = outer
    return node


def factors(node: ast.AST) -> list[ast.AST]:
    """What is multiplied in a product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return factors(node.left) + factors(node.right)
    return [node]


def recurrent(site: Site, node: ast.AST) -> bool:
    """Whether an expression reads what the iteration before left, by a name or at the neighbouring step."""
    for loop in site.loops:
        before = list(itertools.takewhile(lambda each: each is not site.node, flat(loop.body)))
        renewed = {key(target) for each in before for target in written(each)}
        if reads(node) & (carries(loop) - renewed):
            return True
        own = {key(target) for each in flat(loop.body) for target in written(each)}
        for each in ast.walk(node):
            if isinstance(each, ast.Subscript) and key(each.value) in own and neighbour(each.slice):
                return True
    return False


def neighbour(index: ast.AST) -> bool:
    """Whether an index is t + 1 or t - 1."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    return any(
        isinstance(p, ast.BinOp)
        and isinstance(p.op, ast.Add | ast.Sub)
        and isinstance(p.left, ast.Name)
        and is_one(p.right)
        for p in parts
    )


def carries_on(site: Site) -> bool:
    """Whether a statement makes what the next iteration starts from, and this one does not read again."""
    targets = {key(target) for target in written(site.node)}
    for loop in site.loops:
        after = list(itertools.dropwhile(lambda each: each is not site.node, flat(loop.body)))[1:]
        again = set().union(*(inputs(each) for each in after))
        if targets & (carries(loop) - again):
            return True
    return False


def of_dropped_term(site: Site, gone: ast.expr) -> str | None:
    """The mistake of a sum without one of its terms."""
    own = {key(target) for loop in site.loops for each in flat(loop.body) for target in written(each)}
    if recurrent(site, gone) or (carries_on(site) and reads(gone) & own):
        return "dropped-path"
    if adds(site.node) and isinstance(site.node, ast.Assign) and gone in (site.node.value.left, site.node.value.right):
        return "assign-not-add" if key(gone) == key(site.node.targets[0]) else of_dropped_statement(site)
    gradient = any(re.match(r"d|g|grad|delta", key(target).split(".")[-1]) for target in written(site.node))
    outermost = not any(isinstance(each, ast.BinOp) for each in site.up(gone) if each is not site.parents[gone])
    return "missing-term" if gradient and outermost and site.loops and sums(site.parents[gone]) else None


def sums(node: ast.AST) -> bool:
    """Whether it is a sum."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)


def of_dropped_factor(gone: ast.expr, scalar: bool) -> str | None:
    """The mistake of a product without one of its factors."""
    if derivative(gone):
        return "derivative-omitted"
    if isinstance(gone, ast.Constant) and gone.value == 0:
        return "random-start"
    return "scale" if scalar else None


def of_dropped_statement(site: Site) -> str | None:
    """The mistake of a missing statement."""
    targets = {key(target) for target in written(site.node)}
    if carries_on(site) or (isinstance(site.node, ast.AugAssign) and recurrent(site, site.node.value)):
        return "dropped-path"
    if isinstance(site.node, ast.AugAssign) and isinstance(site.node.op, ast.Mult) and derivative(site.node.value):
        return "derivative-omitted"
    own = [each for loop in site.loops[:1] for each in flat(loop.body)]
    whole = [e for e in flat(site.function.body) if "zeros" not in ast.unparse(e)]
    others = [e for e in whole if e is not site.node and targets & {key(target) for target in written(e)}]
    used = any(targets & inputs(each) for each in own if each is not site.node)
    return "never-computed" if own and adds(site.node) and not others and not used else None
