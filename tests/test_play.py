"""`pdbridge play`: in a real Pd without windows, and without Pd."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import fake_grid
import numpy as np
import pytest

from pdbridge import play, session
from pdbridge.audio import envelope, read_wav
from pdbridge.errors import AudioError, PdbridgeError, ServerError

CLONE = Path(__file__).resolve().parent.parent
FIRST_PITCH = min(play.PHRASE)[2]
SECONDS = max(start + length for start, length, _, _ in play.PHRASE)

#: Pitches to compare with: half an octave on either side.
CANDIDATES = FIRST_PITCH + np.arange(-6, 6, 0.02)


def first_pitch(samples, sample_rate):
    """The pitch (MIDI) of the first note, by the strength of its first six partials."""
    onset = int(np.argmax(abs(samples) > 0.02 * abs(samples).max()))  # it may be the quietest by far
    note = samples[onset:onset + int(0.3 * sample_rate)]
    size = 1 << 19
    spectrum = abs(np.fft.rfft(note * np.hanning(len(note)), size))
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    fundamentals = 440 * 2 ** ((CANDIDATES - 69) / 12)
    strengths = sum(np.interp(fundamentals * k, frequencies, spectrum) / k for k in range(1, 7))
    return CANDIDATES[np.argmax(strengths)]


def run_play(folder, *words, **environment):
    """Run `pdbridge play` in a folder; environment variables that are None are taken out."""
    variables = {**os.environ, "PYTHONPATH": str(CLONE), "DISPLAY": None, "WAYLAND_DISPLAY": None,
                 "PDBRIDGE_PD": None, **environment}
    return subprocess.run([sys.executable, "-m", "pdbridge", "play", *words], check=False, cwd=folder, timeout=240,
                          capture_output=True, text=True,
                          env={name: value for name, value in variables.items() if value is not None})


def check_pad_phrase(path):
    """The phrase of nsynth with `fake_grid`, whose cells differ in loudness: the pad moved to the last."""
    check_phrase(path)
    samples, rate = read_wav(path)
    first = abs(samples[:int(0.3 * rate)]).max()  # top left
    third = abs(samples[int(1.7 * rate):int(1.9 * rate)]).max()  # bottom right, with a bass beside it
    assert third > 2 * first


def test_the_phrase_of_nsynth_is_played_under_a_moving_pad(tmp_path):
    fake_grid.write(tmp_path / "mine.bin", length=48000)
    played = run_play(tmp_path, "nsynth", "--grid", "mine.bin", "--wav", "patch.wav")
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stderr == ""
    check_pad_phrase(tmp_path / "patch.wav")


def test_without_pd_the_phrase_of_nsynth_is_rendered(tmp_path):
    fake_grid.write(tmp_path / "mine.bin", length=48000)
    played = run_play(tmp_path, "nsynth", "--grid", "mine.bin", "--wav", "rendered.wav", PATH="")
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stderr == ""
    check_pad_phrase(tmp_path / "rendered.wav")


@pytest.mark.parametrize("variables", [{}, {"PATH": ""}])
def test_a_grid_that_is_not_there_is_one_line(tmp_path, variables):
    played = run_play(tmp_path, "nsynth", "--grid", "nowhere", **variables)
    assert played.returncode == 1
    assert re.fullmatch(r"pdbridge: there is no note grid nowhere; .*\n", played.stderr)


def test_a_first_grid_that_has_no_place_is_one_line(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    played = run_play(tmp_path, "nsynth", PDBRIDGE_CACHE=str(tmp_path / "file" / "cache"))
    assert played.returncode == 1
    assert re.fullmatch(r"pdbridge: .*first grid has no place.*\n", played.stderr)


def check_phrase(path):
    samples, sample_rate = read_wav(path)
    assert sample_rate == 48000
    assert SECONDS - 0.2 < len(samples) / sample_rate < SECONDS + 1.5
    assert 0.02 < abs(samples).max() < 1
    assert abs(samples.mean()) < 0.001  # idle voices leak no DC
    assert abs(samples[-10:]).max() < 0.001  # the last note has faded out
    assert first_pitch(samples, sample_rate) == pytest.approx(FIRST_PITCH, abs=0.3)


def test_without_a_screen_the_patch_records_what_it_plays(tmp_path):
    if session.find_pd() is None:
        pytest.fail("this test needs Pd: sudo apt install puredata-core, or set PDBRIDGE_PD")
    (tmp_path / "pdbridge-phrase.wav").write_bytes(b"an older recording")
    played = run_play(tmp_path)
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stderr == ""
    recorded = tmp_path / "pdbridge-phrase-2.wav"
    assert str(recorded) in played.stdout
    check_phrase(recorded)
    assert (tmp_path / "pdbridge-phrase.wav").read_bytes() == b"an older recording"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
def test_when_it_is_ended_so_are_its_server_and_its_pd(tmp_path):
    (tmp_path / "pd").write_text("#!/bin/sh\nexec sleep 60 # " + str(tmp_path) + "\n")
    (tmp_path / "pd").chmod(0o755)
    playing = subprocess.Popen([sys.executable, "-m", "pdbridge", "play", "--no-gui"], cwd=CLONE,
                               env={**os.environ, "PDBRIDGE_PD": str(tmp_path / "pd")}, stdout=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 60
        while len(children(playing.pid)) < 2 and time.monotonic() < until:
            time.sleep(0.1)
        started = children(playing.pid)
        assert len(started) == 2
    finally:
        playing.terminate()
        playing.communicate(timeout=60)
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)


def children(pid):
    """Process ids of the children of a process (Linux)."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def test_without_pd_the_same_phrase_is_rendered(tmp_path):
    played = run_play(tmp_path, "--wav", "mine.wav", PATH="")
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stderr == ""
    assert "Pd was not found" in played.stdout and "apt install puredata" in played.stdout
    check_phrase(tmp_path / "mine.wav")


def test_a_model_that_cannot_be_loaded_is_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    for variables in ({}, {"PATH": ""}):
        played = run_play(tmp_path, "--model", "empty", **variables)
        assert played.returncode == 1
        assert re.fullmatch(r"pdbridge: .*empty.*\n", played.stderr)


def test_a_taken_port_is_not_fought_over(capsys):
    from pdbridge.server import PORT

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        try:
            taken.bind(("127.0.0.1", PORT))
        except OSError:
            pass  # by somebody else, which is as good
        port = session.default_port()
    assert port != PORT and str(port) in capsys.readouterr().out


def test_a_server_that_does_not_start_says_why(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=str(port)):
            with session.Server(["--model", "small_hours"], port, tmp_path):
                pass


def test_a_server_that_ends_is_started_again_and_ended_with_the_block(tmp_path, capsys):
    with session.Server(["--model", "small_hours"], session.free_port(), tmp_path) as server:
        first = server._process
        first.kill()
        first.wait()
        assert server.gone
        server.restart()
        assert any(server.status() for _ in range(40))
        second = server._process
    assert second.poll() is not None and second.pid != first.pid
    assert "starting it again" in capsys.readouterr().out


def test_pd_is_found_where_the_user_says(monkeypatch, tmp_path):
    program = tmp_path / "my-pd"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PDBRIDGE_PD", str(program))
    assert session.find_pd() == program
    monkeypatch.setenv("PDBRIDGE_PD", str(tmp_path / "nothing"))
    with pytest.raises(PdbridgeError, match="nothing"):
        session.find_pd()


def test_a_sound_server_counts_as_a_sound_card(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("PULSE_SERVER", raising=False)
    monkeypatch.setattr(session, "CARDS", tmp_path / "cards")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert not session.has_sound_card()
    (tmp_path / "cards").write_text("--- no soundcards ---\n")
    assert not session.has_sound_card()
    (tmp_path / "cards").write_text(" 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n")
    assert session.has_sound_card()
    (tmp_path / "cards").unlink()
    (tmp_path / "pipewire-0").touch()
    assert session.has_sound_card()


def test_a_recording_never_replaces_a_file(tmp_path):
    for name in ("a.wav", "a-2.wav", "a-3.wav"):
        assert play._free_path(tmp_path / "a.wav") == tmp_path / name
        (tmp_path / name).touch()
    with pytest.raises(AudioError, match="nowhere"):
        play._free_path(tmp_path / "nowhere" / "a.wav")


def test_without_windows_and_phrase_there_is_nothing_to_do(tmp_path):
    played = run_play(tmp_path, "--no-phrase")
    assert played.returncode == 1 and "--no-phrase" in played.stderr


def test_a_rendered_voice_has_the_level_and_the_fades_of_the_patch():
    voice = play._voice(np.ones(48000), 0.5, 127)
    assert voice.max() == pytest.approx(10 ** (-12 / 20), rel=1e-3)
    np.testing.assert_allclose(voice, voice.max() * envelope(np.ones(48000), 48000, 500), atol=1e-3)
    assert play._voice(np.ones(48000), 0.5, 64).max() == pytest.approx(voice.max() * 64 / 127, rel=1e-3)
