"""SuperCollider without windows or sound card, for tests: sclang, scsynth and a JACK server of their own."""

import contextlib
import os
import shutil
import signal
import subprocess

import pytest

from pdbridge.session import free_port

SAMPLE_RATE = 44100
FOLDERS = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")
PATIENCE = 60.0  # s for a whole run; a cold disk takes 10 to start it


def find(program):
    """A program; without it the test fails."""
    found = shutil.which(program)
    if not found:
        pytest.fail(f"the test of examples/gansynth.scd needs {program}: apt-get install "
                    "supercollider-server supercollider-language")
    return found


def run(script, folder):
    """Run a script in sclang; it ends with ``0.exit``, and `s` is a server that is not booted yet.

    Parameters
    ----------
    script : str
        A function in braces.
    folder : Path
        For everything that SuperCollider and JACK write; must be empty.

    Returns
    -------
    str
        What sclang and scsynth wrote.
    """
    home = folder / "home"
    home.mkdir(mode=0o700)
    name = f"pdbridge-{os.getpid()}"
    environment = {
        **os.environ,
        **dict.fromkeys(FOLDERS, str(home)),
        "QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1",  # which root may not have
        "JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1",
    }
    server = f'Server.default = s = Server(\\test, NetAddr("127.0.0.1", {free_port()}));\n'
    (folder / "script.scd").write_text(f"{server}({script}).value;\n")
    jack = [find("jackd"), "-n", name, "-r", "--no-mlock", "-d", "dummy", "-r", str(SAMPLE_RATE), "-p", "512"]
    sclang = [find("sclang"), "-u", str(free_port()), "-d", str(folder), str(folder / "script.scd")]
    find("scsynth")
    with (folder / "output.txt").open("w+") as output:
        quiet = {"env": environment, "stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
        with _ended(subprocess.Popen(jack, stdout=subprocess.DEVNULL, **quiet)):
            subprocess.run([find("jack_wait"), "-s", name, "-w", "-t", "20"], check=True,
                           stdout=subprocess.DEVNULL, **quiet)
            with _ended(subprocess.Popen(sclang, stdout=output, start_new_session=True, **quiet),
                        group=True) as process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(PATIENCE)
                output.seek(0)
                said = output.read()
                assert process.returncode == 0, said[-4000:]
                return said


@contextlib.contextmanager
def _ended(process, group=False):
    """End a process when the block ends; with `group` also what it started (scsynth)."""
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            if group:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.terminate()
        process.wait()
