"""The kind of mistake: each kind is found where it was made, and none where no damage gives the numbers."""

import argparse
import shlex
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from rnn_jax.verify.accuse import Depth
from rnn_jax.verify.adjoints import precise
from rnn_jax.verify.check import needs_loss_first, places
from rnn_jax.verify.command import check_file
from rnn_jax.verify.damage import transposes
from rnn_jax.verify.declared import Declared
from rnn_jax.verify.diagnose import KINDS, diagnose
from rnn_jax.verify.explain import fits
from rnn_jax.verify.judge import Bench, judge
from rnn_jax.verify.of_file import Expressions, FileSubject
from rnn_jax.verify.of_functions import CallableSubject
from rnn_jax.verify.program import Program, modules_kept
from rnn_jax.verify.report import Verdict
from rnn_jax.verify.trace.operations import Slot, call

EXAMPLES = Path(__file__).parent.parent / "examples"
COMMANDS = {
    f"{folder}/{Path(example['file']).stem}": example
    for folder in ("wrong", "founding")
    for example in tomllib.loads((EXAMPLES / folder / "index.toml").read_text())["example"]
}


def judgements(subject, lr=None, points=2, dtype="float64"):
    """The judgement at the program's own values and at fresh ones."""
    rng = np.random.default_rng(0)
    own = {name: np.array(array) for name, array in subject.parameters().items()}
    declared = Declared.parse(None, None, None, None, lr)
    bench = Bench(subject, dtype, needs_loss_first(subject, own), declared, rng)
    return [judge(bench, point, setting, own) for point, setting in places(subject, own, points, 1.0, rng, [])]


def of_example(name):
    """The diagnoses of a program in examples/."""
    example = COMMANDS[name]
    parser = argparse.ArgumentParser()
    for option in ("wrt", "loss", "grads", "setup", "call", "update", "cells", "until"):
        parser.add_argument(f"--{option}")
    parser.add_argument("--lr", type=float, default=1.0)
    said = parser.parse_args(shlex.split(example["command"]))
    with modules_kept():
        program = Program(EXAMPLES / example["file"], said.cells, said.until, 60.0)
        program.load()
        expressions = Expressions(said.wrt, said.loss, said.grads, said.setup, said.call, said.update, said.lr)
        return diagnose(judgements(FileSubject(program, expressions), said.lr if said.update else None))


REPRODUCED = {
    "wrong/previous_state_index": "index-shift",
    "wrong/lstm_forget_uses_current_cell": "index-shift",
    "wrong/wraps_at_zero": "wraps-at-zero",
    "wrong/skips_first_step": "skips-step",
    "wrong/skips_last_step": "skips-step",
    "wrong/target_shift": "loss-target",
    "founding/words_calls_targets": "loss-target",
    "founding/theory_loss_without_log": "loss-seed",
    "wrong/derivative_at_preactivation": "derivative-point",
    "wrong/lstm_tanh_cell": "derivative-point",
    "wrong/sigmoid_for_tanh": "derivative-function",
    "wrong/relu_of_gradient": "derivative-of-gradient",
    "wrong/derivative_order": "derivative-order",
    "wrong/added_after_derivative": "added-after-derivative",
    "wrong/dropped_path": "dropped-path",
    "wrong/lstm_dropped_cell_path": "dropped-path",
    "wrong/lstm_dropped_hidden_path": "dropped-path",
    "wrong/overwritten_delta": "missing-term",
    "wrong/missing_transpose": "missing-transpose",
    "wrong/assign_not_add": "assign-not-add",
    "wrong/untrained_initial_state": "never-computed",
    "wrong/random_start": "random-start",
    "wrong/mean_against_sum": "scale",
    "wrong/last_step_loss_everywhere": "loss-everywhere",
    "wrong/penalty_as_gradient": "penalty",
    "wrong/wrong_variable": "wrong-variable",
    "wrong/lstm_swapped_slices": "wrong-variable",
    "wrong/gru_after_bias": "wrong-variable",
    "wrong/shared_cache": "shared-cache",
    "wrong/overwritten_cache": "shared-cache",
    "wrong/double_count": "double-count",
    "wrong/dead_bias": "dead-parameter",
    "wrong/rtrl_missing_delta": "missing-delta",
    "wrong/truncated_5": "truncation",
    "wrong/clip_norm": "clip",
    "wrong/negative_gradient": "sign",
    "wrong/updated_before_use": "updated-before-use",
}


@pytest.mark.parametrize("name", REPRODUCED)
def test_the_kind_of_an_example(name):
    found = of_example(name)
    assert [(each.kind, each.reproduced) for each in found] == [(REPRODUCED[name], True)], found
    assert found[0].error < 1e-13


def test_two_faults_are_told_apart():
    found = of_example("wrong/inline_cells")
    assert [each.kind for each in found] == ["missing-term", "index-shift"]
    assert "your A and bias" in found[0].words
    assert "your B" in found[1].words
    assert {each.kind for each in of_example("wrong/rtrl_two_faults")} == {"loss-target", "wrong-variable"}


@pytest.mark.parametrize(("name", "kind"), [("never_zeroed", "never-zeroed"), ("float32_accumulators", "precision")])
def test_what_cannot_be_reproduced_is_no_more_than_consistent(name, kind):
    found = of_example(f"wrong/{name}")
    assert [(each.kind, each.reproduced) for each in found] == [(kind, False)]


def test_the_words_are_the_program_s():
    (found,) = of_example("wrong/missing_transpose")
    assert found.words.startswith('going back through `P["W"]` untransposed at `state @ P["W"]` (line 27)')
    assert found.words.endswith("this gives your P.U, P.W and P.b")


class Net:
    """h[t] = tanh(x[t] U + h[t-1] W + b), o[t] = h[t] V, squared error; `fault` says what its gradient does wrong."""

    def __init__(self, fault=""):
        rng = np.random.default_rng(5)
        self.fault = fault
        self.x, self.y = rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
        self.U, self.W, self.V = (0.7 * rng.normal(size=size) for size in ((4, 4), (4, 4), (4, 3)))
        self.b, self.h0 = 0.3 * rng.normal(size=4), 0.5 * rng.normal(size=4)

    def subject(self):
        wrt = {"U": self.U, "W": self.W, "V": self.V, "b": self.b}
        return CallableSubject(self.loss, self.grads, wrt)

    def states(self):
        h = [self.h0]
        for x in self.x:
            h.append(np.tanh(x @ self.U + h[-1] @ self.W + self.b))
        return h

    def loss(self):
        return 0.5 * sum(np.sum((h @ self.V - y) ** 2) for h, y in zip(self.states()[1:], self.y, strict=True))

    def slope(self, h):
        value = 1 - h**2
        return {"derivative-omitted": np.ones_like(h), "derivative-twice": value**2}.get(self.fault, value)

    def grads(self):
        h = self.states()
        g = {name: np.zeros_like(getattr(self, name)) for name in "UWVb"}
        dh = np.zeros(4)
        for t in reversed(range(len(self.x))):
            do = h[t + 1] @ self.V - self.y[t] * (self.fault != "loss-seed")
            da = (self.V @ do + dh) * self.slope(h[t + 1])
            before = h[t] * (t > 0 or self.fault != "initial-state")
            share = {"U": np.outer(self.x[t], da), "W": np.outer(before, da), "V": np.outer(h[t + 1], do), "b": da}
            for name in g:
                g[name] = share[name] if self.fault == "assign-not-add" and name == "b" else g[name] + share[name]
            dh = self.W @ da
            if self.fault == "sign":
                dh = -dh
        if self.fault == "transposed":
            g["U"] = g["U"].T
        if self.fault == "wrong-result":
            g["U"], g["W"] = g["W"], g["U"]
        return g


@pytest.mark.parametrize(
    "fault",
    "derivative-omitted derivative-twice transposed initial-state wrong-result loss-seed assign-not-add sign".split(),
)
def test_a_fault_in_a_small_network(fault):
    found = diagnose(judgements(Net(fault).subject()))
    assert [(each.kind, each.reproduced) for each in found] == [(fault, True)], found
    assert found[0].error < 1e-13


def test_a_right_gradient_has_no_fault():
    assert diagnose(judgements(Net().subject())) == ()


def noisy(g, rng):
    return {name: value * (1 + 1e-6 * rng.normal(size=value.shape)) for name, value in g.items()}


def garbage(g, rng):
    return {name: rng.normal(size=value.shape) for name, value in g.items()}


def one_entry(g, rng):
    g["W"][1, 2] *= 1 + 1e-4
    return g


def shuffled(g, rng):
    g["W"] = rng.permuted(g["W"])
    return g


def bent(g, rng):
    g["b"] = np.sin(g["b"])
    return g


def mixed(g, rng):
    g["U"] = g["U"] + 0.37 * g["W"]
    return g


@pytest.mark.parametrize("spoil", [noisy, garbage, one_entry, shuffled, bent, mixed])
def test_nothing_is_claimed_where_no_damage_gives_the_numbers(spoil):
    net = Net()
    right = net.grads
    net.grads = lambda: spoil(right(), np.random.default_rng(3))
    made = judgements(net.subject())
    assert any(c.verdict is Verdict.FAIL for each in made for c in each.compared.values())
    assert not [each for each in diagnose(made) if each.reproduced]


def test_every_kind_is_a_sentence():
    assert len(KINDS) >= 20
    assert set(REPRODUCED.values()) < set(KINDS)
    assert all(words and words == words.strip(". ") for words in KINDS.values())


PRODUCTS = [
    ("matmul", (3, 4), (4, 2)),
    ("matmul", (4,), (4, 2)),
    ("matmul", (3, 4), (4,)),
    ("matmul", (4,), (4,)),
    ("matmul", (5, 3, 4), (4, 2)),
    ("matmul", (5, 3, 4), (5, 4, 2)),
    ("matmul", (5, 3, 4), (4,)),
    ("matmul", (4,), (5, 4, 2)),
    ("dot", (3, 4), (4, 2)),
    ("dot", (5, 3, 4), (4,)),
    ("dot", (3,), ()),
    ("outer", (3,), (4,)),
    ("outer", (3, 1), (4,)),
    ("inner", (3,), (3,)),
    ("inner", (2, 3), (4, 3)),
    ("vdot", (3,), (3,)),
]


@pytest.mark.parametrize(("op", "a", "b"), PRODUCTS, ids=[f"{op} {a} {b}" for op, a, b in PRODUCTS])
def test_products_are_transposed_as_jax_does(op, a, b):
    compare(op, ((Slot(0), Slot(1)), (), None), [a, b])


@pytest.mark.parametrize("subscripts", ["ij,jk->ik", "tbh,hk->tbk", "i,j->ij", "bij,bj->bi"])
def test_einsum_is_transposed_as_jax_does(subscripts):
    sizes = dict(zip("ijkbth", (2, 3, 4, 5, 6, 7), strict=True))
    shapes = [tuple(sizes[letter] for letter in term) for term in subscripts.split("->")[0].split(",")]
    compare("einsum", ((subscripts, Slot(0), Slot(1)), (), None), shapes)


@pytest.mark.parametrize("op", ["sum", "mean"])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_sums_are_transposed_as_jax_does(op, axis, keepdims):
    compare(op, ((Slot(0),), (("axis", axis), ("keepdims", keepdims)), None), [(2, 3, 4)])


def compare(op, static, shapes):
    """Each operand's share of a random gradient by NumPy and by JAX."""
    rng = np.random.default_rng(1)
    with precise():
        values = [rng.normal(size=shape) for shape in shapes]
        result = np.asarray(call(op, static, tuple(values)))
        cotangent = rng.normal(size=result.shape)
        for k, value in enumerate(values):
            ours = transposes.transposed(op, static, values, k, cotangent)
            assert ours.shape == value.shape
            np.testing.assert_allclose(ours, transposes.by_jax(op, static, values, k, cotangent), rtol=1e-13)


RAGGED = """import numpy as np

rng = np.random.RandomState(2)
x, y = rng.randn(5, 3), [1, 0, 2, 4, 3]
W, V = rng.randn(3, 4), rng.randn(6, 4)


def scores(t):
    return V[: t + 2] @ np.tanh(x[t] @ W)


def loss():
    total = 0.0
    for t in range(5):
        o = scores(t)
        total += np.log(np.sum(np.exp(o))) - o[y[t]]
    return total


def backward():
    dW, dV = np.zeros_like(W), np.zeros_like(V)
    for t in range(5):
        h, p = np.tanh(x[t] @ W), np.exp(scores(t))
        p = p / p.sum()
        p[y[t]] -= 1
        dV[: t + 2] += np.outer(p, h)
        dW += np.outer(x[t], (V[: t + 2].T @ p) * (1 + h**2))
    return dW, dV
"""


def test_targets_among_more_classes_at_each_step(tmp_path):
    """The loss reads single entries of arrays that are of another size at each step."""
    path = tmp_path / "program.py"
    path.write_text(RAGGED)
    report = check_file(path, Expressions("W,V", "loss()", "backward()"), points=1, depth=Depth(6, 0, strict=True))
    finding = report.findings[0]
    assert finding.line == 1 + RAGGED.splitlines().index(
        "        dW += np.outer(x[t], (V[: t + 2].T @ p) * (1 + h**2))"
    )
    assert finding.kind == "derivative-function", str(report)


def test_a_gradient_that_has_run_away_is_no_other():
    """Its size is infinite, and so is what rounding may do to it: anything would be as near as that."""
    truth = SimpleNamespace(gradients={"w": np.ones(2)}, noise={"w": 1e-16})
    made = SimpleNamespace(manual={"w": np.array([1.0, 0.0])}, truth=truth)
    assert fits(made, {"w": np.array([1.0, 0.0])})
    assert not fits(made, {"w": np.array([1.0, np.inf])})
    assert not fits(made, {"w": np.array([1.0, np.nan])})
