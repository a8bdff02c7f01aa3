// The decoder of a checkpoint, packed for one way of multiplying.

#ifndef PDBRIDGE_NETWORK_H
#define PDBRIDGE_NETWORK_H

#include <vector>

#include "arithmetic.h"
#include "kernel.h"
#include "memory.h"

namespace pdbridge {

constexpr int CODES = 256;
constexpr int TAPS = 3;  // of the dilated convolutions, and of the first one

// A matrix of weights, cut into panels.
class PackedMatrix {
  public:
    PackedMatrix() = default;

    // weight(segment, k, column) gives the values; 0 where the matrix is only padded.
    template <class Weight>
    PackedMatrix(const Arithmetic& arithmetic, int segments, int depth, int columns,
                 const Weight& weight);

    int panels() const { return panels_; }

    // Panel number `number`, of the inputs from `first_segment` on.
    Panel panel(int number, int first_segment, int segments) const;

  private:
    std::size_t place(int panel, int segment) const;

    int panels_ = 0, segments_ = 0, depth_ = 0, columns_ = 0;
    int weight_bytes_ = 0;
    Buffer<char> weights_;
    Buffer<float> scales_;
    Buffer<int32_t> offsets_;
};

struct Layer {
    int dilation;
    PackedMatrix convolution;  // of three taps, the oldest first; to gates and values in turn
    PackedMatrix residual;     // [width][width]
    Buffer<float> residual_bias;
    PackedMatrix skip;  // [width][skip]
    Buffer<float> skip_bias;
    Buffer<float> conditioning;       // [channels][2 * width], columns as in the convolution
    Buffer<float> conditioning_bias;  // [2 * width], with that of the convolution
};

// Channels are padded with zeros to whole panels of every instruction set.
class Network {
  public:
    Network(const pdbridge_sizes& sizes, const float* const* tensors, const Arithmetic& body,
            const Arithmetic& head);

    const pdbridge_sizes sizes;
    const Arithmetic& body;  // multiplies in the layers
    const Arithmetic& head;  // multiplies after them
    const int width, skip;   // padded
    const int gates;         // 2 * width

    // The first convolution (of the last three samples, the oldest first, and 1 for the biases),
    // and what the skip connections make of it.
    Buffer<float> start;       // [4][width]
    Buffer<float> start_skip;  // [4][skip]
    std::vector<Layer> layers;
    PackedMatrix out;                // [skip][skip]
    Buffer<float> out_conditioning;  // [channels][skip]
    Buffer<float> out_bias;          // [skip]
    PackedMatrix logits;             // [skip][codes]
    Buffer<float> logits_bias;       // [codes]
};

}  // namespace pdbridge
#endif
