"""A menu of instruments: more names than a patch can show, a page at a time.

Names are those of NSynth, ``<family>_<source>_<number>``, e.g. ``bass_synthetic_033``. Plain values; no
messages, no models.
"""

import re

from pdbridge.errors import SymbolError

ROWS = 12  # of a page
ALL = "all"
NAMELESS = "-"

_NAME = re.compile(r"(?P<family>.+)_(?:acoustic|electronic|synthetic)_\d+")


class Menu:
    """Pages of a list of instruments.

    Parameters
    ----------
    names : dict of str to int
        Numbers by name. Instruments without a name are not listed, unless none has one.
    count : int
        Instruments that there are.

    Attributes
    ----------
    family : str
        Which are listed; "all", or a family.
    families : list of str
    items : list of (int, str)
        Numbers and names that are listed, by name.
    page : int
        From 0.
    """

    def __init__(self, names, count):
        self._all = [(number, name) for name, number in sorted(names.items())]
        self._families = {number: family_of(name) for number, name in self._all}
        if not self._all:
            self._all = [(number, NAMELESS) for number in range(count)]
        self.families = sorted(set(self._families.values()) - {None})
        self.family = ALL
        self.items = self._all
        self.page = 0

    @property
    def pages(self):
        """How many there are (int)."""
        return max(-(-len(self.items) // ROWS), 1)

    def rows(self):
        """The instruments of this page: a list of (int, str)."""
        return self.items[self.page * ROWS:(self.page + 1) * ROWS]

    def row_of(self, number):
        """The row of an instrument on this page, from 1; 0 if it is not there."""
        numbers = [listed for listed, _ in self.rows()]
        return numbers.index(number) + 1 if number in numbers else 0

    def list_family(self, family):
        """List a family, from its first page; `SymbolError` if there is none of this name."""
        if family != ALL and family not in self.families:
            if not self.families:
                raise SymbolError("there are no families, for no names are known; make a table of names with "
                                  "pdbridge sing index examples.json, then load the model again")
            raise SymbolError(f"there is no family {family!r:.60}; there are {', '.join([ALL, *self.families])}")
        self.family = family
        self.items = [item for item in self._all if family in (ALL, self._families.get(item[0]))]
        self.page = 0

    def turn(self, pages):
        """Go some pages further, or back; behind the last comes the first."""
        self.page = (self.page + pages) % self.pages

    def show(self, number):
        """Go to the page with an instrument, if it is listed."""
        position = self._position(number)
        if position is not None:
            self.page = position // ROWS

    def neighbour(self, number, steps):
        """The number of the instrument so many places behind another, in a circle.

        Where the other is not listed, the first of the page, or the last before it.
        """
        position = self._position(number)
        if position is None:
            position = self.page * ROWS - (steps > 0)
        return self.items[(position + steps) % len(self.items)][0]

    def _position(self, number):
        return next((place for place, (listed, _) in enumerate(self.items) if listed == number), None)


def family_of(name):
    """The family in an instrument's name (str), or None if it has no such name."""
    found = _NAME.fullmatch(name)
    return found and found["family"]
