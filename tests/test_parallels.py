"""What a statement would be for something else: by how others differ, by what is asked of others, by what is cut."""

import ast

import pytest

from rnn_jax.verify.repair.cursors import pieces
from rnn_jax.verify.repair.missing import scales
from rnn_jax.verify.repair.packed import rest_of
from rnn_jax.verify.repair.parallels import asked, changes_of, entry_by_entry, of_the_rest, paralleled
from rnn_jax.verify.repair.ranking import only_kept
from rnn_jax.verify.repair.siblings import words

BODY = """
def back():
    z, h = u[:, :n], u[:, n:]
    push, pop, stay = a[t]
    g.Uc += outer(ec, h)
    g.Vc += outer(ec, s)
    dh = dh + net.Uc.T @ ec + net.Uw[own].T @ ew
    dz = dz + e[:, :n]
    z = z + e[:, :n]
    q = q + (W.T @ e)[:n]
    q, r = a
    d[i + 1] += pop * b[i]
    ds = net.Vw[own]
    cell.zero()
    gate.back(x)
    self.gate.back(x)
"""
FUNCTION = ast.parse(BODY).body[0]
assert isinstance(FUNCTION, ast.FunctionDef)


def statement(text: str) -> ast.stmt:
    """The one of the function that begins so."""
    return next(each for each in FUNCTION.body if ast.unparse(each).startswith(text))


def test_what_two_statements_differ_by_is_done_to_a_third():
    changes = changes_of(FUNCTION)
    assert (("Uc", "Vc"), ("h", "s")) in changes
    made = [ast.unparse(each) for each in paralleled(statement("dh ="), changes, set(words(FUNCTION)))]
    assert "ds = ds + net.Vc.T @ ec + net.Vw[own].T @ ew" in made


def test_nothing_is_made_of_names_that_there_are_not():
    known = set(words(FUNCTION))
    for names, there in ((known, True), (known - {"ds"}, False)):
        made = [ast.unparse(each) for each in paralleled(statement("dh ="), changes_of(FUNCTION), names)]
        assert any(each.startswith("ds ") for each in made) is there


def test_what_is_asked_of_one_object_is_asked_of_another_of_its_sort():
    assert [ast.unparse(each) for each in asked(statement("cell"), FUNCTION)] == ["gate.zero()"]


def test_entries_are_numbered_otherwise_and_take_what_else_was_taken_apart():
    made = {ast.unparse(each) for each in entry_by_entry(statement("d[i + 1]"), FUNCTION.body, FUNCTION)}
    assert {"d[i] += stay * b[i]", "d[i + 1] += push * b[i]"} <= made
    assert not any("pop" in each for each in made)


def test_the_rest_of_a_cut_is_for_the_other_name():
    assert [ast.unparse(each) for each in of_the_rest(statement("z = z"), FUNCTION)] == ["h = h + e[:, n:]"]
    assert [ast.unparse(each) for each in of_the_rest(statement("q = q"), FUNCTION)] == ["r = r + (W.T @ e)[n:]"]
    assert not list(of_the_rest(statement("dz"), FUNCTION))  # nothing was taken apart with it


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("x = a[at:at + n]", [("at", "n")]),
        ("x = a[at:n + at].T", [("at", "n")]),
        ("x = a[at:at + n * m]", [("at", "n * m")]),
        ("x = a[at:end]", []),
        ("x = a[2:2 + n]", []),
        ("x = a[at:at - n]", []),
    ],
)
def test_pieces_that_are_taken_one_after_the_other(body, found):
    loop = ast.parse(f"for k in r:\n    {body}").body[0]
    assert isinstance(loop, ast.For)
    assert list(pieces(loop)) == found


@pytest.mark.parametrize(
    ("cut", "left"), [(":n", ["n:"]), ("2 * n:", [":2 * n"]), ("n:m", []), (":", []), (":n:2", [])]
)
def test_what_a_cut_leaves(cut, left):
    index = ast.parse(f"a[{cut}]", mode="eval").body
    assert isinstance(index, ast.Subscript)
    assert list(rest_of(index.slice)) == left


@pytest.mark.parametrize(
    ("statement", "shares"),
    [
        ("d = p * scale", {"d": {"1", "p", "scale"}}),
        ("d = p / len(p)", {}),
        ("d = p / n", {"d": {"1", "1 / n"}}),
        ("d = p", {}),
        ("d += p * scale", {}),
    ],
)
def test_the_share_of_a_target(statement, shares):
    found = scales(ast.parse(statement).body)
    assert {name: set(each) for name, each in found.items() if len(each) > 1} == shares


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("before = h, s\n    s = f(s)\n    record.append((before, s))", True),
        ("before = h, s\n    s = f(before)\n    record.append((before, s))", False),
        ("before = h, s\n    s = f(s)", False),
    ],
)
def test_what_only_a_record_keeps(body, kept):
    loop = ast.parse(f"for k in r:\n    {body}").body[0]
    assert isinstance(loop, ast.For)
    assert only_kept(loop, loop.body[0]) is kept
