"""The loop of every training: step after step, with checkpoints, progress and curves.

A trainer knows one step of its model and the tensors from which it can go on. The loop does the
rest: it resumes from the last checkpoint, writes one every ten minutes and at the end, shows how
far and how fast it is, writes curves for TensorBoard, and ends cleanly on Ctrl-C, on SIGTERM,
after a given time, and when the numbers are no numbers any more or the disk is full.
"""

import contextlib
import importlib.util
import math
import signal
import threading
import time
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from pdbridge.errors import TrainingError
from pdbridge.progress import progress, say
from pdbridge.training import bundle

FINISHED, OUT_OF_TIME, STOPPED = "finished", "out of time", "stopped"
SIGNALS = ("SIGINT", "SIGTERM")
SHOWN = 3  # scalars beside the progress bar


class Trainer(Protocol):
    """What the loop asks of a training.

    Whatever is random in a step should depend on a seed and `done` only, so that a training that
    was stopped and resumed makes the same numbers as one that was not.
    """

    unit: str  #: what `done` counts, e.g. "image" or "step"
    done: int  #: how many so far

    def advance(self):
        """Do one step; returns a dict of str to float for the curves, losses first."""

    def tensors(self):
        """Everything that is needed to go on: dict of str to array."""

    def restore(self, tensors):
        """Go on from what `tensors` returned; raises TrainingError if they do not fit."""

    # def preview(self, writer): optional. Called now and then, with a TensorBoard writer as default,
    # to write sounds and pictures with tf.summary at the step `done`.


class Ending(NamedTuple):
    """How a training ended."""

    reason: str  #: FINISHED, OUT_OF_TIME or STOPPED (by a signal)
    done: int
    checkpoint: Path  #: the last one, without ``.index``
    signal: int | None = None  #: number of the signal, if it was one


def run(trainer, folder, until, *, save_seconds=600, save_units=None, keep=5, stop_after=None, log_seconds=10,
        preview_seconds=600, description="", name=bundle.NAME):
    """Train until `trainer.done` is `until`, or something ends it earlier.

    Parameters
    ----------
    trainer : Trainer
    folder : str or Path
        For checkpoints and curves. If it holds a checkpoint, training goes on from there.
    until : int
        In the trainer's units.
    save_seconds : float
        From one checkpoint to the next. One is always written before the first step and at the end.
    save_units : int, optional
        One is also written after so many units each, e.g. those of an epoch.
    keep : int
        Checkpoints kept.
    stop_after : float, optional
        Seconds from now, after which it ends. At least one step is done.
    log_seconds, preview_seconds : float
        From one point of the curves to the next, and from one preview to the next.
    description : str
        In front of the progress bar.
    name : str
        Of the checkpoints, before the step.

    Returns
    -------
    Ending

    Raises
    ------
    TrainingError
        A loss or a weight is not a finite number, or a file cannot be written. The message names the
        last good checkpoint, which is kept.
    """
    start = time.monotonic()
    folder = Path(folder)
    last = bundle.latest(folder)
    if last:
        trainer.restore(bundle.load(last))
    checkpoints = _Checkpoints(trainer, folder, keep, name, last)
    with checkpoints.last_named():
        checkpoints.save()
        if trainer.done >= until:
            return Ending(FINISHED, trainer.done, checkpoints.last)
        curves = _Curves(trainer, folder, log_seconds, preview_seconds)
        with contextlib.closing(curves), _signals_noticed() as noticed, \
                progress(until, trainer.unit, description, trainer.done) as bar:
            ending = None
            while not ending:
                before = trainer.done
                scalars = {key: float(value) for key, value in trainer.advance().items()}
                _check_finite(scalars, f"after {trainer.done:,} {trainer.unit}s")
                shown = {key: f"{value:.3g}" for key, value in list(scalars.items())[:SHOWN]}
                bar.set_postfix(shown, refresh=False)
                bar.update(trainer.done - before)
                curves.add(scalars, trainer.done - before)
                if trainer.done >= until:
                    ending = FINISHED
                elif noticed:
                    ending = STOPPED
                elif stop_after is not None and time.monotonic() - start >= stop_after:
                    ending = OUT_OF_TIME
                passed = save_units and trainer.done // save_units > before // save_units
                if ending or passed or checkpoints.age >= save_seconds:
                    checkpoints.save()
    return Ending(ending, trainer.done, checkpoints.last, noticed[0] if noticed else None)


class _Checkpoints:
    """Those of one training; `last` is the last good one."""

    def __init__(self, trainer, folder, keep, name, last):
        self._trainer, self._folder, self._keep, self._name = trainer, folder, keep, name
        self.last = last
        self._saved = trainer.done if last else None
        self._time = time.monotonic()

    @property
    def age(self):
        """Seconds since the last one."""
        return time.monotonic() - self._time

    def save(self):
        """Write one, unless there is one of this step."""
        if self._saved != self._trainer.done:
            tensors = self._trainer.tensors()
            for name, array in tensors.items():
                array = np.asarray(array)
                if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
                    raise TrainingError(f"{name} holds values that are not finite numbers after "
                                        f"{self._trainer.done:,} {self._trainer.unit}s")
            self.last = bundle.save(self._folder, self._trainer.done, tensors, self._keep, self._name)
            self._saved = self._trainer.done
        self._time = time.monotonic()
        return self.last

    @contextlib.contextmanager
    def last_named(self):
        """Errors inside the ``with`` block name the last good checkpoint."""
        try:
            yield
        except (TrainingError, OSError, tf.errors.OpError) as error:
            problem = str(error).partition("\n")[0].rstrip(".")
            kept = f"the last good checkpoint is {self.last}" if self.last else "there is no checkpoint yet"
            raise TrainingError(f"{problem}; {kept}") from None


class _Curves:
    """What TensorBoard shows. Without the package, training goes on, and says so in one line."""

    def __init__(self, trainer, folder, log_seconds, preview_seconds):
        self._trainer = trainer
        self._log_seconds, self._preview_seconds = log_seconds, preview_seconds
        self._writer = None
        if importlib.util.find_spec("tensorboard"):
            self._writer = tf.summary.create_file_writer(str(folder))
        else:
            say("no curves for TensorBoard: it is not installed (pip install 'pdbridge[train]')")
        self._preview = getattr(trainer, "preview", None)
        self._logged = self._previewed = time.monotonic()
        self._counted = 0

    def add(self, scalars, count):
        """Take note of a step of `count` units; write, if it is time to."""
        self._counted += count
        now = time.monotonic()
        if self._writer is None or now - self._logged < self._log_seconds:
            return
        speed = {f"{self._trainer.unit}s per second": self._counted / max(now - self._logged, 1e-9)}
        with self._writer.as_default(step=self._trainer.done):
            for name, value in (scalars | speed).items():
                tf.summary.scalar(name, value)
            if self._preview and now - self._previewed >= self._preview_seconds:
                self._preview(self._writer)
                self._previewed = time.monotonic()
        self._writer.flush()
        self._logged, self._counted = time.monotonic(), 0

    def close(self):
        if self._writer is not None:
            self._writer.close()


def _check_finite(scalars, when):
    for name, value in scalars.items():
        if not math.isfinite(value):
            raise TrainingError(f"{name} is {value} {when}: training has failed")


@contextlib.contextmanager
def _signals_noticed():
    """A list that holds the number of the signal once one arrives; a second one acts as usual."""
    noticed, before = [], {}

    def notice(number, frame):
        noticed.append(number)
        say("stopping after this step; once more stops at once, without a checkpoint")
        signal.signal(number, before[number])

    if threading.current_thread() is threading.main_thread():  # others may not handle signals
        for name in SIGNALS:
            number = getattr(signal, name)
            before[number] = signal.getsignal(number)
            signal.signal(number, notice)
    try:
        yield noticed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
