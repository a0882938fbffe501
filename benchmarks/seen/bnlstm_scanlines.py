# Recurrent batch normalization (Cooijmans et al. 2017) on images read line by line.
# Same layout as the CS231n assignments: every *_forward returns (out, cache), every *_backward takes (dout, cache).
import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def bn_forward(x, gamma, eps=0.05):
    mu = np.mean(x, axis=0)
    var = np.var(x, axis=0)
    istd = 1.0 / np.sqrt(var + eps)
    xhat = (x - mu) * istd
    return gamma * xhat, (xhat, istd, gamma)


def bn_backward(dout, cache):
    xhat, istd, gamma = cache
    N = dout.shape[0]
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    dx = istd / N * (N * dxhat - np.sum(dxhat, axis=0) - xhat * np.sum(dxhat * xhat, axis=0))
    return dx, dgamma


def lstm_step_forward(x, prev_h, prev_c, params):
    H = prev_h.shape[1]
    ax, cache_x = bn_forward(x.dot(params['Wx']), params['gamma_x'])
    ah, cache_h = bn_forward(prev_h.dot(params['Wh']), params['gamma_h'])
    a = ax + ah + params['b']
    i, f, o = sigmoid(a[:, :H]), sigmoid(a[:, H:2 * H]), sigmoid(a[:, 2 * H:3 * H])
    g = np.tanh(a[:, 3 * H:])
    next_c = f * prev_c + i * g
    nc, cache_c = bn_forward(next_c, params['gamma_c'])
    s = np.tanh(nc + params['beta_c'])
    next_h = o * s
    return next_h, next_c, (x, prev_h, prev_c, i, f, o, g, s, cache_x, cache_h, cache_c)


def lstm_step_backward(dnext_h, dnext_c, cache, params):
    x, prev_h, prev_c, i, f, o, g, s, cache_x, cache_h, cache_c = cache
    grads = {}
    do = dnext_h * s
    ds = dnext_h * o * (1 - s ** 2)
    grads['beta_c'] = np.sum(ds, axis=0)
    dc, grads['gamma_c'] = bn_backward(ds, cache_c)
    dc = dc + dnext_c
    da = np.hstack((dc * g * i * (1 - i), dc * prev_c * f * (1 - f), do * o * (1 - o), dc * i * (1 - g ** 2)))
    grads['b'] = np.sum(da, axis=0)
    dax, grads['gamma_x'] = bn_backward(da, cache_x)
    dah, grads['gamma_h'] = bn_backward(da, cache_h)
    grads['Wx'] = x.T.dot(dax)
    grads['Wh'] = prev_h.T.dot(dah)
    dprev_h = dah.dot(params['Wh'].T)
    dprev_c = dc * f
    return dprev_h, dprev_c, grads


def softmax_loss(scores, y):
    N = scores.shape[0]
    probs = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    loss = -np.sum(np.log(probs[np.arange(N), y])) / N
    dscores = probs.copy()
    dscores[np.arange(N), y] -= 1
    return loss, dscores / N


def loss(images, y, params, reg=0.01):
    """images: (N, lines, width). Returns (loss, grads)."""
    N, T, D = images.shape
    H = params['Wh'].shape[0]
    h, c = np.tile(params['h0'], (N, 1)), np.zeros((N, H))
    caches = []
    for t in range(T):
        h, c, cache = lstm_step_forward(images[:, t, :], h, c, params)
        caches.append(cache)
    scores = h.dot(params['Wy']) + params['by']
    data_loss, dscores = softmax_loss(scores, y)
    total = data_loss + 0.5 * reg * (np.sum(params['Wx'] ** 2) + np.sum(params['Wh'] ** 2) + np.sum(params['Wy'] ** 2))

    grads = {k: np.zeros_like(v) for k, v in params.items()}
    grads['Wy'] += h.T.dot(dscores)
    grads['by'] += np.sum(dscores, axis=0)
    dh, dc = dscores.dot(params['Wy'].T), np.zeros((N, H))
    for t in reversed(range(T)):
        dh, dc, step_grads = lstm_step_backward(dh, dc, caches[t], params)
        for k, v in step_grads.items():
            grads[k] += v
    grads['h0'] += np.sum(dh, axis=0)
    for k in ('Wx', 'Wh', 'Wy'):
        grads[k] += reg * params[k]
    return total, grads


def init_params(D, H, C, seed):
    rs = np.random.RandomState(seed)
    return {
        'Wx': 0.6 * rs.randn(D, 4 * H),
        'Wh': 0.6 * rs.randn(H, 4 * H),
        'b': 0.2 * rs.randn(4 * H),
        'gamma_x': 0.5 + 0.1 * rs.randn(4 * H),
        'gamma_h': 0.5 + 0.1 * rs.randn(4 * H),
        'gamma_c': 0.7 + 0.1 * rs.randn(H),
        'beta_c': 0.1 * rs.randn(H),
        'h0': 0.3 * rs.randn(H),
        'Wy': rs.randn(H, C),
        'by': 0.1 * rs.randn(C),
    }


def scans(N, T, D, C, seed):
    rs = np.random.RandomState(seed)
    return rs.randn(N, T, D), rs.randint(C, size=N)


params = init_params(4, 3, 5, seed=551)
images, y = scans(6, 5, 4, 5, seed=552)
