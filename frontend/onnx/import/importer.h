#ifndef WEFT_FRONTEND_ONNX_IMPORT_IMPORTER_H_
#define WEFT_FRONTEND_ONNX_IMPORT_IMPORTER_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "frontend/onnx/import/context.h"
#include "frontend/onnx/import/import.h"
#include "frontend/onnx/import/ops.h"
#include "frontend/onnx/import/wiring.h"
#include "frontend/onnx/tensor_proto.h"

namespace weft {

// A model of a message, which the tensors keep alive. `external` may be null.
absl::StatusOr<Model> ImportOnnxModel(const std::shared_ptr<const onnx::ModelProto>& message,
                                      ExternalData* external, const OnnxImportOptions& options);

// The type of an input; dims without a symbol, or with one that only says that nothing is known,
// are symbols of their own. Errors: no tensor, an element type that we lack, no shape, which would
// be one of any rank.
absl::StatusOr<TensorType> TypeOfOnnxInput(const onnx::ValueInfoProto& info);

// The inputs whose elements decide shapes or attributes: those from which the operands that
// OnnxOp::known_inputs names are computed. Reading an input's Shape is no reading of its elements.
std::set<std::string> ShapeDecidingInputs(const onnx::ModelProto& model);

// The outputs of a node whose operands are all known, computed now by the reference kernels, one
// tensor an output (empty where the node does not name it). nullopt where it draws random numbers,
// has more than kMostKnownElements, is too much work, for itself or for what is left of `budget`,
// or fails; the node then stays.
std::optional<std::vector<Tensor>> FoldOnnxNode(const onnx::NodeProto& node, const OnnxOp& op,
                                                const onnx::OpSchema& schema, int opset,
                                                const OnnxScope& scope, KnownBudget& budget);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_IMPORTER_H_
