#ifndef WEFT_GRAPH_FILE_WRITE_ALL_H_
#define WEFT_GRAPH_FILE_WRITE_ALL_H_

#include <functional>
#include <span>
#include <string>

#include "graph/file/file_system.h"

namespace weft {

struct FileToWrite {
  std::string path;
  std::function<absl::Status(WritableFile&)> write;
};

// WriteAtomically (file_system.h) for files that belong together, the one that names the others
// last: all are written and synced beside their places, then renamed in this order, each old file
// but the last kept until the end under a second name (a copy where the file system has no links).
// At every moment each path holds its old or its new file, whole. After an error all old files are
// as they were, unless putting them back fails too; only when the last sync fails are the new ones
// in their places. A kill or a power failure between two renames can still part them: the old file
// is then in its folder, under a name of ours (.weft-*.old) that later writes step over.
absl::Status WriteAllAtomically(FileSystem& fs, std::span<const FileToWrite> files);

}  // namespace weft

#endif  // WEFT_GRAPH_FILE_WRITE_ALL_H_
