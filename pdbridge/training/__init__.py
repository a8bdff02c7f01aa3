"""Training: data sets made from recordings, and the three models learnt from them.

A model package (`pdbridge.gansynth`, `pdbridge.nsynth`) knows how a trained network plays. Here is how one comes
about: `datasets` turns recordings into TFRecords as Magenta's programs and the course's read them, and the trainers
write checkpoints with the originals' names, so that ours and the originals' tools load them. The trainers share
`bundle`, checkpoints that are whole or not there at all, and `loop`, which goes from step to step, keeps checkpoints,
and can be stopped and resumed. Everything in here may import TensorFlow; nothing that plays imports anything from here.
"""
