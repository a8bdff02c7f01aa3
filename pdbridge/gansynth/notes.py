"""Notes over time: a MIDI file played by a GANSynth whose timbre changes all the while.

After the program gansynth_generate of Magenta. Timbres ("instruments" there) are spread evenly over
the clip; a note takes the z of the moment when it starts, on the sphere between the two around it.
`envelope`, `z_over_time` and `Clip` give the numbers of the original wherever it has an answer; `Clip`
and `instrument_count` say where it has none, or a wrong one. Pure numpy.
"""

import contextlib
import dataclasses

import numpy as np

from pdbridge import latent
from pdbridge.errors import LatentError, PitchError
from pdbridge.gansynth.levels import evened, gain_to_peak
from pdbridge.pitches import ranges

ATTACK_S, RELEASE_S = 0.010, 0.3
LONGEST_HELD_S = 3.0  # of the four seconds of a note
FIRST_INSTRUMENT_S = -0.0001  # so that a note at 0 comes after the first timbre
MOST_INSTRUMENTS = 10000


def envelope(held_s, sample_rate):
    """The gain of a note: 10 ms straight up, held, 300 ms straight down.

    Parameters
    ----------
    held_s : float
        From its start to its end; what is longer than 3 s counts as 3 s, since the model's notes end.
    sample_rate : int
        In Hz.

    Returns
    -------
    float32 [samples]
        `held_s` and 0.3 s. A note shorter than 10 ms begins before its attack is over; it starts at
        full level then, as in the original.
    """
    attack, release = int(ATTACK_S * sample_rate), int(RELEASE_S * sample_rate)
    held = int(sample_rate * min(held_s, LONGEST_HELD_S))
    gain = np.ones(held + release, np.float32)
    gain[:attack] = np.linspace(0, 1, attack)
    gain[held:] = np.linspace(1, 0, release)
    return gain


# Timbres


def instrument_count(total_s, secs_per_instrument):
    """How many timbres a clip passes through.

    Parameters
    ----------
    total_s : float
        Where its last note ends. (The original takes the end of the note that is last in its list,
        which with several tracks may be far too early, and crashes then.)
    secs_per_instrument : float
        From one to the next, roughly.

    Returns
    -------
    int
        At least two, so that a short clip goes from one timbre to another; the original has no
        answer there.

    Raises
    ------
    LatentError
        If there would be too many.
    """
    count = max(2, int(min(total_s / secs_per_instrument, MOST_INSTRUMENTS + 1)))
    if count > MOST_INSTRUMENTS:
        raise LatentError(f"a new timbre every {secs_per_instrument:g} s makes too many of them; "
                          f"{MOST_INSTRUMENTS} are the most")
    return count


def random_instruments(count, size, seed):
    """Draw timbres as numpy's legacy generator does.

    Parameters
    ----------
    count, size : int
        How many, and of how many values.
    seed : int
        The original with ``--seed`` draws the same ones for the same number of them.

    Returns
    -------
    float64 [count, size]
        Standard normal.
    """
    return np.random.RandomState(seed).standard_normal((count, size))


def instrument_times(count, total_s):
    """Where in a clip the timbres lie.

    Returns
    -------
    float64 [count]
        In seconds, evenly from (just before) the start to `total_s`.
    """
    return np.linspace(FIRST_INSTRUMENT_S, total_s, count)


def z_over_time(start_times, z, times):
    """The timbre of each note.

    Parameters
    ----------
    start_times : sequence of float
        Of the notes, in seconds.
    z : array [instruments, latent_size]
        One alone is the timbre of all notes.
    times : array [instruments]
        Where they lie, in rising order.

    Returns
    -------
    float32 [notes, latent_size]
    """
    z = np.asarray(z)
    timbres = np.empty((len(start_times), z.shape[1]), np.float32)
    for note, start in enumerate(start_times):
        timbres[note] = _z_at(start, z, times)
    return timbres


def _z_at(time, z, times):
    if len(z) == 1:
        return z[0]
    before = int(np.clip(np.searchsorted(times, time) - 1, 0, len(z) - 2))
    amount = (time - times[before]) / (times[before + 1] - times[before])
    return latent.slerp(z[before], z[before + 1], amount)


# Pitches


def playable(notes, pitches, strict=False):
    """Notes as a model can play them.

    Parameters
    ----------
    notes : sequence of pdbridge.midifile.Note
    pitches : sequence of int
        That the model knows.
    strict : bool
        Leave out what the model does not know, instead of playing it as many octaves higher or lower
        as it takes.

    Returns
    -------
    notes : list of pdbridge.midifile.Note
    transposed, dropped : int
        Notes that were transposed, and that were left out.

    Raises
    ------
    PitchError
        If no note is left.
    """
    kept, transposed = [], 0
    known = set(pitches)
    for note in notes:
        if note.pitch in known:
            kept.append(note)
            continue
        octaves = [pitch for pitch in pitches if pitch % 12 == note.pitch % 12]
        if octaves and not strict:
            nearest = min(octaves, key=lambda pitch: abs(pitch - note.pitch))
            kept.append(dataclasses.replace(note, pitch=nearest))
            transposed += 1
    if notes and not kept:
        raise PitchError(f"this model knows none of the pitches {ranges({note.pitch for note in notes})}; "
                         f"it knows {ranges(pitches)}")
    return kept, transposed, len(notes) - len(kept)


# Sound


def beginning(model, z, pitch, length, offsets=None):
    """Render a note as far as it is needed.

    Parameters
    ----------
    model : pdbridge.gansynth.model.GANSynth
    z : array [latent_size]
    pitch : int
    length : int
        Samples that are needed; fewer come if the note has fewer.
    offsets : dict, optional
        As for `GANSynth.stream`.

    Returns
    -------
    float32 [samples]
        Exactly those of the whole stream.
    """
    slices, made = [], 0
    with contextlib.closing(model.stream(z, pitch, offsets=offsets)) as stream:
        for samples in stream:
            slices.append(samples)
            made += len(samples)
            if made >= length:
                break
    return np.concatenate(slices)[:length]


class Clip:
    """Notes mixed into one sound.

    Each note is cut by `envelope`, divided by its highest value, multiplied by velocity / 127 and
    added at ``int(start_s * sample_rate)``, as in the original.

    Parameters
    ----------
    end_s : float
        Where the last note ends. The clip is as long as the original's: 3 s more, in whole seconds.
    sample_rate : int
        In Hz.

    Attributes
    ----------
    mix : float32 [samples]
        The sum so far, not normalised.
    """

    def __init__(self, end_s, sample_rate):
        self.sample_rate = sample_rate
        self.mix = np.zeros(int(end_s + 3) * sample_rate, np.float32)

    def add(self, note, samples):
        """Add a note.

        Parameters
        ----------
        note : pdbridge.midifile.Note
        samples : array [samples]
            As the model makes it; no more than the envelope is used. A silent one adds nothing (in
            the original it turns the clip into NaN), and one with next to nothing above zero is not
            blown up by its division.
        """
        gain = envelope(note.end_s - note.start_s, self.sample_rate)
        sound = np.asarray(samples, np.float32)[:len(gain)]
        sound = sound * gain[:len(sound)]
        start = int(note.start_s * self.sample_rate)
        self.mix[start:start + len(sound)] += evened(sound) * (note.velocity / 127)

    @property
    def gain(self):
        """What brings the mix to a peak of 0.5 (float; 1 for silence).

        The peak is that of the absolute value. The original takes the highest value, so that a
        negative peak may be louder than 0.5, or clip; its clip is the same but for that gain.
        """
        return gain_to_peak(self.mix)

    def normalised(self):
        """The clip with a peak of 0.5, float32 [samples]."""
        return self.mix * np.float32(self.gain)
