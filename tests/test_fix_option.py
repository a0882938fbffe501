"""What is done with a fix: shown as a diff, written to the file, and the test that fails until then."""

import ast
import functools
import json
import os
import subprocess
import sys

import pytest
from small_programs import NET, ROWS, applied

from rnn_jax import cli
from rnn_jax.errors import InputError
from rnn_jax.verify import accuse
from rnn_jax.verify.repair import write

WRONG = ROWS.replace("carry = W @ da", "carry = da @ W  # größer")
MENDED = ROWS.replace("carry = W @ da", "carry = W @ da  # größer")
ASKED = ["--wrt", "U,W,V,b,c", "--loss", "forward(X, Y)[0]", "--grads", "backward(X, Y)"]
GARBAGE = ROWS.replace(
    "    return dU, dW, dV, db, dc\n",
    "    r = np.random.RandomState(7)\n    return tuple(r.randn(*g.shape) for g in (dU, dW, dV, db, dc))\n",
)


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    """A short look is enough for what is found at once."""
    monkeypatch.setattr(accuse, "Depth", functools.partial(accuse.Depth, blame=20.0, shrink=0.0))


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.py"
    path.write_text(WRONG, encoding="utf-8")
    return path


def check(path, *options, asked=ASKED):
    return cli.app(["check", str(path), *asked, *options], standalone_mode=False)


def beside(path):
    return sorted(each.name for each in path.parent.iterdir())


def test_the_mode_of_the_file_stays(file):
    file.chmod(0o750)
    assert check(file, "--fix") == 1
    modes = {each.name: each.stat().st_mode & 0o777 for each in file.parent.iterdir()}
    assert modes == {"mine.py": 0o750, "mine.py.orig": 0o750}


def test_fix_mends_the_file_and_keeps_what_it_was(file, capsys):
    assert check(file, "--fix") == 1
    assert file.read_text(encoding="utf-8") == MENDED
    assert beside(file) == ["mine.py", "mine.py.orig"]
    assert (file.parent / "mine.py.orig").read_text(encoding="utf-8") == WRONG
    assert "mine.py.orig" in capsys.readouterr().out
    assert check(file, "--fix") == 0
    assert "nothing is wrong: nothing was written" in capsys.readouterr().out
    assert beside(file) == ["mine.py", "mine.py.orig"]
    file.write_text(WRONG + "\n# again\n", encoding="utf-8")
    assert check("mine.py", "--fix") == 1
    assert file.read_text(encoding="utf-8") == MENDED + "\n# again\n"
    assert beside(file) == ["mine.py", "mine.py.orig", "mine.py.orig.1"]
    assert (file.parent / "mine.py.orig").read_text(encoding="utf-8") == WRONG
    assert (file.parent / "mine.py.orig.1").read_text(encoding="utf-8") == WRONG + "\n# again\n"


def test_nothing_is_written_unless_asked(file, capsys):
    inode, before = os.stat(file).st_ino, os.stat(file).st_mtime_ns
    assert check(file) == 1
    assert (os.stat(file).st_ino, os.stat(file).st_mtime_ns) == (inode, before)
    assert beside(file) == ["mine.py"]
    assert "carry = W @ da" in capsys.readouterr().out


def test_diff_is_the_fix(file, capsys):
    assert check(file, "--diff") == 1
    out = capsys.readouterr().out
    rows = out.splitlines(keepends=True)
    first = next(k for k, row in enumerate(rows) if row.strip().startswith("--- "))
    margin = len(rows[first]) - len(rows[first].lstrip())
    assert rows[first].strip() == "--- a/mine.py"
    assert rows[first + 1].strip() == "+++ b/mine.py"
    diff = []
    for row in rows[first:]:
        if row.strip() and not row[margin:].startswith(("---", "+++", "@@", " ", "+", "-")):
            break
        diff.append(row[margin:])
    assert applied(WRONG, "".join(diff)) == MENDED
    assert file.read_text(encoding="utf-8") == WRONG
    assert beside(file) == ["mine.py"]


def test_without_a_fix_nothing_is_written(file, capsys):
    file.write_text(GARBAGE)
    assert check(file, "--fix", "--diff") == 1
    out = capsys.readouterr().out
    assert "no fix was found: nothing was written" in out
    assert "+++" not in out
    assert "help:" not in out
    assert file.read_text() == GARBAGE
    assert beside(file) == ["mine.py"]


@pytest.mark.parametrize(
    ("end", "last", "mark"),
    [
        ("\r\n", "\r\n", ""),
        ("\n", "", ""),
        pytest.param("\n", "\n", "\ufeff"),
        pytest.param("\r\n", "", "\ufeff"),
    ],
)
def test_line_ends_and_marks_stay(file, end, last, mark, capsys):
    def as_bytes(text):
        return (mark + text.rstrip("\n").replace("\n", end) + last).encode()

    file.write_bytes(as_bytes(WRONG))
    assert check(file, "--fix") == 1
    assert file.read_bytes() == as_bytes(MENDED)
    assert (file.parent / "mine.py.orig").read_bytes() == as_bytes(WRONG)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_statement_put_in_has_the_same_line_ends(file, end, capsys):
    wrong = ROWS.replace("        carry = W @ da\n", "").replace("\n", end)
    file.write_bytes(wrong.encode())
    assert check(file, "--fix") == 1
    data = file.read_bytes()
    assert data.count(b"\n") == wrong.count("\n") + 1
    assert data.count(b"\r\n") == (data.count(b"\n") if end == "\r\n" else 0)
    assert check(file, "--quick") == 0


def test_tabs_stay(file, capsys):
    wrong = WRONG.replace("        carry = da @ W  # größer\n", "").replace("    ", "\t")
    file.write_text(wrong, encoding="utf-8")
    assert check(file, "--fix") == 1
    text = file.read_text(encoding="utf-8")
    assert "    " not in text
    ast.parse(text)
    assert check(file, "--quick") == 0


def test_a_file_that_changed_in_between_is_left_alone(file, capsys, monkeypatch):
    later = WRONG.replace("carry = da @ W", "carry = da @ W * 1")
    real = cli.mend

    def mend(report):
        file.write_text(later, encoding="utf-8")
        real(report)

    monkeypatch.setattr(cli, "mend", mend)
    with pytest.raises(InputError, match=r"has changed since it was checked"):
        check(file, "--fix")
    assert file.read_text(encoding="utf-8") == later
    assert beside(file) == ["mine.py"]


def test_a_file_that_cannot_be_written(file, capsys, monkeypatch):
    def full(path, text):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(write, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        check(file, "--fix")
    assert file.read_text(encoding="utf-8") == WRONG


def notebook(path, indent=1):
    head, rest = ROWS.split("\n\ndef forward")
    forward, backward = ("\n\ndef forward" + rest).split("\n\ndef backward")
    backward = "# größer\n\ndef backward" + backward.replace("carry = W @ da", "carry = da @ W").rstrip("\n")
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# A *net*\n", "with words"]},
        {"cell_type": "code", "execution_count": 3, "metadata": {"tags": []}, "outputs": [], "source": head},
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [{"x": "ü"}],
         "source": ["%matplotlib inline\n", *forward.strip().splitlines(keepends=True)]},
        {"cell_type": "raw", "metadata": {}, "source": "raw"},
        {"cell_type": "code", "execution_count": 5, "metadata": {}, "outputs": [],
         "source": backward.splitlines(keepends=True)},
    ]  # fmt: skip
    book = {"cells": cells, "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(book, indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")
    return book


def test_a_notebook_is_mended_in_its_cell(file, capsys):
    path = file.with_name("mine.ipynb")
    before = notebook(path)
    text = path.read_text(encoding="utf-8")
    file.unlink()
    assert check(path, "--fix") == 1
    after = json.loads(path.read_text(encoding="utf-8"))
    assert after["cells"][:4] == before["cells"][:4]
    assert after["metadata"] == before["metadata"]
    changed = [row for row in zip(before["cells"][4]["source"], after["cells"][4]["source"], strict=True)
               if row[0] != row[1]]  # fmt: skip
    assert changed == [("        carry = da @ W\n", "        carry = W @ da\n")]
    # What Jupyter would write itself: the one line is all that a version control sees.
    assert path.read_text(encoding="utf-8") == text.replace("da @ W", "W @ da")
    assert (path.parent / "mine.ipynb.orig").read_text(encoding="utf-8") == text
    assert check(path, "--fix") == 0
    assert beside(path) == ["mine.ipynb", "mine.ipynb.orig"]


def test_quick_and_fix_are_one_sentence(file, capsys, monkeypatch):
    for option in (["--fix"], ["--diff"], ["--emit-test", "test_mine.py"]):
        monkeypatch.setattr(sys, "argv", ["rnn-jax", "check", str(file), *ASKED, "--quick", *option])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert stop.value.code == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert captured.err.startswith("rnn-jax: --quick")
    assert file.read_text(encoding="utf-8") == WRONG


def test_quick_says_the_same_and_no_more(file, capsys):
    assert check(file, "--quick", "--json", "quick.json") == 1
    out = capsys.readouterr().out
    assert "✗ U" in out
    assert "help:" not in out
    assert "-->" not in out
    said = json.loads((file.parent / "quick.json").read_text())
    (finding,) = said["findings"]
    assert finding["suspects"] == []
    assert (finding["fix"], finding["diagnosis"], finding["smallest"]) == (None, None, None)
    file.write_text(ROWS)
    assert check(file, "--quick") == 0


def test_json_holds_all_of_it(file, capsys, monkeypatch):
    monkeypatch.setattr(accuse, "Depth", functools.partial(accuse.Depth, shrink=3.0))
    line = next(k for k, row in enumerate(WRONG.splitlines(), 1) if "da @ W" in row)
    options = ["--json", "report.json", "--html", "report.html", "--emit-test", "test_mine.py", "--fix"]
    assert check(file, *options) == 1
    out = capsys.readouterr().out
    report = json.loads((file.parent / "report.json").read_text(encoding="utf-8"))
    (finding,) = report["findings"]
    assert finding["line"] == line
    assert finding["file"] == str(file)
    assert finding["kind"] == "missing-transpose"
    assert finding["parameters"] == ["U", "W", "b"]
    first = finding["suspects"][0]
    assert (first["line"], first["source"], first["function"]) == (line, WRONG.splitlines()[line - 1], "backward")
    assert first["missing"] is False
    fix = finding["fix"]
    assert (fix["line"], fix["agree"]) == (line, 5)
    assert fix["before"] == ["        carry = da @ W  # größer"]
    assert fix["after"] == ["        carry = W @ da  # größer"]
    assert 0 <= fix["error"] < 1e-12
    assert applied(WRONG, fix["diff"]) == MENDED
    assert finding["diagnosis"]["reproduced"] is True
    assert finding["diagnosis"]["kind"] == "missing-transpose"
    smallest = finding["smallest"]
    assert set(smallest["manual"]) == set(smallest["autodiff"])
    assert smallest["words"]
    assert "carry = W @ da" in (file.parent / "report.html").read_text(encoding="utf-8")
    # The test was written for the wrong program, which is mended by now.
    assert "the smallest case: test_mine.py" in out
    assert run_emitted(file.parent) == 0
    file.write_text(WRONG, encoding="utf-8")
    assert run_emitted(file.parent) == 1


def run_emitted(folder):
    code = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", "-c", os.devnull]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run([*code, "test_mine.py"], cwd=folder, capture_output=True, timeout=60, env=environment)
    return done.returncode


def test_of_a_right_program_no_test_is_written(file, capsys):
    file.write_text(ROWS)
    assert check(file, "--emit-test", "test_mine.py") == 0
    assert beside(file) == ["mine.py"]
    assert "no test was written" in capsys.readouterr().out


def test_a_method_is_mended_in_its_class(file, capsys):
    file.write_text(NET.replace("self.db += dz", "self.db = dz"))
    asked = ["--wrt", "net.U,net.W,net.b,net.v", "--loss", "net.loss(xs, target)", "--call", "net.backward(target)",
             "--grads", "(net.dU, net.dW, net.db, net.dv)"]  # fmt: skip
    assert check(file, "--fix", asked=asked) == 1
    assert file.read_text() == NET


def test_the_module_beside_it_is_mended(file, capsys):
    head = "import numpy as np\n\n\ndef step(W, dh, h):\n    da = dh * (1 - h**2)\n    return da, W @ {}\n"
    other = file.with_name("beside_rows.py")
    other.write_text(head.format("dh"))
    text = "import beside_rows\n" + ROWS.replace("        da = dh * (1 - h[t] ** 2)\n", "").replace(
        "        dU +=", "        da, carry = beside_rows.step(W, dh, h[t])\n        dU +="
    ).replace("        carry = W @ da\n", "")
    file.write_text(text)
    assert check(file, "--fix") == 1
    assert other.read_text() == head.format("da")
    assert file.read_text() == text
    assert beside(file) == ["beside_rows.py", "beside_rows.py.orig", "mine.py"]
