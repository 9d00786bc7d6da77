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

// Whether the names of a graph fit together: every value is made once and before it is read, every
// output is made by somebody, inputs and outputs have names. Nothing else of the model is looked
// at.
std::vector<OnnxProblem> CheckOnnxWiring(const onnx::GraphProto& graph);

// The ops that we lack within the graphs that a node runs (the branches of an If), and within
// theirs.
std::vector<OnnxProblem> UnsupportedWithin(const onnx::NodeProto& node);

// Whether a node has the operands, outputs and attributes, of the right kinds, that ONNX's
// definition asks for.
absl::Status CheckOnnxNode(const onnx::NodeProto& node, const onnx::OpSchema& schema);

// The opset of a domain that the model imports; 0 for none.
int OnnxOpset(const onnx::ModelProto& model, const std::string& domain);

// All problems in one status: Unimplemented where all are unsupported, else InvalidArgument.
absl::Status StatusOfProblems(const std::vector<OnnxProblem>& problems);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_WIRING_H_
