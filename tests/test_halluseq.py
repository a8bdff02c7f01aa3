"""The sequencer of hallucinations: its steps and their file, its messages over OSC and in a patch."""

import json
import os

import fake_model
import numpy as np
import pytest
from server_process import ServerProcess
from test_puredata_host import Patch, empty
from test_server import array, fails, put

from pdbridge.errors import PdbridgeError
from pdbridge.gansynth.hallucination import Mixer, interpolate_edits
from pdbridge.hosts.messages import find
from pdbridge.instruments import find_instrument
from pdbridge.instruments.palette import LARGEST_EDIT
from pdbridge.instruments.sequence import (
    LONGEST,
    MOST_INTERPOLATION_STEPS,
    MOST_STEPS,
    SETTINGS,
    Sequence,
)

COURSE = ("sopimagenta.ganspacesynth.pyext", "halluseq", "1003-edits", "@detach", 1.0)
DEFAULTS = [["interp_steps", 1], ["sample_spacing", 0.2], ["start_trim", 0.0], ["attack", 0.5],
            ["sustain", 0.5], ["release", 0.5]]
COMPONENTS = 24


# Steps, without a server


def steps_of(sequence):
    return [edits.tolist() for edits in sequence.steps]


def test_a_sequence_begins_with_one_step_and_the_courses_settings():
    sequence = Sequence()
    assert steps_of(sequence) == [[]] and sequence.index == 0
    assert list(map(list, sequence.settings.items())) == DEFAULTS


def test_steps_are_added_as_copies_behind_the_last_and_go_round():
    sequence = Sequence()
    sequence.current = [1, 2]
    sequence.add()
    sequence.current = [3]
    sequence.move(1)
    assert sequence.index == 0
    sequence.add()
    assert (steps_of(sequence), sequence.index) == ([[1, 2], [3], [1, 2]], 2)
    sequence.move(1)
    sequence.move(-2)
    assert sequence.index == 1


def test_the_step_behind_a_removed_one_is_current_and_the_last_one_stays():
    sequence = Sequence([[1], [2], [3]], 1)
    sequence.remove()
    assert (steps_of(sequence), sequence.index) == ([[1], [3]], 1)
    sequence.remove()
    sequence.remove()
    assert (steps_of(sequence), sequence.index) == ([[1]], 0)


def test_zeros_at_the_end_of_a_step_are_not_kept_and_come_back_where_others_are_longer():
    sequence = Sequence([[0, 1, 0, 0], np.zeros(8192), [1, 2, 3]])
    assert steps_of(sequence) == [[0, 1], [], [1, 2, 3]]
    assert sequence.edits().tolist() == [[0, 1, 0], [0, 0, 0], [1, 2, 3]]
    assert sequence.edits(most=2).tolist() == [[0, 1], [0, 0], [1, 2]]
    assert Sequence().edits().tolist() == [[0]]


@pytest.mark.parametrize("steps, index, part", [
    ([], 0, "there are 0 steps; there must be 1 to 128"), ([[1]] * 129, 0, "there are 129 steps"),
    ([[1]], 1, "the current step is 1, and there are 1"),
    ([[1], [0, np.nan]], 0, "step 2 holds nan at index 1"),
    ([[0, 0, 1001]], 0, "step 1 holds 1001 at index 2"), ([np.ones(8193)], 0, "step 1 has 8193 edits"),
    ([np.ones(8192)] * 17, 0, "all steps together have 139264 edits; there may be 131072"),
])
def test_steps_that_cannot_be_are_named(steps, index, part):
    with pytest.raises(PdbridgeError, match=part):
        Sequence(steps, index)


def test_a_step_that_cannot_be_leaves_the_ones_before():
    sequence = Sequence([np.ones(8192)] * 16)
    with pytest.raises(PdbridgeError, match="step 1 holds inf"):
        sequence.current = [np.inf]
    with pytest.raises(PdbridgeError, match="139264 edits"):
        sequence.add()
    assert [len(edits) for edits in sequence.steps] == [8192] * 16 and sequence.index == 0
    sequence = Sequence([[1]] * 128)
    with pytest.raises(PdbridgeError, match="there are 128 steps already"):
        sequence.add()


def test_the_table_of_messages_lets_in_what_a_sequence_and_its_file_take():
    for name in SETTINGS:
        (argument,) = find("halluseq", name).arguments
        assert argument.lowest == 0
        assert argument.highest == (MOST_INTERPOLATION_STEPS if name == "interp_steps" else LONGEST)
    current, _, edit = find("halluseq", "steps").arguments
    assert (current.highest, edit.highest, edit.lowest) == (MOST_STEPS, LARGEST_EDIT, -LARGEST_EDIT)


# The file


@pytest.fixture
def file(tmp_path):
    return tmp_path / "steps.json"


def test_a_sequence_comes_back_from_its_file_as_it_was(file):
    steps = np.random.default_rng(1).normal(0, 3, (5, 16)).astype(np.float32)
    written = Sequence(steps, 3, {**SETTINGS, "interp_steps": 7, "attack": 0.31})
    written.save(file)
    read = Sequence.load(file)
    np.testing.assert_array_equal(read.steps, steps)
    assert (read.index, read.settings) == (3, written.settings)
    assert os.listdir(file.parent) == [file.name]


def content(**changes):
    return {"format": "pdbridge halluseq", "version": 1, "current_step": 1, "settings": dict(SETTINGS),
            "steps": [[1, 0.5], []], **changes}


def test_a_file_may_be_written_by_hand(file):
    file.write_text(json.dumps({"format": "pdbridge halluseq", "version": 1,
                                "settings": {"attack": 1}, "steps": [[1, 2, 0], [-3.5]]}))
    read = Sequence.load(file)
    assert (steps_of(read), read.index) == ([[1, 2], [-3.5]], 0)
    assert read.settings == {**SETTINGS, "attack": 1.0}


@pytest.mark.parametrize("text, part", [
    ("", "is not JSON"), ("{", "is not JSON"), ("[" * 100000, "is not JSON"), ("\xff\xfe\xff", "is not JSON"),
    ("[]", '"format": "pdbridge halluseq"'), ("3", "no file of save_state"),
    ('{"format": "something else"}', "no file of save_state"),
    (content(version=2), "has version 2; this pdbridge reads version 1"),
    (content(version=None), "version None"),
    (content(settings=3), "settings must be an object, not 3"),
    (content(settings=None), "settings must be an object"),
    (content(settings={"atack": 1}), "settings has 'atack'; known are interp_steps"),
    (content(settings={"attack": -1}), "attack is -1; it must be a number from 0 to 60"),
    (content(settings={"attack": "long"}), "attack is 'long'"),
    (content(settings={"attack": True}), "attack is True"),
    (content(settings={"release": float("nan")}), "release is nan"),
    (content(settings={"sample_spacing": 61}), "sample_spacing is 61; it must be a number from 0 to 60"),
    (content(settings={"interp_steps": 1.5}), "interp_steps is 1.5; it must be a whole number"),
    (content(settings={"interp_steps": 10**400}), "interp_steps is 1000000"),
    (content(steps=None), "steps must be a list, not None"), (content(steps=[]), "there are 0 steps"),
    (content(steps=[[1]] * 200), "there are 129 steps; there must be 1 to 128"),
    (content(steps=[[1], 2]), "step 2 must be a list of numbers, not 2"),
    (content(steps=[[1, "a"]]), "step 1: edit 2 is 'a'; it must be a number"),
    (content(steps=[[1, None]]), "step 1: edit 2 is None"),
    (content(steps=[[[1]]]), r"step 1: edit 1 is \[1\]"),
    (content(steps=[[1], [float("inf")]]), "step 2: edit 1 is inf"),
    (content(steps=[[1e300]]), r"edit 1 is 1e\+300"),
    (content(steps=[[0] * 8193]), "step 1 has 8193 edits"), (content(steps=[[1] * 8192] * 17), "139264 edits"),
    (content(current_step=3), "current_step is 3, and there are 2 steps"),
    (content(current_step=0), "current_step is 0"),
    (content(current_step=1.5), "current_step is 1.5; it must be a whole"),
    (content(current_step="a"), "current_step is 'a'"),
])
def test_a_file_that_cannot_be_used_says_what_is_wrong(file, text, part):
    file.write_text(text if isinstance(text, str) else json.dumps(text), encoding="latin-1")
    with pytest.raises(PdbridgeError, match=part) as error:
        Sequence.load(file)
    assert str(error.value).startswith(f"{file}: ") and len(str(error.value)) < 300 + len(str(file))
    assert "\n" not in str(error.value)


def test_a_file_that_is_none_or_far_too_large_is_not_read(file):
    with pytest.raises(PdbridgeError, match="steps.json: there is no such file"):
        Sequence.load(file)
    with pytest.raises(PdbridgeError, match="it is no file"):
        Sequence.load(file.parent)
    if hasattr(os, "mkfifo"):
        os.mkfifo(file)
        with pytest.raises(PdbridgeError, match="it is no file"):
            Sequence.load(file)
        file.unlink()
    with open(file, "wb") as large:
        large.truncate(5 << 20)
    with pytest.raises(PdbridgeError, match="larger than 4 MiB"):
        Sequence.load(file)


# The object


def test_the_object_of_the_course_and_ours_name_the_array_of_edits(server, tmp_path):
    for words in (COURSE, ("pdbridge.pyext", "halluseq", "e"), ("pdbridge.pyext.halluseq", "e"),
                  ("pdbridge.pyext", "halluseq")):
        assert find_instrument(list(words))[0] == "halluseq"
    for words in (("pdbridge.pyext", "halluseq", "e", "f"), ("pdbridge.pyext", "gansynth", "z")):
        patch = Patch(server, tmp_path, words)
        assert f"without {words[-1]}" in patch.hear("fail", "new")[1]
        patch.close()


# Messages, over OSC


@pytest.fixture(scope="module")
def folder(server):
    (server.folder / "pca.npz").write_text(str(COMPONENTS))
    (server.folder / "other.npz").write_text("3")
    return server.folder


@pytest.fixture
def osc(client, folder):
    """A client with a fresh sequence: one step, without edits."""
    client.ask("/notify", 1)
    client.ask("/array/set", "edits", 0, *[0.0] * 24)
    client.ask("/halluseq/steps", 1, 1, 0.0)
    for name, value in DEFAULTS:
        client.ask(f"/halluseq/{name}", value)
    client.ask("/halluseq/load_ganspace_components", "pca.npz")
    return client


def state(client):
    """Index, count and settings, as they are reported."""
    client.send("/halluseq/send_state")
    (_, index), (_, count) = (client.expect("/halluseq/step", word) for word in ("index", "count"))
    settings = [client.expect("/halluseq/settings", name)[1] for name in SETTINGS]
    client.expect("/done", "/halluseq/send_state")
    return index, count, settings


def set_edits(client, *values):
    client.ask("/array/set", "edits", 0, *map(float, values))


def edits(client, count=3):
    return array(client, "edits")[:count].tolist()


def test_the_state_at_the_start_is_the_courses(osc):
    assert state(osc) == (0, 1, pytest.approx([1, 0.2, 0, 0.5, 0.5, 0.5]))


def test_steps_follow_the_array_and_the_array_the_steps(osc):
    set_edits(osc, 1, 2)
    assert osc.ask("/halluseq/add_step") == []
    assert edits(osc) == [1, 2, 0] and state(osc)[:2] == (1, 2)
    set_edits(osc, -1, 0)
    osc.ask("/halluseq/next_step")
    assert edits(osc) == [1, 2, 0] and state(osc)[:2] == (0, 2)
    osc.ask("/halluseq/prev_step")
    assert edits(osc) == [-1, 0, 0] and state(osc)[:2] == (1, 2)
    osc.ask("/halluseq/remove_step")
    assert edits(osc) == [1, 2, 0] and state(osc)[:2] == (0, 1)
    osc.ask("/halluseq/remove_step")
    assert edits(osc) == [1, 2, 0] and state(osc)[:2] == (0, 1)
    assert len(array(osc, "edits")) == 24


@pytest.mark.parametrize("name, value", [("interp_steps", 5), ("sample_spacing", 0.01), ("start_trim", 3.5),
                                         ("attack", 0.0), ("sustain", 60.0), ("release", 2.25)])
def test_each_setting_is_reported_as_it_was_set(osc, name, value):
    osc.ask(f"/halluseq/{name}", value)
    assert state(osc)[2][list(SETTINGS).index(name)] == pytest.approx(value)


@pytest.mark.parametrize("message, arguments, part", [
    ("interp_steps", (1.5,), "whole number"), ("interp_steps", (-1,), "between 0 and 256"),
    ("sample_spacing", (-1,), "between 0 and 60"), ("attack", ("a",), "must be a number"),
    ("release", (float("nan"),), "finite"), ("next_step", (1,), "takes nothing"),
    ("rand_step", (11,), "spread is 11"),
    ("hallucinate_noz", (), "takes sound-array"),
    ("steps", (1, 2, 1.0), "1 edits are no whole number of steps of 2"),
    ("steps", (3, 1, 0.0, 0.0), "the current step is 2, and there are 2 steps, from 0 on"),
    ("steps", (1, 1, 1001.0), "edit is 1001"), ("load_ganspace_components", ("gone.npz",), "there is no file"),
    ("load_ganspace_components", ("other.npz",), "is for another model"),
    ("init", ("gone", "pca.npz"), "no model folder"),
    ("save_state", ("steps.txt",), "must end in .json"), ("save_state", ("../steps.json",), "lies outside"),
    ("load_state", ("/etc/steps.json",), "lies outside"),
    ("load_state", ("gone.json",), "there is no such file"),
    ("synthesize_noz", ("s", 12, "edits"), "pitch 12 is not one of the model's"),
])
def test_what_cannot_be_done_is_said(osc, message, arguments, part):
    before = state(osc)
    text = fails(osc, f"/halluseq/{message}", *arguments)
    assert part in text and "pdbridge itself" not in text
    assert state(osc) == before


def test_an_array_with_a_value_that_is_no_number_is_named_and_the_step_stays(osc):
    set_edits(osc, 1)
    osc.ask("/halluseq/add_step")
    osc.ask("/array/set", "edits", 2, float("nan"))
    for message in (("next_step",), ("save_state", "bad.json"), ("hallucinate_noz", "sound")):
        assert "array edits holds nan at index 2" in fails(osc, f"/halluseq/{message[0]}", *message[1:])
    set_edits(osc, 1, 0, 0)
    assert state(osc)[:2] == (1, 2)


def test_random_edits_stay_within_the_sliders_and_are_repeatable(osc):
    drawn = []
    for _ in range(2):
        osc.ask("/halluseq/seed", 7)
        osc.ask("/halluseq/rand_step", 10)
        drawn.append(array(osc, "edits"))
    np.testing.assert_array_equal(*drawn)
    assert np.count_nonzero(drawn[0]) == 16 and abs(drawn[0]).max() == 10
    osc.ask("/halluseq/rand_step", 0.5)
    assert 0.2 < array(osc, "edits")[:16].std() < 1


def test_a_state_is_stored_and_read(osc, folder):
    osc.ask("/halluseq/interp_steps", 4)
    set_edits(osc, 1, 2)
    osc.ask("/halluseq/add_step")
    set_edits(osc, 3, 4)
    assert osc.ask("/halluseq/save_state", "piece.json") == ["piece.json"]
    osc.ask("/halluseq/steps", 1, 1, 0.0)
    osc.ask("/halluseq/interp_steps", 1)
    osc.ask("/halluseq/load_state", "piece.json")
    assert edits(osc) == [3, 4, 0]
    assert state(osc)[:2] == (1, 2) and state(osc)[2][0] == 4
    assert json.loads((folder / "piece.json").read_text())["steps"] == [[1, 2], [3, 4]]


# Sounds


def hallucinated(points, interp_steps=1, **settings):
    """What the original makes of these edits with the fake model."""
    from pdbridge.gansynth.hallucination import Settings

    walk = interpolate_edits(points, interp_steps)
    mixer = Mixer(Settings(**settings), len(walk), fake_model.SAMPLE_RATE)
    for index, point in enumerate(walk):
        level, transposed = point[0], (point[1] if len(point) > 1 else 0)
        mixer.add(index, fake_model.sine(24 + transposed) * np.float32(0.2 + 2 * level))
    return mixer.normalised()


def test_the_hallucination_goes_through_all_steps_with_the_settings(osc):
    for name, value in (("interp_steps", 3), ("sample_spacing", 0.5), ("attack", 0.1), ("sustain", 0.2),
                        ("release", 0.3), ("start_trim", 0.05)):
        osc.ask(f"/halluseq/{name}", value)
    set_edits(osc, 0.5, 12)
    osc.ask("/halluseq/add_step")
    set_edits(osc, 0.1, 24)
    (length,) = osc.ask("/halluseq/hallucinate_noz", "sound")
    expected = hallucinated([[0.5, 12], [0.1, 24]], 3, spacing=0.5, attack=0.1, sustain=0.2, release=0.3,
                            start_trim=0.05)
    sound = array(osc, "sound")
    assert length == len(sound) == len(expected)
    np.testing.assert_allclose(sound, expected, atol=2e-4)
    assert abs(sound).max() == pytest.approx(0.5)


def test_it_grows_while_it_is_made_and_the_gain_brings_it_to_the_same(osc):
    set_edits(osc, 0.2, 0)
    osc.ask("/halluseq/add_step")
    set_edits(osc, 0.4, 7)
    osc.ask("/halluseq/hallucinate_noz", "whole")
    osc.send("/halluseq/hallucinate_noz_live", "sound")
    made, of = osc.expect("/halluseq/made")
    assert 0 <= made < of
    seconds, gain = osc.expect("/done", "/halluseq/hallucinate_noz_live")[1:]
    sound = array(osc, "sound")
    assert seconds == of == pytest.approx(len(sound) / 16000)
    assert abs(sound).max() <= 0.5
    np.testing.assert_allclose(gain * sound, array(osc, "whole"), atol=1e-4)


def test_steps_may_be_changed_while_a_hallucination_is_made_and_it_can_be_cancelled(osc):
    osc.ask("/halluseq/interp_steps", 256)
    set_edits(osc, 0.5)
    osc.ask("/halluseq/add_step")
    osc.send("/halluseq/hallucinate_noz", "sound")
    osc.expect("/halluseq/progress")
    osc.ask("/halluseq/next_step")
    assert state(osc)[:2] == (0, 2)
    osc.ask("/halluseq/cancel")
    osc.expect("/halluseq/busy", 0)
    assert "cancelled" in osc.expect("/fail", "/halluseq/hallucinate_noz")[1]


def test_a_step_alone_is_heard_as_it_is_in_the_array(osc):
    set_edits(osc, 0.1, 12)
    osc.ask("/halluseq/synthesize_noz", "preview", 60, "edits")
    np.testing.assert_allclose(array(osc, "preview"), fake_model.sine(72) * 0.4, atol=1e-4)


def test_of_an_array_longer_than_the_components_the_first_are_used_and_that_is_said(osc):
    put(osc, "long", np.r_[0.1, np.zeros(23), np.ones(8168)])
    osc.ask("/halluseq/synthesize_noz", "preview", 60, "long")
    assert array(osc, "preview").max() == pytest.approx(0.2, abs=1e-3)
    put(osc, "edits", np.r_[0.1, np.zeros(23), np.ones(8000)])
    osc.send("/halluseq/hallucinate_noz", "sound")
    assert osc.expect("/halluseq/edits") == [24, 8024]
    assert osc.expect("/done", "/halluseq/hallucinate_noz")[1] > 16000
    np.testing.assert_allclose(array(osc, "sound"), hallucinated([[0.1, 0]]), atol=1e-4)
    put(osc, "edits", np.zeros(24))


def test_a_hallucination_that_would_be_too_long_is_refused(osc, folder):
    osc.ask("/halluseq/interp_steps", 256)
    osc.ask("/halluseq/sample_spacing", 60)
    for _ in range(3):
        osc.ask("/halluseq/add_step")
    assert "hallucination would last" in fails(osc, "/halluseq/hallucinate_noz", "sound")
    (folder / "vast.npz").write_text("8192")
    osc.ask("/halluseq/load_ganspace_components", "vast.npz")
    put(osc, "edits", np.ones(8192))
    text = fails(osc, "/halluseq/hallucinate_noz", "sound")
    assert "769 sounds of 8192 edits each are too many" in text
    put(osc, "edits", np.zeros(24))


# In a patch


@pytest.fixture
def patch(server, folder, tmp_path):
    patch = Patch(server, folder, COURSE, arrays={**empty("1003-edits", length=8192), **empty("out")})
    patch.hear("worker", "on")
    yield patch
    patch.close()


def test_the_messages_of_the_courses_patch_are_answered_as_there(patch):
    assert patch.ask("worker", "load", "fake") == ["on", 64000, 16000]
    patch.message("load_ganspace_components", "pca.npz")
    assert patch.hear("components") == ["pca", "conv0", COMPONENTS]
    for message in ("add_step", "next_step", "prev_step", "remove_step", "rand_step"):
        assert patch.ask("updated", message) == []
    for name, value in DEFAULTS:
        patch.ask("updated", name, value)
    after = len(patch.heard)
    patch.message("send_state")
    patch.hear("settings", "release", after=after)
    said = [[word, *values] for word, values in patch.heard[after:] if word in ("step", "settings")]
    assert said == [["step", "index", 0], ["step", "count", 1],
                    *(["settings", name, pytest.approx(value)] for name, value in DEFAULTS)]
    assert patch.ask("synthesized", "synthesize_noz", "out", 32, "1003-edits") == []
    assert len(patch.arrays["out"]) == 64000
    (length,) = patch.ask("hallucinated", "hallucinate_noz", "out")
    assert length == len(patch.arrays["out"])
    assert patch.ask("worker", "unload") == ["off"]
    assert "no model is loaded" in patch.fails("hallucinate_noz", "out")
    assert patch.ask("worker", "init", "fake", "pca.npz") == ["on", 64000, 16000]


def test_an_array_that_is_not_there_is_named(server, folder):
    patch = Patch(server, folder, ("pdbridge.pyext", "halluseq", "gone"))
    for message in (("next_step",), ("rand_step",), ("save_state", "x.json")):
        assert "there is no array gone in the patch" in patch.fails(*message)
    patch.close()


def test_a_restarted_server_knows_steps_settings_and_components_and_leaves_the_array(tmp_path):
    (tmp_path / "pca.npz").write_text(str(COMPONENTS))
    first = ServerProcess(folder=tmp_path).loaded()
    patch = Patch(first, tmp_path, COURSE, arrays=empty("1003-edits", "out", length=64))
    patch.message("load", "fake")
    patch.message("load_ganspace_components", "pca.npz")
    patch.hear("components")
    for step in range(40):  # more numbers than come one by one
        patch.arrays["1003-edits"][:3] = step + 1, 0, -0.5
        patch.ask("updated", "add_step")
    patch.ask("updated", "attack", 0.25)
    patch.ask("updated", "next_step")
    patch.arrays["1003-edits"][:3] = 9, 9, 9  # moved since
    wait_until_remembered(patch, "attack", 0.25)
    first.kill()
    after = len(patch.heard)
    with ServerProcess(folder=tmp_path, port=first.port) as second:
        second.wait()
        patch.hear("/who", after=after)
        patch.hear("components", after=after, timeout=20)
        after = len(patch.heard)
        patch.message("send_state")
        assert patch.hear("settings", "attack", after=after) == ["attack", 0.25]
        assert patch.hear("step", "index", after=after) == ["index", 0]
        assert patch.hear("step", "count", after=after) == ["count", 41]
        assert patch.arrays["1003-edits"][:3].tolist() == [9, 9, 9]
        patch.ask("updated", "next_step")
        assert patch.arrays["1003-edits"][:3].tolist() == [2, 0, -0.5]
        patch.ask("updated", "prev_step")
        assert patch.arrays["1003-edits"][:3].tolist() == [9, 9, 9]
    patch.close()
    first.close()


def wait_until_remembered(patch, *atoms):
    with patch._news:
        assert patch._news.wait_for(lambda: any(
            patch.remembered[k:k + len(atoms)] == list(atoms) for k in range(len(patch.remembered))), 5)


def test_more_than_a_patch_can_remember_is_said_once(patch):
    patch.ask("updated", "next_step")
    patch.arrays["1003-edits"][:500] = 0.5
    text = patch.ask("fail", "add_step", first=("steps",))[1]
    assert "1000 edits in all steps are more than a patch can keep" in text and "save_state" in text
    after = len(patch.heard)
    patch.ask("updated", "add_step")
    assert "fail" not in [word for word, _ in patch.heard[after:]]
