"""An NSynth that is ready to encode sounds and to make notes.

Engel et al. 2017, "Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders".
"""

import functools
from numbers import Integral

import numpy as np

from pdbridge.errors import AudioError, EmbeddingError, MessageError
from pdbridge.nsynth import decoding, mulaw
from pdbridge.nsynth.checkpoint import find_prefix, read_wavenet
from pdbridge.nsynth.wavenet import Encoder

PROGRESS_STEPS = 64  # samples of each note from one call of `progress` to the next


class NSynth:
    """One WaveNet autoencoder: a sound becomes an embedding, an embedding becomes a sound.

    Use `NSynth.load`.

    Attributes
    ----------
    path : Path
        The prefix of the checkpoint.
    fingerprint : str
        16 hexadecimal digits that tell the contents of checkpoints apart.
    sample_rate : int
        16000 Hz.
    hop : int
        Samples of a frame of the embedding, 512.
    channels : int
        Numbers in a frame, 16 in the published model.
    """

    sample_rate = 16000

    def __init__(self, weights, path):
        self.path = path
        self.fingerprint = weights.fingerprint
        self.hop = weights.hop
        self.channels = weights.channels
        self._weights = weights
        self._decoders = {}

    @classmethod
    def load(cls, path):
        """Load a checkpoint as Magenta published it, or as its training left it.

        Parameters
        ----------
        path : str or Path
            Its prefix (``wavenet-ckpt/model.ckpt-200000``), its folder, or its ``.index`` file.

        Returns
        -------
        NSynth

        Raises
        ------
        CheckpointError
            Naming the file and what is wrong with it.

        Examples
        --------
        >>> model = NSynth.load("tests/data/nsynth/ckpt_public")
        >>> embedding = model.encode(np.zeros(1024, np.float32))
        >>> embedding.shape
        (1, 2, 16)
        >>> model.decode(embedding, seed=1).shape
        (1, 1024)
        """
        prefix = find_prefix(path)
        return cls(read_wavenet(prefix), prefix)

    def encode(self, audio):
        """The embeddings of sounds.

        Parameters
        ----------
        audio : array of float [samples] or [count, samples]
            In -1..1 at 16 kHz, 512 samples or more. What is left over from the last whole 512 is
            not heard, as in the original. A long sound takes little more memory than a short one.

        Returns
        -------
        float32 [count, frames, channels]
            A frame for each 512 samples. It depends on 3070 samples to either side, and near an
            end of the sound on where that end is.

        Raises
        ------
        AudioError
            When there are fewer samples, or some are not finite.
        """
        steps = self._steps(audio)
        embeddings = np.empty((len(steps), steps.shape[1] // self.hop, self.channels), np.float32)
        for embedding, sound in zip(embeddings, steps, strict=True):
            embedding[:] = self._encoder.encode(sound / 128)
        return embeddings

    def decode(self, embeddings, seed=None, temperature=1.0, precision="float32", engine="auto",
               uniforms=None, progress=None):
        """Make the sounds of embeddings.

        Parameters
        ----------
        embeddings : array of float [count, frames, channels] or [frames, channels]
        seed : int, optional
            From 0 up. The same seed makes the same sounds again. Note i of the call draws from
            ``numpy.random.default_rng([seed, i])``, so it is the same among other notes, too,
            except for what `pdbridge.nsynth.decoding` says of last bits.
        temperature : float
            1 is the original; less is smoother and duller, 0 always takes the likeliest sample.
        precision : str
            "float32"; "bfloat16" and "int8" are faster and differ a little.
        engine : str
            "auto", "kernel" or "tensorflow", see `decoder`.
        uniforms : array of float [count, frames * 512], optional
            The random numbers themselves, from 0 to 1, instead of a seed.
        progress : callable, optional
            Called now and then with how many samples are made, and how many there will be.

        Returns
        -------
        float32 [count, frames * 512]
            At 16 kHz, in -0.9785..0.9785.

        Raises
        ------
        EmbeddingError
            When the shape is not that of this model's embeddings, or a value is not finite.
        EngineError
            When the engine is not there, or cannot do this precision.
        MessageError
            When the seed, the temperature or the uniforms cannot be used.
        """
        embeddings = self._checked_embeddings(embeddings)
        count, length = len(embeddings), embeddings.shape[1] * self.hop
        given = decoding.checked_draws(uniforms, temperature, count, length)
        seed = _checked_seed(seed)
        random = [np.random.default_rng([seed, note]) for note in range(count)]
        decoder = self.decoder(precision, engine)
        codes = np.empty((count, length), np.uint8)
        for first in range(0, count, decoder.best_batch):
            notes = slice(first, first + decoder.best_batch)
            made = decoder.start(embeddings[notes])
            while made.position < length:
                part = slice(made.position, min(made.position + PROGRESS_STEPS, length))
                steps = part.stop - part.start
                drawn = given[notes, part] if given is not None else np.stack(
                    [numbers.random(steps) for numbers in random[notes]])
                codes[notes, part] = made.run(steps, drawn, temperature)
                if progress is not None:
                    progress(first * length + len(codes[notes]) * part.stop, count * length)
        return mulaw.samples(codes)

    def logits(self, audio, embeddings):
        """What the decoder expects of each sample of known sounds, from those before it.

        Parameters
        ----------
        audio : array of float [samples] or [count, samples]
            As for `encode`. Samples of 1.0 and louder count as the loudest code.
        embeddings : array of float [count, frames, channels] or [frames, channels]
            As many frames as the sounds have.

        Returns
        -------
        float32 [count, frames * 512, 256]
            Logarithms of probabilities of the codes (see `mulaw`), up to a constant.

        Raises
        ------
        AudioError
            As `encode`.
        EmbeddingError
            As `decode`, or when the embeddings do not belong to the sounds.
        """
        codes = mulaw.codes(self._steps(audio))
        embeddings = self._checked_embeddings(embeddings)
        if embeddings.shape[:2] != (len(codes), codes.shape[1] // self.hop):
            raise EmbeddingError(
                f"{len(codes)} sounds of {codes.shape[1] // self.hop} frames need embeddings of the same "
                f"size, not {len(embeddings)} of {embeddings.shape[1]} frames"
            )
        return self.decoder(engine="tensorflow").start(embeddings).feed(codes, logits=True)

    def decoder(self, precision="float32", engine="auto", threads=None):
        """What makes the sounds; it is prepared once and kept.

        Parameters and errors are those of `pdbridge.nsynth.decoding.decoder`.

        Returns
        -------
        pdbridge.nsynth.decoding.Decoder
        """
        wanted = precision, engine, threads
        if wanted not in self._decoders:
            self._decoders[wanted] = decoding.decoder(self._weights, *wanted)
        return self._decoders[wanted]

    @functools.cached_property
    def _encoder(self):
        return Encoder(self._weights)

    # Checking what comes in

    def _steps(self, audio):
        """Mu-law steps of checked sounds, float32 [count, frames * 512]."""
        audio = np.asarray(audio)
        if not np.issubdtype(audio.dtype, np.floating):
            raise AudioError(f"a sound should be floats in -1..1, not {audio.dtype}")
        if audio.ndim not in (1, 2):
            raise AudioError(f"sounds should be [samples] or [count, samples], not {list(audio.shape)}")
        audio = np.atleast_2d(audio)
        length = audio.shape[1] // self.hop * self.hop
        if not length:
            raise AudioError(f"a sound of {audio.shape[1]} samples is too short for NSynth, which takes "
                             f"{self.hop} or more (at 16 kHz)")
        with np.errstate(over="ignore", invalid="ignore"):
            steps = mulaw.encode(audio[:, :length])
        if not np.isfinite(steps).all():
            sound, sample = np.argwhere(~np.isfinite(steps))[0]
            of = f"sound {sound} " if len(audio) > 1 else "the sound "
            raise AudioError(f"sample {sample} of {of}is {audio[sound, sample]}; sounds are in -1..1")
        return steps

    def _checked_embeddings(self, embeddings):
        embeddings = np.asarray(embeddings)
        return decoding.checked_embeddings(
            embeddings[np.newaxis] if embeddings.ndim == 2 else embeddings, self.channels)


def _checked_seed(seed):
    if seed is None:
        return np.random.SeedSequence().entropy
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise MessageError(f"a seed is a whole number from 0 up, not {seed}")
    return int(seed)
