#ifndef WEFT_FRONTEND_IO_JPEG_H_
#define WEFT_FRONTEND_IO_JPEG_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "frontend/io/picture.h"

namespace weft {

// Whether the bytes begin as JPEG files do.
bool IsJpeg(std::span<const std::byte> bytes);

// Decodes a JPEG file, baseline or progressive, gray or of colors, and turns it as its Exif
// orientation says. Errors: CMYK, cut off anywhere, or damaged where the data show it, more than
// `max_pixels` pixels (before they are decoded), more scans than an encoder makes.
absl::StatusOr<Picture> DecodeJpeg(std::span<const std::byte> bytes, int64_t max_pixels);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_JPEG_H_
