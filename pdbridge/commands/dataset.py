"""``pdbridge dataset``: from recordings to the data sets that models are trained on."""

import os
import sys
from pathlib import Path

from pdbridge.commands.options import add_original, named, pitch, seed, whole
from pdbridge.errors import DatasetError

SAMPLE_RATE, NOTE_LENGTH = 16000, 64000
PITCH = 32  # of the course's scripts
FORMATS = "WAV, AIFF, FLAC, OGG or MP3, of any rate"
EPILOG = "Flags with an underscore are the original program's."
NAMED = 20  # files that are named of those that something is to be said about
TRAINED = range(24, 85)  # pitches that GANSynth is trained on unless told otherwise


def add_to(commands):
    """Add ``pdbridge dataset ...`` to the command line (argparse's subparsers)."""
    dataset = commands.add_parser("dataset", help="make data sets of your own recordings, and look into them")
    commands = dataset.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_chop(commands)
    _add_pad(commands)
    _add_make(commands)
    _add_nsynth(commands)
    _add_synth(commands)
    _add_info(commands)


def _add_chop(commands):
    chop = _command(
        commands, "chop", _chop, "cut long recordings into notes",
        f"Cut the recordings of a folder ({FORMATS}) into pieces of 4 s, OUT_DIR/<name>_<number>_<pitch>.wav. Only "
        "whole pieces are made, and levels stay as they are.")
    _add_folders(chop, "made by this; it must not exist")
    _add_rate(chop)
    add_original(chop, "len", "length", dest="length", metavar="SAMPLES", type=_samples, default=NOTE_LENGTH,
                 help="of a piece (%(default)s: 4 s)")
    chop.add_argument("--step", metavar="SAMPLES", type=_samples, default=NOTE_LENGTH,
                      help="from the start of a piece to that of the next (%(default)s)")
    _add_pitch(chop)
    _add_processes(chop)


def _add_pad(commands):
    pad = _command(
        commands, "pad", _pad, "bring single notes to one length and level",
        f"Make of each recording in a folder, and in the folders inside it ({FORMATS}), a note of 4 s as loud as can "
        "be: longer ones are cut, shorter ones followed by silence. OUT_DIR/<folders>-<number>_<pitch>.wav.")
    _add_folders(pad, "made if need be; what is in it is not replaced")
    add_original(pad, "length", metavar="SAMPLES", type=_samples, default=NOTE_LENGTH,
                 help="of a note (%(default)s: 4 s)")
    _add_rate(pad)
    _add_pitch(pad)
    _add_processes(pad)


def _add_make(commands):
    make = _command(
        commands, "make", _make, "make a data set of notes",
        "Make OUT_DIR/data.tfrecord and meta.json of sounds that are named <instrument>_<pitch>.wav and last 4 s, such "
        f"as chop and pad make. {FORMATS}: what has to be converted is said. If one sound cannot be used, all such "
        "are named and nothing is written.")
    _add_source(make, "folder of the sounds")
    _add_set(make)
    _add_processes(make)


def _add_nsynth(commands):
    nsynth = _command(
        commands, "nsynth", _nsynth, "make a data set of the NSynth dataset's JSON and WAV files",
        "Make OUT_DIR/data.tfrecord and meta.json of an unpacked archive of the NSynth dataset, or of a folder that "
        "looks like one: examples.json, and audio/<note_str>.wav.")
    _add_source(nsynth, "folder of examples.json")
    _add_set(nsynth)
    add_original(nsynth, "skip_validate", action="store_true",
                 help="begin without looking at all files first; what cannot be used is found on the way")
    nsynth.add_argument("--all-fields", action="store_true",
                        help="write velocities and names as well, which NSynth's own reader wants")
    _add_processes(nsynth)


def _add_synth(commands):
    synth = _command(
        commands, "synth", _synth, "make a data set with a synthesizer",
        "Make OUT_DIR/data.tfrecord and meta.json of random notes of a small additive synthesizer: struck bars, plucked "
        "strings, organ, brass, bowed strings and voices, and what is between them; pitches 24 to 84.", epilog=None)
    synth.add_argument("out_dir", metavar="OUT_DIR", help="folder of the data set, made if need be")
    synth.add_argument("--notes", metavar="N", type=whole(1, 10**7), default=6100, help="how many (%(default)s)")
    synth.add_argument("--seed", metavar="N", type=seed, default=0,
                       help="the same seed makes the same notes (%(default)s)")


def _add_info(commands):
    info = _command(
        commands, "info", _info, "say what is in a data set",
        "Say which pitches, lengths and levels are in a data set: one of the course's, of pdbridge's, or the published "
        "NSynth TFRecords. Every record is read, and a damaged one is named.", epilog=None)
    info.add_argument("dataset", metavar="FILE_OR_DIR", help="a .tfrecord, a folder of them, or a pattern in quotes")
    info.add_argument("--png", metavar="OUT",
                      help='draw it as well, with spectrograms of some notes (needs pip install "pdbridge[plots]")')
    info.add_argument("--overwrite", action="store_true", help="replace a picture that is there")


def _command(commands, name, run, summary, description, epilog=EPILOG):
    command = commands.add_parser(name, help=summary, description=description, allow_abbrev=False, epilog=epilog)
    command.set_defaults(run=run)
    return command


# What options look like


_samples = whole(1, 10**9, "number of samples")
_rate = whole(8000, 192000, "sample rate")
_processes = whole(1, 256, "number of processes")


@named("pitch (0 to 127, detect or name)")
def _pitch(text):
    return text if text in ("detect", "name") else pitch(text)


def _add_folders(command, about_out):
    command.add_argument("in_dir", metavar="IN_DIR", help="folder of the recordings")
    command.add_argument("out_dir", metavar="OUT_DIR", help=f"folder of the notes; {about_out}")


def _add_source(command, about):
    command.add_argument("source", metavar="IN_DIR", nargs="?", help=about)
    add_original(command, "in_dir", metavar="IN_DIR", help="the same")
    run = command.get_default("run")

    def checked(options):
        given = [source for source in (options.source, options.in_dir) if source]
        if len(given) != 1:
            command.error("IN_DIR is given twice" if given else "IN_DIR is missing")
        options.in_dir = given[0]
        return run(options)

    command.set_defaults(run=checked)


def _add_set(command):
    add_original(command, "out_dir", metavar="OUT_DIR", help="folder of the data set, made if need be (IN_DIR-train)")
    _add_rate(command)
    add_original(command, "length", metavar="SAMPLES", type=_samples, default=NOTE_LENGTH,
                 help="that every sound must have (%(default)s: 4 s)")


def _add_rate(command):
    add_original(command, "sample_rate", metavar="HZ", type=_rate, default=SAMPLE_RATE,
                 help="of the results (%(default)s, as models are trained)")


def _add_pitch(command):
    command.add_argument("--pitch", metavar="P", type=_pitch, default=PITCH,
                         help="MIDI pitch of all notes (%(default)s); name: the number at the end of a recording's "
                         'name, as in flute_60.wav; detect: what is heard (needs pip install "pdbridge[pitch]")')


def _add_processes(command):
    command.add_argument("--processes", metavar="N", type=_processes,
                         help="files worked on at a time (as many as there are processors)")


# What the commands do


def _chop(options):
    from pdbridge.training.datasets import recordings

    return _reported(options, recordings.chop(
        options.in_dir, options.out_dir, options.sample_rate, options.length, options.step, options.pitch,
        options.processes))


def _pad(options):
    from pdbridge.training.datasets import recordings

    return _reported(options, recordings.pad(
        options.in_dir, options.out_dir, options.sample_rate, options.length, options.pitch, options.processes))


def _synth(options):
    from pdbridge.progress import counted
    from pdbridge.training.datasets.synthesis import synthesize

    made = synthesize(options.out_dir, options.notes, options.seed)
    families = ", ".join(f"{number} {family}" for family, number in made.items() if number)
    print(f"{counted(options.notes, 'note')} in {options.out_dir}: {families}")


def _reported(options, made):
    """Say what came of recordings, and give the exit code."""
    from pdbridge.progress import counted

    if options.pitch == "detect":
        for piece in made.pieces:
            _show(f"{piece.name:40} pitch {piece.pitch:3}  {piece.confidence:4.0%} sure"
                  + ("" if piece.sure else "  ?"))
    _show(f"{counted(len(made.pieces), 'note')} in {options.out_dir}")
    seconds = f"{options.length / options.sample_rate:g} s"
    _mention(f"only the first {seconds} used", made.truncated)
    _mention(f"shorter than {seconds}, no piece made of it", made.short)
    _mention("silent", [piece.name for piece in made.pieces if piece.silent])
    _mention("no pitch is heard, no note made of it", made.without_pitch)
    _mention("unsure of the pitch, listen and rename or remove it",
             [f"{piece.name} ({piece.confidence:.0%})" for piece in made.pieces if not piece.sure])
    for wrong in made.passed_over:
        _show(f"pdbridge: passed over: {wrong}", sys.stderr)
    return 1 if made.passed_over else 0


def _show(line, file=None):
    """A line on stdout or a file, with question marks for what its alphabet lacks; files may be called anything."""
    file = file or sys.stdout
    alphabet = file.encoding or "utf-8"
    print(line.encode(alphabet, "replace").decode(alphabet), file=file)


def _mention(what, names):
    """A line on stderr about files, if there are any."""
    from pdbridge.progress import counted

    if names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        _show(f"pdbridge: {counted(len(names), 'sound')}: {what}: {', '.join(names[:NAMED])}{more}", sys.stderr)


def _make(options):
    from pdbridge.training.datasets import assembly

    return _assembled(options, assembly.make(
        options.in_dir, options.out_dir, options.sample_rate, options.length, options.processes))


def _nsynth(options):
    from pdbridge.training.datasets import assembly

    return _assembled(options, assembly.make_from_nsynth(
        options.in_dir, options.out_dir, options.sample_rate, options.length, options.skip_validate,
        options.all_fields, options.processes))


def _assembled(options, result):
    from pdbridge.pitches import ranges
    from pdbridge.progress import counted

    _mention("left alone, the name does not end in a pitch", result.left_alone)
    for what, count in sorted(result.conversions.items()):
        print(f"pdbridge: converted {counted(count, 'sound')}: {what}", file=sys.stderr)
    _mention("silent", result.silent)
    if len(result.pitches) == 1:
        print("pdbridge: all notes have one pitch; a model learns timbres from them, but not to play pitches",
              file=sys.stderr)
    if outside := sum(count for number, count in result.pitches.items() if number not in TRAINED):
        print(f"pdbridge: {counted(outside, 'note')} outside pitches {TRAINED[0]} to {TRAINED[-1]}, which GANSynth "
              "leaves out unless it is told otherwise", file=sys.stderr)
    _show(f"{counted(result.notes, 'note')} with pitches {ranges(result.pitches)} in {result.folder}")


def _info(options):
    if options.png:
        _check_picture(options)
    from pdbridge.silence import tensorflow_silenced

    with tensorflow_silenced():
        from pdbridge.training.datasets import contents
    found = contents.look_through(options.dataset)
    for what, value in contents.described(found):
        _show(f"{what:12}{value}")
    if options.png:
        contents.draw(found, Path(options.png).expanduser())
        _show(f"{'picture':12}{options.png}")


def _check_picture(options):
    """All that can be wrong with it before minutes of reading."""
    from pdbridge import plotting

    path = Path(options.png).expanduser()
    if path.suffix.lower() != ".png":
        raise DatasetError(f"{options.png}: the name of the picture must end in .png")
    if os.path.lexists(path) and not options.overwrite:
        raise DatasetError(f"{options.png} exists already; --overwrite draws it again")
    if not path.parent.is_dir():
        raise DatasetError(f"{path.parent} is not a folder; make it first")
    plotting.need_extra()
