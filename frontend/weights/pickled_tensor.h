#ifndef WEFT_FRONTEND_WEIGHTS_PICKLED_TENSOR_H_
#define WEFT_FRONTEND_WEIGHTS_PICKLED_TENSOR_H_

#include <cstdint>
#include <optional>
#include <string>

#include "frontend/weights/storage.h"
#include "graph/type.h"

namespace weft {

// Elements of a storage.
struct StorageView {
  int64_t offset = 0;
  Dims dims;
  Dims strides;  // in elements; as long as dims
  int64_t elements = 0;
};

bool IsRowMajor(const StorageView& view);

// A tensor in a pickle: a view of a storage, or a kind of tensor that Weft has none for.
struct PickledTensor {
  StorageId storage;
  const TorchType* type = nullptr;  // of its elements, which are its storage's or of plain bytes
  StorageView view;                 // from the storage's first element on
  std::string unsupported;          // "c64[3,4]", "sparse"; empty: the storage holds its values
};

// Whether an object is a tensor or a parameter: what one of the functions of torch._utils rebuilds.
bool IsTensor(const PickleObject& object);
// What IsTensor is true of. Errors: arguments that are not the function's, dims, strides or an
// offset beyond the storage.
absl::StatusOr<PickledTensor> ReadPickledTensor(const PickleObject& object);
// How many elements it has, where that is easy to see; else 0.
int64_t CountTensorElements(const PickleObject& object);

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_PICKLED_TENSOR_H_
