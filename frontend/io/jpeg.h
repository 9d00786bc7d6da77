#ifndef WEFT_FRONTEND_IO_JPEG_H_
#define WEFT_FRONTEND_IO_JPEG_H_

#include <cstddef>
#include <span>

#include "frontend/io/decode.h"
#include "frontend/io/picture.h"

namespace weft {

// Whether the bytes begin as JPEG files do.
bool IsJpeg(std::span<const std::byte> bytes);

// Decodes a JPEG file, baseline or progressive, gray, of colors or of inks (CMYK, inverted where
// Adobe's marker says whose it is), and turns it as its Exif orientation says; smaller where the
// options allow it. Errors: cut off anywhere, or damaged where the data show it, more than
// options.max_pixels pixels (before they are decoded), more scans than an encoder makes.
absl::StatusOr<Picture> DecodeJpeg(std::span<const std::byte> bytes, const DecodeOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_JPEG_H_
