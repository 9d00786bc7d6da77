#ifndef WEFT_GRAPH_FILE_FILE_SYSTEM_H_
#define WEFT_GRAPH_FILE_FILE_SYSTEM_H_

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
  virtual absl::Status Sync() = 0;  // fsync
  // What only closing tells, of a remote disk for one. The file is still held, as the object lives.
  virtual absl::Status Close() = 0;
};

// The operations that atomic saving needs, so that tests can make each of them fail.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // Makes a new file, which is held (by a lock that ends with this process) as long as the object
  // lives. Errors: AlreadyExists where there is one.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // Gives a file a second name. Errors: AlreadyExists where there is one of that name;
  // PermissionDenied or Unimplemented where the file system has no such names.
  virtual absl::Status Link(const std::string& from, const std::string& to) = 0;
  virtual absl::Status SyncFolder(const std::string& folder) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;
  // Removes a file of Create that nobody holds, in whatever process or container; another, and one
  // of a file system that has no such locks, stays.
  virtual void RemoveAbandoned(const std::string& path) = 0;
};

FileSystem& PosixFileSystem();

// Replaces `path` as a whole or not at all: `write` fills a temporary file beside it, which is
// synced and renamed over it, and then the folder is synced. After an error the temporary file is
// removed and the old file, if there was one, untouched; only when the folder's sync fails is the
// new one in its place, whole, though it may not outlive a power failure. Temporary files that a
// killed writer has left in the folder are removed first. A symbolic link is replaced, not
// followed; a folder is refused. Errors name the path.
absl::Status WriteAtomically(FileSystem& fs, const std::string& path,
                             const std::function<absl::Status(WritableFile&)>& write);

// A whole file, mapped read-only at a page's boundary. `owner` keeps the mapping alive. Reading it
// raises SIGBUS if someone truncates the file meanwhile. Errors name the path: no such file, not a
// regular file.
struct MappedFile {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};
absl::StatusOr<MappedFile> MapFile(const std::string& path);
// The same for a file that another file names: it must lie inside `folder`, so that `relative` has
// no "..", and no part of it is a symbolic link. Errors name `relative`: these, and MapFile's.
absl::StatusOr<MappedFile> MapFileInside(const std::string& folder, const std::string& relative);

}  // namespace weft

#endif  // WEFT_GRAPH_FILE_FILE_SYSTEM_H_
