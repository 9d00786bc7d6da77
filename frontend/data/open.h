#ifndef WEFT_FRONTEND_DATA_OPEN_H_
#define WEFT_FRONTEND_DATA_OPEN_H_

#include <memory>
#include <string_view>

#include "frontend/data/dataset.h"

namespace weft {

// Opens one split of a data set by its specification:
//   digits      the embedded handwriting, 20000 training and 4000 test images
//   digits:N    the same with N training and N/5 test images, rounded up
//   mnist:DIR   a folder with MNIST's four files
// Errors: another specification (the message lists these), whatever the data set says.
absl::StatusOr<std::shared_ptr<const Dataset>> OpenDataset(std::string_view spec, Split split);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_OPEN_H_
