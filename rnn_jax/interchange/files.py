"""Safetensors files of weights: arrays under another framework's names, and what we say of them in one entry."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from rnn_jax import checkpoint
from rnn_jax.errors import InputError, require
from rnn_jax.spec import Spec

FORMAT = 1
ABOUT = "rnn_jax weights"
DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": jnp.bfloat16}


class About(NamedTuple):
    """What arrays and their names cannot tell; all of it may be unknown."""

    framework: str | None = None
    spec: Spec | None = None
    vocabulary: tuple[str, ...] | None = None


def encode(arrays: Mapping[str, np.ndarray], framework: str, spec: Spec, vocabulary: tuple[str, ...]) -> bytes:
    """The bytes of the file: the same for the same weights."""
    said = {
        "format": FORMAT,
        "framework": framework,
        "spec": asdict(spec),
        "vocabulary": vocabulary,
    }
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return bytes(save(dict(sorted(arrays.items())), metadata={ABOUT: text}))


def decode(data: bytes, name: str) -> tuple[dict[str, np.ndarray], About]:
    """The arrays, float32 or float64 all of them, and what the file says of them; raises InputError with the reason.

    Numbers of 16 bits become float32, which holds them exactly.
    """
    try:
        found = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise InputError(f"{name} is no safetensors file, or it is damaged: {plain(error)}{hint(data)}") from error
    told = checkpoint.header(data, name)
    require(
        checkpoint.ABOUT not in told,
        f"{name} is a checkpoint of rnn_jax, which needs no import: weights of another framework are right",
    )
    arrays = {key: as_numbers(key, value) for key, value in found}
    require(bool(arrays), f"{name} holds no arrays")
    dtypes = {str(array.dtype): key for key, array in sorted(arrays.items())}
    first, *others = dtypes.items()
    said = "".join(f", but {key} is {dtype}: one dtype is right" for dtype, key in others)
    require(not others, f"{first[1]} is {first[0]}{said}")
    return arrays, about(told[ABOUT], name) if ABOUT in told else About()


def as_numbers(name: str, value: Mapping[str, Any]) -> np.ndarray:
    """One array; raises InputError for what is no floating-point number of a known kind."""
    kind = value["dtype"]
    require(kind in DTYPES, f"{name} is of the type {kind}, but one of {', '.join(DTYPES)} is right")
    array = np.frombuffer(value["data"], DTYPES[kind]).reshape(value["shape"])
    return array if array.dtype.itemsize > 2 else array.astype(np.float32)


def about(text: str, name: str) -> About:
    """What `encode` has said."""
    try:
        said = json.loads(text)
        form = int(said["format"])
        if form > FORMAT:
            raise InputError(f"{name} is of format {form}, which a newer rnn_jax has written; this one reads {FORMAT}")
        spec = Spec(**said["spec"] | {"directions": tuple(said["spec"]["directions"])})
        return About(str(said["framework"]), spec, tuple(map(str, said["vocabulary"])))
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"{name} is damaged: what it says of itself cannot be read: {plain(error)}") from error


def plain(error: Exception) -> str:
    """The words of an error on one line."""
    return " ".join(str(error).split())


def hint(data: bytes) -> str:
    """What would be right in the place of files that are common."""
    torch = "safetensors.torch.save_file(model.state_dict(), FILE)"
    keras = "safetensors.numpy.save_file({w.path: w.numpy() for w in model.weights}, FILE)"
    if data.startswith((b"PK\x03\x04", b"\x80")):
        return f"; {torch} writes one with PyTorch, {keras} with Keras"
    return f"; {keras} writes one" if data.startswith(b"\x89HDF") else ""
