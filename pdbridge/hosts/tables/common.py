"""What the messages of several instruments have in common: arguments, and those of the keys whole."""

from pdbridge.hosts.message import Argument, Message

PITCH = Argument("pitch", "whole", 0, 127)
VELOCITY = Argument("velocity", "whole", 0, 127)
VOICES = (
    Argument("array-prefix", "array"), Argument("count", "whole", 0, 64),
    Argument("sample-rate", "number", 8000, 768000),
    Argument("polyphony", "whole", 1, 64, optional=True),
)
WRITE_NOTE = (PITCH, Argument("file.wav", "file"),
              Argument("sample-rate", "whole", 8000, 192000, optional=True))
IN_A_FILE = ("It is for programs that play files. The file is below the patch's folder, the server's working "
             "directory or a --folder, whole when the answer comes, and replaces an older one of its name.")
RELEASE = (Argument("milliseconds", "number", 1, 10000),)
LIVE_RATE = Argument("sample-rate", "number", 8000, 192000, optional=True)


def key_messages(instrument):
    """The messages that every instrument with keys has, alike but for its name (dict of str to Message)."""
    messages = (
        Message(
            instrument, "note_off", (PITCH,), "", "Release every voice that holds this pitch.",
            "release voice milliseconds", at_once=True, ours=True,
        ),
        Message(
            instrument, "sustain", (Argument("value", "number", 0, 127),), "",
            "Sustain pedal: 64 and more hold the notes that are released.", at_once=True, ours=True,
        ),
        Message(
            instrument, "voices", VOICES, "voices count sample_rate",
            "The arrays <prefix>1 ... <prefix>count are voices that can play notes; at most "
            "`polyphony` sound at once (as many as there are, if left out). A count of 0 takes them "
            "back: MIDI and plain OSC notes go to another patch again.", ours=True,
        ),
        Message(
            instrument, "release", RELEASE, "", "Release time of the notes to come.", at_once=True,
            ours=True,
        ),
        Message(
            instrument, "panic", (), "", "Silence every voice at once.", "stop voice milliseconds",
            at_once=True, ours=True,
        ),
    )
    return {message.name: message for message in messages}
