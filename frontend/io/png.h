#ifndef WEFT_FRONTEND_IO_PNG_H_
#define WEFT_FRONTEND_IO_PNG_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "frontend/io/decode.h"
#include "frontend/io/picture.h"

namespace weft {

// Whether the bytes begin as PNG files do.
bool IsPng(std::span<const std::byte> bytes);

// Decodes a PNG file of any kind. Errors: damaged or cut off anywhere (the checksum of every chunk
// is verified), more than options.max_pixels pixels (before they are decoded).
absl::StatusOr<Picture> DecodePng(std::span<const std::byte> bytes, const DecodeOptions& options);

// The values of a gray image, or the indices of one with a palette, as they are stored. Errors
// besides: an image of colors or with transparency, 16 bits.
absl::StatusOr<Picture> DecodePngMask(std::span<const std::byte> bytes,
                                      const DecodeOptions& options);

// A picture of 1 or 3 channels as a PNG file. Errors: another number of channels, pixels that are
// not height * width * channels.
absl::StatusOr<std::vector<std::byte>> EncodePng(const Picture& picture);
// The same into a file, whole or not at all.
absl::Status WritePng(const std::string& path, const Picture& picture);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_PNG_H_
