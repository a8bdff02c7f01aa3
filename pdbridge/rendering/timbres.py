"""Grids between four timbres of a GANSynth: no sounds to prepare, and minutes instead of a night.

Each corner is a z, every cell a point between them on the sphere (`corners.cell_timbres`).
"""

import os
from pathlib import Path

import numpy as np

from pdbridge import latent
from pdbridge.errors import GridError
from pdbridge.gansynth.fingerprint import fingerprint_of_checkpoint
from pdbridge.rendering import corners
from pdbridge.rendering.cells import check_for, render_cells, settings_of


def render_timbres(folder, model, corner_files=None, seed=None, pitches=None, resolution=None,
                   final_length=None, compat=None, say=print):
    """Render a grid with a GANSynth.

    Parameters
    ----------
    folder : str or Path
        The project. Without settings it is made, with what is given here.
    model : pdbridge.gansynth.model.GANSynth
    corner_files : dict of str to str, optional
        An ``.npy`` with a z for some of NW, NE, SW and SE; in place of those in the settings.
    seed : int, optional
        Draws the z of the other corners; in place of those in the settings.
    pitches : sequence of int, optional
        In place of those in the settings.
    resolution, final_length : int, optional
        In place of those in the settings; 9 and 60000 where there are none.
    compat : bool, optional
        SE lower left, SW lower right, 60000 samples.
    say : callable
        Takes lines about what is done.

    Returns
    -------
    Path
        The grid.

    Raises
    ------
    PdbridgeError
        Settings, a z or a pitch that the model cannot use, or the disk; what is done so far is kept.
    """
    folder = Path(folder)
    pitches = tuple(pitches) if pitches else None
    settings = settings_of(folder, model, pitches)
    settings = settings.overridden(pitches=pitches, resolution=resolution, final_length=final_length, compat=compat,
                                   timbres=_timbres(settings, folder, corner_files or {}, seed))
    check_for(settings, model)
    names, corner_z = _corners(settings, model.latent_size)
    checkpoint = fingerprint_of_checkpoint(model.folder)
    return render_cells(
        settings, names, corners.cell_timbres(corner_z, settings.resolution), "timbres", model.synthesize,
        {"model": checkpoint}, {"model": model.folder.name, "checkpoint": checkpoint, "timbres": settings.timbres},
        model.sample_rate, say=say)


def _timbres(settings, folder, corner_files, seed):
    timbres = dict(settings.timbres or dict.fromkeys(corners.CORNERS, 0))
    if seed is not None:
        timbres = dict.fromkeys(corners.CORNERS, seed)
    for corner, file in corner_files.items():
        if corner.upper() not in corners.CORNERS:
            raise GridError(f"there is no corner {corner}; corners are {', '.join(corners.CORNERS)} "
                            "(NW is top left)")
        path = Path(os.path.abspath(file))
        inside = path.is_relative_to(os.path.abspath(folder))
        timbres[corner.upper()] = str(path.relative_to(os.path.abspath(folder)) if inside else path)
    return timbres


def _corners(settings, size):
    """Names and z [4, size] of the corners: top left, top right, bottom left, bottom right."""
    names, corner_z = [], []
    for corner in corners.COMPATIBLE_CORNERS if settings.compat else corners.CORNERS:
        timbre = settings.timbres[corner]
        if isinstance(timbre, int):
            names.append(f"{corner.lower()}{timbre}")
            corner_z.append(latent.random_z(4, size, timbre)[corners.CORNERS.index(corner)])
        else:
            path = settings.folder / timbre
            names.append(path.stem)
            corner_z.append(latent.read_z(path, size))
    return tuple(names), np.stack(corner_z)
