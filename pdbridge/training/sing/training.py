"""A whole training of SING, and the folder that it writes.

``settings.json`` says what is trained, ``autoencoder``, ``sequence_generator`` and ``sing`` hold the checkpoints and
curves of the three phases, and ``sing.npz`` is what plays, as far as the training has come.
"""

import dataclasses
import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from pdbridge.errors import MessageError, TrainingError
from pdbridge.files import locked, make_folder, written_whole
from pdbridge.progress import progress
from pdbridge.sing.checkpoint import DECODER, MARGIN, SEQUENCE, write_checkpoint
from pdbridge.training import bundle, loop
from pdbridge.training.sing import networks
from pdbridge.training.sing.notes import drawn, open_notes, split
from pdbridge.training.sing.phases import Autoencoder, EndToEnd, SequenceGenerator, widened
from pdbridge.training.sing.settings import EPOCHS, FIELDS, Settings, option

PHASES = Autoencoder, SequenceGenerator, EndToEnd
SETTINGS, PLAYED, LOCK = "settings.json", "sing.npz", "lock"
FORMAT = "pdbridge SING training"
KEPT = 2  # checkpoints of a phase; one of the published sizes takes up to 770 MB


def train(data, out, changes=None, *, stop_after=None, save_seconds=600):
    """Train a SING, or go on with a training.

    Parameters
    ----------
    data : str or Path
        See `open_notes`.
    out : str or Path
        The folder of the training; made if need be.
    changes : dict of str to value, optional
        Settings that differ from the original's, or from what this training was begun with: then only numbers of
        epochs may.
    stop_after : float, optional
        Seconds.
    save_seconds : float
        From one checkpoint to the next; one is written after every epoch, too.

    Returns
    -------
    ending : pdbridge.training.loop.Ending
    played : Path or None
        The file that `pdbridge.SING.load` takes; None before the second phase.

    Raises
    ------
    TrainingError, DatasetError, AudioError
        What is wrong, and what to do.
    """
    start = time.monotonic()
    out = Path(out).expanduser().absolute()
    settings = _settled(out, changes or {})  # what is wrong with them is said before notes are looked for
    notes = open_notes(data)
    parts = split(notes.symbols)
    parts["train"] = drawn(parts["train"], settings.train_notes)
    parts["valid"] = drawn(parts["valid"], settings.valid_notes)
    make_folder(out)
    with open(out / LOCK, "w") as lock:
        if not locked(lock):
            raise TrainingError(f"{out}: another training is writing here; wait for it, or name another folder")
        settings = _settled(out, changes or {})
        _check_epochs(out, settings, len(parts["train"]))
        _describe(out, settings, notes)
        return _phases(out, settings, notes, parts, None if stop_after is None else start + stop_after,
                       save_seconds)


def _phases(out, settings, notes, parts, deadline, save_seconds):
    parameters = networks.initial(settings, notes.counts)
    ending = played = None
    learnt = 0  # steps of the phase before
    for phase, following in zip(PHASES, (*PHASES[1:], None), strict=True):
        left = None if deadline is None else deadline - time.monotonic()
        if ending and left is not None and left <= 0:
            ending = ending._replace(reason=loop.OUT_OF_TIME)
            break
        if following and bundle.latest(out / following.folder):
            tensors = bundle.load(bundle.latest(out / phase.folder))
            parameters |= {name: array for name, array in tensors.items() if name in parameters}
            learnt = _steps(out, phase)
            continue
        frames = ()
        if phase is SequenceGenerator:
            finished = _steps(out, phase) >= _until(phase, settings, len(parts["train"]))
            frames = [None if finished else _frames(out, parameters, notes, parts["train"], settings, learnt)]
        trainer = phase(parameters, notes, parts, settings, *frames)
        try:
            ending = loop.run(trainer, out / phase.folder, trainer.until, save_seconds=save_seconds, keep=KEPT,
                              stop_after=left, description=trainer.title, save_units=trainer.per_epoch)
        finally:
            trainer.close()
        parameters |= {name: variable.numpy() for name, variable in trainer.parameters.items()}
        if phase is not Autoencoder:
            played = _write(out / PLAYED, parameters, settings, notes, phase, ending.done / trainer.per_epoch)
        if ending.reason != loop.FINISHED:
            break
        if phase is SequenceGenerator:
            _frames_file(out, learnt).unlink(missing_ok=True)
        learnt = ending.done
    return ending, played


def _until(phase, settings, notes):
    """Steps of a whole phase (int)."""
    return getattr(settings, phase.epochs_setting) * -(-notes // settings.batch_size)


def _steps(out, phase):
    """Steps of its last checkpoint (int); -1 if there is none."""
    last = bundle.latest(out / phase.folder)
    return int(last.name.rpartition("-")[2]) if last else -1


def _check_epochs(out, settings, notes):
    """Make sure that no phase is to learn more after the next one has begun with it."""
    for phase, following in zip(PHASES, PHASES[1:], strict=False):
        if _steps(out, following) >= 0 and _steps(out, phase) < _until(phase, settings, notes):
            raise TrainingError(f"{out}: the phase of the {following.title} has begun with this {phase.title}, which "
                                f"cannot be trained longer now; leave {option(phase.epochs_setting)} as it was, or "
                                "name another folder")


def _write(path, parameters, settings, notes, phase, epochs):
    """Write what plays: without the encoder, as the original's ``sing.th``."""
    kept = {name: array for name, array in (parameters | networks.windows(settings)).items()
            if name.startswith((f"{SEQUENCE}.", f"{DECODER}."))}
    try:
        write_checkpoint(path, kept, length=settings.frames, stride=settings.ae_stride, instruments=notes.instruments,
                         metadata={"phase": phase.title, "epochs": epochs, "settings": dataclasses.asdict(settings)})
    except MessageError as error:
        raise TrainingError(f"{error}; the checkpoints in {path.parent} are whole") from None
    return path


# Settings


def _settled(out, changes):
    """The settings: those of the folder if it has some, or new ones."""
    path = out / SETTINGS
    if not path.exists():
        if any(bundle.latest(out / phase.folder) for phase in PHASES):
            raise TrainingError(f"{path} is missing, but there are checkpoints of a training; name another folder")
        settings = Settings(**changes)
    else:
        was = Settings(**_read(path)["settings"])
        for name, value in changes.items():
            if name not in EPOCHS and getattr(was, name) != value:
                raise TrainingError(f"{out}: this training was begun with {option(name)} {getattr(was, name)}, not "
                                    f"{value}; leave it out to go on, or name another folder")
        settings = dataclasses.replace(was, **changes)
    settings.check()
    return settings


def _describe(out, settings, notes):
    """Write settings.json; make sure that the notes are those of before."""
    path = out / SETTINGS
    digest = hashlib.sha256("\n".join(notes.names).encode() + notes.symbols.tobytes()).hexdigest()
    about = {"format": FORMAT, "version": 1, "settings": dataclasses.asdict(settings),
             "notes": len(notes), "notes_sha256": digest}
    if path.exists():
        was = _read(path)
        if was["notes_sha256"] != digest:
            raise TrainingError(f"{out}: this training was begun with {was['notes']:,} notes, and not with these "
                                f"{len(notes):,}; take the same data set, or name another folder")
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _read(path):
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        about = None
    if (not isinstance(about, dict) or about.get("format") != FORMAT or about.get("version") != 1
            or not isinstance(about.get("settings"), dict) or set(about["settings"]) != set(FIELDS)
            or not {"notes", "notes_sha256"} <= set(about)):
        raise TrainingError(f"{path} is damaged, or of another program; name another folder")
    return about


# The frames that the second phase learns


def _frames_file(out, steps):
    return out / SequenceGenerator.folder / f"frames-{steps}.npy"


def _frames(out, parameters, notes, numbers, settings, steps):
    """What the encoder makes of the notes, float32 [notes, frames, dimension], on the disk.

    All of nsynth-train takes some 30 GB, which the original keeps in memory. `steps` are those that the encoder has
    learnt from.
    """
    path = _frames_file(out, steps)
    make_folder(path.parent)
    shape = len(numbers), settings.frames, settings.ae_dimension
    size = int(np.prod(shape, dtype=np.int64)) * 4
    if path.exists():
        frames = np.load(path, mmap_mode="r")
        if frames.shape == shape:
            return frames
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise TrainingError(f"{path.parent}: the frames of the notes take {size / 1e9:.1f} GB, but there are only "
                            f"{free / 1e9:.1f} GB free")
    encoder = {name: tf.constant(array) for name, array in parameters.items() if name.startswith(networks.ENCODER)}
    encode = tf.function(lambda waves: networks.encode(encoder, widened(waves, settings), settings), autograph=False,
                         input_signature=[tf.TensorSpec([None, settings.raw_length])])
    try:
        with written_whole(path) as temporary, open(temporary, "wb") as file, \
                progress(len(numbers), "note", "frames") as bar:
            np.lib.format.write_array_header_1_0(
                file, {"descr": "<f4", "fortran_order": False, "shape": shape})
            for start in range(0, len(numbers), settings.batch_size):
                some = numbers[start:start + settings.batch_size]
                waves = np.stack([np.pad(notes.read(number, settings.samples), MARGIN) for number in some])
                file.write(encode(waves).numpy().astype("<f4").tobytes())
                bar.update(len(some))
            file.flush()
            os.fsync(file.fileno())
    except MessageError as error:
        raise TrainingError(f"{error}; the autoencoder is kept") from None
    return np.load(path, mmap_mode="r")
