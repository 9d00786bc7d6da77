#ifndef WEFT_GRAPH_EMITTER_H_
#define WEFT_GRAPH_EMITTER_H_

#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace weft {

// Adds nodes as nested expressions: the first failure is kept, every later call returns a null
// value and adds nothing, and status() tells at the end. Gradients, rules and the builder are
// written with it. Holds a pointer to the graph, which must outlive it.
class Emitter {
 public:
  // New nodes are called prefix/Op and carry `provenance`.
  explicit Emitter(Graph& graph, std::string prefix = "", Provenance provenance = {})
      : graph_(&graph), prefix_(std::move(prefix)), provenance_(std::move(provenance)) {}

  // The node's first output.
  Value Op(std::string_view op, std::vector<Value> inputs, AttributeMap attributes = {});
  // The whole node, with `num_outputs` outputs; null after a failure. `forward` as Node::forward().
  Node* OpNode(std::string_view op, std::vector<Value> inputs, AttributeMap attributes = {},
               int num_outputs = -1, Node* forward = nullptr);
  Value Constant(Tensor value);
  // A rank-0 constant.
  Value Scalar(double value, DType dtype);
  Value Ints(std::vector<int64_t> values);  // i64[n]

  // Keeps `status` if it is the first failure; returns null, so that `return Fail(...)` reads well.
  Value Fail(absl::Status status);
  const absl::Status& status() const { return status_; }
  bool ok() const { return status_.ok(); }
  Graph& graph() const { return *graph_; }
  const std::string& prefix() const { return prefix_; }

 private:
  Graph* graph_;
  std::string prefix_;
  Provenance provenance_;
  absl::Status status_;
};

}  // namespace weft

#endif  // WEFT_GRAPH_EMITTER_H_
