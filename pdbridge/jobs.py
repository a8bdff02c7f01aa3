"""Jobs for the worker: what is rendered next, and what happens when the worker dies.

The queue lives here, in the server. The worker gets one piece of work at a time, so an urgent job
jumps in between two pieces of a long one, jobs can be cancelled or hurried at any time, and a
worker that dies takes down only the job it was at.
"""

import asyncio
import contextlib
import heapq
import itertools
import logging
import pickle
import subprocess
import sys
import threading
from collections import deque

from pdbridge import errors
from pdbridge.errors import WorkerError

PRESSED = 0  # a key is down and waits for its first sound
SOUNDING = 1  # the rest of a note that sounds already
ASKED = 2  # rendered into an array, on request
SOON = 3  # keys of the current timbre that may be pressed next
BULK = 4  # many notes that nobody's finger waits for

MOST_WAITING = 1024  # jobs
LONGEST_PIECE = 60.0  # s; a worker that takes longer for one piece of work is stuck
LONGEST_LOAD = 300.0  # s
MOST_FAILED_STARTS = 3  # in a row

LAST_WORDS = 8  # lines a worker wrote that are shown when it dies; TensorFlow writes many

_numbers = itertools.count(1)

log = logging.getLogger("pdbridge")


class Job:
    """One piece of work, or a stream of pieces, for a worker.

    Attributes
    ----------
    priority : int
        `PRESSED`, `SOUNDING`, `ASKED`, `SOON` or `BULK`.
    deadline : float
        Among jobs of one priority, the earliest comes first (loop time, s).
    """

    def __init__(self, method, arguments, priority, deadline, streams=False, pieces=False):
        self.number = next(_numbers)
        self.method = method
        self.arguments = arguments
        self.priority = priority
        self.deadline = deadline
        self.slices = 0 if streams or pieces else None
        self.pieces = pieces  # its first slice that is not None is its result
        self.finished = False
        self.answers = asyncio.Queue()

    def rank(self):
        return (self.priority, self.deadline, self.number)


class Worker:
    """A model in a process of its own.

    Parameters
    ----------
    folder : str or Path
        The checkpoint: a folder, or a file.
    loader : str
        ``module:callable`` that makes a model of it, in the worker process.

    Attributes
    ----------
    state : str
        "starting", "ready", "failed" or "closed".
    description : dict or None
        Pitches, sample_rate, note_length and head_length of the model, and its latent_size (GANSynth) or
        velocities, instruments and instrument_count (SING), once they are known.
    restarts : int
        How often the process had to be replaced.
    on_progress : list of callables
        Called with 0..1 while the model loads.
    """

    def __init__(self, folder, loader):
        self.folder = folder
        self.loader = loader
        self.on_progress = []
        self.state = "starting"
        self.description = None
        self.restarts = 0
        self._failed_starts = 0
        self._failure = None
        self._loop = asyncio.get_running_loop()
        self._first_start = self._loop.create_future()
        self._waiting = []  # heap of (rank, job); entries whose rank changed are passed over
        self._count = 0
        self._running = None
        self._process = None
        self._watchdog = None
        self._start()

    # Asking for work

    async def loaded(self):
        """Wait until the model is there; raises what kept it from loading."""
        await asyncio.shield(self._first_start)

    async def call(self, method, *arguments, priority, deadline=0.0):
        """Call a method of the model and return its result; cancelling the task cancels the job."""
        job = self.submit(method, *arguments, priority=priority, deadline=deadline)
        return await self.result(job)

    def submit(self, method, *arguments, priority, deadline=0.0, pieces=False):
        """Like `call`, but returns the `Job` at once; see `result` and `hurry`.

        With `pieces`, the method returns an iterator of None and, at last, the result: more urgent
        jobs may come in between.
        """
        return self._submit(Job(method, arguments, priority, deadline, pieces=pieces))

    async def result(self, job):
        """Wait for the result of a submitted job; raises what went wrong with it."""
        with self._cancelling(job):
            while True:
                kind, value = await job.answers.get()
                if kind == "error":
                    raise value
                if kind == "done" or value is not None:
                    return value

    async def stream(self, method, *arguments, priority, deadline=lambda: 0.0):
        """Iterate over what a method of the model yields, one piece of work a slice.

        The next slice is rendered when it is asked for; `deadline` then says until when (loop time,
        s).
        """
        job = self._submit(Job(method, arguments, priority, deadline(), streams=True))
        with self._cancelling(job):
            while True:
                kind, value = await job.answers.get()
                if kind == "error":
                    raise value
                if kind == "end":
                    return
                yield value
                job.deadline = deadline()
                self._check_open()
                self._push(job)
                self._next()

    def hurry(self, job, priority):
        """Give a job that waits a more urgent priority."""
        if priority < job.priority:
            job.priority = priority
            if not job.finished and job is not self._running:
                self._push(job)

    @property
    def waiting(self):
        """How many jobs wait or run."""
        return self._count

    @property
    def pid(self):
        return self._process.pid if self._process else None

    def _check_open(self):
        if self.state in ("failed", "closed"):
            raise self._failure or WorkerError(f"{self.folder}: the model was unloaded")

    def _submit(self, job):
        self._check_open()
        if self._count >= MOST_WAITING:
            raise WorkerError(f"{MOST_WAITING} jobs wait for the model already; send less")
        self._count += 1
        self._push(job)
        self._next()
        return job

    def _push(self, job):
        heapq.heappush(self._waiting, (job.rank(), job))

    @contextlib.contextmanager
    def _cancelling(self, job):
        try:
            yield
        finally:
            if not job.finished:
                self._finish(job)
                if job.slices:
                    self._send((job.number, None, None, None))

    def _finish(self, job):
        if not job.finished:
            job.finished = True
            self._count -= 1

    # One piece of work after the other

    def _next(self):
        if self._running or self.state != "ready":
            return
        while self._waiting:
            rank, job = heapq.heappop(self._waiting)
            if not job.finished and rank == job.rank():
                if self._send((job.number, job.method, job.arguments, job.slices)):
                    self._running = job
                    self._watch(LONGEST_PIECE)
                else:
                    self._push(job)  # for the process that takes the place of this one
                return

    def _send(self, request):
        """Send a request; False when the process is dead, which the reading thread reports."""
        try:
            pickle.dump(request, self._process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
            return True
        except (OSError, ValueError):
            return False

    def _received(self, process, message):
        if process is not self._process or self.state in ("failed", "closed"):
            return  # a last word of a process that was replaced, or is not wanted any more
        number, kind, value = message
        if number is None:
            self._received_while_loading(kind, value)
            return
        self._watch(None)
        job, self._running = self._running, None
        if job.finished:
            if kind == "slice":
                self._send((job.number, None, None, None))
        elif kind == "slice":
            job.slices += 1
            job.answers.put_nowait((kind, value))
            if job.pieces and value is None:
                self._push(job)
            elif job.pieces:
                self._finish(job)
                self._send((job.number, None, None, None))
        else:
            self._finish(job)
            job.answers.put_nowait((kind, _as_error(value) if kind == "error" else value))
        self._next()

    def _received_while_loading(self, kind, value):
        if kind == "progress":
            for report in self.on_progress:
                report(value)
        elif kind == "loaded":
            self._watch(None)
            self.description = value
            self.state = "ready"
            self._failed_starts = 0
            if not self._first_start.done():
                self._first_start.set_result(None)
            self._next()
        elif kind == "failed":
            self._fail(_as_error(value))

    # The life of the process

    def _start(self):
        command = [sys.executable, "-m", "pdbridge.worker", self.loader, str(self.folder)]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                             stderr=subprocess.PIPE)
        except OSError as error:
            self._fail(WorkerError(f"{self.folder}: the model's process cannot be started: "
                                   f"{error.strerror}; load it again to try once more"))
            return
        self._watch(LONGEST_LOAD)
        last_words = deque(maxlen=LAST_WORDS)
        listener = threading.Thread(target=self._listen, args=(self._process, last_words),
                                    name="worker messages", daemon=True)
        listener.start()
        threading.Thread(target=self._read, args=(self._process, listener, last_words),
                         name="worker results", daemon=True).start()

    @staticmethod
    def _listen(process, last_words):
        """Runs in a thread: keeps what the process writes for people, for the case that it dies."""
        for line in process.stderr:
            last_words.append(line.decode(errors="replace").rstrip())
            log.debug("worker %d: %s", process.pid, last_words[-1])
        process.stderr.close()

    def _read(self, process, listener, last_words):
        """Runs in a thread: hands what the process replies to the event loop."""
        with contextlib.suppress(Exception):  # a pickle cut off by the death of the process
            while True:
                self._hand_over(self._received, process, pickle.load(process.stdout))
        process.stdout.close()
        code = process.wait()
        listener.join(1.0)
        self._hand_over(self._died, process, code, list(last_words))

    def _hand_over(self, function, *arguments):
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has ended
            self._loop.call_soon_threadsafe(function, *arguments)

    def _watch(self, seconds):
        if self._watchdog:
            self._watchdog.cancel()
        self._watchdog = seconds and self._loop.call_later(seconds, self._process.kill)

    def _died(self, process, code, last_words):
        if process is not self._process or self.state in ("failed", "closed"):
            return
        log.warning("the process of the model %s ended with code %d; its last words:\n  %s",
                    self.folder, code, "\n  ".join(last_words) or "none")
        self._watch(None)
        self._close_pipes()
        job, self._running = self._running, None
        if self.state == "starting":
            self._failed_starts += 1
        self.restarts += 1
        self.state = "starting"
        if job and not job.finished:
            self._finish(job)
            text = "the model's process died at this request; it is starting again, please repeat"
            job.answers.put_nowait(("error", WorkerError(text)))
        if self._failed_starts >= MOST_FAILED_STARTS:
            self._fail(WorkerError(
                f"{self.folder}: the model's process died {self._failed_starts} times while "
                "loading (is there enough memory?); load it again to try once more"
            ))
        else:
            self._start()

    def _fail(self, error):
        self.state = "failed"
        self._failure = error
        self._watch(None)
        if not self._first_start.done():
            self._first_start.set_exception(error)
            self._first_start.exception()  # nobody may be waiting for it
        for _, job in self._waiting:
            if not job.finished:
                self._finish(job)
                job.answers.put_nowait(("error", error))
        self._waiting.clear()

    def close(self):
        """End the process. What waits fails with `WorkerError`."""
        if self.state == "closed":
            return
        self._fail(WorkerError(f"{self.folder}: the model was unloaded"))
        self.state = "closed"
        if self._running and not self._running.finished:
            self._finish(self._running)
            self._running.answers.put_nowait(("error", self._failure))
        self._running = None
        if self._process:
            self._process.kill()
            self._close_pipes()

    def _close_pipes(self):
        with contextlib.suppress(OSError):
            self._process.stdin.close()


def _as_error(value):
    name, text = value
    kind = getattr(errors, name, WorkerError)
    return kind(text)
