"""SING as the server's worker process holds it: `Sound` and pitch in, slices out.

Défossez et al. 2018, "SING: Symbol-to-Instrument Neural Generator". Sound depends on the network's frames
up to its own only, so a note can begin before the rest of it is computed, as with GANSynth.
"""

import numpy as np

from pdbridge.sing.model import SING

HEAD_PIECES = (20, 15)  # frames of 16 ms: 0.35 s of sound; another key may go in between
TAIL_FRAMES = 30  # 0.48 s; a pressed key waits for one slice at most


class ServedSING:
    """A SING that plays sounds.

    Parameters
    ----------
    model : SING

    Attributes
    ----------
    pitches, velocities, instruments, instrument_count, sample_rate, note_length
        Those of the model.
    head_length : int
        Samples of `head`.
    """

    def __init__(self, model):
        for name in ("pitches", "velocities", "instruments", "instrument_count", "sample_rate", "note_length"):
            setattr(self, name, getattr(model, name))
        self.head_length = model.beginning(sum(HEAD_PIECES))
        self._model = model

    @classmethod
    def load(cls, path):
        """Load a checkpoint, see `SING.load`."""
        return cls(SING.load(path))

    def warm_up(self):
        """Build every graph that playing needs."""
        self._model.warm_up()

    def head(self, sound, pitch):
        """The beginning of a note.

        Parameters
        ----------
        sound : pdbridge.sing.sound.Sound
        pitch : int

        Returns
        -------
        samples : float32 array [head_length]
        state : object
            For `tail`.

        Raises
        ------
        SymbolError, PitchError
            The model has no such instrument, velocity or pitch.
        """
        *_, head = self.head_in_pieces(sound, pitch)
        return head

    def head_in_pieces(self, sound, pitch):
        """The same in small pieces of work: an iterator of None, and of what `head` returns at the end."""
        note, made, state = self._note(sound, pitch), [], None
        for frames in HEAD_PIECES:
            samples, state = self._model.advance(note, state, frames)
            made.append(samples)
            if state is None:  # of a model with shorter notes
                break
            yield None
        yield np.concatenate(made), state

    def tail(self, sound, pitch, state):
        """The rest of a note.

        Parameters
        ----------
        sound, pitch
            As for `head`, which gave the `state`.

        Yields
        ------
        float32 array [n]
        """
        note = self._note(sound, pitch)
        while state is not None:
            samples, state = self._model.advance(note, state, TAIL_FRAMES)
            yield samples

    def _note(self, sound, pitch):
        instrument = sound.first
        if sound.second is not None:
            instrument = self._model.blend(sound.first, sound.second, sound.amount)
        return self._model.note(instrument, pitch, sound.velocity)
