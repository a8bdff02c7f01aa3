"""Makes GANSynth checkpoints for tests: of any size, and broken in any way."""

import json
import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

from pdbridge.gansynth.checkpoint import VARIABLE, Shape

GOLDENS = Path(__file__).parent / "data" / "gansynth"
PUBLIC = GOLDENS / "ckpt_public"
TRANSITION = GOLDENS / "ckpt_public_transition"
BUILT_IN = Path(__file__).parent.parent / "models" / "small_hours"

PUBLISHED = Shape(
    latent_size=256, pitches=61, resolutions=7, start_height=2, start_width=16,
    fmap_base=4096, fmap_decay=1.0, fmap_max=256, tanh=True,
)


def small_shape(**sizes):
    """Sizes of a network for tests: quick, and as others need it."""
    return Shape(**({
        "latent_size": 5, "pitches": 3, "resolutions": 4, "start_height": 4, "start_width": 8,
        "fmap_base": 64, "fmap_decay": 1.0, "fmap_max": 10, "tanh": True,
    } | sizes))


def variable(block, layer):
    return VARIABLE.format(block=block, layer=layer)


def random_tensors(shape, blocks, seed=0):
    """Kernels N(0, 1), as the original starts its training, and small biases."""
    random = np.random.default_rng(seed)
    tensors = {}
    for block in range(1, blocks + 1):
        for layer in ("conv0", "conv1", "to_rgb"):
            size = shape.kernel(block, layer)
            kernel = random.standard_normal(size, dtype=np.float32)
            tensors[variable(block, f"{layer}/conv2d/kernel")] = kernel
            bias = 0.1 * random.standard_normal(size[3], dtype=np.float32)
            tensors[variable(block, f"{layer}/bias")] = bias
    return tensors


def save(prefix, tensors):
    prefix.parent.mkdir(parents=True, exist_ok=True)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=list(tensors.values()),
    )


def write_checkpoint(folder, shape, stage=None, step=10**9, seed=0, **settings):
    """Write a checkpoint folder of the given sizes with random weights; returns the folder.

    By default it is one of the last stage, without a file ``checkpoint``.
    """
    stage = 2 * shape.resolutions - 2 if stage is None else stage
    blocks = (stage + 1) // 2 + 1
    tensors = random_tensors(shape, blocks, seed)
    save(
        folder / f"stage_{stage:05d}" / f"model.ckpt-{step}",
        tensors | {"global_step": np.int64(step)},
    )
    hop = shape.bins // 2
    described = {
        "latent_vector_size": shape.latent_size,
        "num_resolutions": shape.resolutions,
        "start_height": shape.start_height,
        "start_width": shape.start_width,
        "fmap_base": shape.fmap_base,
        "fmap_decay": shape.fmap_decay,
        "fmap_max": shape.fmap_max,
        "to_rgb_activation": "tanh" if shape.tanh else "linear",
        "audio_length": hop * (shape.frames - 3),
        "stable_stage_num_images": 1000,
        "transition_stage_num_images": 1000,
    }
    (folder / "experiment.json").write_text(json.dumps(described | settings))
    if shape.pitches != 61:
        notes = {f"note_{pitch}": {"pitch": pitch} for pitch in range(40, 40 + shape.pitches)}
        (folder / "meta.json").write_text(json.dumps(notes))
    return folder


def copy_of_public(tmp_path):
    """A copy of the golden checkpoint that a test may break."""
    return Path(shutil.copytree(PUBLIC, tmp_path / "model"))


def change_settings(folder, **settings):
    path = folder / "experiment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def change_tensors(folder, changes):
    """Replace tensors of the checkpoint in the only stage; None leaves one out."""
    (index,) = folder.glob("stage_*/*.index")
    prefix = index.with_suffix("")
    reader = tf.train.load_checkpoint(str(prefix))
    names = reader.get_variable_to_shape_map()
    names = [name for name in names if name.endswith("MovingAverage") or name == "global_step"]
    tensors = {name: reader.get_tensor(name) for name in names} | changes
    save(prefix, {name: value for name, value in tensors.items() if value is not None})
