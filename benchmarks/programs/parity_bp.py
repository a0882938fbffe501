# Neural belief propagation decoder for a short block code (Nachmani et al., 2016).
# The Tanner graph is unrolled, every edge gets a weight in every iteration, and there is a loss after each one:
#   var -> check:   x_e = ch[it, v] * llr_v + sum over other edges e' of v of w[it, e'] * y_e'
#   check -> var:   y_e = 2 artanh( prod over other edges e' of c of tanh(x_e' / 2) )
#   marginal:       o_v = llr_v + sum over edges of v of out[e] * y_e
import numpy as np

def edges_of(H):
    return [(c, v) for c in range(H.shape[0]) for v in range(H.shape[1]) if H[c, v]]

def neighbours(edges):
    at_var = [[k for k, (_, v) in enumerate(edges) if v == edges[e][1] and k != e] for e in range(len(edges))]
    at_check = [[k for k, (c, _) in enumerate(edges) if c == edges[e][0] and k != e] for e in range(len(edges))]
    return at_var, at_check

def decode(params, llr, H):
    """llr: frames x bits.  Returns the soft outputs of every iteration and what backward needs."""
    edges = edges_of(H)
    at_var, at_check = neighbours(edges)
    frames = llr.shape[0]
    y = np.zeros((frames, len(edges)))
    outputs, trace = [], []
    for it in range(params['w'].shape[0]):
        x = np.zeros_like(y)
        for e, (c, v) in enumerate(edges):
            x[:, e] = params['ch'][it, v] * llr[:, v]
            for k in at_var[e]:
                x[:, e] += params['w'][it, k] * y[:, k]
        t = np.tanh(x / 2)
        p = np.ones_like(y)
        for e in range(len(edges)):
            for k in at_check[e]:
                p[:, e] = p[:, e] * t[:, k]
        y_new = 2 * np.arctanh(p)
        o = llr.copy()
        for e, (c, v) in enumerate(edges):
            o[:, v] += params['out'][e] * y_new[:, e]
        trace.append((y, t, p, y_new))
        outputs.append(o)
        y = y_new
    return outputs, trace

def bit_loss(params, llr, bits, H):
    # bit 1 is sent as -1, so a positive output means 0
    outputs, _ = decode(params, llr, H)
    return sum(np.mean(np.logaddexp(0, -(1 - 2 * bits) * o)) for o in outputs) / len(outputs)

def bit_loss_grad(params, llr, bits, H):
    edges = edges_of(H)
    at_var, at_check = neighbours(edges)
    outputs, trace = decode(params, llr, H)
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    n_it = len(outputs)
    sign = 1 - 2 * bits
    dy = np.zeros((llr.shape[0], len(edges)))
    for it in reversed(range(n_it)):
        y_old, t, p, y_new = trace[it]
        do = -sign / (1 + np.exp(sign * outputs[it])) / (bits.size * n_it)
        for e, (c, v) in enumerate(edges):
            grads['out'][e] += np.sum(do[:, v] * y_new[:, e])
            dy[:, e] += do[:, v] * params['out'][e]
        dp = dy * 2 / (1 - p ** 2)
        dt = np.zeros_like(t)
        for e in range(len(edges)):
            for k in at_check[e]:
                rest = np.ones(llr.shape[0])
                for j in at_check[e]:
                    if j != k:
                        rest = rest * t[:, j]
                dt[:, k] += dp[:, e] * rest
        dx = dt * (1 - t ** 2) / 2
        dy = np.zeros_like(dy)
        for e, (c, v) in enumerate(edges):
            grads['ch'][it, v] += np.sum(dx[:, e] * llr[:, v])
            for k in at_var[e]:
                grads['w'][it, k] += np.sum(dx[:, e] * y_old[:, k])
                dy[:, k] += dx[:, e] * params['w'][it, k]
    return grads

def weights(H, iterations, seed):
    rng = np.random.RandomState(seed)
    n_edges = int(H.sum())
    return {
        'w': 1 + 0.2 * rng.randn(iterations, n_edges),
        'ch': 1 + 0.2 * rng.randn(iterations, H.shape[1]),
        'out': 1 + 0.2 * rng.randn(n_edges),
    }

def transmit(codewords, sigma, seed):
    noise = sigma * np.random.RandomState(seed).randn(*codewords.shape)
    return 2 * (1 - 2 * codewords + noise) / sigma ** 2

H = np.array([[1, 1, 0, 1, 0, 0], [0, 1, 1, 0, 1, 0], [1, 0, 1, 0, 0, 1]])
bits = np.array([[0, 0, 0, 0, 0, 0], [1, 0, 0, 1, 0, 1], [0, 1, 1, 1, 0, 1]])
llr = transmit(bits, 1.1, seed=1171)
params = weights(H, 3, seed=1172)
