"""Question classification (who / where / how many ...) in the manner of a scikit-learn estimator.

Elman network read from left to right; the reading is written as a recursion on the sentence, and so is
the gradient.  Multi-class hinge loss of Weston and Watkins, ridge on the recurrent matrix.
"""
import numpy as np


class ElmanClassifier:
    """Attributes with a trailing underscore are learned."""

    def __init__(self, n_units=5, margin=1.0, alpha=0.01, random_state=0):
        self.n_units = n_units
        self.margin = margin
        self.alpha = alpha
        self.random_state = random_state

    def initialize(self, n_words, n_classes):
        rng = np.random.RandomState(self.random_state)
        n = self.n_units
        self.embed_ = rng.normal(scale=0.8, size=(n_words, n))
        self.recur_ = rng.normal(scale=0.9 / np.sqrt(n), size=(n, n))
        self.bias_ = rng.normal(scale=0.1, size=n)
        self.start_ = rng.normal(scale=0.3, size=n)
        self.coef_ = rng.normal(size=(n_classes, n))
        self.intercept_ = np.zeros(n_classes)
        return self

    def _read(self, tokens):
        """State after the last token, with the trail that led there."""
        if not tokens:
            return self.start_, None
        *earlier, token = tokens
        before, trail = self._read(earlier)
        state = np.tanh(self.embed_[token] + self.recur_ @ before + self.bias_)
        return state, (token, before, state, trail)

    def decision_function(self, X):
        return np.array([self.coef_ @ self._read(tokens)[0] + self.intercept_ for tokens in X])

    def predict(self, X):
        return self.decision_function(X).argmax(axis=1)

    def objective(self, X, y):
        total = 0.0
        for scores, label in zip(self.decision_function(X), y):
            slack = np.maximum(0, self.margin + scores - scores[label])
            total = total + slack.sum() - self.margin     # the label itself gives exactly the margin
        return total / len(y) + 0.5 * self.alpha * np.sum(self.recur_ ** 2)

    def _unread(self, trail, delta):
        if trail is None:
            self.d_start += delta
            return
        token, before, state, trail = trail
        net = delta * (1 - state ** 2)
        self.d_embed[token] += net
        self.d_recur += np.outer(net, before)
        self.d_bias += net
        self._unread(trail, self.recur_.T @ net)

    def gradient(self, X, y):
        self.d_embed = np.zeros_like(self.embed_)
        self.d_recur = self.alpha * self.recur_
        self.d_bias = np.zeros_like(self.bias_)
        self.d_start = np.zeros_like(self.start_)
        d_coef = np.zeros_like(self.coef_)
        d_intercept = np.zeros_like(self.intercept_)
        for tokens, label in zip(X, y):
            state, trail = self._read(tokens)
            scores = self.coef_ @ state + self.intercept_
            active = (self.margin + scores - scores[label] > 0) * (1.0 / len(y))
            active[label] = 0
            active[label] = -active.sum()
            d_coef += np.outer(active, state)
            d_intercept += active
            self._unread(trail, self.coef_.T @ active)
        return self.d_embed, self.d_recur, self.d_bias, self.d_start, d_coef, d_intercept

    def fit(self, X, y, n_iter=300, eta=0.1):
        for _ in range(n_iter):
            weights = self.embed_, self.recur_, self.bias_, self.start_, self.coef_, self.intercept_
            for w, g in zip(weights, self.gradient(X, y)):
                w -= eta * g
        return self


def toy_questions(lengths, n_words, n_classes, seed):
    rng = np.random.RandomState(seed)
    X = [[int(w) for w in rng.randint(n_words, size=n)] for n in lengths]
    return X, [sentence[0] % n_classes for sentence in X]


X, y = toy_questions([4, 6, 3, 5], n_words=8, n_classes=3, seed=50)
clf = ElmanClassifier(n_units=5, random_state=51).initialize(8, 3)
