"""What was done so far in a project: a folder that survives Ctrl-C, crashes and full disks.

Everything in it carries what it was made from (sound, model, settings, seed...), and is found again only
by exactly that. So nothing that was done has to be done again, and nothing made from an older sound or
with another model gets into a grid. Files are written whole; one that a power failure damaged does not
pass its check sum and counts as not there.
"""

import hashlib
import io
import json
import os
import re
import shutil
import zipfile
import zlib
from pathlib import Path

import numpy as np

from pdbridge.errors import GridError, MessageError
from pdbridge.files import locked, written_whole

LONGEST_STEM = 160  # bytes; file systems take 255 for the whole name


class Work:
    """The folder ``work`` of a project, held by one rendering at a time; a context manager.

    Parameters
    ----------
    folder : Path
        Made if it is missing.

    Raises
    ------
    GridError
        It cannot be made, or another process renders this project.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.folder / "lock", "a+b")
        except OSError as error:
            raise GridError(f"{self.folder} cannot be written: {error.strerror}") from None
        try:
            free = locked(self._lock)
        except OSError as error:  # e.g. a network file system without locks
            self._lock.close()
            raise GridError(f"{self.folder} cannot be held by one process at a time: {error.strerror}"
                            ) from None
        if not free:
            self._lock.close()
            raise GridError(f"another process renders {self.folder.parent} just now; let it finish")
        # Of a process that was killed while writing.
        for left in (*self.folder.glob("*/.*.part.npz"), *self.folder.parent.glob(".*.part.bin")):
            left.unlink(missing_ok=True)

    def load(self, kind, name, made_from):
        """What was saved, if it was made from exactly this.

        Parameters
        ----------
        kind : str
            E.g. "notes"; a folder in the work.
        name : str
        made_from : dict
            Anything JSON can hold.

        Returns
        -------
        dict of str to array, or None
            None: it was not made yet.
        """
        return self._read(self.path(kind, name, made_from), made_from)

    def save(self, kind, name, made_from, **arrays):
        """Save arrays together with what they were made from.

        Parameters
        ----------
        kind, name, made_from
            As for `load`.
        **arrays

        Raises
        ------
        GridError
            They cannot be written.
        """
        path = self.path(kind, name, made_from)
        # Packed in memory: zipfile leaves a second error behind when a disk is full.
        packed = io.BytesIO()
        np.savez(packed, made_from=_text(made_from), **arrays)
        try:
            path.parent.mkdir(exist_ok=True)
            with written_whole(path) as temporary, open(temporary, "wb") as file:
                file.write(packed.getbuffer())
                file.flush()
                os.fsync(file.fileno())  # or a power failure may leave the name without the contents
        except (MessageError, OSError) as error:
            raise GridError(f"{error}; what is done is kept, run the same command again when it can be"
                            ) from None

    def all(self, kind):
        """Everything of a kind, whatever it was made from.

        Parameters
        ----------
        kind : str

        Yields
        ------
        path : Path
        made_from : dict
        arrays : dict of str to array
        """
        for path in sorted((self.folder / kind).glob("*.npz")):
            arrays = self._read(path)
            if arrays and "made_from" in arrays:
                yield path, json.loads(str(arrays.pop("made_from"))), arrays

    def path(self, kind, name, made_from):
        """The file of `load` and `save` (Path)."""
        stem = re.sub(r"[^\w.+-]", "-", name).encode()[:LONGEST_STEM].decode(errors="ignore")
        return self.folder / kind / f"{stem}.{fingerprint(made_from)}.npz"

    def free(self):
        """Bytes free on this disk (int)."""
        return shutil.disk_usage(self.folder).free

    def close(self):
        """Let another process render this project."""
        self._lock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self, path, made_from=None):
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                arrays = {name: arrays[name] for name in arrays.files}  # checks the sums
        except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error):
            return None
        if made_from is None:
            return arrays
        return arrays if str(arrays.pop("made_from", "")) == _text(made_from) else None


def fingerprint(made_from):
    """A short name for what something was made from.

    Parameters
    ----------
    made_from : dict
        Anything JSON can hold.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    return hashlib.sha256(_text(made_from).encode()).hexdigest()[:16]


def fingerprint_of_file(path):
    """A short name for the contents of a file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str
        16 hexadecimal digits.

    Raises
    ------
    GridError
        It cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise GridError(f"{path} cannot be read: {error.strerror}") from None
    return digest.hexdigest()[:16]


def _text(made_from):
    return json.dumps(made_from, sort_keys=True)
