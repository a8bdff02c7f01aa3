"""Where things lie: the patches, the built-in models, the user's cache.

In a clone ``patches/`` and ``models/`` stand beside the package; in an installed package they are
inside it. Standard library only: the server and ``pdbridge --help`` start with this.
"""

import os
import sys
from pathlib import Path

from pdbridge.errors import CheckpointError

PACKAGE = Path(__file__).resolve().parent
BUILT_IN_MODEL = "small_hours"
PUBLISHED_SING = "sing"  # its folder in the cache
PORT = 9700  # UDP, of the server
PORT_VARIABLE = "PDBRIDGE_PORT"  # another one, for boxes of the py/pyext external


def _folder(name):
    clone = PACKAGE.parent
    # setup.py tells a clone from a site-packages folder that happens to hold a "patches".
    if (clone / "setup.py").is_file() and (clone / name).is_dir():
        return clone / name
    return PACKAGE / name


def patches_folder():
    """The folder with the patches of pdbridge (Path)."""
    return _folder("patches")


def models_folder():
    """The folder with the models that come with pdbridge (Path)."""
    return _folder("models")


def cache_folder():
    """The user's folder for downloaded models and the like (Path); it may not exist yet.

    ``PDBRIDGE_CACHE`` moves it.
    """
    chosen = os.environ.get("PDBRIDGE_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "pdbridge"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "pdbridge"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pdbridge"


def find_model(name, folder_of_patch=None):
    """The folder of a model.

    Parameters
    ----------
    name : str or Path
        A folder, or the name of one: it is looked for beside the patch, in the working directory,
        among the built-in models and in the user's cache, in this order. ``~`` is the home folder.
    folder_of_patch : str, Path or None

    Returns
    -------
    Path
        Absolute.

    Raises
    ------
    CheckpointError
        When there is no such folder; the message lists the places looked at.
    """
    name = Path(os.path.expanduser(name))
    places = _places_of(name, folder_of_patch)
    for place in places:
        if place.is_dir():
            return Path(os.path.abspath(place))
    looked_at = ", ".join(str(place) for place in dict.fromkeys(places))
    hint = f"; pdbridge models download {name} brings it" if _is_published(name) else ""
    raise CheckpointError(f"there is no model folder {name}{hint}; looked at {looked_at}")


def find_sing(name, folder_of_patch=None):
    """The checkpoint of a SING.

    Parameters
    ----------
    name : str or Path
        A file, or a folder with one ``.th`` (or else one ``.npz``) in it; looked for beside the patch, in the
        working directory, among the built-in models and in the user's cache, in this order. ``~`` is the
        home folder.
    folder_of_patch : str, Path or None

    Returns
    -------
    Path
        Of a file; absolute.

    Raises
    ------
    CheckpointError
        There is no such file; the message lists the places looked at.
    """
    name = Path(os.path.expanduser(name))
    places = _places_of(name, folder_of_patch)
    for place in places:
        if place.is_file():
            return Path(os.path.abspath(place))
        if place.is_dir():
            inside = sorted(place.glob("*.th")) or sorted(place.glob("*.npz"))
            if len(inside) == 1:
                return Path(os.path.abspath(inside[0]))
            if not inside:
                raise CheckpointError(f"there is no SING checkpoint (a .th, or an .npz) in {place}")
            raise CheckpointError(f"several files in {place} may be a SING; name one of "
                                  f"{', '.join(path.name for path in inside[:5])}")
    looked_at = ", ".join(str(place) for place in dict.fromkeys(places))
    published = name.name.removesuffix(".th")
    hint = f"; pdbridge models download {published} brings it" if _is_published(published) else ""
    raise CheckpointError(f"there is no SING checkpoint {name}{hint}; looked at {looked_at}")


def find_playable(name, folder_of_patch=None):
    """A model that keys can play: what it is, and where.

    Parameters
    ----------
    name : str or Path
        A GANSynth's folder, or a SING's file (or the folder with it), as `find_model` and `find_sing` take
        them.
    folder_of_patch : str, Path or None

    Returns
    -------
    kind : {"gansynth", "sing"}
    path : Path

    Raises
    ------
    CheckpointError
        There is no such model.
    """
    path = Path(os.path.expanduser(name))
    if path.suffix in (".th", ".npz") or any(place.is_file() for place in _places_of(path, folder_of_patch)):
        return "sing", find_sing(path, folder_of_patch)
    folder = find_model(path, folder_of_patch)
    return ("sing", find_sing(folder)) if any(folder.glob("*.th")) else ("gansynth", folder)


def _is_published(name):
    from pdbridge.downloads import CATALOGUE

    return str(name) in {model.name for model in CATALOGUE}


def _places_of(name, folder_of_patch):
    """Where a model of this name may be: a list of Path."""
    if name.is_absolute():
        return [name]
    beside_patch = [Path(folder_of_patch)] if folder_of_patch else []
    parents = [*beside_patch, Path.cwd(), models_folder(), cache_folder() / "models"]
    return [parent / name for parent in parents]


def find_checkpoint(name, folder_of_patch=None):
    """The path of a checkpoint that need not be a folder.

    Parameters
    ----------
    name : str or Path
        A file, a folder, or what the files of a checkpoint begin with (``model.ckpt-200000``); else the
        name of a model, as `find_model` takes it. SING's is the only file, ``.th``, of its folder.
    folder_of_patch : str, Path or None

    Returns
    -------
    Path
        As it was given where there is no model of that name either: who reads it says what is missing.

    Raises
    ------
    CheckpointError
        It is the name of a published model that was not downloaded yet.
    """
    path = Path(os.path.expanduser(name))
    if path.exists() or Path(f"{path}.index").exists():
        return path
    try:
        folder = find_model(path, folder_of_patch)
    except CheckpointError:
        if _is_published(path):
            raise
        return path
    files = list(folder.glob("*.th"))
    return files[0] if len(files) == 1 else folder
