"""GRU sequence regression, everything by einsum (b batch, i input, h/k hidden, o output, t time)."""
from numpy import einsum, exp, tanh, zeros, zeros_like, stack
from numpy.random import default_rng


def sigma(x):
    return 1 / (1 + exp(-x))


def init(I, H, O, seed=0):
    rng = default_rng(seed)
    theta = {}
    for g in ('r', 'z', 'n'):
        theta[f'W_{g}'] = rng.normal(scale=.7, size=(I, H))
        theta[f'U_{g}'] = rng.normal(scale=.5, size=(H, H))
        theta[f'b_{g}'] = rng.normal(scale=.2, size=H)
    theta['W_o'] = rng.normal(size=(H, O))
    return theta


def unroll(theta, x):
    B, T, _ = x.shape
    h = zeros((B, theta['b_n'].shape[0]))
    hs, rs, zs, ns = [h], [], [], []
    for t in range(T):
        r = sigma(einsum('bi,ih->bh', x[:, t], theta['W_r']) + einsum('bk,kh->bh', h, theta['U_r']) + theta['b_r'])
        z = sigma(einsum('bi,ih->bh', x[:, t], theta['W_z']) + einsum('bk,kh->bh', h, theta['U_z']) + theta['b_z'])
        n = tanh(einsum('bi,ih->bh', x[:, t], theta['W_n']) + einsum('bk,kh->bh', r * h, theta['U_n']) + theta['b_n'])
        h = (1 - z) * n + z * h
        hs.append(h); rs.append(r); zs.append(z); ns.append(n)
    return stack(hs, axis=1), rs, zs, ns


def mse(theta, x, y):
    hs = unroll(theta, x)[0]
    diff = einsum('bth,ho->bto', hs[:, 1:], theta['W_o']) - y
    return (diff ** 2).mean()


def mse_grad(theta, x, y):
    hs, rs, zs, ns = unroll(theta, x)
    diff = einsum('bth,ho->bto', hs[:, 1:], theta['W_o']) - y
    dout = 2 * diff / diff.size
    g = {name: zeros_like(val) for name, val in theta.items()}
    g['W_o'] = einsum('bth,bto->ho', hs[:, 1:], dout)
    dhs = einsum('bto,ho->bth', dout, theta['W_o'])

    dh = zeros_like(hs[:, 0])
    for t in reversed(range(x.shape[1])):
        dh = dh + dhs[:, t]
        hp, r, z, n = hs[:, t], rs[t], zs[t], ns[t]

        da_n = dh * (1 - z) * (1 - n ** 2)
        da_z = dh * (hp - n) * z * (1 - z)
        drh = einsum('bh,kh->bk', da_n, theta['U_n'])
        da_r = drh * hp * r * (1 - r)

        for name, da, rec in (('r', da_r, hp), ('z', da_z, hp), ('n', da_n, r * hp)):
            g['W_' + name] += einsum('bi,bh->ih', x[:, t], da)
            g['U_' + name] += einsum('bk,bh->kh', rec, da)
            g['b_' + name] += einsum('bh->h', da)

        dh = (dh * z + drh * r
              + einsum('bh,kh->bk', da_r, theta['U_r'])
              + einsum('bh,kh->bk', da_z, theta['U_z']))
    return g


def data(B, T, I, O, seed=1):
    rng = default_rng(seed)
    return rng.normal(size=(B, T, I)), rng.normal(size=(B, T, O))


theta = init(2, 5, 4)
x, y = data(3, 6, 2, 4)
