"""``pdbridge doctor``: what this installation can do, and why not more."""

import contextlib
import importlib
import importlib.metadata
import os
import platform
import re
import socket
import subprocess
import sys
from typing import NamedTuple

import pdbridge
from pdbridge import places
from pdbridge.errors import PdbridgeError

OLDEST_PD = (0, 52)  # what the patches need
PD_ANSWERS = 10  # s to wait at most for its version
# What nothing works without, by the names of the modules, beside TensorFlow.
NEEDED = {"numpy": "numpy", "soundfile": "soundfile", "soxr": "soxr", "pythonosc": "python-osc",
          "mido": "mido", "tqdm": "tqdm"}


class Finding(NamedTuple):
    """One line: about what, in words, and whether pdbridge cannot work like this."""

    subject: str
    words: str
    broken: bool = False


def add_to(commands):
    """Add ``pdbridge doctor`` to the command line (argparse's subparsers)."""
    doctor = commands.add_parser(
        "doctor", help="say what this installation can do, and why not more",
        description="Look at everything that pdbridge uses, a line each. The exit code is 1 if something "
        "is broken that nothing works without, else 0.")
    doctor.add_argument("--quick", action="store_true",
                        help="only see that TensorFlow is there: importing it takes seconds")
    doctor.set_defaults(run=_doctor)


def _doctor(options):
    tensorflow = _tensorflow_installed if options.quick else _tensorflow_imported
    broken = False
    for examine in (_pdbridge, _python, tensorflow, _packages, _kernel, _pd, _midi, _dask, _port, _folders):
        for finding in _findings(examine):
            mark = "BROKEN: " if finding.broken else ""
            print(f"{finding.subject:20}{mark}{finding.words}", flush=True)
            broken = broken or finding.broken
    return 1 if broken else 0


def _findings(examine):
    """What an examination finds; a doctor goes on when one of them fails."""
    try:
        return list(examine())
    except Exception as error:
        subject = examine.__name__.strip("_").partition("_")[0]
        words = " ".join(str(error).split())
        if not isinstance(error, PdbridgeError):
            words = f"{type(error).__name__}: {words}"
        return [Finding(subject, words, broken=True)]


def _pdbridge():
    yield Finding("pdbridge", f"{pdbridge.__version__}, in {places.PACKAGE}")


def _python():
    yield Finding("Python", f"{platform.python_version()}, {sys.executable}")


def _tensorflow_installed():
    try:
        version = importlib.metadata.version("tensorflow")
    except importlib.metadata.PackageNotFoundError:
        yield Finding("TensorFlow", "is not installed; install pdbridge again", broken=True)
        return
    yield Finding("TensorFlow", f"{version}; whether it works and sees a GPU: without --quick")


def _tensorflow_imported():
    from pdbridge.silence import tensorflow_silenced

    try:
        with tensorflow_silenced():
            import tensorflow as tf

            devices = tf.config.list_physical_devices("GPU")
            names = [tf.config.experimental.get_device_details(device).get("device_name", device.name)
                     for device in devices]
    except Exception as error:  # a damaged installation fails in many ways
        yield Finding("TensorFlow", f"cannot be imported ({_first_line(error)}); install pdbridge again",
                      broken=True)
        return
    where = f"on {', '.join(names)}, where NSynth decodes, too" if names else "on the processor: it sees no GPU"
    yield Finding("TensorFlow", f"{tf.__version__}, {where}")


def _packages():
    for module, package in NEEDED.items():
        try:
            importlib.import_module(module)
        except Exception as error:  # as above; soundfile raises OSError without its library
            yield Finding(package, f"cannot be imported ({_first_line(error)}); install pdbridge again",
                          broken=True)
    with contextlib.suppress(Exception):  # named above
        import soundfile
        import soxr

        yield Finding("sound files", f"soundfile {soundfile.__version__}, libsndfile "
                      f"{soundfile.__libsndfile_version__}, soxr {soxr.__version__}")


def _kernel():
    from pdbridge.nsynth import kernel
    from pdbridge.nsynth.decoding import PRECISIONS

    there, reason = kernel.available()
    if not there:
        yield Finding("NSynth decoder", f"TensorFlow; of the compiled one: {reason}")
        return
    threads = kernel.default_threads()
    yield Finding("NSynth decoder", f"compiled, {threads} thread{'s' if threads > 1 else ''}")
    for precision in PRECISIONS:
        name, why = kernel.instruction_set(precision)
        yield Finding(f"  {precision}", kernel.INSTRUCTION_SETS[name] + (f"; {why}" if why else ""))


def _pd():
    from pdbridge.session import find_pd

    try:
        pd = find_pd()
    except PdbridgeError as error:
        yield Finding("Pd", str(error))
        return
    if pd is None:
        yield Finding("Pd", "not found; sudo apt install puredata, or https://puredata.info")
        return
    try:
        asked = subprocess.run([str(pd), "-version"], capture_output=True, text=True, errors="replace",
                               timeout=PD_ANSWERS, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Finding("Pd", f"{pd} does not start: {_first_line(error)}")
        return
    version = re.search(r"Pd-(\d+)\.(\d+)[\w.-]*", asked.stdout + asked.stderr)
    if not version:
        yield Finding("Pd", f"{pd} does not say its version")
        return
    words = f"{version[0].removeprefix('Pd-')}, {pd}"
    if tuple(map(int, version.groups())) < OLDEST_PD:
        words += f"; the patches need {'.'.join(map(str, OLDEST_PD))}"
    yield Finding("Pd", words)


def _midi():
    from pdbridge import midi
    from pdbridge.silence import tensorflow_silenced as silenced

    try:
        with silenced():  # ALSA, too, writes to the terminal by itself
            names = midi.port_names()
    except PdbridgeError as error:
        yield Finding("MIDI", f"only through Pd: {error}")
        return
    yield Finding("MIDI", f"inputs: {', '.join(names)}" if names else "no input is plugged in")


def _dask():
    try:
        version = importlib.metadata.version("distributed")
    except importlib.metadata.PackageNotFoundError:
        yield Finding("Dask", "not installed; grids on a cluster need it: pip install 'pdbridge[dask]'")
        return
    yield Finding("Dask", version)


def _port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", places.PORT))
            words = "free"
        except OSError:
            words = "taken: a pdbridge server is running, or another program has it"
    yield Finding(f"port {places.PORT}", words)


def _folders():
    for subject, folder, needed in (("patches", places.patches_folder(), "gansynth.pd"),
                                    ("models", places.models_folder(), places.BUILT_IN_MODEL)):
        if (folder / needed).exists():
            yield Finding(subject, str(folder))
        else:
            yield Finding(subject, f"{folder / needed} is missing; install pdbridge again", broken=True)
    cache = places.cache_folder()
    if not cache.exists():
        words = f"{cache}, made when it is needed"
    elif cache.is_dir() and os.access(cache, os.W_OK):
        words = str(cache)
    else:
        words = f"{cache} cannot be written; PDBRIDGE_CACHE names another folder"
    yield Finding("cache", words)


def _first_line(error):
    return str(error).partition("\n")[0][:200]
