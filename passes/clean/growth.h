#ifndef WEFT_PASSES_CLEAN_GROWTH_H_
#define WEFT_PASSES_CLEAN_GROWTH_H_

#include <cstddef>

namespace weft {

// A result that fold_constants computes may be this large whatever it is made from, or this many
// times as large as the constants that it is made from: the product of two 1x1 convolutions that
// reduce the image to a quarter each way may be 16 times as large as both. All results together may
// add as much to all constants.
inline constexpr size_t kFreeBytes = size_t{64} << 10;
inline constexpr size_t kMostGrowth = 16;

inline bool MayBeFolded(size_t bytes, size_t from) {
  return bytes <= kFreeBytes || bytes / kMostGrowth <= from;
}

}  // namespace weft

#endif  // WEFT_PASSES_CLEAN_GROWTH_H_
