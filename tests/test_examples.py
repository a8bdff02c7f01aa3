"""The examples, run as they stand against a live server."""

import os
import re
import subprocess
import sys

import fake_model
import numpy as np
import pytest
import supercollider
from puredata import CLONE, frequency, sounding
from server_process import ServerProcess

from pdbridge.audio import read_wav
from pdbridge.hosts.messages import BY_ADDRESS, SERVER_MESSAGES

EXAMPLES = CLONE / "examples"
ADDRESSES = set(BY_ADDRESS) | {address for address, *_ in SERVER_MESSAGES}
RATE = supercollider.SAMPLE_RATE


def at_port(name, port):
    """An example for a server at another port."""
    text = (EXAMPLES / name).read_text()
    assert text.count("9700") == 1
    return text.replace("9700", str(port))


# Python


def test_the_python_client_writes_the_note_of_a_random_timbre(server, tmp_path):
    ran = subprocess.run([sys.executable, "-c", at_port("python_client.py", server.port)], cwd=tmp_path,
                         capture_output=True, text=True, check=False, timeout=60,
                         env={**os.environ, "PYTHONPATH": str(CLONE)})
    assert ran.returncode == 0, ran.stderr
    path = server.folder / "note.wav"
    assert str(path) in ran.stdout
    samples, rate = read_wav(path)
    assert rate == 16000
    np.testing.assert_array_equal(samples, fake_model.sine(60))


# SuperCollider


SESSION = r"""{
var there = { |condition| while { condition.value.not } { 0.02.wait } };
var playing = { |voice| ~notes[voice].notNil and: { ~notes[voice][\synth].isKindOf(Synth) } };
s.options.recBufSize = 16384;  // the last of these may not reach the file, so there is silence at the end
fork {
    "BLOCK1".load;
    there.({ SynthDescLib.global.at(\pdbridgeNote).notNil });
    s.sync;
    "BLOCK2".load;
    try { "BLOCK3".load } { "no MIDI here".postln };  // its responders are there all the same
    s.recHeaderFormat = "wav";
    s.recSampleFormat = "float";
    s.prepareForRecord("SOUND", 2);
    s.sync;
    s.record;
    s.sync;

    MIDIIn.doNoteOnAction(0, 0, 69, 127);  // a key that is held
    there.({ playing.(0) });
    0.6.wait;
    MIDIIn.doNoteOffAction(0, 0, 69, 0);
    there.({ ~notes[0][\synth].isRunning.not });
    0.3.wait;

    ~noteOn.(57, 64);  // one that is let go of before its file is there
    ~noteOff.(57);
    there.({ playing.(1) });
    there.({ ~notes[1][\synth].isRunning });
    there.({ ~notes[1][\synth].isRunning.not });
    0.3.wait;

    ~noteOn.(5);  // one that the model has not
    there.({ ~failed });
    1.wait;
    s.stopRecording;
    s.sync;
    s.quit(onComplete: { 0.exit });
};
~failed = false;
OSCdef(\failed, { ~failed = true }, '/fail');
}"""


@pytest.fixture(scope="module")
def session(server, tmp_path_factory):
    """What SuperCollider played of the example, left channel, and what it wrote in its window."""
    folder = tmp_path_factory.mktemp("supercollider")
    blocks = re.findall(r"^\(\n.*?^\)$", at_port("gansynth.scd", server.port), re.M | re.S)
    assert len(blocks) == 3
    script = SESSION.replace("SOUND", str(folder / "sound.wav"))
    for number, block in enumerate(blocks, 1):
        (folder / f"block{number}.scd").write_text(block)
        script = script.replace(f"BLOCK{number}", str(folder / f"block{number}.scd"))
    said = supercollider.run(script, folder)
    import soundfile

    samples, rate = soundfile.read(folder / "sound.wav", dtype="float32")
    assert rate == RATE
    return samples[:, 0], said


def notes(samples):
    """The stretches of a recording that are not silent."""
    loud = np.convolve(np.abs(samples) > 1e-4, np.ones(RATE // 20), "same") > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud, [0]]).astype(int)))
    return [samples[start:end] for start, end in edges.reshape(-1, 2)]


def test_supercollider_plays_the_keys_at_the_right_pitch_and_loudness(session):
    held, short = notes(session[0])
    middle = held[RATE // 5:RATE * 3 // 5]
    assert frequency(middle, RATE) == pytest.approx(440, abs=0.5)
    assert np.abs(middle).max() == pytest.approx(0.5 * 0.5 * np.sqrt(0.5), rel=0.02)
    assert frequency(short[RATE // 20:RATE // 5], RATE) == pytest.approx(220, abs=2)
    assert np.abs(short).max() == pytest.approx(np.abs(middle).max() * 64 / 127, rel=0.02)


def test_supercollider_lets_go_of_notes(session):
    held, short = notes(session[0])
    assert 0.6 < len(held) / RATE < 3 and 0.3 < len(short) / RATE < 2  # of the 4 s in the files


def test_supercollider_says_what_was_done_and_what_failed(session):
    said = session[1]
    assert "pdbridge has done /gansynth/z" in said
    assert "pdbridge could not do /gansynth/write_note because pitch 5 is not one of the model's" in said
    assert "ERROR" not in re.sub(r"ERROR: Primitive '_InitMIDIClient' failed", "", said)


# What the examples and docs/osc.md send


def test_the_first_session_of_the_page_about_osc_goes_as_it_says(server):
    session = re.search(r"```\n(/version.*?)```", (CLONE / "docs" / "osc.md").read_text(), re.S)[1].splitlines()
    assert len(session) == 10
    patch, client = server.client(), server.client()
    patch.ask("/gansynth/voices", "voice", 2, 48000)
    for line in session:
        message, answer = (side.split() for side in line.split(" -> "))
        client.send(message[0], *map(_atom, message[1:]))
        address, *expected = answer
        heard = client.expect(address)
        said = " ".join(str(value) for value in heard)
        expected = " ".join(expected).replace("/home/me", server.folder.as_posix()).partition("...")[0]
        assert said.startswith(expected) and (said == expected or "..." in line), said
    patch.ask("/gansynth/voices", "voice", 0, 48000)


def _atom(word):
    return float(word) if re.fullmatch(r"-?[\d.]+", word) else word


@pytest.mark.parametrize("name", ["python_client.py", "gansynth.scd"])
def test_the_addresses_of_an_example_are_in_the_table_of_messages(name):
    text = re.sub(r"^//.*$", "", (EXAMPLES / name).read_text(), flags=re.M)
    found = set(re.findall(r"""["'](/\w+(?:/\w+)?)["']""", text)) - {"/done", "/fail"}
    assert len(found) > 2 and found <= ADDRESSES


def test_every_control_of_the_surface_sends_what_the_server_understands():
    controls, reports = (EXAMPLES / "touchosc.md").read_text().split("**What comes back**")
    rows = re.findall(r"^\|[^|]*\| `(/\S+) ?([^`]*)` \|([^|]*)\|", controls, re.M)
    assert len(rows) == 18
    for address, arguments, ranges in rows:
        if address in BY_ADDRESS:
            for end in (1, 2):
                BY_ADDRESS[address].check([_value(word, ranges, end) for word in arguments.split()])
        else:
            assert address in ADDRESSES
    instruments = {address.split("/")[1] for address in BY_ADDRESS}
    for address in re.findall(r"\| `(/\w+/\w+)` \|", reports):
        _, instrument, word = address.split("/")
        said = " ".join(m.reports for m in BY_ADDRESS.values() if m.instrument == instrument)
        assert instrument in instruments and (word in said or word == "busy"), address


def _value(word, ranges, end):
    """An argument of a control at one end of its range."""
    if word in "xy":
        return float(re.search(rf"\b{word} (-?\d+)[^,]*? to (-?\d+)", ranges)[end])
    return _atom(word)
