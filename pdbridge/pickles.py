"""Pickles without unpickling: their steps are followed one by one, and nothing in them is run.

A pickle is a small program, and whoever unpickles it runs whatever it says. `PickleSteps` knows only the
steps that build lists, dicts, text and numbers (protocols 2 to 5). What a pickle asks for by name is up
to those who derive from it; they make stand-ins of a closed list of names and refuse all others. Time and
memory are bounded by the length of the pickle: long texts stay views, and dicts take only names.
"""

import pickle
import struct

from pdbridge.mapped import Damaged

MOST_STEPS = 10_000  # of a pickle; those that we know take 150 (components) to 2500 (a SING)
LONGEST_TEXT = 1000  # bytes of a name; longer texts are arrays in disguise (protocol 2), or source text
LONGEST_NAME = 100  # letters of a name in an error


class PickleSteps:
    """Follows the steps of a pickle. They work on a stack, as in Python's own ``pickle``.

    Parameters
    ----------
    data : memoryview
        Bytes that begin with a pickle, at `position`.
    position : int
    """

    content = "data"  # what such a pickle holds, for errors

    def __init__(self, data, position=0):
        self.bytes = data
        self.position = position
        self.stack, self.marks, self.memo = [], [], {}

    def follow(self):
        """What the pickle makes; `position` is behind it then.

        Raises
        ------
        Damaged
            It is no such pickle.
        """
        for _ in range(MOST_STEPS):
            code = bytes(self.take(1))
            if code == pickle.STOP:
                return self.pop()
            self.step(code)
        raise Damaged(f"has more than {MOST_STEPS} steps, but {self.content} take a few hundred")

    def step(self, code):
        match code:
            case pickle.PROTO:
                self.number("<B")
            case pickle.FRAME:
                self.number("<Q")  # only a hint for readers of streams
            case pickle.MARK:
                self.marks.append(len(self.stack))

            case pickle.NONE:
                self.push(None)
            case pickle.NEWTRUE:
                self.push(True)
            case pickle.NEWFALSE:
                self.push(False)
            case pickle.BININT:
                self.push(self.number("<i"))
            case pickle.BININT1:
                self.push(self.number("<B"))
            case pickle.BININT2:
                self.push(self.number("<H"))
            case pickle.LONG1:
                self.push(int.from_bytes(self.take(self.number("<B")), "little", signed=True))
            case pickle.BINFLOAT:
                self.push(self.number(">d"))

            case pickle.SHORT_BINUNICODE:
                self.push(self.text("<B"))
            case pickle.BINUNICODE:
                self.push(self.text("<I"))
            case pickle.BINUNICODE8:
                self.push(self.text("<Q"))
            case pickle.SHORT_BINBYTES:
                self.push(self.take(self.number("<B")))
            case pickle.BINBYTES:
                self.push(self.take(self.number("<I")))
            case pickle.BINBYTES8 | pickle.BYTEARRAY8:
                self.push(self.take(self.number("<Q")))

            case pickle.EMPTY_TUPLE:
                self.push(())
            case pickle.TUPLE:
                self.push(tuple(self.pop_to_mark()))
            case pickle.TUPLE1 | pickle.TUPLE2 | pickle.TUPLE3:
                count = (pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3).index(code) + 1
                self.push(tuple(reversed([self.pop() for _ in range(count)])))
            case pickle.EMPTY_LIST:
                self.push([])
            case pickle.APPEND:
                self.append([self.pop()])
            case pickle.APPENDS:
                self.append(self.pop_to_mark())
            case pickle.EMPTY_DICT:
                self.push({})
            case pickle.SETITEM:
                value, name = self.pop(), self.pop()
                self.set_items([name, value])
            case pickle.SETITEMS:
                self.set_items(self.pop_to_mark())

            case pickle.MEMOIZE:
                self.memo[len(self.memo)] = self.top()
            case pickle.BINPUT:
                self.memo[self.number("<B")] = self.top()
            case pickle.LONG_BINPUT:
                self.memo[self.number("<I")] = self.top()
            case pickle.BINGET:
                self.get(self.number("<B"))
            case pickle.LONG_BINGET:
                self.get(self.number("<I"))

            case pickle.GLOBAL | pickle.INST:
                module, name = self.line(), self.line()
                self.push(self.known(module, name))
            case pickle.STACK_GLOBAL:
                name, module = self.pop(), self.pop()
                self.push(self.known(module, name))
            case pickle.REDUCE:
                arguments, function = self.pop(), self.pop()
                self.push(self.made(function, arguments))
            case pickle.NEWOBJ:
                arguments, kind = self.pop(), self.pop()
                self.push(self.new(kind, arguments))
            case pickle.BUILD:
                state = self.pop()
                self.build(self.top(), state)
            case pickle.BINPERSID:
                self.push(self.persistent(self.pop()))
            case _:
                self.refuse(code)

    # The bytes

    def take(self, count):
        piece = self.bytes[self.position:self.position + count]
        if len(piece) < count:
            raise Damaged(f"is cut short, or no pickle of {self.content}")
        self.position += count
        return piece

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self, form):
        """A str, or the bytes of a long one."""
        encoded = self.take(self.number(form))
        if len(encoded) > LONGEST_TEXT:
            return encoded
        try:
            return str(encoded, "utf-8")
        except UnicodeDecodeError:
            raise Damaged("is damaged: a text in it is none") from None

    def line(self):
        ahead = bytes(self.bytes[self.position:self.position + LONGEST_TEXT])
        text, end, _ = ahead.partition(b"\n")
        self.take(len(text) + 1 if end else len(ahead) + 1)
        return text.decode("utf-8", "replace")

    # The stack

    def push(self, value):
        self.stack.append(value)

    def top(self):
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise Damaged("is damaged: a step of it finds nothing to work on")
        return self.stack[-1]

    def pop(self):
        value = self.top()
        self.stack.pop()
        return value

    def pop_to_mark(self):
        if not self.marks:
            raise Damaged("is damaged: a step of it finds nothing to work on")
        mark = self.marks.pop()
        values = self.stack[mark:]
        del self.stack[mark:]
        return values

    def get(self, number):
        if number not in self.memo:
            raise Damaged("is damaged: it goes back to something that it has not made")
        self.push(self.memo[number])

    def append(self, values):
        target = self.top()
        if not isinstance(target, list):
            raise Damaged(f"is damaged: it appends to {self.kind(target)}")
        target.extend(values)

    def set_items(self, items):
        target = self.top()
        if not isinstance(target, dict) or len(items) % 2:
            raise Damaged(f"is damaged: it files names and values in {self.kind(target)}")
        for name, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(name, str):
                raise Damaged(f"is damaged: a name in it is {self.kind(name)}")
            target[name] = value

    # What those who derive from it decide

    def known(self, module, name):
        """A stand-in for what the pickle asks for by name; or `unknown`."""
        self.unknown(module, name)

    def made(self, function, arguments):
        """What a call of a stand-in with arguments (a tuple, as a rule) gives."""
        raise Damaged(f"is damaged: it calls {self.kind(function)}")

    def build(self, target, state):
        """Put a state into something that was made."""
        raise Damaged(f"is damaged: it fills {self.kind(target)} with {self.kind(state)}")

    def new(self, kind, arguments):
        """An object of a class, of which `kind` is the stand-in."""
        self.refuse(pickle.NEWOBJ)

    def persistent(self, identity):
        """What the program that wrote the pickle kept outside it."""
        self.refuse(pickle.BINPERSID)

    def kind(self, value):
        """What something is, for errors."""
        names = {memoryview: "bytes", list: "a list", dict: "a dict", tuple: "a tuple", str: "a text",
                 int: "a number", float: "a number"}
        return names.get(type(value), f"a {type(value).__name__}")

    def unknown(self, module, name):
        """Refuse what the pickle asks for by name."""
        raise Damaged(f"asks for {full_name(module, name)[:LONGEST_NAME]!r}, which has no place in {self.content} "
                      "and may do harm; it was not carried out")

    def refuse(self, code):
        """Refuse a step."""
        raise Damaged(f"is no pickle of {self.content}: byte {self.position - 1} ({code[0]:#04x}) asks for "
                      "something else than arrays, text and numbers")


def full_name(module, name):
    """What a pickle asks for, as one text."""
    return f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else "no name"
