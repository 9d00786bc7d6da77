#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

// Inputs before the variadic ones: the learning rate R and the update count T.
constexpr int kScalars = 2;

absl::StatusOr<std::vector<TensorType>> InferMomentum(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckOneOf(c.attributes(), "mode", {"standard", "nesterov"}));
  for (int i = 0; i < kScalars; ++i) {
    if (c.type(i).rank() != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected a scalar ", i == 0 ? "R" : "T", ", got ", ToString(c.type(i))));
    }
  }
  const int tensors = c.num_inputs() - kScalars;
  if (tensors <= 0 || tensors % 3 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected R, T and then n variables, n gradients and n momenta; got ", tensors,
                     " tensors after T"));
  }
  const int n = tensors / 3;
  std::vector<TensorType> types;
  for (int i = 0; i < tensors; ++i) {
    if (!c.has(kScalars + i)) {
      return absl::InvalidArgumentError(absl::StrCat("input ", kScalars + i, " is absent"));
    }
    const TensorType& type = c.type(kScalars + i);
    const TensorType& variable = c.type(kScalars + i % n);
    if (type != variable) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected a ", i < 2 * n ? "gradient" : "momentum", " of type ",
                       ToString(variable), " for variable ", i % n, ", got ", ToString(type)));
    }
    if (i < 2 * n) types.push_back(variable);
  }
  return types;
}

struct MomentumSpec {
  double rate, alpha, beta, decay;
  bool nesterov;
};

template <typename T>
void UpdateOne(const MomentumSpec& spec, std::span<const T> x, std::span<const T> g,
               std::span<const T> v, std::span<T> new_x, std::span<T> new_v) {
  for (size_t i = 0; i < x.size(); ++i) {
    const double regularized = spec.decay * static_cast<double>(x[i]) + static_cast<double>(g[i]);
    const double velocity = spec.alpha * static_cast<double>(v[i]) + spec.beta * regularized;
    const double direction = spec.nesterov ? regularized + spec.alpha * velocity : velocity;
    new_x[i] = static_cast<T>(static_cast<double>(x[i]) - spec.rate * direction);
    new_v[i] = static_cast<T>(velocity);
  }
}

absl::Status EvaluateMomentum(const EvalContext& c) {
  const double rate = c.in(0).At(0);
  const bool first = c.in(1).in<int64_t>()[0] == 0;
  // In the first update beta counts as 1: the momentum is that gradient (ONNX).
  const MomentumSpec spec{
      rate, GetFloat(c.attributes, "alpha"), first ? 1 : GetFloat(c.attributes, "beta"),
      GetFloat(c.attributes, "norm_coefficient"), GetString(c.attributes, "mode") == "nesterov"};
  const int n = static_cast<int>(c.outputs.size()) / 2;
  for (int i = 0; i < n; ++i) {
    const TensorView& x = c.in(kScalars + i);
    const TensorView& g = c.in(kScalars + n + i);
    const TensorView& v = c.in(kScalars + 2 * n + i);
    WEFT_RETURN_IF_ERROR(VisitFloat(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      UpdateOne<T>(spec, x.in<T>(), g.in<T>(), v.in<T>(), c.out(i).out<T>(), c.out(n + i).out<T>());
    }));
  }
  return absl::OkStatus();
}

Cost MomentumCost(const CostContext& c) {
  double elements = 0;
  for (int i = 0; i < static_cast<int>(c.outputs.size()); ++i) {
    elements += static_cast<double>(c.OutputSize(i));
  }
  return {.flops = 4 * elements};  // eight an element of a variable, which has two outputs
}

// New variables in the old ones' memory, and new momenta in theirs.
std::vector<Alias> MomentumAliases(const Node& node) {
  std::vector<Alias> aliases;
  const int n = node.num_outputs() / 2;
  for (int i = 0; i < n; ++i) {
    aliases.push_back({.output = i, .input = kScalars + i});
    aliases.push_back({.output = n + i, .input = kScalars + 2 * n + i});
  }
  return aliases;
}

AttributeSpec Factor(std::string_view name) {
  return {.name = name, .kind = Attribute::Kind::kFloat, .required = true};
}

}  // namespace

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
