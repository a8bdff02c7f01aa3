"""SING: a whole four-second note from an instrument, a pitch and a velocity.

After Défossez et al. 2018, "SING: Symbol-to-Instrument Neural Generator". `checkpoint` reads and writes the
files, `model` is the network, `symbols` knows the names of instruments and notes, `notes` writes notes to
files.
"""
