"""Options of commands: what may be written, and what argparse says when something else was."""

import re
import sys

LARGEST = sys.float_info.max


def named(name):
    """Decorates what converts an option's text; argparse then says: invalid NAME value."""
    def name_it(convert):
        convert.__name__ = name
        return convert

    return name_it


def whole(least, most, name="whole number"):
    """A whole number from `least` to `most`, as a type for argparse."""
    return named(f"{name} ({least} to {most})")(lambda text: between(int(text), least, most))


seed = whole(0, 2**32 - 1, "seed")
pitch = whole(0, 127, "MIDI pitch")


@named("list of pitches (e.g. 24,28,32 or 24-84/4)")
def pitches(text):
    """MIDI pitches in rising order, as a type for argparse."""
    wanted = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,3})(?:-(\d{1,3})(?:/(\d{1,3}))?)?\s*", part, re.ASCII)
        if not match:
            raise ValueError
        low, high, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        if not low <= high <= 127:
            raise ValueError
        wanted.update(range(low, high + 1, step))
    return tuple(sorted(wanted))


def between(number, least, most):
    """The number, or ValueError if it is less or more than that, or no number (NaN)."""
    if not least <= number <= most:
        raise ValueError
    return number


def add_original(command, *names, **rest):
    """Add an option of an original program, with its underscores or with hyphens.

    Parameters
    ----------
    command : argparse.ArgumentParser
        Or a group of its arguments.
    *names : str
        Without the hyphens in front.
    **rest
        As for ``add_argument``.
    """
    spellings = [spelling for name in names for spelling in (f"--{name}", f"--{name.replace('_', '-')}")]
    command.add_argument(*dict.fromkeys(spellings), **rest)
