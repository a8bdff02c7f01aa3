"""The settings of a training of NSynth, with the names and values of Magenta's programs.

They stand in ``hparams.json`` beside the checkpoints, so that a training goes on with what it began with.
"""

import dataclasses
import difflib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from pdbridge.errors import TrainingError
from pdbridge.files import written_whole
from pdbridge.nsynth.checkpoint import HOP, LARGEST_WIDTH, MOST_LAYERS, STAGES, TAPS
from pdbridge.training.nsynth.schedule import RATES, STEPS

FILE = "hparams.json"
NOTE_LENGTH = 64000  # samples at 16 kHz that are heard of a note
LARGEST = 2**20  # bytes of a settings file; an honest one has some hundred


@dataclass(frozen=True)
class WaveNet:
    """Settings of the WaveNet autoencoder; the defaults are the published model's (h512_bo16).

    Attributes
    ----------
    num_layers, width, skip_width : int
        Dilated layers of the decoder, their channels, and those of the skip connections.
    ae_num_layers, ae_width : int
        Dilated layers of the encoder, and their channels.
    ae_bottleneck_width : int
        Numbers in a frame of the embedding.
    num_stages, filter_length, ae_num_stages, ae_filter_length, ae_hop_length : int
        Not in a checkpoint, so whoever loads it counts on the published values: these cannot be changed.
    crop_length : int
        Samples of a note that a step hears, a multiple of 512.
    num_iters : int
        Steps of the training.
    learning_rate_schedule : dict of int to float
        From which step on which rate holds.
    batch_size : int
        Notes in a step. Magenta trained with 32, one on each of 32 machines.
    seed : int
        Of the first weights, the order of the notes and the crops; this program's own.
    """

    num_stages: int = STAGES
    num_layers: int = MOST_LAYERS
    filter_length: int = TAPS
    width: int = 512
    skip_width: int = 256
    ae_num_stages: int = STAGES
    ae_num_layers: int = MOST_LAYERS
    ae_filter_length: int = TAPS
    ae_width: int = 128
    ae_hop_length: int = HOP
    ae_bottleneck_width: int = 16
    crop_length: int = 6144
    num_iters: int = STEPS
    learning_rate_schedule: dict = field(default_factory=lambda: dict(RATES))
    batch_size: int = 32
    seed: int = 0

    _fixed = {"num_stages": STAGES, "filter_length": TAPS, "ae_num_stages": STAGES, "ae_filter_length": TAPS,
              "ae_hop_length": HOP}
    _bounds = {"num_layers": (1, MOST_LAYERS), "ae_num_layers": (1, MOST_LAYERS), "width": (1, LARGEST_WIDTH),
               "skip_width": (1, LARGEST_WIDTH), "ae_width": (1, LARGEST_WIDTH),
               "ae_bottleneck_width": (1, LARGEST_WIDTH), "crop_length": (HOP, NOTE_LENGTH // HOP * HOP),
               "num_iters": (1, 10**9), "batch_size": (1, 4096), "seed": (0, 2**32 - 1)}

    def __post_init__(self):
        _check(self)
        if self.crop_length % HOP:
            raise TrainingError(f"crop_length is a multiple of {HOP}, not {self.crop_length}")
        object.__setattr__(self, "learning_rate_schedule", _schedule(self.learning_rate_schedule))

    @property
    def sizes(self):
        """As `pdbridge.nsynth.checkpoint.shapes` takes them."""
        return {"width": self.width, "skip": self.skip_width, "layers": self.num_layers, "ae_width": self.ae_width,
                "ae_layers": self.ae_num_layers, "channels": self.ae_bottleneck_width}


@dataclass(frozen=True)
class Baseline:
    """Settings of the spectral autoencoder; the defaults are the published model's (nfft_1024).

    Attributes
    ----------
    num_latent : int
        Numbers in a z.
    pitch_dim : int
        Numbers that stand for a pitch.
    channels : list of 4 int
        Channels of layers that have 128, 256, 512 and 1024 in the published model.
    fw_loss_coeff, fw_loss_cutoff : float
        How much more an error at 0 Hz counts than one at the cutoff (in Hz) and above.
    learning_rate, adam_beta : float
    max_steps : int
    batch_size : int
        Notes in a step, 2 or more, since they are normalised together.
    padding : str
        How spectrograms begin and end, see `pdbridge.nsynth.spectrogram.PADDINGS`. This program's own, as is
    seed : int
        of the first weights and the order of the notes.
    """

    num_latent: int = 1984
    pitch_dim: int = 128
    channels: list = field(default_factory=lambda: [128, 256, 512, 1024])
    fw_loss_coeff: float = 10.0
    fw_loss_cutoff: float = 4000.0
    learning_rate: float = 1e-4
    adam_beta: float = 0.5
    max_steps: int = 6000 * 50_000
    batch_size: int = 8
    padding: str = "constant"
    seed: int = 0

    _fixed = {}
    _bounds = {"num_latent": (1, LARGEST_WIDTH), "pitch_dim": (1, LARGEST_WIDTH), "fw_loss_coeff": (0, 1e6),
               "fw_loss_cutoff": (0, 8000), "learning_rate": (0, 1), "adam_beta": (0, 0.999999),
               "max_steps": (1, 10**9), "batch_size": (2, 4096), "seed": (0, 2**32 - 1)}

    def __post_init__(self):
        _check(self)
        if len(self.channels) != 4 or not all(_whole(size) and 1 <= size <= LARGEST_WIDTH for size in self.channels):
            raise TrainingError("channels are four whole numbers from 1 up, e.g. 128,256,512,1024, not "
                                f"{self.channels}")
        if self.padding not in ("constant", "reflect"):
            raise TrainingError(f"padding is constant or reflect, not {self.padding}")


def parse_setting(text):
    """A setting as a command line has it.

    Parameters
    ----------
    text : str
        "name=value". A list is written with commas, a schedule as "0:0.0002,90000:0.0001".

    Returns
    -------
    (str, str)

    Raises
    ------
    TrainingError
        When there is no "=".
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise TrainingError(f"a setting is written NAME=VALUE, not {text}")
    return name.strip(), value.strip()


def checked(kind, settings):
    """Some settings, read and checked.

    Parameters
    ----------
    kind : type
        `WaveNet` or `Baseline`.
    settings : dict of str to value
        A value may be text, as `parse_setting` takes it apart.

    Returns
    -------
    dict of str to value

    Raises
    ------
    TrainingError
        Naming the setting, and what was meant perhaps.
    """
    types = {setting.name: setting.type for setting in dataclasses.fields(kind)}
    for name in settings:
        if name not in types:
            near = difflib.get_close_matches(name, types, 1)
            hint = f"is {near[0]} meant?" if near else f"there are {', '.join(types)}"
            raise TrainingError(f"there is no setting {name}; {hint}")
    read = {name: _read(name, types[name], value) if isinstance(value, str) else value
            for name, value in settings.items()}
    whole = dataclasses.replace(kind(), **read)
    return {name: getattr(whole, name) for name in read}


def _read(name, kind, text):
    """A value from text."""
    if kind is list:
        return [_read(name, int, part) for part in text.split(",")]
    if kind is dict:
        pairs = [pair.partition(":") for pair in text.split(",")]
        return {_read(name, int, step): _read(name, float, rate) for step, _, rate in pairs}
    try:
        return kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise TrainingError(f"{name} takes {what}, not {text}") from None


def save(folder, hparams):
    """Write ``hparams.json`` into the folder of a training.

    Parameters
    ----------
    folder : Path
    hparams : WaveNet or Baseline
    """
    with written_whole(Path(folder) / FILE) as path:
        path.write_text(json.dumps({"hparams": dataclasses.asdict(hparams)}, indent=1) + "\n")


def load(folder, kind):
    """The settings with which a training began.

    Parameters
    ----------
    folder : Path
    kind : type
        `WaveNet` or `Baseline`.

    Returns
    -------
    WaveNet, Baseline or None
        None when the folder has no ``hparams.json``.

    Raises
    ------
    TrainingError
        When the file is damaged or of another model.
    """
    path = Path(folder) / FILE
    try:
        with open(path, encoding="utf-8") as file:
            found = json.loads(file.read(LARGEST))["hparams"]
        if "learning_rate_schedule" in found:
            found["learning_rate_schedule"] = {int(step): rate
                                               for step, rate in found["learning_rate_schedule"].items()}
        return kind(**found)
    except FileNotFoundError:
        return None
    except TrainingError as error:
        raise TrainingError(f"{path}: {error}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(f"{path} holds no settings of this training ({error}); choose another folder") from None


def _check(hparams):
    """Types and bounds of all settings."""
    for setting in dataclasses.fields(hparams):
        name, value = setting.name, getattr(hparams, setting.name)
        if name in hparams._fixed and value != hparams._fixed[name]:
            raise TrainingError(f"{name} is {hparams._fixed[name]} in every checkpoint that can be loaded, not {value}")
        if name in hparams._bounds:
            least, most = hparams._bounds[name]
            whole = setting.type is int
            if not (_whole(value) if whole else _number(value)) or not least <= value <= most:
                what = "whole number" if whole else "number"
                raise TrainingError(f"{name} is a {what} from {least} to {most}, not {value}")


def _schedule(rates):
    if not isinstance(rates, dict) or 0 not in rates or not all(
            _whole(step) and step >= 0 and _number(rate) and 0 < rate <= 1 for step, rate in rates.items()):
        raise TrainingError("learning_rate_schedule gives rates above 0 by the steps from which they hold, the first "
                            f"from step 0, e.g. 0:0.0002,90000:0.0001, not {rates}")
    return dict(sorted(rates.items()))


def _whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
