"""The whole training, from stage to stage, and the folder that it writes: Magenta's.

``experiment.json`` and ``meta.json`` say what it is, ``stage_00000``, ``stage_00001``... hold checkpoints and curves.
``pdbridge.GANSynth.load`` plays the folder at any time.
"""

import json
import time
from pathlib import Path

from pdbridge.errors import TrainingError
from pdbridge.files import make_folder, written_whole
from pdbridge.progress import say
from pdbridge.training import bundle, devices, loop
from pdbridge.training.datasets import records
from pdbridge.training.gansynth import config as configs
from pdbridge.training.gansynth import pictures as data_pictures
from pdbridge.training.gansynth.adversarial import Adversaries, grown, initial_tensors
from pdbridge.training.gansynth.schedule import stages

CACHE = "pictures"  # folder of the painted data set, in the folder of the training
PATHS = ("train_root_dir", "train_data_path", "train_meta_path")


def train(data, out, name=None, changes=None, *, strategy="none", mixed_precision=False, xla=False, stop_after=None,
          save_seconds=600, cache=None, cache_gb=64.0):
    """Train a GANSynth, or go on with a training.

    Parameters
    ----------
    data : str or Path
        TFRecords: a folder, a file or a pattern.
    out : str or Path
        The folder of the training; made if need be.
    name : str, optional
        Of the configuration, see `configs.CONFIGS`. Left out, a new training takes the published one.
    changes : dict of str to value, optional
        Settings that differ from it.
    strategy : str
        "none" for one device, "mirrored" for all the GPUs of this computer.
    mixed_precision, xla : bool
        See `Adversaries`.
    stop_after : float, optional
        Seconds.
    save_seconds : float
        From one checkpoint to the next.
    cache : str or Path, optional
        Folder of the painted data set; by default in `out`.
    cache_gb : float
        What that may take.

    Returns
    -------
    pdbridge.training.loop.Ending

    Raises
    ------
    TrainingError, DatasetError
        What is wrong, and what to do.
    """
    start = time.monotonic()
    out = Path(out).expanduser().absolute()
    config = settled(data, out, name, changes or {})
    strategy = devices.strategy(strategy)
    selection = records.Selection(config.train_min_pitch, config.train_max_pitch,
                                  config.train_instrument_sources and tuple(config.train_instrument_sources))
    make_folder(out)
    pictures = data_pictures.prepare(data, cache or out / CACHE, config.layout, selection, cache_gb)
    _describe(out, config, pictures, data, selection)
    ending, every = None, stages(config)
    for stage in every[_reached(out, every):]:
        folder = out / stage.folder
        left = None if stop_after is None else stop_after - (time.monotonic() - start)
        if ending and left is not None and left <= 0:
            return ending._replace(reason=loop.OUT_OF_TIME)
        tensors = initial_tensors(config, stage, len(pictures.pitches))
        before = bundle.latest(out / every[stage.number - 1].folder) if stage.number else None
        if before and not bundle.latest(folder):
            tensors = grown(tensors, bundle.load(before))
        trainer = Adversaries(config, stage, pictures, tensors, strategy, mixed_precision, xla)
        ending = loop.run(trainer, folder, stage.end, save_seconds=save_seconds, stop_after=left,
                          description=f"stage {stage.number} of {every[-1].number}")
        if ending.reason != loop.FINISHED or ending.done >= config.total_num_images:
            break
    return ending


def settled(data, out, name, changes):
    """The settings: those of the folder `out` if it has some, or new ones; see `train`."""
    path = out / "experiment.json"
    where = {"train_root_dir": str(out), "train_data_path": str(data), "train_meta_path": str(out / "meta.json")}
    if path.exists():
        config = configs.read(path)
        wanted = configs.make(name or "defaults", **changes)
        asked = set(configs.CONFIGS[name]) | set(changes) if name else set(changes)
        for key in sorted(asked & configs.EFFECTIVE):
            was, now = getattr(config, key), getattr(wanted, key)
            if was != now:
                raise TrainingError(f"{out}: this training was started with {key} {was}, not {now}; leave the setting "
                                    "out to go on with it, or name another folder")
    else:
        if any(out.glob("stage_*")):
            raise TrainingError(f"{path}: is missing, but there are stages of a training; name another folder")
        config = configs.make(name or configs.PUBLISHED, **(changes | where))
    configs.check_sizes(config)
    return config



def _describe(out, config, pictures, data, selection):
    """Write experiment.json and meta.json, or check that they fit."""
    path = out / "meta.json"
    if path.exists():
        pitches = _pitches(_read_meta(path))
        if pitches != pictures.pitches:
            raise TrainingError(f"{path}: this training knows the pitches {_listed(pitches)}, but the data set has "
                                f"{_listed(pictures.pitches)}; name another folder")
    else:
        notes = _notes(data, pictures, selection)
        with written_whole(path) as temporary:
            temporary.write_text(json.dumps(notes, indent=4) + "\n")
    if not (out / "experiment.json").exists():
        with written_whole(out / "experiment.json") as temporary:
            temporary.write_text(configs.as_json(config))


def _notes(data, pictures, selection):
    """The content of meta.json: of the data set's, the notes that are used, or what the records say."""
    data = Path(data).expanduser()
    path = (data if data.is_dir() else data.parent) / "meta.json"
    if not path.is_file():
        return {f"note_{number}_{pitch}": {"instrument_str": f"note_{number}", "pitch": int(pitch)}
                for number, pitch in enumerate(pictures.notes)}
    notes = {name: note for name, note in _read_meta(path).items()
             if selection.lowest <= note["pitch"] <= selection.highest
             and (selection.sources is None or note.get("instrument_source", 0) in selection.sources)}
    if _pitches(notes) != pictures.pitches:
        raise TrainingError(f"{path}: lists the pitches {_listed(_pitches(notes))}, but its records have "
                            f"{_listed(pictures.pitches)}; make the data set again")
    return notes


def _read_meta(path):
    notes = configs.parse(str(path))
    for name, note in notes.items():
        if not isinstance(note, dict) or not isinstance(note.get("pitch"), int):
            raise TrainingError(f"{path}: the note {name} has no pitch")
    return notes


def _pitches(notes):
    return tuple(sorted({note["pitch"] for note in notes.values()}))


def _listed(pitches):
    return ", ".join(map(str, pitches)) or "none"


def _reached(out, every):
    """Number of the last stage that was begun.

    The original counts the folders of stages. Here one counts when it holds a checkpoint: it is written before the
    first step, so both agree unless the training was ended in between.
    """
    reached = [stage.number for stage in every if bundle.latest(out / stage.folder)]
    if not reached:
        return 0
    if reached[-1]:
        say(f"going on at stage {reached[-1]}")
    return reached[-1]
