#ifndef WEFT_FRONTEND_IO_RGB_IMAGE_H_
#define WEFT_FRONTEND_IO_RGB_IMAGE_H_

#include <cstdint>
#include <vector>

#include "graph/status.h"

namespace weft {

// Height, width and bytes [H,W,3].
struct RgbImage {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> pixels = {};
};

// An error for an image that is too large to be decoded.
inline absl::Status CheckPixelCount(int64_t height, int64_t width, int64_t max_pixels) {
  if (height * width <= max_pixels) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("image is ", height, "x", width, ", the limit is ", max_pixels, " pixels"));
}

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_RGB_IMAGE_H_
