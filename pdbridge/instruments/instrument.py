"""What instruments have in common: a host, a memory that outlives the server, keys that are played."""

import abc
import asyncio
import contextlib

from pdbridge.audio import resample, write_wav
from pdbridge.errors import MessageError

MOST_OF_EACH = 64  # messages of one name that are kept
SOON_S = 0.1  # s
LONGEST_CLIP = 1 << 24  # samples of a note in a file: 64 MiB


class Instrument:
    """One instrument; its methods are its messages (see `pdbridge.hosts.messages`).

    Parameters
    ----------
    host : pdbridge.hosts.host.Host
        Arrays, folder and outlet.
    server : pdbridge.server.Server
        Lends models and grids, and knows which instrument a MIDI keyboard plays.

    Attributes
    ----------
    kept : tuple of str
        Messages that a restarted server gets again, in the order in which it carries them out.
    kept_for_each : tuple of str
        Those of them that are kept once for each first argument, the newest `MOST_OF_EACH`.
    shared : tuple of str
        Messages of plain OSC clients that go to the patch which has voices, when no client has.
    lent : tuple of str
        The same for messages that name arrays: these are the client's, so the patch's instrument gets
        them through its method ``<message>_from``, with the client's host as its first argument.
    passes_over : tuple of str
        What may come into its inlet from another object and is none of its messages.
    """

    kept = ()
    kept_for_each = ()
    shared = ()
    lent = ()
    passes_over = ()

    def __init__(self, host, server):
        self.host = host
        self.server = server
        self._remembered = {}  # name, or (name, first argument) -> message
        self._remembering_soon = False
        self._busy_with = 0

    def start(self):
        """Called once, before any message."""

    def restore(self, messages):
        """What a server before this one kept stays kept while it is carried out again."""
        self._remembered = {self._key(message): list(message) for message in messages}

    def close(self):
        """The patch is gone, or the server ends."""

    @property
    def playable(self):
        """Whether notes can sound: there are voices."""
        return False

    def cancel(self):
        """``cancel``: drop what waits or is under way."""
        self.host.cancel_line()

    @contextlib.contextmanager
    def _busy(self):
        self._busy_with += 1
        if self._busy_with == 1:
            self.host.out("busy", 1)
        try:
            yield
        finally:
            self._busy_with -= 1
            if self._busy_with == 0:
                self.host.out("busy", 0)

    # What a server that is started anew gets to know

    def _remember(self, *message, soon=False):
        """Keep a message; the name alone forgets all of that name.

        With `soon` the other side is told a little later, once for all that comes in between.
        """
        name = message[0]
        if len(message) == 1:
            self._remembered = {k: m for k, m in self._remembered.items() if m[0] != name}
        else:
            key = self._key(message)
            self._remembered.pop(key, None)
            of_this_name = [k for k, m in self._remembered.items() if m[0] == name]
            if len(of_this_name) >= MOST_OF_EACH:
                del self._remembered[of_this_name[0]]
            self._remembered[key] = list(message)
        if not soon:
            self._tell_what_is_remembered()
        elif not self._remembering_soon:
            self._remembering_soon = True
            self.server.loop.call_later(SOON_S, self._tell_what_is_remembered)

    def _tell_what_is_remembered(self):
        self._remembering_soon = False
        self.host.remember([message for name in self.kept for message in self._remembered.values()
                            if message[0] == name])

    def _key(self, message):
        return tuple(message[:2]) if message[0] in self.kept_for_each else message[0]


class PlayedInstrument(Instrument, abc.ABC):
    """An instrument that is played with keys, on voices of its host.

    Attributes
    ----------
    keyboard : pdbridge.instruments.voices.Voices
    """

    lent = ("write_note",)
    keyboard = None

    def close(self):
        """The patch is gone: silence."""
        self.server.not_playing(self)
        self.keyboard.close()

    @property
    def playable(self):
        return bool(self.keyboard.voices)

    def program_change(self):
        """What MIDI program changes do; nothing, unless an instrument says otherwise."""

    def note_off(self, pitch):
        """``note_off pitch``."""
        self.keyboard.note_off(pitch)

    def sustain(self, value):
        """``sustain value``."""
        self.keyboard.sustain(value >= 64)

    def release(self, milliseconds):
        """``release milliseconds``."""
        self.keyboard.release_ms = float(milliseconds)
        self._remember("release", float(milliseconds))

    def panic(self):
        """``panic``."""
        self.keyboard.panic()

    @abc.abstractmethod
    async def note_of_key(self, pitch):
        """The note that a key plays now, float32 [samples], and its rate in Hz."""

    async def write_note(self, pitch, file, sample_rate=None):
        """``write_note pitch file.wav [sample-rate]`` -> ``written file pitch sample_rate path``."""
        return await self.write_note_from(self.host, pitch, file, sample_rate)

    async def write_note_from(self, host, pitch, file, sample_rate=None):
        """``write_note`` into a folder of another host."""
        path = host.place_for(file, ".wav")
        samples, rate = await self.note_of_key(pitch)
        wanted = sample_rate or rate
        if len(samples) * wanted / rate > LONGEST_CLIP:
            raise MessageError(f"write_note: the note would have more than {LONGEST_CLIP} samples")
        await asyncio.get_running_loop().run_in_executor(None, _write, path, samples, rate, wanted)
        return ("written", file, pitch, wanted, path.as_posix())

    async def voices(self, prefix, count, sample_rate, polyphony=None):
        """``voices prefix count sample_rate [polyphony]`` -> ``voices count sample_rate``."""
        polyphony = min(polyphony or count, count)
        if count == 0:
            self.keyboard.take_voices_back()
            self.server.not_playing(self)
            self._remember("voices")
            return ("voices", 0, float(sample_rate))
        rate = await self.keyboard.set_voices(prefix, count, float(sample_rate), polyphony)
        self._remember("voices", prefix, count, float(sample_rate), polyphony)
        self.server.playing(self)
        return ("voices", count, float(rate))


def _write(path, samples, rate, wanted):
    """Write a note at another rate; runs in a thread."""
    write_wav(path, resample(samples, rate, wanted), wanted)
