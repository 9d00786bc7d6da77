#include "frontend/build/layers/random.h"

#include <utility>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"

namespace weft {
namespace {

// The node of a layer that draws numbers.
Value Draw(Layer& layer, std::vector<Value> inputs, AttributeMap attributes,
           std::optional<DType> dtype = {}) {
  if (dtype) attributes["dtype"] = *dtype;
  attributes["stream"] = layer.Stream();
  return layer.Node(std::move(inputs), std::move(attributes));
}

// x times the dropout of ones whose axes from `first_axis` on have one element.
Value DropSlices(Layer& layer, Value x, int64_t first_axis, double ratio) {
  if (!layer.ok()) return {};
  if (x.null() || x.type().rank() < 3) {
    layer.ExpectRank(x, 3, "[N,C,..]");
    return {};
  }
  Value slices = x;  // one element of each: only its shape is read
  for (int64_t axis = first_axis; axis < x.type().rank(); ++axis) {
    slices = layer.Part("Gather", {slices, layer.Ints({0})}, {{"axis", axis}});
  }
  const Value ones = layer.Part("ExpandLike", {layer.Scalar(1, x.type().dtype), slices});
  const Value mask = layer.Part("Dropout", {ones}, {{"ratio", ratio}, {"stream", layer.Stream()}});
  return layer.Result("Mul", {x, mask});
}

}  // namespace

Value RandomLayers::Dropout(Value x, const DropoutOptions& o, Where where) {
  Layer layer(builder(), "Dropout", o.name, where);
  return Draw(layer, {x}, {{"ratio", o.ratio}});
}

Value RandomLayers::SpatialDropout(Value x, const DropoutOptions& o, Where where) {
  Layer layer(builder(), "Dropout", o.name, where);
  return DropSlices(layer, x, /*first_axis=*/2, o.ratio);
}

Value RandomLayers::StochasticDepth(Value x, const DropoutOptions& o, Where where) {
  Layer layer(builder(), "Dropout", o.name, where);
  return DropSlices(layer, x, /*first_axis=*/1, o.ratio);
}

Value RandomLayers::RandomUniform(const Dims& dims, const RandomUniformOptions& o, Where where) {
  Layer layer(builder(), "RandomUniform", o.name, where);
  return Draw(layer, {}, {{"low", o.low}, {"high", o.high}, {"shape", dims}},
              o.dtype.value_or(layer.dtype()));
}

Value RandomLayers::RandomNormal(const Dims& dims, const RandomNormalOptions& o, Where where) {
  Layer layer(builder(), "RandomNormal", o.name, where);
  return Draw(layer, {}, {{"mean", o.mean}, {"scale", o.scale}, {"shape", dims}},
              o.dtype.value_or(layer.dtype()));
}

Value RandomLayers::RandomUniformLike(Value x, const RandomUniformOptions& o, Where where) {
  Layer layer(builder(), "RandomUniformLike", o.name, where);
  return Draw(layer, {x}, {{"low", o.low}, {"high", o.high}}, o.dtype);
}

Value RandomLayers::RandomNormalLike(Value x, const RandomNormalOptions& o, Where where) {
  Layer layer(builder(), "RandomNormalLike", o.name, where);
  return Draw(layer, {x}, {{"mean", o.mean}, {"scale", o.scale}}, o.dtype);
}

Value RandomLayers::Bernoulli(Value x, const BernoulliOptions& o, Where where) {
  Layer layer(builder(), "Bernoulli", o.name, where);
  return Draw(layer, {x}, {}, o.dtype);
}

Value RandomLayers::RandomPlacement(Value x, const RandomPlacementOptions& o, Where where) {
  Layer layer(builder(), "RandomPlacement", o.name, where);
  return Draw(layer, {x}, {{"pads", o.pads}});
}

}  // namespace weft
