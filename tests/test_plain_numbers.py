"""Gradients in plain numbers: sums that are single numbers, what is divided by, what happens on a condition."""

from small_programs import of_damages, of_right_programs

from rnn_jax.verify.of_file import Expressions

# How often something is counted, by a level that fades.
COUNTS = """import numpy as np

theta = {"base": np.array(-0.3), "pull": np.array(0.2), "fade": np.array(0.4)}
seen = [2.0, 0.0, 1.0, 3.0, 1.0, 0.0, 2.0]


def squashed(v):
    return 1 / (1 + np.exp(-v))


def deviance(theta):
    base, pull, fade = np.exp(theta["base"]), np.exp(theta["pull"]), squashed(theta["fade"])
    level, total, kept = 0.3, 0.0, []
    for y in seen:
        rate = base + pull * level
        total = total + rate - y * np.log(rate)
        kept.append((level, rate))
        level = fade * level + 0.1 * y * rate
    return total, kept


def backward(theta):
    base, pull, fade = np.exp(theta["base"]), np.exp(theta["pull"]), squashed(theta["fade"])
    _, kept = deviance(theta)
    d_base = d_pull = d_fade = 0.0
    d_level = 0.0
    for t in reversed(range(len(seen))):
        level, rate = kept[t]
        d_rate = 1 - seen[t] / rate + 0.1 * seen[t] * d_level
        d_fade += d_level * level
        d_base += d_rate
        d_pull += d_rate * level
        d_level = fade * d_level + d_rate * pull
    return {"base": d_base * base, "pull": d_pull * pull, "fade": d_fade * fade * (1 - fade)}
"""

# A level that goes up at once and down slowly; derivatives go forward with it.
SWITCH = """import numpy as np

theta = np.array([0.3, -0.4])
seen = [0.9, 0.4, 1.1, 0.2, 1.3, 0.7]


def squashed(v):
    return 1 / (1 + np.exp(-v))


def misfit(theta):
    keep, gain = squashed(theta[0]), squashed(theta[1])
    level, total = 0.5, 0.0
    for y in seen:
        e = y - level
        total = total + 0.5 * e * e
        if e > 0:
            level = level + gain * e
        else:
            level = keep * level
    return total


def slopes(theta):
    keep, gain = squashed(theta[0]), squashed(theta[1])
    level, by_keep, by_gain = 0.5, 0.0, 0.0
    g = np.zeros(2)
    for y in seen:
        miss = y - level
        g[0] -= miss * by_keep
        g[1] -= miss * by_gain
        if miss > 0:
            by_keep, by_gain = (1 - gain) * by_keep, (1 - gain) * by_gain + gain * (1 - gain) * miss
            level = level + gain * miss
        else:
            by_keep, by_gain = keep * by_keep + keep * (1 - keep) * level, keep * by_gain
            level = level * keep
    return g
"""

CALLS = {
    COUNTS: Expressions("theta", "deviance(theta)[0]", "backward(theta)"),
    SWITCH: Expressions("theta", "misfit(theta)", "slopes(theta)"),
}

# The program, what stands there, what it is damaged to (nothing: the line is left out).
DAMAGES = {
    "a sum that is a number": (COUNTS, "        d_pull += d_rate * level\n", ""),
    "what is divided by": (COUNTS, "1 - seen[t] / rate + 0.1", "1 - seen[t] + 0.1"),
    "on a condition": (SWITCH, "            level = level + gain * miss\n", ""),
    "on the other": (SWITCH, "            level = level * keep\n", ""),
}


test_the_right_programs_are_right = of_right_programs(CALLS)
test_it_is_mended_where_it_was_damaged = of_damages(CALLS, DAMAGES)
