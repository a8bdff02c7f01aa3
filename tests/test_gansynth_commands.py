"""``pdbridge gansynth``: hallucinations, random notes and MIDI files, as files."""

import itertools
import re
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from full_disk import files_end_at

from pdbridge import cli, latent
from pdbridge.gansynth import clips, hallucination
from pdbridge.gansynth import notes as over_time
from pdbridge.gansynth.ganspace import GANSpace
from pdbridge.gansynth.model import GANSynth
from pdbridge.midifile import read_midi
from pdbridge.places import BUILT_IN_MODEL

GOLDENS = Path(__file__).parent / "data" / "gansynth"
CHECKPOINT = GOLDENS / "ckpt_public"
COMPONENTS = GOLDENS / "public_conv0_ipca_768.pickle"
SONG = GOLDENS / "golden_test.mid"
RATE = 16000
GENERATE = "gansynth", "generate", "--ckpt_dir", "any"
HALLUCINATE = "gansynth", "hallucinate", "--ckpt_dir", "any"


@pytest.fixture(scope="module")
def model():
    return GANSynth.load(CHECKPOINT)


class Tones:
    """Makes a sine of the note's pitch, and keeps what it was asked for; may be interrupted at a note."""

    pitches = tuple(range(24, 85))
    latent_size, sample_rate, note_length = 256, RATE, 64000

    def __init__(self, interrupted_at=None):
        self.asked, self.samples_made, self.interrupted_at = [], 0, interrupted_at

    def stream(self, z, pitch, offsets=None, layers=None):
        if len(self.asked) == self.interrupted_at:
            raise KeyboardInterrupt
        self.asked.append((np.array(z), pitch))
        tone = np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * np.arange(64000) / RATE)
        for piece in np.split(tone.astype(np.float32), 10):
            self.samples_made += len(piece)
            yield piece

    def synthesize(self, z, pitches, offsets=None):
        return np.stack([np.concatenate(list(self.stream(z, pitch, offsets))) for pitch in pitches])


@pytest.fixture
def tones(monkeypatch):
    model = Tones()
    monkeypatch.setattr(clips, "_loaded", lambda name: model)
    return model


def run(*words):
    """A command in this process: its exit code."""
    return cli.main([str(word) for word in words])


def said(capsys):
    """Our own lines on stderr, without progress bars."""
    return [line for line in re.split(r"[\r\n]", capsys.readouterr().err) if line.startswith("pdbridge: ")]


def sound(path):
    samples, rate = soundfile.read(path, dtype="float32")
    info = soundfile.info(path)
    assert (rate, samples.ndim, info.subtype) == (RATE, 1, "FLOAT")
    return samples


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def song(path, tracks):
    """A MIDI file of tracks: names, and notes of a beat (0.5 s) as (start in beats, pitch, channel)."""
    file = mido.MidiFile(ticks_per_beat=480)
    for name, notes in tracks:
        track = file.add_track(name)
        for (start, pitch, channel), (previous, *_) in zip(notes, [(-1,), *notes], strict=False):
            track.append(mido.Message("note_on", note=pitch, channel=channel, velocity=100,
                                      time=480 * (start - previous - 1)))
            track.append(mido.Message("note_off", note=pitch, channel=channel, time=480))
    file.save(path)
    return path


# Hallucinations


def test_a_hallucination_is_the_mix_of_its_whole_notes(model, tmp_path, capsys):
    settings = "--spacing", 0.3, "--start_trim", 0.1, "--attack", 0.2, "--sustain", 0.3, "--release", 0.4
    assert run("gansynth", "hallucinate", "--ckpt_dir", CHECKPOINT, tmp_path / "h.wav", "--points", 2,
               "--interpolation-steps", 2, "--seed", 5, "--pitch", 40, *settings) == 0
    z = hallucination.interpolate_z(latent.random_z(2, 256, 5), 2)
    mixer = hallucination.Mixer(hallucination.Settings(0.3, 0.1, 0.2, 0.3, 0.4), 4, RATE)
    for index, wave in enumerate(model.synthesize(z, 40)):
        mixer.add(index, wave)
    np.testing.assert_allclose(sound(tmp_path / "h.wav"), mixer.normalised(), atol=1e-5)
    assert capsys.readouterr().out == f"5 s in {tmp_path / 'h.wav'}\n"


def test_no_note_is_rendered_twice_or_further_than_it_is_heard(tones, tmp_path):
    assert run(*HALLUCINATE, tmp_path / "h.wav", "--points", 3, "--interpolation_steps", 2, "--seed", 1) == 0
    assert len(tones.asked) == 5  # of seven sounds, of which two are as the ones before
    assert tones.samples_made == 5 * 25600  # of 64000: the slices that hold 1.5 s
    assert {pitch for _, pitch in tones.asked} == {32}


def test_the_same_seed_makes_the_same_hallucination(tones, tmp_path, capsys):
    for number, seed in enumerate((3, 3, 4)):
        run(*HALLUCINATE, tmp_path / f"{number}.wav", "--points", 2, "--seed", seed)
    first, same, other = (np.array([z for z, _ in tones.asked[start:start + 11]]) for start in (0, 11, 22))
    assert np.array_equal(first, same) and not np.array_equal(first, other)
    run(*HALLUCINATE, tmp_path / "drawn.wav", "--points", 2)
    assert re.search(r"12 sounds at pitch 32, seed \d+$", said(capsys)[-1])


def test_a_model_without_pitch_32_hallucinates_at_the_nearest(tones, tmp_path):
    tones.pitches = (40, 60)
    assert run(*HALLUCINATE, tmp_path / "h.wav", "--points", 1) == 0
    assert tones.asked[0][1] == 40


def test_without_a_checkpoint_the_built_in_model_is_taken_and_a_missing_one_is_named(tmp_path, capsys):
    assert cli.parser().parse_args(["gansynth", "hallucinate", "h.wav"]).ckpt_dir == BUILT_IN_MODEL
    assert run("gansynth", "hallucinate", tmp_path / "h.wav", "--ckpt_dir", tmp_path / "none") == 1
    assert "there is no model folder" in said(capsys)[0]


@pytest.mark.parametrize(("words", "line"), [
    (["h.mp3"], "the name must end in .wav"),
    (["none/h.wav"], "is not a folder; make it first"),
    (["~nobody-of-this-name/h.wav"], "is not a folder; make it first"),
    (["h.wav", "--spacing", "99"], "spacing should be 0 to 60 s, not 99"),
    (["h.wav", "--attack", "0", "--sustain", "0", "--release", "0"], "nothing would be heard"),
    (["h.wav", "--points", "5000"], "a hallucination of 54990 sounds is too long"),
])
def test_what_cannot_be_hallucinated_is_one_line(tones, tmp_path, monkeypatch, capsys, words, line):
    monkeypatch.chdir(tmp_path)
    assert run(*HALLUCINATE, *words) == 1
    assert line in said(capsys)[0]
    assert not tones.asked and not names(tmp_path)


@pytest.mark.parametrize("words", [
    ["--points", "0"], ["--points", "x"], ["--interpolation_steps", "-1"], ["--release", "-1"],
    ["--release", "nan"], ["--seed", "-1"], ["--pitch", "128"]])
def test_impossible_options_end_with_2(tmp_path, words):
    with pytest.raises(SystemExit) as ended:
        run(*HALLUCINATE, tmp_path / "h.wav", *words)
    assert ended.value.code == 2


# Random notes


def test_random_notes_are_as_the_model_makes_them(model, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(clips, "_loaded", lambda name: model)
    assert run(*GENERATE, "--output_dir", tmp_path / "new" / "o", "--batch_size", 2, "--seed", 7, "--pitch", 50,
               "--edits_file", COMPONENTS, "--edits=-1.5,2") == 0
    offset = {"conv0": GANSpace.load(COMPONENTS).plain_offset([-1.5, 2])}
    waves = model.synthesize(np.random.RandomState(7).standard_normal((2, 256)), 50, offsets=offset)
    for number, wave in enumerate(waves):
        np.testing.assert_array_equal(sound(tmp_path / "new" / "o" / f"generated_{number}.wav"), wave)
    assert capsys.readouterr().out == f"2 notes in {tmp_path / 'new' / 'o'}\n"


def test_there_are_eight_random_notes_of_known_pitches(tones, tmp_path, capsys):
    tones.pitches = (40, 41, 50)
    assert run(*GENERATE, "--output_dir", tmp_path, "--seed", 1) == 0
    assert names(tmp_path) == [f"generated_{number}.wav" for number in range(8)]
    pitches = [pitch for _, pitch in tones.asked]
    assert set(pitches) == {40, 41, 50}
    assert said(capsys) == [f"pdbridge: 8 notes, pitches {', '.join(map(str, pitches))}, seed 1"]


# MIDI files


def test_a_clip_is_the_mix_of_its_whole_notes(model, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(clips, "_loaded", lambda name: model)
    assert run(*GENERATE, "--output_dir", tmp_path, "--midi_file", SONG, "--secs_per_instrument", 4,
               "--seed", 3, "--edits_file", COMPONENTS, "--edits", "1", "--drums", "--strict") == 0
    notes = [note for note in read_midi(SONG).notes if note.pitch <= 84]
    end_s = 14.500909090909092
    z = over_time.z_over_time([note.start_s for note in notes], over_time.random_instruments(3, 256, 3),
                              np.linspace(-0.0001, end_s, 3))
    offset = {"conv0": GANSpace.load(COMPONENTS).plain_offset([1])}
    clip = over_time.Clip(end_s, RATE)
    for note, wave in zip(notes, model.synthesize(z, [note.pitch for note in notes], offset), strict=True):
        clip.add(note, wave)
    np.testing.assert_allclose(sound(tmp_path / "generated_clip.wav"), clip.normalised(), atol=1e-5)
    assert said(capsys) == ["pdbridge: 1 note is left out; the model knows the pitches 24 to 84",
                            "pdbridge: 3 timbres over 14.5 s, seed 3"]


def test_drums_are_left_out_and_pitches_transposed_each_in_a_line(tones, tmp_path, capsys):
    assert run(*GENERATE, "--output_dir", tmp_path, "--midi_file", SONG, "--seed", 3) == 0
    assert [pitch for _, pitch in tones.asked] == [72, 64, 60, 35, 36, 73, 24, 84, 55, 50]
    printed = capsys.readouterr()
    assert printed.out == f"generated_clip.wav in {tmp_path}: 10 notes, 17 s\n"
    lines = [line for line in re.split(r"[\r\n]", printed.err) if line.startswith("pdbridge")]
    assert lines == ["pdbridge: 1 drum note is left out (--drums plays them)",
                     "pdbridge: 1 note is transposed by octaves; the model knows the pitches 24 to 84",
                     "pdbridge: 2 timbres over 14.5 s, seed 3"]


def test_stems_are_the_tracks_and_sum_to_the_clip(tones, tmp_path):
    path = song(tmp_path / "song.mid", [
        ("Flute", [(0, 60, 0), (1, 64, 0)]), ("empty", []), ("../Left/Right", [(1, 67, 1)]),
        ("Kit", [(0, 36, 9)]), ("Flute", [(2, 40, 0)])])
    out = tmp_path / "out"
    assert run(*GENERATE, "--output_dir", out, "--midi_file", path, "--stems", "--seed", 1) == 0
    assert names(out) == ["generated_clip.wav", "generated_clip_1_Flute.wav", "generated_clip_3_Left_Right.wav",
                          "generated_clip_5_Flute.wav"]
    clip, *stems = (sound(out / name) for name in names(out))
    np.testing.assert_allclose(sum(stems), clip, atol=1e-6)
    assert np.abs(clip).max() == pytest.approx(0.5)
    for stem, starts in zip(stems, ([0], [0.5], [1]), strict=True):
        assert np.flatnonzero(stem)[0] / RATE == pytest.approx(starts[0], abs=0.001)
    assert run(*GENERATE, "--output_dir", tmp_path / "alone", "--midi_file", path, "--seed", 1) == 0
    assert (tmp_path / "alone" / "generated_clip.wav").read_bytes() == (out / "generated_clip.wav").read_bytes()


def test_named_timbres_are_passed_through(tones, tmp_path):
    z = latent.random_z(2, 256, seed=1)
    for name, values in zip("ab", z, strict=True):
        np.save(tmp_path / f"{name}.npy", values)
    path = song(tmp_path / "song.mid", [("", [(beat, 60, 0) for beat in range(9)])])
    assert run(*GENERATE, "--output_dir", tmp_path, "--midi_file", path, "--instruments",
               f"{tmp_path / 'a.npy'},{tmp_path / 'b.npy'}") == 0
    heard = [values for values, _ in tones.asked]
    np.testing.assert_allclose(heard[0], z[0], atol=2e-3)  # a tenth of a millisecond after it
    to_b = [np.linalg.norm(values - z[1]) for values in heard]
    assert all(later < earlier for earlier, later in itertools.pairwise(to_b))


def test_a_clip_shorter_than_two_timbres_is_made(tones, tmp_path, capsys):
    path = song(tmp_path / "song.mid", [("", [(0, 60, 0)])])
    assert run(*GENERATE, "--output_dir", tmp_path, "--midi_file", path, "--seed", 1) == 0
    assert said(capsys) == ["pdbridge: 2 timbres over 0.5 s, seed 1"]
    assert np.isfinite(sound(tmp_path / "generated_clip.wav")).all()


@pytest.mark.parametrize(("tracks", "words", "line"), [
    ([("", [])], [], "song.mid holds no notes"),
    ([("", [(0, 40, 9)])], [], "song.mid holds only drums, which --drums plays"),
    ([("", [(0, 10, 0)])], ["--strict"], "this model knows none of the pitches 10; it knows 24 to 84"),
    ([("", [(0, 60, 0)])], ["--instruments", "gone.npy"], "the timbre gone.npy cannot be read"),
    ([("", [(0, 60, 0)])], ["--edits_file", "gone.npz", "--edits", "1"], "gone.npz"),
    ([("", [(0, 60, 0), (7000, 60, 0)])], ["--secs_per_instrument", "0.01"], "10000 are the most"),
    ([("", [(8000, 60, 0)])], [], "song.mid lasts 67 minutes; an hour is the most"),
])
def test_what_cannot_be_played_is_one_line(tones, tmp_path, monkeypatch, capsys, tracks, words, line):
    monkeypatch.chdir(tmp_path)
    song(tmp_path / "song.mid", tracks)
    assert run(*GENERATE, "--output_dir", tmp_path / "out", "--midi_file", "song.mid", *words) == 1
    assert line in said(capsys)[-1]
    assert not tones.asked and not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize("words", [
    ["--stems"], ["--drums"], ["--strict"], ["--secs_per_instrument", "3"], ["--instruments", "a.npy"],
    ["--midi_file", "f.mid", "--pitch", "3"], ["--midi_file", "f.mid", "--instruments", "a.npy", "--seed", "1"],
    ["--edits", "1,2"], ["--edits_file", "f"], ["--edits_file", "f", "--edits", "1,nan"],
    ["--batch_size", "0"],
    ["--midi_file", "f.mid", "--instruments", "a.npy,,"],
    ["--midi_file", "f.mid", "--secs_per_instrument", "0"]])
def test_contradicting_options_end_with_2(tmp_path, words):
    with pytest.raises(SystemExit) as ended:
        run(*GENERATE, "--output_dir", tmp_path, *words)
    assert ended.value.code == 2


# Files that are there, and work that is stopped


def commands(folder):
    return {"h.wav": (*HALLUCINATE, folder / "h.wav", "--points", 2, "--interpolation_steps", 0),
            "generated_1.wav": (*GENERATE, "--output_dir", folder, "--batch_size", 2),
            "generated_clip.wav": (*GENERATE, "--output_dir", folder, "--midi_file", SONG, "--stems"),
            "generated_clip_track_3.wav": (*GENERATE, "--output_dir", folder, "--midi_file", SONG, "--stems")}


@pytest.mark.parametrize("name", commands(Path()))
def test_files_that_are_there_are_replaced_only_with_overwrite(tones, tmp_path, capsys, name):
    (tmp_path / name).write_text("mine")
    command = commands(tmp_path)[name]
    assert run(*command) == 1
    assert said(capsys)[-1] == f"pdbridge: {tmp_path / name} exists already; --overwrite makes it again"
    assert not tones.asked and (tmp_path / name).read_text() == "mine"
    assert run(*command, "--overwrite") == 0
    assert sound(tmp_path / name).any()


@pytest.mark.parametrize("name", commands(Path()))
def test_a_folder_in_the_place_of_a_file_is_said_before_any_work(tones, tmp_path, capsys, name):
    (tmp_path / name).mkdir()
    assert run(*commands(tmp_path)[name], "--overwrite") == 1
    assert said(capsys)[-1] == f"pdbridge: {tmp_path / name} is a folder; the file needs another name"
    assert not tones.asked


@pytest.mark.parametrize("name", ["h.wav", "generated_clip.wav"])
def test_ctrl_c_leaves_nothing_half_made(tones, tmp_path, name):
    tones.interrupted_at = 1
    assert run(*commands(tmp_path)[name]) == 130
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["h.wav", "generated_1.wav", "generated_clip.wav"])
def test_a_full_disk_is_one_line_and_no_half_file(tones, tmp_path, capsys, name):
    with files_end_at(100_000):
        assert run(*commands(tmp_path)[name]) == 1
    assert "cannot be written" in said(capsys)[-1]
    assert names(tmp_path) == []
