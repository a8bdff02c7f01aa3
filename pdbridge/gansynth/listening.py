"""How far a note is from a recording, and which way its z has to go to come nearer.

The distance is a multi-scale spectral one, as of Engel et al. 2020, "DDSP: Differentiable Digital Signal
Processing", section 4.2.1, here of levels in bands that are even in mel: short windows see the attack,
long ones the partials.
"""

from functools import lru_cache

import numpy as np
import tensorflow as tf

from pdbridge.gansynth.spectral import hz_from_mel, mel_from_hz
from pdbridge.gansynth.matching import onset

#: Lengths of windows in ms, and bands of each: 2048, 512 and 128 samples at 16 kHz.
SCALES = ((128, 160), (32, 64), (8, 24))
OVERLAP = 4  # windows that cover each sample
RANGE_DB = 60.0  # below the loudest band of the recording; softer than that is silence
ONSET_NOTES = 8  # random notes whose onsets are looked at


@lru_cache(maxsize=16)
def bands(size, count, sample_rate):
    """Triangular bands over the bins of a Fourier transform, even in mel.

    Parameters
    ----------
    size : int
        Samples of the transform.
    count : int
        Bands.
    sample_rate : int
        Hz.

    Returns
    -------
    float32 [size / 2 + 1, count]
        A band reaches from its neighbour's centre to that of the other, and never less than to the next
        bin, so that none is empty.
    """
    edges = hz_from_mel(np.linspace(0.0, mel_from_hz(sample_rate / 2), count + 2))
    frequencies = np.linspace(0.0, sample_rate / 2, size // 2 + 1)[:, np.newaxis]
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    bin_hz = sample_rate / size
    rising = 1 - (centre - frequencies) / np.maximum(centre - lower, bin_hz)
    falling = 1 - (frequencies - centre) / np.maximum(upper - centre, bin_hz)
    weights = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    weights.flags.writeable = False
    return weights


def powers(sound, sample_rate):
    """What is heard in each band and window, whatever the level of the sound.

    Parameters
    ----------
    sound : tf.Tensor, float32 [samples]
    sample_rate : int
        Hz.

    Returns
    -------
    list of tf.Tensor, float32 [windows, bands]
        One for each of `SCALES`, of the sound at an rms of 1.
    """
    sound = sound / tf.sqrt(tf.reduce_mean(tf.square(sound)) + 1e-12)
    heard = []
    for milliseconds, count in SCALES:
        size = 1 << round(np.log2(milliseconds * sample_rate / 1000))
        # so that the window's middle reaches the very onset, and a short sound fills one at least
        padded = tf.pad(sound, [[size // 2, size // 2]])
        spectrum = tf.signal.stft(padded, size, size // OVERLAP)  # periodic Hann windows
        power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
        heard.append(tf.matmul(power, bands(size, count, sample_rate)))
    return heard


class Distance:
    """How far sounds are from a recording.

    Levels are compared in bands and windows of all `SCALES`, pooled like this because that finds nearer
    sounds than single bins do, and much nearer ones than the power in the model's picture does, which leaves
    out what frames that overlap do to each other (both measured).

    Parameters
    ----------
    recording : float32 [samples]
        Not silent.
    sample_rate : int
        Hz.
    """

    def __init__(self, recording, sample_rate):
        self._sample_rate = sample_rate
        heard = powers(tf.constant(recording, tf.float32), sample_rate)
        self._floors = [tf.reduce_max(power) * 10 ** (-RANGE_DB / 10) for power in heard]
        self._levels = [_level(*of_scale) for of_scale in zip(heard, self._floors, strict=True)]
        self._sizes = [tf.reduce_mean(level) for level in self._levels]

    def __call__(self, sound):
        """The distance of a sound.

        Parameters
        ----------
        sound : tf.Tensor or array, float32 [samples]
            As long as the recording.

        Returns
        -------
        tf.Tensor, float32 []
            0 for the recording itself, at any level; 1 is as far as silence. It is the mean difference of
            levels in dB, not less than `RANGE_DB` below the recording's loudest band, over that of the
            recording and silence; the mean of all `SCALES`.
        """
        parts = []
        for power, floor, level, size in zip(
                powers(sound, self._sample_rate), self._floors, self._levels, self._sizes, strict=True):
            parts.append(tf.reduce_mean(tf.abs(_level(power, floor) - level)) / size)
        return tf.add_n(parts) / len(parts)


def _level(power, floor):
    """Above the floor, in any unit of decibels."""
    return tf.math.log1p(power / floor)


class Listener:
    """Hears how far the notes of a model are from a recording.

    Parameters
    ----------
    model : pdbridge.gansynth.model.GANSynth
    recording : pdbridge.gansynth.matching.Recording
        At the model's rate.

    Attributes
    ----------
    directions : float64 [latent_size, directions]
        What the model takes of z, see `GANSynth.latent_directions`.
    target : float32 [note_length]
        The recording as it is compared: its onset where the model's notes have theirs, as long as they.

    Raises
    ------
    PitchError
        If the model does not know the recording's pitch.
    """

    def __init__(self, model, recording):
        self.latent_size = model.latent_size
        self.directions = model.latent_directions
        self._model, self._pitch = model, recording.pitch
        heads = [model.head(z, recording.pitch)[0] for z in model.random_z(ONSET_NOTES, seed=0)]
        begin = int(np.median([onset(head, model.sample_rate) for head in heads]))
        self.target = np.zeros(model.note_length, np.float32)
        samples = recording.samples[: model.note_length - begin]
        self.target[begin : begin + len(samples)] = samples
        distance = Distance(self.target, model.sample_rate)

        def far(z):
            return distance(model.note_tensor(z, recording.pitch))

        def downhill(z):
            with tf.GradientTape() as tape:
                tape.watch(z)
                found = far(z)
            return found, tape.gradient(found, z)

        shape = [tf.TensorSpec([model.latent_size], tf.float32)]
        self._distance = tf.function(far, shape, autograph=False)
        self._gradient = tf.function(downhill, shape, autograph=False)

    def warm_up(self):
        """Build the graphs; the first steps are as fast as the others then."""
        z = np.zeros(self.latent_size, np.float32)
        self.distance(z)
        self.gradient(z)

    def distance(self, z):
        """The distance of a timbre, float, see `Distance`; z is float32 [latent_size]."""
        return float(self._distance(tf.constant(z)))

    def gradient(self, z):
        """The distance, and in which direction it grows: (float, float32 [latent_size])."""
        found, gradient = self._gradient(tf.constant(z))
        return float(found), gradient.numpy()

    def note(self, z):
        """The whole note of a timbre, float32 [note_length]."""
        return self._model.synthesize(z, self._pitch)[0]
