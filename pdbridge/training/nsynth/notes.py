"""Notes for a training, in an order and in crops that a seed and the step decide, so that it can go on anywhere.

Magenta's programs shuffle in a queue, which forgets when it ends. Here each epoch is all notes once, in a new order.
The notes of a step are read where they stand in the TFRecords; while a step is taken, the next ones are read.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import tensorflow as tf

from pdbridge.errors import DatasetError
from pdbridge.nsynth import mulaw, spectrogram
from pdbridge.nsynth.baseline import BINS, FRAMES
from pdbridge.training.datasets import records

AHEAD = 2  # batches that are read while a step is taken
READERS = 4


class Notes:
    """The notes of TFRecords, each of which can be read without those before it.

    Parameters
    ----------
    files : sequence of Path
        As `pdbridge.training.datasets.records.survey` found them whole.
    """

    def __init__(self, files):
        self._places = [(file, number, *place)
                        for file in files for number, place in enumerate(records.places(file), 1)]

    def __len__(self):
        return len(self._places)

    def read(self, index):
        """A note: float32 array [samples], the first 64000 at most, and its MIDI pitch."""
        path, number, start, size = self._places[index]
        with open(path, "rb") as file:
            file.seek(start)
            record = file.read(size)
        with records.damage_named([path]):
            note = records.parse(tf.constant(record))
        audio, pitch = note["audio"].numpy()[:records.NOTE_LENGTH], int(note["pitch"])
        if not audio.size or not np.isfinite(audio).all():
            raise DatasetError(f"record {number} of {path} holds no audio, or some that is not finite")
        if not 0 <= pitch <= 127:
            raise DatasetError(f"record {number} of {path} has the pitch {pitch}, which is no MIDI pitch (0 to 127)")
        return audio, pitch


class Batches:
    """The notes of each step.

    Parameters
    ----------
    notes : Notes
    prepare : callable
        Takes the audio and pitch of a note and a `numpy.random.Generator`; returns arrays, or numbers, which are
        stacked.
    size : int
        Notes in a step.
    seed : int
    """

    def __init__(self, notes, prepare, size, seed):
        self._notes, self._prepare, self._size, self._seed = notes, prepare, size, seed
        self._pool = ThreadPoolExecutor(READERS, "notes")
        self._coming = {}  # by step
        self._order = lru_cache(maxsize=2)(self._order_of)

    def take(self, step):
        """The arrays of a step, counted from 0, each [size, ...]."""
        for later in range(step, step + 1 + AHEAD):
            if later not in self._coming:
                self._coming[later] = [self._pool.submit(self._one, later, place) for place in range(self._size)]
        ones = [coming.result() for coming in self._coming.pop(step)]
        return tuple(np.stack(arrays) for arrays in zip(*ones, strict=True))

    def close(self):
        """Read no more."""
        self._pool.shutdown(cancel_futures=True)

    def _one(self, step, place):
        epoch, index = divmod(step * self._size + place, len(self._notes))
        note = self._notes.read(self._order(epoch)[index])
        return self._prepare(*note, np.random.default_rng([self._seed, step, place]))

    def _order_of(self, epoch):
        return np.random.default_rng([self._seed, epoch]).permutation(len(self._notes))


def crop(length):
    """What WaveNet hears of a note, for `Batches`: mu-law steps, float32 [length], from anywhere in it.

    Parameters
    ----------
    length : int
        Samples. A shorter note is followed by silence.
    """
    def prepare(audio, pitch, random):
        start = random.integers(max(len(audio) - length, 0) + 1)
        audio = audio[start:start + length]
        return (mulaw.encode(np.pad(audio, (0, length - len(audio)))),)

    return prepare


def picture(padding):
    """What the baseline sees of a note, for `Batches`: log magnitudes, float32 [512, 256], and the pitch.

    Parameters
    ----------
    padding : str
        One of `pdbridge.nsynth.spectrogram.PADDINGS`.
    """
    def prepare(audio, pitch, random):
        whole = np.pad(audio, (0, records.NOTE_LENGTH - len(audio)))
        found = spectrogram.analyse(whole, padding=padding)[:BINS]
        return np.pad(found, ((0, 0), (0, FRAMES - found.shape[1]))).astype(np.float32), np.int32(pitch)

    return prepare
