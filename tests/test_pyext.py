"""The classes that the py/pyext external loads, in a stand-in of Pd with the external, and a real server."""

import ast
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import fake_grid
import fake_sing
import numpy as np
import pytest
from fake_model import sine
from server_process import Client, ServerProcess
from test_server import z

from pdbridge import audio, places
from pdbridge.errors import MessageError, PdbridgeError, ServerError
from pdbridge.hosts.pyext import find_port, find_python
from pdbridge.instruments import INSTRUMENTS
from pdbridge.session import free_port
from pdbridge.sing.sound import Sound

TESTS = Path(__file__).parent
CLONE = TESTS.parent
RATE = 48000
PATIENCE = 15.0  # s


class Pd:
    """`fake_pyext` in a process of its own, for the length of a ``with`` block.

    Attributes
    ----------
    console : list of str
        The lines of the Pd window.
    heard : list of (int, str, list)
        What came out of the boxes: the number of the box, selector, atoms.
    """

    def __init__(self, folder, port, **environment):
        self.folder = folder
        self.console, self.heard, self._answers = [], [], []
        self._news = threading.Condition()
        environment = {**os.environ, "PDBRIDGE_CACHE": str(folder / "cache"), "PDBRIDGE_PORT": str(port),
                       **{name: str(value) for name, value in environment.items()}}
        self.process = subprocess.Popen([sys.executable, TESTS / "fake_pyext.py"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=environment, cwd=folder)
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)

    def _listen(self):
        for line in self.process.stdout:
            said = json.loads(line)
            with self._news:
                if "console" in said:
                    self.console.append(said["console"])
                elif "heard" in said:
                    self.heard.append(said["heard"])
                else:
                    self._answers.append(said["answer"])
                self._news.notify_all()

    def wait(self, condition, what):
        with self._news:
            if not self._news.wait_for(condition, PATIENCE):
                raise AssertionError(f"{what}; heard {self.heard[-15:]}, Pd's window has {self.console[-15:]}")

    def do(self, *command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        self.wait(lambda: self._answers, f"{command} was not carried out")
        return self._answers.pop()

    def evaluate(self, code):
        return self.do("evaluate", code)

    def array(self, *names, length=100):
        for name in names:
            self.do("array", name, length)

    def read(self, name):
        self.do("read", name, str(self.folder / "read.npy"))
        return np.load(self.folder / "read.npy")

    def write(self, name, samples):
        np.save(self.folder / "write.npy", np.float32(samples))
        self.do("write", name, str(self.folder / "write.npy"))

    def box(self, name, *arguments, detach=1, module="pdbridge.pyext"):
        number = self.do("box", module, name, list(arguments), detach, str(self.folder))
        return None if number is None else Box(self, number)

    def see(self, part, after=0):
        """Wait until a line of the Pd window has this in it; the line."""
        def line():
            return next((line for line in self.console[after:] if part in line), None)
        self.wait(line, f"nothing about {part}")
        return line()


class Box:
    """One object box."""

    def __init__(self, pd, number):
        self.pd, self.number = pd, number

    def send(self, selector, *atoms):
        self.pd.do("message", self.number, selector, atoms)

    def out(self, after=0):
        """What came out, as ``[list trim]`` passes it on: (word, atom, ...)."""
        return [tuple(atoms) if selector in ("list", "symbol") else (selector, *atoms)
                for number, selector, atoms in self.pd.heard[after:] if number == self.number]

    def hear(self, *first, after=0):
        """Wait until a list that starts like this came out; the atoms behind its word."""
        def found():
            return next((out for out in self.out(after) if out[:len(first)] == first), None)
        self.pd.wait(found, f"no {first}")
        return found()[1:]

    def ask(self, word, selector, *atoms, first=()):
        after = len(self.pd.heard)
        self.send(selector, *atoms)
        return self.hear(word, *first, after=after)

    def fails(self, selector, *atoms):
        """Send a message that must fail; the text, which the Pd window shows too."""
        lines = len(self.pd.console)
        text = self.ask("fail", selector, *atoms, first=(selector,))[1]
        self.pd.see(text, lines)
        return text

    def delete(self):
        self.pd.do("delete", self.number)


@pytest.fixture(scope="module")
def pd(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("patch")
    with Pd(folder, server.port) as pd:
        pd.array("z1", "z2", "z3", "sound", "v1", "v2", "v3")
        yield pd


@pytest.fixture(params=[0, 1], ids=["in Pd's thread", "detached"])
def box(pd, request):
    box = pd.box("gansynth", detach=request.param)
    box.hear("loaded")
    yield box
    box.delete()


# What is loaded


def test_outside_pd_it_says_where_it_belongs():
    with pytest.raises(ImportError, match="only inside Pd, where the py/pyext external loads it") as raised:
        import pdbridge.pyext  # noqa: F401
    assert isinstance(raised.value, PdbridgeError)


def test_nothing_else_needs_it():
    for path in (CLONE / "pdbridge").rglob("*.py"):
        names = [name for node in ast.walk(ast.parse(path.read_text())) for name in
                 ([alias.name for alias in node.names] if isinstance(node, ast.Import) else
                  [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom)
                  else [])]
        assert "pdbridge.pyext" not in " ".join(names) or path.name == "pyext.py", path


def test_only_little_is_loaded_into_pd(pd, box):
    loaded = set(pd.evaluate("sorted(sys.modules)"))
    assert "pdbridge.pyext" in loaded
    assert not loaded & {"tensorflow", "keras", "soundfile", "soxr", "mido", "asyncio", "pdbridge.server",
                         "pdbridge.instruments"}


def test_there_is_a_class_for_every_instrument(pd):
    assert set(INSTRUMENTS) <= set(pd.evaluate("[name for name, value in "
                                               "vars(importlib.import_module('pdbridge.pyext')).items() "
                                               "if isinstance(value, type) and issubclass(value, _class)]"))


# Messages, arrays, answers


def test_timbres_are_written_mixed_and_synthesized(pd, box):
    assert box.ask("randomized", "randomize_z", "z1", "z2") == ()
    one, two = pd.read("z1"), pd.read("z2")
    assert len(one) == len(two) == 256 and abs(one.std() - 1) < 0.3 and (one != two).any()
    box.ask("slerped", "slerp_z", "z1", "z2", "z3", 1)
    np.testing.assert_allclose(pd.read("z3"), two, atol=1e-6)
    box.ask("synthesized", "synthesize", "z1", "sound", 60)
    np.testing.assert_array_equal(pd.read("sound"), sine(60))
    pd.array("sound", length=100000)  # it is shortened, too
    box.ask("synthesized", "synthesize", "z1", "sound", 62)
    np.testing.assert_array_equal(pd.read("sound"), sine(62))


def test_notes_are_in_the_arrays_of_the_voices_when_they_play(pd, box):
    pd.write("z1", z(1.0))
    box.send("z", "z1")
    assert box.ask("voices", "voices", "v", 3, RATE, 2) == (3, RATE)
    box.hear("ready", 61)
    voice, pitch, velocity, _ = box.ask("play", "note_on", 60, 100)
    assert (pitch, velocity) == (60, 100)
    pd.wait(lambda: any(out[:2] == ("extend", voice) and out[2] > 1000 for out in box.out()), "no more of it")
    wanted = audio.resample(sine(60), 16000, RATE)[:RATE]  # of the first second
    np.testing.assert_allclose(pd.read(f"v{voice:g}")[1:1 + len(wanted)], wanted, atol=1e-5)
    assert box.ask("release", "note_off", 60)[0] == voice


def test_every_kind_of_message_reaches_the_server(pd, box):
    for selector, *atoms in (("bang",), ("float", 5), ("float", 0.5), ("list", 1, 2), ("list", "a", 1),
                             ("symbol", "x"), ("nte_on", 60), ("note_on", 1e30, 1)):
        after = len(pd.heard)
        box.send(selector, *atoms)
        if selector != "bang":  # no instrument has one
            assert box.hear("fail", selector, after=after)


def test_what_goes_wrong_comes_out_and_is_in_the_pd_window(pd, box):
    assert "no message 'nte_on'" in box.fails("nte_on", 60)
    assert "takes pitch velocity; 1 argument came" in box.fails("note_on", 60)
    assert "there is no array gone in the patch" in box.fails("z", "gone")
    assert "there is no array gone in the patch" in box.fails("synthesize", "z1", "gone", 60)
    assert "there is no model folder theirs; looked at " + str(pd.folder) in box.fails("load", "theirs")
    assert pd.console[-1].startswith("pdbridge: load: ")
    box.send("note_on", *range(1, 20000))
    pd.see("it is too long, so this message is lost: note_on 1 2 3")


def test_two_boxes_share_nothing_but_the_server(pd):
    one, two = pd.box("gansynth"), pd.box("gansynth", detach=0)
    for box in (one, two):
        box.hear("loaded")
    after = len(pd.heard)
    one.ask("randomized", "randomize_z", "z1")
    one.delete()
    two.ask("randomized", "randomize_z", "z2")
    assert ("randomized",) in one.out(after) and two.out(after) == [("randomized",)]
    two.delete()


def test_a_hallucination_is_made_whole_and_while_it_is_heard(pd, box):
    wanted = ("sound", 2, 1, 0.2, 0, 0.1, 0.1, 0.1)
    box.send("seed", 1)
    (size,) = box.ask("hallucinated", "hallucinate", *wanted)
    whole = pd.read("sound")
    assert size == 4 * len(whole) and abs(abs(whole).max() - 0.5) < 1e-6
    box.send("seed", 1)
    seconds, gain = box.ask("hallucinated_live", "hallucinate_live", *wanted)
    length = round(seconds * 16000)
    np.testing.assert_allclose(gain * pd.read("sound")[:length], whole[:length], atol=1e-5)


def test_the_sequencer_of_the_course_edits_its_steps_in_an_array(pd):
    (pd.folder / "three.npz").write_text("3")
    pd.array("edits", length=16)
    box = pd.box("halluseq", "edits")
    assert box.hear("worker") == ("on", 64000, 16000)
    pd.write("edits", [0.5, 12, 0])
    box.ask("updated", "add_step")
    pd.write("edits", [0.1, 24, 0])
    box.ask("updated", "prev_step")
    np.testing.assert_allclose(pd.read("edits")[:3], [0.5, 12, 0])
    after = len(pd.heard)
    box.send("send_state")
    assert box.hear("step", "index", after=after) == ("index", 0)
    assert box.hear("step", "count", after=after) == ("count", 2)
    box.send("load_ganspace_components", "three.npz")
    (length,) = box.ask("hallucinated", "hallucinate_noz", "sound")
    sound = pd.read("sound")
    assert length == len(sound) and abs(abs(sound).max() - 0.5) < 1e-6
    box.delete()


def test_a_pd_that_was_busy_does_not_take_the_server_for_gone(pd):
    box = pd.box("gansynth")
    box.hear("loaded")
    settings = "importlib.import_module('pdbridge.hosts.pyext').__dict__.update(ALIVE={}, SILENCE={})"
    pd.evaluate(settings.format(0.1, 1.0))
    after = len(pd.heard)
    pd.evaluate("threading.Event().wait(1.5)")  # Pd's thread
    box.ask("randomized", "randomize_z", "z1")
    assert ("server", 0) not in box.out(after)
    pd.evaluate(settings.format(1.0, 3.0))
    box.delete()


@pytest.mark.parametrize("detach", [0, 1])
def test_a_grid_is_loaded_and_its_notes_are_found(pd, detach):
    fake_grid.write(pd.folder / "small.bin", length=4000)
    pd.array("grid")
    loader, controller = pd.box("nsynth_loader", detach=detach), pd.box("nsynth_controller", detach=detach)
    pd.do("connect", loader.number, controller.number)
    controller.send("position_rel", 1, 0)
    assert loader.ask("loaded", "load", "small.bin", "small.json", "grid") == (3, 3, 4000, 16000,
                                                                             *fake_grid.PITCHES)
    start, end, _, onset = controller.ask("play", "note_on", 48)
    note = pd.read("grid")[int(onset + start):int(onset + end) + 1]
    np.testing.assert_array_equal(note, fake_grid.note(2, 0, 48, 4000)[:len(note)])
    for box in (loader, controller):
        box.delete()


def test_a_sing_is_loaded_and_rendered(pd):
    (pd.folder / "fake.th").touch()
    box = pd.box("sing")
    assert box.ask("loaded", "load", "fake.th") == (64000, 16000)
    assert box.ask("instrument", "instrument", "flute_acoustic_004") == (14, "flute_acoustic_004")
    assert "near it are flute_acoustic_004" in box.fails("instrument", "flute_acustic_004")
    box.ask("rendered", "render_key", "sound", 60, 127)
    np.testing.assert_array_equal(pd.read("sound"), fake_sing.note(Sound(14, velocity=127), 60))
    box.delete()


def test_an_object_that_is_deleted_leaves_nothing_behind(pd):
    threads = "[thread.name for thread in threading.enumerate() if thread.name == 'pdbridge nsynth']"
    box = pd.box("nsynth")
    box.hear("server", 1)
    assert pd.evaluate(threads)
    box.delete()
    until = time.monotonic() + PATIENCE
    while pd.evaluate(threads):
        assert time.monotonic() < until
    assert pd.evaluate("[None for box in _boxes if box.object]") == []


def test_pd_was_only_touched_under_its_lock(pd):
    assert pd.evaluate("violations") == []
    assert not [line for line in pd.console if "Traceback" in line or "pdbridge itself" in line
                or "Could not convert" in line or "no matching method" in line]


def test_a_wrong_port_is_said_in_the_pd_window(pd):
    assert pd.box("gansynth", "port", 0) is None
    pd.see("port is 0.0; write a UDP port, 1 to 65535")


# Servers that come and go


@pytest.fixture
def python(tmp_path):
    """A program in the place of Python that starts a server with the fake model; its calls are counted."""
    program = tmp_path / "python"
    (tmp_path / "fake").mkdir()
    program.write_text(f"""#!{sys.executable}
import os, sys
with open("calls", "a") as calls:
    print(*sys.argv[1:], file=calls)
with open("pid", "w") as pid:
    print(os.getpid(), file=pid)
sys.path[:0] = [{str(TESTS)!r}, {str(CLONE)!r}]
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])  # of the process of the model
from pdbridge.server import serve
from pdbridge.errors import ServerError
from pdbridge.sing.sound import Sound
try:
    sys.exit(serve(port=int(sys.argv[-1]), model="fake", loader="fake_model:load"))
except ServerError as error:
    sys.exit(f"pdbridge: {{error}}")
""")
    program.chmod(0o755)
    yield program
    if (tmp_path / "calls").exists():  # what it started does not end by itself
        for call in set((tmp_path / "calls").read_text().splitlines()):
            client = Client(int(call.split()[-1]))
            client.send("/quit")
            client.close()


def test_a_server_is_started_once_restarted_when_it_dies_and_outlives_pd(tmp_path, python):
    port = free_port()
    client = Client(port)
    with Pd(tmp_path, port, PDBRIDGE_PYTHON=python) as pd:
        pd.evaluate("setattr(importlib.import_module('pdbridge.hosts.pyext'), 'PAUSE', 1.0)")
        pd.array("z1", "v1", "v2")
        one, two = pd.box("gansynth"), pd.box("gansynth", detach=0)
        one.send("voices", "v", 2, RATE, 2)  # waits for the server
        two.hear("server", 0)
        assert one.hear("voices") == (2, RATE)
        for box in (one, two):
            box.hear("model", "fake")
        one.ask("randomized", "randomize_z", "z1")
        line = pd.see("one is started")
        assert f"no server on port {port}, so one is started; it writes to {tmp_path}" in line
        one.send("z", "z1")
        one.hear("ready", 61)
        after, lines = len(pd.heard), len(pd.console)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        pd.see("the server ended (signal 9); it is started again", lines)
        assert one.hear("voices", after=after) == (2, RATE)  # the server knows its voices and timbre
        one.hear("ready", 61, after=after)
        assert one.ask("play", "note_on", 60, 100)[1] == 60
        assert (tmp_path / "calls").read_text().splitlines() == [f"-m pdbridge serve --port {port}"] * 2
        assert pd.evaluate("violations") == []
    assert client.status()["model"] == "fake"
    with Pd(tmp_path, port, PDBRIDGE_PYTHON=python) as pd:
        box = pd.box("gansynth")
        box.hear("model", "fake")
        after = len(pd.heard)
        box.send("quit_server")
        box.hear("server", 0, after=after)
        pd.see("is told to end")
        assert not any("is started" in line for line in pd.console)
        assert len((tmp_path / "calls").read_text().splitlines()) == 2
    client.close()


def test_a_server_that_somebody_else_starts_again_is_left_to_them(tmp_path, python):
    with ServerProcess(folder=tmp_path) as server:
        server.loaded()
        with Pd(tmp_path, server.port, PDBRIDGE_PYTHON=python) as pd:
            pd.evaluate("setattr(importlib.import_module('pdbridge.hosts.pyext'), 'COURTESY', 60.0)")
            box = pd.box("gansynth")
            box.hear("model", "fake")
            after = len(pd.heard)
            server.kill()
            box.hear("server", 0, after=after)
            with ServerProcess(folder=tmp_path, port=server.port):
                box.hear("model", "fake", after=after)
            assert pd.console == [f"pdbridge: the server on port {server.port} is gone"]
    assert not (tmp_path / "calls").exists()


def test_without_a_python_for_a_server_the_pd_window_says_what_to_do(tmp_path):
    with Pd(tmp_path, free_port(), PDBRIDGE_PYTHON=tmp_path / "nothing") as pd:
        box = pd.box("gansynth")
        box.hear("server", 0)
        assert f"none can be started: PDBRIDGE_PYTHON is {tmp_path / 'nothing'}" in pd.see("none can be")
        for number in range(300):
            box.send("note_on", number, 1)
        pd.see("no server, so this message is lost: note_on 256 1")


# Ports and interpreters


@pytest.mark.parametrize("arguments, variable, port, rest", [
    ([], None, 9700, []), (["port", 9701.0], None, 9701, []),
    (["edits", "port", 9702.0], "9703", 9702, ["edits"]), (["edits"], "9703", 9703, ["edits"]),
    (["port", "x", 1.0], None, 9700, ["port", "x", 1.0])])
def test_the_port_is_in_the_box_or_in_the_environment(monkeypatch, arguments, variable, port, rest):
    monkeypatch.delenv("PDBRIDGE_PORT", raising=False)
    if variable:
        monkeypatch.setenv("PDBRIDGE_PORT", variable)
    assert find_port(arguments) == (port, rest)


@pytest.mark.parametrize("wrong", ["x", 0.0, 65536.0, 97.5, float("nan"), float("inf"), "port"])
def test_what_is_no_port_is_named(monkeypatch, wrong):
    with pytest.raises(MessageError, match=f"port is {wrong}; write a UDP port"):
        find_port(["port", wrong])
    monkeypatch.setenv("PDBRIDGE_PORT", str(wrong))
    with pytest.raises(MessageError, match=f"PDBRIDGE_PORT is {wrong}"):
        find_port([])


def test_the_python_of_a_server_is_not_the_pd_that_runs_it(monkeypatch, tmp_path):
    monkeypatch.delenv("PDBRIDGE_PYTHON", raising=False)
    monkeypatch.setattr(sys, "executable", "/usr/bin/pd")
    monkeypatch.setattr(places, "PACKAGE", tmp_path / "lib" / "pdbridge")
    own, is_in_pd = find_python()
    assert is_in_pd and Path(own).resolve() == Path(sys.exec_prefix, "bin", "python3").resolve()
    for prefix in (tmp_path, tmp_path / "lib" / ".venv"):  # pdbridge is installed there; it made that one
        (prefix / "bin").mkdir(parents=True)
        os.symlink(own, prefix / "bin" / "python3")
        (prefix / "pyvenv.cfg").touch()
        assert find_python() == (str(prefix / "bin" / "python3"), False)
    monkeypatch.setattr(places, "PACKAGE", tmp_path.parent / "pdbridge")
    for prefix in ("prefix", "exec_prefix"):
        monkeypatch.setattr(sys, prefix, str(tmp_path / "elsewhere"))
    with pytest.raises(ServerError, match="start it with: pdbridge serve"):
        find_python()
