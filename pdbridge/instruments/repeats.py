"""Notes that repeat a part of themselves while they are held: where, and how the seam is hidden.

The loop points of samplers, as in the settings of Open NSynth Super (Google, 2018). Its sounds were
not made to be repeated, so the end of the part is moved a little to where the wave goes on as at the
start, and faded into what comes before the start. Pure functions of arrays.
"""

import numpy as np


def best_end(note, start, end, period, fade):
    """The end of the part at which the wave is most like that at its start.

    Parameters
    ----------
    note : float array [n]
    start, end : int
        Samples; the part that repeats.
    period : float
        Samples of one period of the note; the end moves by half of it at most.
    fade : int
        Samples before both points that are compared.

    Returns
    -------
    int
    """
    half = int(period / 2)
    fade = min(fade, start)
    lowest, highest = max(end - half, start + 1, fade), min(end + half, len(note))
    if fade < 1 or lowest >= highest:
        return end
    before_start = note[start - fade:start]
    before_ends = note[lowest - fade:highest]
    size = len(before_ends)
    products = np.fft.irfft(np.fft.rfft(before_ends) * np.conj(np.fft.rfft(before_start, size)), size)
    products = products[:size - fade + 1]  # [ends]; the others wrapped around
    squares = np.cumsum(np.append(0.0, np.square(before_ends, dtype=np.float64)))
    energies = squares[fade:] - squares[:-fade]  # [ends]
    return lowest + int(np.argmax(products / np.sqrt(energies + 1e-9)))


def with_seam(sound, start, end, fade, shortest, guard):
    """A sound that can be played on from `start` when it has come to its end.

    Its last samples fade into those before `start`, with weights that keep the loudness, whether the
    two are alike (there the sum of the amplitudes counts) or not (there that of the powers).

    Parameters
    ----------
    sound : float32 [at least end]
    start, end : int
        Samples; the part that repeats.
    fade : int
        Samples, of the part at most.
    shortest : int
        Samples; a part that is shorter is written several times.
    guard : int
        Samples behind the end, for a reader that interpolates: those at the start again.

    Returns
    -------
    samples : float32 [n]
    repeat : (int, int)
        Start and length of what repeats, samples.
    """
    fade = min(fade, end - start)
    samples = np.array(sound[:end], np.float32)
    old = samples[end - fade:]  # [fade]
    new = np.zeros(fade, np.float32)  # silence comes before a start at 0
    known = min(fade, start)
    new[fade - known:] = sound[start - known:start]
    amount = (np.arange(fade, dtype=np.float32) + 0.5) / fade
    power = np.sqrt(np.dot(old, old) * np.dot(new, new))
    likeness = np.clip(np.dot(old, new) / power, 0, 1) if power > 0 else 0.0
    level = np.sqrt((1 - amount) ** 2 + amount ** 2 + 2 * amount * (1 - amount) * likeness)
    samples[end - fade:] = ((1 - amount) * old + amount * new) / level
    part = samples[start:end]
    times = max(1, -(-shortest // len(part)))
    repeated = np.tile(part, times - 1)
    return (np.concatenate([samples, repeated, np.resize(part, guard)]),
            (start, times * len(part)))
