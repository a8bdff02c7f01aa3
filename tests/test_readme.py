"""What README shows works when it is pasted."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from server_process import ServerProcess

from pdbridge import audio

CLONE = Path(__file__).resolve().parent.parent
SNIPPETS = re.findall(r"```python\n(.*?)```", (CLONE / "README.md").read_text(), re.S)


def run(code, folder):
    ran = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True,
                         check=False, env={**os.environ, "PYTHONPATH": str(CLONE)})
    assert ran.returncode == 0, ran.stderr


def test_readme_has_the_snippets_that_are_tested_here():
    assert [("9700" in code, "GANSynth" in code, "pdbridge.NSynth" in code) for code in SNIPPETS] == [
        (False, False, True), (True, False, False), (False, False, False), (False, True, False)]


def test_the_osc_snippets_play_and_write_a_file(tmp_path):
    with ServerProcess(folder=tmp_path).loaded() as server:
        client = server.client()
        client.ask("/gansynth/voices", "voice", 8, 48000.0)  # in place of the patch
        client.send("/notify", 1)
        run((SNIPPETS[1] + SNIPPETS[2]).replace("9700", str(server.port)), tmp_path)
        client.expect("/gansynth/play")
        client.expect("/gansynth/play")
        client.until(lambda _: (tmp_path / "note.wav").exists())
        assert client.status()["failed"] == 0


def test_the_python_snippet_renders_a_note(tmp_path):
    run(SNIPPETS[3] + "\nassert notes.shape == (1, 64000) and abs(notes).max() > 0.01", tmp_path)


def test_the_python_snippet_of_nsynth_makes_a_note(tmp_path):
    audio.write_wav(tmp_path / "flute_60.wav", np.sin(np.arange(3000) / 9), 22050)
    checkpoint = str(CLONE / "tests" / "data" / "nsynth" / "ckpt_public")
    run(SNIPPETS[0].replace("wavenet-ckpt", checkpoint) + "\nassert note.shape == (1, 2048)", tmp_path)


def test_what_readme_links_to_is_there():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (CLONE / "README.md").read_text())
    assert len(links) >= 2
    assert [link for link in links if not (CLONE / link).exists()] == []
