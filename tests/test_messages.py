"""The table of messages: it is whole, its page is up to date, and it checks what comes in."""

import inspect
import math
from collections import Counter
from pathlib import Path

import pytest

from pdbridge.errors import MessageError
from pdbridge.hosts import messages
from pdbridge.hosts.messages import MESSAGES
from pdbridge.instruments import INSTRUMENTS, find_instrument
from pdbridge.server import _COMMANDS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "messages.md"


def check(name, *values):
    return messages.find("gansynth", name).check(list(values))


def test_every_address_is_there_once():
    assert [a for a, n in Counter(m.address for m in MESSAGES).items() if n > 1] == []


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.address)
def test_every_message_is_a_method_that_takes_its_arguments(message):
    method = getattr(INSTRUMENTS[message.instrument], message.name, None)
    assert method, f"{message.instrument} has no method {message.name}"
    assert inspect.iscoroutinefunction(method) == (not message.at_once)
    parameters = [p for p in inspect.signature(method).parameters.values()][1:]
    if message.repeats:
        assert [p.kind for p in parameters] == [inspect.Parameter.VAR_POSITIONAL]
        return
    assert len(parameters) == len(message.arguments)
    many = [p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters]
    assert many == [a.repeats for a in message.arguments]
    optional = [p.default is not inspect.Parameter.empty for p in parameters]
    assert optional == [a.optional for a in message.arguments]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.address)
def test_optional_arguments_come_last_and_every_message_has_help(message):
    optional = [a.optional for a in message.arguments]
    assert optional == sorted(optional)
    assert not (message.repeats and any(optional))
    assert not any(a.repeats for a in message.arguments[:-1])
    assert not (message.takes_many and any(optional))
    assert bool(message.separator) == (message.takes_many and message.repeats)
    assert not (message.separator and message.arguments[-1].kind in ("array", "folder", "file"))
    assert not (message.background and (message.at_once or message.arguments[0].kind != "array"))
    assert message.help.endswith(".") and "|" not in message.help


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.address)
def test_every_number_has_bounds_and_every_kind_is_known(message):
    for argument in message.arguments:
        assert argument.kind in ("array", "folder", "file", "name", "whole", "number", "values")
        if argument.kind in ("whole", "number", "values"):
            assert argument.lowest < argument.highest


def test_the_page_of_messages_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == messages.as_markdown(), (
        "docs/messages.md is stale; write it anew: pdbridge messages --markdown > docs/messages.md")


def test_the_server_carries_out_the_commands_that_the_page_lists():
    assert set(_COMMANDS) == {address for address, *_ in messages.SERVER_MESSAGES}


def test_the_list_for_the_terminal_names_every_message():
    text = messages.as_text()
    for message in MESSAGES:
        assert f"{message.address} {message.usage()}".strip() in text.splitlines()


def test_numbers_are_taken_as_floats_or_ints():
    assert check("note_on", 60.0, 100) == [60, 100]
    assert check("slerp_z", "a", "b", "c", 1) == ["a", "b", "c", 1]


def test_a_name_that_looks_like_a_number_is_a_name():
    assert check("z", 12.0) == ["12"]
    assert check("load", "models", 8.0) == ["models", 8]
    assert check("voices", "v", 4, 44100.0) == ["v", 4, 44100.0]


def test_groups_come_as_tuples():
    assert check("synthesize", "a", "b", 60.0, "c", "d", 61) == [("a", "b", 60), ("c", "d", 61)]


def test_a_last_argument_may_repeat():
    loaded = messages.find("nsynth_controller", "loaded")
    assert loaded.usage() == "rows cols length sample-rate pitch..."
    assert loaded.check([9.0, 9, 60000, 16000.0, 24, 28.0]) == [9, 9, 60000, 16000, 24, 28]
    assert len(loaded.check([9, 9, 60000, 16000, *range(128)])) == 132
    for values, part in (([9, 9, 60000, 16000], "takes rows cols length sample-rate pitch...; 4 arguments"),
                         ([9, 9, 60000, 16000, *[60] * 129], "133 arguments came"),
                         ([9, 9, 60000, 16000, 60, 128], "pitch is 128")):
        with pytest.raises(MessageError, match=part):
            loaded.check(values)


def test_groups_whose_last_argument_repeats_stand_apart():
    noz = messages.find("gansynth", "synthesize_noz")
    assert noz.usage() == "sound-array pitch edit... [-- sound-array pitch edit...]..."
    assert noz.check(["s1", 60.0, 0.5, "edits", -1, "--", "s2", 61, 12.0]) == [
        ("s1", 60, 0.5, "edits", -1), ("s2", 61, 12.0)]
    assert len(noz.check(["s", 60, *[0.5] * 512])[0]) == 514


@pytest.mark.parametrize("name, values, part", [
    ("synthesize_noz", ("s", 60), "takes sound-array pitch edit.*; 2 arguments came"),
    ("synthesize_noz", ("s", 60, 1, "--"), "0 arguments came"),
    ("synthesize_noz", ("--", "s", 60, 1), "0 arguments came"),
    ("synthesize_noz", ("s", 60, *[0] * 513), "515 arguments came"),
    ("synthesize_noz", ("s", 60, 1, "--") * 64 + ("s", 60, 1), "at most 64 times; 65 times came"),
    ("synthesize_noz", ("s", 60, 1001), "edit is 1001; it must be between -1000 and 1000"),
    ("synthesize_noz", ("s", 60, math.nan), "edit must be a finite number, not nan"),
    ("synthesize_noz", ("s", 60, "a\0b"), "edit must be a name"),
    ("synthesize_noz", ("s", 60, b"blob"), "edit must be a number"),
    ("component", (0, 1), "number is 0; it must be between 1"),
    ("component", (1.5, 1), "number must be a whole number"),
    ("component", (1, 2000), "amplitude is 2000"),
    ("corner", (5, "z"), "number is 5; it must be between 1 and 4"),
    ("pad", (1.01, 0), "x is 1.01"),
    ("pad", (0, -0.01), "y is -0.01"),
    ("note_on", (128, 1), "note_on: pitch is 128; it must be between 0 and 127"),
    ("note_on", (-1, 1), "pitch is -1"),
    ("note_on", (60, 200), "velocity is 200"),
    ("note_on", (60.5, 1), "pitch must be a whole number, not 60.5"),
    ("note_on", ("c4", 1), "pitch must be a number, not 'c4'"),
    ("note_on", (math.nan, 1), "pitch must be a finite number, not nan"),
    ("note_on", (60, math.inf), "velocity must be a finite number, not inf"),
    ("note_on", (None, 1), "pitch must be a number"),
    ("note_on", (b"blob", 1), "pitch must be a number"),
    ("note_on", (60,), "takes pitch velocity; 1 argument came"),
    ("note_on", (60, 1, 1), "takes pitch velocity; 3 arguments came"),
    ("panic", (1,), "takes nothing; 1 argument came"),
    ("load", (), r"takes folder \[batch-size\]; 0 arguments came"),
    ("load", ("a", 0), "batch-size is 0"),
    ("voices", ("v", 65, 44100), "count is 65"),
    ("voices", ("v", 4, 100), "sample-rate is 100"),
    ("slerp_z", ("a", "b", "c", 1.01), "amount is 1.01"),
    ("slerp_z", ("a", "b", "c", -1e-3), "amount is -0.001"),
    ("z", ("",), "z-array must be a name"),
    ("z", ("a\0b",), "z-array must be a name"),
    ("z", ("a\nb",), "z-array must be a name"),
    ("z", ("a" * 1001,), "z-array must be a name"),
    ("z", (None,), "z-array must be a name"),
    ("synthesize", ("a", "b"), "synthesize: takes .z-array sound-array pitch.*; 2 arguments came"),
    ("synthesize", (), "0 arguments came"),
    ("synthesize", ("a", "b", 60) * 65, "at most 64 times"),
    ("synthesize", ("a", "b", 60, "c", "d", 128), "pitch is 128"),
    ("seed", (-1,), "number is -1"),
])
def test_a_wrong_argument_is_named_with_what_it_must_be(name, values, part):
    with pytest.raises(MessageError, match=part) as error:
        check(name, *values)
    assert len(str(error.value)) < 300


def test_an_unknown_message_names_those_that_exist():
    with pytest.raises(MessageError, match="no message 'nte_on'; it knows load, unload.* note_on"):
        messages.find("gansynth", "nte_on")


@pytest.mark.parametrize("arguments", [
    ["pdbridge.pyext", "gansynth"], ["pdbridge.pyext.gansynth"],
    ["pdbridge.pyext", "gansynth", "@detach", 1.0], [1.0, 1.0, "pdbridge.pyext", "gansynth"],
    ["sopimagenta.gansynth.pyext", "gansynth", "@detach", 1.0],
])
def test_objects_of_our_patches_and_of_the_course_name_the_instrument(arguments):
    assert find_instrument(arguments) == ("gansynth", INSTRUMENTS["gansynth"])


@pytest.mark.parametrize("arguments", [
    ["sopimagenta.gansynth.pyext", "nsynth_loader"], ["sopimagenta.nsynth.pyext", "nsynth"],
    [], ["gansynth"], ["os", "system"], ["pdbridge.pyext", "piano"], ["@detach", 1.0],
    ["pdbridge.pyext"], ["a" * 60000],
])
def test_an_object_that_names_no_instrument_is_told_what_to_write(arguments):
    with pytest.raises(MessageError, match=r"\[pyext. pdbridge.pyext gansynth\]") as error:
        find_instrument(arguments)
    assert len(str(error.value)) < 300
