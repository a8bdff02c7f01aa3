"""Reads NSynth checkpoints as Magenta published them, or as its training left them.

A checkpoint is a TensorFlow bundle: ``model.ckpt-200000.index`` names the variables and
``model.ckpt-200000.data-00000-of-00001`` holds them. Magenta's programs read the plain names, so the
moving averages and the slots of Adam that a training writes beside them are passed over.

TensorFlow is imported where a checkpoint is opened; finding one, or telling two apart, needs none.
"""

import hashlib
import re
from pathlib import Path, PureWindowsPath

import numpy as np

from pdbridge.errors import CheckpointError

# Not stored in a checkpoint: the one configuration that was published, h512_bo16.
HOP = 512  # samples of an embedding's frame
STAGES = 10  # layers until the dilation starts again at 1
TAPS = 3  # of the dilated convolutions

WAVENET = "NSynth's WaveNet autoencoder"
LARGEST_WIDTH = 8192  # channels; the published model has at most 512
MOST_LAYERS = 30  # of the published model; how far back notes are taken up counts on it
LARGEST_STATE = 2**20  # bytes of the text file `checkpoint`; an honest one has some hundred


class Weights(dict):
    """The variables of a WaveNet autoencoder by name, and its sizes.

    A convolution over several samples, ``dilatedconv_1/W``, is float32 [taps, in, out], the oldest
    tap first. One over a single sample, ``res_1/W``, is a matrix [in, out]. A bias,
    ``res_1/biases``, is [out]. Layers are counted from 1.

    Parameters
    ----------
    arrays : dict of str to float32 array
        All variables that `shapes` lists.
    fingerprint : str
        Tells one checkpoint from another, see `Variables`.

    Attributes
    ----------
    width, skip : int
        Channels of the decoder and of its skip connections (512 and 256 in the published model).
    layers : int
        Dilated layers of the decoder (30).
    ae_width, ae_layers : int
        Channels and dilated layers of the encoder (128 and 30).
    channels : int
        Numbers in a frame of the embedding (16).
    hop : int
        Samples of a frame, 512.
    stages : int
        Layers until the dilation starts again at 1: 10.
    fingerprint : str
    """

    hop = HOP
    stages = STAGES

    def __init__(self, arrays, fingerprint=""):
        super().__init__(arrays)
        self.fingerprint = fingerprint
        self.width, self.skip = self["skip_start/W"].shape
        self.ae_width, self.channels = self["ae_bottleneck/W"].shape
        self.layers = _layers(self, "dilatedconv")
        self.ae_layers = _layers(self, "ae_dilatedconv")

    def dilation(self, layer):
        """Samples between the taps of a dilated layer (counted from 1)."""
        return 2 ** ((layer - 1) % self.stages)


def shapes(width, skip, layers, ae_width, ae_layers, channels):
    """The variables of a WaveNet autoencoder, with shapes as in the file.

    Parameters
    ----------
    width, skip, layers, ae_width, ae_layers, channels : int
        As in `Weights`.

    Returns
    -------
    dict of str to tuple of int
    """
    kernels = {
        "startconv": (TAPS, 1, width),
        "skip_start": (1, width, skip),
        "out1": (1, skip, skip),
        "cond_map_out1": (1, channels, skip),
        "logits": (1, skip, 256),
        "ae_startconv": (TAPS, 1, ae_width),
        "ae_bottleneck": (1, ae_width, channels),
    }
    for layer in range(1, layers + 1):
        kernels[f"dilatedconv_{layer}"] = TAPS, width, 2 * width
        kernels[f"cond_map_{layer}"] = 1, channels, 2 * width
        kernels[f"res_{layer}"] = 1, width, width
        kernels[f"skip_{layer}"] = 1, width, skip
    for layer in range(1, ae_layers + 1):
        kernels[f"ae_dilatedconv_{layer}"] = TAPS, ae_width, ae_width
        kernels[f"ae_res_{layer}"] = 1, ae_width, ae_width
    shapes = {}
    for scope, kernel in kernels.items():
        shapes[f"{scope}/W"] = 1, *kernel
        shapes[f"{scope}/biases"] = kernel[-1:]
    return shapes


def read_wavenet(path):
    """Read a checkpoint of the WaveNet autoencoder.

    Parameters
    ----------
    path : str or Path
        As `find_prefix` takes it.

    Returns
    -------
    Weights

    Raises
    ------
    CheckpointError
        Naming the file and what is wrong with it.
    """
    variables = open_checkpoint(path, WAVENET)
    width, skip = variables.shape("skip_start/W", 4)[2:]
    ae_width, channels = variables.shape("ae_bottleneck/W", 4)[2:]
    layers = _layers(variables.names, "dilatedconv")
    ae_layers = _layers(variables.names, "ae_dilatedconv")
    for what, size, largest in (
        ("layers", max(layers, ae_layers), MOST_LAYERS),
        ("channels", max(width, skip, ae_width, channels), LARGEST_WIDTH),
    ):
        if size > largest:
            raise CheckpointError(
                f"{variables.index}: {size} {what} are more than this program takes ({largest})"
            )
    arrays = variables.read_all(shapes(width, skip, layers, ae_width, ae_layers, channels))
    return Weights({name: _squeezed(array) for name, array in arrays.items()}, variables.fingerprint)


def _squeezed(array):
    """Without the row dimension of Magenta's kernels, and without the tap of a single sample."""
    if array.ndim == 1:
        return array
    return array[0, 0] if array.shape[1] == 1 else array[0]


def _layers(names, scope):
    """The highest layer of which anything is there; what is missing below is named later."""
    numbered = (re.fullmatch(rf"{scope}_(\d{{1,6}})/(W|biases)", name) for name in names)
    return max((int(match[1]) for match in numbered if match), default=1)


# Any TensorFlow checkpoint


def find_prefix(path):
    """The prefix of a checkpoint: the name that its files have in common.

    Parameters
    ----------
    path : str or Path
        The prefix (``model.ckpt-200000``), one of the files that begin with it (``.index``,
        ``.data-...``, ``.meta``), or the folder that holds them. Of several checkpoints in a
        folder, the one that the file ``checkpoint`` names is taken, else that of the highest step.

    Returns
    -------
    Path
        Without ``.index``.

    Raises
    ------
    CheckpointError
        When there is none, or its data is missing.
    """
    path = Path(path).expanduser()
    try:
        prefix = _prefix_in(path) if path.is_dir() else _prefix_of(path)
        names = [file.name for file in prefix.parent.iterdir()]
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not any(name.startswith(f"{prefix.name}.data-") for name in names):
        raise CheckpointError(
            f"{prefix}.data-00000-of-00001: is missing; copy it beside {prefix.name}.index"
        )
    return prefix


def _prefix_of(path):
    """The prefix that a file name means."""
    prefix = path.with_name(re.sub(r"\.(index|meta|data-\d{5}-of-\d{5})$", "", path.name))
    if Path(f"{prefix}.index").is_file():
        return prefix
    if not path.is_file():
        where = f"{prefix}.index: there is no such file"
    elif prefix != path:
        where = f"{prefix}.index: is missing"
    elif re.search(r"\.(tar|tgz|gz|bz2|xz|zip)$", path.name):
        raise CheckpointError(f"{path}: is an archive; unpack it and give the folder")
    else:
        where = f"{path}: is no checkpoint"
    raise CheckpointError(
        f"{where}; a checkpoint is given as its folder or as the name that its files begin with, "
        "e.g. wavenet-ckpt/model.ckpt-200000"
    )


def _prefix_in(folder):
    """The prefix of the newest checkpoint in a folder."""
    steps = {}
    for index in folder.glob("*.index"):
        number = re.search(r"-(\d+)$", index.stem)
        steps[index.stem] = int(number[1]) if number else -1
    if not steps:
        inside = sorted({index.parent.name for index in folder.glob("*/*.index")})
        hint = f"; it holds the folders {', '.join(inside)}: give one of those" if inside else ""
        raise CheckpointError(f"{folder}: holds no checkpoint (model.ckpt-....index){hint}")
    name = _latest_name(folder / "checkpoint")
    if name not in steps:
        name = max(steps, key=lambda stem: (steps[stem], stem))
    return folder / name


def _latest_name(state):
    """The name in the text file ``checkpoint``, often with a path of the machine that trained it."""
    try:
        with open(state, encoding="utf-8", errors="replace") as file:
            text = file.read(LARGEST_STATE)
    except OSError:
        return None
    match = re.search(r'^\s*model_checkpoint_path:\s*"([^"\n]*)"', text, re.M)
    return PureWindowsPath(match[1]).name if match else None  # takes / as well as \


def open_checkpoint(path, model=WAVENET):
    """Open any TensorFlow checkpoint.

    Parameters
    ----------
    path : str or Path
        As `find_prefix` takes it.
    model : str
        What should be in it, for the messages of errors.

    Returns
    -------
    Variables

    Raises
    ------
    CheckpointError
        When there is none, or it is damaged.
    """
    return Variables(find_prefix(path), model)


class Variables:
    """The variables of one TensorFlow checkpoint, with errors that name the file.

    Attributes
    ----------
    prefix : Path
    index : str
        The file that lists the variables.
    names : frozenset of str
    fingerprint : str
        16 hexadecimal digits from the file `index`, which holds a checksum of every variable: it
        tells the contents of checkpoints apart, wherever they lie.
    """

    def __init__(self, prefix, model):
        import tensorflow as tf

        self.prefix = prefix
        self.index = f"{prefix}.index"
        self._model = model
        try:
            self.fingerprint = hashlib.sha256(Path(self.index).read_bytes()).hexdigest()[:16]
            self._reader = tf.train.load_checkpoint(str(prefix))
            self._shapes = self._reader.get_variable_to_shape_map()
        except Exception as error:  # the reader raises many types
            raise CheckpointError(
                f"{self.index}: is damaged or no TensorFlow checkpoint: {_first_line(error)}"
            ) from None
        self.names = frozenset(self._shapes)

    def shape(self, name, dimensions):
        """The shape of a variable that should have so many dimensions, all above 0."""
        if name not in self._shapes:
            raise CheckpointError(
                f"{self.index}: has no variable {name}; is it a checkpoint of {self._model}?"
            )
        shape = tuple(self._shapes[name])
        if len(shape) != dimensions or 0 in shape:
            raise CheckpointError(
                f"{self.index}: {name} has the shape {list(shape)}, which is none of {self._model}"
            )
        return shape

    def read_all(self, shapes):
        """Read float32 arrays.

        Parameters
        ----------
        shapes : dict of str to tuple of int
            The variables and what shapes they should have.

        Returns
        -------
        dict of str to float32 array

        Raises
        ------
        CheckpointError
            Naming variables that are missing, have another shape or type, cannot be read or are
            not finite.
        """
        missing = [name for name in shapes if name not in self._shapes]
        if missing:
            count = "" if len(missing) <= 3 else f" (and {len(missing) - 3} more)"
            raise CheckpointError(
                f"{self.index}: has no variable {', '.join(missing[:3])}{count}; is it a whole "
                f"checkpoint of {self._model}?"
            )
        return {name: self._read(name, shape) for name, shape in shapes.items()}

    def _read(self, name, shape):
        if tuple(self._shapes[name]) != tuple(shape):
            raise CheckpointError(
                f"{self.index}: {name} has the shape {list(self._shapes[name])}; beside the other "
                f"layers it should have {list(shape)}"
            )
        try:
            values = self._reader.get_tensor(name)
        except Exception as error:  # the reader raises many types
            raise CheckpointError(
                f"{self.prefix}.data-00000-of-00001: {name} cannot be read, the file is cut short "
                f"or damaged; copy or unpack it again ({_first_line(error)})"
            ) from None
        if values.dtype != np.float32:
            raise CheckpointError(f"{self.index}: {name} should hold float32, not {values.dtype}")
        if not np.isfinite(values).all():
            raise CheckpointError(
                f"{self.prefix}: {name} holds values that are not finite numbers; the training has "
                "failed, use an earlier checkpoint"
            )
        return values


def _first_line(error):
    return str(error).partition("\n")[0][:200]
