"""The devices that a training runs on."""

import tensorflow as tf

from pdbridge.errors import TrainingError


def strategy(name):
    """How a step is shared among devices.

    Parameters
    ----------
    name : str
        "none" for one device, "mirrored" for all the GPUs of this computer.

    Returns
    -------
    tf.distribute.Strategy or None

    Raises
    ------
    TrainingError
        When there are no several GPUs to share among.
    """
    if name == "none":
        return None
    devices = tf.config.list_logical_devices("GPU")
    if len(devices) < 2:
        raise TrainingError(f"--strategy mirrored is for several GPUs, and TensorFlow finds {len(devices)} here; "
                            "leave it out")
    return tf.distribute.MirroredStrategy()
