"""Which pitch a recorded note has, heard by pYIN.

Mauch and Dixon 2014, "pYIN: a fundamental frequency estimator using probabilistic threshold distributions", as
librosa implements it (extra ``pitch``). Notes are what it is for: it listens to the whole sound and answers with one
pitch, and with how far that pitch can be trusted.
"""

import math
from typing import NamedTuple

import numpy as np

from pdbridge.errors import EngineError

LOWEST, HIGHEST = 23, 108  # MIDI pitches that are listened for: B0 (31 Hz) to C8, the last key of a piano
FRAME_S, HOP_S = 0.256, 0.032  # four periods of the lowest pitch and more
RESOLUTION = 0.25  # semitones; finer ones only cost time (0.1: 15 times), since pitches are whole here
AUDIBLE_DB = -40  # frames that are quieter than this below the loudest are not listened to
SILENT_DB = -66  # rms below full scale; what stays under this everywhere is hiss, or the ringing of a filter
SURE = 0.7  # confidence from which a pitch needs no second look


class Heard(NamedTuple):
    """What was heard.

    Attributes
    ----------
    pitch : int or None
        MIDI; None if there is no tone.
    confidence : float
        The share of the sounding time in which that pitch is heard, less than half a semitone away, 0 to 1.
    """

    pitch: int | None
    confidence: float

    @property
    def sure(self):
        """Whether nobody needs to listen once more."""
        return self.confidence >= SURE


def detect(samples, sample_rate):
    """The pitch of a note.

    Parameters
    ----------
    samples : float32 array [samples]
    sample_rate : int
        In Hz, 8000 or more.

    Returns
    -------
    Heard

    Raises
    ------
    EngineError
        When librosa is missing.
    """
    librosa = _librosa()
    samples = np.asarray(samples, np.float32)
    frame, hop = (2 ** round(math.log2(seconds * sample_rate)) for seconds in (FRAME_S, HOP_S))
    if not np.isfinite(samples).all() or not np.any(samples):
        return Heard(None, 0.0)
    samples = np.pad(samples, (0, max(frame - len(samples), 0)))
    loudness = librosa.feature.rms(y=samples, frame_length=frame, hop_length=hop)[0]
    if loudness.max() < 10 ** (SILENT_DB / 20):
        return Heard(None, 0.0)
    sounding = loudness >= loudness.max() * 10 ** (AUDIBLE_DB / 20)
    highest = min(HIGHEST, int(librosa.hz_to_midi(sample_rate / 3)))
    frequency, voiced, _ = librosa.pyin(
        samples, fmin=librosa.midi_to_hz(LOWEST), fmax=librosa.midi_to_hz(highest), sr=sample_rate,
        frame_length=frame, hop_length=hop, resolution=RESOLUTION)
    heard = librosa.hz_to_midi(frequency[voiced & sounding])
    if not heard.size:
        return Heard(None, 0.0)
    pitch = round(float(np.median(heard)))
    return Heard(pitch, float(np.count_nonzero(np.abs(heard - pitch) <= 0.5) / np.count_nonzero(sounding)))


def _librosa():
    try:
        import librosa
    except ImportError:
        raise EngineError("pitches are heard by librosa, which is missing: pip install 'pdbridge[pitch]'") from None
    return librosa


def check():
    """Make sure that pitches can be heard, before much work is begun.

    Raises
    ------
    EngineError
        When librosa is missing.
    """
    _librosa()
