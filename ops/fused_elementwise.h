#ifndef WEFT_OPS_FUSED_ELEMENTWISE_H_
#define WEFT_OPS_FUSED_ELEMENTWISE_H_

#include <string>
#include <string_view>
#include <vector>

#include "graph/attribute.h"

// What the kernel of FusedElementwise, its export and the passes that make one share.

namespace weft {

// One step of a FusedElementwise: an op on the running value and, for a binary op, the node's input
// number `input`. `operand_first`: that input stands on the left of the op, the running value on
// the right.
struct ElementwiseStep : PostOp {
  bool operand_first = false;
};

// The ops that a step may be: those of one input that compute in its memory (Neg, Exp, Relu, …),
// and these of two: Add, Div, Max, Min, Mul, Sub. Sorted.
const std::vector<std::string>& ElementwiseStepOps();
bool IsBinaryStep(std::string_view op);

// The attributes `steps` and `operand_first` as one list, and the other way round.
std::vector<ElementwiseStep> GetElementwiseSteps(const AttributeMap& attributes);
AttributeMap ElementwiseAttributes(const std::vector<ElementwiseStep>& steps);

// What a step's op is applied to, of whatever kind operands are.
template <typename T>
std::vector<T> StepOperands(const ElementwiseStep& step, T value, const std::vector<T>& inputs) {
  if (step.input < 0) return {std::move(value)};
  T operand = inputs[static_cast<size_t>(step.input)];
  if (step.operand_first) return {std::move(operand), std::move(value)};
  return {std::move(value), std::move(operand)};
}

}  // namespace weft

#endif  // WEFT_OPS_FUSED_ELEMENTWISE_H_
