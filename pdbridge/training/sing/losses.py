"""How far a sound is from another: SING's losses.

Défossez et al. 2018, section 2: waves that sound the same may differ in phase, so spectrograms are compared, and their
logarithms, as ears do. Of the same length, they are the mean over all of absolute or squared differences.
"""

import tensorflow as tf

WINDOW, HOP = 1024, 256  # samples


def log_spectrogram(waves, epsilon=1.0):
    """The logarithm of the power, without padding at the ends.

    Parameters
    ----------
    waves : float32 tensor [count, samples]
    epsilon : float
        Added to the power; below it, differences count for nothing.

    Returns
    -------
    float32 tensor [count, frames, 513]
    """
    window = tf.signal.hann_window(WINDOW, periodic=True)
    spectra = tf.signal.stft(waves, WINDOW, HOP, WINDOW, window_fn=lambda *_, **__: window)
    return tf.math.log(epsilon + tf.math.real(spectra) ** 2 + tf.math.imag(spectra) ** 2)


def distance(made, target, l1):
    """The mean of differences, absolute (`l1`) or squared, over everything: float32 tensor []."""
    difference = made - target
    return tf.reduce_mean(tf.abs(difference) if l1 else difference ** 2)


def training_loss(made, target, settings):
    """What phases 1 and 3 make small.

    Parameters
    ----------
    made, target : float32 tensor [count, samples]
    settings : Settings

    Returns
    -------
    float32 tensor []
    """
    if not settings.wav:
        made, target = (log_spectrogram(waves, settings.epsilon) for waves in (made, target))
    return distance(made, target, settings.l1)


def figures(made, target, epsilon):
    """What is said of notes that were kept back, whatever is trained on.

    Parameters
    ----------
    made, target : float32 tensor [count, samples]
    epsilon : float

    Returns
    -------
    dict of str to float32 tensor []
        wav_l1, wav_mse, spec_l1, spec_mse.
    """
    spectrograms = [log_spectrogram(waves, epsilon) for waves in (made, target)]
    return {f"{what}_{name}": distance(*pair, l1)
            for what, pair in (("wav", (made, target)), ("spec", spectrograms))
            for name, l1 in (("l1", True), ("mse", False))}
