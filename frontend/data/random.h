#ifndef WEFT_FRONTEND_DATA_RANDOM_H_
#define WEFT_FRONTEND_DATA_RANDOM_H_

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "ops/philox.h"

namespace weft {

// What a stream of random numbers is for; streams of different purposes are independent.
enum class RandomPurpose : uint32_t {
  kHeldOut = 32,
  kShuffle = 1,
  kAugment = 16,
  kMix = 17,
  kTrainDigits = 2,
  kTestDigits = 3,
  kNoise = 4,
  kPatterns = 5,
  kTrainPatterns = 6,
  kTestPatterns = 7
};

// The random numbers that belong to (seed, purpose, index), one after the other.
class RandomStream {
 public:
  RandomStream(uint64_t seed, RandomPurpose purpose, uint64_t index)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
        counter_{0, static_cast<uint32_t>(purpose), static_cast<uint32_t>(index),
                 static_cast<uint32_t>(index >> 32)} {}

  // Four words of 32 uniform bits, past those that NextWord has already drawn.
  std::array<uint32_t, 4> NextBlock() {
    const std::array<uint32_t, 4> block = Philox4x32(counter_, key_);
    ++counter_[0];
    return block;
  }

  uint32_t NextWord() {
    if (used_ == 4) {
      block_ = NextBlock();
      used_ = 0;
    }
    return block_[used_++];
  }

  // In [0, 1), 24 bits.
  float Uniform() { return static_cast<float>(NextWord() >> 8) * 0x1p-24f; }
  float Uniform(float low, float high) { return low + (high - low) * Uniform(); }

  // Mean 0, variance 1, |x| < 3.5: the sum of four uniforms, near enough to a normal number here.
  float Bell() {
    constexpr float kScale = 1.7320508f;  // a uniform's variance is 1/12, that of four 1/3
    return ((Uniform() + Uniform()) + (Uniform() + Uniform()) - 2.0f) * kScale;
  }

  // Mean 0, variance 1 (Box and Muller 1958).
  double Normal() {
    const double u = 1 - double{Uniform()};
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * double{Uniform()});
  }

  // In [0, bound), bound > 0. 64 bits against `bound`: the bias is below bound / 2^64.
  uint64_t Below(uint64_t bound) {
    const uint64_t high = NextWord();
    const uint64_t word = high << 32 | NextWord();
    return static_cast<uint64_t>(static_cast<unsigned __int128>(word) * bound >> 64);
  }

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_ = {};
  unsigned used_ = 4;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_RANDOM_H_
