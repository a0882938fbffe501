"""What is kept for the backward and not filled: lists, of several gone through at once; an array's first item."""

import ast

import pytest
from small_programs import of_damages, of_right_programs

from rnn_jax.verify.of_file import Expressions
from rnn_jax.verify.repair.never_filled import taken

ZIPPED = """import numpy as np

rng = np.random.RandomState(13)
xs, ys = rng.randn(5, 2), rng.randn(5)
W, v = rng.randn(3, 6) * 0.5, rng.randn(3)


def run(W):
    seen, states, h = [], [], np.zeros(3)
    for x in xs:
        z = np.concatenate([[1.0], x, h])
        h = np.tanh(W @ z)
        seen.append(z)
        states.append(h)
    return seen, states


def loss(W, v):
    return 0.5 * sum((v @ h - y) ** 2 for h, y in zip(run(W)[1], ys))


def gradient(W, v):
    seen, states = run(W)
    dW, dv, later = np.zeros_like(W), np.zeros_like(v), np.zeros(3)
    for z, h, y in zip(seen[::-1], states[::-1], ys[::-1]):
        miss = v @ h - y
        dv += miss * h
        da = (later + miss * v) * (1 - h**2)
        dW += np.outer(da, z)
        later = W[:, 3:].T @ da
    return dW, dv
"""
CALLS = {ZIPPED: Expressions("W, v", "loss(W, v)", "gradient(W, v)")}

test_the_right_programs_are_right = of_right_programs(CALLS)
test_what_is_left_out_is_put_back = of_damages(CALLS, {"what is kept": (ZIPPED, "        seen.append(z)\n", "")})


@pytest.mark.parametrize(
    ("loop", "pairs"),
    [
        ("for z, h in zip(zs[::-1], reversed(hs)): pass", [("zs[::-1]", "z"), ("hs", "h")]),
        ("for t, (z, h) in enumerate(zip(zs, hs)): pass", [("zs", "z"), ("hs", "h")]),
        ("for t, cache in enumerate(kept): pass", [("kept", "cache")]),
        ("for z, h in reversed(kept): pass", [("kept", "(z, h)")]),
        ("for pair in zip(zs, hs): pass", [("zip(zs, hs)", "pair")]),
    ],
)
def test_what_a_loop_takes_and_from_where(loop, pairs):
    (node,) = ast.parse(loop).body
    assert [tuple(map(ast.unparse, pair)) for pair in taken(node.iter, node.target)] == pairs


# What the state is before the first step stands in an array that the loop fills from its second item on.
EMPTY = """import numpy as np

rng = np.random.RandomState(14)
xs, goal, start = rng.randn(5, 3), rng.randn(3), rng.randn(3)
W = rng.randn(3, 3) * 0.6


def loss(W, start):
    h = np.tanh(start)
    for x in xs:
        h = np.tanh(W @ h + x)
    return 0.5 * np.sum((h - goal) ** 2)


def gradient(W, start):
    path, first = np.zeros((len(xs) + 1, 3)), np.tanh(start)
    path[0] = first
    for t in range(len(xs)):
        path[t + 1] = np.tanh(W @ path[t] + xs[t])
    dW, dh = np.zeros_like(W), path[-1] - goal
    for t in range(len(xs) - 1, -1, -1):
        da = dh * (1 - path[t + 1] ** 2)
        dW += np.outer(da, path[t])
        dh = W.T @ da
    return dW, dh * (1 - first**2)
"""
FIRST = {EMPTY: Expressions("W, start", "loss(W, start)", "gradient(W, start)")}
test_the_right_program_is_right = of_right_programs(FIRST)
test_the_first_item_is_put_back = of_damages(FIRST, {"the first state": (EMPTY, "    path[0] = first\n", "")})
