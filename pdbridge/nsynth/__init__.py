"""NSynth: a sound becomes a short row of numbers, and a row of numbers becomes a sound.

After Engel et al. 2017, "Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders".
`checkpoint` reads the files, `mulaw` is the 8-bit sound that the networks know, `wavenet` is the
autoencoder, `decoding` chooses what runs its decoder, `model` joins them. `baseline` is the
paper's other autoencoder, of spectrograms.
"""
