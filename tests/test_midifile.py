"""MIDI files of every kind, as notes in seconds; damaged ones end in one clear line."""

import struct
from pathlib import Path

import mido
import numpy as np
import pytest
from mido import Message, MetaMessage

from pdbridge.errors import MidiFileError
from pdbridge.midifile import Note, read_midi

GOLDENS = Path(__file__).parent / "data" / "gansynth"
BEAT = 480  # ticks a quarter note: half a second, until the tempo changes


def on(tick, pitch=60, velocity=100, channel=0):
    return tick, Message("note_on", note=pitch, velocity=velocity, channel=channel)


def off(tick, pitch=60, channel=0):
    return tick, Message("note_off", note=pitch, channel=channel)


def tempo(tick, beats_per_minute):
    return tick, MetaMessage("set_tempo", tempo=mido.bpm2tempo(beats_per_minute))


def name(text):
    return 0, MetaMessage("track_name", name=text)


def end(tick):
    return tick, MetaMessage("end_of_track")


@pytest.fixture
def written(tmp_path):
    """Writes tracks, lists of (tick, message), to a file."""
    def write(*tracks, kind=1):
        file = mido.MidiFile(type=kind, ticks_per_beat=BEAT)
        for events in tracks:
            track, now = file.add_track(), 0
            for tick, message in events:
                track.append(message.copy(time=tick - now))
                now = tick
        file.save(tmp_path / "song.mid")
        return tmp_path / "song.mid"
    return write


def times(score):
    return [(note.start_s, note.end_s) for note in score.notes]


def raw(*tracks, kind=1, count=None, division=BEAT):
    """A file of bytes, its tracks given without their heads."""
    count = len(tracks) if count is None else count
    chunks = [b"MTrk" + struct.pack(">L", len(track)) + track for track in tracks]
    return b"MThd" + struct.pack(">LHHh", 6, kind, count, division) + b"".join(chunks)


NOTE_OF_ONE_BEAT = bytes.fromhex("00 90 3c 64 83 60 3c 00 00 ff 2f 00")  # its off runs on the status of its on


# As the original reads them


def test_notes_are_those_of_the_original_in_its_order():
    golden = np.load(GOLDENS / "golden_midi.npz")
    notes = [note for note in read_midi(GOLDENS / "golden_test.mid").notes if 36 <= note.pitch <= 84]
    assert [note.pitch for note in notes] == golden["pitches"].tolist()
    assert [note.velocity for note in notes] == golden["velocities"].tolist()
    np.testing.assert_allclose([note.start_s for note in notes], golden["start_times"], rtol=0, atol=1e-12)
    np.testing.assert_allclose([note.end_s for note in notes], golden["end_times"], rtol=0, atol=1e-12)
    assert [note.is_drum for note in notes] == [False] * 7 + [True]


def test_a_melody_in_one_track_keeps_its_order():
    score = read_midi(GOLDENS / "golden_test2.mid")
    assert len(score.notes) == 16
    assert [note.start_s for note in score.notes] == pytest.approx([0.8 * number for number in range(16)])
    assert score.notes[-1] == Note(63, 60, pytest.approx(12.0), pytest.approx(12.7), 1, 0)


# Time


def test_tempo_changes_count_also_in_the_midst_of_notes(written):
    score = read_midi(written([tempo(0, 60), on(0), tempo(BEAT, 120), off(2 * BEAT), end(2 * BEAT)]))
    assert times(score) == [(0, 1.5)]


def test_tempo_changes_count_in_whatever_track_they_stand(written):
    score = read_midi(written([on(0), off(2 * BEAT)], [on(0, 50), tempo(BEAT, 60), off(2 * BEAT, 50)]))
    assert times(score) == [(0, 1.5), (0, 1.5)]


def test_the_tracks_of_type_2_follow_each_other_each_in_its_own_tempo(written):
    score = read_midi(written([tempo(0, 60), on(0), off(BEAT), end(2 * BEAT)], [on(0), off(BEAT)], kind=2))
    assert times(score) == [(0, 1), (2, 2.5)]


def test_times_of_film_frames_are_seconds(tmp_path):
    path = tmp_path / "film.mid"
    path.write_bytes(raw(NOTE_OF_ONE_BEAT, division=(-25 << 8) + 40))
    assert times(read_midi(path)) == [(0, 0.48)]
    path.write_bytes(raw(NOTE_OF_ONE_BEAT, division=(-29 << 8) + 100))
    assert times(read_midi(path)) == [(0, pytest.approx(480 * 1001 / 3000000))]


# Notes


def test_running_status_and_velocity_0_end_notes(tmp_path):
    path = tmp_path / "running.mid"
    path.write_bytes(raw(NOTE_OF_ONE_BEAT))
    assert read_midi(path).notes == (Note(60, 100, 0, 0.5, 0, 0),)


def test_overlapping_notes_of_one_pitch_end_in_the_order_they_began(written):
    score = read_midi(written([on(0), on(BEAT), off(2 * BEAT), on(3 * BEAT), off(4 * BEAT), off(6 * BEAT)]))
    assert times(score) == [(0, 1), (0.5, 2), (1.5, 3)]


def test_one_off_for_two_notes_of_a_pitch_ends_both_and_later_notes_keep_their_ends(written):
    score = read_midi(written([on(0), on(BEAT), off(2 * BEAT), on(3 * BEAT), off(4 * BEAT)]))
    assert times(score) == [(0, 1), (0.5, 1), (1.5, 2)]


def test_a_repeated_note_may_begin_before_the_last_one_ends(written):
    score = read_midi(written([on(0), on(BEAT), off(BEAT), off(2 * BEAT)]))
    assert times(score) == [(0, 0.5), (0.5, 1)]


def test_the_same_pitch_on_two_channels_is_two_notes(written):
    score = read_midi(written([on(0), on(0, channel=1), off(BEAT, channel=1), off(2 * BEAT)]))
    assert {note.channel: note.end_s for note in score.notes} == {0: 1, 1: 0.5}


def test_a_note_without_an_end_is_held_to_the_end_of_its_track(written):
    score = read_midi(written([on(0), end(4 * BEAT)], [on(0), off(8 * BEAT)]))
    assert times(score) == [(0, 2), (0, 4)]
    assert score.unended == 1


def test_a_note_without_length_is_kept(written):
    score = read_midi(written([on(BEAT), off(BEAT), on(2 * BEAT), off(3 * BEAT)]))
    assert times(score) == [(0.5, 0.5), (1, 1.5)]


def test_an_off_without_a_note_and_pitch_bends_are_passed_over(written):
    bend = BEAT, Message("pitchwheel", pitch=4000)
    pedal = BEAT, Message("control_change", control=64, value=127)
    sysex = BEAT, Message("sysex", data=(1, 2, 3))
    assert times(read_midi(written([off(0), on(0), bend, pedal, sysex, off(2 * BEAT)]))) == [(0, 1)]


# Tracks


def test_tracks_are_called_by_number_and_name(written):
    score = read_midi(written([name("Flute"), on(0), off(9)], [name(" "), on(0), off(9)],
                              [name("Käyrätorvi".encode().decode("latin-1"))], [name("Fl\xfbte")]))
    assert score.tracks == ("1 Flute", "track 2", "3 Käyrätorvi", "4 Flûte")
    assert [note.track for note in score.notes] == [0, 1]


def test_the_channels_of_a_type_0_file_are_its_tracks(written):
    score = read_midi(written([on(0, channel=4), on(0, channel=9), off(9, channel=9), off(9, channel=4)],
                              kind=0))
    drums = {score.tracks[note.track]: note.is_drum for note in score.notes}
    assert drums == {"channel 5": False, "channel 10": True}


def test_chunks_of_other_programs_are_passed_over(tmp_path):
    path = tmp_path / "song.mid"
    song = raw(NOTE_OF_ONE_BEAT)
    path.write_bytes(song[:14] + b"XFIH" + struct.pack(">L", 3) + b"abc" + song[14:] + b"\0\0\0")
    assert times(read_midi(path)) == [(0, 0.5)]


def test_a_midi_file_wrapped_as_riff_is_read(tmp_path):
    song = raw(NOTE_OF_ONE_BEAT)
    path = tmp_path / "song.rmi"
    path.write_bytes(b"RIFF" + struct.pack("<L", len(song) + 12) + b"RMIDdata"
                     + struct.pack("<L", len(song)) + song)
    assert times(read_midi(path)) == [(0, 0.5)]


# Damage


@pytest.mark.parametrize(("data", "message"), [
    (b"", "is no MIDI file"),
    (b"RIFF1234WAVEfmt ", "is no MIDI file"),
    (b"MThd\0\0\0\6", "is no MIDI file"),
    (raw(NOTE_OF_ONE_BEAT, kind=3), "no MIDI file has such a header"),
    (raw(NOTE_OF_ONE_BEAT, division=0), "no MIDI file has such a header"),
    (raw(NOTE_OF_ONE_BEAT, count=3), "it ends after 1 of 3 tracks"),
    (raw(NOTE_OF_ONE_BEAT)[:-3], "it ends in track 1 of 1"),
    (raw(NOTE_OF_ONE_BEAT, NOTE_OF_ONE_BEAT[:-2]), "is damaged in track 2: an event is cut off"),
    (raw(b"\0\x3c\x64"), "is damaged in track 1: running status"),
    (raw(b"\0\x90\x3c\xff"), "is damaged in track 1: data byte"),
    (raw(b"\0\xff\x51\1\1\0\xff\x2f\0"), "is damaged in track 1"),
    (raw(b"\0\xff\x59\2\x20\x09"), "is damaged in track 1"),
    (raw(b"\0\xf0\xff\xff\xff\x7f"), "is damaged in track 1"),
])
def test_a_damaged_file_is_named_in_one_line(tmp_path, data, message):
    path = tmp_path / "song.mid"
    path.write_bytes(data)
    with pytest.raises(MidiFileError, match=message) as caught:
        read_midi(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_random_damage_never_ends_in_anything_but_notes_or_one_error(tmp_path):
    whole = (GOLDENS / "golden_test.mid").read_bytes()
    path = tmp_path / "song.mid"
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for place in random.integers(8, len(data), 3):
            data[place] = random.integers(256)
        path.write_bytes(data)
        try:
            read_midi(path)
        except MidiFileError:
            refused += 1
    assert 0 < refused < 300


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path in tmp_path / "none.mid", tmp_path:
        with pytest.raises(MidiFileError, match="there is no MIDI file"):
            read_midi(path)


def test_absurd_lengths_and_sizes_are_refused(tmp_path):
    path = tmp_path / "song.mid"
    path.write_bytes(raw(b"\0\x90\x3c\x64\xbf\xff\xff\x7f\x3c\0\0\xff\x2f\0"))
    with pytest.raises(MidiFileError, match="lasts 2330 minutes; an hour is the most"):
        read_midi(path)
    path.write_bytes(raw(b"\0\x90\x3c\x64" + b"\xff" * 300 + b"\x7f\x3c\0\0\xff\x2f\0"))
    with pytest.raises(MidiFileError, match="absurdly long"):
        read_midi(path)
    path.write_bytes(raw(bytes(5 << 20)))
    with pytest.raises(MidiFileError, match="larger than 4 MiB"):
        read_midi(path)
