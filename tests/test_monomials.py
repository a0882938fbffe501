"""Products are found by what they are worth, and what is found is worth it."""

import ast

import numpy as np
import pytest

from rnn_jax.verify.repair.harvest import Values
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.probe import shape_of
from rnn_jax.verify.repair.scattered import scattered
from rnn_jax.verify.repair.sums import factors
from rnn_jax.verify.repair.terms import two
from rnn_jax.verify.repair.totals import images_in_all, multiple, totals

T, H, D, B = 4, 5, 3, 2
RNG = np.random.default_rng(3)
KNOWN = {
    "W": [RNG.normal(size=(H, D))] * T,
    "a": [RNG.normal(size=H) for _ in range(T)],
    "b": [RNG.normal(size=H) for _ in range(T)],
    "g": [np.tanh(RNG.normal(size=H)) for _ in range(T)],
    "i[t]": [RNG.normal(size=H) for _ in range(T)],
    "x": [RNG.normal(size=D) for _ in range(T)],
    "eye": [np.eye(H)] * T,
    "X": [RNG.normal(size=(B, D)) for _ in range(T)],
    "Z": [RNG.normal(size=(B, H)) for _ in range(T)],
    "on": [(RNG.normal(size=H) > 0).astype(float) for _ in range(T)],
    "off": [(np.random.default_rng(t).normal(size=H) > -1).astype(float) for t in range(T)],
    "lr": [0.3] * T,
    "k": [2, 0, 2, 1],
}


@pytest.fixture
def found():
    return Monomials(
        {text: Values(shape_of(values[0]), [np.asarray(v) for v in values]) for text, values in KNOWN.items()}, "np"
    )


def worth(text):
    """What a text is worth at each iteration."""
    made = []
    for t in range(T):
        names = {text: values[t] for text, values in KNOWN.items() if text.isidentifier()}
        made.append(eval(text.replace("i[t]", "i_t"), {"np": np, "i_t": KNOWN["i[t]"][t], **names}))
    return made


def each(of):
    return [of(**{name.replace("i[t]", "i"): values[t] for name, values in KNOWN.items()}) for t in range(T)]


ELEMENTWISE = {
    "one": lambda a, **_: a,
    "two": lambda a, b, **_: a * b,
    "a slope": lambda a, i, g, **_: a * i * (1 - g**2),
    "four": lambda a, b, i, g, **_: a * b * i * (1 - g),
    "a sign": lambda a, b, **_: -a * b,
    "a number": lambda a, lr, **_: lr * a,
    "of three axes": lambda eye, x, **_: eye[:, :, None] * x,
    "outer": lambda a, x, **_: a[:, None] * x,
    "a column": lambda Z, b, **_: Z * b,
    "a mask": lambda a, b, g, on, **_: a * b * (1 - g**2) * on,
    "two masks on a product of four": lambda a, b, i, g, on, off, **_: a * b * i * (1 - g) * on * off,
}
MATRICES = {
    "back": lambda W, a, **_: W.T @ a,
    "there": lambda W, x, **_: -(W @ x),
    "of a product": lambda W, a, g, **_: W.T @ (a * (1 - g**2)),
    "of rows": lambda Z, W, **_: Z @ W,
    "of rows, transposed": lambda X, W, **_: X @ W.T,
}
SUMS = {
    "outer": lambda a, x, **_: np.outer(a, x),
    "outer of a product": lambda a, g, x, **_: np.outer(a * (1 - g**2), x),
    "over a batch": lambda Z, X, **_: Z.T @ X,
    "of a vector": lambda a, b, **_: a * b,
    "of a batch's rows": lambda Z, **_: Z.sum(axis=0),
    "of what is no vector": lambda W, lr, **_: W * lr,
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_products_of_elements(found, name):
    wanted = each(ELEMENTWISE[name])
    texts = [w.text for w in found.equal_to(wanted)]
    assert texts
    for text in texts:
        for made, right in zip(worth(text), wanted, strict=True):
            np.testing.assert_allclose(np.broadcast_to(made, right.shape), right, rtol=1e-12)


@pytest.mark.parametrize("name", MATRICES)
def test_products_with_a_matrix(found, name):
    wanted = each(MATRICES[name])
    texts = [w.text for w in found.equal_to(wanted)]
    assert texts
    for text in texts:
        np.testing.assert_allclose(np.stack(worth(text)), np.stack(wanted), rtol=1e-12)


@pytest.mark.parametrize("scale", [1, -1, 1 / 7], ids=["itself", "its negative", "a mean"])
@pytest.mark.parametrize("name", SUMS)
def test_sums_over_all_iterations(found, name, scale):
    wanted = scale * np.sum(each(SUMS[name]), axis=0)
    texts = [w.text for w in totals(found, wanted)]
    assert texts
    for text in texts:
        total = np.sum(worth(text), axis=0)
        assert multiple(total, wanted)


TWO = {
    "back and on": lambda W, a, x, **_: W.T @ a + x,
    "two products": lambda a, b, g, i, **_: a * b + g * i,
    "a difference": lambda a, b, **_: a - b,
    "the negative of both": lambda a, b, **_: -a - b,
    "of three factors": lambda a, b, g, i, **_: (1 - g) * a + b * g * i,
    "two matrices": lambda Z, W, X, **_: Z @ W + X,
}


@pytest.mark.parametrize("name", TWO)
def test_sums_of_two(found, name):
    wanted = each(TWO[name])
    texts = [w.text for w in two(found, wanted)]
    assert texts
    for text in texts:
        np.testing.assert_allclose(np.stack(worth(text)), np.stack(wanted), rtol=1e-12)


def test_no_sum_of_two_is_found_for_numbers_of_chance(found):
    rng = np.random.default_rng(9)
    assert list(two(found, [rng.normal(size=H) for _ in range(T)])) == []
    for count in (1, 2):  # of an array as many numbers are made as are needed to tell
        assert list(two(found, [rng.normal(size=H) for _ in range(count)])) == []


def test_sums_into_the_place_of_an_index(found):
    wanted = np.zeros((4, H))
    for t, values in enumerate(each(lambda a, b, **_: a * b)):
        wanted[KNOWN["k"][t]] += values
    assert [(index, w.text) for index, w in scattered(found, wanted)] == [("[k]", "a * b")]


def test_some_of_the_iterations_are_enough(found):
    wanted = each(ELEMENTWISE["a slope"])[1:3]
    assert [w.text for w in found.worth(wanted, 1)] == ["a * i[t] * (1 - g ** 2)"]


def test_nothing_is_found_for_numbers_of_chance(found):
    """Millions of products are held against these: none may come near by chance."""
    rng = np.random.default_rng(8)
    assert list(found.equal_to([rng.normal(size=H) for _ in range(T)])) == []
    assert list(found.equal_to([rng.normal(size=(H, D)) for _ in range(T)])) == []
    assert list(totals(found, rng.normal(size=(H, D)))) == []
    assert list(scattered(found, rng.normal(size=(4, H)))) == []


def stock_of(**values):
    return {text: Values(shape_of(v[0]), [np.asarray(each) for each in v]) for text, v in values.items()}


def test_a_summand_may_lack_a_difference_as_its_factor():
    rng = np.random.default_rng(4)
    p, y, d = rng.normal(size=(T, 3, 2)), rng.normal(size=T), rng.normal(size=T)
    known = Monomials(stock_of(p=list(p), y=list(map(float, y)), d=list(map(float, d))), "np")
    right = np.einsum("t,tij->ij", y - d, p)
    statement = ast.parse("g += p").body[0]
    assert "y - d" in [w.text for w in factors(known, statement, right)]
    assert list(factors(known, statement, rng.normal(size=(3, 2)))) == []


def test_what_a_matrix_gives_is_added_up(found):
    wanted = np.sum(each(lambda W, b, **_: W.T @ b), axis=0)
    assert [w.text for w in images_in_all(found, wanted)] == ["W.T @ b"]
    assert list(images_in_all(found, np.random.default_rng(5).normal(size=D))) == []


def test_where_anything_will_do_the_rest_decides(found):
    wanted = each(ELEMENTWISE["a slope"])
    wanted[1][2] = np.nan
    assert "a * i[t] * (1 - g ** 2)" in [w.text for w in found.worth(wanted)]
    assert list(two(found, wanted)) == [], "sums are not looked for"


def test_of_one_number_no_multiple_will_do():
    assert multiple(np.array([2.0]), np.array([2.0]))
    assert multiple(np.array([-2.0]), np.array([2.0]))
    assert not multiple(np.array([2.0]), np.array([3.0]))
    assert multiple(np.array([2.0, 4.0]), np.array([1.0, 2.0]))
    assert not multiple(np.array([2.0, 4.0]), np.array([1.0, 2.1]))


def test_of_a_single_number_no_row_is_asked_for():
    stock = {"k": Values(("int",), [np.array(0), np.array(1)]), "x": Values(("float",), [np.array(0.3), np.array(0.7)])}
    statement = ast.parse("g[k] += x").body[0]
    assert list(factors(Monomials(stock, "np"), statement, np.array(2.0))) == []
