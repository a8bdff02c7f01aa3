"""NSynth checkpoints: as they were published, as a training left them, and broken."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from nsynth_checkpoint import (
    GOLDENS,
    PREFIX,
    PUBLIC,
    SMALL,
    TRAINED,
    copy_of_public,
    random_tensors,
    save,
    write_checkpoint,
)

from pdbridge.errors import CheckpointError
from pdbridge.nsynth.checkpoint import find_prefix, open_checkpoint, read_wavenet, shapes


@pytest.fixture
def copy(tmp_path):
    """A copy of the golden checkpoint, free to be broken."""
    return copy_of_public(tmp_path)


def the_error(path):
    with pytest.raises(CheckpointError) as caught:
        read_wavenet(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# What loads


def test_sizes_are_read_from_the_shapes():
    weights = read_wavenet(PUBLIC)
    assert (weights.width, weights.skip, weights.layers) == (32, 24, 30)
    assert (weights.ae_width, weights.ae_layers, weights.channels) == (20, 30, 16)
    assert (weights.hop, weights.stages) == (512, 10)
    assert [weights.dilation(layer) for layer in (1, 2, 10, 11, 30)] == [1, 2, 512, 1, 512]


def test_arrays_come_without_the_dimensions_that_are_always_one():
    weights = read_wavenet(PUBLIC)
    reader = tf.train.load_checkpoint(str(PUBLIC / PREFIX))
    assert len(weights) == 374
    np.testing.assert_array_equal(weights["dilatedconv_7/W"], reader.get_tensor("dilatedconv_7/W")[0])
    np.testing.assert_array_equal(weights["res_7/W"], reader.get_tensor("res_7/W")[0, 0])
    np.testing.assert_array_equal(weights["res_7/biases"], reader.get_tensor("res_7/biases"))


def test_small_models_of_odd_sizes_load(tmp_path):
    weights = read_wavenet(write_checkpoint(tmp_path))
    assert {name: getattr(weights, name) for name in SMALL} == SMALL


@pytest.mark.parametrize("name", [
    "", "/", f"/{PREFIX}", f"/{PREFIX}.index", f"/{PREFIX}.data-00000-of-00001", f"/{PREFIX}.meta",
])
def test_a_checkpoint_is_named_by_folder_prefix_or_file(name):
    assert find_prefix(f"{PUBLIC}{name}") == PUBLIC / PREFIX


def test_a_path_may_begin_at_home(monkeypatch):
    monkeypatch.setenv("HOME", str(GOLDENS))
    monkeypatch.setenv("USERPROFILE", str(GOLDENS))
    assert find_prefix("~/ckpt_public") == PUBLIC / PREFIX


def test_the_variables_are_those_of_a_published_model():
    described = json.loads((GOLDENS / "variables_full.json").read_text())["load_nsynth"]
    ours = shapes(width=512, skip=256, layers=30, ae_width=128, ae_layers=30, channels=16)
    published = {name: tuple(shape) for name, shape, _ in described}
    assert ours == published


def test_moving_averages_and_slots_of_adam_are_passed_over():
    plain, trained = read_wavenet(PUBLIC), read_wavenet(TRAINED)
    reader = tf.train.load_checkpoint(str(TRAINED / "model.ckpt-2"))
    assert reader.has_tensor("logits/W/ExponentialMovingAverage")
    assert set(trained) == set(plain)
    np.testing.assert_array_equal(trained["logits/W"], reader.get_tensor("logits/W")[0, 0])


def test_a_folder_is_read_where_its_file_checkpoint_points(tmp_path):
    for step in (9, 10, 200):
        save(tmp_path / f"model.ckpt-{step}", random_tensors())
    assert find_prefix(tmp_path).name == "model.ckpt-200"
    (tmp_path / "checkpoint").write_text(
        'model_checkpoint_path: "C:\\\\training\\\\model.ckpt-9"\n'
        'all_model_checkpoint_paths: "/training/model.ckpt-10"\n')
    assert find_prefix(tmp_path).name == "model.ckpt-9"
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/training/model.ckpt-77"\n')
    assert find_prefix(tmp_path).name == "model.ckpt-200"
    (tmp_path / "checkpoint").write_bytes(b"\xff\xfe\0")
    assert find_prefix(tmp_path).name == "model.ckpt-200"


def test_the_fingerprint_follows_the_contents_not_the_place(copy, tmp_path):
    fingerprint = read_wavenet(PUBLIC).fingerprint
    assert len(fingerprint) == 16
    assert read_wavenet(copy).fingerprint == fingerprint
    first = write_checkpoint(tmp_path / "first")
    other = write_checkpoint(tmp_path / "other", {"res_1/biases": np.zeros(3, np.float32)})
    assert open_checkpoint(first).fingerprint != open_checkpoint(other).fingerprint


def test_finding_a_checkpoint_needs_no_tensorflow():
    program = (
        "import sys; from pdbridge.nsynth.checkpoint import find_prefix; "
        f"find_prefix({str(PUBLIC)!r}); print('tensorflow' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "False\n"


# What does not


def test_nothing_there_says_what_a_checkpoint_is_called(tmp_path):
    assert "there is no such file" in the_error(tmp_path / "model.ckpt-1")
    assert "wavenet-ckpt/model.ckpt-200000" in the_error(tmp_path / "model.ckpt-1")
    assert "there is no such file" in the_error(tmp_path / "no" / "such" / "model.ckpt-1")


def test_a_folder_without_checkpoint_names_the_one_inside(tmp_path, copy):
    assert "holds no checkpoint" in the_error(tmp_path)
    assert "folders wavenet-ckpt" in the_error(tmp_path)


def test_an_archive_should_be_unpacked(tmp_path):
    archive = tmp_path / "wavenet-ckpt.tar"
    archive.write_bytes(b"x" * 100)
    assert "unpack" in the_error(archive)


def test_a_file_that_is_no_checkpoint_is_named(tmp_path):
    (tmp_path / "sound.wav").write_bytes(b"RIFF")
    assert "sound.wav: is no checkpoint" in the_error(tmp_path / "sound.wav")


def test_missing_data_is_named(copy):
    (copy / f"{PREFIX}.data-00000-of-00001").unlink()
    assert f"{PREFIX}.data-00000-of-00001: is missing" in the_error(copy)


def test_missing_index_is_named(copy):
    (copy / f"{PREFIX}.index").unlink()
    assert f"{PREFIX}.index: is missing" in the_error(copy / f"{PREFIX}.data-00000-of-00001")


def test_truncated_data_is_told_from_a_missing_variable(copy):
    data = copy / f"{PREFIX}.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:500_000])
    assert "cut short" in the_error(copy)


def test_a_flipped_bit_is_found(copy):
    data = copy / f"{PREFIX}.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[700_001] ^= 1
    data.write_bytes(content)
    assert "damaged" in the_error(copy)


@pytest.mark.parametrize("content", [b"", b"not a table", b"\0" * 5000])
def test_an_index_of_something_else_is_refused(copy, content):
    (copy / f"{PREFIX}.index").write_bytes(content)
    assert f"{PREFIX}.index: is damaged or no TensorFlow checkpoint" in the_error(copy)


def test_a_truncated_index_is_refused(copy):
    index = copy / f"{PREFIX}.index"
    index.write_bytes(index.read_bytes()[:6000])
    assert "is damaged or no TensorFlow checkpoint" in the_error(copy)


def test_another_model_is_told_apart():
    assert "is it a checkpoint of NSynth's WaveNet" in the_error(GOLDENS / "baseline_ckpt_public")


def test_missing_variables_are_named(tmp_path):
    missing = dict.fromkeys(("res_1/W", "skip_1/W", "logits/biases", "out1/W"))
    error = the_error(write_checkpoint(tmp_path, missing))
    assert "res_1/W" in error and "1 more" in error


def test_a_layer_missing_in_the_middle_is_named(tmp_path):
    missing = {"dilatedconv_1/W": None, "dilatedconv_1/biases": None}
    assert "no variable dilatedconv_1/W" in the_error(write_checkpoint(tmp_path, missing))


@pytest.mark.parametrize("shape", [(1, 1, 3, 3), (1, 3, 3), (1, 3, 0, 6), ()])
def test_a_wrong_shape_is_named(tmp_path, shape):
    changes = {"dilatedconv_2/W": np.zeros(shape, np.float32)}
    error = the_error(write_checkpoint(tmp_path, changes))
    assert f"dilatedconv_2/W has the shape {list(shape)}" in error
    assert "[1, 3, 3, 6]" in error


@pytest.mark.parametrize("shape", [(3, 2), (1, 1, 3, 0)])
def test_a_wrong_shape_where_the_sizes_are_read_is_named(tmp_path, shape):
    changes = {"skip_start/W": np.zeros(shape, np.float32)}
    assert f"skip_start/W has the shape {list(shape)}" in the_error(write_checkpoint(tmp_path, changes))


def test_other_numbers_of_codes_are_refused(tmp_path):
    changes = {"logits/W": np.zeros((1, 1, 2, 128), np.float32)}
    assert "logits/W has the shape" in the_error(write_checkpoint(tmp_path, changes))


def test_weights_that_are_not_finite_are_refused(tmp_path):
    changes = {"res_2/biases": np.array([0, np.nan, 0], np.float32)}
    assert "res_2/biases holds values that are not finite" in the_error(
        write_checkpoint(tmp_path, changes))


def test_weights_of_another_type_are_refused(tmp_path):
    changes = {"res_2/biases": np.zeros(3)}
    assert "res_2/biases should hold float32, not float64" in the_error(
        write_checkpoint(tmp_path, changes))


def test_absurd_sizes_are_refused(tmp_path):
    changes = {"dilatedconv_31/biases": np.zeros(6, np.float32)}
    assert "31 layers are more" in the_error(write_checkpoint(tmp_path / "layers", changes))
    changes = {"skip_start/W": np.zeros((1, 1, 1, 9000), np.float32)}
    assert "9000 channels are more" in the_error(write_checkpoint(tmp_path / "width", changes))
