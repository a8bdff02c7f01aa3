"""``pdbridge train``: models from data sets, and what plays out of a training."""

import re
import sys

from pdbridge.commands.options import between, named, seed, whole


def add_to(commands):
    """Add ``pdbridge train ...`` to the command line (argparse's subparsers)."""
    train = commands.add_parser("train", help="train models on sounds of your own")
    commands = train.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_gansynth(commands)
    _add_nsynth(commands, "nsynth", "an NSynth, the WaveNet autoencoder", _nsynth,
                "num_layers, width, skip_width, ae_num_layers, ae_width, ae_bottleneck_width, crop_length, num_iters, "
                "learning_rate_schedule (e.g. 0:0.0002,90000:0.0001)", 32)
    _add_nsynth(commands, "nsynth-baseline", "NSynth's baseline, the autoencoder of spectrograms", _nsynth_baseline,
                "num_latent, pitch_dim, channels (e.g. 32,64,128,256), learning_rate, adam_beta, fw_loss_coeff, "
                "fw_loss_cutoff, max_steps, padding", 8)
    _add_sing(commands)
    _add_export(commands)


def _add_gansynth(commands):
    gansynth = commands.add_parser(
        "gansynth", help="train a GANSynth, or go on with it",
        description="Train a GANSynth on a data set (see pdbridge dataset). The same command goes on with a training "
        "that was stopped.", allow_abbrev=False)
    add_common(gansynth, required=False)
    gansynth.add_argument("--objective", choices=("adversarial", "distil"), default="adversarial",
                          help="adversarial: against a critic that knows the data set (default); distil: from a "
                          "synthesizer of its own, without a data set, as the built-in model was made")
    gansynth.add_argument("--config", metavar="NAME", help="named settings: mel_prog_hires, as the published models "
                          "(default); mel_prog_small, for hundreds of notes; distilled, as the built-in model (default "
                          "of --objective distil); defaults, the original's own")
    gansynth.add_argument("--hparams", metavar="JSON", help="settings that differ, as {\"name\": value, ...} or a file")
    gansynth.add_argument("--set", metavar="NAME=VALUE", action="append", default=[],
                          help="one setting that differs; may be repeated")
    gansynth.add_argument("--batch-size", metavar="N", type=whole(1, 65536), help="pictures in a step, at all stages")
    gansynth.add_argument("--seed", metavar="N", type=seed, help="the same seed begins with the same weights (0)")
    gansynth.add_argument("--strategy", choices=("none", "mirrored"), default="none",
                          help="mirrored: share each step among all GPUs of this computer")
    gansynth.add_argument("--mixed-precision", action="store_true",
                          help="multiply in bfloat16: faster on processors and GPUs that have it")
    gansynth.add_argument("--xla", action="store_true", help="let XLA compile each step")
    gansynth.add_argument("--cache", metavar="DIR", help="where the pictures of the notes are kept (OUT/pictures)")
    gansynth.add_argument("--cache-gb", metavar="GB", type=_size, default=64.0,
                          help="what they may take (%(default)g); a note takes 0.5 MB with mel_prog_hires")

    def run(options):
        if options.objective == "adversarial":
            if not options.data:
                gansynth.error("the following arguments are required: --data")
            return _gansynth(options)
        for name in ("data", "mixed_precision", "xla", "cache"):
            if getattr(options, name):
                gansynth.error(f"--{name.replace('_', '-')} is not for --objective distil")
        if options.strategy != "none":
            gansynth.error("--strategy is not for --objective distil")
        return _gansynth(options)

    gansynth.set_defaults(run=run)


def _add_nsynth(commands, name, what, run, settings, batch_size):
    nsynth = commands.add_parser(
        name, help=f"train {what}, or go on with it",
        description=f"Train {what}, on a data set (see pdbridge dataset), as Magenta's program does it. The same "
        "command goes on with a training that was stopped.", allow_abbrev=False)
    add_common(nsynth)
    nsynth.add_argument("--start-from", metavar="CHECKPOINT",
                        help="begin with the weights of a checkpoint, e.g. the published one, instead of random ones")
    nsynth.add_argument("--set", metavar="NAME=VALUE", action="append", default=[],
                        help=f"one setting that differs from the published model's; may be repeated: {settings}")
    nsynth.add_argument("--batch-size", metavar="N", type=whole(1, 4096), help=f"notes in a step ({batch_size})")
    nsynth.add_argument("--seed", metavar="N", type=seed,
                        help="the same seed begins with the same weights and takes the notes in the same order (0)")
    nsynth.add_argument("--strategy", choices=("none", "mirrored"), default="none",
                        help="mirrored: share each step among all GPUs of this computer")
    nsynth.add_argument("--mixed-precision", action="store_true",
                        help="multiply in bfloat16: faster on processors and GPUs that have it")
    nsynth.add_argument("--xla", action="store_true", help="let XLA compile each step")
    nsynth.set_defaults(run=run)


#: Settings of SING's training that are whole numbers, and what they say; the names are the original's.
SING_COUNTS = {
    "ae-epochs": "how often phase 1, the autoencoder, sees all notes (50)",
    "seq-epochs": "the same of phase 2, the sequence generator (50)",
    "sing-epochs": "the same of phase 3, the whole model (20)",
    "batch-size": "notes in a step (64)",
    "ae-channels": "channels inside the autoencoder (4096)",
    "ae-dimension": "numbers in a frame (128)",
    "ae-kernel": "samples that a frame is made of (1024)",
    "ae-stride": "samples from a frame to the next (256)",
    "ae-rewrite": "1x1 layers of the encoder, and of the decoder (2)",
    "ae-context": "frames that the decoder's first layer looks at together (9)",
    "seq-hidden-size": "cells in a layer of the LSTM (1024)",
    "seq-layers": "layers of the LSTM (3)",
    "seq-truncated": "frames after which a gradient goes no further in phase 2; 0: to the beginning (32)",
    "time-dim": "numbers that say the time; 0: it is not said (4)",
    "instrument-dim": "numbers that stand for an instrument (16)",
    "pitch-dim": "numbers that stand for a pitch (8)",
    "velocity-dim": "numbers that stand for a velocity (2)",
    "samples": "length of a note (64000); longer ones are cut, shorter ones end in silence",
    "train-notes": "train on so many notes; 0: on all (0)",
    "valid-notes": "look at so many of the notes that are kept back after each epoch; 0: at all (1000)",
}


def _add_sing(commands):
    sing = commands.add_parser(
        "sing", help="train a SING, or go on with it",
        description="Train a SING on notes of which instrument, pitch and velocity are known, in three phases. OUT/"
        "sing.npz is what plays, from the second phase on. The same command goes on with a training that was stopped. "
        "Options are those of the original; in brackets, what is taken without them.", allow_abbrev=False)
    add_common(sing, "the notes: a folder with examples.json and the folder audio, as NSynth's JSON and WAV files; or "
               "TFRecords with all fields")
    for name, meaning in SING_COUNTS.items():
        sing.add_argument(f"--{name}", metavar="N", type=whole(0, 10**9), help=meaning)
    sing.add_argument("--lr", metavar="RATE", type=_above_zero, help="learning rate of all phases (0.0003)")
    sing.add_argument("--l1", action="store_true", default=None,
                      help="make the mean of absolute differences small, as in the paper, not that of squares")
    sing.add_argument("--wav", action="store_true", default=None, help="compare waves, not spectrograms")
    sing.add_argument("--epsilon", metavar="POWER", type=_above_zero,
                      help="added to the power of spectrograms before the logarithm (1)")
    sing.add_argument("--ae-window", choices=("hann",), help="the window of frames (hann)")
    sing.add_argument("--ae-no-window", dest="ae_window", action="store_const", const=False, help="no window")
    sing.add_argument("--ae-squared-window", action="store_true", default=None,
                      help="the square of the window (so it is)")
    sing.add_argument("--ae-no-squared-window", dest="ae_squared_window", action="store_false",
                      help="the window itself")
    sing.add_argument("--seed", metavar="N", type=seed, help="the same seed begins with the same weights (0)")
    sing.add_argument("-d", "--debug", dest="short", action="store_true",
                      help="try it out: 100 notes, one epoch of each phase")
    sing.add_argument("-f", "--debug-fast", dest="small", action="store_true", help="try it out: a small network")
    sing.set_defaults(run=_sing)


def _add_export(commands):
    export = commands.add_parser(
        "export", help="keep of a training what plays",
        description="Write the last checkpoint of a GANSynth's training as a model of its own: the averaged weights of "
        "the generator and the descriptions. It can be copied, loaded here and with Magenta's programs.",
        allow_abbrev=False)
    export.add_argument("training", metavar="DIR", help="the folder of the training")
    export.add_argument("out", metavar="OUT", help="the folder to make; must not exist")
    export.set_defaults(run=_export)


def add_common(command, data="the data set: a folder with .tfrecord files, a file, or a pattern", required=True):
    """The options that all trainings have; `data` says what they train on."""
    command.add_argument("--data", metavar="DIR", required=required, help=data)
    command.add_argument("--out", metavar="DIR", required=True, help="the folder of the training")
    command.add_argument("--stop-after", metavar="TIME", type=duration,
                         help="end after this time, e.g. 90m or 8h; a checkpoint is written")
    command.add_argument("--save-every", metavar="TIME", type=duration, default=600,
                         help="from one checkpoint to the next (10m)")


# What options look like


@named("time (e.g. 30s, 90m or 8h)")
def duration(text):
    """Seconds; a number without a unit is seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h|)", text.strip())
    if not match:
        raise ValueError
    return between(float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]], 0, 1e9)


@named("size in GB")
def _size(text):
    return between(float(text), 0, 1e6)


@named("number above 0")
def _above_zero(text):
    return between(float(text), 1e-30, 1e30)


# What the commands do


def _gansynth(options):
    from pdbridge.silence import tensorflow_silenced

    with tensorflow_silenced():
        from pdbridge.training.gansynth import config, distil, training

    changes = config.parse(options.hparams) if options.hparams else {}
    changes |= dict(config.parse_setting(text) for text in options.set)
    if options.batch_size is not None:
        changes["batch_size_schedule"] = [options.batch_size]
    if options.seed is not None:
        changes["seed"] = options.seed
    if options.objective == "distil":
        return ended(distil.distil(options.out, options.config, changes, stop_after=options.stop_after,
                                   save_seconds=options.save_every), "notes")
    ending = training.train(
        options.data, options.out, options.config, changes, strategy=options.strategy,
        mixed_precision=options.mixed_precision, xla=options.xla, stop_after=options.stop_after,
        save_seconds=options.save_every, cache=options.cache, cache_gb=options.cache_gb)
    return ended(ending, "images")


def _nsynth(options):
    from pdbridge.silence import tensorflow_silenced

    with tensorflow_silenced():
        from pdbridge.training.nsynth.training import train_wavenet
    return _train_nsynth(options, train_wavenet)


def _nsynth_baseline(options):
    from pdbridge.silence import tensorflow_silenced

    with tensorflow_silenced():
        from pdbridge.training.nsynth.training import train_baseline
    return _train_nsynth(options, train_baseline)


def _train_nsynth(options, train):
    from pdbridge.training.nsynth.hparams import parse_setting

    settings = dict(parse_setting(text) for text in options.set)
    settings |= {name: value for name, value in (("batch_size", options.batch_size), ("seed", options.seed))
                 if value is not None}
    ending = train(options.data, options.out, settings, begin_with=options.start_from, strategy=options.strategy,
                   mixed_precision=options.mixed_precision, xla=options.xla, stop_after=options.stop_after,
                   save_seconds=options.save_every)
    return ended(ending, "steps")


def _sing(options):
    from pdbridge.silence import tensorflow_silenced

    with tensorflow_silenced():
        from pdbridge.training.sing import settings, training

    asked = {name: getattr(options, name) for name in settings.FIELDS if getattr(options, name) is not None}
    if "ae_window" in asked:
        asked["ae_window"] = bool(asked["ae_window"])
    changes = (settings.DEBUG if options.short else {}) | (settings.DEBUG_FAST if options.small else {}) | asked
    ending, played = training.train(options.data, options.out, changes, stop_after=options.stop_after,
                                    save_seconds=options.save_every)
    if played:
        print(f"{played}: plays")
    return ended(ending, "steps")


def ended(ending, units):
    """Say how a training ended.

    Parameters
    ----------
    ending : pdbridge.training.loop.Ending
    units : str
        What was counted, e.g. "steps".

    Returns
    -------
    int
        Exit code: 0, or as the shell has it for a process that a signal ended.
    """
    if ending.reason == "finished":
        print(f"finished after {ending.done:,} {units}: {ending.checkpoint}")
        return 0
    print(f"{ending.reason} after {ending.done:,} {units}: {ending.checkpoint}. The same command goes on from here.",
          file=sys.stderr if ending.signal else sys.stdout)
    return 128 + ending.signal if ending.signal else 0


def _export(options):
    from pdbridge.silence import tensorflow_silenced

    with tensorflow_silenced():
        from pdbridge.training.gansynth.export import export

    size = export(options.training, options.out)
    print(f"{options.out}: {size / 1e6:.2f} MB")
