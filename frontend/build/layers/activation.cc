#include "frontend/build/layers/activation.h"

#include <string>
#include <utility>
#include <vector>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"

namespace weft {
namespace {

bool ExpectAxes(Layer& layer, Value x, int least) {
  if (layer.ok() && (x.null() || x.type().rank() < least)) {
    layer.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected an input with ", least, " axes or more, got ",
                     x.null() ? std::string("none") : ToString(x.type()))));
  }
  return layer.ok();
}

}  // namespace

Value ActivationLayers::Sigmoid(Value x, const NameOption& o, Where where) {
  return builder().Op("Sigmoid", {x}, {}, o, where);
}

Value ActivationLayers::Relu(Value x, const NameOption& o, Where where) {
  return builder().Op("Relu", {x}, {}, o, where);
}

Value ActivationLayers::Tanh(Value x, const NameOption& o, Where where) {
  return builder().Op("Tanh", {x}, {}, o, where);
}

Value ActivationLayers::Relu6(Value x, const NameOption& o, Where where) {
  return Clip(x, {.min = 0, .max = 6, .name = o.name}, where);
}

Value ActivationLayers::LeakyRelu(Value x, const LeakyReluOptions& o, Where where) {
  return builder().Op("LeakyRelu", {x}, {{"alpha", o.negative_slope}}, {o.name}, where);
}

Value ActivationLayers::PRelu(Value x, const PReluOptions& o, Where where) {
  Layer layer(builder(), "PRelu", o.name, where);
  if (!ExpectAxes(layer, x, o.per_channel ? 2 : 0)) return {};
  Dims dims = {1};
  if (o.per_channel) {
    dims[0] = layer.KnownExtent(x, 1, "channels");
    dims.resize(static_cast<size_t>(x.type().rank() - 1), 1);
  }
  return layer.Node({x, layer.Parameter("weight", dims, Initializer::Constant(o.init))});
}

Value ActivationLayers::ThresholdedRelu(Value x, const ThresholdedReluOptions& o, Where where) {
  return builder().Op("ThresholdedRelu", {x}, {{"alpha", o.threshold}}, {o.name}, where);
}

Value ActivationLayers::Elu(Value x, const EluOptions& o, Where where) {
  return builder().Op("Elu", {x}, {{"alpha", o.alpha}}, {o.name}, where);
}

Value ActivationLayers::Celu(Value x, const EluOptions& o, Where where) {
  return builder().Op("Celu", {x}, {{"alpha", o.alpha}}, {o.name}, where);
}

Value ActivationLayers::Selu(Value x, const NameOption& o, Where where) {
  return builder().Op("Selu", {x}, {}, o, where);
}

Value ActivationLayers::Gelu(Value x, const GeluOptions& o, Where where) {
  return builder().Op("Gelu", {x}, {{"approximate", o.approximate}}, {o.name}, where);
}

Value ActivationLayers::Silu(Value x, const NameOption& o, Where where) {
  return builder().Op("Silu", {x}, {}, o, where);
}

Value ActivationLayers::Mish(Value x, const NameOption& o, Where where) {
  return builder().Op("Mish", {x}, {}, o, where);
}

Value ActivationLayers::HardSigmoid(Value x, const HardSigmoidOptions& o, Where where) {
  return builder().Op("HardSigmoid", {x}, {{"alpha", o.slope}, {"beta", o.offset}}, {o.name},
                      where);
}

Value ActivationLayers::HardSwish(Value x, const NameOption& o, Where where) {
  return builder().Op("HardSwish", {x}, {}, o, where);
}

Value ActivationLayers::HardTanh(Value x, const HardTanhOptions& o, Where where) {
  return Clip(x, {.min = o.min, .max = o.max, .name = o.name}, where);
}

Value ActivationLayers::Clip(Value x, const ClipOptions& o, Where where) {
  Layer layer(builder(), "Clip", o.name, where);
  if (!ExpectAxes(layer, x, 0)) return {};
  const DType dtype = x.type().dtype;
  if (o.min && o.max && *o.min > *o.max) {
    return layer.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected min of at most max, got ", *o.min, " and ", *o.max)));
  }
  const Value min = o.min ? layer.Scalar(*o.min, dtype) : Value();
  const Value max = o.max ? layer.Scalar(*o.max, dtype) : Value();
  return layer.Node({x, min, max});
}

Value ActivationLayers::Softplus(Value x, const SoftplusOptions& o, Where where) {
  Layer layer(builder(), "Softplus", o.name, where);
  if (!ExpectAxes(layer, x, 0)) return {};
  if (o.beta == 1) return layer.Node({x});
  if (!(o.beta > 0)) {
    return layer.Fail(
        absl::InvalidArgumentError(absl::StrCat("expected beta above 0, got ", o.beta)));
  }
  const Value beta = layer.Scalar(o.beta, x.type().dtype);
  return layer.Result("Div", {layer.Part("Softplus", {layer.Part("Mul", {x, beta})}), beta});
}

Value ActivationLayers::Softsign(Value x, const NameOption& o, Where where) {
  return builder().Op("Softsign", {x}, {}, o, where);
}

Value ActivationLayers::LogSigmoid(Value x, const NameOption& o, Where where) {
  Layer layer(builder(), "LogSigmoid", o.name, where);
  return layer.Result("Neg", {layer.Part("Softplus", {layer.Part("Neg", {x})})});
}

Value ActivationLayers::HardShrink(Value x, const ShrinkOptions& o, Where where) {
  return builder().Op("Shrink", {x}, {{"lambd", o.lambda}}, {o.name}, where);
}

Value ActivationLayers::SoftShrink(Value x, const ShrinkOptions& o, Where where) {
  return builder().Op("Shrink", {x}, {{"lambd", o.lambda}, {"bias", o.lambda}}, {o.name}, where);
}

// The channels as [groups, pieces], of which the largest piece remains.
Value ActivationLayers::Maxout(Value x, const MaxoutOptions& o, Where where) {
  Layer layer(builder(), "Maxout", o.name, where);
  if (!ExpectAxes(layer, x, 2) || !layer.ExpectAtLeast("pieces", o.pieces, 1)) return {};
  const int64_t channels = layer.KnownExtent(x, 1, "channels");
  if (channels % o.pieces != 0) {
    return layer.Fail(absl::InvalidArgumentError(absl::StrCat(
        "expected a multiple of ", o.pieces, " channels (pieces), got ", ToString(x.type()))));
  }
  std::vector<int64_t> shape = {0, channels / o.pieces, o.pieces};
  for (int axis = 2; axis < x.type().rank(); ++axis) {
    const Dim& dim = x.type().dim(axis);
    shape.push_back(dim.is_static() ? dim.coefficient() : -1);
  }
  const Value groups = layer.Part("Reshape", {x, layer.Ints(shape)});
  return layer.Result("ReduceMax", {groups}, {{"axes", Dims{2}}, {"keepdims", 0}});
}

Value ActivationLayers::LogSoftmax(Value x, const SoftmaxOptions& o, Where where) {
  return builder().Op("LogSoftmax", {x}, {{"axis", o.axis}}, {o.name}, where);
}

Value ActivationLayers::Softmax(Value x, const SoftmaxOptions& o, Where where) {
  return builder().Op("Softmax", {x}, {{"axis", o.axis}}, {o.name}, where);
}

}  // namespace weft
