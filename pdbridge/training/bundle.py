"""TensorFlow checkpoints ("tensor bundles", version 2), written so that a good one always remains.

A checkpoint is two files, ``model.ckpt-800.index`` and ``model.ckpt-800.data-00000-of-00001``, and
the text file ``checkpoint`` that names the latest. These are the files of ``tf.train.Saver``; all
the original programs read them. Here a checkpoint is first written whole in a folder of its own,
then moved into place, the index last, so that neither a crash nor a full disk leaves half of one.
"""

import contextlib
import os
import re
import shutil
from pathlib import Path, PureWindowsPath

import numpy as np
import tensorflow as tf

from pdbridge.errors import MessageError, TrainingError
from pdbridge.files import written_whole

NAME = "model.ckpt"
DATA = ".data-00000-of-00001"
UNFINISHED = ".unfinished"  # the folder where a checkpoint is written at first


def save(folder, step, tensors, keep=5, name=NAME):
    """Write a checkpoint, and delete older ones that the file ``checkpoint`` lists.

    Parameters
    ----------
    folder : str or Path
        Made if need be.
    step : int
        Goes into the name of the checkpoint.
    tensors : dict of str to array
        Written with their dtypes.
    keep : int
        How many checkpoints to keep, this one included.
    name : str
        Of the checkpoint, before the step.

    Returns
    -------
    Path
        The checkpoint, without ``.index``.

    Raises
    ------
    TrainingError
        When it cannot be written, e.g. because the disk is full. What was there before still is.
    """
    folder = Path(folder)
    prefix = folder / f"{name}-{step}"
    unfinished = folder / UNFINISHED
    try:
        unfinished.mkdir(parents=True, exist_ok=True)
        _write(unfinished / prefix.name, tensors)
        _files(prefix)[0].unlink(missing_ok=True)  # an index never stands beside data of another run
        for new, place in zip(reversed(_files(unfinished / prefix.name)), reversed(_files(prefix)), strict=True):
            os.replace(new, place)
        older = [path for path in listed(folder) if path != prefix]
        kept = [*older[max(len(older) - keep + 1, 0):], prefix]
        _write_list(folder, kept)
        for path in older:
            if path not in kept:
                _delete(path)
    except (OSError, tf.errors.OpError, MessageError) as error:
        raise TrainingError(f"{prefix} cannot be written: {_reason(error)}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return prefix


def load(prefix):
    """Read all tensors of a checkpoint.

    Parameters
    ----------
    prefix : str or Path
        The checkpoint, without ``.index``.

    Returns
    -------
    dict of str to array

    Raises
    ------
    TrainingError
        Naming the checkpoint and what is wrong with it.
    """
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    except Exception as error:  # the reader raises many types
        raise TrainingError(f"{prefix} cannot be read: {_reason(error)}; remove it, and training goes on from the "
                            "one before") from None


def latest(folder):
    """The checkpoint that the file ``checkpoint`` names, or else the one of the highest step.

    Returns
    -------
    Path or None
        Without ``.index``; None if the folder holds none.
    """
    folder = Path(folder)
    named = _state(folder)[-1:]
    if named and whole(named[0]):
        return named[0]
    steps = {}
    for index in folder.glob("[!.]*.index"):
        number = re.search(r"-(\d+)$", index.stem)
        if number and whole(index.with_suffix("")):
            steps[int(number[1])] = index.with_suffix("")
    return steps[max(steps)] if steps else None


def whole(prefix):
    """Whether both files of a checkpoint are there."""
    return all(path.is_file() for path in _files(prefix))


def listed(folder):
    """The checkpoints that the file ``checkpoint`` lists and that are there, the oldest first."""
    return [path for path in dict.fromkeys(_state(folder)) if whole(path)]


def _files(prefix):
    return Path(f"{prefix}.index"), Path(f"{prefix}{DATA}")


def _write(prefix, tensors):
    arrays = {name: np.asarray(array) for name, array in sorted(tensors.items())}
    tf.raw_ops.SaveV2(prefix=str(prefix), tensor_names=list(arrays), shape_and_slices=[""] * len(arrays),
                      tensors=list(arrays.values()))
    for path in _files(prefix):  # on the disk, not only on the way there, before it gets its name
        with open(path, "rb+") as file:
            os.fsync(file.fileno())


def _write_list(folder, prefixes):
    """Paths relative to the folder, so that it may be moved."""
    with written_whole(folder / "checkpoint") as path:
        lines = [f'model_checkpoint_path: "./{prefixes[-1].name}"']
        lines += [f'all_model_checkpoint_paths: "./{prefix.name}"' for prefix in prefixes]
        path.write_text("\n".join(lines) + "\n")


def _state(folder):
    """What the file ``checkpoint`` lists, the latest last; its paths may be of another machine."""
    try:
        state = tf.train.get_checkpoint_state(str(folder))
    except (ValueError, OSError, tf.errors.OpError):  # e.g. not text
        return []
    if state is None:
        return []
    paths = [*state.all_model_checkpoint_paths, state.model_checkpoint_path]
    return [Path(folder) / PureWindowsPath(path).name for path in paths]  # takes / as well as \


def _delete(prefix):
    for path in _files(prefix):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _reason(error):
    return (getattr(error, "strerror", None) or str(error).partition("\n")[0])[:200]
