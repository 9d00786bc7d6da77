// Values made to fit.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tests/cases/table.h"
#include "tests/passes/testing_random.h"

namespace weft {
namespace {

constexpr int64_t kMostFactor = 64;  // rows or columns of a product's constant

// Elements per entry of axis 0; 0 where they are not known.
int64_t RowSize(const TensorType& type) {
  int64_t size = 1;
  for (int axis = 1; axis < type.rank(); ++axis) {
    if (!type.dim(axis).is_static()) return 0;
    size *= type.dim(axis).coefficient();
  }
  return size;
}

// For each axis of `want` one of x of that extent; empty where they are others.
std::vector<int64_t> Permutation(const Shape& x, const Shape& want) {
  std::vector<int64_t> perm;
  for (const Dim& dim : want) {
    for (size_t i = 0; i < x.size(); ++i) {
      const bool is_taken =
          std::find(perm.begin(), perm.end(), static_cast<int64_t>(i)) != perm.end();
      if (is_taken || x[i] != dim) continue;
      perm.push_back(static_cast<int64_t>(i));
      break;
    }
  }
  return perm.size() == x.size() ? perm : std::vector<int64_t>();
}

// Whether `relation` holds between all extents, which are equal where they are symbols.
bool Compare(const Shape& a, const Shape& b, bool (*relation)(int64_t, int64_t)) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    if (!a[i].is_static() || !b[i].is_static()) return false;
    if (!relation(a[i].coefficient(), b[i].coefficient())) return false;
  }
  return true;
}

bool IsLarger(int64_t a, int64_t b) { return a >= b; }
bool IsSmaller(int64_t a, int64_t b) { return a <= b; }
bool IsOne(int64_t a, int64_t b) { return a == 1 && b > 0; }

}  // namespace

Value Draft::Reshaped(Value x, const Shape& shape) {
  std::vector<int64_t> dims;
  int unknown = 0;
  for (const Dim& dim : shape) {
    unknown += dim.is_static() ? 0 : 1;
    dims.push_back(dim.is_static() ? dim.coefficient() : -1);
  }
  const bool has_zero = std::find(dims.begin(), dims.end(), 0) != dims.end();
  if (unknown > 1 || has_zero) return {};
  return Add("Reshape", {x, Ints(dims)});
}

// [N,…] times a constant, [N,…] again.
Value Draft::Product(Value x, const TensorType& want) {
  const TensorType& type = x.type();
  if (!kFloatTypes.contains(want.dtype) || type.rank() == 0 || want.rank() == 0) return {};
  if (type.dim(0) != want.dim(0)) return {};
  const int64_t from = RowSize(type), to = RowSize(want);
  if (from < 1 || from > kMostFactor || to < 1 || to > kMostFactor) return {};
  const Value rows = type.rank() == 2 ? x : Add("Flatten", {x}, {{"axis", 1}});
  const double bound = 1 / std::sqrt(static_cast<double>(from));
  const Tensor weight = MakeTensor(Uniform({from, to}, -bound, bound), want.dtype, Seed());
  const Value product = Add("MatMul", {rows, Constant(weight)});
  return product.null() || want.rank() == 2 ? product : Reshaped(product, want.shape);
}

Value Draft::MadeFrom(Value x, const TensorType& want, int way) {
  const Shape& from = x.type().shape;
  const Shape& to = want.shape;
  if (way == 0) {
    const auto a = CountElements(from), b = CountElements(to);
    return a.ok() && b.ok() && *a == *b ? Reshaped(x, to) : Value();
  }
  if (way == 1) return Product(x, want);
  if (from.size() != to.size() || from.empty()) return {};
  if (way == 2) {
    const std::vector<int64_t> perm = Permutation(from, to);
    return perm.empty() ? Value() : Add("Transpose", {x}, {{"perm", perm}});
  }
  std::vector<int64_t> axes, starts, ends, expanded, pads(2 * to.size());
  for (size_t i = 0; i < to.size(); ++i) {
    const bool differs = from[i] != to[i];
    expanded.push_back(differs ? to[i].coefficient() : 1);
    if (!differs) continue;
    axes.push_back(static_cast<int64_t>(i));
    starts.push_back(from[i].coefficient() - to[i].coefficient());
    ends.push_back(std::numeric_limits<int32_t>::max());
    pads[i + to.size() * static_cast<size_t>(Pick(0, 1))] = -starts.back();
  }
  if (axes.empty()) return x;
  if (way == 3 && Compare(from, to, IsLarger)) {
    return Add("Slice", {x, Ints(starts), Ints(ends), Ints(axes)});
  }
  if (way == 4 && Compare(from, to, IsSmaller)) return Add("Pad", {x, Ints(pads)});
  if (way == 5 && Compare(from, to, IsOne)) return Add("Expand", {x, Ints(expanded)});
  return {};
}

Value Draft::Made(const TensorType& want) {
  for (int i = 0; i < 3; ++i) {
    const Value x = Any([&](Value v) { return v.type().dtype == want.dtype; });
    if (x.null()) return {};
    const int first = Pick(0, 5);
    for (int way = first; way < first + 6; ++way) {
      const Value made = MadeFrom(x, want, way % 6);
      if (!made.null() && made.type() == want) return made;
    }
  }
  return {};
}

Value Draft::Fit(const TensorType& want, const CaseInput& range) {
  Value v = Any([&](Value x) { return x.type() == want; });
  if (v.null() || Chance(40)) v = Made(want);
  if (!v.null()) v = Tame(v, range);
  if (!v.null()) return v;
  v = Leaf(MakeTensor(range, want.dtype, Seed()), want.shape);
  if (v.node->op_name() == kInput) Offer(v);
  return v;
}

Value Draft::Tame(Value v, const CaseInput& range) {
  double low = range.low, high = range.high;
  const bool off_zero = range.fill == CaseInput::Fill::kOffZero;
  const bool is_float = kFloatTypes.contains(v.type().dtype);
  if (range.fill == CaseInput::Fill::kDistinct) low = -8, high = 8;
  if (is_float && !off_zero && low <= -1 && high >= 1) low = -8, high = 8;
  const Tensor& tensor = At(v);
  bool is_within = true;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const double x = off_zero ? std::abs(tensor.At(i)) : tensor.At(i);
    is_within = is_within && x >= low && x <= high;
  }
  if (is_within) return v;
  if (!is_float) return {};
  const auto scalar = [&](double x) { return Constant(Tensor::Scalar(x, v.type().dtype)); };
  const Value scaled = Add("Mul", {Add("Sigmoid", {v}), scalar(0.99 * (high - low))});
  return Add("Add", {scaled, scalar(low)});
}

}  // namespace weft
