"""A model as another framework has it."""

from typing import NamedTuple

import numpy as np

from rnn_jax import model
from rnn_jax.errors import require
from rnn_jax.interchange import names
from rnn_jax.interchange.files import encode
from rnn_jax.interchange.layer import Arrays, fitted, written
from rnn_jax.interchange.layouts import READOUTS, layout
from rnn_jax.spec import Spec

BOTH: tuple[model.Direction, ...] = ("forward", "reverse")


class Exported(NamedTuple):
    """The arrays under their names, and whether second biases have been added to the first."""

    arrays: Arrays
    folded: bool


def exported(spec: Spec, params: model.Params, framework: str) -> Exported:
    """The weights of a model under a framework's names; raises InputError for what it cannot express.

    Every array keeps its dtype and its bits; but where the framework has one bias and the model two, it is their sum.
    """
    parts = layout(framework, spec.cell)
    require(
        spec.directions in (("forward",), BOTH),
        f"the directions are {spec.directions!r}, but {framework} reads ('forward',) or {BOTH!r}",
    )
    made, folded = {}, False
    for level, layer in enumerate(params.layers):
        for way, p in zip(spec.directions, layer, strict=True):
            q, added = fitted(parts, spec.cell, p, f"layer {level}, {way},")
            folded |= added
            for leaf, array in written(parts, spec.cell, q).items():
                made[names.of_layer(framework, leaf, level, way == "reverse", len(layer) == 2)] = array
    weight, bias, transposed = READOUTS[framework]
    V = np.asarray(params.V)
    made[weight] = np.array(V.T if transposed else V, order="C")
    made[bias] = np.array(params.c)
    return Exported(made, folded)


def as_file(spec: Spec, params: model.Params, vocabulary: tuple[str, ...], framework: str) -> tuple[bytes, bool]:
    """The bytes of a safetensors file that holds the weights, and whether biases have been added up."""
    arrays, folded = exported(spec, params, framework)
    return encode(arrays, framework, spec, vocabulary), folded
