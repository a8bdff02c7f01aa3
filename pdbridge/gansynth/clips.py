"""Sound files from a GANSynth: notes, hallucinations, MIDI files played by it, and sounds found in it.

What the commands of ``pdbridge gansynth`` do, after Magenta's program gansynth_generate and with its
file names. Notes are rendered one by one and no further than they are heard; each file is written when
it is done, whole or not at all.
"""

import itertools
import os
import re
import tempfile
from pathlib import Path

import numpy as np

from pdbridge import audio, latent
from pdbridge.errors import AudioError, ComponentsError, MidiFileError, PdbridgeError
from pdbridge.files import make_folder, written_whole
from pdbridge.gansynth import hallucination, matching
from pdbridge.gansynth import notes as over_time
from pdbridge.midifile import read_midi
from pdbridge.pitches import ranges
from pdbridge.pitchtracker import SURE
from pdbridge.progress import counted, progress, say
from pdbridge.silence import tensorflow_silenced

NOTE = "generated_{}.wav"
CLIP = "generated_clip.wav"
STEM = "generated_clip_{}.wav"
LONGEST_TRACK_NAME = 40  # characters of it in a file name


# Hallucinations


def hallucinate(model, path, points=10, interpolation_steps=10, settings=None, pitch=None, seed=None,
                overwrite=False):
    """Hallucinate into a WAV file.

    Parameters
    ----------
    model : str, Path or GANSynth
        A checkpoint folder, or a model that is loaded.
    path : str or Path
        The file; its name ends in ``.wav``.
    points, interpolation_steps : int
        Random timbres, and steps from one to the next; see `hallucination.interpolate_z`.
    settings : hallucination.Settings, optional
    pitch : int, optional
        Of all sounds; if left out, 32 as in the original, or what the model knows nearest to it.
    seed : int, optional
        The same seed makes the same hallucination; if left out, one is drawn, and said.
    overwrite : bool
        Replace a file that is there.

    Returns
    -------
    float
        Seconds of the hallucination.

    Raises
    ------
    PdbridgeError
        When it cannot be made; the file is as it was then.
    """
    path = Path(os.path.expanduser(path))
    if path.suffix.lower() != ".wav":
        raise AudioError(f"{path}: the name must end in .wav")
    _check_free([path], overwrite)
    if not path.parent.is_dir():
        raise AudioError(f"{path.parent} is not a folder; make it first")
    settings = settings or hallucination.Settings()
    seed = _seed(seed)
    # Before TensorFlow is loaded, what does not need it: are there too many sounds?
    hallucination.interpolate_z(np.broadcast_to(np.float32(0), (points, 1)), interpolation_steps)
    model = _loaded(model)
    if pitch is None:
        pitch = hallucination.nearest_pitch(model.pitches)
    z = hallucination.interpolate_z(latent.random_z(points, model.latent_size, seed), interpolation_steps)
    mixer = hallucination.Mixer(settings, len(z), model.sample_rate, model.note_length)
    needed = len(settings.envelope(model.sample_rate))
    say(f"pdbridge: {counted(len(z), 'sound')} at pitch {pitch}, seed {seed}")
    with progress(len(z), "sound", "rendering") as bar:
        for index in range(len(z)):
            if not hallucination.sounds_again(z, index):
                sound = over_time.beginning(model, z[index], pitch, needed)
            mixer.add(index, sound)
            bar.update()
    audio.write_wav(path, mixer.normalised(), model.sample_rate)
    return mixer.length / model.sample_rate


# Notes


def generate_notes(model, folder, count=8, pitch=None, seed=None, components=None, edits=None, overwrite=False):
    """Make random notes: ``generated_<i>.wav``, whole and as loud as the model makes them.

    Parameters
    ----------
    model : str, Path or GANSynth
    folder : str or Path
        Made if need be.
    count : int
        How many.
    pitch : int, optional
        Of all; if left out, each has one of the model's pitches, all equally likely. (The original
        takes more often what was more frequent in training.)
    seed : int, optional
        The same seed makes the same notes; if left out, one is drawn, and said.
    components, edits : str, list of float, optional
        A GANSpace file, and what to add along its components.
    overwrite : bool
        Replace files that are there.

    Returns
    -------
    int
        Files made.

    Raises
    ------
    PdbridgeError
    """
    folder = Path(os.path.expanduser(folder))
    paths = [folder / NOTE.format(number) for number in range(count)]
    _check_free(paths, overwrite)
    make_folder(folder)
    offsets = _offsets(components, edits)
    seed = _seed(seed)
    model = _loaded(model)
    random = np.random.RandomState(seed)
    z = random.standard_normal((count, model.latent_size))
    pitches = random.choice(model.pitches, count) if pitch is None else np.full(count, pitch)
    say(f"pdbridge: {counted(count, 'note')}, pitches {', '.join(map(str, pitches))}, seed {seed}")
    with progress(count, "note", "rendering") as bar:
        for path, values, note_pitch in zip(paths, z, pitches.tolist(), strict=True):
            samples, = model.synthesize(values, [note_pitch], offsets=offsets)
            audio.write_wav(path, samples, model.sample_rate)
            bar.update()
    return count


# MIDI files


def generate_clip(midi_file, model, folder, secs_per_instrument=6.0, seed=None, instruments=None, drums=False,
                  strict=False, stems=False, components=None, edits=None, overwrite=False):
    """Play a MIDI file: ``generated_clip.wav``, in timbres that change over time.

    Parameters
    ----------
    midi_file : str or Path
    model : str, Path or GANSynth
    folder : str or Path
        Made if need be.
    secs_per_instrument : float
        From one random timbre to the next, roughly.
    seed : int, optional
        Of the timbres; the same seed makes the same clip. If left out, one is drawn, and said.
    instruments : list of str, optional
        ``.npy`` files with a z each: the timbres in place of random ones.
    drums : bool
        Play the notes of channel 10, too.
    strict : bool
        Leave notes out that the model does not know; otherwise they are transposed by octaves.
    stems : bool
        Write ``generated_clip_<track>.wav`` as well, one for each track. Together they are the clip.
    components, edits : str, list of float, optional
        A GANSpace file, and what to add along its components.
    overwrite : bool
        Replace files that are there.

    Returns
    -------
    notes : int
        How many were played.
    seconds : float
        Of the clip.

    Raises
    ------
    PdbridgeError
        When it cannot be made; files that are there are as they were then.
    """
    folder = Path(os.path.expanduser(folder))
    score = read_midi(midi_file)
    if score.unended:
        _say_of(score.unended, "note has no end; it is held", "notes have no end; they are held",
                "to the end of the track")
    notes = _without_drums(midi_file, score, drums)
    stem_paths = {track: folder / STEM.format(_file_name(score.tracks[track]))
                  for track in sorted({note.track for note in notes})} if stems else {}
    _check_free([folder / CLIP, *stem_paths.values()], overwrite)
    make_folder(folder)
    offsets = _offsets(components, edits)
    model = _loaded(model)
    notes = _playable(notes, model, strict)
    end_s = max(note.end_s for note in notes)
    z = _instruments(model, end_s, secs_per_instrument, seed, instruments)
    times = over_time.instrument_times(len(z), end_s)
    clip = over_time.Clip(end_s, model.sample_rate)
    try:
        with tempfile.TemporaryFile(dir=folder) as unscaled:  # the gain of stems is known at the end
            made = []
            with progress(len(notes), "note", "rendering") as bar:
                for track, of_track in itertools.groupby(notes, key=lambda note: note.track):
                    stem = over_time.Clip(end_s, model.sample_rate) if stems else None
                    for note in of_track:
                        _add(note, [clip, stem] if stems else [clip], model, z, times, offsets)
                        bar.update()
                    if stems:
                        unscaled.write(stem.mix.data)
                        made.append(track)
            _write_stems(unscaled, [stem_paths[track] for track in made], clip, model.sample_rate)
    except OSError as error:
        raise AudioError(f"{folder} cannot be written into: {error.strerror or error}") from None
    audio.write_wav(folder / CLIP, clip.normalised(), model.sample_rate)
    return len(notes), len(clip.mix) / model.sample_rate


def _add(note, clips, model, z, times, offsets):
    values, = over_time.z_over_time([note.start_s], z, times)
    needed = len(over_time.envelope(note.end_s - note.start_s, model.sample_rate))
    samples = over_time.beginning(model, values, note.pitch, needed, offsets)
    for clip in clips:
        clip.add(note, samples)


def _write_stems(unscaled, paths, clip, sample_rate):
    gain = np.float32(clip.gain)
    unscaled.seek(0)
    for path in paths:
        stem = np.frombuffer(unscaled.read(clip.mix.nbytes), np.float32)
        audio.write_wav(path, stem * gain, sample_rate)


def _without_drums(midi_file, score, drums):
    notes = [note for note in score.notes if drums or not note.is_drum]
    left_out = len(score.notes) - len(notes)
    if not notes:
        there_are = "only drums, which --drums plays" if left_out else "no notes"
        raise MidiFileError(f"{midi_file} holds {there_are}")
    if left_out:
        _say_of(left_out, "drum note is", "drum notes are", "left out (--drums plays them)")
    return notes


def _playable(notes, model, strict):
    notes, transposed, dropped = over_time.playable(notes, model.pitches, strict)
    known = f"the model knows the pitches {ranges(model.pitches)}"
    if transposed:
        _say_of(transposed, "note is", "notes are", f"transposed by octaves; {known}")
    if dropped:
        _say_of(dropped, "note is", "notes are", f"left out; {known}")
    return sorted(notes, key=lambda note: note.track)  # the order within a track stays


def _instruments(model, end_s, secs_per_instrument, seed, files):
    if files:
        return np.stack([latent.read_z(Path(os.path.expanduser(file)), model.latent_size) for file in files])
    seed = _seed(seed)
    count = over_time.instrument_count(end_s, secs_per_instrument)
    say(f"pdbridge: {count} timbres over {end_s:.1f} s, seed {seed}")
    return over_time.random_instruments(count, model.latent_size, seed)


def _file_name(track):
    return "_".join(re.findall(r"[\w-]+", track))[:LONGEST_TRACK_NAME]


def _say_of(number, one, many, more):
    say(f"pdbridge: {number} {one if number == 1 else many} {more}")


# Recordings


def match(path, out, model, pitch=None, seed=None, effort=None, overwrite=False):
    """Find a z whose note is near a recording, and render both beside it.

    Parameters
    ----------
    path : str or Path
        The recording: WAV, FLAC, AIFF or OGG.
    out : str or Path
        ``z.npy``, or another name that ends so. The note goes to ``z_note.wav``, as loud as the recording,
        and the recording as it was compared to ``z_target.wav``.
    model : str, Path or GANSynth
    pitch : int, optional
        MIDI, of the recording; if left out, it is detected, and said.
    seed : int, optional
        Of the random timbres that are heard first; if left out, one is drawn, and said.
    effort : matching.Effort, optional
    overwrite : bool
        Replace files that are there.

    Returns
    -------
    matching.Search
        Finished.

    Raises
    ------
    PdbridgeError
        When nothing can be looked for; files that are there are as they were then.
    """
    path, out = Path(os.path.expanduser(path)), Path(os.path.expanduser(out))
    if out.suffix.lower() != ".npy":
        raise PdbridgeError(f"{out}: the name must end in .npy")
    note_path, target_path = (out.with_name(f"{out.stem}_{made}.wav") for made in ("note", "target"))
    _check_free([out, note_path, target_path], overwrite)
    if any(made.exists() and path.exists() and made.samefile(path) for made in (note_path, target_path)):
        raise PdbridgeError(f"{path} would be overwritten; --out needs another name")
    if not out.parent.is_dir():
        raise PdbridgeError(f"{out.parent} is not a folder; make it first")
    samples, rate = matching.read_recording(path)
    if pitch is None:
        pitch, confidence = matching.heard_pitch(path)
        unsure = "" if confidence >= SURE else "; name it with --pitch if that is wrong"
        say(f"pdbridge: {path}: pitch {pitch}, confidence {confidence:.2f}{unsure}")
    seed = _seed(seed)
    model = _loaded(model)
    recording, semitones = matching.recording_for(samples, rate, pitch, model.sample_rate, model.pitches,
                                                  model.note_length)
    if recording.pitch != pitch:
        say(f"pdbridge: the model knows the pitches {ranges(model.pitches)}; the recording is transposed to "
            f"{recording.pitch}")
    from pdbridge.gansynth.listening import Listener

    search = matching.Search(model.latent_size, seed, effort or matching.Effort())
    cents = 100 * (semitones - recording.pitch + pitch)
    say(f"pdbridge: compared at pitch {recording.pitch}, retuned by {cents:+.0f} cents, seed {seed}")
    with tensorflow_silenced():
        listener = Listener(model, recording)
        listener.warm_up()
    with progress(search.total, "step", "matching") as bar:
        while not search.finished:
            search.advance(listener)
            bar.set_postfix_str(f"distance {search.distance:.3f}", refresh=False)
            bar.update(search.done - bar.n)
    note = listener.note(search.best)
    audio.write_wav(target_path, listener.target, model.sample_rate)
    audio.write_wav(note_path, note * matching.gain_between(note, listener.target), model.sample_rate)
    with written_whole(out) as temporary:
        np.save(temporary, search.best)
    return search


# What all of them need


def _check_free(paths, overwrite):
    for path in paths:
        if path.is_dir():
            raise PdbridgeError(f"{path} is a folder; the file needs another name")
    there = [path for path in paths if path.exists()]
    if there and not overwrite:
        more = f", and {len(there) - 1} more" if len(there) > 1 else ""
        raise PdbridgeError(f"{there[0]} exists already{more}; --overwrite makes it again")


def _seed(seed):
    return int(np.random.SeedSequence().entropy % 2**32) if seed is None else seed


def _offsets(components, edits):
    """Layer offsets of GANSpace edits, without the components' deviations, as the original adds them."""
    if bool(components) != bool(edits):
        raise ComponentsError("edits need a file of components and values: --edits_file FILE --edits 1.5,-2")
    if not components:
        return None
    from pdbridge.gansynth.ganspace import GANSpace

    ganspace = GANSpace.load(components)
    return {ganspace.layer: ganspace.plain_offset(edits)}


def _loaded(model):
    if not isinstance(model, str | Path):
        return model
    from pdbridge.places import find_model

    folder = find_model(model)
    with tensorflow_silenced():
        from pdbridge.gansynth.model import GANSynth

        return GANSynth.load(folder)
