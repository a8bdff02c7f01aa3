"""The instrument ``nsynth_controller``: where in the array of `nsynth_loader` a note lies.

After SOPI's ``nsynth_controller`` of the course "Deep Learning with Audio" (Aalto University), with the
same answers: of two pitches that are equally near the lower, half a cell to the even one. It knows no
file, only what the loader told it.
"""

from pdbridge.errors import GridError, MessageError
from pdbridge.instruments.instrument import Instrument
from pdbridge.notegrid import Layout, checked_pitches

MANTISSA = 24  # bits of a number in Pd
LONGEST_ARRAY = (1 << 31) - 1  # samples that Pd can count


class NSynthControllerInstrument(Instrument):
    """Looks up notes for a patch that holds a whole grid in an array."""

    kept = ("loaded", "position_rel")
    passes_over = ("list",)  # reports of the loader: course patches wire its outlet to this inlet

    def __init__(self, host, server):
        super().__init__(host, server)
        self._layout = None
        self._place = (0.0, 0.0)  # y, x

    def loaded(self, rows, cols, length, sample_rate, *pitches):
        """``loaded rows cols length sample_rate pitch...``."""
        pitches = checked_pitches(pitches, "loaded: the list of pitches")
        total = rows * cols * len(pitches) * length
        if total > LONGEST_ARRAY:
            raise GridError(f"loaded: {rows} x {cols} cells x {len(pitches)} pitches x {length} samples are "
                            f"{total}; no array has so many")
        self._layout = Layout("the grid", rows, cols, pitches, length, sample_rate)
        self._remember("loaded", rows, cols, length, float(sample_rate), *pitches)

    def position_rel(self, y, x):
        """``position_rel y x``; the course patch sends it before `loaded`."""
        if (y, x) != self._place:
            self._place = (y, x)
            self._remember("position_rel", float(y), float(x))

    def position(self, row, col):
        """``position row col``."""
        layout = self._known()
        if row >= layout.rows or col >= layout.cols:
            raise GridError(f"position: there is no cell {row} {col}; the grid has {layout.rows} rows "
                            f"and {layout.cols} columns, from 0 on")
        self.position_rel(row / max(layout.rows - 1, 1), col / max(layout.cols - 1, 1))

    def note_on(self, pitch):
        """``note_on pitch`` -> ``play start end milliseconds onset``."""
        layout = self._known()
        start, end, milliseconds, onset = layout.play(*layout.cell_at(*self._place), pitch)
        # what single precision does not hold of the onset goes to start and end
        beyond = onset % 2 ** max(0, onset.bit_length() - MANTISSA)
        return ("play", start + beyond, end + beyond, float(milliseconds), onset - beyond)

    def _known(self):
        if self._layout is None:
            raise MessageError("no grid is loaded: send load to nsynth_loader, and what it answers "
                               "(loaded ...) to this inlet")
        return self._layout
