"""SING's training: numbers of the original and of PyTorch, and a tiny model trained to a file that plays."""

import contextlib
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import tensorflow as tf
import tiny_nsynth
from full_disk import files_end_at

import pdbridge
from pdbridge import cli
from pdbridge.errors import AudioError, DatasetError, TrainingError
from pdbridge.files import locked
from pdbridge.sing.checkpoint import read_checkpoint
from pdbridge.training import bundle, loop
from pdbridge.training.datasets import records
from pdbridge.training.sing import losses, networks, training
from pdbridge.training.sing.notes import Notes, drawn, open_notes, split
from pdbridge.training.sing.phases import Autoencoder, SequenceGenerator
from pdbridge.training.sing.settings import Settings, option

GOLDENS = Path(__file__).parent / "data" / "sing"
SIDE = np.load(GOLDENS / "sing_train_side.npz")  # of the original's functions
STEPS = np.load(GOLDENS / "sing_steps.npz")  # of PyTorch's modules and gradients, with the weights of sing_public.th
PUBLIC = Settings(ae_channels=64, ae_dimension=32, seq_hidden_size=48)
TINY = {"ae_channels": 12, "ae_dimension": 6, "ae_kernel": 64, "ae_stride": 32, "ae_rewrite": 1, "ae_context": 3,
        "seq_hidden_size": 10, "seq_layers": 2, "seq_truncated": 0, "samples": 1024, "batch_size": 16, "lr": 0.003}


@pytest.fixture(scope="module")
def public():
    """The golden's weights, and the encoder that belongs to them."""
    parameters = dict(read_checkpoint(GOLDENS / "sing_public.th").parameters)
    parameters |= {name.replace("enc__", "encoder.", 1): SIDE[name] for name in SIDE.files if name.startswith("enc__")}
    return {name: tf.Variable(array) for name, array in parameters.items() if not name.endswith("window")}


@pytest.fixture(scope="module")
def played():
    golden = dict(np.load(GOLDENS / "sing_public.npz"))
    golden["symbols"] = symbols_of(golden)
    return golden


def symbols_of(golden):
    return np.stack([golden[name] for name in ("instrument", "pitch", "velocity_index")], 1).astype(np.int32)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tiny_nsynth.write(tmp_path_factory.mktemp("nsynth") / "data", TINY["samples"])


@pytest.fixture(scope="module")
def notes(data):
    return open_notes(data)


@contextlib.contextmanager
def eagerly():
    """Graphs are not built: what is computed a few times only is there sooner."""
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.fixture
def eager():
    with eagerly():
        yield


def command(data, out, *more, **settings):
    options = [word for name, value in (TINY | settings).items() for word in (option(name), str(value))]
    return ["train", "sing", "--data", str(data), "--out", str(out), *options, *more]


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """The folder of a training of an epoch a phase, which was stopped once."""
    out = tmp_path_factory.mktemp("trained") / "out"
    epochs = dict.fromkeys(("ae_epochs", "seq_epochs", "sing_epochs"), 1)
    with eagerly():
        assert cli.main(command(data, out, "--stop-after", "0", **epochs)) == 0
    assert bundle.latest(out / "autoencoder").name == "model.ckpt-1" and not (out / "sing.npz").exists()
    assert cli.main(["train", "sing", "--data", str(data), "--out", str(out)]) == 0
    return out


# Numbers of the original


def test_losses_are_the_originals():
    a, b = SIDE["a"], SIDE["b"]
    np.testing.assert_allclose(losses.log_spectrogram(a).numpy().transpose(0, 2, 1), SIDE["logspec_a"], atol=2e-4)
    found = losses.figures(a, b, 1.0)
    assert {name: float(value) for name, value in found.items()} == {
        name: pytest.approx(float(SIDE[name]), rel=1e-5) for name in ("wav_l1", "wav_mse", "spec_l1", "spec_mse")}
    assert float(losses.figures(a, b, 1e-3)["spec_l1"]) == pytest.approx(float(SIDE["spec_l1_eps1e3"]), rel=1e-4)
    for wav, l1, name in ((0, 0, "spec_mse"), (0, 1, "spec_l1"), (1, 0, "wav_mse"), (1, 1, "wav_l1")):
        settings = Settings(wav=bool(wav), l1=bool(l1))
        assert float(losses.training_loss(a, b, settings)) == pytest.approx(float(SIDE[name]), rel=1e-5)


def test_the_autoencoder_makes_what_the_originals_makes(public):
    frames = networks.encode(public, SIDE["a"], PUBLIC)
    np.testing.assert_allclose(frames.numpy().transpose(0, 2, 1), SIDE["encoder_out"], atol=1e-6)
    made = networks.decode(public, frames, PUBLIC)
    np.testing.assert_allclose(made, SIDE["autoencoded"], atol=2e-6)
    assert PUBLIC.strip == 1792 and PUBLIC.pad == 2304 and PUBLIC.frames == 265
    np.testing.assert_array_equal(SIDE["a"][:, PUBLIC.strip:-PUBLIC.strip], SIDE["ae_target"])


def test_the_sequence_generator_makes_what_the_originals_makes_whole_and_in_pieces(public, played):
    whole, _ = networks.generate(public, played["symbols"], PUBLIC)
    np.testing.assert_allclose(whole.numpy().transpose(0, 2, 1), played["embeddings"], atol=5e-6)
    pieces, state = [], None
    for start, length in PUBLIC.chunks:
        piece, state = networks.generate(public, played["symbols"], PUBLIC, start, length, state)
        pieces.append(piece)
    assert [length for _, length in PUBLIC.chunks] == [32] * 8 + [9]
    np.testing.assert_allclose(tf.concat(pieces, 1), whole, atol=1e-6)


@pytest.mark.parametrize("variant", ["notime", "nowindow", "hann1"])
def test_networks_of_other_shapes_make_what_the_originals_make(variant):
    checkpoint = read_checkpoint(GOLDENS / f"sing_v_{variant}.th")
    golden = np.load(GOLDENS / f"sing_v_{variant}.npz")
    settings = Settings(
        ae_channels=checkpoint.channels, ae_dimension=checkpoint.dimension, ae_context=checkpoint.context,
        ae_rewrite=checkpoint.rewrites, ae_window=variant != "nowindow", ae_squared_window=variant != "hann1",
        seq_hidden_size=checkpoint.hidden, seq_layers=checkpoint.lstm_layers, time_dim=0 if variant == "notime" else 4,
        samples=checkpoint.note_length)
    settings.check()
    assert settings.frames == checkpoint.length
    shapes = {name: array.shape for name, array in checkpoint.parameters.items() if not name.endswith("window")}
    drawn_shapes = networks.shapes(settings, [shapes[f"sequence_generator.tables.{number}.weight"][0]
                                              for number in range(3)])
    assert {name for name in drawn_shapes if not name.startswith("encoder")} == shapes.keys()
    symbols = symbols_of(golden)
    parameters = {name: tf.constant(array) for name, array in checkpoint.parameters.items()}
    frames, _ = networks.generate(parameters, symbols, settings)
    np.testing.assert_allclose(frames.numpy().transpose(0, 2, 1), golden["embeddings"], atol=5e-6)
    np.testing.assert_allclose(networks.decode(parameters, frames, settings), golden["wave_raw"], atol=1e-5)


def gradient_norms(parameters, loss_of):
    with tf.GradientTape() as tape:
        loss = loss_of()
    gradients = tape.gradient(loss, parameters)
    return float(loss), {name: float(tf.norm(tf.convert_to_tensor(gradient))) for name, gradient in gradients.items()}


def test_loss_and_gradients_of_phase_1_are_pytorchs(public):
    trained = {name: variable for name, variable in public.items() if name.startswith(Autoencoder.trained)}
    loss, norms = gradient_norms(trained, lambda: losses.training_loss(
        networks.decode(public, networks.encode(public, SIDE["a"], PUBLIC), PUBLIC), SIDE["ae_target"], PUBLIC))
    assert loss == pytest.approx(float(STEPS["ae_loss"]), rel=1e-5)
    assert norms == {str(name): pytest.approx(norm, rel=1e-3, abs=1e-7) for name, norm in
                     zip(STEPS["ae_gradient_names"], STEPS["ae_gradient_norms"], strict=True)}


def test_loss_and_gradients_of_phase_3_are_pytorchs(public, played):
    time = np.arange(PUBLIC.raw_length) / 16000
    target = np.float32([np.sin(2 * np.pi * f * time) * np.exp(-2 * time) * 0.5 for f in (110, 220, 330, 440)])
    trained = {name: variable for name, variable in public.items() if not name.startswith("encoder")}
    loss, norms = gradient_norms(trained, lambda: losses.training_loss(
        networks.decode(public, networks.generate(public, played["symbols"], PUBLIC)[0], PUBLIC), target,
        Settings(l1=True)))
    assert loss == pytest.approx(float(STEPS["sing_loss"]), rel=1e-5)
    assert norms == {str(name): pytest.approx(norm, rel=1e-3, abs=1e-7) for name, norm in
                     zip(STEPS["sing_gradient_names"], STEPS["sing_gradient_norms"], strict=True)}


def test_phase_2_takes_a_step_of_adam_for_each_piece_and_carries_the_state_as_in_pytorch(public, played, eager):
    frames = np.float32(0.5 * np.sin(0.1 * np.arange(4 * 265 * 32))).reshape(4, 265, 32)
    parts = {"train": np.arange(4), "valid": np.arange(0)}
    phase = SequenceGenerator({name: variable.numpy() for name, variable in public.items()},
                              SimpleNamespace(symbols=played["symbols"]), parts, PUBLIC, frames)
    loss = phase.step(np.arange(4), frames)
    phase.close()
    assert loss == pytest.approx(np.average(STEPS["chunk_losses"], weights=[32] * 8 + [9]), rel=1e-5)
    for name in STEPS.files:
        if name.startswith("after__"):
            variable = name.removeprefix("after__")
            after = phase.parameters[variable].numpy()
            np.testing.assert_allclose(after, STEPS[name], atol=2e-5)
            assert np.abs(after - public[variable].numpy()).max() > 1e-3  # it has moved, much further than that
    assert phase.tensors()["beta1_power"] == pytest.approx(0.9 ** 10)


def test_notes_are_kept_back_as_the_original_draws_it():
    groups = [(instrument, pitch) for instrument in range(3) for pitch in range(5)]
    symbols = [(*group, velocity) for group in groups for velocity in (0, 1, 2)]
    parts = split(np.array(symbols))
    # random.seed(42) gives 0.64 0.03 0.28 0.22 0.74 0.68 0.89 0.09 0.42 0.03 0.22 0.51 0.03 0.20 (0.1988) 0.65
    assert parts["valid"].tolist() == [3, 4, 5, 21, 22, 23, 27, 28, 29, 36, 37, 38]
    assert parts["test"].tolist() == [39, 40, 41]
    assert sorted(np.concatenate(list(parts.values()))) == list(range(45))
    assert drawn(np.arange(10, 20), 4).tolist() == [17, 13, 12, 18] and len(drawn(np.arange(9), 0)) == 9


# A whole training


def test_a_trained_sing_plays_what_was_trained(trained, notes):
    model = pdbridge.SING.load(trained / "sing.npz")
    assert model.instruments == tiny_nsynth.INSTRUMENTS and model.note_length == TINY["samples"]
    tensors = bundle.load(bundle.latest(trained / "sing"))
    settings = Settings(**json.loads((trained / "settings.json").read_text())["settings"])
    frames, _ = networks.generate(tensors, tf.constant([[5, 60, 4]]), settings)
    made = networks.decode(tensors, frames, settings).numpy()[:, 512:-512]
    np.testing.assert_allclose(model.synthesize("synth_lead_acoustic_001", 60, 100), made, atol=1e-6)
    about = read_checkpoint(trained / "sing.npz").metadata
    assert about["phase"] == "whole model" and about["epochs"] == 1.0


def test_each_phase_begins_with_what_the_one_before_has_learnt_and_keeps_its_own_checkpoints(trained):
    first, second, third = (bundle.load(bundle.latest(trained / name))
                            for name in ("autoencoder", "sequence_generator", "sing"))
    begun = bundle.load(trained / "sing" / "model.ckpt-0")
    for name, array in begun.items():
        before = first if name.startswith("decoder") else second
        if name in before and "Adam" not in name and "_power" not in name and name.startswith(("decoder.", "sequence")):
            np.testing.assert_array_equal(array, before[name])
            assert not np.array_equal(array, third[name])
    assert begun["beta1_power"] == np.float32(0.9)  # a new Adam
    assert not any(name.startswith("decoder") for name in second)
    assert {"valid/spec_l1", "valid/wav_mse"} <= third.keys()
    assert not list(trained.rglob("frames-*.npy"))


def test_a_finished_training_says_so_and_more_epochs_go_on_with_the_last_phase_only(trained, data, tmp_path, capsys):
    out = shutil.copytree(trained, tmp_path / "out")
    assert cli.main(["train", "sing", "--data", str(data), "--out", str(out)]) == 0
    assert "finished after 3 steps" in capsys.readouterr().out
    assert cli.main(["train", "sing", "--data", str(data), "--out", str(out), "--ae-epochs", "2"]) == 1
    assert "sequence generator has begun with this autoencoder" in capsys.readouterr().err
    assert json.loads((out / "settings.json").read_text())["settings"]["ae_epochs"] == 1


@pytest.mark.parametrize("phase", [Autoencoder, SequenceGenerator])
def test_a_phase_that_was_stopped_ends_as_one_that_was_not(phase, notes, tmp_path, eager):
    settings = Settings(**TINY | {"seq_truncated": 40})
    parts = split(notes.symbols)
    frames = np.random.default_rng(1).random((len(parts["train"]), settings.frames, 6), np.float32)
    trainer = phase(networks.initial(settings, notes.counts), notes, parts, settings,
                    *([frames] if phase is SequenceGenerator else []))
    begin, until = trainer.tensors(), trainer.per_epoch + 2
    loop.run(trainer, tmp_path / "whole", until, save_units=trainer.per_epoch)
    whole = trainer.tensors()
    assert (tmp_path / "whole" / f"model.ckpt-{trainer.per_epoch}.index").exists()  # of the epoch
    for end in (2, until):
        trainer.restore(begin)
        loop.run(trainer, tmp_path / "parts", end)
    trainer.close()
    assert whole.keys() == trainer.tensors().keys()
    for name, array in trainer.tensors().items():
        np.testing.assert_array_equal(array, whole[name], err_msg=name)
    assert whole["global_step"] == until


def test_notes_that_were_kept_back_are_heard_in_tensorboard(notes, tmp_path, eager):
    settings = Settings(**TINY)
    trainer = Autoencoder(networks.initial(settings, notes.counts), notes, split(notes.symbols), settings)
    trainer.close()
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default(step=1):
        trainer.preview(writer)
    writer.close()
    (events,) = tmp_path.glob("events.out.tfevents*")
    seen = {value.tag for event in tf.compat.v1.train.summary_iterator(str(events)) for value in event.summary.value}
    assert seen == {"made", "recorded"}


def test_every_note_is_seen_once_an_epoch_in_an_order_that_seed_and_epoch_decide(notes):
    settings, parts = Settings(**TINY | {"batch_size": 10}), split(notes.symbols)
    orders = {}
    for seed in (0, 1):
        trainer = Autoencoder(networks.initial(settings, notes.counts), notes, parts,
                              Settings(**TINY | {"batch_size": 10, "seed": seed}))
        steps = [trainer._batches.take(step) for step in range(2 * trainer.per_epoch)]
        trainer.close()
        for epoch in (0, 1):
            seen = np.concatenate([numbers for numbers, _ in steps[epoch * trainer.per_epoch:][:trainer.per_epoch]])
            assert sorted(seen) == parts["train"].tolist()
            orders[seed, epoch] = tuple(seen)
        numbers, sounds = steps[-1]  # the last one has what is left
        assert len(numbers) == len(parts["train"]) % 10
        np.testing.assert_array_equal(sounds[0][512:-512], notes.read(numbers[0], 1024))
    assert len(set(orders.values())) == 4


def test_a_full_disk_while_frames_are_kept_leaves_the_autoencoder(trained, data, tmp_path, eager):
    out = shutil.copytree(trained, tmp_path / "out")
    for folder in ("sequence_generator", "sing"):
        shutil.rmtree(out / folder)
    with files_end_at(5000), pytest.raises(TrainingError, match="frames-3.npy cannot be written.*autoencoder is kept"):
        training.train(data, out)
    assert bundle.latest(out / "autoencoder").name == "model.ckpt-3"
    assert not list(out.rglob("*.npy"))


def test_two_trainings_do_not_write_into_one_folder(trained, data):
    with open(trained / "lock", "w") as lock:
        assert locked(lock)
        with pytest.raises(TrainingError, match="another training is writing here"):
            training.train(data, trained)


# Notes


def test_a_sound_of_another_format_is_converted_and_brought_to_length(tmp_path):
    wave = (30000 * tiny_nsynth.sound(3, 60, 127, 1600)).astype(np.int16)
    paths = [tmp_path / name for name in ("short.wav", "long.wav", "stereo.wav")]
    soundfile.write(paths[0], wave[:800], 16000, subtype="PCM_16")
    soundfile.write(paths[1], wave, 16000, subtype="PCM_16")
    soundfile.write(paths[2], np.stack([np.repeat(wave, 2)] * 2, 1), 32000, subtype="PCM_24")
    notes = Notes([(path.stem, "a", 0, 60, 127, path) for path in paths])
    long, short, stereo = (notes.read(number, 1000) for number in range(3))
    np.testing.assert_array_equal(long, wave[:1000] / np.float32(32767))
    np.testing.assert_array_equal(short, np.pad(long[:800], (0, 200)))
    assert np.corrcoef(stereo, long)[0, 1] > 0.95


def test_records_with_all_fields_are_the_same_notes(data, notes, tmp_path):
    names = notes.names[::-1]
    records.write(tmp_path / "x.tfrecord", (
        records.Note(int(name[-7:-4]), notes.read(60 - 1 - number, 1024), velocity=int(name[-3:]), note_str=name)
        for number, name in enumerate(names)))
    recorded = open_notes(tmp_path)
    assert recorded.names == notes.names
    # Records of this kind do not say numbers of instruments: they are counted.
    assert recorded.instruments == {"bass_synthetic_033": 0, "synth_lead_acoustic_001": 1}
    np.testing.assert_array_equal(recorded.symbols[:, 1:], notes.symbols[:, 1:])
    np.testing.assert_array_equal(recorded.read(7, 1024), notes.read(7, 1024))
    np.testing.assert_array_equal(split(recorded.symbols)["valid"], split(notes.symbols)["valid"])


# What is refused


def changed_examples(data, tmp_path, change):
    examples = json.loads((data / "examples.json").read_text())
    change(examples)
    folder = tmp_path / "changed"
    folder.mkdir()
    (folder / "audio").symlink_to(data / "audio")
    (folder / "examples.json").write_text(json.dumps(examples))
    return folder


@pytest.mark.parametrize(("key", "value", "said"), [
    ("velocity", 90, "has the velocity 90; SING knows 25, 50, 75, 100, 127"),
    ("pitch", 200, "has the pitch 200"),
    ("instrument", "x", "has no instrument number"),
    ("instrument", 5, "bass_synthetic_033 and synth_lead_acoustic_001 are both number 5|says that .* is number"),
    ("instrument_str", None, "has no instrument_str"),
])
def test_a_note_that_cannot_be_used_is_named(data, tmp_path, key, value, said):
    folder = changed_examples(data, tmp_path, lambda examples: examples[min(examples)].update({key: value}))
    with pytest.raises(DatasetError, match=said):
        open_notes(folder)


def test_missing_and_damaged_data_is_named(data, tmp_path):
    with pytest.raises(DatasetError, match="there is no such data set"):
        open_notes(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="neither examples.json with the folder audio"):
        open_notes(tmp_path)
    folder = changed_examples(data, tmp_path, lambda examples: examples.update(
        {"x-060-025": examples["bass_synthetic_033-048-025"]}))
    with pytest.raises(DatasetError, match=r"audio.x-060-025.wav is missing; examples.json lists it"):
        open_notes(folder)
    (folder / "examples.json").write_text("{")
    with pytest.raises(DatasetError, match="examples.json is no JSON, or damaged"):
        open_notes(folder)
    (tmp_path / "a.wav").write_text("no sound")
    with pytest.raises(AudioError, match="a.wav cannot be read as a sound"):
        Notes([("a", "a", 0, 60, 127, tmp_path / "a.wav")]).read(0, 100)


@pytest.mark.parametrize(("settings", "said"), [
    ({"samples": 1000}, "--samples 1000 is no whole number of frames; with these sizes, 992 or 1024 are"),
    ({"ae_stride": 96}, "--ae-stride 96 is more than --ae-kernel 64"),
    ({"ae_context": 4, "ae_stride": 33}, "--ae-context 4 with --ae-stride 33"),
    ({"ae_rewrite": 99}, "--ae-rewrite is a whole number from 0 to 14, not 99"),
    ({"batch_size": 0}, "--batch-size is a whole number from 1"),
])
def test_sizes_that_do_not_fit_are_said_in_one_line_and_nothing_is_written(data, tmp_path, capsys, settings, said):
    assert cli.main(command(data, tmp_path / "out", **settings)) == 1
    printed = capsys.readouterr().err
    assert said in printed and printed.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_training_goes_on_only_with_its_own_settings_and_notes(trained, data, tmp_path):
    with pytest.raises(TrainingError, match="begun with --batch-size 16, not 8; leave it out to go on"):
        training.train(data, trained, {"batch_size": 8})
    fewer = changed_examples(data, tmp_path, lambda examples: examples.popitem())
    with pytest.raises(TrainingError, match="begun with 60 notes, and not with these 59"):
        training.train(fewer, trained)
    out = shutil.copytree(trained, tmp_path / "out")
    (out / "settings.json").write_text("{}")
    with pytest.raises(TrainingError, match="settings.json is damaged"):
        training.train(data, out)
    (out / "settings.json").unlink()
    with pytest.raises(TrainingError, match="settings.json is missing, but there are checkpoints"):
        training.train(data, out)


# A longer training


@pytest.mark.slow
def test_a_tiny_training_lowers_all_three_losses(tmp_path, capsys):
    data = tiny_nsynth.write(tmp_path / "data", 4096)
    sizes = {"samples": 4096, "ae_kernel": 256, "ae_stride": 64, "ae_channels": 64, "ae_dimension": 16,
             "seq_hidden_size": 48, "seq_truncated": 16, "batch_size": 8, "lr": 0.002,
             "ae_epochs": 60, "seq_epochs": 60, "sing_epochs": 30}
    out = tmp_path / "out"
    assert cli.main(command(data, out, "--l1", **sizes)) == 0
    said = re.findall(r"^\s*(.+), epoch \d+ of \d+: loss (\S+);", capsys.readouterr().err, re.M)
    # Measured: 2.4, 33 and 1.6 from the first to the last epoch.
    for title, epochs, factor in (("autoencoder", 60, 1.8), ("sequence generator", 60, 10), ("whole model", 30, 1.3)):
        lost = [float(loss) for phase, loss in said if phase.endswith(title)]
        assert len(lost) == epochs and lost[0] / lost[-1] > factor, title
    model = pdbridge.SING.load(out / "sing.npz")
    made = model.synthesize("bass_synthetic_033", list(tiny_nsynth.PITCHES), 100)
    recorded = np.stack([tiny_nsynth.sound(3, pitch, 100, 4096) for pitch in tiny_nsynth.PITCHES])
    spectra = [np.log(1 + np.abs(np.fft.rfft(waves)) ** 2) for waves in (made, recorded)]
    assert np.corrcoef(spectra[0].ravel(), spectra[1].ravel())[0, 1] > 0.5  # it sounds like what it has learnt
