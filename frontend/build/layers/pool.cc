#include "frontend/build/layers/pool.h"

#include <algorithm>
#include <utility>

#include "frontend/build/layers/conv_spec.h"
#include "frontend/build/layers/pool_spec.h"
#include "ops/window.h"

namespace weft {
namespace {

bool AllAre(const Dims& values, int64_t value) {
  return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == value; });
}

bool ExpectAll(Layer& layer, std::string_view what, const Dims& values, int64_t least) {
  return std::all_of(values.begin(), values.end(),
                     [&](int64_t v) { return layer.ExpectAtLeast(what, v, least); });
}

// The padding as attributes: pads of numbers, or auto_pad.
bool AddPadding(Layer& layer, const PoolSpec& spec, AttributeMap& attributes) {
  const size_t rank = spec.kernel.size();
  const std::string& mode = spec.padding.mode;
  Dims pads = spec.padding.values;
  if (mode == "same") {
    attributes.insert_or_assign("auto_pad", "SAME_UPPER");
    return true;
  }
  if (mode == "valid") pads = {0};
  if (!mode.empty() && mode != "valid") {
    layer.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected padding \"valid\", \"same\" or numbers, got \"", mode, "\"")));
    return false;
  }
  if (!ExpectAll(layer, "a padding", pads, 0)) return false;
  if (pads.size() == 1) pads.resize(rank, pads[0]);
  if (pads.size() == rank)
    pads.insert(pads.end(), pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(rank));
  if (pads.size() != 2 * rank) {
    layer.Fail(absl::InvalidArgumentError(absl::StrCat(
        "expected 1, ", rank, " or ", 2 * rank, " paddings, got ", spec.padding.values.size())));
    return false;
  }
  attributes.insert_or_assign("pads", std::move(pads));
  return true;
}

// A layer of one op with windows.
template <typename Options>
Value Pool(Builder& builder, std::string_view op, Value x, const Options& o, AttributeMap more,
           const Where& where) {
  Layer layer(builder, op, o.name, where);
  AttributeMap attributes = PoolAttributesOf(layer, x, PoolSpecOf(o));
  attributes.merge(more);
  return layer.Node({x}, std::move(attributes));
}

// The same where the op draws numbers.
template <typename Options>
Value RandomPool(Builder& builder, std::string_view op, Value x, const Options& o,
                 AttributeMap more, const Where& where) {
  Layer layer(builder, op, o.name, where);
  AttributeMap attributes = PoolAttributesOf(layer, x, PoolSpecOf(o));
  attributes.merge(more);
  attributes.insert_or_assign("stream", layer.Stream());
  return layer.Node({x}, std::move(attributes));
}

template <typename Options>
PooledMaxima MaximaAndIndices(Builder& builder, Value x, const Options& o, const Where& where) {
  Layer layer(builder, "MaxPool", o.name, where);
  weft::Node* node = layer.WholeNode({x}, PoolAttributesOf(layer, x, PoolSpecOf(o)), 2);
  if (node == nullptr) return {};
  return {node->output(0), node->output(1)};
}

template <typename Options>
Value Minima(Builder& builder, Value x, const Options& o, const Where& where) {
  Layer layer(builder, "MinPool", o.name, where);
  AttributeMap attributes = PoolAttributesOf(layer, x, PoolSpecOf(o));
  return layer.Result("Neg", {layer.Part("MaxPool", {layer.Part("Neg", {x})}, attributes)});
}

template <typename Options>
Value Average(Builder& builder, Value x, const Options& o, const Where& where) {
  Layer layer(builder, "AveragePool", o.name, where);
  AttributeMap attributes = PoolAttributesOf(layer, x, PoolSpecOf(o));
  attributes.insert_or_assign("count_include_pad", o.count_include_pad ? 1 : 0);
  // ONNX has dilations of averages since opset 19 only: older readers take what needs none.
  if (AllAre(ListOf(o.dilation), 1)) attributes.erase("dilations");
  return layer.Node({x}, std::move(attributes));
}

template <typename Options>
Value LpNorm(Builder& builder, Value x, const Options& o, const Where& where) {
  return Pool(builder, "LpPool", x, o, {{"p", o.p}}, where);
}

// The window of a plain AveragePool with the same regions; none where the extents are unknown or do
// not divide.
Dims TilingWindow(Value x, const Dims& output) {
  Dims kernel;
  for (size_t a = 0; a < output.size(); ++a) {
    const Dim& extent = x.type().dim(static_cast<int>(a) + 2);
    if (!extent.is_static() || extent.coefficient() < output[a] ||
        extent.coefficient() % output[a] != 0) {
      return {};
    }
    kernel.push_back(extent.coefficient() / output[a]);
  }
  return kernel;
}

template <typename Options>
Value Adaptive(Builder& builder, std::string_view op, Value x, const Options& o,
               const Where& where) {
  const Dims size = ListOf(o.output_size);
  Layer layer(builder, op, o.name, where);
  if (!layer.ExpectRank(x, static_cast<int>(size.size()) + 2, ImageForm(size.size())) ||
      !ExpectAll(layer, "an output_size", size, 1)) {
    return {};
  }
  const Dims kernel = op == "AdaptiveAveragePool" ? TilingWindow(x, size) : Dims();
  if (kernel.empty()) return layer.Node({x}, {{"output_size", size}});
  return layer.Result("AveragePool", {x}, {{"kernel_shape", kernel}, {"strides", kernel}});
}

template <typename Options>
Value Unpool(Builder& builder, Value x, Value indices, const Options& o, const Where& where) {
  Layer layer(builder, "MaxUnpool", o.name, where);
  PoolSpec spec = PoolSpecOf(o);
  spec.padding.values = ListOf(o.padding);
  AttributeMap attributes = PoolAttributesOf(layer, x, spec);
  for (const char* name : {"dilations", "ceil_mode"}) attributes.erase(name);
  const Dims size = ListOf(o.output_size);
  std::vector<Value> inputs = {x, indices};
  if (!AllAre(size, 0)) inputs.push_back(layer.Ints(size));
  return layer.Node(std::move(inputs), std::move(attributes));
}

}  // namespace

AttributeMap PoolAttributesOf(Layer& layer, Value x, const PoolSpec& spec) {
  const size_t rank = spec.kernel.size();
  if (!layer.ExpectRank(x, static_cast<int>(rank) + 2, ImageForm(rank)) ||
      !ExpectAll(layer, "a kernel", spec.kernel, 1) ||
      !ExpectAll(layer, "a stride", spec.stride, 0) ||
      !ExpectAll(layer, "a dilation", spec.dilation, 1)) {
    return {};
  }
  const bool by_kernel = AllAre(spec.stride, 0);
  AttributeMap attributes = {{"kernel_shape", spec.kernel},
                             {"strides", by_kernel ? spec.kernel : spec.stride},
                             {"ceil_mode", spec.ceil_mode ? 1 : 0}};
  if (!spec.dilation.empty()) attributes.insert_or_assign("dilations", spec.dilation);
  if (!AddPadding(layer, spec, attributes)) return {};
  const absl::Status in_range = ReadWindowAttributes(attributes, spec.kernel).status();
  if (in_range.ok()) return attributes;
  layer.Fail(in_range);
  return {};
}

Value PoolLayers::MaxPool1d(Value x, const MaxPool1dOptions& o, Where where) {
  return Pool(builder(), "MaxPool", x, o, {}, where);
}
Value PoolLayers::MaxPool2d(Value x, const MaxPool2dOptions& o, Where where) {
  return Pool(builder(), "MaxPool", x, o, {}, where);
}
Value PoolLayers::MaxPool3d(Value x, const MaxPool3dOptions& o, Where where) {
  return Pool(builder(), "MaxPool", x, o, {}, where);
}

PooledMaxima PoolLayers::MaxPool1dWithIndices(Value x, const MaxPool1dOptions& o, Where where) {
  return MaximaAndIndices(builder(), x, o, where);
}
PooledMaxima PoolLayers::MaxPool2dWithIndices(Value x, const MaxPool2dOptions& o, Where where) {
  return MaximaAndIndices(builder(), x, o, where);
}
PooledMaxima PoolLayers::MaxPool3dWithIndices(Value x, const MaxPool3dOptions& o, Where where) {
  return MaximaAndIndices(builder(), x, o, where);
}

Value PoolLayers::MinPool1d(Value x, const MinPool1dOptions& o, Where where) {
  return Minima(builder(), x, o, where);
}
Value PoolLayers::MinPool2d(Value x, const MinPool2dOptions& o, Where where) {
  return Minima(builder(), x, o, where);
}
Value PoolLayers::MinPool3d(Value x, const MinPool3dOptions& o, Where where) {
  return Minima(builder(), x, o, where);
}

Value PoolLayers::AvgPool1d(Value x, const AvgPool1dOptions& o, Where where) {
  return Average(builder(), x, o, where);
}
Value PoolLayers::AvgPool2d(Value x, const AvgPool2dOptions& o, Where where) {
  return Average(builder(), x, o, where);
}
Value PoolLayers::AvgPool3d(Value x, const AvgPool3dOptions& o, Where where) {
  return Average(builder(), x, o, where);
}

Value PoolLayers::LpPool1d(Value x, const LpPool1dOptions& o, Where where) {
  return LpNorm(builder(), x, o, where);
}
Value PoolLayers::LpPool2d(Value x, const LpPool2dOptions& o, Where where) {
  return LpNorm(builder(), x, o, where);
}
Value PoolLayers::LpPool3d(Value x, const LpPool3dOptions& o, Where where) {
  return LpNorm(builder(), x, o, where);
}

Value PoolLayers::MedianPool2d(Value x, const MedianPool2dOptions& o, Where where) {
  return Pool(builder(), "MedianPool", x, o, {}, where);
}

Value PoolLayers::StochasticPool2d(Value x, const StochasticPool2dOptions& o, Where where) {
  return RandomPool(builder(), "StochasticPool", x, o, {}, where);
}

Value PoolLayers::TournamentPool2d(Value x, const TournamentPool2dOptions& o, Where where) {
  return RandomPool(builder(), "TournamentPool", x, o, {{"k", o.contestants}}, where);
}

Value PoolLayers::FractionalMaxPool2d(Value x, const FractionalMaxPool2dOptions& o, Where where) {
  Layer layer(builder(), "FractionalMaxPool", o.name, where);
  if (!layer.ExpectRank(x, 4, ImageForm(2))) return {};
  AttributeMap attributes = {{"overlapping", o.overlapping ? 1 : 0},
                             {"sequence", o.random ? "random" : "pseudorandom"},
                             {"stream", layer.Stream()}};
  if (o.ratio != 0) attributes.insert_or_assign("ratio", o.ratio);
  if (o.output_size != Extent2()) attributes.insert_or_assign("output_size", ListOf(o.output_size));
  return layer.Node({x}, std::move(attributes));
}

Value PoolLayers::AdaptiveAvgPool1d(Value x, const AdaptivePool1dOptions& o, Where where) {
  return Adaptive(builder(), "AdaptiveAveragePool", x, o, where);
}
Value PoolLayers::AdaptiveAvgPool2d(Value x, const AdaptivePool2dOptions& o, Where where) {
  return Adaptive(builder(), "AdaptiveAveragePool", x, o, where);
}
Value PoolLayers::AdaptiveAvgPool3d(Value x, const AdaptivePool3dOptions& o, Where where) {
  return Adaptive(builder(), "AdaptiveAveragePool", x, o, where);
}
Value PoolLayers::AdaptiveMaxPool1d(Value x, const AdaptivePool1dOptions& o, Where where) {
  return Adaptive(builder(), "AdaptiveMaxPool", x, o, where);
}
Value PoolLayers::AdaptiveMaxPool2d(Value x, const AdaptivePool2dOptions& o, Where where) {
  return Adaptive(builder(), "AdaptiveMaxPool", x, o, where);
}
Value PoolLayers::AdaptiveMaxPool3d(Value x, const AdaptivePool3dOptions& o, Where where) {
  return Adaptive(builder(), "AdaptiveMaxPool", x, o, where);
}

Value PoolLayers::MaxUnpool1d(Value x, Value indices, const MaxUnpool1dOptions& o, Where where) {
  return Unpool(builder(), x, indices, o, where);
}
Value PoolLayers::MaxUnpool2d(Value x, Value indices, const MaxUnpool2dOptions& o, Where where) {
  return Unpool(builder(), x, indices, o, where);
}
Value PoolLayers::MaxUnpool3d(Value x, Value indices, const MaxUnpool3dOptions& o, Where where) {
  return Unpool(builder(), x, indices, o, where);
}

}  // namespace weft
