// What the machine can do, for benchmarks/nsynth.py to compare the decoder with.

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "dispatch.h"
#include "kernel.h"
#include "memory.h"

namespace {

using Clock = std::chrono::steady_clock;

// What all threads together do in a second. `work` does a part and returns how much that was. The
// fastest part of each thread counts: what interrupts the others belongs to another program.
double rate(int threads, double seconds, const std::function<double(int)>& work) {
    std::vector<double> rates(threads);
    const auto measure = [&](int thread) {
        const Clock::time_point start = Clock::now();
        Clock::time_point end = start;
        while (std::chrono::duration<double>(end - start).count() < seconds) {
            const Clock::time_point begin = end;
            const double done = work(thread);
            end = Clock::now();
            const double elapsed = std::chrono::duration<double>(end - begin).count();
            rates[thread] = std::max(rates[thread], done / elapsed);
        }
    };
    std::vector<std::thread> others;
    for (int thread = 1; thread < threads; thread++) others.emplace_back(measure, thread);
    measure(0);
    for (std::thread& thread : others) thread.join();
    double sum = 0;
    for (double one : rates) sum += one;
    return sum;
}

}  // namespace

double pdbridge_measure_arithmetic(int precision, int instruction_set, int threads, double seconds) {
    const pdbridge::Arithmetic* table = pdbridge::table(precision, instruction_set);
    if (!table || !table->exercise) return 0;
    return rate(threads, seconds, [&](int) { return table->exercise(20000); });
}

double pdbridge_measure_reading(int64_t bytes, int threads, double seconds) {
    const int64_t words = bytes / 8 / threads;  // of each thread
    const pdbridge::Buffer<uint64_t> block((std::size_t)(words * threads));
    return rate(threads, seconds, [&](int thread) {
        const uint64_t* from = block.data() + words * thread;
        uint64_t sum = 0;
        for (int64_t i = 0; i < words; i++) sum += from[i];
        volatile uint64_t result = sum;  // so that no compiler leaves the reading out
        (void)result;
        return 8.0 * (double)words;
    });
}
