"""Another convention is the same numbers in other places: nothing is lost, gained or reordered unseen."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.conventions import CONVENTIONS, back, fold_biases, to

D, H, K = 5, 3, 7
GATE_COUNT = {"rnn": 1, "lstm": 4, "gru": 3, "gru-before": 3}
PAIRS = [(name, cell) for name in CONVENTIONS for cell in CONVENTIONS[name].cells]

# Written down once more, by hand: which conventions always, sometimes and never have a recurrent bias.
ALWAYS = {("pytorch", "rnn"), ("pytorch", "lstm"), ("pytorch", "gru"), ("keras", "gru"), ("flax", "gru")}
SOMETIMES = {("columns", cell) for cell in GATE_COUNT} | {
    (paper, cell) for paper in ("cho", "chung") for cell in ("gru", "gru-before")
}
NEVER = set(PAIRS) - ALWAYS - SOMETIMES


def shapes(cell, bh=False, D=D, H=H, K=K):
    GH = GATE_COUNT[cell] * H
    recurrent = {"bh": (GH,)} if bh else {}
    return {"U": (D, GH), "W": (H, GH), "b": (GH,), **recurrent, "V": (H, K), "c": (K,)}


def any_bits(shape, dtype, rng):
    """Every bit pattern: subnormals, infinities, negative zeros and NaNs with their signs and payloads."""
    return np.frombuffer(rng.bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize), dtype).reshape(shape)


def draw(cell, rng, bh=False):
    return {name: rng.standard_normal(shape) for name, shape in shapes(cell, bh).items()}


def representable(name, cell, params):
    """linen's GRU has a recurrent bias on n alone."""
    if (name, cell) == ("flax", "gru") and "bh" in params:
        bh = params["bh"].copy()
        bh[: 2 * len(bh) // 3] = 0
        return params | {"bh": bh}
    return params


def assert_same_bits(actual, expected):
    assert actual.keys() == expected.keys()
    for name in expected:
        assert (actual[name].shape, actual[name].dtype) == (expected[name].shape, expected[name].dtype), name
        assert actual[name].tobytes() == expected[name].tobytes(), name


sizes = st.tuples(*[st.integers(1, 6)] * 3)
dtypes = st.sampled_from(["float16", "float32", "float64", "complex128"])


@pytest.mark.parametrize(("name", "cell"), PAIRS)
@settings(max_examples=20, deadline=None)
@given(sizes=sizes, dtype=dtypes, seed=st.integers(0, 2**32), readout=st.sampled_from(["Vc", "V", "c", ""]))
def test_there_and_back_keeps_every_bit(name, cell, sizes, dtype, seed, readout):
    rng = np.random.default_rng(seed)
    for bh in {False, (name, cell) not in NEVER}:
        params = {key: any_bits(shape, dtype, rng) for key, shape in shapes(cell, bh, *sizes).items()}
        params = {key: params[key] for key in params if key not in "Vc" or key in readout}
        params = representable(name, cell, params)
        there = to(name, cell, params)
        expected = params
        if not bh and (name, cell) in ALWAYS:
            order = [key for key in ("U", "W", "b", "bh", "V", "c") if key in params or key == "bh"]
            expected = {key: params[key] if key in params else np.zeros_like(params["b"]) for key in order}
        assert_same_bits(back(name, cell, there), expected)


@pytest.mark.parametrize(("name", "cell"), PAIRS)
@settings(max_examples=20, deadline=None)
@given(sizes=sizes, dtype=dtypes, seed=st.integers(0, 2**32))
def test_back_and_there_keeps_every_bit(name, cell, sizes, dtype, seed):
    rng = np.random.default_rng(seed)
    for bh in {False, (name, cell) not in NEVER}:
        params = {key: np.zeros(shape) for key, shape in shapes(cell, bh, *sizes).items()}
        theirs = {key: any_bits(array.shape, dtype, rng) for key, array in to(name, cell, params).items()}
        assert_same_bits(to(name, cell, back(name, cell, theirs)), theirs)


@pytest.mark.parametrize(("name", "cell"), PAIRS)
def test_gradients_travel_as_parameters_do(name, cell):
    """<g, p> is kept, so g is still the gradient after both have moved; integers make the sums exact."""
    rng = np.random.default_rng(1)
    for bh in {False, (name, cell) not in NEVER}:
        params, gradients = (
            representable(name, cell, {k: rng.integers(-9, 10, s).astype(float) for k, s in shapes(cell, bh).items()})
            for _ in range(2)
        )
        ours = sum(np.sum(gradients[key] * params[key]) for key in params)
        p, g = to(name, cell, params), to(name, cell, gradients)
        assert ours != 0
        assert sum(np.sum(g[key] * p[key]) for key in p) == ours


@pytest.mark.parametrize(("name", "cell"), PAIRS)
def test_results_are_fresh_and_in_c_order(name, cell):
    params = representable(name, cell, draw(cell, np.random.default_rng(2), bh=(name, cell) not in NEVER))
    theirs = to(name, cell, params)
    ours = back(name, cell, theirs)
    for results, sources in ((theirs, params), (ours, theirs), (fold_biases(cell, params), params)):
        for array in results.values():
            assert array.flags.c_contiguous
            assert array.flags.writeable
            assert not any(np.shares_memory(array, source) for source in sources.values())


def numbered(cell, bh=False):
    """D = 2, H = 1, K = 3, and every entry another number; gate k has the k-th column."""
    gate = np.arange(1.0, 1 + GATE_COUNT[cell])
    params = {"U": np.array([10 + gate, 20 + gate]), "W": 30 + gate[None], "b": 40 + gate}
    return params | ({"bh": 50 + gate} if bh else {})


LSTM_KERNELS = {"ig.kernel": [[13], [23]], "io.kernel": [[14], [24]], "ii.kernel": [[11], [21]]} | {
    f"h{gate}.{kind}": [[30 + k]] if kind == "kernel" else [40 + k]
    for k, gate in ((1, "i"), (2, "f"), (3, "g"), (4, "o"))
    for kind in ("kernel", "bias")
}
BY_HAND = [
    ("columns", "gru", True, {"U": [[11, 21], [12, 22], [13, 23]], "W": [[31], [32], [33]]}),
    ("columns", "gru", True, {"b": [[41], [42], [43]], "bh": [[51], [52], [53]]}),
    ("steps", "rnn", False, {"Wax": [[11, 21]], "Waa": [[31]], "b": [[41]]}),
    ("char-rnn", "rnn", False, {"Wxh": [[11, 21]], "Whh": [[31]], "bh": [[41]]}),
    ("pytorch", "gru", True, {"weight_ih_l0": [[11, 21], [12, 22], [13, 23]], "weight_hh_l0": [[31], [32], [33]]}),
    ("pytorch", "gru", True, {"bias_ih_l0": [41, 42, 43], "bias_hh_l0": [51, 52, 53]}),
    ("pytorch", "lstm", False, {"bias_ih_l0": [41, 42, 43, 44], "bias_hh_l0": [0, 0, 0, 0]}),
    ("keras", "rnn", False, {"kernel": [[11], [21]], "recurrent_kernel": [[31]], "bias": [41]}),
    ("keras", "lstm", False, {"kernel": [[11, 12, 13, 14], [21, 22, 23, 24]], "bias": [41, 42, 43, 44]}),
    ("keras", "gru", True, {"kernel": [[12, 11, 13], [22, 21, 23]], "recurrent_kernel": [[32, 31, 33]]}),
    ("keras", "gru", True, {"bias": [[42, 41, 43], [52, 51, 53]]}),
    ("keras", "gru-before", False, {"kernel": [[12, 11, 13], [22, 21, 23]], "bias": [42, 41, 43]}),
    ("flax", "rnn", False, {"i.kernel": [[11], [21]], "h.kernel": [[31]], "i.bias": [41]}),
    ("flax", "lstm", False, LSTM_KERNELS | {"if.kernel": [[12], [22]]}),
    ("flax", "gru", False, {"ir.kernel": [[11], [21]], "iz.kernel": [[12], [22]], "in.kernel": [[13], [23]]}),
    ("flax", "gru", False, {"hr.kernel": [[31]], "hz.kernel": [[32]], "hn.kernel": [[33]], "hn.bias": [0]}),
    ("flax", "gru", False, {"ir.bias": [41], "iz.bias": [42], "in.bias": [43]}),
    ("flax-nnx", "lstm", False, LSTM_KERNELS | {"if_.kernel": [[12], [22]]}),
    ("flax-nnx", "gru", False, {"dense_i.kernel": [[11, 12, 13], [21, 22, 23]], "dense_i.bias": [41, 42, 43]}),
    ("flax-nnx-optimized", "lstm", False, {"dense_h.kernel": [[31, 32, 33, 34]], "dense_h.bias": [41, 42, 43, 44]}),
    ("cho", "gru", True, {"W_r": [[11, 21]], "W_z": [[12, 22]], "W": [[13, 23]], "U_z": [[32]], "bh_z": [[52]]}),
    ("chung", "gru", True, {"W_r": [[11, 21]], "W_z": [[-12, -22]], "W": [[13, 23]]}),
    ("chung", "gru", True, {"U_r": [[31]], "U_z": [[-32]], "U": [[33]], "b_r": [[41]], "b_z": [[-42]], "b": [[43]]}),
    ("chung", "gru", True, {"bh_r": [[51]], "bh_z": [[-52]], "bh": [[53]]}),
]


@pytest.mark.parametrize(("name", "cell", "bh", "expected"), BY_HAND)
def test_small_cases_by_hand(name, cell, bh, expected):
    theirs = to(name, cell, numbered(cell, bh))
    assert {key: theirs[key].tolist() for key in expected} == expected


@pytest.mark.parametrize(
    ("name", "V", "c", "transposed", "column"),
    [
        ("columns", "V", "c", True, True),
        ("steps", "Wya", "by", True, True),
        ("char-rnn", "Why", "by", True, True),
        ("pytorch", "readout.weight", "readout.bias", True, False),
        ("keras", "readout.kernel", "readout.bias", False, False),
        ("flax", "readout.kernel", "readout.bias", False, False),
        ("flax-nnx", "readout.kernel", "readout.bias", False, False),
    ],
)
def test_the_readout_by_hand(name, V, c, transposed, column):
    theirs = to(name, "rnn", numbered("rnn") | {"V": np.array([[61.0, 62.0, 63.0]]), "c": np.array([71.0, 72.0, 73.0])})
    assert theirs[V].tolist() == ([[61], [62], [63]] if transposed else [[61, 62, 63]])
    assert theirs[c].tolist() == ([[71], [72], [73]] if column else [71, 72, 73])


def test_layer_and_direction_are_in_the_pytorch_names():
    params = draw("lstm", np.random.default_rng(3), bh=True)
    theirs = to("pytorch", "lstm", params, layer=2, reverse=True)
    names = ["weight_ih_l2_reverse", "weight_hh_l2_reverse", "bias_ih_l2_reverse", "bias_hh_l2_reverse"]
    assert list(theirs) == [*names, "readout.weight", "readout.bias"]
    assert_same_bits(back("pytorch", "lstm", theirs, layer=2, reverse=True), params)
    with pytest.raises(ValueError, match="have weight_ih_l2_reverse, "):
        back("pytorch", "lstm", theirs, layer=2)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def canonical_states(cell, params, x, h, s):
    """Rows, time-major, h and s at every step; the equations as NOTATION.md has them."""
    U, W, b = params["U"], params["W"], params["b"]
    bh = np.zeros_like(b) if params.get("bh") is None else params["bh"]
    states = []
    for x_t in x:
        i = np.split(x_t @ U + b, GATE_COUNT[cell], axis=-1)
        r = np.split(h @ W + bh, GATE_COUNT[cell], axis=-1)
        if cell == "rnn":
            h = np.tanh(i[0] + r[0])
        elif cell == "lstm":
            s = sigmoid(i[1] + r[1]) * s + sigmoid(i[0] + r[0]) * np.tanh(i[2] + r[2])
            h = sigmoid(i[3] + r[3]) * np.tanh(s)
        else:
            reset, z = sigmoid(i[0] + r[0]), sigmoid(i[1] + r[1])
            H = h.shape[-1]
            inner = reset * r[2] if cell == "gru" else (reset * h) @ W[:, 2 * H :] + bh[2 * H :]
            h = (1 - z) * np.tanh(i[2] + inner) + z * h
        states.append(h)
    return np.array(states)


@pytest.mark.parametrize("paper", ["cho", "chung"])
@pytest.mark.parametrize("cell", ["gru", "gru-before"])
def test_the_papers_equations_give_the_same_states(paper, cell):
    rng = np.random.default_rng(4)
    params, x, h0 = draw(cell, rng, bh=True), rng.standard_normal((6, 2, D)), rng.standard_normal((2, H))
    p = to(paper, cell, params)
    h, states = h0.T, []
    for x_t in x:
        column = x_t.T
        r = sigmoid(p["W_r"] @ column + p["b_r"] + p["U_r"] @ h + p["bh_r"])
        z = sigmoid(p["W_z"] @ column + p["b_z"] + p["U_z"] @ h + p["bh_z"])
        inner = r * (p["U"] @ h + p["bh"]) if cell == "gru" else p["U"] @ (r * h) + p["bh"]
        candidate = np.tanh(p["W"] @ column + p["b"] + inner)
        h = z * h + (1 - z) * candidate if paper == "cho" else (1 - z) * h + z * candidate
        states.append(h.T)
    np.testing.assert_allclose(states, canonical_states(cell, params, x, h0, None), rtol=1e-12)


@pytest.mark.parametrize("cell", GATE_COUNT)
@pytest.mark.parametrize("bh_n", ["drawn", "zero"])
def test_folded_biases_give_the_same_states(cell, bh_n):
    rng = np.random.default_rng(5)
    params = draw(cell, rng, bh=True)
    if bh_n == "zero":
        params["bh"][2 * H : 3 * H] = 0
    folded = fold_biases(cell, params)
    assert not np.array_equal(folded["b"], params["b"])
    if cell == "gru" and bh_n == "drawn":
        np.testing.assert_array_equal(folded["bh"], np.concatenate([np.zeros(2 * H), params["bh"][2 * H :]]))
        np.testing.assert_array_equal(folded["b"][2 * H :], params["b"][2 * H :])
    else:
        assert "bh" not in folded
    x, h0, s0 = (rng.standard_normal(shape) for shape in ((6, 2, D), (2, H), (2, H)))
    np.testing.assert_allclose(
        canonical_states(cell, folded, x, h0, s0), canonical_states(cell, params, x, h0, s0), rtol=1e-12
    )


@pytest.mark.parametrize(("name", "cell"), sorted(NEVER | {("flax", "gru")}))
def test_a_second_bias_without_a_place_is_refused_until_folded(name, cell):
    params = draw(cell, np.random.default_rng(6), bh=True)
    with pytest.raises(ValueError, match="no recurrent bias") as refused:
        to(name, cell, params)
    folded = fold_biases(cell, params)
    if cell == "gru" and name != "flax":
        assert str(refused.value).endswith(
            "r multiplies bh_n, which cannot be added to b, so use pytorch, keras or flax"
        )
        with pytest.raises(ValueError, match="for r, z, n in the cell 'gru'"):
            to(name, cell, folded)
        params["bh"][2 * H :] = 0
        folded = fold_biases(cell, params)
    else:
        assert str(refused.value).endswith(f"add it to b with fold_biases({cell!r}, params) first")
    assert_same_bits(back(name, cell, to(name, cell, folded)), folded)


def test_a_negative_zero_is_refused_rather_than_lost():
    params = draw("gru", np.random.default_rng(7)) | {"bh": np.zeros(3 * H)}
    assert back("flax", "gru", to("flax", "gru", params))["bh"].tobytes() == params["bh"].tobytes()
    params["bh"][0] = -0.0
    with pytest.raises(ValueError, match="no recurrent bias for r in"):
        to("flax", "gru", params)


def changed(convert, name, cell, *, without=None, **replaced):
    """A call of to or back with the right arrays but for one, given by its shape."""
    arrays = draw(cell, np.random.default_rng(8), bh=(name, cell) not in NEVER)
    arrays = to(name, cell, arrays) if convert is back else arrays
    arrays |= {key.replace("__", "."): np.zeros(shape) for key, shape in replaced.items()}
    return lambda: convert(name, cell, {key: array for key, array in arrays.items() if key != without})


MIXED = draw("gru", np.random.default_rng(9)) | {"bh": np.zeros(9, "float32")}
TWO_BIASES = draw("lstm", np.random.default_rng(9)) | {"bh": np.full(12, -2.5)}
WRONG = [
    (lambda: to("torch", "rnn", {}), "there is no convention 'torch', only columns, steps, char-rnn, pytorch, "),
    (lambda: to("keras", "GRU", {}), "there is no cell 'GRU', only rnn, lstm, gru, gru-before"),
    (lambda: fold_biases("elman", {}), "there is no cell 'elman', only rnn, lstm, gru, gru-before"),
    (lambda: to("pytorch", "gru-before", {}), "pytorch cannot express the cell 'gru-before', only rnn, lstm, gru"),
    (lambda: back("cho", "lstm", {}), "cho cannot express the cell 'lstm', only gru, gru-before"),
    (lambda: to("pytorch", "gru", {}, layer=-1), "layer is -1, but layers count from 0"),
    (lambda: to("keras", "gru", {}, layer=1), "the names of keras cannot carry layer=1, reverse=False, so "),
    (lambda: back("flax", "gru", {}, reverse=True), "the names of flax cannot carry layer=0, reverse=True, so "),
    (lambda: to("steps", "rnn", {}), "the canonical parameters lack U, W, b: there is only nothing"),
    (changed(to, "columns", "gru", without="W"), "the canonical parameters lack W: there is only U, b, bh, V, c"),
    (changed(back, "keras", "gru", without="bias"), "the keras parameters lack bias: there is only kernel, recurrent"),
    (changed(back, "cho", "gru", without="bh_z"), "the cho parameters lack bh_z: there is only W_r, "),
    (
        changed(to, "steps", "rnn", Wax=(3, 5)),
        "the canonical parameters have Wax, but 'rnn' knows only U, W, b, bh, V, c",
    ),
    (changed(back, "flax-nnx", "gru", dense_h__bias=(9,)), "have dense_h.bias, but 'gru' knows only dense_i.kernel, "),
    (changed(to, "pytorch", "lstm", W=(12, 3)), "have W of shape (12, 3), but 'lstm' asks for (12, 48)"),
    (changed(to, "pytorch", "gru", U=(5, 8)), "have U of shape (5, 8), but 'gru' asks for (5, 9)"),
    (changed(to, "pytorch", "gru", b=(9, 1)), "have b of shape (9, 1), but 'gru' asks for (9,)"),
    (changed(to, "pytorch", "gru", V=(7, 3)), "have V of shape (7, 3), but 'gru' asks for (3, 3)"),
    (changed(to, "pytorch", "gru", c=(8,)), "have c of shape (8,), but 'gru' asks for (7,)"),
    (
        changed(back, "pytorch", "gru", weight_hh_l0=(3, 9)),
        "have weight_hh_l0 of shape (3, 9), but 'gru' asks for (27, 9)",
    ),
    (changed(back, "keras", "gru", bias=(18,)), "have bias of shape (18,), but 'gru' asks for (2, 9)"),
    (changed(back, "keras", "gru-before", bias=(2, 9)), "have bias of shape (2, 9), but 'gru-before' asks for (9,)"),
    (changed(back, "columns", "gru", W=(3, 3, 3)), "have W of shape (3, 3, 3), but 'gru' asks for (9, 3)"),
    (
        lambda: to("cho", "gru", {name: np.zeros(9) for name in "UWb"}),
        "have W of shape (9,), but 'gru' asks for (H, 3H)",
    ),
    (lambda: to("keras", "gru", MIXED), "the canonical parameters mix ['float32', 'float64'] in b, but one dtype is"),
    (lambda: to("keras", "lstm", TWO_BIASES), "keras has no recurrent bias for i, f, g, o in the cell 'lstm', but bh"),
    (lambda: to("keras", "lstm", TWO_BIASES), "but bh goes up to 2.5 there: add it to b with fold_biases('lstm', "),
]


@pytest.mark.parametrize(("call", "sentence"), WRONG)
def test_what_is_wrong_is_said_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)) as raised:
        call()
    assert "\n" not in str(raised.value)
