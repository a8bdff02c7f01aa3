"""The four corners of the pad, and what lies between them.

A pad has its first row at the top and its first column at the left, and corners are named like the
points of a map: NW is top left. A cell (row, col) of a pad with `resolution` rows and columns lies at
x = col / (resolution - 1) and y = row / (resolution - 1).

Open NSynth Super (Google, 2018) lays the third list of its settings, SE, at the *lower left*; here it is
at the lower right unless `compat` asks for the original.
"""

import itertools

import numpy as np

from pdbridge.errors import GridError
from pdbridge.latent import slerp

#: In the order top left, top right, bottom left, bottom right, as everywhere in pdbridge.
CORNERS = ("NW", "NE", "SW", "SE")
#: Which list of the settings the original lays where.
COMPATIBLE_CORNERS = ("NW", "NE", "SE", "SW")


def deal(sounds):
    """Deal sounds to the corners like cards, as the course does.

    Parameters
    ----------
    sounds : iterable of str
        Names, dealt in alphabetical order.

    Returns
    -------
    dict of str to list of str
        Names by corner.
    """
    sounds = sorted(sounds)
    return {corner: sounds[number::4] for number, corner in enumerate(CORNERS)}


def combinations(pads, compat=False):
    """The grids that corners with several sounds make: one for every choice of a sound each.

    Parameters
    ----------
    pads : dict of str to list of str
        Names of sounds by corner.
    compat : bool
        Lay SE at the lower left and SW at the lower right, as the original does.

    Returns
    -------
    list of tuple of str
        Sounds at the top left, top right, bottom left, bottom right.
    """
    order = COMPATIBLE_CORNERS if compat else CORNERS
    return list(itertools.product(*(pads[corner] for corner in order)))


def points(resolution):
    """The cells' places on the pad.

    Parameters
    ----------
    resolution : int
        Rows, and columns.

    Returns
    -------
    float64 [resolution * resolution, 2]
        x and y in 0..1, row by row.
    """
    steps = np.linspace(0, 1, resolution)
    y, x = np.meshgrid(steps, steps, indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1)


def distance_weights(resolution):
    """How much of each corner is in each cell, by its distance, as in Open NSynth Super.

    A corner that is a whole side away or farther has no part in a cell.

    Parameters
    ----------
    resolution : int
        Rows, and columns.

    Returns
    -------
    float64 [resolution * resolution, 4]
        Cells row by row; top left, top right, bottom left, bottom right. They add up to 1.
    """
    corners = np.array([(0, 0), (1, 0), (0, 1), (1, 1)])  # x, y
    away = points(resolution)[:, np.newaxis] - corners  # [cells, 4, 2]
    nearness = np.maximum(1 - np.linalg.norm(away, axis=2), 0)  # [cells, 4]
    return nearness / nearness.sum(axis=1, keepdims=True)


def bilinear_weights(resolution):
    """How much of each corner is in each cell, fading evenly along rows and columns.

    Parameters and returns are those of `distance_weights`.
    """
    x, y = points(resolution).T
    return np.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], axis=1)


#: Ways to weigh corners, by the names that settings use.
WEIGHTS = {"distance": distance_weights, "bilinear": bilinear_weights}


def shares(sounds, weights):
    """The sounds of a cell and their parts.

    Parameters
    ----------
    sounds : sequence of str
        The four corners. The same sound in two of them has both parts.
    weights : sequence of float
        The four parts.

    Returns
    -------
    dict of str to float
        Only sounds that have a part.
    """
    parts = {}
    for sound, weight in zip(sounds, weights, strict=True):
        if weight > 0:
            parts[sound] = parts.get(sound, 0.0) + float(weight)
    return parts


def note_name(parts, pitch):
    """The name of a note, as Open NSynth Super builds it.

    Parameters
    ----------
    parts : dict of str to float
        Sounds and their parts.
    pitch : int
        MIDI pitch.

    Returns
    -------
    str
        E.g. ``flute_0.5_organ_0.5_pitch_60``: alphabetical, parts with three decimals.
    """
    values = {sound: str(round(part, 3)) for sound, part in parts.items()}
    values["pitch"] = str(pitch)
    return "_".join(f"{key}_{values[key]}" for key in sorted(values))


def cell_timbres(corner_z, resolution):
    """The timbres (z) of all cells between four timbres of a GANSynth.

    Along the upper and the lower edge, then from one edge to the other, always on the sphere.

    Parameters
    ----------
    corner_z : array [4, size]
        Top left, top right, bottom left, bottom right.
    resolution : int
        Rows, and columns.

    Returns
    -------
    float32 [resolution * resolution, size]
        Row by row; the corners are met exactly.

    Raises
    ------
    GridError
        There are not four z.
    LatentError
        A z has a value that is not finite.
    """
    if np.ndim(corner_z) != 2 or len(corner_z) != 4:
        raise GridError(f"a pad has four corners; these z have the shape {list(np.shape(corner_z))}")
    nw, ne, sw, se = np.asarray(corner_z, np.float32)
    steps = np.linspace(0, 1, resolution)
    top, bottom = slerp(nw, ne, steps), slerp(sw, se, steps)  # [cols, size]
    columns = [slerp(upper, lower, steps) for upper, lower in zip(top, bottom, strict=True)]
    return np.stack(columns, axis=1).reshape(resolution * resolution, -1)
