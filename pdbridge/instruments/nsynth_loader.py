"""The instrument ``nsynth_loader``: a whole note grid in one array, as the course patches have it.

After SOPI's ``nsynth_loader`` of the course "Deep Learning with Audio" (Aalto University). Pd stands
still while it reads a grid by itself; here it arrives in slices, and Pd plays on.
"""

from pdbridge.errors import GridError
from pdbridge.instruments.grids import open_grid
from pdbridge.instruments.instrument import Instrument

AT_ONCE = 1 << 18  # samples that are read from the file at a stretch
STEP = 0.05  # between two reports of how far it is
LARGEST = 1 << 28  # samples of an array: 2 GB in Pd


class NSynthLoaderInstrument(Instrument):
    """Writes note grids into arrays."""

    async def load(self, bin, settings, array):
        """``load grid.bin settings.json array`` -> ``loaded rows cols length sample_rate pitch...``."""
        folders = [self.host.folder, self.server.working_folder, *self.server.folders]
        with await open_grid(bin, settings, folders) as grid, self._busy():
            reader = _Reader(grid, self.server.loop)
            if reader.total > LARGEST:
                raise GridError(f"{grid.name} has {reader.total} samples, too many for an array; the "
                                "instrument nsynth plays it from the file")
            await self.host.write_long(array, reader.total, reader.read, self._reporting())
        return ("loaded", grid.rows, grid.cols, grid.length, grid.sample_rate, *grid.pitches)

    def _reporting(self):
        reported = 0.0

        def report(amount):
            nonlocal reported
            if amount >= reported + STEP:
                reported = amount
                self.host.progress(amount)
                self.host.out("progress", float(amount))

        return report


class _Reader:
    """Reads a grid from beginning to end, in a thread and in pieces larger than are asked for."""

    def __init__(self, grid, loop):
        self.total = grid.rows * grid.cols * len(grid.pitches) * grid.length
        self._grid, self._loop = grid, loop
        self._start = 0
        self._samples = ()

    async def read(self, start, count):
        first = start - self._start
        if first + count > len(self._samples):
            self._samples = await self._loop.run_in_executor(
                None, self._grid.read, start, min(AT_ONCE, self.total - start))
            self._start, first = start, 0
        return self._samples[first:first + count]
