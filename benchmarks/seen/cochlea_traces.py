# A bank of damped oscillators (a linear recurrent unit, if you like), learned with local traces.
#
#   decay r = exp(-exp(nu)), turn by w:     s <- r * rot(w) s + B x
#   y = tanh(C s + d)
#
# s, the traces, B and C carry a last axis of two (cosine and sine part): no complex numbers, because
# the same code has to run on the fixed-point board.
# The oscillators do not talk to each other, so the traces ds/dnu, ds/dw, ds/dB are as small as the
# parameters themselves and the exact gradient is available online, without going back in time.
import numpy as np


def bank(n_osc, n_mics, n_out, seed):
    g = np.random.default_rng(seed)
    return {
        "nu": np.log(g.uniform(0.1, 0.7, n_osc)),
        "w": g.uniform(0.2, 2.5, n_osc),
        "B": g.normal(size=(n_osc, n_mics, 2)) / np.sqrt(2 * n_mics),
        "C": g.normal(size=(n_out, n_osc, 2)) / np.sqrt(n_osc),
        "d": g.normal(size=n_out) * 0.1,
    }


def turn(bank, s):
    """Decay and rotate; s is (oscillators, ..., 2)."""
    r = np.exp(-np.exp(bank["nu"]))
    shape = (-1,) + (1,) * (s.ndim - 2)
    p, q = (r * np.cos(bank["w"])).reshape(shape), (r * np.sin(bank["w"])).reshape(shape)
    return np.stack([p * s[..., 0] - q * s[..., 1], q * s[..., 0] + p * s[..., 1]], axis=-1)


def quarter(s):
    """A quarter turn, what 1j * s would be."""
    return np.stack([-s[..., 1], s[..., 0]], axis=-1)


def drive(bank, x):
    return np.einsum("omk,m->ok", bank["B"], x)


def output(bank, s):
    return np.tanh(np.einsum("yok,ok->y", bank["C"], s) + bank["d"])


def total_cost(bank, sound, wanted, discount):
    s = np.zeros((len(bank["nu"]), 2))
    cost = 0.0
    for t, (x, want) in enumerate(zip(sound, wanted)):
        s = turn(bank, s) + drive(bank, x)
        cost += discount ** t * np.sum((output(bank, s) - want) ** 2)
    return cost


def learn_online(bank, sound, wanted, discount):
    grad = {k: np.zeros_like(v) for k, v in bank.items()}
    n_osc, n_mics, _ = bank["B"].shape
    s = np.zeros((n_osc, 2))
    trace_nu, trace_w = np.zeros_like(s), np.zeros_like(s)
    trace_B = np.zeros((n_osc, n_mics, 2))          # for the cosine part; the other is a quarter turn ahead
    weight = 1.0
    for x, want in zip(sound, wanted):
        turned = turn(bank, s)
        trace_nu = turn(bank, trace_nu) - np.exp(bank["nu"])[:, None] * turned
        trace_w = turn(bank, trace_w) + quarter(turned)
        trace_B = turn(bank, trace_B)
        trace_B[..., 0] += x
        s = turned + drive(bank, x)

        y = output(bank, s)
        err = weight * 2 * (y - want) * (1 - y ** 2)
        signal = np.einsum("y,yok->ok", err, bank["C"])
        grad["nu"] += np.sum(signal * trace_nu, axis=1)
        grad["w"] += np.sum(signal * trace_w, axis=1)
        grad["B"][..., 0] += np.einsum("ok,omk->om", signal, trace_B)
        grad["B"][..., 1] += np.einsum("ok,omk->om", signal, quarter(trace_B))
        grad["C"] += np.multiply.outer(err, s)
        grad["d"] += err
        weight *= discount
    return grad


def chirps(n, n_mics, n_out, seed):
    g = np.random.default_rng(seed)
    t = np.arange(n)[:, None]
    sound = np.cos(0.3 * t * (1 + 0.1 * t) + g.uniform(0, 6, n_mics)) + 0.2 * g.normal(size=(n, n_mics))
    return sound, np.sin(0.5 * t + g.uniform(0, 6, n_out))


cochlea = bank(n_osc=5, n_mics=2, n_out=1, seed=1863)
sound, wanted = chirps(7, 2, 1, seed=1961)
