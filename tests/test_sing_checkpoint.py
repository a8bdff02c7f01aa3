"""SING's checkpoints: every form of the original's files, our own, and files that mean harm."""

import io
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pdbridge.errors import CheckpointError
from pdbridge.sing import checkpoint
from pdbridge.sing.checkpoint import read_checkpoint, write_checkpoint

GOLDENS = Path(__file__).parent / "data" / "sing"
PUBLIC = GOLDENS / "sing_public.th"
SMALL = GOLDENS / "sing_v_notime.th"
ZIP = GOLDENS / "sing_public_zip.th"
FORMS = "sing_public.th", "sing_public_zip.th", "sing_public_emu041.th"


@pytest.fixture(scope="module")
def public():
    return read_checkpoint(PUBLIC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sing.th"


def refused(path, contents=None):
    """The one line that refuses a file."""
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(CheckpointError) as error:
        read_checkpoint(path)
    text = str(error.value)
    assert str(path) in text and "\n" not in text and len(text) < 400
    return text


# What is read


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same_model(form, public):
    read = read_checkpoint(GOLDENS / form)
    assert list(read.parameters) == list(public.parameters)
    for name, array in read.parameters.items():
        assert array.dtype == np.float32 and not array.flags.writeable
        np.testing.assert_array_equal(array, public.parameters[name])
    for name in ("inputs", "length", "stride", "context", "kernel", "hidden", "dimension", "channels",
                 "lstm_layers", "rewrites", "raw_length", "note_length"):
        assert getattr(read, name) == getattr(public, name)


def test_sizes_strides_and_lengths_come_from_the_file(public):
    assert (public.inputs, public.length, public.stride) == (("instrument", "pitch", "velocity"), 265, 256)
    assert (public.context, public.kernel, public.rewrites) == (9, 1024, 2)
    assert (public.lstm_layers, public.hidden, public.dimension, public.channels) == (3, 48, 32, 64)
    assert (public.raw_length, public.note_length) == (65024, 64000)
    assert public.parameters["decoder.layers.6.window"].shape == (1024,)
    assert len(public.parameters) == 27


def test_parts_that_a_model_does_without_are_not_there():
    notime = read_checkpoint(GOLDENS / "sing_v_notime.th")
    assert "sequence_generator.time_table.weight" not in notime.parameters and notime.length == 265
    nowindow = read_checkpoint(GOLDENS / "sing_v_nowindow.th")
    assert "decoder.layers.6.weight" in nowindow.parameters and nowindow.kernel == 1024
    hann = read_checkpoint(GOLDENS / "sing_v_hann1.th")
    assert (hann.context, hann.rewrites, hann.lstm_layers, hann.length, hann.note_length) == (1, 0, 2, 257, 64000)


def test_our_own_file_holds_the_same_and_more(tmp_path, public):
    path = tmp_path / "mine.npz"
    write_checkpoint(path, public.parameters, instruments={"bass_synthetic_033": 417},
                     metadata={"phase": "sing", "epoch": 3}, more={"adam/step": np.array(7)})
    read = read_checkpoint(path)
    assert (read.inputs, read.length, read.stride) == (public.inputs, public.length, public.stride)
    assert (read.instruments, read.metadata) == ({"bass_synthetic_033": 417}, {"phase": "sing", "epoch": 3})
    assert read.parameters.keys() == public.parameters.keys()
    for name, array in read.parameters.items():
        np.testing.assert_array_equal(array, public.parameters[name])
    with np.load(path) as arrays:
        assert json.loads(str(arrays["metadata"]))["format"] == "pdbridge SING"
        assert arrays["training/adam/step"] == 7


def test_our_own_file_is_not_written_with_a_hole_in_it(tmp_path, public):
    parameters = dict(public.parameters)
    del parameters["decoder.layers.2.bias"]
    with pytest.raises(CheckpointError, match="decoder.layers.2.bias is missing"):
        write_checkpoint(tmp_path / "mine.npz", parameters)
    assert not any(tmp_path.iterdir())
