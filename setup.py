"""How pdbridge is packed: Python, its patches, its built-in model, and NSynth's compiled decoder.

The decoder is C++ and optional. Without a compiler TensorFlow does its work, more slowly; whatever a
compiler cannot build is left out, and the library knows what it has. ``pdbridge doctor`` tells.
"""

import re
import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # before setuptools 70.1
    try:
        from wheel.bdist_wheel import bdist_wheel
    except ImportError:  # pip has not come to the wheel yet
        bdist_wheel = None

HERE = Path(__file__).parent
VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "pdbridge/__init__.py").read_text(), re.M)[1]

# In the clone patches/ and models/ stand on top, where musicians look for them. In the installed
# package they are the folders pdbridge/patches and pdbridge/models (see pdbridge/places.py).
FOLDERS = {"pdbridge.patches": "patches", "pdbridge.models": "models"}

KERNEL = "pdbridge.nsynth.kernel_library"
KERNEL_SOURCE = Path("pdbridge/nsynth/kernel_source")
#: Files for instructions that not every processor has, and what the compiler must allow in them.
AVX512 = ["-mavx2", "-mfma", "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"]
INSTRUCTIONS = {
    "avx2": ["-mavx2", "-mfma"],
    "avx512": AVX512,
    "avx512_bf16": [*AVX512, "-mavx512bf16"],
    "avx512_vnni": [*AVX512, "-mavx512vnni"],
}
DISPATCH = "dispatch"  # the file that has to know which of them were built
FLAGS = {
    "unix": ["-O3", "-g0", "-std=c++17", "-fvisibility=hidden", "-pthread",
             # GCC suspects its own AVX-512 headers.
             "-Wno-uninitialized", "-Wno-maybe-uninitialized"],
    "msvc": ["/O2", "/std:c++17", "/EHsc"],  # and portable code only: it has other flags
}


class BuildKernel(build_ext):
    """Builds the compiled decoder, or says in one line what goes without it."""

    def get_ext_filename(self, fullname):
        # It knows nothing of Python, so its name names none: one build serves every version.
        return fullname.replace(".", "/") + (".dll" if sys.platform == "win32" else ".so")

    def build_extension(self, extension):
        try:
            self._compile(extension)
        except Exception as error:  # distutils raises many types, for a missing compiler, too
            print("pdbridge: the C++ compiler is missing or failed, so NSynth decodes with TensorFlow, "
                  f"which is slower ({' '.join(str(error).split())[:200]})", file=sys.stderr)

    def _compile(self, extension):
        msvc = self.compiler.compiler_type == "msvc"
        flags = FLAGS["msvc" if msvc else "unix"]

        def compiled(name, more=(), macros=()):
            return self.compiler.compile([str(KERNEL_SOURCE / f"{name}.cpp")], output_dir=self.build_temp,
                                         macros=list(macros), extra_postargs=[*flags, *more])

        sources = [Path(source).stem for source in extension.sources]
        objects = sum((compiled(name) for name in sources if name not in (*INSTRUCTIONS, DISPATCH)), [])
        macros = []
        for name, instructions in INSTRUCTIONS.items():
            if msvc or not re.search("x86_64|amd64|universal2", self.plat_name):
                continue
            try:
                objects += compiled(name, instructions)
                macros.append((f"PDBRIDGE_HAS_{name.upper()}", None))
            except Exception as error:
                print(f"pdbridge: the C++ compiler cannot build {name}.cpp, which is left out ({error})",
                      file=sys.stderr)
        objects += compiled(DISPATCH, macros=macros)
        self.compiler.link_shared_object(
            objects, self.get_ext_fullpath(extension.name), target_lang="c++",
            extra_postargs=[] if msvc else ["-pthread"])


COMMANDS = {"build_ext": BuildKernel}
if bdist_wheel:

    class Wheel(bdist_wheel):
        """A wheel for every Python 3; for every machine as well if it holds no compiled decoder."""

        def get_tag(self):
            built = Path(self.get_finalized_command("build_ext").get_ext_fullpath(KERNEL)).exists()
            return "py3", "none", super().get_tag()[2] if built else "any"

    COMMANDS["bdist_wheel"] = Wheel


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
    ext_modules=[Extension(KERNEL, sorted(str(KERNEL_SOURCE / file.name)
                                          for file in (HERE / KERNEL_SOURCE).glob("*.cpp")), optional=True)],
    cmdclass=COMMANDS,
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
        "ganspace": ["scikit-learn>=1.3"],  # finding components batch after batch
        "train": ["tensorboard>=2.16"],  # curves, sounds and pictures of a training
        "pitch": ["librosa>=0.10.1"],  # pYIN: which pitch a recording has
        # Pictures of sounds: matplotlib draws, librosa has the constant-Q transform of rainbowgrams.
        "plots": ["matplotlib>=3.8", "librosa>=0.10.1"],
        "test": ["pytest>=8", "setuptools>=64", "wheel",  # the tests build the package, too
                 "scikit-learn>=1.3",  # find components
                 "tensorboard>=2.16",  # watch a training
                 "matplotlib>=3.8", "librosa>=0.10.1",  # draw sounds and hear pitches
                 "py2max==0.6.0",  # write the Max patches: the same bytes as the committed ones
                 "distributed>=2024.1"],  # and render on a cluster of two
    },
    entry_points={"console_scripts": ["pdbridge = pdbridge.cli:main"]},
)
