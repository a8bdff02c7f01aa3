"""From GANSynth's pictures to sound as TensorFlow operations, so that gradients go through.

The same as `pdbridge.gansynth.spectral.invert`, of which it borrows matrices and windows: Engel et al.
2019, "GANSynth: Adversarial Neural Audio Synthesis", section 2.2.
"""

import numpy as np
import tensorflow as tf

from pdbridge.gansynth.spectral import LOG_FLOOR, mel_to_linear, synthesis_window


def invert(picture, layout):
    """Turn a whole picture into a note.

    Parameters
    ----------
    picture : tf.Tensor, float32 [rows, bins, 2]
        Log power and instantaneous frequency, not normalised.
    layout : pdbridge.gansynth.spectral.Layout

    Returns
    -------
    tf.Tensor, float32 [samples]
        As of `spectral.invert`, except for the last digits. Gradients reach the log power only.
    """
    # a product with a matrix of zeros, mostly: taking the few others out is slow on the way back
    linear = tf.constant(mel_to_linear(layout.bins, layout.sample_rate), tf.float32)
    power = tf.matmul(tf.exp(picture[..., 0]), linear)  # [rows, linear]
    magnitude = tf.sqrt(power + LOG_FLOOR)
    frequency = tf.stop_gradient(picture[..., 1])
    phase = tf.matmul(tf.cumsum(np.float32(np.pi) * frequency, axis=0), linear)
    spectrum = tf.complex(magnitude * tf.cos(phase), magnitude * tf.sin(phase))
    spectrum = tf.pad(spectrum, [[0, 0], [1, 0]])  # bin 0 stays empty
    frames = tf.signal.irfft(spectrum, [layout.fft_size]) * synthesis_window(layout.fft_size)
    return tf.signal.overlap_and_add(frames, layout.hop)[layout.lead :]
