#ifndef WEFT_GRAPH_BIND_H_
#define WEFT_GRAPH_BIND_H_

#include <unordered_map>
#include <unordered_set>

#include "graph/evaluator.h"
#include "graph/graph.h"

namespace weft {

// Where each node of the old graph is in the new one.
using NodeMap = std::unordered_map<const Node*, Node*>;

// What stands for `v` among the copies, of which its node has one; null for null.
inline Value CopyOf(Value v, const NodeMap& copies) {
  return v ? copies.at(v.node)->output(v.index) : Value();
}
// What makes a copy of `node` that reads copies of its inputs, and is the gradient of a copy of its
// forward node. They all have one.
NodeSpec SpecOfCopy(const Node& node, const NodeMap& copies);

// A copy with symbols replaced by numbers and the inputs named in `constants` turned into
// constants; every type is inferred again. A small result that the bindings make known (arithmetic
// on a Shape) becomes a constant in its node's place, so that what it decides is known too. Errors:
// a negative size, an unknown input, a constant of another type than its input's, or a node that is
// ill-typed under these sizes.
absl::StatusOr<Graph> Bind(const Graph& graph, const SymbolBindings& symbols,
                           const TensorMap& constants = {}, NodeMap* map = nullptr);

// A copy in which every small result that depends on constants and known shapes only is a constant
// called after its node. Errors: a node that is ill-typed with what is known then, such as a
// Reshape whose computed shape does not fit.
absl::StatusOr<Graph> FoldKnown(const Graph& graph, NodeMap* map = nullptr);

// An exact copy; tensors are shared.
Graph Clone(const Graph& graph, NodeMap* map = nullptr);

// The nodes that nothing but the graph's losses needs: labels, targets, auxiliary heads.
std::unordered_set<const Node*> NodesOfLosses(const Graph& graph);

// An exact copy without the losses and without those nodes.
Graph WithoutLosses(const Graph& graph);

// The symbols' values that make the inputs' shapes those of `feeds` (inputs without a feed bind
// nothing). Errors name the input: wrong dtype or rank, a fixed dim that differs, two values for
// one symbol.
absl::StatusOr<SymbolBindings> BindingsFromFeeds(const Graph& graph, const TensorMap& feeds);
// The same from dims alone.
absl::StatusOr<SymbolBindings> BindingsFromDims(
    const Graph& graph, const std::map<std::string, Dims, std::less<>>& dims);
// All symbols of the graph's inputs, bound to `size`: the batch, where that is the only one.
SymbolBindings BindAllSymbols(const Graph& graph, int64_t size);

}  // namespace weft

#endif  // WEFT_GRAPH_BIND_H_
