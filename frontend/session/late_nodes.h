#ifndef WEFT_FRONTEND_SESSION_LATE_NODES_H_
#define WEFT_FRONTEND_SESSION_LATE_NODES_H_

#include <memory>
#include <span>
#include <vector>

#include "graph/evaluator.h"
#include "graph/graph.h"

namespace weft {

// Of a graph whose inputs have known sizes, the first node with one that only a run can know; null
// for none.
const Node* FirstLateNode(const Graph& graph);

// The nodes of a graph whose sizes only a run can know, and all that read them:
//
//     x -> Conv -> NonMaxSuppression -> Slice -> Gather -> y
//         '-- early: have a plan ---'   '-- late: one by one
//
// The sizes of early nodes follow from those of the inputs. A late node runs when its operands are
// there, which Evaluator::RunNode takes as constants: of constants inference knows all sizes.
class LateNodes {
 public:
  // Of a graph whose inputs have known sizes. Null where all sizes are known.
  static absl::StatusOr<std::unique_ptr<LateNodes>> Of(Graph graph);

  // Computes what the late nodes read of the others, and the outputs that are none of theirs.
  const Graph& early() const { return early_; }
  // The outputs of the whole graph, in order, for those of the early one.
  absl::StatusOr<std::vector<Tensor>> Run(std::span<const Tensor> early_outputs,
                                          Evaluator& evaluator) const;

 private:
  explicit LateNodes(Graph graph) : graph_(std::move(graph)), early_(graph_.registry()) {}

  Graph graph_;
  Graph early_;
  std::vector<const Node*> late_;  // in order
  std::vector<Value> read_;        // of graph_: the early graph's outputs
};

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_LATE_NODES_H_
