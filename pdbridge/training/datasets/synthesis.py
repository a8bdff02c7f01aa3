"""A data set of notes that `pdbridge.training.synthesizer` plays, for trying a training out without recordings.

The notes of a seed are those that ``pdbridge train gansynth --objective distil`` learns from with that seed.
"""

import json
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from pdbridge.files import written_whole
from pdbridge.progress import progress
from pdbridge.silence import tensorflow_silenced
from pdbridge.training import synthesizer
from pdbridge.training.datasets.assembly import DATA, META, free_folder, made_folder
from pdbridge.training.datasets.notes import FAMILIES, QUALITIES, SAMPLE_RATE, SOURCES, Note

#: What the synthesizer's families are among those of NSynth.
NSYNTH_FAMILIES = dict(zip(synthesizer.FAMILIES, ("mallet", "guitar", "organ", "brass", "string", "vocal"), strict=True))
AHEAD = 16  # notes rendered while one is written


def synthesize(out_dir, count, seed=0, pitches=synthesizer.PITCHES):
    """Make ``data.tfrecord`` and ``meta.json`` with random notes.

    Parameters
    ----------
    out_dir : str or Path
        Made if need be.
    count : int
        Notes; as many of each pitch as of every other, or one more.
    seed : int
    pitches : sequence of int
        MIDI.

    Returns
    -------
    dict of str to int
        How many of each of the synthesizer's families.

    Raises
    ------
    DatasetError
        When the data set exists, or cannot be written.
    """
    folder = free_folder(out_dir)
    players = {pitch: synthesizer.Pitch(pitch) for pitch in pitches}
    timbres = synthesizer.projection()
    meta, made = {}, dict.fromkeys(synthesizer.FAMILIES, 0)

    def rendered(number):
        z, pitch = synthesizer.drawn(seed, number, pitches)
        p = timbres @ z
        family = synthesizer.FAMILIES[synthesizer.families(p).argmax()]
        velocity = round(1 + 126 * synthesizer.unit(p[-1]))
        return family, pitch, velocity, players[pitch].render(p)

    def notes():
        with ThreadPoolExecutor(2, "note") as pool, progress(count, "note", "synthesizing") as bar:
            coming = deque()
            for number in range(count + AHEAD):
                if number < count:
                    coming.append(pool.submit(rendered, number))
                if number >= AHEAD:
                    yield described(number - AHEAD, *coming.popleft().result())
                    bar.update()

    def described(number, family, pitch, velocity, audio):
        made[family] += 1
        like = NSYNTH_FAMILIES[family]
        instrument = f"{like}_synthetic_{number:06d}"
        meta[f"{instrument}_{pitch}"] = {
            "instrument_str": instrument, "pitch": pitch, "instrument_source": SOURCES.index("synthetic"),
            "instrument_family": FAMILIES.index(like), "qualities": [0] * len(QUALITIES)}
        return Note(pitch, audio, velocity, f"{instrument}-{pitch:03d}-{velocity:03d}",
                    instrument_source=SOURCES.index("synthetic"), instrument_family=FAMILIES.index(like),
                    sample_rate=SAMPLE_RATE)

    with tensorflow_silenced():
        from pdbridge.training.datasets import records
    with made_folder(folder), written_whole(folder / META) as temporary:
        records.write(folder / DATA, notes())
        temporary.write_text(json.dumps(meta, indent=4), encoding="ascii")
    return made
