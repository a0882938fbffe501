"""Pytrees as arrays with names, and back: a checkpoint holds nothing that needs a class to be read."""

from collections.abc import Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from rnn_jax.errors import InputError

Tree = TypeVar("Tree")


def named(tree: Any, prefix: str) -> dict[str, np.ndarray]:
    """The arrays of a tree by their places in it: params/layers/0/0/U."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {f"{prefix}/{place(path)}".rstrip("/"): np.asarray(leaf) for path, leaf in leaves}


def place(path: tuple[Any, ...]) -> str:
    """The way to a leaf as one name."""
    return "/".join(str(getattr(key, "name", getattr(key, "key", getattr(key, "idx", key)))) for key in path)


def filled(like: Tree, arrays: Mapping[str, np.ndarray], prefix: str) -> Tree:
    """A tree of the same kind with these arrays; raises InputError for one that is missing, over, or of another shape.

    like: a tree of arrays or of their shapes and dtypes.
    """
    leaves, kind = jax.tree_util.tree_flatten_with_path(like)
    names = [f"{prefix}/{place(path)}".rstrip("/") for path, _ in leaves]
    for name, (_, leaf) in zip(names, leaves, strict=True):
        if name not in arrays:
            raise InputError(f"there is no array {name!r}")
        found = arrays[name]
        if (found.shape, found.dtype) != (leaf.shape, leaf.dtype):
            raise InputError(f"{name} is {found.dtype} {found.shape}, but {leaf.dtype} {leaf.shape} is right")
    unknown = sorted(name for name in arrays if name.startswith(f"{prefix}/") and name not in names)
    if unknown:
        raise InputError(f"the array {unknown[0]!r} has no place in this model")
    return jax.tree_util.tree_unflatten(kind, [jnp.asarray(arrays[name]) for name in names])
