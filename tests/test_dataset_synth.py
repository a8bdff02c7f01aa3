"""``pdbridge dataset synth``."""

import json

import numpy as np
import pytest

from pdbridge.cli import main
from pdbridge.training import synthesizer
from pdbridge.training.datasets import records


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synth") / "set"
    assert main(["dataset", "synth", str(folder), "--notes", "5", "--seed", "3"]) == 0
    return folder


def test_the_notes_are_the_synthesizers_in_the_course_s_format(folder):
    notes = list(records.read(folder / "data.tfrecord"))
    assert len(notes) == 5
    for number, note in enumerate(notes):
        z, pitch = synthesizer.drawn(3, number)
        np.testing.assert_array_equal(note.audio, synthesizer.Pitch(pitch).render(synthesizer.projection() @ z))
        assert note.pitch == pitch and 1 <= note.velocity <= 127 and note.instrument_source == 2
    meta = json.loads((folder / "meta.json").read_text())
    assert sorted(entry["pitch"] for entry in meta.values()) == sorted(note.pitch for note in notes)


def test_a_data_set_that_is_there_stays(folder, capsys):
    before = (folder / "data.tfrecord").read_bytes()
    assert main(["dataset", "synth", str(folder), "--notes", "1"]) == 1
    assert "exists already" in capsys.readouterr().err
    assert (folder / "data.tfrecord").read_bytes() == before
