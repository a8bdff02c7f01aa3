// Vectors of 16 floats. The files that include this are compiled for AVX-512 (F, BW, DQ, VL).

#ifndef PDBRIDGE_AVX512_LANES_H
#define PDBRIDGE_AVX512_LANES_H

#include <immintrin.h>
#include <stdint.h>

namespace pdbridge {
namespace {

#define PDBRIDGE_LANES static inline __attribute__((always_inline))

constexpr int VECTORS_OF_A_PANEL = 4;  // 6 rows x 4 vectors of sums, 4 of weights: 28 of 32 registers
constexpr int MOST_ROWS = 6;

struct Lanes {
    static constexpr int width = 16;
    __m512 v;
};

PDBRIDGE_LANES Lanes all(float x) { return {_mm512_set1_ps(x)}; }
PDBRIDGE_LANES Lanes load(const float* p) { return {_mm512_loadu_ps(p)}; }
PDBRIDGE_LANES void save(Lanes x, float* p) { _mm512_storeu_ps(p, x.v); }
PDBRIDGE_LANES Lanes operator+(Lanes a, Lanes b) { return {_mm512_add_ps(a.v, b.v)}; }
PDBRIDGE_LANES Lanes operator-(Lanes a, Lanes b) { return {_mm512_sub_ps(a.v, b.v)}; }
PDBRIDGE_LANES Lanes operator*(Lanes a, Lanes b) { return {_mm512_mul_ps(a.v, b.v)}; }
PDBRIDGE_LANES Lanes operator/(Lanes a, Lanes b) { return {_mm512_div_ps(a.v, b.v)}; }
PDBRIDGE_LANES Lanes larger(Lanes a, Lanes b) { return {_mm512_max_ps(a.v, b.v)}; }
PDBRIDGE_LANES float largest_of(Lanes x) { return _mm512_reduce_max_ps(x.v); }

PDBRIDGE_LANES Lanes multiply_add(Lanes a, Lanes b, Lanes c) {
    return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}

PDBRIDGE_LANES Lanes within(Lanes x, float limit) {
    return {_mm512_max_ps(_mm512_min_ps(x.v, _mm512_set1_ps(limit)), _mm512_set1_ps(-limit))};
}

// x * 2^n, where n stands in the lowest bits of `rounded`
PDBRIDGE_LANES Lanes times_power_of_two(Lanes x, Lanes rounded) {
    const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(rounded.v), 23);
    return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(x.v), exponent))};
}

struct WholeLanes {
    __m512i v;
};

PDBRIDGE_LANES WholeLanes zeros() { return {_mm512_setzero_si512()}; }
PDBRIDGE_LANES Lanes to_floats(WholeLanes x) { return {_mm512_cvtepi32_ps(x.v)}; }

}  // namespace
}  // namespace pdbridge
#endif
