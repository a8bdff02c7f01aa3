"""TFRecords of notes: what the originals wrote is read, what we write is theirs, damage is named."""

import numpy as np
import pytest
import tensorflow as tf
from full_disk import files_end_at

from pdbridge.errors import DatasetError, PdbridgeError
from pdbridge.training.datasets import records
from pdbridge.training.datasets.notes import FAMILIES, QUALITIES, Note
from pdbridge.training.datasets.records import Selection


def integers(*values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def floats(values):
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def texts(*values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode() for value in values]))


def course(pitch=60, samples=400, **more):
    """The features of a record as make_dataset.py writes them."""
    return {"pitch": integers(pitch), "audio": floats(np.linspace(-1, 1, samples)), "qualities": integers(*[0] * 10),
            "instrument_source": integers(0), "instrument_family": integers(0), **more}


def published(pitch=60, samples=400, **more):
    """The features of a record of the NSynth dataset."""
    name = f"reed_acoustic_023-{pitch:03d}-127"
    return course(pitch, samples, **{
        "note": integers(77), "note_str": texts(name), "instrument": integers(417), "velocity": integers(127),
        "instrument_str": texts("reed_acoustic_023"), "sample_rate": integers(16000),
        "qualities": integers(0, 1, 0, 0, 0, 0, 0, 0, 1, 0), "qualities_str": texts("dark", "reverb"),
        "instrument_family": integers(7), "instrument_family_str": texts("reed"),
        "instrument_source_str": texts("acoustic"), **more})


def by_the_original(path, *notes):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for features in notes:
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return path


def notes(*pitches, samples=400, **more):
    return [Note(pitch, np.full(samples, pitch / 256, np.float32), **more) for pitch in pitches]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data.tfrecord"


# Reading


def test_a_record_of_the_course_is_read(path):
    note, = records.read(by_the_original(path, course(61)))
    assert (note.pitch, note.velocity, note.note_str, note.sample_rate) == (61, None, None, None)
    assert (note.instrument_source, note.instrument_family, note.qualities) == (0, 0, (0,) * 10)
    assert note.audio.dtype == np.float32
    np.testing.assert_array_equal(note.audio, np.linspace(-1, 1, 400).astype(np.float32))


def test_a_record_of_the_nsynth_dataset_is_read_with_its_name_velocity_and_family(path):
    note, = records.read(by_the_original(path, published(61)))
    assert (note.pitch, note.velocity, note.note_str) == (61, 127, "reed_acoustic_023-061-127")
    assert FAMILIES[note.instrument_family] == "reed"
    assert [name for name, has in zip(QUALITIES, note.qualities, strict=True) if has] == ["dark", "reverb"]
    assert note.sample_rate == 16000


def test_notes_of_different_lengths_come_as_long_as_they_are(path):
    by_the_original(path, course(60, 10), course(61, 3000))
    assert [note.audio.size for note in records.read(path)] == [10, 3000]


def test_a_folder_a_pattern_and_a_file_name_the_same_data_set(path, tmp_path):
    by_the_original(path, course())
    by_the_original(tmp_path / "nsynth-train.tfrecord-00001-of-00512", course())
    (tmp_path / "meta.json").write_text("{}")
    (tmp_path / ".data.1.0.part.tfrecord").write_bytes(b"half")
    assert [file.name for file in records.find(tmp_path)] == [path.name, "nsynth-train.tfrecord-00001-of-00512"]
    assert records.find(tmp_path / "*.tfrecord*") == records.find([str(path), tmp_path])
    assert records.find(str(tmp_path / "d*")) == records.find(path) == [path]


@pytest.mark.parametrize("name, said", [
    ("", "holds no data set"), ("none.tfrecord", "there is no such data set"), ("*.tfrecord", "no such data set")])
def test_where_no_data_set_is_one_error_says_so(tmp_path, name, said):
    for act in (records.survey, lambda where: list(records.read(where))):
        with pytest.raises(DatasetError, match=said) as error:
            act(tmp_path / name)
        assert str(tmp_path / name) in str(error.value)


def test_pitches_and_sources_are_selected_alike_by_iterator_pipeline_and_survey(path):
    wanted = Selection(60, 62, (0, 2))
    by_the_original(path, *[course(pitch, instrument_source=integers(source))
                            for pitch in (59, 60, 62, 63) for source in (0, 1, 2)])
    expected = [(60, 0), (60, 2), (62, 0), (62, 2)]
    assert [(note.pitch, note.instrument_source) for note in records.read(path, wanted)] == expected
    assert [(int(note["pitch"]), int(note["instrument_source"]))
            for note in records.dataset([path], wanted)] == expected
    found = records.survey(path, wanted)
    assert (found.pitches, found.notes, found.left_out) == ({60: 2, 62: 2}, 4, 8)


def test_a_survey_counts_pitches_over_all_files(path, tmp_path):
    records.write(path, notes(*[60] * 40, 72))  # more than are counted together
    records.write(tmp_path / "more.tfrecord", notes(24, 60))
    found = records.survey(tmp_path)
    assert found.pitches == {24: 1, 60: 41, 72: 1}
    assert list(found.pitches) == [24, 60, 72]
    assert found.files == [path, tmp_path / "more.tfrecord"]


def test_parsed_records_go_through_a_pipeline_of_tensorflow(path):
    records.write(path, notes(60, 61))
    batches = tf.data.TFRecordDataset(str(path)).map(records.parse).map(
        lambda note: (note["pitch"], records.crop_or_pad(note["audio"], 500))).batch(2)
    pitches, audio = next(iter(batches))
    assert batches.element_spec[1].shape.as_list() == [None, 500]
    assert pitches.numpy().tolist() == [60, 61]
    np.testing.assert_array_equal(audio[1].numpy(), records.crop_or_pad(notes(61)[0].audio, 500))


# One clear error


def test_a_damaged_record_is_named_with_its_file_and_number(path):
    whole = records.write(path, notes(60, 61, 62)) and path.read_bytes()
    place = len(whole) // 3 * 2 + 100  # within the third
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1:])
    read = records.read(path)
    assert [next(read).pitch, next(read).pitch] == [60, 61]
    with pytest.raises(DatasetError, match=f"record 3 of {path} is damaged or cut short; the 2 before it"):
        next(read)
    with pytest.raises(DatasetError, match=f"record 3 of {path} is damaged"):
        records.survey(path)


@pytest.mark.parametrize("lost", [1, 5, 1000])
def test_a_record_that_is_cut_short_is_named(path, lost):
    records.write(path, notes(60, 61))
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(DatasetError, match=f"record 2 of {path} is damaged or cut short"):
        records.survey(path)


def test_a_file_of_another_kind_is_no_data_set(path):
    path.write_bytes(b"RIFF" + bytes(1000))
    with pytest.raises(DatasetError, match=f"{path} is no TFRecord"):
        list(records.read(path))


@pytest.mark.parametrize("features, said", [
    ({"colour": integers(3)}, "pitch"),
    ({**course(), "pitch": texts("C4")}, "pitch"),
    (course(qualities=integers(1, 2)), "qualities"),
], ids=["no pitch", "a word for a pitch", "two qualities"])
def test_a_record_that_is_no_note_is_named(path, features, said):
    by_the_original(path, course(), features)
    with pytest.raises(DatasetError, match=f"record 2 of {path} is not a note: .*{said}"):
        list(records.read(path))


def test_another_sample_rate_is_said(path):
    by_the_original(path, published(), published(sample_rate=integers(44100)))
    for act in (records.survey, lambda where: list(records.read(where))):
        with pytest.raises(DatasetError, match=f"record 2 of {path} has a sample rate of 44100 Hz, not 16000"):
            act(path)


def test_a_record_without_audio_is_named(path):
    by_the_original(path, {name: value for name, value in course().items() if name != "audio"})
    with pytest.raises(DatasetError, match=f"record 1 of {path} holds no audio"):
        list(records.read(path))


def test_a_set_of_one_pitch_is_refused_where_pitches_are_learnt(path):
    records.write(path, notes(60, 60))
    assert records.survey(path).pitches == {60: 2}
    with pytest.raises(DatasetError, match=f"{path} holds only the pitch 60; .* 2 or more"):
        records.survey(path, least_pitches=2)


def test_a_selection_that_leaves_nothing_is_said(path):
    records.write(path, notes(60, 61))
    with pytest.raises(DatasetError, match="holds no notes with pitches 24 to 30, acoustic, but 2 others"):
        records.survey(path, Selection(24, 30, (0,)))
    path.write_bytes(b"")
    with pytest.raises(DatasetError, match="holds no notes$"):
        records.survey(path)


# Length


@pytest.mark.parametrize("length, expected", [
    (2, [1, 2]), (3, [1, 2, 3]), (4, [0, 1, 2, 3]), (5, [0, 1, 2, 3, 0]), (6, [0, 0, 1, 2, 3, 0])])
def test_short_sounds_get_silence_on_both_sides_and_long_ones_end_earlier(length, expected):
    sound = np.array([1, 2, 3], np.float32)
    assert records.crop_or_pad(sound, length).tolist() == expected
    assert records.crop_or_pad(tf.constant(sound), length).numpy().tolist() == expected


# Writing


def test_a_note_is_written_with_the_features_of_the_course_and_no_others(path):
    records.write(path, notes(60))
    record, = tf.data.TFRecordDataset(str(path))
    features = tf.train.Example.FromString(record.numpy()).features.feature
    assert dict(features) == tf.train.Features(feature=course(audio=floats([60 / 256] * 400))).feature


def test_the_nsynth_reader_of_magenta_reads_what_we_write_with_name_and_velocity(path):
    records.write(path, notes(60, samples=64000, velocity=100, note_str="reed_acoustic_023-060-100"))
    record, = tf.data.TFRecordDataset(str(path))
    note = tf.io.parse_single_example(record, {  # as in magenta's nsynth/reader.py
        "note_str": tf.io.FixedLenFeature([], tf.string), "pitch": tf.io.FixedLenFeature([1], tf.int64),
        "velocity": tf.io.FixedLenFeature([1], tf.int64), "audio": tf.io.FixedLenFeature([64000], tf.float32),
        "qualities": tf.io.FixedLenFeature([10], tf.int64),
        "instrument_source": tf.io.FixedLenFeature([1], tf.int64),
        "instrument_family": tf.io.FixedLenFeature([1], tf.int64)})
    assert note["velocity"].numpy().tolist() == [100]
    back, = records.read(path)
    assert (back.velocity, back.note_str) == (100, "reed_acoustic_023-060-100")


def test_the_same_notes_make_the_same_file(path, tmp_path):
    for where in (path, tmp_path / "again.tfrecord"):
        records.write(where, notes(60, 61, note_str="a", velocity=1))
    assert path.read_bytes() == (tmp_path / "again.tfrecord").read_bytes()


@pytest.mark.parametrize("bad, said", [
    ([], "no notes to write"), (notes(128), "128 is no MIDI pitch"), (notes(60, samples=0), "no audio"),
    ([Note(60, np.array([0, np.nan], np.float32))], "not finite")])
def test_a_data_set_that_cannot_be_written_leaves_the_old_one(path, tmp_path, bad, said):
    path.write_bytes(b"of yesterday")
    with pytest.raises(DatasetError, match=said):
        records.write(path, [*notes(*[62] * bool(bad)), *bad])
    assert path.read_bytes() == b"of yesterday"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_no_half_data_set(path, tmp_path):
    with files_end_at(100000), pytest.raises(PdbridgeError, match=f"{path} cannot be written"):
        records.write(path, notes(*range(24, 84), samples=6400))
    assert not list(tmp_path.iterdir())
