"""The verdicts of `rnn_jax.check`: what must fail, what must pass, and what may not be judged."""

from functools import partial

import numpy as np
import pytest

import rnn_jax
from rnn_jax.errors import InputError
from rnn_jax.verify.accuse import QUICK, Depth
from rnn_jax.verify.check import check
from rnn_jax.verify.check_report import GradientError
from rnn_jax.verify.command import check_file
from rnn_jax.verify.declared import Declared
from rnn_jax.verify.of_file import Expressions
from rnn_jax.verify.of_functions import CallableSubject
from rnn_jax.verify.report import Verdict


class Net:
    """h[t] = tanh(x[t] U + h[t-1] W + b), squared error; every test damages one thing."""

    def __init__(self, T=6, D=3, H=4, K=2, scale=0.7, dtype=float, seed=0):
        rng = np.random.default_rng(seed)
        self.x, self.y = rng.normal(size=(T, D)).astype(dtype), rng.normal(size=(T, K)).astype(dtype)
        self.U = (scale * rng.normal(size=(D, H))).astype(dtype)
        self.W = (scale * rng.normal(size=(H, H))).astype(dtype)
        self.V = (scale * rng.normal(size=(H, K))).astype(dtype)
        self.b = (scale * rng.normal(size=H)).astype(dtype)
        self.h0 = np.zeros(H, dtype)

    def wrt(self):
        return {"U": self.U, "W": self.W, "V": self.V, "b": self.b}

    def forward(self):
        h = np.zeros((len(self.x) + 1, len(self.b)), self.x.dtype)
        h[0] = self.h0
        for t in range(len(self.x)):
            h[t + 1] = np.tanh(self.x[t] @ self.U + h[t] @ self.W + self.b)
        return h, h[1:] @ self.V

    def loss(self):
        return 0.5 * np.sum((self.forward()[1] - self.y) ** 2)

    def grads(self):
        h, o = self.forward()
        do = o - self.y
        g = {name: np.zeros_like(value) for name, value in self.wrt().items()}
        g["V"] = h[1:].T @ do
        dh = np.zeros_like(self.b)
        for t in reversed(range(len(self.x))):
            da = (do[t] @ self.V.T + dh) * (1 - h[t + 1] ** 2)
            g["U"] += np.outer(self.x[t], da)
            g["W"] += np.outer(h[t], da)
            g["b"] += da
            dh = da @ self.W.T
        return g


judged = partial(rnn_jax.check, quick=True)  # the line, the cause and the fix of it are other tests'


def named(loss, grads, wrt, **declared):
    """What is wrong by its kind, with next to no time for what would mend it."""
    said = Declared.parse(*(declared.get(key) for key in ("truncate", "clip", "scale", "sign")))
    return check(CallableSubject(loss, grads, wrt), declared=said, depth=Depth(0.2, 0, strict=True))


def verdicts(report):
    return {parameter.name: str(parameter.verdict) for parameter in report.parameters}


def test_right_code_passes_and_is_left_as_it_was():
    net = Net()
    before = {name: value.copy() for name, value in vars(net).items()}
    report = judged(net.loss, net.grads, net.wrt())
    assert report.ok, str(report)
    assert set(verdicts(report)) == {"U", "W", "V", "b"}
    assert all(np.array_equal(value, before[name]) and type(value) is np.ndarray for name, value in vars(net).items())
    report.raise_if_wrong()
    assert "<pre>" in report._repr_html_()


@pytest.mark.parametrize("name", ["U", "W", "V", "b"])
def test_each_parameter_is_told_from_the_others(name):
    net = Net()

    def grads():
        g = net.grads()
        g[name][..., 0] *= 1 + 1e-10
        return g

    report = judged(net.loss, grads, net.wrt())
    assert verdicts(report) == {n: "fail" if n == name else "pass" for n in net.wrt()}
    with pytest.raises(GradientError, match=f"✗ {name} "):
        report.raise_if_wrong()


@pytest.mark.parametrize(
    ("damage", "kind", "words", "declared"),
    [
        (lambda g: -g, "sign", "the negative", {"sign": "negative"}),
        (lambda g: g / 6, "scale", "a division by 6", {"scale": "mean"}),
        (lambda g: g * 3.5, "scale", "a factor of 3.5", {}),
        (lambda g: np.clip(g, -0.5, 0.5), "clip", "clipped at ±0.5", {"clip": "value:0.5"}),
    ],
)
def test_what_is_done_to_all_is_named_and_can_be_declared(damage, kind, words, declared):
    net = Net()

    def grads():
        return {name: damage(g) for name, g in net.grads().items()}

    report = named(net.loss, grads, net.wrt())
    assert report.findings[0].kind == kind
    assert words in report.findings[0].diagnosis.words
    if declared:
        assert judged(net.loss, grads, net.wrt(), **declared).ok
        # What is declared and not done is a fault again; a mean over one is the whole.
        undone = judged(net.loss, net.grads, net.wrt(), **declared)
        assert undone.ok == ("--scale mean: divided by 1" in undone.notes)


def test_gradients_that_are_rounding_alone_are_not_called_clipped():
    net = Net()

    def grads():
        return {name: 1e-17 * np.sign(g) for name, g in net.grads().items()}

    report = judged(net.loss, grads, net.wrt())
    assert report.findings
    assert all("clip" not in detail for detail in report.findings[0].details)


def test_clip_by_norm_is_named():
    net = Net()

    def grads():
        g = net.grads()
        whole = np.sqrt(sum(np.sum(each**2) for each in g.values()))
        return {name: each * min(1, 0.25 / whole) for name, each in g.items()}

    report = judged(net.loss, grads, net.wrt())
    assert "--clip norm:0.25" in report.findings[0].details[0]
    assert judged(net.loss, grads, net.wrt(), clip="norm:0.25").ok


def truncated(net, cells):
    h, o = net.forward()
    do = o - net.y
    g = {name: np.zeros_like(value) for name, value in net.wrt().items()}
    g["V"] = h[1:].T @ do
    for t in range(len(net.x)):
        dh = do[t] @ net.V.T
        for k in range(t, max(-1, t - cells), -1):
            da = dh * (1 - h[k + 1] ** 2)
            g["U"] += np.outer(net.x[k], da)
            g["W"] += np.outer(h[k], da)
            g["b"] += da
            dh = da @ net.W.T
    return g


def test_truncation_is_a_fault_until_it_is_declared():
    net = Net(T=7)

    def grads():
        return truncated(net, 3)

    report = named(net.loss, grads, net.wrt())
    assert verdicts(report) == {"U": "fail", "W": "fail", "V": "pass", "b": "fail"}
    assert report.findings[0].diagnosis.words == "each step's loss reaches 3 cells, its own included"
    assert report.findings[0].details == ("if that is meant: --truncate 3",)
    assert judged(net.loss, grads, net.wrt(), truncate=3).ok
    assert not judged(net.loss, grads, net.wrt(), truncate=2).ok


@pytest.mark.slow
def test_truncation_at_another_step_than_declared_is_named():
    net = Net(T=7)
    report = named(net.loss, lambda: truncated(net, 3), net.wrt(), truncate=2)
    assert "reaches 3 cells" in report.findings[0].diagnosis.words


def test_nothing_to_truncate_is_said():
    W = np.ones((2, 3))
    with pytest.raises(InputError, match="no recurrence"):
        judged(lambda: np.sum(W**2), lambda: 2 * W, W, truncate=2)


def test_a_penalty_reported_apart_is_not_called_a_fault_nor_passed():
    net = Net()

    def grads():
        g = net.grads()
        g["W"] += 0.02 * net.W
        return g

    report = judged(net.loss, grads, net.wrt())
    assert verdicts(report) == {"U": "pass", "W": "undecided", "V": "pass", "b": "pass"}
    assert "+0.02 W in dW" in report.findings[0].message
    assert judged(lambda: net.loss() + 0.01 * np.sum(net.W**2), grads, net.wrt()).ok


@pytest.mark.parametrize("share", [1.0, 2.0, -0.02])
def test_a_weight_as_it_is_on_top_of_its_gradient_is_a_fault(share):
    """dW = 1 * W in place of zeros, and sums upon it: the gradient of a penalty that nobody means."""
    net = Net()

    def grads():
        g = net.grads()
        g["W"] += share * net.W
        return g

    report = named(net.loss, grads, net.wrt())
    assert verdicts(report)["W"] == "fail"
    assert report.findings[0].kind == "penalty", str(report)


def test_half_a_penalty_is_a_fault():
    net = Net()

    def grads():
        g = net.grads()
        g["W"] += 0.01 * net.W
        return g

    report = named(lambda: net.loss() + 0.01 * np.sum(net.W**2), grads, net.wrt())
    assert verdicts(report)["W"] == "fail"
    assert report.findings[0].kind == "penalty"


def test_float32_accumulators_fail_in_a_float64_program():
    net = Net()

    def grads():
        return {name: g.astype(np.float32) for name, g in net.grads().items()}

    report = judged(net.loss, grads, net.wrt())
    assert set(verdicts(report).values()) == {"fail"}
    assert judged(net.loss, grads, net.wrt(), dtype="float32").ok


def test_a_float32_program_is_judged_as_one():
    net = Net(dtype=np.float32)
    report = judged(net.loss, net.grads, net.wrt())
    assert report.dtype == "float32"
    assert report.ok, str(report)


def test_a_gradient_that_is_added_to_the_last_one():
    net, kept = Net(), {}

    def grads():
        for name, g in net.grads().items():
            kept[name] = kept.get(name, 0) + g
        return dict(kept)

    report = named(net.loss, grads, net.wrt())
    assert set(verdicts(report).values()) == {"fail"}
    assert report.findings[0].kind == "never-zeroed"
    assert "set to zero" in report.findings[0].details[0]
    assert kept == {}


def test_a_state_that_is_carried_is_noted_not_accused():
    net = Net()

    def loss():
        h, o = net.forward()
        net.h0 = h[-1].copy()
        return 0.5 * np.sum((o - net.y) ** 2)

    def grads():
        g = net.grads()
        net.h0 = net.forward()[0][-1].copy()
        return g

    report = judged(loss, grads, net.wrt())
    assert report.ok, str(report)


@pytest.mark.parametrize("damage", ["state", "sums"])
def test_a_second_call_is_judged_in_its_own_state(damage):
    """Wrong only where h0 is not 0, or where sums were left: neither shows at a first call that starts from 0."""
    net, kept = Net(), {}

    def carry():
        net.h0 = net.forward()[0][-1].copy()

    def loss():
        value = net.loss()
        carry()
        return value

    def grads():
        g = net.grads()
        if damage == "state":
            h, o = net.forward()
            da = ((o - net.y)[0] @ net.V.T) * (1 - h[1] ** 2)
            g["W"] -= np.outer(h[0], da)
        else:
            g["W"] += kept.get("W", 0)
            kept["W"] = g["W"]
        carry()
        return g

    report = judged(loss, grads, net.wrt())
    assert verdicts(report) == {"U": "pass", "W": "fail", "V": "pass", "b": "pass"}
    assert any("wrong at the second" in detail for detail in report.findings[0].details)


def test_a_kink_at_the_very_point_is_held_against_nobody():
    x, W = np.array([[0.5, -1.0, 2.0]]), np.zeros((3, 4))

    def loss():
        z = x @ W
        return np.sum(z * (z > 0)) + np.sum(W * W)

    def grads():
        return x.T @ (x @ W >= 0) + 2 * W

    report = judged(loss, grads, W)
    assert {point: str(c.verdict) for point, c in report.parameters[0].comparisons}["random 1"] == "pass"
    assert "fail" not in verdicts(report).values()
    assert any("kink" in note for note in report.notes)


def test_a_float32_state_in_the_forward_blurs_and_is_said():
    net = Net()

    def loss():
        h, total = np.zeros((len(net.x) + 1, 4), np.float32), 0.0
        for t in range(len(net.x)):
            h[t + 1] = np.tanh(net.x[t] @ net.U + h[t] @ net.W + net.b)
        return total + 0.5 * np.sum((h[1:] @ net.V - net.y) ** 2)

    report = judged(loss, net.grads, net.wrt())
    assert "fail" not in verdicts(report).values()
    assert any("lower precision" in note for note in report.notes)


def test_chance_in_the_gradient_fails():
    net, rng = Net(), np.random.default_rng(0)

    def grads():
        g = net.grads()
        g["W"] += 1e-6 * rng.normal(size=g["W"].shape)
        return g

    assert verdicts(judged(net.loss, grads, net.wrt())) == {"U": "pass", "W": "fail", "V": "pass", "b": "pass"}


def test_a_mask_from_a_fixed_generator_passes():
    net = Net()

    def mask():
        np.random.seed(7)  # noqa: NPY002
        return np.random.rand(*net.W.shape) > 0.3  # noqa: NPY002

    def loss():
        whole = net.W.copy()
        net.W[...] = whole * mask()
        value = net.loss()
        net.W[...] = whole
        return value

    def grads():
        whole = net.W.copy()
        net.W[...] = whole * mask()
        g = net.grads()
        net.W[...] = whole
        g["W"] = g["W"] * mask()
        return g

    report = judged(loss, grads, net.wrt())
    assert report.ok, str(report)


def test_either_side_of_a_kink_is_right():
    x = np.array([[0.5, -1.0, 2.0]])
    W, b = np.zeros((3, 4)), np.zeros(4)  # every pre-activation is exactly 0

    def loss():
        return np.sum(np.maximum(0, x @ W + b)) + np.sum(W * W) + np.sum(b)

    def grads(side):
        on = (x @ W + b > 0) | (side & (x @ W + b == 0))
        return {"W": x.T @ on + 2 * W, "b": on.sum(0) + 1.0}

    for side in (False, True):
        report = judged(loss, lambda side=side: grads(side), {"W": W, "b": b})
        assert report.ok, str(report)
        assert any("kink" in note for note in report.notes)
    assert not judged(loss, lambda: {"W": grads(False)["W"], "b": np.full(4, 3.0)}, {"W": W, "b": b}).ok


def test_nobody_is_accused_where_jax_has_no_number():
    v = np.zeros(3)
    report = judged(lambda: np.sqrt(np.sum(v * v)), lambda: v / (np.sqrt(np.sum(v * v)) or 1.0), v)
    by_point = {point: str(c.verdict) for point, c in report.parameters[0].comparisons}
    assert by_point == {"own values": "undecided", "random 1": "pass", "random 2": "pass"}


def test_an_all_zero_truth_is_named():
    net, dead = Net(), np.ones(3)
    wrt = net.wrt() | {"dead": dead}
    report = judged(lambda: net.loss() + 0 * np.sum(dead), lambda: net.grads() | {"dead": np.zeros(3)}, wrt)
    assert report.ok
    assert any("dead is 0 at every point" in note for note in report.notes)
    wrong = judged(lambda: net.loss() + 0 * np.sum(dead), lambda: net.grads() | {"dead": np.ones(3)}, wrt)
    assert verdicts(wrong)["dead"] == "fail"


def test_a_tiny_constant_against_log_of_zero_is_no_fault_but_said():
    z = np.array([0.3, -0.2, 1.1])

    def loss():
        p = np.exp(z) / np.sum(np.exp(z))
        return -np.log(p[1] + 1e-12)

    def grads():
        return np.exp(z) / np.sum(np.exp(z)) - np.array([0, 1, 0])

    report = judged(loss, grads, z)
    assert report.ok, str(report)
    assert any("without the 1e-12" in note for note in report.notes)


def test_chaos_is_no_fault():
    for seed in range(4):
        net = Net(T=150, H=12, scale=2.0, seed=seed)
        report = judged(net.loss, net.grads, net.wrt(), points=1, seed=seed)
        assert "fail" not in verdicts(report).values(), str(report)


def test_saturation_is_no_fault():
    net = Net(scale=25.0)
    report = judged(net.loss, net.grads, net.wrt())
    assert "fail" not in verdicts(report).values(), str(report)


def test_a_loss_that_leaves_numpy_is_never_judged():
    net = Net()

    def loss():
        return float(str(float(net.loss())))  # through text

    with pytest.raises(InputError, match="does not depend"):
        judged(loss, net.grads, net.wrt())

    def half():
        return net.loss() + float(str(net.W[0, 0] ** 2))

    report = judged(half, net.grads, net.wrt())  # a wrong gradient of what is left of it
    assert set(verdicts(report).values()) == {"undecided"}
    assert report.findings[0].kind == "tape"
    assert report.findings[0].line is not None


@pytest.mark.parametrize("shape", ["none", "whole", "each", "named"])
def test_functions_take_the_parameters_as_they_like(shape):
    W, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, -0.5])

    def value(W, b):
        return np.sum(np.tanh(W @ b) ** 2)

    def slope(W, b):
        z = np.tanh(W @ b)
        d = 2 * z * (1 - z * z)
        return np.outer(d, b), W.T @ d

    pairs = {
        "none": (lambda: value(W, b), lambda: slope(W, b), [W, b]),
        "whole": (lambda p: value(*p), lambda p: slope(*p), [W, b]),
        "each": (value, slope, [W, b]),
        "named": (lambda b, W: value(W, b), lambda b, W: dict(zip("Wb", slope(W, b), strict=True)), {"W": W, "b": b}),
    }
    report = judged(*pairs[shape])
    assert report.ok, str(report)


def test_chance_in_the_loss_is_said():
    rng, W = np.random.SeedSequence(0), np.ones(3)

    def loss():
        return np.sum(W) * np.random.default_rng(rng.spawn(1)[0]).random()

    with pytest.raises(InputError, match="at the same parameters"):
        judged(loss, lambda: W, W)


def test_a_gradient_is_not_the_parameter_beside_it():
    net = Net()
    assert judged(net.loss, lambda: net.wrt() | {f"d{n}": g for n, g in net.grads().items()}, net.wrt()).ok
    with pytest.raises(InputError, match="no gradient for U"):
        judged(net.loss, lambda: {"first": net.U + 1, "second": net.W + 1}, {"U": net.U, "W": net.W})


def test_the_wrong_number_of_arguments_is_said():
    with pytest.raises(InputError, match="takes 3 arguments"):
        judged(lambda a, b, c: 0.0, lambda: 0, [np.ones(2), np.ones(2)])


def test_the_fixture_asserts(gradcheck):
    net = Net()
    assert gradcheck(net.loss, net.grads, net.wrt()).ok
    with pytest.raises(GradientError, match="gradients are wrong"):
        gradcheck(net.loss, lambda: {name: 2 * g for name, g in net.grads().items()}, net.wrt())


def test_nothing_leaks_from_functions_that_raise():
    net, module = Net(), globals()
    names = {name: value for name, value in module.items() if not name.startswith("__")}
    before = {name: value.copy() for name, value in vars(net).items()}

    def loss():
        net.forward()
        net.W += 1
        net.extra = [1]
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        judged(loss, net.grads, net.wrt())
    assert vars(net).keys() == before.keys()
    assert all(np.array_equal(value, before[name]) and type(value) is np.ndarray for name, value in vars(net).items())
    assert all(module[name] is value for name, value in names.items())
    assert "float" not in module
    assert np.zeros is module["np"].zeros


UPDATED = """import numpy as np

rng = np.random.RandomState(0)
x, y = rng.randn(4, 3), rng.randn(4)
w, m = rng.randn(3), np.zeros(3)


def loss():
    return 0.5 * np.sum((x @ w - y) ** 2)


def step(lr):
    global w, m
    m = SHARE * m + x.T @ (x @ w - y)
    w = w - lr * m
"""


@pytest.mark.parametrize(("share", "verdict"), [("1", Verdict.FAIL), ("0.9", Verdict.PASS), ("0", Verdict.PASS)])
def test_a_sum_that_is_never_set_to_zero_is_told_from_momentum(share, verdict, tmp_path):
    """Read off an update: the first is right in all three, and of the second momentum leaves a share."""
    path = tmp_path / "program.py"
    path.write_text(UPDATED.replace("SHARE", share))
    report = check_file(path, Expressions("w", "loss()", None, update="step(0.1)", lr=0.1), depth=QUICK)
    assert report.verdict is verdict, str(report)
    assert any("momentum, or a gradient never set to zero" in note for note in report.notes) == (share == "0.9")
    if verdict is Verdict.FAIL:
        assert "at the second: is it ever set to zero?" in " ".join(str(report).split())
