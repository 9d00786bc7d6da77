#include <algorithm>

#include "ops/families.h"
#include "ops/pool.h"

namespace weft {
namespace {

// An average over regions: AveragePool and AdaptiveAveragePool.
struct Averaging {
  int64_t planes = 0;
  Regions regions;
  AxisWeights weights;
};

using ReadAveragingFn = absl::StatusOr<Averaging> (*)(const AttributeMap& attributes,
                                                      std::span<const int64_t> x);

absl::StatusOr<Averaging> ReadWindows(const AttributeMap& attributes, std::span<const int64_t> x) {
  WEFT_ASSIGN_OR_RETURN(const PoolWindow window, ReadPoolWindow(attributes, x));
  return Averaging{x[0] * x[1], WindowRegions(window), AverageWeights(window)};
}

absl::StatusOr<Averaging> ReadAdaptive(const AttributeMap& attributes, std::span<const int64_t> x) {
  WEFT_ASSIGN_OR_RETURN(Regions regions, AdaptiveRegions(attributes, x));
  AxisWeights weights = AverageWeights(regions);
  return Averaging{x[0] * x[1], std::move(regions), std::move(weights)};
}

// The weight of the taps of output `o` of a plane.
double WeightOf(const Averaging& a, int64_t o) {
  double weight = 1;
  for (size_t axis = a.weights.size(); axis-- > 0;) {
    weight *= a.weights[axis][static_cast<size_t>(o % a.regions.output[axis])];
    o /= a.regions.output[axis];
  }
  return weight;
}

template <ReadAveragingFn kRead>
absl::Status EvaluateAverage(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Averaging a, kRead(c.attributes, c.in(0).dims));
  RegionScratch scratch;
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = c.in(0).in<T>().data();
    T* y = c.out().out<T>().data();
    for (int64_t plane = 0; plane < a.planes; ++plane) {
      ForEachRegion(a.regions, scratch, [&](int64_t o, std::span<const int64_t> offsets) {
        double sum = 0;
        for (const int64_t offset : offsets) sum += x[offset];
        y[o] = static_cast<T>(sum * WeightOf(a, o));
      });
      x += a.regions.input_size();
      y += a.regions.output_size();
    }
  });
}

// Inputs dY, X (its shape).
template <ReadAveragingFn kRead>
absl::Status EvaluateAverageGrad(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Averaging a, kRead(c.attributes, c.in(1).dims));
  RegionScratch scratch;
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* dy = c.in(0).in<T>().data();
    T* dx = c.out().out<T>().data();
    std::vector<double> sums(static_cast<size_t>(a.regions.input_size()));
    for (int64_t plane = 0; plane < a.planes; ++plane) {
      std::fill(sums.begin(), sums.end(), 0.0);
      ForEachRegion(a.regions, scratch, [&](int64_t o, std::span<const int64_t> offsets) {
        const double share = dy[o] * WeightOf(a, o);
        for (const int64_t offset : offsets) sums[static_cast<size_t>(offset)] += share;
      });
      dx = std::transform(sums.begin(), sums.end(), dx, [](double s) { return static_cast<T>(s); });
      dy += a.regions.output_size();
    }
  });
}

// Linear in X, so that the gradient's gradient is the pooling itself.
InputGradients AverageGradient(GradientContext& c) {
  const std::string op = std::string(c.node()->op_name()) + "Grad";
  return {c.Op(op, {c.dy(), c.x()}, c.attributes())};
}

InputGradients AverageGradGradient(GradientContext& c) {
  std::string_view op = c.node()->op_name();
  op.remove_suffix(std::string_view("Grad").size());
  return {c.needs(0) ? c.Op(op, {c.dy()}, c.attributes()) : Value(), Value()};
}

// Every input is added about once.
Cost AdaptiveCost(const CostContext& c) {
  return {.flops = static_cast<double>(c.InputSize(0) + c.OutputSize())};
}

std::vector<AttributeSpec> AveragePoolAttributes() {
  return PoolAttributes({{"count_include_pad", Attribute::Kind::kInt, 0}});
}

std::vector<AttributeSpec> OutputSize() {
  return {{"output_size", Attribute::Kind::kInts, std::nullopt, /*required=*/true}};
}

// Windows: 1 / what counts. ceil_mode's last window may stick out even of the padding; that part
// never does.
double WindowWeight(const PoolWindow& w, size_t a, int64_t o) {
  const int64_t step = w.dilations[a], start = o * w.strides[a] - w.pads_begin[a];
  const int64_t low = w.count_include_pad ? -w.pads_begin[a] : 0;
  const int64_t high = w.input[a] + (w.count_include_pad ? w.pads_end[a] : 0);
  const int64_t first = start < low ? (low - start + step - 1) / step : 0;
  const int64_t end = start < high ? (high - 1 - start) / step + 1 : 0;
  return 1.0 / static_cast<double>(std::min(w.kernel[a], end) - first);
}

}  // namespace

AxisWeights AverageWeights(const PoolWindow& w) {
  AxisWeights weights;
  for (size_t a = 0; a < w.input.size(); ++a) {
    std::vector<double>& axis = weights.emplace_back();
    for (int64_t o = 0; o < w.output[a]; ++o) axis.push_back(WindowWeight(w, a, o));
  }
  return weights;
}

AxisWeights AverageWeights(const Regions& regions) {
  AxisWeights weights;
  for (const std::vector<TapRange>& ranges : regions.axes) {
    std::vector<double>& axis = weights.emplace_back();
    for (const TapRange& taps : ranges) axis.push_back(1.0 / static_cast<double>(taps.count));
  }
  return weights;
}

std::vector<OpDef> AveragePoolOps() {
  return {
      {.name = "AveragePool",
       .doc = "The mean of each window, as ONNX's AveragePool; padding counts as zeros with "
              "count_include_pad and not at all without.",
       .inputs = {{"X"}},
       .attributes = AveragePoolAttributes(),
       .infer = InferPooled<InferPoolShape>,
       .gradient = AverageGradient,
       .evaluate = EvaluateAverage<ReadWindows>,
       .cost = PoolCost},
      {.name = "AveragePoolGrad",
       .doc = "The gradient of AveragePool: spreads each element of dY evenly over its window. "
              "Of X only the shape is read.",
       .inputs = {{"dY"}, {.name = "X", .shape_only = true}},
       .outputs = {{"dX"}},
       .attributes = AveragePoolAttributes(),
       .infer = InferPooledGrad<InferPoolShape>,
       .gradient = AverageGradGradient,
       .evaluate = EvaluateAverageGrad<ReadWindows>,
       .cost = PoolGradCost},
      {.name = "AdaptiveAveragePool",
       .doc = "The mean of each of output_size regions [floor(o*in/out), ceil((o+1)*in/out)) an "
              "axis, as PyTorch's: X [N,C,in...] to Y [N,C,output_size...].",
       .inputs = {{"X"}},
       .attributes = OutputSize(),
       .infer = InferPooled<InferAdaptiveShape>,
       .gradient = AverageGradient,
       .evaluate = EvaluateAverage<ReadAdaptive>,
       .cost = AdaptiveCost},
      {.name = "AdaptiveAveragePoolGrad",
       .doc = "The gradient of AdaptiveAveragePool: spreads each element of dY evenly over its "
              "region. Of X only the shape is read.",
       .inputs = {{"dY"}, {.name = "X", .shape_only = true}},
       .outputs = {{"dX"}},
       .attributes = OutputSize(),
       .infer = InferPooledGrad<InferAdaptiveShape>,
       .gradient = AverageGradGradient,
       .evaluate = EvaluateAverageGrad<ReadAdaptive>,
       .cost = AdaptiveCost},
  };
}

}  // namespace weft
