#ifndef WEFT_RUNTIME_EXEC_EVALUATOR_H_
#define WEFT_RUNTIME_EXEC_EVALUATOR_H_

#include <span>
#include <vector>

#include "graph/evaluator.h"
#include "runtime/plan/plan.h"

namespace weft {

// The fast Evaluator: lowers and runs each graph it is given. For tests and tools, not for loops.
class RuntimeEvaluator : public Evaluator {
 public:
  explicit RuntimeEvaluator(LowerOptions options = {}, RandomKey key = {})
      : options_(options), key_(key) {}
  absl::StatusOr<std::vector<Tensor>> RunNode(const Node& node,
                                              std::span<const Tensor> inputs) override;
  absl::StatusOr<TensorMap> RunGraph(const Graph& graph, const TensorMap& feeds) override;

 private:
  LowerOptions options_;
  RandomKey key_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_EXEC_EVALUATOR_H_
