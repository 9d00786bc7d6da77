#include "frontend/session/memory_count.h"

namespace weft {

void MemoryCount::Add(const Tensor& tensor) {
  if (!tensor.is_empty() && counted_.insert(tensor.data()).second) bytes_ += tensor.bytes();
}

void MemoryCount::Add(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (node.op_name() == kConstant || node.op_name() == kVariable) Add(LeafValue(node));
  }
}

}  // namespace weft
