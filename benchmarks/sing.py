"""How fast is a SING note of the published size on this machine, and beside PyTorch?

    pip install torch --index-url https://download.pytorch.org/whl/cpu
    python benchmarks/sing.py [--rounds N] [--threads N]

Writes a checkpoint of the published size with random weights (255 MB, as the original's training keeps it),
loads it in a process of its own, and makes notes with pdbridge and with PyTorch's own LSTM and convolutions,
which the original is built of. The candidates take turns, so that a busy moment of the machine hits them all;
the fastest runs tell what it could do if it had nothing else to do. Processor seconds count all threads.
PyTorch is used here only.
"""

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np
import torch

FRAMES, HIDDEN, LAYERS, DIMENSION, CHANNELS, CONTEXT, KERNEL, STRIDE = 265, 1024, 3, 128, 4096, 9, 1024, 256
TABLES = (1006, 16), (121, 8), (6, 2)  # instruments, pitches, velocities
TIMES = 4
BATCHES = 1, 8
#: What the project promises on two cores.
NOTE_BUDGETS = {1: 0.35, 8: 0.15}  # s a note
LOAD_BUDGET = 1.0  # s

LOADING = """
import sys, time
sys.path.insert(0, {root!r})
import tensorflow, pdbridge
from pdbridge.sing import model

def memory(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) / 1024

tensorflow.zeros(1)
before = memory("VmRSS")
open("/proc/self/clear_refs", "w").write("5")  # begin anew with the peak
start = time.perf_counter(), time.process_time()
made = pdbridge.SING.load({path!r})
print(time.perf_counter() - start[0], time.process_time() - start[1], memory("VmHWM") - before, memory("VmRSS") - before)
"""


class Original(torch.nn.Module):
    """The network of the paper, out of PyTorch's modules."""

    def __init__(self):
        super().__init__()
        generator = self.sequence_generator = torch.nn.Module()
        generator.tables = torch.nn.ModuleList(torch.nn.Embedding(*sizes) for sizes in TABLES)
        generator.time_table = torch.nn.Embedding(FRAMES, TIMES)
        generator.lstm = torch.nn.LSTM(sum(size for _, size in TABLES) + TIMES, HIDDEN, LAYERS)
        generator.decoder = torch.nn.Linear(HIDDEN, DIMENSION)
        self.decoder = torch.nn.Module()
        synthesis = torch.nn.Module()
        synthesis.conv_tr = torch.nn.ConvTranspose1d(CHANNELS, 1, KERNEL, STRIDE, padding=KERNEL - STRIDE)
        synthesis.register_buffer("window", torch.hann_window(KERNEL) ** 2)
        self.decoder.layers = torch.nn.ModuleList([
            torch.nn.Conv1d(DIMENSION, CHANNELS, CONTEXT), torch.nn.ReLU(),
            torch.nn.Conv1d(CHANNELS, CHANNELS, 1), torch.nn.ReLU(),
            torch.nn.Conv1d(CHANNELS, CHANNELS, 1), torch.nn.ReLU(), synthesis])

    def forward(self, *numbers):
        generator, layers = self.sequence_generator, self.decoder.layers
        symbols = torch.cat([table(n) for table, n in zip(generator.tables, numbers)], 1)  # [count, 26]
        symbols = symbols.expand(FRAMES, *symbols.shape)
        times = generator.time_table.weight[:, None].expand(-1, symbols.shape[1], -1)
        hidden, _ = generator.lstm(torch.cat([symbols, times], 2))
        values = generator.decoder(hidden).permute(1, 2, 0)  # [count, 128, 265]
        for layer in layers[:-1]:
            values = layer(values)
        last = layers[-1].conv_tr
        sound = torch.nn.functional.conv_transpose1d(
            values, last.weight * layers[-1].window, last.bias, last.stride, last.padding)
        return sound[:, 0, 512:-512]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    theirs = Original().eval()
    with torch.no_grad():  # so loud that small differences show
        for name, parameter in theirs.sequence_generator.named_parameters():
            parameter.mul_(2 if name.startswith("lstm") else 1)
        theirs.decoder.layers[-1].conv_tr.weight.mul_(20)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sing.torch"
        torch.save((19, theirs.state_dict()), path, _use_new_zipfile_serialization=False)
        print(f"a checkpoint of {path.stat().st_size / 1e6:.0f} MB")
        measure_loading(path, options.rounds)

        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(options.threads)
        tf.config.threading.set_inter_op_parallelism_threads(options.threads)
        import pdbridge

        ours = pdbridge.SING.load(path)
    measure_notes(ours, theirs, options.rounds)


def measure_loading(path, rounds):
    code = LOADING.format(root=str(ROOT), path=str(path))
    lines = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
             for _ in range(rounds)]
    seconds, cpu, peak, kept = (sorted(column) for column in zip(*(map(float, line.split()) for line in lines)))
    print(f"loaded in {seconds[0]:.2f} s, median {statistics.median(seconds):.2f} s (promised: {LOAD_BUDGET:g} s), "
          f"{cpu[0]:.2f} s of the processor; memory: {kept[-1]:.0f} MiB more, at the peak {peak[-1]:.0f} MiB")


def measure_notes(ours, theirs, rounds):
    random = np.random.default_rng(2)
    notes = [random.integers(0, rows, max(BATCHES)) for rows in (TABLES[0][0], 121, 5)]
    velocities = np.array(ours.velocities)[notes[2]]
    indices = [0, 1, 2, 4, 5]  # rows of the velocities in the original

    def with_pdbridge(count):
        return ours.synthesize(notes[0][:count], notes[1][:count], velocities[:count])

    def with_pytorch(count):
        with torch.no_grad():
            numbers = notes[0][:count], notes[1][:count], np.array(indices)[notes[2]][:count]
            return theirs(*map(torch.tensor, numbers)).numpy()

    def beginning(_):
        return next(ours.stream(notes[0][0], notes[1][0], velocities[0]))

    ours.warm_up()
    expected = with_pytorch(max(BATCHES))
    difference = np.abs(with_pdbridge(max(BATCHES)) - expected).max()
    print(f"notes peak at {np.abs(expected).max():.2f} and differ by {difference:.1e} at most")

    candidates = {("pdbridge, the first 0.35 s", 1): beginning}
    for count in BATCHES:
        candidates |= {("pdbridge", count): with_pdbridge, ("PyTorch", count): with_pytorch}
    wall, cpu = {key: [] for key in candidates}, {key: [] for key in candidates}
    for turn in range(rounds + 1):
        for key, make in candidates.items():
            start = time.perf_counter(), time.process_time()
            make(key[1])
            if turn:  # the first one warms up
                wall[key].append((time.perf_counter() - start[0]) / key[1])
                cpu[key].append((time.process_time() - start[1]) / key[1])

    print(f"\n{'s a note':28}  notes  median  fastest  processor")
    for key in candidates:
        name, count = key
        print(f"{name:28}  {count:5}  {statistics.median(wall[key]):6.3f}  {min(wall[key]):7.3f}  {min(cpu[key]):9.3f}")
    for count in BATCHES:
        # Both of a turn were as busy.
        ratios = [b / a for a, b in zip(wall["pdbridge", count], wall["PyTorch", count])]
        peak = 2 * 16.54e-3 / min(wall["pdbridge", count])  # of 16.54 billion multiply-adds a note
        print(f"{count} at a time: {statistics.median(ratios):.2f} times as fast as PyTorch (fastest runs: "
              f"{min(wall['PyTorch', count]) / min(wall['pdbridge', count]):.2f}), {peak * 1000:.0f} GFLOP/s; "
              f"promised: {NOTE_BUDGETS[count]:g} s a note"
              f"{'' if min(wall['pdbridge', count]) <= NOTE_BUDGETS[count] else ', not reached here'}")
    if not math.isfinite(difference) or difference > 1e-5 * max(np.abs(expected).max(), 1):
        sys.exit("the notes are not those of PyTorch")


if __name__ == "__main__":
    main()
