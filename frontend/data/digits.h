#ifndef WEFT_FRONTEND_DATA_DIGITS_H_
#define WEFT_FRONTEND_DATA_DIGITS_H_

#include <cstdint>
#include <memory>
#include <span>

#include "frontend/data/dataset.h"

namespace weft {

inline constexpr int64_t kDigitSide = 28;
// The sizes of the two splits unless somebody asks for others.
inline constexpr int64_t kTrainDigits = 20000;
inline constexpr int64_t kTestDigits = 4000;
inline constexpr int64_t kMaxDigits = 1000000;
inline constexpr uint64_t kDigitsSeed = 1;

// The mean and standard deviation of the pixels of the training digits (the defaults above).
inline constexpr float kDigitsMean = 0.1099f;
inline constexpr float kDigitsStd = 0.2460f;

// Draws digit number `index` of a split, white on black, into `image` (28x28 bytes, row after row)
// and returns its label, index % 10. A way of writing the digit, its curves, size, slant, place,
// pen, ink and noise are drawn from (seed, split, index): the same arguments give the same image,
// and no image of one split is in the other.
int DrawDigit(uint64_t seed, Split split, int64_t index, std::span<uint8_t> image);

// The first `size` digits of a split, drawn once and held in memory. Errors: a size outside
// [1, kMaxDigits].
absl::StatusOr<std::shared_ptr<const Dataset>> MakeDigits(Split split, int64_t size,
                                                          uint64_t seed = kDigitsSeed);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_DIGITS_H_
