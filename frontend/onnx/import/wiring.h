#ifndef WEFT_FRONTEND_ONNX_IMPORT_WIRING_H_
#define WEFT_FRONTEND_ONNX_IMPORT_WIRING_H_

#include <string>
#include <vector>

#include "frontend/onnx/proto.h"
#include "frontend/onnx/schema.h"

namespace weft {

// Something about a model that keeps it from being imported.
struct OnnxProblem {
  std::string where;  // "conv1 (Conv, opset 11)", "output y"
  std::string what;
  bool unsupported = false;  // the model is right, we lack something
};

// Whether the inputs and initializers of a graph have names of their own, and it has an output.
std::vector<OnnxProblem> CheckOnnxNames(const onnx::GraphProto& graph);

// Whether a node has the operands, outputs and attributes, of the right kinds, that ONNX's
// definition asks for.
absl::Status CheckOnnxNode(const onnx::NodeProto& node, const onnx::OpSchema& schema);

// All problems in one status: Unimplemented where all are unsupported, else InvalidArgument.
absl::Status StatusOfProblems(const std::vector<OnnxProblem>& problems);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_WIRING_H_
