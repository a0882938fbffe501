"""Files that are either as they were or whole."""

import os
import tempfile
from pathlib import Path

from rnn_jax.errors import InputError


def require_writable(path: Path) -> None:
    """Raise InputError unless a file can be made at `path`; ask before long work, not after."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {folder}")
    if path.is_dir():
        raise InputError(f"{path} cannot be written: it is a folder, but the name of a file is right")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{path} cannot be written: the folder {folder} does not allow it")


def require_apart(source: Path, outputs: dict[str, Path | None]) -> None:
    """Raise InputError where an option would write over the file that is read, or over what another one writes."""
    taken = {source.resolve(): "FILE"}
    for option, path in outputs.items():
        if path is None:
            continue
        other = taken.setdefault(path.resolve(), option)
        if other != option:
            raise InputError(f"{option} {path} is {other} too: the name of a file of its own would be right")


def write_text(path: Path, text: str) -> None:
    """Write a file of text as write_bytes does."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write the file beside its place, then move it there in one step; a device or a pipe is written to as it is.

    A file that was there before keeps its mode. Raises InputError as require_writable does, and where the disk refuses.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            replaced(path.resolve(), data)  # a link stays one
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error


def replaced(path: Path, data: bytes) -> None:
    """Put a whole file in the place of the one at `path`."""
    require_writable(path)
    umask = os.umask(0)
    os.umask(umask)
    mode = path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~umask  # mkstemp's 0o600 would surprise
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # what the name points to must be on the disk before the name is
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
