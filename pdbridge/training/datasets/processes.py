"""Many files at once: the same work for each, in several processes, with progress."""

import collections
import contextlib
import functools
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from pdbridge.errors import AudioError, DatasetError
from pdbridge.progress import progress

ENOUGH = 32  # files that are worth starting one more process, which takes a third of a second
AHEAD = 4  # results that each process may be ahead of who reads them: a data set may be larger than the memory


def in_order(work, jobs, description, processes=None, enough=ENOUGH):
    """Do the same work for each job.

    Parameters
    ----------
    work : callable
        Of one job; a function of a module, or a `functools.partial` of one. What it raises as `AudioError` is
        about this job only; anything else ends everything.
    jobs : sequence
    description : str
        What is being done, in front of the progress bar.
    processes : int, optional
        As many as there are processors, if left out; for a few files one does.
    enough : int
        Files that are worth starting one more process.

    Yields
    ------
    (job, result, str or None)
        In the order of the jobs: what the work returned, or what it said was wrong.

    Raises
    ------
    DatasetError
        When a process ended by itself, e.g. because the memory was full.
    """
    jobs = list(jobs)
    if processes is None:
        processes = min(_processors(), len(jobs) // enough)
    attempt = functools.partial(_attempt, work)
    done = _in_processes(attempt, jobs, processes) if processes > 1 else (attempt(job) for job in jobs)
    with contextlib.closing(done), progress(len(jobs), "file", description) as bar:
        for job, (result, wrong) in zip(jobs, done, strict=True):
            bar.update()
            yield job, result, wrong


def _attempt(work, job):
    try:
        return work(job), None
    except AudioError as error:
        return None, " ".join(str(error).split())


def _in_processes(attempt, jobs, processes):
    # Started afresh: a copy of a process that has TensorFlow in it would hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_leave_interrupts)
    waiting = collections.deque()
    try:
        for job in jobs:
            with _interrupts_waiting():
                waiting.append(pool.submit(attempt, job))
            if len(waiting) >= AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise DatasetError("a process that worked on the sounds ended by itself; perhaps the memory was full "
                           "(--processes 1 needs least)") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


# Ctrl-C reaches all processes; the first one ends the others in good order.


def _leave_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def _interrupts_waiting():
    """A process that is started in this block inherits that it gets no Ctrl-C, not while it starts, either."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _processors():
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1
