"""A layer that is called, keeps what its backward needs and hands back the gradient of its input."""

from small_programs import of_damages, of_right_programs

from rnn_jax.verify.of_file import Expressions, FileSubject
from rnn_jax.verify.program import Program
from rnn_jax.verify.repair.live import LiveCode
from rnn_jax.verify.repair.vocabulary import pure_functions

LAYER = """import numpy as np


class Layer:
    def __init__(self, n_in, n, rng):
        self.K, self.R = rng.randn(n_in, n) * 0.7, rng.randn(n, n) * 0.6

    def step(self, x, h):
        new = np.tanh(x @ self.K + h @ self.R)
        return new, (x, h, new)

    def __call__(self, xs):
        self.kept, out = [], []
        h = np.zeros((xs.shape[1], len(self.R)))
        for x in xs:
            h, memo = self.step(x, h)
            self.kept.append(memo)
            out.append(h)
        self.out = np.stack(out)
        return self.out

    def back(self, dout):
        dxs = np.zeros((len(dout), dout.shape[1], len(self.K)))
        self.dK, self.dR = np.zeros_like(self.K), np.zeros_like(self.R)
        carry = 0.0
        for t, (x, before, new) in list(enumerate(self.kept))[::-1]:
            carry = carry + dout[t]
            da = carry * (1 - new**2)
            for total, part in zip((self.dK, self.dR), (x.T @ da, before.T @ da)):
                total += part
            dxs[t] = da @ self.K.T
            carry = da @ self.R.T
        return dxs


class Top:
    def __init__(self, layer, rng):
        self.layer, self.V = layer, rng.randn(4, 3)

    def scores(self, xs):
        return self.layer(xs) @ self.V

    def loss(self, xs):
        return 0.5 * np.sum((self.scores(xs) - wanted) ** 2) / len(wanted)

    def back(self, xs):
        d = (self.scores(xs) - wanted) / len(wanted)
        return {"V": np.einsum("tbn,tbk->nk", self.layer.out, d), "xs": self.layer.back(d @ self.V.T)}


rng = np.random.RandomState(0)
xs, wanted = rng.randn(5, 2, 6), rng.randn(5, 2, 3)
top = Top(Layer(6, 4, rng), rng)
"""

# The data is the module's; the backward takes its steps by their number.
SHARED = """import numpy as np

rng = np.random.RandomState(1)
xs, y = [rng.randn(2, 1) for _ in range(4)], rng.randn(3, 1)
U, W = rng.randn(3, 2), rng.randn(3, 3) * 0.6


def states():
    hs = [np.zeros((3, 1))]
    for x in xs:
        hs.append(np.tanh(U @ x + W @ hs[-1]))
    return hs


def loss():
    return 0.5 * np.sum((states()[-1] - y) ** 2)


def grads():
    hs = states()
    dU, dW, dh = np.zeros_like(U), np.zeros_like(W), hs[-1] - y
    for t in range(len(hs) - 2, -1, -1):
        da = dh * (1 - hs[t + 1] ** 2)
        dU += da @ xs[t].T
        dW += da @ hs[t].T
        dh = W.T @ da
    return dU, dW
"""

WRT = "top.layer.K,top.layer.R,top.V,xs"
CALLS = {
    LAYER: Expressions(WRT, "top.loss(xs)", "(top.layer.dK, top.layer.dR, g['V'], g['xs'])", call="g = top.back(xs)"),
    SHARED: Expressions("U,W", "loss()", "grads()"),
}
LEFT_OUT = {
    "what is handed back at each step": (LAYER, "            dxs[t] = da @ self.K.T\n", ""),
    "what is kept under a name that nothing reads": (LAYER, "            self.kept.append(memo)\n", ""),
    "sums that are gone through side by side": (LAYER, "                total += part\n", "                pass\n"),
    "a step of what the module holds": (SHARED, "        dU += da @ xs[t].T\n", ""),
}


test_the_right_programs_are_right = of_right_programs(CALLS)
test_what_is_left_out_is_put_back = of_damages(CALLS, LEFT_OUT)


def test_what_calls_an_object_that_keeps_things_is_not_evaluated_again(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(LAYER)
    program = Program(path)
    program.load()
    live = LiveCode(FileSubject(program, CALLS[LAYER]))
    assert "step" in pure_functions(live)
    assert not {"scores", "loss", "back", "__call__"} & pure_functions(live)
