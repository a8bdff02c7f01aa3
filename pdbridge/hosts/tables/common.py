"""Arguments that messages of several instruments take."""

from pdbridge.hosts.message import Argument

PITCH = Argument("pitch", "whole", 0, 127)
VELOCITY = Argument("velocity", "whole", 0, 127)
VOICES = (
    Argument("array-prefix", "array"), Argument("count", "whole", 0, 64),
    Argument("sample-rate", "number", 8000, 768000),
    Argument("polyphony", "whole", 1, 64, optional=True),
)
WRITE_NOTE = (PITCH, Argument("file.wav", "file"),
              Argument("sample-rate", "whole", 8000, 192000, optional=True))
IN_A_FILE = ("It is for programs that play files. The file is below the patch's folder, the server's working "
             "directory or a --folder, whole when the answer comes, and replaces an older one of its name.")
RELEASE = (Argument("milliseconds", "number", 1, 10000),)
LIVE_RATE = Argument("sample-rate", "number", 8000, 192000, optional=True)
