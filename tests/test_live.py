"""The whole path: a key in a real Pd, the patch, the server, a worker, and what is heard."""

import os
import signal
import time

import fake_model
import numpy as np
import pytest
from puredata import CLONE, PATCHES, PureData, frequency, image_db, largest_step, sounding, spectrum
from server_process import ServerProcess

GANSYNTH = PATCHES / "gansynth.pd"
COURSE = CLONE / "tests" / "data" / "course_patch.pd"
REAL_MODEL = "pdbridge.gansynth.model:GANSynth.load"
RATE = 48000


@pytest.fixture(scope="module")
def open_stage(server, tmp_path_factory):
    """The instrument's patch in one Pd for all tests: (Pd, an OSC client of the server)."""
    with PureData(GANSYNTH, tmp_path_factory.mktemp("pd"), server.port) as pd:
        client = server.client()
        client.until(lambda status: status["players"] == 1)
        yield pd, client


@pytest.fixture
def stage(open_stage):
    """The same, silent and with every key of a plain timbre ready."""
    pd, client = open_stage
    pd.send("$0-in", "panic")
    use_timbre(pd, np.full(256, 0.1))
    all_ready(client)
    return pd, client


def all_ready(client, timeout=30):
    client.until(lambda status: status["ready"] == status["keys"] == 61, timeout)


def use_timbre(pd, z):
    pd.write(f"{pd.dollar_zero}-z", np.asarray(z, np.float32))
    pd.send("$0-in", "z", "$0-z")
    time.sleep(0.1)  # the keys of the timbre before are not ready any more


def play(pd, *pitches, seconds=0.5, after=0.5, velocity=127):
    """Press keys together, hold them, let go; the left channel of what was heard."""
    with pd.recording() as sound:
        for pitch in pitches:
            pd.note(pitch, velocity)
        time.sleep(seconds)
        for pitch in pitches:
            pd.note(pitch, 0)
        time.sleep(after)
    return sound.samples[:, 0]


def heard(samples, seconds=0.3, skip=0.05):
    """A piece from the middle of the first sound."""
    assert np.any(samples), "nothing was heard"
    first = sounding(samples)[0] + int(skip * RATE)
    return samples[first:first + int(seconds * RATE)]


def strength(samples, pitch):
    """Level (dB) of a pitch's fundamental in a piece of sound."""
    frequencies, magnitudes = spectrum(samples)
    near = abs(frequencies - fake_model.frequency(pitch)) < 4
    return 20 * np.log10(magnitudes[near].max() + 1e-9)


def test_a_pressed_key_sounds_at_its_pitch(stage):
    pd, _ = stage
    samples = play(pd, 69)
    assert frequency(heard(samples)) == pytest.approx(440, abs=0.2)
    assert pd.complaints() == []


def test_a_silent_instrument_is_exactly_silent(stage):
    pd, _ = stage
    play(pd, 60, 64)
    time.sleep(0.3)
    assert abs(pd.record(0.5)).max() == 0


def test_a_note_has_no_click_from_its_beginning_to_its_end(stage):
    pd, _ = stage
    samples = play(pd, 57, seconds=1.0)
    level = abs(samples).max()
    step = 2 * np.pi * fake_model.frequency(57) / RATE * level
    assert largest_step(samples) < 1.3 * step


def test_velocity_is_loudness(stage):
    pd, _ = stage
    loud = abs(play(pd, 69, velocity=127)).max()
    soft = abs(play(pd, 69, velocity=32)).max()
    assert soft / loud == pytest.approx(32 / 127, rel=0.05)


def test_a_chord_sounds_with_all_its_notes(stage):
    pd, _ = stage
    chord = (48, 55, 60, 64, 67, 72)
    piece = heard(play(pd, *chord))
    levels = [strength(piece, pitch) for pitch in chord]
    assert max(levels) - min(levels) < 1.5
    assert strength(piece, 58) < max(levels) - 40


def test_the_ninth_key_takes_the_voice_of_the_first(stage):
    pd, _ = stage
    keys = (48, 50, 52, 54, 56, 58, 60, 62)
    with pd.recording() as sound:
        for pitch in keys:
            pd.note(pitch, 100)
            time.sleep(0.02)
        time.sleep(0.3)
        pd.note(74, 100)
        time.sleep(0.5)
        for pitch in (*keys, 74):
            pd.note(pitch, 0)
    samples = sound.samples[:, 0]
    end = samples[-int(0.35 * RATE):-int(0.05 * RATE)]
    assert strength(end, 74) > strength(end, 48) + 40
    assert min(strength(end, pitch) for pitch in keys[1:]) > strength(end, 48) + 30


def test_a_whole_note_arrives_while_it_sounds(stage):
    pd, client = stage
    samples = play(pd, 60, seconds=4.2)
    first, last = sounding(samples)
    assert (last - first) / RATE == pytest.approx(4.0, abs=0.02)
    for begin in (0.2, 1.0, 2.0, 3.5):
        piece = heard(samples, skip=begin)
        assert frequency(piece) == pytest.approx(fake_model.frequency(60), abs=0.3)
    assert client.status()["late"] == 0


def test_a_released_note_ends_within_its_release_time(stage):
    pd, _ = stage
    samples = play(pd, 64, seconds=0.5, after=1.0)
    first, last = sounding(samples)
    assert (last - first) / RATE == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize("rate", [44100, 48000])
def test_notes_at_the_hosts_rate_have_no_image(rate, tmp_path):
    with (ServerProcess(folder=tmp_path).loaded() as server,
          PureData(GANSYNTH, tmp_path, server.port, sample_rate=rate) as pd):
        all_ready(server.client())
        samples = play(pd, 84, seconds=1.0)
        piece = samples[sounding(samples)[0] + rate // 20:][:rate // 2]
        hertz = frequency(piece, rate)
        assert hertz == pytest.approx(fake_model.frequency(84), rel=1e-3)
        assert image_db(piece, hertz, sample_rate=rate) < -60


def test_a_key_of_a_timbre_just_chosen_sounds_at_once(stage):
    pd, client = stage
    z = np.zeros(256)
    z[:3] = 668, 0.2, 0.01  # 12 s until all keys are ready
    use_timbre(pd, z)
    samples = play(pd, 24, seconds=1.0)
    assert frequency(heard(samples)) == pytest.approx(fake_model.frequency(24), abs=0.3)
    assert client.status()["ready"] < 61


def test_a_note_whose_rest_does_not_come_ends_softly(stage):
    pd, client = stage
    for _ in range(12):  # leaves a sound in the array of every voice
        play(pd, 84, seconds=0.45, after=0.35)
    late = client.status()["late"]
    z = np.zeros(256)
    z[:3] = 668, 0.0, 0.7  # seconds that each slice of the rest takes
    use_timbre(pd, z)
    all_ready(client)
    with pd.recording() as sound:
        pd.note(60, 127)
        time.sleep(0.8)
    samples = sound.samples[:, 0]
    first, last = sounding(samples)
    assert (last - first) / RATE < 0.33
    assert largest_step(samples) < 0.02
    assert strength(heard(samples, seconds=0.2), 84) < -60
    pd.note(60, 0)
    client.until(lambda status: status["late"] == late + 1)


def test_panic_silences_everything(stage):
    pd, _ = stage
    with pd.recording() as sound:
        for pitch in (50, 57, 62):
            pd.note(pitch, 100)
        time.sleep(0.3)
        pd.send("$0-in", "panic")
        time.sleep(0.3)
    samples = sound.samples[:, 0]
    assert abs(samples[-int(0.15 * RATE):]).max() == 0
    assert np.any(samples)


def test_the_worker_is_killed_and_playing_goes_on(stage):
    pd, client = stage
    before = client.status()
    os.kill(before["worker"], signal.SIGKILL)
    samples = play(pd, 69, seconds=0.25, after=0.1)  # ready: its first third of a second is there
    assert frequency(heard(samples, seconds=0.2)) == pytest.approx(440, abs=1)
    client.until(lambda s: s["worker"] not in (0, before["worker"])
                 and s["restarts"] == before["restarts"] + 1)
    samples = play(pd, 64, seconds=1.0)
    assert (sounding(samples)[1] - sounding(samples)[0]) / RATE > 0.9


def test_a_worker_killed_in_a_render_fails_the_request_and_loads_again(stage):
    pd, client = stage
    z = np.zeros(256)
    z[0] = 667  # dies in the second slice
    pd.write(f"{pd.dollar_zero}-z1", z)
    before = client.status()
    pd.send("$0-in", "synthesize", "$0-z1", "$0-sound", 60.0)
    client.until(lambda s: s["failed"] > before["failed"] and s["restarts"] > before["restarts"])
    assert "died" in pd.console
    samples = play(pd, 69)
    assert frequency(heard(samples)) == pytest.approx(440, abs=0.2)


def test_the_server_is_restarted_under_an_open_patch(tmp_path):
    with ServerProcess(folder=tmp_path) as server:
        server.loaded()
        with PureData(GANSYNTH, tmp_path, server.port) as pd:
            all_ready(server.client())
            server.kill()
            with ServerProcess(folder=tmp_path, port=server.port) as again:
                again.loaded()
                client = again.client()
                all_ready(client)
                samples = play(pd, 69)
                assert frequency(heard(samples)) == pytest.approx(440, abs=0.2)
                assert client.status()["failed"] == 0


def test_mistakes_are_named_in_the_pd_window(stage):
    pd, client = stage
    before = client.status()["failed"]
    pd.send("$0-in", "synthesize", "$0-z", "$0-nowhere", 60.0)
    pd.send("$0-in", "synthesize", "$0-sound", "$0-sound", 60.0)
    pd.send("$0-in", "load", "no_such_model")
    pd.send("$0-in", "note_on", 100.0, 100.0)
    pd.send("$0-in", "note_on", "loud")
    pd.send("$0-in", "nonsense", 1.0)
    client.until(lambda status: status["failed"] == before + 6)
    assert pd.ping()
    for words in (f"no array {pd.dollar_zero}-nowhere", "256", "no_such_model", "24 to 84",
                  "takes pitch velocity", "no message 'nonsense'"):
        assert words in pd.console


def test_a_patch_written_for_the_course_runs_as_it_is(server, tmp_path):
    with PureData(COURSE, tmp_path, server.port) as pd:
        pd.send("$0-in", "randomize_z", "$0-z")
        with pd.recording() as sound:
            pd.send("$0-in", "synthesize", "$0-z", "$0-sound", 52.0)
            time.sleep(2)
        piece = heard(sound.samples[:, 0])
        assert frequency(piece) == pytest.approx(fake_model.frequency(52), abs=0.3)
        assert "synthesized" in pd.console and "randomized" in pd.console
        assert "fail" not in pd.console


def test_no_message_of_a_note_costs_pd_more_than_it_may(stage):
    """Processor time of Pd for a note of 48 slices, an average a slice; the limit is 0.3 ms."""
    pd, _ = stage
    pd.send("pd", "dsp", 0.0)
    idle = pd.cost(lambda: time.sleep(1.0))
    costs = []
    for pitch in (40, 50, 60, 70):
        def note(pitch=pitch):
            pd.note(pitch, 100)
            time.sleep(1.0)  # the whole note has arrived by then
        costs.append((pd.cost(note) - idle) / 48)
        pd.note(pitch, 0)
    pd.send("pd", "dsp", 1.0)
    assert np.median(costs) < 0.3


def test_the_built_in_model_plays_in_tune_through_the_patch(tmp_path):
    with ServerProcess("small_hours", REAL_MODEL, tmp_path) as server:
        server.loaded()
        with PureData(GANSYNTH, tmp_path, server.port) as pd:
            client = server.client()
            all_ready(client, timeout=60)
            for pitch in (60, 67, 76):
                samples = play(pd, pitch, seconds=0.8)
                fundamental = fake_model.frequency(pitch)
                cents = tuning(heard(samples, seconds=0.6), fundamental)
                assert abs(cents) < 20
            assert client.status()["failed"] == 0


def tuning(samples, fundamental):
    """Cents between a sound and a pitch, by its first six partials."""
    frequencies, magnitudes = spectrum(samples)
    cents = np.arange(-200, 200.5, 1)
    candidates = fundamental * 2 ** (cents / 1200)
    strengths = sum(np.interp(candidates * k, frequencies, magnitudes) / k for k in range(1, 7))
    return cents[np.argmax(strengths)]


def test_a_program_change_plays_the_next_stored_timbre(stage):
    pd, client = stage

    def stored(name):
        """What the z array holds now, by way of a file."""
        pd.send("$0-in", "save_z", "$0-z", name)
        path = pd.patch.parent / name
        client.until(lambda _: path.exists())
        return np.load(path)

    for name, value in (("one.npy", 1.0), ("two.npy", 2.0)):
        pd.write(f"{pd.dollar_zero}-z", np.full(256, value, np.float32))
        assert np.all(stored(name) == value)
    for changes, value in ((1, 1.0), (2, 2.0), (3, 1.0)):
        pd.send("$0-in", "programs", "one.npy", "two.npy")
        for _ in range(changes):
            pd.send("#pgmin", 5, 1)
        assert np.all(stored(f"after-{changes}.npy") == value)
