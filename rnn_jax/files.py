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


def write_text(path: Path, text: str) -> None:
    """Write the file beside its place, then move it there in one step; a device or a pipe is written to as it is.

    Raises InputError as require_writable does, and OSError where the disk refuses.
    """
    path = path.resolve()  # a link stays one
    require_writable(path)
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)  # mkstemp's 0o600 would surprise whoever shares the file
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
