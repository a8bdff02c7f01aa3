"""SING's three networks as they are trained: encoder, sequence generator and decoder.

Défossez et al. 2018, section 3. `pdbridge.sing.network` makes the same numbers, faster, but cannot be trained. A
network is a dict of parameters by their names in the original and in the original's shapes; functions of such a dict
do the rest. Frames are [count, frames, dimension] everywhere.
"""

import math
import zlib

import numpy as np
import tensorflow as tf

from pdbridge.sing.checkpoint import DECODER, SEQUENCE

ENCODER = "encoder.layers"


# Parameters


def shapes(settings, counts):
    """All parameters.

    Parameters
    ----------
    settings : Settings
    counts : sequence of 3 int
        Rows for instruments, pitches and velocities.

    Returns
    -------
    dict of str to tuple of int
    """
    channels, dimension, kernel = settings.ae_channels, settings.ae_dimension, settings.ae_kernel
    hidden = settings.seq_hidden_size
    last = 2 * (1 + settings.ae_rewrite)
    found = {}

    def layer(name, *shape):
        found[f"{name}.weight"], found[f"{name}.bias"] = shape, (shape[0],)

    layer(f"{ENCODER}.0{'.conv' if settings.ae_window else ''}", channels, 1, kernel)
    for number in range(2, last, 2):
        layer(f"{ENCODER}.{number}", channels, channels, 1)
    layer(f"{ENCODER}.{last}", dimension, channels, 1)

    sizes = settings.instrument_dim, settings.pitch_dim, settings.velocity_dim
    for number, (rows, size) in enumerate(zip(counts, sizes, strict=True)):
        found[f"{SEQUENCE}.tables.{number}.weight"] = rows, size
    if settings.time_dim:
        found[f"{SEQUENCE}.time_table.weight"] = settings.frames, settings.time_dim
    for number in range(settings.seq_layers):
        width = hidden if number else sum(sizes) + settings.time_dim
        found[f"{SEQUENCE}.lstm.weight_ih_l{number}"] = 4 * hidden, width
        found[f"{SEQUENCE}.lstm.weight_hh_l{number}"] = 4 * hidden, hidden
        for bias in ("ih", "hh"):
            found[f"{SEQUENCE}.lstm.bias_{bias}_l{number}"] = (4 * hidden,)
    layer(f"{SEQUENCE}.decoder", dimension, hidden)

    layer(f"{DECODER}.0", channels, dimension, settings.ae_context)
    for number in range(2, last, 2):
        layer(f"{DECODER}.{number}", channels, channels, 1)
    name = f"{DECODER}.{last}{'.conv_tr' if settings.ae_window else ''}"
    found[f"{name}.weight"], found[f"{name}.bias"] = (channels, 1, kernel), (1,)
    return found


def initial(settings, counts):
    """Parameters before training, drawn as PyTorch 1.0 draws them.

    Parameters are as for `shapes`.

    Returns
    -------
    dict of str to float32 array
        The same for the same seed. Embeddings are normal; all else is uniform, within one over the square root of
        what a cell sums over (for the last layer, of the samples that a frame becomes).
    """
    wanted = shapes(settings, counts)
    arrays = {}
    for name, shape in wanted.items():
        random = np.random.default_rng([settings.seed, zlib.crc32(name.encode())])
        if "table" in name:
            arrays[name] = random.standard_normal(shape, np.float32)
            continue
        if ".lstm." in name:
            fan = settings.seq_hidden_size
        else:
            fan = math.prod(wanted[name.replace(".bias", ".weight")][1:])
        arrays[name] = ((2 * random.random(shape, np.float32) - 1) / math.sqrt(fan)).astype(np.float32)
    return arrays


def window(settings):
    """What frames are multiplied by: float32 array [kernel], or None."""
    if not settings.ae_window:
        return None
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(settings.ae_kernel) / settings.ae_kernel)
    return (hann ** 2 if settings.ae_squared_window else hann).astype(np.float32)


def windows(settings):
    """The windows by the names that they have in the original's files: dict of str to array."""
    if not settings.ae_window:
        return {}
    return {f"{ENCODER}.0.window": window(settings),
            f"{DECODER}.{2 * (1 + settings.ae_rewrite)}.window": window(settings)}


# Functions of them


def encode(parameters, waves, settings):
    """Sound to frames.

    Parameters
    ----------
    parameters : dict of str to tensor
    waves : float32 tensor [count, samples]
    settings : Settings

    Returns
    -------
    float32 tensor [count, frames, dimension]
    """
    pieces = tf.signal.frame(waves, settings.ae_kernel, settings.ae_stride)  # [count, frames, kernel]
    name = f"{ENCODER}.0{'.conv' if settings.ae_window else ''}"
    values = _per_frame(pieces, _windowed(parameters[f"{name}.weight"], settings), parameters[f"{name}.bias"])
    for number in range(1, settings.ae_rewrite + 2):
        name = f"{ENCODER}.{2 * number}"
        values = _per_frame(tf.nn.relu(values), parameters[f"{name}.weight"][:, :, 0], parameters[f"{name}.bias"])
    return values


def decode(parameters, frames, settings):
    """Frames to sound.

    Parameters
    ----------
    parameters : dict of str to tensor
    frames : float32 tensor [count, frames, dimension]
    settings : Settings

    Returns
    -------
    float32 tensor [count, (frames - context + 2) * stride - kernel]
    """
    context, kernel, stride = settings.ae_context, settings.ae_kernel, settings.ae_stride
    length = tf.shape(frames)[1] - context + 1
    first = tf.transpose(parameters[f"{DECODER}.0.weight"], [0, 2, 1])  # [channels, context, dimension]
    values = tf.concat([frames[:, start:start + length] for start in range(context)], axis=2)
    weight, bias = tf.reshape(first, [settings.ae_channels, -1]), parameters[f"{DECODER}.0.bias"]
    for number in range(settings.ae_rewrite + 1):
        if number:
            name = f"{DECODER}.{2 * number}"
            weight, bias = parameters[f"{name}.weight"][:, :, 0], parameters[f"{name}.bias"]
        values = tf.nn.relu(_per_frame(values, weight, bias))
    name = f"{DECODER}.{2 * (settings.ae_rewrite + 1)}{'.conv_tr' if settings.ae_window else ''}"
    shape = tf.shape(values)
    pieces = tf.matmul(tf.reshape(values, [-1, settings.ae_channels]),
                       _windowed(parameters[f"{name}.weight"], settings))
    sound = tf.signal.overlap_and_add(tf.reshape(pieces, [shape[0], shape[1], kernel]), stride)
    edge = kernel - stride  # where not all frames overlap
    return sound[:, edge:tf.shape(sound)[1] - edge] + parameters[f"{name}.bias"]


def generate(parameters, symbols, settings, start=0, length=None, state=None):
    """Symbols to frames, all of them or the next ones.

    Parameters
    ----------
    parameters : dict of str to tensor
    symbols : int32 tensor [count, 3]
        Rows of instruments, pitches and velocities.
    settings : Settings
    start : int tensor
        The first frame.
    length : int
        How many frames; all, if left out.
    state : list of float32 tensors [count, hidden]
        What came out with the frames before; left out at the beginning.

    Returns
    -------
    frames : float32 tensor [count, length, dimension]
    state : list of tensors
        For the frames that follow: hidden and cell of each layer.
    """
    length = length or settings.frames
    count = tf.shape(symbols)[0]
    tables = [parameters[f"{SEQUENCE}.tables.{number}.weight"] for number in range(3)]
    embeddings = [tf.gather(table, symbols[:, number]) for number, table in enumerate(tables)]
    values = tf.repeat(tf.concat(embeddings, axis=1)[tf.newaxis], length, axis=0)  # [length, count, 26]
    if settings.time_dim:
        times = parameters[f"{SEQUENCE}.time_table.weight"][start:start + length]
        values = tf.concat([values, tf.repeat(times[:, tf.newaxis], count, axis=1)], axis=2)
    if state is None:
        state = [tf.zeros([count, settings.seq_hidden_size])] * 2 * settings.seq_layers
    after = []
    for number in range(settings.seq_layers):
        values, cells = _lstm(parameters, number, values, *state[2 * number:2 * number + 2])
        after += values[-1], cells[-1]
    frames = _per_frame(values, parameters[f"{SEQUENCE}.decoder.weight"], parameters[f"{SEQUENCE}.decoder.bias"])
    return tf.transpose(frames, [1, 0, 2]), after


def _lstm(parameters, number, values, hidden, cell):
    """One layer: values [length, count, in] to hidden values and cells [length, count, hidden].

    TensorFlow's fused LSTM; its gates come in the order i, g, f, o, PyTorch's in the order i, f, g, o. (Version 2 of
    it takes them in yet another order, but TensorFlow 2.21 gets its gradient wrong.)
    """
    def reordered(array):
        i, f, g, o = tf.split(array, 4)
        return tf.concat([i, g, f, o], axis=0)

    prefix = f"{SEQUENCE}.lstm"
    weight = tf.concat([parameters[f"{prefix}.weight_ih_l{number}"], parameters[f"{prefix}.weight_hh_l{number}"]], 1)
    bias = parameters[f"{prefix}.bias_ih_l{number}"] + parameters[f"{prefix}.bias_hh_l{number}"]
    peepholes = tf.zeros([hidden.shape[1]])
    made = tf.raw_ops.BlockLSTM(
        seq_len_max=tf.shape(values, tf.int64)[0], x=values, cs_prev=cell, h_prev=hidden,
        w=tf.transpose(reordered(weight)), wci=peepholes, wcf=peepholes, wco=peepholes, b=reordered(bias),
        forget_bias=0.0, cell_clip=-1.0, use_peephole=False)
    return made.h, made.cs


def _per_frame(values, weight, bias):
    """values [a, b, in] times weight [out, in], and the bias: [a, b, out]."""
    shape = tf.shape(values)
    flat = tf.reshape(values, [-1, weight.shape[1]])
    made = tf.nn.bias_add(tf.matmul(flat, weight, transpose_b=True), bias)
    return tf.reshape(made, [shape[0], shape[1], weight.shape[0]])


def _windowed(weight, settings):
    """The weight [channels, 1, kernel] of what cuts sound into frames, or makes sound of them: [channels, kernel]."""
    weight = weight[:, 0]
    return weight * window(settings) if settings.ae_window else weight
