"""Bayesian knowledge tracing of a worksheet on fractions, fitted by gradient.

L is the probability that a pupil knows a skill. An answer moves L by Bayes' rule (guesses and slips belong to the item),
then the pupil may learn, or forget. Skills of a pupil do not touch each other.
The derivative of L with respect to all parameters is carried along with L (sensitivities), one row per skill.
All parameters are logits, in one vector:  prior | learn | forget  (per skill),  guess | slip  (per item).
"""
import numpy as np


class Layout:
    def __init__(self, skills, items):
        self.skills, self.items = skills, items
        self.size = 3 * skills + 2 * items

    def prior(self, skill):
        return skill

    def learn(self, skill):
        return self.skills + skill

    def forget(self, skill):
        return 2 * self.skills + skill

    def guess(self, item):
        return 3 * self.skills + item

    def slip(self, item):
        return 3 * self.skills + self.items + item


def prob(vec):
    return 1 / (1 + np.exp(-vec))


def likelihood(vec, layout, pupils):
    """mean surprise per answer"""
    p = prob(vec)
    total, n = 0.0, 0
    for answers in pupils:
        L = [p[layout.prior(s)] for s in range(layout.skills)]
        for skill, item, right in answers:
            g, s = p[layout.guess(item)], p[layout.slip(item)]
            if right:
                known, unknown = L[skill] * (1 - s), (1 - L[skill]) * g
            else:
                known, unknown = L[skill] * s, (1 - L[skill]) * (1 - g)
            total -= np.log(known + unknown)
            post = known / (known + unknown)
            L[skill] = post * (1 - p[layout.forget(skill)]) + (1 - post) * p[layout.learn(skill)]
            n += 1
    return total / n


def sensitivity(vec, layout, pupils):
    p = prob(vec)
    slope = p * (1 - p)
    grad, n = np.zeros(layout.size), 0
    for answers in pupils:
        L = p[:layout.skills].copy()
        dL = np.zeros((layout.skills, layout.size))
        for k in range(layout.skills):
            dL[k, layout.prior(k)] = slope[layout.prior(k)]
        for skill, item, right in answers:
            at_g, at_s = layout.guess(item), layout.slip(item)
            g, s = p[at_g], p[at_s]
            if right:
                known, unknown = L[skill] * (1 - s), (1 - L[skill]) * g
                d_known, d_unknown = dL[skill] * (1 - s), -dL[skill] * g
                d_known[at_s] -= L[skill] * slope[at_s]
                d_unknown[at_g] += (1 - L[skill]) * slope[at_g]
            else:
                known, unknown = L[skill] * s, (1 - L[skill]) * (1 - g)
                d_known, d_unknown = dL[skill] * s, -dL[skill] * (1 - g)
                d_known[at_s] += L[skill] * slope[at_s]
                d_unknown[at_g] -= (1 - L[skill]) * slope[at_g]
            both = known + unknown
            grad -= (d_known + d_unknown) / both
            post = known / both
            d_post = (d_known * unknown - known * d_unknown) / both ** 2
            at_l, at_f = layout.learn(skill), layout.forget(skill)
            keep = 1 - p[at_f] - p[at_l]
            L[skill] = p[at_l] + keep * post
            dL[skill] = keep * d_post
            dL[skill, at_l] += (1 - post) * slope[at_l]
            dL[skill, at_f] -= post * slope[at_f]
            n += 1
    return grad / n


def worksheet(lengths, layout, seed):
    rng = np.random.default_rng(seed)
    return [
        [(int(rng.integers(layout.skills)), int(rng.integers(layout.items)), bool(rng.random() < 0.6)) for _ in range(n)]
        for n in lengths
    ]


def initial(layout, seed):
    return np.random.default_rng(seed).normal(-0.6, 0.6, layout.size)


layout = Layout(2, 3)
vec = initial(layout, seed=1011)
pupils = worksheet([7, 5, 8], layout, seed=1012)
