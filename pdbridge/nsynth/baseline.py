"""NSynth's baseline: an autoencoder of spectrograms, which turns a note into one row of numbers.

Engel et al. 2017, "Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders", section 2.2, in
the configuration that Magenta published with it (1024-sample frames, log magnitudes). The phase is
not modelled; Griffin-Lim finds one (`pdbridge.nsynth.spectrogram`).

Each layer of the two networks is a convolution, a batch normalisation and a leaky rectifier. In
evaluation, normalisation uses the mean and variance that training kept, so that a note's z is its own.
Magenta's program for embeddings left the network in training mode, where it uses the mean and
variance of the notes at hand: there z depends on the company. `batch_statistics` does the same.
"""

from numbers import Integral

import numpy as np
import tensorflow as tf

from pdbridge.errors import AudioError, CheckpointError, EmbeddingError, PitchError
from pdbridge.nsynth import spectrogram
from pdbridge.nsynth.checkpoint import LARGEST_WIDTH, open_checkpoint

BASELINE = "NSynth's spectral baseline"
SAMPLE_RATE = 16000
NOTE_LENGTH = 64000  # samples: 4 s, as in the NSynth dataset
BINS, FRAMES = 512, 256  # of a picture: the Nyquist frequency is left out, five silent frames are added
PITCHES = 128  # MIDI

# Layers in order: name, kernel (square), stride over frequency and time. Not stored in a checkpoint.
ENCODER = (
    ("0", 5, (2, 2)), ("1", 4, (2, 2)), ("2", 4, (2, 2)), ("3", 4, (2, 2)), ("4", 4, (2, 2)),
    ("5", 4, (2, 2)), ("6", 4, (2, 2)), ("7", 4, (2, 2)), ("7_1", 4, (2, 1)), ("8", 1, (1, 1)),
    ("z", 1, (1, 1)),
)
DECODER = (
    ("0", 1, (1, 1)), ("1", 4, (2, 2)), ("2", 4, (2, 2)), ("3", 4, (2, 2)), ("4", 4, (2, 2)),
    ("5", 4, (2, 2)), ("6", 4, (2, 2)), ("7", 4, (2, 2)), ("8", 5, (2, 2)), ("8_1", 5, (2, 1)),
)
LEAK = 0.1  # of the rectifiers
EPSILON = 1e-3  # added to the variance before it divides
AT_ONCE = 2  # notes in the network together: 1.6 GB with the published sizes; more are no faster


class NSynthBaseline:
    """A trained baseline.

    Attributes
    ----------
    latent_size : int
        Numbers in a z; 1984 in the published model.
    sample_rate : int
        16000 Hz.
    note_length : int
        64000 samples.
    padding : str
        How spectrograms begin and end, see `pdbridge.nsynth.spectrogram.PADDINGS`.
    fingerprint : str
        Tells one checkpoint from another.
    """

    sample_rate = SAMPLE_RATE
    note_length = NOTE_LENGTH

    def __init__(self, weights, padding="constant", fingerprint=""):
        if padding not in spectrogram.PADDINGS:
            raise AudioError(f"padding is one of {', '.join(spectrogram.PADDINGS)}, not {padding!r}")
        self.padding = padding
        self.fingerprint = fingerprint
        self.latent_size = weights["encoder/z_Layer/z/weights"].shape[-1]
        self._weights = {name: tf.constant(array) for name, array in weights.items()}
        self._encode = tf.function(self._encoder, autograph=False, input_signature=[
            tf.TensorSpec([None, BINS, FRAMES], tf.float32), tf.TensorSpec([], tf.bool)])
        self._decode = tf.function(self._decoder, autograph=False, input_signature=[
            tf.TensorSpec([None, self.latent_size], tf.float32), tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([], tf.bool)])

    @classmethod
    def load(cls, path, padding="constant"):
        """Load a checkpoint as Magenta published it, or as its training left it.

        Parameters
        ----------
        path : str or Path
            The prefix (``model.ckpt-200000``), its ``.index`` file or the folder.
        padding : str
            "constant" as Magenta's program does with the librosa of today; "reflect" as it did with
            librosa before 0.10, when the published model was trained.

        Returns
        -------
        NSynthBaseline

        Raises
        ------
        CheckpointError
            Naming the file and what is wrong with it.
        """
        weights, fingerprint = read_baseline(path)
        return cls(weights, padding, fingerprint)

    def encode(self, audio, batch_statistics=False):
        """Turn notes into z.

        Parameters
        ----------
        audio : array [samples] or [count, samples]
            At 16 kHz, at most 64000 samples; shorter notes are followed by silence.
        batch_statistics : bool
            Normalise with the mean and variance of these notes, see the head of this module.

        Returns
        -------
        float32 [count, latent_size]

        Raises
        ------
        AudioError
            When the sound is too long, empty or not finite.
        EmbeddingError
            When there is a single note for `batch_statistics`.
        """
        return self.encode_spectrograms(self.spectrograms(audio), batch_statistics)

    def decode(self, z, pitch, iterations=spectrogram.ITERATIONS, seed=None, batch_statistics=False):
        """Turn z into notes.

        Parameters
        ----------
        z : array [count, latent_size] or [latent_size]
        pitch : int or list of int
            MIDI pitches, one for each z; a single number is used for all.
        iterations : int
            Of Griffin-Lim, which finds the phase; about 3 ms each.
        seed : int, optional
            For the phases to begin with.
        batch_statistics : bool
            Normalise with the mean and variance of these notes.

        Returns
        -------
        float32 [count, note_length]
            The highest sample of each is 1.

        Raises
        ------
        EmbeddingError
            When z has the wrong shape or is not finite, or is a single one for `batch_statistics`.
        PitchError
            When a pitch is not a MIDI pitch, or there are not as many as z.
        """
        pictures = self.decode_spectrograms(z, pitch, batch_statistics)
        seeds = np.random.SeedSequence(seed).spawn(len(pictures))
        notes = np.empty((len(pictures), NOTE_LENGTH), np.float32)
        for note, picture, seed_of_note in zip(notes, pictures, seeds, strict=True):
            whole = np.pad(picture, ((0, 1), (0, 0)))  # the Nyquist frequency is silent
            note[:] = spectrogram.griffin_lim(whole, iterations, seed_of_note,
                                              padding=self.padding)[:NOTE_LENGTH]
        return notes

    def spectrograms(self, audio):
        """The pictures that the encoder sees.

        Parameters
        ----------
        audio : array [samples] or [count, samples]
            As for `encode`.

        Returns
        -------
        float32 [count, 512, 256]
            Log magnitude, 0..1, see `pdbridge.nsynth.spectrogram.analyse`.

        Raises
        ------
        AudioError
            As `encode`.
        """
        notes = _checked_audio(audio)
        pictures = np.zeros((len(notes), BINS, FRAMES), np.float32)
        for picture, note in zip(pictures, notes, strict=True):
            note = np.pad(note, (0, NOTE_LENGTH - len(note)))
            found = spectrogram.analyse(note, padding=self.padding)[:BINS]
            picture[:, : found.shape[1]] = found
        return pictures

    def encode_spectrograms(self, pictures, batch_statistics=False):
        """Turn pictures, as from `spectrograms`, into z: float32 [count, latent_size].

        Raises
        ------
        EmbeddingError
            When the pictures have another shape or are not finite, or there is a single one for
            `batch_statistics`.
        """
        pictures = _checked(pictures, "pictures", (BINS, FRAMES))
        parts = _parts(len(pictures), batch_statistics)
        z = [self._encode(pictures[part], batch_statistics).numpy() for part in parts]
        return np.concatenate(z) if z else np.zeros((0, self.latent_size), np.float32)

    def decode_spectrograms(self, z, pitch, batch_statistics=False):
        """Turn z into pictures: float32 [count, 512, 256].

        Parameters and errors are those of `decode`.
        """
        z = _checked(z, "z", (self.latent_size,))
        pitches = _checked_pitches(pitch, len(z))
        parts = _parts(len(z), batch_statistics)
        pictures = [self._decode(z[part], pitches[part], batch_statistics).numpy() for part in parts]
        return np.concatenate(pictures) if pictures else np.zeros((0, BINS, FRAMES), np.float32)

    def _encoder(self, pictures, batch_statistics):
        return encoded(self._weights, pictures, self._normalisation(batch_statistics))

    def _decoder(self, z, pitches, batch_statistics):
        return decoded(self._weights, z, pitches, self._normalisation(batch_statistics))

    def _normalisation(self, batch_statistics):
        def normalised(h, scope):
            beta, kept_mean, kept_variance = (
                self._weights[f"{scope}/BatchNorm/{name}"] for name in ("beta", "moving_mean", "moving_variance"))
            mean, variance = tf.cond(batch_statistics, lambda: tf.nn.moments(h, [0, 1, 2]),
                                     lambda: (kept_mean, kept_variance))
            return tf.nn.batch_normalization(h, mean, variance, beta, None, EPSILON)

        return normalised


def read_baseline(path):
    """Read a checkpoint.

    Parameters
    ----------
    path : str or Path
        As for `NSynthBaseline.load`.

    Returns
    -------
    weights : dict of str to float32 array
    fingerprint : str

    Raises
    ------
    CheckpointError
        Naming the file and what is wrong with it.
    """
    variables = open_checkpoint(path, BASELINE)
    return variables.read_all(_shapes(variables)), variables.fingerprint


# The networks, which training shares. Arrays are [notes, frequency, time, channels].


def encoded(weights, pictures, normalised):
    """The z of pictures, in a graph.

    Parameters
    ----------
    weights : dict of str to tensor
        The variables by name.
    pictures : float32 tensor [notes, 512, 256]
    normalised : callable
        Takes what a convolution made and the name of its layer, and gives it back normalised, with the same type.

    Returns
    -------
    tensor [notes, latent]
        Of the type of the weights.
    """
    h = pictures[..., tf.newaxis]  # [notes, 512, 256, 1]
    for name, _, stride in ENCODER:
        scope = f"encoder/{name}_Layer/{name}"
        kernel = weights[f"{scope}/weights"]
        h = tf.nn.conv2d(tf.cast(h, kernel.dtype), kernel, stride, "SAME")
        h = normalised(h, scope)
        if name != "z":
            h = tf.nn.leaky_relu(h, LEAK)
    return h[:, 0, 0]


def decoded(weights, z, pitches, normalised):
    """The pictures of z, in a graph.

    Parameters
    ----------
    weights, normalised
        As for `encoded`.
    z : tensor [notes, latent]
    pitches : int tensor [notes]

    Returns
    -------
    float32 tensor [notes, 512, 256]
    """
    embedded = tf.gather(weights["decoder/PitchEmbedding/embedding_weights"], pitches)
    h = tf.concat([tf.cast(z, embedded.dtype), embedded], axis=1)
    h = h[:, tf.newaxis, tf.newaxis]  # [notes, 1, 1, latent + pitch]
    height = width = 1
    for name, _, stride in DECODER:
        scope = f"decoder/{name}_Layer/{name}"
        kernel = weights[f"{scope}/weights"]  # [height, width, out, in]
        height, width = height * stride[0], width * stride[1]
        size = tf.stack([tf.shape(h)[0], height, width, kernel.shape[2]])
        h = tf.nn.conv2d_transpose(tf.cast(h, kernel.dtype), kernel, size, stride, "SAME")
        h = tf.nn.leaky_relu(normalised(h, scope), LEAK)
    kernel = weights["decoder/mag_Layer/mag/weights"]
    h = tf.cast(tf.nn.conv2d(tf.cast(h, kernel.dtype), kernel, 1, "SAME"), tf.float32)
    return tf.sigmoid(h + tf.cast(weights["decoder/mag_Layer/mag/biases"], tf.float32))[..., 0]


def shapes(made, pitch_size):
    """The variables of a baseline, with shapes as in the file.

    Parameters
    ----------
    made : dict of str to int
        How many channels a layer makes, by its network and name, e.g. "encoder/7_1".
    pitch_size : int
        Numbers that stand for a pitch.

    Returns
    -------
    dict of str to tuple of int
    """
    shapes = {"decoder/PitchEmbedding/embedding_weights": (PITCHES, pitch_size)}
    for network, layers, channels in (("encoder", ENCODER, 1), ("decoder", DECODER, made["encoder/z"] + pitch_size)):
        for name, kernel, _ in layers:
            scope, more = f"{network}/{name}_Layer/{name}", made[f"{network}/{name}"]
            # Transposed convolutions have their channels the other way round.
            ends = (channels, more) if network == "encoder" else (more, channels)
            shapes[f"{scope}/weights"] = kernel, kernel, *ends
            for statistic in ("beta", "moving_mean", "moving_variance"):
                shapes[f"{scope}/BatchNorm/{statistic}"] = (more,)
            channels = more
    shapes["decoder/mag_Layer/mag/weights"] = 1, 1, channels, 1
    shapes["decoder/mag_Layer/mag/biases"] = (1,)
    return shapes


def _shapes(variables):
    """The variables of a baseline with the sizes that the checkpoint shows, by name."""
    sizes = {"encoder/z": _last_size(variables, "encoder/z_Layer/z/weights", -1)}
    pitch_size = variables.shape("decoder/PitchEmbedding/embedding_weights", 2)[1]
    for network, layers, axis in (("encoder", ENCODER, -1), ("decoder", DECODER, -2)):
        for name, _, _ in layers:
            sizes[f"{network}/{name}"] = _last_size(variables, f"{network}/{name}_Layer/{name}/weights", axis)
    return shapes(sizes, pitch_size)


def _last_size(variables, name, axis):
    size = variables.shape(name, 4)[axis]
    if size > LARGEST_WIDTH:
        raise CheckpointError(f"{variables.index}: {name} has {size} channels, more than this program "
                              f"takes ({LARGEST_WIDTH})")
    return size


def _parts(count, batch_statistics):
    """Slices of notes that go through a network together."""
    if not batch_statistics:
        return [slice(start, start + AT_ONCE) for start in range(0, count, AT_ONCE)]
    if count == 1:  # its mean would be itself, and z the same for every note
        raise EmbeddingError("batch_statistics needs two notes or more, not a single one")
    return [slice(0, count)] if count else []


def _checked_audio(audio):
    """Finite notes, float32 [count, samples]."""
    try:
        with np.errstate(over="ignore"):
            notes = np.asarray(audio).astype(np.float32, casting="same_kind")
    except (TypeError, ValueError):
        raise AudioError("a sound is an array of numbers [samples] or [count, samples]") from None
    if notes.ndim not in (1, 2) or not notes.shape[-1]:
        raise AudioError(f"a sound is an array [samples] or [count, samples], not {list(notes.shape)}")
    if notes.shape[-1] > NOTE_LENGTH:
        raise AudioError(f"the baseline knows notes of up to {NOTE_LENGTH} samples (4 s), not "
                         f"{notes.shape[-1]}; cut the sound first")
    if not np.isfinite(notes).all():
        raise AudioError("the sound holds values that are not finite numbers")
    return np.atleast_2d(notes)


def _checked(values, what, shape):
    """Finite numbers, float32 [count, *shape]; a single one becomes one of count 1."""
    try:
        with np.errstate(over="ignore"):
            array = np.asarray(values).astype(np.float32, casting="same_kind")
    except (TypeError, ValueError):
        raise EmbeddingError(f"{what} should be an array of numbers {['count', *shape]}") from None
    if array.shape == shape:
        array = array[np.newaxis]
    if array.ndim != len(shape) + 1 or array.shape[1:] != shape:
        expected = ", ".join(map(str, ("count", *shape)))
        raise EmbeddingError(f"{what} should be an array [{expected}], not {list(array.shape)}")
    if not np.isfinite(array).all():
        raise EmbeddingError(f"{what} holds values that are not finite numbers")
    return array


def _checked_pitches(pitch, count):
    """MIDI pitches, int32 [count]."""
    pitches = list(pitch) if np.ndim(pitch) == 1 else [pitch] * count
    for one in pitches:
        whole = isinstance(one, Integral) or (isinstance(one, float) and one.is_integer())
        if isinstance(one, bool) or not whole or not 0 <= one < PITCHES:
            raise PitchError(f"the baseline knows the MIDI pitches 0-{PITCHES - 1}, not {one}")
    if len(pitches) != count:
        raise PitchError(f"every z takes one pitch, but there are {count} z and {len(pitches)} pitches")
    return np.array(pitches, np.int32)
