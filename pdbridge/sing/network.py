"""SING's network: symbols in, samples out.

Défossez et al. 2018, "SING: Symbol-to-Instrument Neural Generator", section 3. Frames are made one after
the other by an LSTM (the sequence generator) and turned into sound by convolutions (the decoder):

    embeddings and times      [frames 265, 30]
    three layers of LSTM      [265, 1024]
    linear                    [265, 128]
    convolution, 9 frames     [257, 4096], rectified
    two 1x1 convolutions      [257, 4096], rectified
    transposed convolution    [65024] samples: 1024 for each frame, 256 apart, windowed, overlapped, cropped

What makes it fast on a processor, without changing the result:

* Embeddings are the same at all frames and times the same for all notes, so the first layer's product with
  its inputs is made once for each.
* The LSTM reads 17 MB of weights for every frame and layer; for a single note nothing else counts. So layers
  are done one after the other, and their weights stay in the processor's last cache. Several notes share
  the reading.
* Convolutions are products of matrices, which run at the processor's peak; the window is multiplied onto the
  weights once.
* Sound depends on frames up to its own only, so that the beginning of a note is made exactly without the
  rest (`Network.slices`).
"""

import hashlib
import itertools

import numpy as np
import tensorflow as tf

from pdbridge.errors import CheckpointError
from pdbridge.sing.checkpoint import DECODER, MARGIN, SEQUENCE

UNROLLED = 5  # frames in one round of the LSTM's loop; a divisor of 265
ALIGNMENT = 64  # bytes, for TensorFlow's kernels


class Network:
    """The weights of a SING, and what is done with them.

    Parameters
    ----------
    checkpoint : pdbridge.sing.checkpoint.Checkpoint

    Attributes
    ----------
    tables : list of float32 array [rows, size]
        The embeddings of instruments, pitches and velocities.
    length, stride, kernel, context, raw_length, note_length : int
        See `Checkpoint`.

    Raises
    ------
    CheckpointError
        The file was changed meanwhile, or holds values that are not finite numbers.
    """

    def __init__(self, checkpoint):
        for name in ("length", "stride", "kernel", "context", "raw_length", "note_length", "dimension"):
            setattr(self, name, getattr(checkpoint, name))
        self._checkpoint = checkpoint

        self.tables = [np.array(self._array(f"{SEQUENCE}.tables.{number}.weight"))
                       for number in range(len(checkpoint.inputs))]
        width = sum(table.shape[1] for table in self.tables)
        if f"{SEQUENCE}.time_table.weight" in checkpoint.parameters:
            times = self._array(f"{SEQUENCE}.time_table.weight")[:self.length]
        else:
            times = np.zeros((self.length, 0), np.float32)

        self._recurrent, self._biases, self._inputs = [], [], []
        for layer in range(checkpoint.lstm_layers):
            prefix = f"{SEQUENCE}.lstm"
            inputs = self._array(f"{prefix}.weight_ih_l{layer}")  # [4 * hidden, in]
            if layer == 0:
                self._of_times = _tensor(times @ inputs[:, width:].T)  # [frames, 4 * hidden]
                inputs = inputs[:, :width]
            self._inputs.append(_tensor(inputs))
            self._recurrent.append(_tensor(self._array(f"{prefix}.weight_hh_l{layer}").T))
            self._biases.append(_tensor(self._array(f"{prefix}.bias_ih_l{layer}")
                                            + self._array(f"{prefix}.bias_hh_l{layer}")))
        self.hidden = checkpoint.hidden
        self._head = self._parameter(f"{SEQUENCE}.decoder.weight"), self._parameter(f"{SEQUENCE}.decoder.bias")

        first = self._array(f"{DECODER}.0.weight").transpose(0, 2, 1)  # [channels, context, in]
        self._rewrites = [(_tensor(first.reshape(len(first), -1)), self._parameter(f"{DECODER}.0.bias"))]
        last = checkpoint.last_layer
        for layer in range(2, last, 2):
            weight = self._array(f"{DECODER}.{layer}.weight")[:, :, 0]
            self._rewrites.append((_tensor(weight), self._parameter(f"{DECODER}.{layer}.bias")))
        name, _ = checkpoint.synthesis_weight_name
        synthesis = self._array(name)[:, 0]  # [channels, kernel]
        if f"{DECODER}.{last}.window" in checkpoint.parameters:
            synthesis = synthesis * self._array(f"{DECODER}.{last}.window")
        self._synthesis = _tensor(synthesis)
        self._bias = self._array(name.replace("weight", "bias"))[0]
        del self._checkpoint  # and the mapping of its file

        frames = tf.TensorSpec([None, None, self.dimension])
        state = [tf.TensorSpec([None, self.hidden])] * 2 * len(self._inputs)
        self._make_frames = tf.function(self._sequence, autograph=False, input_signature=[
            tf.TensorSpec([None, width]), tf.TensorSpec([None, 4 * self.hidden]), state])
        self._make_sound = tf.function(self._decode, autograph=False, input_signature=[frames])

    def _array(self, name):
        """A parameter, checked. The system may take the memory of what was read before."""
        self._checkpoint.file.check_unchanged()
        self._checkpoint.file.forget()
        array = self._checkpoint.parameters[name]
        with np.errstate(over="ignore", invalid="ignore"):
            finite = np.isfinite(array.sum()) or np.isfinite(array).all()  # a sum is quick, but may overflow
        if not finite:
            raise CheckpointError(f"{self._checkpoint.path}: the tensor {name} holds a value that is not a finite "
                                  "number")
        return array

    def _parameter(self, name):
        return _tensor(self._array(name))

    def digest(self):
        """16 hexadecimal digits that tell the contents of networks apart (str)."""
        digest = hashlib.sha256()
        weights = [*self.tables, self._of_times, *self._inputs, *self._recurrent, *self._biases, *self._head,
                   *itertools.chain(*self._rewrites), self._synthesis, self._bias]
        for weight in weights:
            digest.update(np.ascontiguousarray(weight))
        digest.update(repr((self.length, self.stride)).encode())
        return digest.hexdigest()[:16]

    # What is made

    def synthesize(self, embeddings):
        """Whole notes.

        Parameters
        ----------
        embeddings : float32 array [count, 26]
            Of instrument, pitch and velocity, side by side.

        Returns
        -------
        float32 array [count, note_length]
        """
        frames, _ = self._make_frames(embeddings, self._of_times, self._start(len(embeddings)))
        sound = self._make_sound(frames).numpy()
        edge = self.kernel - self.stride + MARGIN
        return sound[:, edge:edge + self.note_length] + self._bias

    def frames(self, embeddings):
        """What the sequence generator makes, float32 array [count, frames, dimension].

        Parameters are those of `synthesize`.
        """
        return self._make_frames(embeddings, self._of_times, self._start(len(embeddings)))[0].numpy()

    def slices(self, embeddings, steps):
        """Notes in slices, each as soon as its frames are there.

        Parameters
        ----------
        embeddings : float32 array [count, 26]
        steps : sequence of int
            Frames that each slice adds. Multiples of `UNROLLED`; the last is used until the note ends.

        Returns
        -------
        iterator of float32 array [count, n]
            Together they are `synthesize`; n may be 0.
        """
        state = None
        for step in itertools.chain(steps, itertools.repeat(steps[-1])):
            samples, state = self.advance(embeddings, state, step)
            yield samples
            if state is None:
                break

    def advance(self, embeddings, state, step):
        """Make the next samples of notes.

        Parameters
        ----------
        embeddings : float32 array [count, 26]
        state : object
            Where to go on, from the last call; None begins.
        step : int
            Frames, a multiple of `UNROLLED`.

        Returns
        -------
        samples : float32 array [count, n]
            n may be 0.
        state : object
            For the next call, plain arrays; None when the notes are whole.
        """
        overlap = self.kernel - self.stride
        if state is None:
            cells = self._start(len(embeddings))
            before = np.zeros((len(embeddings), 0, self.dimension), np.float32)  # frames for the next context
            pending = np.zeros((len(embeddings), overlap), np.float32)  # samples that more will be added to
            start = made = 0
        else:
            start, made, before, pending, cells = state
        first, end = overlap + MARGIN, overlap + MARGIN + self.note_length

        new, cells = self._make_frames(embeddings, self._of_times[start:start + step], cells)
        start = min(start + step, self.length)
        frames = np.concatenate([before, new.numpy()], 1)
        before = frames[:, max(frames.shape[1] - self.context + 1, 0):]
        sound = np.zeros((len(embeddings), 0), np.float32)
        if frames.shape[1] >= self.context:
            sound = self._make_sound(frames).numpy()
            sound[:, :overlap] += pending
            done = sound.shape[1] - overlap
            sound, pending = sound[:, :done], sound[:, done:]
        wanted = slice(max(first - made, 0), max(end - made, 0))
        made += sound.shape[1]
        samples = sound[:, wanted] + self._bias
        if start == self.length:
            return samples, None  # what the last frames leave over lies in the margin
        return samples, (start, made, before, pending, [cell.numpy() for cell in cells])

    def samples_of(self, frames):
        """How many samples of a note its first frames make (int)."""
        made = max(frames - self.context + 1, 0) * self.stride
        return min(max(made - (self.kernel - self.stride + MARGIN), 0), self.note_length)

    # The graphs

    def _start(self, count):
        return [tf.zeros([count, self.hidden])] * 2 * len(self._inputs)

    def _sequence(self, embeddings, of_times, state):
        """Frames [count, n, dimension] and the state after them; n is the length of `of_times`."""
        length = tf.shape(of_times)[0]
        of_symbols = tf.matmul(embeddings, self._inputs[0], transpose_b=True) + self._biases[0]
        gates = of_symbols + of_times[:, tf.newaxis]  # [n, count, 4 * hidden]
        new_state = []
        for layer, recurrent in enumerate(self._recurrent):
            if layer:
                gates = self._per_frame(hidden, self._inputs[layer], self._biases[layer])
            hidden, *after = self._lstm(gates, recurrent, *state[2 * layer:2 * layer + 2])
            hidden = hidden[:length]  # [n, count, hidden]
            new_state += after
        frames = self._per_frame(hidden, *self._head)
        return tf.transpose(frames, [1, 0, 2]), new_state

    @staticmethod
    def _per_frame(values, weight, bias):
        """values @ weight.T + bias for all frames at once."""
        shape = tf.shape(values)
        flat = tf.reshape(values, [-1, weight.shape[1]])
        made = tf.nn.bias_add(tf.matmul(flat, weight, transpose_b=True), bias)
        return tf.reshape(made, [shape[0], shape[1], weight.shape[0]])

    def _lstm(self, gates, recurrent, hidden, cell):
        """One layer.

        Parameters
        ----------
        gates : [frames, count, 4 * hidden]
            What the inputs give, in PyTorch's order: input, forget, candidate, output.
        recurrent : [hidden, 4 * hidden]
        hidden, cell : [count, hidden]

        Returns
        -------
        hidden [frames, count, hidden], and hidden and cell after the last frame
            Frames are filled up to a multiple of `UNROLLED`; unless they are one, the states mean nothing.
        """
        shape = tf.shape(gates)
        rounds = (shape[0] + UNROLLED - 1) // UNROLLED
        gates = tf.pad(gates, [[0, rounds * UNROLLED - shape[0]], [0, 0], [0, 0]])
        gates = tf.reshape(gates, [rounds, UNROLLED, shape[1], 4 * self.hidden])
        made = tf.TensorArray(tf.float32, rounds, element_shape=[UNROLLED, None, self.hidden])

        def turn(number, hidden, cell, made):
            given, steps = gates[number], []
            for step in range(UNROLLED):
                i, f, g, o = tf.split(given[step] + tf.matmul(hidden, recurrent), 4, axis=1)
                cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(g)
                hidden = tf.sigmoid(o) * tf.tanh(cell)
                steps.append(hidden)
            return number + 1, hidden, cell, made.write(number, tf.stack(steps))

        _, hidden, cell, made = tf.while_loop(lambda number, *_: number < rounds, turn, (0, hidden, cell, made),
                                              parallel_iterations=1)
        return tf.reshape(made.stack(), [rounds * UNROLLED, shape[1], self.hidden]), hidden, cell

    def _decode(self, frames):
        """Samples [count, (n - context) * stride + kernel] of frames [count, n, dimension], not cropped."""
        count, n = tf.shape(frames)[0], tf.shape(frames)[1] - self.context + 1
        seen = tf.stack([frames[:, k:k + n] for k in range(self.context)], axis=2)  # [count, n, context, dimension]
        values = tf.reshape(seen, [-1, self.context * self.dimension])
        for weight, bias in self._rewrites:
            values = tf.nn.relu(tf.nn.bias_add(tf.matmul(values, weight, transpose_b=True), bias))
        pieces = tf.reshape(tf.matmul(values, self._synthesis), [count, n, self.kernel])
        return tf.signal.overlap_and_add(pieces, self.stride)


def _tensor(array):
    """A tensor that holds a copy of an array. ``tf.constant`` would hold two."""
    array = np.asarray(array, np.float32)
    room = np.empty(array.nbytes + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    copy = room[start:start + array.nbytes].view(np.float32).reshape(array.shape)
    copy[...] = array
    return tf.identity(tf.experimental.dlpack.from_dlpack(copy.__dlpack__()))  # to the GPU, if there is one
