#ifndef WEFT_FRONTEND_ONNX_IMPORT_CONSTANT_H_
#define WEFT_FRONTEND_ONNX_IMPORT_CONSTANT_H_

#include "frontend/onnx/tensor_proto.h"
#include "graph/evaluate.h"

namespace weft {

// The elements of a Constant node. Errors: other than one attribute, a kind that we lack.
absl::StatusOr<Tensor> TensorOfConstant(const onnx::NodeProto& node, const TensorSource& source,
                                        KnownBudget& budget);

// A sparse tensor with its zeros, whose bytes are taken from the budget. Errors: elements that lie
// outside or not in order, more than the budget has.
absl::StatusOr<Tensor> TensorFromSparse(const onnx::SparseTensorProto& sparse,
                                        const TensorSource& source, KnownBudget& budget);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_CONSTANT_H_
