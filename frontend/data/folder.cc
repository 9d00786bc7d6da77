#include "frontend/data/folder.h"

#include <utility>

#include "frontend/data/class_folders.h"
#include "frontend/data/picture_files.h"
#include "frontend/data/split.h"
#include "frontend/io/decode.h"

namespace weft {

absl::StatusOr<std::shared_ptr<const Dataset>> OpenFolder(const std::string& folder, Split split,
                                                          const DataOptions& options) {
  WEFT_ASSIGN_OR_RETURN(ClassFiles listed,
                        ListClassFiles(folder, split, options, "images", &IsImageName));
  std::vector<std::string> train;
  for (const LabelledFile& file : listed.train) train.push_back(file.path);
  const auto preprocessing = PreprocessingOfPictures(train, options);
  if (!preprocessing.ok()) return Annotate(preprocessing.status(), "folder:" + folder);
  PictureFiles files;
  for (const LabelledFile& file : listed.files) {
    files.pictures.push_back(file.path);
    files.labels.push_back(file.label);
  }
  WEFT_ASSIGN_OR_RETURN(files, ReadableFiles(std::move(files), options));
  const auto unreadable = static_cast<int64_t>(listed.files.size() - files.pictures.size());
  return MakePictureFiles(
      {.name = SplitName("folder:" + folder, split, LeftOutNote(listed.ignored, unreadable)),
       .class_names = listed.class_names,
       .preprocessing = *preprocessing},
      std::move(files));
}

}  // namespace weft
