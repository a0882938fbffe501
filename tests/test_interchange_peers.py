"""Exported weights in PyTorch, Keras and Flax themselves, loaded as README.md says: the logits of model.forward."""

import importlib
import warnings

import jax
import numpy as np
import pytest
import safetensors.numpy

from rnn_jax import initial, model
from rnn_jax.interchange import files
from rnn_jax.interchange.inward import imported
from rnn_jax.interchange.outward import BOTH, as_file
from rnn_jax.spec import Spec

T, B, D, H, K = 9, 3, 5, 7, 4
ONE = ("forward",)
SIZES = [(1, ONE), (2, BOTH)]
TOLERANCE = {"float32": 1e-6, "float64": 1e-12}

# What a library has yet to modernize in itself is its own affair.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def peer(name):
    """The module, or a skip where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip(name.split(".")[0], exc_type=ImportError)
        return importlib.import_module(name)


@pytest.fixture(autouse=True)
def promotion():
    """Flax and Keras mix dtypes."""
    jax.config.update("jax_numpy_dtype_promotion", "standard")


def drawn(spec, dtype):
    params = initial.uniform(
        np.random.default_rng(spec.layers), spec.D, spec.H, spec.K, cell=spec.cell, layers=spec.layers,
        directions=len(spec.directions), second_bias=spec.second_bias, scale=2.0,
    )  # fmt: skip
    return jax.tree.map(lambda a: a.astype(dtype), params)


def ours(spec, params, x):
    zeros = initial.zero_state(B, H, cell=spec.cell, layers=spec.layers, directions=len(spec.directions))
    state0 = jax.tree.map(lambda a: a.astype(x.dtype), zeros)
    return np.asarray(model.forward(params, x, state0, cell=spec.cell, directions=spec.directions)[0])


def made(spec, dtype, framework):
    """x (T, B, D), our logits, and the arrays of the file."""
    params = drawn(spec, dtype)
    x = np.random.default_rng(9).normal(size=(T, B, D)).astype(dtype)
    data, _ = as_file(spec, params, tuple("abcd"), framework)
    return x, ours(spec, params, x), data


def assert_close(theirs, right, dtype):
    """Relative to the largest logit, for others may pass through zero."""
    theirs = np.asarray(theirs)
    assert (theirs.shape, theirs.dtype) == (right.shape, np.dtype(dtype))
    np.testing.assert_allclose(theirs, right, rtol=0, atol=TOLERANCE[dtype] * np.abs(right).max())


def of_torch(spec, dtype):
    torch = peer("torch")
    sizes = {"num_layers": spec.layers, "bidirectional": spec.directions == BOTH, "dtype": getattr(torch, dtype)}
    classes = {"rnn": "RNN", "rnn-relu": "RNN", "lstm": "LSTM", "gru": "GRU"}
    sizes |= {"nonlinearity": "relu"} if spec.cell == "rnn-relu" else {}
    rnn = getattr(torch.nn, classes[spec.cell])(D, H, **sizes)
    readout = torch.nn.Linear(H * len(spec.directions), K, dtype=getattr(torch, dtype))
    return torch.nn.ModuleDict({"rnn": rnn, "readout": readout})


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("second_bias", [False, True])
@pytest.mark.parametrize(("layers", "directions"), SIZES)
@pytest.mark.parametrize("cell", ["rnn", "rnn-relu", "lstm", "gru"])
def test_pytorch(cell, layers, directions, second_bias, dtype, tmp_path):
    torch, load_file = peer("torch"), peer("safetensors.torch").load_file
    spec = Spec(D, H, K, cell, layers, directions, second_bias)
    x, right, data = made(spec, dtype, "torch")
    (tmp_path / "file.safetensors").write_bytes(data)
    net = of_torch(spec, dtype)
    net.load_state_dict(load_file(tmp_path / "file.safetensors"))
    with torch.no_grad():
        assert_close(net["readout"](net["rnn"](torch.from_numpy(x))[0]), right, dtype)


@pytest.mark.parametrize(("layers", "directions"), SIZES)
@pytest.mark.parametrize("cell", ["rnn", "rnn-relu", "lstm", "gru"])
def test_what_pytorch_saves_gives_its_logits_here(cell, layers, directions, tmp_path):
    torch, save_file = peer("torch"), peer("safetensors.torch").save_file
    spec = Spec(D, H, K, cell, layers, directions, second_bias=True)
    torch.manual_seed(layers)
    net, path = of_torch(spec, "float64"), tmp_path / "file.safetensors"
    save_file(net.state_dict(), path)
    arrays, about = files.decode(path.read_bytes(), "it")
    found = imported(arrays, "torch", cell="rnn-relu" if cell == "rnn-relu" else None, about=about)
    assert (found.spec, about) == (spec, files.About())
    x = np.random.default_rng(9).normal(size=(T, B, D))
    with torch.no_grad():
        assert_close(net["readout"](net["rnn"](torch.from_numpy(x))[0]), ours(spec, found.params, x), "float64")


def of_keras(spec):
    layers = peer("keras").layers
    class_name = {"rnn": "SimpleRNN", "rnn-relu": "SimpleRNN", "lstm": "LSTM"}.get(spec.cell, "GRU")
    options = {"rnn-relu": {"activation": "relu"}, "gru-before": {"reset_after": False}}.get(spec.cell, {})
    inputs = outputs = peer("keras").Input((None, D))
    for level in range(spec.layers):
        name = f"rnn_{level}"
        layer = getattr(layers, class_name)(H, return_sequences=True, name=name, **options)
        outputs = (layers.Bidirectional(layer, name=name) if spec.directions == BOTH else layer)(outputs)
    return peer("keras").Model(inputs, layers.Dense(K, name="dense")(outputs))


@pytest.fixture
def keras(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return peer("keras")


def fill_keras(net, arrays):
    for layer in net.layers:
        parts = {"": layer}
        if hasattr(layer, "backward_layer"):
            parts = {"forward/": layer.forward_layer, "backward/": layer.backward_layer}
        for way, part in parts.items():
            part.set_weights([arrays[f"{layer.name}/{way}{w.name}"] for w in part.weights])


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize(("layers", "directions"), SIZES)
@pytest.mark.parametrize("cell", ["rnn", "rnn-relu", "lstm", "gru", "gru-before"])
def test_keras(cell, layers, directions):
    """In float32: on JAX, Keras 3.15 computes tanh in float32 even in a float64 layer."""
    spec = Spec(D, H, K, cell, layers, directions, second_bias=True)
    x, right, data = made(spec, "float32", "keras")
    net, arrays = of_keras(spec), safetensors.numpy.load(data)
    fill_keras(net, arrays)
    assert len(net.weights) == len(arrays)
    assert_close(np.asarray(net(x.swapaxes(0, 1))).swapaxes(0, 1), right, "float32")
    # What Keras calls its arrays is read as well as our names are.
    by_path = {weight.path: np.asarray(weight) for weight in net.weights}
    found = imported(by_path, "keras", cell="rnn-relu" if cell == "rnn-relu" else None)
    assert_close(ours(found.spec, found.params, x), right, "float32")


def linen_module(spec, dtype, class_name):
    linen = peer("flax.linen")
    options = {"activation_fn": linen.relu} if spec.cell == "rnn-relu" else {}

    def layer():
        return linen.RNN(getattr(linen, class_name)(H, param_dtype=dtype, **options))

    class Net(linen.Module):
        def setup(self):
            both = spec.directions == BOTH
            self.rnn = [linen.Bidirectional(layer(), layer()) if both else layer() for _ in range(spec.layers)]
            self.readout = linen.Dense(K, param_dtype=dtype)

        def __call__(self, x):
            for rnn in self.rnn:
                x = rnn(x)
            return self.readout(x)

    return Net()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("layers", "directions"), SIZES)
@pytest.mark.parametrize(
    ("cell", "class_name"),
    [
        ("rnn", "SimpleCell"),
        ("rnn-relu", "SimpleCell"),
        ("lstm", "LSTMCell"),
        ("lstm", "OptimizedLSTMCell"),
        ("gru", "GRUCell"),
    ],
)
def test_linen(cell, class_name, layers, directions, dtype):
    tree, spec = peer("flax.traverse_util"), Spec(D, H, K, cell, layers, directions, second_bias=True)
    net = linen_module(spec, dtype, class_name)
    x, right, data = made(spec, dtype, "flax")
    arrays = safetensors.numpy.load(data)
    rows = x.swapaxes(0, 1)
    shapes = tree.flatten_dict(jax.eval_shape(net.init, jax.random.key(0), rows)["params"], sep="/")
    assert {name: leaf.shape for name, leaf in shapes.items()} == {name: a.shape for name, a in arrays.items()}
    theirs = net.apply({"params": tree.unflatten_dict(arrays, sep="/")}, rows)
    assert_close(np.asarray(theirs).swapaxes(0, 1), right, dtype)


def nnx_module(spec, dtype, class_name):
    nnx = peer("flax.nnx")
    options = {"dtype": dtype, "param_dtype": dtype, "rngs": nnx.Rngs(0)}
    options |= {"activation_fn": nnx.relu} if spec.cell == "rnn-relu" else {}

    def layer(width):
        return nnx.RNN(getattr(nnx, class_name)(width, H, **options))

    class Net(nnx.Module):
        def __init__(self):
            width, both = D, spec.directions == BOTH
            for level in range(spec.layers):
                made = nnx.Bidirectional(layer(width), layer(width)) if both else layer(width)
                setattr(self, f"rnn_{level}", made)
                width = len(spec.directions) * H
            self.readout = nnx.Linear(width, K, param_dtype=dtype, rngs=nnx.Rngs(0))

        def __call__(self, x):
            for level in range(spec.layers):
                x = getattr(self, f"rnn_{level}")(x)
            return self.readout(x)

    return Net()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("layers", "directions"), SIZES)
@pytest.mark.parametrize(
    ("framework", "cell", "class_name"),
    [
        ("flax-nnx", "rnn", "SimpleCell"),
        ("flax-nnx", "rnn-relu", "SimpleCell"),
        ("flax-nnx", "lstm", "LSTMCell"),
        ("flax-nnx-optimized", "lstm", "OptimizedLSTMCell"),
        ("flax-nnx", "gru", "GRUCell"),
    ],
)
def test_nnx(framework, cell, class_name, layers, directions, dtype):
    nnx, tree = peer("flax.nnx"), peer("flax.traverse_util")
    spec = Spec(D, H, K, cell, layers, directions, second_bias=cell != "gru")
    x, right, data = made(spec, dtype, framework)
    arrays = safetensors.numpy.load(data)
    net = nnx_module(spec, dtype, class_name)
    theirs = {"/".join(path): leaf.shape for path, leaf in nnx.to_flat_state(nnx.state(net, nnx.Param))}
    assert theirs == {name: array.shape for name, array in arrays.items()}
    nnx.update(net, tree.unflatten_dict(arrays, sep="/"))
    assert_close(np.asarray(net(x.swapaxes(0, 1))).swapaxes(0, 1), right, dtype)
