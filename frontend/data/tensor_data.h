#ifndef WEFT_FRONTEND_DATA_TENSOR_DATA_H_
#define WEFT_FRONTEND_DATA_TENSOR_DATA_H_

#include <cstdint>
#include <memory>

#include "frontend/data/data_options.h"
#include "frontend/data/dataset.h"
#include "graph/tensor.h"

namespace weft {

// Examples x[N,...] of any rank and element type and their labels y[N,...]: classes where y is of
// integers, numbers to be given (DatasetInfo::targets) where it is of floating point.
struct TensorExamples {
  Tensor x, y;
};

// A data set of them. Bytes are levels, b/255: u8[N,H,W] are gray images, u8[N,C,H,W] and
// u8[N,H,W,C] with 1 or 3 channels images too, and so is floating-point [N,C,H,W], whose values are
// taken as they are. All else are signals, volumes or features of x's dims; i32 and i64 are tokens.
// The tensors may be mapped files. Without info.class_names classes are numbered up to the highest
// label. Sets info's size, dims, label_dims, targets, tokens and, where its mean is empty,
// preprocessing: mean and deviation of at most 1024 examples, evenly spread, one for each channel
// of images and one for all else. Errors: counts of x and y that differ, no example, a label
// without a name or below 0, values of x that SetMeanAndDeviation refuses.
absl::StatusOr<std::shared_ptr<const Dataset>> MakeTensorDataset(DatasetInfo info,
                                                                 TensorExamples examples);

// One split of examples that lie in one tensor: all, or options.val_split of them, stratified by
// class where there is one label an example; the preprocessing is that of the training part.
absl::StatusOr<std::shared_ptr<const Dataset>> SplitTensorDataset(DatasetInfo info,
                                                                  TensorExamples examples,
                                                                  Split split,
                                                                  const DataOptions& options);

// PATH/x.npy and y.npy, mapped, with x_test.npy and y_test.npy (or x_val, y_val) or a share held
// out, and classes.txt for names. Or, for a model with several inputs, x_NAME.npy for each, with
// x_NAME_test.npy: the parts of the examples. If one of them alone is of images, it comes first and
// is normalised; all others stay as they are. Errors: missing or malformed files, one that is held
// out of none, test examples of other dims or another kind of element than
// training's, those of MakeTensorDataset and CheckSplit.
absl::StatusOr<std::shared_ptr<const Dataset>> OpenNpy(const std::string& path, Split split,
                                                       const DataOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_TENSOR_DATA_H_
