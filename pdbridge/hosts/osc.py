"""Plain OSC as a host: TouchOSC, SuperCollider, Max, scripts.

All clients share one instrument of each name and the server's named arrays. A client that asks gets
``/done`` or ``/fail``; what instruments report goes to the clients that sent ``/notify 1``.
"""

import asyncio
import functools

import numpy as np

from pdbridge.errors import ArrayError, MessageError
from pdbridge.files import place_in
from pdbridge.hosts.host import SLICE, Host
from pdbridge.hosts.message import Argument
from pdbridge.hosts.wire import encode, numbers
from pdbridge.instruments import INSTRUMENTS

MOST_ARRAYS = 256
MOST_FLOATS = 1 << 26  # in all arrays together: 256 MiB
MOST_CLIENTS = 64  # that are told what instruments report
PACED = 0.002  # s between two answers of a long array
LONG_SLICE = 1 << 16  # floats of a long array that are written at a stretch


class Arrays:
    """The server's named arrays, float32, bounded in number and size."""

    def __init__(self):
        self._arrays = {}

    def __len__(self):
        return len(self._arrays)

    def get(self, name):
        try:
            return self._arrays[name]
        except KeyError:
            raise ArrayError(
                f"the server has no array {name}; write one with /array/set, or let a message "
                "such as /gansynth/randomize_z make it"
            ) from None

    def put(self, name, samples):
        """Replace an array, or make one."""
        self.check_room(name, len(samples))
        self._arrays[name] = samples

    def set(self, name, start, values):
        """Write values from index `start`; the array grows as needed."""
        old = self._arrays.get(name, np.zeros(0, np.float32))
        end = start + len(values)
        if end > len(old):
            self.check_room(name, end)
            old = self._arrays[name] = _grown(old, end)
        old[start:end] = values

    def check_room(self, name, length):
        """`ArrayError` when an array of this length does not fit."""
        held = sum(len(a) for n, a in self._arrays.items() if n != name)
        if held + length > MOST_FLOATS:
            raise ArrayError(f"array {name} does not fit: all arrays together hold at most "
                             f"{MOST_FLOATS} values")
        if name not in self._arrays and len(self._arrays) >= MOST_ARRAYS:
            raise ArrayError(f"array {name} does not fit: there are {MOST_ARRAYS} arrays already")


def _grown(array, length):
    """An array made longer with zeros, with room for more behind it: one that grows slice by slice
    is not copied every time."""
    room = array.base
    if room is None or len(room) < length:
        room = np.zeros(max(length, 2 * len(array)), np.float32)
        room[:len(array)] = array
    return room[:length]


class OSCHost(Host):
    """The instrument of one name that all plain OSC clients share.

    Parameters
    ----------
    server : pdbridge.server.Server
    instrument_name : str
    """

    def __init__(self, server, instrument_name):
        super().__init__(server, instrument_name, server.working_folder)
        self.instrument = INSTRUMENTS[instrument_name](self, server)
        self.instrument.start()

    # For the instrument

    async def read(self, array):
        return self.server.arrays.get(array).copy()

    async def write(self, array, samples):
        self.server.arrays.check_room(array, len(samples))
        self.server.arrays.put(array, np.array(samples, np.float32))

    async def write_long(self, array, length, read, on_progress):
        self.server.arrays.check_room(array, length)
        samples = np.empty(length, np.float32)
        for start in range(0, length, LONG_SLICE):
            count = min(LONG_SLICE, length - start)
            samples[start:start + count] = await read(start, count)
            on_progress(start / length)
            await asyncio.sleep(0)  # others have their turn
        self.server.arrays.put(array, samples)

    async def write_live(self, array, length, read, on_written):
        self.server.arrays.check_room(array, length)
        self.server.arrays.put(array, np.zeros(0, np.float32))
        for start in range(0, length, SLICE):
            samples = await read(start, min(SLICE, length - start))
            self.server.arrays.set(array, start, samples)
            on_written(start + len(samples))
            await asyncio.sleep(0)  # others have their turn

    async def check_array(self, array, length):
        self.server.arrays.check_room(array, length)

    async def prepare(self, array, length):
        self.server.arrays.set(array, length - 1, np.zeros(1, np.float32))
        await asyncio.sleep(0)  # there may be many, and a long one takes milliseconds

    def write_now(self, array, start, samples):
        self.server.arrays.set(array, start, samples)
        return True

    async def write_slice(self, array, start, samples, deadline, wanted=None):
        self.server.arrays.set(array, start, samples)
        await asyncio.sleep(0)  # 64 notes may have begun together

    def out(self, word, *atoms):
        self.server.notify(f"/{self.instrument_name}/{word}", *atoms)

    def done(self, message, answer, asker):
        if asker:
            self.server.send(encode("/done", message.address, *(answer or ())[1:]), asker)
        elif answer:  # a MIDI keyboard asked
            self.out(*answer)

    def failed(self, name, text, asker=None):
        packet = encode("/fail", f"/{self.instrument_name}/{name}", text)
        if asker:
            self.server.send(packet, asker)
        else:
            self.server.notify_packet(packet)

    def progress(self, fraction):
        under_way = self._under_way() or self._current
        if under_way:
            self.server.send(encode("/progress", under_way.message.address, float(fraction)),
                             under_way.asker)

    # From the wire

    def receive(self, name, values, asker=None):
        player = self._player()
        if player and name in player.shared:
            player.host.receive(name, values, asker)
        else:
            super().receive(name, values, asker)

    def _player(self):
        """The patch that plays for clients that declared no voices of their own, or None."""
        if self.instrument.playable:
            return None
        return self.server.player(self.instrument_name)

    def _method(self, message):
        player = self._player()
        if player and message.name in player.lent:
            return functools.partial(getattr(player, message.name + "_from"), self)
        return super()._method(message)


_NAME = Argument("name", "array")
_START = Argument("start", "whole", 0, MOST_FLOATS - 1)
_COUNT = Argument("count", "whole", 0, MOST_FLOATS)
_RATE = Argument("sample_rate", "whole", 1000, 768000)


def array_set(server, values, asker):
    """``/array/set name start value...``"""
    if len(values) < 2:
        raise MessageError("/array/set takes name start value...")
    name = _NAME.check(values[0])
    start, samples = values[1], numbers(values[2:])
    if isinstance(start, np.ndarray):  # the first of a long run
        start, samples = float(start[0]), start[1:]
    start = _START.check(start)
    if not len(samples):
        raise MessageError("/array/set takes name start value...")
    if start + len(samples) > MOST_FLOATS:
        raise ArrayError(f"array {name} would be longer than {MOST_FLOATS} values")
    server.arrays.set(name, start, samples)
    return ("/array/set", name, len(server.arrays.get(name)))


async def array_get(server, values, asker):
    """``/array/get name [start] [count]``"""
    if not 1 <= len(values) <= 3:
        raise MessageError("/array/get takes name [start] [count]")
    name = _NAME.check(values[0])
    array = server.arrays.get(name)
    start = _START.check(values[1]) if len(values) > 1 else 0
    count = _COUNT.check(values[2]) if len(values) > 2 else len(array)
    part = array[start:start + count]  # as it is when it is sent: a copy may be 256 MiB
    for index in range(0, len(part), SLICE):
        piece = part[index:index + SLICE]
        server.send(encode("/array/values", name, start + index, piece), asker)
        await asyncio.sleep(PACED)
    return ("/array/get", name, len(part))


async def array_write(server, values, asker):
    """``/array/write name file.wav [sample_rate]``"""
    if not 2 <= len(values) <= 3:
        raise MessageError("/array/write takes name file.wav [sample_rate]")
    from pdbridge.audio import write_wav

    name = _NAME.check(values[0])
    file = Argument("file", "file").check(values[1])
    rate = _RATE.check(values[2]) if len(values) > 2 else 16000
    samples = server.arrays.get(name)
    path = place_in([server.working_folder, *server.folders], file, ".wav")
    await asyncio.get_running_loop().run_in_executor(None, write_wav, path, samples, rate)
    return ("/array/write", path.as_posix())
