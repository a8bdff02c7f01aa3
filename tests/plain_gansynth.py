"""The generator as the paper draws it, in double precision: slow, and plain to see through."""

import numpy as np
import tensorflow as tf


def plain_picture(checkpoint, x, layers=(), offsets=()):
    """The picture of one note, and what every layer puts out.

    Parameters
    ----------
    checkpoint : pdbridge.gansynth.checkpoint.Checkpoint
    x : array [latent + pitches]
        Latent vector and one-hot pitch.
    layers, offsets : dict of str to array [rows, columns, channels], optional
        In the place of layers, and added to them.

    Returns
    -------
    float64 [rows, bins, 2]
    dict of str to float64 [rows, columns, channels]
        By layer name, before the offsets.
    """

    def convolved(x, block, name, padding):
        kernel, bias = (array.astype(np.float64) for array in checkpoint.weights[block, name])
        gain = 1 if name == "to_rgb" else 2
        kernel *= np.sqrt(gain / np.prod(kernel.shape[:3]))
        return tf.nn.conv2d(x, kernel, 1, padding) + bias

    def pixel_norm(x):
        return x / np.sqrt(np.mean(np.square(x), axis=-1, keepdims=True) + 1e-8)

    def layer(x, block, name, padding):
        x = pixel_norm(tf.nn.leaky_relu(convolved(x, block, name, padding), 0.2).numpy())
        name = name if block == 1 else f"{name}_{block}"
        made[name] = x[0]
        if name in layers:
            x = np.asarray(layers[name], np.float64)[np.newaxis]
        return x + offsets[name] if name in offsets else x

    def upscale(x, scale):
        return np.repeat(np.repeat(x, scale, axis=1), scale, axis=2)

    shape, picture, made = checkpoint.shape, 0, {}
    rows, columns = shape.start_height - 1, shape.start_width - 1
    x = pixel_norm(np.asarray(x, np.float64))[np.newaxis, np.newaxis, np.newaxis]
    x = np.pad(x, [(0, 0), (rows, rows), (columns, columns), (0, 0)])
    for block in range(1, max(block for block, _ in checkpoint.weights) + 1):
        x = x if block == 1 else upscale(x, 2)
        x = layer(x, block, "conv0", "VALID" if block == 1 else "SAME")
        x = layer(x, block, "conv1", "SAME")
        shown = convolved(x, block, "to_rgb", "SAME").numpy()
        shown = np.tanh(shown) if shape.tanh else shown
        alpha = max(0, min(checkpoint.progress - (block - 2), block - checkpoint.progress))
        picture = picture + alpha * upscale(shown, shape.scale(block))
    return picture[0], made
