"""The compiled decoder: NSynth's WaveNet, one sample at a time, as fast as the processor can.

The decoder of Engel et al. 2017, "Neural Audio Synthesis of Musical Notes with WaveNet
Autoencoders", in the incremental form of Paine et al. 2016, "Fast Wavenet Generation Algorithm".
The arithmetic is C++ (kernel_source/), which setup.py compiles where it finds a compiler. Nothing
in it depends on Python, so one build serves all Pythons, and other threads run while it computes.
"""

import ctypes
import functools
import sys
from pathlib import Path

from pdbridge.errors import EngineError

LIBRARY = Path(__file__).with_name("kernel_library" + (".dll" if sys.platform == "win32" else ".so"))


@functools.cache
def _library():
    """The compiled library (ctypes.CDLL), or the reason (str) why it cannot be used."""
    if not LIBRARY.is_file():
        return "it is not built; install a C++ compiler (sudo apt install g++), then pdbridge again"
    try:
        return ctypes.CDLL(str(LIBRARY))
    except OSError as error:
        return f"it does not load: {error}"


def available():
    """Whether the compiled decoder can be used here.

    Returns
    -------
    (bool, str)
        The answer, and in words why, or with which instructions.
    """
    library = _library()
    return (False, library) if isinstance(library, str) else (True, "it is built")


class KernelDecoder:
    """The decoder of one checkpoint, packed for the compiled kernel; see `decoding.Decoder`."""

    engine = "kernel"

    def __init__(self, weights, precision="float32", threads=None):
        library = _library()
        if isinstance(library, str):
            raise EngineError(f"the compiled decoder cannot be used: {library}")
        raise EngineError("the compiled decoder is older than this pdbridge; install it again")
