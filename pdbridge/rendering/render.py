"""Renders the grids of a project: encode, interpolate, decode, clean, pack.

The order of Open NSynth Super's scripts (Google, 2018). Every step looks first at what the project's
``work`` folder holds, so that a rendering can be stopped anywhere, by anything, and run again.
"""

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import pdbridge
from pdbridge.audio import read_sound
from pdbridge.errors import AudioError, EmbeddingError, EngineError, GridError
from pdbridge.notegrid import NoteGrid
from pdbridge.nsynth import mulaw
from pdbridge.pitches import ranges
from pdbridge.progress import progress
from pdbridge.rendering import cleaning, corners, project
from pdbridge.rendering.batches import Batch, Draw, Local
from pdbridge.rendering.work import Work, fingerprint, fingerprint_of_file

SAMPLE_RATE = 16000  # Hz, of NSynth
CHECKPOINT_S = 30.0  # how much work may be lost
ENCODED_AT_ONCE = 4  # sounds
PRECISIONS = ("float32", "bfloat16", "int8")


@dataclass(frozen=True)
class Note:
    """A note to be rendered.

    Attributes
    ----------
    name : str
        As Open NSynth Super calls it; random numbers depend on it.
    parts : tuple of (str, float)
        Sounds and their parts.
    pitch : int
    """

    name: str
    parts: tuple
    pitch: int


def plan(settings, sounds):
    """The notes of a grid.

    Parameters
    ----------
    settings : project.Project
    sounds : tuple of str
        Top left, top right, bottom left, bottom right.

    Returns
    -------
    list of Note
        In the order of the file: cells row by row, in each the pitches. Cells of the same parts have
        equal notes.
    """
    notes = []
    for weights in corners.WEIGHTS[settings.weights](settings.resolution):
        parts = corners.shares(sounds, np.round(weights, 12))  # alike on every processor
        for pitch in settings.pitches:
            notes.append(Note(corners.note_name(parts, pitch), tuple(sorted(parts.items())), pitch))
    return notes


def distinct(notes):
    """Notes without those that differ from another by less than the three decimals of their names.

    Parameters
    ----------
    notes : iterable of Note

    Returns
    -------
    dict of Note to Note
        For every note the one that is rendered.
    """
    first, chosen = {}, {}
    for note in notes:
        alike = tuple((sound, round(part, 3)) for sound, part in note.parts), note.pitch
        chosen[note] = first.setdefault(alike, note)
    return chosen


def render(folder, model, model_name="", precision="float32", engine="local", scheduler=None, batch_size=None,
           draw=None, weights=None, compat=None, checkpoint_s=CHECKPOINT_S, say=print):
    """Render the grids of a project with an NSynth.

    Parameters
    ----------
    folder : str or Path
        The project.
    model : pdbridge.nsynth.model.NSynth
    model_name : str
        Its path; kept in the settings of the grid, and where workers of a cluster load it from.
    precision : str
        "float32", "bfloat16" or "int8".
    engine : str
        "local", or "dask" with a `scheduler`.
    scheduler : str, optional
        Address of a Dask scheduler.
    batch_size : int, optional
        Notes at a time. Left out: what is fastest and fits into memory.
    draw : Draw, optional
        Seed and temperature.
    weights, compat : optional
        In place of those in the settings.
    checkpoint_s : float
        How many seconds of work may be lost when the process is killed.
    say : callable
        Takes lines about what is done.

    Returns
    -------
    list of Path
        The grids.

    Raises
    ------
    PdbridgeError
        Sounds, settings, engine or disk; whatever is done so far is kept.
    """
    settings = project.read(folder).overridden(weights=weights, compat=compat)
    if settings.pads is None:
        kind = "GANSynth" if settings.instruments is None else "SING"
        raise GridError(f"{folder} was made for a {kind}, there are no sounds in its settings; "
                        "pdbridge grid prepare makes a project for NSynth")
    files = project.files_of(settings)
    project.check_readable(files.values())
    with Work(settings.folder / "work") as work:
        rendering = _Rendering(work, settings, files, model, model_name, precision, draw or Draw(), say)
        to_do = rendering.notes_to_do()
        rendering.check_room(to_do)
        if to_do:
            with closing(_engine(engine, scheduler, model, model_name, precision, checkpoint_s)) as engine:
                rendering.encode(to_do)
                rendering.decode(to_do, engine, batch_size, checkpoint_s)
        paths = [rendering.pack(sounds) for sounds in rendering.grids]
        rendering.tidy()
    return paths


def _engine(engine, scheduler, model, model_name, precision, checkpoint_s):
    if engine == "local":
        if scheduler:
            raise EngineError("--scheduler goes with --engine dask")
        return Local(model, precision)
    if engine != "dask":
        raise EngineError(f"there is no engine {engine}; there are local and dask")
    if not scheduler:
        raise EngineError("--engine dask needs the address of a scheduler, e.g. --scheduler tcp://localhost:8786")
    from pdbridge.rendering.cluster import Cluster

    return Cluster(scheduler, model_name, model.fingerprint, precision, checkpoint_s)


class _Rendering:
    """One project, one model, and what was done with them so far."""

    def __init__(self, work, settings, files, model, model_name, precision, draw, say):
        self.work, self.settings, self.files = work, settings, files
        self.model, self.model_name, self.precision = model, model_name, precision
        self.draw, self.say = draw, say
        self.frames = settings.sample_length // model.hop
        self.samples = self.frames * model.hop
        self.prints = {note: fingerprint_of_file(path) for note, path in files.items()}
        self.embeddings = {}  # float32 [frames, channels] by sound and pitch
        combinations = corners.combinations(settings.pads, settings.compat)
        grids = {sounds: plan(settings, sounds) for sounds in combinations}
        chosen = distinct(note for notes in grids.values() for note in notes)
        self.grids = {sounds: [chosen[note] for note in notes] for sounds, notes in grids.items()}
        self.notes = list(dict.fromkeys(chosen.values()))

    # What things are made from

    def embedding_from(self, sound, pitch):
        return {"sound": self.prints[sound, pitch], "model": self.model.fingerprint, "frames": self.frames}

    def note_from(self, note):
        return {"name": note.name, "precision": self.precision, "seed": self.draw.seed,
                "temperature": self.draw.temperature,
                "parts": [[part, self.embedding_from(sound, note.pitch)] for sound, part in note.parts]}

    def key(self, note):
        return fingerprint(self.note_from(note))

    def origin(self, sounds):
        settings = self.settings
        made_from = {"notes": [self.key(note) for note in self.grids[sounds]], "length": settings.length,
                     "peak_db": settings.peak_db, "loop": settings.loop, "compat": settings.compat}
        return {"made_by": f"pdbridge {pdbridge.__version__}", "model": Path(self.model_name).name,
                "checkpoint": self.model.fingerprint, "precision": self.precision, "seed": self.draw.seed,
                "temperature": self.draw.temperature, "weights": settings.weights, "compat": settings.compat,
                "made_from": fingerprint(made_from)}

    # What is done already

    def codes(self, note):
        """uint8 [samples], or None."""
        arrays = self.work.load("notes", note.name, self.note_from(note))
        codes = arrays.get("codes") if arrays else None
        return codes if codes is not None and codes.shape == (self.samples,) else None

    def notes_to_do(self):
        return [note for note in self.notes if self.codes(note) is None]

    def check_room(self, to_do):
        settings = self.settings
        cells = settings.resolution ** 2
        missing = sum(not is_there(self.path(sounds), self.origin(sounds)) for sounds in self.grids)
        needed = (missing * cells * len(settings.pitches) * settings.length * 2
                  + len(to_do) * (self.samples + 2048)  # with names and the like
                  + 2 * min(len(to_do), 256) * self.samples  # batches under way, old and new
                  + bool(to_do) * len(self.files) * (self.frames * self.model.channels * 4 + 2048))
        check_room(self.work, settings.folder, needed)
        grids = "1 grid" if len(self.grids) == 1 else f"{len(self.grids)} grids"
        self.say(f"{grids} of {settings.resolution} x {settings.resolution} cells, "
                 f"pitches {ranges(settings.pitches)}: {len(self.notes)} notes, "
                 f"{len(to_do)} of them to be rendered"
                 + (f"; takes {in_bytes(needed)} of disk" if needed else ""))

    # Sounds to embeddings

    def encode(self, notes):
        """Make or find the embeddings that these notes need."""
        missing = []
        for sound, pitch in dict.fromkeys((sound, note.pitch) for note in notes for sound, _ in note.parts):
            arrays = self.work.load("embeddings", f"{sound}_{pitch}", self.embedding_from(sound, pitch))
            if arrays and arrays["embedding"].shape == self.embedding_shape:
                self.embeddings[sound, pitch] = arrays["embedding"]
            else:
                missing.append((sound, pitch))
        if not missing:
            return
        done = len(self.embeddings)
        with progress(done + len(missing), "sound", "encoding", done) as bar:
            for first in range(0, len(missing), ENCODED_AT_ONCE):
                keys = missing[first:first + ENCODED_AT_ONCE]
                sounds = np.stack([self.sound(key) for key in keys])  # [count, samples]
                for key, embedding in zip(keys, np.asarray(self.model.encode(sounds)), strict=True):
                    self.check_embedding(embedding, self.files[key])
                    sound, pitch = key
                    self.work.save("embeddings", f"{sound}_{pitch}", self.embedding_from(sound, pitch),
                                   embedding=embedding)
                    self.embeddings[key] = embedding
                    bar.update(1)

    def sound(self, key):
        """The sound of a file, float32 [samples]; a shorter one is followed by silence."""
        path = self.files[key]
        samples = read_sound(path, SAMPLE_RATE)[:self.samples]
        if fingerprint_of_file(path) != self.prints[key]:  # by which it will be found
            raise AudioError(f"{path} was changed while it was read; run the same command again")
        if not samples.size:
            raise AudioError(f"{path} is empty")
        if not np.isfinite(samples).all():
            raise AudioError(f"{path} holds samples that are not finite numbers")
        return np.pad(samples, (0, self.samples - len(samples)))

    @property
    def embedding_shape(self):
        return self.frames, self.model.channels

    def check_embedding(self, embedding, path):
        if embedding.shape != self.embedding_shape:
            raise EmbeddingError(f"the embedding of {path} is {list(embedding.shape)}, "
                                 f"not {list(self.embedding_shape)}")
        if not np.isfinite(embedding).all():
            raise EmbeddingError(f"the embedding of {path} holds values that are not finite numbers; "
                                 "the checkpoint is damaged, or the sound is far too loud")

    def interpolated(self, note):
        """float32 [frames, channels]: the embeddings of the corners, weighed and added."""
        mixed = sum(part * self.embeddings[sound, note.pitch].astype(np.float64) for sound, part in note.parts)
        return mixed.astype(np.float32)

    # Embeddings to notes

    def batches(self, notes, size):
        """Batches of these notes with their notes; those that an earlier run began come first."""
        begun = {}  # codes by key of the note
        for _, made_from, arrays in self.work.all("under_way"):
            for key, codes in zip(made_from["notes"], arrays["codes"], strict=True):
                if key not in begun or len(codes) > len(begun[key]):
                    begun[key] = codes
        by_position = {}
        for note in notes:
            codes = begun.get(self.key(note), np.zeros(0, np.uint8))
            by_position.setdefault(len(codes), []).append((note, codes))
        batches = {}
        for position in sorted(by_position, reverse=True):
            group = by_position[position]
            for share in np.array_split(np.arange(len(group)), -(-len(group) // size)):
                members = [group[index][0] for index in share]
                batch = Batch([note.name for note in members], np.stack(list(map(self.interpolated, members))),
                              self.samples, np.stack([group[index][1] for index in share]))
                batches[batch] = members
        return batches

    def decode(self, notes, engine, size, checkpoint_s):
        """Decode notes, and keep them and what is under way."""
        batches = self.batches(notes, size or engine.fitting_batch(len(notes)))
        left = sum(len(batch) * (batch.length - batch.done) for batch in batches)
        total = len(self.notes) * self.samples
        self.say(f"decoding in batches of {max(map(len, batches))}: {engine.description}")
        saved = dict.fromkeys(batches, time.monotonic())
        with progress(total, "sample", "decoding", total - left) as bar:
            try:
                for batch, samples in engine.decode(list(batches), self.draw):
                    bar.update(samples * len(batch))
                    if batch.done == batch.length:
                        self.save_notes(batch, batches[batch])
                        del batches[batch]
                    elif time.monotonic() - saved[batch] >= checkpoint_s:
                        self.save_under_way(batch, batches[batch])
                        saved[batch] = time.monotonic()
            except KeyboardInterrupt:
                for batch, members in batches.items():
                    self.save_under_way(batch, members)
                raise

    def save_notes(self, batch, notes):
        for note, codes in zip(notes, batch.codes, strict=True):
            self.work.save("notes", note.name, self.note_from(note), codes=codes)
        self.work.path("under_way", "batch", self.under_way_from(notes)).unlink(missing_ok=True)

    def save_under_way(self, batch, notes):
        if batch.done:
            self.work.save("under_way", "batch", self.under_way_from(notes), codes=batch.codes)

    def under_way_from(self, notes):
        return {"notes": list(map(self.key, notes))}

    def tidy(self):
        """Forget what was under way and is done."""
        done = set(map(self.key, self.notes))
        for path, made_from, _ in list(self.work.all("under_way")):
            if done.issuperset(made_from["notes"]):
                path.unlink(missing_ok=True)

    # Notes to a grid

    def path(self, sounds):
        return self.settings.folder / f"{project.grid_name(sounds)}.bin"

    def pack(self, sounds):
        notes = self.grids[sounds]
        return pack(self.path(sounds), map(self.finished, notes), len(notes), self.settings, SAMPLE_RATE,
                    sounds, self.origin(sounds), self.say)

    def finished(self, note):
        """Codes to the note of a grid, int16 [length]."""
        codes = self.codes(note)
        if codes is None:
            raise GridError(f"{self.work.path('notes', note.name, self.note_from(note))} was damaged while "
                            "the grid was made; run the same command again")
        sound = cleaning.remove_clicks(mulaw.samples(codes))
        return cleaning.finish(sound, self.settings.length, self.settings.peak_db, self.settings.compat)


def check_room(work, folder, needed):
    """Say before hours of work that the disk is too full for them.

    Parameters
    ----------
    work : Work
    folder : Path
        The project, for the error.
    needed : int
        Bytes.

    Raises
    ------
    GridError
    """
    free = work.free()
    if needed > free:
        raise GridError(f"rendering takes {in_bytes(needed)} in {folder}, but only {in_bytes(free)} are free; "
                        "make room first")


def pack(path, notes, count, settings, sample_rate, names, origin, say=print):
    """Write a grid, unless exactly this one is there.

    Parameters
    ----------
    path : Path
        The ``.bin``.
    notes : iterable of int16 [length]
        In the order of the file.
    count : int
        How many.
    settings : project.Project
    sample_rate : int
        Hz.
    names : sequence of str
        Of the corners.
    origin : dict
        With what the grid is made from under "made_from".
    say : callable
        Takes lines about what is done.

    Returns
    -------
    Path

    Raises
    ------
    GridError, MessageError
        It cannot be written.
    """
    if is_there(path, origin):
        say(f"{path} is there already")
        return path
    silent = 0

    def counted():
        nonlocal silent
        for note in notes:
            silent += not note.any()
            yield note
            bar.update(1)

    with progress(count, "note", "packing") as bar:
        NoteGrid.write(path, counted(), settings.pitches, settings.resolution, settings.length, sample_rate,
                       names, settings.loop, origin)
    say(f"{path} is written: {in_bytes(path.stat().st_size)}"
        + (f"; {silent} of its {count} notes are silent" if silent else ""))
    return path


def is_there(path, origin):
    """Whether exactly this grid was written already (bool); `origin` is that of `pack`."""
    if not path.is_file() or not path.with_suffix(".json").is_file():
        return False
    try:
        with NoteGrid.open(path) as grid:
            return grid.origin.get("made_from") == origin["made_from"]
    except GridError:
        return False


def in_bytes(count):
    """A number of bytes as people say it (str)."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1e3:.0f} kB"
