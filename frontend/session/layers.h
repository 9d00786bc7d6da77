#ifndef WEFT_FRONTEND_SESSION_LAYERS_H_
#define WEFT_FRONTEND_SESSION_LAYERS_H_

#include <string>
#include <vector>

#include "graph/model.h"

namespace weft {

// What people look at as a network's layers: of a graph the nodes that compute a floating-point
// value [N,C,...] from its inputs for its outputs, in order. Those that only move or rename
// elements (Reshape, Flatten, Transpose, Concat, ...) are none.
std::vector<const Node*> LayersOf(const Graph& graph);

// The model in inference mode with the first outputs of these nodes as its outputs, by their names;
// none named: of all layers. What it is otherwise (preprocessing, class names) it stays. Errors: no
// such node (with the nearest name), one that gives no floating-point value, a node named twice, a
// model without a layer.
absl::StatusOr<Model> ModelOfLayers(const Model& model, const std::vector<std::string>& names = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_LAYERS_H_
