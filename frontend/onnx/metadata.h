#ifndef WEFT_FRONTEND_ONNX_METADATA_H_
#define WEFT_FRONTEND_ONNX_METADATA_H_

#include "frontend/onnx/proto.h"
#include "graph/model.h"

// What a model says beside its graph, as ONNX's name of the graph and its metadata: free text under
// its own keys, class names as weft.classes and preprocessing as weft.preprocessing, in JSON.

namespace weft {

void WriteOnnxMetadata(const Model& model, onnx::ModelProto& proto);
// Errors: class names or preprocessing that are not what WriteOnnxMetadata writes.
absl::Status ReadOnnxMetadata(const onnx::ModelProto& proto, Model& model);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_METADATA_H_
