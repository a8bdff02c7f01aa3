"""The instrument ``nsynth_controller``: where in the array of `nsynth_loader` a note lies.

After SOPI's ``nsynth_controller`` of the course "Deep Learning with Audio" (Aalto University), with the
same answers: of two pitches that are equally near the lower, half a cell to the even one. It knows no
file, only what the loader told it.
"""

from pdbridge.errors import GridError, MessageError
from pdbridge.instruments.instrument import Instrument
from pdbridge.notegrid import Layout, checked_pitches

EXACT = 1 << 24  # the whole numbers up to here are exact in Pd, beyond it multiples of 256 are


class NSynthControllerInstrument(Instrument):
    """Looks up notes for a patch that holds a whole grid in an array."""

    kept = ("loaded", "position")
    passes_over = ("list",)  # reports of the loader: course patches wire its outlet to this inlet

    def __init__(self, host, server):
        super().__init__(host, server)
        self._layout = None
        self._cell = (0, 0)

    def loaded(self, rows, cols, length, sample_rate, *pitches):
        """``loaded rows cols length sample_rate pitch...``."""
        pitches = checked_pitches(pitches, "loaded: the list of pitches")
        self._layout = Layout("the grid", rows, cols, pitches, length, sample_rate)
        self._cell = (0, 0)
        self._remember("position")
        self._remember("loaded", rows, cols, length, float(sample_rate), *pitches)

    def position_rel(self, y, x):
        """``position_rel y x``."""
        self._move(*self._known().cell_at(y, x))

    def position(self, row, col):
        """``position row col``."""
        layout = self._known()
        if row >= layout.rows or col >= layout.cols:
            raise GridError(f"position: there is no cell {row} {col}; the grid has {layout.rows} rows "
                            f"and {layout.cols} columns, from 0 on")
        self._move(row, col)

    def note_on(self, pitch):
        """``note_on pitch`` -> ``play start end milliseconds onset``."""
        start, end, milliseconds, onset = self._known().play(*self._cell, pitch)
        if onset > EXACT:  # what Pd cannot hold exactly of the onset goes to start and end
            beyond = onset % 256
            start, end, onset = start + beyond, end + beyond, onset - beyond
        return ("play", start, end, float(milliseconds), onset)

    def _known(self):
        if self._layout is None:
            raise MessageError("no grid is loaded: send load to nsynth_loader, and what it answers "
                               "(loaded ...) to this inlet")
        return self._layout

    def _move(self, row, col):
        if (row, col) != self._cell:
            self._cell = (row, col)
            self._remember("position", row, col)
