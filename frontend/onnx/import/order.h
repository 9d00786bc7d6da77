#ifndef WEFT_FRONTEND_ONNX_IMPORT_ORDER_H_
#define WEFT_FRONTEND_ONNX_IMPORT_ORDER_H_

#include <functional>
#include <string>
#include <vector>

#include "frontend/onnx/proto.h"

namespace weft {

using OnnxNodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

struct OnnxOrder {
  // Every value is made before it is read; nodes that are so already stay where they are.
  std::vector<const onnx::NodeProto*> nodes;
  // What is made, directly or through others, from its own result; left out above.
  std::vector<const onnx::NodeProto*> cycles;
};
OnnxOrder SortOnnxNodes(const OnnxNodes& nodes);

// Calls `read` with every name that a node reads, in its bodies too.
void ForEachOnnxRead(const onnx::NodeProto& node,
                     const std::function<void(const std::string&)>& read);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_ORDER_H_
