"""A data set of a few short notes in the shape of NSynth: harmonic sounds that die away."""

import json

import numpy as np
import soundfile

from pdbridge.sing.symbols import VELOCITIES

RATE = 16000
INSTRUMENTS = {"bass_synthetic_033": 3, "synth_lead_acoustic_001": 5}
PITCHES = (48, 55, 60, 64, 67, 72)


def sound(number, pitch, velocity, samples):
    """A note; instruments differ in their partials, velocities in loudness."""
    time = np.arange(samples) / RATE
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    partials = sum(np.sin(2 * np.pi * frequency * k * time) / k ** (number / 3) for k in range(1, 5))
    return (partials / 4 * velocity / 127 * np.exp(-8 * time)).astype(np.float32)


def write(folder, samples, instruments=INSTRUMENTS, pitches=PITCHES):
    """Write ``examples.json`` and ``audio``; returns the folder."""
    (folder / "audio").mkdir(parents=True)
    examples = {}
    for instrument, number in instruments.items():
        for pitch in pitches:
            for velocity in VELOCITIES:
                name = f"{instrument}-{pitch:03d}-{velocity:03d}"
                examples[name] = {"note_str": name, "instrument": number, "instrument_str": instrument, "pitch": pitch,
                                  "velocity": velocity, "sample_rate": RATE, "instrument_family": 0,
                                  "instrument_source": 2, "qualities": [0] * 10}
                soundfile.write(folder / "audio" / f"{name}.wav", sound(number, pitch, velocity, samples), RATE,
                                subtype="PCM_16")
    (folder / "examples.json").write_text(json.dumps(examples))
    return folder
