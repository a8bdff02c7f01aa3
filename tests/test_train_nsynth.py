"""Training of NSynth's two autoencoders: losses and steps against the original's, and what a training leaves."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from nsynth_checkpoint import GOLDENS, PUBLIC, TRAINED, write_checkpoint

from pdbridge import NSynth
from pdbridge.cli import main
from pdbridge.errors import DatasetError, TrainingError
from pdbridge.nsynth import mulaw
from pdbridge.nsynth.baseline import NSynthBaseline
from pdbridge.nsynth.checkpoint import shapes
from pdbridge.training.bundle import latest, load
from pdbridge.training.datasets import records
from pdbridge.training.nsynth import baseline, hparams, notes, schedule, training, wavenet
from pdbridge.training.nsynth.trainer import Trainer

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "model.ckpt-200000"
TINY = {"num_layers": 1, "width": 3, "skip_width": 2, "ae_num_layers": 1, "ae_width": 4, "ae_bottleneck_width": 5,
        "crop_length": 512, "batch_size": 2}
TINY_BASELINE = {"num_latent": 3, "pitch_dim": 2, "channels": [1, 2, 2, 3], "batch_size": 2}


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDENS / "golden_wavenet_public.npz"))


@pytest.fixture(scope="module")
def golden_baseline():
    return dict(np.load(GOLDENS / "golden_baseline_public.npz"))


@pytest.fixture(scope="module")
def public():
    """The original's small network, as one that is trained."""
    sizes = json.loads((PUBLIC / "hparams.json").read_text())["hparams"]
    return wavenet.WaveNet(hparams.WaveNet(**sizes), load(PUBLIC / PREFIX))


@pytest.fixture(scope="module")
def public_baseline():
    start = load(GOLDENS / "baseline_ckpt_public" / PREFIX)
    settings = hparams.Baseline(num_latent=20, pitch_dim=6, channels=[8, 10, 12, 16])
    del start["global_step"]
    assert baseline.all_shapes(settings) == {name: array.shape for name, array in start.items()}
    return baseline.Baseline(settings, start)


# WaveNet


def test_loss_encoding_and_logits_are_those_of_the_original(public, golden, monkeypatch):
    made = []
    for name in ("encode", "logits"):  # what the loss is made of
        method = getattr(public, name)
        monkeypatch.setattr(public, name, lambda *inputs, method=method: made.append(method(*inputs)) or made[-1])
    everything = tf.function(lambda q: (*public.loss(q), *made), autograph=False)
    loss, statistics, embedding, logits = everything(tf.constant(golden["q"][np.newaxis].astype(np.float32)))
    assert float(loss) == pytest.approx(float(golden["loss"]), abs=1e-5) and not statistics
    np.testing.assert_allclose(embedding[0], golden["enc"], atol=2e-5)
    np.testing.assert_allclose(logits[0].numpy()[golden["logits_idx"]], golden["logits_parallel"], atol=2e-5)


def test_logits_of_several_notes_are_those_of_the_original(public, golden):
    logits = public.logits(golden["c2_q"].astype(np.float32) / 128, tf.constant(golden["c2_enc"]))
    np.testing.assert_allclose(logits.numpy()[:, golden["c2_idx"]], golden["c2_logits_parallel"], atol=2e-5)


def test_a_sample_of_one_is_the_loudest_code():
    net = wavenet.WaveNet(hparams.WaveNet(**TINY))
    q = np.zeros((1, 512), np.float32)
    q[0, -1] = mulaw.encode(1.0)
    assert q[0, -1] == 128
    inputs = tf.constant(q / 128)
    chances = tf.nn.log_softmax(net.logits(inputs, net.encode(inputs)))[0].numpy()
    codes = np.append(np.full(511, mulaw.SILENCE), 255)
    assert float(net.loss(tf.constant(q))[0]) == pytest.approx(-chances[np.arange(512), codes].mean(), abs=1e-5)


def test_bfloat16_stays_near():
    q = tf.constant(np.random.default_rng(0).integers(-128, 128, (1, 512)).astype(np.float32))
    exact, narrow = (wavenet.WaveNet(hparams.WaveNet(**TINY), precision=precision).loss(q)[0]
                     for precision in ("float32", "bfloat16"))
    assert 0 < abs(float(narrow - exact)) < 0.05


@pytest.mark.parametrize(("step", "rate"), [
    (0, 2e-4), (89_999, 2e-4), (90_000, 4e-4 / 3), (119_999, 4e-4 / 3), (120_000, 6e-5), (150_000, 4e-5),
    (180_000, 2e-5), (199_999, 2e-5), (210_000, 6e-6), (240_000, 2e-6), (10**9, 2e-6)])
def test_the_learning_rate_falls_as_in_the_original(step, rate):
    assert float(schedule.learning_rate(tf.constant(step, tf.int64))) == pytest.approx(rate, rel=1e-6)


def test_a_step_follows_adam_and_moves_the_averages():
    net = wavenet.WaveNet(hparams.WaveNet(**TINY | {"num_layers": 2}))
    before = {name: variable.numpy() for name, variable in net.variables.items()}
    random = np.random.default_rng(0)
    gradients = {name: random.standard_normal(before[name].shape).astype(np.float32) for name in net.trained}
    net.update({name: tf.constant(array) for name, array in gradients.items()}, {}, tf.constant(0, tf.int64))
    assert set(before) - set(net.trained) == {"res_2/W", "res_2/biases"}
    for name, array in before.items():
        # The first step of Adam is the learning rate in the direction of the gradient.
        moved = array - 2e-4 * np.sign(gradients.get(name, np.zeros(1)))
        np.testing.assert_allclose(net.variables[name], moved, atol=2e-7)
        average = 2 / 11 * array + 9 / 11 * net.variables[name].numpy()  # (1 + 1) / (10 + 1) is kept
        np.testing.assert_allclose(net.state[f"{name}/ExponentialMovingAverage"], average, atol=1e-7)


def test_averages_of_two_steps_are_those_of_the_original():
    trained = load(TRAINED / "model.ckpt-2")
    for name in ("logits/biases", "ae_bottleneck/biases"):  # began as zeros
        m, v, last = (trained[f"{name}{slot}"].astype(np.float64) for slot in ("/Adam", "/Adam_1", ""))
        first = last + 2e-4 * np.sqrt(1 - 0.999**2) / (1 - 0.9**2) * m / (np.sqrt(v) + 1e-8)
        average = 0.0
        for step, value in ((1, first), (2, last)):
            average = average + (1 - float(schedule.decay(step))) * (value - average)
        np.testing.assert_allclose(trained[f"{name}/ExponentialMovingAverage"], average, atol=2e-9)
    assert float(schedule.decay(10**6)) == pytest.approx(0.9999)


def test_first_weights_keep_the_variance_and_depend_on_the_seed():
    settings = hparams.WaveNet(width=32, skip_width=24, ae_width=20)
    start = wavenet.initial(settings)
    trained = load(TRAINED / "model.ckpt-2")
    for name in ("startconv/W", "logits/W", "ae_bottleneck/W"):
        most = np.sqrt(3 / np.prod(start[name].shape[:-1]))
        assert 0.97 * most < np.abs(start[name]).max() <= most
        assert np.abs(trained[name]).max() == pytest.approx(np.abs(start[name]).max(), rel=0.04)
        assert trained[name].std() == pytest.approx(start[name].std(), rel=0.1)
    assert not start["logits/biases"].any()
    assert np.array_equal(start["logits/W"], wavenet.initial(settings)["logits/W"])
    other = wavenet.initial(hparams.WaveNet(width=32, skip_width=24, ae_width=20, seed=1))
    assert not np.array_equal(start["logits/W"], other["logits/W"])


def test_a_checkpoint_has_the_names_of_the_original(public):
    published = json.loads((GOLDENS / "variables_full.json").read_text())["load_nsynth"]
    assert shapes(**hparams.WaveNet().sizes) == {name: tuple(shape) for name, shape, _ in published}
    names = [name for name, *_ in published]
    state = public.state
    adams = [f"{name}/{slot}" for name in names if not name.startswith("res_30/") for slot in ("Adam", "Adam_1")]
    averages = [f"{name}/ExponentialMovingAverage" for name in names]
    assert sorted(state) == sorted([*names, *averages, *adams, "beta1_power", "beta2_power"])
    assert (len(names), len(averages), len(adams)) == (374, 374, 744)
    trained = load(TRAINED / "model.ckpt-2")
    assert set(trained) <= {*state, "global_step"} and trained["global_step"].dtype == np.int32


# Baseline


def test_loss_z_and_pictures_in_training_are_those_of_the_original(public_baseline, golden_baseline):
    sounds = np.stack([golden_baseline[f"wav{i}"] for i in range(3)])
    pictures = np.stack([notes.picture("constant")(sound, 60, None)[0] for sound in sounds])
    np.testing.assert_allclose(pictures[0, ::4, ::2], golden_baseline["spec0_sub"], atol=1e-6)
    pitches = golden_baseline["pitch"].astype(np.int32)
    loss, _ = public_baseline.loss(pictures, pitches)
    assert float(loss) == pytest.approx(float(golden_baseline["loss_train"]), abs=1e-5)
    z, found, statistics = public_baseline.reconstruct(pictures, pitches)
    np.testing.assert_allclose(z, golden_baseline["z_train"], atol=1e-4)
    np.testing.assert_allclose(found[0, ::4, ::2], golden_baseline["xhat_train_0"], atol=1e-4)
    np.testing.assert_allclose(found[1, ::8, ::4], golden_baseline["xhat_train_1"], atol=1e-4)
    # With the batch's own mean and variance as the kept ones, the loaded model makes the same z.
    kept = {name: tf.constant(value) for name, value in statistics.items()}
    counts = {scope: 3 * 512 * 256 / 4 ** (number + 1) for number, scope in enumerate("01234567")}
    counts |= {"7_1": 3, "8": 3, "z": 3}
    for scope, count in counts.items():
        kept[f"encoder/{scope}_Layer/{scope}/BatchNorm/moving_variance"] *= (count - 1) / count
    model = NSynthBaseline.load(GOLDENS / "baseline_ckpt_public")
    model._weights |= kept
    np.testing.assert_allclose(model.encode_spectrograms(pictures), golden_baseline["z_train"], atol=1e-4)


def test_low_frequencies_count_more():
    weighting = baseline.weighting(10.0, 4000.0)
    assert weighting.shape == (512,) and weighting[0] == 10 and weighting[255] == 1 and not (weighting[256:] - 1).any()
    np.testing.assert_allclose(np.diff(weighting[:256]), -9 / 255, atol=1e-5)


def test_means_and_variances_are_averaged_slowly():
    net = baseline.Baseline(hparams.Baseline(**TINY_BASELINE))
    name = "encoder/z_Layer/z/BatchNorm/"
    gradients = {trained: tf.zeros_like(net.variables[trained]) for trained in net.trained}
    values = {f"{name}moving_mean": tf.constant([1.0, 2, 3]), f"{name}moving_variance": tf.constant([3.0, 1, 0])}
    net.update(gradients, values, tf.constant(0, tf.int64))
    np.testing.assert_allclose(net.variables[f"{name}moving_mean"], [0.001, 0.002, 0.003], atol=1e-7)
    np.testing.assert_allclose(net.variables[f"{name}moving_variance"], [1.002, 1, 0.999], atol=1e-6)


def test_a_checkpoint_of_the_baseline_has_the_names_of_the_original():
    described = json.loads((GOLDENS / "variables_baseline_full.json").read_text())
    assert baseline.all_shapes(hparams.Baseline()) == {name: tuple(shape) for name, shape, *_ in described}
    net = baseline.Baseline(hparams.Baseline(**TINY_BASELINE))
    trained = [name for name, _, _, is_trained in described if is_trained]
    assert sorted(net.trained) == sorted(trained)
    adams = [f"{name}/{slot}" for name in trained for slot in ("Adam", "Adam_1")]
    powers = ["Optimizer/beta1_power", "Optimizer/beta2_power"]
    assert sorted(net.state) == sorted([name for name, *_ in described] + adams + powers)


def test_first_weights_of_the_baseline_are_those_of_glorot():
    start = baseline.initial(hparams.Baseline())
    for name, shape in (("encoder/3_Layer/3/weights", (4, 4, 128, 256)),
                        ("decoder/1_Layer/1/weights", (4, 4, 512, 1024))):
        assert start[name].shape == shape
        most = np.sqrt(6 / (16 * sum(shape[2:])))
        assert 0.999 * most < start[name].max() <= most and start[name].std() == pytest.approx(most / 3**0.5, rel=0.01)
    assert start["decoder/PitchEmbedding/embedding_weights"].std() == pytest.approx(1, abs=0.03)
    assert (start["encoder/z_Layer/z/BatchNorm/moving_variance"] == 1).all()
    assert not start["encoder/z_Layer/z/BatchNorm/moving_mean"].any()


# Notes


def sine(pitch, samples=64000):
    return (0.5 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * np.arange(samples) / 16000)).astype(np.float32)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two TFRecords of the course's kind, without velocity."""
    folder = tmp_path_factory.mktemp("data")
    records.write(folder / "a.tfrecord", [records.Note(pitch, sine(pitch)) for pitch in (50, 55, 60)])
    records.write(folder / "b.tfrecord", [records.Note(65, sine(65, 600)), records.Note(70, sine(70, 70000))])
    return folder


def test_notes_are_read_from_anywhere(data):
    found = notes.Notes(records.find(data))
    assert len(found) == 5
    for index, pitch, samples in ((4, 70, 64000), (0, 50, 64000), (3, 65, 600), (2, 60, 64000)):
        audio, read = found.read(index)
        assert read == pitch
        np.testing.assert_array_equal(audio, sine(pitch, samples))


def test_each_epoch_is_every_note_once_in_a_new_order(data):
    def taken(seed, steps):
        batches = notes.Batches(notes.Notes(records.find(data)), lambda audio, pitch, random: (pitch,), 2, seed)
        found = np.concatenate([batches.take(step)[0] for step in steps])
        batches.close()
        return found.tolist()

    found = taken(0, range(10))
    epochs = [found[first:first + 5] for first in range(0, 20, 5)]
    assert all(sorted(epoch) == [50, 55, 60, 65, 70] for epoch in epochs)
    assert len(set(map(tuple, epochs))) > 1
    assert taken(0, range(7, 10)) == found[14:] and taken(1, range(10)) != found


def test_crops_are_anywhere_in_a_note_and_silence_follows_a_short_one():
    ramp = np.arange(1000, dtype=np.float32) / 1000
    starts = set()
    for seed in range(400):
        (q,) = notes.crop(996)(ramp, 60, np.random.default_rng(seed))
        (start,) = [start for start in range(5) if np.array_equal(q, mulaw.encode(ramp[start:start + 996]))]
        starts.add(start)
    assert starts == {0, 1, 2, 3, 4}
    (q,) = notes.crop(1536)(ramp, 60, np.random.default_rng(0))
    np.testing.assert_array_equal(q, np.append(mulaw.encode(ramp), np.zeros(536)))


def test_a_note_that_cannot_be_used_is_named(tmp_path):
    for name, audio, pitch, problem in (("nan", [0.0, np.nan], 60, "record 2 of .*nan.tfrecord .* not finite"),
                                        ("pitch", [0.0], 128, "record 2 of .* pitch 128")):
        path = tmp_path / f"{name}.tfrecord"
        features = {"pitch": tf.train.Feature(int64_list=tf.train.Int64List(value=[pitch])),
                    "audio": tf.train.Feature(float_list=tf.train.FloatList(value=audio))}
        with tf.io.TFRecordWriter(str(path)) as writer:
            writer.write(records.serialized(records.Note(60, sine(60, 10))))
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
        with pytest.raises(DatasetError, match=problem):
            notes.Notes([path]).read(1)


# Trainings


def same(one, other):
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)
        assert array.dtype == other[name].dtype


def test_a_resumed_training_goes_on_bit_for_bit_and_what_it_writes_plays(data, tmp_path):
    whole = training.train_wavenet(data, tmp_path / "whole", TINY | {"num_iters": 3}, save_seconds=0)
    assert whole.done == 3
    resumed = tmp_path / "resumed"
    resumed.mkdir()
    for path in (*whole.checkpoint.parent.glob("model.ckpt-2.*"), whole.checkpoint.parent / "hparams.json"):
        shutil.copy(path, resumed)
    tensors = load(training.train_wavenet(data, resumed).checkpoint)
    same(load(whole.checkpoint), tensors)
    assert tensors["global_step"] == 3 and tensors["global_step"].dtype == np.int32
    assert json.loads((resumed / "hparams.json").read_text())["hparams"]["ae_width"] == 4
    model = NSynth.load(resumed)
    embedding = model.encode(sine(60, 1024))
    assert embedding.shape == (1, 2, 5)
    assert model.decode(embedding, seed=1, engine="tensorflow").shape == (1, 1024)
    network = wavenet.WaveNet(hparams.WaveNet(**TINY), tensors)
    np.testing.assert_allclose(network.encode(tf.constant(mulaw.encode(sine(60, 1024))[np.newaxis] / 128)), embedding,
                               atol=1e-6)


def test_the_baseline_goes_on_bit_for_bit_and_what_it_writes_plays(data, tmp_path):
    ending = training.train_baseline(data, tmp_path, TINY_BASELINE | {"max_steps": 2}, save_seconds=0)
    settings = hparams.load(tmp_path, hparams.Baseline)
    batches = notes.Batches(notes.Notes(records.find(data)), notes.picture(settings.padding), 2, 0)
    trainer = Trainer(lambda: baseline.Baseline(settings), batches)
    trainer.restore(load(tmp_path / "model.ckpt-1"))
    assert trainer.advance()["loss"] > 0
    tensors = load(ending.checkpoint)
    same(trainer.tensors(), tensors)
    assert tensors["global_step"] == 2 and tensors["global_step"].dtype == np.int64
    model = NSynthBaseline.load(tmp_path)
    z = model.encode(sine(60))
    assert z.shape == (1, 3) and np.ptp(model.decode_spectrograms(z, 60)) > 0
    sizes, start = training._baseline_of(ending.checkpoint)
    assert sizes == {name: TINY_BASELINE[name] for name in sizes}
    same(start, {name: tensors[name] for name in start})


def test_a_training_begins_with_the_weights_of_a_checkpoint(tmp_path):
    given = write_checkpoint(tmp_path / "given")
    settings, start = training._settled(hparams.WaveNet, "nowhere", {"batch_size": 4}, given, training._wavenet_of)
    assert (settings.width, settings.skip_width, settings.ae_width, settings.batch_size) == (3, 2, 4, 4)
    same(start, load(given))
    same({name: variable.numpy() for name, variable in wavenet.WaveNet(settings, start).variables.items()}, start)
    with pytest.raises(TrainingError, match="has width 3, not 512"):
        training._settled(hparams.WaveNet, "nowhere", {"width": 512}, given, training._wavenet_of)


def test_previews_are_sounds_and_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(baseline, "PREVIEW_ITERATIONS", 1)
    q = np.zeros((2, 512), np.float32)
    pictures = np.zeros((2, 512, 256), np.float32)
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        wavenet.WaveNet(hparams.WaveNet(**TINY)).preview(q, 3)
        baseline.Baseline(hparams.Baseline(**TINY_BASELINE)).preview(pictures, np.array([60, 61], np.int32), 3)
    (events,) = tmp_path.glob("events*")
    tags = {value.tag for event in tf.compat.v1.train.summary_iterator(str(events)) for value in event.summary.value}
    assert {"notes", "likeliest samples after the true ones", "embeddings", "reconstructions"} <= tags


# What cannot be trained


@pytest.mark.parametrize(("settings", "problem"), [
    ({"widht": "64"}, "there is no setting widht; is width meant"),
    ({"width": "x"}, "width takes a whole number, not x"), ({"width": "0"}, "width is a whole number from 1 to 8192"),
    ({"num_layers": 31}, "num_layers is a whole number from 1 to 30, not 31"),
    ({"ae_hop_length": "256"}, "ae_hop_length is 512 in every checkpoint"),
    ({"crop_length": 6000}, "crop_length is a multiple of 512, not 6000"),
    ({"learning_rate_schedule": "5:0.1"}, "the first from step 0"), ({"learning_rate_schedule": "0:-1"}, "above 0"),
])
def test_settings_of_wavenet_that_cannot_be_are_named(settings, problem):
    with pytest.raises(TrainingError, match=problem):
        hparams.checked(hparams.WaveNet, settings)


@pytest.mark.parametrize(("settings", "problem"), [
    ({"channels": "1,2,3"}, "channels are four whole numbers"),
    ({"batch_size": "1"}, "batch_size is a whole number from 2"),
    ({"padding": "mirror"}, "padding is constant or reflect"),
    ({"learning_rate": "nan"}, "learning_rate is a number from"),
])
def test_settings_of_the_baseline_that_cannot_be_are_named(settings, problem):
    with pytest.raises(TrainingError, match=problem):
        hparams.checked(hparams.Baseline, settings)


def test_settings_are_read_and_kept(tmp_path):
    read = hparams.checked(hparams.WaveNet, dict([
        hparams.parse_setting("learning_rate_schedule=0:0.01, 10:0.001"), hparams.parse_setting("width = 7")]))
    assert read == {"learning_rate_schedule": {0: 0.01, 10: 0.001}, "width": 7}
    with pytest.raises(TrainingError, match="NAME=VALUE, not width"):
        hparams.parse_setting("width")
    hparams.save(tmp_path, hparams.WaveNet(**read))
    assert hparams.load(tmp_path, hparams.WaveNet) == hparams.WaveNet(**read)
    with pytest.raises(TrainingError, match=r"hparams.json holds no settings of this training .*num_stages"):
        hparams.load(tmp_path, hparams.Baseline)
    with pytest.raises(TrainingError, match="was started with width 7, not 8"):
        training._settled(hparams.WaveNet, tmp_path, {"width": 8}, None, None)
    assert training._settled(hparams.WaveNet, tmp_path, {"num_iters": 5}, None, None)[0].num_iters == 5
    for damage in ("", "[]", '{"hparams": 3}', '{"hparams": {"width": "7"}}'):
        (tmp_path / "hparams.json").write_text(damage)
        with pytest.raises(TrainingError, match="hparams.json"):
            hparams.load(tmp_path, hparams.WaveNet)


def test_a_checkpoint_of_other_sizes_is_refused(data):
    class Batches:
        def take(self, step):
            raise AssertionError

    trainer = Trainer(lambda: wavenet.WaveNet(hparams.WaveNet(**TINY)), Batches())
    tensors = trainer.tensors()
    with pytest.raises(TrainingError, match=r"skip_start/W has the shape \[1, 1, 3, 9\] in the checkpoint"):
        trainer.restore(tensors | {"skip_start/W": np.zeros((1, 1, 3, 9), np.float32)})
    del tensors["logits/W/Adam"]
    with pytest.raises(TrainingError, match="the checkpoint has no logits/W/Adam"):
        trainer.restore(tensors)


def test_checkpoints_without_their_settings_are_not_gone_on_with(data, tmp_path):
    checkpoint = tmp_path / "model.ckpt-3"
    for ending in (".index", ".data-00000-of-00001"):
        checkpoint.with_name(checkpoint.name + ending).write_bytes(b"")
    with pytest.raises(TrainingError, match="hparams.json: is missing, but there are checkpoints"):
        training.train_wavenet(data, tmp_path)
    assert latest(tmp_path) == checkpoint


@pytest.mark.parametrize(("command", "arguments", "problem"), [
    ("nsynth", ["--data", "NOWHERE"], "there is no such data set"),
    ("nsynth", ["--set", "widht=3"], "is width meant"),
    ("nsynth-baseline", ["--set", "num_latent"], "NAME=VALUE"),
    ("nsynth", ["--strategy", "mirrored"], "for several GPUs"),
    ("nsynth", ["--start-from", "NOWHERE"], "no such file"),
])
def test_what_cannot_be_trained_is_said_in_one_line(data, tmp_path, capsys, command, arguments, problem):
    out = tmp_path / "out"
    assert main(["train", command, "--data", str(data), "--out", str(out), *arguments]) == 1
    error = capsys.readouterr().err
    assert problem in error and error.count("\n") == 1 and not out.exists()


# What is learnt


def chord(pitch, shares):
    """A note of 1 s with so much of each partial."""
    time = np.arange(16000) / 16000
    partials = [share * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * number * time)
                for number, share in enumerate(shares, 1)]
    sound = np.sum(partials, axis=0) * np.minimum(time / 0.01, 1)
    return (0.6 * sound / np.abs(sound).max()).astype(np.float32)


def partials_of(pitch, sound):
    """How strong harmonics of a pitch are in a sound, relative to all of it."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    frequencies = np.arange(len(power)) * 16000 / len(sound)
    fundamental = 440 * 2 ** ((pitch - 69) / 12)
    number = np.maximum(np.round(frequencies / fundamental), 1)
    near = np.abs(12 * np.log2(np.maximum(frequencies, 1) / (number * fundamental))) < 0.4  # semitones
    return power[near & (number <= 6)].sum() / power.sum()


FOUR_NOTES = ((57, (1, 0.5, 0.25, 0.1)), (60, (1, 0.1, 0.4)), (64, (1, 0.7, 0.1, 0.3)), (70, (1, 0, 0.3, 0.2)))


@pytest.mark.slow
def test_a_small_wavenet_learns_four_notes_and_speaks_them_at_their_pitches(tmp_path):
    sounds = [chord(*note) for note in FOUR_NOTES]
    records.write(tmp_path / "four.tfrecord",
                  [records.Note(pitch, sound) for (pitch, _), sound in zip(FOUR_NOTES, sounds, strict=True)])
    # Crops as short as the decoder's memory: much of what it learns is then how to begin, where only the embedding
    # tells it the pitch. With longer ones it goes on well, but may begin with another of the four notes.
    settings = {"num_layers": 8, "width": 16, "skip_width": 32, "ae_num_layers": 6, "ae_width": 12,
                "ae_bottleneck_width": 8, "crop_length": 512, "batch_size": 8, "num_iters": 800,
                "learning_rate_schedule": {0: 0.004, 500: 0.0015, 700: 0.0005}}
    training.train_wavenet(tmp_path, tmp_path / "out", settings)
    state = load(latest(tmp_path / "out"))
    (q,) = zip(*(notes.crop(512)(sound, 60, np.random.default_rng(9)) for sound in sounds), strict=True)
    first, last = (float(wavenet.WaveNet(hparams.WaveNet(**settings), start).loss(tf.constant(np.stack(q)))[0])
                   for start in (None, state))
    assert first > 5 and last < first / 5
    model = NSynth.load(tmp_path / "out")
    made = model.decode(model.encode(np.stack(sounds)[:, :8192]), seed=1)
    for (pitch, _), sound in zip(FOUR_NOTES, made, strict=True):
        shares = {other: partials_of(other, sound[4096:]) for other, _ in FOUR_NOTES}
        assert max(shares, key=shares.get) == pitch and shares[pitch] > 0.8, (pitch, shares)
        assert 0.1 < sound.std() < 0.6


@pytest.mark.slow
def test_a_small_baseline_lowers_its_loss(tmp_path):
    records.write(tmp_path / "four.tfrecord",
                  [records.Note(pitch, chord(pitch, shares)) for pitch, shares in FOUR_NOTES])
    settings = hparams.Baseline(num_latent=16, pitch_dim=8, channels=[8, 12, 16, 24], batch_size=4, learning_rate=0.003)
    batches = notes.Batches(notes.Notes(records.find(tmp_path)), notes.picture("constant"), 4, 0)
    trainer = Trainer(lambda: baseline.Baseline(settings), batches)
    losses = [trainer.advance()["loss"] for _ in range(80)]
    assert losses[-1] < losses[0] / 5


TWO_DEVICES = """
import sys
import numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
from pdbridge.training.nsynth import baseline, hparams, notes, wavenet
from pdbridge.training.nsynth.trainer import Trainer
from test_train_nsynth import TINY, sine

class Batches:
    def take(self, step):
        return (np.stack([notes.crop(512)(sine(pitch), 60, np.random.default_rng(step))[0] for pitch in (50, 60)]),)

def trained(strategy):
    trainer = Trainer(lambda: wavenet.WaveNet(hparams.WaveNet(**TINY)), Batches(), strategy)
    losses = [trainer.advance()["loss"] for _ in range(3)]
    return losses, trainer.tensors()

losses, tensors = trained(None)
shared, of_two = trained(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
np.testing.assert_allclose(shared, losses, rtol=1e-5)
for name, array in tensors.items():
    np.testing.assert_allclose(of_two[name], array, atol=1e-4 if name.endswith(("W", "biases")) else 1e-3, err_msg=name)
print("the same")
"""


@pytest.mark.slow
def test_two_devices_take_the_steps_of_one():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests")))}
    ran = subprocess.run([sys.executable, "-c", TWO_DEVICES], capture_output=True, text=True, env=environment,
                         check=False)
    assert ran.stdout == "the same\n", ran.stderr
