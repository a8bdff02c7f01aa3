"""The spectral autoencoder as it is trained: notes of a batch are normalised together, and low frequencies count more.

Engel et al. 2017, "Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders", section 2.2, and Magenta's ae.py
with its configuration nfft_1024. The networks are those of `pdbridge.nsynth.baseline`.
"""

import zlib

import numpy as np
import tensorflow as tf

from pdbridge.nsynth import spectrogram
from pdbridge.nsynth.baseline import BINS, EPSILON, SAMPLE_RATE, decoded, encoded, shapes
from pdbridge.training.adam import POWERS, Adam

KEPT = 0.999  # of the moving averages of means and variances, in a step
PREVIEW_ITERATIONS = 60  # of Griffin-Lim
STATISTICS = ("BatchNorm/moving_mean", "BatchNorm/moving_variance")

# The channels of the published model's layers, by the network, that `hparams.Baseline.channels` replaces.
CHANNELS = {
    "encoder": {"0": 128, "1": 128, "2": 128, "3": 256, "4": 256, "5": 256, "6": 512, "7": 512, "7_1": 512, "8": 1024},
    "decoder": {"0": 1024, "1": 512, "2": 512, "3": 256, "4": 256, "5": 256, "6": 128, "7": 128, "8": 128, "8_1": 128},
}
SIZES = (128, 256, 512, 1024)


class Baseline:
    """The variables of a baseline in training, its loss, and how a step changes them.

    Parameters
    ----------
    hparams : pdbridge.training.nsynth.hparams.Baseline
    start : dict of str to float32 array, optional
        Variables to begin with, by name; random ones, if left out.
    precision : str
        "float32", or "bfloat16": convolutions and what they make are in bfloat16; variables, statistics and the loss
        are in float32.

    Attributes
    ----------
    variables : dict of str to tf.Variable
        By their names in a checkpoint.
    trained : list of str
        Those with a gradient.
    """

    step_type = np.int64  # of global_step in a checkpoint

    def __init__(self, hparams, start=None, precision="float32"):
        self._hparams, self._type = hparams, tf.as_dtype(precision)
        if start is None:
            start = initial(hparams)
        self.trained = [name for name in start if not name.endswith(STATISTICS)]
        self.variables = {name: tf.Variable(array, trainable=name in self.trained) for name, array in start.items()}
        self._adam = Adam({name: self.variables[name] for name in self.trained}, hparams.adam_beta)
        self._weighting = tf.constant(weighting(hparams.fw_loss_coeff, hparams.fw_loss_cutoff)[:, np.newaxis])

    @property
    def state(self):
        """All that goes into a checkpoint, except for the step: dict of str to tf.Variable."""
        # In Magenta's program the powers, unlike the moments, are made under the name of what they belong to.
        return self.variables | {f"Optimizer/{name}" if name in POWERS else name: variable
                                 for name, variable in self._adam.state.items()}

    def preview(self, pictures, pitches, step):
        """Write pictures of some notes of a batch to TensorBoard, as they are and as they come back, and their sound.

        Parameters
        ----------
        pictures, pitches
            As for `loss`.
        step : int
            Steps taken.
        """
        _, found, _ = self.reconstruct(tf.constant(pictures), tf.constant(pitches))
        for name, shown in (("notes", pictures), ("reconstructions", found.numpy())):
            tf.summary.image(name, shown[:, ::-1, :, np.newaxis], step, len(shown))  # low frequencies below
            sounds = [spectrogram.griffin_lim(np.pad(picture, ((0, 1), (0, 0))), PREVIEW_ITERATIONS, seed=0)
                      for picture in shown]
            tf.summary.audio(name, np.stack(sounds)[..., np.newaxis], SAMPLE_RATE, step, len(sounds))

    # Below, everything is for graphs.

    def loss(self, pictures, pitches):
        """What there is to be made small.

        Parameters
        ----------
        pictures : float32 tensor [notes, 512, 256]
            See `pdbridge.nsynth.baseline.NSynthBaseline.spectrograms`.
        pitches : int32 tensor [notes]
            MIDI.

        Returns
        -------
        loss : float32 tensor []
            Mean square error, weighted by frequency.
        statistics : dict of str to tensor
            Mean and variance of what the layers made, by the names of the variables that average them.
        """
        _, found, statistics = self.reconstruct(pictures, pitches)
        return tf.reduce_mean(self._weighting * (pictures - found) ** 2), statistics

    def reconstruct(self, pictures, pitches):
        """z [notes, latent], the pictures that come of it [notes, 512, 256], and the statistics; see `loss`."""
        statistics = {}
        weights = {name: tf.cast(self.variables[name], self._type) for name in self.trained
                   if not name.endswith("beta")}

        def normalised(h, scope):
            exact = tf.cast(h, tf.float32)
            mean, variance = tf.nn.moments(exact, [0, 1, 2])
            # TensorFlow's fused normalisation, which Magenta's program calls, divides by this variance, but keeps
            # the estimate without bias.
            count = tf.cast(tf.size(h[..., 0]), tf.float32)
            for name, value in zip(STATISTICS, (mean, variance * count / tf.maximum(count - 1, 1)), strict=True):
                statistics[f"{scope}/{name}"] = value
            beta = self.variables[f"{scope}/BatchNorm/beta"]
            return tf.cast(tf.nn.batch_normalization(exact, mean, variance, beta, None, EPSILON), h.dtype)

        z = encoded(weights, pictures, normalised)
        return z, decoded(weights, z, pitches, normalised), statistics

    def update(self, gradients, statistics, step):
        """Take a step; returns scalars for the curves.

        Parameters
        ----------
        gradients : dict of str to tensor
            Of what is `trained`.
        statistics : dict of str to tensor
            From `loss`.
        step : int64 tensor []
            Steps taken before.
        """
        rate = tf.constant(self._hparams.learning_rate, tf.float32)
        self._adam.apply(gradients, rate)
        for name, value in statistics.items():
            kept = self.variables[name]
            away = (kept.read_value() - value) * (1 - KEPT)
            tf.raw_ops.AssignSubVariableOp(resource=kept.handle, value=away)
        return {}


def weighting(peak, cutoff):
    """How much an error at each frequency counts, float32 [512].

    Parameters
    ----------
    peak : float
        At 0 Hz; from there it falls on a straight line.
    cutoff : float
        In Hz. From here on an error counts 1.
    """
    falling = int(np.ceil(cutoff * 2 * BINS / SAMPLE_RATE))  # bins below the cutoff
    return np.concatenate([np.linspace(peak, 1, falling), np.ones(BINS - falling)]).astype(np.float32)


def initial(hparams):
    """The variables before the first step, by a seed.

    Parameters
    ----------
    hparams : pdbridge.training.nsynth.hparams.Baseline

    Returns
    -------
    dict of str to float32 array
        Kernels are uniform in +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010), the embedding of pitches is
        normally distributed, variances are 1 and everything else is 0.
    """
    return {name: _random(name, shape, np.random.default_rng([hparams.seed, zlib.crc32(name.encode())]))
            for name, shape in all_shapes(hparams).items()}


def all_shapes(hparams):
    """The variables of a baseline with these settings, and their shapes: dict of str to tuple of int."""
    size = dict(zip(SIZES, hparams.channels, strict=True))
    made = {f"{network}/{name}": size[channels] for network, layers in CHANNELS.items()
            for name, channels in layers.items()}
    made["encoder/z"] = hparams.num_latent
    return shapes(made, hparams.pitch_dim)


def _random(name, shape, random):
    if name.endswith("embedding_weights"):
        return random.standard_normal(shape).astype(np.float32)
    if len(shape) == 1:
        return np.full(shape, name.endswith("moving_variance"), np.float32)
    most = np.sqrt(6 / (np.prod(shape[:2]) * (shape[2] + shape[3])))
    return random.uniform(-most, most, shape).astype(np.float32)
