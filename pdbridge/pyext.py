"""The objects of the py/pyext external for Pd: ``[pyext. pdbridge.pyext gansynth]``.

Pd loads this module itself; docs/pyext.md tells a user about it. Each class is one instrument of the
server, and every message that comes into the box goes there, see `pdbridge.hosts.pyext`. Whoever has Pd
without the external needs none of this: ``patches/pyext..pd`` is the same object.
"""

from pdbridge.hosts.pyext import Connection, NotInPdError

try:
    import pyext

    Box = pyext._class
except (ImportError, AttributeError):
    raise NotInPdError("pdbridge.pyext works only inside Pd, where the py/pyext external loads it: write "
                       "[pyext. pdbridge.pyext gansynth] in a patch") from None


class Instrument(Box):
    """What the instruments have in common: everything but their names."""

    _inlets = _outlets = 1

    def __init__(self, *arguments):
        self._connection = Connection(self, pyext.Buffer, str(self._canvas_dir), type(self).__name__,
                                      _plain(arguments))

    def _del(self):
        self._connection.close()

    def bang_1(self):
        self._connection.message("bang")

    def float_1(self, number):
        self._connection.message("float", *_plain([number]))

    def symbol_1(self, symbol):
        self._connection.message("symbol", *_plain([symbol]))

    def list_1(self, *atoms):
        self._connection.message("list", *_plain(atoms))

    def quit_server_1(self):
        """``quit_server``: end the server, and start none until `start_server_1`."""
        self._connection.quit_server()

    def start_server_1(self):
        """``start_server``: start one where none answers, as is done at first."""
        self._connection.start_server()

    def _anything_1(self, *message):
        self._connection.message(*_plain(message))


class gansynth(Instrument):
    """GANSynth, played live or note by note."""


class nsynth(Instrument):
    """A note grid under an X/Y pad, played live."""


class nsynth_loader(Instrument):
    """A whole note grid in one array."""


class nsynth_controller(Instrument):
    """Where in that array a note lies."""


class halluseq(Instrument):
    """Sequences of GANSpace edits for hallucinations."""


class sing(Instrument):
    """A thousand instruments of NSynth, played live or note by note."""


def _plain(atoms):
    """Numbers as Pd has them, and strings for Symbols, which are none."""
    return [float(atom) if isinstance(atom, (int, float)) else str(atom) for atom in atoms]
