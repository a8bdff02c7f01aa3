"""The WaveNet autoencoder as it is trained: all samples of a note at once, and what the decoder was told to expect.

Engel et al. 2017, "Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders", section 2.1, and Magenta's
h512_bo16.py. The same networks as in `pdbridge.nsynth.wavenet`, which plays them sample by sample; here the samples are
known, so that each layer sees them all together. Comments give shapes; samples are a multiple of 512.
"""

import zlib

import numpy as np
import tensorflow as tf

from pdbridge.nsynth import mulaw
from pdbridge.nsynth.checkpoint import HOP, STAGES, shapes
from pdbridge.training.adam import Adam
from pdbridge.training.nsynth.schedule import decay, learning_rate

SAMPLE_RATE = 16000  # Hz
AVERAGE = "ExponentialMovingAverage"  # how TensorFlow 1 names the moving average of a variable


class WaveNet:
    """The variables of an autoencoder in training, its loss, and how a step changes them.

    Parameters
    ----------
    hparams : pdbridge.training.nsynth.hparams.WaveNet
    start : dict of str to float32 array, optional
        Variables to begin with, by name, shapes as in the file; random ones, if left out.
    precision : str
        "float32", or "bfloat16": what is multiplied is in bfloat16, sums of layers and variables are in float32.

    Attributes
    ----------
    variables : dict of str to tf.Variable
        By their names in a checkpoint.
    trained : list of str
        Those with a gradient: all but the residual connection of the last layer, which leads nowhere.
    """

    step_type = np.int32  # of global_step in a checkpoint

    def __init__(self, hparams, start=None, precision="float32"):
        self._hparams, self._type = hparams, tf.as_dtype(precision)
        if start is None:
            start = initial(hparams)
        self.variables = {name: tf.Variable(start[name]) for name in shapes(**hparams.sizes)}
        self._averages = {name: tf.Variable(array, trainable=False) for name, array in start.items()}
        last = f"res_{hparams.num_layers}/"
        self.trained = [name for name in self.variables if not name.startswith(last)]
        self._adam = Adam({name: self.variables[name] for name in self.trained})

    @property
    def state(self):
        """All that goes into a checkpoint, except for the step: dict of str to tf.Variable."""
        averages = {f"{name}/{AVERAGE}": average for name, average in self._averages.items()}
        return self.variables | averages | self._adam.state

    def preview(self, q, step):
        """Write some notes of a batch to TensorBoard, as they are and as they are expected sample by sample.

        Parameters
        ----------
        q : float32 array [notes, samples]
            Mu-law steps.
        step : int
            Steps taken.
        """
        inputs = tf.constant(q / 128)
        embedding = self.encode(inputs)
        likeliest = tf.argmax(self.logits(inputs, embedding), axis=2).numpy()
        for name, codes in (("notes", mulaw.codes(q)), ("likeliest samples after the true ones", likeliest)):
            tf.summary.audio(name, mulaw.samples(codes)[..., np.newaxis], SAMPLE_RATE, step, len(q))
        lowest, highest = tf.reduce_min(embedding), tf.reduce_max(embedding)
        picture = (embedding - lowest) / tf.maximum(highest - lowest, 1e-9)
        tf.summary.image("embeddings", tf.transpose(picture, [0, 2, 1])[..., tf.newaxis], step, len(q))

    # Below, everything is for graphs.

    def loss(self, q):
        """What there is to be made small, and nothing else to be kept.

        Parameters
        ----------
        q : float32 tensor [notes, samples]
            Mu-law steps, see `pdbridge.nsynth.mulaw`.

        Returns
        -------
        loss : float32 tensor []
            Surprise at a sample, in nats, the mean over all samples of all notes.
        statistics : dict
            Empty.
        """
        # A sample of exactly 1.0 (TFRecords divide by 32767) has the step 128, which is no code: the original stops
        # with it on a processor, and its loss is NaN on a GPU. It counts as the loudest code.
        codes = tf.cast(tf.clip_by_value(q, -128, 127), tf.int32) + mulaw.SILENCE
        inputs = q / 128
        logits = self.logits(inputs, self.encode(inputs))
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(codes, logits)), {}

    def update(self, gradients, statistics, step):
        """Take a step; returns scalars for the curves.

        Parameters
        ----------
        gradients : dict of str to tensor
            Of what is `trained`.
        statistics : dict
            Empty.
        step : int64 tensor []
            Steps taken before.
        """
        rate = learning_rate(step, self._hparams.learning_rate_schedule)
        self._adam.apply(gradients, rate)
        left = 1 - decay(step + 1)
        for name, average in self._averages.items():
            away = average.read_value() - self.variables[name].read_value()
            tf.raw_ops.AssignSubVariableOp(resource=average.handle, value=away * left)
        return {"learning rate": rate}

    def encode(self, inputs):
        """Embeddings [notes, frames, channels] of inputs [notes, samples]."""
        x = self._dilated("ae_startconv", inputs[..., tf.newaxis], 1, causal=False)  # [notes, samples, ae_width]
        for layer in range(1, self._hparams.ae_num_layers + 1):
            h = self._dilated(f"ae_dilatedconv_{layer}", tf.nn.relu(x), _dilation(layer), causal=False)
            x += self._dense(f"ae_res_{layer}", tf.nn.relu(h))
        # The bottleneck is linear, so the mean over a frame may come before it as well as after.
        frames = tf.reshape(x, [tf.shape(x)[0], -1, HOP, x.shape[-1]])
        return self._dense("ae_bottleneck", tf.reduce_mean(frames, axis=2))

    def logits(self, inputs, embedding):
        """What is expected of each sample [notes, samples, 256] from the ones before it and an embedding."""
        before = tf.pad(inputs, [[0, 0], [1, 0]])[:, :-1, tf.newaxis]  # [notes, samples, 1]
        x = self._dilated("startconv", before, 1)  # [notes, samples, width]
        skip = self._dense("skip_start", x)  # [notes, samples, skip]
        layers, width = self._hparams.num_layers, self._hparams.width
        for layer in range(1, layers + 1):
            gates = self._dilated(f"dilatedconv_{layer}", x, _dilation(layer))  # [notes, samples, 2 width]
            gates = _conditioned(gates, self._dense(f"cond_map_{layer}", embedding))
            h = tf.sigmoid(gates[..., :width]) * tf.tanh(gates[..., width:])
            skip += self._dense(f"skip_{layer}", h)
            if layer < layers:
                x += self._dense(f"res_{layer}", h)
        h = _conditioned(self._dense("out1", tf.nn.relu(skip)), self._dense("cond_map_out1", embedding))
        return self._dense("logits", tf.nn.relu(h))

    def _dilated(self, scope, x, dilation, causal=True):
        """A convolution over three samples, `dilation` apart, the last of which is the one at hand or the one after."""
        notes, samples, width = tf.shape(x)[0], tf.shape(x)[1], x.shape[2]
        kernel = self.variables[f"{scope}/W"]  # [1, taps, in, out]
        taps, made = kernel.shape[1], kernel.shape[3]
        # In rows of `dilation` samples, those that belong together stand in a column: a plain convolution, which
        # can be trained on every processor. (TensorFlow has no gradient of a dilated one without oneDNN.)
        x = tf.reshape(tf.cast(x, self._type), [notes, samples // dilation, dilation, width])
        x = tf.pad(x, [[0, 0], [taps - 1, 0] if causal else [taps // 2, taps // 2], [0, 0], [0, 0]])
        kernel = tf.reshape(tf.cast(kernel, self._type), [taps, 1, width, made])
        x = tf.cast(tf.nn.conv2d(x, kernel, 1, "VALID"), tf.float32)
        return tf.reshape(x, [notes, samples, made]) + self.variables[f"{scope}/biases"]

    def _dense(self, scope, x):
        """A layer of single samples or frames [notes, count, in]."""
        kernel = self.variables[f"{scope}/W"][0, 0]
        x = tf.matmul(tf.cast(x, self._type), tf.cast(kernel, self._type))
        return tf.cast(x, tf.float32) + self.variables[f"{scope}/biases"]


def _conditioned(x, condition):
    """Add to each sample [notes, samples, width] what its frame says [notes, frames, width]."""
    notes, samples, width = tf.shape(x)[0], tf.shape(x)[1], x.shape[2]
    x = tf.reshape(x, [notes, -1, HOP, width]) + condition[:, :, tf.newaxis]
    return tf.reshape(x, [notes, samples, width])


def _dilation(layer):
    return 2 ** ((layer - 1) % STAGES)


def initial(hparams):
    """The variables before the first step, by a seed.

    Parameters
    ----------
    hparams : pdbridge.training.nsynth.hparams.WaveNet

    Returns
    -------
    dict of str to float32 array
        Uniform in +-sqrt(3 / fan in), which keeps the variance ("uniform unit scaling"); biases are 0.
    """
    return {name: _random(shape, np.random.default_rng([hparams.seed, zlib.crc32(name.encode())]))
            for name, shape in shapes(**hparams.sizes).items()}


def _random(shape, random):
    if len(shape) == 1:
        return np.zeros(shape, np.float32)
    most = np.sqrt(3 / np.prod(shape[:-1]))
    return random.uniform(-most, most, shape).astype(np.float32)
