"""GANSpace: directions in a layer of the network along which timbres differ most.

After Härkönen et al. 2020, "GANSpace: Discovering Interpretable GAN Controls", as the course's GANSynth
took it over: a principal component analysis of what a layer puts out for many random timbres. A timbre
is then the mean of the layer plus so much of each component, or any timbre is bent along them.
`component_files` reads and writes the files, `components` computes new ones.
"""

import os
import reprlib
from pathlib import Path

import numpy as np

from pdbridge import mapped
from pdbridge.errors import ComponentsError
from pdbridge.gansynth import component_files

#: What the original calls layer, estimator, components, stdev, variance_ratio and mean.
KEYS = ("layer", "estimator", "comp", "stdev", "var_ratio", "global_mean")
LONGEST_NAME = 100  # letters of a layer's name
LARGEST_LAYER = 1 << 24  # values; those of the published models have up to 2^22
MOST_COMPONENTS = 1 << 20


class GANSpace:
    """Principal components of a layer.

    Use `GANSpace.load`, or `pdbridge.gansynth.components.compute` to make new ones.

    The original scales components in three ways. They are kept apart here, because a file of edits or
    amplitudes sounds right with its own way only:

    ============== ===================================== ============== =======================================
    method         sum over components                   used on a      where the original does so
                                                         layer as
    ============== ===================================== ============== =======================================
    `edits_layer`  mean + sum(edit * stdev * component)  ``layers``     ``synthesize_noz``, HALLU: z plays no
                                                                        part, nor does the pitch asked for
    `offset`       sum(amplitude * stdev * component)    ``offsets``    ``synthesize`` after
                                                                        ``load_ganspace_components``
    `plain_offset` sum(edit * component)                 ``offsets``    ``gansynth_generate --edits``, files of
                                                                        edits
    ============== ===================================== ============== =======================================

    Attributes
    ----------
    path : Path or None
        The file they came from.
    layer : str
        The layer of the model that they belong to, e.g. ``"conv0"``.
    estimator : str
        How they were found, e.g. ``"ipca"``.
    count : int
        How many components there are.
    components : array [count, rows, columns, channels]
        Of unit length; of a file a read-only view, of which only what is used is read.
    stdev : array [count]
        How far the layer's outputs spread along each component (standard deviation).
    variance_ratio : array [count]
        The part of the layer's variance that each explains, 0 to 1.
    mean : array [rows, columns, channels]
        The mean of the layer's outputs.

    Parameters
    ----------
    layer, estimator, components, stdev, variance_ratio, mean
        As above.

    Raises
    ------
    ComponentsError
        They do not fit each other, or a value is not finite.

    Examples
    --------
    >>> space = GANSpace.load("conv0.pickle")
    >>> model.synthesize(None, 32, layers={space.layer: space.edits_layer([2, -1.5])})
    >>> model.synthesize(z, 60, offsets={space.layer: space.offset([0, 3])})
    """

    def __init__(self, layer, estimator, components, stdev, variance_ratio, mean):
        values = layer, estimator, components, stdev, variance_ratio, mean
        self._set(dict(zip(KEYS, values, strict=True)), "these components", None)

    @classmethod
    def load(cls, path):
        """Open a file of components; it is mapped into memory, not read.

        Parameters
        ----------
        path : str or Path
            A pickle of the original's ``gansynth_ganspace``, or an .npz or .pickle of `save`. A pickle is
            not unpickled: one that asks for anything but arrays, text and numbers is refused.

        Returns
        -------
        GANSpace

        Raises
        ------
        ComponentsError
            Naming the file and what is wrong with it.
        """
        file = mapped.MappedFile(path, "the components", ComponentsError)
        space = cls.__new__(cls)
        space._set(component_files.read(file), str(file.path), file)
        return space

    def _set(self, values, name, file):
        self._name, self._file = name, file
        self.path = file.path if file else None
        missing = [key for key in KEYS if key not in values]
        if missing:
            raise ComponentsError(f"{name} lacks {' and '.join(map(repr, missing))}, so it holds no components")
        self.layer = self._text(values, "layer")
        self.estimator = self._text(values, "estimator")
        self.components = self._numbers(values, "comp", 4, "count, rows, columns, channels")
        self.count = len(self.components)
        self.mean = self._numbers(values, "global_mean", 3, "rows, columns, channels")
        if self.mean.shape != self.components.shape[1:]:
            raise ComponentsError(f"{name} contradicts itself: 'comp' is for a layer of "
                                  f"{_by(self.components.shape[1:])} values, 'global_mean' for one of "
                                  f"{_by(self.mean.shape)}")
        if self.mean.size > LARGEST_LAYER or self.count > MOST_COMPONENTS:  # a file with holes claims anything
            raise ComponentsError(f"{name} has {self.count} components of {self.mean.size} values; there may "
                                  f"be {MOST_COMPONENTS} of {LARGEST_LAYER}")
        self.stdev = self._one_each(values, "stdev")
        self.variance_ratio = self._one_each(values, "var_ratio")
        for key in ("stdev", "var_ratio", "global_mean"):
            if not np.isfinite(values[key]).all():
                raise ComponentsError(f"{name}: {key!r} holds a value that is not a finite number")
        if (self.stdev < 0).any():
            raise ComponentsError(f"{name}: 'stdev' holds a value below 0")

    def edits_layer(self, edits):
        """What the layer puts out at a place given by its components alone.

        Parameters
        ----------
        edits : array [n]
            So many standard deviations along each of the first n components, n up to `count`.

        Returns
        -------
        float32 [rows, columns, channels]
            ``mean + sum(edit * stdev * component)``, to replace the layer.

        Raises
        ------
        ComponentsError
            There are more edits than components, one is not a finite number, or the file is damaged or
            was changed since it was opened.
        """
        return self._sum(edits, self.stdev, self.mean)

    def offset(self, amplitudes):
        """What bends a timbre along the components, in units of their standard deviations.

        Parameters
        ----------
        amplitudes : array [n]

        Returns
        -------
        float32 [rows, columns, channels]
            ``sum(amplitude * stdev * component)``, to be added to the layer.

        Raises
        ------
        ComponentsError
            As `edits_layer`.
        """
        return self._sum(amplitudes, self.stdev)

    def plain_offset(self, edits):
        """What bends a timbre along the components, in the layer's own units.

        Parameters
        ----------
        edits : array [n]

        Returns
        -------
        float32 [rows, columns, channels]
            ``sum(edit * component)``, to be added to the layer.

        Raises
        ------
        ComponentsError
            As `edits_layer`.
        """
        return self._sum(edits, np.ones(self.count))

    def save(self, path):
        """Write the components to a file; all of them are read for that.

        Parameters
        ----------
        path : str or Path
            An .npz, or a .pickle (.pkl) that the original reads as well.

        Raises
        ------
        ComponentsError
            The name has another ending, or the file they came from was changed.
        MessageError
            It cannot be written.
        """
        check_ending(path)
        self._check_file()
        path = Path(os.path.expanduser(path))
        write = mapped.write_npz if path.suffix.lower() == ".npz" else component_files.write_pickle
        values = self.layer, self.estimator, self.components, self.stdev, self.variance_ratio, self.mean
        write(path, dict(zip(KEYS, values, strict=True)))

    def _sum(self, factors, scale, start=0.0):
        factors = self._factors(factors)
        self._check_file()
        total = np.zeros(self.mean.shape) + start
        with np.errstate(over="ignore", invalid="ignore"):
            for index in np.flatnonzero(factors):  # of those at 0 nothing is read
                total += (factors[index] * scale[index]) * self.components[index]
            total = total.astype(np.float32)
        if not np.isfinite(total).all():
            self._explain(factors)
        return total

    def _factors(self, factors):
        try:
            factors = np.asarray(factors, np.float64)
        except (TypeError, ValueError):
            raise ComponentsError("edits are numbers, one for each component, not "
                                  f"{reprlib.repr(factors)}") from None
        if factors.ndim != 1:
            raise ComponentsError("edits are a plain list of numbers, one for each component")
        if len(factors) > self.count:
            raise ComponentsError(f"there are {len(factors)} edits, but {self._name} has {self.count} "
                                  "components")
        if not np.isfinite(factors).all():
            raise ComponentsError("an edit is not a finite number")
        return factors

    def _explain(self, factors):
        for index in np.flatnonzero(factors):
            if not np.isfinite(self.components[index]).all():
                raise ComponentsError(f"{self._name}: component {index + 1} holds a value that is not a "
                                      "finite number")
        raise ComponentsError(f"the edits are too large: the largest is {np.abs(factors).max():g}")

    def _check_file(self):
        if self._file:
            self._file.check_unchanged()

    # What is in a file

    def _text(self, values, key):
        text = values[key]
        if isinstance(text, np.ndarray) and text.dtype.kind == "U" and text.ndim == 0 and text.itemsize < 1000:
            text = str(text)  # an .npz knows arrays only
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST_NAME or not text.isprintable():
            raise ComponentsError(f"{self._name}: {key!r} should be a name")
        return str(text)

    def _numbers(self, values, key, dimensions, meaning):
        array = values[key]
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            raise ComponentsError(f"{self._name}: {key!r} should be an array of floating-point numbers")
        if array.ndim != dimensions or not array.size:
            raise ComponentsError(f"{self._name}: {key!r} should be [{meaning}], not {list(array.shape)}")
        return array

    def _one_each(self, values, key):
        array = values[key]
        if isinstance(array, list | tuple) and all(isinstance(number, float | np.floating) for number in array):
            array = np.array(array, np.float64)
        array = self._numbers(values | {key: array}, key, 1, "count")
        if len(array) != self.count:
            raise ComponentsError(f"{self._name} contradicts itself: 'comp' has {self.count} components, "
                                  f"{key!r} {len(array)} values")
        return array


def check_ending(path):
    """Make sure that `GANSpace.save` will know what to write.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    ComponentsError
        It ends neither in .npz nor in .pickle or .pkl.
    """
    if Path(path).suffix.lower() not in (".npz", ".pickle", ".pkl"):
        raise ComponentsError(f"{path}: components are kept in an .npz, or for the original in a .pickle; "
                              "the name must end so")


def _by(shape):
    return " x ".join(map(str, shape))
