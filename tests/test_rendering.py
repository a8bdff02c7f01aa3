"""Making a grid: corners and weights, cleaning, projects, and rendering that survives anything."""

import json
from pathlib import Path

import numpy as np
import pytest

from pdbridge import latent
from pdbridge.errors import AudioError, GridError, LatentError
from pdbridge.rendering import cleaning, corners

DATA = Path(__file__).parent / "data" / "nsynth"


@pytest.fixture(scope="module")
def golden():
    with np.load(DATA / "golden_grid.npz") as arrays:
        return dict(arrays)


# Corners


@pytest.mark.parametrize("resolution", [3, 9, 11])
def test_places_and_distance_weights_are_the_originals(golden, resolution):
    np.testing.assert_allclose(corners.points(resolution), golden[f"grid_{resolution}"], atol=1e-15)
    np.testing.assert_allclose(corners.distance_weights(resolution), golden[f"weights_{resolution}"], atol=1e-15)


@pytest.mark.parametrize("resolution, distinct", [(3, 9), (9, 77), (11, 117)])
def test_names_of_notes_are_the_originals(resolution, distinct):
    golden = json.loads((DATA / "golden_grid_names.json").read_text())
    names = [corners.note_name(corners.shares(golden["combination"], weights), golden["pitch"])
             for weights in corners.distance_weights(resolution)]
    assert names == golden["names"][str(resolution)]
    assert len(set(names)) == distinct


def test_bilinear_weights_fade_evenly_and_meet_the_corners():
    weights = corners.bilinear_weights(5).reshape(5, 5, 4)
    np.testing.assert_allclose(weights.sum(axis=2), 1)
    np.testing.assert_array_equal(weights[[0, 0, -1, -1], [0, -1, 0, -1]], np.eye(4))
    np.testing.assert_allclose(weights[1, 3], [0.75 * 0.25, 0.75 * 0.75, 0.25 * 0.25, 0.25 * 0.75])


def test_sounds_are_dealt_like_cards():
    pads = {"NW": ["a", "e"], "NE": ["b", "f"], "SW": ["c"], "SE": ["d"]}
    assert corners.deal(["f", "b", "a", "c", "e", "d"]) == pads


def test_south_is_below_unless_the_originals_swap_is_asked_for():
    pads = {"NW": ["a", "e"], "NE": ["b"], "SW": ["c"], "SE": ["d"]}
    assert corners.combinations(pads) == [("a", "b", "c", "d"), ("e", "b", "c", "d")]
    assert corners.combinations(pads, compat=True) == [("a", "b", "d", "c"), ("e", "b", "d", "c")]


def test_a_sound_in_two_corners_has_both_parts():
    parts = corners.shares(("a", "b", "a", "c"), (0.5, 0.25, 0.25, 0))
    assert parts == {"a": 0.75, "b": 0.25}
    assert corners.note_name(parts, 60) == "a_0.75_b_0.25_pitch_60"


def test_timbres_between_corners_meet_them_and_stay_on_the_sphere():
    nw, ne, sw, se = z = latent.random_z(4, 256, seed=1)
    cells = corners.cell_timbres(z, 3)
    assert cells.shape == (9, 256) and cells.dtype == np.float32
    np.testing.assert_array_equal(cells[[0, 2, 6, 8]], z)
    np.testing.assert_allclose(cells[1], latent.slerp(nw, ne, 0.5), atol=1e-6)
    np.testing.assert_allclose(cells[5], latent.slerp(ne, se, 0.5), atol=1e-6)
    middle = latent.slerp(latent.slerp(nw, ne, 0.5), latent.slerp(sw, se, 0.5), 0.5)
    np.testing.assert_allclose(cells[4], middle, atol=1e-6)
    assert np.linalg.norm(cells, axis=1).min() > 14
    for wrong in (z[:3], z[0]):
        with pytest.raises(GridError, match="four corners"):
            corners.cell_timbres(wrong, 3)
    z[2, 7] = np.nan
    with pytest.raises(LatentError, match="finite"):
        corners.cell_timbres(z, 3)


# Cleaning


def test_notes_are_cropped_and_faded_as_the_original_does(golden):
    sound = golden["pp_in"]
    for compat in (False, True):
        np.testing.assert_array_equal(cleaning.crop(sound, 60000, compat), golden["pp_out"])
    short = sound[:golden["pp_in2_len"]]
    np.testing.assert_array_equal(cleaning.crop(short, 60000, compat=True), golden["pp_out2"])
    assert [cleaning.onset(sound), cleaning.onset(short)] == golden["pp_onset"].tolist()


def test_a_note_that_ends_early_fades_out_where_it_ends(golden):
    short = golden["pp_in"][:50000]
    end = 50000 - golden["pp_onset"][1]
    cropped, original = cleaning.crop(short, 60000), golden["pp_out2"]
    assert cropped[end - 1] == 0 and original[end - 1] != 0
    np.testing.assert_array_equal(cropped[:end - 8], original[:end - 8])
    assert not cropped[end:].any()


def test_only_single_samples_that_jump_are_clicks():
    sound = np.zeros(100, np.float32)
    sound[20] = 1.2  # a click
    sound[40:60] = 1.1  # a step stays
    cleaned = cleaning.remove_clicks(sound)
    assert cleaned[20] == 0 and sound[20] > 1
    np.testing.assert_array_equal(np.delete(cleaned, 20), np.delete(sound, 20))
    for length in range(3):
        assert len(cleaning.remove_clicks(sound[:length])) == length


def test_a_finished_note_peaks_at_minus_12_db():
    note = 3 * np.sin(np.arange(20000) / 20)
    finished = cleaning.finish(note, 10000)
    assert finished.dtype == np.int16 and finished.shape == (10000,)
    assert abs(finished).max() == round(32768 * 10 ** (-12 / 20))
    assert abs(cleaning.finish(note, 10000, peak_db=0)).max() == 32767


def test_silence_stays_silence_and_every_length_will_do():
    assert not cleaning.finish(np.zeros(100), 50).any()
    assert not cleaning.finish(np.zeros(0), 50).any()
    for length in (1, 7, 8, 9, 15):
        assert cleaning.finish(np.ones(100), length).shape == (length,)


def test_a_note_that_is_not_finite_is_refused():
    with pytest.raises(AudioError, match="not finite"):
        cleaning.finish(np.array([0, np.nan]), 50)
