"""``pdbridge dataset make`` and ``nsynth``: notes become the course's data.tfrecord and meta.json."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from full_disk import files_end_at

from pdbridge import cli
from pdbridge.errors import DatasetError, PdbridgeError
from pdbridge.training.datasets import assembly, recordings, records

LENGTH = 400  # samples of the notes here

META = """{
    "bass drum_36": {
        "instrument_str": "bass drum",
        "pitch": 36,
        "instrument_source": 0,
        "instrument_family": 0,
        "qualities": [
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0
        ]
    },
    "fl\\u00f6te_2_60": {
        "instrument_str": "fl\\u00f6te_2",
        "pitch": 60,
        "instrument_source": 0,
        "instrument_family": 0,
        "qualities": [
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0
        ]
    }
}"""


def sixteen_bits(seed=0, samples=LENGTH):
    made = np.random.default_rng(seed).integers(-32768, 32767, samples, dtype=np.int16)
    made[:3] = [-32768, 32767, 0][:samples]
    return made


def sound(path, samples=None, rate=16000, subtype="PCM_16", **how):
    soundfile.write(path, sixteen_bits() if samples is None else samples, rate, subtype=subtype, **how)
    return path


def examples(path):
    """What is in the records, as TensorFlow reads it."""
    return [tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(path))]


def expected(pitch, audio, source=0, family=0, qualities=(0,) * 10, **more):
    """The record that the course's program makes."""
    integers = {"pitch": [pitch], "instrument_source": [source], "instrument_family": [family],
                "qualities": qualities}
    features = {name: tf.train.Feature(int64_list=tf.train.Int64List(value=value))
                for name, value in integers.items()}
    features["audio"] = tf.train.Feature(float_list=tf.train.FloatList(value=(audio / 32767.0).tolist()))
    return tf.train.Example(features=tf.train.Features(feature={**features, **more}))


def said(capsys):
    lines = re.split(r"[\r\n]", capsys.readouterr().err)
    return [line for line in lines if line.startswith("pdbridge: ")]


def make(*options):
    return cli.main(["dataset", "make", *map(str, options), "--length", str(LENGTH)])


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "made" / "here"


# As the originals


def test_records_and_meta_are_those_of_the_courses_program(folder, tmp_path, capsys):
    sound(folder / "bass drum_36.wav", sixteen_bits(1))
    sound(folder / "flöte_2_060.WAV", sixteen_bits(2), format="WAV")
    (folder / "notes.txt").write_text("no sound")
    assert make(f"{folder}/") == 0
    assert "2 notes with pitches 36, 60 in " in capsys.readouterr().out
    made = tmp_path / "mine-train"
    assert sorted(path.name for path in made.iterdir()) == ["data.tfrecord", "meta.json"]
    assert (made / "meta.json").read_bytes() == META.encode("ascii")
    assert examples(made / "data.tfrecord") == [expected(36, sixteen_bits(1)), expected(60, sixteen_bits(2))]


@pytest.mark.parametrize("in_dir, out_dir", [("--in_dir", "--out_dir"), ("--in-dir", "--out-dir")])
def test_options_have_the_originals_names_and_hyphens(folder, out, in_dir, out_dir):
    sound(folder / "a_60.wav")
    assert make(in_dir, folder, out_dir, out, "--sample_rate", "16000") == 0
    assert len(examples(out / "data.tfrecord")) == 1


def test_the_folder_is_named_once(folder, capsys):
    for options in ([folder, "--in_dir", folder], []):
        with pytest.raises(SystemExit):
            make(*options)
    assert "IN_DIR is given twice" in capsys.readouterr().err


def test_notes_of_an_instrument_come_together(folder, out):
    for name in ("b_60", "a_61", "b_40", "a_2_50"):
        sound(folder / f"{name}.wav")
    assembly.make(folder, out, length=LENGTH)
    assert list(json.loads((out / "meta.json").read_text())) == ["a_2_50", "a_61", "b_40", "b_60"]
    assert [note.pitch for note in records.read(out)] == [50, 61, 40, 60]


def test_what_chop_and_pad_make_becomes_a_data_set(folder, out, tmp_path):
    soundfile.write(folder / "rain.flac", np.random.default_rng(0).uniform(-0.3, 0.3, 4410), 44100)
    recordings.chop(folder, tmp_path / "chopped", length=LENGTH, step=LENGTH, pitch=40)
    assembly.make(tmp_path / "chopped", out / "1", length=LENGTH)
    recordings.pad(folder, tmp_path / "padded", length=LENGTH)
    assembly.make(tmp_path / "padded", out / "2", length=LENGTH)
    assert records.survey(out / "1").pitches == {40: 4}
    assert records.survey(out / "2").pitches == {32: 1}


# Conversion


def test_other_formats_rates_and_channels_are_converted_and_that_is_said(folder, out, capsys):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(LENGTH * 3) / 48000)
    sound(folder / "a_60.flac", np.stack([tone, tone], axis=1), 48000, "PCM_24")
    sound(folder / "b_61.wav", tone[::3], 16000, "FLOAT")
    sound(folder / "c_62.aif", tone[::3], 16000, format="AIFF")
    sound(folder / "d_63.ogg", tone, 48000, "VORBIS")
    sound(folder / "e_64.wav", 4 * tone[::3], 16000, "FLOAT")
    assert make(folder, "--out_dir", out) == 0
    assert said(capsys)[:8] == [
        "pdbridge: converted 1 sound: 2 channels", "pdbridge: converted 1 sound: 24 bits",
        "pdbridge: converted 2 sounds: 32-bit floats", "pdbridge: converted 2 sounds: 48000 Hz",
        "pdbridge: converted 1 sound: Vorbis", "pdbridge: converted 1 sound: louder than 1"]
    notes = list(records.read(out))
    assert [note.audio.size for note in notes] == [LENGTH] * 5
    for note in notes[:3]:
        np.testing.assert_allclose(note.audio[50:-50], tone[::3][50:-50], atol=2e-3)
    assert notes[4].audio.min() == -1 and notes[4].audio.max() == 1


def test_a_length_that_a_conversion_rounds_is_no_violation(folder, out):
    frames = round(LENGTH * 44100 / 16000)  # 1102.5 would be exact
    sound(folder / "a_60.wav", np.zeros(frames + 1, np.int16), 44100)
    sound(folder / "b_60.wav", np.zeros(frames - 1, np.int16), 44100)
    assembly.make(folder, out, length=LENGTH)
    assert [note.audio.size for note in records.read(out)] == [LENGTH] * 2


# One clear error


def test_all_that_is_wrong_is_said_and_nothing_is_written(folder, out, capsys):
    sound(folder / "good_60.wav")
    sound(folder / "long_60.wav", sixteen_bits(samples=LENGTH + 1))
    sound(folder / "short_60.wav", sixteen_bits(samples=100))
    sound(folder / "high_128.wav")
    sound(folder / "good_060.flac")
    (folder / "bad_60.wav").write_bytes(b"no sound")
    assert make(folder, "--out_dir", out) == 1
    errors = said(capsys)
    assert len(errors) == 6
    for error, start in zip(sorted(errors), (
            "5 sounds cannot be used, named above; nothing was written",
            "bad_60.wav: cannot be read as a sound", "good_60.wav: is the same note as good_060.flac",
            "high_128.wav: 128 is not a MIDI pitch", "long_60.wav: lasts 0.02506 s, 401 samples at 16000 Hz, not 400",
            "short_60.wav: lasts 0.00625 s, 100 samples"), strict=True):
        assert error.startswith(f"pdbridge: {start}")
    assert not out.exists()


def test_what_shows_only_in_the_samples_is_said_as_well(folder, out, capsys):
    sound(folder / "a_60.wav")
    for name in ("b_60.wav", "c_60.wav"):
        sound(folder / name, np.full(LENGTH, np.nan), subtype="FLOAT")
    assert make(folder, "--out_dir", out) == 1
    errors = said(capsys)
    assert len(errors) == 3
    assert "b_60.wav holds samples that are not finite" in errors[0] and "c_60.wav" in errors[1]
    assert not out.exists()


@pytest.mark.parametrize("name", ["data.tfrecord", "meta.json"])
def test_a_data_set_that_is_there_is_not_replaced(folder, out, capsys, name):
    sound(folder / "a_60.wav")
    out.mkdir(parents=True)
    (out / name).write_text("mine")
    assert make(folder, "--out_dir", out) == 1
    assert said(capsys) == [f"pdbridge: {out / name} exists already; choose another folder (--out_dir)"]
    assert [path.name for path in out.iterdir()] == [name]
    assert (out / name).read_text() == "mine"


def test_folders_without_notes_are_one_line_each(folder, out, capsys):
    assert make(folder / "none") == 1
    assert make(folder) == 1
    sound(folder / "flute.wav")
    assert make(folder) == 1
    errors = said(capsys)
    assert len(errors) == 3
    for error, part in zip(errors, ("there is no such folder", "holds no sound (.wav",
                                    "ends in a pitch, as in flute_60"), strict=True):
        assert part in error


def test_what_may_be_meant_otherwise_is_said(folder, out, capsys):
    sound(folder / "a_90.wav")
    sound(folder / "b_90.wav", np.zeros(LENGTH, np.int16))
    sound(folder / "flute.wav")
    assert make(folder, "--out_dir", out) == 0
    assert [line.split(": ", 1)[1] for line in said(capsys)] == [
        "1 sound: left alone, the name does not end in a pitch: flute.wav", "1 sound: silent: b_90",
        "all notes have one pitch; a model learns timbres from them, but not to play pitches",
        "2 notes outside pitches 24 to 84, which GANSynth leaves out unless it is told otherwise"]


def test_a_full_disk_leaves_nothing(folder, out):
    sound(folder / "a_60.wav")
    with files_end_at(1000), pytest.raises(PdbridgeError, match="cannot be written"):
        assembly.make(folder, out, length=LENGTH)
    assert not out.exists()


def test_nothing_is_said_of_tensorflow_and_errors_do_not_wait_for_it(folder):
    sound(folder / "a_60.wav", sixteen_bits(samples=2))
    code = ("import sys; from pdbridge import cli; print(cli.main(['dataset', 'make', sys.argv[1]])); "
            "print('tensorflow' in sys.modules)")
    made = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert made.stdout == "1\nFalse\n"


# From the NSynth dataset


def nsynth(folder, *notes, **more):
    """A folder as the dataset's archives unpack."""
    (folder / "audio").mkdir()
    listed = {}
    for number, (name, pitch, velocity) in enumerate(notes):
        listed[name] = {
            "note": 1000 + number, "note_str": name, "instrument": 3, "instrument_str": name.rsplit("-", 2)[0],
            "pitch": pitch, "velocity": velocity, "sample_rate": 16000, "instrument_source": 1,
            "instrument_source_str": "electronic", "instrument_family": 4, "instrument_family_str": "keyboard",
            "qualities": [1, 0, 0, 0, 0, 0, 0, 1, 0, 0], "qualities_str": ["bright", "percussive"], **more}
        sound(folder / "audio" / f"{name}.wav", sixteen_bits(number))
    (folder / "examples.json").write_text(json.dumps(listed))


NOTES = ("keyboard_electronic_003-072-025", 72, 25), ("keyboard_electronic_003-021-127", 21, 127)


def test_the_nsynth_datasets_wavs_become_the_courses_records(folder, out):
    nsynth(folder, *NOTES)
    assert cli.main(["dataset", "nsynth", "--in_dir", str(folder), "--out_dir", str(out), "--length", str(LENGTH),
                     "--skip_validate"]) == 0
    qualities = [1, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert examples(out / "data.tfrecord") == [  # in the order of their names
        expected(21, sixteen_bits(1), 1, 4, qualities), expected(72, sixteen_bits(0), 1, 4, qualities)]
    meta = {name: {"instrument_str": "keyboard_electronic_003", "pitch": pitch, "instrument_source": 1,
                   "instrument_family": 4, "qualities": qualities} for name, pitch, _ in reversed(NOTES)}
    assert (out / "meta.json").read_text() == json.dumps(meta, indent=4)


def test_names_and_velocities_are_written_when_they_are_asked_for(folder, out):
    nsynth(folder, *NOTES)
    assert cli.main(["dataset", "nsynth", str(folder), "--out_dir", str(out), "--length", str(LENGTH),
                     "--all-fields"]) == 0
    notes = list(records.read(out))
    assert [(note.note_str, note.velocity, note.sample_rate) for note in notes] == [
        (name, velocity, 16000) for name, _, velocity in reversed(NOTES)]


def test_sounds_that_are_missing_or_wrong_are_all_named(folder, out, capsys):
    nsynth(folder, *NOTES)
    for name, _, _ in NOTES:
        (folder / "audio" / f"{name}.wav").unlink()
    sound(folder / "audio" / f"{NOTES[0][0]}.wav", sixteen_bits(samples=3))
    for validate in ([], ["--skip-validate"]):
        assert cli.main(["dataset", "nsynth", str(folder), "--out_dir", str(out), *validate]) == 1
        errors = said(capsys)
        assert len(errors) == 3
        assert f"{NOTES[1][0]}.wav: cannot be read as a sound: No such file" in errors[0]
        assert f"{NOTES[0][0]}.wav: lasts 0.0001875 s, 3 samples at 16000 Hz, not 64000" in errors[1]
    assert not out.exists()


@pytest.mark.parametrize("text, part", [
    (None, "holds no examples.json"), ("{", "is damaged"), ("[]", "lists no notes"), ("{}", "lists no notes"),
    ('{"a": 3}', "only 0 have a name"), ('{"a": {"note_str": "x"}, "b": {"note_str": "x"}}', "only 1 have a name")])
def test_a_damaged_list_is_one_error(folder, out, text, part):
    if text is not None:
        (folder / "examples.json").write_text(text)
    with pytest.raises(DatasetError, match=part):
        assembly.make_from_nsynth(folder, out)
    assert not out.exists()


@pytest.mark.parametrize("more, part", [
    ({"note_str": "../../etc/passwd"}, "the name is no file name"), ({"pitch": 200}, "pitch is no number"),
    ({"pitch": "60"}, "pitch is no number"), ({"qualities": [1, 2]}, "qualities are not 10 times 0 or 1"),
    ({"instrument_str": None}, "instrument_str is missing"), ({"instrument_family": True}, "instrument_family is no")])
def test_a_wrong_entry_of_the_list_is_named(folder, out, capsys, more, part):
    nsynth(folder, NOTES[0], **more)
    with pytest.raises(DatasetError, match="1 sound cannot be used"):
        assembly.make_from_nsynth(folder, out, length=LENGTH)
    error, = said(capsys)
    assert f": {part}" in error and error.endswith(" in examples.json")
