"""What can go wrong, as exceptions with messages a musician can act on."""


class PdbridgeError(Exception):
    """Base of every error that pdbridge raises on purpose."""


class CheckpointError(PdbridgeError):
    """A checkpoint folder cannot be used; the message names the file and what is wrong with it."""


class PitchError(PdbridgeError):
    """A pitch that the model does not know; the message lists the pitches it does know."""


class LatentError(PdbridgeError):
    """A z (a timbre) with the wrong number of values, or with values that are not finite."""


class OffsetError(PdbridgeError):
    """A layer offset that names no layer of the model or does not have the layer's shape."""


class ArrayError(PdbridgeError):
    """An array of the patch that is missing, has the wrong length or holds unusable values."""


class MessageError(PdbridgeError):
    """A message with an unknown name, or with missing, surplus or impossible arguments."""


class AudioError(PdbridgeError):
    """A sound, or a sound file, that cannot be read, written or used."""


class WorkerError(PdbridgeError):
    """The process that holds a model failed, was unloaded or has too much to do."""


class HostError(PdbridgeError):
    """A patch or OSC client does not answer, or is gone."""


class ServerError(PdbridgeError):
    """The server cannot start: its port is taken, or a MIDI port is missing."""


class EmbeddingError(PdbridgeError):
    """An embedding (an encoded sound) with the wrong shape, or with values that are not finite."""


class EngineError(PdbridgeError):
    """What would do the work (compiled kernel, GPU, Dask cluster) is missing or cannot do it."""


class GridError(PdbridgeError):
    """A note grid, or a project to make one from, that is damaged or contradicts its settings."""


class ComponentsError(PdbridgeError):
    """GANSpace components that are damaged, unsafe, or do not fit; the message names the file."""


class MidiFileError(PdbridgeError):
    """A MIDI file that is missing, damaged or endless; the message names it."""


class HallucinationError(PdbridgeError):
    """A hallucination with impossible times or steps, or one that would last too long."""


class DatasetError(PdbridgeError):
    """A data set, or what one is to be made from, that is empty, damaged or unsuitable."""


class TrainingError(PdbridgeError):
    """A training that cannot start or go on; the message says what to do, or what was kept."""


class DownloadError(PdbridgeError):
    """A model that cannot be downloaded or unpacked; the message says whether it can go on later."""


class ArchiveError(DownloadError):
    """A zip or tar that is damaged, or holds what a checkpoint does not: links, names that lead elsewhere."""


class SymbolError(PdbridgeError):
    """An instrument, a velocity or a note that a SING does not know, or a table of names that is damaged."""
