"""Notes are decoded in batches: a network's weights are read once for all of them.

A batch of 128 notes takes the better part of an hour, so it can be taken up anywhere: a decoder remembers
nothing but the samples within its reach, and these are fed to it again. Random numbers belong to a note
and a place in it. So a note does not depend on its batch, on interruptions or on the computer.
"""

import hashlib
import time
from dataclasses import dataclass

import numpy as np

from pdbridge.memory import free_memory

CHUNK_S = 1.0  # a batch moves on by about so much time at once; Ctrl-C waits for it
FIRST_CHUNK = 32  # samples, before the speed is known
REACH = 6144  # samples: a decoder of three times ten stages looks back 6140 and one


@dataclass(frozen=True)
class Draw:
    """How samples are drawn from what the network thinks likely.

    Attributes
    ----------
    seed : int
        The same seed draws the same notes again.
    temperature : float
        1 as the network learnt it, less for calmer notes, 0 for the likeliest sample every time.
    """

    seed: int = 0
    temperature: float = 1.0

    def uniforms(self, name, position, steps):
        """Random numbers of a note, from a place in it.

        Parameters
        ----------
        name : str
            Of the note.
        position, steps : int
            From which sample, for how many.

        Returns
        -------
        float64 [steps]
            0 <= u < 1.
        """
        name = name.encode(errors="surrogateescape")  # of a file, which need not be in UTF-8
        word = int.from_bytes(hashlib.sha256(name).digest()[:16], "little")
        bits = np.random.PCG64([self.seed, word])
        bits.advance(position)  # one step of the generator makes one number
        return np.random.Generator(bits).random(steps)


class Batch:
    """Notes that are decoded side by side.

    Parameters
    ----------
    names : list of str
        Of the notes.
    embeddings : float32 [batch, frames, channels]
    length : int
        Samples of a note when it is done.
    codes : uint8 [batch, done], optional
        What an earlier run decoded.

    Attributes
    ----------
    done : int
        Samples of each note so far.
    """

    def __init__(self, names, embeddings, length, codes=None):
        self.names, self.embeddings, self.length = names, embeddings, length
        self._codes = np.zeros((len(names), length), np.uint8)
        self.done = 0
        if codes is not None:
            self.append(codes)

    def __len__(self):
        return len(self.names)

    @property
    def codes(self):
        """uint8 [batch, done]."""
        return self._codes[:, :self.done]

    def append(self, codes):
        """Take the next samples, uint8 [batch, n]."""
        self._codes[:, self.done:self.done + codes.shape[1]] = codes
        self.done += codes.shape[1]


def chunks(decoding, names, length, draw):
    """Decode to the end, chunk by chunk.

    Parameters
    ----------
    decoding : pdbridge.nsynth.decoding.Decoding
        It goes on from its position.
    names : list of str
        Of the notes.
    length : int
        Samples of a note when it is done.
    draw : Draw

    Yields
    ------
    uint8 [batch, n]
        About a second's work.
    """
    steps = FIRST_CHUNK
    while decoding.position < length:
        steps = min(steps, length - decoding.position)
        uniforms = None
        if draw.temperature > 0:
            uniforms = np.stack([draw.uniforms(name, decoding.position, steps) for name in names])
        begin = time.monotonic()
        codes = decoding.run(steps, uniforms, draw.temperature)
        seconds = max(time.monotonic() - begin, 1e-3)
        yield codes
        steps = max(1, min(int(steps * CHUNK_S / seconds), 4 * steps))


def resume(decoder, embeddings, codes, position):
    """Take up notes where they were left, exactly.

    Parameters
    ----------
    decoder : pdbridge.nsynth.decoding.Decoder
    embeddings : float32 [batch, frames, channels]
    codes : uint8 [batch, n]
        The samples before `position`: all, or the last `REACH`.
    position : int

    Returns
    -------
    pdbridge.nsynth.decoding.Decoding
    """
    decoding = decoder.start(embeddings, position=position - codes.shape[1])
    if codes.shape[1]:
        decoding.feed(codes)
    return decoding


def fitting_batch(decoder):
    """How many notes at a time are fastest, and fit into half of the free memory (int)."""
    fitting = free_memory() // 2 // max(decoder.bytes_per_note, 1)
    return max(1, min(decoder.best_batch, fitting))


class Local:
    """Decodes batches in this process, one after the other.

    Parameters
    ----------
    model : pdbridge.nsynth.model.NSynth
    precision : str
        "float32", "bfloat16" or "int8".

    Raises
    ------
    EngineError
        This computer cannot decode with that precision.
    """

    def __init__(self, model, precision):
        self._decoder = model.decoder(precision)
        self.description = self._decoder.description

    def fitting_batch(self, notes):
        """Notes of a batch, if there are `notes` to decode (int)."""
        return min(notes, fitting_batch(self._decoder))

    def decode(self, batches, draw):
        """Decode batches to their ends.

        Parameters
        ----------
        batches : list of Batch
            They are filled.
        draw : Draw

        Yields
        ------
        batch : Batch
        samples : int
            That were just added to each of its notes.
        """
        for batch in batches:
            past = batch.codes[:, -REACH:]
            decoding = resume(self._decoder, batch.embeddings, past, batch.done)
            for codes in chunks(decoding, batch.names, batch.length, draw):
                batch.append(codes)
                yield batch, codes.shape[1]

    def close(self):
        """Nothing to give back."""
