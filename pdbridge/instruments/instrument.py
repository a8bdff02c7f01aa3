"""What instruments have in common: a host, a memory that outlives the server, keys that are played."""

import contextlib


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
    shared : tuple of str
        Messages of plain OSC clients that go to the patch which has voices, when no client has.
    passes_over : tuple of str
        What may come into its inlet from another object and is none of its messages.
    """

    kept = ()
    shared = ()
    passes_over = ()

    def __init__(self, host, server):
        self.host = host
        self.server = server
        self._remembered = {}

    def start(self):
        """Called once, before any message."""

    def restore(self, messages):
        """What a server before this one kept stays kept while it is carried out again."""
        self._remembered = {name: [name, *arguments] for name, *arguments in messages}

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
        self.host.out("busy", 1)
        try:
            yield
        finally:
            self.host.out("busy", 0)

    def _remember(self, *message):
        """Keep a message for a server that is started anew; the name alone forgets it."""
        name = message[0]
        if len(message) == 1:
            self._remembered.pop(name, None)
        else:
            self._remembered[name] = list(message)
        self.host.remember([self._remembered[n] for n in self.kept if n in self._remembered])


class PlayedInstrument(Instrument):
    """An instrument that is played with keys, on voices of its host.

    Attributes
    ----------
    keyboard : pdbridge.instruments.voices.Voices
    """

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
