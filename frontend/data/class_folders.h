#ifndef WEFT_FRONTEND_DATA_CLASS_FOLDERS_H_
#define WEFT_FRONTEND_DATA_CLASS_FOLDERS_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/data/data_options.h"
#include "frontend/data/dataset.h"

namespace weft {

// Whether a folder's entry is a file that somebody may mean: no hidden one, no folder, no pipe. A
// link that leads nowhere is one, which cannot be read.
bool IsListedFile(const std::filesystem::directory_entry& entry);

struct LabelledFile {
  std::string path;
  int64_t label = 0;
};

// One split of files that lie in a folder for each class.
struct ClassFiles {
  std::vector<std::string> class_names = {};  // the folders' names, sorted
  std::vector<LabelledFile> train = {};       // by class, then by name
  std::vector<LabelledFile> files = {};       // of the split that was asked for
  int64_t ignored = 0;  // files there whose names say that they are something else
};

// Lists FOLDER/train/CLASS/... and FOLDER/val/CLASS/... (see FindSplitFolders), or FOLDER/CLASS/...
// of which options.val_split is held out. Folders in a class's folder are its too; what begins with
// a dot is nobody's. `what` says in errors what `wanted` takes, "images". Errors name the folder:
// missing, no class, a class without files, a class that training lacks, those of CheckSplit.
absl::StatusOr<ClassFiles> ListClassFiles(const std::string& folder, Split split,
                                          const DataOptions& options, const std::string& what,
                                          bool (*wanted)(std::string_view));

// Which of `count` things `read` succeeds on, ascending, by several threads. Errors: none of them,
// with the first one's.
absl::StatusOr<std::vector<int64_t>> ReadableIndices(
    int64_t count, const std::function<absl::Status(int64_t)>& read);

// "3 other files, 1 unreadable left out", or nothing.
std::string LeftOutNote(int64_t ignored, int64_t unreadable);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_CLASS_FOLDERS_H_
