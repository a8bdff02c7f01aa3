"""A GANSynth that is ready to play.

Engel et al. 2019, "GANSynth: Adversarial Neural Audio Synthesis".
"""

from numbers import Real

import numpy as np
import tensorflow as tf

from pdbridge import latent
from pdbridge.errors import LatentError, OffsetError, PitchError
from pdbridge.gansynth import spectral
from pdbridge.gansynth.checkpoint import read_checkpoint
from pdbridge.gansynth.generator import Generator
from pdbridge.pitches import ranges


class GANSynth:
    """One model: z and a MIDI pitch make a note of four seconds.

    Use `GANSynth.load`.

    Attributes
    ----------
    folder : Path
        Where it came from.
    pitches : tuple of int
        The MIDI pitches that it can play, in rising order.
    latent_size : int
        Values in z.
    sample_rate : int
        Hz.
    note_length : int
        Samples of a note.
    head_length : int
        Samples of the first slice of a note, see `head`.
    global_step : int
        Pictures seen in training.
    progress : float
        How far training had grown the network; 6.0 for the published models.
    """

    def __init__(self, checkpoint):
        self.folder = checkpoint.folder
        self.pitches = checkpoint.pitches
        self.latent_size = checkpoint.shape.latent_size
        self.sample_rate = checkpoint.layout.sample_rate
        self.note_length = checkpoint.layout.samples
        self.global_step = checkpoint.global_step
        self.progress = checkpoint.progress
        self._layout = checkpoint.layout
        self._scale = checkpoint.scale
        self._shift = checkpoint.shift
        self._labels = {pitch: label for label, pitch in enumerate(self.pitches)}
        self._generator = Generator(checkpoint.shape, checkpoint.weights, checkpoint.progress)
        self.head_length = self._layout.final_samples(self._generator.head_rows)

    @classmethod
    def load(cls, folder):
        """Load a checkpoint folder as Magenta published it, or as a course trained it.

        Parameters
        ----------
        folder : str or Path
            The folder with ``experiment.json`` and the ``stage_...`` folders.

        Returns
        -------
        GANSynth

        Raises
        ------
        CheckpointError
            Naming the file and what is wrong with it.

        Examples
        --------
        >>> model = GANSynth.load("models/first_light")
        >>> z = model.random_z(1, seed=3)
        >>> model.synthesize(z, 60).shape
        (1, 64000)
        """
        return cls(read_checkpoint(folder))

    @property
    def layer_shapes(self):
        """Shapes (rows, columns, channels) of the layers that take offsets, by name."""
        return self._generator.layer_shapes

    def warm_up(self):
        """Build every graph that playing needs, the head's first; the first note is fast then."""
        z = self.random_z(1, seed=0)
        for _ in range(2):  # the first time through a graph it is still being optimised
            for _ in self.stream(z, self.pitches[0]):
                pass

    def random_z(self, count, seed=None):
        """Draw timbres at random.

        Parameters
        ----------
        count : int
            How many.
        seed : int, optional
            The same seed draws the same timbres again.

        Returns
        -------
        float32 [count, latent_size]
        """
        return latent.random_z(count, self.latent_size, seed)

    def synthesize(self, z, pitches, offsets=None):
        """Render whole notes.

        Parameters
        ----------
        z : array [count, latent_size] or [latent_size]
            The timbres. One alone is used for all pitches.
        pitches : int or list of int
            MIDI pitches, one for each z. A single number is used for all z.
        offsets : dict of str to array, optional
            Added to layers of the network, as GANSpace does: values by layer name, of the
            shape given by `layer_shapes` or one that numpy broadcasts to it, or such an array
            for each note.

        Returns
        -------
        float32 [count, note_length]
            At `sample_rate`, not normalised and not clipped.

        Raises
        ------
        LatentError
            If a z has the wrong length or is not finite, or there are not as many as pitches.
        PitchError
            If the model does not know a pitch.
        OffsetError
            If an offset names no layer or does not fit it.
        """
        notes = [self._sound(picture) for picture in self._pictures(z, pitches, offsets)]
        return np.stack(notes) if notes else np.zeros((0, self.note_length), np.float32)

    def image(self, z, pitches, offsets=None):
        """Paint the pictures of notes, which `synthesize` turns into sound.

        Parameters and errors are those of `synthesize`.

        Returns
        -------
        float32 [count, rows, bins, 2]
            128 x 1024 for the published models. Mel-scaled log power and instantaneous
            frequency, normalised to -1..1.
        """
        pictures = list(self._pictures(z, pitches, offsets))
        size = self._layout.rows, self._layout.bins, 2
        return np.stack(pictures) if pictures else np.zeros((0, *size), np.float32)

    def stream(self, z, pitch):
        """Render a note slice by slice, the first one as soon as possible.

        Parameters
        ----------
        z : array [latent_size]
        pitch : int

        Returns
        -------
        iterator of float32 [n]
            Together they are the note of `synthesize`. The first has `head_length` samples;
            later ones may be empty, see `tail`.

        Raises
        ------
        LatentError, PitchError
            As `synthesize`.
        """
        x = self._input(z, pitch)
        return self._stream(x)

    def head(self, z, pitch):
        """Render only the beginning of a note, exactly as `synthesize` does.

        Parameters
        ----------
        z : array [latent_size]
        pitch : int

        Returns
        -------
        samples : float32 [head_length]
        state : pdbridge.gansynth.spectral.InverseState
            What `tail` needs to go on from there, about 10 kB.

        Raises
        ------
        LatentError, PitchError
            As `synthesize`.
        """
        *_, made = self._head(self._input(z, pitch))
        return made

    def head_in_pieces(self, z, pitch):
        """Render the beginning of a note in small pieces of work; something may go in between.

        Parameters and errors are those of `head`.

        Returns
        -------
        iterator
            Of None, and at the end of what `head` returns.
        """
        return self._head(self._input(z, pitch))

    def tail(self, z, pitch, state):
        """Render the rest of a note that `head` began.

        Parameters
        ----------
        z : array [latent_size]
        pitch : int
            The same as for the head.
        state : pdbridge.gansynth.spectral.InverseState
            From `head`.

        Returns
        -------
        iterator of float32 [n]
            The slices that follow the head. Each is a small piece of work, so that something more
            urgent can go in between; the first ones prepare the others and are empty.

        Raises
        ------
        LatentError, PitchError
            As `synthesize`.
        """
        return self._tail(self._input(z, pitch), state)

    # From picture to sound

    def _sound(self, picture):
        picture = spectral.denormalise(picture, self._scale, self._shift)
        return spectral.invert(picture, self._layout)

    def _slice(self, rows, state):
        rows = spectral.denormalise(rows, self._scale, self._shift)
        return spectral.invert_rows(rows, state, self._layout)

    def _head(self, x):
        for rows in self._generator.head(x):
            state = spectral.initial_state(self._layout)
            yield self._slice(rows, state) if len(rows) else None

    def _tail(self, x, state):
        for rows in self._generator.tail(x):
            samples = np.zeros(0, np.float32)
            if len(rows):
                samples, state = self._slice(rows, state)
            yield samples

    def _stream(self, x):
        *_, (samples, state) = self._head(x)
        yield samples
        yield from self._tail(x, state)

    def _pictures(self, z, pitches, offsets):
        z, pitches = self._notes(z, pitches)
        offsets = self._offsets(offsets, len(pitches))
        return self._painted(z, pitches, offsets)

    def _painted(self, z, pitches, offsets):
        for note, (values, pitch) in enumerate(zip(z, pitches, strict=True)):
            of_note = {layer: array[note] for layer, array in offsets.items()}
            yield self._generator.picture(self._one_hot(values, pitch), of_note)

    # Checking what comes in

    def _input(self, z, pitch):
        z, pitches = self._notes(z, pitch)
        if len(pitches) != 1:
            raise PitchError(f"one note has one pitch, not {len(pitches)}")
        return self._one_hot(z[0], pitches[0])

    def _one_hot(self, z, pitch):
        x = np.zeros((1, self.latent_size + len(self.pitches)), np.float32)
        x[0, : self.latent_size] = z
        x[0, self.latent_size + self._labels[pitch]] = 1
        return tf.constant(x)

    def _notes(self, z, pitches):
        """As many checked z, float32 [count, latent_size], as checked pitches."""
        z = self._checked_z(z)
        if np.ndim(pitches) > 1:
            raise PitchError("pitches are a number or a plain list of numbers")
        single = np.ndim(pitches) == 0
        pitches = [self._checked_pitch(pitch) for pitch in ([pitches] if single else pitches)]
        if single and z.ndim == 2:
            pitches = pitches * len(z)
        if z.ndim == 1:
            z = np.broadcast_to(z, (len(pitches), self.latent_size))
        if len(z) != len(pitches):
            raise LatentError(f"every pitch takes one z, but there are {len(pitches)} pitches "
                              f"and {len(z)} z")
        return z, pitches

    def _checked_z(self, z):
        try:
            with np.errstate(over="ignore"):
                z = np.asarray(z).astype(np.float32, casting="same_kind")
        except (TypeError, ValueError):
            raise LatentError(f"z should hold {self.latent_size} numbers") from None
        if z.ndim not in (1, 2) or z.shape[-1] != self.latent_size:
            shape = " x ".join(map(str, z.shape)) or "one"
            raise LatentError(
                f"z should hold {self.latent_size} values, one timbre of this model, not {shape}"
            )
        if not np.isfinite(z).all():
            raise LatentError("z holds a value that is not a finite number")
        return z

    def _checked_pitch(self, pitch):
        if isinstance(pitch, Real) and not isinstance(pitch, bool) and pitch in self._labels:
            return int(pitch)
        raise PitchError(
            f"this model does not know the pitch {pitch}; it knows {ranges(self.pitches)}"
        )

    def _offsets(self, offsets, count):
        """Offsets as float32 [count, rows, columns, channels]."""
        shapes = self.layer_shapes
        checked = {}
        for layer, values in (offsets or {}).items():
            if layer not in shapes:
                raise OffsetError(
                    f"this model has no layer {layer!r}; it has {', '.join(shapes)}"
                )
            try:
                values = np.asarray(values, np.float32)
                checked[layer] = np.broadcast_to(values, (count, *shapes[layer]))
            except (TypeError, ValueError):
                raise OffsetError(
                    f"an offset for {layer} should have the shape {list(shapes[layer])}, not "
                    f"{list(np.shape(values))}"
                ) from None
            if not np.isfinite(values).all():
                raise OffsetError(f"the offset for {layer} holds a value that is not finite")
        return checked
