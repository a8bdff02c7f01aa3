"""``pdbridge plot``: pictures of sound files and of timbres."""

import os
import sys
from pathlib import Path

from pdbridge.commands.options import between, named, pitches, seed, whole
from pdbridge.errors import AudioError, EngineError, LatentError, PdbridgeError
from pdbridge.places import BUILT_IN_MODEL

KINDS = "waveform", "spectrogram", "rainbowgram", "all"
MIDDLE_C = 60
SEVERAL = "plot.png"  # what a picture of several sounds is called


def add_to(commands):
    """Add ``pdbridge plot`` to the command line (argparse's subparsers)."""
    plot = commands.add_parser(
        "plot", help="draw sounds and timbres: waveform, spectrogram, rainbowgram",
        description="Draw sound files, and notes of timbres, into one PNG. A rainbowgram shows level as "
        "brightness and instantaneous frequency as colour: steady partials are lines of one colour. Needs "
        'pip install "pdbridge[plots]".', allow_abbrev=False)
    plot.add_argument("files", metavar="FILE", nargs="*",
                      help="a sound (WAV, FLAC, AIFF, OGG), or a timbre that save_z or numpy wrote (.npy)")
    plot.add_argument("--kind", choices=KINDS, default="all",
                      help="what to draw of each (%(default)s: the three below each other)")
    plot.add_argument("--output", metavar="PICTURE.png",
                      help=f"the file to write (the name of a single FILE with .png, else {SEVERAL}; in the "
                      "current folder)")
    plot.add_argument("--overwrite", action="store_true", help="replace a picture that is there")
    plot.add_argument("--seconds", metavar="S", type=_seconds, help="draw only the first S seconds of each")
    timbres = plot.add_argument_group("timbres")
    timbres.add_argument("--random", metavar="N", type=whole(1, 64), help="draw N random timbres as well")
    timbres.add_argument("--seed", metavar="N", type=seed,
                         help="of the random timbres, the same seed draws the same ones; without it one is "
                         "drawn and printed")
    timbres.add_argument("--save-z", metavar="DIR",
                         help="keep the random timbres in this folder, to play the ones that you like (load_z): "
                         "seed_7_z_1.npy and so on")
    timbres.add_argument("--pitch", metavar="P,P", type=pitches,
                         help=f"MIDI pitches of the notes, e.g. 36,60 or 24-84/12 ({MIDDLE_C}, or what the model "
                         "knows nearest to it)")
    timbres.add_argument("--model", metavar="NAME", help=f"a GANSynth's folder, or its name ({BUILT_IN_MODEL})")

    def run(options):
        if not options.files and not options.random:
            plot.error("give a sound or a timbre to draw, or --random N")
        for name in ("seed", "save_z"):
            if getattr(options, name) is not None and not options.random:
                plot.error(f"--{name.replace('_', '-')} is for --random timbres")
        if not options.random and not any(_is_timbre(file) for file in options.files):
            for name in ("pitch", "model"):
                if getattr(options, name):
                    plot.error(f"--{name} is for timbres (.npy files, or --random)")
        return _plot(options)

    plot.set_defaults(run=run)


@named("time in seconds (above 0)")
def _seconds(text):
    return between(float(text), 1e-3, 1e6)


def _plot(options):
    output = _output(options)
    if options.random and options.seed is None:
        options.seed = _drawn()
    kept = _kept_z(options)
    for file in options.files:
        if not Path(file).expanduser().is_file():
            kind, error = ("timbre", LatentError) if _is_timbre(file) else ("sound file", AudioError)
            raise error(f"there is no {kind} {file}")
    from pdbridge import plotting

    plotting.need_extra()  # before the model is loaded, which takes seconds
    sounds = list(_sounds(options, kept))
    if options.seconds:
        sounds = [(title, samples[:max(1, int(options.seconds * rate))], rate) for title, samples, rate in sounds]
    titles, samples, rates = zip(*sounds, strict=True)
    plotting.write_png(plotting.page(samples, titles, rates, options.kind), output)
    print(output)


def _output(options):
    """Where the picture goes; an error if it cannot."""
    if options.output:
        output = Path(os.path.expanduser(options.output))
    elif len(options.files) == 1 and not options.random:
        output = Path(Path(options.files[0]).stem + ".png")
    else:
        output = Path(SEVERAL)
    if output.suffix.lower() != ".png":
        raise PdbridgeError(f"{output}: the name of a picture must end in .png")
    if output.is_dir():
        raise PdbridgeError(f"{output} is a folder; the picture needs another name")
    if output.exists() and not options.overwrite:
        raise PdbridgeError(f"{output} exists already; --overwrite draws it again")
    if not output.parent.is_dir():
        raise PdbridgeError(f"{output.parent} is not a folder; make it first")
    return output


def _kept_z(options):
    """The files for random timbres, which can be written; none if they are not to be kept."""
    if not options.save_z:
        return []
    from pdbridge.files import make_folder

    folder = Path(os.path.expanduser(options.save_z))
    paths = [folder / f"seed_{options.seed}_z_{number + 1}.npy" for number in range(options.random)]
    there = [path for path in paths if path.exists()]
    if there and not options.overwrite:
        raise PdbridgeError(f"{there[0]} exists already; --overwrite makes it again")
    make_folder(folder)
    return paths


def _is_timbre(file):
    return file.lower().endswith(".npy")


def _sounds(options, kept):
    """Title, samples and sample rate of each picture, in the order of the command line; keeps random timbres."""
    from pdbridge import audio, latent, plotting

    timbres = [file for file in options.files if _is_timbre(file)]
    model = _model(options.model or BUILT_IN_MODEL) if timbres or options.random else None
    notes = options.pitch or model and (min(model.pitches, key=lambda pitch: abs(pitch - MIDDLE_C)),)
    count = len(options.files) - len(timbres) + (len(timbres) + (options.random or 0)) * len(notes or ())
    if count > plotting.MOST_CELLS:
        raise EngineError(f"{count} pictures are too many; one page shows {plotting.MOST_CELLS}")

    def played(title, z):
        for pitch in notes:
            samples, = model.synthesize(z, [pitch])
            yield f"{title}, pitch {pitch}", samples, model.sample_rate

    for file in options.files:
        path = Path(file).expanduser()
        if _is_timbre(file):
            yield from played(path.name, latent.read_z(path, model.latent_size))
        else:
            yield path.name, *audio.read_wav(path)
    if options.random:
        z = model.random_z(options.random, seed=options.seed)
        _keep(z, kept)
        for number, values in enumerate(z):
            yield from played(f"z {number + 1} of seed {options.seed}", values)


def _keep(z, paths):
    import numpy as np

    from pdbridge.files import written_whole

    for path, values in zip(paths, z, strict=False):  # no paths: not to be kept
        with written_whole(path) as temporary:
            np.save(temporary, values)


def _drawn():
    import numpy as np

    number = int(np.random.SeedSequence().entropy % 2**32)
    print(f"pdbridge: random timbres, seed {number}", file=sys.stderr)
    return number


def _model(name):
    from pdbridge.places import find_model
    from pdbridge.silence import tensorflow_silenced

    folder = find_model(name)
    with tensorflow_silenced():
        from pdbridge.gansynth.model import GANSynth

        return GANSynth.load(folder)
