"""The keyboard: ready keys and heads of an instrument that renders notes, played on voices.

A note is made head first (its first third of a second), so that it can start at once, and its rest
is appended while it sounds. The heads of all pitches of the current timbre are made in advance, the
ones near the last-played first.
"""

import asyncio
import contextlib
from dataclasses import dataclass

import numpy as np

from pdbridge.audio import Resampler
from pdbridge.errors import PdbridgeError
from pdbridge.instruments.voices import Note, Source, Voices
from pdbridge.jobs import ASKED, PRESSED, SOON, SOUNDING

MOST_TRIES = 3  # times a key is rendered in the background before it is left to be pressed


async def whole_note(worker, timbre, pitch, priority, needed=None):
    """Render a note from its head to its end, in pieces between which more urgent work has its turn.

    Parameters
    ----------
    worker : pdbridge.jobs.Worker
    timbre : float32 [latent_size], pdbridge.gansynth.timbre.Timbre or pdbridge.sing.sound.Sound
    pitch : int
    priority : int
        See `pdbridge.jobs`.
    needed : int or None
        Samples from the start that are enough; None: all.

    Returns
    -------
    float32 [note_length], or [needed or a little more]
        At the model's rate.
    """
    pieces = priority > ASKED  # nobody waits for it
    job = worker.submit("head_in_pieces" if pieces else "head", timbre, pitch, priority=priority,
                        pieces=pieces)
    head, state = await worker.result(job)
    pieces, count = [head], len(head)
    if needed is None or count < needed:
        tail = worker.stream("tail", timbre, pitch, state, priority=priority)
        async with contextlib.aclosing(tail):
            async for piece in tail:
                pieces.append(piece)
                count += len(piece)
                if needed is not None and count >= needed:
                    break
    return np.concatenate(pieces)


@dataclass
class Head(Source):
    """The first third of a second of a note, ready to play.

    Attributes
    ----------
    pitch : int
    samples : float32 [head_length]
        At the model's rate.
    state : object
        Where the rest of the note begins.
    first : float32 [samples]
        The samples at the voices' rate, as far as they are final.
    rate : float
        Of the voices, Hz.
    timbre : float32 [latent_size], Timbre or Sound
    worker : pdbridge.jobs.Worker
        Who made it, and makes the rest.
    """

    pitch: int
    samples: np.ndarray
    state: object
    first: np.ndarray
    rate: float
    timbre: object
    worker: object

    async def rest(self, deadline):
        resampler = _resampler(self.worker, self.rate)
        resampler.push(self.samples)  # brings the filter to where the head ended
        tail = self.worker.stream("tail", self.timbre, self.pitch, self.state, priority=SOUNDING,
                                  deadline=deadline)
        async with contextlib.aclosing(tail):
            async for samples in tail:
                yield resampler.push(samples)
        yield resampler.push(np.zeros(0, np.float32), last=True)


class Keyboard(Voices):
    """Plays notes of a model on the voices of a host.

    A key is what has a head of its own: here a pitch.

    Parameters
    ----------
    host : pdbridge.hosts.host.Host
    """

    def __init__(self, host):
        super().__init__(host)
        self.worker = None
        self.timbre = None  # float32 [latent_size], Timbre or Sound
        self._ready = {}  # key -> Head
        self._making = {}  # key -> (Job, Task)
        self._last_pitch = 60
        self._filling = None

    # Model, timbre, voices

    def set_model(self, worker):
        """Play notes of this worker's model; None for none. Notes that sound go on if they can."""
        self.worker = worker
        self._forget_heads()

    def set_timbre(self, timbre):
        """Play this timbre from the next note on."""
        self.timbre = timbre
        self._forget_heads()

    def note_samples(self, rate):
        if not self.worker:
            return super().note_samples(rate)
        description = self.worker.description
        return int(np.ceil(description["note_length"] * rate / description["sample_rate"]))

    async def set_voices(self, prefix, count, sample_rate, polyphony):
        rate = await super().set_voices(prefix, count, sample_rate, polyphony)
        self._forget_heads()
        return rate

    def take_voices_back(self):
        super().take_voices_back()
        self._forget_heads()

    @property
    def ready(self):
        """How many keys start at once."""
        return len(self._ready)

    @property
    def keys(self):
        """How many keys the model has; 0 without a model."""
        return len(self.worker.description["pitches"]) if self.worker else 0

    def close(self):
        """Stop everything."""
        self.panic()
        self.worker = None
        self._forget_heads()

    # Heads in advance

    def _forget_heads(self):
        """Throw away what is ready for another timbre, and begin to make what is wanted now."""
        if self._filling:
            self._filling.cancel()
            self._filling = None
        self._ready = {}
        wanted = {self._key(note) for note in self._notes if note.voice is None}
        for key, (_, task) in self._making.items():
            if key not in wanted:
                task.cancel()
        self._making = {}
        if self.worker and self.timbre is not None and self.voices:
            self.host.out("ready", 0, self.keys, -1)
            self._filling = self._loop.create_task(self._fill())

    # What a key is; other instruments have others

    def _key(self, note):
        """The key of a note."""
        return note.pitch

    def _all_keys(self):
        """Every key of the model."""
        return self.worker.description["pitches"]

    def _distance(self, key):
        """How far a key is from the last-played one."""
        return abs(key - self._last_pitch)

    def _note_of(self, key):
        """Timbre and pitch of a key, as the model takes them."""
        return self.timbre, key

    def _made_ready(self, key):
        """Tell the host that a key starts at once now."""
        self.host.out("ready", self.ready, self.keys, key)

    async def _fill(self):
        """Make the heads of all keys, always the one nearest to the last-played next.

        A key that failed comes again behind the others; a timbre of which `MOST_TRIES` keys fail
        in a row is left to pressed keys, since each may have cost a worker.
        """
        tries = dict.fromkeys(self._all_keys(), 0)
        failures = 0
        while True:
            missing = [key for key in tries if key not in self._ready and tries[key] < MOST_TRIES]
            if not missing:
                return
            key = min(missing, key=lambda key: (tries[key], self._distance(key), key))
            tries[key] += 1
            try:
                await self._head(key, SOON)
                failures = 0
            except PdbridgeError as error:
                failures += 1
                if failures == MOST_TRIES:
                    self.host.fail("ready", f"the keys cannot be made ready: {error}")
                    return

    async def _head(self, key, priority):
        """The head of a key for the current timbre, from the store or rendered now."""
        if key in self._ready:
            return self._ready[key]
        job, task = self._making.get(key, (None, None))
        if task is None or task.done():
            pieces = priority != PRESSED  # a key that is not down yet lets others go first
            timbre, pitch = self._note_of(key)
            job = self.worker.submit("head_in_pieces" if pieces else "head", timbre, pitch,
                                     priority=priority, pieces=pieces)
            task = self._loop.create_task(
                self._make(self.worker, job, key, timbre, pitch, self.timbre))
            task.add_done_callback(_looked_at)
            self._making[key] = (job, task)
        else:
            self.worker.hurry(job, priority)
        return await asyncio.shield(task)

    async def _make(self, worker, job, key, timbre, pitch, made_for):
        rate = self.rate
        samples, state = await worker.result(job)
        head = Head(pitch, samples, state, _resampler(worker, rate).push(samples), rate, timbre, worker)
        if worker is self.worker and made_for is self.timbre and rate == self.rate:
            self._ready[key] = head
            self._making.pop(key, None)
            self._made_ready(key)
        return head

    # Notes

    def note_on(self, pitch, velocity):
        """Play a note: at once when its key is ready, else as soon as its head is made."""
        self._last_pitch = pitch
        self._play(Note(pitch, velocity))

    def _play(self, note):
        key = self._key(note)
        self.play(note, self._ready.get(key), lambda: self._head(key, PRESSED))


def _resampler(worker, rate):
    return Resampler(worker.description["sample_rate"], rate)


def _looked_at(task):
    """Take note of a head's error: the key it was for may not be waited for any more."""
    if not task.cancelled():
        task.exception()
