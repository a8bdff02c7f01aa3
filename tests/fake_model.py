"""A model for tests of everything around models: quick, exact sines, and mishaps on demand.

Each note is a sine of 0.5 at its pitch. The first values of z ask for more: z[0] = 666 kills the
process at the next head, z[0] = 667 at the next tail; with z[0] = 668 a head takes z[1] seconds and
each slice of a tail z[2] seconds. A folder called "broken" cannot be loaded, "deadly" (or
with a file of this name in it) kills the process, "slow" takes a second.
"""

import os
import signal
import time

import numpy as np

from pdbridge.errors import CheckpointError, LatentError

SAMPLE_RATE = 16000


class FakeModel:
    pitches = tuple(range(24, 85))
    latent_size = 256
    sample_rate = SAMPLE_RATE
    note_length = 64000
    head_length = 5120

    def warm_up(self):
        pass

    def head(self, z, pitch):
        z = np.asarray(z)
        if z.shape != (256,):
            raise LatentError(f"z has {len(z)} values")
        if z[0] == 666:
            os.kill(os.getpid(), signal.SIGKILL)
        if z[0] == 668:
            time.sleep(float(z[1]))
        return sine(pitch)[:self.head_length], pitch

    def head_in_pieces(self, z, pitch):
        yield None
        yield self.head(z, pitch)

    def tail(self, z, pitch, state):
        assert state == pitch
        whole = sine(pitch)
        for start in range(self.head_length, self.note_length, 16384):
            if z[0] == 667:
                os.kill(os.getpid(), signal.SIGKILL)
            if z[0] == 668:
                time.sleep(float(z[2]))
            yield whole[start:start + 16384]


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
    return FakeModel()
