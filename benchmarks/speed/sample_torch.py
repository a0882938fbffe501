"""Characters drawn at a temperature of 1 with PyTorch: a step of its layer for each, in a Python loop."""

from __future__ import annotations

from typing import Any

import characters
import torch
from step_torch import model
from versus import Prepared


def prepare(case: dict[str, Any]) -> Prepared:
    """One stream of a character model, on one thread."""
    torch.set_num_threads(1)
    w = characters.work(case)
    layer, readout = model(w, "cpu")
    K = w.V.shape[1]
    rows = torch.eye(K)

    with torch.inference_mode():
        h, state = layer(rows[torch.tensor(w.x[:, 0].astype("int64"))])
        logits = readout(h[-1])

    def work(units: int) -> None:
        nonlocal state, logits
        with torch.inference_mode():
            for _ in range(units):
                index = torch.multinomial(torch.softmax(logits, -1), 1)
                h, state = layer(rows[index], state)
                logits = readout(h[0])

    return Prepared(float(torch.logsumexp(logits, -1)), work)
