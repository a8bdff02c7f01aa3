"""Sound in arrays: files, resampling by slices, envelopes and mixing."""

import os
import sys
import time

import numpy as np
import pytest
from full_disk import files_end_at

from pdbridge import audio
from pdbridge.errors import AudioError, PdbridgeError


def tone(frequency, sample_rate, seconds=1.0):
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * sample_rate)) / sample_rate).astype(np.float32)


def level_between(samples, sample_rate, low, high):
    """The loudest partial between two frequencies in dB against a full-scale sine."""
    windowed = samples * np.blackman(len(samples))
    magnitudes = np.abs(np.fft.rfft(windowed)) / (0.42 * len(samples) / 2)
    frequencies = np.fft.rfftfreq(len(samples), 1 / sample_rate)
    return audio.decibels(magnitudes[(frequencies >= low) & (frequencies < high)].max())


@pytest.mark.parametrize("to_rate", [22050, 32000, 44100, 48000])
@pytest.mark.parametrize("slices", [(5120,), (1, 300, 0, 4096, 7), (64000,)])
def test_slices_joined_are_the_whole_sound_resampled(to_rate, slices):
    sound = np.random.default_rng(3).normal(0, 0.2, 64000).astype(np.float32)
    resampler = audio.Resampler(16000, to_rate)
    for _ in range(2):  # the second time shows that nothing of the first is left
        pieces, start = [], 0
        while start < len(sound):
            length = slices[len(pieces) % len(slices)]
            pieces.append(resampler.push(sound[start:start + length], last=start + length >= len(sound)))
            start += length
        joined = np.concatenate(pieces)
        assert joined.dtype == np.float32
        np.testing.assert_allclose(joined, audio.resample(sound, 16000, to_rate), atol=1e-6)


def test_equal_rates_give_the_samples_back():
    sound = tone(440, 16000)
    np.testing.assert_array_equal(audio.Resampler(16000, 16000).push(sound), sound)
    np.testing.assert_array_equal(audio.resample(sound, 16000, 16000), sound)


def test_a_six_kilohertz_partial_keeps_its_level_and_gets_no_image():
    resampled = audio.resample(tone(6000, 16000), 16000, 48000)[4800:-4800]
    assert level_between(resampled, 48000, 5900, 6100) == pytest.approx(0, abs=0.1)
    assert level_between(resampled, 48000, 8000, 24000) < -100


def test_a_slice_is_resampled_in_far_less_than_a_millisecond():
    resampler = audio.Resampler(16000, 48000)
    sound = tone(440, 16000, 0.32)
    times = []
    for _ in range(50):
        start = time.perf_counter()
        resampler.push(sound)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.001


def test_a_wav_comes_back_as_written(tmp_path):
    sound = tone(440, 16000) * 1.5  # a float file does not clip
    audio.write_wav(tmp_path / "a.wav", sound, 16000)
    read, sample_rate = audio.read_wav(tmp_path / "a.wav")
    assert sample_rate == 16000
    np.testing.assert_array_equal(read, sound)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_channels_are_averaged(tmp_path):
    audio.write_wav(tmp_path / "a.wav", np.array([[1, 0], [0.5, 0.5]]), 44100)
    np.testing.assert_allclose(audio.read_wav(tmp_path / "a.wav")[0], [0.5, 0.5])


def test_a_failed_write_says_why_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    audio.write_wav(tmp_path / "a.wav", tone(440, 16000), 16000)
    with files_end_at(5000), pytest.raises(PdbridgeError, match="a.wav cannot be written: File too large"):
        audio.write_wav(tmp_path / "a.wav", tone(220, 16000), 16000)
    np.testing.assert_array_equal(audio.read_wav(tmp_path / "a.wav")[0], tone(440, 16000))
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_need_not_be_in_utf_8(tmp_path):
    path = tmp_path / os.fsdecode(b"fl\xfcte.wav")
    audio.write_wav(path, tone(440, 16000), 16000)
    np.testing.assert_array_equal(audio.read_wav(path)[0], tone(440, 16000))


def test_unreadable_sounds_are_named(tmp_path):
    (tmp_path / "text.wav").write_text("not a sound")
    for name in ("text.wav", "missing.wav"):
        with pytest.raises(AudioError, match=name):
            audio.read_wav(tmp_path / name)
    with pytest.raises(PdbridgeError, match="nowhere"):
        audio.write_wav(tmp_path / "nowhere" / "a.wav", np.zeros(3), 16000)


def test_the_envelope_fades_in_holds_and_fades_out():
    shaped = audio.envelope(np.ones(48000), 48000, hold_ms=500, attack_ms=2, release_ms=300)
    assert len(shaped) == 0.8 * 48000
    assert shaped[0] == 0 and shaped[48] == pytest.approx(0.5) and shaped[96] == 1
    assert shaped[24000] == pytest.approx(1) and shaped[24000 + 7200] == pytest.approx(0.5)
    assert shaped[-1] < 0.001


def test_a_sound_shorter_than_its_note_ends_softly():
    shaped = audio.envelope(np.ones(16000), 16000, hold_ms=5000)
    assert len(shaped) == 16000 and shaped[-1] < 0.01 and shaped[-200] == 1


def test_mixing_adds_each_sound_at_its_time():
    mixed = audio.mix([(0, [1, 1]), (0.002, [2, 2, 2]), (0.003, [4])], 1000)
    assert mixed.dtype == np.float32
    np.testing.assert_array_equal(mixed, [1, 1, 2, 6, 2])
    assert audio.mix([], 1000).size == 0
