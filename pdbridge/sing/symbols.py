"""The symbols that a SING makes notes of: instruments, pitches and velocities, as NSynth names them.

A checkpoint of the original holds rows of numbers, and no names. Which row is which instrument stands only
in the NSynth dataset (its ``examples.json``, or SING's own ``examples.json.gz``), and cannot be told from a
name. So a small table of names is taken out of it once, and kept in the user's cache.
"""

import difflib
import gzip
import json
import math
import re
import reprlib
import zlib
from numbers import Real
from pathlib import Path

from pdbridge.errors import MessageError, SymbolError
from pdbridge.files import written_whole
from pdbridge.places import cache_folder

#: Rows of the table of velocities. That 3 is left out is the original's.
VELOCITIES = {25: 0, 50: 1, 75: 2, 100: 4, 127: 5}
TABLE = "sing-instruments.json"
FORMAT = "pdbridge SING instruments"
LARGEST_EXAMPLES = 1 << 31  # bytes; those of nsynth-train have about 300 MB
LARGEST_TABLE = 1 << 22
PIECE = 1 << 20
LONGEST_NAME = 100
MOST_INSTRUMENTS = 100_000
NEAR = 3  # names that an error offers

NOTE = re.compile(r"(?P<instrument>.+)-(?P<pitch>\d{1,3})-(?P<velocity>\d{1,3})")


def table_path():
    """Where the table of names is kept (Path)."""
    return cache_folder() / TABLE


def read_examples(path):
    """The instruments in the metadata of NSynth.

    Parameters
    ----------
    path : str or Path
        ``examples.json``, plain or gzipped.

    Returns
    -------
    dict of str to int
        Numbers by name, e.g. "bass_synthetic_033": 417, in the order of numbers.

    Raises
    ------
    SymbolError
        It is missing, damaged, or says of one instrument two things.
    """
    path = Path(path).expanduser()
    examples = _json(path, LARGEST_EXAMPLES)
    if not isinstance(examples, dict) or not examples:
        raise SymbolError(f"{path} is no examples.json of NSynth: it should hold notes by name")
    instruments, names = {}, {}
    for note, example in examples.items():
        example = example if isinstance(example, dict) else {}
        name, number = example.get("instrument_str"), example.get("instrument")
        if not _fits(name, number):
            raise SymbolError(f"{path} is no examples.json of NSynth: the note {reprlib.repr(note)} lacks its "
                              "instrument or instrument_str")
        if instruments.setdefault(name, number) != number or names.setdefault(number, name) != name:
            raise SymbolError(f"{path}: {name} is number {number}, and something else as well")
    return dict(sorted(instruments.items(), key=lambda item: item[1]))


def write_table(instruments, path=None):
    """Keep the names of instruments.

    Parameters
    ----------
    instruments : dict of str to int
    path : str or Path, optional
        `table_path`, if left out; its folder is made.

    Returns
    -------
    Path

    Raises
    ------
    MessageError
        It cannot be written.
    """
    path = table_path() if path is None else Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MessageError(f"{path.parent} cannot be made: {error.strerror or error}") from None
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps({"format": FORMAT, "instruments": instruments}), encoding="utf-8")
    return path


def read_table(path=None):
    """The names that were kept.

    Parameters
    ----------
    path : str or Path, optional
        `table_path`, if left out.

    Returns
    -------
    dict of str to int
        Empty if none were kept.

    Raises
    ------
    SymbolError
        The table is damaged.
    """
    path = table_path() if path is None else Path(path)
    if not path.exists():
        return {}
    table = _json(path, LARGEST_TABLE)
    instruments = table.get("instruments") if isinstance(table, dict) and table.get("format") == FORMAT else None
    if not isinstance(instruments, dict) or not all(_fits(*item) for item in instruments.items()):
        raise SymbolError(f"{path} is damaged; make it again with pdbridge sing index examples.json, or delete it")
    return instruments


def nearest_velocity(velocity):
    """The velocity of NSynth that is nearest to one of MIDI.

    Parameters
    ----------
    velocity : float
        0 to 127.

    Returns
    -------
    int
        25, 50, 75, 100 or 127; the louder one if two are as near.

    Raises
    ------
    SymbolError
        It is no such number.
    """
    if not isinstance(velocity, Real) or isinstance(velocity, bool) or not 0 <= velocity <= 127:
        raise SymbolError(f"a velocity is a number from 0 to 127, not {reprlib.repr(velocity)}")
    return min(VELOCITIES, key=lambda known: (abs(known - velocity), -known))


def split_note(name):
    """What the name of a note says.

    Parameters
    ----------
    name : str
        E.g. "bass_synthetic_033-022-050"; the instrument may be a number: "417-022-050".

    Returns
    -------
    instrument : str or int
    pitch, velocity : int
        0 to 127.

    Raises
    ------
    SymbolError
        It is no such name.
    """
    parts = None if re.search(r"[/\\\0]", name) else NOTE.fullmatch(name)  # it becomes the name of a file
    pitch, velocity = (int(parts[key]) for key in ("pitch", "velocity")) if parts else (-1, -1)
    if not (0 <= pitch <= 127 and 0 <= velocity <= 127):
        raise SymbolError(f"{reprlib.repr(name)} is no name of a note; one is INSTRUMENT-PITCH-VELOCITY, "
                          "e.g. bass_synthetic_033-022-050")
    instrument = parts["instrument"]
    return (int(instrument) if re.fullmatch(r"[0-9]{1,6}", instrument) else instrument), pitch, velocity


def find_instrument(instrument, instruments, count):
    """The number of an instrument.

    Parameters
    ----------
    instrument : str or int
        Its name or its number.
    instruments : dict of str to int
        The names that are known.
    count : int
        Instruments that the model has.

    Returns
    -------
    int

    Raises
    ------
    SymbolError
        There is none; the message names some that are written alike.
    """
    if isinstance(instrument, str):
        if instrument in instruments and instruments[instrument] < count:
            return instruments[instrument]
        if not instruments:
            raise SymbolError(f"the instrument {reprlib.repr(instrument)} is not known, for no names are: take its "
                              f"number (0 to {count - 1}), or make a table of names with pdbridge sing index "
                              "examples.json")
        raise SymbolError(f"there is no instrument {reprlib.repr(instrument)}{_near(instrument, instruments, count)}")
    whole = isinstance(instrument, Real) and not isinstance(instrument, bool) and math.isfinite(instrument)
    if not whole or instrument != int(instrument) or not 0 <= instrument < count:
        raise SymbolError(f"there is no instrument {reprlib.repr(instrument)}; this model has the numbers 0 to "
                          f"{count - 1}")
    return int(instrument)


def _near(instrument, instruments, count):
    names = [name for name, number in instruments.items() if number < count]
    near = difflib.get_close_matches(instrument[:LONGEST_NAME], names, NEAR, cutoff=0.5)
    return f"; near it are {', '.join(near)}" if near else ""


def _fits(name, number):
    """Whether these can be an instrument's name and number."""
    return (isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and type(number) is int
            and 0 <= number < MOST_INSTRUMENTS)


def _json(path, most):
    """What a JSON file holds, plain or gzipped."""
    try:
        if path.exists() and not path.is_file():
            raise SymbolError(f"{path} is not a file")
        with open(path, "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        with (gzip.open if zipped else open)(path, "rb") as file:
            pieces, size = [], 0
            while piece := file.read(PIECE):
                size += len(piece)
                if size > most:
                    raise SymbolError(f"{path} is larger than {most >> 20} MB, too large for what it should be")
                pieces.append(piece)
        return json.loads(b"".join(pieces))
    except (OSError, EOFError, zlib.error) as error:
        raise SymbolError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except (ValueError, RecursionError):
        raise SymbolError(f"{path} is no JSON, or damaged") from None
