"""When does the customer order again, and what?  Recurrent marked temporal point process (Du et al., KDD 2016) on an LSTM.

An order is (product, weeks since the order before).  After each order the intensity for the next one is

    lambda(d) = exp(v.h + w d + b),   so   log f(d) = v.h + w d + b - (exp(v.h + w d + b) - exp(v.h + b)) / w

and the product is drawn from a softmax.
"""
import numpy as np


class OrderProcess:
    def __init__(self, n_products, n_embed, n_hidden, seed):
        r = np.random.RandomState(seed)
        n_in = n_embed + 1
        self.n = n_hidden
        self.embed = r.normal(0, 1.0, (n_products, n_embed))
        self.Wx = r.normal(0, 1 / np.sqrt(n_in), (n_in, 4 * n_hidden))
        self.Wh = r.normal(0, 1 / np.sqrt(n_hidden), (n_hidden, 4 * n_hidden))
        self.bg = r.normal(0, 0.2, 4 * n_hidden)
        self.Wp = r.normal(0, 1 / np.sqrt(n_hidden), (n_hidden, n_products))
        self.bp = r.normal(0, 0.2, n_products)
        self.v = r.normal(0, 0.5, n_hidden)
        self.w = np.array([0.4])
        self.b = np.array([-0.6])

    weights = ("embed", "Wx", "Wh", "bg", "Wp", "bp", "v", "w", "b")

    def _cell(self, x, h, c):
        n = self.n
        a = x @ self.Wx + h @ self.Wh + self.bg
        gates = 1 / (1 + np.exp(-a[:3 * n]))
        i, f, o = gates[:n], gates[n:2 * n], gates[2 * n:]
        u = np.tanh(a[3 * n:])
        c_new = f * c + i * u
        tc = np.tanh(c_new)
        return o * tc, c_new, (x, h, c, i, f, o, u, tc)

    def _read(self, orders):
        h = c = np.zeros(self.n)
        for (product, gap), (next_product, next_gap) in zip(orders[:-1], orders[1:]):
            x = np.append(self.embed[product], np.log(1 + gap))
            h, c, kept = self._cell(x, h, c)
            yield h, kept, product, next_product, next_gap

    def _heads(self, h, d):
        score = h @ self.Wp + self.bp
        prob = np.exp(score - score.max())
        prob = prob / prob.sum()
        now = h @ self.v + self.b[0]
        then = now + self.w[0] * d
        return prob, then, np.exp(now), np.exp(then)

    def nll(self, customers):
        total = 0.0
        for orders in customers:
            for h, _, _, product, d in self._read(orders):
                prob, then, rate0, rate1 = self._heads(h, d)
                total += (rate1 - rate0) / self.w[0] - then - np.log(prob[product])
        return total

    def backward(self, customers):
        n, w = self.n, self.w[0]
        for name in self.weights:
            setattr(self, "d" + name, np.zeros_like(getattr(self, name)))
        for orders in customers:
            dh, dc = np.zeros(n), np.zeros(n)
            for h, kept, product, next_product, d in reversed(list(self._read(orders))):
                x, h_old, c_old, i, f, o, u, tc = kept
                prob, _, rate0, rate1 = self._heads(h, d)
                # product
                dscore = prob.copy()
                dscore[next_product] -= 1
                self.dWp += np.outer(h, dscore)
                self.dbp += dscore
                # time
                dnow = (rate1 - rate0) / w - 1
                self.dw += d * rate1 / w - (rate1 - rate0) / w ** 2 - d
                self.dv += dnow * h
                self.db += dnow
                dh = dh + self.Wp @ dscore + dnow * self.v
                # cell
                dc = dc + dh * o * (1 - tc ** 2)
                da = np.concatenate([
                    dc * u * i * (1 - i),
                    dc * c_old * f * (1 - f),
                    dh * tc * o * (1 - o),
                    dc * i * (1 - u ** 2),
                ])
                self.dWx += np.outer(x, da)
                self.dWh += np.outer(h_old, da)
                self.dbg += da
                self.dembed[product] += (self.Wx @ da)[:-1]
                dh = self.Wh @ da
                dc = dc * f

    def sgd(self, customers, rate):
        self.backward(customers)
        for name in self.weights:
            setattr(self, name, getattr(self, name) - rate * getattr(self, "d" + name))


def shop(lengths, n_products, seed):
    r = np.random.RandomState(seed)
    return [[(int(r.randint(n_products)), float(r.exponential(1.0))) for _ in range(k)] for k in lengths]


model = OrderProcess(n_products=4, n_embed=2, n_hidden=3, seed=90)
customers = shop([5, 4], 4, seed=91)
