// AVX2 with FMA: vectors of 8 floats.

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

namespace pdbridge {
namespace {

#define PDBRIDGE_LANES static inline __attribute__((always_inline))

constexpr int VECTORS_OF_A_PANEL = 2;  // 6 rows x 2 vectors of sums, 2 of weights: 15 of 16 registers
constexpr int MOST_ROWS = 6;

struct Lanes {
    static constexpr int width = 8;
    __m256 v;
};

PDBRIDGE_LANES Lanes all(float x) { return {_mm256_set1_ps(x)}; }
PDBRIDGE_LANES Lanes load(const float* p) { return {_mm256_loadu_ps(p)}; }
PDBRIDGE_LANES void save(Lanes x, float* p) { _mm256_storeu_ps(p, x.v); }
PDBRIDGE_LANES Lanes operator+(Lanes a, Lanes b) { return {_mm256_add_ps(a.v, b.v)}; }
PDBRIDGE_LANES Lanes operator-(Lanes a, Lanes b) { return {_mm256_sub_ps(a.v, b.v)}; }
PDBRIDGE_LANES Lanes operator*(Lanes a, Lanes b) { return {_mm256_mul_ps(a.v, b.v)}; }
PDBRIDGE_LANES Lanes operator/(Lanes a, Lanes b) { return {_mm256_div_ps(a.v, b.v)}; }
PDBRIDGE_LANES Lanes larger(Lanes a, Lanes b) { return {_mm256_max_ps(a.v, b.v)}; }

PDBRIDGE_LANES float largest_of(Lanes x) {
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(x.v), _mm256_extractf128_ps(x.v, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

PDBRIDGE_LANES Lanes multiply_add(Lanes a, Lanes b, Lanes c) {
    return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}

PDBRIDGE_LANES Lanes within(Lanes x, float limit) {
    return {_mm256_max_ps(_mm256_min_ps(x.v, _mm256_set1_ps(limit)), _mm256_set1_ps(-limit))};
}

// x * 2^n, where n stands in the lowest bits of `rounded`
PDBRIDGE_LANES Lanes times_power_of_two(Lanes x, Lanes rounded) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(rounded.v), 23);
    return {_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x.v), exponent))};
}

PDBRIDGE_LANES void load_bfloat16_pairs(const uint16_t* p, Lanes& even, Lanes& odd) {
    const __m256i pairs = _mm256_loadu_si256((const __m256i*)p);
    even.v = _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
    odd.v = _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32((int)0xffff0000)));
}

// to the nearest, ties to even
PDBRIDGE_LANES Lanes rounded_to_bfloat16(Lanes x) {
    const __m256i bits = _mm256_castps_si256(x.v);
    const __m256i last = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i up = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), last);
    return {_mm256_castsi256_ps(_mm256_and_si256(up, _mm256_set1_epi32((int)0xffff0000)))};
}

struct WholeLanes {
    __m256i v;
};

PDBRIDGE_LANES WholeLanes zeros() { return {_mm256_setzero_si256()}; }
PDBRIDGE_LANES Lanes to_floats(WholeLanes x) { return {_mm256_cvtepi32_ps(x.v)}; }

using PairLanes = WholeLanes;  // 8 pairs of int16

PDBRIDGE_LANES PairLanes load_pairs(const int8_t* p) {
    return {_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i*)p))};
}

PDBRIDGE_LANES PairLanes all_pairs(const int16_t* p) {
    int pair;
    memcpy(&pair, p, sizeof pair);
    return {_mm256_set1_epi32(pair)};
}

PDBRIDGE_LANES WholeLanes add_products(WholeLanes sum, PairLanes a, PairLanes b) {
    return {_mm256_add_epi32(sum.v, _mm256_madd_epi16(a.v, b.v))};
}

PDBRIDGE_LANES void save_whole(Lanes x, int16_t* p) {
    const __m256i whole = _mm256_cvtps_epi32(x.v);
    const __m128i low = _mm256_castsi256_si128(whole), high = _mm256_extracti128_si256(whole, 1);
    _mm_storeu_si128((__m128i*)p, _mm_packs_epi32(low, high));
}

}  // namespace
}  // namespace pdbridge

#include "precisions.h"

namespace pdbridge {

const Arithmetic* avx2(int precision) {
    return table_of(precision);
}

}  // namespace pdbridge
