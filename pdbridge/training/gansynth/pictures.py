"""The data of the training: notes as pictures, painted once and kept on the disk.

Painting a picture (mel-scaled log power and instantaneous frequency, see `pdbridge.gansynth.spectral`) takes longer
than a step of the small networks of the first stages, and every note is seen hundreds of times. So they are painted
once, into one file that is read through the page cache. It holds half-precision floats: their error, at most 0.004 in
log power (0.02 dB) and 0.0005 of frequency (in -1..1), is far below what the networks can tell, and they take half the
disk and half the time.

The order depends on the seed and on the number of the picture only: any picture of the endless sequence can be
computed directly, so a training that goes on sees what it would have seen.
"""

import hashlib
import json
import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from pdbridge.errors import DatasetError, TrainingError
from pdbridge.files import written_whole
from pdbridge.gansynth import spectral
from pdbridge.progress import progress, say
from pdbridge.training.datasets import records

FORMAT = 1  # of the cache; goes into its name
DTYPE = np.float16
AT_A_TIME = 32  # notes painted together


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of a data set.

    Attributes
    ----------
    file : Path
        Float16 [notes, rows, bins, 2], without a header; not normalised.
    layout : pdbridge.gansynth.spectral.Layout
    notes : int array [notes]
        MIDI pitch of each.
    """

    file: Path
    layout: spectral.Layout
    notes: np.ndarray

    @property
    def counts(self):
        """How many notes there are of each pitch, in the order of the pitches."""
        return dict(sorted(Counter(self.notes.tolist()).items()))

    @property
    def pitches(self):
        """The pitches in the order of the one-hot vector."""
        return tuple(self.counts)

    def batches(self, first, size, scale=1, seed=0):
        """An endless sequence of batches.

        Parameters
        ----------
        first : int
            Number of the first picture.
        size : int
            Pictures in a batch.
        scale : int
            By how much they are made coarser.
        seed : int
            Of the order. Every picture comes once before any comes again.

        Returns
        -------
        tf.data.Dataset
            Of float32 [size, rows / scale, bins / scale, 2] and int64 [size]: pictures, and places of their pitches.
        """
        rows, bins = self.layout.rows, self.layout.bins
        stored = np.memmap(self.file, DTYPE, "r", shape=(len(self.notes), rows, bins, 2))
        labels = np.searchsorted(np.array(self.pitches), self.notes)
        order = Order(len(self.notes), seed)

        def read(number):
            chosen = order.at(range(int(number), int(number) + size))
            return stored[chosen], labels[chosen]

        def batch(number):
            pictures, labels = tf.numpy_function(read, [number], [tf.float16, tf.int64], stateful=False)
            pictures = tf.cast(tf.ensure_shape(pictures, [size, rows, bins, 2]), tf.float32)
            if scale > 1:
                pictures = tf.nn.avg_pool2d(pictures, scale, scale, "VALID")
            return pictures, tf.ensure_shape(labels, [size])

        numbers = tf.data.Dataset.range(first, np.iinfo(np.int64).max - size, size)
        return numbers.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


class Order:
    """An endless shuffled order in which everything comes once before anything comes again.

    Parameters
    ----------
    count, seed : int
    """

    def __init__(self, count, seed):
        self._count, self._seed = count, seed
        self._rounds = {}

    def at(self, numbers):
        """What comes at these places of the sequence: int array."""
        return np.array([self._round(number // self._count)[number % self._count] for number in numbers])

    def _round(self, number):
        rounds = self._rounds  # another thread may be a round ahead
        if number not in rounds:
            shuffled = np.random.default_rng([self._seed, number]).permutation(self._count)
            self._rounds = {key: rounds[key] for key in sorted(rounds)[-2:]} | {number: shuffled}
            return shuffled
        return rounds[number]


def prepare(paths, folder, layout, selection=records.EVERYTHING, most_gb=64.0):
    """Paint the pictures of a data set, or find those that were painted before.

    Parameters
    ----------
    paths : str, Path or sequence of them
        TFRecords, as `records.find` takes them.
    folder : str or Path
        Of the cache; made if need be. Painting that was interrupted goes on.
    layout : pdbridge.gansynth.spectral.Layout
    selection : records.Selection
        Which notes.
    most_gb : float
        What the cache may take, in GB.

    Returns
    -------
    Pictures

    Raises
    ------
    DatasetError
        The records are empty, damaged, or of one pitch.
    TrainingError
        There is not enough room for the cache.
    """
    files, folder = records.find(paths), Path(folder)
    file = folder / f"pictures-{_fingerprint(files, layout, selection)}.f16"
    listing = file.with_suffix(".json")
    size = layout.rows * layout.bins * 2 * np.dtype(DTYPE).itemsize
    try:
        notes = np.array(json.loads(listing.read_text())["pitches"], np.int64)
        if file.stat().st_size == len(notes) * size:
            return Pictures(file, layout, notes)
    except (OSError, ValueError, KeyError, TypeError):  # not finished, or damaged: painted anew
        pass
    say("reading the data set...")
    survey = records.survey(paths, selection, least_pitches=2)
    if survey.left_out:
        say(f"{survey.left_out} of {survey.left_out + survey.notes} notes are left out; used are {selection}")
    _check_room(folder, survey.notes * size, most_gb)
    pitches = _paint(files, file, layout, selection, survey.notes, size)
    with written_whole(listing) as path:
        path.write_text(json.dumps({"data": [str(name) for name in files], "pitches": pitches}))
    return Pictures(file, layout, np.array(pitches, np.int64))


def _fingerprint(files, layout, selection):
    about = [FORMAT, [(str(file.absolute()), file.stat().st_size, file.stat().st_mtime_ns) for file in files],
             repr(layout), str(selection)]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]


def _check_room(folder, size, most_gb):
    needed = f"the pictures of this data set take {size / 1e9:.2f} GB"
    if size > most_gb * 1e9:
        raise TrainingError(f"{needed}, more than the {most_gb:g} GB that the cache may have (--cache-gb)")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = sum(path.stat().st_size for path in folder.glob("pictures-*.part"))
        free = shutil.disk_usage(folder).free + there
    except OSError as error:
        raise TrainingError(f"{folder} cannot be written into: {error.strerror or error}") from None
    if size > free:
        raise TrainingError(f"{needed}, but {folder} has {free / 1e9:.2f} GB left; --cache names another folder")


def _paint(files, file, layout, selection, count, size):
    """Write the pictures; returns the pitches of the notes."""
    unfinished = file.with_suffix(".part")
    done = unfinished.stat().st_size // size if unfinished.exists() else 0
    pitches = []
    threads = os.cpu_count() or 1
    try:
        with ThreadPoolExecutor(threads) as pool, open(unfinished, "ab") as out, records.damage_named(files), \
                progress(count, "picture", "painting", done) as bar:
            out.truncate(done * size)
            for batch in records.dataset(files, selection, threads).ragged_batch(AT_A_TIME).prefetch(1):
                new = batch["pitch"].numpy().tolist()
                pitches += new
                skipped = max(0, done - (len(pitches) - len(new)))
                waves = [wave.numpy() for wave in batch["audio"][skipped:]]
                for number, painted in enumerate(pool.map(lambda wave: picture(wave, layout), waves), bar.n + 1):
                    if not np.isfinite(painted).all():
                        raise DatasetError(f"note {number} of the data set holds samples that are not finite numbers")
                    painted.tofile(out)
                    bar.update(1)
            out.flush()
            os.fsync(out.fileno())
        os.replace(unfinished, file)
    except OSError as error:
        raise TrainingError(f"{file} cannot be written: {error.strerror or error}; what was painted is kept") from None
    return pitches


def picture(wave, layout):
    """The picture of a note as it is kept.

    Parameters
    ----------
    wave : float array [samples]
        Of any length: cut at its end, or silence on both sides.
    layout : pdbridge.gansynth.spectral.Layout

    Returns
    -------
    float16 [rows, bins, 2]
    """
    return spectral.analyse(records.crop_or_pad(wave, layout.samples), layout).astype(DTYPE)
