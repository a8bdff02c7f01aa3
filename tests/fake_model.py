"""A model for tests of everything around models: quick, exact sines, and mishaps on demand.

Each note is a sine of 0.5 at its pitch. The first values of z ask for more: z[0] = 666 kills the
process at the next head, z[0] = 667 at the next tail; with z[0] = 668 a head takes z[1] seconds and
each slice of a tail z[2] seconds. A folder called "broken" cannot be loaded, "deadly" (or
with a file of this name in it) kills the process, "slow" takes a second.

A file of components holds their number. The first amplitude multiplies the level by 1 + amplitude;
edits make it 0.1 + the first edit. The second of either transposes, in semitones. A file with "other"
in its name is for another model; a folder with "other" in its name has z's of 128 values.
"""

import os
import signal
import time

import numpy as np

from pdbridge.errors import CheckpointError, ComponentsError, LatentError
from pdbridge.gansynth.timbre import Timbre

SAMPLE_RATE = 16000


class FakeModel:
    pitches = tuple(range(24, 85))
    latent_size = 256
    sample_rate = SAMPLE_RATE
    note_length = 64000
    head_length = 5120

    def warm_up(self):
        pass

    def components(self, path):
        if self.latent_size != FakeModel.latent_size or "other" in os.path.basename(path):
            raise ComponentsError(f"{path} is for another model")
        with open(path) as file:
            return {"layer": "conv0", "count": int(file.read()), "estimator": "ipca"}

    def components_in_pieces(self, path):
        yield None
        yield self.components(path)

    def head(self, timbre, pitch):
        z = np.asarray(self._z(timbre))
        if z.shape != (self.latent_size,):
            raise LatentError(f"z has {len(z)} values")
        if z[0] == 666:
            os.kill(os.getpid(), signal.SIGKILL)
        if z[0] == 668:
            time.sleep(float(z[1]))
        return sounding(timbre, pitch)[:self.head_length], pitch

    def head_in_pieces(self, timbre, pitch):
        yield None
        yield self.head(timbre, pitch)

    def tail(self, timbre, pitch, state):
        assert state == pitch
        z = self._z(timbre)
        whole = sounding(timbre, pitch)
        for start in range(self.head_length, self.note_length, 16384):
            if z[0] == 667:
                os.kill(os.getpid(), signal.SIGKILL)
            if z[0] == 668:
                time.sleep(float(z[2]))
            yield whole[start:start + 16384]

    def _z(self, timbre):
        """The z of a timbre; zeros where it has none."""
        z = timbre.z if isinstance(timbre, Timbre) else timbre
        return np.zeros(self.latent_size, np.float32) if z is None else z


def sounding(timbre, pitch):
    """The note of a timbre, float32 [note_length]."""
    if not isinstance(timbre, Timbre):
        return sine(pitch)
    edited = timbre.edits is not None
    level, transposed, *_ = [*(timbre.edits if edited else timbre.amplitudes), 0.0, 0.0]
    return sine(pitch + transposed) * np.float32(0.2 + 2 * level if edited else 1 + level)


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
    model = FakeModel()
    if "other" in os.path.basename(folder):
        model.latent_size = 128
    return model
