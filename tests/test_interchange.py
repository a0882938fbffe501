"""Weights to PyTorch, Keras and Flax and back: no bit is lost where both can hold it, and what cannot be is told."""

import re
import sys

import jax
import numpy as np
import pytest
from safetensors.numpy import load, save

from reference import conventions
from rnn_jax import begin as training
from rnn_jax import cli, cli_exchange, initial, model, runs, saved
from rnn_jax.errors import InputError
from rnn_jax.interchange import files
from rnn_jax.interchange.inward import imported
from rnn_jax.interchange.layouts import CLASSES, LAYOUTS, READOUTS
from rnn_jax.interchange.outward import BOTH, as_file, exported
from rnn_jax.recipe import Recipe
from rnn_jax.spec import Spec

D, H, K = 5, 3, 4
ONE, TWO = ("forward",), BOTH
PAIRS = [(framework, cell) for framework in LAYOUTS for cell in LAYOUTS[framework]]
SECOND = {("torch", "rnn"), ("torch", "rnn-relu"), ("torch", "lstm"), ("torch", "gru"), ("keras", "gru")}
CONVENTION = {"torch": "pytorch"}  # the others are called as they are here
PROBED = {"rnn-relu": "rnn"}  # the nonlinearity has no arrays of its own


def drawn(spec, seed=0, dtype=np.float64):
    params = initial.uniform(
        np.random.default_rng(seed), spec.D, spec.H, spec.K, cell=spec.cell, layers=spec.layers,
        directions=len(spec.directions), second_bias=spec.second_bias,
    )  # fmt: skip
    return jax.tree.map(lambda a: a.astype(dtype), params)


def unnormed(p):
    """The fields of a layer that other frameworks have as well."""
    return {name: array for name, array in p._asdict().items() if name != "norm"}


def any_bits(params, seed):
    """Every bit pattern: subnormals, infinities, negative zeros, NaNs with their signs and payloads."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda a: np.frombuffer(rng.bytes(a.nbytes), a.dtype).reshape(a.shape), params)


def representable(framework, spec, params):
    """Without what the framework has no place for: Flax's GRUs have a second bias for n alone, or none."""
    if not spec.second_bias or (framework, spec.cell) in SECOND:
        return params
    assert (framework, spec.cell) == ("flax", "gru")
    kept = np.repeat([0, 0, 1], spec.H).astype(bool)
    return params._replace(
        layers=tuple(tuple(p._replace(bh=np.where(kept, p.bh, 0)) for p in ways) for ways in params.layers)
    )


def assert_same_bits(found, expected):
    found, expected = (jax.tree_util.tree_flatten_with_path(each)[0] for each in (found, expected))
    assert [path for path, _ in found] == [path for path, _ in expected]
    for (path, ours), (_, theirs) in zip(found, expected, strict=True):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype), path
        assert ours.tobytes() == theirs.tobytes(), path


# ---- there and back ----


@pytest.mark.parametrize("directions", [ONE, TWO])
@pytest.mark.parametrize("layers", [1, 2, 12])
@pytest.mark.parametrize(("framework", "cell"), PAIRS)
def test_there_and_back_keeps_every_bit(framework, cell, layers, directions):
    for second in {False, (framework, cell) in SECOND | {("flax", "gru")}}:
        for dtype in ("float32", "float64"):
            spec = Spec(D, H, K, cell, layers, directions, second)
            params = representable(framework, spec, any_bits(drawn(spec, dtype=dtype), layers))
            data, folded = as_file(spec, params, tuple("abcd"), framework)
            arrays, about = files.decode(data, "it")
            found = imported(arrays, framework, about=about)
            assert (found.spec, about.vocabulary, folded) == (spec, tuple("abcd"), False)
            assert_same_bits(found.params, params)
            assert as_file(found.spec, found.params, tuple("abcd"), framework)[0] == data


@pytest.mark.parametrize(("framework", "cell"), PAIRS)
def test_without_what_the_file_says_the_arrays_tell_the_same(framework, cell):
    """But for the nonlinearity; and two biases stay two, though the second is 0."""
    spec = Spec(D, H, K, cell, 2, TWO)
    params = drawn(spec)
    arrays = exported(spec, params, framework).arrays
    found = imported(arrays, framework, cell="rnn-relu" if cell == "rnn-relu" else None)
    always = (framework, cell) in SECOND | {("flax", "gru")}
    assert found.spec == Spec(D, H, K, cell, 2, TWO, second_bias=always)
    zeros = [p.bh for ways in found.params.layers for p in ways]
    assert not np.any(zeros) if always else zeros == [None] * 4


@pytest.mark.parametrize(("framework", "cell"), [pair for pair in PAIRS if pair not in SECOND])
def test_two_biases_are_added_where_there_is_room_for_one(framework, cell):
    spec = Spec(D, H, K, cell, 2, TWO, second_bias=True)
    params = drawn(spec)
    if (framework, cell) == ("flax-nnx", "gru"):
        with pytest.raises(InputError, match=r"layer 0, forward, has a second bias for n, up to 0\.\d+, which r multi"):
            exported(spec, params, framework)
        params = params._replace(
            layers=tuple(tuple(p._replace(bh=np.where(np.arange(9) < 6, p.bh, 0)) for p in w) for w in params.layers)
        )
    data, folded = as_file(spec, params, tuple("abcd"), framework)
    arrays, about = files.decode(data, "it")
    found = imported(arrays, framework, about=about)
    assert folded
    assert found.spec.second_bias == ((framework, cell) == ("flax", "gru"))
    for ours, theirs in zip(found.params.layers, params.layers, strict=True):
        for p, q in zip(ours, theirs, strict=True):
            right = conventions.fold_biases(PROBED.get(cell, cell), unnormed(q))
            np.testing.assert_array_equal(p.b, right["b"])
            np.testing.assert_array_equal(0 if p.bh is None else p.bh, right.get("bh", 0))
    x = np.random.default_rng(1).normal(size=(6, 2, D))
    # Two numbers below 1 are rounded once more, and twelve steps and layers pass that on.
    np.testing.assert_allclose(logits(found.spec, found.params, x), logits(spec, params, x), rtol=0, atol=1e-13)


def test_a_bias_of_zero_changes_no_bit_of_the_other():
    spec = Spec(D, H, K, "lstm", second_bias=True)
    params = jax.tree.map(lambda a: np.full_like(a, -0.0), drawn(spec))
    params = params._replace(layers=((params.layers[0][0]._replace(bh=np.zeros(4 * H)),),))
    made = exported(spec, params, "keras")
    assert not made.folded
    assert made.arrays["rnn_0/bias"].tobytes() == np.full(4 * H, -0.0).tobytes()


def test_a_second_bias_that_was_trained_elsewhere_is_not_dropped():
    spec = Spec(D, H, K, "lstm")
    arrays, about = files.decode(as_file(spec, drawn(spec), tuple("abcde"), "torch")[0], "it")
    arrays["rnn.bias_hh_l0"] = np.arange(12.0)
    found = imported(arrays, "torch", about=about)
    assert found.spec.second_bias
    np.testing.assert_array_equal(found.params.layers[0][0].bh, np.arange(12.0))


def logits(spec, params, x):
    state0 = initial.zero_state(x.shape[1], spec.H, cell=spec.cell, layers=spec.layers, directions=len(spec.directions))
    state0 = jax.tree.map(lambda a: a.astype(x.dtype), state0)
    return np.asarray(model.forward(params, x, state0, cell=spec.cell, directions=spec.directions)[0])


# ---- the other statement of the same facts ----


def test_every_framework_of_the_conventions_is_here():
    theirs = {name: set(conventions.CONVENTIONS[CONVENTION.get(name, name)].cells) for name in LAYOUTS}
    assert {name: {PROBED.get(cell, cell) for cell in cells} for name, cells in LAYOUTS.items()} == theirs
    assert {name: set(cells) for name, cells in CLASSES.items()} == {
        name: set(cells) for name, cells in LAYOUTS.items()
    }
    assert READOUTS.keys() == LAYOUTS.keys()


def in_our_names(framework, arrays):
    """What conventions.py has written, in the file's names."""
    named = {}
    for name, array in arrays.items():
        if name.startswith("readout."):
            right = READOUTS[framework][name in ("readout.bias",)]
            assert right.replace("/", ".").replace("dense", "readout") == name
            named[right] = array
        else:
            named["rnn." + name if framework == "torch" else f"rnn_0/cell/{name.replace('.', '/')}"] = array
    return {name.replace("cell/", "") if framework == "keras" else name: array for name, array in named.items()}


@pytest.mark.parametrize(("framework", "cell"), PAIRS)
def test_reference_conventions_say_the_same(framework, cell):
    for second in {False, (framework, cell) in SECOND | {("flax", "gru")}}:
        spec = Spec(D, H, K, cell, second_bias=second)
        params = representable(framework, spec, any_bits(drawn(spec), 3))
        named = unnormed(params.layers[0][0]) | {"V": params.V, "c": params.c}
        convention, probed = CONVENTION.get(framework, framework), PROBED.get(cell, cell)
        theirs = in_our_names(framework, conventions.to(convention, probed, named))
        assert_same_bits(dict(sorted(exported(spec, params, framework).arrays.items())), dict(sorted(theirs.items())))
        about = files.About(framework, spec, tuple("abcd"))
        assert_same_bits(imported(theirs, framework, about=about).params, params)


def test_pytorchs_layers_and_directions_are_those_of_the_conventions():
    spec = Spec(D, H, K, "gru", 2, TWO, second_bias=True)
    params, theirs = drawn(spec), {}
    for layer, ways in enumerate(params.layers):
        for reverse, p in zip((False, True), ways, strict=True):
            named = unnormed(p) | ({"V": params.V[:H], "c": params.c} if not theirs else {})
            theirs |= in_our_names("torch", conventions.to("pytorch", "gru", named, layer=layer, reverse=reverse))
    ours = exported(spec, params, "torch").arrays
    assert ours.keys() == theirs.keys()
    assert_same_bits({k: ours[k] for k in ours if "rnn" in k}, {k: theirs[k] for k in ours if "rnn" in k})


# ---- other people's names ----

RENAMED = {
    "a module of a module": ("torch", ONE, r"^rnn\.", "module.core.lstm.", r"^readout", "module.head.3"),
    "nn.LSTM's own names": ("torch", TWO, r"^rnn\.", "", r"^readout", "fc"),
    "a stack of single layers": ("torch", ONE, r"^rnn\.(\w+)_l(\d)", r"lstm\2.\1_l0", r"^readout", "fc"),
    "a stack of cells": ("torch", ONE, r"^rnn\.(\w+)_l(\d)", r"cells.\2.\1", r"^readout", "out"),
    "Keras's paths": ("keras", ONE, r"^rnn_(\d)/", r"seq_2/lstm_\1/lstm_cell/", r"^dense", "seq_2/dense_7"),
    "Keras's first layer has no number": ("keras", ONE, r"^rnn_(?:0|(1))/", r"lstm_\1/c/", r"^dense", "dense"),
    "Keras's Bidirectional": (
        "keras", TWO, r"^rnn_(\d)/(\w+)/", r"bidirectional_\1/\2_lstm_\1/lstm_cell/", "^dense", "d",
    ),
    "linen, compact": ("flax", ONE, r"^rnn_(\d)/cell", r"params/OptimizedLSTMCell_\1", "^readout", "params/Dense_0"),
    "linen, named cells": ("flax", TWO, r"^rnn_(\d)/(\w+)_rnn/cell", r"lstm_\1_\2", "^readout", "Dense_0"),
    "linen, one word": ("flax", ONE, r"^rnn_(\d)/cell/(\w+)/", r"c\1.\2.", "^readout/", "o."),
    "nnx, a Sequential": ("flax-nnx", ONE, r"^rnn_(\d)", r"layers/\1", "^readout", "layers/2"),
    "nnx, dots": ("flax-nnx-optimized", TWO, r"/", ".", "^readout/", "readout."),
}  # fmt: skip


@pytest.mark.parametrize("name", RENAMED)
def test_names_of_other_peoples_modules(name):
    framework, directions, *renaming = RENAMED[name]
    spec = Spec(D, H, K, "lstm", 2, directions, second_bias=framework == "torch")
    params = drawn(spec)
    made = {}
    for key, array in exported(spec, params, framework).arrays.items():
        for pattern, word in zip(renaming[::2], renaming[1::2], strict=True):
            key = re.sub(pattern, word, key).replace("lstm_/", "lstm/")
        made[key] = array
    assert made.keys() != exported(spec, params, framework).arrays.keys()
    found = imported(made, framework)
    assert found.spec == spec
    assert_same_bits(found.params, params)


@pytest.mark.parametrize(("framework", "cell"), [pair for pair in PAIRS if pair[0] in ("torch", "keras")])
def test_layers_without_biases(framework, cell):
    spec = Spec(D, H, K, cell, 2)
    params = jax.tree.map(lambda a: a if a.ndim > 1 else np.zeros_like(a), drawn(spec))
    arrays = {name: a for name, a in exported(spec, params, framework).arrays.items() if "bias" not in name}
    if framework == "keras" and cell.startswith("gru"):
        with pytest.raises(InputError, match="could be those of gru or gru-before, which no array tells: say which"):
            imported(arrays, framework)
    found = imported(arrays, framework, cell=cell)
    assert found[2:] == (True, True)
    assert found.spec == spec
    assert_same_bits(found.params, params)


# ---- what is refused ----


def changed(framework="torch", cell="lstm", layers=1, directions=ONE, **changes):
    """A file's arrays, but for some: None leaves one out, a shape replaces it. __ stands for a slash or a dot."""
    spec = Spec(D, H, K, cell, layers, directions)
    arrays = exported(spec, drawn(spec), framework).arrays
    for name, shape in changes.items():
        key = name.replace("__", "." if framework == "torch" else "/")
        arrays.pop(key, None)
        if shape is not None:
            arrays[key] = np.zeros(shape)
    return arrays


REFUSED = [
    ({"rnn__weight_hh_l0": None}, {}, "beside rnn.bias_hh_l0 there is no weight_hh_l0, but one is right"),
    ({"rnn__weight_ih_l0": None}, {}, "beside rnn.bias_hh_l0 there is no weight_ih, but one is right"),
    ({"rnn__bias_hh_l0": None}, {}, "there is no bias_hh, but one is right"),
    ({"rnn__weight_hr_l0": (2, 3)}, {}, "rnn.weight_hr_l0 has no place here: weight_ih, weight_hh, bias_ih, bias_hh"),
    ({"rnn__weight_ih_l0": (12, 5, 1)}, {}, "rnn.weight_ih_l0 has shape (12, 5, 1), but a matrix is right"),
    ({"rnn__weight_ih_l0": (11, 5)}, {}, "rnn.weight_ih_l0 has shape (11, 5), but (12, 5) is right"),
    ({"rnn__weight_hh_l0": (10, 3)}, {}, "rnn.weight_hh_l0 has shape (10, 3), but (H, H) or (4·H, H) or (3·H, H) is"),
    ({"rnn__weight_hh_l0": (12,)}, {}, "rnn.weight_hh_l0 has shape (12,), but (H, H) or (4·H, H) or (3·H, H) is right"),
    ({"rnn__bias_hh_l0": (11,)}, {}, "rnn.bias_hh_l0 has shape (11,), but (12,) is right"),
    ({"layers": 2, "rnn__weight_ih_l1": (12, 5)}, {}, "rnn.weight_ih_l1 has shape (12, 5), but (12, 3) is right"),
    ({"layers": 2, "rnn__weight_hh_l1": (9, 3)}, {}, "rnn.weight_hh_l1 has shape (9, 3), but (12, 3) is right"),
    ({"readout__weight": None}, {}, "readout.bias has no weight beside it, but that of the readout is right"),
    ({"readout__weight": None, "readout__bias": None}, {}, "there is no readout: a name that ends with weight"),
    ({"readout__weight": (4, 5)}, {}, "readout.weight has shape (4, 5), but (K, 3) is right"),
    ({"readout__bias": (4, 1)}, {}, "readout.bias has shape (4, 1), but (4,) is right"),
    ({"embed__weight": (9, 5)}, {}, "embed.weight and readout.weight could each be the readout, but one is right"),
    ({"norm__running_mean": (9,)}, {}, "norm.running_mean has no place beside recurrent layers and a readout"),
    ({"other__weight_hh_l0": (12, 3)}, {}, "other.weight_hh_l0 and rnn.bias_hh_l0 do not tell which layer comes first"),
    ({"rnn__weight_hh": (12, 3)}, {}, "rnn.weight_hh and rnn.weight_hh_l0 are the same array of the same layer"),
    ({"rnn__weight_hh_l0_reverse": (12, 3)}, {}, "beside rnn.weight_hh_l0_reverse there is no weight_ih, but one is"),
    ({"rnn__weight_hh_l" + 5000 * "9": (9, 3)}, {}, "a name has a number of 5,000 digits, but one of a layer is right"),
    (
        {"layers": 3, "rnn__weight_ih_l1": None, "rnn__weight_hh_l1": None, "rnn__bias_ih_l1": None,
         "rnn__bias_hh_l1": None},
        {}, "there is rnn.bias_hh_l2, but no layer l1 before it: all from l0 on are right",
    ),
    ({"layers": 2, "rnn__weight_hh_l0_reverse": (9, 3)}, {}, "layer 1 reads forward (rnn.bias_hh_l1) and layer 0 does"),
    ({}, {"cell": "gru"}, "the cell is said to be 'gru', but the weights are those of lstm"),
    ({}, {"cell": "LSTM"}, "the cell 'LSTM' is unknown; one of rnn, rnn-relu, lstm, gru, gru-before is right"),
    ({}, {"framework": "keras"}, "the names are those of torch, not of keras: torch is right"),
    ({"framework": "flax"}, {"framework": "flax-nnx"}, "the names are those of flax, not of flax-nnx: flax is right"),
    ({"framework": "flax-nnx"}, {"framework": "flax"}, "the names are those of flax-nnx, not of flax: flax-nnx is"),
    ({"framework": "flax-nnx-optimized"}, {"framework": "flax-nnx"}, "the names are those of flax-nnx-optimized, not"),
    ({"framework": "keras", "rnn_0__bias": (2, 12)}, {}, "rnn_0/bias has shape (2, 12), but (12,) is right"),
    ({"framework": "keras", "cell": "gru", "rnn_0__bias": (9,)}, {"cell": "gru"}, "weights are those of gru-bef"),
    ({"framework": "keras", "rnn_0__kernel": (12, 5)}, {}, "rnn_0/kernel has shape (12, 5), but (12, 12) is right"),
    ({"framework": "keras", "rnn_0__recurrent_kernel": (12, 3)}, {}, "(12, 3), but (H, H) or (H, 4·H) or (H, 3·H) is"),
    ({"framework": "flax", "rnn_0__cell__hf__kernel": (3, 4)}, {}, "rnn_0/cell/hf/kernel has shape (3, 4), but (3, 3)"),
    ({"framework": "flax", "rnn_0__cell__hf__bias": None}, {}, "there is no hf/bias, but one is right"),
    ({"framework": "flax", "rnn_0__cell__if__bias": (3,)}, {}, "rnn_0/cell/if/bias has no"),
    ({}, {"about": Spec(D, H, K, "gru")}, "the file says that its cell is 'gru', but the weights are those of lstm"),
    ({}, {"about": Spec(D, H, 7, "lstm")}, "the file says that K is 7, but its arrays have 4"),
    ({}, {"about": Spec(D, H, K, "lstm", 1, TWO)}, "directions is ('forward', 'reverse'), but its arrays have ('forw"),
]  # fmt: skip


@pytest.mark.parametrize(("made", "asked", "sentence"), REFUSED)
def test_what_does_not_fit_is_told_in_one_sentence(made, asked, sentence):
    arrays = changed(**made)
    framework = asked.get("framework", made.get("framework", "torch"))
    about = files.About(framework, asked["about"]) if "about" in asked else None
    with pytest.raises(InputError, match=re.escape(sentence)) as told:
        imported(arrays, framework, asked.get("cell"), about)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("spec", "framework", "sentence"),
    [
        (Spec(D, H, K, "gru-before"), "torch", "torch has no cell like 'gru-before'; one of keras is right"),
        (Spec(D, H, K, "gru-before"), "flax", "flax has no cell like 'gru-before'; one of keras is right"),
        (Spec(D, H, K, "gru"), "flax-nnx-optimized", "has no cell like 'gru'; one of torch, keras, flax, flax-nnx is"),
        (Spec(D, H, K), "pytorch", "the framework 'pytorch' is unknown; one of torch, keras, flax, flax-nnx, flax-nnx"),
        (
            Spec(D, H, K, directions=("reverse",)),
            "keras",
            "('reverse',), but keras reads ('forward',) or ('forward', '",
        ),
    ],
)
def test_what_cannot_be_expressed_is_told(spec, framework, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        exported(spec, drawn(spec), framework)


# ---- files ----


def as_safetensors(dtype, *names):
    return save({name: np.zeros((2, 2), dtype) for name in names})


def saying(text):
    return save({"a": np.zeros(2)}, metadata={files.ABOUT: text})


FILES = {
    "empty": (b"", "it is no safetensors file, or it is damaged: "),
    "of torch.save": (b"PK\x03\x04" + bytes(99), "safetensors.torch.save_file(model.state_dict(), FILE) writes one"),
    "of Keras": (
        b"\x89HDF" + bytes(99),
        "; safetensors.numpy.save_file({w.path: w.numpy() for w in model.weights}, FIL",
    ),
    "cut off": (as_safetensors("f4", "a")[:-3], "it is no safetensors file, or it is damaged: "),
    "without arrays": (save({}), "it holds no arrays"),
    "of whole numbers": (as_safetensors("i8", "a"), "a is of the type I64, but one of F64, F32, F16, BF16 is right"),
    "of two precisions": (
        save({"a": np.zeros(2), "b": np.zeros(2, "f4")}),
        "a is float64, but b is float32: one dtype is right",
    ),
    "a newer one": (saying('{"format": 2}'), "it is of format 2, which a newer rnn_jax has written; this one reads 1"),
    "that says nonsense": (saying("[]"), "it is damaged: what it says of itself cannot be read: "),
    "that says too little": (saying('{"format": 1}'), "it is damaged: what it says of itself cannot be read: 'spec'"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_none_are_refused(name):
    data, sentence = FILES[name]
    with pytest.raises(InputError, match=re.escape(sentence)) as told:
        files.decode(data, "it")
    assert "\n" not in str(told.value)


def test_numbers_of_16_bits_are_widened():
    numbers = np.array([1.5, -0.0, 3e-8, np.inf], "f2")
    (found,) = files.decode(save({"a": numbers}), "it")[0].values()
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, numbers)
    half = np.array(numbers, jax.numpy.bfloat16).view("u2")
    data = save({"a": half.view("i2")}).replace(b'"I16"', b'"BF16"')
    size = int.from_bytes(data[:8], "little") + 1
    (found,) = files.decode(size.to_bytes(8, "little") + data[8:], "it")[0].values()
    np.testing.assert_array_equal(found, half.view(jax.numpy.bfloat16).astype("f4"))


# ---- the commands ----

POEM = "a rose is a rose is a rose, said the nose that knows those rows of roses. " * 12


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    """The command in this process and in a folder of its own: exit status, standard output and error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "cache"))
    jax.config.update("jax_numpy_dtype_promotion", "standard")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["rnn-jax", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        said = capsys.readouterr()
        return stop.value.code, said.out, said.err

    return call


@pytest.fixture
def poem(tmp_path):
    path = tmp_path / "poem.txt"
    path.write_text(POEM, encoding="utf-8")
    return path


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("framework", ["torch", "keras", "flax"])
def test_a_trained_model_goes_there_and_back_and_says_the_same(call, poem, framework, cell, tmp_path):
    words = "--hidden 8 --layers 2 --steps 8 --batch 2 --updates 3 --rate 0.1 --out run"
    assert call("train", "--text", poem, "--cell", cell, *words.split())[0] == 0
    status, out, err = call("export", "run", "--to", framework)
    assert (status, err) == (0, "")
    file = f"run/last-{framework}.safetensors"
    name, K = CLASSES[framework][cell], len(set(POEM))
    assert out.startswith(f"{file}: {name}, 2 layers, forward, D = {K}, H = 8, K = {K}, float32\n")
    status, out, err = call("import", file, "--out", "back")
    assert (status, err) == (0, "")
    assert out == f"back/last.safetensors: {cell}, 2 layers, forward, D = {K}, H = 8, K = {K}, float32\n"
    before, after = (saved.load(tmp_path / each / "last.safetensors") for each in ("run", "back"))
    assert (before.plan.spec, before.vocabulary) == (after.plan.spec, after.vocabulary)
    assert after.step == 0
    said = [
        call("sample", each, "--prompt", "a rose", "--length", "9", "--temperature", "1") for each in ("run", "back")
    ]
    if (framework, cell) != ("flax", "gru"):  # whose biases of r and z have been added up
        assert_same_bits(after.state.params, before.state.params)
        assert said[0] == said[1]
    assert said[1][0] == 0


@pytest.mark.parametrize("name", ["adding", "parity"])
def test_a_model_that_predicts_no_characters_goes_there_and_back(call, name, tmp_path):
    """Numbers from vectors, and classes of both directions: what it is for is in the file, and no vocabulary."""
    sizes = training.Sizes("gru", 4, 1, TWO, 4, 2)
    run, _ = training.of_problem(name, Recipe(1, dtype="bfloat16"), sizes)
    (tmp_path / "run").mkdir()
    saved.save(tmp_path / "run", run)
    status, out, err = call("export", "run", "--to", "torch")
    assert (status, err) == (0, "")
    assert out.endswith(", float32\n"), "as its weights are, whatever they are multiplied in"
    assert call("import", "run/last-torch.safetensors", "--out", "back")[::2] == (0, "")
    back = saved.load(tmp_path / "back/last.safetensors")
    assert back.plan.spec == run.plan.spec
    assert_same_bits(back.state.params, run.state.params)
    status, _, err = call("import", "run/last-torch.safetensors", "--vocabulary", "ab")
    assert status == 2
    assert f"the model predicts {run.plan.spec.predicts}, and no characters: leave out --vocabulary" in err
    status, _, err = call("train", name, "--resume", "--out", "back")
    assert status == 2
    assert f"imported without a text to go on with: its {run.plan.spec.predicts} are not known" in err


def test_what_is_said_twice_is_the_same():
    assert cli_exchange.KNOWN.split(", ") == list(LAYOUTS)


def torch_file(path, K, **changes):
    """What a person has saved from PyTorch, with numbers of 32 bits and names of their own."""
    spec = Spec(K, 6, K, "gru", second_bias=True)
    arrays = exported(spec, drawn(spec, dtype="f4"), "torch").arrays | changes
    arrays = {name.replace("rnn.", "net.gru.").replace("readout", "head"): array for name, array in arrays.items()}
    path.write_bytes(save(arrays, metadata={"format": "pt"}))


def test_a_file_of_pytorch_becomes_a_run_that_goes_on(call, poem, tmp_path):
    K = len(set(POEM))
    torch_file(tmp_path / "mine.safetensors", K)
    status, out, err = call("import", "mine.safetensors", "--from", "torch", "--text", "poem.txt")
    assert (status, err) == (0, "")
    assert out == f"runs/mine/last.safetensors: gru, 1 layer, forward, D = {K}, H = 6, K = {K}, float32\n"
    run = saved.load(tmp_path / "runs/mine/last.safetensors")
    assert run.vocabulary == tuple(sorted(set(POEM)))
    assert call("sample", "runs/mine", "--prompt", "a rose", "--length", "3")[0] == 0
    material = training.again(run)
    made, losses = runs.advance(run, material)
    assert made.step > 0
    assert losses[-1] < losses[0]
    call("export", "runs/mine", "--to", "torch", "--out", "again.safetensors")
    theirs = load((tmp_path / "mine.safetensors").read_bytes())
    ours = load((tmp_path / "again.safetensors").read_bytes())
    for name, array in theirs.items():
        assert ours[name.replace("net.gru.", "rnn.").replace("head", "readout")].tobytes() == array.tobytes()


def test_the_vocabulary_can_be_given(call, tmp_path):
    torch_file(tmp_path / "mine.safetensors", 4)
    words = ("import", "mine.safetensors", "--from", "torch")
    assert call(*words, "--vocabulary", "dcba", "--out", "a")[0] == 0
    assert saved.load(tmp_path / "a/last.safetensors").vocabulary == tuple("dcba")
    for said, sentence in [
        ((), "mine.safetensors: the file has no vocabulary: --vocabulary with the characters in order, or --text, is"),
        (("--vocabulary", "abca"), "the vocabulary has 'a' more than once, but each character once is right"),
        (("--vocabulary", "abc\udcff"), "the vocabulary 'abc?' is not UTF-8, but one of whole characters is right"),
        (("--vocabulary", "abc"), "the model reads 4 and predicts 4 characters, but the vocabulary has 3: the same"),
        (("--vocabulary", "dcba", "--out", "a"), "a holds a run already: another --out is right"),
    ]:
        status, out, err = call(*words, *said)
        assert (status, out) == (2, "")
        assert sentence in err
    status, _, err = call("train", "learn", "--resume", "--out", "a")
    assert status == 2
    assert "the run in a was imported without a text to go on with: rnn-jax import with --text FILE is right" in err


@pytest.mark.parametrize("there", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(call, there, tmp_path):
    torch_file(tmp_path / "mine.safetensors", 4, **{"readout.weight": np.full((4, 6), there, "f4")})
    status, _, err = call("import", "mine.safetensors", "--from", "torch", "--vocabulary", "abcd", "--out", "a")
    assert (status, err.count("\n")) == (2, 1)
    assert "mine.safetensors: not all of its numbers are finite" in err
    assert not (tmp_path / "a").exists()


def test_a_text_with_a_vocabulary_from_elsewhere(call, poem, tmp_path):
    torch_file(tmp_path / "mine.safetensors", 3 + len(set(POEM)))
    letters = "".join(sorted(set(POEM), reverse=True)) + "XYZ"
    words = ("import", "mine.safetensors", "--from", "torch", "--text", "poem.txt", "--vocabulary")
    assert call(*words, letters, "--out", "a")[0] == 0
    run = saved.load(tmp_path / "a/last.safetensors")
    assert (run.vocabulary, run.source.texts) == (tuple(letters), ("poem.txt",))
    status, _, err = call(*words, letters.replace("r", "R"), "--out", "b")
    assert status == 2
    assert "the symbol 'r' is not in the vocabulary" in err
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(("letters", "steps", "streams"), [("ab", 1, 1), ("abba" * 20, 64, 1), ("abba" * 999, 64, 32)])
def test_short_texts_are_cut_so_that_they_fit(call, letters, steps, streams, tmp_path):
    torch_file(tmp_path / "mine.safetensors", 2)
    (tmp_path / "short.txt").write_text(letters)
    assert call("import", "mine.safetensors", "--from", "torch", "--text", "short.txt", "--out", "a")[0] == 0
    run = saved.load(tmp_path / "a/last.safetensors")
    assert run.plan.feed.count >= 1
    assert (steps, streams) == (run.plan.feed.T, run.B)


def test_layers_without_biases_are_named(call, tmp_path):
    spec = Spec(3, 4, 3, "lstm")
    arrays = exported(spec, drawn(spec), "torch").arrays
    (tmp_path / "mine.safetensors").write_bytes(save({k: a for k, a in arrays.items() if "bias" not in k}))
    _, out, _ = call("import", "mine.safetensors", "--from", "torch", "--vocabulary", "abc")
    assert out.splitlines()[1:] == [
        "the layers have no bias in mine.safetensors: it is 0",
        "the readout has no bias in mine.safetensors: it is 0",
    ]


def test_mistakes_on_the_command_line(call, tmp_path):
    torch_file(tmp_path / "mine.safetensors", 4)
    run, _ = training.of_problem("hello", Recipe(1), training.Sizes("gru-before"))
    (tmp_path / "run").mkdir()
    saved.save(tmp_path / "run", run)
    for words, sentence in [
        ("export run --to torch", "torch has no cell like 'gru-before'; one of keras is right"),
        (
            "export run --to pytorch",
            "the framework 'pytorch' is unknown; one of torch, keras, flax, flax-nnx, flax-nnx-o",
        ),
        (
            "export run --to keras --out run/last.safetensors",
            "--out run/last.safetensors is a checkpoint, which would be",
        ),
        ("export run --to keras --out no/where", "no/where cannot be written: there is no folder "),
        ("export none --to keras", "none cannot be read: No such file"),
        ("export mine.safetensors --to keras", "is a safetensors file, but no checkpoint of rnn_jax"),
        ("import none.safetensors --from torch", "none.safetensors cannot be read: No such file"),
        (
            "import mine.safetensors",
            "mine.safetensors does not say whose weights it holds: --from with one of torch, ker",
        ),
        (
            "import mine.safetensors --from jax",
            "mine.safetensors: the framework 'jax' is unknown; one of torch, keras,",
        ),
        ("import mine.safetensors --from keras", "the names are those of torch, not of keras: torch is right"),
        ("import run/last.safetensors --from torch", "is a checkpoint of rnn_jax, which needs no import"),
    ]:
        status, out, err = call(*words.split())
        assert (status, out) == (2, ""), words
        assert sentence in err
        assert err.count("\n") == 1
    assert saved.load(tmp_path / "run/last.safetensors").vocabulary == tuple("helo")
