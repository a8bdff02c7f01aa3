"""What the instrument ``halluseq`` holds: steps, each a list of edits, and how they become a hallucination.

After HALLU, the sequencer of SOPI's course "Deep Learning with Audio" (Aalto University): a
hallucination moves from step to step through the space that GANSpace's components span. Pure data,
and the file it is kept in; no messages, no models.
"""

import json
import os

import numpy as np

from pdbridge.errors import MessageError
from pdbridge.files import written_whole
from pdbridge.gansynth.hallucination import Settings
from pdbridge.instruments.palette import LARGEST_EDIT, checked_edits

MOST_STEPS = 128
MOST_EDITS = 8192  # of a step: the values of a layer of the published models, so their components
MOST_EDITS_IN_ALL = 1 << 17
LARGEST_NUMBER = 1e9  # of any kind, in a file
LARGEST_FILE = 4 << 20  # bytes that are read at all

MOST_INTERPOLATION_STEPS = 256
LONGEST = 60.0  # s
SETTINGS = {"interp_steps": 1, "sample_spacing": 0.2, "start_trim": 0.0, "attack": 0.5, "sustain": 0.5,
            "release": 0.5}  # in seconds but the first; names and values at the start are the course's

FORMAT, VERSION = "pdbridge halluseq", 1


class Sequence:
    """Steps of a hallucination, one of them the current one, and the settings.

    Attributes
    ----------
    steps : list of float32 [edits]
        Without the zeros at their ends; one at least.
    index : int
        Of the current step.
    settings : dict of str to int or float
        "interp_steps", and "sample_spacing", "start_trim", "attack", "sustain", "release" in seconds.
    """

    def __init__(self, steps=((),), index=0, settings=SETTINGS):
        if not 1 <= len(steps) <= MOST_STEPS:
            raise MessageError(f"there are {len(steps)} steps; there must be 1 to {MOST_STEPS}")
        if not 0 <= index < len(steps):
            raise MessageError(f"the current step is {index}, and there are {len(steps)} steps, from 0 on")
        self.steps = [_used(f"step {number}", edits) for number, edits in enumerate(steps, 1)]
        self.index = index
        self.settings = dict(settings)
        self._check_size()

    # Steps

    @property
    def current(self):
        """The edits of the current step, float32 [edits]."""
        return self.steps[self.index]

    @current.setter
    def current(self, edits):
        self.set_current(f"step {self.index + 1}", edits)

    def set_current(self, source, edits):
        """Change the current step; an error names the source of the edits."""
        old, self.steps[self.index] = self.current, _used(source, edits)
        try:
            self._check_size()
        except MessageError:
            self.steps[self.index] = old
            raise

    def move(self, by):
        """Go to another step; behind the last comes the first."""
        self.index = (self.index + by) % len(self.steps)

    def add(self):
        """Put a copy of the current step behind the last, and go there."""
        if len(self.steps) >= MOST_STEPS:
            raise MessageError(f"there are {MOST_STEPS} steps already; remove one")
        self._check_size(len(self.current))
        self.steps.append(self.current)
        self.index = len(self.steps) - 1

    def remove(self):
        """Take the current step out, unless it is the only one; the next becomes current."""
        if len(self.steps) > 1:
            del self.steps[self.index]
            self.index = min(self.index, len(self.steps) - 1)

    def edits(self, most=MOST_EDITS):
        """All steps as one array, shorter ones filled up with zeros.

        Parameters
        ----------
        most : int
            Edits a step that are used, the first ones.

        Returns
        -------
        float64 [steps, edits]
        """
        width = min(max(1, *map(len, self.steps)), most)
        table = np.zeros((len(self.steps), width))
        for row, edits in zip(table, self.steps, strict=True):
            row[:len(edits)] = edits[:width]
        return table

    def hallucination(self):
        """How the sounds are mixed (`pdbridge.gansynth.hallucination.Settings`)."""
        times = {name: seconds for name, seconds in self.settings.items() if name != "interp_steps"}
        return Settings(spacing=times.pop("sample_spacing"), **times)

    def _check_size(self, more=0):
        total = sum(map(len, self.steps)) + more
        if total > MOST_EDITS_IN_ALL:
            raise MessageError(f"all steps together have {total} edits; there may be {MOST_EDITS_IN_ALL}")

    # The file

    def save(self, path):
        """Write it into a JSON file, whole or not at all.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        MessageError
            The file cannot be written.
        """
        content = {"format": FORMAT, "version": VERSION, "current_step": self.index + 1,
                   "settings": self.settings,
                   # a float32 as the shortest text that gives it back
                   "steps": [[float(str(value)) for value in edits] for edits in self.steps]}
        with written_whole(path) as temporary:
            temporary.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path):
        """Read a file that `save` wrote, or a person.

        Parameters
        ----------
        path : Path

        Returns
        -------
        Sequence

        Raises
        ------
        MessageError
            Names the file, and what is wrong in it.
        """
        try:
            return cls._from_content(_read_json(path))
        except MessageError as error:
            raise MessageError(f"{path}: {error}") from None

    @classmethod
    def _from_content(cls, content):
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise MessageError(f'it does not say "format": "{FORMAT}", so it is no file of save_state')
        if content.get("version") != VERSION:
            raise MessageError(f"it has version {content.get('version')!r:.40}; this pdbridge reads "
                                f"version {VERSION}")
        given = _checked("settings", content.get("settings"), dict, "an object")
        unknown = sorted(set(given) - set(SETTINGS))
        if unknown:
            raise MessageError(f"settings has {unknown[0]!r:.40}; known are {', '.join(SETTINGS)}")
        settings = {name: _checked_setting(name, given.get(name, default))
                    for name, default in SETTINGS.items()}
        steps = _checked("steps", content.get("steps"), list, "a list")
        steps = [_numbers(f"step {number}", edits) for number, edits in enumerate(steps[:MOST_STEPS + 1], 1)]
        current = content.get("current_step", 1)
        if not _is_number(current) or current != int(current):
            raise MessageError(f"current_step is {current!r:.40}; it must be a whole number")
        if not 1 <= current <= max(1, len(steps)):
            raise MessageError(f"current_step is {current}, and there are {len(steps)} steps")
        return cls(steps, int(current) - 1, settings)


def _used(source, edits):
    """Edits as they are kept: float32 [edits], without the zeros at the end."""
    edits = np.array(edits, np.float32).reshape(-1)
    used = np.flatnonzero(edits)  # NaN is not zero
    edits = edits[:used[-1] + 1 if len(used) else 0]
    if len(edits) > MOST_EDITS:
        raise MessageError(f"{source} has {len(edits)} edits; there may be {MOST_EDITS}")
    return checked_edits(source, edits)


def _checked_setting(name, value):
    highest = MOST_INTERPOLATION_STEPS if name == "interp_steps" else LONGEST
    if not _is_number(value) or not 0 <= value <= highest:
        raise MessageError(f"{name} is {value!r:.40}; it must be a number from 0 to {highest:g}")
    if name != "interp_steps":
        return float(value)
    if value != int(value):
        raise MessageError(f"interp_steps is {value:g}; it must be a whole number")
    return int(value)


def _read_json(path):
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # one would wait for ever for a pipe
            raise MessageError("it is no file")
        with open(path, "rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise MessageError("there is no such file") from None
    except OSError as error:
        raise MessageError(f"it cannot be read: {error.strerror or error}") from None
    if len(content) > LARGEST_FILE:
        raise MessageError(f"it is larger than {LARGEST_FILE >> 20} MiB; no sequence is so long")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"it is not JSON: {error!s:.100}") from None


def _numbers(name, edits):
    edits = _checked(name, edits, list, "a list of numbers")
    if len(edits) > MOST_EDITS:
        raise MessageError(f"{name} has {len(edits)} edits; there may be {MOST_EDITS}")
    for number, edit in enumerate(edits, 1):
        if not _is_number(edit) or abs(edit) > LARGEST_EDIT:
            raise MessageError(f"{name}: edit {number} is {edit!r:.40}; it must be a number between "
                                f"{-LARGEST_EDIT:g} and {LARGEST_EDIT:g}")
    return edits


def _checked(name, value, kind, wanted):
    if not isinstance(value, kind):
        raise MessageError(f"{name} must be {wanted}, not {value!r:.40}")
    return value


def _is_number(value):
    # the comparison also sorts out NaN, infinity and whole numbers of a thousand digits
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST_NUMBER
