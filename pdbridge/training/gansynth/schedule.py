"""How the networks grow: the stages of the training.

Karras et al. 2018, "Progressive Growing of GANs", section 2. Even stages train the blocks that are there, odd ones fade
the next block in. Everything is counted in pictures seen.
"""

from dataclasses import dataclass

from pdbridge.gansynth.checkpoint import training_progress


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes
    ----------
    number : int
        From 0.
    blocks : int
        Of the networks.
    end : int
        Pictures seen when it is over.
    batch_size : int
    """

    number: int
    blocks: int
    end: int
    batch_size: int

    @property
    def fading(self):
        """Whether the last block is being faded in."""
        return self.number % 2 == 1

    @property
    def folder(self):
        """Name of the folder of its checkpoints."""
        return f"stage_{self.number:05d}"


def stages(config):
    """All stages of a training.

    Parameters
    ----------
    config : pdbridge.training.gansynth.config.Config

    Returns
    -------
    list of Stage
    """
    count = 2 * config.num_resolutions - 1
    sizes = config.batch_size_schedule[-config.num_resolutions:]
    sizes = [sizes[0]] * (config.num_resolutions - len(sizes)) + sizes
    made = []
    for number in range(count):
        grown = (number + 1) // 2
        end = (number // 2 + 1) * config.stable_stage_num_images + grown * config.transition_stage_num_images
        end = config.total_num_images if number == count - 1 else min(end, config.total_num_images)
        made.append(Stage(number, grown + 1, end, sizes[grown]))
    return made


def progress(config, stage, images):
    """How far the networks have grown after so many pictures: from 0 to ``stage.blocks - 1``."""
    return training_progress(images, stage.blocks, config.stable_stage_num_images,
                             config.transition_stage_num_images, config.train_progressive)
