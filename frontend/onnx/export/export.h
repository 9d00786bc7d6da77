#ifndef WEFT_FRONTEND_ONNX_EXPORT_EXPORT_H_
#define WEFT_FRONTEND_ONNX_EXPORT_EXPORT_H_

#include <string>
#include <string_view>
#include <vector>

#include "graph/model.h"

namespace weft {

struct OnnxExportOptions {
  int opset =
      13;  // of ai.onnx, 13 to 17: the least that the file says; ops that need more raise it
};

struct OnnxExportReport {
  int opset = 0;                   // that the file says
  std::vector<std::string> notes;  // "opset raised from 13 to 17: ln1 (LayerNormalization)"
};

// Writes a model as an ONNX file that onnx.checker accepts: what the outputs need, in its inference
// form where the graph is mode-neutral, fused nodes as what they were fused from. Variables become
// initializers, the class names and preprocessing metadata (weft.classes and weft.preprocessing, as
// JSON); updates and the training state are left out, with a note. Ops of our own become ONNX's
// ops that compute the same.
//
// The file is replaced as a whole or not at all. Where it would have more than 2 GiB, its tensors
// go to PATH.data, and both are replaced or neither is (see WriteAllAtomically).
//
// Errors: every node that ONNX cannot express, with its op and the reason; an opset out of range; a
// graph without outputs; a file that cannot be written.
absl::StatusOr<OnnxExportReport> ExportOnnx(const Model& model, const std::string& path,
                                            const OnnxExportOptions& options = {});

// Writes a file that is one TensorProto called `name`, whole or not at all. Errors: an empty
// tensor, more than 2 GiB, a failed write.
absl::Status WriteOnnxTensor(const std::string& path, const Tensor& tensor, std::string_view name);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_EXPORT_EXPORT_H_
