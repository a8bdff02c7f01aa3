"""SING's checkpoints: the files of the original program, which PyTorch wrote, and our own ``.npz``.

The original's ``sing.th`` is a whole PyTorch object: a pickle that asks for PyTorch's and SING's classes by
name and even brings their source text along. It is not unpickled, and PyTorch is not needed: its steps are
followed one by one (`pdbridge.pickles`), and a closed list of names gets inert stand-ins. A tensor becomes a
view of the mapped file, so that 255 MB open at once. These forms are known:

* the stream of 2018 (several pickles, then the numbers), as torch 0.4 and 1.x write it,
* the zip file of torch 1.6 and later,
* in both, a SING object, or a dict of tensors (``state_dict``), or a tuple (epoch, dict), as the original
  keeps it during training,
* our own ``.npz``, see `write_checkpoint`.

The architecture is that of Défossez et al. 2018, "SING: Symbol-to-Instrument Neural Generator".
"""

import enum
import json
import math
import re
import reprlib
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pdbridge.errors import CheckpointError
from pdbridge.mapped import Damaged, MappedFile, read_npz, write_npz, zip_member, zip_members
from pdbridge.pickles import PickleSteps, full_name

SAMPLE_RATE = 16000  # Hz, of the NSynth dataset
MARGIN = 512  # samples that the original's command drops at each end of what the network makes
INPUTS = ("instrument", "pitch", "velocity")
#: What a dict of tensors does not say, as the original's commands set it.
LENGTH, STRIDE = 265, 256

SEQUENCE = "sequence_generator"
DECODER = "decoder.layers"

MAGIC = 0x1950A86A20F9469CFC6C  # the first number in PyTorch's streams
PROTOCOL = 1001
FORMAT = "pdbridge SING"  # of our own files
MOST_NAMES = 10_000  # of tensors and settings; the published model has 27 tensors
DEEPEST = 8  # modules within modules
MOST_LAYERS = 16
LARGEST_STRIDE = 1 << 16
LONGEST_NOTE = 1 << 22  # samples, 4 minutes; a file may say anything


@dataclass(frozen=True)
class Checkpoint:
    """What is in a checkpoint, checked: every tensor is there and has the shape that the others ask for.

    Attributes
    ----------
    path : Path
    parameters : dict of str to float32 array
        By their names in the original; read-only views of the mapped file. With the sizes of the published
        model:

        ====================================================  =============================
        ``sequence_generator.tables.{0,1,2}.weight``          (instruments 1006, 16),
                                                              (pitches 121, 8),
                                                              (velocities 6, 2)
        ``sequence_generator.time_table.weight``              (frames 265, 4); may be missing
        ``sequence_generator.lstm.weight_ih_l{0,1,2}``        (4096, 30), then (4096, 1024);
                                                              rows: gates i, f, g, o
        ``sequence_generator.lstm.weight_hh_l{0,1,2}``        (4096, 1024)
        ``sequence_generator.lstm.bias_{ih,hh}_l{0,1,2}``     (4096,); the two are added
        ``sequence_generator.decoder.{weight,bias}``          (128, 1024), (128,)
        ``decoder.layers.0.{weight,bias}``                    (4096, 128, context 9), (4096,)
        ``decoder.layers.{2,4}.{weight,bias}``                (4096, 4096, 1), (4096,)
        ``decoder.layers.6.conv_tr.{weight,bias}``            (4096, 1, kernel 1024), (1,)
        ``decoder.layers.6.window``                           (1024,); multiplied onto the weight. A model
                                                              without it has ``decoder.layers.6.{weight,bias}``
        ====================================================  =============================
    inputs : tuple of str
        What the tables stand for, in order: instrument, pitch, velocity.
    length : int
        Frames that the sequence generator makes for a note.
    stride : int
        Samples from one frame to the next in the last layer.
    instruments : dict of str to int, or None
        Names of the rows of the first table. Only our own files hold them.
    metadata : dict
        What else our own files hold, as JSON.
    file : MappedFile
        Ask it `check_unchanged` before you read the parameters.
    """

    path: Path
    parameters: dict
    inputs: tuple
    length: int
    stride: int
    instruments: dict | None = None
    metadata: dict = field(default_factory=dict)
    file: MappedFile = field(default=None, repr=False, compare=False)

    @property
    def lstm_layers(self):
        """Layers of the LSTM (int)."""
        return _lstm_layers(self.parameters)

    @property
    def hidden(self):
        """Cells of each layer of the LSTM (int)."""
        return self.parameters[f"{SEQUENCE}.lstm.weight_hh_l0"].shape[1]

    @property
    def dimension(self):
        """Numbers in a frame, between the sequence generator and the decoder (int)."""
        return len(self.parameters[f"{SEQUENCE}.decoder.bias"])

    @property
    def channels(self):
        """Channels inside the decoder (int)."""
        return len(self.parameters[f"{DECODER}.0.bias"])

    @property
    def context(self):
        """Frames that the decoder's first layer looks at together (int)."""
        return self.parameters[f"{DECODER}.0.weight"].shape[2]

    @property
    def rewrites(self):
        """1x1 layers of the decoder (int)."""
        return self.last_layer // 2 - 1

    @property
    def last_layer(self):
        """Number of the decoder's last layer (int)."""
        return _last_layer(self.parameters)

    @property
    def kernel(self):
        """Samples that a frame becomes in the last layer, before they are overlapped (int)."""
        return self.synthesis_weight_name[1][2]

    @property
    def synthesis_weight_name(self):
        """Name and shape of the last layer's weight."""
        windowed = f"{DECODER}.{self.last_layer}.conv_tr.weight"
        name = windowed if windowed in self.parameters else f"{DECODER}.{self.last_layer}.weight"
        return name, self.parameters[name].shape

    @property
    def raw_length(self):
        """Samples that the network makes (int); `note_length` and a margin at each end."""
        return (self.length - self.context + 2) * self.stride - self.kernel

    @property
    def note_length(self):
        """Samples of a note (int); 64000 in the published model."""
        return self.raw_length - 2 * MARGIN


def read_checkpoint(path, stride=STRIDE):
    """Open a checkpoint. Only its table of contents is read; the parameters are read when they are used.

    Parameters
    ----------
    path : str or Path
        A file in any of the forms above; which, is told from its first bytes.
    stride : int
        Samples from frame to frame, for files that do not say it: those that hold tensors alone. The
        original's default is 256.

    Returns
    -------
    Checkpoint

    Raises
    ------
    CheckpointError
        It is missing, damaged, cut short, no SING, or asks for something that does not belong into one.
    """
    file = MappedFile(path, "the SING checkpoint", CheckpointError)
    try:
        zipped = bytes(file.bytes[:4]) == b"PK\x03\x04"
        if zipped and (archive := _archive(file.bytes)):
            made = _read_zip(file.bytes, *archive)
        elif zipped:
            return _ours(file)
        else:
            made = _read_stream(file.bytes)
        return _from_torch(file, made, stride)
    except Damaged as error:
        raise CheckpointError(f"{file.path} {error}") from None


def write_checkpoint(path, parameters, inputs=INPUTS, length=LENGTH, stride=STRIDE, instruments=None,
                     metadata=None, more=None):
    """Write our own checkpoint: an uncompressed ``.npz`` that `read_checkpoint` maps and ``numpy.load`` reads.

    Its keys are the names of the parameters as in `Checkpoint.parameters`, float32 in the shapes that they
    have there (the original's: LSTM gates in the order i, f, g, o, convolutions (out, in, width)). The key
    ``metadata`` is a text, JSON: an object with ``format`` ("pdbridge SING"), ``version`` (1), ``inputs``,
    ``length``, ``stride``, perhaps ``instruments`` ({name: row}), and whatever else `metadata` holds. Keys
    that begin with ``training/`` are for whoever trains (optimiser, position) and are passed over by
    `read_checkpoint`.

    Parameters
    ----------
    path : str or Path
        Replaced when all is written.
    parameters : dict of str to array
    inputs : sequence of str
    length, stride : int
        See `Checkpoint`.
    instruments : dict of str to int, optional
        Names of the rows of the first table.
    metadata : dict, optional
        Anything that JSON holds, e.g. the phase and epoch.
    more : dict of str to array, optional
        Kept as ``training/<name>``.

    Raises
    ------
    CheckpointError
        These parameters make no SING.
    MessageError
        The file cannot be written.
    """
    parameters = {name: np.asarray(array, np.float32) for name, array in parameters.items()}
    try:
        _checked(Path(path), parameters, inputs, length, stride, instruments)
    except Damaged as error:
        raise CheckpointError(f"{path} is not written: the model {error}") from None
    about = {**(metadata or {}), "format": FORMAT, "version": 1, "inputs": list(inputs), "length": int(length),
             "stride": int(stride)}
    if instruments is not None:
        about["instruments"] = {name: int(row) for name, row in instruments.items()}
    write_npz(path, {"metadata": json.dumps(about), **parameters,
                     **{f"training/{name}": array for name, array in (more or {}).items()}})


# PyTorch's two containers


def _read_stream(data):
    """What torch.save made until 2020: pickles one after the other, then the numbers of each storage."""
    steps = _Torch(data)
    try:
        begins = steps.follow() == MAGIC
    except Damaged:
        begins = False
    if not begins:
        raise Damaged("is no SING checkpoint: it does not begin as PyTorch's files do")
    steps = _Torch(data, steps.position)
    if steps.follow() != PROTOCOL:
        raise Damaged("was written by a PyTorch whose files are not known")
    steps = _Torch(data, steps.position)
    system = steps.follow()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise Damaged("was written by a computer with another order of bytes, which is not read")
    steps = _Torch(data, steps.position)
    made, storages = steps.follow(), steps.storages
    steps = _Torch(data, steps.position)
    keys, position = steps.follow(), steps.position
    if (not isinstance(keys, list) or not all(isinstance(key, str) for key in keys)
            or len(set(keys)) != len(keys) or set(keys) != set(storages)):
        raise Damaged("is damaged: its list of numbers does not fit its tensors")
    for key in keys:
        storage = storages[key]
        head = data[position:position + 8]
        if len(head) < 8:
            raise Damaged("is cut short")
        if struct.unpack("<q", head)[0] != storage.count:
            raise Damaged(f"is damaged: storage {reprlib.repr(key)} has another size than its tensors say")
        position += 8
        storage.data = data[position:position + storage.size]
        if len(storage.data) < storage.size:
            raise Damaged("is cut short")
        position += storage.size
    if position != len(data):
        raise Damaged(f"is damaged: {len(data) - position} bytes follow its end")
    return made


def _archive(data):
    """Members by name and the name of the pickle if this is PyTorch's zip file, or None."""
    try:
        listed = zip_members(data)
    except Exception as error:  # zipfile raises many types for what is no zip file
        raise Damaged(f"is damaged, or cut short: {error}") from None
    members = {member.filename: member for member in listed}
    pickles = [name for name in members if name.endswith("/data.pkl")]
    if not pickles:
        if not any(name.endswith(".npy") for name in members):
            raise Damaged("is no SING checkpoint: it is a zip of something else")
        return None
    if len(pickles) > 1 or len(members) != len(listed):
        raise Damaged("is damaged: a name is twice in it")
    return members, pickles[0]


def _read_zip(data, members, name):
    """What torch.save makes since 2020."""
    root = name.removesuffix("data.pkl")

    def contents(name):
        if name not in members:
            raise Damaged(f"is damaged: it lacks {reprlib.repr(name)}")
        return zip_member(data, members[name])

    if f"{root}byteorder" in members and bytes(contents(f"{root}byteorder")) != b"little":
        raise Damaged("was written by a computer with another order of bytes, which is not read")
    steps = _Torch(contents(name))
    made = steps.follow()
    for key, storage in steps.storages.items():
        storage.data = contents(f"{root}data/{key}")
        if len(storage.data) != storage.size:
            raise Damaged(f"is damaged: storage {reprlib.repr(key)} has another size than its tensors say")
    return made


# The pickles in them


class Known(enum.Enum):
    """What a pickle may ask for by name."""

    DICT = enum.auto()
    SET = enum.auto()
    TENSOR = enum.auto()
    PARAMETER = enum.auto()
    NOTHING = enum.auto()


@dataclass(frozen=True)
class _Class:
    """Stands in for a class of PyTorch or SING."""

    name: str


@dataclass(frozen=True)
class _StorageType:
    """Numbers of one type; those that no SING has are known so that they can be named in an error."""

    name: str
    dtype: np.dtype


class _Module:
    """An object of such a class; only keeps its state."""

    def __init__(self, kind):
        self.kind, self.state = kind, {}


@dataclass
class _Storage:
    kind: _StorageType
    count: int
    data: memoryview = None

    @property
    def size(self):
        """Bytes."""
        return self.count * self.kind.dtype.itemsize


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple
    strides: tuple  # in elements

    def array(self, name):
        """A view of the mapped file; float32, or what becomes it."""
        sizes = self.offset, *self.shape, *self.strides
        if (not all(type(size) is int and size >= 0 for size in sizes) or len(self.shape) > 8
                or len(self.strides) != len(self.shape)):
            raise Damaged(f"is damaged: the tensor {name} has an impossible shape")
        count = math.prod(self.shape)
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        # A tensor that is larger than its storage repeats itself; nothing but a trap does that.
        if not count or count > self.storage.count or last >= self.storage.count:
            raise Damaged(f"is damaged: the tensor {name} reaches beyond its numbers")
        dtype = self.storage.kind.dtype
        if dtype.kind != "f":
            raise Damaged(f"holds the tensor {name} as {self.storage.kind.name}, which is not read")
        numbers = np.frombuffer(self.storage.data, dtype, offset=self.offset * dtype.itemsize)
        strides = [stride * dtype.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(numbers, self.shape, strides, writeable=False)


MODULES = ("sing.sequence.models.SING", "sing.sequence.models.SequenceGenerator",
           "sing.ae.models.ConvolutionalDecoder",
           "sing.ae.utils.WindowedConvTranpose1d",  # spelled so
           *(f"torch.nn.modules.{name}" for name in (
               "container.ModuleList", "container.Sequential", "sparse.Embedding", "rnn.LSTM", "linear.Linear",
               "conv.Conv1d", "conv.ConvTranspose1d", "activation.ReLU")),
           "torch.backends.cudnn.rnn.Unserializable")  # of an LSTM that ran on a GPU under torch 0.4

STORAGES = {f"torch.{name}Storage": code for name, code in (
    ("Float", "<f4"), ("Double", "<f8"), ("Half", "<f2"), ("Long", "<i8"), ("Int", "<i4"), ("Short", "<i2"),
    ("Char", "i1"), ("Byte", "u1"), ("Bool", "?"))}

NAMES = {
    "collections.OrderedDict": Known.DICT,
    "builtins.set": Known.SET,
    "__builtin__.set": Known.SET,
    "torch._utils._rebuild_tensor_v2": Known.TENSOR,
    "torch._utils._rebuild_parameter": Known.PARAMETER,  # since torch 1.0
    "torch.nn.parameter.Parameter": Known.PARAMETER,  # before
    "torch.nn.backends.thnn._get_thnn_function_backend": Known.NOTHING,
} | {name: _Class(name) for name in MODULES} | {
    name: _StorageType(name, np.dtype(code)) for name, code in STORAGES.items()}


class _Torch(PickleSteps):
    """Knows PyTorch's tensors and SING's modules."""

    content = "a SING checkpoint"

    def __init__(self, data, position=0):
        super().__init__(data, position)
        self.storages = {}

    def known(self, module, name):
        return NAMES.get(full_name(module, name)) or self.unknown(module, name)

    def made(self, function, arguments):
        match function, arguments:
            case Known.DICT, ():
                return {}
            case Known.SET, (list(values),):
                return values  # a set would want to compare them
            case Known.NOTHING, ():
                return None
            case Known.TENSOR, (_Storage() as storage, offset, tuple(shape), tuple(strides), *_):
                return _Tensor(storage, offset, shape, strides)
            case Known.PARAMETER, (_Tensor() as tensor, *_):
                return tensor
        raise Damaged(f"is damaged: it makes something of {self.kind(function)} that is no tensor")

    def new(self, kind, arguments):
        if not isinstance(kind, _Class) or arguments != ():
            raise Damaged(f"is damaged: it makes an object of {self.kind(kind)}")
        return _Module(kind.name)

    def build(self, target, state):
        match target, state:
            case _Module(), dict():
                target.state.update(state)
            case _Module(), str():  # Unserializable
                pass
            case dict(), dict():  # attributes of an OrderedDict, such as the versions of modules
                pass
            case _:
                super().build(target, state)

    def persistent(self, identity):
        match identity:
            case "module", _Class() as kind, *_:  # and its source text, which is not looked at
                return kind
            case ("storage", _StorageType() as kind, str(key), str(), int(count)) | \
                 ("storage", _StorageType() as kind, str(key), str(), int(count), None) if count >= 0:
                storage = self.storages.setdefault(key, _Storage(kind, count))
                if (storage.kind, storage.count) != (kind, count):
                    raise Damaged(f"is damaged: storage {reprlib.repr(key)} is described in two ways")
                return storage
        raise Damaged("is damaged: it refers to something that is no tensor")

    def kind(self, value):
        names = {_Class: "a class", _StorageType: "a type", Known: "a name", _Module: "a module",
                 _Storage: "numbers", _Tensor: "a tensor"}
        return names.get(type(value)) or super().kind(value)


# From what a file holds to a checkpoint


def _from_torch(file, made, stride):
    if isinstance(made, tuple) and len(made) == 2:  # (epoch, state_dict)
        made = made[1]
    if isinstance(made, dict):
        tensors = {name: value for name, value in made.items() if isinstance(value, _Tensor)}
        settings = {}
    elif isinstance(made, _Module):
        tensors, settings = {}, {}
        _walk(made, "", tensors, settings, 0)
    else:
        raise Damaged(f"holds {_Torch(b'').kind(made)} where a SING is expected")
    parameters = {name: tensor.array(reprlib.repr(name)) for name, tensor in tensors.items()
                  if name.startswith((f"{SEQUENCE}.", f"{DECODER}."))}
    return _checked(file.path, parameters, settings.get(f"{SEQUENCE}.inputs", INPUTS),
                    settings.get(f"{SEQUENCE}.length", _length(parameters)),
                    settings.get("decoder.stride", stride), file=file)


def _walk(module, prefix, tensors, settings, depth):
    """Gather the tensors and the plain attributes of a module and those in it, by their paths."""
    if depth > DEEPEST or len(settings) > MOST_NAMES:
        raise Damaged("is damaged: its modules have no end")
    settings[prefix] = module.kind
    for name, value in module.state.items():
        settings[prefix + name] = value
    for group in ("_parameters", "_buffers"):
        values = module.state.get(group)
        for name, value in values.items() if isinstance(values, dict) else ():
            if isinstance(value, _Tensor):
                tensors[prefix + name] = value
    inside = module.state.get("_modules")
    for name, value in inside.items() if isinstance(inside, dict) else ():
        if isinstance(value, _Module):
            _walk(value, f"{prefix}{name}.", tensors, settings, depth + 1)


def _ours(file):
    """From an .npz."""
    arrays = read_npz(file)
    try:
        about = json.loads(str(arrays.pop("metadata")))
    except (KeyError, ValueError, RecursionError):
        about = None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise Damaged("is no SING checkpoint: an .npz needs metadata that say so")
    if about.get("version") != 1:
        raise Damaged(f"has the version {reprlib.repr(about.get('version'))}, which this pdbridge does not know")
    parameters = {name: array for name, array in arrays.items() if not name.startswith("training/")}
    inputs, length, stride = (about.get(name) for name in ("inputs", "length", "stride"))
    metadata = {name: value for name, value in about.items()
                if name not in ("format", "version", "inputs", "length", "stride", "instruments")}
    return _checked(file.path, parameters, inputs, length, stride, about.get("instruments"), metadata, file)


def _length(parameters):
    """The frames of a note where the file does not say: those that it knows times for."""
    times = parameters.get(f"{SEQUENCE}.time_table.weight")
    return LENGTH if times is None else len(times)


def _largest(parameters, pattern):
    """The largest number in names that fit a pattern, or -1."""
    found = (re.fullmatch(pattern, name) for name in parameters)
    return max((int(match[1]) for match in found if match), default=-1)


def _last_layer(parameters):
    """The number of the decoder's last layer."""
    return _largest(parameters, rf"{re.escape(DECODER)}\.([0-9]{{1,3}})\..*")


def _lstm_layers(parameters):
    """How many layers the LSTM has."""
    return 1 + _largest(parameters, rf"{SEQUENCE}\.lstm\.(?:weight|bias)_[ih]h_l([0-9]{{1,3}})")


def _checked(path, parameters, inputs, length, stride, instruments=None, metadata=None, file=None):
    """A Checkpoint of what a file holds."""
    if not isinstance(inputs, (list, tuple)) or tuple(inputs) != INPUTS:
        raise Damaged(f"makes notes of {reprlib.repr(inputs)}; SING's are instrument, pitch and velocity")
    for name, value, most in (("length", length, LONGEST_NOTE), ("stride", stride, LARGEST_STRIDE)):
        if type(value) is not int or not 1 <= value <= most:
            raise Damaged(f"is damaged: its {name} is {reprlib.repr(value)}")
    parameters = _with_shapes(parameters)
    checkpoint = Checkpoint(path, parameters, tuple(inputs), length, stride, _rows(instruments, parameters),
                            metadata or {}, file)
    if stride > checkpoint.kernel:
        raise Damaged(f"has a stride of {stride} samples, more than its kernel of {checkpoint.kernel}; "
                      "the notes would have holes")
    times = parameters.get(f"{SEQUENCE}.time_table.weight")
    if times is not None and length > len(times):
        raise Damaged(f"is damaged: its notes have {length} frames, but it knows only {len(times)} times")
    if not 0 < checkpoint.note_length <= LONGEST_NOTE:
        raise Damaged(f"is damaged: its notes would have {checkpoint.note_length} samples")
    return checkpoint


def _with_shapes(parameters):
    """The parameters of a SING, each with the shape that the others ask for; what is more is left out."""
    found = {}

    def take(name, *shape):
        """A parameter; None in `shape` is any size. What it really is, is returned."""
        if name not in parameters:
            raise Damaged(f"is no whole SING: the tensor {name} is missing")
        array = parameters[name]
        real = array.shape
        fits = len(real) == len(shape) and all(want in (None, size) for want, size in zip(shape, real, strict=True))
        if not fits or not array.size:
            wanted = " x ".join("any" if size is None else str(size) for size in shape)
            raise Damaged(f"is no SING: the tensor {name} is {' x '.join(map(str, real)) or 'one number'}, "
                          f"but {wanted} is expected")
        if array.dtype.kind != "f":
            raise Damaged(f"holds the tensor {name} as {array.dtype}, which is not read")
        found[name] = array.astype(np.float32, copy=False)
        return real

    tables = [take(f"{SEQUENCE}.tables.{number}.weight", None, None) for number in range(len(INPUTS))]
    width = sum(size for _, size in tables)
    if f"{SEQUENCE}.time_table.weight" in parameters:
        width += take(f"{SEQUENCE}.time_table.weight", None, None)[1]
    _, hidden = take(f"{SEQUENCE}.lstm.weight_hh_l0", None, None)
    layers = _lstm_layers(parameters)
    if layers > MOST_LAYERS:
        raise Damaged(f"is no SING: its LSTM has {layers} layers")
    for layer in range(layers):
        take(f"{SEQUENCE}.lstm.weight_ih_l{layer}", 4 * hidden, hidden if layer else width)
        take(f"{SEQUENCE}.lstm.weight_hh_l{layer}", 4 * hidden, hidden)
        for bias in ("ih", "hh"):
            take(f"{SEQUENCE}.lstm.bias_{bias}_l{layer}", 4 * hidden)
    dimension, _ = take(f"{SEQUENCE}.decoder.weight", None, hidden)
    take(f"{SEQUENCE}.decoder.bias", dimension)

    channels, *_ = take(f"{DECODER}.0.weight", None, dimension, None)
    take(f"{DECODER}.0.bias", channels)
    last = _last_layer(parameters)
    if last < 2 or last % 2 or last > 2 * MOST_LAYERS:
        raise Damaged("is no SING: its decoder ends with a layer that should not be there")
    for layer in range(2, last, 2):
        take(f"{DECODER}.{layer}.weight", channels, channels, 1)
        take(f"{DECODER}.{layer}.bias", channels)
    windowed = f"{DECODER}.{last}.window" in parameters
    name = f"{DECODER}.{last}.conv_tr" if windowed else f"{DECODER}.{last}"
    kernel = take(f"{name}.weight", channels, 1, None)[2]
    take(f"{name}.bias", 1)
    if windowed:
        take(f"{DECODER}.{last}.window", kernel)
    return found


def _rows(instruments, parameters):
    """The names of the rows of the first table, checked."""
    if instruments is None:
        return None
    rows = len(parameters[f"{SEQUENCE}.tables.0.weight"])
    if not isinstance(instruments, dict) or not all(
            isinstance(name, str) and type(row) is int and 0 <= row < rows for name, row in instruments.items()):
        raise Damaged("is damaged: its names of instruments do not fit its table of instruments")
    return instruments
