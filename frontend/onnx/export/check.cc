#include <onnx/checker.h>

#include <exception>

#include "frontend/onnx/export/to_onnx.h"

namespace weft {

absl::Status CheckOnnx(const onnx::ModelProto& model) {
  try {
    onnx::checker::check_model(model);
  } catch (const std::exception& e) {
    return absl::InvalidArgumentError(absl::StrCat("onnx.checker: ", e.what()));
  }
  return absl::OkStatus();
}

}  // namespace weft
