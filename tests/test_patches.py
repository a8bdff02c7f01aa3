"""The patches, in a real Pd without windows: they load, sound, and speak docs/protocol.md."""

import contextlib
import re
import time

import numpy as np
import pytest
from puredata import (
    CLONE,
    OBJECTS,
    PATCHES,
    PATIENCE,
    SAMPLE_RATE,
    FakeServer,
    PureData,
    Screen,
    finished_wav,
    frequency,
    image_db,
    largest_step,
    records,
    residual_db,
    sine,
    sounding,
)

COURSE_PATCH = CLONE / "tests/data/course_patch.pd"
FILES = sorted(PATCHES.glob("*.pd"))
INSTRUMENTS = [file.stem for file in FILES
               if "pyext. pdbridge.pyext" in file.read_text() and not file.stem.endswith("-help")]
HELP = sorted(PATCHES.glob("*-help.pd"))
ABSTRACTIONS = {file.stem: "" for file in FILES if not file.stem.endswith("-help")}
ABSTRACTIONS |= {"notevoice~": "1 test", "arrayslider": "test -1 1", "out~": "test-sum",
                 "pyext.": "pdbridge.pyext gansynth @detach 1", "arraywatch": "test",
                 "componentslider": "1 test", "longsound~": "test"}
for instrument in INSTRUMENTS:
    ABSTRACTIONS.pop(instrument)

#: The objects of Pd 0.52 itself.
VANILLA = set("""
    bang b float f symbol int i send s receive r select sel route pack unpack trigger t spigot moses
    until print makefilename change swap value v list
    delay del metro line timer cputime realtime pipe
    + - * / pow == != > < >= <= & | && || << >> % mod div sin cos tan atan atan2 sqrt log exp abs
    expr expr~ fexpr~ random max min clip wrap mtof ftom powtodb rmstodb dbtopow dbtorms
    notein ctlin pgmin bendin touchin polytouchin midiin sysexin midirealtimein midiclkin
    noteout ctlout pgmout bendout touchout polytouchout midiout makenote stripnote poly oscparse
    oscformat fudiparse fudiformat
    tabread tabread4 tabwrite soundfiler table array text textfile qlist
    loadbang declare savestate pdcontrol netsend netreceive key keyup keyname openpanel savepanel
    bag trace clone pd inlet outlet inlet~ outlet~ namecanvas block~ switch~
    struct drawcurve filledcurve drawpolygon filledpolygon plot drawnumber drawsymbol drawtext
    pointer get set element getsize setsize append scalar
    +~ -~ *~ /~ max~ min~ clip~ sqrt~ rsqrt~ wrap~ fft~ ifft~ rfft~ rifft~ pow~ log~ exp~ abs~
    framp~ mtof~ ftom~ rmstodb~ dbtorms~ powtodb~ dbtopow~
    dac~ adc~ sig~ line~ vline~ threshold~ snapshot~ vsnapshot~ bang~ samplerate~ send~ s~ receive~
    r~ throw~ catch~ readsf~ writesf~ print~
    phasor~ cos~ osc~ tabwrite~ tabplay~ tabread~ tabread4~ tabosc4~ tabsend~ tabreceive~
    vcf~ noise~ env~ hip~ lop~ bp~ biquad~ samphold~ rpole~ rzero~ rzero_rev~ cpole~ czero~
    czero_rev~ slop~ delwrite~ delread~ delread4~ vd~
    bng tgl nbx vsl hsl vradio hradio vu cnv
""".split())


def canvases(text):
    """For each canvas of a patch: its boxes, and its connections as (from, outlet, to, inlet)."""
    stack, done = [], []
    for record in records(text):
        if record[:2] == ["#N", "canvas"]:
            stack.append(([], []))
        elif record[:2] == ["#X", "restore"]:
            done.append(stack.pop())
            stack[-1][0].append(["#X", "obj", *record[2:]])
        elif record[:2] == ["#X", "connect"]:
            stack[-1][1].append([int(word) for word in record[2:6]])
        elif record[0] == "#X" and record[1] in OBJECTS:
            stack[-1][0].append(record)
    assert len(stack) == 1, "a canvas is not closed"
    return done + stack


def rig(*objects, chain=True):
    """The text of a patch with these objects in one column, the first outlet of each to the next."""
    lines = ["#N canvas 40 40 600 400 10;"]
    lines += [f"#X obj 20 {20 + 30 * k} {text};" for k, text in enumerate(objects)]
    if chain:
        lines += [f"#X connect {k} 0 {k + 1} 0;" for k in range(len(objects) - 1)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("file", [*FILES, COURSE_PATCH], ids=lambda file: file.stem)
def test_patch_is_well_formed_and_vanilla(file):
    text = file.read_text()
    assert "\r" not in text
    for boxes, connections in canvases(text):
        for box in boxes:
            if box[1] == "obj":
                name = box[4]
                assert name in VANILLA or name in ABSTRACTIONS or name == "graph", box
            if box[1] == "msg":
                assert not any("$0" in word for word in box), f"a message box does not expand {box}"
        for source, _, target, _ in connections:
            assert max(source, target) < len(boxes), "a connection to nowhere"
            assert boxes[source][1] != "text" and boxes[target][1] != "text"


def test_every_abstraction_has_a_help_patch():
    assert {file.stem.removesuffix("-help") for file in HELP} == set(ABSTRACTIONS)


@pytest.mark.parametrize("name", sorted(ABSTRACTIONS))
def test_abstraction_loads_without_complaint(name, tmp_path):
    patch = rig(f"{name} {ABSTRACTIONS[name]}", "array define test 300", chain=False)
    with PureData(patch, tmp_path) as pd:
        assert pd.complaints() == []


@pytest.mark.parametrize("file", [*(PATCHES / f"{name}.pd" for name in INSTRUMENTS), COURSE_PATCH],
                         ids=lambda file: file.stem)
def test_patch_loads_without_complaint_and_without_a_server(file, tmp_path):
    with PureData(file, tmp_path) as pd:
        assert pd.complaints() == []


@pytest.mark.parametrize("file", HELP, ids=lambda file: file.stem)
def test_help_patch_makes_sound(file, tmp_path):
    with PureData(file, tmp_path) as pd:
        if file.stem == "pyext.-help":
            pd.write("help-sound", sine(400, 1))  # in place of the server
        with pd.recording() as sound:
            pd.send("help-start", "bang")
            time.sleep(0.4)
        assert pd.complaints() == []
    assert 0.01 < abs(sound.samples).max() < 1
    assert np.array_equal(sound.samples[:, 0], sound.samples[:, 1])


# One voice


@pytest.fixture
def voice(tmp_path):
    with PureData(rig("r voice", "notevoice~ 1 test", "dac~"), tmp_path) as pd:
        yield pd


def played(pd, *steps):
    """What is heard while messages go to the voice; a number waits that many ms."""
    with pd.recording() as sound:
        for step in steps:
            if isinstance(step, str):
                pd.send("voice", *(float(w) if w[0].isdigit() else w for w in step.split()))
            else:
                time.sleep(step / 1000)
    return sound.samples[:, 0]


def test_voice_plays_the_exact_pitch(voice):
    voice.write("test1", sine(1234.5, 2))
    samples = played(voice, "play 60 127 2000", 1200)
    begin, _ = sounding(samples)
    assert frequency(samples[begin + 500:begin + 40000]) == pytest.approx(1234.5, abs=0.01)


def test_voice_reads_notes_at_the_rate_it_is_told(voice):
    voice.write("test1", sine(441, 2, sample_rate=32000))
    samples = played(voice, "rate 32000", "play 60 127 1000", 800)
    begin, _ = sounding(samples)
    assert frequency(samples[begin + 500:begin + 30000]) == pytest.approx(441, abs=0.01)


def test_voice_reads_whole_samples_at_the_hosts_own_rate(voice):
    ramp = np.arange(40000, dtype=np.float32) / (1 << 17)
    voice.write("test1", ramp)
    samples = played(voice, "rate 48000", "play 60 127 800", 700)
    begin, _ = sounding(samples)
    indices = samples[begin + 200:begin + 30000] * (1 << 17)
    assert abs(np.diff(indices) - 1).max() < 1e-3
    assert abs(indices - np.round(indices)).max() < 1e-3


def test_velocity_is_loudness(voice):
    voice.write("test1", sine(500, 2))
    loud = abs(played(voice, "play 60 127 300", 400)).max()
    soft = abs(played(voice, "play 60 32 300", 400)).max()
    assert loud == pytest.approx(0.8, rel=0.01)
    assert soft / loud == pytest.approx(32 / 127, rel=0.01)


def test_idle_voice_is_exactly_silent(voice):
    voice.write("test1", np.full(4800, 0.7))
    assert abs(played(voice, 200)).max() == 0
    played(voice, "play 60 127 90", 200)
    assert abs(played(voice, 200)).max() == 0


def test_voice_fades_out_before_the_promised_end(voice):
    voice.write("test1", np.full(30000, 0.5))
    samples = played(voice, "play 60 127 300", 500)
    begin, end = sounding(samples)
    assert end - begin == pytest.approx(0.300 * SAMPLE_RATE, abs=4)
    fade = samples[begin + int(0.2899 * SAMPLE_RATE):end + 1]
    assert fade[0] == pytest.approx(0.5, abs=0.01) and np.all(np.diff(fade) <= 0)
    assert largest_step(samples) < 0.5 / 90


def test_extend_counts_from_the_start_of_the_note(voice):
    voice.write("test1", np.full(40000, 0.5))
    samples = played(voice, "play 60 127 300", 100, "extend 550", 700)
    begin, end = sounding(samples)
    assert end - begin == pytest.approx(0.550 * SAMPLE_RATE, abs=4)


def test_release_and_stop_fade_over_their_time(voice):
    voice.write("test1", np.full(90000, 0.5))
    for word, seconds in (("release", 0.2), ("stop", 0.01)):
        samples = played(voice, "play 60 127 1800", 100, f"{word} {seconds * 1000:g}", 400)
        _, end = sounding(samples)
        fading = np.flatnonzero(samples > 0.4999)[-1]
        assert (end - fading) / SAMPLE_RATE == pytest.approx(seconds, abs=0.001)


def test_release_does_not_outlast_the_promised_end(voice):
    voice.write("test1", np.full(40000, 0.5))
    samples = played(voice, "play 60 127 300", 150, "release 2000", 400)
    begin, end = sounding(samples)
    assert end - begin <= 0.301 * SAMPLE_RATE


def test_stolen_or_struck_again_a_voice_does_not_click(voice):
    tone = sine(200, 3)
    voice.write("test1", tone)
    steps = ["play 60 127 2900", 131, "play 60 127 2900", 77, "play 62 80 2900", 1, "play 64 127 2900",
             93, "stop 5", 2, "play 60 127 2900", 150, "release 30", 11, "play 60 127 2900", 100,
             "stop 10", 100]
    samples = played(voice, *steps)
    assert abs(samples).max() > 0.7
    assert largest_step(samples) < largest_step(tone) + 0.8 / 90  # the tone's own, and a 2 ms ramp


def test_key_let_go_while_the_voice_is_being_freed_does_not_sound(voice):
    voice.write("test1", np.full(90000, 0.5))
    samples = played(voice, "play 60 127 1800", 100, "play 62 127 1800", "release 5", 200)
    _, end = sounding(samples)
    assert end / SAMPLE_RATE < 0.2


# A voice that repeats: what the server bakes is a seam behind which the array goes on like the start

LOOP_START, LOOP_LENGTH = 23457, 1300  # samples: neither is a multiple of Pd's blocks
LOOP_HERTZ = SAMPLE_RATE / 100  # 13 periods


def loop_of(sample_rate=SAMPLE_RATE):
    """A tone to play, loud nonsense from the fourth sample behind the seam on, and the message."""
    tone = sine(sample_rate / 100, 1, sample_rate)
    tone[1 + LOOP_START + LOOP_LENGTH + 3:] = 0.9
    return tone, f"repeat {1000 * LOOP_START / sample_rate!r} {1000 * LOOP_LENGTH / sample_rate!r}"


def test_repeated_voice_has_no_seam_and_outlasts_its_promise(voice):
    tone, repeat = loop_of()
    voice.write("test1", tone)
    samples = played(voice, "play 60 127 510", 60, repeat, 40, "extend 515", 1700, "release 100", 300)
    begin, end = sounding(samples)
    assert (end - begin) / SAMPLE_RATE == pytest.approx(1.9, abs=0.05)
    held = samples[begin + 500:begin + int(1.6 * SAMPLE_RATE)]
    assert residual_db(held, LOOP_HERTZ) < -70
    released = samples[end - int(0.105 * SAMPLE_RATE):end]
    assert largest_step(released) < 1.05 * largest_step(held)


@pytest.mark.parametrize("rate", [44100, 96000])
def test_repeated_voice_has_no_seam_at_other_rates(rate, tmp_path):
    notes = min(rate, SAMPLE_RATE)
    with PureData(rig("r voice", "notevoice~ 1 test", "dac~"), tmp_path, sample_rate=rate) as pd:
        tone, repeat = loop_of(notes)
        pd.write("test1", tone)
        pd.send("voice", "rate", float(notes))
        samples = played(pd, "play 60 127 510", repeat, 1300)
        begin, _ = sounding(samples)
        assert residual_db(samples[begin + 1000:begin + rate], notes / 100, rate) < -70


def test_stolen_voice_that_repeats_goes_over_to_a_note_that_ends(voice):
    tone, repeat = loop_of()
    voice.write("test1", tone)
    samples = played(voice, "play 60 127 510", repeat, 900, "play 62 127 300", 600)
    begin, end = sounding(samples)
    assert (end - begin) / SAMPLE_RATE == pytest.approx(1.2, abs=0.05)
    assert largest_step(samples) < largest_step(tone[:20000]) + 0.8 / 90


def test_note_that_takes_over_a_voice_may_repeat_too(voice):
    tone, repeat = loop_of()
    voice.write("test1", tone)
    samples = played(voice, "play 60 127 510", 100, "play 62 127 510", repeat, 1500, "stop 10", 200)
    begin, end = sounding(samples)
    assert (end - begin) / SAMPLE_RATE == pytest.approx(1.61, abs=0.05)
    assert residual_db(samples[begin + 6000:end - 1000], LOOP_HERTZ) < -70


def test_repeat_that_comes_too_late_lets_the_note_end(voice):
    tone = sine(480, 1)
    voice.write("test1", tone)
    samples = played(voice, "play 60 127 600", 300, "repeat 100 50", 700)
    begin, end = sounding(samples)
    assert end - begin == pytest.approx(0.600 * SAMPLE_RATE, abs=4)
    assert largest_step(samples) < 1.05 * largest_step(tone)
    assert abs(played(voice, "repeat 10 50", 200)).max() == 0


def test_notes_at_the_hosts_rate_have_no_image_and_the_course_way_has(voice, tmp_path):
    voice.write("test1", sine(6000, 2))
    samples = played(voice, "play 60 127 1900", 900)
    begin, _ = sounding(samples)
    assert image_db(samples[begin + 500:begin + 32000], 6000) < -60
    with FakeServer() as server, PureData(COURSE_PATCH, tmp_path, server.port) as pd:
        server.meet()
        pd.write("$0-sound", sine(6000, 3.9, sample_rate=16000))
        with pd.recording() as sound:
            server.send("/out", "synthesized")
            time.sleep(0.8)
    course = sound.samples[:, 0]
    begin, _ = sounding(course)
    assert -16 < image_db(course[begin + 500:begin + 30000], 6000) < -8


# The object [pyext. ...]


def pyext_rig(*arrays):
    """A patch around [pyext. ...]: messages go in at ``in``, what comes out is reported."""
    boxes = ["r in", "pyext. pdbridge.pyext gansynth @detach 1", "list prepend out", "list trim",
             "s session-report", *(f"array define {name} {size}" for name, size in arrays)]
    text = rig(*boxes, chain=False)
    return text + "".join(f"#X connect {a};\n" for a in ("0 0 1 1", "1 0 2 0", "2 0 3 0", "3 0 4 0"))


@pytest.fixture
def server():
    with FakeServer() as server:
        yield server


@pytest.fixture
def pyext(server, tmp_path):
    patch = pyext_rig(("z", 256), ("my\\ array", 8192))
    with PureData(patch, tmp_path, server.port) as pd:
        yield pd


def test_introduction_names_the_folder_of_the_patch_and_the_arguments(pyext, server):
    folder = str(pyext.patch.parent)
    assert server.receive() == ("/new", [folder, "pdbridge.pyext", "gansynth", "@detach", 1])
    assert server.receive() == ("/remembered", [])


def test_folder_with_spaces_arrives_as_one_string(server, tmp_path):
    folder = tmp_path / "my Pd patches"
    folder.mkdir()
    with PureData(pyext_rig(), folder, server.port) as pd:
        assert server.expect("/new")[0] == str(pd.patch.parent)


def test_who_is_answered_with_what_the_server_asked_to_remember(pyext, server):
    server.meet()
    server.send("/remember", "load", "my model", "voices", 12, 0.5)
    server.send("/who")
    server.expect("/new")
    assert server.expect("/remembered") == ["load", "my model", "voices", 12, 0.5]
    server.send("/remember")
    server.send("/who")
    assert server.expect("/remembered") == []


def test_sign_of_life_comes_every_second(pyext, server):
    server.meet()
    seen = []
    until = time.monotonic() + 2.6
    while time.monotonic() < until:
        message = server._socket.receive(until - time.monotonic())
        if message:
            seen.append(message[0])
            server.send("/alive")
    assert 2 <= seen.count("/alive") <= 3


def test_any_message_arrives_with_its_selector(pyext, server):
    server.meet()
    assert pyext.report("out") == ["server", 1]
    for message in (["bang"], ["float", 5], ["float", 0.1], ["symbol", "a b"], ["list", 1, 2, 3],
                    ["list", "a", 5], ["load", "all instruments", 8], ["note_on", 60, 100]):
        pyext.send("in", *message)
        inlet, *atoms = server.expect("/msg")
        assert inlet == 1
        assert atoms == pytest.approx(message) if message[0] == "float" else atoms == message


def test_outlet_gives_lists_whose_words_keep_their_spaces(pyext, server):
    server.meet()
    assert pyext.report("out") == ["server", 1]
    server.send("/out", "loaded", 64000, 16000)
    server.send("/out", "fail", "load", "no folder, at all; $1 {here} [there]")
    server.send("/out", "randomized")
    assert pyext.report("out") == ["loaded", 64000, 16000]
    assert pyext.report("out") == ["fail", "load", "no folder, at all; $1 {here} [there]"]
    assert pyext.report("out") == ["randomized"]


def test_outlet_gives_lists_and_not_messages(server, tmp_path):
    patch = pyext_rig().replace("list prepend out", "print outlet")
    with PureData(patch, tmp_path, server.port) as pd:
        server.meet()
        server.send("/out", "loaded", 64000, 16000)
        server.sync()
        assert "outlet: list loaded 64000 16000" in pd.console


def test_arrays_are_written_and_read_exactly(pyext, server):
    server.meet()
    values = np.random.default_rng(1).standard_normal(4096).astype(np.float32)
    server.send("/set", "my array", 3000.0, values)
    server.send("/get", "my array", 3000, 4096)
    name, start, *answer = server.expect("/array")
    assert (name, start) == ("my array", 3000)
    assert np.array_equal(np.array(answer, np.float32), values)
    server.send("/get", "my array", 8190, 10)
    assert server.expect("/array") == ["my array", 8190, 0, 0]


def test_arrays_are_measured_and_resized(pyext, server):
    server.meet()
    server.send("/resize", "my array", 192064)
    server.send("/size", "my array")
    assert server.expect("/size") == ["my array", 192064]


def test_missing_array_shows_by_the_sync_coming_alone(pyext, server):
    server.meet()
    for question in (["/size", "none"], ["/get", "none", 0, 10], ["/set", "none", 0.0, np.ones(3)]):
        server.send(*question)
        server.send("/sync", 17)
        assert server.receive() == ("/synced", [17])


def test_print_is_one_line_for_the_pd_window(pyext, server):
    server.meet()
    server.send("/print", "small_hours is loaded, 61 keys")
    server.sync()
    assert "pdbridge: small_hours is loaded, 61 keys\n" in pyext.console


def test_server_gone_and_back(pyext, server):
    server.meet()
    assert pyext.report("out") == ["server", 1]
    began = time.monotonic()
    assert pyext.report("out") == ["server", 0]
    assert time.monotonic() - began == pytest.approx(3, abs=0.5)
    assert f"port {server.port} - start it with: pdbridge serve" in pyext.console
    pyext.send("in", "load", "small_hours")
    assert pyext.ping()
    assert "lost: load small_hours" in pyext.console
    server.send("/alive")
    assert pyext.report("out") == ["server", 1]
    pyext.send("in", "load", "second_light")
    assert server.message("load") == ["second_light"]
    assert ("/msg", [1, "load", "small_hours"]) not in server.seen


def test_no_packet_costs_pd_more_than_a_third_of_a_millisecond(pyext, server):
    server.meet()
    values = np.ones(4096, np.float32)

    def written():
        server.send("/set", "my array", 1.0, values)
        server.sync()

    assert np.median([pyext.cost(written) for _ in range(40)]) < 0.3


# The instrument


@pytest.fixture
def gansynth(server, tmp_path):
    with PureData(PATCHES / "gansynth.pd", tmp_path, server.port) as pd:
        server.meet()
        server.send("/out", "voices", 12, SAMPLE_RATE)
        yield pd


def test_patch_offers_its_voices_when_the_server_is_there(gansynth, server):
    assert server.message("voices") == [f"{gansynth.dollar_zero}-voice", 12, SAMPLE_RATE, 8]
    server.send("/size", f"{gansynth.dollar_zero}-voice12")
    assert server.expect("/size")[1] == 192064


def test_midi_keys_and_pedal_go_to_the_server(gansynth, server):
    server.message("voices")
    gansynth.note(60, 100)
    assert server.message("note_on") == [60, 100]
    gansynth.note(60, 0)
    assert server.message("note_off") == [60]
    gansynth.send("#ctlin", 64, 127, 1)
    assert server.message("sustain") == [127]


def test_first_model_gets_a_random_timbre_and_the_next_keeps_it(gansynth, server):
    server.message("voices")
    z = f"{gansynth.dollar_zero}-z"
    server.send("/out", "loaded", 64000, 16000)
    assert server.message("randomize_z") == [z]
    server.send("/set", z, 0.0, np.linspace(-1, 1.1, 256).astype(np.float32))
    server.send("/out", "randomized")
    assert server.message("z") == [z]
    server.send("/out", "loaded", 64000, 16000)
    server.sync()
    assert server.seen[-2:] == [("/msg", [1, "z", z]), ("/synced", [1])]


def test_drawn_timbre_is_played_once_when_it_keeps_still(gansynth, server):
    server.message("voices")
    z = f"{gansynth.dollar_zero}-z"
    gansynth.write(z, np.linspace(-1, 1.3, 256))
    assert server.message("z") == [z]
    assert server.receive(0.5) is None


def test_timbres_are_kept_and_mixed(gansynth, server):
    server.message("voices")
    z = f"{gansynth.dollar_zero}-z"
    gansynth.send("$0-watch", 0)
    gansynth.write(z, np.arange(256))
    gansynth.send("$0-keep-b", "bang")
    server.send("/get", f"{z}2", 254, 10)
    assert server.expect("/array") == [f"{z}2", 254, 254, 255]
    gansynth.send("$0-slerp", 0.25)
    assert server.message("slerp_z") == [f"{z}1", f"{z}2", z, 0.25]
    gansynth.send("$0-file", "save_z", "my timbre.npy")
    assert server.message("save_z") == [z, "my timbre.npy"]
    gansynth.send("$0-file", "load_z", "my timbre.npy")
    assert server.message("load_z") == ["my timbre.npy", z]


def test_patch_plays_the_voice_it_is_told(gansynth, server, tmp_path):
    server.message("voices")
    gansynth.write("$0-voice7", sine(330, 1))
    path = tmp_path / "my recording.wav"
    with gansynth.recording() as sound:
        gansynth.send("pdbridge-record", "start", str(path))
        server.send("/out", "play", 7, 64, 127, 85.3)
        server.send("/out", "extend", 7, 900.0)
        time.sleep(0.5)
        server.send("/out", "release", 7, 100)
        time.sleep(0.3)
        gansynth.send("pdbridge-record", "stop")
        assert gansynth.ping()
    samples = sound.samples[:, 0]
    begin, end = sounding(samples)
    assert abs(samples).max() == pytest.approx(0.8 * 10 ** (-12 / 20), rel=0.02)
    assert frequency(samples[begin + 500:begin + 20000]) == pytest.approx(330, abs=0.05)
    assert (end - begin) / SAMPLE_RATE == pytest.approx(0.6, abs=0.1)
    recorded = finished_wav(path)
    assert abs(recorded).max() == pytest.approx(abs(samples).max(), abs=1e-6)
    assert np.array_equal(recorded[:, 0], recorded[:, 1])
    assert gansynth.complaints() == []


def test_what_the_server_reports_is_shown_without_complaint(gansynth, server):
    server.message("voices")
    for report in (["model", "small_hours", 61, 24, 84], ["ready", 0, 61, -1], ["busy", 1],
                   *(["ready", k - 23, 61, k] for k in range(24, 85)), ["busy", 0],
                   ["fail", "load", "no such folder: /a b/c; {try} [load small_hours] $1 \\"],
                   ["saved", "my timbre.npy"], ["model", "none", 0, 0, 0], ["unloaded"]):
        server.send("/out", *report)
    server.sync()
    broken = [line for line in gansynth.complaints() if "no such folder" not in line]
    assert broken == []


def test_panic_silences_the_voices_even_without_the_server(gansynth, server):
    server.message("voices")
    gansynth.write("$0-voice1", sine(330, 2))
    with gansynth.recording() as sound:
        server.send("/out", "play", 1, 64, 127, 1900)
        time.sleep(0.2)
        gansynth.send("$0-panic", "bang")
        time.sleep(0.2)
    assert server.message("panic") == []
    assert sounding(sound.samples[:, 0])[1] < len(sound.samples) - 0.1 * SAMPLE_RATE


def test_render_to_an_array_and_hear_it(gansynth, server):
    server.message("voices")
    number = gansynth.dollar_zero
    gansynth.send("$0-synthesize", "bang")
    assert server.message("synthesize") == [f"{number}-z", f"{number}-sound", 60]
    gansynth.write(f"{number}-sound", sine(440, 3.9, sample_rate=16000))
    with gansynth.recording() as sound:
        server.send("/out", "synthesized")
        time.sleep(0.6)
    samples = sound.samples[:, 0]
    begin, _ = sounding(samples)
    assert frequency(samples[begin + 500:begin + 24000]) == pytest.approx(440, abs=0.05)


def test_a_click_on_a_key_is_a_note_and_shows(server, tmp_path):
    text = rig("r keys", "keyboard", "list prepend click", "list trim", "s session-report")
    with PureData(text, tmp_path) as pd:
        keyboard = (PATCHES / "keyboard.pd").read_text()
        assert len(re.findall(r"cnv 1 \d+ \d+ empty \\\$0-key-", keyboard)) == 61
        for message in (["gate", 50], ["ready", 60], ["press", 60], ["lift", 60], ["unready"]):
            pd.send("keys", *message)
        number = pd.dollar_zero + 1
        for slider, pixel, pitch in (("upper", 0, 24), ("upper", 24, 25), ("upper", 60, 28),
                                     ("lower", 0, 24), ("lower", 863, 84), ("lower", 24 * 21, 60)):
            pd.send(f"{number}-{slider}", pixel)
            assert pd.report("click") == [pitch, 100]
            assert pd.report("click") == [pitch, 0]
            time.sleep(0.09)
        assert pd.complaints() == []


@pytest.fixture
def keys(tmp_path):
    patch = rig("r switch", "computerkeys", "list prepend key", "list trim", "s session-report")
    with PureData(patch, tmp_path) as pd:
        yield pd


def strike(pd, name, down):
    pd.send("#keyname", down, name)


def test_computer_keys_are_two_rows_of_a_piano(keys):
    for name, pitch in (("z", 48), ("m", 59), ("q", 60), ("2", 61), ("Z", 48), ("i", 72)):
        strike(keys, name, 1)
        assert keys.report("key") == [pitch, 100]
        strike(keys, name, 0)
        assert keys.report("key") == [pitch, 0]
    for name in ("Shift_L", "1", "F1", "space"):
        strike(keys, name, 1)
        strike(keys, name, 0)
    strike(keys, "z", 1)
    assert keys.report("key") == [48, 100]
    assert keys.complaints() == []


def test_computer_key_that_repeats_by_itself_is_one_note(keys):
    strike(keys, "z", 1)
    assert keys.report("key") == [48, 100]
    time.sleep(0.25)
    for _ in range(12):
        strike(keys, "z", 0)
        time.sleep(0.005)
        strike(keys, "z", 1)
        time.sleep(0.03)
    keys.send("switch", "octave", 4)  # the note-off still is that of the note
    strike(keys, "z", 0)
    assert keys.report("key") == [48, 0]
    strike(keys, "x", 1)
    assert keys.report("key") == [62, 100]


def test_computer_keys_can_be_switched_off(keys):
    strike(keys, "z", 1)
    assert keys.report("key") == [48, 100]
    keys.send("switch", 0)
    strike(keys, "x", 1)
    strike(keys, "z", 0)
    assert keys.report("key") == [48, 0]
    keys.send("switch", 1)
    strike(keys, "c", 1)
    assert keys.report("key") == [52, 100]


def test_array_slider_follows_the_array_and_writes_it(tmp_path):
    patch = rig("r slider", "arrayslider numbers -4 4", "list prepend changed", "list trim",
                "s session-report", "r entry", "tabread numbers", "list prepend value", "list trim",
                "s session-report", "array define numbers 256")
    patch = patch.replace("#X connect 4 0 5 0;\n", "").replace("#X connect 9 0 10 0;\n", "")
    with PureData(patch, tmp_path) as pd:
        number = pd.dollar_zero + 1
        pd.send("slider", 7)
        for receiver, atom, value in ((f"{number}-value", 2.5, 2.5), (f"{number}-reset", "bang", 0)):
            pd.send(receiver, atom)
            assert pd.report("changed") == []
            pd.send("entry", 7)
            assert pd.report("value") == [value]
        assert pd.complaints() == []


# The pad


PAD_PIXELS = 240  # from 0 to 1
PAD_EDGE = 7  # around them


@pytest.fixture
def pad(tmp_path):
    patch = rig("r pad", "xypad 0.25 1.5", "list prepend place", "list trim", "s session-report",
                "xypad", "list prepend other", "list trim", "s session-report")
    with PureData(patch.replace("#X connect 4 0 5 0;\n", ""), tmp_path) as pd:
        yield pd


def test_pad_gives_x_and_y_together_and_stops_at_its_edges(pad):
    for sent, place in (((0.3, 0.6), (0.3, 0.6)), ((-1, 7), (0, 1)), ((1, 0), (1, 0))):
        pad.send("pad", "values", *sent)
        assert pad.report("place") == pytest.approx(place)
    pad.send("pad", "grid", 9, 9)
    pad.send("pad", "cell", 3, 5)
    pad.send("pad", "grid", 1, 30)
    pad.send("pad", "grid", 0, 0)
    pad.send("pad", "bang")
    assert pad.report("place") == [1, 0]
    assert pad.complaints() == []


def test_pad_is_set_silently_and_knows_where_it_is(pad):
    pad.send("pad", "bang")
    assert pad.report("place") == [0.25, 1]  # of its arguments, where nothing has moved it
    pad.send("pad", "set", 0.5, 0.75)
    pad.send("pad", "bang")
    assert pad.report("place") == [0.5, 0.75]
    assert pad._reports == []  # neither another place, nor anything from the other pad
    assert pad.complaints() == []


def test_moving_the_pad_and_drawing_a_grid_on_it_cost_pd_little(pad):
    def move():
        for k in range(100):
            pad.send("pad", "set", k / 100, 1 - k / 100)
        assert pad.ping()

    def draw():
        for _ in range(10):
            pad.send("pad", "grid", 11, 11)
        assert pad.ping()

    assert np.median([pad.cost(move) / 100 for _ in range(9)]) < 0.3
    assert np.median([pad.cost(draw) / 10 for _ in range(9)]) < 0.3


@pytest.mark.skipif(Screen.missing(), reason=f"needs {' '.join(Screen.missing())}")
@pytest.mark.parametrize("zoom", [1, 2])
def test_pad_follows_the_mouse(zoom, tmp_path):
    patch = """#N canvas 40 40 600 300 10;
#X obj 20 20 xypad;
#X obj 300 20 xypad 0.5 0.5;
#X obj 300 282 list prepend place;
#X obj 420 282 list trim;
#X obj 500 282 s session-report;
#X obj 20 282 print another pad moved;
#X connect 0 0 5 0;
#X connect 1 0 2 0;
#X connect 2 0 3 0;
#X connect 3 0 4 0;
"""
    with Screen() as screen, PureData(patch, tmp_path, screen=screen) as pd:
        window, top = screen.canvas("^test.pd", 300)
        if zoom == 2:
            pd.send("pd-test.pd", "zoom", 2)
            assert pd.ping()
            screen.do("windowsize", "--sync", window, 1200, 600 + top)

        def point(x, y):
            return ("mousemove", "--window", window, round(zoom * (300 + PAD_EDGE + PAD_PIXELS * x)),
                    top + round(zoom * (20 + PAD_EDGE + PAD_PIXELS * y)))

        def wait_for(place, pixels):
            while pd.report("place") != pytest.approx(place, abs=pixels / PAD_PIXELS):
                pass

        drawn, until = None, time.monotonic() + PATIENCE
        while drawn != [0.5, 0.5]:  # another process draws the windows
            assert time.monotonic() < until, drawn
            screen.do(*point(0.5, 0.5), "mousedown", 1, "mouseup", 1)
            with contextlib.suppress(AssertionError):
                drawn = pd.report("place", 0.2)
        for place in ((0, 0), (1, 0), (0, 1), (1, 1), (0.33, 0.77), (0.974, 0.5), (0.5, 0.026)):
            screen.do(*point(*place), "mousedown", 1, "mouseup", 1)
            wait_for(place, 9.5)
        screen.do(*point(0.5, 0.5), "mousedown", 1)
        wait_for((0.5, 0.5), 0.1)
        for place in ((0.6, 0.4), (0.61, 0.41), (1.1, -0.05), (0.3, 0.7)):
            screen.do(*point(*place))
            wait_for(np.clip(place, 0, 1), 1.5)
        screen.do("mouseup", 1, *point(0.9, 0.9))
        assert pd.ping()
        assert pd._reports == []
        assert "another pad moved" not in pd.console
        assert pd.complaints() == []
