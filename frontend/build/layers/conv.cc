#include "frontend/build/layers/conv.h"

#include <numeric>
#include <utility>

#include "frontend/build/layers/conv_spec.h"

// The layers that are one convolution.

namespace weft {
namespace {

template <typename Options>
ConvSpec SpecOf(const Options& o) {
  return {.channels = o.channels,
          .kernel = ListOf(o.kernel),
          .stride = ListOf(o.stride),
          .dilation = ListOf(o.dilation),
          .padding = o.padding,
          .groups = o.groups,
          .bias = o.bias,
          .init = o.init};
}

template <int N>
Value Conv(Builder& builder, Value x, const ConvOptions<N>& o, const Where& where) {
  Layer layer(builder, "Conv", o.name, where);
  ConvSpec spec = SpecOf(o);
  spec.padding_mode = o.padding_mode;
  return AddConv(layer, x, spec);
}

// As PyTorch's ConvTransposeNd: weight [C,O/groups,kernel...], bias [O].
template <int N>
Value ConvTranspose(Builder& builder, Value x, const ConvTransposeOptions<N>& o,
                    const Where& where) {
  Layer layer(builder, "ConvTranspose", o.name, where);
  const ConvSpec spec = SpecOf(o);
  if (!CheckConv(layer, x, spec)) return {};
  if (!o.padding.mode.empty()) {
    return layer.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected padding in numbers, got \"", o.padding.mode, "\"")));
  }
  const int64_t channels = layer.KnownExtent(x, 1, "channels");
  if (channels % o.groups != 0 || o.channels % o.groups != 0) {
    return layer.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected channels that ", o.groups, " groups divide, got ", channels,
                     " input and ", o.channels, " output channels")));
  }
  std::optional<Dims> pads = ResolvePads(layer, x, spec);
  if (!pads) return {};
  Dims dims = {channels, o.channels / o.groups};
  dims.insert(dims.end(), spec.kernel.begin(), spec.kernel.end());
  const auto [weight, bias] = layer.WeightAndBias(dims, o.init, o.bias, {o.channels}, FansOf(dims));
  std::vector<Value> inputs = {x, weight};
  if (o.bias) inputs.push_back(bias);
  AttributeMap attributes = ConvAttributesOf(spec, *std::move(pads));
  attributes["output_padding"] = ListOf(o.output_padding);
  return layer.Node(std::move(inputs), std::move(attributes));
}

}  // namespace

Value ConvLayers::Conv1d(Value x, const Conv1dOptions& o, Where where) {
  return Conv(builder(), x, o, where);
}
Value ConvLayers::Conv2d(Value x, const Conv2dOptions& o, Where where) {
  return Conv(builder(), x, o, where);
}
Value ConvLayers::Conv3d(Value x, const Conv3dOptions& o, Where where) {
  return Conv(builder(), x, o, where);
}

Value ConvLayers::ConvTranspose1d(Value x, const ConvTranspose1dOptions& o, Where where) {
  return ConvTranspose(builder(), x, o, where);
}
Value ConvLayers::ConvTranspose2d(Value x, const ConvTranspose2dOptions& o, Where where) {
  return ConvTranspose(builder(), x, o, where);
}
Value ConvLayers::ConvTranspose3d(Value x, const ConvTranspose3dOptions& o, Where where) {
  return ConvTranspose(builder(), x, o, where);
}

Value ConvLayers::DepthwiseConv2d(Value x, const DepthwiseConv2dOptions& o, Where where) {
  Layer layer(builder(), "Conv", o.name, where);
  if (!layer.ExpectRank(x, 4, ImageForm(2)) ||
      !layer.ExpectAtLeast("a multiplier", o.multiplier, 1)) {
    return {};
  }
  const int64_t channels = layer.KnownExtent(x, 1, "channels");
  int64_t outputs = 0;
  if (__builtin_mul_overflow(channels, o.multiplier, &outputs)) {
    return layer.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected a smaller multiplier, got ", o.multiplier)));
  }
  return AddConv(layer, x,
                 {.channels = outputs,
                  .kernel = ListOf(o.kernel),
                  .stride = ListOf(o.stride),
                  .dilation = ListOf(o.dilation),
                  .padding = o.padding,
                  .groups = channels,
                  .bias = o.bias,
                  .padding_mode = o.padding_mode,
                  .init = o.init});
}

}  // namespace weft
