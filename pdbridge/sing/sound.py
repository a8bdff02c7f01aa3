"""What a key of a SING plays: an instrument, or what lies between two, struck with a velocity."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Sound:
    """A timbre of a SING; plain values, since it travels from the server to the model's process.

    Attributes
    ----------
    first : int
        Number of an instrument.
    second : int or None
        Another one, for what lies between the two.
    amount : float
        0 is the first, 1 the second.
    velocity : int
        MIDI velocity.
    """

    first: int
    second: int | None = None
    amount: float = 0.0
    velocity: int = 100

    def struck(self, velocity):
        """The same with another velocity (Sound)."""
        return replace(self, velocity=velocity)
