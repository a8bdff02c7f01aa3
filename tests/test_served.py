"""GANSynth in the worker process: timbres made of z and of GANSpace components."""

import pickle
import shutil

import numpy as np
import pytest
from gansynth_checkpoint import GOLDENS, PUBLIC, small_shape, write_checkpoint

from pdbridge.errors import ComponentsError, LatentError, PitchError
from pdbridge.gansynth.ganspace import GANSpace
from pdbridge.gansynth.served import MOST_FILES, MOST_TIMBRES, Kept, ServedGANSynth
from pdbridge.gansynth.timbre import Timbre
from pdbridge.worker import serve_model

COMPONENTS = str(GOLDENS / "public_conv0_ipca_768.pickle")
WAVE_ERROR = 1e-3  # of the peak


@pytest.fixture(scope="module")
def served():
    model = ServedGANSynth.load(PUBLIC)
    model.components(COMPONENTS)
    return model


@pytest.fixture(scope="module")
def numbers():
    return dict(np.load(GOLDENS / "golden_public.npz"))


@pytest.fixture(scope="module")
def z(numbers):
    return numbers["z"][0]


def note(model, timbre, pitch):
    samples, state = model.head(timbre, pitch)
    return np.concatenate([samples, *model.tail(timbre, pitch, state)])


def assert_sounds_like(wave, expected):
    np.testing.assert_allclose(wave, expected, rtol=0, atol=WAVE_ERROR * np.abs(expected).max())


# Timbres


def test_a_plain_z_is_a_timbre(served, numbers, z):
    expected = note(served, z, 60)
    np.testing.assert_array_equal(note(served, Timbre(z), 60), expected)
    assert_sounds_like(note(served, z, numbers["pitches"][0]), numbers["waves"][0])


def test_amplitudes_sound_as_in_the_original(served, numbers, z):
    timbre = Timbre(z, COMPONENTS, amplitudes=tuple(numbers["amp"]))
    assert_sounds_like(note(served, timbre, numbers["pitches"][0]), numbers["amp_wave"][0])


def test_edits_sound_as_in_the_original_at_whatever_pitch(served, numbers):
    timbre = Timbre(None, COMPONENTS, edits=tuple(numbers["edits"][0]))
    for pitch in (numbers["edits_pitches"][0], 84):
        assert_sounds_like(note(served, timbre, pitch), numbers["edits_wave0"])


def test_no_edits_are_the_mean_of_the_components(served):
    expected = served._model.synthesize(None, 60, layers={"conv0": GANSpace.load(COMPONENTS).mean})
    assert_sounds_like(note(served, Timbre(None, COMPONENTS, edits=()), 60), expected[0])


def test_amplitudes_bend_edits_too(served):
    bent = Timbre(None, COMPONENTS, edits=(1.0, -2.0), amplitudes=(0.5, 0.0, 3.0))
    same = Timbre(None, COMPONENTS, edits=(1.5, -2.0, 3.0))
    assert_sounds_like(note(served, bent, 60), note(served, same, 60))


def test_sliders_at_zero_change_nothing(served, z):
    timbre = Timbre(z, COMPONENTS, amplitudes=(0.0, 0.0))
    np.testing.assert_array_equal(note(served, timbre, 60), note(served, z, 60))


def test_a_head_in_pieces_is_the_head(served, z):
    timbre = Timbre(z, COMPONENTS, amplitudes=(2.0,))
    *waiting, (samples, _) = served.head_in_pieces(timbre, 60)
    assert waiting == [None]
    np.testing.assert_array_equal(samples, served.head(timbre, 60)[0])


def test_a_timbre_needs_something_to_be_heard():
    with pytest.raises(LatentError, match="neither"):
        Timbre(None)
    with pytest.raises(LatentError, match="load one first"):
        Timbre(np.zeros(256), amplitudes=(1.0,))
    with pytest.raises(LatentError, match="load one first"):
        Timbre(None, edits=())


def test_wrong_timbres_and_pitches_are_told(served, z):
    with pytest.raises(LatentError, match="256 values"):
        served.head(Timbre(z[:100]), 60)
    with pytest.raises(PitchError, match="24 to 84"):
        served.head(Timbre(None, COMPONENTS, edits=(1.0,)), 20)
    with pytest.raises(ComponentsError, match="385.*384"):
        served.head_in_pieces(Timbre(z, COMPONENTS, amplitudes=(1.0,) * 385), 60)


# Files of components


def test_components_are_described(served):
    found = served.components(COMPONENTS)
    assert found == {"layer": "conv0", "count": 384, "estimator": "ipca"}


def test_once_components_are_loaded_nothing_is_left_to_build(z):
    model = ServedGANSynth.load(PUBLIC)
    model.warm_up()
    *waiting, described = model.components_in_pieces(COMPONENTS)
    assert described["count"] == 384
    assert len(waiting) >= 10 and set(waiting) == {None}  # small pieces
    graphs = set(model._model._generator._graphs)
    for timbre in (
        z,
        Timbre(z, COMPONENTS, amplitudes=(1.0, 2.0)),
        Timbre(None, COMPONENTS, edits=(1.0,)),
        Timbre(None, COMPONENTS, edits=(1.0,), amplitudes=(2.0,)),
    ):
        note(model, timbre, 60)
    assert set(model._model._generator._graphs) == graphs
    assert len(list(model.components_in_pieces(COMPONENTS))) == 1  # at once the next time


def test_a_missing_file_is_named(served, z):
    for path in ("nowhere.pickle", "nul\0byte"):
        for call in (
            lambda path=path: served.components(path),
            lambda path=path: served.components_in_pieces(path),
            lambda path=path: served.head(Timbre(z, path, amplitudes=(1.0,)), 60),
        ):
            with pytest.raises(ComponentsError, match=path):
                call()


def saved(path, layer="conv0", shape=(2, 16, 12), amount=1.0):
    components = np.zeros((2, *shape), np.float32)
    components[0].flat[0] = components[1].flat[1] = 1
    mean = np.full(shape, amount, np.float32)
    GANSpace(layer, "pca", components, np.array([2.0, 1.0]), np.array([0.8, 0.2]), mean).save(path)
    return str(path)


def test_components_of_another_model_are_refused(served, z, tmp_path):
    wide = saved(tmp_path / "wide.npz", shape=(2, 16, 256))
    with pytest.raises(ComponentsError, match=r"wide.npz.*\[2, 16, 256\].*\[2, 16, 12\]"):
        served.components(wide)
    with pytest.raises(ComponentsError, match="wide.npz"):
        served.head(Timbre(z, wide, amplitudes=(1.0,)), 60)
    deep = saved(tmp_path / "deep.npz", layer="conv1_9")
    with pytest.raises(ComponentsError, match="deep.npz.*conv1_9.*it has conv0, conv1"):
        served.components(deep)


def test_components_of_deep_layers_play(tmp_path):
    shape = small_shape()
    model = ServedGANSynth.load(write_checkpoint(tmp_path / "model", shape))
    path = saved(tmp_path / "deep.npz", "conv1_4", (32, 64, 4), 0.2)
    assert model.components(path) == {"layer": "conv1_4", "count": 2, "estimator": "pca"}
    layer = np.full((32, 64, 4), 0.2, np.float32)
    layer[0, 0, :2] += 4, -3
    expected = model._model.synthesize(None, 41, layers={"conv1_4": layer})[0]
    assert_sounds_like(note(model, Timbre(None, path, edits=(2.0, -3.0)), 41), expected)


def test_a_file_that_was_replaced_is_read_again(served, tmp_path):
    path = saved(tmp_path / "one.npz")
    timbre = Timbre(None, path, edits=())
    first = note(served, timbre, 60)
    saved(tmp_path / "other.npz", amount=np.linspace(-3, 3, 12))
    (tmp_path / "other.npz").replace(path)
    second = note(served, timbre, 60)
    assert np.abs(second - first).max() > 0.01 * np.abs(first).max()
    np.testing.assert_array_equal(note(served, timbre, 60), second)


def test_what_is_kept_is_bounded(served, z, tmp_path):
    for number in range(MOST_FILES + 2):
        path = shutil.copy(COMPONENTS, tmp_path / f"{number}.pickle")
        for amplitude in range(1, MOST_TIMBRES):
            served.head_in_pieces(Timbre(z, str(path), amplitudes=(amplitude,)), 60)
    assert len(served._files._made) == MOST_FILES
    assert len(served._values._made) == MOST_TIMBRES


def test_what_was_asked_for_lately_is_kept():
    kept, made = Kept(2), []

    def get(key):
        return kept.get(key, lambda: made.append(key) or key)

    for key in "abacab":
        assert get(key) == key
    assert made == ["a", "b", "c", "b"]


def test_one_timbre_is_computed_once_for_all_keys(served, z, monkeypatch):
    timbre = Timbre(z, COMPONENTS, amplitudes=(0.7, 0.1))
    note(served, timbre, 60)
    monkeypatch.setattr(GANSpace, "offset", None)  # would be an error now
    note(served, timbre, 61)


# As the server asks


def test_the_worker_plays_timbres_that_were_sent_to_it(served, z):
    replies = []
    timbre = pickle.loads(pickle.dumps(Timbre(z, COMPONENTS, amplitudes=(1.0, -1.0))))
    assert len(pickle.dumps(timbre)) < 3000
    served_requests = [
        (1, "components", (COMPONENTS,), None),
        (2, "head", (timbre, 60), None),
        (3, "components", ("nowhere.pickle",), None),
        (4, "components_in_pieces", ("nowhere.pickle",), 0),
    ]
    serve_model(served, served_requests, replies.append)
    (_, _, described), (_, _, (samples, state)), first, second = replies
    assert described["layer"] == "conv0"
    np.testing.assert_array_equal(samples, served.head(timbre, 60)[0])
    for _, kind, (name, text) in (first, second):
        assert (kind, name) == ("error", "ComponentsError")
        assert "nowhere.pickle" in text
    replies.clear()
    serve_model(served, [(5, "tail", (timbre, 60, state), skip) for skip in range(12)], replies.append)
    tail = [piece for _, kind, piece in replies if kind == "slice"]
    assert [kind for _, kind, _ in replies][len(tail):][0] == "end"
    assert len(samples) + sum(map(len, tail)) == served.note_length
