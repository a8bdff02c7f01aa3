"""Adam as TensorFlow 1 has it, with its names, so that a training of the originals could be taken up.

Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", in the form before section 2.1: epsilon is added to
the square root of the plain second moment. Later optimizers of Keras count differently and have other names.
"""

import numpy as np
import tensorflow as tf

POWERS = ("beta1_power", "beta2_power")


class Adam:
    """The moments of some variables, and the steps that are taken by them.

    Parameters
    ----------
    variables : dict of str to tf.Variable
        By their names in the checkpoint. Made, like this, in the scope of the strategy, if there is one.
    beta1, beta2, epsilon : float
        The defaults are TensorFlow's.

    Attributes
    ----------
    state : dict of str to tf.Variable
        The first moment of a variable is called ``<name>/Adam``, the second ``<name>/Adam_1``; ``beta1_power`` and
        ``beta2_power`` are the betas to the power of the step that comes next.
    """

    def __init__(self, variables, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self._variables = variables
        self._beta1, self._beta2, self._epsilon = np.float32(beta1), np.float32(beta2), np.float32(epsilon)
        self.state = {}
        for name, variable in variables.items():
            for slot in ("Adam", "Adam_1"):
                self.state[f"{name}/{slot}"] = tf.Variable(tf.zeros_like(variable), trainable=False)
        for name, beta in zip(POWERS, (self._beta1, self._beta2), strict=True):
            self.state[name] = tf.Variable(beta, trainable=False)

    def apply(self, gradients, learning_rate):
        """Take a step, in a graph.

        Parameters
        ----------
        gradients : dict of str to tensor
            Of each variable. In a replica of a strategy they are those of all replicas, reduced: every replica takes
            the same step with its own copy of the variables.
        learning_rate : float tensor
        """
        powers = [self.state[name] for name in POWERS]
        read = [power.read_value() for power in powers]  # all variables are moved with the same
        for name, variable in self._variables.items():
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle, m=self.state[f"{name}/Adam"].handle, v=self.state[f"{name}/Adam_1"].handle,
                beta1_power=read[0], beta2_power=read[1], lr=learning_rate, beta1=self._beta1, beta2=self._beta2,
                epsilon=self._epsilon, grad=gradients[name])
        for power, now, beta in zip(powers, read, (self._beta1, self._beta2), strict=True):
            tf.raw_ops.AssignVariableOp(resource=power.handle, value=now * beta)
