"""Steps of a training, on one device or several, and what is needed to go on after them."""

import numpy as np
import tensorflow as tf

from pdbridge.errors import TrainingError


PREVIEWED = 2  # notes


class Trainer:
    """A trainer for `pdbridge.training.loop`.

    Parameters
    ----------
    make : callable
        Makes the network, a `pdbridge.training.nsynth.wavenet.WaveNet` or a baseline.
    batches : pdbridge.training.nsynth.notes.Batches
    strategy : tf.distribute.Strategy, optional
        Spreads a batch over its devices; the loss is the mean over all of them.
    compiled : bool
        Compile loss and gradients with XLA.
    """

    unit = "step"

    def __init__(self, make, batches, strategy=None, compiled=False):
        self.done = 0
        self._batches = batches
        self._strategy = strategy or tf.distribute.get_strategy()
        with self._strategy.scope():
            self.network = make()
        self._gradients = tf.function(self._gradient_graph, autograph=False, jit_compile=compiled or None)
        self._step = tf.function(self._step_graph, autograph=False)

    def advance(self):
        """Take a step; returns the loss and what else is to be seen."""
        made = self._step(self._spread(self._batches.take(self.done)), tf.constant(self.done, tf.int64))
        scalars = {name: float(value) for name, value in made.items()}
        self.done += 1
        return scalars

    def tensors(self):
        """Everything that is needed to go on: dict of str to array."""
        state = {name: variable.numpy() for name, variable in self.network.state.items()}
        return state | {"global_step": np.asarray(self.done, self.network.step_type)}

    def restore(self, tensors):
        """Go on from what `tensors` returned."""
        state = self.network.state
        for name in [*state, "global_step"]:
            shape = tuple(state[name].shape) if name in state else ()
            if name not in tensors:
                raise TrainingError(f"the checkpoint has no {name}, so training cannot go on from it")
            if tensors[name].shape != shape:
                raise TrainingError(f"{name} has the shape {list(tensors[name].shape)} in the checkpoint, and "
                                    f"{list(shape)} with these settings")
        for name, variable in state.items():
            variable.assign(tensors[name])
        self.done = int(tensors["global_step"])

    def preview(self, writer):
        """Write sounds and pictures of what the network makes of a few notes, for TensorBoard."""
        self.network.preview(*(array[:PREVIEWED] for array in self._batches.take(0)), self.done)

    def _spread(self, batch):
        """A part of the notes for each device."""
        count = self._strategy.num_replicas_in_sync
        if count == 1:
            return tuple(tf.constant(array) for array in batch)
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: tuple(tf.constant(np.split(array, count)[context.replica_id_in_sync_group])
                                  for array in batch))

    def _step_graph(self, batch, step):
        made = self._strategy.run(self._replica_graph, (batch, step))
        return {name: self._strategy.experimental_local_results(value)[0] for name, value in made.items()}

    def _replica_graph(self, batch, step):
        loss, statistics, gradients = self._gradients(*batch)
        context = tf.distribute.get_replica_context()
        loss, statistics, gradients = context.all_reduce(tf.distribute.ReduceOp.MEAN, (loss, statistics, gradients))
        return {"loss": loss} | self.network.update(gradients, statistics, step)

    def _gradient_graph(self, *batch):
        trained = {name: self.network.variables[name] for name in self.network.trained}
        with tf.GradientTape() as tape:
            loss, statistics = self.network.loss(*batch)
        gradients = tape.gradient(loss, trained)
        # A gradient of single rows (the embedding of pitches) is one of zeros elsewhere: Adam goes on for those, too.
        return loss, statistics, {name: tf.convert_to_tensor(gradient) for name, gradient in gradients.items()}
