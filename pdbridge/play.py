"""``pdbridge play``: the server, the patch in Pd, and a short phrase that proves it works.

What happens depends on the machine. With a screen and a sound card Pd opens with its windows, the
phrase is heard and the patch stays open. Without one of them the real patch plays in a Pd without
windows or sound card, and records itself. Without Pd the same notes are rendered here, the way the
voices of the patch would play them.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pdbridge import places
from pdbridge.errors import AudioError, ServerError

#: The phrase: start in s, length in s, MIDI pitch, velocity. The first note sounds alone.
PHRASE = (
    (0.0, 0.4, 62, 84), (0.4, 0.4, 69, 76), (0.8, 0.4, 72, 84), (1.2, 0.4, 76, 96), (1.6, 0.7, 74, 80),
    (0.4, 2.0, 38, 90),
    (2.4, 0.4, 65, 84), (2.8, 0.4, 69, 76), (3.2, 0.4, 74, 84), (3.6, 0.4, 77, 96), (4.0, 0.7, 76, 80),
    (2.4, 2.3, 46, 90),
    (4.8, 2.8, 45, 90), (4.9, 2.7, 60, 70), (5.0, 2.6, 64, 70), (5.1, 2.5, 67, 76), (5.2, 2.4, 74, 84),
)
RECORDING = "pdbridge-phrase.wav"
SAMPLE_RATE = 48000  # of recordings

SERVER_STARTS = 20.0  # s to wait at most for the server's first answer, and below for the patch
PATCH_OPENS = 30.0
MODEL_LOADS = 180.0  # a cold TensorFlow on a slow disk
KEYS_GET_READY = 20.0  # then the phrase starts anyway: a key that is not ready sounds, a little later
RECORDING_ENDS = 10.0
RELEASE = 0.4  # s after the last note-off until the voices are silent
RESTART_PAUSE = 2.0  # s between two tries to start the server again

# The voices of patches/gansynth.pd, for the rendering without Pd.
PATCH_LEVEL_DB = -12.0
PATCH_VELOCITY_POWER = 1.0
PATCH_ATTACK_MS = 2.0
PATCH_RELEASE_MS = 300.0


def play(wav=None, gui=True, phrase=True, model=places.BUILT_IN_MODEL, port=None):
    """Start the server, open the patch and play the phrase.

    Parameters
    ----------
    wav : str or Path, optional
        Where to write what was played; by default only written where it cannot be heard.
    gui : bool
        False: as if there were no screen.
    phrase : bool
        False: only open the patch, where there is a screen.
    model : str
        Name or folder of a model.
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
    model = places.find_model(model)
    pd = find_pd()
    windows = gui and has_screen() and pd is not None and has_windows(pd)
    heard = windows and has_sound_card()
    record_to = _recording_path(wav, needed=phrase and not heard)
    if pd is None:
        _say("Pd was not found, so the phrase is rendered without it. To play yourself, install "
             "Pd (sudo apt install puredata, or https://puredata.info) and start this again.")
        _render(model, record_to)
        return 0
    _say(_plan(windows, heard, record_to))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pdbridge-")))
        server = stack.enter_context(Server(model, port or _default_port(), folder))
        session = stack.enter_context(PdSession(pd, server, folder, windows, heard))
        session.wait_until_open()
        if phrase:
            session.wait_until_ready()
            _play_phrase(session, folder, record_to)
        if windows:
            _say("the patch is open: play on the computer's keys, a MIDI keyboard or with the "
                 "mouse; close Pd (or press Ctrl-C here) to end")
            session.wait_until_closed()
    return 0


def _say(text):
    print(f"pdbridge: {text}", flush=True)


def _plan(windows, heard, record_to):
    if heard:
        return "Pd opens with the patch"
    missing = "sound card" if windows else "screen or sound card"
    opens = "Pd opens with the patch" if windows else "Pd plays the patch"
    return f"{opens}; there is no {missing} to use, so the phrase goes to {record_to}"


# What the machine has


def find_pd():
    """The Pd program (Path), or None.

    ``PDBRIDGE_PD`` names it; otherwise the PATH and the places where Pd's installers put it.
    """
    chosen = os.environ.get("PDBRIDGE_PD")
    if chosen:
        found = shutil.which(chosen)
        if not found:
            raise ServerError(f"PDBRIDGE_PD is {chosen}, and that is no program")
        return Path(found)
    for name in ("pd", "puredata"):
        found = shutil.which(name)
        if found:
            return Path(found)
    if sys.platform == "darwin":
        installed = sorted(Path("/Applications").glob("Pd*.app/Contents/Resources/bin/pd"))
    elif sys.platform == "win32":
        folders = {os.environ.get(name) for name in ("ProgramFiles", "ProgramFiles(x86)")} - {None}
        # pd.com is pd.exe as a console program: it waits, and its messages can be read
        installed = [Path(folder, "Pd", "bin", "pd.com") for folder in sorted(folders)]
    else:
        installed = []
    return next((path for path in reversed(installed) if path.exists()), None)


def has_screen():
    """Whether windows can be shown."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def has_windows(pd):
    """Whether this Pd has its graphical part (Debian's puredata-core comes without)."""
    if sys.platform in ("darwin", "win32"):
        return True
    real = pd.resolve()
    libraries = [real.parent.parent, *Path("/usr/lib").glob("p*d*"), *Path("/usr/local/lib").glob("pd*"),
                 real.parent.parent / "lib" / "pd"]
    return bool(shutil.which("wish") and any((lib / "tcl/pd-gui.tcl").exists() for lib in libraries))


def has_sound_card():
    """Whether there is somewhere for sound to go: a card, or a PulseAudio or PipeWire server."""
    if sys.platform in ("darwin", "win32"):
        return True
    with contextlib.suppress(OSError):
        if any(line[:2].strip().isdigit() for line in Path("/proc/asound/cards").read_text().splitlines()):
            return True
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent")
    sockets = (runtime / "pulse/native", runtime / "pipewire-0")
    return bool(os.environ.get("PULSE_SERVER")) or any(path.exists() for path in sockets)


def _recording_path(wav, needed):
    """Where the recording goes: as asked, or a name that is still free; None for no recording."""
    if wav:
        path = Path(wav).absolute()
        if not path.parent.is_dir():
            raise AudioError(f"{path.parent} is not a folder; make it first")
        return path
    if not needed:
        return None
    path, number = Path.cwd() / RECORDING, 1
    while path.exists():
        number += 1
        path = path.with_name(f"{Path(RECORDING).stem}-{number}.wav")
    return path


# The server and Pd


def _default_port():
    from pdbridge.server import PORT

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", PORT))
            return PORT
        except OSError:
            pass
    port = _free_port()
    _say(f"port {PORT} is taken, so this server uses {port}")
    return port


def _free_port():
    """A UDP port nobody uses at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class _Client:
    """Sends OSC to one local port and reads what it answers."""

    def __init__(self, port):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))

    def send(self, address, *arguments):
        from pdbridge.hosts.wire import encode

        with contextlib.suppress(ConnectionError):  # nobody listens there yet, or any more
            self._socket.send(encode(address, *arguments))

    def ask(self, question, answer, timeout=0.5):
        """The arguments of the answer, or None when none came in time."""
        from pdbridge.hosts.wire import LARGEST_PACKET, decode

        self.send(question)
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                for address, values in decode(self._socket.recv(LARGEST_PACKET)):
                    if address == answer:
                        return values
            except TimeoutError:
                break
            except ConnectionError:  # the port is not open yet
                time.sleep(min(0.02, max(left, 0)))
                self.send(question)
        return None

    def close(self):
        self._socket.close()


class Server:
    """A pdbridge server in a process of its own, for the length of a ``with`` block.

    Parameters
    ----------
    model : Path
    port : int
    folder : Path
        A private folder, for the log.
    """

    def __init__(self, model, port, folder):
        self.port = port
        self._command = [sys.executable, "-m", "pdbridge", "serve", "--port", str(port),
                         "--model", str(model)]
        self._log = folder / "server.log"
        self._process = None
        self._client = _Client(port)

    def __enter__(self):
        try:
            self._start()
            until = time.monotonic() + SERVER_STARTS
            while self.status() is None:
                if self.gone:
                    raise ServerError(self.last_words)
                if time.monotonic() > until:
                    raise ServerError(f"the server did not answer within {SERVER_STARTS:g} s: "
                                      + self.last_words)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process is not None:
            self.send("/quit")
            _end(self._process, patience=3)
        self._client.close()

    def _start(self):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log)

    def send(self, address, *arguments):
        self._client.send(address, *arguments)

    def status(self):
        """The server's figures by name, or None when it does not answer."""
        values = self._client.ask("/status", "/status.reply")
        return None if values is None else dict(zip(values[::2], values[1::2]))

    @property
    def gone(self):
        """Whether its process has ended."""
        return self._process.poll() is not None

    @property
    def last_words(self):
        """The last line the server wrote."""
        return _last_line(self._log) or "the server said nothing"

    def restart(self):
        """Start it again; the patch remembers what it played."""
        _say(f"the server ended ({self.last_words}); starting it again")
        self._start()


def _last_line(log):
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("pdbridge: ") if lines else ""


def _end(process, patience=0.0):
    """End a process that we started: wait for it, ask it to end, then end it."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(patience)
        return
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(3)
        return
    process.kill()
    process.wait()


# Opened before the instrument: tells it the server's port, and passes OSC messages
# "/send receiver atoms..." on to a receiver of that name. [list split] gives its right half first,
# which is why the name goes through a trigger.
_SESSION_PATCH = """\
#N canvas 40 40 560 340 10;
#X text 20 10 pdbridge play made this patch: it tells the instrument the port of the server and passes messages on;
#X obj 20 50 loadbang;
#X obj 20 75 t b b;
#X msg 120 100 {server_port};
#X obj 120 125 value pdbridge-port;
#X msg 20 100 \\; pd-{file_name} vis 0;
#X obj 300 50 netreceive -u -b {control_port} 127.0.0.1;
#X obj 300 75 oscparse;
#X obj 300 100 list trim;
#X obj 300 125 route send;
#X obj 300 150 t a a;
#X obj 300 200 list split 1;
#X obj 420 180 list split 1;
#X obj 300 230 list trim;
#X obj 420 210 symbol;
#X obj 300 270 send;
#X connect 1 0 2 0;
#X connect 2 0 5 0;
#X connect 2 1 3 0;
#X connect 3 0 4 0;
#X connect 6 0 7 0;
#X connect 7 0 8 0;
#X connect 8 0 9 0;
#X connect 9 0 10 0;
#X connect 10 0 11 0;
#X connect 10 1 12 0;
#X connect 11 1 13 0;
#X connect 12 0 14 0;
#X connect 13 0 15 0;
#X connect 14 0 15 1;
"""


class PdSession:
    """Pd with the instrument's patch open, for the length of a ``with`` block.

    Parameters
    ----------
    pd : Path
    server : Server
    folder : Path
        A private folder, for the session's own patch and the log.
    windows, heard : bool
        With Pd's windows; with sound.
    """

    def __init__(self, pd, server, folder, windows, heard):
        self.server = server
        self._windows, self._heard = windows, heard
        self._pd = pd
        self._folder = folder
        self._log = folder / "pd.log"
        self._process = None
        self._control = None

    def __enter__(self):
        patches = places.patches_folder()
        session = self._folder / "pdbridge-session.pd"
        control_port = _free_port()
        session.write_text(_SESSION_PATCH.format(server_port=self.server.port, file_name=session.name,
                                                 control_port=control_port))
        command = [str(self._pd), "-stderr", "-path", str(patches)]
        if not self._windows:
            # Settings made for a stage (libraries, MIDI ports) have no place in a silent run.
            command += ["-nogui", "-noprefs", "-nomidi", "-nrt"]
        if not self._heard:
            command += ["-noaudio", "-r", str(SAMPLE_RATE)]
        command += ["-open", str(session), "-open", str(patches / "gansynth.pd"), "-send", "pd dsp 1"]
        self._control = _Client(control_port)
        try:
            with open(self._log, "wb") as log:
                self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        except OSError as error:
            self._control.close()
            raise ServerError(f"{self._pd} cannot be started: {error.strerror}") from None
        return self

    def __exit__(self, *_):
        self.tell("pd", "quit")
        _end(self._process, patience=2)
        self._control.close()

    def tell(self, receiver, *atoms):
        """Send a message to a named receiver in Pd."""
        self._control.send("/send", receiver, *atoms)

    def wait_until_open(self):
        """Until the patch has told the server about its voices."""
        self._wait(PATCH_OPENS, lambda status: status["players"] > 0,
                   "the patch did not find the server")

    def wait_until_ready(self):
        """Until the model is there and the keys are ready."""
        if self.server.status()["keys"] == 0:
            _say("loading the model")
        self._wait(MODEL_LOADS, lambda status: status["keys"] > 0, "the model did not load")
        with contextlib.suppress(ServerError):
            self._wait(KEYS_GET_READY, lambda status: status["ready"] >= status["keys"], "")

    def _wait(self, seconds, fulfilled, complaint):
        until = time.monotonic() + seconds
        while True:
            status = self.server.status()
            if status and fulfilled(status):
                return
            if self._process.poll() is not None:
                raise ServerError(f"Pd ended by itself: {_last_line(self._log) or 'it said nothing'}")
            if self.server.gone or time.monotonic() > until:
                raise ServerError(f"{complaint}: {self.server.last_words}")
            time.sleep(0.05)

    def wait_until_closed(self):
        """Until the user closes Pd; a server that ends meanwhile is started again."""
        while self._process.poll() is None:
            pause = 0.3
            if self.server.gone:
                self.server.restart()
                pause = RESTART_PAUSE
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(pause)


# The phrase


def _play_phrase(session, folder, record_to):
    """Play the phrase in the patch, and let the patch record itself where that is wanted."""
    recorded = folder / "phrase.wav"
    if record_to:
        session.tell("pdbridge-record", "start", str(recorded))
        time.sleep(0.05)  # [writesf~] opens its file in a thread of its own
    events = sorted([(start, "note_on", (pitch, velocity)) for start, _, pitch, velocity in PHRASE]
                    + [(start + length, "note_off", (pitch,)) for start, length, pitch, _ in PHRASE])
    _say("playing the phrase")
    begin = time.monotonic()
    for at, message, arguments in events:
        time.sleep(max(0.0, begin + at - time.monotonic()))
        session.server.send(f"/gansynth/{message}", *arguments)
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
    raise AudioError("the patch did not record; does gansynth.pd still have its [r pdbridge-record]?")


def _keep(samples, path):
    """Write the recording, and say where it is and how loud."""
    from pdbridge.audio import decibels, write_wav

    write_wav(path, samples, SAMPLE_RATE)
    peak = decibels(abs(samples).max()) if samples.size else float("-inf")
    _say(f"wrote {path} ({len(samples) / SAMPLE_RATE:.1f} s, peak {peak:.1f} dB)")
    if peak == float("-inf"):
        raise AudioError("the recording is silent")


def _render(model, path):
    """The phrase without Pd: the model in this process, the voices of the patch in NumPy."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from pdbridge import GANSynth, audio

    _say("loading the model")
    synth = GANSynth.load(model)
    timbre = synth.random_z(1)
    notes = {}
    for pitch in sorted({pitch for _, _, pitch, _ in PHRASE}):
        if pitch not in synth.pitches:
            raise ServerError(f"{model.name} does not know pitch {pitch} of the phrase")
        rendered = synth.synthesize(timbre, [pitch])[0]
        notes[pitch] = audio.resample(rendered, synth.sample_rate, SAMPLE_RATE)
    _keep(audio.mix([(start, _voice(notes[pitch], length, velocity))
                     for start, length, pitch, velocity in PHRASE], SAMPLE_RATE), path)


def _voice(note, length, velocity):
    """One note as a voice of gansynth.pd plays it."""
    from pdbridge.audio import envelope

    gain = 10 ** (PATCH_LEVEL_DB / 20) * (velocity / 127) ** PATCH_VELOCITY_POWER
    return gain * envelope(note, SAMPLE_RATE, 1000 * length, PATCH_ATTACK_MS, PATCH_RELEASE_MS)
