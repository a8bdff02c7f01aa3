"""A GANSynth that is ready to play.

Engel et al. 2019, "GANSynth: Adversarial Neural Audio Synthesis".
"""

from numbers import Real

import numpy as np
import tensorflow as tf

from pdbridge import latent
from pdbridge.errors import LatentError, OffsetError, PitchError
from pdbridge.gansynth import differentiable, spectral
from pdbridge.gansynth.checkpoint import read_checkpoint
from pdbridge.gansynth.generator import Changes, Generator
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
        >>> model = GANSynth.load("models/small_hours")
        >>> z = model.random_z(1, seed=3)
        >>> model.synthesize(z, 60).shape
        (1, 64000)
        """
        return cls(read_checkpoint(folder))

    @property
    def layer_shapes(self):
        """Shapes (rows, columns, channels) of the layers that can be changed, by name."""
        return self._generator.layer_shapes

    @property
    def latent_directions(self):
        """What the network takes of z at all: orthonormal columns, float64 [latent_size, directions]."""
        return self._generator.latent_directions

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

    def synthesize(self, z, pitches, offsets=None, layers=None):
        """Render whole notes.

        Layers of the network can be changed as GANSpace does it (Härkönen et al. 2020). Where one
        is replaced, what lies below is not computed; the deeper it lies, the less is to be done.

        Parameters
        ----------
        z : array [count, latent_size] or [latent_size], or None
            The timbres. One alone is used for all pitches. None if `layers` say it all.
        pitches : int or list of int
            MIDI pitches, one for each z. A single number is used for all z.
        offsets : dict of str to array, optional
            Added to what layers put out: values by layer name, of the shape given by
            `layer_shapes` or one that numpy broadcasts to it, or such an array for each note.
        layers : dict of str to array, optional
            Put in the place of what layers put out, in the same shapes; offsets are added to it.
            z and pitch enter the network below all layers, so they do not count any more (the
            pitch must be one of the model's nevertheless). The exception is a model whose
            training stopped while a block was being blended in (`progress` is not whole): if the
            replaced layer is in that last block, the one before shows through, and is made out
            of z and pitch; None is a z of zeros there.

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
            If there is no such layer, or an array does not fit it.
        """
        pictures = self._pictures(z, pitches, offsets, layers)
        notes = [self._sound(picture) for picture in pictures]
        return np.stack(notes) if notes else np.zeros((0, self.note_length), np.float32)

    def image(self, z, pitches, offsets=None, layers=None):
        """Paint the pictures of notes, which `synthesize` turns into sound.

        Parameters and errors are those of `synthesize`.

        Returns
        -------
        float32 [count, rows, bins, 2]
            128 x 1024 for the published models. Mel-scaled log power and instantaneous
            frequency, normalised to -1..1.
        """
        pictures = list(self._pictures(z, pitches, offsets, layers))
        size = self._layout.rows, self._layout.bins, 2
        return np.stack(pictures) if pictures else np.zeros((0, *size), np.float32)

    def activations(self, z, pitches, layer):
        """What a layer puts out, which GANSpace looks for directions in.

        Parameters
        ----------
        z : array [count, latent_size] or [latent_size]
        pitches : int or list of int
            As for `synthesize`.
        layer : str
            One of `layer_shapes`.

        Returns
        -------
        float32 [count, rows, columns, channels]
            After rectifier and pixel norm, where offsets would be added.

        Raises
        ------
        LatentError, PitchError, OffsetError
            As `synthesize`.
        """
        z, pitches = self._notes(z, pitches)
        made = np.zeros((len(pitches), *self._layer_shape(layer)), np.float32)
        for note, (values, pitch) in enumerate(zip(z, pitches, strict=True)):
            made[note] = self._generator.activations(self._one_hot(values, pitch), layer)
        return made

    def stream(self, z, pitch, offsets=None, layers=None):
        """Render a note slice by slice, the first one as soon as possible.

        Parameters
        ----------
        z : array [latent_size], or None
        pitch : int
        offsets, layers : dict of str to array, optional
            As for `synthesize`.

        Returns
        -------
        iterator of float32 [n]
            Together they are the note of `synthesize`. The first has `head_length` samples;
            later ones may be empty, see `tail`.

        Raises
        ------
        LatentError, PitchError, OffsetError
            As `synthesize`.
        """
        return self._stream(*self._note(z, pitch, offsets, layers))

    def head(self, z, pitch, offsets=None, layers=None):
        """Render only the beginning of a note, exactly as `synthesize` does.

        Parameters
        ----------
        z : array [latent_size], or None
        pitch : int
        offsets, layers : dict of str to array, optional
            As for `synthesize`.

        Returns
        -------
        samples : float32 [head_length]
        state : pdbridge.gansynth.spectral.InverseState
            What `tail` needs to go on from there, about 10 kB.

        Raises
        ------
        LatentError, PitchError, OffsetError
            As `synthesize`.
        """
        *_, made = self._head(*self._note(z, pitch, offsets, layers))
        return made

    def head_in_pieces(self, z, pitch, offsets=None, layers=None):
        """Render the beginning of a note in small pieces of work; something may go in between.

        Parameters and errors are those of `head`.

        Returns
        -------
        iterator
            Of None, and at the end of what `head` returns.
        """
        return self._head(*self._note(z, pitch, offsets, layers))

    def tail(self, z, pitch, state, offsets=None, layers=None):
        """Render the rest of a note that `head` began.

        Parameters
        ----------
        z : array [latent_size], or None
        pitch : int
        state : pdbridge.gansynth.spectral.InverseState
            From `head`.
        offsets, layers : dict of str to array, optional
            These and z and pitch are the same as for the head.

        Returns
        -------
        iterator of float32 [n]
            The slices that follow the head. Each is a small piece of work, so that something more
            urgent can go in between; the first ones prepare the others and are empty.

        Raises
        ------
        LatentError, PitchError, OffsetError
            As `synthesize`.
        """
        return self._tail(*self._note(z, pitch, offsets, layers), state)

    def note_tensor(self, z, pitch):
        """A whole note as operations that gradients go through, for looking for a z.

        Parameters
        ----------
        z : tf.Tensor, float32 [latent_size]
        pitch : int
            One of `pitches`.

        Returns
        -------
        tf.Tensor, float32 [note_length]
            As `synthesize`, except for the last digits.
        """
        pitch = tf.one_hot(self._labels[self._checked_pitch(pitch)], len(self.pitches))
        picture = self._generator.drawing(tf.concat([z, pitch], axis=0)[tf.newaxis])
        picture = spectral.denormalise(picture, self._scale, self._shift)
        return differentiable.invert(picture, self._layout)

    # From picture to sound

    def _sound(self, picture):
        picture = spectral.denormalise(picture, self._scale, self._shift)
        return spectral.invert(picture, self._layout)

    def _slice(self, rows, state):
        rows = spectral.denormalise(rows, self._scale, self._shift)
        return spectral.invert_rows(rows, state, self._layout)

    def _head(self, x, changes):
        for rows in self._generator.head(x, changes):
            state = spectral.initial_state(self._layout)
            yield self._slice(rows, state) if len(rows) else None

    def _tail(self, x, changes, state):
        for rows in self._generator.tail(x, changes):
            samples = np.zeros(0, np.float32)
            if len(rows):
                samples, state = self._slice(rows, state)
            yield samples

    def _stream(self, x, changes):
        *_, (samples, state) = self._head(x, changes)
        yield samples
        yield from self._tail(x, changes, state)

    def _pictures(self, z, pitches, offsets, layers):
        for x, changes in self._inputs(z, pitches, offsets, layers):
            yield self._generator.picture(x, changes)

    # Checking what comes in

    def _note(self, z, pitch, offsets=None, layers=None):
        """What the generator takes for one note."""
        notes = list(self._inputs(z, pitch, offsets, layers))
        if len(notes) != 1:
            raise PitchError(f"one note has one pitch, not {len(notes)}")
        return notes[0]

    def _inputs(self, z, pitches, offsets, layers):
        """What the generator takes, note by note: (float32 [1, latent + pitches], Changes)."""
        layers = layers or {}
        z = np.zeros(self.latent_size, np.float32) if z is None and layers else z
        z, pitches = self._notes(z, pitches)
        layers = self._arrays("the layer", layers, len(pitches))
        offsets = self._arrays("the offset for", offsets or {}, len(pitches))
        for note, (values, pitch) in enumerate(zip(z, pitches, strict=True)):
            changes = Changes(*(
                {layer: array[note] for layer, array in arrays.items()}
                for arrays in (layers, offsets)
            ))
            yield self._one_hot(values, pitch), changes

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

    def _layer_shape(self, layer):
        shapes = self.layer_shapes
        if layer not in shapes:
            raise OffsetError(f"this model has no layer {layer!r}; it has {', '.join(shapes)}")
        return shapes[layer]

    def _arrays(self, what, arrays, count):
        """Checked values for layers, float32 [count, rows, columns, channels] by layer name."""
        checked = {}
        for layer, values in arrays.items():
            shape = self._layer_shape(layer)
            try:
                values = np.asarray(values, np.float32)
            except (TypeError, ValueError):
                raise OffsetError(f"{what} {layer} should hold numbers") from None
            try:
                checked[layer] = np.broadcast_to(values, (count, *shape))
            except ValueError:
                each = f", or this for each of {count} notes" if count != 1 else ""
                raise OffsetError(f"{what} {layer} should have the shape {list(shape)}{each}, not "
                                  f"{list(values.shape)}") from None
            if not np.isfinite(values).all():
                raise OffsetError(f"{what} {layer} holds a value that is not finite")
        return checked
