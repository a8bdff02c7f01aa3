"""Pictures of sounds: waveform, spectrogram and rainbowgram, from arrays to figures and PNG files.

The rainbowgram is that of Engel et al. 2017, "Neural Audio Synthesis of Musical Notes with WaveNet
Autoencoders": a constant-Q transform whose magnitude is brightness and whose instantaneous frequency is
hue. A steady partial is a line of one colour, a vibrato one that wanders, noise is confetti.

Figures belong to whoever asked for them; pyplot, which remembers every figure, is not used. Needs the
extra ``plots`` (matplotlib and librosa), imported inside the functions.
"""

import contextlib
import warnings

import numpy as np

from pdbridge.errors import AudioError, EngineError
from pdbridge.files import written_whole

KINDS = "waveform", "spectrogram", "rainbowgram"

DYNAMIC_RANGE_DB = 80.0  # of the spectrogram and the rainbowgram, below the loudest point
HOP_S = 0.016  # from one column to the next: 256 samples at 16 kHz, as in the paper's pictures
MOST_COLUMNS = 4000  # no picture shows more; long sounds take wider steps
LONGEST_S = 600.0

LOWEST_PITCH = 24  # C1, 32.7 Hz, where GANSynth's pitches begin
BINS_PER_OCTAVE = 36  # three to a semitone, so that a mistuned partial is seen
FILTER_SCALE = 0.8  # shorter filters than the plain constant Q: attacks keep an edge
NYQUIST_SHARE = 0.9  # the highest bin still needs room for its filter

WINDOW_S = 0.064  # of the spectrogram: 1024 samples at 16 kHz

DPI = 100
CELL_INCHES = 4.0, 2.6  # of one picture in a page
COLUMNS = 4
MOST_CELLS = 64
LONGEST_TITLE = 46  # characters over a cell
WAVE_COLOUR = "#20639b"


def waveform(samples, sample_rate, title=None):
    """Draw a sound as its waveform.

    Parameters
    ----------
    samples : array [samples]
        One channel.
    sample_rate : int
        In Hz.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        800 x 260 pixels, see `write_png` and `pixels`.

    Raises
    ------
    AudioError
        No sound: empty, not one channel, not finite, or longer than ten minutes.
    EngineError
        matplotlib or librosa is missing.
    """
    return page([samples], [title], sample_rate, "waveform")


def spectrogram(samples, sample_rate, title=None):
    """Draw a sound as its spectrogram: time, frequency in kHz, level over 80 dB as brightness.

    Parameters, returns and raises as in `waveform`.
    """
    return page([samples], [title], sample_rate, "spectrogram")


def rainbowgram(samples, sample_rate, title=None):
    """Draw a sound as its rainbowgram: level is brightness, instantaneous frequency is hue.

    Parameters, returns and raises as in `waveform`. The numbers behind it are in `rainbow`.
    """
    return page([samples], [title], sample_rate, "rainbowgram")


def page(sounds, titles=None, sample_rate=16000, kind="rainbowgram", columns=COLUMNS):
    """Draw several sounds side by side.

    Parameters
    ----------
    sounds : sequence of array [samples]
        Their lengths may differ; each fills its cell.
    titles : sequence of str or None, optional
        One for each.
    sample_rate : int or sequence of int
        In Hz, of all or of each.
    kind : {"rainbowgram", "spectrogram", "waveform", "all"}
        all: the three of a sound below each other.
    columns : int
        Cells in a row, at most.

    Returns
    -------
    matplotlib.figure.Figure
        Each picture is 400 x 260 pixels; in a single column they are twice as wide.

    Raises
    ------
    AudioError
        No sounds or too many; or one is none, see `waveform`.
    EngineError
        matplotlib or librosa is missing.
    ValueError
        Another kind, or not as many titles or rates as sounds.

    Examples
    --------
    >>> import pdbridge
    >>> model = pdbridge.GANSynth.load("models/small_hours")
    >>> notes = model.synthesize(model.random_z(8, seed=1), 60)
    >>> write_png(page(notes, [f"z{number}" for number in range(8)]), "gallery.png")
    """
    if kind not in (*KINDS, "all"):
        raise ValueError(f"kind is one of {', '.join(KINDS)} or all, not {kind!r}")
    sounds = list(sounds)
    rates = [sample_rate] * len(sounds) if np.isscalar(sample_rate) else list(sample_rate)
    titles = [None] * len(sounds) if titles is None else list(titles)
    if not len(sounds) == len(rates) == len(titles):
        raise ValueError(f"{len(sounds)} sounds with {len(titles)} titles and {len(rates)} sample rates")
    if not 0 < len(sounds) <= MOST_CELLS:
        raise AudioError(f"a page shows 1 to {MOST_CELLS} sounds, not {len(sounds)}")
    sounds = [checked(sound, rate, title or f"sound {number + 1}")
              for number, (sound, rate, title) in enumerate(zip(sounds, rates, titles, strict=True))]
    kinds = KINDS if kind == "all" else (kind,)
    columns = min(columns, len(sounds))
    rows = -(-len(sounds) // columns)
    figure = _figure(max(2, columns) * CELL_INCHES[0], rows * len(kinds) * CELL_INCHES[1])
    grid = figure.add_gridspec(rows * len(kinds), columns)
    for number, (sound, rate, title) in enumerate(zip(sounds, rates, titles, strict=True)):
        row, column = divmod(number, columns)
        for line, name in enumerate(kinds):
            axes = figure.add_subplot(grid[row * len(kinds) + line, column])
            _DRAWN[name](axes, sound, rate)
            axes.set_xlim(0, len(sound) / rate)
            axes.set_facecolor("black" if name != "waveform" else "white")
            axes.tick_params(labelsize="small")
            axes.locator_params(axis="x", nbins=5)
            if line == 0 and title:
                axes.set_title(_shown(title), fontsize="medium", parse_math=False)
            if line == len(kinds) - 1:
                axes.set_xlabel("s", fontsize="small")
    return figure


def write_png(figure, path):
    """Write a figure to a PNG file, whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : str or Path
        Replaced if it exists; its folder must exist.

    Raises
    ------
    MessageError
        The folder is missing, or the file cannot be written.
    """
    with written_whole(path) as temporary, _boxes_for_missing_glyphs():
        figure.savefig(temporary, format="png", dpi=DPI)


def pixels(figure):
    """A figure as a picture, e.g. for TensorBoard.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    uint8 array [height, width, 3]
        Red, green and blue; the top row first.
    """
    with _boxes_for_missing_glyphs():
        figure.canvas.draw()
    return np.array(figure.canvas.buffer_rgba())[..., :3]  # a copy: the canvas draws into its own


@contextlib.contextmanager
def _boxes_for_missing_glyphs():
    """A title in a script that the font does not have is drawn as boxes, without a warning for each."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def _shown(title):
    """A title as it fits over a cell; names of files may be long, and hold anything."""
    title = "".join(character if character.isprintable() else "?" for character in title)
    if len(title) > LONGEST_TITLE:
        half = LONGEST_TITLE // 2 - 1
        title = f"{title[:half]}...{title[-half:]}"
    return title


# The numbers


def checked(samples, sample_rate, name="the sound"):
    """A sound that can be drawn, as float32 [samples]; AudioError, which names it, if it is none."""
    try:
        samples = np.asarray(samples, np.float32)
    except (TypeError, ValueError):
        raise AudioError(f"{name}: is no array of samples") from None
    if samples.ndim != 1:
        raise AudioError(f"{name}: should have one channel, not the shape {list(samples.shape)}")
    if not len(samples):
        raise AudioError(f"{name}: there is no sound in it, it has 0 samples")
    if not np.isfinite(samples).all():
        raise AudioError(f"{name}: holds samples that are not finite numbers")
    if len(samples) > LONGEST_S * sample_rate:
        raise AudioError(f"{name}: lasts {len(samples) / sample_rate:.0f} s; a picture shows "
                         f"{LONGEST_S:.0f} s at most, draw a part of it (--seconds S)")
    return samples


def rainbow(samples, sample_rate):
    """The rainbowgram as an array.

    Parameters
    ----------
    samples : float32 array [samples]
    sample_rate : int
        In Hz.

    Returns
    -------
    brightness : float32 array [bins, columns]
        0 (80 dB below the loudest point, or silence) to 1.
    hue : float32 array [bins, columns]
        How far the phase goes from the column before to this one, in turns, 0..1: the instantaneous
        frequency, modulo one turn a column. All bins that hear one partial agree on it. The first
        column has that of the second.
    frequencies : float64 array [bins]
        Centres of the bins, Hz, from C1 in thirds of a semitone.
    hop : int
        Samples from one column to the next.
    """
    need_extra()
    import librosa

    hop = _hop(len(samples), sample_rate)
    lowest = 440 * 2 ** ((LOWEST_PITCH - 69) / 12)
    octaves = np.log2(NYQUIST_SHARE * sample_rate / 2 / lowest)
    if octaves < 1:
        raise AudioError(f"a sound of {sample_rate} Hz is too low for a rainbowgram")
    frequencies = lowest * 2 ** (np.arange(int(octaves * BINS_PER_OCTAVE)) / BINS_PER_OCTAVE)
    # The lowest filter may be longer than the sound: silence around it, up to the next power of two.
    longest = FILTER_SCALE * BINS_PER_OCTAVE / np.log(2) * sample_rate / lowest  # samples
    padding = -(-max(0, int(2 * longest) - len(samples)) // (2 * hop)) * hop
    transform = librosa.cqt(
        np.pad(samples, padding), sr=sample_rate, hop_length=hop, fmin=lowest, n_bins=len(frequencies),
        bins_per_octave=BINS_PER_OCTAVE, filter_scale=FILTER_SCALE)
    first, count = padding // hop, len(samples) // hop + 1
    transform = transform[:, first:first + count]  # complex64 [bins, columns]
    turns = np.angle(transform[:, 1:] * transform[:, :-1].conj()) / (2 * np.pi)
    turns = np.pad(turns, ((0, 0), (1, 0)), mode="edge" if count > 1 else "constant")
    # librosa's scale makes noise even: a partial falls by 3 dB an octave. Here partials of a level are even.
    magnitudes = np.abs(transform) * np.sqrt(frequencies / lowest)[:, np.newaxis]
    return _levels(magnitudes), np.mod(turns, 1).astype(np.float32), frequencies, hop


def _levels(magnitudes):
    """0..1 over the dynamic range below the loudest point; 0 everywhere in silence."""
    loudest = magnitudes.max(initial=0)
    if loudest == 0:
        return np.zeros(magnitudes.shape, np.float32)
    quietest = 10 ** (-DYNAMIC_RANGE_DB / 20)
    decibels = 20 * np.log10(np.maximum(magnitudes / loudest, quietest))
    return (1 + decibels / DYNAMIC_RANGE_DB).astype(np.float32)


def _hop(length, sample_rate):
    """Samples between columns; a multiple of 64, which lets the transform halve the rate by octaves."""
    columns_at_most = length / (MOST_COLUMNS - 1)
    return 64 * max(1, round(HOP_S * sample_rate / 64), int(np.ceil(columns_at_most / 64)))


def need_extra():
    """Raise an EngineError that says what to install, if the extra ``plots`` is missing."""
    try:
        import librosa  # noqa: F401
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise EngineError(f"pictures are drawn by matplotlib and librosa, and {error.name} is missing: "
                          'pip install "pdbridge[plots]"') from None


# Drawing


def _figure(width, height):
    need_extra()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _draw_waveform(axes, samples, sample_rate):
    times = np.arange(len(samples)) / sample_rate
    if len(samples) > 2 * MOST_COLUMNS:  # the range of each column: no peak is lost, nothing else is drawn
        step = -(-len(samples) // MOST_COLUMNS)
        padded = np.pad(samples, (0, -len(samples) % step), mode="edge").reshape(-1, step)
        axes.fill_between(times[::step], padded.min(axis=1), padded.max(axis=1), color=WAVE_COLOUR, linewidth=0.3)
    else:
        axes.plot(times, samples, color=WAVE_COLOUR, linewidth=0.5)
    limit = max(1.0, float(np.abs(samples).max()))
    axes.set_ylim(-limit, limit)
    axes.set_ylabel("amplitude", fontsize="small")


def _draw_spectrogram(axes, samples, sample_rate):
    import librosa

    size = 2 ** round(np.log2(WINDOW_S * sample_rate))
    hop = max(size // 4, _hop(len(samples), sample_rate))
    magnitudes = np.abs(librosa.stft(np.pad(samples, (0, max(0, size - len(samples)))), n_fft=size, hop_length=hop))
    columns = magnitudes.shape[1]
    axes.imshow(_levels(magnitudes), origin="lower", aspect="auto", cmap="magma", vmin=0, vmax=1,
                interpolation="nearest", extent=_extent(columns, hop, sample_rate) + (0, sample_rate / 2000))
    axes.set_ylabel("kHz", fontsize="small")


def _draw_rainbowgram(axes, samples, sample_rate):
    from matplotlib.colors import hsv_to_rgb

    brightness, hue, frequencies, hop = rainbow(samples, sample_rate)
    colours = hsv_to_rgb(np.stack([hue, np.full_like(hue, 0.85), brightness], axis=-1))
    axes.imshow(colours, origin="lower", aspect="auto", interpolation="nearest",
                extent=_extent(hue.shape[1], hop, sample_rate) + (-0.5, len(frequencies) - 0.5))
    octaves = range(0, len(frequencies), BINS_PER_OCTAVE)
    axes.set_yticks(octaves, [f"C{LOWEST_PITCH // 12 - 1 + number}" for number in range(len(octaves))])
    axes.set_ylabel("pitch", fontsize="small")


_DRAWN = {"waveform": _draw_waveform, "spectrogram": _draw_spectrogram, "rainbowgram": _draw_rainbowgram}


def _extent(columns, hop, sample_rate):
    """Left and right edge in seconds; the middle of column i is at i hops."""
    return -0.5 * hop / sample_rate, (columns - 0.5) * hop / sample_rate
