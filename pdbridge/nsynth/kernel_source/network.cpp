#include "network.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace pdbridge {

namespace {

constexpr int WHOLE_PANELS = 64;  // channels: a multiple of every panel's columns

int padded(int channels) { return (channels + WHOLE_PANELS - 1) / WHOLE_PANELS * WHOLE_PANELS; }

uint16_t to_bfloat16(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);  // to the nearest, ties to even
}

}  // namespace

template <class Weight>
PackedMatrix::PackedMatrix(const Arithmetic& arithmetic, int segments, int depth, int columns,
                           const Weight& weight)
    : panels_(columns / arithmetic.columns), segments_(segments), depth_(depth),
      columns_(arithmetic.columns) {
    const int precision = arithmetic.precision, group = arithmetic.group;
    weight_bytes_ = precision == PDBRIDGE_FLOAT32 ? 4 : precision == PDBRIDGE_BFLOAT16 ? 2 : 1;
    const std::size_t sums = (std::size_t)panels_ * segments * columns_;
    weights_ = Buffer<char>(sums * depth * weight_bytes_);
    if (arithmetic.scaled) {
        scales_ = Buffer<float>(sums);
        offsets_ = Buffer<int32_t>(sums);
    }
    for (int panel = 0; panel < panels_; panel++) {
        for (int segment = 0; segment < segments; segment++) {
            const auto value = [&](int k, int j) { return weight(segment, k, panel * columns_ + j); };
            // Inputs that one instruction adds up stand side by side.
            const auto at = [&](int k, int j) { return (k / group * columns_ + j) * group + k % group; };
            char* const target = weights_.data() + place(panel, segment) * depth * weight_bytes_;
            if (precision == PDBRIDGE_FLOAT32) {
                for (int k = 0; k < depth; k++)
                    for (int j = 0; j < columns_; j++) ((float*)target)[at(k, j)] = value(k, j);
            } else if (precision == PDBRIDGE_BFLOAT16) {
                for (int k = 0; k < depth; k++)
                    for (int j = 0; j < columns_; j++)
                        ((uint16_t*)target)[at(k, j)] = to_bfloat16(value(k, j));
            } else {
                std::vector<float> largest(columns_, 0.0f);
                for (int k = 0; k < depth; k++)
                    for (int j = 0; j < columns_; j++)
                        largest[j] = std::max(largest[j], std::fabs(value(k, j)));
                float* const scales = &scales_[place(panel, segment)];
                int32_t* const offsets = &offsets_[place(panel, segment)];
                for (int j = 0; j < columns_; j++) scales[j] = largest[j] / 127.0f;
                for (int k = 0; k < depth; k++) {
                    for (int j = 0; j < columns_; j++) {
                        const float scale = scales[j];
                        const int whole = scale > 0 ? (int)std::lrint(value(k, j) / scale) : 0;
                        ((int8_t*)target)[at(k, j)] = (int8_t)whole;
                        offsets[j] -= arithmetic.activation_zero * whole;
                    }
                }
            }
        }
    }
}

std::size_t PackedMatrix::place(int panel, int segment) const {
    return ((std::size_t)panel * segments_ + segment) * columns_;
}

Panel PackedMatrix::panel(int number, int first_segment, int segments) const {
    const std::size_t from = place(number, first_segment);
    return {weights_.data() + from * depth_ * weight_bytes_,
            scales_.data() ? &scales_[from] : nullptr,
            offsets_.data() ? &offsets_[from] : nullptr,
            segments,
            depth_,
            number * columns_,
            weights_.data() + place(number + 1, first_segment) * depth_ * weight_bytes_};
}

Network::Network(const pdbridge_sizes& sizes, const float* const* tensors, const Arithmetic& body,
                 const Arithmetic& head)
    : sizes(sizes), body(body), head(head), width(padded(sizes.width)), skip(padded(sizes.skip)),
      gates(2 * width) {
    const int w = sizes.width, s = sizes.skip, z = sizes.channels;  // without padding
    const auto next = [&tensors] { return *tensors++; };

    // The first convolution sees one channel, so that it and the skip connection after it are
    // together nothing but four columns.
    const float *start_kernel = next(), *start_bias = next();
    const float *skip_kernel = next(), *skip_bias = next();
    start = Buffer<float>(4 * width);
    start_skip = Buffer<float>(4 * skip);
    for (int tap = 0; tap < 4; tap++) {
        const float* column = tap < TAPS ? start_kernel + tap * w : start_bias;
        std::copy(column, column + w, &start[tap * width]);
        for (int c = 0; c < s; c++) {
            double sum = tap < TAPS ? 0.0 : skip_bias[c];
            for (int k = 0; k < w; k++) sum += (double)column[k] * skip_kernel[k * s + c];
            start_skip[tap * skip + c] = (float)sum;
        }
    }

    // Columns of the convolution in the order of the panels: half a panel of gates, then the
    // values that go through them. -1 is padding.
    std::vector<int> column_of(gates);
    const int half = body.columns / 2;
    for (int packed = 0; packed < gates; packed++) {
        const int channel = packed / body.columns * half + packed % half;
        const bool value = packed % body.columns >= half;
        column_of[packed] = channel < w ? channel + (value ? w : 0) : -1;
    }

    for (int number = 0; number < sizes.layers; number++) {
        const float *convolution = next(), *convolution_bias = next();
        const float *conditioning = next(), *conditioning_bias = next();
        const float *residual = next(), *residual_bias = next();
        const float *skipped = next(), *skipped_bias = next();

        Layer layer;
        layer.dilation = 1 << number % sizes.stages;
        layer.convolution = PackedMatrix(body, TAPS, width, gates, [&](int tap, int k, int packed) {
            const int column = column_of[packed];
            return k < w && column >= 0 ? convolution[((std::size_t)tap * w + k) * 2 * w + column] : 0.0f;
        });
        layer.residual = PackedMatrix(body, 1, width, width, [&](int, int k, int column) {
            return k < w && column < w ? residual[k * w + column] : 0.0f;
        });
        layer.residual_bias = Buffer<float>(width);
        std::copy(residual_bias, residual_bias + w, &layer.residual_bias[0]);
        layer.skip = PackedMatrix(body, 1, width, skip, [&](int, int k, int column) {
            return k < w && column < s ? skipped[k * s + column] : 0.0f;
        });
        layer.skip_bias = Buffer<float>(skip);
        std::copy(skipped_bias, skipped_bias + s, &layer.skip_bias[0]);
        layer.conditioning = Buffer<float>((std::size_t)z * gates);
        layer.conditioning_bias = Buffer<float>(gates);
        for (int packed = 0; packed < gates; packed++) {
            const int column = column_of[packed];
            if (column < 0) continue;
            layer.conditioning_bias[packed] = convolution_bias[column] + conditioning_bias[column];
            for (int k = 0; k < z; k++)
                layer.conditioning[(std::size_t)k * gates + packed] = conditioning[k * 2 * w + column];
        }
        layers.push_back(std::move(layer));
    }

    const float *out_kernel = next(), *out_kernel_bias = next();
    const float *out_map = next(), *out_map_bias = next();
    const float *logits_kernel = next(), *logits_kernel_bias = next();
    out = PackedMatrix(head, 1, skip, skip, [&](int, int k, int column) {
        return k < s && column < s ? out_kernel[k * s + column] : 0.0f;
    });
    out_conditioning = Buffer<float>((std::size_t)z * skip);
    out_bias = Buffer<float>(skip);
    for (int c = 0; c < s; c++) {
        out_bias[c] = out_kernel_bias[c] + out_map_bias[c];
        for (int k = 0; k < z; k++) out_conditioning[(std::size_t)k * skip + c] = out_map[k * s + c];
    }
    logits = PackedMatrix(head, 1, skip, CODES, [&](int, int k, int column) {
        return k < s ? logits_kernel[k * CODES + column] : 0.0f;
    });
    logits_bias = Buffer<float>(CODES);
    std::copy(logits_kernel_bias, logits_kernel_bias + CODES, &logits_bias[0]);
}

}  // namespace pdbridge
