#ifndef WEFT_FRONTEND_IO_BMP_H_
#define WEFT_FRONTEND_IO_BMP_H_

#include <cstddef>
#include <span>

#include "frontend/io/decode.h"
#include "frontend/io/picture.h"

namespace weft {

// Whether the bytes begin as BMP files do.
bool IsBmp(std::span<const std::byte> bytes);

// Decodes a Windows bitmap: 1, 4 or 8 bits with a palette (gray where all its colors are; also
// run-length coded, see bmp_runs.h), 16 and 32 bits (with masks of the channels too; an alpha mask
// is composited on the background) or 24, bottom-up or top-down. Errors: a malformed header, cut
// off, an index beyond the palette, more than options.max_pixels pixels (before they are decoded).
absl::StatusOr<Picture> DecodeBmp(std::span<const std::byte> bytes, const DecodeOptions& options);

// The indices of an image with a palette. Errors besides: an image without one.
absl::StatusOr<Picture> DecodeBmpMask(std::span<const std::byte> bytes,
                                      const DecodeOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_BMP_H_
