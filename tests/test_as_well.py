"""Places at which a mistake would be mended as well; calls of what nothing calls; parts that arrays of numbers say."""

import ast

import numpy as np
import pytest
from small_programs import damaged, line_of, of_damages, of_right_programs, report_of

from rnn_jax.verify.of_file import Expressions, FileSubject
from rnn_jax.verify.program import Program
from rnn_jax.verify.repair import suspects
from rnn_jax.verify.repair.as_well import Change, kept, made_up, ratio
from rnn_jax.verify.repair.harvest import Values
from rnn_jax.verify.repair.in_parts import by_numbers
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.siblings import under_made_keys
from rnn_jax.verify.repair.vocabulary import at_names, beside_counters

# Two directions with parameters under keys that are put together; a tag at each step but the first.
BOTH_WAYS = """import numpy as np

rng = np.random.RandomState(2)
T, D, H, K = 5, 2, 3, 4
x, tags = rng.randn(T, D), rng.randint(K, size=T - 1)
p = {name + k: rng.randn(*s) * 0.6 for name in "fb" for k, s in (("W", (H, D)), ("U", (H, H)), ("b", (H,)))}
p["V"] = rng.randn(2 * H, K)


class Way:
    def __init__(self, prefix, backwards):
        self.prefix, self.backwards = prefix, backwards

    def run(self, p, x):
        W, U, b = (p[self.prefix + k] for k in ("W", "U", "b"))
        h, prev = np.zeros((len(x), H)), np.zeros(H)
        for k in range(len(x) - 1, -1, -1) if self.backwards else range(len(x)):
            h[k] = prev = np.tanh(W @ x[k] + U @ prev + b)
        return h

    def back(self, p, g, x, h, dh):
        W, U = p[self.prefix + "W"], p[self.prefix + "U"]
        dx, carried = np.zeros_like(x), np.zeros(H)
        for k in range(len(x)) if self.backwards else range(len(x) - 1, -1, -1):
            before = k + 1 if self.backwards else k - 1
            da = (dh[k] + carried) * (1 - h[k] ** 2)
            g[self.prefix + "W"] += np.outer(da, x[k])
            g[self.prefix + "b"] += da
            if 0 <= before < len(x):
                g[self.prefix + "U"] += np.outer(da, h[before])
            dx[k] = W.T @ da
            carried = U.T @ da
        return dx


ways = [Way("f", False), Way("b", True)]


def forward(p):
    hs = [way.run(p, x) for way in ways]
    s = np.hstack(hs) @ p["V"]
    return hs, s - np.log(np.exp(s).sum(axis=1, keepdims=True))


def loss(p):
    return -sum(forward(p)[1][k, tag] for k, tag in enumerate(tags, 1)) / len(tags)


def backward(p):
    hs, logp = forward(p)
    g = {name: np.zeros_like(value) for name, value in p.items()}
    ds = np.zeros((T, K))
    ds[1:] = np.exp(logp[1:])
    ds[np.arange(1, len(tags) + 1), tags] -= 1
    ds /= len(tags)
    g["V"] += np.hstack(hs).T @ ds
    dx = np.zeros_like(x)
    for way, h, dh in zip(ways, hs, np.hsplit(ds @ p["V"].T, 2)):
        dx += way.back(p, g, x, h, dh)
    return g
"""

# What sticks out of a string is seen at some places alone.
STRING = """import numpy as np

rng = np.random.RandomState(8)
T, N = 5, 6
ears, heard = np.array([1, 4]), rng.randn(T, 2)
stiff, blow = rng.randn(N) * 0.4, rng.randn(T)


def swing(stiff, blow):
    u = np.zeros((T + 1, N))
    for t in range(T):
        u[t + 1] = np.tanh(stiff * u[t] + 0.5 * np.roll(u[t], 1))
        u[t + 1, 2] += blow[t]
    return u


def loss(stiff, blow):
    return 0.5 * np.sum((swing(stiff, blow)[1:, ears] - heard) ** 2)


def backward(stiff, blow):
    u = swing(stiff, blow)
    residual = u[1:, ears] - heard
    gs, gb, later = np.zeros(N), np.zeros(T), np.zeros(N)
    for t in reversed(range(T)):
        lam = 1.0 * later
        lam[ears] += residual[t]
        gb[t] = lam[2]
        before = stiff * u[t] + 0.5 * np.roll(u[t], 1)
        da = lam * (1 - np.tanh(before) ** 2)
        gs += da * u[t]
        later = stiff * da + 0.5 * np.roll(da, -1)
    return gs, gb
"""

CALLS = {
    BOTH_WAYS: Expressions("p", "loss(p)", "backward(p)"),
    STRING: Expressions("stiff, blow", "loss(stiff, blow)", "backward(stiff, blow)"),
}
LEFT_OUT = {
    "what labels take off": (BOTH_WAYS, "    ds[np.arange(1, len(tags) + 1), tags] -= 1\n", ""),
    "a sum under a key put together": (BOTH_WAYS, 'g[self.prefix + "U"] += np.outer(da, h[before])', "pass"),
    "a method that nothing calls": (BOTH_WAYS, "dx += way.back(p, g, x, h, dh)", "pass"),
    "where numbers say": (STRING, "        lam[ears] += residual[t]\n", ""),
}

test_the_right_programs_are_right = of_right_programs(CALLS)
test_what_is_left_out_is_put_back = of_damages(CALLS, LEFT_OUT)

AS_WELL = {  # what is damaged, how, and the other line at which right values mend all
    "behind": ("dh = V @ do[t] + carry", "dh = V @ do[t] + 3 * carry", "da = dh * (1 - h[t] ** 2)"),
    "before": ("da = dh * (1 - h[t] ** 2)", "da = 3 * dh * (1 - h[t] ** 2)", "dh = V @ do[t] + carry"),
}


@pytest.mark.parametrize("name", AS_WELL)
def test_the_line_that_would_mend_it_as_well_is_named_too(tmp_path, monkeypatch, name):
    old, new, other = AS_WELL[name]
    right, wrong, call = damaged("rows", (old, new))
    path = tmp_path / "mine.py"
    path.write_text(wrong)
    (finding,) = report_of(path, call).findings
    assert [suspect.line for suspect in finding.suspects] == [line_of(right, old), line_of(right, other)]
    monkeypatch.setattr(suspects, "as_well", lambda *_: [])
    (alone,) = report_of(path, call).findings
    assert [suspect.line for suspect in alone.suspects] == [line_of(right, old)]


# What the first layer gave is kept for the gradient of its weights, the whole of it under other names.
KEEPING = """import numpy as np

rng = np.random.RandomState(9)
xs, goal = rng.randn(5, 3), rng.randn(4)
E, W = rng.randn(3, 4) * 0.6, rng.randn(4, 4) * 0.5


def run(E, W):
    h, kept = np.tanh(xs[0] @ E), []
    start, before = h, np.zeros(4)
    for _ in range(3):
        before = h
        h = np.tanh(before @ W)
        kept.append((before, h))
    return h, (start, kept)


def loss(E, W):
    return 0.5 * np.sum((run(E, W)[0] - goal) ** 2)


def gradient(E, W):
    h, (first, kept) = run(E, W)
    dW, dh = np.zeros_like(W), h - goal
    for old, new in reversed(kept):
        da = dh * (1 - new**2)
        dW += np.outer(old, da)
        dh = W @ da
    return np.outer(xs[0], dh * (1 - first**2)), dW
"""


def test_where_it_was_kept_is_named_too(tmp_path, monkeypatch):
    wrong = KEEPING.replace("return h, (start, kept)", "return h, (before, kept)")
    path, call = tmp_path / "mine.py", Expressions("E, W", "loss(E, W)", "gradient(E, W)")
    path.write_text(KEEPING)
    assert report_of(path, call).ok
    path.write_text(wrong)
    found: set[int] = set()

    def spied(search, *rest):
        for site, values in kept(search, *rest):
            found.add(search.live.node(site).lineno)
            yield site, values

    monkeypatch.setattr("rnn_jax.verify.repair.as_well.kept", spied)
    (finding,) = report_of(path, call).findings
    assert found == {line_of(wrong, "return h, (before, kept)")}
    assert found <= {suspect.line for suspect in finding.suspects}, finding


def test_what_makes_up_for_a_change():
    old, new, value = np.array([1.0, 2.0]), np.array([3.0, 6.0]), np.array([5.0, -1.0])
    change = Change(Site("", 0, ()), 0, [old], [new])
    assert ratio(change) == pytest.approx(3)
    assert [made[0].tolist() for made in made_up(change, [value], False)] == [[15, -3], [7, 3]]
    assert next(made_up(change, [value], True))[0].tolist() == [-5, 1]
    change = change._replace(after=[np.array([3.0, 2.0])])
    assert ratio(change) is None
    assert [made[0].tolist() for made in made_up(change, [value], False)] == [[15, -1], [7, -1]]
    assert not list(made_up(change, [np.ones(3)], False))  # of another shape only a number makes up


def test_keys_that_are_put_together():
    function = ast.parse("def f(p, g, n):\n    g[n + 'W'] += p[n + 'W'] * p[f'{n}b']\n    g['c'] += p[n + 1]")
    assert under_made_keys(function) == ["g[n + 'W']", "g[f'{n}b']"]
    assert under_made_keys(ast.parse("def f(p, n):\n    return p[n + 'W']")) == []


def test_steps_beside_a_counter_that_have_a_name(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(BOTH_WAYS)
    program = Program(path)
    program.load()
    live = LiveCode(FileSubject(program, CALLS[BOTH_WAYS]))
    assert beside_counters(live) == {"before": {"k"}}
    assert list(at_names("h[k]", {"before": {"k"}})) == ["h[before]"]
    assert not list(at_names("h[t]", {"before": {"k"}}))


def test_parts_that_an_array_of_numbers_says():
    def known(*values):
        return Values(("array", "i", values[0].shape), list(values))

    lacking = [np.zeros((4, 3), bool)]
    lacking[0][[1, 3]] = True
    stock = {
        "rows": known(np.array([3, 1])),
        "more": known(np.array([3, 1, 2, 0])),
        "twice": known(np.array([1, 1, 3])),
    }
    assert [part.texts for part in by_numbers(lacking, stock, "np")] == [["rows"]]
    lacking[0][:] = False
    lacking[0][[1, 2, 3], [2, 0, 2]] = True
    stock = {"tags": known(np.array([2, 0, 2])), "others": known(np.array([2, 1, 2]))}
    assert [part.texts for part in by_numbers(lacking, stock, "np")] == [["np.arange(1, len(tags) + 1), tags"]]
