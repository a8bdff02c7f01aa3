"""Between sound and the spectrograms of NSynth's baseline, and back by Griffin-Lim.

Engel et al. 2017, "Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders", section 2.2,
and the settings of Magenta's implementation. The way back from magnitudes alone is Griffin and Lim
1984, "Signal Estimation from Modified Short-Time Fourier Transform".

A spectrogram is an array [bins, frames], the lowest frequency and the earliest frame first. Its values
are 0..1 for -120..0 dB against the loudest bin of the same sound; how loud the sound was is lost.

Everything here is a function of arrays.
"""

from functools import lru_cache

import numpy as np

from pdbridge.errors import AudioError

FFT_SIZE = 1024  # samples of a frame
HOP = 256  # samples from one frame to the next
RANGE_DB = 120.0  # of a spectrogram's 0..1
SMALLEST = 1e-13  # power, or mask, that is told from 0
ITERATIONS = 1000  # of Griffin-Lim, where the original program sets nothing else

#: What lies before and behind the sound: silence ("constant"), or its mirror image ("reflect").
#: librosa, which Magenta's programs call for this, changed from the second to the first in version
#: 0.10; a model that was trained in 2017 saw the second.
PADDINGS = ("constant", "reflect")
#: How a spectrogram tells phase: as it is, or as its change since the frame before.
PHASES = ("angle", "change")


def transform(samples, fft_size=FFT_SIZE, hop=HOP, padding="constant"):
    """Short-time Fourier transform with a Hann window; frame k is centred on sample ``k * hop``.

    Parameters
    ----------
    samples : array [samples]
    fft_size, hop : int
        In samples; `hop` divides `fft_size`.
    padding : str
        One of `PADDINGS`.

    Returns
    -------
    complex128 [fft_size / 2 + 1, 1 + samples // hop]

    Raises
    ------
    AudioError
        When the sound is empty or holds values that are not finite, or an argument is impossible.
    """
    _check_sizes(fft_size, hop)
    if padding not in PADDINGS:
        raise AudioError(f"padding is one of {', '.join(PADDINGS)}, not {padding!r}")
    samples = np.asarray(samples, np.float64)
    if samples.ndim != 1 or not samples.size:
        raise AudioError(f"a spectrogram needs samples [samples], not an array {list(samples.shape)}")
    if not np.isfinite(samples).all():
        raise AudioError("the sound holds values that are not finite numbers")
    padded = np.pad(samples, fft_size // 2, mode=padding)
    frames = np.lib.stride_tricks.sliding_window_view(padded, fft_size)[::hop]
    return np.fft.rfft(frames * _hann(fft_size), axis=1).T


def inverse_transform(spectrum, hop=HOP):
    """The sound whose frames fit a short-time Fourier transform best, in the least squares sense.

    Parameters
    ----------
    spectrum : complex array [bins, frames]
        As from `transform`.
    hop : int
        In samples.

    Returns
    -------
    float64 [(frames - 1) * hop]
    """
    fft_size = 2 * (len(spectrum) - 1)
    _check_sizes(fft_size, hop)
    frames = np.fft.irfft(spectrum.T, n=fft_size, axis=1)
    frames *= _hann(fft_size)
    edge = fft_size // 2
    return _overlapped(frames, hop)[edge:-edge] / _window_power(fft_size, hop, len(frames))


def log_magnitude(spectrum):
    """How loud each bin is.

    Parameters
    ----------
    spectrum : complex array [bins, frames]

    Returns
    -------
    float64 [bins, frames]
        1 for the loudest bin, 0 for one that is at least 120 dB below. Of silence, where no bin is
        the loudest, all are 1, as in the original.
    """
    decibels = 10 * np.log10(np.maximum(np.abs(spectrum) ** 2, SMALLEST))
    return np.maximum((decibels - decibels.max()) / RANGE_DB, -1) + 1


def magnitude(log_magnitude):
    """The inverse of `log_magnitude`, 1 for the loudest bin.

    Parameters
    ----------
    log_magnitude : array [bins, frames]

    Returns
    -------
    float64 [bins, frames]
    """
    return 10 ** ((np.asarray(log_magnitude, np.float64) - 1) * (RANGE_DB / 20))


def analyse(samples, phase=None, masked=True, fft_size=FFT_SIZE, hop=HOP, padding="constant"):
    """The spectrogram of a sound.

    Parameters
    ----------
    samples : array [samples]
    phase : str, optional
        None for magnitudes only, or one of `PHASES`.
    masked : bool
        Multiply the phase by the magnitude, so that it counts only where there is sound.
    fft_size, hop, padding
        As in `transform`.

    Returns
    -------
    float32 [bins, frames] or [bins, frames, 2]
        Log magnitude, 0..1, and beside it the phase where one is asked for, in half turns: -1..1
        (the first frame of changes is the phase itself).

    Raises
    ------
    AudioError
        When the sound is empty or holds values that are not finite, or an argument is impossible.
    """
    spectrum = transform(samples, fft_size, hop, padding)
    loudness = log_magnitude(spectrum)
    if phase is None:
        return loudness.astype(np.float32)
    _check_phase(phase)
    angle = np.angle(spectrum)
    if phase == "change":
        angle = np.diff(np.unwrap(angle, axis=1), axis=1, prepend=0.0)
    angle /= np.pi
    if masked:
        angle *= loudness
    return np.stack([loudness, angle], axis=-1).astype(np.float32)


def invert(spectrogram, phase="change", masked=True, hop=HOP):
    """The sound of a spectrogram with phase.

    Parameters
    ----------
    spectrogram : array [bins, frames, 2]
        As from `analyse`.
    phase : str
        One of `PHASES`: what the second channel holds.
    masked : bool
        Whether it was multiplied by the magnitude.
    hop : int
        In samples.

    Returns
    -------
    float32 [(frames - 1) * hop]
        Its highest sample is 1, as in the original; the lowest may be below -1.

    Raises
    ------
    AudioError
        When the array has another shape.
    """
    _check_phase(phase)
    spectrogram = np.asarray(spectrogram, np.float64)
    if spectrogram.ndim != 3 or spectrogram.shape[-1] != 2:
        raise AudioError("a spectrogram with phase is an array [bins, frames, 2], not "
                         f"{list(spectrogram.shape)}")
    loudness, angle = spectrogram[..., 0], spectrogram[..., 1]
    if masked:
        angle = angle / (loudness + SMALLEST)
    angle = angle * np.pi
    if phase == "change":
        angle = np.cumsum(angle, axis=1)
    return _normalised(inverse_transform(magnitude(loudness) * np.exp(1j * angle), hop))


def griffin_lim(log_magnitude, iterations=ITERATIONS, seed=None, draws=None, hop=HOP,
                padding="constant"):
    """A sound with the magnitudes of a spectrogram, its phase found step by step.

    Parameters
    ----------
    log_magnitude : array [bins, frames]
        As from `analyse`.
    iterations : int
        At least 1. 4 s of sound take about 3 ms each.
    seed : int, sequence of int or numpy.random.Generator, optional
        For the phases to begin with.
    draws : array [bins, frames], optional
        Random numbers 0..1 to be used instead.
    hop : int
        In samples.
    padding : str
        One of `PADDINGS`.

    Returns
    -------
    float32 [(frames - 1) * hop]
        Its highest sample is 1, as in the original.

    Notes
    -----
    The original begins with phases from half a circle only, 0..pi; so does this.
    """
    if iterations < 1:
        raise AudioError(f"Griffin-Lim takes 1 iteration or more, not {iterations}")
    wanted = magnitude(log_magnitude)
    if draws is None:
        draws = np.random.default_rng(seed).random(wanted.shape)
    spectrum = wanted * np.exp(1j * np.pi * np.asarray(draws, np.float64))
    fft_size = 2 * (len(wanted) - 1)
    for _ in range(iterations - 1):
        spectrum = transform(inverse_transform(spectrum, hop), fft_size, hop, padding)
        found = np.abs(spectrum)
        silent = found == 0
        spectrum[silent] = found[silent] = 1  # the phase of nothing is 0
        spectrum *= wanted / found
    return _normalised(inverse_transform(spectrum, hop))


def _normalised(samples):
    highest = samples.max(initial=0.0)
    return (samples / highest if highest > 0 else samples).astype(np.float32)


@lru_cache(maxsize=4)
def _hann(size):
    """The periodic Hann window, float64 [size]."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    window.flags.writeable = False
    return window


@lru_cache(maxsize=4)
def _window_power(fft_size, hop, frames):
    """How often, and how strongly, frames cover each sample, float64 [(frames - 1) * hop]."""
    power = _overlapped(np.broadcast_to(_hann(fft_size) ** 2, (frames, fft_size)), hop)
    power = power[fft_size // 2 : -(fft_size // 2)]
    power.flags.writeable = False
    return power


def _overlapped(frames, hop):
    """Frames [frames, fft_size] added up, each `hop` samples after the one before."""
    count, fft_size = frames.shape
    overlap = fft_size // hop
    blocks = np.zeros((count + overlap - 1, hop))
    parts = frames.reshape(count, overlap, hop)
    for part in range(overlap):
        blocks[part : part + count] += parts[:, part]
    return blocks.reshape(-1)


def _check_sizes(fft_size, hop):
    if fft_size < 2 or hop < 1 or fft_size % (2 * hop):
        raise AudioError(f"frames of {fft_size} samples cannot be {hop} apart; this divides half a frame")


def _check_phase(phase):
    if phase not in PHASES:
        raise AudioError(f"phase is one of {', '.join(PHASES)}, not {phase!r}")
