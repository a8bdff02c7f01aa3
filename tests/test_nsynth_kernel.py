"""The compiled decoder of NSynth, with every instruction set that this machine has."""

import re
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from nsynth_checkpoint import GOLDENS, PUBLIC

from pdbridge.errors import EmbeddingError, EngineError, MessageError
from pdbridge.nsynth import decoding, kernel, mulaw
from pdbridge.nsynth.checkpoint import Weights, read_wavenet, shapes

ERROR = 5e-5  # of logits, in float32
# Root mean square of the logits' error, relative to their spread: what is promised is 0.05 and 0.15.
SPREAD_ERROR = {"bfloat16": 0.01, "int8": 0.03}
FED = 6144  # samples of a note that is gone on with; 6141 are heard
STATM = Path("/proc/self/statm")  # how large this process is, in pages

SETS = kernel.usable()
needs_kernel = pytest.mark.skipif(not SETS, reason=f"the compiled decoder: {kernel.available()[1]}")
pytestmark = needs_kernel


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDENS / "golden_wavenet_public.npz"))


@pytest.fixture(scope="module")
def weights():
    return read_wavenet(PUBLIC)


@pytest.fixture(params=SETS)
def instruction_set(request, monkeypatch):
    """Each in turn as the highest one allowed."""
    monkeypatch.setenv(kernel.ENVIRONMENT, request.param)
    return request.param


@pytest.fixture(scope="module", params=decoding.PRECISIONS)
def decoder(request, weights):
    """The best of this machine in each precision."""
    return kernel.KernelDecoder(weights, request.param, threads=2)


def draws(*shape, seed=7):
    return np.random.default_rng(seed).random(shape)


def embeddings(notes, frames=2, channels=16, seed=8):
    return np.random.default_rng(seed).standard_normal((notes, frames, channels)).astype(np.float32)


def random_weights(stages=10, seed=3, **sizes):
    """A network of any sizes, in which signals keep their strength."""
    random = np.random.default_rng(seed)
    arrays = {}
    for name, shape in shapes(ae_width=4, ae_layers=1, **sizes).items():
        shape = [size for size in shape[:-2] if size > 1] + list(shape[-2:])
        strength = 0.1 if len(shape) == 1 else np.prod(shape[:-1]) ** -0.5
        arrays[name] = (strength * random.standard_normal(shape)).astype(np.float32)
    arrays["startconv/W"] = arrays["startconv/W"].reshape(3, 1, -1)
    weights = Weights(arrays)
    weights.stages = stages
    return weights


def straightforward_logits(weights, codes, embeddings):
    """The network as Engel et al. draw it, all samples of one note at a time, in float64."""
    def delayed(x, samples):
        return np.vstack([np.zeros((samples, x.shape[1])), x])[:len(x)]

    def convolution(scope, x, dilation=1):
        taps = weights[f"{scope}/W"].astype(np.float64)
        taps = taps[np.newaxis] if taps.ndim == 2 else taps
        past = [delayed(x, (len(taps) - 1 - tap) * dilation) @ taps[tap] for tap in range(len(taps))]
        return sum(past) + weights[f"{scope}/biases"]

    frames = np.repeat(embeddings, weights.hop, axis=0)[:len(codes)]
    x = delayed((codes[:, np.newaxis] - 128.0) / 128, 1)
    x = convolution("startconv", x)
    skip = convolution("skip_start", x)
    for layer in range(1, weights.layers + 1):
        gates = convolution(f"dilatedconv_{layer}", x, weights.dilation(layer))
        gates, values = np.split(gates + convolution(f"cond_map_{layer}", frames), 2, axis=1)
        h = np.tanh(values) / (1 + np.exp(-gates))
        x = x + convolution(f"res_{layer}", h)
        skip = skip + convolution(f"skip_{layer}", h)
    h = np.maximum(convolution("out1", np.maximum(skip, 0)) + convolution("cond_map_out1", frames), 0)
    return convolution("logits", h)


# The original's numbers


def test_logits_are_those_of_the_original(instruction_set, weights, golden):
    decoder = kernel.KernelDecoder(weights)
    logits, = decoder.start(golden["enc"][np.newaxis]).feed(mulaw.codes(golden["q"])[np.newaxis], logits=True)
    np.testing.assert_allclose(logits[golden["logits_idx"]], golden["logits_parallel"], atol=ERROR)
    np.testing.assert_allclose(logits[golden["fast_idx"]], golden["logits_fastgen"], atol=ERROR)
    several = decoder.start(golden["c2_enc"]).feed(mulaw.codes(golden["c2_q"]), logits=True)
    np.testing.assert_allclose(several[:, golden["c2_idx"]], golden["c2_logits_parallel"], atol=ERROR)


def test_greedy_notes_are_those_of_the_original(instruction_set, weights, golden):
    decoder = kernel.KernelDecoder(weights)
    np.testing.assert_array_equal(decoder.start(golden["gen_enc"]).run(2048), golden["greedy_bins"])


def test_sampled_notes_are_those_of_the_original(instruction_set, weights, golden):
    codes = kernel.KernelDecoder(weights).start(golden["gen_enc"]).run(2048, golden["sampled_u"])
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(codes, golden["sampled_bins"])


@pytest.mark.parametrize("precision", SPREAD_ERROR)
def test_narrow_weights_stay_close_to_the_original(instruction_set, precision, weights, golden):
    decoder = kernel.KernelDecoder(weights, precision)
    logits = decoder.start(golden["c2_enc"]).feed(mulaw.codes(golden["c2_q"]), logits=True)
    expected = golden["c2_logits_parallel"]
    error = np.sqrt(np.mean((logits[:, golden["c2_idx"]] - expected) ** 2))
    assert 1e-4 * expected.std() < error < SPREAD_ERROR[precision] * expected.std()


# Networks of other sizes


@pytest.mark.parametrize("sizes", [
    {"width": 40, "skip": 24, "layers": 12, "stages": 4, "channels": 5},
    {"width": 3, "skip": 2, "layers": 2, "stages": 10, "channels": 16},
    {"width": 70, "skip": 129, "layers": 3, "stages": 1, "channels": 1},
], ids=str)
def test_networks_of_any_size_decode(instruction_set, sizes):
    weights = random_weights(**sizes)
    sounds = embeddings(3, channels=sizes["channels"])
    codes = np.random.default_rng(4).integers(0, 256, (3, 700), np.uint8)
    expected = np.stack([straightforward_logits(weights, *note) for note in zip(codes, sounds, strict=True)])
    for precision, error in (("float32", 1e-5), ("bfloat16", 0.01), ("int8", 0.03)):
        logits = kernel.KernelDecoder(weights, precision).start(sounds).feed(codes, logits=True)
        assert np.sqrt(np.mean((logits - expected) ** 2)) < error * expected.std()


# A note is the same, whatever the circumstances


def test_a_note_is_the_same_in_every_batch(decoder):
    sounds, uniforms = embeddings(70), draws(70, 560)
    alone = np.vstack([decoder.start(sounds[[i]]).run(560, uniforms[[i]]) for i in (0, 30, 69)])
    for batch in (70, 31, 12):  # in sections, in one, and looked ahead by other steps than alone
        together = decoder.start(sounds[-batch:]).run(560, uniforms[-batch:])
        np.testing.assert_array_equal(together[-1], alone[-1])
    np.testing.assert_array_equal(decoder.start(sounds).run(560, uniforms)[[0, 30, 69]], alone)


def test_a_note_is_the_same_with_any_number_of_threads(decoder, weights):
    sounds, uniforms = embeddings(5), draws(5, 600)
    expected = decoder.start(sounds).run(600, uniforms)
    for threads in (1, 3):
        other = kernel.KernelDecoder(weights, decoder.precision, threads=threads)
        assert other.description.endswith(f"{threads} thread{'s' * (threads > 1)}")
        np.testing.assert_array_equal(other.start(sounds).run(600, uniforms), expected)


def test_a_note_made_in_pieces_is_the_note(decoder):
    sounds, uniforms = embeddings(2), draws(2, 1024)
    expected = decoder.start(sounds).run(1024, uniforms)
    note = decoder.start(sounds)
    pieces = []
    for start, stop in [(0, 1), (1, 8), (8, 500), (500, 530), (530, 530), (530, 1024)]:
        pieces.append(note.run(stop - start, uniforms[:, start:stop]))
        assert note.position == stop
    np.testing.assert_array_equal(np.hstack(pieces), expected)


def test_feeding_a_note_is_as_making_it(decoder):
    sounds, uniforms = embeddings(2), draws(2, 1000)
    codes = decoder.start(sounds).run(1000, uniforms)
    note = decoder.start(sounds)
    assert note.feed(codes[:, :301]) is None
    logits = note.feed(codes[:, 301:600], logits=True)
    assert logits.shape == (2, 299, 256)
    np.testing.assert_array_equal(note.run(400, uniforms[:, 600:]), codes[:, 600:])
    whole = decoder.start(sounds).feed(codes, logits=True)
    np.testing.assert_array_equal(logits, whole[:, 301:600])
    np.testing.assert_array_equal(decoder.start(sounds).run(50), decoder.start(sounds).run(50, temperature=0))


def test_without_chance_the_likeliest_code_is_taken(decoder):
    sounds = embeddings(2)
    codes = decoder.start(sounds).run(600)
    logits = decoder.start(sounds).feed(codes, logits=True)
    np.testing.assert_array_equal(logits.argmax(axis=2), codes)


def test_a_note_goes_on_exactly_from_its_last_samples(decoder):
    sounds, uniforms = embeddings(1, frames=13), draws(1, 6600)
    whole = decoder.start(sounds).run(6600, uniforms)
    resumed = decoder.start(sounds, position=6301 - FED)
    resumed.feed(whole[:, 6301 - FED:6301])
    assert resumed.position == 6301
    np.testing.assert_array_equal(resumed.run(299, uniforms[:, 6301:]), whole[:, 6301:])


def test_a_note_that_begins_in_the_middle_has_silence_before(decoder):
    sounds = embeddings(1, frames=4)
    note = decoder.start(sounds, position=1003)
    codes = note.run(300)
    expected = decoder.start(np.roll(sounds, -1, axis=1), position=1003 - 512).run(300)
    np.testing.assert_array_equal(codes, expected)


# Chance


def test_chance_follows_the_rule_of_the_original(decoder):
    sounds, uniforms = embeddings(1, frames=1), draws(1, 512)
    codes = decoder.start(sounds).run(512, uniforms, temperature=0.7)
    logits = decoder.start(sounds).feed(codes, logits=True)[0] / np.float32(0.7)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    expected = [min(np.searchsorted(np.cumsum(p), u), 255) for p, u in zip(odds, uniforms[0], strict=True)]
    assert (codes[0] == expected).mean() > 0.99  # a few lie on a border that rounding moves


@pytest.mark.parametrize(("uniform", "expected"), [(0.0, {0}), (1.0, set(range(250, 256)))])
def test_the_ends_of_chance_are_codes(decoder, uniform, expected):
    codes = decoder.start(embeddings(2)).run(3, np.full((2, 3), uniform))
    assert set(codes.ravel().tolist()) <= expected


@pytest.mark.parametrize("temperature", [1e-30, 1e-60])
def test_a_temperature_near_nothing_takes_the_likeliest_code(decoder, temperature):
    expected = decoder.start(embeddings(1)).run(50)
    codes = decoder.start(embeddings(1)).run(50, draws(1, 50), temperature=temperature)
    np.testing.assert_array_equal(codes, expected)


# What cannot be


def test_a_note_ends_with_its_embedding(decoder):
    note = decoder.start(embeddings(2), position=1020)
    with pytest.raises(EmbeddingError, match="2 frames of the embedding make 1024 samples"):
        note.run(5)
    with pytest.raises(EmbeddingError, match="sample 1025 is not in the note"):
        note.feed(np.zeros((2, 5), np.uint8))
    assert note.run(4).shape == (2, 4)
    for position in (-1, 1025):
        with pytest.raises(EmbeddingError, match=f"sample {position} is not in the note"):
            decoder.start(embeddings(2), position=position)


def test_arguments_are_checked(decoder):
    note = decoder.start(embeddings(2))
    with pytest.raises(MessageError, match="should be 0 or more, not -1"):
        note.run(-1)
    with pytest.raises(MessageError, match=r"\[2, 4\], not \[4, 2\]"):
        note.run(4, np.zeros((4, 2)))
    for wrong in (np.zeros((1, 4), np.uint8), np.zeros(4, np.uint8), np.zeros((2, 4), int)):
        with pytest.raises(MessageError, match=r"codes should be uint8 \[2, samples\]"):
            note.feed(wrong)
    with pytest.raises(EmbeddingError, match="note 1 holds a value in frame 0"):
        decoder.start(np.where(np.arange(64).reshape(2, 2, 16) == 32, np.nan, 0))
    assert note.position == 0


def test_arrays_in_any_order_of_memory_are_read_alike(decoder):
    sounds, uniforms = embeddings(4), draws(4, 60)
    codes = decoder.start(sounds).run(60, uniforms)
    np.testing.assert_array_equal(decoder.start(np.asfortranarray(sounds)).run(60, uniforms.T.copy().T), codes)
    note = decoder.start(sounds.astype(np.float64)[::-1])
    note.feed(codes[::-1, :30])
    np.testing.assert_array_equal(note.run(30, uniforms[::-1, 30:]), codes[::-1, 30:])


def test_no_notes_are_made_of_no_embeddings(decoder):
    assert decoder.start(np.zeros((0, 3, 16))).run(100).shape == (0, 100)


def test_what_is_asked_of_a_decoder_is_checked(weights):
    with pytest.raises(EngineError, match="no precision int4; there are float32, bfloat16, int8"):
        kernel.KernelDecoder(weights, "int4")
    for threads in (0, 257):
        with pytest.raises(EngineError, match=f"from 1 to 256, not {threads}"):
            kernel.KernelDecoder(weights, threads=threads)
    damaged = Weights(weights)
    damaged["res_7/W"] = damaged["res_7/W"][:-1]
    with pytest.raises(EngineError, match=r"res_7/W should have the shape \[32, 32\], not \[31, 32\]"):
        kernel.KernelDecoder(damaged)


def test_too_many_notes_for_the_memory_say_so(decoder, monkeypatch):
    monkeypatch.setattr(kernel, "free_memory", lambda: 3 * decoder.bytes_per_note)
    assert decoder.start(embeddings(1)).run(1).shape == (1, 1)
    with pytest.raises(EngineError, match="100 notes at a time take .* GB of memory and only .* are free"):
        decoder.start(embeddings(100))


@pytest.mark.skipif(not STATM.exists(), reason="only Linux tells and limits a process's memory")
def test_memory_that_the_system_refuses_is_an_error_and_no_crash(decoder, monkeypatch):
    """So much that its largest pieces (a sixth of a thread's half) fit into no memory freed before."""
    import resource

    monkeypatch.setattr(kernel, "free_memory", lambda: 1e12)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    used = int(STATM.read_text().split()[0]) * resource.getpagesize()
    notes = embeddings(4_000_000_000 // decoder.bytes_per_note)
    resource.setrlimit(resource.RLIMIT_AS, (used + 100_000_000, limits[1]))
    try:
        with pytest.raises(EngineError, match="the compiled decoder failed: there is not enough memory"):
            decoder.start(notes)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    assert decoder.start(embeddings(2)).run(3).shape == (2, 3)


def test_the_memory_of_a_note_is_what_it_keeps(weights):
    """Two dilations of every layer's input; the narrower the smaller."""
    wide, narrow = (kernel.KernelDecoder(weights, precision).bytes_per_note for precision in ("float32", "int8"))
    inputs = 3 * 2 * 1023 * 64 * 4  # 32 channels are padded to 64
    assert inputs < wide < 1.5 * inputs
    assert narrow < wide


def test_a_note_does_not_go_on_in_a_forked_process(decoder, monkeypatch):
    note = decoder.start(embeddings(1))
    monkeypatch.setattr(kernel.os, "getpid", lambda: -1)
    with pytest.raises(EngineError, match="forked"):
        note.run(1)


# Ctrl-C, and threads of Python


class Watched:
    """The library, with something that happens after each turn of `run`."""

    def __init__(self, happens):
        self._library = kernel._library()
        self._happens = happens

    def __getattr__(self, name):
        return getattr(self._library, name)

    def pdbridge_decoding_run(self, state, count, *arguments):
        self._library.pdbridge_decoding_run(state, count, *arguments)
        self._happens(count)


def test_ctrl_c_interrupts_between_turns_and_the_note_can_go_on(decoder, monkeypatch):
    uniforms = draws(1, 1024)
    expected = decoder.start(embeddings(1)).run(1024, uniforms)
    note = decoder.start(embeddings(1))
    monkeypatch.setattr(note, "_library", Watched(lambda _: signal.raise_signal(signal.SIGINT)))
    with pytest.raises(KeyboardInterrupt):
        note.run(1024, uniforms)
    monkeypatch.undo()
    assert 0 < note.position < 1024
    rest = note.run(1024 - note.position, uniforms[:, note.position:])
    np.testing.assert_array_equal(rest[0], expected[0, -len(rest[0]):])


def test_turns_are_short_whatever_a_sample_takes(decoder, monkeypatch):
    clock, counts = [0.0], []

    def happens(count):
        counts.append(count)
        clock[0] += count * seconds

    monkeypatch.setattr(kernel.time, "perf_counter", lambda: clock[0])
    note = decoder.start(embeddings(100))
    monkeypatch.setattr(note, "_library", Watched(happens))
    seconds = 0.05
    note.run(20)
    assert counts[0] == 1 and max(counts) <= 2
    counts.clear()
    seconds = 1e-5
    note.run(1000)
    assert len(counts) < 10


def test_notes_are_made_beside_one_another(decoder):
    """By several threads of Python; one note by two threads, too, one after the other."""
    uniforms = draws(1, 1000)
    expected = decoder.start(embeddings(1)).run(1000, uniforms)[0]
    notes = [decoder.start(embeddings(1)) for _ in range(2)]
    shared = decoder.start(embeddings(1))
    made = {}

    def make(name, note, steps):
        made[name] = note.run(steps, uniforms[:, :steps])[0]

    threads = [threading.Thread(target=make, args=(number, note, 1000)) for number, note in enumerate(notes)]
    threads += [threading.Thread(target=make, args=(f"shared {i}", shared, 200)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(made[0], expected)
    np.testing.assert_array_equal(made[1], expected)
    assert shared.position == 400
    assert any(np.array_equal(made[f"shared {i}"], expected[:200]) for i in range(2))


# What there is


def test_a_lower_instruction_set_can_be_asked_for(instruction_set, weights):
    allowed = list(kernel.INSTRUCTION_SETS)[:list(kernel.INSTRUCTION_SETS).index(instruction_set) + 1]
    for precision, made_for in kernel.MADE_FOR.items():
        decoder = kernel.KernelDecoder(weights, precision, threads=1)
        assert decoder.instruction_set in allowed
        assert decoder.description == f"{kernel.INSTRUCTION_SETS[decoder.instruction_set]}, 1 thread"
        if made_for in allowed and made_for in SETS:
            assert decoder.instruction_set == made_for
    assert kernel.usable()[-1] == instruction_set
    assert kernel.available()[0]


@pytest.mark.parametrize(("value", "reason"), [
    ("off", "PDBRIDGE_KERNEL is off"),
    ("sse9", "PDBRIDGE_KERNEL is sse9; it should be one of portable, avx2, .*, off"),
])
def test_the_environment_can_turn_the_kernel_off(weights, monkeypatch, value, reason):
    monkeypatch.setenv(kernel.ENVIRONMENT, value)
    there, why = kernel.available()
    assert not there and re.fullmatch(reason, why)
    assert kernel.usable() == []
    with pytest.raises(EngineError, match=reason):
        kernel.KernelDecoder(weights)
    assert decoding.decoder(weights).engine == "tensorflow"


def test_an_instruction_set_that_is_not_there_is_named(weights, monkeypatch):
    class Old:
        def __getattr__(self, name):
            return getattr(kernel._load(kernel.LIBRARY), name)

        def pdbridge_supported(self, number):
            return number == 0

        def pdbridge_best(self, precision, highest):
            return 0

    monkeypatch.setattr(kernel, "_library", Old)
    assert kernel.usable() == ["portable"]
    assert kernel.instruction_set("int8") == ("portable", "this processor has no AVX-512 VNNI")
    monkeypatch.setenv(kernel.ENVIRONMENT, "avx2")
    assert kernel.available() == (False, "PDBRIDGE_KERNEL is avx2, but this processor has no AVX2")


def test_without_the_library_tensorflow_decodes(weights, monkeypatch, tmp_path):
    monkeypatch.setattr(kernel, "LIBRARY", tmp_path / "kernel_library.so")
    there, why = kernel.available()
    assert not there and "C++ compiler" in why
    assert decoding.decoder(weights).engine == "tensorflow"
    with pytest.raises(EngineError, match="it is not built"):
        decoding.decoder(weights, engine="kernel")
    with pytest.raises(EngineError, match="it is not built"):
        kernel.KernelDecoder(weights)


def test_a_library_that_does_not_load_is_named(monkeypatch, tmp_path):
    broken = tmp_path / "kernel_library.so"
    broken.write_bytes(b"no library")
    monkeypatch.setattr(kernel, "LIBRARY", broken)
    there, why = kernel.available()
    assert not there and str(broken) in why and "install pdbridge again" in why


def test_a_library_of_another_version_is_not_used(monkeypatch):
    monkeypatch.setattr(kernel, "INTERFACE", kernel.INTERFACE + 1)
    monkeypatch.setattr(kernel, "_load", kernel._load.__wrapped__)
    assert kernel.available() == (False, "it was built for another version of pdbridge; install pdbridge again")


def test_with_the_library_and_no_gpu_the_kernel_decodes(weights):
    decoder = decoding.decoder(weights, "int8")
    assert decoder.engine == "kernel" and decoder.precision == "int8"


def test_the_interface_is_numbered_alike_on_both_sides():
    header = (Path(kernel.__file__).parent / "kernel_source" / "kernel.h").read_text()
    assert f"#define PDBRIDGE_KERNEL_INTERFACE {kernel.INTERFACE}\n" in header
    names = [name.lower() for name in re.findall(r"^    PDBRIDGE_(\w+),$", header, re.M)]
    assert names == list(kernel.INSTRUCTION_SETS)


def test_code_for_one_processor_shares_no_functions_with_the_rest():
    """An inline function of a standard header, compiled for AVX-512, could be the one copy that the
    linker keeps, and an older processor would stop at it."""
    source = Path(kernel.__file__).parent / "kernel_source"
    special = [*source.glob("avx*"), source / "arithmetic.h", source / "stages.h", source / "precisions.h"]
    assert len(special) >= 8
    for file in special:
        included = set(re.findall(r"#include <(.+)>", file.read_text()))
        assert included <= {"immintrin.h", "stdint.h", "string.h"}, file.name
