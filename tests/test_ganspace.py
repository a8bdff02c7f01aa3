"""GANSpace's components: numbers of the original, its pickles, and files that mean harm."""

import functools
import os
import pickle
import pickletools
import re
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from full_disk import files_end_at

import pdbridge
from pdbridge import pickles
from pdbridge.errors import ComponentsError, MessageError
from pdbridge.gansynth.ganspace import KEYS, LARGEST_LAYER, MOST_COMPONENTS, GANSpace

CLONE = Path(__file__).resolve().parent.parent
GOLDENS = CLONE / "tests" / "data" / "gansynth"
PUBLIC = GOLDENS / "public_conv0_ipca_768.pickle"
SHAPE = 2, 3, 5


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDENS / "golden_public.npz"))


@pytest.fixture(scope="module")
def public():
    return GANSpace.load(PUBLIC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.pickle"


def contents(count=4, dtype=np.float64, order="C"):
    """What the original puts into a file."""
    random = np.random.default_rng(1)
    return {"layer": "conv0", "estimator": "ipca",
            "comp": np.asarray(random.standard_normal((count, *SHAPE)), dtype, order=order),
            "stdev": np.linspace(3, 1, count).astype(dtype), "var_ratio": np.full(count, 0.1, dtype),
            "global_mean": random.standard_normal(SHAPE).astype(dtype)}


def write(path, values, protocol=4):
    path.write_bytes(pickle.dumps(values, protocol))
    return path


def refusal(path):
    """The one line that refuses a file."""
    with pytest.raises(ComponentsError) as error:
        GANSpace.load(path)
    text = str(error.value)
    assert str(path) in text and "\n" not in text and len(text) < 400
    return text


# Numbers


def test_layers_made_of_edits_are_the_originals(public, golden):
    for edits, layer in zip(golden["edits"], golden["edits_layer"], strict=True):
        made = public.edits_layer(edits)
        assert made.dtype == np.float32
        np.testing.assert_allclose(made, layer, rtol=0, atol=1e-6)


def test_offsets_made_of_amplitudes_are_the_originals(public, golden):
    np.testing.assert_allclose(public.offset(golden["amp"]), golden["amp_offset"], rtol=0, atol=1e-6)


def test_plain_offsets_leave_standard_deviations_out(public):
    expected = 2 * public.components[0] - 3 * public.components[2]
    np.testing.assert_allclose(public.plain_offset([2, 0, -3]), expected, rtol=0, atol=1e-6)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(public.offset([2, 0, -3]), expected, rtol=0, atol=1e-2)


def test_the_originals_file_says_what_it_is(public):
    assert pdbridge.GANSpace is GANSpace
    assert (public.layer, public.estimator, public.count) == ("conv0", "ipca", 384)
    assert public.components.shape == (384, 2, 16, 12) and public.mean.shape == (2, 16, 12)
    assert public.stdev.shape == public.variance_ratio.shape == (384,)
    assert (np.diff(public.stdev) <= 0).all()
    np.testing.assert_allclose(np.sqrt((public.components[:9] ** 2).sum(axis=(1, 2, 3))), 1)


def test_no_edits_are_the_mean_and_no_offset(public):
    np.testing.assert_allclose(public.edits_layer([]), public.mean, rtol=1e-6)
    assert not public.offset([0, 0]).any()


@pytest.mark.parametrize("edits, message", [
    (np.zeros(385), "385 edits.*384 components"),
    ([1, np.nan], "not a finite number"),
    ([[1, 2]], "plain list"),
    ("loud", "numbers"),
    ([1e300], "too large.*1e\\+300"),
])
def test_edits_that_cannot_be_are_named(public, edits, message):
    for method in (public.edits_layer, public.offset, public.plain_offset):
        with pytest.raises(ComponentsError, match=message):
            method(edits)


# Files of the original


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_pickles_of_every_protocol_come_back(path, protocol, dtype, order):
    values = contents(dtype=dtype, order=order)
    values["stdev"] = [np.float64(value) for value in values["stdev"]]
    space = GANSpace.load(write(path, values, protocol))
    assert (space.layer, space.estimator, space.count, space.path) == ("conv0", "ipca", 4, path)
    np.testing.assert_array_equal(space.components, values["comp"])
    np.testing.assert_array_equal(space.stdev, values["stdev"])
    np.testing.assert_array_equal(space.variance_ratio, values["var_ratio"])
    np.testing.assert_array_equal(space.mean, values["global_mean"])


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("core", [b"numpy.core", b"numpy._core"])
def test_pickles_of_old_and_new_numpy_come_back(path, protocol, core):
    values = contents()
    written = re.sub(rb"numpy\._?core", core, pickle.dumps(values, protocol))
    assert core in written
    path.write_bytes(written)
    np.testing.assert_array_equal(GANSpace.load(path).components, values["comp"])


def test_a_large_array_of_protocol_2_comes_back_whole(path):
    values = contents() | {"more": np.random.default_rng(0).bytes(3 << 20)}
    values["comp"] = np.random.default_rng(2).standard_normal((9000, *SHAPE))  # 2.2 MB, two pieces
    values["stdev"] = values["var_ratio"] = np.ones(9000)
    space = GANSpace.load(write(path, values, 2))
    np.testing.assert_array_equal(space.components, values["comp"])


def test_what_else_is_in_a_file_does_no_harm(path):
    more = {"regression": np.eye(3), "notes": ["a", 1, 2.5, None, True, (1, 2), 2**70], "nested": {"a": {}}}
    assert GANSpace.load(write(path, contents() | more)).count == 4


# Files that mean harm


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("function, named", [(os.system, f"{os.name}.system"), (eval, "eval")])
def test_a_pickle_that_runs_a_command_is_refused_and_named(path, protocol, function, named):
    mark = path.with_name("mark")
    command = f"touch {mark}" if function is os.system else f"open({str(mark)!r}, 'w')"
    for values in (Call(function, command), contents() | {"comp": Call(function, command)}):
        text = refusal(write(path, values, protocol))
        if protocol >= 2 or isinstance(values, Call):
            assert named in text and "was not carried out" in text
    assert not mark.exists()


@pytest.mark.parametrize("value, message", [
    (np.array([None, {}], object), "type 'O8'"),
    (np.zeros(2, "V7"), "type 'V7'"),
    (np.zeros(2, [("a", "f8")]), "type 'V8'"),
    (np.zeros(2, "M8[s]"), "type 'M8'"),
    (np.zeros(2, "c16"), "type 'c16'"),
    (Path("x"), "asks for 'pathlib"),
    (np.ma.masked_array([1.0]), "asks for 'numpy.ma"),
    (np.random.default_rng, "asks for 'numpy.random"),
    ({1, 2}, "something else"),
    (bytearray, "asks for 'builtins.bytearray'"),
])
def test_anything_but_arrays_text_and_numbers_is_refused(path, value, message):
    assert re.search(message, refusal(write(path, contents() | {"more": value})))


def test_a_name_with_dots_reaches_nothing(path):
    path.write_bytes(b"\x80\x04\x8c\x05numpy\x8c\x18core.multiarray.os.popen\x93\x8c\x02ls\x85R.")
    assert "core.multiarray.os.popen" in refusal(path)


@pytest.mark.parametrize("written", [
    b"\x80\x04}(\x8c\x04comp\x8e" + struct.pack("<Q", 1 << 62) + b"u.",  # bytes
    b"\x80\x04}(\x8c\x04comp\x8d" + struct.pack("<Q", (1 << 64) - 1) + b"u.",  # text
    b"\x80\x05}(\x8c\x04comp\x96" + struct.pack("<Q", 1 << 40) + b"u.",
    b"\x80\x04\x95" + struct.pack("<Q", 1 << 60) + b"}.",  # a frame
    b"\x80\x04}r\xff\xff\xff\xff.",  # a memo of four thousand million
    b"\x80\x04\x8a\xff" + b"\x7f" * 255 + b".",  # a number of 255 bytes
    b"\x80\x04" + b"}" * 5_000_000,
    b"\x80\x04" + b"(" * 5_000_000,
    b"\x80\x04)" + b"\x85" * 5_000_000,  # tuples in tuples
    b"\x80\x04}" + b"\x94" * 5_000_000,
])
def test_claims_take_no_memory(path, written):
    path.write_bytes(written)
    tracemalloc.start()
    try:
        refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("count, values", [(MOST_COMPONENTS + 1, 1), (1, LARGEST_LAYER + 1)])
def test_more_than_any_model_has_is_refused_unread(path, count, values):
    half = functools.partial(np.zeros, dtype=np.float16)  # of a file with holes there may be a million times more
    write(path, contents() | {"comp": half((count, 1, 1, values)), "global_mean": half((1, 1, values)),
                              "stdev": half(count), "var_ratio": half(count)})
    assert f"has {count} components of {values} values" in refusal(path)


def test_texts_cannot_be_made_into_bytes_again_and_again(path):
    text = b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"q\x00"
    encoded = b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"
    path.write_bytes(b"\x80\x02" + text + encoded * 1000 + b".")
    assert "more of its texts" in refusal(path)


def test_texts_of_wide_letters_take_no_more_memory_than_they_have_bytes(path):
    text = ("\U0001F600" + "a" * (1 << 22)).encode()
    path.write_bytes(b"\x80\x02}(X\x04\x00\x00\x00compX" + struct.pack("<I", len(text)) + text + b"u.")
    tracemalloc.start()
    try:
        refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_things_that_contain_themselves_are_refused(path):
    itself = contents()
    itself["comp"] = itself
    assert "'comp'" in refusal(write(path, itself))
    around = []
    around.append((around,))
    refusal(write(path, contents() | {"stdev": around}))
    refusal(write(path, around))


def changed_anywhere(path, whole, times, random):
    """A file with some bytes changed is read, or refused in one line."""
    for _ in range(times):
        changed = bytearray(whole)
        for place in random.integers(len(whole), size=random.integers(1, 4)):
            changed[place] = random.integers(256)
        path.write_bytes(changed)
        try:
            GANSpace.load(path).edits_layer([1])
        except ComponentsError as error:
            assert str(path) in str(error) or "edits are too large" in str(error)


def test_wherever_a_pickle_is_cut_or_changed_it_is_refused_in_one_line_or_read(path):
    random = np.random.default_rng(3)
    for protocol in (2, 4, 5):
        whole = pickle.dumps(contents(1), protocol)
        for length in range(0, len(whole), 5):
            path.write_bytes(whole[:length])
            refusal(path)
        changed_anywhere(path, whole, 300, random)


# Files that are wrong


@pytest.mark.parametrize("change, message", [
    ({"comp": None}, "lacks 'comp'"),
    ({"layer": None, "global_mean": None}, "lacks 'layer' and 'global_mean'"),
    ({"layer": 7}, "'layer' should be a name"),
    ({"layer": "a\nb"}, "'layer' should be a name"),
    ({"estimator": "x" * 200}, "'estimator' should be a name"),
    ({"comp": np.zeros((4, 30))}, r"'comp' should be \[count, rows, columns, channels\], not \[4, 30\]"),
    ({"comp": np.zeros((0, *SHAPE))}, "'comp' should be"),
    ({"comp": np.zeros((4, *SHAPE), int)}, "floating-point"),
    ({"comp": [1.0]}, "'comp' should be an array"),
    ({"stdev": np.ones(3)}, "'comp' has 4 components, 'stdev' 3 values"),
    ({"stdev": np.array([1, np.nan, 1, 1])}, "'stdev' holds a value that is not a finite"),
    ({"stdev": np.array([1, -1.0, 1, 1])}, "'stdev' holds a value below 0"),
    ({"stdev": "abc"}, "'stdev' should be an array"),
    ({"var_ratio": np.ones(5)}, "'var_ratio' 5 values"),
    ({"var_ratio": np.full(4, np.inf)}, "'var_ratio' holds"),
    ({"global_mean": np.zeros((2, 3, 4))}, "a layer of 2 x 3 x 5 values, 'global_mean' for one of 2 x 3 x 4"),
    ({"global_mean": np.full(SHAPE, np.nan)}, "'global_mean' holds"),
])
@pytest.mark.parametrize("ending", ["pickle", "npz"])
def test_contents_that_contradict_themselves_are_named(tmp_path, change, message, ending):
    values = {key: value for key, value in (contents() | change).items() if value is not None}
    path = tmp_path / f"some.{ending}"
    if ending == "npz":
        np.savez(path, **values)
        if isinstance(change.get("comp", change.get("stdev")), list | str):  # arrays in an .npz
            message = "should be"
    else:
        write(path, values)
    assert re.search(message, refusal(path))


def test_a_component_that_is_not_finite_is_named_when_it_is_used(path):
    values = contents()
    values["comp"][2, 1, 1, 1] = np.nan
    space = GANSpace.load(write(path, values))
    space.offset([1, 1, 0, 1])
    with pytest.raises(ComponentsError, match="component 3 holds a value that is not a finite number"):
        space.offset([1, 1, 1])


def test_what_is_no_file_of_components_is_refused(tmp_path):
    (tmp_path / "empty").touch()
    assert "is empty" in refusal(tmp_path / "empty")
    assert "not a file" in refusal(tmp_path)
    assert "No such file" in refusal(tmp_path / "missing")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert "not a file" in refusal(tmp_path / "pipe")
    assert "where a dict of components is expected" in refusal(write(tmp_path / "list", [1, 2]))
    (tmp_path / "text").write_text("[1, 2, 3]")
    assert "no pickle of components" in refusal(tmp_path / "text")


def test_a_file_that_changes_its_size_is_noticed(path):
    space = GANSpace.load(write(path, contents()))
    os.truncate(path, 100)
    with pytest.raises(ComponentsError, match="when it was opened and has 100 now"):
        space.edits_layer([1])


def test_a_file_that_is_replaced_goes_on_with_what_was_opened(path):
    space = GANSpace.load(write(path, contents()))
    before = space.edits_layer([1, 2])
    space.save(path)
    path.unlink()
    np.testing.assert_array_equal(space.edits_layer([1, 2]), before)


# Our own files


@pytest.mark.parametrize("ending", ["npz", "pickle", "pkl"])
@pytest.mark.parametrize("dtype, order", [("<f8", "C"), (">f4", "F")])
def test_what_is_saved_comes_back(tmp_path, ending, dtype, order):
    values = contents(dtype=dtype, order=order)
    space = GANSpace(*(values[key] for key in KEYS))
    space.save(tmp_path / f"mine.{ending}")
    again = GANSpace.load(tmp_path / f"mine.{ending}")
    assert (again.layer, again.estimator) == ("conv0", "ipca")
    for name in ("components", "stdev", "variance_ratio", "mean"):
        np.testing.assert_array_equal(getattr(again, name), getattr(space, name))


def test_numpy_reads_our_npz_and_python_our_pickle(tmp_path, public):
    public.save(tmp_path / "mine.npz")
    public.save(tmp_path / "mine.pickle")
    original = pickle.loads(PUBLIC.read_bytes())
    with np.load(tmp_path / "mine.npz", allow_pickle=False) as npz:
        assert sorted(npz) == sorted(original)
        for name, value in original.items():
            np.testing.assert_array_equal(npz[name], value)
    unpickled = pickle.loads((tmp_path / "mine.pickle").read_bytes())
    assert unpickled.keys() == original.keys()
    for name, value in original.items():
        assert type(unpickled[name]) is type(value)
        np.testing.assert_array_equal(unpickled[name], value)
        if isinstance(value, np.ndarray):
            assert unpickled[name].dtype == value.dtype and unpickled[name].flags.c_contiguous


def test_our_pickle_names_only_what_old_numpy_has(tmp_path, public):
    public.save(tmp_path / "mine.pickle")
    steps = list(pickletools.genops((tmp_path / "mine.pickle").read_bytes()))
    assert steps[0][1] == 4
    texts = [text for step, text, _ in steps if step.name == "BINUNICODE"]
    assert {text for text in texts if "numpy" in text} == {"numpy.core.multiarray", "numpy"}


def test_other_endings_and_full_disks_are_named(tmp_path, public):
    with pytest.raises(ComponentsError, match=r"mine.wav: components are kept in an .npz"):
        public.save(tmp_path / "mine.wav")
    for name in ("mine.npz", "mine.pickle"):
        (tmp_path / name).write_bytes(b"before")
        with files_end_at(100_000), pytest.raises(MessageError, match=f"{name} cannot be written"):
            public.save(tmp_path / name)
        assert (tmp_path / name).read_bytes() == b"before"
    assert sorted(os.listdir(tmp_path)) == ["mine.npz", "mine.pickle"]


def test_a_compressed_npz_is_refused_and_says_why(tmp_path):
    np.savez_compressed(tmp_path / "small.npz", **contents())
    assert "is compressed; save it with numpy.savez" in refusal(tmp_path / "small.npz")


def test_an_npz_of_objects_is_refused(tmp_path):
    mark = tmp_path / "mark"
    values = contents() | {"comp": np.array([Call(os.system, f"touch {mark}")], object)}
    np.savez(tmp_path / "bad.npz", **values)
    assert "type 'object'" in refusal(tmp_path / "bad.npz")
    assert not mark.exists()


def test_wherever_an_npz_is_cut_or_changed_it_is_refused_in_one_line_or_read(tmp_path):
    path, random = tmp_path / "some.npz", np.random.default_rng(4)
    np.savez(path, **contents(1))
    whole = path.read_bytes()
    for length in range(4, len(whole), 11):
        path.write_bytes(whole[:length])
        refusal(path)
    changed_anywhere(path, whole, 400, random)


def test_a_zip_of_a_million_files_is_refused_before_they_are_counted(tmp_path):
    path = tmp_path / "many.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(6000):
            archive.writestr(str(number), b"")
    tracemalloc.start()
    try:
        assert "table of contents is too large" in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


# Large files


def resident():
    """Bytes of memory that this process has taken, mapped files included."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells")
@pytest.mark.parametrize("kind", [4, 5, "npz"])
def test_a_large_file_is_opened_without_reading_it(tmp_path, kind):
    path, count, shape = tmp_path / "large", 1000, (2, 16, 256)
    values = contents(count) | {"comp": np.zeros((count, *shape)), "global_mean": np.ones(shape)}
    values["comp"][:8] = 1
    if kind == "npz":
        with open(path, "wb") as file:
            np.savez(file, **values)
    else:
        path.write_bytes(pickle.dumps(values, kind))
    expected = 1 + values["stdev"][:8].sum()
    del values
    assert path.stat().st_size > 65_000_000
    before = resident()
    space = GANSpace.load(path)
    layer = space.edits_layer(np.ones(8))
    assert resident() - before < 5_000_000
    np.testing.assert_allclose(layer, expected, rtol=1e-6)
    space.components.sum()
    assert resident() - before > 50_000_000  # so that the measure measures


def test_opening_components_loads_no_tensorflow():
    code = (f"import sys, pdbridge; pdbridge.GANSpace.load({str(PUBLIC)!r}).offset([1]); "
            "print('tensorflow' in sys.modules, 'sklearn' in sys.modules)")
    said = subprocess.run([sys.executable, "-c", code], cwd=CLONE, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "False"]


def test_steps_of_a_real_file_are_far_below_the_limit():
    steps = sum(1 for _ in pickletools.genops(PUBLIC.read_bytes()))
    assert steps < pickles.MOST_STEPS / 10
