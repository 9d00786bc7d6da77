// ONNX's Momentum: the methods momentum and nesterov of OptimizerStep under its names.

#include "ops/common.h"
#include "ops/families.h"
#include "ops/optimizer_step.h"

namespace weft {
namespace {

absl::StatusOr<std::vector<TensorType>> InferMomentum(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckOneOf(c.attributes(), "mode", {"standard", "nesterov"}));
  return InferUpdate(c, kMomentumScalars, /*slots=*/1);
}

absl::Status EvaluateMomentum(const EvalContext& c) {
  return EvaluateUpdate(c, MomentumUpdateSpecOf(c.attributes), kMomentumScalars);
}

Cost MomentumCost(const CostContext& c) {
  double elements = 0;
  for (int i = 0; i < static_cast<int>(c.outputs.size()); ++i) {
    elements += static_cast<double>(c.OutputSize(i));
  }
  return {.flops = 4 * elements};  // eight an element of a variable, which has two outputs
}

std::vector<Alias> MomentumAliases(const Node& node) {
  return UpdateAliases(node, kMomentumScalars, /*slots=*/1);
}

AttributeSpec Factor(std::string_view name) {
  return {.name = name, .kind = Attribute::Kind::kFloat, .required = true};
}

}  // namespace

UpdateSpec MomentumUpdateSpecOf(const AttributeMap& attributes) {
  return {.method = GetString(attributes, "mode") == "nesterov" ? UpdateMethod::kNesterov
                                                                : UpdateMethod::kMomentum,
          .momentum = GetFloat(attributes, "alpha"),
          .dampening = 1 - GetFloat(attributes, "beta"),
          .l2 = GetFloat(attributes, "norm_coefficient")};
}

std::vector<OpDef> MomentumOps() {
  return {
      {.name = "Momentum",
       .doc = "One step of gradient descent with momentum, as ai.onnx.preview.training's: "
              "g = norm_coefficient * X + G, V' = alpha * V + b * g with b = beta, or 1 where T "
              "is 0; X' = X - R * V' (standard) or X - R * (g + alpha * V') (nesterov). After R "
              "and T come all X, then all G, then all V; outputs are all X', then all V'.",
       .inputs = {{"R", kFloatTypes, Arity::kRequired, 'R'},
                  {"T", {DType::kI64}, Arity::kRequired, ' '},
                  {"tensors", kFloatTypes, Arity::kVariadic}},
       .outputs = {{"new_tensors"}},
       .attributes = {Factor("alpha"),
                      Factor("beta"),
                      Factor("norm_coefficient"),
                      {.name = "mode", .kind = Attribute::Kind::kString, .fallback = "standard"}},
       .infer = InferMomentum,
       .no_gradient = "an optimizer's update",
       .evaluate = EvaluateMomentum,
       .cost = MomentumCost,
       .aliases = MomentumAliases,
       .variadic_outputs = true}};
}

}  // namespace weft
