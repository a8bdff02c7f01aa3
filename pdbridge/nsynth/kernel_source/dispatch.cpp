// Which instructions there are.

#include "dispatch.h"

#if defined(__x86_64__) || defined(_M_X64)
#define PDBRIDGE_X86
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

#include "kernel.h"

namespace pdbridge {

namespace {

using Tables = const Arithmetic* (*)(int precision);

// setup.py says which files the compiler could compile.
const Tables tables[PDBRIDGE_INSTRUCTION_SETS] = {
    pdbridge::portable,
#ifdef PDBRIDGE_HAS_AVX2
    pdbridge::avx2,
#else
    nullptr,
#endif
#ifdef PDBRIDGE_HAS_AVX512
    pdbridge::avx512,
#else
    nullptr,
#endif
#ifdef PDBRIDGE_HAS_AVX512_BF16
    pdbridge::avx512_bf16,
#else
    nullptr,
#endif
#ifdef PDBRIDGE_HAS_AVX512_VNNI
    pdbridge::avx512_vnni,
#else
    nullptr,
#endif
};

#ifdef PDBRIDGE_X86
struct Registers {
    unsigned a, b, c, d;
};

Registers cpuid(unsigned leaf, unsigned part) {
    Registers r = {};
#if defined(_MSC_VER)
    int values[4];
    __cpuidex(values, (int)leaf, (int)part);
    r = {(unsigned)values[0], (unsigned)values[1], (unsigned)values[2], (unsigned)values[3]};
#else
    if (!__get_cpuid_count(leaf, part, &r.a, &r.b, &r.c, &r.d)) r = {};
#endif
    return r;
}

// Which registers the operating system keeps for a thread while another one runs.
unsigned kept_registers() {
#if defined(_MSC_VER)
    return (unsigned)_xgetbv(0);
#else
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
#endif
}

}  // namespace

bool supported(int instruction_set) {
    if (instruction_set == PDBRIDGE_PORTABLE) return true;
    const auto bit = [](unsigned value, int number) { return value >> number & 1; };
    const Registers one = cpuid(1, 0);
    if (!bit(one.c, 27)) return false;  // OSXSAVE: without it xgetbv does not exist
    const unsigned kept = kept_registers();
    const Registers seven = cpuid(7, 0);
    const bool avx2 = bit(one.c, 12) && bit(one.c, 28) && bit(seven.b, 5) && (kept & 0x06) == 0x06;
    const bool avx512 = avx2 && bit(seven.b, 16) && bit(seven.b, 17) && bit(seven.b, 30) &&
                        bit(seven.b, 31) && (kept & 0xe6) == 0xe6;
    switch (instruction_set) {
        case PDBRIDGE_AVX2: return avx2;
        case PDBRIDGE_AVX512: return avx512;
        case PDBRIDGE_AVX512_BF16: return avx512 && bit(cpuid(7, 1).a, 5);
        case PDBRIDGE_AVX512_VNNI: return avx512 && bit(seven.c, 11);
        default: return false;
    }
}
#else
}  // namespace

bool supported(int instruction_set) { return instruction_set == PDBRIDGE_PORTABLE; }
#endif

bool compiled(int instruction_set) { return tables[instruction_set] != nullptr; }

const Arithmetic* table(int precision, int instruction_set) {
    if (!compiled(instruction_set) || !supported(instruction_set)) return nullptr;
    return tables[instruction_set](precision);
}

}  // namespace pdbridge
