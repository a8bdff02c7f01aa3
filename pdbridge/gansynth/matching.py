"""Finding a sound: a z whose note is near a recording.

A generator can be gone through backwards: gradients say how z has to change for the note to come nearer
(Zhu et al. 2016, "Generative Visual Manipulation on the Natural Image Manifold", section 3.1; for z alone,
without an encoder). Many random z are heard first. The best of them are starts, from each of which Adam
(Kingma and Ba 2015) descends; on the way the worse half is given up, twice. z stays where random ones
lie (White 2016, "Sampling Generative Networks", section 2), since that is what the network was trained on.

The distance, and its gradient, is in `pdbridge.gansynth.listening`; here there is no TensorFlow, since the
server begins and steers a search, too. Each step is a small piece of work, so that a pressed key need not
wait for more than one.
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pdbridge import audio, errors, latent
from pdbridge.errors import AudioError, PdbridgeError, PitchError, WorkerError

ENDINGS = (".wav", ".flac", ".aiff", ".aif", ".ogg")  # of recordings

# Recordings

LOWEST_RATE, HIGHEST_RATE = 4000, 768000  # Hz
LONGEST_S = 30.0  # s of a recording that are looked at; its note has to begin there
SILENCE = 1e-4  # a recording whose peak is below this (-80 dBFS) holds nothing to be found
ONSET_DB = -40.0  # a note begins where it is as loud as this below its loudest place
ONSET_S = 0.004  # s over which the loudness of an onset is measured
FADE_S = 0.01  # s at the end of a recording that is cut
MOST_PARTIALS = 16  # that are listened to for the tuning
TUNING_S = 2.0  # s of the note in which the tuning is heard
TRACKED_S, TRACKING_RATE = 4.0, 22050  # s and Hz in which the pitch is heard; more only costs time
LONGEST_TRACKING = 300.0  # s that a process may take to hear it


class Recording(NamedTuple):
    """What is to be found.

    Attributes
    ----------
    samples : float32 [samples]
        From the onset on, one channel, at the rate and tuning of the model.
    pitch : int
        MIDI, one of the model's.
    """

    samples: np.ndarray
    pitch: int


def read_recording(path):
    """Read the beginning of a recorded note.

    Parameters
    ----------
    path : str or Path
        WAV, FLAC, AIFF or OGG, of any rate; channels are averaged.

    Returns
    -------
    samples : float32 [samples]
        From the onset on.
    sample_rate : int
        Hz.

    Raises
    ------
    AudioError
        It cannot be read, or is silent.
    """
    samples, sample_rate = audio.read_wav(path, LONGEST_S)
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise AudioError(f"{path} has a sample rate of {sample_rate} Hz; {LOWEST_RATE} to {HIGHEST_RATE} can be used")
    if not np.isfinite(samples).all():
        raise AudioError(f"{path} holds samples that are not finite numbers")
    if not len(samples) or np.abs(samples).max() < SILENCE:
        begins = f" in its first {LONGEST_S:g} s" if len(samples) >= LONGEST_S * sample_rate else ""
        raise AudioError(f"{path} is silent{begins}; there is no sound to find")
    return samples[onset(samples, sample_rate):], sample_rate


def onset(samples, sample_rate):
    """Where a note begins, see `ONSET_DB`: an index; 0 for silence."""
    size = max(1, round(ONSET_S * sample_rate))
    power = np.square(samples[: len(samples) // size * size], dtype=np.float64).reshape(-1, size).mean(axis=1)
    if not len(power):
        return 0
    return int(np.argmax(power >= power.max() * 10 ** (ONSET_DB / 10))) * size


def tuning(samples, sample_rate, pitch):
    """How much sharper than equal temperament a note is.

    Parameters
    ----------
    samples : float32 [samples]
        From the onset on.
    sample_rate : int
        Hz.
    pitch : int
        MIDI, which the note has within a quarter tone.

    Returns
    -------
    float
        Semitones, -0.5 to 0.5: where its first partials together stand out most.
    """
    samples = samples[: round(TUNING_S * sample_rate)]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 4 * len(samples)))
    offsets = np.linspace(-0.5, 0.5, 201)
    frequencies = 440 * 2 ** ((pitch + offsets - 69) / 12)
    partials = np.arange(1, MOST_PARTIALS + 1)
    partials = partials[partials * frequencies[-1] < sample_rate / 2]
    bins = np.rint(np.outer(partials, frequencies) * (4 * len(samples) / sample_rate)).astype(int)
    standing_out = np.sqrt(spectrum[np.minimum(bins, len(spectrum) - 1)]).sum(axis=0)
    return float(offsets[np.argmax(standing_out)]) if len(partials) else 0.0


def recording_for(samples, sample_rate, pitch, model_rate, model_pitches, note_length):
    """A recorded note as it is compared with those of a model.

    Parameters
    ----------
    samples, sample_rate
        From `read_recording`.
    pitch : int
        MIDI, of the recording.
    model_rate : int
        Hz.
    model_pitches : sequence of int
    note_length : int
        Samples of the model's notes.

    Returns
    -------
    recording : Recording
        Played faster or slower, as a sampler would, so that it has exactly the nearest pitch of the model;
        cut where a note of the model ends.
    semitones : float
        By how much it was raised.
    """
    nearest = min(model_pitches, key=lambda known: (abs(known - pitch), known))
    semitones = nearest - pitch - tuning(samples, sample_rate, pitch)
    faster = 2 ** (semitones / 12)
    needed = round((note_length / model_rate * faster + 0.1) * sample_rate)  # a little more than is kept
    raised = audio.resample(samples[:needed], sample_rate, model_rate / faster)
    cut = raised[:note_length].copy()
    if len(raised) > note_length:
        fade = min(round(FADE_S * model_rate), len(cut))
        cut[len(cut) - fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return Recording(cut, nearest), semitones


def heard_pitch(path):
    """The pitch that a pitch tracker hears in a recording.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    pitch : int
        MIDI.
    confidence : float
        0 to 1.

    Raises
    ------
    EngineError
        librosa is missing.
    PitchError
        It hears none.
    AudioError
        As `read_recording`.
    """
    from pdbridge import pitchtracker

    samples, sample_rate = read_recording(path)
    rate = min(sample_rate, TRACKING_RATE)
    samples = audio.resample(samples[: round(TRACKED_S * sample_rate)], sample_rate, rate)
    heard = pitchtracker.detect(samples, rate)
    if heard.pitch is None:
        raise PitchError(f"no pitch is heard in {path}; name one (60 is middle C)")
    return heard.pitch, heard.confidence


async def heard_pitch_elsewhere(path):
    """`heard_pitch` in a process of its own: librosa is too large and too slow for the server.

    Raises
    ------
    PdbridgeError
        As `heard_pitch`; `WorkerError` if it takes longer than `LONGEST_TRACKING`.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, os.fspath(path), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    try:
        said, _ = await asyncio.wait_for(process.communicate(), LONGEST_TRACKING)
    except asyncio.TimeoutError:
        raise WorkerError(f"no pitch was heard in {path} within {LONGEST_TRACKING:g} s; name one") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        kind, value, *more = json.loads(said)
    except ValueError:
        raise WorkerError(f"the process that hears the pitch of {path} failed; name the pitch") from None
    if kind != "heard":
        raise getattr(errors, kind, WorkerError)(value)
    return value, *more


def gain_between(note, recording):
    """What brings a note to the loudness (rms) of a recording, and its peak not above 1.

    Parameters
    ----------
    note, recording : float32 [samples]

    Returns
    -------
    float
        1 for a silent note.
    """
    peak, rms = np.abs(note).max(), np.sqrt(np.mean(np.square(note, dtype=np.float64)))
    if not rms > 0:
        return 1.0
    return min(float(np.sqrt(np.mean(np.square(recording, dtype=np.float64))) / rms), 1 / float(peak))


# The search


@dataclass(frozen=True)
class Effort:
    """How hard to look.

    Parameters
    ----------
    random : int
        Random timbres that are heard first.
    starts : int
        How many of them are descended from; after a quarter and after half of the steps, half of those that
        are left go on.
    steps : int
        Of each descent that goes on to the end.
    """

    random: int = 48
    starts: int = 4
    steps: int = 100

    def descents(self, step):
        """How many descents take this step, counted from 0."""
        halvings = (step >= self.steps / 4) + (step >= self.steps / 2)
        return max(1, -(-min(self.starts, self.random) // 2**halvings))


STEP = 0.05  # of Adam, at the beginning; a cosine brings it to nothing
MOMENTUM, SECOND_MOMENTUM = 0.9, 0.99
SPREAD = 1.0  # by which random z differ in length, a little more than a standard deviation (0.71)
GRADIENT_COSTS = 3  # times as long as hearing a note; counts for the time left


class Search:
    """The search for the z of one recording: small, and can be pickled between its steps.

    Parameters
    ----------
    latent_size : int
    seed : int
    effort : Effort

    Attributes
    ----------
    best : float32 [latent_size]
        The nearest z that was heard so far.
    distance : float
        Its distance, see `listening.Distance`; infinite before the first.
    random_distance : float
        That of the nearest random one.
    total, done : int
        How much work it is, and how much of it is done.
    """

    def __init__(self, latent_size, seed, effort):
        self._effort = effort
        self._random = latent.random_z(effort.random, latent_size, seed)
        self._heard = []  # distances of the random ones
        self._descents = None
        self.best, self.distance, self.random_distance = self._random[0], np.inf, np.inf
        self.done = 0
        steps = sum(effort.descents(step) for step in range(effort.steps))
        self.total = effort.random + GRADIENT_COSTS * steps

    @property
    def finished(self):
        return self.done == self.total

    def advance(self, listener):
        """Take the next step.

        Parameters
        ----------
        listener : pdbridge.gansynth.listening.Listener
        """
        if len(self._heard) < self._effort.random:
            z = self._random[len(self._heard)]
            self._heard.append(listener.distance(z))
            self._keep(z, self._heard[-1])
            self.random_distance = self.distance
            self.done += 1
            return
        if self._descents is None:
            nearest = np.argsort(self._heard)[: self._effort.descents(0)]
            self._descents = [Descent(as_random_ones(self._random[number], listener.directions))
                              for number in nearest]
        descent = min(self._descents, key=lambda descent: descent.step)  # they go on in turns
        # the distance is that of where it stands before the step
        z = descent.z
        self._keep(z, descent.advance(listener, self._effort.steps))
        self.done += GRADIENT_COSTS
        if descent is self._descents[-1] and descent.step < self._effort.steps:
            self._descents.sort(key=lambda descent: descent.distance)
            del self._descents[self._effort.descents(descent.step):]

    def _keep(self, z, distance):
        if distance < self.distance:
            self.best, self.distance = z, distance


class Descent:
    """One way down: Adam, where random z lie.

    Attributes
    ----------
    z : float32 [latent_size]
    step : int
        Steps done.
    distance : float
        Before the last of them.
    """

    def __init__(self, z):
        self.z, self.step, self.distance = z, 0, np.inf
        self._mean, self._square = np.zeros_like(z), np.zeros_like(z)

    def advance(self, listener, steps):
        """Take the next of so many steps; the distance before it."""
        self.distance, gradient = listener.gradient(self.z)
        self.step += 1
        self._mean += (1 - MOMENTUM) * (gradient - self._mean)
        self._square += (1 - SECOND_MOMENTUM) * (np.square(gradient) - self._square)
        mean = self._mean / (1 - MOMENTUM**self.step)
        square = self._square / (1 - SECOND_MOMENTUM**self.step)
        size = STEP * (1 + np.cos(np.pi * self.step / steps)) / 2
        self.z = as_random_ones(self.z - size * mean / (np.sqrt(square) + 1e-8), listener.directions)
        return self.distance


def as_random_ones(z, directions):
    """The z nearby that lies where random ones do.

    Parameters
    ----------
    z : array [latent_size]
    directions : array [latent_size, directions]
        What the network takes of it, see `GANSynth.latent_directions`.

    Returns
    -------
    float32 [latent_size]
        Its length is the square root of `latent_size`. Where the network takes only a part of z, that part is
        not longer than those of random ones either: a few directions that get all of the length would lead
        far out of what the network was trained on, and the timbre would fall apart at other pitches.
    """
    size, count = directions.shape
    heard = directions @ (directions.T @ z) if count < size else np.asarray(z, np.float64)
    rest = z - heard
    longest = np.sqrt(size) if count == size else np.sqrt(count) + SPREAD
    length = np.linalg.norm(heard)
    if length > longest or count == size:
        heard = heard * (longest / max(length, 1e-12))
    if count < size:  # the rest fills up the length; it changes nothing but that
        rest = rest * (np.sqrt(max(0.0, size - heard @ heard)) / max(np.linalg.norm(rest), 1e-12))
    return (heard + rest).astype(np.float32)


def _main():
    """Entry point of the process that hears a pitch: prints what `heard_pitch` returns or raises, as JSON."""
    try:
        print(json.dumps(["heard", *heard_pitch(sys.argv[1])]))
    except PdbridgeError as error:
        print(json.dumps([type(error).__name__, str(error)]))


if __name__ == "__main__":
    _main()
