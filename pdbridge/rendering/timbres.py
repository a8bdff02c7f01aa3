"""Grids between four timbres of a GANSynth: no sounds to prepare, and minutes instead of a night.

Each corner is a z, every cell a point between them on the sphere (`corners.cell_timbres`).
"""

import hashlib
import os
from pathlib import Path

import numpy as np

import pdbridge
from pdbridge import latent
from pdbridge.errors import GridError, PitchError
from pdbridge.gansynth.fingerprint import fingerprint_of_checkpoint
from pdbridge.pitches import ranges
from pdbridge.progress import progress
from pdbridge.rendering import cleaning, corners, project
from pdbridge.rendering.render import check_room, in_bytes, is_there, pack
from pdbridge.rendering.work import Work, fingerprint


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
    settings = _settings(Path(folder), model, corner_files or {}, seed,
                         {"pitches": tuple(pitches) if pitches else None, "resolution": resolution,
                          "final_length": final_length, "compat": compat})
    names, corner_z = _corners(settings, model.latent_size)
    path = settings.folder / f"{project.grid_name(names)}.bin"
    if not (settings.folder / project.SETTINGS).exists():
        project.write(settings)
    cells = corners.cell_timbres(corner_z, settings.resolution)  # [rows * cols, size]
    count = len(cells) * len(settings.pitches)
    checkpoint = fingerprint_of_checkpoint(model.folder)
    with Work(settings.folder / "work") as work:
        notes = _Notes(work, settings, model, checkpoint, cells)
        origin = {"made_by": f"pdbridge {pdbridge.__version__}", "model": model.folder.name,
                  "checkpoint": checkpoint, "timbres": settings.timbres, "made_from": notes.fingerprint()}
        if not is_there(path, origin):
            to_do = notes.to_do()
            needed = len(to_do) * (settings.length * 2 + 2048) + count * settings.length * 2
            check_room(work, settings.folder, needed)
            say(f"1 grid of {settings.resolution} x {settings.resolution} cells, "
                f"pitches {ranges(settings.pitches)}: {count} notes, {len(to_do)} of them to be rendered; "
                f"takes {in_bytes(needed)} of disk")
            notes.render(to_do, count)
        return pack(path, iter(notes), count, settings, model.sample_rate, names, origin, say)


class _Notes:
    """The notes of all cells, each kept in the work folder when it is done."""

    def __init__(self, work, settings, model, checkpoint, cells):
        self.work, self.settings, self.model = work, settings, model
        self.checkpoint, self.cells = checkpoint, cells

    def made_from(self, cell, pitch):
        settings = self.settings
        return {"z": hashlib.sha256(self.cells[cell].astype("<f4").tobytes()).hexdigest(), "pitch": pitch,
                "model": self.checkpoint, "length": settings.length, "peak_db": settings.peak_db,
                "compat": settings.compat}

    def fingerprint(self):
        return fingerprint({"loop": self.settings.loop, "notes": [
            self.made_from(cell, pitch) for cell in range(len(self.cells)) for pitch in self.settings.pitches]})

    def load(self, cell, pitch):
        arrays = self.work.load("timbres", _name(cell, pitch), self.made_from(cell, pitch))
        return arrays["note"] if arrays else None

    def to_do(self):
        return [(cell, pitch) for cell in range(len(self.cells)) for pitch in self.settings.pitches
                if self.load(cell, pitch) is None]

    def render(self, to_do, count):
        with progress(count, "note", "rendering", count - len(to_do)) as bar:
            for cell, pitch in to_do:
                sound, = self.model.synthesize(self.cells[cell], [pitch])
                note = cleaning.finish(sound, self.settings.length, self.settings.peak_db, self.settings.compat)
                self.work.save("timbres", _name(cell, pitch), self.made_from(cell, pitch), note=note)
                bar.update(1)

    def __iter__(self):
        for cell in range(len(self.cells)):
            for pitch in self.settings.pitches:
                note = self.load(cell, pitch)
                if note is None:
                    raise GridError(f"{self.work.folder} was changed while the grid was made; run the same "
                                    "command again")
                yield note


def _name(cell, pitch):
    return f"cell_{cell}_pitch_{pitch}"


def _settings(folder, model, corner_files, seed, given):
    """The settings of the project, or new ones, with those replaced that are given; checked."""
    if (folder / project.SETTINGS).exists():
        settings = project.read(folder)
    elif given["pitches"]:
        settings = project.Project(folder, given["pitches"])
    else:
        raise GridError(f"{folder} has no {project.SETTINGS}, so say which pitches to render, e.g. --pitches "
                        f"24,36,48; this model knows {ranges(model.pitches)}")
    settings = settings.overridden(**given, timbres=_timbres(settings, folder, corner_files, seed))
    unknown = sorted(set(settings.pitches) - set(model.pitches))
    if unknown:
        raise PitchError(f"this model does not know the pitch {ranges(unknown)}; "
                         f"it knows {ranges(model.pitches)}")
    if settings.length > model.note_length:
        raise GridError(f"notes of this model have {model.note_length} samples, not {settings.length}")
    return settings


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
