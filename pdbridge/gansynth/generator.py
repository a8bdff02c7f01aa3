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
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

PIXEL_NORM_EPSILON = 1e-8
LEAK = 0.2  # slope of the leaky rectifier below zero

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
    """How one block makes its rows out of the rows given to it; equal for all inner slices."""

    above: int  # rows of zeros around the coarse rows, 1 at the edge of the picture
    below: int
    skip: int  # rows of the interleaved result before the first one wanted
    count: int  # rows wanted of the first convolution
    edge_above: int  # rows of zeros around those, 1 at the edge of the picture
    edge_below: int


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


class Layer(NamedTuple):
    """A convolution with its scale folded in.

    Plain arrays, so that they become constants of every graph: the library then keeps kernels in
    the order its inner loops want, which saves 7 % of a note and costs memory.
    """

    kernel: np.ndarray | tuple  # a tuple of parts for `upscale_in_parts`
    bias: np.ndarray


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
        self._slices_equal_whole = None  # not known yet
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

    # The network

    def _start(self, x, offsets):
        """The first block, from latent vector and one-hot pitch, up to its last pixel norm."""
        height, width = self._shape.start_height, self._shape.start_width
        dense, conv1 = self._layers[1, "conv0"], self._layers[1, "conv1"]
        x = pixel_norm(x)  # [1, latent + pitches]
        x = tf.reshape(tf.matmul(x, dense.kernel), [1, height, width, -1])  # [1, 2, 16, 256]
        x = pixel_norm(tf.nn.leaky_relu(tf.nn.bias_add(x, dense.bias), LEAK))
        x = x + offsets["conv0"] if "conv0" in offsets else x
        return convolve(x, *conv1, above=1, below=1, beside=1)  # [1, 2, 16, 256]

    def _grow(self, x, block, cut, offsets):
        """A later block: twice the rows, twice the columns, up to its last pixel norm."""
        conv0, conv1 = self._layers[block, "conv0"], self._layers[block, "conv1"]
        upscale = upscale_in_parts if isinstance(conv0.kernel, tuple) else upscale_in_windows
        x = pixel_norm(upscale(x, *conv0, cut))  # [1, rows + halo, width, C]
        offset = offsets.get(layer_name("conv0", block))
        x = x if offset is None else x + offset
        return convolve(x, *conv1, cut.edge_above, cut.edge_below, beside=1)  # [1, rows, width, C]

    def _show(self, x, norm, block):
        """The picture that a block makes, at the full size, with its share in the whole.

        Its convolution sees one pixel at a time. So the pixel norm may as well come after it,
        when there are only two channels left.
        """
        to_rgb = self._layers[block, "to_rgb"]
        x = tf.nn.conv2d(x, to_rgb.kernel, 1, "VALID") * norm  # [1, rows, width, 2]
        x = tf.nn.bias_add(x, to_rgb.bias)
        x = tf.tanh(x) if self._shape.tanh else x
        x = enlarge(x, self._shape.scale(block))  # [1, rows * scale, 1024, 2]
        weight = self._blend[block]
        return x if weight == 1 else weight * x

    def _draw(self, x, steps, rows, offsets):
        """Some rows of the picture or, if the steps end before it, of a block's output."""
        picture = None
        for step in steps:
            if step.block == 1:
                x = self._start(x, offsets)
            else:
                x = self._grow(x, step.block, step.cut, offsets)
            norm = inverse_rms(x)
            offset = offsets.get(layer_name("conv1", step.block))
            if offset is not None:
                x, norm = x * norm + offset, tf.ones_like(norm)
            if step.shown:
                seen = slice(*step.shown)
                shown = self._show(x[:, seen], norm[:, seen], step.block)
                shown = shown[:, step.skip : step.skip + rows]
                picture = shown if picture is None else picture + shown
            x = (x * norm)[:, slice(*step.onward)]
        return x if picture is None else picture[0]  # [rows, 1024, 2]

    # Which rows

    def _plan(self, first, last, source):
        """Steps from the output of block `source` to the rows `first` to `last` of the picture.

        Returns
        -------
        Span
            Rows of the source that it takes.
        tuple of Step
        """
        steps = []
        onward = None
        for block in range(self._top, source, -1):
            scale = self._shape.scale(block)
            shown = Span(first // scale, -(-last // scale)) if block in self._blend else None
            if block == 1:
                made, coarse, cut = Span(0, self._shape.start_height), None, None
            else:
                wanted = [span for span in (onward, shown) if span]
                made = Span(min(s.first for s in wanted), max(s.last for s in wanted))
                coarse, cut = coarse_rows(made, self._shape.height(block))
            steps.append(Step(
                block,
                cut,
                onward=(onward or made).within(made),
                shown=shown and shown.within(made),
                skip=first % scale,
            ))
            onward = coarse
        return onward, tuple(reversed(steps))

    def _run(self, steps, x, rows=None, offsets=()):
        """Carry out some steps; `offsets` are pairs of layer name and [1, rows, columns, C]."""
        names = tuple(name for name, _ in offsets)
        values = [tf.constant(offset, tf.float32) for _, offset in offsets]
        key = steps, rows, names
        if key not in self._graphs:  # inner slices share one

            def draw(x, *values):
                return self._draw(x, steps, rows, dict(zip(names, values, strict=True)))

            self._graphs[key] = tf.function(draw).get_concrete_function(x, *values)
        return self._graphs[key](x, *values)

    # Pictures

    @property
    def layer_shapes(self):
        """Shapes (rows, columns, channels) of the layers that take offsets, by name."""
        shape = self._shape
        return {
            layer_name(layer, block): (
                shape.height(block), shape.width(block), shape.channels(block)
            )
            for block in range(1, self._top + 1)
            for layer in ("conv0", "conv1")
        }

    def picture(self, x, offsets=None):
        """The whole picture of one note.

        Parameters
        ----------
        x : float32 [1, latent + pitches]
            Latent vector and one-hot pitch.
        offsets : dict of str to float32 [rows, columns, channels], optional
            Added to the output of layers, see `layer_shapes`.

        Returns
        -------
        float32 [rows, bins, 2]
            Normalised. Without offsets, these are bit by bit the rows of `head` and `tail`.
        """
        if offsets:
            return self._whole(x, offsets)
        if self._slices_equal_whole is None:
            # Convolving other numbers of rows, the library may add up in another order. The last
            # digits differ then, and a note would sum them up in its phase: a ready head would no
            # longer fit the rest. Whether it does so depends on processor and number of channels.
            rows = self._sliced(x)
            self._slices_equal_whole = np.array_equal(rows, self._whole(x))
            return rows
        return self._whole(x) if self._slices_equal_whole else self._sliced(x)

    def _whole(self, x, offsets=None):
        """All rows in one go: without work done twice at the borders of slices."""
        offsets = [(name, values[np.newaxis]) for name, values in sorted((offsets or {}).items())]
        _, steps = self._plan(0, self._shape.frames, source=0)
        return self._run(steps, x, self._shape.frames, offsets).numpy()

    def _sliced(self, x):
        return np.concatenate([*self.head(x), *self.tail(x)])

    def head(self, x):
        """The first `head_rows` rows of the picture, as in `picture`, in two pieces of work.

        Yields
        ------
        float32 [rows, bins, 2]
            With no rows at first.
        """
        _, steps = self._plan(0, self.head_rows, source=0)
        half = max(self._top - 2, 0)  # the last two blocks take as long as those before
        if half:
            x = self._run(steps[:half], x)
            yield np.zeros((0, self._shape.bins, 2), np.float32)
        yield self._run(steps[half:], x, self.head_rows).numpy()

    def tail(self, x):
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
        _, steps = self._plan(self.head_rows, frames, source=0)
        for piece in (steps[: source - 1], steps[source - 1 : source]) if source else ():
            if piece:
                x = self._run(piece, x)
                yield np.zeros((0, self._shape.bins, 2), np.float32)
        held, _ = self._plan(self.head_rows, frames, source)
        for first in range(self.head_rows, frames, SLICE_ROWS):
            last = min(first + SLICE_ROWS, frames)
            coarse, steps = self._plan(first, last, source)
            part = x
            if source:
                above, below = coarse.within(held)
                part = x[:, above:below]
            yield self._run(steps, part, last - first).numpy()
