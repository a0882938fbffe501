"""Discrete-time survival: at each visit the probability of relapse before the next one.

Patients have different numbers of visits and may leave the study (censored).  The rows of the recurrent matrix are
weight-normalised, w = s * v / |v|  (Salimans & Kingma 2016); that had made training steadier in our cohort.
"""
from dataclasses import dataclass, fields

import numpy as np


@dataclass
class Model:
    V_in: np.ndarray      # hidden x labs
    V_rec: np.ndarray     # hidden x hidden, directions
    s_rec: np.ndarray     # hidden, lengths
    b: np.ndarray
    start: np.ndarray     # from age and sex to the first state
    beta: np.ndarray      # hidden -> log odds of relapse
    base: np.ndarray      # one number, baseline


@dataclass
class Patient:
    profile: np.ndarray   # age, sex
    visits: np.ndarray    # visit x labs
    relapsed: bool        # after the last visit, or censored?


def zeros_like(model):
    return Model(**{f.name: np.zeros_like(getattr(model, f.name)) for f in fields(Model)})


def rows_normed(model):
    norms = np.sqrt((model.V_rec ** 2).sum(axis=1))
    return model.s_rec[:, None] * model.V_rec / norms[:, None], norms


def follow(model, patient):
    """states (visits + 1) and log odds (visits)"""
    W, _ = rows_normed(model)
    h = [np.tanh(model.start @ patient.profile)]
    odds = []
    for labs in patient.visits:
        h.append(np.tanh(model.V_in @ labs + W @ h[-1] + model.b))
        odds.append(model.beta @ h[-1] + model.base[0])
    return h, odds


def minus_log_likelihood(model, cohort):
    total = 0.0
    for patient in cohort:
        _, odds = follow(model, patient)
        for a in odds[:-1]:
            total += np.log(1 + np.exp(a))                # went on to the next visit
        a = odds[-1]
        total += np.log(1 + np.exp(-a)) if patient.relapsed else np.log(1 + np.exp(a))
    return total / len(cohort)


def score_function(model, cohort):
    """gradient of minus_log_likelihood, as another Model"""
    g = zeros_like(model)
    W, norms = rows_normed(model)
    gW = np.zeros_like(W)
    for patient in cohort:
        h, odds = follow(model, patient)
        last = len(odds) - 1
        gh = np.zeros_like(model.b)
        for t in range(last, -1, -1):
            hazard = 1 / (1 + np.exp(-odds[t]))
            event = 1.0 if t == last and patient.relapsed else 0.0
            ga = (hazard - event) / len(cohort)
            g.beta += ga * h[t + 1]
            g.base += ga
            gh = gh + ga * model.beta
            gn = gh * (1 - h[t + 1] ** 2)
            g.V_in += np.outer(gn, patient.visits[t])
            g.b += gn
            gW += np.outer(gn, h[t])
            gh = W.T @ gn
        g.start += np.outer(gh * (1 - h[0] ** 2), patient.profile)
    # from the normalised rows to lengths and directions
    unit = model.V_rec / norms[:, None]
    g.s_rec = (gW * unit).sum(axis=1)
    g.V_rec = (model.s_rec / norms)[:, None] * (gW - g.s_rec[:, None] * unit)
    return g


def simulate_model(labs, hidden, seed):
    r = np.random.RandomState(seed)
    return Model(
        V_in=r.randn(hidden, labs) * 0.6,
        V_rec=r.randn(hidden, hidden),
        s_rec=0.5 + r.rand(hidden),
        b=r.randn(hidden) * 0.1,
        start=r.randn(hidden, 2) * 0.5,
        beta=r.randn(hidden),
        base=np.array([-1.0]),
    )


def simulate_cohort(counts, labs, seed):
    r = np.random.RandomState(seed)
    return [Patient(np.array([r.randn(), k % 2]), r.randn(n, labs), r.rand() < 0.5) for k, n in enumerate(counts)]


model = simulate_model(labs=3, hidden=4, seed=40)
cohort = simulate_cohort([4, 2, 5, 3], labs=3, seed=41)
