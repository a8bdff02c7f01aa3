"""What GANSynth paints and plays, against the original's numbers and a plain network."""

import numpy as np
import pytest
import tensorflow as tf
from gansynth_checkpoint import GOLDENS, PUBLIC, TRANSITION, small_shape, write_checkpoint
from plain_gansynth import plain_picture

from pdbridge import GANSynth
from pdbridge.errors import LatentError, PitchError
from pdbridge.gansynth.checkpoint import read_checkpoint
from pdbridge.gansynth.generator import blend_weights, flipped_dense, upscaling_kernel

PICTURE_ERROR = 2e-4  # of a range of -1..1
WAVE_ERROR = 1e-3  # of the peak
WAVE_SNR = 60.0  # dB


class Golden:
    """A model and what the original computed with it."""

    def __init__(self, folder, numbers):
        self.model = GANSynth.load(folder)
        self.numbers = dict(np.load(GOLDENS / numbers))

    def __getitem__(self, name):
        return self.numbers[name]


@pytest.fixture(scope="module")
def public():
    return Golden(PUBLIC, "golden_public.npz")


@pytest.fixture(scope="module")
def transition():
    return Golden(TRANSITION, "golden_public_transition.npz")


@pytest.fixture(scope="module", params=["finished", "growing"])
def golden(request, public, transition):
    return public if request.param == "finished" else transition


def assert_sounds_like(wave, expected):
    error = np.abs(wave - expected).max() / np.abs(expected).max()
    assert error < WAVE_ERROR
    noise = np.sum((wave - expected) ** 2, dtype=np.float64)
    assert 10 * np.log10(np.sum(expected**2, dtype=np.float64) / noise) > WAVE_SNR


# The original's numbers


def test_pictures_are_those_of_the_original(golden):
    pictures = golden.model.image(golden["z"], golden["pitches"])
    assert pictures.shape == (4, 128, 1024, 2)
    assert pictures.dtype == np.float32
    np.testing.assert_allclose(pictures[0], golden["pred_norm_0"], atol=PICTURE_ERROR)
    np.testing.assert_allclose(
        pictures[:, ::4, ::8], golden["pred_norm_dec"], atol=PICTURE_ERROR
    )


def test_notes_are_those_of_the_original(golden):
    waves = golden.model.synthesize(golden["z"], golden["pitches"])
    assert waves.shape == (4, 64000)
    assert waves.dtype == np.float32
    for wave, expected in zip(waves, golden["waves"], strict=True):
        assert_sounds_like(wave, expected)


def test_one_timbre_over_the_keyboard_is_that_of_the_original(golden):
    waves = golden.model.synthesize(golden["z"][0], golden["z0_pitches"])
    for wave, head, tail, peak in zip(
        waves, golden["z0_waves_head"], golden["z0_waves_tail"], golden["z0_peak"], strict=True
    ):
        np.testing.assert_allclose(wave[: len(head)], head, atol=WAVE_ERROR * peak)
        np.testing.assert_allclose(wave[-len(tail) :], tail, atol=WAVE_ERROR * peak)


@pytest.mark.parametrize(
    ("layer", "values"),
    [("conv0", "offset_conv0"), ("conv1_2", "offset_conv1_2"), ("conv0_4", "offset_conv0_4_ch")],
)
def test_layer_offsets_sound_as_in_the_original(golden, layer, values):
    offsets = {layer: golden[values]}
    waves = golden.model.synthesize(golden["z"][:2], golden["pitches"][:2], offsets)
    assert_sounds_like(waves[0], golden[f"offset_wave_{layer}"][0])
    expected = golden[f"offset_wave1_head_{layer}"][0]
    np.testing.assert_allclose(
        waves[1, : len(expected)], expected, atol=WAVE_ERROR * np.abs(golden["waves"][1]).max()
    )


def test_growth_is_that_of_the_original(golden):
    weights = blend_weights(golden.model.progress, 7)
    alphas = [weights.get(block, 0) for block in range(1, 8)]
    np.testing.assert_allclose(alphas, golden["alphas"], atol=1e-6)


# Sizes of which there are no golden numbers, against a plain network


@pytest.mark.parametrize(
    ("shape", "stage", "step"),
    [
        (small_shape(), 6, 10**6),
        (small_shape(), 5, 5300),  # 0.3 on the way from three blocks to four
        (small_shape(), 5, 5000),  # at its beginning
        (small_shape(), 4, 10**6),  # a picture enlarged twice
        (small_shape(), 3, 3600),  # enlarged twice and four times, blended
        (small_shape(), 1, 1800),
        (small_shape(), 0, 500),  # one block, enlarged eight times
        (small_shape(tanh=False), 6, 10**6),
        (small_shape(resolutions=5, start_height=2, start_width=4), 8, 10**6),
        (small_shape(resolutions=6, start_height=3, start_width=2), 10, 10**6),  # 96 rows
        (small_shape(resolutions=3, start_height=16, start_width=4, fmap_decay=0.5), 4, 10**6),
        (small_shape(resolutions=3, start_height=5, start_width=4), 4, 10**6),  # 20 rows
        (small_shape(resolutions=2, start_height=2, start_width=8), 2, 10**6),  # 4 rows
        (small_shape(fmap_base=1200, fmap_max=140), 6, 10**6),  # 140, 140, 140, 75 channels
        (small_shape(resolutions=5, fmap_base=4200, fmap_max=130), 7, 7500),  # 0.5, many channels
        (small_shape(resolutions=1, start_height=32, start_width=8), 0, 10**6),
    ],
)
def test_networks_of_other_sizes_paint_and_stream_rightly(tmp_path, shape, stage, step):
    folder = write_checkpoint(tmp_path, shape, stage=stage, step=step)
    checkpoint = read_checkpoint(folder)
    model = GANSynth.load(folder)
    z = model.random_z(1, seed=3)
    x = np.concatenate([z[0], [0, 1, 0]])
    expected, _ = plain_picture(checkpoint, x)
    np.testing.assert_allclose(model.image(z, 41)[0], expected, atol=1e-4)
    wave = model.synthesize(z, 41)[0]
    slices = list(model.stream(z, 41))
    assert len(slices[0]) == model.head_length
    np.testing.assert_allclose(
        np.concatenate(slices), wave, atol=1e-5 * np.abs(wave).max(), rtol=0
    )


def test_upscaling_kernel_upscales_and_convolves():
    random = np.random.default_rng(0)
    x = random.standard_normal((1, 3, 5, 4)).astype(np.float32)
    kernel = random.standard_normal((3, 3, 4, 6)).astype(np.float32)
    upscaled = np.repeat(np.repeat(x, 2, axis=1), 2, axis=2)
    expected = tf.nn.conv2d(upscaled, kernel, 1, "SAME")
    windows = tf.nn.conv2d(
        x, upscaling_kernel(kernel), 1, [[0, 0], [1, 1], [1, 1], [0, 0]]
    )
    found = tf.nn.depth_to_space(windows, 2)[:, 1:-1, 1:-1]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_flipped_dense_is_the_convolution_of_one_pixel():
    random = np.random.default_rng(0)
    x = random.standard_normal(7).astype(np.float32)
    kernel = random.standard_normal((2, 3, 7, 4)).astype(np.float32)
    padded = np.pad(x[np.newaxis, np.newaxis, np.newaxis], [(0, 0), (1, 1), (2, 2), (0, 0)])
    expected = tf.nn.conv2d(padded, kernel, 1, "VALID")
    found = (x @ flipped_dense(kernel)).reshape(1, 2, 3, 4)
    np.testing.assert_allclose(found, expected, atol=1e-5)


# What the methods take


def test_an_unknown_pitch_names_the_pitches_the_model_knows(public):
    with pytest.raises(PitchError, match="pitch 23; it knows 24 to 84"):
        public.model.synthesize(public["z"][0], 23)


def test_gaps_between_pitches_are_shown(tmp_path):
    folder = write_checkpoint(tmp_path, small_shape())
    (folder / "meta.json").write_text(
        '{"a": {"pitch": 33}, "b": {"pitch": 34}, "c": {"pitch": 60}}'
    )
    model = GANSynth.load(folder)
    with pytest.raises(PitchError, match="it knows 33 to 34, 60$"):
        model.head(np.zeros(5), 35)


@pytest.mark.parametrize("pitch", [60, 60.0, np.int64(60), np.float32(60), [60], np.array([60])])
def test_whole_numbers_of_any_type_are_pitches(public, pitch):
    expected = public.model.synthesize(public["z"][:1], 60)
    np.testing.assert_array_equal(public.model.synthesize(public["z"][:1], pitch), expected)


@pytest.mark.parametrize("pitch", [60.5, "60", None, True, np.nan, np.inf, [60, "c"], [[60]], {}])
def test_other_things_are_not_pitches(public, pitch):
    with pytest.raises(PitchError):
        public.model.synthesize(public["z"][0], pitch)


@pytest.mark.parametrize(
    "z",
    [
        np.zeros(255),
        np.zeros((1, 257)),
        np.zeros((1, 1, 256)),
        np.zeros(0),
        0.5,
        np.full(256, np.nan),
        np.full(256, np.inf),
        np.full(256, 1e300),
        ["a"] * 256,
        np.full(256, 1j),
        None,
    ],
)
def test_a_z_that_the_model_cannot_take_is_refused(public, z):
    for method in (public.model.synthesize, public.model.image):
        with pytest.raises(LatentError, match="z "):
            method(z, 60)
    for method in (public.model.head, public.model.stream):
        with pytest.raises(LatentError, match="z "):
            method(z, 60)


def test_every_pitch_takes_one_z(public):
    with pytest.raises(LatentError, match="3 pitches and 2 z"):
        public.model.synthesize(public["z"][:2], [60, 61, 62])


def test_one_pitch_serves_several_z(public):
    waves = public.model.synthesize(public["z"][:2], 60)
    np.testing.assert_array_equal(waves[1], public.model.synthesize(public["z"][1], 60)[0])


def test_no_notes_are_no_sound(public):
    assert public.model.synthesize(np.zeros((0, 256)), []).shape == (0, 64000)
    assert public.model.image(np.zeros((0, 256)), []).shape == (0, 128, 1024, 2)


def test_a_plain_list_is_a_z(public):
    z = public["z"][0]
    np.testing.assert_array_equal(
        public.model.synthesize(z.tolist(), 60), public.model.synthesize(z, 60)
    )
