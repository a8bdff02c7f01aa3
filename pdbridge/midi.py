"""MIDI keyboards, through mido.

mido reads MIDI ports with python-rtmidi, which ``pip install 'pdbridge[midi]'`` brings.
"""

import contextlib

from pdbridge.errors import ServerError

_NEEDED = "MIDI ports need python-rtmidi: pip install 'pdbridge[midi]'"


def port_names():
    """Names of the MIDI input ports of this computer.

    Returns
    -------
    list of str

    Raises
    ------
    ServerError
        python-rtmidi is missing, or the system's MIDI cannot be used.
    """
    import mido

    try:
        return list(dict.fromkeys(mido.get_input_names()))
    except ImportError:
        raise ServerError(_NEEDED) from None
    except Exception as error:  # rtmidi raises its own kinds, named only in the backend
        raise ServerError(f"MIDI cannot be used on this computer: {error}") from None


@contextlib.contextmanager
def listen(name, server):
    """Play what comes in at a MIDI port, inside a ``with`` block.

    Parameters
    ----------
    name : str
        The port's name, or a part of it.
    server : pdbridge.server.Server

    Raises
    ------
    ServerError
        There is no such port; the message lists those that are there.
    """
    import mido

    names = port_names()
    found = [n for n in names if n == name] or [n for n in names if name.lower() in n.lower()]
    if not found:
        there = ", ".join(names) if names else "none; is the keyboard plugged in?"
        raise ServerError(f"there is no MIDI input {name}; there is {there}")

    def received(message):  # in mido's thread
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has ended
            server.loop.call_soon_threadsafe(server.midi, message)

    try:
        port = mido.open_input(found[0], callback=received)
    except Exception as error:  # as above
        raise ServerError(f"MIDI input {found[0]} cannot be opened: {error}") from None
    with port:
        server.announce(f"pdbridge: playing from MIDI port {found[0]}")
        yield
