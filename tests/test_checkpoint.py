"""A checkpoint is whole, or it is refused with one sentence."""

import numpy as np
import pytest
from safetensors.numpy import save

from rnn_jax.checkpoint import Checkpoint, decode, encode, read, write
from rnn_jax.errors import InputError

RNG = np.random.default_rng(0)
MADE = Checkpoint(
    {"state/params/V": RNG.normal(size=(3, 4)).astype(np.float32), "state/step": np.array(7, np.int32)},
    {"vocabulary": ["\n", "a", "ß", "語"], "best": None, "rate": 0.1},
)
WHOLE = encode(MADE)


def test_what_is_read_is_what_was_written(tmp_path):
    write(tmp_path / "a.safetensors", MADE)
    found = read(tmp_path / "a.safetensors")
    assert encode(MADE) == WHOLE
    assert found.meta == MADE.meta
    assert {k: v.dtype for k, v in found.arrays.items()} == {k: v.dtype for k, v in MADE.arrays.items()}
    for name, value in MADE.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], value)


def damaged(kind, rng):
    """The file with something wrong, never the file itself."""
    data = bytearray(WHOLE)
    if kind == "a bit":
        place = rng.integers(len(data))
        data[place] ^= 1 << int(rng.integers(8))
    elif kind == "cut off":
        del data[int(rng.integers(len(data))) :]
    elif kind == "longer":
        data += rng.bytes(int(rng.integers(1, 20)))
    elif kind == "a huge header":
        data[:8] = int(rng.integers(len(data), 2**62)).to_bytes(8, "little")
    else:
        start = int(rng.integers(len(data) - 8))
        data[start : start + 8] = rng.bytes(8)
    return bytes(data)


@pytest.mark.parametrize("kind", ["a bit", "cut off", "longer", "a huge header", "noise"])
def test_damaged_files_are_refused(kind):
    rng = np.random.default_rng(1)
    for _ in range(400 if kind == "a bit" else 60):
        data = damaged(kind, rng)
        if data == WHOLE:
            continue
        with pytest.raises(InputError) as told:
            decode(data, "it")
        assert "\n" not in str(told.value)


FOREIGN = {
    "nothing": (b"", "no checkpoint"),
    "text": (b"to be or not to be, that is the question", "no checkpoint"),
    "another's": (save({"w": np.zeros(3)}), "no checkpoint of rnn_jax"),
    "a newer one's": (
        save({"w": np.zeros(3)}, metadata={"rnn_jax checkpoint": '{"format": 99}'}),
        "format 99, which a newer rnn_jax has written",
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files_are_refused(name):
    data, words = FOREIGN[name]
    with pytest.raises(InputError, match=words):
        decode(data, "it")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read(tmp_path / "a.safetensors")
