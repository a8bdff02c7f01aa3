"""A whole training of one of NSynth's networks, and the folder that it writes.

The folder holds ``hparams.json`` and checkpoints with the names of Magenta's programs; ``pdbridge.NSynth.load`` and
``pdbridge.nsynth.baseline.NSynthBaseline.load`` take it at any time.
"""

import contextlib
import dataclasses
import functools
from pathlib import Path

from pdbridge.errors import TrainingError
from pdbridge.files import make_folder
from pdbridge.nsynth.baseline import read_baseline
from pdbridge.nsynth.checkpoint import read_wavenet, shapes
from pdbridge.training import bundle, devices, loop
from pdbridge.training.datasets import records
from pdbridge.training.nsynth import baseline, hparams, notes, wavenet
from pdbridge.training.nsynth.trainer import Trainer

SETTABLE = ("num_iters", "max_steps")  # settings that may change when a training goes on


def train_wavenet(data, out, settings=None, *, begin_with=None, strategy="none", mixed_precision=False, xla=False,
                  stop_after=None, save_seconds=600):
    """Train a WaveNet autoencoder, or go on with a training.

    Parameters
    ----------
    data : str or Path
        TFRecords: a folder, a file or a pattern.
    out : str or Path
        The folder of the training; made if need be.
    settings : dict of str to value, optional
        What differs from `hparams.WaveNet`.
    begin_with : str or Path, optional
        A checkpoint whose weights a new training begins with; its sizes are taken.
    strategy : str
        "none" for one device, "mirrored" for all the GPUs of this computer.
    mixed_precision : bool
        Multiply in bfloat16.
    xla : bool
        Compile loss and gradients with XLA.
    stop_after : float, optional
        Seconds.
    save_seconds : float
        From one checkpoint to the next.

    Returns
    -------
    pdbridge.training.loop.Ending

    Raises
    ------
    TrainingError, DatasetError, CheckpointError
        What is wrong, and what to do.
    """
    settled, start = _settled(hparams.WaveNet, out, settings or {}, begin_with, _wavenet_of)
    make = functools.partial(wavenet.WaveNet, settled, start, "bfloat16" if mixed_precision else "float32")
    return _train(data, out, settled, make, notes.crop(settled.crop_length), settled.num_iters, "WaveNet", strategy,
                  xla, stop_after, save_seconds)


def train_baseline(data, out, settings=None, *, begin_with=None, strategy="none", mixed_precision=False, xla=False,
                   stop_after=None, save_seconds=600):
    """Train a spectral autoencoder, or go on with a training.

    Parameters and errors are those of `train_wavenet`, with `hparams.Baseline`.

    Returns
    -------
    pdbridge.training.loop.Ending
    """
    settled, start = _settled(hparams.Baseline, out, settings or {}, begin_with, _baseline_of)
    make = functools.partial(baseline.Baseline, settled, start, "bfloat16" if mixed_precision else "float32")
    return _train(data, out, settled, make, notes.picture(settled.padding), settled.max_steps, "baseline", strategy,
                  xla, stop_after, save_seconds)


def _train(data, out, settled, make, prepare, until, description, strategy, xla, stop_after, save_seconds):
    out = Path(out).expanduser()
    strategy = devices.strategy(strategy)
    parts = strategy.num_replicas_in_sync if strategy else 1
    if settled.batch_size % parts:
        raise TrainingError(f"a batch of {settled.batch_size} notes cannot be shared among {parts} devices; choose a "
                            f"--batch-size that {parts} divides")
    found = notes.Notes(records.survey(data).files)
    make_folder(out)
    hparams.save(out, settled)
    with contextlib.closing(notes.Batches(found, prepare, settled.batch_size, settled.seed)) as batches:
        trainer = Trainer(make, batches, strategy, xla)
        return loop.run(trainer, out, until, save_seconds=save_seconds, stop_after=stop_after, description=description)


def _settled(kind, out, settings, begin_with, sizes_of):
    """The settings: those of the folder if it has some, or new ones; and the variables to begin with, if any."""
    out = Path(out).expanduser()
    asked = hparams.checked(kind, settings)
    kept = hparams.load(out, kind)
    if kept is None:
        if bundle.latest(out):
            raise TrainingError(f"{out / hparams.FILE}: is missing, but there are checkpoints; name another folder")
        sizes, start = sizes_of(begin_with) if begin_with else ({}, None)
        begun = dataclasses.replace(kind(), **sizes)
        _agree(begun, asked, sizes, f"{begin_with} has", "leave the setting out")
        return dataclasses.replace(begun, **asked), start
    _agree(kept, asked, [name for name in asked if name not in SETTABLE], f"{out}: this training was started with",
           "leave the setting out to go on with it, or name another folder")
    return dataclasses.replace(kept, **asked), None


def _agree(kept, asked, names, had, advice):
    for name in names:
        if name in asked and asked[name] != getattr(kept, name):
            raise TrainingError(f"{had} {name} {getattr(kept, name)}, not {asked[name]}; {advice}")


def _wavenet_of(path):
    """Sizes, by the names of `hparams.WaveNet`, and variables of a checkpoint."""
    weights = read_wavenet(path)
    sizes = hparams.WaveNet(
        num_layers=weights.layers, width=weights.width, skip_width=weights.skip, ae_num_layers=weights.ae_layers,
        ae_width=weights.ae_width, ae_bottleneck_width=weights.channels)
    start = {name: weights[name].reshape(shape) for name, shape in shapes(**sizes.sizes).items()}
    names = ("num_layers", "width", "skip_width", "ae_num_layers", "ae_width", "ae_bottleneck_width")
    return {name: getattr(sizes, name) for name in names}, start


def _baseline_of(path):
    """Sizes, by the names of `hparams.Baseline`, and variables of a checkpoint."""
    start, _ = read_baseline(path)
    sizes = {
        "num_latent": start["encoder/z_Layer/z/weights"].shape[-1],
        "pitch_dim": start["decoder/PitchEmbedding/embedding_weights"].shape[1],
        "channels": [start[f"encoder/{layer}_Layer/{layer}/weights"].shape[-1] for layer in ("0", "3", "6", "8")],
    }
    expected = baseline.all_shapes(hparams.Baseline(**sizes))
    for name, array in start.items():
        if array.shape != expected[name]:
            raise TrainingError(f"{path}: {name} has the shape {list(array.shape)}, not {list(expected[name])} as in a "
                                "baseline that is trained here")
    return sizes, start
