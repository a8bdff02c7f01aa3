"""8-bit mu-law: the sound that a WaveNet hears and speaks.

Engel et al. 2017 follow van den Oord et al. 2016, "WaveNet: A Generative Model for Raw Audio",
section 2.2, which takes ITU-T G.711 with mu = 255. Magenta's version floors instead of rounding,
and never clips; checkpoints are trained that way, so it is kept to the last bit.

Three numbers name the same step of the curve. `q` is the step itself, float32, -128..127 for samples
in -1..1 (a sample of exactly 1.0 gives 128). A *code* is the uint8 ``q + 128``: the class that the
network predicts, and how pdbridge stores notes. The network's *input* is ``q / 128``.
"""

import numpy as np

MU = 255
CODES = 256
SILENCE = 128  #: the code of q = 0, the sample 0.0


def encode(samples):
    """Quantise a sound.

    Parameters
    ----------
    samples : array of float, any shape
        In -1..1. Louder samples are not clipped and give steps outside -128..127.

    Returns
    -------
    q : float32 array, same shape
        Whole numbers.
    """
    samples = np.asarray(samples, np.float32)
    compressed = np.sign(samples) * np.log(1 + MU * np.abs(samples)) / np.float32(np.log(1 + MU))
    return np.floor(compressed * 128)


def decode(q):
    """The samples in the middle of mu-law steps; 0 is exactly silence.

    Parameters
    ----------
    q : array of number, any shape
        As from `encode`.

    Returns
    -------
    float32 array, same shape
        -0.97849..0.97849 for -128..127.
    """
    q = np.asarray(q, np.float32)
    compressed = (q + np.float32(0.5)) * np.float32(2 / (MU + 1))
    expanded = np.float32(1 + MU) ** np.abs(compressed) - 1
    return np.where(q == 0, np.float32(0), np.sign(compressed) / np.float32(MU) * expanded)


def codes(q):
    """Codes of mu-law steps; steps outside -128..127 take the nearest code.

    Parameters
    ----------
    q : array of number, any shape

    Returns
    -------
    uint8 array, same shape
    """
    return (np.clip(q, -128, 127) + 128).astype(np.uint8)


def steps(codes):
    """The mu-law steps of codes.

    Parameters
    ----------
    codes : array of int, any shape
        0..255.

    Returns
    -------
    q : float32 array, same shape
    """
    return np.asarray(codes, np.float32) - 128


def samples(codes):
    """The sound of codes.

    Parameters
    ----------
    codes : array of int, any shape
        0..255.

    Returns
    -------
    float32 array, same shape
    """
    return _SAMPLES[np.asarray(codes)]


_SAMPLES = decode(steps(np.arange(CODES)))
