# The adding problem with independently recurrent units.
# (S. Li et al., "Independently Recurrent Neural Network (IndRNN): Building a longer and deeper RNN", CVPR 2018)
#
# Every unit sees only its own past (u * h), units mix between the layers.  Residual blocks, ReLU.
# X: batch, time, 2 (number, marker)      y: batch
from typing import List, NamedTuple, Tuple

import numpy as np

Array = np.ndarray


class Block(NamedTuple):
    A: Array      # d x n, into the recurrent units
    u: Array      # n, each unit's weight on itself
    b: Array      # n
    B: Array      # n x d, back to the stream


class Net(NamedTuple):
    embed: Array  # 2 x d
    blocks: List[Block]
    read: Array   # d
    bias: Array   # ()


def init(d: int, n: int, depth: int, T: int, seed: int) -> Net:
    rng = np.random.default_rng(seed)
    blocks = []
    for _ in range(depth):
        blocks.append(Block(
            A=rng.normal(0, 1 / np.sqrt(d), (d, n)),
            u=rng.uniform(0.5, 2 ** (1 / T), n),
            b=rng.uniform(0, 0.5, n),
            B=rng.normal(0, 1 / np.sqrt(n), (n, d)),
        ))
    return Net(rng.normal(0, 1, (2, d)), blocks, rng.normal(0, 1 / np.sqrt(d), d), np.array(rng.normal()))


def block_forward(blk: Block, s: Array) -> Tuple[Array, tuple]:
    drive = s @ blk.A + blk.b
    h = np.zeros_like(drive[:, 0])
    H = np.empty_like(drive)
    for t in range(s.shape[1]):
        h = np.maximum(drive[:, t] + blk.u * h, 0)
        H[:, t] = h
    return s + H @ blk.B, (s, H)


def block_backward(blk: Block, dout: Array, saved: tuple) -> Tuple[Array, Block]:
    s, H = saved
    dH = dout @ blk.B.T
    dB = np.tensordot(H, dout, axes=[(0, 1), (0, 1)])
    ddrive = np.empty_like(H)
    carry = np.zeros_like(H[:, 0])
    for t in range(H.shape[1] - 1, -1, -1):
        ddrive[:, t] = (dH[:, t] + carry) * (H[:, t] > 0)
        carry = ddrive[:, t] * blk.u
    du = (ddrive[:, 1:] * H[:, :-1]).sum((0, 1))
    dA = np.tensordot(s, ddrive, axes=[(0, 1), (0, 1)])
    ds = dout + ddrive @ blk.A.T
    return ds, Block(dA, du, ddrive.sum((0, 1)), dB)


def predict(net: Net, X: Array) -> Tuple[Array, list]:
    s, tape = X @ net.embed, []
    for blk in net.blocks:
        s, saved = block_forward(blk, s)
        tape.append(saved)
    return s[:, -1] @ net.read + net.bias, [s[:, -1]] + tape


def mse(net: Net, X: Array, y: Array) -> float:
    guess, _ = predict(net, X)
    return np.mean(np.square(guess - y))


def mse_grad(net: Net, X: Array, y: Array) -> Net:
    guess, (last, *tape) = predict(net, X)
    dguess = 2 * (guess - y) / len(y)
    ds = np.zeros(X.shape[:2] + net.read.shape)
    ds[:, -1] = np.outer(dguess, net.read)
    dblocks = []
    for blk, saved in zip(net.blocks[::-1], tape[::-1]):
        ds, dblk = block_backward(blk, ds, saved)
        dblocks.insert(0, dblk)
    dembed = np.tensordot(X, ds, axes=[(0, 1), (0, 1)])
    return Net(dembed, dblocks, dguess @ last, dguess.sum())


def adding(batch: int, T: int, seed: int) -> Tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = np.stack([rng.uniform(size=(batch, T)), np.zeros((batch, T))], axis=2)
    for row in X:
        row[rng.choice(T, size=2, replace=False), 1] = 1
    return X, np.sum(X[..., 0] * X[..., 1], axis=1)


net = init(d=4, n=5, depth=2, T=7, seed=21)
X, y = adding(3, 7, seed=22)
