"""The model in ``models/`` as it is shipped: in tune, clean, every timbre another, and no jumps on the way."""

import numpy as np
import pytest
from listening import attack_ms, cents_off, centroid_hz, decay_db, distance_db, harmonic_to_rest_db

import pdbridge
from pdbridge import latent
from pdbridge.places import BUILT_IN_MODEL, find_model

TIMBRES = 32
LARGEST = 6_000_000  # bytes
OCTAVES = range(24, 85, 12)


@pytest.fixture(scope="module")
def model():
    return pdbridge.GANSynth.load(find_model(BUILT_IN_MODEL))


@pytest.fixture(scope="module")
def timbres(model):
    return model.random_z(TIMBRES, seed=777)


@pytest.fixture(scope="module")
def notes(model, timbres):
    """Whole notes of all timbres, by (timbre, pitch): an octave apart, other pitches for each timbre."""
    return {(number, pitch): model.synthesize(timbres[number : number + 1], [pitch])[0]
            for number in range(TIMBRES) for pitch in range(24 + (5 * number) % 12, 85, 12)}


def test_it_is_small_and_knows_the_published_pitches(model):
    size = sum(path.stat().st_size for path in model.folder.rglob("*") if path.is_file())
    assert size <= LARGEST
    assert model.pitches == tuple(range(24, 85)) and model.latent_size == 256 and model.note_length == 64000


def test_every_pitch_of_every_timbre_is_in_tune(model, timbres):
    """32 timbres x 61 pitches, by the head that is heard when a key goes down."""
    off = np.array([[cents_off(next(model.stream(z, pitch)), pitch) for pitch in model.pitches] for z in timbres])
    assert np.mean(np.abs(off) < 10) >= 0.95, np.argwhere(np.abs(off) >= 10)[:20]
    assert np.mean(np.abs(off) < 25) >= 0.99


def test_notes_are_neither_silent_nor_clipped(notes):
    peaks = np.array([np.abs(note).max() for note in notes.values()])
    assert peaks.min() > 0.15 and peaks.max() < 1


def test_notes_are_tones_and_no_noise(notes):
    clean = np.array([harmonic_to_rest_db(note, pitch) for (_, pitch), note in notes.items()])
    assert np.median(clean) > 25 and np.quantile(clean, 0.05) > 10


def test_notes_end_in_silence(notes):
    """The key is released after 3 s."""
    assert max(np.sqrt(np.mean(note[57600:] ** 2)) for note in notes.values()) < 10 ** (-60 / 20)


def test_timbres_differ(notes):
    """Brightness by more than an octave, slow and fast attacks, long and short decays."""
    middle = [note for (_, pitch), note in notes.items() if 48 <= pitch < 60]
    dark, bright = np.quantile([centroid_hz(note) for note in middle], (0.05, 0.95))
    assert bright > 2 * dark
    fast, slow = np.quantile([attack_ms(note) for note in notes.values()], (0.05, 0.95))
    assert fast < 10 and slow > 25
    short, long = np.quantile([decay_db(note) for note in notes.values()], (0.05, 0.95))
    assert short < -25 and long > -3


def test_the_way_from_timbre_to_timbre_has_no_jumps(model, timbres):
    for one, other, pitch in ((0, 1, 48), (2, 3, 60), (4, 5, 36)):
        way = latent.slerp(timbres[one], timbres[other], np.linspace(0, 1, 17))
        sounds = model.synthesize(way, [pitch] * 17)
        steps = [distance_db(*pair) for pair in zip(sounds, sounds[1:])]
        assert max(steps) < 5


@pytest.mark.slow
def test_whole_notes_of_every_pitch_of_every_timbre(model, timbres):
    off, clean, peaks = [], [], []
    for z in timbres:
        for pitch in model.pitches:
            note = model.synthesize(z[np.newaxis], [pitch])[0]
            off.append(abs(cents_off(note, pitch)))
            clean.append(harmonic_to_rest_db(note, pitch))
            peaks.append(np.abs(note).max())
    assert np.mean(np.array(off) < 10) >= 0.95
    assert np.median(clean) > 25
    assert min(peaks) > 0.15 and max(peaks) < 1
