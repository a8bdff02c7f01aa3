"""The instrument nsynth: grids, the pad, notes that repeat, the first grid, and what can go wrong."""

import json
import os
import resource
import shutil
import time

import fake_grid
import numpy as np
import pytest
from server_process import ServerProcess
from test_keyboard import Player
from test_midi import Keys, with_midi
from test_puredata_host import Patch, empty
from test_server import array, fails, z

from pdbridge import audio
from pdbridge.hosts.wire import encode
from pdbridge.instruments import grids
from pdbridge.notegrid import NoteGrid

RATE = 48000
NSYNTH = ("pdbridge.pyext", "nsynth", "@detach", 1.0)


class Pad:
    """An OSC client with voices of its own on a grid, which hears what they do."""

    def __init__(self, server, grid="small", voices=4, polyphony=None, rate=RATE):
        self.client, self.listener = server.client(), server.client()
        self.client.ask("/notify", 1)
        self.client.ask("/nsynth/load", str(grid))
        polyphony = () if polyphony is None else (polyphony,)
        self.client.send("/nsynth/release", 100)
        self.rate = self.client.ask("/nsynth/voices", "v", voices, rate, *polyphony)[1]

    def move(self, row, col):
        self.client.ask("/nsynth/position", row, col)

    def on(self, pitch, velocity=100):
        self.client.send("/nsynth/note_on", pitch, velocity)

    def expect(self, word, *first, timeout=10):
        return self.client.expect(f"/nsynth/{word}", *first, timeout=timeout)

    def play(self, pitch):
        """Press a key; the voice that plays it."""
        self.on(pitch)
        while True:
            voice, played, _, _ = self.expect("play")
            if played == pitch:
                return voice

    def whole(self, voice, samples):
        """Wait until so many samples are in a voice; these."""
        while self.expect("extend", voice)[1] < samples / self.rate * 1000 - 0.1:
            pass
        return array(self.client, f"v{voice}")[1:1 + samples]

    def arrived(self, voice, samples):
        """Wait until these samples are in a voice."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            there = array(self.listener, f"v{voice}")[1:1 + len(samples)]
            if np.allclose(there, samples, atol=1e-6):
                return
        np.testing.assert_allclose(there, samples, atol=1e-6)

    def heard(self, seconds=0.2):
        """The words that are reported within a time."""
        until, words = time.monotonic() + seconds, []
        while (left := until - time.monotonic()) > 0:
            message = self.client.receive(left)
            if message:
                words.append((message[0].rpartition("/")[2], message[1]))
        return words

    def close(self):
        self.client.ask("/nsynth/panic")
        self.client.send("/nsynth/loop_points", 0.2, 0.41)
        self.client.send("/nsynth/loop", 0)
        self.client.ask("/nsynth/voices", "v", 0, RATE)
        self.client.send("/notify", 0)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    fake_grid.write(folder / "small.bin")
    fake_grid.write(folder / "looped.bin", loop=(0.2, 0.41))
    fake_grid.write(folder / "long.bin", pitches=(60,), length=48000, resolution=2, corners=None)
    with ServerProcess(folder=folder) as server:
        yield server.loaded()


@pytest.fixture
def pad(server):
    pad = Pad(server)
    yield pad
    pad.close()


def wanted(row, col, pitch, played, rate=RATE, **grid):
    """The note of a cell's `pitch`, played as `played`, at the voices' rate."""
    speed = 2 ** ((played - pitch) / 12)
    return audio.resample(fake_grid.note(row, col, pitch, **grid), 16000 * speed, rate)


# Grids


def test_a_loaded_grid_tells_what_it_holds(server, client):
    client.ask("/notify", 1)
    client.send("/nsynth/load", "small")
    assert client.expect("/nsynth/busy") == [1]
    assert client.expect("/nsynth/grid") == ["small", 3, 3, 4, 36, 66]
    assert [client.expect("/nsynth/corner") for _ in range(4)] == [
        [1, "glass"], [2, "string"], [3, "whistle"], [4, "wood"]]
    assert client.expect("/nsynth/loop") == [0]
    assert client.expect("/nsynth/cell") == [1, 1]
    assert client.expect("/nsynth/busy") == [0]
    assert client.expect("/done", "/nsynth/load")[1:] == [3, 3, 16000, 16000, 36, 48, 60, 66]


def test_a_grid_is_found_by_its_name_its_folder_or_its_settings(server, client, tmp_path):
    fake_grid.write(tmp_path / "other.bin", resolution=1)
    os.rename(tmp_path / "other.json", tmp_path / "mine.json")
    assert client.ask("/nsynth/load", "small.bin")[0] == 3
    assert client.ask("/nsynth/load", str(server.folder / "small.bin"), "small.json")[0] == 3
    assert client.ask("/nsynth/load", str(tmp_path), str(tmp_path / "mine.json"))[0] == 1
    assert client.ask("/nsynth/load", str(tmp_path / "other"), "mine.json")[0] == 1
    shutil.move(tmp_path, server.folder / "cache" / "grids" / "project")
    assert client.ask("/nsynth/load", "project", "mine.json")[0] == 1


def test_corners_that_nobody_named_are_dashes(server, client):
    client.ask("/notify", 1)
    client.ask("/nsynth/load", "small")
    client.send("/nsynth/load", "long")
    assert client.expect("/nsynth/grid") == ["long", 2, 2, 1, 60, 60]
    assert client.expect("/nsynth/corner") == [1, "-"]
    client.expect("/done", "/nsynth/load")


def test_without_a_grid_it_says_what_to_do(server, client):
    client.ask("/nsynth/load", "small")
    client.ask("/notify", 1)
    client.send("/nsynth/unload")
    assert client.expect("/nsynth/grid") == ["none", 0, 0, 0, 0, 0]
    client.expect("/done", "/nsynth/unload")
    for message in (("note_on", 60, 100), ("position", 0, 0), ("render", "a", 60)):
        text = fails(client, f"/nsynth/{message[0]}", *message[1:])
        assert "no note grid is loaded; send load first_grid, or load a .bin file" in text
    client.ask("/nsynth/position_rel", 0.0, 1.0)  # kept for the next grid
    client.send("/nsynth/load", "small")
    assert client.expect("/nsynth/cell") == [0, 2]
    client.expect("/done", "/nsynth/load")
    client.ask("/nsynth/position", 1, 1)


# Notes


@pytest.mark.parametrize("rate", [48000, 44100])
@pytest.mark.parametrize("pitch, played", [(60, 60), (60, 62), (48, 54), (66, 78), (36, 30)])
def test_a_key_plays_the_nearest_note_of_the_cell_at_its_own_pitch(server, rate, pitch, played):
    pad = Pad(server, rate=rate)
    pad.move(2, 0)
    expected = wanted(2, 0, pitch, played, rate)
    samples = pad.whole(pad.play(played), len(expected))
    np.testing.assert_allclose(samples, expected, atol=1e-6)
    pad.close()


def test_a_key_sounds_at_once_and_its_voice_is_told(pad):
    pad.on(60, 77)
    voice, pitch, velocity, milliseconds = pad.expect("play")
    assert (pitch, velocity) == (60, 77) and 1 <= voice <= 4 and 80 < milliseconds < 200
    pad.client.send("/nsynth/note_off", 60)
    assert pad.expect("release") == [voice, 100]


def test_velocity_zero_is_a_note_off(pad):
    voice = pad.play(60)
    pad.on(60, velocity=0)
    assert pad.expect("release")[0] == voice


def test_the_pad_changes_the_next_note_and_not_the_one_that_sounds(pad):
    pad.move(0, 0)
    first = pad.play(60)
    pad.client.ask("/nsynth/position_rel", 1.0, 1.0)
    second = pad.play(60)
    pad.arrived(first, wanted(0, 0, 60, 60))
    pad.arrived(second, wanted(2, 2, 60, 60))


def test_the_pad_tells_the_cell_only_when_it_changes(pad):
    pad.move(0, 0)
    pad.heard(0.05)
    for y, x in ((0.0, 0.1), (0.2, 0.2), (0.0, 0.3), (0.0, 0.9), (0.76, 0.9)):
        pad.client.send("/nsynth/position_rel", y, x)
    cells = [values for word, values in pad.heard(0.3) if word == "cell"]
    assert cells == [[0, 1], [0, 2], [2, 2]]


def test_half_way_between_two_cells_is_the_even_one_as_in_the_original(pad):
    pad.move(1, 1)
    for y, cell in ((0.25, 0), (0.75, 2)):
        pad.client.send("/nsynth/position_rel", y, 0.5)
        assert pad.expect("cell") == [cell, 1]


def test_another_grid_is_loaded_while_notes_of_the_old_one_sound_on(pad):
    pad.move(0, 1)
    first = pad.play(48)
    pad.client.ask("/nsynth/load", "looped")
    second = pad.play(62)
    assert first != second
    pad.arrived(first, wanted(0, 1, 48, 48))
    assert ("stop", [first, 10]) not in pad.heard(0.1)


def test_voices_grow_when_a_grid_has_longer_notes(pad):
    assert len(array(pad.client, "v1")) < 3 * RATE
    pad.client.ask("/nsynth/load", "long")
    expected = wanted(1, 1, 60, 60, length=48000, resolution=2)
    pad.move(1, 1)
    np.testing.assert_allclose(pad.whole(pad.play(60), len(expected)), expected, atol=1e-6)


def test_a_key_far_below_the_grid_fills_the_voice_and_no_more(pad):
    expected = wanted(1, 1, 36, 12)[:2 * RATE]
    pad.move(1, 1)
    np.testing.assert_allclose(pad.whole(pad.play(12), len(expected)), expected, atol=1e-6)
    assert "fail" not in [word for word, _ in pad.heard(0.1)]


def test_never_more_voices_sound_than_allowed(server):
    pad = Pad(server, voices=6, polyphony=2)
    first, second = pad.play(60), pad.play(62)
    pad.on(64)
    assert pad.expect("stop") == [first, 10]
    assert pad.expect("play")[0] not in (first, second)
    pad.close()


def test_the_note_of_the_cell_under_the_pad_is_written_as_a_file(server, client):
    client.ask("/nsynth/load", "small")
    client.ask("/nsynth/position", 2, 1)
    path = server.folder / "note.wav"
    assert client.ask("/nsynth/write_note", 50, "note.wav", 44100) == ["note.wav", 50, 44100, path.as_posix()]
    written, rate = audio.read_wav(path)
    assert rate == 44100
    note = audio.resample(wanted(2, 1, 48, 50, 16000), 16000, 44100)
    np.testing.assert_allclose(written, note, atol=1e-6)
    client.ask("/nsynth/position", 0, 0)
    client.ask("/nsynth/write_note", 48, "note.wav")
    np.testing.assert_array_equal(audio.read_wav(path)[0], fake_grid.note(0, 0, 48))
    client.ask("/nsynth/load", "long")
    assert "more than 16777216 samples" in fails(client, "/nsynth/write_note", 0, "note.wav", 192000)


def test_a_note_is_rendered_into_an_array_at_the_grids_rate(server, client):
    client.ask("/nsynth/load", "small")
    client.ask("/nsynth/position", 2, 1)
    assert client.ask("/nsynth/render", "sound", 48) == ["sound"]
    np.testing.assert_array_equal(array(client, "sound"), fake_grid.note(2, 1, 48))
    client.ask("/nsynth/render", "sound", 50)
    np.testing.assert_allclose(array(client, "sound"), wanted(2, 1, 48, 50, rate=16000), atol=1e-6)


def test_a_key_far_from_the_pitches_of_the_grid_plays_and_the_server_answers(pad, tmp_path):
    path = fake_grid.write(tmp_path / "high.bin", pitches=(127,), resolution=1)
    pad.client.ask("/nsynth/load", str(path))
    for pitch in (0, 127):
        pad.play(pitch)
    assert "longer than 16777216 samples" in fails(pad.client, "/nsynth/render", "sound", 0)
    damaged(path, sampleRate=1000)
    pad.client.ask("/nsynth/load", str(path))
    assert "pitch 0 is too far below the pitches of high" in fails(pad.client, "/nsynth/note_on", 0, 100)
    pad.play(127)


# Notes that repeat


def repeated(pad, voice, times=4):
    """What a voice plays that goes through its repeated part several times: (samples, start, length)."""
    start, length = (value * pad.rate / 1000 for value in pad.expect("repeat", voice)[1:])
    assert start == pytest.approx(round(start), abs=0.02) and length == pytest.approx(round(length), abs=0.02)
    start, length = round(start), round(length)
    samples = array(pad.client, f"v{voice}")[1:]
    return np.concatenate([samples[:start], *[samples[start:start + length]] * times]), start, length


@pytest.mark.parametrize("played", [60, 62, 52])
def test_a_held_note_repeats_where_the_settings_say_and_has_no_click(server, played):
    pad = Pad(server, "looped")
    pad.client.send("/nsynth/loop", 1)
    pad.move(2, 2)
    samples, start, length = repeated(pad, pad.play(played))
    pitch = min(fake_grid.PITCHES, key=lambda p: abs(p - played))
    second = RATE / 2 ** ((played - pitch) / 12)
    assert start == pytest.approx(0.2 * second, abs=2)
    assert start + length == pytest.approx(0.41 * second, abs=second / fake_grid.frequency(pitch) / 2 + 2)
    step = 2 * np.pi * fake_grid.frequency(played) / RATE * fake_grid.loudness(2, 2)
    samples = samples[500:]  # the sine begins with a kink
    assert abs(np.diff(samples)).max() < 1.05 * step
    levels = [np.sqrt(np.mean(samples[i:i + 4800] ** 2)) for i in range(0, len(samples) - 4800, 4800)]
    assert max(levels) / min(levels) < 1.1
    pad.close()


def test_the_settings_decide_whether_notes_repeat_until_the_message_loop_does(server):
    with ServerProcess(folder=server.folder, model=None) as server:
        server.wait()
        pad = Pad(server, "looped")
        repeats = []
        for message, grid in ((None, "small"), (None, "looped"), (0, "looped"), (1, "looped")):
            if message is not None:
                pad.client.ask("/nsynth/loop", message)
            pad.client.ask("/nsynth/load", grid)
            pad.on(60)
            repeats.append("repeat" in [word for word, _ in pad.heard(0.4)])
            pad.client.ask("/nsynth/panic")
        assert repeats == [False, True, False, True]


def test_loop_points_may_be_chosen(pad):
    pad.client.ask("/nsynth/loop_points", 0.5, 0.75)
    pad.client.ask("/nsynth/loop", 1)
    _, start, length = repeated(pad, pad.play(60))
    assert start == RATE // 2 and length == pytest.approx(RATE / 4, abs=RATE / 200)
    assert "must come before the end" in fails(pad.client, "/nsynth/loop_points", 0.5, 0.5)


def test_a_grid_that_names_no_loop_points_repeats_where_the_original_does(server):
    with ServerProcess(folder=server.folder, model=None) as server:
        server.wait()
        pad = Pad(server, "small")
        pad.client.ask("/nsynth/loop", 1)
        _, start, length = repeated(pad, pad.play(60))
        assert start == 0.2 * RATE and start + length == pytest.approx(0.41 * RATE, abs=RATE / 400)


def test_a_released_note_fades_out_while_it_repeats(pad):
    pad.client.ask("/nsynth/loop", 1)
    voice = pad.play(60)
    pad.expect("repeat", voice)
    pad.client.send("/nsynth/note_off", 60)
    assert pad.expect("release") == [voice, 100]


# Bad input


def damaged(path, **settings):
    values = json.loads(path.with_suffix(".json").read_text())
    values["nsynth"].update(settings)
    path.with_suffix(".json").write_text(json.dumps(values))
    return path


@pytest.mark.parametrize("settings, part", [
    ({"pitches": [36, 60, 48, 66]}, "must rise, but 48 follows 60"),
    ({"pitches": [36, 48, 60, 200]}, "holds 200, which is not a MIDI pitch"),
    ({"length": 8000}, "the settings belong to another grid (notes of 16000 samples"),
    ({"resolution": 4}, "would fit"), ({"resolution": "3"}, "should be a whole number"),
    ({"sampleRate": 0}, "should be a whole number"), ({"looping": True, "loopEnd": 9}, "loopEnd"),
])
def test_settings_of_another_grid_are_refused_and_the_old_grid_plays_on(pad, tmp_path, settings, part):
    path = damaged(fake_grid.write(tmp_path / "bad.bin"), **settings)
    text = fails(pad.client, "/nsynth/load", str(path))
    assert part in text and "bad" in text and "\n" not in text
    pad.play(60)


def test_a_file_that_was_cut_off_is_refused(pad, tmp_path):
    path = fake_grid.write(tmp_path / "short.bin")
    os.truncate(path, 100000)
    assert "it was cut off while it was copied or made" in fails(pad.client, "/nsynth/load", str(path))
    pad.play(60)


@pytest.mark.parametrize("name, part", [
    ("nobody", "there is no note grid nobody; looked at"), ("x" * 900, "there is no note grid xxx"),
    ("/", "there is no .bin in /"), ("~nobody-at-all/x", "there is no note grid"), ("", "must be a name"),
    ("small.json", "small.json"),
])
def test_a_grid_that_is_not_there_says_where_it_was_looked_for(pad, name, part):
    text = fails(pad.client, "/nsynth/load", name)
    assert part in text and "pdbridge itself" not in text and len(text) < 1500
    pad.play(60)


def test_settings_that_are_not_there_are_named(pad):
    assert "there is no settings file no.json" in fails(pad.client, "/nsynth/load", "small", "no.json")


@pytest.mark.parametrize("message, arguments, part", [
    ("position_rel", (1.5, 0), "y is 1.5; it must be between 0 and 1"),
    ("position_rel", (0, -0.1), "x is -0.1"), ("position_rel", (float("nan"), 0), "finite"),
    ("position_rel", (0.5,), "takes y x"), ("position", (3, 0), "there is no row 3; this grid has 3"),
    ("position", (0, 7), "there is no col 7"), ("position", (0.5, 0), "whole number"),
    ("note_on", (128, 1), "pitch is 128"), ("note_on", (-1, 1), "pitch is -1"),
    ("note_on", (60.5, 1), "whole number"), ("note_on", ("c", 1), "must be a number"),
    ("loop", (2,), "on is 2"), ("loop_points", (0.5, 1.1), "end is 1.1"), ("render", ("a", 300), "300"),
    ("nte_on", (60, 1), "nsynth has no message 'nte_on'; it knows load, unload, position_rel"),
])
def test_a_message_that_cannot_be_carried_out_says_why(pad, message, arguments, part):
    text = fails(pad.client, f"/nsynth/{message}", *arguments)
    assert part in text and "pdbridge itself" not in text
    pad.play(60)


def test_a_grid_that_is_cut_off_while_it_plays_harms_nobody(server, tmp_path):
    path = fake_grid.write(tmp_path / "cut.bin")
    pad = Pad(server, path)
    pad.play(60)
    os.truncate(path, 5000)
    for message in (("note_on", 60, 100), ("render", "sound", 60)):
        text = fails(pad.client, f"/nsynth/{message[0]}", *message[1:])
        assert "cut.bin had 1152000 bytes when it was opened and has 5000 now" in text
    for row, col in ((0, 0), (2, 2)):  # asks the system to read ahead
        pad.move(row, col)
    pad.client.ask("/nsynth/load", "small")
    pad.play(60)
    pad.close()


def test_a_grid_that_is_deleted_or_replaced_while_it_plays_plays_on(server, tmp_path):
    path = fake_grid.write(tmp_path / "gone.bin")
    pad = Pad(server, path)
    pad.move(1, 0)
    fake_grid.write(path, resolution=2)  # as pdbridge writes files: whole, under the same name
    expected = wanted(1, 0, 60, 60)
    np.testing.assert_allclose(pad.whole(pad.play(60), RATE), expected, atol=1e-6)
    path.unlink()
    np.testing.assert_allclose(pad.whole(pad.play(60), RATE), expected, atol=1e-6)
    pad.close()


# A patch


def nsynth_patch(server, folder, **options):
    arrays = options.pop("arrays", empty(*[f"v{n}" for n in range(1, 7)]))
    return Patch(server, folder, NSYNTH, arrays=arrays, **options)


@pytest.fixture
def patch(server, tmp_path):
    """A patch with the small grid and six voices."""
    patch = nsynth_patch(server, tmp_path)
    patch.ask("loaded", "load", str(server.folder / "small.bin"), first=(3, 3, 16000))
    assert patch.ask("voices", "voices", "v", 6, RATE, 4) == [6, RATE]
    yield patch
    patch.message("voices", "v", 0, RATE)
    patch.hear("voices", 0)
    patch.close()


def test_a_patch_plays_a_cell_on_its_voices(patch):
    patch.message("position", 2, 2)
    voice, pitch, velocity, _ = patch.ask("play", "note_on", 62, 90)
    assert (pitch, velocity) == (62, 90)
    expected = wanted(2, 2, 60, 62)
    until = time.monotonic() + 10
    while not any(word == "extend" and values[1] > len(expected) / RATE * 1000 - 0.1
                  for word, values in list(patch.heard)):
        assert time.monotonic() < until, patch.heard[-5:]
        time.sleep(0.01)
    np.testing.assert_allclose(patch.arrays[f"v{voice}"][1:1 + len(expected)], expected, atol=1e-6)
    assert patch.most["slice"] <= 4096 and patch.most["growth"] <= 8192


def test_a_dragged_pad_is_not_told_where_it_is_and_sends_nothing_to_the_arrays(patch):
    patch.ask("position", "position", 0, 0, first=(0, 0))
    after = len(patch.heard)
    for step in range(100):
        patch.message("position_rel", step / 99, 1.0)
    patch.hear("cell", 2, 2, after=after)
    words = [word for word, _ in patch.heard[after:]]
    assert words.count("cell") == 3 and "position" not in words
    assert not {"/set", "/resize", "/get"} & set(words)


def test_a_flooded_pad_asks_to_remember_the_last_place_and_not_all(patch):
    patch.ask("position", "position", 1, 1, first=(0.5, 0.5))
    after = len(patch.heard)
    packets = [encode("/msg", 1.0, "position_rel", place, place) for place in (0.0, 1.0)]
    for step in range(2000):
        patch.send_raw(packets[step % 2])
    patch.message("position_rel", 0.0, 0.5)
    assert patch.hear("cell", 0, 1, after=after) == [0, 1]
    patch.fails("note_on", 200, 1)  # what was sent before has come by then
    at = patch.remembered.index("position_rel")
    assert patch.remembered[at + 1:at + 3] == [0.0, 0.5]
    words = [word for word, _ in patch.heard[after:]]
    assert words.count("/remember") < words.count("cell") / 4


def test_osc_clients_move_the_pad_of_the_patch_and_play_it(patch, server):
    client = server.client()
    patch.ask("position", "position", 0, 0, first=(0, 0))
    after = len(patch.heard)
    client.ask("/nsynth/position_rel", 1.0, 0.5)
    assert patch.hear("cell", after=after) == [2, 1]
    assert patch.hear("position", after=after) == [1.0, 0.5]
    client.send("/nsynth/note_on", 60, 90)
    voice = patch.hear("play", after=after)[0]
    client.send("/nsynth/note_off", 60)
    assert patch.hear("release", after=after)[0] == voice
    assert "pitch is 200" in fails(client, "/nsynth/note_on", 200, 90)


def test_osc_notes_go_to_the_newest_patch_of_the_name_in_the_address(patch, server, tmp_path):
    client = server.client()
    other = Patch(server, tmp_path, arrays=empty("z1", "w1", "w2"))
    other.arrays["z1"] = z(1.0)
    other.message("z", "z1")
    other.ask("voices", "voices", "w", 2, RATE)  # it is newer than the nsynth
    for name, player in (("nsynth", patch), ("gansynth", other)):
        after = len(player.heard)
        client.send(f"/{name}/note_on", 60, 90)
        assert player.hear("play", after=after)[1:3] == [60, 90]
        client.send(f"/{name}/panic")
        player.hear("stop", after=after)
    other.message("voices", "w", 0, RATE)
    other.hear("voices", 0)
    other.close()
    client.send("/gansynth/note_on", 60, 90)
    assert "there are no voices" in client.expect("/fail", "/gansynth/note_on")[1]


def test_midi_plays_the_newest_patch_and_program_changes_do_no_harm(tmp_path):
    keys = Keys(tmp_path / "keys")
    fake_grid.write(tmp_path / "small.bin")
    with with_midi(tmp_path, "little", keys.file) as server:
        Player(server.loaded(), timbre=z(1.0))
        patch = nsynth_patch(server, tmp_path)
        patch.ask("loaded", "load", "small", first=(3, 3, 16000))
        patch.ask("voices", "voices", "v", 6, RATE, 4)
        keys.send("program_change program=5", "note_on note=60 velocity=77")
        assert patch.hear("play")[1:3] == [60, 77]
        keys.send("control_change control=64 value=127", "note_off note=60",
                  "control_change control=64 value=0")
        patch.hear("release")
        keys.send("note_on note=62 velocity=77", "control_change control=123 value=0")
        patch.hear("stop")
        assert "fail" not in [word for word, _ in patch.heard]
        status = server.client().status()
        assert status["failed"] == 0 and status["ready"] == status["keys"] == 4
        patch.close()


def test_a_server_that_was_restarted_finds_the_grid_the_place_and_the_loop(tmp_path):
    fake_grid.write(tmp_path / "small.bin")
    first = ServerProcess(folder=tmp_path, model=None)
    first.wait()
    patch = nsynth_patch(first, tmp_path)
    patch.ask("loaded", "load", "small.bin", "small.json", first=(3, 3, 16000))
    patch.message("release", 123)
    patch.message("loop", 1)
    patch.message("loop_points", 0.25, 0.5)
    patch.message("position_rel", 1.0, 0.0)
    patch.ask("voices", "voices", "v", 6, RATE, 4)
    first.kill()
    after = len(patch.heard)
    with ServerProcess(folder=tmp_path, port=first.port, model=None) as second:
        second.wait()
        patch.hear("grid", "small", after=after)
        assert patch.hear("voices", after=after) == [6, RATE]
        voice, pitch, *_ = patch.ask("play", "note_on", 60, 100)
        assert pitch == 60
        assert patch.hear("repeat", voice, after=after)[1] == 250
        start = array_of(patch, voice)
        np.testing.assert_allclose(start, wanted(2, 0, 60, 60)[:len(start)], atol=1e-6)
        assert patch.ask("release", "note_off", 60) == [voice, 123]
        assert [values for word, values in patch.heard if word == "fail"] == []
    patch.close()
    first.close()


def array_of(patch, voice, count=4000):
    return patch.arrays[f"v{voice}"][1:1 + count]


# The first grid


def cached(server):
    folder = server.folder / "cache" / "grids"
    return sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []


def test_the_first_grid_is_made_once_for_all_who_ask_and_kept(tmp_path):
    with ServerProcess(folder=tmp_path) as server:
        server.loaded()
        patches = [nsynth_patch(server, tmp_path) for _ in range(2)]
        for patch in patches:
            assert patch.hear("busy") == [1]
            assert patch.hear("loaded") == [3, 3, 60000, 16000, *grids.PITCHES]
            assert patch.hear("grid") == ["first_grid", 3, 3, 6, 36, 84]
            assert [patch.hear("corner", n)[1] for n in (1, 2, 3, 4)] == list(grids.CORNERS)
            assert patch.hear("cell") == [1, 1]
            amounts = [values[0] for word, values in patch.heard if word == "progress"]
            assert amounts == sorted(amounts) and amounts[-1] == 1
        names = cached(server)
        assert len(names) == 2 and names[0].startswith("first_grid-") and names[0].endswith(".bin")
        made = (server.folder / "cache" / "grids" / names[0]).stat().st_mtime_ns
        client = server.client()
        assert client.ask("/nsynth/load", "first_grid")[:3] == [3, 3, 60000]
        client.until(lambda status: status["workers"] == 1)
        patch = patches[0]
        patch.ask("voices", "voices", "v", 6, RATE, 4)
        assert patch.ask("play", "note_on", 60, 100)[1] == 60
        for patch in patches:
            patch.close()
    with ServerProcess(folder=tmp_path, model=None) as server:
        server.wait()
        patch = nsynth_patch(server, tmp_path)
        patch.hear("grid", "first_grid")
        assert "progress" not in [word for word, _ in patch.heard]
        assert server.client().status()["workers"] == 0  # no model was needed
        path = server.folder / "cache" / "grids" / names[0]
        assert path.stat().st_mtime_ns == made
        with NoteGrid.open(path) as grid:
            level = abs(grid.note(0, 0, 55)).max()
            assert level == pytest.approx(10 ** (-12 / 20), abs=0.01)
        patch.close()


def test_the_grid_that_the_server_was_started_with_comes_instead_of_the_first(tmp_path):
    fake_grid.write(tmp_path / "small.bin")
    with ServerProcess(folder=tmp_path, grid="small.bin") as server:
        patch = nsynth_patch(server.loaded(), tmp_path)
        assert patch.hear("loaded")[:3] == [3, 3, 16000]
        assert server.client().status()["grid"] == "none"  # nobody plays it yet
        patch.ask("voices", "voices", "v", 6, RATE, 4)
        assert server.client().status()["grid"] == "small"
        assert cached(server) == []
        patch.close()
    with ServerProcess(folder=tmp_path, grid="nobody") as server:
        assert server.process.wait(20) and "there is no note grid nobody" in server.output()


def test_a_first_grid_that_was_damaged_is_made_anew(tmp_path):
    with ServerProcess(folder=tmp_path) as server:
        client = server.loaded().client()
        client.ask("/nsynth/load", "first_grid")
        [name] = [name for name in cached(server) if name.endswith(".bin")]
        os.truncate(server.folder / "cache" / "grids" / name, 1000)
        assert client.ask("/nsynth/load", "first_grid")[:3] == [3, 3, 60000]


def test_a_grid_that_is_asked_for_comes_instead_of_the_first(tmp_path):
    fake_grid.write(tmp_path / "small.bin")
    with ServerProcess(folder=tmp_path) as server:
        patch = nsynth_patch(server.loaded(), tmp_path)
        patch.message("load", "small")
        patch.hear("grid", "small")
        patch.hear("busy", 0)
        server.client().until(lambda status: status["jobs"] == 0)
        time.sleep(0.3)
        assert [values[0] for word, values in patch.heard if word == "grid"][-1] == "small"
        patch.close()


def test_osc_clients_get_the_first_grid_when_they_write_a_note_or_declare_voices(tmp_path):
    with ServerProcess(folder=tmp_path) as server:
        client = server.loaded().client()
        assert cached(server) == []
        client.ask("/nsynth/write_note", 60, "note.wav")
        assert audio.read_wav(server.folder / "note.wav")[1] == 16000
        client.ask("/nsynth/unload")
        assert "no note grid is loaded" in fails(client, "/nsynth/write_note", 60, "note.wav")
        client.ask("/notify", 1)
        client.send("/nsynth/voices", "v", 2, RATE)
        assert client.expect("/nsynth/grid")[0] == "first_grid"
        client.until(lambda status: status["ready"] == 6)
        client.send("/nsynth/note_on", 60, 100)
        client.expect("/nsynth/play", 1, 60)


@pytest.mark.parametrize("what", ["a file", "read-only"])
def test_without_a_place_for_the_first_grid_one_error_says_so_and_the_patch_lives_on(tmp_path, what):
    fake_grid.write(tmp_path / "small.bin")
    cache = tmp_path / "cache"
    if what == "a file":
        cache.write_text("not a folder")
    else:
        cache = "/proc/cache"  # nobody may write there, not even root
    with ServerProcess(folder=tmp_path, env={"PDBRIDGE_CACHE": str(cache)}) as server:
        patch = nsynth_patch(server.loaded(), tmp_path)
        text = patch.hear("fail", "load")[1]
        assert f"the first grid has no place: {cache}" in text and "PDBRIDGE_CACHE" in text
        patch.hear("busy", 0)
        patch.ask("loaded", "load", "small", first=(3, 3, 16000))
        assert len([word for word, _ in patch.heard if word == "fail"]) == 1
        patch.close()


def test_a_full_disk_is_said_and_leaves_no_half_written_grid(tmp_path):
    with ServerProcess(folder=tmp_path) as server:
        server.loaded()
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
        client = server.client()
        text = fails(client, "/nsynth/load", "first_grid")
        assert "first_grid-" in text and "cannot be written: File too large" in text
        assert cached(server) == []
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
        assert client.ask("/nsynth/load", "first_grid")[:3] == [3, 3, 60000]


def test_a_built_in_model_that_dies_is_reported_and_the_patch_lives_on(tmp_path):
    fake_grid.write(tmp_path / "small.bin")
    (tmp_path / "small_hours").mkdir()
    (tmp_path / "small_hours" / "deadly").touch()
    with ServerProcess(folder=tmp_path) as server:
        patch = nsynth_patch(server.loaded(), tmp_path)
        assert "died 3 times while loading" in patch.hear("fail", "load", timeout=20)[1]
        patch.ask("loaded", "load", "small", first=(3, 3, 16000))
        (tmp_path / "small_hours" / "deadly").unlink()
        patch.ask("loaded", "load", "first_grid", first=(3, 3, 60000))
        patch.close()


def test_a_first_grid_that_nobody_waits_for_any_more_is_not_made(tmp_path):
    (tmp_path / "small_hours").mkdir()
    (tmp_path / "small_hours" / "slow").touch()
    with ServerProcess(folder=tmp_path) as server:
        client = server.loaded().client()
        client.send("/nsynth/load", "first_grid")
        client.until(lambda status: status["workers"] == 2)
        client.send("/nsynth/cancel")
        assert "load: cancelled" in client.expect("/fail", "/nsynth/load")[1]
        client.until(lambda status: status["workers"] == 1 and status["jobs"] == 0)
        assert cached(server) == []
        assert client.ask("/nsynth/load", "first_grid")[:3] == [3, 3, 60000]


@pytest.mark.parametrize("message", ["cancel", "unload"])
def test_a_first_grid_that_nobody_asked_for_may_be_called_off(tmp_path, message):
    (tmp_path / "small_hours").mkdir()
    (tmp_path / "small_hours" / "slow").touch()
    with ServerProcess(folder=tmp_path) as server:
        patch = nsynth_patch(server.loaded(), tmp_path)
        server.client().until(lambda status: status["workers"] == 2)
        patch.message(message)
        patch.hear("busy", 0)
        server.client().until(lambda status: status["workers"] == 1)
        assert "no note grid is loaded; send load first_grid" in patch.fails("note_on", 60, 100)
        assert cached(server) == []
        patch.close()


def test_the_server_had_nothing_to_complain_about(server):
    lines = [line for line in server.output().splitlines() if not line.startswith("pdbridge: ")]
    assert lines == []
