"""The instrument ``sing``: its methods are its messages (see `pdbridge.hosts.messages`)."""

import asyncio

from pdbridge.errors import MessageError, PitchError
from pdbridge.instruments.instrument import PlayedInstrument
from pdbridge.instruments.keyboard import whole_note
from pdbridge.instruments.menu import NAMELESS, ROWS, Menu
from pdbridge.instruments.struck_keyboard import StruckKeyboard
from pdbridge.jobs import ASKED
from pdbridge.pitches import ranges
from pdbridge.sing.sound import Sound
from pdbridge.sing.symbols import find_instrument

LONGEST_NOTE = 5.0  # s after which no note of a model that was replaced sounds any more


class SINGInstrument(PlayedInstrument):
    """SING as an instrument: one of a thousand instruments, or what lies between two, under the keys."""

    kept = ("load", "release", "voices", "family", "instrument", "blend")
    shared = ("note_on", "note_off", "sustain", "panic", "release", "instrument", "blend", "family",
              "turn_page", "choose", "next_instrument", "previous_instrument")

    lent = (*PlayedInstrument.lent, "render_key")

    def __init__(self, host, server):
        super().__init__(host, server)
        self.worker = None
        self.keyboard = StruckKeyboard(host)
        self.menu = None
        self._closed = False
        self._model_expected = asyncio.Event()

    def start(self):
        """Take the server's own model, if it is a SING, until `load` names another."""
        self.server.when_default_model(self._take_default, "sing")

    def close(self):
        """The patch is gone: silence, and give the model back."""
        self._closed = True
        super().close()
        self._let_go()

    def _take_default(self, name, worker):
        """Use the server's own model; False when this instrument does not want it any more.

        A `worker` of None says that there will be none.
        """
        self._model_expected.set()
        if self._closed or self.worker or worker is None or "load" in self._remembered:
            return False
        self._use(name, worker)
        self.host.out("loaded", *self._format())
        return True

    # The model

    async def load(self, file):
        """``load file`` -> ``loaded note_length sample_rate``."""
        path = self.server.find_sing(file, self.host.folder)
        with self._busy():
            worker = await self.server.lend(path, self.host.progress, "sing")
        self._remember("load", file)
        self._use(path.name, worker)
        self._model_expected.set()
        return ("loaded", *self._format())

    async def unload(self):
        """``unload`` -> ``unloaded``."""
        self._remember("load")
        self.keyboard.panic()
        self.keyboard.set_model(None)
        self._let_go()
        self.host.out("model", "none", 0, 0, 0, 0)
        return ("unloaded",)

    def _use(self, name, worker):
        old, self.worker = self.worker, worker
        description, sound = worker.description, self.keyboard.timbre
        pitches, names = description["pitches"], description["instruments"]
        count = description["instrument_count"]
        self.host.out("model", name, pitches[0], pitches[-1], count, len(names))
        family = self.menu.family if self.menu else None
        self.menu = Menu(names, count)
        if family in self.menu.families:
            self.menu.list_family(family)
        if sound is None or max(sound.first, sound.second or 0) >= count:
            # keys make sound before anybody chose an instrument
            sound = Sound(self.menu.items[0][0])
        self.keyboard.timbre = sound
        self.keyboard.set_model(worker)
        self.menu.show(sound.first)
        self._show_menu()
        self._show_sound()
        if not self.keyboard.notes_fit_voices:
            self.host.receive("voices", self._remembered["voices"][1:])
        # notes that sound still get their rest from the old one
        self.server.loop.call_later(LONGEST_NOTE, self.server.give_back, old)

    def _let_go(self):
        worker, self.worker = self.worker, None
        self.server.give_back(worker)

    def _format(self):
        description = self.worker.description
        return description["note_length"], description["sample_rate"]

    def _description(self):
        if self.worker is None:
            raise MessageError("no SING is loaded; send load sing.th, with the name of a checkpoint "
                               "(pdbridge models download sing brings the published one)")
        return self.worker.description

    async def _model(self):
        """The model's description, after a wait for the server's own model if that is loading."""
        if self.worker is None and not self._remembered.get("load"):
            await self._model_expected.wait()
        return self._description()

    # Instruments

    async def instrument(self, name):
        """``instrument name|number``: play this one from now on."""
        await self._model()
        self._play(Sound(await self._number(name)))

    async def blend(self, a, b, amount):
        """``blend a b amount``: play what lies between two instruments from now on."""
        await self._model()
        self._play(Sound(await self._number(a), await self._number(b), float(amount)), turn=False)

    async def next_instrument(self):
        """``next_instrument``: the one that comes next in the menu; what MIDI program changes do."""
        await self._step(1)

    async def previous_instrument(self):
        """``previous_instrument``."""
        await self._step(-1)

    def program_change(self):
        """A MIDI program change goes to the next instrument of the menu."""
        self.host.receive("next_instrument", [])

    async def family(self, name):
        """``family name``: list the instruments of a family, or all."""
        await self._model()
        self.menu.list_family(name)
        self.menu.show(self.keyboard.timbre.first)
        self._remember("family", name)
        self._show_menu()

    async def turn_page(self, pages):
        """``turn_page pages``."""
        await self._model()
        self.menu.turn(pages)
        self._show_menu()

    async def choose(self, row):
        """``choose row``: play the instrument in this row of the menu."""
        await self._model()
        rows = self.menu.rows()
        if row > len(rows):
            raise MessageError(f"choose: there is no instrument in row {row}; this page has {len(rows)}")
        self._play(Sound(rows[row - 1][0]))

    async def _step(self, steps):
        await self._model()
        self._play(Sound(self.menu.neighbour(self.keyboard.timbre.first, steps)))

    async def _number(self, name):
        """The number of an instrument that a message names; `SymbolError` when there is none."""
        description = self._description()
        named, count = description["instruments"], description["instrument_count"]
        if name not in named:
            try:
                number = float(name)
                name = int(number) if number.is_integer() else number
            except ValueError:
                pass
        # names that are written alike take a while to be found
        return await self.server.loop.run_in_executor(None, find_instrument, name, named, count)

    def _name(self, number):
        return next((name for name, named in self._description()["instruments"].items() if named == number),
                    NAMELESS)

    def _play(self, sound, turn=True):
        self.keyboard.set_timbre(sound)
        if turn:
            self.menu.show(sound.first)
            self._show_menu()
        else:
            self.host.out("row", self.menu.row_of(None))
        self._show_sound()
        for name in ("instrument", "blend"):  # what was played before is not to come back
            self._remember(name, soon=True)
        if sound.second is None:
            self._remember("instrument", str(sound.first), soon=True)
        else:
            self._remember("blend", str(sound.first), str(sound.second), sound.amount, soon=True)

    def _show_sound(self):
        sound = self.keyboard.timbre
        if sound.second is None:
            self.host.out("instrument", sound.first, self._name(sound.first))
        else:
            self.host.out("blend", sound.first, self._name(sound.first), sound.second,
                          self._name(sound.second), sound.amount)

    def _show_menu(self):
        menu, sound = self.menu, self.keyboard.timbre
        rows = menu.rows()
        for row in range(1, ROWS + 1):
            number, name = rows[row - 1] if row <= len(rows) else (-1, NAMELESS)
            self.host.out("menu", row, number, name)
        self.host.out("page", menu.page + 1, menu.pages, menu.family, len(menu.items))
        self.host.out("row", menu.row_of(sound.first if sound.second is None else None))

    # Playing

    def note_on(self, pitch, velocity):
        """``note_on pitch velocity``."""
        if velocity == 0:
            return self.note_off(pitch)
        self._check_pitch(pitch)
        if not self.playable:
            raise MessageError("note_on: there are no voices to play the note; open patches/sing.pd, or "
                               "declare arrays with the message voices")
        self.keyboard.note_on(pitch, self._nearest(velocity))

    async def note_of_key(self, pitch):
        description = await self._model()
        return await self._whole(self.keyboard.timbre, pitch), description["sample_rate"]

    async def render(self, array, instrument, pitch, velocity):
        """``render array instrument pitch velocity`` -> ``rendered array``."""
        await self._model()
        self._check_pitch(pitch)
        sound = Sound(await self._number(instrument), velocity=self._nearest(velocity))
        with self._busy():
            await self.host.write(array, await self._whole(sound, pitch))
        return ("rendered", array)

    async def render_key(self, array, pitch, velocity):
        """``render_key array pitch velocity`` -> ``rendered array``."""
        return await self.render_key_from(self.host, array, pitch, velocity)

    async def render_key_from(self, host, array, pitch, velocity):
        """``render_key`` into an array of another host."""
        await self._model()
        sound = self.keyboard.timbre.struck(self._nearest(velocity))
        with self._busy():
            await host.write(array, await self._whole(sound, pitch))
        return ("rendered", array)

    async def _whole(self, sound, pitch):
        self._check_pitch(pitch)
        return await whole_note(self.worker, sound, pitch, ASKED)

    def _nearest(self, velocity):
        """The velocity of the model that is nearest; the louder one of two. Reported where it differs."""
        nearest = min(self._description()["velocities"], key=lambda known: (abs(known - velocity), -known))
        if nearest != velocity:
            self.host.out("velocity", velocity, nearest)
        return nearest

    def _check_pitch(self, pitch):
        pitches = self._description()["pitches"]
        if pitch not in pitches:
            raise PitchError(f"pitch {pitch} is not one of the model's, {ranges(pitches)}")
