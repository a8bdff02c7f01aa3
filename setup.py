"""How pdbridge is packed: pure Python, with its patches and its built-in model inside."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "pdbridge/__init__.py").read_text(), re.M)[1]

# In the clone patches/ and models/ stand on top, where musicians look for them. In the installed
# package they are the folders pdbridge/patches and pdbridge/models (see pdbridge/places.py).
FOLDERS = {"pdbridge.patches": "patches", "pdbridge.models": "models"}

setup(
    name="pdbridge",
    version=VERSION,
    description="Play neural synthesizers live from Pure Data, Max, MIDI and OSC",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="BSD-3-Clause",
    license_files=["LICENSE"],
    keywords=["Pure Data", "GANSynth", "synthesizer", "OSC", "MIDI", "live"],
    classifiers=[
        "Intended Audience :: End Users/Desktop",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Multimedia :: Sound/Audio :: Sound Synthesis",
    ],
    python_requires=">=3.10,<3.14",  # what TensorFlow has wheels for
    packages=[*find_packages(include=["pdbridge", "pdbridge.*"]), *FOLDERS],
    package_dir=FOLDERS,
    package_data={name: ["**/*"] for name in FOLDERS},
    include_package_data=False,
    install_requires=[
        "tensorflow>=2.16",
        "numpy>=1.26",
        "python-osc>=1.8",
        "mido>=1.3",
        "soundfile>=0.12",  # WAV files of 32-bit floats, which the wave module cannot write
        # Band-limited resampling of notes from 16 kHz to Pd's rate, slice by slice. Reading them
        # straight with tabread4~ leaves an image of a 6 kHz partial at -12 dB.
        "soxr>=0.3.7",
        "tqdm>=4.64",  # progress with the time left: a grid takes a night
    ],
    extras_require={
        "midi": ["python-rtmidi>=1.5"],  # MIDI devices without going through Pd
        "dask": ["distributed>=2024.1"],  # note grids on a cluster
        "test": ["pytest>=8", "setuptools>=64", "wheel",  # the tests build the package, too
                 "distributed>=2024.1"],  # and render on a cluster of two
    },
    entry_points={"console_scripts": ["pdbridge = pdbridge.cli:main"]},
)
