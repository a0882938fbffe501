"""Letters to spectrogram frames.  LSTM decoder with the soft window of Graves (2013): a mixture of Gaussians slides
along the text and can only move forward.

Absolute plus squared error of the frames, logistic loss of the stop flag.  One utterance, plain vectors.
"""
import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def window(params, h, kappa_prev, text):
    K = len(kappa_prev)
    z = params["Ww"] @ h + params["bw"]
    weight, sharp = np.exp(z[:K]), np.exp(z[K:2 * K])
    move = np.logaddexp(0, z[2 * K:])
    kappa = kappa_prev + move
    dist = kappa[:, None] - np.arange(len(text))
    bells = weight[:, None] * np.exp(-sharp[:, None] * dist ** 2)
    phi = bells.sum(axis=0)
    return phi @ text, kappa, (h, sharp, z[2 * K:], dist, bells, phi)


def window_backward(params, grads, text, cache, dctx, dkappa):
    """dkappa: what comes from the window one frame later. Returns dh, dkappa of the frame before, dtext"""
    h, sharp, raw, dist, bells, phi = cache
    dtext = np.outer(phi, dctx)
    dbells = (text @ dctx) * bells          # times the bell, as every derivative of it has that factor
    dweight = dbells.sum(axis=1)
    dsharp = -(dbells * dist ** 2).sum(axis=1) * sharp
    dkappa = dkappa - 2 * sharp * (dbells * dist).sum(axis=1)
    dz = np.concatenate([dweight, dsharp, dkappa * sigmoid(raw)])
    grads["Ww"] += np.outer(dz, h)
    grads["bw"] += dz
    return params["Ww"].T @ dz, dkappa, dtext


def synthesise(params, letters, frames):
    text = params["letters"][letters]
    H = len(params["bh"]) // 4
    h, c = np.zeros(H), np.zeros(H)
    ctx, kappa = text[0], np.zeros(len(params["bw"]) // 3)
    last = np.zeros(frames.shape[1])
    trace = []
    for frame in frames:
        inp = np.concatenate([last, ctx, h])
        a = params["Wh"] @ inp + params["bh"]
        i, f, o, u = sigmoid(a[:H]), sigmoid(a[H:2 * H]), sigmoid(a[2 * H:3 * H]), np.tanh(a[3 * H:])
        c_old, c = c, f * c + i * u
        h = o * np.tanh(c)
        ctx, kappa, cache = window(params, h, kappa, text)
        top = np.concatenate([h, ctx])
        out = params["Wo"] @ top + params["bo"]
        trace.append((inp, i, f, o, u, c_old, c, cache, top, out))
        last = frame  # teacher forcing
    return text, trace


def cost(params, letters, frames):
    _, trace = synthesise(params, letters, frames)
    total = 0.0
    for t, step in enumerate(trace):
        out = step[-1]
        err = out[:-1] - frames[t]
        stop = 1.0 if t == len(frames) - 1 else 0.0
        total += np.mean(np.abs(err) + err ** 2) + np.logaddexp(0, out[-1]) - stop * out[-1]
    return total / len(frames)


def cost_grads(params, letters, frames):
    text, trace = synthesise(params, letters, frames)
    T, M = frames.shape
    H, E = len(params["bh"]) // 4, text.shape[1]
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dtext = np.zeros_like(text)
    dh, dc = np.zeros(H), np.zeros(H)
    dctx, dkappa = np.zeros(E), np.zeros(len(params["bw"]) // 3)
    for t in range(T - 1, -1, -1):
        inp, i, f, o, u, c_old, c, cache, top, out = trace[t]
        err = out[:-1] - frames[t]
        dout = np.empty(M + 1)
        dout[:-1] = (np.sign(err) + 2 * err) / M / T
        dout[-1] = (sigmoid(out[-1]) - (t == T - 1)) / T
        grads["Wo"] += np.outer(dout, top)
        grads["bo"] += dout
        dtop = params["Wo"].T @ dout
        dh_window, dkappa, dtext_t = window_backward(params, grads, text, cache, dctx + dtop[H:], dkappa)
        dtext += dtext_t
        dh = dh + dtop[:H] + dh_window
        tc = np.tanh(c)
        dc = dc + dh * o * (1 - tc ** 2)
        da = np.concatenate([dc * u * i * (1 - i), dc * c_old * f * (1 - f), dh * tc * o * (1 - o), dc * i * (1 - u ** 2)])
        grads["Wh"] += np.outer(da, inp)
        grads["bh"] += da
        dinp = params["Wh"].T @ da
        dctx, dh = dinp[M:M + E], dinp[M + E:]
        dc = dc * f
    dtext[0] += dctx  # the first context is the first letter
    np.add.at(grads["letters"], letters, dtext)
    return grads


def voice(alphabet, E, H, K, M, seed):
    rng = np.random.default_rng(seed)
    return {
        "letters": rng.normal(0, 0.8, (alphabet, E)),
        "Wh": rng.normal(0, 0.4, (4 * H, M + E + H)), "bh": rng.normal(0, 0.2, 4 * H),
        "Ww": rng.normal(0, 0.4, (3 * K, H)), "bw": np.repeat([-0.3, -0.8, -0.5], K),
        "Wo": rng.normal(0, 0.5, (M + 1, H + E)), "bo": rng.normal(0, 0.2, M + 1),
    }


def utterance(alphabet, length, T, M, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, alphabet, length), rng.normal(size=(T, M))


params = voice(6, 3, 4, 2, 3, seed=571)
letters, frames = utterance(6, 4, 6, 3, seed=572)
