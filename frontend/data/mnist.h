#ifndef WEFT_FRONTEND_DATA_MNIST_H_
#define WEFT_FRONTEND_DATA_MNIST_H_

#include <memory>
#include <string>

#include "frontend/data/dataset.h"

namespace weft {

// One split of MNIST, or of Fashion-MNIST (https://github.com/zalandoresearch/fashion-mnist), from
// a folder with MNIST's four files: {train,t10k}-{images-idx3,labels-idx1}-ubyte, each raw or with
// .gz. Held in memory. Errors name the file: missing, unreadable (ReadIdx), images that are not
// 28x28, counts of images and labels that differ, a label above 9.
absl::StatusOr<std::shared_ptr<const Dataset>> OpenMnist(const std::string& folder, Split split);
absl::StatusOr<std::shared_ptr<const Dataset>> OpenFashionMnist(const std::string& folder,
                                                                Split split);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_MNIST_H_
