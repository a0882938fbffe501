"""No number leaves the tape without a word: it is carried, refused with its line, or the place is noted."""

import sys

import numpy as np
import pytest

from rnn_jax.verify.adjoints import value_and_adjoints
from rnn_jax.verify.of_functions import CallableSubject
from rnn_jax.verify.subject import Setting, record
from rnn_jax.verify.trace.recorder import RecordingError
from rnn_jax.verify.trace.tape import Constant

HEAD = """
import array, collections, copy, csv, ctypes, dataclasses, decimal, fractions, functools, io, itertools, json, math
import operator, pickle, statistics, struct
import numpy as np
from collections import namedtuple, deque
"""
VALUES = {
    "a": np.array([[0.31, -0.72, 0.55], [0.87, 0.23, -0.41]]),
    "v": np.array([0.42, -0.63, 0.95, 0.17]),
}

CARRIED = """
z = np.zeros((2, 3), order='F'); z.T[1] = a[:, 1]; z.T.ravel()[:] = 7.0; z * a
z = np.zeros((2, 3), order='F'); z.T.ravel()[:] = a.T.ravel(); z * a
z = np.zeros((2, 3), order='F'); z.reshape(6, order='F')[2:4] = v[:2]; z * a
z = np.asfortranarray(a); z[0] *= 2; z.ravel('K')[1:3] += v[:2]; z * a
z = (a.T @ a).T; z.ravel()[2] = v[0]; z
z = np.sort(np.asfortranarray(a), axis=0); z.T.ravel()[:2] = v[:2]; z * z
z = np.exp(np.asfortranarray(a), where=a > 0, out=None); z.T.ravel()[:2] = v[:2]; np.where(a > 0, z, 1.0)
z = np.vectorize(math.tanh)(a.T); z.T.ravel()[:2] = v[:2]; z * z
z = np.apply_along_axis(np.cumsum, 0, a); z.T.ravel()[:2] = v[:2]; z * z
z = a.T * 1.0; r = z.ravel(); r[0] = v[0]; [r, z]
z = a.T * 1.0; r = z.reshape(6, order='F'); r[0] = v[0]; [r, z]
z = np.exp(a.T); r = z.reshape(2, 3); r[0] = v[:3]; [r * r, z * z]
z = np.zeros((3, 4))[::-1, ::2]; z[0] = v[:2]; z.T[1] += v[0]; z * z
z = np.zeros(4)[::-1]; z[:] = v; z[1:] += z[:-1]; z
z = v.copy(); z[1:] = z[:-1]; z * v
z = v.copy(); z[:-1] = z[1:] * 2; z[::-1][:2] = z[:2]; z
z = v.copy(); z += z[::-1]; z
z = v.copy(); np.add(z[:-1], z[1:], out=z[1:]); z
z = v.copy(); np.multiply(z, z, z); z
z = v.copy(); np.negative(z, out=(z,)); z * v
z = np.zeros((2, 2)); np.outer(v[:2], v[2:], out=z); z
z = np.zeros((2, 2)); np.dot(a, a.T, out=z); z
z = np.zeros((2, 2)); np.dot(a, a.T, z); z
z = np.zeros(3); np.sum(a, 0, None, z); z
z = np.zeros(3); a.sum(0, out=z); z
z = np.zeros(3); np.einsum('ij->j', a, out=z); z
z = np.zeros(6); np.concatenate([a[0], a[1]], out=z); z
z = np.zeros(2); np.take(v, [0, 3], out=z); z
z = np.zeros(2); np.take(v, [0, 3], None, z); z
z = np.zeros((2, 3)); np.clip(a, -0.5, 0.5, z); z
z = np.zeros((2, 3)); np.exp(a, z); z
z = np.zeros((2, 3)); np.exp(a, where=a > 0, out=z); z
z = np.zeros(2); np.mean(a, axis=1, out=z); z
z = np.zeros((2, 3), np.float32); z[:] = a; z.astype(float) * 1e-3
z = np.array(a[0, 0]); z += 1; z * z
z = np.array(0.0); z[...] = a[0, 0]; z[()] += a[0, 1]; z * z
z = np.array(0.0); z += a[0, 0]; float(z) * v[0]
z = a[0, 0]; y = z; y += 1.0; [z, y]
z = np.zeros(0); np.concatenate([z, v])
np.sum(a[:0]) + v[0]
np.resize(a[:0], (3,)) + v[0]
np.zeros((0, 3)) @ np.ones((3, 2)) @ np.ones((2, 1)) if a[:0].size else v
z = np.zeros(3); z[[True, False, True]] = v[:2]; z * z
z = np.zeros((2, 3)); z[a > 0] = a[a > 0]; z * z
z = np.zeros((2, 3)); z[a > 0] += a[a > 0] ** 2; z * z
z = np.zeros(3); z[[0, 0, 1]] += v[:3]; z * z
z = np.zeros(3); np.add.at(z, [0, 0, 1], v[:3]); z * z
z = np.ones(3); np.multiply.at(z, ([0, 0, 1],), v[:3]); z
z = v.copy(); np.subtract.at(z, slice(1, 3), z[0]); z
z = v.copy(); np.maximum.at(z, [0, 1, 1], np.array([0.5, 0.1, 0.2])); z
z = np.zeros((2, 3)); np.add.at(z, (slice(None), [0, 0]), a[:, :2]); z * z
z = np.zeros((2, 3)); np.add.at(z.T, [0, 2, 2], a[:, :1].T * np.ones((3, 1))); z * z
z = np.zeros((2, 3)); z[np.ix_([0, 1], [2, 0])] = a[:, :2]; z * z
z = np.zeros((2, 3)); z[:, [2, 0]] = v[:2]; z[0, 1:] = v[2]; z * z
z = np.zeros((2, 3)); z.flat[[0, 5]] = v[:2]; z.flat[1:4] = v[3]; z * z
z = np.zeros((2, 3)); z.flat = v; z * z
z = np.zeros((2, 3)); z.T.flat[1] = v[0]; z * a
z = np.zeros((3, 3)); np.fill_diagonal(z[:, ::-1], v[:3]); z * z
z = np.zeros((2, 3)); z[...] = v[:3]; z[:, None, 1] = v[:1]; z * z
z = np.zeros((4, 3)); p, q = np.split(z, 2); p[:] = a; q += 2 * a; z * z
z = np.zeros((4, 3)); y = np.vsplit(z, 2)[1]; y[...] = a; z * z
z = np.zeros(6); y = np.reshape(z, (2, 3)); y[:] = a; z * z
z = np.zeros((2, 3)); y = np.ravel(z); y[1:5] = v; z * z
z = np.zeros((2, 3)); y = np.atleast_2d(z); y[0] = v[:3]; z * z
z = np.zeros((2, 3)); y = np.asarray(z); y[0] = v[:3]; z * z
z = np.zeros((2, 3)); y = np.array(z, copy=False) if 0 else z[:]; y[0] = v[:3]; z * z
z = np.zeros(3); y = np.array(z, ndmin=2, copy=None); y[0, 1] = v[0]; z * z
z = np.zeros((2, 3)); y = np.swapaxes(z, 0, 1); y[0] = v[:2]; z * z
z = np.zeros((1, 3)); y = np.squeeze(z); y[0] = v[0]; np.expand_dims(y, 0)[0, 1] = v[1]; z * z
z = np.zeros((3, 3)); y = z.diagonal(); z[1, 1] = v[0]; y * y
z = np.zeros((3, 3)); y = np.diag(z); z[2, 2] = v[1]; y * y
z = np.zeros((3, 3)); y = np.flip(z); y[0] = v[:3]; np.rot90(z)[1, 1] += v[3]; z * z
z = np.zeros(4); y = np.lib.stride_tricks.sliding_window_view(z, 2, writeable=True); z[1] = v[0]; y * y
z = np.zeros(4); y = np.broadcast_to(z, (2, 4)); z[1] = v[0]; y * y
z = np.empty_like(a); z.real = a; z * z
z = np.zeros((2, 3)); z.shape = 6; z[1:5] = v; z * z
z = np.zeros((2, 3)); y = z.view(); y[0] = v[:3]; z * z
z = np.ndarray((2, 3)); z[:] = a; z * z
z = np.zeros_like(a, order='F'); z.T[:] = a.T; z * z
z = np.full((2, 3), v[0]); z[0] = v[1]; z * z
z = np.array([a[0], [v[0], 1.0, v[1]]]); z * z
z = np.stack((a[0], [v[0], 1.0, v[1]])); z * z
z = np.array([[v[0]], [v[1]]]) @ np.array([[1.0, v[2]]]); z
z = np.array(deque(v)); z * z
z = np.array(namedtuple('P', 'x y')(v[0], v[1])); z * z
z = np.stack(namedtuple('P', 'x y')(v, v * v)); z * z
z = np.concatenate(deque([v, v * v])); z * z
z = np.fromiter(v, dtype=float); z * z
z = np.fromiter((x * y for x, y in zip(v, v[1:])), float, count=2); z
sum(v) + sum(x * x for x in v) + sum(a).sum()
sum(v.tolist(), 0.5) + max(v) * min(v) + abs(v[1])
max(v, key=lambda x: x * x) + sorted(v)[1] * sorted(v, key=abs)[0]
functools.reduce(operator.mul, v) + functools.reduce(lambda s, x: s * 0.5 + x, v, 0.0)
list(itertools.accumulate(v, operator.mul))
[x * k for k, x in enumerate(itertools.chain(v, a[0]))]
[x * y for x, y in itertools.product(v[:2], a[0])]
math.prod(v) + math.fsum(v) + math.prod(x for x in v)
next(iter(v)) + next(v.flat) + next(x for x in v if x > 0.5)
copy.deepcopy({'z': [v, v[0]]})['z'][0] * copy.copy(v)
pickle.loads(pickle.dumps([v, {'k': a}, v[0]]))[1]['k'] * v[0]
np.array([x for row in a.tolist() for x in row]) ** 2
[float(x) ** 2 for x in v] + [v[0].item() // 0.1, v[1].item() % 0.7, divmod(v[0], 0.3)[1], divmod(0.9, v[0])[1]]
[np.float64(v[0]) * 2, np.float64(3) * v[1], np.int64(3) * v[1], np.float32(2) * v[0], True * v[0], 2 ** v[0]]
[np.prod((2, 3)) * v[0].item(), v[0].item() ** np.int64(2), np.int64(2) ** v[0], np.bool_(True) * v[0]]
[np.sum(v) * v, np.sum(v).reshape(1), np.sum(v).flatten(), np.mean(v).ravel()[0], v.sum()[None] * v]
[round(v[0] * 10) * v[0], int(v[2] * 9) * v[0], bool(v[0] > 0) * v[0], math.floor(v[0] * 9) * v[0]]
[v[int(np.argmax(v))], v[v.argmin()], v[(v > 0).sum()], v[np.sum(v > 0) - 1], v[len(v) - 1]]
np.r_[v, a[0], 1.0, v[0]] ** 2
np.r_[0:3, v] ** 2
np.c_[v, v * v, np.ones(4)] ** 2
np.matrix(a) * np.matrix(a).T
np.asmatrix(a).A1 * np.asmatrix(a)[0, 1]
np.asarray(np.asmatrix(a)) * a
np.vectorize(lambda x: max(x, 0.1) ** 2)(a)
np.vectorize(math.exp, otypes=[float])(v)
np.frompyfunc(lambda x: x, 1, 1) and v
np.dot(v, [1, 2, 0, 1]) + np.inner([0.5, 1, 1, 1], v) + np.vdot(v, (1, 1, 2, 3))
v @ [1, 2, 3, 4] + (v + [1, 2, 3, 4]) * 2 + v * (1, 1, 1, 2)
v[0] * [1.0, 2.0] if 0 else np.multiply(v[0], [1.0, 2.0])
np.select([v > 0.5, v > 0], [v, v * v], default=v ** 3)
np.where(v > 0, v, 0.01 * v) + np.where(a > 0, 1, 0.1).sum() * v + v * v[np.where(v < 0)]
np.unravel_index(np.argmax(a), a.shape)[0] * v
np.bincount([0, 1, 1]) * v[:2]
(a > 0) * a + (a > 0).astype(int) @ a.T @ a + ~(a > 5) * a
np.maximum.reduce(a, axis=1) + np.add.reduce(a, 0)[:2] + np.multiply.reduce(a, axis=1)
np.subtract.outer(v, v) ** 2 + np.add.outer(v, v)
np.add.accumulate(v) + np.cumsum(v) * np.maximum.accumulate(v, axis=-1)
np.linalg.norm(a) + np.linalg.norm(v, ord=1) + np.linalg.norm(v, np.inf)
np.exp(a, dtype=np.float64) + np.add(a, 1, dtype=float)
np.power(v, 2) + v ** 2 + v ** 3 + v ** -1 + np.square(v) + 2.0 ** v + abs(v) ** 0.5
np.einsum('ij,kj->ik', a, a, optimize=True) + np.einsum(a, [0, 1], a, [2, 1], [0, 2])
np.tensordot(a, a, axes=([1], [1])) + np.tensordot(a, a, axes=[(0, 1), (0, 1)])
np.average(v, weights=v ** 2) + np.interp(0.3, [0.0, 1.0], v[:2])
np.trapezoid(v, dx=0.1) + np.gradient(v).sum() + np.diff(v, n=2).sum() + np.ediff1d(v).sum()
next(iter({'k': v}.values())) * collections.OrderedDict(x=v[0])['x']
dataclasses.make_dataclass('P', ['x'])(v).x * v
operator.itemgetter(1)([v, a])[0] * operator.attrgetter('T')(a).T[1]
np.isclose(v, 0.4, atol=0.1) * v + np.allclose(v, v) * v
v.astype(int) * v + v.astype(bool) * v + v.astype('float64', copy=False) * v
(v * 10).astype(np.int64).astype(float) * v + np.floor(v * 10) * v + np.sign(v) * v
np.dtype(np.float64).type(v[0]) * v if 0 else np.zeros(2, np.dtype(float)) + v[:2]
isinstance(v[0], float) * v + isinstance(v, np.ndarray) * v + isinstance(v[0], np.floating) * v
np.ndindex(2, 3) and [a[k] ** 2 for k in np.ndindex(a.shape)]
[x ** 2 for _, x in np.ndenumerate(a)]
np.rollaxis(np.meshgrid(v, v)[0], 1) * np.mgrid[0:4, 0:4][0]
np.apply_along_axis(np.sum, 0, a) + np.apply_along_axis(lambda x: x * x.sum(), 1, a)
np.array([[v[0], 2], [3, v[1]]], dtype=float).T @ v[:2]
np.array(v, dtype=float, copy=True, ndmin=2) @ v
np.zeros(3, dtype='float')[:, None] + v
(lambda *xs, **ks: xs[0] * ks['k'])(*v[:1], k=v[1])
np.array(np.array([v, v * 2], dtype=object).tolist()).astype(float) * v
np.asarray([x for x in a.T]) * v[0]
a.T.tolist()[0][1] * v + np.array(a[::-1].T.tolist())[0, 0]
v.__array__() * 2
sum(map(lambda x: x * x, v)) + sum(filter(lambda x: x > 0, v))
min(1.0, v[0]) * max(0.1, v[1], v[2]) + min(v[0], v[1]) ** 2
v if not np.any(np.isnan(v)) and v[0] < 1 and 0.0 <= v[0] <= 1.0 else v * 2
v * (v[0] == v[0]) + v * (v[0] != 0) + v * (v[0] in v) + v * (v[0] is not None) + v * (v[0] != None)
{round(v[0], 1): v[1]}[round(v[0], 1)] * {v[0]: 2.0}[v[0]]
z = np.zeros(4); z[:] = deque(v); z * z
z = np.zeros((2, 2)); z[0] = namedtuple('P', 'x y')(v[0], v[1]); z += [v[2], v[3]]; z * z
z = np.zeros(4); z[1:3] = [v[0], 1.0]; z[[0, 3]] = (v[1], v[2]); z * z
np.array(collections.UserList(v)) * np.asarray(type('L', (list,), {})(v))
np.dot(collections.UserList(v), v) + np.sum(deque(v)) + np.max([v, v * 2], axis=0)
np.sum([v, v]) + np.mean([v[0], v[1]]) + np.stack([[v[0]], [v[1]]]).sum() + np.linalg.norm([v[0], v[1]])
type('Q', (), {'__array__': lambda self, dtype=None, copy=None: v * 2})() + v if 0 else v
np.tanh([v[0], v[1]]) * np.exp((v[0], 1.0)) + np.maximum([v[0], 0.1], 0.2)
np.pad(a, ((1, 0), (0, 2)), 'constant') * 2 + np.pad(a, ((1, 0), (0, 2)), mode='wrap')
np.tril(a @ a.T)[1] + np.triu(np.outer(v, v), 1).sum() + np.trace(np.diag(v, -1)) + np.diag(np.diag(v)) @ v
"""
REFUSED = """
np.fft.fft(v)
np.pad(v, 2, mode='mean')
np.pad(v, 2, mode='linear_ramp')
np.pad(v, 1, constant_values=v[0])
np.trim_zeros(v)
np.linalg.cond(a)
np.from_dlpack(v)
np.frombuffer(v)
np.linspace(v[0], 1.0, 3)
np.arange(v[2])
np.kaiser(3, v[0])
np.sort_complex(v)
v * 1j
v[0] * 1j
np.sqrt(v + 0j)
(v[1]) ** 0.5 if 0 else v[1].item() ** 0.5
np.add.reduceat(v, [0, 2])
np.hypot.reduce(v)
np.sum(v, initial=v[0])
np.ma.masked_array(v, v > 0.5)
np.ma.array(v, mask=[0, 0, 1, 0]).sum()
np.random.shuffle(v)
np.random.permutation(v)
np.modf(v)
np.frexp(v)
np.array(v, dtype=complex)
v.astype(complex)
v.astype(np.longdouble)
z = np.zeros(4, complex); z.real[:] = 1.0; z + v
np.polynomial.Polynomial(v)(2.0) if 0 else np.polynomial.polynomial.polyval(2.0, v)
np.poly1d(v)(2.0)
np.nditer(v)
v.view(np.int64)
v.resize(2)
np.emath.sqrt(v)
np.bmat([[a]])
np.fft.rfft(v)
v.base
"""
# The places noted.
NOTED = """
float(decimal.Decimal(v[0]))
float(decimal.Decimal.from_float(v[0].item()))
float(fractions.Fraction(v[0].item()))
np.array(array.array('d', v.tolist()))
np.array(array.array('d', v))
np.array(memoryview(v))
np.frombuffer(bytes(v))
np.frombuffer(v.tobytes())
np.frombuffer(bytearray(v))
np.array((ctypes.c_double * 4)(*v))
ctypes.c_double(v[0]).value
struct.unpack('d', struct.pack('d', v[0]))[0]
np.array(json.loads(json.dumps(v.tolist())))
float(str(v[0]))
float(repr(v[0].item()))
float(f'{v[0]:.17g}')
float('{}'.format(v[0]))
statistics.mean(v.tolist())
abs(complex(v[0]))
float.fromhex(v[0].hex())
v[0].as_integer_ratio()[0] * 1.0
float(np.longdouble(v[0]))
np.complex128(v[0]).real
np.array([float(x) for x in np.array2string(v)[1:-1].split()])
list(csv.reader(io.StringIO(str(v[0]))))[0][0] and float(str(v[0]))
np.array(v.data)
"""


# Parameters as they may lie in memory.
LAYOUTS = {
    "strided": lambda w: np.repeat(np.repeat(w, 2, 0), 3, 1)[::2, 1::3],
    "Fortran's": np.asfortranarray,
    "reversed": lambda w: w[::-1, ::-1].copy()[::-1, ::-1],
    "transposed": lambda w: w.T.copy().T,
    "a buffer": lambda w: np.frombuffer(bytearray(w.tobytes())).reshape(w.shape),
    "a slice": lambda w: np.stack([w, w], axis=2)[:, :, 1],
}
MADE = """
w * 1
w.copy('K')
np.copy(w)
np.exp(w)
np.zeros_like(w)
np.where(w > 0, w, 2.0)
np.concatenate([w[:1], w[1:]])
np.sort(w, axis=0)
np.cumsum(w, axis=0)
w[[1, 0]]
w[:, [2, 0, 1]]
np.take(w, [0, 2, 1], axis=1)
np.einsum('ij->ji', w).copy('A').T
np.asfortranarray(w) * 1
np.array(w, order='F', copy=True)
np.add(w, w, order='F')
np.clip(w, -1, 0.5)
np.tril(w)
np.full_like(w, w[0, 0])
np.roll(w, 1, 0)
"""


def lines(text):
    return [line for line in text.splitlines() if line]


def program(line):
    *before, expression = line.split("; ")
    body = "".join(f"    {statement}\n" for statement in before)
    return (
        f"{HEAD}def flat(x):\n"
        "    return np.concatenate([flat(e) for e in x]) if isinstance(x, (list, tuple)) else np.ravel(np.asarray(x))\n"
        f"def sample():\n{body}    return {expression}\n"
        "def loss():\n    y = flat(sample())\n    return np.sum(y * np.cos(1.0 + 0.7 * np.arange(y.size)))\n"
    )


def recorded(line, dtype=float, layout=None):
    values = {name: value.astype(dtype) for name, value in VALUES.items()}
    if layout is not None:
        values["w"] = layout(values.pop("a"))
    namespace = dict(values)
    exec(compile(program(line), "/samples/sample.py", "exec"), namespace)
    return values, namespace["loss"], record(CallableSubject(namespace["loss"], lambda: None, values), Setting())


def slopes(values, loss, made):
    """The slope along one direction by the tape, and by differences of the program."""
    rng = np.random.default_rng(7)
    start = {name: value.copy() for name, value in values.items()}
    direction = {name: rng.normal(size=value.shape) for name, value in values.items()}
    ours = 0.0
    if not isinstance(made.output, Constant):
        adjoint = value_and_adjoints(made.recorder.tape, made.output)
        ours = sum(float(np.vdot(adjoint[ids], direction[name])) for name, ids in made.ids.items())

    def along(step):
        for name, value in values.items():
            value[...] = start[name] + step * direction[name]
        return float(loss())

    f = [along(1e-3 * k) for k in (-2, -1, 1, 2)]
    for name, value in values.items():
        value[...] = start[name]
    return ours, (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / 12e-3


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")


@pytest.mark.parametrize("line", lines(CARRIED))
def test_it_is_carried(line):
    values, loss, made = recorded(line)
    # From Python 3.12 on `sum` of floats carries the rounding along: what five additions may round, each eps / 2 of 3.
    carried = 8 * np.finfo(float).eps if sys.version_info >= (3, 12) and "sum(v.tolist()" in line else 0.0
    assert made.loss == pytest.approx(float(loss()), rel=0.0, abs=carried)
    ours, slope = slopes(values, loss, made)
    # As in test_trace_numpy_list: the differences are good to 1e-9 or so; where float32 comes in, times 1e-3, to 1e-7.
    assert ours == pytest.approx(
        slope, rel=1e-6 if "float32" in line else 1e-7, abs=1e-4 if "float32" in line else 1e-7
    )


@pytest.mark.parametrize("line", lines(CARRIED)[::3])
def test_it_is_carried_in_float32(line):
    """The very same number, dtypes and all; each operation JAX's, or RecordingError."""
    try:
        _, loss, made = recorded(line, np.float32)
        plain = float(loss())
    except (TypeError, ValueError) as error:
        pytest.skip(f"NumPy itself: {error}")
    assert made.loss == plain
    value_and_adjoints(made.recorder.tape, made.output)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_view_stays_a_view_and_a_copy_a_copy(layout):
    """What NumPy writes through ravel of a transposed array, or does not, hangs on its order in memory."""
    for made in lines(MADE):
        line = f"z = {made}; z.T.ravel()[1:3] = v[:2]; z.reshape(-1)[4:] *= v[2]; z * z"
        values, loss, recording = recorded(line, layout=LAYOUTS[layout])
        assert recording.loss == float(loss()), line
        ours, slope = slopes(values, loss, recording)
        assert ours == pytest.approx(slope, rel=1e-7, abs=1e-7), line


@pytest.mark.parametrize("line", lines(REFUSED))
def test_it_is_refused(line):
    with pytest.raises(RecordingError, match=r"^sample.py:\d+: "):
        recorded(line)


@pytest.mark.parametrize("line", lines(NOTED))
def test_it_is_noted(line):
    _, _, made = recorded(line)
    number = program(line).splitlines().index("    return " + line.split("; ")[-1]) + 1
    assert any(place.line == number for _, place in made.recorder.tape.exits)
