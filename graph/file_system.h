#ifndef WEFT_GRAPH_FILE_SYSTEM_H_
#define WEFT_GRAPH_FILE_SYSTEM_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "graph/status.h"

namespace weft {

// A file being written, in order.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual absl::Status Append(std::span<const std::byte> bytes) = 0;
  virtual absl::Status Sync() = 0;   // fsync
  virtual absl::Status Close() = 0;
};

// The operations that atomic saving needs, so that tests can make each of them fail.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual absl::Status SyncFolder(const std::string& folder) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;
};

FileSystem& PosixFileSystem();

// Replaces `path` as a whole or not at all: `write` fills a temporary file beside it, which is
// synced and renamed over it, and then the folder is synced. After any error the old file, if there
// was one, is untouched and the temporary one removed.
absl::Status WriteAtomically(FileSystem& fs, const std::string& path,
                             const std::function<absl::Status(WritableFile&)>& write);

// A whole file, mapped read-only. `owner` keeps the mapping alive. Errors name the path.
struct MappedFile {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};
absl::StatusOr<MappedFile> MapFile(const std::string& path);

}  // namespace weft

#endif  // WEFT_GRAPH_FILE_SYSTEM_H_
