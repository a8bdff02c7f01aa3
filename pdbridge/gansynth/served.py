"""GANSynth as the server's worker process holds it: `Timbre` and pitch in, slices out.

It knows what the components of a GANSpace file do to the layers of its model (Härkönen et al. 2020,
"GANSpace: Discovering Interpretable GAN Controls"), and keeps what was read and computed for a
timbre, since one timbre is played on many keys.
"""

import os
from collections import OrderedDict

import numpy as np

from pdbridge.errors import ComponentsError
from pdbridge.gansynth.ganspace import GANSpace
from pdbridge.gansynth.listening import Listener
from pdbridge.gansynth.model import GANSynth
from pdbridge.gansynth.timbre import Timbre

MOST_FILES = 4  # of components kept open
MOST_RECORDINGS = 2  # that z's are looked for; each has two graphs of its own
MOST_TIMBRES = 8  # whose layers are kept; one takes up to 16 MB (conv1_7 of the published models)


class Kept:
    """What was made lately, by key; beyond `most`, what was not asked for longest is dropped."""

    def __init__(self, most):
        self._most = most
        self._made = OrderedDict()

    def get(self, key, make):
        """What is kept under the key, or else ``make()``."""
        if key not in self._made:
            self._made[key] = make()
        self._made.move_to_end(key)
        while len(self._made) > self._most:
            self._made.popitem(last=False)
        return self._made[key]


class ServedGANSynth:
    """A GANSynth that plays timbres.

    Wherever a timbre is taken, a plain z (float32 [latent_size]) is one, too.

    Parameters
    ----------
    model : GANSynth

    Attributes
    ----------
    pitches, latent_size, sample_rate, note_length, head_length
        Those of the model.
    """

    def __init__(self, model):
        self.pitches = model.pitches
        self.latent_size = model.latent_size
        self.sample_rate = model.sample_rate
        self.note_length = model.note_length
        self.head_length = model.head_length
        self._model = model
        self._files = Kept(MOST_FILES)
        self._values = Kept(MOST_TIMBRES)
        self._listeners = Kept(MOST_RECORDINGS)
        self._ready_layers = set()

    @classmethod
    def load(cls, folder):
        """Load a checkpoint folder, see `GANSynth.load`."""
        return cls(GANSynth.load(folder))

    def warm_up(self):
        """Build what playing a z needs; what components need is built when they are loaded."""
        self._model.warm_up()

    def components(self, path):
        """Open a GANSpace file and get ready to play with it.

        Parameters
        ----------
        path : str
            Of a pickle of the original, or of a file of our own.

        Returns
        -------
        dict
            "layer": its name, "count": how many components there are, "estimator": its name.

        Raises
        ------
        ComponentsError
            The file cannot be read, or does not fit this model.
        """
        *_, described = self.components_in_pieces(path)
        return described

    def components_in_pieces(self, path):
        """Do what `components` does in small pieces of work; something may go in between.

        Returns
        -------
        iterator
            Of None, and at the end of what `components` returns.

        Raises
        ------
        ComponentsError
            As `components`; at once.
        """
        _, space = self._opened(path)
        return self._getting_ready(space)

    def head(self, timbre, pitch):
        """The beginning of a note, see `GANSynth.head`."""
        return self._model.head(**self._note(timbre, pitch))

    def head_in_pieces(self, timbre, pitch):
        """The beginning of a note in small pieces of work, see `GANSynth.head_in_pieces`."""
        return self._model.head_in_pieces(**self._note(timbre, pitch))

    def tail(self, timbre, pitch, state):
        """The rest of a note, see `GANSynth.tail`."""
        return self._model.tail(state=state, **self._note(timbre, pitch))

    def match(self, recording, search):
        """Take the next step of a search for the z of a recording.

        Parameters
        ----------
        recording : pdbridge.gansynth.matching.Recording
        search : pdbridge.gansynth.matching.Search

        Returns
        -------
        Search
            The same, one step further.

        Raises
        ------
        PitchError
            The model does not know the pitch of the recording.
        """
        key = recording.pitch, recording.samples.tobytes()
        search.advance(self._listeners.get(key, lambda: Listener(self._model, recording)))
        return search

    # Components

    def _getting_ready(self, space):
        """Play a note in each way that components change it: the graphs are there then.

        A slider shall not wait for them at its first touch.
        """
        z, pitch = np.zeros(self.latent_size, np.float32), self.pitches[0]
        mean = {space.layer: space.mean}
        ways = () if space.layer in self._ready_layers else ({"offsets": mean}, {"layers": mean})
        for changes in ways:
            for made in self._model.head_in_pieces(z, pitch, **changes):
                state = made and made[1]  # known with the last piece
                yield None
            for _ in self._model.tail(z, pitch, state, **changes):
                yield None
        self._ready_layers.add(space.layer)
        yield {"layer": space.layer, "count": space.count, "estimator": space.estimator}

    def _opened(self, path):
        """The components of a file, and what tells it from an older file of the same name."""
        try:
            found = os.stat(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ComponentsError(f"{path}: the components cannot be read: {reason}") from None
        version = str(path), found.st_mtime_ns, found.st_size
        return version, self._files.get(version, lambda: self._fitting(path))

    def _fitting(self, path):
        space = GANSpace.load(path)
        shapes = self._model.layer_shapes
        if space.layer not in shapes:
            raise ComponentsError(f"{path} has components of the layer {space.layer!r}, which this "
                                  f"model does not have; it has {', '.join(shapes)}")
        if tuple(space.mean.shape) != shapes[space.layer]:
            raise ComponentsError(
                f"{path} was made for another model: its layer {space.layer} has the shape "
                f"{list(space.mean.shape)}, that of this model {list(shapes[space.layer])}"
            )
        return space

    def _note(self, timbre, pitch):
        """The arguments with which `GANSynth` plays a timbre."""
        if not isinstance(timbre, Timbre):
            return {"z": timbre, "pitch": pitch}
        note = {"z": timbre.z, "pitch": pitch}
        if timbre.edits is not None:
            note["layers"] = self._layer(timbre.components, "edits_layer", tuple(timbre.edits))
        if any(timbre.amplitudes):
            note["offsets"] = self._layer(timbre.components, "offset", tuple(timbre.amplitudes))
        return note

    def _layer(self, path, method, amounts):
        """What the components of a file make of amounts, by its layer."""
        version, space = self._opened(path)
        values = self._values.get((version, method, amounts), lambda: getattr(space, method)(amounts))
        return {space.layer: values}
