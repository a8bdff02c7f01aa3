"""SING: the waves of the original, in batches of any size, and embeddings that it cannot mix."""

import functools
from pathlib import Path

import numpy as np
import pytest

import pdbridge
from pdbridge.errors import CheckpointError, PitchError, SymbolError
from pdbridge.sing import model as sing_model
from pdbridge.sing import symbols
from pdbridge.sing.checkpoint import read_checkpoint, write_checkpoint
from pdbridge.sing.notes import pcm16

GOLDENS = Path(__file__).parent / "data" / "sing"
PUBLIC = GOLDENS / "sing_public.th"
TOLERANCE = 1e-5


@pytest.fixture(scope="module", autouse=True)
def no_table_of_names(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PDBRIDGE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def model(no_table_of_names):
    return pdbridge.SING.load(PUBLIC)


@functools.cache
def built_otherwise(variant):
    return pdbridge.SING.load(GOLDENS / f"{variant}.th")


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDENS / "sing_public.npz"))


def notes_of(golden):
    return golden["instrument"], golden["pitch"], golden["velocity_midi"]


@pytest.fixture(scope="module")
def waves(model, golden):
    return model.synthesize(*notes_of(golden))


# Numbers of the original


def check_against(golden, waves):
    assert waves.dtype == np.float32
    np.testing.assert_allclose(waves, golden["wave_raw"][:, 512:-512], atol=TOLERANCE, rtol=0)
    difference = np.abs(pcm16(waves).astype(int) - golden["pcm16"])
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01


def test_waves_are_those_of_the_original(golden, waves):
    check_against(golden, waves)
    assert (np.abs(waves) > 1).any()  # the golden clips, and we do not


@pytest.mark.parametrize("variant", ("sing_v_notime", "sing_v_nowindow", "sing_v_hann1"))
def test_models_that_were_built_otherwise_sound_as_in_the_original(variant):
    golden = np.load(GOLDENS / f"{variant}.npz")
    check_against(golden, built_otherwise(variant).synthesize(*notes_of(golden)))


def test_frames_are_those_of_the_original(model, golden):
    frames = model._network.frames(model._embeddings(*notes_of(golden)))
    np.testing.assert_allclose(frames.transpose(0, 2, 1), golden["embeddings"], atol=5e-6, rtol=0)


def test_frames_can_be_made_in_pieces(model, golden):
    network, embeddings = model._network, model._embeddings(*notes_of(golden))
    _, state = network._make_frames(embeddings, network._of_times[:30], network._start(4))
    frames, _ = network._make_frames(embeddings, network._of_times[30:64], state)
    np.testing.assert_allclose(frames.numpy()[:, 2:].transpose(0, 2, 1), golden["chunk_32_64"], atol=5e-6, rtol=0)


def test_a_note_is_the_same_in_any_company(model, golden, waves, monkeypatch):
    instruments, pitches, velocities = notes_of(golden)
    for note in range(4):
        alone = model.synthesize(instruments[note], pitches[note], velocities[note])
        np.testing.assert_allclose(alone[0], waves[note], atol=TOLERANCE, rtol=0)
    monkeypatch.setattr(sing_model, "AT_ONCE", 3)
    order = [0, 1, 2, 3, 3, 2, 1]
    many = model.synthesize(instruments[order], pitches[order], velocities[order])
    np.testing.assert_allclose(many, waves[order], atol=TOLERANCE, rtol=0)
    assert model.synthesize([], [], []).shape == (0, 64000)


@pytest.mark.parametrize("head, rest", ((35, 50), (5, 5), (1000, 5)))
def test_a_note_in_slices_is_the_same(model, golden, waves, head, rest):
    instrument, pitch, velocity = (values[1] for values in notes_of(golden))
    slices = list(model.stream(instrument, pitch, velocity, head, rest))
    np.testing.assert_allclose(np.concatenate(slices), waves[1], atol=TOLERANCE, rtol=0)
    if head == 35:
        assert 0.3 * 16000 < len(slices[0]) < 0.4 * 16000


def test_slices_of_other_models_are_the_same():
    for variant in ("sing_v_notime", "sing_v_hann1"):
        other, golden = built_otherwise(variant), np.load(GOLDENS / f"{variant}.npz")
        note = (values[0] for values in notes_of(golden))
        np.testing.assert_allclose(np.concatenate(list(other.stream(*note))), golden["wave_raw"][0, 512:-512],
                                   atol=TOLERANCE, rtol=0)


# Instruments and what lies between


def test_one_pitch_or_instrument_is_used_for_all(model):
    assert model.synthesize(3, [60, 62], 100).shape == (2, 64000)
    assert model.synthesize([3, 4, 5], 60, 100).shape == (3, 64000)
    assert (model.sample_rate, model.note_length, model.instrument_count) == (16000, 64000, 1006)
    assert model.pitches == tuple(range(121)) and model.velocities == (25, 50, 75, 100, 127)


def test_an_embedding_sounds_as_its_instrument(model, golden, waves):
    instruments, pitches, velocities = notes_of(golden)
    embeddings = np.stack([model.embedding(number) for number in instruments])
    np.testing.assert_array_equal(model.synthesize(embeddings, pitches, velocities), waves)
    one = model.synthesize(embeddings[0], pitches, velocities)
    np.testing.assert_array_equal(one, model.synthesize(int(instruments[0]), pitches, velocities))
    mixed = model.synthesize([int(instruments[0]), embeddings[1]], pitches[:2], velocities[:2])
    np.testing.assert_allclose(mixed, waves[:2], atol=TOLERANCE, rtol=0)


def test_a_blend_lies_between_two_instruments(model):
    a, b = model.embedding(417), model.embedding(656)
    np.testing.assert_array_equal(model.blend(417, 656, 0), a)
    np.testing.assert_array_equal(model.blend(417, b, 1), b)
    np.testing.assert_allclose(model.blend(417, 656, 0.25), 0.75 * a + 0.25 * b, atol=1e-6)
    blended = model.synthesize(model.blend(417, 656, 0.5), 60, 100)
    assert all(np.abs(blended - model.synthesize(number, 60, 100)).max() > 1e-3 for number in (417, 656))


def test_velocities_between_those_of_nsynth_are_taken_for_the_nearest(model):
    np.testing.assert_array_equal(model.synthesize(3, 60, 64), model.synthesize(3, 60, 75))
    assert np.abs(model.synthesize(3, 60, 100) - model.synthesize(3, 60, 127)).max() > 1e-3


def test_names_come_from_the_table_in_the_cache(tmp_path, monkeypatch, model):
    monkeypatch.setenv("PDBRIDGE_CACHE", str(tmp_path))
    symbols.write_table({"bass_synthetic_033": 417, "beyond_this_model": 5000})
    named = pdbridge.SING.load(PUBLIC)
    assert named.instruments == {"bass_synthetic_033": 417} and model.instruments == {}
    np.testing.assert_array_equal(named.embedding("bass_synthetic_033"), model.embedding(417))
    with pytest.raises(SymbolError, match="near it are bass_synthetic_033"):
        named.synthesize("bass_synthetic_33", 60, 100)


def test_our_own_checkpoint_sounds_the_same_and_knows_its_names(tmp_path, model):
    path = tmp_path / "mine.npz"
    write_checkpoint(path, read_checkpoint(PUBLIC).parameters, instruments={"mine": 3})
    mine = pdbridge.SING.load(path)
    assert mine.instruments == {"mine": 3} and mine.fingerprint == model.fingerprint
    np.testing.assert_array_equal(mine.embedding("mine"), model.embedding(3))


@pytest.mark.parametrize("notes, error, message", (
    ((1006, 60, 100), SymbolError, "numbers 0 to 1005"),
    ((-1, 60, 100), SymbolError, "there is no instrument -1"),
    ((0.5, 60, 100), SymbolError, "there is no instrument 0.5"),
    ((float("nan"), 60, 100), SymbolError, "there is no instrument nan"),
    ((True, 60, 100), SymbolError, "there is no instrument True"),
    ((None, 60, 100), SymbolError, "there is no instrument None"),
    (("bass", 60, 100), SymbolError, "pdbridge sing index"),
    ((np.zeros(15), 60, 100), SymbolError, "an embedding of 16 numbers"),
    ((np.full(16, np.nan), 60, 100), SymbolError, "not a finite number"),
    (([[1, 2], [3, 4]], 60, 100), SymbolError, "an embedding of 16 numbers"),
    ((3, 121, 100), PitchError, "knows 0 to 120"),
    ((3, -1, 100), PitchError, "the pitch -1"),
    ((3, 60.5, 100), PitchError, "the pitch 60.5"),
    ((3, "C4", 100), PitchError, "the pitch C4"),
    ((3, 60, 128), SymbolError, "from 0 to 127"),
    ((3, 60, float("nan")), SymbolError, "from 0 to 127"),
    (([1, 2], [60, 61, 62], 100), SymbolError, "2 and 3 of them"),
))
def test_what_the_model_does_not_know_is_said(model, notes, error, message):
    with pytest.raises(error, match=message):
        model.synthesize(*notes)


def test_one_note_is_streamed_at_a_time(model):
    with pytest.raises(SymbolError, match="one note"):
        model.stream([1, 2], 60, 100)


def test_values_that_are_no_numbers_are_refused(tmp_path):
    parameters = {name: array.copy() for name, array in read_checkpoint(PUBLIC).parameters.items()}
    parameters["decoder.layers.2.weight"][5, 6] = np.nan
    write_checkpoint(tmp_path / "mine.npz", parameters)
    with pytest.raises(CheckpointError, match="decoder.layers.2.weight holds a value that is not a finite number"):
        pdbridge.SING.load(tmp_path / "mine.npz")
