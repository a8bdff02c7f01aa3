"""The patches around GANSynth in a real Pd without windows, and a server of a few lines beside them."""

import time

import numpy as np
import pytest
import soundfile
from puredata import (
    PATCHES,
    SAMPLE_RATE,
    FakeServer,
    PureData,
    frequency,
    largest_step,
    residual_db,
    sine,
    sounding,
)

from pdbridge import play
from pdbridge.hosts.messages import BY_ADDRESS

RATE = 16000  # of the model
LEVEL = 10 ** (-12 / 20)  # of the patches
VOICES = [12, SAMPLE_RATE, 8]


def opened(name, folder):
    """(patch, server) with one of the patches open, which has met the server."""
    with FakeServer() as server, PureData(PATCHES / f"{name}.pd", folder, server.port) as pd:
        server.meet()
        assert server.message("voices") == [f"{pd.dollar_zero}-voice", *VOICES]
        server.send("/out", "voices", 12, SAMPLE_RATE)
        server.send("/out", "loaded", 64000, RATE)
        yield pd, server


@pytest.fixture(scope="module")
def multi(tmp_path_factory):
    yield from opened("gansynth_multi", tmp_path_factory.mktemp("multi"))


@pytest.fixture(scope="module")
def hallucination(tmp_path_factory):
    yield from opened("gansynth_hallucination", tmp_path_factory.mktemp("hallucination"))


@pytest.fixture(scope="module")
def ganspace(tmp_path_factory):
    yield from opened("ganspacesynth", tmp_path_factory.mktemp("ganspace"))


def said(pd, server, *actions):
    """All messages that the patch sends while it does these things, as lists of atoms."""
    server.sync()
    begin = len(server.seen)
    for receiver, *atoms in actions:
        pd.send(receiver, *atoms)
    assert pd.ping()
    server.sync()
    return [arguments[1:] for address, arguments in server.seen[begin:] if address == "/msg"]


def reported(pd, server, *words):
    """All messages that the patch sends when the server reports something."""
    server.sync()
    begin = len(server.seen)
    server.send("/out", *words)
    server.sync()
    return [arguments[1:] for address, arguments in server.seen[begin:] if address == "/msg"]


def values(server, array, count, start=0):
    server.send("/get", array, start, count)
    return np.array(server.expect("/array")[2:])


def shown(pd, word, *atoms):
    """Wait until the patch shows this; what it showed before does not matter."""
    while pd.report(word) != list(atoms):
        pass


@pytest.mark.parametrize("name", ["gansynth_multi", "gansynth_hallucination", "ganspacesynth"])
def test_several_copies_do_not_disturb_each_other(name, tmp_path):
    with PureData(PATCHES / f"{name}.pd", tmp_path) as pd:
        pd.send("pd", "open", pd.patch.name, str(pd.patch.parent))
        assert pd.ping()
        assert pd.complaints() == []  # nothing is multiply defined


@pytest.mark.parametrize("name", ["multi", "hallucination", "ganspace"])
def test_keys_play_and_failures_are_shown(name, request):
    pd, server = request.getfixturevalue(name)
    pd.listen("$0-show-failure", "failure")
    assert said(pd, server, ("#notein", 60, 100, 1)) == [["note_on", 60, 100]]
    assert said(pd, server, ("$0-note", 62, 80)) == [["note_on", 62, 80]]
    assert said(pd, server, ("#ctlin", 64, 127, 1)) == [["sustain", 127]]
    reported(pd, server, "fail", "load", "no such folder: /a b/c; {try} $1 \\")
    shown(pd, "failure", "label", "load: no such folder: /a b/c; {try} $1 \\")
    for report in (["model", "small_hours", 61, 24, 84], ["ready", 1, 61, 24], ["busy", 1], ["busy", 0],
                   ["progress", 0.5], ["position", 0.5, 0.5], ["components", "none", "-", 0],
                   ["unloaded"]):
        server.send("/out", *report)
    shown(pd, "failure", "label", "empty")
    pd.write("$0-voice7", sine(330, 1))
    with pd.recording() as sound:
        server.send("/out", "play", 7, 64, 127, 900)
        time.sleep(0.4)
        pd.send("$0-panic", "bang")
        time.sleep(0.3)
    samples = sound.samples[:, 0]
    begin, end = sounding(samples)
    assert frequency(samples[begin + 500:begin + 9000]) == pytest.approx(330, abs=0.5)
    assert end < len(samples) - 0.02 * SAMPLE_RATE
    assert [line for line in pd.complaints() if "no such folder" not in line] == []


@pytest.mark.parametrize("name", play.INSTRUMENTS)
def test_pdbridge_play_says_only_what_the_instrument_of_the_patch_knows(name):
    assert (PATCHES / f"{name}.pd").exists()
    events = play._events(name)
    for _, address, arguments in events:
        BY_ADDRESS[address].check(list(arguments))
    pads = ("/gansynth/pad", "/nsynth/position_rel")
    moves = [arguments for _, address, arguments in events if address in pads]
    assert bool(moves) == (name in ("gansynth_multi", "nsynth"))
    if name == "gansynth_multi":
        assert moves[1] == (1.0, 0.0)  # x first: the top right


# gansynth_multi.pd


def test_the_first_model_brings_four_timbres_which_become_the_corners_of_the_pad(tmp_path):
    for pd, server in opened("gansynth_multi", tmp_path):
        arrays = [f"{pd.dollar_zero}-z{n}" for n in (1, 2, 3, 4)]
        assert said(pd, server, ("$0-to-pad", "values", 0.25, 0.75)) == []  # not before there are four
        assert ("/msg", [1, "randomize_z", *arrays]) in server.seen
        assert reported(pd, server, "randomized") == [
            *(["corner", n, array] for n, array in enumerate(arrays, 1)), ["pad", 0.25, 0.75]]
        assert reported(pd, server, "loaded", 64000, RATE) == []  # the next one keeps them
        pd.write(arrays[1], np.linspace(-1, 1.3, 256))  # drawn
        assert server.message("corner") == [2, arrays[1]]
        assert server.message("pad") == [0.25, 0.75]


def test_the_pad_follows_the_mouse_controllers_and_others(multi):
    pd, server = multi
    reported(pd, server, "randomized")
    assert said(pd, server, ("$0-to-pad", "values", 0.25, 1)) == [["pad", 0.25, 1]]
    assert said(pd, server, ("#ctlin", 17, 0, 1)) == [["pad", 0.25, 0]]
    assert reported(pd, server, "position", 0.5, 0.75) == []
    assert said(pd, server, ("$0-to-pad", "bang")) == [["pad", 0.75, 0.5]]


def test_timbres_are_made_each_or_all_and_mixed(multi):
    pd, server = multi
    z = f"{pd.dollar_zero}-z"
    assert said(pd, server, ("$0-randomize", "bang")) == [["randomize_z", *(f"{z}{n}" for n in (1, 2, 3, 4))]]
    assert said(pd, server, ("$0-randomize-3", "bang")) == [["randomize_z", f"{z}3"]]
    assert said(pd, server, ("$0-slerp", 0.25)) == [["slerp_z", f"{z}1", f"{z}2", f"{z}3", 0.25]]
    assert said(pd, server, ("$0-seed", 7)) == [["seed", 7]]
    assert ["corner", 3, f"{z}3"] in reported(pd, server, "slerped")


def test_four_sounds_are_rendered_at_their_pitches_and_played(multi):
    pd, server = multi
    z, sound_of = f"{pd.dollar_zero}-z", f"{pd.dollar_zero}-sound"
    pitches = (52, 57, 59, 62)
    arguments = [atom for n, pitch in enumerate(pitches, 1) for atom in (f"{z}{n}", f"{sound_of}{n}", pitch)]
    assert said(pd, server, ("$0-pitch-2-set", 57), ("$0-synthesize", "bang")) == [["synthesize", *arguments]]
    tones = (300, 500, 700, 900)
    for n, hertz in enumerate(tones, 1):
        pd.write(f"{sound_of}{n}", sine(hertz, 1, RATE, amplitude=0.2))
    pd.send("$0-apart", 100)
    with pd.recording() as sound:
        server.send("/out", "synthesized")
        time.sleep(0.8)
    samples = sound.samples[:, 0]
    begin, _ = sounding(samples)
    assert frequency(samples[begin + 500:begin + 4500]) == pytest.approx(300, abs=2)
    together = samples[begin + 15000:begin + 31000]
    magnitudes = [abs(np.exp(-2j * np.pi * hertz / SAMPLE_RATE * np.arange(len(together))) @ together)
                  * 2 / len(together) for hertz in tones]
    assert magnitudes == pytest.approx([0.2 * LEVEL] * 4, rel=0.05)
    assert abs(together.mean()) < 1e-3
    assert largest_step(samples) < 1.1 * sum(0.2 * LEVEL * 2 * np.pi * h / SAMPLE_RATE for h in tones)


# gansynth_hallucination.pd

SLIDERS = ("points", "steps", "spacing", "trim", "attack", "sustain", "release")


def begin(pd, server, seconds, amplitude=0.2, hertz=440):
    """Press generate; the array, and what the server has to write into it."""
    said(pd, server, ("$0-generate", "bang"))
    array = server.message("hallucinate_live")[0]
    tone = sine(hertz, seconds, SAMPLE_RATE, amplitude)[:int(seconds * SAMPLE_RATE)]
    server.send("/resize", array, len(tone))
    server.send("/out", "made", 0, seconds)
    server.sync()
    return array, tone


def grow(server, array, tone, start, end):
    """Write a part of it (s) and report that it is there."""
    for k in range(int(start * SAMPLE_RATE), int(end * SAMPLE_RATE), 4000):
        server.send("/set", array, float(k), tone[k:k + 4000])
        server.send("/out", "made", (k + 4000) / SAMPLE_RATE, len(tone) / SAMPLE_RATE)
        server.sync()


def test_settings_go_to_the_server_as_their_sliders_and_numbers_say(hallucination):
    pd, server = hallucination
    for name, number in zip(SLIDERS, (3, 4, 0.25, 0, 0.1, 0.2, 0.3), strict=True):
        pd.send(f"$0-walk-{name}", number)
    pd.send("$0-walk-points-number", 20)
    pd.send("$0-dice", 0)
    pd.send("$0-seed", 42)
    pd.send("$0-generate", "bang")
    assert server.message("seed") == [42]
    assert server.message("hallucinate_live") == pytest.approx(
        [f"{pd.dollar_zero}-sound", 20, 4, 0.25, 0, 0.1, 0.2, 0.3, SAMPLE_RATE])
    assert said(pd, server, ("$0-cancel", "bang")) == [["cancel"]]
    reported(pd, server, "fail", "hallucinate_live", "cancelled")
    pd.send("$0-dice", 1)
    seeds = set()
    for _ in range(3):
        pd.send("$0-generate", "bang")
        seeds.add(server.message("seed")[0])
        reported(pd, server, "fail", "hallucinate_live", "cancelled")
    assert len(seeds) == 3


def test_a_growing_sound_plays_without_a_click_and_glides_to_its_level(hallucination):
    pd, server = hallucination
    pd.listen("$0-show-at", "at")
    with pd.recording() as sound:
        array, tone = begin(pd, server, 3)
        grow(server, array, tone, 0, 1.5)
        shown(pd, "at", "label", "plays: 0.3 s")
        grow(server, array, tone, 1.5, 3)
        server.send("/out", "hallucinated_live", 3.0, 2.5)
        shown(pd, "at", "label", "empty")
    samples = sound.samples[:, 0]
    first, last = sounding(samples)
    assert (last - first) / SAMPLE_RATE == pytest.approx(3.0, abs=0.01)
    level = 0.2 * LEVEL
    assert abs(samples[first:first + 4800]).max() == pytest.approx(level, rel=0.01)
    after = samples[first + int(1.9 * SAMPLE_RATE):last - 1000]  # with a border of pieces in it
    assert residual_db(after, 440) < -70
    assert abs(after).max() == pytest.approx(2.5 * level, rel=0.01)
    assert frequency(after) == pytest.approx(440, abs=0.01)
    assert largest_step(samples) < 1.05 * 2.5 * level * 2 * np.pi * 440 / SAMPLE_RATE
    assert abs(pd.record(0.2)).max() == 0
    picture = values(server, f"{pd.dollar_zero}-wave", 720)
    assert picture[::2] == pytest.approx(1, abs=0.01)  # its level, in half of full scale
    assert picture[1::2] == pytest.approx(-1, abs=0.01)
    assert pd.complaints() == []


def test_a_sound_that_is_late_is_waited_for_and_goes_on_where_it_was(hallucination):
    pd, server = hallucination
    pd.listen("$0-show-at", "at-late")
    with pd.recording() as sound:
        array, tone = begin(pd, server, 5)
        grow(server, array, tone, 0, 1.5)
        shown(pd, "at-late", "label", "plays: 0.5 s")  # before the first second was there, it waited, too
        shown(pd, "at-late", "label", "waits for the rest")  # a second is over, the rest is too short
        time.sleep(0.4)
        grow(server, array, tone, 1.5, 3.5)
        shown(pd, "at-late", "label", "plays: 1.5 s")
        pd.send("$0-stop", "bang")
        time.sleep(0.1)
    heard = abs(sound.samples[:, 0]) > 1e-9
    edges = np.flatnonzero(np.diff(np.convolve(heard, np.ones(100), "same") > 0)) / SAMPLE_RATE
    assert len(edges) == 4
    assert edges[1] - edges[0] == pytest.approx(1.01, abs=0.005)
    assert edges[3] - edges[2] > 0.4
    assert largest_step(sound.samples) < 1.05 * 0.2 * LEVEL * 2.5 * 2 * np.pi * 440 / SAMPLE_RATE


def test_what_is_there_when_it_is_cancelled_is_played_repeated_and_saved(hallucination, tmp_path):
    pd, server = hallucination
    pd.listen("$0-show-made", "shown")
    pd.send("$0-at-once", 0)
    array, tone = begin(pd, server, 5)
    grow(server, array, tone, 0, 0.75)
    reported(pd, server, "fail", "hallucinate_live", "hallucinate_live: cancelled")
    shown(pd, "shown", "label", "stopped at 0.8 s")
    with pd.recording() as sound:
        pd.send("$0-loop", 1)
        pd.send("$0-play", "bang")
        time.sleep(1.1)
        pd.send("$0-loop", 0)
        time.sleep(0.8)
    first, last = sounding(sound.samples[:, 0])
    assert (last - first) / SAMPLE_RATE == pytest.approx(1.5, abs=0.02)
    assert largest_step(sound.samples) < 1.05 * 0.2 * LEVEL * 2 * np.pi * 440 / SAMPLE_RATE
    path = tmp_path / "my walk.wav"
    pd.send("$0-save-as", "symbol", str(path))
    shown(pd, "shown", "label", "saved")
    samples, rate = soundfile.read(path)
    assert (len(samples), rate) == (36000, SAMPLE_RATE)
    assert samples == pytest.approx(tone[:36000] * abs(samples).max() / abs(tone[:36000]).max(), abs=1e-4)
    assert abs(samples).max() == pytest.approx(1, abs=0.001)
    pd.send("$0-at-once", 1)


# ganspacesynth.pd


def test_components_are_loaded_and_named_and_say_where_their_sliders_are(ganspace):
    pd, server = ganspace
    array = f"{pd.dollar_zero}-amplitudes"
    pd.listen("$0-show-components", "shown")
    reported(pd, server, "components", "none", "-", 0)
    assert pd.report("shown")[1].startswith("none yet: make them with")
    assert said(pd, server, ("$0-components", 1)) == []  # grey sliders move nothing
    assert said(pd, server, ("$0-components", 0), ("$0-load-components", "symbol", "my file.npz")) == [
        ["load_ganspace_components", "my file.npz", array]]
    assert reported(pd, server, "components", "mine", "conv0", 3) == [["component", n, 0] for n in (1, 2, 3)]
    assert pd.report("shown") == ["label", "mine: 3 components of conv0"]
    assert said(pd, server, ("$0-components", -1.5)) == [["component", n, -1.5] for n in (1, 2, 3)]
    assert values(server, array, 8).tolist() == [-1.5] * 3 + [0] * 5
    rolled = said(pd, server, ("$0-random", "bang"))
    assert [atoms[:2] for atoms in rolled] == [["component", n] for n in (1, 2, 3)]
    assert len({atoms[2] for atoms in rolled}) > 1 and all(abs(atoms[2]) <= 3 for atoms in rolled)
    assert values(server, array, 3) == pytest.approx([atoms[2] for atoms in rolled])
    assert said(pd, server, ("$0-reset", "bang")) == [["component", n, 0] for n in (1, 2, 3)]


def test_without_z_needs_components_and_ends_when_a_z_is_played(ganspace):
    pd, server = ganspace
    z, sound, amplitudes = (f"{pd.dollar_zero}-{name}" for name in ("z", "sound", "amplitudes"))
    pd.listen("$0-show-failure", "failure")
    reported(pd, server, "components", "none", "-", 0)
    assert said(pd, server, ("$0-noz-now", 1)) == []
    shown(pd, "failure", "label", "without z: open a file of components first")
    reported(pd, server, "components", "mine", "conv0", 3)
    assert said(pd, server, ("$0-noz-now", 1), ("$0-synthesize", "bang")) == [
        ["edits", 0], ["synthesize_noz", sound, 60, amplitudes]]
    assert said(pd, server, ("$0-noz-now", 0), ("$0-synthesize", "bang")) == [
        ["z", z], ["synthesize", z, sound, 60]]
    said(pd, server, ("$0-noz-now", 1))
    assert ["z", z] in reported(pd, server, "randomized")
    assert said(pd, server, ("$0-synthesize", "bang")) == [["synthesize", z, sound, 60]]
    assert said(pd, server, ("$0-file", "save_z", "my timbre.npy"), ("$0-file", "load_z", "my timbre.npy")) == [
        ["save_z", z, "my timbre.npy"], ["load_z", "my timbre.npy", z]]
