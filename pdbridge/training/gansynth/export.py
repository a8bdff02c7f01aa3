"""Of a training, keep what plays: the smallest folder that this program and the original load."""

import json
import os
import shutil
from pathlib import Path

from pdbridge.errors import CheckpointError, TrainingError
from pdbridge.files import written_whole
from pdbridge.gansynth.checkpoint import read_checkpoint
from pdbridge.training import bundle
from pdbridge.training.gansynth import config as configs
from pdbridge.training.gansynth.optimiser import AVERAGE
from pdbridge.training.gansynth.training import PATHS


def export(folder, out):
    """Write the last checkpoint of a training as a model of its own.

    Parameters
    ----------
    folder : str or Path
        Of the training, from here, from Magenta's program or from the course's.
    out : str or Path
        Must not exist. It gets ``experiment.json`` without the paths of the training, ``meta.json`` if there is one,
        and the last stage with the moving averages of the generator's weights.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    CheckpointError, TrainingError
        `folder` holds nothing that plays, or `out` is there already or cannot be written.
    """
    folder, out = Path(folder).expanduser(), Path(out).expanduser()
    if os.path.lexists(out):
        raise TrainingError(f"{out} exists already; name another folder, or remove it")
    if not out.absolute().parent.is_dir():
        raise TrainingError(f"{out.absolute().parent} is not a folder; make it first")
    read_checkpoint(folder)  # refuses what does not play
    stage = max((path for path in folder.glob("stage_*") if bundle.latest(path)),
                key=lambda path: int(path.name.rpartition("_")[2]))
    tensors = bundle.load(bundle.latest(stage))
    played = {name: array for name, array in tensors.items() if name.endswith(AVERAGE) or name == "global_step"}
    unfinished = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        bundle.save(unfinished / stage.name, int(played["global_step"]), played)
        settings = configs.parse(str(folder / "experiment.json"))
        settings = {name: value for name, value in settings.items() if name not in PATHS}
        with written_whole(unfinished / "experiment.json") as path:
            path.write_text(json.dumps(settings, indent=4) + "\n")
        if (folder / "meta.json").exists():
            shutil.copyfile(folder / "meta.json", unfinished / "meta.json")
        read_checkpoint(unfinished)
        os.rename(unfinished, out)
    except OSError as error:
        raise TrainingError(f"{out} cannot be written: {error.strerror or error}") from None
    except CheckpointError as error:
        raise TrainingError(f"{folder} cannot be exported: {error}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
