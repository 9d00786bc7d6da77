#include "frontend/train/optimizer_method.h"

#include <algorithm>
#include <cmath>

namespace weft {
namespace {

// A method's name, its update, its own numbers and the options that it has.
struct MethodRow {
  std::string_view name;
  UpdateMethod update;
  std::vector<std::string_view> options;
  double momentum = 0, weight_decay = 0;
  double beta2 = 0.999, epsilon = 1e-8, alpha = 0.99;
  bool decoupled = false;
  double rate = 0;
};

const std::vector<MethodRow>& MethodRows() {
  using Names = std::vector<std::string_view>;
  const Names adam = {"beta1", "beta2", "epsilon", "decoupled_decay"};
  Names nadam = adam;
  nadam.push_back("momentum_decay");
  static const auto& rows = *new std::vector<MethodRow>{
      {"sgd", UpdateMethod::kSgd, {"momentum", "nesterov", "dampening", "decoupled_decay"}},
      {"momentum",
       UpdateMethod::kMomentum,
       {"momentum", "nesterov", "dampening", "decoupled_decay"},
       0.9},
      {"nesterov", UpdateMethod::kNesterov, {"momentum", "nesterov", "decoupled_decay"}, 0.9},
      {.name = "adagrad",
       .update = UpdateMethod::kAdagrad,
       .options = {"epsilon", "lr_decay", "decoupled_decay"},
       .epsilon = 1e-10,
       .rate = 0.01},
      {.name = "adadelta",
       .update = UpdateMethod::kAdadelta,
       .options = {"epsilon", "alpha", "decoupled_decay"},
       .epsilon = 1e-6,
       .alpha = 0.9,
       .rate = 1},
      {.name = "rmsprop",
       .update = UpdateMethod::kRmsprop,
       .options = {"momentum", "epsilon", "alpha", "centered", "decoupled_decay"},
       .rate = 0.01},
      {.name = "adam", .update = UpdateMethod::kAdam, .options = adam, .rate = 1e-3},
      {.name = "amsgrad", .update = UpdateMethod::kAmsgrad, .options = adam, .rate = 1e-3},
      {.name = "adamw",
       .update = UpdateMethod::kAdam,
       .options = adam,
       .weight_decay = 0.01,
       .decoupled = true,
       .rate = 1e-3},
      {.name = "nadam", .update = UpdateMethod::kNadam, .options = nadam, .rate = 2e-3},
      {.name = "radam", .update = UpdateMethod::kRadam, .options = adam, .rate = 1e-3},
      {.name = "lion",
       .update = UpdateMethod::kLion,
       .options = {"beta1", "beta2", "decoupled_decay"},
       .beta2 = 0.99,
       .decoupled = true,
       .rate = 1e-4},
      {.name = "lamb",
       .update = UpdateMethod::kLamb,
       .options = adam,
       .epsilon = 1e-6,
       .decoupled = true,
       .rate = 1e-3},
      {"lars", UpdateMethod::kLars, {"momentum", "trust"}, 0.9},
  };
  return rows;
}

const MethodRow* FindRow(std::string_view name) {
  const auto row = std::ranges::find(MethodRows(), name, &MethodRow::name);
  return row == MethodRows().end() ? nullptr : &*row;
}

// The options that some methods lack, by name; whether each is set.
template <typename F>
void VisitOfMethods(OptimizerOptions& o, const F& f) {
  const OptimizerOptions unset;
  const auto visit = [&](std::string_view name, auto OptimizerOptions::*member) {
    f(name, o.*member != unset.*member, [&] { o.*member = unset.*member; });
  };
  visit("momentum", &OptimizerOptions::momentum);
  visit("nesterov", &OptimizerOptions::nesterov);
  visit("dampening", &OptimizerOptions::dampening);
  visit("beta1", &OptimizerOptions::beta1);
  visit("beta2", &OptimizerOptions::beta2);
  visit("epsilon", &OptimizerOptions::epsilon);
  visit("alpha", &OptimizerOptions::alpha);
  visit("centered", &OptimizerOptions::centered);
  visit("lr_decay", &OptimizerOptions::lr_decay);
  visit("momentum_decay", &OptimizerOptions::momentum_decay);
  visit("trust", &OptimizerOptions::trust);
  visit("decoupled_decay", &OptimizerOptions::decoupled_decay);
}

bool Has(const MethodRow& row, std::string_view option) {
  return std::ranges::find(row.options, option) != row.options.end();
}

absl::Status CheckRange(std::string_view what, double value, double end) {
  if (value >= 0 && value < end) return absl::OkStatus();
  const std::string range =
      std::isinf(end) ? std::string("of at least 0") : absl::StrCat("in [0,", end, ")");
  return absl::InvalidArgumentError(
      absl::StrCat("optimizer: expected a ", Absl(what), " ", range, ", got ", value));
}

absl::Status CheckRanges(const OptimizerOptions& o) {
  constexpr double kAny = HUGE_VAL;
  WEFT_RETURN_IF_ERROR(CheckRange("momentum", o.momentum, 1));
  WEFT_RETURN_IF_ERROR(CheckRange("weight decay", o.weight_decay == -1 ? 0 : o.weight_decay, kAny));
  WEFT_RETURN_IF_ERROR(CheckRange("dampening", o.dampening, 1));
  WEFT_RETURN_IF_ERROR(CheckRange("beta1", o.beta1 == -1 ? 0 : o.beta1, 1));
  WEFT_RETURN_IF_ERROR(CheckRange("beta2", o.beta2 == -1 ? 0 : o.beta2, 1));
  WEFT_RETURN_IF_ERROR(CheckRange("epsilon", o.epsilon, kAny));
  WEFT_RETURN_IF_ERROR(CheckRange("alpha", o.alpha, 1));
  WEFT_RETURN_IF_ERROR(CheckRange("lr decay", o.lr_decay, kAny));
  WEFT_RETURN_IF_ERROR(CheckRange("momentum decay", o.momentum_decay, kAny));
  WEFT_RETURN_IF_ERROR(CheckRange("trust coefficient", o.trust, kAny));
  WEFT_RETURN_IF_ERROR(CheckRange("factor l1", o.l1, kAny));
  WEFT_RETURN_IF_ERROR(CheckRange("clip value", o.clip_value, kAny));
  WEFT_RETURN_IF_ERROR(CheckRange("clip norm", o.clip_norm, kAny));
  WEFT_RETURN_IF_ERROR(CheckRange("average decay", o.average_decay, 1));
  WEFT_RETURN_IF_ERROR(CheckRange("distance sam", o.sam, kAny));
  if (o.accumulation < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("optimizer: expected at least 1 batch a step, got ", o.accumulation));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string_view> OptimizerMethods() {
  std::vector<std::string_view> names;
  for (const MethodRow& row : MethodRows()) names.push_back(row.name);
  return names;
}

double RateOfMethod(std::string_view method) {
  const MethodRow* row = FindRow(method);
  return row == nullptr ? 0 : row->rate;
}

OptimizerOptions WithMethod(OptimizerOptions options, std::string_view method) {
  options.method = method;
  const MethodRow* row = FindRow(method);
  if (row == nullptr) return options;
  VisitOfMethods(options, [&](std::string_view name, bool, const auto& reset) {
    if (!Has(*row, name)) reset();
  });
  return options;
}

absl::Status CheckOptimizer(const OptimizerOptions& options) {
  const MethodRow* row = FindRow(options.method);
  if (row == nullptr) {
    std::string names;
    for (const std::string_view name : OptimizerMethods()) {
      absl::StrAppend(&names, names.empty() ? "" : ", ", Absl(name));
    }
    return absl::InvalidArgumentError(
        absl::StrCat("optimizer: expected one of ", names, ", got \"", options.method, "\""));
  }
  std::string foreign;
  OptimizerOptions copy = options;
  VisitOfMethods(copy, [&](std::string_view name, bool set, const auto&) {
    if (set && !Has(*row, name) && foreign.empty()) foreign = name;
  });
  if (!foreign.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("optimizer: ", options.method, " has no option ", foreign));
  }
  WEFT_RETURN_IF_ERROR(CheckRanges(options));
  const UpdateSpec spec = UpdateSpecFor(options);
  if (options.nesterov && spec.momentum == 0) {
    return absl::InvalidArgumentError("optimizer: Nesterov's step needs a momentum above 0");
  }
  if (options.dampening != 0 && spec.method != UpdateMethod::kMomentum) {
    return absl::InvalidArgumentError(
        "optimizer: dampening needs a momentum above 0, and not Nesterov's");
  }
  if (options.clip_value > 0 && options.clip_norm > 0) {
    return absl::InvalidArgumentError("optimizer: expected a clip value or a clip norm, got both");
  }
  return absl::OkStatus();
}

UpdateSpec UpdateSpecFor(const OptimizerOptions& o) {
  const MethodRow& row = *FindRow(o.method);
  const auto either = [](double value, double own) { return value != 0 ? value : own; };
  UpdateSpec spec{.method = row.update,
                  .momentum = either(o.momentum, row.momentum),
                  .dampening = o.dampening,
                  .beta1 = o.beta1 == -1 ? 0.9 : o.beta1,
                  .beta2 = o.beta2 == -1 ? row.beta2 : o.beta2,
                  .alpha = either(o.alpha, row.alpha),
                  .epsilon = either(o.epsilon, row.epsilon),
                  .lr_decay = o.lr_decay,
                  .momentum_decay = either(o.momentum_decay, 0.004),
                  .trust = either(o.trust, 0.001),
                  .centered = o.centered,
                  .l1 = o.l1,
                  .clip_value = o.clip_value,
                  .clip_norm = o.clip_norm,
                  .every = o.accumulation};
  const double decay = o.weight_decay == -1 ? row.weight_decay : o.weight_decay;
  (row.decoupled || o.decoupled_decay ? spec.decay : spec.l2) = decay;
  if (o.nesterov) {
    spec.method = UpdateMethod::kNesterov;
  } else if (spec.method == UpdateMethod::kSgd && spec.momentum > 0) {
    spec.method = UpdateMethod::kMomentum;
  }
  return spec;
}

}  // namespace weft
