#ifndef WEFT_FRONTEND_SESSION_FIXED_BATCH_H_
#define WEFT_FRONTEND_SESSION_FIXED_BATCH_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "graph/graph.h"
#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

// How many examples every run takes, where the model says: the input's first extent, if static.
std::optional<int64_t> FixedBatch(const Node& input);

using BatchRun = std::function<absl::StatusOr<std::vector<Tensor>>(std::span<const Tensor>)>;

// What `run` makes of `batches`, one a model's input, whose first axes are the same examples, with
// any number of them for a model that takes `size` a run: it is run as often as it takes, at last
// with the last example repeated, and what it makes of repetitions is dropped. Without a size, and
// for a batch of that size, it is run once. Errors: no example, batches of different numbers,
// results whose first axis is not the examples; those of `run`.
absl::StatusOr<std::vector<Tensor>> RunInBatchesOf(std::optional<int64_t> size,
                                                   std::span<const Tensor> batches,
                                                   const BatchRun& run);

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_FIXED_BATCH_H_
