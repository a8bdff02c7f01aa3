"""Reads GANSynth checkpoints as Magenta, or a course, left them on the disk.

A folder holds ``experiment.json`` (the settings of the training), for models trained on other
sounds than NSynth ``meta.json`` (which pitches there were), and a folder for each stage of the
training, ``stage_00012``, with TensorFlow checkpoints. Nothing else is needed, no dataset.
"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import numpy as np
import tensorflow as tf

from pdbridge.errors import CheckpointError
from pdbridge.gansynth.spectral import OVERLAP, Layout

PUBLISHED_PITCHES = tuple(range(24, 85))
PITCH_RANGE = range(0, 128)  # MIDI

# Number settings: default (of the original program), smallest and largest value taken.
WHOLE_NUMBERS = {
    "latent_vector_size": (256, 1, 4096),
    "num_resolutions": (7, 1, 12),
    "start_height": (4, 1, 256),
    "start_width": (8, 1, 256),
    "fmap_max": (128, 1, 4096),
    "audio_length": (64000, 1, 2**24),
    "sample_rate": (16000, 1000, 384000),
    "stable_stage_num_images": (32, 0, 10**12),
    "transition_stage_num_images": (32, 0, 10**12),
}
NUMBERS = {
    "fmap_base": (512, 1, 2**20),
    "fmap_decay": (1.0, 0, 16),
    "mag_normalizer_a": (0.0661371661726, -1e3, 1e3),
    "mag_normalizer_b": (0.113718730221, -1e3, 1e3),
    "p_normalizer_a": (0.8, -1e3, 1e3),
    "p_normalizer_b": (0.0, -1e3, 1e3),
}
# Settings where this program knows these values only; the first one is the default.
CHOICES = {
    "data_type": ("mel",),
    "g_fn": ("specgram",),
    "kernel_size": (3,),
    "scale_mode": ("ALL",),
    "scale_base": (2,),
    "simple_arch": (False,),
    "data_normalizer": ("specgrams_prespecified_normalizer", "none"),
    "to_rgb_activation": ("tanh", "linear"),
    "train_progressive": (True, False),
}
LARGEST_PICTURE = 2**22  # pixels; the published models have 2**17
LONGEST_LEAD = 2  # frame lengths from the first frame to the note; the published models have 1.5

VARIABLE = (
    "Generator/progressive_gan_generator/progressive_gan_block_{block}/{layer}"
    "/ExponentialMovingAverage"
)


@dataclass(frozen=True)
class Shape:
    """Sizes of a generator. Blocks are counted from 1, the coarsest.

    Parameters
    ----------
    latent_size, pitches : int
        Values in z, and in the one-hot pitch beside it.
    resolutions : int
        Blocks of the finished network; each doubles the size of the picture.
    start_height, start_width : int
        Rows and columns of the first block.
    fmap_base, fmap_decay, fmap_max : number
        Channels: ``fmap_base / 2 ** (block * fmap_decay)``, at most ``fmap_max``.
    tanh : bool
        Whether the picture goes through a hyperbolic tangent.
    """

    latent_size: int
    pitches: int
    resolutions: int
    start_height: int
    start_width: int
    fmap_base: float
    fmap_decay: float
    fmap_max: int
    tanh: bool

    def height(self, block):
        return self.start_height * 2 ** (block - 1)

    def width(self, block):
        return self.start_width * 2 ** (block - 1)

    def channels(self, block):
        return int(min(self.fmap_base / 2 ** (block * self.fmap_decay), self.fmap_max))

    def scale(self, block):
        """How many times the picture is larger than what the block makes."""
        return 2 ** (self.resolutions - block)

    @property
    def frames(self):
        """Rows of the picture."""
        return self.height(self.resolutions)

    @property
    def bins(self):
        """Columns of the picture."""
        return self.width(self.resolutions)

    def kernel(self, block, layer):
        """Shape of a kernel: (height, width, channels in, channels out)."""
        made = self.channels(block)
        if layer == "to_rgb":
            return 1, 1, made, 2
        if layer == "conv1":
            return 3, 3, made, made
        if block == 1:
            return self.start_height, self.start_width, self.latent_size + self.pitches, made
        return 3, 3, self.channels(block - 1), made


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint folder says.

    Attributes
    ----------
    folder : Path
    shape : Shape
    layout : pdbridge.gansynth.spectral.Layout
    pitches : tuple of int
        MIDI pitches in the order of the one-hot vector.
    scale, shift : (float, float)
        Normalisation of log power and frequency.
    weights : dict of (int, str) to (float32 array, float32 array)
        Kernel and bias by block and layer (conv0, conv1, to_rgb): the moving averages, which the
        original plays, too.
    global_step : int
        Pictures seen in training.
    progress : float
        How far the network had grown: 6.0 for a finished one of seven blocks.
    """

    folder: Path
    shape: Shape
    layout: Layout
    pitches: tuple
    scale: tuple
    shift: tuple
    weights: dict
    global_step: int
    progress: float


def read_checkpoint(folder):
    """Read a checkpoint folder.

    Parameters
    ----------
    folder : str or Path
        The folder with ``experiment.json`` (then the last stage that holds a checkpoint is
        read), or one of its stage folders.

    Returns
    -------
    Checkpoint

    Raises
    ------
    CheckpointError
        Naming the file and what is wrong with it.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        problem = "is a file, not a folder" if folder.exists() else "there is no such folder"
        raise CheckpointError(f"{folder}: {problem}; a model is a folder with experiment.json")
    if _stage_number(folder) is not None and not (folder / "experiment.json").exists():
        stage, folder = folder, folder.absolute().parent
        if not _holds_checkpoint(stage):
            raise CheckpointError(f"{stage}: holds no checkpoint (model.ckpt-....index)")
        settings = _settings(folder)
    else:
        settings = _settings(folder)
        stage = _last_stage(folder)
    stage_number = _stage_number(stage)
    if stage_number > 2 * settings["num_resolutions"] - 2:
        raise CheckpointError(
            f"{stage}: with num_resolutions {settings['num_resolutions']} in experiment.json the "
            f"last stage is {2 * settings['num_resolutions'] - 2}"
        )
    blocks = (stage_number + 1) // 2 + 1
    variables = _Variables(_prefix(stage))
    first_kernel = variables.shape(VARIABLE.format(block=1, layer="conv0/conv2d/kernel"))
    inputs = first_kernel[2] if len(first_kernel) == 4 else 0
    pitches = _pitches(folder, inputs - settings["latent_vector_size"], settings)
    shape = _shape(settings, len(pitches))
    layout = _layout(folder, shape, settings)
    weights = {}
    for block in range(1, blocks + 1):
        for layer in ("conv0", "conv1", "to_rgb"):
            size = shape.kernel(block, layer)
            kernel = VARIABLE.format(block=block, layer=f"{layer}/conv2d/kernel")
            bias = VARIABLE.format(block=block, layer=f"{layer}/bias")
            weights[block, layer] = variables.read(kernel, size), variables.read(bias, size[3:])
    global_step = variables.read_count("global_step")
    plain = settings["data_normalizer"] == "none"
    return Checkpoint(
        folder=folder,
        shape=shape,
        layout=layout,
        pitches=pitches,
        scale=(1.0, 1.0) if plain else (settings["mag_normalizer_a"], settings["p_normalizer_a"]),
        shift=(0.0, 0.0) if plain else (settings["mag_normalizer_b"], settings["p_normalizer_b"]),
        weights=weights,
        global_step=global_step,
        progress=training_progress(
            global_step,
            blocks,
            settings["stable_stage_num_images"],
            settings["transition_stage_num_images"],
            settings["train_progressive"],
        ),
    )


def training_progress(global_step, blocks, stable, transition, progressive=True):
    """How far the network had grown.

    The GAN grows block by block: `stable` pictures with the blocks it has, then `transition`
    pictures while the next block is faded in, and so on.

    Parameters
    ----------
    global_step : int
        Pictures seen.
    blocks : int
        Blocks at this stage of the training.
    stable, transition : int
        Pictures in the two kinds of stages.
    progressive : bool
        False for a network that has all its blocks from the beginning.

    Returns
    -------
    float
        From 0 (one block) to ``blocks - 1``.
    """
    if not progressive:
        return float(blocks - 1)
    cycle = stable + transition
    seen = min(global_step, blocks * stable + (blocks - 1) * transition - 1)
    grown, position = divmod(max(seen, 0), cycle)
    return grown + max(0.0, (position - stable) / transition) if transition else float(grown)


# Settings


def _read_json(path, what):
    try:
        with open(path, encoding="utf-8-sig") as file:
            content = json.load(file)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: is missing; {what}") from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: should hold a JSON object {{...}}; {what}")
    return content


def _settings(folder):
    """The settings that matter here, checked; unknown ones are passed over."""
    path = folder / "experiment.json"
    if not path.exists():
        raise CheckpointError(f"{path}: is missing; {_hint(folder)}")
    found = _read_json(path, "it holds the settings of the training")
    settings = {}
    for name, (default, low, high) in (WHOLE_NUMBERS | NUMBERS).items():
        value = found.get(name, default)
        kind = "whole number" if name in WHOLE_NUMBERS else "number"
        if not _is_number(value, whole=name in WHOLE_NUMBERS) or not low <= value <= high:
            raise CheckpointError(
                f"{path}: {name} should be a {kind} from {low} to {high}, not {_shown(value)}"
            )
        settings[name] = int(value) if name in WHOLE_NUMBERS else float(value)
    for name, choices in CHOICES.items():
        value = found.get(name, choices[0])
        if not any(value == choice and type(value) is type(choice) for choice in choices):
            known = " or ".join(_shown(choice) for choice in choices)
            raise CheckpointError(
                f"{path}: {name} {_shown(value)} is not supported, because no published model "
                f"uses it; this program plays {known}"
            )
        settings[name] = value
    if found.get("train_time_limit") is not None and settings["train_progressive"]:
        raise CheckpointError(
            f"{path}: train_time_limit {_shown(found['train_time_limit'])} is not supported, "
            "because the network then grows by the clock; only null, growth by pictures, is"
        )
    for name in ("mag_normalizer_a", "p_normalizer_a"):
        if abs(settings[name]) < 1e-6:
            raise CheckpointError(f"{path}: {name} must not be 0")
    if settings["stable_stage_num_images"] + settings["transition_stage_num_images"] == 0:
        raise CheckpointError(f"{path}: stable_stage_num_images must not be 0")
    return settings


def _is_number(value, whole):
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15:
        return False
    return math.isfinite(value) and (not whole or value == int(value))


def _shown(value):
    """A JSON value as in the file, cut short."""
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _hint(folder):
    models = sorted(path.parent.name for path in folder.glob("*/experiment.json"))
    if models:
        return f"this folder holds the models {', '.join(models)}; load one of those"
    return "a GANSynth model is a folder with experiment.json and stage_... folders"


def _shape(settings, pitches):
    return Shape(
        latent_size=settings["latent_vector_size"],
        pitches=pitches,
        resolutions=settings["num_resolutions"],
        start_height=settings["start_height"],
        start_width=settings["start_width"],
        fmap_base=settings["fmap_base"],
        fmap_decay=settings["fmap_decay"],
        fmap_max=settings["fmap_max"],
        tanh=settings["to_rgb_activation"] == "tanh",
    )


def _layout(folder, shape, settings):
    path = folder / "experiment.json"
    size = f"{shape.frames} x {shape.bins} (start_height, start_width, num_resolutions)"
    if shape.frames * shape.bins > LARGEST_PICTURE:
        raise CheckpointError(f"{path}: the picture of a note would have {size} pixels: too large")
    if shape.bins & (shape.bins - 1) or shape.bins < OVERLAP:
        raise CheckpointError(f"{path}: {size}: the number of columns must be a power of two")
    layout = Layout(shape.frames, shape.bins, settings["audio_length"], settings["sample_rate"])
    if not 0 <= layout.lead <= LONGEST_LEAD * layout.fft_size:
        raise CheckpointError(
            f"{path}: audio_length {layout.samples} does not fit a picture of {size}, which "
            f"covers {layout.samples + layout.lead} samples"
        )
    for block in range(1, shape.resolutions + 1):
        if shape.channels(block) < 1:
            raise CheckpointError(
                f"{path}: fmap_base {shape.fmap_base:g} leaves no channels for block {block}"
            )
    return layout


def _pitches(folder, room, settings):
    """The pitches of the model; `room` is how many its first layer takes."""
    path = folder / "meta.json"
    where = "the first layer of the network"
    if not path.exists():
        if room != len(PUBLISHED_PITCHES):
            raise CheckpointError(
                f"{path}: is missing. Without it the model should know the pitches 24-84 of the "
                f"published ones, but {where} takes {room} besides the "
                f"{settings['latent_vector_size']} values of z; copy the meta.json of the "
                "training sounds into the folder"
            )
        return PUBLISHED_PITCHES
    pitches = set()
    for name, note in _read_json(path, "it lists the sounds of the training").items():
        pitch = note.get("pitch") if isinstance(note, dict) else None
        if not _is_number(pitch, whole=True) or pitch not in PITCH_RANGE:
            raise CheckpointError(
                f"{path}: the note {_shown(name)} should have a pitch from 0 to 127, "
                f"not {_shown(pitch)}"
            )
        pitches.add(int(pitch))
    if len(pitches) != room:
        raise CheckpointError(
            f"{path}: lists {len(pitches)} different pitches, but {where} takes {room} besides "
            f"the {settings['latent_vector_size']} values of z; is it the meta.json of this model?"
        )
    return tuple(sorted(pitches))


# Files


def _stage_number(folder):
    match = re.fullmatch(r"stage_(\d{1,9})", folder.absolute().name)
    return int(match[1]) if match else None


def _holds_checkpoint(stage):
    return any(stage.glob("*.index")) or any(stage.glob("*.data-?????-of-?????"))


def _last_stage(folder):
    stages = [path for path in folder.iterdir() if path.is_dir()]
    stages = [path for path in stages if _stage_number(path) is not None]
    for stage in sorted(stages, key=_stage_number, reverse=True):
        if _holds_checkpoint(stage):
            return stage
    if stages:
        raise CheckpointError(
            f"{folder}: none of its {len(stages)} stage folders holds a checkpoint "
            "(model.ckpt-....index); was the archive unpacked to the end?"
        )
    raise CheckpointError(f"{folder}: has no stage_... folder; {_hint(folder)}")


def _prefix(stage):
    """Path of the checkpoint of a stage without ``.index``.

    The file ``checkpoint`` names it, often with a path of the machine that trained it; without a
    usable name it is the one of the highest step.
    """
    steps = {}
    for index in stage.glob("*.index"):
        number = re.search(r"-(\d+)$", index.stem)
        steps[index.stem] = int(number[1]) if number else -1
    if not steps:
        raise CheckpointError(f"{stage}: model.ckpt-....index is missing, only its data is there")
    name = _latest_name(stage)
    if name not in steps:
        name = max(steps, key=lambda stem: (steps[stem], stem))
    if not any(path.name.startswith(f"{name}.data-") for path in stage.iterdir()):
        raise CheckpointError(f"{stage / name}.data-00000-of-00001: is missing")
    return stage / name


def _latest_name(stage):
    """The name in the file ``checkpoint``, or None."""
    try:
        state = tf.train.get_checkpoint_state(str(stage))
    except (ValueError, OSError, tf.errors.OpError):  # e.g. not text
        return None
    if state is None:
        return None
    return PureWindowsPath(state.model_checkpoint_path).name  # takes / as well as \


class _Variables:
    """The variables of one TensorFlow checkpoint, with errors that name the file."""

    def __init__(self, prefix):
        self._prefix = prefix
        self._index = f"{prefix}.index"
        try:
            self._reader = tf.train.load_checkpoint(str(prefix))
            self._shapes = self._reader.get_variable_to_shape_map()
        except Exception as error:  # the reader raises many types
            raise CheckpointError(
                f"{self._index}: is damaged or no TensorFlow checkpoint: {_first_line(error)}"
            ) from None

    def shape(self, name):
        if name not in self._shapes:
            raise CheckpointError(
                f"{self._index}: has no variable {name}; is it the checkpoint of a GANSynth?"
            )
        return tuple(self._shapes[name])

    def read(self, name, shape):
        """A float32 array of the given shape."""
        if self.shape(name) != tuple(shape):
            raise CheckpointError(
                f"{self._index}: {name} has the shape {list(self.shape(name))}, but "
                f"experiment.json describes {list(shape)}; do the two belong together?"
            )
        values = self._read(name)
        if not np.issubdtype(values.dtype, np.floating):
            raise CheckpointError(f"{self._index}: {name} should hold floats, not {values.dtype}")
        if not np.isfinite(values).all():
            raise CheckpointError(
                f"{self._prefix}: {name} holds values that are not finite numbers; the training "
                "has failed, use an earlier checkpoint"
            )
        return values.astype(np.float32)

    def read_count(self, name):
        """A whole number."""
        if self.shape(name) != ():
            raise CheckpointError(f"{self._index}: {name} should be a single number")
        value = self._read(name)
        if not np.issubdtype(np.asarray(value).dtype, np.integer) or value < 0:
            raise CheckpointError(f"{self._index}: {name} should be a whole number from 0 up")
        return int(value)

    def _read(self, name):
        try:
            return self._reader.get_tensor(name)
        except Exception as error:  # the reader raises many types
            raise CheckpointError(
                f"{self._prefix}.data-00000-of-00001: {name} cannot be read, the file is cut "
                f"short or damaged; copy or unpack it again ({_first_line(error)})"
            ) from None


def _first_line(error):
    return str(error).partition("\n")[0][:200]
