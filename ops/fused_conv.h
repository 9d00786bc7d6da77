#ifndef WEFT_OPS_FUSED_CONV_H_
#define WEFT_OPS_FUSED_CONV_H_

#include <string>
#include <string_view>
#include <vector>

namespace weft {

// The activations that a FusedConv may apply to its result, besides Add of another value: those
// that a convolution's kernel applies while the result is in the cache (OpTraits::activation).
// Sorted.
const std::vector<std::string>& FusedActivations();
bool IsFusedActivation(std::string_view op);

}  // namespace weft

#endif  // WEFT_OPS_FUSED_CONV_H_
