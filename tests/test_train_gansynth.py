"""A tiny GANSynth trained from records to a folder that plays; stopped, broken and resumed on the way."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from full_disk import files_end_at
from gansynth_checkpoint import PUBLIC
from test_train_gansynth_networks import listed
from tiny_gansynth import PITCHES, SETTINGS, notes, tiny_config, write_notes

import pdbridge
from pdbridge import cli
from pdbridge.errors import DatasetError, TrainingError
from pdbridge.gansynth import spectral
from pdbridge.training import bundle, loop
from pdbridge.training.datasets import records
from pdbridge.training.gansynth import config as configs
from pdbridge.training.gansynth import losses, networks, optimiser, training
from pdbridge.training.gansynth import pictures as data_pictures
from pdbridge.training.gansynth.adversarial import Adversaries, grown, initial_tensors
from pdbridge.training.gansynth.export import export
from pdbridge.training.gansynth.schedule import stages


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_notes(tmp_path_factory.mktemp("notes") / "data")


@pytest.fixture(scope="module")
def pictures(data, tmp_path_factory):
    return data_pictures.prepare(data, tmp_path_factory.mktemp("pictures"), tiny_config().layout)


def command(data, out, *more):
    return ["train", "gansynth", "--data", str(data), "--out", str(out), "--config", "defaults",
            "--hparams", json.dumps(SETTINGS), *more]


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """The folder of a training of three stages, made by the command."""
    out = tmp_path_factory.mktemp("trained") / "out"
    assert cli.main(command(data, out, "--seed", "5", "--save-every", "0")) == 0
    return out


def trainer(pictures, stage=0, tensors=None, config=None, **options):
    config = config or tiny_config()
    stage = stages(config)[stage]
    return Adversaries(config, stage, pictures, tensors or initial_tensors(config, stage, 3), **options)


def differing(tensors, others):
    assert tensors.keys() == others.keys()
    return [name for name in tensors if not np.array_equal(tensors[name], others[name]) and name != "Variable"]


# The whole way


def test_a_training_goes_through_its_stages_and_writes_the_originals_folder(trained):
    assert sorted(path.name for path in trained.iterdir()) == [
        "experiment.json", "meta.json", "pictures", "stage_00000", "stage_00001", "stage_00002"]
    for stage, steps in ((0, [4, 8]), (1, [8, 12, 16]), (2, [16, 20, 24])):
        folder = trained / f"stage_{stage:05d}"
        found = sorted(int(path.stem.rpartition("-")[2]) for path in folder.glob("*.index"))
        assert found[-len(steps):] == steps
        assert (folder / "checkpoint").read_text().startswith(f'model_checkpoint_path: "./model.ckpt-{steps[-1]}"')
    settings = json.loads((trained / "experiment.json").read_text())
    assert settings.items() >= (SETTINGS | {"seed": 5, "train_root_dir": str(trained)}).items()
    original = json.loads((PUBLIC / "experiment.json").read_text())
    assert settings.keys() >= original.keys()
    meta = json.loads((trained / "meta.json").read_text())
    assert sorted(note["pitch"] for note in meta.values()) == sorted(2 * PITCHES)


def test_the_last_checkpoint_holds_every_variable_of_the_original_and_no_other(trained):
    made = bundle.load(trained / "stage_00002" / "model.ckpt-24")
    expected = {name: dtype for name, (dtype, _) in listed("variables_public.tsv").items()
                if not any(f"block_{block}/" in name for block in range(3, 8))}
    assert {name: str(np.asarray(array).dtype) for name, array in made.items()} == expected
    for name, array in made.items():
        if name.startswith(optimiser.SCOPE) and not name.endswith("_power"):
            trained_name = name.removeprefix(f"{optimiser.SCOPE}/").rpartition("/")[0]
            assert array.shape == made[trained_name].shape
    assert made["global_step"] == 24 and made["Variable"] > 0
    assert made["progressive_gan_train_ops/generator_train/beta2_power"] == pytest.approx(0.99**3, rel=1e-6)  # 2 steps


def test_the_trained_folder_and_the_exported_one_play_the_same(trained, tmp_path, capsys):
    assert cli.main(["train", "export", str(trained), str(tmp_path / "model")]) == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'model'}: 0.0")
    raw, exported = pdbridge.GANSynth.load(trained), pdbridge.GANSynth.load(tmp_path / "model")
    assert raw.pitches == exported.pitches == PITCHES
    z = raw.random_z(2, seed=1)
    sound = raw.synthesize(z, [60, 67])
    assert sound.shape == (2, 64) and np.abs(sound).max() > 0
    np.testing.assert_array_equal(sound, exported.synthesize(z, [60, 67]))
    assert sorted(str(path.relative_to(tmp_path / "model")) for path in (tmp_path / "model").rglob("*")) == [
        "experiment.json", "meta.json", "stage_00002", "stage_00002/checkpoint",
        "stage_00002/model.ckpt-24.data-00000-of-00001", "stage_00002/model.ckpt-24.index"]
    held = bundle.load(bundle.latest(tmp_path / "model" / "stage_00002"))
    assert len(held) == 13 and all(name.endswith(optimiser.AVERAGE) or name == "global_step" for name in held)
    assert not json.loads((tmp_path / "model" / "experiment.json").read_text()).keys() & set(training.PATHS)


def test_the_player_paints_what_the_trainer_does(trained):
    played = pdbridge.GANSynth.load(trained)
    config = configs.read(trained / "experiment.json")
    weights = bundle.load(trained / "stage_00002" / "model.ckpt-24")
    z = played.random_z(1, seed=3)
    painted = networks.generate(weights, tf.constant(z), tf.one_hot([1], 3), config.shape(3), 2,
                                suffix=optimiser.AVERAGE)[0].numpy()
    note = spectral.invert(spectral.denormalise(painted, config.scale, config.shift), config.layout)
    np.testing.assert_allclose(played.synthesize(z, [64])[0], note, atol=1e-5 * np.abs(note).max())


def test_export_overwrites_nothing_and_refuses_what_does_not_play(trained, tmp_path, capsys):
    (tmp_path / "there").mkdir()
    assert cli.main(["train", "export", str(trained), str(tmp_path / "there")]) == 1
    assert "exists already" in capsys.readouterr().err
    assert cli.main(["train", "export", str(tmp_path / "there"), str(tmp_path / "model")]) == 1
    assert "experiment.json: is missing" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


# Stages


def test_a_new_stage_keeps_all_but_new_blocks_and_the_slots_of_the_optimisers(trained):
    before = bundle.load(trained / "stage_00000" / "model.ckpt-8")
    config = configs.read(trained / "experiment.json")
    fresh = initial_tensors(config, stages(config)[1], 3)
    tensors = grown(fresh, before)
    for name, array in tensors.items():
        assert np.array_equal(array, fresh[name] if "block_2" in name else before[name])
    first = bundle.load(trained / "stage_00001" / "model.ckpt-8")  # written before the first step
    assert differing({name: first[name] for name in tensors}, tensors) == []
    slots = {name: array for name, array in first.items() if name.startswith(optimiser.SCOPE)}
    assert slots.pop("progressive_gan_train_ops/generator_train/beta2_power") == np.float32(0.99)
    assert slots.pop("progressive_gan_train_ops/discriminator_train/beta2_power") == np.float32(0.99)
    assert slots and not any(array.any() for array in slots.values())


# Steps


@pytest.fixture(scope="module")
def fading(pictures):
    """A trainer of the stage that fades the second block in, at its second step."""
    config = tiny_config()
    return trainer(pictures, 1, initial_tensors(config, stages(config)[1], 3) | {"global_step": np.int64(12)})


@pytest.fixture(scope="module")
def one_step(fading):
    """The tensors before and after the first step, and what it returned."""
    before = fading.tensors()
    scalars = fading.advance()
    return before, fading.tensors(), scalars


def test_a_first_step_of_adam_moves_each_weight_by_the_learning_rate(one_step):
    before, after, _ = one_step
    moved = {name: np.abs(after[name] - before[name]).ravel() for name in before
             if name.startswith(("Gen", "Disc")) and not name.endswith(optimiser.AVERAGE)}
    assert len(moved) == 12 + 16
    for name, distance in moved.items():
        squares = after[f"{optimiser.SCOPE}/{name}/Adam_1"].ravel()
        # lr * sqrt(1 - beta2) * g / (sqrt((1 - beta2) * g * g) + 1e-8), with what Adam_1 holds below the root
        expected = 0.0004 * np.sqrt(squares) / (np.sqrt(squares) + 1e-8)
        np.testing.assert_allclose(distance, expected, atol=2e-7)
        assert distance.any(), name


def test_averages_follow_the_step_of_the_generator(one_step):
    before, after, _ = one_step
    for name in before:
        if name.endswith(optimiser.AVERAGE):
            weight = after[name.removesuffix(optimiser.AVERAGE)]
            np.testing.assert_allclose(after[name], 0.999 * before[name] + 0.001 * weight, atol=1e-6)


def test_the_losses_of_a_step_are_the_sums_that_the_original_minimises(one_step):
    _, _, scalars = one_step
    assert scalars["progress"] == 0.5
    critic = (-scalars["wasserstein_distance"] + 10 * scalars["gradient_penalty"]
              + 0.001 * scalars["real_score_penalty"] + 10 * scalars["discriminator_pitch_loss"])
    assert scalars["discriminator_loss"] == pytest.approx(critic, rel=1e-5)
    assert scalars["generator_loss"] - 10 * scalars["generator_pitch_loss"] != 0


def test_what_a_step_draws_depends_on_its_number_only(pictures):
    adversaries = trainer(pictures)
    drawn = [adversaries._timbres(number, *purposes) for number in (0, 4, 0) for purposes in ((0, 1), (2, 3))]
    assert np.array_equal(drawn[0][0], drawn[4][0]) and np.array_equal(drawn[0][1], drawn[4][1])
    assert len({z.numpy().tobytes() for z, _ in drawn}) == 4


def test_the_generator_paints_pitches_as_often_as_they_are_in_the_data(pictures):
    config = tiny_config(batch_size_schedule=[4000])
    uneven = data_pictures.Pictures(pictures.file, pictures.layout, np.array([60, 64, 64, 64, 67, 67]))
    _, pitch = trainer(uneven, config=config)._timbres(0, 0, 1)
    np.testing.assert_allclose(pitch.numpy().mean(axis=0), [1 / 6, 3 / 6, 2 / 6], atol=0.03)


def test_a_training_that_goes_on_from_a_checkpoint_is_the_same_bit_for_bit(fading, one_step, tmp_path):
    before, _, _ = one_step
    fading.restore(before)
    loop.run(fading, tmp_path / "parts", 20)
    loop.run(fading, tmp_path / "whole", 28)
    whole = fading.tensors()
    fading.restore(before)  # not from where it was
    loop.run(fading, tmp_path / "parts", 28)
    assert fading.done == 28 and differing(whole, fading.tensors()) == []
    assert len(differing(whole, before)) > 28


@pytest.fixture(scope="module")
def plain_step(pictures):
    return trainer(pictures).advance()


@pytest.mark.parametrize(("option", "tolerance"), [
    pytest.param("xla", 1e-4, marks=pytest.mark.slow), ("mixed_precision", 0.1)])
def test_options_for_speed_change_little(pictures, option, tolerance, plain_step):
    scalars = trainer(pictures, **{option: True}).advance()
    for name in ("generator_loss", "discriminator_loss", "gradient_penalty"):
        assert scalars[name] == pytest.approx(plain_step[name], rel=tolerance, abs=tolerance)


def test_a_preview_holds_sounds_and_pictures(fading, tmp_path):
    with tf.summary.create_file_writer(str(tmp_path)).as_default(step=7) as writer:
        fading.preview(writer)
        writer.flush()
    (events,) = tmp_path.glob("events*")
    tags = {value.tag: value for event in tf.compat.v1.train.summary_iterator(str(events))
            for value in event.summary.value}
    assert tags.keys() == {"notes", "log power", "instantaneous frequency"}
    wave = tf.audio.decode_wav(tags["notes"].tensor.string_val[0])
    assert wave.audio.shape == (64, 1) and wave.sample_rate == 16000
    shown = tf.io.decode_png(tags["log power"].tensor.string_val[2])
    assert shown.shape == (32, 4, 1)  # frequency upwards, time to the right


# Stopped and broken


def at_step(monkeypatch, number, act):
    """Act on a trainer in front of a step, counted over all trainers."""
    count, advance = [0], Adversaries.advance

    def counted(self):
        count[0] += 1
        if count[0] == number:
            act(self)
        return advance(self)

    monkeypatch.setattr(Adversaries, "advance", counted)


def stop_by_signal(_):
    os.kill(os.getpid(), signal.SIGINT)


def stop_at_once(_):
    raise KeyboardInterrupt


def test_ctrl_c_saves_and_the_same_command_goes_on_as_if_nothing_had_been(data, trained, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        at_step(patch, 1, stop_by_signal)
        assert cli.main(command(data, tmp_path / "out", "--seed", "5")) == 130
    assert "stage_00000/model.ckpt-4. The same command goes on" in capsys.readouterr().err
    at_step(monkeypatch, 2, stop_at_once)  # the rest of stage 0 is enough
    assert cli.main(command(data, tmp_path / "out", "--seed", "5")) == 130
    ends = [bundle.load(folder / "stage_00000" / "model.ckpt-8") for folder in (trained, tmp_path / "out")]
    assert differing(*ends) == []


def test_a_finished_training_needs_no_settings_to_say_so(data, trained, capsys):
    assert cli.main(["train", "gansynth", "--data", str(data), "--out", str(trained)]) == 0
    assert "finished after 24 images" in capsys.readouterr().out


def test_numbers_that_are_none_end_it_and_the_last_checkpoint_is_kept(data, tmp_path, monkeypatch, capsys):
    def break_it(adversaries):
        name = networks.DISCRIMINATOR.format(block=1, layer="conv0/bias")
        adversaries._variables[name].assign([np.nan] * 4)

    at_step(monkeypatch, 2, break_it)
    assert cli.main(command(data, tmp_path / "out", "--save-every", "0")) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "is nan after 8 images: training has failed; the last good checkpoint is" in said
    assert said.endswith("stage_00000/model.ckpt-4")
    assert np.isfinite(np.concatenate([np.ravel(array) for array in bundle.load(
        tmp_path / "out" / "stage_00000" / "model.ckpt-4").values()])).all()


def test_a_full_disk_ends_it_and_the_last_checkpoint_is_kept(data, trained, tmp_path, capsys):
    shutil.copytree(trained, tmp_path / "out", ignore=shutil.ignore_patterns("stage_00001", "stage_00002", "*-8.*"))
    with files_end_at(5000):
        assert cli.main(["train", "gansynth", "--data", str(data), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "model.ckpt-8 cannot be written" in said and said.endswith("the last good checkpoint is "
                                                                     f"{tmp_path / 'out/stage_00000/model.ckpt-4'}")
    assert sorted(path.name for path in (tmp_path / "out" / "stage_00000").glob("model*")) == [
        f"model.ckpt-{step}.{part}" for step in (0, 4) for part in ("data-00000-of-00001", "index")]


# Data


def test_pictures_are_painted_once_and_painting_goes_on_where_it_was(data, tmp_path, monkeypatch):
    layout = tiny_config().layout
    monkeypatch.setattr(data_pictures, "AT_A_TIME", 2)
    painted, count = data_pictures.picture, []

    def interrupted(wave, layout):
        count.append(1)
        if len(count) == 4:
            raise KeyboardInterrupt
        return painted(wave, layout)

    monkeypatch.setattr(data_pictures, "ThreadPoolExecutor", OneThread)
    monkeypatch.setattr(data_pictures, "picture", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data_pictures.prepare(data, tmp_path, layout)
    made = data_pictures.prepare(data, tmp_path, layout)
    assert len(count) == 4 + 3  # three were there
    stored = np.fromfile(made.file, np.float16).reshape(6, 4, 32, 2)
    expected = np.stack([painted(note.audio, layout) for note in notes()])
    np.testing.assert_array_equal(stored, expected)
    again = data_pictures.prepare(data, tmp_path, layout)
    assert len(count) == 7 and again.file == made.file and again.counts == {pitch: 2 for pitch in PITCHES}


class OneThread:
    def __init__(self, threads):
        self.map = map

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def test_every_picture_comes_once_before_any_comes_again(pictures):
    stored = np.fromfile(pictures.file, np.float16).reshape(6, 4, 32, 2)
    batches = [(seen.numpy(), labels.numpy()) for seen, labels in pictures.batches(0, 3, seed=2).take(4)]
    for half in (batches[:2], batches[2:]):
        seen = {(picture.tobytes(), label) for pictures, labels in half
                for picture, label in zip(pictures, labels, strict=True)}
        assert seen == {(picture.astype(np.float32).tobytes(), number % 3) for number, picture in enumerate(stored)}
    later = [seen.numpy() for seen, _ in pictures.batches(6, 3, seed=2).take(2)]
    assert np.array_equal(later, [seen for seen, _ in batches[2:]])
    (coarse, _), = pictures.batches(0, 3, scale=2, seed=2).take(1)
    np.testing.assert_allclose(coarse, networks.downscale(tf.constant(batches[0][0])), rtol=1e-6)


def test_half_precision_of_pictures_cannot_be_told(data):
    layout = tiny_config().layout
    for note in notes():
        exact = spectral.analyse(note.audio, layout)
        error = np.abs(data_pictures.picture(note.audio, layout) - exact).max(axis=(0, 1))
        assert error[0] <= 0.004 and error[1] <= 0.001


# Bad input


@pytest.mark.parametrize(("make", "problem"), [
    (lambda folder: None, "holds no data set"),
    (lambda folder: (folder / "data.tfrecord").write_bytes(b""), "holds no notes"),
    (lambda folder: write_notes(folder, pitches=[60]), "only the pitch 60"),
    (lambda folder: write_notes(folder, pitches=[100, 101]), "holds no notes with pitches 24 to 84"),
    (lambda folder: (folder / "data.tfrecord").write_bytes(b"no record at all"), "no TFRecord, or is damaged"),
    (lambda folder: (write_notes(folder), (folder / "meta.json").write_text('{"a": {"pitch": 61}}')),
     "lists the pitches 61, but its records have 60, 64, 67"),
    (lambda folder: (write_notes(folder), (folder / "meta.json").write_text('{"a": {}}')), "the note a has no pitch"),
])
def test_unsuitable_data_is_refused_in_one_line(tmp_path, capsys, make, problem):
    (tmp_path / "data").mkdir()
    make(tmp_path / "data")
    assert cli.main(command(tmp_path / "data", tmp_path / "out")) == 1
    said = capsys.readouterr().err
    assert problem in said and "Traceback" not in said and len(said.splitlines()[-1]) < 300


def test_samples_that_are_no_numbers_are_refused(tmp_path):
    broken = tf.train.Example(features=tf.train.Features(feature={
        "pitch": tf.train.Feature(int64_list=tf.train.Int64List(value=[62])),
        "audio": tf.train.Feature(float_list=tf.train.FloatList(value=[np.nan] * 64))}))
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
        for record in (records.serialized(next(iter(notes()))), broken.SerializeToString()):
            writer.write(record)
    with pytest.raises(DatasetError, match="note 2 of the data set holds samples that are not finite"):
        data_pictures.prepare(tmp_path, tmp_path / "cache", tiny_config().layout)


@pytest.mark.parametrize(("settings", "problem"), [
    ({"fmap_maximum": 3}, "no setting fmap_maximum (near: fmap_max"),
    ({"fmap_max": "many"}, "fmap_max should be a whole number from 1 to 4096, not \"many\""),
    ({"batch_size_schedule": 8}, "batch_size_schedule should be a list"),
    ({"data_type": "linear"}, "data_type \"linear\" is not supported; it can be \"mel\""),
    ({"gen_gl_consistency_loss_weight": 1}, "gen_gl_consistency_loss_weight 1 is not supported"),
    ({"stable_stage_num_images": 0}, "stable_stage_num_images should be a whole number from 1"),
])
def test_settings_that_cannot_be_are_refused(settings, problem):
    with pytest.raises(TrainingError) as error:
        configs.make("defaults", **settings)
    assert problem in str(error.value)


@pytest.mark.parametrize(("more", "problem"), [
    (["--config", "mel_prog_hire"], "no configuration mel_prog_hire (near: mel_prog_hires"),
    (["--set", "learning"], "a setting is written NAME=VALUE"),
    (["--set", "learning_rate=1"], "near: "),
    (["--hparams", "nowhere.json"], "nowhere.json: cannot be read: No such file"),
    (["--hparams", "{1}"], "not valid JSON"),
    (["--set", "audio_length=64000"], "audio_length 64000 does not fit a picture of 4 x 32"),
    (["--strategy", "mirrored"], "is for several GPUs"),
    (["--cache-gb", "0"], "more than the 0 GB that the cache may have"),
])
def test_options_that_cannot_be_are_refused_in_one_line(data, tmp_path, capsys, more, problem):
    assert cli.main([*command(data, tmp_path / "out"), *more]) == 1
    said = capsys.readouterr().err
    assert problem in said and "Traceback" not in said


def test_a_training_is_not_continued_with_other_settings_or_data(data, trained, tmp_path):
    with pytest.raises(TrainingError, match="started with fmap_max 4, not 8"):
        training.train(data, trained, changes={"fmap_max": 8})
    with pytest.raises(TrainingError, match=r"started with batch_size_schedule \[4\], not \[8\]"):
        training.train(data, trained, name="mel_prog_hires")
    other = write_notes(tmp_path / "other", pitches=[60, 61])
    with pytest.raises(TrainingError, match="knows the pitches 60, 64, 67, but the data set has 60, 61"):
        training.train(other, trained, cache=tmp_path / "cache")


def test_an_exported_model_is_not_trained_on(trained, data, tmp_path):
    export(trained, tmp_path / "model")
    with pytest.raises(TrainingError, match="not from an exported model"):
        training.train(data, tmp_path / "model", changes={"total_num_images": 24})


def test_a_checkpoint_of_the_original_is_taken_up(pictures):
    tensors = {name: np.zeros(shape, dtype) for name, (dtype, shape) in listed("variables_public.tsv").items()}
    original = configs.read(PUBLIC / "experiment.json")
    assert original.fmap_max == 12 and original.stable_stage_num_images == 800_000 and original.sample_rate == 16000
    every = stages(original)
    sixty_one = data_pictures.Pictures(pictures.file, original.layout, np.arange(24, 85))
    adversaries = Adversaries(original, every[12], sixty_one, initial_tensors(original, every[12], 61))
    assert {name: (array.dtype, array.shape) for name, array in adversaries.tensors().items()} \
        == {name: (array.dtype, array.shape) for name, array in tensors.items()}
    adversaries.restore(tensors)
    assert adversaries.done == 0 and differing(adversaries.tensors(), tensors) == []


@pytest.mark.slow
def test_two_devices_train_as_one(pictures, tmp_path):
    """In a process of its own, for devices are divided before TensorFlow is used."""
    code = """
import sys; sys.path[:0] = [sys.argv[1]]
import numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tiny_gansynth import *
from pdbridge.training.gansynth.pictures import prepare
from pdbridge.training.gansynth.adversarial import *
from pdbridge.training.gansynth.schedule import stages
from pathlib import Path
folder = Path(sys.argv[2]); config = tiny_config(); stage = stages(config)[1]
pictures = prepare(write_notes(folder / "data"), folder, config.layout)
before = initial_tensors(config, stage, 3) | {"global_step": np.int64(10)}
two = Adversaries(config, stage, pictures, before, tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
one = Adversaries(config, stage, pictures, before)
for _ in range(2):
    a, b = two.advance(), one.advance()
    print(a, b, sep="\\n")
    assert abs(a["generator_pitch_loss"] - b["generator_pitch_loss"]) < 0.02 * b["generator_pitch_loss"]
    assert abs(a["discriminator_loss"] - b["discriminator_loss"]) < 0.1 * abs(b["discriminator_loss"])
copies = [variable.values for variable in two._variables.values()]
assert all(np.array_equal(first.numpy(), second.numpy()) for first, second in copies)
assert two.done == 18
"""
    ran = subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)], capture_output=True,
                         text=True, check=False, cwd=Path(__file__).parent.parent)
    assert ran.returncode == 0, ran.stderr[-3000:]
