"""The two networks, as the original trains them: the generator paints, the critic judges and names the pitch.

Engel et al. 2019, section 2 and appendix; Karras et al. 2018, appendix A. Functions of weights, which are dicts of
tensors (or variables) under Magenta's names. `pdbridge.gansynth.generator` computes the same pictures faster.

Both work at the resolution of the blocks that there are. The original enlarges the generator's picture to the final
size, and the critic shrinks it at once to what it was, so the results are equal; only a gradient with respect to the
picture is spread over more pixels there (see `losses.gradient_penalty`).

Shapes: N pictures, H rows of time, W columns of frequency, channels last. Kernels are [height, width, in, out].
"""

import math
import zlib

import numpy as np
import tensorflow as tf

from pdbridge.gansynth.generator import LEAK, PIXEL_NORM_EPSILON

GENERATOR = "Generator/progressive_gan_generator/progressive_gan_block_{block}/{layer}"
DISCRIMINATOR = "Discriminator/progressive_gan_discriminator/progressive_gan_block_{block}/{layer}"
CLASSIFIER = "Discriminator/discriminator_cond/classification_logits"
STDDEV_EPSILON = 1e-6


# Variables


def generator_variables(shape, blocks):
    """Shapes of the generator's variables, by name.

    Parameters
    ----------
    shape : pdbridge.gansynth.checkpoint.Shape
    blocks : int
        How many there are at this stage.

    Returns
    -------
    dict of str to tuple
    """
    made = {}
    for block in range(1, blocks + 1):
        for layer in ("conv0", "conv1", "to_rgb"):
            _add(made, GENERATOR.format(block=block, layer=layer), "conv2d", shape.kernel(block, layer))
    return made


def discriminator_variables(shape, blocks):
    """Shapes of the critic's variables, by name; see `generator_variables`."""
    made = {}
    for block in range(blocks, 0, -1):
        channels, coarser = shape.channels(block), shape.channels(block - 1)
        first = (3, 3, channels + (block == 1), channels)  # and the standard deviation
        second = (3, 3, channels, coarser) if block > 1 else (shape.start_height, shape.start_width, channels, coarser)
        for layer, kernel in (("from_rgb", (1, 1, 2, channels)), ("conv0", first), ("conv1", second)):
            _add(made, DISCRIMINATOR.format(block=block, layer=layer), "conv2d", kernel)
    _add(made, DISCRIMINATOR.format(block=1, layer="logits"), "dense", (shape.channels(0), 1))
    _add(made, CLASSIFIER, "dense", (shape.channels(0), shape.pitches))
    return made


def _add(made, layer, kind, kernel):
    made[f"{layer}/{kind}/kernel"] = kernel
    made[f"{layer}/bias"] = kernel[-1:]


def initial(shapes, seed):
    """Weights to begin with: kernels N(0, 1), for their scale is applied in the network, and biases 0.

    Parameters
    ----------
    shapes : dict of str to tuple
    seed : int
        The same seed makes the same values for a name, whatever else there is.

    Returns
    -------
    dict of str to float32 array
    """
    made = {}
    for name, shape in shapes.items():
        random = np.random.default_rng([seed, zlib.crc32(name.encode())])
        made[name] = (np.zeros(shape, np.float32) if name.endswith("/bias")
                      else random.standard_normal(shape, dtype=np.float32))
    return made


# Layers


def layer(weights, name, x, gain=2.0, padding="SAME", dtype=tf.float32):
    """A convolution (or a dense layer) with equalised learning rate: the kernel is scaled here.

    Parameters
    ----------
    weights : dict of str to tensor
    name : str
        Of the layer.
    x : [N, H, W, in], or [N, in] for a dense layer
    gain : float
        2 in front of a rectifier (He et al. 2015), 1 without.
    dtype : tf.DType
        In which products are computed; the result is float32.
    """
    dense = f"{name}/dense/kernel" in weights
    kernel = tf.convert_to_tensor(weights[f"{name}/{'dense' if dense else 'conv2d'}/kernel"])
    scale = math.sqrt(gain / np.prod(kernel.shape[:-1]))
    x, kernel = tf.cast(x, dtype), tf.cast(kernel, dtype)
    y = tf.matmul(x, kernel) if dense else tf.nn.conv2d(x, kernel, 1, padding)
    return tf.cast(y, tf.float32) * scale + weights[f"{name}/bias"]


def pixel_norm(x):
    """Scale the channels of every pixel to unit mean square."""
    return x * tf.math.rsqrt(tf.reduce_mean(tf.square(x), axis=-1, keepdims=True) + PIXEL_NORM_EPSILON)


def upscale(x, scale=2):
    """Nearest-neighbour upscaling."""
    if scale == 1:
        return x
    return tf.repeat(tf.repeat(x, scale, axis=1), scale, axis=2)


def downscale(x, scale=2):
    """Means of boxes."""
    return x if scale == 1 else tf.nn.avg_pool2d(x, scale, scale, "VALID")


def minibatch_stddev(x):
    """One channel more: how much the pictures of the batch differ, in the mean over everything."""
    _, variance = tf.nn.moments(x, axes=[0])
    stddev = tf.reduce_mean(tf.sqrt(variance + STDDEV_EPSILON))
    return tf.concat([x, tf.ones_like(x[..., :1]) * stddev], axis=-1)


# Networks


def generate(weights, z, pitch, shape, blocks, progress=None, dtype=tf.float32, suffix=""):
    """Paint pictures.

    Parameters
    ----------
    weights : dict of str to tensor
    z : float32 [N, latent]
    pitch : float32 [N, pitches]
        One-hot.
    shape : pdbridge.gansynth.checkpoint.Shape
    blocks : int
    progress : float32 scalar tensor, optional
        How far the last block is faded in: from ``blocks - 2`` to ``blocks - 1``; it is all there if left out.
    dtype : tf.DType
        Of the products inside; what is painted in the end is always float32.
    suffix : str
        Of the names of the weights, e.g. "/ExponentialMovingAverage".

    Returns
    -------
    float32 [N, rows of the last block, columns of the last block, 2]
        Normalised: log power and instantaneous frequency in -1..1.
    """
    if suffix:
        weights = {name: weights[name + suffix] for name in generator_variables(shape, blocks)}

    def convolved(x, block, name, padding="SAME"):
        x = layer(weights, GENERATOR.format(block=block, layer=name), x, padding=padding, dtype=dtype)
        return pixel_norm(tf.nn.leaky_relu(x, LEAK))

    def painted(x, block):
        x = layer(weights, GENERATOR.format(block=block, layer="to_rgb"), x, gain=1.0)
        return tf.tanh(x) if shape.tanh else x

    x = pixel_norm(tf.concat([z, pitch], axis=1))[:, tf.newaxis, tf.newaxis]  # [N, 1, 1, latent + pitches]
    rows, columns = shape.start_height - 1, shape.start_width - 1
    x = tf.pad(x, [[0, 0], [rows, rows], [columns, columns], [0, 0]])
    x = convolved(x, 1, "conv0", padding="VALID")
    x = convolved(x, 1, "conv1")
    for block in range(2, blocks + 1):
        before = x
        x = convolved(upscale(x), block, "conv0")
        x = convolved(x, block, "conv1")
    picture = painted(x, blocks)
    if progress is None or blocks == 1:
        return picture
    alpha = tf.clip_by_value(progress - (blocks - 2), 0.0, 1.0)
    return alpha * picture + (1 - alpha) * upscale(painted(before, blocks - 1))


def discriminate(weights, pictures, shape, blocks, progress=None, dtype=tf.float32):
    """Judge pictures.

    Parameters
    ----------
    pictures : float32 [N, rows of the last block, columns of the last block, 2]
        Normalised.
    others
        As for `generate`.

    Returns
    -------
    scores : float32 [N]
        High for what looks real.
    pitch_logits : float32 [N, pitches]
    """

    def convolved(x, block, name, padding="SAME"):
        x = layer(weights, DISCRIMINATOR.format(block=block, layer=name), x, padding=padding, dtype=dtype)
        return tf.nn.leaky_relu(x, LEAK)

    x = convolved(pictures, blocks, "from_rgb")
    for block in range(blocks, 1, -1):
        x = convolved(x, block, "conv0")
        x = convolved(x, block, "conv1")
        x = downscale(x)
        if block == blocks and progress is not None:
            alpha = tf.clip_by_value(blocks - 1 - progress, 0.0, 1.0)
            x = alpha * convolved(downscale(pictures), block - 1, "from_rgb") + (1 - alpha) * x
    x = convolved(minibatch_stddev(x), 1, "conv0")
    x = convolved(x, 1, "conv1", padding="VALID")  # [N, 1, 1, channels]
    x = tf.reshape(x, [-1, shape.channels(0)])
    scores = layer(weights, DISCRIMINATOR.format(block=1, layer="logits"), x, gain=1.0)
    return scores[:, 0], layer(weights, CLASSIFIER, x, gain=1.0)


def normalise(pictures, scale, shift):
    """To the range of the networks; log power and frequency outside of it are clipped."""
    return tf.clip_by_value(pictures * tf.constant(scale, tf.float32) + tf.constant(shift, tf.float32), -1.0, 1.0)


def denormalise(pictures, scale, shift):
    """From the range of the networks to log power and frequency."""
    return (pictures - tf.constant(shift, tf.float32)) / tf.constant(scale, tf.float32)


def blend(pictures, progress):
    """Real pictures as they look while the last block is faded in.

    Parameters
    ----------
    pictures : float32 [N, H, W, 2]
        At the resolution of the last block.
    progress : float32 scalar tensor
        Here from 0, nothing of the last block, to 1, all of it.
    """
    return progress * pictures + (1 - progress) * upscale(downscale(pictures))
