"""Teaches a GANSynth generator to sound like a synthesizer, without an adversary.

A progressive GAN needs days on a GPU. Where the sounds come from a synthesizer there is a way that needs
an hour or two on two processor cores: draw z and a pitch, let the synthesizer render the note of the
parameters p = P z, and move the network's picture towards the picture of that note. P has orthonormal rows,
so p is standard normal, and the weights that read z are kept in the space of its rows. So every z, seen or
not, is a sound of the synthesizer.

What comes out is a checkpoint in Magenta's format for `pdbridge.GANSynth`; it holds what the training
needs to go on, too.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pdbridge.errors import TrainingError
from pdbridge.files import make_folder, written_whole
from pdbridge.gansynth import spectral
from pdbridge.gansynth.checkpoint import VARIABLE
from pdbridge.gansynth.generator import LEAK, PIXEL_NORM_EPSILON
from pdbridge.gansynth.spectral import mel_to_linear
from pdbridge.training import loop
from pdbridge.training.adam import Adam
from pdbridge.training.gansynth.config import as_json
from pdbridge.training.gansynth.training import settled
from pdbridge.training.synthesizer import (
    FIRST_ROW,
    LATENT_SIZE,
    LAYOUT,
    PITCHES,
    SIZE,
    Pitch,
    drawn,
    log_power,
    projection,
    steps,
)

START_HEIGHT, START_WIDTH = 2, 16
CONFIG = "distilled"  # what a new training takes
OWN = "distillation/"  # before the names of what a generator's checkpoint does not have

# Kernels are kept as the originals keep them, N(0, 1) and scaled when used. They want large steps.
EPSILON = 1e-12
LONGEST_AVERAGE = 0.999
PREVIEWED = 2**40  # number of a lesson that never comes

# What counts in a picture
FLOOR = -11.0  # log power: quieter than this is silence
HEARD = 14.0  # log power (61 dB) below the loudest point: what can be heard beside it
ATTACK_ROWS = slice(FIRST_ROW, FIRST_ROW + 8)
ATTACK_WEIGHT = 2.0  # more than other rows
REGISTERS = 0, 32, 96, 256, 1024  # mel bands where registers begin: up to 190, 560, 1500 and 8000 Hz
COMPRESSION = 0.15  # of power; about that of the ear


class Lessons:
    """The notes to learn, each rendered when its turn comes.

    Note number n is the same in every run with the same seed.

    Parameters
    ----------
    seed : int
    batch_size : int
    ahead : int
        Batches to render in advance, in other threads.
    """

    def __init__(self, seed, batch_size, ahead=6):
        self._seed = seed
        self._batch_size = batch_size
        self._ahead = ahead
        self._projection = projection()
        self._pitches = {pitch: Pitch(pitch) for pitch in PITCHES}
        self._pool = ThreadPoolExecutor(2, "lesson")
        self._coming = {}

    def note(self, number):
        """One note: z float32 [latent], label, log power float32 [rows, bins]."""
        z, pitch = drawn(self._seed, number)
        note = self._pitches[pitch].render(self._projection @ z, lead=True)
        return z.astype(np.float32), np.int32(PITCHES.index(pitch)), log_power(note)

    def batch(self, first):
        """The notes from number `first` on, stacked."""
        return tuple(map(np.stack, zip(*(self.note(first + n) for n in range(self._batch_size)), strict=True)))

    def after(self, done):
        """The batch that follows after `done` notes."""
        for step in range(self._ahead):
            first = done + step * self._batch_size
            if first not in self._coming:
                self._coming[first] = self._pool.submit(self.batch, first)
        return self._coming.pop(done).result()


@tf.custom_gradient
def pixel_norm(x):
    """Scale the channels of every pixel to unit mean square, with a gradient in few passes over memory."""
    norm = tf.raw_ops.EuclideanNorm(input=x, axis=[-1], keep_dims=True)
    scale = tf.math.rsqrt(tf.square(norm) / x.shape[-1] + PIXEL_NORM_EPSILON)
    y = x * scale

    def gradient(dy):
        return scale * (dy - y * tf.reduce_mean(dy * y, -1, keepdims=True))

    return y, gradient


class Student:
    """The generator, with the first layer in two parts: what reads z, through P, and what reads the pitch.

    Parameters
    ----------
    channels : list of int
        Of each block.
    seed : int
    """

    def __init__(self, channels, seed):
        self.channels = channels
        random = np.random.default_rng([seed, 2])
        start = START_HEIGHT * START_WIDTH * channels[0]
        near = np.exp(-0.5 * ((np.arange(61)[:, np.newaxis] - np.arange(61)) / 4.0) ** 2)
        near /= np.linalg.norm(near, axis=1, keepdims=True)
        normal = random.standard_normal
        # Neighbouring pitches begin alike. (The scales decide how fast Adam moves what.)
        pitch = 1.5 * normal((1, start)) + 1.5 * near @ normal((61, start)) + normal((61, start))
        weights = {"timbre": normal((SIZE, start)) / 4, "pitch": pitch / 2, "conv0_1/bias": np.zeros(channels[0])}
        for block, made in enumerate(channels, 1):
            taken = channels[max(block - 2, 0)]
            if block > 1:
                weights[f"conv0_{block}/kernel"] = normal((3, 3, taken, made))
                weights[f"conv0_{block}/bias"] = np.zeros(made)
            weights[f"conv1_{block}/kernel"] = normal((3, 3, made, made))
            weights[f"conv1_{block}/bias"] = np.zeros(made)
        weights["to_rgb/kernel"] = 0.5 * normal((1, 1, channels[-1], 2))
        weights["to_rgb/bias"] = np.array([-0.4, 0.0])
        self.weights = {name: tf.Variable(value.astype(np.float32), name=name) for name, value in weights.items()}
        self._projection = tf.constant(projection().T, tf.float32)  # [latent, SIZE]

    def __call__(self, weights, z, label):
        """Pictures float32 [notes, rows, bins, 2], normalised.

        Parameters
        ----------
        weights : dict
            Like `self.weights`, or their moving averages.
        z : float32 [notes, latent]
        label : int32 [notes]
        """
        latent = z.shape[1]
        mean_square = (tf.reduce_sum(z * z, 1, keepdims=True) + 1) / (latent + len(PITCHES))  # with the one-hot pitch
        norm = tf.math.rsqrt(mean_square + PIXEL_NORM_EPSILON)
        x = norm * (z @ self._projection @ weights["timbre"] + 2 * tf.gather(weights["pitch"], label))
        x = tf.reshape(x, [-1, START_HEIGHT, START_WIDTH, self.channels[0]])
        x = pixel_norm(tf.nn.leaky_relu(x + weights["conv0_1/bias"], LEAK))
        x = self._layer(x, weights, "conv1_1")
        for block in range(2, len(self.channels) + 1):
            x = tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)
            x = self._layer(x, weights, f"conv0_{block}")
            x = self._layer(x, weights, f"conv1_{block}")
        kernel = weights["to_rgb/kernel"]
        return tf.tanh(tf.nn.conv2d(x, kernel * math.sqrt(1 / kernel.shape[2]), 1, "SAME") + weights["to_rgb/bias"])

    @staticmethod
    def _layer(x, weights, name):
        kernel = weights[f"{name}/kernel"]
        x = tf.nn.conv2d(x, kernel * math.sqrt(2 / np.prod(kernel.shape[:3])), 1, "SAME")
        return pixel_norm(tf.nn.leaky_relu(tf.nn.bias_add(x, weights[f"{name}/bias"]), LEAK))

    def magenta_weights(self, values):
        """The same network as Magenta's variables: arrays by name after the block, see `checkpoint.VARIABLE`.

        Parameters
        ----------
        values : dict of str to array

        Returns
        -------
        dict of (int, str) to float32 array
            By block and, e.g., ``conv0/conv2d/kernel``. Only the last block makes a picture.
        """
        first = self.channels[0]
        dense = np.concatenate([self._projection.numpy() @ values["timbre"], 2 * values["pitch"]])
        dense = dense / math.sqrt(2 / (START_HEIGHT * START_WIDTH * len(dense)))  # [latent + pitches, 32 * channels]
        kernel = dense.reshape(-1, START_HEIGHT, START_WIDTH, first)[:, ::-1, ::-1].transpose(1, 2, 0, 3)
        named = {(1, "conv0/conv2d/kernel"): kernel, (1, "conv0/bias"): values["conv0_1/bias"]}
        for block, made in enumerate(self.channels, 1):
            for layer in ("conv0", "conv1"):
                if (block, layer) != (1, "conv0"):
                    named[block, f"{layer}/conv2d/kernel"] = values[f"{layer}_{block}/kernel"]
                    named[block, f"{layer}/bias"] = values[f"{layer}_{block}/bias"]
            last = block == len(self.channels)
            named[block, "to_rgb/conv2d/kernel"] = values["to_rgb/kernel"] if last else np.zeros((1, 1, made, 2))
            named[block, "to_rgb/bias"] = values["to_rgb/bias"] if last else np.zeros(2)
        return {name: np.ascontiguousarray(value, np.float32) for name, value in named.items()}


class Losses(NamedTuple):
    """How far pictures are from the notes; each float32 []."""

    level: tf.Tensor  # log power, where either of the two can be heard
    loudness: tf.Tensor  # compressed power
    silence: tf.Tensor  # log power everywhere, above the floor
    envelope: tf.Tensor  # log power of each frame and register
    step: tf.Tensor  # instantaneous frequency, row by row
    course: tf.Tensor  # the same over eight rows
    tuning: tf.Tensor  # and over sixteen, where the strongest partials count
    onset: tf.Tensor  # phases where the note begins

    @property
    def total(self):
        return (0.3 * self.level + 1.5 * self.loudness + 0.1 * self.silence + 2 * self.envelope
                + self.step + self.course + 10 * self.tuning + self.onset)


class Judge:
    """Compares pictures with the synthesizer's.

    Parameters
    ----------
    scale, shift : (float, float)
        Normalisation of log power and frequency, as in ``experiment.json``.
    """

    def __init__(self, scale, shift):
        self.normalisation = self._scale, self._shift = scale, shift
        to_bins = mel_to_linear(LAYOUT.bins, LAYOUT.sample_rate).astype(np.float32)
        self._to_bins = tf.constant(to_bins)
        wanted = np.stack([steps(pitch)[FIRST_ROW : FIRST_ROW + 2] for pitch in PITCHES])  # [pitches, 2, mel]
        self._onset = tf.constant(wanted[0, 0] @ to_bins)  # [bins], the same for all
        self._steady = tf.constant(wanted[:, 1] @ to_bins)  # [pitches, bins]
        rows = np.ones((LAYOUT.rows, 1), np.float32)
        rows[ATTACK_ROWS] += ATTACK_WEIGHT
        self._rows = tf.constant(rows)
        attack = np.ones(LAYOUT.rows, np.float32)
        attack[ATTACK_ROWS] = LAYOUT.rows / 8  # half of all
        self._attack = tf.constant(attack / attack.mean())
        # Dozens of small operations on large arrays: joined, they take half the time.
        self._compare = tf.function(self._losses, jit_compile=True, autograph=False)

    def _bins(self, mel):
        return tf.tensordot(mel, self._to_bins, 1)

    def __call__(self, picture, wanted, label):
        """Compare.

        Parameters
        ----------
        picture : float32 [notes, rows, bins, 2]
            Normalised, from the network.
        wanted : float32 [notes, rows, bins]
            Log power.
        label : int32 [notes]

        Returns
        -------
        Losses
        """
        return Losses(*self._compare(picture, wanted, label))

    def _losses(self, picture, wanted, label):
        made = (picture[..., 0] - self._shift[0]) / self._scale[0]
        frequency = (picture[..., 1] - self._shift[1]) / self._scale[1]
        wanted = tf.maximum(wanted, FLOOR)
        return *self._levels(made, wanted), *self._frequencies(frequency, wanted, label)

    def _levels(self, made, wanted):
        loudest = tf.reduce_max(wanted, (1, 2), keepdims=True)
        # Below the floor it hardly matters how far.
        made = tf.where(made < FLOOR, FLOOR + 0.02 * (made - FLOOR), made)
        apart = tf.abs(made - wanted)
        apart += 0.08 * apart * apart
        # Sound where silence should be counts as much as silence where sound should be: attacks, the
        # valleys between partials, the end of the note.
        louder = tf.stop_gradient(tf.maximum(made, wanted))
        heard = tf.square(tf.clip_by_value((louder - loudest + HEARD) / HEARD, 0, 1)) * self._rows
        level = tf.reduce_mean(tf.reduce_sum(heard * apart, (1, 2)) / tf.reduce_sum(heard, (1, 2)))
        loudness = tf.exp(COMPRESSION * (made - loudest)) - tf.exp(COMPRESSION * (wanted - loudest))
        share = tf.reduce_mean(tf.exp(COMPRESSION * (wanted - loudest)) * self._rows, (1, 2))
        loudness = tf.reduce_mean(tf.reduce_mean(tf.abs(loudness) * self._rows, (1, 2)) / share)
        return level, loudness, tf.reduce_mean(apart), self._envelope(made, wanted)

    def _envelope(self, made, wanted):
        """How notes rise and fall is one number a row, which thousands of pixels have to agree about."""
        apart = 0.0
        for first, last in zip(REGISTERS, REGISTERS[1:]):
            made_sum, wanted_sum = (tf.reduce_logsumexp(x[:, :, first:last], 2) for x in (made, wanted))
            least = tf.reduce_max(tf.reduce_logsumexp(wanted, 2), 1, keepdims=True) - HEARD
            error = tf.abs(tf.maximum(made_sum, least) - tf.maximum(wanted_sum, least))
            apart += error + 0.2 * error * error
        return tf.reduce_mean(apart * self._attack) / (len(REGISTERS) - 1)

    def _frequencies(self, frequency, wanted, label):
        magnitude = tf.sqrt(tf.maximum(self._bins(tf.exp(wanted)), 0) + 1e-9)  # [notes, rows, bins]
        weight = tf.sqrt(magnitude / tf.reduce_max(magnitude, (1, 2), keepdims=True))
        weight *= tf.cast(magnitude > math.exp(0.5 * (FLOOR + 3)), tf.float32)
        bins = self._bins(frequency)
        error = bins[:, FIRST_ROW + 1 :] - tf.gather(self._steady, label)[:, tf.newaxis]
        heard = weight[:, FIRST_ROW + 1 :]  # [notes, 124, bins]
        total = tf.reduce_mean(heard, (1, 2), keepdims=True)
        step = tf.reduce_mean(heard / total * (tf.abs(error) + 2 * error * error))

        def over(rows, weights):
            """The error of `rows` rows together, by the louder bins the more."""
            parts = (-1, error.shape[1] // rows, rows, error.shape[2])
            used = parts[1] * rows
            sums = tf.reduce_mean(tf.reshape((error * weights)[:, :used], parts), 2)
            return tf.reduce_sum(tf.abs(sums)) / (tf.reduce_sum(weights[:, :used]) / rows + 1e-6)

        course = over(8, heard)
        tuning = over(16, heard**3)  # what is heard as the pitch: the strongest partials
        # What the silent rows add up to is the phase at the onset; they may share it among them.
        ever = tf.reduce_max(weight, 1)  # [notes, bins]
        onset = tf.reduce_sum(bins[:, : FIRST_ROW + 1], 1) - self._onset
        onset = tf.reduce_sum((0.5 * tf.abs(onset) + 2 * onset * onset) * ever) / (tf.reduce_sum(ever) + 1e-6)
        return step, course, tuning, onset


def distil(out, name=None, changes=None, *, stop_after=None, save_seconds=600):
    """Train a generator on the synthesizer, or go on with such a training.

    Parameters
    ----------
    out : str or Path
        The folder of the training; made if need be. `pdbridge.GANSynth.load` plays it at any time.
    name : str, optional
        Of the configuration, see `pdbridge.training.gansynth.config.CONFIGS`. Left out, a new training takes the one
        of the built-in model.
    changes : dict of str to value, optional
        Settings that differ from it.
    stop_after : float, optional
        Seconds.
    save_seconds : float
        From one checkpoint to the next.

    Returns
    -------
    pdbridge.training.loop.Ending

    Raises
    ------
    TrainingError
        What is wrong, and what to do.
    """
    out = Path(out).expanduser().absolute()
    described = out / "experiment.json"
    config = settled("", out, name or (None if described.exists() else CONFIG), changes or {})
    if config.train_progressive:
        raise TrainingError(f"{out}: train_progressive is for training against a data set; a network that learns from "
                            "the synthesizer has all its blocks from the beginning. Choose --config distilled")
    trainer = Distillation(config)
    make_folder(out)
    if not described.exists():
        with written_whole(described) as temporary:
            temporary.write_text(as_json(config))
    stage = f"stage_{2 * config.num_resolutions - 2:05d}"
    return loop.run(trainer, out / stage, config.total_num_images, save_seconds=save_seconds, stop_after=stop_after,
                    description="learning from the synthesizer")


class Distillation:
    """The training, for `pdbridge.training.loop`.

    Parameters
    ----------
    config : pdbridge.training.gansynth.config.Config
        ``total_num_images``, ``batch_size_schedule``, ``generator_learning_rate``, the betas of Adam and the sizes
        of the network count.
    """

    unit = "note"

    def __init__(self, config):
        self.done = 0
        self._config = config
        self._batch_size = config.batch_size_schedule[-1]
        shape = config.shape(len(PITCHES))
        if (shape.latent_size, config.layout) != (LATENT_SIZE, LAYOUT) or shape.start_width != START_WIDTH:
            raise TrainingError("the synthesizer's pictures are 128 x 1024 from 2 x 16, and z has 256 values; leave "
                                "latent_vector_size, num_resolutions, start_height and start_width as they are")
        self.student = Student([shape.channels(block) for block in range(1, shape.resolutions + 1)], config.seed)
        self._judge = Judge(config.scale, config.shift)
        self._lessons = Lessons(config.seed, self._batch_size)
        weights = self.student.weights
        self._averages = {name: tf.Variable(value, trainable=False) for name, value in weights.items()}
        self._adam = Adam(weights, config.adam_beta1, config.adam_beta2, EPSILON)
        self._step = tf.function(self._learn, autograph=False)

    def advance(self):
        """One step; returns the losses."""
        step = self.done // self._batch_size
        z, label, wanted = self._lessons.after(self.done)
        rate = self._config.generator_learning_rate * rate_at(self.done / self._config.total_num_images, step)
        kept = min(LONGEST_AVERAGE, 1 - 1 / (step * 0.02 + 2))
        losses = self._step(z, label, wanted, tf.constant(rate, tf.float32), tf.constant(kept, tf.float32))
        self.done += self._batch_size
        return {"loss": losses.total, **losses._asdict()}

    def _learn(self, z, label, wanted, rate, kept):
        weights = self.student.weights
        with tf.GradientTape() as tape:
            losses = self._judge(self.student(weights, z, label), wanted, label)
            total = losses.total
        gradients = tape.gradient(total, list(weights.values()))
        gradients, _ = tf.clip_by_global_norm(gradients, 1.0)
        self._adam.apply(dict(zip(weights, gradients, strict=True)), rate)
        for name, average in self._averages.items():
            average.assign(kept * average + (1 - kept) * weights[name])
        return losses

    def tensors(self):
        """A generator's checkpoint as Magenta writes it, and under ``distillation/`` what is needed to go on."""
        weights = {name: value.numpy() for name, value in self.student.weights.items()}
        averages = {name: value.numpy() for name, value in self._averages.items()}
        tensors = {"global_step": np.int64(self.done)}
        for ending, values in (("", weights), ("/ExponentialMovingAverage", averages)):
            for (block, layer), value in self.student.magenta_weights(values).items():
                plain = VARIABLE.format(block=block, layer=layer).removesuffix("/ExponentialMovingAverage")
                tensors[plain + ending] = value
        own = weights | {f"{name}/average": value for name, value in averages.items()}
        own |= {name: value.numpy() for name, value in self._adam.state.items()}
        return tensors | {OWN + name: value for name, value in own.items()}

    def restore(self, tensors):
        """Go on from what `tensors` returned."""
        held = {name: self.student.weights[name] for name in self.student.weights}
        held |= {f"{name}/average": value for name, value in self._averages.items()} | self._adam.state
        for name, variable in held.items():
            value = tensors.get(OWN + name)
            if value is None or value.shape != tuple(variable.shape):
                raise TrainingError(f"the checkpoint is of another training: {OWN + name} should be "
                                    f"{list(variable.shape)}, not {value if value is None else list(value.shape)}")
            variable.assign(value)
        self.done = int(tensors["global_step"])

    def preview(self, writer):
        """Two notes of the averages, as sound and picture, for TensorBoard."""
        z, label, _ = self._lessons.batch(PREVIEWED)
        pictures = self.student(self._averages, tf.constant(z[:2]), tf.constant(label[:2])).numpy()
        tf.summary.image("log power and frequency", np.moveaxis(pictures, 3, 1).reshape(-1, *pictures.shape[1:3], 1)
                         .transpose(0, 2, 1, 3)[:, ::-1] * 0.5 + 0.5, max_outputs=4)
        scale, shift = self._judge.normalisation
        notes = np.stack([spectral.invert(spectral.denormalise(picture, scale, shift), LAYOUT) for picture in pictures])
        tf.summary.audio("notes", np.clip(notes, -1, 1)[..., np.newaxis], LAYOUT.sample_rate)


def rate_at(share, step):
    """The learning rate beside the highest: up in 100 steps, then down along a cosine to half a percent.

    Parameters
    ----------
    share : float
        Of the training that is done, 0..1.
    step : int
    """
    falling = 0.5 * (1 + math.cos(math.pi * min(max((share - 0.02) / 0.98, 0), 1)))
    return min(1, (step + 1) / 100) * (0.995 * falling + 0.005)
