"""Notes assembled to a data set: ``data.tfrecord`` and ``meta.json``, as the course's programs write them.

After make_dataset.py (a folder of ``<instrument>_<pitch>.wav``) and make_dataset_nsynth.py (the NSynth dataset's
``examples.json`` and ``audio``). As there, a data set with a single unusable file is not made at all, and all that is
wrong is said at once. Unlike there, rates, channels and formats need not fit: they are converted, which is said, too.
"""

import contextlib
import functools
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pdbridge.errors import DatasetError
from pdbridge.files import written_whole
from pdbridge.progress import counted, say
from pdbridge.silence import tensorflow_silenced
from pdbridge.training.datasets import notes, recordings
from pdbridge.training.datasets.notes import NOTE_LENGTH, QUALITIES, SAMPLE_RATE, Note
from pdbridge.training.datasets.processes import in_order

DATA, META, EXAMPLES = "data.tfrecord", "meta.json", "examples.json"
META_KEYS = "instrument_str", "pitch", "instrument_source", "instrument_family", "qualities"


@dataclass
class Assembled:
    """A data set that was made.

    Attributes
    ----------
    folder : Path
    pitches : dict of int to int
        Notes by pitch.
    conversions : dict of str to int
        How many files were converted because of what.
    silent : list of str
        Names of notes without any sound.
    left_alone : list of str
        Sounds in the folder whose names do not end in a pitch.
    """

    folder: Path
    pitches: dict = field(default_factory=Counter)
    conversions: dict = field(default_factory=Counter)
    silent: list = field(default_factory=list)
    left_alone: list = field(default_factory=list)

    @property
    def notes(self):
        """How many there are."""
        return sum(self.pitches.values())


def make(in_dir, out_dir=None, sample_rate=SAMPLE_RATE, length=NOTE_LENGTH, processes=None):
    """Make a data set of sounds named ``<instrument>_<pitch>.wav``.

    Parameters
    ----------
    in_dir : str or Path
        Folder of the sounds; folders inside it do not count.
    out_dir : str or Path, optional
        Made if need be; ``<in_dir>-train``, if left out.
    sample_rate : int
        In Hz, of the notes. Models are trained at 16000.
    length : int
        Samples that every sound must have, at that rate.
    processes : int, optional
        See `in_order`.

    Returns
    -------
    Assembled

    Raises
    ------
    DatasetError
        When the data set exists, there are no sounds, or one cannot be used. All of those are named on stderr
        before; nothing is written.
    """
    folder = _free_folder(in_dir, out_dir)
    files = recordings.find(in_dir)
    named = [(file, recordings.pitch_of_name(file.stem)) for file in files]
    result = Assembled(folder, left_alone=[file.name for file, match in named if not match])
    instruments = {}  # as in the original, notes of an instrument come together
    for file, match in named:
        if match:
            instruments.setdefault(match[0], []).append((match[1], file))
    if not instruments:
        raise DatasetError(f"{in_dir} holds no sound whose name ends in a pitch, as in flute_60.wav; pdbridge dataset "
                           "pad or chop makes such sounds")
    meta, files, violations = {}, {}, []
    for instrument, members in instruments.items():
        for pitch, file in members:
            name = f"{instrument}_{pitch}"
            if pitch > 127:
                violations.append(f"{file.name}: {pitch} is not a MIDI pitch (0 to 127)")
            elif name in meta:
                violations.append(f"{file.name}: is the same note as {files[name].name}")
            else:
                meta[name] = dict(zip(META_KEYS, (instrument, pitch, 0, 0, [0] * len(QUALITIES)), strict=True))
                files[name] = file
    return _assembled(result, meta, files.values(), violations, sample_rate, length, processes)


def make_from_nsynth(in_dir, out_dir=None, sample_rate=SAMPLE_RATE, length=NOTE_LENGTH, skip_validate=False,
                     all_fields=False, processes=None):
    """Make a data set of the NSynth dataset's JSON and WAV files, or of a part of them.

    Parameters
    ----------
    in_dir : str or Path
        Holds ``examples.json`` and the folder ``audio`` with ``<note_str>.wav`` (or another format).
    out_dir, sample_rate, length, processes
        As for `make`.
    skip_validate : bool
        Begin to write without looking at the heads of all files first; what cannot be used is found on the way.
    all_fields : bool
        Write ``velocity``, ``note_str`` and ``sample_rate``, too, which NSynth's own reader asks for.

    Returns
    -------
    Assembled

    Raises
    ------
    DatasetError
        As for `make`; or when ``examples.json`` is missing or damaged.
    """
    folder = _free_folder(in_dir, out_dir)
    source = Path(in_dir).expanduser()
    examples = _read_examples(source / EXAMPLES)
    meta, files, violations, extras = {}, [], [], {}
    for name, example in sorted(examples.items()):
        if wrong := _wrong_in_example(name, example, all_fields):
            violations.append(f"{name}: {wrong} in {EXAMPLES}")
            continue
        meta[name] = {key: example[key] for key in META_KEYS}
        files.append(_audio_file(source / "audio", name))
        if all_fields:
            extras[name] = {"velocity": example["velocity"], "note_str": name, "sample_rate": sample_rate}
    return _assembled(Assembled(folder), meta, files, violations, sample_rate, length, processes, skip_validate, extras)


def _read_examples(path):
    try:
        with open(path, encoding="utf-8") as file:
            examples = json.load(file)
    except FileNotFoundError:
        raise DatasetError(f"{path.parent} holds no {EXAMPLES}; the NSynth dataset's .json/.wav archives do") from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is damaged: {error}") from None
    if not isinstance(examples, dict) or not examples:
        raise DatasetError(f"{path} lists no notes")
    # Like the original, it goes by the names that notes have, not by those they are listed under.
    named = {example["note_str"]: example for example in examples.values()
             if isinstance(example, dict) and isinstance(example.get("note_str"), str)}
    if len(named) < len(examples):
        raise DatasetError(f"{path} lists {counted(len(examples), 'note')}, of which only {len(named)} have a name "
                           "(note_str) of their own")
    return named


def _wrong_in_example(name, example, all_fields):
    if not name or Path(name).name != name or "\\" in name:
        return "the name is no file name"
    if not isinstance(example.get("instrument_str"), str):
        return "instrument_str is missing"
    numbers = ("pitch", "instrument_source", "instrument_family", *(["velocity"] if all_fields else []))
    for key in numbers:
        if type(example.get(key)) is not int or not 0 <= example[key] <= 127:
            return f"{key} is no number from 0 to 127"
    qualities = example.get("qualities")
    if not isinstance(qualities, list) or len(qualities) != len(QUALITIES) or not set(qualities) <= {0, 1}:
        return f"qualities are not {len(QUALITIES)} times 0 or 1"
    return None


def _audio_file(folder, name):
    candidates = [folder / f"{name}{ending}" for ending in recordings.ENDINGS]
    return next((path for path in candidates if path.is_file()), candidates[0])


def _free_folder(in_dir, out_dir):
    source = Path(in_dir).expanduser()
    if not source.is_dir():
        raise DatasetError(f"{source}: there is no such folder")
    return free_folder(out_dir or source.absolute().with_name(f"{source.absolute().name}-train"))


def free_folder(out_dir):
    """The folder for a data set; DatasetError if there is one in it."""
    folder = Path(out_dir).expanduser()
    for name in (DATA, META):
        if os.path.lexists(folder / name):
            raise DatasetError(f"{folder / name} exists already; choose another folder (--out_dir)")
    return folder


def _assembled(result, meta, files, violations, sample_rate, length, processes, skip_validate=False, extras=None):
    """Write what `meta` describes, from the sound files of its notes in the same order."""
    if not skip_validate:
        inspect = functools.partial(notes.inspect, sample_rate=sample_rate, length=length)
        for file, header, _ in in_order(inspect, files, "checking", processes=1):
            violations += [f"{file.name}: {violation}" for violation in header.violations]
    _refuse(violations)
    work = functools.partial(notes.samples, sample_rate=sample_rate, length=length)
    with tensorflow_silenced():  # only now: what is wrong is said without waiting for it
        from pdbridge.training.datasets import records

    def made_notes():
        with contextlib.closing(in_order(work, files, "writing", processes)) as done:
            for name, (_, made, wrong) in zip(meta, done, strict=True):
                if wrong:
                    violations.append(wrong)
                if violations:  # nothing will come of it, but all that is wrong shall be said
                    continue
                audio, conversions = made
                result.conversions.update(conversions)
                result.pitches[meta[name]["pitch"]] += 1
                if not np.any(audio):
                    result.silent.append(name)
                described = {key: meta[name][key] for key in META_KEYS[1:]}
                yield Note(audio=audio, **described, **(extras or {}).get(name, {}))
        _refuse(violations)

    with made_folder(result.folder), written_whole(result.folder / META) as temporary:
        temporary.write_text(json.dumps(meta, indent=4), encoding="ascii")
        records.write(result.folder / DATA, made_notes())
    result.pitches = dict(sorted(result.pitches.items()))
    return result


def _refuse(violations):
    if violations:
        for violation in violations:
            say(f"pdbridge: {violation}")
        raise DatasetError(f"{counted(len(violations), 'sound')} cannot be used, named above; nothing was written. "
                           "pdbridge dataset pad brings sounds to one length, chop cuts long ones into pieces")


@contextlib.contextmanager
def made_folder(folder):
    """A folder that goes again if it is made here and the block ends with an error."""
    there = folder.is_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"{folder} cannot be made: {error.strerror}") from None
    try:
        yield
    except BaseException:
        if not there:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
