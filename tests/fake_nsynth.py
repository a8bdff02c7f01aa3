"""An NSynth that costs nothing: it obeys the protocol, and remembers what it was asked to do."""

import signal

import numpy as np

HOP = 512
CHANNELS = 4


class FakeNSynth:
    """Encodes to block means, decodes to codes that depend on embedding, random numbers and past."""

    sample_rate = 16000
    hop = HOP
    channels = CHANNELS

    def __init__(self, fingerprint="fake"):
        self.fingerprint = fingerprint
        self.encoded = 0  # sounds
        self.run = 0  # samples made, of all notes
        self.batches = []  # sizes
        self.stop_after = None  # samples, after which Ctrl-C is pressed (or another signal comes)
        self.stop_signal = signal.SIGINT

    def encode(self, audio):
        self.encoded += len(audio)
        blocks = audio.reshape(len(audio), -1, HOP)
        return np.stack([blocks.mean(axis=2), abs(blocks).max(axis=2), blocks[:, :, 0], blocks[:, :, -1]], axis=2)

    def decoder(self, precision="float32", engine="auto", threads=None):
        return FakeDecoder(self)


class FakeDecoder:
    engine, precision, description = "fake", "float32", "a fake"
    best_batch, bytes_per_note = 4, 1000

    def __init__(self, model):
        self.model = model

    def start(self, embeddings, position=0):
        return FakeDecoding(self.model, np.asarray(embeddings), position)


class FakeDecoding:
    """Each code follows from the last, from the one 6140 samples ago, and from a random number."""

    MEMORY = 6141

    def __init__(self, model, embeddings, position):
        self.model, self.embeddings, self.position = model, embeddings, position
        model.batches.append(len(embeddings))
        self.past = [np.full(len(embeddings), 128)] * self.MEMORY  # of int [batch]

    def run(self, steps, uniforms=None, temperature=1.0):
        codes = np.empty((len(self.embeddings), steps), np.uint8)
        for step in range(steps):
            frame = self.embeddings[:, self.position // HOP].sum(axis=1)
            drawn = 0 if uniforms is None else uniforms[:, step] * 40 * temperature
            codes[:, step] = (self.past[-1] + 3 * self.past[-self.MEMORY] + 300 * frame + drawn).astype(np.int64) % 256
            self._push(codes[:, step])
        self.model.run += codes.size
        if self.model.stop_after is not None and self.model.run >= self.model.stop_after:
            self.model.stop_after = None
            signal.raise_signal(self.model.stop_signal)
        return codes

    def feed(self, codes, logits=False):
        for step in range(codes.shape[1]):
            self._push(codes[:, step])

    def _push(self, codes):
        self.past.append(codes.astype(int))
        self.position += 1
