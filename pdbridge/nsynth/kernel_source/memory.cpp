#include "memory.h"

#include <cstdlib>
#include <cstring>
#include <new>

#if defined(_WIN32)
#include <malloc.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace pdbridge {

namespace {
constexpr std::size_t LINE = 64;               // bytes, of a cache line and of the widest vector
constexpr std::size_t LARGE_PAGE = 2u << 20;   // bytes
}  // namespace

void* allocate(std::size_t bytes) {
    // Reading 237 MB of weights for every sample through pages of 4 kB would cost a tenth of the time.
    const std::size_t alignment = bytes >= LARGE_PAGE ? LARGE_PAGE : LINE;
    if (bytes > SIZE_MAX - alignment) throw std::bad_alloc();
    const std::size_t size = (bytes + alignment) / alignment * alignment;
#if defined(_WIN32)
    void* memory = _aligned_malloc(size, alignment);
#else
    void* memory = nullptr;
    if (posix_memalign(&memory, alignment, size)) memory = nullptr;
#endif
    if (!memory) throw std::bad_alloc();
#if defined(__linux__)
    if (alignment == LARGE_PAGE) madvise(memory, size, MADV_HUGEPAGE);
#endif
    std::memset(memory, 0, size);
    return memory;
}

void release(void* memory) {
#if defined(_WIN32)
    _aligned_free(memory);
#else
    std::free(memory);
#endif
}

}  // namespace pdbridge
