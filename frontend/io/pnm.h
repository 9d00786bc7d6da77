#ifndef WEFT_FRONTEND_IO_PNM_H_
#define WEFT_FRONTEND_IO_PNM_H_

#include <cstddef>
#include <span>

#include "frontend/io/decode.h"
#include "frontend/io/picture.h"

namespace weft {

// Whether the bytes begin as PGM or PPM files do: P2, P3, P5 or P6 and white space.
bool IsPnm(std::span<const std::byte> bytes);

// Decodes PGM (P2, P5) and PPM (P3, P6), https://netpbm.sourceforge.net/doc/ppm.html: the first
// image of the file, levels of up to 65535 scaled to 255. Errors: a malformed header, a sample
// above the largest, cut off, more than options.max_pixels pixels (before they are decoded).
absl::StatusOr<Picture> DecodePnm(std::span<const std::byte> bytes, const DecodeOptions& options);

// The levels of a PGM as they are stored, not scaled. Errors besides: colors, levels above 255.
absl::StatusOr<Picture> DecodePnmMask(std::span<const std::byte> bytes,
                                      const DecodeOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_PNM_H_
