#ifndef WEFT_FRONTEND_DATA_OPEN_H_
#define WEFT_FRONTEND_DATA_OPEN_H_

#include <memory>
#include <string>
#include <string_view>

#include "frontend/data/data_options.h"
#include "frontend/data/dataset.h"

namespace weft {

// Opens one split of a data set by its specification:
//   digits             the embedded handwriting, 20000 training and 4000 test images
//   digits:N           the same with N training and N/5 test images, rounded up
//   mnist:DIR          a folder with MNIST's four files
//   fashion-mnist:DIR  the same with Fashion-MNIST's
//   cifar10:DIR        a folder with CIFAR's binary files
//   cifar100:DIR
//   folder:DIR         images in a folder for each class (frontend/data/folder.h)
//   masks:DIR          images and segmentation masks (likewise)
//   csv:FILE           features, images' paths, or both, and labels in columns
//                      (frontend/data/csv.h)
//   npy:DIR            x.npy, or x_NAME.npy for each of several inputs, and y.npy
//                      (frontend/data/tensor_data.h)
//   wav:DIR            sounds in a folder for each class (frontend/data/wav.h)
// Errors: another specification (the message lists these), whatever the data set says, names that
// are not UTF-8, which no model can keep.
absl::StatusOr<std::shared_ptr<const Dataset>> OpenDataset(std::string_view spec, Split split,
                                                           const DataOptions& options = {});

// The specifications that OpenDataset takes, for messages: "digits, digits:N, mnist:DIR, ...".
std::string DataSpecs();

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_OPEN_H_
