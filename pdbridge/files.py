"""Files: where they may lie, and that they are whole or not there at all."""

import contextlib
import itertools
import os
import tempfile
from pathlib import Path

from pdbridge.errors import AudioError, MessageError

_numbers = itertools.count()


@contextlib.contextmanager
def written_whole(path):
    """A temporary name beside `path`, which becomes `path` when the block ends without an error.

    Whoever reads `path` sees the old file or the whole new one, also after a crash.

    Parameters
    ----------
    path : str or Path

    Yields
    ------
    Path
        Where to write; it has the ending of `path`.

    Raises
    ------
    MessageError
        The folder is missing, or the file cannot be written.
    """
    path = Path(path)
    if not os.path.isdir(path.parent):  # unlike Path.is_dir, it takes names of any length
        raise MessageError(f"{path.parent} is not a folder; make it first")
    number = next(_numbers)  # two may write the same file at the same time
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.{number}.part{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise MessageError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def place_in(folders, file, ending):
    """Where a file that a message names may be read or written.

    Parameters
    ----------
    folders : sequence of Path
        The folders that the user named. Relative names start at the first.
    file : str
    ending : str or tuple of str
        E.g. ".npy"; other kinds of files are refused.

    Returns
    -------
    Path

    Raises
    ------
    MessageError
        Outside these folders, or another kind of file.
    """
    if not file.lower().endswith(ending):
        endings = ending if isinstance(ending, str) else " or ".join([", ".join(ending[:-1]), ending[-1]])
        raise MessageError(f"{file}: the name must end in {endings}")
    folders = [Path(folder).resolve() for folder in folders]
    try:
        path = (folders[0] / file).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise MessageError(f"{file} is not a file name: {error}") from None
    if not any(path.is_relative_to(folder) for folder in folders):
        allowed = ", ".join(str(folder) for folder in folders)
        raise MessageError(f"{file} lies outside {allowed}; files are kept there (pdbridge serve "
                           "--folder DIR allows another folder)")
    return path


def make_folder(folder):
    """Make a folder for results, and make sure that files can be written there.

    Parameters
    ----------
    folder : str or Path

    Raises
    ------
    AudioError
        When it cannot be.
    """
    folder = Path(os.path.expanduser(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise AudioError(f"{folder} cannot be written into: {error.strerror or error}") from None


def locked(file):
    """Keep other processes from what a file stands for.

    Parameters
    ----------
    file : file
        Open for writing. The lock lasts until it is closed, also by the end of the process.

    Returns
    -------
    bool
        False: another process has the lock.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
