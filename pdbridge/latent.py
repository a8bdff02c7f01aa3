"""z, the vector that is a timbre to GANSynth: drawing and reading one, and ways between several."""

import numpy as np

from pdbridge.errors import LatentError

LARGEST_FILE = 1 << 20  # bytes of an .npy with a z; an honest one has 1152
NEARLY_PARALLEL = 1e-4  # rad; closer to equal or opposite than this, other formulas are needed


def random_z(count, size, seed=None):
    """Draw timbres at random, as the generator was trained on them.

    Parameters
    ----------
    count : int
        How many.
    size : int
        Values in each, 256 for the published models.
    seed : int, optional
        The same seed draws the same timbres again.

    Returns
    -------
    float32 [count, size]
        Standard normal; not normalised to unit length (the original does not do so either).

    Raises
    ------
    LatentError
        If `count`, `size` or `seed` is negative or not a whole number.
    """
    try:
        return np.random.default_rng(seed).standard_normal((count, size), dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise LatentError(
            f"cannot draw {count} z of {size} values with seed {seed}: {error}"
        ) from None


def read_z(path, size):
    """Read a z that was saved with ``save_z`` or numpy.

    Parameters
    ----------
    path : Path
        An ``.npy``.
    size : int
        Values that the model takes.

    Returns
    -------
    float32 [size]

    Raises
    ------
    LatentError
        It is missing, or no such z.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError
        z = np.lib.format.open_memmap(path, mode="r")  # takes no more memory than the file has bytes
        z = np.array(z).astype(np.float32, casting="same_kind").squeeze()
    except OSError as error:
        raise LatentError(f"the timbre {path} cannot be read: {error.strerror or error}") from None
    except (ValueError, TypeError, OverflowError):
        raise LatentError(f"{path} is no z: it should be an .npy of {size} numbers") from None
    if z.shape != (size,):
        raise LatentError(f"{path} holds {list(z.shape)} values; a z of this model has {size}")
    if not np.isfinite(z).all():
        raise LatentError(f"{path} holds a value that is not a finite number")
    return z


def slerp(z0, z1, t):
    """Go from one timbre to another along the sphere, as the original does.

    Parameters
    ----------
    z0, z1 : array [size]
        The two ends.
    t : float or array [n]
        0 is `z0`, 1 is `z1`; values outside continue on the same curve.

    Returns
    -------
    array [size], or [n, size] if `t` is an array
        float64 if an end is, float32 otherwise. The ends are met exactly. Where the original has
        no answer: vectors of the same direction, and a zero vector, are joined by a straight
        line; opposite ones by a half circle in the plane that they span or, if they are exactly
        opposite, that the first of them spans with the axis most nearly at right angles to it,
        with the length changing evenly.

    Raises
    ------
    LatentError
        If the shapes differ or a value is not finite.
    """
    start, end, dtype = _ends(z0, z1)
    t = _amounts(t)
    along = t[..., np.newaxis]  # [..., 1]
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    if min(lengths) == 0:
        points = (1 - along) * start + along * end
    else:
        points = _on_the_sphere(start, end, lengths, along)
    points = np.where(along == 0, start, np.where(along == 1, end, points))
    return points.astype(dtype)


def pad(corners, x, y):
    """The timbre at a place between four others: along the sphere, first sideways, then down.

    Parameters
    ----------
    corners : array [4, size]
        Top left, top right, bottom left, bottom right.
    x, y : float
        0 is the left, the top; 1 the right, the bottom.

    Returns
    -------
    array [size]
        float64 if a corner is, float32 otherwise. The corners are met exactly, and so is `slerp`
        between two of them on an edge.

    Raises
    ------
    LatentError
        If there are not four corners of the same length, or a value is not finite.
    """
    if len(corners) != 4:
        raise LatentError(f"a pad has 4 corners, not {len(corners)}")
    top_left, top_right, bottom_left, bottom_right = corners
    top, bottom = slerp(top_left, top_right, x), slerp(bottom_left, bottom_right, x)
    return slerp(top, bottom, y)


def _on_the_sphere(start, end, lengths, along):
    forward, target = start / lengths[0], end / lengths[1]
    sideways = target - np.dot(forward, target) * forward
    # The arctangent stays exact near 0 and pi, where the arccosine of the original does not.
    angle = np.arctan2(np.linalg.norm(sideways), np.dot(forward, target))
    if angle < NEARLY_PARALLEL:
        return (1 - along) * start + along * end
    if angle < np.pi - NEARLY_PARALLEL:
        shares = np.sin((1 - along) * angle), np.sin(along * angle)
        return (shares[0] * start + shares[1] * end) / np.sin(angle)
    if np.linalg.norm(sideways) < 1e-12:
        axis = np.zeros_like(forward)
        axis[np.argmin(np.abs(forward))] = 1
        sideways = axis - np.dot(forward, axis) * forward
        if not sideways.any():  # a single value has no way around
            return (1 - along) * start + along * end
    sideways = sideways / np.linalg.norm(sideways)
    length = (1 - along) * lengths[0] + along * lengths[1]
    return length * (np.cos(along * angle) * forward + np.sin(along * angle) * sideways)


def _ends(z0, z1):
    try:
        z0, z1 = np.asarray(z0), np.asarray(z1)
        start, end = z0.astype(np.float64), z1.astype(np.float64)
    except (TypeError, ValueError):
        raise LatentError("slerp goes between two z; these are not arrays of numbers") from None
    if start.ndim != 1 or start.shape != end.shape or start.size == 0:
        raise LatentError(
            f"slerp goes between two z of the same length, not {_shape(start)} and {_shape(end)}"
        )
    for name, z in (("first", start), ("second", end)):
        if not np.isfinite(z).all():
            raise LatentError(f"the {name} z of slerp has a value that is not a finite number")
    double = np.float64 in (z0.dtype, z1.dtype)
    return start, end, np.float64 if double else np.float32


def _amounts(t):
    try:
        t = np.asarray(t, dtype=np.float64)
    except (TypeError, ValueError):
        raise LatentError(f"slerp goes by an amount from 0 to 1, not {t!r}") from None
    if t.ndim > 1 or not np.isfinite(t).all():
        raise LatentError("slerp goes by a finite amount, or a list of them")
    return t


def _shape(array):
    return " x ".join(map(str, array.shape)) + " values" if array.ndim else "a single number"
