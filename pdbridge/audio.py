"""Sound in arrays: WAV files, resampling, envelopes and mixing.

Everywhere in pdbridge a sound is a float32 array of samples in -1..1, one channel: ``[samples]``.
Pure functions of arrays, like the ``core`` of Magenta's DDSP; only `Resampler` keeps a state,
because a note that is still being rendered comes in slices.

`soundfile` and `soxr` are imported inside the functions: the two libraries cost more time to load
(90 to 170 ms) than the server has to spare before its first answer.
"""

import io
from pathlib import Path

import numpy as np

from pdbridge.errors import AudioError
from pdbridge.files import written_whole

#: soxr's 20-bit setting: images and aliases are below -120 dB, and a slice is only 14 ms late.
#: "VHQ" is no quieter where it can be heard, but holds back 45 ms of a note (measured, 16 to 48 kHz).
RESAMPLING_QUALITY = "HQ"


#: Values of all channels together that `read_wav` takes of a file of which only the beginning is wanted.
LARGEST_BEGINNING = 1 << 26


def read_wav(path, longest_s=None):
    """Read a sound file (WAV, FLAC, AIFF, OGG) as one channel.

    Parameters
    ----------
    path : str or Path
        The file; channels are averaged.
    longest_s : float, optional
        Only its beginning, so many seconds; of a file with very many channels less, see `LARGEST_BEGINNING`.

    Returns
    -------
    samples : float32 array [samples]
    sample_rate : int
        In Hz.

    Raises
    ------
    AudioError
        When the file is missing or is not a sound.
    """
    import soundfile

    if not Path(path).is_file():
        raise AudioError(f"there is no sound file {path}")
    try:
        with open(path, "rb") as file:  # libsndfile itself takes no name that is not in UTF-8
            with soundfile.SoundFile(file) as sound:
                sample_rate, most = sound.samplerate, -1
                if longest_s is not None:
                    most = min(round(longest_s * sample_rate), LARGEST_BEGINNING // sound.channels)
                frames = sound.read(most, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path} cannot be read as a sound: {error.error_string}") from None
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"{path} cannot be read as a sound: {error}") from None
    return np.ascontiguousarray(frames.mean(axis=1, dtype=np.float32)), sample_rate


def read_sound(path, sample_rate):
    """Read a sound file as one channel at a given rate.

    Parameters
    ----------
    path : str or Path
        WAV, FLAC, AIFF or OGG, of any rate; channels are averaged.
    sample_rate : int
        In Hz, of what is returned.

    Returns
    -------
    float32 array [samples]

    Raises
    ------
    AudioError
        When the file is missing or is not a sound.
    """
    samples, from_rate = read_wav(path)
    return resample(samples, from_rate, sample_rate)


def write_wav(path, samples, sample_rate):
    """Write a float32 WAV; whoever reads `path` sees the old file or the whole new one.

    Parameters
    ----------
    path : str or Path
        Overwritten when it exists. Its folder must exist.
    samples : array [samples] or [samples, channels]
        In -1..1; louder samples are kept, since a float file holds them.
    sample_rate : int
        In Hz.

    Raises
    ------
    PdbridgeError
        When the folder is missing or cannot be written.
    """
    import soundfile

    packed = io.BytesIO()  # libsndfile would call a full disk a system error
    try:
        soundfile.write(packed, np.asarray(samples, dtype=np.float32), int(sample_rate), format="WAV",
                        subtype="FLOAT")
    except soundfile.SoundFileError as error:
        raise AudioError(f"{path} cannot be written: {error}") from None
    with written_whole(path) as temporary:
        temporary.write_bytes(packed.getbuffer())


def resample(samples, from_rate, to_rate):
    """The same sound at another rate, band-limited.

    Parameters
    ----------
    samples : array [samples]
    from_rate, to_rate : float
        In Hz.

    Returns
    -------
    float32 array [about samples * to_rate / from_rate]
    """
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    if from_rate == to_rate or not samples.size:
        return samples.copy()
    import soxr

    return soxr.resample(samples, from_rate, to_rate, quality=RESAMPLING_QUALITY)


class Resampler:
    """Resample a sound that comes in slices.

    What `push` returns, joined, is what `resample` makes of the whole sound. A slice comes out a
    little short (14 ms from 16 to 48 kHz: the filter looks ahead); the last one brings the rest.
    After the last slice the same object takes the next sound.

    Parameters
    ----------
    from_rate, to_rate : float
        In Hz.
    """

    def __init__(self, from_rate, to_rate):
        self.from_rate, self.to_rate = from_rate, to_rate
        self._stream = None
        if from_rate != to_rate:
            import soxr

            self._stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32",
                                               quality=RESAMPLING_QUALITY)

    def push(self, samples, last=False):
        """Take the next slice and give what can be given.

        Parameters
        ----------
        samples : array [samples]
            May be empty.
        last : bool
            True for the last slice of the sound.

        Returns
        -------
        float32 array [samples]
            May be empty.
        """
        samples = np.ascontiguousarray(samples, dtype=np.float32)
        if self._stream is None:
            return samples.copy()
        resampled = self._stream.resample_chunk(samples, last=last)
        if last:
            self._stream.clear()
        return resampled


def envelope(samples, sample_rate, hold_ms, attack_ms=2.0, release_ms=300.0):
    """A note as a voice of the patch plays it: straight fade in, hold, straight fade out.

    Parameters
    ----------
    samples : array [samples]
    sample_rate : float
        In Hz.
    hold_ms : float
        From the start of the note to its note-off.
    attack_ms, release_ms : float
        Lengths of the two fades.

    Returns
    -------
    float32 array [samples]
        Not longer than hold and release. A sound that ends earlier fades out over its last 10 ms.
    """
    samples = np.asarray(samples, dtype=np.float32)
    count = min(len(samples), round((hold_ms + release_ms) * sample_rate / 1000))
    time_ms = np.arange(count) * (1000 / sample_rate)
    gain = np.minimum(time_ms / max(attack_ms, 1e-3), 1)
    gain *= np.clip((hold_ms + release_ms - time_ms) / max(release_ms, 1e-3), 0, 1)
    gain *= np.clip((count * 1000 / sample_rate - time_ms) / 10, 0, 1)
    return (samples[:count] * gain).astype(np.float32)


def mix(sounds, sample_rate):
    """Add sounds, each at its own time.

    Parameters
    ----------
    sounds : iterable of (start_s, array [samples])
        `start_s` counts from the start of the mix, in seconds.
    sample_rate : float
        In Hz.

    Returns
    -------
    float32 array [samples]
        Just long enough for all of them.
    """
    placed = [(round(start_s * sample_rate), np.asarray(samples)) for start_s, samples in sounds]
    mixed = np.zeros(max((start + len(samples) for start, samples in placed), default=0), np.float32)
    for start, samples in placed:
        mixed[start:start + len(samples)] += samples
    return mixed


def decibels(gain):
    """A gain as decibels, -inf for 0."""
    return 20 * float(np.log10(gain)) if gain > 0 else float("-inf")
