"""What verify does not reach: initial weights, updates, text, files, and what bad arrays are told."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import lax

import reference
import rnn_jax
from reference import columns, differences, losses, model, parameters, rnn, rtrl, steps
from rnn_jax import cells, files, initial, problems, text
from rnn_jax import losses as jax_losses
from rnn_jax import model as jax_model

# ---- initial weights ----


@pytest.mark.parametrize(("D", "H", "gates"), [(7, 50, 1), (3, 40, 4)])
def test_uniform_fills_its_bounds(D, H, gates):
    U, W = parameters.uniform(np.random.RandomState(0), D, H, gates)
    assert (U.shape, W.shape) == ((D, gates * H), (H, gates * H))
    for array, fan_in in ((U, D), (W, H)):
        bound = 1 / np.sqrt(fan_in)
        assert 0.9 * bound < np.abs(array).max() <= bound
        # A uniform draw has a standard deviation of bound/√3; of n draws its estimate is off by 0.45/√n of itself.
        assert array.std() == pytest.approx(bound / np.sqrt(3), rel=4 * 0.45 / np.sqrt(array.size))


def test_scaled_normal_has_its_scale():
    U, W = parameters.scaled_normal(np.random.RandomState(0), 30, 40, scale=0.01)
    assert (U.shape, W.shape) == ((30, 40), (40, 40))
    for array in (U, W):  # the estimate of a standard deviation is off by 1/√(2n) of itself
        assert array.std() == pytest.approx(0.01, rel=4 / np.sqrt(2 * array.size))


@pytest.mark.parametrize("cell", cells.CELLS)
def test_initial_parameters_fit_the_model(cell):
    rng = np.random.default_rng(0)
    p = initial.uniform(rng, 3, 4, 5, cell=cell, layers=3, directions=2, second_bias=True)
    state = initial.zero_state(2, 4, cell=cell, layers=3, directions=2)
    o, final = jax_model.forward(p, rng.normal(size=(6, 2, 3)), state, cell=cell, directions=("forward", "reverse"))
    assert o.shape == (6, 2, 5)
    assert jax.tree.structure(final) == jax.tree.structure(state)


# ---- the same thing said in two ways ----


@pytest.mark.parametrize("cell", cells.CELLS)
@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_scan_is_a_loop(cell, direction):
    rng = np.random.default_rng(1)
    p = initial.uniform(rng, 3, 4, 5, cell=cell)
    state0 = jax.tree.map(lambda a: rng.normal(size=a.shape), initial.zero_state(2, 4, cell=cell))
    x, mask = rng.normal(size=(6, 2, 3)), rng.random((6, 2)) < 0.7
    o, ((final,),) = jax_model.forward(p, x, state0, mask, cell=cell, directions=(direction,))
    state, outputs = state0[0][0], {}
    for t in range(6) if direction == "forward" else reversed(range(6)):
        xU = cells.normed(x[t] @ p.layers[0][0].U, p.layers[0][0].norm.gx)
        new = cells.CELLS[cell].step(p.layers[0][0], xU, state)
        state = jax.tree.map(lambda n, old, m=mask[t][:, None]: jnp.where(m, n, old), new, state)
        outputs[t] = state.h @ p.V + p.c
    # the same operations in the same order: only how products are blocked may differ
    np.testing.assert_allclose(o, np.stack([outputs[t] for t in range(6)]), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(final.h, state.h, rtol=1e-13, atol=1e-14)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
def test_padding_is_as_if_the_sequence_had_ended(lengths, seed):
    rng = np.random.default_rng(seed)
    T, B = max(lengths), len(lengths)
    layer = parameters.Params(rng.normal(size=(3, 4)), rng.normal(size=(4, 4)), rng.normal(size=4))
    p = model.Params(((layer, layer),), rng.normal(size=(8, 5)), rng.normal(size=5))
    x, h0 = rng.normal(size=(T, B, 3)), rng.normal(size=(B, 4))
    mask = np.arange(T)[:, None] < np.array(lengths)
    both = ("forward", "reverse")
    state = ((parameters.State(h0), parameters.State(h0)),)
    o, final, _ = model.forward(p, x, state, mask, directions=both)
    for b, length in enumerate(lengths):
        one = ((parameters.State(h0[[b]]), parameters.State(h0[[b]])),)
        alone, end, _ = model.forward(p, x[:length, [b]], one, directions=both)
        np.testing.assert_allclose(o[:length, b], alone[:, 0], rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(final[0][1].h[b], end[0][1].h[0], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("indices", [True, False])
@pytest.mark.parametrize("cell", ["rnn", "lstm-norm"])
def test_padding_that_is_no_number_is_none_in_the_reference(cell, indices):
    """Forward and backward by hand, bit for bit as if a 0 stood there; the input's gradient there is 0."""
    rng = np.random.default_rng(0)
    options = {"cell": cell, "directions": ("forward", "reverse")}
    p = jax.tree.map(np.asarray, initial.uniform(rng, 3, 4, 5, cell=cell, directions=2))
    q = tuple(parameters.Params(*each[:4], parameters.Norm(*each.norm)) for each in p.layers[0])
    state = tuple(parameters.State(*each) for each in initial.zero_state(2, 4, cell=cell, directions=2)[0])
    x = rng.integers(0, 3, (4, 2)) if indices else rng.normal(size=(4, 2, 3))
    mask, made = np.arange(4)[:, None] < [4, 2], []
    for there in (0, -100 if indices else np.nan, 10**6 if indices else np.inf):
        x[~mask] = there
        o, final, cache = model.forward(model.Params((q,), p.V, p.c), x, (state,), mask, **options)
        g = model.backward(model.Params((q,), p.V, p.c), cache, np.ones_like(o), final, **options)
        assert indices or not g.x[~mask].any()
        made.append(jax.tree.leaves((o, final, g)))
    for others in made[1:]:
        assert all(np.array_equal(ours, theirs) for ours, theirs in zip(made[0], others, strict=True))


def test_float32_stays_float32():
    p = jax.tree.map(np.float32, initial.uniform(np.random.default_rng(0), 3, 4, 5, cell="lstm"))
    state = jax.tree.map(np.float32, initial.zero_state(2, 4, cell="lstm"))
    o, final = jax_model.forward(p, np.ones((6, 2, 3), np.float32), state, cell="lstm")
    loss = jax_losses.cross_entropy(o, np.zeros((6, 2), np.int32), reduction="mean")
    assert {o.dtype, final[0][0].s.dtype, loss.dtype} == {np.dtype("float32")}


def test_a_long_forward_can_be_jitted_and_differentiated_twice():
    p = initial.uniform(np.random.default_rng(0), 3, 4, 5)
    state = initial.zero_state(1, 4)

    def loss(b):
        layer = p.layers[0][0]._replace(b=b)
        o, _ = jax_model.forward(p._replace(layers=((layer,),)), np.ones((6, 1, 3)), state)
        return jnp.sum(o**2)

    hessian = jax.jit(jax.hessian(loss))(p.layers[0][0].b)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("target", ["indices", "one-hot", "soft"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_losses_of_both_houses_and_their_gradients(target, reduction):
    rng = np.random.default_rng(2)
    o, weights = 30 * rng.normal(size=(4, 2, 5)), rng.random((4, 2))
    y = rng.integers(-1, 5, (4, 2))
    y = {"indices": y, "one-hot": np.eye(6)[y][..., :5], "soft": rng.random((4, 2, 5))}[target]
    value = losses.cross_entropy(o, y, weights, reduction)
    theirs, g = jax.value_and_grad(lambda o: jax_losses.cross_entropy(o, y, weights, reduction))(o)
    assert value == pytest.approx(float(theirs), rel=1e-13)
    np.testing.assert_allclose(losses.cross_entropy_gradient(o, y, weights, reduction), g, rtol=1e-12, atol=1e-14)
    slopes = differences.gradient(lambda o: losses.cross_entropy(o, y, weights, reduction), o)
    np.testing.assert_allclose(slopes, g, rtol=1e-12, atol=1e-14)


def test_huge_logits_do_not_overflow():
    o = np.array([[[1e4, 0.0, -1e4]]])
    assert losses.cross_entropy(o, np.array([[1]])) == 1e4
    assert np.all(np.isfinite(losses.cross_entropy_gradient(o, np.array([[1]]))))


def test_steps_descend():
    rng = np.random.default_rng(0)
    p = {"Wax": rng.normal(size=(4, 3)), "Waa": rng.normal(size=(4, 4)), "Wya": rng.normal(size=(3, 4))}
    p |= {"b": np.zeros((4, 1)), "by": np.zeros((3, 1))}
    before = {name: array.copy() for name, array in p.items()}

    def loss(p):
        y, a, x = steps.forward(p, [None, 0, 2], np.zeros((4, 1)))
        return sum(float(np.sum(y_t**2)) / 2 for y_t in y), y, a, x

    value, y, a, x = loss(p)
    g, _ = steps.backward(p, y, a, x, np.zeros((4, 1)))
    q = steps.update(p, g, 1e-6)
    assert all(np.array_equal(p[name], before[name]) for name in p)  # nothing is changed in place
    fall = 1e-6 * sum(float(np.sum(array**2)) for array in g.values())
    assert loss(q)[0] - value == pytest.approx(-fall, rel=1e-3)


# ---- differences ----


def test_both_differences_know_a_derivative():
    x, v = np.array([0.3, -1.2]), np.array([2.0, 0.5])
    slope = float(np.sum(np.cos(x) * v))
    assert differences.complex_step(lambda x: np.sum(np.sin(x)), x, v) == pytest.approx(slope, rel=4e-16)
    # h⁴/30 · f⁽⁵⁾ is 3e-14, and rounding eps/h is 2e-13
    assert differences.five_point(lambda x: np.sum(np.sin(x)), x, v) == pytest.approx(slope, rel=1e-12)
    g = differences.gradient(lambda x: np.sum(np.sin(x)), x, differences.five_point)
    np.testing.assert_allclose(g, np.cos(x), rtol=1e-11)


def test_a_dropped_imaginary_part_is_an_error():
    def loss(x):
        kept = np.zeros(2)
        kept[:] = x
        return np.sum(kept)

    with pytest.raises(np.exceptions.ComplexWarning):
        differences.complex_step(loss, np.ones(2), np.ones(2))


# ---- text, problems, files ----


@given(st.text(min_size=1))
def test_text_comes_back(words):
    known = text.vocabulary(words)
    assert text.decode(text.encode(words, known), known) == words


def test_text_says_what_it_does_not_know():
    with pytest.raises(rnn_jax.InputError, match="the symbol 'z' is not in the vocabulary, which is 'ab'"):
        text.encode("az", "ab")
    with pytest.raises(rnn_jax.InputError, match="the index 2 is not in the vocabulary, which has 0 to 1"):
        text.decode([0, 2], "ab")
    with pytest.raises(rnn_jax.InputError, match=r"the lengths are \[2, 0\]"):
        text.pad([np.zeros(2), np.zeros(0)])


def test_words_are_padded_where_the_mask_is_off():
    problem = problems.words(("ab", "c"))
    assert problem.x[:, 0].tolist() == [-1, 1, 2]
    assert problem.y[:, 0].tolist() == [1, 2, 0]
    assert problem.x[:, 1].tolist() == [-1, 3, -1]
    assert problem.y[:, 1].tolist() == [3, 0, -1]
    assert problem.mask[:, 1].tolist() == [True, True, False]


@pytest.mark.parametrize("name", problems.PROBLEMS)
def test_problems_are_the_same_every_time(name):
    one, two = (problems.PROBLEMS[name]() for _ in range(2))
    assert np.array_equal(one.x, two.x)
    for cell in cells.CELLS:
        assert jax.tree.all(jax.tree.map(np.array_equal, one.parameters(cell), two.parameters(cell)))
    with pytest.raises(rnn_jax.InputError, match="the cell 'nosuch' is unknown"):
        one.parameters("nosuch")


def test_a_file_is_whole_or_as_it_was(tmp_path, monkeypatch):
    file = tmp_path / "report.json"
    files.write_text(file, "first")

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(rnn_jax.InputError, match=r"report.json cannot be written: no space left on device"):
        files.write_text(file, "second")
    assert file.read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    files.write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "text"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    files.write_text(tmp_path / "pipe", "text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


# ---- bad arrays, met by each house on its own; the shape checker of the tests would meet them first ----


@pytest.fixture
def unchecked(monkeypatch):
    import jaxtyping

    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def refused(function, *arguments, **keywords):
    """The sentence with which the function refuses."""
    with pytest.raises((reference.InputError, rnn_jax.InputError)) as caught:
        function(*arguments, **keywords)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def both(**changes):
    """The forwards of both houses with some arrays exchanged."""
    arrays = {"U": np.ones((3, 4)), "W": np.ones((4, 4)), "b": np.ones(4), "V": np.ones((4, 5)), "c": np.ones(5)}
    arrays |= {"x": np.ones((6, 2, 3)), "h0": np.ones((2, 4)), "s0": None, "mask": None}
    arrays |= {"cell": "rnn", "directions": ("forward",)} | changes
    for house, pieces in ((model, parameters), (jax_model, cells)):
        layer = pieces.Params(arrays["U"], arrays["W"], arrays["b"])
        state = ((pieces.State(arrays["h0"], arrays["s0"]),),)
        p = house.Params(((layer,),), arrays["V"], arrays["c"])
        options = {"cell": arrays["cell"], "directions": arrays["directions"]}
        yield house.forward, (p, arrays["x"], state, arrays["mask"]), options


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"W": np.ones((4, 5))}, "W has shape (4, 5)"),
        ({"U": np.ones((3, 5))}, "U has shape (3, 5)"),
        ({"b": np.ones(5)}, "b has shape (5,)"),
        ({"V": np.ones((3, 5))}, "V has shape (3, 5)"),
        ({"c": np.ones(4)}, "c has shape (4,)"),
        ({"h0": np.ones((1, 4))}, "h0 has shape (1, 4)"),
        ({"mask": np.ones((2, 6), bool)}, "mask has shape (2, 6)"),
        ({"x": np.ones((0, 2, 3))}, "x has shape (0, 2, 3)"),
        ({"x": np.ones((6, 0, 3))}, "x has shape (6, 0, 3)"),
        ({"x": np.ones(6)}, "x has shape (6,)"),
        ({"x": np.ones((6, 2))}, "float64"),
        ({"cell": "nosuch"}, "'nosuch'"),
        ({"directions": ("forward", "reverse")}, "directions"),
        ({"directions": ("backward",)}, "'backward'"),
        ({"directions": ()}, "direction"),
    ],
)
def test_both_houses_refuse_what_does_not_fit(unchecked, changes, said):
    for forward, arguments, options in both(**changes):
        assert said in refused(forward, *arguments, **options)


def test_the_reference_looks_at_indices(unchecked):
    (forward, arguments, options), _ = both(x=np.array([[0, 1], [2, 3]]))
    assert refused(forward, *arguments, **options) == (
        "x holds the index 3, but only 0 to 2, and -1 for nothing, are right"
    )
    o = np.zeros((2, 2, 5))
    assert "y holds the index -2" in refused(losses.cross_entropy, o, np.array([[0, -2], [0, 0]]))
    assert "weights have shape" in refused(jax_losses.cross_entropy, o, np.zeros((2, 2), int), np.ones(2))
    assert "sum to 0.0" in refused(losses.cross_entropy, o, np.full((2, 2), -1), None, "mean")
    assert "reduction is 'median'" in refused(jax_losses.cross_entropy, o, np.zeros((2, 2), int), None, "median")


@pytest.mark.parametrize("wrong", [3, -2, 2**31 - 1])
def test_inside_jit_a_wrong_index_cannot_pass_unnoticed(wrong):
    p = initial.uniform(np.random.default_rng(0), 3, 4, 3)
    x = np.array([[0], [wrong], [-1]], np.int32)

    @jax.jit
    def logits(x):
        return jax_model.forward(p, x, initial.zero_state(1, 4))[0]

    assert np.isnan(np.asarray(logits(x))).any(axis=(1, 2)).tolist() == [False, True, True]
    right = logits(np.array([[0], [2], [-1]], np.int32))
    assert np.isfinite(right).all()
    assert np.isnan(jax_losses.cross_entropy(right, x))
    assert np.isfinite(jax_losses.cross_entropy(right, np.array([[0], [2], [-1]], np.int32)))


def test_unknown_names_are_not_taken_for_known_ones(unchecked):
    o = np.zeros((2, 2, 5))
    for house in (losses, jax_losses):
        assert "reduction is 'median'" in refused(house.cross_entropy, o, np.zeros((2, 2), int), None, "median")
        assert "(1, 1, 5)" in refused(house.squared_error, o, np.zeros((1, 1, 5)))
    layer = parameters.Params(np.ones((3, 4)), np.ones((4, 4)), np.ones(4))
    arguments = layer, np.ones((6, 2, 3)), parameters.State(np.ones((2, 4))), np.ones((6, 2), bool)
    assert "activation is 'sigmoid'" in refused(rnn.forward, *arguments, activation="sigmoid")
    _, final, cache = rnn.forward(*arguments)
    assert "dh_out has shape (6, 1, 4)" in refused(rnn.backward, layer, cache, np.ones((6, 1, 4)), final)
    assert "dfinal.h has shape ()" in refused(
        rnn.backward, layer, cache, np.ones((6, 2, 4)), parameters.State(np.float64(1))
    )


@pytest.mark.parametrize("cell", model.CELLS)
def test_no_accumulator_is_narrower_than_the_program(cell):
    rng = np.random.default_rng(0)
    made = initial.uniform(rng, 3, 4, 5, cell=cell)
    narrow = jax.tree.map(np.float32, made.layers[0][0])
    layer = parameters.Params(*narrow[:3], norm=parameters.Norm(*narrow.norm))
    p = model.Params(((layer,),), made.V, made.c)
    s0 = rng.normal(size=(2, 4)) if cells.CELLS[cell].has_cell_state else None
    state = ((parameters.State(rng.normal(size=(2, 4)), s0),),)
    x = rng.normal(size=(6, 2, 3))  # float64: so is every gradient
    o, final, cache = model.forward(p, x, state, cell=cell)
    g = model.backward(p, cache, np.ones_like(o), final, cell=cell)
    assert {array.dtype for array in jax.tree.leaves((g.params.layers[0][0], g.x, g.state[0][0].h))} == {
        np.dtype("float64")
    }


def test_one_hot_integers_have_a_real_gradient(unchecked):
    rng = np.random.default_rng(0)
    p = columns.Params(*(rng.normal(size=shape) for shape in ((4, 3), (4, 4), (5, 4), (4, 1), (5, 1))))
    x, h0, do = np.eye(3, dtype=int)[[0, 2]][..., None], np.zeros((4, 1)), rng.normal(size=(2, 5, 1))
    whole = columns.backward(p, columns.forward(p, x, h0)[1], do, h0)
    real = columns.backward(p, columns.forward(p, x.astype(float), h0)[1], do, h0)
    np.testing.assert_array_equal(whole.x, real.x)
    assert np.abs(real.x).max() > 0.1


def test_the_one_example_derivations_refuse_too(unchecked):
    p = columns.Params(np.ones((4, 3)), np.ones((4, 4)), np.ones((5, 4)), np.ones((4, 1)), np.ones((5, 1)))
    h0 = np.ones((4, 1))
    assert "T must be at least 1" in refused(columns.forward, p, np.ones((0, 3, 1)), h0)
    assert "x has shape (2, 4, 1)" in refused(columns.forward, p, np.ones((2, 4, 1)), h0)
    assert "prompt is empty" in refused(columns.generate, p, [], 3)
    assert "index 3" in refused(columns.generate, p, [0, 3], 3)
    names = {"Wax": p.U, "Waa": p.W, "Wya": p.V, "b": p.b, "by": p.c}
    assert "sequence is empty" in refused(steps.forward, names, [], h0)
    assert "x is the index 3" in refused(steps.forward, names, [0, 3], h0)
    rows = rtrl.Params(p.U.T, p.W.T, p.V.T, p.b[:, 0], p.c[:, 0])
    assert "x holds the index -2" in refused(rtrl.forward, rows, np.array([0, -2]), h0[:, 0])
    assert "h0 has shape (3,)" in refused(rtrl.forward, rows, np.array([0, 1]), np.ones(3))


def test_the_lstm_wants_its_cell_state(unchecked):
    wide = {"U": np.ones((3, 16)), "W": np.ones((4, 16)), "b": np.ones(16), "cell": "lstm"}
    for forward, arguments, options in both(**wide):
        assert "cell state" in refused(forward, *arguments, **options)


def test_scans_are_scans():
    """The forward is one lax.scan for each layer and direction, as the figures of this project say."""
    p = initial.uniform(np.random.default_rng(0), 3, 4, 5, layers=2)
    state = initial.zero_state(1, 4, layers=2)
    jaxpr = jax.make_jaxpr(lambda x: jax_model.forward(p, x, state))(np.ones((6, 1, 3)))
    assert sum(equation.primitive is lax.scan_p for equation in jaxpr.eqns) == 2
