#ifndef WEFT_FRONTEND_SESSION_LAYERS_H_
#define WEFT_FRONTEND_SESSION_LAYERS_H_

#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "graph/model.h"

namespace weft {

// What people look at as a network's layers: of a graph the nodes that compute a floating-point
// value [N,C,...] from its inputs for its outputs, in order. Those that only move or rename
// elements (Reshape, Flatten, Transpose, Concat, ...) are none.
std::vector<const Node*> LayersOf(const Graph& graph);

// The first output of the node of this name. Errors: no such node (with the nearest name), a value
// that is not floating-point.
absl::StatusOr<Value> NamedValueOf(const Graph& graph, std::string_view name);

// The nodes through which values of `from` reach `to`: those of `to` that they reach, none of
// `from` that reads no other one's.
std::unordered_set<const Node*> NodesBetween(const Graph& graph, std::span<const Node* const> from,
                                             std::span<const Node* const> to);

// The model in inference mode with the first outputs of these nodes as its outputs, by their names;
// none named: of all layers. What it is otherwise (preprocessing, class names) it stays. Errors: no
// such node (with the nearest name), one that gives no floating-point value, a node named twice, a
// model without a layer.
absl::StatusOr<Model> ModelOfLayers(const Model& model, const std::vector<std::string>& names = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_LAYERS_H_
