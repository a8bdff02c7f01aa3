#include "decoding.h"

#include <algorithm>

namespace pdbridge {

namespace {

// Every section reads all weights for itself, and takes the longer for it the more notes it has and
// the fewer threads. With 16 notes a thread and section that is some 15 GB/s in all precisions, which
// the memory of any machine can do beside.
constexpr int NOTES = 16;

int sections(int batch, int threads) {
    int count = std::max(1, std::min(threads, batch / (NOTES * threads)));
    while (threads % count) count--;
    return count;
}

}  // namespace

Decoding::Decoding(const Network& network, const float* embeddings, int batch, int64_t frames,
                   int64_t position, int threads)
    : position_(position),
      end_(frames * network.sizes.hop),
      conductors_(sections(batch, threads)) {
    const int count = conductors_.size();
    for (int i = 0; i < count; i++) {
        const int first = (int)((int64_t)batch * i / count);
        const int notes = (int)((int64_t)batch * (i + 1) / count) - first;
        first_notes_.push_back(first);
        sections_.push_back(std::make_unique<Section>(
            network, embeddings + first * frames * network.sizes.channels, notes, frames, position,
            threads / count));
    }
}

void Decoding::perform(const Task& task) {
    conductors_.run([&](int i) {
        const int first = first_notes_[i];
        Task part = task;
        part.known += first * task.code_stride;
        if (task.chosen) part.chosen += first * task.code_stride;
        if (task.uniforms) part.uniforms += first * task.uniform_stride;
        if (task.logits) part.logits += first * task.logit_stride * CODES;
        sections_[i]->perform(part);
    });
    position_ += task.steps;
}

int64_t Decoding::bytes(const Network& network, int batch, int threads) {
    const int count = sections(batch, threads);
    return count * Section::bytes(network, (batch + count - 1) / count);
}

}  // namespace pdbridge
