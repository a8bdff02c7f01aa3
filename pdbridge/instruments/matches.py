"""A z for a recording, looked for in the background by the process that holds the model.

What the search is, and what is near, is in `pdbridge.gansynth.matching`. Here its steps are taken one after
the other, behind everything else that the model is asked for.
"""

import asyncio

from pdbridge.errors import WorkerError
from pdbridge.gansynth.matching import Effort, Search, heard_pitch_elsewhere, read_recording, recording_for
from pdbridge.jobs import BULK

MOST_TRIES = 3  # times a step is taken at which the worker dies


async def find_z(server, worker, path, pitch, seed, on_pitch, on_progress):
    """Look for a z whose note is near a recording.

    Parameters
    ----------
    server : pdbridge.server.Server
    worker : pdbridge.jobs.Worker
        Of the model; it is lent by the server until the z is found.
    path : Path
        Of the recording.
    pitch : int or None
        MIDI, of the recording; None listens for it.
    seed : int
        Of the random timbres that are heard first.
    on_pitch : callable
        Called with pitch and confidence, 0..1, when it was listened for.
    on_progress : callable
        Called with 0..1 after each step.

    Returns
    -------
    search : pdbridge.gansynth.matching.Search
        Finished.
    pitch : int
        At which note and recording were compared.

    Raises
    ------
    PdbridgeError
        The recording cannot be used, or the model cannot hear it.
    """
    in_thread = asyncio.get_running_loop().run_in_executor
    # its own loan, so that it goes on when the instrument loads another model
    worker = await server.lend(worker.folder)
    try:
        samples, rate = await in_thread(None, read_recording, path)
        if pitch is None:
            pitch, confidence = await heard_pitch_elsewhere(path)
            on_pitch(pitch, confidence)
        model = worker.description
        recording, _ = await in_thread(None, recording_for, samples, rate, pitch, model["sample_rate"],
                                       model["pitches"], model["note_length"])
        search = Search(model["latent_size"], seed, Effort())
        while not search.finished:
            search = await _next_step(worker, recording, search)
            on_progress(search.done / search.total)
        return search, recording.pitch
    finally:
        server.give_back(worker)


async def _next_step(worker, recording, search):
    """The search one step further; once more if the worker dies at it."""
    for tries in range(1, MOST_TRIES + 1):
        try:
            return await worker.call("match", recording, search, priority=BULK)
        except WorkerError:
            if tries == MOST_TRIES or worker.state in ("failed", "closed"):
                raise
