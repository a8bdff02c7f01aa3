"""The patches around GANSynth with a real server: what is heard of the pad, a hallucination, components."""

import contextlib
import time

import fake_model
import numpy as np
import pytest
from puredata import (
    PATCHES,
    SAMPLE_RATE,
    PureData,
    frequency,
    image_db,
    largest_step,
    residual_db,
    sounding,
)
from server_process import ServerProcess
from test_live import all_ready, heard, play, strength

LEVEL = 10 ** (-12 / 20)  # of the patches
KEY = 0.5  # of the fake model


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("family")
    (folder / "eight.npz").write_text("8")
    with ServerProcess(folder=folder) as server:
        yield server.loaded()


@pytest.fixture(scope="module")
def theatre(server, tmp_path_factory):
    """Opens one of the patches: (Pd, an OSC client). They stay open: the newest is who `/status` tells of."""
    client = server.client()
    with contextlib.ExitStack() as stages:

        def opened(name):
            players = client.status()["players"]
            pd = PureData(PATCHES / f"{name}.pd", tmp_path_factory.mktemp("pd"), server.port)
            stages.enter_context(pd)
            client.until(lambda status: status["players"] == players + 1)
            all_ready(client)
            return pd, client

        yield opened


def test_the_pad_moves_under_a_held_chord_and_changes_the_next_notes(theatre):
    pd, client = theatre("gansynth_multi")
    slow = np.zeros(256)
    slow[:3] = 668, 0.15, 0.01  # a key of this timbre needs 0.15 s
    pd.listen("$0-corner", "corner")
    pd.write("$0-z4", slow)
    assert pd.report("corner") == [4]
    chord = (57, 64)
    with pd.recording() as sound:
        for pitch in chord:
            pd.note(pitch, 127)
        for k in range(60):
            pd.send("$0-to-pad", "values", k % 9 / 9, k % 7 / 7)
            time.sleep(0.01)
        pd.send("$0-to-pad", "values", 0, 0)
        for pitch in chord:
            pd.note(pitch, 0)
        time.sleep(0.4)
    samples = sound.samples[:, 0]
    levels = [strength(heard(samples), pitch) for pitch in chord]
    assert levels == pytest.approx([20 * np.log10(KEY * LEVEL)] * 2, abs=0.5)
    steps = [2 * np.pi * fake_model.frequency(pitch) / SAMPLE_RATE * KEY * LEVEL for pitch in chord]
    assert largest_step(samples) < 1.1 * sum(steps)
    all_ready(client)
    assert frequency(heard(play(pd, 84, seconds=0.4))) == pytest.approx(fake_model.frequency(84), rel=1e-3)
    pd.send("$0-to-pad", "values", 1, 1)  # exactly the slow timbre: 9 s for all keys
    client.until(lambda status: 0 < status["ready"] < 5)
    pd.send("$0-to-pad", "values", 0, 0)
    all_ready(client)
    assert pd.complaints() == []


def test_a_hallucination_plays_before_it_is_complete(theatre):
    pd, _ = theatre("gansynth_hallucination")
    for name, number in (("points", 6), ("steps", 0), ("spacing", 1.2), ("attack", 0.2), ("sustain", 0.7),
                         ("release", 0.2)):
        pd.send(f"$0-walk-{name}", number)
    pd.listen("$0-play-now", "plays")
    pd.listen("$0-finished", "complete")
    pd.listen("$0-made-report", "made")
    pd.listen("$0-show-at", "at")
    with pd.recording() as sound:
        pd.send("$0-generate", "bang")
        pd.report("plays")
        assert ["complete"] not in pd._reports
        while pd.report("at") != ["label", "plays: 2.3 s"]:
            pass
        pd.send("$0-stop", "bang")
        pd.report("complete")
    samples = sound.samples[:, 0]
    first, last = sounding(samples)
    for start in (0.2, 1.4):  # where a sound has its full level
        piece = samples[first + int(start * SAMPLE_RATE):][:int(0.7 * SAMPLE_RATE)]
        assert frequency(piece) == pytest.approx(fake_model.frequency(32), abs=0.2)
    step = 2 * np.pi * fake_model.frequency(32) / SAMPLE_RATE * 0.5 * LEVEL
    assert largest_step(samples) < 1.1 * step
    assert abs(samples[first:last].mean()) < 2e-3
    made = [atoms for atoms in pd._reports if atoms[0] == "made"]
    assert made[-1][1] == made[-1][2] >= 1.2 * 5 + 1.1
    with pd.recording() as sound:  # at the level that it has in the end
        pd.send("$0-play", "bang")
        while pd.report("at") != ["label", "plays: 0.9 s"]:
            pass
    assert abs(sound.samples).max() == pytest.approx(0.5 * LEVEL, rel=0.02)  # the original's peak
    pd.send("$0-stop", "bang")
    assert pd.complaints() == []


def test_a_component_changes_the_sound_of_the_next_note(theatre, server):
    pd, client = theatre("ganspacesynth")
    samples = play(pd, 84, seconds=0.4, after=0.35)
    piece = heard(samples)
    assert frequency(piece) == pytest.approx(fake_model.frequency(84), rel=1e-3)
    assert image_db(piece, frequency(piece)) < -60
    pd.listen("$0-components", "components")
    pd.send("$0-load-components", "symbol", str(server.folder / "eight.npz"))
    assert pd.report("components") == ["of", 8]
    pd.listen("$0-amplitude", "amplitude")

    def slide(number, value):
        """Move one slider: component 1 of the fake model is its level, 2 transposes."""
        pd.send("$0-in", "sustain", 0)  # in the line behind what came before
        pd.send("$0-components", "of", number)
        pd.send("$0-components", value)
        while pd.report("amplitude") != [number, value]:
            pass
        time.sleep(0.1)
        all_ready(client)

    slide(1, -0.5)
    quiet = heard(play(pd, 60, seconds=0.4, after=0.35))
    assert abs(quiet).max() == pytest.approx(0.5 * KEY * LEVEL, rel=0.02)
    assert residual_db(quiet, fake_model.frequency(60)) < -60
    slide(2, 7)
    samples = play(pd, 60, seconds=0.4, after=0.35)
    assert frequency(heard(samples)) == pytest.approx(fake_model.frequency(67), rel=1e-3)
    pd.send("$0-noz-now", 1)
    time.sleep(0.1)
    all_ready(client)
    samples = play(pd, 60, seconds=0.4, after=0.35)
    assert frequency(heard(samples)) == pytest.approx(fake_model.frequency(67), rel=1e-3)
    assert abs(pd.record(0.2)).max() == 0
    assert pd.complaints() == []
