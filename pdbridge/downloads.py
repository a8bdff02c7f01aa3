"""Published checkpoints, from the addresses of those who trained them to the user's cache.

A download that was interrupted goes on where it stopped, if the server can do that and the file there is
still the same one (RFC 9110, Range and If-Range). What arrives is counted, compared with its published check
sum where there is one, tested as an archive (`pdbridge.archives`), and only then becomes a folder of the
cache, in one step: a model that is there is whole.

Standard library only.
"""

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pdbridge
from pdbridge.archives import unpack
from pdbridge.errors import ArchiveError, DownloadError
from pdbridge.files import locked
from pdbridge.places import cache_folder

BLOCK = 1 << 16  # bytes between two steps of the progress
TIMEOUT_S = 30  # without a byte
MOST_BYTES = 16 * 10**9  # of a download
#: What every folder with a checkpoint holds.
WANTED = {"GANSynth": "experiment.json", "NSynth": "*.index", "SING": "*.th"}

NSYNTH_LICENCE = "no licence stated; code Apache 2.0, trained on NSynth (CC BY 4.0)"


@dataclass(frozen=True)
class Published:
    """A checkpoint that somebody published.

    Attributes
    ----------
    name : str
        What it is called here, and its folder in the cache.
    instrument : {"GANSynth", "NSynth", "SING"}
    description : str
    address : str
        Of a zip or tar, or of the checkpoint's only file.
    licence : str
    size : int, optional
        Bytes of the download, roughly; None where nobody says.
    sha256 : str, optional
        Of the download, in hexadecimal, as its authors published it.
    """

    name: str
    instrument: str
    description: str
    address: str
    licence: str
    size: int | None = None
    sha256: str | None = None

    @property
    def file(self):
        """The name of the file at the address (str)."""
        return self.address.rpartition("/")[2]

    @property
    def is_archive(self):
        """Whether it has to be unpacked (bool)."""
        return self.file.endswith((".zip", ".tar", ".tar.gz", ".tgz"))


# The addresses are those in the README files of Magenta's gansynth and nsynth, and in SING's own program.
_GANSYNTH = "https://storage.googleapis.com/magentadata/models/gansynth"
_NSYNTH = "http://download.magenta.tensorflow.org/models/nsynth"
CATALOGUE = (
    Published("acoustic_only", "GANSynth", "the acoustic instruments of NSynth, pitches 24 to 84, by Magenta",
              f"{_GANSYNTH}/acoustic_only.zip", NSYNTH_LICENCE),
    Published("all_instruments", "GANSynth", "all instruments of NSynth, pitches 24 to 84, by Magenta",
              f"{_GANSYNTH}/all_instruments.zip", NSYNTH_LICENCE),
    Published("wavenet-ckpt", "NSynth", "WaveNet autoencoder, makes note grids, by Magenta",
              f"{_NSYNTH}/wavenet-ckpt.tar", NSYNTH_LICENCE),
    Published("baseline-ckpt", "NSynth", "spectral baseline, by Magenta",
              f"{_NSYNTH}/baseline-ckpt.tar", NSYNTH_LICENCE),
    Published("sing", "SING", "the instruments of NSynth, by Facebook AI Research",
              "https://dl.fbaipublicfiles.com/sing/sing.th",
              "no licence stated; code CC BY-NC 4.0, trained on NSynth (CC BY 4.0)", 255_000_000,
              "eda8a7ce66f1ccf31cdd34a920290d80aabf96584c4d53df866b744f2862dc1c"),
)


def published(name):
    """A checkpoint of the catalogue.

    Parameters
    ----------
    name : str

    Returns
    -------
    Published

    Raises
    ------
    DownloadError
        There is none of that name; the message lists them.
    """
    for one in CATALOGUE:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in CATALOGUE)
    raise DownloadError(f"there is no model {name} to download; there are {names}")


def models_in_cache():
    """The folder of the cache that holds models (Path); it may not exist yet."""
    return cache_folder() / "models"


def arrived(model):
    """How much of an interrupted download is there.

    Parameters
    ----------
    model : Published

    Returns
    -------
    int
        Bytes; 0 if none.
    """
    with contextlib.suppress(OSError):
        return _Download(model).part.stat().st_size
    return 0


def download(model):
    """Download a checkpoint to the user's cache, or go on with it.

    Parameters
    ----------
    model : Published

    Returns
    -------
    Path
        Its folder, which `pdbridge.places.find_model` finds by its name.

    Raises
    ------
    DownloadError
        It is there already; another process downloads it; the network, the server or the disk fails (what
        arrived is kept, and the next call goes on from there); or what arrived is not the checkpoint (then it
        is removed).
    """
    folder = models_in_cache() / model.name
    _refuse_if_there(folder)
    one = _Download(model)
    with one.held():
        _refuse_if_there(folder)
        one.fetch()
        one.check()
        one.install(folder)
    return folder


def _refuse_if_there(folder):
    if os.path.lexists(folder):
        raise DownloadError(f"{folder.name} is there already, in {folder}; remove that folder to download it again")


class _Download:
    """One download: its folder ``downloads/<name>`` in the cache, with the file as far as it is there."""

    def __init__(self, model):
        self.model = model
        self.folder = cache_folder() / "downloads" / model.name
        self.part = self.folder / f"{model.file}.part"
        self.state = self.folder / "state.json"

    @contextlib.contextmanager
    def held(self):
        """For a ``with`` block: no other process works at this download."""
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = open(self.folder / "lock", "w")  # noqa: SIM115 (closed below)
        with lock:
            if not locked(lock):
                raise DownloadError(f"{self.model.name} is being downloaded by another process")
            yield

    def fetch(self):
        """Bring the file; afterwards all of it is in `part`."""
        start, length = self._begun(), self._noted()["length"]
        if start and start == length:
            return
        with _answer(self.model.address, self._range(start)) as answer:
            if answer.status == http.client.OK:  # all of it, whether that was asked for or not
                start, length = 0, _length(answer)
                self._begin(answer, length)
            else:
                length = _continues(answer, start, length)
                if length is None:
                    self._forget()
                    raise DownloadError(f"the server of {self.model.file} sends another part of the file than it was "
                                        "asked for; the same command starts again")
            self._check_space(start, length)
            self._receive(answer, start, length)

    def _begun(self):
        """How many bytes are there that the server could add to; a beginning of anything else is removed."""
        try:
            size = self.part.stat().st_size
        except OSError:
            size = 0
        noted = self._noted()
        if size and noted["address"] == self.model.address and noted["validator"] and (
                noted["length"] is None or size <= noted["length"]):
            return size
        self._forget()
        return 0

    def _noted(self):
        """What the server said when the download began."""
        noted = {}
        with contextlib.suppress(OSError, ValueError):
            noted = json.loads(self.state.read_text(encoding="utf-8"))
        noted = noted if isinstance(noted, dict) else {}
        length, validator = noted.get("length"), noted.get("validator")
        return {"address": noted.get("address"), "length": length if isinstance(length, int) else None,
                "validator": validator if isinstance(validator, str) and validator.isprintable() else None}

    def _range(self, start):
        # If-Range: should the file have changed since, all of it comes.
        return {"Range": f"bytes={start}-", "If-Range": self._noted()["validator"]} if start else {}

    def _begin(self, answer, length):
        etag = answer.headers.get("ETag", "")  # a weak one (W/) does not promise the same bytes
        validator = etag if etag.startswith('"') else answer.headers.get("Last-Modified")
        noted = {"address": self.model.address, "length": length, "validator": validator}
        with self._writing():
            self.part.write_bytes(b"")  # first: old bytes must never stand beside a new validator
            self.state.write_text(json.dumps(noted), encoding="utf-8")

    def _check_space(self, start, length):
        if length is None:
            return
        if length > MOST_BYTES:
            raise DownloadError(f"{self.model.file} is refused: it has {in_bytes(length)}")
        free = shutil.disk_usage(self.folder).free
        if length - start > free:
            raise DownloadError(f"{self.model.file} needs {in_bytes(length - start)} more, and {self.folder} has "
                                f"{in_bytes(free)} free; make room, or let PDBRIDGE_CACHE name a folder elsewhere")

    def _receive(self, answer, start, length):
        from pdbridge.progress import progress

        size = start
        with self._writing():
            file = open(self.part, "ab", buffering=0)  # noqa: SIM115 (closed below)
        with file, progress(length, "B", self.model.file, done=start) as bar:
            while block := self._block(answer):
                size += len(block)
                if size > (MOST_BYTES if length is None else length):
                    self._forget()
                    raise DownloadError(f"{self.model.file} is refused: more comes than the server announced")
                with self._writing():
                    rest = memoryview(block)
                    while rest:
                        rest = rest[file.write(rest):]
                bar.update(len(block))
        if length is not None and size < length:
            raise DownloadError(f"{self.model.file} broke off after {in_bytes(size)} of {in_bytes(length)}; "
                                + self._going_on())

    def _block(self, answer):
        try:
            return answer.read(BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise DownloadError(f"the connection to the server of {self.model.file} broke off "
                                f"({_reason(error)}); {self._going_on()}") from None

    def _going_on(self):
        return "the same command goes on from there" if self._noted()["validator"] else "the same command starts again"

    def check(self):
        """Compare the file with its published check sum; another one is removed."""
        if not self.model.sha256:
            return
        with open(self.part, "rb") as file:
            found = _digest(file)
        if found != self.model.sha256:
            self._forget()
            raise DownloadError(f"{self.model.file} is damaged, or not the one that was published: its SHA-256 is "
                                f"{found}, not {self.model.sha256}. It was removed; download it again")

    def install(self, folder):
        """Turn the file into the folder of a model."""
        work = folder.with_name(f".{folder.name}.part")
        with self._writing():
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(work, ignore_errors=True)  # of a run that was killed
        try:
            if self.model.is_archive:
                self._unpack(work)
            else:
                with self._writing():
                    work.mkdir()
                    os.replace(self.part, work / self.model.file)
            with self._writing():
                os.rename(self._root(work), folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _unpack(self, work):
        try:
            unpack(self.part, work)
        except ArchiveError as error:
            self._forget()
            raise ArchiveError(f"{error}. It was removed; download it again") from None

    def _root(self, work):
        """The folder of the checkpoint; archives hold it, or what is in it."""
        wanted = WANTED[self.model.instrument]
        for folder in (work, *sorted(path for path in work.iterdir() if path.is_dir())):
            if any(folder.glob(wanted)):
                return folder
        self._forget()
        raise ArchiveError(f"{self.model.file} holds no checkpoint ({wanted} is missing); it was removed")

    def _forget(self):
        for path in (self.part, self.state):
            with contextlib.suppress(OSError):
                path.unlink()

    @contextlib.contextmanager
    def _writing(self):
        """Turns what the disk refuses into one error."""
        try:
            yield
        except OSError as error:
            raise DownloadError(f"{error.filename or self.part} cannot be written: {error.strerror or error}; what "
                                "arrived is kept, the same command goes on when it can be") from None


def _digest(file):
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


# HTTP


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to other servers, but not from https to anything else, nor to files or FTP."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        allowed = ("https:",) if req.full_url.lower().startswith("https:") else ("https:", "http:")
        if not newurl.lower().startswith(allowed):
            raise DownloadError(f"{req.full_url} sends on to {newurl}, where pdbridge does not follow")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener():
    opener = urllib.request.OpenerDirector()  # not build_opener, which opens files and FTP as well
    for handler in (urllib.request.ProxyHandler, urllib.request.HTTPHandler, urllib.request.HTTPSHandler,
                    urllib.request.HTTPDefaultErrorHandler, urllib.request.HTTPErrorProcessor, _Redirects):
        opener.add_handler(handler())
    return opener


def _answer(address, headers):
    """The open answer of a server, or a DownloadError that says what is wrong."""
    headers = {"User-Agent": f"pdbridge/{pdbridge.__version__}", "Accept-Encoding": "identity", **headers}
    try:
        answer = _opener().open(urllib.request.Request(address, headers=headers), timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            if "Range" in headers:
                return _answer(address, {})
        if error.code in (http.client.NOT_FOUND, http.client.GONE):
            raise DownloadError(f"there is no {address} any more (the server says {error.code})") from None
        if error.code < 400:
            raise DownloadError(f"{address} sends on to where pdbridge does not follow: {error.reason}") from None
        raise DownloadError(f"the server of {address} answers {error.code} {error.reason}; try again later") from None
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(f"{address} cannot be reached ({_reason(error)}); is this computer on the network? What "
                            "arrived before is kept") from None
    if answer.headers.get_content_type() == "text/html":
        answer.close()
        raise DownloadError(f"{address} is a web page, not a model; perhaps the network asks for a login first")
    return answer


def _reason(error):
    reason = getattr(error, "reason", None) or error
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def _length(answer):
    """Bytes that the whole answer announces, or None."""
    text = answer.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _continues(answer, start, length):
    """The length of the whole file, if the answer goes on at `start` of the same file; else None."""
    unit, _, rest = answer.headers.get("Content-Range", "").partition(" ")
    if unit != "bytes" or not rest.startswith(f"{start}-"):
        return None
    total = rest.rpartition("/")[2]
    if not total.isdigit() or length not in (None, int(total)):
        return None
    return int(total)


# What is there


def kind_of(folder):
    """What a folder with a model holds: "GANSynth", "NSynth", "SING", or "unknown"."""
    for kind, pattern in WANTED.items():
        if any(Path(folder).glob(pattern)):
            return kind
    return "unknown"


def models_in(folder):
    """The models in a folder of models.

    Parameters
    ----------
    folder : Path

    Yields
    ------
    name : str
    kind : str
        As `kind_of` gives it.
    size : int
        Bytes on the disk.
    """
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and not path.name.startswith("."):
            yield path.name, kind_of(path), sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def in_bytes(count):
    """A number of bytes in words, e.g. "255 MB"."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} B"
