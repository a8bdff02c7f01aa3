"""The table of messages: every message an instrument understands, once.

Dispatch, argument checks, ``pdbridge messages``, ``docs/messages.md`` and the tests read this table.
Names and argument order are those of the course patches (SOPI, Aalto University, "Deep Learning
with Audio"); messages marked as ours are added beside them in the same style.
"""

import math
from dataclasses import dataclass

from pdbridge.errors import MessageError

LONGEST_NAME = 1000  # characters of a name or path; longer ones are nonsense or an attack


@dataclass(frozen=True)
class Argument:
    """One argument of a message.

    Parameters
    ----------
    name : str
        What the documentation calls it.
    kind : str
        "array" (the name of an array), "folder", "file", "whole" (a whole number) or "number".
    lowest, highest : float or None
        Bounds of a number, both included.
    optional : bool
        Whether it may be left out. Only the last arguments are.
    repeats : bool
        Whether it is given once or more (`MOST_REPEATS` times at most). Only the last one is.
    """

    name: str
    kind: str
    lowest: float | None = None
    highest: float | None = None
    optional: bool = False
    repeats: bool = False

    def usage(self):
        """The argument as the documentation writes it."""
        word = self.name + "..." * self.repeats
        return f"[{word}]" if self.optional else word

    def check(self, value):
        """The value as an instrument wants it; `MessageError` says what is wrong with it."""
        if self.kind in ("array", "folder", "file"):
            return self._check_name(value)
        if isinstance(value, (str, bytes)) or not isinstance(value, (int, float)):
            raise MessageError(f"{self.name} must be a number, not {shown(value)}")
        if not math.isfinite(value):
            raise MessageError(f"{self.name} must be a finite number, not {value}")
        if self.kind == "whole":
            if value != int(value):
                raise MessageError(f"{self.name} must be a whole number, not {value:g}")
            value = int(value)
        low, high = self.lowest, self.highest
        if (low is not None and value < low) or (high is not None and value > high):
            raise MessageError(f"{self.name} is {value:.10g}; it must be {self._bounds()}")
        return value

    def _check_name(self, value):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = f"{value:g}"  # Pd sends a name that looks like a number as a number
        if not isinstance(value, str):
            raise MessageError(f"{self.name} must be a name, not {shown(value)}")
        if not value or len(value) > LONGEST_NAME or not value.isprintable():
            raise MessageError(f"{self.name} must be a name, not {shown(value)}")
        return value

    def _bounds(self):
        if self.highest is None:
            return f"{self.lowest:.10g} or more"
        return f"between {self.lowest:.10g} and {self.highest:.10g}"

    def described(self):
        """The argument with its kind and bounds, for the documentation."""
        if self.kind in ("array", "folder", "file"):
            return self.name
        return f"{self.name} ({self._bounds()})"


@dataclass(frozen=True)
class Message:
    """One message: its arguments, its answer, and how it is carried out.

    Parameters
    ----------
    instrument, name : str
        The OSC address is ``/<instrument>/<name>``.
    arguments : tuple of Argument
    answer : str
        What comes back when it is done.
    reports : str
        What the instrument reports in its course, to whoever listens.
    help : str
        One line.
    repeats : bool
        Whether the whole group of arguments may be given several times.
    at_once : bool
        Carried out the moment it arrives. The others wait in the instrument's line, first in,
        first out, since one often needs the array that the one before it writes.
    newest_only : bool
        While it waits in the line, a newer one that differs in its last argument only replaces it
        (a dragged slider sends hundreds, only the last matters); the replaced one gets no answer.
    own_selector : bool
        In Pd its answer is a message (``loaded ...``), not a list (``list loaded ...``): the course
        patch connects it to another object's inlet.
    ours : bool
        Not in the course patches.
    """

    instrument: str
    name: str
    arguments: tuple = ()
    answer: str = ""
    help: str = ""
    reports: str = ""
    repeats: bool = False
    at_once: bool = False
    newest_only: bool = False
    own_selector: bool = False
    ours: bool = False

    @property
    def address(self):
        return f"/{self.instrument}/{self.name}"

    def usage(self):
        """The arguments as the documentation writes them, e.g. ``(z-array sound-array pitch)...``"""
        words = " ".join(a.usage() for a in self.arguments)
        return f"({words})..." if self.repeats else words

    @property
    def takes_many(self):
        """Whether its last argument repeats."""
        return bool(self.arguments) and self.arguments[-1].repeats

    def check(self, values):
        """Check the arguments of a message that arrived.

        Parameters
        ----------
        values : sequence
            Floats, ints and strings as they came over the wire.

        Returns
        -------
        list
            The checked values; a list of tuples, one a group, where the message `repeats`.

        Raises
        ------
        MessageError
            Says which argument is wrong, what it was and what it must be.
        """
        try:
            if self.repeats:
                return self._check_groups(values)
            return self._check_once(values)
        except MessageError as error:
            raise MessageError(f"{self.name}: {error}") from None

    def _check_once(self, values):
        needed = sum(not a.optional for a in self.arguments)
        arguments = self.arguments
        if self.takes_many:
            arguments += arguments[-1:] * (min(len(values) - needed, MOST_REPEATS - 1))
        if not needed <= len(values) <= len(arguments):
            wanted = self.usage() or "nothing"
            raise MessageError(f"takes {wanted}; {_counted(len(values), 'argument')} came")
        return [a.check(v) for a, v in zip(arguments, values)]

    def _check_groups(self, values):
        size = len(self.arguments)
        if not values or len(values) % size or len(values) // size > MOST_GROUPS:
            raise MessageError(
                f"takes {self.usage()}, at most {MOST_GROUPS} times; "
                f"{_counted(len(values), 'argument')} came"
            )
        groups = [values[i:i + size] for i in range(0, len(values), size)]
        return [tuple(a.check(v) for a, v in zip(self.arguments, group)) for group in groups]


MOST_GROUPS = 64
MOST_REPEATS = 128  # of a last argument: one for each MIDI pitch


def shown(value, longest=60):
    """A value for an error message, shortened."""
    text = repr(value)
    return text if len(text) <= longest else text[:longest] + "..."


def _counted(count, noun):
    return f"{count} {noun}" + ("" if count == 1 else "s")


_PITCH = Argument("pitch", "whole", 0, 127)
_VELOCITY = Argument("velocity", "whole", 0, 127)
_VOICES = (
    Argument("array-prefix", "array"), Argument("count", "whole", 0, 64),
    Argument("sample-rate", "number", 8000, 768000),
    Argument("polyphony", "whole", 1, 64, optional=True),
)
_RELEASE = (Argument("milliseconds", "number", 1, 10000),)
_PAD = (Argument("y", "number", 0, 1), Argument("x", "number", 0, 1))
_CELL = (Argument("row", "whole", 0, 1023), Argument("col", "whole", 0, 1023))

MESSAGES = (
    Message(
        "gansynth", "load",
        (Argument("folder", "folder"), Argument("batch-size", "whole", 1, 1024, optional=True)),
        "loaded audio_length sample_rate",
        "Load a checkpoint folder, found relative to the patch, the working directory or models/. "
        "The old model plays on until the new one is there. The batch size of the original is "
        "accepted and not needed.",
    ),
    Message("gansynth", "unload", (), "unloaded", "Let go of the model."),
    Message(
        "gansynth", "randomize_z", (Argument("z-array", "array"),), "randomized",
        "Write a random timbre (z, normally distributed) into each array.", repeats=True,
    ),
    Message(
        "gansynth", "slerp_z",
        (Argument("z-array-0", "array"), Argument("z-array-1", "array"),
         Argument("destination-array", "array"), Argument("amount", "number", 0, 1)),
        "slerped", "Interpolate spherically between two timbres.", newest_only=True,
    ),
    Message(
        "gansynth", "synthesize",
        (Argument("z-array", "array"), Argument("sound-array", "array"), _PITCH),
        "synthesized", "Render whole notes (64,000 samples at 16 kHz) into arrays.", repeats=True,
    ),
    Message(
        "gansynth", "note_on", (_PITCH, _VELOCITY), "",
        "Play a note with the current timbre; velocity 0 is a note-off.",
        "play voice pitch velocity milliseconds", at_once=True, ours=True,
    ),
    Message(
        "gansynth", "note_off", (_PITCH,), "", "Release every voice that holds this pitch.",
        "release voice milliseconds", at_once=True, ours=True,
    ),
    Message(
        "gansynth", "sustain", (Argument("value", "number", 0, 127),), "",
        "Sustain pedal: 64 and more hold the notes that are released.", at_once=True, ours=True,
    ),
    Message(
        "gansynth", "z", (Argument("z-array", "array"),), "",
        "Play this timbre from now on; keys get ready one after the other, the last-played first.",
        "ready count of pitch", newest_only=True, ours=True,
    ),
    Message(
        "gansynth", "voices", _VOICES, "voices count sample_rate",
        "The arrays <prefix>1 ... <prefix>count are voices that can play notes; at most "
        "`polyphony` sound at once (as many as there are, if left out). A count of 0 takes them "
        "back: MIDI and plain OSC notes go to another patch again.", ours=True,
    ),
    Message(
        "gansynth", "release", _RELEASE, "",
        "Release time of the notes to come.", at_once=True, ours=True,
    ),
    Message(
        "gansynth", "panic", (), "", "Silence every voice at once.", "stop voice milliseconds",
        at_once=True, ours=True,
    ),
    Message(
        "gansynth", "seed", (Argument("number", "whole", 0, 2**31 - 1),), "",
        "Make the random timbres that follow repeatable.", ours=True,
    ),
    Message(
        "gansynth", "cancel", (), "", "Drop what waits or is being rendered into arrays.",
        at_once=True, ours=True,
    ),
    Message(
        "gansynth", "save_z", (Argument("z-array", "array"), Argument("file.npy", "file")),
        "saved file", "Store a timbre in a file beside the patch, and add it to the programs.",
        ours=True,
    ),
    Message(
        "gansynth", "load_z", (Argument("file.npy", "file"), Argument("z-array", "array")),
        "restored file", "Read a stored timbre into an array, and add it to the programs.",
        ours=True,
    ),
    Message(
        "gansynth", "programs", (Argument("file.npy", "file"),), "programs count",
        "The stored timbres that next_z and MIDI program changes step through.", repeats=True,
        ours=True,
    ),
    Message(
        "gansynth", "next_z", (), "timbre array",
        "Play the next of the programs, and write it into the array that `z` named last.",
        ours=True,
    ),
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
        "nsynth", "note_on", (_PITCH, _VELOCITY), "",
        "Play a note of the cell under the pad, from the nearest pitch of the grid; velocity 0 is a "
        "note-off.", "play voice pitch velocity milliseconds", at_once=True, ours=True,
    ),
    Message(
        "nsynth", "note_off", (_PITCH,), "", "Release every voice that holds this pitch.",
        "release voice milliseconds", at_once=True, ours=True,
    ),
    Message(
        "nsynth", "sustain", (Argument("value", "number", 0, 127),), "",
        "Sustain pedal: 64 and more hold the notes that are released.", at_once=True, ours=True,
    ),
    Message(
        "nsynth", "voices", _VOICES, "voices count sample_rate",
        "The arrays <prefix>1 ... <prefix>count are voices that can play notes; at most "
        "`polyphony` sound at once (as many as there are, if left out). A count of 0 takes them "
        "back: MIDI and plain OSC notes go to another patch again.", ours=True,
    ),
    Message(
        "nsynth", "release", _RELEASE, "", "Release time of the notes to come.", at_once=True,
        ours=True,
    ),
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
        "nsynth", "render", (Argument("sound-array", "array"), _PITCH), "rendered sound-array",
        "Write the note that the cell under the pad plays at this pitch into an array, at the "
        "grid's sample rate.", ours=True,
    ),
    Message(
        "nsynth", "panic", (), "", "Silence every voice at once.", "stop voice milliseconds",
        at_once=True, ours=True,
    ),
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
        "nsynth_controller", "note_on", (_PITCH,), "play start end milliseconds onset",
        "Where in the array the note lies that the cell under the pad plays at this pitch, and how "
        "long it lasts at this pitch.", at_once=True,
    ),
)

BY_ADDRESS = {message.address: message for message in MESSAGES}


def find(instrument, name):
    """The message of this name, or `MessageError` with the names that exist."""
    message = BY_ADDRESS.get(f"/{instrument}/{name}")
    if message is None:
        known = ", ".join(m.name for m in MESSAGES if m.instrument == instrument)
        raise MessageError(f"{instrument} has no message {shown(name)}; it knows {known}")
    return message


SERVER_MESSAGES = (
    ("/status", "", "/status.reply name value ...", "What is loaded, ready, waiting and lost."),
    ("/version", "", "/version.reply name version", "Which server answers."),
    ("/notify", "1 or 0", "/done /notify", "Send this client what instruments report (or stop)."),
    ("/sync", "id", "/synced id",
     "Answered when all OSC messages that came before are carried out, but notes still sound."),
    ("/array/set", "name start value...", "/done /array/set name count",
     "Write values into an array of the server; it grows as needed."),
    ("/array/get", "name [start] [count]", "/array/values name start value...",
     "Read an array, at most 4,096 values an answer, then /done /array/get name count."),
    ("/array/write", "name file.wav [sample_rate]", "/done /array/write file",
     "Write an array as a float32 WAV (16 kHz unless said) below the server's working directory."),
    ("/quit", "", "/done /quit", "End the server."),
)


def as_text():
    """The table for the terminal (``pdbridge messages``)."""
    lines = []
    for message in MESSAGES:
        lines.append(f"{message.address} {message.usage()}".rstrip())
        lines.append(f"    {message.help}")
        if message.answer:
            lines.append(f"    answer: {message.answer}")
        if message.reports:
            lines.append(f"    reports: {message.reports}")
    for address, usage, answer, text in SERVER_MESSAGES:
        lines += [f"{address} {usage}".rstrip(), f"    {text}", f"    answer: {answer}"]
    return "\n".join(lines) + "\n"


def as_markdown():
    """The page ``docs/messages.md`` (``pdbridge messages --markdown``)."""
    lines = [
        "# Messages",
        "",
        "Written by `pdbridge messages --markdown` from the table in `pdbridge/hosts/messages.py`; "
        "change it there.",
        "",
        "In a patch, send the message to the object; what stands under *answer* comes out of its "
        "outlet. Over OSC, send it to `/<instrument>/<message>`: `/done <address> ...`, with the "
        "answer without its first word, comes when it is carried out, or `/fail <address> <text>`; "
        "long ones send `/progress <address> <0..1>` before. What instruments *report* comes out of "
        "the patch's outlet, and goes to all OSC clients that sent `/notify 1`, as "
        "`/<instrument>/<word> ...`; all words are in [protocol.md](protocol.md).",
    ]
    for instrument in dict.fromkeys(message.instrument for message in MESSAGES):
        lines += ["", f"## {instrument}", "",
                  "| message | arguments | answer | reports | |", "|---|---|---|---|---|"]
        for message in MESSAGES:
            if message.instrument == instrument:
                lines.append(_row(message))
    lines += ["", "Bounds:", ""]
    for message in MESSAGES:
        bounded = [a.described() for a in message.arguments if a.lowest is not None]
        if bounded:
            lines.append(f"- `{message.address}`: " + ", ".join(bounded))
    lines += ["", "## The server itself (OSC only)", "",
              "| message | arguments | answer | |", "|---|---|---|---|"]
    for address, usage, answer, text in SERVER_MESSAGES:
        lines.append(f"| `{address}` | {usage} | `{answer}` | {text} |")
    return "\n".join(lines) + "\n"


def _row(message):
    notes = message.help
    if message.newest_only:
        notes += (" While one waits, a newer one that differs in its last argument replaces it, and "
                  "only the newer one is answered.")
    if message.ours:
        notes += " *(ours)*"
    answer = f"`{message.answer}`" if message.answer else ""
    reports = f"`{message.reports}`" if message.reports else ""
    return f"| `{message.name}` | {message.usage()} | {answer} | {reports} | {notes} |"
