#include "runtime/host/loops.h"

#include "ops/broadcast.h"

namespace weft {

Loops MergeAxes(const Dims& dims, const std::vector<Dims>& strides) {
  Loops merged{{}, std::vector<Dims>(strides.size())};
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    if (dims[axis] == 1) continue;
    bool joins = !merged.dims.empty();
    for (size_t k = 0; k < strides.size() && joins; ++k) {
      joins = merged.strides[k].back() == strides[k][axis] * dims[axis];
    }
    if (joins) {
      merged.dims.back() *= dims[axis];
      for (size_t k = 0; k < strides.size(); ++k) merged.strides[k].back() = strides[k][axis];
    } else {
      merged.dims.push_back(dims[axis]);
      for (size_t k = 0; k < strides.size(); ++k) merged.strides[k].push_back(strides[k][axis]);
    }
  }
  if (merged.dims.empty()) merged = {{1}, std::vector<Dims>(strides.size(), Dims{0})};
  return merged;
}

Loops BroadcastLoops(const KernelRequest& request) {
  std::vector<Dims> strides;
  for (const Layout& input : request.inputs) {
    strides.push_back(BroadcastStrides(input.dims(), request.outputs[0]));
  }
  return MergeAxes(request.outputs[0], strides);
}

}  // namespace weft
