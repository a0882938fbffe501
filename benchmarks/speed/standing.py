"""Competitors that stay: each a process of its own, which is given one case after the other.

On a GPU a process takes long to start, so that one for each case would take longer than all that is measured. Cases are
prepared by all at once, and measured by turns, as in versus.py; what fails fails for one competitor and one case.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from versus import Prepared, Raced, Ready, first_turn, settled


class NotThereError(RuntimeError):
    """What a competitor, or one case of it, has failed with."""


class Standing:
    """A process with one competitor in it; `more` is added to each of its cases."""

    def __init__(self, module: str, more: dict[str, Any], environment: dict[str, str]) -> None:
        """Start it, and do not wait."""
        self.more, self.why = more, ""
        self.process = subprocess.Popen(
            [sys.executable, __file__, module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | environment,
        )
        self.ready: Ready | None = None

    def hear(self, patience: float) -> dict[str, Any]:
        """The next line that it says; raises NotThereError where it says why not, ends, or says nothing for so long."""
        out = self.process.stdout
        assert out is not None
        said = out.readline() if select.select([out], [], [], patience)[0] else b""
        if not said:
            self.close()
            self.why = self.why or f"it ended, or said nothing for {patience:.0f} s"
            raise NotThereError(self.why)
        answer: dict[str, Any] = json.loads(said)
        if "error" in answer:
            raise NotThereError(answer["error"])
        return answer

    def say(self, what: Any) -> None:
        """Ask for something; raises NotThereError where it has ended."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(what).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise NotThereError(self.why or "it ended") from None

    def begin(self, patience: float) -> str:
        """Wait until it has loaded what it needs; why not, where something is missing."""
        try:
            self.hear(patience)
        except NotThereError as error:
            self.why = str(error)
        return self.why

    def seconds(self, turns: int) -> float:
        """How long so many turns take it."""
        self.say(turns)
        return float(self.hear(60.0)["seconds"])

    def close(self) -> None:
        """Let it end."""
        self.process.kill()
        self.process.wait()


def prepare(standing: dict[str, Standing], case: dict[str, Any], patience: float) -> dict[str, str]:
    """Have all of them prepare the case at once; by name, why one has not."""
    failed = {}
    for name, each in standing.items():
        each.ready = None
        try:
            each.say(case | each.more)
        except NotThereError as error:
            failed[name] = str(error)
    for name, each in standing.items():
        if name not in failed:
            try:
                each.ready = Ready(**each.hear(patience))
            except NotThereError as error:
                failed[name] = str(error)
    return failed


def take_turns(standing: dict[str, Standing], rounds: int, budget: float) -> dict[str, Raced]:
    """Those that are ready, by turns of about `budget` seconds, each round in another order.

    Raises NotThereError where one of them fails on the way: then the others have waited for it.
    """
    ready = {name: each.ready for name, each in standing.items() if each.ready is not None}
    turns = {name: settled(standing[name], budget) for name in ready}
    found: dict[str, list[float]] = {name: [] for name in ready}
    names = list(ready)
    for turn in range(rounds):
        at = turn % max(1, len(names))
        for name in names[at:] + names[:at]:
            found[name].append(standing[name].seconds(turns[name]) / turns[name] / ready[name].units)
    return {name: Raced(found[name], ready[name]) for name in names}


def answer(module: str) -> None:
    """Be the competitor: a case is prepared, and a number is so many turns of the last one; an answer is a line."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints goes elsewhere

    def tell(**what: Any) -> None:
        print(json.dumps(what), file=out, flush=True)

    try:
        competitor = importlib.import_module(module)
    except ImportError as error:
        tell(error=str(error))
        return
    tell(loaded=module)
    prepared: Prepared | None = None
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if isinstance(asked, dict):
                prepared = None  # the last one's memory is free before the next takes some
                prepared = competitor.prepare(asked)
                tell(**first_turn(prepared)._asdict())
            else:
                assert prepared is not None
                tell(seconds=timed(prepared, asked))
        except Exception as error:  # whatever it is, it is the answer, and the next case may go better
            tell(error=f"{type(error).__name__}: {error}"[:500])


def timed(prepared: Prepared, turns: int) -> float:
    """The seconds of so many turns."""
    start = time.perf_counter()
    prepared.work(turns)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    answer(sys.argv[1])
