"""Statements that are missing: in a loop before what shows it, of a part of an array, of what was computed at once."""

import numpy as np
from small_programs import of_damages, of_right_programs

from rnn_jax.verify.of_file import Expressions
from rnn_jax.verify.repair.in_parts import stretches
from rnn_jax.verify.repair.right_values import in_slices, moved, with_shares
from rnn_jax.verify.repair.worded import product

# An encoder that a decoder looks back at: what goes back to the encoder is added up over all steps of the decoder.
LOOKING_BACK = """import numpy as np

rng = np.random.RandomState(3)
B, S, T, D, H = 2, 4, 3, 3, 3
x, y = rng.randn(B, S, D), rng.randn(B, T, H)
p = {name: rng.randn(*shape) * 0.6 for name, shape in
     (("W", (D, H)), ("R", (H, H)), ("b", (H,)), ("Q", (H, S)), ("C", (H, H)), ("q", (S,)), ("c", (H,)))}


def encode(p):
    states = [np.zeros((B, H))]
    for i in range(S):
        states.append(np.tanh(x[:, i] @ p["W"] + states[i] @ p["R"] + p["b"]))
    return states, np.stack(states[1:], axis=1)


def decode(p, states, enc):
    s, steps = states[-1], []
    for t in range(T):
        e = s @ p["Q"] + p["q"]
        a = np.exp(e) / np.exp(e).sum(axis=1, keepdims=True)
        ctx = np.einsum("bs,bsh->bh", a, enc)
        new = np.tanh(ctx @ p["C"] + p["c"])
        steps.append((s, a, ctx, new))
        s = new
    return steps


def loss(p):
    states, enc = encode(p)
    steps = decode(p, states, enc)
    return 0.5 * sum(np.sum((new - y[:, t]) ** 2) for t, (_, _, _, new) in enumerate(steps))


def backward(p):
    states, enc = encode(p)
    steps = decode(p, states, enc)
    g = {name: np.zeros_like(value) for name, value in p.items()}
    denc, ds = np.zeros_like(enc), np.zeros((B, H))
    for t in reversed(range(T)):
        s, a, ctx, new = steps[t]
        dz = (ds + new - y[:, t]) * (1 - new**2)
        g["C"], g["c"] = g["C"] + ctx.T @ dz, g["c"] + dz.sum(axis=0)
        dctx = dz @ p["C"].T
        denc += a[:, :, None] * dctx[:, None, :]
        da = np.einsum("bh,bsh->bs", dctx, enc)
        de = a * (da - (a * da).sum(axis=1, keepdims=True))
        g["Q"], g["q"] = g["Q"] + s.T @ de, g["q"] + de.sum(axis=0)
        ds = de @ p["Q"].T
    denc[:, -1] += ds
    dh = np.zeros((B, H))
    for i in reversed(range(S)):
        dz = (dh + denc[:, i]) * (1 - states[i + 1] ** 2)
        g["W"] += x[:, i].T @ dz
        g["R"] += states[i].T @ dz
        g["b"] += dz.sum(axis=0)
        dh = dz @ p["R"].T
    return g
"""

# Robots that see where they are and turn: of their places and angles each goes another way back.
TURNING = """import numpy as np

rng = np.random.RandomState(1)
T, R, H = 4, 3, 4
DT = 0.4
start = rng.randn(3, R)
A, C = rng.randn(H, 4) * 0.5, rng.randn(2, H) * 0.5


def drive(A, C):
    pose, diary = start, []
    for _ in range(T):
        seen = np.vstack([pose[:2], np.cos(pose[2]), np.sin(pose[2])])
        memory = np.tanh(A @ seen)
        v, w = np.tanh(C @ memory)
        diary.append((pose, seen, memory, v, w))
        pose = pose + DT * np.vstack([v * seen[2], v * seen[3], w])
    return pose, diary


def loss(A, C):
    pose, _ = drive(A, C)
    return np.sum(pose[:2] ** 2) / R


def backward(A, C):
    end, diary = drive(A, C)
    gA, gC = np.zeros_like(A), np.zeros_like(C)
    dpose = np.zeros_like(end)
    dpose[:2] = 2 * end[:2] / R
    while diary:
        pose, seen, memory, v, w = diary.pop()
        cos, sin = seen[2:]
        before = dpose.copy()
        before[2] += DT * v * (dpose[1] * cos - dpose[0] * sin)
        du = np.array([DT * (dpose[0] * cos + dpose[1] * sin), DT * dpose[2]])
        du = du * (1 - np.array([v, w]) ** 2)
        gC += du @ memory.T
        dz = (C.T @ du) * (1 - memory**2)
        gA += dz @ seen.T
        dseen = A.T @ dz
        before[:2] += dseen[:2]
        before[2] += dseen[3] * cos - dseen[2] * sin
        dpose = before
    return gA, gC
"""

# Each step also sees the one before, all steps at once; the words are looked up by numbers, some of them twice.
BOTH_STEPS = """import numpy as np

rng = np.random.RandomState(4)
B, T, V, D, H = 2, 5, 6, 3, 4
words = rng.randint(V, size=(B, T))
y = rng.randn(B, H)
emb, K0, K1 = rng.randn(V, D), rng.randn(D, H) * 0.6, rng.randn(D, H) * 0.6


def forward(emb, K0, K1):
    x = emb[words]
    before = np.concatenate([np.zeros((B, 1, D)), x[:, :-1]], axis=1)
    z = np.tanh(before @ K0 + x @ K1)
    c, cells = np.zeros((B, H)), []
    for t in range(T):
        c = 0.7 * c + 0.3 * z[:, t]
        cells.append(c)
    return x, before, z, c


def loss(emb, K0, K1):
    return 0.5 * np.sum((forward(emb, K0, K1)[-1] - y) ** 2)


def backward(emb, K0, K1):
    x, before, z, c = forward(emb, K0, K1)
    da, dc = np.zeros((B, T, H)), c - y
    for t in reversed(range(T)):
        da[:, t] = 0.3 * dc * (1 - z[:, t] ** 2)
        dc = 0.7 * dc
    gK0 = np.tensordot(before, da, axes=([0, 1], [0, 1]))
    gK1 = np.tensordot(x, da, axes=([0, 1], [0, 1]))
    dx = da @ K1.T
    dx[:, :-1] += da[:, 1:] @ K0.T
    gemb = np.zeros_like(emb)
    np.add.at(gemb, words, dx)
    return gemb, gK0, gK1
"""

# A closure that goes through two sequences, number by number where one adds to a matrix of lists.
SPELLING = """import numpy as np

rng = np.random.RandomState(5)
V, D, H = 5, 2, 3
pairs = [(0, 3, 1), (2, 2, 4, 0)]
params = [rng.randn(V, D), rng.randn(H, D) * 0.7, rng.randn(H, H) * 0.6, rng.randn(V, H)]


def speller(floor):
    def run(params, word):
        E, W, R, U = params
        h, kept = np.zeros(H), []
        for s in word:
            new = np.tanh(W @ E[s] + R @ h)
            kept.append((h, new))
            h = new
        score = U @ h
        prob = np.exp(score) / np.exp(score).sum()
        return kept, prob

    def loss(params):
        return -sum(np.log((1 - floor) * run(params, word)[1][word[0]] + floor / V) for word in pairs)

    def grad(params):
        E, W, R, U = params
        grads = [np.zeros_like(each) for each in params]
        gE, gW, gR, gU = grads
        for word in pairs:
            kept, prob = run(params, word)
            dprob = np.zeros(V)
            dprob[word[0]] -= (1 - floor) / ((1 - floor) * prob[word[0]] + floor / V)
            dscore = prob * (dprob - dprob @ prob)
            gU += np.outer(dscore, kept[-1][1])
            dh = U.T @ dscore
            for (old, new), s in zip(kept[::-1], word[::-1]):
                da = dh * (1 - new**2)
                gW += np.outer(da, E[s])
                dx = W.T @ da
                gE[s] += dx
                for i in range(H):
                    for j in range(H):
                        gR[i, j] += da[i] * old[j]
                dh = R.T @ da
        return grads

    return loss, grad


loss, grad = speller(0.1)
"""

CALLS = {
    LOOKING_BACK: Expressions("p", "loss(p)", "backward(p)"),
    TURNING: Expressions("A, C", "loss(A, C)", "backward(A, C)"),
    BOTH_STEPS: Expressions("emb, K0, K1", "loss(emb, K0, K1)", "backward(emb, K0, K1)"),
    SPELLING: Expressions("params", "loss(params)", "grad(params)"),
}
LEFT_OUT = {
    "a sum in an earlier loop": (LOOKING_BACK, "        denc += a[:, :, None] * dctx[:, None, :]\n"),
    "a sum before a slope": (LOOKING_BACK, "        dz = (dh + denc[:, i]) * (1 - states[i + 1] ** 2)\n"),
    "two gradients of one statement": (
        LOOKING_BACK,
        '        g["Q"], g["q"] = g["Q"] + s.T @ de, g["q"] + de.sum(axis=0)\n',
    ),
    "the first rows": (TURNING, "        before[:2] += dseen[:2]\n"),
    "all steps but the last": (BOTH_STEPS, "    dx[:, :-1] += da[:, 1:] @ K0.T\n"),
    "rows by numbers of two axes": (BOTH_STEPS, "    np.add.at(gemb, words, dx)\n"),
    "an item of two numbers": (SPELLING, "gR[i, j] += da[i] * old[j]", "pass"),
    "a row in a closure": (SPELLING, "                gE[s] += dx\n"),
}

test_the_right_programs_are_right = of_right_programs(CALLS)
test_what_is_left_out_is_put_back = of_damages(CALLS, {n: (*each, "")[:3] for n, each in LEFT_OUT.items()})


def test_the_slices_of_what_was_computed_for_all_steps_at_once():
    value = np.arange(30.0).reshape(2, 5, 3)
    (steps,) = in_slices([[value]], [(2, 3)] * 5)
    assert [s.tolist() for s in steps] == [value[:, t].ravel().tolist() for t in range(5)]
    assert not list(in_slices([[value, value]], [(2, 3)] * 5))
    assert not list(in_slices([[value]], [(3, 3)] * 5))


def test_a_share_of_the_step_before_or_after():
    value = np.arange(6.0).reshape(2, 3)
    assert moved(value, 1, 1).tolist() == [[0, 0, 1], [0, 3, 4]]
    assert moved(value, 1, -1).tolist() == [[1, 2, 0], [4, 5, 0]]
    found = [made[0].tolist() for made in with_shares([[value]], [np.ones((2, 3))])]
    assert found[0] == (value + 1).tolist()
    assert (moved(value, 0, 1) + 1).tolist() in found
    assert not list(with_shares([[value]], [np.zeros((2, 3))]))


def test_one_over_something_is_no_product_that_begins_so():
    assert product(["a", "1 / p"], 1.0) == "a / p"
    assert product(["a", "1 / p * (1 - q)"], 1.0) == "a * (1 / p * (1 - q))"


def test_how_a_stretch_may_be_written():
    assert list(stretches(0, 2, 3, {})) == [":2", ":-1"]
    assert list(stretches(0, 2, 3, {2: "n"})) == [":n", ":-1"]
    assert list(stretches(1, 2, 3, {})) == ["1:", "-2:"]
    assert list(stretches(2, 1, 3, {})) == ["2", "-1"]
    assert list(stretches(1, 2, 4, {})) == ["1:3", "1:-1"]
