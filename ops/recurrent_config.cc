#include <algorithm>
#include <array>
#include <cmath>

#include "ops/common.h"
#include "ops/recurrent.h"

// Attributes of the recurrent ops and their activations.

namespace weft {
namespace {

using Kind = CellActivation::Kind;

struct ActivationInfo {
  Kind kind;
  std::string_view name;
  int arguments = 0;  // alpha; alpha and beta
  double alpha = 0, beta = 0;
};

// ONNX's list, with the defaults of the ops of those names.
constexpr std::array<ActivationInfo, 11> kActivations = {{
    {Kind::kAffine, "Affine", 2, 1, 0},
    {Kind::kElu, "Elu", 1, 1},
    {Kind::kHardSigmoid, "HardSigmoid", 2, 0.2, 0.5},
    {Kind::kLeakyRelu, "LeakyRelu", 1, 0.01},
    {Kind::kRelu, "Relu"},
    {Kind::kScaledTanh, "ScaledTanh", 2, 1, 1},
    {Kind::kSigmoid, "Sigmoid"},
    {Kind::kSoftplus, "Softplus"},
    {Kind::kSoftsign, "Softsign"},
    {Kind::kTanh, "Tanh"},
    {Kind::kThresholdedRelu, "ThresholdedRelu", 1, 1},
}};

template <typename T>
std::vector<T> GetList(const AttributeMap& attributes, std::string_view name) {
  const auto it = attributes.find(name);
  if (it == attributes.end()) return {};
  return std::get<std::vector<T>>(it->second.value);
}

absl::StatusOr<const ActivationInfo*> FindActivation(std::string_view name) {
  std::string names;
  for (const ActivationInfo& info : kActivations) {
    if (info.name == name) return &info;
    absl::StrAppend(&names, names.empty() ? "" : ", ", Absl(info.name));
  }
  return absl::InvalidArgumentError(absl::StrCat("attribute activations: expected names among ",
                                                 names, "; got \"", Absl(name), "\""));
}

// The values of activation_alpha or activation_beta go, in order, to the activations that take one.
absl::Status CheckArgumentCount(std::string_view name, size_t got, size_t takers) {
  if (got <= takers) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("attribute ", Absl(name), ": expected at most ", takers,
                   " values, one for each activation that takes it, got ", got));
}

absl::StatusOr<std::vector<CellActivation>> ReadActivations(const CellInfo& cell,
                                                            int64_t directions,
                                                            const AttributeMap& attributes) {
  std::vector<std::string> names = GetList<std::string>(attributes, "activations");
  const size_t expected = cell.activations.size() * static_cast<size_t>(directions);
  if (names.empty()) {
    for (size_t i = 0; i < expected; ++i) {
      names.emplace_back(cell.activations[i % cell.activations.size()]);
    }
  }
  if (names.size() != expected) {
    return absl::InvalidArgumentError(
        absl::StrCat("attribute activations: expected ", expected, " names, got ", names.size()));
  }
  const auto alphas = GetList<double>(attributes, "activation_alpha");
  const auto betas = GetList<double>(attributes, "activation_beta");
  size_t alpha = 0, beta = 0;
  std::vector<CellActivation> result;
  for (const std::string& name : names) {
    WEFT_ASSIGN_OR_RETURN(const ActivationInfo* info, FindActivation(name));
    CellActivation& f = result.emplace_back();
    f.kind = info->kind;
    f.alpha = info->arguments > 0 && alpha < alphas.size() ? alphas[alpha] : info->alpha;
    f.beta = info->arguments > 1 && beta < betas.size() ? betas[beta] : info->beta;
    if (info->arguments > 0) ++alpha;
    if (info->arguments > 1) ++beta;
  }
  WEFT_RETURN_IF_ERROR(CheckArgumentCount("activation_alpha", alphas.size(), alpha));
  WEFT_RETURN_IF_ERROR(CheckArgumentCount("activation_beta", betas.size(), beta));
  return result;
}

template <typename Real>
struct ValueAndSlope {
  Real value = 0, slope = 0;
};

template <typename Real>
ValueAndSlope<Real> ApplyOnce(const CellActivation& f, Real x) {
  const Real alpha = static_cast<Real>(f.alpha), beta = static_cast<Real>(f.beta);
  switch (f.kind) {
    case Kind::kAffine:
      return {alpha * x + beta, alpha};
    case Kind::kElu: {
      const Real y = x >= 0 ? x : alpha * std::expm1(x);
      return {y, x >= 0 ? 1 : y + alpha};
    }
    case Kind::kHardSigmoid: {
      const Real y = alpha * x + beta;
      return {std::clamp(y, Real{0}, Real{1}), y > 0 && y < 1 ? alpha : 0};
    }
    case Kind::kLeakyRelu:
      return {x >= 0 ? x : alpha * x, x >= 0 ? 1 : alpha};
    case Kind::kRelu:
      return {x < 0 ? 0 : x, x > 0 ? Real{1} : Real{0}};  // NaN stays
    case Kind::kScaledTanh: {
      const Real t = std::tanh(beta * x);
      return {alpha * t, alpha * beta * (1 - t * t)};
    }
    case Kind::kSigmoid: {
      const Real y = 1 / (1 + std::exp(-x));
      return {y, y * (1 - y)};
    }
    case Kind::kSoftplus:
      return {std::max(x, Real{0}) + std::log1p(std::exp(-std::abs(x))), 1 / (1 + std::exp(-x))};
    case Kind::kSoftsign: {
      const Real d = 1 + std::abs(x);
      return {x / d, 1 / (d * d)};
    }
    case Kind::kTanh: {
      const Real y = std::tanh(x);
      return {y, 1 - y * y};
    }
    case Kind::kThresholdedRelu:
      return {x >= alpha ? x : 0, x >= alpha ? Real{1} : Real{0}};
  }
  return {};
}

}  // namespace

const CellInfo& InfoOf(CellKind kind) {
  static const auto& cells = *new std::array<CellInfo, 3>{{
      {CellKind::kRnn, "RNN", 1, {"Tanh"}, false},
      {CellKind::kLstm, "LSTM", 4, {"Sigmoid", "Tanh", "Tanh"}, true},
      {CellKind::kGru, "GRU", 3, {"Sigmoid", "Tanh"}, false},
  }};
  return cells[static_cast<size_t>(kind)];
}

absl::StatusOr<RecurrentConfig> ReadRecurrentAttributes(CellKind kind, const AttributeMap& a) {
  const CellInfo& cell = InfoOf(kind);
  WEFT_RETURN_IF_ERROR(CheckOneOf(a, "direction", {"forward", "reverse", "bidirectional"}));
  RecurrentConfig config;
  config.kind = kind;
  config.gates = cell.gates;
  config.directions = GetString(a, "direction") == "bidirectional" ? 2 : 1;
  config.reverse = GetString(a, "direction") == "reverse";
  const int64_t layout = GetInt(a, "layout");
  if (layout != 0 && layout != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("attribute layout: expected 0 or 1, got ", layout));
  }
  config.batch_first = layout == 1;
  config.couples_gates = GetInt(a, "input_forget") != 0;
  config.linear_before_reset = GetInt(a, "linear_before_reset") != 0;
  WEFT_ASSIGN_OR_RETURN(config.activations, ReadActivations(cell, config.directions, a));
  if (a.contains("clip")) {
    const double clip = GetFloat(a, "clip");
    if (!(clip > 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("attribute clip: expected a number above 0, got ", clip));
    }
    for (CellActivation& f : config.activations) f.clip = clip;
  }
  return config;
}

absl::StatusOr<RecurrentConfig> ReadRecurrent(CellKind kind, const AttributeMap& a,
                                              std::span<const int64_t> x,
                                              std::span<const int64_t> r) {
  WEFT_ASSIGN_OR_RETURN(RecurrentConfig config, ReadRecurrentAttributes(kind, a));
  config.steps = x[config.batch_first ? 1 : 0];
  config.batch = x[config.batch_first ? 0 : 1];
  config.input = x[2];
  config.hidden = r[2];
  return config;
}

template <typename Real>
void ActivateEach(const CellActivation& f, int64_t n, const Real* x, Real* y, Real* d) {
  const Real clip = static_cast<Real>(f.clip);
  for (int64_t i = 0; i < n; ++i) {
    const Real from = x[i];
    const auto [value, slope] = ApplyOnce(f, std::clamp(from, -clip, clip));
    y[i] = value;
    if (d != nullptr) d[i] = std::abs(from) > clip ? 0 : slope;
  }
}

template void ActivateEach(const CellActivation&, int64_t, const float*, float*, float*);
template void ActivateEach(const CellActivation&, int64_t, const double*, double*, double*);

}  // namespace weft
