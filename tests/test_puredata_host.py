"""Patches of vanilla Pd, played by an object in Python that speaks docs/protocol.md as theirs does."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from fake_model import sine
from server_process import Client, ServerProcess
from test_server import z

from pdbridge import audio
from pdbridge.hosts.puredata import GROWTH, ON_THEIR_WAY, URGENT_ON_THEIR_WAY
from pdbridge.hosts.wire import decode, numbers

PYEXT = ("pdbridge.pyext", "gansynth", "@detach", 1.0)
RATE = 48000


class Patch(Client):
    """The far end of ``patches/pyext..pd``, with arrays, and a thread that answers as Pd does.

    Attributes
    ----------
    arrays : dict of str to float32 array
    heard : list of (str, list)
        Every packet that came, ``/out`` as its word and atoms.
    most : dict
        The most that was seen: slices not acknowledged, their length, and growth of an array.
    """

    def __init__(self, server, folder, arguments=PYEXT, arrays=(), introduce=True, delay=0.0):
        super().__init__(server.port)
        self.folder, self.arguments, self.delay = str(folder), arguments, delay
        self.arrays = dict(arrays)
        self.heard, self.remembered = [], []
        self.most = {"unacknowledged": 0, "slice": 0, "growth": 0}
        self.answers, self.introductions, self._unacknowledged = True, 0, 0
        self._news = threading.Condition()
        self._open = True
        threading.Thread(target=self._live, daemon=True).start()
        if introduce:
            self.introduce()

    def receive(self, timeout):
        self.socket.settimeout(timeout)
        try:
            return decode(self.socket.recv(65536))[0]
        except (TimeoutError, OSError):  # also: closed, while the thread waits
            return None

    def introduce(self):
        self.introductions += 1
        self.send("/new", self.folder, *self.arguments)
        self.send("/remembered", *self.remembered)

    def message(self, selector, *atoms):
        """A message that comes into the box: Pd knows floats and symbols only."""
        self.send("/msg", 1.0, selector, *[a if isinstance(a, str) else float(a) for a in atoms])

    def _live(self):
        waiting, alive = [], 0.0
        while self._open:
            if time.monotonic() > alive:
                alive = time.monotonic() + 0.3
                self.send("/alive")
            message = self.receive(0.02 if not waiting else 0.001)
            if message and (self.answers or message[0] in ("/out", "/print")):
                waiting.append((time.monotonic() + self.delay, message))
                if message[0] == "/set":
                    self._unacknowledged += 1
                    self.most["unacknowledged"] = max(self.most["unacknowledged"],
                                                      self._unacknowledged)
            while waiting and waiting[0][0] <= time.monotonic():
                self._carry_out(*waiting.pop(0)[1])

    def _carry_out(self, address, values):
        name = values[0] if values else None
        array = self.arrays.get(name)
        if address == "/who":
            self.introduce()
        elif address == "/remember":
            self.remembered = list(values)
        elif address == "/sync":
            self.send("/synced", float(name))
        elif address == "/size" and array is not None:
            self.send("/size", name, float(len(array)))
        elif address == "/get" and array is not None:
            start, count = int(values[1]), int(values[2])
            self.send("/array", name, float(start), array[start:start + count])
        elif address == "/resize" and array is not None:
            self.most["growth"] = max(self.most["growth"], int(values[1]) - len(array))
            self.arrays[name] = np.resize(np.append(array, np.zeros(max(0, int(values[1])
                                                                        - len(array)),
                                                                    np.float32)), int(values[1]))
        elif address == "/set":
            samples = numbers(values[1:])[1:]
            start = int(numbers(values[1:])[0])
            self.most["slice"] = max(self.most["slice"], len(samples))
            self._unacknowledged -= 1
            if array is not None:
                fits = samples[:max(0, len(array) - start)]
                array[start:start + len(fits)] = fits
        with self._news:
            self.heard.append((values[0], values[1:]) if address == "/out" else (address, values))
            self._news.notify_all()

    def hear(self, word, *first, after=0, timeout=10.0):
        """Wait until something was heard; its atoms."""
        def found():
            return next((v for w, v in self.heard[after:] if w == word
                         and list(v[:len(first)]) == list(first)), None)
        with self._news:
            self._news.wait_for(lambda: found() is not None, timeout)
            if found() is None:
                raise AssertionError(f"no {word} {first}; heard {[h for h in self.heard[-15:]]}")
            return found()

    def ask(self, word, selector, *atoms, first=(), timeout=10.0):
        """Send a message to the box and wait for a word from its outlet; the atoms behind it."""
        after = len(self.heard)
        self.message(selector, *atoms)
        return self.hear(word, *first, after=after, timeout=timeout)

    def fails(self, selector, *atoms, timeout=10.0):
        """Send a message that must fail; the text, which the Pd window shows too."""
        text = self.ask("fail", selector, *atoms, first=(selector,), timeout=timeout)[1]
        with self._news:
            assert self._news.wait_for(lambda: any(text in line for line in self.printed()), 5)
        return text

    def printed(self):
        return [values[0] for word, values in self.heard if word == "/print"]

    def close(self):
        self._open = False
        time.sleep(0.05)
        super().close()


def empty(*names, length=100):
    return {name: np.zeros(length, np.float32) for name in names}


@pytest.fixture
def patch(server, tmp_path):
    """A patch with a few arrays, introduced, with the server's model."""
    patch = Patch(server, tmp_path, arrays=empty("z1", "z2", "z3", "sound", "v1", "v2", "v3"))
    patch.hear("model", "fake")
    patch.arrays["z1"] = z(1.0)
    yield patch
    patch.close()


def ready(patch, voices=3, polyphony=2):
    patch.message("z", "z1")
    after = len(patch.heard)
    assert patch.ask("voices", "voices", "v", voices, RATE, polyphony) == [voices, RATE]
    patch.hear("ready", 61, after=after)


# Who is it?


@pytest.mark.parametrize("arguments", [
    PYEXT, ("sopimagenta.gansynth.pyext", "gansynth", "@detach", 1.0)])
def test_an_object_gets_the_servers_model(server, tmp_path, arguments):
    patch = Patch(server, tmp_path, arguments)
    assert patch.hear("model") == ["fake", 61, 24, 84]
    assert patch.hear("loaded") == [64000, 16000]
    patch.close()


def test_an_object_that_names_no_instrument_is_told_once(server, tmp_path):
    patch = Patch(server, tmp_path, ("my.module", "piano"))
    text = patch.hear("fail", "new")[1]
    assert "no instrument my.module piano; write one of [pyext. pdbridge.pyext gansynth]" in text
    time.sleep(1.5)  # it goes on saying /alive
    assert len(patch.printed()) == 1 and patch.introductions <= 2
    assert "no instrument my.module piano" in patch.fails("note_on", 60, 100)
    patch.close()


def test_an_object_that_is_alive_is_asked_who_it_is(server, tmp_path):
    patch = Patch(server, tmp_path, introduce=False)
    patch.hear("model", "fake")
    assert patch.introductions == 1
    patch.close()


def test_messages_that_came_before_the_introduction_are_carried_out_after_it(server, tmp_path):
    patch = Patch(server, tmp_path, arrays=empty("z1", "z2"), introduce=False, delay=0.2)
    patch.message("seed", 5)
    patch.message("randomize_z", "z1")
    patch.message("randomize_z", "z2")
    patch.hear("randomized")
    patch.hear("randomized", after=1 + [w for w, _ in patch.heard].index("randomized"))
    assert len(patch.arrays["z1"]) == len(patch.arrays["z2"]) == 256
    patch.close()


def test_a_second_introduction_changes_nothing(patch):
    ready(patch)
    after = len(patch.heard)
    patch.introduce()
    assert patch.ask("play", "note_on", 60, 100)[1] == 60
    assert "model" not in [word for word, _ in patch.heard[after:]]


def test_a_server_that_was_restarted_finds_its_way(tmp_path):
    (tmp_path / "patch" / "mine").mkdir(parents=True)
    first = ServerProcess(folder=tmp_path)
    patch = Patch(first.loaded(), tmp_path / "patch", arrays=empty("z1", "v1", "v2"))
    patch.arrays["z1"] = z(1.0)
    patch.hear("model", "fake")
    patch.ask("loaded", "load", "mine")
    patch.message("release", 123)
    ready(patch, 2, 2)
    first.kill()
    for kind in ("killed", "killed at once"):
        after = len(patch.heard)
        with ServerProcess(folder=tmp_path, port=first.port) as second:
            second.wait()
            patch.hear("/who", after=after, timeout=2)
            if kind == "killed":
                second.kill()  # while it restores what it was told
                continue
            patch.hear("model", "mine", after=after)
            assert patch.hear("voices", after=after) == [2, RATE]
            patch.hear("ready", 61, after=after)
            voice, pitch, *_ = patch.ask("play", "note_on", 60, 100)
            assert pitch == 60
            assert patch.ask("release", "note_off", 60) == [voice, 123]
            assert "fail" not in [word for word, _ in patch.heard]
    patch.close()
    first.close()


def test_damaged_memories_do_no_harm(server, tmp_path):
    for remembered in (["a"], [5.0, "load"], [0.0, 1.0], [float("nan")], [1.0, 2.0], [2.0, "z"],
                       [0.5, "a"], [float("inf"), "a"], [1.0, "no_such"], [1.0, "panic", "x"]):
        patch = Patch(server, tmp_path, introduce=False, arrays=empty("z1"))
        patch.remembered = remembered
        patch.introduce()
        patch.ask("randomized", "randomize_z", "z1")
        assert "pdbridge itself" not in " ".join(patch.printed())
        patch.close()


# Arrays


def test_arrays_are_read_and_written_whole(patch):
    patch.ask("randomized", "randomize_z", "z1", "z2")
    assert len(patch.arrays["z1"]) == 256 and abs(patch.arrays["z1"].std() - 1) < 0.3
    patch.ask("slerped", "slerp_z", "z1", "z2", "z3", 1)
    np.testing.assert_allclose(patch.arrays["z3"], patch.arrays["z2"], atol=1e-6)
    patch.ask("synthesized", "synthesize", "z1", "sound", 60)
    np.testing.assert_array_equal(patch.arrays["sound"], sine(60))


def test_slices_are_paced_and_arrays_grow_in_steps(server, tmp_path):
    patch = Patch(server, tmp_path, arrays=empty("z1", "sound"), delay=0.003)
    patch.ask("randomized", "randomize_z", "z1")
    patch.ask("synthesized", "synthesize", "z1", "sound", 60, "z1", "sound", 62)
    np.testing.assert_array_equal(patch.arrays["sound"], sine(62))
    assert patch.most["unacknowledged"] <= ON_THEIR_WAY
    assert patch.most["slice"] <= 4096 and patch.most["growth"] <= GROWTH
    patch.close()


def test_notes_go_ahead_of_an_array_that_is_written_and_stay_within_limits(server, tmp_path):
    patch = Patch(server, tmp_path, delay=0.001,
                  arrays=empty("z1", "sound", *[f"v{n}" for n in range(1, 9)]))
    patch.arrays["z1"] = z(1.0)
    ready(patch, 8, 8)
    patch.message("synthesize", *("z1", "sound", 60) * 4)
    for pitch in range(40, 48):
        patch.message("note_on", pitch, 100)
    for pitch in range(40, 48):
        voice = next(v for w, v in wait_for(patch, "play", pitch))[0]
        wanted = audio.resample(sine(pitch), 16000, RATE)
        wait_extended(patch, voice)
        np.testing.assert_allclose(patch.arrays[f"v{voice}"][1:1 + len(wanted)], wanted, atol=1e-5)
    patch.hear("synthesized")
    assert patch.most["unacknowledged"] <= URGENT_ON_THEIR_WAY
    assert patch.most["slice"] <= 4096
    patch.close()


def wait_for(patch, word, pitch):
    until = time.monotonic() + 10
    while time.monotonic() < until:
        found = [(w, v) for w, v in list(patch.heard) if w == word and v[1] == pitch]
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"no {word} of {pitch}; {patch.heard[-10:]}")


def wait_extended(patch, voice):
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if any(w == "extend" and v[0] == voice and v[1] > 3999.9 for w, v in list(patch.heard)):
            return
        time.sleep(0.01)
    heard = [(word, values) for word, values in patch.heard if word not in ("/alive", "ready")]
    raise AssertionError(f"voice {voice} is not whole; heard {heard[-30:]}")


@pytest.mark.parametrize("message", [
    ("z", "gone"), ("randomize_z", "gone"), ("slerp_z", "z1", "gone", "z3", 0.5),
    ("slerp_z", "z1", "z1", "gone", 0.5), ("synthesize", "gone", "sound", 60),
    ("synthesize", "z1", "gone", 60), ("save_z", "gone", "a.npy")])
def test_an_array_that_is_not_there_is_named(patch, message):
    assert "there is no array gone in the patch" in patch.fails(*message)


@pytest.mark.parametrize(("left", "message"), [
    (None, "there is no array sound in the patch"), (10, "array sound was made shorter while it was written")])
def test_an_array_that_goes_or_shrinks_while_it_is_written_is_named(patch, left, message):
    patch.arrays["sound"] = np.zeros(200_000, np.float32)
    patch.delay = 0.03
    patch.message("hallucinate_live", "sound", 2, 0)
    patch.hear("/set", "sound")
    sound = patch.arrays.pop("sound")
    if left:
        patch.arrays["sound"] = sound[:left]
    assert message in patch.hear("fail", "hallucinate_live")[1]


def test_missing_voices_are_named_and_the_old_ones_stay(patch):
    ready(patch)
    assert "there is no array v4 in the patch" in patch.fails("voices", "v", 4, RATE)
    assert patch.ask("play", "note_on", 60, 100)[1] == 60


def test_an_array_that_is_no_timbre_says_why(patch):
    assert "array sound holds 100 values; a z of this model has 256" in patch.fails("z", "sound")
    patch.arrays["z2"] = z(0, 0, 0, np.nan)
    assert "array z2 holds nan at index 3; redraw or reset it" in patch.fails("z", "z2")
    patch.arrays["z2"] = np.zeros(10000, np.float32)
    assert "array z2 holds 10000 values" in patch.fails("z", "z2")
    patch.arrays["z2"] = np.zeros(0, np.float32)
    assert "array z2 holds 0 values" in patch.fails("z", "z2")


def test_answers_that_nobody_asked_for_are_not_kept(patch, client):
    for count in range(2000):
        if count % 20 == 0:
            client.status()  # what came before is taken in
        patch.send("/array", "z1", 0.0, np.zeros(4000, np.float32))
        patch.send("/synced", float("nan"))
        patch.send("/size", "z1", 3.0)
    patch.ask("slerped", "slerp_z", "z1", "z1", "z2", 0.5)
    np.testing.assert_allclose(patch.arrays["z2"], z(1.0), atol=1e-6)


# A patch that does not answer, and one that is closed


def test_a_patch_that_does_not_answer_is_told_so_and_plays_when_it_does_again(patch):
    ready(patch)
    patch.answers = False
    for pitch in range(60, 64):
        patch.message("note_on", pitch, 100)
    assert "the patch does not answer; is Pd stopped or busy?" in patch.fails("z", "z1")
    time.sleep(0.5)  # by now every slice is given up
    patch.answers = True
    patch.message("panic")
    ready(patch)
    voice = patch.ask("play", "note_on", 70, 100)[0]
    wait_extended(patch, voice)


def test_a_patch_that_was_closed_is_let_go_with_its_model(tmp_path):
    settings = {"pdbridge.hosts.puredata.PATIENCE": 1.0, "pdbridge.server.SWEEP": 0.1}
    (tmp_path / "mine").mkdir()
    with ServerProcess(folder=tmp_path, settings=settings) as server:
        client = server.loaded().client()
        patch = Patch(server, tmp_path, arrays=empty("z1", "v1", "v2"))
        patch.hear("model", "fake")
        patch.ask("loaded", "load", "mine")
        patch.arrays["z1"] = z(668, 0.0, 0.3)
        ready(patch, 2, 2)
        patch.ask("play", "note_on", 60, 100)
        patch.message("synthesize", *("z1", "v1", 60) * 10)
        status = client.status()
        assert (status["patches"], status["players"], status["workers"]) == (1, 1, 2)
        patch.close()
        status = client.until(lambda status: status["patches"] == 0)
        assert (status["players"], status["workers"]) == (0, 1)
        client.until(lambda status: status["jobs"] == 0 and status["waiting"] == 0)
        assert "Traceback" not in server.output() and "destroyed" not in server.output()


# Two patches, timbres, files, models


def test_two_patches_with_timbres_of_their_own_do_not_disturb_each_other(server, tmp_path):
    arrays = ("z1", "v1", "v2", "v3")
    one, two = (Patch(server, tmp_path, arrays=empty(*arrays)) for _ in range(2))
    one.arrays["z1"], two.arrays["z1"] = z(1.0), z(2.0)
    ready(one)
    ready(two)
    heard = len(one.heard)
    for number in range(10):
        two.arrays["z1"] = z(2.0 + number)
        two.message("z", "z1")
    two.ask("play", "note_on", 72, 100)
    two.hear("ready", 61, after=len(two.heard))
    assert one.heard[heard:] == [] or all(w == "/alive" for w, _ in one.heard[heard:])
    voice = one.ask("play", "note_on", 60, 100)[0]
    wait_extended(one, voice)
    wanted = audio.resample(sine(60), 16000, RATE)
    np.testing.assert_allclose(one.arrays[f"v{voice}"][1:1 + len(wanted)], wanted, atol=1e-5)
    for patch in (one, two):
        patch.close()


def test_a_timbre_is_stored_beside_the_patch_and_comes_back(patch, tmp_path):
    assert patch.ask("saved", "save_z", "z1", "timbre.npy") == ["timbre.npy"]
    np.testing.assert_array_equal(np.load(tmp_path / "timbre.npy"), z(1.0))
    assert patch.ask("restored", "load_z", "timbre.npy", "z2") == ["timbre.npy"]
    np.testing.assert_array_equal(patch.arrays["z2"], z(1.0))


@pytest.mark.parametrize("file", ["../z.npy", "/tmp/pdbridge-z.npy", "link/z.npy", "link.npy"])
def test_files_lie_in_the_folder_of_the_patch_and_nowhere_else(patch, tmp_path, file):
    outside = tmp_path.parent / "outside"
    outside.mkdir(exist_ok=True)
    np.save(outside / "z.npy", z(9.0))
    os.symlink(outside, tmp_path / "link")
    os.symlink(outside / "z.npy", tmp_path / "link.npy")
    assert "lies outside" in patch.fails("save_z", "z1", file)
    assert "lies outside" in patch.fails("load_z", file, "z1")
    assert np.load(outside / "z.npy")[0] == 9.0


def test_a_pickle_is_not_opened(patch, tmp_path):
    np.save(tmp_path / "evil.npy", np.array([Trap()] * 256), allow_pickle=True)
    assert "evil.npy is not a NumPy file of numbers" in patch.fails("load_z", "evil.npy", "z1")
    assert not (tmp_path / "trapped").exists() and not os.path.exists("trapped")


class Trap:
    def __reduce__(self):
        return os.mkdir, ("trapped",)


def test_a_model_is_found_beside_the_patch(patch, tmp_path):
    (tmp_path / "my model").mkdir()
    assert patch.ask("loaded", "load", "my model", 8) == [64000, 16000]
    patch.hear("model", "my model")
    assert "there is no model folder theirs; looked at " + str(tmp_path) in patch.fails("load",
                                                                                       "theirs")
    patch.message("unload")
    patch.hear("unloaded")
    patch.hear("model", "none")


def test_a_message_that_is_unknown_or_wrong_is_said_in_the_pd_window(patch):
    assert "no message 'nte_on'" in patch.fails("nte_on", 60)
    assert "takes pitch velocity; 1 argument came" in patch.fails("note_on", 60)
    assert "there are no voices" in patch.fails("note_on", 60, 100)
    assert patch.printed()[-1].startswith("note_on: there are no voices")
    patch.send("/msg", 1.0, 60.0)
    assert "no message 'float'" in patch.hear("fail", "float")[1]
    patch.send("/msg", 1.0, np.ones(50, np.float32))
    patch.hear("fail", "float")
    patch.send("/msg", 1.0)
    patch.send("/msg")
    patch.send("/msg", "a" * 60000)
    patch.send("/msg", 1.0, "a" * 60000)
    assert all(len(text) < 500 for text in patch.printed())


def test_osc_notes_and_timbres_go_to_the_newest_patch_with_voices(patch, server):
    client = server.client()
    ready(patch)
    after = len(patch.heard)
    client.send("/gansynth/note_on", 64, 90)
    assert patch.hear("play", after=after)[1:3] == [64, 90]
    client.ask("/gansynth/randomize_z", "mine")
    client.ask("/gansynth/z", "mine")
    patch.hear("ready", 0, after=after)
    client.ask("/gansynth/panic")
    patch.hear("stop", after=after)
    written = client.ask("/gansynth/write_note", 69, "lent.wav")[-1]  # its timbre, in the server's folder
    np.testing.assert_array_equal(audio.read_wav(written)[0], sine(69))
    assert Path(written) == server.folder / "lent.wav"
    client.send("/gansynth/note_on", 10, 90)
    assert "24 to 84" in client.expect("/fail", "/gansynth/note_on")[1]


def test_the_server_had_nothing_to_complain_about(server):
    lines = [line for line in server.output().splitlines()
             if not line.startswith(("pdbridge: ", "the process of the model", "  none"))]
    assert lines == []




def test_an_osc_client_that_steps_the_timbre_of_a_patch_is_answered(client, patch):
    patch.ask("voices", "voices", "v", 3, RATE, 2)
    client.send("/gansynth/next_z")
    assert "no timbre is stored" in client.expect("/fail", "/gansynth/next_z")[1]
    patch.message("z", "z1")
    assert patch.ask("saved", "save_z", "z1", "one.npy") == ["one.npy"]
    assert client.ask("/gansynth/next_z") == ["z1"]
    assert patch.hear("timbre") == ["z1"]
