"""Every public name of NumPy is sorted: carried on the tape, refused with the line, or of no concern to it."""

import math
import re

import numpy as np
import pytest

from rnn_jax.verify.adjoints import value_and_adjoints
from rnn_jax.verify.of_functions import CallableSubject
from rnn_jax.verify.subject import Setting, record
from rnn_jax.verify.trace import functions, kinds, mathematics, operations
from rnn_jax.verify.trace.arrays import Recorded
from rnn_jax.verify.trace.naming import name_of
from rnn_jax.verify.trace.recorder import RecordingError
from rnn_jax.verify.trace.tape import Constant

# What the samples are made of: two small arrays and two matrices away from all kinks, two vectors, and masks and
# indices that hang on nothing.
VALUES = {
    "a": np.array([[0.31, -0.72, 0.55], [0.87, 0.23, -0.41]]),
    "b": np.array([[0.64, 0.13, 0.92], [0.35, 0.78, 0.49]]),
    "s": np.array([[2.1, 0.3, -0.2], [0.4, 1.7, 0.5], [-0.1, 0.2, 1.4]]),
    "r": np.array([[1.1, 0.2, 0.3], [-0.3, 1.6, 0.1], [0.2, -0.4, 2.2]]),
    "v": np.array([0.42, -0.63, 0.95, 0.17]),
    "w": np.array([0.58, 0.11, -0.84, 0.29]),
}
HEAD = """
import numpy as np, math
M = np.array([[True, False, True], [False, True, True]])
I = np.array([2, 0, 1])
def flat(x):
    if isinstance(x, (list, tuple)):
        return np.concatenate([flat(each) for each in x])
    return np.ravel(np.asarray(x, dtype=np.float64))
def loss():
    y = flat(sample())
    return np.sum(y * np.cos(1.0 + 0.7 * np.arange(y.size))) + 0.0 * np.sum(a) + 0.0 * np.sum(v) + 0.0 * np.sum(s)
"""

# Carried functions of one argument apart, a call each: text in which the samples stand.
CALLS = {
    "reshape": "np.reshape(a, (3, 2))", "ravel": "np.ravel(a, 'F')", "transpose": "np.transpose(a)",
    "permute_dims": "np.permute_dims(a, (1, 0))", "matrix_transpose": "np.matrix_transpose(a)",
    "swapaxes": "np.swapaxes(a, 0, 1)", "moveaxis": "np.moveaxis(a, 0, 1)", "rollaxis": "np.rollaxis(a, 1)",
    "squeeze": "np.squeeze(a[None])", "expand_dims": "np.expand_dims(a, 1)", "flip": "np.flip(a, 1)",
    "fliplr": "np.fliplr(a)", "flipud": "np.flipud(a)", "rot90": "np.rot90(a)", "roll": "np.roll(a, 2, axis=1)",
    "tile": "np.tile(a, (2, 2))", "repeat": "np.repeat(a, [1, 2, 0], axis=1)", "take": "np.take(a, I, axis=1)",
    "take_along_axis": "np.take_along_axis(a, I[None] + np.zeros((2, 1), int), 1)",
    "resize": "np.resize(a, (3, 4))", "broadcast_to": "np.broadcast_to(a, (2, 2, 3))", "split": "np.split(a, 3, 1)",
    "array_split": "np.array_split(v, 3)", "hsplit": "np.hsplit(a, [1])", "vsplit": "np.vsplit(a, 2)",
    "dsplit": "np.dsplit(a[None], 3)", "unstack": "np.unstack(a, axis=1)", "diagonal": "np.diagonal(s, 1)",
    "diag": "[np.diag(v, 1), np.diag(s)]", "diagflat": "np.diagflat(a)", "tril": "np.tril(s)", "triu": "np.triu(s, 1)",
    "delete": "np.delete(a, 1, axis=1)", "copy": "np.copy(a)", "linalg.diagonal": "np.linalg.diagonal(s)",
    "linalg.matrix_transpose": "np.linalg.matrix_transpose(a)",
    "lib.stride_tricks.sliding_window_view": "np.lib.stride_tricks.sliding_window_view(v, 2)",
    "fft.fftshift": "np.fft.fftshift(v)", "fft.ifftshift": "np.fft.ifftshift(v)",
    "concatenate": "np.concatenate([a, b], axis=1)", "concat": "np.concat((a, b))", "stack": "np.stack([a, b], 1)",
    "vstack": "np.vstack([a, s])", "hstack": "np.hstack([v, w, 1.0])", "dstack": "np.dstack([a, b])",
    "column_stack": "np.column_stack([v, w])",
    "block": "np.block([[a, b], [np.zeros((1, 3)), b[:1]]])", "append": "np.append(a, b)",
    "insert": "np.insert(v, 1, w[:2])", "choose": "np.choose(I, [v[:3], w[:3], s[0]])",
    "compress": "[np.compress([True, False, True], a, axis=1), a.compress([False, True, True], 1)]",
    "extract": "np.extract(M, a)", "select": "np.select([M, a > 0], [a, b], default=2.0)",
    "broadcast_arrays": "np.broadcast_arrays(a, v[:3])", "meshgrid": "np.meshgrid(v, w[:2])",
    "atleast_1d": "np.atleast_1d(v[0])", "atleast_2d": "np.atleast_2d(v, w)", "atleast_3d": "np.atleast_3d(a)",
    "clip": "[np.clip(a, -0.5, b), a.clip(max=0.5)]", "where": "np.where(M, a, b * 2)",
    "pad": "[np.pad(a, 1), np.pad(v, (1, 2), mode='edge'), np.pad(v, 2, 'reflect'), np.pad(v, 1, constant_values=3.0)]",
    "fromiter": "np.fromiter((x * x for x in v), float)", "fromfunction": "np.fromfunction(lambda i: i * v, (4,))",
    "astype": "np.astype(a, np.float64)", "imag": "np.imag(a) + a",
    "apply_along_axis": "np.apply_along_axis(lambda line: line * line[0], 1, a)",
    "full": "np.full((2, 2), v[0] * v[1])", "full_like": "np.full_like(a, v[2])",
    "array": "np.array([[v[0], 1.0], [w[1], v[2] * 2]], ndmin=3)", "asarray": "np.asarray([v[0], 2])",
    "asanyarray": "np.asanyarray(a) * a", "ascontiguousarray": "np.ascontiguousarray(a.T)",
    "asfortranarray": "np.asfortranarray(a)", "require": "np.require(a.T, None, ['C'])",
    "asarray_chkfinite": "np.asarray_chkfinite(v)", "asmatrix": "np.asmatrix(a) * np.asmatrix(s)",
    "matrix": "np.matrix(a).T", "sort": "[np.sort(a, axis=0), np.sort(a, None)]",
    "partition": "np.partition(v, 2)", "real": "np.real(a) * a", "real_if_close": "np.real_if_close(a)",
    "copyto": "put(np.copyto, a)", "put": "put(np.put, [0, 4], v[:2])",
    # Functions that compute.
    "sinc": "np.sinc(a)", "matmul": "np.matmul(a, s)", "vecdot": "np.vecdot(a, b)", "matvec": "np.matvec(s, v[:3])",
    "vecmat": "np.vecmat(v[:3], s)", "dot": "[np.dot(a, s), np.dot(v, [1, 0, 2, 0])]", "inner": "np.inner(a, b)",
    "outer": "np.outer(v, w)", "vdot": "np.vdot(v, w)", "tensordot": "np.tensordot(a, b, axes=([0, 1], [0, 1]))",
    "einsum": "[np.einsum('ij,jk->ik', a, s), np.einsum(a, [0, 1], s, [1, 2]), np.einsum('ii', s)]",
    "kron": "np.kron(v, w)", "cross": "np.cross(v[:3], w[:3])", "trace": "np.trace(s)",
    "average": "np.average(a, axis=0, weights=[1.0, 2.0])", "gradient": "np.gradient(v, 0.5)",
    "convolve": "np.convolve(v, w, mode='same')", "correlate": "np.correlate(v, w, 'full')",
    "interp": "np.interp(v[:2] * 0.3, [0.0, 1.0, 2.0], w[:3])", "cov": "np.cov(s)", "corrcoef": "np.corrcoef(s)",
    "vander": "np.vander(v)", "polyval": "np.polyval(v, w[0])", "trapezoid": "np.trapezoid(v)", "diff": "np.diff(a)",
    "quantile": "np.quantile(v, 0.3)", "percentile": "np.percentile(v, 30)",
    "linalg.norm": "[np.linalg.norm(s), np.linalg.norm(a, axis=1), np.linalg.norm(s, 2)]",
    "linalg.solve": "np.linalg.solve(s, v[:3])", "linalg.slogdet": "list(np.linalg.slogdet(s))",
    "linalg.cholesky": "np.linalg.cholesky(s @ s.T)", "linalg.matrix_power": "np.linalg.matrix_power(s, 3)",
    "linalg.multi_dot": "np.linalg.multi_dot([a, s, r])", "linalg.outer": "np.linalg.outer(v, w)",
    "linalg.tensordot": "np.linalg.tensordot(a, s, axes=1)", "linalg.vecdot": "np.linalg.vecdot(v, w)",
    "linalg.matmul": "np.linalg.matmul(a, s)", "linalg.cross": "np.linalg.cross(v[:3], w[:3])",
    "linalg.eigh": "np.linalg.eigh(s @ s.T)[0]", "linalg.eigvalsh": "np.linalg.eigvalsh(s @ s.T)",
    "linalg.inv": "np.linalg.inv(s)", "linalg.det": "np.linalg.det(s)", "linalg.pinv": "np.linalg.pinv(a)",
    "linalg.trace": "np.linalg.trace(s)", "linalg.svdvals": "np.linalg.svdvals(a)",
    "linalg.vector_norm": "np.linalg.vector_norm(a, axis=0)", "linalg.matrix_norm": "np.linalg.matrix_norm(s)",
    "cumulative_sum": "np.cumulative_sum(v)", "cumulative_prod": "np.cumulative_prod(v)",
    "sum": "[np.sum(a, 0), a.sum(1, keepdims=True), np.sum(a, where=M), np.sum(b, initial=2.0)]",
    "max": "[np.max(a, 0), a.max(), np.max(a, axis=1, keepdims=True)]",
    "mean": "[np.mean(a), a.mean(0), np.mean(a, axis=(0, 1), keepdims=True)]",
    "var": "[np.var(a, 1, ddof=1), a.var()]", "std": "[np.std(a, axis=0), a.std(ddof=1)]",
    "cumsum": "[np.cumsum(a), np.cumsum(a, axis=1), a.cumsum(0)]",
    "add.reduce": "[np.add.reduce(a), np.add.reduce(a, 1), np.add.reduce(a, axis=None, keepdims=True)]",
    "maximum.accumulate": "[np.maximum.accumulate(a, 1), np.maximum.accumulate(v)]",
    "minimum.accumulate": "np.minimum.accumulate(a, axis=-1)", "add.accumulate": "np.add.accumulate(a, 1)",
    "logical_and.reduce": "np.logical_and.reduce(a > -2) * a", "logical_or.reduce": "np.logical_or.reduce(a > 0) * a",
}  # fmt: skip
# The matrix class, and strides that are assigned to, are on their way out of NumPy.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
WRITES = {
    "copyto": "np.copyto(h, a * 2, where=M)", "put": "np.put(h, [0, 4], v[:2])", "place": "np.place(h, M, v)",
    "putmask": "np.putmask(h, M, v)", "fill_diagonal": "np.fill_diagonal(h, v[0])",
    "put_along_axis": "np.put_along_axis(h, I[None, :1], v[:1], 1)",
}  # fmt: skip
CALLS |= dict.fromkeys(WRITES)
DOMAINS = dict.fromkeys("logit invert bitwise_and bitwise_or bitwise_xor".split(), "")
DOMAINS |= {"power": "np.power(b, a)", "float_power": "np.float_power(b, a)", "arccosh": "np.arccosh(1.5 + b)"}
DOMAINS |= {"conjugate": "np.conjugate(a)", "matmul": CALLS["matmul"]}


def run(expression, before="h = b * 1"):
    """Record a sample; its slope by the tape and by five-point differences of the plain program, and its value."""
    values = {name: value.copy() for name, value in VALUES.items()}
    namespace = dict(values)
    body = f"def sample():\n    {before}\n    return {expression}\n"
    exec(compile(HEAD + body, "/samples/sample.py", "exec"), namespace)
    plain = float(namespace["loss"]())
    subject = CallableSubject(namespace["loss"], lambda: None, values)
    made = record(subject, Setting())
    assert made.loss == plain
    for name, value in VALUES.items():
        np.testing.assert_array_equal(values[name], value)
    rng = np.random.default_rng(5)
    direction = {name: rng.normal(size=v.shape) for name, v in VALUES.items()}
    tape = made.recorder.tape
    adjoint = value_and_adjoints(tape, made.output)
    ours = 0.0
    if not isinstance(made.output, Constant):
        ours = sum(float(np.vdot(adjoint[ids], direction[name])) for name, ids in made.ids.items())

    def along(step):
        for name, value in values.items():
            value[...] = VALUES[name] + step * direction[name]
        return float(namespace["loss"]())

    # Fourth order: at a step of 1e-3 the remainder is about 1e-12 times the fifth derivative (up to some 1e3 for these
    # functions), and rounding 1e-16 / 1e-3 times the size of the terms. 1e-7 leaves two digits to both.
    f = [along(1e-3 * k) for k in (-2, -1, 1, 2)]
    slope = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / 12e-3
    assert ours == pytest.approx(slope, rel=1e-7, abs=1e-7)
    return tape


def carried():
    names = set(operations.ELEMENTWISE) | set(functions.HANDLERS)
    silent = {*kinds.REFUSED, *kinds.CREATES, *kinds.LIKES, *kinds.ASKS, *kinds.SHOWS, *kinds.DISCRETE}
    return sorted(names - silent)


def expression_of(name):
    if name in CALLS:
        return CALLS[name]
    if name in DOMAINS:
        return DOMAINS[name]
    found = np
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None or name.startswith("scipy"):
        return None
    if isinstance(found, np.ufunc):
        return f"np.{name}({', '.join('ab'[-found.nin :])})" if found.nin == 2 else f"np.{name}(b)"
    return f"np.{name}(a)"


@pytest.mark.parametrize("name", [n for n in carried() if expression_of(n)])
def test_a_carried_function_has_numpys_value_and_the_right_slope(name):
    expression = expression_of(name)
    assert name.rpartition(".")[2].split("_")[0] in expression
    run(expression)


@pytest.mark.parametrize("name", sorted(WRITES))
def test_a_function_that_writes(name):
    run("h * a", f"h = b * 1; {WRITES[name]}")
    run("h * a", f"h = np.zeros((2, 3)); {WRITES[name]}")
    # Into a view of another order in memory.
    run("g * a", f"g = np.zeros((3, 2)).T; h = g[:, ::-1]; {WRITES[name]}")


SCIPY = ["expit(a)", "logit(b)", "xlogy(b, b)", "erf(a)", "erfc(a)", "log_ndtr(a)", "entr(b)", "logsumexp(a, axis=1)",
         "softmax(a, axis=1)", "log_softmax(a, axis=-1)"]  # fmt: skip


@pytest.mark.parametrize("call", SCIPY)
def test_scipys_functions(call):
    name = call.partition("(")[0]
    run(call, f"from scipy.special import {name}")
    run(f"scipy.special.{call}", "import scipy.special")


def test_scipys_other_functions_are_refused():
    with pytest.raises(RecordingError, match="inv"):
        run("scipy.linalg.inv(s)", "import scipy.linalg")


# Refused functions whose call with one array would not reach them.
REFUSALS = {
    "piecewise": "np.piecewise(a, [M], [lambda x: x, 0])", "apply_over_axes": "np.apply_over_axes(np.sum, a, [0])",
    "frompyfunc": "np.frompyfunc(lambda x: x, 1, 1)(a)", "histogram2d": "np.histogram2d(v, w)",
    "nested_iters": None, "polyfit": "np.polyfit(v, w, 1)", "linalg.lstsq": "np.linalg.lstsq(a, v[:2])",
    "linalg.tensorinv": "np.linalg.tensorinv(np.kron(s, s).reshape(3, 3, 9), ind=2)",
    "linalg.tensorsolve": "np.linalg.tensorsolve(s, v[:3])", "nanpercentile": "np.nanpercentile(a, 3)",
    "nanquantile": "np.nanquantile(a, 0.3)", "lib.stride_tricks.as_strided": "np.lib.stride_tricks.as_strided(a)",
    **{name: f"np.{name}(v, w)" for name in "polyadd polysub polymul polydiv intersect1d union1d".split()},
    **{name: f"np.{name}(v, w)" for name in "setdiff1d setxor1d".split()},
    **{name: f"np.{name}(v, w)" for name in "nextafter gcd lcm left_shift right_shift ldexp".split()},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted({*kinds.REFUSED, *kinds.REFUSED_UFUNCS} - {"nested_iters"}))
def test_a_refused_function_names_its_line_and_itself(name):
    expression = REFUSALS.get(name, f"np.{name}({'s' if '.' in name else 'v'})")
    if (
        name in "bincount gcd lcm left_shift right_shift bitwise_count ldexp".split()
    ):  # whole numbers alone: NumPy refuses
        expression = f"np.{name}((v > 0).astype(int){', 1' if name not in ('bitwise_count', 'bincount') else ''})"
    if name == "isnat":
        return
    last = name.rpartition(".")[2] if name != "frompyfunc" else "lambda"
    with pytest.raises(RecordingError, match=rf"^sample.py:\d+: .*{last}"):
        run(f"0.0 if {expression} is None else v")


@pytest.mark.parametrize("name", sorted(kinds.DISCRETE))
def test_a_discrete_function_is_guarded(name):
    two = "isclose allclose array_equal array_equiv isin searchsorted digitize".split()
    call = f"np.{name}(v, w)" if name in two else f"np.{name}(v)"
    call = {"digitize": "np.digitize(v, [0.0, 1.0])", "searchsorted": "np.searchsorted([0.0, 1.0], v)",
            "argpartition": "np.argpartition(v, 2)", "lexsort": "np.lexsort((v,))",
            "linalg.matrix_rank": "np.linalg.matrix_rank(s)"}.get(name, call)  # fmt: skip
    tape = run(f"0.25 * np.asarray({call}) * np.ones(()) + v.sum()")
    assert any(guard.place.line for guard in tape.guards)


def test_every_public_name_is_sorted():
    known = {*functions.HANDLERS, *operations.ELEMENTWISE, *kinds.REFUSED_UFUNCS, *kinds.IRRELEVANT, *kinds.STOOD_FOR}
    known |= {"divmod"}

    def sorted_(module, name):
        value = getattr(module, name)
        if isinstance(value, type) and issubclass(value, np.generic | BaseException | Warning):
            return True
        return name in known or name_of(value) in known

    for module in (np, np.linalg, np.fft):
        assert [name for name in module.__all__ if not sorted_(module, name)] == []
    # And nothing is sorted twice or by a name that NumPy does not have (any more).
    assert [n for n in kinds.REFUSED if n in operations.GENERAL or n in operations.ELEMENTWISE] == []
    names = "REFUSED MOVES WRITES CREATES LIKES FILLS CONVERTS MATRICES DISCRETE ASKS SHOWS SORTS SAME PECULIAR".split()
    tables = [getattr(kinds, name) for name in names]
    everything = [name for table in tables for name in table]
    assert [name for name in set(everything) if everything.count(name) > 1] == []


def test_every_ufunc_is_sorted():
    ufuncs = {getattr(np, n).__name__ for n in np.__all__ if isinstance(getattr(np, n), np.ufunc)}
    known = {*operations.ELEMENTWISE, *operations.GENERAL, *kinds.REFUSED_UFUNCS, "divmod"}
    assert ufuncs - known == {"bitwise_left_shift", "bitwise_right_shift"} - known or ufuncs <= known


def test_every_function_of_math_is_sorted():
    known = {*mathematics.CARRIED, *mathematics.LISTED, *mathematics.DECIDES, *mathematics.REFUSED}
    assert {n for n in vars(math) if not n.startswith("_")} <= known | set(mathematics.IRRELEVANT)


@pytest.mark.parametrize("name", sorted(mathematics.CARRIED))
def test_a_function_of_math(name):
    if not hasattr(math, name):
        pytest.skip("not in this Python")
    two = name in ("pow", "atan2", "hypot", "fmod", "copysign")
    x = "1.5 + b[0, 0]" if name == "acosh" else "b[0, 0].item()"
    run(f"math.{name}({x}{', float(b[1, 1])' if two else ''})")


@pytest.mark.parametrize("name", mathematics.REFUSED)
def test_a_refused_function_of_math(name):
    if not hasattr(math, name):
        pytest.skip("not in this Python")
    arguments = {"ldexp": "b[0, 0], 2", "dist": "v, w", "sumprod": "v, w", "fma": "v[0], 1, 1"}
    two = "b[0, 0], 1.0" if name in ("nextafter", "remainder") else "b[0, 0]"
    with pytest.raises(RecordingError, match=rf"sample.py:\d+: math.{name}"):
        run(f"0.0 if math.{name}({arguments.get(name, two)}) is None else v")


@pytest.mark.parametrize(
    "expression",
    ["math.fsum(v)", "math.fsum(x * x for x in v)", "math.prod(v.tolist())", "math.log(b[0, 0], 3)",
     "math.floor(v[0] * 9) * v", "math.isclose(v[0], w[0]) + v", "math.dist if 0 else v"],
)  # fmt: skip
def test_peculiar_functions_of_math(expression):
    run(expression)


# Every public attribute of ndarray, with a call; None for what says nothing of the numbers.
METHODS = {
    "T": "a.T", "mT": "a.mT", "all": "a.all() * v", "any": "a.any() * v", "argmax": "a.argmax() * v",
    "argmin": "a.argmin() * v", "argpartition": "v[v.argpartition(2)]", "argsort": "v[v.argsort()]",
    "astype": "a.astype(float) * a.astype(int)", "choose": "I.choose([v[:3], w[:3], s[0]])",
    "clip": "a.clip(-0.4, 0.6)",
    "compress": "a.compress([True, False, True], axis=1)", "conj": "a.conj()", "conjugate": "a.conjugate()",
    "copy": "a.copy()", "cumprod": "a.cumprod(1)", "cumsum": "a.cumsum(axis=0)", "diagonal": "s.diagonal(1)",
    "dot": "a.dot(s)", "flat": "[a.flat[2], list(a.flat), a.flat[1:4], np.array(a.flat)]", "flatten": "a.flatten('F')",
    "imag": "a.imag + a", "item": "[a.item(1, 2), a.item(3), a.item((0, 1)), v[0].item()]", "max": "a.max(0)",
    "mean": "a.mean(axis=1)", "min": "a.min(1)", "nonzero": "v[(v > 0).nonzero()]", "prod": "b.prod(0)",
    "ravel": "a.T.ravel()", "real": "a.real", "repeat": "a.repeat(2, axis=0)", "reshape": "a.reshape(-1, 2)",
    "round": "a.round() * v[0]", "searchsorted": "np.array([0.0, 1.0]).searchsorted(v) * v",
    "squeeze": "a[None].squeeze(0)",
    "std": "a.std()", "sum": "a.sum((0, 1))", "swapaxes": "a.swapaxes(0, 1)", "take": "a.take([1, 4])",
    "tolist": "np.array(a.tolist())", "trace": "s.trace()", "transpose": "a.transpose(1, 0)", "var": "a.var(0)",
    "view": "[a.view(), a.view(np.ndarray) * 2]", "to_device": "a.to_device('cpu') * 2",
    "fill": ("h", "h = a * 1; h[1].fill(v[0])"), "put": ("h", "h = a * 1; h.put([0, 3], w[:2])"),
    "sort": ("h", "h = a * 1; h.sort(axis=0)"), "shape": ("h * s[0, :2]", "h = a * 1; h.shape = (3, 2)"),
}  # fmt: skip
REFUSED_METHODS = {
    "partition": "h.partition(1)", "resize": "h.resize((3, 2))", "setfield": "h.setfield(1.0, float)",
    "byteswap": "h.byteswap()", "base": "h.base", "dtype": "h.dtype = np.int64", "strides": "h.strides = (8, 8)",
}  # fmt: skip
LEAVING_METHODS = {
    "tobytes": "np.frombuffer(a.tobytes())", "dumps": "a.dumps() and v", "dump": "v", "tofile": "v", "data":
    "np.array(a.data)", "ctypes": "a.ctypes.data and v", "getfield": "a.getfield(float)",
}  # fmt: skip
SILENT_METHODS = "device flags itemsize nbytes ndim setflags size".split()


def test_every_attribute_of_arrays_is_sorted():
    names = {n for n in dir(np.ndarray) if not n.startswith("_")}
    assert names == {*METHODS, *REFUSED_METHODS, *LEAVING_METHODS, *SILENT_METHODS}
    operators = {n for n in dir(np.ndarray) if n.startswith("__")} - set(vars(Recorded))
    assert operators <= set(OPERATORS.split()), operators - set(OPERATORS.split())


# What ndarray does by itself: operators, which are ufuncs, and what says nothing of the numbers.
OPERATORS = """
__abs__ __add__ __and__ __divmod__ __eq__ __floordiv__ __ge__ __gt__ __iadd__ __iand__ __ifloordiv__ __ilshift__
__imatmul__ __imod__ __imul__ __invert__ __ior__ __ipow__ __irshift__ __isub__ __itruediv__ __ixor__ __le__ __lshift__
__lt__ __matmul__ __mod__ __mul__ __ne__ __neg__ __or__ __pos__ __pow__ __radd__ __rand__ __rdivmod__ __rfloordiv__
__rlshift__ __rmatmul__ __rmod__ __rmul__ __ror__ __rpow__ __rrshift__ __rshift__ __rsub__ __rtruediv__ __rxor__ __sub__
__truediv__ __xor__ __array_finalize__ __array_interface__ __array_namespace__ __array_priority__ __array_struct__
__array_wrap__ __class__ __class_getitem__ __delattr__ __delitem__ __dir__ __dlpack_device__ __getattribute__
__getstate__ __hash__ __init__ __init_subclass__ __len__ __new__ __reduce__ __setstate__ __sizeof__ __subclasshook__
__buffer__ __release_buffer__
"""


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_method_of_arrays(name):
    sample = METHODS[name]
    if isinstance(sample, tuple):
        run(*sample)
    else:
        run(sample)


@pytest.mark.parametrize("name", sorted(REFUSED_METHODS))
def test_a_refused_method_names_its_line(name):
    with pytest.raises(RecordingError, match=rf"sample.py:\d+: .*{name}"):
        run("h", f"h = np.array(a); {REFUSED_METHODS[name]}")


@pytest.mark.parametrize("name", sorted(set(LEAVING_METHODS) - {"tofile", "dump"}))
def test_a_method_that_leaves_is_noted(name):
    namespace = {k: v.copy() for k, v in VALUES.items()}
    exec(
        compile(HEAD + f"def sample():\n    return {LEAVING_METHODS[name]}\n", "/samples/sample.py", "exec"), namespace
    )
    made = record(CallableSubject(namespace["loss"], lambda: None, {k: namespace[k] for k in VALUES}), Setting())
    assert any(name in what and place.line for what, place in made.recorder.tape.exits)


def test_functions_of_random_numbers_hang_on_nothing():
    public = [n for n in np.random.__all__ if callable(getattr(np.random, n))]
    assert len(public) > 40
    drawn = "rand randn standard_normal random_sample random uniform normal standard_exponential exponential".split()
    for name in drawn:
        call = f"np.random.{name}({'2, 3' if name in ('rand', 'randn') else 'size=(2, 3)'})"
        run("a * x", f"np.random.seed(3); x = {call}; x[0] = b[1]")
    run("a * x", "x = np.random.default_rng(3).normal(size=(2, 3)); x[0] = b[1]")
    run("a * x", "x = np.random.RandomState(3).rand(2, 3); x[0] = b[1]")
    run("a * x", "x = np.random.Generator(np.random.PCG64(2)).random((2, 3)); x[0] = b[1]")
    with pytest.raises(RecordingError, match="normal"):
        run("np.random.default_rng(3).normal(a)")
    with pytest.raises(RecordingError, match="permutation"):
        run("np.random.permutation(v)")


def test_a_recording_error_names_the_line_of_the_call():
    with pytest.raises(RecordingError) as caught:
        run("y", "x = 1.0\n    y = np.linalg.qr(s)[0]")
    assert re.match(r"sample.py:\d+: np.linalg.qr cannot be recorded: ", str(caught.value))
    line = int(str(caught.value).split(":")[1])
    assert line == len(HEAD.splitlines()) + 3
