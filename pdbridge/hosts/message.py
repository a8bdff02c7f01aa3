"""What one message of the table is: its name, its arguments and their bounds, its answer."""

import math
from dataclasses import dataclass

from pdbridge.errors import MessageError
from pdbridge.progress import counted

LONGEST_NAME = 1000  # characters of a name or path; longer ones are nonsense or an attack
MOST_GROUPS = 64
MOST_REPEATS = 128  # of a last argument: one for each MIDI pitch


@dataclass(frozen=True)
class Argument:
    """One argument of a message.

    Parameters
    ----------
    name : str
        What the documentation calls it.
    kind : str
        "array" (the name of an array), "folder", "file", "name" (of anything else), "whole" (a whole
        number), "number", or "values" (a number, or the name of an array that holds some).
    lowest, highest : float or None
        Bounds of a number, both included.
    optional : bool
        Whether it may be left out. Only the last arguments are.
    repeats : bool
        Whether it is given once or more. Only the last one is.
    most : int
        How many times at most, if it repeats.
    """

    name: str
    kind: str
    lowest: float | None = None
    highest: float | None = None
    optional: bool = False
    repeats: bool = False
    most: int = MOST_REPEATS

    def usage(self):
        """The argument as the documentation writes it."""
        word = self.name + "..." * self.repeats
        return f"[{word}]" if self.optional else word

    def check(self, value):
        """The value as an instrument wants it; `MessageError` says what is wrong with it."""
        if self._is_name or (self.kind == "values" and isinstance(value, str)):
            return self._check_name(value)
        if isinstance(value, (str, bytes)) or not isinstance(value, (int, float)):
            raise MessageError(f"{self.name} must be a number, not {shown(value)}")
        if not math.isfinite(value):
            raise MessageError(f"{self.name} must be a finite number, not {value}")
        if self.kind == "whole":
            if value != int(value):
                raise MessageError(f"{self.name} must be a whole number, not {value:g}")
            value = int(value)
        low, high = self.lowest, self.highest
        if (low is not None and value < low) or (high is not None and value > high):
            raise MessageError(f"{self.name} is {value:.10g}; it must be {self._bounds()}")
        return value

    def _check_name(self, value):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = f"{value:g}"  # Pd sends a name that looks like a number as a number
        if not isinstance(value, str):
            raise MessageError(f"{self.name} must be a name, not {shown(value)}")
        if not value or len(value) > LONGEST_NAME or not value.isprintable():
            raise MessageError(f"{self.name} must be a name, not {shown(value)}")
        return value

    def _bounds(self):
        if self.highest is None:
            return f"{self.lowest:.10g} or more"
        return f"between {self.lowest:.10g} and {self.highest:.10g}"

    def described(self):
        """The argument with its kind and bounds, for the documentation."""
        if self._is_name:
            return self.name
        return f"{self.name} ({self._bounds()}{', or an array' * (self.kind == 'values')})"

    @property
    def _is_name(self):
        return self.kind in ("array", "folder", "file", "name")


@dataclass(frozen=True)
class Message:
    """One message: its arguments, its answer, and how it is carried out.

    Parameters
    ----------
    instrument, name : str
        The OSC address is ``/<instrument>/<name>``.
    arguments : tuple of Argument
    answer : str
        What comes back when it is done.
    reports : str
        What the instrument reports in its course, to whoever listens.
    help : str
        One line.
    repeats : bool
        Whether the whole group of arguments may be given several times.
    separator : str
        The word between such groups, where their last argument repeats as well.
    at_once : bool
        Carried out the moment it arrives. The others wait in the instrument's line, first in,
        first out, since one often needs the array that the one before it writes.
    newest_only : bool
        While it waits in the line, a newer one replaces it (a dragged slider sends hundreds, only
        the last matters); the replaced one gets no answer.
    newest_of : int
        How many of its first arguments such a newer one must share; -1: all but the last.
    background : bool
        When it comes to the head of the line it is carried out beside it: the ones behind it go on
        meanwhile. A newer one with the same first argument, an array, replaces it.
    own_selector : bool
        In Pd its answer is a message (``loaded ...``), not a list (``list loaded ...``): the course
        patch connects it to another object's inlet.
    ours : bool
        Not in the course patches.
    """

    instrument: str
    name: str
    arguments: tuple = ()
    answer: str = ""
    help: str = ""
    reports: str = ""
    repeats: bool = False
    separator: str = ""
    at_once: bool = False
    newest_only: bool = False
    newest_of: int = -1
    background: bool = False
    own_selector: bool = False
    ours: bool = False

    @property
    def address(self):
        return f"/{self.instrument}/{self.name}"

    def usage(self):
        """The arguments as the documentation writes them, e.g. ``(z-array sound-array pitch)...``"""
        words = " ".join(a.usage() for a in self.arguments)
        if self.separator:
            return f"{words} [{self.separator} {words}]..."
        return f"({words})..." if self.repeats else words

    @property
    def takes_many(self):
        """Whether its last argument repeats."""
        return bool(self.arguments) and self.arguments[-1].repeats

    def check(self, values):
        """Check the arguments of a message that arrived.

        Parameters
        ----------
        values : sequence
            Floats, ints and strings as they came over the wire.

        Returns
        -------
        list
            The checked values; a list of tuples, one a group, where the message `repeats`.

        Raises
        ------
        MessageError
            Says which argument is wrong, what it was and what it must be.
        """
        try:
            if self.separator:
                return [tuple(self._check_once(group)) for group in self._separated(values)]
            if self.repeats:
                return self._check_groups(values)
            return self._check_once(values)
        except MessageError as error:
            raise MessageError(f"{self.name}: {error}") from None

    def _check_once(self, values):
        needed = sum(not a.optional for a in self.arguments)
        arguments = self.arguments
        if self.takes_many:
            arguments += arguments[-1:] * (min(len(values) - needed, arguments[-1].most - 1))
        if not needed <= len(values) <= len(arguments):
            wanted = self.usage() or "nothing"
            raise MessageError(f"takes {wanted}; {counted(len(values), 'argument')} came")
        return [a.check(v) for a, v in zip(arguments, values)]

    def _separated(self, values):
        """The values between the separators."""
        groups = [[]]
        for value in values:
            if isinstance(value, str) and value == self.separator:
                groups.append([])
            else:
                groups[-1].append(value)
        if len(groups) > MOST_GROUPS:
            raise MessageError(f"takes {self.usage()}, at most {MOST_GROUPS} times; "
                               f"{counted(len(groups), 'time')} came")
        return groups

    def _check_groups(self, values):
        size = len(self.arguments)
        if not values or len(values) % size or len(values) // size > MOST_GROUPS:
            raise MessageError(
                f"takes {self.usage()}, at most {MOST_GROUPS} times; "
                f"{counted(len(values), 'argument')} came"
            )
        groups = [values[i:i + size] for i in range(0, len(values), size)]
        return [tuple(a.check(v) for a, v in zip(self.arguments, group)) for group in groups]


def shown(value, longest=60):
    """A value for an error message, shortened."""
    text = repr(value)
    return text if len(text) <= longest else text[:longest] + "..."
