// AVX-512 with its product of four int8 at once.

#include "avx512_lanes.h"
#include "stages.h"

namespace pdbridge {
namespace {

// int8 weights [depth / 4][columns][4]; activations 1..255 that mean -127..127, since the
// instruction multiplies unsigned by signed. What that adds to the sums is in `offsets`.
struct Int8 : Multiplying<4, 1, 1, true> {
    static constexpr int activation_zero = 128;

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
        const int32_t* offsets = panel.offsets + segment * columns;
        const uint8_t* x[rows];
        __m512i sum[rows][vectors];
        each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE {
            x[row] = (const uint8_t*)inputs[row];
            each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE {
                sum[row][v] = _mm512_loadu_si512(offsets + v * Lanes::width);
            });
        });
        for (int k = 0; k < panel.depth; k += 4, w += 4 * columns) {
            fetch(ahead);
            __m512i weight[vectors];
            each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE {
                weight[v] = _mm512_loadu_si512(w + v * 4 * Lanes::width);
            });
            each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE {
                int four;
                memcpy(&four, x[row] + k, sizeof four);
                const __m512i value = _mm512_set1_epi32(four);
                each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE {
                    sum[row][v] = _mm512_dpbusd_epi32(sum[row][v], value, weight[v]);
                });
            });
        }
        each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE {
            each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE { whole[row * vectors + v].v = sum[row][v]; });
        });
    }

    static PDBRIDGE_INLINE void put(Lanes x, void* activations, int channel) {
        const __m512i unsigned_ = _mm512_add_epi32(_mm512_cvtps_epi32(x.v), _mm512_set1_epi32(128));
        _mm_storeu_si128((__m128i*)((uint8_t*)activations + channel), _mm512_cvtepi32_epi8(unsigned_));
    }

    static double exercise(int rounds) {
        const __m512i a = _mm512_set1_epi8(1);
        const auto start = [](float x) { return WholeLanes{_mm512_set1_epi32((int)x)}; };
        const auto step = [&](WholeLanes sum) { return WholeLanes{_mm512_dpbusd_epi32(sum.v, a, a)}; };
        const auto finish = [](WholeLanes sum) { return largest_of(to_floats(sum)); };
        return 4 * Lanes::width * exercise_sums(rounds, start, step, finish);
    }
};

}  // namespace

const Arithmetic* avx512_vnni(int precision) {
    static const Arithmetic table = Stages<Int8>::table(PDBRIDGE_INT8);
    return precision == PDBRIDGE_INT8 ? &table : nullptr;
}

}  // namespace pdbridge
