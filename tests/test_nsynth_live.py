"""The whole path of a note grid: a key in a real Pd, nsynth.pd, the server, and what is heard."""

import time

import fake_grid
import numpy as np
import pytest
from fake_grid import frequency as hertz
from puredata import (
    PATCHES,
    PureData,
    finished_wav,
    frequency,
    image_db,
    largest_step,
    residual_db,
    sounding,
    spectrum,
)
from server_process import ServerProcess
from test_live import REAL_MODEL, heard, play, strength, tuning

NSYNTH = PATCHES / "nsynth.pd"
RATE = 48000
LEVEL = 10 ** (-12 / 20)  # of the patch
CENTRE = 0.5  # loudness of the middle cell


def opened(server):
    """Wait until the patch has its voices and a grid; an OSC client."""
    server.wait()
    client = server.client()
    client.until(lambda status: status["players"] == 1 and status["grid"] != "none")
    return client


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grids")
    fake_grid.write(folder / "small.bin")
    fake_grid.write(folder / "looped.bin", loop=(0.2, 0.41))
    with ServerProcess(model=None, folder=folder, grid="small") as server:
        yield server


@pytest.fixture(scope="module")
def open_stage(server, tmp_path_factory):
    with PureData(NSYNTH, tmp_path_factory.mktemp("pd"), server.port) as pd:
        yield pd, opened(server)


@pytest.fixture
def stage(open_stage):
    """The patch with the small grid, silent, its pad in the middle; and an OSC client."""
    pd, client = open_stage
    pd.send("$0-in", "panic")
    pd.send("$0-in", "loop", 0)
    load(pd, client, "small")
    move(pd, 0.5, 0.5)
    return pd, client


def load(pd, client, name):
    pd.send("$0-in", "load", name)
    assert pd.ping()
    client.until(lambda status: status["grid"] == name)


def move(pd, x, y):
    """As the mouse does."""
    pd.send("$0-to-pad", "values", x, y)
    assert pd.ping()


def fundamental_level(samples, pitch):
    frequencies, magnitudes = spectrum(samples)
    return magnitudes[abs(frequencies - hertz(pitch)) < 4].max()


@pytest.mark.parametrize("pitch", [60, 36, 55, 70, 31])
def test_a_key_sounds_at_its_pitch_whether_the_grid_has_it_or_not(pitch, stage):
    pd, _ = stage
    samples = play(pd, pitch, seconds=0.6)
    assert frequency(heard(samples)) == pytest.approx(hertz(pitch), abs=0.05)
    assert fundamental_level(heard(samples), pitch) == pytest.approx(CENTRE * LEVEL, rel=0.02)
    assert pd.complaints() == []


def test_the_pad_chooses_the_cell_of_the_next_note(stage):
    pd, _ = stage
    for (x, y), (row, col) in (((0, 0), (0, 0)), ((1, 0), (0, 2)), ((0.1, 0.9), (2, 0)), ((1, 1), (2, 2)),
                               ((0.4, 0.6), (1, 1))):
        move(pd, x, y)
        level = fundamental_level(heard(play(pd, 60, seconds=0.4, after=0.35)), 60)
        assert level == pytest.approx(fake_grid.loudness(row, col) * LEVEL, rel=0.02)


def test_a_moving_pad_changes_nothing_in_the_note_that_sounds(stage):
    pd, _ = stage
    with pd.recording() as sound:
        pd.note(60, 127)
        for k in range(80):
            move(pd, k % 9 / 8, k % 7 / 6)
            time.sleep(0.008)
        pd.note(60, 0)
        time.sleep(0.4)
    samples = sound.samples[:, 0]
    piece = heard(samples, seconds=0.55, skip=0.02)
    assert residual_db(piece, hertz(60)) < -60


def test_velocity_is_loudness(stage):
    pd, _ = stage
    loud, soft = (abs(play(pd, 60, seconds=0.3, velocity=velocity)).max() for velocity in (127, 32))
    assert soft / loud == pytest.approx(32 / 127, rel=0.03)


def test_a_note_ends_with_its_key_and_at_its_end_without_a_click(stage):
    pd, _ = stage
    for seconds, length in ((0.4, 0.7), (1.4, 1.0)):
        samples = play(pd, 60, seconds=seconds, after=0.6)
        first, last = sounding(samples)
        assert (last - first) / RATE == pytest.approx(length, abs=0.1)
        assert largest_step(samples) < 1.3 * 2 * np.pi * hertz(60) / RATE * CENTRE * LEVEL
    assert abs(pd.record(0.3)).max() == 0


def test_the_ninth_key_takes_the_voice_of_the_first_without_a_click(stage):
    pd, _ = stage
    move(pd, 0, 0)
    keys = (48, 50, 52, 54, 56, 58, 60, 62)
    with pd.recording() as sound:
        for pitch in keys:
            pd.note(pitch, 127)
            time.sleep(0.015)
        time.sleep(0.1)
        pd.note(65, 127)
        time.sleep(0.5)
        for pitch in (*keys, 65):
            pd.note(pitch, 0)
        time.sleep(0.4)
    samples = sound.samples[:, 0]
    first = sounding(samples)[0]
    before, after = (samples[first + int(start * RATE):][:int(length * RATE)]
                     for start, length in ((0.12, 0.09), (0.3, 0.3)))
    assert strength(before, 48) > strength(before, 65) + 10
    assert strength(after, 65) > strength(after, 48) + 40
    assert min(strength(after, pitch) for pitch in keys[1:]) > strength(after, 48) + 40
    steps = [2 * np.pi * hertz(pitch) / RATE * 0.1 * LEVEL for pitch in (*keys, 65)]
    assert largest_step(samples) < 1.1 * sum(steps)


def test_a_held_note_repeats_beyond_its_end_without_a_click(stage):
    pd, client = stage
    load(pd, client, "looped")
    pd.send("$0-in", "loop", 1)
    samples = play(pd, 60, seconds=2.5, after=0.6)
    first, last = sounding(samples)
    assert (last - first) / RATE == pytest.approx(2.8, abs=0.1)
    held = samples[first + 1000:first + int(2.4 * RATE)]
    assert frequency(held) == pytest.approx(hertz(60), abs=0.2)
    assert largest_step(samples) < 1.05 * 2 * np.pi * hertz(60) / RATE * CENTRE * LEVEL
    assert abs(pd.record(0.2)).max() == 0


def test_a_repeating_chord_is_stolen_and_released_without_a_click(stage):
    pd, client = stage
    load(pd, client, "looped")
    move(pd, 0, 0)
    pd.send("$0-in", "loop", 1)
    chord = (43, 48, 52, 55, 60, 64, 67, 72, 76, 79)
    with pd.recording() as sound:
        for pitch in chord:
            pd.note(pitch, 127)
            time.sleep(0.1)
        time.sleep(0.6)
        for pitch in chord:
            pd.note(pitch, 0)
        time.sleep(0.6)
    samples = sound.samples[:, 0]
    first, last = sounding(samples)
    assert (last - first) / RATE == pytest.approx(1.95, abs=0.2)
    steps = [2 * np.pi * hertz(pitch) / RATE * 0.1 * LEVEL for pitch in chord]
    assert largest_step(samples) < 1.1 * sum(steps)
    assert abs(pd.record(0.2)).max() == 0


@pytest.mark.parametrize("rate", [44100, 48000])
def test_a_high_partial_has_no_image(rate, tmp_path):
    fake_grid.write(tmp_path / "bright.bin", pitches=(114,))
    with (ServerProcess(model=None, folder=tmp_path, grid="bright") as server,
          PureData(NSYNTH, tmp_path, server.port, sample_rate=rate) as pd):
        opened(server)
        for pitch in (114, 113):
            samples = play(pd, pitch, seconds=0.6)
            piece = samples[sounding(samples)[0] + rate // 20:][:rate // 2]
            assert frequency(piece, rate) == pytest.approx(hertz(pitch), rel=1e-4)
            assert image_db(piece, hertz(pitch), sample_rate=rate) < -60


def test_a_pad_that_somebody_else_moves_follows_and_plays_there(stage):
    pd, client = stage
    pd.listen("$0-to-pad", "pad")
    client.ask("/nsynth/position_rel", 1.0, 0.0)
    while pd.report("pad") != ["cell", 2, 0]:
        pass  # those of the move before
    assert pd.report("pad") == ["set", 0, 1]
    level = fundamental_level(heard(play(pd, 60, seconds=0.4)), 60)
    assert level == pytest.approx(fake_grid.loudness(2, 0) * LEVEL, rel=0.02)


def test_mistakes_are_named_and_the_patch_plays_on(stage):
    pd, client = stage
    before = client.status()["failed"]
    pd.send("$0-in", "load", "nowhere.bin")
    pd.send("$0-in", "render", "$0-nothing", 60)
    pd.send("$0-in", "position_rel", 0.5, 1.5)
    pd.send("$0-in", "note_on", 200, 100)
    client.until(lambda status: status["failed"] == before + 4)
    assert pd.ping()
    for words in ("no note grid nowhere.bin", f"no array {pd.dollar_zero}-nothing", "between 0 and 1",
                  "between 0 and 127"):
        assert words in pd.console
    assert frequency(heard(play(pd, 60))) == pytest.approx(hertz(60), abs=0.1)


def test_a_note_is_rendered_into_the_array_and_heard(stage):
    pd, _ = stage
    with pd.recording() as sound:
        pd.send("$0-pitch", 57)
        pd.send("$0-render", "bang")
        time.sleep(1.0)
    assert frequency(heard(sound.samples[:, 0])) == pytest.approx(hertz(57), abs=0.1)


def test_the_patch_records_what_it_plays(stage, tmp_path):
    pd, _ = stage
    path = tmp_path / "phrase.wav"
    pd.send("pdbridge-record", "start", str(path))
    play(pd, 60, seconds=0.4)
    pd.send("pdbridge-record", "stop")
    samples = finished_wav(path)[:, 0]
    assert frequency(heard(samples)) == pytest.approx(hertz(60), abs=0.1)


def test_the_server_is_restarted_under_an_open_patch(tmp_path):
    fake_grid.write(tmp_path / "small.bin")
    fake_grid.write(tmp_path / "mine.bin", loop=(0.2, 0.41))
    with ServerProcess(model=None, folder=tmp_path, grid="small") as server:
        with PureData(NSYNTH, tmp_path, server.port) as pd:
            load(pd, opened(server), "mine")
            pd.listen("$0-to-pad", "pad")
            move(pd, 1, 1)
            while pd.report("pad") != ["cell", 2, 2]:
                pass
            server.client().ask("/sync", 1, answer="/synced")
            server.kill()
            with ServerProcess(model=None, folder=tmp_path, grid="small", port=server.port) as again:
                again.wait()
                client = again.client()
                client.until(lambda status: status["players"] == 1 and status["grid"] == "mine")
                samples = play(pd, 60, seconds=1.5)
                assert (sounding(samples)[1] - sounding(samples)[0]) / RATE > 1.6
                level = fundamental_level(heard(samples), 60)
                assert level == pytest.approx(fake_grid.loudness(2, 2) * LEVEL, rel=0.02)
                assert client.status()["failed"] == 0


def test_the_first_grid_is_there_by_itself_and_in_tune(tmp_path):
    with ServerProcess(model=None, loader=REAL_MODEL, folder=tmp_path) as server:
        server.wait()
        with PureData(NSYNTH, tmp_path, server.port) as pd:
            pd.listen("$0-show-progress", "progress")
            client = server.client()
            client.until(lambda status: status["grid"] == "first_grid", timeout=120)
            assert pd.report("progress")[1].startswith("made: ")
            for (x, y), pitch in (((0, 0), 65), ((1, 0.5), 58), ((0.5, 1), 74)):
                move(pd, x, y)
                samples = play(pd, pitch, seconds=0.8)
                assert abs(tuning(heard(samples, seconds=0.6), hertz(pitch))) < 20
            assert client.status()["failed"] == 0
            assert pd.complaints() == []
