#include "frontend/io/read_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>

namespace weft {
namespace {

constexpr size_t kFirstChunk = size_t{1} << 16;  // most pictures fit
constexpr size_t kMostChunk = size_t{1} << 20;

absl::Status Failure(const std::string& path, int error) {
  const std::string message =
      absl::StrCat(path, ": ", std::error_code(error, std::generic_category()).message());
  return error == ENOENT ? absl::NotFoundError(message) : absl::FailedPreconditionError(message);
}

}  // namespace

absl::StatusOr<std::vector<std::byte>> ReadFile(const std::string& path, int64_t max_bytes) {
  errno = 0;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (file == nullptr) return Failure(path, errno);
  std::vector<std::byte> bytes;
  // Grown by what is really there: pipes have no size, and a size may lie.
  for (size_t chunk = kFirstChunk;; chunk = std::min(2 * chunk, kMostChunk)) {
    const size_t old = bytes.size();
    bytes.resize(old + chunk);
    const size_t got = std::fread(bytes.data() + old, 1, chunk, file.get());
    bytes.resize(old + got);
    if (static_cast<int64_t>(bytes.size()) > max_bytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat(path, ": the file has more than ", max_bytes, " bytes, the limit"));
    }
    if (std::ferror(file.get()) != 0) return Failure(path, errno);
    if (got < chunk) return bytes;
  }
}

}  // namespace weft
