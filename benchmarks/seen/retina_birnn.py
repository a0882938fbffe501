"""Spike counts of a small retinal population, decoded with a bidirectional RNN.

The counts in each bin are Poisson; the network gives the log rate of each cell.  The stimulus is
(trials, bins, channels), counts are (trials, bins, cells).
"""
import numpy as np


class BiRNNPoisson:
    def __init__(self, n_channels, n_hidden, n_cells, random_state=None):
        rng = np.random.default_rng(random_state)
        self.params = {}
        for d in ("fwd", "bwd"):
            self.params[d + "_in"] = rng.normal(0, 1 / np.sqrt(n_channels), (n_channels, n_hidden))
            self.params[d + "_rec"] = rng.normal(0, 1 / np.sqrt(n_hidden), (n_hidden, n_hidden))
            self.params[d + "_bias"] = rng.normal(0, 0.1, n_hidden)
            self.params["readout_" + d] = rng.normal(0, 0.5, (n_hidden, n_cells))
        self.params["log_base"] = np.log(0.8) + rng.normal(0, 0.1, n_cells)
        self.grads = {}

    # ------------------------------------------------------------------ one direction
    def _sweep(self, d, stim):
        p = self.params
        n_trials, n_bins, _ = stim.shape
        h = np.zeros((n_trials, p[d + "_rec"].shape[0]))
        hidden = []
        for k in range(n_bins):
            h = np.tanh(stim[:, k] @ p[d + "_in"] + h @ p[d + "_rec"] + p[d + "_bias"])
            hidden.append(h)
        return np.stack(hidden, axis=1)

    def _sweep_back(self, d, stim, hidden, dhidden):
        p, g = self.params, self.grads
        before = np.concatenate([np.zeros_like(hidden[:, :1]), hidden[:, :-1]], axis=1)
        delta = np.zeros_like(hidden)
        carry = 0.0
        for k in reversed(range(stim.shape[1])):
            delta[:, k] = (dhidden[:, k] + carry) * (1 - hidden[:, k] ** 2)
            carry = np.dot(delta[:, k], p[d + "_rec"].T)
        g[d + "_in"] = np.einsum("nkc,nkh->ch", stim, delta)
        g[d + "_rec"] = np.einsum("nkg,nkh->gh", before, delta)
        g[d + "_bias"] = np.einsum("nkh->h", delta)

    # ------------------------------------------------------------------ the model
    def log_rate(self, stim):
        self.h_fwd = self._sweep("fwd", stim)
        self.h_bwd = self._sweep("bwd", stim[:, ::-1])[:, ::-1]
        p = self.params
        return self.h_fwd @ p["readout_fwd"] + self.h_bwd @ p["readout_bwd"] + p["log_base"]

    def negative_log_likelihood(self, stim, counts):
        eta = self.log_rate(stim)
        # log(counts!) does not depend on the parameters
        return (np.exp(eta) - counts * eta).mean()

    def compute_grads(self, stim, counts):
        eta = self.log_rate(stim)
        deta = (np.exp(eta) - counts) / counts.size
        g = self.grads
        g["log_base"] = deta.sum((0, 1))
        for d, h in (("fwd", self.h_fwd), ("bwd", self.h_bwd)):
            g["readout_" + d] = np.tensordot(h, deta, ([0, 1], [0, 1]))
        p = self.params
        self._sweep_back("fwd", stim, self.h_fwd, deta @ p["readout_fwd"].T)
        flip = np.s_[:, ::-1]
        self._sweep_back("bwd", stim[flip], self.h_bwd[flip], (deta @ p["readout_bwd"].T)[flip])


def simulate_recording(n_trials, n_bins, n_channels, n_cells, seed):
    rng = np.random.default_rng(seed)
    stim = rng.standard_normal((n_trials, n_bins, n_channels))
    filters = rng.standard_normal((n_channels, n_cells)) / n_channels
    counts = rng.poisson(np.exp(stim @ filters)).astype(float)
    return stim, counts


stim, counts = simulate_recording(n_trials=2, n_bins=5, n_channels=3, n_cells=2, seed=21)
model = BiRNNPoisson(3, 4, 2, random_state=5)
