"""The server as plain OSC clients see it: what it answers, and what it survives."""

import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_model import sine
from server_process import Client, ServerProcess

from pdbridge import __version__
from pdbridge.hosts.wire import encode, numbers
from pdbridge.server import MOST_PEERS


def fails(client, address, *arguments):
    """Send a message that must fail; the text of its ``/fail``."""
    client.send(address, *arguments)
    return client.expect("/fail", address)[1]


def array(client, name, *range_):
    """Read an array of the server."""
    client.send("/array/get", name, *range_)
    pieces = []
    while True:
        address, values = client.receive(5)
        if address == "/done" and values[0] == "/array/get":
            whole = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
            assert values[2] == len(whole)
            return whole
        if address == "/array/values":
            pieces.append(numbers(values[1:])[1:])
        assert address != "/fail", values


def put(client, name, samples):
    for start in range(0, len(samples), 4096):
        client.ask("/array/set", name, start, np.float32(samples[start:start + 4096]))


def z(*first):
    return np.array([*first, *[0.0] * (256 - len(first))], np.float32)


# Its own commands


def test_it_answers_within_half_a_second_of_its_start(tmp_path):
    times = []
    for _ in range(3):
        with ServerProcess(folder=tmp_path, model=None) as server:
            times.append(server.wait())
    assert min(times) < 0.5, times


def test_it_loads_no_tensorflow():
    code = ("import sys, pdbridge.server; "
            "print([m for m in sys.modules if m.partition('.')[0] in ('tensorflow', 'keras')])")
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_it_says_which_server_it_is(client):
    assert client.ask("/version", answer="/version.reply") == ["pdbridge", __version__]


def test_status_names_the_model_and_counts(client):
    status = client.status()
    assert (status["model"], status["workers"], status["restarts"]) == ("fake", 1, 0)
    assert status["worker"] > 0 and status["packets"] > 0 and status["overflowed"] == 0


def test_sync_answers_with_its_number_when_everything_before_is_done(client):
    client.send("/gansynth/randomize_z", "z")
    client.send("/gansynth/synthesize", "z", "sound", 60)
    client.send("/sync", 7)
    assert [client.receive()[0] for _ in range(4)] == ["/done", "/progress", "/done", "/synced"]


@pytest.mark.parametrize("number", [0, 2**31 - 1, 2**40, 0.5])
def test_sync_takes_any_number(client, number):
    client.send("/sync", number)
    assert client.expect("/synced") == [number]


@pytest.mark.parametrize("command, arguments", [
    ("/sync", ()), ("/sync", ("a",)), ("/sync", (1, 2)), ("/sync", (np.zeros(40),)),
    ("/notify", ()), ("/notify", (2,)), ("/notify", ("yes",)), ("/notify", (np.zeros(40),)), ("/notify", (1, 9000, 1)),
])
def test_a_command_with_wrong_arguments_says_what_it_takes(client, command, arguments):
    assert f"{command} takes" in fails(client, command, *arguments)


def test_notify_tells_what_instruments_report_until_it_is_switched_off(client, server):
    other = server.client()
    assert client.ask("/notify", 1) == []
    other.send("/gansynth/synthesize", "no such array", "sound", 60)
    assert client.expect("/gansynth/busy") == [1]
    client.ask("/notify", 0)
    fails(other, "/gansynth/synthesize", "no such array", "sound", 60)
    assert client.receive(0.1) is None


def test_a_client_that_listens_at_another_port_gets_everything_there(client, server):
    ear, other = server.client(), server.client()
    port = ear.socket.getsockname()[1]
    client.send("/notify", 1, port)
    assert ear.expect("/done") == ["/notify"]
    client.send("/gansynth/randomize_z", "z")
    assert ear.receive() == ("/done", ["/gansynth/randomize_z"])
    client.send("/gansynth/synthesize", "z", "sound", 60)
    assert [ear.receive()[0] for _ in range(4)] == ["/gansynth/busy", "/progress", "/gansynth/busy", "/done"]
    client.send("/nonsense")
    assert ear.expect("/fail")[0] == "/nonsense"
    client.send("/version")
    assert ear.expect("/version.reply")
    fails(other, "/gansynth/synthesize", "no such array", "sound", 60)
    assert ear.expect("/gansynth/busy") == [1] and ear.expect("/gansynth/busy") == [0]
    client.send("/notify", 0, port)  # answers, but no reports
    assert ear.expect("/done") == ["/notify"]
    fails(other, "/gansynth/synthesize", "no such array", "sound", 60)
    assert client.receive(0.1) is None and ear.receive(0.1) is None
    assert client.ask("/notify", 1) == []  # and back to where it came from


def test_a_client_that_was_opened_again_gets_every_report_once(server):
    ear, first, second, other = (server.client() for _ in range(4))
    port = ear.socket.getsockname()[1]
    for client in (first, second, second):
        client.send("/notify", 1, port)
        ear.expect("/done", "/notify")
    fails(other, "/gansynth/synthesize", "no such array", "sound", 60)
    assert [ear.receive()[1] for _ in range(2)] == [[1], [0]]
    assert first.ask("/gansynth/randomize_z", "z") == []  # it speaks for itself again
    second.send("/notify", 0)
    assert second.receive() == ("/done", ["/notify"])


@pytest.mark.parametrize("port, part", [
    (0, "port of /notify is 0; it must be between 1024"), (80, "between 1024 and 65535"),
    (65536, "between 1024 and 65535"), ("a", "must be a number"), (1.5, "a whole number"),
    (float("nan"), "finite"), (None, "is the server's own port; listen on another one"),
])
def test_a_port_that_cannot_be_answered_at_is_refused(client, server, port, part):
    assert part in fails(client, "/notify", 1, server.port if port is None else port)


def test_quit_ends_the_server_and_its_worker_without_a_complaint(tmp_path):
    with ServerProcess(folder=tmp_path) as server:
        client = server.loaded().client()
        worker = client.status()["worker"]
        client.ask("/gansynth/voices", "v", 2, 48000)
        client.ask("/gansynth/randomize_z", "z")
        client.send("/gansynth/note_on", 60, 100)
        client.ask("/quit")
        assert server.process.wait(5) == 0
        assert_gone(worker)
        lines = server.output().splitlines()
        assert [line for line in lines if not line.startswith("pdbridge: ")] == []


def test_the_worker_ends_with_a_server_that_was_killed(tmp_path):
    with ServerProcess(folder=tmp_path) as server:
        worker = server.loaded().client().status()["worker"]
        server.kill()
        assert_gone(worker)


def assert_gone(pid):
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] == "Z":
            return  # nobody has looked at its end yet
        time.sleep(0.01)
    raise AssertionError(f"process {pid} is still there")


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path, server):
    with ServerProcess(folder=tmp_path, port=server.port) as second:
        assert second.process.wait(10) == 1
        lines = second.output().strip().splitlines()
        assert lines[-1].startswith(f"pdbridge.errors.ServerError: cannot listen on 127.0.0.1 port "
                                    f"{server.port}: Address already in use")
        assert "never retrieved" not in second.output() and "destroyed" not in second.output()


def test_a_model_that_is_not_there_is_an_error_before_anything_starts(tmp_path):
    with ServerProcess(folder=tmp_path, model="missing", loader="fake_model:load ") as server:
        assert server.process.wait(10) == 1
        assert "CheckpointError: there is no model folder missing" in server.output()
        assert "destroyed" not in server.output()


# Arrays


def test_an_array_comes_back_as_it_was_written(client):
    samples = np.random.default_rng(1).standard_normal(10000).astype(np.float32)
    put(client, "noise", samples)
    np.testing.assert_array_equal(array(client, "noise"), samples)
    np.testing.assert_array_equal(array(client, "noise", 100, 5000), samples[100:5100])
    np.testing.assert_array_equal(array(client, "noise", 9990), samples[9990:])
    assert len(array(client, "noise", 10000)) == 0 and len(array(client, "noise", 0, 0)) == 0


def test_an_array_grows_as_needed_and_keeps_the_rest(client):
    assert client.ask("/array/set", "grows", 2, 1.0) == ["grows", 3]
    assert client.ask("/array/set", "grows", 0.0, 5, 6.5) == ["grows", 3]
    assert array(client, "grows").tolist() == [5, 6.5, 1]


def test_a_long_run_may_have_its_start_as_a_float(client):
    client.ask("/array/set", "run", np.arange(5, 105, dtype=np.float32))  # start 5, then 6, 7...
    assert array(client, "run").tolist() == [0] * 5 + list(range(6, 105))


def test_arrays_keep_values_that_are_no_numbers(client):
    client.ask("/array/set", "odd", 0, float("nan"), float("inf"))
    assert np.isnan(array(client, "odd")[0]) and np.isinf(array(client, "odd")[1])


@pytest.mark.parametrize("arguments, part", [
    ((), "takes name start value..."), (("a",), "takes name"), (("a", 0), "takes name"),
    (("a", -1, 1.0), "start is -1"), (("a", 0.5, 1.0), "whole number"), (("a", "b", 1.0), "start"),
    (("a", float("nan"), 1.0), "finite"), (("a", 0, "x"), "a number was expected, not 'x'"),
    (("a", 1 << 26, 1.0), "start is"), (("a", (1 << 26) - 1, 1.0, 2.0), "would be longer than"),
    (("", 0, 1.0), "must be a name"), (("a" * 2000, 0, 1.0), "must be a name"),
])
def test_array_set_says_what_is_wrong(client, arguments, part):
    assert part in fails(client, "/array/set", *arguments)


def test_an_unknown_array_is_named_with_what_to_do(client):
    assert "the server has no array nobody; write one with /array/set" in fails(
        client, "/array/get", "nobody")
    assert "has no array nobody" in fails(client, "/array/write", "nobody", "x.wav")
    assert "has no array nobody" in fails(client, "/gansynth/slerp_z", "nobody", "b", "c", 0.5)


def test_errors_that_follow_each_other_closely_are_all_answered(client):
    for _ in range(20):
        client.send("/array/set", "a")
    assert [client.receive(2)[0] for _ in range(20)] == ["/fail"] * 20


def test_an_array_is_written_as_a_float_wav(client, server):
    samples = sine(69)[:5000] * 2
    put(client, "tone", samples)
    [file] = client.ask("/array/write", "tone", "sound.wav", 22050)
    written, rate = soundfile.read(server.folder / "sound.wav", dtype="float32")
    assert rate == 22050 and file == str(server.folder / "sound.wav")
    np.testing.assert_array_equal(written, samples)


@pytest.mark.parametrize("file, part", [
    ("../sound.wav", "lies outside"), ("/tmp/pdbridge-sound.wav", "lies outside"),
    ("link/sound.wav", "lies outside"), ("sound.py", "must end in .wav"), ("sound", "must end in"),
    ("missing/sound.wav", "is not a folder; make it first"),
    ("x" * 300 + "/a.wav", "is not a folder; make it first"), ("x" * 300 + ".wav", "cannot be wr"),
    ("a\n.wav", "must be a name"),
    ("folder.wav", "cannot be written: Is a directory"), ("", "must be a name"),
])
def test_a_wav_is_written_below_the_working_folder_only(client, server, file, part):
    (server.folder / "folder.wav").mkdir(exist_ok=True)
    if not (server.folder / "link").exists():
        (server.folder / "link").symlink_to("/tmp")
    client.ask("/array/set", "sound", 0, 1.0)
    text = fails(client, "/array/write", "sound", file)
    assert "error in pdbridge itself" not in text
    assert part in text
    assert not [f for f in server.folder.iterdir() if f.name.endswith(".part.wav")]


def test_arrays_have_bounds_in_number_and_size(tmp_path):
    settings = {"pdbridge.hosts.osc.MOST_FLOATS": 100000, "pdbridge.hosts.osc.MOST_ARRAYS": 8}
    with ServerProcess(folder=tmp_path, model=None, settings=settings) as server:
        server.wait()
        client = server.client()
        client.ask("/array/set", "big", 89999, 1.0)
        assert "does not fit: all arrays together hold at most 100000 values" in fails(
            client, "/array/set", "more", 10000, 1.0)
        client.ask("/array/set", "more", 9999, 1.0)
        client.ask("/array/set", "big", 0, 1.0)
        client.ask("/array/get", "more", 0, 0)
    with ServerProcess(folder=tmp_path, model=None, settings=settings) as server:
        server.wait()
        client = server.client()
        for number in range(8):
            client.ask("/array/set", f"array{number}", 0, 1.0)
        assert "there are 8 arrays already" in fails(client, "/array/set", "array8", 0, 1.0)
        client.ask("/array/set", "array0", 0, 2.0)


# Timbres and notes into arrays


def test_a_seed_makes_random_timbres_repeatable(client):
    timbres = []
    for _ in range(2):
        client.ask("/gansynth/seed", 42)
        client.ask("/gansynth/randomize_z", "z1", "z2")
        timbres.append([array(client, "z1"), array(client, "z2")])
    np.testing.assert_array_equal(*timbres)
    assert len(timbres[0][0]) == 256 and not np.array_equal(*timbres[0])


def test_slerp_goes_from_one_timbre_to_the_other(client):
    client.ask("/gansynth/randomize_z", "a", "b")
    for amount, end in ((0.0, "a"), (1.0, "b")):
        client.ask("/gansynth/slerp_z", "a", "b", "c", amount)
        np.testing.assert_allclose(array(client, "c"), array(client, end), atol=1e-6)


def test_slerps_to_two_arrays_in_one_go_are_both_carried_out(client):
    client.ask("/gansynth/randomize_z", "a", "b", "old")
    client.send("/gansynth/synthesize", "a", "sound", 60)  # so that the others wait
    client.send("/gansynth/slerp_z", "a", "b", "c", 0.0)
    client.send("/gansynth/slerp_z", "a", "b", "d", 1.0)
    client.ask("/sync", 1, answer="/synced")
    np.testing.assert_allclose(array(client, "c"), array(client, "a"), atol=1e-6)
    np.testing.assert_allclose(array(client, "d"), array(client, "b"), atol=1e-6)


def test_notes_are_rendered_into_arrays(client):
    client.ask("/gansynth/randomize_z", "z")
    client.ask("/gansynth/synthesize", "z", "sound60", 60, "z", "sound72", 72.0)
    np.testing.assert_array_equal(array(client, "sound60"), sine(60))
    np.testing.assert_array_equal(array(client, "sound72"), sine(72))


def test_synthesize_says_how_far_it_is(client):
    client.ask("/gansynth/randomize_z", "z")
    client.send("/gansynth/synthesize", "z", "s", 60, "z", "s", 61, "z", "s", 62, "z", "s", 63)
    steps = [client.expect("/progress")[1] for _ in range(4)]
    assert steps == [0.25, 0.5, 0.75, 1.0]
    client.expect("/done", "/gansynth/synthesize")


def test_a_note_of_the_timbre_that_the_keys_play_is_written_as_a_file(client, server):
    client.ask("/gansynth/randomize_z", "z")
    client.ask("/gansynth/z", "z")
    path = server.folder / "voice1.wav"
    assert client.ask("/gansynth/write_note", 69, "voice1.wav") == ["voice1.wav", 69, 16000, path.as_posix()]
    written, rate = soundfile.read(path, dtype="float32")
    assert rate == 16000
    np.testing.assert_array_equal(written, sine(69))
    assert client.ask("/gansynth/write_note", 57, "voice1.wav", 48000.0)[1:3] == [57, 48000]
    written, rate = soundfile.read(path, dtype="float32")
    assert rate == 48000 and len(written) == 3 * len(sine(57))
    np.testing.assert_allclose(written[4800:-4800:3], sine(57)[1600:-1600], atol=1e-3)
    assert [file.name for file in server.folder.glob("*voice*")] == ["voice1.wav"]


def test_a_file_that_is_written_again_and_again_is_whole_whenever_it_is_read(client, server):
    path = server.folder / "again.wav"
    client.ask("/gansynth/randomize_z", "z")
    client.ask("/gansynth/z", "z")
    client.ask("/gansynth/write_note", 60, "again.wav")
    for pitch in range(61, 73):
        client.send("/gansynth/write_note", pitch, "again.wav")
    heard, last = set(), sine(72)
    while not heard or max(heard) < 72:
        samples, _ = soundfile.read(path, dtype="float32")
        assert len(samples) == len(last)
        heard |= {pitch for pitch in range(60, 73) if np.array_equal(samples, sine(pitch))}
        assert heard
    client.ask("/sync", 1, answer="/synced")


def test_cancel_drops_what_is_rendered_and_what_waits(client):
    put(client, "slow", z(668, 0.0, 0.5))
    client.send("/gansynth/synthesize", "slow", "sound", 60)
    client.send("/gansynth/randomize_z", "a")
    time.sleep(0.2)
    client.send("/gansynth/cancel")
    failed = {client.expect("/fail")[0] for _ in range(2)}
    assert failed == {"/gansynth/synthesize", "/gansynth/randomize_z"}
    client.ask("/gansynth/randomize_z", "a")


@pytest.mark.parametrize("message, arguments, part", [
    ("synthesize", ("z", "s", 200), "pitch is 200; it must be between 0 and 127"),
    ("synthesize", ("z", "s", 10), "pitch 10 is not one of the model's, 24 to 84"),
    ("write_note", (10, "a.wav"), "pitch 10 is not one of the model's, 24 to 84"),
    ("write_note", (60, "../a.wav"), "lies outside"), ("write_note", (60, "a.aiff"), "must end in .wav"),
    ("write_note", (60, "a.wav", 100), "sample-rate is 100; it must be between 8000 and 192000"),
    ("write_note", (60, "missing/a.wav"), "is not a folder; make it first"), ("write_note", (60,), "takes"),
    ("synthesize", ("z", "s", float("nan")), "finite"), ("synthesize", ("z", "s"), "takes"),
    ("synthesize", ("short", "s", 60), "array short holds 3 values; a z of this model has 256"),
    ("synthesize", ("odd", "s", 60), "array odd holds nan at index 2; redraw or reset it"),
    ("slerp_z", ("z", "z", "z", 2), "amount is 2"), ("slerp_z", ("z", "z", "z", "a"), "amount"),
    ("note_on", (200, 1), "pitch is 200"), ("note_on", ("a", "b"), "pitch must be a number"),
    ("note_on", (np.zeros(40),), "takes pitch velocity"), ("note_on", (100, 1), "24 to 84"),
    ("z", ("",), "must be a name"), ("seed", (-1,), "number is -1"),
    ("load", ("no such model",), "there is no model folder no such model; looked at"),
    ("load", ("x" * 900,), "is not the name of a folder: "),
    ("load", ("~nobody-at-all/model",), "there is no model folder ~nobody-at-all/model"),
    ("save_z", ("z", "../z.npy"), "lies outside"), ("save_z", ("z", "z.txt"), "must end in .npy"),
    ("load_z", ("nothing.npy", "z"), "there is no file"),
])
def test_a_message_that_cannot_be_carried_out_says_why(client, message, arguments, part):
    client.ask("/gansynth/randomize_z", "z")
    client.ask("/array/set", "short", 0, 1.0, 2.0, 3.0)
    put(client, "odd", z(0, 0, np.nan))
    text = fails(client, f"/gansynth/{message}", *arguments)
    assert part in text and "error in pdbridge itself" not in text


def test_a_folder_name_that_is_no_unicode_can_be_reported(tmp_path):
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)
    with ServerProcess(folder=os.fsdecode(folder)) as server:
        client = server.loaded().client()
        assert "caf?" in fails(client, "/gansynth/load", "no such model")
        assert "caf?" in fails(client, "/gansynth/load", "no such model")


def test_a_death_of_the_worker_fails_one_message_only(client):
    restarts = client.status()["restarts"]
    put(client, "deadly", z(666))
    assert "died at this request" in fails(client, "/gansynth/synthesize", "deadly", "s", 60)
    client.ask("/gansynth/randomize_z", "z")
    client.ask("/gansynth/synthesize", "z", "sound", 60)
    assert client.status()["restarts"] == restarts + 1


# Models


def test_a_model_of_its_own_that_cannot_be_loaded_is_announced(tmp_path):
    with ServerProcess(folder=tmp_path, model="broken") as server:
        server.wait()
        client = server.client()
        client.until(lambda status: status["workers"] == 0)
        assert "broken is not a checkpoint folder" in server.output()
        assert "no model is loaded; send load" in fails(client, "/gansynth/note_on", 60, 100)
        assert "no model is loaded; send load" in fails(client, "/gansynth/randomize_z", "z")
        (tmp_path / "other").mkdir()
        assert client.ask("/gansynth/load", "other", 8) == [64000, 16000]
        client.ask("/gansynth/randomize_z", "z")


def test_another_model_is_loaded_while_the_old_one_plays_on(tmp_path):
    with ServerProcess(folder=tmp_path) as server:
        client, other = server.loaded().client(), server.client()
        for name in ("slow", "broken"):
            (tmp_path / name).mkdir()
        client.ask("/notify", 1)
        client.ask("/gansynth/voices", "v", 4, 48000, 2)
        old = client.status()["worker"]
        other.send("/gansynth/load", "slow")
        other.expect("/progress", "/gansynth/load")
        client.send("/gansynth/note_on", 60, 100)
        client.expect("/gansynth/play", 1, 60, timeout=0.9)
        assert other.expect("/done", "/gansynth/load") == ["/gansynth/load", 64000, 16000]
        assert client.expect("/gansynth/model")[0] == "slow"
        client.send("/gansynth/note_on", 62, 100)
        client.expect("/gansynth/play", 2, 62)

        for name, part in (("missing", "no model folder missing"),
                           ("broken", "broken is not a checkpoint folder")):
            assert part in fails(other, "/gansynth/load", name)
        client.send("/gansynth/note_on", 64, 100)
        client.expect("/gansynth/play")
        assert client.status()["worker"] == old  # the server's own model stays for others

        other.ask("/gansynth/unload")
        assert client.until(lambda status: status["workers"] == 1)
        assert "no model is loaded" in fails(client, "/gansynth/note_on", 60, 100)
        other.ask("/gansynth/load", "fake")
        client.send("/gansynth/note_on", 60, 100)
        client.expect("/gansynth/play")
        assert "Traceback" not in server.output()


# Nonsense and attacks


def test_an_unknown_address_is_answered_with_where_to_look(client):
    client.send("/no/such", 1)
    assert "unknown address '/no/such'; 'pdbridge messages' lists them" in client.expect("/fail")[1]
    assert "gansynth has no message 'nte_on'; it knows load" in fails(client, "/gansynth/nte_on", 1)
    assert "it knows load" in fails(client, "/gansynth/")


def test_answers_of_another_server_are_not_answered(client):
    client.send("/fail", "/x", "text")
    client.send("/done", "/x")
    assert client.receive(0.1) is None


def test_huge_names_get_short_answers(client):
    name = "x" * 60000
    client.send("/" + name)
    assert len(client.expect("/fail")[1]) < 300
    for address, arguments in ((f"/gansynth/{name}", ()), ("/gansynth/z", (name,)),
                               ("/array/get", (name,)), ("/gansynth/load", (name,))):
        client.send(address, *arguments)
        answer = client.expect("/fail")
        assert len(answer[0]) < 300 and len(answer[1]) < 600


def test_nonsense_of_all_kinds_leaves_the_server_as_it_was(client, server):
    chance = random.Random(3)
    dropped = client.status()["dropped"]
    valid = [encode("/gansynth/note_on", 60, 100), encode("/array/set", "a", 0, 1.0),
             encode("/sync", 1), encode("/msg", 0, "note_on", 60.0, 1.0), encode("/new", ".", "a"),
             encode("/remembered", 2, "release", 100.0), encode("/synced", "x"),
             encode("/array", "a", 0.0, 1.0), encode("/size", "a", float("nan")), encode("/alive"),
             encode("/remembered", 0.5, "a"), encode("/array/get", "a", 0, 1)]
    for count in range(3000):
        packet = bytearray(chance.choice(valid))
        for _ in range(chance.randrange(4)):
            packet[chance.randrange(len(packet))] = chance.randrange(256)
        client.send_raw(bytes(packet) if chance.random() < 0.8 else chance.randbytes(60))
        if count % 100 == 0:
            client.ask("/version", answer="/version.reply")
    for _ in range(20):
        client.send_raw(os.urandom(65507))
        client.send_raw(b"/a\0\0" + b"," + b"[" * 65000 + b"\0" * 3)
    other = server.client()
    status = other.until(lambda status: status["waiting"] == 0)
    assert status["dropped"] > dropped and status["overflowed"] == 0
    assert other.ask("/gansynth/randomize_z", "z") == []
    assert "an error in pdbridge itself" not in server.output()
    assert "Traceback" not in server.output(), server.output()


def test_a_flood_of_one_client_does_not_keep_another_from_its_answers(server):
    flooding, playing = server.client(), server.client()
    before = playing.status()
    for count in range(10000):
        flooding.send("/gansynth/slerp_z", "a", "b", "c", 0.5)
        if count % 1000 == 500:
            started = time.monotonic()
            playing.ask("/gansynth/randomize_z", "mine", timeout=5)
            assert time.monotonic() - started < 2
    status = playing.until(lambda status: status["waiting"] == 0)
    assert status["jobs"] == 0
    assert status["packets"] - before["packets"] + status["overflowed"] >= 10000
    playing.ask("/gansynth/randomize_z", "mine")


def test_bundles_full_of_commands_do_not_keep_another_client_from_its_answers(server):
    item = encode("/status")
    bundle = b"#bundle\0" + b"\0" * 8 + (struct.pack(">i", len(item)) + item) * 3000
    flooding, playing = server.client(), server.client()
    for _ in range(5):
        flooding.send_raw(bundle)
    waits = []
    for _ in range(10):
        started = time.monotonic()
        playing.ask("/version", answer="/version.reply")
        waits.append(time.monotonic() - started)
    assert sorted(waits)[5] < 0.1, waits


def test_slow_commands_are_bounded(client):
    put(client, "long", np.zeros(40960))
    for _ in range(200):
        client.send("/array/get", "long")
    answers = [client.expect("/fail")[1] for _ in range(100)]
    assert answers[0] == "64 commands are under way; wait for their answers" or "63" in answers[0]
    client.until(lambda status: status["waiting"] == 0)


def test_messages_that_wait_in_line_are_bounded(client):
    put(client, "slow", z(668, 0.3, 0.0))
    client.send("/gansynth/synthesize", "slow", "sound", 60)
    for _ in range(80):
        client.send("/gansynth/randomize_z", "a")
    assert "64 messages wait already; wait for their answers" in client.expect("/fail")[1]
    client.expect("/done", "/gansynth/synthesize")
    client.until(lambda status: status["waiting"] == 0)


def test_thousands_of_senders_do_not_fill_the_server(tmp_path):
    settings = {"pdbridge.hosts.puredata.PATIENCE": 0.5, "pdbridge.server.SWEEP": 0.1}
    with ServerProcess(folder=tmp_path, settings=settings) as server:
        client = server.loaded().client()
        for count in range(2000):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for packet in (encode("/alive"), encode("/notify", 1), encode("/no")):
                    sender.sendto(packet, client.server)
            if count % 200 == 0:
                assert client.status()["patches"] <= MOST_PEERS
        client.ask("/gansynth/randomize_z", "z")
        status = client.until(lambda status: status["patches"] == 0)
        assert status["lost"] == 0
        assert "Traceback" not in server.output()


def test_clients_that_are_gone_do_not_disturb_those_that_are_there(client, server):
    for _ in range(10):
        gone = Client(server.port)
        gone.ask("/notify", 1)
        gone.close()
    client.ask("/notify", 1)
    client.ask("/gansynth/randomize_z", "z")
    client.send("/gansynth/synthesize", "z", "sound", 60)
    assert client.expect("/gansynth/busy") == [1]
    client.expect("/done", "/gansynth/synthesize")


def test_a_worker_killed_between_two_messages_is_not_noticed(client):
    worker = client.status()["worker"]
    os.kill(worker, signal.SIGKILL)
    client.until(lambda _: not Path(f"/proc/{worker}").exists())
    client.ask("/gansynth/randomize_z", "z")
    client.ask("/gansynth/synthesize", "z", "sound", 60)


def test_a_message_that_another_one_needs_is_not_replaced(client):
    """slerp, render, slerp, render in one burst: each render has its own timbre."""
    for name, value in (("a", 0.25), ("b", 4.0)):
        client.ask("/array/set", name, 0, np.full(256, value, np.float32))
    client.ask("/array/set", "d", 0, np.full(256, 1.0, np.float32))
    client.send("/gansynth/synthesize", "a", "sound", 60)  # keeps the line waiting
    for amount, kept in ((0.0, "kept_0"), (1.0, "kept_1")):
        client.send("/gansynth/slerp_z", "a", "b", "d", amount)
        client.send("/gansynth/save_z", "d", f"{kept}.npy")
    client.expect("/done", "/gansynth/save_z", "kept_1.npy")
    for kept, value in (("kept_0", 0.25), ("kept_1", 4.0)):
        client.ask("/gansynth/load_z", f"{kept}.npy", kept)
        client.send("/array/get", kept)
        assert np.allclose(numbers(client.expect("/array/values", kept)[2:])[-255:], value)


def test_voices_that_are_taken_back_play_no_more(client):
    client.ask("/gansynth/voices", "voice", 2, 48000.0)
    assert client.status()["players"] == 1
    client.ask("/gansynth/voices", "voice", 0, 48000.0)
    assert client.status()["players"] == 0
    client.send("/gansynth/note_on", 60, 100)
    assert "no voices" in client.expect("/fail")[1]


def test_sync_waits_for_files_too(client, server):
    client.send("/array/set", "long", 0, np.zeros(4096, np.float32))
    for _ in range(8):
        client.send("/array/write", "long", "same.wav")
    client.send("/sync", 5)
    seen = []
    while not seen or seen[-1][0] != "/synced":
        seen.append(client.receive())
    assert [name for name, _ in seen].count("/done") == 9
    assert "/fail" not in [name for name, _ in seen]
