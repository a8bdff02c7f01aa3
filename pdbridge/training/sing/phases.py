"""The three phases of a training, each with its own Adam: what they train, on what, and one step of them.

Défossez et al. 2018, section 4. Each is a trainer for `pdbridge.training.loop`.
"""

import numpy as np
import tensorflow as tf

from pdbridge.errors import TrainingError
from pdbridge.progress import say
from pdbridge.sing.checkpoint import DECODER, MARGIN, SEQUENCE
from pdbridge.training.adam import Adam
from pdbridge.training.datasets.records import SAMPLE_RATE
from pdbridge.training.sing import networks
from pdbridge.training.sing.losses import distance, figures, training_loss
from pdbridge.training.sing.notes import Batches

HEARD = 3  # notes that TensorBoard plays
VALID = "valid"  # in front of what is measured of notes that were kept back


class Phase:
    """What the phases share.

    Parameters
    ----------
    parameters : dict of str to array
        Of all networks, by their names.
    notes : pdbridge.training.sing.notes.Notes
    parts : dict of str to int array
        Numbers of the notes for "train" and "valid".
    settings : pdbridge.training.sing.settings.Settings
    read : callable, optional
        What a step needs of a note, by its place in the "train" part; its sound, if left out.

    Attributes
    ----------
    done, until : int
        Steps so far, and of the whole phase.
    per_epoch : int
        Steps in which every note is seen once.
    parameters : dict of str to tf.Variable
        What is trained, and what it needs besides.
    """

    unit = "step"
    number = None  #: of the phase, from 1
    title = None  #: what is trained, in words
    folder = None  #: where its checkpoints are
    epochs_setting = None  #: the setting that says how long
    trained = None  #: beginnings of the names of what is trained
    fixed = ()  #: of what it needs besides

    def __init__(self, parameters, notes, parts, settings, read=None):
        self.settings, self._notes, self._valid = settings, notes, parts["valid"]
        self.parameters = {name: tf.Variable(array, trainable=name.startswith(self.trained), name=name)
                           for name, array in parameters.items() if name.startswith((*self.trained, *self.fixed))}
        self._learnt = {name: variable for name, variable in self.parameters.items() if variable.trainable}
        self._adam = Adam(self._learnt)
        self._batches = Batches(read or (lambda place: self.sound(parts["train"][place])), parts["train"],
                                settings.batch_size, [settings.seed, self.number])
        self.per_epoch = self._batches.per_epoch
        self.until = getattr(settings, self.epochs_setting) * self.per_epoch
        self.done = 0
        self._sum = 0.0  # of the losses in this epoch
        self._figures = {}
        self._symbols = tf.TensorSpec([None, 3], tf.int32)  # as graphs take them
        self._sounds = tf.TensorSpec([None, settings.raw_length])
        self._make_figures = self._graph(self._figures_of, self._symbols, self._sounds)

    # What the loop asks for

    def advance(self):
        """Do one step."""
        loss = self.step(*self._batches.take(self.done))
        self.done += 1
        self._sum += loss
        if self.done % self.per_epoch == 0:
            self._end_epoch()
        return {"loss": loss, **self._figures}

    def tensors(self):
        """Everything that is needed to go on."""
        found = {name: variable.numpy() for name, variable in (self._learnt | self._adam.state).items()}
        found |= {name: np.float32(value) for name, value in self._figures.items()}
        return found | {"global_step": np.int64(self.done), "epoch_loss": np.float64(self._sum)}

    def restore(self, tensors):
        """Go on from there."""
        wanted = self._learnt | self._adam.state
        for name, variable in wanted.items():
            if name not in tensors or tensors[name].shape != tuple(variable.shape):
                raise TrainingError(f"the checkpoint of the {self.title} does not fit: {name} is missing or has "
                                    "another shape")
        for name, variable in wanted.items():
            variable.assign(tensors[name])
        self.done, self._sum = int(tensors["global_step"]), float(tensors["epoch_loss"])
        self._figures = {name: float(value) for name, value in tensors.items() if name.startswith(f"{VALID}/")}

    def preview(self, writer):
        """Let some notes be heard that were kept back, as they are made and as they were recorded."""
        if not len(self._valid):
            return
        numbers = self._valid[:HEARD]
        sounds = np.stack([self.sound(number) for number in numbers])
        for name, waves in (("made", self.made(self._notes.symbols[numbers], sounds)), ("recorded", sounds)):
            tf.summary.audio(name, tf.clip_by_value(waves, -1, 1)[..., tf.newaxis], SAMPLE_RATE, max_outputs=HEARD)

    # What phases are made of

    @staticmethod
    def _graph(function, *signature):
        """A function as a graph, which is built once for batches of any size."""
        return tf.function(function, autograph=False, input_signature=signature)

    def step(self, numbers, read):
        """Learn from some notes.

        Parameters
        ----------
        numbers : int array [n]
        read : array [n, ...]

        Returns
        -------
        float
            The loss.
        """
        raise NotImplementedError

    def made(self, symbols, sounds):
        """What the networks make of notes: float32 tensor [n, raw_length].

        Parameters
        ----------
        symbols : int32 array [n, 3]
        sounds : float32 array [n, raw_length]
            The notes themselves.
        """
        return networks.decode(self.parameters, networks.generate(self.parameters, symbols, self.settings)[0],
                               self.settings)

    def sound(self, number):
        """A note as it should come out of the decoder, with margins: float32 array [raw_length]."""
        return np.pad(self._notes.read(number, self.settings.samples), MARGIN)

    def learn(self, tape, loss):
        """Take a step that makes a loss smaller, in a graph."""
        gradients = tape.gradient(loss, list(self._learnt.values()))
        # Rows of tables that no note asked for are moved as well, by their moments, as in the original.
        self._adam.apply({name: tf.convert_to_tensor(gradient)
                          for name, gradient in zip(self._learnt, gradients, strict=True)},
                         np.float32(self.settings.lr))

    def close(self):
        """Read no more notes."""
        self._batches.close()

    def _end_epoch(self):
        epoch, epochs = self.done // self.per_epoch, getattr(self.settings, self.epochs_setting)
        self._figures = {f"{VALID}/{name}": value for name, value in self.evaluate(self._valid).items()}
        said = ", ".join(f"{name} {value:.4g}" for name, value in self._figures.items())
        say(f"{self.title}, epoch {epoch} of {epochs}: loss {self._sum / self.per_epoch:.4g}"
            + (f"; {said}" if said else ""))
        self._sum = 0.0

    def evaluate(self, numbers):
        """Means over notes.

        Parameters
        ----------
        numbers : int array

        Returns
        -------
        dict of str to float
            wav_l1, wav_mse, spec_l1, spec_mse; empty without notes.
        """
        sums, size = {}, self.settings.batch_size
        for start in range(0, len(numbers), size):
            some = numbers[start:start + size]
            sounds = np.stack([self.sound(number) for number in some])
            for name, value in self._make_figures(tf.constant(self._notes.symbols[some]), sounds).items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(some)
        return {name: value / len(numbers) for name, value in sums.items()}

    def _figures_of(self, symbols, sounds):
        return figures(self.made(symbols, sounds), sounds, self.settings.epsilon)


class Autoencoder(Phase):
    """Phase 1: sound becomes frames and sound again."""

    number, title, folder, epochs_setting = 1, "autoencoder", "autoencoder", "ae_epochs"
    trained = f"{networks.ENCODER}.", f"{DECODER}."

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._step = self._graph(self._learnt_from, self._sounds)

    def step(self, numbers, read):
        return float(self._step(read))

    def made(self, symbols, sounds):
        frames = networks.encode(self.parameters, widened(sounds, self.settings), self.settings)
        return networks.decode(self.parameters, frames, self.settings)

    def _learnt_from(self, sounds):
        with tf.GradientTape() as tape:
            loss = training_loss(self.made(None, sounds), sounds, self.settings)
        self.learn(tape, loss)
        return loss


class SequenceGenerator(Phase):
    """Phase 2: symbols become the frames of the encoder. Gradients end at the borders of pieces; there is one step of
    Adam for each piece.

    Parameters
    ----------
    frames : float32 array [notes of the "train" part, frames, dimension]
        What the encoder makes of them.
    """

    number, title, folder, epochs_setting = 2, "sequence generator", "sequence_generator", "seq_epochs"
    trained = (f"{SEQUENCE}.",)
    fixed = (f"{DECODER}.",)

    def __init__(self, parameters, notes, parts, settings, frames):
        super().__init__(parameters, notes, parts, settings, lambda place: np.array(frames[place]))
        state = [tf.TensorSpec([None, settings.seq_hidden_size])] * 2 * settings.seq_layers
        self._pieces = {length: self._graph(self._learnt_from_piece, self._symbols,
                                            tf.TensorSpec([None, length, settings.ae_dimension]),
                                            tf.TensorSpec([], tf.int32), state)
                        for _, length in settings.chunks}

    def step(self, numbers, read):
        symbols, total = tf.constant(self._notes.symbols[numbers]), 0.0
        state = [tf.zeros([len(numbers), self.settings.seq_hidden_size])] * 2 * self.settings.seq_layers
        for start, length in self.settings.chunks:
            loss, state = self._pieces[length](symbols, read[:, start:start + length], tf.constant(start), state)
            total += float(loss) * length
        return total / self.settings.frames

    def _learnt_from_piece(self, symbols, frames, start, state):
        with tf.GradientTape() as tape:
            made, state = networks.generate(self.parameters, symbols, self.settings, start, frames.shape[1], state)
            loss = distance(made, frames, l1=False)
        self.learn(tape, loss)
        return loss, state


class EndToEnd(Phase):
    """Phase 3: symbols become sound."""

    number, title, folder, epochs_setting = 3, "whole model", "sing", "sing_epochs"
    trained = f"{SEQUENCE}.", f"{DECODER}."

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._step = self._graph(self._learnt_from, self._symbols, self._sounds)

    def step(self, numbers, read):
        return float(self._step(tf.constant(self._notes.symbols[numbers]), read))

    def _learnt_from(self, symbols, sounds):
        with tf.GradientTape() as tape:
            loss = training_loss(self.made(symbols, sounds), sounds, self.settings)
        self.learn(tape, loss)
        return loss


def widened(sounds, settings):
    """Sounds with the silence at their ends that the autoencoder takes away."""
    return tf.pad(sounds, [[0, 0], [settings.strip] * 2])
