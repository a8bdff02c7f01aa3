"""Writes the Max patches beside it: ``python patches/max/make.py`` (needs ``pip install py2max==0.6.0``).

A patch has a face (presentation mode) and three subpatchers behind it: ``p server`` sends and hears OSC,
``p pad`` looks after the X/Y pad, ``p voices`` plays. A key asks the server for its note as a WAV, and
plays the file from a buffer~ when the server says that it is whole. The voices are copies of one
subpatcher and no poly~, so that a patch is one file, which `Patcher.lint` checks as a whole.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from py2max import Patcher
from py2max.core.box import Box
from py2max.core.common import Rect

FOLDER = Path(__file__).resolve().parent
SERVER_PORT = 9700
VOICES = 6
ALIVE_MS, GONE_MS = 2000, 5000  # how often the server is asked, and after what silence it counts as gone
SHORTEST_NOTE_MS = 150  # of a key that was let go of before its file was there
PAD = 1000  # steps of the pad, each way
PAD_EVERY_MS = 20
FOLLOW_AFTER_MS = 500  # so long the pad follows only the hand that moves it
TOP, ROW = 30, 40  # of a subpatcher: its first row, and from one to the next


@dataclass(frozen=True)
class Instrument:
    """What differs between the patches.

    Attributes
    ----------
    name : str
        Of the instrument, and of the patch.
    port : int
        Where the patch listens.
    title, load_label, load_text : str
        On the face: the title, what can be loaded, and what stands there at first.
    pad : str
        The message that the pad sends.
    pad_is_xy : bool
        Whether it takes x first.
    first : str
        What is sent when the server is there (NSynth opens its grid for the first note).
    reports : tuple of str
        What is listened for: work going on, what is loaded, the pad moved by others, names of corners.
    """

    name: str
    port: int
    title: str
    load_label: str
    load_text: str
    pad: str
    pad_is_xy: bool
    first: str
    reports: tuple


def corner(number):
    """A new random timbre at a corner of GANSynth's pad."""
    return f"/gansynth/randomize_z max-z{number}, /gansynth/corner {number} max-z{number}"


GANSYNTH = Instrument(
    "gansynth", 9701, "GANSynth: four timbres under a pad, and the keys play what lies between them",
    "model", "small_hours", "pad", True,
    ", ".join(corner(number) for number in (1, 2, 3, 4)),
    ("busy", "model", "position"))
NSYNTH = Instrument(
    "nsynth", 9702, "NSynth: a grid of sounds under a pad, and the keys play the nearest one",
    "grid", "first_grid", "position_rel", False,
    "/nsynth/write_note 60 max-nsynth-0.wav",
    ("busy", "grid", "position", "corner"))


class Sheet:
    """A patcher to write on: boxes in columns and rows, cords, the face.

    Parameters
    ----------
    width, height : int
        Of its window.
    parent : Sheet or None
    """

    def __init__(self, width, height, title=None, parent=None):
        self.patcher = Patcher(title=title, openinpresentation=int(parent is None),
                               parent=parent and parent.patcher, strict=True)
        self.patcher.rect = Rect(80, 100, width, height)

    def box(self, text, x, y, /, face=None, width=None, height=None, **attributes):
        """An object, message, comment or control at a place; `face` is its rectangle on the face."""
        word, _, rest = text.partition(" ")
        if word in ("message", "comment"):
            add = self.patcher.add_message if word == "message" else self.patcher.add_comment
            box = add(rest, **attributes)
        else:
            box = self.patcher.add_textbox(text, **attributes)
        _, _, *natural = box.patching_rect
        box.patching_rect = Rect(x, y, width or natural[0], height or natural[1])
        return self._on_face(box, face)

    def labelled(self, maxclass, label, x, y, face, width, outlets, **attributes):
        """A control that shows a text."""
        box = Box(id=self.patcher.get_id(), maxclass=maxclass, text=label, numinlets=1, numoutlets=outlets,
                  outlettype=[""] * outlets, patching_rect=Rect(x, y, width, 22), **attributes)
        return self._on_face(self.patcher.add_box(box), face)

    def comment(self, text, x, y, width, face=None):
        return self.box(f"comment {text}", x, y, face, width)

    def sub(self, text, sheet, x, y, width):
        """A subpatcher."""
        box = self.patcher.add_subpatcher(text, patcher=sheet.patcher, patching_rect=Rect(x, y, width, 22))
        box.render()  # its inlets and outlets
        return box

    @staticmethod
    def _on_face(box, face):
        if face:
            box.presentation, box.presentation_rect = 1, [float(number) for number in face]
        return box

    def cord(self, source, destination, outlet=0, inlet=0):
        self.patcher.add_line(source, destination, outlet=outlet, inlet=inlet)

    def chain(self, *boxes):
        """Cords from first outlet to first inlet, along the boxes; the last of them."""
        for source, destination in zip(boxes, boxes[1:]):
            self.cord(source, destination)
        return boxes[-1]


def server(parent, instrument):
    """``p server``: OSC out and in. Outlets: it came, it is there or gone, what failed, notes, reports."""
    sheet = Sheet(880, 460, parent=parent)
    name = instrument.name
    sheet.comment("OSC to the server. Max sends from one port and listens at another one, so /notify tells the "
                  "server where; its answer is the sign that the server is there.", 20, TOP, 700)
    ask = sheet.box(f"message /notify 1 {instrument.port}", 200, TOP + 3 * ROW)
    send = sheet.box(f"udpsend 127.0.0.1 {SERVER_PORT}", 20, TOP + 4 * ROW)
    sheet.cord(sheet.box("inlet", 20, TOP + ROW), send)
    sheet.chain(sheet.box("loadmess 1", 200, TOP + ROW), sheet.box(f"metro {ALIVE_MS}", 200, TOP + 2 * ROW),
                ask, send)

    receive = sheet.box(f"udpreceive {instrument.port}", 400, TOP + ROW)
    reports = [f"/{name}/{report}" for report in instrument.reports]
    words = sheet.box(" ".join(["route /done /fail", *reports]), 400, TOP + 2 * ROW)
    done = sheet.box(f"route /notify /{name}/write_note", 400, TOP + 3 * ROW)
    sheet.chain(receive, words, done)

    there = sheet.box("t b b 1", 400, TOP + 4 * ROW)
    first = sheet.box("onebang 1", 400, TOP + 6 * ROW)
    gone = sheet.box(f"delay {GONE_MS}", 480, TOP + 5 * ROW)
    again = sheet.box("t b 0", 480, TOP + 6 * ROW)
    outlets = [sheet.box("outlet", 400 + 60 * index, TOP + 8 * ROW) for index in range(4 + len(reports))]
    sheet.cord(done, there)
    sheet.cord(there, first)
    sheet.cord(there, gone, 1)
    sheet.chain(gone, again)
    sheet.cord(again, first, 0, 1)
    sheet.cord(first, outlets[0])
    sheet.cord(again, outlets[1], 1)
    sheet.cord(there, outlets[1], 2)
    sheet.cord(words, outlets[2], 1)
    sheet.cord(done, outlets[3], 1)
    for index in range(len(reports)):
        sheet.cord(words, outlets[4 + index], 2 + index)
    sheet.comment(" / ".join(["it came", "it is there", "fail", "a note's file", *instrument.reports]), 400,
                  TOP + 9 * ROW, 450)
    return sheet


def pad(parent, instrument):
    """``p pad``: from the pad's numbers to the message, and back when another program moves it."""
    sheet = Sheet(640, 440, parent=parent)
    sheet.comment("x grows to the right, y downwards, both from 0 to 1. What another program does to the pad "
                  "is shown, but not while this one moves it.", 20, TOP, 600)
    numbers = [sheet.box("inlet", x, TOP + ROW) for x in (30, 110)]
    fractions = [sheet.box(f"/ {PAD}.", x, TOP + 2 * ROW) for x in (30, 110)]
    place = sheet.box("join 2 @triggers -1", 30, TOP + 3 * ROW)
    for index, (number, fraction) in enumerate(zip(numbers, fractions)):
        sheet.cord(number, fraction)
        sheet.cord(fraction, place, 0, index if instrument.pad_is_xy else 1 - index)
    calm = sheet.box(f"speedlim {PAD_EVERY_MS}", 30, TOP + 4 * ROW)
    busy = sheet.box("t l b b", 30, TOP + 5 * ROW)
    message = sheet.box(f"prepend /{instrument.name}/{instrument.pad}", 30, TOP + 7 * ROW)
    sheet.chain(place, calm, busy, message, sheet.box("outlet", 30, TOP + 8 * ROW))

    moved = sheet.box("inlet", 340, TOP + ROW)
    shut = sheet.box("message 0", 280, TOP + 6 * ROW)
    later = sheet.box(f"delay {FOLLOW_AFTER_MS}", 210, TOP + 5 * ROW + 20)
    open_again = sheet.box("message 1", 210, TOP + 7 * ROW)
    gate = sheet.box("gate 1 1", 340, TOP + 2 * ROW)
    sheet.cord(moved, gate, 0, 1)
    sheet.cord(busy, later, 1)
    sheet.cord(busy, shut, 2)
    sheet.chain(later, open_again)
    sheet.cord(open_again, gate)
    sheet.cord(shut, gate)
    y_x = sheet.box("unpack 0. 0.", 340, TOP + 3 * ROW)
    both = sheet.box("join 2 @triggers 1", 340, TOP + 6 * ROW)
    sheet.cord(gate, y_x)
    for index in (0, 1):  # y comes first in the report and last out of unpack; the pad wants x first
        steps = [sheet.box(text, 340 + 90 * index, TOP + row * ROW)
                 for text, row in ((f"* {PAD}.", 4), ("int", 5))]
        sheet.chain(*steps)
        sheet.cord(y_x, steps[0], index)
        sheet.cord(steps[1], both, 0, 1 - index)
    sheet.chain(both, sheet.box("prepend set", 340, TOP + 7 * ROW), sheet.box("outlet", 340, TOP + 8 * ROW))
    return sheet


def voice(parent, instrument, number):
    """``p voice``: asks for the note of a key, reads its file, plays it. Outlets: sound, messages."""
    sheet = Sheet(900, 520, parent=parent)
    name = instrument.name
    buffer = f"pdbridge-{name}-{number}"
    sheet.comment("A pressed key asks the server for its note, at Max's own sampling rate.", 20, TOP, 400)
    sheet.comment("The file is whole when its name arrives here. A file for a key that was pressed before "
                  "is passed over.", 440, TOP, 400)
    key = sheet.box("inlet", 20, TOP + ROW)
    both = sheet.box("unpack 0 0", 20, TOP + 2 * ROW)
    pressed = sheet.box("stripnote", 20, TOP + 3 * ROW)
    ask = sheet.box("t i i b", 20, TOP + 4 * ROW)
    rate = sheet.box("dspstate~", 120, TOP + 5 * ROW)
    pitch_and_rate = sheet.box("pack 0 44100", 20, TOP + 6 * ROW)
    message = sheet.box(f"message /{name}/write_note $1 max-{name}-{number}.wav $2", 20, TOP + 7 * ROW)
    sheet.chain(key, both, pressed, ask, pitch_and_rate, message, sheet.box("outlet", 60, TOP + 11 * ROW))
    sheet.cord(both, pressed, 1, 1)
    sheet.cord(ask, rate, 2)
    sheet.cord(rate, pitch_and_rate, 1, 1)
    loudness = sheet.box("/ 127.", 160, TOP + 4 * ROW)
    sheet.cord(pressed, loudness, 1)
    let_go = sheet.box("select 0", 260, TOP + 3 * ROW)
    sheet.cord(both, let_go, 1)

    file = sheet.box("inlet", 440, TOP + ROW)
    parts = sheet.box("unpack 0 0 s", 440, TOP + 2 * ROW)
    wanted = sheet.box("== 60", 440, TOP + 3 * ROW)
    right = sheet.box("select 1", 440, TOP + 4 * ROW)
    path = sheet.box("zl reg", 440, TOP + 5 * ROW)
    sound = sheet.box(f"buffer~ {buffer}", 440, TOP + 7 * ROW)
    sheet.chain(file, parts, wanted, right, path, sheet.box("prepend replace", 440, TOP + 6 * ROW), sound)
    sheet.cord(parts, path, 2, 1)
    sheet.cord(ask, wanted, 1, 1)

    there = sheet.box("t b b b", 640, TOP + 7 * ROW)
    sheet.cord(sound, there, 1)
    start = sheet.box("message start", 720, TOP + 8 * ROW)
    play = sheet.box(f"play~ {buffer}", 720, TOP + 9 * ROW)
    amplitude = sheet.box("float", 660, TOP + 8 * ROW)
    held = sheet.box("int", 580, TOP + 8 * ROW)
    short = sheet.box("select 0", 500, TOP + 9 * ROW)
    later = sheet.box(f"delay {SHORTEST_NOTE_MS}", 400, TOP + 9 * ROW)
    silence = sheet.box("message 0", 300, TOP + 9 * ROW)
    fade = sheet.box("adsr~ 5. 10. 1. 300.", 300, TOP + 10 * ROW)
    product = sheet.box("*~", 720, TOP + 10 * ROW)
    sheet.cord(there, start, 2)
    sheet.cord(there, amplitude, 1)
    sheet.cord(there, held, 0)
    sheet.chain(start, play, product, sheet.box("outlet", 720, TOP + 11 * ROW))
    sheet.cord(loudness, amplitude, 0, 1)
    sheet.cord(both, held, 1, 1)
    sheet.chain(held, short, later, silence, fade)
    sheet.cord(let_go, silence)
    sheet.cord(amplitude, fade)
    sheet.cord(fade, product, 0, 1)
    return sheet


def voices(parent, instrument):
    """``p voices``: gives keys and files to voices. Outlets: sound, messages."""
    sheet = Sheet(900, 420, parent=parent)
    sheet.comment(f"{VOICES} voices; one key more takes the voice of the oldest.", 20, TOP, 400)
    pitch, velocity, file = (sheet.box("inlet", x, TOP + ROW) for x in (20, 100, 460))
    allot = sheet.box(f"poly {VOICES} 1", 20, TOP + 2 * ROW)
    note = sheet.box("pack 0 0 0", 20, TOP + 3 * ROW)
    keys = sheet.box("route " + " ".join(str(number + 1) for number in range(VOICES)), 20, TOP + 4 * ROW)
    names = [f"max-{instrument.name}-{number + 1}.wav" for number in range(VOICES)]
    files = sheet.box(" ".join(["route", *names]), 20, TOP + 5 * ROW)
    sheet.cord(pitch, allot)
    sheet.cord(velocity, allot, 0, 1)
    for index in range(3):
        sheet.cord(allot, note, index, index)
    sheet.cord(note, keys)
    sheet.cord(file, files)
    quieter = sheet.box("*~ 0.4", 460, TOP + 7 * ROW)
    messages, sound = (sheet.box("outlet", x, TOP + 8 * ROW) for x in (20, 460))
    for index in range(VOICES):
        one = sheet.sub(f"p voice{index + 1}", voice(sheet, instrument, index + 1), 20 + 145 * index,
                        TOP + 6 * ROW, 100)
        sheet.cord(keys, one, index, 0)
        sheet.cord(files, one, index, 1)
        sheet.cord(one, messages, 0)
        sheet.cord(one, quieter, 1)
    sheet.cord(quieter, sound)
    return sheet


def patch(instrument):
    """The whole patch."""
    name = instrument.name
    sheet = Sheet(1060, 720, title=f"pdbridge {name}")
    sheet.patcher.description = f"{instrument.title}. Needs a running 'pdbridge serve'."
    gansynth = instrument is GANSYNTH

    # On the left what a hand moves and what sounds, on the right what goes to the server and comes back
    link = sheet.sub("p server", server(sheet, instrument), 560, 280, 240)
    hands = sheet.sub("p pad", pad(sheet, instrument), 30, 380, 150)
    sounds = sheet.sub("p voices", voices(sheet, instrument), 30, 550, 150)

    sheet.comment(instrument.title, 30, 20, 560, (20, 15, 560, 22))
    for number, advice in enumerate(("1. In a terminal: pdbridge serve", "2. Switch the sound on (lower right)",
                                     "3. Play: MIDI, or click the keys")):
        sheet.comment(advice, 30 + 250 * number, 45, 240, (20, 45 + 24 * number, 240, 22))

    # To the server
    sheet.comment("what is sent when the server is there", 560, 80, 300)
    first = sheet.box(f"message {instrument.first}", 560, 105, width=470, height=66)
    sheet.chain(link, first, link)
    sheet.comment(f"{instrument.load_label} (type its name, press return)", 560, 195, 300, (300, 75, 230, 22))
    load = sheet.labelled("textedit", instrument.load_text, 560, 220, (530, 73, 130, 24), 160, 4, keymode=1,
                          outputmode=1)
    sheet.chain(load, sheet.box("route text", 740, 220), sheet.box(f"prepend /{name}/load", 830, 220), link)

    # From the server
    sheet.comment("server", 560, 330, 60, (300, 45, 50, 22))
    lamp = sheet.box("led", 625, 330, (350, 45, 22, 22), 22)
    sheet.comment("works", 700, 330, 60, (400, 45, 50, 22))
    works = sheet.box("led", 765, 330, (450, 45, 22, 22), 22)
    sheet.comment("what is loaded", 800, 390, 150)
    shown = sheet.box("prepend set", 560, 390)
    sheet.chain(shown, sheet.box("message", 560, 420, (300, 105, 360, 22), 400))
    sheet.comment("what failed last", 800, 470, 150, (20, 370, 120, 22))
    failed = sheet.box("prepend set", 560, 470)
    sheet.chain(failed, sheet.box("message", 560, 500, (20, 393, 640, 22), 400))
    sheet.cord(link, lamp, 1)
    sheet.cord(link, failed, 2)
    sheet.cord(link, sounds, 3, 2)
    sheet.cord(link, works, 4)
    sheet.cord(link, shown, 5)
    sheet.cord(link, hands, 6, 2)

    # The pad and its corners
    square = sheet.box("pictslider", 30, 235, (60, 160, 180, 160), 150, height=130, leftvalue=0, rightvalue=PAD,
                       topvalue=0, bottomvalue=PAD)
    sheet.cord(square, hands)
    sheet.cord(square, hands, 1, 1)
    sheet.cord(hands, link)
    sheet.cord(hands, square, 1)
    middle = sheet.box(f"message {PAD // 2} {PAD // 2}", 200, 260)  # left of `first`, so it comes after it
    sheet.chain(link, middle, square)
    sheet.comment("what is at the corners of the pad", 30, 80, 300)
    corners = (("top left", 20, 132), ("top right", 160, 132),
               ("bottom left", 20, 326), ("bottom right", 160, 326))
    names = None
    if not gansynth:
        names = sheet.box("route 1 2 3 4", 30, 105)
        sheet.cord(link, names, 7)
    for index, (place, x, y) in enumerate(corners):
        face = (x, y, 110, 22)
        if gansynth:
            button = sheet.labelled("textbutton", f"new {place}", 30, 105 + 30 * index, face, 110, 3)
            sheet.chain(button, sheet.box(f"message {corner(index + 1)}", 160, 105 + 30 * index), link)
        else:
            label = sheet.box("prepend set", 30 + 120 * index, 145)
            sheet.cord(names, label, index)
            sheet.cord(label, sheet.box("message", 30 + 120 * index, 185, face, 110))

    # Keys and sound
    keys = sheet.box("kslider", 30, 425, (300, 160, 336, 53))
    note = sheet.box("makenote 100 1500", 30, 500)
    midi = sheet.box("notein", 200, 500)
    sheet.cord(keys, note)
    sheet.cord(keys, note, 1, 1)
    for source in (note, midi):
        sheet.cord(source, sounds)
        sheet.cord(source, sounds, 1, 1)
    sheet.cord(sounds, link)
    level = sheet.box("live.gain~", 60, 590, (480, 235, 60, 120), 60, height=90)
    sheet.chain(sheet.box("loadmess -6.", 220, 590), level)  # dB
    dac = sheet.box("ezdac~", 160, 635, (580, 265, 50, 50))
    for channel in (0, 1):
        sheet.cord(sounds, level, 1, channel)
        sheet.cord(level, dac, channel, channel)
    return sheet.patcher


def as_text(instrument):
    """The file of a patch, indented as Max does it."""
    return json.dumps(patch(instrument).to_dict(), indent="\t") + "\n"


if __name__ == "__main__":
    for instrument in (GANSYNTH, NSYNTH):
        path = FOLDER / f"{instrument.name}.maxpat"
        path.write_text(as_text(instrument))
        print(path)
