"""MIDI keyboards play the newest instrument that has voices."""

import numpy as np
import pytest
from server_process import ServerProcess
from test_keyboard import Player
from test_server import array, put, z

from pdbridge import midi
from pdbridge.errors import ServerError


class Keys:
    """A MIDI keyboard: what is written into its file is played."""

    def __init__(self, file):
        self.file = file
        file.touch()

    def send(self, *messages):
        with open(self.file, "a") as file:
            file.writelines(f"{message}\n" for message in messages)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("midi") / "keys")


def with_midi(folder, midi_in, memory, backend="memory_midi"):
    return ServerProcess(folder=folder, midi_in=midi_in,
                         env={"MIDO_BACKEND": backend, "MEMORY_MIDI": str(memory)})


@pytest.fixture(scope="module")
def server(tmp_path_factory, keys):
    with with_midi(tmp_path_factory.mktemp("server"), "little", keys.file) as server:
        yield server.loaded()


@pytest.fixture
def player(server, keys):
    player = Player(server, timbre=z(1.0))
    yield player
    keys.send("control_change control=64 value=0")
    player.close()


def test_the_port_is_named_when_the_server_starts(server):
    assert "pdbridge: playing from MIDI port Little Keys 2" in server.output()


def test_keys_before_there_are_voices_do_no_harm(server, keys):
    keys.send("note_on note=60 velocity=100", "program_change program=1",
              "control_change control=123 value=0", "pitchwheel pitch=100", "clock")
    server.client().status()
    assert "Traceback" not in server.output()


def test_a_key_plays_and_releases_a_note(player, keys):
    keys.send("note_on note=60 velocity=77")
    voice, *note = player.expect("play")
    assert note[:2] == [60, 77]
    keys.send("note_off note=60")
    assert player.expect("release")[0] == voice


def test_velocity_zero_releases_a_note(player, keys):
    keys.send("note_on note=62 velocity=1")
    voice = player.expect("play")[0]
    keys.send("note_on note=62 velocity=0")
    assert player.expect("release")[0] == voice


def test_the_pedal_holds_notes(player, keys):
    keys.send("control_change control=64 value=127", "note_on note=60 velocity=9", "note_off note=60")
    voice = player.expect("play")[0]
    assert "release" not in [word for word, _ in player.heard(0.2)]
    keys.send("control_change control=64 value=0")
    assert player.expect("release")[0] == voice


@pytest.mark.parametrize("control", [120, 123])
def test_all_notes_off_silences_everything(player, keys, control):
    keys.send("note_on note=60 velocity=9", "note_on note=64 velocity=9")
    voices = {player.expect("play")[0] for _ in range(2)}
    keys.send(f"control_change control={control} value=0")
    assert {player.expect("stop")[0] for _ in range(2)} == voices


def test_a_program_change_plays_the_next_stored_timbre(player, keys):
    keys.send("program_change program=5")
    assert "no timbre is stored" in player.client.expect("/fail", "/gansynth/next_z")[1]
    put(player.client, "other", z(2.0))
    player.client.ask("/gansynth/save_z", "timbre", "one.npy")
    player.client.ask("/gansynth/save_z", "other", "two.npy")
    player.heard(0.05)
    for first in (1.0, 2.0, 1.0):
        keys.send("program_change program=5")
        player.expect("timbre", "timbre")
        np.testing.assert_array_equal(array(player.client, "timbre"), z(first))


def test_a_key_outside_the_model_is_reported(player, keys):
    keys.send("note_on note=100 velocity=9")
    assert "pitch 100 is not one of the model's" in player.client.expect("/fail")[1]
    keys.send("note_on note=60 velocity=9")
    player.expect("play")


def test_a_thousand_keys_at_once_leave_the_server_alive(player, keys):
    keys.send(*(f"note_on note={24 + n % 61} velocity=9" for n in range(1000)))
    keys.send(*(f"note_off note={24 + n % 61}" for n in range(1000)))
    player.heard(0.5)
    status = player.client.until(lambda status: status["jobs"] == 0)
    assert status["model"] == "fake"
    player.client.ask("/gansynth/panic")
    player.heard(0.1)
    keys.send("note_on note=60 velocity=9")
    player.expect("play")


def ended(folder, *arguments, **options):
    with with_midi(folder, *arguments, **options) as server:
        assert server.process.wait(10) == 1
        output = server.output()
        assert "destroyed" not in output and "never retrieved" not in output
        return output.strip().splitlines()[-1]


def test_an_unknown_port_lists_those_that_are_there(tmp_path, keys):
    assert ended(tmp_path, "harmonium", keys.file).endswith(
        "ServerError: there is no MIDI input harmonium; there is Grand Piano 1, Little Keys 2")
    assert ended(tmp_path, "piano", "none").endswith("there is none; is the keyboard plugged in?")


def test_a_port_that_cannot_be_opened_says_why(tmp_path):
    assert ended(tmp_path, "piano", "busy").endswith(
        "ServerError: MIDI input Grand Piano 1 cannot be opened: MidiInAlsa::openPort: the port is "
        "used by another program")


def test_without_rtmidi_it_says_what_to_install(tmp_path, monkeypatch):
    wanted = "MIDI ports need python-rtmidi: pip install 'pdbridge[midi]'"
    assert ended(tmp_path, "piano", "x", backend="no_such_backend").endswith(wanted)
    import mido

    def get_input_names():
        raise ModuleNotFoundError("No module named 'rtmidi'")

    monkeypatch.setattr(mido, "get_input_names", get_input_names)
    with pytest.raises(ServerError, match="need python-rtmidi"):
        midi.port_names()


def test_the_server_had_nothing_to_complain_about(server):
    assert [line for line in server.output().splitlines() if not line.startswith("pdbridge: ")] == []
