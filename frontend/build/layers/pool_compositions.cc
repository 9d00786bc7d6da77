#include <cmath>
#include <numeric>
#include <utility>

#include "frontend/build/layers/conv_spec.h"
#include "frontend/build/layers/pool.h"
#include "frontend/build/layers/pool_spec.h"

// Poolings made of other ops.

namespace weft {
namespace {

// Max and average of the same windows, of what lies in the image.
struct MaxAndAverage {
  Value max, average;
};

MaxAndAverage PoolBoth(Layer& layer, Value x, const AttributeMap& window) {
  return {layer.Part("MaxPool", {x}, window), layer.Part("AveragePool", {x}, window)};
}

// share * max + (1 - share) * average.
Value Mix(Layer& layer, const MaxAndAverage& pools, Value share) {
  const Value gap = layer.Part("Sub", {pools.max, pools.average});
  return layer.Result("Add", {pools.average, layer.Part("Mul", {share, gap})});
}

// The window of a depthwise convolution over the channels of x.
AttributeMap DepthwiseWindow(AttributeMap window, int64_t channels) {
  window.erase("ceil_mode");
  window.insert_or_assign("group", channels);
  return window;
}

// 1 with probability `lambda` in training, drawn for each step, and `lambda` in inference: dropped
// out ones, without dropout's scale.
Value RandomShare(Layer& layer, double lambda, DType dtype) {
  auto ones = Initializer::Constant(1).Make(dtype, {1}, {}, 0, "");
  if (!ones.ok()) return layer.Fail(ones.status());
  const Value drawn = layer.Part("Dropout", {layer.Constant("one", *std::move(ones))},
                                 {{"ratio", 1 - lambda}, {"stream", layer.Stream()}});
  return layer.Part("Mul", {drawn, layer.Scalar(lambda, dtype)});
}

Value ShareOfMax(Layer& layer, const MixedPool2dOptions& o, DType dtype) {
  if (o.mixing == "learned") {
    return layer.Parameter("lambda", {1}, Initializer::Constant(o.lambda));
  }
  // Nothing is drawn where there is no choice; dropout does not take a ratio of 1.
  if (o.mixing == "random" && o.lambda > 0) return RandomShare(layer, o.lambda, dtype);
  return layer.Scalar(o.lambda, dtype);
}

// `given`, normalized, for every channel: [C,1,kernel].
Value FixedWeights(Layer& layer, const std::vector<double>& given, const Dims& dims, DType dtype) {
  const size_t taps = static_cast<size_t>(dims[2] * dims[3]);
  const double sum = std::accumulate(given.begin(), given.end(), 0.0);
  if (given.size() != taps) {
    return layer.Invalid("expected ", taps, " weights, got ", given.size());
  }
  for (const double weight : given) {
    if (weight >= 0 && sum > 0 && std::isfinite(sum)) continue;
    return layer.Invalid("expected weights of at least 0 with a positive sum, got one of ", weight,
                         " and a sum of ", sum);
  }
  auto tensor = Tensor::Zeros(DType::kF64, dims);
  if (!tensor.ok()) return layer.Fail(tensor.status());
  const std::span<double> values = tensor->mutable_values<double>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = given[i % taps] / sum;
  auto converted = tensor->Converted(dtype);
  return converted.ok() ? layer.Constant("weight", *std::move(converted))
                        : layer.Fail(converted.status());
}

// A softmax over the taps of a parameter that begins with zeros.
Value LearnedWeights(Layer& layer, const Dims& dims) {
  const Value raw = layer.Parameter("weight", dims, Initializer::Constant(0));
  const Value flat = layer.Part("Reshape", {raw, layer.Ints({dims[0], dims[2] * dims[3]})});
  return layer.Part("Reshape", {layer.Part("Softmax", {flat}, {{"axis", -1}}), layer.Ints(dims)});
}

// The spatial axes of an image; none after an error.
std::vector<int64_t> SpatialAxes(Layer& layer, Value x) {
  if (!layer.ok()) return {};
  if (!x || x.type().rank() < 3) {
    layer.Invalid("expected an input [N,C,spatial axes...], got ",
                  x ? ToString(x.type()) : std::string("none"));
    return {};
  }
  std::vector<int64_t> axes(static_cast<size_t>(x.type().rank()) - 2);
  std::iota(axes.begin(), axes.end(), 2);
  return axes;
}

Value GlobalPool(Builder& builder, std::string_view op, Value x, const GlobalPoolOptions& o,
                 const Where& where) {
  Layer layer(builder, op, o.name, where);
  std::vector<int64_t> axes = SpatialAxes(layer, x);
  return layer.Node({x}, {{"axes", std::move(axes)}, {"keepdims", o.keep_dims ? 1 : 0}});
}

}  // namespace

Value PoolLayers::GlobalAvgPool(Value x, const GlobalAvgPoolOptions& o, Where where) {
  return GlobalPool(builder(), "ReduceMean", x, o, where);
}

Value PoolLayers::GlobalMaxPool(Value x, const GlobalMaxPoolOptions& o, Where where) {
  return GlobalPool(builder(), "ReduceMax", x, o, where);
}

Value PoolLayers::GlobalLpPool(Value x, const GlobalLpPoolOptions& o, Where where) {
  if (o.p == 1 || o.p == 2) {
    return GlobalPool(builder(), o.p == 1 ? "ReduceL1" : "ReduceL2", x, {o.keep_dims, o.name},
                      where);
  }
  Layer layer(builder(), "GlobalLpPool", o.name, where);
  std::vector<int64_t> axes = SpatialAxes(layer, x);
  if (!layer.ExpectAtLeast("p", o.p, 1)) return {};
  const Shape& shape = x.type().shape;
  if (auto extents = StaticDims(Shape(shape.begin() + 2, shape.end())); extents.ok()) {
    // One window: its powers do not overflow, and its gradient at 0 is 0.
    const AttributeMap window = {{"kernel_shape", *std::move(extents)}, {"p", o.p}};
    if (o.keep_dims) return layer.Result("LpPool", {x}, window);
    return layer.Result("Flatten", {layer.Part("LpPool", {x}, window)}, {{"axis", 1}});
  }
  const DType dtype = x.type().dtype;
  const double p = static_cast<double>(o.p);
  const Value powers = layer.Part("Pow", {layer.Part("Abs", {x}), layer.Scalar(p, dtype)});
  const Value sums = layer.Part("ReduceSum", {powers},
                                {{"axes", std::move(axes)}, {"keepdims", o.keep_dims ? 1 : 0}});
  return layer.Result("Pow", {sums, layer.Scalar(1 / p, dtype)});
}

Value PoolLayers::WeightedMeanPool2d(Value x, const WeightedMeanPool2dOptions& o, Where where) {
  Layer layer(builder(), "WeightedMeanPool", o.name, where);
  AttributeMap window = PoolAttributesOf(layer, x, PoolSpecOf(o));
  if (!layer.ok()) return {};
  const int64_t channels = layer.KnownExtent(x, 1, "channels");
  if (!layer.ok()) return {};
  const Dims dims = {channels, 1, o.kernel.height, o.kernel.width};
  const Value weights = o.weights.empty() ? LearnedWeights(layer, dims)
                                          : FixedWeights(layer, o.weights, dims, x.type().dtype);
  return layer.Result("Conv", {x, weights}, DepthwiseWindow(std::move(window), channels));
}

Value PoolLayers::MixedPool2d(Value x, const MixedPool2dOptions& o, Where where) {
  Layer layer(builder(), "MixedPool", o.name, where);
  const AttributeMap window = PoolAttributesOf(layer, x, PoolSpecOf(o));
  if (!layer.ok()) return {};
  if (!(o.lambda >= 0 && o.lambda <= 1)) {
    return layer.Invalid("expected lambda in [0,1], got ", o.lambda);
  }
  if (o.mixing != "fixed" && o.mixing != "learned" && o.mixing != "random") {
    return layer.Invalid("expected mixing \"fixed\", \"learned\" or \"random\", got \"", o.mixing,
                         "\"");
  }
  const Value share = ShareOfMax(layer, o, x.type().dtype);
  return Mix(layer, PoolBoth(layer, x, window), share);
}

Value PoolLayers::GatedPool2d(Value x, const GatedPool2dOptions& o, Where where) {
  Layer layer(builder(), "GatedPool", o.name, where);
  const AttributeMap window = PoolAttributesOf(layer, x, PoolSpecOf(o));
  if (!layer.ok()) return {};
  const int64_t channels = layer.KnownExtent(x, 1, "channels");
  if (!layer.ok()) return {};
  const Dims dims = {channels, 1, o.kernel.height, o.kernel.width};
  const Value weight = layer.Parameter("weight", dims, Initializer::PyTorch(), FansOf(dims));
  const Value gate =
      layer.Part("Sigmoid", {layer.Part("Conv", {x, weight}, DepthwiseWindow(window, channels))});
  return Mix(layer, PoolBoth(layer, x, window), gate);
}

Value PoolLayers::SpatialPyramidPool(Value x, const SpatialPyramidPoolOptions& o, Where where) {
  Layer layer(builder(), "SpatialPyramidPool", o.name, where);
  if (!layer.ExpectRank(x, 4, ImageForm(2))) return {};
  if (o.levels.empty()) return layer.Invalid("expected at least one level, got none");
  std::vector<Value> parts;
  for (const int64_t level : o.levels) {
    if (!layer.ExpectAtLeast("a level", level, 1)) return {};
    const Value pooled = layer.Part("AdaptiveMaxPool", {x}, {{"output_size", Dims{level, level}}});
    parts.push_back(layer.Part("Flatten", {pooled}, {{"axis", 1}}));
  }
  return layer.Result("Concat", std::move(parts), {{"axis", 1}});
}

}  // namespace weft
