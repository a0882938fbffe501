"""Word-level language model: two LSTM layers, variational dropout, output embedding tied to the input.

cost(theta, ...) -> (loss, gradient) of one flat vector, ready for scipy.optimize or a home-made Adam.
Gradients are accumulated in place through views into one flat buffer.
"""
import numpy as np

PAD = 0
LAYERS = 2


def layout(V, H):
    shapes = {"E": (V, H), "bias": (V,)}
    for l in range(LAYERS):
        shapes[f"Wx{l}"] = (H, 4 * H)
        shapes[f"Wh{l}"] = (H, 4 * H)
        shapes[f"b{l}"] = (4 * H,)
    return shapes


def views(flat, V, H):
    out, at = {}, 0
    for name, shape in layout(V, H).items():
        n = int(np.prod(shape))
        out[name] = flat[at:at + n].reshape(shape)
        at += n
    return out


def sigm(a):
    return 1.0 / (1.0 + np.exp(-a))


def cost(theta, text, V, H, drop):
    """text: (B, T + 1) word numbers, padded with PAD; drop: (LAYERS + 1, B, H) masks, already scaled."""
    p = views(theta, V, H)
    grad = np.zeros_like(theta)
    g = views(grad, V, H)
    inputs, targets = text[:, :-1], text[:, 1:]
    B, T = inputs.shape
    weight = (targets != PAD).astype(float)
    weight /= weight.sum()

    # ---- forward
    h = [np.zeros((B, H)) for _ in range(LAYERS)]
    c = [np.zeros((B, H)) for _ in range(LAYERS)]
    tape = []
    loss = 0.0
    for t in range(T):
        below = p["E"][inputs[:, t]] * drop[0]
        for l in range(LAYERS):
            a = below @ p[f"Wx{l}"] + h[l] @ p[f"Wh{l}"] + p[f"b{l}"]
            i, f, o, u = np.split(a, 4, axis=1)
            i, f, o, u = sigm(i), sigm(f), sigm(o), np.tanh(u)
            c_new = f * c[l] + i * u
            h_new = o * np.tanh(c_new)
            tape.append((below, h[l], c[l], i, f, o, u, c_new))
            h[l], c[l] = h_new, c_new
            below = h_new * drop[l + 1]
        logits = below @ p["E"].T + p["bias"]
        logits -= logits.max(axis=1, keepdims=True)
        logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        loss -= (weight[:, t] * logp[np.arange(B), targets[:, t]]).sum()
        tape.append((below, logp))

    # ---- backward
    dh = [np.zeros((B, H)) for _ in range(LAYERS)]
    dc = [np.zeros((B, H)) for _ in range(LAYERS)]
    for t in reversed(range(T)):
        top, logp = tape.pop()
        dlogits = np.exp(logp)
        dlogits[np.arange(B), targets[:, t]] -= 1.0
        dlogits *= weight[:, t:t + 1]
        g["E"] += dlogits.T @ top
        g["bias"] += dlogits.sum(axis=0)
        dbelow = dlogits @ p["E"]
        for l in reversed(range(LAYERS)):
            below, h_old, c_old, i, f, o, u, c_new = tape.pop()
            dhl = dh[l] + dbelow * drop[l + 1]
            tc = np.tanh(c_new)
            dcl = dc[l] + dhl * o * (1 - tc ** 2)
            da = np.hstack([dcl * u * i * (1 - i), dcl * c_old * f * (1 - f), dhl * tc * o * (1 - o), dcl * i * (1 - u ** 2)])
            g[f"Wx{l}"] += below.T @ da
            g[f"Wh{l}"] += h_old.T @ da
            g[f"b{l}"] += da.sum(axis=0)
            dh[l] = da @ p[f"Wh{l}"].T
            dc[l] = dcl * f
            dbelow = da @ p[f"Wx{l}"].T
        np.add.at(g["E"], inputs[:, t], dbelow * drop[0])
    return loss, grad


def fresh(V, H, seed):
    n = sum(int(np.prod(s)) for s in layout(V, H).values())
    return np.random.default_rng(seed).normal(0, 0.45, n)


def dropout_masks(B, H, keep, seed):
    return (np.random.default_rng(seed).random((LAYERS + 1, B, H)) < keep) / keep


V, H = 7, 4
text = np.array([[3, 1, 4, 1, 5, 2], [2, 6, 5, 3, 0, 0], [1, 6, 1, 0, 0, 0]])
theta = fresh(V, H, seed=12)
drop = dropout_masks(len(text), H, 0.75, seed=13)
