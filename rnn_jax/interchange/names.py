"""The full names of arrays: those that an export writes, and how a stranger's file is taken apart by them.

Ours are those of the modules in README.md: `rnn.weight_ih_l0_reverse` in PyTorch, `rnn_0/backward/kernel` for Keras,
`rnn_0/backward_rnn/cell/hi/kernel` in Flax, where one direction alone leaves its word out. Theirs may have other words
before the last: recurrent weights are known by how they end, layers by their numbers, and what is left is the readout.
"""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from rnn_jax.errors import require
from rnn_jax.interchange.layouts import LAYOUTS, READOUTS

TORCH = re.compile(r"(?:(.*)\.)?((?:weight|bias)_(?:ih|hh|hr))(?:_l(\d+))?(_reverse)?")  # LSTMCell has no _l0
WAY = re.compile(r"(?:^|_)(forward|backward|reverse)(?=_|$)")
NUMBER = re.compile(r"_?(\d+)")
DIGITS = 9  # of a layer's number at most

Words = tuple[str, ...]
Leaves = dict[str, str]  # the name of an array in its layer -> its full name
Ways = dict[bool, Leaves]  # True: the reverse direction


class Place(NamedTuple):
    """Where a recurrent array belongs: its module without numbers and direction, the numbers, and its name there."""

    module: str
    numbers: tuple[int, ...]
    reverse: bool
    leaf: str


class Found(NamedTuple):
    """The names in a file by layer, from the first, and direction; and those of the readout, weight and bias."""

    layers: list[Ways]
    readout: Leaves


def of_layer(framework: str, leaf: str, level: int, reverse: bool, both: bool) -> str:
    """The full name of an array in a layer of a model that reads in one direction or both."""
    if framework == "torch":
        return f"rnn.{leaf}_l{level}{'_reverse' if reverse else ''}"
    way = "backward" if reverse else "forward"
    if framework == "keras":
        return f"rnn_{level}/{way}/{leaf}" if both else f"rnn_{level}/{leaf}"
    return f"rnn_{level}/{way}_rnn/cell/{leaf}" if both else f"rnn_{level}/cell/{leaf}"


def sorted_out(framework: str, names: Collection[str]) -> Found:
    """The layers in order and the readout; raises InputError where that cannot be told."""
    places = recurrent(framework, names)
    others = {other: len(recurrent(other, names)) for other in LAYOUTS}
    likeliest = max(others, key=lambda other: others[other])
    require(
        others[likeliest] <= len(places),
        f"the names are those of {likeliest}, not of {framework}: {likeliest} is right",
    )
    require(bool(places), f"there are no recurrent weights, whose names end with {ends(framework)} in {framework}")
    layers: dict[tuple[str, tuple[int, ...]], Ways] = {}
    for name, (module, numbers, reverse, leaf) in places.items():
        leaves = layers.setdefault((module, numbers), {}).setdefault(reverse, {})
        first = leaves.setdefault(leaf, name)
        require(first == name, f"{first} and {name} are the same array of the same layer, but one of them is right")
    kinds: dict[str, str] = {}
    for name, place in places.items():
        kinds.setdefault(place.module, name)
    require(
        len(kinds) == 1,
        f"{' and '.join(kinds.values())} do not tell which layer comes first: names that differ only in a number, as "
        "rnn_0 and rnn_1, are right",
    )
    if framework == "torch":
        require_consecutive(layers)
    return Found([layers[key] for key in sorted(layers)], readout(framework, [n for n in names if n not in places]))


def require_consecutive(layers: Mapping[tuple[str, tuple[int, ...]], Ways]) -> None:
    """Raise InputError where one of the layers l0, l1, ... of a module is missing; modules may skip a number."""
    modules: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for module, numbers in sorted(layers):
        modules.setdefault((module, numbers[:-1]), []).append(numbers[-1])
    for (module, numbers), levels in modules.items():
        for right, level in enumerate(levels):
            first = next(iter(next(iter(layers[module, (*numbers, level)].values())).values()))
            require(level == right, f"there is {first}, but no layer l{right} before it: all from l0 on are right")


def recurrent(framework: str, names: Collection[str]) -> dict[str, Place]:
    """The names of recurrent arrays, and where each belongs."""
    owners = owners_in(framework, names)
    found = {name: of_torch(name) if framework == "torch" else of_module(framework, name, owners) for name in names}
    return {name: place for name, place in sorted(found.items()) if place is not None}


def of_torch(name: str) -> Place | None:
    """The place of a name in PyTorch."""
    match = TORCH.fullmatch(name)
    if match is None:
        return None
    module, leaf, level, reverse = match.groups()
    return Place(*unnumbered(module or "", level or "0"), reverse is not None, leaf)


def of_module(framework: str, name: str, owners: set[Words]) -> Place | None:
    """The place of a name where modules and arrays are joined by / or by dots."""
    words = split(name)
    for leaf in endings(framework, "U", "W", "b", "bh"):
        owner = words[: -len(leaf)]
        if words[-len(leaf) :] == leaf and owner in owners:
            ways = [match.group(1) for word in owner for match in WAY.finditer(word)]
            module = "/".join(WAY.sub("", word) for word in owner)
            return Place(*unnumbered(module), bool(ways) and ways[-1] != "forward", "/".join(leaf))
    return None


def owners_in(framework: str, names: Collection[str]) -> set[Words]:
    """The modules that own recurrent weights: the words before the name of a matrix beside h."""
    words = [split(name) for name in names]
    return {each[: -len(end)] for each in words for end in endings(framework, "W") if each[-len(end) :] == end}


def endings(framework: str, *fields: str) -> dict[Words, None]:
    """How the names of arrays end that hold some of these fields, in any cell."""
    parts = [part for layout in LAYOUTS[framework].values() for part in layout if part.field in fields]
    return dict.fromkeys(split(part.name) for part in parts)


def ends(framework: str) -> str:
    """How the names of matrices beside h end, as text."""
    return " or ".join("/".join(words) + "_l0" * (framework == "torch") for words in endings(framework, "W"))


def split(name: str) -> Words:
    """The words of a name."""
    return tuple(re.split(r"[/.]", name))


def unnumbered(module: str, *more: str) -> tuple[str, tuple[int, ...]]:
    """A name without its numbers, and its numbers, which put layers in order: lstm, lstm_1, lstm_2."""
    digits = [*NUMBER.findall(module), *more]
    for each in digits:
        require(len(each) <= DIGITS, f"a name has a number of {len(each):,} digits, but one of a layer is right")
    return NUMBER.sub("", module), tuple(map(int, digits))


def readout(framework: str, rest: list[str]) -> Leaves:
    """The weight and, where there is one, the bias of the one affine map that is left; raises InputError else."""
    right = READOUTS[framework]
    weight, bias = split(right.weight)[-1], split(right.bias)[-1]
    modules: dict[Words, Leaves] = {}
    for name in sorted(rest):
        *owner, last = split(name)
        require(last in (weight, bias), f"{name} has no place beside recurrent layers and a readout: leave it out")
        modules.setdefault(tuple(owner), {})["weight" if last == weight else "bias"] = name
    for leaves in modules.values():
        require("weight" in leaves, f"{leaves.get('bias')} has no {weight} beside it, but that of the readout is right")
    require(bool(modules), f"there is no readout: a name that ends with {weight}, such as {right.weight}, is missing")
    names = " and ".join(leaves["weight"] for leaves in modules.values())
    require(len(modules) == 1, f"{names} could each be the readout, but one is right: leave out what is not of it")
    return next(iter(modules.values()))
