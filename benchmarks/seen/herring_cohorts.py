"""Statistical catch-at-age assessment of a herring stock.

Cohorts grow older year by year and are thinned by natural mortality M and by fishing; recruits come from the spawning
biomass (Beverton-Holt, with a deviation for each year).  The oldest age is a plus group.
Data: total catch and a survey index (log-normal), age composition of the catch (multinomial).
"""
from collections import namedtuple

import numpy as np

M = 0.2
CV_CATCH, CV_SURVEY, CV_REC, N_EFF = 0.1, 0.3, 0.6, 15.0

Stock = namedtuple("Stock", "log_n1 log_f selectivity log_bh dev log_q")
Data = namedtuple("Data", "weight mature catch survey composition")


def logistic(a):
    return 1.0 / (1.0 + np.exp(-a))


def select(par, ages):
    a50, steep = par
    return logistic(steep * (np.arange(ages) - a50))


def project(stock, data):
    """numbers at age N (years, ages) and all else that is needed"""
    years, ages = data.composition.shape
    sel = select(stock.selectivity, ages)
    F = np.exp(stock.log_f)[:, None] * sel
    Z = F + M
    dead = 1.0 - np.exp(-Z)
    alpha, beta = np.exp(stock.log_bh)
    N = np.zeros((years, ages))
    ssb = np.zeros(years)
    N[0] = np.exp(stock.log_n1)
    for y in range(years):
        ssb[y] = np.sum(N[y] * data.weight * data.mature)
        if y + 1 < years:
            left = N[y] * (1.0 - dead[y])
            N[y + 1, 0] = alpha * ssb[y] / (beta + ssb[y]) * np.exp(stock.dev[y])
            N[y + 1, 1:] = left[:-1]
            N[y + 1, -1] += left[-1]
    C = F / Z * dead * N
    return N, ssb, sel, F, Z, dead, C


def residuals(stock, data, N, C):
    r_catch = np.log(C @ data.weight) - np.log(data.catch)
    r_survey = np.log(N @ data.weight) + stock.log_q - np.log(data.survey)
    return r_catch, r_survey


def nll(stock, data):
    N, *_, C = project(stock, data)
    r_catch, r_survey = residuals(stock, data, N, C)
    share = C / C.sum(axis=1, keepdims=True)
    value = 0.5 * np.sum(r_catch ** 2) / CV_CATCH ** 2 + 0.5 * np.sum(r_survey ** 2) / CV_SURVEY ** 2
    value -= N_EFF * np.sum(data.composition * np.log(share))
    return value + 0.5 * np.sum(stock.dev ** 2) / CV_REC ** 2


def nll_gradient(stock, data):
    N, ssb, sel, F, Z, dead, C = project(stock, data)
    years, ages = N.shape
    r_catch, r_survey = residuals(stock, data, N, C)
    alpha, beta = np.exp(stock.log_bh)

    # likelihoods
    d_C = np.outer(r_catch / CV_CATCH ** 2 / (C @ data.weight), data.weight)
    d_C += N_EFF * (data.composition.sum(axis=1) / C.sum(axis=1))[:, None] - N_EFF * data.composition / C
    d_N = np.outer(r_survey / CV_SURVEY ** 2 / (N @ data.weight), data.weight)
    d_dev = stock.dev / CV_REC ** 2
    d_log_q = r_survey.sum() / CV_SURVEY ** 2

    # catch equation
    d_N += d_C * F / Z * dead
    d_dead = d_C * F / Z * N
    d_F = d_C * dead * N / Z
    d_Z = -d_C * C / Z

    # cohorts, from the last year to the first
    d_log_bh = np.zeros(2)
    for y in range(years - 2, -1, -1):
        d_left = np.append(d_N[y + 1, 1:], d_N[y + 1, -1])
        d_rec = d_N[y + 1, 0] * N[y + 1, 0]  # with respect to the logarithm of the recruits
        d_dev[y] += d_rec
        d_log_bh[0] += d_rec
        d_log_bh[1] -= d_rec * beta / (beta + ssb[y])
        d_ssb = d_rec * (1.0 / ssb[y] - 1.0 / (beta + ssb[y]))
        d_N[y] += d_left * (1.0 - dead[y]) + d_ssb * data.weight * data.mature
        d_dead[y] -= d_left * N[y]

    d_Z += d_dead * (1.0 - dead)
    d_F += d_Z
    d_sel = np.exp(stock.log_f) @ d_F
    a50, steep = stock.selectivity
    d_arg = d_sel * sel * (1.0 - sel)
    d_selectivity = np.array([-steep * d_arg.sum(), d_arg @ (np.arange(ages) - a50)])
    return Stock(
        log_n1=d_N[0] * N[0], log_f=np.sum(d_F * F, axis=1), selectivity=d_selectivity,
        log_bh=d_log_bh, dev=d_dev, log_q=d_log_q,
    )


def first_guess(years, ages, seed):
    rng = np.random.default_rng(seed)
    return Stock(
        log_n1=1.0 - 0.3 * np.arange(ages) + 0.2 * rng.normal(size=ages), log_f=-1.0 + 0.3 * rng.normal(size=years),
        selectivity=np.array([1.3, 1.1]), log_bh=np.array([1.0, 0.2]), dev=0.3 * rng.normal(size=years - 1),
        log_q=np.array(-0.4),
    )


def landings(years, ages, seed):
    rng = np.random.default_rng(seed)
    weight, mature = np.linspace(0.3, 1.2, ages), logistic(1.5 * (np.arange(ages) - 1.5))
    composition = rng.dirichlet(np.full(ages, 4.0), size=years)
    return Data(weight, mature, rng.gamma(6.0, 0.2, years), rng.gamma(6.0, 0.4, years), composition)


stock = first_guess(6, 4, seed=791)
data = landings(6, 4, seed=792)
