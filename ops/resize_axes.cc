#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "ops/common.h"
#include "ops/resize.h"

// Where the elements of a resized axis come from: ONNX's coordinate transformations and modes.

namespace weft {
namespace {

// One axis's geometry. Elements of the input for one of the output: per / by, of whole numbers
// where sizes are given, so that places that are whole come out whole; 1 / scale otherwise.
// `output` is the extent that the result has, as in PyTorch, ONNX Runtime and TensorRT, so that the
// last element lies in the corner; ONNX's test suite has it before it is rounded down. The roi is
// [start, end] of the input.
struct Geometry {
  double input, output, per, by, start, end;
  bool by_scale;
};

// The place in the input, in elements, of element `o` of the output.
double Coordinate(std::string_view transformation, const Geometry& g, double o) {
  if (transformation == "align_corners") {
    return g.output == 1 ? 0 : o * (g.input - 1) / (g.output - 1);
  }
  if (transformation == "asymmetric") return o * g.per / g.by;
  if (transformation == "tf_crop_and_resize") {
    const double last = g.input - 1;
    return g.output == 1 ? 0.5 * (g.start + g.end) * last
                         : g.start * last + o * (g.end - g.start) * last / (g.output - 1);
  }
  if (transformation == "pytorch_half_pixel" && g.output == 1) return 0;
  const double place = (o + 0.5) * g.per / g.by - 0.5;  // half_pixel
  if (transformation != "half_pixel_symmetric" || !g.by_scale) return place;
  // The output's middle lies on the input's, whatever part of an element the size was cut by.
  return place + g.input / 2 - g.output / 2 * g.per / g.by;
}

double Rounded(std::string_view how, double x) {
  if (how == "round_prefer_ceil") return std::floor(x + 0.5);
  if (how == "floor") return std::floor(x);
  if (how == "ceil") return std::ceil(x);
  return std::ceil(x - 0.5);  // round_prefer_floor
}

// Keys, "Cubic convolution interpolation for digital image processing", 1981; `a` is -0.5 there.
std::array<double, 4> CubicWeights(double a, double ratio) {
  const auto near = [a](double t) { return ((a + 2) * t - (a + 3)) * t * t + 1; };
  const auto far = [a](double t) { return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a; };
  return {far(1 + ratio), near(ratio), near(1 - ratio), far(2 - ratio)};
}

class AxisMaker {
 public:
  explicit AxisMaker(const AttributeMap& attributes)
      : mode_(GetString(attributes, "mode")),
        transformation_(GetString(attributes, "coordinate_transformation_mode")),
        nearest_(GetString(attributes, "nearest_mode")),
        a_(GetFloat(attributes, "cubic_coeff_a")),
        exclude_outside_(GetInt(attributes, "exclude_outside") != 0) {}

  bool crops() const { return transformation_ == "tf_crop_and_resize"; }

  ResizeAxis Make(int64_t input, int64_t output, const Geometry& g) const {
    ResizeAxis axis{.input = input, .output = output};
    axis.identity = input == output && g.per == g.by && !crops();
    if (axis.identity) return axis;
    const bool interpolates = mode_ != "nearest" && !g.by_scale;
    Geometry rounded = g;
    rounded.per = static_cast<float>(g.per / g.by);
    rounded.by = 1;
    for (int64_t o = 0; o < output; ++o) {
      axis.starts.push_back(static_cast<int64_t>(axis.sources.size()));
      double x = Coordinate(transformation_, g, static_cast<double>(o));
      // In f32 as ONNX has it: 3.5 / 0.7 is 5, though f32's 0.7 is less than 0.7.
      if (g.by_scale && mode_ == "nearest") x = static_cast<float>(x);
      // Places of PyTorch's, whose distance is f32 where sizes give it; those of ONNX Runtime are
      // f32 themselves, which is further from what is exact.
      if (interpolates && x != std::floor(x)) {
        x = Coordinate(transformation_, rounded, static_cast<double>(o));
      }
      if (!crops() || (x >= 0 && x <= g.input - 1)) AddTerms(x, axis);
    }
    axis.starts.push_back(static_cast<int64_t>(axis.sources.size()));
    return axis;
  }

 private:
  void AddTerms(double x, ResizeAxis& axis) const {
    if (mode_ == "nearest") return AddTerm(Rounded(nearest_, x), 1, axis);
    const double floor = std::floor(x), ratio = x - floor;
    if (mode_ == "linear") {
      AddTerm(floor, 1 - ratio, axis);
      return AddTerm(floor + 1, ratio, axis);
    }
    std::array<double, 4> weights = CubicWeights(a_, ratio);
    if (exclude_outside_) {
      const double last = static_cast<double>(axis.input - 1);
      for (size_t k = 0; k < 4; ++k) {
        const double at = floor - 1 + static_cast<double>(k);
        if (at < 0 || at > last) weights[k] = 0;
      }
      const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
      for (double& weight : weights) weight /= sum;
    }
    for (size_t k = 0; k < 4; ++k) AddTerm(floor - 1 + static_cast<double>(k), weights[k], axis);
  }

  // Outside of the input its border goes on.
  static void AddTerm(double at, double weight, ResizeAxis& axis) {
    if (weight == 0) return;
    const double last = static_cast<double>(axis.input - 1);
    const auto source = static_cast<int64_t>(at > 0 ? std::min(at, last) : 0);  // NaN is 0
    const bool again = static_cast<int64_t>(axis.sources.size()) > axis.starts.back() &&
                       axis.sources.back() == source;
    if (again) {
      axis.weights.back() += weight;
    } else {
      axis.sources.push_back(source);
      axis.weights.push_back(weight);
    }
  }

  std::string mode_, transformation_, nearest_;
  double a_;
  bool exclude_outside_;
};

}  // namespace

ResizeAxis ResizeAxis::Transposed() const {
  ResizeAxis result{.input = output, .output = input, .identity = identity};
  if (identity) return result;
  result.starts.assign(static_cast<size_t>(input) + 1, 0);
  for (int64_t source : sources) ++result.starts[static_cast<size_t>(source) + 1];
  std::partial_sum(result.starts.begin(), result.starts.end(), result.starts.begin());
  result.sources.resize(sources.size());
  result.weights.resize(sources.size());
  std::vector<int64_t> next(result.starts.begin(), result.starts.end() - 1);
  for (int64_t o = 0; o < output; ++o) {
    const auto from = static_cast<size_t>(starts[static_cast<size_t>(o)]);
    const auto to = static_cast<size_t>(starts[static_cast<size_t>(o) + 1]);
    for (size_t k = from; k < to; ++k) {
      const auto place = static_cast<size_t>(next[static_cast<size_t>(sources[k])]++);
      result.sources[place] = o;
      result.weights[place] = weights[k];
    }
  }
  return result;
}

std::vector<ResizeAxis> ResizeAxes(const AttributeMap& attributes, std::span<const int64_t> input,
                                   std::span<const int64_t> output, const TensorView& roi,
                                   const TensorView& scales) {
  const AxisMaker maker(attributes);
  const std::vector<int64_t> named = GetInts(attributes, "axes");
  const size_t rank = input.size();
  std::vector<ResizeAxis> axes(rank);
  for (size_t i = 0; i < rank; ++i) {
    axes[i] = {.input = input[i], .output = output[i], .identity = true};
  }
  const size_t count = named.empty() ? rank : named.size();
  for (size_t k = 0; k < count; ++k) {
    const int64_t axis = named.empty() ? static_cast<int64_t>(k) : named[k];
    const auto i = static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(rank) : axis);
    Geometry g{.input = static_cast<double>(input[i]),
               .output = static_cast<double>(output[i]),
               .per = static_cast<double>(input[i]),
               .by = static_cast<double>(output[i]),
               .start = 0,
               .end = 1,
               .by_scale = scales.present && scales.size() > 0};
    if (g.by_scale) {
      g.per = 1;
      g.by = scales.At(static_cast<int64_t>(k));
    }
    if (maker.crops()) {
      g.start = roi.At(static_cast<int64_t>(k));
      g.end = roi.At(static_cast<int64_t>(count + k));
    }
    if (input[i] > 0) axes[i] = maker.Make(input[i], output[i], g);
  }
  return axes;
}

std::vector<size_t> ResizeOrder(const std::vector<ResizeAxis>& axes) {
  std::vector<size_t> order;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (!axes[i].identity) order.push_back(i);
  }
  std::stable_partition(order.begin(), order.end(),
                        [&](size_t i) { return axes[i].output < axes[i].input; });
  return order;
}

}  // namespace weft
