#include <cmath>
#include <numbers>

#include "frontend/onnx/export/table.h"
#include "ops/fused_elementwise.h"

// Activations that ONNX lacks, as their formulas, and chains of element-wise ops, as those.

namespace weft {
namespace {

// x sigmoid(x)
void ExportSilu(OpExport& e) { e.Last("Mul", {e.in(0), e.Op("Sigmoid", {e.in(0)})}); }

// x tanh(softplus(x))
void ExportMish(OpExport& e) {
  e.Last("Mul", {e.in(0), e.Op("Tanh", {e.Op("Softplus", {e.in(0)})})});
}

// sqrt(2/pi) (x + 0.044715 x^3)
OnnxOperand TanhArgument(OpExport& e) {
  const OnnxOperand x = e.in(0);
  const OnnxOperand cube = e.Op("Mul", {e.Op("Mul", {x, x}), x});
  const OnnxOperand sum = e.Op("Add", {x, e.Op("Mul", {cube, e.Scalar(0.044715)})});
  return e.Op("Mul", {sum, e.Scalar(std::sqrt(2 * std::numbers::inv_pi))});
}

// 0.5 x (1 + erf(x / sqrt(2))), or its approximation 0.5 x (1 + tanh(...)).
void ExportGelu(OpExport& e) {
  const bool approximate = GetString(e.attributes(), "approximate") == "tanh";
  const OnnxOperand s =
      approximate ? e.Op("Tanh", {TanhArgument(e)})
                  : e.Op("Erf", {e.Op("Mul", {e.in(0), e.Scalar(1 / std::numbers::sqrt2)})});
  const OnnxOperand half = e.Op("Mul", {e.in(0), e.Scalar(0.5)});
  e.Last("Mul", {half, e.Op("Add", {s, e.Scalar(1)})});
}

// ONNX's Celu is f32's only; it is alpha Elu(x / alpha).
void ExportCelu(OpExport& e) {
  if (e.type().dtype == DType::kF32) return ExportSame(e);
  const double alpha = GetFloat(e.attributes(), "alpha");
  const OnnxOperand elu = e.Op("Elu", {e.Op("Div", {e.in(0), e.Scalar(alpha)})});
  e.Last("Mul", {elu, e.Scalar(alpha)});
}

void ExportFusedElementwise(OpExport& e) {
  const std::vector<ElementwiseStep> steps = GetElementwiseSteps(e.attributes());
  OnnxOperand value = e.in(0);
  for (const ElementwiseStep& step : steps) {
    const auto operands = StepOperands(step, value, e.call().inputs);
    const auto types = StepOperands(step, e.result(), e.call().input_types);
    if (&step == &steps.back()) return e.LastOurs(step.op, operands, types, step.attributes);
    value = e.Ours(step.op, operands, types, step.attributes, e.result());
  }
}

}  // namespace

std::vector<ExportEntry> ActivationExports() {
  return {{"Celu", ExportCelu},
          {"FusedElementwise", ExportFusedElementwise},
          {"Gelu", ExportGelu},
          {"Mish", ExportMish},
          {"Silu", ExportSilu}};
}

}  // namespace weft
