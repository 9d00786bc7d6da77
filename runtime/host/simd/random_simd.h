#ifndef WEFT_RUNTIME_HOST_SIMD_RANDOM_SIMD_H_
#define WEFT_RUNTIME_HOST_SIMD_RANDOM_SIMD_H_

#include <cstdint>

#include "ops/philox.h"

// What the kernels of random ops do with vectors: random words of ops/random_words.h, and numbers
// made of them.

namespace weft {

// words[4 * i + k] is word k of block first_block + i of the example.
void DrawWords(const PhiloxKey& key, uint64_t step, uint64_t example, int64_t first_block,
               int64_t blocks, uint32_t* words);

// y = x * scale where the element's half word is at least the threshold, 0 elsewhere. `stream`:
// past the caches. Reads up to 64 bytes after the last half word.
void DropByHalves(int64_t n, const float* x, const uint32_t* words, uint16_t threshold, float scale,
                  bool stream, float* y);

// low + span * u, at most `most`, with u of the word as ops/random_words.h has it.
void UniformByWords(int64_t n, const uint32_t* words, float low, float span, float most,
                    bool stream, float* y);

// mean + scale * z with z as in ops/random.cc; n is even or the words have one more.
void NormalByWords(int64_t n, const uint32_t* words, float mean, float scale, bool stream,
                   float* y);

// 1 where u < p, else 0.
void BernoulliByWords(int64_t n, const float* p, const uint32_t* words, bool stream, float* y);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_SIMD_RANDOM_SIMD_H_
