"""Instruments: one class each, whose methods are the messages of the table."""

from pdbridge.errors import MessageError
from pdbridge.instruments.gansynth import GANSynthInstrument
from pdbridge.instruments.nsynth import NSynthInstrument
from pdbridge.instruments.nsynth_controller import NSynthControllerInstrument
from pdbridge.instruments.nsynth_loader import NSynthLoaderInstrument

INSTRUMENTS = {  # by their names in the table of messages
    "gansynth": GANSynthInstrument,
    "nsynth": NSynthInstrument,
    "nsynth_loader": NSynthLoaderInstrument,
    "nsynth_controller": NSynthControllerInstrument,
}

# What a patch's object line may name. The course patches name SOPI's modules for pyext.
_MODULES = {
    "pdbridge.pyext": tuple(INSTRUMENTS),
    "sopimagenta.gansynth.pyext": ("gansynth",),
    "sopimagenta.nsynth.pyext": ("nsynth_loader", "nsynth_controller"),
}


def find_instrument(arguments):
    """The instrument that the arguments of a ``[pyext. ...]`` object name.

    Parameters
    ----------
    arguments : list
        E.g. ``["pdbridge.pyext", "gansynth", "@detach", 1.0]``; attributes (``@...``) and leading
        numbers of inlets and outlets are passed over, as is the form ``pdbridge.pyext.gansynth``.

    Returns
    -------
    (str, class)
        Its name and its class.

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
    module, _, name = (".".join(words)).rpartition(".")
    if name in _MODULES.get(module, ()):
        return name, INSTRUMENTS[name]
    choices = ", ".join(f"[pyext. pdbridge.pyext {name}]" for name in INSTRUMENTS)
    given = " ".join(words)[:100] or "named"
    raise MessageError(f"no instrument {given}; write one of {choices}")
