#ifndef WEFT_FRONTEND_BUILD_LAYERS_EXTENT_H_
#define WEFT_FRONTEND_BUILD_LAYERS_EXTENT_H_

#include <cstdint>
#include <vector>

namespace weft {

// Height and width: 5 is {5, 5}.
struct Extent2 {
  Extent2() = default;
  Extent2(int64_t both) : height(both), width(both) {}  // NOLINT: one number stands for both
  Extent2(int64_t h, int64_t w) : height(h), width(w) {}
  friend bool operator==(const Extent2&, const Extent2&) = default;

  int64_t height = 0;
  int64_t width = 0;
};

// Depth, height and width: 5 is {5, 5, 5}.
struct Extent3 {
  Extent3() = default;
  Extent3(int64_t all) : depth(all), height(all), width(all) {}  // NOLINT: as above
  Extent3(int64_t d, int64_t h, int64_t w) : depth(d), height(h), width(w) {}
  friend bool operator==(const Extent3&, const Extent3&) = default;

  int64_t depth = 0;
  int64_t height = 0;
  int64_t width = 0;
};

// One entry an axis.
inline std::vector<int64_t> ListOf(int64_t e) { return {e}; }
inline std::vector<int64_t> ListOf(const Extent2& e) { return {e.height, e.width}; }
inline std::vector<int64_t> ListOf(const Extent3& e) { return {e.depth, e.height, e.width}; }

inline std::vector<int64_t> PairOf(const Extent2& e) { return {e.height, e.width}; }
// As ONNX's pads: the begin of each axis, then the ends.
inline std::vector<int64_t> PadsOf(const Extent2& e) {
  return {e.height, e.width, e.height, e.width};
}

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_EXTENT_H_
