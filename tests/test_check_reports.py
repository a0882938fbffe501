"""Every rendering of a check's report against a file in snapshots/.

Where a rendering was changed on purpose: UPDATE_SNAPSHOTS=1 pytest tests/test_check_reports.py, then read the diff.
"""

import json
import os
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from hand_made_reports import COMMAND, EVERYTHING, EVIL, REPORTS, RIGHT, STRANGER, TWO, parameter, report
from rnn_jax import cli
from rnn_jax.errors import InputError
from rnn_jax.verify.check_report import Curve
from rnn_jax.verify.render import check_html, check_json, check_text, sparkline
from rnn_jax.verify.render.clean import clean
from rnn_jax.verify.render.literals import literal

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


VOID = {"br", "meta"}


class Balanced(HTMLParser):
    """A page whose every element is closed in turn; its text and its attributes."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.attributes, self.tags = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("name", REPORTS)
def test_html(name):
    text = check_html.page(REPORTS[name])
    compare(f"{name}.html", text)
    for page in (text, REPORTS[name]._repr_html_()):
        read = Balanced(page)
        assert not {"script", "link", "img", "iframe", "object"} & set(read.tags)
        assert not [value for _, value in read.attributes if value and ("://" in value or "javascript:" in value)]
        assert not {"src", "href", "style", "onclick", "onload"} & {name for name, _ in read.attributes}
        assert "http" not in page
        assert "url(" not in page
        assert "@import" not in page


def test_nothing_but_text_reaches_the_page():
    page = check_html.page(STRANGER)
    read = Balanced(page)
    assert "<script" not in page
    assert not {"b", "f"} & set(read.tags)
    assert "<script>alert('x')</script>" in "".join(read.text)
    assert not [each for each in page if unicodedata.category(each) in ("Cc", "Cf", "Cs") and each != "\n"]


def test_the_page_holds_the_function_the_fix_and_every_number():
    page = "".join(Balanced(check_html.page(EVERYTHING)).text)
    for words in (
        *("def backward(x, y, p):", "lines 1 to 12", "should be the gradient of a[t] before tanh, from t=10 on"),
        *("reproduced: ", "tried: with this edit", "Waa = np.array([[0.9916648104524686]])", "[np.nan]", COMMAND),
        *("Wax, 2.5e+01 at t=0", "right at every step", "jax 0.10.0", "16 times the rounding noise"),
    ):
        assert words in page


def test_large_things_are_cut():
    many = tuple(range(1000))
    finding = replace(EVERYTHING.findings[0], curves=(Curve("W", many, (1.0,) * 1000),), parameters=("W",))
    cut = report([parameter("W", (3, 70, 80), 1.0)], [finding])
    page = Balanced(check_html.page(cut))
    assert "the first 40 x 40 of 210 x 80 entries" in "".join(page.text)
    assert page.tags.count("td") < 3 * 40 * 40 + 300
    assert ("title", "W, t=0: 1.0e+00") in page.attributes


def test_a_line_without_a_suspect_is_shown_too():
    page = check_html.page(REPORTS["undecided"])
    assert '<tr class="blamed"><td class="line">9</td>' in page
    assert "<mark>a.append(" in page


@pytest.mark.parametrize("text", ["%matplotlib inline\n" + "x = 1\n" * 40, "def f(:\n", "x = 1\0\n", "(" * 5000, ""])
def test_source_that_is_not_python(text):
    first = replace(EVERYTHING.findings[0].suspects[0], line=30, source="x = 1", column=90, end_column=95)
    cell = replace(first, file="book.ipynb, cell 3")
    for suspect in (cell, replace(cell, missing=True, column=None)):
        finding = replace(EVERYTHING.findings[0], suspects=(suspect,))
        made = report(EVERYTHING.parameters, [finding], sources={cell.file: tuple(text.splitlines())})
        assert "book.ipynb, cell 3, line 30" in "".join(Balanced(check_html.page(made)).text)
        assert "book.ipynb, cell 3, line 30" in str(made)


@pytest.mark.parametrize(
    "array",
    [
        *(np.arange(3000.0) / 7, np.float32([[0.1, np.inf]]), np.zeros((2, 0, 3)), np.array(-np.inf), np.array([1, 2])),
        *(np.int32([[1]]), np.array([True]), np.array([1 + 2j, np.nan]), np.array([1e-300, -0.0, 5e22])),
    ],
)
def test_a_literal_makes_the_same_array(array):
    again = eval(literal(array), {"np": np})
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(again, array)


def test_the_command_line_writes_a_page(tmp_path):
    file, page = tmp_path / "mine.py", tmp_path / "page.html"
    file.write_text("import numpy as np\nW = np.ones((2, 2))\n")
    options = ["--wrt", "W", "--loss", "np.sum(W ** 2)", "--grads", "3 * W"]
    assert cli.app(["check", str(file), *options, "--html", str(page)], standalone_mode=False) == 1
    Balanced(page.read_text(encoding="utf-8"))
    with pytest.raises(InputError, match="no folder"):
        cli.app(["check", str(file), *options, "--html", str(tmp_path / "no/page.html")], standalone_mode=False)


def test_diff_in_place_of_help():
    text = check_text.plain(EVERYTHING, diff=True)
    compare("everything-diff.txt", text)
    assert "help: " not in text
    assert EVERYTHING.findings[0].fix.diff in text
    assert "help: insert after line 20" in check_text.plain(REPORTS["missing"], diff=True)  # which has none


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
    for made, blamed in ((EVERYTHING, "da"), (TWO, "a[t + 1] @ p.Wya - y[t]"), (STRANGER, "dW")):
        lines = in_width(made, width)
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
