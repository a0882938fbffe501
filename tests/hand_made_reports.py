"""Reports of a check made by hand: every part of a report, and a stranger's worst text."""

import numpy as np

from rnn_jax.verify.check_report import (
    CheckReport,
    Curve,
    Diagnosis,
    Finding,
    Fix,
    Parameter,
    Smallest,
    Suspect,
)
from rnn_jax.verify.report import Comparison, Verdict

SOURCE = '''\
"""A network as people write it."""

import numpy as np


def forward(x, p):
    a = [np.zeros(p.Waa.shape[0])]
    for t in range(len(x)):
        a.append(np.tanh(x[t] @ p.Wax + a[-1] @ p.Waa.T + p.ba))
    return a


def backward(x, y, p):
    a, g = forward(x, p), p.zeros()
    da_next = np.zeros_like(a[0])
    for t in reversed(range(len(x))):
        da = (a[t + 1] @ p.Wya - y[t]) @ p.Wya.T + da_next
        dz = da * (1 - a[t + 1] ** 2)
        g.Wax += np.outer(x[t], dz)
        g.Waa += np.outer(dz, a[t])
        da_next = da @ p.Waa
    return g


def train(x, y, p):
    for _ in range(100):
        p.step(backward(x, y, p), 0.1)
'''
LINES = tuple(SOURCE.splitlines())
LINE = LINES.index("        da_next = da @ p.Waa") + 1
COMMAND = (
    "rnn-jax check my_rnn.py --wrt p --loss 'loss(x, y, p)' --grads 'backward(x, y, p)' --seed 0 --json report.json"
)


def array(shape, scale=1.0, seed=0):
    return scale * np.sin(np.arange(1, 1 + np.prod(shape, dtype=int)) * (seed + 1.7)).reshape(shape)


def parameter(name, shape, error, noise=2e-16, verdict=None, note=""):
    """One whose gradient is off by so much at the second of two points."""
    verdict = verdict or (Verdict.FAIL if error > 1e-9 else Verdict.PASS)
    autodiff = array(shape)
    manual = autodiff + array(shape, error, seed=1)
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(manual - autodiff)), shape))

    def compared(error, verdict):
        figures = (verdict, error, noise, error / noise, 3.5, worst, float(manual[worst]), float(autodiff[worst]))
        return Comparison(name, *figures, note=note)

    points = (("own values", compared(1e-16, Verdict.PASS)), ("random 1", compared(error, verdict)))
    return Parameter(name, shape, points, manual, autodiff)


def report(parameters, findings=(), notes=(), **more):
    fields = {
        "program": "my_rnn.py",
        "points": ("own values", "random 1"),
        "loss": 12.25,
        "operations": 1234,
        "dtype": "float64",
        "seed": 0,
        "tolerance": 16.0,
        "command": COMMAND,
        "sources": {"my_rnn.py": LINES},
        "versions": {"rnn_jax": "0.1", "jax": "0.10.0", "numpy": "2.3.0"},
        "seconds": {"total": 2.5},
    } | more
    return CheckReport(parameters=tuple(parameters), findings=tuple(findings), notes=tuple(notes), **fields)


RIGHT = report([parameter("Wax", (3, 5), 3e-16), parameter("Waa", (5, 5), 6.2e-16), parameter("ba", (5,), 2e-16)])


def suspect(text, expression="", **more):
    """The line of SOURCE with this text, the expression in it blamed."""
    line = next(n for n, source in enumerate(LINES, 1) if text in source)
    column = LINES[line - 1].index(expression) if expression else None
    end = column + len(expression) if expression else None
    where = {"function": "backward", "column": column, "end_column": end, "expression": expression}
    return Suspect("my_rnn.py", line, LINES[line - 1], **(where | more))


CURVES = tuple(
    Curve(name, tuple(range(12)), tuple(scale * 10.0 ** (-0.55 * t) if t < last else 1e-16 for t in range(12)))
    for name, scale, last in (("da", 25.0, 11), ("Wax", 25.0, 11), ("Waa", 16.0, 11), ("Wya", 0.0, 11))
)
SMALLEST = Smallest(
    {"T": 2, "B": 1, "H": 1},
    {"Wax": array((1, 1)), "Waa": array((1, 1)), "x": np.array([[0.5], [np.nan]]), "mask": np.array([True, False])},
    {"Waa": np.array([[0.382459]])},
    {"Waa": np.array([[0.381537]])},
    "T=2, B=1, H=1: da[0] is +0.382459, should be +0.381537",
)
EDIT = Fix(
    "operand",
    "my_rnn.py",
    LINE,
    ("        da_next = da @ p.Waa",),
    ("        da_next = dz @ p.Waa",),
    f"--- my_rnn.py\n+++ my_rnn.py\n@@ -{LINE - 1},3 +{LINE - 1},3 @@\n"
    "         g.Waa += np.outer(dz, a[t])\n"
    "-        da_next = da @ p.Waa\n+        da_next = dz @ p.Waa\n     return g\n",
    5,
    5e-16,
    12,
)
CARRIED = Finding(
    "carried",
    "the gradient through time is wrong from t=10 backwards",
    "my_rnn.py",
    LINE,
    ("Wax", "Waa"),
    ("Wax, Waa: right at T=1, wrong from T=2",),
    (
        suspect(
            "da_next = da",
            "da ",
            end_column=20,
            expected="the gradient of a[t] before tanh",
            variable="t",
            iteration="10",
        ),
        suspect("dz = da", "da * (1 - a[t + 1] ** 2)"),
        suspect("a.append", function="forward"),
        suspect("da_next = np"),
    ),
    Diagnosis("carried", "carrying da in place of dz gives your Wax, Waa", True, 4e-16),
    EDIT,
    CURVES,
    SMALLEST,
)
WEIGHTS = (
    parameter("Wax", (3, 5), 25.0),
    parameter("Waa", (5, 5), 16.0),
    parameter("Wya", (5, 2), 6.2e-16),
    parameter("by", (2,), 1e-16),
)
EVERYTHING = report(WEIGHTS, [CARRIED], ["the state before the first step is 0 at every point"])

BIAS = Finding(
    "missing",
    "the gradient of ba is never added up",
    "my_rnn.py",
    LINE - 1,
    ("ba",),
    (),
    (suspect("g.Waa +=", missing=True, expected="the gradient of ba, summed over time"),),
    Diagnosis("missing", "leaving ba's gradient at 0 gives your ba", True, 0.0),
    Fix("missing", "my_rnn.py", LINE - 1, (), ("        g.ba += dz",), "", 4, 6e-16, 40),
)
MISSING = report((*WEIGHTS[2:], parameter("ba", (5,), 1.0)), [BIAS])

TARGET = Finding(
    "sign",
    "the gradient of the loss has the wrong sign",
    "my_rnn.py",
    17,
    ("Wax",),
    (),
    (
        suspect(
            "da = (a",
            "a[t + 1] @ p.Wya - y[t]",
            expected="the gradient of the logits at this very step, which the loss in forward divides by their number",
            variable="t",
            iteration="11",
        ),
    ),
    Diagnosis("sign", "a sign turned there", False, 2e-3),
)
TWO = report((*WEIGHTS[:3], parameter("ba", (5,), 1.0)), [TARGET, BIAS], declared="--truncate 4")

LEFT = Finding(
    "tape",
    "numbers left the recording at my_rnn.py:9 (float of a number): nobody is accused",
    "my_rnn.py",
    9,
    (),
    ("the loss does not follow its own recording",),
)
DOUBT = "was not judged: the recording does not tell all of the program"
UNDECIDED = report([parameter("Waa", (5, 5), 0.5, verdict=Verdict.UNDECIDED, note=DOUBT), WEIGHTS[2]], [LEFT])

EVIL = "\x1b[31m<script>alert('x')</script> & \"[bold]\" \u202e\x07\r\n\ud800"
EVIL_LINE = f"\tW = '<b>&\x1b[2J' + \"[red]\u202e\" + {'x + ' * 30}dW  # 時間 </pre>"
STRANGER = report(
    [parameter(f"W{EVIL}", (2, 2), 1.0, noise=float("inf")), parameter("<i>U</i>[/]", (), 1e-16)],
    [
        Finding(
            "<kind>",
            f"message {EVIL}",
            "<evil>&.py",
            1,
            (f"W{EVIL}",),
            (f"detail {EVIL}",),
            (
                Suspect("<evil>&.py", 1, EVIL_LINE, "<f>", EVIL_LINE.index("dW"), EVIL_LINE.index("dW") + 2, "dW",
                        False, f"expected {EVIL}", "<t>", "<1>"),
                Suspect("<other>.py", 3, EVIL_LINE),
            ),
            Diagnosis("<kind>", f"words {EVIL}", False, float("nan")),
            Fix("<kind>", "<evil>&.py", 1, (EVIL_LINE, "b"), (EVIL_LINE,), f"--- <a>\n-{EVIL_LINE}\n", 1, 1e-16, 3),
            (Curve(EVIL, (0, 1, 2), (float("nan"), float("inf"), 1.0)), Curve(EVIL, (0, 2), (0.5, 1.0))),
            Smallest({EVIL: 1}, {EVIL: np.zeros((0, 2))}, {EVIL: np.array(np.inf)}, {EVIL: np.float32([1, 2])}, EVIL),
        )
    ],
    [f"note {EVIL}"],
    program=f"program {EVIL}",
    declared=f"declared {EVIL}",
    command=f"rnn-jax check '{EVIL}'",
    points=(EVIL, "random 1"),
    sources={"<evil>&.py": (EVIL_LINE, "def (: <no> Python")},
    versions={EVIL: EVIL},
)  # fmt: skip

REPORTS = {
    "right": RIGHT,
    "everything": EVERYTHING,
    "missing": MISSING,
    "two": TWO,
    "undecided": UNDECIDED,
    "stranger": STRANGER,
}
