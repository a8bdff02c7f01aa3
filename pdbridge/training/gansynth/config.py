"""The settings of a training, with the names and defaults of Magenta's program, and its published configuration.

They are written to ``experiment.json`` and read back when a training goes on, by this program and by the original.
"""

import dataclasses
import difflib
import json
import math
from dataclasses import dataclass
from pathlib import Path

from pdbridge.errors import TrainingError
from pdbridge.gansynth.checkpoint import CHOICES, NUMBERS, WHOLE_NUMBERS, Shape
from pdbridge.gansynth.spectral import Layout


@dataclass(frozen=True)
class Config:
    """Settings; the defaults are those that the original takes for what a configuration does not say.

    Attributes
    ----------
    total_num_images, stable_stage_num_images, transition_stage_num_images : int
        Pictures of the whole training, and of its two kinds of stages.
    batch_size_schedule : list of int
        Batch sizes of the last resolutions; the first one counts for all before.
    seed : int
        Of everything random; this program's own.
    train_instrument_sources : list of int or None
        Which notes of the data set are used: 0 acoustic, 1 electronic, 2 synthetic; None for all.
    train_min_pitch, train_max_pitch : int
        MIDI pitches that are used, both included.

    The others are described in Magenta's configurations. What concerns summaries, clusters and the estimation of
    normalisers has no effect here.
    """

    data_type: str = "mel"
    total_num_images: int = 320
    discriminator_learning_rate: float = 0.0004
    generator_learning_rate: float = 0.0004
    train_progressive: bool = True
    stable_stage_num_images: int = 32
    transition_stage_num_images: int = 32
    save_summaries_num_images: int = 10000
    batch_size_schedule: list = dataclasses.field(default_factory=lambda: [16, 8])
    fmap_base: float = 512
    fmap_decay: float = 1.0
    fmap_max: int = 128
    fake_batch_size: int = 16
    latent_vector_size: int = 256
    kernel_size: int = 3
    gradient_penalty_target: float = 1.0
    gradient_penalty_weight: float = 10.0
    real_score_penalty_weight: float = 0.001
    generator_ac_loss_weight: float = 1.0
    discriminator_ac_loss_weight: float = 1.0
    gen_gl_consistency_loss_weight: float = 0.0
    dataset_name: str = "nsynth_tfrecord"  # the original's reader of TFRecords; it trains on those, too
    g_fn: str = "specgram"
    d_fn: str = "specgram"
    scale_mode: str = "ALL"
    scale_base: int = 2
    num_resolutions: int = 7
    start_height: int = 4
    start_width: int = 8
    train_root_dir: str = ""
    train_data_path: str = ""
    train_meta_path: str = ""
    train_instrument_sources: list | None = dataclasses.field(default_factory=lambda: [0])
    train_min_pitch: int = 24
    train_max_pitch: int = 84
    audio_length: int = 64000
    sample_rate: int = 16000
    data_normalizer: str = "specgrams_prespecified_normalizer"
    normalizer_margin: float = 0.8
    normalizer_num_examples: int = 1000
    mag_normalizer_a: float = 0.0661371661726
    mag_normalizer_b: float = 0.113718730221
    p_normalizer_a: float = 0.8
    p_normalizer_b: float = 0.0
    adam_beta1: float = 0.0
    adam_beta2: float = 0.99
    master: str = ""
    ps_tasks: int = 0
    task: int = 0
    debug_hook: bool = False
    train_time_limit: float | None = None
    train_time_stage_multiplier: float = 1.0
    simple_arch: bool = False
    to_rgb_activation: str = "tanh"
    seed: int = 0

    @property
    def plain(self):
        """Whether pictures are not normalised."""
        return self.data_normalizer == "none"

    @property
    def scale(self):
        """Of the normalisation of log power and frequency."""
        return (1.0, 1.0) if self.plain else (self.mag_normalizer_a, self.p_normalizer_a)

    @property
    def shift(self):
        """Of the normalisation of log power and frequency."""
        return (0.0, 0.0) if self.plain else (self.mag_normalizer_b, self.p_normalizer_b)

    @property
    def layout(self):
        """Of a note, as `pdbridge.gansynth.spectral` takes it."""
        grown = 2 ** (self.num_resolutions - 1)
        return Layout(self.start_height * grown, self.start_width * grown, self.audio_length, self.sample_rate)

    def shape(self, pitches):
        """Sizes of the networks for so many pitches."""
        return Shape(
            latent_size=self.latent_vector_size, pitches=pitches, resolutions=self.num_resolutions,
            start_height=self.start_height, start_width=self.start_width, fmap_base=self.fmap_base,
            fmap_decay=self.fmap_decay, fmap_max=self.fmap_max, tanh=self.to_rgb_activation == "tanh")


#: Named configurations: what differs from the defaults.
CONFIGS = {
    "mel_prog_hires": {  # Magenta's, of the published models
        "total_num_images": 11_000_000, "discriminator_learning_rate": 0.0008, "generator_learning_rate": 0.0008,
        "stable_stage_num_images": 800_000, "transition_stage_num_images": 800_000, "batch_size_schedule": [8],
        "fmap_base": 4096, "fmap_max": 256, "fake_batch_size": 61, "start_height": 2, "start_width": 16,
        "generator_ac_loss_weight": 10.0, "discriminator_ac_loss_weight": 10.0,
    },
}
# A sixteenth of the channels and of the pictures, for data of a few hundred notes.
CONFIGS["mel_prog_small"] = CONFIGS["mel_prog_hires"] | {
    "total_num_images": 700_000, "stable_stage_num_images": 50_000, "transition_stage_num_images": 50_000,
    "fmap_base": 1024, "fmap_max": 64,
}
# Of the built-in model, which learns from a synthesizer (`distil`): many channels where pictures are large and few
# where they are small, since partials have to be kept apart. The last block has 16, the width of AVX-512.
CONFIGS["distilled"] = CONFIGS["mel_prog_hires"] | {
    "total_num_images": 25_500, "generator_learning_rate": 0.01, "adam_beta1": 0.9, "adam_beta2": 0.98,
    "train_progressive": False, "batch_size_schedule": [4], "fmap_base": 295, "fmap_decay": 0.6, "fmap_max": 80,
}
CONFIGS["defaults"] = {}
PUBLISHED = "mel_prog_hires"

# What training takes, beyond what `checkpoint` says for playing: smallest and largest value.
_WHOLE = {name: limits for name, (_, *limits) in WHOLE_NUMBERS.items()} | {
    "total_num_images": (1, 10**12), "stable_stage_num_images": (1, 10**12),
    "transition_stage_num_images": (1, 10**12), "sample_rate": (16000, 16000), "train_min_pitch": (0, 127),
    "train_max_pitch": (0, 127), "seed": (0, 2**32 - 1),
}
_NUMBERS = {name: limits for name, (_, *limits) in NUMBERS.items()} | {
    "discriminator_learning_rate": (0, 10), "generator_learning_rate": (0, 10),
    "gradient_penalty_target": (1e-6, 1e6), "gradient_penalty_weight": (0, 1e6),
    "real_score_penalty_weight": (0, 1e6), "generator_ac_loss_weight": (0, 1e6),
    "discriminator_ac_loss_weight": (0, 1e6), "adam_beta1": (0, 0.999999), "adam_beta2": (0, 0.999999),
}
_CHOICES = CHOICES | {"d_fn": ("specgram",), "gen_gl_consistency_loss_weight": (0.0,), "train_time_limit": (None,)}
_LISTS = {"batch_size_schedule": (1, 65536), "train_instrument_sources": (0, 2)}
#: Settings that have an effect here.
EFFECTIVE = {*_WHOLE, *_NUMBERS, *_CHOICES, *_LISTS}


def make(name=PUBLISHED, **changes):
    """A named configuration with some settings changed.

    Parameters
    ----------
    name : str
        One of `CONFIGS`.
    **changes
        By the names of `Config`.

    Returns
    -------
    Config

    Raises
    ------
    TrainingError
        An unknown name, or a value that cannot be; it names the near matches or the range.
    """
    if name not in CONFIGS:
        raise TrainingError(f"there is no configuration {name}{_near(name, CONFIGS)}; there are {', '.join(CONFIGS)}")
    for key in changes:
        if key not in FIELDS:
            raise TrainingError(f"there is no setting {key}{_near(key, FIELDS)}")
    values = CONFIGS[name] | changes
    return Config(**{key: _checked(key, value) for key, value in values.items()})


def parse(text):
    """Settings as JSON: ``{"fmap_max": 64}``, or the name of a file that holds such.

    Returns
    -------
    dict
    """
    where = "the settings"
    if not text.lstrip().startswith("{"):
        where = text
        try:
            text = Path(text).expanduser().read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise TrainingError(f"{where}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TrainingError(f"{where}: not valid JSON: {error}") from None
    if not isinstance(settings, dict):
        raise TrainingError(f"{where}: should be a JSON object {{...}}")
    return settings


def parse_setting(text):
    """One setting as ``name=value``; the value is JSON, or else text.

    Returns
    -------
    (str, value)
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise TrainingError(f"{text}: a setting is written NAME=VALUE")
    try:
        return name.strip(), json.loads(value)
    except (ValueError, RecursionError):
        return name.strip(), value.strip()


def read(path):
    """The settings in an ``experiment.json``, from here or from the original; names that are unknown are left out."""
    settings = parse(str(path))
    known = {key: value for key, value in settings.items() if key in FIELDS}
    try:
        return make("defaults", **known)
    except TrainingError as error:
        raise TrainingError(f"{path}: {error}") from None


def as_json(config):
    """The content of ``experiment.json``."""
    return json.dumps(dataclasses.asdict(config), indent=4) + "\n"


FIELDS = {field.name: field for field in dataclasses.fields(Config)}


def _near(name, known):
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f" (near: {', '.join(near)})" if near else ""


def _checked(name, value):
    """The value in the type of the setting."""
    if name in _LISTS:
        low, high = _LISTS[name]
        if value is None and name == "train_instrument_sources":
            return None
        if isinstance(value, list | tuple) and value and all(_is_number(each, low, high, True) for each in value):
            return [int(each) for each in value]
        raise TrainingError(f"{name} should be a list of whole numbers from {low} to {high}, not {_shown(value)}")
    if name in _CHOICES:
        for choice in _CHOICES[name]:
            if value == choice and isinstance(value, bool) == isinstance(choice, bool):
                return choice
        known = " or ".join(_shown(choice) for choice in _CHOICES[name])
        raise TrainingError(f"{name} {_shown(value)} is not supported; it can be {known}")
    for table, whole in ((_WHOLE, True), (_NUMBERS, False)):
        if name in table:
            low, high = table[name]
            if not _is_number(value, low, high, whole):
                kind = "whole number" if whole else "number"
                raise TrainingError(f"{name} should be a {kind} from {low:g} to {high:g}, not {_shown(value)}")
            return int(value) if whole or value == int(value) and name == "fmap_base" else float(value)
    return value  # without effect here, or text


def _is_number(value, low, high, whole):
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return low <= value <= high and (not whole or value == int(value))


def _shown(value):
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def check_sizes(config):
    """Refuse sizes of which no network can be made.

    Raises
    ------
    TrainingError
    """
    layout, shape = config.layout, config.shape(pitches=1)
    size = f"a picture of {layout.rows} x {layout.bins} (start_height, start_width, num_resolutions)"
    if layout.bins & (layout.bins - 1) or layout.bins < 4 or layout.rows * layout.bins > 2**22:
        raise TrainingError(f"{size} cannot be trained: the number of columns must be a power of two, and pixels "
                            f"{2**22:,} at most")
    if not 0 <= layout.lead <= 2 * layout.fft_size:
        raise TrainingError(f"audio_length {layout.samples} does not fit {size}, which covers "
                            f"{layout.samples + layout.lead} samples")
    if shape.channels(shape.resolutions) < 1:
        raise TrainingError(f"fmap_base {config.fmap_base:g} leaves no channels for block {shape.resolutions}")
    if config.train_min_pitch > config.train_max_pitch:
        raise TrainingError("train_min_pitch is above train_max_pitch")
    for name in ("mag_normalizer_a", "p_normalizer_a"):
        if abs(getattr(config, name)) < 1e-6:
            raise TrainingError(f"{name} must not be 0")
