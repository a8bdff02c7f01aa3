"""Messages of the instrument ``gansynth``."""

from pdbridge.hosts.message import Argument, Message
from pdbridge.hosts.tables.common import IN_A_FILE, LIVE_RATE, PITCH, VELOCITY, WRITE_NOTE, key_messages

EDIT = Argument("edit", "values", -1000, 1000, repeats=True, most=512)
HALLUCINATION = (
    Argument("sound-array", "array"),
    Argument("points", "whole", 2, 1000),
    Argument("interpolation-steps", "whole", 0, 1000),
    *(Argument(name, "number", 0, 60, optional=True)
      for name in ("spacing", "start-trim", "attack", "sustain", "release")),
)

_KEYS = key_messages("gansynth")

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
        (Argument("z-array", "array"), Argument("sound-array", "array"), PITCH),
        "synthesized", "Render whole notes (64,000 samples at 16 kHz) into arrays, moved along the "
        "components that are loaded.", repeats=True,
    ),
    Message(
        "gansynth", "load_ganspace_components",
        (Argument("file", "file"), Argument("amplitudes-array", "array", optional=True)),
        "loaded_pca",
        "Load GANSpace components, a .pickle of the original or an .npz, found relative to the patch, "
        "the working directory or models/. synthesize then goes along component 1, 2... by the values "
        "of the array; without one, by those that `component` set.",
        "components name layer count",
    ),
    Message(
        "gansynth", "synthesize_noz", (Argument("sound-array", "array"), PITCH, EDIT), "synthesized",
        "Render whole notes from edits, in place of a z: the mean of what the components were made "
        "from, moved along component 1, 2... by these numbers, in standard deviations. An array "
        "stands for all its values. The note has the pitch that the components were made with.",
        repeats=True, separator="--",
    ),
    Message(
        "gansynth", "hallucinate", HALLUCINATION, "hallucinated bytes",
        "Make a hallucination: random timbres (points), interpolation steps from one to the next, a "
        "sound of pitch 32 for each, and the sounds one `spacing` after the other, each cut by trim, "
        "attack, sustain and release (in seconds). At most 2^24 samples, 17 minutes at 16 kHz.",
        "progress amount", background=True,
    ),
    Message(
        "gansynth", "hallucinate_live", (*HALLUCINATION, LIVE_RATE), "hallucinated_live seconds gain",
        "The same, and the array grows while it is made: as far as `made` says, it can be played. It "
        "is made at a level that is safe whatever comes; at the end, `gain` brings it to the level "
        "of hallucinate. With a sample rate it is resampled to that, so that `tabread4~` adds no images.",
        "made seconds of seconds, progress amount", background=True, ours=True,
    ),
    Message(
        "gansynth", "note_on", (PITCH, VELOCITY), "",
        "Play a note with the current timbre; velocity 0 is a note-off.",
        "play voice pitch velocity milliseconds", at_once=True, ours=True,
    ),
    _KEYS["note_off"],
    _KEYS["sustain"],
    Message(
        "gansynth", "z", (Argument("z-array", "array"),), "",
        "Play this timbre from now on; keys get ready one after the other, the last-played first.",
        "ready count of pitch", newest_only=True, ours=True,
    ),
    Message(
        "gansynth", "component",
        (Argument("number", "whole", 1, 1 << 22), Argument("amplitude", "number", -1000, 1000)), "",
        "Move what is played along a component (1 is the first), in standard deviations; the array "
        "that load_ganspace_components named gets it, too.", newest_only=True, ours=True,
    ),
    Message(
        "gansynth", "edits", (EDIT,), "",
        "Play edits, as of synthesize_noz, from now on, until `z` or `pad` plays a z again.",
        newest_only=True, newest_of=0, ours=True,
    ),
    Message(
        "gansynth", "corner", (Argument("number", "whole", 1, 4), Argument("z-array", "array")), "",
        "Take a timbre as a corner of the pad: 1 top left, 2 top right, 3 bottom left, 4 bottom "
        "right.", ours=True,
    ),
    Message(
        "gansynth", "pad", (Argument("x", "number", 0, 1), Argument("y", "number", 0, 1)), "",
        "Play what lies between the corners from now on: x 0 is left, y 0 the top.", "position y x",
        newest_only=True, newest_of=0, ours=True,
    ),
    _KEYS["voices"],
    Message(
        "gansynth", "write_note", WRITE_NOTE, "written file.wav pitch sample_rate path",
        "Write the note that the keys play now at this pitch as a float32 WAV, at the model's rate "
        "unless said. " + IN_A_FILE, ours=True,
    ),
    _KEYS["release"],
    _KEYS["panic"],
    Message(
        "gansynth", "seed", (Argument("number", "whole", 0, 2**31 - 1),), "",
        "Make the random timbres and hallucinations that follow repeatable.", ours=True,
    ),
    Message(
        "gansynth", "cancel", (), "",
        "Drop what waits, is being rendered into arrays or is made in the background.", at_once=True,
        ours=True,
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
        "gansynth", "match_z",
        (Argument("z-array", "array"), Argument("file", "file"),
         Argument("pitch", "whole", 0, 127, optional=True)),
        "matched pitch distance random_distance",
        "Look for a z whose note is near a recorded one (WAV, FLAC, AIFF, OGG; below the patch's folder, the "
        "server's working directory or a --folder), and write it into the array. Pitch is that of the "
        "recording; without it the server listens (extra `pitch`) and reports what it heard, with its "
        "confidence. The distance is 0 for equal sounds and 1 for silence; the other is that of the nearest "
        "of 48 random timbres, which are heard first. It takes a minute or a few; keys come first.",
        "heard pitch confidence, progress amount", background=True, ours=True,
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
)
