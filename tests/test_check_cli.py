"""`rnn-jax check` as a person meets it: mistakes in one sentence and exit status 2, and nothing left behind."""

import json
import os
import random
import re
import subprocess
import sys
import textwrap

import jax
import numpy as np
import pytest

from rnn_jax import cli
from rnn_jax.errors import InputError
from rnn_jax.verify import remarks

PROGRAM = """
import numpy as np

rng = np.random.RandomState(0)
X, Y = rng.randn(5, 3), rng.randn(5, 2)
U, W, V = rng.randn(3, 4), rng.randn(4, 4) * 0.5, rng.randn(4, 2)
h0 = np.zeros(4)
count = 3
index = np.arange(4)


def forward(X, Y):
    h = [h0]
    for x in X:
        h.append(np.tanh(x @ U + h[-1] @ W))
    o = np.array(h[1:]) @ V
    return 0.5 * np.sum((o - Y) ** 2), h, o


def backward(X, Y):
    _, h, o = forward(X, Y)
    do = o - Y
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.array(h[1:]).T @ do
    dh = np.zeros(4)
    for t in reversed(range(len(X))):
        da = (do[t] @ V.T + dh) * (1 - h[t + 1] ** 2)
        dU += np.outer(X[t], da)
        dW += np.outer(h[t], da)
        dh = W @ da
    return dU, dW, dV


def broken():
    return np.zeros(3) + np.zeros(4)


def endless():
    while True:
        pass
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "mine.py"
    path.write_text(PROGRAM)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return path


def check(file, *options, wrt="U,W,V", loss="forward(X, Y)[0]", grads="backward(X, Y)"):
    arguments = ["check", str(file), "--wrt", wrt, "--loss", loss, *options]
    return cli.app(arguments + (["--grads", grads] if grads else []), standalone_mode=False)


def test_what_is_to_be_typed_again_writes_no_file():
    words = "check a.py --fix --wrt W --html r.html --json=r.json --diff --emit-test t.py --seed 3".split()
    assert cli.that_only_look(words) == "check a.py --wrt W --diff --seed 3".split()


def test_right_and_wrong_have_their_status(file, capsys):
    assert check(file) == 0
    assert "all 3 gradients agree" in capsys.readouterr().out
    file.write_text(PROGRAM.replace("dh = W @ da", "dh = da @ W"))
    assert check(file) == 1
    out = capsys.readouterr().out
    assert "✗ U" in out
    assert "✗ W" in out
    assert "✓ V" in out
    assert "right at T=1, wrong from T=2" in out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"wrt": "U,w"}, ["--wrt w", "not defined", "did you mean W"]),
        ({"wrt": "U,count"}, ["--wrt count", "the int 3", "np.array(b)"]),
        ({"wrt": "U,index"}, ["index holds int64 numbers", "astype(float)"]),
        ({"wrt": "U,,W"}, ["--wrt 'U,,W'"]),
        ({"wrt": ""}, ["--wrt names no parameter"]),
        ({"wrt": "U,U[0]"}, ["U and U[0] are the same memory"]),
        ({"loss": "forward(X, Y)"}, ["the loss is a tuple", "one number"]),
        ({"loss": "forward(X, Y)[2]"}, ["an array of shape (5, 2)", "one number"]),
        ({"loss": "forward(X)[0]"}, ["--loss failed", "TypeError", "'Y'"]),
        ({"loss": "forward(X, Y"}, ["--loss 'forward(X, Y' is not Python"]),
        ({"loss": "1.5"}, ["the loss does not depend on U, W, V"]),
        ({"loss": "broken()"}, ["--loss failed", "mine.py:34", "ValueError", "(3,) (4,)"]),
        ({"grads": "backward(X, Y)[:2]"}, ["2 gradients for 3 parameters"]),
        ({"grads": "(U, W.T[1:], V)"}, ["the gradient of W has shape (3, 4), but W has (4, 4)"]),
        ({"grads": "{'dU': U, 'dV': V}"}, ["no gradient for W", "dU, dV"]),
        ({"grads": "broken()"}, ["--grads failed", "mine.py:34"]),
        ({"grads": "(U, 'W', V)"}, ["the gradient of W is 'W'"]),
        ({"grads": "None"}, ["--grads is None"]),
        ({"grads": None}, ["neither --grads nor --update"]),
    ],
)
def test_a_mistake_is_one_sentence(file, options, words, capsys, monkeypatch):
    said = sentence(file, monkeypatch, capsys, **options)
    for word in words:
        assert word in said


def sentence(file, monkeypatch, capsys, *more, wrt="U,W,V", loss="forward(X, Y)[0]", grads="backward(X, Y)"):
    options = ["--wrt", wrt, "--loss", loss, *more, *(["--grads", grads] if grads is not None else [])]
    monkeypatch.setattr(sys, "argv", ["rnn-jax", "check", str(file), *options])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("rnn-jax: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--setup", "x = ("], ["--setup 'x = (' is not Python"]),
        (["--setup", "x = missing"], ["--setup failed", "NameError", "missing"]),
        (["--until", "while False"], ["--until 'while False'", "no top-level statement"]),
        (["--cells", "1-3"], ["--cells is for notebooks"]),
        (["--truncate", "0"], ["--truncate 0", "1 or more"]),
        (["--clip", "value"], ["--clip 'value'", "value:5"]),
        (["--clip", "norm:-1"], ["--clip 'norm:-1'", "positive"]),
        (["--scale", "sum"], ["--scale 'sum' is not mean"]),
        (["--sign", "-"], ["--sign '-' is not negative"]),
        (["--dtype", "float16"], ["--dtype 'float16'", "float32"]),
        (["--points", "-1"], ["'-1' is not a whole number"]),
        (["--update", "forward(X, Y)"], ["both --grads and --update"]),
        (["--timeout", "0"], ["--timeout 0", "above 0"]),
        (["--vary", "X"], ["--vary 'X' is not NAME=AXIS"]),
        (["--vary", "Z=0"], ["--vary Z", "no such name"]),
        (["--vary", "X=2"], ["X has 2 axes"]),
        (["--json", "nowhere/report.json"], ["nowhere/report.json cannot be written", "no folder"]),
    ],
)
def test_a_mistake_in_an_option_is_one_sentence(file, more, words, capsys, monkeypatch):
    said = sentence(file, monkeypatch, capsys, *more)
    for word in words:
        assert word in said


@pytest.mark.parametrize("option", ["--json", "--html", "--emit-test"])
@pytest.mark.parametrize("name", ["mine.py", "link.py"])
def test_no_report_is_written_over_the_file(file, option, name, capsys, monkeypatch):
    monkeypatch.chdir(file.parent)
    (file.parent / "link.py").symlink_to(file)
    assert f"{option} {name} is FILE too" in sentence(file, monkeypatch, capsys, option, name)
    assert file.read_text() == PROGRAM


def test_two_reports_are_two_files(file, capsys, monkeypatch):
    monkeypatch.chdir(file.parent)
    assert "--html a.txt is --json too" in sentence(file, monkeypatch, capsys, "--json", "a.txt", "--html", "a.txt")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full is Linux's")
def test_a_full_disk_takes_no_verdict_away(file, capsys, monkeypatch):
    options = ["--wrt", "U,W,V", "--loss", "forward(X, Y)[0]", "--grads", "backward(X, Y)", "--json", "/dev/full"]
    monkeypatch.setattr(sys, "argv", ["rnn-jax", "check", str(file), *options])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert "all 3 gradients agree" in captured.out
    assert captured.err == "rnn-jax: /dev/full cannot be written: No space left on device\n"


def test_a_folder_is_no_program(tmp_path, capsys, monkeypatch):
    assert "is a folder" in sentence(tmp_path, monkeypatch, capsys)


def test_what_is_not_finite_is_wrong_without_a_warning(file, capsys):
    file.write_text(PROGRAM.replace("return dU, dW, dV", "dW[0, 0] = np.inf\n    return dU, dW, dV"))
    assert check(file, "--quick") == 1
    captured = capsys.readouterr()
    assert "✗ W" in captured.out
    assert captured.err == ""


def test_what_takes_long_is_told_beforehand(file, capsys, monkeypatch):
    monkeypatch.setattr(remarks, "SLOW", 0.0)
    assert check(file, "--quick", "--points", "0") == 0
    assert re.fullmatch(
        r"check: one run of the loss takes [\d.]+ s: the verdict takes some \d+ minutes\n", capsys.readouterr().err
    )


def test_more_than_was_declared(file, capsys):
    assert check(file, "--truncate", "2") == 1
    assert "failed" not in capsys.readouterr().out


def test_ctrl_c_while_it_is_loaded_ends_it_without_a_word():
    code = """
import os, signal, time
from rnn_jax.interrupts import ending_at_once
with ending_at_once():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(20)
    except BaseException:
        print("swallowed, as half-made modules do")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


WORDS = """
import numpy as np

tokens = np.array([3, 0, 4, 1])
E, W = np.arange(12.0).reshape(6, 2) / 9 - 0.5, np.array([[0.3, -0.2], [0.5, 0.4]])


def loss(E, W, tokens):
    h = np.zeros(2)
    for k in tokens:
        h = np.tanh(E[k] + h @ W)
    return h.sum()


def gradients(E, W, tokens):
    h = [np.zeros(2)]
    for k in tokens:
        h.append(np.tanh(E[k] + h[-1] @ W))
    dE, dW, dx, dh = np.zeros_like(E), np.zeros_like(W), np.zeros((len(tokens), 2)), np.ones(2)
    for t in reversed(range(len(tokens))):
        dx[t] = dh * (1 - h[t + 1] ** 2)
        dW += np.outer(h[t], dx[t])
        dh = W @ dx[t]
    dE[tokens] += dx
    return dE, dW
"""


def test_a_table_of_which_no_row_is_read_twice(file, capsys):
    file.write_text(WORDS)
    asked = {"wrt": "E,W", "loss": "loss(E, W, tokens)", "grads": "gradients(E, W, tokens)"}
    assert check(file, **asked) == 0
    assert "no row of E is read twice" in " ".join(capsys.readouterr().out.split())
    assert check(file, "--setup", "tokens = np.array([3, 0, 3, 1])", **asked) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "read twice" not in said
    assert said.count("error:") == 1
    assert "np.add.at(dE, tokens, dx)" in said


def test_what_swallows_everything_is_stopped(file, capsys, monkeypatch):
    file.write_text(
        PROGRAM
        + """
def stubborn():
    while True:
        try:
            sum(range(1000))
        except:
            pass
"""
    )
    assert "still ran after 0.5 seconds" in sentence(file, monkeypatch, capsys, "--timeout", "0.5", loss="stubborn()")


def test_an_update_that_changes_nothing(file, capsys, monkeypatch):
    said = sentence(file, monkeypatch, capsys, "--update", "backward(X, Y)", grads=None)
    assert "--update 'backward(X, Y)' changed none of U, W, V" in said
    assert "--lr 0" in sentence(file, monkeypatch, capsys, "--update", "backward(X, Y)", "--lr", "0", grads=None)


def test_what_is_endless_is_stopped(file, capsys, monkeypatch):
    said = sentence(file, monkeypatch, capsys, "--timeout", "0.5", loss="endless()")
    assert "--loss still ran after 0.5 seconds at mine.py:3" in said
    assert "--until" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("print 'old'\n", ["broken.py:1", "not Python 3"]),
        ("import nothing_of_this_name\n", ["broken.py failed at broken.py:1", "ModuleNotFoundError"]),
        ("x = 1 / 0\n", ["broken.py failed at broken.py:1", "ZeroDivisionError"]),
        ("name = input('who? ')\n", ["broken.py failed at broken.py:1", "EOFError"]),
    ],
)
def test_a_file_that_does_not_run(tmp_path, text, words, capsys, monkeypatch):
    path = tmp_path / "broken.py"
    path.write_text(text)
    said = sentence(path, monkeypatch, capsys)
    for word in words:
        assert word in said


def test_no_such_file(tmp_path, capsys, monkeypatch):
    assert "there is no such file" in sentence(tmp_path / "absent.py", monkeypatch, capsys)


def test_bytes_and_bad_notebooks(tmp_path, capsys, monkeypatch):
    path = tmp_path / "bytes.py"
    path.write_bytes(b"x = '\xff\xfe'\n")
    assert "not a text in UTF-8" in sentence(path, monkeypatch, capsys)
    book = tmp_path / "book.ipynb"
    book.write_text("{}")
    assert "not a notebook" in sentence(book, monkeypatch, capsys)
    book.write_text(json.dumps({"cells": [{"cell_type": "code", "source": ["x = 1\n"]}]}))
    assert "code cells 1 to 1" in sentence(book, monkeypatch, capsys, "--cells", "1-9")
    assert "not a list of numbers" in sentence(book, monkeypatch, capsys, "--cells", "first")


def state():
    return {
        "numpy": {name: getattr(np, name) for name in dir(np)},
        "random": (np.random.get_state()[1].tolist(), random.getstate()),  # noqa: NPY002
        "jax": dict(jax.config.values),
        "path": list(sys.path),
        "modules": set(sys.modules),
        "cwd": os.getcwd(),
        "argv": list(sys.argv),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "import": __builtins__["__import__"] if isinstance(__builtins__, dict) else __builtins__.__import__,
        "environment": dict(os.environ),
    }


@pytest.mark.parametrize(
    "loss", ["forward(X, Y)[0]", "broken()", "forward(X, Y)", "np.random.rand() * forward(X, Y)[0]"]
)
def test_nothing_leaks(file, loss, monkeypatch, capsys):
    (file.parent / "beside.py").write_text("import numpy as np\nscale = np.ones(1)\n")
    file.write_text("import beside\nimport math\n" + PROGRAM + "\nnp.random.seed(1)\nimport random\nrandom.seed(2)\n")
    check(file)  # what a first run imports and compiles is ours
    before = state()
    try:
        check(file, loss=loss)
    except ValueError:
        assert loss != "forward(X, Y)[0]"
    after = state()
    before_modules, after_modules = before.pop("modules"), after.pop("modules")
    assert before == after
    assert "beside" not in after_modules
    assert not {name for name in after_modules - before_modules if not name.startswith(("jax", "numpy", "rnn_jax"))}


def test_json_holds_the_report(file, tmp_path):
    file.write_text(PROGRAM.replace("dh = W @ da", "dh = da @ W"))
    path = tmp_path / "report.json"
    assert check(file, "--json", str(path), "--seed", "5", "--points", "1") == 1
    text = path.read_text()
    report = json.loads(text)
    assert report["schema"] == 2
    assert report["verdict"] == "fail"
    assert [(p["name"], p["verdict"]) for p in report["parameters"]] == [("U", "fail"), ("W", "fail"), ("V", "pass")]
    first = report["findings"][0]
    assert first["file"] == str(file)
    assert first["kind"] == "missing-transpose"
    assert f'"line": {first["line"]}' in text
    assert text.index('"line"') == text.index(f'"line": {first["line"]}')
    assert (report["seed"], report["points"]) == (5, ["own values", "random 1"])


def test_the_shell_sees_the_status(file):
    options = ["--wrt", "U,W,V", "--loss", "forward(X, Y)[0]", "--grads", "backward(X, Y)"]
    code = [sys.executable, "-m", "rnn_jax", "check", file.name, *options]
    done = subprocess.run(code, capture_output=True, text=True, cwd=file.parent, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "all 3 gradients agree" in done.stdout


def test_prints_and_plots_are_held_back(file, capsys):
    file.write_text(
        "print('loud')\n"
        + PROGRAM
        + textwrap.dedent("""
        if __name__ == "__main__":
            raise RuntimeError("the training would start here")
        """)
    )
    assert check(file) == 0
    assert "loud" not in capsys.readouterr().out


def notebook(path, *cells):
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]}))
    return path


def test_a_notebook_is_read_as_ipython_reads_it(tmp_path, capsys):
    """A question mark at the end of a comment is no magic: it once made a wrong gradient pass."""
    lines = "import numpy as np\n%matplotlib inline\nW = np.ones((2, 2))\nfiles = !ls\nnp.sum?\n"
    code = (
        "def loss():\n    return np.sum(np.tanh(W))\ndef grads():\n    g = 1 - np.tanh(W) ** 2\n    {}\n    return g\n"
    )
    text = 'print("loss %f"\n      % loss())\n'
    for damage, status in (("g = g * 3  # is this right?", 1), ("g = g * 1  # why?", 0)):
        book = notebook(tmp_path / "book.ipynb", lines, code.format(damage), text, "%%time\nx = 1\n", "%%bash\nls\n")
        assert check(book, wrt="W", loss="loss()", grads="grads()") == status


def test_a_loss_that_the_gradient_function_disagrees_with(file, capsys):
    file.write_text(PROGRAM + "\ndef both(X, Y, share):\n    return (share * forward(X, Y)[0], *backward(X, Y))\n")
    for share, told in ((1.0, False), (0.5, True)):
        assert check(file, grads=f"both(X, Y, {share})[1:4]") == 0
        assert ("what --grads gives beside its gradients" in " ".join(capsys.readouterr().out.split())) == told


def test_wrong_on_short_sequences_only(file, capsys):
    file.write_text(PROGRAM.replace("    return dU, dW, dV", "    return dU, dW * (1 + (len(X) == 2)), dV"))
    assert check(file) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "✗ W" in said
    assert "wrong when X, Y are cut to T=2" in said


INLINE = """
import numpy as np
W, x, y = np.array([[0.5, -1.0], [0.3, 0.8]]), np.array([1.0, 2.0]), np.array([0.1, 0.2])
o = np.tanh(x @ W)
loss = 0.5 * np.sum((o - y) ** 2)
dW = np.outer(x, (o - y) * (1 - o ** 2))
def again():
    return 0.5 * np.sum((np.tanh(x @ W) - y) ** 2)
"""


@pytest.mark.parametrize("loss", ["loss", "again()"])
@pytest.mark.parametrize(("damage", "status"), [("", 0), (" * 2", 1)])
def test_gradients_left_at_the_top_level(tmp_path, loss, damage, status, capsys):
    path = tmp_path / "inline.py"
    path.write_text(INLINE.replace("(1 - o ** 2))", f"(1 - o ** 2)){damage}"))
    assert check(path, wrt="W", loss=loss, grads="dW") == status
    assert "those statements run again" in " ".join(capsys.readouterr().out.split())


def test_a_parameter_that_the_setup_makes_an_array_too_late(tmp_path):
    path = tmp_path / "late.py"
    path.write_text(
        "import numpy as np\n\n\ndef make():\n    return [np.array([1.0, 2.0]), 0.5]\n\n\np = make()\n\n\n"
        "def loss(p):\n    return np.sum(p[0] ** 2) * p[1]\n\n\n"
        "def grads(p):\n    return [2 * p[0] * p[1], np.sum(p[0] ** 2)]\n"
    )
    with pytest.raises(InputError, match=r"^p\[1\] is no array before --setup has run to its end"):
        check(path, "--setup", "p = make(); p[1] = np.array(p[1])", wrt="p", loss="loss(p)", grads="grads(p)")
