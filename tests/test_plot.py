"""Pictures of sounds: the numbers behind them, the figures, and ``pdbridge plot``."""

import sys

import numpy as np
import pytest
import soundfile

from pdbridge import cli, latent, plotting
from pdbridge.commands import plot
from pdbridge.errors import AudioError, EngineError

RATE = 16000


def tone(frequency, seconds=1.0, rate=RATE, level=0.5):
    return (level * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def nearest(values, value):
    return int(np.argmin(np.abs(np.asarray(values) - value)))


def inner(array):
    """Without the columns at the ends, where a sound begins and stops."""
    return array[..., 15:-15]


# The rainbowgram


@pytest.mark.parametrize("rate, frequency", [(16000, 440.0), (16000, 1000.0), (44100, 3000.0)])
def test_a_steady_partial_is_bright_at_its_frequency_and_of_one_hue(rate, frequency):
    brightness, hue, frequencies, hop = plotting.rainbow(tone(frequency, rate=rate), rate)
    assert hop % 64 == 0 and abs(hop / rate - 0.016) < 0.001
    assert abs(frequencies[0] - 32.7) < 0.01 and frequencies[-1] < rate / 2
    row = nearest(np.log(frequencies), np.log(frequency))
    assert set(inner(brightness).argmax(axis=0)) <= {row - 1, row, row + 1}
    expected = frequency * hop / rate % 1
    for bin_beside in (-2, 0, 2):  # all bins that hear it agree
        turns = inner(hue)[row + bin_beside]
        assert np.abs((turns - expected + 0.5) % 1 - 0.5).max() < 0.02


def test_vibrato_makes_the_hue_wander_and_follows_the_instantaneous_frequency():
    times = np.arange(2 * RATE) / RATE
    swing, speed = 20, 2  # Hz
    sound = np.sin(2 * np.pi * (1000 * times + swing / (2 * np.pi * speed) * np.sin(2 * np.pi * speed * times)))
    _, hue, frequencies, hop = plotting.rainbow(sound.astype(np.float32), RATE)
    turns = inner(hue)[nearest(frequencies, 1000)]
    middle = np.arange(hue.shape[1])[15:-15] - 0.5  # between the two columns that a hue compares
    heard = 1000 + swing * np.cos(2 * np.pi * speed * middle * hop / RATE)
    assert np.abs((turns - heard * hop / RATE + 0.5) % 1 - 0.5).max() < 0.05
    assert np.ptp((turns - 1000 * hop / RATE + 0.5) % 1) > 0.5


def test_brightness_is_the_level_over_80_db():
    quiet = 10 ** (-40 / 20)
    brightness, _, frequencies, _ = plotting.rainbow(tone(300) + quiet * tone(2400), RATE)
    middle = brightness[:, brightness.shape[1] // 2]
    loud, soft = (middle[nearest(frequencies, frequency)] for frequency in (300, 2400))
    assert loud > 0.99 and abs(soft - 0.5) < 0.03
    assert middle[nearest(frequencies, 1000)] < 0.05
    assert brightness.min() >= 0 and brightness.max() <= 1


@pytest.mark.parametrize("samples", [np.zeros(8000), np.ones(1), np.ones(700), np.zeros(0)])
def test_silence_is_dark_and_the_shortest_sounds_are_drawn(samples, recwarn):
    if not len(samples):
        with pytest.raises(AudioError, match="take: there is no sound in it, it has 0 samples"):
            plotting.waveform(samples, RATE, "take")
        return
    brightness, hue, _, hop = plotting.rainbow(samples.astype(np.float32), RATE)
    assert brightness.shape == hue.shape and hue.shape[1] == len(samples) // hop + 1
    assert np.isfinite(hue).all() and brightness.any() == samples.any()
    plotting.pixels(plotting.page([samples], kind="all"))
    assert not recwarn.list


def test_long_sounds_take_wider_steps():
    assert plotting._hop(int(600 * 48000), 48000) > 0.016 * 48000
    for seconds in (1, 100, 600):
        assert seconds * 48000 // plotting._hop(seconds * 48000, 48000) < plotting.MOST_COLUMNS


# The figures


def test_a_spectrogram_shows_a_tone_at_its_frequency():
    axes, = plotting.spectrogram(tone(2000), RATE, "two").axes
    image, = axes.images
    levels = image.get_array()
    left, right, bottom, top = image.get_extent()
    assert (bottom, top) == (0, 8) and left < 0 and right >= 1
    row = levels[:, levels.shape[1] // 2].argmax()
    assert abs((row + 0.5) / len(levels) * top - 2.0) < 0.02
    assert axes.get_title() == "two"


def test_a_waveform_of_a_long_sound_keeps_its_shortest_peak():
    def rows_inked(samples):
        axes, = plotting.waveform(samples, RATE).axes
        axes.set_axis_off()
        ink = np.flatnonzero((plotting.pixels(axes.figure) < 200).any(axis=(1, 2)))
        return np.ptp(ink)

    silence = np.zeros(60 * RATE, np.float32)
    click = silence.copy()
    click[123457] = 0.9
    assert rows_inked(silence) < 5 < 80 < rows_inked(click)


def test_a_page_shows_each_sound_with_its_title_and_time():
    sounds = [tone(200 * (number + 1), 0.1 + 0.1 * number) for number in range(5)]
    figure = plotting.page(sounds, ["$a$", *"bcde"], kind="waveform")
    assert [axes.get_title() for axes in figure.axes] == ["$a$", *"bcde"]
    assert [round(axes.get_xlim()[1], 3) for axes in figure.axes] == [0.1, 0.2, 0.3, 0.4, 0.5]
    height, width, channels = plotting.pixels(figure).shape
    assert channels == 3 and width == 4 * 400 and height == 2 * 260  # four in a row
    assert len(plotting.page(sounds[:2], kind="all").axes) == 6
    assert plotting.pixels(plotting.waveform(sounds[0], RATE)).shape == (260, 800, 3)


def test_titles_may_be_long_and_hold_anything(recwarn):
    figure = plotting.page([tone(300)] * 2, ["a" * 50 + "z" * 50, "\u65e5\u672c\n\udcff.wav"], kind="waveform")
    plotting.pixels(figure)
    first, second = (axes.get_title() for axes in figure.axes)
    assert first.startswith("aaaa") and "..." in first and first.endswith("zzzz") and len(first) < 50
    assert second == "\u65e5\u672c??.wav" and not recwarn.list


@pytest.mark.parametrize("sounds, message", [
    ([], "a page shows 1 to 64 sounds, not 0"),
    ([np.zeros(9)] * 65, "a page shows 1 to 64 sounds, not 65"),
    ([np.zeros((9, 2))], r"sound 1: should have one channel, not the shape \[9, 2\]"),
    ([np.zeros(9), np.full(9, np.nan)], "sound 2: holds samples that are not finite numbers"),
    ([np.broadcast_to(np.float32(0), 601 * RATE)], "sound 1: lasts 601 s; a picture shows 600 s at most"),
])
def test_what_cannot_be_drawn_is_named(sounds, message):
    with pytest.raises(AudioError, match=message):
        plotting.page(sounds)


@pytest.mark.parametrize("missing", ["matplotlib", "librosa"])
def test_a_missing_extra_says_what_to_install(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(EngineError, match=rf'{missing} is missing: pip install "pdbridge\[plots\]"'):
        plotting.rainbowgram(tone(440), RATE)


# The command


class Tones:
    """A model of sines that keeps what it was asked for."""

    pitches = tuple(range(24, 61, 12))
    latent_size, sample_rate = 256, RATE

    def __init__(self):
        self.asked = []

    def random_z(self, count, seed=None):
        return latent.random_z(count, self.latent_size, seed)

    def synthesize(self, z, pitches):
        self.asked += [(np.array(z), pitch) for pitch in pitches]
        return np.stack([tone(440 * 2 ** ((pitch - 69) / 12), 0.2) for pitch in pitches])


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def model(monkeypatch):
    model = Tones()
    model.loaded = []
    monkeypatch.setattr(plot, "_model", lambda name: model.loaded.append(name) or model)
    return model


@pytest.fixture
def drawn(monkeypatch):
    """What was given to be drawn: titles and kind of each page."""
    pages, page = [], plotting.page

    def recorded(sounds, titles, rates, kind):
        pages.append((list(titles), kind, list(map(len, sounds)), list(rates)))
        return page(sounds, titles, rates, kind)

    monkeypatch.setattr(plotting, "page", recorded)
    return pages


def run(*words):
    return cli.main(["plot", *map(str, words)])


def is_png(path):
    return path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_a_sound_is_drawn_into_a_picture_of_its_name_here(here, drawn, capsys):
    (here / "sounds").mkdir()
    soundfile.write(here / "sounds" / "flute.flac", np.stack([tone(440, rate=44100)] * 2, axis=1), 44100)
    assert run("sounds/flute.flac") == 0
    assert is_png(here / "flute.png") and capsys.readouterr().out == "flute.png\n"
    assert run("sounds/flute.flac", "--kind", "waveform", "--seconds", 0.25, "--output", "sounds/part.png") == 0
    assert drawn == [(["flute.flac"], "all", [44100], [44100]), (["flute.flac"], "waveform", [11025], [44100])]


def test_timbres_are_played_at_middle_c_or_the_pitches_asked_for(here, model, drawn):
    z = latent.random_z(1, 256, 5)
    np.save("mine.npy", z)
    soundfile.write("kick.wav", tone(60, 0.1), RATE)
    assert run("mine.npy", "--kind", "waveform") == 0 and is_png(here / "mine.png")
    assert run("kick.wav", "mine.npy", "--pitch", "24-48/12", "--model", "other", "--kind", "waveform") == 0
    assert is_png(here / "plot.png")
    assert [pitch for _, pitch in model.asked] == [60, 24, 36, 48]
    assert all(np.array_equal(asked, z[0]) for asked, _ in model.asked)
    assert model.loaded == ["small_hours", "other"]
    assert drawn[1][0] == ["kick.wav", *(f"mine.npy, pitch {pitch}" for pitch in (24, 36, 48))]


def test_random_timbres_are_those_of_their_seed_which_is_told(here, model, drawn, capsys):
    assert run("--random", 3, "--seed", 7, "--kind", "waveform") == 0
    np.testing.assert_array_equal([z for z, _ in model.asked], latent.random_z(3, 256, 7))
    assert drawn[0][0] == [f"z {number} of seed 7, pitch 60" for number in (1, 2, 3)]
    assert run("--random", 1, "--kind", "waveform", "--output", "one.png") == 0
    number, = [line.rpartition(" ")[2] for line in capsys.readouterr().err.splitlines()]
    np.testing.assert_array_equal(model.asked[-1][0], latent.random_z(1, 256, int(number))[0])


def test_random_timbres_are_kept_to_be_played_again(here, model, capsys):
    words = "--random", 2, "--seed", 7, "--kind", "waveform", "--save-z", "liked"
    assert run(*words) == 0
    assert sorted(path.name for path in (here / "liked").iterdir()) == ["seed_7_z_1.npy", "seed_7_z_2.npy"]
    np.testing.assert_array_equal(latent.read_z(here / "liked" / "seed_7_z_2.npy", 256), latent.random_z(2, 256, 7)[1])
    assert run("liked/seed_7_z_2.npy", "--kind", "waveform") == 0
    np.testing.assert_array_equal(model.asked[-1][0], model.asked[1][0])
    (here / "plot.png").unlink()
    np.save(here / "liked" / "seed_7_z_2.npy", np.zeros(256))
    assert run(*words) == 1 and not (here / "plot.png").exists()
    assert "seed_7_z_1.npy exists already; --overwrite" in capsys.readouterr().err
    assert not np.load(here / "liked" / "seed_7_z_2.npy").any()


def test_a_picture_that_is_there_stays_unless_it_may_be_replaced(here, model, capsys):
    (here / "kick.png").write_text("precious")
    soundfile.write("kick.wav", tone(60, 0.1), RATE)
    assert run("kick.wav", "--kind", "waveform") == 1
    assert "kick.png exists already; --overwrite" in capsys.readouterr().err
    assert (here / "kick.png").read_text() == "precious"
    assert run("kick.wav", "--kind", "waveform", "--overwrite") == 0 and is_png(here / "kick.png")


@pytest.mark.parametrize("words, message", [
    (["none.wav"], "there is no sound file none.wav"),
    (["none.npy"], "there is no timbre none.npy"),
    (["text.wav"], "text.wav cannot be read as a sound"),
    (["empty.wav"], "empty.wav: there is no sound in it"),
    (["short.npy"], "short.npy holds [3] values; a z of this model has 256"),
    (["text.wav", "--output", "x.jpg"], "x.jpg: the name of a picture must end in .png"),
    (["text.wav", "--output", "no/x.png"], "no is not a folder; make it first"),
    (["--random", 33, "--pitch", "24,36"], "66 pictures are too many; one page shows 64"),
])
def test_what_goes_wrong_is_one_line_and_leaves_no_picture(words, message, here, model, capsys):
    (here / "text.wav").write_text("no sound")
    soundfile.write("empty.wav", np.zeros(0), RATE)
    np.save("short.npy", np.zeros(3))
    assert run(*words) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("pdbridge: ") and message in said[-1]
    assert not list(here.glob("**/*.p*ng"))


def test_a_missing_extra_is_said_before_the_model_is_loaded(here, model, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "librosa", None)
    assert run("--random", 1) == 1
    assert 'pip install "pdbridge[plots]"' in capsys.readouterr().err and not model.loaded


@pytest.mark.parametrize("words, message", [
    ([], "give a sound or a timbre to draw, or --random N"),
    (["a.wav", "--seed", "1"], "--seed is for --random timbres"),
    (["a.npy", "--save-z", "liked"], "--save-z is for --random timbres"),
    (["a.wav", "--pitch", "60"], "--pitch is for timbres"),
    (["a.wav", "--kind", "cube"], "invalid choice: 'cube'"),
    (["a.npy", "--pitch", "200"], "invalid list of pitches"),
])
def test_options_that_do_not_go_together_are_explained(words, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(*words)
    assert stopped.value.code == 2 and message in capsys.readouterr().err


def test_the_built_in_model_is_drawn_without_pyplot_which_keeps_every_figure(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    assert run("--random", 1, "--seed", 1, "--kind", "rainbowgram") == 0
    assert is_png(here / "plot.png")
