"""The Max patches: as their script writes them, sound by py2max's reference of Max, and true to the server.

There is no Max here: nothing below runs a patch.
"""

import importlib.util
import itertools
import json
import re

import fake_grid
import pytest
from puredata import PATCHES
from server_process import ServerProcess

from pdbridge.hosts.messages import BY_ADDRESS, MESSAGES, SERVER_MESSAGES, find
from pdbridge.places import PORT

FOLDER = PATCHES / "max"
SERVER = {address for address, *_ in SERVER_MESSAGES}
PROTOCOL = (PATCHES.parent / "docs" / "protocol.md").read_text()
SAMPLES = {"$1": 60, "$2": 48000.0}  # of a key and Max's rate


def script():
    """patches/max/make.py as a module."""
    specification = importlib.util.spec_from_file_location("make_max_patches", FOLDER / "make.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


make = script()
INSTRUMENTS = {instrument.name: instrument for instrument in (make.GANSYNTH, make.NSYNTH)}


@pytest.fixture(scope="module", params=sorted(INSTRUMENTS))
def instrument(request):
    return INSTRUMENTS[request.param]


@pytest.fixture(scope="module")
def patcher(instrument):
    return json.loads((FOLDER / f"{instrument.name}.maxpat").read_text())["patcher"]


def boxes(patcher):
    """All boxes of a patcher and of those inside it."""
    for item in patcher["boxes"]:
        yield item["box"]
        if "patcher" in item["box"]:
            yield from boxes(item["box"]["patcher"])


def words(patcher, name):
    """The arguments of every object of a name."""
    texts = [box["text"].split() for box in boxes(patcher) if box["maxclass"] == "newobj"]
    return [text[1:] for text in texts if text[0] == name]


def sent(patcher):
    """What the message boxes send: (address, arguments)."""
    texts = [box["text"] for box in boxes(patcher) if box["maxclass"] == "message"]
    for text in itertools.chain.from_iterable(text.split(", ") for text in texts):
        if text.startswith("/"):
            address, *arguments = text.split()
            yield address, [SAMPLES.get(a) or (int(a) if a.isdigit() else a) for a in arguments]


def prepended(patcher):
    """The addresses that numbers and names are sent to."""
    return {arguments[0] for arguments in words(patcher, "prepend") if arguments[0].startswith("/")}


def routed(patcher):
    """The addresses that the patch listens for."""
    return {word for arguments in words(patcher, "route") for word in arguments if word.startswith("/")}


def test_the_committed_patches_are_what_the_script_writes(instrument):
    assert (FOLDER / f"{instrument.name}.maxpat").read_text() == make.as_text(instrument)


def test_the_reference_of_max_finds_nothing_wrong(instrument):
    assert [str(finding) for finding in make.patch(instrument).lint()] == []


def test_the_reference_of_max_finds_a_cord_from_nowhere_in_a_voice(instrument):
    patch = make.patch(instrument)
    voice = next(box for box in patch._boxes if box.text == "p voices")
    voice = next(box for box in voice.subpatcher._boxes if box.text == "p voice1").subpatcher
    voice._lines[0].source = [voice._boxes[-1].id, 9]
    assert "E-OUTLET-RANGE" in {finding.code for finding in patch.lint()}


def test_every_subpatcher_has_its_inlets_and_outlets_joined(patcher):
    subpatchers = [box for box in boxes(patcher) if "patcher" in box]
    assert len(subpatchers) == 3 + make.VOICES
    for box in subpatchers:
        inside = box["patcher"]
        counts = [sum(b["box"]["maxclass"] == kind for b in inside["boxes"]) for kind in ("inlet", "outlet")]
        assert counts == [box["numinlets"], box["numoutlets"]]
        joined = {line["patchline"][end][0] for line in inside["lines"] for end in ("source", "destination")}
        lonely = [b["box"].get("text") or b["box"]["maxclass"] for b in inside["boxes"]
                  if b["box"]["id"] not in joined and b["box"]["maxclass"] != "comment"]
        assert lonely == []


def test_nothing_lies_on_top_of_anything_on_the_face(patcher):
    assert patcher["openinpresentation"] == 1
    faces = [box["presentation_rect"] for box in boxes(patcher) if box.get("presentation")]
    assert len(faces) > 15
    for (x, y, width, height), (x2, y2, width2, height2) in itertools.combinations(faces, 2):
        assert x + width <= x2 or x2 + width2 <= x or y + height <= y2 or y2 + height2 <= y


def test_what_is_sent_is_in_the_table_of_messages(instrument, patcher):
    messages = list(sent(patcher))
    assert f"/{instrument.name}/write_note" in {address for address, _ in messages}
    for address, arguments in messages:
        if address not in SERVER:
            _, name, message = address.split("/")
            find(name, message).check(arguments)
    assert prepended(patcher) == {f"/{instrument.name}/load", f"/{instrument.name}/{instrument.pad}"}
    assert prepended(patcher) <= set(BY_ADDRESS)
    assert words(patcher, "udpsend") == [["127.0.0.1", str(PORT)]]
    pad = BY_ADDRESS[f"/{instrument.name}/{instrument.pad}"]
    assert [argument.name for argument in pad.arguments] == (["x", "y"] if instrument.pad_is_xy else ["y", "x"])


def test_what_is_listened_for_is_what_the_server_sends(instrument, patcher):
    reports = {report.split()[0] for m in MESSAGES if m.instrument == instrument.name
               for report in m.reports.split(", ") if report}
    documented = set(re.findall(r"^\| `(\w+)`", PROTOCOL, re.M))
    answers = {"/done", "/fail", "/notify", f"/{instrument.name}/write_note"}
    assert answers < routed(patcher)
    for address in routed(patcher) - answers:
        _, name, word = address.split("/")
        assert name == instrument.name and word in reports | documented, address
    assert words(patcher, "udpreceive") == [[str(instrument.port)]]


def test_the_patches_listen_at_ports_of_their_own():
    assert len({instrument.port for instrument in INSTRUMENTS.values()} | {PORT}) == 3


@pytest.fixture(scope="module")
def grid_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("max")
    fake_grid.write(folder / "small.bin")
    with ServerProcess(folder=folder, grid="small.bin") as server:
        yield server.loaded()


def test_a_server_does_what_the_patch_sends_and_answers_where_it_listens(grid_server, instrument, patcher):
    mouth, ear = grid_server.client(), grid_server.client()  # Max has one socket for each
    port = ear.socket.getsockname()[1]
    heard = []

    def until(address, *first):
        while True:
            message = ear.receive()
            assert message, (address, heard)
            heard.append(message)
            if message[0] == address and message[1][:len(first)] == list(first):
                return message[1]

    for address, arguments in sent(patcher):
        mouth.send(address, *(port if argument == instrument.port else argument for argument in arguments))
    mouth.send(f"/{instrument.name}/{instrument.pad}", 0.25, 0.5)
    mouth.send(f"/{instrument.name}/load", {"gansynth": "fake", "nsynth": "small"}[instrument.name])
    mouth.send("/sync", 1)
    until("/synced")
    assert [message for message in heard if message[0] == "/fail"] == []
    assert mouth.receive(0.01) is None
    # the answer names the voice first, then what its unpack takes apart
    files = {arguments[1]: arguments[2:] for address, arguments in heard
             if address == "/done" and arguments[0] == f"/{instrument.name}/write_note"}
    voices = [route for route in words(patcher, "route") if route[0].endswith(".wav")]
    assert len(voices) == 1 and len(voices[0]) == make.VOICES
    for name in voices[0]:
        pitch, rate, path = files[name]
        assert (pitch, rate, path) == (60, 48000, (grid_server.folder / name).as_posix())
        assert (grid_server.folder / name).is_file()
    mouth.send("/nonsense")
    until("/fail", "/nonsense")
    reports = {address for address in routed(patcher) if address.startswith(f"/{instrument.name}/")}
    assert reports - {f"/{instrument.name}/write_note"} <= {address for address, _ in heard}
