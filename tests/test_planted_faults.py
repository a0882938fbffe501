"""The judge is judged: each fault, planted in one function, must be found in the right gradients and nowhere else.

The mistakes are those that people make (an index off by one, a path dropped, a transpose forgotten, ...).
"""

import json
import sys

import pytest
from jaxtyping import config

from planting import plant
from rnn_jax import cli
from rnn_jax.verify.run import EACH

LAYER = "U W b bh x h0"  # all that lies behind the recurrence
ONE = "U W b x h0"  # the same where there is one bias
LSTM = LAYER + " s0"
NORMED = LAYER + " gx gh"  # with gains
ALL = LSTM + " gx gh gs bs"

# the mistake, the right text, the wrong one, the gradients that it makes wrong
RNN = [
    ("path from t+1 dropped", "np.where(m, dropped(dhW @ p.W.T, noise.kh), dh)", "np.where(m, 0 * dh, dh)", LAYER),
    ("transpose missing", "dhW @ p.W.T", "dhW @ p.W", LAYER),
    ("previous state off by one", "dropped(h[t - 1], noise.kh)", "dropped(h[t], noise.kh)", "W"),
    ("derivative at the post-activation", "1 - np.tanh(a[t]) ** 2", "1 - np.tanh(h[t]) ** 2", LAYER),
    ("derivative forgotten", "dh * (1 - np.tanh(a[t]) ** 2 if", "dh * (1 if", LAYER),
    ("W overwritten, not added to", "dW += dropped", "dW = dropped", "W"),
    ("b overwritten, not added to", "db += da[t].sum(0)", "db = da[t].sum(0)", "b bh"),
    ("mean over the batch for the sum", "db += da[t].sum(0)", "db += da[t].mean(0)", "b bh"),
    (
        "accumulator in float32",
        "dW += dropped(h[t - 1], noise.kh).T @ dhW",
        "dW[:] = (dW + h[t - 1].T @ dhW).astype('f4')",
        "W",
    ),
    (
        "truncated at 40 steps",
        "dropped(dhW @ p.W.T, noise.kh)",
        "dropped(dhW @ p.W.T, noise.kh) * ((len(a) - t) % 40 > 0)",
        ONE,
    ),
    ("path from t+1 counted twice", "dh = dh_out[t] + dh_next", "dh = dh_out[t] + 2 * dh_next", LAYER),
    ("sign of one gradient", "Params(dU, dW", "Params(-dU, dW", "U"),
    ("mask ignored", "np.where(m, da_t, 0)", "da_t", LAYER),
    ("state lost where the mask is off", "noise.kh), dh)", "noise.kh), 0)", LAYER),
    ("final state's gradient ignored", "dh_next = dfinal.h", "dh_next = 0 * dfinal.h", LAYER),
    ("first step skipped", "reversed(range(len(a)))", "reversed(range(1, len(a)))", LAYER),
    ("second bias counted twice", "db.copy()", "2 * db", "bh"),
    ("clipped inside", "Params(dU, dW, db", "Params(dU, np.clip(dW, -0.5, 0.5), db", "W"),
    ("gradient of another shape", "Params(dU, dW, db", "Params(dU, dW[:-1], db", "W"),
    ("gradient not a number", "Params(dU, dW, db", "Params(dU, dW * np.nan, db", "W"),
    ("gradient in another dtype", "Params(dU, dW, db", "Params(dU, dW.astype('f4'), db", "W"),
]
RELU = [
    ("slope of 1 everywhere", "a[t] > 0)", "a[t] > -np.inf)", LAYER),
    ("value for slope", "a[t] > 0)", "h[t])", LAYER),
]
LSTM_FAULTS = [
    ("cell path dropped", "np.where(m, ds * f[t], ds_next)", "np.where(m, 0 * ds, ds_next)", LSTM),
    ("hidden path dropped", "np.where(m, dropped(dhW @ p.W.T, noise.kh), dh)", "np.where(m, 0 * dh, dh)", LSTM),
    ("gates exchanged", "ds * g[t], ds * s[t - 1], ds * i[t]", "ds * i[t], ds * s[t - 1], ds * g[t]", LSTM),
    ("cell state off by one", "ds * s[t - 1]", "ds * s[t]", LSTM),
    ("sigmoid's slope for the candidate", "dg * (1 - g[t] ** 2)", "dg * g[t] * (1 - g[t])", LSTM),
    ("slope of tanh(s) forgotten", "* (1 - tanh_v**2)", "", LSTM),
    ("tanh of s forgotten", "do = dh * tanh_v", "do = dh * s[t]", LSTM),
    ("cell state's gradient replaced", "State(dh_next, ds_next)", "State(dh_next, dh_next)", "s0"),
    ("gates in another order", "[da_i, da_f, da_g, da_o]", "[da_i, da_f, da_o, da_g]", LSTM),
    ("added after the derivative", "df * f[t] * (1 - f[t])", "(df * f[t]) * (1 + f[t])", LSTM),
]
GRU = [
    ("second bias given the first's gradient", "dbh += dq[t].sum(0)", "dbh += da[t].sum(0)", "bh"),
    ("reset gate's factor", "dr, dq_n = da_n * h_n[t]", "dr, dq_n = da_n * h[t - 1]", LAYER),
    ("reset forgotten on the way back", "da_n * h_n[t], da_n * r[t]", "da_n * h_n[t], da_n", "W bh U b x h0"),
    ("kept state's path dropped", "noise.kh) + dh * z[t]", "noise.kh)", LAYER),
    ("z for 1 - z", "dh * (1 - z[t])", "dh * z[t]", LAYER),
    ("sign of the update gate", "dh * (h[t - 1] - n[t])", "dh * (n[t] - h[t - 1])", LAYER),
]
GRU_BEFORE = [
    ("path through the reset state dropped", "+ dq * r[t], noise.kh)", ", noise.kh)", LAYER),
    ("reset forgotten in W_n", "q[t].T @ da_n", "h[t - 1].T @ da_n", "W"),
    ("reset gate's factor", "dr = dq * hq", "dr = dq * h[t]", LAYER),
    ("transpose missing", "da_n @ W_n.T", "da_n @ W_n", LAYER),
]
# Where one cell of all is wrong, no more shows than its shapes hold.
VARIATIONAL = [
    ("reference.rnn", "forgotten on the way back", "dropped(dhW @ p.W.T, noise.kh)", "dhW @ p.W.T", NORMED),
    ("reference.rnn", "forgotten in dW", "dropped(h[t - 1], noise.kh).T", "h[t - 1].T", "W"),
    ("reference.lstm", "forgotten on the way back", "dropped(dhW @ p.W.T, noise.kh)", "dhW @ p.W.T", ALL),
    ("reference.lstm", "forgotten in dW", "dropped(h[t - 1], noise.kh).T", "h[t - 1].T", "W"),
    (
        "reference.gru",
        "what the gate keeps dropped too",
        "noise.kh) + dh * z[t]",
        "noise.kh) + noise.kh * dh * z[t]",
        NORMED,
    ),
    ("reference.gru", "forgotten in dW", "dropped(h[t - 1], noise.kh).T", "h[t - 1].T", "W"),
    (
        "reference.gru_before",
        "reset path not dropped",
        "da_rz @ W_rz.T + dq * r[t], noise.kh)",
        "da_rz @ W_rz.T, noise.kh) + dq * r[t]",
        LAYER,
    ),
    ("reference.gru_before", "reset gate sees the whole state", "dr = dq * hq", "dr = dq * h[t - 1]", LAYER),
    ("reference.gru_before", "forgotten in dW", "hq.T @ da_rz", "h[t - 1].T @ da_rz", "W"),
]
ZONEOUT = [
    ("reference.noise", "zoned_backward", "old state's share forgotten", "d * z[t], d *", "0 * d, d *", ALL),
    (
        "reference.noise",
        "zoned_backward",
        "shares exchanged",
        "d * z[t], d * (1 - z[t])",
        "d * (1 - z[t]), d * z[t]",
        ALL,
    ),
    ("reference.noise", "zoned_backward", "the new state's whole", "d * (1 - z[t])", "d", ALL),
    ("reference.rnn", "backward", "tanh's slope at what was kept", "np.tanh(a[t]) ** 2", "h[t] ** 2", NORMED),
    ("reference.lstm", "backward", "output seen through the kept cell state", "np.tanh(v[t])", "np.tanh(s[t])", ALL),
    ("reference.lstm", "backward", "kept cell state's path dropped", "ds_next) + ds_kept", "ds_next)", ALL),
    ("reference.gru", "backward", "kept state's path dropped", " + dh_kept", "", NORMED),
    ("reference.gru_before", "backward", "kept state's path dropped", " + dh_kept", "", LAYER),
]
BACK = "reference.layer_norm", "normed_backward"
NORM = [
    ("rnn-norm", *BACK, "mean's path dropped", "dhat - mean(dhat) - hat", "dhat - hat", NORMED),
    ("rnn-norm", *BACK, "variance's path dropped", " - hat * mean(dhat * hat)", "", NORMED),
    ("gru-norm", *BACK, "spread forgotten", ") / sigma", ")", NORMED),
    ("gru-norm", *BACK, "gain forgotten", "dhat = gain * d", "dhat = d", NORMED),
    ("lstm-norm", *BACK, "sum for the mean", "hat * mean(dhat", "hat.shape[-1] * hat * mean(dhat", ALL),
    ("rnn-norm", "reference.layer_norm", "gain_gradient", "that of the shift", "kept.hat", "1 + 0 * kept.hat", "gx gh"),
    ("rnn-norm", "reference.rnn", "backward", "input's not undone", "normed_backward(da, p.norm.gx, xn)", "da", NORMED),
    ("rnn-norm", "reference.rnn", "backward", "gains exchanged", "(da[t], p.norm.gh", "(da[t], p.norm.gx", NORMED),
    ("gru-norm", "reference.gru", "backward", "reset forgotten in the gain", "(dq, hn)", "(da, hn)", "gh"),
    ("gru-norm", "reference.gru", "backward", "another step's", "at(hn, t)", "at(hn, t - 1)", NORMED),
    (
        *("lstm-norm", "reference.lstm", "backward", "cell state's not undone"),
        *("normed_backward(dv[t], p.norm.gs, at(sn, t))", "dv[t]", ALL),
    ),
    ("lstm-norm", "reference.lstm", "backward", "last step only", "dv.sum((0, 1))", "dv[-1].sum(0)", "bs"),
    (
        "lstm-norm",
        "reference.lstm",
        "backward",
        "mask ignored",
        "np.where(m, dh * o[t] * (1 - tanh_v**2), 0)",
        "dh * o[t] * (1 - tanh_v**2)",
        "gs bs",
    ),
]
COLUMNS = [
    ("transpose missing", "p.W.T @ da", "p.W @ da", ONE),
    ("path from t+1 dropped", "do[t] + dh_next", "do[t]", ONE),
    ("previous state off by one", "da @ h[t - 1].T", "da @ h[t].T", "W"),
    ("c overwritten, not added to", "dc += do[t]", "dc = dc * 0 + do[t]", "c"),
    ("input's gradient of the last step everywhere", "dx[t] = p.U.T @ da", "dx[:] = p.U.T @ da", "x"),
    ("V with the state before", "do[t] @ h[t].T", "do[t] @ h[t - 1].T", "V"),
]
STEPS_BACKWARD = [
    ("slope not squared", "1 - a * a", "1 - a", "U W b h0"),
    ("path from t+1 dropped", "@ dy + da_next", "@ dy", "U W b h0"),
    ("state after for state before", "daraw @ a_prev.T", "daraw @ a.T", "W"),
]
RTRL_ADVANCE = [
    (
        "Kronecker delta missing",
        'np.einsum("kj,i->kij", delta, h_prev)',
        'np.einsum("kj,i->kij", delta + 1, h_prev)',
        "W",
    ),
    ("slope missing from the carried part", 'np.einsum("k,kij->kij", slope, S_W)', "S_W", "W"),
    ("W transposed", 'np.einsum("mk,mij->kij", p.W, S.U)', 'np.einsum("km,mij->kij", p.W, S.U)', "U"),
    ("carried part dropped", 'np.einsum("mk,mj->kj", p.W, S.b) + delta', "delta + 0 * S.b", "b"),
    ("state's own sensitivity frozen", 'np.einsum("k,kj->kj", slope, S_h0)', "S.h0", "h0"),
]

DEFAULT = str(EACH)  # configurations, as when `rnn-jax verify` is asked for nothing else

# implementation, module, function, and the same
FAULTS = [
    *(("rnn", "reference.rnn", "backward", *fault) for fault in RNN),
    *(("rnn-relu", "reference.rnn", "backward", *fault) for fault in RELU),
    *(("lstm", "reference.lstm", "backward", *fault) for fault in LSTM_FAULTS),
    *(("gru", "reference.gru", "backward", *fault) for fault in GRU),
    *(("gru-before", "reference.gru_before", "backward", *fault) for fault in GRU_BEFORE),
    *(("variational", module, "backward", *fault) for module, *fault in VARIATIONAL),
    *(("zoneout", *fault) for fault in ZONEOUT),
    *NORM,
    *(("columns", "reference.columns", "backward", *fault) for fault in COLUMNS),
    *(("steps", "reference.steps", "step_backward", *fault) for fault in STEPS_BACKWARD),
    *(("rtrl", "reference.rtrl", "advance", *fault) for fault in RTRL_ADVANCE),
    ("steps", "reference.steps", "accumulate", "replaced, not added", "gradients[name] + share", "share", "U W V b c"),
    ("steps", "reference.steps", "backward", "two states off", "a[t - 1])", "a[t - 2 if t > 1 else -1])", "W"),
    ("rtrl", "reference.rtrl", "gradient", "final state ignored", "(dh_final if", "(0 * dh_final if", "U W b h0"),
    ("rtrl", "reference.rtrl", "gradient", "readout's bias", "dc += do", "dc = do", "c"),
    ("rtrl", "reference.rtrl", "initial", "state owes itself nothing", "np.eye(H", "0 * np.eye(H", "h0"),
    (
        "rnn",
        "reference.inputs",
        "project_backward",
        "rows hit twice",
        "np.add.at(dU, x[x >= 0], da[x >= 0])",
        "dU[x[x >= 0]] += da[x >= 0]",
        "U",
    ),
    (
        "rnn",
        "reference.inputs",
        "project_backward",
        "nothing counted as the last row",
        "np.add.at(dU, x[x >= 0], da[x >= 0])",
        "np.add.at(dU, x, da)",
        "U",
    ),
    (
        "rnn",
        "reference.inputs",
        "project_backward",
        "input's gradient reversed",
        "return dU, da @ U.T",
        "return dU, (da @ U.T)[::-1]",
        LAYER,
    ),
    ("rnn", "reference.readout", "backward", "last step only", "do.sum((0, 1))", "do[-1].sum(0)", "c"),
    ("rnn", "reference.readout", "backward", "half of V", "do @ V.T", "0.5 * (do @ V.T)", LAYER),
    (
        "rnn",
        "reference.readout",
        "backward",
        "states reversed",
        '"tbh,tbk->hk", h, do',
        '"tbh,tbk->hk", h[::-1], do',
        "V",
    ),
    ("dropout", "reference.model", "backward", "dropout forgotten", "dropped(dbelow, kx)", "dbelow", ALL),
    (
        "dropout",
        "reference.model",
        "backward",
        "what is left not scaled",
        "dropped(dbelow, kx)",
        "dropped(dbelow, np.sign(kx))",
        ALL,
    ),
    ("lstm", "reference.model", "backward", "time not reversed", "kept, dh[time], df", "kept, dh, df", LSTM),
    ("lstm", "reference.model", "backward", "time not turned back", "g._replace(x=g.x[time])", "g", LSTM),
    ("gru", "reference.model", "backward", "one direction forgotten", "sum(g.x for g in runs)", "runs[0].x", LAYER),
    (
        "lstm",
        "reference.losses",
        "cross_entropy_gradient",
        "no target counted as one",
        "mass * yhat",
        "yhat",
        LSTM + " V c",
    ),
    (
        "lstm",
        "reference.losses",
        "cross_entropy_gradient",
        "weights ignored",
        "w * (mass",
        "np.ones_like(w) * (mass",
        LSTM + " V c",
    ),
    (
        "rnn",
        "reference.losses",
        "squared_error_gradient",
        "factor of two",
        "w * (o - y)",
        "2 * w * (o - y)",
        LAYER + " V c",
    ),
    (
        "lstm",
        "reference.losses",
        "l2_gradient",
        "penalty for its gradient",
        "strength * V",
        "0.5 * strength * V**2",
        "V",
    ),
    (
        "columns",
        "reference.conventions",
        "back",
        "not transposed back",
        "array = array.T if",
        "array = array if",
        "U W V",
    ),
]


# Faults of a forward, which must be told before any gradient is: implementation, module, function, right, wrong.
FORWARD_FAULTS = [
    ("rnn", "reference.rnn", "forward", "hq @ p.W, p.norm.gh", "hq @ p.W.T, p.norm.gh"),
    ("rnn", "reference.rnn", "forward", "h[t] = np.where(m, h_t, h[t - 1])", "h[t] = np.where(m, h_t, 0)"),
    ("rnn", "reference.rnn", "forward", "h[-1] = state0.h", "h[-1] = 0"),
    ("rnn", "reference.rnn", "forward", "State(h[T - 1])", "State(h[0])"),
    ("rnn-relu", "reference.rnn", "forward", "np.where(a[t].real > 0, a[t], 0)", "np.abs(a[t])"),
    ("lstm", "reference.lstm", "forward", "f[t] * s[t - 1] + i[t] * g[t]", "f[t] * g[t] + i[t] * g[t]"),
    ("lstm", "reference.lstm", "forward", "s[t] = np.where(m, s_t, s[t - 1])", "s[t] = s_t"),
    ("lstm", "reference.activations", "sigmoid", "np.tanh(0.5 * z)", "np.tanh(-0.5 * z)"),
    ("variational", "reference.rnn", "forward", "dropped(h[t - 1], noise.kh)", "h[t - 1]"),
    ("rnn-norm", "reference.layer_norm", "normed", "+ EPSILON", "+ 10 * EPSILON"),
    ("gru-norm", "reference.layer_norm", "normed", "hat = (z - mean(z))", "hat = z"),
    ("lstm-norm", "reference.lstm", "forward", "zoned(v_t, s[t - 1]", "zoned(normed(v_t, p.norm.gs)[0], s[t - 1]"),
    ("zoneout", "reference.noise", "zoned", "z[t] * old + (1 - z[t]) * new", "(1 - z[t]) * new"),
    ("zoneout", "reference.lstm", "forward", "np.tanh(v[t])", "np.tanh(s_t)"),
    ("gru", "reference.gru", "forward", "r[t] * h_n[t]", "h_n[t]"),
    ("gru", "reference.gru", "forward", "(1 - z[t]) * n[t] + z[t] * h[t - 1]", "z[t] * n[t] + (1 - z[t]) * h[t - 1]"),
    ("gru-before", "reference.gru_before", "forward", "q[t] @ W_n", "h[t - 1] @ W_n"),
    ("columns", "reference.columns", "forward", "p.V @ h[t] + p.c", "p.V @ h[t - 1] + p.c"),
    ("steps", "reference.steps", "step_forward", "Wya @ a + by", "Wya @ a"),
    ("steps", "reference.steps", "as_column", "column[x] = 1", "column[0] = 1"),
    ("rtrl", "reference.rtrl", "gradient", "h @ p.V + p.c", "h_prev @ p.V + p.c"),
    ("rtrl", "reference.rtrl", "step", "np.tanh(x_t @ p.U", "np.tanh(2 * x_t @ p.U"),
    ("rtrl", "reference.rtrl", "as_rows", "(x >= 0)[:, None]", "(x >= -1)[:, None]"),
    ("lstm", "reference.parameters", "total_bias", "p.b + p.bh", "p.b - p.bh"),
    ("rnn", "reference.inputs", "project", "(x >= 0)[..., None]", "(x >= -1)[..., None]"),
    ("rnn", "reference.readout", "forward", "h @ V + c", "h @ V"),
    ("gru", "reference.model", "forward", "h[time], final", "h, final"),
    (
        "dropout",
        "reference.model",
        "forward",
        "dropped(np.concatenate(outputs, -1), kx)",
        "np.concatenate(outputs, -1)",
    ),
    ("rnn", "reference.losses", "cross_entropy_steps", "rows(y, o) * (log_sum_exp(o) - o)", "rows(y, o) * -o"),
    ("rnn", "reference.losses", "cross_entropy", "np.sum(w * ", "np.mean(w * "),
    ("rnn", "reference.losses", "rows", "(y >= 0)[..., None]", "(y >= -1)[..., None]"),
    ("rnn", "reference.losses", "step_weights", "weights * has_target", "weights"),
    ("rnn", "reference.losses", "log_sum_exp", "top + np.log", "np.log"),
    ("rnn", "reference.losses", "squared_error", "0.5 * ((o", "1.0 * ((o"),
    ("rnn", "reference.losses", "l2", "0.5 * strength", "strength"),
]


@pytest.fixture(autouse=True)
def annotations_unchecked():
    """Other tests check each call's shapes; here it would take as long as all the rest."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


def run(monkeypatch, tmp_path, *arguments):
    """The command line in this process, which keeps what JAX compiled: its exit status and its report."""
    file = tmp_path / "report.json"
    monkeypatch.setattr(sys, "argv", ["rnn-jax", "verify", *arguments, "--json", str(file)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code, json.loads(file.read_text())


def symbols(report, verdict):
    """The symbols of all gradients with this verdict."""
    return {
        comparison["name"].split("[")[0]
        for case in report["cases"]
        for comparison in case["gradients"]
        if comparison["verdict"] == verdict
    }


def identify(fault):
    return f"{fault[0]}, {fault[1]}: {fault[3]}"


@pytest.mark.parametrize("fault", FAULTS, ids=identify)
def test_a_planted_fault_is_found_where_it_is(fault, monkeypatch, tmp_path, capsys):
    implementation, module, function, _, right, wrong, expected = fault
    plant(monkeypatch, module, function, right, wrong)
    status, report = run(monkeypatch, tmp_path, "--only", implementation, "--configs", DEFAULT)
    assert status == 1
    assert report["verdict"] == "fail"
    assert symbols(report, "fail") == set(expected.split())
    if fault[3] != "first step skipped":  # which leaves in da[0] what the memory happened to hold
        assert symbols(report, "undecided") == set()
    said = capsys.readouterr().out
    for symbol in expected.split():
        assert f"{implementation}: d{symbol} is wrong" in said


@pytest.mark.parametrize("fault", FORWARD_FAULTS, ids=lambda fault: f"{fault[1]}.{fault[2]}: {fault[4]}")
def test_a_fault_of_the_forward_is_told_before_any_gradient(fault, monkeypatch, tmp_path, capsys):
    implementation, module, function, right, wrong = fault
    plant(monkeypatch, module, function, right, wrong)
    status, report = run(monkeypatch, tmp_path, "--only", implementation, "--configs", DEFAULT)
    assert status == 1
    parted = [case for case in report["cases"] if any(c["verdict"] == "fail" for c in case["forward"])]
    assert parted
    assert not any(case["gradients"] for case in parted)
    assert symbols(report, "fail") == set()
    assert f"{implementation}: forward " in capsys.readouterr().out


@pytest.mark.parametrize("implementation", sorted({fault[0] for fault in FAULTS}))
def test_without_a_fault_the_same_runs_agree(implementation, monkeypatch, tmp_path):
    status, report = run(monkeypatch, tmp_path, "--only", implementation, "--configs", DEFAULT)
    assert status == 0
    assert report["verdict"] == "pass"
    assert len(report["cases"]) >= 9


def test_there_are_faults_enough():
    assert len({fault[:2] + fault[4:] for fault in FAULTS}) >= 40
