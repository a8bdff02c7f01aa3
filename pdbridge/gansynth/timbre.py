"""The timbre of a note: what is sent to the process that holds the model, with the pitch.

It says what is to be heard, by z, by components of a GANSpace file or by both (Härkönen et al.
2020, "GANSpace: Discovering Interpretable GAN Controls"); `pdbridge.gansynth.served` does it. It is
a few kB, however large the file is, and needs no TensorFlow.
"""

from dataclasses import dataclass

import numpy as np

from pdbridge.errors import LatentError


@dataclass(frozen=True, eq=False)
class Timbre:
    """One timbre; never changed, so that what was made of it can be kept.

    Attributes
    ----------
    z : float32 [latent_size], or None
        None only with `edits`, which need no z.
    components : str, optional
        Path of a GANSpace file.
    amplitudes : tuple of float
        Of its first components, in standard deviations; their sum is added to the layer.
    edits : tuple of float, optional
        Of its first components, in standard deviations; their sum and the mean take the place of
        the layer. Neither z nor pitch count then.

    Raises
    ------
    LatentError
        If there is nothing to be heard, or components are missing.
    """

    z: np.ndarray | None
    components: str | None = None
    amplitudes: tuple = ()
    edits: tuple | None = None

    def __post_init__(self):
        if self.z is None and self.edits is None:
            raise LatentError("a timbre has a z or edits of components, and this has neither")
        if self.components is None and (self.amplitudes or self.edits is not None):
            raise LatentError("amplitudes and edits need a file of components; load one first")
