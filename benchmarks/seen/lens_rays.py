#!/usr/bin/env python
"""lens_rays -- optimise a photographic lens, surface after surface.

Rays near the axis, with the third-order term of each surface:
    n' u' = n u - (n' - n) (c y + k y^3)          refraction at a surface (c curvature, k asphericity)
    y+    = y + d u'                              to the next surface
merit = spread of the rays of each field and colour on the sensor + wrong focal length + thin or thick glass
"""
import numpy as np


def trace(lens, index, y, u):
    """index (surfaces + 1, colours); y, u (fields, rays) at the first surface.  Returns heights at the sensor, trail."""
    curv, asph, logd = lens
    d = np.exp(logd)
    y = np.repeat(y[None], index.shape[1], axis=0)
    u = np.repeat(u[None], index.shape[1], axis=0)
    trail = []
    for s in range(len(curv)):
        n0, n1 = index[s][:, None, None], index[s + 1][:, None, None]
        power = curv[s] * y + asph[s] * y ** 3
        after = (n0 * u - (n1 - n0) * power) / n1
        trail.append((y, after))
        u = after
        y = y + d[s] * u
    return y, u, trail


def merit(lens, index, y, u, focal):
    height, slope, _ = trace(lens, index, y, u)
    spot = height - height.mean(axis=2, keepdims=True)
    # chief ray of the field at infinity, by its angle
    wanted = focal * u.mean(axis=1)
    centre = height.mean(axis=(0, 2)) - wanted
    return np.mean(spot ** 2) + 0.3 * np.mean(centre ** 2) + 0.01 * np.mean(slope ** 2) + 0.02 * np.sum(lens[2] ** 2)


def merit_gradient(lens, index, y, u, focal):
    curv, asph, logd = lens
    d = np.exp(logd)
    height, slope, trail = trace(lens, index, y, u)
    spot = height - height.mean(axis=2, keepdims=True)
    centre = height.mean(axis=(0, 2)) - focal * u.mean(axis=1)
    y_bar = 2 * spot / spot.size
    y_bar += (0.6 * centre / (len(centre) * height.shape[0] * height.shape[2]))[None, :, None]
    u_bar = 0.02 * slope / slope.size
    g_curv, g_asph, g_logd = np.zeros_like(curv), np.zeros_like(asph), 0.04 * logd
    for s in reversed(range(len(curv))):
        n0, n1 = index[s][:, None, None], index[s + 1][:, None, None]
        at, after = trail[s]
        g_logd[s] += d[s] * np.sum(y_bar * after)
        u_bar = u_bar + d[s] * y_bar
        p_bar = -u_bar * (n1 - n0) / n1
        g_curv[s] += np.sum(p_bar * at)
        g_asph[s] += np.sum(p_bar * at ** 3)
        y_bar = y_bar + p_bar * (curv[s] + 3 * asph[s] * at ** 2)
        u_bar = u_bar * n0 / n1
    return [g_curv, g_asph, g_logd]


def bundle(fields, rays):
    angles = np.linspace(0.0, 0.3, fields)
    return np.repeat(np.linspace(-0.8, 1.0, rays)[None], fields, axis=0), np.repeat(angles[:, None], rays, axis=1)


def glasses(surfaces, colours, seed):
    rng = np.random.default_rng(seed)
    index = np.ones((surfaces + 1, colours))
    for s in range(1, surfaces, 2):
        index[s] = 1.5 + 0.2 * rng.random() + 0.02 * np.arange(colours)
    return index


def blank(surfaces, seed):
    rng = np.random.default_rng(seed)
    return [0.5 * rng.standard_normal(surfaces), 0.1 * rng.standard_normal(surfaces), -0.5 + 0.3 * rng.standard_normal(surfaces)]


lens = blank(4, seed=1231)
index = glasses(4, 2, seed=1232)
y, u = bundle(3, 4)
FOCAL = 2.0
