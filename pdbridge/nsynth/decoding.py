"""What makes notes from embeddings, and which of two programs does it.

The decoder of Engel et al. 2017 is heavy: 59 million multiplications a sample, one sample after the
other. So there are two of it, the compiled kernel for processors (`kernel`) and TensorFlow, which
runs everywhere and on GPUs (`wavenet`). Both follow the classes `Decoder` and `Decoding`, which only
describe.

A sample is chosen as in the original: softmax of the logits and its cumulative sum along the 256
codes, both in float32, and of a uniform number u in 0..1 the first code whose sum is at least u.
The same batch becomes the same notes again. The engine, the machine and the size of the batch may show
in the last bits of the logits, though: where u is that close to a border, about once in fifty thousand
samples, another code is chosen, and the note goes on from there in another way.
"""

from typing import Protocol

import numpy as np

from pdbridge.errors import EmbeddingError, EngineError, MessageError
from pdbridge.nsynth.checkpoint import HOP

ENGINES = ("auto", "kernel", "tensorflow")
PRECISIONS = ("float32", "bfloat16", "int8")
RECEPTIVE_FIELD = 6141  #: samples that the next one depends on


class Decoder(Protocol):
    """The decoder of one checkpoint.

    Attributes
    ----------
    engine : str
        "kernel" or "tensorflow".
    precision : str
        "float32", "bfloat16" or "int8".
    description : str
        What it runs on, in words.
    best_batch : int
        Notes at a time beyond which nothing is gained.
    bytes_per_note : int
        Memory that each note takes while it is made.
    """

    engine: str
    precision: str
    description: str
    best_batch: int
    bytes_per_note: int

    def start(self, embeddings, position=0):
        """Begin notes.

        Parameters
        ----------
        embeddings : array of float [batch, frames, channels]
        position : int
            The sample of the notes to begin at; silence went before.

        Returns
        -------
        Decoding

        Raises
        ------
        EmbeddingError
            As `checked_embeddings` and `checked_position`.
        """


class Decoding(Protocol):
    """Notes that are being made, all at the same place.

    Attributes
    ----------
    position : int
        Samples behind it.
    """

    position: int

    def run(self, steps, uniforms=None, temperature=1.0):
        """Make the next samples.

        Parameters
        ----------
        steps : int
        uniforms : float64 array [batch, steps], optional
            A number from 0 to 1 for each sample. Without it the likeliest code is taken.
        temperature : float
            The logits are divided by it: below 1 the sound is smoother, above 1 noisier; 0 takes
            the likeliest code.

        Returns
        -------
        codes : uint8 array [batch, steps]
            See `mulaw`.

        Raises
        ------
        EmbeddingError
            If the embeddings end before.
        MessageError
            If the uniforms or the temperature cannot be used.
        """

    def feed(self, codes, logits=False):
        """Let known samples pass. A note goes on where it was left when the last 6144 of its
        samples are fed to a new decoding that starts there.

        Parameters
        ----------
        codes : uint8 array [batch, steps]
        logits : bool
            Whether to return logits.

        Returns
        -------
        None, or float32 array [batch, steps, 256]
            What the network expects at each of these samples, knowing those before.

        Raises
        ------
        EmbeddingError
            If the embeddings end before.
        """


def decoder(weights, precision="float32", engine="auto", threads=None):
    """Choose what makes the notes.

    Parameters
    ----------
    weights : pdbridge.nsynth.checkpoint.Weights
    precision : str
        Of weights and products: "float32", "bfloat16" or, only in the kernel, "int8".
    engine : str
        "kernel", "tensorflow", or "auto": TensorFlow if it sees a GPU, else the kernel if it is
        there, else TensorFlow.
    threads : int, optional
        Of the kernel; by default all. TensorFlow has its own setting.

    Returns
    -------
    Decoder

    Raises
    ------
    EngineError
        If the wanted one is not there, or cannot do it.
    """
    if precision not in PRECISIONS:
        raise EngineError(f"there is no precision {precision}; there are {', '.join(PRECISIONS)}")
    if engine not in ENGINES:
        raise EngineError(f"there is no engine {engine}; there are {', '.join(ENGINES)}")
    if engine == "auto":
        engine = _best_engine(precision)
    if engine == "kernel":
        from pdbridge.nsynth import kernel

        there, reason = kernel.available()
        if not there:
            other = " (TensorFlow does float32 and bfloat16)" if precision == "int8" else ""
            raise EngineError(f"{precision} on the compiled decoder is not possible: {reason}{other}")
        return kernel.KernelDecoder(weights, precision=precision, threads=threads)
    if precision == "int8":
        raise EngineError("TensorFlow does not decode in int8; take float32 or bfloat16, or the engine "
                          "kernel")
    if threads is not None:
        raise EngineError("a number of threads is for the engine kernel; TensorFlow takes its own from "
                          "the environment variable TF_NUM_INTRAOP_THREADS before it starts")
    from pdbridge.nsynth.wavenet import TensorFlowDecoder

    return TensorFlowDecoder(weights, precision=precision)


def _best_engine(precision):
    if precision == "int8":
        return "kernel"
    import tensorflow as tf

    from pdbridge.nsynth import kernel

    if tf.config.list_physical_devices("GPU") or not kernel.available()[0]:
        return "tensorflow"
    return "kernel"


# What both engines check


def checked_embeddings(embeddings, channels):
    """Embeddings as float32 [batch, frames, channels].

    Parameters
    ----------
    embeddings : array of float [batch, frames, channels]
    channels : int
        What the model has.

    Returns
    -------
    float32 array

    Raises
    ------
    EmbeddingError
        When the shape is another, or a value is not finite.
    """
    try:
        with np.errstate(over="ignore"):
            embeddings = np.asarray(embeddings).astype(np.float32, casting="same_kind", copy=False)
    except (TypeError, ValueError):
        raise EmbeddingError(f"embeddings should hold numbers [notes, frames, {channels}]") from None
    if embeddings.ndim != 3 or embeddings.shape[2] != channels or not embeddings.shape[1]:
        raise EmbeddingError(
            f"embeddings should have the shape [notes, frames, {channels}], not {list(embeddings.shape)}"
        )
    finite = np.isfinite(embeddings).all(axis=2)
    if not finite.all():
        note, frame = np.argwhere(~finite)[0]
        raise EmbeddingError(f"the embedding of note {note} holds a value in frame {frame} that is not "
                             "a finite number")
    return embeddings


def checked_position(position, frames):
    """A place in a note as int.

    Parameters
    ----------
    position : int
        In samples.
    frames : int
        Of the embedding.

    Returns
    -------
    int

    Raises
    ------
    EmbeddingError
        When it is not in the note.
    """
    if not 0 <= position <= frames * HOP:
        raise EmbeddingError(f"sample {position} is not in the note: {frames} frames of the embedding "
                             f"make {frames * HOP} samples")
    return int(position)


def checked_steps(steps, position, frames):
    """How many samples to go on from a position, as int.

    Parameters
    ----------
    steps, position : int
    frames : int
        Of the embedding.

    Returns
    -------
    int

    Raises
    ------
    MessageError
        When it is below 0.
    EmbeddingError
        When the note ends before.
    """
    if steps < 0:
        raise MessageError(f"the number of samples should be 0 or more, not {steps}")
    return checked_position(position + steps, frames) - position


def checked_codes(codes, batch):
    """Codes of known samples.

    Parameters
    ----------
    codes : uint8 array [batch, samples]
    batch : int

    Returns
    -------
    uint8 array [batch, samples]

    Raises
    ------
    MessageError
        When shape or type are others.
    """
    codes = np.asarray(codes)
    if codes.dtype != np.uint8 or codes.ndim != 2 or len(codes) != batch:
        raise MessageError(f"codes should be uint8 [{batch}, samples], not {codes.dtype} "
                           f"{list(codes.shape)}")
    return codes


def checked_draws(uniforms, temperature, batch, steps):
    """The uniform numbers of a `Decoding.run`, or None when the likeliest codes are taken.

    Parameters
    ----------
    uniforms : array of float [batch, steps], or None
    temperature : float
    batch, steps : int

    Returns
    -------
    float64 array [batch, steps], or None

    Raises
    ------
    MessageError
        When the shape is another, a number is outside 0..1, or the temperature is below 0.
    """
    if not 0 <= temperature < np.inf:
        raise MessageError(f"the temperature should be 0 or more, not {temperature}")
    if uniforms is None or temperature == 0:
        return None
    uniforms = np.asarray(uniforms, np.float64)
    if uniforms.shape != (batch, steps):
        raise MessageError(f"there should be a uniform number for each sample, [{batch}, {steps}], not "
                           f"{list(uniforms.shape)}")
    if not ((uniforms >= 0) & (uniforms <= 1)).all():
        raise MessageError("the uniform numbers should be from 0 to 1")
    return uniforms
