"""Recordings made into notes of one length: ``<name>_<pitch>.wav``, one channel, 16 bits, 16 kHz.

After the course's chop.py, which cuts long recordings into pieces, and pad.py, which brings short ones to one length
and level. The results are theirs, sample by sample; what goes in may be of any rate and format. All results appear
together at the end, or none, and nothing that is there is replaced.
"""

import contextlib
import functools
import io
import os
import re
import shutil
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pdbridge import audio, pitchtracker
from pdbridge.errors import AudioError, DatasetError
from pdbridge.training.datasets.processes import ENOUGH, in_order

ENDINGS = (".wav", ".aif", ".aiff", ".flac", ".ogg", ".mp3")
BLOCK = 1 << 20  # frames that are read at a time
HEARING = 8  # files that are worth one more process if pitches are heard, for which each has to load librosa
#: Where a pitch may come from, other than being said.
DETECT, NAME = "detect", "name"


@dataclass(frozen=True)
class Piece:
    """A note that was made.

    Attributes
    ----------
    name : str
        Of its file.
    pitch : int
        MIDI.
    confidence : float or None
        How sure the pitch is, if it was heard, see `pdbridge.pitchtracker.Heard`.
    silent : bool
    """

    name: str
    pitch: int
    confidence: float | None = None
    silent: bool = False

    @property
    def sure(self):
        """False for a pitch that was heard and should be listened to."""
        return self.confidence is None or self.confidence >= pitchtracker.SURE


@dataclass
class Made:
    """What came of a folder of recordings.

    Attributes
    ----------
    pieces : list of Piece
    without_pitch : list of str
        Names of sounds, or places in them, in which no pitch was heard; nothing was made of them.
    short : list of str
        Recordings that are shorter than a piece.
    truncated : list of str
        Recordings of which only the beginning was used.
    passed_over : list of str
        What was wrong with files that could not be used.
    """

    pieces: list = field(default_factory=list)
    without_pitch: list = field(default_factory=list)
    short: list = field(default_factory=list)
    truncated: list = field(default_factory=list)
    passed_over: list = field(default_factory=list)

    def add(self, other):
        """Take in what came of another file."""
        for name, value in vars(other).items():
            getattr(self, name).extend(value)


# Files


def find(folder, beneath=False, endings=ENDINGS):
    """The sounds of a folder.

    Parameters
    ----------
    folder : str or Path
    beneath : bool
        Those in folders inside it, too.
    endings : tuple of str
        In small letters; those of files may have capitals.

    Returns
    -------
    list of Path
        In the order of their names; without hidden files.

    Raises
    ------
    DatasetError
        When there is no such folder, or no sound in it.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise DatasetError(f"{folder}: there is no such folder")
    try:
        files = list(_walk(folder, beneath, endings, set()))
    except OSError as error:
        raise DatasetError(f"{error.filename or folder} cannot be read: {error.strerror}") from None
    if not files:
        raise DatasetError(f"{folder} holds no sound ({', '.join(endings)})")
    return files


def _walk(folder, beneath, endings, been):
    been = been | {folder.resolve()}  # links may lead in circles
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if beneath and path.resolve() not in been:
                yield from _walk(path, beneath, endings, been)
        elif path.suffix.lower() in endings:
            yield path


def pitch_of_name(stem):
    """``("flute", 60)`` for ``flute_60``; None for a name that does not end in a pitch."""
    match = re.fullmatch(r"(.+)_(\d+)", stem, re.ASCII | re.DOTALL)
    return match and (match[1], int(match[2]))


def read(path, sample_rate):
    """A sound file as one channel at a rate, piece by piece, so that an hour of it fits into memory.

    Parameters
    ----------
    path : str or Path
    sample_rate : int
        In Hz, of what is returned.

    Returns
    -------
    float32 [samples]

    Raises
    ------
    AudioError
        When it cannot be read, or holds samples that are not finite.
    """
    import soundfile

    try:
        with open(path, "rb") as raw, soundfile.SoundFile(raw) as file:
            resampler = audio.Resampler(file.samplerate, sample_rate)
            parts = [resampler.push(block.mean(axis=1, dtype=np.float32))
                     for block in file.blocks(BLOCK, dtype="float32", always_2d=True)]
            parts.append(resampler.push(np.zeros(0, np.float32), last=True))
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path} cannot be read as a sound: {error.error_string}") from None
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"{path} cannot be read as a sound: {getattr(error, 'strerror', None) or error}") from None
    samples = np.concatenate(parts)
    if not np.isfinite(samples).all():
        raise AudioError(f"{path} holds samples that are not finite numbers")
    return samples


# The two commands


def chop(in_dir, out_dir, sample_rate=16000, length=64000, step=64000, pitch=32, processes=None):
    """Cut recordings into pieces, ``<name>_<number>_<pitch>.wav``.

    Only whole pieces are made: what is left at the end of a recording is not used. Levels stay as they are.

    Parameters
    ----------
    in_dir : str or Path
        Folder of recordings; folders inside it do not count.
    out_dir : str or Path
        Made by this; it must not exist.
    sample_rate : int
        In Hz, of the pieces.
    length : int
        Samples of a piece.
    step : int
        Samples from the start of a piece to that of the next.
    pitch : int or "detect" or "name"
        MIDI, of all pieces; or heard in each of them; or the number at the end of a recording's name.
    processes : int, optional
        See `in_order`.

    Returns
    -------
    Made

    Raises
    ------
    DatasetError
        When there is nothing to do, or nothing came of it; then there is no `out_dir`.
    """
    if step < 1:
        raise DatasetError("pieces start one sample after each other or more")
    files = find(in_dir)
    _refuse_twins(files)
    work = functools.partial(_chopped, length=length, step=step)
    return _made(work, files, in_dir, out_dir, sample_rate, pitch, processes, new=True)


def pad(in_dir, out_dir, sample_rate=16000, length=64000, pitch=32, processes=None):
    """Bring recordings to one length and level, ``<folders>-<number>_<pitch>.wav``.

    The first `length` samples of each are used, made as loud as possible, and followed by silence where they are too
    few. Results are named after the folders inside `in_dir`: small letters and digits, the rest as hyphens.

    Parameters
    ----------
    in_dir : str or Path
        Folder of recordings, and of folders of recordings.
    out_dir : str or Path
        Made if need be; what is in it stays. Not inside `in_dir`.
    sample_rate : int
        In Hz, of the results.
    length : int
        Samples of a result.
    pitch, processes
        As for `chop`.

    Returns
    -------
    Made

    Raises
    ------
    DatasetError
        When there is nothing to do, nothing came of it, or a result exists already; then nothing was written.
    """
    source, target = Path(in_dir).expanduser().resolve(), Path(out_dir).expanduser().resolve()
    if target == source or source in target.parents:
        raise DatasetError(f"{out_dir} lies in {in_dir}, and would be taken for recordings the next time; choose a "
                           "folder elsewhere")
    counts, jobs = {}, []
    for file in find(in_dir, beneath=True):
        folders = file.relative_to(Path(in_dir).expanduser()).parent.parts
        name = re.sub(r"[^a-z0-9]+", "-", "-".join(folders).lower())
        counts[name] = counts.get(name, 0) + 1
        jobs.append((file, f"{name}-{counts[name]}"))
    work = functools.partial(_padded, length=length)
    return _made(work, jobs, in_dir, out_dir, sample_rate, pitch, processes, new=False)


def _refuse_twins(files):
    """Names that are one on some disks, or but for their endings, would make the same pieces."""
    sources = {}
    for file in files:
        other = sources.setdefault(unicodedata.normalize("NFC", file.stem).casefold(), file)
        if other is not file:
            raise DatasetError(f"{other.name} and {file.name} would become the same pieces; rename one")


def _made(work, jobs, in_dir, out_dir, sample_rate, pitch, processes, new):
    out_dir = Path(out_dir).expanduser()
    if new and os.path.lexists(out_dir):
        raise DatasetError(f"{out_dir} exists already; choose a name that does not")
    if out_dir.exists() and not out_dir.is_dir():
        raise DatasetError(f"{out_dir} is no folder")
    if pitch == DETECT:
        pitchtracker.check()
    if not new and isinstance(pitch, int):
        _refuse_existing(out_dir, [f"{name}_{pitch}.wav" for _, name in jobs])
    made, enough = Made(), HEARING if pitch == DETECT else ENOUGH
    with _appearing_together(out_dir) as folder:
        work = functools.partial(work, folder=folder, sample_rate=sample_rate, pitch=pitch)
        with contextlib.closing(in_order(work, jobs, "converting", processes, enough)) as done:
            for _, of_one, wrong in done:
                if wrong:
                    made.passed_over.append(wrong)
                else:
                    made.add(of_one)
        if not made.pieces:
            raise DatasetError(f"nothing came of {in_dir}: {_why_nothing(made)}")
        _refuse_existing(out_dir, [piece.name for piece in made.pieces])
    return made


def _refuse_existing(folder, names):
    there = [name for name in names if os.path.lexists(folder / name)]
    if there:
        more = f", and {len(there) - 1} more" if len(there) > 1 else ""
        raise DatasetError(f"{folder / there[0]} exists already{more}; choose another folder")


def _why_nothing(made):
    if made.passed_over:
        return made.passed_over[0]
    if made.without_pitch:
        return "no pitch is heard in any of it; --pitch N says one"
    return (f"{made.short[0]} is shorter than a piece{', and all others, too' if len(made.short) > 1 else ''}; "
            "pdbridge dataset pad makes short sounds longer")


@contextlib.contextmanager
def _appearing_together(out_dir):
    """A folder to write into, whose files move to `out_dir` when the block ends without an error."""
    there = out_dir.is_dir()
    part = out_dir / f".{os.getpid()}.part" if there else out_dir.with_name(f".{out_dir.name}.{os.getpid()}.part")
    try:
        try:
            part.mkdir(parents=True)
            yield part
            if there:
                for file in sorted(part.iterdir()):
                    file.rename(out_dir / file.name)
            else:
                part.rename(out_dir)
        except OSError as error:
            raise DatasetError(f"{out_dir} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


# One file


def _chopped(file, folder, sample_rate, length, step, pitch):
    samples = read(file, sample_rate)
    made = Made()
    if len(samples) < length:
        made.short.append(file.name)
    for number, start in enumerate(range(0, len(samples) - length + 1, step), 1):
        piece = samples[start:start + length]
        _write(made, folder, f"{file.stem}_{number}", piece, sample_rate, pitch, file)
    return made


def _padded(job, folder, sample_rate, length, pitch):
    file, name = job
    samples = read(file, sample_rate)
    made = Made()
    if len(samples) > length:
        made.truncated.append(file.name)
    samples = samples[:length]
    peak = np.abs(samples).max(initial=0).astype(np.float64)
    if peak >= np.finfo(np.float32).tiny:
        samples = (samples / peak).astype(np.float32)
    _write(made, folder, name, np.pad(samples, (0, length - len(samples))), sample_rate, pitch, file)
    return made


def _write(made, folder, name, samples, sample_rate, pitch, file):
    confidence = None
    if pitch == NAME:
        if not (named := pitch_of_name(file.stem)) or named[1] > 127:
            raise AudioError(f"{file}: its name does not end in a MIDI pitch, as in flute_60{file.suffix}")
        pitch = named[1]
    elif pitch == DETECT:
        pitch, confidence = pitchtracker.detect(samples, sample_rate)
        if pitch is None:
            made.without_pitch.append(name if file.stem in name else f"{file.name} ({name})")
            return
    _write_sixteen_bits(folder / f"{name}_{pitch}.wav", samples, sample_rate)
    made.pieces.append(Piece(f"{name}_{pitch}.wav", pitch, confidence, not np.any(samples)))


def _write_sixteen_bits(path, samples, sample_rate):
    import soundfile

    packed = io.BytesIO()  # libsndfile would call a full disk a system error
    soundfile.write(packed, samples, sample_rate, format="WAV", subtype="PCM_16")
    path.write_bytes(packed.getbuffer())
