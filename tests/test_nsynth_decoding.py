"""Decoders of NSynth: going on where a note was left, chance, and which program does it."""

import numpy as np
import pytest
import tensorflow as tf
from nsynth_checkpoint import GOLDENS, PUBLIC, write_checkpoint

from pdbridge import NSynth
from pdbridge.errors import EmbeddingError, EngineError, MessageError
from pdbridge.nsynth import decoding, kernel, mulaw
from pdbridge.nsynth.checkpoint import read_wavenet
from pdbridge.nsynth.wavenet import TensorFlowDecoder

FED = 6144  # samples of a note that is gone on with; 6141 are heard


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDENS / "golden_wavenet_public.npz"))


@pytest.fixture(scope="module")
def model():
    return NSynth.load(PUBLIC)


@pytest.fixture(scope="module")
def decoder(model):
    return model.decoder(engine="tensorflow")


@pytest.fixture(scope="module")
def codes(golden):
    """The golden sound, [1, 8192]."""
    return mulaw.codes(golden["q"])[np.newaxis]


def draws(shape, seed=7):
    return np.random.default_rng(seed).random(shape)


# In pieces


def test_a_note_made_in_pieces_is_the_note(decoder, golden):
    made = decoder.start(golden["gen_enc"])
    uniforms = golden["sampled_u"]
    assert made.position == 0
    pieces = []
    for start, stop in [(0, 1), (1, 8), (8, 500), (500, 530), (530, 530), (530, 2048)]:
        pieces.append(made.run(stop - start, uniforms[:, start:stop]))
        assert made.position == stop
    codes = np.hstack(pieces)
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(codes, golden["sampled_bins"])


def test_a_note_goes_on_exactly_from_its_last_samples(decoder, golden, codes):
    embeddings = golden["enc"][np.newaxis]
    uniforms = draws((1, 700))
    note = decoder.start(embeddings)
    note.feed(codes[:, :5900])
    made = note.run(700, uniforms)
    whole = np.hstack([codes[:, :5900], made])
    resumed = decoder.start(embeddings, position=6300 - FED)
    assert resumed.feed(whole[:, 6300 - FED:6300]) is None
    assert resumed.position == 6300
    np.testing.assert_array_equal(resumed.run(300, uniforms[:, 400:]), whole[:, 6300:])


def test_the_last_6141_samples_are_all_that_is_heard(decoder, golden, codes):
    embeddings = golden["enc"][np.newaxis]
    expected = decoder.start(embeddings).feed(codes, logits=True)[:, -1]

    def from_the_last(count):
        late = decoder.start(embeddings, position=8191 - count)
        return late.feed(codes[:, -count - 1:], logits=True)[:, -1]

    np.testing.assert_allclose(from_the_last(decoding.RECEPTIVE_FIELD), expected, atol=1e-5)
    assert np.abs(from_the_last(3000) - expected).max() > 1e-3


def test_samples_may_be_fed_in_pieces(decoder, golden, codes):
    embeddings = golden["enc"][np.newaxis]
    whole = decoder.start(embeddings).feed(codes[:, :1500], logits=True)
    fed = decoder.start(embeddings)
    pieces = [fed.feed(codes[:, start:stop], logits=True)
              for start, stop in [(0, 1), (1, 3), (3, 700), (700, 700), (700, 1500)]]
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), whole, atol=1e-5)


def test_many_notes_are_fed_in_shorter_pieces(decoder, golden, codes, monkeypatch):
    embeddings = golden["enc"][np.newaxis]
    whole = decoder.start(embeddings).feed(codes[:, :600], logits=True)
    monkeypatch.setattr("pdbridge.nsynth.wavenet.FED_ROWS", 250)
    pieces = decoder.start(embeddings).feed(codes[:, :600], logits=True)
    np.testing.assert_allclose(pieces, whole, atol=1e-5)


def test_a_note_goes_on_from_known_samples_as_their_logits_say(decoder, golden, codes):
    embeddings = golden["enc"][np.newaxis]
    logits = decoder.start(embeddings).feed(codes[:, :1201], logits=True)
    fed = decoder.start(embeddings)
    fed.feed(codes[:, :1200])
    np.testing.assert_array_equal(fed.run(1), logits[:, 1200:].argmax(axis=2))


@pytest.mark.parametrize("compiled", [False, True])
def test_models_of_other_sizes_decode(tmp_path, compiled):
    """Two layers only, so that none has a long dilation."""
    weights = read_wavenet(write_checkpoint(tmp_path))
    decoder = TensorFlowDecoder(weights, compiled=compiled)
    embeddings = draws((2, 1, weights.channels))
    codes = decoder.start(embeddings).run(20)
    logits = decoder.start(embeddings).feed(codes, logits=True)
    np.testing.assert_array_equal(codes, logits.argmax(axis=2))


# What cannot be


def test_a_note_ends_with_its_embedding(decoder, golden):
    made = decoder.start(golden["gen_enc"], position=2040)
    with pytest.raises(EmbeddingError, match="4 frames of the embedding make 2048 samples"):
        made.run(9)
    with pytest.raises(EmbeddingError, match="sample 2049 is not in the note"):
        made.feed(np.zeros((2, 9), np.uint8))
    assert made.run(8).shape == (2, 8)
    for position in (-1, 2049):
        with pytest.raises(EmbeddingError, match=f"sample {position} is not in the note"):
            decoder.start(golden["gen_enc"], position=position)


def test_steps_codes_and_uniforms_are_checked(decoder, golden):
    made = decoder.start(golden["gen_enc"])
    with pytest.raises(MessageError, match="should be 0 or more, not -1"):
        made.run(-1)
    with pytest.raises(MessageError, match=r"\[2, 4\], not \[4, 2\]"):
        made.run(4, np.zeros((4, 2)))
    for wrong in (np.zeros((1, 4), np.uint8), np.zeros(4, np.uint8), np.zeros((2, 4), int)):
        with pytest.raises(MessageError, match=r"codes should be uint8 \[2, samples\]"):
            made.feed(wrong)
    assert made.position == 0


def test_too_little_memory_says_what_to_do(model, golden, monkeypatch):
    decoder = TensorFlowDecoder(model._weights)

    def exhausted(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor\nwith shape")

    monkeypatch.setattr(decoder, "generate", exhausted)
    with pytest.raises(EngineError, match="2 notes at a time do not fit .* make fewer together"):
        decoder.start(golden["gen_enc"]).run(1)
    monkeypatch.setattr(decoder, "silence", exhausted)
    with pytest.raises(EngineError, match="2 notes at a time do not fit"):
        decoder.start(golden["gen_enc"])


# Chance


def test_codes_are_chosen_as_the_original_does(decoder, golden):
    """Softmax and its sum in float32, the first code where the sum is at least u."""
    uniforms = draws((2, 400))
    for temperature in (1.0, 0.6):
        codes = decoder.start(golden["gen_enc"]).run(400, uniforms, temperature)
        logits = decoder.start(golden["gen_enc"]).feed(codes, logits=True) / np.float32(temperature)
        chances = np.exp(logits - logits.max(axis=2, keepdims=True))
        chances /= chances.sum(axis=2, keepdims=True)
        sums = np.cumsum(chances, axis=2, dtype=np.float32)
        expected = (sums < uniforms[..., np.newaxis]).sum(axis=2)
        np.testing.assert_array_equal(codes, np.minimum(expected, 255))


def test_the_same_seed_makes_the_same_sound_and_another_one_another(model, golden):
    embeddings = golden["gen_enc"][:, :1]
    first = model.decode(embeddings, seed=5, engine="tensorflow")
    np.testing.assert_array_equal(first, model.decode(embeddings, seed=5, engine="tensorflow"))
    assert (first != model.decode(embeddings, seed=6, engine="tensorflow")).mean() > 0.5
    assert (first != model.decode(embeddings, engine="tensorflow")).mean() > 0.5


def test_without_a_seed_every_call_makes_another_sound(model, golden):
    first, second = (model.decode(golden["gen_enc"][:, :1], engine="tensorflow") for _ in range(2))
    assert (first != second).mean() > 0.5


def test_two_equal_embeddings_become_two_sounds(model, golden):
    first, second = model.decode(golden["gen_enc"][[0, 0], :1], seed=5, engine="tensorflow")
    assert (first != second).mean() > 0.5


def test_a_note_draws_its_own_numbers_whatever_else_is_made(model, golden):
    embeddings = golden["c2_enc"]
    together = model.decode(embeddings, seed=3, engine="tensorflow")
    for note in range(3):
        uniforms = np.random.default_rng([3, note]).random((1, 1024))
        alone = model.decode(embeddings[note], uniforms=uniforms, engine="tensorflow")
        np.testing.assert_array_equal(together[note], alone[0])


def test_large_batches_are_made_in_several(model, golden, decoder, monkeypatch):
    embeddings = golden["enc"][:5, np.newaxis]
    at_once = model.decode(embeddings, seed=1, engine="tensorflow")
    monkeypatch.setattr(decoder, "best_batch", 2)
    calls = []
    in_parts = model.decode(embeddings, seed=1, engine="tensorflow",
                            progress=lambda done, total: calls.append((done, total)))
    np.testing.assert_array_equal(in_parts, at_once)
    assert {total for _, total in calls} == {5 * 512}
    done = [done for done, _ in calls]
    assert done == sorted(set(done))
    assert done[0] == 2 * 64
    assert done[-1] == 5 * 512


def test_temperature_leads_from_the_likeliest_code_to_noise(decoder, golden):
    uniforms = draws((2, 512))
    likeliest = []
    for temperature in (1e-30, 0.2, 1.0, 5.0):
        codes = decoder.start(golden["gen_enc"]).run(512, uniforms, temperature)
        logits = decoder.start(golden["gen_enc"]).feed(codes, logits=True)
        likeliest.append((logits.argmax(axis=2) == codes).mean())
    assert likeliest[0] == 1
    assert 1 > likeliest[1] > likeliest[2] + 0.1 > likeliest[3] + 0.1


def test_temperature_zero_takes_the_likeliest_code(decoder, golden):
    codes = decoder.start(golden["gen_enc"]).run(300, draws((2, 300)), temperature=0)
    np.testing.assert_array_equal(codes, golden["greedy_bins"][:, :300])


# Which program does it


class FakeKernelDecoder:
    """What the chooser passes on."""

    def __init__(self, weights, precision="float32", threads=None):
        self.weights, self.precision, self.threads = weights, precision, threads


@pytest.fixture
def machine(monkeypatch):
    """Pretends that there is a compiled kernel, or a GPU, or not."""

    def pretend(kernel_there, gpu=False):
        answer = (True, "AVX2") if kernel_there else (False, "it is not built; install g++")
        monkeypatch.setattr(kernel, "available", lambda: answer)
        monkeypatch.setattr(kernel, "KernelDecoder", FakeKernelDecoder)
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["GPU:0"] if gpu else [])

    return pretend


def test_by_itself_the_kernel_is_taken_where_it_is_there(model, machine):
    machine(kernel_there=True)
    decoder = decoding.decoder(model._weights, "bfloat16", threads=3)
    assert isinstance(decoder, FakeKernelDecoder)
    assert decoder.weights is model._weights
    assert (decoder.precision, decoder.threads) == ("bfloat16", 3)


def test_by_itself_tensorflow_is_taken_where_there_is_no_kernel(model, machine):
    machine(kernel_there=False)
    decoder = decoding.decoder(model._weights, "bfloat16")
    assert isinstance(decoder, TensorFlowDecoder)
    assert (decoder.engine, decoder.precision) == ("tensorflow", "bfloat16")
    assert "on the processor" in decoder.description


def test_by_itself_a_gpu_is_taken_for_what_it_can(model, machine):
    machine(kernel_there=True, gpu=True)
    decoder = decoding.decoder(model._weights)
    assert isinstance(decoder, TensorFlowDecoder)
    assert "on the GPU, compiled by XLA" in decoder.description
    assert isinstance(decoding.decoder(model._weights, "int8"), FakeKernelDecoder)


def test_a_gpu_multiplies_with_all_bits():
    assert not tf.config.experimental.tensor_float_32_execution_enabled()


def test_either_can_be_asked_for(model, machine):
    machine(kernel_there=True, gpu=True)
    assert isinstance(decoding.decoder(model._weights, engine="kernel"), FakeKernelDecoder)
    machine(kernel_there=True)
    assert isinstance(decoding.decoder(model._weights, engine="tensorflow"), TensorFlowDecoder)


@pytest.mark.parametrize(("arguments", "problem"), [
    ({"engine": "kernel"}, "float32 on the compiled decoder is not possible: it is not built; install"),
    ({"precision": "int8"}, "int8 on the compiled decoder .* install .*TensorFlow does float32 and"),
    ({"precision": "int8", "engine": "tensorflow"}, "TensorFlow does not decode in int8; take float32"),
    ({"precision": "float16"}, "there is no precision float16; there are float32, bfloat16, int8"),
    ({"engine": "cuda"}, "there is no engine cuda; there are auto, kernel, tensorflow"),
    ({"threads": 2}, "TF_NUM_INTRAOP_THREADS"),
])
def test_what_is_not_there_says_what_to_do(model, machine, arguments, problem):
    machine(kernel_there=False)
    with pytest.raises(EngineError, match=problem):
        model.decoder(**arguments)


def test_a_decoder_is_prepared_once(model):
    first = model.decoder(engine="tensorflow")
    assert model.decoder(engine="tensorflow") is first
    assert model.decoder("bfloat16", engine="tensorflow") is not first


def test_memory_of_a_note_is_told(decoder):
    rings = 2 * 3 * 1023 * 32 * 4  # three times ten layers, two dilations each, 32 channels
    assert rings < decoder.bytes_per_note < 1.5 * rings
    assert decoder.best_batch == 128
