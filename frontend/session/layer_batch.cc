#include "frontend/session/layer_batch.h"

#include <algorithm>

#include "graph/bind.h"

namespace weft {

absl::StatusOr<int64_t> ExamplesWithin(const Graph& graph, const TensorMap& one, int64_t most,
                                       int64_t bytes) {
  WEFT_ASSIGN_OR_RETURN(const SymbolBindings bindings, BindingsFromFeeds(graph, one));
  WEFT_ASSIGN_OR_RETURN(const Graph bound, Bind(graph, bindings));
  double each = 1;
  for (const NamedValue& output : bound.outputs()) {
    const TensorType& type = output.value.type();
    // What stays unknown until a run (the count of what NonZero finds) counts as one.
    double size = static_cast<double>(SizeOf(type.dtype));
    for (const Dim& dim : type.shape) size *= static_cast<double>(dim.coefficient());
    each += size;
  }
  return std::clamp(static_cast<int64_t>(static_cast<double>(bytes) / each), int64_t{1}, most);
}

}  // namespace weft
