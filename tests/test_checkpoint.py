"""Checkpoint folders: as they were published, as a course left them, and broken."""

import json
import shutil

import numpy as np
import pytest
from gansynth_checkpoint import (
    BUILT_IN,
    GOLDENS,
    PUBLIC,
    PUBLISHED,
    TRANSITION,
    change_settings,
    change_tensors,
    copy_of_public,
    random_tensors,
    variable,
    write_checkpoint,
)

from pdbridge.errors import CheckpointError
from pdbridge.gansynth.checkpoint import Shape, read_checkpoint, training_progress

SMALL = Shape(
    latent_size=6, pitches=3, resolutions=3, start_height=2, start_width=4,
    fmap_base=32, fmap_decay=1.0, fmap_max=8, tanh=True,
)


@pytest.fixture
def model(tmp_path):
    """A copy of the golden checkpoint, free to be broken."""
    return copy_of_public(tmp_path)


def the_error(folder):
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(folder)
    return str(caught.value)


# What loads


def test_a_published_folder_loads_as_it_is():
    checkpoint = read_checkpoint(PUBLIC)
    assert checkpoint.pitches == tuple(range(24, 85))
    assert checkpoint.shape.latent_size == 256
    assert checkpoint.layout.sample_rate == 16000
    assert checkpoint.layout.samples == 64000
    assert checkpoint.global_step == 11_000_000
    assert checkpoint.progress == 6.0
    assert len(checkpoint.weights) == 21


def test_the_built_in_model_loads():
    assert read_checkpoint(BUILT_IN).progress == 6.0


def test_a_folder_from_the_middle_of_a_transition_loads():
    checkpoint = read_checkpoint(TRANSITION)
    assert checkpoint.progress == pytest.approx(5.7)
    assert checkpoint.scale == (0.07, 0.75)
    assert checkpoint.shift == (0.1, 0.0)


def test_sizes_are_those_of_a_published_model():
    sizes = {}
    for line in (GOLDENS / "variables_full.tsv").read_text().splitlines():
        name, *size = line.split("\t")
        if name.endswith("/ExponentialMovingAverage"):
            sizes[name] = size[1]
    ours = {name: str(list(value.shape)) for name, value in random_tensors(PUBLISHED, 7).items()}
    assert ours == sizes


def test_the_moving_averages_are_read_not_the_raw_weights(model):
    averaged = variable(7, "conv1/bias")
    raw = averaged.removesuffix("/ExponentialMovingAverage")
    change_tensors(model, {
        raw: np.full(4, 0.5, np.float32),
        averaged: np.full(4, 0.25, np.float32),
    })
    _, bias = read_checkpoint(model).weights[7, "conv1"]
    np.testing.assert_array_equal(bias, 0.25)


def test_a_folder_may_be_given_as_text_or_end_in_a_slash():
    assert read_checkpoint(f"{PUBLIC}/").global_step == 11_000_000


def test_a_stage_folder_may_be_given(model):
    stage = model / "stage_00012"
    assert read_checkpoint(stage).global_step == 11_000_000


def test_unknown_settings_are_passed_over(model):
    change_settings(model, jobs=[1, 2], train_instrument_sources=[0], save_graph_def=False)
    assert read_checkpoint(model).progress == 6.0


def test_missing_settings_get_the_defaults_of_the_original(model):
    path = model / "experiment.json"
    settings = json.loads(path.read_text())
    kept = ("fmap_base", "fmap_max", "start_height", "start_width")
    path.write_text(json.dumps({name: settings[name] for name in kept}))
    checkpoint = read_checkpoint(model)
    assert checkpoint.scale == (0.0661371661726, 0.8)
    assert checkpoint.shift == (0.113718730221, 0.0)
    assert checkpoint.shape.tanh
    assert checkpoint.progress == 6.0


def test_the_training_machine_is_not_looked_for(model):
    change_settings(model, train_root_dir="/no/such/place", train_meta_path="/nor/this.json")
    assert read_checkpoint(model).pitches == tuple(range(24, 85))


def test_whole_numbers_may_be_written_with_a_point(model):
    change_settings(model, num_resolutions=7.0, stable_stage_num_images=8e5)
    assert read_checkpoint(model).progress == 6.0


def test_a_byte_order_mark_does_no_harm(model):
    path = model / "experiment.json"
    path.write_text("\ufeff" + path.read_text(), encoding="utf-8")
    assert read_checkpoint(model).progress == 6.0


# Which stage, which step


def test_empty_last_stages_are_skipped(model):
    (model / "stage_00013").mkdir()
    (model / "stage_00014").mkdir()
    (model / "stage_00014" / "graph.pbtxt").write_text("")
    assert read_checkpoint(model).progress == 6.0


def test_stages_are_sorted_as_numbers(tmp_path):
    write_checkpoint(tmp_path, SMALL, stage=4)
    (tmp_path / "stage_3").mkdir()
    (tmp_path / "stage_3" / "model.ckpt-1.index").write_bytes(b"never read")
    assert read_checkpoint(tmp_path).progress == 2.0


def test_the_last_stage_counts_even_if_it_is_damaged(model):
    (model / "stage_00013").mkdir()
    (model / "stage_00013" / "model.ckpt-1.index").write_bytes(b"not the one before it")
    assert "stage_00013" in the_error(model)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        'model_checkpoint_path: "./model.ckpt-11000000"',
        'model_checkpoint_path: "/home/somebody/train/stage_00012/model.ckpt-11000000"',
        'model_checkpoint_path: "C:\\\\train\\\\stage_00012\\\\model.ckpt-11000000"',
        'model_checkpoint_path: "model.ckpt-12345"',
        "not a checkpoint file {",
        b"\xff\xfe\x00",
    ],
)
def test_whatever_the_file_checkpoint_says_the_weights_are_found(model, text):
    path = model / "stage_00012" / "checkpoint"
    path.unlink()
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert read_checkpoint(model).global_step == 11_000_000


def two_steps(tmp_path):
    write_checkpoint(tmp_path, SMALL, step=9_999_999)
    write_checkpoint(tmp_path, SMALL, step=10_346_312)
    return tmp_path


def test_without_a_name_the_highest_step_is_read(tmp_path):
    assert read_checkpoint(two_steps(tmp_path)).global_step == 10_346_312


def test_the_step_that_the_file_checkpoint_names_is_read(tmp_path):
    two_steps(tmp_path)
    path = tmp_path / "stage_00004" / "checkpoint"
    path.write_text('model_checkpoint_path: "/elsewhere/model.ckpt-9999999"')
    assert read_checkpoint(tmp_path).global_step == 9_999_999


# How far training had got


@pytest.mark.parametrize(
    ("step", "blocks", "progress"),
    [
        (0, 1, 0.0),
        (799_999, 1, 0.0),
        (800_000, 2, 0.0),
        (1_200_000, 2, 0.5),
        (1_600_000, 2, 1.0),
        (9_360_000, 7, 5.7),
        (11_000_000, 7, 6.0),
        (10**12, 7, 6.0),
        (10**12, 3, 2.0),
    ],
)
def test_progress_grows_in_transitions_only(step, blocks, progress):
    assert training_progress(step, blocks, 800_000, 800_000) == pytest.approx(progress)


def test_without_progressive_training_all_blocks_count():
    assert training_progress(0, 7, 800_000, 800_000, progressive=False) == 6.0


def test_stages_without_transitions_have_whole_progress():
    assert training_progress(2500, 3, 1000, 0) == 2.0


# Pitches


def test_pitches_of_a_course_model_come_from_meta_json(tmp_path):
    write_checkpoint(tmp_path, SMALL)
    notes = {
        "drone_60": {"pitch": 60, "instrument_str": "drone"},
        "bell_33": {"pitch": 33},
        "bell_60": {"pitch": 60},
        "bell_35": {"pitch": 35},
    }
    (tmp_path / "meta.json").write_text(json.dumps(notes))
    assert read_checkpoint(tmp_path).pitches == (33, 35, 60)


def test_pitches_that_do_not_fit_the_network_are_refused(model):
    (model / "meta.json").write_text('{"a_60": {"pitch": 60}}')
    error = the_error(model)
    assert "meta.json" in error
    assert "1 different pitches" in error
    assert "61" in error


def test_a_course_model_without_meta_json_says_what_to_do(tmp_path):
    write_checkpoint(tmp_path, SMALL)
    (tmp_path / "meta.json").unlink()
    error = the_error(tmp_path)
    assert "meta.json: is missing" in error
    assert "copy" in error


@pytest.mark.parametrize("pitch", [128, -1, 60.5, "60", None, True, [60], float("nan")])
def test_an_impossible_pitch_names_its_note(model, pitch):
    (model / "meta.json").write_text(json.dumps({"bell_7": {"pitch": pitch}}))
    assert "bell_7" in the_error(model)


@pytest.mark.parametrize("text", ["[]", "{", '{"bell": 60}', "null"])
def test_meta_json_of_another_kind_is_named(model, text):
    (model / "meta.json").write_text(text)
    assert "meta.json" in the_error(model)


# Broken folders


def test_a_folder_that_is_not_there_is_named(tmp_path):
    assert str(tmp_path / "nothing") in the_error(tmp_path / "nothing")


def test_a_file_is_not_a_folder(model):
    assert "experiment.json" in the_error(model / "experiment.json")


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "song.wav").write_bytes(b"RIFF")
    assert "experiment.json: is missing" in the_error(tmp_path)


def test_a_folder_of_models_names_them(tmp_path):
    copy_of_public(tmp_path)
    assert "the models model;" in the_error(tmp_path)


def test_a_folder_without_stages_is_refused(model):
    shutil.rmtree(model / "stage_00012")
    assert "has no stage_... folder" in the_error(model)


def test_a_folder_with_empty_stages_only_is_refused(model):
    for path in (model / "stage_00012").iterdir():
        path.unlink()
    assert "holds a checkpoint" in the_error(model)


def test_missing_data_is_named(model):
    (data,) = model.glob("*/*.data-*")
    data.unlink()
    assert data.name in the_error(model)


def test_a_missing_index_is_named(model):
    (index,) = model.glob("*/*.index")
    index.unlink()
    assert "index is missing" in the_error(model)


def test_data_that_are_cut_short_are_named(model):
    (data,) = model.glob("*/*.data-*")
    data.write_bytes(data.read_bytes()[:100_000])
    error = the_error(model)
    assert data.name in error
    assert "cut short" in error


def test_data_that_were_changed_are_noticed(model):
    (data,) = model.glob("*/*.data-*")
    content = bytearray(data.read_bytes())
    for position in range(0, len(content), 64):
        content[position] ^= 0x10
    data.write_bytes(content)
    assert data.name in the_error(model)


@pytest.mark.parametrize("content", [b"", b"garbage" * 10, None])
def test_a_damaged_index_is_named(model, content):
    (index,) = model.glob("*/*.index")
    index.write_bytes(index.read_bytes()[:-60] if content is None else content)
    assert index.name in the_error(model)


def test_a_checkpoint_of_another_network_is_refused(model):
    change_tensors(model, {variable(1, "conv0/conv2d/kernel"): None})
    error = the_error(model)
    assert variable(1, "conv0/conv2d/kernel") in error
    assert "GANSynth" in error


def test_a_missing_tensor_is_named(model):
    change_tensors(model, {variable(6, "conv1/bias"): None})
    assert variable(6, "conv1/bias") in the_error(model)


def test_a_missing_step_is_named(model):
    change_tensors(model, {"global_step": None})
    assert "global_step" in the_error(model)


@pytest.mark.parametrize("value", [np.int64(-1), np.float32(3), np.zeros(2, np.int64)])
def test_an_impossible_step_is_named(model, value):
    change_tensors(model, {"global_step": value})
    assert "global_step" in the_error(model)


def test_a_tensor_of_another_shape_is_named(model):
    change_tensors(model, {variable(5, "conv0/bias"): np.zeros(13, np.float32)})
    error = the_error(model)
    assert variable(5, "conv0/bias") in error
    assert "[13]" in error
    assert "[12]" in error


def test_a_first_kernel_of_another_rank_is_named(model):
    change_tensors(model, {variable(1, "conv0/conv2d/kernel"): np.zeros(3, np.float32)})
    the_error(model)


def test_whole_numbers_as_weights_are_refused(model):
    change_tensors(model, {variable(5, "conv0/bias"): np.zeros(12, np.int32)})
    assert "int32" in the_error(model)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_numbers_are_refused(model, value):
    bias = np.zeros(12, np.float32)
    bias[3] = value
    change_tensors(model, {variable(5, "conv0/bias"): bias})
    assert "not finite" in the_error(model)


def test_a_missing_experiment_json_is_named(model):
    (model / "experiment.json").unlink()
    assert "experiment.json: is missing" in the_error(model)


@pytest.mark.parametrize("text", ["", "{", "[1]", "7", '{"a": ' * 5000, b"\xff\xfe\x00\x01"])
def test_an_unreadable_experiment_json_is_named(model, text):
    path = model / "experiment.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert "experiment.json" in the_error(model)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latent_vector_size", 0),
        ("latent_vector_size", 10**9),
        ("latent_vector_size", "256"),
        ("latent_vector_size", True),
        ("latent_vector_size", None),
        ("latent_vector_size", [256]),
        ("num_resolutions", 6.5),
        ("num_resolutions", 1000),
        ("start_height", -2),
        ("fmap_base", float("nan")),
        ("fmap_base", float("inf")),
        ("fmap_max", 10**30),
        ("fmap_decay", -1),
        ("audio_length", 0),
        ("audio_length", 1000),
        ("audio_length", 10**7),
        ("sample_rate", 1),
        ("mag_normalizer_a", 0),
        ("p_normalizer_a", "0.8"),
        ("start_width", 17),
        ("start_width", 256),
        ("num_resolutions", 5),
        ("num_resolutions", 12),
        ("stable_stage_num_images", -5),
        ("data_type", "linear"),
        ("kernel_size", 5),
        ("scale_mode", "H"),
        ("scale_base", 3),
        ("simple_arch", True),
        ("data_normalizer", "specgrams_freq_normalizer"),
        ("to_rgb_activation", "relu"),
        ("to_rgb_activation", {"tanh": "x" * 1000}),
        ("train_progressive", 1),
        ("train_time_limit", 3600),
    ],
)
def test_an_impossible_setting_is_named(model, name, value):
    change_settings(model, **{name: value})
    error = the_error(model)
    assert name in error or "shape" in error or "stage" in error
    assert len(error) < 600


def test_settings_without_any_training_are_refused(model):
    change_settings(model, stable_stage_num_images=0, transition_stage_num_images=0)
    assert "stable_stage_num_images" in the_error(model)


def test_channels_that_vanish_are_refused(model):
    change_settings(model, fmap_base=64)
    assert "fmap_base" in the_error(model)


def test_settings_of_another_model_are_refused(model):
    change_settings(model, fmap_max=8)
    error = the_error(model)
    assert "experiment.json describes" in error
