"""Instruments: one class each, whose methods are the messages of the table."""

import functools

from pdbridge.errors import MessageError
from pdbridge.instruments.gansynth import GANSynthInstrument
from pdbridge.instruments.halluseq import HalluseqInstrument
from pdbridge.instruments.nsynth import NSynthInstrument
from pdbridge.instruments.nsynth_controller import NSynthControllerInstrument
from pdbridge.instruments.nsynth_loader import NSynthLoaderInstrument
from pdbridge.instruments.sing import SINGInstrument

INSTRUMENTS = {  # by their names in the table of messages
    "gansynth": GANSynthInstrument,
    "nsynth": NSynthInstrument,
    "nsynth_loader": NSynthLoaderInstrument,
    "nsynth_controller": NSynthControllerInstrument,
    "halluseq": HalluseqInstrument,
    "sing": SINGInstrument,
}

# What a patch's object line may name. The course patches name SOPI's modules for pyext.
_MODULES = {
    "pdbridge.pyext": tuple(INSTRUMENTS),
    "sopimagenta.gansynth.pyext": ("gansynth",),
    "sopimagenta.ganspacesynth.pyext": ("halluseq",),
    "sopimagenta.nsynth.pyext": ("nsynth_loader", "nsynth_controller"),
}

_WORDS = {"halluseq": ("edits-array",)}  # that may follow a name in an object


def find_instrument(arguments):
    """The instrument that the arguments of a ``[pyext. ...]`` object name.

    Parameters
    ----------
    arguments : list
        E.g. ``["pdbridge.pyext", "gansynth", "@detach", 1.0]``; attributes (``@...``) and leading
        numbers of inlets and outlets are passed over, as is the form ``pdbridge.pyext.gansynth``.
        Words behind the name are for the instrument: ``["pdbridge.pyext", "halluseq", "my-edits"]``.

    Returns
    -------
    (str, callable)
        Its name, and what makes it of a host and a server: its class, with the words.

    Raises
    ------
    MessageError
        Names what can be written instead.
    """
    words = []
    for argument in arguments:
        if isinstance(argument, str):
            if argument.startswith("@"):
                break
            words.append(argument)
    for count in (1, 2):
        module, _, name = (".".join(words[:count])).rpartition(".")
        if name in _MODULES.get(module, ()):
            return name, _with_words(name, words[count:])
    choices = ", ".join(f"[pyext. pdbridge.pyext {name}]" for name in INSTRUMENTS)
    given = " ".join(words)[:60] or "named"
    raise MessageError(f"no instrument {given}; write one of {choices}")


def _with_words(name, words):
    wanted = _WORDS.get(name, ())
    if len(words) > len(wanted):
        object = " ".join(("[pyext. pdbridge.pyext", name, *wanted))
        raise MessageError(f"write {object}], without {' '.join(words[len(wanted):])[:60]}")
    return functools.partial(INSTRUMENTS[name], words=words) if words else INSTRUMENTS[name]
