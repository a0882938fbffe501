"""The planner takes the way that its cost model says costs least, of those that there are."""

import dataclasses

import jax
import pytest

from rnn_jax import begin, planner
from rnn_jax.bptt import cudnn
from rnn_jax.errors import InputError
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


@pytest.mark.parametrize(
    ("B", "devices", "parts"), [(1, 2, 1), (7, 2, 1), (12, 4, 3), (9, 4, 1), (32, 1, 1), (64, 8, 8), (64, 64, 16)]
)
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
    assert lines[0] == f"an update by {choice.execution}; as the cost model has it, of two cores of an Intel Xeon:"
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
    assert str(choice).startswith(
        "an update by the backward pass by hand; as the cost model has it, of an NVIDIA H200, up to 512 units:\n"
    )


def test_a_gpu_of_another_make_has_no_cudnn(on_a_gpu, monkeypatch):
    monkeypatch.setattr(cudnn, "bound", lambda: False)
    assert planner.choose(LARGE, 64, 32, room=2.0**36).execution == Execution("fast")


def test_a_batch_that_does_not_divide_is_told():
    assert planner.choose(LARGE, 64, 7, devices=2).note == (
        "one core alone: a batch of 7 does not go into equal parts for 2"
    )
    assert not planner.choose(LARGE, 64, 8, devices=2).note
    assert not planner.choose(LARGE, 64, 1, devices=2).note


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"directions": ("forward", "reverse")}, "what is read backward needs the end of the sequence first"),
        ({"head": "last"}, "the one loss at the end is of the whole sequence"),
    ],
)
def test_what_does_not_fit_and_cannot_be_cut_is_told(change, reason):
    spec = dataclasses.replace(LARGE, **change)
    assert planner.choose(spec, 64, 32, devices=1, room=2.0**20).note.endswith(f"no segments: {reason}")
    with pytest.raises(InputError, match=reason):
        planner.check(Execution(segment=8), spec, 32)


def test_ways_that_there_are_not():
    for way, said in (
        (Execution("fast", 2), "parts is 2, but a number that divides the batch of 3 is right"),
        (Execution("plain", 1, True), "blocks are for the plan 'fast', but the plan is 'plain'"),
    ):
        with pytest.raises(InputError, match=said):
            planner.check(way, LARGE, 3)
    with pytest.raises(InputError, match="what is dropped is drawn for the whole sequence"):
        planner.check(Execution(segment=8), LARGE, 4, Rates(dropout=0.2))


def test_the_memory_of_a_container(monkeypatch, tmp_path):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(planner, "LIMITS", (limit,))
    whole = planner.memory()
    limit.write_text("max\n")
    assert planner.memory() == whole
    limit.write_text("1048576\n")
    assert planner.memory() == 2.0**20


def test_what_is_stored_is_of_the_precision():
    assert planner.stored(LARGE, 8, 2, "float64") == 2 * planner.stored(LARGE, 8, 2)
