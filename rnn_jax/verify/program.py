"""Someone's file or notebook, run as it is in a module of its own, and expressions in its namespace."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import re
import signal
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnn_jax.errors import InputError, require
from rnn_jax.verify.trace.places import OURS, foreign

NAME = "__rnn_jax__"


class ProgramError(InputError):
    """The user's own code failed; the sentence names the place."""


class Program:
    """A file's namespace after it has run.

    statements: its top-level statements, for those whose gradients are computed inline (`rerun`).
    """

    def __init__(self, path: Path, cells: str | None = None, until: str | None = None, timeout: float = 60.0) -> None:
        self.path, self.timeout = path, timeout
        require(timeout > 0, f"--timeout {timeout:g}: a number of seconds above 0 would be right")
        require(not path.is_dir(), f"{path} is a folder: a Python file or a notebook would be right")
        require(path.is_file(), f"{path}: there is no such file")
        self.source, self.lines_of = source_of(path, cells)
        try:
            self.tree = ast.parse(self.source, str(path))
        except SyntaxError as error:
            # Python 2's print is the usual reason.
            raise ProgramError(f"{self.where(error.lineno or 1)}: this is not Python 3 ({error.msg})") from error
        if until is not None:
            self.tree.body = self.tree.body[: self.first_with(until)]
        elif cells is not None:
            require(
                path.suffix == ".ipynb", f"--cells is for notebooks; {path.name} is none: --until TEXT cuts a script"
            )
        self.module = types.ModuleType(NAME)
        self.namespace = vars(self.module)
        self.namespace |= {"__file__": str(path.absolute()), "__rnn_jax__": True, "__builtins__": __builtins__}

    def first_with(self, text: str) -> int:
        """The number of the first top-level statement that contains the text."""
        for number, statement in enumerate(self.tree.body):
            if text in (ast.get_source_segment(self.source, statement) or ""):
                return number
        raise InputError(f"--until {text!r}: no top-level statement of {self.path.name} contains it")

    def where(self, line: int) -> str:
        """file.py:12, or notebook.ipynb: cell 3, line 2."""
        if self.lines_of and 0 < line <= len(self.lines_of):
            cell, within = self.lines_of[line - 1]
            return f"{self.path.name}: cell {cell}, line {within}"
        return f"{self.path.name}:{line}"

    def locate(self, file: str, line: int) -> tuple[str, int]:
        """A place in the program as the user speaks of it: the path as given, and of a notebook the cell."""
        if file != str(self.path.absolute()):
            return os.path.relpath(file) if os.path.isabs(file) else file, line
        if self.lines_of and 0 < line <= len(self.lines_of):
            cell, within = self.lines_of[line - 1]
            return f"{self.path}, cell {cell}", within
        return str(self.path), line

    def load(self) -> None:
        """Run the file, outside functions and all."""
        self.run(compile(self.tree, str(self.path.absolute()), "exec"))

    def run(self, code: Any, what: str | None = None) -> None:
        """Execute code in the namespace; what it raises becomes one sentence about `what`, or the file."""
        self.evaluate(code, what or self.path.name)

    def evaluate(self, code: Any, what: str) -> Any:
        """The value of compiled code in the namespace. Raises ProgramError with the place where it failed."""
        try:
            with self.at_home():
                return eval(code, self.namespace)
        except InputError:
            raise
        except SystemExit:
            return None  # a script's own exit() is its end
        except OverdueError as error:
            raise ProgramError(
                f"{what} still ran after {self.timeout:g} seconds{self.at(error)}; "
                "--until TEXT stops before the training loop, --timeout N waits longer"
            ) from None
        except Exception as error:
            raise ProgramError(self.sentence(error, what)) from error

    def sentence(self, error: BaseException, what: str) -> str:
        """What went wrong, and at which line of the user's; or that it was we who failed."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None and trace.tb_frame.f_code.co_filename.startswith(OURS):
            what = f"rnn-jax itself, while it recorded {what},"
        return f"{what} failed{self.at(error)} with {type(error).__name__}: {str(error) or 'no message'}"

    def at(self, error: BaseException) -> str:
        """The innermost of the user's lines in a traceback."""
        place = ""
        trace = error.__traceback__
        while trace is not None:
            file, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
            if file == str(self.path.absolute()):
                place = f" at {self.where(line)}"
            elif not foreign(file) and not file.startswith("<"):
                place = f" at {os.path.basename(file)}:{line}"
            trace = trace.tb_next
        return place

    @contextlib.contextmanager
    def at_home(self) -> Iterator[None]:
        """The file's own folder, path, arguments and name; nothing printed; an end to what has none."""
        folder = str(self.path.absolute().parent)
        before = os.getcwd(), list(sys.path), sys.argv, sys.modules.get(NAME), sys.stdin
        backend = os.environ.get("MPLBACKEND")
        os.chdir(folder)
        sys.path.insert(0, folder)
        sys.argv = [str(self.path)]
        sys.modules[NAME] = self.module
        sys.stdin = io.StringIO()
        os.environ["MPLBACKEND"] = "agg"  # a plot must not wait for someone to close it
        try:
            quiet = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
            with quiet[0], quiet[1], deadline(self.timeout):
                yield
        finally:
            os.chdir(before[0])
            sys.path[:], sys.argv, sys.stdin = before[1], before[2], before[4]
            if before[3] is None:
                sys.modules.pop(NAME, None)
            else:
                sys.modules[NAME] = before[3]
            if backend is None:
                os.environ.pop("MPLBACKEND", None)
            else:
                os.environ["MPLBACKEND"] = backend


class OverdueError(BaseException):
    """The user's code ran too long. No Exception, so that their `except Exception` does not swallow it."""


PATIENCE = 100  # hundredths of a second that a library's own code may still run


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise OverdueError in what runs longer, again and again, until it is let through.

    Only the main thread can be interrupted so.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    passed = 0

    def stop(number: int, frame: Any) -> None:
        # Within a library's callback, a weak reference's say, it would be printed and lost: the timer comes again.
        nonlocal passed
        passed += 1
        if passed > PATIENCE or frame is None or not foreign(frame.f_code.co_filename):
            raise OverdueError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.01)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def modules_kept() -> Iterator[None]:
    """sys.modules as it was: the file's sibling modules are forgotten, so that the next run reads them afresh."""
    before = dict(sys.modules)
    try:
        yield
    finally:
        for name, module in list(sys.modules.items()):
            if name not in before and not foreign(str(getattr(module, "__file__", None) or "<frozen")):
                del sys.modules[name]


def source_of(path: Path, cells: str | None) -> tuple[str, list[tuple[int, int]]]:
    """The source, and for a notebook the cell and line that each of its lines came from."""
    if path.suffix != ".ipynb":
        try:
            # As Python itself reads it: coding comments and byte order marks count.
            import tokenize

            with tokenize.open(path) as file:
                return file.read(), []
        except (SyntaxError, UnicodeDecodeError) as error:
            raise ProgramError(f"{path.name} is not a text in UTF-8, nor in an encoding that it names") from error
    try:
        book = json.loads(path.read_text(encoding="utf-8"))
        found = book["cells"] if "cells" in book else book["worksheets"][0]["cells"]
        code = [c.get("source", c.get("input", "")) for c in found if c["cell_type"] == "code"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ProgramError(f"{path.name} is not a notebook that can be read: {error}") from error
    wanted = chosen(cells, len(code), path.name)
    lines: list[str] = []
    origins: list[tuple[int, int]] = []
    for number in wanted:
        text = code[number - 1]
        text = text if isinstance(text, str) else "".join(text)
        for within, line in enumerate(without_magic(text).splitlines(), 1):
            lines.append(line)
            origins.append((number, within))
    return "\n".join(lines) + "\n", origins


MAGIC = re.compile(r"(?P<indent>\s*)(?P<target>[\w.,\s]+=\s*)?(?:[%!].*|\?{1,2}[\w.%]+|[\w.%]+\?{1,2})")


def without_magic(text: str) -> str:
    """A cell without what only IPython understands: %magic, !shell, name? for help. A cell of plain Python as it is."""
    if parses(text):
        return text
    lines = text.splitlines()
    first = next((k for k, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        runs = lines[first].split()[0] in ("%%time", "%%timeit", "%%capture", "%%prun")
        lines = [*["pass"] * (first + 1), *(lines[first + 1 :] if runs else [])]
    for k, line in enumerate(lines):
        if parses("\n".join(lines)):
            break
        found = MAGIC.fullmatch(line)
        if found:
            lines[k] = f"{found['indent']}{found['target'] + 'None' if found['target'] else 'pass'}"
    return "\n".join(lines)


def parses(text: str) -> bool:
    """Whether the text is Python."""
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def chosen(cells: str | None, count: int, name: str) -> list[int]:
    """1-9,12 as numbers of code cells; all of them without it."""
    if cells is None:
        return list(range(1, count + 1))
    numbers: list[int] = []
    for part in cells.split(","):
        first, dash, last = part.strip().partition("-")
        require(
            first.isdigit() and (last.isdigit() or not dash),
            f"--cells {cells!r} is not a list of numbers and ranges such as 1-9,12",
        )
        low, high = int(first), int(last) if dash else int(first)
        require(1 <= low <= high <= count, f"--cells {part.strip()}: {name} has code cells 1 to {count}")
        numbers += range(low, high + 1)
    return numbers
