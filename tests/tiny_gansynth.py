"""A GANSynth so small that tests can train it, and six notes to train it on."""

import numpy as np

from pdbridge.training.datasets import records
from pdbridge.training.gansynth import config as configs
from pdbridge.training.gansynth.pictures import picture

PITCHES = (60, 64, 67)
SETTINGS = {
    "num_resolutions": 2, "start_height": 2, "start_width": 16, "latent_vector_size": 6, "fmap_base": 16, "fmap_max": 4,
    "audio_length": 64, "stable_stage_num_images": 8, "transition_stage_num_images": 8, "total_num_images": 24,
    "batch_size_schedule": [4], "generator_ac_loss_weight": 10.0, "discriminator_ac_loss_weight": 10.0,
}


def tiny_config(**changes):
    return configs.make("defaults", **(SETTINGS | changes))


def notes(length=64, pitches=PITCHES, overtones=(1, 2)):
    seconds = np.arange(length) / records.SAMPLE_RATE
    for overtone in overtones:
        for pitch in pitches:
            phase = 2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * overtone * seconds
            yield records.Note(pitch, 0.5 * np.sin(phase).astype(np.float32))


def write_notes(folder, **how):
    """A data set; returns its folder."""
    folder.mkdir(exist_ok=True)
    records.write(folder / "data.tfrecord", notes(**how))
    return folder


def painted(layout):
    """The pictures of the notes: float32 [6, rows, bins, 2]."""
    return np.stack([picture(note.audio, layout) for note in notes()]).astype(np.float32)
