"""Next event in a server log with a reversible recurrent network (after MacKay et al. 2018): no states are stored.

The state has two halves that are updated in turn, each by a function of the other one,
    p <- p + tanh(x U1 + q W1 + b1),     q <- q + tanh(x U2 + p W2 + b2),
so on the way back the earlier state is computed from the later one.  Hierarchical softmax over a binary tree of events.
"""
import numpy as np


class HuffmanLike:
    """A tree by halving: event e goes left (+1) or right (-1) at each inner node on its way."""

    def __init__(self, events):
        self.paths = [[] for _ in range(events)]
        self.nodes = 0
        self._split(list(range(events)))

    def _split(self, events):
        if len(events) < 2:
            return
        node, half = self.nodes, (len(events) + 1) // 2
        self.nodes += 1
        for k, e in enumerate(events):
            self.paths[e].append((node, 1.0 if k < half else -1.0))
        self._split(events[:half])
        self._split(events[half:])


class ReversibleLM:
    def __init__(self, events, dim, half, rng):
        self.tree = HuffmanLike(events)
        draw = lambda *shape: rng.normal(scale=0.5, size=shape)
        self.theta = {
            "emb": draw(events, dim),
            "U1": draw(dim, half), "W1": draw(half, half), "b1": draw(half),
            "U2": draw(dim, half), "W2": draw(half, half), "b2": draw(half),
            "start": draw(2, half),
            "nodes": draw(self.tree.nodes, 2 * half), "bias": draw(self.tree.nodes),
        }

    def move(self, x, p, q):
        th = self.theta
        p = p + np.tanh(x @ th["U1"] + q @ th["W1"] + th["b1"])
        q = q + np.tanh(x @ th["U2"] + p @ th["W2"] + th["b2"])
        return p, q

    def surprise(self, state, event):
        """minus log probability, and the (node, slope) pairs of its gradient by the nodes' scores"""
        value, slopes = 0.0, []
        for node, side in self.tree.paths[event]:
            score = state @ self.theta["nodes"][node] + self.theta["bias"][node]
            value = value + np.logaddexp(0.0, -side * score)
            slopes.append((node, -side / (1.0 + np.exp(side * score))))
        return value, slopes

    def loss(self, log):
        p, q = self.theta["start"]
        total = 0.0
        for now, following in zip(log[:-1], log[1:]):
            p, q = self.move(self.theta["emb"][now], p, q)
            total = total + self.surprise(np.concatenate([p, q]), following)[0]
        return total / (len(log) - 1)

    def gradient(self, log):
        th, steps = self.theta, len(log) - 1
        g = {name: np.zeros_like(value) for name, value in th.items()}
        p, q = th["start"]
        for event in log[:-1]:
            p, q = self.move(th["emb"][event], p, q)
        # p, q is the last state and the only one we know
        dp, dq = np.zeros_like(p), np.zeros_like(q)
        for k in range(steps - 1, -1, -1):
            event = log[k]
            x = th["emb"][event]
            state = np.concatenate([p, q])
            for node, slope in self.surprise(state, log[k + 1])[1]:
                slope = slope / steps
                g["nodes"][node] += slope * state
                g["bias"][node] += slope
                dp = dp + slope * th["nodes"][node][: len(p)]
                dq = dq + slope * th["nodes"][node][len(p):]
            # second half of the move
            f = np.tanh(x @ th["U2"] + p @ th["W2"] + th["b2"])
            q = q - f
            da = dq * (1 - f ** 2)
            g["U2"] += np.outer(x, da)
            g["W2"] += np.outer(p, da)
            g["b2"] += da
            dx = th["U2"] @ da
            dp = dp + th["W2"] @ da
            # first half
            f = np.tanh(x @ th["U1"] + q @ th["W1"] + th["b1"])
            p = p - f
            da = dp * (1 - f ** 2)
            g["U1"] += np.outer(x, da)
            g["W1"] += np.outer(q, da)
            g["b1"] += da
            dq = dq + th["W1"] @ da
            g["emb"][event] += dx + th["U1"] @ da
        g["start"][0] = dp
        g["start"][1] = dq
        return g


def server_log(length, events, seed):
    return [int(e) for e in np.random.default_rng(seed).integers(0, events, size=length)]


model = ReversibleLM(events=6, dim=3, half=3, rng=np.random.default_rng(821))
log = server_log(8, 6, seed=822)
