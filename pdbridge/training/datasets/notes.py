"""Notes of a data set, and sound files as notes: what is wrong with one, what has to be converted, its samples.

No TensorFlow in here: processes that only read sounds start without it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pdbridge.errors import AudioError
from pdbridge.training.datasets.recordings import read

SAMPLE_RATE = 16000  # Hz, of NSynth and of everything that is trained here
NOTE_LENGTH = 64000  # samples: 4 s
QUALITIES = ("bright", "dark", "distortion", "fast_decay", "long_release", "multiphonic", "nonlinear_env",
             "percussive", "reverb", "tempo-synced")
SOURCES = ("acoustic", "electronic", "synthetic")
FAMILIES = ("bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "synth_lead",
            "vocal")

SIXTEEN_BITS = 32767  # what the course divides by: a sample of -32768 becomes a little less than -1


@dataclass(frozen=True, eq=False)
class Note:
    """A note of a data set.

    Attributes
    ----------
    pitch : int
        MIDI.
    audio : float32 array [samples]
        In -1..1.
    velocity : int or None
        MIDI; the course's records have none.
    note_str : str or None
        Its name in the NSynth dataset.
    qualities : tuple of 10 int
        0 or 1 each, see `QUALITIES`.
    instrument_source, instrument_family : int
        Places in `SOURCES` and `FAMILIES`.
    sample_rate : int or None
        In Hz, where the record says it.
    """

    pitch: int
    audio: np.ndarray
    velocity: int | None = None
    note_str: str | None = None
    qualities: tuple = (0,) * len(QUALITIES)
    instrument_source: int = 0
    instrument_family: int = 0
    sample_rate: int | None = None


# Sound files


@dataclass(frozen=True)
class Header:
    """What the head of a sound file tells.

    Attributes
    ----------
    violations : tuple of str
        Why it cannot be used.
    conversions : tuple of str
        What it is and has to be changed for, e.g. "44100 Hz", "2 channels", "24 bits". Without any, the samples
        are used as they are in the file.
    """

    violations: tuple = ()
    conversions: tuple = ()


def inspect(path, sample_rate, length):
    """Look at the head of a sound file.

    Parameters
    ----------
    path : Path
    sample_rate : int
        In Hz, that notes of the data set have.
    length : int
        Samples that they have at that rate.

    Returns
    -------
    Header
    """
    import soundfile

    try:
        with open(path, "rb") as raw, soundfile.SoundFile(raw) as file:
            frames, rate, channels, subtype = file.frames, file.samplerate, file.channels, file.subtype
    except soundfile.LibsndfileError as error:
        return Header((f"cannot be read as a sound: {error.error_string}",))
    except (soundfile.SoundFileError, OSError) as error:
        return Header((f"cannot be read as a sound: {getattr(error, 'strerror', None) or error}",))
    violations, conversions = [], []
    exact = frames * sample_rate / rate
    if abs(exact - length) >= 1:  # a sample more or less comes from converting the rate
        violations.append(f"lasts {frames / rate:.4g} s, {round(exact)} samples at {sample_rate} Hz, not {length}")
    if rate != sample_rate:
        conversions.append(f"{rate} Hz")
    if channels != 1:
        conversions.append(f"{channels} channels")
    if subtype != "PCM_16":
        conversions.append(_format(subtype))
    return Header(tuple(violations), tuple(conversions))


def _format(subtype):
    kind, _, bits = subtype.rpartition("_")
    return {"PCM": f"{bits} bits", "": subtype}.get(kind, subtype) if bits.isdigit() else {
        "FLOAT": "32-bit floats", "DOUBLE": "64-bit floats", "PCM_U8": "8 bits", "PCM_S8": "8 bits",
        "VORBIS": "Vorbis", "OPUS": "Opus", "MPEG_LAYER_III": "MP3"}.get(subtype, subtype)


def samples(path, sample_rate, length):
    """The samples of a note.

    Parameters
    ----------
    path : Path
    sample_rate, length : int
        As for `inspect`.

    Returns
    -------
    audio : float32 [length]
        16-bit samples are divided by 32767, as the course does it; anything else is in -1..1.
    conversions : tuple of str
        As in `Header`; "louder than 1" is among them if samples had to be cut to that.

    Raises
    ------
    AudioError
        When the file has violations, or its samples cannot be read.
    """
    header = inspect(path, sample_rate, length)
    if header.violations:
        raise AudioError(f"{Path(path).name}: {'; '.join(header.violations)}")
    if not header.conversions:
        return _as_they_are(path), ()
    audio, conversions = read(path, sample_rate), header.conversions
    audio = np.pad(audio[:length], (0, max(length - len(audio), 0)))
    if np.abs(audio).max(initial=0) > 1:
        conversions += ("louder than 1",)
    return np.clip(audio, -1, 1), conversions


def _as_they_are(path):
    import soundfile

    try:
        with open(path, "rb") as file:
            sixteen_bits, _ = soundfile.read(file, dtype="int16")
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"{Path(path).name}: cannot be read as a sound: {error}") from None
    return (sixteen_bits / SIXTEEN_BITS).astype(np.float32)
