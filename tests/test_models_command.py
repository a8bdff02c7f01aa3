"""``pdbridge models``: downloads from a server in this process, that can do all that servers do wrong."""

import dataclasses
import gzip
import hashlib
import http.server
import io
import os
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import threading
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile
from full_disk import files_end_at

from pdbridge import archives, cli, downloads, places
from pdbridge.errors import ArchiveError, CheckpointError, DownloadError
from pdbridge.nsynth.checkpoint import find_prefix

DATA = Path(__file__).parent / "data"
CLONE = Path(__file__).parent.parent
WEIGHTS = np.random.default_rng(0).bytes(300_000)  # no archive makes them smaller
FILES = {"experiment.json": b"{}", "stage_00012/model.ckpt-9.data-00000-of-00001": WEIGHTS}


def zipped(files, folder="all_instruments/"):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(folder + name if isinstance(name, str) else name, content)
    return data.getvalue()


def tarred(files, folder="wavenet-ckpt/", **changes):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(folder + name)
            info.size = len(content)
            for attribute, value in changes.items():
                setattr(info, attribute, value)
            archive.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return data.getvalue()


# The server


@dataclass
class Served:
    """What is at an address, and how the server gives it out."""

    body: bytes = b""
    etag: str | None = '"1"'
    modified: str | None = None
    ranges: bool = True
    stops_at: int | None = None  # bytes of an answer, after which the connection is closed
    stalls_at: int | None = None  # ... after which nothing comes any more
    announced: bool = True  # whether Content-Length is
    status: int = 200
    kind: str = "application/octet-stream"
    location: str | None = None
    shifted: int = 0  # bytes by which a range starts elsewhere than asked
    asked: list = field(default_factory=list)  # headers of the requests


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        served = self.server.files.get(self.path.strip("/"))
        if served is None:
            self.send_error(404)
            return
        served.asked.append(dict(self.headers))
        if served.location or served.status != 200:
            self.send_response(served.status)
            if served.location:
                self.send_header("Location", served.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range") in (served.etag, served.modified)
        if served.ranges and wanted and same:
            start = int(wanted[1]) + served.shifted
            if start >= len(served.body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(served.body) - 1}/{len(served.body)}")
        else:
            self.send_response(200)
        body = served.body[start:]
        for name, value in (("Content-Type", served.kind), ("ETag", served.etag), ("Last-Modified", served.modified),
                            ("Content-Length", str(len(body)) if served.announced else None)):
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:served.stops_at if served.stalls_at is None else served.stalls_at])
        if served.stalls_at is not None:
            self.wfile.flush()
            self.server.stalled.set()
            self.server.closing.wait(20)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def running():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.files, server.stalled, server.closing = {}, threading.Event(), threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def address(running, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    running.files.clear()
    return f"http://127.0.0.1:{running.server_port}"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PDBRIDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


@pytest.fixture
def publish(running, address, cache, monkeypatch):
    """Puts files on the server and into the catalogue."""
    def publish(name="all_instruments", instrument="GANSynth", file=None, sha256=None, **served):
        file = file or {"GANSynth": f"{name}.zip", "NSynth": f"{name}.tar", "SING": f"{name}.th"}[instrument]
        running.files[file] = Served(**served)
        model = downloads.Published(name, instrument, "a description", f"{address}/{file}", "a licence", None, sha256)
        rest = [one for one in downloads.CATALOGUE if one.name != name]
        monkeypatch.setattr(downloads, "CATALOGUE", (model, *rest))
        return running.files[file]

    return publish


def run(*words):
    return cli.main(["models", *words])


def fails(capsys, message, name="all_instruments"):
    capsys.readouterr()
    assert run("download", name) == 1
    said = [line for line in re.split(r"[\r\n]+", capsys.readouterr().err) if line.startswith("pdbridge: ")]
    assert len(said) == 1 and message in said[0], said


def holds(folder, files=None):
    files = FILES if files is None else files
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return found == files


def left_over(cache):
    """What a download leaves in the cache beside models: nothing when it is done or was given up."""
    return [path for path in cache.rglob("*") if path.is_file() and path.name != "lock"
            and (path.is_relative_to(cache / "downloads") or ".part" in str(path))]


# Downloads that work


def test_a_downloaded_gansynth_is_whole_and_found_by_its_name(publish, cache, capsys):
    original = DATA / "gansynth" / "ckpt_public"
    files = {path.relative_to(original).as_posix(): path.read_bytes() for path in original.rglob("*") if path.is_file()}
    served = publish(body=zipped(files))
    assert run("download", "all_instruments") == 0
    folder = places.find_model("all_instruments")
    assert folder == cache / "models" / "all_instruments" and holds(folder, files)
    said = capsys.readouterr().out
    assert str(folder) in said and "a licence" in said and "pdbridge play --model all_instruments" in said
    assert "Range" not in served.asked[0] and not left_over(cache)


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress])
def test_an_nsynth_checkpoint_is_unpacked_from_a_tar_and_found_by_its_name(pack, publish, cache):
    files = {"model.ckpt-2.index": b"index", "model.ckpt-2.data-00000-of-00001": WEIGHTS, "checkpoint": b""}
    publish("wavenet-ckpt", "NSynth", body=pack(tarred(files, "./wavenet-ckpt/")))
    assert run("download", "wavenet-ckpt") == 0
    folder = cache / "models" / "wavenet-ckpt"
    assert holds(folder, files)
    assert find_prefix(places.find_checkpoint("wavenet-ckpt")) == folder / "model.ckpt-2"
    assert not os.access(folder / "checkpoint", os.X_OK)


@pytest.mark.parametrize("folder", ["", "all_instruments/", "a-name-of-theirs/"])
def test_the_checkpoint_is_found_in_the_archive_without_the_clutter_of_macos(folder, publish, cache):
    clutter = {"__MACOSX/all_instruments/._experiment.json": b"x", f"{folder}._experiment.json": b"x", ".DS_Store": b""}
    publish(body=zipped({folder + name: content for name, content in FILES.items()} | clutter, ""))
    assert run("download", "all_instruments") == 0
    assert holds(cache / "models" / "all_instruments")


def test_nsynth_commands_take_a_checkpoint_of_the_cache_by_its_name(cache, capsys):
    soundfile.write("flute.wav", np.sin(np.arange(1024) / 9), 16000)
    save = ["nsynth", "save-embeddings", "flute.wav", "--model", "wavenet-ckpt", "--output", "out"]
    assert cli.main(save) == 1
    assert "pdbridge models download wavenet-ckpt brings it" in capsys.readouterr().err
    shutil.copytree(DATA / "nsynth" / "ckpt_public", cache / "models" / "wavenet-ckpt")
    assert cli.main(save) == 0
    assert np.load("out/flute_embeddings.npy").shape == (2, 16)


def test_sing_is_kept_as_the_file_it_is_when_its_check_sum_is_right(publish, cache, capsys):
    publish("sing", "SING", body=WEIGHTS, sha256=hashlib.sha256(WEIGHTS).hexdigest())
    assert run("download", "sing") == 0
    assert holds(cache / "models" / "sing", {"sing.th": WEIGHTS})
    assert places.find_checkpoint("sing") == cache / "models" / "sing" / "sing.th"
    publish("other", "SING", body=WEIGHTS[:-1] + b"x", sha256=hashlib.sha256(WEIGHTS).hexdigest())
    fails(capsys, "other.th is damaged, or not the one that was published", "other")
    assert not (cache / "models" / "other").exists() and not left_over(cache)


def test_what_somebody_else_named_before_the_cache_goes_first(publish, cache, tmp_path):
    publish("wavenet-ckpt", "NSynth", body=tarred({"model.ckpt-2.index": b""}))
    assert run("download", "wavenet-ckpt") == 0
    (tmp_path / "wavenet-ckpt.index").touch()  # a prefix here
    assert places.find_checkpoint("wavenet-ckpt") == Path("wavenet-ckpt")
    assert places.find_checkpoint("nothing") == Path("nothing")


@pytest.mark.parametrize("find, name", [
    (places.find_model, "all_instruments"), (places.find_checkpoint, "wavenet-ckpt")])
def test_a_published_model_that_is_not_there_says_how_to_get_it(find, name, cache):
    with pytest.raises(CheckpointError, match=f"{name}; pdbridge models download {name} brings it; looked at /"):
        find(name)
    with pytest.raises(CheckpointError, match="there is no model folder violin; looked at /"):
        places.find_model("violin")


# Interrupted ones


@pytest.mark.parametrize("validator", [{}, {"etag": 'W/"weak"', "modified": "Sat, 28 Nov 2026 00:00:00 GMT"}])
def test_an_interrupted_download_goes_on_where_it_stopped(validator, publish, cache, capsys):
    body = zipped(FILES)
    served = publish(body=body, stops_at=100_000, **validator)
    fails(capsys, f"all_instruments.zip broke off after 100 kB of {len(body) // 1000} kB; the same command goes on")
    assert run("list") == 0 and "100 kB of it here" in capsys.readouterr().out
    assert not (cache / "models").exists()
    served.stops_at = 50_000
    fails(capsys, "broke off after 150 kB")
    served.stops_at = None
    assert run("download", "all_instruments") == 0
    assert [asked.get("Range") for asked in served.asked] == [None, "bytes=100000-", "bytes=150000-"]
    assert holds(cache / "models" / "all_instruments") and not left_over(cache)


@pytest.mark.parametrize("change", [
    {"ranges": False}, {"etag": '"2"'}, {"etag": None}, {"etag": 'W/"1"'}, {"shifted": 1}])
def test_where_it_cannot_go_on_it_starts_again(change, publish, cache, capsys):
    no_validator = {key: value for key, value in change.items() if key == "etag" and value != '"2"'}
    served = publish(body=zipped(FILES), stops_at=100_000, **no_validator)
    fails(capsys, "the same command starts again" if no_validator else "the same command goes on from there")
    served.stops_at = None
    for name, value in change.items():
        setattr(served, name, value)
    if served.shifted:
        fails(capsys, "sends another part of the file than it was asked for; the same command starts again")
    assert run("download", "all_instruments") == 0
    assert holds(cache / "models" / "all_instruments")


def test_a_file_that_became_shorter_on_the_server_is_brought_anew(publish, cache, capsys):
    served = publish(body=zipped(FILES), stops_at=200_000)
    fails(capsys, "broke off")
    small = {"experiment.json": b"{}"}
    served.body, served.stops_at = zipped(small), None  # and the same ETag, which is the server's mistake
    assert run("download", "all_instruments") == 0
    assert holds(cache / "models" / "all_instruments", small)


def test_ctrl_c_keeps_what_arrived_for_the_next_time(running, publish, cache):
    served = publish(body=zipped(FILES), stalls_at=131_072)
    running.stalled.clear()
    code = ("import sys; from pdbridge import cli, downloads\n"
            f"downloads.CATALOGUE = [downloads.Published(**{dataclasses.asdict(downloads.CATALOGUE[0])})]\n"
            "sys.exit(cli.main(['models', 'download', 'all_instruments']))")
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(CLONE)})
    assert running.stalled.wait(60)
    part = cache / "downloads" / "all_instruments" / "all_instruments.zip.part"
    while process.poll() is None and not (part.exists() and part.stat().st_size == 131_072):
        threading.Event().wait(0.01)
    process.send_signal(signal.SIGINT)
    assert "stopped; what arrived is kept, the same command goes on from there" in process.communicate(timeout=60)[1]
    assert process.returncode == 130
    served.stalls_at = None
    assert run("download", "all_instruments") == 0
    assert served.asked[-1]["Range"] == "bytes=131072-" and holds(cache / "models" / "all_instruments")


def test_what_is_complete_is_not_asked_for_again(publish, cache, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    served = publish(body=zipped(FILES))
    with monkeypatch.context() as patched:
        patched.setattr(downloads, "unpack", interrupted)
        assert run("download", "all_instruments") == 130
    assert run("download", "all_instruments") == 0
    assert len(served.asked) == 1 and holds(cache / "models" / "all_instruments")


@pytest.mark.parametrize("damage", [b"", b"null", b'{"address": 3, "length": "x"}', b"\xff"])
def test_damaged_notes_about_a_download_mean_starting_again(damage, publish, cache, capsys):
    served = publish(body=zipped(FILES), stops_at=100_000)
    fails(capsys, "broke off")
    (cache / "downloads" / "all_instruments" / "state.json").write_bytes(damage)
    served.stops_at = None
    assert run("download", "all_instruments") == 0
    assert "Range" not in served.asked[-1] and holds(cache / "models" / "all_instruments")


def test_two_processes_do_not_download_the_same(publish, cache, capsys):
    publish(body=zipped(FILES))
    with downloads._Download(downloads.CATALOGUE[0]).held():
        fails(capsys, "all_instruments is being downloaded by another process")
    assert run("download", "all_instruments") == 0


# What goes wrong


def test_an_unknown_name_lists_the_known_ones(cache, capsys):
    fails(capsys, "there is no model violin to download; there are acoustic_only, all_instruments, wavenet-ckpt, "
          "baseline-ckpt, sing", "violin")


def test_a_model_that_is_there_stays_as_it_is(publish, cache, capsys):
    served = publish(body=zipped(FILES))
    (cache / "models" / "all_instruments").mkdir(parents=True)
    fails(capsys, "all_instruments is there already, in ")
    assert not served.asked and not any((cache / "models" / "all_instruments").iterdir())


@pytest.mark.parametrize("served, message", [
    ({"status": 404}, "all_instruments.zip any more (the server says 404)"),
    ({"status": 503}, "answers 503 Service Unavailable; try again later"),
    ({"kind": "text/html; charset=utf-8", "body": b"<html>"}, "is a web page, not a model; perhaps the network asks"),
    ({"status": 302, "location": "ftp://127.0.0.1/x.zip"}, "sends on to ftp://127.0.0.1/x.zip"),
    ({"status": 302, "location": "file:///etc/passwd"}, "sends on to where pdbridge does not follow"),
    ({"body": zipped(FILES)[:-500]}, "all_instruments.zip.part is damaged"),
    ({"body": zipped(FILES)[:1000], "announced": False}, "is damaged"),
    ({"body": b""}, "is damaged, or neither a zip nor a tar archive"),
    ({"body": zipped({"readme": b""})}, "holds no checkpoint (experiment.json is missing)"),
])
def test_what_the_server_does_wrong_is_one_clear_line(served, message, publish, cache, capsys):
    publish(**served)
    fails(capsys, message)
    assert not left_over(cache) and not (cache / "models" / "all_instruments").exists()


def test_no_network_is_one_clear_line(running, publish, cache, capsys, monkeypatch):
    publish()
    gone = dataclasses.replace(downloads.CATALOGUE[0], address="http://127.0.0.1:1/all_instruments.zip")
    monkeypatch.setattr(downloads, "CATALOGUE", (gone,))
    fails(capsys, "http://127.0.0.1:1/all_instruments.zip cannot be reached (Connection refused); is this computer on")


def test_redirects_are_followed_but_never_from_https_to_http(publish, address, cache):
    body = zipped(FILES)
    publish("moved", body=body, file="new.zip")
    served = publish(status=302, location=f"{address}/new.zip")
    assert run("download", "all_instruments") == 0 and holds(cache / "models" / "all_instruments")
    assert len(served.asked) == 1
    request = downloads.urllib.request.Request("https://example.com/a.zip")
    with pytest.raises(DownloadError, match="https://example.com/a.zip sends on to http://example.com/a.zip"):
        downloads._Redirects().redirect_request(request, None, 302, "", {}, "http://example.com/a.zip")


def test_a_full_disk_keeps_what_arrived(publish, cache, capsys):
    served = publish(body=zipped(FILES))
    with files_end_at(100_000):
        fails(capsys, "all_instruments.zip.part cannot be written: File too large; what arrived is kept")
    assert run("download", "all_instruments") == 0
    assert served.asked[-1]["Range"] == "bytes=100000-" and holds(cache / "models" / "all_instruments")


def test_a_disk_that_is_full_when_it_is_unpacked_keeps_the_archive(publish, cache, capsys):
    files = {"experiment.json": b"{}", "zeros": bytes(500_000)}  # in an archive of a kilobyte
    served = publish(body=zipped(files))
    with files_end_at(100_000):
        fails(capsys, "cannot be written: File too large; the archive is kept")
    assert [path.name for path in (cache / "models").iterdir()] == []
    assert run("download", "all_instruments") == 0
    assert len(served.asked) == 1 and holds(cache / "models" / "all_instruments", files)


def test_a_download_for_which_there_is_no_room_is_not_begun(publish, cache, capsys, monkeypatch):
    publish(body=zipped(FILES))
    full = shutil.disk_usage(cache.parent)._replace(free=1000)
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: full)
    fails(capsys, "has 1 kB free; make room, or let PDBRIDGE_CACHE name a folder elsewhere")


# Archives that are not to be trusted


def linked(name, target):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped({info: target})


def twice():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a/experiment.json", "{}")
        archive.writestr("A/Experiment.json", "{}")
    return data.getvalue()


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1:]


def claimed(size):
    """A zip that says that its only file unpacks to so many bytes."""
    data = bytearray(zipped({"experiment.json": bytes(1000)}))
    for signature, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<I", data, data.index(signature) + place, size)
    return bytes(data)


def negative():
    """A tar with a size below 0, which sends tarfile in circles."""
    data = bytearray(tarred({"experiment.json": b"{}"}))
    data[124:136] = b"\xff" * 10 + b"\xfc\x00"
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


def header(name, size):
    """The header of a file in a tar, whatever the file's size is."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf()


REFUSED = {
    "a path upwards in a zip": (zipped({"../../evil": b""}), "leads elsewhere"),
    "an absolute path in a zip": (zipped({"/evil": b""}, ""), "leads elsewhere"),
    "a drive in a zip": (zipped({"C:evil": b""}), "leads elsewhere"),
    "a backslash in a zip": (zipped({"..\\evil": b""}), "leads elsewhere"),
    "a terminal command in a name": (zipped({"\x1b[2J": b""}), "leads elsewhere"),
    "a very long name": (zipped({"x" * 300: b""}), "leads elsewhere"),
    "a link in a zip": (linked("a/link", "/etc/passwd"), "a/link is a link or a device"),
    "a name twice": (twice(), "A/Experiment.json is in it twice"),
    "a file in the place of a folder": (zipped({"a": b"", "a/b": b""}), "is a file and a folder in it"),
    "a zip with a flipped bit": (flipped(zipped(FILES), 150_000), "is damaged at all_instruments/stage_00012/model"),
    "a zip that claims little": (claimed(10), "is damaged at all_instruments/experiment.json: Bad CRC-32"),
    "a zip that claims more than it has": (claimed(2000), "experiment.json has 1000 bytes, not 2000"),
    "a zip of absurd size": (claimed(3 * 10**9), "it would be larger than 2 GB"),
    "a path upwards in a tar": (tarred({"../../evil": b""}), "leads elsewhere"),
    "an absolute path in a tar": (tarred({"/evil": b""}, ""), "leads elsewhere"),
    "a link in a tar": (tarred({"l": b""}, type=tarfile.SYMTYPE, linkname="/etc"), "l is a link or a device"),
    "a hard link in a tar": (tarred({"l": b""}, type=tarfile.LNKTYPE, linkname="/etc/passwd"), "is a link or a device"),
    "a device in a tar": (tarred({"zero": b""}, type=tarfile.CHRTYPE), "zero is a link or a device"),
    "a tar cut in a file": (tarred(FILES)[:200_000], "is damaged"),
    "a tar with a damaged header": (flipped(tarred({"a": b"", "b": b""}), 512 + 150),
                                    "what comes after 1 files is no tar"),
    "a tar with a negative size": (negative(), "is damaged"),
    "a compressed tar cut short": (gzip.compress(tarred(FILES))[:200_000], "is damaged"),
    "a compressed tar of absurd size": (gzip.compress(header("zeros", 3 * 10**9)), "it would be larger than 2 GB"),
    "text": (b"hello" * 1000, "neither a zip nor a tar archive"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_archive_is_refused_before_anything_of_it_is_written(what, tmp_path):
    data, message = REFUSED[what]
    archive = tmp_path / "model.part"
    archive.write_bytes(data)
    with pytest.raises(ArchiveError, match=re.escape(message)) as error:
        archives.unpack(archive, tmp_path / "folder", 2 * 10**9)
    assert "\x1b" not in str(error.value)
    assert [path.name for path in tmp_path.rglob("*")] == ["model.part"]


def test_an_archive_with_too_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_FILES", 10)
    (tmp_path / "model.part").write_bytes(zipped({str(number): b"" for number in range(11)}))
    with pytest.raises(ArchiveError, match="holds more than 10 files"):
        archives.unpack(tmp_path / "model.part", tmp_path / "folder")


def test_a_refused_download_is_removed(publish, cache, capsys):
    publish(body=zipped({"../../evil": b"", **FILES}))
    fails(capsys, "is refused: the name 'all_instruments/../../evil' in it leads elsewhere or is none. It was removed")
    assert not left_over(cache) and not (cache.parent / "evil").exists()


# The list


def test_the_list_shows_what_is_built_in_in_the_cache_and_to_be_had(cache, capsys):
    folder = cache / "models"
    shutil.copytree(DATA / "nsynth" / "ckpt_public", folder / "wavenet-ckpt")
    (folder / "mine").mkdir()
    assert run("list") == 0
    built_in, rest = capsys.readouterr().out.split(f"in the cache ({folder})\n")
    here, there = rest.split("for download (pdbridge models download NAME)\n")
    assert re.search(r"small_hours +GANSynth, \d+(\.\d+)? MB", built_in)
    assert re.search(r"mine +unknown, 0 B\n +wavenet-ckpt +NSynth, \d+", here)
    names = re.findall(r"^  (\S+)", there, re.M)
    assert names == ["acoustic_only", "all_instruments", "baseline-ckpt", "sing"]
    for address in ("https://storage.googleapis.com/magentadata/models/gansynth/all_instruments.zip",
                    "http://download.magenta.tensorflow.org/models/nsynth/baseline-ckpt.tar",
                    "https://dl.fbaipublicfiles.com/sing/sing.th"):
        assert address in there


def test_the_list_does_not_need_a_cache(cache, capsys):
    assert run("list") == 0 and "  none\n" in capsys.readouterr().out
    assert not cache.exists()
