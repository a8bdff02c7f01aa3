"""Playing over plain OSC: which voice plays what and when, and what it says when it cannot."""

import contextlib
import os
import random
import signal
import time

import numpy as np
import pytest
from fake_model import sine
from server_process import ServerProcess
from test_server import array, fails, put, z

from pdbridge import audio

RATE = 48000


class Player:
    """A client with voices that hears what they do."""

    def __init__(self, server, voices=4, polyphony=None, rate=RATE, timbre=None, ready=True):
        self.client = server.client()
        self.client.ask("/notify", 1)
        if timbre is not None:
            self.timbre(timbre)
        polyphony = () if polyphony is None else (polyphony,)
        self.client.send("/gansynth/release", 100)
        self.voices = self.client.ask("/gansynth/voices", "v", voices, rate, *polyphony)
        if ready:
            self.ready()

    def ready(self, count=61):
        self.client.expect("/gansynth/ready", count)

    def timbre(self, timbre):
        put(self.client, "timbre", timbre)
        self.client.ask("/gansynth/z", "timbre")

    def on(self, *pitches, velocity=100):
        for pitch in pitches:
            self.client.send("/gansynth/note_on", pitch, velocity)

    def off(self, *pitches):
        for pitch in pitches:
            self.client.send("/gansynth/note_off", pitch)

    def expect(self, word, *first, timeout=10):
        return self.client.expect(f"/gansynth/{word}", *first, timeout=timeout)

    def play(self, pitch):
        """Press a key; the voice that plays it."""
        self.on(pitch)
        while True:
            voice, played, _, _ = self.expect("play")
            if played == pitch:
                return voice

    def heard(self, seconds=0.2):
        """Everything that is reported within a time, as (word, arguments)."""
        until, words = time.monotonic() + seconds, []
        while (left := until - time.monotonic()) > 0:
            message = self.client.receive(left)
            if message and message[0].startswith("/gansynth/"):
                words.append((message[0].rpartition("/")[2], message[1]))
            elif message and message[0] == "/fail":
                words.append(("fail", message[1]))
        return words

    def whole(self, voice):
        """Wait until the whole of a note has arrived in a voice; its samples."""
        rate = self.voices[1]
        while self.expect("extend", voice)[1] < 3999.9:
            pass
        return array(self.client, f"v{voice}")[1:1 + round(4 * rate)]

    def close(self):
        self.client.ask("/gansynth/panic")
        self.client.send("/notify", 0)


@pytest.fixture
def player(server):
    player = Player(server, timbre=z(1.0))
    yield player
    player.client.ask("/gansynth/sustain", 0)
    player.close()


def slow_head(seconds, tail=0.0):
    return z(668, seconds, tail)


def test_voices_answers_with_the_rate_of_the_notes(server):
    for given, rate in ((48000, 48000), (44100, 44100), (96000, 48000), (16000, 16000)):
        player = Player(server, 3, rate=given, ready=False)
        assert player.voices == [3, rate]
        player.close()


def test_a_ready_key_sounds_at_once(player):
    player.on(60)
    voice, pitch, velocity, milliseconds = player.expect("play")
    assert (pitch, velocity) == (60, 100) and 1 <= voice <= 4
    assert 80 < milliseconds < 400
    wanted = audio.resample(sine(60), 16000, RATE)
    count = int(milliseconds * RATE / 1000)
    np.testing.assert_allclose(array(player.client, f"v{voice}")[1:1 + count], wanted[:count],
                               atol=1e-5)


@pytest.mark.parametrize("rate", [48000, 44100, 16000])
def test_the_whole_note_is_the_models_note_resampled(server, rate):
    player = Player(server, 2, rate=rate, timbre=z(1.0))
    voice = player.play(67)
    extents = [player.expect("extend", voice)[1]]
    while extents[-1] < 3999.9:
        extents.append(player.expect("extend", voice)[1])
    assert extents == sorted(extents) and abs(extents[-1] - 4000) < 0.1
    samples = array(player.client, f"v{voice}")
    wanted = audio.resample(sine(67), 16000, rate)
    assert len(samples) >= len(wanted) + 1 and samples[0] == 0
    np.testing.assert_allclose(samples[1:1 + len(wanted)], wanted, atol=1e-5)
    player.close()


def test_a_key_that_is_not_ready_sounds_as_soon_as_its_head_is_made(server):
    player = Player(server, timbre=slow_head(0.1), ready=False)
    player.on(70)
    voice, pitch, _, milliseconds = player.expect("play")
    assert pitch == 70
    count = int(milliseconds * RATE / 1000)
    np.testing.assert_allclose(array(player.client, f"v{voice}")[1:1 + count],
                               audio.resample(sine(70), 16000, RATE)[:count], atol=1e-5)
    player.close()


def test_a_pressed_key_goes_before_the_keys_that_are_made_ready(server):
    player = Player(server, timbre=slow_head(0.1), ready=False)
    player.expect("ready", 2)
    player.on(84)  # the last that would be made ready: in 6 s
    player.expect("play", timeout=3)
    player.close()


def test_keys_near_the_last_played_are_made_ready_first(server):
    player = Player(server, timbre=z(1.0))
    player.play(40)
    player.timbre(slow_head(0.02))
    pitches = [player.expect("ready")[2] for _ in range(5)]
    assert sorted(pitches) == [38, 39, 40, 41, 42] and pitches[0] == 40
    player.close()


def test_a_chord_sounds_on_as_many_voices(player):
    player.on(60, 64, 67, 71)
    plays = [player.expect("play") for _ in range(4)]
    assert [play[1] for play in plays] == [60, 64, 67, 71]
    assert sorted(play[0] for play in plays) == [1, 2, 3, 4]


def test_the_oldest_voice_is_stolen_for_one_note_too_many(server):
    player = Player(server, 4, 2, timbre=z(1.0))
    first, second = player.play(60), player.play(62)
    player.on(64)
    assert player.expect("stop") == [first, 10]
    voice, pitch, *_ = player.expect("play")
    assert pitch == 64 and voice not in (first, second)
    player.close()


@pytest.mark.parametrize("voices, polyphony", [(6, 3), (3, 3), (1, 1)])
def test_never_more_voices_sound_than_allowed(server, voices, polyphony):
    player = Player(server, voices, polyphony, timbre=z(1.0))
    player.on(*range(40, 60))
    sounding, played = set(), 0
    for word, values in player.heard(1.0):
        if word == "play":
            assert values[0] not in sounding
            sounding.add(values[0])
            played += 1
        elif word == "stop":
            sounding.discard(values[0])
        assert len(sounding) <= polyphony
    assert played == 20 and len(sounding) == polyphony
    player.close()


def test_a_released_voice_is_stolen_before_a_held_one(server):
    player = Player(server, 4, 2, timbre=z(1.0))
    player.client.ask("/gansynth/release", 5000)
    player.play(60)
    second = player.play(62)
    player.off(62)
    player.expect("release", second)
    player.on(64)
    assert player.expect("stop") == [second, 10]
    player.close()


def test_a_key_pressed_again_sounds_again_and_note_off_releases_both(player):
    voices = {player.play(60), player.play(60)}
    assert len(voices) == 2
    player.off(60)
    assert {player.expect("release")[0] for _ in range(2)} == voices


def test_note_off_releases_with_the_release_time(player):
    player.client.ask("/gansynth/release", 250)
    voice = player.play(60)
    player.off(60)
    assert player.expect("release") == [voice, 250]


def test_velocity_zero_is_a_note_off(player):
    voice = player.play(60)
    player.on(60, velocity=0)
    assert player.expect("release")[0] == voice


def test_a_key_let_go_before_it_sounds_is_played_and_released(server):
    player = Player(server, timbre=slow_head(0.2), ready=False)
    player.on(30)
    player.off(30)
    voice = player.expect("play")[0]
    assert player.expect("release")[0] == voice
    player.close()


def test_the_pedal_holds_notes_until_it_is_lifted(player):
    held, let_go = player.play(60), player.play(64)
    player.client.ask("/gansynth/sustain", 127)
    player.off(64)
    assert [word for word, _ in player.heard(0.2) if word == "release"] == []
    player.client.send("/gansynth/sustain", 0)
    assert player.expect("release")[0] == let_go
    assert ("release", held) not in [(w, v[0]) for w, v in player.heard(0.2)]


def test_panic_silences_everything_and_forgets_keys_that_wait(server):
    player = Player(server, 4, timbre=z(1.0))
    voices = {player.play(60), player.play(62)}
    player.timbre(slow_head(0.2))
    player.on(80)
    player.client.send("/gansynth/panic")
    assert {player.expect("stop")[0] for _ in range(2)} == voices
    assert "play" not in [word for word, _ in player.heard(0.5)]
    player.close()


def test_keys_pressed_and_forgotten_in_one_breath_leave_nothing_behind(server):
    player = Player(server, timbre=slow_head(0.01), ready=False)
    for _ in range(70):  # more than keys may wait
        player.on(80)
        player.client.send("/gansynth/panic")
        player.timbre(slow_head(0.01))
    player.on(80)
    player.expect("play")
    player.close()


def test_more_keys_than_may_wait_are_refused(server):
    player = Player(server, timbre=slow_head(0.2), ready=False)
    player.on(*range(24, 85), *range(24, 34))
    assert "64 keys wait for their sound already" in player.client.expect("/fail")[1]
    player.client.ask("/gansynth/panic")
    player.timbre(z(1.0))
    player.on(60)
    player.expect("play")
    player.close()


def test_the_rest_of_a_note_that_comes_too_late_is_reported(server):
    player = Player(server, timbre=slow_head(0.0, 0.6))
    late = player.client.status()["late"]
    voice = player.play(60)
    text = player.client.expect("/fail", "/gansynth/note_on")[1]
    assert "the rest of note 60 came too late: the computer is too busy" in text
    assert player.client.status()["late"] == late + 1
    assert "extend" not in [word for word, values in player.heard(1.0) if values[0] == voice]
    player.timbre(z(1.0))
    player.ready()
    player.play(62)
    player.close()


def test_a_worker_that_dies_during_a_note_leaves_ready_keys_playing(server):
    player = Player(server, timbre=z(667))
    restarts = player.client.status()["restarts"]
    voice = player.play(60)
    assert "died at this request" in player.client.expect("/fail", "/gansynth/note_on")[1]
    other = player.play(64)  # while the worker starts again
    assert other != voice
    words = player.heard(0.5)
    assert "stop" not in [word for word, _ in words]  # it ends softly where its sound ends
    player.client.until(lambda status: status["restarts"] > restarts)
    player.timbre(z(1.0))
    player.ready()
    player.whole(player.play(65))
    player.close()


def test_a_worker_that_dies_at_the_head_of_a_note_fails_that_note(server):
    player = Player(server, timbre=z(1.0))
    restarts = player.client.status()["restarts"]
    player.timbre(z(666))
    assert "the keys cannot be made ready: the model's process died" in player.client.expect(
        "/fail", "/gansynth/ready")[1]
    player.on(60)
    assert "died at this request" in player.client.expect("/fail", "/gansynth/note_on")[1]
    player.timbre(z(1.0))
    player.ready()
    player.play(60)
    assert player.client.status()["restarts"] <= restarts + 5
    player.close()


def test_notes_that_sound_keep_their_timbre_when_another_is_chosen(server):
    player = Player(server, timbre=slow_head(0.0, 0.05))
    voice = player.play(60)
    player.timbre(z(667))  # a tail of this one would kill the worker
    restarts = player.client.status()["restarts"]
    wanted = audio.resample(sine(60), 16000, RATE)
    np.testing.assert_allclose(player.whole(voice), wanted, atol=1e-5)
    assert player.client.status()["restarts"] == restarts
    player.close()


def test_of_a_hundred_timbres_in_a_row_the_last_one_plays(server):
    player = Player(server, timbre=slow_head(0.01), ready=False)
    put(player.client, "other", slow_head(0.01))
    put(player.client, "last", z(667))
    for _ in range(100):
        player.client.send("/gansynth/z", "other")
    player.client.send("/gansynth/z", "last")
    player.ready()
    player.on(60)
    player.expect("play")
    assert "died at this request" in player.client.expect("/fail", "/gansynth/note_on")[1]
    player.client.until(lambda status: status["jobs"] == 0)
    player.timbre(z(1.0))
    player.ready()
    player.close()


def test_a_pitch_outside_the_model_names_its_pitches(player):
    player.on(90)
    assert "pitch 90 is not one of the model's, 24 to 84" in player.client.expect("/fail")[1]


def test_voices_declared_anew_silence_the_old_ones(player):
    voice = player.play(60)
    player.client.send("/gansynth/voices", "w", 2, 44100)
    assert player.expect("stop")[0] == voice
    player.client.expect("/done", "/gansynth/voices")
    player.ready()
    voice = player.play(60)
    wanted = audio.resample(sine(60), 16000, 44100)
    while player.expect("extend", voice)[1] < 3999.9:
        pass
    np.testing.assert_allclose(array(player.client, f"w{voice}")[1:1 + len(wanted)], wanted,
                               atol=1e-5)


def test_notes_without_voices_are_told_what_to_do(tmp_path):
    with ServerProcess(folder=tmp_path) as server:
        client = server.loaded().client()
        client.send("/gansynth/note_on", 60, 100)
        text = client.expect("/fail", "/gansynth/note_on")[1]
        assert "there are no voices" in text and "patches/gansynth.pd" in text
        assert client.status()["ready"] == 0
        client.ask("/gansynth/voices", "v", 2, 48000)
        client.until(lambda status: status["ready"] == 61)


def test_a_stored_timbre_is_the_next_program(player, server):
    player.client.ask("/gansynth/save_z", "timbre", "one.npy")
    assert (np.load(server.folder / "one.npy") == z(1.0)).all()
    put(player.client, "second", z(2.0))
    player.client.ask("/gansynth/save_z", "second", "two.npy")
    seen = [player.client.ask("/gansynth/next_z") and array(player.client, "timbre")[0]
            for _ in range(3)]
    assert seen == [1.0, 2.0, 1.0]
    assert player.client.ask("/gansynth/programs", "two.npy") == [1]
    player.client.ask("/gansynth/next_z")
    assert array(player.client, "timbre")[0] == 2.0
    assert player.client.ask("/gansynth/load_z", "one.npy", "timbre") == ["one.npy"]
    assert array(player.client, "timbre")[0] == 1.0


def make_stored_files(folder):
    np.save(folder / "pickle.npy", np.array([{"a": 1}] * 256), allow_pickle=True)
    np.save(folder / "text.npy", np.array(["a"] * 256))
    np.save(folder / "complex.npy", np.zeros(256, complex))
    np.save(folder / "short.npy", np.zeros(3))
    np.save(folder / "scalar.npy", np.float32(1))
    np.save(folder / "nan.npy", z(np.nan))
    np.save(folder / "huge.npy", np.full(256, 1e300))
    np.savez(folder / "zip.npz", np.zeros(256))
    os.replace(folder / "zip.npz", folder / "zip.npy")
    header = (folder / "short.npy").read_bytes()
    (folder / "claims.npy").write_bytes(header.replace(b"(3,),    ", b"(3000000000000,),")[:200])
    (folder / "garbage.npy").write_bytes(os.urandom(1000))
    (folder / "broken_zip.npy").write_bytes(b"PK\x03\x04" + os.urandom(1000))
    (folder / "empty.npy").write_bytes(b"")
    (folder / "a_folder.npy").mkdir(exist_ok=True)


@pytest.mark.parametrize("file", [
    "pickle", "text", "complex", "short", "scalar", "nan", "huge", "zip", "claims", "garbage",
    "broken_zip", "empty", "a_folder"])
def test_a_file_that_holds_no_timbre_is_refused_with_its_name(player, server, file):
    if not (server.folder / "pickle.npy").exists():
        make_stored_files(server.folder)
    player.client.send("/gansynth/load_z", f"{file}.npy", "timbre")
    text = player.client.expect("/fail", "/gansynth/load_z")[1]
    assert f"{file}.npy" in text and "error in pdbridge itself" not in text
    assert (array(player.client, "timbre") == z(1.0)).all()


def test_a_model_that_died_for_good_can_be_loaded_again(tmp_path):
    with ServerProcess(folder=tmp_path) as server:
        player = Player(server.loaded(), timbre=z(1.0))
        (tmp_path / "fake" / "deadly").touch()
        os.kill(player.client.status()["worker"], signal.SIGKILL)
        player.client.until(lambda status: status["restarts"] == 3)
        player.play(60)  # a ready key needs no model
        assert "died 3 times while loading" in player.client.expect("/fail", "/gansynth/note_on")[1]
        player.timbre(z(2.0))
        player.on(62)
        assert "load it again" in player.client.expect("/fail", "/gansynth/note_on")[1]
        assert "died 3 times" in fails(player.client, "/gansynth/load", "fake")
        (tmp_path / "fake" / "deadly").unlink()
        player.client.ask("/gansynth/load", "fake")
        player.ready()
        player.whole(player.play(60))
        assert "Traceback" not in server.output()


@pytest.mark.parametrize("seed", [1, 2])
def test_after_any_mix_of_messages_and_deaths_a_note_plays(tmp_path, seed):
    chance = random.Random(seed)
    (tmp_path / "other").mkdir()
    settings = {"pdbridge.instruments.gansynth.LONGEST_NOTE": 0.5}
    with ServerProcess(folder=tmp_path, settings=settings) as server:
        player = Player(server.loaded(), timbre=z(1.0), ready=False)
        client = server.client()
        for name, timbre in (("a", z(1.0)), ("b", slow_head(0.003, 0.01)), ("deadly", z(667))):
            put(client, name, timbre)
        pitches = range(24, 85)
        messages = {
            "note_on": lambda: (chance.choice(pitches), chance.randrange(128)),
            "note_off": lambda: (chance.choice(pitches),),
            "sustain": lambda: (chance.choice((0, 127)),), "panic": tuple, "cancel": tuple,
            "z": lambda: (chance.choice(("a", "b", "b", "deadly")),), "unload": tuple,
            "load": lambda: (chance.choice(("fake", "other")),),
            "voices": lambda: ("v", chance.choice((1, 4, 16)), chance.choice((44100, 48000)), 4),
            "synthesize": lambda: ("b", "sound", 60), "slerp_z": lambda: ("a", "b", "c", 0.5),
        }
        weights = [60, 40, 5, 2, 1, 10, 1, 2, 2, 3, 5]
        for count in range(1500):
            [name] = chance.choices(list(messages), weights)
            client.send(f"/gansynth/{name}", *messages[name]())
            if count % 300 == 50 and (worker := client.status()["worker"]):
                with contextlib.suppress(ProcessLookupError):  # a deadly timbre was first
                    os.kill(worker, signal.SIGKILL)
            time.sleep(chance.choice((0, 0, 0.002)))
        client.ask("/gansynth/panic")
        client.until(lambda status: status["waiting"] == 0)
        client.ask("/gansynth/load", "fake")
        player = Player(server, timbre=z(1.0))
        player.whole(player.play(60))
        # a model that was replaced stays as long as its notes may sound
        client.until(lambda status: status["jobs"] == 0 and status["workers"] == 1)
        assert "Traceback" not in server.output()
        assert "never retrieved" not in server.output(), server.output()


def test_the_server_had_nothing_to_complain_about(server):
    lines = [line for line in server.output().splitlines()
             if not line.startswith(("pdbridge: ", "the process of the model", "  none"))]
    assert lines == []
