"""Note grids for instruments: where they are found, and the one that pdbridge makes itself.

The first grid is rendered by the built-in GANSynth between four of its timbres, once, into the user's
cache. It is there so that the pad can be played before anybody has made a grid of own sounds.
"""

import asyncio
import contextlib
import hashlib
import os
from pathlib import Path

from pdbridge import latent
from pdbridge.errors import GridError
from pdbridge.instruments.keyboard import whole_note
from pdbridge.jobs import BULK
from pdbridge.notegrid import NoteGrid
from pdbridge.places import BUILT_IN_MODEL, cache_folder
from pdbridge.rendering.cleaning import LENGTH, finish
from pdbridge.rendering.corners import cell_timbres

FIRST_GRID = "first_grid"
RECIPE = 2  # of the first grid; a change makes it anew
RESOLUTION = 3
PITCHES = (36, 46, 55, 65, 74, 84)  # no key between them is more than five semitones away
CORNERS = ("timbre 1", "timbre 2", "timbre 3", "timbre 4")
SEED = 28  # of the four timbres: a plucked string, an organ, a voice and brass in the built-in model
LARGEST_HASHED = 1 << 16  # bytes of a file of the model


async def open_grid(name, settings, folders):
    """Open a grid that a message names.

    Parameters
    ----------
    name : str
        A ``.bin`` (the ending may be left out) or a folder with one in it.
    settings : str or None
        Its settings file; None: the one beside it.
    folders : sequence of Path
        Where relative names are looked for, in this order; then among the grids of the user's cache.

    Returns
    -------
    NoteGrid

    Raises
    ------
    GridError
        There is none, or it is damaged or contradicts its settings.
    """
    folders = [*folders, cache_folder() / "grids"]
    loop = asyncio.get_running_loop()
    path = await loop.run_in_executor(None, _find, "note grid", name, ("", ".bin"), folders)
    if settings is not None:
        beside = path if path.is_dir() else path.parent
        settings = await loop.run_in_executor(None, _find, "settings file", settings, ("",),
                                              [*folders, beside])
    return await loop.run_in_executor(None, NoteGrid.open, path, settings)


def _find(what, name, endings, folders):
    """The first file or folder of this name; runs in a thread, since disks may be slow."""
    places = [Path(folder, os.path.expanduser(name)) for folder in dict.fromkeys(folders)]
    for place in places:
        for ending in endings:
            path = place.with_name(place.name + ending) if ending else place
            if os.path.exists(path):
                return path
    looked_at = ", ".join(str(place.parent) for place in dict.fromkeys(places))
    raise GridError(f"there is no {what} {name[:200]}; looked at {looked_at[:600]}")


class FirstGrid:
    """The grid that pdbridge makes itself, shared by all instruments of a server.

    Parameters
    ----------
    server : pdbridge.server.Server
        Lends the built-in model.
    """

    def __init__(self, server):
        self._server = server
        self._making = None
        self._listeners = []

    async def open(self, on_progress):
        """Open it; make it before when it is not there yet.

        Parameters
        ----------
        on_progress : callable
            Called with 0..1 while it is made.

        Returns
        -------
        NoteGrid

        Raises
        ------
        PdbridgeError
            There is no built-in model, or no place for a file.
        """
        loop = asyncio.get_running_loop()
        model = self._server.find_model(BUILT_IN_MODEL, None)
        name = f"{FIRST_GRID}-{await loop.run_in_executor(None, _fingerprint, model)}.bin"
        path = cache_folder() / "grids" / name
        with contextlib.suppress(GridError):  # it is not there, or it is damaged
            return await loop.run_in_executor(None, NoteGrid.open, path)
        if self._making is None:
            self._making = loop.create_task(self._make(model, path))
            self._making.add_done_callback(self._made)
        self._listeners.append(on_progress)
        try:
            await asyncio.shield(self._making)
        finally:
            self._listeners.remove(on_progress)
            if not self._listeners and self._making:
                self._making.cancel()  # nobody waits for it any more
                self._making = None
        return await loop.run_in_executor(None, NoteGrid.open, path)

    def _made(self, task):
        if self._making is task:
            self._making = None
        if not task.cancelled():
            task.exception()  # those who wait have seen it

    async def _make(self, model, path):
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, _make_folder, path.parent)
        worker = await self._server.lend(model)
        try:
            z = latent.random_z(4, worker.description["latent_size"], seed=SEED)
            timbres = cell_timbres(z, RESOLUTION)  # [cells, latent_size]
            notes = []
            for timbre in timbres:
                for pitch in PITCHES:
                    notes.append(finish(await whole_note(worker, timbre, pitch, BULK)))
                    self._report(len(notes) / (len(timbres) * len(PITCHES)))
        finally:
            self._server.give_back(worker)
        origin = {"model": model.name, "seed": SEED, "recipe": RECIPE}
        await loop.run_in_executor(None, lambda: NoteGrid.write(
            path, notes, PITCHES, RESOLUTION, LENGTH, corners=CORNERS, origin=origin))

    def _report(self, amount):
        for on_progress in self._listeners:
            on_progress(amount)


def _fingerprint(model):
    """What tells this model and recipe from others; runs in a thread.

    The small files of a checkpoint hold checksums of the large ones.
    """
    digest = hashlib.sha256(str(RECIPE).encode())
    for path in sorted(model.rglob("*")):
        if path.is_file():
            size = path.stat().st_size
            digest.update(f"{path.relative_to(model)} {size} ".encode(errors="replace"))
            if size <= LARGEST_HASHED:
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _make_folder(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GridError(f"the first grid has no place: {folder} cannot be made: {error.strerror}; "
                        "PDBRIDGE_CACHE can name another folder than the user's cache") from None
    if not os.access(folder, os.W_OK):
        raise GridError(f"the first grid has no place: {folder} cannot be written; PDBRIDGE_CACHE can "
                        "name another folder than the user's cache")
