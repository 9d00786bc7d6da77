#include <type_traits>

#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/map.h"
#include "ops/term.h"

// PRelu (He et al. 2015): a Relu whose slope below zero is learned.

namespace weft {
namespace {

absl::Status CheckSlope(const Shape& x, const Shape& slope) {
  if (MayBroadcastTo(slope, x)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected slope to broadcast to X ", ToString(x),
                                                 ", got slope ", ToString(slope)));
}

absl::StatusOr<std::vector<TensorType>> InferPRelu(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckSlope(c.type(0).shape, c.type(1).shape));
  return InferSameAsFirst(c);
}

absl::StatusOr<std::vector<TensorType>> InferPReluGrad(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(InferPairOfOneType(c).status());
  WEFT_RETURN_IF_ERROR(CheckSlope(c.type(1).shape, c.type(2).shape));
  return std::vector<TensorType>{c.type(0), c.type(2)};
}

// Integers wrap around.
template <typename T>
T Product(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  } else {
    return a * b;
  }
}

absl::Status EvaluatePRelu(const EvalContext& c) {
  const std::vector<int64_t> strides = BroadcastStrides(c.in(1).dims, c.out().dims);
  return VisitNumeric(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    const auto slope = c.in(1).in<T>();
    const auto y = c.out().out<T>();
    ForEachOffset<1>(c.out().dims, {strides}, [&](int64_t i, const std::array<int64_t, 1>& at) {
      const T v = x[static_cast<size_t>(i)];
      y[static_cast<size_t>(i)] = v < 0 ? Product(v, slope[static_cast<size_t>(at[0])]) : v;
    });
  });
}

absl::Status EvaluatePReluGrad(const EvalContext& c) {
  const std::vector<int64_t> strides = BroadcastStrides(c.in(2).dims, c.out().dims);
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto dy = c.in(0).in<T>();
    const auto x = c.in(1).in<T>();
    const auto slope = c.in(2).in<T>();
    const auto dx = c.out(0).out<T>();
    std::vector<double> sums(slope.size(), 0.0);
    ForEachOffset<1>(c.out().dims, {strides}, [&](int64_t at, const std::array<int64_t, 1>& from) {
      const size_t i = static_cast<size_t>(at), k = static_cast<size_t>(from[0]);
      const bool below = x[i] < 0;
      if (below) sums[k] += static_cast<double>(dy[i]) * static_cast<double>(x[i]);
      dx[i] = below ? dy[i] * slope[k] : dy[i];
    });
    if (c.outputs.size() < 2 || !c.out(1).present) return;
    const auto dslope = c.out(1).out<T>();
    for (size_t k = 0; k < dslope.size(); ++k) dslope[k] = static_cast<T>(sums[k]);
  });
}

InputGradients PReluGradient(GradientContext& c) {
  Node* grad =
      c.OpNode("PReluGrad", {c.dy(), c.x(0), c.x(1)}, {}, /*num_outputs=*/c.needs(1) ? 2 : 1);
  InputGradients result(2);
  if (grad == nullptr) return result;
  if (c.needs(0)) result[0] = grad->output(0);
  if (c.needs(1)) result[1] = grad->output(1);
  return result;
}

// With m = slope where X < 0 and 1 elsewhere: dX = dY m, dslope = sum of dY min(X, 0). u and v are
// the cotangents of the two.
InputGradients PReluGradGradient(GradientContext& c) {
  const Term dy(c, c.x(0)), x(c, c.x(1)), slope(c, c.x(2));
  const bool has_u = !c.dy(0).null(), has_v = c.node()->num_outputs() > 1 && !c.dy(1).null();
  // `value` where X < 0 and 0 elsewhere.
  const auto below = [&](Term value) { return value.With("ReluGrad", -x); };
  InputGradients result(3);
  if (c.needs(0)) {
    Value sum = has_u ? c.Op("PReluGrad", {c.dy(0), x, slope}) : Value();
    if (has_v) {
      const Term part = -((-x).Op("Relu") * Term(c, c.dy(1)));
      sum = has_u ? Term(c, sum) + part : part;
    }
    result[0] = sum;
  }
  if (c.needs(1) && has_v) result[1] = below(dy * Term(c, c.dy(1)));
  if (c.needs(2) && has_u) result[2] = SumToLike(c, below(dy * Term(c, c.dy(0))), slope);
  return result;
}

}  // namespace

std::vector<OpDef> PReluOps() {
  return {
      {.name = "PRelu",
       .doc = "X where X >= 0 and slope * X elsewhere, element-wise; slope broadcasts to X. "
              "Integers wrap around. (He et al. 2015)",
       .inputs = {{"X", kSignedTypes}, {"slope", kSignedTypes}},
       .infer = InferPRelu,
       .gradient = PReluGradient,
       .evaluate = EvaluatePRelu,
       .aliases = InPlace,
       .traits = {.elementwise = true}},
      {.name = "PReluGrad",
       .doc =
           "dX = dY where X >= 0 and slope * dY elsewhere; dslope = the sum, over the axes along "
           "which slope is broadcast, of X * dY where X < 0.",
       .inputs = {{"dY"}, {"X"}, {"slope"}},
       .outputs = {{"dX"}, {"dslope", /*optional=*/true}},
       .infer = InferPReluGrad,
       .gradient = PReluGradGradient,
       .evaluate = EvaluatePReluGrad,
       .aliases = InPlaceOfEither},
  };
}

}  // namespace weft
