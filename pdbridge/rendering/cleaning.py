"""From a rendered note to the note of a grid: clicks out, one level, a start without delay.

What Open NSynth Super's scripts do with sox, lame and librosa, in one pass and without the MP3 in
between, which delays notes and dulls them.
"""

import numpy as np

from pdbridge.errors import AudioError

PEAK_DB = -12.0  # of the original's `sox --norm=-12`
LENGTH = 60000  # samples of a note in the original's grids
ONSET = 0.1  # of the note's peak: where a note is said to begin
BEFORE_ONSET = 16  # samples that are kept before it
FADE = 8  # samples


def remove_clicks(samples):
    """Replace single samples that jump away from both neighbours by the mean of these.

    An NSynth that samples from its distribution throws such a sample now and then.

    Parameters
    ----------
    samples : float array [n]

    Returns
    -------
    float array [n]
    """
    jumps = np.abs(np.diff(samples)) > 1
    cleaned = np.array(samples)
    for click in np.flatnonzero(jumps[:-1] & jumps[1:]) + 1:
        cleaned[click] = (cleaned[click - 1] + cleaned[click + 1]) / 2
    return cleaned


def normalise(samples, peak_db=PEAK_DB):
    """Bring a note to a level.

    Parameters
    ----------
    samples : float array [n]
    peak_db : float
        Of the loudest sample, against full scale.

    Returns
    -------
    float array [n]
        Silence stays silence.
    """
    peak = np.max(np.abs(samples), initial=0)
    return samples * (10 ** (peak_db / 20) / peak) if peak > 0 else np.array(samples)


def onset(samples):
    """Where a note begins.

    Parameters
    ----------
    samples : int16 or float array [n]

    Returns
    -------
    int
        16 samples before a tenth of the peak is reached; 0 for silence.
    """
    loudness = np.abs(np.asarray(samples, np.float32))
    above = loudness > ONSET * np.max(loudness, initial=0)
    return max(int(np.argmax(above)) - BEFORE_ONSET, 0) if above.any() else 0


def crop(samples, length, compat=False):
    """Let a note begin at its onset, give it its length, and fade its ends.

    Parameters
    ----------
    samples : int16 [n]
    length : int
        Samples; a shorter note is followed by silence.
    compat : bool
        As the original: the fade at the end is at the end of the silence, if there is one.

    Returns
    -------
    int16 [length]
        Fades of 8 samples, of which the outermost is 0.
    """
    begin = onset(samples)
    sound = np.asarray(samples[begin:begin + length], np.float64)
    cropped = np.zeros(length)
    cropped[:len(sound)] = sound
    end = length if compat else len(sound)
    ramp = np.linspace(0, 1, FADE)[:end]
    cropped[:len(ramp)] *= ramp
    cropped[end - len(ramp):end] *= ramp[::-1]
    return cropped.astype(np.int16)  # towards zero, as the original


def finish(note, length=LENGTH, peak_db=PEAK_DB, compat=False):
    """Make the note of a grid from a note that a model rendered.

    Parameters
    ----------
    note : float array [n]
        Of any level.
    length : int
        Samples.
    peak_db : float
        Of the loudest sample, against full scale.
    compat : bool
        See `crop`.

    Returns
    -------
    int16 [length]

    Raises
    ------
    AudioError
        A sample is not finite.
    """
    note = np.asarray(note, np.float32)
    if not np.isfinite(note).all():
        raise AudioError("a rendered note holds samples that are not finite numbers")
    scaled = np.round(normalise(note, peak_db) * 32768)
    return crop(np.clip(scaled, -32768, 32767).astype(np.int16), length, compat)
