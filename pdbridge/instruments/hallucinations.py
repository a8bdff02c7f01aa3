"""Hallucinations on their way into an array: sounds that a model renders, mixed while it does.

What a hallucination is, and its mix, is in `pdbridge.gansynth.hallucination`. Here its sounds are
rendered one after the other, behind everything else that the model is asked for, and only as much of
each as is heard.
"""

import asyncio
import math

import numpy as np

from pdbridge.audio import Resampler
from pdbridge.errors import MessageError, WorkerError
from pdbridge.gansynth.hallucination import Mixer, sounds_again
from pdbridge.gansynth.levels import gain_to_peak
from pdbridge.instruments.keyboard import whole_note
from pdbridge.jobs import BULK

LONGEST = 1 << 24  # samples: an array is read exactly up to there, tabread4~ has single precision
MOST_TRIES = 3  # times a sound is rendered whose worker dies
AT_A_STRETCH = 4096  # samples that are resampled while nothing else is done: half a millisecond


class Hallucination:
    """One hallucination that is made.

    Parameters
    ----------
    server : pdbridge.server.Server
    worker : pdbridge.jobs.Worker
        Of the model; it is lent by the server until the hallucination is made.
    timbres : sequence
        float32 [latent_size] or `Timbre` each.
    pitch : int
    settings : pdbridge.gansynth.hallucination.Settings

    Attributes
    ----------
    length : int
        Samples.
    rate : int
        Hz.

    Raises
    ------
    MessageError
        It would be too long.
    """

    def __init__(self, server, worker, timbres, pitch, settings):
        self._server, self._worker = server, worker
        self._timbres, self._pitch = timbres, pitch
        self.rate = worker.description["sample_rate"]
        self._needed = math.ceil(settings.seconds_needed * self.rate)
        self._mixer = Mixer(settings, len(timbres), self.rate, worker.description["note_length"])
        self.length = self._mixer.length
        _check_length(self.length, self.rate)
        self._on_more = lambda: None  # called when more of it is final

    @classmethod
    async def planned(cls, *arguments):
        """One of these parameters, made ready in a thread: a long one would keep keys waiting."""
        return await asyncio.get_running_loop().run_in_executor(None, cls, *arguments)

    async def make(self, on_progress):
        """Render and mix all sounds; `on_progress` is called with 0..1 after each.

        Raises
        ------
        PdbridgeError
            A sound cannot be rendered.
        """
        # its own loan, so that it goes on when the instrument loads another model
        worker = await self._server.lend(self._worker.folder)
        try:
            for index, timbre in enumerate(self._timbres):
                if not sounds_again(self._timbres, index):
                    sound = await self._sound(worker, timbre)
                self._mixer.add(index, sound)
                self._on_more()
                on_progress((index + 1) / len(self._timbres))
        finally:
            self._server.give_back(worker)

    async def _sound(self, worker, timbre):
        """What is heard of a note, float32; once more if the worker dies at it."""
        for tries in range(1, MOST_TRIES + 1):
            try:
                return await whole_note(worker, timbre, self._pitch, BULK, self._needed)
            except WorkerError:
                if tries == MOST_TRIES or worker.state in ("failed", "closed"):
                    raise

    async def write(self, host, array, on_progress):
        """Make it, and write it into an array of a host, with a peak of 0.5."""
        await host.check_array(array, self.length)  # said before it is made and not after
        await self.make(on_progress)
        samples = await self._in_thread(self._mixer.normalised)

        async def read(start, count):
            return samples[start:start + count]

        await host.write_long(array, self.length, read, lambda amount: None)

    async def write_live(self, host, array, rate, on_progress, on_written):
        """Make it, and write it meanwhile, at a level that is safe whatever is still to come.

        Parameters
        ----------
        host : pdbridge.hosts.host.Host
        array : str
        rate : float
            Of the samples in the array, Hz.
        on_progress : callable
            Called with 0..1: how much of it is made.
        on_written : callable
            Called with the number of samples that are in the array.

        Returns
        -------
        float
            The gain that brings it to a peak of 0.5.

        Raises
        ------
        MessageError
            It would be too long at that rate.
        PdbridgeError
            A sound cannot be rendered.
        """
        length = math.ceil(self.length * rate / self.rate)
        _check_length(length, rate)
        making = asyncio.create_task(self.make(on_progress))
        more = asyncio.Event()
        making.add_done_callback(lambda task: more.set())
        self._on_more = more.set
        level = np.float32(self._mixer.level)

        resampler = Resampler(self.rate, rate)
        taken, ready = 0, np.zeros(0, np.float32)  # of the mix; at the array's rate

        async def read(start, count):  # slice after slice, from the start on
            nonlocal taken, ready
            while len(ready) < count:
                while self._mixer.final == taken < self.length:
                    if making.done():
                        making.result()  # the error that ended it
                    more.clear()
                    await more.wait()
                samples = self._mixer.mix[taken:min(self._mixer.final, taken + AT_A_STRETCH)] * level
                taken += len(samples)
                resampled = resampler.push(samples, last=taken == self.length)
                if taken == self.length:  # the last sample falls between two
                    resampled = np.pad(resampled, (0, max(0, count - len(ready) - len(resampled))))
                ready = np.concatenate([ready, resampled])
            samples, ready = ready[:count], ready[count:]
            return samples

        try:
            await host.write_live(array, length, read, on_written)
        finally:
            making.cancel()
            await asyncio.wait([making])
            if not making.cancelled():
                making.exception()  # `read` has raised it, unless the host gave up before
        return await self._in_thread(gain_to_peak, self._mixer.mix) / float(level)

    @staticmethod
    async def _in_thread(function, *arguments):
        """What would keep pressed keys waiting for milliseconds."""
        return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)


def _check_length(length, rate):
    if length > LONGEST:
        raise MessageError(
            f"this hallucination would last {length / rate:.0f} s; {LONGEST / rate:.0f} s are the most, "
            f"{LONGEST} samples. Take fewer points or steps, or a smaller spacing")
