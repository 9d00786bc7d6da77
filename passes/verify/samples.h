#ifndef WEFT_PASSES_VERIFY_SAMPLES_H_
#define WEFT_PASSES_VERIFY_SAMPLES_H_

#include <vector>

#include "graph/evaluator.h"

namespace weft {

// Inputs for `graph` by name, the same for the same seed: floating-point numbers in [-1,1),
// integers and booleans 0 or 1. Symbols that an input begins with are `batch`, all others the
// smallest size that the graph's types allow of a few tried. Errors: no size that fits, not enough
// memory.
absl::StatusOr<TensorMap> RandomSample(const Graph& graph, int64_t batch, uint32_t seed = 1);
// So many of them, each with other numbers and batches of 2, 1 and 3 in turn. Errors: also a count
// below 0.
absl::StatusOr<std::vector<TensorMap>> RandomSamples(const Graph& graph, int count);

// The largest difference of two elements, relative to the largest finite one of `expected`, or to
// 1e-3 where that is larger: what should be zero is rounding then. Infinite where types differ, or
// one is a NaN or an infinity and the other is not the same.
double ErrorOf(const Tensor& expected, const Tensor& actual);
// The same over the tensors of a run, by name; infinite where the names differ.
double ErrorOf(const TensorMap& expected, const TensorMap& actual);

}  // namespace weft

#endif  // WEFT_PASSES_VERIFY_SAMPLES_H_
