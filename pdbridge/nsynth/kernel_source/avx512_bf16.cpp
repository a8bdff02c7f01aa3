// AVX-512 with its product of bfloat16 pairs.

#include "avx512_lanes.h"
#include "stages.h"

namespace pdbridge {
namespace {

// bfloat16 weights [depth / 2][columns][2], bfloat16 activations.
struct Bfloat16 : Multiplying<2, 2, 2, false> {
    template <int rows>
    static PDBRIDGE_INLINE void add(Lanes (&sum)[rows][vectors], const Panel& panel, int segment,
                                    const void* const* inputs, Ahead ahead) {
        const uint16_t* w = (const uint16_t*)segment_of(panel, segment);
        const uint16_t* x[rows];
        each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE { x[row] = (const uint16_t*)inputs[row]; });
        for (int k = 0; k < panel.depth; k += 2, w += 2 * columns) {
            fetch(ahead);
            __m512bh weight[vectors];
            each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE {
                weight[v] = (__m512bh)_mm512_loadu_si512(w + v * 2 * Lanes::width);
            });
            each<rows>([&](int row) PDBRIDGE_ALWAYS_INLINE {
                int pair;
                memcpy(&pair, x[row] + k, sizeof pair);
                const __m512bh value = (__m512bh)_mm512_set1_epi32(pair);
                each<vectors>([&](int v) PDBRIDGE_ALWAYS_INLINE {
                    sum[row][v].v = _mm512_dpbf16_ps(sum[row][v].v, value, weight[v]);
                });
            });
        }
    }

    static PDBRIDGE_INLINE void put(Lanes x, void* activations, int channel) {
        _mm256_storeu_si256((__m256i*)((uint16_t*)activations + channel),
                            (__m256i)_mm512_cvtneps_pbh(x.v));
    }

    static double exercise(int rounds) {
        const __m512bh a = (__m512bh)_mm512_set1_epi16(0x3f80);  // 1
        const auto step = [&](Lanes sum) { return Lanes{_mm512_dpbf16_ps(sum.v, a, a)}; };
        return 2 * Lanes::width * exercise_sums(rounds, all, step, largest_of);
    }
};

}  // namespace

const Arithmetic* avx512_bf16(int precision) {
    static const Arithmetic table = Stages<Bfloat16>::table(PDBRIDGE_BFLOAT16);
    return precision == PDBRIDGE_BFLOAT16 ? &table : nullptr;
}

}  // namespace pdbridge
