"""Grids between four instruments of a SING: each cell is a mixture of their embeddings.

What lies between instruments is our own; the original (Défossez et al. 2018, "SING: Symbol-to-Instrument Neural
Generator") plays those of its table alone.
"""

import re
from pathlib import Path

import numpy as np

from pdbridge.errors import GridError
from pdbridge.rendering import corners
from pdbridge.rendering.cells import check_for, render_cells, settings_of
from pdbridge.sing.symbols import nearest_velocity

AT_ONCE = 8  # notes that are made together; they share the reading of the network's weights


def render_instruments(folder, model, corner_instruments=None, pitches=None, velocity=None, resolution=None,
                       final_length=None, weights=None, compat=None, at_once=None, say=print):
    """Render a grid with a SING.

    Parameters
    ----------
    folder : str or Path
        The project. Without settings it is made, with what is given here.
    model : pdbridge.sing.model.SING
    corner_instruments : dict of str to (str or int), optional
        Name or number of an instrument for some of NW, NE, SW and SE; in place of those in the settings. A
        new project needs all four.
    pitches : sequence of int, optional
        In place of those in the settings.
    velocity : int, optional
        Of all notes; in place of that in the settings, 100 where there is none.
    resolution, final_length : int, optional
        In place of those in the settings; 9 and 60000 where there are none.
    weights : str, optional
        How corners are mixed, see `corners.WEIGHTS`; "bilinear" where there are no settings.
    compat : bool, optional
        SE lower left, SW lower right, 60000 samples.
    at_once : int, optional
        Notes that are made together.
    say : callable
        Takes lines about what is done.

    Returns
    -------
    Path
        The grid.

    Raises
    ------
    PdbridgeError
        Settings, an instrument or a pitch that the model does not know, or the disk; what is done so far is
        kept.
    """
    folder = Path(folder)
    pitches = tuple(pitches) if pitches else None
    settings = settings_of(folder, model, pitches, weights="bilinear")
    settings = settings.overridden(
        pitches=pitches, resolution=resolution, final_length=final_length, compat=compat, weights=weights,
        velocity=velocity, instruments=_instruments(settings, corner_instruments or {}))
    check_for(settings, model)
    order = corners.COMPATIBLE_CORNERS if settings.compat else corners.CORNERS
    chosen = [settings.instruments[corner] for corner in order]
    embeddings = np.stack([model.embedding(instrument) for instrument in chosen])  # [4, size]
    cells = corners.WEIGHTS[settings.weights](settings.resolution) @ embeddings.astype(np.float64)
    velocity = nearest_velocity(settings.velocity)
    if velocity != settings.velocity:
        say(f"the velocity {settings.velocity} is made as {velocity}, the nearest that the model knows")

    def synthesize(points, its_pitches):
        return model.synthesize(points, its_pitches, velocity)

    names = {number: name for name, number in model.instruments.items()}
    return render_cells(
        settings, [_name(instrument, names) for instrument in chosen], cells.astype(np.float32), "instruments",
        synthesize, {"model": model.fingerprint, "velocity": velocity},
        {"model": model.path.name, "checkpoint": model.fingerprint, "instruments": settings.instruments,
         "velocity": velocity, "weights": settings.weights},
        model.sample_rate, at_once or AT_ONCE, say)


def _instruments(settings, given):
    """Instruments by corner; `GridError` when one is missing or a corner is unknown."""
    instruments = dict(settings.instruments or {})
    for corner, instrument in given.items():
        if corner.upper() not in corners.CORNERS:
            raise GridError(f"there is no corner {corner}; corners are {', '.join(corners.CORNERS)} "
                            "(NW is top left)")
        text = str(instrument)
        instruments[corner.upper()] = int(text) if text.isascii() and text.isdigit() else text
    missing = [corner for corner in corners.CORNERS if corner not in instruments]
    if missing:
        raise GridError(f"name an instrument for every corner, e.g. --corner {missing[0]}=bass_synthetic_033 or "
                        f"--corner {missing[0]}=417; {' and '.join(missing)} is missing")
    return {corner: instruments[corner] for corner in corners.CORNERS}


def _name(instrument, names):
    """What a corner is called, in the name of the grid, too."""
    name = instrument if isinstance(instrument, str) else names.get(instrument, f"instrument{instrument}")
    return re.sub(r"[^\w.+-]", "-", name)
