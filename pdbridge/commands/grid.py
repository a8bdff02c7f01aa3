"""``pdbridge grid``: note grids, from a folder of sounds to the file that the pad plays."""


def add_to(commands):
    """Add ``pdbridge grid ...`` to the command line (argparse's subparsers)."""
    grid = commands.add_parser("grid", help="make and inspect the note grids that nsynth.pd plays")
    grid.add_subparsers(title="commands", metavar="COMMAND", required=True)
