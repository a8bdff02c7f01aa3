"""Notes as files: what the original's ``sing.generate`` does."""

import io
from pathlib import Path

import numpy as np

from pdbridge.errors import AudioError, PdbridgeError, SymbolError
from pdbridge.files import make_folder, written_whole
from pdbridge.progress import progress, say
from pdbridge.sing import symbols

LARGEST_LIST = 1 << 24  # bytes


def load(path, examples=None):
    """A SING with names of instruments.

    Parameters
    ----------
    path : str or Path
        The checkpoint.
    examples : str or Path, optional
        NSynth's ``examples.json``, in place of the names that the checkpoint or the cache holds.

    Returns
    -------
    pdbridge.sing.model.SING

    Raises
    ------
    PdbridgeError
        One of the files cannot be used.
    """
    from pdbridge.sing.model import SING  # TensorFlow takes seconds to load

    instruments = symbols.read_examples(examples) if examples else None
    return SING.load(path, instruments=instruments)


def pcm16(samples):
    """Samples as the original writes them: clipped, scaled by 32767, and cut (not rounded) to whole numbers.

    Parameters
    ----------
    samples : float32 array

    Returns
    -------
    int16 array
    """
    return (np.clip(samples, -1, 1) * np.float32(32767)).astype(np.int16)


def write_note(path, samples, sample_rate):
    """Write a mono WAV of 16 bits.

    Parameters
    ----------
    path : Path
        Replaced when all is written.
    samples : float32 array [samples]
    sample_rate : int
        Hz.

    Raises
    ------
    PdbridgeError
        It cannot be written.
    """
    import soundfile

    packed = io.BytesIO()  # libsndfile would call a full disk a system error
    try:
        soundfile.write(packed, pcm16(samples), sample_rate, format="WAV", subtype="PCM_16")
    except soundfile.SoundFileError as error:
        raise AudioError(f"{path} cannot be written: {error}") from None
    with written_whole(path) as temporary:
        temporary.write_bytes(packed.getbuffer())


def generate(model, names, folder, batch_size):
    """Make the notes of a list.

    Parameters
    ----------
    model : pdbridge.sing.model.SING
    names : str or Path
        The file with the list: a name of a note on each line (`symbols.split_note`).
    folder : str or Path
        Made if need be. ``<name>.wav`` is replaced if it is there.
    batch_size : int
        Notes that are made together.

    Returns
    -------
    made, passed_over : int
        Notes that were written; lines that were not understood, each reported by `say`.

    Raises
    ------
    PdbridgeError
        The list or the folder cannot be used, or a note cannot be written.
    """
    notes, passed_over = _read_list(names, model)
    if not notes:
        raise SymbolError(f"{names} names no note that can be made")
    make_folder(folder)
    folder = Path(folder).expanduser()
    with progress(len(notes), "note") as bar:
        for start in range(0, len(notes), batch_size):
            batch = notes[start:start + batch_size]
            sounds = model.synthesize(*map(list, zip(*(note for _, note in batch), strict=True)))
            for (name, _), samples in zip(batch, sounds, strict=True):
                write_note(folder / f"{name}.wav", samples, model.sample_rate)
                bar.update(1)
    return len(notes), passed_over


def _read_list(path, model):
    """Names with (instrument, pitch, velocity), each once, and how many lines were passed over."""
    path = Path(path).expanduser()
    try:
        if path.exists() and not path.is_file():
            raise SymbolError(f"{path} is not a file")
        with open(path, "rb") as file:
            contents = file.read(LARGEST_LIST + 1)
    except OSError as error:
        raise SymbolError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(contents) > LARGEST_LIST:
        raise SymbolError(f"{path} is larger than {LARGEST_LIST >> 20} MB, too large for a list of notes")
    try:
        lines = contents.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise SymbolError(f"{path} is no text") from None

    notes, passed_over = {}, 0
    for number, line in enumerate(lines, 1):
        name = line.strip()
        try:
            if not name:
                raise SymbolError("the line is blank")
            instrument, pitch, velocity = symbols.split_note(name)
            model.check(instrument, pitch, velocity)
        except PdbridgeError as error:
            passed_over += 1
            say(f"pdbridge: {path.name}, line {number}: {error}")
            continue
        nearest = symbols.nearest_velocity(velocity)
        if nearest != velocity:
            say(f"pdbridge: {path.name}, line {number}: {name} is made with the velocity {nearest}, the nearest that "
                "SING knows")
        notes[name] = instrument, pitch, velocity
    return list(notes.items()), passed_over
