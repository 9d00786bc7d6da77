#ifndef WEFT_FRONTEND_ONNX_IMPORT_ORDER_H_
#define WEFT_FRONTEND_ONNX_IMPORT_ORDER_H_

#include <functional>
#include <set>
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

// What a body itself gives names to: its inputs, initializers and the results of its nodes.
std::set<std::string> OnnxNamesOf(const onnx::GraphProto& body);

// Its nodes, and those of the bodies within it.
int64_t CountOnnxNodes(const onnx::GraphProto& body);

// Calls `read` with every name that a node reads, in its bodies too.
void ForEachOnnxRead(const onnx::NodeProto& node,
                     const std::function<void(const std::string&)>& read);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_ORDER_H_
