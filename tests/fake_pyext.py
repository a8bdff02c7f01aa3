"""Pd with the py/pyext external, without Pd: the module ``pyext`` and as much of a Pd as its classes see.

It behaves as the external was seen to behave (Pd 0.53, Python 3.11), and is strict where the real one
crashes some day: whoever touches an array or an outlet in a thread that is neither Pd's nor pyext's, and
without Pd's lock, is found out, see `violations`. Run as a program it is driven by lines of JSON, see `run`.
"""

import ctypes
import importlib
import json
import queue
import sys
import threading
import traceback
import types
from pathlib import Path

import numpy as np

SLEEP = 0.005  # s, Pd's usual grain

violations = []
_arrays = {}
_boxes = []
_wires = {}
_sent = queue.Queue()  # by threads of pyext, for Pd's thread
_detached = queue.Queue()  # calls for the one thread that does them all
_threads = set()  # of pyext
_report = print


# What a class gets from pyext


class Symbol:
    """Not a str, and equal to none."""

    def __init__(self, name):
        self._name = str(name)

    def __str__(self):
        return self._name

    def __repr__(self):
        return f"<Symbol {self._name}>"

    def __len__(self):
        return len(self._name)

    def __add__(self, other):
        return self._name + str(other)

    def __eq__(self, other):
        return isinstance(other, Symbol) and self._name == other._name

    def __hash__(self):
        return hash(("Symbol", self._name))


class Buffer:
    """An array of the patch; one that is not there has no length."""

    def __init__(self, name):
        if not isinstance(name, (str, Symbol)):
            raise TypeError("Buffer needs a name")
        self.symbol = Symbol(name)
        self._name = str(name)

    def _samples(self):
        _check_in_pd(f"array {self._name}")
        words = _arrays.get(self._name)
        return None if words is None else words[:, 0]  # float32, stride 8

    def __len__(self):
        samples = self._samples()
        return 0 if samples is None else len(samples)

    def __getitem__(self, index):
        samples = self._samples()
        return None if samples is None else samples[index]

    def __setitem__(self, index, value):
        samples = self._samples()
        if samples is None:
            raise ValueError("Invalid buffer")
        if np.ndim(value) == 0:
            raise ValueError("a sequence is needed")
        if isinstance(value, np.ndarray) and not np.can_cast(value.dtype, np.float32):
            raise TypeError(f"Cannot cast array data from {value.dtype} to float32 by the rule 'safe'")
        place = samples[index]
        count = min(len(place), len(value))
        place[:count] = value[:count]

    def resize(self, length, keep=1, zero=1):
        samples = self._samples()
        if samples is None:
            raise RuntimeError("Invalid buffer")
        words = np.zeros((max(int(length), 1), 2), np.float32)
        if keep:
            words[:min(len(words), len(samples)), 0] = samples[:len(words)]
        samples[:] = np.nan  # what still looks at the old memory sees what it does
        _arrays[self._name] = words
        return self

    def dirty(self):
        _check_in_pd(f"array {self._name}")


class _class:
    """The base of all classes."""

    _inlets = _outlets = 1

    def __new__(cls, *arguments):
        new = super().__new__(cls)
        new._detached, new._ready, new._shouldexit, new._wired = 0, False, 0, _boxes[-1]
        return new

    _canvas_dir = property(lambda self: self._wired.folder)
    _isthreaded = True

    def _detach(self, mode):
        if mode not in (0, 1, 2):
            raise ValueError("_detach must be in the range 0..2")
        self._wired.detach = mode

    def _outlet(self, number, *values):
        if not self._ready:
            raise RuntimeError("instance not associated with pd object")
        if not 1 <= number <= self._outlets:
            raise ValueError("outlet index out of range")
        selector, atoms = _converted(values)
        if _in_pd():
            self._wired.out(selector, atoms)
        elif threading.get_ident() in _threads:
            _sent.put((self._wired, selector, atoms))
        else:
            _check_in_pd("an outlet")


def _samplerate():
    return 48000.0


def _converted(values):
    """What goes out for the arguments of `_outlet`."""
    if len(values) == 2 and isinstance(values[0], (str, Symbol)) and isinstance(values[1], (list, tuple)):
        return _normalised(str(values[0]), values[1])
    if len(values) == 1:
        values = values[0]
    if values is None:
        return "bang", []
    return _normalised("list", values if isinstance(values, (list, tuple)) else [values])


def _normalised(selector, values):
    """Pd makes a bang, a float or a symbol of a list that is short."""
    atoms = []
    for value in values:
        if isinstance(value, (str, Symbol)):
            atoms.append(str(value))
        elif isinstance(value, (int, float)):  # so are True and np.float64
            atoms.append(float(np.float32(value)))
        else:  # np.float32 and np.int64 are neither
            print(f"py/pyext: Could not convert argument {type(value)}")
            return "symbol", [""]
    if selector == "list" and len(atoms) < 2:
        selector = "bang" if not atoms else "symbol" if isinstance(atoms[0], str) else "float"
    return selector, atoms


# Pd, and pyext in it


class _Lock:
    """What Pd's thread holds whenever it does not sleep; it must not be taken twice."""

    def __init__(self):
        self._lock = threading.Lock()
        self.owner = None

    def take(self):
        if self.owner == threading.get_ident():
            violations.append("sys_lock by a thread that has it: Pd stands still for ever")
            raise RuntimeError(violations[-1])
        self._lock.acquire()
        self.owner = threading.get_ident()

    def free(self):
        self.owner = None
        self._lock.release()


_lock = _Lock()


def _in_pd():
    return _lock.owner == threading.get_ident()


def _check_in_pd(what):
    if not _in_pd():
        violations.append(f"{what} touched by {threading.current_thread().name} while Pd goes on")
        raise RuntimeError(violations[-1])


def _sys_lock():
    _lock.take()


def _sys_unlock():
    _lock.free()


class _Box:
    """An object box, e.g. ``[pyext. pdbridge.pyext gansynth @detach 1]``."""

    def __init__(self, module, name, arguments, detach, folder):
        self.folder, self.detach = folder, detach
        _boxes.append(self)
        self.number = len(_boxes) - 1
        self.object = getattr(importlib.import_module(module), name)(*_atoms(arguments))
        self.object._ready = True
        if hasattr(self.object, "_init"):
            self.object._init()

    def out(self, selector, atoms):
        _report(json.dumps({"heard": [self.number, selector, atoms]}))
        for other in _wires.get(self, ()):
            other.message(selector, atoms)

    def message(self, selector, atoms, inlet=1):
        method, arguments = self._method(selector, _atoms(atoms), inlet)
        if method is None:
            print(f"no matching method found for '{selector}' into inlet {inlet}")
        elif self.detach == 0:
            _call(method, arguments)
        elif self.detach == 1:
            _detached.put((method, arguments))
        else:
            threading.Thread(target=_in_thread, args=(method, arguments), daemon=True).start()

    def _method(self, selector, atoms, inlet):
        every = atoms if selector in ("float", "list", "symbol") else [Symbol(selector), *atoms]
        whole = selector == "float" and isinstance(atoms[0], int)
        for name, arguments in (
                (f"{selector}_{inlet}", atoms), (f"int_{inlet}" if whole else "", atoms),
                (f"_anything_{inlet}", every), (f"{selector}_", [inlet, *atoms]),
                ("int_" if whole else "", [inlet, *atoms]), ("_anything_", [inlet, *every])):
            if name and hasattr(self.object, name):
                return getattr(self.object, name), arguments
        return None, ()

    def delete(self):
        if hasattr(self.object, "_del"):
            self.object._del()
        self.object._shouldexit = 1
        self.object = None


def _atoms(values):
    """Single precision; whole numbers are ints, symbols are Symbols."""
    def atom(value):
        if isinstance(value, str):
            return Symbol(value)
        value = float(np.float32(value))
        return int(value) if value.is_integer() else value
    return [atom(value) for value in values]


def _call(method, arguments):
    try:
        method(*arguments)
    except Exception:
        traceback.print_exc()


def _in_thread(method, arguments):
    _threads.add(threading.get_ident())
    _call(method, arguments)
    _threads.discard(threading.get_ident())


def _do_detached():
    _threads.add(threading.get_ident())
    while True:
        _call(*_detached.get())


# As a program


class _Console:
    """The Pd window."""

    def __init__(self):
        self._line = ""

    def write(self, text):
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            _report(json.dumps({"console": line}))

    def flush(self):
        pass


class _Commands:
    """What the program is told to do, all in Pd's thread."""

    def array(self, name, length):
        _arrays[name] = np.zeros((length, 2), np.float32)

    def read(self, name, file):
        np.save(file, _arrays[name][:, 0])

    def write(self, name, file):
        samples = np.load(file)
        _arrays[name] = np.zeros((len(samples), 2), np.float32)
        _arrays[name][:, 0] = samples

    def box(self, module, name, arguments, detach, folder):
        try:
            return _Box(module, name, arguments, detach, folder).number
        except Exception:
            traceback.print_exc()
            return None

    def message(self, number, selector, atoms):
        _boxes[number].message(selector, atoms)

    def connect(self, number, other):
        _wires.setdefault(_boxes[number], []).append(_boxes[other])

    def delete(self, number):
        _boxes[number].delete()

    def evaluate(self, code):
        return eval(code)


def run():
    """Carry out commands of stdin until it ends; say on stdout what happens.

    A command is ``[name, argument, ...]``, answered by ``{"answer": value}``; besides there come
    ``{"heard": [box, selector, [atom, ...]]}`` and ``{"console": line}``.
    """
    global _report
    commands, said, stdout = queue.Queue(), threading.Lock(), sys.stdout

    def report(line):
        with said:
            stdout.write(line + "\n")
            stdout.flush()

    def read():
        for line in sys.stdin:
            commands.put(json.loads(line))
        commands.put(None)

    _report, sys.stdout, sys.stderr = report, _Console(), _Console()
    sys.modules["pyext"] = sys.modules[__name__]
    ctypes.CDLL = lambda name: types.SimpleNamespace(sys_lock=_sys_lock, sys_unlock=_sys_unlock)
    for target in (read, _do_detached):
        threading.Thread(target=target, daemon=True).start()
    _lock.take()
    while True:
        _lock.free()
        try:
            command = commands.get(timeout=SLEEP)
        except queue.Empty:
            command = ()
        _lock.take()
        if command is None:
            return
        while not _sent.empty():
            box, selector, atoms = _sent.get()
            box.out(selector, atoms)
        if command:
            name, *arguments = command
            report(json.dumps({"answer": getattr(_Commands(), name)(*arguments)}))


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]
    importlib.import_module("fake_pyext").run()
