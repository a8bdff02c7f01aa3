"""``pdbridge dataset info``: what is in a data set, in words and in pictures."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from pdbridge import cli
from pdbridge.errors import DatasetError
from pdbridge.training.datasets import contents, records
from pdbridge.training.datasets.notes import Note

CLONE = Path(__file__).resolve().parent.parent
LENGTH = 1600


def note(pitch, level=0.5, length=LENGTH, **more):
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    return Note(pitch, level * np.sin(2 * np.pi * frequency * np.arange(length) / 16000).astype(np.float32), **more)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data set of many notes: 24 and 26 once, 25 twice, with a silent and a clipped one."""
    path = tmp_path_factory.mktemp("data") / "data.tfrecord"
    records.write(path, [note(24), note(25, 0), note(26, 0.25, 2 * LENGTH, instrument_source=2, instrument_family=10),
                         Note(25, np.clip(note(60, 3).audio, -1, 1))])
    return path


def info(capsys, *options):
    """(exit code, lines on stdout, errors of ours)."""
    code = cli.main(["dataset", "info", *map(str, options)])
    printed = capsys.readouterr()
    return code, printed.out.splitlines(), [line for line in re.split(r"[\r\n]", printed.err)
                                            if line.startswith("pdbridge: ")]


def test_pitches_lengths_and_levels_are_said(data, capsys):
    code, lines, errors = info(capsys, data.parent)
    assert (code, errors) == (0, [])
    assert lines == [
        f"data set    {data}, {data.stat().st_size / 1e6:.1f} MB",
        "notes       4",
        "length      0.1 to 0.2 s at 16000 Hz",
        "pitches     3: 24 to 26",
        f"             24 {'#' * 20:40} 1",
        f"             25 {'#' * 40} 2",
        f"             26 {'#' * 20:40} 1",
        "levels      peaks -12.0 to 0.0 dB, half of them above -6.0",
        "silent      1: record 2",
        "clipped     1: record 4",
        "sources     acoustic (3), synthetic (1)",
        "families    bass (3), vocal (1)",
    ]


def test_names_come_from_the_list_beside_it_if_that_is_its_list(tmp_path, capsys):
    path = tmp_path / "data.tfrecord"
    records.write(path, [note(60, 0), note(61, 0)])
    (tmp_path / "meta.json").write_text(json.dumps({"flute_60": {"pitch": 60}, "flute_62": {"pitch": 62}}))
    assert "silent      2: flute_60, record 2" in info(capsys, path)[1]


def test_velocities_and_names_of_the_nsynth_dataset_are_said(tmp_path, capsys):
    records.write(tmp_path / "a.tfrecord", [note(60, 0, note_str="reed-060-025", velocity=25), note(61, velocity=127)])
    records.write(tmp_path / "b.tfrecord", [note(60, 0)])
    lines = info(capsys, tmp_path / "*.tfrecord")[1]
    assert lines[0].startswith(f"data set    2 files in {tmp_path}, ")
    assert "silent      2: reed-060-025, record 1 of b.tfrecord" in lines
    assert lines[-1] == "velocities  25 (1), 127 (1), unknown (1)"


@pytest.mark.parametrize("samples, clipped", [([0, 1, 0], False), ([0, 1, 1, 0, 1], False), ([1, 1, 1], True),
                                              ([0, -1, -1, -1], True), ([0.99] * 9, False)])
def test_three_samples_at_full_scale_in_a_row_are_clipped(tmp_path, samples, clipped):
    records.write(tmp_path / "data.tfrecord", [Note(60, np.array(samples, np.float32))])
    assert bool(contents.look_through(tmp_path).clipped) == clipped


def test_examples_are_of_pitches_far_apart(tmp_path):
    records.write(tmp_path / "data.tfrecord", [note(pitch, length=10) for pitch in (*range(30, 80), 30)])
    shown = [note.pitch for _, note in contents.look_through(tmp_path).examples]
    assert len(shown) == contents.PICTURES
    assert (shown[0], shown[-1]) == (30, 79)
    assert set(np.diff(shown)) <= {2, 3}


def test_few_pitches_are_shown_with_several_notes_each(tmp_path):
    records.write(tmp_path / "data.tfrecord", [note(pitch, length=10) for pitch in [60] * 30 + [50]])
    examples = contents.look_through(tmp_path).examples
    assert [note.pitch for _, note in examples] == [50] + [60] * 23
    assert len({name for name, _ in examples}) == contents.PICTURES


def test_a_data_set_is_drawn(data, tmp_path, capsys):
    image = pytest.importorskip("matplotlib.image")
    pytest.importorskip("librosa")
    code, lines, errors = info(capsys, data, "--png", tmp_path / "picture.png")
    assert (code, lines[-1], errors) == (0, f"picture     {tmp_path / 'picture.png'}", [])
    picture = image.imread(tmp_path / "picture.png")
    height, width, _ = picture.shape
    assert width > 1000 and height > 500
    bars = np.all(np.abs(picture[..., :3] - np.array([0x20, 0x63, 0x9b]) / 255) < 0.02, axis=-1)
    assert bars[: height // 2].sum() > 1000  # the three charts
    assert (picture[height // 2:, :, :3].max(axis=-1) < 0.1).mean() > 0.3  # the dark of the spectrograms
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_a_picture_is_replaced_only_if_that_is_said(data, tmp_path, capsys, monkeypatch):
    (tmp_path / "mine.png").write_text("mine")
    for options, error in ((["--png", tmp_path / "mine.png"], "exists already; --overwrite draws it again"),
                           (["--png", tmp_path / "mine.txt"], "must end in .png"),
                           (["--png", tmp_path / "none" / "a.png"], "is not a folder; make it first")):
        code, lines, errors = info(capsys, data, *options)
        assert (code, lines, len(errors)) == (1, [], 1)
        assert error in errors[0]
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install \"pdbridge[plots]\"" in info(capsys, data, "--png", tmp_path / "a.png")[2][0]
    assert (tmp_path / "mine.png").read_text() == "mine"


def test_what_is_no_data_set_is_one_line(data, tmp_path, capsys):
    (tmp_path / "cut.tfrecord").write_bytes(data.read_bytes()[:-1])
    (tmp_path / "empty.tfrecord").write_bytes(b"")
    (tmp_path / "sounds").mkdir()
    for place, error in (("cut.tfrecord", "record 4 of .* is damaged or cut short; the 3 before it can be read"),
                         ("empty.tfrecord", "holds no notes"), ("none", "there is no such data set"),
                         ("sounds", "holds no data set")):
        code, lines, errors = info(capsys, tmp_path / place)
        assert (code, lines, len(errors)) == (1, [], 1)
        assert re.search(error, errors[0])


def test_a_count_by_lengths_stops_where_a_file_is_cut(data, tmp_path):
    whole = data.read_bytes()
    for lost, count in ((0, 4), (1, 3), (len(whole) - 5, 0)):
        (tmp_path / "cut").write_bytes(whole[:len(whole) - lost])
        assert records.count(tmp_path / "cut") == count


def test_a_data_set_without_notes_is_an_error_for_programs_too(tmp_path):
    (tmp_path / "a.tfrecord").write_bytes(b"")
    with pytest.raises(DatasetError, match="holds no notes"):
        contents.look_through(tmp_path)


def test_the_page_about_data_sets_shows_python_that_runs(data, tmp_path, monkeypatch, capsys):
    page = (CLONE / "docs" / "datasets.md").read_text(encoding="utf-8")
    code, = re.findall(r"```python\n(.*?)```", page, re.S)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_notes-train").symlink_to(data.parent, target_is_directory=True)
    exec(code, names := {})  # noqa: S102
    assert capsys.readouterr().out == "24 (1600,)\n25 (1600,)\n26 (3200,)\n25 (1600,)\n{24: 1, 25: 2, 26: 1}\n"
    assert len(list(names["tensors"])) == 4


def test_the_options_on_the_page_about_data_sets_are_those_of_the_commands():
    page = (CLONE / "docs" / "datasets.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", page)) - {"--data", "--out"}  # of pdbridge train
    commands = cli.parser()._subparsers._group_actions[0].choices["dataset"]
    commands = commands._subparsers._group_actions[0].choices
    assert {"chop", "pad", "make", "nsynth", "info"} <= set(commands)
    assert named <= {option for command in commands.values() for option in command._option_string_actions}
    assert {"--pitch", "--len", "--step", "--length", "--sample_rate", "--out_dir", "--png"} <= named
