"""How must the wind blow to hang the rope over the hook?

A rope of point masses and springs, the upper end is fixed, semi-implicit Euler:
    v <- v + h (force / mass + gravity + wind_t)      x <- x + h v
force: springs with damping along them, and air drag.  Sought: the wind of each step, the first velocities, stiffness,
damping and the masses (as logarithms).
"""
import numpy as np

h = 0.15
GRAVITY = np.array([0.0, -1.0])
LENGTH = 0.6
DRAG = 0.2


def springs(x, v):
    """end to end vectors of the springs, their lengths, relative velocities"""
    r = np.diff(x, axis=0, prepend=np.zeros((1, 2)))
    w = np.diff(v, axis=0, prepend=np.zeros((1, 2)))
    return r, np.sqrt(np.sum(r * r, axis=1) + 1e-3), w


def to_nodes(pull):
    """spring i pulls node i down to node i - 1 and node i - 1 up"""
    f = -pull
    f[:-1] += pull[1:]
    return f


def to_springs(f):
    """transpose of to_nodes"""
    pull = -f
    pull[1:] += f[:-1]
    return pull


def swing(ctl, x0):
    stiff, damp = np.exp(ctl["log_stiff"]), np.exp(ctl["log_damp"])
    mass = np.exp(ctl["log_mass"])[:, None]
    x, v = x0, ctl["push"]
    film = []
    for wind in ctl["wind"]:
        r, l, w = springs(x, v)
        along = np.sum(r * w, axis=1) / l
        tension = stiff * (l - LENGTH) + damp * along
        force = to_nodes((tension / l)[:, None] * r) - DRAG * v
        film.append((x, v, force))
        v = v + h * (force / mass + GRAVITY + wind)
        x = x + h * v
    film.append((x, v, None))
    return film


def objective(ctl, x0, hook, calm):
    film = swing(ctl, x0)
    x, v, _ = film[-1]
    near = sum(np.sum((frame[0][-1] - hook) ** 2) for frame in film[1:-1]) / len(film)
    return np.sum((x[-1] - hook) ** 2) + 0.1 * near + 0.05 * np.sum(v ** 2) + calm * np.sum(ctl["wind"] ** 2)


def objective_grad(ctl, x0, hook, calm):
    film = swing(ctl, x0)
    stiff, damp = np.exp(ctl["log_stiff"]), np.exp(ctl["log_damp"])
    mass = np.exp(ctl["log_mass"])[:, None]
    g_wind = 2 * calm * ctl["wind"]
    g_stiff, g_damp, g_mass = np.zeros_like(stiff), 0.0, np.zeros(len(mass))
    x, v, _ = film[-1]
    bx, bv = np.zeros_like(x), 0.1 * v
    bx[-1] += 2 * (x[-1] - hook)
    for t in range(len(film) - 2, -1, -1):
        x, v, force = film[t]
        bv = bv + h * bx
        g_wind[t] += h * bv.sum(axis=0)
        g_mass -= h * np.sum(bv * force, axis=1) / mass[:, 0]
        bf = h * bv / mass
        bv = bv - DRAG * bf
        # springs
        r, l, w = springs(x, v)
        along = np.sum(r * w, axis=1) / l
        tension = stiff * (l - LENGTH) + damp * along
        pull = to_springs(bf)
        b_tension = np.sum(pull * r, axis=1) / l
        g_stiff += b_tension * (l - LENGTH)
        g_damp += np.sum(b_tension * along)
        b_along = b_tension * damp
        b_l = b_tension * stiff - np.sum(pull * r, axis=1) * tension / l ** 2 - b_along * along / l
        br = pull * (tension / l)[:, None] + (b_along / l)[:, None] * w + (b_l / l)[:, None] * r
        bw = (b_along / l)[:, None] * r
        # differences
        bx = bx + br
        bx[:-1] -= br[1:]
        bv = bv + bw
        bv[:-1] -= bw[1:]
        if t > 0:
            bx[-1] += 0.2 * (x[-1] - hook) / len(film)
    return {"wind": g_wind, "push": bv, "log_stiff": g_stiff * stiff, "log_damp": g_damp * damp, "log_mass": g_mass}


def control(nodes, steps, seed):
    rng = np.random.default_rng(seed)
    return {
        "wind": 0.5 * rng.normal(size=(steps, 2)),
        "push": 0.3 * rng.normal(size=(nodes, 2)),
        "log_stiff": 1.0 + 0.3 * rng.normal(size=nodes),
        "log_damp": np.array(-0.7),
        "log_mass": 0.3 * rng.normal(size=nodes),
    }


def hanging(nodes):
    return np.column_stack([0.1 * np.arange(1, nodes + 1), -LENGTH * np.arange(1, nodes + 1)])


ctl = control(4, 7, seed=1001)
x0 = hanging(4)
hook = np.array([1.2, -0.8])
