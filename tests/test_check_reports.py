"""Every rendering of a check's report against a file in snapshots/.

Where a rendering was changed on purpose: UPDATE_SNAPSHOTS=1 pytest tests/test_check_reports.py, then read the diff.
"""

import json
import os
import unicodedata
from pathlib import Path

import pytest
from rich.console import Console

from hand_made_reports import COMMAND, EVERYTHING, EVIL, REPORTS, RIGHT, STRANGER, TWO
from rnn_jax.verify.check_report import Curve
from rnn_jax.verify.render import check_json, check_text, sparkline
from rnn_jax.verify.render.clean import clean

SNAPSHOTS = Path(__file__).parent / "snapshots"


def compare(name, text):
    path = SNAPSHOTS / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    assert text == known, f"{path.name} is out of date: UPDATE_SNAPSHOTS=1 pytest {Path(__file__).name} renews it"


@pytest.mark.parametrize("name", REPORTS)
def test_text(name):
    compare(f"{name}.txt", str(REPORTS[name]))


@pytest.mark.parametrize("name", REPORTS)
def test_json(name):
    text = check_json.dumps(REPORTS[name])
    compare(f"{name}.json", text)
    assert text.isascii()
    assert json.loads(text)["schema"] == 2


def test_diff_in_place_of_help():
    text = check_text.plain(EVERYTHING, diff=True)
    compare("everything-diff.txt", text)
    assert "help: " not in text
    assert EVERYTHING.findings[0].fix.diff in text


def test_json_holds_the_smallest_case_but_neither_gradients_nor_source():
    read = json.loads(check_json.dumps(EVERYTHING))
    assert read["findings"][0]["smallest"]["values"]["x"] == [[0.5], [None]]
    assert read["findings"][0]["smallest"]["manual"] == {"Waa": [[0.382459]]}
    assert "sources" not in read
    assert all("manual" not in parameter for parameter in read["parameters"])


def in_width(report, width):
    console = Console(width=width, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(check_text.render(report), crop=False)
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_marker_stays_below_what_is_blamed(width):
    for report, blamed in ((EVERYTHING, "da"), (TWO, "a[t + 1] @ p.Wya - y[t]"), (STRANGER, "dW")):
        lines = in_width(report, width)
        marker = next(n for n, line in enumerate(lines) if "^" in line)
        start, end = lines[marker].index("^"), lines[marker].rindex("^") + 1
        shown = lines[marker - 1][start:end]
        assert blamed.startswith(shown.removesuffix("…"))
        assert len(lines[marker - 1]) <= max(width, 40)


def test_what_is_copied_stays_in_one_piece():
    lines = in_width(EVERYTHING, 40)
    assert f"repro: {COMMAND}" in lines
    assert any(line.startswith("help: `da_next = dz @ p.Waa`") for line in lines)


def test_nothing_but_text_reaches_the_terminal():
    for text in (str(STRANGER), check_text.plain(STRANGER, diff=True)):
        assert "[bold]" in text
        assert "␛[31m" in text
        assert not [each for each in text if unicodedata.category(each) in ("Cc", "Cf", "Cs") and each != "\n"]


def test_clean_keeps_the_length():
    assert len(clean(EVIL)) == len(EVIL)
    assert clean("h_t ∂ 時間") == "h_t ∂ 時間"


@pytest.mark.parametrize(
    ("errors", "line", "grows"),
    [
        ((1.0, 0.1, 0.01, 1e-16), "█▆▃·", "grows backwards"),
        ((1e-16, 1e-9, 1.0), "·▁█", "grows forwards"),
        ((1.0, 0.1, 1.0), "█▆█", ""),
        ((1.0, 1.0), "██", ""),
        ((1e-16,), "·", ""),
        ((float("nan"), float("inf"), 1.0), "███", ""),
    ],
)
def test_spark_line(errors, line, grows):
    assert sparkline.spark(errors, 1e-14) == line
    assert sparkline.growth(errors, 1e-14) == grows


def test_a_long_spark_line_is_cut_to_the_worst_of_neighbours():
    line = sparkline.spark((1e-16,) * 500 + (1.0,) + (1e-16,) * 499, 1e-14)
    assert len(line) == sparkline.MOST
    assert line.count("█") == 1
    assert "over t=7" in sparkline.told(Curve("da", (7,), (1.0,)), 1e-14)


def test_places_are_shown_only_where_there_are_some():
    assert "error:" not in str(RIGHT)
    assert "-->" not in str(REPORTS["undecided"])
    assert str(TWO).count("-->") == 2
    assert str(TWO).count("param ") == 1
