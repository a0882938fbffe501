"""The alphabet as `rnn-jax train alphabet` trains it: the same flags, thousands of updates in one compiled call."""

from __future__ import annotations

from typing import Any

from versus import Prepared

from rnn_jax import cli_train

cli_train.prepare(small=True)

import jax  # noqa: E402  (XLA reads its flags when it is first used)

from rnn_jax import begin, planner, train  # noqa: E402


def prepare(case: dict[str, Any]) -> Prepared:
    """Updates of the founding problem."""
    run, material = begin.of_problem("alphabet", begin.Recipe(10**9, optimizer="sgd", rate=0.01))
    how = planner.of(run.plan, run.B).execution
    state, losses = train.advance(run.plan, material.data, run.state, case["updates"] + 1, how)
    first, later = float(losses[0]), float(losses[-1])
    size = train.chunk(run.plan, run.B)

    def work(units: int) -> None:
        nonlocal state
        for _ in range(units):
            state, _ = train.advance(run.plan, material.data, state, size, how)
        jax.block_until_ready(state)

    return Prepared(first, work, size, later)
