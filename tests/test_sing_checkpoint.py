"""SING's checkpoints: every form of the original's files, our own, and files that mean harm."""

import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sing_checkpoint import a_dict, a_list, call, name, new, of, state_dict, stream, tensor, text, whole

from pdbridge.errors import CheckpointError
from pdbridge.sing.checkpoint import read_checkpoint, write_checkpoint

GOLDENS = Path(__file__).parent / "data" / "sing"
PUBLIC = GOLDENS / "sing_public.th"
SMALL = GOLDENS / "sing_v_notime.th"
ZIP = GOLDENS / "sing_public_zip.th"
FORMS = "sing_public.th", "sing_public_zip.th", "sing_public_emu041.th"


@pytest.fixture(scope="module")
def public():
    return read_checkpoint(PUBLIC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sing.th"


def refused(path, contents=None):
    """The one line that refuses a file."""
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(CheckpointError) as error:
        read_checkpoint(path)
    text = str(error.value)
    assert str(path) in text and "\n" not in text and len(text) < 400
    return text


# What is read


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same_model(form, public):
    read = read_checkpoint(GOLDENS / form)
    assert list(read.parameters) == list(public.parameters)
    for name, array in read.parameters.items():
        assert array.dtype == np.float32 and not array.flags.writeable
        np.testing.assert_array_equal(array, public.parameters[name])
    for name in ("inputs", "length", "stride", "context", "kernel", "hidden", "dimension", "channels",
                 "lstm_layers", "rewrites", "raw_length", "note_length"):
        assert getattr(read, name) == getattr(public, name)


def test_sizes_strides_and_lengths_come_from_the_file(public):
    assert (public.inputs, public.length, public.stride) == (("instrument", "pitch", "velocity"), 265, 256)
    assert (public.context, public.kernel, public.rewrites) == (9, 1024, 2)
    assert (public.lstm_layers, public.hidden, public.dimension, public.channels) == (3, 48, 32, 64)
    assert (public.raw_length, public.note_length) == (65024, 64000)
    assert public.parameters["decoder.layers.6.window"].shape == (1024,)
    assert len(public.parameters) == 27


def test_parts_that_a_model_does_without_are_not_there():
    notime = read_checkpoint(GOLDENS / "sing_v_notime.th")
    assert "sequence_generator.time_table.weight" not in notime.parameters and notime.length == 265
    nowindow = read_checkpoint(GOLDENS / "sing_v_nowindow.th")
    assert "decoder.layers.6.weight" in nowindow.parameters and nowindow.kernel == 1024
    hann = read_checkpoint(GOLDENS / "sing_v_hann1.th")
    assert (hann.context, hann.rewrites, hann.lstm_layers, hann.length, hann.note_length) == (1, 0, 2, 257, 64000)


def test_our_own_file_holds_the_same_and_more(tmp_path, public):
    path = tmp_path / "mine.npz"
    write_checkpoint(path, public.parameters, instruments={"bass_synthetic_033": 417},
                     metadata={"phase": "sing", "epoch": 3}, more={"adam/step": np.array(7)})
    read = read_checkpoint(path)
    assert (read.inputs, read.length, read.stride) == (public.inputs, public.length, public.stride)
    assert (read.instruments, read.metadata) == ({"bass_synthetic_033": 417}, {"phase": "sing", "epoch": 3})
    assert read.parameters.keys() == public.parameters.keys()
    for name, array in read.parameters.items():
        np.testing.assert_array_equal(array, public.parameters[name])
    with np.load(path) as arrays:
        assert json.loads(str(arrays["metadata"]))["format"] == "pdbridge SING"
        assert arrays["training/adam/step"] == 7


def test_our_own_file_is_not_written_with_a_hole_in_it(tmp_path, public):
    parameters = dict(public.parameters)
    del parameters["decoder.layers.2.bias"]
    with pytest.raises(CheckpointError, match="decoder.layers.2.bias is missing"):
        write_checkpoint(tmp_path / "mine.npz", parameters)
    assert not any(tmp_path.iterdir())


# Dicts of tensors


def small():
    """Parameters of a small model that may be changed."""
    return {name: np.array(array) for name, array in read_checkpoint(SMALL).parameters.items()}


@pytest.mark.parametrize("epoch", (None, 4))
def test_a_dict_of_tensors_is_read_with_or_without_its_epoch(epoch, path):
    path.write_bytes(state_dict(small(), epoch))
    read, expected = read_checkpoint(path), read_checkpoint(SMALL)
    assert read.parameters.keys() == expected.parameters.keys()
    for name, array in read.parameters.items():
        np.testing.assert_array_equal(array, expected.parameters[name])
    assert (read.length, read.stride, read.note_length) == (265, 256, 64000)
    assert read_checkpoint(path, stride=255).stride == 255


def test_tensors_may_share_numbers_and_lie_in_any_order(path):
    parameters = small()
    shared = np.arange(1000, dtype=np.float32)
    made = {name: tensor(name, array.size, array.shape) for name, array in parameters.items()}
    made["sequence_generator.tables.0.weight"] = tensor("shared", 1000, (5, 3), (2, 7), 11)
    made["sequence_generator.tables.1.weight"] = tensor("shared", 1000, (121, 2), (1, 0), 3)
    made["sequence_generator.tables.2.weight"] = tensor("shared", 1000, (6, 4), offset=976)
    numbers = {name: array for name, array in parameters.items() if ".tables." not in name}
    path.write_bytes(stream(a_dict(made), {**numbers, "shared": shared}))
    tables = [read_checkpoint(path).parameters[f"sequence_generator.tables.{number}.weight"] for number in range(3)]
    np.testing.assert_array_equal(tables[0], 11 + 2 * np.arange(5)[:, None] + 7 * np.arange(3))
    np.testing.assert_array_equal(tables[2], np.arange(976, 1000).reshape(6, 4))


def test_other_floats_become_float32_and_other_numbers_are_refused(path):
    parameters = small()
    name = "sequence_generator.decoder.bias"
    (key,) = (str(number) for number, other in enumerate(parameters) if other == name)
    parameters[name] = parameters[name].astype(np.float64)
    size = parameters[name].size
    path.write_bytes(state_dict(parameters, **{f"s{key}": tensor(key, size, (size,), kind="torch.DoubleStorage")}))
    read = read_checkpoint(path).parameters[name]
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, parameters[name].astype(np.float32))
    long = state_dict(parameters, **{f"s{key}": tensor(key, size, (size,), kind="torch.LongStorage")})
    assert "as torch.LongStorage" in refused(path, long)


def test_tensors_of_another_model_are_named(path):
    for name in small():
        parameters = small()
        del parameters[name]
        text = refused(path, state_dict(parameters))
        assert "missing" in text or "expected" in text
    parameters = small()
    parameters["sequence_generator.lstm.bias_hh_l0"] = np.zeros(63, np.float32)
    assert ("the tensor sequence_generator.lstm.bias_hh_l0 is 63, but 64 is expected"
            in refused(path, state_dict(parameters)))
    parameters = small()
    parameters["decoder.layers.2.weight"] = parameters["decoder.layers.2.weight"][:, :-1]
    assert "16 x 15 x 1, but 16 x 16 x 1 is expected" in refused(path, state_dict(parameters))
    assert "is missing" in refused(path, state_dict({"encoder.layers.0.bias": np.zeros(3, np.float32)}))


# Files that mean harm


def harmful(folder):
    """Steps that would make the file `folder`/ran if they were carried out; each ends with something made."""
    command = text(f"touch {folder}/ran")
    system = name(f"{os.name}.system")
    yield "system", system + of(command) + pickle.REDUCE
    yield "eval", call("builtins.eval", text(f"open('{folder}/ran', 'w')"))
    yield "Popen", call("subprocess.Popen", a_list([text("touch"), text(f"{folder}/ran")]))
    yield "stack", (pickle.SHORT_BINUNICODE + b"\x02os" + pickle.SHORT_BINUNICODE + b"\x06system"
                    + pickle.STACK_GLOBAL + of(command) + pickle.REDUCE)
    yield "inst", pickle.MARK + command + pickle.INST + b"os\nsystem\n"
    yield "obj", pickle.MARK + system + command + pickle.OBJ
    yield "newobj", system + of(command) + pickle.NEWOBJ
    yield "newobj_ex", system + of(command) + pickle.EMPTY_DICT + pickle.NEWOBJ_EX
    yield "class", new("torch.nn.modules.module.Module", a_dict({}))
    yield "function", call("torch.hub.load", command)
    yield "load", call("torch.serialization.load", command)
    yield "attribute", call("builtins.getattr", name("collections.OrderedDict"), text("__init__"))
    yield "dotted", name("collections.OrderedDict.__init__")
    yield "persistent", of(text("other"), system) + pickle.BINPERSID
    yield "text id", pickle.PERSID + b"os.system\n"
    yield "module id", of(text("module"), system, text("x.py"), text("source")) + pickle.BINPERSID
    yield "extension", pickle.EXT1 + b"\x01"
    yield "copyreg", call("copyreg._reconstructor", system, name("builtins.object"), pickle.NONE)
    yield "dict argument", call("collections.OrderedDict", a_list([of(text("a"), command)]))
    yield "state", name("torch.FloatStorage") + a_dict({}) + pickle.BUILD
    yield "call class", call("torch.nn.modules.linear.Linear", whole(1), whole(1))


HARMFUL = [kind for kind, _ in harmful("nowhere")]


@pytest.mark.parametrize("kind", HARMFUL)
def test_nothing_in_a_file_is_carried_out(kind, tmp_path, path):
    steps = dict(harmful(tmp_path))[kind]
    whole_module = new("sing.sequence.models.SING", a_dict({"_modules": steps}))
    files = [stream(steps, {}), stream(whole_module, {}), stream(of(whole(3), steps), {}),
             stream(a_dict({}), {}, magic=steps), stream(a_dict({}), {}, system=steps),
             stream(a_dict({}), {}, keys=steps)]
    for contents in files:
        refused(path, contents)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("x/data.pkl", pickle.PROTO + b"\x02" + steps + pickle.STOP)
    refused(path, archive.getvalue())
    assert not (tmp_path / "ran").exists()


def test_a_refused_name_is_said(path):
    assert ("asks for 'posix.system', which has no place in a SING checkpoint"
            in refused(path, stream(call("posix.system", text("true")), {})))


def test_source_text_in_a_file_is_not_looked_at(tmp_path, path):
    source = f"open('{tmp_path}/ran', 'w')\n" * 100
    kind = of(text("module"), name("sing.sequence.models.SING"), text("models.py"), text(source)) + pickle.BINPERSID
    made = kind + pickle.EMPTY_TUPLE + pickle.NEWOBJ + a_dict({}) + pickle.BUILD
    assert "is missing" in refused(path, stream(made, {}))
    assert not (tmp_path / "ran").exists()


# Damaged files


def test_a_file_that_is_cut_short_anywhere_is_refused(path):
    contents = SMALL.read_bytes()
    for end in [*range(1, 60, 7), *range(60, 7200, 331), *range(7200, len(contents), 9001), len(contents) - 1]:
        refused(path, contents[:end])
    refused(path, contents + b"\0")
    assert "is empty" in refused(path, b"")


@pytest.mark.parametrize("form", (SMALL, ZIP))
def test_a_damaged_file_is_read_or_refused(form, path):
    random = np.random.default_rng(3)
    contents = np.frombuffer(form.read_bytes(), np.uint8)
    for turn in range(100):
        damaged = contents.copy()
        places = random.integers(0, 7000, 3) if turn % 2 else random.integers(len(contents) - 4000, len(contents), 3)
        damaged[places] = random.integers(0, 256, 3)
        path.write_bytes(damaged.tobytes())
        try:
            read_checkpoint(path)
        except CheckpointError as error:
            assert str(path) in str(error)


def one(made, **more):
    return stream(made, {"0": np.zeros(10, np.float32)}, **more)


NAME = "sequence_generator.tables.0.weight"


@pytest.mark.parametrize("contents, message", (
    (one(a_dict({NAME: tensor("0", 10, (11,))})), "beyond its numbers"),
    (one(a_dict({NAME: tensor("0", 10, (5,), (3,))})), "beyond its numbers"),
    (one(a_dict({NAME: tensor("0", 10, (5,), offset=6)})), "beyond its numbers"),
    (one(a_dict({NAME: tensor("0", 10, (2**62, 2**62), (0, 0))})), "beyond its numbers"),
    (one(a_dict({NAME: tensor("0", 10, (100,), (0,))})), "beyond its numbers"),
    (one(a_dict({NAME: tensor("0", 10, (0, 5))})), "beyond its numbers"),
    (one(a_dict({NAME: tensor("0", 10, (5,), (-1,), 9)})), "impossible shape"),
    (one(a_dict({NAME: tensor("0", 10, (5,), offset=-1)})), "impossible shape"),
    (one(a_dict({NAME: tensor("0", 10, (-5,))})), "impossible shape"),
    (one(a_dict({NAME: tensor("0", 10, (1,) * 9)})), "impossible shape"),
    (one(a_dict({NAME: tensor("0", 10, (5,), (1, 1))})), "impossible shape"),
    (one(a_dict({NAME: tensor("0", 11, (5,))})), "another size"),
    (one(a_dict({NAME: tensor("0", -10, (5,))})), "refers to something"),
    (one(a_dict({NAME: tensor("0", 10, (5,)), "b": tensor("0", 9, (5,))})), "in two ways"),
    (one(a_dict({NAME: tensor("1", 10, (5,))})), "does not fit its tensors"),
    (one(a_dict({NAME: tensor("0", 10, (5,))}), counts={"0": 2**62}), "another size"),
    (one(a_dict({NAME: tensor("0", 10, (5,))}), counts={"0": -1}), "another size"),
    (one(a_dict({NAME: tensor("0", 2**62, (5,))}), counts={"0": 2**62}), "is cut short"),
    (one(a_dict({NAME: tensor("0", 10, (5,))}), keys=a_list([text("0"), text("0")])), "does not fit its tensors"),
    (one(a_dict({NAME: tensor("0", 10, (5,))}), keys=text("0")), "does not fit its tensors"),
    (one(a_dict({}), system=a_dict({"little_endian": pickle.NEWFALSE})), "another order of bytes"),
    (one(a_dict({}), system=whole(3)), "another order of bytes"),
    (one(a_dict({}), magic=whole(3)), "does not begin as"),
    (stream(whole(3), {}), "holds a number"),
    (stream(a_list([]), {}), "holds a list"),
    (stream(of(whole(1), whole(2)), {}), "holds a number"),
    (stream(pickle.NONE * 20_000, {}), "more than 10000 steps"),
    (b"RIFF not a checkpoint at all", "does not begin as"),
), ids=lambda value: value if isinstance(value, str) else "")
def test_what_a_file_says_of_its_sizes_is_checked(contents, message, path):
    assert message in refused(path, contents)


def test_modules_without_an_end_are_refused(path):
    # A module that holds itself: kept under a number, fetched inside its own state.
    inside = pickle.BINGET + b"\x07"
    made = (name("sing.sequence.models.SING") + pickle.EMPTY_TUPLE + pickle.NEWOBJ + pickle.BINPUT + b"\x07"
            + a_dict({"_modules": a_dict({"a": inside, "b": inside})}) + pickle.BUILD)
    assert "have no end" in refused(path, stream(made, {}))
    # 200 modules within each of 200, without an end in sight: only a few of them are visited.
    kind = "torch.nn.modules.container.ModuleList"
    made = new(kind, pickle.EMPTY_DICT) + pickle.BINPUT + b"\0"
    for level in range(7):
        inside = a_dict({str(number): pickle.BINGET + bytes([level]) for number in range(200)})
        made += new(kind, a_dict({"_modules": inside})) + pickle.BINPUT + bytes([level + 1])
    assert "have no end" in refused(path, stream(made, {}))


def zipped(change=lambda name, contents: (name, contents), **options):
    """The golden zip once more, with changed members."""
    archive = io.BytesIO()
    with zipfile.ZipFile(ZIP) as golden, zipfile.ZipFile(archive, "w", **options) as members:
        for member in golden.namelist():
            name, contents = change(member, golden.read(member))
            if contents is not None:
                members.writestr(name, contents)
    return bytearray(archive.getvalue())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_that_lies_is_refused(path):
    def without(ending):
        return lambda name, contents: (name, None if name.endswith(ending) else contents)

    path.write_bytes(zipped())
    read_checkpoint(path)
    assert "it lacks" in refused(path, zipped(without("data/0")))
    assert "is no SING checkpoint" in refused(path, zipped(without("data.pkl")))
    assert "another size" in refused(path, zipped(lambda name, contents: (
        name, contents[:-4] if name.endswith("data/0") else contents)))
    assert "order of bytes" in refused(path, zipped(lambda name, contents: (
        name, b"big" if name.endswith("byteorder") else contents)))
    assert "is twice in it" in refused(path, zipped(lambda name, contents: (
        name.replace("/version", "/data.pkl"), contents)))
    assert "is compressed" in refused(path, zipped(compression=zipfile.ZIP_DEFLATED))
    for field, value in ((20, 0), (24, 2**31), (42, 2**31), (42, 7)):  # sizes and place in the table of contents
        contents = zipped()
        entry = contents.index(b"PK\x01\x02")
        struct.pack_into("<I", contents, entry + field, value)
        if field != 20:  # the compressed size is not looked at
            refused(path, contents)
    contents = ZIP.read_bytes()
    for end in range(4, len(contents), 30_011):
        refused(path, contents[:end])


def ours(path, about, parameters=None):
    arrays = small() if parameters is None else parameters
    np.savez(path, metadata=json.dumps(about) if isinstance(about, dict) else about, **arrays)


OURS = {"format": "pdbridge SING", "version": 1, "inputs": ["instrument", "pitch", "velocity"], "length": 265,
        "stride": 256}


@pytest.mark.parametrize("changed, message", (
    ({"format": "other"}, "metadata that say so"), ({"version": 2}, "has the version 2"),
    ({"inputs": ["pitch"]}, "makes notes of"), ({"inputs": None}, "makes notes of"),
    ({"length": 0}, "its length is 0"), ({"length": 1.5}, "its length is 1.5"), ({"length": 2**40}, "its length is"),
    ({"length": 10}, "would have -"), ({"length": 2**21}, "would have"), ({"stride": 0}, "its stride is 0"),
    ({"stride": 2000}, "would have holes"), ({"stride": "256"}, "its stride is '256'"),
    ({"instruments": {"a": 10**6}}, "names of instruments"), ({"instruments": [1]}, "names of instruments"),
))
def test_what_our_own_file_says_is_checked(changed, message, tmp_path):
    path = tmp_path / "mine.npz"
    ours(path, OURS)
    read_checkpoint(path)
    ours(path, OURS | changed)
    assert message in refused(path)


def test_our_own_file_may_hold_nothing_but_numbers(tmp_path):
    path = tmp_path / "mine.npz"
    ours(path, OURS, small() | {"decoder.layers.2.bias": np.array([{}], object)})
    assert "only numbers and text" in refused(path)
    ours(path, np.array([1, 2, 3]))
    assert "metadata that say so" in refused(path)
    ours(path, "[" * 100_000)
    assert "metadata that say so" in refused(path)
    ours(path, OURS, small() | {"decoder.layers.2.bias": np.zeros(16, np.int64)})
    assert "as int64" in refused(path)
    np.savez_compressed(path, metadata=json.dumps(OURS), **small())
    assert "is compressed" in refused(path)


def test_what_is_no_file_is_refused(tmp_path):
    refused(tmp_path)
    refused(tmp_path / "missing.th")
    os.mkfifo(tmp_path / "pipe.th")
    assert "is not a file" in refused(tmp_path / "pipe.th")


def test_opening_a_checkpoint_reads_no_numbers(path):
    big = {"unused": np.zeros(5_000_000, np.float32)}
    numbers = small() | big
    made = a_dict({name: tensor(name, array.size, array.shape) for name, array in numbers.items()})
    path.write_bytes(stream(made, numbers))
    tracemalloc.start()
    read_checkpoint(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_file_that_changed_while_it_was_read_is_refused(path):
    path.write_bytes(SMALL.read_bytes())
    read = read_checkpoint(path)
    with open(path, "r+b") as file:
        file.truncate(50_000)
    with pytest.raises(CheckpointError, match="when it was opened and has 50000 now"):
        read.file.check_unchanged()
