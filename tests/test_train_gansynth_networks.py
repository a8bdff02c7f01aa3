"""GANSynth's networks, losses and schedule, against what the original made and against plain arithmetic."""

import numpy as np
import pytest
import tensorflow as tf
from gansynth_checkpoint import GOLDENS, PUBLIC, TRANSITION
from tiny_gansynth import painted, tiny_config

from pdbridge.gansynth.checkpoint import read_checkpoint
from pdbridge.gansynth.generator import blend_weights
from pdbridge.training import bundle
from pdbridge.training.gansynth import config as configs
from pdbridge.training.gansynth import losses, networks, optimiser
from pdbridge.training.gansynth.adversarial import initial_tensors
from pdbridge.training.gansynth.schedule import progress, stages

MILLION = 1_000_000


def listed(name):
    """Variables of a checkpoint of the original: dict of name to (dtype, shape)."""
    lines = [line.split("\t") for line in (GOLDENS / name).read_text().splitlines()]
    return {line[0]: (line[1], tuple(map(int, line[2].strip("[]").replace(",", " ").split())))
            for line in lines if len(line) == 3}


# Variables


@pytest.mark.parametrize(("file", "changes"), [
    ("variables_full.tsv", {}), ("variables_public.tsv", {"fmap_base": 512, "fmap_max": 12})])
def test_weights_have_the_names_and_shapes_of_the_original(file, changes):
    config = configs.make("mel_prog_hires", **changes)
    shape = config.shape(pitches=61)
    made = networks.generator_variables(shape, 7)
    made |= {name + optimiser.AVERAGE: size for name, size in made.items()}
    made |= networks.discriminator_variables(shape, 7)
    expected = {name: size for name, (_, size) in listed(file).items() if not name.startswith(optimiser.SCOPE)}
    assert len(expected) > 130
    assert made | {"global_step": (), "Variable": ()} == expected


def test_kernels_begin_normal_and_biases_at_zero_and_averages_where_the_weights_are():
    config = configs.make("mel_prog_hires", fmap_max=16)
    tensors = initial_tensors(config, stages(config)[12], pitches=61)
    kernel = tensors["Generator/progressive_gan_generator/progressive_gan_block_1/conv0/conv2d/kernel"]
    assert abs(kernel.mean()) < 0.02 and abs(kernel.std() - 1) < 0.02
    assert not any(array.any() for name, array in tensors.items() if name.endswith("/bias"))
    averages = [name for name in tensors if name.endswith(optimiser.AVERAGE)]
    assert len(averages) == 42
    assert all(np.array_equal(tensors[name], tensors[name.removesuffix(optimiser.AVERAGE)]) for name in averages)
    other = initial_tensors(tiny_config(seed=1), stages(tiny_config())[0], 3)
    again = initial_tensors(tiny_config(seed=1), stages(tiny_config())[2], 3)
    assert all(np.array_equal(other[name], again[name]) for name in other)


# Schedule


def test_the_published_schedule_ends_its_stages_where_the_original_does():
    every = stages(configs.make("mel_prog_hires"))
    assert [stage.end for stage in every] == [800_000 * count for count in range(1, 13)] + [11 * MILLION]
    assert [stage.blocks for stage in every] == [1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]
    assert {stage.batch_size for stage in every} == {8}
    sizes = [stage.batch_size for stage in stages(configs.make("defaults"))]
    assert sizes == [16] * 11 + [8] * 2
    assert max(stage.end for stage in stages(configs.make("defaults"))) == 320


def test_alphas_at_every_boundary_between_stages():
    config = configs.make("mel_prog_hires")
    every = stages(config)
    for before, stage in zip(every, every[1:], strict=False):
        begun = progress(config, stage, before.end)
        assert begun == pytest.approx(stage.blocks - 2 if stage.fading else stage.blocks - 1)
        weights = blend_weights(begun, 7)
        assert weights == pytest.approx({stage.blocks - 1: 1} if stage.fading else {stage.blocks: 1})
        if stage.fading:
            middle = blend_weights(progress(config, stage, before.end + 200_000), 7)
            assert middle == pytest.approx({stage.blocks - 1: 0.75, stage.blocks: 0.25})
            last = progress(config, stage, stage.end - 8)
            assert last == pytest.approx(stage.blocks - 1 - 1e-5)
            assert progress(config, stage, stage.end + 8) <= stage.blocks - 1  # a batch may go beyond the end
    assert progress(config, every[0], 0) == progress(config, every[0], 799_999) == 0
    assert progress(config, every[12], 11 * MILLION) == 6
    assert progress(configs.make("mel_prog_hires", train_progressive=False), every[3], 0) == 2


# The generator


@pytest.mark.parametrize(("folder", "golden"), [
    (PUBLIC, "golden_public.npz"), (TRANSITION, "golden_public_transition.npz")])
def test_the_generator_paints_what_the_original_does(folder, golden):
    golden = np.load(GOLDENS / golden)
    checkpoint = read_checkpoint(folder)
    (index,) = folder.glob("stage_*/*.index")
    weights = bundle.load(index.with_suffix(""))
    pitch = tf.one_hot(golden["labels"][:1], 61)
    picture = networks.generate(weights, tf.constant(golden["z"][:1]), pitch, checkpoint.shape, 7,
                                tf.constant(checkpoint.progress, tf.float32), suffix=optimiser.AVERAGE)
    assert np.abs(picture.numpy()[0] - golden["pred_norm_0"]).max() < 2e-4


def test_both_networks_have_their_shapes_at_every_stage():
    config = configs.make("mel_prog_hires", fmap_max=4, latent_vector_size=3)
    shape = config.shape(pitches=5)
    weights = initial_tensors(config, stages(config)[12], pitches=5)
    for stage in stages(config)[:9]:
        grown = tf.constant(stage.blocks - 1.5) if stage.fading else None
        pictures = networks.generate(weights, tf.ones([2, 3]), tf.one_hot([0, 4], 5), shape, stage.blocks, grown)
        assert pictures.shape == (2, 2 * 2 ** (stage.blocks - 1), 16 * 2 ** (stage.blocks - 1), 2)
        # The critic's weights of this stage only
        scores, logits = networks.discriminate(weights, pictures, shape, stage.blocks, grown)
        assert scores.shape == (2,) and logits.shape == (2, 5)


def test_less_than_everything_of_a_network_changes_nothing_at_the_end_of_fading():
    config = configs.make("mel_prog_hires", fmap_max=4, latent_vector_size=3)
    shape, weights = config.shape(pitches=5), initial_tensors(config, stages(config)[4], pitches=5)
    z, pitch = tf.random.stateless_normal([2, 3], [1, 2]), tf.one_hot([0, 4], 5)
    whole = networks.generate(weights, z, pitch, shape, 3)
    np.testing.assert_allclose(networks.generate(weights, z, pitch, shape, 3, tf.constant(2.0)), whole, atol=1e-6)
    for got, expected in zip(networks.discriminate(weights, whole, shape, 3, tf.constant(2.0)),
                             networks.discriminate(weights, whole, shape, 3), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5)
    begun = networks.generate(weights, z, pitch, shape, 3, tf.constant(1.0))
    np.testing.assert_allclose(begun, networks.upscale(networks.generate(weights, z, pitch, shape, 2)), atol=1e-6)


# The critic, as the paper has it


def plain_critic(weights, pictures, shape, blocks, grown, size):
    """Scores and pitch logits of enlarged, normalised pictures: float64, loops, and the original's order of work."""
    def layer(name, x, gain=2.0, valid=False):
        dense = f"{name}/dense/kernel" in weights
        kernel = weights[f"{name}/{'dense' if dense else 'conv2d'}/kernel"].astype(np.float64)
        kernel = kernel * np.sqrt(gain / np.prod(kernel.shape[:-1]))
        bias = weights[f"{name}/bias"]
        if dense:
            return x @ kernel + bias
        height, width = kernel.shape[:2]
        if not valid:
            x = np.pad(x, [(0, 0), (height // 2, height // 2), (width // 2, width // 2), (0, 0)])
        rows, columns = x.shape[1] - height + 1, x.shape[2] - width + 1
        y = sum(x[:, row:row + rows, column:column + columns] @ kernel[row, column]
                for row in range(height) for column in range(width)) + bias
        return np.where(y < 0, 0.2 * y, y)

    def boxes(x, scale):
        count, rows, columns, channels = x.shape
        return x.reshape(count, rows // scale, scale, columns // scale, scale, channels).mean(axis=(2, 4))

    def block_name(block, name):
        return networks.DISCRIMINATOR.format(block=block, layer=name)

    seen = {block: layer(block_name(block, "from_rgb"), boxes(pictures, size * 2 ** (blocks - block)))
            for block in range(1, blocks + 1)}
    x = seen[blocks]
    for block in range(blocks, 1, -1):
        x = boxes(layer(block_name(block, "conv1"), layer(block_name(block, "conv0"), x)), 2)
        alpha = np.clip(block - 1 - grown, 0, 1)
        x = alpha * seen[block - 1] + (1 - alpha) * x
    deviation = np.mean(np.sqrt(x.var(axis=0) + 1e-6))
    x = np.concatenate([x, np.full_like(x[..., :1], deviation)], axis=-1)
    x = layer(block_name(1, "conv1"), layer(block_name(1, "conv0"), x), valid=True)[:, 0, 0]
    return layer(block_name(1, "logits"), x, 1.0)[:, 0], layer(networks.CLASSIFIER, x, 1.0)


@pytest.fixture(scope="module")
def critic():
    """A tiny critic that fades its second block of three in, so pictures are enlarged twice: shape, weights, pictures.
    """
    config = tiny_config(num_resolutions=3)
    shape = config.shape(3)
    weights = initial_tensors(config, stages(config)[1], 3)
    random = np.random.default_rng(0)
    weights = {name: array + 0.1 * random.standard_normal(array.shape).astype(np.float32)
               for name, array in weights.items() if name.startswith("Disc")}
    return shape, weights, 0.7 * random.standard_normal([2, 4, 32, 2]).astype(np.float32)


GROWN = 0.3


def test_the_critic_judges_as_plain_arithmetic_on_enlarged_pictures(critic):
    shape, weights, pictures = critic
    got = networks.discriminate(weights, tf.constant(pictures), shape, 2, tf.constant(GROWN))
    enlarged = pictures.repeat(2, axis=1).repeat(2, axis=2)
    for values, expected in zip(got, plain_critic(weights, enlarged, shape, 2, GROWN, 2), strict=True):
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


def test_the_gradient_penalty_is_that_of_enlarged_pictures(critic):
    shape, weights, real = critic
    fake, mixing = real[::-1] + 0.3, np.array([0.25, 0.6], np.float32).reshape(2, 1, 1, 1)
    got = losses.gradient_penalty(
        lambda x: networks.discriminate(weights, x, shape, 2, tf.constant(GROWN))[0],
        tf.constant(real), tf.constant(fake), tf.constant(mixing), target=0.7, enlargement=2)
    between = (real + mixing * (fake - real)).astype(np.float64).repeat(2, axis=1).repeat(2, axis=2)
    squares, step = np.zeros(2), 1e-5
    for index, row, column, channel in np.ndindex(2, 4, 32, 2):
        sums = []
        for sign in (1, -1):
            changed = between.copy()
            changed[index, 2 * row:2 * row + 2, 2 * column:2 * column + 2, channel] += sign * step
            # The deviation over the batch makes each score depend on the other picture, too.
            sums.append(plain_critic(weights, changed, shape, 2, GROWN, 2)[0].sum())
        slope = (sums[0] - sums[1]) / (2 * step) / 4  # of one of the four pixels, which are alike
        squares[index] += 4 * slope**2
    expected = np.mean((np.sqrt(squares) / 0.7 - 1) ** 2)
    assert float(got) == pytest.approx(expected, rel=1e-3)


# Losses


def test_losses_of_a_case_computed_by_hand():
    real, fake = tf.constant([1.0, 3.0]), tf.constant([-1.0, 2.0])
    assert float(losses.generator_loss(fake)) == -0.5
    assert float(losses.critic_loss(real, fake)) == 0.5 - 2.0
    assert float(losses.real_score_penalty(real)) == (1 + 9) / 2
    logits, pitch = tf.math.log([[1.0, 2.0, 1.0], [4.0, 1.0, 3.0]]), tf.one_hot([1, 0], 3)
    assert float(losses.cross_entropy(logits, pitch)) == pytest.approx(np.log(2))  # both at odds of 1 to 2


def test_the_gradient_penalty_of_cases_computed_by_hand():
    real = tf.constant(np.array([1.0, 0.0, 0.0, 2.0, 0.0, 0.0], np.float32).reshape(1, 1, 3, 2))
    fake, mixing = tf.zeros_like(real), tf.fill([1, 1, 1, 1], 0.0)
    slope = tf.constant(np.array([3.0, 0, 0, 4.0, 0, 0], np.float32).reshape(1, 1, 3, 2))  # of length 5

    def linear(x):
        return tf.reduce_sum(x * slope, axis=[1, 2, 3])

    def square(x):  # the gradient is x
        return tf.reduce_sum(tf.square(x), axis=[1, 2, 3]) / 2

    assert float(losses.gradient_penalty(linear, real, fake, mixing)) == pytest.approx((5 - 1) ** 2)
    assert float(losses.gradient_penalty(linear, real, fake, mixing, 2.5)) == pytest.approx((5 / 2.5 - 1) ** 2)
    assert float(losses.gradient_penalty(square, real, fake, mixing)) == pytest.approx((np.sqrt(5) - 1) ** 2)
    halfway = losses.gradient_penalty(square, real, fake, mixing + 1 / 2)
    assert float(halfway) == pytest.approx((np.sqrt(5) / 2 - 1) ** 2)


def test_a_moving_average_follows_its_formula():
    average, variable = tf.Variable([1.0, -2.0]), tf.Variable([3.0, 0.0])
    tf.function(lambda: optimiser.update_average(average, variable))()
    np.testing.assert_allclose(average, [0.999 * 1 + 0.001 * 3, 0.999 * -2], rtol=1e-6)


def test_real_pictures_are_blended_as_the_generators():
    pictures = painted(tiny_config().layout)
    coarse = networks.upscale(networks.downscale(tf.constant(pictures)))
    np.testing.assert_allclose(networks.blend(tf.constant(pictures), 0.25), 0.25 * pictures + 0.75 * coarse, rtol=1e-5)
    np.testing.assert_allclose(coarse[0, :2, :2, 0], np.full((2, 2), pictures[0, :2, :2, 0].mean()), rtol=1e-5)
