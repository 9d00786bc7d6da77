#include "frontend/session/memory_count.h"

#include "graph/file/mapped_pages.h"

namespace weft {

void MemoryCount::Add(const Tensor& tensor) {
  if (!tensor.is_empty() && counted_.insert(tensor.data()).second) bytes_ += tensor.bytes();
}

void MemoryCount::Add(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (node.op_name() != kConstant && node.op_name() != kVariable) continue;
    // Slots begin as zeros: pages that take no memory, as nobody writes them.
    if (node.op_name() == kVariable && VariableRole(node) == kOptimizerSlot) continue;
    const Tensor& value = LeafValue(node);
    if (!IsMapped({value.data(), value.bytes()})) Add(value);
  }
}

}  // namespace weft
