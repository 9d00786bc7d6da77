#ifndef WEFT_FRONTEND_SESSION_FOLDING_H_
#define WEFT_FRONTEND_SESSION_FOLDING_H_

#include "ops/reference.h"
#include "runtime/exec/evaluator.h"

namespace weft {

// Evaluates what passes fold into constants. What scales a layer's weights goes through all of
// them: that is done by the runtime on its threads, where it is large. Its bits are those of the
// reference, which does the rest, except that subnormal numbers become 0, as in every run, and that
// a NaN may carry another payload.
class FoldingEvaluator final : public Evaluator {
 public:
  explicit FoldingEvaluator(const LowerOptions& options = {}) : fast_(options) {}
  absl::StatusOr<std::vector<Tensor>> RunNode(const Node& node,
                                              std::span<const Tensor> inputs) override;
  absl::StatusOr<TensorMap> RunGraph(const Graph& graph, const TensorMap& feeds) override {
    return reference_.RunGraph(graph, feeds);
  }

 private:
  ReferenceEvaluator reference_;
  RuntimeEvaluator fast_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_FOLDING_H_
