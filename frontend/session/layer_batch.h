#ifndef WEFT_FRONTEND_SESSION_LAYER_BATCH_H_
#define WEFT_FRONTEND_SESSION_LAYER_BATCH_H_

#include <cstdint>

#include "graph/evaluator.h"
#include "graph/graph.h"

namespace weft {

// A graph whose outputs are all layers (ModelOfLayers) keeps them all in memory: batches for it
// are as small as that asks for.
inline constexpr int64_t kLayerBatchBytes = int64_t{256} << 20;

// How many examples at a time, from 1 to `most`, make outputs of at most `bytes` together; of
// layers that one example brings above, 1. `one` feeds one example. Errors: feeds that are no such
// inputs (BindingsFromFeeds), shapes that do not go through the graph (Bind).
absl::StatusOr<int64_t> ExamplesWithin(const Graph& graph, const TensorMap& one, int64_t most,
                                       int64_t bytes = kLayerBatchBytes);

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_LAYER_BATCH_H_
