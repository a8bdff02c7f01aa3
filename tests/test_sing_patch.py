"""``patches/sing.pd`` in a real Pd without windows: what it tells the server, what it shows, and what is heard."""

import shutil
import time
from pathlib import Path

import pytest
from fake_sing import hertz
from puredata import PATCHES, SAMPLE_RATE, FakeServer, PureData, frequency, sine, sounding
from server_process import ServerProcess
from test_live import heard, play

from pdbridge import audio
from pdbridge import play as play_command
from pdbridge.errors import CheckpointError, ServerError
from pdbridge.places import BUILT_IN_MODEL
from pdbridge.sing.sound import Sound

GOLDENS = Path(__file__).parent / "data" / "sing"
LEVEL = 10 ** (-12 / 20)  # of the patch
REAL = "pdbridge.sing.served:ServedSING.load"


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """The patch, when it has told a server of a few lines all it tells a new one."""
    with FakeServer() as server, PureData(PATCHES / "sing.pd", tmp_path_factory.mktemp("pd"), server.port) as pd:
        server.meet()
        assert server.message("voices") == [f"{pd.dollar_zero}-voice", 12, SAMPLE_RATE, 8]
        server.send("/out", "voices", 12, SAMPLE_RATE)
        server.sync()
        said = {arguments[1] for address, arguments in server.seen if address == "/msg"}
        assert said == {"release", "voices"}  # an instrument is chosen by the one who plays
        for name in ("row-1", "row-2", "row-12", "show-page", "family-set", "show-instrument", "number-set", "show-a",
                     "show-b", "show-failure", "show-model", "keyboard", "show-velocity"):
            pd.listen(f"$0-{name}", name)
        yield pd, server


@pytest.fixture
def patch(opened):
    pd, server = opened
    pd.ping()
    pd._reports.clear()
    yield opened
    assert [line for line in pd.complaints() if "no such" not in line] == []


def test_families_rows_pages_and_steps_are_messages(patch):
    pd, server = patch
    for receiver, value, message, arguments in (
            ("$0-family", 0, "family", ["all"]), ("$0-family", 10, "family", ["synth_lead"]),
            ("$0-choose-1", 1, "choose", [1]), ("$0-choose-12", 0, "choose", [12]),
            ("$0-number", 417, "instrument", [417]),
            ("$0-previous", "bang", "previous_instrument", []), ("$0-next", "bang", "next_instrument", []),
            ("$0-page-back", "bang", "turn_page", [-1]), ("$0-page-on", "bang", "turn_page", [1])):
        pd.send(receiver, value)
        assert server.message(message) == arguments
    pd.send("#pgmin", 3, 1)
    assert server.message("next_instrument") == []


def test_the_menu_shows_names_the_page_the_family_and_the_row_that_is_played(patch):
    pd, server = patch
    server.send("/out", "menu", 1, 417, "bass_synthetic_033")
    server.send("/out", "menu", 12, -1, "-")
    assert pd.report("row-1") == ["label", "bass_synthetic_033"] and pd.report("row-12") == ["label", "-"]
    server.send("/out", "page", 2, 84, "flute", 1006)
    assert pd.report("show-page") == ["label", "page 2 of 84"] and pd.report("family-set") == ["set", 3]
    server.send("/out", "row", 2)
    assert pd.report("row-1") == ["set", 0] and pd.report("row-2") == ["set", 1]
    server.send("/out", "row", 0)
    assert pd.report("row-2") == ["set", 0]
    server.send("/out", "instrument", 417, "bass_synthetic_033")
    assert pd.report("show-instrument") == ["label", "bass_synthetic_033 (number 417)"]
    assert pd.report("number-set") == ["set", 417]
    server.send("/out", "model", "sing.th", 0, 120, 1006, 900)
    assert pd.report("show-model") == ["label", "sing.th: 1006 instruments, keys from 0 to 120"]
    server.send("/out", "velocity", 93, 100)
    assert pd.report("show-velocity") == ["label", "velocity 93 is made as 100"]


def test_two_instruments_are_kept_and_blended(patch):
    pd, server = patch
    pd.send("$0-blend", 0.25)
    assert pd.report("show-failure") == ["label", "keep an instrument as A and another as B first"]
    for letter, number, name in (("a", 3, "flute_acoustic_003"), ("b", 7, "bass_acoustic_007")):
        server.send("/out", "instrument", number, name)
        pd.report("show-instrument")
        pd.send(f"$0-keep-{letter}", "bang")
        assert pd.report(f"show-{letter}") == ["label", name]
    pd.send("$0-blend", 0.25)
    assert server.message("blend") == [3, 7, 0.25]
    server.send("/out", "blend", 3, "flute_acoustic_003", 7, "bass_acoustic_007", 0.25)
    assert pd.report("show-instrument") == ["label", "flute_acoustic_003 ... bass_acoustic_007: 0.25"]


def test_keys_get_ready_one_after_the_other_and_failures_are_shown(patch):
    pd, server = patch
    server.send("/out", "ready", 0, 88, -1)
    assert pd.report("keyboard") == ["unready"]
    server.send("/out", "ready", 1, 88, 60)
    assert pd.report("keyboard") == ["ready", 60]
    server.send("/out", "fail", "instrument", "no such instrument {a} [b] $1")
    assert pd.report("show-failure") == ["label", "instrument: no such instrument {a} [b] $1"]
    server.send("/out", "page", 1, 1, "all", 9)
    server.send("/out", "instrument", 1, "1")
    assert pd.report("show-failure") == ["label", "empty"]


def test_a_voice_does_not_make_softer_what_the_model_has_made_softer_already(patch):
    pd, server = patch
    pd.write("$0-voice5", sine(330, 1))
    with pd.recording() as sound:
        server.send("/out", "play", 5, 64, 25, 900.0)
        time.sleep(0.4)
        server.send("/out", "stop", 5, 10)
        time.sleep(0.1)
    assert abs(sound.samples).max() == pytest.approx(0.8 * LEVEL, rel=0.02)


def test_render_asks_for_what_the_keys_play_and_plays_it_at_the_rate_of_the_model(patch):
    pd, server = patch
    array = f"{pd.dollar_zero}-sound"
    pd.send("$0-velocity", 75)
    pd.send("$0-render", "bang")
    assert server.message("render_key") == [array, 60, 75]
    server.send("/out", "loaded", 8000, 16000)
    server.send("/resize", array, 8000)
    server.sync()
    pd.write(array, sine(440, 0.5, sample_rate=16000)[:8000])
    with pd.recording() as sound:
        server.send("/out", "rendered", array)
        time.sleep(0.8)
    samples = sound.samples[:, 0]
    begin, end = sounding(samples)
    assert (end - begin) / SAMPLE_RATE == pytest.approx(0.5, abs=0.01)
    assert frequency(samples[begin + 500:end - 500]) == pytest.approx(440, abs=0.1)


# The whole path: a key in Pd, the server, a model, and what is heard


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stage")
    (folder / "fake.th").touch()
    with ServerProcess(model="fake.th", folder=folder) as server, \
            PureData(PATCHES / "sing.pd", folder, server.port) as pd:
        yield pd, opened_by(server)


def opened_by(server):
    """Wait until the patch has its voices and the model; an OSC client."""
    server.wait()
    client = server.client()
    client.until(lambda status: status["players"] == 1 and status["model"] != "none", timeout=300)
    return client


@pytest.mark.parametrize("number, pitch, velocity, made", [(0, 69, 127, 127), (20, 57, 60, 50), (7, 60, 30, 25)])
def test_a_key_sounds_at_the_pitch_and_level_that_the_model_makes(number, pitch, velocity, made, stage):
    pd, client = stage
    client.ask("/sing/instrument", number)
    piece = heard(play(pd, pitch, seconds=0.5, velocity=velocity))
    assert frequency(piece) == pytest.approx(hertz(Sound(number), pitch), abs=0.05)
    assert abs(piece).max() == pytest.approx(made / 200 * LEVEL, rel=0.02)
    assert pd.complaints() == []


def test_a_click_on_a_row_is_heard_with_the_next_key(stage):
    pd, client = stage
    client.ask("/sing/instrument", 0)
    client.ask("/notify", 1)
    pd.send("$0-family", 3)
    pd.send("$0-choose-5", 1)
    pd.send("$0-next", "bang")
    client.expect("/sing/instrument", 15)
    client.send("/notify", 0)
    piece = heard(play(pd, 60, seconds=0.4))
    assert frequency(piece) == pytest.approx(hertz(Sound(15), 60), abs=0.05)  # flute_acoustic_004, and the next
    client.ask("/sing/family", "all")


def test_a_real_sing_is_heard_as_it_renders(tmp_path):
    from pdbridge import SING

    shutil.copy(GOLDENS / "sing_v_hann1.th", tmp_path / "sing.th")
    with ServerProcess(model="sing.th", folder=tmp_path, sing_loader=REAL) as server, \
            PureData(PATCHES / "sing.pd", tmp_path, server.port) as pd:
        client = opened_by(server)
        client.ask("/notify", 1)
        client.send("/sing/blend", 1, 2, 0.25)
        assert client.expect("/sing/ready", 1)[2] == 60  # as the one played last, before there was any
        for late in range(5):  # on a computer that is too busy, the rest of a note may come too late
            samples = play(pd, 60, seconds=1.0, velocity=100)
            if client.status()["late"] == late:
                break
        assert pd.complaints() == []
    model = SING.load(tmp_path / "sing.th")
    note, = model.synthesize(model.blend(1, 2, 0.25), 60, 100)
    wanted = LEVEL * audio.resample(note, model.sample_rate, SAMPLE_RATE)
    begin, length = sounding(samples)[0], 40000
    piece = wanted[2000:2000 + length]  # past the ramp at the beginning
    differences = [abs(samples[at:at + length] - piece).max() for at in range(begin + 1990, begin + 2010)]
    assert min(differences) < 1e-4 * abs(piece).max()


# pdbridge play sing


def test_play_finds_the_published_sing_and_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PDBRIDGE_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match="no SING checkpoint sing; pdbridge models download sing brings it"):
        play_command.play("sing")
    (tmp_path / "models" / "sing").mkdir(parents=True)
    file = tmp_path / "models" / "sing" / "sing.th"
    file.touch()
    assert play_command._found("sing", None) == file
    with pytest.raises(ServerError, match="sing.th is a SING, which the patch sing plays: pdbridge play sing --model"):
        play_command.play("gansynth", model=str(file))
    assert play_command._found("gansynth", None).name == BUILT_IN_MODEL


def test_the_phrase_without_pd_is_played_by_the_first_instrument_with_the_velocities_of_the_phrase(tmp_path):
    from pdbridge import SING

    file = GOLDENS / "sing_v_hann1.th"
    keys = {(60, 100), (62, 84), (62, 30)}
    notes, rate, softer = play_command._sing_notes(file, keys)
    assert set(notes) == keys and rate == 16000 and not softer
    first = SING.load(file).synthesize(0, [60, 62, 62], [100, 84, 30])
    for key, wanted in zip([(60, 100), (62, 84), (62, 30)], first, strict=True):
        assert abs(notes[key] - wanted).max() < 1e-5
