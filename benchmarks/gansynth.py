"""How fast is a GANSynth note of the published size on this machine?

    python benchmarks/gansynth.py [--runs N] [--json FILE]

Makes a checkpoint of the published size with random weights, plays it with pdbridge, and beside
it with a straightforward TensorFlow graph of the same network. Times are in milliseconds; the
candidates take turns, five warm runs each, so that a busy moment of the machine hits them all.
Promises are about the medians; the fastest runs tell what the machine could do if it had nothing
else to do.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import tensorflow as tf

from pdbridge.gansynth import spectral
from pdbridge.gansynth.checkpoint import VARIABLE, Shape, read_checkpoint
from pdbridge.gansynth.model import GANSynth
from pdbridge.gansynth.notes import beginning

PUBLISHED = {
    "fmap_base": 4096,
    "fmap_decay": 1.0,
    "fmap_max": 256,
    "latent_vector_size": 256,
    "start_height": 2,
    "start_width": 16,
    "num_resolutions": 7,
    "stable_stage_num_images": 800_000,
    "transition_stage_num_images": 800_000,
}
STEP = 11_000_000
BLOCK = 5  # runs in a row when it is a candidate's turn
BLOCKS = 7
ORIGINAL_BATCH = 8  # the original always computes as many notes as one training step took
MODEL_PITCHES = range(24, 85)
HEARD = 24000  # samples that a hallucination takes of each sound, with its settings left as they are

# What the project promises on two cores: milliseconds, and against the straightforward graph.
BUDGETS = {"head, the first 0.32 s": 25, "whole note": 105, "61 heads": 2000}
PIECE_BUDGET = 25
RATIOS = {"straightforward, batch 1": 1.35, "straightforward, batch 8": 12.0}


def write_checkpoint(folder, seed=1):
    """Write a checkpoint of the published size in Magenta's layout, with random weights."""
    shape = Shape(
        latent_size=256, pitches=len(MODEL_PITCHES), resolutions=BLOCKS, start_height=2,
        start_width=16, fmap_base=4096, fmap_decay=1.0, fmap_max=256, tanh=True,
    )
    random = np.random.default_rng(seed)
    tensors = {"global_step": np.int64(STEP)}
    for block in range(1, BLOCKS + 1):
        for layer in ("conv0", "conv1", "to_rgb"):
            size = shape.kernel(block, layer)
            kernel = random.standard_normal(size, dtype=np.float32)
            # A louder last layer would saturate: in a trained picture, few pixels do.
            kernel *= 0.35 if layer == "to_rgb" else 1.0
            bias = 0.1 * random.standard_normal(size[3], dtype=np.float32)
            tensors[VARIABLE.format(block=block, layer=f"{layer}/conv2d/kernel")] = kernel
            tensors[VARIABLE.format(block=block, layer=f"{layer}/bias")] = bias
    stage = Path(folder) / f"stage_{2 * BLOCKS - 2:05d}"
    stage.mkdir(parents=True)
    tf.raw_ops.SaveV2(
        prefix=str(stage / f"model.ckpt-{STEP}"),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=list(tensors.values()),
    )
    (stage / "checkpoint").write_text(f'model_checkpoint_path: "./model.ckpt-{STEP}"\n')
    (Path(folder) / "experiment.json").write_text(json.dumps(PUBLISHED))


class Straightforward:
    """The network as the paper draws it: upscale, two convolutions, the whole picture."""

    def __init__(self, checkpoint):
        self._checkpoint = checkpoint
        self._weights = {}
        for (block, layer), (kernel, bias) in checkpoint.weights.items():
            gain = 1.0 if layer == "to_rgb" else 2.0
            scale = np.sqrt(gain / np.prod(kernel.shape[:3]))
            self._weights[block, layer] = kernel * np.float32(scale), bias
        self._graph = tf.function(self._draw)

    def _draw(self, x):  # [batch, 317]
        x = self._pixel_norm(x)[:, tf.newaxis, tf.newaxis]  # [batch, 1, 1, 317]
        shape = self._checkpoint.shape
        rows, columns = shape.start_height - 1, shape.start_width - 1
        x = tf.pad(x, [[0, 0], [rows, rows], [columns, columns], [0, 0]])
        x = self._layer(x, 1, "conv0", "VALID")  # [batch, 2, 16, 256]
        x = self._layer(x, 1, "conv1", "SAME")
        for block in range(2, BLOCKS + 1):
            x = tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)
            x = self._layer(x, block, "conv0", "SAME")
            x = self._layer(x, block, "conv1", "SAME")
        kernel, bias = self._weights[BLOCKS, "to_rgb"]
        return tf.tanh(tf.nn.conv2d(x, kernel, 1, "SAME") + bias)  # [batch, 128, 1024, 2]

    def _layer(self, x, block, layer, padding):
        kernel, bias = self._weights[block, layer]
        x = tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, padding), bias)
        return self._pixel_norm(tf.nn.leaky_relu(x, 0.2))

    @staticmethod
    def _pixel_norm(x):
        return x * tf.math.rsqrt(tf.reduce_mean(tf.square(x), axis=-1, keepdims=True) + 1e-8)

    def synthesize(self, z, pitches):
        one_hot = np.eye(len(MODEL_PITCHES), dtype=np.float32)
        labels = [pitch - MODEL_PITCHES[0] for pitch in pitches]
        x = np.concatenate([z, one_hot[labels]], axis=1)
        pictures = self._graph(tf.constant(x)).numpy()
        checkpoint = self._checkpoint
        pictures = spectral.denormalise(pictures, checkpoint.scale, checkpoint.shift)
        return np.stack([spectral.invert(picture, checkpoint.layout) for picture in pictures])


def timed(function):
    start = time.perf_counter()
    function()
    return 1000 * (time.perf_counter() - start)


def pieces_of_tail(model, z, pitch, state):
    """Milliseconds that each piece of a tail takes."""
    tail = model.tail(z, pitch, state)
    times = []
    while True:
        start = time.perf_counter()
        if next(tail, None) is None:
            return times
        times.append(1000 * (time.perf_counter() - start))


def measure(model, straightforward, runs):
    """Times in milliseconds of all runs, by what was measured."""
    z = model.random_z(1, seed=5)
    several = model.random_z(ORIGINAL_BATCH, seed=6)
    pitches = [60] * ORIGINAL_BATCH
    _, state = model.head(z, 60)
    bent = {"conv0": np.ones(model.layer_shapes["conv0"], np.float32)}
    once = {
        "head, the first 0.32 s": lambda: model.head(z, 60),
        "whole note": lambda: model.synthesize(z, 60),
        "sound of a hallucination": lambda: beginning(model, z[0], 32, HEARD),
        "head along components": lambda: model.head(z, 60, offsets=bent),
        "straightforward, batch 1": lambda: straightforward.synthesize(z, [60]),
    }
    now_and_then = {
        "straightforward, batch 8": lambda: straightforward.synthesize(several, pitches),
        "61 heads": lambda: [model.head(z, pitch) for pitch in model.pitches],
    }
    times = {name: [] for name in once | now_and_then}
    pieces = []
    for function in (once | now_and_then).values():
        function()
    for run in range(0, runs, BLOCK):
        for name, function in once.items():
            function()  # brings its weights back into the caches after the others' turns
            times[name] += [timed(function) for _ in range(BLOCK)]
        pieces_of_tail(model, z, 60, state)
        pieces += [pieces_of_tail(model, z, 60, state) for _ in range(BLOCK)]
        for name, function in now_and_then.items():
            times[name].append(timed(function))
    times["tail"] = [sum(piece) for piece in pieces]
    for number, piece in enumerate(zip(*pieces, strict=True), start=1):
        times[f"tail, piece {number}"] = list(piece)
    return times


def difference(model, straightforward):
    """Largest differences, relative to the peak: (stream, straightforward) to synthesize."""
    z = model.random_z(1, seed=7)
    whole = model.synthesize(z, 48)[0]
    peak = np.abs(whole).max()
    streamed = np.concatenate(list(model.stream(z, 48)))
    other = straightforward.synthesize(z, [48])[0]
    return float(np.abs(streamed - whole).max() / peak), float(np.abs(other - whole).max() / peak)


def report(times):
    """Print the tables; returns whether every promise was kept."""
    medians = {name: statistics.median(values) for name, values in times.items()}
    fastest = {name: min(values) for name, values in times.items()}
    kept = []
    print(f"{'':28}{'median':>8}{'fastest':>9}{'budget':>8}")
    for name in times:
        budget = PIECE_BUDGET if name.startswith("tail, piece") else BUDGETS.get(name)
        line = f"{name:28}{medians[name]:8.1f}{fastest[name]:9.1f}"
        if budget:
            kept.append(medians[name] <= budget)
            line += f"{budget:8}  {'ok' if kept[-1] else 'MISSED'}"
        print(line)
    for name, least in RATIOS.items():
        ratio = medians[name] / medians["whole note"]
        kept.append(ratio >= least)
        print(f"{name} / whole note: {ratio:.2f} ({fastest[name] / fastest['whole note']:.2f} "
              f"of the fastest), at least {least:g}  {'ok' if kept[-1] else 'MISSED'}")
    each = medians["straightforward, batch 8"] / ORIGINAL_BATCH
    print("a whole note in a batch of 8 / sound of a hallucination: "
          f"{each / medians['sound of a hallucination']:.2f}")
    return all(kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20, help="warm runs (default 20)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(folder)
        start = time.perf_counter()
        model = GANSynth.load(folder)
        loaded = time.perf_counter()
        model.warm_up()
        warm = time.perf_counter()
        straightforward = Straightforward(read_checkpoint(folder))
    print(f"load {loaded - start:.1f} s, warm up {warm - loaded:.1f} s, {os.cpu_count()} cores")
    times = measure(model, straightforward, options.runs)
    kept = report(times)
    streamed, other = difference(model, straightforward)
    print(f"largest difference to the whole note, of its peak: stream {streamed:.1e}, "
          f"straightforward {other:.1e}")
    if options.json:
        figures = {"times_ms": times, "stream_difference": streamed, "kept": kept}
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
