"""Elo ratings of football teams with draws (Davidson 1970); the constants of the rating system are fitted.

A rating moves after each match by  k * (1 + goals)**margin * (score - expected).  Between two seasons all ratings are
pulled to their mean.  Derivatives with respect to the constants travel with the ratings (forward mode).
"""
import math

import numpy as np

NAMES = ("log_k", "home", "draw", "pull", "margin", "wealth")


def outcome(gap, draw):
    """probabilities of home win, draw, away win; gap in natural-log units"""
    home, away, tie = math.exp(gap / 2), math.exp(-gap / 2), math.exp(draw)
    total = home + away + tie
    return home / total, tie / total, away / total


class League:
    def __init__(self, budgets, seasons):
        self.budgets = budgets  # standardised log budget of each team
        self.seasons = seasons  # list of seasons, each a list of (home team, away team, goals home, goals away)

    def nll(self, theta):
        log_k, home, draw, pull, margin, wealth = theta
        rating = [wealth * b for b in self.budgets]
        total, count = 0.0, 0
        for season in self.seasons:
            for i, j, gi, gj in season:
                win, tie, lose = outcome(rating[i] - rating[j] + home, draw)
                total -= math.log(win if gi > gj else lose if gi < gj else tie)
                count += 1
                score = 1.0 if gi > gj else 0.0 if gi < gj else 0.5
                move = math.exp(log_k) * (1 + abs(gi - gj)) ** margin * (score - win - tie / 2)
                rating[i] += move
                rating[j] -= move
            mean = sum(rating) / len(rating)
            keep = 1 / (1 + math.exp(pull))
            rating = [mean + keep * (r - mean) for r in rating]
        return total / count

    def gradient(self, theta):
        log_k, home, draw, pull, margin, wealth = theta
        K, HOME, DRAW, PULL, MARGIN, WEALTH = range(len(NAMES))
        rating = np.array([wealth * b for b in self.budgets])
        d_rating = np.zeros((len(rating), len(NAMES)))
        d_rating[:, WEALTH] = self.budgets
        grad, count = np.zeros(len(NAMES)), 0
        keep = 1 / (1 + math.exp(pull))
        for season in self.seasons:
            for i, j, gi, gj in season:
                win, tie, lose = outcome(rating[i] - rating[j] + home, draw)
                d_gap = d_rating[i] - d_rating[j]
                d_gap[HOME] += 1
                # logits are gap/2, draw, -gap/2; the mean of the logits' derivatives is taken off each
                d_mean = (win - lose) / 2 * d_gap
                d_mean[DRAW] += tie
                d_win = win * (d_gap / 2 - d_mean)
                d_tie = -tie * d_mean
                d_tie[DRAW] += tie
                d_lose = lose * (-d_gap / 2 - d_mean)
                if gi > gj:
                    grad -= d_win / win
                elif gi < gj:
                    grad -= d_lose / lose
                else:
                    grad -= d_tie / tie
                count += 1

                score = 1.0 if gi > gj else 0.0 if gi < gj else 0.5
                step = math.exp(log_k) * (1 + abs(gi - gj)) ** margin
                move = step * (score - win - tie / 2)
                d_move = -step * (d_win + d_tie / 2)
                d_move[K] += move
                d_move[MARGIN] += move * math.log(1 + abs(gi - gj))
                rating[i] += move
                rating[j] -= move
                d_rating[i] += d_move
                d_rating[j] -= d_move
            above = rating - rating.mean()
            d_mean = d_rating.mean(axis=0)
            d_rating = d_mean + keep * (d_rating - d_mean)
            d_rating[:, PULL] -= keep * (1 - keep) * above
            rating = rating.mean() + keep * above
        return grad / count


def fixtures(teams, seasons, seed):
    rng = np.random.default_rng(seed)
    budgets = [float(b) for b in rng.normal(size=teams)]
    played = []
    for _ in range(seasons):
        pairs = [(i, j) for i in range(teams) for j in range(teams) if i != j]
        rng.shuffle(pairs)
        played.append([(int(i), int(j), int(rng.poisson(1.5)), int(rng.poisson(1.1))) for i, j in pairs])
    return budgets, played


def constants(seed):
    return np.array([-1.0, 0.3, -0.2, -0.8, 0.4, 0.5]) + 0.2 * np.random.default_rng(seed).normal(size=len(NAMES))


league = League(*fixtures(4, 2, seed=562))
theta = constants(seed=561)
