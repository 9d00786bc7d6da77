#include <algorithm>
#include <limits>
#include <utility>

#include "frontend/build/layers/conv_spec.h"
#include "ops/window.h"

// The layers that consist of several convolutions or other ops.

namespace weft {
namespace {

template <typename Options>
ConvSpec WindowSpecOf(const Options& o) {
  return {.channels = o.channels,
          .kernel = ListOf(o.kernel),
          .stride = ListOf(o.stride),
          .dilation = {1, 1},
          .padding = o.padding,
          .bias = o.bias,
          .init = o.init};
}

// The spatial extents of a convolution's output; an error unless they and the input's are known.
std::optional<Dims> KnownOutput(Layer& layer, Value x, const ConvSpec& spec, const Dims& pads) {
  for (size_t a = 0; a < spec.rank(); ++a) {
    layer.KnownExtent(x, static_cast<int>(a) + 2, "positions");
  }
  if (!layer.ok()) return std::nullopt;
  Shape weights = {1, x.type().dim(1)};
  weights.insert(weights.end(), spec.kernel.begin(), spec.kernel.end());
  const auto shape = InferConvShape(ConvAttributesOf(spec, pads), x.type().shape, weights);
  if (!shape.ok()) {
    layer.Fail(shape.status());
    return std::nullopt;
  }
  return Dims{(*shape)[2].coefficient(), (*shape)[3].coefficient()};
}

// Reshape's argument for an image [N,`channels`...,H,W] of `x`'s extents, of which one may be a
// symbol. Axis 0 is 0 (as it is).
std::optional<Dims> ImageArgument(Layer& layer, Value x, const Dims& channels) {
  Dims shape = {0};
  shape.insert(shape.end(), channels.begin(), channels.end());
  int symbols = 0;
  for (int axis : {2, 3}) {
    const Dim& dim = x.type().dim(axis);
    symbols += dim.is_static() ? 0 : 1;
    shape.push_back(dim.is_static() ? dim.coefficient() : -1);
  }
  if (symbols <= 1) return shape;
  layer.Fail(absl::InvalidArgumentError(
      absl::StrCat("expected a known height or width, the input is ", ToString(x.type()))));
  return std::nullopt;
}

// The part of `padding` for one direction, in numbers: begin and end of that axis only.
Padding AlongAxis(const Dims& pads, size_t axis) {
  Padding padding = {0, 0, 0, 0};
  padding.values[axis] = pads[axis];
  padding.values[axis + 2] = pads[axis + 2];
  return padding;
}

Extent2 AlongAxis(const Extent2& e, size_t axis) {
  return axis == 0 ? Extent2(e.height, 1) : Extent2(1, e.width);
}

// o.padding in numbers for the whole kernel.
std::optional<Dims> SeparablePads(Layer& layer, Value x, const SeparableConv2dOptions& o) {
  ConvSpec spec = WindowSpecOf(o);
  spec.dilation = ListOf(o.dilation);
  if (!CheckConv(layer, x, spec)) return std::nullopt;
  return ResolvePads(layer, x, spec);
}

constexpr int64_t kMostTiles = 64;  // their square is a number of nodes

// Pads (negative: crops) that leave of x what the kernel `index` of TiledConv2d slides over: from
// its first position on, as far as the last one of any kernel.
Dims PhasePads(Value x, const ConvSpec& spec, const Dims& pads, const Dims& out, int64_t tile,
               const Dims& index) {
  Dims result(4);
  for (size_t a : {size_t{0}, size_t{1}}) {
    const int64_t extent = x.type().dim(static_cast<int>(a) + 2).coefficient();
    const int64_t turns = (out[a] + tile - 1) / tile;
    result[a] = pads[a] - index[a] * spec.stride[a];
    result[a + 2] = (turns - 1) * tile * spec.stride[a] + spec.kernel[a] - extent - result[a];
  }
  return result;
}

// The pads of a convolution with a flipped kernel (ConvolveOptions::mode); an error for other
// modes.
std::optional<Dims> ConvolvePads(Layer& layer, const std::string& mode, const Dims& kernel) {
  if (mode != "full" && mode != "same" && mode != "valid" && mode != "circular") {
    layer.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected mode full, same, valid or circular, got \"", mode, "\"")));
    return std::nullopt;
  }
  Dims pads(2 * kernel.size(), 0);
  for (size_t a = 0; a < kernel.size(); ++a) {
    const int64_t reach = kernel[a] - 1;
    int64_t& end = pads[a + kernel.size()];
    if (mode == "full") end = reach;
    if (mode == "same") end = reach / 2;
    if (mode != "valid") pads[a] = mode == "same" ? reach - end : reach;
  }
  return pads;
}

}  // namespace

Value ConvLayers::LocallyConnected2d(Value x, const LocallyConnected2dOptions& o, Where where) {
  Layer layer(builder(), "LocallyConnected", o.name, where);
  ConvSpec spec = WindowSpecOf(o);
  spec.dilation = ListOf(o.dilation);
  if (!CheckConv(layer, x, spec)) return {};
  const int64_t channels = layer.KnownExtent(x, 1, "channels");
  const std::optional<Dims> pads = ResolvePads(layer, x, spec);
  if (!pads) return {};
  const std::optional<Dims> out = KnownOutput(layer, x, spec, *pads);
  if (!out) return {};
  AttributeMap window = ConvAttributesOf(spec, *pads);
  window.erase("group");
  const Value columns = layer.Part("Im2Col", {x}, std::move(window));  // [N, C*taps, positions]
  if (!layer.ok()) return {};
  const int64_t positions = (*out)[0] * (*out)[1];
  const int64_t taps = columns.type().dim(1).coefficient();
  const Dims dims = {positions, o.channels, taps};
  if (const auto count = CountElements(dims); !count.ok()) return layer.Fail(count.status());
  // One unit reads C*taps values, whatever the parameter's shape is.
  const Fans fans{.in = taps, .out = o.channels * (taps / channels)};
  const auto [weight, bias] =
      layer.WeightAndBias(dims, o.init, o.bias, {o.channels, (*out)[0], (*out)[1]}, fans);
  const Value inputs =
      layer.Part("Transpose", {columns}, {{"perm", std::vector<int64_t>{2, 1, 0}}});
  const Value products = layer.Part("MatMul", {weight, inputs});  // [positions, O, N]
  const Value rows = layer.Part("Transpose", {products}, {{"perm", std::vector<int64_t>{2, 1, 0}}});
  const std::vector<Value> image = {rows, layer.Ints({0, o.channels, (*out)[0], (*out)[1]})};
  if (!o.bias) return layer.Result("Reshape", image);
  return layer.Result("Add", {layer.Part("Reshape", image), bias});
}

// Each kernel makes the outputs of its own phase: a convolution with `tile` times the stride, on an
// input that begins at the first of them. DepthToSpace puts the phases together.
Value ConvLayers::TiledConv2d(Value x, const TiledConv2dOptions& o, Where where) {
  Layer layer(builder(), "TiledConv", o.name, where);
  ConvSpec spec = WindowSpecOf(o);
  if (!CheckConv(layer, x, spec) || !layer.ExpectAtLeast("a tile", o.tile, 1)) return {};
  const std::optional<Dims> pads = ResolvePads(layer, x, spec);
  if (!pads) return {};
  const std::optional<Dims> out = KnownOutput(layer, x, spec, *pads);
  if (!out) return {};
  const int64_t t = o.tile, most = std::min({(*out)[0], (*out)[1], kMostTiles});
  if (t > most) {
    return layer.Fail(absl::InvalidArgumentError(absl::StrCat("expected a tile of at most ", most,
                                                              " for the output's extents ",
                                                              ToString(*out), ", got ", t)));
  }
  const auto [weight, bias] = layer.WeightAndBias(
      {t * t * o.channels, layer.KnownExtent(x, 1, "channels"), o.kernel.height, o.kernel.width},
      o.init, o.bias);
  weft::Node* kernels =
      layer.WholePart("Split", {weight, layer.Ints(Dims(static_cast<size_t>(t * t), o.channels))},
                      {{"axis", 0}}, static_cast<int>(t * t));
  if (kernels == nullptr) return {};
  ConvSpec phase = spec;
  for (int64_t& stride : phase.stride) stride *= t;
  std::vector<Value> phases;
  for (int64_t k = 0; k < t * t; ++k) {
    const Dims window = PhasePads(x, spec, *pads, *out, t, {k / t, k % t});
    phases.push_back(layer.Part(
        "Conv", {PadSpatial(layer, x, window, "constant"), kernels->output(static_cast<int>(k))},
        ConvAttributesOf(phase, {0, 0, 0, 0})));
  }
  Value y = layer.Part("Concat", std::move(phases), {{"axis", 1}});
  if (o.bias) y = layer.Part("Add", {y, PerChannel(layer, bias, 2)});
  y = layer.Part("DepthToSpace", {y}, {{"blocksize", t}});
  return layer.Result("Slice", {y, layer.Ints({0, 0}), layer.Ints(*out), layer.Ints({2, 3})});
}

Value ConvLayers::TiedGroupConv2d(Value x, const Conv2dOptions& o, Where where) {
  Layer layer(builder(), "TiedGroupConv", o.name, where);
  if (!layer.ExpectRank(x, 4, ImageForm(2)) || !layer.ExpectAtLeast("groups", o.groups, 1) ||
      !layer.ExpectAtLeast("channels", o.channels, 1)) {
    return {};
  }
  const int64_t channels = layer.KnownExtent(x, 1, "channels");
  if (channels % o.groups != 0 || o.channels % o.groups != 0) {
    return layer.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected channels that ", o.groups, " groups divide, got ", channels,
                     " input and ", o.channels, " output channels")));
  }
  // The groups as examples of their own: [N,C,H,W] is [N*groups,C/groups,H,W].
  const Value apart = layer.Part("Reshape", {x, layer.Ints({-1, channels / o.groups, 0, 0})});
  Value y;
  {
    const auto inside = layer.Inside();
    Conv2dOptions one = o;
    one.channels = o.channels / o.groups;
    one.groups = 1;
    one.name = "shared";
    y = builder().Conv2d(apart, one, where);
  }
  return layer.Result("Reshape", {y, layer.Ints({-1, o.channels, 0, 0})});
}

Value ConvLayers::DepthwiseSeparableConv2d(Value x, const SeparableConv2dOptions& o, Where where) {
  Layer layer(builder(), "SeparableConv", o.name, where);
  const auto inside = layer.Inside();
  const Value each = builder().DepthwiseConv2d(x,
                                               {.kernel = o.kernel,
                                                .multiplier = o.multiplier,
                                                .stride = o.stride,
                                                .padding = o.padding,
                                                .dilation = o.dilation,
                                                .bias = o.bias,
                                                .init = o.init,
                                                .name = "depthwise"},
                                               where);
  return builder().Conv2d(
      each,
      {.channels = o.channels, .kernel = 1, .bias = o.bias, .init = o.init, .name = "pointwise"},
      where);
}

Value ConvLayers::SpatiallySeparableConv2d(Value x, const SeparableConv2dOptions& o, Where where) {
  Layer layer(builder(), "SpatiallySeparableConv", o.name, where);
  const std::optional<Dims> pads = SeparablePads(layer, x, o);
  if (!pads) return {};
  const auto inside = layer.Inside();
  Value y = x;
  for (size_t axis : {size_t{0}, size_t{1}}) {
    y = builder().Conv2d(y,
                         {.channels = o.channels,
                          .kernel = AlongAxis(o.kernel, axis),
                          .stride = AlongAxis(o.stride, axis),
                          .padding = AlongAxis(*pads, axis),
                          .dilation = AlongAxis(o.dilation, axis),
                          .bias = o.bias,
                          .init = o.init,
                          .name = axis == 0 ? "vertical" : "horizontal"},
                         where);
  }
  return y;
}

Value ConvLayers::FlattenedConv2d(Value x, const SeparableConv2dOptions& o, Where where) {
  Layer layer(builder(), "FlattenedConv", o.name, where);
  const std::optional<Dims> pads = SeparablePads(layer, x, o);
  if (!pads) return {};
  const auto inside = layer.Inside();
  Value y = builder().Conv2d(
      x, {.channels = o.channels, .kernel = 1, .bias = o.bias, .init = o.init, .name = "lateral"},
      where);
  for (size_t axis : {size_t{0}, size_t{1}}) {
    y = builder().DepthwiseConv2d(y,
                                  {.kernel = AlongAxis(o.kernel, axis),
                                   .stride = AlongAxis(o.stride, axis),
                                   .padding = AlongAxis(*pads, axis),
                                   .dilation = AlongAxis(o.dilation, axis),
                                   .bias = o.bias,
                                   .init = o.init,
                                   .name = axis == 0 ? "vertical" : "horizontal"},
                                  where);
  }
  return y;
}

Value ConvLayers::Pseudo3dConv(Value x, const Pseudo3dConvOptions& o, Where where) {
  Layer layer(builder(), "Pseudo3dConv", o.name, where);
  if (!layer.ExpectRank(x, 5, ImageForm(3)) ||
      !layer.ExpectAtLeast("middle_channels", o.middle_channels, 0)) {
    return {};
  }
  const auto inside = layer.Inside();
  const Value frames =
      builder().Conv3d(x,
                       {.channels = o.middle_channels == 0 ? o.channels : o.middle_channels,
                        .kernel = {1, o.kernel.height, o.kernel.width},
                        .stride = {1, o.stride.height, o.stride.width},
                        .padding = Extent3(0, o.padding.height, o.padding.width),
                        .bias = o.bias,
                        .init = o.init,
                        .name = "spatial"},
                       where);
  return builder().Conv3d(frames,
                          {.channels = o.channels,
                           .kernel = {o.kernel.depth, 1, 1},
                           .stride = {o.stride.depth, 1, 1},
                           .padding = Extent3(o.padding.depth, 0, 0),
                           .bias = o.bias,
                           .init = o.init,
                           .name = "temporal"},
                          where);
}

Value ConvLayers::ShuffledGroupConv(Value x, const ShuffledGroupConvOptions& o, Where where) {
  Layer layer(builder(), "ShuffledGroupConv", o.name, where);
  Value y;
  {
    const auto inside = layer.Inside();
    y = builder().Conv2d(x,
                         {.channels = o.channels,
                          .kernel = 1,
                          .groups = o.groups,
                          .bias = o.bias,
                          .init = o.init,
                          .name = "conv"},
                         where);
  }
  if (!layer.ok()) return {};
  // [N,groups,C/groups,H*W] with the two channel axes exchanged.
  const auto image = ImageArgument(layer, y, {o.channels});
  if (!image) return {};
  y = layer.Part("Reshape", {y, layer.Ints({0, o.groups, o.channels / o.groups, -1})});
  y = layer.Part("Transpose", {y}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
  return layer.Result("Reshape", {y, layer.Ints(*image)});
}

Value ConvLayers::MlpConv(Value x, const MlpConvOptions& o, Where where) {
  Layer layer(builder(), "MlpConv", o.name, where);
  if (o.channels.empty()) {
    return layer.Fail(
        absl::InvalidArgumentError("expected channels of at least one layer, got none"));
  }
  const auto inside = layer.Inside();
  Value y = builder().Conv2d(x,
                             {.channels = o.channels[0],
                              .kernel = o.kernel,
                              .stride = o.stride,
                              .padding = o.padding,
                              .bias = o.bias,
                              .init = o.init,
                              .name = "conv"},
                             where);
  y = builder().Relu(y, {}, where);
  for (size_t i = 1; i < o.channels.size(); ++i) {
    y = builder().Conv2d(y,
                         {.channels = o.channels[i],
                          .kernel = 1,
                          .bias = o.bias,
                          .init = o.init,
                          .name = absl::StrCat("cccp", i)},
                         where);
    y = builder().Relu(y, {}, where);
  }
  return y;
}

Value ConvLayers::Convolve(Value x, Value h, const ConvolveOptions& o, Where where) {
  Layer layer(builder(), "Convolve", o.name, where);
  if (!layer.ok()) return {};
  if (x.null() || h.null() || h.type().rank() < 1 || h.type().rank() + 2 != x.type().rank()) {
    return layer.Fail(absl::InvalidArgumentError(absl::StrCat(
        "expected a signal [N,C,spatial axes...] and a kernel of its spatial axes, got ",
        x.null() ? "none" : ToString(x.type()), " and ", h.null() ? "none" : ToString(h.type()))));
  }
  const auto rank = static_cast<size_t>(h.type().rank());
  Dims kernel, axes;
  for (size_t a = 0; a < rank; ++a) {
    kernel.push_back(layer.KnownExtent(h, static_cast<int>(a), "taps"));
    axes.push_back(static_cast<int64_t>(a));
  }
  std::optional<Dims> pads = ConvolvePads(layer, o.mode, kernel);
  if (!pads || !layer.ok()) return {};
  if (o.mode == "circular") {
    x = PadSpatial(layer, x, *pads, "wrap");
    pads->assign(2 * rank, 0);
  }
  const Dims backwards(rank, -1), to_the_first(rank, std::numeric_limits<int64_t>::min());
  const Value flipped = layer.Part("Slice", {h, layer.Ints(backwards), layer.Ints(to_the_first),
                                             layer.Ints(axes), layer.Ints(backwards)});
  // Correlation with the flipped kernel, every channel as an example of its own.
  Dims weights = {1, 1}, apart = {-1, 1}, together = {-1, layer.KnownExtent(x, 1, "channels")};
  weights.insert(weights.end(), kernel.begin(), kernel.end());
  apart.resize(rank + 2, 0);
  together.resize(rank + 2, 0);
  const Value signals = layer.Part("Reshape", {x, layer.Ints(apart)});
  const Value y =
      layer.Part("Conv", {signals, layer.Part("Reshape", {flipped, layer.Ints(weights)})},
                 {{"pads", *std::move(pads)}});
  return layer.Result("Reshape", {y, layer.Ints(together)});
}

}  // namespace weft
