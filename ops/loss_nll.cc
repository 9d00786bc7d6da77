#include "ops/common.h"
#include "ops/families.h"
#include "ops/labels.h"

// Position i with target y and weight w_y (1 if absent, 0 if ignored) has the loss -w_y input_y;
// "mean" divides the sum by that of the w_y.

namespace weft {
namespace {

// Checks input [N,C,d..], target [N,d..], weight [C], which start at input `first`.
absl::Status CheckNllOperands(const InferContext& c, int first) {
  WEFT_RETURN_IF_ERROR(CheckOneOf(c.attributes(), "reduction", {"mean", "sum", "none"}));
  return CheckLabels(c, first, {"input", "target", "weight"});
}

bool IsNone(const AttributeMap& attributes) { return GetString(attributes, "reduction") == "none"; }
bool IsMean(const AttributeMap& attributes) { return GetString(attributes, "reduction") == "mean"; }

absl::StatusOr<std::vector<TensorType>> InferNll(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckNllOperands(c, 0));
  return std::vector<TensorType>{
      {c.type(0).dtype, IsNone(c.attributes()) ? c.type(1).shape : Shape()}};
}

absl::StatusOr<std::vector<TensorType>> InferNllGrad(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckNllOperands(c, 1));
  const Shape expected = IsNone(c.attributes()) ? c.type(2).shape : Shape();
  if (c.type(0).shape != expected) {
    return absl::InvalidArgumentError(absl::StrCat("expected dY of shape ", ToString(expected),
                                                   ", got ", ToString(c.type(0).shape)));
  }
  return std::vector<TensorType>{c.type(1)};
}

// Calls f(i, at, weight) for every position that counts: its index, that of its target's element in
// the input, and the weight. Returns the sum of the weights.
template <typename T, typename F>
absl::StatusOr<double> ForEachTarget(const EvalContext& c, int first, F f) {
  const TensorView& input = c.in(first);
  const int64_t classes = input.dim(1);
  WEFT_ASSIGN_OR_RETURN(const std::vector<int64_t> labels,
                        ReadLabels(c.in(first + 1), "target", classes, c.attributes));
  int64_t inner = 1;
  for (int axis = 2; axis < input.rank(); ++axis) inner *= input.dim(axis);
  double total = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const int64_t label = labels[i];
    if (label < 0) continue;
    const int64_t n = static_cast<int64_t>(i) / inner, rest = static_cast<int64_t>(i) % inner;
    const double weight =
        c.has(first + 2) ? c.in(first + 2).in<T>()[static_cast<size_t>(label)] : 1.0;
    f(i, static_cast<size_t>((n * classes + label) * inner + rest), weight);
    total += weight;
  }
  return total;
}

template <typename T>
absl::Status EvaluateNllOf(const EvalContext& c) {
  const auto input = c.in(0).in<T>();
  const auto y = c.out().out<T>();
  std::fill(y.begin(), y.end(), T{0});
  const bool none = IsNone(c.attributes);
  double sum = 0;
  WEFT_ASSIGN_OR_RETURN(const double total,
                        ForEachTarget<T>(c, 0, [&](size_t i, size_t at, double weight) {
                          const double loss = -weight * input[at];
                          if (none) y[i] = static_cast<T>(loss);
                          sum += loss;
                        }));
  if (!none) y[0] = static_cast<T>(IsMean(c.attributes) ? sum / total : sum);
  return absl::OkStatus();
}

template <typename T>
absl::Status EvaluateNllGradOf(const EvalContext& c) {
  const auto dy = c.in(0).in<T>();
  const auto dinput = c.out().out<T>();
  std::fill(dinput.begin(), dinput.end(), T{0});
  const auto nothing = [](size_t, size_t, double) {};
  WEFT_ASSIGN_OR_RETURN(const double total, ForEachTarget<T>(c, 1, nothing));
  const double divisor = IsMean(c.attributes) ? total : 1;
  const bool none = IsNone(c.attributes);
  return ForEachTarget<T>(c, 1,
                          [&](size_t i, size_t at, double weight) {
                            dinput[at] = static_cast<T>(-weight * dy[none ? i : 0] / divisor);
                          })
      .status();
}

absl::Status EvaluateNll(const EvalContext& c) {
  return VisitFloat(c.out().dtype, [&](auto zero) { return EvaluateNllOf<decltype(zero)>(c); });
}

absl::Status EvaluateNllGrad(const EvalContext& c) {
  return VisitFloat(c.out().dtype, [&](auto zero) { return EvaluateNllGradOf<decltype(zero)>(c); });
}

InputGradients NllGradient(GradientContext& c) {
  InputGradients gradients(static_cast<size_t>(c.node()->num_inputs()));
  std::vector<Value> inputs = {c.dy()};
  inputs.insert(inputs.end(), c.node()->inputs().begin(), c.node()->inputs().end());
  if (c.needs(0)) {
    gradients[0] = c.Op("NegativeLogLikelihoodLossGrad", std::move(inputs), c.attributes());
  }
  return gradients;
}

// The loss is linear in its input, so the gradient's own gradient in dY is the loss of the
// cotangent.
InputGradients NllGradGradient(GradientContext& c) {
  InputGradients gradients(static_cast<size_t>(c.node()->num_inputs()));
  std::vector<Value> inputs = {c.dy()};
  inputs.insert(inputs.end(), c.node()->inputs().begin() + 2, c.node()->inputs().end());
  if (c.needs(0)) {
    gradients[0] = c.Op("NegativeLogLikelihoodLoss", std::move(inputs), c.attributes());
  }
  return gradients;
}

Cost NllCost(const CostContext& c) { return {.flops = 2 * static_cast<double>(c.InputSize(1))}; }
Cost NllGradCost(const CostContext& c) {
  return {.flops = 2 * static_cast<double>(c.InputSize(2))};
}

InputSpec Target() { return {"target", kIndexTypes, Arity::kRequired, ' '}; }
InputSpec Weight() { return {"weight", kFloatTypes, Arity::kOptional}; }

std::vector<AttributeSpec> NllAttributes() {
  return {{.name = "reduction", .kind = Attribute::Kind::kString, .fallback = "mean"},
          {.name = "ignore_index"}};
}

}  // namespace

std::vector<OpDef> NllLossOps() {
  return {
      {.name = "NegativeLogLikelihoodLoss",
       .doc = "Minus the element of input that each target names, weighted by class: input "
              "[N,C,d..] of log-probabilities, target [N,d..], weight [C]. Reduction mean divides "
              "by the targets' weights, as ONNX's.",
       .inputs = {{"input"}, Target(), Weight()},
       .outputs = {{"loss"}},
       .attributes = NllAttributes(),
       .infer = InferNll,
       .gradient = NllGradient,
       .non_differentiable_inputs = {2},
       .evaluate = EvaluateNll,
       .cost = NllCost},
      {.name = "NegativeLogLikelihoodLossGrad",
       .doc = "The gradient of NegativeLogLikelihoodLoss in the input, for the cotangent dY of its "
              "output: -weight dY at each target, 0 elsewhere.",
       .inputs = {{"dY"}, {.name = "input", .shape_only = true}, Target(), Weight()},
       .outputs = {{"dinput"}},
       .attributes = NllAttributes(),
       .infer = InferNllGrad,
       .gradient = NllGradGradient,
       .non_differentiable_inputs = {1, 3},
       .evaluate = EvaluateNllGrad,
       .cost = NllGradCost},
  };
}

}  // namespace weft
