"""Notes over time: timbres, envelopes and the mix, against the original's and beyond it."""

from pathlib import Path

import numpy as np
import pytest

from pdbridge.errors import LatentError, PitchError
from pdbridge.gansynth.levels import LOPSIDED
from pdbridge.gansynth.notes import (
    Clip,
    beginning,
    envelope,
    instrument_count,
    instrument_times,
    playable,
    random_instruments,
    z_over_time,
)
from pdbridge.midifile import Note

GOLDENS = Path(__file__).parent / "data" / "gansynth"
RATE = 16000


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDENS / "golden_public.npz"))


def note(start_s=0.0, end_s=1.0, velocity=127, pitch=60, track=0):
    return Note(pitch, velocity, start_s, end_s, track, 0)


def tone(level=1.0):
    return level * np.sin(2 * np.pi * 440 * np.arange(64000) / RATE)


# Against the original


@pytest.mark.parametrize("held_s", ["0.004", "0.05", "0.5", "2", "3", "5"])
def test_the_envelope_is_the_originals(golden, held_s):
    gain = envelope(float(held_s), RATE)
    assert len(gain) == golden[f"env_{held_s}_len"]
    np.testing.assert_allclose(gain[:400], golden[f"env_{held_s}_head"], atol=1e-7)
    np.testing.assert_allclose(gain[::16], golden[f"env_{held_s}_dec"], atol=1e-7)


def test_timbres_over_time_are_the_originals(golden):
    times = instrument_times(4, 20.0)
    np.testing.assert_allclose(times, golden["znotes_t_instruments"], atol=1e-12)
    z = z_over_time(golden["znotes_start_times"], golden["z"], times)
    np.testing.assert_allclose(z, golden["znotes"], atol=1e-6)


def test_the_clip_is_the_originals_but_for_the_level_of_its_negative_peak(golden):
    clip = Clip(golden["combine_end"].max(), RATE)
    for start_s, end_s, velocity, wave in zip(golden["combine_start"], golden["combine_end"],
                                              golden["combine_vel"], golden["waves"], strict=True):
        clip.add(note(start_s, end_s, int(velocity)), wave)
    assert len(clip.mix) == golden["combine_len"]
    np.testing.assert_allclose((clip.mix / clip.mix.max() / 2)[::4], golden["combine_clip_dec"], atol=1e-6)
    assert clip.normalised().min() == pytest.approx(-0.5)  # -0.53 in the original


def test_random_timbres_are_those_of_the_original_with_the_same_seed():
    np.random.seed(7)  # as the original does
    np.testing.assert_array_equal(random_instruments(3, 256, 7), np.random.normal(size=[3, 256]))


# Timbres


@pytest.mark.parametrize(("total_s", "secs", "count"), [
    (0.0, 6.0, 2), (5.9, 6.0, 2), (11.9, 6.0, 2), (18.0, 6.0, 3), (3600.0, 0.36, 10000)])
def test_a_clip_has_a_timbre_every_few_seconds_and_two_at_least(total_s, secs, count):
    assert instrument_count(total_s, secs) == count


def test_too_many_timbres_are_refused():
    with pytest.raises(LatentError, match="10000 are the most"):
        instrument_count(3600, 1e-300)


@pytest.mark.parametrize("total_s", [0.0, 0.2, 4.0])
def test_a_short_clip_goes_from_one_timbre_to_another(golden, total_s):
    z = z_over_time([0.0, total_s], golden["z"][:2], instrument_times(2, total_s))
    assert np.isfinite(z).all()
    np.testing.assert_array_equal(z[1], golden["z"][1])


def test_a_single_timbre_stays(golden):
    z = z_over_time([0.0, 3.0, 9.0], golden["z"][:1], instrument_times(1, 9.0))
    np.testing.assert_array_equal(z, golden["z"][[0, 0, 0]])


# Pitches


def test_unknown_pitches_are_transposed_by_octaves():
    notes = [note(pitch=pitch) for pitch in (0, 23, 24, 84, 85, 127)]
    kept, transposed, dropped = playable(notes, range(24, 85))
    assert [each.pitch for each in kept] == [24, 35, 24, 84, 73, 79]
    assert (transposed, dropped) == (4, 0)


def test_strictly_unknown_pitches_are_left_out():
    notes = [note(pitch=pitch) for pitch in (23, 24, 85)]
    kept, transposed, dropped = playable(notes, range(24, 85), strict=True)
    assert [each.pitch for each in kept] == [24]
    assert (transposed, dropped) == (0, 2)


def test_the_nearest_octave_is_taken_where_a_model_has_gaps():
    kept, *_ = playable([note(pitch=62)], (26, 50, 86, 60))
    assert kept[0].pitch == 50


def test_a_pitch_without_any_octave_is_left_out():
    kept, transposed, dropped = playable([note(pitch=33), note(pitch=44)], (32,))
    assert ([each.pitch for each in kept], transposed, dropped) == ([32], 1, 1)


def test_when_no_note_is_left_both_sides_are_named():
    with pytest.raises(PitchError, match="none of the pitches 33; it knows 32"):
        playable([note(pitch=33)], (32,))


# The mix


def test_a_silent_note_adds_nothing():
    clip = Clip(2.0, RATE)
    clip.add(note(), np.zeros(64000))
    clip.add(note(), np.zeros(0))
    assert not clip.normalised().any()
    clip.add(note(), tone())
    assert np.abs(clip.normalised()).max() == pytest.approx(0.5)


def test_overlapping_notes_add_up():
    clip, other = Clip(2.0, RATE), Clip(2.0, RATE)
    clip.add(note(0, 1), tone())
    alone = clip.mix.copy()
    for each in clip, other:
        each.add(note(0.5, 2, 64), tone(0.1))
    np.testing.assert_allclose(clip.mix, alone + other.mix, atol=1e-6)


def test_a_note_is_as_loud_as_its_velocity_and_where_it_starts():
    clip = Clip(2.0, RATE)
    clip.add(note(0.5, 1.0, velocity=64), tone(0.01))
    assert clip.mix.max() == pytest.approx(64 / 127, rel=1e-3)
    sounding = np.flatnonzero(clip.mix)
    assert 8000 <= sounding[0] < 8010
    assert 8000 + 8000 + 4700 < sounding[-1] < 8000 + 8000 + 4800


def test_the_last_release_always_fits():
    for end_s in 0.0, 0.999, 7.5:
        clip = Clip(end_s, RATE)
        clip.add(note(end_s, end_s), tone())
        assert np.abs(clip.mix).max() > 0.9


def test_a_note_with_nothing_above_zero_does_not_drown_the_others():
    clip = Clip(1.0, RATE)
    clip.add(note(), -np.abs(tone()))
    assert np.abs(clip.mix).max() == pytest.approx(LOPSIDED, rel=1e-3)


def test_a_note_shorter_than_its_envelope_is_followed_by_silence():
    clip = Clip(3.0, RATE)
    clip.add(note(0, 3), tone()[:8000])
    assert clip.mix[:8000].any() and not clip.mix[8000:].any()


class Slices:
    """A model that counts the slices it was asked for."""

    def __init__(self):
        self.made, self.ended = 0, False

    def stream(self, z, pitch, offsets=None):
        try:
            for number in range(4):
                self.made += 1
                yield np.full(1000, number, np.float32)
        finally:
            self.ended = True


def test_no_more_of_a_note_is_rendered_than_is_needed():
    model = Slices()
    assert len(beginning(model, None, 60, 1500)) == 1500
    assert model.made == 2 and model.ended
    assert len(beginning(Slices(), None, 60, 9999)) == 4000
