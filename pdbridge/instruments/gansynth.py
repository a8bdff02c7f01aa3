"""The instrument ``gansynth``: its methods are its messages (see `pdbridge.hosts.messages`)."""

import asyncio

import numpy as np

from pdbridge import latent
from pdbridge.errors import ArrayError, MessageError, PitchError
from pdbridge.files import written_whole
from pdbridge.instruments.instrument import PlayedInstrument
from pdbridge.instruments.keyboard import Keyboard, whole_note
from pdbridge.jobs import ASKED
from pdbridge.pitches import ranges

MOST_PROGRAMS = 64  # stored timbres that MIDI program changes step through
LARGEST_Z = 1 << 16  # values of a stored timbre that are read at all
LONGEST_NOTE = 5.0  # s after which no note of a model that was replaced sounds any more


class GANSynthInstrument(PlayedInstrument):
    """GANSynth as an instrument."""

    kept = ("load", "release", "voices", "z", "programs")
    shared = ("note_on", "note_off", "sustain", "panic", "release", "next_z")

    def __init__(self, host, server):
        super().__init__(host, server)
        self.worker = None
        self.keyboard = Keyboard(host)
        self._random = np.random.default_rng()
        self._timbre_array = None
        self._programs = {}  # file -> z
        self._program = -1
        self._closed = False
        self._model_expected = asyncio.Event()

    def start(self):
        """Take the server's own model, if it has one, until `load` names another."""
        self.server.when_default_model(self._take_default)

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

    # Messages of the course patches

    async def load(self, folder, batch_size=None):
        """``load folder [batch-size]`` -> ``loaded audio_length sample_rate``."""
        path = self.server.find_model(folder, self.host.folder)
        with self._busy():
            worker = await self.server.lend(path, self.host.progress)
        self._remember("load", folder)
        self._use(path.name, worker)
        self._model_expected.set()
        return ("loaded", *self._format())

    async def unload(self):
        """``unload`` -> ``unloaded``."""
        self._remember("load")
        self.keyboard.panic()
        self.keyboard.set_model(None)
        self._let_go()
        self.host.out("model", "none", 0, 0, 0)
        return ("unloaded",)

    async def randomize_z(self, *groups):
        """``randomize_z array...`` -> ``randomized``."""
        size = (await self._model())["latent_size"]
        for (array,) in groups:
            await self.host.write(array, latent.random_z(1, size, seed=self._random)[0])
        return ("randomized",)

    async def slerp_z(self, array0, array1, destination, amount):
        """``slerp_z array0 array1 destination amount`` -> ``slerped``."""
        z0, z1 = await self._read_z(array0), await self._read_z(array1)
        await self.host.write(destination, latent.slerp(z0, z1, amount))
        return ("slerped",)

    async def synthesize(self, *groups):
        """``synthesize (z-array sound-array pitch)...`` -> ``synthesized``."""
        pitches = (await self._model())["pitches"]
        for _, _, pitch in groups:
            self._check_pitch(pitch, pitches)
        with self._busy():
            for index, (z_array, sound_array, pitch) in enumerate(groups):
                z = await self._read_z(z_array)
                await self.host.write(sound_array, await whole_note(self.worker, z, pitch, ASKED))
                self.host.progress((index + 1) / len(groups))
        return ("synthesized",)

    # Playing

    def note_on(self, pitch, velocity):
        """``note_on pitch velocity``."""
        if velocity == 0:
            return self.note_off(pitch)
        self._check_pitch(pitch, self._description()["pitches"])
        if not self.playable:
            raise MessageError(
                "note_on: there are no voices to play the note; open patches/gansynth.pd, or "
                "declare arrays with the message voices"
            )
        self.keyboard.note_on(pitch, velocity)

    def program_change(self):
        """A MIDI program change steps through the stored timbres."""
        self.host.receive("next_z", [])

    async def z(self, array):
        """``z array``: play this timbre from now on."""
        z = await self._read_z(array)
        self._timbre_array = array
        self._remember("z", array)
        self.set_timbre(z)

    def set_timbre(self, z):
        """Play this timbre, float32 [latent_size]."""
        self.keyboard.set_timbre(z)

    # Timbres

    async def seed(self, number):
        """``seed n``: the random timbres that follow are the same for the same n."""
        self._random = np.random.default_rng(number)

    async def save_z(self, array, file):
        """``save_z array file.npy`` -> ``saved file``."""
        path = self.host.place_for(file, ".npy")
        z = await self._read_z(array)
        with written_whole(path) as temporary:
            np.save(temporary, z)
        self._store_program(file, z)
        return ("saved", file)

    async def load_z(self, file, array):
        """``load_z file.npy array`` -> ``restored file``."""
        await self._model()
        z = self._stored_z(file)
        await self.host.write(array, z)
        self._store_program(file, z)
        return ("restored", file)

    async def programs(self, *groups):
        """``programs file.npy...`` -> ``programs count``."""
        await self._model()
        found = {file: self._stored_z(file) for (file,) in groups}
        self._programs = {}
        for file, z in found.items():
            self._store_program(file, z)
        self._program = -1
        return ("programs", len(self._programs))

    async def next_z(self):
        """``next_z`` -> ``timbre array``: what MIDI program changes do."""
        if not self._programs:
            raise MessageError("next_z: no timbre is stored; store one with save_z, or name some "
                               "with programs")
        self._program = (self._program + 1) % len(self._programs)
        z = list(self._programs.values())[self._program]
        self.set_timbre(self.checked_z("the stored timbre", z))
        if not self._timbre_array:
            return None
        await self.host.write(self._timbre_array, z)
        return ("timbre", self._timbre_array)

    def _stored_z(self, file):
        """The z in a file, float32 [latent_size]."""
        path = self.host.place_for(file, ".npy")
        try:
            # only the .npy format: no pickles, no archives, no memory for what a header claims
            z = np.lib.format.open_memmap(path, mode="r")
        except FileNotFoundError:
            raise MessageError(f"there is no file {path}") from None
        except (OSError, ValueError, EOFError) as error:
            raise MessageError(f"{path} is not a NumPy file of numbers: {error}") from None
        if z.dtype.kind not in "fiu" or z.size > LARGEST_Z:
            raise MessageError(f"{path} holds no plain array of numbers")
        with np.errstate(over="ignore"):  # infinity, which is found next
            return self.checked_z(str(path), np.array(z, np.float32).reshape(-1))

    def _store_program(self, file, z):
        self._programs.pop(file, None)
        if len(self._programs) >= MOST_PROGRAMS:
            del self._programs[next(iter(self._programs))]
        self._programs[file] = z
        self._remember("programs", *self._programs)

    # What they share

    def _use(self, name, worker):
        old, self.worker = self.worker, worker
        pitches = worker.description["pitches"]
        size = worker.description["latent_size"]
        self.host.out("model", name, len(pitches), pitches[0], pitches[-1])
        if self.keyboard.z is None or len(self.keyboard.z) != size:
            # keys make sound before anybody chose a timbre
            self.keyboard.z = latent.random_z(1, size, seed=self._random)[0]
        self.keyboard.set_model(worker)
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
            raise MessageError("no model is loaded; send load first_light, or wait for the model")
        return self.worker.description

    async def _model(self):
        """The model's description, after a wait for the server's own model if that is loading."""
        if self.worker is None and not self._remembered.get("load"):
            await self._model_expected.wait()
        return self._description()

    async def _read_z(self, array):
        await self._model()
        return self.checked_z(f"array {array}", await self.host.read(array))

    def checked_z(self, source, z):
        """float32 [latent_size], or `ArrayError` that says what is wrong with it."""
        size = self._description()["latent_size"]
        if len(z) != size:
            raise ArrayError(f"{source} holds {len(z)} values; a z of this model has {size}")
        bad = np.flatnonzero(~np.isfinite(z))
        if len(bad):
            raise ArrayError(f"{source} holds {z[bad[0]]} at index {bad[0]}; redraw or reset it")
        return z

    @staticmethod
    def _check_pitch(pitch, pitches):
        if pitch not in pitches:
            raise PitchError(f"pitch {pitch} is not one of the model's, {ranges(pitches)}")
