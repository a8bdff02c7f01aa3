"""The loop of every training, with a model of three numbers."""

import os
import signal
import time

import numpy as np
import pytest
import tensorflow as tf
from full_disk import files_end_at

from pdbridge.errors import TrainingError
from pdbridge.training import bundle, loop


class Walk:
    """A trainer whose one tensor takes random steps."""

    unit = "step"

    def __init__(self, size=3, at=None):
        self.done, self.place = 0, np.zeros(size, np.float32)
        self.at = at or {}  # what else happens, by step

    def advance(self):
        self.place = self.place + np.random.default_rng([7, self.done]).standard_normal(3).astype(np.float32)
        self.done += 1
        changed = self.at.get(self.done, lambda walk: None)(self)
        return {"loss": changed if changed is not None else float(self.place.sum())}

    def tensors(self):
        return {"place": self.place, "global_step": np.int64(self.done)}

    def restore(self, tensors):
        self.place, self.done = tensors["place"], int(tensors["global_step"])


def steps(folder):
    return sorted(int(path.stem.rpartition("-")[2]) for path in folder.glob("model.ckpt-*.index"))


# Checkpoints


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    tensors = {"b/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.int64(3), "c": np.float32(0.5)}
    prefix = bundle.save(tmp_path, 12, tensors)
    assert prefix == tmp_path / "model.ckpt-12" == bundle.latest(tmp_path)
    assert str(prefix) == tf.train.latest_checkpoint(str(tmp_path)).replace("/./", "/")
    read = bundle.load(prefix)
    assert read.keys() == tensors.keys()
    for name, array in tensors.items():
        assert np.asarray(read[name]).dtype == array.dtype and np.array_equal(read[name], array)


def test_five_checkpoints_are_kept_and_others_are_left_alone(tmp_path):
    for name in ("model.ckpt-1.index", "mine.index"):
        (tmp_path / name).write_text("of the user")
    for step in range(10, 17):
        bundle.save(tmp_path, step, {"x": np.float32(step)})
    assert (tmp_path / "mine.index").read_text() == "of the user"
    assert steps(tmp_path) == [1, 12, 13, 14, 15, 16]
    assert (tmp_path / "checkpoint").read_text().splitlines() == [
        'model_checkpoint_path: "./model.ckpt-16"',
        *(f'all_model_checkpoint_paths: "./model.ckpt-{step}"' for step in range(12, 17))]


def test_the_latest_is_found_after_the_folder_was_moved_or_the_list_was_lost(tmp_path):
    for step in (9, 10):
        bundle.save(tmp_path / "a", step, {"x": np.float32(step)})
    moved = (tmp_path / "a").rename(tmp_path / "b")
    assert bundle.latest(moved) == moved / "model.ckpt-10"
    (moved / "checkpoint").write_text('model_checkpoint_path: "C:\\\\there\\\\model.ckpt-9"')
    assert bundle.latest(moved) == moved / "model.ckpt-9"
    (moved / "checkpoint").write_bytes(b"\xff\xfe")
    assert bundle.latest(moved) == moved / "model.ckpt-10"
    (moved / "model.ckpt-10.data-00000-of-00001").unlink()
    assert bundle.latest(moved) == moved / "model.ckpt-9"
    assert bundle.latest(tmp_path / "nowhere") is None


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path):
    good = bundle.save(tmp_path, 1, {"x": np.zeros(10, np.float32)})
    with files_end_at(4000), pytest.raises(TrainingError, match="model.ckpt-2 cannot be written"):
        bundle.save(tmp_path, 2, {"x": np.zeros(10000, np.float32)})
    assert bundle.latest(tmp_path) == good and steps(tmp_path) == [1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint", "model.ckpt-1.data-00000-of-00001", "model.ckpt-1.index"]


def test_a_damaged_checkpoint_is_named(tmp_path):
    prefix = bundle.save(tmp_path, 1, {"x": np.zeros(10, np.float32)})
    (tmp_path / "model.ckpt-1.index").write_bytes(b"not an index")
    with pytest.raises(TrainingError, match="model.ckpt-1 cannot be read"):
        bundle.load(prefix)


# The loop


def test_a_resumed_training_ends_as_one_that_was_not_stopped(tmp_path):
    loop.run(whole := Walk(), tmp_path / "whole", 6)
    assert loop.run(Walk(), tmp_path / "parts", 2).reason == loop.FINISHED
    ending = loop.run(resumed := Walk(), tmp_path / "parts", 6)
    assert ending == (loop.FINISHED, 6, tmp_path / "parts" / "model.ckpt-6", None)
    assert np.array_equal(whole.place, resumed.place)
    again = Walk()
    assert loop.run(again, tmp_path / "parts", 6).checkpoint == ending.checkpoint and again.done == 6


@pytest.mark.parametrize("name", loop.SIGNALS)
def test_a_signal_saves_and_ends(tmp_path, name):
    handlers = [signal.getsignal(getattr(signal, other)) for other in loop.SIGNALS]
    walk = Walk(at={3: lambda walk: os.kill(os.getpid(), getattr(signal, name))})
    ending = loop.run(walk, tmp_path, 100)
    assert ending == (loop.STOPPED, 3, tmp_path / "model.ckpt-3", getattr(signal, name))
    assert np.array_equal(bundle.load(ending.checkpoint)["place"], walk.place)
    assert handlers == [signal.getsignal(getattr(signal, other)) for other in loop.SIGNALS]


def test_it_ends_after_a_given_time(tmp_path):
    assert loop.run(Walk(), tmp_path, 10**9, stop_after=0).done == 1
    start = time.monotonic()
    assert loop.run(Walk(), tmp_path, 10**9, stop_after=0.05).reason == loop.OUT_OF_TIME
    assert 0.05 <= time.monotonic() - start < 5


def test_checkpoints_are_written_on_the_way(tmp_path):
    loop.run(Walk(), tmp_path, 8, save_seconds=0, keep=4)
    assert steps(tmp_path) == [5, 6, 7, 8]


def test_a_loss_that_is_no_number_ends_it_and_names_the_last_good_checkpoint(tmp_path):
    walk = Walk(at={3: lambda walk: float("nan")})
    with pytest.raises(TrainingError, match=r"loss is nan after 3 steps.*last good checkpoint is .*model.ckpt-2$"):
        loop.run(walk, tmp_path, 8, save_seconds=0)
    assert bundle.latest(tmp_path).name == "model.ckpt-2"


def test_weights_that_are_no_numbers_are_not_saved(tmp_path):
    def broken(walk):
        walk.place[0] = np.inf
        return 1.0

    with pytest.raises(TrainingError, match=r"place holds values.*last good checkpoint is .*model.ckpt-4$"):
        loop.run(Walk(at={5: broken}), tmp_path, 8, save_seconds=0)
    assert bundle.latest(tmp_path).name == "model.ckpt-4"


def test_a_full_disk_ends_it_and_names_the_last_good_checkpoint(tmp_path):
    def grow(walk):
        walk.place = np.zeros(100000, np.float32)
        walk.advance = lambda: {"loss": 0.0}
        return 0.0

    with files_end_at(100000), pytest.raises(TrainingError, match="cannot be written.*last good.*model.ckpt-2$"):
        loop.run(Walk(at={3: grow}), tmp_path, 3, save_seconds=0)
    assert np.isfinite(bundle.load(bundle.latest(tmp_path))["place"]).all()


def test_curves_and_previews_are_written_for_tensorboard(tmp_path):
    def preview(writer):
        tf.summary.text("preview", "seen")

    walk = Walk()
    walk.preview = preview
    loop.run(walk, tmp_path, 3, log_seconds=0, preview_seconds=0)
    (events,) = tmp_path.glob("events.out.tfevents*")
    seen = {(value.tag, event.step) for event in tf.compat.v1.train.summary_iterator(str(events))
            for value in event.summary.value}
    assert {("loss", 1), ("loss", 3), ("preview", 2), ("steps per second", 3)} <= seen


def test_without_tensorboard_one_line_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loop.importlib.util, "find_spec", lambda name: None)
    loop.run(Walk(), tmp_path, 3)
    assert capsys.readouterr().err.count("pip install 'pdbridge[train]'") == 1
    assert not list(tmp_path.glob("events*"))
