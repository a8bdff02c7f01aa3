"""Finding a sound: the distance of notes, the search for a z, recordings, the command and the message."""

import pickle
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from fake_model import FakeListener, sine
from gansynth_checkpoint import (
    BUILT_IN, change_tensors, random_tensors, small_shape, variable, write_checkpoint)
from server_process import ServerProcess
from test_server import array, fails

from pdbridge import cli, latent
from pdbridge.errors import AudioError, PitchError
from pdbridge.gansynth import differentiable, spectral
from pdbridge.gansynth.listening import Distance, Listener, bands
from pdbridge.gansynth.matching import (
    Effort, Recording, Search, as_random_ones, gain_between, onset, read_recording, recording_for, tuning)
from pdbridge.gansynth.model import GANSynth
from pdbridge.pitchtracker import Heard

RATE = 16000
SHAPE = small_shape(latent_size=16, resolutions=5, start_height=4)
TIME_S = np.arange(RATE) / RATE


def tone(pitch, levels=(1.0, 0.5, 0.25), decay=0.0):
    """A second of a note with these partials, float32 [16000]; decay in 1/s."""
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    partials = [level * np.sin(2 * np.pi * number * hertz * TIME_S) for number, level in enumerate(levels, 1)]
    return (sum(partials) * np.exp(-decay * TIME_S) * 0.3).astype(np.float32)


def distance(sound, recording):
    return float(Distance(recording, RATE)(tf.constant(sound)))


# The distance


def test_a_sound_is_at_no_distance_from_itself_however_loud():
    note = tone(60)
    for gain in (1, 0.01, 30):
        assert distance(np.float32(gain) * note, note) < 1e-4
        assert distance(note, np.float32(gain) * note) < 1e-4


def test_silence_is_at_a_distance_of_one():
    assert distance(np.zeros(RATE, np.float32), tone(60)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("changed", [
    lambda amount: tone(60, (1.0, 0.5 * (1 - amount), 0.25)),  # a partial gets weaker
    lambda amount: tone(60, (1.0, 0.5, 0.25, 0.1 * amount)),  # one is added
    lambda amount: tone(60, decay=4 * amount),
    lambda amount: tone(60 + amount),  # detuned, up to a semitone
    lambda amount: np.roll(tone(60, decay=5), round(0.1 * amount * RATE)),  # later
])
def test_the_more_a_sound_is_changed_the_farther_it_is(changed):
    far = [distance(changed(amount), changed(0)) for amount in (0, 0.1, 0.3, 1)]
    assert far == sorted(far) and far[1] > far[0] + 1e-3, far


def test_a_sound_shorter_than_a_window_has_a_distance():
    assert 0 < distance(tone(60)[:500], tone(67)[:500]) < 2


def test_no_band_is_empty_and_all_together_are_flat():
    for size, count in ((2048, 160), (128, 24), (64, 30)):
        weights = bands(size, count, RATE)
        assert weights.max(axis=0).min() > 0.1
    middle = bands(2048, 160, RATE).sum(axis=1)[300:-100]
    np.testing.assert_allclose(middle, 1, atol=1e-3)


# The way from z to sound


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that makes notes of 4000 samples at pitches 40 to 42."""
    return write_checkpoint(tmp_path_factory.mktemp("model"), SHAPE, seed=3, audio_length=4000)


@pytest.fixture(scope="module")
def model(folder):
    return GANSynth.load(folder)


def test_the_note_that_gradients_go_through_is_that_of_synthesize(model):
    z = model.random_z(1, seed=1)[0]
    note = model.synthesize(z, 41)[0]
    np.testing.assert_allclose(model.note_tensor(tf.constant(z), 41), note, atol=1e-4 * np.abs(note).max())


def test_the_gradient_says_how_the_distance_changes():
    layout = spectral.Layout(rows=32, bins=64, samples=900)
    random = np.random.default_rng(1)
    picture = random.standard_normal((32, 64, 2)).astype(np.float32) - np.float32([4, 0])
    direction = random.standard_normal((32, 64)).astype(np.float32)
    far = Distance(tone(60)[:900], RATE)

    def moved(amount):
        return far(differentiable.invert(picture + amount * np.stack([direction, 0 * direction], -1), layout))

    x = tf.constant(picture)
    with tf.GradientTape() as tape:
        tape.watch(x)
        found = far(differentiable.invert(x, layout))
    gradient = tape.gradient(found, x).numpy()
    step = np.float32(0.01)
    slope = float(moved(step) - moved(-step)) / (2 * step)
    assert np.sum(gradient[..., 0] * direction) == pytest.approx(slope, rel=0.1)
    assert not gradient[..., 1].any()


# The search


def searched(effort, pitch=60, seed=1):
    search, listener = Search(256, seed, effort), FakeListener(Recording(sine(pitch), pitch))
    while not search.finished:
        search.advance(listener)
    return search


def test_the_search_goes_downhill_from_the_nearest_random_z():
    search, far = searched(Effort(random=8, starts=2, steps=60)), FakeListener(Recording(sine(60), 60)).distance
    assert search.random_distance == min(far(z) for z in latent.random_z(8, 256, seed=1))
    assert search.distance < 0.4 * search.random_distance
    assert search.distance == far(search.best)


def test_z_stays_where_random_ones_are():
    best = searched(Effort(random=3, starts=1, steps=30)).best
    assert np.linalg.norm(best) == pytest.approx(16, rel=1e-5) and best.dtype == np.float32


def test_what_the_network_takes_of_z_stays_as_long_as_that_of_random_ones():
    directions = np.linalg.qr(np.random.default_rng(1).standard_normal((256, 12)))[0]
    z = latent.random_z(1, 256, seed=2)[0]
    heard = directions.T @ z
    np.testing.assert_allclose(directions.T @ as_random_ones(z, directions), heard, atol=1e-5)
    far = as_random_ones(z + 20 * directions[:, 0], directions)
    assert np.linalg.norm(directions.T @ far) == pytest.approx(np.sqrt(12) + 1, rel=1e-5)
    for moved in (z, far):
        assert np.linalg.norm(as_random_ones(moved, directions)) == pytest.approx(16, rel=1e-5)
    np.testing.assert_allclose(as_random_ones(3 * z, np.eye(256)), as_random_ones(z, np.eye(256)), atol=1e-5)


def test_directions_of_z_that_the_network_takes_are_known(model, tmp_path):
    assert model.latent_directions.shape == (16, 16)  # random weights take all
    narrow = write_checkpoint(tmp_path, SHAPE, seed=3, audio_length=4000)
    kernel = random_tensors(SHAPE, 1, seed=3)[variable(1, "conv0/conv2d/kernel")]
    kernel[:, :, :4] = kernel[:, :, 4:8]  # of these eight values of z, only four sums count
    change_tensors(narrow, {variable(1, "conv0/conv2d/kernel"): kernel})
    directions = GANSynth.load(narrow).latent_directions
    assert directions.shape == (16, 12)
    np.testing.assert_allclose(directions[:4], directions[4:8], atol=1e-5)


def test_without_steps_the_best_random_z_is_taken():
    search = searched(Effort(random=5, starts=4, steps=0))
    assert search.distance == search.random_distance
    assert any(np.array_equal(search.best, z) for z in latent.random_z(5, 256, seed=1))


def test_half_of_the_descents_are_given_up_twice():
    effort = Effort(random=9, starts=8, steps=8)
    assert [effort.descents(step) for step in range(8)] == [8, 8, 4, 4, 2, 2, 2, 2]
    calls = []
    listener = FakeListener(Recording(sine(60), 60))
    heard = SimpleNamespace(distance=listener.distance, directions=listener.directions,
                            gradient=lambda z: calls.append(listener.distance(z)) or listener.gradient(z))
    search = Search(256, 1, effort)
    while not search.finished:
        search.advance(heard)
    assert len(calls) == 32
    assert max(calls[-2:]) < np.median(calls[:8])  # those that were ahead went on
    assert [Effort(random=2, starts=3, steps=4).descents(step) for step in range(4)] == [2, 1, 1, 1]


def test_a_search_goes_on_the_same_after_it_was_packed():
    effort = Effort(random=4, starts=2, steps=6)
    listener = FakeListener(Recording(sine(60), 60))
    search = Search(256, 1, effort)
    while not search.finished:
        search = pickle.loads(pickle.dumps(search))
        search.advance(listener)
    np.testing.assert_array_equal(search.best, searched(effort).best)


def test_a_network_is_gone_through_backwards(model):
    target = model.synthesize(model.random_z(1, seed=7), 41)[0]
    listener = Listener(model, Recording(target[onset(target, RATE):], 41))
    search = Search(16, 2, Effort(random=8, starts=2, steps=40))
    while not search.finished:
        search.advance(listener)
    assert search.distance < 0.9 * search.random_distance
    again = Distance(listener.target, RATE)(model.synthesize(search.best, 41)[0])
    assert float(again) == pytest.approx(search.distance, rel=1e-2)


@pytest.mark.slow
def test_a_note_of_the_built_in_model_is_found():
    model = GANSynth.load(BUILT_IN)
    target = model.synthesize(model.random_z(1, seed=101), 48)[0]
    listener = Listener(model, Recording(target[onset(target, RATE):], 48))
    search = Search(model.latent_size, 1, Effort(random=24, starts=2, steps=60))
    while not search.finished:
        search.advance(listener)
    assert search.distance < 0.5 * search.random_distance


# Recordings


def test_a_note_begins_where_it_is_heard():
    quiet = np.concatenate([np.random.default_rng(1).normal(0, 1e-4, 5000), tone(60)])
    assert 4900 <= onset(quiet, RATE) <= 5000
    assert onset(np.zeros(100), RATE) == onset(np.zeros(3), RATE) == 0


@pytest.mark.parametrize("cents", [-45, -7, 0, 31])
@pytest.mark.parametrize("pitch", [30, 60, 80])
def test_the_tuning_of_a_note_is_heard(pitch, cents):
    assert 100 * tuning(tone(pitch + cents / 100), RATE, pitch) == pytest.approx(cents, abs=3)


def test_a_recording_is_tuned_to_the_nearest_pitch_of_the_model_and_cut():
    recording, semitones = recording_for(tone(60.3), RATE, 60, 8000, (24, 59, 70), 4000)
    assert recording.pitch == 59 and semitones == pytest.approx(-1.3, abs=0.03)
    assert tuning(recording.samples, 8000, 59) == pytest.approx(0, abs=0.03)
    assert len(recording.samples) == 4000 and recording.samples[-1] == 0
    short, _ = recording_for(tone(60)[:2000], RATE, 60, RATE, range(24, 85), 4000)
    assert len(short.samples) == 2000


def test_a_recording_is_compared_from_its_onset_on(model):
    note = tone(41)
    listener = Listener(model, Recording(note, 41))
    begin = int(np.flatnonzero(listener.target)[0])
    assert len(listener.target) == model.note_length
    np.testing.assert_array_equal(listener.target[begin:], note[1:][:model.note_length - begin])
    with pytest.raises(PitchError, match="does not know the pitch 60"):
        Listener(model, Recording(note, 60))


@pytest.mark.parametrize(("samples", "rate", "part"), [
    (np.zeros(8000), RATE, "is silent; there is no sound to find"),
    (np.zeros(0), RATE, "is silent"),
    (np.concatenate([np.zeros(40 * RATE), tone(60)]), RATE, "is silent in its first 30 s"),
    (np.full(8000, np.nan), RATE, "not finite"),
    (tone(60), 100, "has a sample rate of 100 Hz; 4000 to 768000 can be used"),
])
def test_a_recording_that_cannot_be_used_says_why(tmp_path, samples, rate, part):
    soundfile.write(tmp_path / "r.wav", samples, rate, subtype="FLOAT")
    with pytest.raises(AudioError, match=part):
        read_recording(tmp_path / "r.wav")


def test_a_note_gets_the_loudness_of_the_recording_and_does_not_clip():
    note = tone(60)
    assert gain_between(note, np.float32(0.25) * note) == pytest.approx(0.25)
    assert gain_between(note, 50 * note) == pytest.approx(1 / np.abs(note).max())
    assert gain_between(0 * note, note) == 1


# The command


def run(*words):
    """``pdbridge gansynth match`` in this process: its exit code."""
    return cli.main(["gansynth", "match", *(str(word) for word in words)])


def said(capsys):
    """Our own lines on stderr, without progress bars."""
    return [line for line in re.split(r"[\r\n]", capsys.readouterr().err) if line.startswith("pdbridge: ")]


@pytest.fixture
def recording(tmp_path):
    """Stereo at another rate, 20 cents sharp, after a silence."""
    note = np.concatenate([np.zeros(3000, np.float32), tone(41.2)])
    soundfile.write(tmp_path / "note.flac", np.stack([note, note], axis=1), RATE)
    return tmp_path / "note.flac"


def test_the_command_writes_z_its_note_and_the_recording(folder, model, recording, tmp_path, capsys):
    words = (recording, "--out", tmp_path / "z.npy", "--ckpt_dir", folder, "--random", 3, "--starts", 1, "--steps",
             2, "--seed", 4)
    assert run(*words, "--pitch", 41) == 0
    captured = capsys.readouterr()
    assert re.fullmatch(rf"{tmp_path}/z.npy: distance [\d.]+; the nearest of 3 random timbres: [\d.]+\n",
                        captured.out)
    assert "compared at pitch 41, retuned by -20 cents, seed 4" in captured.err
    assert "matching" in captured.err  # the bar, with the time left
    z = latent.read_z(tmp_path / "z.npy", model.latent_size)
    note, rate = soundfile.read(tmp_path / "z_note.wav", dtype="float32")
    target, _ = soundfile.read(tmp_path / "z_target.wav", dtype="float32")
    wave = model.synthesize(z, 41)[0]
    np.testing.assert_allclose(note, wave * gain_between(wave, target), atol=1e-6)
    assert rate == RATE and len(target) == model.note_length
    assert np.sqrt(np.mean(note**2)) == pytest.approx(np.sqrt(np.mean(target**2)), rel=1e-3) or note.max() > 0.99

    assert run(*words, "--pitch", 41) == 1
    assert said(capsys)[-1] == f"pdbridge: {tmp_path}/z.npy exists already, and 2 more; --overwrite makes it again"
    again = (tmp_path / "z_target.wav", *words[1:], "--pitch", 41, "--overwrite")
    assert run(*again) == 1
    assert "would be overwritten; --out needs another name" in said(capsys)[-1]


def test_a_pitch_is_detected_and_one_that_the_model_does_not_know_is_transposed(
        folder, recording, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("pdbridge.pitchtracker.detect", lambda samples, rate: Heard(53, 0.63))
    assert run(recording, "--out", tmp_path / "z.npy", "--ckpt_dir", folder, "--random", 1, "--steps", 0) == 0
    first, second, _ = said(capsys)
    assert first.endswith("note.flac: pitch 53, confidence 0.63; name it with --pitch if that is wrong")
    assert "the model knows the pitches 40 to 42; the recording is transposed to 42" in second


def test_a_recording_without_a_pitch_asks_for_one(recording, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("pdbridge.pitchtracker.detect", lambda samples, rate: Heard(None, 0.0))
    assert run(recording, "--out", tmp_path / "z.npy") == 1
    assert said(capsys) == [f"pdbridge: no pitch is heard in {recording}; name one (60 is middle C)"]


def test_without_librosa_one_line_says_what_to_do(recording, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "librosa", None)
    assert run(recording, "--out", tmp_path / "z.npy") == 1
    line, = said(capsys)
    assert "librosa" in line and "pip install 'pdbridge[pitch]'" in line


@pytest.mark.parametrize(("words", "line"), [
    (["gone.wav", "--out", "z.npy"], "there is no sound file gone.wav"),
    (["note.flac", "--out", "z.txt"], "z.txt: the name must end in .npy"),
    (["note.flac", "--out", "none/z.npy"], "none is not a folder; make it first"),
    (["text.wav", "--out", "z.npy"], "text.wav cannot be read as a sound"),
    (["note.flac", "--out", "z.npy", "--pitch", "60", "--ckpt_dir", "gone"], "there is no model folder gone"),
])
def test_what_cannot_be_matched_is_one_line(recording, tmp_path, monkeypatch, capsys, words, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.wav").write_text("no sound")
    assert run(*words) == 1
    assert line in said(capsys)[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["note.flac", "text.wav"]


@pytest.mark.parametrize("words", [["--pitch", "c4"], ["--pitch", "128"], ["--steps", "-1"], ["--starts", "0"],
                                   ["--random", "0"]])
def test_impossible_options_end_with_2(words):
    with pytest.raises(SystemExit) as ended:
        run("note.wav", "--out", "z.npy", *words)
    assert ended.value.code == 2


# The message


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    (folder / "sluggish").mkdir()
    for pitch in (30, 60):
        soundfile.write(folder / f"{pitch}.wav", np.concatenate([np.zeros(2000), tone(pitch)]), RATE)
    soundfile.write(folder / "silent.wav", np.zeros(RATE), RATE)
    (folder / "text.wav").write_text("no sound")
    with ServerProcess(folder=folder) as server:
        yield server.loaded()


def test_a_z_is_found_in_the_background(client):
    client.ask("/gansynth/seed", 5)
    client.ask("/notify", 1)
    client.send("/gansynth/match_z", "found", "60.wav", 60)
    assert client.expect("/gansynth/busy") == [1]
    first, last = client.expect("/progress")[1], 0
    while (message := client.receive())[0] != "/done":
        last = message[1][1] if message[0] == "/progress" else last
    assert first < 0.1 and last == 1
    assert message[1][0] == "/gansynth/match_z"
    pitch, distance, random_distance = message[1][1:]
    assert pitch == 60 and distance < 0.4 * random_distance
    wanted = latent.random_z(1, 256, seed=60)[0]
    z = array(client, "found")
    assert z @ wanted > 0.6 * np.linalg.norm(z) * np.linalg.norm(wanted)


def test_the_server_listens_for_the_pitch_in_a_process_of_its_own(client):
    client.ask("/notify", 1)
    client.send("/gansynth/match_z", "found", "60.wav")
    pitch, confidence = client.expect("/gansynth/heard", timeout=200)
    assert pitch == 60 and confidence > 0.8
    assert client.expect("/done", "/gansynth/match_z", timeout=60)[1] == 60


@pytest.mark.parametrize(("arguments", "part"), [
    (("z", "gone.wav"), "there is no sound file"),
    (("z", "../outside.wav"), "lies outside"),
    (("z", "/etc/passwd.wav"), "lies outside"),
    (("z", "z.npy"), "the name must end in .wav, .flac, .aiff, .aif or .ogg"),
    (("z", "silent.wav", 60), "is silent"),
    (("z", "text.wav", 60), "cannot be read as a sound"),
    (("z", "60.wav", 128), "pitch is 128"),
    (("z", "60.wav", 60.5), "pitch must be a whole number"),
    (("z", 7), "the name must end in"),
])
def test_a_recording_that_cannot_be_matched_fails_with_its_reason(client, arguments, part):
    assert part in fails(client, "/gansynth/match_z", *arguments)


def test_keys_go_on_while_a_z_is_looked_for_and_cancel_ends_it(client):
    client.ask("/gansynth/load", "sluggish")
    client.send("/gansynth/match_z", "never", "60.wav", 60)
    client.expect("/progress", "/gansynth/match_z")
    client.ask("/gansynth/randomize_z", "other")
    client.ask("/gansynth/synthesize", "other", "sound", 64)
    client.send("/gansynth/cancel")
    assert client.expect("/fail", "/gansynth/match_z")[1] == "match_z: cancelled"
    assert "no array never" in fails(client, "/array/get", "never")
    assert client.until(lambda status: status["waiting"] == 0)
    client.ask("/gansynth/load", "fake")


def test_a_recording_that_kills_the_worker_is_given_up(client):
    restarts = client.status()["restarts"]
    client.send("/gansynth/match_z", "z", "30.wav", 30)
    assert "died at this request" in client.expect("/fail", "/gansynth/match_z", timeout=60)[1]
    assert client.until(lambda status: status["restarts"] == restarts + 3)
    client.ask("/gansynth/match_z", "z", "60.wav", 60)
