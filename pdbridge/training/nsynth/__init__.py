"""Training of NSynth's two autoencoders, as Magenta's programs do it (Engel et al. 2017).

`hparams` are the settings, `notes` brings recorded notes in an order that a seed decides, `wavenet` and `baseline` are
the two networks with their losses, `training` takes the steps. Checkpoints have the original's names, so that
`pdbridge.nsynth` and Magenta's programs load them.
"""
