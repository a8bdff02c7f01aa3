"""The settings of a training, with the names and defaults of SING's program, and the sizes that follow from them."""

import dataclasses
import math
from dataclasses import dataclass

from pdbridge.errors import TrainingError
from pdbridge.sing.checkpoint import MARGIN
from pdbridge.training.sing.losses import WINDOW

EPOCHS = ("ae_epochs", "seq_epochs", "sing_epochs")
#: Settings of --debug and --debug-fast: does it run at all? The sounds are of no use.
DEBUG = dict.fromkeys(EPOCHS, 1) | {"train_notes": 100, "valid_notes": 100}
DEBUG_FAST = {"ae_channels": 128, "ae_dimension": 16, "ae_rewrite": 1, "seq_hidden_size": 128, "seq_layers": 1}
#: What each whole-numbered setting may be.
BOUNDS = {
    "ae_epochs": (0, 10**6), "seq_epochs": (0, 10**6), "sing_epochs": (0, 10**6), "batch_size": (1, 65536),
    "ae_channels": (1, 65536), "ae_stride": (1, 65536), "ae_dimension": (1, 65536), "ae_kernel": (1, 65536),
    "ae_rewrite": (0, 14), "ae_context": (1, 1024), "seq_hidden_size": (1, 65536), "seq_layers": (1, 16),
    "seq_truncated": (0, 10**6), "time_dim": (0, 65536), "instrument_dim": (1, 65536), "pitch_dim": (1, 65536),
    "velocity_dim": (1, 65536), "samples": (1, 4_000_000), "train_notes": (0, 10**9), "valid_notes": (0, 10**9),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True)
class Settings:
    """What a training is told; the defaults are the original's.

    Attributes
    ----------
    ae_epochs, seq_epochs, sing_epochs : int
        How often the three phases see all notes.
    lr : float
        Learning rate of all phases.
    batch_size : int
        Notes in a step. (The paper says 256, the program 64.)
    wav : bool
        Compare waves, not spectrograms.
    l1 : bool
        The mean of absolute differences, not of squares. The paper's model is trained so.
    epsilon : float
        Added to the power of a spectrogram before its logarithm is taken.
    ae_channels, ae_dimension : int
        Channels inside the autoencoder, and numbers in a frame.
    ae_kernel, ae_stride : int
        Samples that a frame is made of, and from one to the next.
    ae_rewrite : int
        1x1 layers of the encoder, and of the decoder.
    ae_context : int
        Frames that the decoder's first layer looks at together.
    ae_window : bool
        Whether frames are windowed (periodic Hann).
    ae_squared_window : bool
        Whether the window is squared.
    seq_hidden_size, seq_layers : int
        Of the LSTM.
    seq_truncated : int
        Frames after which a gradient is not carried further, in phase 2; 0 for none.
    time_dim, instrument_dim, pitch_dim, velocity_dim : int
        Sizes of the embeddings; without time_dim the network is not told the time.
    samples : int
        Length of a note. Longer ones are cut, shorter ones end in silence. (In the original all have 64000.)
    train_notes : int
        So many notes are drawn for training; 0 for all.
    valid_notes : int
        So many of the notes that are kept back are looked at after each epoch; 0 for all, as in the original.
    seed : int
        Of the first weights and of the order of notes. (Which notes are kept back does not depend on it.)
    """

    ae_epochs: int = 50
    seq_epochs: int = 50
    sing_epochs: int = 20
    lr: float = 3e-4
    batch_size: int = 64
    wav: bool = False
    l1: bool = False
    epsilon: float = 1.0
    ae_channels: int = 4096
    ae_dimension: int = 128
    ae_kernel: int = 1024
    ae_stride: int = 256
    ae_rewrite: int = 2
    ae_context: int = 9
    ae_window: bool = True
    ae_squared_window: bool = True
    seq_hidden_size: int = 1024
    seq_layers: int = 3
    seq_truncated: int = 32
    time_dim: int = 4
    instrument_dim: int = 16
    pitch_dim: int = 8
    velocity_dim: int = 2
    samples: int = 64000
    train_notes: int = 0
    valid_notes: int = 1000
    seed: int = 0

    @property
    def strip(self):
        """Samples that the autoencoder loses at each end of a sound (int)."""
        return self.ae_kernel - self.ae_stride + (self.ae_context - 1) * self.ae_stride // 2

    @property
    def pad(self):
        """Silence that is put at each end of a note (int): what is lost, and the margin that `SING` cuts off."""
        return self.strip + MARGIN

    @property
    def frames(self):
        """Frames of a note (int)."""
        return 1 + (self.samples + 2 * self.pad - self.ae_kernel) // self.ae_stride

    @property
    def raw_length(self):
        """Samples that the decoder makes of a note (int): the note with a margin at each end."""
        return self.samples + 2 * MARGIN

    @property
    def chunks(self):
        """Where the pieces of a note begin and how long they are, in frames: list of (int, int)."""
        size = self.seq_truncated or self.frames
        return [(start, min(size, self.frames - start)) for start in range(0, self.frames, size)]

    def check(self):
        """Make sure that a network can be made of these.

        Raises
        ------
        TrainingError
            Naming the setting that does not fit.
        """
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise TrainingError(f"{option(name)} is a whole number from {least} to {most}, not {value!r}")
        for name in ("lr", "epsilon"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
                raise TrainingError(f"{option(name)} is a number above 0, not {value!r}")
        for name in ("wav", "l1", "ae_window", "ae_squared_window"):
            if not isinstance(getattr(self, name), bool):
                raise TrainingError(f"{option(name)} is on or off, not {getattr(self, name)!r}")
        if self.ae_stride > self.ae_kernel:
            raise TrainingError(f"--ae-stride {self.ae_stride} is more than --ae-kernel {self.ae_kernel}; the notes "
                                "would have holes")
        if (self.ae_context - 1) * self.ae_stride % 2:
            raise TrainingError(f"--ae-context {self.ae_context} with --ae-stride {self.ae_stride} cannot be centred; "
                                "take an odd context or an even stride")
        rest = (self.raw_length + self.ae_kernel) % self.ae_stride
        if rest:
            raise TrainingError(f"--samples {self.samples} is no whole number of frames; with these sizes, "
                                f"{self.samples - rest} or {self.samples - rest + self.ae_stride} are")
        if self.raw_length < WINDOW:
            raise TrainingError(f"--samples {self.samples} is too short")


FIELDS = tuple(field.name for field in dataclasses.fields(Settings))


def option(name):
    """How a setting is called on the command line (str)."""
    return f"--{name.replace('_', '-')}"
