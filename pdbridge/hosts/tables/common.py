"""Arguments that messages of several instruments take."""

from pdbridge.hosts.message import Argument

PITCH = Argument("pitch", "whole", 0, 127)
VELOCITY = Argument("velocity", "whole", 0, 127)
VOICES = (
    Argument("array-prefix", "array"), Argument("count", "whole", 0, 64),
    Argument("sample-rate", "number", 8000, 768000),
    Argument("polyphony", "whole", 1, 64, optional=True),
)
RELEASE = (Argument("milliseconds", "number", 1, 10000),)
