"""Recorded notes with their symbols: the NSynth dataset as its JSON and WAV files, or as TFRecords.

Notes are in the order of their names, as in SING's program, which decides by it which of them are kept back.
"""

import gzip
import json
import random
import re
import reprlib
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import tensorflow as tf

from pdbridge.errors import AudioError, DatasetError
from pdbridge.progress import counted
from pdbridge.sing.symbols import VELOCITIES
from pdbridge.training.datasets import records
from pdbridge.training.datasets.recordings import read as read_converted

EXAMPLES = ("examples.json", "examples.json.gz")
DRAWN_WITH = 42  # seed of what is kept back and of what is drawn
VALID, TEST = 0.1, 0.2  # below which draw a note is kept back, and for what
LARGEST_INSTRUMENT = 99_999
READERS = 4
AHEAD = 2  # steps whose notes are read while one is taken
UNKNOWN = -1


class Notes:
    """Notes that can be read one by one.

    Use `open_notes`.

    Attributes
    ----------
    names : list of str
        In their order; NSynth's.
    symbols : int32 array [notes, 3]
        Row of the instrument, of the pitch and of the velocity.
    instruments : dict of str to int
        Rows of the instruments, in their order.
    counts : tuple of 3 int
        Rows that a model of these needs.
    """

    def __init__(self, found):
        """`found`: (name, instrument's name, its number, pitch, velocity, place) of each note."""
        found.sort()
        self.names = [name for name, *_ in found]
        twice = [name for name, times in Counter(self.names).items() if times > 1]
        if twice:
            raise DatasetError(f"the note {twice[0]} is there {Counter(self.names)[twice[0]]} times")
        self.instruments = _numbered(found)
        self.symbols = np.array([(self.instruments[instrument], pitch, VELOCITIES[velocity])
                                 for _, instrument, _, pitch, velocity, _ in found], np.int32)
        self.counts = tuple(int(rows) for rows in self.symbols.max(0) + 1)
        self._places = [place for *_, place in found]

    def __len__(self):
        return len(self.names)

    def read(self, index, length):
        """The sound of a note.

        Parameters
        ----------
        index : int
        length : int
            Samples; it is cut to that, or ends in silence.

        Returns
        -------
        float32 array [length]

        Raises
        ------
        AudioError, DatasetError
            Naming the file.
        """
        place = self._places[index]
        samples = (_from_record(*place) if isinstance(place, tuple) else _from_wav(place))[:length]
        return np.pad(samples, (0, length - len(samples)))


def open_notes(path):
    """Find notes.

    Parameters
    ----------
    path : str or Path
        A folder with ``examples.json`` and the folder ``audio``, or TFRecords as
        `pdbridge.training.datasets.records.find` takes them.

    Returns
    -------
    Notes

    Raises
    ------
    DatasetError
        There are none, or one lacks what a training needs; it is named.
    """
    folder = Path(path).expanduser()
    for examples in EXAMPLES:
        if (folder / examples).is_file():
            return Notes(_listed(folder / examples, folder / "audio"))
    if folder.is_dir() and not any(".tfrecord" in file.name for file in folder.iterdir()):
        raise DatasetError(f"{folder} holds neither {EXAMPLES[0]} with the folder audio (NSynth's JSON and WAV files) "
                           "nor TFRecords")
    return Notes(_recorded(path))


def split(symbols):
    """Which notes are trained on and which are kept back, as SING's program draws it.

    Parameters
    ----------
    symbols : int array [notes, 3]
        In the order of the notes' names.

    Returns
    -------
    dict of str to int array
        Numbers of the notes for "train" (80 %), "valid" and "test" (10 % each). All velocities of a pitch of an
        instrument are in the same.
    """
    draws, drawn = random.Random(DRAWN_WITH), {}
    parts = {"train": [], "valid": [], "test": []}
    for number, (instrument, pitch, _) in enumerate(np.asarray(symbols).tolist()):
        if (instrument, pitch) not in drawn:
            draw = draws.random()
            drawn[instrument, pitch] = "valid" if draw < VALID else "test" if draw < TEST else "train"
        parts[drawn[instrument, pitch]].append(number)
    return {name: np.array(numbers, np.int64) for name, numbers in parts.items()}


def drawn(numbers, count):
    """Some of the notes, as SING's program draws them.

    Parameters
    ----------
    numbers : int array
    count : int
        0 for all.

    Returns
    -------
    int array
    """
    if not count:
        return numbers
    order = list(range(len(numbers)))
    random.Random(DRAWN_WITH).shuffle(order)
    return numbers[order[:count]]


class Batches:
    """The notes of each step: every note once an epoch, in a new order each time, which seed and epoch decide.

    Parameters
    ----------
    read : callable
        Takes a place in `numbers`; returns an array.
    numbers : int array
        The notes.
    size : int
        Notes in a step; the last one of an epoch has what is left.
    seed : sequence of int
    """

    def __init__(self, read, numbers, size, seed):
        self._read, self._numbers, self._size, self._seed = read, numbers, size, seed
        self.per_epoch = -(-len(numbers) // size)
        self._pool = ThreadPoolExecutor(READERS, "notes")
        self._coming = {}  # by step
        self._order = lru_cache(maxsize=2)(self._order_of)

    def places(self, step):
        """Places in `numbers` of the notes of a step: int array."""
        epoch, batch = divmod(step, self.per_epoch)
        return self._order(epoch)[batch * self._size:(batch + 1) * self._size]

    def take(self, step):
        """What was read for a step, counted from 0.

        Returns
        -------
        numbers : int array [n]
        read : array [n, ...]
        """
        for later in range(step, step + 1 + AHEAD):
            if later not in self._coming:
                self._coming[later] = [self._pool.submit(self._read, place) for place in self.places(later)]
        arrays = [coming.result() for coming in self._coming.pop(step)]
        return self._numbers[self.places(step)], np.stack(arrays)

    def close(self):
        """Read no more."""
        self._pool.shutdown(cancel_futures=True)

    def _order_of(self, epoch):
        return np.random.default_rng([*self._seed, epoch]).permutation(len(self._numbers))


# Where notes come from


def _listed(path, audio):
    """The notes of an examples.json."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            examples = json.load(file)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is no JSON, or damaged: {error}") from None
    if not isinstance(examples, dict) or not examples:
        raise DatasetError(f"{path} lists no notes")
    found = []
    for name, example in examples.items():
        example = example if isinstance(example, dict) else {}
        wrong = _wrong(name, *(example.get(key) for key in ("instrument_str", "instrument", "pitch", "velocity")))
        if wrong:
            raise DatasetError(f"{path}: the note {reprlib.repr(name)} {wrong}")
        found.append((name, example["instrument_str"], example["instrument"], example["pitch"], example["velocity"],
                      audio / f"{name}.wav"))
    there = {file.name for file in audio.iterdir()} if audio.is_dir() else set()
    missing = [place for *_, place in found if place.name not in there]
    if missing:
        raise DatasetError(f"{missing[0]} is missing" + (
            f", and {counted(len(missing) - 1, 'other note')}" if len(missing) > 1 else "")
            + f"; {path.name} lists {'it' if len(missing) == 1 else 'them'}")
    return found


def _wrong(name, instrument, number, pitch, velocity):
    """Why a note cannot be used, or None."""
    if not name or Path(name).name != name:
        return "has a name that is no file name"
    if not isinstance(instrument, str) or not instrument:
        return "has no instrument_str"
    if type(number) is not int or not 0 <= number <= LARGEST_INSTRUMENT:
        return f"has no instrument number (0 to {LARGEST_INSTRUMENT})"
    if type(pitch) is not int or not 0 <= pitch <= 127:
        return f"has the pitch {reprlib.repr(pitch)}, which is no MIDI pitch (0 to 127)"
    if type(velocity) is not int or velocity not in VELOCITIES:
        return (f"has the velocity {reprlib.repr(velocity)}; SING knows "
                f"{', '.join(map(str, VELOCITIES))}, as NSynth")
    return None


def _recorded(paths):
    """The notes of TFRecords."""
    files = records.find(paths)
    records.survey(paths)  # whole?
    features = {"note_str": tf.io.FixedLenFeature([], tf.string, ""),
                "instrument_str": tf.io.FixedLenFeature([], tf.string, ""),
                **{key: tf.io.FixedLenFeature([], tf.int64, UNKNOWN) for key in ("instrument", "pitch", "velocity")}}
    found = []
    for file in files:
        parsed = tf.data.TFRecordDataset(str(file)).map(lambda record: tf.io.parse_single_example(record, features))
        with records.damage_named([file]):
            parsed = list(parsed.as_numpy_iterator())
        for number, (note, place) in enumerate(zip(parsed, records.places(file), strict=True), 1):
            name = note["note_str"].decode(errors="replace")
            instrument = note["instrument_str"].decode(errors="replace") or re.sub(r"-\d+-\d+$", "", name)
            pitch, velocity = int(note["pitch"]), int(note["velocity"])
            known = int(note["instrument"])
            wrong = _wrong(name, instrument, max(known, 0), pitch, velocity if velocity != UNKNOWN else None)
            if wrong:
                raise DatasetError(f"record {number} of {file} {wrong}; SING is told the instrument, pitch and "
                                   "velocity of each note (pdbridge dataset nsynth --all_fields writes them)")
            found.append((name, instrument, known, pitch, velocity, (file, number, *place)))
    return found


def _numbered(found):
    """Rows of the instruments: the numbers that the data set gives, or their places in the alphabet."""
    numbers = {}
    for name, instrument, number, *_ in found:
        if numbers.setdefault(instrument, number) != number:
            raise DatasetError(f"the note {name} says that {instrument} is number {number}, another note "
                               f"{numbers[instrument]}")
    if UNKNOWN in numbers.values():
        if set(numbers.values()) != {UNKNOWN}:
            raise DatasetError("some notes say the number of their instrument, and others do not")
        numbers = {instrument: row for row, instrument in enumerate(sorted(numbers))}
    names = {}
    for instrument, number in numbers.items():
        if names.setdefault(number, instrument) != instrument:
            raise DatasetError(f"{names[number]} and {instrument} are both number {number}")
    return dict(sorted(numbers.items(), key=lambda item: item[1]))


def _from_wav(path):
    try:
        with open(path, "rb") as raw, soundfile.SoundFile(raw) as file:
            if (file.samplerate, file.channels, file.subtype) == (records.SAMPLE_RATE, 1, "PCM_16"):
                return file.read(dtype="int16") / np.float32(32767)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path} cannot be read as a sound: {error.error_string}") from None
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"{path} cannot be read as a sound: {getattr(error, 'strerror', None) or error}") from None
    return read_converted(path, records.SAMPLE_RATE)


def _from_record(path, number, start, size):
    with open(path, "rb") as file:
        file.seek(start)
        record = file.read(size)
    with records.damage_named([path]):
        audio = records.parse(tf.constant(record))["audio"].numpy()
    if not audio.size or not np.isfinite(audio).all():
        raise DatasetError(f"record {number} of {path} holds no audio, or some that is not finite")
    return audio
