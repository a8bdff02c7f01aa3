"""Finding the components of a layer: what GANSpace's programs do, for GANSynth.

After Härkönen et al. 2020, "GANSpace: Discovering Interpretable GAN Controls", and the course's
``gansynth_ganspace``. The layer's outputs for many random timbres are put through a principal component
analysis, all at once (``pca``) or batch after batch (``ipca``, Ross et al. 2008, "Incremental Learning
for Robust Visual Tracking", as scikit-learn has it). Work that is interrupted goes on where it was.

The original computes as many components as the layer has values (8192 for the first one), of which a
musician plays the first few. Here it is as many as are asked for. With ``pca`` they are the same ones;
``ipca`` forgets after every batch what lies beyond twice as many, so that the last ones differ a little.
"""

import contextlib
import json
import math
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pdbridge import mapped
from pdbridge.errors import ComponentsError, EngineError, MessageError, PitchError
from pdbridge.gansynth.fingerprint import fingerprint_of_checkpoint
from pdbridge.gansynth.ganspace import GANSpace, check_ending
from pdbridge.memory import free_memory
from pdbridge.pitches import ranges
from pdbridge.progress import progress

ESTIMATORS = ("ipca", "pca")
COMPONENTS = 80  # as GANSpace's own programs
PITCH = 32  # as the original
SMALLEST_BATCH = 64  # z; where the user leaves the size to us
AT_ONCE = 16  # z that the model is given together
KEEPING = 0.05  # the part of the time that may go into keeping what is done


@dataclass(frozen=True)
class Task:
    """What is to be computed. Components are the same if all of this is.

    Attributes
    ----------
    layer : str
    shape : tuple of int
        Rows, columns and channels of the layer.
    estimator : str
    count : int
        z that are looked at.
    components : int
    batch_size : int
        z in a batch. Those left over join the last one.
    seed, pitch : int
    """

    layer: str
    shape: tuple
    estimator: str
    count: int
    components: int
    batch_size: int
    seed: int
    pitch: int

    @classmethod
    def checked(cls, model, layer, count, estimator, components, batch_size, seed, pitch):
        """A task that this model can do, with the sizes filled in that were left out."""
        if estimator not in ESTIMATORS:
            raise ComponentsError(f"there is no estimator {estimator!r}, only {' and '.join(ESTIMATORS)}")
        if layer not in model.layer_shapes:
            raise ComponentsError(f"this model has no layer {layer!r}; it has {', '.join(model.layer_shapes)}")
        if pitch not in model.pitches:
            raise PitchError(f"this model does not know the pitch {pitch}; it knows {ranges(model.pitches)}")
        shape = tuple(model.layer_shapes[layer])
        most = min(count, math.prod(shape))
        if most < 2:
            raise ComponentsError("components are what differs between timbres; take more z than one")
        if components is None:
            components = min(COMPONENTS, most)
        if not 1 <= components <= most:
            raise ComponentsError(f"{components} components cannot be had: {layer} has {math.prod(shape)} "
                                  f"values, and there are {count} z; so there are {most} at most")
        if batch_size is None:
            batch_size = min(max(2 * components, SMALLEST_BATCH), count)
        if not 1 <= batch_size <= count:
            raise ComponentsError(f"a batch of {batch_size} cannot be made of {count} z")
        if estimator == "ipca" and batch_size < components:
            raise ComponentsError(f"a batch of {batch_size} is too small: ipca finds {components} components "
                                  f"in its first batch, which takes {components} z or more; take larger "
                                  "batches, fewer components, or pca")
        return cls(layer, shape, estimator, count, components, batch_size, seed, pitch)

    @property
    def size(self):
        """Values in the layer."""
        return math.prod(self.shape)

    @property
    def rank(self):
        """Components that ipca keeps from batch to batch: more than asked for, so that those are right."""
        return min(2 * self.components, self.batch_size, self.size)

    def batches(self, done):
        """The z of each batch, as (first, behind the last), of those that are not done."""
        first = done
        while first < self.count:
            last = first + self.batch_size
            if self.count - last < self.batch_size:
                last = self.count
            yield first, last
            first = last

    def memory(self, latent_size):
        """Bytes that the computation takes beside the model."""
        batch = min(2 * self.batch_size, self.count)  # the last one may be that large
        kept = self.components + 6
        if self.estimator == "pca":
            rows = self.count
        else:
            rows = self.rank + batch + 1
            kept += 2 * batch + self.rank
        least = min(rows, self.size)
        # the numbers and LAPACK's copy, both factors twice (numpy and scikit-learn copy them), work space
        floats = (2 * rows + kept) * self.size + (2 * rows + 2 * self.size + 4 * least) * least
        return 8 * floats + 4 * self.count * latent_size + 4 * AT_ONCE * self.size


def compute(model, layer, count, path, estimator="ipca", components=None, seed=0, pitch=PITCH, batch_size=None,
            say=print):
    """Find the components of a layer and write them to a file.

    What is done is kept in ``<name of the file>.unfinished...`` beside the file until all is. The same
    call goes on from there after Ctrl-C, a crash or a power failure, and comes to the same components.

    Parameters
    ----------
    model : GANSynth
        Or anything that has its ``folder``, ``layer_shapes``, ``pitches``, ``latent_size``, ``random_z`` and
        ``activations``.
    layer : str
    count : int
        Random timbres to look at. The more there are, the less the components depend on the seed.
    path : str or Path
        An .npz or .pickle, see `GANSpace.save`. Replaced if it exists.
    estimator : str
        ``"ipca"`` takes batch after batch and little memory; ``"pca"`` takes all at once and is exact.
    components : int, optional
        How many; 80, or as many as there can be.
    seed : int
        The same seed looks at the same timbres, whatever the batches.
    pitch : int
        MIDI pitch at which they are looked at. Sounds made of components alone have it.
    batch_size : int, optional
        z that ``ipca`` takes in at a time, as many as components at least; twice as many, if left out.
        With ``pca`` only how much is lost when it is interrupted.
    say : callable
        Takes lines about what is done.

    Returns
    -------
    GANSpace

    Raises
    ------
    ComponentsError
        The model cannot do this, or there is too little memory.
    PitchError
        The model does not know the pitch.
    EngineError
        scikit-learn is not installed, which ipca needs.
    MessageError
        A file cannot be written; what is done is kept.
    """
    path = Path(os.path.expanduser(path))
    check_ending(path)
    task = Task.checked(model, layer, count, estimator, components, batch_size, seed, pitch)
    needed, free = task.memory(model.latent_size), free_memory()
    if needed > free:
        raise ComponentsError(
            f"{estimator} of {count} z at {layer} ({task.size} values) takes {_megabytes(needed)} of memory, "
            f"and {_megabytes(free)} are free; "
            + ("take ipca, or fewer z" if estimator == "pca" else "take fewer components or smaller batches"))
    _check_folder(path)
    kept = _Kept(path, task, model)
    analysis = (_Incremental if estimator == "ipca" else _Whole)(task, kept)
    disk = f" and {_megabytes(4 * count * task.size)} of disk until it is done" if estimator == "pca" else ""
    say(f"{task.components} components of {layer} ({task.size} values) from {count} z at pitch {pitch}; "
        f"takes {_megabytes(needed)} of memory{disk}")
    if kept.done:
        say(f"going on from {kept.done} z that an earlier run did")
    z = model.random_z(count, seed)
    with progress(count, "z", layer, kept.done) as bar:
        for first, last in task.batches(kept.done):
            outputs = np.empty((last - first, task.size), np.float32)
            for start in range(first, last, AT_ONCE):
                some = z[start:min(start + AT_ONCE, last)]
                outputs[start - first:start - first + len(some)] = _outputs(model, task, some)
                bar.update(len(some))
            analysis.add(outputs, last)
    space = analysis.result()
    space.save(path)
    kept.remove()
    share = 100 * np.asarray(space.variance_ratio)
    say(f"{path}: the first component explains {share[0]:.1f} % of the variance, all {space.count} together "
        f"{share.sum():.1f} %")
    return space


def _check_folder(path):
    """Say now, not after hours, if nothing can be written there."""
    if path.is_dir():
        raise MessageError(f"{path} is a folder; the file needs another name")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise MessageError(f"{path} cannot be written: {error.strerror or error}") from None


def _megabytes(count):
    return f"{math.ceil(count / 1e6)} MB"


def _outputs(model, task, z):
    """What the layer puts out, float32 [z, values]."""
    outputs = model.activations(z, task.pitch, task.layer)
    if not np.isfinite(outputs).all():
        raise ComponentsError(f"the model puts out values at {task.layer} that are not finite numbers")
    return outputs.reshape(len(z), task.size)


# The two ways


class _Incremental:
    """Principal components of all batches so far, by scikit-learn."""

    #: What its next step depends on, and its results. All public, and described in its manual.
    STATE = ("components_", "singular_values_", "mean_", "var_", "explained_variance_",
             "explained_variance_ratio_", "n_samples_seen_")

    def __init__(self, task, kept):
        try:
            from sklearn.decomposition import IncrementalPCA
        except ImportError:
            raise EngineError("ipca is done by scikit-learn, which is missing: pip install "
                              '"pdbridge[ganspace]"; pca works without it, with more memory') from None
        self.task, self.kept = task, kept
        self.pca = IncrementalPCA(task.rank, copy=False)
        state = kept.load()
        for name in self.STATE if state else ():
            setattr(self.pca, name, np.array(state[name])[()])
        self.cost_s, self.kept_at = 0.0, -math.inf

    def add(self, outputs, done):
        self.pca.partial_fit(outputs.astype(np.float64), check_input=False)
        now = time.monotonic()
        if done == self.task.count or (now - self.kept_at) * KEEPING < self.cost_s:
            return
        self.kept.save(done, {name: getattr(self.pca, name) for name in self.STATE})
        self.kept_at = time.monotonic()
        self.cost_s = self.kept_at - now

    def result(self):
        pca = self.pca
        return _space(self.task, pca.components_, np.sqrt(pca.explained_variance_),
                      pca.explained_variance_ratio_, pca.mean_)


class _Whole:
    """Principal components of everything, by a singular value decomposition in float64."""

    def __init__(self, task, kept):
        self.task, self.kept = task, kept
        if kept.load() and not kept.has_outputs():
            kept.done = 0

    def add(self, outputs, done):
        self.kept.append(outputs, done)

    def result(self):
        task = self.task
        outputs = self.kept.outputs()  # [z, values]
        mean = outputs.mean(axis=0)
        outputs -= mean
        _, lengths, components = np.linalg.svd(outputs, full_matrices=False)
        variances = lengths**2 / task.count
        # Either direction is as good. The one with the largest value upwards is taken, as by scikit-learn.
        largest = np.abs(components).argmax(axis=1)
        components *= np.sign(components[np.arange(len(components)), largest])[:, np.newaxis]
        return _space(task, components, np.sqrt(variances), variances / variances.sum(), mean)


def _space(task, components, stdev, variance_ratio, mean):
    if not variance_ratio[0] > 0:
        raise ComponentsError(f"{task.layer} puts out the same for all z; it has no components")
    first = slice(task.components)
    components = components[first].astype(np.float32).reshape(-1, *task.shape)
    return GANSpace(task.layer, task.estimator, components, stdev[first], variance_ratio[first],
                    mean.astype(np.float32).reshape(task.shape))


# What is done so far


class _Kept:
    """What is done of a task, in files beside its result.

    Attributes
    ----------
    done : int
        z that are in it.
    """

    def __init__(self, path, task, model):
        self.task = task
        self.path = path.with_name(f"{path.name}.unfinished.npz")
        self.outputs_path = path.with_name(f"{path.name}.unfinished.f32")
        made_from = asdict(task) | {"checkpoint": fingerprint_of_checkpoint(model.folder)}
        self.made_from = json.dumps(made_from, sort_keys=True)
        self.done = 0

    def load(self):
        """The arrays of an earlier run with the same task, or None."""
        if not self.path.exists():
            return None
        try:
            state = mapped.read_npz(mapped.MappedFile(self.path, "the components", ComponentsError))
        except ComponentsError:  # damaged, so it is as if there was none
            return None
        if str(state.get("made_from")) != self.made_from:
            return None
        self.done = int(state["done"])
        return state

    def save(self, done, state):
        """Keep arrays in place of those before."""
        mapped.write_npz(self.path, {"made_from": self.made_from, "done": done, **state})
        self.done = done

    def append(self, outputs, done):
        """Keep outputs behind those before."""
        try:
            with open(self.outputs_path, "r+b" if self.done else "wb") as file:
                file.seek(self.done * self.task.size * 4)  # a batch that was not finished is written again
                file.write(outputs.astype("<f4").tobytes())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise MessageError(f"{self.outputs_path} cannot be written: {error.strerror}; what is done is "
                               "kept, run the same command again when it can be") from None
        self.save(done, {})

    def has_outputs(self):
        """Whether the outputs that are done are still there."""
        return (self.outputs_path.is_file()
                and self.outputs_path.stat().st_size >= self.done * self.task.size * 4)

    def outputs(self):
        """All outputs, float64 [z, values]."""
        outputs = np.memmap(self.outputs_path, "<f4", "r", shape=(self.task.count, self.task.size))
        return outputs.astype(np.float64)

    def remove(self):
        for path in (self.path, self.outputs_path):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
