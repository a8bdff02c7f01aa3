"""``pdbridge sing``: names out of NSynth's metadata, and notes of a list as files."""

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from full_disk import files_end_at

from pdbridge import cli
from pdbridge.errors import SymbolError
from pdbridge.sing import notes, symbols

GOLDENS = Path(__file__).parent / "data" / "sing"
EXAMPLES = GOLDENS / "examples_public.json"
LIST = GOLDENS / "list_public.txt"
PUBLIC = GOLDENS / "sing_public.th"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PDBRIDGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(*words):
    """A command in this process: its exit code."""
    return cli.main([str(word) for word in words])


def said(capsys):
    """Our own lines on stderr, without progress bars."""
    return [line for line in re.split(r"[\r\n]", capsys.readouterr().err) if line.startswith("pdbridge: ")]


# The names of instruments


@pytest.mark.parametrize("zipped", (False, True))
def test_index_keeps_the_names_of_instruments(zipped, tmp_path, capsys):
    examples = EXAMPLES
    if zipped:
        examples = tmp_path / "examples.json.gz"
        examples.write_bytes(gzip.compress(EXAMPLES.read_bytes()))
    assert run("sing", "index", examples) == 0
    kept = symbols.read_table()
    assert kept["bass_synthetic_033"] == 417 and kept["bass_synthetic_068"] == 656
    assert list(kept.values()) == sorted(kept.values())
    assert f"{len(kept)} instruments in {symbols.table_path()}" in capsys.readouterr().out
    assert symbols.table_path().stat().st_size < EXAMPLES.stat().st_size / 20


def example(name="bass_synthetic_033", number=417):
    return {"instrument_str": name, "instrument": number}


@pytest.mark.parametrize("contents, message", (
    (b"", "is no JSON"),
    (EXAMPLES.read_bytes()[:1000], "is no JSON"),
    (gzip.compress(EXAMPLES.read_bytes())[:1000], "cannot be read"),
    (b"\x1f\x8b nothing", "cannot be read"),
    (b"[" * 100_000, "is no JSON"),
    (b"\xff\xfe\x00", "is no JSON"),
    (b"[]", "is no examples.json"),
    (b"{}", "is no examples.json"),
    (b'{"note": 3}', "lacks its instrument"),
    (json.dumps({"note": example(number=True)}).encode(), "lacks its instrument"),
    (json.dumps({"note": example(number=-1)}).encode(), "lacks its instrument"),
    (json.dumps({"note": example(name="x" * 1000)}).encode(), "lacks its instrument"),
    (json.dumps({"a": example(), "b": example(number=3)}).encode(), "and something else as well"),
    (json.dumps({"a": example(), "b": example("bass_synthetic_034")}).encode(), "and something else as well"),
))
def test_metadata_that_are_none_leave_the_names_as_they_were(contents, message, tmp_path, capsys):
    symbols.write_table({"before": 1})
    (tmp_path / "examples.json").write_bytes(contents)
    assert run("sing", "index", tmp_path / "examples.json") == 1
    (line,) = said(capsys)
    assert message in line and "examples.json" in line
    assert symbols.read_table() == {"before": 1}


def test_metadata_without_an_end_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(symbols, "LARGEST_EXAMPLES", 5 << 20)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(bytes(20 << 20)))
    with pytest.raises(SymbolError, match="larger than 5 MB"):
        symbols.read_examples(tmp_path / "bomb.json.gz")
    with pytest.raises(SymbolError, match="is not a file"):
        symbols.read_examples(tmp_path)
    with pytest.raises(SymbolError, match="No such file"):
        symbols.read_examples(tmp_path / "missing.json")


@pytest.mark.parametrize("contents", ("", "{}", '{"format": "pdbridge SING instruments", "instruments": {"a": "b"}}'))
def test_a_damaged_table_of_names_is_said(contents, cache):
    symbols.write_table({})
    symbols.table_path().write_text(contents)
    with pytest.raises(SymbolError, match=symbols.TABLE):
        symbols.read_table()


def test_names_near_an_unknown_one_are_offered():
    known = {"bass_synthetic_033": 417, "bass_synthetic_068": 656, "vocal_acoustic_999": 3, "too_far": 2000}
    with pytest.raises(SymbolError, match="no instrument 'bass_synthetic_330'; near it are bass_synthetic_0"):
        symbols.find_instrument("bass_synthetic_330", known, 1006)
    with pytest.raises(SymbolError, match="no instrument 'too_far'$"):
        symbols.find_instrument("too_far", known, 1006)
    assert symbols.find_instrument("bass_synthetic_033", known, 1006) == 417


def test_velocities_are_those_of_nsynth_or_the_nearest():
    assert symbols.VELOCITIES == {25: 0, 50: 1, 75: 2, 100: 4, 127: 5}  # 3 is left out in the original
    assert [symbols.nearest_velocity(velocity) for velocity in symbols.VELOCITIES] == list(symbols.VELOCITIES)
    nearest = {0: 25, 1: 25, 37: 25, 38: 50, 62.5: 75, 64: 75, 113: 100, 114: 127}
    assert {velocity: symbols.nearest_velocity(velocity) for velocity in nearest} == nearest


def test_names_of_notes_are_taken_apart_as_in_the_original():
    assert symbols.split_note("synth_lead_acoustic_003-060-127") == ("synth_lead_acoustic_003", 60, 127)
    assert symbols.split_note("417-22-50") == (417, 22, 50)
    for name in ("", "bass", "bass-60", "bass-128-100", "bass-060-128", "-060-100", "bass-060-100-", "bass-06o-100",
                 "../bass-060-100", "..\\bass-060-100", "ba\0ss-060-100"):
        with pytest.raises(SymbolError, match="is no name of a note"):
            symbols.split_note(name)


# Notes as files


class Counting:
    """Makes a note that is as loud as its velocity says, and keeps what it was asked for together."""

    sample_rate = 16000

    def __init__(self):
        self.asked = []

    def check(self, instrument, pitch, velocity):
        symbols.find_instrument(instrument, {"bass": 3}, 10)

    def synthesize(self, instruments, pitches, velocities):
        self.asked.append(list(zip(instruments, pitches, velocities, strict=True)))
        return np.repeat(np.array(velocities, np.float32)[:, None] / 100, 100, axis=1)


@pytest.fixture
def counting(monkeypatch):
    model = Counting()
    monkeypatch.setattr(notes, "load", lambda path, examples: model)
    return model


def test_generate_writes_the_files_of_the_original(tmp_path, capsys):
    run("sing", "index", EXAMPLES)
    assert run("sing", "generate", "--model", PUBLIC, LIST, "--output", tmp_path / "notes") == 0
    golden = np.load(GOLDENS / "sing_public.npz")["pcm16"]
    names = LIST.read_text().splitlines()
    assert sorted(path.name for path in (tmp_path / "notes").iterdir()) == sorted(f"{name}.wav" for name in names)
    for name, expected in zip(names, golden, strict=True):
        path = tmp_path / "notes" / f"{name}.wav"
        samples, rate = soundfile.read(path, dtype="int16")
        info = soundfile.info(path)
        assert (rate, samples.shape, info.subtype, info.format) == (16000, (64000,), "PCM_16", "WAV")
        assert np.abs(samples.astype(int) - expected).max() <= 1
    assert "4 notes in" in capsys.readouterr().out


def test_lines_that_cannot_be_made_are_reported_and_the_rest_is_made(tmp_path, capsys, counting):
    (tmp_path / "list.txt").write_bytes(b"bass-060-100\r\n\r\n  3-061-064  \nbas-062-100\nbass-060\n11-060-100\n"
                                        b"bass-063-127")
    assert run("sing", "generate", "--model", "any", tmp_path / "list.txt", "--output", tmp_path / "out") == 1
    assert [line.removeprefix("pdbridge: ") for line in said(capsys)] == [
        "list.txt, line 2: the line is blank",
        "list.txt, line 3: 3-061-064 is made with the velocity 75, the nearest that SING knows",
        "list.txt, line 4: there is no instrument 'bas'; near it are bass",
        "list.txt, line 5: 'bass-060' is no name of a note; one is INSTRUMENT-PITCH-VELOCITY, e.g. "
        "bass_synthetic_033-022-050",
        "list.txt, line 6: there is no instrument 11; this model has the numbers 0 to 9",
        "4 lines passed over, named above"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "3-061-064.wav", "bass-060-100.wav", "bass-063-127.wav"]


def test_batches_have_the_size_that_was_asked_for(tmp_path, counting):
    (tmp_path / "list.txt").write_text("\n".join(f"bass-{pitch:03d}-100" for pitch in range(7)))
    for option in ("--batch-size", "--batch_size"):
        counting.asked.clear()
        assert run("sing", "generate", "--model", "any", tmp_path / "list.txt", "--output", tmp_path / "out",
                   option, 3) == 0
        assert [len(batch) for batch in counting.asked] == [3, 3, 1]
        assert sum(counting.asked, []) == [("bass", pitch, 100) for pitch in range(7)]


def test_samples_are_clipped_and_cut_as_in_the_original(tmp_path, counting):
    np.testing.assert_array_equal(notes.pcm16(np.array([-2, -1, -0.99999, 0.5, 0.99999, 1, 2], np.float32)),
                                  [-32767, -32767, -32766, 16383, 32766, 32767, 32767])
    (tmp_path / "list.txt").write_text("bass-060-127\nbass-060-050")
    assert run("sing", "generate", "--model", "any", tmp_path / "list.txt", "--output", tmp_path / "out") == 0
    for velocity, expected in ((127, 32767), (50, 16383)):
        samples, _ = soundfile.read(tmp_path / "out" / f"bass-060-{velocity:03d}.wav", dtype="int16")
        assert set(samples) == {expected}


@pytest.mark.parametrize("contents, message", (
    (b"", "names no note that can be made"), (b"\n\n", "names no note that can be made"),
    (b"\xff\xfe\x00\x80", "is no text"), (None, "No such file")))
def test_lists_that_name_nothing_are_refused(contents, message, tmp_path, capsys, counting):
    if contents is not None:
        (tmp_path / "list.txt").write_bytes(contents)
    assert run("sing", "generate", "--model", "any", tmp_path / "list.txt", "--output", tmp_path / "out") == 1
    assert message in said(capsys)[-1]
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_the_old_note(tmp_path, capsys, counting):
    (tmp_path / "list.txt").write_text("bass-060-100")
    (tmp_path / "bass-060-100.wav").write_bytes(b"old")
    with files_end_at(100):
        assert run("sing", "generate", "--model", "any", tmp_path / "list.txt", "--output", tmp_path) == 1
    (line,) = said(capsys)
    assert "bass-060-100.wav cannot be written" in line
    assert (tmp_path / "bass-060-100.wav").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bass-060-100.wav", "list.txt"]


def test_a_model_that_is_none_is_one_line(tmp_path, capsys):
    (tmp_path / "list.txt").write_text("3-060-100")
    for model in (tmp_path / "missing.th", tmp_path, tmp_path / "list.txt"):
        assert run("sing", "generate", "--model", model, tmp_path / "list.txt", "--output", tmp_path / "out") == 1
        (line,) = said(capsys)
        assert str(model) in line
    assert not (tmp_path / "out").exists()
