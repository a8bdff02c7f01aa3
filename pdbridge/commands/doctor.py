"""``pdbridge doctor``: what this installation can do, and why not more."""


def add_to(commands):
    """Add ``pdbridge doctor`` to the command line (argparse's subparsers)."""
    doctor = commands.add_parser("doctor", help="say what this installation can do, and why not more")
    doctor.set_defaults(run=_doctor)


def _doctor(options):
    raise NotImplementedError
