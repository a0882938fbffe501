# Rainfall-runoff model of a mountain catchment: snow and soil in each elevation zone, two linear stores below.
# All thresholds are smooth. Fitted by the Kling-Gupta efficiency (Gupta et al. 2009),
#     loss = sqrt((r - 1)^2 + (alpha - 1)^2 + (beta - 1)^2),   alpha = ratio of spreads, beta = ratio of means.
# Adjoint variables carry the suffix _b.
#
# theta: melt temperature, log melt factor, log soil capacity, logits of k1, k2, k3, then one weight for each zone
import numpy as np

LAPSE = 0.6  # degrees per 100 m


def sigma(a):
    return 1.0 / (1.0 + np.exp(-a))


def model(theta, rain, temp, pet, zones):
    tm, cf, cap = theta[0], np.exp(theta[1]), np.exp(theta[2])
    k1, k2, k3 = sigma(theta[3:6])
    area = np.exp(theta[6:] - theta[6:].max())
    area = area / area.sum()
    snow, soil = np.zeros(len(zones)), np.full(len(zones), 0.5)
    upper, lower = 0.2, 0.4
    flow, tape = [], []
    for P, T, E in zip(rain, temp, pet):
        warm = T - LAPSE * zones - tm
        liquid = sigma(warm)
        left = np.exp(-cf * np.logaddexp(0.0, warm))  # share of the pack that does not melt
        pack = snow + P * (1 - liquid)
        water = P * liquid + pack * (1 - left)
        dry = np.exp(-soil / cap)
        keep = np.exp(-E / cap)
        runoff = water * (1 - dry)
        tape.append((P, E, warm, liquid, left, pack, water, dry, keep, runoff, soil, upper, lower))
        snow = pack * left
        soil = (soil + water * dry) * keep
        u = upper + area @ runoff
        w = u * (1 - k1)
        g = lower + k2 * w
        flow.append(k1 * u + k3 * g)
        upper, lower = w * (1 - k2), g * (1 - k3)
    return np.array(flow), (cf, cap, k1, k2, k3, area), tape


def kge(sim, obs):
    """loss and its slope by sim"""
    n = len(obs)
    ms, mo = sim.mean(), obs.mean()
    a, b = sim - ms, obs - mo
    ss, so = np.sqrt((a ** 2).mean()), np.sqrt((b ** 2).mean())
    r, alpha, beta = (a * b).mean() / (ss * so), ss / so, ms / mo
    ed = np.sqrt((r - 1) ** 2 + (alpha - 1) ** 2 + (beta - 1) ** 2)
    slope = (r - 1) * (b / (ss * so) - r * a / ss ** 2)
    slope = slope + (alpha - 1) * a / (ss * so) + (beta - 1) / mo
    return ed, slope / (n * ed)


def calibrate(theta, rain, temp, pet, obs, zones):
    """returns the loss and its gradient"""
    flow, (cf, cap, k1, k2, k3, area), tape = model(theta, rain, temp, pet, zones)
    value, flow_b = kge(flow, obs)

    tm_b = cf_b = cap_b = k1_b = k2_b = k3_b = 0.0
    area_b = np.zeros(len(zones))
    snow_b, soil_b = np.zeros(len(zones)), np.zeros(len(zones))
    upper_b = lower_b = 0.0
    for t in reversed(range(len(tape))):
        P, E, warm, liquid, left, pack, water, dry, keep, runoff, soil, upper, lower = tape[t]
        u = upper + area @ runoff
        w = u * (1 - k1)
        g = lower + k2 * w
        q_b = flow_b[t]
        # the two stores
        g_b = k3 * q_b + (1 - k3) * lower_b
        k3_b += g * q_b - g * lower_b
        w_b = k2 * g_b + (1 - k2) * upper_b
        k2_b += w * g_b - w * upper_b
        lower_b = g_b
        u_b = k1 * q_b + (1 - k1) * w_b
        k1_b += u * q_b - u * w_b
        upper_b = u_b
        area_b += runoff * u_b
        runoff_b = area * u_b
        # soil
        wet_b = keep * soil_b
        keep_b = np.sum((soil + water * dry) * soil_b)
        cap_b += keep_b * keep * E / cap ** 2
        water_b = (1 - dry) * runoff_b + dry * wet_b
        dry_b = water * (wet_b - runoff_b)
        cap_b += np.sum(dry_b * dry * soil) / cap ** 2
        soil_b = wet_b - dry_b * dry / cap
        # snow
        pack_b = (1 - left) * water_b + left * snow_b
        left_b = pack * (snow_b - water_b)
        liquid_b = P * (water_b - pack_b)
        cf_b -= np.sum(left_b * left * np.logaddexp(0.0, warm))
        warm_b = liquid_b * liquid * (1 - liquid) - left_b * left * cf * liquid
        tm_b -= warm_b.sum()
        snow_b = pack_b

    ks = np.array([k1, k2, k3])
    ks_b = np.array([k1_b, k2_b, k3_b]) * ks * (1 - ks)
    zone_b = area * (area_b - area @ area_b)
    return value, np.concatenate([[tm_b, cf_b * cf, cap_b * cap], ks_b, zone_b])


def year(days, n_zones, seed):
    rng = np.random.default_rng(seed)
    rain = rng.gamma(0.8, 0.9, days)
    temp = 1.5 * np.sin(np.arange(days)) + rng.normal(0, 1.0, days)
    pet = rng.uniform(0.05, 0.3, days)
    obs = rng.gamma(3.0, 0.2, days)
    return rain, temp, pet, obs, np.linspace(-1.0, 1.5, n_zones)


def guess(n_zones, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate([[0.2, -0.5, 0.3, -0.4, 0.1, -1.0], np.zeros(n_zones)]) + 0.3 * rng.normal(size=6 + n_zones)


rain, temp, pet, obs, zones = year(9, 3, seed=522)
theta = guess(3, seed=521)
