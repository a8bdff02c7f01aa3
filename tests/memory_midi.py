"""A MIDI backend for mido without any device: ports in memory, played through files.

``MIDO_BACKEND=memory_midi`` makes mido use it. Messages that are appended to the file that
``MEMORY_MIDI`` names, one a line as mido writes them, come in at the port.
"""

import os
import threading
import time

import mido
from mido.ports import BaseInput

NAMES = ("Grand Piano 1", "Little Keys 2")


def get_devices(**options):
    if os.environ.get("MEMORY_MIDI") == "none":
        return []
    return [{"name": name, "is_input": True, "is_output": False} for name in NAMES]


class Input(BaseInput):
    def _open(self, callback=None, **options):
        if os.environ.get("MEMORY_MIDI") == "busy":
            raise SystemError("MidiInAlsa::openPort: the port is used by another program")
        self._callback = callback
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        with open(os.environ["MEMORY_MIDI"]) as file:
            while True:
                line = file.readline()
                if line.endswith("\n"):
                    self._callback(mido.parse_string(line.strip()))
                else:
                    time.sleep(0.005)
