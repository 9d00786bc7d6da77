#include "frontend/train/gradient_watch.h"

#include "ops/optimizer_step.h"

namespace weft {

// Inputs are some scalars, n variables and n gradients; outputs n variables for each kind of slot
// and one more.
void ShowGradients(const PlanStepOperands& operands, const GradientWatch& watch) {
  const Node* node = operands.step.node;
  if (node == nullptr || node->op_name() != "OptimizerStep") return;
  const size_t kinds = 1 + SlotNames(UpdateSpecOf(node->attributes())).size();
  const size_t n = static_cast<size_t>(node->num_outputs()) / kinds;
  for (size_t i = kStepScalars; i < kStepScalars + n; ++i) {
    const Node& variable = *node->input(static_cast<int>(i)).node;
    if (!IsTrainable(variable)) return;  // a sum of gradients, an average of weights
    watch(variable.name(), RowMajor(operands.step.kernel->inputs()[i + n], operands.inputs[i + n]));
  }
}

}  // namespace weft
