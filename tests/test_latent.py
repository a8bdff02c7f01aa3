"""Timbre vectors: drawing them, and ways between them."""

import numpy as np
import pytest
from gansynth_checkpoint import GOLDENS

from pdbridge.errors import LatentError
from pdbridge.latent import pad, random_z, slerp

Z0, Z1 = random_z(2, 256, seed=1)


def test_slerp_is_that_of_the_original():
    golden = np.load(GOLDENS / "golden_public.npz")
    found = slerp(golden["z"][0], golden["z"][1], golden["slerp_t"])
    np.testing.assert_allclose(found, golden["slerp"], atol=1e-6)


def test_slerp_in_double_precision_keeps_it():
    golden = np.load(GOLDENS / "golden_public.npz")
    z = golden["z"].astype(np.float64)
    found = slerp(z[0], z[1], golden["slerp_t"])
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, golden["slerp"], atol=1e-12)


def test_one_amount_gives_one_z_and_several_give_as_many():
    assert slerp(Z0, Z1, 0.3).shape == (256,)
    assert slerp(Z0, Z1, [0.3]).shape == (1, 256)
    assert slerp(Z0, Z1, np.linspace(0, 1, 5)).shape == (5, 256)
    np.testing.assert_array_equal(slerp(Z0, Z1, [0.1, 0.3])[1], slerp(Z0, Z1, 0.3))


@pytest.mark.parametrize("end", [Z1, Z0, 2 * Z0, -Z0, -3 * Z0, -Z0 + 1e-6 * Z1, 0 * Z0])
def test_every_way_meets_its_ends_exactly(end):
    way = slerp(Z0, end, [0.0, 1.0])
    np.testing.assert_array_equal(way[0], Z0)
    np.testing.assert_array_equal(way[1], end)


@pytest.mark.parametrize("end", [Z0, 2 * Z0, Z0 + 1e-7 * Z1])
def test_vectors_of_the_same_direction_are_joined_by_a_line(end):
    np.testing.assert_allclose(slerp(Z0, end, 0.25), 0.75 * Z0 + 0.25 * end, rtol=1e-5, atol=1e-6)


def test_a_zero_vector_is_joined_by_a_line():
    np.testing.assert_allclose(slerp(np.zeros(256), Z1, 0.25), 0.25 * Z1, rtol=1e-6)
    np.testing.assert_array_equal(slerp(np.zeros(4), np.zeros(4), 0.5), np.zeros(4))


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_opposite_vectors_are_joined_by_a_half_circle(scale):
    way = slerp(Z0, -scale * Z0, np.linspace(0, 1, 9))
    length = np.linalg.norm(Z0)
    np.testing.assert_allclose(
        np.linalg.norm(way, axis=1), np.linspace(length, scale * length, 9), rtol=1e-5
    )
    assert abs(np.dot(way[4], Z0)) < 1e-3 * length**2
    np.testing.assert_array_equal(way, slerp(Z0, -scale * Z0, np.linspace(0, 1, 9)))


def test_nearly_opposite_vectors_never_blow_up():
    for nearness in (1e-2, 1e-3, 1e-4, 1e-5, 1e-7, 1e-9, 0):
        way = slerp(Z0, -Z0 + nearness * Z1, np.linspace(0, 1, 11))
        assert np.linalg.norm(way, axis=1).max() < 1.2 * np.linalg.norm(Z0)


def test_opposite_single_values_are_joined_by_a_line():
    np.testing.assert_allclose(slerp([1.0], [-1.0], [0.25, 0.5]), [[0.5], [0.0]])


@pytest.mark.parametrize(
    ("z0", "z1", "t"),
    [
        (Z0, Z1[:100], 0.5),
        (Z0, [Z1], 0.5),
        (3.0, 4.0, 0.5),
        ([], [], 0.5),
        (np.full(256, np.nan), Z1, 0.5),
        (Z0, np.full(256, np.inf), 0.5),
        (Z0, ["a"] * 256, 0.5),
        (Z0, Z1, np.nan),
        (Z0, Z1, "half"),
        (Z0, Z1, [[0.5]]),
    ],
)
def test_slerp_refuses_what_has_no_answer(z0, z1, t):
    with pytest.raises(LatentError):
        slerp(z0, z1, t)


def test_the_same_seed_draws_the_same_timbres():
    np.testing.assert_array_equal(random_z(3, 256, seed=4), random_z(3, 256, seed=4))
    assert not np.array_equal(random_z(3, 256, seed=4), random_z(3, 256, seed=5))
    assert not np.array_equal(random_z(3, 256), random_z(3, 256))


def test_timbres_are_standard_normal_floats():
    z = random_z(200, 256, seed=6)
    assert z.dtype == np.float32
    assert abs(z.mean()) < 0.02
    assert abs(z.std() - 1) < 0.02


@pytest.mark.parametrize(("count", "seed"), [(-1, None), (2.5, None), (2, -1), (2, "x")])
def test_drawing_refuses_nonsense(count, seed):
    with pytest.raises(LatentError):
        random_z(count, 256, seed)


# The pad

CORNERS = random_z(4, 256, seed=2)


@pytest.mark.parametrize("x, y, corner", [(0, 0, 0), (1, 0, 1), (0, 1, 2), (1, 1, 3)])
def test_a_pad_meets_its_corners_exactly(x, y, corner):
    np.testing.assert_array_equal(pad(CORNERS, x, y), CORNERS[corner])


def test_the_edges_of_a_pad_are_the_ways_between_its_corners():
    np.testing.assert_array_equal(pad(CORNERS, 0.3, 0), slerp(CORNERS[0], CORNERS[1], 0.3))
    np.testing.assert_array_equal(pad(CORNERS, 0.3, 1), slerp(CORNERS[2], CORNERS[3], 0.3))
    np.testing.assert_array_equal(pad(CORNERS, 0, 0.3), slerp(CORNERS[0], CORNERS[2], 0.3))


def test_inside_a_pad_lies_what_is_between_top_and_bottom():
    middle = pad(CORNERS, 0.25, 0.75)
    top, bottom = slerp(CORNERS[0], CORNERS[1], 0.25), slerp(CORNERS[2], CORNERS[3], 0.25)
    np.testing.assert_array_equal(middle, slerp(top, bottom, 0.75))
    assert middle.dtype == np.float32 and 12 < np.linalg.norm(middle) < 20  # as far out as any z
    np.testing.assert_array_equal(pad([CORNERS[0]] * 4, 0.3, 0.6), CORNERS[0])


@pytest.mark.parametrize("corners, x, part", [
    (CORNERS[:3], 0.5, "4 corners, not 3"), ([*CORNERS[:3], CORNERS[3][:5]], 0.5, "same length"),
    (CORNERS, np.nan, "finite"), ([*CORNERS[:3], np.full(256, np.nan)], 0.5, "finite"),
])
def test_a_pad_that_cannot_be_is_an_error(corners, x, part):
    with pytest.raises(LatentError, match=part):
        pad(corners, x, 0.5)
