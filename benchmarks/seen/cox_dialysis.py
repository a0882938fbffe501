# Risk of death of dialysis patients: lab series -> light GRU (Ravanelli 2018: no reset gate, ReLU) -> Cox model.
#
# The score r_i of a patient is linear in the state after the last visit.  There is no baseline, so no offset either.
# Partial likelihood (Breslow): each death against all who were under observation at that time.
from typing import NamedTuple

import numpy as np


class Weights(NamedTuple):
    Wz: np.ndarray      # labs x units
    Uz: np.ndarray      # units x units
    bz: np.ndarray
    Wc: np.ndarray
    Uc: np.ndarray
    bc: np.ndarray
    beta: np.ndarray    # units


class Cohort(NamedTuple):
    labs: np.ndarray    # patients x visits x labs, padded with zeros at the end
    visits: np.ndarray  # how many
    months: np.ndarray  # until death or end of observation
    died: np.ndarray    # bool


RIDGE = 0.05


def states(w, cohort):
    patients, longest, _ = cohort.labs.shape
    h = np.zeros((patients, len(w.beta)))
    history = []
    for t in range(longest):
        x = cohort.labs[:, t, :]
        here = (t < cohort.visits)[:, None]
        z = 1 / (1 + np.exp(-(x @ w.Wz + h @ w.Uz + w.bz)))
        pre = x @ w.Wc + h @ w.Uc + w.bc
        c = np.maximum(pre, 0)
        history.append((h, z, pre, c, here))
        h = np.where(here, z * h + (1 - z) * c, h)
    return h, history


def at_risk(cohort):
    """row i: who was still observed when i died"""
    return cohort.months[None, :] >= cohort.months[:, None]


def cox_loss(w, cohort):
    h, _ = states(w, cohort)
    risk = h @ w.beta
    log_sum = np.log((at_risk(cohort) * np.exp(risk)).sum(axis=1))
    fit = -np.mean((risk - log_sum)[cohort.died])
    return fit + 0.5 * RIDGE * (w.beta @ w.beta)


def cox_gradient(w, cohort):
    h, history = states(w, cohort)
    risk = h @ w.beta
    e = at_risk(cohort) * np.exp(risk)
    share = e / e.sum(axis=1, keepdims=True)
    deaths = cohort.died.sum()
    drisk = (share[cohort.died].sum(axis=0) - cohort.died) / deaths

    dbeta = h.T @ drisk + RIDGE * w.beta
    dh = np.outer(drisk, w.beta)
    dWz, dUz, dbz = np.zeros_like(w.Wz), np.zeros_like(w.Uz), np.zeros_like(w.bz)
    dWc, dUc, dbc = np.zeros_like(w.Wc), np.zeros_like(w.Uc), np.zeros_like(w.bc)
    for t in reversed(range(len(history))):
        h_old, z, pre, c, here = history[t]
        x = cohort.labs[:, t, :]
        d = dh * here
        dz = d * (h_old - c) * z * (1 - z)
        dc = d * (1 - z) * (pre > 0)
        dWz += x.T @ dz
        dUz += h_old.T @ dz
        dbz += dz.sum(axis=0)
        dWc += x.T @ dc
        dUc += h_old.T @ dc
        dbc += dc.sum(axis=0)
        dh = dh * ~here + d * z + dz @ w.Uz.T + dc @ w.Uc.T
    return Weights(dWz, dUz, dbz, dWc, dUc, dbc, dbeta)


def draw_weights(labs, units, seed):
    rng = np.random.default_rng(seed)

    def block(bias):
        return (rng.normal(0, 1 / np.sqrt(labs), (labs, units)), rng.normal(0, 0.6 / np.sqrt(units), (units, units)),
                rng.normal(bias, 0.1, units))

    return Weights(*block(0.0), *block(0.4), rng.normal(0, 0.8, units))


def draw_cohort(visits, labs, seed):
    rng = np.random.default_rng(seed)
    visits = np.array(visits)
    series = rng.standard_normal((len(visits), visits.max(), labs))
    series[np.arange(visits.max()) >= visits[:, None]] = 0
    died = rng.random(len(visits)) < 0.6
    died[0] = True
    return Cohort(series, visits, rng.exponential(20, len(visits)), died)


w = draw_weights(labs=3, units=4, seed=12)
cohort = draw_cohort([5, 2, 4, 3, 5], labs=3, seed=13)
