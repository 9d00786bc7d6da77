#ifndef WEFT_FRONTEND_ONNX_IMPORT_IMPORTER_H_
#define WEFT_FRONTEND_ONNX_IMPORT_IMPORTER_H_

#include <map>
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

// The types of a model's inputs, with what OnnxImportOptions::shapes says of them.
class OnnxInputTypes {
 public:
  // Errors: a shape for what is no input, or of another rank; a symbol that they make two numbers.
  static absl::StatusOr<OnnxInputTypes> Create(const onnx::GraphProto& graph,
                                               const std::map<std::string, Shape>& shapes);

  // Dims without a symbol, or with one that only says that nothing is known, are symbols of their
  // own. Errors: no tensor, an element type that we lack, no shape, which would be one of any rank,
  // a dim that is fixed to another number than is asked for.
  absl::StatusOr<TensorType> Of(const onnx::ValueInfoProto& info) const;

 private:
  absl::Status Bind(const onnx::ValueInfoProto& info, const Shape& shape);

  std::map<std::string, Shape> shapes_;
  SymbolBindings numbers_;
};

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
