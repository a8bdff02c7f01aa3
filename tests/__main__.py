"""``python3 tests``: everything the tests need, then the tests.

Makes the virtual environment of the clone with pytest in it, installs Pd, SuperCollider and a C++
compiler where it may, and hands its arguments on to pytest.
"""

import os
import shutil
import sys
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent
sys.path[0] = str(CLONE)  # in place of this folder

from pdbridge import environment

SUPERCOLLIDER = ("sclang", "scsynth", "jackd")


def main():
    if not (os.environ.get("PDBRIDGE_PD") or shutil.which("pd") or shutil.which("puredata")):
        _install(["puredata-core"], "Pd, for the tests", "without Pd the tests of the patches fail")
    if not all(map(shutil.which, SUPERCOLLIDER)):
        # half a minute on a fast line; the JACK server it runs on comes with it
        _install(["supercollider-server", "supercollider-language"], "SuperCollider, for the tests",
                 "without SuperCollider the tests of examples/gansynth.scd fail")
    if not environment.has_compiler():
        _install(["g++"], "the C++ compiler, for the tests",
                 "without a compiler the tests of NSynth's compiled decoder are skipped")
    arguments = sys.argv[1:]
    os.chdir(str(CLONE))
    return environment.enter(["-m", "pytest"] + arguments, extras=("test",))


def _install(packages, purpose, otherwise):
    try:
        environment.install_debian_packages(packages, purpose)
    except environment.SetupError as error:
        print(f"pdbridge: {error}\npdbridge: {otherwise}", file=sys.stderr)


sys.exit(main())
