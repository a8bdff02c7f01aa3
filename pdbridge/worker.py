"""The worker process: holds one model, renders what it is asked for, knows nothing else.

The server starts ``python -m pdbridge.worker LOADER FOLDER`` (see `pdbridge.jobs`). Requests come
in on stdin and results leave on stdout, as pickles, one piece of work at a time: the server
decides what is next, so that a pressed key never waits for more than the piece under way.
When stdin closes, the server is gone and the worker ends.
"""

import importlib
import os
import pickle
import signal
import sys
from collections import OrderedDict

from pdbridge.errors import PdbridgeError

MOST_STREAMS = 64  # notes begun and not finished; beyond that the oldest is begun again when asked
NICENESS = 5  # Pd's audio thread and the server come first on a busy machine


ENDED = object()


class Streams:
    """The iterators of notes under way, by job number; at most `MOST_STREAMS` are kept."""

    def __init__(self, model):
        self._model = model
        self._iterators = OrderedDict()

    def next(self, job, method, arguments, skip):
        """The next item of the job's iterator, or `ENDED`.

        A job that is not (or no longer) known here is begun again and its first `skip` slices are
        passed over: so a note goes on after the worker was replaced.
        """
        iterator = self._iterators.pop(job, None)
        if iterator is None:
            iterator = getattr(self._model, method)(*arguments)
            for _ in range(skip):
                next(iterator)
        piece = next(iterator, ENDED)
        if piece is not ENDED:
            self._iterators[job] = iterator
        while len(self._iterators) > MOST_STREAMS:
            self._iterators.popitem(last=False)
        return piece

    def drop(self, job):
        self._iterators.pop(job, None)


def serve_model(model, requests, reply):
    """Carry out requests until `requests` ends.

    Parameters
    ----------
    model : object
        E.g. `pdbridge.GANSynth`; its methods are called by name.
    requests : iterable of (job, method, arguments, skip)
        `skip` None: call the method and reply ``(job, "done", result)``. Otherwise the method
        returns an iterator; reply ``(job, "slice", next item)``, or ``(job, "end", None)``.
        Method None drops the job's iterator, without a reply.
    reply : callable
        Takes one tuple. Errors are replied as ``(job, "error", (class name, text))``.
    """
    streams = Streams(model)
    for job, method, arguments, skip in requests:
        if method is None:
            streams.drop(job)
            continue
        try:
            if skip is None:
                reply((job, "done", getattr(model, method)(*arguments)))
            else:
                piece = streams.next(job, method, arguments, skip)
                reply((job, "end", None) if piece is ENDED else (job, "slice", piece))
        except PdbridgeError as error:
            reply((job, "error", (type(error).__name__, str(error))))
        except Exception as error:
            text = f"{method} failed in the model: {type(error).__name__}: {error}"
            reply((job, "error", ("WorkerError", text)))


def _described(model):
    """What the server must know of a model, as plain values."""
    description = {
        "pitches": tuple(int(pitch) for pitch in model.pitches),
        "sample_rate": int(model.sample_rate),
        "note_length": int(model.note_length),
        "head_length": int(model.head_length),
    }
    if hasattr(model, "latent_size"):  # a GANSynth
        return description | {"latent_size": int(model.latent_size)}
    return description | {
        "velocities": tuple(int(velocity) for velocity in model.velocities),
        "instruments": {str(name): int(number) for name, number in model.instruments.items()},
        "instrument_count": int(model.instrument_count),
    }


def _load(loader, folder, reply):
    module, _, attribute = loader.partition(":")
    found = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    reply((None, "progress", 0.5))
    model = found(folder)
    reply((None, "progress", 0.7))
    model.warm_up()
    return model


def _requests(stream):
    while True:
        try:
            yield pickle.load(stream)
        except (EOFError, pickle.UnpicklingError):  # the latter: the server died in mid-sentence
            return


def main():
    """Entry point of the process: ``python -m pdbridge.worker LOADER FOLDER``."""
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not end up among the results
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if hasattr(os, "nice"):
        os.nice(NICENESS)

    def reply(message):
        pickle.dump(message, results, protocol=pickle.HIGHEST_PROTOCOL)
        results.flush()

    loader, folder = sys.argv[1:3]
    try:
        try:
            model = _load(loader, folder, reply)
        except PdbridgeError as error:
            reply((None, "failed", (type(error).__name__, str(error))))
            return 1
        except Exception as error:
            text = f"{folder}: the model cannot be loaded: {type(error).__name__}: {error}"
            reply((None, "failed", ("WorkerError", text)))
            return 1
        reply((None, "loaded", _described(model)))
        serve_model(model, _requests(sys.stdin.buffer), reply)
    except BrokenPipeError:
        pass  # the server is gone
    return 0


if __name__ == "__main__":
    sys.exit(main())
