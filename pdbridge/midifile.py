"""MIDI files: which notes they hold, and when, in seconds.

mido reads the events of a track; this is what they mean as notes. The order of the notes is that of
pretty_midi and note_seq, which the original of GANSynth reads with: instrument by instrument (a track,
channel and program), and the notes of an instrument by their ends.
"""

import bisect
import collections
import io
import struct
from dataclasses import dataclass
from pathlib import Path

from pdbridge.errors import MidiFileError

LARGEST_FILE = 4 << 20  # bytes; mido takes about 4 s for that
LONGEST_S = 3600.0
DRUMS = 9  # the channel of drums, counted from 0; musicians count from 1 and call it 10
TEMPO = 500_000  # microseconds a quarter note, until the file says otherwise


@dataclass(frozen=True, slots=True)
class Note:
    """One note of a score.

    Attributes
    ----------
    pitch, velocity : int
        0 to 127 and 1 to 127.
    start_s, end_s : float
        In seconds from the start of the score; a note may have no length.
    track : int
        Which of `Score.tracks`.
    channel : int
        0 to 15.
    """

    pitch: int
    velocity: int
    start_s: float
    end_s: float
    track: int
    channel: int

    @property
    def is_drum(self):
        """Whether it is a drum, whose "pitch" says which."""
        return self.channel == DRUMS


@dataclass(frozen=True)
class Score:
    """The notes of a MIDI file.

    Attributes
    ----------
    notes : tuple of Note
    tracks : tuple of str
        Number and name of each track, e.g. "2 Flute", or "track 2" without a name. The one track of a
        type 0 file counts as 16, "channel 1" to "channel 16".
    unended : int
        Notes without an end in the file; they are held to the end of their track.
    """

    notes: tuple
    tracks: tuple
    unended: int


def read_midi(path):
    """Read a MIDI file of type 0, 1 or 2.

    Tempo changes count wherever they stand; the tracks of type 2 are played one after the other, each
    in its own tempo. A note_on of velocity 0 is a note_off. Where notes of the same pitch overlap, an
    off ends the one that began first, unless there are too few offs for all: then it ends all that
    began before it. What bends or colours notes (pitch bend, controllers) is passed over.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Score

    Raises
    ------
    MidiFileError
        The file is missing, is no MIDI file, is damaged, or lasts longer than an hour.
    """
    path = Path(path)
    kind, division, tracks = _parsed(path, _bytes(path))
    names = [_name(track, number) for number, track in enumerate(tracks, 1)]
    by_channel = kind == 0 and len(tracks) == 1
    if by_channel:
        names = [f"channel {channel + 1}" for channel in range(16)]
    notes, unended, origin_s = [], 0, 0.0
    clock = _Clock(division, tracks)
    for number, track in enumerate(tracks):
        if kind == 2:
            clock = _Clock(division, [track])
        instruments, left_open, end = _paired(track)
        unended += left_open
        for start, stop, channel, pitch, velocity in instruments:
            notes.append(Note(pitch, velocity, origin_s + clock.seconds(start), origin_s + clock.seconds(stop),
                              channel if by_channel else number, channel))
        if kind == 2:
            origin_s += clock.seconds(end)
    longest = max((note.end_s for note in notes), default=0)
    if longest > LONGEST_S:
        raise MidiFileError(f"{path} lasts {_duration(longest)}; an hour is the most. "
                            "Cut it into parts")
    return Score(tuple(notes), tuple(names), unended)


def _duration(seconds):
    return f"{seconds / 60:.0f} minutes" if seconds < 1e6 else "absurdly long"


# The file


def _bytes(path):
    try:
        if not path.is_file():
            raise MidiFileError(f"there is no MIDI file {path}")
        with open(path, "rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise MidiFileError(f"{path} cannot be read: {error}") from None
    if len(data) > LARGEST_FILE:
        raise MidiFileError(f"{path} is larger than {LARGEST_FILE >> 20} MiB, too large for a MIDI file")
    return data


def _parsed(path, data):
    """Type, division and tracks (lists of (tick, message)) of a file."""
    if data[:4] == b"RIFF" and data[8:16] == b"RMIDdata":  # a MIDI file in the wrapping of a WAV
        data = data[20:]
    if data[:4] != b"MThd" or len(data) < 14:
        raise MidiFileError(f"{path} is no MIDI file")
    size, kind, count, division = struct.unpack(">LHHh", data[4:14])
    if kind > 2 or size < 6 or division == 0:
        raise MidiFileError(f"{path} is damaged: no MIDI file has such a header")
    tracks, at = [], 8 + size
    while len(tracks) < count:
        name, end = data[at:at + 4], at + 8
        if len(data) < end:
            raise MidiFileError(f"{path} is damaged: it ends after {len(tracks)} of {count} tracks")
        end += struct.unpack(">L", data[at + 4:at + 8])[0]
        if name == b"MTrk":  # other chunks are for other programs
            if len(data) < end:
                raise MidiFileError(f"{path} is damaged: it ends in track {len(tracks) + 1} of {count}")
            tracks.append(_events(path, len(tracks) + 1, data[at:end]))
        at = end
    return kind, division, tracks


def _events(path, number, chunk):
    """One track as [(tick, message)], up to its end."""
    import mido

    # Alone in a file, so that a damaged track cannot be read on into the next one.
    alone = b"MThd" + struct.pack(">LHHH", 6, 0, 1, 480) + chunk
    try:
        messages = mido.MidiFile(file=io.BytesIO(alone)).tracks[0]
    except Exception as error:  # mido lets through whatever damaged bytes cause
        reason = str(error) or "an event is cut off"
        raise MidiFileError(f"{path} is damaged in track {number}: {reason}") from None
    events, tick = [], 0
    for message in messages:
        tick += message.time
        events.append((tick, message))
        if message.type == "end_of_track":
            break
    return events


def _name(events, number):
    for _, message in events:
        if message.type == "track_name" and message.name.strip():
            try:
                name = message.name.encode("latin-1").decode("utf-8")  # mido decodes as latin-1
            except UnicodeError:
                name = message.name
            return f"{number} {name.strip()}"
    return f"track {number}"


# Time


class _Clock:
    """From ticks to seconds.

    Parameters
    ----------
    division : int
        Ticks a quarter note, or, if negative, frames a second and ticks a frame (SMPTE).
    tracks : list
        Whose tempo changes count.
    """

    def __init__(self, division, tracks):
        self._per_second = None
        if division < 0:
            frames, ticks = -(division >> 8), division & 0xFF
            self._per_second = max(ticks, 1) * (30000 / 1001 if frames == 29 else frames)
        changes = sorted((tick, message.tempo) for track in tracks for tick, message in track
                         if message.type == "set_tempo" and message.tempo)
        self._division = division
        self._ticks, self._tempos, self._elapsed = [0], [TEMPO], [0]  # elapsed: microseconds * division
        for tick, tempo in changes:
            self._elapsed.append(self._elapsed_at(tick))
            self._ticks.append(tick)
            self._tempos.append(tempo)

    def _elapsed_at(self, tick):
        last = bisect.bisect_right(self._ticks, tick) - 1
        return self._elapsed[last] + (tick - self._ticks[last]) * self._tempos[last]

    def seconds(self, tick):
        try:
            if self._per_second:
                return tick / self._per_second
            return self._elapsed_at(tick) / (self._division * 1_000_000)
        except OverflowError:  # ticks may be numbers of any size
            return float("inf")


# Notes


def _paired(events):
    """Ons and offs of a track as notes.

    Returns
    -------
    notes : list of (start, stop, channel, pitch, velocity)
        Start and stop in ticks; in the order of note_seq.
    unended : int
    end : int
        Tick of the end of the track.
    """
    end = events[-1][0] if events else 0
    ons, offs = collections.Counter(), collections.Counter()  # that are still to come
    for _, message in events:
        if _is_on(message):
            ons[message.channel, message.note] += 1
        elif _is_off(message):
            offs[message.channel, message.note] += 1
    sounding = collections.defaultdict(collections.deque)  # (tick, velocity), the first one first
    programs = collections.Counter()  # by channel
    instruments = {}  # by channel and program, in the order of their first ends
    for tick, message in events:
        if message.type == "program_change":
            programs[message.channel] = message.program
        if _is_on(message):
            key = message.channel, message.note
            ons[key] -= 1
            sounding[key].append((tick, message.velocity))
        elif _is_off(message):
            key = message.channel, message.note
            held = sounding[key]
            surplus = len(held) + ons[key] - offs[key]  # notes that no off is left for
            offs[key] -= 1
            closed = [held.popleft()] if held else []
            while surplus > 0 and held and held[0][0] < tick:
                closed.append(held.popleft())
                surplus -= 1
            for start, velocity in closed:
                instruments.setdefault((message.channel, programs[message.channel]), []).append(
                    (start, tick, *key, velocity))
    unended = 0
    for (channel, pitch), held in sounding.items():
        unended += len(held)
        for start, velocity in held:
            instruments.setdefault((channel, programs[channel]), []).append(
                (start, end, channel, pitch, velocity))
    return [note for notes in instruments.values() for note in notes], unended, end


def _is_on(message):
    return message.type == "note_on" and message.velocity > 0


def _is_off(message):
    return message.type == "note_off" or (message.type == "note_on" and not message.velocity)
