"""Two LSTM layers with peepholes and a recurrent projection (Sak et al. 2014), phones one frame late.
gates (4, cells, inputs + proj + 1): input, forget, candidate, output; the last column is the bias.
peep (3, cells, 1): input, forget, output. proj (proj, cells). Frames are (time, features, batch)."""
import numpy as np


squash = lambda a: 1 / (1 + np.exp(-a))


def init_am(rs, n_feat, cells, proj, n_phones):
    stack = [{"gates": rs.standard_normal((4, cells, below + proj + 1)) * 0.6,
              "peep": rs.standard_normal((3, cells, 1)) * 0.5,
              "proj": rs.standard_normal((proj, cells))} for below in (n_feat, proj)]
    return {"stack": stack, "V": rs.standard_normal((n_phones, 2 * proj)), "v": rs.standard_normal((n_phones, 1)) * 0.2}


def advance(layer, below, r, c):
    (Wi, Wf, Wg, Wo), (pi, pf, po) = layer["gates"], layer["peep"]
    seen = np.concatenate([below, r, np.ones((1, r.shape[1]))])
    i = squash(Wi @ seen + pi * c)
    f = squash(Wf @ seen + pf * c)
    g = np.tanh(Wg @ seen)
    c_new = f * c + i * g
    o = squash(Wo @ seen + po * c_new)
    m = o * np.tanh(c_new)
    return layer["proj"] @ m, c_new, dict(seen=seen, i=i, f=f, g=g, o=o, m=m, c=c, c_new=c_new)


def transcribe(am, frames):
    """log probabilities (time, phones, batch), what the softmax saw, and record[time][layer]"""
    r = [np.zeros((layer["proj"].shape[0], frames.shape[2])) for layer in am["stack"]]
    c = [np.zeros((layer["proj"].shape[1], frames.shape[2])) for layer in am["stack"]]
    logp, tops, record = [], [], []
    for below in frames:
        record.append([])
        for k, layer in enumerate(am["stack"]):
            r[k], c[k], rec = advance(layer, below, r[k], c[k])
            below = r[k]
            record[-1].append(rec)
        tops.append(np.concatenate(r))
        a = am["V"] @ tops[-1] + am["v"]
        logp.append(a - np.log(np.exp(a).sum(axis=0)))
    return logp, tops, record


def frame_ce(am, frames, onehot, cost):
    logp, _, _ = transcribe(am, frames)
    return -sum((cost * y * lp).sum() for y, lp in zip(onehot[:-1], logp[1:])) / (cost * onehot[:-1]).sum()


def frame_ce_grad(am, frames, onehot, cost):
    logp, tops, record = transcribe(am, frames)
    d_am = {"stack": [{name: np.zeros_like(a) for name, a in layer.items()} for layer in am["stack"]],
            "V": np.zeros_like(am["V"]), "v": np.zeros_like(am["v"])}
    total = (cost * onehot[:-1]).sum()
    dr, dc = [0.0, 0.0], [0.0, 0.0]     # from the frame after, for each layer
    for t in reversed(range(len(frames))):
        from_soft = [0.0, 0.0]
        if t >= 1:
            y = onehot[t - 1]
            da = (cost * y).sum(axis=0) * (np.exp(logp[t]) - y) / total
            d_am["V"] += da @ tops[t].T
            d_am["v"] += da.sum(axis=1, keepdims=True)
            from_soft = np.split(am["V"].T @ da, 2)
        from_above = 0.0
        for k in (1, 0):
            s, layer, d = record[t][k], am["stack"][k], d_am["stack"][k]
            (pi, pf, po), tc, n = layer["peep"], np.tanh(s["c_new"]), len(layer["proj"])
            dr_k = dr[k] + from_soft[k] + from_above
            dm = layer["proj"].T @ dr_k
            zo = dm * tc * s["o"] * (1 - s["o"])
            dc_k = dc[k] + dm * s["o"] * (1 - tc ** 2) + po * zo
            zi = dc_k * s["g"] * s["i"] * (1 - s["i"])
            zf = dc_k * s["c"] * s["f"] * (1 - s["f"])
            zg = dc_k * s["i"] * (1 - s["g"] ** 2)
            z = np.stack([zi, zf, zg, zo])
            d["proj"] += dr_k @ s["m"].T
            d["gates"] += z @ s["seen"].T
            d["peep"] += np.stack([zi * s["c"], zf * s["c"], zo * s["c_new"]]).sum(axis=2, keepdims=True)
            d_seen = np.einsum("qhn,qhb->nb", layer["gates"], z)
            from_above, dr[k] = d_seen[:-1 - n], d_seen[-1 - n:-1]
            dc[k] = dc_k * s["f"] + zi * pi + zf * pf
    return d_am


rs = np.random.default_rng(2014)
am = init_am(rs, 3, 5, 2, 4)
frames = rs.standard_normal((6, 3, 3))
onehot = np.eye(4)[rs.integers(0, 4, (6, 3))].transpose(0, 2, 1)
cost = np.array([[0.3], [1.0], [1.0], [1.5]])     # silence counts less
