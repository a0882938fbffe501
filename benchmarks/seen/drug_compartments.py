# Population pharmacokinetics: gut -> blood <-> peripheral tissues, elimination from the blood.
# Implicit Euler in time, sensitivities by differentiating the linear system of each step.
#
# population: logs of absorption ka, elimination ke, volume V, then k_out and k_back of each tissue
# eta: random effect of each patient on the elimination
import numpy as np


def rates(pop, eta, tissues):
    """matrix of the compartments (gut, blood, tissues...) and its derivative by each number in pop, and by eta"""
    n = 2 + tissues
    ka, ke = np.exp(pop[0]), np.exp(pop[1] + eta)
    K = np.zeros((n, n))
    dK = np.zeros((len(pop), n, n))
    K[0, 0] -= ka
    K[1, 0] += ka
    K[1, 1] -= ke
    dK[0, 0, 0], dK[0, 1, 0] = -ka, ka
    dK[1, 1, 1] = -ke
    for j in range(tissues):
        there, back = np.exp(pop[3 + j]), np.exp(pop[3 + tissues + j])
        K[1, 1] -= there
        K[2 + j, 1] += there
        K[2 + j, 2 + j] -= back
        K[1, 2 + j] += back
        dK[3 + j, 1, 1], dK[3 + j, 2 + j, 1] = -there, there
        dK[3 + tissues + j, 2 + j, 2 + j], dK[3 + tissues + j, 1, 2 + j] = -back, back
    return K, dK, dK[1]


def patient(pop, eta, doses, tissues, dt):
    """yields the log concentration in the blood, its derivative by pop and its derivative by eta"""
    K, dK, dKeta = rates(pop, eta, tissues)
    n = len(K)
    M = np.eye(n) - dt * K
    amount = np.zeros(n)
    by_pop = np.zeros((n, len(pop)))
    by_eta = np.zeros(n)
    for dose in doses:
        amount = amount.copy()
        amount[0] += dose
        amount = np.linalg.solve(M, amount)
        by_pop = np.linalg.solve(M, by_pop + dt * (dK @ amount).T)
        by_eta = np.linalg.solve(M, by_eta + dt * dKeta @ amount)
        slope = by_pop[1] / amount[1]
        slope[2] -= 1
        yield np.log(amount[1]) - pop[2], slope, by_eta[1] / amount[1]


def objective(theta, doses, logc, tissues, dt=0.5):
    var = np.exp(2 * theta["log_sd"])
    total = 0.0
    for k, eta in enumerate(theta["eta"]):
        for (c, _, _), seen in zip(patient(theta["pop"], eta, doses[k], tissues, dt), logc[k]):
            total += 0.5 * (c - seen) ** 2 / var + theta["log_sd"]
        total += 0.5 * eta ** 2 * np.exp(-2 * theta["log_omega"]) + theta["log_omega"]
    return total / len(doses)


def gradient(theta, doses, logc, tissues, dt=0.5):
    var = np.exp(2 * theta["log_sd"])
    g_pop = np.zeros_like(theta["pop"])
    g_eta = np.zeros_like(theta["eta"])
    g_sd = g_omega = 0.0
    for k, eta in enumerate(theta["eta"]):
        for (c, slope, slope_eta), seen in zip(patient(theta["pop"], eta, doses[k], tissues, dt), logc[k]):
            resid = c - seen
            g_pop += resid / var * slope
            g_eta[k] += resid / var * slope_eta
            g_sd += 1 - resid ** 2 / var
        shrink = np.exp(-2 * theta["log_omega"])
        g_eta[k] += eta * shrink
        g_omega += 1 - eta ** 2 * shrink
    n = len(doses)
    return {"pop": g_pop / n, "eta": g_eta / n, "log_sd": np.array(g_sd / n), "log_omega": np.array(g_omega / n)}


def guess(patients, tissues, seed):
    rng = np.random.default_rng(seed)
    return {
        "pop": rng.normal(-0.5, 0.4, 3 + 2 * tissues),
        "eta": rng.normal(0, 0.4, patients),
        "log_sd": np.array(-0.4),
        "log_omega": np.array(-0.6),
    }


def study(patients, T, seed):
    rng = np.random.default_rng(seed)
    doses = np.where(np.arange(T) % 3 == 0, rng.uniform(2, 5, (patients, 1)), 0.0)
    return doses, rng.normal(0.3, 0.6, (patients, T))


TISSUES = 2
theta = guess(3, TISSUES, seed=421)
doses, logc = study(3, 6, seed=422)
