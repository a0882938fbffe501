"""A variational recurrent network (Chung et al., 2015) for drum loops.

Negative ELBO: Bernoulli hits on each drum, KL between the diagonal Gaussians (mean, log variance) of encoder and prior.
The noise is drawn beforehand and handed in, so that the bound is a plain function of the weights.
"""
import numpy as np


class Dense:
    def __init__(self, fan_in, fan_out, rng):
        self.w = rng.normal(0, 1 / np.sqrt(fan_in), (fan_in, fan_out))
        self.b = rng.normal(0, 0.2, fan_out)

    def __call__(self, x):
        return x @ self.w + self.b

    def reset(self):
        self.gw, self.gb = np.zeros(self.w.shape), np.zeros(self.b.shape)

    def backward(self, x, dy):
        self.gw += x.T @ dy
        self.gb += dy.sum(0)
        return dy @ self.w.T


class VRNN:
    def __init__(self, n_drums, n_latent, n_hidden, seed):
        rng = np.random.default_rng(seed)
        self.n_latent, self.n_hidden = n_latent, n_hidden
        self.prior = Dense(n_hidden, 2 * n_latent, rng)
        self.encoder = Dense(n_drums + n_hidden, 2 * n_latent, rng)
        self.decoder = Dense(n_latent + n_hidden, n_drums, rng)
        self.cell = Dense(n_drums + n_latent + n_hidden, n_hidden, rng)
        self.layers = [self.prior, self.encoder, self.decoder, self.cell]

    def unroll(self, hits, noise):
        L = self.n_latent
        h = np.zeros((hits.shape[1], self.n_hidden))
        for x, eps in zip(hits, noise):
            prior = self.prior(h)
            xh = np.hstack([x, h])
            post = self.encoder(xh)
            sd = np.exp(0.5 * post[:, L:])
            z = post[:, :L] + sd * eps
            zh = np.hstack([z, h])
            logits = self.decoder(zh)
            xzh = np.hstack([x, z, h])
            h_next = np.tanh(self.cell(xzh))
            yield x, eps, h, prior, xh, post, sd, zh, logits, xzh, h_next
            h = h_next

    def negative_elbo(self, hits, noise):
        L = self.n_latent
        bound = 0.0
        for x, _, _, prior, _, post, sd, _, logits, _, _ in self.unroll(hits, noise):
            bits = np.logaddexp(0, logits) - x * logits
            spread = sd ** 2 + (post[:, :L] - prior[:, :L]) ** 2
            kl = 0.5 * (prior[:, L:] - post[:, L:] + spread * np.exp(-prior[:, L:]) - 1)
            bound += bits.sum() + kl.sum()
        return bound / hits.shape[1]

    def backward(self, hits, noise):
        L, (T, B, D) = self.n_latent, hits.shape
        for layer in self.layers:
            layer.reset()
        steps = list(self.unroll(hits, noise))
        dh_next = np.zeros((B, self.n_hidden))
        for x, eps, h, prior, xh, post, sd, zh, logits, xzh, h_next in steps[::-1]:
            # the new state
            dxzh = self.cell.backward(xzh, dh_next * (1 - h_next ** 2))
            dz, dh = dxzh[:, D:D + L], dxzh[:, D + L:]
            # the hits
            dlogits = (1 / (1 + np.exp(-logits)) - x) / B
            dzh = self.decoder.backward(zh, dlogits)
            dz = dz + dzh[:, :L]
            dh = dh + dzh[:, L:]
            # the divergence
            apart = post[:, :L] - prior[:, :L]
            precision = np.exp(-prior[:, L:]) / B
            dmean = apart * precision
            dpost = np.hstack([dmean + dz, 0.5 * (sd ** 2 * precision - 1 / B + dz * sd * eps)])
            dprior = np.hstack([-dmean, 0.5 * (1 / B - (sd ** 2 + apart ** 2) * precision)])
            dh = dh + self.encoder.backward(xh, dpost)[:, D:]
            dh = dh + self.prior.backward(h, dprior)
            dh_next = dh
        return [g for layer in self.layers for g in (layer.gw, layer.gb)]


def loops(T, B, n_drums, n_latent, seed):
    rng = np.random.default_rng(seed)
    return (rng.random((T, B, n_drums)) < 0.4).astype(float), rng.normal(size=(T, B, n_latent))


vrnn = VRNN(n_drums=4, n_latent=3, n_hidden=5, seed=808)
hits, noise = loops(5, 2, 4, 3, seed=909)
