"""``pdbridge nsynth``: embeddings from sounds, and sounds from embeddings."""

import math
import sys

from pdbridge.commands.options import named

SAMPLE_RATE, HOP = 16000, 512  # of every NSynth model
SHORTEST_S, LONGEST_S = HOP / SAMPLE_RATE, 86400


def add_to(commands):
    """Add ``pdbridge nsynth ...`` to the command line (argparse's subparsers)."""
    nsynth = commands.add_parser("nsynth", help="encode and decode sounds with an NSynth checkpoint")
    nsynth = nsynth.add_subparsers(title="commands", metavar="COMMAND", required=True)

    generate = _command(
        nsynth, "generate", _generate, "make notes from sounds or from embeddings",
        "Make gen_<name>.wav for every sound or embedding of a folder: sounds are encoded and decoded "
        "again, embeddings decoded. A note is as long as its sound, in frames of 32 ms.",
        source="a folder of sounds (WAV, FLAC, AIFF, OGG; any rate), or of embeddings "
        "(.npy [frames, 16]); or a single file")
    _add_length(generate, "samples at 16 kHz of each sound, or frames of each embedding")
    generate.add_argument("--npy-only", "--npy_only", action="store_true",
                          help="take the embeddings of a folder that holds sounds as well")
    generate.add_argument("--batch-size", "--batch_size", metavar="N", type=_batch_size, default="auto",
                          help="notes made together; auto (default): as many as are fastest and fit in memory")
    generate.add_argument("--precision", choices=("float32", "bfloat16", "int8"), default="float32",
                          help="of the weights; narrower ones are faster and a little rougher (%(default)s)")
    generate.add_argument("--engine", choices=("auto", "kernel", "tensorflow"), default="auto",
                          help="what decodes: the compiled kernel or TensorFlow (%(default)s)")
    generate.add_argument("--seed", metavar="N", type=_seed,
                          help="the same seed makes the same notes again; without it one is drawn and printed")
    generate.add_argument("--temperature", metavar="T", type=_temperature, default=1.0,
                          help="below 1 tamer, above 1 wilder, 0 always the likeliest sample (%(default)s)")
    _add_existing(generate)

    save = _command(
        nsynth, "save-embeddings", _save_embeddings, "encode sounds with the WaveNet autoencoder",
        "Make <name>_embeddings.npy, float32 [frames, 16], for every sound of a folder: a frame for "
        "every 32 ms of it, however long it is.",
        source="a folder of sounds (WAV, FLAC, AIFF, OGG; any rate), or a single one")
    _add_length(save, "samples at 16 kHz of each")
    save.add_argument("--batch_size", metavar="N", type=_batch_size,
                      help="changes nothing; sounds are encoded one by one")
    _add_existing(save)

    baseline = _command(
        nsynth, "baseline-embeddings", _baseline_embeddings, "encode notes with the spectral baseline",
        "Make one <name>_z.npy, float32 [notes, 1984], for all notes, and <name>_z.txt with their names, "
        "a line for each row. <name> is that of the folder or file. Notes are 4 s long: shorter ones are "
        "followed by silence, longer ones cut.",
        source="a folder of sounds (WAV, FLAC, AIFF, OGG; any rate), a single one, or a TFRecord of "
        "the NSynth dataset")
    baseline.add_argument("--batch-statistics", action="store_true",
                          help="normalise with the mean and variance of the notes of a batch, as the original "
                          "does: a note's z then depends on its company")
    baseline.add_argument("--batch-size", "--batch_size", metavar="N", type=_count, default=8,
                          help="notes in a batch (%(default)s)")
    baseline.add_argument("--padding", choices=("constant", "reflect"), default="constant",
                          help="what lies around a note: silence, as with the librosa of today (%(default)s), "
                          "or its mirror image, as with librosa before 0.10, with which the published "
                          "model was trained")
    baseline.add_argument("--overwrite", action="store_true", help="replace what is in the output folder")


def _command(commands, name, run, summary, description, source):
    """One command with what all have: where from, which model, where to."""
    command = commands.add_parser(name, help=summary, description=description, allow_abbrev=False,
                                  epilog="Flags with an underscore are the original program's.")
    command.add_argument("source", metavar="SOURCE", nargs="?", help=source)
    command.add_argument("--source_path", metavar="SOURCE", help="the same")
    command.add_argument("--model", "--checkpoint_path", metavar="CKPT", required=True,
                         help="the checkpoint: its folder, its prefix (model.ckpt-200000) or its .index file; or its "
                         "name in the cache (see pdbridge models)")
    command.add_argument("--output", "--save_path", metavar="DIR", required=True,
                         help="the folder for the results; made if need be")

    def checked(options):
        given = [source for source in (options.source, options.source_path) if source]
        if len(given) != 1:
            command.error("SOURCE is given twice" if given else "SOURCE is missing")
        options.source = given[0]
        return run(options)

    command.set_defaults(run=checked)
    return command


def _add_length(command, unit):
    length = command.add_mutually_exclusive_group()
    length.add_argument("--seconds", metavar="S", type=_seconds,
                        help="use the first S seconds of each; all, if left out")
    length.add_argument("--sample_length", metavar="N", type=_count, help=f"use the first N {unit}")


def _add_existing(command):
    existing = command.add_mutually_exclusive_group()
    existing.add_argument("--resume", action="store_true", help="keep results that are there, make the rest")
    existing.add_argument("--overwrite", action="store_true", help="replace results that are there")


# What options look like


@named("whole number (1 or more)")
def _count(text):
    return _at_least(int(text), 1)


@named("batch size (auto, or 1 or more)")
def _batch_size(text):
    return text if text == "auto" else _count(text)


@named("seed (0 or more)")
def _seed(text):
    return _at_least(int(text), 0)


@named("temperature (0 or more)")
def _temperature(text):
    return _at_least(float(text), 0)


@named(f"length ({SHORTEST_S} to {LONGEST_S} s)")
def _seconds(text):
    if float(text) > LONGEST_S:
        raise ValueError
    return _at_least(float(text), SHORTEST_S)


def _at_least(number, least):
    if not (number >= least and math.isfinite(number)):
        raise ValueError
    return number


# What the commands do


def _generate(options):
    from pdbridge.nsynth import sounds

    # The original counts samples of a sound, but frames of an embedding.
    longest = longest_frames = options.sample_length
    if options.seconds:
        longest = int(options.seconds * SAMPLE_RATE)
        longest_frames = longest // HOP
    return _reported("note", options.output, lambda tally: sounds.generate(
        options.source, options.model, options.output, longest, longest_frames, options.npy_only,
        options.batch_size, options.precision, options.engine, options.seed, options.temperature,
        options.resume, options.overwrite, tally))


def _save_embeddings(options):
    from pdbridge.nsynth import sounds

    longest = int(options.seconds * SAMPLE_RATE) if options.seconds else options.sample_length
    return _reported("embedding", options.output, lambda tally: sounds.save_embeddings(
        options.source, options.model, options.output, longest, options.resume, options.overwrite, tally))


def _baseline_embeddings(options):
    from pdbridge.nsynth import sounds

    return _reported("note", options.output, lambda tally: sounds.baseline_embeddings(
        options.source, options.model, options.output, options.batch_statistics, options.batch_size,
        options.padding, options.overwrite, tally))


def _reported(what, output, work):
    """Do the work, say what came of it, and give the exit code."""
    from pdbridge.nsynth.sounds import Tally
    from pdbridge.progress import counted

    tally = Tally()
    try:
        work(tally)
    except KeyboardInterrupt:
        print(f"pdbridge: interrupted; {counted(tally.made, what)} made so far", file=sys.stderr)
        raise
    kept = f", {tally.kept} more from before" if tally.kept else ""
    print(f"{counted(tally.made, what)} in {output}{kept}")
    if tally.passed_over:
        print(f"pdbridge: {tally.passed_over} passed over, named above", file=sys.stderr)
    return 1 if tally.passed_over else 0

