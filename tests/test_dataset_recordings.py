"""``pdbridge dataset chop`` and ``pad``: recordings become notes, as with the course's scripts."""

import io
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from full_disk import files_end_at

from pdbridge import cli, pitchtracker
from pdbridge.errors import DatasetError
from pdbridge.pitchtracker import Heard
from pdbridge.training.datasets import recordings

RATE = 16000


def noise(samples, level=0.5, channels=1, seed=0):
    made = np.random.default_rng(seed).uniform(-level, level, (samples, channels))
    return made[:, 0] if channels == 1 else made


def sound(path, samples=1000, rate=RATE, **how):
    """A file of noise, or of the samples given, in folders made for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = noise(samples) if np.ndim(samples) == 0 else samples
    if path.suffix == ".wav":
        how = {"subtype": "FLOAT", **how}
    soundfile.write(path, samples, rate, **how)
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def sixteen_bits(path):
    """(samples, rate) of a file that must be 16 bits, one channel."""
    described = soundfile.info(path)
    assert (described.subtype, described.channels, described.format) == ("PCM_16", 1, "WAV")
    return soundfile.read(path, dtype="int16")[0], described.samplerate


def as_librosa_loads(librosa, path):
    """What librosa.load does with a file that soundfile can read, without its warnings about other files."""
    samples, rate = soundfile.read(path, dtype="float32")
    return librosa.resample(librosa.to_mono(samples.T), orig_sr=rate, target_sr=RATE)


def as_written(samples):
    """What the originals' soundfile.write makes of samples, read again."""
    packed = io.BytesIO()
    soundfile.write(packed, samples, RATE, format="WAV", subtype="PCM_16")
    packed.seek(0)
    return soundfile.read(packed, dtype="int16")[0]


def said(capsys):
    lines = re.split(r"[\r\n]", capsys.readouterr().err)
    return "\n".join(line for line in lines if line.startswith("pdbridge: "))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "made" / "notes"


# As the originals


def test_chop_writes_the_samples_that_the_courses_script_writes(folder, out):
    librosa = pytest.importorskip("librosa")
    sound(folder / "Rain 1.wav", noise(30000, channels=2), 44100)
    recordings.chop(folder, out, length=4000, step=3000, pitch=40)
    whole = as_librosa_loads(librosa, folder / "Rain 1.wav")
    assert len(whole) == 10885
    assert names(out) == ["Rain 1_1_40.wav", "Rain 1_2_40.wav", "Rain 1_3_40.wav"]
    for number in range(3):
        samples, rate = sixteen_bits(out / f"Rain 1_{number + 1}_40.wav")
        assert rate == RATE
        expected = as_written(whole[number * 3000:number * 3000 + 4000])
        assert np.abs(samples.astype(int) - expected).max() <= 1  # the rounding of the resampler


def test_pad_writes_the_samples_that_the_courses_script_writes(folder, out):
    librosa = pytest.importorskip("librosa")
    sound(folder / "a" / "long.wav", noise(9000, 0.2, 2), 32000)
    sound(folder / "b" / "short.wav", noise(1500, 0.1))
    recordings.pad(folder, out, length=4000)
    for name, source in (("a-1_32.wav", "a/long.wav"), ("b-1_32.wav", "b/short.wav")):
        loaded = as_librosa_loads(librosa, folder / source)[:4000]
        expected = as_written(np.pad(librosa.util.normalize(loaded), (0, 4000 - len(loaded))))
        samples, _ = sixteen_bits(out / name)
        assert len(samples) == 4000
        assert np.abs(samples.astype(int) - expected).max() <= 1
        assert np.abs(samples.astype(int)).max() >= 32767  # -32768 if the peak is below zero


def test_padded_notes_are_named_after_their_folders(folder, out):
    for place in ("top.wav", "Bowed Strings/Viola d'Amore/x.wav", "Bowed Strings/Viola d'Amore/y.wav", "_Ümlaut/x.wav",
                  "bowed-strings/viola d amore/z.wav"):
        sound(folder / place)
    recordings.pad(folder, out, length=100, pitch=60)
    assert names(out) == ["-1_60.wav", "-mlaut-1_60.wav", "bowed-strings-viola-d-amore-1_60.wav",
                          "bowed-strings-viola-d-amore-2_60.wav", "bowed-strings-viola-d-amore-3_60.wav"]


def test_every_format_and_rate_becomes_a_note(folder, out):
    for number, name in enumerate(("a.wav", "b.aif", "c.aiff", "d.flac", "e.ogg", "f.mp3", "g.WAV")):
        sound(folder / name, noise(4410 * 2, channels=1 + number % 2, seed=number), 44100,
              **({"format": "AIFF"} if "aif" in name else {"format": "WAV"} if "WAV" in name else {}))
    (folder / "notes.txt").write_text("no sound")
    sound(folder / "._a.wav")  # what Macs leave beside a file
    made = recordings.pad(folder, out, length=3200)
    assert len(made.pieces) == 7
    assert names(out) == [f"-{number}_32.wav" for number in range(1, 8)]
    assert all(len(sixteen_bits(path)[0]) == 3200 for path in out.iterdir())


def test_recordings_are_read_block_by_block_as_in_one(folder, monkeypatch):
    from pdbridge import audio

    path = sound(folder / "a.wav", noise(20000, channels=2), 48000)
    whole = audio.read_sound(path, RATE)
    monkeypatch.setattr(recordings, "BLOCK", 777)
    np.testing.assert_allclose(recordings.read(path, RATE), whole, atol=1e-6)


def test_a_silent_recording_stays_silent_and_is_said(folder, out, capsys):
    sound(folder / "a.wav", np.zeros(1000))
    assert cli.main(["dataset", "pad", str(folder), str(out)]) == 0
    assert not sixteen_bits(out / "-1_32.wav")[0].any()
    assert "1 sound: silent: -1_32.wav" in said(capsys)


def test_what_is_cut_and_what_is_too_short_is_said(folder, out, capsys):
    sound(folder / "long.wav", 9000)
    sound(folder / "short.wav", 100)
    assert cli.main(["dataset", "pad", str(folder), str(out / "pad"), "--length", "8000"]) == 0
    assert "only the first 0.5 s used: long.wav" in said(capsys)
    assert cli.main(["dataset", "chop", str(folder), str(out / "chop"), "--len", "8000"]) == 0
    assert "shorter than 0.5 s, no piece made of it: short.wav" in said(capsys)
    assert names(out / "chop") == ["long_1_32.wav"]


@pytest.mark.parametrize("spelling", ["--sample_rate", "--sample-rate"])
def test_options_have_the_originals_names_and_hyphens(folder, out, spelling):
    sound(folder / "a.wav", noise(3000), 48000)
    assert cli.main(["dataset", "chop", str(folder), str(out), spelling, "8000", "--len", "200", "--step", "100",
                     "--pitch", "61"]) == 0
    assert names(out) == [f"a_{number}_61.wav" for number in range(1, 5)]
    assert sixteen_bits(out / "a_1_61.wav")[1] == 8000


# Pitches


def test_the_pitch_may_be_the_number_at_the_end_of_a_name(folder, out, capsys):
    sound(folder / "flute_60.wav")
    sound(folder / "flute_high.wav")
    sound(folder / "flute_300.wav")
    assert cli.main(["dataset", "pad", str(folder), str(out), "--pitch", "name"]) == 1
    assert names(out) == ["-2_60.wav"]
    assert said(capsys).count("its name does not end in a MIDI pitch, as in flute_60.wav") == 2


def test_heard_pitches_are_shown_with_how_sure_they_are(folder, out, capsys, monkeypatch):
    heard = iter([Heard(60, 0.98), Heard(None, 0.0), Heard(47, 0.4)])
    monkeypatch.setattr(pitchtracker, "check", lambda: None)
    monkeypatch.setattr(pitchtracker, "detect", lambda samples, rate: next(heard))
    sound(folder / "a.wav", 3000)
    assert cli.main(["dataset", "chop", str(folder), str(out), "--len", "1000", "--step", "1000", "--pitch",
                     "detect"]) == 0
    assert names(out) == ["a_1_60.wav", "a_3_47.wav"]
    shown = capsys.readouterr()
    assert re.search(r"a_1_60.wav +pitch +60 +98% sure\n", shown.out)
    assert re.search(r"a_3_47.wav +pitch +47 +40% sure +\?\n", shown.out)
    assert "unsure of the pitch, listen and rename or remove it: a_3_47.wav (40%)" in shown.err
    assert "no pitch is heard, no note made of it: a_2" in shown.err


def test_names_in_no_alphabet_are_shown_as_well_as_can_be(folder, out, capsys, monkeypatch):
    monkeypatch.setattr(pitchtracker, "check", lambda: None)
    monkeypatch.setattr(pitchtracker, "detect", lambda samples, rate: Heard(60, 0.1))
    sound(folder / "a.wav").rename(folder / os.fsdecode(b"fl\xf6te.wav"))
    assert cli.main(["dataset", "chop", str(folder), str(out), "--len", "500", "--pitch", "detect"]) == 0
    assert [os.fsencode(name) for name in names(out)] == [b"fl\xf6te_1_60.wav"]
    assert "fl?te_1_60.wav" in capsys.readouterr().out


def test_pitches_are_heard_in_real_notes(folder, out):
    pytest.importorskip("librosa")
    seconds = np.arange(RATE // 2) / RATE
    for name, pitch in (("low", 45), ("high", 72)):
        frequency = 440 * 2 ** ((pitch - 69) / 12)
        sound(folder / name / "x.wav", sum(np.sin(2 * np.pi * k * frequency * seconds) / k for k in (1, 2, 3)) / 4)
    made = recordings.pad(folder, out, pitch="detect", length=RATE)
    assert names(out) == ["high-1_72.wav", "low-1_45.wav"]
    assert all(piece.sure for piece in made.pieces)


def test_without_librosa_nothing_is_begun(folder, out, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "librosa", None)
    sound(folder / "a.wav")
    assert cli.main(["dataset", "pad", str(folder), str(out), "--pitch", "detect"]) == 1
    assert "pip install 'pdbridge[pitch]'" in said(capsys)
    assert not out.exists()


# In processes


def test_several_processes_make_the_same_notes(folder, out):
    for number in range(6):
        sound(folder / f"{number}.wav", noise(2000, seed=number), 44100)
    (folder / "5.wav").write_bytes(b"RIFF")
    for processes, place in ((1, "one"), (2, "two")):
        made = recordings.pad(folder, out / place, length=500, processes=processes)
        assert [piece.name for piece in made.pieces] == [f"-{number}_32.wav" for number in range(1, 6)]
        assert len(made.passed_over) == 1
    for name in names(out / "one"):
        assert (out / "one" / name).read_bytes() == (out / "two" / name).read_bytes()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="there is no process group to interrupt")
def test_an_interrupted_command_leaves_nothing_and_says_nothing(folder, out):
    sound(folder / "0.wav", 200000, 44100)
    for number in range(1, 400):
        (folder / f"{number}.wav").symlink_to(folder / "0.wav")
    command = [sys.executable, "-m", "pdbridge", "dataset", "pad", folder, out, "--processes", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
        while not list(out.parent.glob(".*.part/*")) and running.poll() is None:
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGINT)
        _, errors = running.communicate()
    assert running.returncode == 130
    assert "Traceback" not in errors
    assert not list(out.parent.iterdir())


# One clear error, and nothing lost


def test_an_unusable_file_is_named_and_the_others_go_on(folder, out, capsys):
    sound(folder / "good.wav")
    (folder / "bad.wav").write_bytes(b"no sound")
    sound(folder / "infinite.wav", np.array([0, np.inf]))
    (folder / "gone.wav").symlink_to("nowhere.wav")
    assert cli.main(["dataset", "pad", str(folder), str(out)]) == 1
    assert names(out) == ["-3_32.wav"]
    errors = said(capsys)
    assert "passed over: " in errors
    for name in ("bad.wav cannot be read as a sound", "infinite.wav holds samples that are not finite",
                 "gone.wav cannot be read"):
        assert name in errors


@pytest.mark.parametrize("command", ["chop", "pad"])
def test_a_folder_without_sounds_is_one_line(folder, out, capsys, command):
    for source, error in ((folder, "holds no sound (.wav, .aif"), (folder / "none", "there is no such folder")):
        assert cli.main(["dataset", command, str(source), str(out)]) == 1
        assert said(capsys).count("\n") == 0
        assert cli.main(["dataset", command, str(source), str(out)]) == 1
        assert error in said(capsys)
    assert not out.exists()


def test_chop_wants_a_folder_that_does_not_exist(folder, out, capsys):
    sound(folder / "a.wav")
    out.mkdir(parents=True)
    assert cli.main(["dataset", "chop", str(folder), str(out)]) == 1
    assert f"{out} exists already" in said(capsys)
    assert not names(out)


def test_pad_adds_to_a_folder_and_replaces_nothing(folder, out):
    sound(folder / "a.wav")
    recordings.pad(folder, out, pitch=60, length=100)
    first = (out / "-1_60.wav").read_bytes()
    sound(folder / "a.wav", noise(1000, seed=1))
    with pytest.raises(DatasetError, match="-1_60.wav exists already; choose another folder"):
        recordings.pad(folder, out, pitch=60, length=100)
    recordings.pad(folder, out, pitch=61, length=100)
    assert names(out) == ["-1_60.wav", "-1_61.wav"]
    assert (out / "-1_60.wav").read_bytes() == first


def test_a_heard_pitch_replaces_nothing_either(folder, out, monkeypatch):
    monkeypatch.setattr(pitchtracker, "check", lambda: None)
    monkeypatch.setattr(pitchtracker, "detect", lambda samples, rate: Heard(60, 1.0))
    sound(folder / "a.wav")
    out.mkdir(parents=True)
    (out / "-1_60.wav").write_bytes(b"mine")
    with pytest.raises(DatasetError, match="exists already"):
        recordings.pad(folder, out, pitch="detect", length=100)
    assert names(out) == ["-1_60.wav"]
    assert (out / "-1_60.wav").read_bytes() == b"mine"


def test_notes_do_not_go_where_recordings_are_looked_for(folder):
    sound(folder / "a.wav")
    for inside in (folder, folder / "notes"):
        with pytest.raises(DatasetError, match="would be taken for recordings the next time"):
            recordings.pad(folder, inside)


def test_recordings_whose_pieces_would_have_one_name_are_refused(folder, out):
    sound(folder / "a.wav")
    sound(folder / "A.flac")
    with pytest.raises(DatasetError, match="A.flac and a.wav would become the same pieces; rename one"):
        recordings.chop(folder, out)


def test_links_that_lead_in_circles_end(folder, out):
    sound(folder / "a" / "x.wav")
    (folder / "a" / "again").symlink_to(folder, target_is_directory=True)
    assert len(recordings.pad(folder, out, length=100).pieces) == 1


def test_where_no_piece_comes_of_it_there_is_no_folder(folder, out):
    sound(folder / "a.wav", 100)
    with pytest.raises(DatasetError, match="nothing came of .* a.wav is shorter than a piece; pdbridge dataset pad"):
        recordings.chop(folder, out)
    (folder / "a.wav").write_bytes(b"")
    with pytest.raises(DatasetError, match="nothing came of .*a.wav cannot be read"):
        recordings.pad(folder, out)
    assert not out.exists()
    assert not list(out.parent.iterdir())


def test_a_full_disk_leaves_nothing_behind(folder, out):
    sound(folder / "a.wav")
    with files_end_at(50000), pytest.raises(DatasetError, match=f"{out} cannot be written"):
        recordings.pad(folder, out, length=64000)
    assert not list(out.parent.iterdir())


def test_a_place_that_can_be_no_folder_is_one_error(folder, tmp_path):
    sound(folder / "a.wav")
    (tmp_path / "file").write_text("mine")
    for act, place in ((recordings.pad, "file"), (recordings.pad, "file/notes"), (recordings.chop, "file/notes")):
        with pytest.raises(DatasetError, match=f"{tmp_path / place} (is no folder|cannot be written)"):
            act(folder, tmp_path / place, length=100)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("options", [["--pitch", "200"], ["--pitch", "c4"], ["--len", "0"], ["--step", "0"],
                                     ["--sample_rate", "x"], ["--colour", "red"], ["--processes", "0"]])
def test_impossible_options_end_before_anything_is_read(folder, out, options):
    with pytest.raises(SystemExit) as ended:
        cli.main(["dataset", "chop", str(folder), str(out), *options])
    assert ended.value.code == 2
