"""Pictures and sound, against what the original computed."""

import numpy as np
import pytest
from gansynth_checkpoint import GOLDENS

from pdbridge.gansynth import spectral
from pdbridge.gansynth.spectral import Layout

LAYOUT = Layout()
SCALE, SHIFT = (0.0661371661726, 0.8), (0.113718730221, 0.0)


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDENS / "golden_specgram.npz"))


@pytest.fixture(scope="module")
def matrices():
    return np.load(GOLDENS / "mel_matrix.npz")


def test_mel_filters_are_those_of_the_original(matrices):
    np.testing.assert_allclose(
        spectral.linear_to_mel(1024, 16000), matrices["l2mel"], atol=1e-6
    )


def test_way_back_from_mel_is_that_of_the_original(matrices):
    np.testing.assert_allclose(
        spectral.mel_to_linear(1024, 16000), matrices["mel2l"], atol=1e-6
    )


@pytest.mark.parametrize("bins", [16, 64, 256, 1024])
def test_few_taps_do_what_the_whole_matrix_does(bins):
    mel = np.random.default_rng(0).standard_normal((5, bins)).astype(np.float32)
    expected = mel @ spectral.mel_to_linear(bins, 16000)
    found = spectral.spread(mel, spectral.mel_taps(bins, 16000))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_two_taps_are_enough_for_the_published_models():
    assert len(spectral.mel_taps(1024, 16000)) == 2


def test_windows_are_those_of_the_original():
    windows = np.load(GOLDENS / "golden_windows.npz")
    np.testing.assert_allclose(spectral.hann(2048), windows["hann"], atol=1e-6)
    np.testing.assert_allclose(spectral.synthesis_window(2048), windows["inv"], atol=1e-6)


def test_picture_becomes_the_sound_of_the_original(golden):
    wave = spectral.invert(golden["mel_full"], LAYOUT)
    assert wave.dtype == np.float32
    assert wave.shape == (64000,)
    np.testing.assert_allclose(wave, golden["resynth_mel"], atol=2e-6)


@pytest.mark.parametrize("sizes", [[16] * 8, [1] * 128, [5, 11, 112], [16, 28, 28, 28, 28]])
def test_slices_join_to_the_whole_note(golden, sizes):
    whole = spectral.invert(golden["mel_full"], LAYOUT)
    state, first, slices = spectral.initial_state(LAYOUT), 0, []
    for rows in sizes:
        part = golden["mel_full"][first : first + rows]
        samples, state = spectral.invert_rows(part, state, LAYOUT)
        slices.append(samples)
        first += rows
        assert sum(map(len, slices)) == LAYOUT.final_samples(first)
    np.testing.assert_allclose(np.concatenate(slices), whole, atol=1e-6)


def test_inverting_rows_leaves_picture_and_state_as_they_were(golden):
    picture = golden["mel_full"][:16].copy()
    state = spectral.initial_state(LAYOUT)
    spectral.invert_rows(picture, state, LAYOUT)
    np.testing.assert_array_equal(picture, golden["mel_full"][:16])
    assert not state.phase.any()
    assert not state.overlap.any()


def test_sixteen_rows_determine_the_first_third_of_a_second():
    assert LAYOUT.final_samples(16) == 5120
    assert LAYOUT.final_samples(6) == 0
    assert LAYOUT.final_samples(128) == 64000


def test_transform_of_a_sound_is_that_of_the_original(golden):
    found = spectral.transform(golden["signal"], LAYOUT)[::8, ::4]
    expected = golden["stft_dec_re"] + 1j * golden["stft_dec_im"]
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_sound_becomes_the_picture_of_the_original(golden):
    picture = spectral.analyse(golden["signal"], LAYOUT)
    assert picture.dtype == np.float32
    normalised = spectral.normalise(picture, SCALE, SHIFT)
    np.testing.assert_allclose(
        normalised[::4, ::8, 0], golden["mel_norm_dec"][..., 0], atol=1e-4
    )
    # Where there is hardly any sound, the phase is rounding noise in the original. And a change
    # of phase by almost half a turn may be taken for one in the other direction.
    off = np.abs(picture[..., 1] - golden["mel_full"][..., 1])
    off = np.minimum(off, np.abs(off - 2))
    assert np.quantile(off, 0.5) < 3e-5
    assert np.quantile(off, 0.99) < 2e-3
    loud = golden["mel_full"][..., 0] > -5
    assert loud.mean() > 0.05
    assert off[loud].max() < 0.02


def test_analysed_sound_comes_back(golden):
    picture = spectral.analyse(golden["signal"], LAYOUT)
    wave = spectral.invert(picture, LAYOUT)
    np.testing.assert_allclose(wave, golden["resynth_mel"], atol=2e-3)


def test_normalising_is_undone_by_denormalising():
    picture = np.random.default_rng(1).uniform(-1, 1, (4, 8, 2)).astype(np.float32)
    back = spectral.denormalise(spectral.normalise(picture, SCALE, SHIFT), SCALE, SHIFT)
    np.testing.assert_allclose(back, picture, atol=1e-5)


def test_normalising_clips_what_the_network_cannot_show():
    picture = np.array([[100.0, -7.0]], np.float32)
    np.testing.assert_array_equal(spectral.normalise(picture, SCALE, SHIFT), [[1, -1]])
