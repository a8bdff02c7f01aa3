"""What NSynth encodes and makes, against the original's numbers. In TensorFlow; the compiled kernel has
its own tests."""

import numpy as np
import pytest
from nsynth_checkpoint import GOLDENS, PUBLIC, TRAINED

from pdbridge import NSynth
from pdbridge.errors import AudioError, EmbeddingError, MessageError
from pdbridge.nsynth import mulaw, wavenet

ERROR = 2e-5  # of encodings and logits, in float32
SPREAD_ERROR = 0.05  # of logits in bfloat16, rms, relative to their spread


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDENS / "golden_wavenet_public.npz"))


@pytest.fixture(scope="module")
def model():
    return NSynth.load(PUBLIC)


@pytest.fixture(scope="module", params=["plain", "compiled"])
def decoder_in_bfloat16(request, model):
    return wavenet.TensorFlowDecoder(model._weights, "bfloat16", compiled=request.param == "compiled")


# mu-law


def test_every_16_bit_sample_is_quantised_as_in_the_original():
    table = np.load(GOLDENS / "golden_mulaw.npz")
    samples = np.arange(-32768, 32768)
    np.testing.assert_array_equal(mulaw.encode(samples / 32768), table["q_int16_over_32768"])
    np.testing.assert_array_equal(mulaw.encode(samples / 32767), table["q_int16_over_32767"])
    assert mulaw.encode(samples / 32768).dtype == np.float32


def test_every_step_sounds_as_in_the_original():
    table = np.load(GOLDENS / "golden_mulaw.npz")
    np.testing.assert_array_equal(mulaw.decode(table["q_codes"]), table["inv_np"])
    np.testing.assert_allclose(mulaw.decode(table["q_codes"]), table["inv_tf"], atol=1e-7)
    assert mulaw.decode(0) == 0


def test_quantising_never_clips_but_codes_do():
    steps = mulaw.encode([1.0, 1.5, -1.5, -1.0, -1e-9, 0.0])
    np.testing.assert_array_equal(steps, [128, 137, -138, -128, -1, 0])
    np.testing.assert_array_equal(mulaw.codes(steps), [255, 255, 0, 0, 127, mulaw.SILENCE])


def test_codes_survive_their_sound():
    codes = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(mulaw.codes(mulaw.encode(mulaw.samples(codes))), codes)
    np.testing.assert_array_equal(mulaw.codes(mulaw.steps(codes)), codes)


# Encoding


def test_encodings_are_those_of_the_original(model, golden):
    embedding = model.encode(golden["wav"])
    assert embedding.shape == (1, 16, 16)
    assert embedding.dtype == np.float32
    np.testing.assert_allclose(embedding[0], golden["enc"], atol=ERROR)


def test_what_is_left_over_from_the_last_frame_is_not_heard(model, golden):
    embedding, = model.encode(golden["wav"][:5000])
    np.testing.assert_allclose(embedding, golden["enc_from_first_5000"], atol=ERROR)
    embedding, = model.encode(golden["wav"][:3000].astype(np.float64))
    np.testing.assert_allclose(embedding, golden["enc_sample_length_3000"], atol=ERROR)


def test_a_checkpoint_of_a_training_encodes_with_its_plain_variables(golden):
    sound = golden["wav"][:4096].copy()
    sound[-64:] = golden["wav"][-64:]  # the original's test sound of this length ends with the same ramp
    expected = np.load(TRAINED / "encode_synth4096_seed0.npy")
    np.testing.assert_allclose(NSynth.load(TRAINED).encode(sound)[0], expected, atol=ERROR)


def test_sounds_encode_alike_alone_and_together(model, golden):
    sounds = np.stack([golden["wav"], golden["wav"][::-1]])
    together = model.encode(sounds)
    np.testing.assert_array_equal(together[0], model.encode(sounds[0])[0])
    np.testing.assert_array_equal(together[1], model.encode(sounds[1])[0])


def test_a_long_sound_goes_in_by_windows_and_comes_out_the_same(golden, monkeypatch):
    model = NSynth.load(PUBLIC)
    sound = np.tile(golden["wav"], 18)[:280 * 512 + 100]  # 9 s
    lengths = []
    encode = model._encoder._encode
    monkeypatch.setattr(model._encoder, "_encode", lambda x: lengths.append(len(x)) or encode(x))
    in_windows = model.encode(sound)
    assert max(lengths) <= (wavenet.WINDOW + 2 * wavenet.HALO) * 512
    monkeypatch.setattr(wavenet, "WINDOW", 1000)
    whole = model.encode(sound)
    assert lengths[-1] == 280 * 512
    np.testing.assert_allclose(in_windows, whole, atol=5e-6)


def test_no_sounds_give_no_embeddings(model):
    assert model.encode(np.zeros((0, 1024))).shape == (0, 2, 16)


@pytest.mark.parametrize(("audio", "problem"), [
    (np.zeros(511, np.float32), "a sound of 511 samples is too short"),
    (np.zeros(0, np.float32), "a sound of 0 samples is too short"),
    (np.zeros(1024, np.int16), "should be floats in -1..1, not int16"),
    (np.zeros((1, 1024, 1)), r"not \[1, 1024, 1\]"),
    (0.5, r"not \[\]"),
    (np.full(1024, np.nan), "sample 0 of the sound is nan"),
    (np.array([[0.0] * 512, [0.0] * 500 + [-np.inf] * 12]), "sample 500 of sound 1 is -inf"),
    (np.array([3e38] * 512), "sample 0 of the sound is 3e"),
])
def test_sounds_that_cannot_be_encoded_are_refused(model, audio, problem):
    with pytest.raises(AudioError, match=problem):
        model.encode(audio)


# Logits


def test_logits_are_those_of_the_original(model, golden):
    logits = model.logits(golden["wav"], golden["enc"])
    assert logits.shape == (1, 8192, 256)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits[0, golden["logits_idx"]], golden["logits_parallel"], atol=ERROR)
    np.testing.assert_allclose(logits[0, golden["fast_idx"]], golden["logits_fastgen"], atol=ERROR)


def test_the_loss_over_a_whole_sound_is_that_of_the_original(model, golden):
    logits, = model.logits(golden["wav"], golden["enc"]).astype(np.float64)
    codes = mulaw.codes(golden["q"])
    surprise = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(codes)), codes]
    assert surprise.mean() == pytest.approx(golden["loss"], abs=1e-5)


def test_logits_of_several_sounds_are_those_of_the_original(model, golden):
    sounds = mulaw.decode(golden["c2_q"])
    logits = model.logits(sounds, golden["c2_enc"])
    np.testing.assert_allclose(logits[:, golden["c2_idx"]], golden["c2_logits_parallel"], atol=ERROR)


def test_logits_in_bfloat16_stay_close(golden, decoder_in_bfloat16):
    codes = mulaw.codes(golden["c2_q"])
    logits = decoder_in_bfloat16.start(golden["c2_enc"]).feed(codes, logits=True)
    expected = golden["c2_logits_parallel"]
    error = np.sqrt(np.mean((logits[:, golden["c2_idx"]] - expected) ** 2))
    assert 1e-4 * expected.std() < error < SPREAD_ERROR * expected.std()


def test_logits_need_an_embedding_of_the_same_length(model, golden):
    with pytest.raises(EmbeddingError, match="1 sounds of 15 frames need .* not 1 of 16 frames"):
        model.logits(golden["wav"][:-1], golden["enc"])


# Notes


def test_greedy_notes_are_those_of_the_original(model, golden):
    notes = model.decode(golden["gen_enc"], temperature=0, engine="tensorflow")
    assert notes.shape == (2, 2048)
    assert notes.dtype == np.float32
    np.testing.assert_array_equal(notes, golden["greedy_audio"])


def test_sampled_notes_are_those_of_the_original(model, golden):
    notes = model.decode(golden["gen_enc"], uniforms=golden["sampled_u"], engine="tensorflow")
    np.testing.assert_array_equal(notes, golden["sampled_audio"])


def test_the_loop_for_gpus_makes_the_same_notes(model, golden):
    decoder = wavenet.TensorFlowDecoder(model._weights, compiled=True)
    assert "compiled by XLA" in decoder.description
    np.testing.assert_array_equal(decoder.start(golden["gen_enc"]).run(2048), golden["greedy_bins"])
    sampled = decoder.start(golden["gen_enc"]).run(2048, golden["sampled_u"])
    np.testing.assert_array_equal(sampled, golden["sampled_bins"])


def test_notes_in_bfloat16_are_what_their_logits_say(golden, decoder_in_bfloat16):
    codes = decoder_in_bfloat16.start(golden["c2_enc"]).run(512)
    logits = decoder_in_bfloat16.start(golden["c2_enc"]).feed(codes, logits=True)
    # Made one by one, sums are rounded in another order, so that nearly equal codes may change places.
    assert (np.argmax(logits, axis=2) == codes).mean() > 0.98


def test_a_uniform_of_one_takes_the_last_code(model, golden):
    codes = model.decoder(engine="tensorflow").start(golden["gen_enc"]).run(3, np.ones((2, 3)))
    assert (codes >= 250).all()


def test_of_a_uniform_of_zero_comes_the_first_code(model, golden):
    codes = model.decoder(engine="tensorflow").start(golden["gen_enc"]).run(3, np.zeros((2, 3)))
    np.testing.assert_array_equal(codes, 0)


# What cannot be decoded


@pytest.mark.parametrize(("embeddings", "problem"), [
    (np.zeros((1, 4, 15)), r"shape \[notes, frames, 16\], not \[1, 4, 15\]"),
    (np.zeros(16), r"not \[16\]"),
    (np.zeros((1, 1, 4, 16)), r"not \[1, 1, 4, 16\]"),
    (np.zeros((1, 0, 16)), r"not \[1, 0, 16\]"),
    ([["a"]], "should hold numbers"),
    (np.full((2, 4, 16), np.inf), "note 0 holds a value in frame 0"),
    (np.where(np.arange(128).reshape(2, 4, 16) == 127, np.nan, 0), "note 1 holds a value in frame 3"),
])
def test_embeddings_that_cannot_be_decoded_are_refused(model, embeddings, problem):
    with pytest.raises(EmbeddingError, match=problem):
        model.decode(embeddings)


@pytest.mark.parametrize(("arguments", "problem"), [
    ({"seed": -1}, "a seed is a whole number from 0 up, not -1"),
    ({"seed": 1.5}, "not 1.5"),
    ({"temperature": -0.1}, "the temperature should be 0 or more, not -0.1"),
    ({"temperature": np.nan}, "not nan"),
    ({"temperature": np.inf}, "not inf"),
    ({"uniforms": np.zeros((1, 511))}, r"\[1, 512\], not \[1, 511\]"),
    ({"uniforms": np.full((1, 512), 1.01)}, "from 0 to 1"),
    ({"uniforms": np.full((1, 512), np.nan)}, "from 0 to 1"),
])
def test_settings_that_cannot_be_used_are_refused(model, arguments, problem):
    with pytest.raises(MessageError, match=problem):
        model.decode(np.zeros((1, 1, 16)), **arguments)


def test_no_notes_are_made_of_no_embeddings(model):
    assert model.decode(np.zeros((0, 3, 16)), engine="tensorflow").shape == (0, 1536)
