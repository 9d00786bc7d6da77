#include "frontend/onnx/schema.h"

namespace weft {

const onnx::OpSchema* FindOnnxSchema(const std::string& op, int opset, const std::string& domain) {
  return onnx::OpSchemaRegistry::Schema(op, opset, domain == "ai.onnx" ? "" : domain);
}

}  // namespace weft
