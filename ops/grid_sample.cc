#include "ops/grid_sample.h"

#include <algorithm>
#include <cmath>

#include "ops/common.h"
#include "ops/families.h"
#include "ops/index_map.h"

namespace weft {
namespace {

constexpr double kFarAway = 1e9;  // no element is there
constexpr double kCubicA = -0.75;

// The cubic kernel at a distance in [0, 1] and in [1, 2], and its derivatives.
double CubicNear(double x) { return ((kCubicA + 2) * x - (kCubicA + 3)) * x * x + 1; }
double CubicFar(double x) { return ((x - 5) * x + 8) * x * kCubicA - 4 * kCubicA; }
double CubicNearSlope(double x) { return (3 * (kCubicA + 2) * x - 2 * (kCubicA + 3)) * x; }
double CubicFarSlope(double x) { return ((3 * x - 10) * x + 8) * kCubicA; }

// `at` mirrored at both ends of [low, low + span] until it lies there.
double Reflected(double at, double low, double span, double& slope) {
  if (span <= 0) {
    slope = 0;
    return low;
  }
  if (at < low) slope = -slope;
  const double distance = std::abs(at - low), rest = std::fmod(distance, span);
  if (std::fmod(std::floor(distance / span), 2) == 0) return low + rest;
  slope = -slope;
  return low + span - rest;
}

}  // namespace

GridSampler::GridSampler(const AttributeMap& attributes, std::span<const int64_t> x)
    : align_corners_(GetInt(attributes, "align_corners") != 0),
      axes_(static_cast<int>(x.size()) - 2) {
  const std::string mode = GetString(attributes, "mode");
  const std::string padding = GetString(attributes, "padding_mode");
  if (mode == "nearest") mode_ = Mode::kNearest;
  if (mode == "cubic") mode_ = Mode::kCubic;
  if (padding == "border") padding_ = Padding::kBorder;
  if (padding == "reflection") padding_ = Padding::kReflection;
  std::copy(x.begin() + 2, x.end(), extents_.begin());
}

double GridSampler::Pad(double at, int64_t extent, double& slope) const {
  if (padding_ == Padding::kZeros) return at;
  const double last = static_cast<double>(extent - 1);
  if (padding_ == Padding::kReflection) {
    at = align_corners_ ? Reflected(at, 0, last, slope) : Reflected(at, -0.5, last + 1, slope);
  }
  if (at >= 0 && at <= last) return at;
  slope = 0;
  return at < 0 ? 0 : at > last ? last : at;  // NaN stays
}

GridSampler::AxisTaps GridSampler::AxisAt(size_t axis, double g) const {
  const int64_t extent = extents_[axis];
  double slope = static_cast<double>(align_corners_ ? extent - 1 : extent) / 2;
  double at = (g + 1) * slope - (align_corners_ ? 0 : 0.5);
  // Cubic weights are those of the place as it is; padding is for each element.
  if (mode_ != Mode::kCubic) at = Pad(at, extent, slope);
  AxisTaps result;
  if (!(std::abs(at) < kFarAway)) return result;
  const auto add = [&](double index, double weight, double derivative) {
    double unused = 0;
    if (mode_ == Mode::kCubic) index = std::nearbyint(Pad(index, extent, unused));
    if (index < 0 || index >= static_cast<double>(extent)) return;
    result.taps[static_cast<size_t>(result.count++)] = {static_cast<int64_t>(index), weight,
                                                        derivative * slope};
  };
  const double low = std::floor(at), t = at - low;
  if (mode_ == Mode::kNearest) {
    add(std::nearbyint(at), 1, 0);
  } else if (mode_ == Mode::kLinear) {
    add(low, 1 - t, -1);
    add(low + 1, t, 1);
  } else {
    add(low - 1, CubicFar(1 + t), CubicFarSlope(1 + t));
    add(low, CubicNear(t), CubicNearSlope(t));
    add(low + 1, CubicNear(1 - t), -CubicNearSlope(1 - t));
    add(low + 2, CubicFar(2 - t), -CubicFarSlope(2 - t));
  }
  return result;
}

int GridSampler::Collect(const Point& point, int differentiated, Taps& taps) const {
  taps[0] = {0, 1};
  int count = 1;
  for (int axis = 0; axis < axes_; ++axis) {
    const auto a = static_cast<size_t>(axis);
    const AxisTaps along = AxisAt(a, point[static_cast<size_t>(axes_ - 1 - axis)]);
    // From the back, so that what is read is not yet written over.
    for (int i = count * along.count; i-- > 0;) {
      const AxisTap& tap = along.taps[static_cast<size_t>(i % along.count)];
      const SampleTap before = taps[static_cast<size_t>(i / along.count)];
      taps[static_cast<size_t>(i)] = {
          before.offset * extents_[a] + tap.index,
          before.weight * (axis == differentiated ? tap.slope : tap.weight)};
    }
    count *= along.count;
  }
  return count;
}

GridSampleSizes GridSampleSizesOf(std::span<const int64_t> x, std::span<const int64_t> grid) {
  GridSampleSizes sizes{.images = x[0], .channels = x[1]};
  for (size_t i = 2; i < x.size(); ++i) sizes.plane *= x[i];
  for (size_t i = 1; i + 1 < grid.size(); ++i) sizes.points *= grid[i];
  return sizes;
}

namespace {

// The shape of Y for X and a grid.
absl::StatusOr<Shape> SampledShape(const InferContext& c, const Shape& x, const Shape& grid) {
  WEFT_RETURN_IF_ERROR(CheckOneOf(c.attributes(), "mode", {"linear", "nearest", "cubic"}));
  WEFT_RETURN_IF_ERROR(
      CheckOneOf(c.attributes(), "padding_mode", {"zeros", "border", "reflection"}));
  const auto axes = static_cast<int64_t>(x.size()) - 2;
  if (axes < 1 || axes > GridSampler::kMostAxes || grid.size() != x.size() ||
      grid.back() != Dim(axes)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected X [N,C,..] with 1 to ", GridSampler::kMostAxes,
        " spatial axes and a grid [N,..,number of spatial axes] of the same rank, got ",
        ToString(x), " and ", ToString(grid)));
  }
  if (DimsDiffer({x[0]}, {grid[0]})) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a grid for each image of ", ToString(x), ", got ", ToString(grid)));
  }
  Shape y = {x[0], x[1]};
  y.insert(y.end(), grid.begin() + 1, grid.end() - 1);
  return y;
}

absl::StatusOr<std::vector<TensorType>> InferGridSample(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(Shape y, SampledShape(c, c.type(0).shape, c.type(1).shape));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(y)}};
}

// Of dY, X and a grid; the result has the type of input number `like`.
absl::StatusOr<std::vector<TensorType>> InferSampleGrad(const InferContext& c, int x, int grid,
                                                        int like) {
  WEFT_ASSIGN_OR_RETURN(const Shape y, SampledShape(c, c.type(x).shape, c.type(grid).shape));
  if (DimsDiffer(y, c.type(0).shape)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected dY ", ToString(y), ", got ", ToString(c.type(0).shape)));
  }
  return std::vector<TensorType>{{c.type(0).dtype, c.type(like).shape}};
}

absl::StatusOr<std::vector<TensorType>> InferGridSampleGradInput(const InferContext& c) {
  return InferSampleGrad(c, 2, 1, 2);
}
absl::StatusOr<std::vector<TensorType>> InferGridSampleGradGrid(const InferContext& c) {
  return InferSampleGrad(c, 1, 2, 2);
}

absl::Status EvaluateGridSample(const EvalContext& c) {
  const GridSampler sampler(c.attributes, c.in(0).dims);
  const GridSampleSizes s = GridSampleSizesOf(c.in(0).dims, c.in(1).dims);
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = c.in(0).in<T>().data();
    T* y = c.out().out<T>().data();
    GridSampler::Taps taps;
    for (int64_t i = 0; i < s.images * s.points; ++i) {
      const int count = sampler.TapsAt(sampler.PointOf(c.in(1).in<T>().data(), i), taps);
      for (int64_t plane = i / s.points * s.channels; plane < (i / s.points + 1) * s.channels;
           ++plane) {
        double sum = 0;
        for (int k = 0; k < count; ++k) {
          const SampleTap& tap = taps[static_cast<size_t>(k)];
          sum += tap.weight * static_cast<double>(x[plane * s.plane + tap.offset]);
        }
        y[plane * s.points + i % s.points] = static_cast<T>(sum);
      }
    }
  });
}

absl::Status EvaluateGridSampleGradInput(const EvalContext& c) {
  const GridSampler sampler(c.attributes, c.out().dims);
  const GridSampleSizes s = GridSampleSizesOf(c.out().dims, c.in(1).dims);
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* dy = c.in(0).in<T>().data();
    std::vector<double> dx(static_cast<size_t>(c.out().size()));
    GridSampler::Taps taps;
    for (int64_t i = 0; i < s.images * s.points; ++i) {
      const int count = sampler.TapsAt(sampler.PointOf(c.in(1).in<T>().data(), i), taps);
      for (int64_t plane = i / s.points * s.channels; plane < (i / s.points + 1) * s.channels;
           ++plane) {
        for (int k = 0; k < count; ++k) {
          const SampleTap& tap = taps[static_cast<size_t>(k)];
          dx[static_cast<size_t>(plane * s.plane + tap.offset)] +=
              tap.weight * static_cast<double>(dy[plane * s.points + i % s.points]);
        }
      }
    }
    std::transform(dx.begin(), dx.end(), c.out().out<T>().begin(),
                   [](double v) { return static_cast<T>(v); });
  });
}

absl::Status EvaluateGridSampleGradGrid(const EvalContext& c) {
  const GridSampler sampler(c.attributes, c.in(1).dims);
  const GridSampleSizes s = GridSampleSizesOf(c.in(1).dims, c.in(2).dims);
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    SumSlopes<T>(sampler, s, c.in(0).in<T>().data(), c.in(1).in<T>().data(), c.in(2).in<T>().data(),
                 0, c.out().size(), c.out().out<T>().data());
  });
}

InputGradients GridSampleGradient(GradientContext& c) {
  InputGradients dx(2);
  if (c.needs(0)) dx[0] = c.Op("GridSampleGradInput", {c.dy(), c.x(1), c.x(0)}, c.attributes());
  if (c.needs(1)) dx[1] = c.Op("GridSampleGradGrid", {c.dy(), c.x(0), c.x(1)}, c.attributes());
  return dx;
}

// dX is linear in dY; <dX, V> is <dY, GridSample(V, grid)>.
InputGradients GridSampleGradInputGradient(GradientContext& c) {
  InputGradients dx(3);
  if (c.needs(0)) dx[0] = c.Op("GridSample", {c.dy(), c.x(1)}, c.attributes());
  if (c.needs(1)) dx[1] = c.Op("GridSampleGradGrid", {c.x(0), c.dy(), c.x(1)}, c.attributes());
  return dx;
}

// A multiplication and an addition for each tap.
Cost SampleCost(const CostContext& c, double elements) {
  const std::string mode = GetString(c.attributes, "mode");
  const double taps = mode == "nearest" ? 1 : mode == "linear" ? 2 : 4;
  return {.flops = 2 * std::pow(taps, std::ssize(c.inputs[0]) - 2) * elements};
}
Cost GridSampleCost(const CostContext& c) {
  return SampleCost(c, static_cast<double>(c.OutputSize()));
}
Cost GridSampleGradCost(const CostContext& c) {
  return SampleCost(c, static_cast<double>(c.InputSize(0)));
}

std::vector<AttributeSpec> SampleAttributes() {
  using Kind = Attribute::Kind;
  return {{.name = "align_corners", .fallback = 0},
          {.name = "mode", .kind = Kind::kString, .fallback = "linear"},
          {.name = "padding_mode", .kind = Kind::kString, .fallback = "zeros"}};
}

}  // namespace

std::vector<OpDef> GridSampleOps() {
  return {
      {.name = "GridSample",
       .doc = "X [N,C,..] at the points of a grid [N,..,axes]: components, the last axis's first, "
              "in [-1,1] from one end of an axis to the other; the nearest element, or linear or "
              "cubic weights (ONNX's GridSample, with opset 20's names of modes).",
       .inputs = {{"X"}, {"grid"}},
       .attributes = SampleAttributes(),
       .infer = InferGridSample,
       .gradient = GridSampleGradient,
       .evaluate = EvaluateGridSample,
       .cost = GridSampleCost},
      {.name = "GridSampleGradInput",
       .doc = "The gradient of GridSample in X, which has like's shape: each element of dY goes "
              "back to the elements that it was made of, by their weights.",
       .inputs = {{"dY"}, {"grid"}, {.name = "like", .type_variable = ' ', .shape_only = true}},
       .outputs = {{"dX"}},
       .attributes = SampleAttributes(),
       .infer = InferGridSampleGradInput,
       .gradient = GridSampleGradInputGradient,
       .evaluate = EvaluateGridSampleGradInput,
       .cost = GridSampleGradCost},
      {.name = "GridSampleGradGrid",
       .doc = "The gradient of GridSample in its grid: what each component of a point changes in "
              "the interpolated elements, times dY, summed over the channels.",
       .inputs = {{"dY"}, {"X"}, {"grid"}},
       .outputs = {{"dGrid"}},
       .attributes = SampleAttributes(),
       .infer = InferGridSampleGradGrid,
       .no_gradient = "grids are differentiated once",
       .evaluate = EvaluateGridSampleGradGrid,
       .cost = GridSampleGradCost}};
}

}  // namespace weft
