"""The word "learn": known losses, four ways to one gradient, and the published gradient that is wrong."""

import jax
import numpy as np
import pytest

from reference import differences, losses, model, parameters, rtrl
from rnn_jax import initial, problems
from rnn_jax import losses as jax_losses
from rnn_jax import model as jax_model

LOSSES = [2.400343465148997, 4.220610500092558, 2.112251296576441, 3.548373904970334, 0.0]
TOTAL = 12.28157916678833

# As the founding notebook prints its dW, in column form (row: the state it leads to).
PRINTED = np.array(
    [
        [-6.98896832e-01, 7.74096675e-02, 1.11185983e-02, -3.88440394e-03, 4.24847444e-02],
        [2.84473509e-01, 1.87106894e-01, 4.10303333e-01, -6.65343073e-02, -1.30806900e-01],
        [-2.08171161e00, 2.25932210e-01, -5.34157656e-01, 3.27929486e-01, 3.17258264e-01],
        [1.90655444e-01, -8.32554265e-02, 1.08449774e00, 5.56305666e-02, -1.49340748e-01],
        [-4.12311063e00, 1.31108007e00, -3.38999034e00, 6.95931106e-01, 3.69111414e00],
    ]
)


@pytest.fixture
def problem():
    return problems.learn()


@pytest.fixture
def params(problem):
    """The founding parameters as `reference` has them."""
    made = problem.parameters("rnn")
    return model.Params(((parameters.Params(**made.layers[0][0]._asdict()),),), made.V, made.c)


STATE = ((parameters.State(np.zeros((1, 5))),),)


def logits(params, x):
    return model.forward(params, x, STATE)[0]


def bptt(problem, params):
    o, _, cache = model.forward(params, problem.x, STATE)
    return model.backward(params, cache, losses.cross_entropy_gradient(o, problem.y), STATE).params.layers[0][0].W


def forward_sensitivity(problem, params):
    q, o = params.layers[0][0], logits(params, problem.x)
    do = losses.cross_entropy_gradient(o, problem.y)[:, 0]
    plain = rtrl.Params(q.U, q.W, params.V, q.b, params.c)
    return rtrl.gradient(plain, problem.x[:, 0], np.zeros(5), lambda t, o: do[t], np.zeros(5))[2].W


def complex_step(problem, params):
    def loss(W):
        layer = params.layers[0][0]._replace(W=W)
        return losses.cross_entropy(logits(params._replace(layers=((layer,),)), problem.x), problem.y)

    return differences.gradient(loss, params.layers[0][0].W)


def autodiff(problem):
    def loss(params):
        o, _ = jax_model.forward(params, problem.x, initial.zero_state(1, 5))
        return jax_losses.cross_entropy(o, problem.y)

    return np.asarray(jax.grad(loss)(problem.parameters("rnn")).layers[0][0].W)


def test_losses_by_hand(problem, params):
    o = logits(params, problem.x)
    assert losses.cross_entropy_steps(o, problem.y)[:, 0] == pytest.approx(LOSSES, rel=1e-13, abs=0)
    assert losses.cross_entropy(o, problem.y) == pytest.approx(TOTAL, rel=1e-13)


def test_losses_by_jax(problem):
    o, _ = jax_model.forward(problem.parameters("rnn"), problem.x, initial.zero_state(1, 5))
    assert np.asarray(jax_losses.cross_entropy_steps(o, problem.y))[:, 0] == pytest.approx(LOSSES, rel=1e-13, abs=0)
    assert float(jax_losses.cross_entropy(o, problem.y)) == pytest.approx(TOTAL, rel=1e-13)


def test_four_ways_to_one_gradient(problem, params):
    right = autodiff(problem)
    # 25 entries, each a sum over 5 steps of products of 5 factors: a few roundings of 1.1e-16 in each
    for other in (bptt(problem, params), forward_sensitivity(problem, params), complex_step(problem, params)):
        assert np.linalg.norm(other - right) <= 1e-14 * np.linalg.norm(right)
    assert right.sum() == pytest.approx(-0.0342439089, abs=5e-11)  # as many digits as are known


def test_the_printed_gradient_is_wrong(problem, params):
    right = bptt(problem, params).T  # rows to columns
    assert PRINTED.sum() == pytest.approx(-2.3487630848453502, rel=1e-7)  # it is the one that was printed
    error = np.linalg.norm(PRINTED - right) / np.linalg.norm(right)
    print(f"the printed gradient is wrong by {error:.3f} of the right one's norm")
    assert error > 1
