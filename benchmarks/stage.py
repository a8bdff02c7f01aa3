"""The stage of the live benchmarks: JACK with a dummy driver, a Pd with a patch, a server.

    pip install JACK-Client; apt-get install jackd2 puredata-core

Pd's first channel is the instrument; on the others a test tone shows dropouts, and a click how long
Pd itself takes from a message to sound.
"""

import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pdbridge.hosts.wire import decode, encode  # noqa: E402
from pdbridge.session import free_port  # noqa: E402

RATE = 48000
PERIOD = 256
TONE = 10.0  # Hz, of the sawtooth whose steps show dropouts

# Channel 1 and 2 belong to the instrument; 3 carries the tone, 4 the click.
_SESSION = """\
#N canvas 40 40 560 400 10;
#X obj 20 50 loadbang;
#X msg 20 75 {server_port};
#X obj 20 100 value pdbridge-port;
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
#X obj 20 200 phasor~ {tone};
#X obj 20 250 dac~ 3 4;
#X obj 120 150 r click;
#X msg 120 175 1 \\, 0 1 1;
#X obj 120 200 vline~;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 3 0 4 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 7 0;
#X connect 7 0 8 0;
#X connect 7 1 9 0;
#X connect 8 1 10 0;
#X connect 9 0 11 0;
#X connect 10 0 12 0;
#X connect 11 0 12 1;
#X connect 13 0 14 0;
#X connect 15 0 16 0;
#X connect 16 0 17 0;
#X connect 17 0 14 1;
"""


class Client:
    """Plain OSC to the server."""

    def __init__(self, port):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.connect(("127.0.0.1", port))

    def send(self, address, *arguments):
        with contextlib.suppress(ConnectionError):
            self._socket.send(encode(address, *arguments))

    def wait(self, address, timeout=60.0):
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                for name, values in decode(self._socket.recv(65536)):
                    if name == "/fail":
                        print("   fail:", *values)
                    if name == address:
                        return values
            except (TimeoutError, ConnectionError):
                return None
        return None

    def forget(self):
        """Pass over what came so far, so that it takes no time later."""
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                self._socket.recv(65536)

    def status(self):
        for _ in range(200):
            self.send("/status")
            values = self.wait("/status.reply", 0.2)
            if values:
                return dict(zip(values[::2], values[1::2]))
            time.sleep(0.1)
        raise SystemExit("the server does not answer")

    def until(self, condition, what, timeout=120.0):
        until = time.monotonic() + timeout
        while not condition(status := self.status()):
            if time.monotonic() > until:
                raise SystemExit(f"{what} did not come: {status}")
            time.sleep(0.05)


class Capture:
    """Records JACK ports; every block with the frame it began at."""

    def __init__(self, ports):
        import jack

        self.client = jack.Client("pdbridge-benchmark")
        self.inputs = [self.client.inports.register(f"in{i}") for i in range(len(ports))]
        self.blocks = []
        self.client.set_process_callback(self._process)
        self.client.activate()
        for name, port in zip(ports, self.inputs):
            self.client.connect(name, port)

    def _process(self, frames):
        self.blocks.append((self.client.last_frame_time,
                            np.stack([port.get_array().copy() for port in self.inputs])))

    def now(self):
        return self.client.frame_time

    def forget(self):
        self.blocks = self.blocks[-4:]

    def sound(self):
        """(frame of the first sample, float32 [ports, samples])."""
        blocks = list(self.blocks)
        return blocks[0][0], np.concatenate([samples for _, samples in blocks], axis=1)

    def take_seam(self):
        """Like `sound`, and forget it but for one block, so that stretches can be joined."""
        blocks = self.blocks
        self.blocks = [blocks[-1]]
        return blocks


def may_run_in_real_time():
    """Whether audio may go before everything else here, as it does on a stage."""
    try:
        policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        os.sched_setscheduler(0, policy, parameter)
        return True
    except (AttributeError, OSError):
        return False


def end(process):
    process.terminate()
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Stage:
    """JACK, Pd with a patch and the server, for the length of a ``with`` block.

    Parameters
    ----------
    patch : str
        Its name in ``patches/``; its ``$0`` is 1004, since it is opened after the session.
    serve : sequence of str
        What ``pdbridge serve`` gets.
    audiobuf : float
        Pd's audio buffer in ms.
    realtime : bool
        Whether JACK and Pd go before everything else.
    """

    def __init__(self, patch, serve, audiobuf, realtime):
        self.patch = patch
        self.serve = [str(word) for word in serve]
        self.realtime = realtime
        self.audiobuf = audiobuf

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self.port, control = free_port(), free_port()
            name = f"pdbridge-{os.getpid()}"
            environment = {**os.environ, "JACK_DEFAULT_SERVER": name, "JACK_NO_AUDIO_RESERVATION": "1"}
            os.environ["JACK_DEFAULT_SERVER"] = name
            self._run(stack, ["jackd", "-n", name, "-R" if self.realtime else "-r", "--no-mlock",
                              "-d", "dummy", "-r", str(RATE), "-p", str(PERIOD)], environment)
            self.server = self._run(stack, [sys.executable, "-m", "pdbridge", "serve", "--port",
                                            str(self.port), *self.serve], environment)
            time.sleep(1.5)
            session = folder / "session.pd"
            session.write_text(_SESSION.format(server_port=self.port, control_port=control,
                                               tone=TONE))
            self._run(stack, ["pd", "-nogui", "-jack", "-nomidi", "-noprefs", "-stderr",
                              "-rt" if self.realtime else "-nrt",
                              "-r", str(RATE), "-audiobuf", str(self.audiobuf), "-channels", "4",
                              "-path", str(ROOT / "patches"), "-open", str(session),
                              "-open", str(ROOT / "patches" / self.patch),
                              "-send", "pd dsp 1"], environment)
            self._control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._control.connect(("127.0.0.1", control))
            self.client = Client(self.port)
            self.reports = Client(self.port)
            self.reports.send("/notify", 1)
            self.client.until(lambda s: s["players"] > 0, "the patch")
            time.sleep(1)
            self.capture = Capture([f"pure_data:output_{n}" for n in (1, 3, 4)])
            stack.callback(self.capture.client.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        self._stack.close()

    @staticmethod
    def _run(stack, command, environment):
        quiet = open(os.environ.get("PDBRIDGE_BENCHMARK_LOG", os.devnull), "ab")
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet)
        stack.callback(end, process)
        return process

    def pd(self, receiver, *atoms):
        with contextlib.suppress(ConnectionError):
            self._control.send(encode("/send", receiver, *atoms))

    def reported(self, address):
        """How many reports of this address came since the last call."""
        count = 0
        self.reports._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                count += decode(self.reports._socket.recv(65536))[0][0] == address
        return count


def milliseconds(values):
    values = np.asarray(values) * 1e3
    return {"median": float(np.median(values)), "p99": float(np.percentile(values, 99)),
            "count": len(values)}


def show(what, figures):
    print(f"  {what:58s} median {figures['median']:7.2f}  p99 {figures['p99']:7.2f}"
          f"  ({figures['count']} notes)", flush=True)


def onset(stage, channel, level, trigger, timeout=1.0):
    """Seconds from `trigger()` to the first sample above `level`."""
    stage.capture.forget()
    begin = stage.capture.now()
    trigger()
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        time.sleep(0.01)
        first, sound = stage.capture.sound()
        loud = np.flatnonzero(np.abs(sound[channel]) > level)
        loud = loud[first + loud > begin]
        if len(loud):
            return (first + int(loud[0]) - begin) / RATE
    return None


def click_latency(stage, clicks):
    """A click that Pd makes by itself: what Pd, JACK and the way into Pd take anyway."""
    times = []
    for _ in range(clicks):
        time.sleep(random.uniform(0.05, 0.06))
        times.append(onset(stage, 2, 0.5, lambda: stage.pd("click", "bang")))
        time.sleep(0.05)
    return milliseconds([t for t in times if t is not None])


def dropouts(blocks):
    """(gaps of zeros in the tone, ms of them, periods that JACK itself skipped) in joined blocks."""
    tone = np.concatenate([samples[1] for _, samples in blocks])
    frames = np.array([frame for frame, _ in blocks])
    skipped = int(np.sum(np.diff(frames) != PERIOD))
    silent = np.concatenate([[0], ((tone[1:] == 0) & (tone[:-1] == 0)).astype(int), [0]])
    edges = np.flatnonzero(np.diff(silent))
    gaps = edges[1::2] - edges[::2]
    # an unbroken sawtooth rises by the same step from sample to sample, but for its falls of 1
    rise = np.diff(tone)
    step = TONE / RATE
    broken = (np.abs(rise - step) > 1e-4) & (np.abs(rise - step + 1) > 1e-4)
    return len(gaps), float(gaps.sum() / RATE * 1e3), int(broken.sum()), skipped
