"""The note grid: notes rendered ahead for every cell of the X/Y pad and every pitch.

The format is that of Open NSynth Super (Google, 2018): a headless file of 16-bit samples, and a
settings file in JSON that says how to read it. It is never loaded whole: the operating system maps it
into memory, so that a grid of any size opens at once and only the notes that are played are read.

A ``.bin`` is int16 little-endian ``[rows, cols, pitches, length]``. Row 0 is the top of the pad, column
0 its left. The names of the corners, also those that make up a file's name, go top left, top right,
bottom left, bottom right.
"""

import itertools
import json
import math
import mmap
import os
import reprlib
import sys
from contextlib import ExitStack
from numbers import Real
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pdbridge.errors import GridError, PitchError
from pdbridge.files import written_whole
from pdbridge.pitches import ranges

SAMPLE_RATE = 16000  # Hz, of NSynth and of Open NSynth Super's pipeline
LARGEST_RESOLUTION = 256  # cells on a side; the original's grids have 9 or 11
LONGEST_NOTE = 1 << 24  # samples; Pd's single-precision floats count no further
LARGEST_SETTINGS = 1 << 20  # bytes of a settings file
LONGEST_NAME = 255  # characters of a sound's


class Playing(NamedTuple):
    """Where a note lies in the whole file, as the course's ``nsynth_controller`` answers it."""

    start: int  #: first sample, counted from `onset`
    end: int  #: last sample, counted from `onset`
    duration_ms: float  #: at the pitch asked for
    onset: int  #: samples before the note in the file


class Layout:
    """How the notes of a grid lie in its file, and which one a pad and a key ask for.

    Attributes
    ----------
    name : str
        What errors call the grid.
    rows, cols : int
        Cells of the pad.
    pitches : tuple of int
        MIDI pitches of every cell, rising.
    length : int
        Samples of a note.
    sample_rate : int
        Hz.
    """

    def __init__(self, name, rows, cols, pitches, length, sample_rate):
        self.name = name
        self.rows, self.cols = rows, cols
        self.pitches = pitches
        self.length = length
        self.sample_rate = sample_rate

    def nearest(self, pitch):
        """The pitch of the grid that a key is played from.

        Parameters
        ----------
        pitch : float
            MIDI pitch, 0 to 127; quarter tones are welcome.

        Returns
        -------
        index : int
            Position in `pitches`. Of two that are equally near, the lower.
        pitch : int
            ``pitches[index]``.
        rate : float
            How fast the note has to be read: 2 is an octave up.

        Raises
        ------
        PitchError
            Not a MIDI pitch.
        """
        if not _is_number(pitch) or not 0 <= pitch <= 127:
            raise PitchError(f"{pitch} is not a MIDI pitch (0 to 127)")
        # min keeps the first of equals, which is the lower: pitches rise.
        pitch = float(pitch)  # a uint8 of numpy would overflow below
        index = min(range(len(self.pitches)), key=lambda i: abs(self.pitches[i] - pitch))
        return index, self.pitches[index], 2 ** ((pitch - self.pitches[index]) / 12)

    def cell_at(self, y, x):
        """The cell under a point of the pad.

        Parameters
        ----------
        y, x : float
            0 to 1, from the top and from the left.

        Returns
        -------
        row, col : int
            The nearest; halfway between two cells the even one, as in the original.

        Raises
        ------
        GridError
            The point is outside the pad.
        """
        for axis, value in (("y", y), ("x", x)):
            if not _is_number(value) or not 0 <= value <= 1:
                raise GridError(f"the pad goes from 0 to 1; {axis} = {value} is outside")
        return round(float(y) * (self.rows - 1)), round(float(x) * (self.cols - 1))

    def play(self, row, col, pitch):
        """What a patch that holds the whole file in one array needs to play a key.

        Parameters
        ----------
        row, col : int
            The cell.
        pitch : float
            MIDI pitch; the nearest of the grid is read faster or slower.

        Returns
        -------
        Playing

        Raises
        ------
        GridError, PitchError
            As `onset` and `nearest`.
        """
        index, _, rate = self.nearest(pitch)
        onset = self.onset(row, col, index)
        return Playing(0, self.length - 1, self.length / self.sample_rate * 1000 / rate, onset)

    def onset(self, row, col, index):
        """Where a note begins in the file.

        Parameters
        ----------
        row, col : int
            The cell.
        index : int
            Position of the pitch in `pitches`.

        Returns
        -------
        int
            Samples before it.

        Raises
        ------
        GridError
            The cell or the index is outside.
        """
        row, col = self._cell(row, col)
        return ((row * self.cols + col) * len(self.pitches) + self._index(index)) * self.length

    def _cell(self, row, col):
        for what, value, count in (("row", row, self.rows), ("column", col, self.cols)):
            if not _is_number(value) or value not in range(count):
                raise GridError(f"{self.name} has {count} {what}s, 0 to {count - 1}; "
                                f"there is no {what} {value}")
        return int(row), int(col)

    def _index(self, index):
        if index not in range(len(self.pitches)):
            raise GridError(f"{self.name} has {len(self.pitches)} pitches, there is no number {index}")
        return int(index)


class NoteGrid(Layout):
    """A note grid, open for reading.

    Use `NoteGrid.open`; it is a context manager.

    Attributes
    ----------
    path : Path
        The ``.bin``.
    name : str
        The name of the file without its ending.
    rows, cols : int
        Cells of the pad.
    pitches : tuple of int
        MIDI pitches of every cell, rising.
    length : int
        Samples of a note.
    sample_rate : int
        Hz.
    corners : tuple of str, or None
        The four sounds: top left, top right, bottom left, bottom right. None if unknown.
    loop : tuple of float, or None
        Start and end of the part that may be repeated, as fractions of `length`. None if the settings
        have no usable ones.
    looping : bool
        Whether the settings say that notes are to be looped.
    origin : dict
        What the settings say about how the grid was made (model, precision...); empty for the
        original's.
    """

    def __init__(self, path, layout, file):
        resolution = layout["resolution"]
        super().__init__(path.stem, resolution, resolution, layout["pitches"], layout["length"],
                         layout["sample_rate"])
        self.path = path
        self.corners = layout["corners"]
        self.loop = layout["loop"]
        self.looping = layout["looping"]
        self.origin = layout["origin"]
        self._file = file
        self._size = os.fstat(file.fileno()).st_size  # bytes
        self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        shape = self.rows, self.cols, len(self.pitches), self.length
        self._samples = np.frombuffer(self._map, "<i2").reshape(shape)

    @classmethod
    def open(cls, bin, settings=None):
        """Open a grid of Open NSynth Super, of the course or of ``pdbridge grid render``.

        Parameters
        ----------
        bin : str or Path
            The ``.bin``, or a folder with only one in it.
        settings : str or Path, optional
            Settings of the device (``{"nsynth": {...}}``) or of the pipeline that makes grids. Left
            out: the ``.json`` of the same name beside the ``.bin``, else ``settings.json`` beside it.

        Returns
        -------
        NoteGrid

        Raises
        ------
        GridError
            A file is missing, unreadable or incomplete, or the size of the ``.bin`` is not what the
            settings ask for.
        """
        path = _find_bin(bin)
        settings = _find_settings(path) if settings is None else Path(settings)
        layout = read_settings(settings, path.stem)
        with ExitStack() as stack:
            try:
                file = stack.enter_context(_opened(path))
                _check_size(path, os.fstat(file.fileno()).st_size, layout, settings)
                grid = cls(path, layout, file)
            except OSError as error:
                raise GridError(f"{path} cannot be read: {error.strerror or error}") from None
            except ValueError:  # its size is not what it was a moment ago
                raise GridError(f"{path} changed while it was opened; load it again when it is "
                                "whole") from None
            stack.pop_all()  # the grid keeps the file open
        return grid

    def samples(self, row, col, index):
        """A note as it is in the file, without reading it yet.

        Parameters
        ----------
        row, col : int
            The cell.
        index : int
            Position of the pitch in `pitches`.

        Returns
        -------
        int16 [length]
            A read-only view of the mapped file.

        Raises
        ------
        GridError
            The cell or the index is outside, or the file has changed its size since it was opened.
        """
        row, col = self._cell(row, col)
        index = self._index(index)
        self._check_unchanged()
        return self._samples[row, col, index]

    def note(self, row, col, pitch):
        """A note of the grid.

        Parameters
        ----------
        row, col : int
            The cell.
        pitch : int
            One of `pitches`.

        Returns
        -------
        float32 [length]
            In -1..1, at `sample_rate`.

        Raises
        ------
        GridError
            The cell is outside, or the file has changed its size since it was opened.
        PitchError
            The grid has no such pitch.
        """
        if pitch not in self.pitches:
            raise PitchError(f"{self.name} has no pitch {pitch}; it has {ranges(self.pitches)}")
        samples = self.samples(row, col, self.pitches.index(pitch))
        return samples.astype(np.float32) / 32768

    def read(self, start, count):
        """Samples from anywhere in the file, read now.

        For programs that must live on whatever happens to the file: mapped samples of a file that
        is cut off at this moment would kill the process, these are missed with an error.

        Parameters
        ----------
        start, count : int
            Samples; see `onset`.

        Returns
        -------
        float32 [count]
            In -1..1, at `sample_rate`.

        Raises
        ------
        GridError
            The samples are outside, or the file has changed its size since it was opened.
        """
        if start < 0 or count < 0 or (start + count) * 2 > self._size:
            raise GridError(f"{self.path} has {self._size // 2} samples; {start} to {start + count} "
                            "are not among them")
        self._check_unchanged()
        try:
            if hasattr(os, "pread"):
                samples = os.pread(self._file.fileno(), count * 2, start * 2)
            else:  # Windows, where nobody can cut off a mapped file
                samples = self._map[start * 2:(start + count) * 2]
        except OSError as error:
            raise GridError(f"{self.path} cannot be read: {error.strerror or error}") from None
        if len(samples) < count * 2:
            self._check_unchanged()
            raise GridError(f"{self.path} gives no more than {len(samples) // 2} samples from {start} on")
        return np.frombuffer(samples, "<i2").astype(np.float32) / 32768

    def prefetch(self, row, col):
        """Ask the operating system to read a cell soon; returns at once.

        Parameters
        ----------
        row, col : int
            The cell.

        Raises
        ------
        GridError
            The cell is outside, or the file has changed its size since it was opened.
        """
        row, col = self._cell(row, col)
        self._check_unchanged()
        if not hasattr(self._map, "madvise"):  # Windows
            return
        size = len(self.pitches) * self.length * 2  # bytes of a cell
        start = (row * self.cols + col) * size
        page = start - start % mmap.ALLOCATIONGRANULARITY
        self._map.madvise(mmap.MADV_WILLNEED, page, start + size - page)

    def close(self):
        """Close the file; views that `samples` gave out stay valid."""
        self._file.close()
        self._map = self._samples = None  # unmapped together with the last view

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _check_unchanged(self):
        # Reading mapped samples that are not in the file any more would kill the process.
        if self._samples is None:
            raise GridError(f"{self.path} is closed")
        size = os.fstat(self._file.fileno()).st_size
        if size != self._size:
            raise GridError(f"{self.path} had {self._size} bytes when it was opened and has {size} now; "
                            "load it again when it is whole")

    # Writing

    @staticmethod
    def write(path, notes, pitches, resolution, length, sample_rate=SAMPLE_RATE, corners=None,
              loop=None, origin=None):
        """Write a grid: the ``.bin``, and its settings beside it.

        Both files are written whole or not at all.

        Parameters
        ----------
        path : str or Path
            The ``.bin``; the settings get the same name with ``.json``.
        notes : iterable of int16 [length]
            Row by row, in a row column by column, in a cell pitch by pitch.
        pitches : sequence of int
            MIDI pitches, rising.
        resolution : int
            Rows, and columns, of the pad.
        length : int
            Samples of a note.
        sample_rate : int
            Hz.
        corners : sequence of str, optional
            Top left, top right, bottom left, bottom right.
        loop : tuple of float, optional
            Start and end of the part to be repeated, as fractions of `length`.
        origin : dict, optional
            How it was made, kept under ``"pdbridge"`` in the settings.

        Raises
        ------
        GridError
            A value is impossible, or there are too few or too many notes, or of the wrong length.
        MessageError
            A file cannot be written, e.g. because the disk is full.
        """
        path = Path(path)
        settings = device_settings(pitches, resolution, length, sample_rate, corners, loop, origin)
        _device_layout(settings, path.stem, path)  # as it will be checked when it is opened
        expected = resolution * resolution * len(settings["nsynth"]["pitches"])
        with written_whole(path.with_suffix(".json")) as text, written_whole(path) as samples:
            with open(samples, "wb") as file:
                count = 0
                for note in notes:
                    note = np.asarray(note)
                    if note.dtype != np.int16 or note.shape != (length,):
                        raise GridError(f"note {count} of {path} is {note.dtype} {list(note.shape)}, "
                                        f"not int16 [{length}]")
                    file.write(note.astype("<i2", copy=False).tobytes())
                    count += 1
                if count != expected:
                    raise GridError(f"{path} takes {expected} notes, not {count}")
                file.flush()
                os.fsync(file.fileno())
            text.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
            # Whoever kills us between the two files must not leave the new one with the old settings.
            path.with_suffix(".json").unlink(missing_ok=True)


def device_settings(pitches, resolution, length, sample_rate=SAMPLE_RATE, corners=None, loop=None,
                    origin=None):
    """Settings of a grid in the form that Open NSynth Super's device and the course read.

    Parameters are those of `NoteGrid.write`.

    Returns
    -------
    dict
    """
    start, end = loop or (0.0, 0.0)  # no points: both programs leave them alone when looping is off
    nsynth = {"resolution": resolution, "pitches": list(pitches), "length": length,
              "sampleRate": sample_rate, "looping": loop is not None, "loopStart": start, "loopEnd": end}
    settings = {"nsynth": nsynth}
    if corners is not None:
        settings["corners"] = [
            {"instruments": [{"name": name, "display": name[:8].upper(), "abbr": name[:2].upper()}]}
            for name in corners]
    if origin:
        settings["pdbridge"] = origin
    return settings


def read_settings(path, name):
    """Read and check the settings of a grid.

    Parameters
    ----------
    path : str or Path
        Settings of the device (``{"nsynth": {...}}``), or of the pipeline (``pitches``,
        ``resolution``, ``final_length``, ``pads``), which are at 16 kHz unless they hold a
        ``sample_rate``.
    name : str
        Name of the grid; where a corner lists several sounds, it says which are meant.

    Returns
    -------
    dict
        resolution (int), pitches (tuple of int), length (int, samples), sample_rate (int, Hz), corners
        (tuple of 4 str, or None), loop (tuple of 2 float, or None), looping (bool), origin (dict).

    Raises
    ------
    GridError
        Naming the file, the key and what is wrong with it.
    """
    path = Path(path)
    settings = read_json(path)
    if "nsynth" in settings:
        return _device_layout(settings, name, path)
    if "final_length" in settings or "pads" in settings:
        return _pipeline_layout(settings, name, path)
    raise GridError(f"{path} holds no settings of a grid: neither \"nsynth\" (settings of the device) nor "
                    "\"final_length\" (settings of the pipeline)")


def read_json(path):
    """Read a settings file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict

    Raises
    ------
    GridError
        It is missing, too large, or not a JSON object.
    """
    try:
        with _opened(path) as file:
            # some files of the system have no end, or wait for something to tell; they call themselves empty
            text = file.read(LARGEST_SETTINGS + 1) if os.fstat(file.fileno()).st_size else b""
    except (OSError, ValueError) as error:
        raise GridError(f"the settings {path} cannot be read: "
                        f"{getattr(error, 'strerror', None) or error}") from None
    if len(text) > LARGEST_SETTINGS:
        raise GridError(f"{path} is too large for a settings file")
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise GridError(f"{path} is not JSON: {error}") from None
    if not isinstance(settings, dict):
        raise GridError(f"{path} holds no settings: it should be a JSON object, {{...}}")
    return settings


def checked_pitches(pitches, where):
    """Pitches of a grid.

    Parameters
    ----------
    pitches : object
        From a settings file.
    where : str
        File and key, for the error.

    Returns
    -------
    tuple of int

    Raises
    ------
    GridError
        Not a list of MIDI pitches that rise.
    """
    if not isinstance(pitches, (list, tuple)) or not pitches:
        raise GridError(f"{where} should be a list of MIDI pitches")
    for pitch in pitches:
        if not _is_whole(pitch) or not 0 <= pitch <= 127:
            raise GridError(f"{where} holds {reprlib.repr(pitch)}, which is not a MIDI pitch (0 to 127)")
    for lower, higher in itertools.pairwise(pitches):
        if lower == higher:
            raise GridError(f"{where} holds {lower} twice")
        if lower > higher:
            raise GridError(f"{where} must rise, but {higher} follows {lower}; the notes of a cell are "
                            "found by their order")
    return tuple(pitches)


def checked_whole(value, smallest, largest, where):
    """A whole number within bounds.

    Parameters
    ----------
    value : object
        From a settings file.
    smallest, largest : int
    where : str
        File and key, for the error.

    Returns
    -------
    int

    Raises
    ------
    GridError
    """
    if not _is_whole(value) or not smallest <= value <= largest:
        raise GridError(f"{where} should be a whole number from {smallest} to {largest}, "
                        f"not {reprlib.repr(value)}")
    return value


def _is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value):
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # JSON knows whole numbers beyond all floats
        return False


def _opened(path):
    """A file, open for reading. A pipe or a terminal would keep us waiting for ever."""
    if path.exists() and not path.is_file():
        raise GridError(f"{path} is not a file")
    return open(path, "rb")


def _find_bin(path):
    path = Path(path)
    if not path.is_dir():
        return path
    # names with a dot are what an interrupted rendering or macOS left there
    found = sorted(file for file in path.glob("*.bin") if not file.name.startswith("."))
    if len(found) == 1:
        return found[0]
    if not found:
        raise GridError(f"there is no .bin in {path}; pdbridge grid render makes one")
    raise GridError(f"{path} holds several grids, name one: {', '.join(file.name for file in found[:8])}"
                    + (" ..." if len(found) > 8 else ""))


def _find_settings(path):
    if not path.is_file():
        raise GridError(f"there is no grid {path}")
    candidates = path.with_suffix(".json"), path.with_name("settings.json")
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise GridError(f"{path.name} cannot be read without its settings: there is neither {candidates[0]} "
                    f"nor {candidates[1].name} beside it")


def _device_layout(settings, name, path):
    nsynth = settings["nsynth"]
    if not isinstance(nsynth, dict):
        raise GridError(f"{path}: \"nsynth\" should be a JSON object, {{...}}")
    _require(nsynth, ("resolution", "pitches", "length", "sampleRate"), path, " in \"nsynth\"")
    layout = _layout(path, nsynth["resolution"], nsynth["pitches"], nsynth["length"],
                     nsynth["sampleRate"], "length", "sampleRate")
    origin = settings.get("pdbridge", {})
    return {**layout, **_loop(nsynth, path), "corners": _device_corners(settings, name, path),
            "origin": origin if isinstance(origin, dict) else {}}


def _pipeline_layout(settings, name, path):
    _require(settings, ("resolution", "pitches", "final_length"), path, "")
    layout = _layout(path, settings["resolution"], settings["pitches"], settings["final_length"],
                     settings.get("sample_rate", SAMPLE_RATE), "final_length", "sample_rate")
    loop = {"looping": False, "loop": None}
    return {**layout, **loop, "corners": _pipeline_corners(settings, name, path), "origin": {}}


def _require(settings, keys, path, inside):
    missing = [f'"{key}"' for key in keys if key not in settings]
    if missing:
        raise GridError(f"{path} lacks {' and '.join(missing)}{inside}")


def _layout(path, resolution, pitches, length, sample_rate, length_key, rate_key):
    return {
        "resolution": checked_whole(resolution, 1, LARGEST_RESOLUTION, f'{path}: "resolution"'),
        "pitches": checked_pitches(pitches, f'{path}: "pitches"'),
        "length": checked_whole(length, 1, LONGEST_NOTE, f'{path}: "{length_key}"'),
        "sample_rate": checked_whole(sample_rate, 1000, 192000, f'{path}: "{rate_key}"'),
    }


def _loop(nsynth, path):
    looping = nsynth.get("looping", False)
    if not isinstance(looping, bool):
        raise GridError(f'{path}: "looping" should be true or false, not {reprlib.repr(looping)}')
    start, end = nsynth.get("loopStart"), nsynth.get("loopEnd")
    usable = _is_number(start) and _is_number(end) and 0 <= start < end <= 1
    if looping and not usable:
        raise GridError(f'{path}: "loopStart" {reprlib.repr(start)} and "loopEnd" {reprlib.repr(end)} '
                        "should be fractions of the note, 0 to 1, the start before the end")
    return {"looping": looping, "loop": (float(start), float(end)) if usable else None}


def _device_corners(settings, name, path):
    if settings.get("corners") is None:
        return None
    try:
        corners = [[instrument["name"] for instrument in corner["instruments"]]
                   for corner in settings["corners"]]
    except (TypeError, KeyError):
        raise GridError(f'{path}: "corners" should be four times '
                        '{"instruments": [{"name": ...}]}') from None
    return _one_of_each(corners, name) or _only(corners, f'{path}: "corners"')


def _pipeline_corners(settings, name, path):
    pads = settings.get("pads")
    if pads is None:
        return None
    if not isinstance(pads, dict) or any(corner not in pads for corner in ("NW", "NE", "SW", "SE")):
        raise GridError(f'{path}: "pads" should hold lists of sounds for "NW", "NE", "SW" and "SE"')
    # The original dealt SE to the lower left and SW to the lower right, and named files accordingly;
    # ours say "compat": false. Names of files are right in both.
    ours = [pads[corner] for corner in ("NW", "NE", "SW", "SE")]
    originals = [pads[corner] for corner in ("NW", "NE", "SE", "SW")]
    swapped = settings.get("compat", True)
    named = _one_of_each(originals, name) or _one_of_each(ours, name)
    return named or _only(originals if swapped else ours, f'{path}: "pads"')


def _one_of_each(corners, name):
    """The sound of each corner that together make up the name of the grid, or None."""
    rest = {name: ()}  # what is left of the name: the first sounds that leave it
    for number, sounds in enumerate(corners):
        ending = "" if number == len(corners) - 1 else "_"
        known = [sound for sound in dict.fromkeys(filter(_is_name, sounds))
                 if sound + ending in name] if isinstance(sounds, list) else []
        longer = {}
        for text, names in rest.items():
            for sound in known:
                if text.startswith(sound + ending):
                    longer.setdefault(text[len(sound + ending):], (*names, sound))
        rest = longer
    found = rest.get("")
    return found if found and len(found) == 4 else None


def _is_name(sound):
    return isinstance(sound, str) and sound != ""


def _only(corners, where):
    """The sounds of corners that have one each; None where one has several."""
    if len(corners) != 4 or not all(isinstance(sounds, list) and sounds for sounds in corners):
        raise GridError(f"{where} should name the sounds of four corners")
    for sound in itertools.chain(*corners):
        if (not isinstance(sound, str) or len(sound) > LONGEST_NAME
                or any(letter < " " or "\ud800" <= letter <= "\udfff" for letter in sound)):  # no text
            raise GridError(f"{where} should hold names of sounds, not {reprlib.repr(sound)}")
    return tuple(sounds[0] for sounds in corners) if all(len(sounds) == 1 for sounds in corners) else None


def _check_size(path, size, layout, settings):
    resolution, pitches, length = layout["resolution"], len(layout["pitches"]), layout["length"]
    expected = resolution * resolution * pitches * length * 2
    if size == expected and expected <= sys.maxsize:
        return
    asked = (f"{path} has {size} bytes, but {settings.name} asks for {resolution} x {resolution} cells x "
             f"{pitches} pitches x {length} samples x 2 bytes = {expected}: ")
    others = []
    if size and size % (resolution * resolution * pitches * 2) == 0:
        others.append(f"notes of {size // (resolution * resolution * pitches * 2)} samples")
    if size and size % (resolution * resolution * length * 2) == 0:
        others.append(f"{size // (resolution * resolution * length * 2)} pitches")
    side = math.isqrt(size // (pitches * length * 2))
    if side and side * side * pitches * length * 2 == size:
        others.append(f"{side} x {side} cells")
    cause = []
    if size < expected:
        cause.append("it was cut off while it was copied or made")
    if others or size > expected:
        cause.append("the settings belong to another grid" + (f" ({' or '.join(others)} would fit)"
                                                              if others else ""))
    raise GridError(asked + ", or ".join(cause))
