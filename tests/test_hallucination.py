"""The walk through timbres and the mix of its sounds, against the original's and beyond it."""

from pathlib import Path

import numpy as np
import pytest

from pdbridge.errors import HallucinationError, LatentError
from pdbridge.gansynth.hallucination import (
    FADE_S,
    Mixer,
    Settings,
    interpolate_edits,
    interpolate_z,
)
from pdbridge.gansynth.levels import LOPSIDED, PEAK, gain_to_peak

GOLDENS = Path(__file__).parent / "data" / "gansynth"
RATE = 16000


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDENS / "golden_halluc_public.npz"))


@pytest.fixture(scope="module")
def notes():
    """z [4, 256] and their waves [4, 64000]."""
    with np.load(GOLDENS / "golden_public.npz") as golden:
        return golden["z"], golden["waves"]


def tone(length=64000, level=1.0):
    return level * np.sin(2 * np.pi * 440 * np.arange(length) / RATE)


# Against the original


def test_a_walk_through_z_is_the_originals(golden, notes):
    walk = interpolate_z(notes[0][:3], 3)
    assert walk.dtype == np.float32
    np.testing.assert_allclose(walk, golden["interp_z"], atol=1e-6)


@pytest.mark.parametrize("steps", [0, 4])
def test_a_walk_through_edits_is_the_originals(golden, steps):
    walk = interpolate_edits(golden["interp_edits_in"], steps)
    assert walk.dtype == np.float64
    np.testing.assert_allclose(walk, golden[f"interp_edits_{steps}"], atol=1e-12)


def test_the_envelope_is_the_originals(golden):
    envelope = Settings(*golden["combine_args"]).envelope(RATE)
    assert len(envelope) == golden["env_len"]
    np.testing.assert_allclose(envelope[::8], golden["env_dec8"], atol=1e-7)


def test_the_mix_is_the_originals(golden, notes):
    mixer = Mixer(Settings(*golden["combine_args"]), 4, RATE)
    for index, wave in enumerate(notes[1]):
        mixer.add(index, wave)
    assert mixer.length == golden["combine_len"]
    np.testing.assert_allclose(mixer.normalised()[::4], golden["combine_dec4"], atol=1e-6)


# The walk


def test_without_steps_a_walk_is_its_points(notes):
    np.testing.assert_array_equal(interpolate_z(notes[0], 0), notes[0])


def test_every_point_between_the_ends_is_heard_twice(notes):
    walk = interpolate_z(notes[0], 5)
    assert len(walk) == 3 * 6 + 1
    for point in (1, 2):
        np.testing.assert_array_equal(walk[6 * point], notes[0][point])
        np.testing.assert_array_equal(walk[6 * point - 1], notes[0][point])


def test_one_point_is_a_walk_of_one_sound(notes):
    assert interpolate_z(notes[0][:1], 10).shape == (1, 256)
    assert interpolate_edits([[1, 2]], 10).shape == (1, 2)


def test_the_way_between_opposite_points_is_finite(notes):
    points = np.stack([notes[0][0], -notes[0][0], -notes[0][0]])
    assert np.isfinite(interpolate_z(points, 4)).all()


def test_shorter_edits_are_filled_up_with_zeros():
    np.testing.assert_array_equal(interpolate_edits([[2, 4, 6], [1]], 2), [[2, 4, 6], [1.5, 2, 3], [1, 0, 0]])


@pytest.mark.parametrize("points", [np.zeros(256), np.zeros((0, 256)), [["a"]], np.full((2, 4), np.nan)])
def test_what_is_no_list_of_points_is_refused(points):
    for walk in interpolate_z, interpolate_edits:
        with pytest.raises(LatentError):
            walk(points, 2)


@pytest.mark.parametrize("steps", [-1, 1.5, True, "3"])
def test_steps_are_whole_numbers(steps):
    with pytest.raises(HallucinationError, match="interpolation steps are a whole number"):
        interpolate_z(np.ones((2, 4)), steps)


def test_an_endless_walk_is_refused_before_it_takes_memory():
    with pytest.raises(HallucinationError, match="too long"):
        interpolate_z(np.ones((2, 4)), 10**12)


# The settings


def test_times_are_floored_to_hundredths_of_a_second():
    assert Settings(0.219, 0.001, 0.505, 1, 0.0099) == Settings(0.21, 0, 0.5, 1, 0)


def test_a_hundredth_is_itself_in_any_float():
    for number in 0.29, np.float32(0.29), 0.57, np.float32(59.99):
        assert Settings(spacing=number).spacing == pytest.approx(float(number), abs=1e-5)


@pytest.mark.parametrize("name", ["spacing", "start_trim", "attack", "sustain", "release"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), 61, "long", None])
def test_impossible_times_are_named(name, value):
    with pytest.raises(HallucinationError, match=name.replace("_", " ")):
        Settings(**{name: value})


def test_an_envelope_that_lets_nothing_through_is_refused():
    with pytest.raises(HallucinationError, match="nothing would be heard"):
        Settings(start_trim=1, attack=0, sustain=0.009, release=0)


def test_seconds_needed_is_the_length_of_the_envelope():
    settings = Settings(start_trim=0.1, attack=0.2, sustain=0.3, release=0.4)
    assert settings.seconds_needed == pytest.approx(1.0)
    assert len(settings.envelope(RATE)) == RATE


# The mix, where the original breaks


def test_the_last_sound_always_fits():
    settings = Settings(spacing=0.01, attack=1, sustain=2, release=0.99)  # 3 s by the original's rule
    mixer = Mixer(settings, 30, RATE, note_length=RATE * 3)
    mixer.add(29, tone())
    assert mixer.length == mixer.start(29) + len(settings.envelope(RATE))
    assert np.abs(mixer.mix[-RATE // 2:]).max() > 0.1


def test_a_silent_or_broken_sound_is_left_out():
    mixer = Mixer(Settings(), 3, RATE)
    mixer.add(0, np.zeros(64000))
    mixer.add(1, np.full(64000, np.nan))
    assert not mixer.mix.any()
    assert not mixer.normalised().any()
    mixer.add(2, tone())
    assert np.abs(mixer.normalised()).max() == pytest.approx(0.5)


def test_a_note_that_ends_before_its_envelope_fades_out_and_silence_follows():
    mixer = Mixer(Settings(attack=0, sustain=6, release=0), 1, RATE)
    mixer.add(0, np.ones(64000))
    fade = int(FADE_S * RATE)
    np.testing.assert_allclose(mixer.mix[:64000 - fade], 1)
    np.testing.assert_allclose(mixer.mix[64000 - fade:64000], np.linspace(1, 0, fade), atol=1e-6)
    assert not mixer.mix[64000:].any()


def test_only_what_the_envelope_lets_through_need_be_there():
    settings = Settings()
    whole, begun = Mixer(settings, 1, RATE), Mixer(settings, 1, RATE)
    whole.add(0, tone())
    begun.add(0, tone()[:len(settings.envelope(RATE))])
    np.testing.assert_array_equal(whole.mix, begun.mix)


def test_a_sound_with_nothing_above_zero_does_not_drown_the_others():
    mixer = Mixer(Settings(), 1, RATE)
    mixer.add(0, -np.abs(tone()))
    assert np.abs(mixer.mix).max() == pytest.approx(LOPSIDED, rel=1e-3)


def test_no_peak_is_above_a_half_also_below_zero():
    mixer = Mixer(Settings(), 1, RATE)
    mixer.add(0, np.where(tone() > 0, tone(), 1.5 * tone()))
    assert mixer.normalised().min() == pytest.approx(-0.5)
    assert gain_to_peak(np.zeros(4)) == gain_to_peak(np.zeros(0)) == 1


@pytest.mark.parametrize("settings", [
    Settings(), Settings(0.37, 0.05, 0.2, 0.8, 0.6), Settings(0, 0, 0.5, 0.5, 0.5), Settings(3, 0, 1, 0, 0),
    Settings(0.33, 0, 0, 0.99, 0)])
def test_the_level_known_beforehand_is_enough_for_the_loudest_sounds(settings):
    mixer = Mixer(settings, 40, RATE)
    worst = -np.ones(64000)  # never above zero, and all in phase
    for index in range(40):
        mixer.add(index, worst)
    peak = np.abs(mixer.mix * np.float32(mixer.level)).max()
    assert 0.49 < peak <= 0.5


def test_the_level_is_known_at_once_however_many_sounds_overlap():
    mixer = Mixer(Settings(0.01, 60, 60, 60, 60), 20000, RATE)  # 12,000 of them, or 80,000,000,000 additions
    assert mixer.level == pytest.approx(PEAK / LOPSIDED / 12000, rel=1e-2)


def test_what_is_final_does_not_change_any_more(notes):
    mixer = Mixer(Settings(start_trim=0.1), 4, RATE)
    final, before = 0, np.zeros(0)
    for index, wave in enumerate(notes[1]):
        mixer.add(index, wave)
        np.testing.assert_array_equal(mixer.mix[:final], before)
        assert mixer.final > final
        final = mixer.final
        before = mixer.mix[:final].copy()
    assert final == mixer.length


def test_a_hallucination_of_hours_is_refused():
    with pytest.raises(HallucinationError, match="167 minutes"):
        Mixer(Settings(spacing=1), 10000, RATE)
