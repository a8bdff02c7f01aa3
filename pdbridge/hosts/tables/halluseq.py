"""Messages of the course's sequencer of hallucinations, ``halluseq``."""

from dataclasses import replace

from pdbridge.hosts.message import Argument, Message
from pdbridge.hosts.tables import gansynth
from pdbridge.hosts.tables.common import LIVE_RATE

_SOUND = (Argument("sound-array", "array"),)
_STATE = (Argument("file.json", "file"),)
_AS_GANSYNTH = {message.name: replace(message, instrument="halluseq") for message in gansynth.MESSAGES}


def _setting(name, what):
    return Message("halluseq", name, (Argument("seconds", "number", 0, 60),), "updated", what,
                   newest_only=True, newest_of=0)


MESSAGES = (
    replace(_AS_GANSYNTH["load"], answer="worker on audio_length sample_rate"),
    replace(_AS_GANSYNTH["unload"], answer="worker off"),
    Message(
        "halluseq", "load_ganspace_components", (Argument("file", "file"),), "",
        "Load GANSpace components, a .pickle of the original or an .npz, found relative to the patch, "
        "the working directory or models/.", "components name layer count",
    ),
    Message(
        "halluseq", "init", (Argument("folder", "folder"), Argument("file", "file")),
        "worker on audio_length sample_rate", "`load` and `load_ganspace_components` in one.",
        "components name layer count",
    ),
    Message(
        "halluseq", "next_step", (), "updated",
        "Keep what is in the array of edits as the current step, go to the next one (behind the last "
        "comes the first), and write its edits into the array.",
    ),
    Message("halluseq", "prev_step", (), "updated", "The same, to the step before."),
    Message(
        "halluseq", "add_step", (), "updated",
        "Put a copy of the current step behind the last one, and go there.",
    ),
    Message(
        "halluseq", "remove_step", (), "updated",
        "Take the current step out, unless it is the only one.",
    ),
    Message(
        "halluseq", "rand_step",
        (Argument("spread", "number", 0, 10, optional=True),), "updated",
        "Draw the current step's first 16 edits at random, normally distributed with this spread (2 "
        "standard deviations unless said), 10 at most.", ours=True,
    ),
    Message(
        "halluseq", "steps",
        (Argument("current", "whole", 1, 128), Argument("width", "whole", 1, 800),
         Argument("edit", "number", -1000, 1000, repeats=True, most=800)), "",
        "All steps at once: which one is the current one (from 1), how many edits each has, and the "
        "edits. The array of edits is left as it is; a server that was started anew is told so what "
        "the steps were.", ours=True,
    ),
    Message(
        "halluseq", "interp_steps", (Argument("count", "whole", 0, 256),), "updated",
        "Sounds from one step to the next: as many, the step itself among them.", newest_only=True,
        newest_of=0,
    ),
    _setting("sample_spacing", "Time from the start of one sound to the start of the next."),
    _setting("start_trim", "How much is left out at the start of each sound."),
    _setting("attack", "Fade in of each sound."),
    _setting("sustain", "How long each sound then stays."),
    _setting("release", "Fade out of each sound."),
    Message(
        "halluseq", "send_state", (), "", "Report the place among the steps (from 0) and the settings.",
        "step index i, step count n, settings name value",
    ),
    Message(
        "halluseq", "hallucinate_noz", _SOUND, "hallucinated samples",
        "Keep what is in the array of edits as the current step, and write the hallucination through "
        "all steps into an array, at the model's rate, with a peak of 0.5.",
        "edits used of, busy 0 or 1, progress amount", background=True,
    ),
    Message(
        "halluseq", "hallucinate_noz_live", (*_SOUND, LIVE_RATE), "hallucinated_live seconds gain",
        "The same for listening while it is made: the array grows, at a level at which nothing clips. "
        "The gain brings the whole to a peak of 0.5. With a sample rate it is resampled to that.",
        "made seconds of, edits used of, busy 0 or 1, progress amount", background=True, ours=True,
    ),
    _AS_GANSYNTH["synthesize_noz"],
    _AS_GANSYNTH["randomize_z"],
    _AS_GANSYNTH["slerp_z"],
    _AS_GANSYNTH["synthesize"],
    _AS_GANSYNTH["save_z"],
    _AS_GANSYNTH["load_z"],
    Message(
        "halluseq", "save_state", _STATE, "saved file",
        "Store steps and settings in a file beside the patch, with what is in the array of edits as "
        "the current step.", ours=True,
    ),
    Message(
        "halluseq", "load_state", _STATE, "updated",
        "Read steps and settings from such a file, and write the current step into the array.", ours=True,
    ),
    replace(_AS_GANSYNTH["seed"], help="Make the random steps and timbres that follow repeatable."),
    Message(
        "halluseq", "cancel", (), "", "Drop what waits or is being made.", at_once=True, ours=True,
    ),
)
