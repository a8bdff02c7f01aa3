"""Files that are mapped, not loaded: arrays in them are views, and only what is looked at is ever read.

Nothing in such a file can make this take more memory than the file has bytes: sizes that it states are
held against the bytes that are there.
"""

import contextlib
import io
import math
import mmap
import os
import reprlib
import struct
import zipfile
from pathlib import Path

import numpy as np

from pdbridge.files import written_whole

LONGEST_HEADER = 20_000  # bytes before the numbers of an .npy; numpy itself takes 10,000
LARGEST_CONTENTS = 1 << 17  # bytes of a zip file's table of contents, with room for a comment
MOST_DIMENSIONS = 8


class Damaged(Exception):
    """What is wrong with a file, to follow its name. Whoever reads a file makes an error of the house of it."""


class MappedFile:
    """A file as bytes that are read when they are looked at.

    Parameters
    ----------
    path : str or Path
    what : str
        What it holds, for errors; e.g. "the components".
    error : type of PdbridgeError
        What to raise.

    Attributes
    ----------
    path : Path
    bytes : memoryview
        Arrays that are made of it keep the file mapped.
    error : type of PdbridgeError

    Raises
    ------
    error
        It is missing, empty, no file, or cannot be read.
    """

    def __init__(self, path, what, error):
        self.error = error
        self.path = Path(os.path.expanduser(path))
        try:
            if self.path.exists() and not self.path.is_file():  # a pipe would keep us waiting for ever
                raise error(f"{self.path} is not a file")
            with open(self.path, "rb") as file:
                if not os.fstat(file.fileno()).st_size:
                    raise error(f"{self.path} is empty")
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as problem:
            raise error(f"{what} {self.path} cannot be read: "
                        f"{getattr(problem, 'strerror', None) or problem}") from None
        self.bytes = memoryview(self._map)

    def check_unchanged(self):
        """Make sure that what was mapped is still there; reading beyond the end would kill the process.

        Raises
        ------
        error
            The file has changed its size.
        """
        size = self._map.size()  # of the file as it is now
        if size != len(self.bytes):
            raise self.error(f"{self.path} had {len(self.bytes)} bytes when it was opened and has {size} "
                             "now; load it again when it is whole")

    def forget(self):
        """Let the system take back the memory of what was read so far; it is read again when it is needed."""
        if hasattr(self._map, "madvise") and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


def view(data, dtype, shape, order):
    """An array of bytes that are there; takes no memory.

    Parameters
    ----------
    data : memoryview
        Bytes.
    dtype : numpy.dtype
    shape : tuple
        As the file states it; anything may be in it.
    order : "C" or "F"

    Returns
    -------
    array
        Read-only if `data` is.

    Raises
    ------
    Damaged
        The shape is none, or not that of these bytes.
    """
    if len(shape) > MOST_DIMENSIONS or not all(type(size) is int and size >= 0 for size in shape):
        raise Damaged("is damaged: an array in it has an impossible shape")
    if math.prod(shape) * dtype.itemsize != len(data):
        raise Damaged(f"is damaged: an array in it has {len(data)} bytes, not those of "
                      f"{reprlib.repr(list(shape))} numbers of {dtype.itemsize}")
    return np.ndarray(shape, dtype, data, order=order)


# Zip files


def zip_members(data):
    """What a zip file's table of contents lists.

    Parameters
    ----------
    data : memoryview
        All bytes of the file.

    Returns
    -------
    list of zipfile.ZipInfo

    Raises
    ------
    Exception
        zipfile raises many types for what is no zip file.
    """
    with zipfile.ZipFile(_Contents(data)) as archive:
        return archive.infolist()


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


def zip_member(data, member):
    """The bytes of a member, as a view.

    Parameters
    ----------
    data : memoryview
        All bytes of the file.
    member : zipfile.ZipInfo

    Returns
    -------
    memoryview

    Raises
    ------
    Damaged
        It is compressed, or not whole.
    """
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
        raise Damaged("is compressed; save it with numpy.savez, so that it need not be loaded whole")
    # The name and what follows it may be longer here than in the table of contents.
    start = member.header_offset
    head = data[start:start + 30]
    if bytes(head[:4]) != b"PK\x03\x04" or len(head) < 30:
        raise Damaged("is damaged: its table of contents leads nowhere")
    name, extra = struct.unpack("<HH", head[26:])
    start += 30 + name + extra
    contents = data[start:start + member.file_size]
    if len(contents) < member.file_size:
        raise Damaged("is cut short")
    return contents


# .npz


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
    file.error
        It is damaged, compressed, or holds something else than numbers and text.
    """
    try:
        return {member.filename.removesuffix(".npy"): _npy(zip_member(file.bytes, member))
                for member in zip_members(file.bytes)}
    except Damaged as error:
        raise file.error(f"{file.path} {error}") from None
    except Exception as error:  # zipfile and numpy raise many types for what is no .npz
        raise file.error(f"{file.path} is damaged, or no .npz: {error}") from None


def _npy(data):
    head = io.BytesIO(data[:LONGEST_HEADER])
    version = np.lib.format.read_magic(head)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(head)
    else:
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(head)
    if dtype.kind not in "fiubU":
        raise Damaged(f"holds an array of type {str(dtype)!r}; only numbers and text are read")
    return view(data[head.tell():], dtype, shape, "F" if fortran else "C")


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
    with new_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, value in values.items():
            value = np.asanyarray(value)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, value, allow_pickle=False)


@contextlib.contextmanager
def new_file(path):
    """A file to write into, for a ``with`` block; it becomes `path` when the block ends without an error.

    Parameters and errors are those of `pdbridge.files.written_whole`.
    """
    with written_whole(path) as temporary, open(temporary, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())  # or a power failure may leave the name without the contents
