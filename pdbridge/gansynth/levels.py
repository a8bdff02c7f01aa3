"""How loud GANSynth's sounds go into a mix, and how loud the mix comes out.

Hallucinations and MIDI clips of the original have this in common: each sound is divided by its highest
value before it is added, and the whole is brought to a peak of 0.5. Pure numpy.
"""

import numpy as np

#: A sound is divided by its highest value, as in the original, but by no less than its lowest over
#: this: one with next to nothing above zero would drown all others.
LOPSIDED = 2
PEAK = 0.5


def evened(sound):
    """A sound as it goes into a mix, whatever its level was.

    Parameters
    ----------
    sound : float32 [samples]

    Returns
    -------
    float32 [samples]
        Divided by its highest value, see `LOPSIDED`. Zeros for a silent sound and for one that is not
        finite (in the original they turn the whole mix into NaN).
    """
    peak = max(sound.max(), -sound.min() / LOPSIDED) if len(sound) else 0
    return sound / peak if peak > 0 and np.isfinite(peak) else np.zeros_like(sound)


def gain_to_peak(samples):
    """What to multiply a mix with for a peak of 0.5, by absolute value.

    Parameters
    ----------
    samples : array [samples]

    Returns
    -------
    float
        1 for silence.
    """
    peak = max(float(samples.max()), -float(samples.min())) if len(samples) else 0
    return PEAK / peak if peak > 0 else 1.0
