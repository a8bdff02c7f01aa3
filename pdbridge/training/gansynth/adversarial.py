"""One stage of the training: the generator against the critic, step by step.

A step is one of the generator, then one of the critic, each with timbres of its own. What is random in it depends on
the seed and on the number of pictures seen only, so a training that goes on makes the numbers it would have made.
"""

import time

import numpy as np
import tensorflow as tf

from pdbridge.errors import TrainingError
from pdbridge.gansynth import spectral
from pdbridge.training.adam import Adam
from pdbridge.training.gansynth import losses, networks, optimiser
from pdbridge.training.gansynth.schedule import progress

GENERATOR_SCOPE, CRITIC_SCOPE = "generator_train", "discriminator_train"
HEARD = 4  # notes in a preview
# Second numbers of the seeds, so that what is drawn at one step differs.
TIMBRES, LABELS, CRITIC_TIMBRES, CRITIC_LABELS, MIXING, PREVIEW = range(6)


def initial_tensors(config, stage, pitches):
    """Weights, averages and counts before the first step of a stage, with the original's names.

    Parameters
    ----------
    config : pdbridge.training.gansynth.config.Config
    stage : pdbridge.training.gansynth.schedule.Stage
    pitches : int
        How many there are.

    Returns
    -------
    dict of str to array
    """
    shape = config.shape(pitches)
    generator = networks.initial(networks.generator_variables(shape, stage.blocks), config.seed)
    averages = {name + optimiser.AVERAGE: weight for name, weight in generator.items()}
    critic = networks.initial(networks.discriminator_variables(shape, stage.blocks), config.seed)
    return generator | averages | critic | {"global_step": np.int64(0), "Variable": np.float32(0)}


def grown(tensors, before):
    """The tensors of a new stage: those of the stage before, but for new blocks and the optimisers' slots.

    Parameters
    ----------
    tensors : dict of str to array
        From `initial_tensors`.
    before : dict of str to array
        The last checkpoint of the stage before.

    Returns
    -------
    dict of str to array
    """
    return tensors | {name: before[name] for name in tensors if name in before}


class Adversaries:
    """The trainer of one stage, see `pdbridge.training.loop.Trainer`.

    Parameters
    ----------
    config : pdbridge.training.gansynth.config.Config
    stage : pdbridge.training.gansynth.schedule.Stage
    pictures : pdbridge.training.gansynth.pictures.Pictures
    tensors : dict of str to array
        From `initial_tensors` or `grown`.
    strategy : tf.distribute.Strategy, optional
        How a batch is spread over devices.
    mixed_precision : bool
        Products of the convolutions in bfloat16, everything else (weights, norms, losses) in float32. Unlike float16
        it has the range of float32, so losses need no scaling.
    xla : bool
        Compile the gradients.
    """

    unit = "image"

    def __init__(self, config, stage, pictures, tensors, strategy=None, mixed_precision=False, xla=False):
        self._config, self._stage, self._pictures = config, stage, pictures
        self._shape = config.shape(len(pictures.pitches))
        self._strategy = strategy or tf.distribute.get_strategy()
        replicas = self._strategy.num_replicas_in_sync
        if stage.batch_size % replicas:
            raise TrainingError(f"a batch of {stage.batch_size} pictures cannot be spread evenly over {replicas} "
                                "devices (--batch-size)")
        self._replica_size = stage.batch_size // replicas
        self._dtype = tf.bfloat16 if mixed_precision else tf.float32
        self._enlargement = self._shape.scale(stage.blocks)
        counts = np.array(list(pictures.counts.values()), np.float64)
        self._frequencies = np.log(counts / counts.sum()).astype(np.float32)
        self.done, self._seconds = int(tensors["global_step"]), float(tensors["Variable"])
        self._generator = list(networks.generator_variables(self._shape, stage.blocks))
        self._critic = list(networks.discriminator_variables(self._shape, stage.blocks))
        with self._strategy.scope():
            self._variables = {name: tf.Variable(array, trainable=False) for name, array in tensors.items()
                               if name not in ("global_step", "Variable")}
            self._generator_adam, self._critic_adam = (
                Adam({name: self._variables[name] for name in names}, config.adam_beta1, config.adam_beta2)
                for names in (self._generator, self._critic))
        self._variables |= optimiser.named_state(self._generator_adam, GENERATOR_SCOPE)
        self._variables |= optimiser.named_state(self._critic_adam, CRITIC_SCOPE)
        compiled = {"autograph": False, "jit_compile": True if xla else None}
        self._generator_gradients = tf.function(self._generator_gradients, **compiled)
        self._critic_gradients = tf.function(self._critic_gradients, **compiled)
        self._step = tf.function(self._step, autograph=False)
        self._batches = None

    # For the loop

    def advance(self):
        """One step of the generator and one of the critic."""
        start = time.monotonic()
        if self._batches is None:
            batches = self._pictures.batches(self.done, self._stage.batch_size, self._enlargement, self._config.seed)
            self._batches = iter(self._strategy.experimental_distribute_dataset(batches))
        grown = progress(self._config, self._stage, self.done)
        scalars = self._step(*next(self._batches), tf.constant(self.done, tf.int64), tf.constant(grown, tf.float32))
        scalars = {name: float(value) for name, value in scalars.items()}
        self.done += self._stage.batch_size
        self._seconds += time.monotonic() - start
        return scalars | {"progress": grown}

    def tensors(self):
        """Everything in Magenta's checkpoints of this stage."""
        return {name: variable.numpy() for name, variable in self._variables.items()} | {
            "global_step": np.int64(self.done), "Variable": np.float32(self._seconds)}

    def restore(self, tensors):
        """Go on from a checkpoint, from here or from the original."""
        for name, variable in self._variables.items():
            if name not in tensors:
                raise TrainingError(f"the checkpoint has no variable {name}: training goes on from what a training "
                                    "wrote, not from an exported model")
            if tensors[name].shape != variable.shape:
                raise TrainingError(f"{name} has the shape {list(tensors[name].shape)} in the checkpoint, but "
                                    f"experiment.json and the data set describe {list(variable.shape)}")
            variable.assign(tensors[name])
        self.done, self._seconds = int(tensors["global_step"]), float(tensors["Variable"])
        self._batches = None

    def preview(self, writer):
        """Notes of some timbres, always the same ones, as sounds and as pictures."""
        z = tf.random.stateless_normal([HEARD, self._shape.latent_size], self._seeds(PREVIEW, 0))
        places = np.linspace(0, self._shape.pitches - 1, HEARD).round().astype(int)
        painted = networks.generate(self._variables, z, tf.one_hot(places, self._shape.pitches), self._shape,
                                    self._stage.blocks, self._progress(progress(self._config, self._stage, self.done)),
                                    suffix=optimiser.AVERAGE)
        painted = networks.upscale(painted, self._enlargement)
        shown = tf.reverse(tf.transpose((painted + 1) / 2, [3, 0, 2, 1]), [2])[..., tf.newaxis]  # low pitches below
        heard = networks.denormalise(painted, self._config.scale, self._config.shift).numpy()
        waves = np.stack([spectral.invert(picture, self._config.layout) for picture in heard])[..., np.newaxis]
        tf.summary.audio("notes", waves, self._config.layout.sample_rate, max_outputs=HEARD)
        tf.summary.image("log power", shown[0], max_outputs=HEARD)
        tf.summary.image("instantaneous frequency", shown[1], max_outputs=HEARD)

    # One step

    def _step(self, pictures, labels, number, grown):
        scalars = self._strategy.run(self._replica_step, args=(pictures, labels, number, grown))
        return {name: self._strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None)
                for name, value in scalars.items()}

    def _replica_step(self, pictures, labels, number, grown):
        generator, critic = self._weights(self._generator), self._weights(self._critic)
        z, pitch = self._timbres(number, TIMBRES, LABELS)
        gradients, scalars = self._generator_gradients(generator, critic, z, pitch, grown)
        self._generator_adam.apply(self._reduced(self._generator, gradients), self._config.generator_learning_rate)
        for name in self._generator:
            optimiser.update_average(self._variables[name + optimiser.AVERAGE], self._variables[name])

        generator = self._weights(self._generator)
        z, pitch = self._timbres(number, CRITIC_TIMBRES, CRITIC_LABELS)
        mixing = self._mine(tf.random.stateless_uniform([self._stage.batch_size, 1, 1, 1], self._seeds(MIXING, number)))
        labels = tf.one_hot(labels, self._shape.pitches)
        gradients, more = self._critic_gradients(generator, critic, z, pitch, pictures, labels, mixing, grown)
        self._critic_adam.apply(self._reduced(self._critic, gradients), self._config.discriminator_learning_rate)
        return scalars | more

    def _generator_gradients(self, generator, critic, z, pitch, grown):
        config = self._config
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(generator)
            scores, logits = self._judged(critic, self._painted(generator, z, pitch, grown), grown)
            deceiving, named = losses.generator_loss(scores), losses.cross_entropy(logits, pitch)
            loss = deceiving + config.generator_ac_loss_weight * named
        gradients = tape.gradient(loss, list(generator.values()), unconnected_gradients="zero")
        return gradients, {"generator_loss": loss, "generator_pitch_loss": named}

    def _critic_gradients(self, generator, critic, z, pitch, pictures, labels, mixing, grown):
        config = self._config
        real = pictures
        if self._fades:
            real = networks.blend(pictures, grown - (self._stage.blocks - 2))
        fake = self._painted(generator, z, pitch, grown)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(critic)
            real_scores, logits = self._judged(critic, real, grown)
            fake_scores, _ = self._judged(critic, fake, grown)
            telling = losses.critic_loss(real_scores, fake_scores)
            steep = losses.gradient_penalty(lambda x: self._judged(critic, x, grown)[0], real, fake, mixing,
                                            config.gradient_penalty_target, self._enlargement)
            drift = losses.real_score_penalty(real_scores)
            named = losses.cross_entropy(logits, labels)
            loss = (telling + config.gradient_penalty_weight * steep + config.real_score_penalty_weight * drift
                    + config.discriminator_ac_loss_weight * named)
        gradients = tape.gradient(loss, list(critic.values()), unconnected_gradients="zero")
        return gradients, {"discriminator_loss": loss, "wasserstein_distance": -telling, "gradient_penalty": steep,
                           "real_score_penalty": drift, "discriminator_pitch_loss": named}

    # Parts of it

    @property
    def _fades(self):
        return self._stage.fading and self._config.train_progressive

    def _progress(self, grown):
        """None where nothing is faded: what counts nothing is then not computed."""
        return grown if self._fades else None

    def _painted(self, generator, z, pitch, grown):
        """Log power and frequency."""
        painted = networks.generate(generator, z, pitch, self._shape, self._stage.blocks, self._progress(grown),
                                    self._dtype)
        return networks.denormalise(painted, self._config.scale, self._config.shift)

    def _judged(self, critic, pictures, grown):
        if not self._config.plain:
            pictures = networks.normalise(pictures, self._config.scale, self._config.shift)
        return networks.discriminate(critic, pictures, self._shape, self._stage.blocks, self._progress(grown),
                                     self._dtype)

    def _weights(self, names):
        return {name: self._variables[name].read_value() for name in names}

    @staticmethod
    def _reduced(names, gradients):
        """The means over all devices, by name."""
        replica = tf.distribute.get_replica_context()
        if replica.num_replicas_in_sync > 1:
            gradients = replica.all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
        return dict(zip(names, gradients, strict=True))

    def _timbres(self, number, timbres, labels):
        """Random z and pitches for this device; pitches as often as in the data."""
        size = self._stage.batch_size
        z = tf.random.stateless_normal([size, self._shape.latent_size], self._seeds(timbres, number))
        places = tf.random.stateless_categorical(self._frequencies[np.newaxis], size, self._seeds(labels, number))[0]
        return self._mine(z), tf.one_hot(self._mine(places), self._shape.pitches)

    def _seeds(self, purpose, number):
        return tf.stack([tf.constant(self._config.seed * 8 + purpose, tf.int64), tf.cast(number, tf.int64)])

    def _mine(self, batch):
        """The part of a batch for this device."""
        first = tf.distribute.get_replica_context().replica_id_in_sync_group * self._replica_size
        return batch[first:first + self._replica_size]
