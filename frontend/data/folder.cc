#include "frontend/data/folder.h"

#include "frontend/data/class_folders.h"
#include "frontend/data/picture_files.h"
#include "frontend/data/split.h"
#include "frontend/io/decode.h"

namespace weft {

absl::StatusOr<std::shared_ptr<const Dataset>> OpenFolder(const std::string& folder, Split split,
                                                          const DataOptions& options) {
  WEFT_ASSIGN_OR_RETURN(ClassFiles listed,
                        ListClassFiles(folder, split, options, "images", &IsImageName));
  int64_t unreadable = 0;
  if (options.skip_unreadable) {
    // An eighth of the size: all of a file is read, little is computed.
    const auto read = [](const std::string& path) {
      return LoadPicture(path, {.min_height = 1, .min_width = 1}).status();
    };
    WEFT_ASSIGN_OR_RETURN(unreadable, LeaveOutUnreadable(listed.files, read));
  }
  std::vector<std::string> train;
  for (const LabelledFile& file : listed.train) train.push_back(file.path);
  const auto preprocessing = PreprocessingOfPictures(train, options);
  if (!preprocessing.ok()) return Annotate(preprocessing.status(), "folder:" + folder);
  PictureFiles files;
  for (const LabelledFile& file : listed.files) {
    files.pictures.push_back(file.path);
    files.labels.push_back(file.label);
  }
  return MakePictureFiles(
      {.name = SplitName("folder:" + folder, split, LeftOutNote(listed.ignored, unreadable)),
       .class_names = listed.class_names,
       .preprocessing = *preprocessing},
      std::move(files));
}

}  // namespace weft
