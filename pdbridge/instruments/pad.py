"""The pad: a note grid played on voices.

Under the pad lies a cell of the grid, and a key plays the note of that cell which is nearest to its
pitch, faster or slower, as in Open NSynth Super (Google, 2018). Notes are read from the file when
they are played, and resampled slice by slice to the voices' rate. So moving the pad costs nothing and
moves nothing: it changes what the next note reads, and notes that sound stay as they are.
"""

import asyncio
import contextlib
import math
from collections import defaultdict

import numpy as np

from pdbridge.audio import Resampler
from pdbridge.errors import GridError, PitchError
from pdbridge.instruments.repeats import best_end, with_seam
from pdbridge.instruments.voices import GUARD, Note, Source, Voices

PIECE = 24576  # samples of a voice for which the grid is read and resampled at a stretch
FIRST_PIECE = 6144  # the same, until there is enough for the beginning of a note
LARGEST_PIECE = 1 << 17  # samples of the grid, where a key is far above it
QUICK = 1 / 16, 100  # samples of a voice for one of the grid: beyond, a beginning takes longer than 3 ms
LOWEST_RATE = 4  # Hz at which a grid is read; one sample of it would fill a voice
LONGEST_COMPARED = 1 << 14  # samples of the grid before the ends of what repeats
USUAL_NOTE = 60000 / 16000  # s, of Open NSynth Super's grids
SLOWEST = 2.0  # times its length that a note has in a voice: keys more than an octave below end earlier
LONGEST = 20.0  # s that a voice has room for, whatever the grid
CROSSFADE = 0.02  # s before the seam of a note that repeats
SHORTEST_REPEAT = 0.02  # s; a patch repeats by messages, which cost it time
USUAL_LOOP = (0.2, 0.41)  # of the settings of Open NSynth Super, for grids that name no loop points
STOCK = 2  # resamplers of a ratio that are ready for keys
REFILL = 0.05  # s after which the one that a key took is replaced


class Stock:
    """Resamplers made ahead: a filter from 16,951 to 48,000 Hz takes 0.7 ms, too long for a key."""

    def __init__(self):
        self._ready = defaultdict(list)  # (from_rate, to_rate) -> Resamplers

    def take(self, from_rate, to_rate):
        ready = self._ready[from_rate, to_rate]
        return ready.pop() if ready else Resampler(from_rate, to_rate)

    def add(self, from_rate, to_rate):
        """Make one, unless there are enough; whether there was anything to do."""
        ready = self._ready[from_rate, to_rate]
        if len(ready) >= STOCK:
            return False
        ready.append(Resampler(from_rate, to_rate))
        return True

    def clear(self):
        self._ready.clear()


class CellNote(Source):
    """The note that a cell of the grid plays at a pitch.

    Parameters
    ----------
    grid : pdbridge.notegrid.NoteGrid
    row, col : int
        The cell.
    pitch : int
    rate : float
        Of the voices, Hz.
    longest : int
        Samples that a voice has room for.
    enough : int
        Samples to begin with.
    loop : (float, float) or None
        Start and end of the part that repeats, as fractions of the note.
    stock : Stock

    Attributes
    ----------
    from_rate : float
        At which the samples of the grid are read for this pitch, Hz.

    Raises
    ------
    PitchError
        The pitch is too far below those of the grid.
    """

    def __init__(self, grid, row, col, pitch, rate, longest, enough, loop, stock):
        self._grid = grid
        index, grid_pitch, speed = grid.nearest(pitch)
        self._onset = grid.onset(row, col, index)
        self._period = grid.sample_rate / (440 * 2 ** ((grid_pitch - 69) / 12))  # samples of the grid
        self.from_rate, self._rate = grid.sample_rate * speed, rate
        if self.from_rate < LOWEST_RATE:
            raise PitchError(f"pitch {pitch} is too far below the pitches of {grid.name}; the nearest is "
                             f"{grid_pitch}")
        self._ratio = rate / self.from_rate  # samples in the voice for one of the grid
        self._resampler = stock.take(self.from_rate, rate)
        self._taken = 0  # samples of the grid that went into the resampler
        self._sound = np.zeros(min(longest, math.ceil(grid.length * self._ratio)), np.float32)
        self._count = 0  # samples of it that are there
        self._loop = self._usable(loop, longest)
        self._enough = enough

    @property
    def quick(self):
        """Whether `begin` is; otherwise `begin_later` leaves the server its time."""
        return QUICK[0] <= self._ratio <= QUICK[1]

    def begin(self):
        """Make `first`; `GridError` when the file was cut off."""
        enough = self._enough
        self._settled = len(self._sound)  # samples that no seam will change
        if self._loop:
            self._settled = self._voice_samples(self._loop[1] - self._period / 2) - self._fade
        if self._settled >= min(enough, len(self._sound)):
            self._resample_now(enough)
            self.first = self._sound[:min(self._count, self._settled)]
        else:  # it repeats so early that the seam has to be found before it begins
            self._find_end()
            self._resample_now(self._voice_samples(self._loop[1]))
            self.first = self._until_seam()

    async def begin_later(self):
        """`begin` in a thread; the note itself."""
        await asyncio.get_running_loop().run_in_executor(None, self.begin)
        return self

    def _voice_samples(self, grid_samples):
        return min(round(grid_samples * self._ratio), len(self._sound))

    @property
    def _fade(self):
        return round(CROSSFADE * self._rate)

    def _usable(self, loop, longest):
        """The part that repeats, in samples of the grid; None where a voice has no room for it."""
        if loop is None:
            return None
        length = self._grid.length
        start = min(round(loop[0] * length), length - 1)
        end = max(round(loop[1] * length), start + 1)
        latest = min(end + self._period / 2, length) * self._ratio + SHORTEST_REPEAT * self._rate
        return (start, end) if latest + GUARD <= longest else None

    def _resample_now(self, enough):
        while self._count < min(enough, len(self._sound)) and self._taken < self._grid.length:
            self._resample(FIRST_PIECE)

    def _resample(self, voice_samples):
        """Read and resample what makes about so many samples of the voice."""
        count = min(max(round(voice_samples / self._ratio), 1), LARGEST_PIECE,
                    self._grid.length - self._taken)
        samples = self._grid.read(self._onset + self._taken, count)
        self._taken += count
        resampled = self._resampler.push(samples, last=self._taken == self._grid.length)
        resampled = resampled[:len(self._sound) - self._count]
        self._sound[self._count:self._count + len(resampled)] = resampled
        self._count += len(resampled)

    def _find_end(self):
        """Move the end of the part that repeats to where the wave goes on as at its start."""
        start, end = self._loop
        fade = min(round(CROSSFADE * self.from_rate), LONGEST_COMPARED)
        first = max(start - fade, 0)
        last = min(end + round(self._period), self._grid.length)
        part = self._grid.read(self._onset + first, last - first)
        self._loop = start, first + best_end(part, start - first, end - first, self._period, fade)

    def _until_seam(self):
        """The sound until it repeats, ready to repeat."""
        start, end = (self._voice_samples(point) for point in self._loop)
        end = max(end, 1)
        start = min(start, end - 1)
        shortest = round(SHORTEST_REPEAT * self._rate)
        samples, self.repeat = with_seam(self._sound, start, end, self._fade, shortest, GUARD)
        return samples

    async def rest(self, deadline):
        if self.repeat:
            return  # `first` is all of it
        sent = len(self.first)
        while True:
            there = min(self._count, self._settled)
            if sent < there:
                yield self._sound[sent:there]
                sent = there
            if self._count >= self._settled or self._taken == self._grid.length:
                break
            await self._resample_later()
        if self._loop:
            await asyncio.get_running_loop().run_in_executor(None, self._find_end)
            while self._count < self._voice_samples(self._loop[1]) and self._taken < self._grid.length:
                await self._resample_later()
            yield self._until_seam()[sent:]

    async def _resample_later(self):
        """The disk may be slow, and the server must not wait for it."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._resample, PIECE)


class Pad(Voices):
    """A grid, a place on the pad, and the notes that are played there.

    Parameters
    ----------
    host : pdbridge.hosts.host.Host

    Attributes
    ----------
    grid : pdbridge.notegrid.NoteGrid or None
    y, x : float
        The place, 0..1 from the top and from the left.
    cell : (int, int) or None
        Row and column under it.
    looping : bool or None
        Whether notes repeat while they are held; None: as the grid's settings say.
    loop_points : (float, float) or None
        Which part repeats, as fractions of the note; None: as the grid's settings say.
    """

    def __init__(self, host):
        super().__init__(host)
        self.grid = None
        self.y = self.x = 0.5
        self.cell = None
        self.looping = None
        self.loop_points = None
        self._stock = Stock()
        self._stocking = None
        self._reading = None  # (grid, cell) that the system is asked to read

    # Grid and place

    def set_grid(self, grid):
        """Play notes of this grid; None for none. Notes that sound go on."""
        self.grid = grid  # the one before is closed with the last of its notes
        self.cell = None
        if grid:
            self.move(self.y, self.x)
        self._stock_up()

    def move(self, y, x):
        """Put the pad there; whether another cell is under it now."""
        self.y, self.x = y, x
        cell = self.grid and self.grid.cell_at(y, x)
        if cell == self.cell:
            return False
        self.cell = cell
        self._read_ahead()
        return True

    def _read_ahead(self):
        """Have the cell under the pad read, one cell at a time, however fast the pad moves."""
        if self.cell and self._reading is None:
            self._reading = self.grid, self.cell
            future = self._loop.run_in_executor(None, _prefetch, self.grid, *self.cell)
            future.add_done_callback(self._was_read)

    def _was_read(self, _):
        read, self._reading = self._reading, None
        if read != (self.grid, self.cell):
            self._read_ahead()

    def note_samples(self, rate):
        seconds = self.grid.length / self.grid.sample_rate if self.grid else USUAL_NOTE
        return math.ceil(min(SLOWEST * seconds, LONGEST) * rate)

    async def set_voices(self, prefix, count, sample_rate, polyphony):
        rate = await super().set_voices(prefix, count, sample_rate, polyphony)
        self._stock_up()
        return rate

    def take_voices_back(self):
        super().take_voices_back()
        self._stock_up()

    def close(self):
        """Stop everything."""
        self.panic()
        self.set_grid(None)

    @property
    def ready(self):
        """How many notes of a cell start at once: all of them."""
        return self.keys if self.voices else 0

    @property
    def keys(self):
        """How many notes a cell has; 0 without a grid."""
        return len(self.grid.pitches) if self.grid else 0

    # Resamplers for the keys in the range of the grid

    def _stock_up(self):
        if self._stocking:
            self._stocking.cancel()
            self._stocking = None
        self._stock.clear()
        if self.grid and self.voices:
            self._stocking = self._loop.create_task(self._make_stock(self.grid, self.rate))

    async def _make_stock(self, grid, rate):
        speeds = {grid.nearest(pitch)[2] for pitch in range(grid.pitches[0], grid.pitches[-1] + 1)}
        for speed in sorted(speeds):
            while self._stock.add(grid.sample_rate * speed, rate):
                await asyncio.sleep(0)  # a key may be pressed meanwhile

    # Notes

    @property
    def loop(self):
        """What repeats of the notes to come: start and end as fractions of a note, or None."""
        looping = self.grid.looping if self.looping is None else self.looping
        return (self.loop_points or self.grid.loop or USUAL_LOOP) if looping else None

    def note_on(self, pitch, velocity):
        """Play a note of the cell under the pad."""
        row, col = self.cell
        source = CellNote(self.grid, row, col, pitch, self.rate, self._voice_length,
                          self.host.slice_length, self.loop, self._stock)
        if source.quick:
            source.begin()
            self.play(Note(pitch, velocity), source)
        else:
            self.play(Note(pitch, velocity), make=source.begin_later)
        # for the next key, once this one is well under way
        self._loop.call_later(REFILL, self._stock.add, source.from_rate, self.rate)


def _prefetch(grid, row, col):
    """Runs in a thread."""
    with contextlib.suppress(GridError, OSError):  # it was cut off, which the next note will say
        grid.prefetch(row, col)
