"""Files of GANSpace's components: the original's pickles, and .npz; both are mapped, not loaded.

A pickle is a small program, and whoever unpickles it runs whatever it says. So it is not unpickled
here: its steps are followed one by one, and only those are known that build numpy's arrays, text and
numbers (pickle protocols 2 to 5). An array becomes a view of the mapped file at the place where its
numbers lie, so that a file of 512 MB opens at once, and only what is used of it is ever read. Nothing
in a file can make this take more memory than the file has bytes.
"""

import codecs
import contextlib
import enum
import io
import math
import mmap
import os
import pickle
import re
import reprlib
import struct
import zipfile
from pathlib import Path

import numpy as np

from pdbridge.errors import ComponentsError
from pdbridge.files import written_whole

MOST_STEPS = 10_000  # of a pickle; the original's take about 150
LONGEST_TEXT = 1000  # bytes of a name; longer texts are arrays in disguise (protocol 2)
LONGEST_NAME = 100  # letters of a name in an error
LONGEST_HEADER = 20_000  # bytes before the numbers of an .npy; numpy itself takes 10,000
LARGEST_CONTENTS = 1 << 17  # bytes of a zip file's table of contents, with room for a comment
MOST_DIMENSIONS = 8
PIECE = 1 << 20  # bytes


class MappedFile:
    """A file as bytes that are read when they are looked at.

    Parameters
    ----------
    path : str or Path

    Attributes
    ----------
    path : Path
    bytes : memoryview
        Arrays that are made of it keep the file mapped.

    Raises
    ------
    ComponentsError
        It is missing, empty, no file, or cannot be read.
    """

    def __init__(self, path):
        self.path = Path(os.path.expanduser(path))
        try:
            if self.path.exists() and not self.path.is_file():  # a pipe would keep us waiting for ever
                raise ComponentsError(f"{self.path} is not a file")
            with open(self.path, "rb") as file:
                if not os.fstat(file.fileno()).st_size:
                    raise ComponentsError(f"{self.path} is empty")
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise ComponentsError(f"the components {self.path} cannot be read: "
                                  f"{getattr(error, 'strerror', None) or error}") from None
        self.bytes = memoryview(self._map)

    def check_unchanged(self):
        """Make sure that what was mapped is still there; reading beyond the end would kill the process.

        Raises
        ------
        ComponentsError
            The file has changed its size.
        """
        size = self._map.size()  # of the file as it is now
        if size != len(self.bytes):
            raise ComponentsError(f"{self.path} had {len(self.bytes)} bytes when it was opened and has {size} "
                                  "now; load it again when it is whole")


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


class _Damaged(Exception):
    """What is wrong with a file, to follow its name."""


class _Array:
    """An array that is named before its contents are known."""

    values = None


class _NumberType:
    """A dtype; its byte order follows later."""

    def __init__(self, code):
        if not re.fullmatch(r"[fiub]\d{1,2}|U\d{1,3}", code):
            raise _Damaged(f"holds an array of type {reprlib.repr(code)}; only numbers and text are read")
        self.code, self.order = code, "<"

    @property
    def dtype(self):
        try:
            return np.dtype(self.order + self.code)
        except TypeError:
            raise _Damaged(f"holds an array of type {self.code!r}, which numpy does not know") from None


class _Pickle:
    """Follows the steps of a pickle. They work on a stack, as in Python's own ``pickle``."""

    def __init__(self, file):
        self.file, self.bytes = file, file.bytes
        self.position = 0
        self.stack, self.marks, self.memo = [], [], {}
        self.room = len(file.bytes)  # bytes that texts may still become

    def read(self):
        """The dict that the pickle makes."""
        try:
            for _ in range(MOST_STEPS):
                code = bytes(self.take(1))
                if code == pickle.STOP:
                    return self.result()
                self.step(code)
            raise _Damaged(f"has more than {MOST_STEPS} steps, but components take a few hundred")
        except _Damaged as error:
            raise ComponentsError(f"{self.file.path} {error}") from None

    def result(self):
        made = self.pop()
        if not isinstance(made, dict):
            raise _Damaged(f"holds {_kind(made)} where a dict of components is expected")
        return {name: value.values if isinstance(value, _Array) else value for name, value in made.items()}

    def step(self, code):
        match code:
            case pickle.PROTO:
                self.number("<B")
            case pickle.FRAME:
                self.number("<Q")  # only a hint for readers of streams
            case pickle.MARK:
                self.marks.append(len(self.stack))

            case pickle.NONE:
                self.push(None)
            case pickle.NEWTRUE:
                self.push(True)
            case pickle.NEWFALSE:
                self.push(False)
            case pickle.BININT:
                self.push(self.number("<i"))
            case pickle.BININT1:
                self.push(self.number("<B"))
            case pickle.BININT2:
                self.push(self.number("<H"))
            case pickle.LONG1:
                self.push(int.from_bytes(self.take(self.number("<B")), "little", signed=True))
            case pickle.BINFLOAT:
                self.push(self.number(">d"))

            case pickle.SHORT_BINUNICODE:
                self.push(self.text("<B"))
            case pickle.BINUNICODE:
                self.push(self.text("<I"))
            case pickle.BINUNICODE8:
                self.push(self.text("<Q"))
            case pickle.SHORT_BINBYTES:
                self.push(self.take(self.number("<B")))
            case pickle.BINBYTES:
                self.push(self.take(self.number("<I")))
            case pickle.BINBYTES8 | pickle.BYTEARRAY8:
                self.push(self.take(self.number("<Q")))

            case pickle.EMPTY_TUPLE:
                self.push(())
            case pickle.TUPLE:
                self.push(tuple(self.pop_to_mark()))
            case pickle.TUPLE1 | pickle.TUPLE2 | pickle.TUPLE3:
                count = (pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3).index(code) + 1
                self.push(tuple(reversed([self.pop() for _ in range(count)])))
            case pickle.EMPTY_LIST:
                self.push([])
            case pickle.APPEND:
                self.append([self.pop()])
            case pickle.APPENDS:
                self.append(self.pop_to_mark())
            case pickle.EMPTY_DICT:
                self.push({})
            case pickle.SETITEM:
                value, name = self.pop(), self.pop()
                self.set_items([name, value])
            case pickle.SETITEMS:
                self.set_items(self.pop_to_mark())

            case pickle.MEMOIZE:
                self.memo[len(self.memo)] = self.top()
            case pickle.BINPUT:
                self.memo[self.number("<B")] = self.top()
            case pickle.LONG_BINPUT:
                self.memo[self.number("<I")] = self.top()
            case pickle.BINGET:
                self.get(self.number("<B"))
            case pickle.LONG_BINGET:
                self.get(self.number("<I"))

            case pickle.GLOBAL | pickle.INST:
                module, name = self.line(), self.line()
                self.push(self.known(module, name))
            case pickle.STACK_GLOBAL:
                name, module = self.pop(), self.pop()
                self.push(self.known(module, name))
            case pickle.REDUCE:
                arguments, function = self.pop(), self.pop()
                self.push(self.made(function, arguments))
            case pickle.BUILD:
                state = self.pop()
                self.build(self.top(), state)
            case _:
                raise _Damaged(f"is no pickle of components: byte {self.position - 1} ({code[0]:#04x}) asks "
                               "for something else than arrays, text and numbers")

    # The bytes

    def take(self, count):
        piece = self.bytes[self.position:self.position + count]
        if len(piece) < count:
            raise _Damaged("is cut short, or no pickle of components")
        self.position += count
        return piece

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self, form):
        """A str, or the bytes of a long one."""
        encoded = self.take(self.number(form))
        if len(encoded) > LONGEST_TEXT:
            return encoded
        try:
            return str(encoded, "utf-8")
        except UnicodeDecodeError:
            raise _Damaged("is damaged: a text in it is none") from None

    def line(self):
        ahead = bytes(self.bytes[self.position:self.position + LONGEST_TEXT])
        text, end, _ = ahead.partition(b"\n")
        self.take(len(text) + 1 if end else len(ahead) + 1)
        return text.decode("utf-8", "replace")

    # The stack

    def push(self, value):
        self.stack.append(value)

    def top(self):
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise _Damaged("is damaged: a step of it finds nothing to work on")
        return self.stack[-1]

    def pop(self):
        value = self.top()
        self.stack.pop()
        return value

    def pop_to_mark(self):
        if not self.marks:
            raise _Damaged("is damaged: a step of it finds nothing to work on")
        mark = self.marks.pop()
        values = self.stack[mark:]
        del self.stack[mark:]
        return values

    def get(self, number):
        if number not in self.memo:
            raise _Damaged("is damaged: it goes back to something that it has not made")
        self.push(self.memo[number])

    def append(self, values):
        target = self.top()
        if not isinstance(target, list):
            raise _Damaged(f"is damaged: it appends to {_kind(target)}")
        target.extend(values)

    def set_items(self, items):
        target = self.top()
        if not isinstance(target, dict) or len(items) % 2:
            raise _Damaged(f"is damaged: it files names and values in {_kind(target)}")
        for name, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(name, str):
                raise _Damaged(f"is damaged: a name in it is {_kind(name)}")
            target[name] = value

    # What it may make

    def known(self, module, name):
        full = f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else "no name"
        if full not in NAMES:
            raise _Damaged(f"asks for {full[:LONGEST_NAME]!r}, which has no place in components and may do "
                           "harm; it was not carried out")
        return NAMES[full]

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
        raise _Damaged(f"is damaged: it makes something of {_kind(function)} that is no array")

    def build(self, target, state):
        match target, state:
            case _NumberType(), (_, "<" | ">" | "|" as order, None, None, None, *_):
                target.order = order
            case _Array(), (_, tuple(shape), _NumberType() as kind, bool(fortran), data):
                target.values = self.view(data, kind, shape, "F" if fortran else "C")
            case _:
                raise _Damaged(f"is damaged: it fills {_kind(target)} with {_kind(state)}")

    def view(self, data, kind, shape, order="C"):
        if not isinstance(data, memoryview):
            raise _Damaged(f"is damaged: the numbers of an array in it are {_kind(data)}")
        return _view(data, kind.dtype, shape, order)

    def latin_1(self, text):
        """Protocol 2 knows no bytes; it writes them as a text of letters up to 255."""
        encoded = text if isinstance(text, memoryview) else text.encode()
        self.room -= len(encoded)
        if self.room < 0:
            raise _Damaged("is damaged: it makes more of its texts than it has bytes")
        decoder, made = codecs.getincrementaldecoder("utf-8")(), bytearray()
        try:
            for start in range(0, len(encoded), PIECE):
                made += decoder.decode(encoded[start:start + PIECE]).encode("latin-1")
            decoder.decode(b"", final=True)
        except UnicodeError:
            raise _Damaged("is damaged: numbers in it are not written as such") from None
        return memoryview(made).toreadonly()


def _view(data, dtype, shape, order):
    """An array of bytes that are there; takes no memory."""
    if len(shape) > MOST_DIMENSIONS or not all(type(size) is int and size >= 0 for size in shape):
        raise _Damaged("is damaged: an array in it has an impossible shape")
    if math.prod(shape) * dtype.itemsize != len(data):
        raise _Damaged(f"is damaged: an array in it has {len(data)} bytes, not those of "
                       f"{reprlib.repr(list(shape))} numbers of {dtype.itemsize}")
    return np.ndarray(shape, dtype, data, order=order)


def _kind(value):
    names = {memoryview: "bytes", _Array: "an array", _NumberType: "a type", Known: "a name", list: "a list",
             dict: "a dict", tuple: "a tuple", str: "a text", int: "a number", float: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")


# .npz


class _Contents:
    """A mapped file as ``zipfile`` reads its table of contents, which is never a large one."""

    def __init__(self, data):
        self.data, self.position = data, 0

    def seek(self, offset, whence=io.SEEK_SET):
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: len(self.data)}[whence]
        if start + offset < 0:
            raise OSError("there is nothing before the beginning")
        self.position = start + offset
        return self.position

    def tell(self):
        return self.position

    def read(self, count=-1):
        end = self.position + count if count >= 0 else len(self.data)
        piece = self.data[self.position:end]
        if len(piece) > LARGEST_CONTENTS:
            raise zipfile.BadZipFile("its table of contents is too large")
        self.position += len(piece)
        return bytes(piece)


def read_npz(file):
    """The arrays of an .npz as ``numpy.savez`` writes it.

    Parameters
    ----------
    file : MappedFile

    Returns
    -------
    dict of str to array
        Read-only views of the file.

    Raises
    ------
    ComponentsError
        It is damaged, compressed, or holds something else than numbers and text.
    """
    try:
        with zipfile.ZipFile(_Contents(file.bytes)) as archive:
            members = archive.infolist()
        return {member.filename.removesuffix(".npy"): _npy(_member(file.bytes, member)) for member in members}
    except _Damaged as error:
        raise ComponentsError(f"{file.path} {error}") from None
    except Exception as error:  # zipfile and numpy raise many types for what is no .npz
        raise ComponentsError(f"{file.path} is damaged, or no .npz: {error}") from None


def _member(data, member):
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
        raise _Damaged("is compressed; save it with numpy.savez, so that it need not be loaded whole")
    # The name and what follows it may be longer here than in the table of contents.
    start = member.header_offset
    name, extra = struct.unpack("<HH", data[start + 26:start + 30])
    start += 30 + name + extra
    contents = data[start:start + member.file_size]
    if len(contents) < member.file_size:
        raise _Damaged("is cut short")
    return contents


def _npy(data):
    head = io.BytesIO(data[:LONGEST_HEADER])
    version = np.lib.format.read_magic(head)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(head)
    else:
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(head)
    if dtype.kind not in "fiubU":
        raise _Damaged(f"holds an array of type {str(dtype)!r}; only numbers and text are read")
    return _view(data[head.tell():], dtype, shape, "F" if fortran else "C")


# Writing


def write_npz(path, values):
    """Write arrays so that they can be mapped; ``numpy.load`` reads them, too.

    Parameters
    ----------
    path : str or Path
        Replaced when all is written.
    values : dict of str to array or str

    Raises
    ------
    MessageError
        It cannot be written.
    """
    with _new_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, value in values.items():
            value = np.asanyarray(value)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, value, allow_pickle=False)


def write_pickle(path, values):
    """Write a pickle that the original reads: protocol 4, with the names that numpy 1 and 2 know.

    Parameters and errors are those of `write_npz`.
    """
    with _new_file(path) as file:
        file.write(pickle.PROTO + b"\x04" + pickle.EMPTY_DICT + pickle.MARK)
        for name, value in values.items():
            file.write(_text(name))
            if isinstance(value, str):
                file.write(_text(value))
            else:
                _write_array(file, value)
        file.write(pickle.SETITEMS + pickle.STOP)


@contextlib.contextmanager
def _new_file(path):
    with written_whole(path) as temporary, open(temporary, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())  # or a power failure may leave the name without the contents


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
