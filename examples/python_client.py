"""A client of pdbridge in Python: a random timbre, and its middle C as a WAV.

Start ``pdbridge serve`` in a terminal, and this in another one; it needs ``pip install python-osc``.
"""

import sys

from pythonosc.udp_client import SimpleUDPClient

server = SimpleUDPClient("127.0.0.1", 9700)


def ask(address, *arguments):
    """Send a message and wait until it is carried out; what the server answers."""
    server.send_message(address, arguments)
    for answer in server.get_messages(timeout=60):
        if answer.address == "/fail":
            sys.exit(f"{answer.params[0]} failed: {answer.params[1]}")
        if answer.address == "/done" and answer.params[0] == address:
            return answer.params[1:]
    sys.exit("no answer; is 'pdbridge serve' running?")


ask("/gansynth/load", "small_hours")                       # a model
ask("/gansynth/randomize_z", "mine")                       # a random timbre, in the array "mine"
ask("/gansynth/synthesize", "mine", "sound", 60)           # its note, in the array "sound"
[path] = ask("/array/write", "sound", "note.wav")          # in the folder where the server was started
print(f"middle C is in {path}")
