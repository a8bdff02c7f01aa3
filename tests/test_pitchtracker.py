"""Pitches of recorded notes, heard."""

import sys

import numpy as np
import pytest

from pdbridge import pitchtracker
from pdbridge.errors import EngineError

pytest.importorskip("librosa", reason="the extra pitch is not installed")

RATE = 16000


def tone(pitch, seconds=1.0, rate=RATE, partials=10):
    """A plucked note with a decay."""
    time = np.arange(int(seconds * rate)) / rate
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    return sum(np.sin(2 * np.pi * k * frequency * time) / k * np.exp(-2 * time)
               for k in range(1, partials + 1) if k * frequency < rate / 2).astype(np.float32) / 2


@pytest.mark.parametrize("pitch, rate", [(24, RATE), (60, RATE), (61.3, RATE), (100, RATE), (45, 44100)])
def test_the_pitch_of_a_note_is_heard_with_confidence(pitch, rate):
    heard = pitchtracker.detect(tone(pitch, rate=rate), rate)
    assert heard.pitch == round(pitch)
    assert 0.9 < heard.confidence <= 1
    assert heard.sure


def test_a_soft_note_in_a_long_silence_is_as_sure_as_a_loud_one():
    heard = pitchtracker.detect(np.pad(tone(60) / 100, (8000, 24000)), RATE)
    assert heard.pitch == 60
    assert heard.sure


def test_noise_and_two_notes_after_each_other_are_not_sure():
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert not pitchtracker.detect(noise, RATE).sure
    assert not pitchtracker.detect(np.concatenate([tone(60, 0.8), tone(67, 0.8)]), RATE).sure


@pytest.mark.parametrize("samples", [np.zeros(RATE, np.float32), np.zeros(0, np.float32), np.full(RATE, np.nan),
                                     tone(60) / 3000], ids=["zeros", "none", "NaN", "too soft"])
def test_in_silence_no_pitch_is_heard(samples):
    assert pitchtracker.detect(samples, RATE) == (None, 0)


def test_without_librosa_one_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(EngineError, match=r"pip install 'pdbridge\[pitch\]'"):
        pitchtracker.check()
