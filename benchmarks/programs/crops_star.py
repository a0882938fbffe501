"""Which crop grows on a field? Stacked STAR cells on satellite passes (Turkoglu et al., 2021).

    z = tanh(Wz x + bz),   k = sigmoid(Wx x + Wh h + bk),   h' = tanh((1 - k) h + k z)

Weights live in one flat vector; passes with clouds leave a field's states as they are. Columns are fields.
"""
import numpy as np


def shapes(bands, hidden, layers, crops):
    out = []
    for l in range(layers):
        n = bands if l == 0 else hidden
        out += [(hidden, n), (hidden, 1), (hidden, n), (hidden, hidden), (hidden, 1)]
    return out + [(crops, hidden), (crops, 1)]


def unflatten(flat, layout):
    arrays, at = [], 0
    for shape in layout:
        n = shape[0] * shape[1]
        arrays.append(flat[at:at + n].reshape(shape))
        at += n
    return arrays


def objective(flat, layout, passes, clear, labels, smooth=0.1):
    """Label-smoothed cross-entropy at the last pass, and its gradient."""
    arrays = unflatten(flat, layout)
    layers = (len(arrays) - 2) // 5
    cells = [arrays[5 * l:5 * l + 5] for l in range(layers)]
    Wo, bo = arrays[-2:]
    T, _, fields = passes.shape
    hidden, crops = Wo.shape[1], Wo.shape[0]

    # forward
    h = [[np.zeros((hidden, fields)) for _ in range(layers)]]
    kept = []
    for t in range(T):
        below = passes[t]
        now, kept_t = [], []
        for l, (Wz, bz, Wx, Wh, bk) in enumerate(cells):
            old = h[-1][l]
            z = np.tanh(Wz @ below + bz)
            k = 1 / (1 + np.exp(-(Wx @ below + Wh @ old + bk)))
            s = np.tanh((1 - k) * old + k * z)
            kept_t.append((below, old, z, k, s))
            below = np.where(clear[t], s, old)
            now.append(below)
        h.append(now)
        kept.append(kept_t)
    logits = Wo @ h[-1][-1] + bo
    logits = logits - logits.max(axis=0)
    logp = logits - np.log(np.exp(logits).sum(axis=0))
    target = (1 - smooth) * (np.arange(crops)[:, None] == labels) + smooth / crops
    value = -np.sum(target * logp) / fields

    # backward
    gflat = np.zeros_like(flat)
    grads = unflatten(gflat, layout)
    dlogits = (np.exp(logp) - target) / fields
    grads[-2][:] = dlogits @ h[-1][-1].T
    grads[-1][:] = dlogits.sum(axis=1, keepdims=True)
    dh = [np.zeros((hidden, fields)) for _ in range(layers)]
    dh[-1] = Wo.T @ dlogits
    for t in range(T - 1, -1, -1):
        from_above = np.zeros((hidden, fields))
        for l in range(layers - 1, -1, -1):
            Wz, bz, Wx, Wh, bk = cells[l]
            below, old, z, k, s = kept[t][l]
            total = dh[l] + from_above
            dpre = np.where(clear[t], total * (1 - s ** 2), 0.0)
            dz = dpre * k * (1 - z ** 2)
            dk = dpre * (z - old) * k * (1 - k)
            gWz, gbz, gWx, gWh, gbk = grads[5 * l:5 * l + 5]
            gWz += dz @ below.T
            gbz += dz.sum(axis=1, keepdims=True)
            gWx += dk @ below.T
            gWh += dk @ old.T
            gbk += dk.sum(axis=1, keepdims=True)
            dh[l] = np.where(clear[t], 0.0, total) + dpre * (1 - k) + Wh.T @ dk
            from_above = Wz.T @ dz + Wx.T @ dk
    return value, gflat


def season(T, bands, fields, crops, seed):
    rng = np.random.default_rng(seed)
    passes = rng.normal(size=(T, bands, fields))
    return passes, rng.random((T, fields)) < 0.75, rng.integers(crops, size=fields)


layout = shapes(bands=3, hidden=3, layers=2, crops=3)
flat = 0.5 * np.random.default_rng(1291).normal(size=sum(a * b for a, b in layout))
passes, clear, labels = season(5, 3, 4, 3, seed=1292)
