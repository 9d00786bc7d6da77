#include <utility>

#include "frontend/builder.h"
#include "frontend/builder_layer.h"

// The layers with parameters, pooling, inputs and outputs.

namespace weft {
namespace {

constexpr std::string_view kImages = "[N,C,H,W]";

std::vector<int64_t> Pair(const Extent2& e) { return {e.height, e.width}; }

// ONNX's: begin of each axis, then the ends.
std::vector<int64_t> Pads(const Extent2& e) { return {e.height, e.width, e.height, e.width}; }

// The checks and attributes that both kinds of pooling share.
template <typename Options>
AttributeMap PoolAttributes(Layer& layer, Value x, const Options& o) {
  if (!layer.ExpectRank(x, 4, kImages) || !layer.ExpectAtLeast("a kernel", o.kernel, 1) ||
      !layer.ExpectAtLeast("a stride", o.stride, 0) ||
      !layer.ExpectAtLeast("a padding", o.padding, 0)) {
    return {};
  }
  const Extent2 stride = o.stride == Extent2() ? o.kernel : o.stride;
  return {{"kernel_shape", Pair(o.kernel)},
          {"strides", Pair(stride)},
          {"pads", Pads(o.padding)},
          {"ceil_mode", o.ceil_mode ? 1 : 0}};
}

}  // namespace

Value Builder::Input(std::string name, std::vector<Axis> shape, InputOptions options, Where where) {
  Layer layer(*this, kInput, name, where);
  TensorType type{options.dtype.value_or(options_.dtype), {}};
  for (const Axis& axis : shape) {
    layer.ExpectAtLeast("an extent", axis.dim.coefficient(), 0);
    type.shape.push_back(axis.dim);
  }
  return layer.Node({}, {{"type", std::move(type)}});
}

Value Builder::Parameter(std::string name, Dims dims, ParameterOptions options, Where where) {
  Layer layer(*this, kVariable, name, where);
  return layer.Parameter("", dims, options.init.value_or(options_.init), FansOf(dims),
                         options.trainable ? kParameter : kStatistic);
}

Value Builder::Constant(Tensor value, NameOption o, Where where) {
  Layer layer(*this, kConstant, o.name, where);
  return layer.Node({}, {{"value", std::move(value)}});
}

void Builder::Output(std::string name, Value value, Where where) {
  if (!status_.ok()) return;
  Fail(where, graph_.AddOutput(FullName(name), value));
}

Value Builder::Conv2d(Value x, const Conv2dOptions& o, Where where) {
  Layer layer(*this, "Conv", o.name, where);
  if (!layer.ExpectRank(x, 4, kImages) || !layer.ExpectAtLeast("channels", o.channels, 1) ||
      !layer.ExpectAtLeast("a kernel", o.kernel, 1) ||
      !layer.ExpectAtLeast("a stride", o.stride, 1) ||
      !layer.ExpectAtLeast("a padding", o.padding, 0) ||
      !layer.ExpectAtLeast("a dilation", o.dilation, 1) ||
      !layer.ExpectAtLeast("groups", o.groups, 1)) {
    return {};
  }
  const int64_t channels = layer.KnownExtent(x, 1, "channels");
  if (channels % o.groups != 0 || o.channels % o.groups != 0) {
    return layer.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected channels that ", o.groups, " groups divide, got ", channels,
                     " input and ", o.channels, " output channels")));
  }
  const auto [weight, bias] = layer.WeightAndBias(
      {o.channels, channels / o.groups, o.kernel.height, o.kernel.width}, o.init, o.bias);
  std::vector<Value> inputs = {x, weight};
  if (o.bias) inputs.push_back(bias);
  return layer.Node(std::move(inputs), {{"kernel_shape", Pair(o.kernel)},
                                        {"strides", Pair(o.stride)},
                                        {"pads", Pads(o.padding)},
                                        {"dilations", Pair(o.dilation)},
                                        {"group", o.groups}});
}

Value Builder::Linear(Value x, const LinearOptions& o, Where where) {
  Layer layer(*this, "Gemm", o.name, where);
  if (!layer.ExpectRank(x, 2, "[N,features]") || !layer.ExpectAtLeast("features", o.features, 1)) {
    return {};
  }
  const auto [weight, bias] =
      layer.WeightAndBias({o.features, layer.KnownExtent(x, 1, "features")}, o.init, o.bias);
  std::vector<Value> inputs = {x, weight};
  if (o.bias) inputs.push_back(bias);
  return layer.Node(std::move(inputs), {{"transB", 1}});
}

Value Builder::BatchNorm2d(Value x, const BatchNorm2dOptions& o, Where where) {
  Layer layer(*this, "BatchNormalization", o.name, where);
  if (!layer.ExpectRank(x, 4, kImages)) return {};
  const Dims dims = {layer.KnownExtent(x, 1, "channels")};
  const Initializer zeros = Initializer::Constant(0), ones = Initializer::Constant(1);
  std::vector<Value> inputs = {x, layer.Parameter("weight", dims, ones),
                               layer.Parameter("bias", dims, zeros),
                               layer.Parameter("running_mean", dims, zeros, {}, kStatistic),
                               layer.Parameter("running_var", dims, ones, {}, kStatistic)};
  return layer.Node(std::move(inputs), {{"epsilon", o.epsilon},
                                        {"momentum", 1 - o.momentum},
                                        {"running_variance", o.unbiased ? "unbiased" : "biased"}});
}

Value Builder::MaxPool2d(Value x, const MaxPool2dOptions& o, Where where) {
  Layer layer(*this, "MaxPool", o.name, where);
  layer.ExpectAtLeast("a dilation", o.dilation, 1);
  AttributeMap attributes = PoolAttributes(layer, x, o);
  attributes.insert_or_assign("dilations", Pair(o.dilation));
  return layer.Node({x}, std::move(attributes));
}

Value Builder::AvgPool2d(Value x, const AvgPool2dOptions& o, Where where) {
  Layer layer(*this, "AveragePool", o.name, where);
  AttributeMap attributes = PoolAttributes(layer, x, o);
  attributes.insert_or_assign("count_include_pad", o.count_include_pad ? 1 : 0);
  return layer.Node({x}, std::move(attributes));
}

Value Builder::GlobalAvgPool(Value x, const GlobalAvgPoolOptions& o, Where where) {
  Layer layer(*this, "ReduceMean", o.name, where);
  if (!layer.ExpectRank(x, 4, kImages)) return {};
  return layer.Node({x}, {{"axes", std::vector<int64_t>{2, 3}}, {"keepdims", o.keep_dims ? 1 : 0}});
}

}  // namespace weft
