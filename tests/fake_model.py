"""A model for tests of everything around models: quick, exact sines, and mishaps on demand.

Each note is a sine of 0.5 at its pitch. The first values of z ask for more: z[0] = 666 kills the
process at the next head, z[0] = 667 at the next tail; with z[0] = 668 a head takes z[1] seconds and
each slice of a tail z[2] seconds; with z[0] = 669 the sine is z[1] semitones higher.

What a model's folder is called does more: "broken" cannot be loaded, "deadly" (or a file of this name
in it) kills the process, "slow" takes a second to load. Every head and slice of a "sluggish" model
takes 10 ms; a "tailless" one fails at tails; z[1] of a "telling" one adds tenths of a semitone; z's of
a "narrow" one have 128 values.

The z that matches a recording is the random one whose seed is the pitch; the distance is one less the
cosine. A recording of pitch 30 kills the process.

A file of components holds their number. The first amplitude multiplies the level by 1 + amplitude;
edits make it 0.1 + the first edit. The second of either transposes, in semitones. A file with "other"
in its name is for another model, as all are for a narrow one.
"""

import os
import signal
import time

import numpy as np

from pdbridge import latent
from pdbridge.errors import CheckpointError, ComponentsError, LatentError
from pdbridge.gansynth.timbre import Timbre

SAMPLE_RATE = 16000


class FakeModel:
    pitches = tuple(range(24, 85))
    latent_size = 256
    sample_rate = SAMPLE_RATE
    note_length = 64000
    head_length = 5120

    def __init__(self, kind="fake"):
        self.kind = kind
        if kind == "narrow":
            self.latent_size = 128

    def warm_up(self):
        pass

    def components(self, path):
        if self.kind == "narrow" or "other" in os.path.basename(path):
            raise ComponentsError(f"{path} is for another model")
        with open(path) as file:
            return {"layer": "conv0", "count": int(file.read()), "estimator": "ipca"}

    def components_in_pieces(self, path):
        yield None
        yield self.components(path)

    def head(self, timbre, pitch):
        z = self._z(timbre)
        if z.shape != (self.latent_size,):
            raise LatentError(f"z has {len(z)} values")
        if z[0] == 666:
            os.kill(os.getpid(), signal.SIGKILL)
        self._take_time(z[1] if z[0] == 668 else 0.0)
        return self._sounding(timbre, pitch)[:self.head_length], pitch

    def head_in_pieces(self, timbre, pitch):
        yield None
        yield self.head(timbre, pitch)

    def tail(self, timbre, pitch, state):
        assert state == pitch
        z = self._z(timbre)
        if self.kind == "tailless":
            raise LatentError("a tailless model renders no more than heads")
        whole = self._sounding(timbre, pitch)
        for start in range(self.head_length, self.note_length, 16384):
            if z[0] == 667:
                os.kill(os.getpid(), signal.SIGKILL)
            self._take_time(z[2] if z[0] == 668 else 0.0)
            yield whole[start:start + 16384]

    def match(self, recording, search):
        self._take_time(0)
        search.advance(FakeListener(recording))
        return search

    def _take_time(self, seconds):
        time.sleep(float(seconds) + 0.01 * (self.kind == "sluggish"))

    def _z(self, timbre):
        """The z of a timbre; zeros where it has none."""
        z = timbre.z if isinstance(timbre, Timbre) else timbre
        return np.zeros(self.latent_size, np.float32) if z is None else np.asarray(z)

    def _sounding(self, timbre, pitch):
        """The note of a timbre, float32 [note_length]."""
        z = self._z(timbre)
        pitch += float(z[1] if z[0] == 669 else z[1] / 10 if self.kind == "telling" else 0)
        if not isinstance(timbre, Timbre):
            return sine(pitch)
        edited = timbre.edits is not None
        level, transposed, *_ = [*(timbre.edits if edited else timbre.amplitudes), 0.0, 0.0]
        return sine(pitch + transposed) * np.float32(0.2 + 2 * level if edited else 1 + level)


class FakeListener:
    """Hears how near a z is to a recording, see above."""

    directions = np.eye(256)

    def __init__(self, recording):
        if recording.pitch == 30:
            os.kill(os.getpid(), signal.SIGKILL)
        self.pitch = recording.pitch

    def _direction(self, size):
        wanted = latent.random_z(1, size, seed=self.pitch)[0]
        return wanted / np.linalg.norm(wanted)

    def distance(self, z):
        return float(1 - z @ self._direction(len(z)) / np.linalg.norm(z))

    def gradient(self, z):
        return self.distance(z), -self._direction(len(z)) / np.linalg.norm(z)


def sine(pitch):
    time_s = np.arange(FakeModel.note_length) / SAMPLE_RATE
    return (0.5 * np.sin(2 * np.pi * frequency(pitch) * time_s)).astype(np.float32)


def frequency(pitch):
    return 440 * 2 ** ((pitch - 69) / 12)


def load(folder):
    if "deadly" in str(folder) or os.path.exists(os.path.join(folder, "deadly")):
        os.kill(os.getpid(), signal.SIGKILL)
    if "broken" in str(folder):
        raise CheckpointError(f"{folder} is not a checkpoint folder")
    if "slow" in str(folder):
        time.sleep(1.0)
    return FakeModel(os.path.basename(folder))
