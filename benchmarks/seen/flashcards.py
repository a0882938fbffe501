"""Spaced repetition: how long will a learner remember a card?  In the spirit of the FSRS scheduler.

A card has a log stability s and a hardness d. After `days` days it is remembered with probability
    R = 1 / (1 + days / (9 exp(s)))
and after the review, with grade 1 (again), 2 (hard), 3 (good) or 4 (easy), s and d change.
The 13 weights are fitted to the review log by maximum likelihood, in plain Python floats.
"""
import math

import numpy as np

#  w[0..3]  log stability after the first grade      w[4], w[5]  hardness after the first grade
#  w[6]     change of hardness by a grade            w[7]        how fast the hardness goes back to w[4]
#  w[8..10] growth of the stability on success       w[11], w[12] stability after forgetting


def logistic(a):
    return 1.0 / (1.0 + math.exp(-a))


def softplus(a):
    return max(a, 0.0) + math.log1p(math.exp(-abs(a)))


def first(w, grade):
    return w[grade - 1], w[4] - w[5] * (grade - 3)


def growth(w, s, d, R):
    """factor - 1 by which the stability grows"""
    return math.exp(w[8] - w[9] * s) * logistic(-d) * math.expm1(softplus(w[10]) * (1.0 - R))


def review(w, s, d, days, grade):
    """-> surprise, new s, new d"""
    u = days * math.exp(-s) / 9.0
    R = 1.0 / (1.0 + u)
    if grade > 1:
        cost = math.log1p(u)
        s_new = s + math.log1p(growth(w, s, d, R))
    else:
        cost = math.log1p(u) - math.log(u)
        s_new = w[11] + w[12] * s - 0.5 * (1.0 - R)
    back = logistic(w[7])
    d_new = back * w[4] + (1.0 - back) * (d - w[6] * (grade - 3))
    return cost, s_new, d_new


def deck_loss(w, decks):
    total, count = 0.0, 0
    for cards in decks.values():
        for (_, grade), *later in cards:
            s, d = first(w, grade)
            for days, grade in later:
                cost, s, d = review(w, s, d, days, grade)
                total += cost
                count += 1
    return total / count


def deck_gradient(w, decks):
    grad, count = np.zeros(len(w)), 0
    for cards in decks.values():
        for card in cards:
            grad += card_gradient(w, card)
            count += len(card) - 1
    return grad / count


def card_gradient(w, card):
    g = np.zeros(len(w))
    (_, start), *later = card
    states = [first(w, start)]
    for days, grade in later:
        states.append(review(w, *states[-1], days, grade)[1:])

    back = logistic(w[7])
    ds = dd = 0.0
    for (days, grade), (s, d) in zip(reversed(later), reversed(states[:-1])):
        u = days * math.exp(-s) / 9.0
        R = 1.0 / (1.0 + u)
        # hardness
        g[4] += back * dd
        g[7] += back * (1.0 - back) * (w[4] - d + w[6] * (grade - 3)) * dd
        g[6] -= (1.0 - back) * (grade - 3) * dd
        dd_old = (1.0 - back) * dd
        # stability
        if grade > 1:
            q = softplus(w[10])
            k = growth(w, s, d, R)
            dk = ds / (1.0 + k)
            lift = math.expm1(q * (1.0 - R))
            slope = k / lift * math.exp(q * (1.0 - R)) * dk
            g[8] += k * dk
            g[9] -= s * k * dk
            g[10] += slope * (1.0 - R) * logistic(w[10])
            dd_old -= k * logistic(d) * dk
            ds_old = ds - w[9] * k * dk
            dR = -q * slope
            du = R
        else:
            g[11] += ds
            g[12] += s * ds
            ds_old = w[12] * ds
            dR = 0.5 * ds
            du = R - 1.0 / u
        du -= R * R * dR
        ds, dd = ds_old - u * du, dd_old
    g[start - 1] += ds
    g[4] += dd
    g[5] -= (start - 3) * dd
    return g


def review_log(decks, cards, reviews, seed):
    rng = np.random.default_rng(seed)
    log = {}
    for name in decks:
        sizes = rng.integers(2, reviews + 1, cards)
        log[name] = [[(float(rng.gamma(2.0, 2.0)), int(rng.integers(1, 5))) for _ in range(n)] for n in sizes]
    return log


def default_weights(seed):
    base = np.array([-0.5, 0.2, 0.8, 1.5, 0.1, 0.4, 0.3, -1.5, 0.6, 0.15, 0.5, -0.2, 0.4])
    return base + 0.15 * np.random.default_rng(seed).normal(size=13)


w = default_weights(seed=781)
decks = review_log(["verbs", "capitals"], 3, 6, seed=785)
