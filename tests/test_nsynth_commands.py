"""``pdbridge nsynth``: folders of sounds and embeddings in, notes and embeddings out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from full_disk import files_end_at

from pdbridge import cli
from pdbridge.errors import AudioError, EmbeddingError, PdbridgeError
from pdbridge.nsynth import sounds
from pdbridge.rendering.batches import Draw

CLONE = Path(__file__).resolve().parent.parent
GOLDENS = CLONE / "tests" / "data" / "nsynth"
WAVENET = str(GOLDENS / "ckpt_public")
BASELINE = str(GOLDENS / "baseline_ckpt_public")
HOP = 512


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDENS / "golden_wavenet_public.npz"))


@pytest.fixture
def folder(tmp_path):
    """An empty folder of the user's."""
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


@pytest.fixture
def out(tmp_path):
    """Where results go; it does not exist yet, nor does the one around it."""
    return tmp_path / "made" / "here"


def sound(folder, name, samples=2048, rate=16000, seed=0):
    """A file of noise, or of the samples given."""
    if np.ndim(samples) == 0:
        samples = np.random.default_rng(seed).uniform(-0.5, 0.5, samples)
    kind = {".wav": {"subtype": "FLOAT"}, ".aif": {"format": "AIFF"}}.get(Path(name).suffix.lower(), {})
    soundfile.write(folder / name, samples, rate, **kind)
    return folder / name


def embedding(folder, name, frames=2, seed=0):
    array = np.random.default_rng(seed).normal(size=(frames, 16)).astype(np.float32)
    np.save(folder / name, array)
    return array


def said(capsys):
    """Our own lines on stderr, without progress bars."""
    lines = re.split(r"[\r\n]", capsys.readouterr().err)
    return "\n".join(line for line in lines if line.startswith("pdbridge: "))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


class FakeModel:
    """Encodes a frame as its mean; decodes the random numbers themselves."""

    sample_rate, hop, channels = 16000, HOP, 16

    def __init__(self, best_batch=8):
        self.best_batch = best_batch

    def encode(self, audio):
        frames = np.asarray(audio).reshape(1, -1, HOP).mean(axis=2)
        return np.repeat(frames[..., np.newaxis], 16, axis=2)

    def decoder(self, precision, engine):
        return FakeDecoder(self.best_batch)


class FakeDecoder:
    engine, precision, description = "fake", "float32", "by hand"
    bytes_per_note = 1000

    def __init__(self, best_batch):
        self.best_batch, self.batches = best_batch, []

    def start(self, embeddings, position=0):
        self.batches.append(len(embeddings))
        return FakeDecoding(embeddings, position)


class FakeDecoding:
    def __init__(self, embeddings, position):
        self.embeddings, self.position = embeddings, position

    def run(self, steps, uniforms=None, temperature=1.0):
        assert self.position + steps <= self.embeddings.shape[1] * HOP
        if uniforms is None:
            uniforms = np.full((len(self.embeddings), steps), 0.5)
        assert uniforms.shape == (len(self.embeddings), steps)
        self.position += steps
        return (uniforms * 256).astype(np.uint8)

    def feed(self, codes, logits=False):
        self.position += codes.shape[1]


# What is in a folder


def test_sounds_of_every_kind_are_found_in_order_and_nothing_else(folder):
    for name in ("b.WAV", "a.flac", "c.aiff", "D.aif", "e.ogg"):
        sound(folder, name)
    for name in ("notes.txt", "._b.wav", ".hidden.wav", "song.mp3"):
        (folder / name).touch()
    (folder / "sub.wav").mkdir()
    assert [path.name for path in sounds.find_sounds(folder)] == ["D.aif", "a.flac", "b.WAV", "c.aiff", "e.ogg"]
    assert sounds.find_sounds(str(folder / "b.WAV")) == [folder / "b.WAV"]


def test_sounds_go_before_embeddings_unless_these_are_asked_for(folder):
    embedding(folder, "a.npy")
    assert sounds.find_sounds_or_embeddings(folder) == ([folder / "a.npy"], [])
    sound(folder, "b.wav")
    assert sounds.find_sounds_or_embeddings(folder) == ([folder / "b.wav"], [folder / "a.npy"])
    assert sounds.find_sounds_or_embeddings(folder, embeddings_only=True) == ([folder / "a.npy"], [])


@pytest.mark.parametrize("source, named", [
    ("nowhere", "no such folder"), (".", "holds no sound"), ("text.txt", "is no sound"),
])
def test_a_source_without_sounds_is_named(folder, monkeypatch, source, named):
    (folder / "text.txt").touch()
    monkeypatch.chdir(folder)
    with pytest.raises(AudioError, match=named):
        sounds.find_sounds(source)
    with pytest.raises(PdbridgeError, match="no such folder" if source == "nowhere" else "embedding"):
        sounds.find_sounds_or_embeddings(source)


def test_two_files_that_would_become_one_are_named_before_any_work(folder, out):
    for name in ("a.wav", "a.flac"):
        sound(folder, name)
    with pytest.raises(AudioError, match="a.flac and a.wav would both become a_embeddings.npy"):
        sounds.save_embeddings(folder, "no model is loaded", out)
    assert not out.exists()


@pytest.mark.parametrize("one, other", [("Note.wav", "note.wav"), ("\u00e9.wav", "e\u0301.wav")])
def test_names_that_not_every_disk_tells_apart_count_as_one(one, other):
    with pytest.raises(AudioError, match="would both become"):
        sounds.targets([Path(one), Path(other)], "out", sounds.GENERATED)


def test_a_name_that_becomes_too_long_is_named_before_any_work():
    with pytest.raises(AudioError, match="nnn.wav would become gen_nnn.*, too long a name for a file; rename it"):
        sounds.targets([Path("n" * 230 + ".wav")], "out", sounds.GENERATED)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_need_not_be_in_utf_8(folder, out):
    sound(folder, "a.wav").rename(folder / os.fsdecode(b"fl\xfcte.wav"))
    sounds.generate(folder, FakeModel(), out)
    assert names(out) == [os.fsdecode(b"gen_fl\xfcte.wav")]


# Embeddings of sounds


def test_stems_are_kept_whole(folder, out):
    # The original strips the letters w, a, v and dots from both ends of a name.
    for name in ("viola.wav", "wave_60.wav", "wav_av_64.wav", "a.b.wav"):
        sound(folder, name)
    tally = sounds.save_embeddings(folder, FakeModel(), out)
    assert (tally.made, tally.passed_over) == (4, 0)
    assert names(out) == ["a.b_embeddings.npy", "viola_embeddings.npy", "wav_av_64_embeddings.npy",
                          "wave_60_embeddings.npy"]


def test_each_sound_keeps_its_own_length(folder, out):
    # The original cuts all sounds of a batch to the shortest one, and all to four seconds.
    lengths = {"short.wav": 512, "odd.wav": 5000, "long.wav": 80000}
    for name, length in lengths.items():
        sound(folder, name, length)
    sounds.save_embeddings(folder, FakeModel(), out)
    for name, length in lengths.items():
        made = np.load(out / f"{Path(name).stem}_embeddings.npy")
        assert made.shape == (length // HOP, 16) and made.dtype == np.float32


@pytest.mark.parametrize("name, rate", [("a.wav", 44100), ("a.flac", 48000), ("a.aiff", 8000), ("a.wav", 16000)])
def test_sounds_of_any_rate_and_number_of_channels_are_heard_at_16_khz(folder, out, name, rate):
    time_s = np.arange(rate) / rate
    both = np.stack([0.4 + 0 * time_s, 0.2 + 0 * time_s], axis=1)  # their mean is 0.3
    sound(folder, name, both, rate)
    sounds.save_embeddings(folder, FakeModel(), out)
    made = np.load(out / "a_embeddings.npy")
    assert made.shape == (16000 // HOP, 16)
    np.testing.assert_allclose(made[2:-2], 0.3, atol=1e-3)


def test_a_length_may_be_asked_for(folder, out):
    sound(folder, "a.wav", 5000)
    sounds.save_embeddings(folder, FakeModel(), out, longest=3000)
    assert np.load(out / "a_embeddings.npy").shape == (5, 16)


def test_sounds_that_cannot_be_used_are_named_and_the_others_go_on(folder, out, capsys):
    sound(folder, "good.wav")
    sound(folder, "too_short.wav", 511)
    sound(folder, "empty.wav", 0)
    sound(folder, "nan.wav", np.r_[np.zeros(2000), np.nan])
    (folder / "text.wav").write_text("no sound at all")
    (folder / "lost.wav").symlink_to(folder / "on_another_disk.wav")
    tally = sounds.save_embeddings(folder, FakeModel(), out)
    assert (tally.made, tally.passed_over) == (1, 5)
    assert names(out) == ["good_embeddings.npy"]
    lines = said(capsys).splitlines()
    for name, why in (("too_short", "511 samples"), ("empty", "0 samples"), ("nan", "not finite"),
                      ("text", "cannot be read"), ("lost", "there is no sound file")):
        assert sum(f"{name}.wav" in line and why in line for line in lines) == 1


def test_a_length_below_a_frame_is_an_error_and_not_the_fault_of_the_sounds(folder, out):
    sound(folder, "a.wav")
    with pytest.raises(PdbridgeError, match="^the first 511 samples of a sound are too few; a frame takes 512"):
        sounds.save_embeddings(folder, FakeModel(), out, longest=511)


# Notes from embeddings and sounds


def test_a_frame_is_512_samples_of_the_note(folder, out):
    # The original takes the 64000 samples of its default for frames: 34 minutes a note.
    embedding(folder, "a.npy", 3)
    assert cli.main(["nsynth", "generate", str(folder), "--model", WAVENET, "--output", str(out),
                     "--sample_length", "64000"]) == 0
    about = soundfile.info(out / "gen_a.wav")
    assert (about.frames, about.samplerate, about.channels, about.subtype) == (1536, 16000, 1, "FLOAT")
    assert names(out) == ["gen_a.wav"]


def test_notes_of_sounds_are_as_long_as_these(folder, out):
    sound(folder, "b.flac", 1500)
    sound(folder, "a.wav", 600)
    assert sounds.generate(folder, FakeModel(), out).made == 2
    assert names(out) == ["gen_a.wav", "gen_b.wav"]
    assert soundfile.info(out / "gen_a.wav").frames == 512
    assert soundfile.info(out / "gen_b.wav").frames == 1024


def test_the_random_numbers_of_a_note_are_its_own(folder, tmp_path):
    for name, frames in (("a.npy", 3), ("b.npy", 1), ("c.npy", 3)):
        embedding(folder, name, frames)
    sounds.generate(folder, FakeModel(), tmp_path / "together", seed=5)
    sounds.generate(folder, FakeModel(), tmp_path / "one_by_one", seed=5, batch_size=1)
    sounds.generate(folder / "c.npy", FakeModel(), tmp_path / "alone", seed=5)
    sounds.generate(folder / "c.npy", FakeModel(), tmp_path / "other", seed=6)

    def note(place, name="gen_c.wav"):
        return soundfile.read(tmp_path / place / name)[0]

    for name in ("gen_a.wav", "gen_b.wav", "gen_c.wav"):
        np.testing.assert_array_equal(note("together", name), note("one_by_one", name))
    np.testing.assert_array_equal(note("together"), note("alone"))
    assert np.any(note("together") != note("other")) and np.any(note("together") != note("together", "gen_a.wav"))


def test_a_drawn_seed_is_said_and_makes_the_note_again(folder, tmp_path, capsys):
    embedding(folder, "a.npy")
    sounds.generate(folder, FakeModel(), tmp_path / "one")
    seed = int(re.search(r"seed (\d+)", said(capsys))[1])
    sounds.generate(folder, FakeModel(), tmp_path / "two", seed=seed)
    one, two = (soundfile.read(tmp_path / place / "gen_a.wav")[0] for place in ("one", "two"))
    np.testing.assert_array_equal(one, two)


def test_notes_of_all_lengths_are_decoded_together_as_if_alone():
    lengths = {"a": 40, "b": 3, "c": 90, "d": 3, "e": 1, "f": 41}
    embeddings = {name: np.zeros((frames, 16), np.float32) for name, frames in lengths.items()}
    decoder, draw, counted = FakeDecoder(8), Draw(seed=3), []
    notes = dict(sounds.decoded(decoder, embeddings, HOP, 6, draw, counted.append))
    assert list(notes) == ["e", "b", "d", "a", "f", "c"]
    for name, frames in lengths.items():
        expected = (draw.uniforms(name, 0, frames * HOP) * 256).astype(np.uint8)
        np.testing.assert_array_equal(notes[name], expected)
    assert sum(counted) == sum(lengths.values()) * HOP
    assert decoder.batches == [6, 3, 1]  # it goes on with fewer when half of the notes are done


@pytest.mark.parametrize("count, wanted, free, at_once", [
    (5, "auto", 10**9, 5), (9, "auto", 10**9, 5), (16, "auto", 10**9, 8), (17, "auto", 10**9, 6),
    (100, "auto", 6000, 3), (100, "auto", 0, 1), (100, 64, 6000, 50), (3, 64, 6000, 3),
])
def test_batches_fit_the_decoder_and_the_memory_and_are_of_one_size(monkeypatch, count, wanted, free, at_once):
    monkeypatch.setattr("pdbridge.rendering.batches.free_memory", lambda: free)
    assert sounds.notes_at_once(count, FakeDecoder(8), wanted) == at_once


@pytest.mark.parametrize("write, why", [
    (lambda path: np.save(path, np.zeros((2, 3, 16))), r"\[2, 3, 16\]"),
    (lambda path: np.save(path, np.zeros(16)), r"\[16\]"),
    (lambda path: np.save(path, np.zeros((4, 15))), r"\[4, 15\]"),
    (lambda path: np.save(path, np.zeros((0, 16))), "bad.npy"),
    (lambda path: np.save(path, np.full((2, 16), np.nan)), "not finite"),
    (lambda path: np.save(path, np.full((2, 16), 1e300)), "not finite"),
    (lambda path: np.save(path, np.array([["a"] * 16])), "numbers"),
    (lambda path: np.save(path, np.array([[None] * 16]), allow_pickle=True), "cannot be read"),
    (lambda path: path.write_bytes(b"\x93NUMPY"), "cannot be read"),
    (lambda path: path.write_bytes(b""), "cannot be read"),
])
def test_embeddings_that_cannot_be_used_are_named_and_the_others_go_on(folder, out, capsys, write, why):
    embedding(folder, "good.npy")
    write(folder / "bad.npy")
    tally = sounds.generate(folder, FakeModel(), out)
    assert (tally.made, tally.passed_over) == (1, 1) and names(out) == ["gen_good.wav"]
    line, = (line for line in said(capsys).splitlines() if "passed over" in line)
    assert "bad.npy" in line and re.search(why, line)


def test_a_truncated_embedding_is_named(folder):
    embedding(folder, "a.npy", 100)
    whole = (folder / "a.npy").read_bytes()
    (folder / "a.npy").write_bytes(whole[:-4])
    with pytest.raises(EmbeddingError, match="a.npy cannot be read"):
        sounds.read_embedding(folder / "a.npy", 16)


def test_an_embedding_with_open_nsynth_supers_extra_axis_is_read(folder):
    array = embedding(folder, "a.npy", 3)
    np.save(folder / "b.npy", array[np.newaxis].astype(np.float64))
    np.testing.assert_array_equal(sounds.read_embedding(folder / "b.npy", 16), array)
    assert sounds.read_embedding(folder / "b.npy", 16, longest=2).shape == (2, 16)


# What is there already, and what is interrupted


@pytest.mark.parametrize("make", [
    lambda folder, out, **options: sounds.generate(folder, FakeModel(), out, **options),
    lambda folder, out, **options: sounds.save_embeddings(folder, FakeModel(), out, **options),
])
def test_results_that_are_there_are_neither_lost_nor_made_again_unasked(folder, out, make):
    sound(folder, "a.wav")
    make(folder, out)
    made, = out.iterdir()
    made.write_text("precious")
    sound(folder, "b.wav")
    with pytest.raises(PdbridgeError, match=rf"{made.name} exists already; --resume.*--overwrite"):
        make(folder, out)
    tally = make(folder, out, resume=True)
    assert (tally.made, tally.kept) == (1, 1) and made.read_text() == "precious"
    assert make(folder, out, resume=True).made == 0
    assert make(folder, out, overwrite=True).made == 2 and made.read_bytes() != b"precious"


def test_notes_go_to_a_folder_of_their_own(folder):
    sound(folder, "a.wav")
    with pytest.raises(AudioError, match="folder of their own"):
        sounds.generate(folder, FakeModel(), folder / ".." / "mine")
    assert names(folder) == ["a.wav"]


def test_a_place_that_cannot_be_written_is_named_before_the_work(folder, tmp_path):
    sound(folder, "a.wav")
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(AudioError, match=str(place)):
            sounds.generate(folder, "no model is loaded", place)


def test_what_is_done_stays_when_the_rest_is_interrupted(folder, out, monkeypatch, capsys):
    embedding(folder, "short.npy", 1)
    embedding(folder, "long.npy", 4)
    run = FakeDecoding.run

    def interrupted(decoding, *arguments):
        if decoding.position >= 2 * HOP:
            raise KeyboardInterrupt
        return run(decoding, *arguments)

    monkeypatch.setattr(FakeDecoding, "run", interrupted)
    monkeypatch.setattr(sounds, "_loaded", lambda model: FakeModel())
    command = ["nsynth", "generate", str(folder), "--model", "m", "--output", str(out)]
    assert cli.main(command) == 130
    assert names(out) == ["gen_short.wav"] and "interrupted; 1 note" in said(capsys)
    monkeypatch.setattr(FakeDecoding, "run", run)
    assert cli.main([*command, "--resume"]) == 0
    assert names(out) == ["gen_long.wav", "gen_short.wav"]
    assert re.search("1 note in .*, 1 more from before", capsys.readouterr().out)


def test_a_full_disk_ends_the_run_with_one_line_and_leaves_whole_files(folder, out, monkeypatch, capsys):
    embedding(folder, "a.npy", 1)
    embedding(folder, "b.npy", 2)
    monkeypatch.setattr(sounds, "_loaded", lambda model: FakeModel())
    with files_end_at(3000):
        assert cli.main(["nsynth", "generate", str(folder), "--model", "m", "--output", str(out)]) == 1
    assert names(out) == ["gen_a.wav"] and len(soundfile.read(out / "gen_a.wav")[0]) == HOP
    assert re.search(r"^pdbridge: .*gen_b\.wav cannot be written: File too large", said(capsys), re.M)


# The baseline


def test_every_note_becomes_a_row_of_its_own(folder, out, capsys):
    # The original loses the last notes when they do not fill a batch, and mixes those of a batch.
    from pdbridge.nsynth.baseline import NSynthBaseline

    golden = dict(np.load(GOLDENS / "golden_baseline_public.npz"))
    for number in range(3):
        sound(folder, f"note{number}.wav", golden[f"wav{number}"])
    (folder / "note1b.wav").write_text("no sound at all")
    model = NSynthBaseline.load(BASELINE)
    tally = sounds.baseline_embeddings(folder, model, out, batch_size=2)
    assert (tally.made, tally.passed_over) == (3, 1) and "note1b.wav" in said(capsys)
    assert names(out) == ["mine_z.npy", "mine_z.txt"]
    z = np.load(out / "mine_z.npy")
    assert z.dtype == np.float32
    np.testing.assert_allclose(z, golden["z_eval"], atol=2e-5)
    assert (out / "mine_z.txt").read_text().split() == ["note0.wav", "note1.wav", "note2.wav"]
    with pytest.raises(PdbridgeError, match="mine_z.npy exists already.*--overwrite"):
        sounds.baseline_embeddings(folder, model, out)
    sounds.baseline_embeddings(folder, model, out, batch_statistics=True, overwrite=True)
    np.testing.assert_allclose(np.load(out / "mine_z.npy"), golden["z_train"], atol=1e-4)


def test_the_last_batch_is_filled_up_where_notes_share_their_statistics():
    heard = []

    class Model:
        @staticmethod
        def encode(notes, batch_statistics):
            heard.append(notes[:, 0].tolist())
            return notes[:, :1]

    notes = [(str(number), np.array([number])) for number in range(5)]
    batches = list(sounds._baseline_batches(notes, Model, True, 3))
    assert heard == [[0, 1, 2], [2, 3, 4]]
    assert [name for part, _ in batches for name in part] == list("01234")
    assert np.concatenate([z for _, z in batches])[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_of_longer_sounds_the_beginning_is_used_and_that_is_said(folder, out, capsys):
    class Model:
        sample_rate, note_length, latent_size = 16000, 1000, 2

        @staticmethod
        def encode(notes, batch_statistics):
            assert notes.shape == (2, 1000) and not batch_statistics
            return np.stack([notes[:, 0], notes[:, -1]], axis=1)

    sound(folder, "long.wav", np.linspace(0.1, 0.5, 2000))
    sound(folder, "short.flac", np.full(10, 0.25))
    sounds.baseline_embeddings(folder, Model, out)
    np.testing.assert_allclose(np.load(out / "mine_z.npy"), [[0.1, 0.3], [0.25, 0]], atol=1e-3)
    assert "of 1 note only the first 0.0625 s" in said(capsys)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A TFRecord as the NSynth dataset has them: two notes, one without a name, one of something else."""
    import tensorflow as tf

    golden = np.load(GOLDENS / "golden_baseline_public.npz")

    def feature(values):
        if isinstance(values, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[values]))
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))

    path = tmp_path_factory.mktemp("dataset") / "nsynth-test.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for features in (
            {"note_str": b"bass_synthetic_033-022-050", "audio": golden["wav0"]},
            {"audio": golden["wav1"]},
            {"note_str": b"not_a_note", "label": [1.0]},
            {"note_str": b"vocal_acoustic_000-060-127", "audio": golden["wav2"]},
        ):
            example = tf.train.Features(feature={name: feature(values) for name, values in features.items()})
            writer.write(tf.train.Example(features=example).SerializeToString())
    return path


def test_a_tfrecord_of_the_dataset_becomes_rows_and_names(dataset, out, capsys):
    assert cli.main(["nsynth", "baseline-embeddings", str(dataset), "--model", BASELINE, "--output", str(out)]) == 1
    printed = capsys.readouterr()
    assert "3 notes in" in printed.out and re.search(r"record 3 of .*not_a_note.*no audio", printed.err)
    assert names(out) == ["nsynth-test_z.npy", "nsynth-test_z.txt"]
    expected = np.load(GOLDENS / "golden_baseline_public.npz")["z_eval"]
    np.testing.assert_allclose(np.load(out / "nsynth-test_z.npy"), expected, atol=2e-5)
    assert (out / "nsynth-test_z.txt").read_text().splitlines() == [
        "bass_synthetic_033-022-050", "record_000002", "vocal_acoustic_000-060-127"]


@pytest.mark.parametrize("damage, rows, why", [
    (lambda whole: whole[:-100], 2, "cut short within record 4"),
    (lambda whole: whole[:300_000] + b"\xff" + whole[300_001:], 1, "record 2 .* is damaged"),
])
def test_the_good_part_of_a_damaged_tfrecord_is_used(dataset, tmp_path, out, capsys, damage, rows, why):
    broken = tmp_path / "broken.tfrecord"
    broken.write_bytes(damage(dataset.read_bytes()))
    assert cli.main(["nsynth", "baseline-embeddings", str(broken), "--model", BASELINE, "--output", str(out)]) == 1
    assert np.load(out / "broken_z.npy").shape == (rows, 20)
    assert re.search(why, said(capsys))


def test_a_file_of_another_kind_is_no_tfrecord(folder, out, capsys):
    (folder / "song.mp3").write_bytes(b"ID3 and a lot of other things")
    command = ["nsynth", "baseline-embeddings", str(folder / "song.mp3"), "--model", BASELINE, "--output", str(out)]
    assert cli.main(command) == 1
    assert re.fullmatch(r"pdbridge: .*song\.mp3.*neither.*\n", capsys.readouterr().err)
    assert not out.exists()


# The commands as they are typed


def test_embeddings_are_those_of_the_original(folder, out, golden):
    sound(folder, "whole.wav", golden["wav"])
    sound(folder, "first.wav", golden["wav"][:5000])
    command = ["nsynth", "save-embeddings", str(folder), "--model", WAVENET, "--output", str(out)]
    assert cli.main(command) == 0
    np.testing.assert_allclose(np.load(out / "whole_embeddings.npy"), golden["enc"], atol=2e-5)
    np.testing.assert_allclose(np.load(out / "first_embeddings.npy"), golden["enc_from_first_5000"], atol=2e-5)
    assert cli.main([*command, "--sample_length=3000", "--overwrite"]) == 0
    np.testing.assert_allclose(np.load(out / "whole_embeddings.npy"), golden["enc_sample_length_3000"], atol=2e-5)


def test_notes_are_those_of_the_original_in_its_own_spelling(folder, out, golden):
    for number in range(2):
        np.save(folder / f"note_{number}.npy", golden["gen_enc"][number])
    assert cli.main(["nsynth", "generate", f"--source_path={folder}", f"--save_path={out}",
                     f"--checkpoint_path={WAVENET}/model.ckpt-200000", "--npy_only", "--batch_size=2",
                     "--temperature", "0"]) == 0
    for number in range(2):
        note, rate = soundfile.read(out / f"gen_note_{number}.wav", dtype="float32")
        assert rate == 16000
        np.testing.assert_allclose(note, golden["greedy_audio"][number], atol=1e-6)


def test_a_terminal_sees_what_matters_and_a_folder_of_sounds_becomes_notes(tmp_path):
    folder = tmp_path / "my sounds"
    folder.mkdir()
    sound(folder, "a.wav", 1100, 44100)
    sound(folder, "b.wav", 700)
    sound(folder, "c.wav", 700)
    sound(folder, "d.wav", 300)
    command = [sys.executable, "-m", "pdbridge", "nsynth", "generate", "my sounds", "--model", WAVENET,
               "--output", "notes", "--seconds", "0.04"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
                            env={**os.environ, "PYTHONPATH": str(CLONE)})
    assert result.returncode == 1, result.stderr
    assert result.stdout == "2 notes in notes\n"
    lines = [line.strip() for line in re.split(r"[\n\r]", result.stderr) if line.strip()]
    assert all(re.match(r"pdbridge: |encoding: |generating: ", line) for line in lines), result.stderr
    assert sum("passed over" in line for line in lines) == 3  # a, d and the sum
    assert any(line.startswith("generating: 100%") for line in lines)
    assert names(tmp_path / "notes") == ["gen_b.wav", "gen_c.wav"]


@pytest.mark.parametrize("words, named", [
    (["generate", "x", "--model", "m", "--output", "o", "--encodings=true"], "arguments: --encodings=true"),
    (["generate", "x", "--model", "m", "--output", "o", "--samples_per_save", "9"], "unrecognized"),
    (["generate", "x", "--model", "m", "--output", "o", "--batch-size", "0"], "batch size"),
    (["generate", "x", "--model", "m", "--output", "o", "--seconds", "0.03"], "0.032 to 86400 s"),
    (["generate", "x", "--model", "m", "--output", "o", "--seconds", "1e305"], "0.032 to 86400 s"),
    (["generate", "x", "--model", "m", "--output", "o", "--temperature", "-1"], "temperature"),
    (["generate", "x", "--model", "m", "--output", "o", "--seed", "1.5"], "seed"),
    (["generate", "x", "--model", "m", "--output", "o", "--precision", "float16"], "float16"),
    (["generate", "x", "--model", "m", "--output", "o", "--resume", "--overwrite"], "not allowed with"),
    (["generate", "x", "--mod", "m", "--output", "o"], "required: --model"),
    (["generate", "--model", "m", "--output", "o"], "SOURCE is missing"),
    (["save-embeddings", "x", "--source_path", "y", "--model", "m", "--output", "o"], "SOURCE is given twice"),
    (["baseline-embeddings", "x", "--output", "o"], "--model"),
    ([], "COMMAND"),
])
def test_flags_that_nobody_knows_or_that_contradict_are_errors(capsys, words, named):
    with pytest.raises(SystemExit) as end:
        cli.main(["nsynth", *words])
    assert end.value.code == 2 and named in capsys.readouterr().err


@pytest.mark.parametrize("command", ["generate", "save-embeddings", "baseline-embeddings"])
def test_an_empty_folder_and_a_missing_model_are_one_line_each(folder, out, capsys, command):
    assert cli.main(["nsynth", command, str(folder), "--model", WAVENET, "--output", str(out)]) == 1
    assert re.fullmatch(r"pdbridge: .*mine holds no sound.*\n", capsys.readouterr().err) and not out.exists()
    sound(folder, "a.wav")
    assert cli.main(["nsynth", command, str(folder), "--model", str(folder / "ckpt"), "--output", str(out)]) == 1
    assert re.search(r"ckpt", said(capsys))


def test_help_is_quick_to_load():
    heavy = "{'tensorflow', 'numpy', 'soundfile', 'soxr', 'tqdm'}"
    code = ("import sys\nfrom pdbridge import cli\ntry: cli.main(['nsynth', 'generate', '--help'])\n"
            f"except SystemExit: print(sorted({heavy} & set(sys.modules)))")
    result = subprocess.run([sys.executable, "-c", code], cwd=CLONE, capture_output=True, text=True, check=True)
    assert "--npy-only" in result.stdout and result.stdout.splitlines()[-1] == "[]"
