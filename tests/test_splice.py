"""An edit as text: it is the tree that was tried, and every other character of the file stays as it was."""

import ast
import collections
import io
import tokenize
from types import SimpleNamespace

import pytest

from rnn_jax.verify.of_file import Expressions, FileSubject
from rnn_jax.verify.program import Program
from rnn_jax.verify.repair import statements
from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.grammar import Grammar
from rnn_jax.verify.repair.live import LiveCode, Site, Source
from rnn_jax.verify.repair.probe import instrumented, watching
from rnn_jax.verify.repair.splice import mended
from rnn_jax.verify.repair.tree import at, located, shallow, walk
from rnn_jax.verify.subject import Setting, evaluate_gradients

FILE = "mine.py"


def live_code(text):
    live = LiveCode(SimpleNamespace(world=SimpleNamespace(functions=[])))
    live.sources[FILE] = Source(FILE, text, ast.parse(text))
    return live


def find(live, segment):
    """The site of the outermost node with this text."""
    source = live.sources[FILE]
    for k, statement in enumerate(source.tree.body):
        for path, node in walk(statement):
            if ast.get_source_segment(source.text, node) == segment:
                return Site(FILE, k, path)
    raise LookupError(segment)


def written(live, site, new):
    """The text with another node, or statements, at a site; it has to be the code that was tried."""
    for each in new if isinstance(new, list) else [new]:
        located(each, live.node(site) if site.path else live.statement(site.spot))
    edit = Edit(site, new, "test", 1, 1)
    source = live.sources[FILE]
    tried = [changes(live, [edit]).get((FILE, k), statement) for k, statement in enumerate(source.tree.body)]
    texts = mended(live, [edit])
    assert texts is not None
    assert set(texts) == {FILE}
    assert ast.dump(ast.parse(texts[FILE])) == ast.dump(ast.parse(ast.unparse(ast.Module(tried, []))))
    return texts[FILE]


def remade(node, **parts):
    made = shallow(node)
    for name, part in parts.items():
        setattr(made, name, part)
    return made


def expression(text):
    return ast.parse(text, mode="eval").body


def op(kind):
    return lambda node: remade(node, op=kind())


def swap(node):
    return remade(node, left=node.right, right=node.left)


def transposed(node):
    return ast.Attribute(node, "T", ast.Load())


def negative(node):
    return ast.UnaryOp(ast.USub(), node)


def times(text):
    return lambda node: ast.BinOp(node, ast.Mult(), expression(text))


def plus(text):
    return lambda node: ast.BinOp(node, ast.Add(), expression(text))


def left(node):
    return node.left


def other(text):
    return lambda node: expression(text)


def inner_first(node):
    """(a op b) op c: a op (b op c)."""
    return remade(node.left, right=remade(node, left=node.left.right))


def sum_first(node):
    """A + b * c: (a + b) * c."""
    return remade(node.right, left=remade(node, right=node.right.left))


# The text, the node that is edited, the edit, the text with it.
EXPRESSIONS = {
    "sign": ("z = a + b  # ü\n", "a + b", op(ast.Sub), "z = a - b  # ü\n"),
    "spacing": ("z = a  +  b*c   # two\n", "c", other("d"), "z = a  +  b*d   # two\n"),
    "names before it": ("größe = 'ä–ö' + ß*a + b # é\n", "b", other("c"), "größe = 'ä–ö' + ß*a + c # é\n"),
    "wide characters": ("z = '𝛼' + a*b\n", "a*b", swap, "z = '𝛼' + b*a\n"),
    "a name for a name": ("z = äh(a)[ö]\n", "ö", other("ü"), "z = äh(a)[ü]\n"),
    "tab": ("if x:\n\tz = a + b\n", "b", other("c"), "if x:\n\tz = a + c\n"),
    "one line": ("if x: y = 1; z = a @ b; w = 2  # end\n", "a @ b", swap, "if x: y = 1; z = b @ a; w = 2  # end\n"),
    "sum times": ("z = a + b\n", "a + b", times("c"), "z = (a + b) * c\n"),
    "sum inside times": ("z = a * b\n", "b", plus("c"), "z = a * (b + c)\n"),
    "difference inside": ("z = a - b\n", "b", plus("c"), "z = a - (b + c)\n"),
    "regrouped": ("z = a - b - c\n", "a - b - c", inner_first, "z = a - (b - c)\n"),
    "regrouped products": ("z = a / b * c\n", "a / b * c", inner_first, "z = a / (b * c)\n"),
    "sum before product": ("z = a + b * c\n", "a + b * c", sum_first, "z = (a + b) * c\n"),
    "transposed product": ("z = a @ b\n", "a @ b", transposed, "z = (a @ b).T\n"),
    "transposed name": ("z = a @ b  # .T?\n", "b", transposed, "z = a @ b.T  # .T?\n"),
    "transposed call": ("z = np.dot(a, b)\n", "np.dot(a, b)", transposed, "z = np.dot(a, b).T\n"),
    "transposed negative": ("z = -a\n", "-a", transposed, "z = (-a).T\n"),
    "transposed in brackets": ("z = (a + b)\n", "a + b", transposed, "z = ((a + b).T)\n"),
    "negative sum": ("z = a + b\n", "a + b", negative, "z = -(a + b)\n"),
    "negative power": ("z = a ** 2\n", "a ** 2", negative, "z = -a ** 2\n"),
    "power of a negative": ("z = a ** 2\n", "a", negative, "z = (-a) ** 2\n"),
    "power of a product": ("z = a ** 2\n", "a", times("b"), "z = (a * b) ** 2\n"),
    "conditional plus": ("z = a + (b if c else d)\n", "a", other("0 if c else e"),
                         "z = (0 if c else e) + (b if c else d)\n"),
    "conditional times": ("z = (a if c else b)\n", "a if c else b", times("d"), "z = ((a if c else b) * d)\n"),
    "compared": ("z = d * (a > b)\n", "a > b", lambda n: remade(n, ops=[ast.GtE()]), "z = d * (a >= b)\n"),
    "compared times": ("z = a > b\n", "a > b", times("c"), "z = (a > b) * c\n"),
    "not": ("z = not a\n", "not a", times("c"), "z = (not a) * c\n"),
    "either": ("z = a or b\n", "a or b", plus("c"), "z = (a or b) + c\n"),
    "lambda": ("z = lambda t: a + t\n", "a + t", op(ast.Sub), "z = lambda t: a - t\n"),
    "left out": ("z = (a + b) * c  # c?\n", "(a + b) * c", left, "z = a + b  # c?\n"),
    "slice": ("z = x[1:, 0]  # x[:-1]\n", "1", other("2"), "z = x[2:, 0]  # x[:-1]\n"),
    "index": ("z = h[t - 1][:, k]\n", "t - 1", left, "z = h[t][:, k]\n"),
    "tuple index": ("z = x[t, k]\n", "t", other("t + 1"), "z = x[t + 1, k]\n"),
    "key": ('z = P["W"] @ h  # "\n', '"W"', other("'U'"), 'z = P["U"] @ h  # "\n'),
    "other quotes": ("z = P['W'] @ h\n", "'W'", other('"U"'), "z = P['U'] @ h\n"),
    "in an f-string's line": ("print(f'{a}'); z = a + b\n", "a + b", op(ast.Sub), "print(f'{a}'); z = a - b\n"),
    "several lines": ("z = (a *\n     b  # why\n     + c)\n", "c", other("d"), "z = (a *\n     b  # why\n     + d)\n"),
    "after a long string":
        ('s = """\n  a + b\n"""; z = a + b\n', "a + b", op(ast.Sub), 's = """\n  a + b\n"""; z = a - b\n'),
    "continued line": ("z = a \\\n    + b * c\n", "b * c", swap, "z = a \\\n    + c * b\n"),
    "keyword": ("z = f(a, axis=0)\n", "0", other("1"), "z = f(a, axis=1)\n"),
    "two keywords": ("z = f(a, axis=0)\n", "f(a, axis=0)",
                     lambda n: remade(n, keywords=[*n.keywords, ast.keyword("keepdims", ast.Constant(True))]),
                     "z = f(a, axis=0, keepdims=True)\n"),
    "no end of line": ("z = a + b", "a + b", op(ast.Sub), "z = a - b"),
    "decorator": ("@f(a + b)\ndef g(): return a\n", "a + b", op(ast.Sub), "@f(a - b)\ndef g(): return a\n"),
    "default": ("def g(x, *, k=a + b) -> int: return x  # g\n", "a + b", op(ast.Sub),
                "def g(x, *, k=a - b) -> int: return x  # g\n"),
    "comment inside": ("z = (a  # first\n     + b)  # second\n", "a  # first\n     + b", op(ast.Sub),
                       "z = (a  # first\n     - b)  # second\n"),
    "assigned to one more": ("y = z = a + b\n", "a + b", op(ast.Sub), "y = z = a - b\n"),
    "in a comprehension": ("z = [a + t for t in x if t]  # [\n", "a + t", op(ast.Sub),
                           "z = [a - t for t in x if t]  # [\n"),
    "walrus": ("z = (y := a + b) * y\n", "a + b", op(ast.Sub), "z = (y := a - b) * y\n"),
    "star": ("z = f(*a, **b)\n", "a", other("c"), "z = f(*c, **b)\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_changes_where_it_stands(name):
    text, segment, make, wanted = EXPRESSIONS[name]
    live = live_code(text)
    site = find(live, segment)
    assert written(live, site, make(live.node(site))) == wanted


def whole(text, segment):
    """The live code, and the site of a whole statement with its block: the block's site, field and number."""
    live = live_code(text)
    site = find(live, segment)
    field, k = site.path[-1]
    return live, Site(FILE, site.number, site.path[:-1]), field, k


def with_block(live, site, field, change):
    block = live.node(site)
    body = list(getattr(block, field))
    change(body)
    return written(live, site, remade(block, **{field: body}))


def put_in(text, segment, statement, after):
    live, site, field, k = whole(text, segment)
    new = ast.parse(statement).body[0]
    located(new, live.node(site))
    return with_block(live, site, field, lambda body: body.insert(k + after, new))


# The text, the statement beside it, the new statement, whether it comes after, the text with it.
INSERTED = {
    "before": ("def f():\n    a = 1  # one\n    b = 2\n", "b = 2", "c += a @ b", 0,
               "def f():\n    a = 1  # one\n    c += a @ b\n    b = 2\n"),
    "first": ("def f():\n    # to begin with\n    a = 1\n", "a = 1", "c = 0", 0,
              "def f():\n    # to begin with\n    c = 0\n    a = 1\n"),
    "last of a loop": ("def f():\n    for t in x:\n        a = 1\n\n    # after\n    return a\n", "a = 1", "c = 0", 1,
                       "def f():\n    for t in x:\n        a = 1\n        c = 0\n\n    # after\n    return a\n"),
    "end of the file": ("def f():\n    a = 1", "a = 1", "c = 0", 1, "def f():\n    a = 1\n    c = 0\n"),
    "behind a comment": ("def f():\n    a = 1  # ü\n    return a\n", "a = 1", "c = 0", 1,
                         "def f():\n    a = 1  # ü\n    c = 0\n    return a\n"),
    "behind a block": ("def f():\n    for t in x:\n        a = 1\n    return a\n", "return a", "c = 0", 0,
                       "def f():\n    for t in x:\n        a = 1\n    c = 0\n    return a\n"),
    "in a method": ("class N:\n  def f(self):\n    a = 1\n    return a\n", "return a", "self.dW += a", 0,
                    "class N:\n  def f(self):\n    a = 1\n    self.dW += a\n    return a\n"),
    "in a nested function": ("def f():\n    def g():\n        a = 1\n        return a\n    return g\n",
                             "return a", "c = 0", 0,
                             "def f():\n    def g():\n        a = 1\n        c = 0\n        return a\n    return g\n"),
    "behind several lines": ("def f():\n    a = g(\n        1,\n    )  # )\n    return a\n", "return a", "c = 0", 0,
                             "def f():\n    a = g(\n        1,\n    )  # )\n    c = 0\n    return a\n"),
    "behind a string": ('def f():\n    a = """\n  x\n"""\n    return a\n', 'a = """\n  x\n"""', "c = 0", 1,
                        'def f():\n    a = """\n  x\n"""\n    c = 0\n    return a\n'),
    "in front of a decorator": ("def f():\n    a = 1\n    @g\n    def h(): pass\n    return h\n", "a = 1", "c = 0", 1,
                                "def f():\n    a = 1\n    c = 0\n    @g\n    def h(): pass\n    return h\n"),
    "behind the docstring": ('def f():\n    """F.\n\n    More.\n    """\n    a = 1\n', "a = 1", "c = 0", 0,
                             'def f():\n    """F.\n\n    More.\n    """\n    c = 0\n    a = 1\n'),
    "tabs": ("def f():\n\tfor t in x:\n\t\ta = 1\n\treturn a\n", "a = 1", "c = 0", 1,
             "def f():\n\tfor t in x:\n\t\ta = 1\n\t\tc = 0\n\treturn a\n"),
    "else": ("if x:\n    a = 1\nelse:\n    a = 2\n", "a = 2", "c = 0", 1,
             "if x:\n    a = 1\nelse:\n    a = 2\n    c = 0\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", INSERTED)
def test_a_statement_comes_on_a_line_of_its_own(name):
    text, segment, statement, after, wanted = INSERTED[name]
    assert put_in(text, segment, statement, after) == wanted


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ("if x: a = 1\nb = 2\n", "a = 1"),
        ("def f():\n    if x: a = 1\n    return b\n", "a = 1"),
        ("def f():\n    a = 1; b = 2  # two\n    return b\n", "a = 1"),
        ("def f():\n    a = 1; b = 2  # two\n    return b\n", "b = 2"),
        ("for t in x: a = t; b = a\n", "b = a"),
    ],
)
def test_between_statements_of_one_line(text, segment, after):
    """Where there is no line for it, the text is another or none at all; it is never another program."""
    live, site, field, k = whole(text, segment)
    new = located(ast.parse("c = 0").body[0], live.node(site))
    block = live.node(site)
    body = list(getattr(block, field))
    body.insert(k + after, new)
    edit = Edit(site, remade(block, **{field: body}), "test", 1, 1)
    texts = mended(live, [edit])
    if texts is not None:
        tried = [changes(live, [edit]).get((FILE, n), s) for n, s in enumerate(live.sources[FILE].tree.body)]
        assert ast.dump(ast.parse(texts[FILE])) == ast.dump(ast.parse(ast.unparse(ast.Module(tried, []))))


# The text, the statement that goes, the text without it.
REMOVED = {
    "a line": ("def f():\n    a = 1\n    b = 2  # b\n    return a\n", "b = 2", "def f():\n    a = 1\n    return a\n"),
    "several lines": ("def f():\n    a = g(\n        1,\n    )\n    return b\n", 'a = g(\n        1,\n    )',
                      "def f():\n    return b\n"),
    "the only one": ("def f():\n    a = 1  # one\n", "a = 1", "def f():\n    pass  # one\n"),
    "one of a line": ("def f():\n    a = 1; b = 2; c = 3\n", "b = 2", "def f():\n    a = 1; pass; c = 3\n"),
    "behind a colon": ("for t in x: a = 1; b = 2\n", "b = 2", "for t in x: a = 1; pass\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", REMOVED)
def test_a_statement_goes_with_its_lines(name):
    text, segment, wanted = REMOVED[name]
    live, site, field, k = whole(text, segment)
    lone = len(getattr(live.node(site), field)) == 1
    if lone or ";" in text:
        assert written(live, find(live, segment), ast.Pass()) == wanted
    else:
        assert with_block(live, site, field, lambda body: body.pop(k)) == wanted


CHANGED = {
    "augmented": ("if x: dW = a @ b  # sum\n", "dW = a @ b", "+=", "if x: dW += a @ b  # sum\n"),
    "assigned": ("def f():\n    dW += (a @\n           b)\n", "dW += (a @\n           b)", "=",
                 "def f():\n    dW = (a @\n           b)\n"),
    "over lines": ("def f():\n    dW = (\n        a @ b  # why\n    )\n", "dW = (\n        a @ b  # why\n    )", "+=",
                   "def f():\n    dW += (\n        a @ b  # why\n    )\n"),
    "in a call": ("def f():\n    dW = g(\n        a,  # why\n        b)\n", "dW = g(\n        a,  # why\n        b)",
                  "+=",
                  "def f():\n    dW += g(\n        a,  # why\n        b)\n"),
    "an attribute": ("def f(s):\n    s.dW[t]  =  a; return s\n", "s.dW[t]  =  a", "-=",
                     "def f(s):\n    s.dW[t]  -=  a; return s\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_a_statement_of_another_kind(name):
    text, segment, operator, wanted = CHANGED[name]
    live = live_code(text)
    site = find(live, segment)
    old = live.node(site) if site.path else live.statement(site.spot)
    target = old.target if isinstance(old, ast.AugAssign) else old.targets[0]
    kinds = {"+=": ast.Add, "-=": ast.Sub}
    new = ast.AugAssign(target, kinds[operator](), old.value) if operator in kinds else ast.Assign([target], old.value)
    assert written(live, site, new) == wanted


def test_a_discarded_sum_is_kept():
    text = "def f(s):\n    s.db + dz  # ?\n    return s\n"
    live = live_code(text)
    site = find(live, "s.db + dz")
    while isinstance(live.node(site), ast.expr):
        site = Site(FILE, site.number, site.path[:-1])
    value = live.node(site).value
    new = ast.AugAssign(remade(value.left, ctx=ast.Store()), ast.Add(), value.right)
    assert written(live, site, new) == "def f(s):\n    s.db += dz  # ?\n    return s\n"


def test_two_edits_of_one_file():
    text = "# first\nz = a + b  # z\n\ndef f():\n    return a @ b  # f\n"
    live = live_code(text)
    edits = []
    for segment, make in (("a + b", op(ast.Sub)), ("a @ b", swap)):
        site = find(live, segment)
        edits.append(Edit(site, located(make(live.node(site)), live.node(site)), "test", 1, 1))
    assert mended(live, edits) == {FILE: "# first\nz = a - b  # z\n\ndef f():\n    return b @ a  # f\n"}


STYLES = '''#!/usr/bin/env python
"""Ein Netz – mit Umlauten: äöü."""
import functools
import numpy as np

rng = np.random.RandomState(0); X, Y = rng.randn(3, 2), rng.randn(3, 3)
U, W, V = rng.randn(2, 4), rng.randn(4, 4) * 0.5, rng.randn(4, 3)
ß, ц = rng.randn(4) * 0.1, rng.randn(3) * 0.1


def quiet(f):
    @functools.wraps(f)
    def inner(*args):
        return f(*args)
    return inner


@quiet
def forward(X, Y):
    h = np.zeros((len(X) + 1, 4))
    for t in range(len(X)):
        h[t] = np.maximum(X[t] @ U + h[t - 1] @ W + ß, 0)   # état caché – ü
    o = (h[:-1]
         @ V
         + ц)  # höher

    return 0.5 * np.sum((o - Y) ** 2), h, o


@quiet
def backward(X, Y):
    """Rückwärts.

        dU = nothing here
    """
    _, h, o = forward(X, Y)
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    dß = np.zeros_like(ß); dц = np.zeros_like(ц)   # ; both
    do = o - Y

    # carried – größer
    carry = np.zeros(4)
    for t in reversed(range(len(X))):
        dh = V @ do[t]; dh = dh + carry  # ü; "
        da = np.where(
            h[t] > 0, dh, 0.0
        )
        dU += np.outer(X[t], da); dW += np.outer(h[t - 1], da) # zwei
        dV += np.outer(
            h[t],
            do[t],
        )
        if t >= 0: dß += da; dц += do[t]

        carry = W @ da
    return {
        'U': dU, 'W': dW, 'V': dV,
        "ß": dß,  # σ
        'ц': dц}
'''


def all_edits(path):
    """All small edits of a program, as the search makes them."""
    program = Program(path)
    program.load()
    said = Expressions("U,W,V,ß,ц", "forward(X, Y)[0]", "backward(X, Y)", None, None, None, 1.0)
    subject = FileSubject(program, said)
    live = LiveCode(subject)
    made, sites = instrumented(live, live.spots)
    with live.changed(made), watching(sites, live) as trace:
        evaluate_gradients(subject, Setting(), loss_first=True)
    grammar = Grammar(live, trace)
    for spot in live.spots:
        for site, node in live.sites(spot):
            if site.path and isinstance(node, ast.expr | ast.Slice):
                yield from ((live, edit) for edit in grammar.edits(site, node))
            elif site.path and isinstance(node, ast.stmt):
                yield from ((live, edit) for edit in statements.edits(live, site, node))


def comments(text):
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return collections.Counter(token.string for token in tokens if token.type == tokenize.COMMENT)


@pytest.mark.parametrize("indent", ["    ", "  ", "\t"])
def test_every_small_edit_can_be_written(tmp_path, indent):
    """Not one is lost because its text could not be made, but for loops moved into a line of statements."""
    path = tmp_path / "styles.py"
    path.write_text(STYLES.replace("    ", indent), encoding="utf-8")
    lost, count = [], 0
    for live, edit in all_edits(path):
        made = changes(live, [edit])
        (file,) = live.sources
        tried = ast.Module([made.get((file, k), s) for k, s in enumerate(live.sources[file].tree.body)], [])
        try:
            compile(ast.unparse(tried), "tried", "exec")
        except SyntaxError:
            continue
        count += 1
        old = live.node(edit.site)
        texts = mended(live, [edit])
        if texts is None:
            lost.append((edit.kind, edit.line, ast.unparse(old)[:60]))
            continue
        assert ast.dump(ast.parse(texts[file])) == ast.dump(ast.parse(ast.unparse(tried)))
        if isinstance(old, ast.expr):
            assert comments(texts[file]) == comments(live.sources[file].text), (edit.kind, edit.line)
    assert count > 500
    # A loop cannot stand behind a semicolon.
    compound = {node.lineno for node in ast.walk(live.sources[file].tree) if isinstance(node, ast.For | ast.If)}
    assert [each for each in lost if each[1] not in compound] == []
    assert len(lost) < 4


def test_places_are_found_by_their_text():
    live = live_code("a = 1\nb = a + 2\n")
    site = find(live, "a + 2")
    assert isinstance(at(live.statement(site.spot), site.path), ast.BinOp)
