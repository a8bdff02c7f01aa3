"""Note grids: settings of the device, the course and the pipeline; look-ups; files that are wrong."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pdbridge.errors import GridError, MessageError, PitchError
from pdbridge.notegrid import NoteGrid, device_settings

CLONE = Path(__file__).resolve().parent.parent
PITCHES = (24, 28, 40)
CORNERS = ("flute", "wood_block", "organ", "bird")


def note_of(row, col, index, length=50):
    """A note that tells where it belongs."""
    return np.full(length, row * 1000 + col * 100 + index, np.int16)


@pytest.fixture
def path(tmp_path):
    """A small grid: 3 x 3 cells, three pitches, 50 samples."""
    notes = [note_of(row, col, index) for row in range(3) for col in range(3) for index in range(3)]
    NoteGrid.write(tmp_path / "small.bin", notes, PITCHES, 3, 50, corners=CORNERS, loop=(0.25, 0.5))
    return tmp_path / "small.bin"


@pytest.fixture
def grid(path):
    with NoteGrid.open(path) as grid:
        yield grid


def change(path, **values):
    """Edit settings of the device; None takes a key away."""
    settings = json.loads(path.read_text())
    settings["nsynth"].update(values)
    for key in [key for key, value in values.items() if value is None]:
        del settings["nsynth"][key]
    path.write_text(json.dumps(settings))


# What is read is what was written


def test_a_grid_comes_back_as_written(grid):
    assert (grid.name, grid.rows, grid.cols, grid.length, grid.sample_rate) == ("small", 3, 3, 50, 16000)
    assert grid.pitches == PITCHES and grid.corners == CORNERS
    assert grid.loop == (0.25, 0.5) and grid.looping
    for row in range(3):
        for col in range(3):
            for index, pitch in enumerate(PITCHES):
                np.testing.assert_array_equal(grid.samples(row, col, index), note_of(row, col, index))
                note = grid.note(row, col, pitch)
                assert note.dtype == np.float32
                np.testing.assert_array_equal(note * 32768, note_of(row, col, index))


def test_the_file_is_headless_little_endian_rows_first(path):
    numbers = np.frombuffer(path.read_bytes(), "<i2").reshape(3, 3, 3, 50)
    assert numbers[0, 2, 1, 0] == 201 and numbers[2, 0, 1, 49] == 2001


def test_a_view_outlives_the_grid_and_cannot_be_written(path):
    with NoteGrid.open(path) as grid:
        view = grid.samples(1, 2, 0)
    assert (view == 1200).all() and not view.flags.writeable
    with pytest.raises(GridError, match="closed"):
        grid.samples(0, 0, 0)


def test_any_part_of_the_file_can_be_read(grid):
    onset = grid.onset(1, 2, 1)
    assert onset == ((1 * 3 + 2) * 3 + 1) * 50
    read = grid.read(onset + 10, 60) * 32768  # into the next note
    np.testing.assert_array_equal(read, np.concatenate([note_of(1, 2, 1)[10:], note_of(1, 2, 2)[:20]]))
    assert read.dtype == np.float32 and not grid.read(1350, 0).size
    for start, count in ((-1, 2), (1349, 2), (0, -1)):
        with pytest.raises(GridError, match="has 1350 samples"):
            grid.read(start, count)
    with pytest.raises(GridError, match="no number 3"):
        grid.onset(0, 0, 3)


def test_prefetch_takes_any_cell(grid):
    for row, col in ((0, 0), (2, 2)):
        grid.prefetch(row, col)
    with pytest.raises(GridError, match="no row 3"):
        grid.prefetch(3, 0)


def test_too_few_notes_and_wrong_notes_leave_no_file(tmp_path):
    good = [np.zeros(50, np.int16)] * 12
    for notes, text in ((good[:11], "takes 12 notes, not 11"), (good + good[:1], "not 13"),
                        ([np.zeros(50)] * 12, "float64"), ([np.zeros(49, np.int16)] * 12, r"\[49\]")):
        with pytest.raises(GridError, match=text):
            NoteGrid.write(tmp_path / "g.bin", notes, PITCHES, 2, 50)
    with pytest.raises(GridError, match="must rise"):
        NoteGrid.write(tmp_path / "g.bin", good, PITCHES[::-1], 2, 50)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_grid(path):
    def notes():
        yield np.zeros(50, np.int16)
        raise OSError(28, "No space left on device")

    with pytest.raises(MessageError, match="small.bin cannot be written: No space left"):
        NoteGrid.write(path, notes(), PITCHES, 3, 50)
    with NoteGrid.open(path) as grid:
        assert grid.samples(2, 2, 2)[0] == 2202
    assert sorted(file.name for file in path.parent.iterdir()) == ["small.bin", "small.json"]


# Settings


def test_settings_of_the_device_as_open_nsynth_super_writes_them(path, tmp_path):
    settings = tmp_path / "device.json"
    settings.write_text(json.dumps({
        "nsynth": {"dataDirectory": "/home/pi", "resolution": 3, "pitches": [24, 28, 40], "length": 50,
                   "sampleRate": 16000, "looping": True, "loopStart": 0.2, "loopEnd": 0.41},
        "corners": [{"instruments": [{"name": name, "display": name.upper(), "abbr": "AA"}]} for name in "abcd"],
        "audio": {"sampleRate": 48000, "bufferSize": 128}, "midi": {}, "osc": {}, "patchFile": "patch.json"}))
    with NoteGrid.open(path, settings) as grid:
        assert grid.loop == (0.2, 0.41) and grid.corners == ("a", "b", "c", "d")


def test_where_a_corner_has_several_sounds_the_name_of_the_file_says_which(path, tmp_path):
    corners = [["a", "a_b"], ["b", "b_c"], ["d"], ["e", "f"]]
    settings = device_settings(PITCHES, 3, 50)
    settings["corners"] = [{"instruments": [{"name": name} for name in names]} for names in corners]
    named = path.with_name("a_b_b_c_d_f.bin")
    path.rename(named)
    named.with_suffix(".json").write_text(json.dumps(settings))
    with NoteGrid.open(named) as grid:
        assert grid.corners == ("a_b", "b_c", "d", "f")
    other = named.rename(named.with_name("other.bin"))
    with NoteGrid.open(other, named.with_suffix(".json")) as grid:
        assert grid.corners is None


def pipeline_settings(**more):
    pads = {"NW": ["a"], "NE": ["b"], "SW": ["c"], "SE": ["d"]}
    return {"pads": pads, "pitches": list(PITCHES), "resolution": 3, "final_length": 50, "gpus": 1, **more}


def test_settings_of_the_pipeline_do_as_well(path):
    path.with_suffix(".json").unlink()
    path.with_name("settings.json").write_text(json.dumps(pipeline_settings()))
    with NoteGrid.open(path) as grid:
        assert grid.pitches == PITCHES and grid.sample_rate == 16000 and grid.loop is None
        assert grid.corners == ("a", "b", "d", "c")  # the original dealt SE to the lower left
    path.with_name("settings.json").write_text(json.dumps(pipeline_settings(compat=False)))
    with NoteGrid.open(path) as grid:
        assert grid.corners == ("a", "b", "c", "d")
    with NoteGrid.open(path.rename(path.with_name("a_b_d_c.bin"))) as grid:  # the name knows best
        assert grid.corners == ("a", "b", "d", "c")


def test_corners_may_be_unknown(path):
    settings = json.loads(path.with_suffix(".json").read_text())
    del settings["corners"]
    path.with_suffix(".json").write_text(json.dumps(settings))
    with NoteGrid.open(path) as grid:
        assert grid.corners is None


def test_loop_points_are_known_when_looping_is_off(path):
    change(path.with_suffix(".json"), looping=False)
    with NoteGrid.open(path) as grid:
        assert grid.loop == (0.25, 0.5) and not grid.looping
    change(path.with_suffix(".json"), loopStart=None)
    with NoteGrid.open(path) as grid:
        assert grid.loop is None


def test_a_folder_with_one_grid_is_that_grid(path):
    with NoteGrid.open(path.parent) as grid:
        assert grid.path == path
    path.with_name("other.bin").touch()
    with pytest.raises(GridError, match="several grids, name one: other.bin, small.bin"):
        NoteGrid.open(path.parent)


# Look-ups


def test_hidden_files_in_a_folder_are_no_grids(path):
    for name in (".small.4711.0.part.bin", "._small.bin"):  # of an interrupted rendering, of macOS
        path.with_name(name).touch()
    with NoteGrid.open(path.parent) as grid:
        assert grid.path == path


def test_corners_with_very_many_sounds_are_compared_with_the_name_at_once(path):
    corner = {"instruments": [{"name": "a"}] * 5000 + [{"name": "b" * k} for k in range(1, 200)]}
    settings = {**device_settings(PITCHES, 3, 50), "corners": [corner] * 4}
    path.with_name("settings.json").write_text(json.dumps(settings))
    path.with_suffix(".json").unlink()
    with NoteGrid.open(path.rename(path.with_name("a_a_bb_a.bin"))) as grid:
        assert grid.corners == ("a", "a", "bb", "a")


def test_the_nearest_pitch_of_two_is_the_lower_and_the_ends_hold(grid):
    assert grid.nearest(26) == (0, 24, 2 ** (2 / 12))
    assert grid.nearest(27) == (1, 28, 2 ** (-1 / 12))
    assert grid.nearest(34) == (1, 28, 2 ** 0.5)
    assert grid.nearest(0) == (0, 24, 0.25)
    assert grid.nearest(127) == (2, 40, 2 ** (87 / 12))
    assert grid.nearest(40.5) == (2, 40, 2 ** (0.5 / 12))


def test_small_integers_of_numpy_do_not_overflow(grid):
    assert grid.nearest(np.uint8(20)) == grid.nearest(20) == (0, 24, pytest.approx(2 ** (-4 / 12)))
    assert grid.play(np.uint8(2), np.uint8(2), np.uint8(40)).onset == 26 * 50
    assert grid.samples(np.uint8(2), np.uint8(2), np.uint8(2))[0] == 2202


@pytest.mark.parametrize("pitch", [-1, 127.5, 128, math.nan, "60", None, True])
def test_what_is_no_midi_pitch_is_refused(grid, pitch):
    with pytest.raises(PitchError, match="not a MIDI pitch"):
        grid.nearest(pitch)


def test_a_note_of_a_pitch_the_grid_lacks_names_those_it_has(grid):
    with pytest.raises(PitchError, match="small has no pitch 60; it has 24, 28, 40"):
        grid.note(0, 0, 60)


def test_points_of_the_pad_are_rounded_to_the_nearest_cell_the_even_one_halfway(grid):
    assert grid.cell_at(0, 1) == (0, 2)
    assert grid.cell_at(0.25, 0.75) == (0, 2)
    assert grid.cell_at(0.26, 0.74) == (1, 1)


@pytest.mark.parametrize("y, x", [(-0.01, 0), (0, 1.01), (math.nan, 0), (0, math.inf), ("0", 0)])
def test_points_outside_the_pad_are_refused(grid, y, x):
    with pytest.raises(GridError, match="the pad goes from 0 to 1"):
        grid.cell_at(y, x)


def test_play_answers_what_the_controller_of_the_course_answers(grid):
    assert grid.play(1, 2, 28) == (0, 49, 50 / 16, ((1 * 3 + 2) * 3 + 1) * 50)
    playing = grid.play(2, 2, 52)
    assert playing.duration_ms == pytest.approx(50 / 16 / 2) and playing.onset == 26 * 50
    with pytest.raises(GridError, match="small has 3 columns, 0 to 2; there is no column -1"):
        grid.play(0, -1, 28)
    with pytest.raises(GridError, match="there is no row 0.5"):
        grid.note(0.5, 0, 28)
    with pytest.raises(GridError, match="has 3 pitches, there is no number 3"):
        grid.samples(0, 0, 3)


# Files that are wrong: one clear error each


@pytest.mark.parametrize("size, text", [
    (2699, r"has 2699 bytes, but small.json asks for 3 x 3 cells x 3 pitches x 50 samples x 2 bytes = 2700: "
           r"it was cut off while it was copied or made$"),
    (0, "has 0 bytes, .*: it was cut off"),
    (1800, r"cut off .*, or the settings belong to another grid \(2 pitches would fit\)"),
    (2646, r"another grid \(notes of 49 samples would fit\)"),
    (4800, r"= 2700: the settings belong to another grid \(4 x 4 cells would fit\)"),
    (9999, r"= 2700: the settings belong to another grid$"),
])
def test_a_wrong_size_says_both_sizes_and_the_likely_cause(path, size, text):
    path.write_bytes(bytes(size))
    with pytest.raises(GridError, match=text):
        NoteGrid.open(path)


@pytest.mark.parametrize("values, text", [
    ({"pitches": [24, 40, 28]}, "\"pitches\" must rise, but 28 follows 40"),
    ({"pitches": [24, 24, 40]}, "holds 24 twice"),
    ({"pitches": [24, 28, 128]}, "holds 128, which is not a MIDI pitch"),
    ({"pitches": [24, 28.5, 40]}, "holds 28.5"),
    ({"pitches": []}, "should be a list of MIDI pitches"),
    ({"pitches": "24"}, "should be a list of MIDI pitches"),
    ({"resolution": 0}, "\"resolution\" should be a whole number from 1 to 256, not 0"),
    ({"resolution": 3.0}, "not 3.0"),
    ({"resolution": True}, "not True"),
    ({"length": -50}, "\"length\" should be"),
    ({"length": 10 ** 30}, "\"length\" should be"),
    ({"sampleRate": 0}, "\"sampleRate\" should be"),
    ({"sampleRate": None, "length": None}, "lacks \"length\" and \"sampleRate\" in \"nsynth\""),
    ({"looping": 1}, "\"looping\" should be true or false, not 1"),
    ({"loopEnd": 0.1}, "\"loopStart\" 0.25 and \"loopEnd\" 0.1 should be fractions"),
    ({"loopStart": math.nan}, "fractions"),
    ({"loopStart": 10 ** 400}, "fractions"),
    ({"resolution": "x" * 100000}, "whole number"), ({"resolution": 10 ** 4000}, "whole number"),
    ({"length": json.loads("[" * 300 + "]" * 300)}, "whole number"), ({"pitches": ["x" * 100000]}, "holds 'xxx"),
    ({"looping": "x" * 100000}, "true or false"), ({"loopEnd": "x" * 100000}, "fractions"),
])
def test_impossible_settings_name_the_key(path, values, text):
    change(path.with_suffix(".json"), **values)
    with pytest.raises(GridError, match=text) as error:
        NoteGrid.open(path)
    assert "small.json" in str(error.value) and len(str(error.value)) < 400


@pytest.mark.parametrize("text, reason", [
    ("{", "not JSON"), ("[" * 100000, "not JSON"), ("[1]", "JSON object"), ("{}", "no settings of a grid"),
    ('{"nsynth": 3}', "JSON object"), ('{"pads": {}}', "lacks \"resolution\" and \"pitches\" and \"final_length\""),
    (json.dumps(pipeline_settings(pads={"NW": ["a"]})), "\"pads\" should hold"),
    (json.dumps(pipeline_settings(pads={"NW": ["a"], "NE": "b", "SW": ["c"], "SE": ["d"]})), "four corners"),
    (json.dumps({**device_settings(PITCHES, 3, 50), "corners": [1, 2]}), "\"corners\" should be four times"),
    (json.dumps(device_settings(PITCHES, 3, 50, corners="abc")), "four corners"),
    (json.dumps(device_settings(PITCHES, 3, 50, corners=["a", "b", "c", "d\0"])), "names of sounds, not 'd.x00'"),
    (json.dumps(device_settings(PITCHES, 3, 50, corners=["a", "b", "c", "\ud800"])), "sounds, not '.ud800'"),
    (json.dumps(device_settings(PITCHES, 3, 50, corners=["a" * 300, "b", "c", "d"])), "names of sounds, not 'aaa"),
    (json.dumps(device_settings(PITCHES, 3, 50)) + " " * (1 << 20), "too large"), ("", "not JSON"),
])
def test_files_that_are_no_settings_are_named(path, text, reason):
    path.with_suffix(".json").write_text(text)
    with pytest.raises(GridError, match=reason) as error:
        NoteGrid.open(path)
    assert "small.json" in str(error.value)


def test_missing_files_are_named(path, tmp_path):
    with pytest.raises(GridError, match="there is no grid .*nothing.bin"):
        NoteGrid.open(tmp_path / "nothing.bin")
    with pytest.raises(GridError, match="settings .*nothing.json cannot be read"):
        NoteGrid.open(path, tmp_path / "nothing.json")
    path.with_suffix(".json").unlink()
    with pytest.raises(GridError, match="neither .*small.json nor settings.json"):
        NoteGrid.open(path)
    path.unlink()
    with pytest.raises(GridError, match="there is no .bin in"):
        NoteGrid.open(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_no_grid_and_is_not_waited_for(path):
    pipe = path.with_name("pipe")
    os.mkfifo(pipe)
    for arguments in ((pipe, path.with_suffix(".json")), (path, pipe)):
        with pytest.raises(GridError, match="pipe is not a file"):
            NoteGrid.open(*arguments)


def test_a_file_that_shrinks_while_it_is_open_is_an_error_and_no_crash(grid):
    with open(grid.path, "r+b") as file:
        file.truncate(100)
    for read in (lambda: grid.note(2, 2, 40), lambda: grid.prefetch(2, 2), lambda: grid.read(1300, 50)):
        with pytest.raises(GridError, match="had 2700 bytes when it was opened and has 100 now"):
            read()


# Size does not matter


def test_a_grid_of_full_size_costs_no_memory_and_no_time(tmp_path):
    path = tmp_path / "full.bin"
    with open(path, "wb") as file:
        file.truncate(9 * 9 * 16 * 60000 * 2)
    path.with_suffix(".json").write_text(json.dumps(device_settings(range(24, 88, 4), 9, 60000)))
    # In a process of its own, or memory that others left would hide what it takes.
    script = """if True:
        import resource, sys, time
        import numpy
        from pdbridge.notegrid import NoteGrid
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        grid = NoteGrid.open(sys.argv[1])
        seconds = time.perf_counter() - start
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grid.note(8, 8, 84).shape == (60000,)
        assert "tensorflow" not in sys.modules
        print(grown / (1024 if sys.platform == "linux" else 1024 ** 2), seconds)
    """
    result = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, cwd=CLONE)
    assert result.returncode == 0, result.stderr
    megabytes, seconds = map(float, result.stdout.split())
    assert megabytes < 20 and seconds < 1  # the budget of 50 ms is measured by benchmarks/grid.py
