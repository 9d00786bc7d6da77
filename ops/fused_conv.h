#ifndef WEFT_OPS_FUSED_CONV_H_
#define WEFT_OPS_FUSED_CONV_H_

#include <array>
#include <string_view>

namespace weft {

// The activations that a FusedConv may apply to its result, besides Add of another value: those
// that a convolution's kernel applies while the result is in the cache.
inline constexpr std::array<std::string_view, 10> kFusedActivations = {
    "Elu", "Gelu", "HardSwish", "LeakyRelu", "Mish", "Relu", "Sigmoid", "Silu", "Softplus", "Tanh"};

}  // namespace weft

#endif  // WEFT_OPS_FUSED_CONV_H_
