"""A SING for tests of everything around models: exact sines, whose pitch and level say what was asked.

An instrument's number transposes by a tenth of it in semitones, also in between (of a blend); the velocity is
the level, in 200ths. Instrument 66 kills the process at a head, 67 at a tail; each head of 68 takes 0.1 s. What
the file is called does more: "nameless" has no names, "narrow" has fewer instruments, and high pitches, "broken" cannot
be loaded.
"""

import os
import signal
import time

import numpy as np

from pdbridge.errors import CheckpointError, PitchError

SAMPLE_RATE = 16000
COUNT = 100
NAMES = {f"{family}_acoustic_{number:03d}": 10 * place + number
         for place, family in enumerate(("vocal", "flute", "synth_lead", "bass")) for number in range(9)}
NAMES["bass_synthetic_033"] = 66
NAMES["bass_synthetic_034"] = 67


class FakeSING:
    pitches = tuple(range(45, 75))
    velocities = (25, 50, 75, 100, 127)
    instruments = dict(sorted(NAMES.items(), key=lambda item: item[1]))
    instrument_count = COUNT
    sample_rate = SAMPLE_RATE
    note_length = 64000
    head_length = 5632

    def __init__(self, kind):
        if kind == "nameless.th":
            self.instruments = {}
        if kind == "narrow.th":
            self.pitches, self.instrument_count = tuple(range(100, 120)), 20
            self.instruments = {name: number for name, number in NAMES.items() if number < 20}

    def warm_up(self):
        pass

    def head(self, sound, pitch):
        self._check(sound, pitch)
        if sound.first == 66:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.1 * (sound.first == 68))
        return note(sound, pitch)[:self.head_length], (sound, pitch)

    def head_in_pieces(self, sound, pitch):
        yield None
        yield self.head(sound, pitch)

    def tail(self, sound, pitch, state):
        assert state == (sound, pitch)
        whole = note(sound, pitch)
        for start in range(self.head_length, self.note_length, 7680):
            if sound.first == 67:
                os.kill(os.getpid(), signal.SIGKILL)
            yield whole[start:start + 7680]

    def _check(self, sound, pitch):
        assert sound.velocity in self.velocities
        if pitch not in self.pitches:
            raise PitchError(f"no pitch {pitch}")


def note(sound, pitch):
    """float32 [64000] at 16 kHz."""
    time_s = np.arange(FakeSING.note_length) / SAMPLE_RATE
    return (sound.velocity / 200 * np.sin(2 * np.pi * hertz(sound, pitch) * time_s)).astype(np.float32)


def hertz(sound, pitch):
    number = sound.first
    if sound.second is not None:
        number += sound.amount * (sound.second - sound.first)
    return 440 * 2 ** ((pitch + number / 10 - 69) / 12)


def load(path):
    if "broken" in path:
        raise CheckpointError(f"{path} is no SING checkpoint")
    return FakeSING(os.path.basename(path))
