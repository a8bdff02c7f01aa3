"""Adam of TensorFlow 1, against its formula and against two steps of the original's training."""

import numpy as np
import pytest
import tensorflow as tf
from nsynth_checkpoint import TRAINED

from pdbridge.training.adam import Adam
from pdbridge.training.bundle import load


def steps(adam, gradients, rates):
    apply = tf.function(adam.apply, autograph=False)
    for gradient, rate in zip(gradients, rates, strict=True):
        apply({name: tf.constant(value) for name, value in gradient.items()}, tf.constant(rate, tf.float32))


@pytest.mark.parametrize(("beta1", "beta2"), [(0.9, 0.999), (0.5, 0.999), (0.0, 0.99)])
def test_steps_are_those_of_the_formula(beta1, beta2):
    random = np.random.default_rng(0)
    start, gradients = random.standard_normal(5), random.standard_normal((4, 5))
    rates = [0.1, 0.05, 0.2, 0.01]
    variable = tf.Variable(start.astype(np.float32))
    steps(adam := Adam({"w": variable}, beta1, beta2), [{"w": g.astype(np.float32)} for g in gradients], rates)
    expected, m, v = start.copy(), 0, 0
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), 1):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        expected -= rate * np.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (np.sqrt(v) + 1e-8)
    np.testing.assert_allclose(variable, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(adam.state["w/Adam"], m, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(adam.state["w/Adam_1"], v, rtol=1e-4, atol=1e-6)
    assert adam.state["beta1_power"].numpy() == pytest.approx(beta1**5, abs=1e-7)
    assert adam.state["beta2_power"].numpy() == pytest.approx(beta2**5, abs=1e-6)


def test_two_steps_end_where_those_of_the_original_did():
    trained = load(TRAINED / "model.ckpt-2")
    assert trained["global_step"] == 2
    name = "logits/biases"  # began as zeros
    m, v = (trained[f"{name}/{slot}"].astype(np.float64) for slot in ("Adam", "Adam_1"))
    # m = 0.09 g1 + 0.1 g2 and v = 0.000999 g1^2 + 0.001 g2^2 have two solutions.
    a, b, c = 0.000999 + 0.00081, -0.018 * m, 0.1 * m**2 - v
    root = np.sqrt(np.maximum(b**2 - 4 * a * c, 0))
    errors = []
    for first in ((-b + root) / (2 * a), (-b - root) / (2 * a)):
        variable = tf.Variable(np.zeros_like(trained[name]))
        adam = Adam({name: variable})
        second = (m - 0.09 * first) / 0.1
        steps(adam, [{name: g.astype(np.float32)} for g in (first, second)], [2e-4, 2e-4])
        errors.append(np.abs(variable - trained[name]))
    assert np.min(errors, axis=0).max() < 2e-8
    assert np.abs(trained[name]).max() > 3e-4
    for power in ("beta1_power", "beta2_power"):
        np.testing.assert_array_equal(adam.state[power].numpy(), trained[power])
