"""Libraries that write about themselves on the terminal, kept quiet."""

import contextlib
import os


@contextlib.contextmanager
def tensorflow_silenced():
    """Keep what TensorFlow says about itself off the terminal while a block runs.

    Its C++ parts write to the process's stderr, some lines before any setting of theirs counts. So
    this is for the block that imports it and uses it for the first time; afterwards it keeps quiet
    by itself.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    terminal = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
