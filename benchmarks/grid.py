"""What does a note grid cost? A full-size one (9 x 9 cells, 16 pitches, 60000 samples) is opened and read.

    python benchmarks/grid.py [--keep]

The file has 155.5 MB, with a note in every place but holes between them where the file system allows it.
Prints, for each in a process of its own as the server would do it,

* opening: milliseconds, and how much more memory the process takes (budgets: 50 ms, 20 MB);
* a note from a file that is in the system's memory, and from one that is not (where the system lets us
  throw it out);
* `pdbridge grid info`, whole command;
* making notes ready for the file: cleaning and packing, milliseconds a note.

The numbers are the fastest and the median of several runs; compare them on a quiet machine.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pdbridge.notegrid import NoteGrid, device_settings  # noqa: E402
from pdbridge.nsynth import mulaw  # noqa: E402
from pdbridge.rendering import cleaning  # noqa: E402

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
    options = options.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        path = write_sparse(folder / "full.bin")
        measure_opening(path)
        measure_info(path)
        measure_finishing()
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


# The second part, a grid that is played and swept under JACK, belongs here.

if __name__ == "__main__":
    main()
