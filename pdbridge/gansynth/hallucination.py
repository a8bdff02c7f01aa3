"""Hallucination: a walk through timbres, its sounds strung out in time so that they overlap.

After the hallucinations of the SOPI fork of GANSynth: `interpolate_z` (or, with GANSpace,
`interpolate_edits`) makes the walk, a GANSynth the sounds, and `Mixer` cuts each with one envelope
and adds it to the whole. Pure numpy; rendering is the caller's.
"""

import itertools
import math
from dataclasses import dataclass, fields

import numpy as np

from pdbridge import latent
from pdbridge.errors import HallucinationError, LatentError
from pdbridge.gansynth.levels import LOPSIDED, PEAK, evened, gain_to_peak

PITCH = 32  # of every sound in a hallucination of the original
NOTE_LENGTH = 64000  # samples, of the published models

FADE_S = 0.01  # where a note ends before its envelope

LONGEST_TIME_S = 60.0  # of one setting
LONGEST_S = 3600.0  # of a whole hallucination
MOST_SOUNDS = 20000
HUNDREDTHS_TOLERANCE = 1e-3  # 0.29 as a float, or as Pd's 32-bit float, is a little less than 29 hundredths


@dataclass(frozen=True)
class Settings:
    """How the sounds of a hallucination are cut and placed.

    All in seconds, floored to 0.01 s as by the original, except that a number that only its binary
    form puts below a hundredth is that hundredth: 0.29 stays 0.29, where the original takes 0.28.

    Parameters
    ----------
    spacing : float
        From one sound to the next.
    start_trim : float
        Left out (silent) at the start of each sound; the place of the sound does not move.
    attack, sustain, release : float
        Straight fade in, full level, straight fade out, after the trim. Where the note itself ends
        before they do, it fades out over its last 10 ms and silence follows; the original refuses
        such settings.

    Raises
    ------
    HallucinationError
        A time that is negative, not finite or above 60 s, or no time for sound at all.
    """

    spacing: float = 0.2
    start_trim: float = 0.0
    attack: float = 0.5
    sustain: float = 0.5
    release: float = 0.5

    def __post_init__(self):
        for field in fields(self):
            seconds = _in_hundredths(field.name.replace("_", " "), getattr(self, field.name))
            object.__setattr__(self, field.name, seconds)
        if not self.attack + self.sustain + self.release:
            raise HallucinationError("attack, sustain and release are all 0 s, so nothing would be heard; "
                                     "give one of them 0.01 s or more")

    @property
    def seconds_needed(self):
        """How much of each note is heard, counted from its start: float, in seconds."""
        return self.start_trim + self.attack + self.sustain + self.release

    def envelope(self, sample_rate):
        """The gain of each sound.

        Parameters
        ----------
        sample_rate : int
            In Hz.

        Returns
        -------
        float32 [samples]
            `seconds_needed` long (each part is cut to whole samples). Both fades include their
            ends, 0 and 1.
        """
        trim, attack, sustain, release = (
            int(seconds * sample_rate)
            for seconds in (self.start_trim, self.attack, self.sustain, self.release))
        return np.concatenate([np.zeros(trim), np.linspace(0, 1, attack), np.ones(sustain),
                               np.linspace(1, 0, release)]).astype(np.float32)


def _in_hundredths(name, seconds):
    try:
        seconds = float(seconds)
    except (TypeError, ValueError):
        raise HallucinationError(f"{name} should be a time in seconds, not {seconds!r}") from None
    if not 0 <= seconds <= LONGEST_TIME_S:
        raise HallucinationError(f"{name} should be 0 to {LONGEST_TIME_S:g} s, not {seconds:g}")
    return math.floor(seconds * 100 + HUNDREDTHS_TOLERANCE) / 100


def nearest_pitch(pitches):
    """The pitch of all sounds: the original's, or what is nearest to it of a model's `pitches` (int)."""
    return min(pitches, key=lambda pitch: abs(pitch - PITCH))


# The walk


def interpolate_z(points, interpolation_steps):
    """A walk from timbre to timbre along the sphere.

    Parameters
    ----------
    points : array [points, latent_size]
    interpolation_steps : int
        Sounds on the way from one point to the next, its end included. The end is also where the
        next way starts, so that with steps every point but the first and last is heard twice.

    Returns
    -------
    float32 [(points - 1) * (interpolation_steps + 1) + 1, latent_size]
        In the order of the original. The points are met exactly, and equal or opposite ones are
        joined (see `latent.slerp`), where the original makes NaN.

    Raises
    ------
    LatentError
        If `points` are no z.
    HallucinationError
        If the steps are no whole number, or there would be too many sounds.
    """
    points = _points("z", points)
    steps = _steps(interpolation_steps)
    total = _bounded((len(points) - 1) * (steps + 1) + 1)
    if not np.isfinite(points).all():
        raise LatentError("z holds a value that is not a finite number")
    walk = np.empty((total, points.shape[1]), np.float32)
    amounts = np.arange(1, steps + 1) / max(steps, 1)
    for number, (start, end) in enumerate(itertools.pairwise(points)):
        first = number * (steps + 1)
        walk[first] = start
        walk[first + 1:first + 1 + steps] = latent.slerp(start, end, amounts)
    walk[-1] = points[-1]
    return walk


def interpolate_edits(edits, interpolation_steps):
    """A walk from edits to edits of GANSpace components, in straight lines.

    Parameters
    ----------
    edits : array [points, components], or list of lists
        Lists may have different lengths; missing values are 0.
    interpolation_steps : int
        Steps from one point to the next; 0 counts as 1. The points themselves are heard once.

    Returns
    -------
    float64 [(points - 1) * max(1, interpolation_steps) + 1, components]
        In the order of the original.

    Raises
    ------
    LatentError
        If `edits` are not numbers.
    HallucinationError
        If the steps are no whole number, or there would be too many sounds.
    """
    if not isinstance(edits, np.ndarray):
        edits = _padded(edits)
    edits = _points("edits", edits).astype(np.float64)
    steps = max(1, _steps(interpolation_steps))
    total = _bounded((len(edits) - 1) * steps + 1)
    if not np.isfinite(edits).all():
        raise LatentError("edits hold a value that is not a finite number")
    amounts = np.arange(steps)[:, np.newaxis] / steps  # [steps, 1]
    walk = np.empty((total, edits.shape[1]))
    for number, (start, end) in enumerate(itertools.pairwise(edits)):
        walk[number * steps:(number + 1) * steps] = (1 - amounts) * start + amounts * end
    walk[-1] = edits[-1]
    return walk


def sounds_again(walk, index):
    """Whether a sound of a walk is the one before it: where one way ends, the next one starts.

    Parameters
    ----------
    walk : sequence
        Of z, float32 [latent_size], or of other timbres.
    index : int

    Returns
    -------
    bool
        It need not be rendered again.
    """
    return index > 0 and np.array_equal(walk[index], walk[index - 1])


def _padded(rows):
    try:
        rows = [np.asarray(row, np.float64) for row in rows]
    except (TypeError, ValueError):
        raise LatentError("edits should be lists of numbers, one for each point") from None
    if not all(row.ndim == 1 for row in rows):
        raise LatentError("edits should be lists of numbers, one for each point")
    padded = np.zeros((len(rows), max(map(len, rows), default=0)))
    for row, values in zip(padded, rows, strict=True):
        row[:len(values)] = values
    return padded


def _points(name, points):
    points = np.asarray(points)
    if points.ndim != 2 or not points.size or points.dtype.kind not in "fiu":
        raise LatentError(f"a hallucination goes from {name} to {name}: an array of numbers "
                          f"[points, values], not {list(points.shape)}")
    return points


def _steps(steps):
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 0:
        raise HallucinationError(f"interpolation steps are a whole number, 0 or more, not {steps!r}")
    return int(steps)


def _bounded(total):
    if total > MOST_SOUNDS:
        raise HallucinationError(f"a hallucination of {total} sounds is too long; {MOST_SOUNDS} are the most. "
                                 "Take fewer points or interpolation steps")
    return total


# The mix


class Mixer:
    """Adds the sounds of a hallucination, one after the other.

    Levels and places are the original's: each sound is cut by the envelope, divided by its highest
    value and starts ``int(spacing * index * sample_rate)`` samples in.

    Parameters
    ----------
    settings : Settings
    count : int
        Sounds.
    sample_rate : int
        In Hz.
    note_length : int
        Samples of a whole note of the model; only `length` depends on it.

    Attributes
    ----------
    length : int
        Samples of the whole. The original has room for ``spacing * (count + 1)`` seconds and one
        note, cut to whole seconds, and this is kept wherever the last sound fits into it; where it
        does not (the original ends in an error), it is as long as it has to be.
    final : int
        Samples from the start that further sounds will not change, if they are added in order.
    mix : float32 [length]
        The sum so far, not normalised.
    level : float
        A gain with which the mix never exceeds 0.5, whatever is added; known before the first
        sound. On the cautious side: for listening while the rest is made.

    Raises
    ------
    HallucinationError
        If the whole would be longer than an hour.
    """

    def __init__(self, settings, count, sample_rate, note_length=NOTE_LENGTH):
        self.settings = settings
        self.count = count
        self.sample_rate = sample_rate
        self._envelope = settings.envelope(sample_rate)
        originals = int(settings.spacing * (count + 1) + note_length / sample_rate) * sample_rate
        self.length = max(originals, self.start(count - 1) + len(self._envelope))
        if self.length > LONGEST_S * sample_rate:
            raise HallucinationError(
                f"this hallucination would last {self.length / sample_rate / 60:.0f} minutes; "
                f"{LONGEST_S / 60:.0f} are the most. Take fewer sounds or a smaller spacing")
        self.mix = np.zeros(self.length, np.float32)
        self.final = 0
        self.level = PEAK / (LOPSIDED * self._overlap()) * (1 - 1e-5)  # less float32's rounding

    def start(self, index):
        """Where a sound starts (int, samples)."""
        return int(self.settings.spacing * index * self.sample_rate)

    def add(self, index, samples):
        """Add a sound.

        Parameters
        ----------
        index : int
            Which of the walk, from 0.
        samples : array [samples]
            The note from its start, as it comes from the model. What the envelope leaves out need
            not be there. A silent one is left out; in the original it turns the whole into NaN.
        """
        samples = np.asarray(samples, np.float32)[:len(self._envelope)]
        sound = samples * self._envelope[:len(samples)]
        if len(samples) < len(self._envelope):
            fade = min(len(samples), int(FADE_S * self.sample_rate))
            sound[len(sound) - fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        start = self.start(index)
        self.mix[start:start + len(sound)] += evened(sound)
        if index + 1 < self.count:
            trim = int(self.settings.start_trim * self.sample_rate)
            self.final = max(self.final, self.start(index + 1) + trim)
        else:
            self.final = self.length

    def normalised(self):
        """The hallucination as the original gives it out.

        Returns
        -------
        float32 [length]
            With a peak of 0.5. The peak is that of the absolute value, so that nothing exceeds 0.5;
            the original takes the highest value, and a deep negative peak may then clip.
        """
        return self.mix * np.float32(gain_to_peak(self.mix))

    def _overlap(self):
        """The most that the envelopes of sounds at the same time add up to."""
        # All as near as the nearest two, since starts are cut to whole samples. That is never less: as the
        # envelope first rises and then falls, whatever comes nearer to its top gets no quieter.
        gap = min((later - start for start, later in itertools.pairwise(map(self.start, range(self.count)))),
                  default=len(self._envelope))
        if not gap:
            return self.count * float(self._envelope.max())
        rows = -(-len(self._envelope) // gap)
        together = np.zeros(rows * gap)
        together[:len(self._envelope)] = self._envelope
        together = together.reshape(rows, gap).cumsum(axis=0)  # [sounds at the same time, samples]
        together[self.count:] -= together[:-self.count]
        return float(together.max())
