"""``python3 tests``: everything the tests need, then the tests.

Makes the virtual environment of the clone with pytest in it, installs Pd where it may, and hands
its arguments on to pytest.
"""

import os
import shutil
import sys
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent
sys.path[0] = str(CLONE)  # in place of this folder

from pdbridge import environment


def main():
    if not (os.environ.get("PDBRIDGE_PD") or shutil.which("pd") or shutil.which("puredata")):
        try:
            environment.install_debian_packages(["puredata-core"], "Pd, for the tests")
        except environment.SetupError as error:
            print(f"pdbridge: {error}\npdbridge: without Pd the tests of the patches fail", file=sys.stderr)
    arguments = sys.argv[1:]
    os.chdir(str(CLONE))
    return environment.enter(["-m", "pytest"] + arguments, extras=("test",))


sys.exit(main())
