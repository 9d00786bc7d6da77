#include "frontend/onnx/schema.h"

#include "frontend/onnx/newer_schemas.h"

namespace weft {

const onnx::OpSchema* FindOnnxSchema(const std::string& op, int opset, const std::string& domain) {
  const std::string plain = domain == "ai.onnx" ? "" : domain;
  const onnx::OpSchema* installed = onnx::OpSchemaRegistry::Schema(op, opset, plain);
  // libonnx's own up to opset 17, so that what we write down can build on it.
  if (plain.empty() && opset <= kLastOnnxOpset) return installed;
  const onnx::OpSchema* newer = FindNewerSchema(op, opset, plain);
  if (installed == nullptr) return newer;
  return newer != nullptr && newer->since_version() > installed->since_version() ? newer
                                                                                 : installed;
}

}  // namespace weft
