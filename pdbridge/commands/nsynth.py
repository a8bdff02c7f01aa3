"""``pdbridge nsynth``: embeddings from sounds, and sounds from embeddings."""


def add_to(commands):
    """Add ``pdbridge nsynth ...`` to the command line (argparse's subparsers)."""
    nsynth = commands.add_parser("nsynth", help="encode and decode sounds with an NSynth checkpoint")
    nsynth.add_subparsers(title="commands", metavar="COMMAND", required=True)
