"""The GANSynth generator: a timbre and a pitch in, a picture of a note out.

Engel et al. 2019, "GANSynth: Adversarial Neural Audio Synthesis", section 2 and appendix; the
network is the progressive GAN of Karras et al. 2018 with pictures that are time x frequency.

Two rewrites make it fast on a processor, and neither changes the result:

* Nearest-neighbour upscaling followed by a 3x3 convolution sees each coarse pixel up to four
  times. Output rows 2i-1 and 2i both depend on coarse rows i-1 and i only, and so do columns.
  So one 2x2 convolution to four times the channels, interleaved, is the same with 4/9 of the work
  (`upscale_in_windows`), and where channels are many, 1/4 is enough (`upscale_in_parts`).
* Any rows of the picture can be computed alone, from the few coarser rows that they depend on.
  The first rows are the beginning of the note (`Generator.head`); the others follow in slices
  (`Generator.tail`), so that other work can go in between.

Layers can be changed in both, as GANSpace does (Härkönen et al. 2020, "GANSpace: Discovering
Interpretable GAN Controls"): something is added to what a layer puts out, or put in its place
(`Changes`). What lies below a layer that was replaced is then not computed.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
import tensorflow as tf

PIXEL_NORM_EPSILON = 1e-8
LEAK = 0.2  # slope of the leaky rectifier below zero

LEAST_POWER = 1e-6  # of the strongest direction of z in the first layer; rounding leaves 1e-12

HEAD_ROWS = 16  # of 128: the first 0.32 s
MANY_CHANNELS = 128  # from here on, `upscale_in_parts` gains more than its additions cost
SLICE_ROWS = 28  # rows per slice of the tail; a multiple of 4, so that inner slices look alike


def blend_weights(progress, resolutions):
    """How much the picture of each block counts, while the GAN grows from block to block.

    Parameters
    ----------
    progress : float
        0 when only the first block is trained, ``resolutions - 1`` when all are.
    resolutions : int
        Number of blocks of the finished network.

    Returns
    -------
    dict of int to float
        Weights above zero, by block (counted from 1). They add up to 1.
    """
    weights = {
        block: min(progress - (block - 2), block - progress)
        for block in range(1, resolutions + 1)
    }
    return {block: weight for block, weight in weights.items() if weight > 0}


def flipped_dense(kernel):
    """The first convolution as a matrix.

    It slides over a single pixel with padding all around, so that each output pixel sees exactly
    one tap, the last one first.

    Parameters
    ----------
    kernel : array [height, width, in, out]

    Returns
    -------
    array [in, height * width * out]
    """
    taps = kernel[::-1, ::-1].transpose(2, 0, 1, 3)
    return np.ascontiguousarray(taps.reshape(taps.shape[0], -1))


def upscaling_kernel(kernel):
    """The 2x2 kernel that does nearest-neighbour upscaling by two and a 3x3 kernel in one.

    A 3x3 kernel over an upscaled picture reads each coarse row once or twice: centred on an odd
    row it reads the upper coarse row twice, centred on an even row the lower one.

    Parameters
    ----------
    kernel : array [3, 3, in, out]

    Returns
    -------
    array [2, 2, in, 4 * out]
        Output channels in the order (odd, odd), (odd, even), (even, odd), (even, even) of
        (row, column), as `depth_to_space` takes them.
    """
    odd_even = [
        [kernel[0] + kernel[1], kernel[2]],
        [kernel[0], kernel[1] + kernel[2]],
    ]
    parities = []
    for upper, lower in odd_even:
        rows = np.stack([upper, lower])  # [2, 3, in, out]
        parities.append(np.stack([rows[:, 0] + rows[:, 1], rows[:, 2]], axis=1))
        parities.append(np.stack([rows[:, 0], rows[:, 1] + rows[:, 2]], axis=1))
    return np.concatenate(parities, axis=3)


def upscaling_parts(kernel):
    """The outer and the middle taps of a 3x3 kernel, for `upscale_in_parts`.

    Parameters
    ----------
    kernel : array [3, 3, in, out]

    Returns
    -------
    tuple of arrays [2, 2, in, out], [2, 1, in, out], [1, 2, in, out], [1, 1, in, out]
        Outer rows and columns, outer rows, outer columns, and the middle.
    """
    outer, middle = slice(None, None, 2), slice(1, 2)
    return tuple(
        np.ascontiguousarray(kernel[rows, columns])
        for rows in (outer, middle)
        for columns in (outer, middle)
    )


def inverse_rms(x):
    """One over the root mean square of the channels of every pixel."""
    # This one operation does not write the squares to memory, as square and mean would.
    norm = tf.raw_ops.EuclideanNorm(input=x, axis=[-1], keep_dims=True)
    return tf.math.rsqrt(tf.square(norm) / x.shape[-1] + PIXEL_NORM_EPSILON)


def pixel_norm(x):
    """Scale the channels of every pixel to unit mean square."""
    return x * inverse_rms(x)


def convolve(x, kernel, bias, above, below, beside):
    """Convolve and rectify some rows; the paddings are 0 where real neighbours are there."""
    x = tf.nn.conv2d(x, kernel, 1, [[0, 0], [above, below], [beside, beside], [0, 0]])
    return tf.nn.leaky_relu(tf.nn.bias_add(x, bias), LEAK)


def upscale_in_windows(x, kernel, bias, cut):
    """Nearest-neighbour upscaling, 3x3 convolution and rectifier, see `upscaling_kernel`.

    Parameters
    ----------
    x : [1, coarse rows, coarse columns, in]
    kernel : [2, 2, in, 4 * out]
    bias : [4 * out]
    cut : Cut

    Returns
    -------
    [1, cut.count, 2 * coarse columns, out]
    """
    width = 2 * x.shape[2]
    x = convolve(x, kernel, bias, cut.above, cut.below, beside=1)  # [1, windows, width/2 + 1, 4 C]
    x = tf.nn.depth_to_space(x, 2)  # [1, 2 windows, width + 2, C]
    return x[:, cut.skip : cut.skip + cut.count, 1 : width + 1]


def upscale_in_parts(x, parts, bias, cut):
    """The same as `upscale_in_windows`, with fewer products and more additions.

    Along one axis, with coarse pixels l and the kernel (a, b, c), the outputs 2i-1 and 2i are
    a l[i-1] + c l[i] plus b l[i-1] or b l[i]. The outer taps thus count once for two outputs, and
    each product with the middle tap serves two outputs, too. That makes three products instead of
    four, and in two axes nine instead of sixteen.

    Parameters
    ----------
    x : [1, coarse rows, coarse columns, in]
    parts : tuple
        From `upscaling_parts`.
    bias : [out]
    cut : Cut

    Returns
    -------
    [1, cut.count, 2 * coarse columns, out]
    """

    def part(kernel, beside):
        padding = [[0, 0], [cut.above, cut.below], [beside, beside], [0, 0]]
        return tf.nn.conv2d(x, kernel, 1, padding)

    def joined_rows(outer, middle):  # [windows, columns, C], [windows + 1, columns, C]
        rows = tf.stack([outer + middle[:-1], outer + middle[1:]], axis=1)
        rows = tf.reshape(rows, [-1, *outer.shape[1:]])  # [2 windows, columns, C]
        return rows[cut.skip : cut.skip + cut.count]

    corners, sides, ends, centre = parts
    outer = joined_rows(part(corners, beside=1)[0], part(ends, beside=1)[0])
    middle = tf.nn.bias_add(part(sides, beside=0), bias)
    middle = joined_rows(middle[0], part(centre, beside=0)[0])  # [rows, width / 2, C]
    x = tf.stack([outer[:, :-1] + middle, outer[:, 1:] + middle], axis=2)
    x = tf.reshape(x, [1, cut.count, 2 * middle.shape[1], -1])
    return tf.nn.leaky_relu(x, LEAK)


def enlarge(x, scale):
    """Nearest-neighbour upscaling."""
    if scale == 1:
        return x
    return tf.repeat(tf.repeat(x, scale, axis=1), scale, axis=2)


def layer_name(layer, block):
    """The name by which GANSpace knows a layer, e.g. conv0 in the first block, conv0_2 next."""
    return layer if block == 1 else f"{layer}_{block}"


class Span(NamedTuple):
    """Rows `first` up to, but not including, `last` of a block's output."""

    first: int
    last: int

    def within(self, other):
        """Where these rows are in a tensor that holds the rows `other`: (first, last)."""
        return self.first - other.first, self.last - other.first


class Cut(NamedTuple):
    """How one block makes its rows out of the coarse rows; equal for all inner slices."""

    above: int  # rows of zeros around the coarse rows, 1 at the edge of the picture
    below: int
    skip: int  # rows of the interleaved result before the first one wanted
    count: int  # rows wanted of the first convolution
    edge_above: int  # rows of zeros around those, 1 at the edge of the picture
    edge_below: int

    def halo(self, made):
        """The rows of the first convolution that the second needs to make the rows `made`."""
        return Span(made.first - (1 - self.edge_above), made.last + (1 - self.edge_below))


def coarse_rows(span, height):
    """What block b needs of block b - 1 to make the rows `span` of its `height` rows.

    Returns
    -------
    Span, Cut
    """
    first, last = max(span.first - 1, 0), min(span.last + 1, height)  # seen by the 3x3 kernel
    window, windows_end = (first + 1) // 2, last // 2 + 1  # window i: coarse rows i - 1 and i
    coarse = Span(max(window - 1, 0), min(windows_end, height // 2))
    cut = Cut(
        above=coarse.first - (window - 1),
        below=windows_end - coarse.last,
        skip=first - (2 * window - 1),
        count=last - first,
        edge_above=1 - (span.first - first),
        edge_below=1 - (last - span.last),
    )
    return coarse, cut


class Step(NamedTuple):
    """One block of the network, for some rows of the picture."""

    block: int
    cut: Cut | None  # None for the first block, which always makes all its rows
    onward: tuple  # (first, last) of the rows made that the next block needs
    shown: tuple | None  # (first, last) of the rows made that show in the picture, if any
    skip: int  # rows of the picture to drop after those were enlarged
    replaced: str | None = None  # conv0 or conv1, if it comes from outside; none below it is made
    until: str = "conv1"  # the layer whose output is wanted, in the last step


class Plan(NamedTuple):
    """The way to some rows of the picture, block by block."""

    source: Span | None  # rows that it takes of the block below, None if it takes none
    steps: tuple  # of Step
    made: tuple  # Span of each; apart from the steps, so that slices with equal steps share a graph

    def split(self, block):
        """The part up to this block, and the part above it."""
        count = sum(step.block <= block for step in self.steps)
        return (self._replace(steps=self.steps[:count], made=self.made[:count]),
                self._replace(source=None, steps=self.steps[count:], made=self.made[count:]))


class Changes(NamedTuple):
    """What is changed inside the network: float32 [rows, columns, channels] by layer name."""

    layers: dict  # in the place of what the layers put out, after the pixel norm
    offsets: dict  # added to it, or to what took its place

    @property
    def kind(self):
        return frozenset(self.layers), frozenset(self.offsets)


UNCHANGED = Changes({}, {})


class Layer(NamedTuple):
    """A convolution with its scale folded in."""

    kernel: np.ndarray | tf.Tensor | tuple  # a tuple of parts for `upscale_in_parts`
    bias: np.ndarray | tf.Tensor


class Generator:
    """The network of one checkpoint.

    Parameters
    ----------
    shape : pdbridge.gansynth.checkpoint.Shape
        Sizes of the network.
    weights : dict of (int, str) to (kernel, bias)
        By block, from 1, and layer: conv0, conv1, to_rgb. Kernels [height, width, in, out], as
        they were trained: with equalised learning rate, so not yet scaled.
    progress : float
        How far training had grown the network, see `blend_weights`.
    """

    def __init__(self, shape, weights, progress):
        self._shape = shape
        self._blend = blend_weights(progress, shape.resolutions)
        self._top = max(self._blend)
        self._layers = {key: self._folded(key, *weights[key]) for key in weights}
        self._graphs = {}
        self._slices_equal_whole = {}  # by kind of changes, once it is known
        self.head_rows = min(HEAD_ROWS, shape.frames)

    @staticmethod
    def _folded(key, kernel, bias):
        """Equalised learning rate (Karras et al. 2018): weights are scaled when used."""
        block, name = key
        gain = 1.0 if name == "to_rgb" else 2.0
        kernel = kernel.astype(np.float64) * np.sqrt(gain / np.prod(kernel.shape[:3]))
        bias = np.asarray(bias, np.float32)
        if name == "conv0" and block == 1:
            kernel = flipped_dense(kernel)
        elif name == "conv0" and len(bias) >= MANY_CHANNELS:
            parts = (np.ascontiguousarray(part, np.float32) for part in upscaling_parts(kernel))
            return Layer(tuple(parts), bias)
        elif name == "conv0":
            kernel, bias = upscaling_kernel(kernel), np.tile(bias, 4)
        return Layer(np.ascontiguousarray(kernel, np.float32), bias)

    @cached_property
    def _shared_layers(self):
        """The layers as tensors, for graphs that are not those of plain playing.

        Arrays, as in `_layers`, become constants of each graph: the library then keeps kernels in
        the order its inner loops want, which saves 7 % of a note and costs 100 MB and more a graph.
        Changed layers can mean dozens of graphs, so these have one set of tensors in common. They
        are also built in half the time, which a player has to wait for.
        """
        return {
            key: Layer(tf.nest.map_structure(tf.constant, kernel), tf.constant(bias))
            for key, (kernel, bias) in self._layers.items()
        }

    # The network

    def _conv0(self, x, step, conv0):
        """The first layer of a block: out of z and pitch, or twice the rows and columns below."""
        if step.block > 1:
            upscale = upscale_in_parts if isinstance(conv0.kernel, tuple) else upscale_in_windows
            return pixel_norm(upscale(x, *conv0, step.cut))  # [1, rows + halo, width, C]
        height, width = self._shape.start_height, self._shape.start_width
        x = pixel_norm(x)  # [1, latent + pitches]
        x = tf.reshape(tf.matmul(x, conv0.kernel), [1, height, width, -1])  # [1, 2, 16, 256]
        return pixel_norm(tf.nn.leaky_relu(tf.nn.bias_add(x, conv0.bias), LEAK))

    def _conv1(self, x, step, conv1):
        """The second layer of a block, up to its pixel norm."""
        above, below = (step.cut.edge_above, step.cut.edge_below) if step.cut else (1, 1)
        return convolve(x, *conv1, above, below, beside=1)

    def _show(self, x, norm, block, to_rgb):
        """The picture that a block makes, at the full size, with its share in the whole.

        Its convolution sees one pixel at a time. So the pixel norm may as well come after it,
        when there are only two channels left.
        """
        x = tf.nn.conv2d(x, to_rgb.kernel, 1, "VALID") * norm  # [1, rows, width, 2]
        x = tf.nn.bias_add(x, to_rgb.bias)
        x = tf.tanh(x) if self._shape.tanh else x
        x = enlarge(x, self._shape.scale(block))  # [1, rows * scale, 1024, 2]
        weight = self._blend[block]
        return x if weight == 1 else weight * x

    def _draw(self, x, steps, rows, changes, weights):
        """Some rows of the picture or, if the steps end before it, of a layer's output.

        `changes` are tensors [1, rows, columns, C] by layer name: a layer that the step calls
        replaced is this, to others it is added.
        """
        picture = None
        for step in steps:
            conv0, conv1 = (changes.get(layer_name(n, step.block)) for n in ("conv0", "conv1"))
            if step.replaced == "conv1":
                x, norm = conv1, tf.ones_like(conv1[..., :1])
            else:
                if step.replaced == "conv0":
                    x = conv0
                else:
                    x = self._conv0(x, step, weights[step.block, "conv0"])
                    x = x if conv0 is None else x + conv0
                if step.until == "conv0":
                    return x
                x = self._conv1(x, step, weights[step.block, "conv1"])  # [1, rows, width, C]
                norm = inverse_rms(x)
                if conv1 is not None:
                    x, norm = x * norm + conv1, tf.ones_like(norm)
            if step.shown:
                seen = slice(*step.shown)
                to_rgb = weights[step.block, "to_rgb"]
                shown = self._show(x[:, seen], norm[:, seen], step.block, to_rgb)
                shown = shown[:, step.skip : step.skip + rows]
                picture = shown if picture is None else picture + shown
            x = (x * norm)[:, slice(*step.onward)]
        return x if picture is None else picture[0]  # [rows, 1024, 2]

    # Which rows

    def _plan(self, first, last, source, replaced=()):
        """The way from the output of block `source` to the rows `first` to `last` of the picture.

        Where layers are `replaced`, it begins at the highest of them, or below, where a block
        shows in the picture on its own.

        Returns
        -------
        Plan
        """
        steps, rows = [], []
        onward = None
        for block in range(self._top, source, -1):
            scale = self._shape.scale(block)
            shown = Span(first // scale, -(-last // scale)) if block in self._blend else None
            wanted = [span for span in (onward, shown) if span]
            if not wanted:
                break
            if block == 1:
                made, coarse, cut = Span(0, self._shape.start_height), None, None
            else:
                made = Span(min(s.first for s in wanted), max(s.last for s in wanted))
                coarse, cut = coarse_rows(made, self._shape.height(block))
            given = (layer for layer in ("conv1", "conv0") if layer_name(layer, block) in replaced)
            step = Step(
                block,
                cut,
                onward=(onward or made).within(made),
                shown=shown and shown.within(made),
                skip=first % scale,
                replaced=next(given, None),
            )
            steps.append(step)
            rows.append(made)
            onward = None if step.replaced else coarse
        return Plan(onward, tuple(reversed(steps)), tuple(reversed(rows)))

    def _run(self, plan, x, rows=None, changes=UNCHANGED, playing=True):
        """Carry out a plan; `x` is what its first step takes, if that takes anything from below."""
        changed = self._changed(plan, changes)
        inputs = [] if plan.steps[0].replaced else [x]
        inputs += [tf.constant(values) for values in changed.values()]
        steps, names = plan.steps, tuple(changed)
        key = steps, rows, names
        if key not in self._graphs:  # inner slices share one
            weights = self._layers if playing and not names else self._shared_layers

            def draw(*inputs):
                values = inputs[len(inputs) - len(names) :]
                x = inputs[0] if len(inputs) > len(names) else None
                return self._draw(x, steps, rows, dict(zip(names, values, strict=True)), weights)

            graph = tf.function(draw, autograph=False)  # plain Python, so nothing is to be rewritten
            self._graphs[key] = graph.get_concrete_function(*inputs)
        return self._graphs[key](*inputs)

    @staticmethod
    def _changed(plan, changes):
        """The changes on the way of a plan, float32 [1, rows, columns, C] by layer name."""
        taken = {}
        for step, made in zip(plan.steps, plan.made, strict=True):
            for layer in ("conv1",) if step.replaced == "conv1" else ("conv0", "conv1"):
                name = layer_name(layer, step.block)
                values = changes.offsets.get(name)
                if layer == step.replaced:
                    values = changes.layers[name] + (0 if values is None else values)
                if values is not None:
                    halo = step.cut and layer == "conv0"
                    first, last = step.cut.halo(made) if halo else made
                    taken[name] = values[np.newaxis, first:last]
        return taken

    # Pictures

    @property
    def layer_shapes(self):
        """Shapes (rows, columns, channels) of the layers that can be changed, by name."""
        shape = self._shape
        return {
            layer_name(layer, block): (
                shape.height(block), shape.width(block), shape.channels(block)
            )
            for block in range(1, self._top + 1)
            for layer in ("conv0", "conv1")
        }

    @property
    def latent_directions(self):
        """What the first layer takes of z at all: orthonormal columns, float64 [latent, directions].

        As many as z has values, unless the network was trained to look at fewer.
        """
        kernel = self._layers[1, "conv0"].kernel[: self._shape.latent_size].astype(np.float64)
        power, directions = np.linalg.eigh(kernel @ kernel.T)
        return directions[:, power > LEAST_POWER * power[-1]]

    def picture(self, x, changes=UNCHANGED):
        """The whole picture of one note.

        Parameters
        ----------
        x : float32 [1, latent + pitches]
            Latent vector and one-hot pitch.
        changes : Changes, optional
            For the layers of `layer_shapes`.

        Returns
        -------
        float32 [rows, bins, 2]
            Normalised. These are bit by bit the rows of `head` and `tail`.
        """
        kind = changes.kind
        if kind not in self._slices_equal_whole:
            # Convolving other numbers of rows, the library may add up in another order. The last
            # digits differ then, and a note would sum them up in its phase: a ready head would no
            # longer fit the rest. Whether it does so depends on processor and number of channels.
            rows = self._sliced(x, changes)
            self._slices_equal_whole[kind] = np.array_equal(rows, self._whole(x, changes))
            return rows
        return (self._whole if self._slices_equal_whole[kind] else self._sliced)(x, changes)

    def _whole(self, x, changes):
        """All rows in one go: without work done twice at the borders of slices."""
        frames = self._shape.frames
        return self._run(self._plan(0, frames, 0, changes.layers), x, frames, changes).numpy()

    def _sliced(self, x, changes):
        return np.concatenate([*self.head(x, changes), *self.tail(x, changes)])

    def drawing(self, x):
        """The whole picture of one note as operations that gradients go through, also in a graph.

        Parameters
        ----------
        x : tf.Tensor, float32 [1, latent + pitches]

        Returns
        -------
        tf.Tensor, float32 [rows, bins, 2]
            As `picture`, except for the last digits.
        """
        with tf.init_scope():  # these tensors outlive the graph that asks for them first
            weights = self._shared_layers
        frames = self._shape.frames
        return self._draw(x, self._plan(0, frames, 0).steps, frames, {}, weights)

    def head(self, x, changes=UNCHANGED):
        """The first `head_rows` rows of the picture, as in `picture`, in two pieces of work.

        Yields
        ------
        float32 [rows, bins, 2]
            With no rows at first, if anything is to be made below the last two blocks.
        """
        plan = self._plan(0, self.head_rows, 0, changes.layers)
        below, above = plan.split(self._top - 2)  # the last two blocks take as long as the others
        if below.steps:
            x = self._run(below, x, changes=changes)
            yield np.zeros((0, self._shape.bins, 2), np.float32)
        yield self._run(above, x, self.head_rows, changes).numpy()

    def tail(self, x, changes=UNCHANGED):
        """The rows after the head, slice by slice.

        Yields
        ------
        float32 [rows, bins, 2]
            With no rows at first: what all slices have in common is made in pieces, too.
        """
        frames = self._shape.frames
        if self.head_rows == frames:
            return
        source = max(self._top - 2, 0)  # coarse enough to be small, fine enough to save work
        common, _ = self._plan(self.head_rows, frames, 0, changes.layers).split(source)
        for piece in common.split(source - 1):
            if piece.steps:
                x = self._run(piece, x, changes=changes)
                yield np.zeros((0, self._shape.bins, 2), np.float32)
        held = self._plan(self.head_rows, frames, source, changes.layers).source
        for first in range(self.head_rows, frames, SLICE_ROWS):
            last = min(first + SLICE_ROWS, frames)
            plan = self._plan(first, last, source, changes.layers)
            part = x
            if plan.source:
                above, below = plan.source.within(held)
                part = x[:, above:below]
            yield self._run(plan, part, last - first, changes).numpy()

    def activations(self, x, layer):
        """What a layer puts out, after its pixel norm.

        Parameters
        ----------
        x : float32 [1, latent + pitches]
        layer : str
            One of `layer_shapes`.

        Returns
        -------
        float32 [rows, columns, channels]
        """
        name, _, block = layer.partition("_")
        below, _ = self._plan(0, self._shape.frames, 0).split(int(block or 1))
        steps = [step._replace(shown=None) for step in below.steps]
        steps[-1] = steps[-1]._replace(until=name)
        plan = below._replace(steps=tuple(steps))
        return self._run(plan, x, playing=False).numpy()[0]
