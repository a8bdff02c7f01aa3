"""``patches/ganspacesynth_halluseq.pd`` in a real Pd without windows, with a server and a fake model."""

import json
import time

import fake_model
import numpy as np
import pytest
import soundfile
from puredata import PATCHES, SAMPLE_RATE, PureData, frequency, sounding
from server_process import ServerProcess

from pdbridge.audio import resample
from pdbridge.gansynth.hallucination import Mixer, Settings, interpolate_edits

COMPONENTS = 10
LEVEL = 10 ** (-12 / 20)  # of out~ at the start
LOWEST = 24  # pitch of the fake model


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """The patch in a Pd, with the server's model and components."""
    folder = tmp_path_factory.mktemp("stage")
    with ServerProcess(folder=folder) as server:
        server.loaded()
        with PureData(PATCHES / "ganspacesynth_halluseq.pd", folder, server.port) as pd:
            (pd.patch.parent / "pca.npz").write_text(str(COMPONENTS))
            pd.listen("$0-out", "out")
            pd.listen("$0-components", "components")
            pd.send("$0-in", "load_ganspace_components", "pca.npz")
            assert pd.report("components") == [COMPONENTS]
            yield pd


@pytest.fixture
def pd(stage):
    """The patch with one step without edits, and the settings it begins with."""
    stage.send("$0-in", "steps", 1, 1, 0)
    edit(stage, [0.0] * 64)
    for name, value in (("interp_steps", 1), ("sample_spacing", 0.2), ("start_trim", 0), ("attack", 0.5),
                        ("sustain", 0.5), ("release", 0.5)):
        stage.send(f"$0-{name}-slider", value)
    state(stage)
    return stage


def edit(pd, values):
    """Move the sliders: they write into the array."""
    pd.write(f"{pd.dollar_zero}-edits", values)


def answer(pd, *words):
    """The rest of the next report that begins with these words."""
    while True:
        said = pd.report("out")
        if said[:len(words)] == list(words):
            return said[len(words):]


def state(pd):
    """Step, count of steps and settings, as the patch is told them."""
    assert pd.ping()
    pd._reports.clear()
    pd.send("$0-in", "send_state")
    step, count = answer(pd, "step", "index")[0] + 1, answer(pd, "step", "count")[0]
    return step, count, {name: answer(pd, "settings", name)[0] for name in (
        "interp_steps", "sample_spacing", "start_trim", "attack", "sustain", "release")}


def press(pd, button):
    """Press a button of the steps, and wait until it is done."""
    pd._reports.clear()
    pd.send(f"$0-{button}", "bang")
    answer(pd, "updated")
    answer(pd, "settings", "release")


def steps_in_file(pd):
    """The steps, by way of save_state."""
    pd.send("$0-in", "save_state", "steps.json")
    answer(pd, "saved")
    return json.loads((pd.patch.parent / "steps.json").read_text())["steps"]


def test_buttons_edit_the_steps(pd):
    edit(pd, [1, 2])
    press(pd, "add")
    edit(pd, [3, 0])
    press(pd, "add")
    assert steps_in_file(pd) == [[1, 2], [3], [3]] and state(pd)[:2] == (3, 3)
    press(pd, "next")
    assert state(pd)[:2] == (1, 3)
    press(pd, "remove")
    assert steps_in_file(pd) == [[3], [3]] and state(pd)[:2] == (1, 2)
    press(pd, "prev")
    press(pd, "random")
    drawn = steps_in_file(pd)
    assert drawn[0] == [3] and len(drawn[1]) == COMPONENTS and state(pd)[:2] == (2, 2)


def test_a_stored_state_is_in_the_patch_again(pd):
    edit(pd, [0.5, -1.5])
    pd.send("$0-interp_steps-slider", 6.4)
    stored = steps_in_file(pd)
    press(pd, "random")
    pd.send("$0-interp_steps-slider", 2)
    pd.send("$0-in", "load_state", "steps.json")
    assert state(pd)[2]["interp_steps"] == 6
    assert steps_in_file(pd) == stored


@pytest.mark.parametrize("name, value", [("interp_steps", 12), ("sample_spacing", 0.5), ("start_trim", 0.25),
                                         ("attack", 1.5), ("sustain", 2), ("release", 0.75)])
def test_sliders_and_numbers_are_settings(pd, name, value):
    pd.send(f"$0-{name}-slider", value)
    assert state(pd)[2][name] == value
    pd.send(f"$0-{name}-number", 1)
    assert state(pd)[2][name] == 1


def test_a_step_alone_is_heard(pd):
    edit(pd, [0.1, 36])
    with pd.recording() as sound:
        pd.send("$0-preview-now", "bang")
        answer(pd, "synthesized")
        time.sleep(1)
    samples = sound.samples[:, 0]
    first = sounding(samples)[0]
    assert frequency(samples[first + 5000:first + 35000]) == pytest.approx(
        fake_model.frequency(LOWEST + 36), rel=1e-3)
    assert abs(samples).max() == pytest.approx(0.2 * LEVEL, rel=0.02)
    pd.send("$0-stop", "bang")


def hallucination(steps, interp_steps, **settings):
    walk = interpolate_edits(steps, interp_steps)
    mixer = Mixer(Settings(**settings), len(walk), fake_model.SAMPLE_RATE)
    for index, (level, transposed) in enumerate(walk):
        mixer.add(index, fake_model.sine(LOWEST + transposed) * np.float32(0.2 + 2 * level))
    return mixer.normalised()


def test_what_is_generated_sounds_while_it_is_made_and_is_saved(pd, tmp_path):
    edit(pd, [0.1, 36])
    press(pd, "add")
    edit(pd, [0.3, 48])
    for name, value in (("attack", 0.1), ("sustain", 0.1), ("release", 0.1), ("interp_steps", 3)):
        pd.send(f"$0-{name}-slider", value)
    expected = hallucination([[0.1, 36], [0.3, 48]], 3, attack=0.1, sustain=0.1, release=0.1)
    heard = sounding(expected)  # the rest of the room is silent
    with pd.recording() as sound:
        pd.send("$0-generate", "bang")
        seconds, _ = answer(pd, "hallucinated_live")
        time.sleep(heard[1] / 16000 + 0.6)
    assert seconds == pytest.approx(len(expected) / 16000)
    samples = sound.samples[:, 0]
    first, last = np.flatnonzero(abs(samples) > 1e-4)[[0, -1]]
    assert (last - first) / SAMPLE_RATE == pytest.approx((heard[1] - heard[0]) / 16000, abs=0.05)
    start = first + int(0.1 * SAMPLE_RATE)  # the first step, before the second sounds
    assert frequency(samples[start:start + int(0.09 * SAMPLE_RATE)]) == pytest.approx(
        fake_model.frequency(LOWEST + 36), rel=0.02)
    assert 0.3 * LEVEL < abs(samples).max() <= 0.51 * LEVEL
    path = tmp_path / "sound.wav"
    pd.send("$0-save-sound-as", "symbol", str(path))
    assert pd.ping()
    saved, rate = soundfile.read(path)
    expected = resample(expected, fake_model.SAMPLE_RATE, SAMPLE_RATE)
    assert rate == SAMPLE_RATE and len(saved) == len(expected)
    np.testing.assert_allclose(saved, expected / abs(expected).max(), atol=2e-3)
    pd.send("$0-stop", "bang")


def long_way(pd, *edits):
    """Steps and settings for a hallucination of thousands of sounds, all alike."""
    pd.send("$0-interp_steps-number", 100)
    pd.send("$0-attack-number", 0)
    pd.send("$0-in", "steps", 1, 2, *edits * 16)
    edit(pd, edits)
    state(pd)


def test_generating_can_be_cancelled_and_begun_again(pd):
    long_way(pd, 0.1, 36)
    pd.send("$0-at-once", 0)
    pd.send("$0-generate", "bang")
    answer(pd, "made")
    pd.send("$0-cancel", "bang")
    assert "cancelled" in answer(pd, "fail", "hallucinate_noz_live")[0]
    pd.send("$0-interp_steps-number", 1)
    pd.send("$0-generate", "bang")
    assert answer(pd, "hallucinated_live")[0] > 1
    pd.send("$0-at-once", 1)


def test_of_one_that_is_still_made_nothing_is_heard_when_another_begins(pd):
    long_way(pd, 0.1, 36)
    pd.send("$0-generate", "bang")
    while answer(pd, "made")[0] < 3:
        pass
    pd.send("$0-stop", "bang")
    long_way(pd, 0.1, 48)
    time.sleep(0.1)  # the player fades out
    with pd.recording() as sound:
        pd.send("$0-generate", "bang")
        answer(pd, "fail", "hallucinate_noz_live")
        while answer(pd, "made")[0] < 3:
            pass
        time.sleep(0.5)
    pd.send("$0-cancel", "bang")
    answer(pd, "fail", "hallucinate_noz_live")
    pd.send("$0-stop", "bang")
    samples = sound.samples[:, 0]
    first, last = np.flatnonzero(abs(samples) > 1e-4)[[0, -1]]
    for start in range(first + 500, last - 9000, 4500):
        assert frequency(samples[start:start + 9000]) == pytest.approx(
            fake_model.frequency(LOWEST + 48), rel=0.03)


def test_nothing_was_complained_about(stage):
    assert stage.complaints() == []
