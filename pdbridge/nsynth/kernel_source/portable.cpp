// Plain loops for any processor, which the compiler turns into what vectors there are.

#include <stdint.h>
#include <string.h>

namespace pdbridge {
namespace {

constexpr int VECTORS_OF_A_PANEL = 2;
constexpr int MOST_ROWS = 4;

struct Lanes {
    static constexpr int width = 8;
    float v[width];
};

#define PDBRIDGE_EACH(expression)                            \
    Lanes result;                                            \
    for (int i = 0; i < Lanes::width; i++) result.v[i] = (expression); \
    return result;

inline Lanes all(float x) { PDBRIDGE_EACH(x) }
inline Lanes load(const float* p) { PDBRIDGE_EACH(p[i]) }
inline void save(const Lanes& x, float* p) { memcpy(p, x.v, sizeof x.v); }
inline Lanes operator+(const Lanes& a, const Lanes& b) { PDBRIDGE_EACH(a.v[i] + b.v[i]) }
inline Lanes operator-(const Lanes& a, const Lanes& b) { PDBRIDGE_EACH(a.v[i] - b.v[i]) }
inline Lanes operator*(const Lanes& a, const Lanes& b) { PDBRIDGE_EACH(a.v[i] * b.v[i]) }
inline Lanes operator/(const Lanes& a, const Lanes& b) { PDBRIDGE_EACH(a.v[i] / b.v[i]) }
inline Lanes larger(const Lanes& a, const Lanes& b) { PDBRIDGE_EACH(a.v[i] > b.v[i] ? a.v[i] : b.v[i]) }

inline float largest_of(const Lanes& x) {
    float largest = x.v[0];
    for (float value : x.v) largest = value > largest ? value : largest;
    return largest;
}

inline Lanes multiply_add(const Lanes& a, const Lanes& b, const Lanes& c) {
    PDBRIDGE_EACH(a.v[i] * b.v[i] + c.v[i])
}

inline Lanes within(const Lanes& x, float limit) {
    PDBRIDGE_EACH(x.v[i] > limit ? limit : x.v[i] < -limit ? -limit : x.v[i])
}

struct Bits {
    uint32_t v[Lanes::width];
};

inline Bits bits_of(const Lanes& x) {
    Bits bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

inline Lanes floats_of(const Bits& bits) {
    Lanes x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// x * 2^n, where n stands in the lowest bits of `rounded`
inline Lanes times_power_of_two(const Lanes& x, const Lanes& rounded) {
    Bits bits = bits_of(x);
    const Bits exponent = bits_of(rounded);
    for (int i = 0; i < Lanes::width; i++) bits.v[i] += exponent.v[i] << 23;
    return floats_of(bits);
}

inline void load_bfloat16_pairs(const uint16_t* p, Lanes& even, Lanes& odd) {
    Bits low, high;
    for (int i = 0; i < Lanes::width; i++) {
        low.v[i] = (uint32_t)p[2 * i] << 16;
        high.v[i] = (uint32_t)p[2 * i + 1] << 16;
    }
    even = floats_of(low);
    odd = floats_of(high);
}

// to the nearest, ties to even
inline Lanes rounded_to_bfloat16(const Lanes& x) {
    Bits bits = bits_of(x);
    for (uint32_t& value : bits.v) value = (value + 0x7fff + (value >> 16 & 1)) & 0xffff0000;
    return floats_of(bits);
}

struct WholeLanes {
    int32_t v[Lanes::width];
};

inline WholeLanes zeros() { return WholeLanes(); }
inline Lanes to_floats(const WholeLanes& x) { PDBRIDGE_EACH((float)x.v[i]) }

struct PairLanes {
    int16_t v[2 * Lanes::width];
};

inline PairLanes load_pairs(const int8_t* p) {
    PairLanes pairs;
    for (int i = 0; i < 2 * Lanes::width; i++) pairs.v[i] = p[i];
    return pairs;
}

inline PairLanes all_pairs(const int16_t* p) {
    PairLanes pairs;
    for (int i = 0; i < 2 * Lanes::width; i++) pairs.v[i] = p[i & 1];
    return pairs;
}

inline WholeLanes add_products(const WholeLanes& sum, const PairLanes& a, const PairLanes& b) {
    WholeLanes result;
    for (int i = 0; i < Lanes::width; i++)
        result.v[i] = sum.v[i] + a.v[2 * i] * b.v[2 * i] + a.v[2 * i + 1] * b.v[2 * i + 1];
    return result;
}

// to the nearest; adding 1.5 * 2^23 rounds as the processor does
inline void save_whole(const Lanes& x, int16_t* p) {
    const Lanes rounding = all(12582912.0f), rounded = (x + rounding) - rounding;
    for (int i = 0; i < Lanes::width; i++) p[i] = (int16_t)rounded.v[i];
}

}  // namespace
}  // namespace pdbridge

#include "precisions.h"

namespace pdbridge {

const Arithmetic* portable(int precision) {
    return table_of(precision);
}

}  // namespace pdbridge
