"""Data sets: recordings made into notes of one length and rate, and notes into TFRecords.

After the scripts of the "Deep Learning with Audio" course of Aalto University (chop.py, pad.py, make_dataset.py,
make_dataset_nsynth.py), with the same file names and contents, and after the NSynth dataset (Engel et al. 2017).
"""
