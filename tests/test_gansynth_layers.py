"""Layers of GANSynth: what they put out, what is added to it, what takes its place."""

import numpy as np
import pytest
from gansynth_checkpoint import GOLDENS, PUBLIC, TRANSITION, small_shape, write_checkpoint
from plain_gansynth import plain_picture

from pdbridge import GANSynth
from pdbridge.errors import LatentError, OffsetError, PitchError
from pdbridge.gansynth.checkpoint import read_checkpoint

WAVE_ERROR = 1e-3  # of the peak


@pytest.fixture(scope="module")
def public():
    return GANSynth.load(PUBLIC)


@pytest.fixture(scope="module")
def transition():
    return GANSynth.load(TRANSITION)


@pytest.fixture(scope="module")
def numbers():
    return dict(np.load(GOLDENS / "golden_public.npz"))


def joined(slices):
    return np.concatenate(list(slices))


def assert_same(found, expected, error=1e-5):
    np.testing.assert_allclose(found, expected, rtol=0, atol=error * np.abs(expected).max())


# Against the original


@pytest.mark.parametrize("growth", ["public", "public_transition"])
def test_layers_put_out_what_those_of_the_original_do(growth, request):
    model = request.getfixturevalue(growth.removeprefix("public_"))
    golden = np.load(GOLDENS / f"golden_{growth}.npz")
    z, pitches = golden["z"], golden["pitches"]
    for layer in ("conv0", "conv1", "conv0_2", "conv1_2", "conv0_3", "conv1_3"):
        expected = golden[f"layer_{layer}"]
        found = model.activations(z[: len(expected)], pitches[: len(expected)], layer)
        assert found.dtype == np.float32
        assert found.shape == expected.shape == (len(expected), *model.layer_shapes[layer])
        np.testing.assert_allclose(found, expected, atol=1e-4)
    for layer in ("conv1_4", "conv1_5", "conv1_6", "conv1_7"):
        found = model.activations(z[:2], pitches[:2], layer)
        expected = golden[f"layer_dec_{layer}"]
        np.testing.assert_allclose(found[:1, ::4, ::8], expected, atol=1e-4)
        squares = np.sum(np.square(found, dtype=np.float64), axis=(1, 2))
        np.testing.assert_allclose(squares, golden[f"layer_sumsq_{layer}"][:2], rtol=1e-4)


def test_replaced_layers_sound_as_in_the_original(public, numbers):
    layers, pitches = {"conv0": numbers["edits_layer"]}, numbers["edits_pitches"]
    waves = public.synthesize(None, pitches, layers=layers)
    assert_same(waves[0], numbers["edits_wave0"], WAVE_ERROR)
    for wave, expected in zip(waves, numbers["edits_waves_head"], strict=True):
        error = WAVE_ERROR * np.abs(wave).max()
        np.testing.assert_allclose(wave[: len(expected)], expected, atol=error)
    streamed = joined(public.stream(None, pitches[0], layers={"conv0": numbers["edits_layer"][0]}))
    assert_same(streamed, numbers["edits_wave0"], WAVE_ERROR)


@pytest.mark.parametrize(
    ("layer", "values"),
    [("conv0", "offset_conv0"), ("conv1_2", "offset_conv1_2"), ("conv0_4", "offset_conv0_4_ch")],
)
def test_streamed_offsets_sound_as_in_the_original(public, numbers, layer, values):
    offsets = {layer: numbers[values]}
    wave = joined(public.stream(numbers["z"][0], numbers["pitches"][0], offsets))
    assert_same(wave, numbers[f"offset_wave_{layer}"][0], WAVE_ERROR)


# Against a plain network

SIZES = {
    # 128 rows: the slices in the middle look alike, but are other rows
    "finished": (small_shape(resolutions=6, start_width=2, fmap_base=640), 10, 10**6),
    # 0.5 on the way from four blocks to five, some with many channels
    "growing": (small_shape(resolutions=5, start_width=2, fmap_base=4200, fmap_max=130), 7, 7500),
}


class Plain:
    """A model, a note, changes to all layers, and the plain network to compare with."""

    def __init__(self, folder, shape, stage, step):
        write_checkpoint(folder, shape, stage=stage, step=step)
        self.checkpoint = read_checkpoint(folder)
        self.model = GANSynth.load(folder)
        self.z = self.model.random_z(1, seed=3)[0]
        random = np.random.default_rng(5)
        self.random = {
            layer: random.standard_normal(size).astype(np.float32)
            for layer, size in self.model.layer_shapes.items()
        }
        self.offsets = {layer: 0.3 * values[::-1] for layer, values in self.random.items()}

    def paint(self, **changes):
        return plain_picture(self.checkpoint, np.concatenate([self.z, [0, 1, 0]]), **changes)

    def slices(self, **changes):
        """The picture as `head` and `tail` make it, and as `image` does."""
        x, given = self.model._note(self.z, 41, **changes)
        generator = self.model._generator
        rows = [*generator.head(x, given), *generator.tail(x, given)]
        return np.concatenate(rows), self.model.image(self.z, 41, **changes)[0]


@pytest.fixture(scope="module", params=SIZES)
def plain(request, tmp_path_factory):
    return Plain(tmp_path_factory.mktemp("model"), *SIZES[request.param])


def test_layers_of_other_sizes_put_out_what_they_should(plain):
    _, expected = plain.paint()
    for layer in ("conv0_3", "conv0_5", "conv1_5"):
        found = plain.model.activations(plain.z, 41, layer)
        np.testing.assert_allclose(found[0], expected[layer], atol=1e-4)


def test_offsets_reach_the_rows_they_belong_to_in_slices_and_in_one_go(plain):
    expected, _ = plain.paint(offsets=plain.offsets)
    for found in plain.slices(offsets=plain.offsets):
        np.testing.assert_allclose(found, expected, atol=2e-4)
    wave = plain.model.synthesize(plain.z, 41, plain.offsets)[0]
    assert_same(joined(plain.model.stream(plain.z, 41, plain.offsets)), wave)


@pytest.mark.parametrize(
    ("plain", "layer"),
    [("finished", layer) for layer in ("conv0", "conv1_4", "conv0_5", "conv1_6")]
    + [("growing", layer) for layer in ("conv1_2", "conv1_4", "conv0_5", "conv1_5")],
    indirect=["plain"],
)
def test_layers_are_replaced_in_slices_and_in_one_go(plain, layer):
    layers = {layer: plain.random[layer]}
    # an offset to the replaced layer itself, to one above it, and to one that does not count
    offsets = {name: plain.offsets[name] for name in {layer, "conv1_5", "conv1"}}
    expected, _ = plain.paint(layers=layers, offsets=offsets)
    for found in plain.slices(layers=layers, offsets=offsets):
        np.testing.assert_allclose(found, expected, atol=2e-4)
    wave = plain.model.synthesize(plain.z, 41, offsets, layers)[0]
    assert_same(joined(plain.model.stream(plain.z, 41, offsets, layers)), wave)


@pytest.mark.parametrize("plain", ["finished"], indirect=True)
def test_of_two_replaced_layers_the_upper_one_counts(plain):
    layers = {name: plain.random[name] for name in ("conv0_2", "conv1_2", "conv0_4")}
    np.testing.assert_array_equal(
        plain.model.image(plain.z, 41, layers=layers),
        plain.model.image(plain.z, 41, layers={"conv0_4": layers["conv0_4"]}),
    )


# What z and pitch still mean


def test_below_a_replaced_layer_nothing_is_computed(numbers):
    model = GANSynth.load(PUBLIC)
    weights = model._generator._layers
    for block, layer in list(weights):
        if block < 6:
            del weights[block, layer]
    values = np.random.default_rng(0).standard_normal(model.layer_shapes["conv0_6"])
    wave = joined(model.stream(None, 60, layers={"conv0_6": values}))
    assert_same(wave, model.synthesize(None, 60, layers={"conv0_6": values})[0])
    with pytest.raises(KeyError):
        joined(model.stream(numbers["z"][0], 60))


def test_above_a_replaced_layer_z_and_pitch_do_not_count(public, numbers):
    layers = {"conv0": numbers["edits_layer"][0]}
    expected = public.synthesize(None, 24, layers=layers)[0]
    np.testing.assert_array_equal(public.synthesize(numbers["z"][1], 84, layers=layers)[0], expected)
    assert_same(joined(public.stream(numbers["z"][2], 31, layers=layers)), expected)


def test_while_a_block_is_blended_in_the_one_before_shows_through(transition, numbers):
    z = numbers["z"][0]
    values = transition.activations(z, 60, "conv1_7")[0]
    layers = {"conv1_7": values}
    same = transition.image(z, 60, layers=layers)
    np.testing.assert_allclose(same, transition.image(z, 60), atol=1e-4)
    without_z = transition.image(None, 60, layers=layers)
    np.testing.assert_array_equal(without_z, transition.image(np.zeros(256), 60, layers=layers))
    assert np.abs(without_z - same).max() > 0.01


# Graphs


def test_changed_notes_leave_the_graphs_of_plain_ones_alone(public, numbers):
    list(public.stream(numbers["z"][0], 60))
    graphs = dict(public._generator._graphs)
    list(public.stream(numbers["z"][0], 60, {"conv0": numbers["offset_conv0"]}))
    added = public._generator._graphs.keys() - graphs.keys()
    assert all(public._generator._graphs[key] is graph for key, graph in graphs.items())
    assert len(added) <= 2  # what begins in the first block: for the head, and for all slices
    list(public.stream(numbers["z"][0], 60))
    assert public._generator._graphs.keys() == graphs.keys() | added


def test_slices_that_look_alike_share_a_graph_whatever_is_added(public, numbers):
    def count(**changes):
        before = len(public._generator._graphs)
        list(public.stream(numbers["z"][0], 60, **changes))
        return len(public._generator._graphs) - before

    offsets = {"conv1_7": np.random.default_rng(0).standard_normal((128, 1024, 4))}
    assert count(offsets=offsets) == 3  # of the head, of slices in the middle, of the last one
    assert count(offsets={"conv1_7": 0.5}) == 0


# What the methods take


def test_layers_and_their_shapes_are_known(public):
    shapes = public.layer_shapes
    assert shapes["conv0"] == (2, 16, 12)
    assert shapes["conv1_7"] == (128, 1024, 4)
    assert len(shapes) == 14


def test_offsets_may_differ_from_note_to_note(public, numbers):
    offsets = np.zeros((2, 2, 16, 12), np.float32)
    offsets[1] = numbers["offset_conv0"]
    waves = public.synthesize(numbers["z"][:1].repeat(2, 0), 24, {"conv0": offsets})
    assert_same(waves[0], numbers["waves"][0], WAVE_ERROR)
    assert_same(waves[1], numbers["offset_wave_conv0"][0], WAVE_ERROR)


def test_an_unknown_layer_names_the_layers(public, numbers):
    z = numbers["z"][0]
    for call in (
        lambda: public.synthesize(z, 60, offsets={"conv1_8": 0}),
        lambda: public.stream(z, 60, layers={"conv1_8": 0}),
        lambda: public.activations(z, 60, "conv1_8"),
    ):
        with pytest.raises(OffsetError, match="conv1_8.*conv0, conv1, conv0_2"):
            call()


@pytest.mark.parametrize("kind", ["offsets", "layers"])
@pytest.mark.parametrize(
    "values", [np.zeros(13), np.zeros((3, 2, 16, 12)), np.nan, "loud", [[1], [2, 3]], None]
)
def test_what_does_not_fit_a_layer_is_refused_at_once(public, numbers, kind, values):
    for method in (public.synthesize, public.stream, public.head, public.head_in_pieces):
        with pytest.raises(OffsetError, match="conv0"):
            method(numbers["z"][0], 60, **{kind: {"conv0": values}})


def test_without_z_there_must_be_a_layer(public):
    for changes in {}, {"offsets": {"conv0": 1}}, {"layers": {}}:
        with pytest.raises(LatentError, match="z "):
            public.stream(None, 60, **changes)


def test_a_replaced_layer_does_not_make_unknown_pitches_known(public, numbers):
    with pytest.raises(PitchError, match="pitch 20; it knows 24 to 84"):
        public.synthesize(None, 20, layers={"conv0": numbers["edits_layer"][0]})
