#ifndef WEFT_FRONTEND_IO_READ_FILE_H_
#define WEFT_FRONTEND_IO_READ_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "graph/status.h"

namespace weft {

// The limit on the size in bytes of the data files that we read whole.
inline constexpr int64_t kMaxFileBytes = int64_t{4} << 30;

// The bytes of a file, copied (a mapped file that somebody truncates would kill the process).
// Errors name the path: missing, unreadable, a folder, more than `max_bytes`.
absl::StatusOr<std::vector<std::byte>> ReadFile(const std::string& path,
                                                int64_t max_bytes = kMaxFileBytes);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_READ_FILE_H_
