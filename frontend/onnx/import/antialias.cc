// Resize with antialias, since opset 18: where an axis shrinks, the filter widens so that every
// element counts. Along an axis of known extent that is a product with a constant matrix:
//
//   Resize(x) -> MatMul(rows, MatMul(x, columns))

#include <algorithm>
#include <cmath>

#include "frontend/onnx/import/ops.h"

namespace weft {
namespace {

constexpr int64_t kMostWeights = int64_t{1} << 24;

struct AntialiasFilter {
  bool cubic, exclude_outside;
  double a;
  std::string places;

  // In elements of the input.
  double PlaceOf(int64_t o, int64_t in, int64_t out, double scale) const {
    const auto at = static_cast<double>(o);
    if (places == "asymmetric") return at / scale;
    if (places == "align_corners") {
      return out == 1 ? 0 : at * static_cast<double>(in - 1) / static_cast<double>(out - 1);
    }
    if (places == "pytorch_half_pixel" && out == 1) return 0;
    return (at + 0.5) / scale - 0.5;
  }

  // Of an element at distance `t`: a triangle, or Keys' cubic.
  double Weight(double t) const {
    if (!cubic) return std::max(0.0, 1 - t);
    if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
    return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
  }

  // [out,in]: what each element of the input counts in each of the output.
  std::vector<double> Matrix(int64_t in, int64_t out, double scale) const {
    std::vector<double> matrix(static_cast<size_t>(in * out));
    const double shrinks = std::min(scale, 1.0), reach = (cubic ? 2 : 1) / shrinks;
    for (int64_t o = 0; o < out; ++o) {
      const double place = PlaceOf(o, in, out, scale);
      double* row = matrix.data() + o * in;
      double sum = 0;
      for (auto p = static_cast<int64_t>(std::ceil(place - reach)); p <= place + reach; ++p) {
        if (exclude_outside && (p < 0 || p >= in)) continue;
        const double weight = Weight(std::abs(static_cast<double>(p) - place) * shrinks);
        row[std::clamp<int64_t>(p, 0, in - 1)] += weight;
        sum += weight;
      }
      for (int64_t p = 0; p < in; ++p) row[p] /= sum;
    }
    return matrix;
  }
};

Value AntialiasMatrix(ImportContext& c, const AntialiasFilter& filter, int64_t in, int64_t out,
                      double scale, bool transposed, DType dtype) {
  const std::vector<double> rows = filter.Matrix(in, out, scale);
  std::vector<double> columns(rows.size());
  for (int64_t i = 0; i < in * out; ++i) {
    columns[static_cast<size_t>(i % in * out + i / in)] = rows[static_cast<size_t>(i)];
  }
  absl::StatusOr<Tensor> tensor =
      transposed ? Tensor::FromValues<double>({in, out}, std::span<const double>(columns))
                 : Tensor::FromValues<double>({out, in}, std::span<const double>(rows));
  if (tensor.ok()) tensor = tensor->Converted(dtype);
  return tensor.ok() ? c.Constant(*std::move(tensor)) : c.Fail(tensor.status());
}

}  // namespace

std::vector<Value> AntialiasedResize(ImportContext& c) {
  const AntialiasFilter filter{.cubic = c.String("mode") == "cubic",
                               .exclude_outside = c.Int("exclude_outside") != 0,
                               .a = c.Float("cubic_coeff_a", -0.75),
                               .places = c.String("coordinate_transformation_mode")};
  Value y = c.in(0);
  const Tensor* scales = c.KnownTensor(2, "scales");
  const bool by_scale = scales != nullptr && scales->size() > 0;
  const auto sizes = by_scale ? std::nullopt : c.KnownInts(3, "sizes");
  if (!c.ok()) return {};
  const TensorType x = c.TypeOf(y);
  if (!by_scale && !sizes) {
    return {c.Fail(absl::InvalidArgumentError("expected either sizes or scales, got neither"))};
  }
  if (!kFloatTypes.contains(x.dtype)) {  // whose matrix would be rounded to zeros
    return {c.Unsupported(absl::StrCat("antialias of ", Absl(ToString(x.dtype)),
                                       " is not supported, only of ", kFloatTypes.ToString()))};
  }
  const std::vector<int64_t> axes = c.Ints("axes");
  const int64_t count = by_scale ? scales->size() : std::ssize(*sizes);
  for (int64_t i = 0; i < count && c.ok(); ++i) {
    const auto axis =
        NormalizeAxis(i < std::ssize(axes) ? axes[static_cast<size_t>(i)] : i, x.rank());
    if (!axis.ok()) return {c.Fail(axis.status())};
    const Dim& dim = x.dim(*axis);
    if (by_scale ? scales->At(i) == 1 : dim == Dim((*sizes)[static_cast<size_t>(i)])) continue;
    if (!dim.is_static() || dim == Dim(0) || *axis < x.rank() - 2) {
      return {c.Unsupported("antialias is supported along the last two axes, of known extents")};
    }
    const int64_t in = dim.coefficient();
    const double scale =
        by_scale ? scales->At(i)
                 : static_cast<double>((*sizes)[static_cast<size_t>(i)]) / static_cast<double>(in);
    const double extent = by_scale ? std::floor(static_cast<float>(in) * static_cast<float>(scale))
                                   : static_cast<double>((*sizes)[static_cast<size_t>(i)]);
    if (!(extent >= 1 && extent * static_cast<double>(in) <= static_cast<double>(kMostWeights))) {
      return {c.Unsupported(absl::StrCat("antialias from ", in, " to ", extent, " elements"))};
    }
    const auto out = static_cast<int64_t>(extent);
    const bool is_last = *axis == x.rank() - 1;
    const Value matrix = AntialiasMatrix(c, filter, in, out, scale, is_last, x.dtype);
    y = is_last ? c.Op("MatMul", {y, matrix}) : c.Op("MatMul", {matrix, y});
  }
  return {y};
}

}  // namespace weft
