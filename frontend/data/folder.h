#ifndef WEFT_FRONTEND_DATA_FOLDER_H_
#define WEFT_FRONTEND_DATA_FOLDER_H_

#include <memory>
#include <string>

#include "frontend/data/data_options.h"
#include "frontend/data/dataset.h"

namespace weft {

// Images in a folder for each class, FOLDER/train/CLASS/x.jpg and FOLDER/val/CLASS/y.jpg, or
// FOLDER/CLASS/x.jpg, of which a share is held out: see ListClassFiles, and MakePictureFiles for
// how they are read. Its name says how many files were left out. Errors: those of both.
absl::StatusOr<std::shared_ptr<const Dataset>> OpenFolder(const std::string& folder, Split split,
                                                          const DataOptions& options);

// Images and masks of equal names, FOLDER/train/images/a.jpg and FOLDER/train/masks/a.png, val
// likewise, or both without train/: the values of a mask (LoadMask) are the classes of the pixels.
// FOLDER/classes.txt names them, one a line; without it they are numbered up to the highest one in
// the training masks. Errors: a picture without a mask, no picture, those of FindSplitFolders and
// CheckSplit.
absl::StatusOr<std::shared_ptr<const Dataset>> OpenMasks(const std::string& folder, Split split,
                                                         const DataOptions& options);

// The lines of FOLDER/classes.txt, or none where there is no such file.
absl::StatusOr<std::vector<std::string>> ReadClassNames(const std::string& folder);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_FOLDER_H_
