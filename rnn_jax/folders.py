"""The folder of a run: made, cleared of what a killed run left half written, and claimed while one is at work in it."""

import itertools
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rnn_jax.errors import InputError, require

try:
    import fcntl
except ImportError:  # no such locks on Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
CHECKPOINT = re.compile(r"(last(-\d+)?|best)\.safetensors")
HALF = re.compile(r"\.((last(-\d+)?|best)\.safetensors|metrics\.jsonl)\.[a-z0-9_]{8}")  # as files.replaced calls them
BEFORE = "before"  # where what was left of another run is kept


def checkpoints(folder: Path) -> list[Path]:
    """Those of the run in a folder, whatever else lies there; none where it cannot be looked into."""
    try:
        return sorted(each for each in folder.iterdir() if CHECKPOINT.fullmatch(each.name))
    except OSError:
        return []


def numbered(folder: Path) -> Iterator[Path]:
    """The folder, folder-2, folder-3, ..."""
    yield folder
    for number in itertools.count(2):
        yield folder.with_name(f"{folder.name}-{number}")


def free(folder: Path, taken: Callable[[Path], object]) -> Path:
    """The first of folder, folder-2, folder-3, ... that is not taken."""
    return next(each for each in numbered(folder) if not taken(each))


def latest(folder: Path) -> Path:
    """The last of folder, folder-2, folder-3, ... that holds a run; the folder itself where none does."""
    return [folder, *itertools.takewhile(checkpoints, numbered(folder))][-1]


def set_aside(folder: Path, *more: str) -> Path | None:
    """Move what a run without its last checkpoint has left, so that a new one is not mixed with it; where, if anything.

    more: names of its other files.
    """
    left = checkpoints(folder)
    if not left:
        return None
    kept = free(folder / BEFORE, Path.exists)
    kept.mkdir()
    for path in (*left, *(folder / name for name in more)):
        if path.exists():
            path.rename(kept / path.name)
    return kept


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Within, no other run may work in the folder; the claim ends with the process, however that ends.

    Where nothing came of it, what was made for it goes again; what was there before stays as it was. Raises InputError
    where there can be no such folder, or another run is at work in it.
    """
    try:
        made = [each for each in (folder / LOCK, folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("a")
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror or error}") from error
    with file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                said = f"another run is at work in {folder}: another --out is right"
                raise InputError(said) from error
        require(os.access(folder, os.W_OK), f"{folder} cannot be written to: another --out is right")
        for each in folder.iterdir():
            if HALF.fullmatch(each.name):
                each.unlink()
        try:
            yield
        finally:
            if {each.name for each in folder.iterdir()} == {LOCK}:  # nothing came of it
                clear(made)


def clear(made: list[Path]) -> None:
    """Delete a file and the folders around it, as far as nothing else is in them by now."""
    for path in made:
        try:
            path.unlink() if path.name == LOCK else path.rmdir()
        except OSError:
            return
