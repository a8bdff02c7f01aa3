"""Progress of long commands on the terminal: how far, how fast, how long still."""

import sys


def progress(total, unit, description="", done=0):
    """A progress bar on stderr with the time left, for a ``with`` block.

    Parameters
    ----------
    total : int or None
        Units until the end; None if nobody knows.
    unit : str
        What is counted, e.g. "note" or "sample".
    description : str
        What is being done, in front of the bar.
    done : int
        Units that an earlier run did; they count as done and not for the speed.

    Returns
    -------
    tqdm.tqdm
        ``update(n)`` after n more units, ``write(line)`` for a line above the bar. In a log (no
        terminal) it writes a line every ten seconds at most.
    """
    from tqdm import tqdm

    terminal = sys.stderr.isatty()
    return tqdm(total=total, initial=done, unit=unit, desc=description, unit_scale=total is None or total > 10000,
                mininterval=0.1 if terminal else 10, dynamic_ncols=terminal)


def say(line):
    """A line on stderr, above the progress bar if there is one."""
    from tqdm import tqdm

    tqdm.write(line, file=sys.stderr)


def counted(number, noun):
    """E.g. "1 note" or "2 notes"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
