#ifndef WEFT_PASSES_RECOGNIZE_RECOGNIZE_H_
#define WEFT_PASSES_RECOGNIZE_RECOGNIZE_H_

#include <vector>

#include "passes/passes.h"

namespace weft {

// What exporters write out because their opset, or they, had no op for it becomes that op again: it
// is one step for the kernels, and other rules know it. Where the composition overflows and the op
// does not (Softmax without its maximum, Softplus), the op's value stands. Compositions of which
// another node reads a part stay, as those of a training graph, whose gradients do.

std::vector<Pass> RecognizeActivations();  // Relu, LeakyRelu, Clip, Softplus, Silu, Mish, …
std::vector<Pass> RecognizeGelu();
std::vector<Pass> RecognizeSoftmax();  // LogSoftmax too
// LayerNormalization, InstanceNormalization, GroupNormalization, and their scales and shifts.
std::vector<Pass> RecognizeNormalization();

}  // namespace weft

#endif  // WEFT_PASSES_RECOGNIZE_RECOGNIZE_H_
