"""Voices and notes that repeat, against a host in memory and a clock that does not wait."""

import asyncio
import threading

import fake_grid
import numpy as np
import pytest
from puredata import largest_step

from pdbridge import audio
from pdbridge.errors import AudioError, GridError, PitchError
from pdbridge.instruments import pad as pads
from pdbridge.instruments.pad import CellNote, Pad, Stock
from pdbridge.instruments.repeats import best_end, with_seam
from pdbridge.instruments.voices import FADE_MS, GUARD, Note, Source, Voices
from pdbridge.notegrid import NoteGrid

RATE = 48000
SLICE = 4096


class QuickLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer when there is nothing else to do."""

    def __init__(self):
        super().__init__()
        self._now = 1000.0
        select = self._selector.select

        def jump(timeout=None):
            events = select(0 if timeout is not None else None)
            if not events and timeout:
                self._now += timeout
            return events

        self._selector.select = jump

    def time(self):
        return self._now


class MemoryHost:
    """Arrays in memory, and what was reported with its time."""

    slice_length = SLICE

    def __init__(self):
        self.server = type("Server", (), {"counts": {"late": 0}})()
        self.arrays, self.heard, self.failed = {}, [], []

    async def prepare(self, array, length):
        old = self.arrays.get(array, np.zeros(0, np.float32))
        self.arrays[array] = np.append(old, np.zeros(max(0, length - len(old)), np.float32))

    def write_now(self, array, start, samples):
        self.arrays[array][start:start + len(samples)] = samples
        return True

    async def write_slice(self, array, start, samples, deadline, wanted=None):
        assert start + len(samples) <= len(self.arrays[array])
        if not wanted or wanted():
            self.write_now(array, start, samples)

    def out(self, word, *atoms):
        self.heard.append((word, atoms))

    def fail(self, name, error):
        self.failed.append(str(error))

    def words(self, *wanted):
        return [(word, *atoms) for word, atoms in self.heard if word in wanted]


class Tone(Source):
    """A second of a constant, or one that repeats its second half."""

    def __init__(self, value=1.0, repeats=False, pieces=12, error=None):
        self.first = np.full(SLICE, value, np.float32)
        self._pieces, self._value, self._error = pieces, value, error
        self._repeats = repeats

    async def rest(self, deadline):
        for _ in range(self._pieces - 1):
            await asyncio.sleep(0.001)
            yield np.full(SLICE, self._value, np.float32)
        if self._error:
            raise self._error
        if self._repeats:
            self.repeat = (SLICE, (self._pieces - 1) * SLICE)


def playing(test):
    """Run a coroutine of a test with (voices, host) on a loop that does not wait."""
    async def run():
        host = MemoryHost()
        voices = Voices(host)
        voices.release_ms = 100.0
        await voices.set_voices("v", 4, RATE, 2)
        await test(voices, host)

    loop = QuickLoop()
    try:
        loop.run_until_complete(run())
        assert not [task for task in asyncio.all_tasks(loop) if not task.done()]
    finally:
        loop.close()


def test_a_note_is_appended_while_it_sounds_and_ends():
    async def test(voices, host):
        voices.play(Note(60, 100), Tone())
        assert host.words("play") == [("play", 1, 60, 100, SLICE * 1000 / RATE)]
        await asyncio.sleep(2)
        assert host.words("extend")[-1] == ("extend", 1, 12 * SLICE * 1000 / RATE)
        assert (host.arrays["v1"][1:1 + 12 * SLICE] == 1).all()
        assert voices._notes == [] and host.words("repeat") == []

    playing(test)


def test_a_note_that_repeats_lasts_until_it_is_released():
    async def test(voices, host):
        voices.play(Note(60, 100), Tone(repeats=True))
        await asyncio.sleep(3600)
        assert host.words("repeat") == [
            ("repeat", 1, SLICE * 1000 / RATE, 11 * SLICE * 1000 / RATE)]
        assert [word for word, _ in host.heard].index("repeat") == len(host.heard) - 1
        voices.note_off(60)
        assert host.words("release") == [("release", 1, 100.0)]
        assert voices._notes == []

    playing(test)


def test_the_voice_of_a_repeating_note_is_free_when_it_has_faded_out():
    async def test(voices, host):
        for pitch in (60, 62):
            voices.play(Note(pitch, 100), Tone(repeats=True))
        await asyncio.sleep(10)
        voices.note_off(60)
        voices.note_off(62)
        await asyncio.sleep(0.2)
        for pitch in (64, 65):
            voices.play(Note(pitch, 100), Tone())
        assert host.words("stop") == []
        voices.panic()
        await asyncio.sleep(1)

    playing(test)


def test_a_repeating_note_is_stolen_like_any_other_and_leaves_nothing_behind():
    async def test(voices, host):
        for pitch in (60, 62, 64):
            voices.play(Note(pitch, 100), Tone(repeats=True))
            await asyncio.sleep(10)
        assert host.words("stop") == [("stop", 1, FADE_MS)]
        assert [note.pitch for note in voices._notes] == [62, 64]
        voices.note_off(60)  # its key is let go later
        assert host.words("release") == []
        voices.panic()
        assert len(host.words("stop")) == 3 and voices._notes == []

    playing(test)


def test_a_key_that_is_let_go_before_the_end_does_not_repeat():
    async def test(voices, host):
        voices.play(Note(60, 100), Tone(repeats=True))
        voices.note_off(60)
        await asyncio.sleep(10)
        assert host.words("repeat") == [] and voices._notes == []

    playing(test)


def test_a_fade_out_that_is_longer_than_the_sound_repeats_until_it_is_over():
    async def test(voices, host):
        voices.release_ms = 5000.0
        voices.play(Note(60, 100), Tone(repeats=True))
        voices.note_off(60)
        await asyncio.sleep(2)
        assert len(host.words("repeat")) == 1 and voices._notes == []
        voices.play(Note(62, 100), Tone())
        assert host.words("play")[-1][1] == 2  # the first one still fades out
        await asyncio.sleep(10)

    playing(test)


def test_the_pedal_holds_a_repeating_note():
    async def test(voices, host):
        voices.sustain(True)
        voices.play(Note(60, 100), Tone(repeats=True))
        voices.note_off(60)
        await asyncio.sleep(100)
        assert host.words("release") == []
        voices.sustain(False)
        assert host.words("release") == [("release", 1, 100.0)] and voices._notes == []

    playing(test)


def test_the_key_of_a_repeating_note_pressed_again_sounds_again():
    async def test(voices, host):
        for _ in range(2):
            voices.play(Note(60, 100), Tone(repeats=True))
            await asyncio.sleep(5)
        voices.note_off(60)
        assert [word[1] for word in host.words("release")] == [1, 2]
        assert voices._notes == []

    playing(test)


def test_a_note_whose_rest_fails_is_reported_and_its_voice_is_free():
    async def test(voices, host):
        voices.play(Note(60, 100), Tone(error=AudioError("no more of it")))
        await asyncio.sleep(5)
        assert host.failed == ["no more of it"] and voices._notes == []
        for pitch in (62, 64):
            voices.play(Note(pitch, 100), Tone())
        assert host.words("stop") == []
        await asyncio.sleep(5)

    playing(test)


@pytest.mark.parametrize("error, reported", [(AudioError("no sound"), ["no sound"]), (MemoryError(), [])])
def test_a_key_whose_note_cannot_be_made_waits_no_longer(error, reported):
    async def test(voices, host):
        async def make():
            raise error

        note = Note(60, 100)
        voices.play(note, make=make)
        await asyncio.wait([note.task])
        assert voices._notes == [] and host.failed == reported
        note.task.exception()

    playing(test)


def test_voices_grow_for_longer_notes_and_sounding_ones_go_on():
    async def test(voices, host):
        voices.play(Note(60, 100), Tone())
        voices.note_samples = lambda rate: 10 * rate
        await voices.fit_voices()
        assert len(host.arrays["v1"]) == 10 * RATE + GUARD and voices.notes_fit_voices
        assert host.words("stop") == []
        await asyncio.sleep(5)
        assert (host.arrays["v1"][1:1 + 12 * SLICE] == 1).all()

    playing(test)


# Where a note repeats, and its seam


def sine(frequency, count, rate=RATE):
    return np.sin(2 * np.pi * frequency * np.arange(count) / rate).astype(np.float32)


def repeated(samples, repeat, times):
    """What a voice plays that goes through the part several times."""
    start, length = repeat
    part = samples[start:start + length]
    return np.concatenate([samples[:start], *[part] * times])


def seam(sound, start, end, fade=960, shortest=960):
    return with_seam(sound, start, end, fade, shortest, GUARD)


def test_the_end_is_moved_to_where_the_wave_goes_on_as_at_the_start():
    note = sine(440, 16000, 16000)
    period = 16000 / 440
    for start, end in ((4000, 8000), (4001, 8017), (3990, 7990)):
        moved = best_end(note, start, end, period, 320)
        assert abs(moved - end) <= period / 2
        assert abs((moved - start) / period - round((moved - start) / period)) < 0.02


@pytest.mark.parametrize("start, end, length", [(0, 4000, 16000), (100, 200, 16000), (4000, 16000, 16000),
                                                (15998, 16000, 16000), (0, 1, 2), (0, 1, 1)])
def test_the_end_stays_in_the_note_and_behind_the_start(start, end, length):
    note = sine(440, length, 16000)
    moved = best_end(note, start, end, 600, 320)
    assert start < moved <= length and abs(moved - end) <= 300


def test_silence_has_no_better_end():
    assert 7950 <= best_end(np.zeros(16000), 4000, 8000, 100, 320) <= 8050


@pytest.mark.parametrize("start, end", [(9600, 19200), (9600, 19233), (0, 9600), (100, 5000), (9600, 9700),
                                        (9600, 9601), (0, 30), (47000, 48000)])
def test_a_repeated_sine_has_no_click_and_keeps_its_loudness(start, end):
    sound = sine(220, 48000)
    samples, repeat = seam(sound, start, end)
    assert repeat[0] == start and repeat[1] >= 960 and repeat[1] % (end - start) == 0
    assert len(samples) == sum(repeat) + GUARD
    np.testing.assert_array_equal(samples[sum(repeat):], np.resize(samples[start:sum(repeat)], GUARD))
    fade = min(960, end - start)
    np.testing.assert_array_equal(samples[:end - fade], sound[:end - fade])
    played = repeated(samples, repeat, 5)
    if end - start > 1000:
        assert largest_step(played) < 1.6 * largest_step(sound)
        assert abs(played).max() < 1.05
    assert np.isfinite(played).all()


def test_the_seam_keeps_the_loudness_of_what_is_alike_and_of_what_is_not():
    noise = np.random.default_rng(1).standard_normal(48000).astype(np.float32) * 0.1
    alike = sine(100, 48000)  # 480 samples a period
    for sound, start, end in ((noise, 20000, 40000), (alike, 4800, 48000 - 480)):
        samples, repeat = seam(sound, start, end, fade=4800)
        before, inside = sound[start:start + 4800], samples[end - 4800:end]
        assert np.sqrt(np.mean(inside ** 2) / np.mean(before ** 2)) == pytest.approx(1, abs=0.03)


def test_a_wave_that_goes_on_at_the_start_is_not_changed_at_all():
    sound = sine(100, 48000)
    samples, repeat = seam(sound, 4800, 4800 + 20 * 480)
    np.testing.assert_allclose(repeated(samples, repeat, 3), sine(100, 4800 + 60 * 480), atol=1e-4)


# The note of a cell


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    path = fake_grid.write(tmp_path_factory.mktemp("grid") / "small.bin")
    with NoteGrid.open(path) as grid:
        yield grid


def collected(note):
    """(all samples of a note, what repeats)."""
    async def run():
        pieces = [note.first]
        async for piece in note.rest(lambda: 0.0):
            pieces.append(piece)
        return np.concatenate(pieces)

    return asyncio.run(run()), note.repeat


def cell_note(grid, pitch, rate=RATE, row=1, col=2, longest=4 * RATE, enough=SLICE, loop=None):
    note = CellNote(grid, row, col, pitch, rate, longest, enough, loop, Stock())
    note.begin()
    return note


def wanted(pitch, played, rate=RATE, row=1, col=2):
    """The note of `pitch` of the grid, played as `played`."""
    speed = 2 ** ((played - pitch) / 12)
    return audio.resample(fake_grid.note(row, col, pitch), fake_grid.SAMPLE_RATE * speed, rate)


@pytest.mark.parametrize("rate", [48000, 44100, 16000, 8000])
@pytest.mark.parametrize("pitch, played", [(60, 60), (60, 59), (66, 70), (36, 24), (66, 127), (48, 54)])
def test_the_note_of_a_cell_is_resampled_as_if_in_one_piece(grid, pitch, played, rate):
    note = cell_note(grid, played, rate)
    assert len(note.first) >= min(SLICE, len(wanted(pitch, played, rate)))
    samples, repeat = collected(note)
    np.testing.assert_allclose(samples, wanted(pitch, played, rate), atol=1e-6)
    assert repeat is None


def test_a_note_that_is_too_long_for_a_voice_is_cut(grid):
    samples, _ = collected(cell_note(grid, 24, longest=RATE))
    np.testing.assert_allclose(samples, wanted(36, 24)[:RATE], atol=1e-6)


@pytest.mark.parametrize("loop", [(0.2, 0.41), (0.0, 1.0), (0.5, 0.9), (0.0, 0.02), (0.03, 0.05),
                                  (0.5, 0.501), (0.999, 1.0), (0.0, 0.00001)])
@pytest.mark.parametrize("played", [60, 62, 48, 72, 40])
def test_a_note_that_repeats_goes_on_without_a_click_at_its_pitch(grid, loop, played):
    samples, repeat = collected(cell_note(grid, played, loop=loop))
    start, length = repeat
    seconds = fake_grid.LENGTH / fake_grid.SAMPLE_RATE / 2 ** ((played - nearest(played)) / 12)
    assert start == pytest.approx(loop[0] * seconds * RATE, abs=2 + RATE / 1000)
    assert len(samples) == start + length + GUARD and length >= 0.02 * RATE - 1
    tone = repeated(samples, repeat, 4)
    hertz = fake_grid.frequency(played)
    assert len(tone) and abs(tone).max() < 1.1 * fake_grid.loudness(1, 2)
    if length > RATE / hertz * 8 and loop[0] > 0.02:  # enough periods, and something before the start
        step = 2 * np.pi * hertz / RATE * fake_grid.loudness(1, 2)
        assert largest_step(tone) < 1.3 * step


def nearest(pitch):
    return min(fake_grid.PITCHES, key=lambda p: abs(p - pitch))


def test_a_repeated_part_for_which_there_is_no_room_is_played_once(grid):
    samples, repeat = collected(cell_note(grid, 60, longest=RATE // 3, loop=(0.2, 0.41)))
    assert repeat is None and len(samples) == RATE // 3


@pytest.mark.parametrize("loop", [(0.0, 1e-7), (0.5, 0.5000001), (0.9999999, 1.0)])
def test_a_key_far_above_the_grid_repeats_a_single_sample(grid, loop):
    samples, (start, length) = collected(cell_note(grid, 127, rate=8000, loop=loop))
    assert len(samples) == start + length + GUARD and length >= 0.02 * 8000 - 1
    assert np.isfinite(samples).all()


@pytest.mark.parametrize("pitch, played, quick", [(127, 0, False), (127, 40, False), (0, 127, False),
                                                  (60, 0, True), (60, 96, True)])
def test_keys_far_from_the_only_pitch_of_a_grid_take_no_more_memory_than_a_voice(tmp_path, pitch, played, quick):
    with NoteGrid.open(fake_grid.write(tmp_path / "one.bin", pitches=(pitch,), length=2000, resolution=1)) as grid:
        note = cell_note(grid, played, row=0, col=0)
        samples, _ = collected(note)
        assert note.quick == quick
        speed = 2 ** ((played - pitch) / 12)
        expected = audio.resample(fake_grid.note(0, 0, pitch, 2000, 1), 16000 * speed, RATE)[:4 * RATE]
        np.testing.assert_allclose(samples[:len(expected)], expected, atol=1e-6)
        assert len(samples) - len(expected) in (0, 1)
        grid.sample_rate = 1000
        if played == 0 and pitch == 127:
            with pytest.raises(PitchError, match="pitch 0 is too far below .* nearest is 127"):
                cell_note(grid, played, row=0, col=0)


def test_a_pad_that_is_swept_has_one_cell_read_at_a_time_and_the_last_one_at_last(grid, monkeypatch):
    asked, release = [], threading.Event()

    def prefetch(grid, row, col):
        asked.append((row, col))
        assert release.wait(10)

    monkeypatch.setattr(pads, "_prefetch", prefetch)

    async def sweep():
        pad = Pad(MemoryHost())
        pad.set_grid(grid)
        for step in range(100):
            pad.move(step / 99, step / 99)
        pad.move(0.0, 1.0)
        release.set()
        while len(asked) < 2 or pad._reading:
            await asyncio.sleep(0.001)

    asyncio.run(sweep())
    assert asked == [(1, 1), (0, 2)]


def test_resamplers_are_made_ahead_and_no_more_than_enough():
    stock = Stock()
    assert stock.add(16000.5, 48000) and stock.add(16000.5, 48000) and not stock.add(16000.5, 48000)
    taken = [stock.take(16000.5, 48000) for _ in range(3)]
    assert len({id(resampler) for resampler in taken}) == 3 and stock.add(16000.5, 48000)


def test_a_file_that_was_cut_off_is_an_error_and_no_crash(tmp_path):
    path = fake_grid.write(tmp_path / "cut.bin")
    with NoteGrid.open(path) as grid:
        note = cell_note(grid, 60)
        with open(path, "r+b") as file:
            file.truncate(10000)
        with pytest.raises(GridError, match="has 10000 now; load it again"):
            collected(note)
        with pytest.raises(GridError, match="has 10000 now"):
            cell_note(grid, 60)


def test_a_file_that_was_deleted_plays_on(tmp_path):
    path = fake_grid.write(tmp_path / "deleted.bin")
    with NoteGrid.open(path) as grid:
        path.unlink()
        np.testing.assert_allclose(collected(cell_note(grid, 60))[0], wanted(60, 60), atol=1e-6)
