"""Messages of ``nsynth``, and of the course's ``nsynth_loader`` and ``nsynth_controller``."""

from pdbridge.hosts.message import Argument, Message
from pdbridge.hosts.tables.common import IN_A_FILE, PITCH, VELOCITY, WRITE_NOTE, key_messages

_PAD = (Argument("y", "number", 0, 1), Argument("x", "number", 0, 1))
_CELL = (Argument("row", "whole", 0, 1023), Argument("col", "whole", 0, 1023))

_KEYS = key_messages("nsynth")

MESSAGES = (
    Message(
        "nsynth", "load",
        (Argument("grid", "file"), Argument("settings.json", "file", optional=True)),
        "loaded rows cols length sample_rate pitch...",
        "Open a note grid: a .bin file, the folder of a grid project, or first_grid, the small grid "
        "that pdbridge makes itself; found relative to the patch, the working directory or the "
        "user's cache. Without settings.json, the .json of the same name beside the .bin is taken, "
        "or else settings.json there. Notes that sound go on.",
        "grid name rows cols pitches lowest highest, corner number name, cell row col, loop 0 or 1, "
        "busy 0 or 1, progress amount", ours=True,
    ),
    Message("nsynth", "unload", (), "unloaded", "Let go of the grid.", ours=True),
    Message(
        "nsynth", "position_rel", _PAD, "",
        "Move the pad: y 0 is the top row, x 0 the left column. The notes to come are those of the "
        "nearest cell; notes that sound stay as they are.", "cell row col, position y x",
        at_once=True, ours=True,
    ),
    Message(
        "nsynth", "position", _CELL, "",
        "Move the pad to a cell; row 0 is the top, col 0 the left.", "cell row col, position y x",
        at_once=True, ours=True,
    ),
    Message(
        "nsynth", "note_on", (PITCH, VELOCITY), "",
        "Play a note of the cell under the pad, from the nearest pitch of the grid; velocity 0 is a "
        "note-off.", "play voice pitch velocity milliseconds", at_once=True, ours=True,
    ),
    _KEYS["note_off"],
    _KEYS["sustain"],
    _KEYS["voices"],
    _KEYS["release"],
    Message(
        "nsynth", "loop", (Argument("on", "whole", 0, 1),), "",
        "Whether the notes to come repeat between the loop points while they are held. Without this "
        "message the settings file of the grid decides.",
        "repeat voice start_milliseconds length_milliseconds", at_once=True, ours=True,
    ),
    Message(
        "nsynth", "loop_points", (Argument("start", "number", 0, 1), Argument("end", "number", 0, 1)),
        "", "Where the notes to come repeat, as fractions of the note. Without this message the "
        "settings file of the grid decides; where it does not, 0.2 and 0.41, as in Open NSynth Super.",
        at_once=True, ours=True,
    ),
    Message(
        "nsynth", "render", (Argument("sound-array", "array"), PITCH), "rendered sound-array",
        "Write the note that the cell under the pad plays at this pitch into an array, at the "
        "grid's sample rate.", ours=True,
    ),
    Message(
        "nsynth", "write_note", WRITE_NOTE, "written file.wav pitch sample_rate path",
        "Write the note that the cell under the pad plays at this pitch as a float32 WAV, at the grid's "
        "rate unless said. " + IN_A_FILE, ours=True,
    ),
    _KEYS["panic"],
    Message(
        "nsynth", "cancel", (), "", "Drop what waits, is loading or is written into an array.",
        at_once=True, ours=True,
    ),
    Message(
        "nsynth_loader", "load",
        (Argument("grid.bin", "file"), Argument("settings.json", "file"),
         Argument("sound-array", "array")),
        "loaded rows cols length sample_rate pitch...",
        "Write a whole note grid into an array, as the course patches do; while it is written Pd "
        "plays on. What it answers is meant for the inlet of nsynth_controller.",
        "busy 0 or 1, progress amount", own_selector=True,
    ),
    Message(
        "nsynth_loader", "cancel", (), "", "Stop writing the grid into the array.", at_once=True,
        ours=True,
    ),
    Message(
        "nsynth_controller", "loaded",
        (Argument("rows", "whole", 1, 1024), Argument("cols", "whole", 1, 1024),
         Argument("length", "whole", 1, 1 << 24), Argument("sample-rate", "number", 1000, 768000),
         Argument("pitch", "whole", 0, 127, repeats=True)),
        "", "What the loader wrote into the array; the pitches are in ascending order.", at_once=True,
    ),
    Message(
        "nsynth_controller", "position_rel", _PAD, "",
        "Move the pad: y 0 is the first row, x 0 the first column.", at_once=True,
    ),
    Message("nsynth_controller", "position", _CELL, "", "Move the pad to a cell.", at_once=True),
    Message(
        "nsynth_controller", "note_on", (PITCH,), "play start end milliseconds onset",
        "Where in the array the note lies that the cell under the pad plays at this pitch, and how "
        "long it lasts at this pitch.", at_once=True,
    ),
)
