"""Activity-silent working memory: rate units with short-term plastic synapses.

Tsodyks-Markram variables of every presynaptic unit j: x_j (resources left) and u_j (release probability).

    I_i  = sum_j w_ij u_j x_j r_j + sum_k g_ik s_k + b_i
    v_i <- v_i + DT/TAU_V (I_i - v_i)               r_i = log(1 + exp(v_i))
    x_j <- x_j + DT ((1 - x_j)/TAU_X - u_j x_j r_j)
    u_j <- u_j + DT ((U_j - u_j)/TAU_U + U_j (1 - u_j) r_j)

with U_j = 1/(1 + exp(-a_j)); x starts at 1, u at U, v at 0.  All three use the values of the step before.
A readout c.r has to have the sign of the cue during the delay (squared hinge).
Loops over units, as in the simulator.
"""
import numpy as np

DT, TAU_V, TAU_X, TAU_U = 0.2, 0.5, 0.8, 2.0


def rate(v):
    return np.log(1 + np.exp(v))


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def simulate(par, stimulus):
    """the states at steps 0..T, each (v, x, u), lists over units"""
    n = len(par["b"])
    U = [sigmoid(par["a"][i]) for i in range(n)]
    v, x, u = [0.0] * n, [1.0] * n, U
    path = [(v, x, u)]
    for s in stimulus:
        r = [rate(vi) for vi in v]
        out = [u[j] * x[j] * r[j] for j in range(n)]
        v_new, x_new, u_new = [], [], []
        for i in range(n):
            current = par["b"][i]
            for j in range(n):
                current = current + par["w"][i, j] * out[j]
            for k in range(len(s)):
                current = current + par["g"][i, k] * s[k]
            v_new.append(v[i] + DT / TAU_V * (current - v[i]))
            x_new.append(x[i] + DT * ((1 - x[i]) / TAU_X - out[i]))
            u_new.append(u[i] + DT * ((U[i] - u[i]) / TAU_U + U[i] * (1 - u[i]) * r[i]))
        v, x, u = v_new, x_new, u_new
        path.append((v, x, u))
    return path


def readout(par, v):
    return sum(par["c"][i] * rate(v[i]) for i in range(len(v)))


def task_loss(par, trials, delay):
    loss = 0.0
    for stimulus, sign in trials:
        path = simulate(par, stimulus)
        for t in range(delay, len(path)):
            slack = 1 - sign * readout(par, path[t][0])
            loss = loss + max(slack, 0.0) ** 2
    return loss / len(trials)


def task_grad(par, trials, delay):
    n = len(par["b"])
    U = [sigmoid(par["a"][i]) for i in range(n)]
    d = {name: np.zeros(value.shape) for name, value in par.items()}
    for stimulus, sign in trials:
        path = simulate(par, stimulus)
        dv, dx, du, dU = [0.0] * n, [0.0] * n, [0.0] * n, [0.0] * n
        for t in range(len(stimulus), 0, -1):
            if t >= delay:
                v = path[t][0]
                slack = 1 - sign * readout(par, v)
                dy = -2 * sign * max(slack, 0.0) / len(trials)
                for i in range(n):
                    d["c"][i] += dy * rate(v[i])
                    dv[i] += dy * par["c"][i] * sigmoid(v[i])
            v, x, u = path[t - 1]
            s = stimulus[t - 1]
            r = [rate(vi) for vi in v]
            dcur = [DT / TAU_V * dv[i] for i in range(n)]
            for i in range(n):
                d["b"][i] += dcur[i]
                for k in range(len(s)):
                    d["g"][i, k] += dcur[i] * s[k]
                for j in range(n):
                    d["w"][i, j] += dcur[i] * u[j] * x[j] * r[j]
            pv, px, pu = [], [], []
            for j in range(n):
                dout = sum(par["w"][i, j] * dcur[i] for i in range(n)) - DT * dx[j]
                dr = dout * u[j] * x[j] + du[j] * DT * U[j] * (1 - u[j])
                pv.append(dv[j] * (1 - DT / TAU_V) + dr * sigmoid(v[j]))
                px.append(dx[j] * (1 - DT / TAU_X) + dout * u[j] * r[j])
                pu.append(du[j] * (1 - DT / TAU_U - DT * U[j] * r[j]) + dout * x[j] * r[j])
                dU[j] += du[j] * DT * (1 / TAU_U + (1 - u[j]) * r[j])
            dv, dx, du = pv, px, pu
        for j in range(n):
            d["a"][j] += (dU[j] + du[j]) * U[j] * (1 - U[j])
    return d


def circuit(n, channels, seed):
    rng = np.random.default_rng(seed)
    return {
        "w": rng.normal(0, 1.5 / np.sqrt(n), (n, n)),
        "g": rng.normal(0, 1.2, (n, channels)),
        "b": rng.normal(0, 0.3, n),
        "a": rng.normal(-0.5, 0.3, n),
        "c": rng.normal(0, 0.8, n),
    }


def cues(steps, on, channels, seed):
    """one trial per sign: a noisy cue, then silence"""
    rng = np.random.default_rng(seed)
    trials = []
    for sign in (-1.0, 1.0):
        stimulus = np.zeros((steps, channels))
        stimulus[:on] = sign + 0.5 * rng.standard_normal((on, channels))
        trials.append((stimulus, sign))
    return trials


par = circuit(n=3, channels=2, seed=5)
trials, delay = cues(steps=6, on=2, channels=2, seed=6), 4
