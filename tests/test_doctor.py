"""What ``pdbridge doctor`` says about this machine, and about worse ones."""

import importlib
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import pdbridge
from pdbridge import cli, midi, places
from pdbridge.commands import doctor
from pdbridge.errors import ServerError
from pdbridge.nsynth import kernel

CLONE = Path(__file__).resolve().parent.parent


@pytest.fixture
def examined(capsys, monkeypatch, tmp_path):
    """Runs the doctor and gives its exit code and its lines, words by subject."""
    monkeypatch.setenv("PDBRIDGE_CACHE", str(tmp_path / "cache"))

    def examine(*options):
        code = cli.main(["doctor", *options])
        lines = capsys.readouterr().out.splitlines()
        assert all(re.match(r"  \w|\S", line) and line[19] == " " and line[20] != " " for line in lines), lines
        return code, {line[:20].strip(): line[20:] for line in lines}

    return examine


def test_everything_is_looked_at(examined):
    code, words = examined("--quick")
    assert code == 0
    assert words["pdbridge"].startswith(f"{pdbridge.__version__}, in ")
    assert words["Python"].endswith(sys.executable)
    assert re.match(r"\d+\.\d+.*without --quick", words["TensorFlow"])
    assert re.match(r"soundfile \d.*, libsndfile \d.*, soxr \d", words["sound files"])
    assert {"NSynth decoder", "Pd", "MIDI", "Dask", "port 9700"} <= set(words)
    assert words["patches"] == str(places.patches_folder())
    assert words["models"] == str(places.models_folder())


def test_tensorflow_and_what_it_runs_on_are_named(examined, monkeypatch):
    import tensorflow as tf

    code, words = examined()
    assert code == 0
    assert words["TensorFlow"] == f"{tf.__version__}, on the processor: it sees no GPU" \
        or "where NSynth decodes" in words["TensorFlow"]
    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [gpu])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda _: {"device_name": "Big One"})
    assert examined()[1]["TensorFlow"] == f"{tf.__version__}, on Big One, where NSynth decodes, too"


def test_the_doctor_is_quick_without_tensorflow():
    code = ("import sys; from pdbridge import cli; assert cli.main(['doctor', '--quick']) == 0; "
            "sys.exit('tensorflow' in sys.modules)")
    subprocess.run([sys.executable, "-c", code], cwd=CLONE, check=True, capture_output=True, timeout=60)


@pytest.mark.skipif(not kernel.usable(), reason=f"the compiled decoder: {kernel.available()[1]}")
def test_the_instructions_of_each_precision_are_named(examined, monkeypatch):
    _, words = examined("--quick")
    assert re.fullmatch(r"compiled, \d+ threads?", words["NSynth decoder"])
    for precision in kernel.MADE_FOR:
        name, why = kernel.instruction_set(precision)
        assert words[precision] == kernel.INSTRUCTION_SETS[name] + (f"; {why}" if why else "")
    monkeypatch.setenv(kernel.ENVIRONMENT, "portable")
    assert examined("--quick")[1]["int8"] == "portable code; PDBRIDGE_KERNEL is portable"


def test_without_the_compiled_decoder_the_reason_is_given(examined, monkeypatch, tmp_path):
    monkeypatch.setattr(kernel, "LIBRARY", tmp_path / "none.so")
    code, words = examined("--quick")
    assert code == 0
    assert words["NSynth decoder"].startswith("TensorFlow; of the compiled one: it is not built")
    assert "int8" not in words


def test_a_taken_port_is_said(examined):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        try:
            other.bind(("127.0.0.1", places.PORT))
        except OSError:
            pass  # by something else on this machine
        assert examined("--quick")[1]["port 9700"].startswith("taken")


def failing(words):
    def fail():
        raise ServerError(words)

    return fail


def fake_pd(folder, script):
    program = folder / "pd"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.skipif(os.name == "nt", reason="shell scripts")
@pytest.mark.parametrize(("script", "expected"), [
    ('echo \'Pd-0.55.2 ("") compiled\' >&2', "0.55.2, {pd}"),
    ("echo Pd-0.49.0test3", "0.49.0test3, {pd}; the patches need 0.52"),
    ("exit 3", "{pd} does not say its version"),
])
def test_pd_is_asked_for_its_version(examined, monkeypatch, tmp_path, script, expected):
    pd = fake_pd(tmp_path, script)
    monkeypatch.setenv("PDBRIDGE_PD", pd)
    code, words = examined("--quick")
    assert code == 0 and words["Pd"] == expected.format(pd=pd)


def test_a_pd_that_does_not_answer_is_said(examined, monkeypatch, tmp_path):
    pd = fake_pd(tmp_path, "")
    monkeypatch.setenv("PDBRIDGE_PD", pd)

    def hang(*_, timeout, **__):
        raise subprocess.TimeoutExpired("pd", timeout)

    monkeypatch.setattr(doctor.subprocess, "run", hang)
    assert "does not start" in examined("--quick")[1]["Pd"]


def test_no_pd_says_where_to_get_it(examined, monkeypatch):
    monkeypatch.setattr("pdbridge.session.find_pd", lambda: None)
    code, words = examined("--quick")
    assert code == 0 and "sudo apt install puredata" in words["Pd"]
    monkeypatch.setattr("pdbridge.session.find_pd", failing("PDBRIDGE_PD is x"))
    assert examined("--quick")[1]["Pd"] == "PDBRIDGE_PD is x"


def test_midi_inputs_are_listed_and_may_be_missing(examined, monkeypatch):
    monkeypatch.setattr(midi, "port_names", lambda: ["Keys", "Pads"])
    assert examined("--quick")[1]["MIDI"] == "inputs: Keys, Pads"
    monkeypatch.setattr(midi, "port_names", lambda: [])
    assert examined("--quick")[1]["MIDI"] == "no input is plugged in"
    monkeypatch.setattr(midi, "port_names", failing("no rtmidi"))
    code, words = examined("--quick")
    assert code == 0 and words["MIDI"] == "only through Pd: no rtmidi"


def test_missing_extras_are_said(examined, monkeypatch):
    missing(monkeypatch, "distributed")
    code, words = examined("--quick")
    assert code == 0 and "pip install 'pdbridge[dask]'" in words["Dask"]


def missing(monkeypatch, package):
    version = doctor.importlib.metadata.version

    def without(name):
        if name == package:
            raise doctor.importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(doctor.importlib.metadata, "version", without)


# What is broken


def test_a_package_that_cannot_be_imported_is_broken(examined, monkeypatch):
    import_module = importlib.import_module

    def damaged(name):
        if name == "soxr":
            raise ImportError("libsoxr.so: cannot open\nand more")
        return import_module(name)

    monkeypatch.setattr(doctor.importlib, "import_module", damaged)
    code, words = examined("--quick")
    assert code == 1
    assert words["soxr"] == "BROKEN: cannot be imported (libsoxr.so: cannot open); install pdbridge again"


def test_tensorflow_missing_or_damaged_is_broken(examined, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    code, words = examined()
    assert code == 1 and words["TensorFlow"].startswith("BROKEN: cannot be imported")
    missing(monkeypatch, "tensorflow")
    code, words = examined("--quick")
    assert code == 1 and words["TensorFlow"].startswith("BROKEN: is not installed")


def test_a_missing_model_is_broken(examined, monkeypatch, tmp_path):
    monkeypatch.setattr(places, "models_folder", lambda: tmp_path)
    code, words = examined("--quick")
    missing_model = tmp_path / "small_hours"
    assert code == 1 and words["models"] == f"BROKEN: {missing_model} is missing; install pdbridge again"


def test_a_cache_that_cannot_be_written_names_the_way_out(examined, monkeypatch, tmp_path):
    assert examined("--quick")[1]["cache"].endswith("made when it is needed")
    (tmp_path / "cache").write_text("")
    code, words = examined("--quick")
    assert code == 0 and "PDBRIDGE_CACHE" in words["cache"]
    (tmp_path / "cache").unlink()
    (tmp_path / "cache").mkdir()
    assert examined("--quick")[1]["cache"] == str(tmp_path / "cache")


def test_an_examination_that_fails_is_named_and_the_others_go_on(examined, monkeypatch):
    monkeypatch.setattr(places, "cache_folder", lambda: 1 / 0)
    code, words = examined("--quick")
    assert code == 1
    assert words["folders"] == "BROKEN: ZeroDivisionError: division by zero"
    assert "port 9700" in words
