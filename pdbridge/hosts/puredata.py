"""Vanilla Pure Data as a host: the far end of ``patches/pyext..pd``.

The packets are those of ``docs/protocol.md``. Each object ``[pyext. ...]`` in a patch is one
`PureDataHost`, known by the address of its socket.
"""

import asyncio
import heapq
import itertools
import math
import time

import numpy as np

from pdbridge.errors import ArrayError, HostError, MessageError
from pdbridge.hosts.host import SLICE, Host
from pdbridge.hosts.wire import encode, numbers
from pdbridge.instruments import find_instrument

ON_THEIR_WAY = 2  # slices sent and not acknowledged yet
URGENT_ON_THEIR_WAY = 6  # the first slices of notes may go ahead of those, up to this many
LONGEST_ARRAY = 1 << 24  # floats that are read
LONGEST_ANSWER = 3.0  # s, from Pd, which answers within milliseconds
PATIENCE = 10.0  # s without a sign of life after which the patch counts as closed
GROWTH = 8192  # floats an array grows by in one message: 16,384 take longer than 0.3 ms
MOST_WHILE_UNKNOWN = 256  # messages kept while an object is asked who it is
MOST_ANSWERS = 16  # kept to a question that has one


class Slots:
    """Paces slices: at most `ON_THEIR_WAY`, the earliest deadline first.

    Everything to one object goes through its socket in order, so a slice counts as arrived when
    the ``/sync`` sent behind it is answered.
    """

    def __init__(self):
        self._taken = 0
        self._waiting = []
        self._numbers = itertools.count()

    def take_now(self):
        """Take a slot out of turn; False when too many are taken even for that."""
        if self._taken >= URGENT_ON_THEIR_WAY:
            return False
        self._taken += 1
        return True

    async def take(self, deadline):
        if self._taken < ON_THEIR_WAY and not self._waiting:
            self._taken += 1
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (deadline, next(self._numbers), future))
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.free()
            raise

    def free(self):
        self._taken -= 1
        while self._waiting and self._taken < ON_THEIR_WAY:
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                self._taken += 1
                future.set_result(None)


class PureDataHost(Host):
    """One object ``[pyext. pdbridge.pyext gansynth]`` in a patch.

    Parameters
    ----------
    server : pdbridge.server.Server
    address : (str, int)
        Where the object's socket is.
    """

    def __init__(self, server, address):
        super().__init__(server, "", ".")
        self.address = address
        self.heard = time.monotonic()
        self._loop = asyncio.get_running_loop()
        self._slots = Slots()
        self._sync_numbers = itertools.count(1)
        self._syncs = {}  # number -> function to call when it is answered
        self._asking = asyncio.Lock()  # one question about arrays at a time
        self._answers = []
        self._until_introduced = []
        self._introduction = None  # what /new said
        self._refused = None  # the error, when it named no instrument
        self._restored = False
        self._asked_who = 0.0
        self._lost = 0  # slices
        self._remembering = None

    # What comes from the object

    def packet(self, address, values):
        """One message from the object's socket."""
        self.heard = time.monotonic()
        if address == "/synced":
            self._synced(values)
        elif address in ("/array", "/size"):
            if self._asking.locked() and len(self._answers) < MOST_ANSWERS:
                self._answers.append(values)
        elif address == "/alive":
            self.send("/alive")
        elif address == "/new":
            self._introduced(values)
        elif address == "/remembered":
            self._restore(values)
        elif address == "/msg":
            self._message(values)
        if self._introduction is None and address in ("/msg", "/alive"):
            self._ask_who()

    def _ask_who(self):
        now = time.monotonic()
        if now - self._asked_who > 0.5:
            self._asked_who = now
            self.send("/who")

    def _introduced(self, values):
        """``/new folder argument...``: make the instrument that the object's arguments name."""
        if values == self._introduction:
            return  # the answer to a second /who, which came while Pd was busy
        if self.instrument is not None:
            self.cancel_line()
            self.instrument.close()
            self.instrument = None
        self._introduction, self._refused, self._restored = values, None, False
        try:
            folder, *arguments = values or ["."]
            self.instrument_name, make = find_instrument(arguments)
            self.folder = self.server.patch_folder(folder)
        except (MessageError, ValueError) as error:
            self.instrument_name, self._refused = "pyext.", error
            self.fail("new", error)
            return
        self.instrument = make(self, self.server)
        self.instrument.start()

    def _restore(self, values):
        """``/remembered``: what a server before this one asked to keep, then what had to wait."""
        if self.instrument is None or self._restored:
            return
        self._restored = True
        remembered = list(_messages_in(values))
        self.instrument.restore(remembered)
        waiting, self._until_introduced = self._until_introduced, []
        for name, *arguments in remembered + waiting:
            self.receive(name, arguments)

    def _message(self, values):
        if len(values) < 2:
            return  # a bang: no instrument has one
        name, arguments = _selector(values[1:])
        if self.instrument is not None:
            self.receive(name, arguments)
        elif self._refused:
            self.fail(name, self._refused)
        elif len(self._until_introduced) < MOST_WHILE_UNKNOWN:
            self._until_introduced.append((name, *arguments))
        else:
            self.server.counts["dropped"] += 1

    def receive(self, name, values, asker=None):
        if name not in self.instrument.passes_over:
            super().receive(name, values, asker)

    def _synced(self, values):
        number = values[0] if values and isinstance(values[0], (int, float)) else None
        if number not in self._syncs:
            return
        for older in list(itertools.takewhile(lambda other: other != number, self._syncs)):
            if self._syncs[older] == self._slots.free:  # Pd is past it: it was lost on the way
                self._give_up(older)
        self._syncs.pop(number)()

    # What goes to the object

    def send(self, address, *arguments):
        self.server.send(encode(address, *arguments), self.address)

    def _sync(self, action):
        """Call `action` when everything sent so far is done in Pd, or is given up."""
        number = next(self._sync_numbers) % (1 << 24)  # exact as a float32
        self._syncs[number] = action
        self.send("/sync", number)
        return number

    def write_now(self, array, start, samples):
        if self._slots.take_now():
            self._send_slice(array, start, samples)
            return True
        return False

    async def write_slice(self, array, start, samples, deadline, wanted=None):
        await self._slots.take(deadline)
        if wanted and not wanted():
            self._slots.free()
        else:
            self._send_slice(array, start, samples)

    def _send_slice(self, array, start, samples):
        self.send("/set", array, float(start), samples)
        self._free_when_done()

    def _free_when_done(self):
        """Give the slot back when Pd is past what was sent last."""
        number = self._sync(self._slots.free)
        self._loop.call_later(LONGEST_ANSWER, self._give_up, number)

    def _give_up(self, number):
        """What is not acknowledged was lost: let the next one go."""
        action = self._syncs.pop(number, None)
        if action:
            self._lost += 1
            self.server.counts["lost"] += 1
            action()

    async def _synchronize(self):
        """Wait until Pd did everything sent before; `HostError` when it does not answer."""
        done = self._loop.create_future()
        number = self._sync(lambda: done.done() or done.set_result(None))
        # wait_for, before Python 3.12, passes over a cancellation that comes together with the answer
        await asyncio.wait([done], timeout=LONGEST_ANSWER)
        if not done.done():
            self._syncs.pop(number, None)
            raise HostError("the patch does not answer; is Pd stopped or busy?")

    async def _ask(self, address, *arguments):
        """Send a question about an array; the values of all answers that came back."""
        async with self._asking:
            self._answers = []
            self.send(address, *arguments)
            await self._synchronize()
            return self._answers

    async def _size(self, array):
        answers = await self._ask("/size", array)
        for name, count in (a for a in answers if len(a) == 2):
            if str(name) == array and isinstance(count, (int, float)) and 0 <= count < math.inf:
                return int(count)
        raise ArrayError(f"there is no array {array} in the patch")

    async def read(self, array):
        pieces, start = [], 0
        while True:
            piece = await self._read_slice(array, start)
            pieces.append(piece)
            start += len(piece)
            if len(piece) < SLICE:
                return np.concatenate(pieces)
            if start >= LONGEST_ARRAY:
                raise ArrayError(f"array {array} is longer than {LONGEST_ARRAY} samples")

    async def _read_slice(self, array, start):
        for answer in await self._ask("/get", array, start, SLICE):
            if len(answer) >= 2 and str(answer[0]) == array:
                first, *_ = values = numbers(answer[1:])
                if first == start:  # or it is a late answer to an older question
                    return values[1:]
        if start:
            return np.zeros(0, np.float32)
        raise ArrayError(f"there is no array {array} in the patch")

    async def write(self, array, samples):
        samples = np.asarray(samples, np.float32)

        async def read(start, count):
            return samples[start:start + count]

        await self._write(array, len(samples), read, self._loop.time)

    async def write_long(self, array, length, read, on_progress):
        await self._write(array, length, read, lambda: math.inf,
                          lambda written: on_progress(written / length))

    async def write_live(self, array, length, read, on_written):
        # a patch may keep it as long as it wants: where making an array longer copies it, that costs
        await self._write(array, length, read, lambda: math.inf, on_written, shorten=False)

    async def _write(self, array, length, read, deadline, on_written=lambda written: None,
                     shorten=True):
        """Write what `read` gives, slice by slice, into an array that gets as long as that."""
        size = await self._size(array)
        if size > length and shorten:
            self.send("/resize", array, _single(length))
        lost = self._lost
        for start in range(0, length, SLICE):
            samples = await read(start, min(SLICE, length - start))
            if start + len(samples) > size:
                size = min(start + GROWTH, length)
                await self._resize_slice(array, size, deadline())
            await self.write_slice(array, start, samples, deadline())
            self._check_arrived(array, lost)
            on_written(start + len(samples))
        size = await self._size(array)  # also waits until Pd did all that; it may have deleted the array
        self._check_arrived(array, lost)
        if size < length:
            raise ArrayError(f"array {array} was made shorter while it was written; please repeat")

    def _check_arrived(self, array, lost):
        if self._lost > lost:
            raise HostError(f"a part of array {array} was lost on the way to Pd; please repeat")

    async def check_array(self, array, length):
        await self._size(array)

    async def prepare(self, array, length):
        size, lost = await self._size(array), self._lost
        while size < length:
            size = min(size + GROWTH, length)
            await self._resize_slice(array, size, self._loop.time())
            self._check_arrived(array, lost)
        await self._synchronize()
        self._check_arrived(array, lost)

    async def _resize_slice(self, array, length, deadline):
        """Resize an array when it is its turn: that costs Pd as much as a slice."""
        await self._slots.take(deadline)
        self.send("/resize", array, _single(length))
        self._free_when_done()

    def out(self, word, *atoms):
        self.send("/out", word, *atoms)
        self.server.notify(f"/{self.instrument_name}/{word}", *atoms)

    def remember(self, remembered):
        atoms = [atom for message in remembered for atom in (len(message), *message)]
        if atoms != self._remembering:
            self._remembering = atoms
            self.send("/remember", *atoms)

    def done(self, message, answer, asker):
        if answer and message.own_selector:
            self.send("/message", *answer)
            self.server.notify(f"/{self.instrument_name}/{answer[0]}", *answer[1:])
        elif answer:
            self.out(*answer)
        if asker:  # an OSC client, whose message this patch plays
            self.server.send(encode("/done", message.address, *(answer or ())[1:]), asker)

    def failed(self, name, text, asker=None):
        if asker:
            self.server.send(encode("/fail", f"/{self.instrument_name}/{name}", text), asker)
            return
        self.out("fail", name, text)
        self.send("/print", text if text.startswith(name) else f"{name}: {text}")

    @property
    def gone(self):
        """Whether the object has been silent for so long that its patch must be closed."""
        return time.monotonic() - self.heard > PATIENCE


def _messages_in(atoms):
    """The messages that `PureDataHost.remember` packed into a list; what is damaged is left out."""
    *atoms, last = atoms or [None]
    atoms += last.tolist() if isinstance(last, np.ndarray) else [last]  # a long run of numbers
    atoms = [atom for atom in atoms if isinstance(atom, (int, float, str))]
    while atoms:
        count = atoms.pop(0)
        if isinstance(count, str) or not 1 <= count <= len(atoms) or not isinstance(atoms[0], str):
            return
        yield atoms[:int(count)]
        del atoms[:int(count)]


def _single(count):
    """The smallest whole number from `count` on that Pd's single-precision floats hold exactly."""
    step = 2 ** max(0, count.bit_length() - 24)
    return -(-count // step) * step


def _selector(atoms):
    """Name and arguments of a message of Pd: a number in front makes it a list or a float."""
    if isinstance(atoms[0], str):
        return atoms[0], atoms[1:]
    return ("float" if len(atoms) == 1 else "list"), atoms
