"""From a clone and a bare Python to a running pdbridge: the virtual environment of the clone.

``python3 pdbridge ...`` and ``python3 tests`` come here first. Standard library only, since
nothing else is there yet, and in words that Python 3.6 can read, so that an old one still says
what is wrong. Whoever installed pdbridge with pip never gets here.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent
FOLDER = CLONE / ".venv"
OLDEST, NEWEST = (3, 10), (3, 13)  # what TensorFlow has wheels for; also in setup.py
# A change in these means installing again; so does a compiler that came or went.
DESCRIPTION = ("setup.py", "pyproject.toml", "pdbridge/nsynth/kernel_source/*.h",
               "pdbridge/nsynth/kernel_source/*.cpp")
COMPILERS = ("c++", "g++", "clang++")


class SetupError(Exception):
    """The set-up cannot go on; the message says what to type."""


def enter(arguments, extras=()):
    """Run ``python ARGUMENTS`` in the virtual environment of the clone, made if need be.

    Parameters
    ----------
    arguments : list of str
        E.g. ``["-m", "pdbridge", "play"]``.
    extras : tuple of str
        Extras of the package (setup.py) that are needed.

    Returns
    -------
    int
        Exit code. On Unix only when the set-up failed: this process becomes the other one.
    """
    try:
        python = prepare(extras)
    except SetupError as error:
        print(f"pdbridge: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    command = [str(python)] + list(arguments)
    if os.name == "posix":
        sys.stdout.flush()
        os.execv(command[0], command)
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:
        return 130


def prepare(extras=()):
    """Make the virtual environment and install the clone into it, unless that is done already.

    Returns
    -------
    Path
        The environment's Python.
    """
    python = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = FOLDER / "pdbridge-installed"
    wanted = "\n".join([_description(), *sorted(extras)])
    if not python.exists() or not _answers(python):
        _make(_suitable_python(), python)
    elif stamp.exists() and _covers(stamp.read_text(), wanted):
        return python
    _install(python, extras)
    stamp.write_text(wanted)
    return python


def _description():
    """What the environment was installed from, as one line."""
    files = [file for pattern in DESCRIPTION for file in sorted(CLONE.glob(pattern))]
    texts = b"\0".join(file.read_bytes() for file in files)
    # The place counts too: a moved clone has an environment that points to where it was.
    return hashlib.sha256(texts + f"{CLONE} {has_compiler()}".encode()).hexdigest()


def has_compiler():
    """Whether there is a C++ compiler, as far as the PATH and the environment tell."""
    return bool(os.environ.get("CXX") or any(map(shutil.which, COMPILERS)))


def _covers(installed, wanted):
    """Whether an environment installed as the first stamp says will do for the second."""
    installed, wanted = installed.split("\n"), wanted.split("\n")
    return installed[0] == wanted[0] and set(wanted[1:]) <= set(installed[1:])


def _answers(python):
    """Whether an environment's Python and pip work (a half-made or moved one has neither)."""
    try:
        code = f"import sys, pip; sys.exit(not {OLDEST} <= sys.version_info[:2] <= {NEWEST})"
        return subprocess.call([str(python), "-c", code], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def _suitable_python():
    """A Python that TensorFlow runs on: this one, or else one on the PATH."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    raise SetupError(
        f"this is Python {_dotted(sys.version_info[:2])}; TensorFlow needs Python "
        f"{_dotted(OLDEST)} to {_dotted(NEWEST)}. Install one of these and start again with it, "
        f"e.g. python{_dotted(NEWEST)} pdbridge play"
    )


def _dotted(version):
    return ".".join(str(number) for number in version)


def _make(source, python):
    """Make an empty environment with the Python at `source`."""
    if subprocess.call([source, "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL):
        version = subprocess.check_output(
            [source, "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"],
            universal_newlines=True)
        # Debian and Ubuntu keep the part of Python that makes environments in a package of its own.
        install_debian_packages([version.strip() + "-venv"], "makes virtual environments")
    print(f"pdbridge: making a virtual environment in {FOLDER}", flush=True)
    failed = subprocess.call([source, "-m", "venv", "--clear", str(FOLDER)])
    if failed or not python.exists():
        raise SetupError(f"{source} -m venv {FOLDER} failed")


def _install(python, extras):
    """Install the clone so that edits in it count at once."""
    print("pdbridge: installing into it; TensorFlow is about 600 MB to download and 2 GB on disk,\n"
          "pdbridge: one or two minutes on a fast line (only this once)", flush=True)
    target = f"{CLONE}[{','.join(extras)}]" if extras else str(CLONE)  # pip takes no empty brackets
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
               "--no-warn-script-location", "--editable", target]
    start = time.monotonic()
    with _Clock():
        failed = subprocess.call(command)
    if failed:
        raise SetupError("pip could not install it (what it said stands above). With a network "
                         "connection and 3 GB of free disk, start the same command again")
    print(f"pdbridge: installed in {time.monotonic() - start:.0f} s", flush=True)


class _Clock:
    """Shows that a long quiet step is alive: seconds on a terminal, a line a minute in a log."""

    def __init__(self):
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _tick(self):
        terminal = sys.stdout.isatty()
        start = time.monotonic()
        while not self._done.wait(1 if terminal else 60):
            seconds = time.monotonic() - start
            if terminal:
                print(f"\rpdbridge: {seconds:.0f} s ", end="", flush=True)
            else:
                print(f"pdbridge: still installing, {seconds:.0f} s", flush=True)
        if terminal:
            print("\r", end="", flush=True)


def install_debian_packages(packages, purpose):
    """Install Debian or Ubuntu packages, where that is allowed without asking for a password.

    Parameters
    ----------
    packages : list of str
    purpose : str
        What they are for, as in "makes virtual environments".

    Raises
    ------
    SetupError
        When it is not allowed, or fails; the message says what to type.
    """
    names = " ".join(packages)
    by_hand = f"type: sudo apt install {names}"
    if not shutil.which("apt-get"):
        raise SetupError(f"{names} ({purpose}) is missing; install it and start again")
    administrator = _administrator()
    if administrator is None:
        raise SetupError(f"{names} ({purpose}) is missing; {by_hand}")
    print(f"pdbridge: installing {names} ({purpose}) with apt-get", flush=True)
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    install = administrator + quiet + ["install", "-y", "--no-install-recommends"] + packages
    # A fresh machine has no package lists, so the first try may fail for want of an update.
    if subprocess.call(install, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        subprocess.call(administrator + quiet + ["update"], stdout=subprocess.DEVNULL)
        if subprocess.call(install, stdout=subprocess.DEVNULL):
            raise SetupError(f"apt-get could not install {names}; {by_hand}")


def _administrator():
    """What to put before a command to run it as root: nothing, sudo, or None where it may not."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.call(["sudo", "-n", "true"], stdout=subprocess.DEVNULL,
                                                stderr=subprocess.DEVNULL) == 0:
        return ["sudo", "-n"]
    return None
