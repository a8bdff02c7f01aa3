"""Voices: arrays of the host that play one note each, and which note gets which.

A note starts with the samples that are there, and the rest is appended slice by slice while it
sounds. The patch reads the arrays; it is told how long the sound in them lasts so far, and fades a
voice out by itself when more does not come in time. Which voice is stolen for one note too many,
what the sustain pedal holds, and that there are more voices than may sound at once (so that a
stolen one fades out while the next one sounds) is as in the synthesizers that musicians know.
"""

import abc
import asyncio
import contextlib
import math
from dataclasses import dataclass, field

from pdbridge.errors import PdbridgeError

HIGHEST_RATE = 48000  # Hz: the notes hold nothing above 8 kHz, more would only cost time
FADE_MS = 10.0  # of a voice that is stolen, and of one whose rest does not come
LEAD = 1.5  # s of sound that a voice has ahead before other work comes first
GUARD = 4  # samples around a note that tabread4~ looks at
MOST_PENDING = 64  # keys pressed that do not sound yet


class Source(abc.ABC):
    """Where the samples of one note come from, at the voices' rate.

    Attributes
    ----------
    first : float32 [samples]
        The beginning of the note, which is there at once.
    repeat : (int, int) or None
        Start and length, in samples, of what repeats for as long as the note is held; known when
        `rest` has ended. The samples themselves lead from its end back to its start.
    """

    repeat = None

    @abc.abstractmethod
    def rest(self, deadline):
        """Iterate (asynchronously) over what follows, float32 [samples] each.

        `deadline` is a function that says until when (loop time, s) more is needed.
        """


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
    repeats: bool = False
    voice: Voice = None
    task: asyncio.Task = field(default=None, repr=False)


class Voices:
    """Plays notes on arrays of a host.

    Parameters
    ----------
    host : pdbridge.hosts.host.Host

    Attributes
    ----------
    voices : list of Voice
    rate : float
        Of the samples in the voices, Hz.
    polyphony : int
        How many may sound at once.
    release_ms : float
        Of the notes that are released from now on.
    """

    def __init__(self, host):
        self.host = host
        self.release_ms = 300.0
        self.rate = HIGHEST_RATE
        self.polyphony = 0
        self.voices = []
        self._voice_length = 0  # samples of a note that fit
        self._loop = asyncio.get_running_loop()
        self._notes = []  # pressed or sounding
        self._pedal = False

    # Voices

    def note_samples(self, rate):
        """How many samples the longest note takes at a rate (Hz)."""
        return int(4 * rate)

    async def set_voices(self, prefix, count, sample_rate, polyphony):
        """Use the host's arrays ``<prefix>1..<prefix>count`` as voices; returns the notes' rate."""
        self.panic()
        rate = min(sample_rate, HIGHEST_RATE)
        length = self.note_samples(rate)
        for number in range(1, count + 1):
            await self.host.prepare(f"{prefix}{number}", length + GUARD)
        self.panic()  # notes that came in the meantime
        self.voices = [Voice(n, f"{prefix}{n}") for n in range(1, count + 1)]
        self.polyphony = polyphony
        self.rate = rate
        self._voice_length = length
        return rate

    def take_voices_back(self):
        """Have no voices any more."""
        self.panic()
        self.voices = []

    async def fit_voices(self):
        """Make the voices longer where notes have got longer; what sounds goes on."""
        length, voices = self.note_samples(self.rate), self.voices
        if voices and length > self._voice_length:
            for voice in voices:
                await self.host.prepare(voice.array, length + GUARD)
            if self.voices is voices:
                self._voice_length = length

    @property
    def notes_fit_voices(self):
        """False when notes are longer than those the voices were made for."""
        return not self.voices or self.note_samples(self.rate) <= self._voice_length

    # Notes

    def play(self, note, source=None, make=None):
        """Play a note: at once from its source, or as soon as it is made.

        Parameters
        ----------
        note : Note
        source : Source or None
            None while its beginning is not there yet.
        make : coroutine function or None
            Gives the source when that was None.

        Raises
        ------
        PdbridgeError
            Too many notes wait already.
        """
        if source and self._start(note, source):
            self._notes.append(note)
            note.task = self._loop.create_task(self._continue(note, source))
            return
        if sum(n.voice is None for n in self._notes) >= MOST_PENDING:
            raise PdbridgeError(f"{MOST_PENDING} keys wait for their sound already")
        self._notes.append(note)
        note.task = self._loop.create_task(self._wait(note, source, make))

    async def _wait(self, note, source, make):
        """From a key that is not ready (or has no free voice yet) to the end of its sound."""
        try:
            source = source or await make()
            while not self._start(note, source):
                await asyncio.sleep(0.001)
        except PdbridgeError as error:
            self.host.fail("note_on", error)
            self._end(note)
            return
        except BaseException:
            self._end(note)
            raise
        await self._continue(note, source)

    def _start(self, note, source):
        """Give the note a voice and let it sound; False when every voice is still fading out."""
        voice = self._free_voice()
        if voice is None:
            return False
        first = source.first[:self.host.slice_length]
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

    async def _continue(self, note, source):
        """Append the rest of the note to its voice while it sounds."""
        voice = note.voice
        try:
            sent = min(len(source.first), self.host.slice_length)
            sent = await self._append(note, sent, source.first[sent:])
            if not self._wanted(note):
                return
            rest = source.rest(lambda: voice.started + voice.promised)
            async with contextlib.aclosing(rest):
                async for samples in rest:
                    sent = await self._append(note, sent, samples)
                    ahead = voice.started + voice.promised - self._loop.time()
                    await asyncio.sleep(max(0.0, ahead - LEAD))
                    if not self._wanted(note):
                        return
            if source.repeat:
                self._repeat(note, *source.repeat)
            else:
                await asyncio.sleep(max(0.0, voice.ends - self._loop.time()))
        except PdbridgeError as error:
            self.host.fail("note_on", error)
        finally:
            if not note.repeats:  # else it lasts until it is let go
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

    def _repeat(self, note, start, length):
        """The sound of the note goes from its end back to `start` (samples), until it is let go."""
        voice = note.voice
        voice.promised = math.inf
        if not voice.fading:
            voice.ends = math.inf
            note.repeats = True
        self.host.out("repeat", voice.number, start * 1000 / self.rate, length * 1000 / self.rate)

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
        for note in list(self._notes):
            if note.pitch == pitch and note.held:
                note.held = False
                note.sustained = self._pedal
                if not self._pedal and note.voice:
                    self._release(note)

    def sustain(self, down):
        """Press or lift the sustain pedal."""
        self._pedal = down
        if not down:
            for note in list(self._notes):
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
        if note.repeats:
            self._end(note)

    def _stop(self, voice):
        """Silence a voice within `FADE_MS`, for another note or for good."""
        voice.fading = voice.stopped = True
        voice.ends = self._loop.time() + FADE_MS / 1000
        if voice.note and voice.note.repeats:
            self._end(voice.note)
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
