"""``patches/nsynth.pd`` in a real Pd without windows, and a server of a few lines beside it."""

import contextlib
import re
import time

import numpy as np
import pytest
from puredata import (
    PATCHES,
    PATIENCE,
    SAMPLE_RATE,
    FakeServer,
    PureData,
    Screen,
    finished_wav,
    frequency,
    residual_db,
    sine,
    sounding,
)

GRID = ["grid", "strings", 9, 9, 16, 24, 84]


@pytest.fixture
def server():
    with FakeServer() as server:
        yield server


@pytest.fixture
def patch(server, tmp_path):
    with PureData(PATCHES / "nsynth.pd", tmp_path, server.port) as pd:
        server.meet()
        server.send("/out", "voices", 12, SAMPLE_RATE)
        yield pd


@pytest.fixture
def met(patch, server):
    """The patch, when it has told the server all it tells a new one."""
    server.message("voices")
    server.send("/sync", 99)
    server.expect("/synced", 99)
    return patch


def quiet(server):
    """Whether the patch sends nothing but signs of life for a while."""
    server.sync()
    return server.receive(0.3) is None


def test_patch_tells_a_new_server_where_the_pad_is_and_which_voices_it_has(patch, server):
    assert server.message("voices") == [f"{patch.dollar_zero}-voice", 12, SAMPLE_RATE, 8]
    server.sync()
    said = [arguments[1:] for address, arguments in server.seen if address == "/msg"]
    assert ["position_rel", 0.5, 0.5] in said
    assert ["release", 300] in said
    server.send("/size", f"{patch.dollar_zero}-voice12")
    assert server.expect("/size")[1] == 192064
    assert patch.complaints() == []


def test_pad_sends_row_and_column_from_the_top_left(met, server):
    for x, y in ((0, 0), (1, 0), (0, 1), (0.25, 0.75)):
        met.send("$0-to-pad", "values", x, y)
        assert server.message("position_rel") == [y, x]


@pytest.mark.skipif(Screen.missing(), reason=f"needs {' '.join(Screen.missing())}")
def test_mouse_finds_the_first_sound_at_the_top_left_of_the_pad(server, tmp_path):
    text = (PATCHES / "nsynth.pd").read_text()
    left, top = (int(word) for word in re.search(r"#X obj (\d+) (\d+) xypad", text).groups())
    height = int(text.split()[5])
    with Screen() as screen, PureData(PATCHES / "nsynth.pd", tmp_path, server.port, screen=screen):
        server.meet()
        window, menu = screen.canvas("^nsynth.pd", height)
        until = time.monotonic() + PATIENCE
        place = None
        while place != [0, 0]:  # another process draws the windows
            assert time.monotonic() < until, place
            screen.do("mousemove", "--window", window, left + 8, menu + top + 8, "mousedown", 1,
                      "mouseup", 1)
            with contextlib.suppress(AssertionError):
                place = server.expect("/msg", 1, "position_rel", timeout=0.2)[2:]
        screen.do("mousemove", "--window", window, left + 246, menu + top + 8, "mousedown", 1,
                  "mousemove", "--window", window, left + 246, menu + top + 128, "mouseup", 1)
        while place != pytest.approx([0.5, 1], abs=0.04):
            place = server.message("position_rel")


def test_pad_moved_by_somebody_else_is_shown_and_not_sent_back(met, server):
    server.send("/out", *GRID)
    server.send("/out", "position", 0.25, 1.0)
    server.send("/out", "cell", 2, 8)
    assert quiet(server)
    met.send("$0-to-pad", "bang")
    assert server.message("position_rel") == [0.25, 1]
    assert met.complaints() == []


def test_cell_is_shown_on_the_pad_and_as_row_and_column(met, server):
    met.listen("$0-to-pad", "pad")
    met.listen("$0-show-cell", "cell")
    server.send("/out", *GRID)
    assert met.report("pad") == ["grid", 9, 9]
    server.send("/out", "cell", 0, 4)
    assert met.report("pad") == ["cell", 0, 4]
    assert met.report("cell") == ["label", "row 1  column 5"]
    server.send("/out", "grid", "none", 0, 0, 0, 0, 0)
    assert met.report("pad") == ["grid", 0, 0]
    assert met.report("cell") == ["label", "no cell yet"]


def test_corners_have_their_names_which_end_where_the_pad_ends(met, server):
    for number, name, shown, left in ((1, "flute", "flute", 0), (2, "cello one", "cello one", 126 - 63),
                                      (3, "keyboard_electronic_069", "keyboard_electroni", 0),
                                      (4, "keyboard_electronic_069", "keyboard_electroni", 0)):
        met.listen(f"$0-corner-{number}", f"corner-{number}")
        server.send("/out", "corner", number, name)
        assert met.report(f"corner-{number}") == ["label_pos", left, 6]
        assert met.report(f"corner-{number}") == ["label", shown]
    assert met.complaints() == []


def test_midi_controllers_move_the_pad_one_number_each(met, server):
    met.send("#ctlin", 16, 127, 1)
    assert server.message("position_rel") == [0.5, 1]
    met.send("#ctlin", 17, 0, 1)
    assert server.message("position_rel") == [0, 1]
    server.send("/out", "position", 0.75, 0.25)
    server.sync()
    met.send("#ctlin", 17, 127, 1)
    assert server.message("position_rel") == [1, 0.25]
    met.send("#ctlin", 18, 60, 1)
    met.send("$0-controller-x", 18)
    assert quiet(server)
    met.send("#ctlin", 18, 0, 1)
    assert server.message("position_rel") == [1, 0]


def test_pad_moved_without_a_server_says_nothing_and_is_told_later(server, tmp_path):
    with PureData(PATCHES / "nsynth.pd", tmp_path, server.port) as pd:
        for k in range(10):
            pd.send("$0-to-pad", "values", 0.1 * k, 1.0)
        assert pd.ping()
        server.expect("/remembered")
        server.send("/alive")
        server.message("voices")
        assert quiet(server)
        places = [arguments[2:] for address, arguments in server.seen
                  if arguments[1:2] == ["position_rel"]]
        assert places == [pytest.approx([1, 0.9])]
        assert "lost" not in pd.console


def test_keys_pedal_panic_and_release_go_to_the_server(met, server):
    met.note(60, 100)
    assert server.message("note_on") == [60, 100]
    met.note(60, 0)
    assert server.message("note_off") == [60]
    met.send("$0-note", 62, 80)
    assert server.message("note_on") == [62, 80]
    met.send("#ctlin", 64, 127, 1)
    assert server.message("sustain") == [127]
    met.send("$0-release", 1234.5)
    assert server.message("release") == [1234]
    met.send("$0-panic", "bang")
    assert server.message("panic") == []


def test_repeat_toggle_follows_the_grid_and_rules_when_it_is_used(met, server):
    met.listen("$0-loop-set", "loop")
    server.send("/out", "loop", 1)
    assert met.report("loop") == ["set", 1]
    assert quiet(server)
    met.send("$0-loop", 0)
    assert server.message("loop") == [0]


def test_keys_are_grey_until_there_is_a_grid(met, server):
    met.listen("$0-keyboard", "keys")
    met.listen("$0-show-grid", "name")
    server.send("/out", *GRID)
    assert met.report("keys") == ["allready"]
    assert met.report("name") == ["label", "strings: 9 x 9 cells of 16 notes from 24 to 84"]
    server.send("/out", "grid", "none", 0, 0, 0, 0, 0)
    assert met.report("keys") == ["unready"]
    assert met.report("name") == ["label", "no grid yet"]


def test_what_the_server_reports_is_shown_without_complaint(met, server):
    met.listen("$0-show-failure", "failure")
    met.listen("$0-show-progress", "progress")
    text = "no such file: /a b/c.bin; {try} [load first_grid] $1 \\"
    for report in (["busy", 1], ["progress", 0.404], ["progress", 1.0], GRID, ["corner", 1, "-"],
                   ["loaded", 9, 9, 60000, 16000, 24, 28, 84], ["busy", 0], ["fail", "load", text],
                   ["unloaded"]):
        server.send("/out", *report)
    assert met.report("progress") == ["label", "made: 40 %"]
    assert met.report("progress") == ["label", "made: 100 %"]
    assert met.report("progress") == ["label", "empty"]
    assert met.report("failure") == ["label", "empty"]  # of `loaded`
    assert met.report("failure") == ["label", f"load: {text}"]
    assert met.report("failure") == ["label", "empty"]
    assert [line for line in met.complaints() if "no such file" not in line] == []


def test_patch_plays_the_voice_it_is_told_and_records_itself(met, server, tmp_path):
    met.write("$0-voice7", sine(330, 1))
    path = tmp_path / "my recording.wav"
    with met.recording() as sound:
        met.send("pdbridge-record", "start", str(path))
        server.send("/out", "play", 7, 64, 127, 85.3)
        server.send("/out", "extend", 7, 900.0)
        time.sleep(0.5)
        server.send("/out", "release", 7, 100)
        time.sleep(0.3)
        met.send("pdbridge-record", "stop")
        assert met.ping()
    samples = sound.samples[:, 0]
    begin, end = sounding(samples)
    assert abs(samples).max() == pytest.approx(0.8 * 10 ** (-12 / 20), rel=0.02)
    assert frequency(samples[begin + 500:begin + 20000]) == pytest.approx(330, abs=0.05)
    assert (end - begin) / SAMPLE_RATE == pytest.approx(0.6, abs=0.1)
    assert abs(finished_wav(path)).max() == pytest.approx(abs(samples).max(), abs=1e-6)
    assert met.complaints() == []


def test_voice_repeats_when_the_server_says_so(met, server):
    met.write("$0-voice3", sine(480, 1))
    with met.recording() as sound:
        server.send("/out", "play", 3, 64, 127, 900.0)
        server.send("/out", "repeat", 3, 300.0, 500.0)  # 240 periods; in time, before 800 ms are over
        time.sleep(1.7)
        server.send("/out", "release", 3, 50)
        time.sleep(0.2)
    samples = sound.samples[:, 0]
    begin, end = sounding(samples)
    assert (end - begin) / SAMPLE_RATE == pytest.approx(1.75, abs=0.1)
    # In the first 20 ms of a patch its level glides up.
    assert residual_db(samples[begin + 1000:end - 4000], 480) < -70


def test_panic_silences_the_voices_even_without_the_server(met, server):
    met.write("$0-voice1", sine(330, 2))
    with met.recording() as sound:
        server.send("/out", "play", 1, 64, 127, 1900)
        time.sleep(0.2)
        met.send("$0-panic", "bang")
        time.sleep(0.2)
    assert sounding(sound.samples[:, 0])[1] < len(sound.samples) - 0.1 * SAMPLE_RATE


@pytest.mark.parametrize("rate", [16000, 22050])
def test_render_to_an_array_and_hear_it_at_the_rate_of_the_grid(rate, met, server):
    array = f"{met.dollar_zero}-sound"
    server.send("/out", "loaded", 9, 9, 8000, rate, 24, 84)
    met.send("$0-render", "bang")
    assert server.message("render") == [array, 60]
    server.send("/resize", array, 8000)
    server.sync()
    met.write(array, sine(440, 8000 / rate, sample_rate=rate)[:8000])
    with met.recording() as sound:
        server.send("/out", "rendered", array)
        time.sleep(0.8)
    samples = sound.samples[:, 0]
    begin, end = sounding(samples)
    assert (end - begin) / SAMPLE_RATE == pytest.approx(8000 / rate, abs=0.01)
    assert frequency(samples[begin + 500:end - 500]) == pytest.approx(440, abs=0.1)
    assert np.array_equal(sound.samples[:, 0], sound.samples[:, 1])
