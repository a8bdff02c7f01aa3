"""Notes in TFRecords: the published NSynth dataset, the course's data sets and ours, read and written.

A record is a ``tf.train.Example``. The course's make_dataset.py writes five features of a note: ``pitch``,
``audio``, ``qualities``, ``instrument_source``, ``instrument_family``. The NSynth dataset (Engel et al. 2017) has
more, of which ``velocity``, ``note_str`` and ``sample_rate`` are read here where they are there.

Trainers ask `survey` first: it reads every record once and names the file and the record that is damaged, so that a
training does not find it in the second night. Then they read with `dataset`, or map `parse` over records themselves.
"""

import contextlib
import glob
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf

from pdbridge.errors import DatasetError
from pdbridge.files import written_whole
from pdbridge.training.datasets.notes import NOTE_LENGTH, QUALITIES, SAMPLE_RATE, SOURCES, Note

AT_ONCE = 32  # notes that are parsed together while they are counted
#: What a record may lack, as `parse` gives it then.
UNKNOWN = -1


@dataclass(frozen=True)
class Selection:
    """Which notes are used.

    Attributes
    ----------
    lowest, highest : int
        MIDI pitches, both included.
    sources : tuple of int or None
        Places in `SOURCES`; None takes all.
    """

    lowest: int = 0
    highest: int = 127
    sources: tuple | None = None

    def __contains__(self, note):
        """Whether it takes a `Note`."""
        return (self.lowest <= note.pitch <= self.highest
                and (self.sources is None or note.instrument_source in self.sources))

    def takes(self, note):
        """The same in a graph.

        Parameters
        ----------
        note : dict of str to tensor
            From `parse`, one note or a batch.

        Returns
        -------
        bool tensor
            Of the shape of ``note["pitch"]``.
        """
        taken = (note["pitch"] >= self.lowest) & (note["pitch"] <= self.highest)
        if self.sources is not None:
            sources = tf.constant(list(self.sources), tf.int64)
            taken &= tf.reduce_any(note["instrument_source"][..., tf.newaxis] == sources, axis=-1)
        return taken

    def __str__(self):
        named = "" if self.sources is None else ", " + " or ".join(
            SOURCES[source] if 0 <= source < len(SOURCES) else f"source {source}" for source in self.sources)
        return f"pitches {self.lowest} to {self.highest}{named}"


EVERYTHING = Selection()


@dataclass(frozen=True)
class Survey:
    """What `survey` found.

    Attributes
    ----------
    files : list of Path
    pitches : dict of int to int
        How many of the selected notes have a pitch, in the order of the pitches.
    left_out : int
        Notes that the selection does not take.
    """

    files: list = field(repr=False)
    pitches: dict
    left_out: int = 0

    @property
    def notes(self):
        """How many notes were selected."""
        return sum(self.pitches.values())


# Files


def find(paths):
    """The TFRecord files that are meant.

    Parameters
    ----------
    paths : str, Path or sequence of them
        Each a file, a folder (of whose own files those with ``.tfrecord`` in their names count), or a pattern with
        ``*``, ``?`` or ``[...]``.

    Returns
    -------
    list of Path
        Sorted, each once.

    Raises
    ------
    DatasetError
        When one of them leads to no file.
    """
    found = set()
    for path in [paths] if isinstance(paths, str | os.PathLike) else paths:
        path = Path(path).expanduser()
        if path.is_file():
            files = [path]
        elif path.is_dir():
            files = [file for file in path.iterdir() if ".tfrecord" in file.name and not file.name.startswith(".")]
            if not files:
                raise DatasetError(f"{path} holds no data set (.tfrecord); pdbridge dataset make makes one from sounds")
        else:
            files = [Path(file) for file in glob.glob(str(path)) if os.path.isfile(file)]
            if not files:
                raise DatasetError(f"{path}: there is no such data set")
        found.update(files)
    if not found:
        raise DatasetError("no data set is named")
    return sorted(found)


def places(file):
    """Where the whole records of a file are, by their lengths alone; what is damaged in them is not seen.

    Parameters
    ----------
    file : Path

    Yields
    ------
    start, size : int
        In bytes.
    """
    end = os.path.getsize(file)
    with open(file, "rb") as opened:
        while len(head := opened.read(12)) == 12:  # length, and its checksum
            start, size = opened.tell(), int.from_bytes(head[:8], "little")
            if start + size + 4 > end:
                break
            yield start, size
            opened.seek(start + size + 4)


def count(file):
    """How many whole records a file holds, see `places`.

    Parameters
    ----------
    file : Path

    Returns
    -------
    int
    """
    return sum(1 for _ in places(file))


# Reading


def parse(serialized):
    """A record as tensors, for ``tf.data.Dataset.map``.

    Parameters
    ----------
    serialized : string tensor []

    Returns
    -------
    dict of str to tensor
        ``pitch``, ``velocity``, ``instrument_source``, ``instrument_family``, ``sample_rate`` int64 [];
        ``qualities`` int64 [10]; ``audio`` float32 [samples]; ``note_str`` string []. Velocity and sample rate are
        -1, and the name is empty, where the record has none.

    Raises
    ------
    tf.errors.InvalidArgumentError
        When it is no record of a note; `damage_named` says which.
    """
    return _parse(serialized, "audio", "note_str", "velocity", "qualities", "instrument_family")


def _parse(serialized, *more):
    number = tf.io.FixedLenFeature([], tf.int64)
    features = {
        "pitch": number,
        "instrument_source": tf.io.FixedLenFeature([], tf.int64, 0),
        "sample_rate": tf.io.FixedLenFeature([], tf.int64, UNKNOWN),
        "audio": tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True),
        "note_str": tf.io.FixedLenFeature([], tf.string, ""),
        "velocity": tf.io.FixedLenFeature([], tf.int64, UNKNOWN),
        "qualities": tf.io.FixedLenFeature([len(QUALITIES)], tf.int64, [0] * len(QUALITIES)),
        "instrument_family": tf.io.FixedLenFeature([], tf.int64, 0),
    }
    wanted = ("pitch", "instrument_source", "sample_rate", *more)
    return tf.io.parse_example(serialized, {name: features[name] for name in wanted})


def dataset(files, selection=EVERYTHING, parallel=None):
    """Notes as tensors, once through the files in their order, as a start for a pipeline of ``tf.data``.

    Parameters
    ----------
    files : sequence of Path
        From `find`.
    selection : Selection
    parallel : int, optional
        Records that are parsed at a time; as many as there is time for, if left out.

    Returns
    -------
    tf.data.Dataset
        Of what `parse` gives. Wrap the loop that reads it into `damage_named`.
    """
    notes = tf.data.TFRecordDataset([str(file) for file in files])
    notes = notes.map(parse, num_parallel_calls=parallel or tf.data.AUTOTUNE, deterministic=True)
    return notes if selection == EVERYTHING else notes.filter(selection.takes)


def read(paths, selection=EVERYTHING):
    """Notes one by one.

    Parameters
    ----------
    paths : str, Path or sequence of them
        As for `find`.
    selection : Selection

    Yields
    ------
    Note

    Raises
    ------
    DatasetError
        When there are no files, or at the first record that is damaged, is no note or has another sample rate than
        16000 Hz; it names the file and the number of the record.
    """
    for file in find(paths):
        with damage_named([file]):
            for number, note in enumerate(dataset([file], parallel=2).as_numpy_iterator(), 1):
                _check_rate(file, number, note["sample_rate"])
                if not note["audio"].size:
                    raise DatasetError(f"record {number} of {file} holds no audio")
                note = _as_note(note)
                if note in selection:
                    yield note


def _as_note(note):
    known = {name: int(note[name]) for name in ("velocity", "sample_rate") if note[name] != UNKNOWN}
    if note["note_str"]:
        known["note_str"] = note["note_str"].decode(errors="replace")
    return Note(int(note["pitch"]), note["audio"], qualities=tuple(map(int, note["qualities"])),
                instrument_source=int(note["instrument_source"]), instrument_family=int(note["instrument_family"]),
                **known)


def _check_rate(file, number, sample_rate):
    if sample_rate not in (UNKNOWN, SAMPLE_RATE):
        raise DatasetError(f"record {number} of {file} has a sample rate of {sample_rate} Hz, not {SAMPLE_RATE}; make "
                           "the data set from its sounds with pdbridge dataset make, which converts them")


def survey(paths, selection=EVERYTHING, least_pitches=1):
    """Read every record once: which pitches there are, and whether the files are whole.

    Audio is checked by the files' checksums, not unpacked.

    Parameters
    ----------
    paths : str, Path or sequence of them
        As for `find`.
    selection : Selection
    least_pitches : int
        Different pitches that there must be; a model that is told pitches learns nothing from one.

    Returns
    -------
    Survey

    Raises
    ------
    DatasetError
        As `read` does; also when the selection leaves no notes, or fewer pitches.
    """
    files, counts, total = find(paths), Counter(), 0
    for file in files:
        records = tf.data.TFRecordDataset(str(file)).batch(AT_ONCE)
        first = 1
        with damage_named([file]):
            for notes in records.map(_parse, num_parallel_calls=2).prefetch(2):
                for number, rate in enumerate(notes["sample_rate"].numpy(), first):
                    _check_rate(file, number, rate)
                pitches = notes["pitch"].numpy()
                counts.update(pitches[selection.takes(notes).numpy()].tolist())
                first += len(pitches)
        total += first - 1
    pitches = dict(sorted(counts.items()))
    where = _named(paths)
    if not total:
        raise DatasetError(f"{where} holds no notes")
    if not pitches:
        raise DatasetError(f"{where} holds no notes with {selection}, but {total} others")
    if len(pitches) < least_pitches:
        only = ", ".join(map(str, pitches))
        raise DatasetError(f"{where} holds only {'the pitch' if len(pitches) == 1 else 'the pitches'} {only}; "
                           f"a model that plays pitches needs notes of {least_pitches} or more of them")
    return Survey(files, pitches, total - sum(counts.values()))


def _named(paths):
    return str(paths) if isinstance(paths, str | os.PathLike) else ", ".join(map(str, paths))


@contextlib.contextmanager
def damage_named(files):
    """A block that reads records with TensorFlow; damage becomes a `DatasetError` that says where.

    Parameters
    ----------
    files : sequence of Path
        The files that are read in it. After an error they are read again, to find the record.
    """
    try:
        yield
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError, tf.errors.NotFoundError,
            tf.errors.PermissionDeniedError, tf.errors.FailedPreconditionError) as error:
        for file in files:
            _find_damage(file)
        raise error


def _find_damage(file):
    number = 0
    try:
        for number, record in enumerate(tf.data.TFRecordDataset(str(file)), 1):  # noqa: B007
            try:
                parse(record)
            except tf.errors.InvalidArgumentError as error:
                raise DatasetError(f"record {number} of {file} is not a note: {_reason(error)}") from None
    except tf.errors.DataLossError:
        if not number:
            raise DatasetError(f"{file} is no TFRecord, or is damaged in its first record") from None
        raise DatasetError(f"record {number + 1} of {file} is damaged or cut short; "
                           f"the {number} before it can be read") from None
    except tf.errors.OpError as error:
        raise DatasetError(f"{file} cannot be read: {_reason(error)}") from None


def _reason(error):
    reason = " ".join(error.message.split())
    for marker in ("Key: ", "Could not parse"):  # behind the names of operations
        if marker in reason:
            reason = reason[reason.index(marker):]
    return reason.split(" [Op:")[0][:200]


# Length


def crop_or_pad(samples, length=NOTE_LENGTH):
    """A sound at one length, as GANSynth's reader does it: cut at its end, or silence on both sides.

    Parameters
    ----------
    samples : array [samples], or float32 tensor [samples]
    length : int

    Returns
    -------
    array, or tensor, [length]
        Of an odd number of missing samples the one more goes in front.
    """
    if tf.is_tensor(samples):
        samples = samples[:length]
        missing = length - tf.shape(samples)[0]
        padded = tf.pad(samples, [[missing - missing // 2, missing // 2]])
        return tf.ensure_shape(padded, [length])
    samples = np.asarray(samples)[:length]
    missing = length - len(samples)
    return np.pad(samples, (missing - missing // 2, missing // 2))


# Writing


def serialized(note):
    """A note as the bytes of a record.

    Parameters
    ----------
    note : Note
        Velocity, name and sample rate are features of the record only if they are known; without them it has those
        of the course's make_dataset.py.

    Returns
    -------
    bytes

    Raises
    ------
    DatasetError
        When its audio is empty or not finite, or its pitch no MIDI pitch.
    """
    audio = np.asarray(note.audio, np.float32)
    if audio.ndim != 1 or not audio.size or not np.isfinite(audio).all():
        raise DatasetError(f"a note of pitch {note.pitch} has no audio, or some that is not finite")
    if not 0 <= note.pitch <= 127:
        raise DatasetError(f"{note.pitch} is no MIDI pitch (0 to 127)")
    if len(note.qualities) != len(QUALITIES):
        raise DatasetError(f"a note has {len(QUALITIES)} qualities, not {len(note.qualities)}")
    features = {
        "pitch": _integers([note.pitch]),
        "audio": tf.train.Feature(float_list=tf.train.FloatList(value=audio.tolist())),
        "qualities": _integers(note.qualities),
        "instrument_source": _integers([note.instrument_source]),
        "instrument_family": _integers([note.instrument_family]),
    }
    if note.velocity is not None:
        features["velocity"] = _integers([note.velocity])
    if note.sample_rate is not None:
        features["sample_rate"] = _integers([note.sample_rate])
    if note.note_str is not None:
        features["note_str"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[note.note_str.encode()]))
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)  # the same notes make the same file


def _integers(values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(value) for value in values]))


def write(path, notes: Iterable[Note]):
    """Write a data set, whole or not at all.

    Parameters
    ----------
    path : str or Path
        Replaced when it exists.
    notes : iterable of Note

    Returns
    -------
    int
        How many there were.

    Raises
    ------
    DatasetError
        When there are none, or one cannot be written.
    PdbridgeError
        When the folder is missing or the disk is full.
    """
    count = 0
    with written_whole(path) as temporary:
        try:
            with tf.io.TFRecordWriter(str(temporary)) as writer:
                for note in notes:
                    writer.write(serialized(note))
                    count += 1
        except tf.errors.OpError as error:
            raise DatasetError(f"{path} cannot be written: {_reason(error)}") from None
        if not count:
            raise DatasetError(f"{path}: there are no notes to write")
    return count
