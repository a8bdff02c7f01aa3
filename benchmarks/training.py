"""How fast does GANSynth train on this machine?

    python benchmarks/training.py [--config NAME] [--stages 0,6,12] [--steps N] [--batch-size N]
                                  [--mixed-precision] [--xla] [--json FILE]

For each stage: pictures a second that the input pipeline delivers (painted pictures on the disk, made coarser for the
stage), and that whole steps take (one of the generator, one of the critic). Data are random notes. Medians of N steps
after one for warming up. How busy other programs kept the machine is said at the end: on a busy one only processor
time, which is summed over all cores, says something.
"""

import argparse
import dataclasses
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

from pdbridge.silence import tensorflow_silenced

NOTES = 64


def main():
    options = parse()
    with tensorflow_silenced():
        from pdbridge.training.gansynth import config as configs
        from pdbridge.training.gansynth.adversarial import Adversaries, initial_tensors
        from pdbridge.training.gansynth.pictures import prepare
        from pdbridge.training.gansynth.schedule import stages
    config = configs.make(options.config)
    if options.batch_size:
        config = dataclasses.replace(config, batch_size_schedule=[options.batch_size])
    busy = busy_seconds()
    start, own = time.perf_counter(), time.process_time()
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        write_notes(Path(folder))
        began = time.perf_counter()
        pictures = prepare(folder, folder, config.layout)
        print(f"painting: {NOTES / (time.perf_counter() - began):.1f} pictures/s")
        for number in options.stages:
            stage = stages(config)[number]
            first = stages(config)[number - 1].end if number else 0
            tensors = initial_tensors(config, stage, len(pictures.pitches)) | {"global_step": np.int64(first)}
            trainer = Adversaries(config, stage, pictures, tensors, mixed_precision=options.mixed_precision,
                                  xla=options.xla)
            batches = iter(pictures.batches(first, stage.batch_size, 2 ** (config.num_resolutions - stage.blocks)))
            reading, _ = timed(lambda batches=batches: next(batches), 10 * options.steps)
            step, worked = timed(trainer.advance, options.steps)
            figures.append({"stage": number, "batch_size": stage.batch_size,
                            "pipeline_images_per_s": stage.batch_size / reading, "s_per_step": step,
                            "processor_s_per_step": worked, "images_per_s": stage.batch_size / step})
            print("stage {stage}, batch {batch_size}: pipeline {pipeline_images_per_s:.0f} pictures/s; step "
                  "{s_per_step:.3f} s ({processor_s_per_step:.3f} s of processor time), {images_per_s:.2f} pictures/s"
                  .format(**figures[-1]), flush=True)
    wall, own = time.perf_counter() - start, time.process_time() - own
    others = (busy_seconds() - busy - own) / wall / (os.cpu_count() or 1)
    print(f"other programs kept the machine busy for {max(others, 0):.0%} of the time")
    if options.json:
        Path(options.json).write_text(json.dumps({"figures": figures, "others": others}, indent=1) + "\n")


def parse():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--config", default="mel_prog_hires")
    options.add_argument("--stages", type=lambda text: [int(number) for number in text.split(",")], default=[0, 6, 12])
    options.add_argument("--steps", type=int, default=3)
    options.add_argument("--batch-size", type=int)
    options.add_argument("--mixed-precision", action="store_true")
    options.add_argument("--xla", action="store_true")
    options.add_argument("--json", metavar="FILE")
    return options.parse_args()


def timed(act, times):
    """Median seconds, and seconds of processor time, after once for warming up."""
    act()
    taken, worked = [], []
    for _ in range(times):
        start, own = time.perf_counter(), time.process_time()
        act()
        taken.append(time.perf_counter() - start)
        worked.append(time.process_time() - own)
    return statistics.median(taken), statistics.median(worked)


def write_notes(folder):
    from pdbridge.training.datasets import records

    random = np.random.default_rng(0)
    seconds = np.arange(records.NOTE_LENGTH) / records.SAMPLE_RATE
    records.write(folder / "data.tfrecord", (
        records.Note(24 + number % 61, (np.sin(2 * np.pi * random.uniform(50, 2000) * seconds)
                                        * np.exp(-seconds)).astype(np.float32) / 2)
        for number in range(NOTES)))


def busy_seconds():
    """Processor time of all programs since the machine started; 0 where /proc does not tell."""
    try:
        user, nice, system = map(int, Path("/proc/stat").read_text().split()[1:4])
    except OSError:
        return 0.0
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
