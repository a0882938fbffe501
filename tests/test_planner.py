"""The planner takes the way that its cost model says costs least, of those that there are."""

import jax
import pytest

from rnn_jax import begin, planner
from rnn_jax.bptt import cudnn
from rnn_jax.noise import Rates
from rnn_jax.planner import Execution
from rnn_jax.recipe import Recipe
from rnn_jax.spec import Spec

LARGE = Spec(65, 256, 65, "lstm")


@pytest.fixture(autouse=True)
def on_cores(monkeypatch):
    """Whatever this machine has; a test of the others says so."""
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")


@pytest.fixture
def on_a_gpu(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(cudnn, "bound", lambda: True)
    monkeypatch.setitem(planner.COSTS, "gpu", {})


def test_a_large_batch_is_split_and_a_tiny_one_is_not():
    assert planner.choose(LARGE, 64, 32, devices=2).execution == Execution("fast", 2, True)
    assert planner.choose(Spec(26, 10, 26, "rnn"), 26, 2, devices=2).execution == Execution("fast")


@pytest.mark.parametrize(("B", "devices", "parts"), [(1, 2, 1), (7, 2, 1), (9, 4, 3), (32, 1, 1), (64, 8, 8)])
def test_parts_are_equal_and_no_more_than_devices(B, devices, parts):
    assert planner.choose(LARGE, 64, B, devices=devices).execution.parts == parts


@pytest.mark.parametrize(("cell", "drawn"), [("lstm", True), ("gru-before", False), ("lstm-norm", False)])
def test_what_the_backward_by_hand_does_not_know_is_left_to_autodiff(cell, drawn):
    assert planner.choose(Spec(65, 64, 65, cell), 64, 32, drawn=drawn, devices=2).execution.plan == "plain"


def test_dropout_between_layers_is_known_to_it():
    sizes = begin.Sizes("lstm", 64, 2, T=16, B=2)
    drawn = [Rates(dropout=0.2), Rates(zoneout=0.2)]
    runs = [begin.of_letters("abcdefgh" * 20, begin.Source(), Recipe(1, rates=rates), sizes)[0] for rates in drawn]
    assert [planner.of(run.plan, run.B).execution.plan for run in runs] == ["fast", "plain"]


def test_the_choice_says_why():
    choice = planner.choose(LARGE, 64, 32, devices=2)
    lines = str(choice).splitlines()
    assert lines[0] == f"an update by {choice.execution}; as the cost model has it:"
    assert [line.split("ms  ")[1] for line in lines[1:]] == [
        str(each) for each in sorted(choice.costs, key=choice.costs.get)
    ]
    assert lines[1].split("ms  ")[1] == str(choice.execution)


def test_twice_the_work_costs_twice_as_much():
    """The terms: all that hangs on the batch doubles with it; so does everything with the steps but the parameters."""
    once, wide, long = (planner.work(LARGE, *each) for each in ((64, 16), (64, 32), (128, 16)))
    assert (wide.products, wide.elements) == (2 * once.products, 2 * once.elements) == (long.products, long.elements)
    assert (wide.steps, long.steps) == (once.steps, 2 * once.steps)
    assert wide.parameters == once.parameters == (256 * 1024 + 65 * 1024 + 256 * 65) / 1e6
    assert once.products == pytest.approx(3e-9 * 64 * 16 * (256 * 1024 + 256 * 65), rel=1e-12)


@pytest.mark.parametrize(
    ("cell", "dtype", "drawn", "plan", "note"),
    [
        ("lstm", "float32", False, "cudnn", ""),
        ("lstm", "float64", False, "fast", 'plan="cudnn" computes in float32, but the numbers are float64'),
        ("lstm", "bfloat16", False, "fast", 'plan="cudnn" computes in float32, but the numbers are bfloat16'),
        ("lstm", "float32", True, "plain", 'plan="cudnn" drops and keeps nothing in the recurrence'),
        ("gru", "float32", False, "fast", 'plan="cudnn" is for the cell lstm, but the cell is gru'),
        ("lstm-norm", "float32", False, "plain", 'plan="cudnn" is for the cell lstm, but the cell is lstm-norm'),
    ],
)
def test_on_a_gpu_it_is_cudnn_where_that_applies(cell, dtype, drawn, plan, note, on_a_gpu):
    """On one of several GPUs, never in blocks; and what is not measured is said to be so."""
    choice = planner.choose(Spec(65, 64, 65, cell), 64, 32, dtype=dtype, drawn=drawn, devices=2, room=2.0**36)
    assert choice.execution == Execution(plan)
    assert not choice.measured
    lines = str(choice).splitlines()
    assert (
        lines[0] == f"an update by {Execution(plan)}; nobody has measured these on a gpu yet, so that it is the first:"
    )
    assert lines[1] == f"       1.  {Execution(plan)}"
    assert choice.note.startswith(note)
    assert bool(note) == bool(choice.note) == (lines[-1] == choice.note)


def test_on_a_gpu_that_was_measured_the_cost_model_decides(on_a_gpu, monkeypatch):
    cheap, dear = planner.Work(1e-6, 0.01, 0, 0), planner.Work(1e-5, 0.01, 0, 0)
    costs = {Execution("plain"): dear, Execution("fast"): cheap}
    monkeypatch.setitem(planner.COSTS, "gpu", costs)
    assert planner.choose(Spec(65, 64, 65, "gru"), 64, 32, devices=1, room=2.0**36).execution == Execution("fast")
    assert planner.choose(LARGE, 64, 32, devices=1, room=2.0**36).execution == Execution("cudnn"), "not all measured"
    monkeypatch.setitem(planner.COSTS, "gpu", costs | {Execution("cudnn"): dear})
    choice = planner.choose(LARGE, 64, 32, devices=1, room=2.0**36)
    assert choice.execution == Execution("fast")
    assert str(choice).startswith("an update by the backward pass by hand; as the cost model has it:\n")


def test_a_gpu_of_another_make_has_no_cudnn(on_a_gpu, monkeypatch):
    monkeypatch.setattr(cudnn, "bound", lambda: False)
    assert planner.choose(LARGE, 64, 32, room=2.0**36).execution == Execution("fast")
