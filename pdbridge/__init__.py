"""pdbridge: play neural synthesizers live from Pure Data, Max, MIDI and OSC.

The public names load on first use, so that ``import pdbridge`` costs no TensorFlow.
"""

import importlib

__version__ = "0.1.0"

_HOMES = {
    "GANSynth": "pdbridge.gansynth.model",
    "GANSpace": "pdbridge.gansynth.ganspace",
    "NSynth": "pdbridge.nsynth.model",
    "NSynthBaseline": "pdbridge.nsynth.baseline",
    "SING": "pdbridge.sing.model",
    "NoteGrid": "pdbridge.notegrid",
    "latent": None,
    "errors": None,
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'pdbridge' has no attribute {name!r}")
    home = _HOMES[name]
    if home is None:
        return importlib.import_module(f"pdbridge.{name}")
    return getattr(importlib.import_module(home), name)


def __dir__():
    return sorted(__all__)
