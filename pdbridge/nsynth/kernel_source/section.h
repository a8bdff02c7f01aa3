// Notes that are decoded together: the state of a network between samples, and the step to the next.
//
// Fast generation after Paine et al. 2016, "Fast Wavenet Generation Algorithm": every layer keeps
// its last inputs. Two things are added. Where few notes are decoded, reading the weights takes
// longer than multiplying, so the taps into the past of a dilated layer are computed for a block of
// steps ahead, as far as their inputs are known. And steps whose codes are given (`feed`) are taken a
// block at a time. Every sum is added up in the same order whatever the batch and whatever the block,
// so a note comes out the same to the last bit.

#ifndef PDBRIDGE_SECTION_H
#define PDBRIDGE_SECTION_H

#include <vector>

#include "network.h"
#include "team.h"

namespace pdbridge {

// Steps to take, of notes side by side.
struct Task {
    int64_t steps;
    const uint8_t* known;   // codes [batch][code_stride], from the first of these steps on
    uint8_t* chosen;        // the same where they are still to be found, else NULL
    int64_t code_stride;
    const double* uniforms;  // [batch][uniform_stride], or NULL for the likeliest codes
    int64_t uniform_stride;
    float temperature;
    float* logits;  // [batch][logit_stride][codes], or NULL
    int64_t logit_stride;

    bool needs_logits() const { return chosen || logits; }
};

class Section {
  public:
    Section(const Network& network, const float* embeddings, int batch, int64_t frames,
            int64_t position, int threads);

    void perform(const Task& task);

    static int64_t bytes(const Network& network, int batch);

  private:
    struct Block;  // the steps that are computed together
    struct Desk {  // pointers that a thread notes down, one for each row of a product
        std::vector<const void*> inputs;  // [taps][rows]
        std::vector<const float*> base;
        std::vector<float*> sums;
        std::vector<void*> activations;
    };

    void work(const Task& task, int member);
    void condition(int64_t frame, int member);
    void look_ahead(int64_t step, bool every_layer, int member);
    void enter(const Task& task, const Block& block, int member);
    void pass(const Task& task, const Block& block, int number, int member);
    void leave(const Task& task, const Block& block, int member);
    void choose(const Task& task, int64_t step, int member);

    using Product = void (*)(const Panel&, const Rows&);
    void multiply(const Arithmetic& arithmetic, Product product, const PackedMatrix& matrix,
                  int first_segment, int segments, const Rows& rows, int member) const;
    template <class Work>
    void share(int64_t count, int member, const Work& work) const;
    char* input(int layer, int64_t step, int note);

    const Network& network_;
    const int batch_, threads_;
    const int block_;  // steps that are looked ahead, or fed together
    const int rows_;   // of a block
    const int64_t frames_;
    int64_t position_;
    int64_t frame_ = -1;  // that the conditioning is for
    bool ahead_ = false;  // whether `pasts_` are there for the blocks in progress
    std::vector<float> embeddings_;  // [batch][frames][channels]
    std::vector<uint8_t> history_;   // [batch][3]: the last codes, the latest last

    std::vector<Buffer<char>> memories_;  // [layers]: inputs [slots][batch][width]
    std::vector<Buffer<float>> pasts_;            // [layers]: taps ahead [steps][batch][gates]
    Buffer<float> conditioning_;                  // [layers][batch][gates]
    Buffer<float> out_conditioning_;              // [batch][skip]
    Buffer<float> residual_;                      // [rows][width]
    Buffer<float> skipped_;                       // [rows][skip]
    Buffer<float> gated_;                         // [rows][width]
    Buffer<char> gated_inputs_;                   // the same as activations
    Buffer<char> head_inputs_, head_hidden_;      // [rows][skip], activations
    Buffer<float> logits_;                        // [rows][codes]
    std::vector<Desk> desks_;                     // [threads]
    Team team_;
};

}  // namespace pdbridge
#endif
