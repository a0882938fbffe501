"""What the first call of a training step takes beyond a later one, in a process that has compiled nothing yet."""

from __future__ import annotations

import json
import sys
import time

import jax
from step_rnn_jax import prepare

from rnn_jax.cache import keep_compiled


def main() -> None:
    """Seconds of a case that is given as JSON; what is compiled is kept where $JAX_COMPILATION_CACHE_DIR says."""
    keep_compiled()
    prepared = prepare(json.loads(sys.argv[1]))
    jax.block_until_ready(jax.numpy.zeros(1) + 1)  # what JAX itself begins with
    spent = []
    for _ in range(2):
        start = time.perf_counter()
        prepared.work(1)
        spent.append(time.perf_counter() - start)
    print(spent[0] - spent[1])


if __name__ == "__main__":
    main()
