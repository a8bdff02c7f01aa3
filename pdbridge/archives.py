"""Archives from the network: looked through and tested before anything of them is written.

An archive is a zip or a tar (plain or gzip). It may hold files and folders, under names that stay inside
the folder it is unpacked into; one that holds a link, a name that leads elsewhere, or more bytes than a
checkpoint can have, is refused as a whole. What its table of contents says is not believed: the contents
are read once for the test, with their check sums where the format has some, and counted.
"""

import contextlib
import gzip
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Callable, NamedTuple

from pdbridge.errors import ArchiveError, DownloadError

MOST_FILES = 10_000
MOST_BYTES = 16 * 10**9  # unpacked; Magenta's largest checkpoint is said to have 2 GB
LONGEST_NAME = 200  # characters of one file or folder
DEEPEST = 16  # folders within folders
BLOCK = 1 << 20  # bytes read at a time
LARGEST_READ = 1 << 26  # bytes; a forged header may ask for more at a time
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, struct.error,
           NotImplementedError, RuntimeError, ValueError, OverflowError)  # what the two readers raise


class Entry(NamedTuple):
    """A file or folder in an archive."""

    parts: tuple  # of its name: folders, then the file
    size: int  # bytes, as the archive claims
    open: Callable | None  # gives a binary file to read; None for a folder


def unpack(archive, folder, most_bytes=MOST_BYTES):
    """Unpack a zip or tar that somebody else made.

    Parameters
    ----------
    archive : str or Path
    folder : str or Path
        Made; it must not exist. What macOS adds to archives is left out.
    most_bytes : int
        Archives with more than that are refused.

    Raises
    ------
    ArchiveError
        It is damaged, or holds what it should not; nothing is written then.
    DownloadError
        The disk is full, or cannot be written; what was written is left to the caller to remove.
    """
    archive, folder = Path(archive), Path(folder)
    with _entries(archive, most_bytes) as entries:
        _check_names(archive, entries)
        for entry in entries:
            for _ in _contents(archive, entry):
                pass
        try:
            folder.mkdir()
            for entry in filter(_is_wanted, entries):
                _write(archive, entry, folder.joinpath(*entry.parts))
        except OSError as error:
            raise DownloadError(f"{folder} cannot be written: {error.strerror or error}; the archive is kept, the "
                                "same command goes on when it can be") from None


def _is_wanted(entry):
    """Not what macOS adds to archives: ``._model.ckpt.index`` would pass for a checkpoint."""
    return not any(part in ("__MACOSX", ".DS_Store") or part.startswith("._") for part in entry.parts)


def _write(archive, entry, path):
    if not entry.open:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "xb") as file:
        for block in _contents(archive, entry):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())  # or a power failure may leave names without contents


def _contents(archive, entry):
    """What is in a file of the archive, block after block; an error if it is not as long as claimed."""
    if not entry.open:
        return
    name = "/".join(entry.parts)
    with _damage_of(archive, name), entry.open() as file:
        count = 0
        while block := file.read(BLOCK):
            count += len(block)
            yield block
    if count != entry.size:
        raise ArchiveError(f"{archive.name} is damaged: {name} has {count} bytes, not {entry.size}")


@contextlib.contextmanager
def _damage_of(archive, name=None):
    """Turns what the readers raise into one error. Full disks and the like are not theirs."""
    try:
        yield
    except DAMAGED as error:
        where = f" at {name}" if name else ""
        raise ArchiveError(f"{archive.name} is damaged{where}: {error or type(error).__name__}") from None


# What is in it


@contextlib.contextmanager
def _entries(archive, most_bytes):
    """All entries of an archive, for a ``with`` block in which they can be read."""
    with open(archive, "rb") as file, contextlib.ExitStack() as opened:
        start = file.read(4)
        file.seek(0)
        with _damage_of(archive):
            if start[:2] == b"PK":
                read = _zipped(archive, opened.enter_context(zipfile.ZipFile(_Careful(file))))
            else:
                unzipped = opened.enter_context(gzip.GzipFile(fileobj=file)) if start[:2] == b"\x1f\x8b" else file
                read = _tarred(archive, _Careful(unzipped), opened)
            entries, total = [], 0
            for entry in read:
                total += entry.size
                if total > most_bytes:
                    raise ArchiveError(f"{archive.name} is refused: it would be larger than "
                                        f"{most_bytes / 1e9:g} GB")
                if len(entries) == MOST_FILES:
                    raise ArchiveError(f"{archive.name} is refused: it holds more than {MOST_FILES} files")
                entries.append(entry)
        yield entries


def _zipped(archive, opened):
    for info in opened.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.flag_bits & 1:
            raise ArchiveError(f"{archive.name} is refused: {info.filename} is encrypted")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ArchiveError(f"{archive.name} is refused: {info.filename} is a link or a device")
        if info.is_dir():
            yield Entry(_parts(archive, info.orig_filename), 0, None)
        else:
            yield Entry(_parts(archive, info.orig_filename), info.file_size,
                        lambda info=info: opened.open(info))


def _tarred(archive, file, opened):
    try:
        tar = opened.enter_context(tarfile.open(fileobj=file, mode="r:"))
    except tarfile.ReadError:
        raise ArchiveError(f"{archive.name} is damaged, or neither a zip nor a tar archive") from None
    for info in tar:
        if info.size < 0:  # the reader would go backwards, for ever
            raise ArchiveError(f"{archive.name} is damaged: {info.name} has a negative size")
        if info.isdir():
            if parts := _parts(archive, info.name):  # "./" is the folder itself
                yield Entry(parts, 0, None)
        elif info.isreg() and not info.issparse():
            yield Entry(_parts(archive, info.name), info.size, lambda info=info: tar.extractfile(info))
        else:
            raise ArchiveError(f"{archive.name} is refused: {info.name} is a link or a device")
    # The reader takes a broken header for the end, which is marked by a block of zeros.
    file.seek(tar.offset)
    if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise ArchiveError(f"{archive.name} is damaged: what comes after {len(tar.getmembers())} files is no tar")


def _parts(archive, name):
    parts = tuple(part for part in name.rstrip("/").split("/") if part != ".")
    harmless = (not set(name) & set("\\:\0") and name.isprintable() and ".." not in parts and "" not in parts
                and len(parts) <= DEEPEST and all(len(part) <= LONGEST_NAME for part in parts))
    if not harmless and parts:
        raise ArchiveError(f"{archive.name} is refused: the name {name[:80]!r} in it leads elsewhere or is none")
    return parts


def _check_names(archive, entries):
    """No name twice, also where upper and lower case are the same, and no file in the place of a folder."""
    files, folders = set(), set()
    for entry in entries:
        parts = tuple(part.casefold() for part in entry.parts)
        if entry.open and parts in files or not parts:
            name = "/".join(entry.parts) or "a nameless file"
            raise ArchiveError(f"{archive.name} is refused: {name} is in it twice")
        (files if entry.open else folders).add(parts)
        folders.update(parts[:depth] for depth in range(1, len(parts)))
    if both := files & folders:
        raise ArchiveError(f"{archive.name} is refused: {'/'.join(min(both))} is a file and a folder in it")


class _Careful:
    """A file of which nobody reads absurdly much at a time, as forged headers make the readers try."""

    def __init__(self, file):
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size=-1):
        if size > LARGEST_READ:
            raise ValueError(f"a header of {size} bytes")
        if size >= 0:
            return self._file.read(size)
        rest = self._file.read(LARGEST_READ + 1)  # zipfile asks for the end of a file like this
        if len(rest) > LARGEST_READ:
            raise ValueError("a length in it is negative")
        return rest
