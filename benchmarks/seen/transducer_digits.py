"""RNN transducer (Graves 2012) for spoken digits, in log space, one utterance.

encoder   e_t = tanh(x_t Wx + e_{t-1} We + be)
predictor g_u = tanh(emb[y_u] + g_{u-1} Wg + bg),  g_0 = start
joint     log softmax(tanh(e_t P + g_u Q + bj) O + bo)        symbol 0 is the blank
"""
import numpy as np


class Transducer:
    def __init__(self, feats, n_enc, n_pre, n_joint, symbols, seed=0):
        rng = np.random.RandomState(seed)
        glorot = lambda m, n: rng.uniform(-1, 1, (m, n)) * np.sqrt(6. / (m + n))
        self.w = {
            'Wx': glorot(feats, n_enc), 'We': glorot(n_enc, n_enc), 'be': 0.1 * rng.randn(n_enc),
            'emb': rng.randn(symbols, n_pre), 'Wg': glorot(n_pre, n_pre), 'bg': 0.1 * rng.randn(n_pre),
            'start': 0.3 * rng.randn(n_pre),
            'P': glorot(n_enc, n_joint), 'Q': glorot(n_pre, n_joint), 'bj': 0.1 * rng.randn(n_joint),
            'O': glorot(n_joint, symbols), 'bo': 0.1 * rng.randn(symbols),
        }

    def encode(self, x):
        w, e = self.w, np.zeros(len(self.w['be']))
        states = []
        for frame in x:
            e = np.tanh(frame @ w['Wx'] + e @ w['We'] + w['be'])
            states.append(e)
        return np.stack(states)

    def predict(self, y):
        w = self.w
        states = [w['start']]
        for symbol in y:
            states.append(np.tanh(w['emb'][symbol] + states[-1] @ w['Wg'] + w['bg']))
        return np.stack(states)

    def joint(self, enc, pre):
        """(T, U+1, joint units), (T, U+1, symbols)"""
        w = self.w
        z = np.tanh((enc @ w['P'])[:, None, :] + (pre @ w['Q'])[None, :, :] + w['bj'])
        s = z @ w['O'] + w['bo']
        s = s - s.max(axis=2, keepdims=True)
        return z, s - np.log(np.exp(s).sum(axis=2, keepdims=True))

    @staticmethod
    def lattice(logp, y):
        """forward variables; the log probability of y closes with a last blank"""
        T, U = logp.shape[0], len(y)
        alpha = np.zeros((T, U + 1))
        alpha[1:, 0] = np.cumsum(logp[:-1, 0, 0])
        for u in range(1, U + 1):
            alpha[0, u] = alpha[0, u - 1] + logp[0, u - 1, y[u - 1]]
        for t in range(1, T):
            for u in range(1, U + 1):
                stay = alpha[t - 1, u] + logp[t - 1, u, 0]
                emit = alpha[t, u - 1] + logp[t, u - 1, y[u - 1]]
                alpha[t, u] = np.logaddexp(stay, emit)
        return alpha, alpha[T - 1, U] + logp[T - 1, U, 0]

    @staticmethod
    def lattice_back(logp, y):
        T, U = logp.shape[0], len(y)
        beta = np.zeros((T, U + 1))
        beta[:, U] = np.cumsum(logp[::-1, U, 0])[::-1]
        for u in range(U - 1, -1, -1):
            beta[T - 1, u] = beta[T - 1, u + 1] + logp[T - 1, u, y[u]]
        for t in range(T - 2, -1, -1):
            for u in range(U - 1, -1, -1):
                beta[t, u] = np.logaddexp(beta[t + 1, u] + logp[t, u, 0], beta[t, u + 1] + logp[t, u, y[u]])
        return beta

    def loss(self, x, y):
        _, logp = self.joint(self.encode(x), self.predict(y))
        return -self.lattice(logp, y)[1]

    def backward(self, x, y):
        w = self.w
        enc, pre = self.encode(x), self.predict(y)
        z, logp = self.joint(enc, pre)
        alpha, total = self.lattice(logp, y)
        beta = self.lattice_back(logp, y)
        T, U = len(x), len(y)

        dlogp = np.zeros(logp.shape)
        for u in range(U + 1):
            for t in range(T - 1):
                dlogp[t, u, 0] = -np.exp(alpha[t, u] + logp[t, u, 0] + beta[t + 1, u] - total)
            if u < U:
                for t in range(T):
                    dlogp[t, u, y[u]] = -np.exp(alpha[t, u] + logp[t, u, y[u]] + beta[t, u + 1] - total)
        dlogp[T - 1, U, 0] = -1.0
        ds = dlogp - np.exp(logp) * dlogp.sum(axis=2, keepdims=True)

        d = {name: np.zeros_like(value) for name, value in w.items()}
        d['O'] = np.tensordot(z, ds, axes=([0, 1], [0, 1]))
        d['bo'] = ds.sum(axis=(0, 1))
        dz = (ds @ w['O'].T) * (1 - z * z)
        d['bj'] = dz.sum(axis=(0, 1))
        over_u, over_t = dz.sum(axis=1), dz.sum(axis=0)
        d['P'] = enc.T @ over_u
        d['Q'] = pre.T @ over_t
        denc, dpre = over_u @ w['P'].T, over_t @ w['Q'].T

        carry = np.zeros(enc.shape[1])
        for t in range(T - 1, -1, -1):
            da = (denc[t] + carry) * (1 - enc[t] ** 2)
            d['Wx'] += np.outer(x[t], da)
            d['be'] += da
            if t > 0:
                d['We'] += np.outer(enc[t - 1], da)
            carry = w['We'] @ da
        carry = np.zeros(pre.shape[1])
        for u in range(U, 0, -1):
            da = (dpre[u] + carry) * (1 - pre[u] ** 2)
            d['emb'][y[u - 1]] += da
            d['bg'] += da
            d['Wg'] += np.outer(pre[u - 1], da)
            carry = w['Wg'] @ da
        d['start'] = dpre[0] + carry
        return d


def utterance(frames, feats, digits, symbols, seed):
    rng = np.random.RandomState(seed)
    return rng.randn(frames, feats), list(rng.randint(1, symbols, digits))


net = Transducer(feats=3, n_enc=4, n_pre=3, n_joint=4, symbols=4, seed=77)
x, y = utterance(5, 3, 3, 4, seed=78)
