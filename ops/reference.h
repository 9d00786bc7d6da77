#ifndef WEFT_OPS_REFERENCE_H_
#define WEFT_OPS_REFERENCE_H_

#include "graph/evaluator.h"

namespace weft {

// Runs every node with its op's reference kernel, in order, on one thread: the oracle for fast
// kernels and what constant folding uses.
class ReferenceEvaluator : public Evaluator {
 public:
  explicit ReferenceEvaluator(RandomKey key = {}) : key_(key) {}
  absl::StatusOr<std::vector<Tensor>> RunNode(const Node& node,
                                              std::span<const Tensor> inputs) override;
  absl::StatusOr<TensorMap> RunGraph(const Graph& graph, const TensorMap& feeds) override;
  // The values of `values`, which need not be outputs of the graph, for its inputs by name.
  absl::StatusOr<std::vector<Tensor>> RunValues(const Graph& graph, const TensorMap& feeds,
                                                std::span<const Value> values);

 private:
  RandomKey key_;
};

// Adds a copy of `node` to `graph` with constants as its inputs, absent where they are empty; of
// constants inference knows every size.
absl::StatusOr<Node*> AddNodeOfConstants(Graph& graph, const Node& node,
                                         std::span<const Tensor> inputs);

// Prices a node whose symbols are all bound by its op's cost function.
class OpCostModel : public CostModel {
 public:
  explicit OpCostModel(SymbolBindings bindings = {}) : bindings_(std::move(bindings)) {}
  absl::StatusOr<Cost> Price(const Node& node) const override { return CostOf(node, bindings_); }

 private:
  SymbolBindings bindings_;
};

}  // namespace weft

#endif  // WEFT_OPS_REFERENCE_H_
