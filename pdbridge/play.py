"""``pdbridge play``: the server, the patch in Pd, and a short phrase that proves it works.

What happens depends on the machine. With a screen and a sound card Pd opens with its windows, the
phrase is heard and the patch stays open. Without one of them the real patch plays in a Pd without
windows or sound card, and records itself. Without Pd the same notes are rendered here, the way the
voices of the patch would play them.
"""

import contextlib
import signal
import sys
import tempfile
import time
from pathlib import Path

from pdbridge import places
from pdbridge.errors import AudioError, PitchError, ServerError
from pdbridge.session import (
    MODEL_LOADS,
    SAMPLE_RATE,
    NoPatch,
    PdSession,
    Server,
    default_port,
    find_pd,
    has_screen,
    has_sound_card,
    has_windows,
    say,
)
from pdbridge.silence import tensorflow_silenced

#: The phrase: start in s, length in s, MIDI pitch, velocity. The first note sounds alone.
PHRASE = (
    (0.0, 0.4, 62, 84), (0.4, 0.4, 69, 76), (0.8, 0.4, 72, 84), (1.2, 0.4, 76, 96), (1.6, 0.7, 74, 80),
    (0.4, 2.0, 38, 90),
    (2.4, 0.4, 65, 84), (2.8, 0.4, 69, 76), (3.2, 0.4, 74, 84), (3.6, 0.4, 77, 96), (4.0, 0.7, 76, 80),
    (2.4, 2.3, 46, 90),
    (4.8, 2.8, 45, 90), (4.9, 2.7, 60, 70), (5.0, 2.6, 64, 70), (5.1, 2.5, 67, 76), (5.2, 2.4, 74, 84),
)
#: Of the phrase's timbre: with the built-in model a plucked string. Then it is the player's, to keep or to change.
PHRASE_SEED = 47
#: Where a pad is during the phrase: time in s, y and x. From corner to corner, one sweep.
PATH = ((0.0, 0.0, 0.0), (0.8, 0.0, 1.0), (1.6, 1.0, 1.0), (2.4, 1.0, 0.0), (3.2, 0.5, 0.0), (3.6, 0.0, 0.5),
        (4.0, 0.5, 1.0), (4.4, 1.0, 0.5), (4.8, 0.5, 0.5))
#: Patches with keys, and the instrument that plays in each.
INSTRUMENTS = {"gansynth": "gansynth", "gansynth_multi": "gansynth", "gansynth_hallucination": "gansynth",
               "ganspacesynth": "gansynth", "nsynth": "nsynth", "sing": "sing"}
#: The message that moves the pad of a patch which has one, and whether x comes first.
PADS = {"nsynth": ("position_rel", False), "gansynth_multi": ("pad", True)}
RECORDING = "pdbridge-phrase.wav"
RECORDING_ENDS = 10.0  # s to wait at most for Pd to finish its file
RELEASE = 0.4  # s after the last note-off until the voices are silent

# The voices of the patches, for the rendering without Pd.
PATCH_LEVEL_DB = -12.0
PATCH_VELOCITY_POWER = 1.0
PATCH_ATTACK_MS = 2.0
PATCH_RELEASE_MS = 300.0


def play(instrument="gansynth", wav=None, gui=True, phrase=True, model=None, grid=None, port=None):
    """Start the server, open the patch and play the phrase.

    Parameters
    ----------
    instrument : str
        One of `INSTRUMENTS`: which patch to open.
    wav : str or Path, optional
        Where to write what was played; by default only written where it cannot be heard.
    gui : bool
        False: as if there were no screen.
    phrase : bool
        False: only open the patch, where there is a screen.
    model : str, optional
        Name, folder or file of a model; all but nsynth play it. By default the built-in one, and for sing
        the published one, from the user's cache.
    grid : str, optional
        A note grid that nsynth plays; by default the first grid, which the built-in model makes.
    port : int, optional
        UDP port of the server; by default 9700, or a free one if that is taken.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    PdbridgeError
        Something is missing or does not start; the message says what.
    """
    if instrument == "nsynth":
        serve = ["--model", "none", *(["--grid", str(grid)] if grid else [])]
    else:
        model = _found(instrument, model)
        serve = ["--model", str(model)]
    pd = find_pd()
    windows = gui and pd is not None and has_screen() and has_windows(pd)
    if not windows and not phrase:
        raise ServerError("without " + ("a screen" if pd else "Pd") + " there is only the phrase to "
                          "play; leave out --no-phrase")
    if pd is None:
        say("Pd was not found, so the phrase is rendered without it. To play yourself, install "
            "Pd (sudo apt install puredata, or https://puredata.info) and start this again.")
        path = _free_path(wav or RECORDING)
        if instrument == "nsynth":
            _end_tidily()
            _render_grid(serve, port or default_port(), path)
        else:
            _render(_sing_notes if instrument == "sing" else _gansynth_notes, model, path)
        return 0
    port = port or default_port()
    _end_tidily()
    if windows:
        try:
            _play_in_pd(pd, instrument, serve, port, wav, phrase, windows=True)
            return 0
        except NoPatch as error:
            if not phrase:
                raise
            say(f"Pd cannot open the patch in a window ({error}), so it plays without")
    _play_in_pd(pd, instrument, serve, port, wav, phrase, windows=False)
    return 0


def _found(instrument, model):
    """The path of a model that this patch can play."""
    if instrument == "sing":
        return places.find_sing(model or places.PUBLISHED_SING)
    kind, path = places.find_playable(model or places.BUILT_IN_MODEL)
    if kind == "sing":
        raise ServerError(f"{path} is a SING, which the patch sing plays: pdbridge play sing --model {model}")
    return path


def _play_in_pd(pd, instrument, serve, port, wav, phrase, windows):
    """Open the patch, play the phrase in it, and leave it to the user where there are windows."""
    heard = windows and has_sound_card()
    record_to = _free_path(wav or RECORDING) if phrase and (wav or not heard) else None
    say(_plan(windows, heard, record_to))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pdbridge-")))
        server = stack.enter_context(Server(serve, port, folder))
        session = stack.enter_context(PdSession(pd, instrument, server, folder, windows, heard))
        session.wait_until_open()
        if phrase:
            session.wait_until_ready()
            if instrument == "gansynth":
                _choose_timbre(session)
            _play_phrase(session, _events(instrument), folder, record_to)
        if windows:
            say("the patch is open: play on the computer's keys, a MIDI keyboard or with the "
                "mouse; close Pd (or press Ctrl-C here) to end")
            session.wait_until_closed()


def _end_tidily():
    """End Pd and the server also when this process is ended, or its terminal is closed."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, lambda number, frame: sys.exit(128 + number))


def _plan(windows, heard, record_to):
    if not windows:
        return f"Pd plays the patch without windows; the phrase goes to {record_to}"
    if heard:
        return "Pd opens with the patch" + (f"; the phrase also goes to {record_to}" if record_to else "")
    silent = "Pd opens with the patch; there is no sound card, so it is silent"
    return silent + (f" and the phrase goes to {record_to}" if record_to else "")


def _free_path(file):
    """This file, or one with a number behind its name where there is one already."""
    path = Path(file).absolute()
    if not path.parent.is_dir():
        raise AudioError(f"{path.parent} is not a folder; make it first")
    stem, number = path.stem, 1
    while path.exists():
        number += 1
        path = path.with_name(f"{stem}-{number}{path.suffix}")
    return path


def _events(instrument):
    """The phrase as (time in s, message, arguments), in order."""
    events = []
    for start, length, pitch, velocity in PHRASE:
        events += [(start, "note_on", (pitch, velocity)), (start + length, "note_off", (pitch,))]
    if instrument in PADS:
        move, x_first = PADS[instrument]
        events += [(at, move, (x, y) if x_first else (y, x)) for at, y, x in PATH]
    # a note at the time of a move is played where the pad goes
    order = ("note_off", "position_rel", "pad", "note_on")
    return [(at, f"/{INSTRUMENTS[instrument]}/{message}", arguments) for at, message, arguments
            in sorted(events, key=lambda event: (event[0], order.index(event[1])))]


def _choose_timbre(session):
    """The phrase's, and wait until its keys are ready."""
    for message, arguments in (("seed", (PHRASE_SEED,)), ("randomize_z", ("phrase",)), ("z", ("phrase",))):
        session.server.request(f"/gansynth/{message}", *arguments)
    session.wait_until_ready()


def _play_phrase(session, events, folder, record_to):
    """Play the phrase in the patch, and let the patch record itself where that is wanted."""
    recorded = folder / "phrase.wav"
    if record_to:
        session.tell("pdbridge-record", "start", str(recorded))
        time.sleep(0.05)  # [writesf~] opens its file in a thread of its own
    say("playing the phrase")
    begin = time.monotonic()
    for at, address, arguments in events:
        time.sleep(max(0.0, begin + at - time.monotonic()))
        session.server.send(address, *arguments)
    time.sleep(RELEASE)
    if record_to:
        session.tell("pdbridge-record", "stop")
        _keep(_finished_recording(recorded), record_to)


def _finished_recording(path):
    """The samples of a WAV that Pd has just been told to finish."""
    from pdbridge.audio import read_wav

    until, size = time.monotonic() + RECORDING_ENDS, -1
    while time.monotonic() < until:
        time.sleep(0.2)
        last, size = size, path.stat().st_size if path.exists() else -1
        if size == last and size > 0:
            with contextlib.suppress(AudioError):
                samples, _ = read_wav(path)
                if samples.size:
                    return samples
    raise AudioError("the patch did not record; does its .pd file still have its [r pdbridge-record]?")


def _keep(samples, path):
    """Write the recording, and say where it is and how loud."""
    from pdbridge.audio import decibels, write_wav

    write_wav(path, samples, SAMPLE_RATE)
    peak = decibels(abs(samples).max()) if samples.size else float("-inf")
    say(f"wrote {path} ({len(samples) / SAMPLE_RATE:.1f} s, peak {peak:.1f} dB)")
    if peak == float("-inf"):
        raise AudioError("the recording is silent")


def _render(rendered, model, path):
    """The phrase without Pd: the model in this process, the voices of the patch in NumPy.

    `rendered` gives, for a model's path and a set of (pitch, velocity), the notes by these, the rate, and
    whether a voice has to make soft notes softer.
    """
    from pdbridge import audio

    say("loading the model")
    with tensorflow_silenced():
        sounds, rate, softer = rendered(model, {(pitch, velocity) for _, _, pitch, velocity in PHRASE})
        notes = {key: audio.resample(sound, rate, SAMPLE_RATE) for key, sound in sounds.items()}
    _keep(audio.mix([(start, _voice(notes[pitch, velocity], length, velocity if softer else 127))
                     for start, length, pitch, velocity in PHRASE], SAMPLE_RATE), path)


def _gansynth_notes(folder, keys):
    from pdbridge import GANSynth

    synth = GANSynth.load(folder)
    timbre = synth.random_z(1, seed=PHRASE_SEED)
    by_pitch = {}
    for pitch in sorted({pitch for pitch, _ in keys}):
        if pitch not in synth.pitches:
            raise PitchError(f"{folder.name} does not know pitch {pitch} of the phrase")
        by_pitch[pitch], = synth.synthesize(timbre, [pitch])
    return {(pitch, velocity): by_pitch[pitch] for pitch, velocity in keys}, synth.sample_rate, True


def _sing_notes(file, keys):
    from pdbridge import SING
    from pdbridge.instruments.menu import Menu

    sing = SING.load(file)
    instrument, _ = Menu(sing.instruments, sing.instrument_count).items[0]  # with which the patch begins
    keys = sorted(keys)
    sounds = sing.synthesize(instrument, *map(list, zip(*keys, strict=True)))
    return dict(zip(keys, sounds, strict=True)), sing.sample_rate, False


def _render_grid(serve, port, path):
    """The phrase of nsynth without Pd: the server gives the notes, the voices of the patch in NumPy."""
    from pdbridge import audio

    with tempfile.TemporaryDirectory(prefix="pdbridge-") as folder:
        with Server([*serve, "--folder", folder], port, Path(folder)) as server:
            say("opening the grid (the first one is made now, if it is not there yet)")
            # without a patch nothing takes the grid by itself
            server.request("/nsynth/load", serve[-1] if "--grid" in serve else "first_grid",
                           timeout=MODEL_LOADS)
            sounds = []
            for number, (start, length, pitch, velocity) in enumerate(PHRASE):
                _, y, x = max(step for step in PATH if step[0] <= start)
                file = Path(folder, f"{number}.wav")
                server.request("/nsynth/position_rel", y, x)
                server.request("/nsynth/render", "note", pitch)
                server.request("/array/write", "note", str(file))
                note = audio.read_sound(file, SAMPLE_RATE)
                sounds.append((start, _voice(note, length, velocity)))
        _keep(audio.mix(sounds, SAMPLE_RATE), path)


def _voice(note, length, velocity):
    """One note as a voice of the patches plays it."""
    from pdbridge.audio import envelope

    gain = 10 ** (PATCH_LEVEL_DB / 20) * (velocity / 127) ** PATCH_VELOCITY_POWER
    return gain * envelope(note, SAMPLE_RATE, 1000 * length, PATCH_ATTACK_MS, PATCH_RELEASE_MS)
