"""The keyboard of an instrument whose notes differ with the velocity of the key, as SING's do.

What is made ready is a pitch with a velocity, so that a key starts at once however it is struck; it counts
as ready when it is for every velocity. Five heads a key take longer than one: those near the last-played
pitch come first, and those of the last velocity are a little ahead.
"""

from collections import Counter
from itertools import product

from pdbridge.instruments.keyboard import Keyboard
from pdbridge.instruments.voices import Note

PIANO = range(21, 109)  # the pitches of NSynth, which SING was trained with; others are made when pressed
VELOCITY_STEP = 2  # semitones that a velocity beside the last one is put back


class StruckKeyboard(Keyboard):
    """Plays notes of a model with velocities on the voices of a host.

    Its `timbre` is a `pdbridge.sing.sound.Sound`, whose velocity counts for nothing.

    Parameters
    ----------
    host : pdbridge.hosts.host.Host
    """

    def __init__(self, host):
        super().__init__(host)
        self._last_velocity = 100  # of a key on the screen

    @property
    def ready(self):
        """How many keys start at once, whatever the velocity."""
        velocities = Counter(pitch for pitch, _ in self._ready if pitch in PIANO)
        return sum(count == len(self._velocities) for count in velocities.values())

    @property
    def keys(self):
        """How many keys get ready; 0 without a model."""
        return len(self._pitches) if self.worker else 0

    @property
    def _pitches(self):
        return [pitch for pitch in self.worker.description["pitches"] if pitch in PIANO]

    @property
    def _velocities(self):
        return self.worker.description["velocities"] if self.worker else ()

    def _key(self, note):
        return note.pitch, note.velocity

    def _all_keys(self):
        return product(self._pitches, self._velocities)

    def _distance(self, key):
        pitch, velocity = key
        steps = self._velocities.index(velocity) - self._velocities.index(self._last_velocity)
        return abs(pitch - self._last_pitch) + VELOCITY_STEP * abs(steps)

    def _note_of(self, key):
        pitch, velocity = key
        return self.timbre.struck(velocity), pitch

    def _made_ready(self, key):
        pitch, _ = key
        if pitch in PIANO and all((pitch, velocity) in self._ready for velocity in self._velocities):
            super()._made_ready(pitch)

    def set_model(self, worker):
        velocities = worker.description["velocities"] if worker else ()
        if self._last_velocity not in velocities:
            self._last_velocity = velocities[-1] if velocities else 100
        super().set_model(worker)

    def note_on(self, pitch, velocity):
        """Play a note; the velocity is one of the model's."""
        self._last_pitch, self._last_velocity = pitch, velocity
        self._play(Note(pitch, velocity))
