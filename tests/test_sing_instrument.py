"""The instrument sing over OSC, with a fake model: what its keys play, its menu, and what it refuses."""

import os
import signal

import numpy as np
import pytest
from fake_sing import NAMES, SAMPLE_RATE, note
from server_process import ServerProcess
from test_keyboard import RATE
from test_puredata_host import Patch
from test_server import array, fails

from pdbridge import audio
from pdbridge.errors import CheckpointError, SymbolError
from pdbridge.instruments.menu import Menu, family_of
from pdbridge.places import BUILT_IN_MODEL, find_playable, find_sing
from pdbridge.sing.sound import Sound

PYEXT = ("pdbridge.pyext", "sing", "@detach", 1.0)
FILES = ("fake.th", "narrow.th", "nameless.th", "broken.th")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    for name in FILES:
        (folder / name).touch()
    with ServerProcess(model="fake.th", folder=folder) as server:
        yield server.loaded()


@pytest.fixture
def client(server):
    """A client that hears the instrument, which has the fake model and instrument 0."""
    client = server.client()
    client.ask("/sing/load", "fake.th")
    client.ask("/sing/family", "all")
    client.ask("/sing/instrument", 0)
    client.ask("/notify", 1)
    yield client
    client.send("/notify", 0)


@pytest.fixture
def player(client, server):
    client.ask("/sing/voices", "v", 4, RATE)
    client.reader = server.client()  # hears nothing but its answers
    yield client
    client.ask("/sing/panic")
    client.ask("/sing/sustain", 0)
    client.ask("/sing/voices", "v", 0, RATE)


def heard(player, pitch, velocity):
    """The beginning of a note that is played now, at the voices' rate, and the velocity it was made with."""
    player.send("/sing/note_on", pitch, velocity)
    while True:
        voice, played, made, milliseconds = player.expect("/sing/play")
        if played == pitch:
            break
    samples = array(player.reader, f"v{voice}")[1:1 + int(milliseconds * RATE / 1000)]
    player.ask("/sing/note_off", pitch)
    return samples, made


def whole(player, pitch):
    """A whole note that is played now; again, where a busy computer brings its rest too late."""
    for _ in range(5):
        player.send("/sing/note_on", pitch, 100)
        voice = player.expect("/sing/play")[0]
        while True:
            address, values = player.receive()
            if address == "/fail":
                assert "too late" in values[1]
                player.ask("/sing/panic")
                break
            if address == "/sing/extend" and values[0] == voice and values[1] > 3999.9:
                return array(player.reader, f"v{voice}")[1:1 + 4 * RATE]
    raise AssertionError("the rest of a note came too late five times")


def assert_plays(player, sound, pitch, velocity=100):
    samples, made = heard(player, pitch, velocity)
    assert made == sound.velocity and len(samples) > 0.08 * RATE
    wanted = audio.resample(note(sound, pitch), SAMPLE_RATE, RATE)[:len(samples)]
    np.testing.assert_allclose(samples, wanted, atol=1e-4)


# What the keys play


def test_a_key_plays_the_instrument_at_its_pitch_and_velocity(player):
    for name, sound in (("7", Sound(7)), ("bass_acoustic_004", Sound(34)), (12, Sound(12))):
        player.ask("/sing/instrument", name)
        assert_plays(player, sound, 60)


def test_the_whole_note_reaches_the_voice(player):
    player.ask("/sing/instrument", 5)
    player.until(lambda status: status["ready"] == 30)
    wanted = audio.resample(note(Sound(5), 64), SAMPLE_RATE, RATE)
    np.testing.assert_allclose(whole(player, 64), wanted, atol=1e-4)


@pytest.mark.parametrize("velocity, made", [(1, 25), (37, 25), (38, 50), (62, 50), (63, 75), (113, 100), (114, 127)])
def test_a_velocity_that_the_model_does_not_know_becomes_the_nearest_and_is_reported(player, velocity, made):
    player.send("/sing/note_on", 60, velocity)
    assert player.expect("/sing/velocity") == [velocity, made]
    assert player.expect("/sing/play")[1:3] == [60, made]


def test_velocities_sound_each_in_its_own_way(player):
    for velocity in (25, 127, 50):
        assert_plays(player, Sound(0, velocity=velocity), 70, velocity)


def test_a_blend_lies_between_two_instruments(player):
    player.send("/sing/blend", "flute_acoustic_000", 20, 0.25)
    assert player.expect("/sing/blend") == [10, "flute_acoustic_000", 20, "synth_lead_acoustic_000", 0.25]
    assert_plays(player, Sound(10, 20, 0.25), 60)
    player.ask("/sing/instrument", 3)  # and ends it
    assert_plays(player, Sound(3), 60)


def test_keys_get_ready_for_every_velocity_the_last_played_first(player):
    heard(player, 74, 100)
    player.send("/sing/instrument", 8)
    while player.expect("/sing/ready") != [0, 30, -1]:
        pass  # what was got ready for the instrument before
    ready = [player.expect("/sing/ready") for _ in range(30)]
    assert [count for count, _, _ in ready] == list(range(1, 31)) and {of for _, of, _ in ready} == {30}
    assert ready[0][2] >= 73 and ready[-1][2] == 45
    player.until(lambda status: status["ready"] == status["keys"] == 30)


def test_a_key_that_is_pressed_comes_before_the_keys_that_get_ready(player):
    player.send("/sing/instrument", 68)  # 0.1 s each: 15 s for all
    player.expect("/sing/ready", 0)
    player.send("/sing/note_on", 48, 25)
    player.expect("/sing/play", timeout=2)
    player.ask("/sing/instrument", 0)


def test_the_pedal_and_the_voices_are_those_of_the_other_instruments(player):
    player.ask("/sing/sustain", 127)
    player.send("/sing/note_on", 60, 100)
    voice = player.expect("/sing/play")[0]
    player.send("/sing/note_off", 60)
    player.send("/sing/sustain", 0)
    assert player.expect("/sing/release")[0] == voice


def test_render_writes_the_note_of_an_instrument_whatever_the_keys_play(client):
    assert client.ask("/sing/render", "sound", "vocal_acoustic_002", 50, 127) == ["sound"]
    np.testing.assert_array_equal(array(client, "sound"), note(Sound(2, velocity=127), 50))
    client.ask("/sing/blend", 1, 3, 0.5)
    client.ask("/sing/render_key", "sound", 50, 60)
    np.testing.assert_array_equal(array(client, "sound"), note(Sound(1, 3, 0.5, 50), 50))


def test_a_client_renders_what_the_patch_plays_into_its_own_array(server, client, tmp_path):
    patch = Patch(server, tmp_path, arguments=PYEXT, arrays={"v1": np.zeros(9, np.float32)})
    try:
        patch.hear("model", "fake.th")
        patch.ask("voices", "voices", "v", 1, RATE)
        client.ask("/sing/blend", 4, 8, 0.5)
        client.ask("/sing/render_key", "sound", 50, 100)
        np.testing.assert_array_equal(array(client, "sound"), note(Sound(4, 8, 0.5), 50))
        client.ask("/sing/render", "sound", 4, 50, 100)
        np.testing.assert_array_equal(array(client, "sound"), note(Sound(4), 50))
        patch.ask("voices", "voices", "v", 0, RATE)
    finally:
        patch.close()


def test_write_note_writes_what_the_keys_play(client, server):
    client.ask("/sing/instrument", 4)
    client.ask("/sing/write_note", 57, "note.wav")
    samples, rate = audio.read_wav(server.folder / "note.wav")
    assert rate == SAMPLE_RATE
    np.testing.assert_array_equal(samples, note(Sound(4), 57))


# The menu


def page(client):
    """What the menu reports next: rows (number, name), then page, pages, family, count, and the chosen row."""
    rows = [client.expect("/sing/menu", row)[1:] for row in range(1, 13)]
    return rows, client.expect("/sing/page"), client.expect("/sing/row")[0]


def test_the_menu_lists_instruments_by_name_a_page_at_a_time(client):
    client.send("/sing/instrument", "bass_acoustic_003")
    rows, where, row = page(client)
    names = sorted(NAMES)
    assert rows == [[NAMES[name], name] for name in names[:12]]
    assert where == [1, 4, "all", 38] and row == 4
    client.send("/sing/turn_page", -1)
    rows, where, row = page(client)
    assert rows == [[NAMES[name], name] for name in names[36:]] + [[-1, "-"]] * 10
    assert where == [4, 4, "all", 38] and row == 0


def test_a_row_of_the_menu_is_chosen_and_stepped_from(client):
    client.send("/sing/family", "synth_lead")
    rows, where, row = page(client)
    assert [name for _, name in rows[:9]] == [f"synth_lead_acoustic_{number:03d}" for number in range(9)]
    assert where == [1, 1, "synth_lead", 9] and row == 0
    client.send("/sing/choose", 9)
    assert client.expect("/sing/row") == [9] and client.expect("/sing/instrument") == [28, "synth_lead_acoustic_008"]
    client.send("/sing/next_instrument")  # in a circle
    assert client.expect("/sing/row") == [1] and client.expect("/sing/instrument")[0] == 20
    client.send("/sing/previous_instrument")
    assert client.expect("/sing/instrument")[0] == 28
    assert "there is no instrument in row 10; this page has 9" in fails(client, "/sing/choose", 10)


def test_stepping_begins_at_the_page_when_what_is_played_is_not_listed(client):
    client.ask("/sing/family", "flute")
    client.send("/sing/next_instrument")
    assert client.expect("/sing/instrument")[0] == 10
    client.ask("/sing/instrument", 0)
    client.send("/sing/previous_instrument")
    assert client.expect("/sing/instrument")[0] == 18


def test_families_are_what_names_begin_with():
    assert family_of("synth_lead_synthetic_011") == "synth_lead"
    assert family_of("my voice") is None
    menu = Menu({**NAMES, "my voice": 99}, 100)
    assert menu.families == ["bass", "flute", "synth_lead", "vocal"]
    with pytest.raises(SymbolError, match="no family 'basses'; there are all, bass, flute"):
        menu.list_family("basses")


def test_without_names_the_menu_lists_numbers(client):
    client.send("/sing/load", "nameless.th")
    assert client.expect("/sing/model") == ["nameless.th", 45, 74, 100, 0]
    rows, where, _ = page(client)
    assert rows == [[number, "-"] for number in range(12)] and where == [1, 9, "all", 100]
    assert "no names are" in fails(client, "/sing/instrument", "bass_acoustic_003")
    assert "no families, for no names are known" in fails(client, "/sing/family", "bass")
    client.send("/sing/instrument", 99)
    assert client.expect("/sing/instrument") == [99, "-"]


# What it refuses


@pytest.mark.parametrize("message, part", [
    (("instrument", "bass_acustic_004"), "near it are bass_acoustic_004"),
    (("instrument", 100), "this model has the numbers 0 to 99"),
    (("instrument", -1), "this model has the numbers 0 to 99"),
    (("instrument", 2.5), "this model has the numbers 0 to 99"),
    (("instrument", "inf"), "this model has the numbers 0 to 99"),
    (("instrument", ""), "instrument must be a name"),
    (("blend", 1, "flut", 0.5), "there is no instrument 'flut'"),
    (("blend", 1, 2, 1.5), "amount is 1.5; it must be between 0 and 1"),
    (("note_on", 75, 100), "pitch 75 is not one of the model's, 45 to 74"),
    (("note_on", 60, 128), "velocity is 128; it must be between 0 and 127"),
    (("render", "sound", 1, 44, 100), "pitch 44 is not one of the model's"),
    (("render_key", "sound", 200, 100), "pitch is 200; it must be between 0 and 127"),
    (("load", "broken.th"), "broken.th is no SING checkpoint"),
    (("load", "nowhere.th"), "there is no SING checkpoint nowhere.th; looked at"),
    (("load", "sing.th"), "pdbridge models download sing brings it"),
])
def test_what_cannot_be_played_is_named_and_changes_nothing(player, message, part):
    name, *arguments = message
    assert part in fails(player, f"/sing/{name}", *arguments)
    assert_plays(player, Sound(0), 60)


def test_without_voices_or_a_model_notes_say_what_to_do(client):
    assert "open patches/sing.pd" in fails(client, "/sing/note_on", 60, 100)
    client.ask("/sing/unload")
    assert "no SING is loaded; send load sing.th" in fails(client, "/sing/note_on", 60, 100)
    assert "no SING is loaded" in fails(client, "/sing/instrument", 3)


# Models and workers


def test_a_model_that_dies_is_replaced_and_keys_go_on(player):
    player.ask("/sing/instrument", 2)
    before = player.status()
    assert_plays(player, Sound(2), 60)
    player.send("/sing/instrument", 66)  # kills its process at the first head
    text = player.expect("/fail", "/sing/ready")[1]
    assert "the keys cannot be made ready" in text and "process died" in text
    player.ask("/sing/instrument", 3)
    assert_plays(player, Sound(3), 61)
    assert player.status()["restarts"] > before["restarts"]


def test_keys_stay_ready_when_the_process_is_killed_and_the_next_one_makes_their_rest(player):
    player.ask("/sing/instrument", 4)
    before = player.until(lambda status: status["ready"] == 30)
    os.kill(before["worker"], signal.SIGKILL)
    player.send("/sing/note_on", 59, 100)
    assert player.expect("/sing/play")[1] == 59
    player.ask("/sing/panic")
    player.until(lambda status: status["restarts"] > before["restarts"])
    player.reader.ask("/sing/write_note", 50, "later.wav")  # when there is a new one
    wanted = audio.resample(note(Sound(4), 60), SAMPLE_RATE, RATE)
    np.testing.assert_allclose(whole(player, 60), wanted, atol=1e-4)


def test_another_model_keeps_the_instrument_where_it_has_it(client):
    client.ask("/sing/instrument", 15)
    client.send("/sing/load", "narrow.th")
    assert client.expect("/sing/instrument")[0] == 15
    client.ask("/sing/load", "fake.th")
    client.ask("/sing/instrument", 39)
    client.send("/sing/load", "narrow.th")
    assert client.expect("/sing/instrument") == [10, "flute_acoustic_000"]


def test_a_patch_hears_the_servers_own_model_and_a_new_server_is_told_what_was_played(server, tmp_path):
    patch = Patch(server, tmp_path, arguments=PYEXT)
    try:
        assert patch.hear("model", "fake.th")[1:] == [45, 74, 100, 38]
        patch.ask("loaded", "load", "fake.th")
        patch.message("family", "flute")
        patch.ask("blend", "blend", 1, "flute_acoustic_001", 0.5)
        patch.hear("page", 1, 1, "flute", 9)
        with patch._news:
            patch._news.wait_for(lambda: "blend" in patch.remembered, 5)
        words = [word for word in patch.remembered if word in ("load", "instrument", "family", "blend")]
        assert words == ["load", "family", "blend"]
        after = len(patch.heard)
        patch.arguments = (*PYEXT, "@again")  # as a server sees it that knows nothing of the box
        patch.introduce()
        assert patch.hear("blend", after=after) == [1, "vocal_acoustic_001", 11, "flute_acoustic_001", 0.5]
        assert patch.hear("page", 1, 1, "flute", 9, after=after)
    finally:
        patch.close()


def test_keys_beyond_a_piano_do_not_get_ready_and_play(player):
    player.ask("/sing/load", "narrow.th")
    player.until(lambda status: status["ready"] == status["keys"] == 9)
    samples, _ = heard(player, 119, 100)
    np.testing.assert_allclose(samples, audio.resample(note(Sound(0), 119), SAMPLE_RATE, RATE)[:len(samples)],
                               atol=2e-4)


def test_gansynth_has_no_model_where_the_servers_own_is_a_sing(client):
    assert "no model is loaded" in fails(client, "/gansynth/note_on", 60, 100)
    assert client.status()["model"] == "fake.th"


# Where a SING lies


def test_a_sing_is_found_by_its_file_or_its_folder_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PDBRIDGE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "models" / "sing"
    folder.mkdir(parents=True)
    with pytest.raises(CheckpointError, match="no SING checkpoint .a .th, or an .npz. in"):
        find_sing("sing")
    (folder / "sing.th").touch()
    assert find_playable("sing") == ("sing", folder / "sing.th") == ("sing", find_sing("sing"))
    (tmp_path / "mine.npz").touch()
    assert find_playable(tmp_path / "mine.npz") == ("sing", tmp_path / "mine.npz")
    assert find_playable("small_hours")[0] == "gansynth"
    (folder / "other.th").touch()
    with pytest.raises(CheckpointError, match="name one of other.th, sing.th"):
        find_sing("sing")
    with pytest.raises(CheckpointError, match="no SING checkpoint nowhere.th"):
        find_playable("nowhere.th")
    with pytest.raises(CheckpointError, match="no model folder nowhere"):
        find_playable("nowhere")
