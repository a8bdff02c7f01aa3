"""A small additive synthesizer with six families of sound: what the built-in instrument learns from.

Each note is a sum of harmonic partials with an envelope each, as in Risset and Mathews 1969, "Analysis of
Musical-Instrument Tones". Nothing in it is random but its parameters, and all phases depend on the pitch
alone: a generator then has to learn one picture of the instantaneous frequencies for each pitch, and the
parameters change the levels only.

The parameters are a vector p of `SIZE` numbers, drawn from the standard normal distribution. The first
five say how much of each family there is, and a note between two families has levels (in decibels)
between theirs. The other six mean the same in all families: `COLUMNS`.
"""

from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from pdbridge.gansynth.spectral import LOG_FLOOR, Layout, hann, linear_to_mel, mel_to_linear

LAYOUT = Layout()  # 128 frames of 1024 bands, 4 s at 16 kHz, as the published models
FAMILIES = ("struck bar", "plucked string", "organ", "brass", "bowed", "voice")
MIXTURE = len(FAMILIES) - 1  # numbers that choose among the families
COLUMNS = ("brightness", "attack", "decay", "colour", "movement", "velocity")
SIZE = MIXTURE + len(COLUMNS)
PITCHES = tuple(range(24, 85))  # MIDI, as those of the published models
LATENT_SIZE = 256
PROJECTION_SEED = 20

HIGHEST = 6800.0  # Hz, of a partial
BLOCK = 128  # samples for which levels are interpolated linearly
HELD, RELEASE, SILENT = 3.0, 0.07, 3.45  # s: key released, time constant after that, silent from here
ONSET = -0.025  # s: a fast attack is over when the note begins
PEAKS = 0.35, 0.7  # of the softest and the loudest note
DECIDED = 4.0  # how clearly a note belongs to one family; 0 would mix all of them alike
LEAST = 5e-3  # share of a family that is heard
QUIET = 1e-5  # level that stands for none
FIRST_ROW = 3  # of a picture, the first that is heard


def unit(p):
    """From standard normal to 0..1, all values alike frequent (a close, cheap normal distribution)."""
    return 1 / (1 + np.exp(-1.702 * np.asarray(p, np.float64)))


def families(p):
    """How much of each family is in a note.

    Parameters
    ----------
    p : array [..., SIZE]

    Returns
    -------
    float64 [..., families]
        Adding up to 1.
    """
    count = len(FAMILIES)
    # The corners of a regular simplex: families as far from each other as can be.
    centred = np.eye(count) - 1 / count
    corners = np.linalg.svd(centred)[0][:, :MIXTURE] * np.sqrt(count / (count - 1))
    corners *= np.sign(np.sum(corners, axis=0) + corners[0])  # the same on every machine
    likeness = DECIDED * np.asarray(p)[..., :MIXTURE] @ corners.T
    shares = np.exp(likeness - likeness.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def projection(latent_size=LATENT_SIZE):
    """P: from z to the parameters, p = P z; float64 [SIZE, latent], its rows are orthonormal.

    So the parameters of a random z are standard normal, as z is.
    """
    random = np.random.default_rng(PROJECTION_SEED).standard_normal((latent_size, SIZE))
    return np.linalg.qr(random)[0].T


def drawn(seed, number, pitches=PITCHES):
    """A random z and a pitch; every pitch comes once in as many notes as there are pitches.

    Parameters
    ----------
    seed : int
        The same seed draws the same notes again.
    number : int
        Of the note, from 0.
    pitches : sequence of int
        MIDI.

    Returns
    -------
    z : float64 [LATENT_SIZE]
    pitch : int
    """
    z = np.random.default_rng([seed, number]).standard_normal(LATENT_SIZE)
    lap, place = divmod(number, len(pitches))
    return z, pitches[np.random.default_rng([seed, lap, 1]).permutation(len(pitches))[place]]


class Partials(NamedTuple):
    """The partials of one pitch."""

    number: np.ndarray  # [partials], from 1
    hz: np.ndarray  # [partials]
    step: np.ndarray  # [partials], change of phase from frame to frame in units of pi, -1..1


def partials(pitch, layout=LAYOUT):
    """The partials of a pitch, as far as pictures can hold them.

    A picture says how far the phase goes from frame to frame, modulo two half turns. The mel bands above
    5 kHz weigh less when they become bins again, so that not every step can be reached there; such
    partials are moved, by 8 Hz at the most.

    Parameters
    ----------
    pitch : int
        MIDI.
    layout : Layout

    Returns
    -------
    Partials
    """
    fundamental = 440 * 2 ** ((pitch - 69) / 12)
    number = np.arange(1, int(HIGHEST / fundamental) + 1)
    hz = number * fundamental
    frames = layout.hop / layout.sample_rate  # s
    reach = mel_to_linear(layout.bins, layout.sample_rate).sum(axis=0)
    bin_hz = layout.sample_rate / layout.fft_size
    nearest = np.clip(np.round(hz / bin_hz).astype(int) - 1, 2, layout.bins - 4)
    reach = (reach[nearest - 1] + reach[nearest] + reach[nearest + 1]) / 3
    step = np.mod(2 * hz * frames + 1, 2) - 1
    limit = np.where(hz > 4800, np.minimum(1, reach), 1)
    reached = np.clip(step, -limit, limit)
    return Partials(number, hz + (reached - step) / (2 * frames), reached)


class Pitch:
    """Renders notes of one pitch.

    Parameters
    ----------
    pitch : int
        MIDI.
    layout : Layout
    """

    def __init__(self, pitch, layout=LAYOUT):
        self.pitch = pitch
        self.layout = layout
        self.partials = partials(pitch, layout)
        self._samples = layout.samples + layout.lead
        blocks = self._samples // BLOCK
        self._time = (np.arange(blocks + 1) * BLOCK - layout.lead) / layout.sample_rate  # [blocks + 1], s

    @cached_property
    def _waves(self):
        """Partials of level 1: float32 [blocks, BLOCK, partials].

        All begin with a sine at the centre of the frame before the note. The first frame's phase is then
        the same pattern for every pitch.
        """
        time = (np.arange(self._samples) - self.layout.lead + self.layout.hop) / self.layout.sample_rate
        phase = np.outer(time, 2 * np.pi * self.partials.hz)
        return np.sin(phase).astype(np.float32).reshape(-1, BLOCK, len(self.partials.hz))

    def levels(self, p):
        """Level of each partial over time.

        Parameters
        ----------
        p : array [SIZE]

        Returns
        -------
        float64 [blocks + 1, partials]
        """
        shares = families(p)
        values = dict(zip(COLUMNS, unit(np.asarray(p)[MIXTURE:]), strict=True))
        number, hz = self.partials.number.astype(np.float64), self.partials.hz
        time = self._time[:, np.newaxis]  # [blocks + 1, 1]
        logarithm = 0.0
        for share, family in zip(shares, RECIPES, strict=True):
            if share > LEAST:
                logarithm = logarithm + share * np.log(np.maximum(family(number, hz, time, values), QUIET))
        levels = np.exp(logarithm / shares[shares > LEAST].sum())
        levels *= np.where(time > HELD, np.exp(-np.maximum(time - HELD, 0) / RELEASE), 1)
        return levels * np.clip((SILENT - time) / 0.1, 0, 1)

    def render(self, p, lead=False):
        """One note.

        Parameters
        ----------
        p : array [SIZE]
        lead : bool
            With what the first frames hear before the note.

        Returns
        -------
        float32 [samples]
            At 16 kHz. The loudest sample is between 0.35 and 0.7, with the velocity.
        """
        levels = self.levels(p).astype(np.float32)
        ramp = (np.arange(BLOCK) / BLOCK).astype(np.float32)
        note = np.matmul(self._waves, levels[:-1, :, np.newaxis])[..., 0] * (1 - ramp)
        note += np.matmul(self._waves, levels[1:, :, np.newaxis])[..., 0] * ramp
        note = note.reshape(-1)
        softest, loudest = PEAKS
        peak = softest + (loudest - softest) * unit(p[SIZE - 1])
        note *= peak / np.abs(note).max()
        return note if lead else note[self.layout.lead:]


# The families. Each function takes the numbers of the partials and their Hz ([partials]), the time in s
# ([times, 1]) and the values 0..1 of COLUMNS, and gives levels [times, partials].


def _since_onset(time):
    return np.maximum(time - ONSET, 0)


def _rise(time, seconds):
    """A smooth attack: half a cosine."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(_since_onset(time) / seconds, 0, 1))


def _lower(hz, cutoff, slope=1.0):
    """A soft low-pass."""
    return np.exp(-((hz / cutoff) ** 1.3) * slope)


def _between(value, low, high):
    """From `low` to `high` in equal ratios."""
    return low * (high / low) ** value


def _tremolo(time, value, rate=5.0):
    """Slow change of level, up to 6 dB, growing in the first half second."""
    depth = 0.5 * value**3
    return 1 - depth * np.minimum(_since_onset(time) / 0.5, 1) * (0.5 - 0.5 * np.cos(2 * np.pi * rate * time))


def _struck_bar(number, hz, time, values):
    """Marimba to vibraphone: a bar tuned to partials 1, 4 and 10."""
    strike, bright = values["colour"], values["brightness"] * (0.5 + 0.5 * values["velocity"])
    modes = np.full(len(number), 3e-4)
    for mode, level in ((1, 1.0), (2, 0.02), (3, 0.03), (4, 0.15 + 0.5 * strike), (10, 0.03 + 0.3 * strike * bright),
                        (5, 0.02), (8, 0.01)):
        modes[number == mode] = level
    modes = modes * _lower(hz, _between(bright, 1200, 9000), 0.7)
    lasting = _between(values["decay"], 0.12, 1.6) * (440 / hz[0]) ** 0.35  # s
    decay = np.exp(-_since_onset(time) / lasting * (1 + 0.35 * (number - 1)))
    return modes * _rise(time, 0.012) * decay * _tremolo(time, values["movement"], 6.0)


def _plucked_string(number, hz, time, values):
    """Harp to harpsichord: where the string is plucked takes partials out."""
    where = 0.08 + 0.42 * values["colour"]
    bright = values["brightness"] * (0.4 + 0.6 * values["velocity"])
    comb = 0.12 + 0.88 * np.abs(np.sin(np.pi * number * where))
    tone = comb * number ** -_between(bright, 1.9, 0.75) * _lower(hz, _between(bright, 900, 7000), 0.6)
    lasting = _between(values["decay"], 0.25, 2.5) * (220 / hz[0]) ** 0.2
    faster = 1 + np.minimum(hz / 1400, 4) * (0.4 + 0.5 * values["movement"])
    return tone * _rise(time, 0.014) * np.exp(-_since_onset(time) / lasting * faster)


def _organ(number, hz, time, values):
    """Drawbars: few partials, all of them sustained."""
    mellow = np.array([1.0, 0.5, 0.12, 0.12, 0.01, 0.05, 0.008, 0.06])
    full = np.array([0.9, 1.0, 0.85, 0.8, 0.06, 0.6, 0.05, 0.7])
    hollow = np.array([1.0, 0.03, 0.8, 0.03, 0.5, 0.02, 0.3, 0.02])
    colour, bright = values["colour"], values["brightness"]
    drawn = np.exp((1 - colour) * np.log(hollow) + colour * np.log(full)) * bright + mellow * (1 - bright)
    pipes = np.full(len(number), 2e-4)
    pipes[: len(drawn)] = drawn[: len(number)]
    higher = number > len(drawn)
    pipes[higher] = 0.05 * bright * (number[higher] / len(drawn)) ** -2.0
    attack = _between(values["attack"], 0.015, 0.09)
    sustain = np.exp(-_since_onset(time) * 0.12 * (1 - values["decay"]))
    return pipes * _rise(time, attack) * sustain * _tremolo(time, values["movement"], 6.5)


def _brass(number, hz, time, values):
    """Brighter the louder (Chowning 1973: the index of the modulation follows the level)."""
    attack = _between(values["attack"], 0.03, 0.18)
    level = _rise(time, attack) * (1 - 0.25 * _rise(time - attack, 0.4) * (1 - values["decay"]))
    index = (1.5 + 9 * values["brightness"]) * (0.45 + 0.55 * values["velocity"]) * level ** (1.2 + values["movement"])
    width = _between(values["colour"], 0.6, 1.4)
    bandwidth = 0.8 + index * width * np.sqrt(260 / hz[0])  # partials
    bump = 1 + 1.5 * np.exp(-((np.log2(hz / 1100)) ** 2) / 0.5)
    return level * np.exp(-(number - 1) / bandwidth) * bump


def _bowed(number, hz, time, values):
    """Slow, with a body that resonates in fixed places."""
    attack = _between(values["attack"], 0.07, 0.45)
    bright = values["brightness"] * (0.5 + 0.5 * values["velocity"])
    body = 0.5
    for centre, gain, octaves in ((280, 1.0, 0.35), (460, 0.8, 0.25), (1000 + 700 * values["colour"], 1.0, 0.4),
                                  (2600, 0.9, 0.45)):
        body = body + gain * np.exp(-((np.log2(hz / centre)) ** 2) / (2 * octaves**2))
    tone = number ** -_between(bright, 1.5, 0.85) * body * _lower(hz, _between(bright, 1500, 7000), 0.5)
    opening = 1 + 1.5 * np.minimum(hz / 2500, 2)  # the top comes later
    swell = 1 + 0.3 * np.sin(np.pi * np.clip(_since_onset(time) / 3, 0, 1)) * values["decay"]
    return tone * _rise(time, attack * opening) * swell * _tremolo(time, values["movement"], 4.5)


VOWELS = np.array([[300, 870, 2240], [450, 800, 2830], [730, 1090, 2440], [530, 1840, 2480], [270, 2290, 3010]])


def _voice(number, hz, time, values):
    """Vowels from u over o, a, e to i (formants of Peterson and Barney 1952), as the colour goes from 0 to 1."""
    place = values["colour"] * (len(VOWELS) - 1)
    formants = [np.exp(np.interp(place, range(len(VOWELS)), np.log(column))) for column in VOWELS.T]
    source = number ** -_between(values["brightness"] * (0.5 + 0.5 * values["velocity"]), 1.7, 0.9)
    tract = 0.03
    for centre, gain, width in zip(formants, (1.0, 0.7, 0.4), (90, 110, 170), strict=True):
        tract = tract + gain / (1 + ((hz - centre) / (width + 0.35 * hz[0])) ** 2)
    attack = _between(values["attack"], 0.04, 0.22)
    fading = np.exp(-_since_onset(time) * 0.4 * (1 - values["decay"]))
    return source * tract * _rise(time, attack) * fading * _tremolo(time, values["movement"], 5.5)


RECIPES = (_struck_bar, _plucked_string, _organ, _brass, _bowed, _voice)


# Pictures of notes, for training


def log_power(note, layout=LAYOUT):
    """Channel 0 of the picture of a note: log mel power.

    Parameters
    ----------
    note : float32 [lead + samples]
        From ``Pitch.render(p, lead=True)``.
    layout : Layout

    Returns
    -------
    float32 [rows, bins]
    """
    frames = np.lib.stride_tricks.sliding_window_view(note, layout.fft_size)[:: layout.hop]
    spectrum = np.fft.rfft(frames * hann(layout.fft_size).astype(np.float32), axis=1)[:, 1:]
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    bins, weights, starts = _mel_sums(layout)
    mel = np.add.reduceat(power[:, bins] * weights, starts, axis=1)
    mel = np.pad(mel, ((0, 0), (layout.bins - mel.shape[1], 0)))  # the lowest band is empty
    return np.log(mel + np.float32(LOG_FLOOR))


@lru_cache(maxsize=1)
def _mel_sums(layout):
    """`linear_to_mel` without its zeros: bins, their weights, and where each band's begin."""
    filters = linear_to_mel(layout.bins, layout.sample_rate).T  # [mel, linear]
    bands, bins = np.nonzero(filters)
    used, starts = np.unique(bands, return_index=True)
    if not np.array_equal(used, np.arange(1, layout.bins)):
        raise ValueError(f"{layout}: another band than the lowest is empty")
    return bins, filters[bands, bins].astype(np.float32), starts


def steps(pitch, layout=LAYOUT):
    """Channel 1 of the picture of every note of a pitch: instantaneous frequency of the mel bands.

    It is not what `pdbridge.gansynth.spectral.analyse` finds. Bands weigh between 0.7 and 2.1 when they
    become bins again, and that multiplies phases that were not meant to be; a pure tone comes back with a
    signal-to-noise ratio of 2 to 18 dB. Here the bands are solved for, so that each bin goes on as the
    partial nearest to it: 24 to 38 dB.

    Parameters
    ----------
    pitch : int
        MIDI.
    layout : Layout

    Returns
    -------
    float32 [rows, bins]
        Silent rows first; then one that holds the phases at the onset, and the rest all alike.
    """
    picture = np.zeros((layout.rows, layout.bins), np.float32)
    picture[FIRST_ROW] = _onset_phases(layout)
    found = partials(pitch, layout)
    bin_hz = layout.sample_rate / layout.fft_size
    centres = (np.arange(layout.bins) + 1) * bin_hz
    distance = np.abs(centres[:, np.newaxis] - found.hz)  # [bins, partials]
    nearest = distance.argmin(axis=1)
    # Three bins on each side hold a partial; what is between hardly matters.
    weights = np.maximum(np.clip(1 - distance.min(axis=1) / bin_hz / 2.3, 0, 1) ** 2, 1e-4)
    weights[[0, -1]] = 0
    picture[FIRST_ROW + 1 :] = _bands_for(found.step[nearest], weights, 1e-3, 1e-5, layout)
    return np.clip(picture, -1.2, 1.2)  # what the network can paint is 1.25


@lru_cache(maxsize=1)
def _onset_phases(layout):
    """The phases of sines that begin at the centre of a frame: a quarter turn back or forth, bin by bin."""
    wanted = np.where((np.arange(layout.bins) + 1) % 2 == 0, -0.5, 0.5)
    return _bands_for(wanted, np.ones(layout.bins), 0, 1e-3, layout)


def _bands_for(wanted, weights, smooth, small, layout):
    """Mel bands that give the wanted bins: least squares, as smooth and as small as that allows."""
    to_bins = mel_to_linear(layout.bins, layout.sample_rate).T  # [bins, mel]
    normal = (to_bins.T * weights) @ to_bins
    lower = np.arange(layout.bins - 1)
    normal[lower, lower] += smooth
    normal[lower + 1, lower + 1] += smooth
    normal[lower, lower + 1] -= smooth
    normal[lower + 1, lower] -= smooth
    normal[np.diag_indices(layout.bins)] += small
    return np.linalg.solve(normal, to_bins.T @ (weights * wanted))
