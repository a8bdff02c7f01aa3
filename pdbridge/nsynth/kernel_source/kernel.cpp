// The library's border: arguments in, errors out.

#include "kernel.h"

#include <cstdio>
#include <exception>
#include <new>
#include <system_error>

#include "decoding.h"
#include "dispatch.h"
#include "network.h"

using pdbridge::Arithmetic;

struct pdbridge_network : pdbridge::Network {
    using pdbridge::Network::Network;
};

struct pdbridge_decoding : pdbridge::Decoding {
    using pdbridge::Decoding::Decoding;
};

namespace {

void say(const char* words, char* error, int error_size) {
    if (error_size > 0) std::snprintf(error, (std::size_t)error_size, "%s", words);
}

// Calls `work`; an exception becomes words and `failed`.
template <class Result, class Work>
Result guarded(Result failed, char* error, int error_size, const Work& work) {
    try {
        return work();
    } catch (const std::bad_alloc&) {
        say("there is not enough memory", error, error_size);
    } catch (const std::system_error& problem) {
        say(problem.what(), error, error_size);
    } catch (const std::exception& problem) {
        say(problem.what(), error, error_size);
    }
    return failed;
}

}  // namespace

int pdbridge_kernel_interface(void) { return PDBRIDGE_KERNEL_INTERFACE; }

int pdbridge_compiled(int instruction_set) {
    return instruction_set >= 0 && instruction_set < PDBRIDGE_INSTRUCTION_SETS &&
           pdbridge::compiled(instruction_set);
}

int pdbridge_supported(int instruction_set) { return pdbridge::supported(instruction_set); }

int pdbridge_best(int precision, int highest) {
    if (precision < 0 || precision >= PDBRIDGE_PRECISIONS) return -1;
    if (highest >= PDBRIDGE_INSTRUCTION_SETS) highest = PDBRIDGE_INSTRUCTION_SETS - 1;
    for (int set = highest; set >= 0; set--)
        if (pdbridge::table(precision, set)) return set;
    return -1;
}

pdbridge_network* pdbridge_network_new(const pdbridge_sizes* sizes, const float* const* tensors,
                                       int precision, int instruction_set, char* error,
                                       int error_size) {
    const int best = pdbridge_best(precision, instruction_set);
    if (best < 0 || best != instruction_set) {
        say("this processor cannot do that", error, error_size);
        return nullptr;
    }
    return guarded<pdbridge_network*>(nullptr, error, error_size, [&] {
        const Arithmetic& body = *pdbridge::table(precision, best);
        // Quantising the last two products would cost accuracy and save next to nothing.
        const Arithmetic& head =
            body.scaled
                ? *pdbridge::table(PDBRIDGE_FLOAT32, pdbridge_best(PDBRIDGE_FLOAT32, best))
                : body;
        return new pdbridge_network(*sizes, tensors, body, head);
    });
}

void pdbridge_network_free(pdbridge_network* network) { delete network; }

int64_t pdbridge_state_bytes(const pdbridge_network* network, int batch, int threads) {
    return pdbridge::Decoding::bytes(*network, batch, threads);
}

pdbridge_decoding* pdbridge_decoding_new(const pdbridge_network* network, const float* embeddings,
                                         int batch, int64_t frames, int64_t position, int threads,
                                         char* error, int error_size) {
    return guarded<pdbridge_decoding*>(nullptr, error, error_size, [&] {
        return new pdbridge_decoding(*network, embeddings, batch, frames, position, threads);
    });
}

void pdbridge_decoding_free(pdbridge_decoding* decoding) { delete decoding; }

int64_t pdbridge_decoding_position(const pdbridge_decoding* decoding) {
    return decoding->position();
}

static int perform(pdbridge_decoding* decoding, const pdbridge::Task& task, char* error,
                   int error_size) {
    return guarded<int>(1, error, error_size, [&] {
        if (task.steps < 0 || task.steps > decoding->end() - decoding->position()) {
            say("the embeddings end before", error, error_size);
            return 1;
        }
        decoding->perform(task);
        return 0;
    });
}

int pdbridge_decoding_run(pdbridge_decoding* decoding, int steps, const double* uniforms,
                          int64_t uniform_stride, float temperature, uint8_t* codes,
                          int64_t code_stride, char* error, int error_size) {
    pdbridge::Task task = {};
    task.steps = steps;
    task.known = task.chosen = codes;
    task.code_stride = code_stride;
    task.uniforms = uniforms;
    task.uniform_stride = uniform_stride;
    task.temperature = temperature;
    return perform(decoding, task, error, error_size);
}

int pdbridge_decoding_feed(pdbridge_decoding* decoding, int steps, const uint8_t* codes,
                           int64_t code_stride, float* logits, int64_t logit_stride, char* error,
                           int error_size) {
    pdbridge::Task task = {};
    task.steps = steps;
    task.known = codes;
    task.code_stride = code_stride;
    task.logits = logits;
    task.logit_stride = logit_stride;
    return perform(decoding, task, error, error_size);
}
