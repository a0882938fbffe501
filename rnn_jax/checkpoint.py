"""One file that holds a training run: arrays and settings in safetensors, whole or refused with one sentence.

The format stores no checksum and forgives what it does not read, so the file carries a digest of all that it means, and
what is read must be, written again, the very same bytes: no flipped bit goes by.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from rnn_jax.errors import InputError
from rnn_jax.files import write_bytes

FORMAT = 1
ABOUT = "rnn_jax checkpoint"


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name, and what JSON can hold of the rest: settings, vocabulary, versions."""

    arrays: dict[str, np.ndarray]
    meta: dict[str, Any]


def encode(checkpoint: Checkpoint) -> bytes:
    """The bytes of the file: the same for the same checkpoint, on any day and machine."""
    arrays = {name: np.asarray(value, order="C") for name, value in sorted(checkpoint.arrays.items())}
    meta = json.dumps(checkpoint.meta, sort_keys=True, ensure_ascii=False, allow_nan=False)
    head = json.dumps({"format": FORMAT, "sha256": digest(arrays, meta), "meta": meta}, ensure_ascii=False)
    return bytes(save(arrays, metadata={ABOUT: head}))  # one entry: the format keeps several in no order


def digest(arrays: dict[str, np.ndarray], meta: str) -> str:
    """A digest of names, types, shapes, numbers and settings."""
    made = hashlib.sha256(meta.encode())
    for name, value in arrays.items():
        made.update(f"\0{name}\0{value.dtype.str}\0{value.shape}\0".encode())
        made.update(value.tobytes())
    return made.hexdigest()


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file in one step; raises InputError where it cannot be written, and leaves what was there."""
    write_bytes(path, encode(checkpoint))


def read(path: Path) -> Checkpoint:
    """The checkpoint in a file; raises InputError, with the reason, for a file that is none or is not whole."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    return decode(data, str(path))


def decode(data: bytes, name: str) -> Checkpoint:
    """The checkpoint in these bytes; `name` is what the sentence calls them."""
    told = header(data, name)
    if ABOUT not in told:
        raise InputError(f"{name} is a safetensors file, but no checkpoint of rnn_jax")
    try:
        head = json.loads(told[ABOUT])
        form = int(head["format"])
        if form > FORMAT:
            said = f"{name} is a checkpoint of format {form}, which a newer rnn_jax has written"
            raise InputError(f"{said}; this one reads format {FORMAT}")
        found = Checkpoint(load(data), json.loads(head["meta"]))
        whole = head["sha256"] == digest(dict(sorted(found.arrays.items())), head["meta"]) and encode(found) == data
    except InputError:
        raise
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{name} is damaged: {' '.join(str(error).split())}") from error
    if not whole:
        raise InputError(f"{name} is damaged: its contents are not those that its digest was made of")
    return found


def header(data: bytes, name: str) -> dict[str, str]:
    """The texts at the beginning of a safetensors file."""
    size = int.from_bytes(data[:8], "little") if len(data) >= 8 else 0
    if not 2 <= size <= len(data) - 8:
        raise InputError(f"{name} is no checkpoint, or it is cut off: it has {len(data):,} bytes and no whole header")
    try:
        head = json.loads(data[8 : 8 + size]).get("__metadata__", {})
    except (ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"{name} is no checkpoint, or it is damaged: its header cannot be read") from error
    return head if isinstance(head, dict) else {}
