"""GRU-D for irregular lab values (Che et al. 2018), mortality at the end of the stay.

x      last measured value, carried forward      (stays, hours, labs)
m      1 where it was measured at this hour
delta  hours since it was measured
A value that is missing decays towards the population mean, the state decays as well.  The paper has
exp(-max(0, .)) for the decay; softplus instead of max keeps every gradient alive.
"""
import numpy as np

D, H = 2, 3
POS_WEIGHT = 2.5      # deaths are rare


def init_weights(D, H, seed):
    rng = np.random.default_rng(seed)
    names = {}
    for gate in "zrc":
        names["W" + gate] = rng.normal(0, 0.7, (D, H))
        names["U" + gate] = rng.normal(0, 0.7, (H, H))
        names["V" + gate] = rng.normal(0, 0.7, (D, H))
        names["b" + gate] = rng.normal(0, 0.1, H)
    names.update(wdx=rng.normal(0, 0.5, D), bdx=np.zeros(D), Wdh=rng.normal(0, 0.5, (D, H)), bdh=np.zeros(H))
    names.update(wo=rng.normal(0, 1, H), bo=np.zeros(()))
    return names


def softplus(a):
    return np.log1p(np.exp(a))


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def forward(x, m, delta, died):
    h = np.zeros((x.shape[0], len(bz)))
    cache = []
    for t in range(x.shape[1]):
        mt, dt = m[:, t], delta[:, t]
        ax = dt * wdx + bdx
        gx = np.exp(-softplus(ax))
        xt = mt * x[:, t] + (1 - mt) * (gx * x[:, t] + (1 - gx) * mean)
        ah = dt @ Wdh + bdh
        gh = np.exp(-softplus(ah))
        hd = gh * h
        z = sigmoid(xt @ Wz + hd @ Uz + mt @ Vz + bz)
        r = sigmoid(xt @ Wr + hd @ Ur + mt @ Vr + br)
        c = np.tanh(xt @ Wc + (r * hd) @ Uc + mt @ Vc + bc)
        cache.append((h, ax, gx, xt, ah, gh, hd, z, r, c))
        h = (1 - z) * hd + z * c
    logit = h @ wo + bo
    weight = 1 + (POS_WEIGHT - 1) * died
    loss = (weight * (softplus(logit) - died * logit)).sum() / weight.sum()
    return loss, (h, logit, weight, cache)


def backward(x, m, delta, died):
    _, (h_last, logit, weight, cache) = forward(x, m, delta, died)
    d = {"d" + k: np.zeros_like(v) for k, v in weights.items()}
    dlogit = weight * (sigmoid(logit) - died) / weight.sum()
    d["dwo"] += dlogit @ h_last
    d["dbo"] += dlogit.sum()
    dh = np.outer(dlogit, wo)
    for t in range(x.shape[1])[::-1]:
        h, ax, gx, xt, ah, gh, hd, z, r, c = cache[t]
        mt, dt = m[:, t], delta[:, t]
        dac = dh * z * (1 - c ** 2)
        drh = dac @ Uc.T
        daz = dh * (c - hd) * z * (1 - z)
        dar = drh * hd * r * (1 - r)
        for gate, da, state in (("z", daz, hd), ("r", dar, hd), ("c", dac, r * hd)):
            d["dW" + gate] += xt.T @ da
            d["dU" + gate] += state.T @ da
            d["dV" + gate] += mt.T @ da
            d["db" + gate] += da.sum(0)
        dhd = dh * (1 - z) + drh * r + daz @ Uz.T + dar @ Ur.T
        dxt = daz @ Wz.T + dar @ Wr.T + dac @ Wc.T
        # the decays: d exp(-softplus(a)) / da = -exp(-softplus(a)) * sigmoid(a)
        dah = -dhd * h * gh * sigmoid(ah)
        d["dWdh"] += dt.T @ dah
        d["dbdh"] += dah.sum(0)
        dax = -dxt * (1 - mt) * (x[:, t] - mean) * gx * sigmoid(ax)
        d["dwdx"] += (dax * dt).sum(0)
        d["dbdx"] += dax.sum(0)
        dh = dhd * gh
    return d


def stays(n, hours, labs, seed):
    rng = np.random.default_rng(seed)
    x, m = rng.normal(size=(n, hours, labs)), (rng.random((n, hours, labs)) < 0.5).astype(float)
    delta = np.zeros_like(x)
    for t in range(1, hours):
        x[:, t] = np.where(m[:, t] == 1, x[:, t], x[:, t - 1])
        delta[:, t] = 1 + (1 - m[:, t - 1]) * delta[:, t - 1]
    return x, m, delta, (rng.random(n) < 0.4).astype(float)


weights = init_weights(D, H, seed=30)
globals().update(weights)
mean = np.array([0.3, -0.2])
x, m, delta, died = stays(4, 6, D, seed=31)
