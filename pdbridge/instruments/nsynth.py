"""The instrument ``nsynth``: a note grid under an X/Y pad (see `pdbridge.hosts.messages`)."""

import asyncio
import math

from pdbridge.audio import resample
from pdbridge.errors import GridError, MessageError, PdbridgeError, PitchError
from pdbridge.instruments.grids import FIRST_GRID, open_grid
from pdbridge.instruments.instrument import PlayedInstrument
from pdbridge.instruments.pad import Pad
from pdbridge.notegrid import LONGEST_NOTE


class NSynthInstrument(PlayedInstrument):
    """A note grid as an instrument: the pad chooses the timbre, keys play it."""

    kept = ("load", "release", "loop", "loop_points", "position_rel", "voices")
    shared = ("note_on", "note_off", "sustain", "panic", "release", "position_rel", "position",
              "loop", "loop_points")

    def __init__(self, host, server):
        super().__init__(host, server)
        self.keyboard = self.pad = Pad(host)
        self._name = "none"
        self._taking = None  # the task that opens the server's own grid
        self._place_is_kept = True
        self._default_is_wanted = True

    def restore(self, messages):
        super().restore(messages)
        self._take_default()

    def close(self):
        self._take_none()
        super().close()

    def cancel(self):
        """``cancel``."""
        super().cancel()
        self._take_none()

    @property
    def grid_name(self):
        """What the grid is called; "opening" while the first one is on its way, "none" without one."""
        return "opening" if self._taking and self.pad.grid is None else self._name

    def _take_default(self):
        """Play the server's own grid, as long as `load` names no other."""
        if "load" not in self._remembered and self.pad.grid is None and self._taking is None:
            self._taking = self.server.loop.create_task(self._open_default())

    def _take_none(self):
        if self._taking:
            self._taking.cancel()

    async def _open_default(self):
        try:
            with self._busy():
                name, grid = await self._open(self.server.default_grid)
                if "load" not in self._remembered:
                    await self._use(name, grid)
                    self.host.out("loaded", *self._format())
        except PdbridgeError as error:
            self.host.fail("load", error)
        finally:
            self._taking = None

    # The grid

    async def load(self, grid, settings=None):
        """``load grid [settings.json]`` -> ``loaded rows cols length sample_rate pitch...``."""
        with self._busy():
            name, opened = await self._open(grid, settings)
            self._remember("load", grid, *([settings] if settings else []))
            await self._use(name, opened)
        return ("loaded", *self._format())

    async def _open(self, name, settings=None):
        """(what the grid is called, the grid)."""
        if name == FIRST_GRID and settings is None:
            return name, await self.server.first_grid.open(self._progress)
        folders = [self.host.folder, self.server.working_folder, *self.server.folders]
        grid = await open_grid(name, settings, folders)
        return grid.name, grid

    async def unload(self):
        """``unload`` -> ``unloaded``."""
        self._take_none()
        self._default_is_wanted = False
        self._remember("load")
        self.pad.panic()
        self.pad.set_grid(None)
        self._name = "none"
        self.host.out("grid", "none", 0, 0, 0, 0, 0)
        return ("unloaded",)

    async def _use(self, name, grid):
        pad = self.pad
        pad.set_grid(grid)
        self._name = name
        pitches = grid.pitches
        self.host.out("grid", name, grid.rows, grid.cols, len(pitches), pitches[0], pitches[-1])
        for number, corner in enumerate(grid.corners or ("-",) * 4, 1):
            self.host.out("corner", number, corner)
        self.host.out("loop", int(pad.loop is not None))
        self.host.out("cell", *pad.cell)
        await pad.fit_voices()

    def _format(self):
        grid = self.pad.grid
        return grid.rows, grid.cols, grid.length, grid.sample_rate, *grid.pitches

    def _progress(self, amount):
        self.host.progress(amount)
        self.host.out("progress", float(amount))

    def _grid(self):
        if self.pad.grid is None:
            what = "wait until it is there" if self._taking else "send load first_grid"
            raise MessageError(f"no note grid is loaded; {what}, or load a .bin file")
        return self.pad.grid

    # The pad

    def position_rel(self, y, x):
        """``position_rel y x``."""
        self._move(y, x)
        if self.host.asker:  # not the patch: its pad has to follow
            self.host.out("position", float(y), float(x))

    def position(self, row, col):
        """``position row col``."""
        grid = self._grid()
        for word, number, count in (("row", row, grid.rows), ("col", col, grid.cols)):
            if number >= count:
                raise GridError(f"position: there is no {word} {number}; this grid has {count}, from 0 on")
        y, x = row / max(grid.rows - 1, 1), col / max(grid.cols - 1, 1)
        self._move(y, x)
        self.host.out("position", y, x)

    def _move(self, y, x):
        if self.pad.move(y, x):
            self.host.out("cell", *self.pad.cell)
            if self._place_is_kept:  # once for all moves that are carried out at a stretch
                self._place_is_kept = False
                self.server.loop.call_soon(self._keep_place)

    def _keep_place(self):
        self._place_is_kept = True
        self._remember("position_rel", float(self.pad.y), float(self.pad.x))

    # Playing

    def note_on(self, pitch, velocity):
        """``note_on pitch velocity``."""
        if velocity == 0:
            return self.note_off(pitch)
        self._grid()
        if not self.playable:
            raise MessageError("note_on: there are no voices to play the note; open patches/nsynth.pd, "
                               "or declare arrays with the message voices")
        self.pad.note_on(pitch, velocity)

    async def voices(self, prefix, count, sample_rate, polyphony=None):
        """``voices prefix count sample_rate [polyphony]`` -> ``voices count sample_rate``."""
        self._take_default()
        return await super().voices(prefix, count, sample_rate, polyphony)

    def loop(self, on):
        """``loop 0|1``."""
        self.pad.looping = bool(on)
        self._remember("loop", on)

    def loop_points(self, start, end):
        """``loop_points start end``."""
        if start >= end:
            raise MessageError(f"loop_points: the start, {start:g}, must come before the end, {end:g}")
        self.pad.loop_points = (start, end)
        self._remember("loop_points", float(start), float(end))

    async def note_of_key(self, pitch):
        if self._default_is_wanted:
            self._take_default()
        if self._taking:
            await asyncio.wait([self._taking])
        grid = self._grid()
        row, col = self.pad.cell
        samples = await self.server.loop.run_in_executor(None, _whole_note, grid, row, col, pitch)
        return samples, grid.sample_rate

    async def render(self, array, pitch):
        """``render array pitch`` -> ``rendered array``."""
        samples, _ = await self.note_of_key(pitch)

        async def read(start, count):
            return samples[start:start + count]

        await self.host.write_long(array, len(samples), read, lambda amount: None)
        return ("rendered", array)


def _whole_note(grid, row, col, pitch):
    """The note of a cell at any pitch, at the grid's rate; runs in a thread."""
    index, nearest, speed = grid.nearest(pitch)
    if math.ceil(grid.length / speed) > LONGEST_NOTE:
        raise PitchError(f"render: a note of pitch {nearest} played at {pitch} would be longer than "
                         f"{LONGEST_NOTE} samples")
    samples = grid.read(grid.onset(row, col, index), grid.length)
    return resample(samples, grid.sample_rate * speed, grid.sample_rate)
