// Products in the three precisions with nothing but float32 and int32 arithmetic.
//
// Beside what stages.h needs, a file that includes this has defined `load_bfloat16_pairs`,
// `rounded_to_bfloat16`, `PairLanes`, `load_pairs`, `all_pairs`, `add_products` and `save_whole`.

#ifndef PDBRIDGE_PRECISIONS_H
#define PDBRIDGE_PRECISIONS_H

#include "stages.h"

namespace pdbridge {
namespace {

// float32 weights [depth][columns], float32 activations.
struct Float32 : Multiplying<1, 4, 4, false> {
    template <int rows>
    static PDBRIDGE_INLINE void add(Lanes (&sum)[rows][vectors], const Panel& panel, int segment,
                                    const void* const* inputs, Ahead ahead) {
        const float* w = (const float*)segment_of(panel, segment);
        const float* x[rows];
        each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE { x[row] = (const float*)inputs[row]; });
        for (int k = 0; k < panel.depth; k++, w += columns) {
            fetch(ahead);
            Lanes weight[vectors];
            each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE { weight[v] = load(w + v * Lanes::width); });
            each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE {
                const Lanes value = all(x[row][k]);
                each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE {
                    sum[row][v] = multiply_add(value, weight[v], sum[row][v]);
                });
            });
        }
    }

    static PDBRIDGE_INLINE void put(Lanes x, void* activations, int channel) {
        save(x, (float*)activations + channel);
    }

    static double exercise(int rounds) {
        const Lanes a = all(0.999f), b = all(1e-3f);
        const auto step = [&](Lanes sum) { return multiply_add(sum, a, b); };
        return Lanes::width * exercise_sums(rounds, all, step, largest_of);
    }
};

// bfloat16 weights [depth / 2][columns][2]; the activations are floats that bfloat16 can hold. For
// processors that cannot multiply bfloat16: half the memory to read, the same arithmetic.
struct WidenedBfloat16 : Multiplying<2, 2, 4, false> {
    template <int rows>
    static PDBRIDGE_INLINE void add(Lanes (&sum)[rows][vectors], const Panel& panel, int segment,
                                    const void* const* inputs, Ahead ahead) {
        const uint16_t* w = (const uint16_t*)segment_of(panel, segment);
        const float* x[rows];
        each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE { x[row] = (const float*)inputs[row]; });
        for (int k = 0; k < panel.depth; k += 2, w += 2 * columns) {
            fetch(ahead);
            each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE {
                Lanes even, odd;
                load_bfloat16_pairs(w + v * 2 * Lanes::width, even, odd);
                each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE {
                    sum[row][v] = multiply_add(all(x[row][k]), even, sum[row][v]);
                    sum[row][v] = multiply_add(all(x[row][k + 1]), odd, sum[row][v]);
                });
            });
        }
    }

    static PDBRIDGE_INLINE void put(Lanes x, void* activations, int channel) {
        save(rounded_to_bfloat16(x), (float*)activations + channel);
    }

    static double exercise(int rounds) { return Float32::exercise(rounds); }
};

// int8 weights [depth / 2][columns][2], activations -127..127 as int16: products of pairs fit into
// 32 bits, whereas the 8-bit instruction of AVX2 would clip them.
struct WidenedInt8 : Multiplying<2, 1, 2, true> {
    template <int rows>
    static PDBRIDGE_INLINE void add(Lanes (&sum)[rows][vectors], const Panel& panel, int segment,
                                    const void* const* inputs, Ahead ahead) {
        WholeLanes whole[rows * vectors];
        multiply<rows>(panel, segment, inputs, whole, ahead);
        add_scaled<rows>(sum, whole, panel, segment, inputs, activation_bytes);
    }

    // Apart from `add`, so that the float sums do not take its registers.
    template <int rows>
    static PDBRIDGE_NEVER_INLINE void multiply(const Panel& panel, int segment,
                                               const void* const* inputs, WholeLanes* whole,
                                               Ahead ahead) {
        const int8_t* w = (const int8_t*)segment_of(panel, segment);
        const int16_t* x[rows];
        WholeLanes sum[rows][vectors];
        each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE {
            x[row] = (const int16_t*)inputs[row];
            each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE { sum[row][v] = zeros(); });
        });
        for (int k = 0; k < panel.depth; k += 2, w += 2 * columns) {
            fetch(ahead);
            PairLanes weight[vectors];
            each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE {
                weight[v] = load_pairs(w + v * 2 * Lanes::width);
            });
            each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE {
                const PairLanes pair = all_pairs(x[row] + k);
                each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE {
                    sum[row][v] = add_products(sum[row][v], pair, weight[v]);
                });
            });
        }
        each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE {
            each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE { whole[row * vectors + v] = sum[row][v]; });
        });
    }

    static PDBRIDGE_INLINE void put(Lanes x, void* activations, int channel) {
        save_whole(x, (int16_t*)activations + channel);
    }

    static constexpr double (*exercise)(int) = nullptr;  // it has no instruction of its own
};

const Arithmetic* table_of(int precision) {
    static const Arithmetic tables[PDBRIDGE_PRECISIONS] = {
        Stages<Float32>::table(PDBRIDGE_FLOAT32),
        Stages<WidenedBfloat16>::table(PDBRIDGE_BFLOAT16),
        Stages<WidenedInt8>::table(PDBRIDGE_INT8),
    };
    return &tables[precision];
}

}  // namespace
}  // namespace pdbridge
#endif
