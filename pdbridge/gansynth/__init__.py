"""GANSynth: a whole four-second note from a timbre vector and a pitch.

After Engel et al. 2019, "GANSynth: Adversarial Neural Audio Synthesis". `checkpoint` reads the
files, `generator` is the network, `spectral` turns its picture into sound, `model` joins them.

Around single notes there are GANSpace (`ganspace`, its files in `component_files`, new ones in
`components`), hallucinations (`hallucination`) and MIDI clips (`notes`), mixed at the same levels
(`levels`); `clips` writes both to files. A z whose note is near a recording is found by `matching`, which goes
where `listening` says that it is nearer, backwards through the network and `differentiable`. `timbre` and
`served` are how the server plays.
"""
