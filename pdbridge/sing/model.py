"""A SING that is ready to play.

Défossez et al. 2018, "SING: Symbol-to-Instrument Neural Generator".
"""

import functools
import hashlib
import math
from numbers import Integral, Real

import numpy as np

from pdbridge.errors import PitchError, SymbolError
from pdbridge.sing import symbols
from pdbridge.sing.checkpoint import SAMPLE_RATE, STRIDE, read_checkpoint
from pdbridge.sing.network import UNROLLED, Network

AT_ONCE = 32  # notes that are computed together; more are not faster, and take 14 MB each
HEAD_FRAMES = 35  # for the first slice of `stream`: 0.3 s
SLICE_FRAMES = 50  # for the others: 0.8 s


class SING:
    """One model: an instrument, a MIDI pitch and a velocity make a note of four seconds.

    Use `SING.load`.

    Attributes
    ----------
    path : Path
        The checkpoint.
    instruments : dict of str to int
        Numbers of the instruments whose names are known, in the order of numbers; they come from the
        checkpoint if it is our own, or from the table that ``pdbridge sing index`` keeps.
    instrument_count : int
        The numbers go from 0 to one less.
    pitches : tuple of int
        MIDI pitches that the model has a row for. Those that it never heard sound arbitrary.
    velocities : tuple of int
        25, 50, 75, 100, 127. Others are taken for the nearest of them.
    embedding_size : int
        Numbers of an instrument's embedding.
    sample_rate : int
        Hz.
    note_length : int
        Samples of a note.
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, checkpoint, instruments):
        self.path = checkpoint.path
        self._network = Network(checkpoint)
        self._instruments, self._pitches, self._velocities = self._network.tables
        self.note_length = checkpoint.note_length
        self.instrument_count, self.embedding_size = self._instruments.shape
        self.pitches = tuple(range(min(len(self._pitches), 128)))
        self.velocities = tuple(velocity for velocity, row in symbols.VELOCITIES.items()
                                if row < len(self._velocities))
        self.instruments = {name: number for name, number in sorted(instruments.items(), key=lambda item: item[1])
                            if number < self.instrument_count}

    @classmethod
    def load(cls, path, stride=STRIDE, instruments=None):
        """Load a checkpoint of the original, in any of its forms, or our own. PyTorch is not needed.

        Parameters
        ----------
        path : str or Path
            E.g. the published ``sing.th``; see `pdbridge.sing.checkpoint`.
        stride : int
            Samples from frame to frame, for files that hold tensors alone (256 in the original).
        instruments : dict of str to int, optional
            Numbers of instruments by name. If left out, those that our own checkpoint holds, or those that
            ``pdbridge sing index`` keeps.

        Returns
        -------
        SING

        Raises
        ------
        CheckpointError
            Naming the file and what is wrong with it.
        SymbolError
            The table of names in the cache is damaged.

        Examples
        --------
        >>> model = SING.load("tests/data/sing/sing_public.th")
        >>> model.synthesize(417, [60, 64, 67], 100).shape
        (3, 64000)
        """
        checkpoint = read_checkpoint(path, stride)
        if instruments is None:
            instruments = checkpoint.instruments or symbols.read_table()
        return cls(checkpoint, instruments)

    @functools.cached_property
    def fingerprint(self):
        """16 hexadecimal digits that tell the contents of checkpoints apart."""
        return self._network.digest()

    def warm_up(self):
        """Build every graph that playing needs; the first note is fast then."""
        for _ in self.stream(0, self.pitches[0], self.velocities[0]):
            pass
        self.synthesize(0, self.pitches[0], self.velocities[0])

    def embedding(self, instrument):
        """An instrument as numbers, which can be mixed with others and played.

        Parameters
        ----------
        instrument : int or str
            Its number, or its name.

        Returns
        -------
        float32 array [embedding_size]

        Raises
        ------
        SymbolError
            There is none; the message names some that are written alike.
        """
        number = symbols.find_instrument(instrument, self.instruments, self.instrument_count)
        return self._instruments[number].copy()

    def blend(self, first, second, amount):
        """An instrument between two others. The original cannot do this.

        Parameters
        ----------
        first, second : int, str or array [embedding_size]
            As `synthesize` takes them.
        amount : float
            0 is the first, 1 the second.

        Returns
        -------
        float32 array [embedding_size]

        Raises
        ------
        SymbolError
            There is no such instrument.
        """
        first, second = self._instrument(first), self._instrument(second)
        return ((1 - amount) * first + amount * second).astype(np.float32)

    def check(self, instruments, pitches, velocities):
        """Make sure that `synthesize` can make these notes; parameters and errors are its own."""
        self._embeddings(instruments, pitches, velocities)

    def synthesize(self, instruments, pitches, velocities):
        """Render whole notes.

        Parameters
        ----------
        instruments : int, str, array [embedding_size], or a list of these, or array [count, embedding_size]
            Numbers, names or embeddings, one for each note. A single one is used for all.
        pitches : int or list of int
            MIDI pitches, one for each note. A single one is used for all.
        velocities : float or list of float
            0 to 127, one for each note. A single one is used for all; the nearest of `velocities` is taken.

        Returns
        -------
        float32 array [count, note_length]
            At `sample_rate`, not normalised and not clipped.

        Raises
        ------
        SymbolError
            There is no such instrument or velocity, or their numbers do not go together.
        PitchError
            The model has no such pitch.
        """
        embeddings = self._embeddings(instruments, pitches, velocities)
        made = [self._network.synthesize(embeddings[start:start + AT_ONCE])
                for start in range(0, len(embeddings), AT_ONCE)]
        return np.concatenate(made) if made else np.zeros((0, self.note_length), np.float32)

    def stream(self, instrument, pitch, velocity, head_frames=HEAD_FRAMES, slice_frames=SLICE_FRAMES):
        """Render a note slice by slice, the first one as soon as possible.

        Parameters
        ----------
        instrument, pitch, velocity
            As for `synthesize`, a single note.
        head_frames, slice_frames : int
            Frames of 16 ms for the first slice and for the others; 1 or more, rounded up to a multiple of 5.

        Returns
        -------
        iterator of float32 array [n]
            Together they are the note of `synthesize`; some may be empty.

        Raises
        ------
        SymbolError, PitchError
            As `synthesize`.
        """
        embeddings = self.note(instrument, pitch, velocity)
        steps = [_rounded_up(frames) for frames in (head_frames, slice_frames)]
        return (samples[0] for samples in self._network.slices(embeddings, steps))

    def note(self, instrument, pitch, velocity):
        """A note for `advance`; parameters and errors are those of `synthesize`, for a single note."""
        embeddings = self._embeddings(instrument, pitch, velocity)
        if len(embeddings) != 1:
            raise SymbolError(f"one note is asked for, but {len(embeddings)} are named")
        return embeddings

    def advance(self, note, state, frames):
        """Make the next samples of a note.

        Parameters
        ----------
        note : object
            See `note`.
        state : object
            Where to go on, from the last call; None begins.
        frames : int
            How much, 16 ms each; 1 or more, rounded up to a multiple of 5.

        Returns
        -------
        samples : float32 array [n]
            n may be 0. All together are the note of `synthesize`.
        state : object
            For the next call, also in another process with this model; None when the note is whole.
        """
        samples, state = self._network.advance(note, state, _rounded_up(frames))
        return samples[0], state

    def beginning(self, frames):
        """How many samples of a note its first frames make (int)."""
        return self._network.samples_of(frames)

    # Checking what comes in

    def _embeddings(self, instruments, pitches, velocities):
        """Embeddings of instrument, pitch and velocity, side by side: float32 [count, 26]."""
        parts = (self._listed(instruments, self._instrument, self._is_one), self._listed(pitches, self._pitch),
                 self._listed(velocities, self._velocity))
        counts = {len(part) for part in parts if part.ndim == 2}
        if len(counts) > 1:
            raise SymbolError("every note takes one instrument, one pitch and one velocity, but there are "
                              f"{' and '.join(map(str, sorted(counts)))} of them")
        count = counts.pop() if counts else 1
        return np.concatenate([np.broadcast_to(part, (count, part.shape[-1])) for part in parts], 1)

    def _listed(self, values, embedding_of, is_one=lambda value: np.ndim(value) == 0):
        """Embeddings [count, size] of several, or [size] of one."""
        if is_one(values):
            return embedding_of(values)
        found = [embedding_of(value) for value in values]
        return np.stack(found) if found else np.zeros((0, len(embedding_of(0))), np.float32)

    def _is_one(self, instruments):
        """Whether this is one instrument, and not several: a name, a number, or numbers that are not whole."""
        if isinstance(instruments, str) or not hasattr(instruments, "__len__"):
            return True
        if isinstance(instruments, np.ndarray):
            return instruments.ndim == 0 or instruments.ndim == 1 and instruments.dtype.kind == "f"
        return len(instruments) > 0 and all(isinstance(value, Real) and not isinstance(value, Integral)
                                            for value in instruments)

    def _instrument(self, instrument):
        if isinstance(instrument, str) or np.ndim(instrument) == 0:
            return self.embedding(instrument.item() if isinstance(instrument, np.generic) else instrument)
        try:
            embedding = np.asarray(instrument, np.float32)
        except (TypeError, ValueError):
            embedding = np.zeros(0)
        if embedding.shape != (self.embedding_size,):
            raise SymbolError(f"an instrument is its number, its name, or an embedding of {self.embedding_size} "
                              f"numbers, not {list(np.shape(instrument))} of them")
        if not np.isfinite(embedding).all():
            raise SymbolError("the embedding of an instrument holds a value that is not a finite number")
        return embedding

    def _pitch(self, pitch):
        whole = isinstance(pitch, Real) and not isinstance(pitch, bool) and math.isfinite(pitch) and pitch == int(pitch)
        if not whole or int(pitch) not in self.pitches:
            raise PitchError(f"this model does not know the pitch {pitch}; it knows 0 to {self.pitches[-1]}")
        return self._pitches[int(pitch)]

    def _velocity(self, velocity):
        nearest = symbols.nearest_velocity(velocity.item() if isinstance(velocity, np.generic) else velocity)
        if nearest not in self.velocities:
            raise SymbolError(f"this model does not know the velocity {nearest}; it knows "
                              f"{', '.join(map(str, self.velocities))}")
        return self._velocities[symbols.VELOCITIES[nearest]]


def _rounded_up(frames):
    return math.ceil(frames / UNROLLED) * UNROLLED
