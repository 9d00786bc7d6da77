#include "ops/optimizer_step.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

#include "ops/optimizer_rules.inc"

// The arithmetic of the reference.
struct DoubleMath {
  using Number = double;
  static double Set(double value) { return value; }
  static double Sqrt(double x) { return std::sqrt(x); }
  static double Max(double a, double b) { return a > b ? a : b; }
  static double Sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
  static double Clamp(double x, double bound) {
    return x < -bound ? -bound : x > bound ? bound : x;
  }
};

constexpr std::pair<UpdateMethod, std::string_view> kMethodNames[] = {
    {UpdateMethod::kSgd, "sgd"},           {UpdateMethod::kMomentum, "momentum"},
    {UpdateMethod::kNesterov, "nesterov"}, {UpdateMethod::kAdagrad, "adagrad"},
    {UpdateMethod::kAdadelta, "adadelta"}, {UpdateMethod::kRmsprop, "rmsprop"},
    {UpdateMethod::kAdam, "adam"},         {UpdateMethod::kAmsgrad, "amsgrad"},
    {UpdateMethod::kNadam, "nadam"},       {UpdateMethod::kRadam, "radam"},
    {UpdateMethod::kLion, "lion"},         {UpdateMethod::kLamb, "lamb"},
    {UpdateMethod::kLars, "lars"},         {UpdateMethod::kAccumulate, "accumulate"},
    {UpdateMethod::kAverage, "average"},
};

// One variable: its operands in the order of the op, and their outputs.
struct UpdatedTensor {
  std::vector<const TensorView*> in;
  std::vector<const TensorView*> out;
};

template <typename T, typename Rule>
struct TensorUpdate {
  const Rule& rule;
  const GradientRule<DoubleMath>& prepare;
  const UpdatedTensor& tensor;

  // x, g and the slots of one element.
  void Load(size_t i, double& x, double& g, double* s) const {
    const auto at = [&](size_t k) { return static_cast<double>(tensor.in[k]->in<T>()[i]); };
    x = at(0);
    g = at(1);
    for (size_t k = 0; k < Rule::kSlots; ++k) s[k] = at(2 + k);
    prepare(x, g);
  }
  double Ratio() const {
    double x2 = 0, measured2 = 0;
    for (size_t i = 0; i < static_cast<size_t>(tensor.in[0]->size()); ++i) {
      double x, g, s[Rule::kSlots + 1];
      Load(i, x, g, s);
      const double measured = rule.Measured(x, g, s);
      x2 += x * x;
      measured2 += measured * measured;
    }
    if (x2 == 0 || measured2 == 0) return 1;
    return rule.Ratio(std::sqrt(x2), std::sqrt(measured2));
  }
  void Run() const {
    [[maybe_unused]] double ratio = 1;
    if constexpr (Rule::kLayerwise) ratio = Ratio();
    for (size_t i = 0; i < static_cast<size_t>(tensor.in[0]->size()); ++i) {
      double x, g, s[Rule::kSlots + 1];
      Load(i, x, g, s);
      double next;
      if constexpr (Rule::kLayerwise) {
        next = rule(x, g, s, ratio);
      } else {
        next = rule(x, g, s);
      }
      tensor.out[0]->out<T>()[i] = static_cast<T>(next);
      for (size_t k = 0; k < Rule::kSlots; ++k) {
        tensor.out[1 + k]->out<T>()[i] = static_cast<T>(s[k]);
      }
    }
  }
};

absl::StatusOr<std::vector<TensorType>> InferOptimizerStep(const InferContext& c) {
  const std::string name = GetString(c.attributes(), "method");
  if (!ParseUpdateMethod(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("method: expected an optimizer's, such as sgd or adam, got \"", name, "\""));
  }
  const UpdateSpec spec = UpdateSpecOf(c.attributes());
  if (spec.every < 1) {
    return absl::InvalidArgumentError(absl::StrCat("every: expected at least 1, got ", spec.every));
  }
  if (spec.first < 0) {
    return absl::InvalidArgumentError(absl::StrCat("first: expected at least 0, got ", spec.first));
  }
  for (const double beta : {spec.beta1, spec.beta2}) {
    if (beta >= 0 && beta < 1) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("expected beta1 and beta2 in [0,1), got ", beta));
  }
  if (!(spec.epsilon > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("epsilon: expected a number above 0, got ", spec.epsilon));
  }
  if ((spec.clip_norm > 0) != c.has(2)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected the input N where there is a clip_norm, which is ", spec.clip_norm));
  }
  return InferUpdate(c, kStepScalars, static_cast<int>(SlotNames(spec).size()));
}

absl::Status EvaluateOptimizerStep(const EvalContext& c) {
  return EvaluateUpdate(c, UpdateSpecOf(c.attributes), kStepScalars);
}

std::vector<Alias> OptimizerStepAliases(const Node& node) {
  return UpdateAliases(node, kStepScalars,
                       static_cast<int>(SlotNames(UpdateSpecOf(node.attributes())).size()));
}

Cost OptimizerStepCost(const CostContext& c) {
  double elements = 0;
  for (int i = 0; i < static_cast<int>(c.outputs.size()); ++i) {
    elements += static_cast<double>(c.OutputSize(i));
  }
  return {.flops = 6 * elements};  // about that many an element of each output
}

AttributeSpec Number(std::string_view name, double fallback) {
  return {.name = name, .kind = Attribute::Kind::kFloat, .fallback = fallback};
}

absl::StatusOr<std::vector<TensorType>> InferGlobalNorm(const InferContext& c) {
  if (c.num_inputs() == 0) return absl::InvalidArgumentError("expected at least one tensor");
  return std::vector<TensorType>{{c.type(0).dtype, {}}};
}

absl::Status EvaluateGlobalNorm(const EvalContext& c) {
  double sum = 0;
  for (const TensorView& x : c.inputs) {
    for (int64_t i = 0; i < x.size(); ++i) sum += x.At(i) * x.At(i);
  }
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    c.out().out<T>()[0] = static_cast<T>(std::sqrt(sum));
  });
}

Cost GlobalNormCost(const CostContext& c) {
  double elements = 0;
  for (int i = 0; i < static_cast<int>(c.inputs.size()); ++i) {
    elements += static_cast<double>(c.InputSize(i));
  }
  return {.flops = 2 * elements};
}

}  // namespace

std::string_view ToString(UpdateMethod method) {
  return std::ranges::find(kMethodNames, method, [](const auto& row) { return row.first; })->second;
}

std::optional<UpdateMethod> ParseUpdateMethod(std::string_view name) {
  for (const auto& [method, text] : kMethodNames) {
    if (text == name) return method;
  }
  return std::nullopt;
}

UpdateSpec UpdateSpecOf(const AttributeMap& attributes) {
  const auto number = [&](std::string_view name) { return GetFloat(attributes, name); };
  return {.method = ParseUpdateMethod(GetString(attributes, "method")).value_or(UpdateMethod::kSgd),
          .momentum = number("momentum"),
          .dampening = number("dampening"),
          .beta1 = number("beta1"),
          .beta2 = number("beta2"),
          .alpha = number("alpha"),
          .epsilon = number("epsilon"),
          .lr_decay = number("lr_decay"),
          .momentum_decay = number("momentum_decay"),
          .trust = number("trust"),
          .centered = GetInt(attributes, "centered") != 0,
          .rate_factor = number("rate_factor"),
          .l1 = number("l1"),
          .l2 = number("l2"),
          .decay = number("decay"),
          .clip_value = number("clip_value"),
          .clip_norm = number("clip_norm"),
          .every = GetInt(attributes, "every"),
          .first = GetInt(attributes, "first")};
}

std::vector<std::string_view> SlotNames(const UpdateSpec& spec) {
  switch (spec.method) {
    case UpdateMethod::kSgd:
    case UpdateMethod::kAccumulate:
    case UpdateMethod::kAverage:
      return {};
    case UpdateMethod::kMomentum:
    case UpdateMethod::kNesterov:
    case UpdateMethod::kLars:
      return {"momentum"};
    case UpdateMethod::kAdagrad:
      return {"sum"};
    case UpdateMethod::kAdadelta:
      return {"square_avg", "acc_delta"};
    case UpdateMethod::kRmsprop: {
      std::vector<std::string_view> names = {"square_avg"};
      if (spec.momentum > 0) names.push_back("momentum");
      if (spec.centered) names.push_back("grad_avg");
      return names;
    }
    case UpdateMethod::kAmsgrad:
      return {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
    case UpdateMethod::kLion:
      return {"exp_avg"};
    case UpdateMethod::kAdam:
    case UpdateMethod::kNadam:
    case UpdateMethod::kRadam:
    case UpdateMethod::kLamb:
      return {"exp_avg", "exp_avg_sq"};
  }
  return {};
}

UpdateRun UpdateOf(const UpdateSpec& spec, const EvalContext& c, int scalars) {
  UpdateRun update{spec};
  update.rate = spec.rate_factor * c.in(0).At(0);
  const int64_t batch = c.in(1).in<int64_t>()[0];
  if (spec.method == UpdateMethod::kAccumulate) {
    update.step = static_cast<double>(batch);
  } else {
    update.due = batch % spec.every == spec.every - 1;
    const double steps = static_cast<double>(batch / spec.every);
    update.step = std::max(steps - static_cast<double>(spec.first), 0.0);
  }
  if (scalars == kStepScalars && c.has(2)) {
    // As PyTorch's clip_grad_norm_; a norm that is not finite is passed on.
    const double scale = spec.clip_norm / (c.in(2).At(0) + 1e-6);
    update.gradient_scale = scale > 1 ? 1 : scale;
  }
  return update;
}

void KeepOperands(const EvalContext& c, int scalars, int variables,
                  const std::function<size_t(int)>& bytes) {
  for (int i = 0; i < static_cast<int>(c.outputs.size()); ++i) {
    const int input = scalars + (i < variables ? i : i + variables);
    if (c.out(i).data == c.in(input).data || bytes(i) == 0) continue;
    std::memcpy(c.out(i).data, c.in(input).data, bytes(i));
  }
}

absl::StatusOr<std::vector<TensorType>> InferUpdate(const InferContext& c, int scalars, int slots) {
  for (int i = 0; i < scalars; ++i) {
    if (!c.has(i) || c.type(i).rank() == 0) continue;
    return absl::InvalidArgumentError(absl::StrCat("expected a scalar ",
                                                   i == 0   ? "R"
                                                   : i == 1 ? "T"
                                                            : "N",
                                                   ", got ", ToString(c.type(i))));
  }
  const int tensors = c.num_inputs() - scalars, kinds = 2 + slots;
  if (tensors <= 0 || tensors % kinds != 0) {
    return absl::InvalidArgumentError(absl::StrCat("expected n variables, n gradients and ", slots,
                                                   " times n slots after the scalars; got ",
                                                   std::max(tensors, 0), " tensors"));
  }
  const int n = tensors / kinds;
  std::vector<TensorType> types;
  for (int i = 0; i < tensors; ++i) {
    if (!c.has(scalars + i)) {
      return absl::InvalidArgumentError(absl::StrCat("input ", scalars + i, " is absent"));
    }
    const TensorType& variable = c.type(scalars + i % n);
    if (c.type(scalars + i) != variable) {
      return absl::InvalidArgumentError(absl::StrCat(
          "expected a ", i < 2 * n ? "gradient" : "slot", " of type ", ToString(variable),
          " for variable ", i % n, ", got ", ToString(c.type(scalars + i))));
    }
    if (i < n || i >= 2 * n) types.push_back(variable);
  }
  return types;
}

// New variables in the old ones' memory, and new slots in theirs.
std::vector<Alias> UpdateAliases(const Node& node, int scalars, int slots) {
  const int n = node.num_outputs() / (1 + slots);
  std::vector<Alias> aliases;
  for (int i = 0; i < node.num_outputs(); ++i) {
    aliases.push_back({.output = i, .input = scalars + (i < n ? i : i + n)});
  }
  return aliases;
}

absl::Status EvaluateUpdate(const EvalContext& c, const UpdateSpec& spec, int scalars) {
  const UpdateRun update = UpdateOf(spec, c, scalars);
  const int n = static_cast<int>(c.outputs.size() / (1 + SlotNames(spec).size()));
  if (!update.due) {
    KeepOperands(c, scalars, n, [&](int i) {
      return static_cast<size_t>(c.out(i).size()) * SizeOf(c.out(i).dtype);
    });
    return absl::OkStatus();
  }
  const GradientRule<DoubleMath> prepare(update);
  absl::Status status;
  VisitUpdateRule<DoubleMath>(update, [&]<typename Rule>(const Rule& rule) {
    for (int i = 0; i < n && status.ok(); ++i) {
      UpdatedTensor tensor;
      for (int k = 0; k < 2 + Rule::kSlots; ++k) tensor.in.push_back(&c.in(scalars + k * n + i));
      for (int k = 0; k < 1 + Rule::kSlots; ++k) tensor.out.push_back(&c.out(k * n + i));
      status = VisitFloat(tensor.in[0]->dtype, [&](auto zero) {
        TensorUpdate<decltype(zero), Rule>{rule, prepare, tensor}.Run();
      });
    }
  });
  return status;
}

std::vector<OpDef> OptimizerStepOps() {
  return {
      {.name = "OptimizerStep",
       .doc =
           "One step of an optimizer on n variables: R is the learning rate, T the number of "
           "batches before this one, N, where clip_norm is given, the norm of all gradients. "
           "Then come all variables X, all gradients G and all slots of the method, one kind "
           "after the other; outputs are all X', then all slots'. ops/optimizer_rules.inc has "
           "the formulas. With every > 1 only each so many-th batch makes a step, others leave "
           "all as it is; first is the number of steps made before these variables were trained, "
           "which their count leaves out. The methods accumulate (of gradients) and average (of "
           "weights) are the other parts of a step.",
       .inputs = {{"R", kFloatTypes, Arity::kRequired, 'R'},
                  {"T", {DType::kI64}, Arity::kRequired, ' '},
                  {"N", kFloatTypes, Arity::kOptional, ' '},
                  {"tensors", kFloatTypes, Arity::kVariadic}},
       .outputs = {{"new_tensors"}},
       .attributes = {{.name = "method", .kind = Attribute::Kind::kString, .required = true},
                      Number("momentum", 0),
                      Number("dampening", 0),
                      Number("beta1", 0.9),
                      Number("beta2", 0.999),
                      Number("alpha", 0.99),
                      Number("epsilon", 1e-8),
                      Number("lr_decay", 0),
                      Number("momentum_decay", 0.004),
                      Number("trust", 0.001),
                      {.name = "centered", .fallback = 0},
                      Number("rate_factor", 1),
                      Number("l1", 0),
                      Number("l2", 0),
                      Number("decay", 0),
                      Number("clip_value", 0),
                      Number("clip_norm", 0),
                      {.name = "every", .fallback = 1},
                      {.name = "first", .fallback = 0}},
       .infer = InferOptimizerStep,
       .no_gradient = "an optimizer's update",
       .evaluate = EvaluateOptimizerStep,
       .cost = OptimizerStepCost,
       .aliases = OptimizerStepAliases,
       .variadic_outputs = true},
      {.name = "GlobalNorm",
       .doc = "The square root of the sum of the squares of all elements of all tensors: what "
              "PyTorch's clip_grad_norm_ compares with its limit.",
       .inputs = {{"tensors", kFloatTypes, Arity::kVariadic}},
       .outputs = {{"Y"}},
       .infer = InferGlobalNorm,
       .no_gradient = "an optimizer's update",
       .evaluate = EvaluateGlobalNorm,
       .cost = GlobalNormCost}};
}

}  // namespace weft
