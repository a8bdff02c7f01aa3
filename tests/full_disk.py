"""A disk on which files come to an end, as on a full one, but for this process only."""

import contextlib

import pytest


@contextlib.contextmanager
def files_end_at(size):
    """For a ``with`` block: the system itself refuses to write beyond so many bytes of a file."""
    resource = pytest.importorskip("resource")
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))  # Python ignores the signal, so it is an error
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
