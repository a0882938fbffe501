"""Learning to learn (Andrychowicz et al. 2016): a small LSTM is the optimiser, the same one for every coordinate.

The optimisees are least squares problems  f(theta) = |A theta - y|^2 / 2m.  Their gradient is what the LSTM reads, so
for the exact meta-gradient the Hessian A'A/m is needed as well (the paper drops that term; here it is kept).
"""
import numpy as np

STEP = 0.3   # the outputs of the LSTM are scaled by this
FLOOR = 0.1  # log(f + FLOOR), so that problems of different scale count alike


def sig(a):
    return 1 / (1 + np.exp(-a))


def squash(g):
    """two features of a gradient: its logarithmic size with sign, and mostly its sign"""
    return np.stack([np.arcsinh(4 * g), np.tanh(3 * g)], axis=1)


def squash_back(g, dx):
    return dx[:, 0] * 4 / np.sqrt(1 + 16 * g * g) + dx[:, 1] * 3 * (1 - np.tanh(3 * g) ** 2)


def importance(steps):
    k = np.arange(1.0, steps + 1)
    return k / k.sum()


def optimise(phi, problem, steps):
    A, y, theta = problem
    H = len(phi["w"])
    h = np.zeros((len(theta), H))
    c = np.zeros((len(theta), H))
    values, trail = [], []
    for _ in range(steps):
        g = A.T @ (A @ theta - y) / len(y)
        x = squash(g)
        a = x @ phi["Wx"] + h @ phi["Wh"] + phi["b"]
        i, f, o = sig(a[:, :H]), sig(a[:, H:2 * H]), sig(a[:, 2 * H:3 * H])
        u = np.tanh(a[:, 3 * H:])
        c_new = f * c + i * u
        tc = np.tanh(c_new)
        h_new = o * tc
        theta = theta + STEP * (h_new @ phi["w"] + phi["w0"])
        trail.append((g, x, h, c, i, f, o, u, tc, h_new, theta))
        h, c = h_new, c_new
        values.append(0.5 * np.sum((A @ theta - y) ** 2) / len(y))
    return np.array(values), trail


def meta_loss(phi, problems, steps):
    total = 0.0
    for problem in problems:
        values, _ = optimise(phi, problem, steps)
        total += importance(steps) @ np.log(values + FLOOR)
    return total / len(problems)


def meta_gradient(phi, problems, steps):
    grad = {name: np.zeros_like(value) for name, value in phi.items()}
    weights = importance(steps) / len(problems)
    for problem in problems:
        A, y, theta0 = problem
        m = len(y)
        values, trail = optimise(phi, problem, steps)
        dtheta = np.zeros_like(theta0)
        dh = np.zeros((len(theta0), len(phi["w"])))
        dc = np.zeros_like(dh)
        for k in reversed(range(steps)):
            g, x, h, c, i, f, o, u, tc, h_new, theta = trail[k]
            dtheta = dtheta + weights[k] / (values[k] + FLOOR) * (A.T @ (A @ theta - y)) / m
            dout = STEP * dtheta
            grad["w"] += h_new.T @ dout
            grad["w0"] += dout.sum()
            dh = dh + np.outer(dout, phi["w"])
            dc = dc + dh * o * (1 - tc ** 2)
            da = np.concatenate(
                [dc * u * i * (1 - i), dc * c * f * (1 - f), dh * tc * o * (1 - o), dc * i * (1 - u ** 2)], axis=1
            )
            grad["Wx"] += x.T @ da
            grad["Wh"] += h.T @ da
            grad["b"] += da.sum(axis=0)
            dg = squash_back(g, da @ phi["Wx"].T)
            dtheta = dtheta + A.T @ (A @ dg) / m
            dh = da @ phi["Wh"].T
            dc = dc * f
    return grad


def new_optimiser(H, seed):
    rng = np.random.default_rng(seed)
    return {
        "Wx": rng.normal(0, 0.5, (2, 4 * H)),
        "Wh": rng.normal(0, 0.5, (H, 4 * H)),
        "b": rng.normal(0, 0.3, 4 * H),
        "w": rng.normal(0, 0.5, H),
        "w0": np.array(0.05),
    }


def new_problems(count, m, n, seed):
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(m, n)), rng.normal(size=m), rng.normal(size=n)) for _ in range(count)]


STEPS = 6
phi = new_optimiser(4, seed=701)
problems = new_problems(2, 5, 3, seed=702)
