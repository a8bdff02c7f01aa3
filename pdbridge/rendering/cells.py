"""Grids whose cells are points between four corners that a model makes notes of, one after the other.

With a GANSynth the points are timbres (`timbres`), with a SING embeddings of instruments (`instruments`). There
are no sounds to prepare, and every note is kept when it is done, so that a rendering may be stopped anywhere.
"""

import hashlib
import itertools

import pdbridge
from pdbridge.errors import GridError, PitchError
from pdbridge.pitches import ranges
from pdbridge.progress import progress
from pdbridge.rendering import cleaning, project
from pdbridge.rendering.render import check_room, in_bytes, is_there, pack
from pdbridge.rendering.work import Work, fingerprint


def render_cells(settings, names, cells, kind, synthesize, made_from, about, sample_rate, at_once=1, say=print):
    """Render a grid.

    Parameters
    ----------
    settings : pdbridge.rendering.project.Project
        Written, if the project has none yet.
    names : sequence of str
        Of the corners: top left, top right, bottom left, bottom right.
    cells : float32 array [rows * cols, size]
        The points, row by row.
    kind : str
        What a point is called in the work folder.
    synthesize : callable
        ``synthesize(points [count, size], pitches [count])`` gives float32 [count, samples].
    made_from : dict
        What a note is made from besides its point, its pitch and the settings; JSON.
    about : dict
        What the settings file of the grid says about its origin; JSON.
    sample_rate : int
        Hz.
    at_once : int
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
        What the model says, or the disk; what is done so far is kept.
    """
    path = settings.folder / f"{project.grid_name(names)}.bin"
    if not (settings.folder / project.SETTINGS).exists():
        project.write(settings)
    count = len(cells) * len(settings.pitches)
    with Work(settings.folder / "work") as work:
        notes = _Notes(work, settings, cells, kind, made_from)
        origin = {"made_by": f"pdbridge {pdbridge.__version__}", **about, "made_from": notes.fingerprint()}
        if not is_there(path, origin):
            to_do = notes.to_do()
            needed = len(to_do) * (settings.length * 2 + 2048) + count * settings.length * 2
            check_room(work, settings.folder, needed)
            say(f"1 grid of {settings.resolution} x {settings.resolution} cells, "
                f"pitches {ranges(settings.pitches)}: {count} notes, {len(to_do)} of them to be rendered; "
                f"takes {in_bytes(needed)} of disk")
            notes.render(to_do, count, synthesize, at_once)
        return pack(path, iter(notes), count, settings, sample_rate, names, origin, say)


class _Notes:
    """The notes of all cells, each kept in the work folder when it is done."""

    def __init__(self, work, settings, cells, kind, made_from):
        self.work, self.settings, self.cells, self.kind = work, settings, cells, kind
        self.common = {**made_from, "length": settings.length, "peak_db": settings.peak_db,
                       "compat": settings.compat}
        self.points = [hashlib.sha256(cell.astype("<f4").tobytes()).hexdigest() for cell in cells]

    @property
    def keys(self):
        """Cells and pitches, in the order of the file."""
        return itertools.product(range(len(self.cells)), self.settings.pitches)

    def made_from(self, cell, pitch):
        return {"z": self.points[cell], "pitch": pitch, **self.common}

    def fingerprint(self):
        return fingerprint({"loop": self.settings.loop,
                            "notes": [self.made_from(cell, pitch) for cell, pitch in self.keys]})

    def load(self, cell, pitch):
        arrays = self.work.load(self.kind, _name(cell, pitch), self.made_from(cell, pitch))
        return arrays["note"] if arrays else None

    def to_do(self):
        return [(cell, pitch) for cell, pitch in self.keys if self.load(cell, pitch) is None]

    def render(self, to_do, count, synthesize, at_once):
        settings = self.settings
        with progress(count, "note", "rendering", count - len(to_do)) as bar:
            for start in range(0, len(to_do), at_once):
                batch = to_do[start:start + at_once]
                cells, pitches = map(list, zip(*batch, strict=True))
                for (cell, pitch), sound in zip(batch, synthesize(self.cells[cells], pitches), strict=True):
                    note = cleaning.finish(sound, settings.length, settings.peak_db, settings.compat)
                    self.work.save(self.kind, _name(cell, pitch), self.made_from(cell, pitch), note=note)
                    bar.update(1)

    def __iter__(self):
        for cell, pitch in self.keys:
            note = self.load(cell, pitch)
            if note is None:
                raise GridError(f"{self.work.folder} was changed while the grid was made; run the same "
                                "command again")
            yield note


def _name(cell, pitch):
    return f"cell_{cell}_pitch_{pitch}"


def settings_of(folder, model, pitches, **new):
    """The settings of a project, or of a new one.

    Parameters
    ----------
    folder : Path
    model : object
        With ``pitches``.
    pitches : tuple of int or None
        Of a new project.
    **new
        What else a new project has.

    Returns
    -------
    project.Project

    Raises
    ------
    GridError
        There are neither settings nor pitches, or the settings cannot be used.
    """
    if (folder / project.SETTINGS).exists():
        return project.read(folder)
    if pitches:
        return project.Project(folder, pitches, **new)
    raise GridError(f"{folder} has no {project.SETTINGS}, so say which pitches to render, e.g. --pitches "
                    f"24,36,48; this model knows {ranges(model.pitches)}")


def check_for(settings, model):
    """Raise `PitchError` or `GridError` when a model cannot make the notes of these settings."""
    unknown = sorted(set(settings.pitches) - set(model.pitches))
    if unknown:
        raise PitchError(f"this model does not know the pitch {ranges(unknown)}; "
                         f"it knows {ranges(model.pitches)}")
    if settings.length > model.note_length:
        raise GridError(f"notes of this model have {model.note_length} samples, not {settings.length}")
