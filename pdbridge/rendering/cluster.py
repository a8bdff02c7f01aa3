"""Batches of notes on many computers, through a Dask scheduler.

This end holds the files, the plan and all that is done; workers hold a model each and write nothing. A
worker is sent a batch for half a minute's work at a time and sends the codes back, so that a worker that
dies costs half a minute. As long as a batch stays with its worker, the decoder goes on where it was;
elsewhere it is taken up as after an interruption, and comes out the same.
"""

import hashlib
import logging
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

import numpy as np

from pdbridge.errors import EngineError, PdbridgeError
from pdbridge.rendering.batches import REACH, chunks, fitting_batch, resume

STRETCH_S = 30.0  # of work that a worker does before it reports
CONNECT_S = 10.0  # until a scheduler counts as not there
LOOK_AROUND_S = 2.0  # until workers that came or went are noticed


class Cluster:
    """Decodes batches on the workers of a Dask scheduler.

    Parameters
    ----------
    scheduler : str
        Its address, e.g. ``tcp://10.0.0.5:8786``.
    model_path : str or Path
        The checkpoint, at the same place for all workers.
    fingerprint : str
        Of the checkpoint: workers refuse to mix in another one.
    precision : str
    stretch_s : float
        Seconds of work that a worker does before it reports.

    Raises
    ------
    EngineError
        Dask is not installed, no scheduler answers, or there are no workers.
    """

    def __init__(self, scheduler, model_path, fingerprint, precision, stretch_s=STRETCH_S):
        try:
            import distributed
        except ImportError:
            raise EngineError("rendering on a cluster needs Dask: pip install 'pdbridge[dask]'") from None
        # What goes wrong comes to us as an exception; Dask's own log would run through the progress bar.
        for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._distributed = distributed
        self._where = scheduler
        self._model = str(Path(model_path).absolute()), fingerprint, precision
        self._stretch_s = stretch_s
        try:
            self._client = distributed.Client(scheduler, timeout=CONNECT_S)
        except (OSError, ValueError, TypeError) as error:
            raise EngineError(f"no Dask scheduler answers at {scheduler}: {error}") from None
        if not self._workers():
            self.close()
            raise EngineError(f"the Dask scheduler at {scheduler} has no workers; start some with: "
                              f"dask worker {scheduler}")
        self.description = f"Dask at {scheduler}, workers: {len(self._workers())}"

    def fitting_batch(self, notes):
        """Notes of a batch, if there are `notes` to decode: enough batches for all workers (int)."""
        largest = self._result(self._client.submit(_fitting_batch, self._model, pure=False))
        return max(1, min(largest, -(-notes // max(1, len(self._workers())))))  # all may just have gone

    def decode(self, batches, draw):
        """Decode batches to their ends, as many at a time as there are workers.

        Parameters
        ----------
        batches : list of Batch
            They are filled.
        draw : Draw

        Yields
        ------
        batch : Batch
        samples : int
            That were just added to each of its notes.

        Raises
        ------
        EngineError
            A batch killed several workers, or the scheduler is gone.
        PdbridgeError
            What went wrong in a worker.
        """
        waiting, running = list(batches), {}  # running: future to (batch, worker)
        try:
            while waiting or running:
                self._send_to_idle(waiting, running, draw)
                for future in self._finished(running):
                    batch, _ = running.pop(future)
                    codes, worker = self._result(future)
                    batch.append(codes)
                    if batch.done < batch.length:
                        if worker in (other for _, other in running.values()):
                            waiting.insert(0, batch)  # two came to one, as others went
                        else:
                            running[self._send(batch, draw, worker)] = batch, worker
                    yield batch, codes.shape[1]
        finally:
            if self._client.status == "running":
                self._client.cancel(list(running))

    def close(self):
        """Leave the cluster; it stays."""
        self._client.close()

    def _workers(self):
        try:
            return list(self._client.nthreads())
        except OSError:
            raise self._gone() from None

    def _gone(self):
        return EngineError(f"the Dask scheduler at {self._where} is gone; what is done is kept, run the same "
                           "command again when there is one")

    def _send_to_idle(self, waiting, running, draw):
        busy = {worker for _, worker in running.values()}
        for worker in self._workers():
            if waiting and worker not in busy:
                batch = waiting.pop(0)
                running[self._send(batch, draw, worker)] = batch, worker

    def _send(self, batch, draw, worker):
        past = batch.codes[:, -REACH:]
        return self._client.submit(
            _decode, self._model, batch.names, batch.embeddings, past, batch.done, batch.length, draw,
            self._stretch_s, workers=[worker], allow_other_workers=True, pure=False)

    def _finished(self, running):
        if not running:  # all workers are gone; new ones may come
            time.sleep(LOOK_AROUND_S)
            return []
        try:
            done, _ = self._distributed.wait(list(running), timeout=LOOK_AROUND_S,
                                             return_when="FIRST_COMPLETED")
        except TimeoutError:
            return []
        except (OSError, CancelledError):
            raise self._gone() from None
        return list(done)

    def _result(self, future):
        try:
            return future.result()
        except PdbridgeError:
            raise
        except self._distributed.KilledWorker:
            raise EngineError("a batch has killed several workers, probably for want of memory; "
                              "try a smaller --batch-size") from None
        except CancelledError:
            raise self._gone() from None
        except Exception as error:
            raise EngineError(f"a Dask worker failed: {type(error).__name__}: {error}") from None


# In a worker

_lock = threading.Lock()  # one batch at a time, whatever number of threads Dask gives a worker
_decoders = {}  # by model and precision
_under_way = {}  # the last decoding, by what identifies its batch


def _decoder(model):
    from distributed import get_worker

    from pdbridge.nsynth.model import NSynth

    path, fingerprint, precision = model
    if model not in _decoders:
        loaded = NSynth.load(path)
        if loaded.fingerprint != fingerprint:
            raise EngineError(f"{path} is another checkpoint on the worker than here")
        decoder = loaded.decoder(precision)
        if decoder.engine == "kernel":  # several workers on a computer share its cores as Dask was told
            decoder = loaded.decoder(precision, "kernel", get_worker().state.nthreads)
        _decoders.clear()
        _decoders[model] = decoder
    return _decoders[model]


def _fitting_batch(model):
    with _lock:
        return fitting_batch(_decoder(model))


def _decode(model, names, embeddings, past, position, length, draw, seconds):
    """Decode a stretch: uint8 codes [batch, n], and the address of this worker."""
    from distributed import get_worker

    with _lock:
        decoder = _decoder(model)
        identity = model, tuple(names), draw, hashlib.sha256(embeddings.tobytes()).digest()
        decoding = _under_way.pop(identity, None)
        _under_way.clear()
        if decoding is None or decoding.position != position:
            decoding = resume(decoder, embeddings, past, position)
        begin, decoded = time.monotonic(), []
        for codes in chunks(decoding, names, length, draw):
            decoded.append(codes)
            if time.monotonic() - begin > seconds:
                break
        _under_way[identity] = decoding
        return np.concatenate(decoded, axis=1), get_worker().address
