#include "ops/row_norm.h"

#include <cmath>
#include <vector>

#include "ops/broadcast.h"

namespace weft {

int64_t RowNorm::Product(int begin, int end) const {
  int64_t product = 1;
  for (int i = begin; i < end; ++i) product *= dims[static_cast<size_t>(i)];
  return product;
}

int64_t RowNorm::affine_size() const {
  int64_t product = 1;
  for (int64_t extent : affine) product *= extent;
  return product;
}

RowNorm ReadRowNorm(std::string_view op, const AttributeMap& attributes, std::span<const int64_t> x,
                    std::span<const int64_t> scale) {
  RowNorm norm{.dims = {x.begin(), x.end()},
               .axis = 2,
               .affine = {scale.begin(), scale.end()},
               .epsilon = GetFloat(attributes, "epsilon")};
  if (op == "GroupNormalization") {
    const int64_t groups = GetInt(attributes, "num_groups");
    norm.dims[1] = groups;
    norm.dims.insert(norm.dims.begin() + 2, x[1] / groups);
    norm.affine = {groups, x[1] / groups};
    norm.affine.resize(x.size(), 1);
  } else if (op == "InstanceNormalization") {
    norm.affine.resize(x.size() - 1, 1);
  } else {
    const int64_t axis = GetInt(attributes, "axis", -1);
    norm.axis = static_cast<int>(axis < 0 ? axis + static_cast<int64_t>(x.size()) : axis);
  }
  return norm;
}

namespace {

// 1 / sqrt(var + epsilon) is called rstd.
struct RowMoments {
  std::vector<double> mean, rstd;
};

// In two passes, so that a large mean does not swallow the variance.
template <typename T>
RowMoments MomentsOfRows(const RowNorm& norm, const T* x) {
  const int64_t n = norm.row_size();
  RowMoments moments;
  for (int64_t row = 0; row < norm.rows(); ++row) {
    const T* first = x + row * n;
    double mean = 0, var = 0;
    for (int64_t i = 0; i < n; ++i) mean += first[i];
    mean /= static_cast<double>(n);
    for (int64_t i = 0; i < n; ++i) var += (first[i] - mean) * (first[i] - mean);
    var /= static_cast<double>(n);
    moments.mean.push_back(mean);
    moments.rstd.push_back(1 / std::sqrt(var + norm.epsilon));
  }
  return moments;
}

// Calls f(i, row, at) for every element of X: the element's index and those of its row and of its
// scale.
template <typename F>
void ForEachElement(const RowNorm& norm, F f) {
  const int64_t n = norm.row_size();
  ForEachOffset<1>(norm.dims, {BroadcastStrides(norm.affine, norm.dims)},
                   [&](int64_t i, const std::array<int64_t, 1>& at) {
                     f(static_cast<size_t>(i), static_cast<size_t>(i / n),
                       static_cast<size_t>(at[0]));
                   });
}

template <typename T>
void Store(const EvalContext& c, size_t output, const std::vector<double>& values) {
  if (output >= c.outputs.size() || c.outputs[output].data == nullptr) return;
  const auto to = c.outputs[output].out<T>();
  for (size_t i = 0; i < values.size(); ++i) to[i] = static_cast<T>(values[i]);
}

template <typename T>
void Normalize(const RowNorm& norm, const EvalContext& c) {
  const auto x = c.in(0).in<T>(), scale = c.in(1).in<T>();
  const auto bias = c.has(2) ? c.in(2).in<T>() : std::span<const T>();
  const auto y = c.out().out<T>();
  const RowMoments moments = MomentsOfRows(norm, x.data());
  Store<T>(c, 1, moments.mean);
  Store<T>(c, 2, moments.rstd);
  ForEachElement(norm, [&](size_t i, size_t row, size_t at) {
    const double normal = (x[i] - moments.mean[row]) * moments.rstd[row];
    y[i] = static_cast<T>(normal * scale[at] + (bias.empty() ? 0.0 : bias[at]));
  });
}

// With g = dY scale, x^ = (X - mean) rstd and m() the mean over a row:
//   dX = rstd (g - m(g) - x^ m(g x^)), dscale = sum dY x^, dbias = sum dY.
template <typename T>
void NormalizeBack(const RowNorm& norm, const EvalContext& c) {
  const auto dy = c.in(0).in<T>(), x = c.in(1).in<T>(), scale = c.in(2).in<T>();
  const auto dx = c.out().out<T>();
  const double n = static_cast<double>(norm.row_size());
  const RowMoments moments = MomentsOfRows(norm, x.data());
  const auto normal = [&](size_t i, size_t row) {
    return (x[i] - moments.mean[row]) * moments.rstd[row];
  };
  const size_t rows = moments.mean.size();
  std::vector<double> sum(rows), dot(rows), dscale(scale.size()), dbias(scale.size());
  ForEachElement(norm, [&](size_t i, size_t row, size_t at) {
    const double d = dy[i];
    sum[row] += d * scale[at];
    dot[row] += d * scale[at] * normal(i, row);
    dscale[at] += d * normal(i, row);
    dbias[at] += d;
  });
  ForEachElement(norm, [&](size_t i, size_t row, size_t at) {
    const double g = static_cast<double>(dy[i]) * scale[at];
    dx[i] = static_cast<T>(moments.rstd[row] * (g - sum[row] / n - normal(i, row) * dot[row] / n));
  });
  Store<T>(c, 1, dscale);
  Store<T>(c, 2, dbias);
}

}  // namespace

absl::Status EvaluateRowNorm(const RowNorm& norm, const EvalContext& c) {
  return VisitFloat(c.out().dtype, [&](auto zero) { Normalize<decltype(zero)>(norm, c); });
}

absl::Status EvaluateRowNormGrad(const RowNorm& norm, const EvalContext& c) {
  return VisitFloat(c.out().dtype, [&](auto zero) { NormalizeBack<decltype(zero)>(norm, c); });
}

}  // namespace weft
