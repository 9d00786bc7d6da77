#include "ops/lrn.h"

#include <algorithm>
#include <cmath>

#include "ops/common.h"
#include "ops/families.h"

namespace weft {

LrnSpec ReadLrn(const AttributeMap& attributes, std::span<const int64_t> dims) {
  const int64_t size = GetInt(attributes, "size");
  LrnSpec spec{.batch = dims[0],
               .channels = dims[1],
               .before = (size - 1) / 2,
               .after = size / 2,
               .factor = GetFloat(attributes, "alpha") / static_cast<double>(size),
               .beta = GetFloat(attributes, "beta"),
               .bias = GetFloat(attributes, "bias")};
  for (int64_t extent : dims.subspan(2)) spec.inner *= extent;
  // No window reaches further than all channels.
  spec.before = std::min(spec.before, spec.channels);
  spec.after = std::min(spec.after, spec.channels);
  return spec;
}

namespace {

absl::Status CheckOperand(const InferContext& c) {
  if (c.type(0).rank() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an input [N,C,...], got ", ToString(c.type(0))));
  }
  for (const char* name : {"alpha", "beta", "bias"}) {
    WEFT_RETURN_IF_ERROR(CheckFinite(c.attributes(), name));
  }
  const int64_t size = GetInt(c.attributes(), "size");
  if (size >= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected a size of at least 1, got ", size));
}

absl::StatusOr<std::vector<TensorType>> InferLrn(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckOperand(c));
  return InferSameAsFirst(c);
}

absl::StatusOr<std::vector<TensorType>> InferLrnGrad(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckOperand(c));
  return InferPairOfOneType(c);
}

// Calls f(first) for every position of every example: channel k of it is at first + k * inner.
template <typename F>
void ForEachPosition(const LrnSpec& spec, F f) {
  for (int64_t n = 0; n < spec.batch; ++n) {
    for (int64_t i = 0; i < spec.inner; ++i) {
      f(static_cast<size_t>(n * spec.channels * spec.inner + i));
    }
  }
}

// bias + factor * the sum of squares over the window of every channel of one position.
template <typename T>
std::vector<double> Bases(const LrnSpec& spec, std::span<const T> x, size_t first) {
  std::vector<double> bases;
  for (int64_t k = 0; k < spec.channels; ++k) {
    double squares = 0;
    for (int64_t j = spec.first(k); j <= spec.last(k); ++j) {
      const double v = x[first + static_cast<size_t>(j * spec.inner)];
      squares += v * v;
    }
    bases.push_back(spec.bias + spec.factor * squares);
  }
  return bases;
}

absl::Status EvaluateLrn(const EvalContext& c) {
  const LrnSpec spec = ReadLrn(c.attributes, c.in(0).dims);
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::span<const T> x = c.in(0).in<T>();
    const auto y = c.out().out<T>();
    ForEachPosition(spec, [&](size_t first) {
      const std::vector<double> bases = Bases(spec, x, first);
      for (size_t k = 0; k < bases.size(); ++k) {
        const size_t at = first + k * static_cast<size_t>(spec.inner);
        y[at] = static_cast<T>(x[at] * std::pow(bases[k], -spec.beta));
      }
    });
  });
}

// With base b: y_j = x_j b_j^-beta, and x_i is in the windows of channels i - after to i + before:
//   dx_i = dy_i b_i^-beta - 2 factor beta x_i sum_j dy_j x_j b_j^(-beta-1).
absl::Status EvaluateLrnGrad(const EvalContext& c) {
  const LrnSpec spec = ReadLrn(c.attributes, c.in(1).dims);
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::span<const T> dy = c.in(0).in<T>(), x = c.in(1).in<T>();
    const auto dx = c.out().out<T>();
    ForEachPosition(spec, [&](size_t first) {
      const std::vector<double> bases = Bases(spec, x, first);
      const auto at = [&](int64_t k) { return first + static_cast<size_t>(k * spec.inner); };
      for (int64_t i = 0; i < spec.channels; ++i) {
        double sum = 0;
        const int64_t last = std::min(i + spec.before, spec.channels - 1);
        for (int64_t j = std::max<int64_t>(i - spec.after, 0); j <= last; ++j) {
          sum += static_cast<double>(dy[at(j)]) * x[at(j)] *
                 std::pow(bases[static_cast<size_t>(j)], -spec.beta - 1);
        }
        dx[at(i)] = static_cast<T>(dy[at(i)] * std::pow(bases[static_cast<size_t>(i)], -spec.beta) -
                                   2 * spec.factor * spec.beta * x[at(i)] * sum);
      }
    });
  });
}

InputGradients LrnGradient(GradientContext& c) {
  return {c.Op("LRNGrad", {c.dy(), c.x()}, c.attributes())};
}

// A square and a sum for each channel of the window, and a power.
Cost LrnCost(const CostContext& c) {
  const LrnSpec spec = ReadLrn(c.attributes, c.outputs[0]);
  const double window = static_cast<double>(spec.before + spec.after + 1);
  return {.flops = (2 * window + 3) * static_cast<double>(c.OutputSize())};
}

Cost LrnGradCost(const CostContext& c) { return {.flops = 2 * LrnCost(c).flops}; }

std::vector<AttributeSpec> LrnAttributes() {
  return {{.name = "size", .required = true},
          {"alpha", Attribute::Kind::kFloat, 1e-4},
          {"beta", Attribute::Kind::kFloat, 0.75},
          {"bias", Attribute::Kind::kFloat, 1.0}};
}

}  // namespace

std::vector<OpDef> LrnOps() {
  return {
      {.name = "LRN",
       .doc = "Y = X / (bias + alpha / size * sum of X^2)^beta across channels [N,C,...]; the sum "
              "over channels c - floor((size-1)/2) to c + ceil((size-1)/2), as ONNX's (Krizhevsky, "
              "Sutskever, Hinton 2012, section 3.3).",
       .inputs = {{"X"}},
       .attributes = LrnAttributes(),
       .infer = InferLrn,
       .gradient = LrnGradient,
       .evaluate = EvaluateLrn,
       .cost = LrnCost},
      {.name = "LRNGrad",
       .doc = "The gradient of LRN in X for the cotangent dY of Y.",
       .inputs = {{"dY"}, {"X"}},
       .outputs = {{"dX"}},
       .attributes = LrnAttributes(),
       .infer = InferLrnGrad,
       .no_gradient = "second derivatives of local response normalization have no rule",
       .evaluate = EvaluateLrnGrad,
       .cost = LrnGradCost},
  };
}

}  // namespace weft
