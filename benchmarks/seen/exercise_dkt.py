"""Deep knowledge tracing with the regularisers of DKT+ (Yeung & Yeung, 2018).

A student answers exercises one after the other; exercise s answered right or wrong is input column 2 s + right.
The network says after every answer how likely each skill would be answered correctly.
"""
import numpy as np

lambda_current = 0.3   # the answer just given should be reproduced as well
lambda_waves = 0.2     # predictions should not jump


def init_model(n_skills, n_hidden, seed):
    rng = np.random.default_rng(seed)
    return {
        "input_columns": rng.normal(0, 0.8, (n_hidden, 2 * n_skills)),
        "recurrent": rng.normal(0, 0.6, (n_hidden, n_hidden)),
        "hidden_bias": rng.normal(0, 0.2, n_hidden),
        "initial_knowledge": rng.normal(0, 0.5, n_hidden),
        "readout": rng.normal(0, 1.0, (n_skills, n_hidden)),
        "skill_bias": rng.normal(0, 0.5, n_skills),
    }


def follow(model, skills, correct):
    """Hidden states (T + 1, n_hidden) with the initial one in front, mastery (T, n_skills)."""
    columns = model["input_columns"][:, 2 * skills + correct].T
    hidden = np.empty((len(skills) + 1, len(model["hidden_bias"])))
    hidden[0] = model["initial_knowledge"]
    for t, column in enumerate(columns):
        hidden[t + 1] = np.tanh(column + model["recurrent"].dot(hidden[t]) + model["hidden_bias"])
    mastery = 1 / (1 + np.exp(-(hidden[1:].dot(model["readout"].T) + model["skill_bias"])))
    return hidden, mastery


def bernoulli(p, y):
    return -np.sum(np.where(y == 1, np.log(p), np.log(1 - p)))


def objective(model, students):
    total = 0.0
    n_predictions = sum(len(skills) - 1 for skills, _ in students)
    for skills, correct in students:
        _, mastery = follow(model, skills, correct)
        steps = np.arange(len(skills))
        total += bernoulli(mastery[steps[:-1], skills[1:]], correct[1:])
        total += lambda_current * bernoulli(mastery[steps, skills], correct)
        total += lambda_waves * np.sum(np.diff(mastery, axis=0) ** 2)
    return total / n_predictions


def gradient(model, students):
    gradients = {name: np.zeros_like(array) for name, array in model.items()}
    n_predictions = sum(len(skills) - 1 for skills, _ in students)

    for skills, correct in students:
        hidden, mastery = follow(model, skills, correct)
        n_steps = len(skills)
        steps = np.arange(n_steps)

        # the two likelihoods, straight to the logits
        d_logits = np.zeros_like(mastery)
        d_logits[steps[:-1], skills[1:]] += mastery[steps[:-1], skills[1:]] - correct[1:]
        d_logits[steps, skills] += lambda_current * (mastery[steps, skills] - correct)
        # the waves, through the mastery
        jumps = 2 * lambda_waves * np.diff(mastery, axis=0)
        d_mastery = np.zeros_like(mastery)
        d_mastery[1:] += jumps
        d_mastery[:-1] -= jumps
        d_logits += d_mastery * mastery * (1 - mastery)
        d_logits /= n_predictions

        from_readout = d_logits.dot(model["readout"])
        d_pre = np.zeros((n_steps, hidden.shape[1]))
        from_later = np.zeros(hidden.shape[1])
        for t in range(n_steps - 1, -1, -1):
            d_pre[t] = (from_readout[t] + from_later) * (1 - hidden[t + 1] ** 2)
            from_later = model["recurrent"].T.dot(d_pre[t])

        gradients["readout"] += d_logits.T.dot(hidden[1:])
        gradients["skill_bias"] += d_logits.sum(axis=0)
        gradients["recurrent"] += d_pre.T.dot(hidden[:-1])
        gradients["hidden_bias"] += d_pre.sum(axis=0)
        gradients["initial_knowledge"] += from_later
        for column, d in zip(2 * skills + correct, d_pre):
            gradients["input_columns"][:, column] += d

    return gradients


def simulate_students(lengths, n_skills, seed):
    rng = np.random.default_rng(seed)
    return [(rng.integers(0, n_skills, length), rng.integers(0, 2, length)) for length in lengths]


model = init_model(n_skills=4, n_hidden=5, seed=17)
students = simulate_students([6, 4, 7], 4, seed=18)
