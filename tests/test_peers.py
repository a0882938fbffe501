"""The canonical parameters, converted, in the libraries themselves: the same hidden states and logits.

The other side is a plain NumPy loop of the canonical equations. PyTorch's autograd also settles that gradients convert
as parameters do: they are compared with complex steps of that loop, entry by entry.
"""

import importlib
import warnings

import numpy as np
import pytest

from reference import layer_norm
from reference.conventions import CONVENTIONS, back, fold_biases, to

T, B, D, H, K = 6, 2, 5, 3, 7
GATE_COUNT = {"rnn": 1, "lstm": 4, "gru": 3, "gru-before": 3}

# A pre-activation is a sum of at most 2H + H products and 2 biases, 11 roundings, in each of T = 6 steps of order 1:
# 66 · 2.2e-16 = 1.5e-14 (7.9e-6 in float32), and W passes an earlier error on up to ten times larger. A wrong gate,
# sign or transpose is wrong by order 1.
TOLERANCE = {"float64": 1e-12, "float32": 1e-4}

# What a library has yet to modernize in itself is its own affair.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def peer(name):
    """The module, or a skip where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip(name.split(".")[0], exc_type=ImportError)
        return importlib.import_module(name)


@pytest.fixture
def x64():
    """JAX in float64 for the length of a test, whatever the rest of the session has chosen."""
    jax = peer("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def draw(cell, seed, inputs=D):
    rng, GH = np.random.default_rng(seed), GATE_COUNT[cell] * H
    shapes = {"U": (inputs, GH), "W": (H, GH), "b": (GH,), "bh": (GH,), "V": (H, K), "c": (K,)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def data(seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((T, B, D)), rng.standard_normal((B, H)), rng.standard_normal((B, H))


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def unroll(cell, params, x, h, s):
    """Hidden states (T, B, H) and the last cell state by the canonical equations."""
    U, W, b = params["U"], params["W"], params["b"]
    bh = params.get("bh", np.zeros_like(b))
    states = []
    for x_t in x:
        if cell == "rnn":
            h = np.tanh(x_t @ U + b + h @ W + bh)
        elif cell == "lstm":
            i, f, g, o = np.split(x_t @ U + b + h @ W + bh, 4, axis=-1)
            s = sigmoid(f) * s + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(s)
        else:
            x_r, x_z, x_n = np.split(x_t @ U + b, 3, axis=-1)
            W_r, W_z, W_n = np.split(W, 3, axis=-1)
            bh_r, bh_z, bh_n = np.split(bh, 3)
            r, z = sigmoid(x_r + h @ W_r + bh_r), sigmoid(x_z + h @ W_z + bh_z)
            n = np.tanh(x_n + (r * (h @ W_n + bh_n) if cell == "gru" else (r * h) @ W_n + bh_n))
            h = (1 - z) * n + z * h
        states.append(h)
    return np.array(states), s


def assert_close(library, theirs, ours, dtype="float64"):
    """Relative to the largest entry, for a state may pass through zero."""
    theirs, ours = np.asarray(theirs), np.asarray(ours)
    assert (theirs.shape, theirs.dtype) == (ours.shape, np.dtype(dtype)), library
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=TOLERANCE[dtype] * np.abs(ours).max(), err_msg=library)


def split_readout(theirs):
    """The arrays of the cell, and those of the readout under their bare names."""
    readout = {name.removeprefix("readout."): a for name, a in theirs.items() if name.startswith("readout.")}
    return {name: a for name, a in theirs.items() if not name.startswith("readout.")}, readout


def load_torch(module, arrays):
    torch = peer("torch")
    module.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()}, strict=True)
    return module


@pytest.mark.parametrize("cell", CONVENTIONS["pytorch"].cells)
def test_pytorch_two_layers_both_directions(cell):
    torch = peer("torch")
    params = {(k, way): draw(cell, 10 * k + way, D if k == 0 else 2 * H) for k in (0, 1) for way in (False, True)}
    arrays, readout = {}, {}
    for (layer, reverse), p in params.items():
        hidden, readout = split_readout(to("pytorch", cell, p, layer=layer, reverse=reverse))
        arrays |= hidden
    net = getattr(torch.nn, cell.upper())(D, H, num_layers=2, bidirectional=True, dtype=torch.float64)
    load_torch(net, arrays)
    x = data(1)[0]
    starts = np.random.default_rng(2).standard_normal((2, 4, B, H))
    h0, s0 = torch.from_numpy(starts)
    with torch.no_grad():
        theirs, last = net(torch.from_numpy(x), (h0, s0) if cell == "lstm" else h0)
        logits = load_torch(torch.nn.Linear(H, K, dtype=torch.float64), readout)(theirs[..., H:])

    below, cell_states = x, []
    for layer in (0, 1):
        forward, s_f = unroll(cell, params[layer, False], below, *starts[:, 2 * layer])
        backward, s_b = unroll(cell, params[layer, True], below[::-1], *starts[:, 2 * layer + 1])
        below = np.concatenate([forward, backward[::-1]], axis=-1)
        cell_states += [s_f, s_b]
    assert_close("torch", theirs.numpy(), below)
    assert_close("torch", logits.numpy(), below[..., H:] @ params[1, True]["V"] + params[1, True]["c"])
    if cell == "lstm":
        assert_close("torch", last[1].numpy(), cell_states)


@pytest.mark.parametrize("cell", CONVENTIONS["pytorch"].cells)
def test_pytorch_gradients_come_back_as_canonical_gradients(cell):
    torch = peer("torch")
    params, (x, h0, s0) = draw(cell, 3), data(4)
    weights = np.random.default_rng(5).standard_normal((T, B, K))
    hidden, readout = split_readout(to("pytorch", cell, params))
    net = load_torch(getattr(torch.nn, cell.upper())(D, H, dtype=torch.float64), hidden)
    dense = load_torch(torch.nn.Linear(H, K, dtype=torch.float64), readout)
    start = torch.from_numpy(h0[None])
    states, _ = net(torch.from_numpy(x), (start, torch.from_numpy(s0[None])) if cell == "lstm" else start)
    (dense(states) * torch.from_numpy(weights)).sum().backward()
    gradients = {name: p.grad.numpy() for name, p in net.named_parameters()}
    gradients |= {f"readout.{name}": p.grad.numpy() for name, p in dense.named_parameters()}

    for name, theirs in back("pytorch", cell, gradients).items():
        ours = np.empty_like(params[name])
        for index in np.ndindex(ours.shape):
            moved = params[name].astype(complex)
            moved[index] += 1e-30j
            p = params | {name: moved}
            logits = unroll(cell, p, x, h0, s0)[0] @ p["V"] + p["c"]
            ours[index] = np.sum(weights * logits).imag / 1e-30
        assert_close("torch gradients", theirs, ours)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("cell", "class_name"),
    [("rnn", "SimpleCell"), ("lstm", "LSTMCell"), ("lstm", "OptimizedLSTMCell"), ("gru", "GRUCell")],
)
def test_linen(cell, class_name):
    linen, tree = peer("flax.linen"), peer("flax.traverse_util")
    params, (x, h, s) = fold_biases(cell, draw(cell, 6)), data(7)
    hidden, readout = split_readout(to("flax", cell, params))
    module = getattr(linen, class_name)(H, param_dtype="float64")
    variables = {"params": tree.unflatten_dict(hidden, sep=".")}
    carry, theirs = (s, h) if cell == "lstm" else h, []
    for x_t in x:
        carry, out = module.apply(variables, carry, x_t)
        theirs.append(out)
    initial = peer("jax").eval_shape(module.init, peer("jax").random.key(0), carry, x[0])
    shapes = {name: leaf.shape for name, leaf in tree.flatten_dict(initial["params"], sep=".").items()}
    assert {name: array.shape for name, array in hidden.items()} == shapes
    ours, s = unroll(cell, params, x, h, s)
    assert_close("linen", theirs, ours)
    if cell == "lstm":
        assert_close("linen", carry[0], s)
    logits = linen.Dense(K, param_dtype="float64").apply({"params": readout}, np.array(theirs))
    assert_close("linen", logits, ours @ params["V"] + params["c"])


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("name", "cell", "class_name"),
    [
        ("flax-nnx", "rnn", "SimpleCell"),
        ("flax-nnx", "lstm", "LSTMCell"),
        ("flax-nnx-optimized", "lstm", "OptimizedLSTMCell"),
        ("flax-nnx", "gru", "GRUCell"),
    ],
)
def test_nnx(name, cell, class_name):
    nnx, tree = peer("flax.nnx"), peer("flax.traverse_util")
    params, (x, h, s) = draw(cell, 8), data(9)
    if cell == "gru":
        params["bh"][2 * H :] = 0
    params = fold_biases(cell, params)
    hidden, readout = split_readout(to(name, cell, params))
    module = getattr(nnx, class_name)(D, H, dtype="float64", param_dtype="float64", rngs=nnx.Rngs(0))
    shapes = {".".join(path): leaf.shape for path, leaf in nnx.to_flat_state(nnx.state(module, nnx.Param))}
    assert {key: array.shape for key, array in hidden.items()} == shapes
    nnx.update(module, tree.unflatten_dict(hidden, sep="."))
    carry, theirs = (s, h) if cell == "lstm" else h, []
    for x_t in x:
        carry, out = module(carry, x_t)
        theirs.append(out)
    ours, s = unroll(cell, params, x, h, s)
    assert_close("nnx", theirs, ours)
    if cell == "lstm":
        assert_close("nnx", carry[0], s)
    linear = nnx.Linear(H, K, param_dtype="float64", rngs=nnx.Rngs(0))
    nnx.update(linear, readout)
    assert_close("nnx", linear(np.array(theirs)), ours @ params["V"] + params["c"])


@pytest.mark.parametrize(
    ("cell", "class_name", "options"),
    [
        ("rnn", "SimpleRNN", {}),
        ("lstm", "LSTM", {}),
        ("gru", "GRU", {"reset_after": True}),
        ("gru-before", "GRU", {"reset_after": False}),
    ],
)
def test_keras(cell, class_name, options, monkeypatch, tmp_path):
    """In float32: on JAX, Keras 3.15 computes tanh in float32 even in a float64 layer."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    layers = peer("keras").layers
    params = draw(cell, 11) if cell == "gru" else fold_biases(cell, draw(cell, 11))
    params = {name: array.astype("float32") for name, array in params.items()}
    x, h, s = (array.astype("float32") for array in data(12))
    hidden, readout = split_readout(to("keras", cell, params))
    layer = getattr(layers, class_name)(H, return_sequences=True, return_state=True, dtype="float32", **options)
    layer.build((B, T, D))
    dense = layers.Dense(K, dtype="float32")
    dense.build((B, T, H))
    for owner, arrays in ((layer.cell, hidden), (dense, readout)):
        assert {weight.name: tuple(weight.shape) for weight in owner.weights} == {k: a.shape for k, a in arrays.items()}
        for weight in owner.weights:
            weight.assign(arrays[weight.name])
    theirs, _, *rest = layer(x.swapaxes(0, 1), initial_state=[h, s] if cell == "lstm" else [h])
    logits = np.asarray(dense(theirs))

    p = {name: array.astype("float64") for name, array in params.items()}
    ours, s = unroll(cell, p, *(array.astype("float64") for array in (x, h, s)))
    assert_close("keras", np.asarray(theirs).swapaxes(0, 1), ours, "float32")
    assert_close("keras", logits.swapaxes(0, 1), ours @ p["V"] + p["c"], "float32")
    if cell == "lstm":
        assert_close("keras", rest[0], s, "float32")


@pytest.mark.parametrize("scale", [1.0, 3e-3], ids=["", "near the mean"])
def test_pytorch_layer_norm(scale):
    torch = peer("torch")
    rng = np.random.default_rng(8)
    z, d, gain, shift = scale * rng.normal(size=(T, B, H)), rng.normal(size=(T, B, H)), *rng.normal(size=(2, H))
    leaves = [torch.tensor(array, requires_grad=True) for array in (z, gain, shift)]
    theirs = torch.nn.functional.layer_norm(leaves[0], (H,), *leaves[1:])
    theirs.backward(torch.tensor(d))
    ours, kept = layer_norm.normed(z, gain, shift)
    gradients = layer_norm.normed_backward(d, gain, kept), layer_norm.gain_gradient(d, kept), d.sum((0, 1))
    for one, other in zip((ours, *gradients), (theirs.detach(), *(leaf.grad for leaf in leaves)), strict=True):
        np.testing.assert_allclose(one, other.numpy(), atol=TOLERANCE["float64"], rtol=TOLERANCE["float64"])
