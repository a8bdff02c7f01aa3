// Memory for weights and states: zeroed, aligned, in large pages where the system has them.

#ifndef PDBRIDGE_MEMORY_H
#define PDBRIDGE_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace pdbridge {

void* allocate(std::size_t bytes);  // throws std::bad_alloc
void release(void* memory);

template <class T>
class Buffer {
    static_assert(std::is_trivial<T>::value, "a buffer holds plain numbers and pointers");

  public:
    Buffer() = default;
    explicit Buffer(std::size_t count) : data_((T*)allocate(count * sizeof(T))), count_(count) {}
    ~Buffer() { release(data_); }
    Buffer(Buffer&& other) noexcept { *this = std::move(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        return *this;
    }

    T* data() { return data_; }
    const T* data() const { return data_; }
    T& operator[](std::size_t i) { return data_[i]; }
    const T& operator[](std::size_t i) const { return data_[i]; }
    std::size_t count() const { return count_; }

  private:
    T* data_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace pdbridge
#endif
