#ifndef WEFT_FRONTEND_DATA_IDX_H_
#define WEFT_FRONTEND_DATA_IDX_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

// The limit on the decompressed bytes of one IDX file.
inline constexpr int64_t kMaxIdxBytes = int64_t{1} << 30;

// Reads an IDX file of unsigned bytes (http://yann.lecun.com/exdb/mnist), raw or gzip, told apart
// by the first bytes, as a u8 tensor. Errors name the file, what was expected and what is there:
// neither format, another element type, no or too many dims, more than `max_bytes`, data that end
// early, go on too long or fail gzip's checksum. Nothing larger than about the file's own size
// times gzip's greatest ratio (1032) is allocated, whatever the header claims.
absl::StatusOr<Tensor> ReadIdx(const std::string& path, int64_t max_bytes = kMaxIdxBytes);
// The same for bytes in memory; `name` stands for the file in errors.
absl::StatusOr<Tensor> ParseIdx(std::span<const std::byte> bytes, const std::string& name,
                                int64_t max_bytes = kMaxIdxBytes);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_IDX_H_
