// The compiled decoder of NSynth's WaveNet: what Python sees of it (../kernel.py, through ctypes).
//
// Plain C: no Python.h, no exception crosses this border. Functions that can fail take a buffer for
// one line of words; they return NULL or a number other than 0 then.

#ifndef PDBRIDGE_KERNEL_H
#define PDBRIDGE_KERNEL_H

#include <stdint.h>

#if defined(_WIN32)
#define PDBRIDGE_EXPORT __declspec(dllexport)
#else
#define PDBRIDGE_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

// Raised with every change of this file; kernel.py refuses a library of another number.
#define PDBRIDGE_KERNEL_INTERFACE 1

// Instruction sets, each needing those before it (the last two both need AVX-512).
enum {
    PDBRIDGE_PORTABLE,
    PDBRIDGE_AVX2,
    PDBRIDGE_AVX512,
    PDBRIDGE_AVX512_BF16,
    PDBRIDGE_AVX512_VNNI,
    PDBRIDGE_INSTRUCTION_SETS
};

enum { PDBRIDGE_FLOAT32, PDBRIDGE_BFLOAT16, PDBRIDGE_INT8, PDBRIDGE_PRECISIONS };

// Sizes of a checkpoint's decoder.
typedef struct {
    int32_t width;     // channels of the layers (512 in the published model)
    int32_t skip;      // channels of the skip connections (256)
    int32_t layers;    // dilated layers (30)
    int32_t stages;    // layers until the dilation starts again at 1 (10)
    int32_t channels;  // numbers in a frame of the embedding (16)
    int32_t hop;       // samples of a frame (512)
} pdbridge_sizes;

typedef struct pdbridge_network pdbridge_network;    // packed weights
typedef struct pdbridge_decoding pdbridge_decoding;  // notes being decoded

PDBRIDGE_EXPORT int pdbridge_kernel_interface(void);

// Whether an instruction set was compiled in, and whether this processor and system have it.
PDBRIDGE_EXPORT int pdbridge_compiled(int instruction_set);
PDBRIDGE_EXPORT int pdbridge_supported(int instruction_set);

// The best instruction set for a precision that is compiled in, supported and not above `highest`.
PDBRIDGE_EXPORT int pdbridge_best(int precision, int highest);

// Packs the weights. `tensors` are float32, in this order, kernels [taps][in][out] before biases:
// startconv, skip_start, then for every layer dilatedconv, cond_map, res, skip, then out1,
// cond_map_out1, logits. They are copied.
PDBRIDGE_EXPORT pdbridge_network* pdbridge_network_new(
    const pdbridge_sizes* sizes, const float* const* tensors, int precision, int instruction_set,
    char* error, int error_size);
PDBRIDGE_EXPORT void pdbridge_network_free(pdbridge_network* network);

// Bytes that the notes of a batch need while they are being decoded.
PDBRIDGE_EXPORT int64_t pdbridge_state_bytes(const pdbridge_network* network, int batch,
                                             int threads);

// Notes to decode, at sample `position`, with nothing before it. The embeddings, float32
// [batch][frames][channels], are copied; the network must live longer.
PDBRIDGE_EXPORT pdbridge_decoding* pdbridge_decoding_new(
    const pdbridge_network* network, const float* embeddings, int batch, int64_t frames,
    int64_t position, int threads, char* error, int error_size);
PDBRIDGE_EXPORT void pdbridge_decoding_free(pdbridge_decoding* decoding);

// The sample that comes next.
PDBRIDGE_EXPORT int64_t pdbridge_decoding_position(const pdbridge_decoding* decoding);

// The next codes, uint8 [batch][code_stride]. `uniforms`, float64 [batch][uniform_stride], may be
// NULL: the likeliest code then. Logits are divided by `temperature`.
PDBRIDGE_EXPORT int pdbridge_decoding_run(
    pdbridge_decoding* decoding, int steps, const double* uniforms, int64_t uniform_stride,
    float temperature, uint8_t* codes, int64_t code_stride, char* error, int error_size);

// Makes given codes the past. `logits`, float32 [batch][logit_stride][256], may be NULL; else they
// are those that the network had before it was told each code.
PDBRIDGE_EXPORT int pdbridge_decoding_feed(
    pdbridge_decoding* decoding, int steps, const uint8_t* codes, int64_t code_stride,
    float* logits, int64_t logit_stride, char* error, int error_size);

// For benchmarks. Multiply-adds a second with all operands in registers; bytes a second read from
// a block of memory.
PDBRIDGE_EXPORT double pdbridge_measure_arithmetic(int precision, int instruction_set, int threads,
                                                   double seconds);
PDBRIDGE_EXPORT double pdbridge_measure_reading(int64_t bytes, int threads, double seconds);

#ifdef __cplusplus
}
#endif
#endif
