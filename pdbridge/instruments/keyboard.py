"""The keyboard: ready keys, heads and voices of an instrument that renders notes.

A note is made head first (its first third of a second), so that it can start at once, and its rest
is appended while it sounds. The heads of all pitches of the current timbre are made in advance, the
ones near the last-played first. Voices are arrays of the host; the patch reads them.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field

import numpy as np

from pdbridge.audio import Resampler
from pdbridge.errors import PdbridgeError
from pdbridge.jobs import PRESSED, SOON, SOUNDING

HIGHEST_RATE = 48000  # Hz: the notes hold nothing above 8 kHz, more would only cost time
FADE_MS = 10.0  # of a voice that is stolen, and of one whose rest does not come
LEAD = 1.5  # s of sound that a voice has ahead before other work comes first
GUARD = 4  # samples around a note that tabread4~ looks at
MOST_PENDING = 64  # keys pressed that do not sound yet
MOST_TRIES = 3  # times a key is rendered in the background before it is left to be pressed


@dataclass
class Head:
    """The first third of a second of a note, ready to play.

    Attributes
    ----------
    samples : float32 [head_length]
        At the model's rate.
    state : object
        Where the rest of the note begins.
    resampled : float32 [samples]
        At the voices' rate, as far as it is final.
    z : float32 [latent_size]
    worker : pdbridge.jobs.Worker
        Who made it, and makes the rest.
    """

    samples: np.ndarray
    state: object
    resampled: np.ndarray
    z: np.ndarray
    worker: object


@dataclass
class Voice:
    """One array that plays one note at a time.

    Attributes
    ----------
    started, promised, ends : float
        Loop time the note began (s), how long the sound in the array lasts from there (s), and loop
        time from which the voice is silent (s).
    fading : bool
        Released or stopped: it counts no more as held.
    """

    number: int
    array: str
    started: float = 0.0
    promised: float = 0.0
    ends: float = 0.0
    fading: bool = False
    stopped: bool = False
    note: object = None


@dataclass
class Note:
    """A key from note-on to the end of its sound."""

    pitch: int
    velocity: int
    held: bool = True
    sustained: bool = False
    voice: Voice = None
    task: asyncio.Task = field(default=None, repr=False)


class Keyboard:
    """Plays notes of a model on the voices of a host.

    Parameters
    ----------
    host : pdbridge.hosts.host.Host
    """

    def __init__(self, host):
        self.host = host
        self.worker = None
        self.z = None
        self.release_ms = 300.0
        self.rate = HIGHEST_RATE
        self.polyphony = 0
        self.voices = []
        self._voice_length = 0  # samples of a note that fit
        self._loop = asyncio.get_running_loop()
        self._notes = []  # pressed or sounding
        self._pedal = False
        self._ready = {}  # pitch -> Head
        self._making = {}  # pitch -> (Job, Task)
        self._last_pitch = 60
        self._filling = None

    # Model, timbre, voices

    def set_model(self, worker):
        """Play notes of this worker's model; None for none. Notes that sound go on if they can."""
        self.worker = worker
        self._forget_heads()

    def set_timbre(self, z):
        """Play this timbre, float32 [latent_size], from the next note on."""
        self.z = z
        self._forget_heads()

    async def set_voices(self, prefix, count, sample_rate, polyphony):
        """Use the host's arrays ``<prefix>1..<prefix>count`` as voices; returns the notes' rate."""
        self.panic()
        rate = min(sample_rate, HIGHEST_RATE)
        length = self._note_samples(rate)
        for number in range(1, count + 1):
            await self.host.prepare(f"{prefix}{number}", length + GUARD)
        self.panic()  # notes that came in the meantime
        self.voices = [Voice(n, f"{prefix}{n}") for n in range(1, count + 1)]
        self.polyphony = polyphony
        self.rate = rate
        self._voice_length = length
        self._forget_heads()
        return rate

    def take_voices_back(self):
        """Have no voices any more."""
        self.panic()
        self.voices = []
        self._forget_heads()

    def _note_samples(self, rate):
        if not self.worker:
            return int(4 * rate)
        description = self.worker.description
        return int(np.ceil(description["note_length"] * rate / description["sample_rate"]))

    @property
    def notes_fit_voices(self):
        """False when the model's notes are longer than those the voices were made for."""
        return not self.voices or self._note_samples(self.rate) <= self._voice_length

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
        wanted = {note.pitch for note in self._notes if note.voice is None}
        for pitch, (_, task) in self._making.items():
            if pitch not in wanted:
                task.cancel()
        self._making = {}
        if self.worker and self.z is not None and self.voices:
            self.host.out("ready", 0, self.keys, -1)
            self._filling = self._loop.create_task(self._fill())

    async def _fill(self):
        """Make the heads of all pitches, always the one nearest to the last-played next.

        A key that failed comes again behind the others; a timbre of which `MOST_TRIES` keys fail
        in a row is left to pressed keys, since each may have cost a worker.
        """
        tries = dict.fromkeys(self.worker.description["pitches"], 0)
        failures = 0
        while True:
            missing = [p for p in tries if p not in self._ready and tries[p] < MOST_TRIES]
            if not missing:
                return
            pitch = min(missing, key=lambda p: (tries[p], abs(p - self._last_pitch), p))
            tries[pitch] += 1
            try:
                await self._head(pitch, SOON)
                failures = 0
            except PdbridgeError as error:
                failures += 1
                if failures == MOST_TRIES:
                    self.host.fail("ready", f"the keys cannot be made ready: {error}")
                    return

    async def _head(self, pitch, priority):
        """The head of a pitch for the current timbre, from the store or rendered now."""
        if pitch in self._ready:
            return self._ready[pitch]
        job, task = self._making.get(pitch, (None, None))
        if task is None or task.done():
            pieces = priority != PRESSED  # a key that is not down yet lets others go first
            job = self.worker.submit("head_in_pieces" if pieces else "head", self.z, pitch,
                                     priority=priority, pieces=pieces)
            task = self._loop.create_task(self._make(self.worker, job, pitch, self.z))
            task.add_done_callback(_looked_at)
            self._making[pitch] = (job, task)
        else:
            self.worker.hurry(job, priority)
        return await asyncio.shield(task)

    async def _make(self, worker, job, pitch, z):
        rate = self.rate
        samples, state = await worker.result(job)
        resampler = self._resampler(worker, rate)
        head = Head(samples, state, resampler.push(samples), z, worker)
        if worker is self.worker and z is self.z and rate == self.rate:
            self._ready[pitch] = head
            self._making.pop(pitch, None)
            self.host.out("ready", len(self._ready), self.keys, pitch)
        return head

    @staticmethod
    def _resampler(worker, rate):
        return Resampler(worker.description["sample_rate"], rate)

    # Notes

    def note_on(self, pitch, velocity):
        """Play a note: at once when its key is ready, else as soon as its head is made."""
        self._last_pitch = pitch
        note = Note(pitch, velocity)
        head = self._ready.get(pitch)
        if head and self._start(note, head):
            self._notes.append(note)
            note.task = self._loop.create_task(self._continue(note, head))
            return
        if sum(n.voice is None for n in self._notes) >= MOST_PENDING:
            raise PdbridgeError(f"{MOST_PENDING} keys wait for their sound already")
        self._notes.append(note)
        note.task = self._loop.create_task(self._render(note))

    async def _render(self, note):
        """From a key that is not ready (or has no free voice yet) to the end of its sound."""
        try:
            head = await self._head(note.pitch, PRESSED)
            while not self._start(note, head):
                await asyncio.sleep(0.001)
        except PdbridgeError as error:
            self.host.fail("note_on", error)
            self._end(note)
            return
        except asyncio.CancelledError:
            self._end(note)
            raise
        await self._continue(note, head)

    def _start(self, note, head):
        """Give the note a voice and let it sound; False when every voice is still fading out."""
        voice = self._free_voice()
        if voice is None:
            return False
        first = head.resampled[:self.host.slice_length]
        if not self.host.write_now(voice.array, 1, first):
            return False
        voice.note, note.voice = note, voice
        voice.started = self._loop.time()
        voice.fading = voice.stopped = False
        self._promise(voice, len(first))
        milliseconds = voice.promised * 1000
        self.host.out("play", voice.number, note.pitch, note.velocity, milliseconds)
        if not note.held and not note.sustained:
            self._release(note)  # let go of before it could sound
        return True

    def _promise(self, voice, samples):
        voice.promised = samples / self.rate
        if not voice.fading:
            voice.ends = voice.started + voice.promised

    def _free_voice(self):
        now = self._loop.time()
        sounding = [v for v in self.voices if v.ends > now and not v.stopped]
        if len(sounding) >= self.polyphony:
            self._stop(min(sounding, key=lambda v: (not v.fading, v.started)))
        silent = [v for v in self.voices if v.ends <= now]
        return min(silent, key=lambda v: v.ends, default=None)

    async def _continue(self, note, head):
        """Append the rest of the note to its voice while it sounds."""
        voice = note.voice
        try:
            sent = min(len(head.resampled), self.host.slice_length)
            sent = await self._append(note, sent, head.resampled[sent:])
            if not self._wanted(note):
                return
            resampler = self._resampler(head.worker, self.rate)
            resampler.push(head.samples)  # brings the filter to where the head ended
            rest = head.worker.stream("tail", head.z, note.pitch, head.state, priority=SOUNDING,
                                      deadline=lambda: voice.started + voice.promised)
            async with contextlib.aclosing(rest):
                async for samples in rest:
                    sent = await self._append(note, sent, resampler.push(samples))
                    ahead = voice.started + voice.promised - self._loop.time()
                    await asyncio.sleep(max(0.0, ahead - LEAD))
                    if not self._wanted(note):
                        return
            empty = np.zeros(0, np.float32)
            await self._append(note, sent, resampler.push(empty, last=True))
            await asyncio.sleep(max(0.0, voice.ends - self._loop.time()))
        except PdbridgeError as error:
            self.host.fail("note_on", error)
        finally:
            self._end(note)

    async def _append(self, note, sent, samples):
        """Send samples to the note's voice behind the `sent` ones; the new count of sent ones."""
        voice = note.voice
        for start in range(0, len(samples), self.host.slice_length):
            if not self._wanted(note):
                break
            piece = samples[start:start + self.host.slice_length]
            # a voice may go to another note while this one's slice waits for its turn
            await self.host.write_slice(voice.array, 1 + sent, piece,
                                        voice.started + voice.promised,
                                        wanted=lambda: self._wanted(note))
            if not self._wanted(note):
                break
            if self._loop.time() > voice.started + voice.promised - FADE_MS / 1000:
                self._late(note)
                break
            sent += len(piece)
            self._promise(voice, sent)
            self.host.out("extend", voice.number, voice.promised * 1000)
        return sent

    def _late(self, note):
        """The voice has faded out by itself, because the rest of its note was not there in time."""
        note.voice.ends = self._loop.time() + FADE_MS / 1000
        note.voice.note = None
        self.host.server.counts["late"] += 1
        self.host.fail("note_on", f"the rest of note {note.pitch} came too late: the computer is "
                       "too busy (close other programs, or play fewer new keys at once)")

    def _wanted(self, note):
        """Whether more of the note will be heard."""
        voice = note.voice
        if voice.note is not note:
            return False  # stopped, and perhaps given to another note
        return not voice.fading or voice.started + voice.promised < voice.ends

    def _end(self, note):
        if note in self._notes:
            self._notes.remove(note)

    def note_off(self, pitch):
        """Release every voice that holds this pitch, or let the pedal hold it."""
        for note in self._notes:
            if note.pitch == pitch and note.held:
                note.held = False
                note.sustained = self._pedal
                if not self._pedal and note.voice:
                    self._release(note)

    def sustain(self, down):
        """Press or lift the sustain pedal."""
        self._pedal = down
        if not down:
            for note in self._notes:
                if note.sustained:
                    note.sustained = False
                    if note.voice:
                        self._release(note)

    def _release(self, note):
        voice = note.voice
        if voice.note is note and not voice.fading:
            voice.fading = True
            voice.ends = self._loop.time() + self.release_ms / 1000
            self.host.out("release", voice.number, self.release_ms)

    def _stop(self, voice):
        """Silence a voice within `FADE_MS`, for another note or for good."""
        voice.fading = voice.stopped = True
        voice.ends = self._loop.time() + FADE_MS / 1000
        voice.note = None
        self.host.out("stop", voice.number, FADE_MS)

    def panic(self):
        """Silence everything, and forget keys that wait for their sound."""
        now = self._loop.time()
        for note in list(self._notes):
            if note.task and note.voice is None:
                note.task.cancel()
                self._end(note)  # a task that has not begun yet would not do it
        for voice in self.voices:
            if voice.ends > now and not voice.stopped:
                self._stop(voice)
            voice.note = None  # also where the rest of a note is still to come
        self._pedal = False


def _looked_at(task):
    """Take note of a head's error: the key it was for may not be waited for any more."""
    if not task.cancelled():
        task.exception()
