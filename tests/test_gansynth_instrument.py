"""The pad, components and hallucinations of the instrument gansynth, over OSC and in a patch."""

import os
import signal

import numpy as np
import pytest
from fake_model import SAMPLE_RATE, sine
from server_process import ServerProcess
from test_jobs import with_worker  # noqa: F401
from test_keyboard import RATE, Player
from test_puredata_host import PYEXT, Patch, empty
from test_server import array, fails, put, z

from pdbridge import audio, latent
from pdbridge.errors import WorkerError
from pdbridge.gansynth.hallucination import Mixer, Settings, interpolate_z
from pdbridge.hosts.puredata import GROWTH, ON_THEIR_WAY
from pdbridge.instruments.hallucinations import Hallucination

CORNERS = {number: z(669, number) for number in (1, 2, 3, 4)}  # each transposes by its number


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with models and files of components for all tests of this file."""
    folder = tmp_path_factory.mktemp("server")
    for kind in ("sluggish", "tailless", "telling", "narrow"):
        (folder / kind).mkdir()
    (folder / "components.npz").write_text("10")
    (folder / "fewer.pickle").write_text("2")
    (folder / "other.pickle").write_text("10")
    with ServerProcess(folder=folder) as server:
        yield server.loaded()


@pytest.fixture
def client(server):
    """A client of an instrument with the fake model and no components."""
    client = server.client()
    client.ask("/gansynth/unload")
    client.ask("/gansynth/load", "fake")
    client.ask("/notify", 1)
    yield client
    client.send("/notify", 0)


@pytest.fixture
def player(client, server):
    player = Player(server, timbre=z(1.0))
    yield player
    player.close()
    player.client.ask("/gansynth/voices", "v", 0, RATE)


@pytest.fixture
def patch(server, tmp_path):
    arrays = empty("z1", "z2", "z3", "z4", "sound", "v1", "v2", "amplitudes", length=256)
    patch = Patch(server, tmp_path, arrays=arrays)
    patch.hear("model", "fake")
    yield patch
    patch.close()


def heard(player, pitch):
    """The beginning of a note that is played now, at the voices' rate."""
    player.on(pitch)
    voice, _, _, milliseconds = player.expect("play")
    samples = array(player.client, f"v{voice}")[1:1 + int(milliseconds * RATE / 1000)]
    player.off(pitch)
    return samples


def resampled(sound, length):
    return audio.resample(sound, SAMPLE_RATE, RATE)[:length]


def assert_plays(player, pitch, sound):
    """What the key plays is this sound, float32 at the model's rate."""
    samples = heard(player, pitch)
    np.testing.assert_allclose(samples, resampled(sound, len(samples)), atol=1e-4)


def set_corners(client):
    for number, corner in CORNERS.items():
        put(client, f"corner{number}", corner)
        client.ask("/gansynth/corner", number, f"corner{number}")


# The pad


def test_the_corners_of_the_pad_are_played_exactly(player):
    set_corners(player.client)
    for (x, y), number in zip([(0, 0), (1, 0), (0, 1), (1, 1)], CORNERS, strict=True):
        player.client.ask("/gansynth/pad", x, y)
        assert_plays(player, 60, sine(60 + number))


def test_a_corner_that_changes_is_heard_where_the_pad_is(player):
    set_corners(player.client)
    player.client.ask("/gansynth/pad", 1, 0)
    put(player.client, "new", z(669, 7))
    player.client.ask("/gansynth/corner", 2, "new")
    assert_plays(player, 60, sine(67))
    player.timbre(z(669, 12))  # the pad is not what is played any more
    player.client.ask("/gansynth/corner", 2, "new")
    assert_plays(player, 60, sine(72))


def test_a_pad_without_all_corners_names_the_missing_one(patch):
    patch.ask("randomized", "randomize_z", "z1", "z2", "z4")
    for number in (1, 2, 4):
        patch.message("corner", number, f"z{number}")
    assert "its corner 3 (bottom left) is not set; send corner 3 z-array" in patch.fails("pad", 0.5, 0.5)
    assert "array amplitudes holds 10 values" in fails_with(patch, "amplitudes", 10, "corner", 3)


def fails_with(patch, name, length, message, *arguments):
    patch.arrays[name] = np.zeros(length, np.float32)
    return patch.fails(message, *arguments, name)


def test_a_pad_that_is_dragged_goes_to_where_it_is_now(client, server):
    set_corners(client)
    put(client, "slow", z(668, 0.2, 0))
    client.send("/gansynth/synthesize", "slow", "sound", 60)
    client.expect("/gansynth/busy", 1)
    for number in range(200):
        client.send("/gansynth/pad", number / 199, 0.25)
    client.send("/sync", 1)
    positions = []
    while (message := client.receive(5))[0] != "/synced":
        if message[0] == "/gansynth/position":
            positions.append(message[1])
    assert positions == [[0.25, 1.0]]


def test_an_osc_client_moves_the_pad_of_the_patch_that_plays(patch, server):
    patch.ask("randomized", "randomize_z", *(f"z{number}" for number in CORNERS))
    for number in CORNERS:
        patch.message("corner", number, f"z{number}")
    patch.ask("voices", "voices", "v", 2, RATE)
    patch.hear("ready", 61)
    after = len(patch.heard)
    patch.message("pad", 0.5, 0.5)
    patch.hear("ready", 61, after=after)
    assert "position" not in [word for word, _ in patch.heard[after:]]  # it knows
    client, after = server.client(), len(patch.heard)
    client.ask("/gansynth/pad", 0.25, 1)
    assert patch.hear("position", after=after) == [1.0, 0.25]
    put(client, "mine", CORNERS[3])
    client.ask("/gansynth/corner", 3, "mine")
    client.ask("/gansynth/pad", 0, 1)
    patch.hear("ready", 61, 61, after=len(patch.heard))
    patch.message("note_on", 60, 100)
    voice, _, _, milliseconds = patch.hear("play", after=after)
    count = int(milliseconds * RATE / 1000)
    np.testing.assert_allclose(patch.arrays[f"v{voice}"][1:1 + count], resampled(sine(63), count), atol=1e-4)
    patch.message("voices", "v", 0, RATE)


# Components


def test_components_answer_as_in_the_course_and_report_what_they_are(patch, server):
    file = str(server.folder / "components.npz")
    assert patch.ask("components", "load_ganspace_components", file, "amplitudes") == [
        "components", "conv0", 10.0]
    assert patch.hear("loaded_pca") == []


def test_a_component_moves_what_is_played(player):
    player.client.ask("/gansynth/load_ganspace_components", "components.npz")
    assert player.client.ask("/gansynth/component", 1, 0.5) == []
    assert_plays(player, 60, 1.5 * sine(60))
    player.client.ask("/gansynth/component", 2, 7)
    assert_plays(player, 60, 1.5 * sine(67))
    for number in (1, 2):
        player.client.ask("/gansynth/component", number, 0)
    assert_plays(player, 60, sine(60))


def test_edits_are_played_until_a_z_is(player):
    player.client.ask("/gansynth/load_ganspace_components", "components.npz")
    put(player.client, "edits", np.float32([0.2, 0, 0]))
    player.client.ask("/gansynth/edits", "edits")
    assert_plays(player, 60, 0.6 * sine(60))
    player.client.ask("/gansynth/edits", 0.1, 12)
    assert_plays(player, 60, 0.4 * sine(72))
    player.client.ask("/gansynth/component", 1, 0.1)  # goes on from there
    assert_plays(player, 60, 0.6 * sine(72))
    player.client.ask("/gansynth/component", 1, 0)
    player.timbre(z(1.0))
    assert_plays(player, 60, sine(60))


def test_synthesize_is_moved_by_the_array_that_was_named(client):
    put(client, "z", z(1.0))
    put(client, "amplitudes", np.zeros(4, np.float32))
    client.ask("/gansynth/load_ganspace_components", "components.npz", "amplitudes")
    put(client, "amplitudes", np.float32([0.5, 2, 0, 0]))
    client.ask("/gansynth/synthesize", "z", "sound", 60, "z", "sound2", 64)
    np.testing.assert_allclose(array(client, "sound"), 1.5 * sine(62), atol=1e-6)
    np.testing.assert_allclose(array(client, "sound2"), 1.5 * sine(66), atol=1e-6)
    client.ask("/gansynth/component", 2, 5)
    np.testing.assert_array_equal(array(client, "amplitudes"), np.float32([0.5, 5, 0, 0]))
    client.ask("/gansynth/component", 1, 0)
    client.ask("/gansynth/synthesize", "z", "sound", 60)
    np.testing.assert_allclose(array(client, "sound"), sine(65), atol=1e-6)
    assert "array amplitudes has 4 values" in fails(client, "/gansynth/component", 5, 1)


def test_synthesize_is_moved_as_keys_are_when_no_array_was_named(client):
    put(client, "z", z(1.0))
    client.ask("/gansynth/load_ganspace_components", "components.npz")
    client.ask("/gansynth/component", 2, 3)
    client.ask("/gansynth/synthesize", "z", "sound", 60)
    np.testing.assert_allclose(array(client, "sound"), sine(63), atol=1e-6)


def test_keys_begin_with_what_the_array_of_amplitudes_holds(player):
    put(player.client, "amplitudes", np.float32([0.5, 3]))
    player.client.ask("/gansynth/load_ganspace_components", "components.npz", "amplitudes")
    assert_plays(player, 60, 1.5 * sine(63))


def test_synthesize_noz_renders_numbers_and_arrays_of_edits(client):
    client.ask("/gansynth/load_ganspace_components", "components.npz")
    put(client, "edits", np.float32([0.2, 3, *[0] * 8190]))  # as long as in the course's patch
    put(client, "third", np.float32([1.0]))
    assert client.ask("/gansynth/synthesize_noz", "a", 60, "edits", "--", "b", 64, 0.1, 2, "third", "--",
                      "c", 62, 0) == []
    for name, level, pitch in (("a", 0.3, 63), ("b", 0.2, 66), ("c", 0.1, 62)):
        np.testing.assert_allclose(array(client, name), 2 * level * sine(pitch), atol=1e-6)


@pytest.mark.parametrize("message, arguments, part", [
    ("synthesize_noz", ("s", 60, *[1] * 11), "11 edits came; components.npz has 10 components"),
    ("synthesize_noz", ("s", 60, "wild"), "array wild holds 2000 at index 1; it must be between -1000"),
    ("synthesize_noz", ("s", 60, "odd"), "array odd holds nan at index 0"),
    ("synthesize_noz", ("s", 60, "missing"), "the server has no array missing"),
    ("synthesize_noz", ("s", 20, 1), "pitch 20 is not one of the model's, 24 to 84"),
    ("edits", (*[0] * 10, 1), "11 edits came"),
    ("component", (11, 1), "there is no component 11; components.npz has 10"),
    ("load_ganspace_components", ("missing.pickle",), "there is no file 'missing.pickle'; looked at"),
    ("load_ganspace_components", ("~nobody/" + "x" * 900,), "there is no file"),
    ("load_ganspace_components", ("other.pickle",), "other.pickle is for another model"),
    ("load_ganspace_components", ("components.npz", "missing"), "the server has no array missing"),
    ("load_ganspace_components", ("components.npz", "wild"), "array wild holds 2000"),
])
def test_edits_that_cannot_be_played_are_named(client, message, arguments, part):
    client.ask("/gansynth/load_ganspace_components", "components.npz")
    put(client, "wild", np.float32([1, 2000]))
    put(client, "odd", np.float32([np.nan]))
    text = fails(client, f"/gansynth/{message}", *arguments)
    assert part in text and "error in pdbridge itself" not in text


@pytest.mark.parametrize("message, arguments", [
    ("synthesize_noz", ("s", 60, 1)), ("edits", (1,)), ("component", (1, 1)),
])
def test_edits_without_components_say_what_to_load(client, message, arguments):
    assert f"{message}: no components are loaded; send load_ganspace_components" in fails(
        client, f"/gansynth/{message}", *arguments)


def test_other_components_take_the_place_of_the_old_ones(player):
    player.client.ask("/gansynth/load_ganspace_components", "components.npz")
    player.client.ask("/gansynth/component", 1, 0.5)
    player.client.ask("/gansynth/load_ganspace_components", "components.npz")  # the same once more
    assert_plays(player, 60, 1.5 * sine(60))
    player.client.ask("/gansynth/load_ganspace_components", "fewer.pickle")
    assert_plays(player, 60, sine(60))


def test_components_that_do_not_fit_a_new_model_are_dropped_and_named(player):
    client = player.client
    client.ask("/gansynth/load_ganspace_components", "components.npz")
    client.ask("/gansynth/edits", 0.1)
    set_corners(client)
    client.ask("/gansynth/load", "telling")
    assert_plays(player, 60, 0.4 * sine(60))  # they fit this one
    client.send("/gansynth/load", "narrow")
    assert client.expect("/gansynth/components") == ["none", "-", 0]
    assert "components.npz is for another model" in client.expect("/fail")[1]
    client.expect("/done", "/gansynth/load")
    heard(player, 60)
    assert "corner 1 (top left) is not set" in fails(client, "/gansynth/pad", 0, 0)
    assert "no components are loaded" in fails(client, "/gansynth/edits", 1)


def test_a_restarted_server_knows_components_corners_and_the_pad(tmp_path):
    (tmp_path / "components.npz").write_text("10")
    arrays = empty("v1", "v2", "sound", length=256)
    arrays |= {f"z{number}": corner for number, corner in CORNERS.items()}
    with ServerProcess(folder=tmp_path) as server:
        patch = Patch(server.loaded(), tmp_path, arrays=arrays)
        patch.hear("model", "fake")
        for number in CORNERS:
            patch.message("corner", number, f"z{number}")
        patch.ask("components", "load_ganspace_components", "components.npz")
        for number, amplitude in ((1, 0.25), (1, 0.5), (2, 2)):
            patch.message("component", number, amplitude)
        patch.message("pad", 0, 1)
        patch.ask("voices", "voices", "v", 2, RATE)
        with patch._news:
            assert patch._news.wait_for(lambda: "pad" in patch.remembered, 5)
        server.kill()
        after = len(patch.heard)
        with ServerProcess(folder=tmp_path, port=server.port):
            patch.hear("voices", after=after)
            patch.hear("ready", 61, after=after)
            after = len(patch.heard)
            patch.message("note_on", 60, 100)
            voice, _, _, milliseconds = patch.hear("play", after=after)
            count = int(milliseconds * RATE / 1000)
            np.testing.assert_allclose(patch.arrays[f"v{voice}"][1:1 + count],
                                       resampled(1.5 * sine(65), count), atol=1e-4)
            patch.close()


# Hallucinations


def hallucinated(pitches, settings):
    """The mix of notes of these pitches."""
    mixer = Mixer(settings, len(pitches), SAMPLE_RATE)
    for index, pitch in enumerate(pitches):
        mixer.add(index, sine(pitch))
    return mixer.normalised()


def until_done(client, address, timeout=20):
    """Everything that comes until a message is done, and its answer."""
    messages = []
    while True:
        message = client.receive(timeout)
        assert message is not None and message[0] != "/fail", message
        if message[0] == "/done" and message[1][0] == address:
            return messages, message[1][1:]
        messages.append(message)


def test_a_hallucination_is_that_of_the_mixer_and_its_size_is_answered_in_bytes(client):
    client.send("/gansynth/hallucinate", "h", 3, 2)
    messages, answer = until_done(client, "/gansynth/hallucinate")
    wanted = hallucinated([32] * 7, Settings())
    np.testing.assert_allclose(array(client, "h"), wanted, atol=1e-6)
    assert answer == [4 * len(wanted)]
    assert [values[-1] for address, values in messages if address == "/progress"] == pytest.approx(
        [number / 7 for number in range(1, 8)])
    assert [v for a, v in messages if a == "/gansynth/busy"] == [[1], [0]]
    assert client.ask("/array/write", "h", "h.wav")[0].endswith("h.wav")


def test_a_hallucination_goes_from_point_to_point_and_a_seed_repeats_it(client):
    client.ask("/gansynth/load", "telling")
    times = (0.1, 0.05, 0.2, 0.0, 0.3)
    client.ask("/gansynth/seed", 7)
    client.ask("/gansynth/hallucinate", "h", 3, 1, *times)
    walk = interpolate_z(latent.random_z(3, 256, seed=7), 1)
    wanted = hallucinated(32 + walk[:, 1].astype(float) / 10, Settings(*times))
    np.testing.assert_allclose(array(client, "h"), wanted, atol=1e-4)
    client.ask("/gansynth/hallucinate", "other", 3, 1, *times)
    assert np.abs(array(client, "other") - wanted).max() > 0.05


def test_a_live_hallucination_grows_and_what_is_there_stays(client, server):
    other = server.client()
    put(other, "h", np.ones(500000, np.float32))  # what was in it before
    client.ask("/gansynth/seed", 1)
    client.send("/gansynth/hallucinate_live", "h", 4, 10)
    made = []  # (seconds, the array then)
    for _ in range(5):
        seconds, whole = client.expect("/gansynth/made")
        made.append((round(seconds * SAMPLE_RATE), array(other, "h")))
    whole, gain = until_done(client, "/gansynth/hallucinate_live")[1]
    samples = array(other, "h")
    wanted = hallucinated([32] * 34, Settings())
    assert whole == len(samples) / SAMPLE_RATE == len(wanted) / SAMPLE_RATE
    np.testing.assert_allclose(gain * samples, wanted, atol=1e-6)
    assert np.abs(samples).max() <= 0.5
    assert made[0][0] == 0 and made[1][0] == 4096
    for count, then in made:
        np.testing.assert_array_equal(then[:count], samples[:count])


def test_a_live_hallucination_comes_at_the_rate_that_is_asked_for(client):
    times = [0.2, 0, 0.1, 0.1, 0.1]
    client.ask("/gansynth/seed", 1)
    client.ask("/gansynth/hallucinate_live", "low", 3, 2, *times)
    client.ask("/gansynth/seed", 1)
    seconds, gain = client.ask("/gansynth/hallucinate_live", "high", 3, 2, *times, 44100)
    low, high = array(client, "low"), array(client, "high")
    assert len(high) == int(np.ceil(len(low) * 44100 / SAMPLE_RATE)) and seconds == len(low) / SAMPLE_RATE
    np.testing.assert_allclose(high, audio.resample(low, SAMPLE_RATE, 44100), atol=1e-6)
    assert 1 < gain < 10
    client.send("/gansynth/hallucinate_live", "high", 20, 20, 1.0, 0, 1, 1, 1, 192000)
    assert "s are the most, 16777216 samples" in client.expect("/fail")[1]


def test_keys_and_messages_go_on_while_a_hallucination_is_made(player):
    client = player.client
    client.ask("/gansynth/load", "sluggish")
    player.ready()
    client.send("/gansynth/hallucinate_live", "h", 20, 20)
    client.expect("/progress", "/gansynth/hallucinate_live")
    for pitch in (60, 64, 67):
        player.on(pitch)
        assert player.expect("play", timeout=0.3)[1] == pitch
    put(client, "z", z(3.0))
    client.ask("/gansynth/z", "z", timeout=0.5)
    player.on(80)  # not ready: goes before the keys that get ready, and before the hallucination
    assert player.expect("play", timeout=0.5)[1] == 80
    client.ask("/gansynth/synthesize", "z", "sound", 60, timeout=2)
    np.testing.assert_array_equal(array(client, "sound"), sine(60))
    client.send("/gansynth/cancel")
    assert client.expect("/fail") == ["/gansynth/hallucinate_live", "hallucinate_live: cancelled"]


def test_no_more_of_a_sound_is_rendered_than_is_heard(client):
    client.ask("/gansynth/load", "tailless")
    client.ask("/gansynth/hallucinate", "h", 2, 1, 0.2, 0.01, 0.1, 0.1, 0.11)  # 0.32 s are a head
    assert "renders no more than heads" in fails(
        client, "/gansynth/hallucinate", "h", 2, 1, 0.2, 0.02, 0.1, 0.1, 0.11)


def test_a_hallucination_stops_when_it_is_cancelled(client):
    client.ask("/gansynth/load", "sluggish")
    for address in ("/gansynth/hallucinate", "/gansynth/hallucinate_live"):
        client.send(address, "h", 100, 10)
        client.expect("/progress", address)
        client.ask("/gansynth/cancel")
        assert client.expect("/fail")[0] == address
        client.until(lambda status: status["jobs"] == status["waiting"] == 0)
    client.ask("/gansynth/hallucinate", "h", 2, 0)


def test_a_newer_hallucination_for_the_same_array_replaces_the_older_one(client):
    client.ask("/gansynth/load", "sluggish")
    client.send("/gansynth/hallucinate_live", "h", 100, 10)
    client.expect("/progress")
    client.send("/gansynth/hallucinate", "h", 2, 1)
    assert client.expect("/fail") == [
        "/gansynth/hallucinate_live", "hallucinate_live: replaced by a newer one for the same array"]
    _, answer = until_done(client, "/gansynth/hallucinate")
    assert len(array(client, "h")) == answer[0] / 4 < 100000


def test_a_few_hallucinations_are_made_side_by_side_and_no_more(client):
    client.ask("/gansynth/load", "sluggish")
    for number in range(4):
        client.send("/gansynth/hallucinate", f"h{number}", 100, 10)
    assert "4 such messages are under way" in fails(client, "/gansynth/hallucinate", "h4", 2, 0)
    client.ask("/gansynth/cancel")
    assert {client.expect("/fail")[1] for _ in range(4)} == {"hallucinate: cancelled"}


def test_each_client_hears_how_far_its_own_hallucination_is(client, server):
    client.ask("/gansynth/load", "sluggish")
    other = server.client()
    client.send("/gansynth/hallucinate", "h1", 2, 3)
    other.send("/gansynth/hallucinate_live", "h2", 2, 1)
    messages, _ = until_done(other, "/gansynth/hallucinate_live")
    assert messages == [("/progress", ["/gansynth/hallucinate_live", pytest.approx(number / 3)])
                        for number in (1, 2, 3)]
    messages, _ = until_done(client, "/gansynth/hallucinate")
    assert [values for address, values in messages if address == "/progress"] == [
        ["/gansynth/hallucinate", pytest.approx(number / 5)] for number in (1, 2, 3, 4, 5)]


def test_sync_does_not_wait_for_what_is_made_in_the_background(client):
    client.ask("/gansynth/load", "sluggish")
    client.send("/gansynth/hallucinate", "h", 100, 10)
    client.send("/sync", 1)
    client.expect("/synced", 1, timeout=1)
    client.ask("/gansynth/cancel")


def test_a_hallucination_survives_the_death_of_the_worker(client):
    client.ask("/gansynth/load", "sluggish")
    client.send("/gansynth/hallucinate", "h", 6, 4)
    for _ in range(3):
        client.expect("/progress")
    os.kill(worker_of(client), signal.SIGKILL)
    until_done(client, "/gansynth/hallucinate")
    np.testing.assert_allclose(array(client, "h"), hallucinated([32] * 26, Settings()), atol=1e-6)


def test_a_sound_at_which_the_worker_dies_again_and_again_ends_the_hallucination(with_worker):  # noqa: F811
    class Lender:
        async def lend(self, folder):
            return self.worker

        def give_back(self, worker):
            assert worker is self.worker

    async def test(worker):
        lender, amounts = Lender(), []
        lender.worker = worker
        timbres = [z(1), z(666), z(1)]  # the second one kills
        hallucination = await Hallucination.planned(lender, worker, timbres, 60, Settings())
        with pytest.raises(WorkerError, match="died at this request"):
            await hallucination.make(amounts.append)
        assert worker.restarts == 3 and amounts == [1 / 3]

    with_worker(test)


def worker_of(client):
    """The process id of the worker that holds the instrument's model, which is not the server's own."""
    status = client.status()
    children = open(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read().split()
    for child in children:
        for grandchild in open(f"/proc/{child}/task/{child}/children").read().split():
            if int(grandchild) != status["worker"]:
                return int(grandchild)
    raise AssertionError(f"there is no other worker: {status}")


def test_a_hallucination_goes_on_with_the_model_it_began_with(client):
    client.ask("/gansynth/load", "sluggish")
    client.send("/gansynth/hallucinate", "h", 6, 4)
    client.expect("/progress")
    client.ask("/gansynth/load", "telling")
    until_done(client, "/gansynth/hallucinate")
    np.testing.assert_allclose(array(client, "h"), hallucinated([32] * 26, Settings()), atol=1e-6)


@pytest.mark.parametrize("arguments, part", [
    ((1, 0), "points is 1; it must be between 2 and 1000"), ((1001, 0), "points is 1001"),
    ((2, 1001), "interpolation-steps is 1001"), ((2, -1), "interpolation-steps is -1"),
    ((2, 0, -1), "spacing is -1"), ((2, 0, 0.2, 0, 61), "attack is 61"),
    ((2, 0, 0.2, 0.1, 0, 0, 0), "attack, sustain and release are all 0 s"),
    ((1000, 1000), "a hallucination of 1000000 sounds is too long; 20000 are the most"),
    ((1000, 5, 0.2), "would last 1203 s; 1049 s are the most"),
    ((1000, 18, 10), "would last"), ((2,), "takes sound-array points interpolation-steps [spacing]"),
])
def test_a_hallucination_that_cannot_be_made_says_why(client, arguments, part):
    text = fails(client, "/gansynth/hallucinate", "h", *arguments)
    assert part in text and "error in pdbridge itself" not in text


def test_a_patch_gets_a_long_hallucination_in_pieces_that_cost_it_little(patch):
    seconds, gain = patch.ask("hallucinated_live", "hallucinate_live", "sound", 5, 20, timeout=30)
    wanted = hallucinated([32] * 85, Settings())
    assert seconds == len(wanted) / SAMPLE_RATE
    np.testing.assert_allclose(gain * patch.arrays["sound"], wanted, atol=1e-6)
    assert patch.most["growth"] <= GROWTH and patch.most["unacknowledged"] <= ON_THEIR_WAY
    after = len(patch.heard)
    assert patch.ask("hallucinated", "hallucinate", "sound", 2, 0) == [4 * 64000]
    np.testing.assert_allclose(patch.arrays["sound"], hallucinated([32] * 2, Settings()), atol=1e-6)
    assert patch.hear("progress", after=after)


@pytest.mark.parametrize("message", ["hallucinate", "hallucinate_live"])
def test_an_array_that_is_missing_is_said_before_anything_is_made(patch, message):
    assert patch.fails(message, "missing", 100, 10) == "there is no array missing in the patch"
    assert "progress" not in [word for word, _ in patch.heard]


def test_a_patch_that_is_closed_stops_its_hallucinations(patch, server):
    patch.message("load", str(server.folder / "sluggish"))
    patch.message("hallucinate", "sound", 100, 10)
    patch.hear("progress")
    patch.arguments = ("pdbridge.pyext", "nsynth", *PYEXT[2:])
    patch.introduce()
    server.client().until(lambda status: status["jobs"] == 0)


def test_a_server_that_ends_stops_hallucinations_without_a_complaint(tmp_path):
    with ServerProcess(folder=tmp_path, model="sluggish") as server:
        client = server.loaded().client()
        client.send("/gansynth/hallucinate_live", "h", 100, 10)
        client.expect("/progress")
        lines = server.end().splitlines()
        assert [line for line in lines if not line.startswith("pdbridge: ")] == []
