"""The other programs of ``pdbridge play``: a server and a Pd of its own, and what the machine has.

Both programs live as long as a ``with`` block, and only what was started here is ended.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from pdbridge import places
from pdbridge.errors import ServerError

SAMPLE_RATE = 48000  # Hz, of a Pd without a sound card

SERVER_STARTS = 20.0  # s to wait at most for the server's first answer, and below for the patch
PATCH_OPENS = 30.0
MODEL_LOADS = 180.0  # a cold TensorFlow on a slow disk
KEYS_GET_READY = 20.0  # then the phrase starts anyway: a key that is not ready sounds, a little later
RESTART_PAUSE = 2.0  # s between two tries to start the server again
CARDS = Path("/proc/asound/cards")  # Linux: a line that starts with a number for each sound card
NO_DISPLAY = "couldn't connect to display"  # what Tk writes when the screen is not there


class NoPatch(ServerError):
    """Pd ended, or did not get as far as the patch."""


def say(text):
    """One line for the person at the terminal."""
    print(f"pdbridge: {text}", flush=True)


# What the machine has


def find_pd():
    """The Pd program (Path), or None.

    ``PDBRIDGE_PD`` names it; otherwise the PATH and the places where Pd's installers put it.
    """
    chosen = os.environ.get("PDBRIDGE_PD")
    if chosen:
        found = shutil.which(chosen)
        if not found:
            raise ServerError(f"PDBRIDGE_PD is {chosen}, and that is no program")
        return Path(found)
    for name in ("pd", "puredata"):
        found = shutil.which(name)
        if found:
            return Path(found)
    if sys.platform == "darwin":
        installed = sorted(Path("/Applications").glob("Pd*.app/Contents/Resources/bin/pd"))
    elif sys.platform == "win32":
        folders = {os.environ.get(name) for name in ("ProgramFiles", "ProgramFiles(x86)")} - {None}
        # pd.com is pd.exe as a console program: it waits, and its messages can be read
        installed = [Path(folder, "Pd", "bin", "pd.com") for folder in sorted(folders)]
    else:
        installed = []
    return next((path for path in reversed(installed) if path.exists()), None)


def has_screen():
    """Whether windows can be shown."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def has_windows(pd):
    """Whether this Pd has its graphical part (Debian's puredata-core comes without)."""
    if sys.platform in ("darwin", "win32"):
        return True
    real = pd.resolve()
    libraries = [real.parent.parent, *Path("/usr/lib").glob("p*d*"), *Path("/usr/local/lib").glob("pd*"),
                 real.parent.parent / "lib" / "pd"]
    return bool(shutil.which("wish") and any((lib / "tcl/pd-gui.tcl").exists() for lib in libraries))


def has_sound_card():
    """Whether there is somewhere for sound to go: a card, or a PulseAudio or PipeWire server."""
    if sys.platform in ("darwin", "win32"):
        return True
    with contextlib.suppress(OSError):
        if any(line[:2].strip().isdigit() for line in CARDS.read_text().splitlines()):
            return True
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent")
    sockets = (runtime / "pulse/native", runtime / "pipewire-0")
    return bool(os.environ.get("PULSE_SERVER")) or any(path.exists() for path in sockets)


# The server and Pd


def default_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", places.PORT))
            return places.PORT
        except OSError:
            pass
    port = free_port()
    say(f"port {places.PORT} is taken, so this server uses {port}")
    return port


def free_port():
    """A UDP port nobody uses at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class _Client:
    """Sends OSC to one local port and reads what it answers."""

    def __init__(self, port):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))

    def send(self, address, *arguments):
        from pdbridge.hosts.wire import encode

        with contextlib.suppress(ConnectionError):  # nobody listens there yet, or any more
            self._socket.send(encode(address, *arguments))

    def ask(self, question, answer, timeout=0.5):
        """The arguments of the answer, or None when none came in time."""
        answered = self.wait(lambda address, values: address == answer, (question,), timeout)
        return answered and answered[1]

    def wait(self, wanted, question, timeout, gone=lambda: False):
        """Send a question; the first message that is `wanted`, (address, arguments), or None.

        When nobody listens, `gone` says whether to wait on.
        """
        from pdbridge.hosts.wire import LARGEST_PACKET, decode

        self.send(*question)
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                for address, values in decode(self._socket.recv(LARGEST_PACKET)):
                    if wanted(address, values):
                        return address, values
            except TimeoutError:
                break
            except ConnectionError:  # the port is not open yet
                if gone():
                    break
                time.sleep(min(0.02, max(left, 0)))
                self.send(*question)
        return None

    def close(self):
        self._socket.close()


class Server:
    """A pdbridge server in a process of its own, for the length of a ``with`` block.

    Parameters
    ----------
    options : sequence of str
        What ``pdbridge serve`` gets besides the port.
    port : int
    folder : Path
        A private folder, for the log.
    """

    def __init__(self, options, port, folder):
        self.port = port
        self._command = [sys.executable, "-u", "-m", "pdbridge", "serve", "--port", str(port), *options]
        self._log = folder / "server.log"
        self._process = None
        self._client = _Client(port)

    def __enter__(self):
        try:
            self._start()
            until = time.monotonic() + SERVER_STARTS
            while self.status() is None:
                if self.gone:
                    raise ServerError(self.last_words)
                if time.monotonic() > until:
                    raise ServerError(f"the server did not answer within {SERVER_STARTS:g} s: "
                                      + self.last_words)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process is not None:
            self.send("/quit")
            _end(self._process, patience=3)
        self._client.close()

    def _start(self):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log)

    def send(self, address, *arguments):
        self._client.send(address, *arguments)

    def request(self, address, *arguments, timeout=10.0):
        """Send a message and wait until it is carried out; `ServerError` when it is not."""
        answered = self._client.wait(
            lambda name, values: name in ("/done", "/fail") and values[:1] == [address],
            (address, *arguments), timeout, gone=lambda: self.gone)
        if answered is None and self.gone:
            raise ServerError(self.last_words)
        if answered is None:
            raise ServerError(f"the server did not answer {address} within {timeout:g} s")
        name, values = answered
        if name == "/fail":
            raise ServerError(str(values[1]))

    def status(self):
        """The server's figures by name, or None when it does not answer."""
        values = self._client.ask("/status", "/status.reply")
        return None if values is None else dict(zip(values[::2], values[1::2]))

    @property
    def gone(self):
        """Whether its process has ended."""
        return self._process.poll() is not None

    @property
    def last_words(self):
        """The last line the server wrote."""
        return _last_line(self._log) or "the server said nothing"

    def restart(self):
        """Start it again; the patch remembers what it played."""
        say(f"the server ended ({self.last_words}); starting it again")
        self._start()


def _last_line(log):
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("pdbridge: ") if lines else ""


def _end(process, patience=0.0):
    """End a process that we started: wait for it, ask it to end, then end it."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(patience)
        return
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(3)
        return
    process.kill()
    process.wait()


# Opened before the instrument: tells it the server's port, and passes OSC messages
# "/send receiver atoms..." on to a receiver of that name. [list split] gives its right half first,
# which is why the name goes through a trigger.
_SESSION_PATCH = """\
#N canvas 40 40 560 340 10;
#X text 20 10 pdbridge play made this patch: it tells the instrument the port of the server and passes messages on;
#X obj 20 50 loadbang;
#X obj 20 75 t b b;
#X msg 120 100 {server_port};
#X obj 120 125 value pdbridge-port;
#X msg 20 100 \\; pd-{file_name} vis 0;
#X obj 300 50 netreceive -u -b {control_port} 127.0.0.1;
#X obj 300 75 oscparse;
#X obj 300 100 list trim;
#X obj 300 125 route send;
#X obj 300 150 t a a;
#X obj 300 200 list split 1;
#X obj 420 180 list split 1;
#X obj 300 230 list trim;
#X obj 420 210 symbol;
#X obj 300 270 send;
#X connect 1 0 2 0;
#X connect 2 0 5 0;
#X connect 2 1 3 0;
#X connect 3 0 4 0;
#X connect 6 0 7 0;
#X connect 7 0 8 0;
#X connect 8 0 9 0;
#X connect 9 0 10 0;
#X connect 10 0 11 0;
#X connect 10 1 12 0;
#X connect 11 1 13 0;
#X connect 12 0 14 0;
#X connect 13 0 15 0;
#X connect 14 0 15 1;
"""


class PdSession:
    """Pd with the instrument's patch open, for the length of a ``with`` block.

    Parameters
    ----------
    pd : Path
    instrument : str
        The name of its patch.
    server : Server
    folder : Path
        A private folder, for the session's own patch and the log.
    windows, heard : bool
        With Pd's windows; with sound.
    """

    def __init__(self, pd, instrument, server, folder, windows, heard):
        self.instrument = instrument
        self.server = server
        self._windows, self._heard = windows, heard
        self._pd = pd
        self._folder = folder
        self._log = folder / "pd.log"
        self._process = None
        self._control = None

    def __enter__(self):
        patches = places.patches_folder()
        session = self._folder / "pdbridge-session.pd"
        control_port = free_port()
        session.write_text(_SESSION_PATCH.format(server_port=self.server.port, file_name=session.name,
                                                 control_port=control_port))
        command = [str(self._pd), "-path", str(patches)]
        if not self._windows:
            # Settings made for a stage (libraries, MIDI ports) have no place in a silent run.
            command += ["-nogui", "-stderr", "-noprefs", "-nomidi", "-nrt"]
        if not self._heard:
            command += ["-noaudio", "-r", str(SAMPLE_RATE)]
        command += ["-open", str(session), "-open", str(patches / f"{self.instrument}.pd"),
                    "-send", "pd dsp 1"]
        self._control = _Client(control_port)
        try:
            with open(self._log, "wb") as log:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env={**os.environ, places.PORT_VARIABLE: str(self.server.port)})
        except OSError as error:
            self._control.close()
            raise ServerError(f"{self._pd} cannot be started: {error.strerror}") from None
        return self

    def __exit__(self, *_):
        self.tell("pd", "quit")
        _end(self._process, patience=2)
        self._control.close()

    @property
    def last_words(self):
        """The last line that Pd wrote to its standard error."""
        return _last_line(self._log) or "Pd said nothing"

    def tell(self, receiver, *atoms):
        """Send a message to a named receiver in Pd."""
        self._control.send("/send", receiver, *atoms)

    def wait_until_open(self):
        """Until the patch has told the server about its voices; `NoPatch` when it does not."""
        self._wait(PATCH_OPENS, lambda status: status["players"] > 0,
                   "the patch did not find the server")

    def wait_until_ready(self):
        """Until what is played is there: the grid, or the model and its keys."""
        if self.instrument == "nsynth":
            say("opening the grid (the first one is made now, if it is not there yet)")
            self._wait(MODEL_LOADS, lambda status: status["grid"] != "opening", "the grid was not opened")
            if self.server.status()["grid"] == "none":
                raise ServerError(self.last_words)  # the patch prints what went wrong
            return
        if not (self.server.status() or {}).get("keys"):
            say("loading the model")
        try:
            self._wait(MODEL_LOADS, lambda status: status["keys"] > 0, "the model did not load")
        except NoPatch as error:
            raise ServerError(str(error)) from None  # the patch was there: Pd has been closed
        with contextlib.suppress(NoPatch):
            self._wait(KEYS_GET_READY, lambda status: status["ready"] >= status["keys"], "")

    def _wait(self, seconds, fulfilled, complaint):
        until = time.monotonic() + seconds
        while True:
            status = self.server.status()
            if status and fulfilled(status):
                return
            no_model = status and status["model"] == "none" and not status["workers"]
            if self.server.gone or (no_model and self.instrument != "nsynth"):
                raise ServerError(self.server.last_words)  # which say why, or why there is no model
            if self._process.poll() is not None:
                raise NoPatch(f"Pd ended by itself: {self.last_words}")
            if self._windows and NO_DISPLAY in self._log.read_text(errors="replace"):
                raise NoPatch(self.last_words)  # Pd would wait for its windows for ever
            if time.monotonic() > until:
                raise NoPatch(f"{complaint} within {seconds:g} s: {self.last_words}")
            time.sleep(0.05)

    def wait_until_closed(self):
        """Until the user closes Pd; a server that ends meanwhile is started again."""
        while self._process.poll() is None:
            pause = 0.3
            if self.server.gone:
                self.server.restart()
                pause = RESTART_PAUSE
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(pause)
