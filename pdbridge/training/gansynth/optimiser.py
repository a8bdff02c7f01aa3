"""Names of the optimisers' variables in Magenta's checkpoints, and moving averages of weights."""

import numpy as np
import tensorflow as tf

from pdbridge.training.adam import POWERS

SCOPE = "progressive_gan_train_ops"
AVERAGE = "/ExponentialMovingAverage"
DECAY = np.float32(0.999)


def named_state(adam, scope):
    """The state of an `Adam` under the original's names.

    Parameters
    ----------
    adam : pdbridge.training.adam.Adam
    scope : str
        Of the optimiser, e.g. "generator_train".

    Returns
    -------
    dict of str to tf.Variable
    """
    return {f"{SCOPE}/{scope}/{name}" if name in POWERS else f"{SCOPE}/{name}": variable
            for name, variable in adam.state.items()}


def update_average(average, variable):
    """Move a moving average towards a variable, in a graph, on the device of this replica."""
    step = (average.read_value() - variable.read_value()) * (1 - DECAY)
    tf.raw_ops.AssignSubVariableOp(resource=average.handle, value=step)
