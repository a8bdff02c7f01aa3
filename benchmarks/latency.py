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
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from stage import (
    ROOT,
    Client,
    Stage,
    click_latency,
    dropouts,
    end,
    may_run_in_real_time,
    milliseconds,
    onset,
    show,
)

from pdbridge.hosts.wire import encode
from pdbridge.session import free_port


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
            client.forget()
            begin = time.perf_counter()
            client._socket.send(packet)
            client.wait("/gansynth/play")
            times.append(time.perf_counter() - begin)
            client.send("/gansynth/note_off", pitch)
            time.sleep(random.uniform(0.05, 0.15))
        return milliseconds(times)
    finally:
        end(process)


def wait_until_ready(stage):
    stage.client.until(lambda s: s["ready"] == s["keys"] > 0, "the ready keys")


def key_latency(stage, notes, fresh):
    """``[notein]`` to the first sample, for ready keys, or for keys of a timbre just chosen."""
    times = []
    for index in range(notes):
        pitch = random.randint(48, 84)
        wait_until_ready(stage)
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


def long_run(stage, minutes, models):
    """Play, change timbres and load models for some minutes; count dropouts."""
    until = time.monotonic() + 60 * minutes
    next_timbre = next_model = time.monotonic()
    held, totals = [], np.zeros(4)
    notes = timbres = loads = wanted = 0
    stage.capture.take_seam()
    stage.reported("/gansynth/model")  # those before do not count
    while time.monotonic() < until:
        now = time.monotonic()
        if now > next_timbre:
            stage.client.send("/gansynth/randomize_z", "fresh")
            stage.client.send("/gansynth/z", "fresh")
            timbres += 1
            next_timbre = now + random.uniform(1, 4)
        if now > next_model:
            stage.pd("1004-in", "load", str(models[wanted % len(models)]))
            wanted += 1
            next_model = now + 20
        loads += stage.reported("/gansynth/model")
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
        model = ROOT / "models" / "small_hours"
        models = [model]
        if options.full_size:
            from gansynth import write_checkpoint

            folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "full_size"
            write_checkpoint(folder)
            model = folder
            models = [folder, ROOT / "models" / "small_hours"]
        realtime = may_run_in_real_time()
        print(f"model {model.name}, Pd with -audiobuf {options.audiobuf:g}, JACK and Pd "
              f"{'with' if realtime else 'without'} real-time priority; milliseconds")
        results["server"] = server_latency(model, options.notes * 3)
        show("ready key, note_on in the server to its answer", results["server"])
        with Stage("gansynth.pd", ["--model", model], options.audiobuf, realtime) as stage:
            wait_until_ready(stage)
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
