#ifndef WEFT_FRONTEND_DATA_CIFAR_H_
#define WEFT_FRONTEND_DATA_CIFAR_H_

#include <memory>
#include <string>

#include "frontend/data/dataset.h"

namespace weft {

// CIFAR-10 and CIFAR-100 in the binary version (https://www.cs.toronto.edu/~kriz/cifar.html), from
// a folder with its files or one with the archive's folder in it, held in memory: data_batch_1.bin
// to data_batch_5.bin and test_batch.bin; train.bin and test.bin, whose labels are the fine ones.
// Names of classes come from batches.meta.txt and fine_label_names.txt, or are numbers. Errors name
// the file: missing, not of whole records, a label out of range.
absl::StatusOr<std::shared_ptr<const Dataset>> OpenCifar10(const std::string& folder, Split split);
absl::StatusOr<std::shared_ptr<const Dataset>> OpenCifar100(const std::string& folder, Split split);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_CIFAR_H_
