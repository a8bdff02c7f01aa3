"""Folders of sounds and of embeddings: what the commands of ``pdbridge nsynth`` read and write.

After Magenta's programs nsynth_generate, nsynth_save_embeddings and the baseline's save_embeddings,
with the same file names. A file that cannot be used is named and passed over; the others go on. Each
result is written when it is done, whole or not at all.
"""

import contextlib
import itertools
import os
import struct
import unicodedata
from pathlib import Path

import numpy as np

from pdbridge import audio
from pdbridge.errors import AudioError, EmbeddingError, PdbridgeError
from pdbridge.files import make_folder, written_whole
from pdbridge.nsynth import mulaw
from pdbridge.places import find_checkpoint
from pdbridge.progress import counted, progress, say
from pdbridge.rendering.batches import REACH, Draw, chunks, fitting_batch
from pdbridge.rendering.batches import resume as taken_up
from pdbridge.silence import tensorflow_silenced

SOUNDS = (".wav", ".flac", ".aif", ".aiff", ".ogg")
EMBEDDINGS = (".npy",)

GENERATED = "gen_{}.wav"
EMBEDDED = "{}_embeddings.npy"
BASELINE = "{}_z.npy"
BASELINE_NAMES = "{}_z.txt"
LONGEST_NAME = 220  # bytes; file systems take 255, also for the temporary name
BASELINE_BATCH = 8  # notes, as in the original; matters for batch statistics


class Tally:
    """What a command has made, and what it had to pass over.

    Attributes
    ----------
    made, kept, passed_over : int
        Files (for the baseline: rows) that were made, were there from an earlier run, or failed.
    """

    def __init__(self):
        self.made = self.kept = self.passed_over = 0

    @contextlib.contextmanager
    def passing_over(self):
        """A block whose own errors are named on stderr and counted, and end only the block."""
        try:
            yield
        except (AudioError, EmbeddingError) as error:
            self.passed_over += 1
            say(f"pdbridge: passed over: {' '.join(str(error).split())}")


# Files


def find(source, endings):
    """The files of a kind.

    Parameters
    ----------
    source : str or Path
        A folder, whose own files count, not those in folders inside it; or a single file.
    endings : tuple of str
        In small letters; those of files may have capitals.

    Returns
    -------
    list of Path
        In the order of their names; without hidden files.

    Raises
    ------
    AudioError
        When there is no such folder or file.
    """
    source = Path(source).expanduser()
    if source.is_dir():
        files = sorted(path for path in source.iterdir() if not path.name.startswith("."))
    elif source.is_file():
        files = [source]
    else:
        raise AudioError(f"{source}: there is no such folder or file")
    # A link to nothing will be named when it is read.
    return [path for path in files
            if path.suffix.lower() in endings and (path.is_file() or not path.exists())]


def find_sounds(source):
    """The sounds of a folder, or a single one; see `find`.

    Raises
    ------
    AudioError
        When there are none.
    """
    files = find(source, SOUNDS)
    if not files:
        raise AudioError(f"{source} {_holds_none(source)} sound ({', '.join(SOUNDS)})")
    return files


def find_sounds_or_embeddings(source, embeddings_only=False):
    """The sounds of a folder, or if it has none its embeddings; see `find`.

    Returns
    -------
    files : list of Path
    left : list of Path
        Embeddings that lie beside sounds.

    Raises
    ------
    AudioError, EmbeddingError
        When there are neither.
    """
    embeddings = find(source, EMBEDDINGS)
    sounds = [] if embeddings_only else find(source, SOUNDS)
    if embeddings_only and not embeddings:
        raise EmbeddingError(f"{source} {_holds_none(source)} embedding (.npy)")
    if not sounds and not embeddings:
        raise AudioError(f"{source} {_holds_none(source)} sound ({', '.join(SOUNDS)}) and no embedding (.npy)")
    return (sounds, embeddings) if sounds else (embeddings, [])


def _holds_none(source):
    return "holds no" if Path(source).expanduser().is_dir() else "is no"


def targets(files, folder, name):
    """Where the result of each file is written.

    Parameters
    ----------
    files : list of Path
    folder : str or Path
    name : str
        With ``{}`` for the name of the file without its ending.

    Returns
    -------
    dict of Path to Path

    Raises
    ------
    AudioError
        When two files would become one, or a name would be too long for a disk. Capitals do not
        tell files apart on every disk, so they do not here.
    """
    found, sources = {}, {}
    for file in files:
        target = Path(folder).expanduser() / name.format(file.stem)
        other = sources.setdefault(unicodedata.normalize("NFC", target.name).casefold(), file)
        if other is not file:
            raise AudioError(f"{other.name} and {file.name} would both become {target.name}; rename one")
        if len(os.fsencode(target.name)) > LONGEST_NAME:
            raise AudioError(f"{file.name} would become {target.name}, too long a name for a file; rename it")
        found[file] = target
    return found


def still_to_make(targets, resume, overwrite, tally):
    """The files whose results are to be made; what is there is not lost unless the user says so.

    Parameters
    ----------
    targets : dict of Path to Path
        From `targets`.
    resume, overwrite : bool
        Keep results that are there, or make them again.
    tally : Tally

    Returns
    -------
    list of Path

    Raises
    ------
    PdbridgeError
        When results are there, and neither was said.
    """
    there = [file for file, target in targets.items() if target.exists()]
    if overwrite or not there:
        return list(targets)
    if not resume:
        more = f", and {len(there) - 1} more" if len(there) > 1 else ""
        raise PdbridgeError(f"{targets[there[0]]} exists already{more}; --resume keeps what is there and "
                            "makes the rest, --overwrite makes everything again")
    tally.kept = len(there)
    return [file for file in targets if file not in set(there)]


# What is in them


def read_sound(path, sample_rate, hop, longest=None):
    """A sound as a WaveNet autoencoder takes it.

    Parameters
    ----------
    path : Path
        Of any rate and number of channels.
    sample_rate : int
        Of the model, in Hz.
    hop : int
        Samples of a frame.
    longest : int, optional
        Samples that are used at most.

    Returns
    -------
    float32 [samples]
        A multiple of `hop`; the rest at the end is left out, as by the original.

    Raises
    ------
    AudioError
        When it cannot be read, is not finite or is shorter than a frame.
    PdbridgeError
        When no sound could be long enough, because `longest` is less than a frame.
    """
    if longest is not None and longest < hop:
        raise PdbridgeError(f"the first {longest} samples of a sound are too few; a frame takes {hop}")
    samples = audio.read_sound(path, sample_rate)
    if not np.isfinite(samples).all():
        raise AudioError(f"{path} holds samples that are not finite numbers")
    samples = samples[:longest]
    if len(samples) < hop:
        raise AudioError(f"{path} has {len(samples)} samples at {sample_rate} Hz; it takes {hop} or more")
    return samples[: len(samples) // hop * hop]


def read_embedding(path, channels, longest=None):
    """An embedding from a file.

    Parameters
    ----------
    path : Path
        A ``.npy`` of numbers [frames, channels], or [1, frames, channels] as some versions of Open
        NSynth Super wrote it.
    channels : int
        Of the model.
    longest : int, optional
        Frames that are used at most.

    Returns
    -------
    float32 [frames, channels]

    Raises
    ------
    EmbeddingError
        When it cannot be read, has another shape or is not finite.
    """
    try:
        with np.errstate(over="ignore"):
            array = np.lib.format.open_memmap(path, mode="r")  # looks at the shape before it reads
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise EmbeddingError(f"{path} cannot be read as an array: {error}") from None
    if array.dtype.kind not in "fiu":
        raise EmbeddingError(f"{path} should hold numbers, not {array.dtype}")
    shape = list(array.shape)
    if array.ndim == 3 and len(array) == 1:
        array = array[0]
    if array.ndim != 2 or array.shape[1] != channels or not len(array):
        raise EmbeddingError(f"{path} has the shape {shape}; an embedding here is [frames, {channels}]")
    with np.errstate(over="ignore"):
        embedding = np.array(array[:longest], np.float32)
    if not np.isfinite(embedding).all():
        raise EmbeddingError(f"{path} holds values that are not finite numbers")
    return embedding


# Embeddings


def save_embeddings(source, model, output, longest=None, resume=False, overwrite=False, tally=None):
    """Encode sounds: ``<name>_embeddings.npy`` for each, float32 [frames, channels].

    Parameters
    ----------
    source : str or Path
        A folder of sounds, or a single one.
    model : str, Path or NSynth
        A checkpoint, or one that is loaded.
    output : str or Path
        A folder; made if need be.
    longest : int, optional
        Samples (at 16 kHz) that are used of each sound; all, if left out.
    resume, overwrite : bool
        What to do about results that are there, see `still_to_make`.
    tally : Tally, optional
        Filled in as it goes on.

    Returns
    -------
    Tally

    Raises
    ------
    PdbridgeError
        When there is nothing to do, or nothing can be done.
    """
    tally = tally or Tally()
    to_make = targets(find_sounds(source), output, EMBEDDED)
    files = still_to_make(to_make, resume, overwrite, tally)
    make_folder(output)
    if files:
        model = _loaded(model)
    with progress(len(files), "sound", "encoding") as bar:
        for file in files:
            with tally.passing_over():
                embedding = _encoded(file, model, longest)
                with written_whole(to_make[file]) as temporary:
                    np.save(temporary, embedding, allow_pickle=False)
                tally.made += 1
            bar.update()
    return tally


def _encoded(file, model, longest):
    return model.encode(read_sound(file, model.sample_rate, model.hop, longest))[0]


# Notes


def generate(source, model, output, longest=None, longest_frames=None, embeddings_only=False,
             batch_size="auto", precision="float32", engine="auto", seed=None, temperature=1.0,
             resume=False, overwrite=False, tally=None):
    """Decode embeddings, or sounds after encoding them: ``gen_<name>.wav`` for each.

    Parameters
    ----------
    source : str or Path
        A folder of sounds or of embeddings, or a single file.
    model : str, Path or NSynth
        A checkpoint, or one that is loaded.
    output : str or Path
        A folder; made if need be. Not the one the sounds are in, or the next run would take
        the notes for sounds.
    longest : int, optional
        Samples (at 16 kHz) that are used of each sound; all, if left out.
    longest_frames : int, optional
        Frames that are used of each embedding; all, if left out.
    embeddings_only : bool
        Take the embeddings of a folder that holds sounds as well.
    batch_size : int or "auto"
        Notes that are made together.
    precision, engine : str
        As for `NSynth.decode`.
    seed : int, optional
        With the same seed, the same embedding under the same name becomes the same note, whatever
        else is in the folder. If left out, one is drawn, and said.
    temperature : float
        As for `NSynth.decode`.
    resume, overwrite : bool
        What to do about results that are there, see `still_to_make`.
    tally : Tally, optional
        Filled in as it goes on.

    Returns
    -------
    Tally

    Raises
    ------
    PdbridgeError
        When there is nothing to do, or nothing can be done.
    """
    tally = tally or Tally()
    files, left = find_sounds_or_embeddings(source, embeddings_only)
    if left:
        say(f"pdbridge: the sounds of {source} are taken, not its {len(left)} .npy (--npy-only takes those)")
    if Path(output).expanduser().resolve() == files[0].parent.resolve():
        raise AudioError(f"{output} is where the sounds come from; the notes need a folder of their own")
    to_make = targets(files, output, GENERATED)
    files = still_to_make(to_make, resume, overwrite, tally)
    make_folder(output)
    if not files:
        return tally
    model = _loaded(model)
    with tensorflow_silenced():
        decoder = model.decoder(precision=precision, engine=engine)
    embeddings = _embeddings(files, model, longest, longest_frames, tally)
    if not embeddings:
        return tally
    if seed is None:
        seed = int(np.random.SeedSequence().entropy % 2**32)
    at_once = notes_at_once(len(embeddings), decoder, batch_size)
    say(f"pdbridge: {counted(len(embeddings), 'note')}, {at_once} at a time, {decoder.precision}, "
        f"{decoder.engine} ({decoder.description}), seed {seed}")
    by_name = {file.stem: to_make[file] for file in files}
    draw = Draw(seed, temperature)
    with progress(sum(map(len, embeddings.values())) * model.hop, "sample", "generating") as bar:
        for name, codes in decoded(decoder, embeddings, model.hop, at_once, draw, bar.update):
            audio.write_wav(by_name[name], mulaw.samples(codes), model.sample_rate)
            tally.made += 1
    return tally


def _embeddings(files, model, longest, longest_frames, tally):
    """Embeddings by the name of their note, read or encoded, without those that are passed over."""
    embeddings = {}
    sounds = files[0].suffix.lower() not in EMBEDDINGS
    with progress(len(files), "sound" if sounds else "file", "encoding" if sounds else "reading") as bar:
        for file in files:
            with tally.passing_over():
                if sounds:
                    embeddings[file.stem] = _encoded(file, model, longest)
                else:
                    embeddings[file.stem] = read_embedding(file, model.channels, longest_frames)
            bar.update()
    return embeddings


def notes_at_once(count, decoder, wanted="auto"):
    """How many notes to make together.

    Parameters
    ----------
    count : int
        Notes there are, 1 or more.
    decoder : pdbridge.nsynth.decoding.Decoder
    wanted : int or "auto"
        "auto" is as many as are fastest and fit into half of the free memory, and then dealt into
        batches of one size.

    Returns
    -------
    int
        From 1 to `count`.
    """
    most = min(fitting_batch(decoder) if wanted == "auto" else wanted, count)
    batches = -(-count // most)
    return -(-count // batches)


def decoded(decoder, embeddings, hop, at_once, draw, done):
    """Decode notes of different lengths, the short ones first.

    Parameters
    ----------
    decoder : pdbridge.nsynth.decoding.Decoder
    embeddings : dict of str to float32 [frames, channels]
        By the names of the notes.
    hop : int
        Samples of a frame.
    at_once : int
        Notes that are made together.
    draw : pdbridge.rendering.batches.Draw
    done : callable
        Gets the number of samples made since the last call.

    Yields
    ------
    (str, uint8 [samples])
        The name and the codes of each note when it is done.
    """
    names = sorted(embeddings, key=lambda name: len(embeddings[name]))
    for first in range(0, len(names), at_once):
        batch = {name: embeddings[name] for name in names[first : first + at_once]}
        yield from _decoded_together(decoder, batch, hop, draw, done)


def _decoded_together(decoder, embeddings, hop, draw, done):
    names = list(embeddings)
    lengths = [len(embedding) * hop for embedding in embeddings.values()]  # ascending
    longest = lengths[-1]
    padded = np.stack([np.pad(embedding, ((0, longest // hop - len(embedding)), (0, 0)))
                       for embedding in embeddings.values()])
    codes = np.empty((len(names), longest), np.uint8)
    decoding = decoder.start(padded)
    ready = dropped = 0  # notes that are done; those of them that the decoder has let go
    for end in sorted(set(lengths)):
        for made in chunks(decoding, names[dropped:], end, draw):
            position = decoding.position
            codes[dropped:, position - made.shape[1] : position] = made
            done(made.shape[1] * (len(names) - ready))
        while ready < len(names) and lengths[ready] == end:
            yield names[ready], codes[ready, :end]
            ready += 1
        # To go on with fewer notes costs as much as decoding the reach of the network again.
        if 2 * (len(names) - ready) <= len(names) - dropped and longest - end > 2 * REACH:
            dropped = ready
            decoding = taken_up(decoder, padded[dropped:], codes[dropped:, max(end - REACH, 0) : end], end)


# The baseline


def baseline_embeddings(source, model, output, batch_statistics=False, batch_size=BASELINE_BATCH,
                        padding="constant", overwrite=False, tally=None):
    """Encode notes with the spectral baseline: one file with a row for each, and their names.

    ``<name>_z.npy`` is float32 [notes, latent]; ``<name>_z.txt`` has a line for each row: the name
    of the sound file, or the ``note_str`` of the record. The name is that of the folder or file.

    Parameters
    ----------
    source : str or Path
        A folder of sounds, a single one, or a TFRecord of the NSynth dataset.
    model : str, Path or NSynthBaseline
        A checkpoint, or one that is loaded.
    output : str or Path
        A folder; made if need be.
    batch_statistics : bool
        As the original does, see `pdbridge.nsynth.baseline`.
    batch_size : int
        Notes that go through the network together, and share their statistics. The last batch
        is filled up with notes of the one before.
    padding : str
        As for `NSynthBaseline.load`.
    overwrite : bool
        Replace results that are there.
    tally : Tally, optional
        Filled in as it goes on.

    Returns
    -------
    Tally

    Raises
    ------
    PdbridgeError
        When there is nothing to do, or nothing can be done.
    """
    tally = tally or Tally()
    source = Path(source).expanduser()
    record = source.is_file() and source.suffix.lower() not in SOUNDS
    files = [] if record else find_sounds(source)
    name = source.resolve().name if source.is_dir() else source.stem
    folder = Path(output).expanduser()
    target, names_target = folder / BASELINE.format(name), folder / BASELINE_NAMES.format(name)
    for path in (target, names_target):
        if path.exists() and not overwrite:
            raise PdbridgeError(f"{path} exists already; --overwrite makes it again")
    count = records_in(source, tally) if record else len(files)
    make_folder(output)
    model = _loaded_baseline(model, padding)
    names, cut = [], _Cut(model.note_length)
    with written_whole(target) as temporary, progress(count, "note", "encoding") as bar:
        if record:
            notes = _record_notes(source, count, cut, tally, bar.update)
        else:
            notes = _sound_notes(files, model.sample_rate, cut, tally, bar.update)
        with open(temporary, "wb") as file:
            _write_header(file, 0, model.latent_size)
            for batch_names, z in _baseline_batches(notes, model, batch_statistics, batch_size):
                file.write(np.ascontiguousarray(z, "<f4").tobytes())
                names += batch_names
            if not names:
                raise AudioError(f"{source}: none of its notes could be encoded")
            file.seek(0)
            _write_header(file, len(names), model.latent_size)
        with written_whole(names_target) as temporary_names:
            temporary_names.write_text("".join(f"{name}\n" for name in names), encoding="utf-8",
                                       errors="surrogateescape")
    tally.made = len(names)
    if cut.count:
        say(f"pdbridge: of {counted(cut.count, 'note')} only the first "
            f"{model.note_length / model.sample_rate:g} s were used, which is what the baseline knows")
    return tally


def records_in(path, tally):
    """How many whole records a TFRecord holds; the piece of one at its end is passed over.

    Raises
    ------
    AudioError
        When there is none.
    """
    count, size = 0, path.stat().st_size
    with open(path, "rb") as file:
        while file.tell() < size:
            head = file.read(12)  # length of the record, and a checksum
            end = file.tell() + struct.unpack("<Q", head[:8])[0] + 4 if len(head) == 12 else size + 1
            if end > size:
                break
            file.seek(end)
            count += 1
    if not count:
        raise AudioError(f"{path} is neither a sound ({', '.join(SOUNDS)}) nor a TFRecord")
    if end > size:
        with tally.passing_over():
            raise AudioError(f"{path} is cut short within record {count + 1}")
    return count


class _Cut:
    """Brings notes to the length that the baseline knows, and counts those that were longer."""

    def __init__(self, length):
        self.length, self.count = length, 0

    def __call__(self, samples):
        self.count += len(samples) > self.length
        samples = samples[: self.length]
        return np.pad(samples, (0, self.length - len(samples)))


def _sound_notes(files, sample_rate, cut, tally, done):
    """(name, samples) of each file that can be read."""
    for file in files:
        with tally.passing_over():
            samples = read_sound(file, sample_rate, 1)
            yield _in_one_line(file.name), cut(samples)
        done()


def _record_notes(path, count, cut, tally, done):
    """(note_str, samples) of each record that can be read."""
    import tensorflow as tf

    features = {
        "note_str": tf.io.FixedLenFeature([], tf.string, ""),
        "audio": tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True),
    }
    records = iter(tf.data.TFRecordDataset(str(path)).take(count))
    for number in range(1, count + 1):
        try:
            record = next(records)
        except tf.errors.OpError:
            with tally.passing_over():
                raise AudioError(f"record {number} of {path} is damaged, and hides those after it") from None
            return
        with tally.passing_over():
            try:
                note = tf.io.parse_single_example(record, features)
            except tf.errors.OpError:
                raise AudioError(f"record {number} of {path} is none of the NSynth dataset") from None
            samples, name = note["audio"].numpy(), note["note_str"].numpy().decode(errors="replace")
            if not samples.size or not np.isfinite(samples).all():
                raise AudioError(f"record {number} of {path} ({name}) holds no audio, or none that is finite")
            yield _in_one_line(name) or f"record_{number:06d}", cut(samples)
        done()


def _in_one_line(name):
    return " ".join(name.split())


def _baseline_batches(notes, model, batch_statistics, batch_size):
    """(names, z) of notes, batch by batch."""
    before, batch = [], []
    for note in itertools.chain(notes, [None]):
        if note is not None:
            batch.append(note)
        if len(batch) < batch_size and (note is not None or not batch):
            continue
        company = before[len(batch):] if batch_statistics else []  # fills the last batch up
        sounds = np.stack([samples for _, samples in company + batch])
        yield [name for name, _ in batch], model.encode(sounds, batch_statistics)[len(company):]
        before, batch = batch, []


def _write_header(file, rows, columns):
    """The head of a .npy of float32; numpy leaves room, so that `rows` may become more."""
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f4", "fortran_order": False, "shape": (rows, columns)})


# Models


def _loaded(model):
    if not isinstance(model, str | Path):
        return model
    with tensorflow_silenced():
        from pdbridge.nsynth.model import NSynth

        return NSynth.load(find_checkpoint(model))


def _loaded_baseline(model, padding):
    if not isinstance(model, str | Path):
        return model
    with tensorflow_silenced():
        from pdbridge.nsynth.baseline import NSynthBaseline

        return NSynthBaseline.load(find_checkpoint(model), padding)
