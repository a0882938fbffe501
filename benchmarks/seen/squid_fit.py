"""Fit of a Hodgkin-Huxley type membrane to current-clamp sweeps, gradient by the adjoint of the time stepping.

Voltages are in units of 25 mV around -50 mV.  Gates (m, h, n) relax exponentially during a step (Rush & Larsen 1978),
the voltage makes an Euler step.  All sweeps run side by side.
"""
from dataclasses import dataclass, fields

import numpy as np

DT = 0.1
E_NA, E_K, E_LEAK = 4.0, -1.1, -0.2
REST = -0.6


@dataclass
class Membrane:
    log_g: np.ndarray    # sodium, potassium, leak
    half: np.ndarray     # half activation of m, h, n
    slope: np.ndarray    # their steepness, negative for the gate that closes
    log_tau: np.ndarray  # time constants

    def zeros(self):
        return Membrane(*(np.zeros_like(getattr(self, f.name)) for f in fields(self)))


@dataclass
class Recording:
    current: np.ndarray  # (time, sweeps)
    voltage: np.ndarray  # (time, sweeps), after each step


def steady(cell, V):
    """(sweeps, 3)"""
    return 1 / (1 + np.exp(-cell.slope * (V[:, None] - cell.half)))


def simulate(cell, current):
    g_na, g_k, g_leak = np.exp(cell.log_g)
    keep = np.exp(-DT * np.exp(-cell.log_tau))
    V = np.full(current.shape[1], REST)
    gates = steady(cell, V)
    tape = []
    for I in current:
        target = steady(cell, V)
        new = target + (gates - target) * keep
        m, h, n = new.T
        I_ion = g_na * m ** 3 * h * (V - E_NA) + g_k * n ** 4 * (V - E_K) + g_leak * (V - E_LEAK)
        V_new = V + DT * (I - I_ion)
        tape.append((V, gates, target, new, V_new))
        V, gates = V_new, new
    return tape


def misfit(cell, rec):
    tape = simulate(cell, rec.current)
    return sum(0.5 * np.sum((step[-1] - v) ** 2) for step, v in zip(tape, rec.voltage)) / rec.voltage.size


def steady_adjoint(cell, V, value, value_bar, bar):
    """adds to bar, returns the adjoint of V"""
    a_bar = value_bar * value * (1 - value)
    bar.slope += np.sum(a_bar * (V[:, None] - cell.half), axis=0)
    bar.half -= cell.slope * a_bar.sum(axis=0)
    return a_bar @ cell.slope


def misfit_adjoint(cell, rec):
    tape = simulate(cell, rec.current)
    g_na, g_k, g_leak = np.exp(cell.log_g)
    keep = np.exp(-DT * np.exp(-cell.log_tau))
    bar = cell.zeros()
    g_bar, keep_bar = np.zeros(3), np.zeros(3)
    V_bar = np.zeros(rec.current.shape[1])
    gates_bar = np.zeros((rec.current.shape[1], 3))
    for k in range(len(tape) - 1, -1, -1):
        V, gates, target, new, V_new = tape[k]
        V_bar = V_bar + (V_new - rec.voltage[k]) / rec.voltage.size
        # V_new = V + DT * (I - I_ion)
        ion_bar = -DT * V_bar
        m, h, n = new.T
        drive_na, drive_k = V - E_NA, V - E_K
        g_bar[0] += np.sum(ion_bar * m ** 3 * h * drive_na)
        g_bar[1] += np.sum(ion_bar * n ** 4 * drive_k)
        g_bar[2] += np.sum(ion_bar * (V - E_LEAK))
        V_bar = V_bar + ion_bar * (g_na * m ** 3 * h + g_k * n ** 4 + g_leak)
        gates_bar[:, 0] += ion_bar * g_na * 3 * m ** 2 * h * drive_na
        gates_bar[:, 1] += ion_bar * g_na * m ** 3 * drive_na
        gates_bar[:, 2] += ion_bar * g_k * 4 * n ** 3 * drive_k
        # new = target + (gates - target) * keep
        keep_bar += np.sum(gates_bar * (gates - target), axis=0)
        V_bar = V_bar + steady_adjoint(cell, V, target, gates_bar * (1 - keep), bar)
        gates_bar = gates_bar * keep
    V, gates = tape[0][:2]
    steady_adjoint(cell, V, gates, gates_bar, bar)  # the gates were at rest
    bar.log_g += g_bar * np.array([g_na, g_k, g_leak])
    bar.log_tau += keep_bar * keep * DT * np.exp(-cell.log_tau)
    return bar


def guess(seed):
    rng = np.random.default_rng(seed)
    return Membrane(
        log_g=np.array([1.0, 0.6, -1.0]) + 0.2 * rng.normal(size=3),
        half=np.array([0.4, -0.5, 0.0]) + 0.2 * rng.normal(size=3),
        slope=np.array([2.5, -2.0, 1.5]) + 0.2 * rng.normal(size=3),
        log_tau=np.array([-1.5, 0.3, 0.1]) + 0.2 * rng.normal(size=3),
    )


def clamp(steps, sweeps, seed):
    rng = np.random.default_rng(seed)
    current = np.linspace(0.2, 1.5, sweeps) + 0.2 * rng.normal(size=(steps, sweeps))
    return Recording(current, REST + np.cumsum(0.3 * rng.normal(size=(steps, sweeps)), axis=0))


cell = guess(seed=771)
rec = clamp(12, 3, seed=772)
