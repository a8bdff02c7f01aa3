"""Spectrograms of the baseline and the way back, against what the original computed."""

from pathlib import Path

import numpy as np
import pytest

from pdbridge.errors import AudioError
from pdbridge.nsynth import spectrogram

GOLDENS = Path(__file__).parent / "data" / "nsynth"


@pytest.fixture(scope="module")
def golden():
    """Two sounds: what librosa's padding of today made of the first, and the old one of the second."""
    return {name: dict(np.load(GOLDENS / f"golden_specgram_{name}.npz")) for name in "ab"}


@pytest.mark.parametrize("name, padding", [("a", "constant"), ("b", "reflect")])
def test_magnitudes_are_those_of_the_original(golden, name, padding):
    found = spectrogram.analyse(golden[name]["wav"], padding=padding)
    assert found.dtype == np.float32 and found.max() == 1 and found.min() >= 0
    np.testing.assert_allclose(found, golden[name][f"mag_{padding}"], atol=1e-6)


@pytest.mark.parametrize("name, kind, phase, padding", [
    ("a", "dphase", "change", "constant"), ("b", "dphase", "change", "reflect"),
    ("b", "phase", "angle", "constant"), ("b", "phase", "angle", "reflect"),
])
def test_phases_are_those_of_the_original(golden, name, kind, phase, padding):
    found = spectrogram.analyse(golden[name]["wav"], phase=phase, padding=padding)
    expected = golden[name][f"magphase_{kind}_{padding}"]
    np.testing.assert_allclose(found[..., 0], expected[..., 0], atol=1e-6)
    # Half a turn forward is half a turn back. Rounding decides which where the transform is real: at
    # 0 Hz and 8 kHz, and in a first frame that is its own mirror image. The phase is multiplied by
    # the magnitude, so a whole turn is twice that.
    off = np.abs(found[..., 1] - expected[..., 1])
    either = np.minimum(off, np.abs(off - 2 * expected[..., 0]))
    np.testing.assert_allclose(either, 0, atol=1e-5)
    assert off[1:-1, 1:].max() < 1e-5


@pytest.mark.parametrize("name, padding", [("a", "constant"), ("b", "reflect")])
def test_a_spectrogram_with_phase_becomes_the_sound_of_the_original(golden, name, padding):
    found = spectrogram.invert(golden[name][f"magphase_dphase_{padding}"])
    assert found.dtype == np.float32 and found.max() == 1
    np.testing.assert_allclose(found, golden[name][f"inv_dphase_{padding}"], atol=1e-5)


@pytest.mark.parametrize("phase", spectrogram.PHASES)
@pytest.mark.parametrize("masked", [True, False])
def test_a_sound_comes_back_from_its_spectrogram_with_phase(golden, phase, masked):
    sound = golden["a"]["wav"]
    back = spectrogram.invert(spectrogram.analyse(sound, phase, masked), phase, masked)
    sound = sound[:len(back)]
    np.testing.assert_allclose(back * sound.max(), sound, atol=1e-3)


def test_a_transform_is_undone_by_its_inverse(golden):
    sound = golden["a"]["wav"]
    for fft_size, hop in ((1024, 256), (512, 128), (512, 256)):
        back = spectrogram.inverse_transform(spectrogram.transform(sound, fft_size, hop), hop)
        np.testing.assert_allclose(back, sound[:len(back)], atol=1e-12)
        assert len(sound) - hop < len(back) <= len(sound)


@pytest.mark.parametrize("iterations, tolerance", [(1, 1e-6), (10, 1e-5), (60, 5e-5)])
def test_griffin_lim_makes_the_sound_of_the_original(golden, iterations, tolerance):
    # Both round differently, by 1e-7 at first; each iteration lets the difference grow a little.
    draws = np.random.RandomState(11).rand(513, 63)
    np.testing.assert_array_equal(draws[:, :4], golden["a"]["griffin_u"])
    found = spectrogram.griffin_lim(golden["a"]["mag_constant"], iterations, draws=draws)
    np.testing.assert_allclose(found, golden["a"][f"griffin_{iterations}"], atol=tolerance)


def test_griffin_lim_comes_nearer_with_every_iteration(golden):
    wanted = golden["a"]["mag_constant"]
    off = []
    for iterations in (1, 4, 16):
        sound = spectrogram.griffin_lim(wanted, iterations, seed=3)
        found = spectrogram.magnitude(spectrogram.analyse(sound))
        off.append(np.abs(found[:, :-1] - spectrogram.magnitude(wanted)[:, :found.shape[1] - 1]).sum())
    assert off[2] < 0.8 * off[1] < 0.64 * off[0]


def test_the_same_seed_makes_the_same_sound(golden):
    one, same, other = (spectrogram.griffin_lim(golden["a"]["mag_constant"], 2, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.1


def test_silence_has_a_spectrogram_and_stays_silence():
    silence = spectrogram.analyse(np.zeros(4096), "change")
    np.testing.assert_array_equal(silence[..., 0], 1)  # as in the original: no bin is louder
    np.testing.assert_array_equal(spectrogram.inverse_transform(np.zeros((513, 5))), np.zeros(1024))
    quiet = spectrogram.invert(np.zeros((513, 5, 2)))
    assert np.isfinite(quiet).all()


@pytest.mark.parametrize("call, named", [
    (lambda: spectrogram.analyse([]), "needs samples"),
    (lambda: spectrogram.analyse(np.zeros((2, 2000))), r"\[2, 2000\]"),
    (lambda: spectrogram.analyse([0.0, np.nan]), "not finite"),
    (lambda: spectrogram.analyse(np.zeros(2000), padding="wrap"), "wrap"),
    (lambda: spectrogram.analyse(np.zeros(2000), phase="dphase"), "dphase"),
    (lambda: spectrogram.analyse(np.zeros(2000), hop=300), "300"),
    (lambda: spectrogram.invert(np.zeros((513, 5))), r"\[513, 5\]"),
    (lambda: spectrogram.griffin_lim(np.zeros((513, 5)), 0), "not 0"),
])
def test_what_has_no_spectrogram_is_named(call, named):
    with pytest.raises(AudioError, match=named):
        call()
