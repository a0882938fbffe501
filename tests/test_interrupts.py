"""Ctrl-C before the first update: it ends at once where modules are half made, and is not lost after that."""

import os
import signal
import subprocess
import sys
import time

import pytest

from rnn_jax import begin, cli, runs, saved

COMMANDS = {
    "train": ("train", "alphabet"),
    "train and plot": ("train", "alphabet", "--plot", "c.svg"),
    "go on": ("train", "alphabet", "--resume"),
    "sample": ("sample", "x.safetensors"),
    "check": ("check", "x.py", "--wrt", "W", "--loss", "L", "--grads", "G"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_while_jax_is_loaded(name, tmp_path):
    code = f"""
import os, signal, sys, time

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "jax":
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(20)
            except BaseException:
                raise ImportError("as half-made modules do")

sys.meta_path.insert(0, Interrupted())
sys.argv[1:] = {COMMANDS[name]!r}
from rnn_jax.__main__ import main
main()
"""
    kept = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path, env=kept
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=str)
def test_while_it_is_trained(tmp_path, monkeypatch, capsys, number):
    def advanced(*args, usual=runs.advance):
        os.kill(os.getpid(), number)
        return usual(*args)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(runs, "advance", advanced)
    words = ["train", "alphabet", "--updates", "100000", "--out", str(tmp_path)]
    before = signal.getsignal(number)
    assert cli.app(words, standalone_mode=False) == 130
    assert capsys.readouterr().out.endswith(f"stopped: rnn-jax train alphabet --out {tmp_path} --resume goes on\n")
    assert 0 < saved.load(tmp_path / "last.safetensors").step < 100_000
    assert signal.getsignal(number) == before


def test_while_a_run_begins(tmp_path, monkeypatch):
    def swallowed(*args, usual=begin.of_problem):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
        except KeyboardInterrupt:
            pass  # as where it is raised in a callback
        return usual(*args)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(begin, "of_problem", swallowed)
    words = ["train", "alphabet", "--updates", "100", "--out", str(tmp_path / "run")]
    assert cli.app(words, standalone_mode=False) == 130
    assert not (tmp_path / "run").exists(), "nothing came of it"
