"""The folder of a run: made, cleared of what a killed run left half written, and claimed while one is at work in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rnn_jax.errors import InputError, require

try:
    import fcntl
except ImportError:  # no such locks on Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Within, no other run may work in the folder; the claim ends with the process, however that ends.

    Raises InputError where there can be no such folder, or another run is at work in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("w")
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
        for half in folder.glob(".*.safetensors.*"):
            half.unlink()
        try:
            yield
        finally:
            if [each.name for each in folder.iterdir()] == [LOCK]:  # nothing came of it
                (folder / LOCK).unlink()
                folder.rmdir()
