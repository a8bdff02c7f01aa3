"""Makes NSynth checkpoints for tests: small ones, and ones that are broken."""

import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

from pdbridge.nsynth.checkpoint import shapes

GOLDENS = Path(__file__).parent / "data" / "nsynth"
PUBLIC = GOLDENS / "ckpt_public"
TRAINED = GOLDENS / "ckpt_public_trainfmt"
PREFIX = "model.ckpt-200000"

SMALL = {"width": 3, "skip": 2, "layers": 2, "ae_width": 4, "ae_layers": 1, "channels": 5}


def random_tensors(seed=0, **sizes):
    """Every variable of the small model, or of one with other sizes."""
    random = np.random.default_rng(seed)
    return {name: random.standard_normal(shape, dtype=np.float32)
            for name, shape in shapes(**(SMALL | sizes)).items()}


def save(prefix, tensors):
    prefix.parent.mkdir(parents=True, exist_ok=True)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=list(tensors.values()),
    )
    return prefix


def write_checkpoint(folder, changes=None, **sizes):
    """A small checkpoint with random weights; a change of None leaves a variable out."""
    tensors = random_tensors(**sizes) | (changes or {})
    return save(folder / PREFIX, {name: array for name, array in tensors.items() if array is not None})


def copy_of_public(folder):
    """A copy of the golden checkpoint that a test may break."""
    copy = folder / "wavenet-ckpt"
    shutil.copytree(PUBLIC, copy)
    for file in copy.iterdir():
        file.chmod(0o644)
    copy.chmod(0o755)
    return copy
