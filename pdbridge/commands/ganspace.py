"""``pdbridge gansynth ganspace``: the directions in which a model's timbres differ most."""

import os
import sys
from pathlib import Path

from pdbridge.commands.options import add_original, pitch, seed, whole
from pdbridge.errors import ComponentsError
from pdbridge.places import BUILT_IN_MODEL, find_model


def add_to(commands):
    """Add ``ganspace`` to the commands of ``pdbridge gansynth`` (argparse's subparsers)."""
    ganspace = commands.add_parser(
        "ganspace", help="find the components of a layer, which ganspacesynth.pd plays",
        description="Look at what a layer of the network puts out for many random timbres, and find the "
        "directions in which it differs most (principal components). Stop it whenever you like; the same "
        "command goes on where it was.", allow_abbrev=False,
        epilog="Flags with an underscore are the original program's.")
    add_original(ganspace, "ckpt_dir", metavar="DIR", default=BUILT_IN_MODEL,
                 help="the model's folder, or its name (%(default)s)")
    ganspace.add_argument("--layer", metavar="NAME", default="conv0",
                          help="conv0, conv1, conv0_2, conv1_2 ... conv1_7; early layers change the whole "
                          "sound, late ones its details (%(default)s)")
    add_original(ganspace, "random_z_count", metavar="N", type=_count, default=2000,
                 help="random timbres to look at; the more, the better (%(default)s)")
    ganspace.add_argument("--estimator", choices=("ipca", "pca"), default="ipca",
                          help="ipca: batch after batch (default; needs pip install \"pdbridge[ganspace]\"); "
                          "pca: all at once, exact, with more memory")
    ganspace.add_argument("--seed", metavar="S", type=seed, default=0,
                          help="of the random timbres (%(default)s)")
    ganspace.add_argument("--components", metavar="K", type=_count,
                          help="how many to find (80, or as many as there can be)")
    ganspace.add_argument("--pitch", metavar="P", type=pitch, default=32,
                          help="MIDI pitch at which timbres are looked at; it is heard in sounds that are made "
                          "of components alone (%(default)s)")
    add_original(ganspace, "batch_size", "pca_batch_size", metavar="B", type=_count,
                 help="timbres that ipca takes in at a time, K or more (2 K, and 64 at least)")
    add_original(ganspace, "out", "pca_out_file", metavar="FILE", required=True,
                 help="the result, .npz; or .pickle, which the original reads, too")
    ganspace.add_argument("--overwrite", action="store_true", help="replace a result that is there")
    ganspace.set_defaults(run=_run)


_count = whole(1, 10**7)


def _run(options):
    from pdbridge.gansynth import components, ganspace
    from pdbridge.silence import tensorflow_silenced

    ganspace.check_ending(options.out)
    if Path(os.path.expanduser(options.out)).exists() and not options.overwrite:
        raise ComponentsError(f"{options.out} exists already; --overwrite makes it again")
    with tensorflow_silenced():
        from pdbridge.gansynth.model import GANSynth

        model = GANSynth.load(find_model(options.ckpt_dir))
    try:
        components.compute(model, options.layer, options.random_z_count, options.out, options.estimator,
                           options.components, options.seed, options.pitch, options.batch_size)
    except KeyboardInterrupt:
        print("pdbridge: interrupted; the same command goes on from where it was", file=sys.stderr)
        raise
