#include "runtime/host/loops.h"

namespace weft {

Loops BroadcastLoops(const KernelRequest& request) {
  std::vector<Dims> strides;
  for (const Layout& input : request.inputs) {
    strides.push_back(BroadcastStrides(input.dims(), request.outputs[0]));
  }
  return MergeAxes(request.outputs[0], strides);
}

}  // namespace weft
