"""Between sound and the pictures that GANSynth paints: mel-scaled log power and frequency.

Engel et al. 2019, "GANSynth: Adversarial Neural Audio Synthesis", section 2.2, "IF-Mel", high
resolution. A picture has a row per frame and a column per mel band; channel 0 is the natural
logarithm of the power, channel 1 the instantaneous frequency: the change of phase since the row
before, in units of pi.

Everything here is a function of arrays. The inverse is causal, so that a note can be turned into
sound a few rows at a time (`invert_rows`).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

LOG_FLOOR = 1e-6  # added before each logarithm; so an empty bin has the magnitude 1e-3
OVERLAP = 4  # frames that cover each sample
WINDOW_POWER = 1.5  # sum of squared Hann windows at this overlap

MEL_BREAK_HZ = 700.0
MEL_SCALE = 1127.0
NARROWEST_BAND = 1.5  # linear bins; narrower mel bands are widened


@dataclass(frozen=True)
class Layout:
    """The frames of a note.

    Parameters
    ----------
    rows : int
        Frames of a note.
    bins : int
        Frequencies, linear or mel; a power of two.
    samples : int
        Length of a note. Frames that are longer together begin before the note.
    sample_rate : int
        Hz.
    """

    rows: int = 128
    bins: int = 1024
    samples: int = 64000
    sample_rate: int = 16000

    @property
    def fft_size(self):
        return 2 * self.bins

    @property
    def hop(self):
        """Samples from one frame to the next."""
        return self.fft_size // OVERLAP

    @property
    def lead(self):
        """Samples by which the first frame begins before the note."""
        return self.hop * (self.rows + OVERLAP - 1) - self.samples

    def final_samples(self, rows):
        """How much of the note the first `rows` rows determine, in samples."""
        return self.samples if rows >= self.rows else max(0, rows * self.hop - self.lead)


# The mel scale


def mel_from_hz(hz):
    return MEL_SCALE * np.log1p(hz / MEL_BREAK_HZ)


def hz_from_mel(mel):
    return MEL_BREAK_HZ * np.expm1(mel / MEL_SCALE)


@lru_cache(maxsize=4)
def linear_to_mel(bins, sample_rate):
    """Triangular mel filters.

    Parameters
    ----------
    bins : int
        Linear frequencies, and mel bands.
    sample_rate : int
        Hz.

    Returns
    -------
    float64 [linear, mel]

    Notes
    -----
    Two peculiarities of the original, which trained models count on. Linear frequencies are
    spread evenly from 0 to the Nyquist frequency inclusive, which is not where the bins of the
    Fourier transform lie. And bands too narrow for the linear resolution are widened one after
    the other in one array of edges: a band's edges are its neighbours' centres, so each widening
    moves the bands that come next.
    """
    nyquist = sample_rate / 2
    edges = np.linspace(mel_from_hz(0.0), mel_from_hz(nyquist), bins + 2)
    narrowest = NARROWEST_BAND * nyquist / bins
    for low in range(bins):
        centre, high = low + 1, low + 2
        if hz_from_mel(edges[high]) - hz_from_mel(edges[low]) < narrowest:
            half = narrowest / 2 / (hz_from_mel(edges[centre]) + MEL_BREAK_HZ)
            half = MEL_SCALE * np.arcsinh(half)
            edges[low], edges[high] = edges[centre] - half, edges[centre] + half
    edges = hz_from_mel(edges)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    frequencies = np.linspace(0.0, nyquist, bins)[:, np.newaxis]  # [linear, 1]
    rising = (frequencies - lower) / (centre - lower)
    falling = (upper - frequencies) / (upper - centre)
    filters = np.maximum(0.0, np.minimum(rising, falling))
    filters[0] = 0.0
    filters.flags.writeable = False
    return filters


@lru_cache(maxsize=4)
def mel_to_linear(bins, sample_rate):
    """The way back: an approximate inverse of `linear_to_mel`.

    Returns
    -------
    float64 [mel, linear]
        The transposed filters, scaled to give back a flat spectrum.
    """
    filters = linear_to_mel(bins, sample_rate)
    # column sums of filters @ filters.T, without the product
    response = filters @ filters.sum(axis=0)
    audible = np.abs(response) > 1e-8
    scale = np.where(audible, 1 / np.where(audible, response, 1.0), response)
    inverse = filters.T * scale
    inverse.flags.writeable = False
    return inverse


@lru_cache(maxsize=4)
def mel_taps(bins, sample_rate):
    """`mel_to_linear` without its zeros: each linear bin lies in two mel bands at most.

    Returns
    -------
    list of (int [linear], float32 [linear])
        Which mel band, and its weight, for the first, second... band of each linear bin.
    """
    matrix = mel_to_linear(bins, sample_rate)
    order = np.argsort(matrix == 0, axis=0, kind="stable")  # bands in use first
    taps = []
    for bands in order[: np.count_nonzero(matrix, axis=0).max()]:
        taps.append((bands, matrix[bands, np.arange(bins)].astype(np.float32)))
    return taps


def spread(mel, taps):
    """Multiply by `mel_to_linear`: float32 [rows, mel] to [rows, linear]."""
    (bands, weights), *others = taps
    linear = np.take(mel, bands, axis=1)
    linear *= weights
    for bands, weights in others:
        more = np.take(mel, bands, axis=1)
        more *= weights
        linear += more
    return linear


# Pictures to sound


class InverseState(NamedTuple):
    """What `invert_rows` must know of the rows before; small, and can be pickled."""

    row: int
    phase: np.ndarray  # float32 [bins], rad, where the last row left each mel band
    overlap: np.ndarray  # float32 [3 * hop], what the last frames add to the samples to come


def initial_state(layout):
    """The state before the first row."""
    return InverseState(
        row=0,
        phase=np.zeros(layout.bins, np.float32),
        overlap=np.zeros((OVERLAP - 1) * layout.hop, np.float32),
    )


@lru_cache(maxsize=4)
def hann(size):
    """The periodic Hann window of the analysis, float64 [size]."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    window.flags.writeable = False
    return window


@lru_cache(maxsize=4)
def synthesis_window(size):
    """The window that makes overlapping frames add up to the sound, float32 [size].

    The original divides by the same sum of windows everywhere. So the last 3/4 of a frame, which
    fewer frames cover, fade out.
    """
    window = (hann(size) / WINDOW_POWER).astype(np.float32)
    window.flags.writeable = False
    return window


def invert_rows(picture, state, layout):
    """Turn the next rows of a picture into the samples that they complete.

    Parameters
    ----------
    picture : float32 [rows, bins, 2]
        Log power and instantaneous frequency, not normalised.
    state : InverseState
        From the rows before, or `initial_state`.
    layout : Layout

    Returns
    -------
    samples : float32 [n]
        ``layout.hop`` samples a row, less at the beginning, where frames precede the note; the
        last row also lets the note fade out.
    state : InverseState
    """
    rows, hop = len(picture), layout.hop
    phase = picture[:, :, 1] * np.float32(np.pi)  # [rows, mel]
    phase[0] += state.phase
    np.cumsum(phase, axis=0, out=phase)
    first_audible = layout.lead // hop - (OVERLAP - 1)
    silent = min(max(first_audible - state.row, 0), rows)  # of these, only the phase counts
    blocks = np.zeros((rows + OVERLAP - 1, hop), np.float32)
    blocks[: OVERLAP - 1] = state.overlap.reshape(OVERLAP - 1, hop)
    frames = _frames(picture[silent:, :, 0], phase[silent:], layout)
    for part in range(OVERLAP):
        blocks[silent + part : rows + part] += frames[:, part]
    samples = blocks.reshape(-1)
    done = rows * hop
    end = state.row + rows
    next_state = InverseState(end, phase[-1].copy(), samples[done:].copy())
    ready = len(samples) if end == layout.rows else done
    before_note = min(max(layout.lead - state.row * hop, 0), ready)
    return samples[before_note:ready], next_state


def _frames(log_power, phase, layout):
    """Windowed sound of each frame, float32 [rows, 4, hop]."""
    taps = mel_taps(layout.bins, layout.sample_rate)
    magnitude = spread(np.exp(log_power), taps)  # [rows, linear], still the power
    magnitude += np.float32(LOG_FLOOR)
    np.sqrt(magnitude, out=magnitude)
    phase = spread(phase, taps)
    spectrum = np.zeros((len(phase), layout.bins + 1), np.complex64)  # bin 0 stays empty
    np.multiply(magnitude, np.cos(phase), out=spectrum.real[:, 1:])
    np.multiply(magnitude, np.sin(phase), out=spectrum.imag[:, 1:])
    frames = np.fft.irfft(spectrum, n=layout.fft_size, axis=1).astype(np.float32, copy=False)
    frames *= synthesis_window(layout.fft_size)
    return frames.reshape(-1, OVERLAP, layout.hop)


def invert(picture, layout):
    """Turn a whole picture into a note.

    Parameters
    ----------
    picture : float32 [rows, bins, 2]
        Log power and instantaneous frequency, not normalised.
    layout : Layout

    Returns
    -------
    float32 [samples]
    """
    return invert_rows(picture, initial_state(layout), layout)[0]


# Sound to pictures


def analyse(wave, layout):
    """Paint the picture of a note, as for training.

    Parameters
    ----------
    wave : array [samples]
        The note.
    layout : Layout

    Returns
    -------
    float32 [rows, bins, 2]
        Log mel power and mel instantaneous frequency, not normalised.
    """
    filters = linear_to_mel(layout.bins, layout.sample_rate)
    spectrum = transform(wave, layout)
    power = (np.abs(spectrum) + LOG_FLOOR) ** 2
    phase = np.unwrap(np.angle(spectrum), axis=0)
    log_power = np.log(power @ filters + LOG_FLOOR)
    frequency = instantaneous_frequency(phase @ filters)
    return np.stack([log_power, frequency], axis=-1).astype(np.float32)


def transform(wave, layout):
    """Short-time Fourier transform without the constant bin.

    Returns
    -------
    complex128 [rows, bins]
    """
    wave = np.concatenate([np.zeros(layout.lead), np.asarray(wave, np.float64)])
    frames = np.lib.stride_tricks.sliding_window_view(wave, layout.fft_size)[:: layout.hop]
    return np.fft.rfft(frames * hann(layout.fft_size), axis=1)[:, 1:]


def instantaneous_frequency(phase):
    """Change of phase from row to row, in units of pi, within -1..1; the first row is kept."""
    unwrapped = np.unwrap(phase, axis=0)
    return np.diff(unwrapped, axis=0, prepend=0.0) / np.pi


def normalise(picture, scale, shift):
    """To the range -1..1 of the network.

    Parameters
    ----------
    picture : float32 [..., 2]
    scale, shift : (float, float)
        ``mag_normalizer_a, p_normalizer_a`` and ``..._b`` of ``experiment.json``.
    """
    return np.clip(picture * np.float32(scale) + np.float32(shift), -1.0, 1.0)


def denormalise(picture, scale, shift):
    """From the range of the network to log power and frequency; the inverse of `normalise`."""
    return (picture - np.float32(shift)) / np.float32(scale)
