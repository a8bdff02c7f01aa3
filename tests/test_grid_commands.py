"""``pdbridge grid``: from a folder of sounds to a grid, killed and taken up again, on a cluster too."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_nsynth import FakeNSynth

from pdbridge import cli, latent
from pdbridge.errors import EngineError, GridError, LatentError, PitchError
from pdbridge.gansynth.model import GANSynth
from pdbridge.notegrid import NoteGrid
from pdbridge.nsynth.model import NSynth
from pdbridge.rendering import cleaning, cluster, corners, project, render, timbres
from pdbridge.rendering.batches import Draw
from pdbridge.rendering.cluster import Cluster

CLONE = Path(__file__).resolve().parent.parent
CHECKPOINT = Path(__file__).parent / "data" / "nsynth" / "ckpt_public"
GANSYNTH = Path(__file__).parent / "data" / "gansynth" / "ckpt_public"
FRAMES = 13  # more than a decoder looks back, so that taking up a note needs no more than its end


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    for number, name in enumerate(("bell", "bird", "organ", "wood")):
        time = np.arange(8000) / 16000
        sound = 0.4 * np.sin(2 * np.pi * 220 * (number + 1) * time) * np.exp(-3 * time)
        soundfile.write(folder / f"{name}_57.wav", sound, 16000)
    return folder


@pytest.fixture(scope="module")
def model():
    return NSynth.load(CHECKPOINT)


def prepared(sounds, folder):
    project.prepare(sounds, folder, resolution=2, sample_length=FRAMES * 512, final_length=FRAMES * 512)
    return folder


@pytest.fixture(scope="module")
def reference(sounds, model, tmp_path_factory):
    """A grid of the small NSynth, rendered at one go."""
    path, = render.render(prepared(sounds, tmp_path_factory.mktemp("r") / "p"), model, CHECKPOINT, say=ignore)
    return path


def ignore(line):
    """Say nothing."""


def run(*words):
    """A command in this process: its exit code."""
    return cli.main([str(word) for word in words])


def errors(capsys):
    """The lines on stderr that are no progress bars."""
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("pdbridge: ")]


# From sounds to a grid


def test_three_commands_make_a_grid_and_describe_it(sounds, tmp_path, capsys):
    folder = tmp_path / "p"
    assert run("grid", "prepare", sounds, folder, "--resolution", 2, "--sample-length", 1024, "--length", 1000,
               "--loop", 0.2, 0.4) == 0
    assert "NW (top left): bell" in capsys.readouterr().out
    assert run("grid", "render", folder, "--model", CHECKPOINT, "--batch-size", 3, "--seed", 7) == 0
    grid = folder / "bell_bird_organ_wood.bin"
    assert f"{grid} is written" in capsys.readouterr().out
    assert run("grid", "info", grid, "--check") == 0
    described = capsys.readouterr().out
    for line in (r"pad +2 rows x 2 columns", r"pitches +1: 57", r"notes +4 of 1000 samples, 0.06 s at 16000 Hz",
                 r"corners +bell \(top left\), bird \(top right\), organ \(bottom left\), wood \(bottom right\)",
                 r"loop +0.2 to 0.4 of a note", r"seed +7", r"levels +peaks .* dB; 0 of 4 notes are silent"):
        assert re.search(f"^{line}$", described, re.M), line


def test_a_corner_is_the_note_that_the_small_nsynth_makes_of_its_sound(sounds, model, tmp_path):
    project.prepare(sounds, tmp_path / "p", resolution=2, sample_length=1024, final_length=1024)
    path, = render.render(tmp_path / "p", model, CHECKPOINT, say=ignore)
    samples, _ = soundfile.read(sounds / "wood_57.wav", dtype="float32")
    uniforms = Draw().uniforms("pitch_57_wood_1.0", 0, 1024)
    sound, = model.decode(model.encode(samples[:1024]), uniforms=uniforms[np.newaxis])
    with NoteGrid.open(path) as grid:
        np.testing.assert_array_equal(grid.samples(1, 1, 0), cleaning.finish(cleaning.remove_clicks(sound), 1024))


def test_a_file_with_no_pitch_in_its_name_is_mentioned(sounds, tmp_path, capsys):
    shutil.copytree(sounds, tmp_path / "s")
    (tmp_path / "s" / "thunder.wav").touch()
    assert run("grid", "prepare", tmp_path / "s", tmp_path / "p") == 0
    assert errors(capsys) == ["pdbridge: thunder.wav is left alone, its name does not end in a pitch"]


def test_options_of_prepare_reach_the_settings(sounds, tmp_path):
    words = ("--corner", "NW=bell,bird", "--corner", "ne=organ", "--corner", "SW=wood", "--corner", "SE=bell",
             "--pitches", "57", "--weights", "bilinear", "--compat", "--resolution", 11)
    assert run("grid", "prepare", sounds, tmp_path / "p", *words) == 0
    settings = json.loads((tmp_path / "p" / "settings.json").read_text())
    assert settings["pads"] == {"NW": ["bell", "bird"], "NE": ["organ"], "SW": ["wood"], "SE": ["bell"]}
    assert settings["pitches"] == [57] and settings["weights"] == "bilinear" and settings["compat"] is True
    assert settings["resolution"] == 11


def test_the_commands_in_the_docs_are_understood():
    page = (CLONE / "docs" / "grids.md").read_text().replace("\\\n", " ")
    commands = re.findall(r"^pdbridge (grid .+)$", page, re.M)
    assert len(commands) == 6
    for words in commands:
        cli.parser().parse_args(shlex.split(words))


@pytest.mark.parametrize("text, pitches", [
    ("24,36,48", (24, 36, 48)), ("48,24", (24, 48)), ("24-84/20", (24, 44, 64, 84)), ("60-62, 70", (60, 61, 62, 70))])
def test_pitches_may_be_lists_and_ranges(text, pitches):
    options = cli.parser().parse_args(["grid", "prepare", "s", "p", "--pitches", text])
    assert options.pitches == pitches


@pytest.mark.parametrize("words", [
    ["prepare", "s", "p", "--pitches", "128"], ["prepare", "s", "p", "--pitches", "60-50"],
    ["prepare", "s", "p", "--pitches", "24-84/0"], ["prepare", "s", "p", "--pitches", ""],
    ["prepare", "s", "p", "--corner", "NW"], ["prepare", "s", "p", "--corner", "NW=a,,b"],
    ["prepare", "s", "p", "--resolution", "0"], ["prepare", "s", "p", "--loop", "0.2", "2"],
    ["render", "p", "--model", "m", "--batch-size", "0"], ["render", "p", "--model", "m", "--temperature", "nan"],
    ["render", "p", "--model", "m", "--seed", "-1"], ["render", "p"],
])
def test_options_that_cannot_be_understood_end_with_2(words, capsys):
    with pytest.raises(SystemExit) as end:
        run("grid", *words)
    assert end.value.code == 2 and "usage: pdbridge grid" in capsys.readouterr().err


@pytest.mark.parametrize("words, text", [
    (["info", "nothing.bin"], "there is no grid nothing.bin"),
    (["prepare", "nowhere", "p"], "there is no folder of sounds nowhere"),
    (["prepare", "{sounds}", "p", "--corner", "NW=bell"], "name all four corners or none"),
    (["prepare", "{sounds}", "p", "--corner", "NW=a", "--corner", "NW=b"], "--corner NW is given twice"),
    (["render", "p", "--model", "{nsynth}"], "p is no project, there is no settings.json in it"),
    (["render", "p", "--model", "nowhere"], "nowhere"),
    (["render", "p", "--model", "{nsynth}", "--pitches", "60"], "--pitches is for a GANSynth"),
    (["render", "p", "--model", "{gansynth}", "--precision", "int8"], "--precision is for an NSynth"),
])
def test_what_is_wrong_is_one_line_and_exit_code_1(sounds, tmp_path, monkeypatch, capsys, words, text):
    monkeypatch.chdir(tmp_path)
    words = [word.format(sounds=sounds, nsynth=CHECKPOINT, gansynth=GANSYNTH) for word in words]
    assert run("grid", *words) == 1
    line, = errors(capsys)
    assert text in line


def test_silent_notes_are_listed(tmp_path, capsys):
    notes = [np.zeros(10, np.int16), np.full(10, 16384, np.int16)] * 4
    NoteGrid.write(tmp_path / "g.bin", notes, (60, 62), 2, 10)
    assert run("grid", "info", tmp_path / "g.bin", "--check") == 0
    described = capsys.readouterr().out
    assert "levels       peaks -6.0 to -6.0 dB; 4 of 8 notes are silent: cell 0 0 pitch 60, cell 0 1" in described
    assert re.search("^corners +unknown$", described, re.M) and re.search("^loop +none$", described, re.M)


# Stopped


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_rendering_says_how_to_go_on(sounds, tmp_path, monkeypatch, capsys, way):
    fake = FakeNSynth()
    fake.stop_after, fake.stop_signal = 10000, way
    monkeypatch.setattr(NSynth, "load", lambda path: fake)
    folder = tmp_path / "p"
    project.prepare(sounds, folder, resolution=3, sample_length=2048, final_length=2000)
    handlers = signal.getsignal(signal.SIGTERM)
    assert run("grid", "render", folder, "--model", CHECKPOINT, "--batch-size", 4) == 130
    assert errors(capsys) == ["pdbridge: stopped; what is done is kept. The same command goes on from here."]
    assert signal.getsignal(signal.SIGTERM) is handlers
    assert run("grid", "render", folder, "--model", CHECKPOINT, "--batch-size", 4) == 0
    assert fake.encoded == 4 and fake.run < 9 * 2048 + 3 * 2048


def test_a_killed_rendering_is_taken_up_and_comes_out_the_same(sounds, model, reference, tmp_path):
    folder = prepared(sounds, tmp_path / "p")
    script = """if True:
        import itertools, os, signal, sys, types
        from pdbridge.nsynth.model import NSynth
        from pdbridge.rendering import batches, render

        saved, save = [], render.Work.save

        def save_and_die(work, kind, *rest, **arrays):
            if kind == "under_way" and arrays["codes"].shape[1] > 6200:
                open(work.folder / kind / ".batch.1.1.part.npz", "wb").write(b"half")
                os.kill(os.getpid(), signal.SIGKILL)
            save(work, kind, *rest, **arrays)

        render.Work.save = save_and_die
        batches.FIRST_CHUNK = 128
        batches.time = types.SimpleNamespace(monotonic=itertools.count().__next__)  # chunks stay as long as the first
        render.render(sys.argv[1], NSynth.load(sys.argv[2]), sys.argv[2], checkpoint_s=0)
    """
    result = subprocess.run([sys.executable, "-c", script, str(folder), str(CHECKPOINT)], cwd=CLONE,
                            capture_output=True, text=True)
    assert result.returncode == -signal.SIGKILL, result.stderr
    under_way, = (folder / "work" / "under_way").glob("[!.]*.npz")
    with np.load(under_way, allow_pickle=False) as arrays:
        assert 0 < arrays["codes"].shape[1] < FRAMES * 512
    path, = render.render(folder, model, CHECKPOINT, say=ignore)
    assert path.read_bytes() == reference.read_bytes()
    assert not list((folder / "work").glob("*/.*"))


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 400 kB, where the system lets us make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk is for root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_that_is_really_full_is_one_error_and_leaves_what_is_done(sounds, small_disk, monkeypatch):
    folder = small_disk / "p"
    project.prepare(sounds, folder, resolution=3, sample_length=10240, final_length=10000)
    fake = FakeNSynth()
    with pytest.raises(GridError, match="rendering takes .* are free; make room first"):
        render.render(folder, fake, "fake", say=ignore)
    monkeypatch.setattr(render, "check_room", lambda *_: None)  # as if another program took the room later
    filler = small_disk / "filler"
    filler.write_bytes(bytes(300_000))
    with pytest.raises(GridError, match="cannot be written: No space left on device; what is done is kept"):
        render.render(folder, fake, "fake", batch_size=2, say=ignore)
    done, run = len(list((folder / "work" / "notes").iterdir())), fake.run
    assert 0 < done < 9
    filler.unlink()
    path, = render.render(folder, fake, "fake", batch_size=2, say=ignore)
    assert path.stat().st_size == 9 * 10000 * 2 and fake.run - run == (9 - done) * 10240


# On a cluster


@pytest.fixture
def small_cluster(monkeypatch, tmp_path):
    """Two workers that are threads of this process, where the model can be a fake; its address."""
    from distributed import LocalCluster

    fake = FakeNSynth()
    monkeypatch.setattr(NSynth, "load", lambda path: fake)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None,
                      local_directory=tmp_path) as workers:
        yield workers
    cluster._decoders.clear()
    cluster._under_way.clear()


@pytest.fixture
def small_project(sounds, tmp_path):
    project.prepare(sounds, tmp_path / "p", resolution=3, sample_length=2048, final_length=2000)
    return tmp_path / "p"


def rendered_on(workers, folder, **options):
    path, = render.render(folder, FakeNSynth(), "fake", engine="dask", scheduler=workers.scheduler_address,
                          checkpoint_s=0, say=ignore, **options)
    return path


def test_a_cluster_makes_what_one_computer_makes(small_cluster, small_project):
    there = rendered_on(small_cluster, small_project).read_bytes()
    assert NSynth.load("").run == 9 * 2048
    shutil.rmtree(small_project / "work")
    path, = render.render(small_project, FakeNSynth(), "fake", say=ignore)
    assert path.read_bytes() == there


def test_a_batch_that_stays_with_its_worker_goes_on_where_it_was(small_cluster, small_project):
    rendered_on(small_cluster, small_project, batch_size=9)
    assert NSynth.load("").batches == [9] and NSynth.load("").run == 9 * 2048


def test_a_scheduler_that_goes_is_one_clear_error_and_what_is_done_is_kept(small_cluster, small_project, monkeypatch):
    save = render.Work.save

    def save_and_close(work, kind, *rest, **arrays):
        save(work, kind, *rest, **arrays)
        if kind == "notes":
            small_cluster.close()

    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    monkeypatch.setattr(render.Work, "save", save_and_close)
    with pytest.raises(EngineError, match="the Dask scheduler at inproc://.* is gone; what is done is kept"):
        rendered_on(small_cluster, small_project, batch_size=2)
    assert list((small_project / "work" / "notes").iterdir())


def test_what_goes_wrong_in_a_worker_is_said_here(small_cluster, small_project, monkeypatch):
    NSynth.load("").fingerprint = "another"
    with pytest.raises(EngineError, match="fake is another checkpoint on the worker than here"):
        rendered_on(small_cluster, small_project)
    NSynth.load("").fingerprint = "fake"
    monkeypatch.setattr(FakeNSynth, "decoder", lambda *_: 1 / 0)
    with pytest.raises(EngineError, match="a Dask worker failed: ZeroDivisionError"):
        rendered_on(small_cluster, small_project)


def test_a_scheduler_without_workers_says_how_to_start_some(small_project, tmp_path):
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, processes=False, dashboard_address=None, local_directory=tmp_path) as nobody:
        with pytest.raises(EngineError, match="has no workers; start some with: dask worker inproc://"):
            rendered_on(nobody, small_project)


def test_a_worker_that_is_killed_costs_nothing(sounds, model, reference, tmp_path, monkeypatch):
    from distributed import LocalCluster

    decode, send = Cluster.decode, Cluster._send
    sent, killed = [], []

    def noted(cluster, batch, draw, worker):
        sent.append(worker)
        return send(cluster, batch, draw, worker)

    def decode_and_kill(cluster, batches, draw):
        processes = cluster._client.run(os.getpid)
        assert len(batches) == len(processes) == 2
        for batch, samples in decode(cluster, batches, draw):
            if not killed:  # the first that reported; it has its batch again
                killed.append(processes[sent[-1]])
                os.kill(killed[0], signal.SIGKILL)
            yield batch, samples

    monkeypatch.setattr(Cluster, "_send", noted)
    monkeypatch.setattr(Cluster, "decode", decode_and_kill)
    folder = prepared(sounds, tmp_path / "p")
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=tmp_path) as workers:
        path, = render.render(folder, model, CHECKPOINT, engine="dask", scheduler=workers.scheduler_address,
                              checkpoint_s=0.1, say=ignore)
    assert killed and len(sent) > 3
    assert path.read_bytes() == reference.read_bytes()


def test_no_scheduler_is_one_clear_error(sounds, model, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    folder = prepared(sounds, tmp_path / "p")
    with pytest.raises(EngineError, match="no Dask scheduler answers at tcp://127.0.0.1:9"):
        render.render(folder, model, CHECKPOINT, engine="dask", scheduler="tcp://127.0.0.1:9", say=ignore)


# Timbres of a GANSynth


@pytest.fixture(scope="module")
def gansynth():
    return GANSynth.load(GANSYNTH)


@pytest.fixture(scope="module")
def pitches(gansynth):
    return gansynth.pitches[::30][:2]


def test_one_command_makes_a_grid_from_a_gansynth(gansynth, pitches, tmp_path, capsys):
    folder = tmp_path / "p"
    words = ("--resolution", 2, "--length", 3000, "--pitches", ",".join(map(str, pitches)), "--seed", 3)
    assert run("grid", "render", folder, "--model", GANSYNTH, *words) == 0
    path = folder / "nw3_ne3_sw3_se3.bin"
    assert f"{path} is written" in capsys.readouterr().out
    with NoteGrid.open(path) as grid:
        assert grid.corners == ("nw3", "ne3", "sw3", "se3") and grid.pitches == pitches and grid.length == 3000
        z = latent.random_z(4, gansynth.latent_size, 3)
        for corner, (row, col) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
            sound, = gansynth.synthesize(z[corner], [pitches[1]])
            np.testing.assert_array_equal(grid.samples(row, col, 1), cleaning.finish(sound, 3000))
    modified = path.stat().st_mtime_ns
    assert run("grid", "render", folder, "--model", GANSYNTH) == 0  # the settings know the rest
    assert "is there already" in capsys.readouterr().out and path.stat().st_mtime_ns == modified


def test_saved_timbres_may_be_corners(gansynth, pitches, tmp_path):
    z = latent.random_z(1, gansynth.latent_size, 9)
    np.save(tmp_path / "bell.npy", z)
    folder = tmp_path / "p"
    path = timbres.render_timbres(folder, gansynth, {"sw": tmp_path / "bell.npy"}, pitches=pitches[:1], resolution=2,
                                  final_length=2000, say=ignore)
    assert path.name == "nw0_ne0_bell_se0.bin"
    with NoteGrid.open(path) as grid:
        sound, = gansynth.synthesize(z[0], pitches[:1])
        np.testing.assert_array_equal(grid.samples(1, 0, 0), cleaning.finish(sound, 2000))
    assert json.loads((folder / "settings.json").read_text())["timbres"]["SW"] == str(tmp_path / "bell.npy")


def test_settings_of_a_new_grid_of_timbres_are_all_kept(gansynth, pitches, tmp_path):
    options = {"pitches": pitches[:1], "resolution": 2, "compat": True, "say": ignore}
    path = timbres.render_timbres(tmp_path / "p", gansynth, **options)
    assert project.read(tmp_path / "p").compat
    before = path.stat().st_mtime_ns
    assert timbres.render_timbres(tmp_path / "p", gansynth, say=ignore) == path
    assert path.stat().st_mtime_ns == before


def test_a_stopped_grid_of_timbres_goes_on(gansynth, pitches, tmp_path, monkeypatch):
    made, synthesize = [], gansynth.synthesize

    def counted(z, pitches):
        made.append(pitches)
        if len(made) == 3:
            raise KeyboardInterrupt
        return synthesize(z, pitches)

    monkeypatch.setattr(gansynth, "synthesize", counted)
    with pytest.raises(KeyboardInterrupt):
        timbres.render_timbres(tmp_path / "p", gansynth, pitches=pitches, resolution=2, final_length=2000, say=ignore)
    path = timbres.render_timbres(tmp_path / "p", gansynth, say=ignore)
    assert len(made) == 8 + 1
    with NoteGrid.open(path) as grid:
        z = corners.cell_timbres(latent.random_z(4, gansynth.latent_size, 0), 2)
        np.testing.assert_array_equal(grid.samples(0, 1, 0), cleaning.finish(synthesize(z[1], pitches[:1])[0], 2000))


def test_a_prepared_project_lends_its_pitches_to_a_gansynth(gansynth, pitches, sounds, tmp_path):
    folder = tmp_path / "p"
    project.write(project.Project(folder, pitches[:1], resolution=2, final_length=1500, sounds=sounds,
                                  pads={corner: ["bell"] for corner in corners.CORNERS}, loop=(0.25, 0.5)))
    before = (folder / "settings.json").read_text()
    with NoteGrid.open(timbres.render_timbres(folder, gansynth, seed=1, say=ignore)) as grid:
        assert grid.pitches == pitches[:1] and grid.loop == (0.25, 0.5) and grid.corners[0] == "nw1"
    assert (folder / "settings.json").read_text() == before


def test_a_project_of_timbres_is_not_for_an_nsynth(pitches, tmp_path, model):
    project.write(project.Project(tmp_path / "p", pitches, timbres=dict.fromkeys(corners.CORNERS, 0)))
    with pytest.raises(GridError, match="was made for a GANSynth, there are no sounds in its settings"):
        render.render(tmp_path / "p", model, CHECKPOINT, say=ignore)


def test_what_a_gansynth_cannot_make_is_one_clear_error(gansynth, pitches, tmp_path):
    folder = tmp_path / "p"
    np.save(tmp_path / "short.npy", np.zeros(7, np.float32))
    np.save(tmp_path / "nan.npy", np.full(gansynth.latent_size, np.nan, np.float32))
    np.save(tmp_path / "words.npy", np.array(["a", "b"]))
    (tmp_path / "broken.npy").write_bytes(b"no array")
    np.save(tmp_path / "objects.npy", np.array([None]), allow_pickle=True)
    with open(tmp_path / "huge.npy", "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (10 ** 14,)}
        np.lib.format.write_array_header_1_0(file, header)
    np.save(tmp_path / f"{'n' * 220}.npy", np.zeros(gansynth.latent_size, np.float32))

    def fails(error, match, **options):
        with pytest.raises(error, match=match):
            timbres.render_timbres(folder, gansynth, **{"pitches": pitches, "resolution": 2, "say": ignore, **options})

    fails(GridError, "say which pitches to render, e.g. --pitches 24,36,48; this model knows", pitches=None)
    fails(PitchError, "this model does not know the pitch 1; it knows", pitches=(1,))
    fails(GridError, "notes of this model have .* samples, not 16000000", final_length=16_000_000)
    fails(GridError, "there is no corner N; corners are NW", corner_files={"N": "x.npy"})
    for name, text in (("short", r"holds \[7\] values; a z of this model has"), ("broken", "is no z"),
                       ("nan", "holds a value that is not a finite number"), ("objects", "is no z"), ("huge", "is no z"),
                       ("words", "is no z: it should be an .npy"), ("missing", "cannot be read: No such file")):
        fails(LatentError, f"{name}.npy {text}", corner_files={"NW": tmp_path / f"{name}.npy"})
    fails(GridError, "names too long for a file: nn", corner_files={"NW": tmp_path / f"{'n' * 220}.npy"})
    assert not folder.exists()
    with pytest.raises(GridError, match='"timbres: NE" should be a seed .* not "bell.wav"'):
        project.write(project.Project(folder, pitches, timbres={"NW": 0, "NE": "bell.wav", "SW": 0, "SE": 0}))
        timbres.render_timbres(folder, gansynth, say=ignore)
