#include <cmath>

#include "ops/common.h"
#include "ops/families.h"
#include "ops/index_map.h"

// Det: Gaussian elimination with the largest pivot of each column; the determinant is the product
// of the pivots, negated for each exchange of rows.

namespace weft {
namespace {

absl::StatusOr<std::vector<TensorType>> InferDet(const InferContext& c) {
  TensorType type = c.type(0);
  const int rank = type.rank();
  if (rank < 2 || DimsDiffer({type.dim(rank - 1)}, {type.dim(rank - 2)})) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected square matrices [..,M,M], got ", ToString(type)));
  }
  type.shape.resize(static_cast<size_t>(rank - 2));
  return std::vector<TensorType>{std::move(type)};
}

// Of a matrix in row-major order, which it overwrites.
double Determinant(std::vector<double>& a, size_t m) {
  double product = 1;
  for (size_t k = 0; k < m; ++k) {
    size_t pivot = k;
    for (size_t row = k + 1; row < m; ++row) {
      if (std::abs(a[row * m + k]) > std::abs(a[pivot * m + k])) pivot = row;
    }
    if (a[pivot * m + k] == 0) return 0;
    if (pivot != k) {
      for (size_t j = k; j < m; ++j) std::swap(a[k * m + j], a[pivot * m + j]);
      product = -product;
    }
    product *= a[k * m + k];
    for (size_t row = k + 1; row < m; ++row) {
      const double factor = a[row * m + k] / a[k * m + k];
      for (size_t j = k; j < m; ++j) a[row * m + j] -= factor * a[k * m + j];
    }
  }
  return product;
}

absl::Status EvaluateDet(const EvalContext& c) {
  const auto m = static_cast<size_t>(c.in(0).dims.back());
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto y = c.out().out<T>();
    const auto x = c.in(0).in<T>();
    for (size_t i = 0; i < y.size(); ++i) {
      const auto matrix = x.subspan(i * m * m, m * m);
      std::vector<double> a(matrix.begin(), matrix.end());
      y[i] = static_cast<T>(Determinant(a, m));
    }
  });
}

Cost DetCost(const CostContext& c) {
  const auto m = static_cast<double>(c.inputs[0].back());
  return {.flops = static_cast<double>(c.InputSize(0)) * m * 2 / 3};
}

}  // namespace

std::vector<OpDef> DetOps() {
  return {{.name = "Det",
           .doc = "The determinant of each matrix of X [..,M,M].",
           .inputs = {{"X"}},
           .infer = InferDet,
           .no_gradient = "determinants are for inference only",
           .evaluate = EvaluateDet,
           .cost = DetCost}};
}

}  // namespace weft
