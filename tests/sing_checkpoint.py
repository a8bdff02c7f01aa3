"""Makes SING checkpoints for tests: tensors as PyTorch's stream of 2018 keeps them, and broken in any way."""

import pickle
import struct

import numpy as np

from pdbridge.sing.checkpoint import MAGIC

PROTOCOL = pickle.PROTO + b"\x02"


def text(value):
    return pickle.BINUNICODE + struct.pack("<I", len(value.encode())) + value.encode()


def whole(value):
    encoded = pickle.encode_long(value)
    return pickle.LONG1 + bytes([len(encoded)]) + encoded


def name(path):
    module, _, last = path.rpartition(".")
    return pickle.GLOBAL + f"{module}\n{last}\n".encode()


def of(*values):
    """A tuple."""
    return pickle.MARK + b"".join(values) + pickle.TUPLE


def call(path, *arguments):
    return name(path) + of(*arguments) + pickle.REDUCE


def new(path, state):
    return name(path) + pickle.EMPTY_TUPLE + pickle.NEWOBJ + state + pickle.BUILD


def a_dict(values):
    items = (text(key) + value for key, value in values.items())
    return pickle.EMPTY_DICT + pickle.MARK + b"".join(items) + pickle.SETITEMS


def a_list(values):
    return pickle.EMPTY_LIST + pickle.MARK + b"".join(values) + pickle.APPENDS


def storage(key, count, kind="torch.FloatStorage"):
    return of(text("storage"), name(kind), text(key), text("cpu"), whole(count), pickle.NONE) + pickle.BINPERSID


def tensor(key, count, shape, strides=None, offset=0, kind="torch.FloatStorage"):
    if strides is None:
        strides = [int(np.prod(shape[axis + 1:])) for axis in range(len(shape))]
    return call("torch._utils._rebuild_tensor_v2", storage(key, count, kind), whole(offset), of(*map(whole, shape)),
                of(*map(whole, strides)), pickle.NEWFALSE, pickle.EMPTY_DICT)


def stream(made, numbers, magic=None, system=None, keys=None, counts=None):
    """The file: `made` are the steps of the object, `numbers` its arrays by key."""
    system = system or a_dict({"protocol_version": whole(1001), "little_endian": pickle.NEWTRUE})
    pickles = (magic or whole(MAGIC)), whole(1001), system, made, keys or a_list(map(text, numbers))
    data = b"".join(PROTOCOL + steps + pickle.STOP for steps in pickles)
    for key, array in numbers.items():
        data += struct.pack("<q", (counts or {}).get(key, array.size)) + array.tobytes()
    return data


def state_dict(parameters, epoch=None, **changed):
    """The file with a dict of tensors, or with (epoch, dict); `changed` are steps of tensors by key of storage."""
    keys = {name: str(number) for number, name in enumerate(parameters)}
    made = a_dict({name: changed.get(f"s{key}") or tensor(key, parameters[name].size, parameters[name].shape)
                   for name, key in keys.items()})
    numbers = {key: np.ascontiguousarray(parameters[name]) for name, key in keys.items()}
    return stream(made if epoch is None else of(whole(epoch), made), numbers)
