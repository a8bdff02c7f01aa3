"""MIDI pitches, in words."""


def ranges(pitches):
    """Pitches as a musician would list them.

    Parameters
    ----------
    pitches : iterable of int

    Returns
    -------
    str
        E.g. ``24 to 36, 48``.
    """
    runs = []
    for pitch in sorted(pitches):
        if runs and pitch == runs[-1][1] + 1:
            runs[-1][1] = pitch
        else:
            runs.append([pitch, pitch])
    return ", ".join(f"{low} to {high}" if high > low else f"{low}" for low, high in runs)
