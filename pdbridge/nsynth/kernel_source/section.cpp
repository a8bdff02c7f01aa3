#include "section.h"

#include <algorithm>

namespace pdbridge {

namespace {

constexpr uint8_t SILENCE = 128;  // the code of 0, which is what a note begins after

// Steps of a block. With 32 notes the processor has enough to multiply anyway.
int block_steps(const Network& network, int batch) {
    const int steps = batch <= 8 ? 16 : batch <= 16 ? 8 : 1;
    return network.sizes.hop % steps == 0 ? steps : 1;  // a block stays in its frame
}

// Bytes of a row of activations with its scale. A power of two would put all rows of a product into
// the same corner of the cache.
std::size_t row_bytes(const Arithmetic& arithmetic, int channels) {
    return ((std::size_t)channels * arithmetic.activation_bytes + 63) / 64 * 64 + 64;
}

int64_t slots(const Layer& layer, int block) { return 2 * layer.dilation + block; }

int steps_ahead(const Layer& layer, int block) { return std::min(layer.dilation, block); }

}  // namespace

struct Section::Block {
    int64_t step;
    int rows, batch;

    int64_t step_of(int row) const { return step + row / batch; }
    int note_of(int row) const { return row % batch; }
};

Section::Section(const Network& network, const float* embeddings, int batch, int64_t frames,
                   int64_t position, int threads)
    : network_(network),
      batch_(batch),
      threads_(threads),
      block_(block_steps(network, batch)),
      rows_(batch * block_),
      frames_(frames),
      position_(position),
      embeddings_(embeddings, embeddings + batch * frames * network.sizes.channels),
      history_(batch * TAPS, SILENCE),
      conditioning_((std::size_t)network.sizes.layers * batch * network.gates),
      out_conditioning_((std::size_t)batch * network.skip),
      residual_((std::size_t)rows_ * network.width),
      skipped_((std::size_t)rows_ * network.skip),
      gated_((std::size_t)rows_ * network.width),
      gated_inputs_(rows_ * row_bytes(network.body, network.width)),
      head_inputs_(rows_ * row_bytes(network.head, network.skip)),
      head_hidden_(rows_ * row_bytes(network.head, network.skip)),
      logits_((std::size_t)rows_ * CODES),
      desks_(threads),
      team_(threads) {
    for (const Layer& layer : network.layers) {
        memories_.emplace_back(slots(layer, block_) * batch * row_bytes(network.body, network.width));
        const int steps = block_ > 1 ? steps_ahead(layer, block_) : 0;
        pasts_.emplace_back((std::size_t)steps * batch * network.gates);
    }
    for (Desk& desk : desks_) {
        desk.inputs.resize(TAPS * rows_);
        desk.base.resize(rows_);
        desk.sums.resize(rows_);
        desk.activations.resize(rows_);
    }
}

int64_t Section::bytes(const Network& network, int batch) {
    const int block = block_steps(network, batch);
    const int64_t body_row = row_bytes(network.body, network.width);
    const int64_t head_row = row_bytes(network.head, network.skip);
    int64_t of_note = 4 * network.skip;
    for (const Layer& layer : network.layers) {
        const int ahead = block > 1 ? steps_ahead(layer, block) : 0;
        of_note += slots(layer, block) * body_row + (1 + ahead) * 4 * network.gates;
    }
    const int64_t of_row = 4 * (2 * network.width + network.skip + CODES) + body_row + 2 * head_row;
    return batch * (of_note + block * of_row);
}

void Section::perform(const Task& task) {
    if (task.steps == 0) return;
    team_.run([&](int member) { work(task, member); });
    for (int note = 0; note < batch_; note++) {
        uint8_t* const last = &history_[note * TAPS];
        const uint8_t* const codes = task.known + note * task.code_stride;
        for (int64_t i = 0; i < TAPS; i++) {
            const int64_t from = task.steps - TAPS + i;
            last[i] = from >= 0 ? codes[from] : last[i + task.steps];
        }
    }
    position_ += task.steps;
    frame_ = (position_ - 1) / network_.sizes.hop;
    ahead_ = task.chosen;
}

void Section::work(const Task& task, int member) {
    const int64_t end = position_ + task.steps;
    int64_t frame = frame_;
    bool ahead = ahead_;
    for (int64_t step = position_; step < end;) {
        if (step / network_.sizes.hop != frame) {
            frame = step / network_.sizes.hop;
            condition(frame, member);
            team_.meet();
        }
        int64_t steps = 1;
        if (!task.chosen) steps = std::min(block_ - step % block_, end - step);
        if (task.chosen && block_ > 1) {
            look_ahead(step, !ahead, member);
            ahead = true;
        }
        const Block block = {step, (int)steps * batch_, batch_};
        enter(task, block, member);
        team_.meet();
        const int layers = network_.sizes.layers - (task.needs_logits() ? 0 : 1);
        for (int number = 0; number < layers; number++) pass(task, block, number, member);
        if (task.needs_logits()) leave(task, block, member);
        if (task.chosen) choose(task, step, member);
        step += steps;
    }
}

// What the embedding adds in every layer, for all samples of a frame.
void Section::condition(int64_t frame, int member) {
    const int channels = network_.sizes.channels, gates = network_.gates, skip = network_.skip;
    const auto add = [&](int note, const float* map, const float* bias, float* sum, int columns) {
        const float* embedding = &embeddings_[(note * frames_ + frame) * channels];
        std::copy(bias, bias + columns, sum);
        for (int k = 0; k < channels; k++)
            for (int c = 0; c < columns; c++) sum[c] += embedding[k] * map[k * columns + c];
    };
    share((int64_t)network_.sizes.layers * batch_, member, [&](int64_t i) {
        const Layer& layer = network_.layers[i / batch_];
        add(i % batch_, layer.conditioning.data(), layer.conditioning_bias.data(),
            &conditioning_[i * gates], gates);
    });
    share(batch_, member, [&](int64_t note) {
        add(note, network_.out_conditioning.data(), network_.out_bias.data(),
            &out_conditioning_[note * skip], skip);
    });
}

// The taps into the past, for blocks that begin here. They never need what is still to come: a
// block is no longer than the dilation.
void Section::look_ahead(int64_t step, bool every_layer, int member) {
    Desk& desk = desks_[member];
    for (int number = 0; number < network_.sizes.layers; number++) {
        const Layer& layer = network_.layers[number];
        const int steps = steps_ahead(layer, block_), count = steps * batch_;
        if (step % steps && !every_layer) continue;
        const Block block = {step - step % steps, count, batch_};
        for (int row = 0; row < count; row++) {
            const int64_t at = block.step_of(row);
            const int note = block.note_of(row);
            desk.inputs[row] = input(number, at - 2 * layer.dilation, note);
            desk.inputs[count + row] = input(number, at - layer.dilation, note);
            desk.base[row] = &conditioning_[((std::size_t)number * batch_ + note) * network_.gates];
            desk.sums[row] = &pasts_[number][(std::size_t)row * network_.gates];
        }
        Rows rows = {};
        rows.inputs = desk.inputs.data();
        rows.stride = rows.last = count;
        rows.base = desk.base.data();
        rows.sums = desk.sums.data();
        multiply(network_.body, network_.body.linear, layer.convolution, 0, TAPS - 1, rows, member);
    }
}

// The first convolution. Each member does the rows of the notes whose codes it chose.
void Section::enter(const Task& task, const Block& block, int member) {
    const int width = network_.width, skip = network_.skip;
    share(block.rows, member, [&](int64_t row) {
        const int64_t step = block.step_of(row);
        const int note = block.note_of(row);
        float x[TAPS];
        for (int tap = 0; tap < TAPS; tap++) {
            const int64_t i = step - TAPS + tap - position_;
            const uint8_t code =
                i >= 0 ? task.known[note * task.code_stride + i] : history_[note * TAPS + TAPS + i];
            x[tap] = (code - 128) / 128.0f;
        }
        const auto start = [&](const float* columns, int count, float* sum) {
            for (int c = 0; c < count; c++)
                sum[c] = columns[3 * count + c] + x[0] * columns[c] + x[1] * columns[count + c] +
                         x[2] * columns[2 * count + c];
        };
        float* const residual = &residual_[row * width];
        start(network_.start.data(), width, residual);
        start(network_.start_skip.data(), skip, &skipped_[row * skip]);
        network_.body.store(residual, input(0, step, note), width);
    });
}

// One dilated layer.
void Section::pass(const Task& task, const Block& block, int number, int member) {
    const Layer& layer = network_.layers[number];
    const Arithmetic& body = network_.body;
    const int width = network_.width, gates = network_.gates, skip = network_.skip;
    const bool last = number + 1 == network_.sizes.layers;
    const bool ahead = task.chosen && block_ > 1;
    const std::size_t bytes = row_bytes(body, width);
    Desk& desk = desks_[member];
    Rows rows = {};
    rows.inputs = desk.inputs.data();
    rows.stride = rows.last = block.rows;
    rows.base = desk.base.data();
    rows.sums = desk.sums.data();
    rows.activations = desk.activations.data();

    const int first_tap = ahead ? TAPS - 1 : 0;
    for (int row = 0; row < block.rows; row++) {
        const int64_t step = block.step_of(row);
        const int note = block.note_of(row);
        for (int tap = first_tap; tap < TAPS; tap++)
            desk.inputs[(tap - first_tap) * block.rows + row] =
                input(number, step - (TAPS - 1 - tap) * layer.dilation, note);
        const int64_t past = step % steps_ahead(layer, block_) * batch_ + note;
        desk.base[row] = ahead ? &pasts_[number][past * gates]
                               : &conditioning_[((std::size_t)number * batch_ + note) * gates];
        desk.sums[row] = &gated_[(std::size_t)row * width];
        desk.activations[row] = &gated_inputs_[row * bytes];
    }
    Rows gated = rows;
    if (body.scaled)
        gated.activations = nullptr;
    else
        gated.sums = nullptr;
    multiply(body, body.gates, layer.convolution, first_tap, TAPS - first_tap, gated, member);
    team_.meet();
    if (body.scaled) {
        share(block.rows, member, [&](int64_t row) {
            body.store(&gated_[row * width], &gated_inputs_[row * bytes], width);
        });
        team_.meet();
    }

    for (int row = 0; row < block.rows; row++) desk.inputs[row] = &gated_inputs_[row * bytes];
    if (task.needs_logits()) {
        for (int row = 0; row < block.rows; row++)
            desk.base[row] = desk.sums[row] = &skipped_[(std::size_t)row * skip];
        Rows skipped = rows;
        skipped.bias = layer.skip_bias.data();
        skipped.activations = nullptr;
        multiply(body, body.linear, layer.skip, 0, 1, skipped, member);
    }
    if (!last) {  // nothing follows the residual of the last layer
        for (int row = 0; row < block.rows; row++) {
            desk.base[row] = desk.sums[row] = &residual_[(std::size_t)row * width];
            desk.activations[row] = input(number + 1, block.step_of(row), block.note_of(row));
        }
        Rows residual = rows;
        residual.bias = layer.residual_bias.data();
        if (body.scaled) residual.activations = nullptr;
        multiply(body, body.linear, layer.residual, 0, 1, residual, member);
    }
    team_.meet();
    if (body.scaled && !last) {
        share(block.rows, member, [&](int64_t row) {
            body.store(&residual_[row * width],
                       input(number + 1, block.step_of(row), block.note_of(row)), width);
        });
        team_.meet();
    }
}

// From the skip channels to the logits.
void Section::leave(const Task& task, const Block& block, int member) {
    const Arithmetic& head = network_.head;
    const int skip = network_.skip;
    const std::size_t bytes = row_bytes(head, skip);
    share(block.rows, member, [&](int64_t row) {
        float* const skipped = &skipped_[row * skip];
        for (int c = 0; c < skip; c++) skipped[c] = std::max(skipped[c], 0.0f);
        head.store(skipped, &head_inputs_[row * bytes], skip);
    });
    team_.meet();

    Desk& desk = desks_[member];
    Rows rows = {};
    rows.inputs = desk.inputs.data();
    rows.stride = rows.last = block.rows;
    for (int row = 0; row < block.rows; row++) {
        desk.inputs[row] = &head_inputs_[row * bytes];
        desk.base[row] = &out_conditioning_[block.note_of(row) * skip];
        desk.activations[row] = &head_hidden_[row * bytes];
    }
    Rows hidden = rows;
    hidden.base = desk.base.data();
    hidden.activations = desk.activations.data();
    hidden.rectify = true;
    multiply(head, head.linear, network_.out, 0, 1, hidden, member);
    team_.meet();

    for (int row = 0; row < block.rows; row++) {
        desk.inputs[row] = &head_hidden_[row * bytes];
        const int64_t i = block.note_of(row) * task.logit_stride + block.step_of(row) - position_;
        desk.sums[row] = task.logits ? task.logits + i * CODES : &logits_[row * CODES];
    }
    Rows logits = rows;
    logits.bias = network_.logits_bias.data();
    logits.sums = desk.sums.data();
    multiply(head, head.linear, network_.logits, 0, 1, logits, member);
    team_.meet();
}

// The original's choice: the first code whose cumulative probability reaches the random number.
void Section::choose(const Task& task, int64_t step, int member) {
    const int64_t i = step - position_;
    share(batch_, member, [&](int64_t note) {
        const float* logits = &logits_[note * CODES];
        uint8_t& code = task.chosen[note * task.code_stride + i];
        const float* largest = std::max_element(logits, logits + CODES);
        if (!task.uniforms) {
            code = (uint8_t)(largest - logits);
            return;
        }
        float scaled[CODES], probabilities[CODES];
        for (int c = 0; c < CODES; c++) scaled[c] = logits[c] / task.temperature;
        network_.head.exponentials(scaled, *largest / task.temperature, probabilities, CODES);
        float sum = 0.0f;
        for (float p : probabilities) sum += p;
        const double uniform = task.uniforms[note * task.uniform_stride + i];
        float cumulative = 0.0f;
        int c = 0;
        for (; c < CODES - 1; c++) {
            cumulative += probabilities[c] / sum;
            if (cumulative >= uniform) break;
        }
        code = (uint8_t)c;
    });
}

// A member's part of a product: whole panels as far as possible, since a panel of weights is read
// from memory once and stays in the cache for all rows.
void Section::multiply(const Arithmetic& arithmetic, Product product, const PackedMatrix& matrix,
                        int first_segment, int segments, const Rows& rows, int member) const {
    const int blocks = (rows.last + arithmetic.rows - 1) / arithmetic.rows;
    const int64_t units = (int64_t)matrix.panels() * blocks;
    const int64_t from = units * member / threads_, to = units * (member + 1) / threads_;
    for (int64_t unit = from; unit < to;) {
        const int number = (int)(unit / blocks), first = (int)(unit % blocks);
        const int last = (int)std::min<int64_t>(blocks, first + to - unit);
        Rows part = rows;
        part.first = rows.last * first / blocks;
        part.last = rows.last * last / blocks;
        product(matrix.panel(number, first_segment, segments), part);
        unit += last - first;
    }
}

template <class Work>
void Section::share(int64_t count, int member, const Work& work) const {
    const int64_t to = count * (member + 1) / threads_;
    for (int64_t i = count * member / threads_; i < to; i++) work(i);
}

// What a layer heard, or will hear, at a step.
char* Section::input(int layer, int64_t step, int note) {
    const int64_t count = slots(network_.layers[layer], block_);
    const int64_t slot = (step % count + count) % count;
    return memories_[layer].data() +
           (slot * batch_ + note) * row_bytes(network_.body, network_.width);
}

}  // namespace pdbridge
