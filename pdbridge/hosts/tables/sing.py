"""Messages of the instrument ``sing``."""

from pdbridge.hosts.message import Argument, Message
from pdbridge.hosts.tables.common import IN_A_FILE, PITCH, VELOCITY, WRITE_NOTE, key_messages

_INSTRUMENT = Argument("instrument", "name")
_CHOSEN = "instrument number name, menu row number name, page page of family count, row row"

_KEYS = key_messages("sing")

MESSAGES = (
    Message(
        "sing", "load", (Argument("file", "file"),), "loaded note_length sample_rate",
        "Load a SING checkpoint: sing.th, or an .npz of our own training; found relative to the patch, the "
        "working directory, models/ or the user's cache. The old model plays on until the new one is there.",
        "model name lowest highest instruments names, " + _CHOSEN + ", busy 0 or 1", ours=True,
    ),
    Message("sing", "unload", (), "unloaded", "Let go of the model.", ours=True),
    Message(
        "sing", "instrument", (_INSTRUMENT,), "",
        "Play this instrument from now on, by its name in NSynth or its number; keys get ready one after the "
        "other, the last-played first. Without a table of names (pdbridge sing index) numbers alone are known.",
        _CHOSEN + ", ready count of pitch", newest_only=True, newest_of=0, ours=True,
    ),
    Message(
        "sing", "blend", (Argument("a", "name"), Argument("b", "name"), Argument("amount", "number", 0, 1)), "",
        "Play what lies between two instruments from now on: 0 is the first, 1 the second.",
        "blend number name number name amount, row 0, ready count of pitch", newest_only=True, newest_of=0,
        ours=True,
    ),
    Message(
        "sing", "next_instrument", (), "",
        "Play the instrument that comes next in the menu, as MIDI program changes do; behind the last comes "
        "the first.", _CHOSEN, ours=True,
    ),
    Message("sing", "previous_instrument", (), "", "Play the one that comes before it.", _CHOSEN, ours=True),
    Message(
        "sing", "family", (Argument("family", "name"),), "",
        "List the instruments of a family in the menu (bass, brass, flute... as their names begin), or all.",
        "menu row number name, page page of family count, row row", newest_only=True, newest_of=0, ours=True,
    ),
    Message(
        "sing", "turn_page", (Argument("pages", "whole", -100, 100),), "",
        "Go to another page of the menu, 12 instruments each; behind the last comes the first.",
        "menu row number name, page page of family count, row row", ours=True,
    ),
    Message(
        "sing", "choose", (Argument("row", "whole", 1, 12),), "",
        "Play the instrument in this row of the menu.", _CHOSEN, ours=True,
    ),
    Message(
        "sing", "note_on", (PITCH, VELOCITY), "",
        "Play a note with the current instrument; velocity 0 is a note-off. The model knows the velocities 25, "
        "50, 75, 100 and 127, of which the nearest is made; its sound holds how loud that is.",
        "play voice pitch velocity milliseconds, velocity asked made", at_once=True, ours=True,
    ),
    _KEYS["note_off"],
    _KEYS["sustain"],
    _KEYS["voices"],
    Message(
        "sing", "render", (Argument("sound-array", "array"), _INSTRUMENT, PITCH, VELOCITY), "rendered sound-array",
        "Write a whole note of an instrument (64,000 samples at 16 kHz) into an array.",
        "velocity asked made, busy 0 or 1", ours=True,
    ),
    Message(
        "sing", "render_key", (Argument("sound-array", "array"), PITCH, VELOCITY), "rendered sound-array",
        "The same with what the keys play now.", "velocity asked made, busy 0 or 1", ours=True,
    ),
    Message(
        "sing", "write_note", WRITE_NOTE, "written file.wav pitch sample_rate path",
        "Write the note that the keys play now at this pitch, with velocity 100, as a float32 WAV, at the model's "
        "rate unless said. " + IN_A_FILE, ours=True,
    ),
    _KEYS["release"],
    _KEYS["panic"],
    Message("sing", "cancel", (), "", "Drop what waits or is being rendered.", at_once=True, ours=True),
)
