"""The worker and its queue: what comes first, what can be cancelled, and who survives a death."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from fake_model import FakeModel, sine

from pdbridge import jobs
from pdbridge.errors import CheckpointError, LatentError, WorkerError
from pdbridge.jobs import ASKED, PRESSED, SOON, SOUNDING, Worker

TESTS = Path(__file__).resolve().parent
PATIENCE = 20.0  # s


def z(*first):
    values = np.zeros(256, np.float32)
    values[:len(first)] = first
    return values


@pytest.fixture
def with_worker(monkeypatch):
    """Run a test coroutine with a worker of the fake model; the loop must not see any error."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS), str(TESTS.parent)]))

    def run(test, folder="fake", loader="fake_model:load", load=True):
        async def main():
            complaints = []
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda loop, context: complaints.append(context))
            worker = Worker(folder, loader)
            try:
                if load:
                    await asyncio.wait_for(worker.loaded(), PATIENCE)
                await asyncio.wait_for(test(worker), PATIENCE)
            finally:
                pid = worker.pid
                worker.close()
            await gone(pid)
            assert not complaints

        asyncio.run(main())

    return run


async def gone(pid):
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"process {pid} is still there")


async def until(condition):
    for _ in range(int(PATIENCE / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


async def whole_note(worker, pitch, timbre, priority=ASKED):
    head, state = await worker.call("head", timbre, pitch, priority=priority)
    pieces = [head]
    async for piece in worker.stream("tail", timbre, pitch, state, priority=priority):
        pieces.append(piece)
    return np.concatenate(pieces)


async def slow_stream(worker, order, name="stream", seconds=0.1):
    async for _ in worker.stream("tail", z(668, 0, seconds), 60, 60, priority=SOUNDING):
        order.append(name)


async def slow_head(worker, order, name, priority, seconds=0.05, deadline=0.0):
    await worker.call("head", z(668, seconds), 60, priority=priority, deadline=deadline)
    order.append(name)


def test_the_worker_describes_its_model_and_renders_a_note(with_worker):
    async def test(worker):
        assert worker.description == {"pitches": FakeModel.pitches, "latent_size": 256,
                                      "sample_rate": 16000, "note_length": 64000,
                                      "head_length": 5120}
        np.testing.assert_array_equal(await whole_note(worker, 60, z()), sine(60))
        assert worker.waiting == 0

    with_worker(test)


def test_a_pressed_key_comes_between_two_pieces_of_a_long_note(with_worker):
    async def test(worker):
        order = []
        stream = asyncio.create_task(slow_stream(worker, order))
        await until(lambda: order)
        await slow_head(worker, order, "pressed", PRESSED)
        await stream
        assert order.index("pressed") in (1, 2) and order.count("stream") == 4

    with_worker(test)


def test_jobs_come_by_priority_then_by_deadline(with_worker):
    async def test(worker):
        order = []
        first = asyncio.create_task(slow_head(worker, order, "first", ASKED, 0.2))
        await asyncio.sleep(0.05)
        await asyncio.gather(
            first, slow_head(worker, order, "soon", SOON), slow_head(worker, order, "asked", ASKED),
            slow_head(worker, order, "later", SOUNDING, deadline=2.0),
            slow_head(worker, order, "sounding", SOUNDING, deadline=1.0),
            slow_head(worker, order, "pressed", PRESSED))
        assert order == ["first", "pressed", "sounding", "later", "asked", "soon"]

    with_worker(test)


def test_a_job_that_waits_can_be_hurried(with_worker):
    async def test(worker):
        order = []
        first = asyncio.create_task(slow_head(worker, order, "first", ASKED, 0.2))
        await asyncio.sleep(0.05)
        job = worker.submit("head", z(), 61, priority=SOON)
        asked = asyncio.create_task(slow_head(worker, order, "asked", ASKED))
        await asyncio.sleep(0)
        worker.hurry(job, PRESSED)
        await worker.result(job)
        order.append("hurried")
        await asyncio.gather(first, asked)
        assert order == ["first", "hurried", "asked"]
        assert worker.waiting == 0

    with_worker(test)


def test_a_job_that_waits_is_cancelled_with_its_task(with_worker):
    async def test(worker):
        order = []
        first = asyncio.create_task(slow_head(worker, order, "first", ASKED, 0.2))
        second = asyncio.create_task(slow_head(worker, order, "second", ASKED, 5))
        await asyncio.sleep(0.05)
        second.cancel()
        await first
        await slow_head(worker, order, "third", ASKED)
        assert order == ["first", "third"] and worker.waiting == 0

    with_worker(test)


def test_a_job_under_way_is_cancelled_and_the_next_gets_its_own_result(with_worker):
    async def test(worker):
        running = asyncio.create_task(worker.call("head", z(668, 0.3), 40, priority=ASKED))
        await asyncio.sleep(0.1)
        running.cancel()
        head, state = await worker.call("head", z(), 72, priority=ASKED)
        np.testing.assert_array_equal(head, sine(72)[:5120])
        assert running.cancelled() and state == 72 and worker.waiting == 0

    with_worker(test)


def test_a_note_that_is_broken_off_ends_in_the_worker_too(with_worker):
    async def test(worker):
        order = []
        stream = asyncio.create_task(slow_stream(worker, order))
        await until(lambda: order)
        stream.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await stream
        np.testing.assert_array_equal(await whole_note(worker, 50, z()), sine(50))
        assert worker.waiting == 0 and len(order) == 1

    with_worker(test)


def test_an_error_of_the_model_keeps_its_kind_and_the_worker(with_worker):
    async def test(worker):
        pid = worker.pid
        with pytest.raises(LatentError, match="z has 3 values"):
            await worker.call("head", np.zeros(3, np.float32), 60, priority=ASKED)
        with pytest.raises(WorkerError, match="no_such failed in the model: AttributeError"):
            await worker.call("no_such", priority=ASKED)
        assert worker.pid == pid and worker.restarts == 0

    with_worker(test)


def test_a_worker_that_dies_while_idle_is_there_again(with_worker):
    async def test(worker):
        os.kill(worker.pid, signal.SIGKILL)
        await until(lambda: worker.restarts == 1)
        np.testing.assert_array_equal(await whole_note(worker, 60, z()), sine(60))

    with_worker(test)


def test_only_the_job_that_the_worker_was_at_dies_with_it(with_worker):
    async def test(worker):
        deadly = asyncio.create_task(worker.call("head", z(666), 60, priority=PRESSED))
        waiting = asyncio.create_task(worker.call("head", z(), 64, priority=ASKED))
        with pytest.raises(WorkerError, match="died at this request.*please repeat"):
            await deadly
        head, _ = await waiting
        np.testing.assert_array_equal(head, sine(64)[:5120])
        assert worker.restarts == 1 and worker.waiting == 0

    with_worker(test)


def test_a_note_begun_goes_on_where_it_was_after_the_worker_died(with_worker):
    async def test(worker):
        pieces = []
        async for piece in worker.stream("tail", z(668, 0, 0.01), 60, 60, priority=SOUNDING):
            pieces.append(piece)
            if len(pieces) == 2:
                # nothing runs between two slices until the next is asked for
                with pytest.raises(WorkerError):
                    await worker.call("head", z(666), 60, priority=PRESSED)
        np.testing.assert_array_equal(np.concatenate(pieces), sine(60)[5120:])
        assert worker.restarts == 1

    with_worker(test)


def test_a_note_fails_when_the_worker_dies_in_the_middle_of_it(with_worker):
    async def test(worker):
        with pytest.raises(WorkerError, match="died at this request"):
            async for _ in worker.stream("tail", z(667), 60, 60, priority=SOUNDING):
                pass
        assert worker.waiting == 0
        await worker.call("head", z(), 60, priority=ASKED)

    with_worker(test)


def test_a_worker_that_is_stuck_is_replaced(with_worker, monkeypatch):
    monkeypatch.setattr(jobs, "LONGEST_PIECE", 0.3)

    async def test(worker):
        with pytest.raises(WorkerError, match="died at this request"):
            await worker.call("head", z(668, 60), 60, priority=ASKED)
        monkeypatch.setattr(jobs, "LONGEST_PIECE", 60)
        await worker.call("head", z(), 60, priority=ASKED)

    with_worker(test)


def test_a_worker_stopped_by_a_signal_is_replaced(with_worker, monkeypatch):
    monkeypatch.setattr(jobs, "LONGEST_PIECE", 0.5)

    async def test(worker):
        os.kill(worker.pid, signal.SIGSTOP)
        with pytest.raises(WorkerError, match="died at this request"):
            await worker.call("head", z(), 60, priority=ASKED)
        await worker.call("head", z(), 60, priority=ASKED)

    with_worker(test)


def test_a_checkpoint_that_cannot_be_loaded_says_why(with_worker):
    async def test(worker):
        with pytest.raises(CheckpointError, match="broken is not a checkpoint folder"):
            await worker.loaded()
        with pytest.raises(CheckpointError, match="broken is not a checkpoint folder"):
            worker.submit("head", z(), 60, priority=ASKED)
        assert worker.state == "failed"

    with_worker(test, folder="broken", load=False)


def test_a_loader_that_is_not_there_says_so(with_worker):
    async def test(worker):
        with pytest.raises(WorkerError, match="cannot be loaded: ModuleNotFoundError"):
            await worker.loaded()

    with_worker(test, loader="no_such_module:load", load=False)


def test_a_worker_that_always_dies_while_loading_is_given_up(with_worker):
    async def test(worker):
        job = worker.submit("head", z(), 60, priority=ASKED)
        with pytest.raises(WorkerError, match="died 3 times while loading"):
            await worker.loaded()
        with pytest.raises(WorkerError, match="died 3 times while loading"):
            await worker.result(job)
        assert worker.state == "failed" and worker.waiting == 0

    with_worker(test, folder="deadly", load=False)


def test_a_worker_that_dies_once_while_loading_loads(with_worker):
    async def test(worker):
        await asyncio.sleep(0.02)
        os.kill(worker.pid, signal.SIGKILL)
        await worker.loaded()
        assert worker.restarts == 1

    with_worker(test, load=False)


def test_loading_reports_how_far_it_is(with_worker):
    async def test(worker):
        steps = []
        worker.on_progress.append(steps.append)
        await worker.loaded()
        assert steps == sorted(steps) and steps and 0 < steps[0] and steps[-1] <= 1

    with_worker(test, load=False)


def test_more_jobs_than_fit_are_refused(with_worker, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_WAITING", 10)

    async def test(worker):
        waiting = [worker.submit("head", z(668, 0.01), 60, priority=SOON) for _ in range(10)]
        with pytest.raises(WorkerError, match="10 jobs wait for the model already"):
            worker.submit("head", z(), 60, priority=PRESSED)
        for job in waiting:
            await worker.result(job)
        await worker.call("head", z(), 60, priority=PRESSED)

    with_worker(test)


def test_what_waits_fails_when_the_model_is_unloaded(with_worker):
    async def test(worker):
        running = worker.submit("head", z(668, 30), 60, priority=ASKED)
        waiting = worker.submit("head", z(), 60, priority=ASKED)
        worker.close()
        for job in (running, waiting):
            with pytest.raises(WorkerError, match="was unloaded"):
                await worker.result(job)
        with pytest.raises(WorkerError, match="was unloaded"):
            worker.submit("head", z(), 60, priority=ASKED)
        worker.close()
        assert worker.waiting == 0

    with_worker(test)


def test_an_answer_that_comes_after_the_model_was_unloaded_is_passed_over(with_worker):
    async def test(worker):
        job = worker.submit("head", z(), 60, priority=ASKED)
        time.sleep(0.2)  # the answer is there, and the loop has not looked at it
        worker.close()
        with pytest.raises(WorkerError, match="was unloaded"):
            await worker.result(job)
        await asyncio.sleep(0.05)
        assert worker.state == "closed"

    with_worker(test)


def test_a_model_unloaded_while_it_loads_stays_unloaded(with_worker):
    async def test(worker):
        await asyncio.sleep(0)
        time.sleep(1.0)  # by now it has said that it is loaded
        worker.close()
        await asyncio.sleep(0.05)
        assert worker.state == "closed"
        with pytest.raises(WorkerError, match="was unloaded"):
            await worker.loaded()

    with_worker(test, load=False)


def test_a_worker_that_cannot_be_started_again_fails_what_waits(with_worker, monkeypatch):
    async def test(worker):
        def no_memory(*arguments, **options):
            raise OSError(12, "Cannot allocate memory")

        monkeypatch.setattr(jobs.subprocess, "Popen", no_memory)
        with pytest.raises(WorkerError):
            await worker.call("head", z(666), 60, priority=ASKED)
        with pytest.raises(WorkerError, match="cannot be started: Cannot allocate memory"):
            await worker.call("head", z(), 60, priority=ASKED)

    with_worker(test)
