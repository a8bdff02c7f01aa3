"""``pdbridge grid``: note grids, from a folder of sounds to the file that the pad plays."""

import contextlib
import math
import re
import signal
import sys
from pathlib import Path

from pdbridge.commands.options import named, pitches
from pdbridge.errors import CheckpointError, GridError


def add_to(commands):
    """Add ``pdbridge grid ...`` to the command line (argparse's subparsers)."""
    grid = commands.add_parser("grid", help="make and inspect the note grids that nsynth.pd plays")
    commands = grid.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_prepare(commands)
    _add_render(commands)
    _add_info(commands)


def _add_prepare(commands):
    prepare = commands.add_parser(
        "prepare", help="lay the sounds of a folder on the corners of a pad",
        description="Make a project: PROJECT/settings.json says which sounds lie in which corner and how "
        "the grid is made, and may be edited. SOUNDS holds <sound>_<pitch>.wav (or .flac, .aif): four sounds "
        "or more, all with the same MIDI pitches. Where a corner has several sounds, a grid is made for each "
        "combination.")
    prepare.add_argument("sounds", metavar="SOUNDS", help="folder of the sounds")
    prepare.add_argument("project", metavar="PROJECT", help="folder of the project; made if it is missing")
    prepare.add_argument("--corner", metavar="NW=a,b", type=_corner, action="append", default=[],
                         help="sounds of a corner: NW (top left), NE, SW or SE; all four or none "
                         "(then all sounds are dealt like cards)")
    prepare.add_argument("--resolution", metavar="N", type=_positive, default=9,
                         help="cells on a side of the pad (%(default)s)")
    prepare.add_argument("--pitches", metavar="LIST", type=pitches,
                         help="MIDI pitches, e.g. 24,28,32 or 24-84/4 (all that the sounds have)")
    prepare.add_argument("--length", metavar="SAMPLES", type=_positive, default=60000,
                         help="of a note in the grid, at 16 kHz (%(default)s: 3.75 s)")
    prepare.add_argument("--sample-length", metavar="SAMPLES", type=_positive, default=64000,
                         help="of a sound that are used, at 16 kHz (%(default)s: 4 s)")
    prepare.add_argument("--weights", choices=("distance", "bilinear"), default="distance",
                         help="how corners are mixed: by distance as in Open NSynth Super, or evenly "
                         "(%(default)s)")
    prepare.add_argument("--loop", metavar=("START", "END"), type=_fraction, nargs=2,
                         help="part of a held note to repeat, as fractions of its length, e.g. 0.2 0.41")
    prepare.add_argument("--compat", action="store_true",
                         help="Open NSynth Super's own: SE lower left, SW lower right, 60000 samples")
    prepare.add_argument("--overwrite", action="store_true", help="replace settings that are there")
    prepare.set_defaults(run=_prepare)


def _add_render(commands):
    render = commands.add_parser(
        "render", help="render the grid of a project; may be stopped and run again",
        description="Render what PROJECT/settings.json describes into PROJECT/<names of the corners>.bin "
        "and .json. Stop it whenever you like; the same command goes on where it was.")
    render.add_argument("project", metavar="PROJECT", help="folder of the project")
    render.add_argument("--model", metavar="CHECKPOINT", required=True,
                        help="an NSynth checkpoint (its prefix or folder), a GANSynth folder, or a SING's file")
    render.add_argument("--seed", type=_whole, help="of the random numbers (0); GANSynth: of the four timbres; "
                        "SING has none")
    render.add_argument("--compat", action="store_true", default=None,
                        help="Open NSynth Super's own: SE lower left, SW lower right, 60000 samples")
    nsynth = render.add_argument_group("with an NSynth")
    nsynth.add_argument("--precision", choices=("float32", "bfloat16", "int8"),
                        help="of the decoder (float32); the others are faster and a little less exact")
    nsynth.add_argument("--batch-size", metavar="N", type=_batch_size,
                        help="notes at a time (auto: what is fastest and fits into memory); with a SING, too")
    nsynth.add_argument("--temperature", metavar="T", type=_temperature,
                        help="1 as the network learnt it (default), less is calmer, 0 the likeliest sample "
                        "each time")
    nsynth.add_argument("--weights", choices=("distance", "bilinear"), help="in place of the settings'; with a "
                        "SING, too (bilinear)")
    nsynth.add_argument("--engine", choices=("local", "dask"),
                        help="this computer (default), or a Dask cluster")
    nsynth.add_argument("--scheduler", metavar="ADDRESS", help="of the cluster, e.g. tcp://10.0.0.5:8786")
    gansynth = render.add_argument_group("with a GANSynth or a SING")
    gansynth.add_argument("--corner", metavar="NW=FILE.npy", type=_corner, action="append", default=[],
                          help="GANSynth: a saved timbre for a corner; the others are drawn with --seed. SING: an "
                          "instrument by name or number for each corner, e.g. NW=417")
    gansynth.add_argument("--pitches", metavar="LIST", type=pitches,
                          help="MIDI pitches, e.g. 24,36,48 or 24-84/4")
    gansynth.add_argument("--resolution", metavar="N", type=_positive, help="cells on a side of the pad (9)")
    gansynth.add_argument("--length", metavar="SAMPLES", type=_positive, help="of a note (60000)")
    gansynth.add_argument("--velocity", metavar="N", type=_positive, help="SING: of all notes (100)")
    render.set_defaults(run=_render)


def _add_info(commands):
    info = commands.add_parser("info", help="say what is in a grid",
                               description="Say what is in a grid; with --check, read every note of it.")
    info.add_argument("file", metavar="FILE", help="the .bin, or a project with one grid")
    info.add_argument("settings", metavar="SETTINGS", nargs="?",
                      help="settings .json (the one beside FILE with its name, or settings.json)")
    info.add_argument("--check", action="store_true", help="read it all: levels and silent notes")
    info.set_defaults(run=_info)


# What options look like


@named("whole number (0, 1, 2...)")
def _whole(text):
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise ValueError
    return int(text)


@named("number (1, 2, 3...)")
def _positive(text):
    if not _whole(text):
        raise ValueError
    return int(text)


@named("batch size (auto, or 1 to 4096)")
def _batch_size(text):
    if text == "auto":
        return text
    if not 1 <= int(text) <= 4096:
        raise ValueError
    return int(text)


@named("temperature (0 or more)")
def _temperature(text):
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError
    return value


@named("fraction (0 to 1)")
def _fraction(text):
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError
    return value


@named("corner (e.g. NW=flute,organ)")
def _corner(text):
    corner, names = text.split("=", 1)
    names = [name.strip() for name in names.split(",")]
    if not all(names):
        raise ValueError
    return corner.strip(), names


def _corners(pairs):
    corners = {}
    for corner, names in pairs:
        if corner in corners:
            raise GridError(f"--corner {corner} is given twice; name its sounds in one: {corner}=a,b")
        corners[corner] = names
    return corners


# What the commands do


def _prepare(options):
    from pdbridge.rendering import corners, project

    made = project.prepare(
        options.sounds, options.project, _corners(options.corner) or None, options.pitches, options.overwrite,
        resolution=options.resolution, final_length=options.length, sample_length=options.sample_length,
        weights=options.weights, loop=tuple(options.loop) if options.loop else None, compat=options.compat)
    for name in project.unnamed_sounds(options.sounds):
        print(f"pdbridge: {name} is left alone, its name does not end in a pitch", file=sys.stderr)
    grids = corners.combinations(made.pads, made.compat)
    places = dict(zip(corners.COMPATIBLE_CORNERS if made.compat else corners.CORNERS,
                      ("top left", "top right", "bottom left", "bottom right"), strict=True))
    for corner, sounds in made.pads.items():
        print(f"{corner} ({places[corner]}): {', '.join(sounds)}")
    print(f"{_count(len(grids), 'grid')} of {made.resolution} x {made.resolution} cells and "
          f"{_count(len(made.pitches), 'pitch', 'pitches')}")
    print(f"{made.folder / project.SETTINGS} is written; edit it as you like, then\n"
          f"pdbridge grid render {options.project} --model CHECKPOINT")


def _render(options):
    kind, path = _model(options.model)
    for option, kinds in FOR.items():
        value = getattr(options, option.removeprefix("--").replace("-", "_"))
        if value in (None, []) or kind in kinds:
            continue
        if kind == "nsynth":
            raise GridError(f"{option} is for {_listed(kinds)}; the grid of an NSynth is described by "
                            f"{Path(options.project) / 'settings.json'}: edit it, or prepare the project again")
        raise GridError(f"{option} is for {_listed(kinds)}, and {options.model} is a {KINDS[kind]}")
    with _interruptible():
        return {"nsynth": _render_nsynth, "gansynth": _render_gansynth, "sing": _render_sing}[kind](options, path)


KINDS = {"nsynth": "NSynth", "gansynth": "GANSynth", "sing": "SING"}
FOR = {"--corner": ("gansynth", "sing"), "--pitches": ("gansynth", "sing"), "--resolution": ("gansynth", "sing"),
       "--length": ("gansynth", "sing"), "--velocity": ("sing",), "--seed": ("nsynth", "gansynth"),
       "--precision": ("nsynth",), "--batch-size": ("nsynth", "sing"), "--temperature": ("nsynth",),
       "--weights": ("nsynth", "sing"), "--engine": ("nsynth",), "--scheduler": ("nsynth",)}


def _listed(kinds):
    return " or ".join(f"{'an' if kind == 'nsynth' else 'a'} {KINDS[kind]}" for kind in kinds)


def _render_nsynth(options, path):
    from pdbridge.silence import tensorflow_silenced

    with tensorflow_silenced():
        from pdbridge.nsynth.model import NSynth

        model = NSynth.load(path)
    from pdbridge.rendering.batches import Draw
    from pdbridge.rendering.render import render

    temperature = 1.0 if options.temperature is None else options.temperature
    batch_size = None if options.batch_size in (None, "auto") else options.batch_size
    render(options.project, model, path, options.precision or "float32", options.engine or "local",
           options.scheduler, batch_size, Draw(options.seed or 0, temperature), options.weights, options.compat,
           say=_say)


def _render_gansynth(options, folder):
    from pdbridge.silence import tensorflow_silenced

    with tensorflow_silenced():
        from pdbridge.gansynth.model import GANSynth

        model = GANSynth.load(folder)
    from pdbridge.rendering.timbres import render_timbres

    render_timbres(options.project, model, _one_each(options.corner, "timbre"), options.seed, options.pitches,
                   options.resolution, options.length, options.compat, say=_say)


def _render_sing(options, file):
    from pdbridge.silence import tensorflow_silenced

    with tensorflow_silenced():
        from pdbridge.sing.model import SING

        model = SING.load(file)
    from pdbridge.rendering.instruments import render_instruments

    render_instruments(
        options.project, model, _one_each(options.corner, "instrument"), options.pitches, options.velocity,
        options.resolution, options.length, options.weights, options.compat,
        None if options.batch_size == "auto" else options.batch_size, say=_say)


def _one_each(pairs, what):
    """What each corner is, by corner."""
    chosen = {}
    for corner, names in _corners(pairs).items():
        if len(names) != 1:
            raise GridError(f"a corner has one {what}, not {len(names)}: {corner}={','.join(names)}")
        chosen[corner] = names[0]
    return chosen


def _say(line):
    print(line, flush=True)  # into a log, too, where the next line may be hours away


def _model(name):
    """What kind of checkpoint it is, and where."""
    from pdbridge.places import find_checkpoint, find_model, find_sing

    try:
        folder = find_model(name)
    except CheckpointError:  # a prefix of files, perhaps
        path = find_checkpoint(name)
        if path.suffix in (".th", ".torch", ".npz"):
            return "sing", str(find_sing(path))
        return "nsynth", str(path)
    if any(folder.glob("*.th")):
        return "sing", str(find_sing(folder))
    return ("gansynth" if (folder / "experiment.json").is_file() else "nsynth"), str(folder)


@contextlib.contextmanager
def _interruptible():
    """Ctrl-C, and the SIGTERM of a batch system, end the work in good order and say how to go on."""
    def stop(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        print("\npdbridge: stopped; what is done is kept. The same command goes on from here.", file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _info(options):
    from pdbridge.notegrid import NoteGrid

    with NoteGrid.open(options.file, options.settings) as grid:
        for what, value in _described(grid):
            print(f"{what:13}{value}")
        if options.check:
            print(f"{'levels':13}{_levels(grid)}")


def _described(grid):
    from pdbridge.pitches import ranges

    notes = grid.rows * grid.cols * len(grid.pitches)
    yield "grid", grid.name
    yield "file", f"{grid.path}, {notes * grid.length * 2 / 1e6:.1f} MB"
    yield "pad", f"{grid.rows} rows x {grid.cols} columns"
    yield "pitches", f"{len(grid.pitches)}: {ranges(grid.pitches)}"
    yield "notes", (f"{notes} of {grid.length} samples, {grid.length / grid.sample_rate:.2f} s at "
                    f"{grid.sample_rate} Hz")
    if grid.corners:
        where = ("top left", "top right", "bottom left", "bottom right")
        yield "corners", ", ".join(f"{name} ({place})" for name, place in zip(grid.corners, where, strict=True))
    else:
        yield "corners", "unknown"
    if grid.loop:
        start, end = grid.loop
        yield "loop", f"{start:g} to {end:g} of a note" + ("" if grid.looping else ", switched off")
    else:
        yield "loop", "none"
    for key, value in grid.origin.items():
        if key != "made_from":  # a check sum
            yield key.replace("_", " "), _in_words(value)


def _in_words(value):
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value


def _levels(grid):
    import numpy as np

    from pdbridge.audio import decibels
    from pdbridge.progress import progress

    peaks, silent = [], []
    with progress(grid.rows * grid.cols, "cell", "reading") as bar:
        for row in range(grid.rows):
            for col in range(grid.cols):
                for index, pitch in enumerate(grid.pitches):
                    peak = np.abs(grid.read(grid.onset(row, col, index), grid.length)).max()
                    peaks.append(peak)
                    if not peak:
                        silent.append(f"cell {row} {col} pitch {pitch}")
                bar.update(1)
    heard = [peak for peak in peaks if peak]
    levels = f"peaks {decibels(min(heard)):.1f} to {decibels(max(heard)):.1f} dB; " if heard else ""
    return (f"{levels}{len(silent)} of {len(peaks)} notes are silent"
            + (f": {', '.join(silent[:8])}{' ...' if len(silent) > 8 else ''}" if silent else ""))


def _count(number, one, many=None):
    return f"{number} {one if number == 1 else many or one + 's'}"
