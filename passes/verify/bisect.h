#ifndef WEFT_PASSES_VERIFY_BISECT_H_
#define WEFT_PASSES_VERIFY_BISECT_H_

#include <optional>

#include "passes/passes.h"

namespace weft {

// The first rewrite after which the graph's outputs are no longer within a tolerance.
struct Culprit {
  size_t index = 0;  // of the rewrite in the report; so many come before it
  Rewrite rewrite;
  double error_before = 0;  // of the outputs, see ReplayOptions
  double error_after = 0;
};

// Optimizes copies of `graph` by `options`, stopped at different numbers of rewrites, until the one
// is found that takes the outputs for `feeds` beyond `tolerance`; nothing where all of them
// together do not. It takes as many runs as the logarithm of the number of rewrites. Errors: a
// tolerance that is not above 0, feeds that do not suit, those of Optimize.
absl::StatusOr<std::optional<Culprit>> Bisect(const Graph& graph, const TensorMap& feeds,
                                              double tolerance, const PassOptions& options);

}  // namespace weft

#endif  // WEFT_PASSES_VERIFY_BISECT_H_
