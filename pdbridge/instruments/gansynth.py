"""The instrument ``gansynth``: its methods are its messages (see `pdbridge.hosts.messages`)."""

import asyncio
import os
from pathlib import Path

import numpy as np

from pdbridge import latent
from pdbridge.errors import ArrayError, MessageError, PdbridgeError, PitchError
from pdbridge.files import written_whole
from pdbridge.gansynth.hallucination import Settings, interpolate_z, nearest_pitch
from pdbridge.gansynth.matching import ENDINGS
from pdbridge.instruments.hallucinations import Hallucination
from pdbridge.instruments.instrument import PlayedInstrument
from pdbridge.instruments.keyboard import Keyboard, whole_note
from pdbridge.instruments.matches import find_z
from pdbridge.instruments.palette import Components, Palette, checked_edits
from pdbridge.jobs import ASKED
from pdbridge.pitches import ranges
from pdbridge.places import cache_folder, models_folder

MOST_PROGRAMS = 64  # stored timbres that MIDI program changes step through
LARGEST_Z = 1 << 16  # values of a stored timbre that are read at all
MOST_EDITS = 1 << 22  # the values of the largest layer of the published models
LONGEST_NOTE = 5.0  # s after which no note of a model that was replaced sounds any more


class GANSynthInstrument(PlayedInstrument):
    """GANSynth as an instrument."""

    kept = ("load", "load_ganspace_components", "release", "voices", "component", "z", "edits",
            "corner", "pad", "programs")
    kept_for_each = ("component", "corner")
    shared = ("note_on", "note_off", "sustain", "panic", "release", "next_z", "pad", "component")
    lent = (*PlayedInstrument.lent, "z", "edits", "corner")

    def __init__(self, host, server):
        super().__init__(host, server)
        self.worker = None
        self.keyboard = Keyboard(host)
        self.palette = Palette()
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
            try:
                await self._fit_components(worker)
            except BaseException:
                self.server.give_back(worker)
                raise
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
        self._use_components(None)
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
            amplitudes = await self._amplitudes()
            for index, (z_array, sound_array, pitch) in enumerate(groups):
                timbre = self.palette.moved(await self._read_z(z_array), amplitudes)
                await self._synthesize(timbre, sound_array, pitch)
                self.host.progress((index + 1) / len(groups))
        return ("synthesized",)

    async def load_ganspace_components(self, file, array=None):
        """``load_ganspace_components file [amplitudes-array]`` -> ``loaded_pca``."""
        await self._model()
        path = self._component_file(file)
        with self._busy():
            description = await self._described(self.worker, path)
        amplitudes = () if array is None else await self.host.read(array)
        components = Components(path, description, array, len(amplitudes))
        if array is not None:
            amplitudes = checked_edits(f"array {array}", amplitudes[:components.count])
        self._use_components(components, None if array is None else amplitudes)
        self._remember("load_ganspace_components", file, *([array] if array else []))
        return ("loaded_pca",)

    async def synthesize_noz(self, *groups):
        """``synthesize_noz sound-array pitch edit... [-- ...]...`` -> ``synthesized``."""
        pitches = (await self._model())["pitches"]
        components = self.palette.needed_components("synthesize_noz")
        for _, pitch, *_ in groups:
            self._check_pitch(pitch, pitches)
        with self._busy():
            for index, (sound_array, pitch, *edits) in enumerate(groups):
                timbre = components.timbre(await edits_in(self.host, edits))
                await self._synthesize(timbre, sound_array, pitch)
                self.host.progress((index + 1) / len(groups))
        return ("synthesized",)

    async def _synthesize(self, timbre, array, pitch):
        """Write a whole note into an array."""
        await self.host.write(array, await whole_note(self.worker, timbre, pitch, ASKED))

    async def hallucinate(self, array, points, steps, spacing=0.2, start_trim=0.0, attack=0.5,
                          sustain=0.5, release=0.5):
        """``hallucinate array points steps [spacing...]`` -> ``hallucinated bytes``."""
        settings = Settings(spacing, start_trim, attack, sustain, release)
        with self._busy():
            hallucination = await self._hallucination(points, steps, settings)
            return await self._hallucinated(hallucination, array)

    async def hallucinate_live(self, array, points, steps, spacing=0.2, start_trim=0.0, attack=0.5,
                               sustain=0.5, release=0.5, sample_rate=None):
        """``hallucinate_live array points steps [spacing...]`` -> ``hallucinated_live seconds gain``."""
        settings = Settings(spacing, start_trim, attack, sustain, release)
        with self._busy():
            hallucination = await self._hallucination(points, steps, settings)
            return await self._hallucinated_live(hallucination, array, sample_rate)

    async def _hallucination(self, points, steps, settings):
        """One through timbres drawn at random."""
        description = await self._model()
        z = latent.random_z(points, description["latent_size"], seed=self._random)
        walk = await self.server.loop.run_in_executor(None, interpolate_z, z, steps)
        pitch = nearest_pitch(description["pitches"])
        return await Hallucination.planned(self.server, self.worker, walk, pitch, settings)

    async def _hallucinated(self, hallucination, array):
        await hallucination.write(self.host, array, self._progress)
        return ("hallucinated", 4 * hallucination.length)

    async def _hallucinated_live(self, hallucination, array, rate):
        rate = rate or hallucination.rate
        seconds = hallucination.length / hallucination.rate

        def written(samples):
            self.host.out("made", min(samples / rate, seconds), seconds)

        written(0)
        gain = await hallucination.write_live(self.host, array, rate, self._progress, written)
        return ("hallucinated_live", seconds, gain)

    def _progress(self, amount):
        self.host.progress(amount)
        self.host.out("progress", float(amount))

    # Playing

    async def note_of_key(self, pitch):
        description = await self._model()
        self._check_pitch(pitch, description["pitches"])
        samples = await whole_note(self.worker, self.keyboard.timbre, pitch, ASKED)
        return samples, description["sample_rate"]

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
        await self.z_from(self.host, array)
        self._timbre_array = array
        self._forget("edits", "pad")
        self._remember("z", array)

    async def edits(self, *values):
        """``edits value...``: play the components' mean, moved along them, from now on."""
        await self.edits_from(self.host, *values)
        self._forget("pad")
        self._remember("edits", *values, soon=True)

    async def corner(self, number, array):
        """``corner number array``: take the z in this array as a corner of the pad."""
        await self.corner_from(self.host, number, array)
        self._remember("corner", number, array)

    async def pad(self, x, y):
        """``pad x y``: play what lies there between the corners."""
        await self._model()
        self.palette.move(x, y)
        self._play()
        self._forget("edits")
        self._remember("pad", float(x), float(y), soon=True)
        if self.host.asker:  # not the patch: its pad has to follow
            self.host.out("position", float(y), float(x))

    async def component(self, number, amplitude):
        """``component number amplitude``: go this far along a component."""
        components = self.palette.needed_components("component")
        if components.array is not None and number > components.array_length:
            raise ArrayError(f"component: array {components.array} has {components.array_length} values, "
                             f"so there is no place for that of component {number}")
        self.palette.set_amplitude(number, amplitude)
        self._play()
        if components.array is None:
            self._remember("component", number, float(amplitude), soon=True)
        else:  # which keeps it
            await self.host.write_slice(components.array, number - 1, np.float32([amplitude]),
                                        self.server.loop.time())

    async def z_from(self, host, array):
        """``z`` with an array of another host."""
        await self._model()
        self.palette.set_z(self.checked_z(f"array {array}", await host.read(array)))
        self._play()

    async def edits_from(self, host, *values):
        """``edits`` with arrays of another host."""
        await self._model()
        self.palette.set_edits(await edits_in(host, values))
        self._play()

    async def corner_from(self, host, number, array):
        """``corner`` with an array of another host."""
        await self._model()
        self.palette.set_corner(number, self.checked_z(f"array {array}", await host.read(array)))
        if self.palette.place:
            self._play()

    def _forget(self, *names):
        """What was played before is not to come back."""
        for name in names:
            self._remember(name, soon=True)

    def _play(self):
        self.keyboard.set_timbre(self.palette.timbre())

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

    async def match_z(self, array, file, pitch=None):
        """``match_z array file [pitch]`` -> ``matched pitch distance random_distance``."""
        size = (await self._model())["latent_size"]
        path = self.host.place_for(file, ENDINGS)
        await self.host.check_array(array, size)  # said before it is looked for and not after
        with self._busy():
            search, pitch = await find_z(
                self.server, self.worker, path, pitch, int(self._random.integers(2**32)),
                lambda *heard: self.host.out("heard", *heard), self._progress)
            await self.host.write(array, search.best)
        return ("matched", pitch, search.distance, search.random_distance)

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
        self.palette.set_z(self.checked_z("the stored timbre", z))
        self._play()
        self._forget("edits", "pad")
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

    # Components

    def _component_file(self, name):
        """The file of GANSpace components of this name, a Path."""
        beside = [self.host.folder, self.server.working_folder, *self.server.folders]
        folders = dict.fromkeys([*beside, models_folder(), cache_folder() / "models"])
        places = [os.path.join(folder, os.path.expanduser(name)) for folder in folders]
        for place in places:
            if os.path.isfile(place):
                return Path(os.path.abspath(place))
        looked_at = ", ".join(dict.fromkeys(os.path.dirname(place) for place in places))
        raise MessageError(f"there is no file {name!r:.200}; looked at {looked_at[:600]}")

    @staticmethod
    async def _described(worker, path):
        """What a file of components holds, once the model is ready to play with them."""
        job = worker.submit("components_in_pieces", str(path), priority=ASKED, pieces=True)
        return await worker.result(job)

    async def _fit_components(self, worker):
        """Take back components that are not for the model of this worker, and say so."""
        components = self.palette.components
        if components is None:
            return
        try:
            await self._described(worker, components.path)
        except PdbridgeError as error:
            self._use_components(None)
            self.host.fail("load_ganspace_components", error, self.host.asker)

    def _use_components(self, components, amplitudes=None):
        had = self.palette.components
        self.palette.set_components(components, amplitudes)
        if components is None:
            if had is None:
                return
            self._forget("load_ganspace_components", "component", "edits")
            self.host.out("components", "none", "-", 0)
        else:
            if amplitudes is not None or (had and had.path != components.path):
                self._forget("component")
            self.host.out("components", components.path.stem, components.layer, components.count)
        if self.worker:
            self._play()

    async def _amplitudes(self):
        """How far to go along each component in `synthesize`: those of the array, if one was named."""
        components = self.palette.components
        if components is None or components.array is None:
            return self.palette.amplitudes_in_order()
        values = (await self.host.read(components.array))[:components.count]
        return checked_edits(f"array {components.array}", values)

    # What they share

    def _use(self, name, worker):
        old, self.worker = self.worker, worker
        pitches = worker.description["pitches"]
        size = worker.description["latent_size"]
        self.host.out("model", name, len(pitches), pitches[0], pitches[-1])
        self.palette.fit(size)
        if self.palette.z is None:
            # keys make sound before anybody chose a timbre
            self.palette.z = latent.random_z(1, size, seed=self._random)[0]
        self.keyboard.timbre = self.palette.timbre()
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
            raise MessageError("no model is loaded; send load small_hours, or wait for the model")
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


async def edits_in(host, values):
    """The edits that a message names, with those of a host's arrays in their places: float64 [n]."""
    edits = []
    for value in values:
        if isinstance(value, str):
            edits.append(checked_edits(f"array {value}", await host.read(value)))
        else:
            edits.append([value])
        if sum(map(len, edits)) > MOST_EDITS:
            raise ArrayError(f"array {value} is too long; there may be {MOST_EDITS} edits in all")
    return np.concatenate(edits)
