#ifndef WEFT_FRONTEND_IO_PICTURE_H_
#define WEFT_FRONTEND_IO_PICTURE_H_

#include <cstdint>
#include <vector>

#include "graph/status.h"

namespace weft {

// An image as files have it: bytes [height,width,channels], rows from the top. 1 channel is gray
// (or the classes of a mask), 3 are red, green and blue.
struct Picture {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 3;
  std::vector<uint8_t> pixels = {};
  friend bool operator==(const Picture&, const Picture&) = default;
};

// ITU-R 601 luma of red, green and blue, in PIL's fixed point.
inline uint8_t LumaOf(const uint8_t* rgb) {
  return static_cast<uint8_t>((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}

// An error for an image that is too large to be decoded.
inline absl::Status CheckPixelCount(int64_t height, int64_t width, int64_t max_pixels) {
  if (height * width <= max_pixels) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("image is ", height, "x", width, ", the limit is ", max_pixels, " pixels"));
}

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_PICTURE_H_
