"""The WaveNet autoencoder: a sound becomes an embedding, and an embedding speaks, sample by sample.

Engel et al. 2017, "Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders", section 2.1
and figure 1. `Encoder` sees the whole sound at once. The decoder predicts each sample from the 6141
before it and from the embedding; `TensorFlowDecoder` keeps what its layers saw (Paine et al. 2016,
"Fast WaveNet Generation Algorithm"), so that a new sample costs one pass through the layers and
not one through 6141 samples.

The networks hear mu-law steps over 128, see `mulaw`. Comments give shapes; `width`, `skip` and
`channels` are 512, 256 and 16 in the published model.
"""

import contextlib
import functools

import numpy as np
import tensorflow as tf

from pdbridge.errors import EngineError
from pdbridge.nsynth import mulaw
from pdbridge.nsynth.checkpoint import HOP
from pdbridge.nsynth.decoding import (
    checked_codes,
    checked_draws,
    checked_embeddings,
    checked_position,
    checked_steps,
)

WINDOW = 128  # frames that the encoder takes at a time: four-second notes go in whole
HALO = 6  # frames around a window that it hears, too: its view of 3070 samples, rounded up

# Taps of layers with at least this dilation are known so many steps ahead. They are computed
# together, since reading their weights is what a small batch waits for. (4 and 16 are no faster.)
AHEAD = 8

FED_ROWS = 4096  # samples of all notes that are fed at once; bounds the memory
# Notes at a time. On processors more gain nothing (measured); 256 on a GPU take 3.7 GB (not measured).
BEST_BATCH = {"CPU": 128, "GPU": 256}

# GPUs would otherwise multiply float32 with 10 of its 23 bits, and miss the original's numbers.
tf.config.experimental.enable_tensor_float_32_execution(False)


class Encoder:
    """The encoder half.

    Parameters
    ----------
    weights : pdbridge.nsynth.checkpoint.Weights
    """

    def __init__(self, weights):
        self._weights = weights
        self._layers = {name: tf.constant(array) for name, array in weights.items()
                        if name.startswith("ae_")}
        self._encode = tf.function(self._network, input_signature=[tf.TensorSpec([None])],
                                   autograph=False)

    def encode(self, inputs):
        """The embedding of one sound.

        Parameters
        ----------
        inputs : float32 array [frames * 512]
            Mu-law steps / 128.

        Returns
        -------
        float32 array [frames, channels]
        """
        # A long sound goes through in windows, which bounds the memory. Its two ends must be ends
        # of windows, too: beyond them every layer sees zeros, not what silence would sound like.
        frames = len(inputs) // HOP
        embedding = np.empty((frames, self._weights.channels), np.float32)
        for first in range(0, frames, WINDOW):
            last = min(first + WINDOW, frames)
            heard = slice(max(first - HALO, 0), last + HALO)
            made = self._encode(inputs[heard.start * HOP:heard.stop * HOP]).numpy()
            embedding[first:last] = made[first - heard.start:last - heard.start]
        return embedding

    def _network(self, inputs):
        x = inputs[tf.newaxis, :, tf.newaxis]  # [1, samples, 1]
        x = self._dilated("ae_startconv", x, 1)  # [1, samples, ae_width]
        for layer in range(1, self._weights.ae_layers + 1):
            h = self._dilated(f"ae_dilatedconv_{layer}", tf.nn.relu(x), self._weights.dilation(layer))
            x += self._dense(f"ae_res_{layer}", tf.nn.relu(h[0]))
        # The bottleneck is linear, so the mean over a frame may come before it as well as after.
        x = tf.reduce_mean(tf.reshape(x, [-1, HOP, self._weights.ae_width]), axis=1)
        return self._dense("ae_bottleneck", x)  # [frames, channels]

    def _dilated(self, scope, x, dilation):
        kernel = self._layers[f"{scope}/W"]  # [taps, in, out]
        x = tf.nn.conv1d(x, kernel, stride=1, padding="SAME", dilations=dilation)
        return tf.nn.bias_add(x, self._layers[f"{scope}/biases"])

    def _dense(self, scope, x):
        return tf.nn.bias_add(x @ self._layers[f"{scope}/W"], self._layers[f"{scope}/biases"])


class TensorFlowDecoder:
    """The decoder half, in TensorFlow; see `pdbridge.nsynth.decoding.Decoder`.

    Parameters
    ----------
    weights : pdbridge.nsynth.checkpoint.Weights
    precision : str
        "float32", or "bfloat16": weights and what they are multiplied with in bfloat16, sums of
        layers in float32.
    compiled : bool, optional
        Compile the loop over the samples with XLA. By default only on a GPU, where a step is
        hundreds of small kernels; on a processor XLA is slower with few notes, and no faster with
        many.
    """

    engine = "tensorflow"

    def __init__(self, weights, precision="float32", compiled=None):
        if precision not in ("float32", "bfloat16"):
            raise EngineError(f"TensorFlow decodes in float32 and bfloat16, not in {precision}")
        gpu = bool(tf.config.list_physical_devices("GPU"))
        self.precision = precision
        self._compiled = gpu if compiled is None else compiled
        self.description = (
            f"TensorFlow {tf.__version__} on the {'GPU' if gpu else 'processor'}"
            f"{', compiled by XLA' if self._compiled else ''}"
        )
        self.best_batch = BEST_BATCH["GPU" if gpu else "CPU"]
        self.channels = weights.channels
        self._type = tf.as_dtype(precision)
        self._layers, self._width, self._skip = weights.layers, weights.width, weights.skip
        # A layer needs its inputs of one and of two dilations ago. A ring of two dilations holds
        # them; the rings of all layers stand one after the other in one array.
        self._dilations = np.array([weights.dilation(layer) for layer in range(1, self._layers + 1)],
                                   np.int32)
        self._starts = np.cumsum(2 * self._dilations, dtype=np.int32) - 2 * self._dilations
        self._rows = int(2 * self._dilations.sum())
        self._far = np.flatnonzero(self._dilations >= AHEAD)
        self._near = np.flatnonzero(self._dilations < AHEAD)
        # The rings, and while a block is made its old taps and what comes of them.
        self.bytes_per_note = (self._rows * self._width * self._type.size
                               + len(self._far) * AHEAD * self._width * 4 * (self._type.size + 4))
        self._take(weights)

    def start(self, embeddings, position=0):
        """Begin notes, see `pdbridge.nsynth.decoding.Decoder.start`."""
        embeddings = checked_embeddings(embeddings, self.channels)
        with memory_for(len(embeddings)):
            return TensorFlowDecoding(self, embeddings, position)

    def silence(self, batch):
        """The rings of so many notes that have not begun, a variable [rows, batch, width]."""
        zeros = tf.zeros((self._rows, batch, self._width), self._type)
        # The batch counts as unknown, so that one graph serves all.
        return tf.Variable(zeros, trainable=False, shape=(self._rows, None, self._width))

    @functools.cached_property
    def generate(self):
        """`_generate_graph`, ready to be called with tensors."""
        return self._graph(
            self._generate_graph,
            tf.TensorSpec([None, 3]),
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([None, self.channels]),
            tf.TensorSpec([HOP, None], tf.float64),
            tf.TensorSpec([]),
            tf.TensorSpec([], tf.bool),
        )

    @functools.cached_property
    def feed(self):
        """`_feed_graph`, ready to be called with tensors."""
        return self._feeding(with_logits=False)

    @functools.cached_property
    def expect(self):
        """`_feed_graph` with logits, ready to be called with tensors."""
        return self._feeding(with_logits=True)

    def _feeding(self, with_logits):
        return self._graph(
            functools.partial(self._feed_graph, with_logits),
            tf.TensorSpec([None, None]),
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([None, self.channels]),
        )

    def _graph(self, network, *inputs):
        """A graph of something that takes rings first, for batches of any size."""
        function = tf.function(network, autograph=False, jit_compile=self._compiled)
        return function.get_concrete_function(self.silence(0), *inputs)

    def _take(self, weights):
        """Arrange the weights as the steps read them. From here on, layers count from 0."""

        def matrix(array):
            return tf.constant(np.ascontiguousarray(array).astype(self._type.as_numpy_dtype))

        def each(name):
            return [weights[name.format(layer)] for layer in range(1, self._layers + 1)]

        self._start = tf.constant(weights["startconv/W"][:, 0]), tf.constant(weights["startconv/biases"])
        dilated = each("dilatedconv_{}/W")  # [3, width, 2 width]
        self._old_taps = [matrix(taps[:2].reshape(2 * self._width, -1)) for taps in dilated]
        self._new_tap = [matrix(taps[2]) for taps in dilated]
        # Skip and residual output of a layer come from the same input. (The residual of the last
        # layer goes nowhere.)
        self._out = [matrix(np.hstack(pair))
                     for pair in zip(each("skip_{}/W"), each("res_{}/W"), strict=True)]
        self._out_bias = [tf.constant(np.hstack(pair))
                          for pair in zip(each("skip_{}/biases"), each("res_{}/biases"), strict=True)]
        self._dense = {
            scope: (matrix(weights[f"{scope}/W"]), tf.constant(weights[f"{scope}/biases"]))
            for scope in ("skip_start", "out1", "logits")
        }
        biases = np.add(each("cond_map_{}/biases"), each("dilatedconv_{}/biases"))
        self._conditions = tf.constant(np.stack(each("cond_map_{}/W"))), tf.constant(biases[:, np.newaxis])
        self._out_condition = (tf.constant(weights["cond_map_out1/W"]),
                               tf.constant(weights["cond_map_out1/biases"]))

    # The network, top to bottom. Rows are notes, or notes at several samples.

    def _condition(self, frame):
        """What a frame of the embedding [batch, channels] adds to the layers and to the end."""
        kernel, bias = self._conditions
        layers = frame @ kernel + bias  # [layers, batch, 2 width]
        kernel, bias = self._out_condition
        return layers, frame @ kernel + bias  # [batch, skip]

    def _enter(self, recent):
        """The first layer: the three samples before each row, oldest first [rows, 3]."""
        kernel, bias = self._start
        x = recent @ kernel + bias  # [rows, width]
        return x, self._linear("skip_start", x)  # [rows, skip]

    def _pass(self, layer, x, skip, before):
        """A dilated layer; `before` is what its older taps and the embedding add."""
        gates = before + self._product(x, self._new_tap[layer])  # [rows, 2 width]
        h = tf.sigmoid(gates[:, :self._width]) * tf.tanh(gates[:, self._width:])
        out = self._product(h, self._out[layer]) + self._out_bias[layer]  # [rows, skip + width]
        return x + out[:, self._skip:], skip + out[:, :self._skip]

    def _leave(self, skip, condition):
        h = tf.nn.relu(self._linear("out1", tf.nn.relu(skip)) + condition)
        return self._linear("logits", h)  # [rows, 256]

    def _linear(self, scope, x):
        kernel, bias = self._dense[scope]
        return self._product(x, kernel) + bias

    def _product(self, x, kernel):
        """Matrix product [rows, in] x [in, out] to float32."""
        x = tf.cast(x, self._type)
        if self._compiled and self._type != tf.float32:
            # tf.matmul would round the sums to bfloat16. XLA needs not; the plain graph cannot.
            return tf.raw_ops.BatchMatMulV3(x=x, y=kernel, Tout=tf.float32)
        return tf.cast(x @ kernel, tf.float32)

    # Sample by sample

    def _generate_graph(self, rings, recent, position, steps, frame, uniforms, temperature, greedy):
        """Make samples within one frame of the embedding.

        `rings` (a variable, changed in place) is [rows, batch, width], `recent` the last three
        inputs [batch, 3], `uniforms` [HOP, batch] of which `steps` count. Gives codes
        [HOP, batch], of which `steps` count, and the new `recent`.
        """
        conditions, out_condition = self._condition(frame)
        before = [conditions[layer] for layer in range(self._layers)]

        def block(done, recent, codes):
            far = self._older_taps(rings, self._far, position + done, AHEAD)
            end = tf.minimum(done + AHEAD, steps)

            def step(now, recent, codes):
                added = list(before)
                for layer, taps in zip(self._far, far, strict=True):
                    added[layer] += taps[now - done]
                near = self._older_taps(rings, self._near, position + now, 1)
                for layer, taps in zip(self._near, near, strict=True):
                    added[layer] += taps[0]
                x, skip = self._enter(recent)
                seen = []
                for layer in range(self._layers):
                    seen.append(tf.cast(x, self._type))
                    x, skip = self._pass(layer, x, skip, added[layer])
                logits = self._leave(skip, out_condition)
                rows = self._starts + (position + now) % (2 * self._dilations)
                rings.scatter_update(tf.IndexedSlices(tf.stack(seen), rows))
                code = _chosen(logits, uniforms[now], temperature, greedy)  # [batch]
                codes = tf.tensor_scatter_nd_update(codes, [[now]], code[tf.newaxis])
                heard = tf.cast(code - mulaw.SILENCE, tf.float32)[:, tf.newaxis] / 128
                return now + 1, tf.concat([recent[:, 1:], heard], axis=1), codes

            return tf.while_loop(lambda now, *_: now < end, step, (done, recent, codes),
                                 parallel_iterations=1)

        _, recent, codes = tf.while_loop(
            lambda done, *_: done < steps, block,
            (tf.constant(0), recent, tf.zeros(tf.shape(uniforms), tf.int32)), parallel_iterations=1)
        return tf.cast(codes, tf.uint8), recent

    def _older_taps(self, rings, layers, position, span):
        """What the older taps of layers give at `span` samples from a position on.

        A list of arrays [span, batch, 2 width]. No dilation of these layers is below `span`, so
        that everything needed is in the rings.
        """
        if not layers.size:
            return []
        dilations, starts = self._dilations[layers, np.newaxis], self._starts[layers, np.newaxis]
        when = position + tf.range(span)
        two_ago = tf.gather(rings, starts + when % (2 * dilations))  # [layers, span, batch, width]
        one_ago = tf.gather(rings, starts + (when + dilations) % (2 * dilations))
        old = tf.concat([two_ago, one_ago], axis=-1)
        old = tf.reshape(old, [len(layers), -1, 2 * self._width])
        made = [self._product(old[i], self._old_taps[layer]) for i, layer in enumerate(layers)]
        return [tf.reshape(taps, [span, -1, 2 * self._width]) for taps in made]

    # Samples that are known

    def _feed_graph(self, with_logits, rings, inputs, position, frame):
        """Let known samples pass, within one frame of the embedding.

        `inputs` are [3 + samples, batch]: the three before the first one, then the known ones.
        Gives logits [samples, batch, 256] of the known ones, if wanted.
        """
        samples, batch = tf.shape(inputs)[0] - 3, tf.shape(inputs)[1]
        conditions, out_condition = self._condition(frame)
        recent = tf.stack([inputs[tap:tap + samples] for tap in range(3)], axis=-1)
        x, skip = self._enter(tf.reshape(recent, [-1, 3]))
        for layer, dilation in enumerate(self._dilations):
            seen = tf.reshape(tf.cast(x, self._type), [samples, batch, self._width])
            two_ago = self._delayed(rings, layer, seen, position, 2 * dilation)
            one_ago = self._delayed(rings, layer, seen, position, dilation)
            old = tf.reshape(tf.concat([two_ago, one_ago], axis=-1), [-1, 2 * self._width])
            before = self._product(old, self._old_taps[layer])
            before = tf.reshape(before, [samples, batch, 2 * self._width]) + conditions[layer]
            x, skip = self._pass(layer, x, skip, tf.reshape(before, [-1, 2 * self._width]))
            kept = tf.minimum(samples, 2 * dilation)
            when = position + tf.range(samples - kept, samples)
            rows = self._starts[layer] + when % (2 * dilation)
            rings.scatter_update(tf.IndexedSlices(seen[samples - kept:], rows))
        if not with_logits:
            return None
        logits = self._leave(skip, tf.tile(out_condition, [samples, 1]))
        return tf.reshape(logits, [samples, batch, mulaw.CODES])

    def _delayed(self, rings, layer, seen, position, delay):
        """What a layer saw `delay` samples before each of those that it sees now."""
        samples = tf.shape(seen)[0]
        when = position - delay + tf.range(tf.minimum(samples, delay))
        old = tf.gather(rings, self._starts[layer] + when % (2 * self._dilations[layer]))
        return tf.concat([old, seen[:tf.maximum(samples - delay, 0)]], axis=0)


def _chosen(logits, uniforms, temperature, greedy):
    """Codes [batch] for logits [batch, 256], as `pdbridge.nsynth.decoding` describes."""
    logits -= tf.reduce_max(logits, axis=1, keepdims=True)  # so that a low temperature is finite
    cumulative = tf.cumsum(tf.nn.softmax(logits / temperature), axis=1)
    below = tf.cast(cumulative, tf.float64) < uniforms[:, tf.newaxis]
    drawn = tf.minimum(tf.reduce_sum(tf.cast(below, tf.int32), axis=1), mulaw.CODES - 1)
    return tf.where(greedy, tf.argmax(logits, axis=1, output_type=tf.int32), drawn)


@contextlib.contextmanager
def memory_for(notes):
    """Say it in plain words when the memory, mostly that of a GPU, is too small."""
    try:
        yield
    except tf.errors.ResourceExhaustedError:
        raise EngineError(f"{notes} notes at a time do not fit into TensorFlow's memory; make fewer "
                          "together") from None


class TensorFlowDecoding:
    """Notes that are being made, see `pdbridge.nsynth.decoding.Decoding`.

    Parameters
    ----------
    decoder : TensorFlowDecoder
    embeddings : float32 array [batch, frames, channels]
    position : int
    """

    def __init__(self, decoder, embeddings, position):
        self._frames = embeddings.shape[1]
        self.position = checked_position(position, self._frames)
        self._batch = len(embeddings)
        self._decoder = decoder
        self._embeddings = tf.constant(embeddings)
        self._rings = decoder.silence(self._batch)
        self._recent = np.zeros((self._batch, 3), np.float32)  # last inputs, oldest first

    def run(self, steps, uniforms=None, temperature=1.0):
        """Make the next samples, see `pdbridge.nsynth.decoding.Decoding.run`."""
        steps = checked_steps(steps, self.position, self._frames)
        uniforms = checked_draws(uniforms, temperature, self._batch, steps)
        greedy = uniforms is None
        codes = np.empty((self._batch, steps), np.uint8)
        for part, frame in self._parts(steps, HOP):
            count = part.stop - part.start
            drawn = np.zeros((HOP, self._batch))
            if not greedy:
                drawn[:count] = uniforms[:, part].T
            with memory_for(self._batch):
                made, recent = self._decoder.generate(
                    self._rings, tf.constant(self._recent), tf.constant(self.position),
                    tf.constant(count), frame, tf.constant(drawn),
                    tf.constant(1.0 if greedy else temperature, tf.float32), tf.constant(greedy),
                )
            codes[:, part] = made.numpy()[:count].T
            self._recent = recent.numpy()
            self.position += count
        return codes

    def feed(self, codes, logits=False):
        """Let known samples pass, see `pdbridge.nsynth.decoding.Decoding.feed`."""
        codes = checked_codes(codes, self._batch)
        steps = checked_steps(codes.shape[1], self.position, self._frames)
        expected = np.empty((self._batch, steps, mulaw.CODES), np.float32) if logits else None
        for part, frame in self._parts(steps, max(FED_ROWS // max(self._batch, 1), 1)):
            heard = np.hstack([self._recent, mulaw.steps(codes[:, part]) / 128])
            pass_by = self._decoder.expect if logits else self._decoder.feed
            with memory_for(self._batch):
                found = pass_by(self._rings, tf.constant(heard.T), tf.constant(self.position), frame)
            if logits:
                expected[:, part] = found.numpy().transpose(1, 0, 2)
            self._recent = heard[:, -3:]
            self.position += part.stop - part.start
        return expected

    def _parts(self, steps, longest):
        """Split the next `steps` where a frame of the embedding ends, and where they get too long.

        Yields a slice of the steps and its frame [batch, channels].
        """
        first = self.position
        done = 0
        while done < steps:
            frame, inside = divmod(first + done, HOP)
            count = min(steps - done, HOP - inside, longest)
            yield slice(done, done + count), self._embeddings[:, frame]
            done += count
