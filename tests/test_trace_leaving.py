"""Whole programs whose numbers leave the recorder, or nearly do: carried or told with the line, and nobody accused."""

import re
import textwrap

import pytest

from rnn_jax.errors import InputError
from rnn_jax.verify.accuse import QUICK
from rnn_jax.verify.command import check, check_file
from rnn_jax.verify.of_file import Expressions
from rnn_jax.verify.report import Verdict

# One model for all of them: h = tanh(W h + U x), loss = log sum exp h + h h / 2, the gradients by hand.
MODEL = """
import numpy as np

random = np.random.default_rng(3)
W = random.normal(size=(3, 3))
U = random.normal(size=3)
X = [0.3, -1.1, 0.7, 0.9]

def backward():
    h = [np.zeros(3)]
    for x in X:
        h.append(np.tanh(W @ h[-1] + U * x))
    e = np.exp(h[-1])
    dh, dW, dU = e / e.sum() + h[-1], np.zeros((3, 3)), np.zeros(3)
    for t in range(len(X), 0, -1):
        da = dh * (1 - h[t] ** 2)
        dW += np.outer(da, h[t - 1])
        dU += da * X[t - 1]
        dh = W.T @ da
    return {"W": dW, "U": dU}

def wrong():
    grads = backward()
    return {"W": grads["W"] * 1.02, "U": grads["U"][::-1].copy()}

def states():
    h = np.zeros(3)
    for x in X:
        h = np.tanh(W @ h + U * x)
    return h
"""

HELPER = """
import math
import numpy as np
from numpy import tanh as squash

def step(W, U, h, x):
    out = np.zeros(3)
    out[:] = squash(W @ h + U * x)
    return out

def score(h):
    return math.log(sum(math.exp(v) for v in h)) + 0.5 * float(np.dot(h, h))
"""

# Numbers that go where the recorder follows them: the gradients are judged.
CARRIED = {
    "float": """
        def loss():
            h = states()
            e = 0.0
            for k in range(3):
                e += float(np.exp(h[k]))
            return float(np.log(e)) + 0.5 * float(h @ h)
        """,
    "item and math": """
        import math
        def loss():
            z = [v.item() for v in states()]
            return math.log(math.fsum(math.exp(v) for v in z)) + 0.5 * sum(v * v for v in z)
        """,
    "from math import": """
        from math import exp, log
        def loss():
            z = states().tolist()
            return log(exp(z[0]) + exp(z[1]) + exp(z[2])) + sum(v ** 2 for v in z) / 2
        """,
    "a sibling module": """
        import helper
        def loss():
            h = np.zeros(3)
            for x in X:
                h = helper.step(W, U, h, x)
            return helper.score(h)
        """,
    "a sibling module imported in the function": """
        def loss():
            from helper import step, score
            h = np.zeros(3)
            for x in X:
                h = step(W, U, h, x)
            return score(h)
        """,
    "numpy imported in the function": """
        def loss():
            import numpy as N
            h = N.zeros((len(X) + 1, 3))
            for t, x in enumerate(X):
                h[t + 1] = N.tanh(N.dot(W, h[t]) + U * x)
            return N.log(N.sum(N.exp(h[-1]))) + 0.5 * (h[-1] ** 2).sum()
        """,
    "from numpy import *": """
        from numpy import *
        def loss():
            h = zeros((3, 1))
            for x in X:
                h[:] = tanh(dot(W, h) + U.reshape(3, 1) * x)
            return log(sum(exp(h))) + 0.5 * sum(square(h))
        """,
    "defaults": """
        def loss(W=W, U=U, f=np.tanh, new=np.zeros, *, total=np.sum):
            h = new(3)
            for x in X:
                h = f(W @ h + U * x)
            return np.log(total(np.exp(h))) + 0.5 * total(h * h)
        """,
    "closures": """
        def make(W, U, f):
            store = np.zeros((len(X), 3))
            def run():
                h = np.zeros(3)
                for t, x in enumerate(X):
                    h = store[t] = f(W.dot(h) + U * x)
                return np.log(np.exp(store[-1]).sum()) + 0.5 * store[-1].dot(store[-1])
            return run
        loss = make(W, U, np.tanh)
        """,
    "class attributes": """
        class Net:
            W, U, f, new = W, U, np.tanh, np.zeros
            @classmethod
            def run(cls):
                h = cls.new(3)
                for x in X:
                    h = cls.f(cls.W @ h + cls.U * x)
                return h
            @staticmethod
            def loss(h):
                return np.log(np.exp(h).sum()) + 0.5 * (h @ h)
        def loss():
            return Net().loss(Net.run())
        """,
    "slots": """
        class Cell:
            __slots__ = ("W", "__u", "h")
            def __init__(self, W, U):
                self.W, self.__u, self.h = W, U, np.zeros(3)
            def step(self, x):
                self.h = np.tanh(self.W @ self.h + self.__u * x)
        cell = Cell(W, U)
        def loss():
            cell.h[:] = 0
            for x in X:
                cell.step(x)
            return np.log(np.exp(cell.h).sum()) + 0.5 * (cell.h @ cell.h)
        """,
    "partial and lambda": """
        from functools import partial, reduce
        recur = partial(np.dot, W)
        act = {"tanh": lambda a: np.tanh(a)}
        def loss():
            h = reduce(lambda h, x: act["tanh"](recur(h) + U * x), X, np.zeros(3))
            return np.log(np.exp(h).sum()) + 0.5 * (h @ h)
        """,
    "vectorize": """
        import math
        act = np.vectorize(math.tanh)
        @np.vectorize
        def raised(v):
            return math.exp(v)
        def loss():
            h = np.zeros(3)
            for x in X:
                h = act(W @ h + U * x)
            return np.log(raised(h).sum()) + 0.5 * (h @ h)
        """,
    "deepcopy and pickle": """
        import copy, pickle
        def loss():
            kept = [states(), {"k": 1}]
            h = copy.deepcopy(kept)[0]
            g = pickle.loads(pickle.dumps(kept))[0]
            return np.log(np.exp(h).sum()) + 0.5 * (g @ h)
        """,
    "generators": """
        def trajectory():
            h = np.zeros(3)
            for x in X:
                h = np.tanh(W @ h + U * x)
                yield h
        def loss():
            *_, last = trajectory()
            return np.log(sum(np.exp(v) for v in last)) + 0.5 * sum(v * v for v in last)
        """,
    "properties and a dataclass": """
        from dataclasses import dataclass, field
        @dataclass
        class Net:
            W: np.ndarray
            U: np.ndarray
            states: list = field(default_factory=list)
            @property
            def last(self):
                return self.states[-1]
        net = Net(W, U)
        def loss():
            net.states.clear()
            net.states.append(np.zeros(3))
            for x in X:
                net.states.append(np.tanh(net.W @ net.last + net.U * x))
            return np.log(np.exp(net.last).sum()) + 0.5 * (net.last @ net.last)
        """,
    "a named tuple and a deque": """
        from collections import namedtuple, deque
        Params = namedtuple("Params", "W U")
        params = Params(W, U)
        window = deque(maxlen=2)
        def loss():
            window.append(np.zeros(3))
            for x in X:
                window.append(np.tanh(params.W @ window[-1] + params.U * x))
            h = window.pop()
            return np.log(np.exp(h).sum()) + 0.5 * np.sum(np.array([h[0], h[1], h[2]]) ** 2)
        """,
    "an alias in a dictionary": """
        class Net:
            def __init__(self):
                self.params = {"W": W, "U": U}
                self.W = self.params["W"]
            def loss(self):
                h = np.zeros(3)
                for x in X:
                    h = np.tanh(self.W @ h + self.params["U"] * x)
                return np.log(np.exp(h).sum()) + 0.5 * (h @ h)
        net = Net()
        def loss():
            return net.loss()
        """,
    "a view of a packed matrix": """
        P = np.zeros((3, 4))
        P[:, :3], P[:, 3] = W, U
        W, U = P[:, :3], P[:, 3]
        def loss():
            h = np.zeros(3)
            for x in X:
                h = np.tanh(P @ np.append(h, x))
            return np.log(np.exp(h).sum()) + 0.5 * (h @ h)
        """,
    "a buffer of the module": """
        H = np.zeros((3, len(X) + 1), order="F")
        flat = H.T.reshape(-1)
        def loss():
            for t, x in enumerate(X):
                H[:, t + 1] = W @ H[:, t]
                flat[3 * t + 3 : 3 * t + 6] += U * x
                np.tanh(H[:, t + 1], out=H[:, t + 1])
            return np.log(np.exp(flat[-3:]).sum()) + 0.5 * (flat[-3:] ** 2).sum()
        """,
    "a memory of results": """
        from functools import lru_cache
        @lru_cache(maxsize=None)
        def state(t):
            return np.tanh(W @ state(t - 1) + U * X[t - 1]) if t else np.zeros(3)
        def loss():
            state.cache_clear()
            h = state(len(X))
            return np.log(np.exp(h).sum()) + 0.5 * (h @ h)
        """,
    "a class of numbers": """
        import math
        class Value:
            def __init__(self, v):
                self.v = v
            def __add__(self, other):
                return Value(self.v + other.v)
            def __mul__(self, other):
                return Value(self.v * other.v)
            def tanh(self):
                return Value(math.tanh(self.v))
        def loss():
            w = [[Value(v) for v in row] for row in W.tolist()]
            u, h = [Value(float(v)) for v in U], [Value(0.0)] * 3
            for x in X:
                x = Value(x)
                h = [sum((w[i][j] * h[j] for j in range(3)), u[i] * x).tanh() for i in range(3)]
            return math.log(sum(math.exp(v.v) for v in h)) + sum(v.v ** 2 for v in h) / 2
        """,
    "threads": """
        from concurrent.futures import ThreadPoolExecutor
        def loss():
            h = states()
            with ThreadPoolExecutor(2) as pool:
                e = list(pool.map(np.exp, h))
            return np.log(sum(e)) + 0.5 * (h @ h)
        """,
    "the matrix class": """
        import warnings
        warnings.simplefilter("ignore")
        def loss():
            w, u, h = np.asmatrix(W), np.asmatrix(U).T, np.asmatrix(np.zeros((3, 1)))
            for x in X:
                h = np.tanh(w * h + u * x)
            return np.log(np.exp(h).sum()) + 0.5 * (h.T * h)[0, 0]
        """,
    "text on the way": """
        def loss():
            h = states()
            value = np.log(np.exp(h).sum()) + 0.5 * (h @ h)
            print(f"loss {value:.4f}", str(value), h, "%.3f" % value)
            return value
        """,
    "eval": """
        def loss():
            h = np.zeros(3)
            for x in X:
                h = eval("np.tanh(W @ h + U * x)")
            return eval("np.log(np.exp(h).sum()) + 0.5 * (h @ h)", dict(np=np, h=h))
        """,
    "branches and guards": """
        def loss():
            h = states()
            assert np.all(np.isfinite(h)) and h.shape == (3,) and abs(h[0]) <= 1
            top = h.max() if h.max() > h.min() else h.mean()
            return top + np.log(np.exp(h - top).sum()) + 0.5 * np.linalg.norm(h) ** 2
        """,
}

# Numbers that leave: what is told names the line (of `here`).
TOLD = {
    "json": """
        import json
        def loss():
            h = np.array(json.loads(json.dumps(states().tolist())))  # here
            return np.log(np.exp(h).sum()) + 0.5 * (h @ h)
        """,
    "text": """
        def loss():
            h = states()
            return np.log(float(str(np.exp(h).sum()))) + 0.5 * (h @ h)  # here
        """,
    "array.array": """
        from array import array
        def loss():
            h = states()
            z = array("d", h.tolist())  # here
            return np.log(np.exp(np.array(z)).sum()) + 0.5 * (h @ h)
        """,
    "struct": """
        import struct
        def loss():
            h = states()
            (s,) = struct.unpack("d", struct.pack("d", np.exp(h).sum()))  # here
            return np.log(s) + 0.5 * (h @ h)
        """,
    "memoryview": """
        def loss():
            h = states()
            z = memoryview(h).tolist()  # here
            return np.log(sum(np.exp(v) for v in z)) + 0.5 * (h @ h)
        """,
    "bytes": """
        def loss():
            h = states()
            z = np.frombuffer(h.tobytes())  # here
            return np.log(np.exp(z).sum()) + 0.5 * (h @ h)
        """,
    "frombuffer": """
        def loss():
            h = states()
            z = np.frombuffer(h)  # here
            return np.log(np.exp(z).sum()) + 0.5 * (h @ h)
        """,
    "Decimal": """
        from decimal import Decimal
        def loss():
            h = states()
            s = sum(Decimal(v.item()) ** 2 for v in h)  # here
            return np.log(np.exp(h).sum()) + 0.5 * float(s)
        """,
    "Fraction": """
        import fractions
        def loss():
            h = states()
            s = fractions.Fraction(float(h @ h))  # here
            return np.log(np.exp(h).sum()) + float(s) / 2
        """,
    "ctypes": """
        import ctypes
        def loss():
            h = states()
            s = ctypes.c_double(h @ h).value  # here
            return np.log(np.exp(h).sum()) + s / 2
        """,
    "statistics": """
        from statistics import fmean
        def loss():
            h = states()
            s = 3 * fmean(h * h)  # here
            return np.log(np.exp(h).sum()) + s / 2
        """,
    "a file": """
        import io
        def loss():
            h, file = states(), io.BytesIO()
            np.save(file, h)  # here
            file.seek(0)
            g = np.load(file)
            return np.log(np.exp(g).sum()) + 0.5 * (h @ h)
        """,
    "complex": """
        def loss():
            h = states()
            return np.log(np.exp(h).sum()) + 0.5 * np.vdot(h + 0j, h).real  # here
        """,
    "masked arrays": """
        def loss():
            h = states()
            g = np.ma.masked_array(h, h > 5)  # here
            return np.log(np.exp(g).sum()) + 0.5 * (h @ h)
        """,
    "fft": """
        def loss():
            h = states()
            return np.log(np.exp(h).sum()) + np.sum(np.abs(np.fft.fft(h)) ** 2) / 6  # here
        """,
    "scipy": """
        import scipy.linalg
        def loss():
            h = states()
            return np.log(np.exp(h).sum()) + 0.5 * scipy.linalg.norm(h) ** 2  # here
        """,
    "gamma": """
        import math
        def loss():
            h = states()
            return np.log(np.exp(h).sum()) + 0.5 * (h @ h) + math.lgamma(abs(h[0])) - math.lgamma(abs(h[0]))  # here
        """,
}


def judged(tmp_path, body, grads):
    """The report, or the error that was told."""
    (tmp_path / "helper.py").write_text(HELPER)
    path = tmp_path / "program.py"
    path.write_text(MODEL + textwrap.dedent(body))
    try:
        return check_file(path, Expressions("W,U", "loss()", grads), points=1, depth=QUICK)
    except InputError as error:
        return error


def line_of(body):
    """The line that is marked."""
    return next(k for k, line in enumerate((MODEL + textwrap.dedent(body)).splitlines(), 1) if "# here" in line)


@pytest.mark.parametrize("name", CARRIED)
def test_a_program_that_is_carried(name, tmp_path):
    right = judged(tmp_path, CARRIED[name], "backward()")
    assert not isinstance(right, InputError), str(right)
    assert right.verdict is Verdict.PASS, str(right)
    assert not [finding for finding in right.findings if finding.kind == "tape"]
    wrong = judged(tmp_path, CARRIED[name], "wrong()")
    assert wrong.verdict is Verdict.FAIL, str(wrong)


@pytest.mark.parametrize("name", TOLD)
def test_a_program_that_leaves(name, tmp_path):
    """UNDECIDED with the line or an error with the line; never FAIL for right gradients nor PASS for wrong ones."""
    for grads in ("backward()", "wrong()"):
        told = judged(tmp_path, TOLD[name], grads)
        line = line_of(TOLD[name])
        if isinstance(told, InputError):
            assert re.search(rf"program\.py:{line}\b", str(told)), str(told)
        else:
            assert told.verdict is Verdict.UNDECIDED, str(told)
            finding = next(f for f in told.findings if f.kind == "tape")
            assert f"program.py:{line}" in finding.message
            assert finding.line == line, finding


@pytest.mark.parametrize("name", ["float", "closures", "class attributes", "deepcopy and pickle", "threads"])
def test_functions_handed_over(name):
    """The same by rnn_jax.check, with functions and arrays that live in no file."""
    namespace = {}
    exec(MODEL + textwrap.dedent(CARRIED[name]), namespace)
    wrt = {"W": namespace["W"], "U": namespace["U"]}
    assert check(namespace["loss"], namespace["backward"], wrt, points=1, quick=True).verdict is Verdict.PASS
    assert check(namespace["loss"], namespace["wrong"], wrt, points=1, quick=True).verdict is Verdict.FAIL


def test_enough_of_them():
    assert len(CARRIED) + len(TOLD) >= 20
