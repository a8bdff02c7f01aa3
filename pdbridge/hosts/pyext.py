"""The py/pyext external as a host: what the classes of `pdbridge.pyext` do inside Pd.

An object talks with the server as ``patches/pyext..pd`` does, see ``docs/protocol.md``, and starts one
where none answers. Python runs inside Pd here, so this is small: no event loop, no models.

A message that comes into the box leaves as one packet, in whichever thread pyext calls, and nothing waits.
What the server says is read by a thread of the object. It holds Pd's lock while it touches an array, the
outlet or the console: the external hands over to Pd's thread only what its own threads do.
"""

import contextlib
import ctypes
import math
import os
import selectors
import shutil
import socket
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np

from pdbridge import places
from pdbridge.errors import HostError, MessageError, ServerError
from pdbridge.hosts.wire import LARGEST_PACKET, decode, encode, numbers

OUTLET = 1
INLET = 1.0  # as the server hears of it
ALIVE = 1.0  # s between two signs of life
KNOCK = 0.25  # s between two tries to reach a server
SILENCE = 3.0  # s without a packet after which the server counts as gone
COURTESY = 5.0  # s in which somebody else may start the server again that they started
PAUSE = 5.0  # s between two starts of a server; twice as long each time that none answers, up to
LONGEST_PAUSE = 60.0
MOST_WAITING = 256  # messages kept until the first server answers
MOST_AT_ONCE = 32  # packets carried out while Pd stands still
LONGEST_SLICE = 4096  # floats of an answer
LARGEST_LOG = 1 << 20  # bytes
RECEIVE_BUFFER = 1 << 20  # bytes asked for; the system may give less


class NotInPdError(HostError, ImportError):
    """`pdbridge.pyext` was imported where the py/pyext external of Pd is not."""


class PdLock:
    """What keeps other threads out while one is in Pd: ``sys_lock`` and ``sys_unlock`` of its m_pd.h.

    Not reentrant: Pd's own thread has it already whenever it calls us.
    """

    def __init__(self):
        for name in ("pd.dll", "pd64.dll") if sys.platform == "win32" else (None,):
            with contextlib.suppress(OSError, AttributeError):
                library = ctypes.CDLL(name)
                self._take, self._free = library.sys_lock, library.sys_unlock
                self._take.restype = self._free.restype = None
                return
        raise HostError("this Pd has no sys_lock, without which no thread may send to it; leave the py "
                        "external away, then Pd takes pyext..pd from the folder that 'pdbridge patches' names")

    def __enter__(self):
        self._take()

    def __exit__(self, *_):
        self._free()


class Connection:
    """Between one box in a patch and the server.

    Parameters
    ----------
    box : pyext._class
        Is not kept alive. Only its ``_outlet`` is used.
    buffer : class
        ``pyext.Buffer``.
    folder : str
        Of the patch.
    name : str
        Of the instrument.
    arguments : list of float and str
        What stands behind the name in the box; ``port 9701`` at its end is for us.

    Raises
    ------
    MessageError
        The port is none.
    HostError
        This Pd lets no threads in.
    """

    def __init__(self, box, buffer, folder, name, arguments):
        self.port, arguments = find_port(arguments)
        self._box, self._buffer, self._folder = weakref.ref(box), buffer, folder
        self._lock = PdLock()
        self._introduction = encode("/new", folder, "pdbridge.pyext", name, *arguments)
        self._remembered = []
        self._sending = threading.Lock()
        self._waiting = []  # packets, until a server answered for the first time; then None
        self._there = None  # whether the server is; None: who knows
        self._refused = self._closed = False
        self._heard = time.monotonic()
        self._lost = -math.inf  # when the last server went
        self._knocks = 0.0
        self._complaint = None  # the last thing that was wrong with the server
        self._starter = Starter.of(self.port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._socket.connect(("127.0.0.1", self.port))
        self._socket.setblocking(False)
        threading.Thread(target=self._live, name=f"pdbridge {name}", daemon=True).start()

    def close(self):
        """The box is gone; Pd's thread says so, so that nothing is sent to it from now on."""
        self._closed = True

    # From the box, in any thread

    def message(self, selector, *atoms):
        """Pass a message on to the server.

        Parameters
        ----------
        selector : str
        *atoms : float or str
        """
        packet = _packed("/msg", INLET, selector, *atoms)
        with self._sending:
            if self._waiting is not None and len(self._waiting) < MOST_WAITING:
                self._waiting.append(packet)
                return
            sent = self._there and self._send(packet)
        if not sent:
            reason = "it is too long" if len(packet) > LARGEST_PACKET else "no server"
            words = " ".join(a if isinstance(a, str) else f"{a:g}" for a in (selector, *atoms))
            _print(f"{reason}, so this message is lost: {words[:200]}")

    def quit_server(self):
        """End the server, and start none from now on."""
        self._starter.wanted = False
        self._send(encode("/quit"))
        _print(f"the server on port {self.port} is told to end; start_server starts one again")

    def start_server(self):
        """Start one again where none answers."""
        self._starter.wanted = True

    def _send(self, packet):
        for _ in range(2):
            try:
                self._socket.send(packet)
                return True
            except ConnectionError:  # nobody took the packet before this one
                self._refused = True
            except OSError:  # too long, or the system has no room for it
                return False
        return False

    # The thread of the object

    def _live(self):
        with self._socket, selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            self._introduce()
            self._keep_in_touch()
            while not self._closed and self._box() is not None:
                if selector.select(KNOCK):
                    self._carry_out(self._received())
                self._keep_in_touch()

    def _introduce(self):
        self._send(self._introduction)
        self._send(_packed("/remembered", *self._remembered))

    def _keep_in_touch(self):
        now = time.monotonic()
        silent = self._refused or now - self._heard > SILENCE
        if silent:
            if self._there is not False:
                self._lose(now)
            self._starter.start(self._folder, self._say, self._lost)
        if now >= self._knocks:
            self._knocks = now + (ALIVE if self._there else KNOCK)
            self._send(encode("/alive"))

    def _lose(self, now):
        with self._sending:
            was_there, self._there = self._there, False
        if was_there:
            self._lost = now
            self._starter.tell(self._say, f"the server on port {self.port} is gone")
        with self._in_pd() as box:
            if box:
                self._carry_out_one(box, "/out", ["server", 0])

    def _find(self, box):
        """A server answers, for the first time or again."""
        self._complaint = None
        self._starter.found()
        with self._sending:
            self._there = True
            waiting, self._waiting = self._waiting or (), None
            for packet in waiting:
                self._send(packet)
        self._carry_out_one(box, "/out", ["server", 1])

    @contextlib.contextmanager
    def _in_pd(self):
        """Pd stands still; the box, or None when it is gone."""
        with self._lock:
            yield None if self._closed else self._box()

    def _say(self, text):
        with self._in_pd() as box:
            if box:
                _print(text)

    def _received(self):
        """Messages that came, at most `MOST_AT_ONCE`."""
        messages = []
        for _ in range(MOST_AT_ONCE):
            try:
                messages += decode(self._socket.recv(LARGEST_PACKET))
            except BlockingIOError:
                break
            except ConnectionError:
                self._refused = True
            except MessageError:
                continue
        return messages

    def _carry_out(self, messages):
        if not messages:
            return
        self._heard, self._refused = time.monotonic(), False
        with self._in_pd() as box:
            if not box:
                return
            if not self._there:
                self._find(box)
            for address, values in messages:
                self._carry_out_one(box, address, values)
        self._heard = time.monotonic()  # Pd may have been busy for long, which is not the server's silence

    def _carry_out_one(self, box, address, values):
        try:
            if address in _ACTIONS:
                _ACTIONS[address](self, box, values)
        except Exception as error:  # or the thread would end, and the object would be deaf
            _print(f"{address}: an error in pdbridge itself: {error!r}")

    # What the server says and asks, while Pd stands still

    def _who(self, box, values):
        self._introduce()

    def _remember(self, box, values):
        self._remembered = _atoms(values)

    def _out(self, box, values):
        box._outlet(OUTLET, "list", _atoms(values))

    def _message(self, box, values):
        word, *atoms = _atoms(values)
        box._outlet(OUTLET, word, atoms)

    def _line(self, box, values):
        _print(values[0])

    def _fail(self, box, values):
        """The server itself refuses something, perhaps every second."""
        if values[-1] != self._complaint:
            self._complaint = values[-1]
            _print(values[-1])

    def _sync(self, box, values):
        self._send(encode("/synced", *values))

    def _size(self, box, values):
        name = values[0]
        length = len(self._buffer(name))
        if length:  # a missing array has none
            self._send(encode("/size", name, float(length)))

    def _get(self, box, values):
        name, start, count = values[0], int(values[1]), min(int(values[2]), LONGEST_SLICE)
        samples = self._buffer(name)[:]
        if samples is not None:
            self._send(encode("/array", name, float(start), np.array(samples[start:start + count], np.float32)))

    def _set(self, box, values):
        start, *_ = samples = numbers(values[1:])
        samples = samples[1:]
        array = self._buffer(values[0])
        there = array[:]
        if there is not None:
            place = there[int(start):int(start) + len(samples)]  # what does not fit is left out, as Pd does
            place[:] = samples[:len(place)]
            array.dirty()

    def _resize(self, box, values):
        array = self._buffer(values[0])
        if len(array):
            array.resize(int(values[1]))


_ACTIONS = {
    "/who": Connection._who,
    "/remember": Connection._remember,
    "/out": Connection._out,
    "/message": Connection._message,
    "/print": Connection._line,
    "/fail": Connection._fail,
    "/sync": Connection._sync,
    "/size": Connection._size,
    "/get": Connection._get,
    "/set": Connection._set,
    "/resize": Connection._resize,
}


def _packed(address, *atoms):
    """One packet; a long run of numbers at its end, as most have that are long, takes no time."""
    words = len(atoms)
    while words and not isinstance(atoms[words - 1], str):
        words -= 1
    return encode(address, *atoms[:words], np.array(atoms[words:], np.float32))


def _atoms(values):
    """Plain numbers and strings: pyext knows no numpy."""
    if values and isinstance(values[-1], np.ndarray):
        return [*values[:-1], *values[-1].tolist()]
    return list(values)


def _print(text):
    print(f"pdbridge: {text}")


# Finding a server, and starting one


def find_port(arguments):
    """The port of the server, and the arguments without it.

    Parameters
    ----------
    arguments : list of float and str
        Of the box: ``... port 9701``. Otherwise ``PDBRIDGE_PORT`` says it, or it is 9700.

    Returns
    -------
    (int, list)

    Raises
    ------
    MessageError
        That is no port.
    """
    given, source = os.environ.get(places.PORT_VARIABLE) or places.PORT, places.PORT_VARIABLE
    if "port" in arguments[-2:]:
        at = len(arguments) - 1 - arguments[::-1].index("port")
        given, arguments, source = arguments[-1], arguments[:at], "port"
    with contextlib.suppress(ValueError, OverflowError):
        if 0 < float(given) < 65536 and float(given) == int(float(given)):
            return int(float(given)), arguments
    raise MessageError(f"{source} is {given}; write a UDP port, 1 to 65535")


def find_python():
    """The Python that can run the server.

    ``PDBRIDGE_PYTHON`` names it. Otherwise it is that of the environment which pdbridge lies in or, in a
    clone, has made; or the one whose library is in Pd. `sys.executable` is no help: inside Pd it is
    whatever is called python3 on the PATH, or Pd itself.

    Returns
    -------
    (str, bool)
        The program; whether its library is the one in Pd.

    Raises
    ------
    ServerError
        There is none; the message says what to do.
    """
    chosen = os.environ.get("PDBRIDGE_PYTHON")
    if chosen:
        found = shutil.which(chosen)
        if not found:
            raise ServerError(f"PDBRIDGE_PYTHON is {chosen}, and that is no program")
        return found, False
    environments = [folder for folder in (places.PACKAGE.parent / ".venv", *places.PACKAGE.parents)
                    if (folder / "pyvenv.cfg").is_file()]
    for prefix in (*environments, sys.exec_prefix, sys.prefix):
        for name in _python_names():
            if os.access(Path(prefix, name), os.X_OK):
                return str(Path(prefix, name)), prefix not in environments
    raise ServerError("no program of the Python in Pd was found to start a server with; start it with: "
                      "pdbridge serve (or say in PDBRIDGE_PYTHON which Python has pdbridge)")


def _python_names():
    if sys.platform == "win32":
        return "python.exe", "Scripts/python.exe"
    return f"bin/python{sys.version_info[0]}.{sys.version_info[1]}", "bin/python3", "bin/python"


class Starter:
    """Starts the server of one port for all objects of this Pd.

    Of several Pds that start one at the same time, the port decides; the other servers end.

    Attributes
    ----------
    wanted : bool
        Whether a server is started at all.
    log : Path
        What the server writes.
    """

    _starters = {}

    @classmethod
    def of(cls, port):
        """The one for a port."""
        return cls._starters.setdefault(port, cls(port))

    def __init__(self, port):
        self.port = port
        self.wanted = True
        self.log = places.cache_folder() / f"server-{port}.log"
        self._lock = threading.Lock()
        self._process = None
        self._due = -math.inf  # time.monotonic, s, of the next start
        self._pause = PAUSE
        self._said = set()  # since a server answered last

    def found(self):
        """A server answers."""
        with self._lock:
            self._said, self._pause = set(), PAUSE
            if self._process and self._process.poll() is not None:
                self._process = None  # it found the port taken: the server is somebody else's

    def start(self, folder, say, lost):
        """Start a server if it is time to.

        Parameters
        ----------
        folder : str
            Where it works.
        say : callable
            Takes a line for the Pd window.
        lost : float
            When the last server went (time.monotonic, s): one of somebody else has time to come back.
        """
        with self._lock:
            now = time.monotonic()
            code = self._process.poll() if self._process else 0
            if not self.wanted or now < self._due or code is None or (code == 0 and now - lost < COURTESY):
                return
            self._due = now + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        threading.Thread(target=self._start, args=(folder, say, code), daemon=True).start()

    def _start(self, folder, say, code):
        """In a thread of its own, since the server inherits its priority."""
        _be_ordinary()
        if code:
            reason = f"signal {-code}" if code < 0 else self._last_words()
            line = f"the server ended ({reason}); it is started again"
        else:
            line = f"no server on port {self.port}, so one is started; it writes to {self.log}"
        try:
            self._launch(folder)
        except (ServerError, OSError) as error:
            line = f"no server on port {self.port}, and none can be started: {error}"
        self.tell(say, line)

    def tell(self, say, line):
        """Say a line in the Pd window once, however many objects want to."""
        with self._lock:
            new = line not in self._said
            self._said.add(line)
        if new:
            say(line)

    def _launch(self, folder):
        python, is_in_pd = find_python()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        full = self.log.exists() and self.log.stat().st_size > LARGEST_LOG
        # Neither Ctrl-C for Pd nor Pd's end is the end of the server.
        if sys.platform == "win32":
            alone = {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
        else:
            alone = {"start_new_session": True}
        with open(self.log, "wb" if full else "ab") as log:
            self._process = subprocess.Popen(
                [python, "-m", "pdbridge", "serve", "--port", str(self.port)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, cwd=folder if os.path.isdir(folder) else Path.home(),
                env=_surroundings(is_in_pd), **alone)

    def _last_words(self):
        with contextlib.suppress(OSError):
            lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines()]
            return next((line for line in reversed(lines) if line), "it said nothing")
        return "it said nothing"


def _be_ordinary():
    """Give up the real-time priority that every thread in a Pd with -rt has."""
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _surroundings(is_in_pd):
    """The environment of the server: it finds the pdbridge that runs here, and nothing beside the patch."""
    surroundings = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}
    if not is_in_pd:  # another Python cannot use what is meant for the one in Pd
        surroundings.pop("PYTHONHOME", None)
        surroundings.pop("PYTHONPATH", None)
    clone = places.PACKAGE.parent
    if (clone / "setup.py").is_file():
        surroundings["PYTHONPATH"] = os.pathsep.join(
            [str(clone), *filter(None, [surroundings.get("PYTHONPATH")])])
    return surroundings
