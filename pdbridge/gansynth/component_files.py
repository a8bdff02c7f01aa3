"""Files of GANSpace's components: the original's pickles, and .npz; both are mapped, not loaded.

The pickle is not unpickled: its steps are followed one by one (`pdbridge.pickles`), and only numpy's arrays
are known here. An array becomes a view of the mapped file at the place where its numbers lie, so that a
file of 512 MB opens at once, and only what is used of it is ever read. Nothing in a file can make this take
more memory than the file has bytes.
"""

import codecs
import enum
import pickle
import re
import reprlib
import struct

import numpy as np

from pdbridge.errors import ComponentsError
from pdbridge.mapped import Damaged, new_file, read_npz, view
from pdbridge.pickles import PickleSteps, full_name

PIECE = 1 << 20  # bytes


def read(file):
    """What is in a file of components.

    Parameters
    ----------
    file : MappedFile
        A pickle or an .npz, which is told from its first bytes.

    Returns
    -------
    dict of str to object
        Arrays are read-only views of the file.

    Raises
    ------
    ComponentsError
        It is neither, damaged, or a pickle that asks for something else than numpy's arrays, text
        and numbers.
    """
    if bytes(file.bytes[:4]) == b"PK\x03\x04":
        return read_npz(file)
    return _Pickle(file).read()


# Pickles


class Known(enum.Enum):
    """What a pickle may ask for by name."""

    ARRAY_TYPE = enum.auto()
    EMPTY_ARRAY = enum.auto()
    ARRAY_OF_BYTES = enum.auto()
    NUMBER_TYPE = enum.auto()
    NUMBER = enum.auto()
    BYTES_OF_TEXT = enum.auto()


NAMES = {
    "numpy.ndarray": Known.ARRAY_TYPE,
    "numpy.dtype": Known.NUMBER_TYPE,
    "_codecs.encode": Known.BYTES_OF_TEXT,
} | {
    f"numpy.{core}.{name}": known
    for core in ("core", "_core")  # numpy 1 and numpy 2
    for name, known in (("multiarray._reconstruct", Known.EMPTY_ARRAY), ("multiarray.scalar", Known.NUMBER),
                        ("numeric._frombuffer", Known.ARRAY_OF_BYTES))
}


class _Array:
    """An array that is named before its contents are known."""

    values = None


class _NumberType:
    """A dtype; its byte order follows later."""

    def __init__(self, code):
        if not re.fullmatch(r"[fiub]\d{1,2}|U\d{1,3}", code):
            raise Damaged(f"holds an array of type {reprlib.repr(code)}; only numbers and text are read")
        self.code, self.order = code, "<"

    @property
    def dtype(self):
        try:
            return np.dtype(self.order + self.code)
        except TypeError:
            raise Damaged(f"holds an array of type {self.code!r}, which numpy does not know") from None


class _Pickle(PickleSteps):
    """Knows numpy's arrays."""

    content = "components"

    def __init__(self, file):
        super().__init__(file.bytes)
        self.file = file
        self.room = len(file.bytes)  # bytes that texts may still become

    def read(self):
        """The dict that the pickle makes."""
        try:
            made = self.follow()
            if not isinstance(made, dict):
                raise Damaged(f"holds {self.kind(made)} where a dict of components is expected")
        except Damaged as error:
            raise ComponentsError(f"{self.file.path} {error}") from None
        return {name: value.values if isinstance(value, _Array) else value for name, value in made.items()}

    # What it may make

    def known(self, module, name):
        return NAMES.get(full_name(module, name)) or self.unknown(module, name)

    def made(self, function, arguments):
        match function, arguments:
            case Known.EMPTY_ARRAY, (Known.ARRAY_TYPE, *_):
                return _Array()
            case Known.NUMBER_TYPE, (str(code), *_):
                return _NumberType(code)
            case Known.NUMBER, (_NumberType() as kind, data):
                return self.view(data, kind, ())[()]
            case Known.BYTES_OF_TEXT, (str() | memoryview() as text, "latin1"):
                return self.latin_1(text)
            case Known.ARRAY_OF_BYTES, (data, _NumberType() as kind, tuple(shape), "C" | "F" as order):
                array = _Array()
                array.values = self.view(data, kind, shape, order)
                return array
        raise Damaged(f"is damaged: it makes something of {self.kind(function)} that is no array")

    def build(self, target, state):
        match target, state:
            case _NumberType(), (_, "<" | ">" | "|" as order, None, None, None, *_):
                target.order = order
            case _Array(), (_, tuple(shape), _NumberType() as kind, bool(fortran), data):
                target.values = self.view(data, kind, shape, "F" if fortran else "C")
            case _:
                raise Damaged(f"is damaged: it fills {self.kind(target)} with {self.kind(state)}")

    def view(self, data, kind, shape, order="C"):
        if not isinstance(data, memoryview):
            raise Damaged(f"is damaged: the numbers of an array in it are {self.kind(data)}")
        return view(data, kind.dtype, shape, order)

    def kind(self, value):
        names = {_Array: "an array", _NumberType: "a type", Known: "a name"}
        return names.get(type(value)) or super().kind(value)

    def latin_1(self, text):
        """Protocol 2 knows no bytes; it writes them as a text of letters up to 255."""
        encoded = text if isinstance(text, memoryview) else text.encode()
        self.room -= len(encoded)
        if self.room < 0:
            raise Damaged("is damaged: it makes more of its texts than it has bytes")
        decoder, made = codecs.getincrementaldecoder("utf-8")(), bytearray()
        try:
            for start in range(0, len(encoded), PIECE):
                made += decoder.decode(encoded[start:start + PIECE]).encode("latin-1")
            decoder.decode(b"", final=True)
        except UnicodeError:
            raise Damaged("is damaged: numbers in it are not written as such") from None
        return memoryview(made).toreadonly()


# Writing


def write_pickle(path, values):
    """Write a pickle that the original reads: protocol 4, with the names that numpy 1 and 2 know.

    Parameters and errors are those of `pdbridge.mapped.write_npz`.
    """
    with new_file(path) as file:
        file.write(pickle.PROTO + b"\x04" + pickle.EMPTY_DICT + pickle.MARK)
        for name, value in values.items():
            file.write(_text(name))
            if isinstance(value, str):
                file.write(_text(value))
            else:
                _write_array(file, value)
        file.write(pickle.SETITEMS + pickle.STOP)


def _write_array(file, array):
    """The steps that numpy takes itself, with the array row by row."""
    dtype = array.dtype.newbyteorder("<")
    empty = _call("numpy.core.multiarray", "_reconstruct", _name("numpy", "ndarray"), _tuple(_whole(0)),
                  pickle.SHORT_BINBYTES + b"\x01b")
    kind = _call("numpy", "dtype", _text(dtype.str[1:]), pickle.NEWFALSE, pickle.NEWTRUE)
    order = _tuple(_whole(3), _text("<"), pickle.NONE * 3, _whole(-1) * 2, _whole(0)) + pickle.BUILD
    file.write(empty + pickle.MARK + _whole(1) + _tuple(*map(_whole, array.shape)) + kind + order)
    file.write(pickle.NEWFALSE + pickle.BINBYTES8 + struct.pack("<Q", array.size * dtype.itemsize))
    for row in array:
        file.write(np.asarray(row, dtype).tobytes())
    file.write(pickle.TUPLE + pickle.BUILD)


def _text(text):
    encoded = text.encode()
    return pickle.BINUNICODE + struct.pack("<I", len(encoded)) + encoded


def _whole(number):
    return pickle.BININT + struct.pack("<i", number)


def _tuple(*values):
    return pickle.MARK + b"".join(values) + pickle.TUPLE


def _name(module, name):
    return _text(module) + _text(name) + pickle.STACK_GLOBAL


def _call(module, name, *arguments):
    return _name(module, name) + _tuple(*arguments) + pickle.REDUCE
