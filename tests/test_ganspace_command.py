"""``pdbridge gansynth ganspace``: components of a layer, computed, interrupted and gone on with."""

import os
import re
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from full_disk import files_end_at

from pdbridge import cli
from pdbridge.errors import ComponentsError, EngineError, MessageError, PitchError
from pdbridge.gansynth import components
from pdbridge.gansynth.ganspace import GANSpace

TESTS = Path(__file__).resolve().parent
CHECKPOINT = TESTS / "data" / "gansynth" / "ckpt_public"
SHAPE = 2, 3, 4
SIZE = 24


class FakeModel:
    """Its layer bends z a little; it remembers which z it was given."""

    folder = CHECKPOINT
    layer_shapes = {"conv0": SHAPE, "conv1": SHAPE}
    pitches = (32, 60)
    latent_size = 16

    def __init__(self, shape=SHAPE, killed_at=None):
        self.layer_shapes = {"conv0": shape, "conv1": shape}
        size = int(np.prod(shape))
        self.matrix = np.random.default_rng(5).standard_normal((16, size)) * np.linspace(2, 0.5, size)
        self.given, self.asked, self.killed_at = [], [], killed_at

    def random_z(self, count, seed=None):
        return np.random.default_rng(seed).standard_normal((count, 16), dtype=np.float32)

    def activations(self, z, pitch, layer):
        if self.killed_at is not None and len(self.given) == self.killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.given.append(np.array(z))
        self.asked.append((pitch, layer))
        return (1 + np.tanh(z @ self.matrix)).astype(np.float32).reshape(-1, *self.layer_shapes[layer])

    def outputs(self, count, seed=0):
        """All that the layer puts out, for comparison."""
        return np.tanh(self.random_z(count, seed) @ self.matrix).astype(np.float32).astype(float) + 1


@pytest.fixture
def model():
    return FakeModel()


@pytest.fixture
def out(tmp_path):
    return tmp_path / "conv0.npz"


def compute(model, out, count=200, said=None, **options):
    said = [] if said is None else said
    return components.compute(model, "conv0", count, out, say=said.append, **options)


def flat(space):
    return np.asarray(space.components, float).reshape(space.count, -1)


def same(one, other):
    """Whether components are the same, apart from their directions (0: none is, 1: all are)."""
    return np.abs((flat(one) * flat(other)).sum(axis=1)).min()


def files(folder):
    return sorted(path.name for path in folder.iterdir())


# Numbers


def test_pca_is_numpys_singular_value_decomposition(model, out):
    space = compute(model, out, 200, estimator="pca", components=6, batch_size=70)
    outputs = model.outputs(200)
    _, lengths, rows = np.linalg.svd(outputs - outputs.mean(axis=0), full_matrices=False)
    assert (space.layer, space.estimator, space.count) == ("conv0", "pca", 6)
    assert space.components.shape == (6, *SHAPE) and space.mean.shape == SHAPE
    np.testing.assert_allclose(np.abs((flat(space) * rows[:6]).sum(axis=1)), 1, atol=1e-5)
    np.testing.assert_allclose(space.stdev, lengths[:6] / np.sqrt(200), rtol=1e-5)
    np.testing.assert_allclose(space.variance_ratio, (lengths**2 / (lengths**2).sum())[:6], rtol=1e-5)
    np.testing.assert_allclose(space.mean.ravel(), outputs.mean(axis=0), rtol=1e-5)


def test_ipca_that_keeps_everything_is_exact(model, out):
    space = compute(model, out, 250, components=SIZE, batch_size=120)
    outputs = model.outputs(250)
    _, lengths, rows = np.linalg.svd(outputs - outputs.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs((flat(space) * rows).sum(axis=1)), 1, atol=1e-4)
    np.testing.assert_allclose(space.stdev, lengths / np.sqrt(249), rtol=1e-4)  # of samples, as the original
    np.testing.assert_allclose(space.variance_ratio.sum(), 1, rtol=1e-6)
    np.testing.assert_allclose(space.mean.ravel(), outputs.mean(axis=0), rtol=1e-5)


def test_ipca_of_few_components_is_close_to_pca(model, out):
    exact = compute(model, out, 600, estimator="pca", components=4)
    space = compute(model, out, 600, components=4)
    assert same(space, exact) > 0.99
    np.testing.assert_allclose(space.stdev, exact.stdev, rtol=0.02)
    assert (flat(space) * flat(exact)).sum(axis=1).min() > 0  # both point the same way


def test_components_are_of_unit_length_and_the_largest_first(model, out):
    space = compute(model, out, components=8)
    np.testing.assert_allclose(flat(space) @ flat(space).T, np.eye(8), atol=1e-5)
    assert (np.diff(space.stdev) <= 0).all()


def test_the_same_seed_looks_at_the_same_z_whatever_the_batches(out):
    looked_at = []
    for batch_size, estimator in ((10, "ipca"), (64, "ipca"), (7, "pca"), (None, "pca")):
        model = FakeModel()
        compute(model, out, 131, components=5, batch_size=batch_size, estimator=estimator, seed=3, pitch=60)
        looked_at.append(np.concatenate(model.given))
        assert set(model.asked) == {(60, "conv0")}
    for z in looked_at:
        np.testing.assert_array_equal(z, FakeModel().random_z(131, 3))


def test_memory_of_ipca_does_not_grow_with_the_number_of_z(tmp_path):
    peaks = []
    compute(FakeModel(), tmp_path / "imports.npz", components=4)
    for count in (80, 400):  # the outputs of 400 z take 2.6 MB
        model = FakeModel((4, 20, 20))
        tracemalloc.start()
        compute(model, tmp_path / f"{count}.npz", count, components=4, batch_size=40)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 500_000


# The result


def test_the_result_is_a_file_that_ganspace_loads_and_nothing_else_is_left(model, tmp_path):
    for ending in ("npz", "pickle"):
        said = []
        space = compute(model, tmp_path / f"mine.{ending}", said=said, components=5)
        again = GANSpace.load(tmp_path / f"mine.{ending}")
        np.testing.assert_array_equal(again.components, space.components)
        np.testing.assert_array_equal(again.offset([1, 2]), space.offset([1, 2]))
        assert re.search(r"the first component explains \d+\.\d % of the variance, all 5 together", said[-1])
    assert files(tmp_path) == ["mine.npz", "mine.pickle"]


def test_eighty_components_or_as_many_as_there_can_be(out):
    assert compute(FakeModel(), out).count == SIZE
    assert compute(FakeModel((2, 8, 8)), out, 150).count == 80


# What cannot be done


@pytest.mark.parametrize("options, error, message", [
    ({"components": 25}, ComponentsError, "25 components cannot be had: conv0 has 24 values.* 24 at most"),
    ({"components": 11, "count": 10}, ComponentsError, "there are 10 z; so there are 10 at most"),
    ({"components": 8, "batch_size": 7}, ComponentsError, "batch of 7 is too small: ipca finds 8 components"),
    ({"components": 8, "batch_size": 201}, ComponentsError, "batch of 201 cannot be made of 200 z"),
    ({"count": 1}, ComponentsError, "more z than one"),
    ({"estimator": "fbpca"}, ComponentsError, "no estimator 'fbpca', only ipca and pca"),
    ({"pitch": 61}, PitchError, "does not know the pitch 61; it knows 32, 60"),
])
def test_what_cannot_be_computed_is_said_before_any_work(model, out, options, error, message):
    with pytest.raises(error, match=message):
        compute(model, out, **options)
    assert not model.given and not files(out.parent)


def test_unknown_layers_wrong_endings_and_wrong_places_are_named(model, tmp_path):
    with pytest.raises(ComponentsError, match="no layer 'conv9'; it has conv0, conv1"):
        components.compute(model, "conv9", 100, tmp_path / "a.npz")
    with pytest.raises(ComponentsError, match="must end so"):
        compute(model, tmp_path / "a.txt")
    with pytest.raises(MessageError, match="a.npz cannot be written: No such file"):
        compute(model, tmp_path / "missing" / "a.npz")
    with pytest.raises(MessageError, match="b.npz is a folder"):
        (tmp_path / "b.npz").mkdir()
        compute(model, tmp_path / "b.npz")


@pytest.mark.parametrize("estimator, advice", [("pca", "take ipca, or fewer z"), ("ipca", "smaller batches")])
def test_too_little_memory_is_said_before_any_work(model, out, monkeypatch, estimator, advice):
    monkeypatch.setattr(components, "free_memory", lambda: 20_000)
    with pytest.raises(ComponentsError, match=f"takes 1 MB of memory, and 1 MB are free; .*{advice}"):
        compute(model, out, estimator=estimator)
    assert not model.given


def test_without_scikit_learn_ipca_says_how_to_install_it_and_pca_works(model, out, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)
    with pytest.raises(EngineError, match=r'pip install "pdbridge\[ganspace\]"'):
        compute(model, out)
    assert compute(model, out, estimator="pca").count == SIZE


def test_a_layer_that_is_always_the_same_has_no_components(model, out):
    model.matrix = model.matrix * 0
    for estimator in components.ESTIMATORS:
        with np.errstate(invalid="ignore"), pytest.raises(ComponentsError, match="the same for all z"):
            compute(model, out, estimator=estimator)


def test_outputs_that_are_not_finite_are_named(model, out):
    model.matrix = model.matrix * np.nan
    with pytest.raises(ComponentsError, match="not finite numbers"):
        compute(model, out)


# Going on


KILLED = """
import sys
from test_ganspace_command import FakeModel, compute
compute(FakeModel(killed_at=int(sys.argv[2])), sys.argv[1], estimator=sys.argv[3], components=5, batch_size=40)
"""


def killed(out, estimator, at=8):
    """Computes in a process that is killed when the model is asked for the ninth time."""
    code = subprocess.run([sys.executable, "-c", KILLED, str(out), str(at), estimator], cwd=TESTS, check=False,
                          env=os.environ | {"PYTHONPATH": str(TESTS.parent)}, capture_output=True).returncode
    assert code == -signal.SIGKILL


@pytest.mark.skipif(os.name == "nt", reason="nobody is killed like that there")
@pytest.mark.parametrize("estimator", components.ESTIMATORS)
def test_after_a_kill_it_goes_on_to_the_same_components(model, tmp_path, estimator):
    out, whole, said = tmp_path / "killed.npz", tmp_path / "whole.npz", []
    options = {"estimator": estimator, "components": 5, "batch_size": 40}
    killed(out, estimator)
    left = files(tmp_path)
    assert "killed.npz.unfinished.npz" in left and "killed.npz" not in left
    space = compute(model, out, said=said, **options)
    done = int(re.fullmatch(r"going on from (\d+) z that an earlier run did", said[1])[1])
    assert done in (40, 80) and sum(map(len, model.given)) == 200 - done
    uninterrupted = compute(FakeModel(), whole, **options)
    np.testing.assert_array_equal(space.components, uninterrupted.components)
    np.testing.assert_array_equal(space.stdev, uninterrupted.stdev)
    np.testing.assert_array_equal(space.mean, uninterrupted.mean)
    assert files(tmp_path) == ["killed.npz", "whole.npz"]


class Stop(Exception):
    """Ends a computation in the middle."""


def stopped(out, model=None, after=3, **options):
    """Computes until the model was asked a few times."""
    model = model or FakeModel()
    activations = model.activations

    def stop(*arguments):
        if len(model.given) == after:
            raise Stop
        return activations(*arguments)

    model.activations = stop
    with pytest.raises(Stop):
        compute(model, out, components=5, batch_size=16, **options)
    assert len(files(out.parent))


@pytest.mark.parametrize("change", [{"seed": 1}, {"pitch": 60}, {"count": 190}, {"batch_size": 20}])
@pytest.mark.parametrize("estimator", components.ESTIMATORS)
def test_what_was_done_for_something_else_is_not_used(out, estimator, change):
    stopped(out, estimator=estimator)
    model, said = FakeModel(), []
    options = {"estimator": estimator, "components": 5, "batch_size": 16} | change
    space = compute(model, out, said=said, **options)
    assert sum(map(len, model.given)) == change.get("count", 200) and len(said) == 2
    fresh = compute(FakeModel(), out.with_name("fresh.npz"), **options)
    np.testing.assert_array_equal(space.components, fresh.components)
    assert files(out.parent) == ["conv0.npz", "fresh.npz"]


def test_what_was_done_with_another_checkpoint_is_not_used(out, tmp_path):
    stopped(out)
    model = FakeModel()
    model.folder = tmp_path / "other"
    model.folder.mkdir()
    (model.folder / "experiment.json").write_text("{}")
    compute(model, out, components=5, batch_size=16)
    assert sum(map(len, model.given)) == 200


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b"PK"), lambda path: os.truncate(path, 1000)])
def test_what_was_done_and_is_damaged_is_not_used(out, harm):
    stopped(out)
    harm(out.with_name("conv0.npz.unfinished.npz"))
    model = FakeModel()
    compute(model, out, components=5, batch_size=16)
    assert sum(map(len, model.given)) == 200


def test_outputs_that_are_gone_are_made_again(out):
    stopped(out, estimator="pca")
    out.with_name("conv0.npz.unfinished.f32").unlink()
    model = FakeModel()
    compute(model, out, estimator="pca", components=5, batch_size=16)
    assert sum(map(len, model.given)) == 200


@pytest.mark.parametrize("estimator, room", [("ipca", 1000), ("pca", 8000)])
def test_on_a_full_disk_it_says_so_and_goes_on_later(model, out, estimator, room):
    options = {"estimator": estimator, "components": 5, "batch_size": 16}
    with files_end_at(room), pytest.raises(MessageError, match="unfinished.* cannot be written"):
        compute(model, out, **options)
    assert not out.exists()
    again, said = FakeModel(), []
    compute(again, out, said=said, **options)
    assert sum(map(len, again.given)) == (200 if estimator == "ipca" else 200 - 16 * 5)
    assert files(out.parent) == ["conv0.npz"]


# The command


def run(*words):
    """Run the command as the command line does."""
    return cli.main(["gansynth", "ganspace", *map(str, words)])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Components of the golden checkpoint."""
    out = tmp_path_factory.mktemp("made") / "conv0.pickle"
    assert run("--ckpt_dir", CHECKPOINT, "--random_z_count", 60, "--components", 10, "--seed", 3, "--pitch", 40,
               "--out", out, "--batch_size", 30, "--estimator", "ipca") == 0
    return out


def test_the_command_finds_components_of_a_checkpoint(made):
    from pdbridge import GANSynth

    model, space = GANSynth.load(CHECKPOINT), GANSpace.load(made)
    assert (space.layer, space.estimator, space.count) == ("conv0", "ipca", 10)
    outputs = model.activations(model.random_z(60, 3), 40, "conv0")
    np.testing.assert_allclose(space.mean, outputs.mean(axis=0), atol=1e-5)
    # The outputs spread along the components as the file says.
    spread = ((outputs - space.mean).reshape(60, -1) @ flat(space).T).std(axis=0, ddof=1)
    np.testing.assert_allclose(spread[:3], space.stdev[:3], rtol=0.01)


def test_a_result_that_is_there_is_kept_unless_it_is_to_be_replaced(made, capsys):
    before = made.read_bytes()
    assert run("--ckpt_dir", "missing", "--random_z_count", 60, "--out", made) == 1
    assert capsys.readouterr().err == f"pdbridge: {made} exists already; --overwrite makes it again\n"
    assert made.read_bytes() == before


def test_the_originals_flags_are_understood(tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(components, "compute", lambda *arguments: taken.append(arguments[1:]))
    assert run("--ckpt_dir", CHECKPOINT, "--layer", "conv1_2", "--random_z_count", 60, "--estimator", "pca",
               "--pca_batch_size", 20, "--pca_out_file", tmp_path / "a.npz", "--pitch", 50, "--seed", 9) == 0
    assert taken == [("conv1_2", 60, str(tmp_path / "a.npz"), "pca", None, 9, 50, 20)]


def test_ctrl_c_says_that_it_can_go_on(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(components, "compute", interrupted)
    assert run("--ckpt_dir", CHECKPOINT, "--random_z_count", 60, "--out", tmp_path / "a.npz") == 130
    assert "the same command goes on from where it was" in capsys.readouterr().err


@pytest.mark.parametrize("words, message", [
    (("--random_z_count", "0"), "invalid whole number"),
    (("--random_z_count", "5", "--seed", "-1"), "invalid seed"),
    (("--random_z_count", "5", "--pitch", "128"), "invalid MIDI pitch"),
    (("--random_z_count", "5", "--estimator", "ica"), "invalid choice"),
])
def test_what_cannot_be_understood_is_said(words, message, capsys):
    with pytest.raises(SystemExit):
        run("--ckpt_dir", "x", "--out", "a.npz", *words)
    assert message in capsys.readouterr().err
