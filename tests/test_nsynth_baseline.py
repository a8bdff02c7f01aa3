"""NSynth's spectral baseline, against what the original computed."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from pdbridge.errors import AudioError, CheckpointError, EmbeddingError, PitchError
from pdbridge.nsynth import spectrogram
from pdbridge.nsynth.baseline import NSynthBaseline

GOLDENS = Path(__file__).parent / "data" / "nsynth"
CHECKPOINT = GOLDENS / "baseline_ckpt_public"


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDENS / "golden_baseline_public.npz"))


@pytest.fixture(scope="module")
def model():
    return NSynthBaseline.load(CHECKPOINT)


@pytest.fixture(scope="module")
def notes(golden):
    return np.stack([golden[f"wav{i}"] for i in range(3)])


@pytest.mark.parametrize("path", [
    CHECKPOINT, str(CHECKPOINT / "model.ckpt-200000"), CHECKPOINT / "model.ckpt-200000.index"])
def test_a_checkpoint_is_given_as_folder_prefix_or_index(path):
    model = NSynthBaseline.load(path)
    assert (model.latent_size, model.sample_rate, model.note_length) == (20, 16000, 64000)


def test_the_picture_is_that_of_the_original(model, golden, notes):
    pictures = model.spectrograms(notes)
    assert pictures.shape == (3, 512, 256)
    np.testing.assert_allclose(pictures[0, ::4, ::2], golden["spec0_sub"], atol=1e-6)
    assert not pictures[:, :, 251:].any()


def test_z_is_that_of_the_original_in_evaluation(model, golden, notes):
    z = model.encode(notes)
    assert z.dtype == np.float32
    np.testing.assert_allclose(z, golden["z_eval"], atol=2e-5)


def test_z_with_batch_statistics_is_that_of_the_original(model, golden, notes):
    z = model.encode(notes, batch_statistics=True)
    np.testing.assert_allclose(z, golden["z_train"], atol=1e-4)


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_decoded_pictures_are_those_of_the_original(model, golden, mode):
    pictures = model.decode_spectrograms(golden[f"z_{mode}"], golden["pitch"], mode == "train")
    assert pictures.shape == (3, 512, 256)
    np.testing.assert_allclose(pictures[0, ::4, ::2], golden[f"xhat_{mode}_0"], atol=1e-4)
    np.testing.assert_allclose(pictures[1, ::8, ::4], golden[f"xhat_{mode}_1"], atol=1e-4)


def test_z_of_a_note_does_not_depend_on_the_others_unless_asked_for(model, notes):
    together, alone = model.encode(notes), model.encode(notes[1])
    np.testing.assert_allclose(together[1:2], alone, atol=1e-5)
    two = model.encode(notes[:2], batch_statistics=True)
    assert np.abs(two[1] - model.encode(notes, batch_statistics=True)[1]).max() > 0.01


def test_many_notes_go_through_in_parts(model, notes):
    many = np.tile(model.spectrograms(notes), (4, 1, 1))  # 12: more than go together
    np.testing.assert_allclose(model.encode_spectrograms(many), np.tile(model.encode(notes), (4, 1)), atol=1e-5)
    z = np.tile(model.encode(notes[:1]), (9, 1))
    pictures = model.decode_spectrograms(z, 60)
    np.testing.assert_allclose(pictures, pictures[:1].repeat(9, 0), atol=1e-5)


def test_a_short_note_is_followed_by_silence(model, notes):
    longer = np.zeros(64000)
    longer[:1000] = notes[0, :1000]
    np.testing.assert_allclose(model.encode(notes[0, :1000]), model.encode(longer), atol=1e-6)


def test_the_padding_of_old_librosa_can_be_chosen(notes):
    old = NSynthBaseline.load(CHECKPOINT, padding="reflect")
    picture = old.spectrograms(notes[0])[0, :, :251]
    np.testing.assert_array_equal(picture, spectrogram.analyse(notes[0], padding="reflect")[:512])
    with pytest.raises(AudioError, match="mirror"):
        NSynthBaseline.load(CHECKPOINT, padding="mirror")


def test_z_becomes_notes_by_a_seed(model, golden):
    notes = model.decode(golden["z_eval"][:2], golden["pitch"][:2], iterations=3, seed=5)
    assert notes.shape == (2, 64000) and notes.dtype == np.float32
    assert np.all(notes.max(axis=1) <= 1) and np.all(notes.max(axis=1) > 0.5)
    same = model.decode(golden["z_eval"][:1], golden["pitch"][0], iterations=3, seed=5)
    np.testing.assert_allclose(same, notes[:1], atol=1e-4)
    other = model.decode(golden["z_eval"][0], golden["pitch"][0], iterations=3, seed=6)
    assert np.abs(other - same).max() > 0.01


def test_the_note_has_the_decoded_spectrogram(model, notes, monkeypatch):
    wanted = model.spectrograms(notes[:1])
    monkeypatch.setattr(model, "decode_spectrograms", lambda *_: wanted)
    found = model.spectrograms(model.decode(np.zeros(20), 60, iterations=10, seed=1))
    loud = wanted > 0.7  # 36 dB below the loudest, or more
    loud[..., 245:] = False
    assert loud.mean() > 0.03
    np.testing.assert_allclose(np.median(np.abs(found - wanted)[loud]), 0, atol=0.02)  # 2.4 dB


def test_no_notes_are_no_notes(model):
    assert model.encode(np.zeros((0, 64000))).shape == (0, 20)
    assert model.decode(np.zeros((0, 20)), 60).shape == (0, 64000)


@pytest.mark.parametrize("audio, named", [
    (np.zeros(64001), "64001"), (np.zeros(0), r"\[0\]"), (np.zeros((1, 2, 3)), r"\[1, 2, 3\]"),
    ([0.5, np.inf], "not finite"), (["a"], "numbers"),
])
def test_a_sound_that_cannot_be_encoded_is_named(model, audio, named):
    with pytest.raises(AudioError, match=named):
        model.encode(audio)


@pytest.mark.parametrize("z, named", [
    (np.zeros(19), r"\[count, 20\].*\[19\]"), (np.zeros((1, 2, 20)), r"\[1, 2, 20\]"),
    (np.full((1, 20), np.nan), "not finite"), ("z", "numbers"),
])
def test_a_z_that_cannot_be_decoded_is_named(model, z, named):
    with pytest.raises(EmbeddingError, match=named):
        model.decode(z, 60)


@pytest.mark.parametrize("pitch", [128, -1, 60.5, True, "60", [60, 61, 62], [60, 128]])
def test_a_pitch_outside_midi_or_one_too_many_is_an_error(model, pitch):
    with pytest.raises(PitchError):
        model.decode(np.zeros((2, 20)), pitch)


def test_batch_statistics_of_a_single_note_are_refused(model, notes):
    with pytest.raises(EmbeddingError, match="two notes"):
        model.encode(notes[0], batch_statistics=True)
    with pytest.raises(EmbeddingError, match="two notes"):
        model.decode(np.zeros((1, 20)), 60, batch_statistics=True)


def test_a_checkpoint_of_another_model_is_named():
    with pytest.raises(CheckpointError, match="encoder/z_Layer/z/weights.*spectral baseline"):
        NSynthBaseline.load(GOLDENS / "ckpt_public")


def test_a_truncated_checkpoint_is_named(tmp_path):
    for file in CHECKPOINT.iterdir():
        shutil.copyfile(file, tmp_path / file.name)
    data = tmp_path / "model.ckpt-200000.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:50000])
    with pytest.raises(CheckpointError, match="data-00000-of-00001"):
        NSynthBaseline.load(tmp_path)


def test_the_published_sizes_are_expected_with_the_published_names():
    import json

    from pdbridge.nsynth import baseline

    published = {name: tuple(shape) for name, shape, *_ in
                 json.loads((GOLDENS / "variables_baseline_full.json").read_text())}

    class Published:
        index = "published.index"

        @staticmethod
        def shape(name, dimensions):
            return published[name]

    assert baseline._shapes(Published) == published
