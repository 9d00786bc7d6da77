#ifndef WEFT_FRONTEND_IO_DECODE_H_
#define WEFT_FRONTEND_IO_DECODE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "frontend/io/picture.h"

namespace weft {

struct DecodeOptions {
  // Transparent pixels show this gray level: white, as on paper; 0 is black.
  uint8_t background = 255;
  // Images with more pixels are refused before they are decoded.
  int64_t max_pixels = int64_t{1} << 26;
  // Where both are given, a JPEG may come at a half, a quarter or an eighth of its size that is at
  // least so large: what is shrunk afterwards anyway decodes several times as fast.
  int64_t min_height = 0;
  int64_t min_width = 0;
};

// Whether a file's name ends as an image's that we decode, in any case: .png, .jpg, .jpeg, .bmp,
// .ppm, .pgm or .pnm.
bool IsImageName(std::string_view path);

// Decodes an image whose format its bytes say: PNG (any color type, bit depth and interlacing),
// JPEG (baseline or progressive, gray, color or CMYK; turned as its Exif orientation says), BMP (1,
// 4, 8, 16, 24 or 32 bits, run-length coded too) or PPM and PGM (as text or raw). 16-bit samples
// are reduced to 8, transparency is composited on the background; what is stored as gray has one
// channel. Errors begin with `name`: another format, damaged or cut off anywhere (every checksum of
// PNG's chunks is verified), too many pixels.
absl::StatusOr<Picture> DecodePicture(std::span<const std::byte> bytes, const std::string& name,
                                      const DecodeOptions& options = {});
// The same for a file. Errors besides: an unreadable one.
absl::StatusOr<Picture> LoadPicture(const std::string& path, const DecodeOptions& options = {});

// A segmentation mask: PNG, BMP or PGM of one channel whose values are the classes; of an image
// with a palette, its indices. Errors besides: an image of colors, a JPEG, whose values are not
// exact. `name` stands for the file in errors.
absl::StatusOr<Picture> DecodeMask(std::span<const std::byte> bytes, const std::string& name,
                                   const DecodeOptions& options = {});
absl::StatusOr<Picture> LoadMask(const std::string& path, const DecodeOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_DECODE_H_
