#include "frontend/onnx/external_data.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "absl/strings/str_split.h"

namespace weft {
namespace {

// An open file or folder, closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status Failure(const std::string& location, std::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat("external data '", location, "': ", std::string(what)));
}

absl::Status SystemFailure(const std::string& location) {
  if (errno == ELOOP || errno == ENOTDIR) {
    return Failure(location, "expected folders and a file, got a symbolic link or a wrong kind");
  }
  return Failure(location, std::error_code(errno, std::generic_category()).message());
}

absl::StatusOr<std::vector<std::string>> PartsOf(const std::string& location) {
  std::vector<std::string> parts;
  if (location.find('\0') != std::string::npos) return Failure(location, "a name with a zero byte");
  if (location.starts_with('/')) return Failure(location, "expected a relative path");
  for (std::string& part : std::vector<std::string>(absl::StrSplit(location, '/'))) {
    if (part == "..") return Failure(location, "leads out of the model's folder");
    if (!part.empty() && part != ".") parts.push_back(std::move(part));
  }
  if (parts.empty()) return Failure(location, "expected a path");
  return parts;
}

// Opened part by part, so that no link on the way is followed.
absl::StatusOr<Descriptor> Open(const std::string& folder, const std::string& location) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::string> parts, PartsOf(location));
  Descriptor at(open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (size_t i = 0; i < parts.size() && at.get() >= 0; ++i) {
    // Non-blocking: a pipe must not be waited for before it is seen to be no regular file.
    const int kind = i + 1 < parts.size() ? O_DIRECTORY : O_NONBLOCK;
    at = Descriptor(openat(at.get(), parts[i].c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind));
  }
  if (at.get() < 0) return SystemFailure(location);
  return at;
}

absl::StatusOr<MappedFile> Map(const std::string& folder, const std::string& location) {
  WEFT_ASSIGN_OR_RETURN(const Descriptor file, Open(folder, location));
  struct stat status = {};
  if (fstat(file.get(), &status) != 0) return SystemFailure(location);
  if (!S_ISREG(status.st_mode)) return Failure(location, "expected a regular file");
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return MappedFile{};
  void* start = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (start == MAP_FAILED) return SystemFailure(location);
  return MappedFile{{static_cast<const std::byte*>(start), size},
                    std::shared_ptr<const void>(
                        start, [size](const void* p) { munmap(const_cast<void*>(p), size); })};
}

}  // namespace

absl::StatusOr<MappedFile> ExternalData::Read(const std::string& location, uint64_t offset,
                                              std::optional<uint64_t> length) {
  auto it = files_.find(location);
  if (it == files_.end()) {
    WEFT_ASSIGN_OR_RETURN(MappedFile file, Map(folder_, location));
    it = files_.emplace(location, std::move(file)).first;
  }
  const MappedFile& file = it->second;
  const uint64_t size = file.bytes.size();
  if (offset > size || (length && *length > size - offset)) {
    return Failure(location, absl::StrCat("expected ", length.value_or(0), " bytes at offset ",
                                          offset, ", the file has ", size));
  }
  return MappedFile{file.bytes.subspan(offset, length.value_or(size - offset)), file.owner};
}

}  // namespace weft
