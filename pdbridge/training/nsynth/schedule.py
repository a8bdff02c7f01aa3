"""How far a step goes: the learning rate of NSynth's WaveNet, and the weight of its moving averages."""

import tensorflow as tf

#: From which step on which learning rate holds, in Magenta's h512_bo16.py. A published training ends at STEPS; the
#: last two are for longer ones.
RATES = {0: 2e-4, 90_000: 4e-4 / 3, 120_000: 6e-5, 150_000: 4e-5, 180_000: 2e-5, 210_000: 6e-6, 240_000: 2e-6}
STEPS = 200_000
DECAY = 0.9999  # of the moving averages of the weights


def learning_rate(step, rates=RATES):
    """The learning rate of a step, in a graph.

    Parameters
    ----------
    step : int or int tensor
        How many steps were taken before.
    rates : dict of int to float
        As `RATES`; one begins at 0.

    Returns
    -------
    float32 tensor []
    """
    starts = sorted(rates)
    begun = tf.reduce_sum(tf.cast(step >= tf.constant(starts, tf.int64), tf.int32))
    return tf.constant([rates[start] for start in starts], tf.float32)[begun - 1]


def decay(steps):
    """How much of a moving average is kept in an update, in a graph.

    Early averages would else be made of the random weights of the beginning (``num_updates`` of TensorFlow 1's
    ``ExponentialMovingAverage``).

    Parameters
    ----------
    steps : int or int tensor
        How many were taken, the one before this update included.

    Returns
    -------
    float32 tensor []
    """
    steps = tf.cast(steps, tf.float32)
    return tf.minimum(DECAY, (1 + steps) / (10 + steps))
