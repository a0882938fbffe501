"""Behaviour of gulls from step lengths: hidden Markov model with Gaussian emissions (of log step length).

Tracks have different lengths. The scaled forward recursion gives the likelihood; its reverse gives the gradient with
respect to the working (unconstrained) parameters.
"""
import numpy as np
from collections import namedtuple

HMM = namedtuple("HMM", "start trans mean logsd")


def rows_softmax(a):
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def density(hmm, x):
    sd = np.exp(hmm.logsd)
    return np.exp(-0.5 * ((x - hmm.mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))


def filter_track(hmm, track):
    """filtered probabilities, predicted probabilities, densities and scale factors, one of each per fix"""
    P = rows_softmax(hmm.trans)
    pred = rows_softmax(hmm.start)
    steps = []
    for x in track:
        dens = density(hmm, x)
        joint = pred * dens
        scale = joint.sum()
        filt = joint / scale
        steps.append((filt, pred, dens, scale))
        pred = filt @ P
    return steps


def mllk(hmm, tracks):
    total = 0.0
    fixes = 0
    for track in tracks:
        for _, _, _, scale in filter_track(hmm, track):
            total = total - np.log(scale)
        fixes += len(track)
    return total / fixes


def mllk_gradient(hmm, tracks):
    P = rows_softmax(hmm.trans)
    pi = rows_softmax(hmm.start)
    sd = np.exp(hmm.logsd)
    dP = np.zeros_like(P)
    dpi = np.zeros_like(pi)
    dmean = np.zeros_like(hmm.mean)
    dlogsd = np.zeros_like(hmm.logsd)
    fixes = sum(len(track) for track in tracks)

    for track in tracks:
        steps = filter_track(hmm, track)
        dpred = np.zeros_like(pi)
        for i in range(len(track) - 1, -1, -1):
            filt, pred, dens, scale = steps[i]
            dP += np.outer(filt, dpred)
            dfilt = P @ dpred
            djoint = (dfilt - dfilt @ filt - 1 / fixes) / scale
            dlog = djoint * pred * dens
            resid = (track[i] - hmm.mean) / sd
            dmean += dlog * resid / sd
            dlogsd += dlog * (resid ** 2 - 1)
            dpred = djoint * dens
        dpi += dpred

    dtrans = P * (dP - (dP * P).sum(axis=1, keepdims=True))
    dstart = pi * (dpi - dpi @ pi)
    return HMM(dstart, dtrans, dmean, dlogsd)


def working(states, seed):
    rng = np.random.default_rng(seed)
    return HMM(
        start=0.5 * rng.normal(size=states),
        trans=1.5 * np.eye(states) + 0.3 * rng.normal(size=(states, states)),
        mean=np.linspace(-1.0, 1.5, states) + 0.1 * rng.normal(size=states),
        logsd=0.2 * rng.normal(size=states),
    )


def colony(lengths, seed):
    rng = np.random.default_rng(seed)
    return [rng.normal(0.3, 1.0, size=n) for n in lengths]


hmm = working(3, seed=81)
tracks = colony([6, 3, 4], seed=82)
