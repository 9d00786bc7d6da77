#ifndef WEFT_FRONTEND_DATA_MEMORY_H_
#define WEFT_FRONTEND_DATA_MEMORY_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "frontend/data/dataset.h"
#include "graph/tensor.h"

namespace weft {

// A data set held in memory as bytes: `images` is u8, size x C*H*W elements in all, whatever its
// dims; a byte b reads as b/255. `labels` has one entry an image. info.size is taken from `labels`.
// Errors: no example, images and labels that disagree, a label that is no index into class_names.
absl::StatusOr<std::shared_ptr<const Dataset>> MakeMemoryDataset(DatasetInfo info, Tensor images,
                                                                 std::vector<uint8_t> labels);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_MEMORY_H_
