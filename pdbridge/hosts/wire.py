"""OSC packets: bytes to messages and back.

python-osc reads and writes ordinary messages. Long runs of numbers go through numpy instead,
since they are what the bridge moves all day: 4,096 floats take python-osc about 10 ms, numpy 0.05.
"""

import struct

import numpy as np
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from pdbridge.errors import MessageError

LARGEST_PACKET = 65507  # bytes, the most one UDP packet holds over IPv4
MOST_NESTED = 8  # bundles in bundles
MOST_BUNDLED = 512  # messages in a packet
MOST_ARGUMENTS = 1024  # besides a long run of floats; python-osc takes 1 ms for as many
_MANY = 32  # numbers from which numpy is faster
_KNOWN_TAGS = b"ifsbhdtrmTFN"


def encode(address, *arguments):
    """One OSC message as bytes.

    Parameters
    ----------
    address : str
    arguments : int, float, str or numpy array
        Whole Python ints become ``i`` (``h`` beyond 32 bits), floats ``f``. A numpy array (last)
        becomes that many ``f``. Bytes of a file name that are no UTF-8 become ``?``.
    """
    values = None
    if arguments and isinstance(arguments[-1], np.ndarray):
        values, arguments = arguments[-1], arguments[:-1]
    builder = OscMessageBuilder(address)
    for argument in arguments:
        if isinstance(argument, str):
            argument = argument.encode(errors="replace").decode()
        builder.add_arg(argument, _tag(argument))
    packet = builder.build().dgram
    return packet if values is None else _append(packet, address, values)


def _tag(argument):
    if isinstance(argument, str):
        return "s"
    if isinstance(argument, float):
        return "f"
    return "i" if -(1 << 31) <= argument < 1 << 31 else "h"


def _append(packet, address, values):
    tags_at = len(_padded(address.encode()))
    tags_end = packet.index(b"\0", tags_at)
    tags = packet[tags_at:tags_end]
    body = packet[tags_at + len(_padded(tags)):]
    floats = np.ascontiguousarray(values, dtype=">f4").tobytes()
    return packet[:tags_at] + _padded(tags + b"f" * len(values)) + body + floats


def _padded(data):
    return data + b"\0" * (4 - len(data) % 4)


def decode(packet):
    """The messages in a packet.

    Parameters
    ----------
    packet : bytes
        One OSC message or bundle. Time tags of bundles are ignored: everything is for now.

    Returns
    -------
    list of (str, list)
        Addresses with their arguments. Where a message ends in more than 32 floats, these come as
        one float32 numpy array, the last argument.

    Raises
    ------
    MessageError
        The packet is not OSC.
    """
    try:
        if packet.startswith(b"#bundle\0"):
            return _unbundled(packet)
        return [_decode_message(packet)]
    except MessageError:
        raise
    except Exception as error:  # python-osc raises many kinds, and all mean the same here
        raise MessageError(f"not an OSC message: {error!s:.200}") from None


def numbers(values):
    """Numbers of a message, single ones and a long run that came as one array, in one array.

    Parameters
    ----------
    values : sequence
        As `decode` gives them.

    Returns
    -------
    float32 array [count]

    Raises
    ------
    MessageError
        One of them is not a number.
    """
    for value in values:
        if not isinstance(value, (int, float, np.ndarray)):
            raise MessageError(f"a number was expected, not {value!r:.60}")
    parts = [np.atleast_1d(np.asarray(value, np.float32)) for value in values]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _unbundled(packet, depth=0):
    if depth > MOST_NESTED:
        raise MessageError("not an OSC message: bundles in bundles in bundles")
    at, messages = 16, []
    while at < len(packet):
        (size,) = struct.unpack_from(">i", packet, at)
        item = packet[at + 4:at + 4 + size]
        if size <= 0 or len(item) != size:
            raise MessageError("not an OSC message: a bundle with a wrong size in it")
        if item.startswith(b"#bundle\0"):
            messages += _unbundled(item, depth + 1)
        else:
            messages.append(_decode_message(item))
        if len(messages) > MOST_BUNDLED:
            raise MessageError(f"more than {MOST_BUNDLED} messages in a bundle; send several")
        at += 4 + size
    return messages


def _decode_message(packet):
    if not packet.startswith(b"/") or len(packet) % 4:
        raise MessageError("not an OSC message: it must start with / and be padded to 4 bytes")
    address_end = packet.index(b"\0")
    tags_at = address_end + 4 - address_end % 4
    tags_end = packet.find(b"\0", tags_at)
    tags = packet[tags_at + 1:tags_end] if tags_end > 0 else b""
    if tags.strip(_KNOWN_TAGS):
        raise MessageError("not an OSC message: a type tag is none of ifsbhdtrmTFN")
    floats = len(tags) - len(tags.rstrip(b"f"))
    if len(tags) - floats > MOST_ARGUMENTS:
        raise MessageError(f"a message with more than {MOST_ARGUMENTS} arguments that are no floats")
    if floats <= _MANY:
        message = OscMessage(packet)
        return message.address, list(message.params)
    values_at = len(packet) - 4 * floats
    tags_kept = packet[tags_at:tags_end - floats]
    body_at = tags_at + len(_padded(packet[tags_at:tags_end]))
    if values_at < body_at:
        raise MessageError("not an OSC message: fewer numbers than its type tags promise")
    head = packet[:tags_at] + _padded(tags_kept) + packet[body_at:values_at]
    message = OscMessage(head)
    if len(message.params) != len(tags_kept) - 1:
        raise MessageError("not an OSC message: arguments and type tags differ")
    values = np.frombuffer(packet, dtype=">f4", offset=values_at).astype(np.float32)
    return message.address, [*message.params, values]
