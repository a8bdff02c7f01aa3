// AVX-512 with its product of four int8 at once.

#include "avx512_lanes.h"
#include "stages.h"

namespace pdbridge {
namespace {

// int8 weights [depth / 4][columns][4]; activations 1..255 that mean -127..127, since the
// instruction multiplies unsigned by signed. What that adds to the sums is in `offsets`.
struct Int8 : Multiplying<4, 1, true> {
    static constexpr int activation_zero = 128;

    template <int rows>
    static PDBRIDGE_INLINE void add(Lanes (&sum)[rows][vectors], const Panel& panel, int segment,
                                    const void* const* inputs) {
        const int8_t* w = (const int8_t*)segment_of(panel, segment, 1);
        const int32_t* offsets = panel.offsets + segment * columns;
        const uint8_t* x[rows];
        WholeLanes whole[rows][vectors];
        PDBRIDGE_UNROLL
        for (int row = 0; row < rows; row++) {
            x[row] = (const uint8_t*)inputs[row];
            PDBRIDGE_UNROLL
            for (int v = 0; v < vectors; v++)
                whole[row][v].v = _mm512_loadu_si512(offsets + v * Lanes::width);
        }
        for (int k = 0; k < panel.depth; k += 4, w += 4 * columns) {
            __m512i weight[vectors];
            PDBRIDGE_UNROLL
            for (int v = 0; v < vectors; v++) weight[v] = _mm512_loadu_si512(w + v * 4 * Lanes::width);
            PDBRIDGE_UNROLL
            for (int row = 0; row < rows; row++) {
                int four;
                memcpy(&four, x[row] + k, sizeof four);
                const __m512i value = _mm512_set1_epi32(four);
                PDBRIDGE_UNROLL
                for (int v = 0; v < vectors; v++)
                    whole[row][v].v = _mm512_dpbusd_epi32(whole[row][v].v, value, weight[v]);
            }
        }
        add_scaled<rows>(sum, whole, panel, segment, inputs, activation_bytes);
    }

    static PDBRIDGE_INLINE void put(Lanes x, void* activations, int channel) {
        const __m512i unsigned_ = _mm512_add_epi32(_mm512_cvtps_epi32(x.v), _mm512_set1_epi32(128));
        _mm_storeu_si128((__m128i*)((uint8_t*)activations + channel), _mm512_cvtepi32_epi8(unsigned_));
    }

    static double exercise(int rounds) {
        const __m512i a = _mm512_set1_epi8(1);
        const auto start = [](float x) { return WholeLanes{_mm512_set1_epi32((int)x)}; };
        return 4 * Lanes::width * exercise_sums(rounds, start, [&](WholeLanes sum) {
            return WholeLanes{_mm512_dpbusd_epi32(sum.v, a, a)};
        });
    }
};

}  // namespace

const Arithmetic* avx512_vnni(int precision) {
    static const Arithmetic table = Stages<Int8>::table(PDBRIDGE_INT8);
    return precision == PDBRIDGE_INT8 ? &table : nullptr;
}

}  // namespace pdbridge
