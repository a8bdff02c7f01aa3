"""The compiled decoder: NSynth's WaveNet, one sample at a time, as fast as the processor can.

The decoder of Engel et al. 2017, "Neural Audio Synthesis of Musical Notes with WaveNet
Autoencoders", in the incremental form of Paine et al. 2016, "Fast Wavenet Generation Algorithm".
The arithmetic is C++ (kernel_source/), which setup.py compiles where it finds a compiler. Nothing
in it depends on Python, so one build serves all Pythons, and other threads run while it computes.

``PDBRIDGE_KERNEL`` names the highest instruction set to use (one of `INSTRUCTION_SETS`), or is
``off``.
"""

import contextlib
import ctypes
import functools
import os
import sys
import threading
import time
import weakref
from ctypes import POINTER, byref, c_char, c_double, c_float, c_int, c_int32, c_int64, c_void_p
from pathlib import Path

import numpy as np

from pdbridge.errors import EngineError, MessageError
from pdbridge.memory import free_memory
from pdbridge.nsynth.decoding import PRECISIONS, checked_draws, checked_embeddings, checked_position
from pdbridge.nsynth.mulaw import CODES

LIBRARY = Path(__file__).with_name("kernel_library" + (".dll" if sys.platform == "win32" else ".so"))
INTERFACE = 1  # PDBRIDGE_KERNEL_INTERFACE in kernel.h

#: From the lowest to the highest, with the names that processors' makers use.
INSTRUCTION_SETS = {
    "portable": "portable code",
    "avx2": "AVX2",
    "avx512": "AVX-512",
    "avx512_bf16": "AVX-512 BF16",
    "avx512_vnni": "AVX-512 VNNI",
}
#: The instruction set that is made for a precision.
MADE_FOR = {"float32": "avx512", "bfloat16": "avx512_bf16", "int8": "avx512_vnni"}
ENVIRONMENT = "PDBRIDGE_KERNEL"
OFF = "off"

BEST_BATCH = 128  # on few cores; twice as many notes are 3 % faster and take 1.6 GB more
NOTES_A_THREAD = 16  # on many cores, or reading the weights takes longer than multiplying
MOST_THREADS = 256
TURN = 0.1  # s that the library works until Python may react to Ctrl-C
ERROR_SIZE = 200


class _Sizes(ctypes.Structure):
    """pdbridge_sizes in kernel.h"""

    _fields_ = [(name, c_int32) for name in ("width", "skip", "layers", "stages", "channels", "hop")]


# As in kernel.h: result, arguments.
_WORDS = [POINTER(c_char), c_int]
_FUNCTIONS = {
    "pdbridge_kernel_interface": (c_int, []),
    "pdbridge_compiled": (c_int, [c_int]),
    "pdbridge_supported": (c_int, [c_int]),
    "pdbridge_best": (c_int, [c_int, c_int]),
    "pdbridge_network_new": (c_void_p, [POINTER(_Sizes), POINTER(c_void_p), c_int, c_int, *_WORDS]),
    "pdbridge_network_free": (None, [c_void_p]),
    "pdbridge_state_bytes": (c_int64, [c_void_p, c_int, c_int]),
    "pdbridge_decoding_new": (c_void_p, [c_void_p, c_void_p, c_int, c_int64, c_int64, c_int, *_WORDS]),
    "pdbridge_decoding_free": (None, [c_void_p]),
    "pdbridge_decoding_position": (c_int64, [c_void_p]),
    "pdbridge_decoding_run": (c_int, [c_void_p, c_int, c_void_p, c_int64, c_float, c_void_p, c_int64,
                                      *_WORDS]),
    "pdbridge_decoding_feed": (c_int, [c_void_p, c_int, c_void_p, c_int64, c_void_p, c_int64, *_WORDS]),
    "pdbridge_measure_arithmetic": (c_double, [c_int, c_int, c_int, c_double]),
    "pdbridge_measure_reading": (c_double, [c_int64, c_int, c_double]),
}


# What there is


@functools.cache
def _load(path):
    """The library (ctypes.CDLL), or in words why it cannot be used (str)."""
    if not path.is_file():
        return ("it is not built, which takes a C++ compiler; install one (sudo apt install g++), then "
                "pdbridge again")
    try:
        library = ctypes.CDLL(str(path))
        if library.pdbridge_kernel_interface() != INTERFACE:
            return "it was built for another version of pdbridge; install pdbridge again"
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        return f"{path} does not load ({error}); install pdbridge again"
    return library


def _library():
    """As `_load`, if the environment does not forbid it."""
    if os.environ.get(ENVIRONMENT) == OFF:
        return f"{ENVIRONMENT} is {OFF}"
    return _load(LIBRARY)


def _highest(library):
    """Number of the highest instruction set that the environment allows, or what is wrong (str)."""
    wanted = os.environ.get(ENVIRONMENT, "")
    names = list(INSTRUCTION_SETS)
    if not wanted:
        return len(names) - 1
    if wanted not in names:
        return f"{ENVIRONMENT} is {wanted}; it should be one of {', '.join(names)}, {OFF}"
    missing = _missing(library, names.index(wanted))
    return f"{ENVIRONMENT} is {wanted}, but {missing}" if missing else names.index(wanted)


def _missing(library, number):
    """Why an instruction set cannot be used, or "" if it can."""
    name = list(INSTRUCTION_SETS.values())[number]
    if not library.pdbridge_supported(number):
        return f"this processor has no {name}"
    if not library.pdbridge_compiled(number):
        return f"the compiler that built pdbridge did not know {name}"
    return ""


def available():
    """Whether the compiled decoder can be used here.

    Returns
    -------
    (bool, str)
        The answer, and in words why not, or with what.
    """
    library = _library()
    problem = library if isinstance(library, str) else _highest(library)
    if isinstance(problem, str):
        return False, problem
    return True, f"it is built, and can use {', '.join(INSTRUCTION_SETS[name] for name in usable())}"


def usable():
    """The instruction sets that this library and this processor have, the lowest first (list of str).

    Empty where the library cannot be used.
    """
    library = _library()
    if isinstance(library, str) or isinstance(_highest(library), str):
        return []
    return [name for number, name in enumerate(INSTRUCTION_SETS)
            if number <= _highest(library) and not _missing(library, number)]


def instruction_set(precision):
    """What a precision is computed with, and why with nothing better.

    Parameters
    ----------
    precision : str

    Returns
    -------
    (str, str)
        One of `INSTRUCTION_SETS`; the reason, "" where this is what is made for that precision.

    Raises
    ------
    EngineError
        When the compiled decoder cannot be used, or does not know the precision.
    """
    there, reason = available()
    if not there:
        raise EngineError(f"the compiled decoder cannot be used: {reason}")
    if precision not in PRECISIONS:
        raise EngineError(f"there is no precision {precision}; there are {', '.join(PRECISIONS)}")
    library = _library()
    names = list(INSTRUCTION_SETS)
    best = names[library.pdbridge_best(PRECISIONS.index(precision), _highest(library))]
    wanted = MADE_FOR[precision]
    if best == wanted:
        return best, ""
    return best, _missing(library, names.index(wanted)) or f"{ENVIRONMENT} is {os.environ[ENVIRONMENT]}"


def default_threads():
    """As many threads as this process may use cores (int)."""
    try:
        return min(len(os.sched_getaffinity(0)), MOST_THREADS)
    except AttributeError:  # macOS, Windows
        return min(os.cpu_count() or 1, MOST_THREADS)


# What the machine can do, for benchmarks


def measure_arithmetic(precision, threads=None, seconds=0.2):
    """The most multiply-adds a second that a precision could reach, with all numbers in registers.

    Parameters
    ----------
    precision : str
    threads : int, optional
    seconds : float
        How long to measure.

    Returns
    -------
    float
        0 where the precision has no instruction of its own.
    """
    name, _ = instruction_set(precision)
    return _library().pdbridge_measure_arithmetic(
        PRECISIONS.index(precision), list(INSTRUCTION_SETS).index(name), threads or default_threads(), seconds)


def measure_reading(size, threads=None, seconds=0.5):
    """The most bytes a second that are read from a block of memory.

    Parameters
    ----------
    size : int
        Bytes of the block.
    threads : int, optional
    seconds : float
        How long to measure.

    Returns
    -------
    float
    """
    return _library().pdbridge_measure_reading(size, threads or default_threads(), seconds)


# The decoder


class KernelDecoder:
    """The decoder of one checkpoint, see `pdbridge.nsynth.decoding.Decoder`.

    In float32 and bfloat16, sums are float32; bfloat16 rounds weights and what they are multiplied
    with. In int8 these are whole numbers from -127 to 127, with a scale for each tap of each column
    of the weights, and for each sample of each note one for its largest channel, found as it comes:
    there is nothing to calibrate, and nothing is ever clipped. The last two layers stay in float32.
    All precisions give the same note to the last bit in a batch of any size.

    Parameters
    ----------
    weights : pdbridge.nsynth.checkpoint.Weights
        Copied.
    precision : str
        "float32", "bfloat16" or "int8".
    threads : int, optional
        By default one for each core that this process may use.

    Attributes
    ----------
    engine, precision, description, best_batch, bytes_per_note
        As `pdbridge.nsynth.decoding.Decoder`.
    threads : int
    instruction_set : str
        One of `INSTRUCTION_SETS`.

    Raises
    ------
    EngineError
        The kernel is not there, does not know the precision, or finds no memory.
    """

    engine = "kernel"

    def __init__(self, weights, precision="float32", threads=None):
        self.instruction_set, _ = instruction_set(precision)
        self.precision = precision
        self.threads = default_threads() if threads is None else threads
        if not 1 <= self.threads <= MOST_THREADS:
            raise EngineError(f"the number of threads should be from 1 to {MOST_THREADS}, not {threads}")
        self.description = (f"{INSTRUCTION_SETS[self.instruction_set]}, {self.threads} "
                            f"thread{'s' if self.threads > 1 else ''}")
        self.channels, self.hop = weights.channels, weights.hop
        self._library = _library()
        tensors = _tensors(weights)
        pointers = (c_void_p * len(tensors))(*(tensor.ctypes.data for tensor in tensors))
        sizes = _Sizes(**{name: getattr(weights, name) for name, _ in _Sizes._fields_})
        with _words() as words:
            self.network = self._library.pdbridge_network_new(
                byref(sizes), pointers, PRECISIONS.index(precision),
                list(INSTRUCTION_SETS).index(self.instruction_set), *words)
        weakref.finalize(self, self._library.pdbridge_network_free, self.network)
        self.best_batch = max(BEST_BATCH, NOTES_A_THREAD * self.threads)
        self.bytes_per_note = self.bytes_of(self.best_batch) // self.best_batch

    def bytes_of(self, batch):
        """Memory that so many notes take while they are made, beside the weights (int)."""
        return self._library.pdbridge_state_bytes(self.network, batch, self.threads)

    def start(self, embeddings, position=0):
        """Begin notes, see `pdbridge.nsynth.decoding.Decoder.start`.

        Raises
        ------
        EngineError
            There is not enough memory for so many notes.
        """
        return KernelDecoding(self, checked_embeddings(embeddings, self.channels), position)


def _tensors(weights):
    """The decoder's variables in the order of kernel.h, as contiguous float32."""
    width, skip, channels = weights.width, weights.skip, weights.channels
    shapes = {"startconv": (3, 1, width), "skip_start": (width, skip)}
    for layer in range(1, weights.layers + 1):
        shapes[f"dilatedconv_{layer}"] = 3, width, 2 * width
        shapes[f"cond_map_{layer}"] = channels, 2 * width
        shapes[f"res_{layer}"] = width, width
        shapes[f"skip_{layer}"] = width, skip
    shapes |= {"out1": (skip, skip), "cond_map_out1": (channels, skip), "logits": (skip, CODES)}
    tensors = []
    for scope, shape in shapes.items():
        for name, wanted in ((f"{scope}/W", shape), (f"{scope}/biases", shape[-1:])):
            tensor = np.ascontiguousarray(weights[name], np.float32)
            if tensor.shape != wanted:  # the library would read beyond its end
                raise EngineError(f"{name} should have the shape {list(wanted)}, not {list(tensor.shape)}")
            tensors.append(tensor)
    return tensors


class KernelDecoding:
    """Notes that are being made, see `pdbridge.nsynth.decoding.Decoding`.

    Parameters
    ----------
    decoder : KernelDecoder
    embeddings : float32 array [batch, frames, channels]
    position : int
    """

    def __init__(self, decoder, embeddings, position):
        self._batch, self._frames, _ = embeddings.shape
        position = checked_position(position, self._frames)
        self._decoder = decoder  # keeps the weights
        self._library = decoder._library
        needed, free = decoder.bytes_of(self._batch), free_memory()
        if needed > free:
            raise EngineError(f"{self._batch} notes at a time take {needed / 1e9:.2g} GB of memory and only "
                              f"{free / 1e9:.2g} GB are free; take fewer at a time")
        embeddings = np.ascontiguousarray(embeddings)
        with _words() as words:
            self._state = self._library.pdbridge_decoding_new(
                decoder.network, embeddings.ctypes.data, self._batch, self._frames, position,
                decoder.threads, *words)
        self._process = os.getpid()
        weakref.finalize(self, _free_state, self._library, self._state, self._process, decoder)
        self._in_use = threading.Lock()
        self._steps_a_turn = {}

    @property
    def position(self):
        """Samples behind it (int). Asked of the library, for Ctrl-C may come before Python could count."""
        return self._library.pdbridge_decoding_position(self._state)

    def run(self, steps, uniforms=None, temperature=1.0):
        """Make the next samples, see `pdbridge.nsynth.decoding.Decoding.run`.

        Ctrl-C interrupts it within a fifth of a second; `position` then says how far it came.
        """
        steps = self._checked_steps(steps)
        uniforms = checked_draws(uniforms, temperature, self._batch, steps)
        if np.float32(temperature) == 0:
            uniforms = None
        if uniforms is not None:
            uniforms = np.ascontiguousarray(uniforms)
        codes = np.empty((self._batch, steps), np.uint8)

        def turn(first, count, words):
            draws = None if uniforms is None else uniforms.ctypes.data + first * uniforms.itemsize
            self._library.pdbridge_decoding_run(
                self._state, count, draws, steps, temperature, codes.ctypes.data + first, steps, *words)

        self._take_turns("run", steps, turn)
        return codes

    def feed(self, codes, logits=False):
        """Let known samples pass, see `pdbridge.nsynth.decoding.Decoding.feed`."""
        codes = np.asarray(codes)
        if codes.dtype != np.uint8 or codes.ndim != 2 or len(codes) != self._batch:
            raise MessageError(f"codes should be uint8 [{self._batch}, samples], not {codes.dtype} "
                               f"{list(codes.shape)}")
        codes = np.ascontiguousarray(codes)
        steps = self._checked_steps(codes.shape[1])
        expected = np.empty((self._batch, steps, CODES), np.float32) if logits else None

        def turn(first, count, words):
            found = expected.ctypes.data + first * CODES * expected.itemsize if logits else None
            self._library.pdbridge_decoding_feed(
                self._state, count, codes.ctypes.data + first, steps, found, steps, *words)

        self._take_turns("feed" if logits else "feed silently", steps, turn)
        return expected

    def _checked_steps(self, steps):
        if steps < 0:
            raise MessageError(f"the number of samples should be 0 or more, not {steps}")
        checked_position(self.position + steps, self._frames)
        if os.getpid() != self._process:  # its threads stayed behind
            raise EngineError("a note that was begun before this process was forked off cannot go on in it")
        return int(steps)

    def _take_turns(self, what, steps, turn):
        """Call `turn(first, count, words)` until all steps are done, each for a short time."""
        count = self._steps_a_turn.get(what, max(64 // max(self._batch, 1), 1))
        with self._in_use:
            done = 0
            while done < steps:
                count = min(count, steps - done)
                start = time.perf_counter()
                with _words() as words:
                    turn(done, count, words)
                elapsed = time.perf_counter() - start
                done += count
                count = max(min(int(count * TURN / max(elapsed, 1e-6)), 8 * count), 1)
                self._steps_a_turn[what] = count


def _free_state(library, state, process, decoder):
    """End a decoding, then its decoder may go."""
    if os.getpid() == process:  # in a forked process there are no threads to wait for
        library.pdbridge_decoding_free(state)


@contextlib.contextmanager
def _words():
    """Where the library may write what went wrong, which is raised at the end of the block."""
    error = ctypes.create_string_buffer(ERROR_SIZE)
    yield error, ERROR_SIZE
    if error.value:
        raise EngineError(f"the compiled decoder failed: {error.value.decode(errors='replace')}")
