#ifndef WEFT_FRONTEND_ZOO_GENERATED_WEIGHTS_H_
#define WEFT_FRONTEND_ZOO_GENERATED_WEIGHTS_H_

#include <string_view>

#include "graph/graph.h"
#include "graph/tensor.h"

// Weights that any program can generate from the names of the tensors, so that two programs can
// compare what a network computes without exchanging a file of weights. For element i of the tensor
// NAME, z = SplitMix64's finalizer of fnv1a64(NAME) + (i + 1) * 0x9E3779B97F4A7C15 and
// u = (z >> 40) / 2^24; the element is
//   rank >= 2 (weights)              (2u - 1) * sqrt(6 / product of all dims but the first)
//   rank 1, ".weight" (scales)       0.75 + 0.5u
//   ".running_var"                   0.5 + u
//   ".layer_scale"                   0.5 + 0.5u
//   others (biases, means)           0.02u - 0.01
//   "input"                          2u - 1
// computed in f64 and rounded once.

namespace weft {

// An f32 tensor of that name. Errors: dims beyond the limits of type.h.
absl::StatusOr<Tensor> GeneratedTensor(std::string_view name, const Dims& dims);

// Gives every f32 variable of the graph the weights that belong to its name. Errors: as above; a
// variable of another type.
absl::Status SetGeneratedWeights(Graph& graph);

}  // namespace weft

#endif  // WEFT_FRONTEND_ZOO_GENERATED_WEIGHTS_H_
