#include <algorithm>
#include <limits>

#include "ops/families.h"

namespace weft {
namespace {

bool TransposesA(const AttributeMap& attributes) { return GetInt(attributes, "transA") != 0; }
bool TransposesB(const AttributeMap& attributes) { return GetInt(attributes, "transB") != 0; }

// C is broadcast to Y [M,N] one way: its axes, aligned at the end, are 1 or Y's.
absl::Status CheckAddend(const Shape& c, const Shape& y) {
  bool fits = c.size() <= 2;
  for (size_t i = 0; fits && i < c.size(); ++i) {
    const Dim& have = c[c.size() - 1 - i];
    const Dim& want = y[1 - i];
    const bool known = have.is_static() && want.is_static();
    fits = have == want || have == Dim(1) || !known;
  }
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected a C that broadcasts to ", ToString(y), ", got ", ToString(c)));
}

absl::StatusOr<std::vector<TensorType>> InferGemm(const InferContext& c) {
  const Shape& a = c.type(0).shape;
  const Shape& b = c.type(1).shape;
  if (a.size() != 2 || b.size() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected A and B of 2 axes, got ", ToString(a), " and ", ToString(b)));
  }
  const bool ta = TransposesA(c.attributes()), tb = TransposesB(c.attributes());
  const Dim& a_inner = a[ta ? 0 : 1];
  const Dim& b_inner = b[tb ? 1 : 0];
  if (a_inner.is_static() && b_inner.is_static() && a_inner != b_inner) {
    return absl::InvalidArgumentError(absl::StrCat("expected inner extents that agree, got A ",
                                                   ToString(a), ta ? " transposed" : "", " and B ",
                                                   ToString(b), tb ? " transposed" : ""));
  }
  Shape y = {a[ta ? 1 : 0], b[tb ? 0 : 1]};
  if (c.has(2)) WEFT_RETURN_IF_ERROR(CheckAddend(c.type(2).shape, y));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(y)}};
}

// With P = op(A) [M,K], Q = op(B) [K,N]: dP = alpha dY Q^T, dQ = alpha P^T dY; a transposed operand
// gets the transpose of that, which is a product in the other order.
InputGradients GemmGradient(GradientContext& c) {
  InputGradients gradients(3);
  const Value dy = c.dy(), a = c.x(0), b = c.x(1);
  const double alpha = GetFloat(c.attributes(), "alpha", 1),
               beta = GetFloat(c.attributes(), "beta", 1);
  const bool ta = TransposesA(c.attributes()), tb = TransposesB(c.attributes());
  const auto product = [&](Value left, Value right, bool transpose_left, bool transpose_right) {
    return c.Op("Gemm", {left, right},
                {{"alpha", alpha},
                 {"transA", transpose_left ? 1 : 0},
                 {"transB", transpose_right ? 1 : 0}});
  };
  if (c.needs(0)) gradients[0] = ta ? product(b, dy, tb, true) : product(dy, b, false, !tb);
  if (c.needs(1)) gradients[1] = tb ? product(dy, a, true, ta) : product(a, dy, !ta, false);
  if (c.needs(2)) {
    const Value scaled = beta == 1 ? dy : c.Op("Mul", {dy, c.Scalar(beta, dy.type().dtype)});
    const bool same = c.ok() && dy.type() == c.x(2).type();
    gradients[2] = same ? scaled : c.Op("ReduceToLike", {scaled, c.x(2)});
  }
  return gradients;
}

// beta * C broadcast into one row of Y.
template <typename T>
void StartRow(const EvalContext& c, double beta, int64_t row, std::vector<double>& sums) {
  std::fill(sums.begin(), sums.end(), 0.0);
  if (!c.has(2) || beta == 0) return;
  const TensorView& addend = c.in(2);
  const int64_t columns = addend.rank() > 0 ? addend.dim(addend.rank() - 1) : 1;
  const int64_t rows = addend.rank() > 1 ? addend.dim(0) : 1;
  const T* from = addend.in<T>().data() + (rows > 1 ? row * columns : 0);
  for (size_t j = 0; j < sums.size(); ++j) {
    sums[j] = beta * static_cast<double>(from[columns > 1 ? j : 0]);
  }
}

// op(B) as doubles, [K,N], so that the inner loop runs along its rows whichever way B lies.
template <typename T>
std::vector<double> RowsOf(const TensorView& b, bool transposed) {
  const auto values = b.in<T>();
  if (!transposed) return {values.begin(), values.end()};
  const size_t n = static_cast<size_t>(b.dim(0)), k = static_cast<size_t>(b.dim(1));
  std::vector<double> rows(values.size());
  for (size_t j = 0; j < n; ++j) {
    for (size_t p = 0; p < k; ++p) rows[p * n + j] = values[j * k + p];
  }
  return rows;
}

// Sums are kept in double for both types and rounded once.
template <typename T>
void Multiply(const EvalContext& c) {
  const double alpha = GetFloat(c.attributes, "alpha", 1), beta = GetFloat(c.attributes, "beta", 1);
  const bool ta = TransposesA(c.attributes);
  const int64_t m = c.out().dim(0), n = c.out().dim(1), k = c.in(0).dim(ta ? 0 : 1);
  const int64_t row_step = ta ? 1 : k, column_step = ta ? m : 1;
  const T* a = c.in(0).in<T>().data();
  T* y = c.out().out<T>().data();
  const std::vector<double> b = RowsOf<T>(c.in(1), TransposesB(c.attributes));
  std::vector<double> sums(static_cast<size_t>(n));
  for (int64_t i = 0; i < m; ++i) {
    StartRow<T>(c, beta, i, sums);
    for (int64_t p = 0; p < k; ++p) {
      const double factor = alpha * static_cast<double>(a[i * row_step + p * column_step]);
      const double* row = b.data() + p * n;
      for (int64_t j = 0; j < n; ++j) sums[static_cast<size_t>(j)] += factor * row[j];
    }
    y = std::transform(sums.begin(), sums.end(), y, [](double s) { return static_cast<T>(s); });
  }
}

absl::Status EvaluateGemm(const EvalContext& c) {
  return VisitFloat(c.out().dtype, [&c](auto zero) { Multiply<decltype(zero)>(c); });
}

Cost GemmCost(const CostContext& c) {
  int64_t macs = c.OutputSize();
  const int64_t inner = c.inputs[0][TransposesA(c.attributes) ? 0 : 1];
  if (__builtin_mul_overflow(macs, inner, &macs)) macs = std::numeric_limits<int64_t>::max();
  return {.macs = macs, .flops = 2.0 * static_cast<double>(macs)};
}

}  // namespace

std::vector<OpDef> GemmOps() {
  return {
      {.name = "Gemm",
       .doc = "alpha * op(A) op(B) + beta * C, as ONNX's Gemm: op(A) is [M,K], op(B) [K,N], op the "
              "transpose where transA or transB says so; C is broadcast to [M,N].",
       .inputs = {{"A"}, {"B"}, {.name = "C", .arity = Arity::kOptional}},
       .attributes = {{"alpha", Attribute::Kind::kFloat, 1.0},
                      {"beta", Attribute::Kind::kFloat, 1.0},
                      {"transA", Attribute::Kind::kInt, 0},
                      {"transB", Attribute::Kind::kInt, 0}},
       .infer = InferGemm,
       .gradient = GemmGradient,
       .evaluate = EvaluateGemm,
       .cost = GemmCost},
  };
}

}  // namespace weft
