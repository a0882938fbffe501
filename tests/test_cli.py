"""The command line as a person meets it: what it prints, how it exits, and one sentence for each mistake."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from rnn_jax import cli
from rnn_jax._version import __version__

T, B, D, H, K = 5, 2, 3, 4, 6


def run(*arguments, **environment):
    """The installed command in a process of its own."""
    command = [sys.executable, "-m", "rnn_jax", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, timeout=300)


@pytest.fixture
def call(monkeypatch, capsys):
    """The command in this process: exit status, standard output and error."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["rnn-jax", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        said = capsys.readouterr()
        return stop.value.code, said.out, said.err

    return call


@pytest.fixture
def arrays():
    """Arrays of a person's own, for an RNN."""
    rng = np.random.default_rng(0)
    shapes = {"x": (T, B, D), "U": (D, H), "W": (H, H), "b": (H,), "V": (H, K), "c": (K,), "h0": (B, H)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


@pytest.fixture
def point(tmp_path, arrays):
    """A function that writes them, some exchanged, and gives the file's path."""

    def write(**changes):
        file = tmp_path / "mine.npz"
        np.savez(file, **{name: a for name, a in (arrays | changes).items() if a is not None})
        return file

    return write


def test_piped_it_is_plain_and_fits_a_screen():
    done = run("verify", "--only", "rnn,rtrl", "--configs", "3", "--timing")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in done.stdout
    assert any(line.startswith("✓ rnn ") for line in lines)
    assert any(line.startswith("✓ rtrl ") for line in lines)
    assert any(line.startswith("seconds: ") and "compile" in line for line in lines)


def test_colour_is_for_terminals_and_can_be_refused():
    coloured = run("verify", "--only", "steps", "--configs", "0", FORCE_COLOR="1", NO_COLOR="")
    assert "\x1b[32m" in coloured.stdout
    refused = run("verify", "--only", "steps", "--configs", "0", FORCE_COLOR="1", NO_COLOR="1")
    assert "\x1b[32m" not in refused.stdout
    assert "✓ steps" in refused.stdout


def test_a_stream_without_our_characters_gets_plain_ones():
    done = run("verify", "--only", "steps", "--configs", "0", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\n+ steps " in done.stdout
    assert "|by hand - autodiff|" in done.stdout


def test_version(call):
    assert call("--version") == (0, f"rnn-jax {__version__}\n", "")


def test_asked_for_nothing_it_helps(call):
    status, out, _ = call()
    assert status == 2
    assert "verify" in out


def test_json_holds_every_case(call, tmp_path):
    file = tmp_path / "report.json"
    status, out, _ = call("verify", "--only", "lstm", "--configs", 2, "--seed", 5, "--json", file)
    report = json.loads(file.read_text())
    assert status == 0
    assert "all agree" in out
    assert report["schema"] == 1
    assert report["verdict"] == "pass"
    assert report["seed"] == 5
    names = [case["point"] for case in report["cases"]]
    assert names == ["learn", "alphabet", "words", "hello", "theory", "random 0", "random 1"]
    comparison = next(c for c in report["cases"][3]["gradients"] if c["name"] == "s0")
    assert comparison["verdict"] == "pass"
    assert comparison["opinion"] == "both"
    assert 0 <= comparison["error"] < 1e-14
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]  # nothing half-written lies beside it


def test_the_same_seed_gives_the_same_figures(call, tmp_path):
    def figures(seed, *more):
        file = tmp_path / "report.json"
        call("verify", "--only", ",".join(["gru", *more]), "--configs", 4, "--seed", seed, "--json", file)
        cases = json.loads(file.read_text())["cases"]
        return [c["norm"] for case in cases if case["implementation"] == "gru" for c in case["gradients"]]

    assert figures(1) == figures(1)
    assert figures(1) != figures(2)


def test_float32(call):
    status, out, _ = call("verify", "--only", "lstm,columns", "--configs", 6, "--dtype", "float32")
    assert status == 0
    assert "(float32)" in out
    assert "e-07" in out  # its errors are those of float32


@pytest.mark.parametrize("y", [None, "classes", "values"])
def test_a_point_of_ones_own(call, point, y):
    y = {None: None, "classes": np.full((T, B), K - 1), "values": np.ones((T, B, K))}[y]
    status, out, err = call("verify", "--point", point(y=y))
    assert (status, err) == (0, "")
    assert "✓ rnn-relu" in out
    assert "lstm" not in out  # W (H, H) is no LSTM's


def test_a_point_with_more_of_everything(call, point):
    rng = np.random.default_rng(1)
    changes = {
        "U": rng.normal(size=(D, 4 * H)),
        "W": rng.normal(size=(H, 4 * H)),
        "b": rng.normal(size=4 * H),
        "bh": rng.normal(size=4 * H),
        "s0": rng.normal(size=(B, H)),
        "x": rng.integers(-1, D, (T, B)),
        "mask": rng.random((T, B)) < 0.7,
        "weights": rng.random((T, B)),
    }
    status, out, err = call("verify", "--point", point(**changes))
    assert (status, err) == (0, "")
    assert "✓ lstm" in out


def test_a_point_of_a_normalised_cell(call, point):
    rng = np.random.default_rng(1)
    gains = {name: rng.uniform(0.5, 1.5, H) for name in ("gx", "gh")}
    status, out, err = call("verify", "--point", point(**gains))
    assert (status, err) == (0, "")
    assert "✓ rnn-norm" in out
    assert "besides, over all rows: gx " in out
    assert "rnn-relu" not in out


def test_padding_and_weights_without_a_target(call, point):
    mask = np.arange(T)[:, None] < np.array([T, T - 2])
    status, out, err = call("verify", "--point", point(mask=mask))
    assert (status, err) == (0, "")
    assert "✓ rtrl" in out
    status, out, _ = call("verify", "--point", point(weights=np.zeros((T, B))))
    assert status == 0
    assert "dV is 0 to rounding" in " ".join(out.split())


def hole(array, value):
    """The array with one entry exchanged."""
    array = array.copy()
    array[1, 0] = value
    return array


BAD_POINTS = {
    "not a number": (lambda a: {"W": hole(a["W"], np.nan)}, "W holds nan at (1, 0)"),
    "infinite": (lambda a: {"V": hole(a["V"], -np.inf)}, "V holds -inf at (1, 0)"),
    "a shape": (lambda a: {"U": a["U"].T}, "U has shape (4, 3)"),
    "W of no cell": (lambda a: {"W": np.ones((H, 2 * H))}, "W has shape (4, 8)"),
    "no steps": (lambda a: {"x": np.ones((0, B, D))}, "x has shape (0, 2, 3)"),
    "no examples": (lambda a: {"x": np.ones((T, 0, D))}, "x has shape (5, 0, 3)"),
    "an index too high": (lambda a: {"x": hole(np.zeros((T, B), int), D)}, "x holds the index 3"),
    "an index too low": (lambda a: {"x": hole(np.zeros((T, B), int), -2)}, "x holds the index -2"),
    "a class too high": (lambda a: {"y": hole(np.zeros((T, B), int), K)}, "y holds the index 6"),
    "targets of another shape": (lambda a: {"y": np.ones((T, B, K + 1))}, "y has shape (5, 2, 7)"),
    "a mask of another shape": (lambda a: {"mask": np.ones((T + 1, B), bool)}, "mask has shape (6, 2)"),
    "a mask of numbers": (lambda a: {"mask": np.ones((T, B))}, "mask has dtype float64"),
    "weights of another shape": (lambda a: {"weights": np.ones(T)}, "weights have shape (5,)"),
    "a state of another shape": (lambda a: {"h0": np.ones((B, H + 1))}, "h0 has shape (2, 5)"),
    "words for numbers": (lambda a: {"b": np.array(["a"] * H)}, "b has dtype <U1"),
    "an unknown name": (lambda a: {"Wxh": a["U"]}, "holds 'Wxh'"),
    "a missing name": (lambda a: {"c": None}, "lacks 'c'"),
    "objects": (lambda a: {"c": np.array([None] * K)}, "cannot be read"),
    "a vector for a matrix": (lambda a: {"V": np.ones(H)}, "V has shape (4,)"),
    "a number for U": (lambda a: {"U": np.float64(3)}, "U has shape ()"),
    "a number for V": (lambda a: {"V": np.float64(3)}, "V has shape ()"),
    "no classes": (lambda a: {"V": np.ones((H, 0)), "c": np.ones(0)}, "V has shape (4, 0)"),
    "a cell state for no cell": (lambda a: {"s0": np.ones((B, H))}, "s0 is given"),
    "one gain of two": (
        lambda a: {"gx": np.ones(H)},
        "of the gains gx are given, but with W (4, 4) none or gx, gh are",
    ),
    "a gain of another shape": (lambda a: {"gx": np.ones(H), "gh": np.ones(1)}, "gh has shape (1,)"),
    "a number for x": (lambda a: {"x": np.float64(3)}, "x has shape ()"),
}


@pytest.mark.parametrize("mistake", BAD_POINTS)
def test_a_bad_point_gets_one_sentence(call, point, arrays, mistake):
    changes, said = BAD_POINTS[mistake]
    status, out, err = call("verify", "--point", point(**changes(arrays)))
    assert (status, out) == (2, "")
    assert said in err
    assert err.startswith("rnn-jax: ")
    assert err.count("\n") == 1


def test_bad_options_get_one_sentence(call, tmp_path):
    garbage = tmp_path / "garbage.npz"
    garbage.write_bytes(b"PK\x03\x04 and no more")
    for arguments, said in [
        (["--only", "nosuch"], "'nosuch' is unknown; some of rnn, "),
        (["--only", ""], "'' is unknown"),
        (["--configs", "many"], "'many' is not a whole number"),
        (["--configs", "-3"], "'-3' is not a whole number"),
        (["--seed", "1.5"], "'1.5' is not a whole number"),
        (["--dtype", "float16"], "'float16', but float64 or float32"),
        (["--nosuch"], "--nosuch"),
        (["--json", tmp_path / "no" / "x.json"], "there is no folder"),
        (["--json", tmp_path], "it is a folder"),
        (["--point", tmp_path / "no.npz"], "there is no file"),
        (["--point", garbage], "is not an .npz file"),
    ]:
        status, out, err = call("verify", *arguments)
        assert (status, out) == (2, ""), arguments
        assert said in err, arguments
        assert "Traceback" not in err


def test_a_point_that_the_chosen_cells_do_not_fit(call, point):
    status, _, err = call("verify", "--only", "lstm", "--point", point())
    assert status == 2
    assert "none of lstm fits" in err


def test_a_point_and_configurations_exclude_each_other(call, point):
    status, _, err = call("verify", "--configs", 5, "--point", point())
    assert status == 2
    assert "only one of them" in err


def test_debug_shows_where_a_mistake_was_met(call):
    status, _, err = call("verify", "--only", "nosuch", "--debug")
    assert status == 2
    assert "Traceback" in err
    assert "'nosuch' is unknown" in err


def test_our_own_mistakes_are_not_the_users(call, monkeypatch):
    monkeypatch.setattr("rnn_jax.verify.run.choose", lambda only: 1 / 0)
    status, _, err = call("verify")
    assert status == 2
    assert "Traceback" in err


def test_interrupted(call, monkeypatch):
    def interrupt(only):
        raise KeyboardInterrupt

    monkeypatch.setattr("rnn_jax.verify.run.choose", interrupt)
    assert call("verify")[0] == 130
