"""Real Pure Data without windows or sound card, for tests; a server of a few lines; measurements.

`PureData` opens a session patch before the patch under test. It sets the server's port, passes OSC
``/send receiver atoms...`` on to any named receiver, answers ``/ping`` and records what patches
give to ``dac~``: without a sound card Pd has nowhere to put that, so the patches are copied with
every ``dac~`` replaced by an abstraction that throws to the session's recorder.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pdbridge.hosts.wire import decode, encode
from pdbridge.session import free_port

CLONE = Path(__file__).resolve().parent.parent
PATCHES = CLONE / "patches"
SAMPLE_RATE = 48000
PATIENCE = 10.0  # s
SLICE = 4096  # floats, as the server sends them

CAPTURE = """\
#N canvas 40 40 300 200 10;
#X obj 20 20 inlet~;
#X obj 160 20 inlet~;
#X obj 20 60 throw~ session-left;
#X obj 160 60 throw~ session-right;
#X connect 0 0 2 0;
#X connect 1 0 3 0;
"""

SESSION = r"""#N canvas 40 40 700 420 10;
#X obj 20 20 loadbang;
#X obj 20 45 t b b;
#X msg 20 70 connect 127.0.0.1 {reply_port};
#X msg 200 70 {server_port};
#X obj 200 95 value pdbridge-port;
#X obj 20 300 netsend -u -b;
#X obj 300 20 netreceive -u -b {control_port} 127.0.0.1;
#X obj 300 45 oscparse;
#X obj 300 70 list trim;
#X obj 300 95 route send ping start stop;
#X obj 300 125 t a a;
#X obj 420 150 list split 1;
#X obj 420 175 symbol;
#X obj 300 150 list split 1;
#X obj 300 205 list trim;
#X obj 300 230 send;
#X obj 120 200 oscformat pong;
#X obj 520 125 symbol;
#X msg 520 150 open -wave -bytes 4 \$1 \, start;
#X msg 620 125 stop;
#X obj 520 205 writesf~ 2;
#X obj 520 175 catch~ session-left;
#X obj 620 175 catch~ session-right;
#X obj 20 200 r session-report;
#X obj 20 230 list;
#X obj 20 255 oscformat report;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 1 1 3 0;
#X connect 2 0 5 0;
#X connect 3 0 4 0;
#X connect 6 0 7 0;
#X connect 7 0 8 0;
#X connect 8 0 9 0;
#X connect 9 0 10 0;
#X connect 9 1 16 0;
#X connect 9 2 17 0;
#X connect 9 3 19 0;
#X connect 10 0 13 0;
#X connect 10 1 11 0;
#X connect 11 0 12 0;
#X connect 12 0 15 1;
#X connect 13 1 14 0;
#X connect 14 0 15 0;
#X connect 16 0 5 0;
#X connect 17 0 18 0;
#X connect 18 0 20 0;
#X connect 19 0 20 0;
#X connect 21 0 20 0;
#X connect 22 0 20 1;
#X connect 23 0 24 0;
#X connect 24 0 25 0;
#X connect 25 0 5 0;
"""


def find_pd():
    """The Pd program; without one the test fails."""
    found = shutil.which(os.environ.get("PDBRIDGE_PD") or "pd") or shutil.which("puredata")
    if not found:
        pytest.fail("the tests of the patches need Pd: apt-get install puredata-core")
    return found


class _Socket:
    """A UDP socket that speaks OSC."""

    def __init__(self, port=0):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]

    def receive(self, timeout):
        """(address, arguments, sender) of the next message, or None."""
        self._socket.settimeout(max(timeout, 0.001))
        try:
            packet, sender = self._socket.recvfrom(65536)
        except (TimeoutError, BlockingIOError, ConnectionError):
            return None
        address, arguments = decode(packet)[0]
        atoms = []
        for argument in arguments:  # long runs of numbers come as one array
            atoms += argument.tolist() if isinstance(argument, np.ndarray) else [argument]
        return address, atoms, sender

    def close(self):
        self._socket.close()


class PureData:
    """Pd with a patch open, for the length of a ``with`` block.

    Parameters
    ----------
    patch : str or Path
        A file, or the text of a patch.
    folder : Path
        Of the test: everything that is written goes there.
    server_port : int, optional
        For ``pyext.``; by default a port where nobody answers.
    screen : Screen, optional
        Where its windows are; by default it has none.
    """

    def __init__(self, patch, folder, server_port=None, sample_rate=SAMPLE_RATE, screen=None):
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self._pd = find_pd()
        self._answers = _Socket()
        self._control = ("127.0.0.1", free_port())
        self._rate = sample_rate
        self._recordings = 0
        self._pings = 0
        self._session_objects = SESSION.count("#X obj") + SESSION.count("#X msg")
        self._reports = []
        patches = self.folder / "patches"
        patches.mkdir()
        for file in PATCHES.glob("*.pd"):
            (patches / file.name).write_text(_captured(file.read_text()))
        (patches / "session-capture~.pd").write_text(CAPTURE)
        text = Path(patch).read_text() if not str(patch).startswith("#N") else patch
        self.patch = patches / (Path(patch).name if not str(patch).startswith("#N") else "test.pd")
        self.patch.write_text(_reporting(_captured(text)))
        session = self.folder / "session.pd"
        session.write_text(SESSION.format(
            reply_port=self._answers.port, control_port=self._control[1],
            server_port=server_port or free_port()))
        self._log = self.folder / "console.txt"
        self._screen = screen
        windows = [] if screen else ["-nogui"]
        self._command = [self._pd, *windows, "-noaudio", "-nomidi", "-noprefs", "-nrt", "-stderr",
                         "-r", str(sample_rate), "-sleepgrain", "1", "-path", str(patches),
                         "-open", str(session), "-open", str(self.patch), "-send", "pd dsp 1"]

    def __enter__(self):
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self._screen.environment if self._screen else None)
        try:
            until = time.monotonic() + PATIENCE
            while not self.ping(0.02):
                if self.process.poll() is not None or time.monotonic() > until:
                    raise AssertionError(f"Pd did not start: {self.console}")
            self.dollar_zero = int(self.report("dollar-zero")[0])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._answers.close()

    @property
    def console(self):
        """What Pd has written to its window so far."""
        return self._log.read_text(errors="replace")

    def complaints(self):
        """The lines of the console that tell of something broken."""
        return [line for line in self.console.splitlines()
                if re.search("couldn't|error|no such|no method|not found|warning", line)]

    def _tell(self, address, *arguments):
        self._answers._socket.sendto(encode(address, *arguments), self._control)

    def send(self, receiver, *atoms):
        """Send a message to a named receiver; ``$0`` in names is that of the patch."""
        expand = [a.replace("$0", str(self.dollar_zero)) if isinstance(a, str) else a
                  for a in (receiver, *atoms)]
        self._tell("/send", *expand)

    def note(self, pitch, velocity):
        """A note for ``notein``."""
        self.send("#notein", pitch, velocity, 1)

    def listen(self, receiver, word):
        """Have `report` give what is sent to a receiver from now on, with a word in front."""
        first = self._session_objects
        name = receiver.replace("$0", str(self.dollar_zero))
        for k, words in enumerate((["r", name], ["list", "prepend", word], ["list", "trim"],
                                   ["s", "session-report"])):
            self.send("pd-session.pd", "obj", 20, 20 * k, *words)
            if k:
                self.send("pd-session.pd", "connect", first + k - 1, 0, first + k, 0)
        self._session_objects += 4
        assert self.ping()

    def write(self, array, values):
        """Write values into an array, from index 0."""
        for start in range(0, len(values), SLICE):
            self.send(array, float(start), np.asarray(values[start:start + SLICE], np.float32))
            assert self.ping()

    def ping(self, timeout=PATIENCE):
        """Whether Pd answers, after everything that was sent before."""
        self._pings += 1
        self._tell("/ping", self._pings)
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            message = self._answers.receive(left)
            if message and message[0] == "/pong" and message[1] == [self._pings]:
                return True
            if message and message[0] == "/report":
                self._reports.append(message[1])
        return False

    def report(self, word, timeout=PATIENCE):
        """The rest of the next list ``word ...`` that the patch sends to ``session-report``."""
        until = time.monotonic() + timeout
        while True:
            for k, atoms in enumerate(self._reports):
                if atoms[0] == word:
                    return self._reports.pop(k)[1:]
            assert time.monotonic() < until, f"no {word} from the patch; {self.console}"
            message = self._answers.receive(until - time.monotonic())
            if message and message[0] == "/report":
                self._reports.append(message[1])

    @contextlib.contextmanager
    def recording(self):
        """Record what the patch plays in the meantime: a `Sound`, filled when the block ends."""
        self._recordings += 1
        path = self.folder / f"recording-{self._recordings}.wav"
        sound = Sound()
        self._tell("/start", str(path))
        assert self.ping()
        try:
            yield sound
        finally:
            self._tell("/stop")
        sound.samples = finished_wav(path)

    def record(self, seconds):
        """What the patch plays for some seconds, float [frames, 2]."""
        with self.recording() as sound:
            time.sleep(seconds)
        return sound.samples

    def cost(self, action):
        """Processor time in ms that Pd spends while an action runs (which should end by waiting)."""
        before = self._processor_time()
        action()
        return self._processor_time() - before

    def _processor_time(self):
        return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) / 1e6


class Screen:
    """A screen that nobody sees, with a mouse, for the length of a ``with`` block."""

    PROGRAMS = ("Xvfb", "xdotool", "wish")

    @classmethod
    def missing(cls):
        """The programs it needs that are not installed."""
        return [program for program in cls.PROGRAMS if not shutil.which(program)]

    def __enter__(self):
        ours, theirs = os.pipe()
        self._process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(theirs), "-screen", "0", "1400x1000x24"], pass_fds=[theirs],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs)
        with os.fdopen(ours) as number:
            self.environment = {**os.environ, "DISPLAY": f":{number.readline().strip()}"}
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()

    def do(self, *words):
        """Do something with the mouse or a window, as xdotool says it; what xdotool answers."""
        done = subprocess.run(["xdotool", *map(str, words)], env=self.environment, text=True,
                              capture_output=True, timeout=PATIENCE, check=True)
        return done.stdout

    def canvas(self, name, height):
        """The window of a patch whose canvas has this height, and how far down the canvas begins."""
        window = self.do("search", "--sync", "--onlyvisible", "--name", name).split()[-1]
        self.do("windowraise", window)
        shape = dict(line.split("=") for line in
                     self.do("getwindowgeometry", "--shell", window).splitlines())
        return window, int(shape["HEIGHT"]) - height


class Sound:
    """A recording: `samples` is float [frames, 2] at `SAMPLE_RATE`."""

    samples = None


def finished_wav(path):
    """The samples of a WAV that Pd is about to close: its header comes last."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(soundfile.LibsndfileError, OSError):
            size = Path(path).stat().st_size
            samples, _ = soundfile.read(path, always_2d=True)
            if len(samples) and size - len(samples) * 8 < 200:
                return samples
        time.sleep(0.02)
    raise AssertionError(f"{path} was never finished")


def _captured(text):
    return re.sub(r"(#X obj -?\d+ -?\d+) dac~[ 12]*;", r"\1 session-capture~;", text)


def _reporting(text):
    """The patch with three objects more, which tell its ``$0``."""
    depth = objects = 0
    for record in records(text):
        if record[:2] == ["#N", "canvas"]:
            depth += 1
        elif record[:2] == ["#X", "restore"]:
            depth -= 1
        if depth == 1 and record[0] == "#X" and record[1] in OBJECTS:
            objects += 1
    return text.rstrip() + f"""
#X obj 600 10 loadbang;
#X obj 600 30 f \\$0;
#X msg 600 50 \\; session-report dollar-zero \\$1;
#X connect {objects} 0 {objects + 1} 0;
#X connect {objects + 1} 0 {objects + 2} 0;
"""


OBJECTS = ("obj", "msg", "text", "floatatom", "symbolatom", "listbox", "restore")


def records(text):
    """The records of a .pd file, each a list of words."""
    return [re.findall(r"(?:\\.|[^\s\\])+", record) for record in re.split(r"(?<!\\);\s*", text)
            if record.strip()]


class FakeServer:
    """The server's end of ``docs/protocol.md`` in a few lines, for one patch object."""

    def __init__(self):
        self._socket = _Socket()
        self.port = self._socket.port
        self.patch = None
        self.alive = True  # answers /alive
        self.seen = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, address, *arguments):
        """A packet to the patch object heard last."""
        self._socket._socket.sendto(encode(address, *arguments), self.patch)

    def receive(self, timeout=PATIENCE):
        """(address, arguments) of the next packet but /alive, or None."""
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            message = self._socket.receive(left)
            if message is None:
                continue
            address, arguments, self.patch = message
            if address != "/alive":
                self.seen.append((address, arguments))
                return address, arguments
            if self.alive:
                self.send("/alive")
        return None

    def expect(self, address, *first, timeout=PATIENCE):
        """The arguments of the next packet to an address whose first arguments are these."""
        until = time.monotonic() + timeout
        begin = len(self.seen)
        while (left := until - time.monotonic()) > 0:
            message = self.receive(left)
            if message and message[0] == address and message[1][:len(first)] == list(first):
                return message[1]
        raise AssertionError(f"no {address} {first}; there came {self.seen[begin:]}")

    def meet(self):
        """Wait for the introduction, and show that the server is there."""
        self.expect("/remembered")
        self.send("/alive")

    def message(self, selector):
        """The atoms of the next message of that name which the patch sends."""
        return self.expect("/msg", 1, selector)[2:]

    def sync(self, number=1):
        """Wait until the object has done everything it was asked."""
        self.send("/sync", number)
        return self.expect("/synced", number)


# Measurements


def spectrum(samples, sample_rate=SAMPLE_RATE):
    """Frequencies (Hz) and magnitudes of a piece of sound; a sine of amplitude 1 measures 1."""
    window = np.blackman(len(samples))
    size = 1 << int(np.ceil(np.log2(len(samples) * 4)))
    magnitudes = abs(np.fft.rfft(samples * window, size)) * 2 / window.sum()
    return np.fft.rfftfreq(size, 1 / sample_rate), magnitudes


def frequency(samples, sample_rate=SAMPLE_RATE):
    """The frequency (Hz) of the strongest partial, interpolated between the lines."""
    frequencies, magnitudes = spectrum(samples, sample_rate)
    k = int(np.argmax(magnitudes))
    a, b, c = np.log(magnitudes[k - 1:k + 2])
    return frequencies[k] + (a - c) / (2 * (a - 2 * b + c)) * frequencies[1]


def image_db(samples, partial, below=16000, sample_rate=SAMPLE_RATE):
    """The strongest thing besides a partial (Hz) and below a frequency, in dB of the partial."""
    frequencies, magnitudes = spectrum(samples, sample_rate)
    near = abs(frequencies - partial) < 200
    rest = magnitudes[~near & (frequencies < below)]
    return 20 * np.log10(rest.max() / magnitudes[near].max())


def residual_db(samples, hertz, sample_rate=SAMPLE_RATE):
    """The largest deviation from the best sine of a frequency, in dB of that sine's amplitude."""
    phase = 2 * np.pi * hertz * np.arange(len(samples)) / sample_rate
    basis = np.stack([np.sin(phase), np.cos(phase)], axis=1)  # [samples, 2]
    weights = np.linalg.lstsq(basis, samples, rcond=None)[0]
    return 20 * np.log10(abs(samples - basis @ weights).max() / np.hypot(*weights))


def largest_step(samples):
    """The largest difference between neighbouring samples: a click is a large one."""
    return abs(np.diff(samples)).max()


def sounding(samples):
    """First and last index that is not silent, exactly."""
    there = np.flatnonzero(samples)
    return int(there[0]), int(there[-1])


def sine(hertz, seconds, sample_rate=SAMPLE_RATE, amplitude=0.8, phase=0.3):
    """A voice array with a sine from index 1 on."""
    index = np.arange(int(seconds * sample_rate) + 4) - 1
    return (amplitude * np.sin(2 * np.pi * hertz * index / sample_rate + phase)).astype(np.float32)
