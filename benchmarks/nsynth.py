"""How fast does NSynth decode on this machine, of what the machine could do at most?

    python benchmarks/nsynth.py [--quick] [--batches 1,32,128] [--precisions int8] [--json FILE]

Measures, in the same run, the peaks of the processor (multiply-adds in registers, reading memory) and
the compiled decoder at the published size with random weights, for several numbers of notes at a time
and all precisions. Speeds are samples a second of all notes together. Candidates take turns, so that a
busy moment of the machine hits them all; medians count. How busy other programs kept the machine is
said at the end: on a busy one the figures say little.

Two things to compare with. The original's own speed was measured once, by running Magenta's code with
TensorFlow 2.15 on a machine like the one this project is developed on (two cores of an AMD EPYC Zen 4);
on another machine the ratio means nothing. And pdbridge's own TensorFlow decoder, in the same run.

The errors of the narrow precisions are those of the logits on the original's golden numbers, which
come from a small network with random weights.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np

from pdbridge.nsynth import kernel, mulaw
from pdbridge.nsynth.checkpoint import Weights, read_wavenet, shapes
from pdbridge.nsynth.decoding import PRECISIONS
from pdbridge.silence import tensorflow_silenced

WIDTH, SKIP, LAYERS, CHANNELS = 512, 256, 30, 16  # the published decoder
GOLDENS = ROOT / "tests" / "data" / "nsynth"
BYTES = {"float32": 4, "bfloat16": 2, "int8": 1}

ORIGINAL = {1: 48.3, 4: 180, 16: 495, 64: 1027, 128: 1169}  # samples/s by notes at a time
# What the project promises on such a machine.
RATIOS = {"float32": 1.5, "bfloat16": 3.0, "int8": 5.0}  # at the best batch, to the original's best
SHARES = {"float32": 0.80, "bfloat16": 0.80, "int8": 0.65}  # of the peak, at the best batch
RATIO_ALONE = 10.0  # one note, in the best precision, to the original's one note
SPREAD_ERRORS = {"bfloat16": 0.05, "int8": 0.15}  # rms of the logits' error, of their spread


def random_weights(seed=1):
    """The published size; strengths that keep signals as they are through all layers."""
    random = np.random.default_rng(seed)
    arrays = {}
    for name, shape in shapes(WIDTH, SKIP, LAYERS, 4, 1, CHANNELS).items():
        array = random.standard_normal(shape, dtype=np.float32)
        array *= 0.05 if array.ndim == 1 else np.prod(shape[:-1]) ** -0.5
        squeezed = array if array.ndim == 1 else array[0, 0] if shape[1] == 1 else array[0]
        arrays[name] = squeezed
    return Weights(arrays)


def multiply_adds():
    """What one sample takes. The residual of the last layer is not needed, and the first skip
    connection is folded into the first convolution."""
    layers = LAYERS * (3 * WIDTH * 2 * WIDTH + WIDTH * SKIP) + (LAYERS - 1) * WIDTH * WIDTH
    return 3 * (WIDTH + SKIP) + layers + SKIP * SKIP + SKIP * mulaw.CODES


class OtherPrograms:
    """How many cores other programs keep busy."""

    def __init__(self):
        self._start = self._now()

    @staticmethod
    def _now():
        try:
            fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        except OSError:  # no Linux
            return None
        user, nice, system, _, _, irq, softirq, steal = map(int, fields)
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        own = os.times()
        return time.monotonic(), busy - own.user - own.system

    def cores(self):
        """Since this was made (float), or None where the system does not tell."""
        if self._start is None:
            return None
        (start, busy_then), (now, busy_now) = self._start, self._now()
        return max(busy_now - busy_then, 0) / max(now - start, 1e-9)


class Candidate:
    """Notes of one batch and precision, and how fast they are made."""

    def __init__(self, decoder, batch, seconds):
        self.batch, self._seconds = batch, seconds
        random = np.random.default_rng(2)
        self._start = lambda: decoder.start(random.standard_normal((batch, 32, CHANNELS)))
        self._decoding = self._start()
        self._uniforms = random.random((batch, 512))
        self._steps = 16  # a whole block of what is computed ahead
        self.speeds = []
        self._run()  # wakes everything up
        while self._run() < seconds and self._steps < 512:
            self._steps *= 2

    def _run(self, steps=None):
        """Seconds for some steps."""
        steps = steps or self._steps
        if self._decoding.position + steps > 32 * 512:
            self._decoding = self._start()
        start = time.perf_counter()
        self._decoding.run(steps, self._uniforms[:, :steps])
        return time.perf_counter() - start

    def take_turn(self):
        self._run(self._steps // 4)  # a rendering runs for hours; waking up after the others is not part of it
        self.speeds.append(self.batch * self._steps / self._run())

    @property
    def speed(self):
        return statistics.median(self.speeds)


def errors_on_goldens():
    """Of each narrow precision: largest error of the logits, rms, and rms relative to their spread."""
    golden = dict(np.load(GOLDENS / "golden_wavenet_public.npz"))
    with tensorflow_silenced():
        weights = read_wavenet(GOLDENS / "ckpt_public")
    codes, expected = mulaw.codes(golden["q"])[np.newaxis], golden["logits_parallel"]
    errors = {}
    for precision in PRECISIONS:
        decoding = kernel.KernelDecoder(weights, precision).start(golden["enc"][np.newaxis])
        error = decoding.feed(codes, logits=True)[0, golden["logits_idx"]] - expected
        rms = float(np.sqrt(np.mean(error.astype(np.float64) ** 2)))
        errors[precision] = float(np.abs(error).max()), rms, rms / float(expected.std())
    return errors


def measure(batches, precisions, turns, seconds, with_tensorflow):
    """Peaks and speeds; the dict that goes into the JSON file, too."""
    weights = random_weights()
    decoders = {precision: kernel.KernelDecoder(weights, precision) for precision in precisions}
    if with_tensorflow:
        with tensorflow_silenced():
            from pdbridge.nsynth.wavenet import TensorFlowDecoder

            decoders["TensorFlow"] = TensorFlowDecoder(weights)
    peaks = {precision: 0.0 for precision in precisions}
    reading = {}
    speeds = {name: {} for name in decoders}
    for batch in batches:
        candidates = {name: Candidate(decoder, batch, seconds) for name, decoder in decoders.items()}
        for _ in range(turns):
            for name, candidate in candidates.items():
                candidate.take_turn()
                if name in peaks:
                    peaks[name] = max(peaks[name], kernel.measure_arithmetic(name, seconds=0.02))
        for name, candidate in candidates.items():
            speeds[name][batch] = candidate.speed
    for precision in precisions:
        size = multiply_adds() * BYTES[precision]
        reading[precision] = size, kernel.measure_reading(size, 1), kernel.measure_reading(size)
    return {
        "descriptions": {name: decoder.description for name, decoder in decoders.items()},
        "multiply_adds": multiply_adds(),
        "peaks": peaks,
        "reading": reading,
        "speeds": speeds,
    }


def report(figures, errors):
    """Print the tables; returns whether every promise was kept."""
    speeds, peaks = figures["speeds"], figures["peaks"]
    for name, description in figures["descriptions"].items():
        print(f"{name:12}{description}")
    print(f"\n{'peak':12}{'GMAC/s':>8}{'weights':>12}{'read by one thread':>20}{'by all':>10}")
    for precision, peak in peaks.items():
        size, one, every = figures["reading"][precision]
        known = f"{peak / 1e9:8.0f}" if peak else f"{'-':>8}"
        print(f"{precision:12}{known}{size / 1e6:9.0f} MB{one / 1e9:15.1f} GB/s{every / 1e9:7.1f} GB/s")

    print("\nsamples a second, and share of the peak")
    print("notes " + "".join(f"{name:>17}" for name in speeds) + f"{'the original':>17}")
    for batch in next(iter(speeds.values())):
        line = f"{batch:5} "
        for name, by_batch in speeds.items():
            share = figures["multiply_adds"] * by_batch[batch] / peaks[name] if peaks.get(name) else None
            line += f"{by_batch[batch]:10.0f}" + (f"{share:7.1%}" if share else " " * 7)
        print(line + (f"{ORIGINAL[batch]:10.0f}" if batch in ORIGINAL else ""))

    kept = []

    def promise(what, value, least):
        kept.append(value >= least)
        print(f"{what}: {value:.2f}, at least {least:g}  {'ok' if kept[-1] else 'MISSED'}")

    print()
    for precision in peaks:
        batch, best = max(speeds[precision].items(), key=lambda item: item[1])
        promise(f"{precision}, {batch} notes, to the original's best (1169/s)", best / ORIGINAL[128],
                RATIOS[precision])
        if peaks[precision]:
            share = figures["multiply_adds"] * best / peaks[precision]
            promise(f"{precision}, {batch} notes, share of the peak", share, SHARES[precision])
        if "TensorFlow" in speeds:
            print(f"{precision}, {batch} notes, to pdbridge's TensorFlow at its best: "
                  f"{best / max(speeds['TensorFlow'].values()):.2f}")
    alone = {precision: speeds[precision][1] for precision in peaks if 1 in speeds[precision]}
    if alone:
        best = max(alone, key=alone.get)
        promise(f"one note in {best}, to the original's (48.3/s)", alone[best] / ORIGINAL[1], RATIO_ALONE)

    print(f"\nlogits on the goldens{'largest error':>16}{'rms':>10}{'of the spread':>16}{'budget':>8}")
    for precision, (largest, rms, relative) in errors.items():
        line = f"{precision:21}{largest:16.2e}{rms:10.2e}{relative:16.2e}"
        if precision in SPREAD_ERRORS:
            kept.append(relative <= SPREAD_ERRORS[precision])
            line += f"{SPREAD_ERRORS[precision]:8}  {'ok' if kept[-1] else 'MISSED'}"
        print(line)
    return all(kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs, no TensorFlow")
    parser.add_argument("--batches", default="1,4,8,32,64,128", help="notes at a time (%(default)s)")
    parser.add_argument("--precisions", default=",".join(PRECISIONS), help="%(default)s")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    there, reason = kernel.available()
    if not there:
        sys.exit(f"there is nothing to measure: {reason}")
    others = OtherPrograms()
    figures = measure([int(batch) for batch in options.batches.split(",")], options.precisions.split(","),
                      turns=5 if options.quick else 9, seconds=0.1 if options.quick else 1.0,
                      with_tensorflow=not options.quick)
    figures["busy_elsewhere"] = others.cores()
    figures["errors"] = errors_on_goldens()
    figures["kept"] = report(figures, figures["errors"])
    if figures["busy_elsewhere"] is not None:
        print(f"\nother programs kept {figures['busy_elsewhere']:.2f} of {os.cpu_count()} cores busy meanwhile")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
