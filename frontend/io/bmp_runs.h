#ifndef WEFT_FRONTEND_IO_BMP_RUNS_H_
#define WEFT_FRONTEND_IO_BMP_RUNS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "frontend/io/picture.h"
#include "graph/status.h"

namespace weft {

// The indices of a run-length coded bitmap, BI_RLE8 or BI_RLE4 as `bits` is 8 or 4, whose rows come
// from the bottom up; 0 where the code skips pixels. Errors: data that end early, pixels outside.
absl::StatusOr<Picture> DecodeBmpRuns(std::span<const std::byte> data, uint32_t bits,
                                      int64_t height, int64_t width);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_BMP_RUNS_H_
