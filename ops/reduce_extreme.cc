#include <limits>

#include "ops/families.h"
#include "ops/reduce.h"

// ReduceMax and ReduceMin, ReduceProd and its gradient.

namespace weft {
namespace {

// The identity of max and min: what ONNX gives for no elements of floating point.
template <typename T, bool kLargest>
T Identity() {
  using Limits = std::numeric_limits<T>;
  if constexpr (Limits::has_infinity) {
    return kLargest ? -Limits::infinity() : Limits::infinity();
  } else {
    return kLargest ? Limits::min() : Limits::max();
  }
}

// NaN wins, as in NumPy.
template <bool kLargest>
absl::Status EvaluateExtreme(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Dims kept, KeptDims(c));
  if (c.in(0).size() == 0 && c.out().size() > 0 && !kFloatTypes.contains(c.out().dtype)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the extreme of no integers: expected some, data has dims ", ToString(c.in(0).dims)));
  }
  return VisitNumeric(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::vector<T> y = FoldInto<T, T>(
        c.in(0), kept, Identity<T, kLargest>(),
        [](T a, T b, int64_t) { return a != a || (kLargest ? a > b : a < b) ? a : b; });
    std::copy(y.begin(), y.end(), c.out().out<T>().begin());
  });
}

// The elements that hold the extreme share the cotangent equally.
InputGradients ExtremeGradient(GradientContext& c) {
  const DType dtype = c.x().type().dtype;
  const Value holds = c.Op("Equal", {c.x(), Unreduced(c, c.y())});
  const Value count = c.Op("ReduceSum", {c.Op("Cast", {holds}, {{"to", dtype}})}, KeepingAxes(c));
  const Value share = c.Op("Div", {Unreduced(c, c.dy()), count});
  return {c.Op("Where", {holds, share, c.Scalar(0, dtype)})};
}

// Products of integers wrap around.
absl::Status EvaluateReduceProd(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Dims kept, KeptDims(c));
  return VisitNumeric(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    using Product = Accumulator<T>;
    const auto products = FoldInto<T, Product>(c.in(0), kept, 1, [](Product product, T e, int64_t) {
      return product * static_cast<Product>(e);
    });
    const auto y = c.out().out<T>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(products[i]);
  });
}

InputGradients ProdGradient(GradientContext& c) {
  return {c.Op("ReduceProdGrad", {c.dy(), c.x()}, c.attributes())};
}

absl::StatusOr<std::vector<TensorType>> InferProdGrad(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const auto axes, ReducedAxes(c.attributes(), c.type(1).rank()));
  const bool keep = GetInt(c.attributes(), "keepdims", 1) != 0;
  const Shape reduced = WithoutAxes(c.type(1).shape, axes, keep);
  if (c.type(0).shape != reduced) {
    return absl::InvalidArgumentError(absl::StrCat("expected dY of the reduced shape ",
                                                   ToString(reduced), ", got ",
                                                   ToString(c.type(0).shape)));
  }
  return std::vector<TensorType>{c.type(1)};
}

// dx_i = dy times the product of the other elements: of all over x_i where none is 0, of the others
// at the only 0, and 0 elsewhere.
absl::Status EvaluateProdGrad(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Dims kept, KeptDims(c, 1));
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const TensorView& x = c.in(1);
    const auto zeros = FoldInto<T, int64_t>(
        x, kept, 0, [](int64_t n, T e, int64_t) { return e == 0 ? n + 1 : n; });
    const auto others = FoldInto<T, double>(
        x, kept, 1.0, [](double product, T e, int64_t) { return e == 0 ? product : product * e; });
    const auto dy = c.in(0).in<T>(), in = x.in<T>();
    const auto dx = c.out().out<T>();
    ForEachOffset<1>(x.dims, {BroadcastStrides(kept, x.dims)},
                     [&](int64_t i, const std::array<int64_t, 1>& at) {
                       const auto o = static_cast<size_t>(at[0]), e = static_cast<size_t>(i);
                       double product = 0;
                       if (zeros[o] == 0) product = others[o] / in[e];
                       if (zeros[o] == 1 && in[e] == 0) product = others[o];
                       dx[e] = static_cast<T>(dy[o] * product);
                     });
  });
}

Cost ProdGradFlops(const CostContext& c) {
  return {.flops = 4.0 * static_cast<double>(c.InputSize(1))};
}

OpDef ProdGrad() {
  return {.name = "ReduceProdGrad",
          .doc =
              "The gradient of ReduceProd in X: dY times the product of the other elements that "
              "were multiplied, exact where some are 0.",
          .inputs = {{"dY"}, {"X"}},
          .outputs = {{"dX"}},
          .attributes = {{.name = "axes", .kind = Attribute::Kind::kInts},
                         {.name = "keepdims", .fallback = 1}},
          .infer = InferProdGrad,
          .no_gradient = "the second derivative of a product is a sum over pairs of its factors",
          .evaluate = EvaluateProdGrad,
          .cost = ProdGradFlops};
}

}  // namespace

std::vector<OpDef> ReduceExtremeOps() {
  return {
      ReductionOp("ReduceMax",
                  "The largest of data over `axes` (absent: all), which stay as 1 if keepdims. NaN "
                  "wins; of no elements -inf, of no integers an error. The elements that hold it "
                  "share the gradient equally.",
                  kNumericTypes, ExtremeGradient, EvaluateExtreme<true>),
      ReductionOp(
          "ReduceMin",
          "The smallest of data over `axes` (absent: all), which stay as 1 if keepdims. NaN "
          "wins; of no elements inf, of no integers an error. The elements that hold it "
          "share the gradient equally.",
          kNumericTypes, ExtremeGradient, EvaluateExtreme<false>),
      ReductionOp(
          "ReduceProd",
          "The product of data over `axes` (absent: all), which stay as 1 if keepdims; 1 of "
          "no elements. Integers wrap around.",
          kSignedTypes, ProdGradient, EvaluateReduceProd),
      ProdGrad(),
  };
}

}  // namespace weft
