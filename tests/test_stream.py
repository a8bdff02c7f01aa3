"""Notes in slices, the first one first."""

import pickle

import numpy as np
import pytest
from gansynth_checkpoint import BUILT_IN, PUBLIC, PUBLISHED, TRANSITION, write_checkpoint

from pdbridge import GANSynth
from pdbridge.errors import PitchError

FOLDERS = {"public": PUBLIC, "transition": TRANSITION, "built in": BUILT_IN}


@pytest.fixture(scope="module", params=FOLDERS)
def model(request):
    return GANSynth.load(FOLDERS[request.param])


@pytest.fixture(scope="module")
def z(model):
    return model.random_z(2, seed=8)


def assert_same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_slices_join_to_the_whole_note(model, z):
    for pitch in (24, 61, 84):
        slices = list(model.stream(z[0], pitch))
        assert all(part.dtype == np.float32 for part in slices)
        assert_same(np.concatenate(slices), model.synthesize(z[0], pitch)[0])


def test_pictures_join_bit_by_bit(model, z):
    generator = model._generator
    x, changes = model._note(z[0], 60)
    generator.picture(x, changes)
    rows = np.concatenate([*generator.head(x, changes), *generator.tail(x, changes)])
    np.testing.assert_array_equal(rows, generator.picture(x, changes))


def test_at_the_published_size_slices_join_to_the_whole_note(tmp_path):
    model = GANSynth.load(write_checkpoint(tmp_path, PUBLISHED))
    z = model.random_z(2, seed=9)
    for _ in range(2):  # the second note may come from another graph
        whole = model.synthesize(z[1], 60)[0]
        assert_same(np.concatenate(list(model.stream(z[1], 60))), whole)


def test_the_first_slice_is_a_third_of_a_second(model, z):
    assert model.head_length == 5120
    assert len(next(model.stream(z[0], 60))) == 5120


def test_head_and_tail_are_the_note(model, z):
    samples, state = model.head(z[0], 60)
    assert samples.shape == (5120,)
    rest = np.concatenate(list(model.tail(z[0], 60, state)))
    assert_same(np.concatenate([samples, rest]), model.synthesize(z[0], 60)[0])


def test_a_note_goes_on_from_a_state_that_was_sent_elsewhere(model, z):
    samples, state = model.head(z[0], 60)
    sent = pickle.dumps(state)
    assert len(sent) <= 12_000
    for _ in range(2):
        rest = np.concatenate(list(model.tail(z[0], 60, pickle.loads(sent))))
        assert_same(np.concatenate([samples, rest]), model.synthesize(z[0], 60)[0])


def test_notes_that_take_turns_do_not_disturb_each_other(model, z):
    streams = [model.stream(z[0], 40), model.stream(z[1], 70)]
    slices = [[], []]
    while any(streams):
        for note, stream in enumerate(streams):
            part = stream and next(stream, None)
            if part is None:
                streams[note] = None
            else:
                slices[note].append(part)
    assert_same(np.concatenate(slices[0]), model.synthesize(z[0], 40)[0])
    assert_same(np.concatenate(slices[1]), model.synthesize(z[1], 70)[0])


def test_a_tail_comes_in_small_pieces(model, z):
    _, state = model.head(z[0], 60)
    lengths = [len(part) for part in model.tail(z[0], 60, state)]
    assert len(lengths) >= 5
    assert max(lengths) <= 16000  # a second
    assert sum(lengths) == 64000 - 5120


def test_wrong_notes_are_refused_at_once(model, z):
    _, state = model.head(z[0], 60)
    with pytest.raises(PitchError):
        model.stream(z[0], 20)
    with pytest.raises(PitchError):
        model.tail(z[0], 20, state)
    with pytest.raises(PitchError, match="one pitch"):
        model.stream(z, [60, 61])


def test_warming_up_leaves_nothing_to_build(model, z):
    model.warm_up()
    graphs = dict(model._generator._graphs)
    list(model.stream(z[0], 60))
    assert model._generator._graphs == graphs
