"""A batch in equal parts, each on a device of its own: the cores of a CPU, or several GPUs.

What is learned lies on all of them, and the gradients of the parts are added up: the same update, but for rounding.
Inside `split` a computation sees its part alone, and these functions; with one part nothing is done at all.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import lax
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from rnn_jax import cells, feeds, model
from rnn_jax.arrays import Array
from rnn_jax.errors import require

AXIS = "parts"
ALL: Any = PartitionSpec()  # type: ignore[no-untyped-call]
PARTED: Any = PartitionSpec(AXIS)  # type: ignore[no-untyped-call]


def mesh(parts: int) -> Mesh:
    """So many devices; raises InputError where there are fewer."""
    devices = jax.devices()
    require(parts <= len(devices), f"{parts} parts need a device each, but there are {len(devices)}")
    return Mesh(np.array(devices[:parts]), (AXIS,))


def split(work: Callable[..., Any], parts: int, given: Any, made: Any) -> Callable[..., Any]:
    """The function, run by so many devices at once; given, made: ALL or PARTED for its arguments and results."""
    if parts == 1:
        return work
    return jax.shard_map(work, mesh=mesh(parts), in_specs=given, out_specs=made, check_vma=False)


def everywhere(tree: Any, parts: int, place: Any = ALL) -> Any:
    """The arrays on each of so many devices, or a part on each (PARTED), so that no call has to copy them."""
    return jax.device_put(tree, jax.devices()[0] if parts == 1 else NamedSharding(mesh(parts), place))


def mine(array: Array, axis: int, parts: int) -> Array:
    """The device's own part of an array along its axis of the batch; an axis of 1 is for all."""
    if parts == 1 or array.shape[axis] == 1:
        return array
    size = array.shape[axis] // parts
    return lax.dynamic_slice_in_dim(array, lax.axis_index(AXIS) * size, size, axis)


def of_batch(batch: feeds.Batch, parts: int) -> feeds.Batch:
    """The device's own sequences."""
    x, y, mask = (mine(each, 1, parts) for each in batch[:3])
    return feeds.Batch(x, y, mask, batch.fresh)


def of_noise(noise: model.Noise, parts: int) -> model.Noise:
    """The device's own part of what was drawn for all: what is drawn does not hang on the number of parts."""

    def part(z: Array | None, axis: int) -> Array | None:
        return z if z is None else mine(z, axis, parts)

    def layer(each: cells.Noise) -> cells.Noise:
        return cells.Noise(part(each.kh, 0), part(each.zh, 1), part(each.zs, 1))

    kx = tuple(part(k, 1) for k in noise.kx)
    return model.Noise(kx, tuple(tuple(map(layer, each)) for each in noise.layers))


def added(tree: Any, parts: int) -> Any:
    """The sum over the parts, in one exchange."""
    if parts == 1:
        return tree
    flat, whole = ravel_pytree(tree)
    return whole(lax.psum(flat, AXIS))  # type: ignore[no-untyped-call]
