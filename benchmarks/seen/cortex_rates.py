# Firing-rate network for a cognitive task (leaky integrator, Euler steps, dt/tau = alpha).
# Connections are sparse (a fixed 0/1 matrix), rates are penalised, only part of the trial counts.
import numpy as np

alpha = 0.3
rate_cost = 0.02
weight_cost = 0.01


def phi(v):
    return 1. / (1. + np.exp(-v))


def trial(stim, Win, J, bias, sparse):
    """stim: (n_in, n_steps, n_trials) -> voltages and rates, each (n_units, n_steps + 1, n_trials)"""
    n_in, n_steps, n_trials = stim.shape
    Jeff = J * sparse
    V = np.zeros((J.shape[0], n_steps + 1, n_trials))
    R = np.zeros((J.shape[0], n_steps + 1, n_trials))
    R[:, 0, :] = phi(V[:, 0, :])
    for k in range(1, n_steps + 1):
        drive = Jeff @ R[:, k - 1, :] + Win @ stim[:, k - 1, :] + bias[:, None]
        V[:, k, :] = (1 - alpha) * V[:, k - 1, :] + alpha * drive
        R[:, k, :] = phi(V[:, k, :])
    return V, R


def objective(stim, goal, window, Win, J, bias, Wread, sparse):
    V, R = trial(stim, Win, J, bias, sparse)
    err = np.zeros_like(goal)
    n_trials = stim.shape[2]
    for k in range(goal.shape[1]):
        err[:, k, :] = window[k] * (Wread @ R[:, k + 1, :] - goal[:, k, :])
    task = 0.5 * np.sum(err ** 2) / n_trials
    rates = 0.5 * rate_cost * np.sum(R[:, 1:, :] ** 2) / n_trials
    return task + rates + 0.5 * weight_cost * np.sum((J * sparse) ** 2)


def objective_gradient(stim, goal, window, Win, J, bias, Wread, sparse):
    n_in, n_steps, n_trials = stim.shape
    V, R = trial(stim, Win, J, bias, sparse)
    Jeff = J * sparse

    grad_Win = np.zeros_like(Win)
    grad_Jeff = weight_cost * Jeff
    grad_bias = np.zeros_like(bias)
    grad_Wread = np.zeros_like(Wread)

    lam = np.zeros((J.shape[0], n_trials))      # adjoint of V
    into_R = np.zeros((J.shape[0], n_trials))   # what the following step sends to the rates
    for k in range(n_steps, 0, -1):
        rk = R[:, k, :]
        miss = window[k - 1] ** 2 * (Wread @ rk - goal[:, k - 1, :]) / n_trials
        grad_Wread += miss @ rk.T
        dR = Wread.T @ miss + rate_cost * rk / n_trials + into_R
        lam = (1 - alpha) * lam + dR * rk * (1 - rk)
        d_drive = alpha * lam
        grad_Win += d_drive @ stim[:, k - 1, :].T
        grad_Jeff += d_drive @ R[:, k - 1, :].T
        grad_bias += d_drive.sum(axis=1)
        into_R = Jeff.T @ d_drive
    return grad_Win, grad_Jeff * sparse, grad_bias, grad_Wread


prng = np.random.RandomState(101)
n_in, n_units, n_out, n_steps, n_trials = 2, 5, 3, 7, 4
Win = prng.randn(n_units, n_in)
J = prng.randn(n_units, n_units) * 1.5
bias = prng.randn(n_units) * 0.5
Wread = prng.randn(n_out, n_units)
sparse = (prng.rand(n_units, n_units) < 0.75) * 1.0
stim = prng.randn(n_in, n_steps, n_trials)
goal = prng.randn(n_out, n_steps, n_trials)
window = np.array([0., 0., 1., 1., 0.5, 1., 2.])
