"""Training of SING, as the original's program does it (Défossez et al. 2018).

An autoencoder learns to make sound of frames; a sequence generator then learns to make its frames from symbols; at
last both halves that play are trained together, on what is heard. `settings` are the options, `notes` the recorded
notes, `networks` the three networks, `losses` what is to become small, `phases` the steps, `training` the whole. What
comes out is a file that `pdbridge.SING.load` plays.
"""
