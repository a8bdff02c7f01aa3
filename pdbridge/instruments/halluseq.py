"""The instrument ``halluseq``: hallucinations that move from step to step, each step made by hand.

After HALLU of SOPI's course "Deep Learning with Audio" (Aalto University). A step is a list of edits,
how far to go along each GANSpace component; those of the current step lie in an array of the patch,
where sliders change them. Models and components are loaded as by the instrument ``gansynth``.
"""

import asyncio

import numpy as np

from pdbridge.errors import MessageError
from pdbridge.gansynth.hallucination import interpolate_edits
from pdbridge.instruments.gansynth import GANSynthInstrument, edits_in
from pdbridge.instruments.hallucinations import Hallucination
from pdbridge.instruments.palette import without_last_zeros
from pdbridge.instruments.sequence import SETTINGS, Sequence

EDITS_ARRAY = "edits"  # of OSC clients, whose instrument is no object with an argument
RANDOM_EDITS = 16  # that rand_step draws: as many as the course's patch has sliders,
FARTHEST_RANDOM = 10.0  # and as far as these go
SPREAD = 2.0  # standard deviations, of random edits unless said
MOST_IN_WALK = 1 << 22  # edits of all sounds of a hallucination, 0.1 GB
MOST_REMEMBERED = 800  # edits that a patch keeps for a server that is started anew


class HalluseqInstrument(GANSynthInstrument):
    """A sequencer of hallucinations. It has no voices: what it makes lies in arrays.

    Parameters
    ----------
    words : sequence of str
        Behind the name in the object: the array of the patch with the current step's edits.

    Attributes
    ----------
    sequence : pdbridge.instruments.sequence.Sequence
    """

    kept = ("load", "load_ganspace_components", "steps", *SETTINGS)
    kept_for_each = ()
    shared = ()
    lent = ()

    def __init__(self, host, server, words=()):
        super().__init__(host, server)
        self.sequence = Sequence()
        self._array = words[0] if words else EDITS_ARRAY
        self._lock = asyncio.Lock()  # a hallucination begins beside the messages that follow it
        self._told = None  # edits used, and given, as they were reported last
        self._too_many = False  # edits to be remembered

    def _take_default(self, name, worker):
        taken = super()._take_default(name, worker)
        if taken:
            self.host.out("worker", "on", *self._format())
        return taken

    # Messages of the course patch

    async def load(self, folder, batch_size=None):
        """``load folder [batch-size]`` -> ``worker on audio_length sample_rate``."""
        await super().load(folder, batch_size)
        return ("worker", "on", *self._format())

    async def unload(self):
        """``unload`` -> ``worker off``."""
        await super().unload()
        return ("worker", "off")

    async def load_ganspace_components(self, file):
        """``load_ganspace_components file``; says nothing, as in the course."""
        await super().load_ganspace_components(file)

    async def init(self, folder, file):
        """``init folder file`` -> ``worker on audio_length sample_rate``."""
        answer = await self.load(folder)
        await self.load_ganspace_components(file)
        return answer

    async def next_step(self):
        """``next_step`` -> ``updated``."""
        return await self._change(lambda sequence: sequence.move(1))

    async def prev_step(self):
        """``prev_step`` -> ``updated``."""
        return await self._change(lambda sequence: sequence.move(-1))

    async def add_step(self):
        """``add_step`` -> ``updated``."""
        return await self._change(lambda sequence: sequence.add())

    async def remove_step(self):
        """``remove_step`` -> ``updated``."""
        return await self._change(lambda sequence: sequence.remove())

    async def interp_steps(self, count):
        """``interp_steps count`` -> ``updated``."""
        return self._set("interp_steps", count)

    async def sample_spacing(self, seconds):
        """``sample_spacing seconds`` -> ``updated``."""
        return self._set("sample_spacing", seconds)

    async def start_trim(self, seconds):
        """``start_trim seconds`` -> ``updated``."""
        return self._set("start_trim", seconds)

    async def attack(self, seconds):
        """``attack seconds`` -> ``updated``."""
        return self._set("attack", seconds)

    async def sustain(self, seconds):
        """``sustain seconds`` -> ``updated``."""
        return self._set("sustain", seconds)

    async def release(self, seconds):
        """``release seconds`` -> ``updated``."""
        return self._set("release", seconds)

    async def send_state(self):
        """``send_state``: reports ``step index i``, ``step count n``, ``settings name value``."""
        self.host.out("step", "index", self.sequence.index)
        self.host.out("step", "count", len(self.sequence.steps))
        for name, value in self.sequence.settings.items():
            self.host.out("settings", name, value)

    async def synthesize_noz(self, *groups):
        """``synthesize_noz sound-array pitch edit... [-- ...]...`` -> ``synthesized``."""
        count = self.palette.needed_components("synthesize_noz").count
        used = []
        for sound_array, pitch, *edits in groups:
            edits = await edits_in(self.host, edits)
            self._tell_used(count, edits)
            used.append((sound_array, pitch, *edits[:count].tolist()))
        return await super().synthesize_noz(*used)

    async def hallucinate_noz(self, array):
        """``hallucinate_noz sound-array`` -> ``hallucinated samples``."""
        with self._busy():
            hallucination = await self._through_steps("hallucinate_noz")
            await self._hallucinated(hallucination, array)
        return ("hallucinated", hallucination.length)

    async def hallucinate_noz_live(self, array, sample_rate=None):
        """``hallucinate_noz_live sound-array [sample-rate]`` -> ``hallucinated_live seconds gain``."""
        with self._busy():
            hallucination = await self._through_steps("hallucinate_noz_live")
            return await self._hallucinated_live(hallucination, array, sample_rate)

    # Ours

    async def rand_step(self, spread=SPREAD):
        """``rand_step [spread]`` -> ``updated``."""

        def draw(sequence):
            edits = np.clip(spread * self._random.standard_normal(RANDOM_EDITS),
                            -FARTHEST_RANDOM, FARTHEST_RANDOM).round(2)
            components = self.palette.components
            sequence.current = edits[:components.count] if components else edits

        return await self._change(draw)

    async def save_state(self, file):
        """``save_state file.json`` -> ``saved file``."""
        path = self.host.place_for(file, ".json")
        async with self._lock:
            await self._take_edits()
            await self.server.loop.run_in_executor(None, self.sequence.save, path)
        return ("saved", file)

    async def load_state(self, file):
        """``load_state file.json`` -> ``updated``."""
        path = self.host.place_for(file, ".json")
        async with self._lock:
            sequence = await self.server.loop.run_in_executor(None, Sequence.load, path)
            length = len(await self.host.read(self._array))
            self.sequence = sequence
            await self._show_edits(length)
        return ("updated",)

    async def steps(self, current, width, *edits):
        """``steps current width edit...``: what a server that was started anew is told."""
        if len(edits) % width:
            raise MessageError(f"steps: {len(edits)} edits are no whole number of steps of {width}")
        async with self._lock:
            self.sequence = Sequence(np.reshape(edits, (-1, width)), current - 1, self.sequence.settings)
            self._remember_steps()

    # What they share

    async def _change(self, change):
        """Keep what is in the array, change the sequence, and write the current step into the array."""
        async with self._lock:
            length = await self._take_edits()
            change(self.sequence)
            await self._show_edits(length)
        return ("updated",)

    async def _take_edits(self):
        """Keep what is in the array as the current step; how long the array is."""
        edits = await self.host.read(self._array)
        self.sequence.set_current(f"array {self._array}", edits)
        return len(edits)

    async def _show_edits(self, length):
        """Write the current step into the array, which has this length, or gets longer."""
        edits = self.sequence.current
        samples = np.zeros(max(length, len(edits)), np.float32)
        samples[:len(edits)] = edits
        await self.host.write(self._array, samples)
        self._remember_steps()

    def _set(self, name, value):
        self.sequence.settings[name] = value if name == "interp_steps" else float(value)
        self._remember_steps()
        return ("updated",)

    def _remember_steps(self):
        for name, value in self.sequence.settings.items():
            self._remember(name, value, soon=True)
        table = self.sequence.edits()
        too_many = table.size > MOST_REMEMBERED
        if too_many:
            self._remember("steps", soon=True)
        else:
            self._remember("steps", self.sequence.index + 1, table.shape[1], *table.ravel().tolist(),
                           soon=True)
        if too_many and not self._too_many:
            self.host.fail("steps", f"{table.size} edits in all steps are more than a patch can keep for a "
                           "server that is started anew; keep them in a file with save_state")
        self._too_many = too_many

    async def _through_steps(self, name):
        """The `Hallucination` of the steps as they are now."""
        description = await self._model()
        components = self.palette.needed_components(name)
        async with self._lock:
            await self._take_edits()
            self._tell_used(components.count, self.sequence.edits().any(axis=0))
            self._remember_steps()
            settings = self.sequence.hallucination()
            edits = self.sequence.edits(components.count)
            steps = self.sequence.settings["interp_steps"]
        sounds = (len(edits) - 1) * max(1, steps) + 1
        if sounds * edits.shape[1] > MOST_IN_WALK:
            raise MessageError(f"{name}: {sounds} sounds of {edits.shape[1]} edits each are too many; take "
                               "fewer steps or interpolation steps, or leave more of the last edits at 0")
        timbres = await self.server.loop.run_in_executor(
            None, lambda: [components.timbre(point) for point in interpolate_edits(edits, steps)])
        # any pitch would do, see `Timbre`; the original takes this one
        pitch = min(description["pitches"])
        return await Hallucination.planned(self.server, self.worker, timbres, pitch, settings)

    def _tell_used(self, count, edits):
        """Report that only so many of these edits are used, where that is new."""
        given = len(without_last_zeros(edits))
        if given <= count:
            self._told = None
        elif (count, given) != self._told:
            self._told = (count, given)
            self.host.out("edits", count, given)
