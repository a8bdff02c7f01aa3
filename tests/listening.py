"""Listens to notes with numbers: how far out of tune, how clean, how bright, how soon and how long.

A note is float32 [samples] at 16 kHz.
"""

import librosa
import numpy as np

from pdbridge.audio import resample

SAMPLE_RATE = 16000
FINE_RATE = 48000  # for short periods: the tracker knows them to about a fiftieth of a sample
SHORT_PERIODS = 60  # from this pitch up
STEADY_S = 0.25, 2.25  # after the attack, before the release


def hertz(pitch):
    return 440 * 2 ** ((pitch - 69) / 12)


def cents_off(note, pitch):
    """How far the fundamental is from the pitch, in cents; octaves count, too (YIN)."""
    rate, frame = (FINE_RATE, 6144) if pitch >= SHORT_PERIODS else (SAMPLE_RATE, 4096)
    note = resample(note[:5120], SAMPLE_RATE, rate)
    found = librosa.yin(note, fmin=26, fmax=1400, sr=rate, frame_length=frame, hop_length=frame // 4, center=False)
    return 1200 * np.log2(np.median(found) / hertz(pitch))


def harmonic_to_rest_db(note, pitch):
    """Level of what is within 8 Hz of the partials, beside all the rest."""
    start, end = (int(seconds * SAMPLE_RATE) for seconds in STEADY_S)
    power = np.abs(np.fft.rfft(note[start:end] * np.hanning(end - start))) ** 2
    frequency = np.fft.rfftfreq(end - start, 1 / SAMPLE_RATE)
    fundamental = hertz(pitch)
    away = np.abs(frequency - np.maximum(1, np.round(frequency / fundamental)) * fundamental)
    near = away < min(8, 0.3 * fundamental)
    return 10 * np.log10(power[near].sum() / (power[~near].sum() + 1e-12))


def centroid_hz(note):
    """Where the middle of the spectrum of the first second is."""
    power = np.abs(np.fft.rfft(note[:SAMPLE_RATE] * np.hanning(SAMPLE_RATE))) ** 2
    return np.fft.rfftfreq(SAMPLE_RATE, 1 / SAMPLE_RATE) @ power / power.sum()


def level(note, window_s=0.02):
    """Root mean square around every sample."""
    size = int(window_s * SAMPLE_RATE)
    return np.sqrt(np.convolve(note.astype(np.float64) ** 2, np.full(size, 1 / size), "same"))


def attack_ms(note):
    """Until the note has half the level that it reaches in its first second."""
    found = level(note)[:SAMPLE_RATE]
    return 1000 * np.argmax(found > 0.5 * found.max()) / SAMPLE_RATE


def decay_db(note, after_s=2.0):
    """Level after two seconds, beside the highest."""
    found = level(note)
    return 20 * np.log10(found[int(after_s * SAMPLE_RATE)] / found[: 2 * SAMPLE_RATE].max() + 1e-6)


def band_levels_db(note):
    """Mel spectrogram: float32 [bands, frames], in dB."""
    power = librosa.feature.melspectrogram(y=note, sr=SAMPLE_RATE, n_fft=1024, hop_length=512, n_mels=64, fmin=30)
    return librosa.power_to_db(power, ref=1.0, amin=1e-10)


def distance_db(one, other):
    """Root mean square distance of two mel spectrograms; what is 60 dB below the louder one is silence."""
    one, other = band_levels_db(one), band_levels_db(other)
    silence = max(one.max(), other.max()) - 60
    return np.sqrt(np.mean((np.maximum(one, silence) - np.maximum(other, silence)) ** 2))
