#include "team.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace pdbridge {

namespace {

// Some ten microseconds: the longest that members come after one another when each has a core.
constexpr int GLANCES = 1000;

void breathe() {
#if defined(__x86_64__) || defined(_M_X64)
    _mm_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
    asm volatile("yield");
#endif
}

}  // namespace

// With more members than cores, whoever waits has to make room at once.
Team::Team(int size)
    : size_(size), glances_(size <= (int)std::thread::hardware_concurrency() ? GLANCES : 0) {
    try {
        for (int member = 1; member < size; member++)
            threads_.emplace_back(&Team::serve, this, member);
    } catch (...) {
        end();
        throw;
    }
}

Team::~Team() { end(); }

void Team::end() {
    {
        std::lock_guard<std::mutex> lock(mutex_);
        ending_ = true;
    }
    asked_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void Team::run(const std::function<void(int)>& work) {
    if (size_ > 1) {
        std::lock_guard<std::mutex> lock(mutex_);
        work_ = &work;
        working_ = size_ - 1;
        asked_times_++;
    }
    asked_.notify_all();
    work(0);
    std::unique_lock<std::mutex> lock(mutex_);
    answered_.wait(lock, [this] { return working_ == 0; });
}

void Team::serve(int member) {
    std::unique_lock<std::mutex> lock(mutex_);
    for (long times = 0;;) {
        asked_.wait(lock, [&] { return ending_ || asked_times_ != times; });
        if (ending_) return;
        times = asked_times_;
        const std::function<void(int)>& work = *work_;
        lock.unlock();
        work(member);
        lock.lock();
        if (--working_ == 0) answered_.notify_one();
    }
}

void Team::meet() {
    if (size_ == 1) return;
    const unsigned meeting = meetings_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == size_ - 1) {
        arrived_.store(0, std::memory_order_relaxed);
        meetings_.store(meeting + 1, std::memory_order_release);
        return;
    }
    for (int glances = 0; meetings_.load(std::memory_order_acquire) == meeting; glances++) {
        if (glances < glances_)
            breathe();
        else
            std::this_thread::yield();
    }
}

}  // namespace pdbridge
