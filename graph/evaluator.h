#ifndef WEFT_GRAPH_EVALUATOR_H_
#define WEFT_GRAPH_EVALUATOR_H_

#include <map>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/op.h"

namespace weft {

using TensorMap = std::map<std::string, Tensor, std::less<>>;

// Runs nodes and graphs for those who must not know how: constant folding, the replay of samples.
// ops/reference.h has the reference implementation, runtime/ the fast one.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  // One node on tensors of its inputs' types (an empty tensor where an input is absent).
  virtual absl::StatusOr<std::vector<Tensor>> RunNode(const Node& node,
                                                      std::span<const Tensor> inputs) = 0;
  // The graph's outputs for its inputs by name; symbols are bound from the feeds' dims. Updates
  // are not applied. Errors: a missing or unknown input, dims that disagree.
  virtual absl::StatusOr<TensorMap> RunGraph(const Graph& graph, const TensorMap& feeds) = 0;
};

// The price of a node, for rules that decide by it.
class CostModel {
 public:
  virtual ~CostModel() = default;
  virtual absl::StatusOr<Cost> Price(const Node& node) const = 0;
};

}  // namespace weft

#endif  // WEFT_GRAPH_EVALUATOR_H_
