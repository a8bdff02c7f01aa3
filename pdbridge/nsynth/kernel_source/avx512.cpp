// AVX-512 without instructions of its own for narrow numbers: these are widened.

#include "avx512_lanes.h"

namespace pdbridge {
namespace {

PDBRIDGE_LANES void load_bfloat16_pairs(const uint16_t* p, Lanes& even, Lanes& odd) {
    const __m512i pairs = _mm512_loadu_si512(p);
    even.v = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
    odd.v = _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32((int)0xffff0000)));
}

// to the nearest, ties to even
PDBRIDGE_LANES Lanes rounded_to_bfloat16(Lanes x) {
    const __m512i bits = _mm512_castps_si512(x.v);
    const __m512i last = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i up = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), last);
    return {_mm512_castsi512_ps(_mm512_and_si512(up, _mm512_set1_epi32((int)0xffff0000)))};
}

using PairLanes = WholeLanes;  // 16 pairs of int16

PDBRIDGE_LANES PairLanes load_pairs(const int8_t* p) {
    return {_mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i*)p))};
}

PDBRIDGE_LANES PairLanes all_pairs(const int16_t* p) {
    int pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return {_mm512_set1_epi32(pair)};
}

PDBRIDGE_LANES WholeLanes add_products(WholeLanes sum, PairLanes a, PairLanes b) {
    return {_mm512_add_epi32(sum.v, _mm512_madd_epi16(a.v, b.v))};
}

PDBRIDGE_LANES void save_whole(Lanes x, int16_t* p) {
    _mm256_storeu_si256((__m256i*)p, _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(x.v)));
}

}  // namespace
}  // namespace pdbridge

#include "precisions.h"

namespace pdbridge {

const Arithmetic* avx512(int precision) {
    return table_of(precision);
}

}  // namespace pdbridge
