"""The server: one UDP port, its peers, and the workers that hold the models.

It imports no TensorFlow. Everything that needs no network (messages, ready keys, arrays, MIDI) it
answers itself, in one event loop that never waits; the rest are jobs for workers.
"""

import asyncio
import contextlib
import importlib
import logging
import os
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path

from pdbridge import __version__
from pdbridge.errors import CheckpointError, MessageError, PdbridgeError, ServerError
from pdbridge.hosts import osc
from pdbridge.hosts.message import Argument, shown
from pdbridge.hosts.puredata import PureDataHost
from pdbridge.hosts.wire import LARGEST_PACKET, decode, encode
from pdbridge.instruments import INSTRUMENTS
from pdbridge.instruments.grids import FIRST_GRID, FirstGrid, open_grid
from pdbridge.jobs import Worker
from pdbridge.places import BUILT_IN_MODEL, PORT, find_model, find_playable, find_sing

GANSYNTH = "pdbridge.gansynth.served:ServedGANSynth.load"
SING = "pdbridge.sing.served:ServedSING.load"

MOST_PEERS = 64  # objects in patches
MOST_INBOXES = 512  # addresses that packets wait from
MOST_PACKETS = 4096  # that wait from one address
MOST_BYTES = 64 << 20  # that wait from all together
RECEIVE_BUFFER = 4 << 20  # bytes asked for; the system may give less
AT_A_STRETCH = 0.002  # s of carrying out packets before new ones are taken in
MOST_SLOW = 64  # commands under way that take longer, such as /sync and /array/get
SWEEP = 2.0  # s between two looks for patches that were closed

# Packets of patch objects; everything else is plain OSC. See docs/protocol.md.
_FROM_PATCHES = ("/new", "/remembered", "/msg", "/alive", "/array", "/size", "/synced")
# Answers of another server that was mistaken for a client: an answer to them would never end.
_ANSWERS = ("/done", "/fail", "/progress")
_REPLY_PORT = Argument("the port of /notify", "whole", 1024, 65535)

log = logging.getLogger("pdbridge")


class Server:
    """Everything between the socket and the workers.

    Parameters
    ----------
    host, port : str, int
        Where to listen; port 0 takes a free one.
    model : str or None
        Name, folder or file of the model, a GANSynth or a SING, that instruments have until they load
        another.
    folders : sequence of str or Path
        Folders besides the patch's where messages may read and write files.
    loader, sing_loader : str
        ``module:callable`` that loads a GANSynth, or a SING, in the worker.
    announce : callable
        Takes lines for the person who started the server.
    grid : str
        Name or file of the note grid that nsynth plays until it loads another.

    Attributes
    ----------
    counts : dict of str to int
        What happened since the start: "packets" received, "dropped" ones (malformed, or too many),
        "failed" messages, slices "lost" on the way to a patch, notes whose rest came too "late".
    """

    def __init__(self, host="127.0.0.1", port=PORT, model=None, folders=(), loader=GANSYNTH,
                 announce=print, grid=FIRST_GRID, sing_loader=SING):
        self.loop = asyncio.get_running_loop()
        self.announce = announce
        self.loader = loader  # of GANSynths; the first grid is made with it, too
        self._loaders = {"gansynth": loader, "sing": sing_loader}
        self.default_grid = grid
        self.working_folder = Path.cwd()
        self.folders = [Path(folder).resolve() for folder in folders]
        self.arrays = osc.Arrays()
        self.first_grid = FirstGrid(self)
        self.counts = dict.fromkeys(("packets", "dropped", "failed", "lost", "late"), 0)
        self._started = time.monotonic()
        self._default_kind, default = find_playable(model, self.working_folder) if model else ("none", None)
        self._socket = _listening_socket(host, port)
        self._peers = {}  # address -> PureDataHost
        self._osc_hosts = {}  # instrument name -> OSCHost
        # what came from here -> (where its answers go, whether reports go there, too); oldest first
        self._clients = {}
        self._workers = {}  # folder -> [Worker, how many use it]
        self._players = []  # instruments that have voices, the newest last
        self._default = None  # (folder, Worker) once it is loaded
        self._default_is_loading = bool(model)
        self._want_default = []
        self._inboxes = {}  # address -> deque of packets, and of messages that came in bundles
        self._bytes = 0  # in the inboxes
        self._carrying_out = False
        self._tasks = set()
        self._slow_commands = set()  # those of the tasks that /sync waits for
        self._last_complaint = 0.0
        self._silence_was_announced = False
        self._stopped = asyncio.Event()
        self.address = self._socket.getsockname()
        self.loop.add_reader(self._socket, self._take_in)
        self._start_task(self._sweep())
        # takes 0.1 s, which the first note shall not wait for
        self.loop.run_in_executor(None, importlib.import_module, "soxr")
        for name in INSTRUMENTS:
            self._osc_hosts[name] = osc.OSCHost(self, name)
        if default:
            self._start_task(self._load_default(default))

    async def run(self):
        """Serve until `stop` is called."""
        await self._stopped.wait()

    def stop(self):
        self._stopped.set()

    def close(self):
        """End the workers and let go of the port."""
        self.loop.remove_reader(self._socket)
        for host in [*self._peers.values(), *self._osc_hosts.values()]:
            host.close()
        for task in list(self._tasks):
            task.cancel()
        for worker, _ in self._workers.values():
            worker.close()
        self._socket.close()

    def _start_task(self, coroutine):
        task = self.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Packets in and out

    def _take_in(self):
        """Empty the socket into the inboxes, so that the system never has to drop a packet."""
        for _ in range(MOST_PACKETS):  # then what came in has its turn, however much still comes
            try:
                packet, address = self._socket.recvfrom(LARGEST_PACKET + 1)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                continue  # Windows and Linux report here that an earlier packet found nobody
            self.counts["packets"] += 1
            inbox = self._inboxes.get(address)
            if inbox is None and len(self._inboxes) < MOST_INBOXES:
                inbox = self._inboxes[address] = deque()
            if inbox is None or len(inbox) >= MOST_PACKETS or self._bytes > MOST_BYTES:
                self.counts["dropped"] += 1
            else:
                inbox.append(packet)
                self._bytes += len(packet)
        if not self._carrying_out and self._inboxes:
            self._carrying_out = True
            self._carry_out()

    def _carry_out(self):
        """Carry out what is in the inboxes, one message of each in turn, for a short stretch."""
        until = time.monotonic() + AT_A_STRETCH
        while self._inboxes:
            address, inbox = next(iter(self._inboxes.items()))
            del self._inboxes[address]
            if inbox:
                self._carry_out_first(inbox, address)
            if inbox:
                self._inboxes[address] = inbox  # behind the others
            if time.monotonic() > until:
                self.loop.call_soon(self._carry_out)
                return
        self._carrying_out = False

    def _carry_out_first(self, inbox, address):
        message = inbox.popleft()
        if isinstance(message, bytes):
            self._bytes -= len(message)
            try:
                message, *others = decode(message) or [None]
            except MessageError as error:
                self.counts["dropped"] += 1
                self._complain(address, "/", error)
                return
            inbox.extendleft(reversed(others))
        if message is None:
            return  # an empty bundle
        name, values = message
        with self._errors_answered(name, address):
            self._message(name, values, address)

    @contextlib.contextmanager
    def _errors_answered(self, name, address):
        """What goes wrong inside is counted and told to the sender, and the server goes on."""
        try:
            yield
        except PdbridgeError as error:
            self.counts["failed"] += 1
            self._complain(address, name, error)
        except Exception as error:
            self.counts["failed"] += 1
            log.exception("%s from %s", name, address)
            self._complain(address, name, f"an error in pdbridge itself: {error!r}")

    def _message(self, name, values, address):
        if name in _FROM_PATCHES:
            self._peer(address).packet(name, values)
            return
        command = _COMMANDS.get(name)
        if command is not None:
            self._command(name, command, values, address)
            return
        if name in _ANSWERS:
            self.counts["dropped"] += 1
            return
        _, _, rest = name.partition("/")
        instrument, _, message = rest.partition("/")
        host = self._osc_hosts.get(instrument)
        if host is None:
            raise MessageError(f"unknown address {shown(name)}; 'pdbridge messages' lists them")
        host.receive(message, values, address)

    def _peer(self, address):
        peer = self._peers.get(address)
        if peer is None:
            if len(self._peers) >= MOST_PEERS:
                raise MessageError(f"{MOST_PEERS} objects use this server already; close a patch")
            peer = self._peers[address] = PureDataHost(self, address)
        return peer

    def _command(self, name, command, values, address):
        answer = command(self, values, address)
        if asyncio.iscoroutine(answer):
            if len(self._tasks) >= MOST_SLOW:
                answer.close()
                raise MessageError(f"{MOST_SLOW} commands are under way; wait for their answers")
            task = self._start_task(self._answer_later(name, answer, address))
            if name != "/sync":
                self._slow_commands.add(task)
                task.add_done_callback(self._slow_commands.discard)
        elif answer:
            self.send(encode("/done", *answer), address)

    async def _answer_later(self, name, coroutine, address):
        with self._errors_answered(name, address):
            answer = await coroutine
            if answer:
                self.send(encode("/done", *answer), address)

    def _complain(self, address, name, error):
        """``/fail``; at most 50 a second to senders of nonsense, who may not understand it."""
        now = time.monotonic()
        if name not in _COMMANDS:
            if now - self._last_complaint < 0.02:
                return
            self._last_complaint = now
        self.send(encode("/fail", shown(name, 200).strip("'"), str(error)), address)

    def send(self, packet, address):
        """Send one packet; a receiver that is gone is noticed elsewhere."""
        address, _ = self._clients.get(address, (address, False))
        with contextlib.suppress(ConnectionError):
            try:
                self._socket.sendto(packet, address)
            except (BlockingIOError, OSError) as error:
                self.counts["lost"] += 1
                log.debug("a packet to %s could not be sent: %s", address, error)

    def notify(self, address, *arguments):
        """Tell the clients that sent ``/notify 1``."""
        if self._clients:
            self.notify_packet(encode(address, *arguments))

    def notify_packet(self, packet):
        for client, (_, wants_reports) in self._clients.items():
            if wants_reports:
                self.send(packet, client)

    # The server's own commands

    def _status(self, values, address):
        self.send(encode("/status.reply", *(x for pair in self.status().items() for x in pair)),
                  address)

    def status(self):
        """What is loaded, ready, waiting and lost, as plain values by name."""
        player = self.player()
        keyboard = player.keyboard if player else None
        nsynth = self.player("nsynth")
        path, worker = self._default or (None, None)
        workers = [worker for worker, _ in self._workers.values()]
        hosts = [*self._peers.values(), *self._osc_hosts.values()]
        return {
            "version": __version__,
            "seconds": int(time.monotonic() - self._started),
            "model": path.name if path else "none",
            "worker": (worker.pid or 0) if worker else 0,
            "workers": len(workers),
            "restarts": sum(worker.restarts for worker in workers),
            "jobs": sum(worker.waiting for worker in workers),
            "patches": len(self._peers),
            "players": len(self._players),
            "ready": keyboard.ready if keyboard else 0,
            "keys": keyboard.keys if keyboard else 0,
            "grid": nsynth.grid_name if nsynth else "none",
            "arrays": len(self.arrays),
            "waiting": sum(host.in_line for host in hosts),
            **self.counts,
            "overflowed": _overflowed(self._socket),
        }

    def _version(self, values, address):
        self.send(encode("/version.reply", "pdbridge", __version__), address)

    def _notify_command(self, values, address):
        """``/notify 1|0 [port]``: the port is where a client listens that sends from another one."""
        if (not 1 <= len(values) <= 2 or not isinstance(values[0], (int, float))
                or values[0] not in (0, 1)):
            raise MessageError("/notify takes 1 (tell me) or 0 (stop), and the port where this client "
                               "listens if that is another one than it sends from")
        port = _REPLY_PORT.check(values[1]) if len(values) > 1 else address[1]
        if port == self.address[1]:
            raise MessageError(f"/notify: {port} is the server's own port; listen on another one")
        self._clients.pop(address, None)
        answers = (address[0], port, *address[2:])  # never on another computer
        if values[0] or answers != address:
            # whoever was there before it (a patch that was opened again) has gone
            for client in [c for c, (its_answers, _) in self._clients.items() if its_answers == answers]:
                del self._clients[client]
            self._clients[address] = (answers, bool(values[0]))
            while len(self._clients) > osc.MOST_CLIENTS:
                del self._clients[next(iter(self._clients))]
        return ("/notify",)

    async def _sync(self, values, address):
        if len(values) != 1 or not isinstance(values[0], (int, float)):
            raise MessageError("/sync takes a number")
        before = [*(host.passed() for host in self._osc_hosts.values()), *self._slow_commands]
        await asyncio.wait(before)
        self.send(encode("/synced", values[0]), address)

    def _quit(self, values, address):
        self.send(encode("/done", "/quit"), address)
        self.stop()

    # For instruments and hosts

    def find_model(self, name, folder):
        """The folder of a model: relative to the patch, the working directory, or models/."""
        try:
            return find_model(name, folder)
        except (OSError, RuntimeError) as error:  # a name too long, no such ~user
            raise CheckpointError(f"{shown(name)} is not the name of a folder: {error}") from None

    def patch_folder(self, folder):
        """The folder a patch says it lies in; the working folder where there is no such folder."""
        path = Path(str(folder))
        with contextlib.suppress(OSError):  # a name too long, a folder nobody may look into
            if path.is_dir():
                return path
        return self.working_folder

    def find_sing(self, name, folder):
        """The file of a SING: relative to the patch, the working directory, models/ or the cache."""
        try:
            return find_sing(name, folder)
        except (OSError, RuntimeError) as error:  # a name too long, no such ~user
            raise CheckpointError(f"{shown(name)} is not the name of a file: {error}") from None

    async def lend(self, path, on_progress=None, kind="gansynth"):
        """The worker that holds the model at a path, started when it is not there yet.

        `kind` is "gansynth" or "sing".
        """
        entry = self._workers.get(path)
        if entry is None or entry[0].state == "failed":
            entry = self._workers[path] = [Worker(path, self._loaders[kind]), 0]
        worker = entry[0]
        entry[1] += 1
        if on_progress:
            worker.on_progress.append(on_progress)
        try:
            await worker.loaded()
        except BaseException:
            self.give_back(worker)
            raise
        finally:
            if on_progress:
                worker.on_progress.remove(on_progress)
        return worker

    def give_back(self, worker):
        """The worker is not used any more by one who borrowed it; the last one ends it."""
        for path, entry in list(self._workers.items()):
            if entry[0] is worker:
                entry[1] -= 1
                if entry[1] <= 0:
                    del self._workers[path]
                    worker.close()

    async def _load_default(self, path):
        try:
            worker = await self.lend(path, kind=self._default_kind)
            pitches = worker.description["pitches"]
            self._default = (path, worker)
            self.announce(f"pdbridge: {path.name} is loaded, pitches {pitches[0]} to {pitches[-1]}")
        except PdbridgeError as error:
            self.announce(f"pdbridge: {error}")
        self._default_is_loading = False
        waiting, self._want_default = self._want_default, []
        for take in waiting:
            self._give_default(take)

    def when_default_model(self, take, kind="gansynth"):
        """Call ``take(name, worker)`` with the server's own model once it is loaded.

        It is called with ``(None, None)`` when there is none of this kind ("gansynth" or "sing"); it
        returns whether it takes it.
        """
        if kind != self._default_kind:
            self.loop.call_soon(take, None, None)
        elif self._default_is_loading:
            self._want_default.append(take)
        else:
            self.loop.call_soon(self._give_default, take)

    def _give_default(self, take):
        path, worker = self._default or (None, None)
        if worker and worker.state == "failed":  # it died again and again: once more for this one
            self._default, self._default_is_loading = None, True
            self._want_default.append(take)
            self._start_task(self._load_default(path))
        elif take(path and path.name, worker):
            self._workers[path][1] += 1

    def playing(self, instrument):
        """An instrument has voices now: MIDI and plain OSC notes go to the newest of them."""
        self.not_playing(instrument)
        self._players.append(instrument)
        self._silence_was_announced = False

    def not_playing(self, instrument):
        if instrument in self._players:
            self._players.remove(instrument)

    def player(self, name=None):
        """The newest instrument that has voices, or None; the newest of this name, if one is given.

        MIDI goes to the newest of all, plain OSC to the newest of the name in its address.
        """
        players = [p for p in self._players if name in (None, p.host.instrument_name)]
        return players[-1] if players else None

    def midi(self, message):
        """Play a MIDI message (mido) on the newest instrument that has voices."""
        player = self.player()
        if player is None:
            self._complain_of_silence()
            return
        try:
            if message.type == "note_on":
                player.note_on(message.note, message.velocity)
            elif message.type == "note_off":
                player.note_off(message.note)
            elif message.type == "control_change" and message.control == 64:
                player.sustain(message.value)
            elif message.type == "control_change" and message.control in (120, 123):
                player.panic()
            elif message.type == "program_change":
                player.program_change()
        except PdbridgeError as error:
            player.host.fail(message.type, error)

    def _complain_of_silence(self):
        """Say, once until a patch has voices, that MIDI comes in and nothing can play it."""
        self.counts["failed"] += 1
        if not self._silence_was_announced:
            self._silence_was_announced = True
            self.announce("pdbridge: MIDI comes in, but no patch has voices to play it; open "
                          "patches/gansynth.pd, nsynth.pd or sing.pd (pdbridge patches says where)")

    async def _sweep(self):
        """Let go of objects whose patch was closed."""
        while True:
            await asyncio.sleep(SWEEP)
            for address, peer in list(self._peers.items()):
                if peer.gone:
                    del self._peers[address]
                    peer.close()


_COMMANDS = {
    "/status": Server._status,
    "/version": Server._version,
    "/notify": Server._notify_command,
    "/sync": Server._sync,
    "/quit": Server._quit,
    "/array/set": osc.array_set,
    "/array/get": osc.array_get,
    "/array/write": osc.array_write,
}


def _listening_socket(host, port):
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        listening = socket.socket(family, kind)
    except OSError as error:
        raise ServerError(f"cannot listen on {host}: {error}") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise ServerError(
            f"cannot listen on {host} port {port}: {error.strerror}; is another server running? "
            "(--port N takes another port)"
        ) from None
    listening.setblocking(False)
    return listening


def _overflowed(listening):
    """Packets that the system dropped because the socket's buffer was full; Linux tells."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        inode = str(os.fstat(listening.fileno()).st_ino)
        table = "/proc/net/udp6" if listening.family == socket.AF_INET6 else "/proc/net/udp"
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] == inode:
                return int(fields[12])
    return 0


def serve(host="127.0.0.1", port=PORT, model=BUILT_IN_MODEL, midi_in=None, folders=(),
          announce=print, loader=GANSYNTH, grid=None, sing_loader=SING):
    """Run a server until it is told to quit or interrupted.

    Parameters
    ----------
    host, port : str, int
        Where to listen.
    model : str or None
        Name, folder or file of the model, a GANSynth or a SING, that instruments have until they load
        another.
    midi_in : str or None
        Name (or a part of it) of the MIDI port to play from.
    folders : sequence of str or Path
        Folders besides the patches' where messages may read and write files.
    announce : callable
        Takes lines for the person who started the server.
    loader, sing_loader : str
        ``module:callable`` that loads a GANSynth, or a SING, in the worker.
    grid : str or None
        Name or file of the note grid that nsynth plays until it loads another; None: the first grid.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    ServerError
        The port is taken, or there is no such MIDI port.
    CheckpointError
        There is no such model.
    GridError
        There is no such grid, or it cannot be used.
    """
    # asyncio's other loop of Windows cannot watch UDP sockets
    factory = asyncio.SelectorEventLoop if sys.platform == "win32" else None
    loop = factory() if factory else asyncio.new_event_loop()
    try:
        return loop.run_until_complete(
            _serve(host, port, model, midi_in, folders, announce, loader, grid or FIRST_GRID, sing_loader))
    finally:
        loop.close()


async def _serve(host, port, model, midi_in, folders, announce, loader, grid, sing_loader):
    if grid != FIRST_GRID:  # a wrong name shall be said here, before anybody gets an answer
        with await open_grid(grid, None, [Path.cwd()]) as opened:
            grid = str(opened.path)
    server = Server(host, port, model, folders, loader, announce, grid, sing_loader)
    for name in ("SIGINT", "SIGTERM"):
        with contextlib.suppress(NotImplementedError, ValueError, AttributeError):
            server.loop.add_signal_handler(getattr(signal, name), server.stop)
    listening = contextlib.nullcontext()
    try:
        if midi_in:
            from pdbridge.midi import listen

            listening = listen(midi_in, server)
        with listening:
            announce(f"pdbridge: listening on {server.address[0]} port {server.address[1]}")
            if not _loopback(server.address[0]):
                announce("pdbridge: anyone who reaches this address can play, load models and stop "
                         "the server; use it only in a network you trust")
            await server.run()
    finally:
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return 0


def _loopback(address):
    return address.startswith("127.") or address == "::1"
