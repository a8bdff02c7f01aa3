"""A project: the folder in which a grid is made, and its settings, which a musician may edit.

``settings.json`` has the keys of Open NSynth Super and of the course (``pads``, ``pitches``,
``resolution``, ``final_length``), so that projects can go from one to the other, and ours beside them.
"""

import json
import math
import os
import re
import unicodedata
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path

from pdbridge.errors import AudioError, GridError
from pdbridge.files import written_whole
from pdbridge.notegrid import (
    LARGEST_RESOLUTION,
    LONGEST_NOTE,
    checked_pitches,
    checked_whole,
    read_json,
)
from pdbridge.pitches import ranges
from pdbridge.rendering.cleaning import LENGTH, PEAK_DB
from pdbridge.rendering.corners import CORNERS, WEIGHTS, combinations, deal

SETTINGS = "settings.json"
RESOLUTION = 9  # cells on a side, of the original
SAMPLE_LENGTH = 64000  # samples of a sound that are encoded, and of a note that is decoded: 4 s
HOP = 512  # samples of an embedding's frame
ENDINGS = (".wav", ".flac", ".aif", ".aiff")
LONGEST_NAME = 200  # bytes of the name of a grid; file systems take 255 with an ending


@dataclass(frozen=True)
class Project:
    """The settings of a project, checked.

    Attributes
    ----------
    folder : Path
    pitches : tuple of int
        MIDI pitches, rising.
    resolution : int
        Rows, and columns, of the pad.
    final_length : int
        Samples of a note in the grid.
    sounds : Path
        The folder of the sounds.
    pads : dict of str to list of str, or None
        Names of sounds by corner. None in a project for a GANSynth.
    timbres : dict of str to (int or str), or None
        z by corner, for a GANSynth: a seed, or an ``.npy``.
    instruments : dict of str to (int or str), or None
        Number or name of an instrument by corner, for a SING.
    velocity : int
        Of all notes of a SING.
    sample_length : int
        Samples of each sound that are encoded, and of a note that is decoded; a multiple of 512.
    weights : str
        How corners are weighed: "distance" or "bilinear".
    peak_db : float
        Level of the notes.
    loop : tuple of float, or None
        Part of the notes to be repeated, as fractions of `final_length`.
    compat : bool
        SE lower left, SW lower right, and 60000 samples a note, as Open NSynth Super.
    """

    folder: Path
    pitches: tuple
    resolution: int = RESOLUTION
    final_length: int = LENGTH
    sounds: Path = None
    pads: dict = None
    timbres: dict = None
    instruments: dict = None
    velocity: int = 100
    sample_length: int = SAMPLE_LENGTH
    weights: str = "distance"
    peak_db: float = PEAK_DB
    loop: tuple = None
    compat: bool = False

    @property
    def length(self):
        """Samples of a note in the grid: the original did not listen to its own settings."""
        return LENGTH if self.compat else self.final_length

    def overridden(self, **values):
        """The project with some settings replaced; None keeps one."""
        values = {key: value for key, value in values.items() if value is not None}
        return _checked(replace(self, **values), self.folder / SETTINGS)


def prepare(sounds, folder, corners=None, pitches=None, overwrite=False, **settings):
    """Make a project from a folder of sounds.

    Parameters
    ----------
    sounds : str or Path
        Folder of ``<sound>_<pitch>.wav`` (FLAC and AIFF as well); at least four sounds, each with the
        same pitches. Other files are left alone.
    folder : str or Path
        The project; made if it is missing.
    corners : dict of str to list of str, optional
        Names of sounds for each of NW, NE, SW and SE. Left out: all sounds, dealt like cards.
    pitches : sequence of int, optional
        Left out: all that the sounds have.
    overwrite : bool
        Replace settings that are there already.
    **settings
        Further attributes of `Project`.

    Returns
    -------
    Project

    Raises
    ------
    GridError
        Too few sounds, different pitches, unknown corners or sounds, impossible settings, or the project
        has settings already.
    AudioError
        Sounds cannot be read; they are named.
    """
    folder, path = Path(folder), Path(folder) / SETTINGS
    if path.exists() and not overwrite:
        raise GridError(f"{path} is there already; edit it, or replace it with --overwrite")
    found = find_sounds(sounds)
    pads = deal(found) if corners is None else named_corners(corners)
    _require_four(pads, found, sounds)
    if pitches is None:
        pitches = _common_pitches({sound: found[sound] for names in pads.values() for sound in names})
    sounds = Path(os.path.abspath(sounds))
    project = _checked(Project(folder, tuple(pitches), sounds=sounds, pads=pads, **settings), path)
    check_readable(files_of(project, found).values())
    write(project)
    return project


def write(project):
    """Write the settings of a project, for the musician to edit.

    Parameters
    ----------
    project : Project

    Raises
    ------
    MessageError
        They cannot be written.
    """
    settings = {"pitches": list(project.pitches), "resolution": project.resolution,
                "final_length": project.final_length, "peak_db": project.peak_db,
                "loop": list(project.loop) if project.loop else None, "compat": project.compat}
    if project.pads is not None:
        sounds = project.sounds
        if sounds.is_relative_to(os.path.abspath(project.folder)):
            sounds = sounds.relative_to(os.path.abspath(project.folder))
        settings = {"pads": project.pads, **settings, "gpus": 1, "sounds": str(sounds),
                    "sample_length": project.sample_length, "weights": project.weights}
    if project.timbres is not None:
        settings = {"timbres": project.timbres, **settings}
    if project.instruments is not None:
        settings = {"instruments": project.instruments, "velocity": project.velocity, **settings,
                    "weights": project.weights}
    try:
        project.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GridError(f"the project {project.folder} cannot be made: {error.strerror}") from None
    with written_whole(project.folder / SETTINGS) as temporary:
        temporary.write_text(_as_text(settings), encoding="utf-8")


def _as_text(settings):
    """JSON with a line for each setting and for each corner."""
    def line(value):
        return json.dumps(value, ensure_ascii=False)

    lines = []
    for key, value in settings.items():
        if isinstance(value, dict):
            corners = ",\n".join(f"    {line(corner)}: {line(inner)}" for corner, inner in value.items())
            lines.append(f"  {line(key)}: {{\n{corners}\n  }}")
        else:
            lines.append(f"  {line(key)}: {line(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def read(folder):
    """Read and check the settings of a project.

    Parameters
    ----------
    folder : str or Path
        Also one that the course's tools prepared: its sounds are in ``audio_input``.

    Returns
    -------
    Project

    Raises
    ------
    GridError
        Naming the key and what is wrong with it.
    """
    folder = Path(folder)
    path = folder / SETTINGS
    if not path.is_file():
        raise GridError(f"{folder} is no project, there is no {SETTINGS} in it; pdbridge grid prepare makes "
                        "one")
    settings = read_json(path)
    known = {"pitches", "resolution", "final_length", "sounds", "pads", "timbres", "instruments", "velocity",
             "sample_length", "weights",
             "peak_db", "loop", "compat"}
    originals = {"gpus", "magenta_dir"}  # for work that pdbridge divides by itself
    for key in settings.keys() - known - originals:
        raise GridError(f'{path}: nobody knows the key "{key}"; known are {", ".join(sorted(known))}')
    for key in ("pitches", "resolution", "final_length"):
        if key not in settings:
            raise GridError(f'{path} lacks "{key}"')
    if not settings.keys() & {"pads", "timbres", "instruments"}:
        raise GridError(f'{path} lacks "pads", the sounds of the corners')
    values = {key: settings[key] for key in known & settings.keys()}
    values.setdefault("sounds", "audio_input")
    _require(isinstance(values["sounds"], str), path, "sounds", "the name of a folder", values["sounds"])
    values["sounds"] = Path(os.path.abspath(folder / values["sounds"]))
    return _checked(Project(folder, **values), path)


def grid_name(names):
    """What the files of a grid are called.

    Parameters
    ----------
    names : sequence of str
        Top left, top right, bottom left, bottom right.

    Returns
    -------
    str
        Without an ending.

    Raises
    ------
    GridError
        It is too long for a file.
    """
    name = "_".join(names)
    if len(name.encode(errors="surrogatepass")) > LONGEST_NAME:
        raise GridError(f"these corners have names too long for a file: {name}")
    return name


def named_corners(corners):
    """Corners as the command line names them.

    Parameters
    ----------
    corners : dict of str to list of str
        By NW, NE, SW, SE, in small or capital letters.

    Returns
    -------
    dict of str to list of str

    Raises
    ------
    GridError
        A corner is unknown or missing.
    """
    named = {}
    for corner, names in corners.items():
        if corner.upper() not in CORNERS:
            raise GridError(f"there is no corner {corner}; corners are {', '.join(CORNERS)} (NW is top left)")
        named[corner.upper()] = [_composed(name) for name in names]
    missing = [corner for corner in CORNERS if corner not in named]
    if missing:
        raise GridError(f"name all four corners or none; {' and '.join(missing)} is missing")
    return {corner: named[corner] for corner in CORNERS}


# Sounds


def find_sounds(folder):
    """The sounds in a folder.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    dict of str to dict of int to Path
        Files by pitch, by sound.

    Raises
    ------
    GridError
        There is no such folder, a file has an impossible pitch, or two files are the same note.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise GridError(f"there is no folder of sounds {folder}")
    sounds = {}
    for path in sorted(folder.iterdir()):
        # macOS leaves hidden files beside sounds that have their endings.
        if path.suffix.lower() not in ENDINGS or path.name.startswith(".") or not path.is_file():
            continue
        match = re.fullmatch(r"(.+)_(\d+)", path.stem, re.ASCII)
        if not match:
            continue
        sound, pitch = _composed(match[1]), int(match[2])
        if not _is_text(sound):
            raise GridError(f"{path}: this name is not in UTF-8; rename the file")
        if pitch > 127:
            raise GridError(f"{path}: {pitch} is not a MIDI pitch (0 to 127)")
        if sound == "pitch":
            raise GridError(f"{path}: a sound cannot be called \"pitch\"; call it something else")
        notes = sounds.setdefault(sound, {})
        if pitch in notes:
            raise GridError(f"{notes[pitch].name} and {path.name} in {folder} are the same note; keep one")
        notes[pitch] = path
    return sounds


def unnamed_sounds(folder):
    """Sound files whose names do not end in a pitch, which `find_sounds` passes over (list of str)."""
    return sorted(path.name for path in Path(folder).iterdir()
                  if path.suffix.lower() in ENDINGS and not path.name.startswith(".")
                  and not re.fullmatch(r".+_\d+", path.stem, re.ASCII))


def files_of(project, found=None):
    """The files that a project is made from.

    Parameters
    ----------
    project : Project
    found : dict, optional
        Of `find_sounds`, if it is known already.

    Returns
    -------
    dict of (str, int) to Path
        By sound and pitch.

    Raises
    ------
    GridError
        One is missing.
    """
    found = find_sounds(project.sounds) if found is None else found
    used = sorted({sound for names in project.pads.values() for sound in names})
    for sound in used:
        if sound not in found:
            raise GridError(f"there is no sound {sound} in {project.sounds}; "
                            f"there are {_some(sorted(found)) or 'none'}")
        lacking = [pitch for pitch in project.pitches if pitch not in found[sound]]
        if lacking:
            raise GridError(f"{sound} lacks the pitch {ranges(lacking)} in {project.sounds}; it has "
                            f"{ranges(found[sound])}")
    return {(sound, pitch): found[sound][pitch] for sound in used for pitch in project.pitches}


def check_readable(paths):
    """Look into sound files before hours of work begin.

    Parameters
    ----------
    paths : iterable of Path

    Raises
    ------
    AudioError
        Naming those that cannot be read, or that are empty.
    """
    import soundfile

    unreadable = []
    for path in paths:
        try:
            if soundfile.info(path).frames == 0:
                unreadable.append(f"{path} (it is empty)")
        except (soundfile.SoundFileError, OSError):
            unreadable.append(str(path))
    if unreadable:
        raise AudioError(f"cannot be read as sound: {_some(unreadable)}")


def _is_text(name):
    """Whether settings can hold it; names of files need not be in UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _composed(name):
    """A name with its accents in one piece, as keyboards write it; file systems may take it apart."""
    return unicodedata.normalize("NFC", name)


def _require_four(pads, found, folder):
    used = {sound for names in pads.values() for sound in names}
    unknown = sorted(used - found.keys())
    if unknown:
        raise GridError(f"there is no sound {unknown[0]} in {folder}; "
                        f"there are {_some(sorted(found)) or 'none'}")
    if len(found) < 4:
        unnamed = unnamed_sounds(folder)
        raise GridError(
            f"a pad needs four sounds or more; {folder} has {len(found)}"
            + (f" ({', '.join(sorted(found))})" if found else "")
            + ". Files are called <sound>_<pitch>.wav, e.g. flute_60.wav"
            + (f"; {_some(unnamed)} cannot be used" if unnamed else ""))


def _common_pitches(found):
    pitches = {sound: set(notes) for sound, notes in found.items()}
    common, all_pitches = set.intersection(*pitches.values()), set.union(*pitches.values())
    if common != all_pitches:
        sound = next(name for name in sorted(pitches) if pitches[name] != all_pitches)
        way = (f"--pitches {','.join(map(str, sorted(common)))} takes those that all have" if common
               else "they have none in common")
        raise GridError("all sounds need the same pitches, but "
                        f"{sound} lacks {ranges(all_pitches - pitches[sound])}; {way}")
    return sorted(common)


def _some(names, most=8):
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


# Checking settings


def _require(condition, path, key, expected, value):
    if not condition:
        raise GridError(f'{path}: "{key}" should be {expected}, not {json.dumps(value, default=str)}')


def _checked(project, path):
    """The project, with every setting checked; `path` is for the errors."""
    whole = {"resolution": (2, LARGEST_RESOLUTION), "final_length": (1, LONGEST_NOTE),
             "sample_length": (HOP, LONGEST_NOTE)}
    for key, (smallest, largest) in whole.items():
        checked_whole(getattr(project, key), smallest, largest, f'{path}: "{key}"')
    pitches = checked_pitches(project.pitches, f'{path}: "pitches"')
    _require(isinstance(project.weights, str) and project.weights in WEIGHTS, path, "weights",
             " or ".join(f'"{kind}"' for kind in WEIGHTS), project.weights)
    _require(isinstance(project.compat, bool), path, "compat", "true or false", project.compat)
    _require(_is_number(project.peak_db) and -90 <= project.peak_db <= 0, path, "peak_db",
             "a level in dB from -90 to 0", project.peak_db)
    loop = project.loop
    if loop is not None:
        _require(isinstance(loop, (list, tuple)) and len(loop) == 2 and all(map(_is_number, loop))
                 and 0 <= loop[0] < loop[1] <= 1, path, "loop",
                 "null, or start and end as fractions of the note", loop)
        loop = tuple(map(float, loop))
    sample_length = project.sample_length - project.sample_length % HOP
    pads = project.pads
    if pads is not None:
        _check_pads(pads, path)
        pads = {corner: [_composed(name) for name in names] for corner, names in pads.items()}
        if project.final_length > sample_length and not project.compat:
            raise GridError(f'{path}: "final_length" {project.final_length} is longer than "sample_length" in '
                            f"whole frames of {HOP}, {sample_length}, which is all that is rendered")
        named = {}
        for sounds in combinations(pads, project.compat):
            other = named.setdefault(grid_name(sounds), sounds)
            if other != sounds:  # a_b, c and a, b_c
                raise GridError(f"{path}: the grids of {', '.join(other)} and of {', '.join(sounds)} would "
                                f"both be called {grid_name(sounds)}; rename a sound")
    if project.timbres is not None:
        _check_timbres(project.timbres, path)
    if project.instruments is not None:
        _check_instruments(project.instruments, path)
    checked_whole(project.velocity, 1, 127, f'{path}: "velocity"')
    return replace(project, pitches=pitches, loop=loop, peak_db=float(project.peak_db), pads=pads,
                   sample_length=sample_length)


def _check_pads(pads, path):
    _require(isinstance(pads, dict) and set(pads) == set(CORNERS), path, "pads",
             "lists of sounds for " + ", ".join(f'"{corner}"' for corner in CORNERS), pads)
    for corner, names in pads.items():
        fine = isinstance(names, list) and names and all(isinstance(name, str) and name for name in names)
        _require(fine, path, f"pads: {corner}", "a list of names of sounds", names)
        _require(len(set(names)) == len(names), path, f"pads: {corner}", "a list without repetitions", names)


def _check_timbres(timbres, path):
    _require(isinstance(timbres, dict) and set(timbres) == set(CORNERS), path, "timbres",
             "a seed or an .npy for each of " + ", ".join(f'"{corner}"' for corner in CORNERS), timbres)
    for corner, timbre in timbres.items():
        seed = isinstance(timbre, int) and not isinstance(timbre, bool) and timbre >= 0
        file = isinstance(timbre, str) and timbre.lower().endswith(".npy")
        _require(seed or file, path, f"timbres: {corner}", "a seed (0, 1, 2...) or the name of an .npy", timbre)


def _check_instruments(instruments, path):
    _require(isinstance(instruments, dict) and set(instruments) == set(CORNERS), path, "instruments",
             "an instrument for each of " + ", ".join(f'"{corner}"' for corner in CORNERS), instruments)
    for corner, instrument in instruments.items():
        number = isinstance(instrument, int) and not isinstance(instrument, bool) and instrument >= 0
        _require(number or isinstance(instrument, str) and instrument, path, f"instruments: {corner}",
                 "the number or the name of an instrument", instrument)


def _is_number(value):
    # math.isfinite fails on whole numbers beyond all floats, which JSON knows.
    return isinstance(value, Real) and not isinstance(value, bool) and -math.inf < value < math.inf


