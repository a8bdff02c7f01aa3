"""What GANSynth's keys play: a z, or edits of GANSpace components, moved along components.

A `Palette` is what a musician has set up: the z, the four corners of the pad and the place on it, the
components and how far to go along each. Plain values; no messages, no models.
"""

import numpy as np

from pdbridge import latent
from pdbridge.errors import ArrayError, ComponentsError, MessageError
from pdbridge.gansynth.timbre import Timbre

LARGEST_EDIT = 1000.0  # standard deviations; sliders go to 10
CORNERS = ("top left", "top right", "bottom left", "bottom right")


class Components:
    """A file of GANSpace components, as the model's process described it.

    Parameters
    ----------
    path : Path
    description : dict
        "layer" (str) and "count" (int).
    array : str or None
        The array of the patch with the amplitudes that `synthesize` adds.
    array_length : int
        Values it had.
    """

    def __init__(self, path, description, array=None, array_length=0):
        self.path = path
        self.layer = description["layer"]
        self.count = description["count"]
        self.array = array
        self.array_length = array_length

    def timbre(self, edits):
        """The `Timbre` of edits (sequence of float); `ComponentsError` when they are too many."""
        edits = without_last_zeros(edits)
        if len(edits) > self.count:
            raise ComponentsError(f"{len(edits)} edits came; {self.path.name} has {self.count} components")
        return Timbre(None, str(self.path), edits=edits)


class Palette:
    """The timbre of an instrument, and what it is made of.

    Attributes
    ----------
    z : float32 [latent_size] or None
    edits : tuple of float or None
        What is played in place of `z`.
    corners : dict of int to float32 [latent_size]
        The z's at the corners of the pad, from 1, see `CORNERS`.
    place : (float, float) or None
        x and y on the pad, while what is under the pad is played.
    components : Components or None
    amplitudes : dict of int to float
        How far to go along a component, by its number from 1.
    """

    def __init__(self):
        self.z = None
        self.edits = None
        self.corners = {}
        self.place = None
        self.components = None
        self.amplitudes = {}

    def set_z(self, z):
        """Play a z, float32 [latent_size]."""
        self.z, self.edits, self.place = z, None, None

    def set_edits(self, edits):
        """Play edits (sequence of float), in place of a z; `ComponentsError` when that cannot be."""
        self.edits = self.needed_components("edits").timbre(edits).edits
        self.place = None

    def set_corner(self, number, z):
        """Take a z as a corner of the pad; what is under the pad changes with it."""
        self.corners[number] = z
        if self.place:
            self.move(*self.place)

    def move(self, x, y):
        """Play what is at a place of the pad; `MessageError` when a corner is missing."""
        for number, name in enumerate(CORNERS, 1):
            if number not in self.corners:
                raise MessageError(f"pad: its corner {number} ({name}) is not set; send corner "
                                   f"{number} z-array")
        self.z = latent.pad([self.corners[number] for number in (1, 2, 3, 4)], x, y)
        self.edits, self.place = None, (x, y)

    def set_amplitude(self, number, amplitude):
        """Go this far along a component; `ComponentsError` when there is none of this number."""
        components = self.needed_components("component")
        if number > components.count:
            raise ComponentsError(f"component: there is no component {number}; "
                                  f"{components.path.name} has {components.count}")
        self.amplitudes[number] = amplitude

    def set_components(self, components, amplitudes=None):
        """Go along these components from now on; None for none.

        `amplitudes` are how far along each (float [n]); None begins at 0, or goes on with those of
        the same file.
        """
        old, self.components = self.components, components
        count = components.count if components else 0
        if components is None:
            self.edits = None
        elif self.edits is not None:
            self.edits = self.edits[:count]
        if amplitudes is not None:
            self.amplitudes = {n: float(a) for n, a in enumerate(amplitudes[:count], 1) if a}
        elif not (old and components and old.path == components.path):
            self.amplitudes = {}

    def fit(self, latent_size):
        """Forget z's of another length: the model was replaced."""
        if self.z is not None and len(self.z) != latent_size:
            self.z, self.place = None, None
        self.corners = {n: z for n, z in self.corners.items() if len(z) == latent_size}

    def timbre(self):
        """What the keys play now: float32 [latent_size], or a `Timbre`."""
        amplitudes = self.amplitudes_in_order()
        if self.edits is None:
            return self.moved(self.z, amplitudes)
        edits = np.zeros(max(len(self.edits), len(amplitudes)))
        edits[:len(self.edits)] += self.edits
        edits[:len(amplitudes)] += amplitudes
        return self.components.timbre(edits)

    def moved(self, z, amplitudes):
        """A z, moved along components: float32 [latent_size] where nothing moves it, or a `Timbre`."""
        amplitudes = without_last_zeros(amplitudes)
        if not amplitudes:
            return z
        return Timbre(z, str(self.components.path), amplitudes=amplitudes)

    def amplitudes_in_order(self):
        """How far to go along component 1, 2...: list of float."""
        return [self.amplitudes.get(n, 0.0) for n in range(1, max(self.amplitudes, default=0) + 1)]

    def needed_components(self, name):
        """The components, or `ComponentsError` for the message of this name."""
        if self.components is None:
            raise ComponentsError(f"{name}: no components are loaded; send load_ganspace_components "
                                  "file")
        return self.components


def without_last_zeros(values):
    """A tuple of float, without the zeros at its end: these would be read and change nothing."""
    values = np.asarray(values, np.float64)
    used = np.flatnonzero(values)
    return tuple(values[:used[-1] + 1 if len(used) else 0].tolist())


def checked_edits(source, values):
    """Numbers that came from an array; `ArrayError` names the first that cannot be used."""
    bad = np.flatnonzero(~(np.abs(values) <= LARGEST_EDIT))  # NaN is not
    if len(bad):
        raise ArrayError(f"{source} holds {values[bad[0]]:g} at index {bad[0]}; it must be between "
                         f"{-LARGEST_EDIT:g} and {LARGEST_EDIT:g}")
    return values
