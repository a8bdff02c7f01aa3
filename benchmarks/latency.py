"""How long from a key to its sound, and does the sound ever drop out? Measured in a real Pd.

    pip install JACK-Client; apt-get install jackd2 puredata-core
    python benchmarks/latency.py [--minutes 5] [--full-size] [--audiobuf MS]

Starts a JACK server with a dummy driver, a Pd with ``patches/gansynth.pd``, and a pdbridge server.
Prints, in milliseconds,

* note_on in the server to its answer, for keys that are ready (no Pd: a plain OSC client);
* ``[notein]`` in Pd to the first sample out of JACK, for keys that are ready and that are not,
  and for a click that Pd makes by itself: what remains after subtracting it is pdbridge;
* dropouts of a test tone in the same Pd while notes are played, timbres changed and models loaded
  for some minutes. A gap of zeros in the tone is Pd's; whole periods that are missing are JACK's
  own, and are counted apart.
"""

import argparse
import contextlib
import json
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
    """JACK, Pd and the server, for the length of a ``with`` block."""

    def __init__(self, model, audiobuf, realtime):
        self.model = model
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
            self._run(stack, [sys.executable, "-m", "pdbridge", "serve", "--port", str(self.port),
                              "--model", str(self.model)], environment)
            time.sleep(1.5)
            session = folder / "session.pd"
            session.write_text(_SESSION.format(server_port=self.port, control_port=control,
                                               tone=TONE))
            self._run(stack, ["pd", "-nogui", "-jack", "-nomidi", "-noprefs", "-stderr",
                              "-rt" if self.realtime else "-nrt",
                              "-r", str(RATE), "-audiobuf", str(self.audiobuf), "-channels", "4",
                              "-path", str(ROOT / "patches"), "-open", str(session),
                              "-open", str(ROOT / "patches" / "gansynth.pd"),
                              "-send", "pd dsp 1"], environment)
            self._control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._control.connect(("127.0.0.1", control))
            self.client = Client(self.port)
            self.reports = Client(self.port)
            self.reports.send("/notify", 1)
            self.client.until(lambda s: s["players"] and s["model"] != "none", "the patch")
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

    def pd(self, receiver, *atoms):
        with contextlib.suppress(ConnectionError):
            self._control.send(encode("/send", receiver, *atoms))

    def load(self, model):
        """Load a model in the patch; its ``$0`` is 1004, since it is opened after the session."""
        self.pd("1004-in", "load", str(model))

    def loaded(self):
        """How many models the patch has reported since the last call."""
        count = 0
        self.reports._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                count += decode(self.reports._socket.recv(65536))[0][0] == "/gansynth/model"
        return count

    def ready(self):
        self.client.until(lambda s: s["ready"] == s["keys"] > 0, "the ready keys")


def milliseconds(values):
    values = np.asarray(values) * 1e3
    return {"median": float(np.median(values)), "p99": float(np.percentile(values, 99)),
            "count": len(values)}


def show(what, figures):
    print(f"  {what:58s} median {figures['median']:7.2f}  p99 {figures['p99']:7.2f}"
          f"  ({figures['count']} notes)", flush=True)


def server_latency(model, notes):
    """note_on to the answer ``play``, keys ready, from a plain OSC client."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "pdbridge", "serve", "--port", str(port), "--model", str(model)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = Client(port)
        client.until(lambda s: s["model"] != "none", "the model")
        for command in (("/notify", 1), ("/gansynth/voices", "voice", 12, 48000.0, 8),
                        ("/gansynth/seed", 1), ("/gansynth/randomize_z", "z"), ("/gansynth/z", "z")):
            client.send(*command)
            client.wait("/done")
        client.until(lambda s: s["ready"] == s["keys"] > 0, "the ready keys")
        times = []
        for index in range(notes):
            pitch = 36 + index % 40
            packet = encode("/gansynth/note_on", pitch, 100)
            begin = time.perf_counter()
            client._socket.send(packet)
            client.wait("/gansynth/play")
            times.append(time.perf_counter() - begin)
            client.send("/gansynth/note_off", pitch)
            time.sleep(random.uniform(0.05, 0.15))
        return milliseconds(times)
    finally:
        end(process)


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


def key_latency(stage, notes, fresh):
    """``[notein]`` to the first sample, for ready keys, or for keys of a timbre just chosen."""
    times = []
    for index in range(notes):
        pitch = random.randint(48, 84)
        stage.ready()
        if fresh:
            # far from the last key, so that its head is not among the first made in advance
            pitch = 24 + (index % 2) * 50
            stage.client.send("/gansynth/randomize_z", "fresh")
            stage.client.wait("/done")
            stage.client.send("/gansynth/z", "fresh")
            stage.client.wait("/done")
        time.sleep(random.uniform(0.0, 0.01))
        times.append(onset(stage, 0, 1e-4, lambda: stage.pd("#notein", pitch, 127, 1)))
        stage.pd("#notein", pitch, 0, 1)
        time.sleep(0.5)
    missing = sum(t is None for t in times)
    if missing:
        print(f"   {missing} notes were not heard")
    return milliseconds([t for t in times if t is not None])


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


def long_run(stage, minutes, models):
    """Play, change timbres and load models for some minutes; count dropouts."""
    until = time.monotonic() + 60 * minutes
    next_timbre = next_model = time.monotonic()
    held, totals = [], np.zeros(4)
    notes = timbres = loads = wanted = 0
    stage.capture.take_seam()
    stage.loaded()  # those before do not count
    while time.monotonic() < until:
        now = time.monotonic()
        if now > next_timbre:
            stage.client.send("/gansynth/randomize_z", "fresh")
            stage.client.send("/gansynth/z", "fresh")
            timbres += 1
            next_timbre = now + random.uniform(1, 4)
        if now > next_model:
            stage.load(models[wanted % len(models)])
            wanted += 1
            next_model = now + 20
        loads += stage.loaded()
        pitch = random.randint(24, 84)
        stage.pd("#notein", pitch, random.randint(40, 127), 1)
        held.append(pitch)
        notes += 1
        while len(held) > 6:
            stage.pd("#notein", held.pop(0), 0, 1)
        time.sleep(random.uniform(0.02, 0.25))
        if len(stage.capture.blocks) > 4000:
            totals += dropouts(stage.capture.take_seam())
    totals += dropouts(stage.capture.take_seam())
    return {"minutes": minutes, "notes": notes, "timbres": timbres, "loads": loads,
            "gaps": int(totals[0]), "gap_ms": totals[1], "broken_samples": int(totals[2]),
            "jack_periods_skipped": int(totals[3])}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=5.0, help="of the dropout run")
    parser.add_argument("--notes", type=int, default=100)
    parser.add_argument("--audiobuf", type=float, default=20, help="Pd's audio buffer in ms")
    parser.add_argument("--full-size", action="store_true",
                        help="with a checkpoint of the published size (random weights)")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    random.seed(1)
    results = {}
    with contextlib.ExitStack() as stack:
        model = ROOT / "models" / "first_light"
        models = [model]
        if options.full_size:
            from gansynth import write_checkpoint

            folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "full_size"
            write_checkpoint(folder)
            model = folder
            models = [folder, ROOT / "models" / "first_light"]
        realtime = may_run_in_real_time()
        print(f"model {model.name}, Pd with -audiobuf {options.audiobuf:g}, JACK and Pd "
              f"{'with' if realtime else 'without'} real-time priority; milliseconds")
        results["server"] = server_latency(model, options.notes * 3)
        show("ready key, note_on in the server to its answer", results["server"])
        with Stage(model, options.audiobuf, realtime) as stage:
            stage.ready()
            results["click"] = click_latency(stage, options.notes)
            show("a click Pd makes itself, message to sound (baseline)", results["click"])
            results["ready"] = key_latency(stage, options.notes, fresh=False)
            show("ready key, [notein] in Pd to sound", results["ready"])
            results["fresh"] = key_latency(stage, options.notes // 2, fresh=True)
            show("fresh key, [notein] in Pd to sound", results["fresh"])
            run = results["dropouts"] = long_run(stage, options.minutes, models)
            print(f"  {run['minutes']:g} minutes, {run['notes']} notes, {run['timbres']} timbres, "
                  f"{run['loads']} loads: {run['gaps']} dropouts ({run['gap_ms']:.1f} ms), "
                  f"{run['broken_samples']} breaks in the tone, "
                  f"{run['jack_periods_skipped']} periods skipped by JACK itself")
            status = results["status"] = stage.client.status()
            print(f"  server: {status['late']} notes cut short because their rest came too late, "
                  f"{status['lost']} slices lost, {status['dropped']} packets dropped, "
                  f"{status['restarts']} restarts of a worker")
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
