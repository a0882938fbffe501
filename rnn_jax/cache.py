"""Where the command line tools keep what XLA compiled, so that the next run need not compile it again."""

import os
import warnings
from pathlib import Path

from rnn_jax.interrupts import ending_at_once


def folder() -> Path:
    """$JAX_COMPILATION_CACHE_DIR where it is set, else rnn_jax in the user's folder for caches."""
    told = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    if told:
        return Path(told)
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    return Path(base) / "rnn_jax"


def keep_compiled() -> None:
    """Turn JAX's compilation cache on for this process; without a folder to write to, go on without it.

    At its default thresholds JAX stores nothing that takes less than a second, which here is everything. Where an entry
    cannot be written or read, on a full disk or after one, what it holds is compiled, and there is nothing to be told.
    """
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache entry")
    try:
        folder().mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return
    if not os.access(folder(), os.W_OK):
        return
    with ending_at_once():
        import jax

    for name, value in {
        "jax_compilation_cache_dir": str(folder()),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }.items():
        jax.config.update(name, value)  # type: ignore[no-untyped-call]
