"""PyTorch: nn.RNN, nn.LSTM or nn.GRU on one-hot input, nn.Linear, Adam fused; one bias, as everywhere here.

On a GPU, where the case says so, its layers are cuDNN's.
"""

from __future__ import annotations

from typing import Any

import characters
import numpy as np
import torch
from torch import nn
from versus import THREADS, Prepared


def model(w: characters.Work, device: str) -> tuple[nn.Module, nn.Linear]:
    """The recurrent layer and the readout."""
    K, H = w.V.shape[1], len(w.W)
    layer = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[w.cell](K, H, device=device)
    readout = nn.Linear(H, K, device=device)
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.tensor(w.U.T))
        layer.weight_hh_l0.copy_(torch.tensor(w.W.T))
        layer.bias_ih_l0.copy_(torch.tensor(w.b))
        layer.bias_hh_l0.zero_()
        readout.weight.copy_(torch.tensor(w.V.T))
        readout.bias.copy_(torch.tensor(w.c))
    return layer, readout


def prepare(case: dict[str, Any]) -> Prepared:
    """Updates of a character model."""
    torch.set_num_threads(THREADS)
    device, rounded = case.get("device", "cpu"), case.get("tf32", False)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = rounded
    w = characters.work(case)
    layer, readout = model(w, device)
    K = w.V.shape[1]
    layer.bias_hh_l0.requires_grad_(w.cell == "gru")
    x, y = (torch.tensor(a.astype(np.int64), device=device) for a in (w.x, w.y))
    optimizer = torch.optim.Adam([*layer.parameters(), *readout.parameters()], lr=characters.RATE, fused=True)

    def loss() -> torch.Tensor:
        h, _ = layer(nn.functional.one_hot(x, K).float())
        return nn.functional.cross_entropy(readout(h).flatten(0, 1), y.flatten())

    def work(units: int) -> None:
        for _ in range(units):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
        if device != "cpu":
            torch.cuda.synchronize()

    with torch.no_grad():
        first = float(loss())
    return Prepared(first, work)
