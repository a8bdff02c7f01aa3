// The stages of the decoder, written once for vectors of any width.
//
// A file that includes this has defined, in an anonymous namespace, `Lanes` (a vector of floats) and
// the functions on it that are used here. All of it stays inside that file, see arithmetic.h.

#ifndef PDBRIDGE_STAGES_H
#define PDBRIDGE_STAGES_H

#include <string.h>

#include "arithmetic.h"
#include "kernel.h"

#if defined(__GNUC__)
#define PDBRIDGE_ALWAYS_INLINE __attribute__((always_inline))
#define PDBRIDGE_NEVER_INLINE __attribute__((noinline))
#define PDBRIDGE_FETCH(address) __builtin_prefetch(address, 0, 2)  // into the second cache
#else
#define PDBRIDGE_ALWAYS_INLINE
#define PDBRIDGE_FETCH(address) (void)(address)
#define PDBRIDGE_NEVER_INLINE
#endif
#define PDBRIDGE_INLINE inline PDBRIDGE_ALWAYS_INLINE

namespace pdbridge {
namespace {

volatile float exercised = 1.0f;  // for all the compiler knows, it may change


// Calls work(0) to work(count - 1), written out one after the other: numbers in an array with such
// places can live in registers. (A pragma to unroll a loop comes too late for that in GCC.)
template <int count, class Work>
PDBRIDGE_INLINE void each(const Work& work) {
    if constexpr (count > 0) {
        each<count - 1>(work);
        work(count - 1);
    }
}

// e^x for |x| <= 87, within 1e-7 of its value (the polynomial is that of the Cephes library).
// Adding 1.5 * 2^23 rounds to a whole number, which then stands in the lowest bits.
PDBRIDGE_INLINE Lanes exponential(Lanes x) {
    const Lanes rounding = all(12582912.0f);
    const Lanes rounded = multiply_add(x, all(1.44269504f), rounding);
    const Lanes whole = rounded - rounding;
    Lanes r = multiply_add(whole, all(-0.693359375f), x);
    r = multiply_add(whole, all(2.12194440e-4f), r);
    Lanes p = all(1.9875691500e-4f);
    p = multiply_add(p, r, all(1.3981999507e-3f));
    p = multiply_add(p, r, all(8.3334519073e-3f));
    p = multiply_add(p, r, all(4.1665795894e-2f));
    p = multiply_add(p, r, all(1.6666665459e-1f));
    p = multiply_add(p, r, all(5.0000001201e-1f));
    p = multiply_add(p * r, r, r + all(1.0f));
    return times_power_of_two(p, rounded);
}

// sigmoid(gate) * tanh(value), with one division. Beyond 30 nothing changes in float32.
PDBRIDGE_INLINE Lanes gated(Lanes gate, Lanes value) {
    const Lanes g = exponential(within(all(0.0f) - gate, 30.0f));
    const Lanes v = exponential(within(value + value, 30.0f));
    const Lanes one = all(1.0f);
    return (v - one) / ((one + g) * (one + v));
}

constexpr int CACHE_LINE = 64;  // bytes

// Weights are read from memory while the ones before them are multiplied: each of the row blocks of
// a panel fetches its share of the next panel, a little with every step along the depth.
struct Ahead {
    const char* from;
    int stride;  // bytes
};

PDBRIDGE_INLINE void fetch(Ahead& ahead) {
    PDBRIDGE_FETCH(ahead.from);
    if (ahead.stride > CACHE_LINE) PDBRIDGE_FETCH(ahead.from + CACHE_LINE);
    ahead.from += ahead.stride;
}

// sum += whole numbers * scale of the column * scale of the row
template <int rows, int vectors, class Whole>
PDBRIDGE_INLINE void add_scaled(Lanes (&sum)[rows][vectors], const Whole* whole, const Panel& panel,
                                int segment, const void* const* inputs, int activation_bytes) {
    const float* scales = panel.scales + segment * vectors * Lanes::width;
    each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE {
        float scale;
        memcpy(&scale, (const char*)inputs[row] + panel.depth * activation_bytes, sizeof scale);
        each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE {
            sum[row][v] = multiply_add(to_floats(whole[row * vectors + v]),
                                       load(scales + v * Lanes::width) * all(scale), sum[row][v]);
        });
    });
}

// A = how one precision multiplies: `vectors` of Lanes across a panel, at most `most_rows` rows.
template <class A>
struct Stages {
    static constexpr int vectors = A::vectors;
    static constexpr int width = Lanes::width;

    template <int rows>
    static PDBRIDGE_INLINE void product(Lanes (&sum)[rows][vectors], const Panel& panel,
                                        const Rows& r, int first, Ahead ahead) {
        each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE {
            each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE {
                const int column = panel.column + v * width;
                Lanes start = r.bias ? load(r.bias + column) : all(0.0f);
                if (r.base) start = start + load(r.base[first + row] + column);
                sum[row][v] = start;
            });
        });
        for (int segment = 0; segment < panel.segments; segment++) {
            A::template add<rows>(sum, panel, segment, r.inputs + segment * r.stride + first, ahead);
            ahead.from += panel.depth / A::group * ahead.stride;
        }
    }

    template <int rows>
    static void linear_block(const Panel& panel, const Rows& r, int first, Ahead ahead) {
        Lanes sum[rows][vectors];
        product<rows>(sum, panel, r, first, ahead);
        each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE {
            each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE {
                const int column = panel.column + v * width;
                if (r.sums) save(sum[row][v], r.sums[first + row] + column);
                if (r.activations) {
                    const Lanes x = r.rectify ? larger(sum[row][v], all(0.0f)) : sum[row][v];
                    A::put(x, r.activations[first + row], column);
                }
            });
        });
    }

    template <int rows>
    static void gates_block(const Panel& panel, const Rows& r, int first, Ahead ahead) {
        Lanes sum[rows][vectors];
        product<rows>(sum, panel, r, first, ahead);
        each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE {
            each<vectors / 2>([&](int v) PDBRIDGE_ALWAYS_INLINE {
                const int column = panel.column / 2 + v * width;
                const Lanes x = gated(sum[row][v], sum[row][v + vectors / 2]);
                if (r.sums) save(x, r.sums[first + row] + column);
                if (r.activations) A::put(x, r.activations[first + row], column);
            });
        });
    }

    // Rows in blocks: the first as large as can be, since it may have to wait for weights from memory
    // and should have enough to multiply meanwhile; the others of nearly the same size.
    template <class Block>
    static PDBRIDGE_INLINE void in_blocks(const Panel& panel, const Rows& r, const Block& block) {
        const int count = r.last - r.first;
        const int head = count < A::most_rows ? count : A::most_rows;
        const int others = (count - head + A::most_rows - 1) / A::most_rows;
        const int steps = panel.segments * panel.depth / A::group;
        const int stride = A::step_bytes / (1 + others);
        for (int i = 0; i <= others; i++) {
            const int from = i ? head + (count - head) * (i - 1) / others : 0;
            const int to = i ? head + (count - head) * i / others : head;
            block(r.first + from, to - from,
                  Ahead{(const char*)panel.next + (int64_t)i * steps * stride, stride});
        }
    }

    static void linear(const Panel& panel, const Rows& r) {
        in_blocks(panel, r, [&](int first, int rows, Ahead ahead) {
            switch (rows) {
                case 1: return linear_block<1>(panel, r, first, ahead);
                case 2: return linear_block<2>(panel, r, first, ahead);
                case 3: return linear_block<3>(panel, r, first, ahead);
                case 4: return linear_block<4>(panel, r, first, ahead);
                case 5: return linear_block<5>(panel, r, first, ahead);
                default: return linear_block<A::most_rows>(panel, r, first, ahead);
            }
        });
    }

    static void gates(const Panel& panel, const Rows& r) {
        in_blocks(panel, r, [&](int first, int rows, Ahead ahead) {
            switch (rows) {
                case 1: return gates_block<1>(panel, r, first, ahead);
                case 2: return gates_block<2>(panel, r, first, ahead);
                case 3: return gates_block<3>(panel, r, first, ahead);
                case 4: return gates_block<4>(panel, r, first, ahead);
                case 5: return gates_block<5>(panel, r, first, ahead);
                default: return gates_block<A::most_rows>(panel, r, first, ahead);
            }
        });
    }

    static void store(const float* values, void* activations, int channels) {
        for (int c = 0; c < channels; c += width) A::put(load(values + c), activations, c);
    }

    // int8: as whole numbers -127..127, and what one of them is worth
    static void store_scaled(const float* values, void* activations, int channels) {
        Lanes largest = all(0.0f);
        for (int c = 0; c < channels; c += width)
            largest = larger(largest, larger(load(values + c), all(0.0f) - load(values + c)));
        const float peak = largest_of(largest);
        const float scale = peak > 1e-30f ? peak / 127.0f : 0.0f;
        const Lanes per_unit = all(scale > 0.0f ? 1.0f / scale : 0.0f);
        for (int c = 0; c < channels; c += width)
            A::put(load(values + c) * per_unit, activations, c);
        memcpy((char*)activations + channels * A::activation_bytes, &scale, sizeof scale);
    }

    static void exponentials(const float* values, float largest, float* results, int count) {
        for (int i = 0; i < count; i += width)
            save(exponential(larger(load(values + i) - all(largest), all(-87.0f))), results + i);
    }

    static constexpr Arithmetic table(int precision) {
        return {precision,    vectors * width, A::group,
                A::activation_bytes, A::activation_zero, A::most_rows,
                A::scaled,    linear,          gates,
                A::scaled ? store_scaled : store, exponentials, A::exercise};
    }
};

// Keeps the processor adding products in registers: `step` adds to one sum, which depends on the last
// time, so that twelve are needed to hide how long an addition takes. Returns the number of steps.
template <class Start, class Step, class Finish>
PDBRIDGE_INLINE double exercise_sums(int rounds, const Start& start, const Step& step,
                                     const Finish& finish) {
    constexpr int count = 12;
    decltype(start(1.0f)) sum[count];
    each<count>([&](int i) PDBRIDGE_ALWAYS_INLINE { sum[i] = start(exercised); });
    for (int round = 0; round < rounds; round++) {
        each<count>([&](int i) PDBRIDGE_ALWAYS_INLINE { sum[i] = step(sum[i]); });
    }
    volatile float result = 0.0f;  // so that no compiler leaves the exercise out
    each<count>([&](int i) PDBRIDGE_ALWAYS_INLINE { result = finish(sum[i]); });
    (void)result;
    return (double)count * rounds;
}

// What the three precisions have in common, written with float vectors.
template <int group_, int weight_bytes, int activation_bytes_, bool scaled_>
struct Multiplying {
    static constexpr int vectors = VECTORS_OF_A_PANEL, most_rows = MOST_ROWS, group = group_;
    static constexpr int columns = vectors * Lanes::width;
    static constexpr int step_bytes = columns * group * weight_bytes;  // of weights, for one addition
    static constexpr int activation_bytes = activation_bytes_, activation_zero = 0;
    static constexpr bool scaled = scaled_;

    static PDBRIDGE_INLINE const void* segment_of(const Panel& panel, int segment) {
        return (const char*)panel.weights + (int64_t)segment * panel.depth / group * step_bytes;
    }
};

}  // namespace
}  // namespace pdbridge
#endif
