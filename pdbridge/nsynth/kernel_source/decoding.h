// Notes being decoded, in one or several sections.
//
// Members of a section meet some hundred times a sample, and share every panel of weights. Sections
// meet when they are done. With enough notes for that it is better: nobody waits for a thread that
// another program has pushed aside.

#ifndef PDBRIDGE_DECODING_H
#define PDBRIDGE_DECODING_H

#include <memory>
#include <vector>

#include "section.h"

namespace pdbridge {

class Decoding {
  public:
    Decoding(const Network& network, const float* embeddings, int batch, int64_t frames,
             int64_t position, int threads);

    void perform(const Task& task);

    int64_t position() const { return position_; }
    int64_t end() const { return end_; }

    static int64_t bytes(const Network& network, int batch, int threads);

  private:
    int64_t position_;
    const int64_t end_;
    std::vector<int> first_notes_;  // of the sections
    std::vector<std::unique_ptr<Section>> sections_;
    Team conductors_;
};

}  // namespace pdbridge
#endif
