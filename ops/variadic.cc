#include <cmath>

#include "ops/elementwise.h"
#include "ops/families.h"

// Min, Max, Sum and Mean of any number of inputs, broadcast together.

namespace weft {
namespace {

// folded[i] = f(folded[i], x[i]) over all inputs in order, starting from the first.
template <typename T, typename Folded, typename F>
std::vector<Folded> FoldInputs(const EvalContext& c, F f) {
  std::vector<Folded> folded(static_cast<size_t>(c.out().size()));
  for (size_t k = 0; k < c.inputs.size(); ++k) {
    const auto x = c.inputs[k].in<T>();
    ForEachOffset<1>(c.out().dims, {BroadcastStrides(c.inputs[k].dims, c.out().dims)},
                     [&](int64_t i, const std::array<int64_t, 1>& at) {
                       Folded& y = folded[static_cast<size_t>(i)];
                       const auto e = static_cast<Folded>(x[static_cast<size_t>(at[0])]);
                       y = k == 0 ? e : f(y, e);
                     });
  }
  return folded;
}

// NaN wins, as in NumPy.
template <bool kLargest>
absl::Status EvaluateExtreme(const EvalContext& c) {
  return VisitDType<kArithmeticTypes>(c.out().dtype, [&c](auto zero) {
    using T = decltype(zero);
    const std::vector<T> y =
        FoldInputs<T, T>(c, [](T a, T b) { return a != a || (kLargest ? a > b : a < b) ? a : b; });
    std::copy(y.begin(), y.end(), c.out().out<T>().begin());
  });
}

template <bool kMean>
absl::Status EvaluateSum(const EvalContext& c) {
  const double divisor = kMean ? static_cast<double>(c.inputs.size()) : 1;
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto sums = FoldInputs<T, double>(c, [](double a, double b) { return a + b; });
    const auto y = c.out().out<T>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(sums[i] / divisor);
  });
}

// `cotangent`, summed to the shape of each input that wants it.
InputGradients ToEach(GradientContext& c, Value cotangent) {
  InputGradients dx(static_cast<size_t>(c.node()->num_inputs()));
  for (int i = 0; i < c.node()->num_inputs(); ++i) {
    if (c.needs(i)) dx[static_cast<size_t>(i)] = SumToLike(c, cotangent, c.x(i));
  }
  return dx;
}

InputGradients SumGradient(GradientContext& c) { return ToEach(c, c.dy()); }

InputGradients MeanGradient(GradientContext& c) {
  const Value n = c.Scalar(static_cast<double>(c.node()->num_inputs()), c.dy().type().dtype);
  return ToEach(c, c.Op("Div", {c.dy(), n}));
}

// The inputs that hold the extreme share the cotangent equally.
InputGradients ExtremeGradient(GradientContext& c) {
  const int n = c.node()->num_inputs();
  if (n == 1) return {c.dy()};
  const DType dtype = c.dy().type().dtype;
  std::vector<Value> holds, counts;
  for (int i = 0; i < n; ++i) {
    holds.push_back(c.Op("Equal", {c.x(i), c.y()}));
    counts.push_back(c.Op("Cast", {holds.back()}, {{"to", dtype}}));
  }
  const Value share = c.Op("Div", {c.dy(), c.Op("Sum", counts)});
  const Value zero = c.Scalar(0, dtype);
  InputGradients dx(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) {
    const auto k = static_cast<size_t>(i);
    if (c.needs(i)) dx[k] = SumToLike(c, c.Op("Where", {holds[k], share, zero}), c.x(i));
  }
  return dx;
}

// One operation for every input but the first.
Cost FlopsOfAll(const CostContext& c) {
  const auto n = static_cast<double>(c.inputs.size());
  return {.flops = std::max(1.0, n - 1) * static_cast<double>(c.OutputSize())};
}

OpDef Variadic(std::string_view name, std::string_view doc, DTypeSet dtypes, GradientFn gradient,
               EvaluateFn evaluate) {
  return {.name = name,
          .doc = doc,
          .inputs = {{"data", dtypes, Arity::kVariadic}},
          .outputs = {{"result"}},
          .infer = InferBroadcast,
          .gradient = gradient,
          .evaluate = evaluate,
          .cost = FlopsOfAll,
          .traits = {.elementwise = true}};
}

}  // namespace

std::vector<OpDef> VariadicOps() {
  return {
      Variadic("Max",
               "The element-wise maximum of one or more inputs with NumPy broadcasting. NaN wins. "
               "The inputs that hold it share the gradient equally.",
               kArithmeticTypes, ExtremeGradient, EvaluateExtreme<true>),
      Variadic("Mean", "The element-wise mean of one or more inputs with NumPy broadcasting.",
               kFloatTypes, MeanGradient, EvaluateSum<true>),
      Variadic("Min",
               "The element-wise minimum of one or more inputs with NumPy broadcasting. NaN wins. "
               "The inputs that hold it share the gradient equally.",
               kArithmeticTypes, ExtremeGradient, EvaluateExtreme<false>),
      Variadic("Sum", "The element-wise sum of one or more inputs with NumPy broadcasting.",
               kFloatTypes, SumGradient, EvaluateSum<false>),
  };
}

}  // namespace weft
