"""Every example by its one command line: verdict, wrong parameters, line and kind are those of its index."""

import json
import runpy
import shlex
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from rnn_jax import cli
from rnn_jax.verify.accuse import Depth

EXAMPLES = Path(__file__).parent.parent / "examples"
headlines = SimpleNamespace(**runpy.run_path(str(EXAMPLES / "headlines.py")))
MOST = 0.97  # of the broken examples; examples/headlines.py writes how many there are
STATUS = {"pass": 0, "fail": 1}
FOLDERS = ("right", "wrong", "founding")


def index(folder):
    return tomllib.loads((EXAMPLES / folder / "index.toml").read_text())["example"]


ALL = [example for folder in FOLDERS for example in index(folder)]
NAMED = [example for example in ALL if example.get("named") == "first"]
DECLARED = [example for example in ALL if example.get("declared")]


def run(file, command, report):
    arguments = ["check", str(EXAMPLES / file), *shlex.split(command), "--json", str(report), "--quick"]
    status = cli.app(arguments, standalone_mode=False)
    return status, json.loads(report.read_text())


@pytest.mark.parametrize("example", ALL, ids=[example["file"] for example in ALL])
def test_verdict(example, tmp_path, capsys):
    status, report = run(example["file"], example["command"], tmp_path / "report.json")
    wrong = [p["name"] for p in report["parameters"] if p["verdict"] == "fail"]
    assert (report["verdict"], status) == (example["verdict"], STATUS[example["verdict"]])
    assert sorted(wrong) == sorted(example["wrong"])
    assert not [p["name"] for p in report["parameters"] if p["verdict"] == "undecided"]
    if wrong:
        finding = report["findings"][0]
        assert set(finding["parameters"]) == set(wrong)
        assert finding["file"].startswith(str(EXAMPLES))
        assert finding["line"] > 0
        assert example["file"].split("/")[-1] in capsys.readouterr().out


@pytest.mark.parametrize("example", DECLARED, ids=[example["file"] for example in DECLARED])
def test_what_is_declared_passes(example, tmp_path):
    status, report = run(example["file"], f"{example['command']} {example['declared']}", tmp_path / "report.json")
    assert (status, report["verdict"], report["declared"]) == (0, "pass", example["declared"])


@pytest.mark.parametrize("example", DECLARED, ids=[example["file"] for example in DECLARED])
def test_the_report_offers_the_declaration(example, tmp_path):
    report = run(example["file"], example["command"], tmp_path / "report.json")[1]
    assert any(example["declared"] in detail for detail in report["findings"][0]["details"])


# A search of half a minute each: `pytest -m slow` runs them, and examples/headlines.py does as much.
LONG = {
    *("founding/hello_lstm.py", "wrong/inline_cells.ipynb", "wrong/gru_reset_path.py", "wrong/rtrl_missing_delta.py"),
    *("founding/hello_half_backward.py", "founding/learn_rtrl.py", "founding/hello_cell_forgets.py"),
    *("founding/learn_rtrl_no_kronecker.py", "founding/hello_sigmoid_sign.py", "wrong/chunked_truncation.py"),
    *("wrong/rtrl_two_faults.py", "wrong/dropped_path.py", "wrong/lstm_dropped_cell_path.py", "wrong/truncated_40.py"),
    *("founding/theory_loss_without_log.py", "founding/theory_recurrence_starts_late.py", "wrong/never_zeroed.py"),
    *("founding/learn_empty_target.py", "founding/theory_recurrence_from_itself.py", "founding/theory_rnn.py"),
    *("wrong/lstm_dropped_hidden_path.py", "wrong/lstm_dropped_both_paths.py"),
}


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(example, marks=[pytest.mark.slow] * (example["file"] in LONG), id=example["file"])
        for example in NAMED
    ],
)
def test_the_line_is_named_and_the_headline_is_that_of_the_index(example):
    # Twice the time that any of them takes.
    finding = headlines.report_of(example, Depth(blame=40, shrink=0, strict=True)).findings[0]
    assert headlines.place_of(example, finding) == "first"
    assert finding.line == finding.suspects[0].line
    assert (finding.kind, finding.message) == (example["said"], example["headline"])


def test_of_most_broken_examples_the_line_is_named_first():
    broken = [example for example in ALL if example["verdict"] == "fail"]
    assert len(NAMED) >= MOST * len(broken)


def test_every_file_is_in_an_index_and_enough_of_them():
    listed = {example["file"] for example in ALL}
    present = {f"{f.parent.name}/{f.name}" for folder in FOLDERS for f in (EXAMPLES / folder).glob("*.*")}
    beside = {f"{folder}/index.toml" for folder in FOLDERS} | {"right/nn_bits.py", "right/river.txt"}
    assert listed == {name for name in present if name.endswith((".py", ".ipynb"))} - beside
    assert sum(example["verdict"] == "fail" for example in ALL) >= 25
    assert sum(example["file"].startswith("right/") for example in ALL) >= 7


def test_a_command_line_holds_at_most_a_setup_and_three_expressions():
    for example in ALL:
        words = shlex.split(example["command"])
        expressions = [w for w in words if w in ("--wrt", "--loss", "--grads", "--update")]
        besides = [w for w in words if w in ("--setup", "--call")]
        assert len(expressions) <= 3, example["file"]
        assert len(besides) <= 1, example["file"]
