"""The course's loader and controller: the same answers, over OSC, in a patch, and in a real Pd."""

import json
import os
import sys
import time
from pathlib import Path

import fake_grid
import numpy as np
import pytest
from puredata import CLONE, PureData, frequency, sounding
from server_process import ServerProcess
from test_puredata_host import Patch, empty
from test_server import array, fails

from pdbridge.hosts.puredata import GROWTH, ON_THEIR_WAY
from pdbridge.instruments import find_instrument
from pdbridge.notegrid import NoteGrid

COURSE = CLONE / "tests" / "data" / "course_nsynth_patch.pd"
LOADER = ("sopimagenta.nsynth.pyext", "nsynth_loader", "@detach", 1.0)
CONTROLLER = ("sopimagenta.nsynth.pyext", "nsynth_controller", "@detach", 1.0)
PITCHES = tuple(range(24, 85, 4))
COURSE_GRID = (9, 9, 60000, 16000, *PITCHES)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    fake_grid.write(folder / "small.bin", length=4000)
    with ServerProcess(folder=folder, model=None) as server:
        server.wait()
        yield server


def whole(row_count=3, length=4000):
    """All notes of a fake grid, as the course has them in an array."""
    return np.concatenate([fake_grid.note(row, col, pitch, length) for row in range(row_count)
                           for col in range(row_count) for pitch in fake_grid.PITCHES])


@pytest.mark.parametrize("arguments, name", [
    (LOADER, "nsynth_loader"), (CONTROLLER, "nsynth_controller"),
    (("pdbridge.pyext", "nsynth_loader"), "nsynth_loader"), (("pdbridge.pyext", "nsynth"), "nsynth")])
def test_objects_of_the_course_name_the_instruments(arguments, name):
    assert find_instrument(list(arguments))[0] == name


# The controller


@pytest.fixture
def controller(client):
    client.ask("/nsynth_controller/loaded", *COURSE_GRID)
    return client


@pytest.mark.parametrize("pitch, nearest", [
    (24, 24), (25, 24), (26, 24), (27, 28), (55, 56), (54, 52), (84, 84), (0, 24), (127, 84)])
def test_of_two_pitches_that_are_equally_near_the_lower_is_played(controller, pitch, nearest):
    controller.ask("/nsynth_controller/position", 0, 0)
    start, end, milliseconds, onset = controller.ask("/nsynth_controller/note_on", pitch)
    assert (start, end) == (0, 59999)
    assert onset == PITCHES.index(nearest) * 60000
    assert milliseconds == pytest.approx(3750 / 2 ** ((pitch - nearest) / 12), rel=1e-6)


@pytest.mark.parametrize("y, x, row, col", [
    (0, 0, 0, 0), (1, 1, 8, 8), (0, 1, 0, 8), (1, 0, 8, 0), (0.0625, 0.1875, 0, 2), (0.3125, 0.4375, 2, 4),
    (0.5, 0.55, 4, 4)])
def test_the_pad_finds_the_cell_that_the_original_does(controller, y, x, row, col):
    controller.ask("/nsynth_controller/position_rel", y, x)
    onset = controller.ask("/nsynth_controller/note_on", 24)[3]
    assert onset == (row * 9 + col) * 16 * 60000


def test_every_onset_of_the_largest_grids_is_exact_in_single_precision(controller):
    for length in (60000, 64000, 59999):
        controller.ask("/nsynth_controller/loaded", 9, 9, length, 16000, *PITCHES)
        for cell in range(81):
            controller.ask("/nsynth_controller/position", cell // 9, cell % 9)
            start, end, _, onset = controller.ask("/nsynth_controller/note_on", 84)
            assert np.float32(onset) == onset
            assert onset + start == (cell * 16 + 15) * length and end - start == length - 1
            assert start < 8 and (length == 59999 or start == 0)


def test_a_grid_of_many_pitches_can_be_told(client):
    client.ask("/nsynth_controller/position_rel", 0, 0)
    client.ask("/nsynth_controller/loaded", 2, 2, 1000, 16000, *range(128))
    assert client.ask("/nsynth_controller/note_on", 126)[3] == 126000
    client.ask("/nsynth_controller/loaded", 2, 2, 1000, 16000, np.arange(128, dtype=np.float32))
    assert client.ask("/nsynth_controller/note_on", 127)[3] == 127000


def test_the_pad_stays_in_its_place_when_another_grid_is_loaded(controller):
    controller.ask("/nsynth_controller/position", 8, 0)
    controller.ask("/nsynth_controller/loaded", 2, 2, 1000, 16000, 60)
    assert controller.ask("/nsynth_controller/note_on", 60)[3] == 2000


def test_before_anything_is_loaded_it_says_what_to_do(server, tmp_path):
    patch = Patch(server, tmp_path, CONTROLLER)
    for message in (("note_on", 60), ("position", 0, 0)):
        assert "no grid is loaded: send load to nsynth_loader" in patch.fails(*message)
    patch.message("position_rel", 1.0, 0.0)  # course patches send it before
    patch.message("loaded", 2, 2, 1000, 16000, 60)
    assert patch.ask("play", "note_on", 60)[3] == 2000
    patch.close()


@pytest.mark.parametrize("message, arguments, part", [
    ("note_on", (128,), "pitch is 128"), ("note_on", (60, 100), "takes pitch; 2 arguments came"),
    ("position", (9, 0), "there is no cell 9 0; the grid has 9 rows and 9 columns"),
    ("position", (-1, 0), "row is -1"), ("position_rel", (0, 1.25), "x is 1.25"),
    ("position_rel", (float("nan"), 0), "finite"),
    ("loaded", (9, 9, 60000, 16000, 60, 48), "must rise, but 48 follows 60"),
    ("loaded", (9, 9, 60000, 16000, 60, 60), "holds 60 twice"), ("loaded", (9, 9, 60000, 16000), "takes rows"),
    ("loaded", (0, 9, 60000, 16000, 60), "rows is 0"),
    ("loaded", (9, 9, 60000, 16000, *[60] * 200), "204 arguments came"),
    ("loaded", (1024, 1024, 60000, 16000, 60), "62914560000; no array has so many"),
])
def test_what_the_controller_cannot_use_is_named(controller, message, arguments, part):
    text = fails(controller, f"/nsynth_controller/{message}", *arguments)
    assert part in text and "pdbridge itself" not in text
    assert len(controller.ask("/nsynth_controller/note_on", 60)) == 4


def test_reports_of_the_loader_at_the_controllers_inlet_are_passed_over(server, tmp_path):
    patch = Patch(server, tmp_path, CONTROLLER)
    patch.message("list", "progress", 0.5)
    patch.message("list", "server", 1)
    patch.message("loaded", *COURSE_GRID)
    assert patch.ask("play", "note_on", 60)[:2] == [0, 59999]
    assert "fail" not in [word for word, _ in patch.heard]
    patch.close()


def test_a_controller_finds_its_way_after_a_server_was_restarted(tmp_path):
    first = ServerProcess(folder=tmp_path, model=None)
    first.wait()
    patch = Patch(first, tmp_path, CONTROLLER)
    patch.message("loaded", *COURSE_GRID)
    patch.message("position_rel", 1.0, 0.0)
    onset = patch.ask("play", "note_on", 64)[3]
    assert onset == (72 * 16 + 10) * 60000
    first.kill()
    after = len(patch.heard)
    with ServerProcess(folder=tmp_path, port=first.port, model=None) as second:
        second.wait()
        patch.hear("/who", after=after)
        assert patch.ask("play", "note_on", 64)[3] == onset
    patch.close()
    first.close()


# The loader


def test_a_whole_grid_is_written_into_an_array(server, client):
    client.ask("/notify", 1)
    answer = client.ask("/nsynth_loader/load", "small.bin", "small.json", "audio")
    assert answer == [3, 3, 4000, 16000, *fake_grid.PITCHES]
    np.testing.assert_array_equal(array(client, "audio"), whole())


@pytest.mark.parametrize("size", [100, 200000])
def test_the_array_of_a_patch_gets_as_long_as_the_grid_slice_by_slice(server, tmp_path, size):
    patch = Patch(server, tmp_path, LOADER, arrays=empty("audio", length=size))
    patch.message("load", str(server.folder / "small.bin"), str(server.folder / "small.json"), "audio")
    assert patch.hear("/message") == ["loaded", 3, 3, 4000, 16000, *fake_grid.PITCHES]
    np.testing.assert_array_equal(patch.arrays["audio"], whole())
    assert patch.most["slice"] <= 4096 and patch.most["growth"] <= GROWTH
    assert patch.most["unacknowledged"] <= ON_THEIR_WAY
    assert [values[0] for word, values in patch.heard if word == "busy"] == [1, 0]
    amounts = [values[0] for word, values in patch.heard if word == "progress"]
    assert amounts == sorted(amounts) and 10 < len(amounts) <= 20
    patch.close()


def test_loading_can_be_cancelled_and_begun_again(server, tmp_path):
    patch = Patch(server, tmp_path, LOADER, arrays=empty("audio"), delay=0.02)
    load = ("load", str(server.folder / "small.bin"), str(server.folder / "small.json"), "audio")
    patch.message(*load)
    patch.hear("progress")
    patch.message("cancel")
    assert "load: cancelled" in patch.hear("fail", "load")[1]
    patch.hear("busy", 0)
    patch.delay = 0.0
    patch.message(*load)
    patch.hear("/message")
    np.testing.assert_array_equal(patch.arrays["audio"], whole())
    patch.close()


@pytest.mark.parametrize("arguments, part", [
    (("no.bin", "small.json", "audio"), "there is no note grid no.bin; looked at"),
    (("small.bin", "no.json", "audio"), "there is no settings file no.json"),
    (("small.bin", "small.json", "gone"), "there is no array gone in the patch"),
    (("small.bin", "small.bin", "audio"), "is not JSON"), (("small.bin", "small.json"), "takes grid.bin"),
])
def test_a_grid_that_cannot_be_loaded_says_why(server, tmp_path, arguments, part):
    patch = Patch(server, server.folder, LOADER, arrays=empty("audio"))
    assert part in patch.fails("load", *arguments)
    patch.ask("/message", "load", "small.bin", "small.json", "audio")
    patch.close()


def test_a_grid_that_is_cut_off_while_it_is_loaded_harms_nobody(server, tmp_path):
    path = fake_grid.write(tmp_path / "cut.bin", length=16000)
    patch = Patch(server, tmp_path, LOADER, arrays=empty("audio"), delay=0.01)
    patch.message("load", "cut.bin", "cut.json", "audio")
    patch.hear("progress")
    with open(path, "r+b") as file:
        file.truncate(1000)
    assert "has 1000 now; load it again" in patch.hear("fail", "load")[1]
    assert is_closed(path, server)
    patch.close()


def is_closed(path, server):
    """Whether the server lets go of a file, where the system tells; it may still be read ahead."""
    folder = Path(f"/proc/{server.process.pid}/fd")
    until = time.monotonic() + 5
    while folder.is_dir() and time.monotonic() < until:
        if not any(os.path.realpath(file) == str(path) for file in folder.iterdir()):
            return True
        time.sleep(0.01)
    return not folder.is_dir()


def test_grids_are_closed_when_their_notes_have_sounded_or_could_not_be_read(server, tmp_path):
    path = fake_grid.write(tmp_path / "cut.bin")
    client = server.client()
    client.ask("/nsynth/load", str(path))
    client.ask("/nsynth/voices", "v", 2, 48000)
    client.ask("/nsynth/note_on", 60, 100)
    os.truncate(path, 1000)
    for message in (("render", "sound", 60), ("note_on", 60, 100)):
        assert "cut.bin" in fails(client, f"/nsynth/{message[0]}", *message[1:])
    client.ask("/nsynth/load", "small")
    assert is_closed(path, server)
    client.ask("/nsynth/unload")
    client.ask("/nsynth/voices", "v", 0, 48000)


@pytest.mark.skipif(sys.platform == "win32", reason="files have no holes there")
def test_a_grid_larger_than_any_array_is_refused_before_it_takes_all_memory(server, tmp_path):
    path = fake_grid.write(tmp_path / "vast.bin")
    settings = json.loads(path.with_suffix(".json").read_text())
    settings["nsynth"].update(resolution=64, pitches=list(range(24, 85)), length=100000)
    path.with_suffix(".json").write_text(json.dumps(settings))
    os.truncate(path, 64 * 64 * 61 * 100000 * 2)  # all of it a hole
    patch = Patch(server, tmp_path, LOADER, arrays=empty("audio"))
    assert "vast has 24985600000 samples, too many for an array" in patch.fails(
        "load", "vast.bin", "vast.json", "audio")
    assert len(patch.arrays["audio"]) == 100
    patch.close()


def test_a_grid_larger_than_all_arrays_of_the_server_is_refused(server, tmp_path):
    settings = {"pdbridge.hosts.osc.MOST_FLOATS": 100000}
    with ServerProcess(folder=server.folder, model=None, settings=settings) as server:
        server.wait()
        text = fails(server.client(), "/nsynth_loader/load", "small.bin", "small.json", "audio")
        assert "array audio does not fit: all arrays together hold at most 100000 values" in text


# A real Pd


@pytest.fixture(scope="module")
def stage(server, tmp_path_factory):
    """The test's course patch in a Pd, with the grid beside it in the array."""
    pd = PureData(COURSE, tmp_path_factory.mktemp("pd"), server.port)
    fake_grid.write(pd.patch.parent / "sounds.bin")
    (pd.patch.parent / "sounds.json").rename(pd.patch.parent / "sounds_settings.json")
    with pd:
        assert pd.report("server") == [1]
        load(pd, "sounds.bin", "sounds_settings.json")
        yield pd


def load(pd, *files, timeout=30):
    pd.send("$0-in", "load", *files, "$0-audio")
    return pd.report("loaded", timeout)


def play(pd, pitch, cell=None, seconds=0.5):
    """(frequency, level) of a note, after the pad was moved to (y, x)."""
    if cell:
        pd.send("$0-note-in", "position_rel", *map(float, cell))
    with pd.recording() as sound:
        pd.send("$0-note-in", "note_on", float(pitch))
        pd.report("play")
        time.sleep(seconds)
    samples = sound.samples[:, 0]
    first = sounding(samples)[0] + 2400
    piece = samples[first:first + 14400]
    return frequency(piece), abs(piece).max() / 0.8


@pytest.mark.parametrize("cell, place", [((0, 0), (0, 0)), ((0, 2), (0.1, 0.9)), ((2, 1), (1, 0.5)),
                                         ((1, 1), (0.5, 0.25001))])
@pytest.mark.parametrize("pitch", [60, 62, 55])
def test_a_key_of_the_course_patch_sounds_at_its_pitch_in_the_timbre_of_the_cell(stage, cell, place, pitch):
    hertz, level = play(stage, pitch, place)
    assert hertz == pytest.approx(fake_grid.frequency(pitch), rel=2e-3)
    assert level == pytest.approx(fake_grid.loudness(*cell), abs=0.02)


def test_the_course_patch_has_nothing_to_complain_about(stage):
    assert stage.complaints() == []
    assert "lost" not in stage.console and "fail" not in stage.console


def test_the_last_note_of_a_grid_beyond_2_to_the_24_samples_is_right(server, tmp_path):
    """An index of a sample beyond that is no longer exact in Pd; all notes but the last are silent."""
    pitches, length = (36, 60), 105001
    total = 9 * 9 * 2 * length
    assert total > 1 << 24
    pd = PureData(COURSE, tmp_path, server.port)
    path = pd.patch.parent / "large.bin"
    NoteGrid.write(path, [np.zeros(length, np.int16)] * 2, pitches, 1, length)
    text = path.with_suffix(".json").read_text()
    path.with_suffix(".json").write_text(text.replace('"resolution": 1', '"resolution": 9'))
    with open(path, "r+b") as file:
        file.truncate((total - length) * 2)  # nothing of it takes room on the disk
        file.seek(0, 2)
        file.write((fake_grid.note(2, 2, 60, length) * 32768).astype("<i2").tobytes())
    with pd:
        assert pd.report("server") == [1]
        assert load(pd, "large.bin", "large.json", timeout=60)[:3] == [9, 9, length]
        hertz, level = play(pd, 60, (1, 1))
        assert hertz == pytest.approx(fake_grid.frequency(60), rel=5e-4)  # the patch plays it 1 ms short
        assert level == pytest.approx(0.9, abs=0.01)
