"""A short name for a GANSynth checkpoint, by which what was made with it is found again.

No TensorFlow: the index files of a checkpoint hold a check sum of every tensor.
"""

import hashlib
import json
from pathlib import Path

from pdbridge.errors import CheckpointError


def fingerprint_of_checkpoint(folder):
    """Name a checkpoint by its contents.

    Parameters
    ----------
    folder : str or Path
        With ``experiment.json`` and the folders of the stages.

    Returns
    -------
    str
        16 hexadecimal digits.

    Raises
    ------
    CheckpointError
        A file cannot be read.
    """
    folder = Path(folder)
    files = [folder / "experiment.json", *sorted(folder.glob("*/*.index"))]
    try:
        digests = {file.relative_to(folder).as_posix(): _digest(file.read_bytes()) for file in files}
    except OSError as error:
        raise CheckpointError(f"{error.filename} cannot be read: {error.strerror or error}") from None
    return _digest(json.dumps(digests, sort_keys=True).encode())


def _digest(data):
    return hashlib.sha256(data).hexdigest()[:16]
