"""Gate sizing with smooth static timing analysis.

Arrival times go through the netlist in topological order; gate g drives its wire and the input pins of its fanout:
    load[g]  = wire[g] + sum over fanout f of size[f]
    delay[g] = speed(vt[g]) * (own[g] + load[g] / size[g])
    at[g]    = smoothmax(at of the fanins) + delay[g]
Cost: softplus of the violated clock at each output + area + leakage (low threshold leaks more).
"""
import numpy as np

SHARP = 3.0


class Netlist:
    """fanin[g] lists gates with smaller numbers; an empty list means a primary input."""

    def __init__(self, fanin, wire, own, arrival):
        self.fanin = fanin
        self.wire = np.asarray(wire)
        self.own = np.asarray(own)
        self.arrival = np.asarray(arrival)
        self.fanout = [[] for _ in fanin]
        for g, sources in enumerate(fanin):
            for s in sources:
                self.fanout[s].append(g)
        self.outputs = [g for g, sinks in enumerate(self.fanout) if not sinks]

    def __len__(self):
        return len(self.fanin)


def smoothmax(values):
    m = max(values)
    e = [np.exp(SHARP * (v - m)) for v in values]
    total = sum(e)
    return m + np.log(total) / SHARP, [x / total for x in e]


def speed(vt):
    return 0.5 + np.logaddexp(0.0, vt)


def sta(net, log_size, vt):
    size = np.exp(log_size)
    at = np.zeros(len(net))
    load = np.zeros(len(net))
    shares = []
    for g in range(len(net)):
        load[g] = net.wire[g] + sum(size[f] for f in net.fanout[g])
        if net.fanin[g]:
            start, w = smoothmax([at[s] for s in net.fanin[g]])
        else:
            start, w = net.arrival[g], []
        shares.append(w)
        at[g] = start + speed(vt[g]) * (net.own[g] + load[g] / size[g])
    return at, load, shares


def cost(net, log_size, vt, clock, lam_area=0.05, lam_leak=0.1):
    at, _, _ = sta(net, log_size, vt)
    late = sum(np.logaddexp(0.0, at[o] - clock) for o in net.outputs)
    return late + lam_area * np.sum(np.exp(log_size)) + lam_leak * np.sum(np.exp(log_size - vt))


def cost_grad(net, log_size, vt, clock, lam_area=0.05, lam_leak=0.1):
    at, load, shares = sta(net, log_size, vt)
    size = np.exp(log_size)
    required = np.zeros(len(net))
    for o in net.outputs:
        required[o] = 1.0 / (1.0 + np.exp(clock - at[o]))
    d_size = np.zeros(len(net))
    d_vt = np.zeros(len(net))
    for g in reversed(range(len(net))):
        r = required[g]
        k = speed(vt[g])
        d_vt[g] += r * (net.own[g] + load[g] / size[g]) / (1.0 + np.exp(-vt[g]))
        d_size[g] -= r * k * load[g] / size[g] ** 2
        for f in net.fanout[g]:
            d_size[f] += r * k / size[g]
        for s, w in zip(net.fanin[g], shares[g]):
            required[s] += r * w
    leak = lam_leak * np.exp(log_size - vt)
    return (d_size + lam_area) * size + leak, d_vt - leak


def random_netlist(inputs, gates, seed):
    rng = np.random.default_rng(seed)
    fanin = [[] for _ in range(inputs)]
    for g in range(inputs, inputs + gates):
        k = min(g, int(rng.integers(1, 4)))
        fanin.append(sorted(int(s) for s in rng.choice(g, size=k, replace=False)))
    n = inputs + gates
    return Netlist(fanin, rng.uniform(0.2, 1.0, n), rng.uniform(0.1, 0.5, n), rng.uniform(0.0, 0.5, n))


def start(net, seed):
    rng = np.random.default_rng(seed)
    return 0.3 * rng.normal(size=len(net)), 0.3 * rng.normal(size=len(net))


net = random_netlist(3, 7, seed=1231)
log_size, vt = start(net, seed=1232)
CLOCK = 12.0
