"""What every host offers an instrument, and how it carries out the messages that arrive.

An instrument is one class and its methods are its messages. It knows nothing of wires: it reads
and writes named float arrays, reports words, and lives in a folder, all through its `Host`.
"""

import abc
import asyncio
import contextvars
import logging
import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from pdbridge.errors import MessageError, PdbridgeError
from pdbridge.files import place_in
from pdbridge.hosts import messages
from pdbridge.hosts.message import LONGEST_NAME, Message

MOST_IN_LINE = 64  # messages that wait for the one before them
MOST_IN_BACKGROUND = 4  # messages carried out beside the line
MOST_NUMBERS = 1024  # of a message whose last argument repeats
SLICE = 4096  # floats of one packet: 0.1 ms in Pd, 85 ms of sound at 48 kHz

log = logging.getLogger("pdbridge")


@dataclass(eq=False)
class UnderWay:
    """A message that is being carried out: who asked, its task, and why that was cancelled."""

    message: Message
    arguments: list
    asker: object
    task: asyncio.Task = None
    reason: str = "cancelled"


_under_way = contextvars.ContextVar("the message that is carried out", default=None)


class Host(abc.ABC):
    """One instrument's view of the world.

    Attributes
    ----------
    folder : Path
        The folder of the patch, or the server's working directory.
    instrument_name : str
        The name in the table of messages.
    slice_length : int
        The most samples `write_now` and `write_slice` take.
    """

    slice_length = SLICE

    def __init__(self, server, instrument_name, folder):
        self.server = server
        self.instrument_name = instrument_name
        self.folder = Path(folder)
        self.instrument = None
        self._line = deque()
        self._line_moves = asyncio.Event()
        self._current = None  # UnderWay, at the head of the line
        self._background = []  # UnderWay, beside the line
        self._asker_at_once = None
        self._line_task = asyncio.get_running_loop().create_task(self._carry_out_line())

    # For the instrument

    @abc.abstractmethod
    async def read(self, array):
        """The values of a named array, float32 [length]; `ArrayError` when there is none."""

    @abc.abstractmethod
    async def write(self, array, samples):
        """Write float32 [length] into a named array and make it that long; returns when done."""

    @abc.abstractmethod
    async def write_long(self, array, length, read, on_progress):
        """Write a sound of any length into a named array and make it that long.

        Everything else that goes to the arrays comes first.

        Parameters
        ----------
        array : str
        length : int
            Samples.
        read : coroutine function
            ``read(start, count)`` gives float32 [count].
        on_progress : callable
            Called with 0..1 now and then.
        """

    @abc.abstractmethod
    async def write_live(self, array, length, read, on_written):
        """Write a sound that is still being made: the array grows as it comes.

        Everything else that goes to the arrays comes first. An array that is longer than the sound may
        stay so, with what was in it.

        Parameters
        ----------
        array : str
        length : int
            Samples.
        read : coroutine function
            ``read(start, count)`` gives float32 [count], once they are made.
        on_written : callable
            Called with the number of samples that are in the array.
        """

    @abc.abstractmethod
    async def check_array(self, array, length):
        """`ArrayError` when no sound of this length can be written into an array of this name."""

    @abc.abstractmethod
    async def prepare(self, array, length):
        """Make a named array at least this long; `ArrayError` when there is none."""

    @abc.abstractmethod
    def write_now(self, array, start, samples):
        """Send at most `SLICE` samples to index `start`, ahead of everything that waits."""

    @abc.abstractmethod
    async def write_slice(self, array, start, samples, deadline, wanted=None):
        """Send at most `SLICE` samples to index `start`, in the order of deadlines (loop time, s).

        Returns when they are sent; what is sent next arrives after them. They are not sent when
        `wanted` is given and returns False at their turn.
        """

    @abc.abstractmethod
    def out(self, word, *atoms):
        """Report something: a word, then ints, floats and strings."""

    def remember(self, remembered):
        """Ask the other side to keep these messages (lists of atoms) for a restarted server."""

    @abc.abstractmethod
    def done(self, message, answer, asker):
        """Tell who asked that a message is carried out; `answer` is (word, atom...) or None."""

    @abc.abstractmethod
    def failed(self, name, text, asker=None):
        """Tell who asked (or everyone concerned) what went wrong, and what to do."""

    def progress(self, fraction):
        """Report how far the message that is being carried out is, 0..1."""

    @property
    def asker(self):
        """Who sent the message that is being carried out; None for the patch itself."""
        under_way = self._under_way()
        return under_way.asker if under_way else self._asker_at_once

    def _under_way(self):
        """The message for whose sake this is done, or None."""
        found = _under_way.get()
        return found if found and (found is self._current or found in self._background) else None

    def fail(self, name, error, asker=None):
        """Report an error, count it, and write it to the log."""
        self.server.counts["failed"] += 1
        name = name if len(name) <= LONGEST_NAME else name[:60] + "..."
        text = str(error)
        log.info("%s %s: %s", self.instrument_name, name, text)
        self.failed(name, text, asker)

    def place_for(self, file, ending):
        """Where a file that a message names may lie: beside the patch, or where the user allows."""
        # an installed package may lie where nobody may write
        folder = self.folder if os.access(self.folder, os.W_OK) else self.server.working_folder
        return place_in([folder, *self.server.folders], file, ending)

    # For the wire

    def receive(self, name, values, asker=None):
        """Carry out a message, or put it in the line.

        Parameters
        ----------
        name : str
            The message's name, e.g. "note_on".
        values : list
            Its arguments as they came over the wire.
        asker
            Whatever `done` and `failed` need to know who asked.
        """
        try:
            message = messages.find(self.instrument_name, name)
            if values and hasattr(values[-1], "tolist"):  # a long run of numbers
                if not message.takes_many:
                    raise MessageError(f"{name}: takes {message.usage()}, not that many numbers")
                values = [*values[:-1], *values[-1][:MOST_NUMBERS].tolist()]
            arguments = message.check(values)
            if message.at_once:
                answer = self._at_once(message, arguments, asker)
                self.done(message, answer, asker)
            else:
                self._stand_in_line(message, arguments, asker)
        except PdbridgeError as error:
            self.fail(name, error, asker)
        except Exception as error:
            log.exception("%s %s", self.instrument_name, name)
            self.fail(name, f"{name}: an error in pdbridge itself: {error!r}", asker)

    def _at_once(self, message, arguments, asker):
        self._asker_at_once = asker
        try:
            return self._method(message)(*arguments)
        finally:
            self._asker_at_once = None

    def _method(self, message):
        return getattr(self.instrument, message.name)

    def _stand_in_line(self, message, arguments, asker):
        if message.newest_only:
            self._drop_older(message, arguments, asker)
        if len(self._line) >= MOST_IN_LINE:
            raise MessageError(
                f"{message.name}: {MOST_IN_LINE} messages wait already; wait for their answers"
            )
        self._line.append((message, arguments, asker))
        self._line_moves.set()

    def _drop_older(self, message, arguments, asker):
        """Take out of the line what this message replaces, back to what may depend on it."""
        for index in reversed(range(len(self._line))):
            other, its_arguments, its_asker = self._line[index]
            if other is None or not other.newest_only:
                return
            if (other is message and its_asker == asker
                    and its_arguments[:message.newest_of] == arguments[:message.newest_of]):
                del self._line[index]

    def passed(self):
        """A future that is done when everything that stands in the line now is carried out."""
        future = asyncio.get_running_loop().create_future()
        self._line.append((None, future, None))
        self._line_moves.set()
        return future

    @property
    def in_line(self):
        """How many messages wait or are being carried out."""
        return len(self._line) + (self._current is not None) + len(self._background)

    def cancel_line(self):
        """Fail the messages under way and all that wait behind them."""
        waiting = list(self._line)
        self._line.clear()
        for under_way in [self._current, *self._background]:
            if under_way:
                under_way.task.cancel()
        for message, arguments, asker in waiting:
            if message is None:
                _reached(arguments)
                continue
            self.fail(message.name, MessageError(f"{message.name}: cancelled"), asker)

    async def _carry_out_line(self):
        loop = asyncio.get_running_loop()
        while True:
            while not self._line:
                self._line_moves.clear()
                await self._line_moves.wait()
            message, arguments, asker = self._line.popleft()
            if message is None:
                _reached(arguments)
                continue
            if message.background:
                self._begin_in_background(UnderWay(message, arguments, asker))
                continue
            under_way = self._current = UnderWay(message, arguments, asker)
            under_way.task = task = loop.create_task(self._carried_out(under_way))
            try:
                # a cancelled message must not end the line, so its outcome is looked at, not raised
                await asyncio.wait([task])
                self._report(under_way)
            except asyncio.CancelledError:
                task.cancel()
                raise
            finally:  # an error holds all that its message had in its hands
                under_way.task = self._current = under_way = task = None

    async def _carried_out(self, under_way, older=()):
        """Carry out a message, when the `older` tasks have the array no more in their hands."""
        _under_way.set(under_way)
        if older:
            await asyncio.wait(older)
        return await self._method(under_way.message)(*under_way.arguments)

    def _begin_in_background(self, new):
        """Carry out a message beside the line, in the place of the one that makes the same array."""
        older = [u for u in self._background if u.arguments[0] == new.arguments[0]]
        if len(self._background) - len(older) >= MOST_IN_BACKGROUND:
            name = new.message.name
            text = f"{name}: {MOST_IN_BACKGROUND} such messages are under way; wait for their answers, " \
                   "or cancel them"
            self.fail(name, MessageError(text), new.asker)
            return
        for under_way in older:
            under_way.reason = "replaced by a newer one for the same array"
            under_way.task.cancel()
        new.task = asyncio.get_running_loop().create_task(
            self._carried_out(new, [under_way.task for under_way in older]))
        self._background.append(new)
        new.task.add_done_callback(lambda task: self._background_ended(new))

    def _background_ended(self, under_way):
        if under_way in self._background:  # else the host was closed: nobody is there to be told
            self._background.remove(under_way)
            self._report(under_way)
        under_way.task = None  # its error holds all that the message had in its hands

    def _report(self, under_way):
        message, asker, task = under_way.message, under_way.asker, under_way.task
        if task.cancelled():
            self.fail(message.name, MessageError(f"{message.name}: {under_way.reason}"), asker)
            return
        error = task.exception()
        if error is None:
            self.done(message, task.result(), asker)
        elif isinstance(error, PdbridgeError):
            self.fail(message.name, error, asker)
        else:
            log.error("%s %s", self.instrument_name, message.name, exc_info=error)
            text = f"{message.name}: an error in pdbridge itself: {error!r}"
            self.fail(message.name, text, asker)

    def close(self):
        """End the instrument: its patch is gone, or the server ends."""
        self._line_task.cancel()
        background, self._background = self._background, []
        for under_way in background:
            under_way.task.cancel()
        if self.instrument:
            self.instrument.close()


def _reached(future):
    if not future.done():
        future.set_result(None)
