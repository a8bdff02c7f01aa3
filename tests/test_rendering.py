"""Making a grid: corners and weights, cleaning, projects, and rendering that survives anything."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_nsynth import FakeNSynth

from pdbridge import latent
from pdbridge.errors import AudioError, EmbeddingError, EngineError, GridError, LatentError
from pdbridge.notegrid import NoteGrid
from pdbridge.nsynth import mulaw
from pdbridge.rendering import cleaning, corners, project, render, work
from pdbridge.rendering.batches import Draw

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


# Projects


def write_sounds(folder, names="abcd", pitches=(48, 60), samples=3000, ending="wav"):
    """A folder of short sounds, each different."""
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        for pitch in pitches:
            sound = np.sin(np.arange(samples) * (number + 1) * pitch / 2000) * 0.5
            soundfile.write(folder / f"{name}_{pitch}.{ending}", sound, 16000)
    return folder


@pytest.fixture
def sounds(tmp_path):
    return write_sounds(tmp_path / "sounds")


def prepared(sounds, folder, **settings):
    """A project that is quickly rendered: 3 x 3 cells, notes of 2048 samples."""
    return project.prepare(sounds, folder, **{"resolution": 3, "final_length": 1500, "sample_length": 2048, **settings})


def edit(folder, **values):
    path = folder / "settings.json"
    settings = {**json.loads(path.read_text()), **values}
    path.write_text(json.dumps({key: value for key, value in settings.items() if value is not ...}))


def test_settings_are_those_of_the_course_and_ours_and_come_back(sounds, tmp_path):
    made = prepared(sounds, tmp_path / "p", loop=(0.25, 0.5))
    settings = json.loads((tmp_path / "p" / "settings.json").read_text())
    assert settings["pads"] == {"NW": ["a"], "NE": ["b"], "SW": ["c"], "SE": ["d"]}
    assert (settings["pitches"], settings["resolution"], settings["final_length"]) == ([48, 60], 3, 1500)
    assert settings["gpus"] == 1 and settings["sounds"] == str(sounds)
    assert project.read(tmp_path / "p") == made


def test_a_project_of_the_course_is_one_of_ours(sounds, tmp_path):
    (tmp_path / "p").mkdir()
    sounds.rename(tmp_path / "p" / "audio_input")
    pads = {"NW": ["a"], "NE": ["b"], "SE": ["c"], "SW": ["d"]}
    (tmp_path / "p" / "settings.json").write_text(json.dumps(
        {"pads": pads, "magenta_dir": "/m", "pitches": [48, 60], "resolution": 9, "final_length": 60000, "gpus": 16}))
    settings = project.read(tmp_path / "p")
    assert (settings.weights, settings.compat, settings.sample_length) == ("distance", False, 64000)
    assert len(project.files_of(settings)) == 8


def test_sounds_are_files_of_all_kinds_named_by_sound_and_pitch(tmp_path):
    folder = write_sounds(tmp_path / "s", ["my_flute", "organ"], (60, 7), ending="flac")
    write_sounds(folder, ["bell"], (60,), ending="aiff")
    for name in ("notes.txt", "._bell_60.wav", "thunder.wav", "bell_61.mp3"):
        (folder / name).touch()
    found = project.find_sounds(folder)
    assert {sound: sorted(files) for sound, files in found.items()} == {
        "my_flute": [7, 60], "organ": [7, 60], "bell": [60]}
    assert project.unnamed_sounds(folder) == ["thunder.wav"]


@pytest.mark.parametrize("names, text", [
    (["a_60.wav", "a_60.flac"], "a_60.flac and a_60.wav .* are the same note"),
    (["a_060.wav", "a_60.wav"], "are the same note"),
    (["a_128.wav"], "a_128.wav: 128 is not a MIDI pitch"),
    (["pitch_60.wav"], "cannot be called \"pitch\""),
])
def test_names_that_cannot_be_used_are_named(tmp_path, names, text):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(GridError, match=text):
        project.find_sounds(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_in_utf_8_is_named(tmp_path):
    (tmp_path / os.fsdecode(b"fl\xfcte_60.wav")).touch()
    with pytest.raises(GridError, match="_60.wav: this name is not in UTF-8; rename the file"):
        project.find_sounds(tmp_path)


def test_accents_may_be_written_in_one_piece_or_two(tmp_path):
    apart, in_one = "fle\u0301te", "fl\u00e9te"
    write_sounds(tmp_path / "s", [apart, "b", "c", "d"])
    corners = {"NW": [in_one], "NE": ["b"], "SW": ["c"], "SE": ["d"]}
    prepared(tmp_path / "s", tmp_path / "p", corners=corners)
    edit(tmp_path / "p", pads={**corners, "NW": [apart]})
    path, = rendered(tmp_path / "p")
    assert path.stem == f"{in_one}_b_c_d"


def test_fewer_than_four_sounds_are_no_pad(tmp_path):
    write_sounds(tmp_path / "s", "abc")
    (tmp_path / "s" / "thunder.wav").touch()
    with pytest.raises(GridError, match=r"needs four sounds .* has 3 \(a, b, c\).*<sound>_<pitch>.*thunder.wav"):
        prepared(tmp_path / "s", tmp_path / "p")
    with pytest.raises(GridError, match="there is no folder of sounds"):
        prepared(tmp_path / "none", tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_sounds_need_the_same_pitches_unless_some_are_chosen(sounds, tmp_path):
    (sounds / "b_60.wav").unlink()
    with pytest.raises(GridError, match="but b lacks 60; --pitches 48 takes those that all have"):
        prepared(sounds, tmp_path / "p")
    assert prepared(sounds, tmp_path / "p", pitches=(48,)).pitches == (48,)
    with pytest.raises(GridError, match="b lacks the pitch 60 in .*; it has 48"):
        prepared(sounds, tmp_path / "q", pitches=(48, 60))


def test_corners_may_be_named_all_four_of_them(sounds, tmp_path):
    corners = {"nw": ["d"], "NE": ["a", "b"], "sw": ["b"], "SE": ["c"]}
    made = prepared(sounds, tmp_path / "p", corners=corners)
    assert made.pads == {"NW": ["d"], "NE": ["a", "b"], "SW": ["b"], "SE": ["c"]}
    for wrong, text in (({"NW": ["a"]}, "name all four corners or none; NE and SW and SE is missing"),
                        ({**corners, "N": ["a"]}, "there is no corner N; corners are NW, NE, SW, SE"),
                        ({**corners, "NE": ["x"]}, "there is no sound x in .*; there are a, b, c, d")):
        with pytest.raises(GridError, match=text):
            prepared(sounds, tmp_path / "q", corners=wrong)


def test_sounds_that_cannot_be_read_are_named_before_anything_is_rendered(sounds, tmp_path):
    (sounds / "b_60.wav").write_bytes(b"RIFF, or so it says")
    (sounds / "c_48.wav").write_bytes(b"")
    with pytest.raises(AudioError, match="cannot be read as sound: .*b_60.wav, .*c_48.wav"):
        prepared(sounds, tmp_path / "p")


def test_settings_that_are_there_are_not_lost(sounds, tmp_path):
    prepared(sounds, tmp_path / "p")
    with pytest.raises(GridError, match="is there already; edit it, or replace it with --overwrite"):
        prepared(sounds, tmp_path / "p")
    assert prepared(sounds, tmp_path / "p", overwrite=True, resolution=5).resolution == 5


@pytest.mark.parametrize("key, value, text", [
    ("resolution", 1, '"resolution" should be a whole number from 2 to 256, not 1'),
    ("resolution", "9", "\"resolution\" should be a whole number .* not '9'"),
    ("resolution", ..., 'lacks "resolution"'),
    ("pitches", [60, 48], '"pitches" must rise'),
    ("pitches", [48, 61], "a lacks the pitch 61"),
    ("final_length", 0, '"final_length" should be'),
    ("final_length", 3000, '"final_length" 3000 is longer than "sample_length" .* 2048'),
    ("sample_length", 511, '"sample_length" should be a whole number from 512'),
    ("pads", ..., 'lacks "pads"'),
    ("pads", {"NW": ["a"]}, '"pads" should be lists of sounds for "NW", "NE", "SW", "SE"'),
    ("pads", {"NW": ["a"], "NE": [], "SW": ["c"], "SE": ["d"]}, '"pads: NE" should be a list of names'),
    ("pads", {"NW": ["a"], "NE": "b", "SW": ["c"], "SE": ["d"]}, '"pads: NE" should be a list of names'),
    ("pads", {"NW": ["a"], "NE": ["b", "b"], "SW": ["c"], "SE": ["d"]}, '"pads: NE" .* without repetitions'),
    ("pads", {"NW": ["x"], "NE": ["b"], "SW": ["c"], "SE": ["d"]}, "there is no sound x in .*; there are a, b, c, d"),
    ("pads", {"NW": ["a" * 210], "NE": ["b"], "SW": ["c"], "SE": ["d"]}, "names too long for a file"),
    ("pads", {"NW": ["\udcff"], "NE": ["b"], "SW": ["c"], "SE": ["d"]}, "there is no sound \udcff in"),
    ("pads", {"NW": ["a", "a_b"], "NE": ["b_c", "c"], "SW": ["c"], "SE": ["d"]},
     "grids of a, b_c, c, d and of a_b, c, c, d would both be called a_b_c_c_d; rename a sound"),
    ("weights", "cubic", '"weights" should be "distance" or "bilinear", not "cubic"'),
    ("peak_db", 3, '"peak_db" should be a level in dB from -90 to 0, not 3'),
    ("peak_db", -10 ** 400, '"peak_db" should be a level'),
    ("loop", [0.5, 10 ** 400], '"loop" should be null, or start and end'),
    ("loop", [0.5, 0.2], '"loop" should be null, or start and end'),
    ("compat", "yes", '"compat" should be true or false, not "yes"'),
    ("sounds", 3, '"sounds" should be the name of a folder, not 3'),
    ("sounds", "nowhere", "there is no folder of sounds .*nowhere"),
    ("resolutoin", 9, 'nobody knows the key "resolutoin"; known are compat, final_length'),
])
def test_settings_edited_into_nonsense_name_the_key(sounds, tmp_path, key, value, text):
    prepared(sounds, tmp_path / "p")
    edit(tmp_path / "p", **{key: value})
    with pytest.raises(GridError, match=text):
        rendered(tmp_path / "p")


def test_a_folder_without_settings_is_no_project(tmp_path):
    with pytest.raises(GridError, match="is no project, there is no settings.json in it"):
        rendered(tmp_path)


# Rendering, with an NSynth that costs nothing


def rendered(folder, model=None, **options):
    """Render, and say nothing."""
    return render.render(folder, model or FakeNSynth(), "fake.ckpt", say=lambda line: None, **options)


@pytest.fixture
def folder(sounds, tmp_path):
    prepared(sounds, tmp_path / "p")
    return tmp_path / "p"


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The bytes of the grid of `folder`, rendered at one go."""
    folder = tmp_path_factory.mktemp("reference")
    prepared(write_sounds(folder / "sounds"), folder / "p")
    path, = rendered(folder / "p")
    return path.read_bytes()


def test_a_project_becomes_a_grid_that_says_how_it_was_made(folder):
    path, = rendered(folder)
    assert path == folder / "a_b_c_d.bin"
    with NoteGrid.open(path) as grid:
        assert (grid.rows, grid.pitches, grid.length, grid.sample_rate) == (3, (48, 60), 1500, 16000)
        assert grid.corners == ("a", "b", "c", "d") and grid.loop is None and not grid.looping
        assert grid.origin["model"] == "fake.ckpt" and grid.origin["precision"] == "float32"
        for row, col in np.ndindex(3, 3):
            note = grid.samples(row, col, 0)
            assert note[0] == 0 and abs(note).max() == pytest.approx(8231, rel=0.3)


def test_cells_are_made_of_the_sounds_of_their_corners(folder):
    """The corner of a sound is the note that its own embedding makes."""
    model = FakeNSynth()
    path, = rendered(folder, model, draw=Draw(seed=5))
    with NoteGrid.open(path) as grid:
        for (row, col), sound in {(0, 0): "a", (0, 2): "b", (2, 0): "c", (2, 2): "d"}.items():
            samples, _ = soundfile.read(folder.parent / "sounds" / f"{sound}_60.wav", dtype="float32")
            embedding = model.encode(samples[np.newaxis, :2048])
            uniforms = Draw(seed=5).uniforms(corners.note_name({sound: 1.0}, 60), 0, 2048)
            codes, = model.decoder().start(embedding).run(2048, uniforms[np.newaxis])
            note = cleaning.finish(cleaning.remove_clicks(mulaw.samples(codes)), 1500)
            np.testing.assert_array_equal(grid.samples(row, col, 1), note)


def test_equal_notes_are_rendered_once_and_nothing_twice(folder):
    edit(folder, resolution=9)
    model = FakeNSynth()
    rendered(folder, model)
    assert model.run == 77 * 2 * 2048 and model.encoded == 8
    again = FakeNSynth()
    lines = []
    render.render(folder, again, "fake.ckpt", say=lines.append)
    assert again.run == again.encoded == 0 and "is there already" in lines[-1]
    edit(folder, final_length=1000)  # only packed again
    path, = rendered(folder, again)
    assert again.run == 0 and path.stat().st_size == 81 * 2 * 1000 * 2


def test_corners_with_several_sounds_make_several_grids_and_share_notes(tmp_path):
    sounds = write_sounds(tmp_path / "sounds", "abcde", (60,))
    prepared(sounds, tmp_path / "p")
    model = FakeNSynth()
    paths = rendered(tmp_path / "p", model)
    assert [path.name for path in paths] == ["a_b_c_d.bin", "e_b_c_d.bin"]
    # On the sides that do not touch NW all notes are the same.
    assert model.run == (9 + 9 - 5) * 2048


def test_the_originals_corners_and_lengths_are_there_on_demand(folder):
    model = FakeNSynth()
    path, = rendered(folder, model, compat=True)
    assert path.name == "a_b_d_c.bin" and path.stat().st_size == 9 * 2 * 60000 * 2
    ours, = rendered(folder, model)
    with NoteGrid.open(path) as theirs, NoteGrid.open(ours) as ours:
        assert theirs.corners == ("a", "b", "d", "c")
        np.testing.assert_array_equal(theirs.samples(2, 0, 1)[:1490], ours.samples(2, 2, 1)[:1490])


def test_notes_do_not_depend_on_the_batches(folder, reference):
    path, = rendered(folder, batch_size=7)
    assert path.read_bytes() == reference


def test_short_sounds_are_followed_by_silence(tmp_path):
    sounds = write_sounds(tmp_path / "sounds", samples=700)
    prepared(sounds, tmp_path / "p")
    assert rendered(tmp_path / "p")[0].is_file()


@pytest.mark.parametrize("change", ["sound", "model", "seed", "temperature", "precision", "weights", "sample_length"])
def test_what_was_made_from_something_else_is_not_used(folder, sounds, change):
    before, = rendered(folder)
    contents = before.read_bytes()
    options, model = {}, FakeNSynth()
    if change == "sound":
        write_sounds(sounds, "a", samples=1500)
    elif change == "model":
        model = FakeNSynth("another")
    elif change == "seed":
        options["draw"] = Draw(seed=1)
    elif change == "temperature":
        options["draw"] = Draw(temperature=0.5)
    elif change == "precision":
        options["precision"] = "int8"
    elif change == "weights":
        edit(folder, resolution=4, weights="bilinear")
    else:
        edit(folder, sample_length=2560)
    path, = rendered(folder, model, **options)
    assert model.run > 0
    unheard = "model", "precision", "sample_length"  # by the fake, in the part of the notes that is kept
    assert path.read_bytes() != contents or change in unheard
    if change == "sound":  # only the four cells at its corner have a part of it
        assert model.encoded == 2 and model.run == 4 * 2 * 2048


def test_weights_given_to_render_go_before_those_of_the_settings(folder):
    edit(folder, resolution=4)
    path, = rendered(folder, weights="bilinear")
    with NoteGrid.open(path) as grid:
        assert grid.origin["weights"] == "bilinear"


@pytest.mark.parametrize("seconds", [0, 1e9])
def test_after_ctrl_c_nothing_is_lost_and_nothing_done_twice(folder, reference, seconds):
    model = FakeNSynth()
    stops = 0
    for stop_after in (3000, 9000, 12000, 30000):
        model.stop_after = stop_after
        try:
            path, = rendered(folder, model, checkpoint_s=seconds)
        except KeyboardInterrupt:
            stops += 1
    path, = rendered(folder, model, checkpoint_s=seconds)
    assert stops == 4 and model.encoded == 8
    assert path.read_bytes() == reference
    lost = model.run - 18 * 2048  # the chunk in which Ctrl-C was pressed is lost
    assert lost < 4 * 4 * 2048
    assert not list((folder / "work" / "under_way").iterdir())


def test_long_notes_are_taken_up_by_their_last_6144_samples(sounds, tmp_path):
    prepared(sounds, tmp_path / "p", pitches=(60,), resolution=2, sample_length=9216, final_length=9216)
    prepared(sounds, tmp_path / "q", pitches=(60,), resolution=2, sample_length=9216, final_length=9216)
    model = FakeNSynth()
    model.stop_after = 4 * 8000
    with pytest.raises(KeyboardInterrupt):
        rendered(tmp_path / "p", model)
    interrupted, = rendered(tmp_path / "p", model)
    assert model.batches == [4, 4] and model.run > 4 * 9216
    at_one_go, = rendered(tmp_path / "q")
    assert interrupted.read_bytes() == at_one_go.read_bytes()


def test_a_batch_under_way_survives_another_batch_size(folder, reference):
    model = FakeNSynth()
    model.stop_after = 5000
    with pytest.raises(KeyboardInterrupt):
        rendered(folder, model)
    begun = model.run
    path, = rendered(folder, model, batch_size=3)
    assert path.read_bytes() == reference and model.run < begun + 18 * 2048


@pytest.mark.parametrize("kind", ["embeddings", "notes", "under_way"])
def test_a_damaged_file_of_the_work_is_made_anew(folder, reference, kind):
    model = FakeNSynth()
    model.stop_after = 20000
    with pytest.raises(KeyboardInterrupt):
        rendered(folder, model)
    damaged = 0
    for path in (folder / "work" / kind).iterdir():
        contents = bytearray(path.read_bytes())
        contents[len(contents) // 2] ^= 0xFF
        path.write_bytes(contents[:-100] if damaged % 2 else contents)
        damaged += 1
    assert damaged
    path, = rendered(folder, model)
    assert path.read_bytes() == reference


def test_no_byte_that_flips_in_the_work_is_an_error_or_goes_unseen(tmp_path):
    codes = np.arange(30, dtype=np.uint8)
    with work.Work(tmp_path / "work") as done:
        done.save("notes", "n", {"a": 1}, codes=codes)
        path = done.path("notes", "n", {"a": 1})
        contents = path.read_bytes()
        for place in range(len(contents)):
            path.write_bytes(contents[:place] + bytes([contents[place] ^ 1]) + contents[place + 1:])
            arrays = done.load("notes", "n", {"a": 1})
            assert not arrays or (arrays["codes"] == codes).all()
        path.write_bytes(contents)
        assert done.load("notes", "n", {"a": 1})


def test_a_full_disk_is_one_clear_error_and_the_work_goes_on_later(folder, reference, monkeypatch):
    model = FakeNSynth()
    real, written = os.fsync, []

    def fsync(file):
        written.append(file)
        if len(written) == 14:
            raise OSError(28, "No space left on device")
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(GridError, match=r"notes.*cannot be written: No space left on device; what is done is kept"):
        rendered(folder, model)
    assert len(list((folder / "work" / "notes").iterdir())) == 14 - 1 - 8
    made = model.run
    path, = rendered(folder, model)
    assert path.read_bytes() == reference
    assert model.run - made == (18 - 5) * 2048


def test_too_small_a_disk_is_found_out_before_the_start(folder, monkeypatch):
    monkeypatch.setattr(work.Work, "free", lambda self: 100_000)
    model = FakeNSynth()
    with pytest.raises(GridError, match=r"rendering takes \d+ kB in .*p, but only 100 kB are free; make room first"):
        rendered(folder, model)
    assert model.encoded == model.run == 0


def test_a_project_is_rendered_by_one_process_at_a_time(folder):
    with work.Work(folder / "work"), pytest.raises(GridError, match="another process renders .*p just now"):
        rendered(folder)
    assert rendered(folder)


def test_a_disk_without_locks_is_one_clear_error(folder, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(GridError, match="work cannot be held by one process at a time: No locks available"):
        rendered(folder)


def test_what_a_kill_left_half_written_is_thrown_away(folder):
    left = folder / ".a_b_c_d.99.0.part.bin"
    left.write_bytes(bytes(1000))
    rendered(folder)
    assert not left.exists()


def test_a_kill_between_the_two_files_of_a_grid_leaves_none_that_passes_for_the_old_one(folder, monkeypatch):
    path, = rendered(folder)
    old = path.read_bytes()
    edit(folder, peak_db=-6)
    replace = os.replace

    def killed(source, target):
        if str(target).endswith(".json"):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        rendered(folder)
    monkeypatch.undo()
    assert path.read_bytes() != old
    edit(folder, peak_db=-12)
    rendered(folder)
    assert path.read_bytes() == old


def test_a_sound_that_changes_while_it_is_read_is_not_mistaken_for_the_old_one(folder, sounds, monkeypatch):
    read = render.read_sound

    def read_and_change(path, sample_rate):
        samples = read(path, sample_rate)
        soundfile.write(path, samples / 2, sample_rate, subtype="FLOAT")
        return samples

    monkeypatch.setattr(render, "read_sound", read_and_change)
    with pytest.raises(AudioError, match=r"a_48.wav was changed while it was read; run the same command again"):
        rendered(folder)
    assert not (folder / "work" / "embeddings").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_embeddings_that_are_not_finite_name_the_sound(folder, value):
    model = FakeNSynth()
    encode = model.encode

    def spoilt(audio):
        embeddings = encode(audio)
        embeddings[1, 2, 3] = value
        return embeddings

    model.encode = spoilt
    with pytest.raises(EmbeddingError, match="embedding of .*a_60.wav holds values that are not finite"):
        rendered(folder, model)


def test_samples_that_are_not_finite_name_the_sound(folder, sounds):
    sound = np.zeros(3000, np.float32)
    sound[5] = np.nan
    soundfile.write(sounds / "c_48.wav", sound, 16000, subtype="FLOAT")
    with pytest.raises(AudioError, match="c_48.wav holds samples that are not finite"):
        rendered(folder)


@pytest.mark.parametrize("options, text", [
    ({"engine": "gpu"}, "there is no engine gpu; there are local and dask"),
    ({"scheduler": "tcp://x:1"}, "--scheduler goes with --engine dask"),
    ({"engine": "dask"}, "needs the address of a scheduler"),
])
def test_engines_that_do_not_exist_or_lack_something_say_so(folder, options, text):
    with pytest.raises(EngineError, match=text):
        rendered(folder, **options)


def test_without_dask_the_error_says_how_to_get_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EngineError, match=r"pip install 'pdbridge\[dask\]'"):
        rendered(folder, engine="dask", scheduler="tcp://localhost:1")


def test_random_numbers_belong_to_a_note_and_a_place_in_it():
    draw = Draw(seed=3)
    whole = draw.uniforms("a_1.0_pitch_60", 0, 1000)
    np.testing.assert_array_equal(draw.uniforms("a_1.0_pitch_60", 400, 600), whole[400:])
    assert abs(whole.mean() - 0.5) < 0.05 and whole.min() >= 0 and whole.max() < 1
    for other in (Draw(seed=4).uniforms("a_1.0_pitch_60", 0, 1000), draw.uniforms("a_1.0_pitch_61", 0, 1000)):
        assert not (other == whole).any()


def test_a_long_name_finds_its_file(tmp_path):
    with work.Work(tmp_path / "work") as done:
        for name in ("é" * 150, "é" * 150 + "/b"):
            done.save("notes", name, {"name": name}, codes=np.arange(3))
            np.testing.assert_array_equal(done.load("notes", name, {"name": name})["codes"], np.arange(3))
            assert done.load("notes", name, {"name": "another"}) is None


def test_what_the_server_uses_needs_no_tensorflow_and_no_sound_files():
    script = ("import sys; from pdbridge import notegrid; from pdbridge.rendering import cleaning, corners; "
              "print([name for name in ('tensorflow', 'soundfile', 'soxr', 'distributed') if name in sys.modules])")
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=DATA.parents[2])
    assert result.stdout.strip() == "[]", result.stderr
