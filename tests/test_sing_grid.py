"""Grids between four instruments of a SING: embeddings are mixed, notes are kept, and a stopped rendering goes on."""

import json
from pathlib import Path

import numpy as np
import pytest

from pdbridge import cli
from pdbridge.errors import GridError, PitchError, SymbolError
from pdbridge.notegrid import NoteGrid
from pdbridge.rendering import cleaning, corners, project
from pdbridge.rendering.instruments import render_instruments
from pdbridge.sing.symbols import find_instrument

SING = Path(__file__).parent / "data" / "sing" / "sing_v_hann1.th"
FOUR = {"NW": 0, "NE": "bass_synthetic_033", "SW": "2", "se": 3}


def ignore(line):
    pass


class Model:
    """Quick notes that hold embedding, pitch and velocity, and remember how many were made together."""

    path = Path("fake.th")
    fingerprint = "0123456789abcdef"
    pitches = tuple(range(100))
    velocities = (25, 50, 75, 100, 127)
    instruments = {"bass_synthetic_033": 1, "../escape": 2}
    note_length = 4000
    sample_rate = 16000

    def __init__(self, fails_after=None):
        self.batches, self.fails_after = [], fails_after

    def embedding(self, instrument):
        return np.float32([1, 0, 0]) * find_instrument(instrument, self.instruments, 9) + np.float32([0, 1, 2])

    def synthesize(self, points, pitches, velocity):
        if len(self.batches) == self.fails_after:
            raise KeyboardInterrupt
        self.batches.append(len(points))
        assert len(points) == len(pitches)
        return np.stack([sound(point, pitch, velocity) for point, pitch in zip(points, pitches, strict=True)])


def sound(point, pitch, velocity):
    shape = np.random.default_rng(pitch).standard_normal(Model.note_length)
    return (np.sin(np.arange(Model.note_length) * (1 + point[0]) / 9) + velocity / 1000 * shape).astype(np.float32)


def rendered(folder, model=None, **options):
    options = {"pitches": (40, 60), "resolution": 3, "final_length": 2000, "say": ignore} | options
    return render_instruments(folder, model or Model(), options.pop("corner_instruments", FOUR), **options)


def assert_notes(grid, row, col, expected, velocity=100):
    for index, pitch in enumerate(grid.pitches):
        wanted = cleaning.finish(sound(expected, pitch, velocity), grid.length, cleaning.PEAK_DB, False)
        np.testing.assert_array_equal(grid.read(grid.onset(row, col, index), grid.length),
                                      wanted.astype(np.float32) / 32768)


def test_corners_are_four_instruments_and_cells_are_mixtures_of_their_embeddings(tmp_path):
    path = rendered(tmp_path / "p")
    assert path.name == "instrument0_bass_synthetic_033_..-escape_instrument3.bin"
    assert path.parent == tmp_path / "p"  # whatever an instrument is called
    with NoteGrid.open(path) as grid:
        assert (grid.rows, grid.cols, grid.pitches, grid.length) == (3, 3, (40, 60), 2000)
        assert grid.origin["velocity"] == 100 and grid.origin["model"] == "fake.th"
        cells = corners.bilinear_weights(3) @ np.float64([0, 1, 2, 3])
        for number, mixed in enumerate(cells):
            assert_notes(grid, number // 3, number % 3, np.float32([mixed]))


def test_notes_are_made_together_and_a_stopped_rendering_goes_on(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        rendered(tmp_path / "p", Model(fails_after=2), at_once=4)
    model = Model()
    path = render_instruments(tmp_path / "p", model, at_once=4, say=ignore)  # the settings are there
    assert model.batches == [4, 4, 2]
    again = Model()
    assert render_instruments(tmp_path / "p", again, say=ignore) == path and again.batches == []


def test_velocity_and_weights_are_settings_that_options_replace(tmp_path):
    said = []
    with NoteGrid.open(rendered(tmp_path / "p", velocity=60, weights="distance", say=said.append)) as grid:
        assert_notes(grid, 0, 0, np.float32([0]), velocity=50)
        assert grid.origin["velocity"] == 50 and grid.origin["weights"] == "distance"
    assert "the velocity 60 is made as 50, the nearest that the model knows" in said
    settings = json.loads((tmp_path / "p" / "settings.json").read_text())
    assert settings["velocity"] == 60 and settings["weights"] == "distance"
    assert settings["instruments"] == {"NW": 0, "NE": "bass_synthetic_033", "SW": 2, "SE": 3}
    with NoteGrid.open(render_instruments(tmp_path / "p", Model(), {"nw": 3}, velocity=127, say=ignore)) as grid:
        assert_notes(grid, 0, 0, np.float32([3]), velocity=127)


@pytest.mark.parametrize("options, error, part", [
    ({"corner_instruments": {"NW": 1}}, GridError, "for every corner, .* NE and SW and SE is missing"),
    ({"corner_instruments": {**FOUR, "N": 1}}, GridError, "there is no corner N"),
    ({"corner_instruments": {**FOUR, "NE": "bass_sinthetic_033"}}, SymbolError, "near it are bass_synthetic_033"),
    ({"corner_instruments": {**FOUR, "NE": 9}}, SymbolError, "this model has the numbers 0 to 8"),
    ({"pitches": (100,)}, PitchError, "does not know the pitch 100; it knows 0 to 99"),
    ({"pitches": None}, GridError, "say which pitches to render"),
    ({"final_length": 4001}, GridError, "notes of this model have 4000 samples, not 4001"),
    ({"velocity": 128}, GridError, "velocity"),
])
def test_what_a_sing_cannot_make_is_one_clear_error_and_leaves_no_project(options, error, part, tmp_path):
    with pytest.raises(error, match=part):
        rendered(tmp_path / "p", **options)
    assert not (tmp_path / "p").exists()


def test_settings_name_an_instrument_for_every_corner(tmp_path):
    with pytest.raises(GridError, match='"instruments: SE" should be the number or the name'):
        project.write(project.Project(tmp_path, (60,), instruments={"NW": 0, "NE": 1, "SW": 2, "SE": -1})
                      .overridden(resolution=2))


def test_one_command_makes_a_grid_from_a_sing(tmp_path, capsys):
    from pdbridge import SING as Real

    words = ["grid", "render", str(tmp_path / "p"), "--model", str(SING), "--pitches", "60", "--resolution", "2",
             "--corner", "NW=0", "--corner", "NE=1", "--corner", "SW=2", "--corner", "SE=3", "--velocity", "75"]
    assert cli.main(words) == 0
    path = tmp_path / "p" / "instrument0_instrument1_instrument2_instrument3.bin"
    assert f"{path} is written" in capsys.readouterr().out
    with NoteGrid.open(path) as grid:
        wanted = Real.load(SING).synthesize([0, 1, 2, 3], 60, 75)
        for corner, place in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            note = cleaning.finish(wanted[corner], 60000, cleaning.PEAK_DB, False) / np.float32(32768)
            assert abs(grid.read(grid.onset(*place, 0), 60000) - note).max() <= 2 / 32768


@pytest.mark.parametrize("option, text", [
    (["--seed", "3"], "--seed is for an NSynth or a GANSynth, and {} is a SING"),
    (["--precision", "int8"], "--precision is for an NSynth, and {} is a SING"),
    (["--corner", "NW=1,2"], "a corner has one instrument, not 2: NW=1,2"),
])
def test_options_that_a_sing_does_not_take_are_named(option, text, tmp_path, capsys):
    assert cli.main(["grid", "render", str(tmp_path / "p"), "--model", str(SING), *option]) == 1
    assert text.format(SING) in capsys.readouterr().err
