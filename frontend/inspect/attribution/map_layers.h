#ifndef WEFT_FRONTEND_INSPECT_ATTRIBUTION_MAP_LAYERS_H_
#define WEFT_FRONTEND_INSPECT_ATTRIBUTION_MAP_LAYERS_H_

#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

// The nodes with maps on the way from the only input to the scores, in order: their first output
// has the input's rank, 3 or more, and more than one place. Errors: no output, several inputs.
absl::StatusOr<std::vector<const Node*>> LayersWithMaps(const Graph& graph);
// The one called `name`, or for "" the last. Errors: a node that is not there (with the nearest
// name), one without maps or not on the way, a network without such layers.
absl::StatusOr<const Node*> FindMapLayer(const Graph& graph, std::string_view name);

// The sum of a layer's maps f32 or f64 [1,C,H,W] or [1,C,L] times weights, one a channel: f32[H,W],
// [1,L]. Errors: another rank, another number of weights.
absl::StatusOr<Tensor> WeightedMaps(const Tensor& maps, const std::vector<double>& weights);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_ATTRIBUTION_MAP_LAYERS_H_
