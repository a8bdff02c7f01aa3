"""OSC packets: what goes in comes out, and what is no OSC is refused and nothing else."""

import random
import struct

import numpy as np
import pytest

from pdbridge.errors import MessageError
from pdbridge.hosts import wire
from pdbridge.hosts.wire import LARGEST_PACKET, decode, encode, numbers


def padded(text):
    return text + b"\0" * (4 - len(text) % 4)


def bundle(*items):
    sized = b"".join(struct.pack(">i", len(item)) + item for item in items)
    return b"#bundle\0" + b"\0" * 8 + sized


@pytest.mark.parametrize("arguments", [
    (), (1, -1, 2**31 - 1, -2**31), (0.5, -0.25, float("inf")), ("", "a", "abc", "abcd"),
    ("grün", 60, 1.0, "音"), tuple(range(33)), (2**40,), tuple(0.5 * n for n in range(32)),
])
def test_a_message_comes_back_as_it_was_sent(arguments):
    assert decode(encode("/a/b", *arguments)) == [("/a/b", list(arguments))]


@pytest.mark.parametrize("count", [0, 1, 32, 33, 4096, 16000])
def test_a_run_of_floats_comes_back_to_the_last_bit(count):
    floats = np.random.default_rng(count).standard_normal(count).astype(np.float32)
    [(address, values)] = decode(encode("/set", "array", 7.0, floats))
    assert (address, values[0]) == ("/set", "array")
    np.testing.assert_array_equal(numbers(values[1:]), np.append(np.float32(7), floats))


def test_a_long_run_of_floats_is_one_numpy_array():
    [(_, values)] = decode(encode("/set", "array", 7, np.zeros(4096, np.float32)))
    assert values[:2] == ["array", 7] and values[2].shape == (4096,)


def test_not_a_number_and_infinity_survive_a_run():
    floats = np.array([np.nan, np.inf, -np.inf] * 20, np.float32)
    [(_, values)] = decode(encode("/set", floats))
    np.testing.assert_array_equal(values[0], floats)


def test_numbers_refuses_what_is_no_number():
    for nonsense in ("a", b"blob", None):
        with pytest.raises(MessageError, match="a number was expected"):
            numbers([1.0, nonsense])


def test_bundles_in_bundles_give_their_messages_in_order():
    packet = bundle(encode("/1"), bundle(encode("/2", 2), bundle(encode("/3"))), encode("/4", "x"))
    assert decode(packet) == [("/1", []), ("/2", [2]), ("/3", []), ("/4", ["x"])]


def test_an_empty_bundle_holds_nothing():
    assert decode(bundle()) == []


def test_bundles_too_deep_in_bundles_are_refused():
    packet = encode("/a")
    for _ in range(wire.MOST_NESTED + 2):
        packet = bundle(packet)
    with pytest.raises(MessageError, match="bundles in bundles"):
        decode(packet)


@pytest.mark.parametrize("packet", [
    b"", b"\0", b"/", b"a\0\0\0", b"/abc", b"/a\0", b"#bundle\0", b"#bundle\0" + b"\0" * 3,
    b"#bundle\0" + b"\0" * 8 + b"\0\0\0\0", b"#bundle\0" + b"\0" * 8 + b"\xff\xff\xff\xff",
    b"#bundle\0" + b"\0" * 8 + b"\0\0\0\x08/a\0\0", padded(b"/\xff\xfe") + padded(b","),
    padded(b"/a") + padded(b",b") + b"\x7f\xff\xff\xff", padded(b"/a") + padded(b",s") + b"abcd",
    padded(b"/a") + padded(b"," + b"f" * 40) + b"\0" * 80,
    padded(b"/a") + padded(b"fff"), padded(b"/a") + padded(b"f" * 50) + b"\0" * 200,
    padded(b"/a") + padded(b"," + b"[" * 30000 + b"]" * 30000), padded(b"/a") + padded(b",Q"),
])
def test_what_is_no_osc_is_refused(packet):
    try:
        assert len(decode(packet)) <= 1 and packet.startswith(b"#bundle\0")  # an empty bundle
    except MessageError as error:
        assert len(str(error)) < 300


def test_a_packet_that_would_cost_too_much_time_is_refused():
    for tag, value in ((b"i", b"\0\0\0\0"), (b"N", b""), (b"s", b"a\0\0\0")):
        packet = padded(b"/a") + padded(b"," + tag * 8000) + value * 8000
        assert len(packet) < LARGEST_PACKET
        with pytest.raises(MessageError, match="more than 1024 arguments"):
            decode(packet)


def test_a_name_that_is_no_unicode_can_be_reported():
    name = b"caf\xe9".decode(errors="surrogateescape")  # how Python reads such a file name
    assert decode(encode("/fail", name)) == [("/fail", ["caf?"])]


def only_message_errors(packet):
    try:
        for address, values in decode(packet):
            assert isinstance(address, str) and isinstance(values, list)
    except MessageError:
        pass


def test_random_bytes_raise_nothing_but_message_errors(caplog):
    chance = random.Random(1)
    for _ in range(3000):
        only_message_errors(chance.randbytes(chance.randrange(200)))
        only_message_errors(b"/" + chance.randbytes(4 * chance.randrange(50) + 3))
        only_message_errors(b"#bundle\0" + chance.randbytes(chance.randrange(200)))
        tags = bytes(chance.choices(b"ifsbhdtrmTFN[]SIc\0", k=chance.randrange(12)))
        only_message_errors(padded(b"/a") + padded(b"," + tags) + chance.randbytes(24))
    assert not caplog.records, "python-osc fills the log"


def test_damaged_packets_raise_nothing_but_message_errors():
    chance = random.Random(2)
    whole = [
        encode("/gansynth/synthesize", "z1", "sound1", 60), encode("/array/set", "z", 0, 1.5, 2),
        encode("/set", "z", 0.0, np.ones(40, np.float32)),
        bundle(encode("/a", 1), bundle(encode("/b", "x", np.ones(33, np.float32)))),
    ]
    for packet in whole:
        for length in range(len(packet)):
            only_message_errors(packet[:length])
        for _ in range(2000):
            damaged = bytearray(packet)
            for _ in range(chance.randrange(1, 4)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            only_message_errors(bytes(damaged))
