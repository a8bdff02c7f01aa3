"""``pdbridge sing``: notes from a SING checkpoint, and the names of its instruments."""

import sys

from pdbridge.commands.options import add_original, whole


def add_to(commands):
    """Add ``pdbridge sing ...`` to the command line (argparse's subparsers)."""
    sing = commands.add_parser("sing", help="make notes with a SING checkpoint")
    commands = sing.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_index(commands)
    _add_generate(commands)


def _add_index(commands):
    index = commands.add_parser(
        "index", help="take the names of instruments out of NSynth's examples.json", allow_abbrev=False,
        description="A checkpoint of the original knows instruments by number only. Take their names out of the "
        "metadata of NSynth, once; they are kept in the user's cache. Without them, instruments have numbers.")
    index.add_argument("examples", metavar="examples.json",
                       help="of nsynth-train, plain or gzipped (the original's sing/nsynth/examples.json.gz)")
    index.set_defaults(run=_index)


def _add_generate(commands):
    generate = commands.add_parser(
        "generate", help="make the notes of a list", allow_abbrev=False,
        description="Make NAME.wav (mono, 16 bits, 16 kHz, 4 s) for every line of LIST. A line is the name of a "
        "note in NSynth, INSTRUMENT-PITCH-VELOCITY, e.g. bass_synthetic_033-022-050; the instrument may be a "
        "number. Lines that cannot be made are reported and passed over, and the exit code is 1 then. Files that "
        "are there are replaced, as by the original.")
    generate.add_argument("list", metavar="LIST", help="a text file, a note on each line")
    generate.add_argument("--model", metavar="FILE", required=True,
                          help="sing.th as it was published or trained, or a .npz of pdbridge train sing")
    generate.add_argument("--output", metavar="DIR", default="generated",
                          help="the folder for the results; made if need be (%(default)s)")
    generate.add_argument("--metadata", metavar="examples.json",
                          help="the names of instruments, in place of those that pdbridge sing index keeps")
    add_original(generate, "batch-size", "batch_size", metavar="N", type=whole(1, 10_000), default=32,
                 help="notes made together (%(default)s)")
    generate.set_defaults(run=_generate)


# What the commands do


def _index(options):
    from pdbridge.progress import counted
    from pdbridge.sing import symbols

    instruments = symbols.read_examples(options.examples)
    path = symbols.write_table(instruments)
    print(f"{counted(len(instruments), 'instrument')} in {path}")


def _generate(options):
    from pdbridge.progress import counted
    from pdbridge.sing import notes

    model = notes.load(options.model, options.metadata)
    made, passed_over = notes.generate(model, options.list, options.output, options.batch_size)
    print(f"{counted(made, 'note')} in {options.output}")
    if passed_over:
        print(f"pdbridge: {counted(passed_over, 'line')} passed over, named above", file=sys.stderr)
    return 1 if passed_over else 0
