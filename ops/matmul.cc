#include "ops/matmul.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

// Without the last two axes.
template <typename Extents>
Extents BatchOf(const Extents& shape) {
  return {shape.begin(), shape.end() - std::min<std::ptrdiff_t>(std::ssize(shape), 2)};
}

absl::StatusOr<std::vector<TensorType>> InferMatMul(const InferContext& c) {
  const Shape& a = c.type(0).shape;
  const Shape& b = c.type(1).shape;
  const auto refused = [&](std::string_view expected) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected ", Absl(expected), ", got A ", ToString(a), " and B ", ToString(b)));
  };
  if (a.empty() || b.empty()) return refused("A and B of at least 1 axis");
  const Dim& a_inner = a.back();
  const Dim& b_inner = b.size() == 1 ? b[0] : b[b.size() - 2];
  if (a_inner.is_static() && b_inner.is_static() && a_inner != b_inner) {
    return refused("the last axis of A and the last but one of B to agree");
  }
  WEFT_ASSIGN_OR_RETURN(Shape y, BroadcastShapes(BatchOf(a), BatchOf(b)));
  if (a.size() > 1) y.push_back(a[a.size() - 2]);
  if (b.size() > 1) y.push_back(b.back());
  return std::vector<TensorType>{{c.type(0).dtype, std::move(y)}};
}

Value SwapLastAxes(GradientContext& c, Value x) {
  std::vector<int64_t> perm(static_cast<size_t>(x.type().rank()));
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return c.Op("Transpose", {x}, {{"perm", std::move(perm)}});
}

Value InsertAxis(GradientContext& c, Value x, int64_t axis) {
  return c.Op("Unsqueeze", {x, c.Ints({axis})});
}

// x as a matrix whose rows are those of the whole batch.
Value AllRows(GradientContext& c, Value x) {
  const int64_t rank = x.type().rank();
  return rank == 2 ? x : c.Op("Flatten", {x}, {{"axis", rank - 1}});
}

// dA = dY B^T, where a B of one axis is a column.
Value GradientOfA(GradientContext& c, Value a, Value b) {
  if (a.type().rank() == 2 && b.type().rank() == 2) {
    return c.Op("Gemm", {c.dy(), b}, {{"transB", 1}});
  }
  const bool row = a.type().rank() == 1, column = b.type().rank() == 1;
  const Value dy = row ? InsertAxis(c, c.dy(), -2) : column ? InsertAxis(c, c.dy(), -1) : c.dy();
  return c.Op("MatMul", {dy, column ? InsertAxis(c, b, 0) : SwapLastAxes(c, b)});
}

// dB = A^T dY, where an A of one axis is a row. For a column it is computed transposed: dY^T A.
Value GradientOfB(GradientContext& c, Value a, Value b) {
  const bool row = a.type().rank() == 1, column = b.type().rank() == 1;
  if (column) return c.Op("MatMul", {InsertAxis(c, c.dy(), -2), a});
  if (row) return c.Op("MatMul", {InsertAxis(c, a, -1), InsertAxis(c, c.dy(), -2)});
  if (b.type().rank() > 2) return c.Op("MatMul", {SwapLastAxes(c, a), c.dy()});
  return c.Op("Gemm", {AllRows(c, a), AllRows(c, c.dy())}, {{"transA", 1}});
}

// Both are summed over the axes along which the batch was broadcast; what an operand of one axis
// lacks is summed in the same way. Of two such operands the result is a scalar.
InputGradients MatMulGradient(GradientContext& c) {
  const Value a = c.x(0), b = c.x(1);
  const bool scalar = a.type().rank() == 1 && b.type().rank() == 1;
  InputGradients gradients(2);
  for (const int i : {0, 1}) {
    if (!c.needs(i)) continue;
    gradients[static_cast<size_t>(i)] =
        scalar ? c.Op("Mul", {c.dy(), c.x(1 - i)})
               : SumToLike(c, i == 0 ? GradientOfA(c, a, b) : GradientOfB(c, a, b), c.x(i));
  }
  return gradients;
}

// Sums are kept in double for floating point and rounded once.
template <typename T>
void Multiply(const EvalContext& c, const MatMulProblem& p) {
  using Sum = Accumulator<T>;
  const T* a = c.in(0).in<T>().data();
  const T* b = c.in(1).in<T>().data();
  T* y = c.out().out<T>().data();
  std::vector<Sum> sums(static_cast<size_t>(p.n));
  ForEachOffset<2>(
      p.batch, {p.a_strides, p.b_strides}, [&](int64_t i, const std::array<int64_t, 2>& at) {
        for (int64_t row = 0; row < p.m; ++row) {
          std::fill(sums.begin(), sums.end(), Sum{0});
          for (int64_t k = 0; k < p.k; ++k) {
            const Sum factor = static_cast<Sum>(a[at[0] + row * p.k + k]);
            const T* from = b + at[1] + k * p.n;
            for (int64_t j = 0; j < p.n; ++j) {
              sums[static_cast<size_t>(j)] += factor * static_cast<Sum>(from[j]);
            }
          }
          T* to = y + (i * p.m + row) * p.n;
          std::transform(sums.begin(), sums.end(), to, [](Sum s) { return static_cast<T>(s); });
        }
      });
}

absl::Status EvaluateMatMul(const EvalContext& c) {
  const MatMulProblem problem = ReadMatMul(c.in(0).dims, c.in(1).dims);
  return VisitNumeric(c.out().dtype, [&](auto zero) { Multiply<decltype(zero)>(c, problem); });
}

Cost MatMulCost(const CostContext& c) {
  int64_t macs = c.OutputSize();
  if (__builtin_mul_overflow(macs, c.inputs[0].back(), &macs)) {
    macs = std::numeric_limits<int64_t>::max();
  }
  return {.macs = macs, .flops = 2.0 * static_cast<double>(macs)};
}

}  // namespace

MatMulProblem ReadMatMul(std::span<const int64_t> a, std::span<const int64_t> b) {
  MatMulProblem p;
  const Dims a_batch = BatchOf(Dims(a.begin(), a.end()));
  const Dims b_batch = BatchOf(Dims(b.begin(), b.end()));
  p.batch.assign(std::max(a_batch.size(), b_batch.size()), 1);
  for (const Dims* dims : {&a_batch, &b_batch}) {
    const size_t shift = p.batch.size() - dims->size();
    for (size_t i = 0; i < dims->size(); ++i) {
      if ((*dims)[i] != 1) p.batch[shift + i] = (*dims)[i];
    }
  }
  p.k = a.back();
  p.m = a.size() > 1 ? a[a.size() - 2] : 1;
  p.n = b.size() > 1 ? b.back() : 1;
  p.a_strides = BroadcastStrides(a_batch, p.batch);
  p.b_strides = BroadcastStrides(b_batch, p.batch);
  for (int64_t& stride : p.a_strides) stride *= p.m * p.k;
  for (int64_t& stride : p.b_strides) stride *= p.k * p.n;
  return p;
}

std::vector<OpDef> MatMulOps() {
  return {
      {.name = "MatMul",
       .doc = "The matrix product of the last two axes of A and B, as NumPy's matmul and ONNX's "
              "MatMul: the axes before them are a batch and broadcast; an operand of one axis is a "
              "row (A) or a column (B), and that axis is not in the result.",
       .inputs = {{"A", kSignedTypes}, {"B", kSignedTypes}},
       .infer = InferMatMul,
       .gradient = MatMulGradient,
       .evaluate = EvaluateMatMul,
       .cost = MatMulCost},
  };
}

}  // namespace weft
