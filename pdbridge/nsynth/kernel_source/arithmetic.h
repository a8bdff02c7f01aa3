// What the decoder asks of a processor: a table of functions for each instruction set and precision.
//
// Everything here is plain data. The files that fill the tables are each compiled for their own
// instructions, so they must share no inline function with the rest of the library: the linker would
// keep one copy of it, maybe one that an older processor cannot run.

#ifndef PDBRIDGE_ARITHMETIC_H
#define PDBRIDGE_ARITHMETIC_H

#include <stdint.h>

namespace pdbridge {

// A panel: some neighbouring columns of a matrix of weights, packed in the order they are read.
// The inputs of a product are `segments` rows of `depth` channels one after the other, e.g. the
// three taps of a convolution.
struct Panel {
    const void* weights;     // [segments][depth / group][columns][group]
    const float* scales;     // [segments][columns], int8 only: what a whole number is worth
    const int32_t* offsets;  // [segments][columns], int8 only: what its sums begin with
    int segments;
    int depth;
    int column;        // the panel's first column
    const void* next;  // what will be read after these weights
};

// The rows of a product: one for every note and step that are computed together.
struct Rows {
    const void* const* inputs;  // [segments][stride]: activations [depth]
    int stride;
    int first, last;            // the rows to do
    const float* const* base;   // [rows]: what is added to the product, [columns of the matrix]
    const float* bias;          // [columns of the matrix], added as well
    float* const* sums;         // [rows]: where results go, unless NULL
    void* const* activations;   // [rows]: where they go as activations, unless NULL
    bool rectify;               // activations are max(0, result)
};

// Activations of int8 carry their scale, a float, behind the last channel of the row.
struct Arithmetic {
    int precision;         // PDBRIDGE_FLOAT32...
    int columns;           // of a panel
    int group;             // inputs that one instruction adds up
    int activation_bytes;  // of one channel
    int activation_zero;   // int8: how 0 is stored
    int rows;              // computed together at most
    bool scaled;           // int8

    // results = base + bias + inputs * weights
    void (*linear)(const Panel& panel, const Rows& rows);
    // The first half of the panel's columns are gates, the second half what goes through them:
    // results = sigmoid(first) * tanh(second), at half the panel's column. Scaled activations are
    // left to `store`.
    void (*gates)(const Panel& panel, const Rows& rows);
    // A row of activations from floats. `channels` is a multiple of 64.
    void (*store)(const float* values, void* activations, int channels);
    // exp(value - largest), and whoever divides by their sum has a softmax.
    void (*exponentials)(const float* values, float largest, float* results, int count);
    // Multiply-adds in registers, for measuring; returns how many were done. May be NULL.
    double (*exercise)(int rounds);
};

// NULL where the compiler or the processor's family does not know the instructions.
const Arithmetic* portable(int precision);
const Arithmetic* avx2(int precision);
const Arithmetic* avx512(int precision);
const Arithmetic* avx512_bf16(int precision);
const Arithmetic* avx512_vnni(int precision);

}  // namespace pdbridge
#endif
