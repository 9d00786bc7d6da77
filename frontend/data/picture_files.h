#ifndef WEFT_FRONTEND_DATA_PICTURE_FILES_H_
#define WEFT_FRONTEND_DATA_PICTURE_FILES_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frontend/data/data_options.h"
#include "frontend/data/dataset.h"

namespace weft {

// Pictures in files, and what each is labelled with: a class, the classes of its pixels, or
// info.label_dims numbers, where info.targets says so. Where examples have parts (info.parts), the
// first is the picture, and the numbers of all others, picture by picture, are `rest`.
struct PictureFiles {
  std::vector<std::string> pictures;
  // What is in the pictures' files, which then are only names and are not read: none, or one each,
  // and they must live as long as this.
  std::vector<std::span<const std::byte>> contents = {};
  std::vector<int64_t> labels = {};
  std::vector<std::string> masks = {};
  std::vector<float> targets = {};
  std::vector<float> rest = {};
};

// Those at `indices`.
PictureFiles ChosenFiles(const PictureFiles& files, std::span<const int64_t> indices);
// Where options.skip_unreadable says so, those that can be read, their masks too; all otherwise.
// Errors: none can be read.
absl::StatusOr<PictureFiles> ReadableFiles(PictureFiles files, const DataOptions& options);

// A data set of them, each decoded when it is read, by whichever thread. Read gives the size of
// info.preprocessing (see PreprocessingOfPictures), masks by their nearest pixels; ReadSource the
// pictures as they are. Sets info's size, `pictures` and, for masks, label_dims. Reading errors
// name the file: unreadable, a mask of another size than its picture, a class that has no name.
absl::StatusOr<std::shared_ptr<const Dataset>> MakePictureFiles(DatasetInfo info,
                                                                PictureFiles files);

// What a model trained on these pictures is fed: gray where all are gray, else rgb; the size that
// options.image_size says; mean and deviation of the pixels. Found from at most 256 of the
// pictures, evenly spread, leaving out unreadable ones. Errors: none of them can be read, a
// negative size.
absl::StatusOr<Preprocessing> PreprocessingOfPictures(std::span<const std::string> paths,
                                                      const DataOptions& options);

// Where example `index` comes from, for messages: its file, or "example 7".
std::string ExampleName(const Dataset& dataset, int64_t index);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_PICTURE_FILES_H_
