"""GANSynth: a whole four-second note from a timbre vector and a pitch.

After Engel et al. 2019, "GANSynth: Adversarial Neural Audio Synthesis". `checkpoint` reads the
files, `generator` is the network, `spectral` turns its picture into sound, `model` joins them.
"""
