"""``python -m pdbridge``, and ``python3 pdbridge`` in a clone with nothing installed yet."""

import sys

if __package__:
    from pdbridge.cli import main

    sys.exit(main())

# Started as a folder: Python has put the folder itself on the path, where our modules would hide
# others of the same name. What is needed is the clone around it.
from pathlib import Path  # noqa: E402

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from pdbridge import environment  # noqa: E402

sys.exit(environment.enter(["-m", "pdbridge"] + sys.argv[1:]))
