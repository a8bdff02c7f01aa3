"""What the two networks minimise: Wasserstein distance with gradient penalty, and the pitch.

Gulrajani et al. 2017, "Improved Training of Wasserstein GANs"; Odena et al. 2017, "Conditional Image Synthesis with
Auxiliary Classifier GANs"; the penalty of real scores after Karras et al. 2018, appendix A. Scores are float32 [N].
"""

import tensorflow as tf


def cross_entropy(logits, pitch):
    """Mean over the notes, against one-hot pitches [N, pitches]."""
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(pitch, logits))


def generator_loss(fake_scores):
    """The critic should take what was painted for real."""
    return -tf.reduce_mean(fake_scores)


def critic_loss(real_scores, fake_scores):
    """The critic should tell the two apart."""
    return tf.reduce_mean(fake_scores) - tf.reduce_mean(real_scores)


def real_score_penalty(real_scores):
    """Keeps the scores from drifting away."""
    return tf.reduce_mean(tf.square(real_scores))


def gradient_penalty(score, real, fake, mixing, target=1.0, enlargement=1):
    """How far the steepness of the critic is from the target, between real and painted pictures.

    Parameters
    ----------
    score : function
        Scores [N] of pictures.
    real, fake : float32 [N, H, W, 2]
        Log power and frequency, not normalised.
    mixing : float32 [N, 1, 1, 1]
        0 for the real picture, 1 for the painted one.
    target : float
        The steepness wanted.
    enlargement : int
        How many times larger, in each direction, the original's pictures are. There a pixel's gradient is spread over
        its square, so the norm of the gradient is smaller by this factor.

    Returns
    -------
    float32 scalar
        Mean over the pictures of ``(norm / target - 1) ** 2``.
    """
    between = real + mixing * (fake - real)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(between)
        scores = score(between)
    gradient = tape.gradient(scores, between)
    norm = tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=[1, 2, 3])) / enlargement
    return tf.reduce_mean(tf.square(norm / target - 1.0))
