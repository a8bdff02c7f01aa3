"""What is in a data set: its pitches, lengths and levels, and notes to look at."""

import json
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from pdbridge import audio, plotting
from pdbridge.errors import DatasetError
from pdbridge.files import written_whole
from pdbridge.pitches import ranges
from pdbridge.progress import progress
from pdbridge.training.datasets import records
from pdbridge.training.datasets.notes import FAMILIES, SAMPLE_RATE, SOURCES

FULL_SCALE = 32766 / 32767
CLIPPED = 3  # samples at full scale in a row; one or two are the peak of a note made as loud as possible
NAMED = 8  # notes that are named of those that are silent or clipped
BAR = 40  # characters of the longest bar
PICTURES, COLUMNS = 24, 4  # notes whose spectrograms are drawn, and how many of them side by side


@dataclass
class Contents:
    """A data set, looked through.

    Attributes
    ----------
    files : list of Path
    pitches, lengths, sources, families, velocities : Counter
        Notes by MIDI pitch, by samples, and by the numbers in their records; velocity None is unknown.
    peaks : list of float
        The loudest sample of each note, 0 to 1.
    silent, clipped : list of str
        Notes without any sound, and with 3 samples or more at full scale in a row.
    examples : list of (str, Note)
        Some notes of different pitches, by name.
    """

    files: list
    pitches: Counter = field(default_factory=Counter)
    lengths: Counter = field(default_factory=Counter)
    sources: Counter = field(default_factory=Counter)
    families: Counter = field(default_factory=Counter)
    velocities: Counter = field(default_factory=Counter)
    peaks: list = field(default_factory=list)
    silent: list = field(default_factory=list)
    clipped: list = field(default_factory=list)
    examples: list = field(default_factory=list)

    @property
    def notes(self):
        """How many there are."""
        return len(self.peaks)


def look_through(paths):
    """Read a data set.

    Parameters
    ----------
    paths : str, Path or sequence of them
        As for `records.find`.

    Returns
    -------
    Contents

    Raises
    ------
    DatasetError
        When there are no files or notes, or a record is damaged.
    """
    files = records.find(paths)
    found = Contents(files)
    with progress(sum(map(records.count, files)), "note", "reading") as bar:
        for file in files:
            names = _names(file)
            for number, note in enumerate(records.read(file)):
                name, pitch = names[number] if number < len(names) else (None, None)
                if pitch != note.pitch:  # the list belongs to something else
                    name = note.note_str or f"record {number + 1}"
                    name += f" of {file.name}" if len(files) > 1 and not note.note_str else ""
                _take_in(found, name, note)
                bar.update()
    if not found.notes:
        raise DatasetError(f"{paths} holds no notes")
    found.examples = _spread(found.examples)
    return found


def _names(file):
    """(name, pitch) of each note from the ``meta.json`` beside it, which lists them in the same order."""
    try:
        meta = json.loads((file.parent / "meta.json").read_text(encoding="utf-8"))
        return [(name, entry["pitch"]) for name, entry in meta.items()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []


def _take_in(found, name, note):
    if len(found.examples) < PICTURES or all(other.pitch != note.pitch for _, other in found.examples):
        found.examples.append((name, note))
    found.pitches[note.pitch] += 1
    found.lengths[note.audio.size] += 1
    found.sources[note.instrument_source] += 1
    found.families[note.instrument_family] += 1
    found.velocities[note.velocity] += 1
    level = np.abs(note.audio)
    peak = float(level.max())
    found.peaks.append(peak)
    if not peak:
        found.silent.append(name)
    if peak >= FULL_SCALE and _longest_run(level >= FULL_SCALE) >= CLIPPED:
        found.clipped.append(name)


def _longest_run(flags):
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return (edges[1::2] - edges[::2]).max(initial=0)


def _spread(examples):
    """At most as many as are drawn, of pitches that lie as far apart as possible, rising."""
    first = {example[1].pitch: example for example in reversed(examples)}
    if len(first) > PICTURES:
        pitches = sorted(first)
        return [first[pitches[place]] for place in np.linspace(0, len(pitches) - 1, PICTURES).round().astype(int)]
    more = [example for example in examples if all(example is not other for other in first.values())]
    return sorted([*first.values(), *more][:PICTURES], key=lambda example: example[1].pitch)


# In words


def described(found):
    """A data set in words.

    Parameters
    ----------
    found : Contents

    Yields
    ------
    (str, str)
        What, and a line about it.
    """
    size = sum(file.stat().st_size for file in found.files)
    where = str(found.files[0]) if len(found.files) == 1 else f"{len(found.files)} files in {found.files[0].parent}"
    yield "data set", f"{where}, {size / 1e6:.1f} MB"
    yield "notes", str(found.notes)
    lengths = sorted(found.lengths)
    seconds = " to ".join(f"{length / SAMPLE_RATE:.4g}" for length in dict.fromkeys((lengths[0], lengths[-1])))
    yield "length", f"{seconds} s at {SAMPLE_RATE} Hz"
    yield "pitches", f"{len(found.pitches)}: {ranges(found.pitches)}"
    most = max(found.pitches.values())
    for pitch, count in sorted(found.pitches.items()):
        yield "", f"{pitch:3} {'#' * max(1, round(count / most * BAR)):{BAR}} {count}"
    heard = [peak for peak in found.peaks if peak]
    if heard:
        low, middle, high = (audio.decibels(float(value)) for value in np.percentile(heard, (0, 50, 100)))
        yield "levels", (f"peaks {low:.1f} to {high:.1f} dB, half of them above {middle:.1f}"
                         if f"{low:.1f}" != f"{high:.1f}" else f"all peaks at {high:.1f} dB")
    yield "silent", _some(found.silent)
    yield "clipped", _some(found.clipped)
    yield "sources", _counts(found.sources, SOURCES)
    yield "families", _counts(found.families, FAMILIES)
    if set(found.velocities) != {None}:
        known = sorted(velocity for velocity in found.velocities if velocity is not None)
        unknown = [f"unknown ({found.velocities[None]})"] if None in found.velocities else []
        yield "velocities", ", ".join([f"{velocity} ({found.velocities[velocity]})" for velocity in known] + unknown)


def _some(names):
    if not names:
        return "none"
    return f"{len(names)}: {', '.join(names[:NAMED])}{' ...' if len(names) > NAMED else ''}"


def _counts(counter, names):
    return ", ".join(f"{names[number] if 0 <= number < len(names) else number} ({count})"
                     for number, count in sorted(counter.items()))


# In pictures


def draw(found, path):
    """A data set as a page: notes by pitch, length and level, and spectrograms of some.

    Parameters
    ----------
    found : Contents
    path : str or Path
        The PNG; replaced when it exists.

    Raises
    ------
    EngineError
        When matplotlib or librosa is missing.
    PdbridgeError
        When it cannot be written.
    """
    plotting.need_extra()
    from matplotlib import image

    names, notes = zip(*found.examples, strict=True)
    titles = [f"{name} (pitch {note.pitch})" for name, note in zip(names, notes, strict=True)]
    spectrograms = plotting.page([note.audio for note in notes], titles, SAMPLE_RATE, "spectrogram", COLUMNS)
    parts = [plotting.pixels(_charts(found, spectrograms.get_figwidth())), plotting.pixels(spectrograms)]
    with written_whole(path) as temporary:
        image.imsave(temporary, np.concatenate(parts), format="png")


def _charts(found, width):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 3.2 if width > 8 else 8), dpi=plotting.DPI, layout="constrained")
    FigureCanvasAgg(figure)
    pitches, lengths, levels = figure.subplots(*((1, 3) if width > 8 else (3, 1)))
    pitches.bar(list(found.pitches), list(found.pitches.values()), color=plotting.WAVE_COLOUR)
    pitches.set_xlabel("pitch (MIDI)")
    seconds = np.array(list(found.lengths)) / SAMPLE_RATE
    lengths.hist(seconds, bins=np.linspace(0, max(4.0, seconds.max()) * 1.05, 43),
                 weights=list(found.lengths.values()), color=plotting.WAVE_COLOUR)
    lengths.set_xlabel("length (s)")
    quietest = -60
    decibels = [max(audio.decibels(peak), quietest) for peak in found.peaks]
    levels.hist(decibels, bins=np.linspace(quietest, 1, 62), color=plotting.WAVE_COLOUR)
    levels.set_xlabel(f"peak (dB; silent notes at {quietest})")
    pitches.xaxis.get_major_locator().set_params(integer=True)
    for axes in (pitches, lengths, levels):
        axes.set_ylabel("notes")
        axes.yaxis.get_major_locator().set_params(integer=True)
    figure.suptitle(f"{found.files[0] if len(found.files) == 1 else found.files[0].parent}: {found.notes} notes, "
                    f"{len(found.silent)} silent, {len(found.clipped)} clipped", parse_math=False)
    return figure
