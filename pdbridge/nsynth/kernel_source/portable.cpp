// Vectors of four floats, which most processors have, written without naming any processor's.

#include <stdint.h>
#include <string.h>

namespace pdbridge {
namespace {

constexpr int VECTORS_OF_A_PANEL = 4;
#if defined(__aarch64__)
constexpr int MOST_ROWS = 6;  // 24 sums, 4 weights: 29 of 32 registers
#else
constexpr int MOST_ROWS = 2;
#endif

// GCC and clang know vectors as types. Elsewhere these are loops.
#if defined(__GNUC__)
typedef float Four __attribute__((vector_size(16)));
#define PDBRIDGE_LANES inline __attribute__((always_inline))
#else
#define PDBRIDGE_LANES inline
struct Four {
    float v[4];
    float& operator[](int i) { return v[i]; }
    float operator[](int i) const { return v[i]; }
};
#define PDBRIDGE_FOUR(sign)                                       \
    inline Four operator sign(Four a, Four b) {                   \
        for (int i = 0; i < 4; i++) a.v[i] = a.v[i] sign b.v[i];  \
        return a;                                                 \
    }
PDBRIDGE_FOUR(+)
PDBRIDGE_FOUR(-)
PDBRIDGE_FOUR(*)
PDBRIDGE_FOUR(/)
#undef PDBRIDGE_FOUR
#endif

struct Lanes {
    static constexpr int width = 4;
    Four v;
};

PDBRIDGE_LANES Lanes all(float x) { return {Four{x, x, x, x}}; }
PDBRIDGE_LANES void save(Lanes x, float* p) { memcpy(p, &x, sizeof x); }
PDBRIDGE_LANES Lanes operator+(Lanes a, Lanes b) { return {a.v + b.v}; }
PDBRIDGE_LANES Lanes operator-(Lanes a, Lanes b) { return {a.v - b.v}; }
PDBRIDGE_LANES Lanes operator*(Lanes a, Lanes b) { return {a.v * b.v}; }
PDBRIDGE_LANES Lanes operator/(Lanes a, Lanes b) { return {a.v / b.v}; }
PDBRIDGE_LANES Lanes multiply_add(Lanes a, Lanes b, Lanes c) { return {a.v * b.v + c.v}; }

PDBRIDGE_LANES Lanes load(const float* p) {
    Lanes x;
    memcpy(&x, p, sizeof x);
    return x;
}

PDBRIDGE_LANES Lanes larger(Lanes a, Lanes b) {
    for (int i = 0; i < 4; i++) a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
    return a;
}

PDBRIDGE_LANES Lanes within(Lanes x, float limit) {
    for (int i = 0; i < 4; i++) x.v[i] = x.v[i] > limit ? limit : x.v[i] < -limit ? -limit : x.v[i];
    return x;
}

PDBRIDGE_LANES float largest_of(Lanes x) {
    float largest = x.v[0];
    for (int i = 1; i < 4; i++) largest = x.v[i] > largest ? x.v[i] : largest;
    return largest;
}

PDBRIDGE_LANES Lanes from_bits(const uint32_t (&bits)[4]) {
    Lanes x;
    memcpy(&x, bits, sizeof x);
    return x;
}

// x * 2^n, where n stands in the lowest bits of `rounded`
PDBRIDGE_LANES Lanes times_power_of_two(Lanes x, Lanes rounded) {
    uint32_t bits[4], exponent[4];
    memcpy(bits, &x, sizeof bits);
    memcpy(exponent, &rounded, sizeof exponent);
    for (int i = 0; i < 4; i++) bits[i] += exponent[i] << 23;
    return from_bits(bits);
}

PDBRIDGE_LANES void load_bfloat16_pairs(const uint16_t* p, Lanes& even, Lanes& odd) {
    uint32_t low[4], high[4];
    for (int i = 0; i < 4; i++) low[i] = (uint32_t)p[2 * i] << 16;
    for (int i = 0; i < 4; i++) high[i] = (uint32_t)p[2 * i + 1] << 16;
    even = from_bits(low);
    odd = from_bits(high);
}

// to the nearest, ties to even
PDBRIDGE_LANES Lanes rounded_to_bfloat16(Lanes x) {
    uint32_t bits[4];
    memcpy(bits, &x, sizeof bits);
    for (uint32_t& b : bits) b = (b + 0x7fff + (b >> 16 & 1)) & 0xffff0000;
    return from_bits(bits);
}

// Whole numbers as floats, which are exact up to 2^24; not every processor multiplies others well.
using WholeLanes = Lanes;

struct PairLanes {
    Lanes even, odd;
};

PDBRIDGE_LANES WholeLanes zeros() { return all(0.0f); }
PDBRIDGE_LANES Lanes to_floats(WholeLanes x) { return x; }
PDBRIDGE_LANES PairLanes all_pairs(const int16_t* p) { return {all(p[0]), all(p[1])}; }

PDBRIDGE_LANES PairLanes load_pairs(const int8_t* p) {
    PairLanes pairs;
    for (int i = 0; i < 4; i++) pairs.even.v[i] = p[2 * i];
    for (int i = 0; i < 4; i++) pairs.odd.v[i] = p[2 * i + 1];
    return pairs;
}

PDBRIDGE_LANES WholeLanes add_products(WholeLanes sum, const PairLanes& a, const PairLanes& b) {
    return multiply_add(a.odd, b.odd, multiply_add(a.even, b.even, sum));
}

// to the nearest: adding 1.5 * 2^23 rounds as the processor does
PDBRIDGE_LANES void save_whole(Lanes x, int16_t* p) {
    const Lanes rounding = all(12582912.0f), rounded = (x + rounding) - rounding;
    for (int i = 0; i < 4; i++) p[i] = (int16_t)rounded.v[i];
}

}  // namespace
}  // namespace pdbridge

#include "precisions.h"

namespace pdbridge {

const Arithmetic* portable(int precision) {
    return table_of(precision);
}

}  // namespace pdbridge
