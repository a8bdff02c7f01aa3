"""GANSynth's adversarial training, and what it writes: Magenta's checkpoints.

Engel et al. 2019, "GANSynth: Adversarial Neural Audio Synthesis", after Karras et al. 2018, "Progressive Growing of
GANs". `config` holds the settings of the originals, `schedule` says how the networks grow, `networks` are the generator
and the critic, `losses` what they minimise, `optimiser` how; `pictures` are the data, `adversarial` is one stage of the
training, `training` goes from stage to stage, `export` keeps of a training what plays.
"""
