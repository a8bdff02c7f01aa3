"""Small note grids for tests: every note is a sine of its pitch, and its loudness tells the cell."""

import numpy as np

from pdbridge.notegrid import NoteGrid

PITCHES = (36, 48, 60, 66)
LENGTH = 16000  # samples, 1 s
SAMPLE_RATE = 16000
CORNERS = ("glass", "string", "whistle", "wood")


def frequency(pitch):
    return 440 * 2 ** ((pitch - 69) / 12)


def loudness(row, col, resolution=3):
    """0.1 in the first cell, 0.9 in the last."""
    return 0.1 + 0.8 * (row * resolution + col) / max(resolution ** 2 - 1, 1)


def note(row, col, pitch, length=LENGTH, resolution=3):
    """float32 [length], as it comes back from the file."""
    time_s = np.arange(length) / SAMPLE_RATE
    sine = loudness(row, col, resolution) * np.sin(2 * np.pi * frequency(pitch) * time_s)
    return (np.round(sine * 32767).astype(np.int16) / 32768).astype(np.float32)


def write(path, pitches=PITCHES, length=LENGTH, resolution=3, loop=None, corners=CORNERS):
    """Write a grid and its settings; the path."""
    notes = ((note(row, col, pitch, length, resolution) * 32768).astype(np.int16)
             for row in range(resolution) for col in range(resolution) for pitch in pitches)
    NoteGrid.write(path, notes, pitches, resolution, length, corners=corners, loop=loop)
    return path
