"""The synthesizer, and the generator that learns from it."""

import numpy as np
import pytest
import tensorflow as tf
from listening import cents_off, decay_db, distance_db

from pdbridge.errors import TrainingError
from pdbridge.gansynth import spectral
from pdbridge.gansynth.checkpoint import Shape
from pdbridge.gansynth.generator import Changes, Generator
from pdbridge.training import synthesizer
from pdbridge.training.gansynth import config as configs
from pdbridge.training.gansynth import distil
from pdbridge.training.synthesizer import FAMILIES, LAYOUT, MIXTURE, SIZE, Pitch

SCALE, SHIFT = (0.0661371661726, 0.8), (0.113718730221, 0.0)
A4 = 69


@pytest.fixture(scope="module")
def a4():
    return Pitch(A4)


def parameters(family, **values):
    """Those of a note that belongs to one family, with 0..1 for the columns."""
    count = len(FAMILIES)
    random = np.random.default_rng(0).standard_normal((4000, SIZE))
    p = 1.5 * random[synthesizer.families(random)[:, FAMILIES.index(family)].argmax()]
    p[MIXTURE:] = 0
    for name, value in values.items():
        value = np.clip(value, 1e-3, 1 - 1e-3)
        p[MIXTURE + synthesizer.COLUMNS.index(name)] = np.log(value / (1 - value)) / 1.702
    assert synthesizer.families(p)[FAMILIES.index(family)] > 1 / count
    return p


# The synthesizer


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_plays_in_tune(family, a4):
    note = a4.render(parameters(family))
    assert note.shape == (64000,) and note.dtype == np.float32
    assert abs(cents_off(note, A4)) < 3


def test_families_share_all_notes_among_them():
    shares = synthesizer.families(np.random.default_rng(1).standard_normal((6000, SIZE)))
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert np.all(np.bincount(shares.argmax(axis=1), minlength=6) > 800)  # of 1000 each
    assert np.median(shares.max(axis=1)) > 0.5  # most notes are clearly of one


def test_a_note_without_family_is_a_mixture_of_all():
    np.testing.assert_allclose(synthesizer.families(np.zeros(SIZE)), 1 / 6)


def test_velocity_makes_notes_louder_and_decay_longer(a4):
    soft, loud = (a4.render(parameters("brass", velocity=value)) for value in (0, 1))
    assert np.abs(soft).max() == pytest.approx(0.35, abs=1e-3) and np.abs(loud).max() == pytest.approx(0.7, abs=1e-3)
    short, long = (decay_db(a4.render(parameters("plucked string", decay=value))) for value in (0, 1))
    assert short < long - 15


def test_neighbouring_parameters_sound_alike(a4):
    one, other = np.random.default_rng(2).standard_normal((2, SIZE))
    way = [a4.render(one + share * (other - one)) for share in np.linspace(0, 1, 17)]
    apart = [distance_db(*pair) for pair in zip(way, way[1:])]
    assert max(apart) < 0.5 * distance_db(way[0], way[-1])


@pytest.mark.parametrize(("pitch", "noise_db"), [(24, -25), (48, -25), (72, -24), (84, -14)])
def test_the_picture_of_a_note_becomes_the_note_again(pitch, noise_db):
    """The published way into pictures and back leaves 2 to 18 dB of a pure tone."""
    note = Pitch(pitch).render(parameters("organ"), lead=True)
    picture = np.stack([synthesizer.log_power(note), synthesizer.steps(pitch)], axis=-1)
    heard = spectral.invert(picture.astype(np.float32), LAYOUT)[:56000]
    note = note[LAYOUT.lead:][:56000]
    assert 10 * np.log10(np.sum((heard - note) ** 2) / np.sum(note**2)) < noise_db


def test_log_power_is_that_of_the_analysis(a4):
    note = a4.render(np.random.default_rng(3).standard_normal(SIZE), lead=True)
    # As `analyse` does it, but hearing what is before the note, too, and without a floor under each bin.
    frames = np.lib.stride_tricks.sliding_window_view(note, 2048)[::512] * spectral.hann(2048)
    power = np.abs(np.fft.rfft(frames)[:, 1:]) ** 2 @ spectral.linear_to_mel(1024, 16000)
    np.testing.assert_allclose(synthesizer.log_power(note), np.log(power + 1e-6), atol=2e-3)


# Learning


def test_parameters_of_random_timbres_are_standard_normal():
    projection = synthesizer.projection()
    np.testing.assert_allclose(projection @ projection.T, np.eye(SIZE), atol=1e-12)


def test_lessons_are_the_same_whenever_they_come():
    one, other = distil.Lessons(5, 2), distil.Lessons(5, 2)
    for wanted, found in zip(one.after(4), other.batch(4)):
        np.testing.assert_array_equal(wanted, found)
    z, label, _ = distil.Lessons(6, 2).batch(4)
    assert not np.array_equal(z, one.batch(4)[0])


def test_all_pitches_come_in_a_lap():
    assert sorted(synthesizer.drawn(0, 61 + number)[1] for number in range(61)) == list(range(24, 85))
    assert [synthesizer.drawn(0, number)[1] for number in range(9)] != list(range(24, 33))


def test_losses_are_zero_for_the_synthesizers_own_picture(a4):
    note = a4.render(parameters("voice"), lead=True)
    power = np.maximum(synthesizer.log_power(note), distil.FLOOR)
    picture = np.stack([power, synthesizer.steps(A4)], axis=-1) * np.float32(SCALE) + np.float32(SHIFT)
    judge = distil.Judge(SCALE, SHIFT)
    right = judge(picture[np.newaxis].astype(np.float32), power[np.newaxis],
                  tf.constant([A4 - 24]))
    assert max(map(float, (right.level, right.loudness, right.silence, right.envelope))) < 1e-4
    assert float(right.onset) < 0.02 and float(right.step) < 0.2  # steps above 5 kHz are clipped
    wrong = judge(picture[np.newaxis, ::-1].astype(np.float32), power[np.newaxis], tf.constant([A4 - 24]))
    assert float(wrong.total) > 10 * float(right.total)


@pytest.fixture(scope="module")
def small_config():
    return configs.make(distil.CONFIG, total_num_images=400, fmap_base=512, fmap_max=8, fmap_decay=1.0, batch_size_schedule=[2])


@pytest.fixture(scope="module")
def trained(small_config):
    """A tiny student after three steps, and what it lost in each."""
    trainer = distil.Distillation(small_config)
    return trainer, [trainer.advance() for _ in range(3)]


def test_the_checkpoint_is_the_network_that_was_trained(trained):
    trainer, _ = trained
    tensors = trainer.tensors()
    channels = trainer.student.channels
    shape = Shape(256, 61, 7, 2, 16, 512, 1.0, 8, True)
    weights = {(block, layer): tuple(tensors[distil.VARIABLE.format(block=block, layer=f"{layer}/{part}")]
                                     for part in ("conv2d/kernel", "bias"))
               for block in range(1, len(channels) + 1) for layer in ("conv0", "conv1", "to_rgb")}
    z, label, _ = distil.Lessons(9, 1).batch(0)
    x = np.concatenate([z, np.eye(61, dtype=np.float32)[label]], axis=1)
    played = Generator(shape, weights, 6.0).picture(x, Changes({}, {}))
    learnt = trainer.student({name: tensors[f"{distil.OWN}{name}/average"] for name in trainer.student.weights},
                             tf.constant(z), tf.constant(label))[0]
    np.testing.assert_allclose(played, learnt, atol=5e-4)  # summed in another order


def test_a_resumed_training_goes_on_bit_for_bit(trained):
    trainer, _ = trained
    begun = trainer.tensors()
    losses, wanted = trainer.advance(), trainer.tensors()
    trainer.restore(begun)
    assert trainer.done == 6
    assert trainer.advance() == losses
    for name, value in trainer.tensors().items():
        np.testing.assert_array_equal(value, wanted[name], name)


def test_a_checkpoint_of_another_size_is_refused(trained):
    larger = distil.Distillation(configs.make(distil.CONFIG, total_num_images=400, fmap_base=512, fmap_max=10, fmap_decay=1.0,
                                                 batch_size_schedule=[2]))
    with pytest.raises(TrainingError, match=r"of another training: distillation/timbre should be \[11, 320\]"):
        larger.restore(trained[0].tensors())


def test_the_learning_rate_rises_and_falls():
    assert distil.rate_at(0, 0) == pytest.approx(0.01)
    assert distil.rate_at(0.01, 200) == 1
    assert distil.rate_at(0.51, 5000) == pytest.approx(0.5, abs=0.01)
    assert distil.rate_at(1, 10000) == pytest.approx(0.005)


@pytest.mark.slow
def test_a_small_student_learns():
    """A minute or two: means over the last notes beside those over the first."""
    trainer = distil.Distillation(configs.make(distil.CONFIG, total_num_images=1600, fmap_base=150, fmap_max=32))
    losses = []
    while trainer.done < 1600:
        losses.append({name: float(value) for name, value in trainer.advance().items()})
    first, last = ({name: np.mean([step[name] for step in part]) for name in losses[0]}
                   for part in (losses[:20], losses[-40:]))
    assert last["loss"] < 0.6 * first["loss"]
    assert last["level"] < 0.9 * first["level"] and last["onset"] < 0.8 * first["onset"]
