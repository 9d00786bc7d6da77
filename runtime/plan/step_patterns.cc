#include "runtime/plan/step_patterns.h"

#include <algorithm>

#include "ops/fused_elementwise.h"

namespace weft {

KernelRequest RequestOf(const PlanStep& step) {
  KernelRequest request{
      .node = *step.node, .inputs = step.kernel->inputs(), .threads = step.threads};
  for (int i = 0; i < step.node->num_inputs(); ++i) {
    request.constant.push_back(ConstantValue(step.node->input(i)) != nullptr);
  }
  for (int i = 0; i < step.node->num_outputs(); ++i) {
    request.outputs.push_back(StaticDims(step.node->type(i).shape).value());
  }
  return request;
}

bool IsConv(const PlanStep& step) {
  return step.node != nullptr && (step.op == "Conv" || step.op == "FusedConv") &&
         step.kernel->name() != "reference" &&
         step.inputs.size() == static_cast<size_t>(step.node->num_inputs());
}

bool IsScaleShift(const PlanStep& step) {
  if (step.node == nullptr || step.op != "FusedElementwise") return false;
  const std::vector<ElementwiseStep> steps = GetElementwiseSteps(step.node->attributes());
  if (steps.size() != 3 || steps[0].op != "Mul" || steps[1].op != "Add" || steps[2].op != "Relu" ||
      steps[0].input != 1 || steps[1].input != 2) {
    return false;
  }
  const std::vector<Layout>& inputs = step.kernel->inputs();
  const Dims& x = inputs[0].dims();
  return x.size() == 4 && x == step.kernel->outputs()[0].dims() &&
         std::all_of(inputs.begin() + 1, inputs.end(), [&](const Layout& layout) {
           const Dims& dims = layout.dims();
           return dims == Dims{x[1], 1, 1} || dims == Dims{1, x[1], 1, 1};
         });
}

}  // namespace weft
