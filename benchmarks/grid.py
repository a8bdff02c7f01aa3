"""What does a note grid cost? A full-size one (9 x 9 cells, 16 pitches, 60000 samples) is opened and read.

    python benchmarks/grid.py [--keep] [--minutes 2] [--audiobuf MS]

The file has 155.5 MB, with a note in every place but holes between them where the file system allows it.
Prints, for each in a process of its own as the server would do it,

* opening: milliseconds, and how much more memory the process takes (budgets: 50 ms, 20 MB);
* a note from a file that is in the system's memory, and from one that is not (where the system lets us
  throw it out);
* `pdbridge grid info`, whole command;
* making notes ready for the file: cleaning and packing, milliseconds a note;
* live, with ``--minutes`` (needs JACK, Pd and JACK-Client, see ``stage.py``): a key in the server to its
  answer, a key and a click in Pd to their sound, processor time of a pad move, and dropouts while the
  grid is played with the pad swept all the time and the grid opened anew every 20 s.

The numbers are the fastest and the median of several runs; compare them on a quiet machine.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from stage import ROOT  # which puts pdbridge on the path

from pdbridge.notegrid import NoteGrid, device_settings
from pdbridge.nsynth import mulaw
from pdbridge.rendering import cleaning

RESOLUTION, PITCHES, LENGTH = 9, tuple(range(24, 88, 4)), 60000
RUNS = 7

_OPEN = """if True:
    import resource, sys, time
    import numpy
    from pdbridge import files  # what a server has loaded anyway

    def memory():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()

    path = sys.argv[1]
    before, start = memory(), time.perf_counter()
    from pdbridge.notegrid import NoteGrid
    grid = NoteGrid.open(path)
    opened, grown = time.perf_counter() - start, memory() - before
    start = time.perf_counter()
    grid.note(7, 3, 60)
    first = time.perf_counter() - start
    cells = [(row, col) for row in range(9) for col in range(9)]
    start = time.perf_counter()
    for row, col in cells:
        grid.read(grid.onset(row, col, 5), grid.length)
    print(opened * 1e3, grown / 1e6, first * 1e3, (time.perf_counter() - start) * 1e3 / len(cells))
"""


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--keep", action="store_true", help="leave the file where it is, and say where")
    options.add_argument("--minutes", type=float, default=0, help="of the dropout run under JACK")
    options.add_argument("--audiobuf", type=float, default=20, help="Pd's audio buffer in ms")
    options = options.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        path = write_sparse(folder / "full.bin")
        measure_opening(path)
        measure_info(path)
        measure_finishing()
        if options.minutes:
            measure_live(path, options.minutes, options.audiobuf)
    finally:
        if options.keep:
            print(f"the grid is in {folder}")
        else:
            shutil.rmtree(folder)


def write_sparse(path):
    """A grid of full size with 100 samples of sound at the start of each note."""
    count = RESOLUTION ** 2 * len(PITCHES)
    with open(path, "wb") as file:
        for note in range(count):
            file.seek(note * LENGTH * 2)
            file.write((8000 * np.sin(np.arange(100) * (note + 1) / 50)).astype("<i2").tobytes())
        file.truncate(count * LENGTH * 2)
    settings = device_settings(PITCHES, RESOLUTION, LENGTH, corners=("nw", "ne", "sw", "se"), loop=(0.2, 0.41))
    path.with_suffix(".json").write_text(json.dumps(settings))
    return path


def measure_opening(path):
    def once(cold):
        if cold and hasattr(os, "posix_fadvise"):
            with open(path, "rb") as file:
                os.fsync(file.fileno())  # only what is on disk can be thrown out of memory
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        output = subprocess.run([sys.executable, "-c", _OPEN, str(path)], cwd=ROOT, check=True, text=True,
                                capture_output=True).stdout
        return list(map(float, output.split()))

    for what, cold in (("file in memory", False), ("file thrown out", True)):
        opened, grown, first, each = zip(*(once(cold) for _ in range(RUNS)), strict=True)
        print(f"{what:16} open {report(opened)} ms, {max(grown):.1f} MB; first note {report(first)} ms, "
              f"one of each cell {report(each)} ms a note")


def measure_info(path):
    for words in ((), ("--check",)):
        times = []
        for _ in range(3):
            start = time.perf_counter()
            command = [sys.executable, "-m", "pdbridge", "grid", "info", str(path), *words]
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
            times.append((time.perf_counter() - start) * 1e3)
        print(f"{'info ' + ' '.join(words):16} {report(times)} ms, the whole command")


def measure_finishing():
    codes = np.random.default_rng(0).integers(100, 156, 64000).astype(np.uint8)
    times = []
    for _ in range(30):
        start = time.perf_counter()
        sound = cleaning.remove_clicks(mulaw.samples(codes))
        cleaning.finish(sound, LENGTH)
        times.append((time.perf_counter() - start) * 1e3)
    print(f"{'finish a note':16} {report(times)} ms; 1296 notes: {statistics.median(times) * 1.296:.1f} s")
    notes = (np.zeros(LENGTH, np.int16) for _ in range(RESOLUTION ** 2 * len(PITCHES)))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        NoteGrid.write(Path(folder) / "grid.bin", notes, PITCHES, RESOLUTION, LENGTH)
        print(f"{'write the file':16} {time.perf_counter() - start:.2f} s")


def report(times):
    """The fastest and the median."""
    return f"{min(times):.2f} (median {statistics.median(times):.2f})"


def measure_live(path, minutes, audiobuf):
    """The grid in a real Pd under JACK."""
    from stage import Stage, click_latency, may_run_in_real_time, show

    random.seed(1)
    realtime = may_run_in_real_time()
    print(f"live, Pd with -audiobuf {audiobuf:g}, JACK and Pd {'with' if realtime else 'without'} "
          "real-time priority; milliseconds")
    show("a key in the server to its answer", server_latency(path, 300))
    with Stage("nsynth.pd", ["--model", "none", "--grid", path], audiobuf, realtime) as stage:
        stage.client.until(lambda status: status["grid"] == path.stem, "the grid")
        show("a click Pd makes itself, message to sound (baseline)", click_latency(stage, 100))
        show("a key, [notein] in Pd to sound", key_latency(stage, 100))
        run = long_run(stage, path, minutes)
        status = stage.client.status()
    print(f"  {minutes:g} minutes, {run['notes']} notes, {run['moves']} pad moves, {run['loads']} grids opened: "
          f"{run['gaps']} dropouts ({run['gap_ms']:.1f} ms), {run['broken_samples']} breaks in the tone, "
          f"{run['jack_periods_skipped']} periods skipped by JACK itself")
    print(f"  server: {run['processor_ms']:.2f} ms of processor a note with its {run['moves'] // run['notes']} "
          f"pad moves; {status['late']} notes cut short because their rest came too late, {status['lost']} "
          f"slices lost, {status['dropped']} packets dropped, {status['failed']} messages failed")


def server_latency(path, notes):
    """note_on to the answer ``play``, from a plain OSC client, each note in another cell."""
    from stage import Client, end, milliseconds

    from pdbridge.hosts.wire import encode
    from pdbridge.session import free_port

    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "pdbridge", "serve", "--port", str(port), "--model", "none"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = Client(port)
        client.status()
        for command in (("/notify", 1), ("/nsynth/load", str(path)), ("/nsynth/voices", "voice", 12, 48000.0, 8)):
            client.send(*command)
            client.wait("/done")
        times = []
        for index in range(notes):
            pitch = 30 + index % 50
            client.send("/nsynth/position_rel", random.random(), random.random())
            time.sleep(0.01)  # as a hand that moves the pad and then plays
            client.forget()
            begin = time.perf_counter()
            client._socket.send(encode("/nsynth/note_on", pitch, 100))
            client.wait("/nsynth/play")
            times.append(time.perf_counter() - begin)
            client.send("/nsynth/note_off", pitch)
            time.sleep(random.uniform(0.05, 0.15))
        return milliseconds(times)
    finally:
        end(process)


def key_latency(stage, notes):
    """``[notein]`` to the first sample, each note in another cell."""
    from stage import milliseconds, onset

    times = []
    for _ in range(notes):
        pitch = random.randint(36, 84)
        stage.pd("1004-in", "position_rel", random.random(), random.random())
        time.sleep(random.uniform(0.05, 0.06))
        times.append(onset(stage, 0, 1e-4, lambda pitch=pitch: stage.pd("#notein", pitch, 127, 1)))
        stage.pd("#notein", pitch, 0, 1)
        time.sleep(0.4)
    missing = sum(time_s is None for time_s in times)
    if missing:
        print(f"   {missing} notes were not heard")
    return milliseconds([time_s for time_s in times if time_s is not None])


def long_run(stage, path, minutes):
    """Play and sweep the pad for some minutes, and open the grid anew; count dropouts."""
    from stage import dropouts

    begin = time.monotonic()
    next_note = next_load = begin
    held, totals = [], np.zeros(4)
    notes = moves = loads = 0
    used = processor_time(stage.server.pid)
    stage.capture.take_seam()
    stage.reported("/nsynth/grid")  # those before do not count
    while (now := time.monotonic()) < begin + 60 * minutes:
        angle = (now - begin) * 2.3
        stage.pd("1004-in", "position_rel", 0.5 + 0.5 * np.sin(angle * 1.7), 0.5 + 0.5 * np.cos(angle))
        moves += 1
        if now > next_load:
            stage.pd("1004-in", "load", str(path))
            next_load = now + 20
        if now > next_note:
            pitch = random.randint(24, 84)
            stage.pd("#notein", pitch, random.randint(40, 127), 1)
            held.append(pitch)
            notes += 1
            next_note = now + random.uniform(0.02, 0.25)
        while len(held) > 6:
            stage.pd("#notein", held.pop(0), 0, 1)
        time.sleep(0.01)
        loads += stage.reported("/nsynth/grid")
        if len(stage.capture.blocks) > 4000:
            totals += dropouts(stage.capture.take_seam())
    totals += dropouts(stage.capture.take_seam())
    return {"notes": notes, "moves": moves, "loads": loads, "gaps": int(totals[0]), "gap_ms": totals[1],
            "broken_samples": int(totals[2]), "jack_periods_skipped": int(totals[3]),
            "processor_ms": (processor_time(stage.server.pid) - used) * 1e3 / notes}


def processor_time(process):
    """Seconds of processor time of a process so far (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
