#include "frontend/build/layers/conv_spec.h"

#include <algorithm>
#include <utility>

namespace weft {
namespace {

constexpr std::pair<std::string_view, std::string_view> kPadModes[] = {{"replicate", "edge"},
                                                                       {"reflect", "reflect"},
                                                                       {"symmetric", "symmetric"},
                                                                       {"circular", "wrap"}};

bool AllZero(const Dims& values) {
  return std::all_of(values.begin(), values.end(), [](int64_t v) { return v == 0; });
}

// The mode of op Pad; "" where Conv itself pads; nullopt for no mode at all.
std::optional<std::string_view> PadMode(const std::string& mode) {
  if (mode == "zeros" || mode == "crop") return "";
  for (const auto& [name, op_mode] : kPadModes) {
    if (name == mode) return op_mode;
  }
  return std::nullopt;
}

bool CheckAxes(Layer& layer, std::string_view what, const Dims& values, int64_t least) {
  for (int64_t value : values) {
    if (!layer.ExpectAtLeast(what, value, least)) return false;
    // Products of a few of them then fit 64 bits.
    if (value > (int64_t{1} << 31)) {
      layer.Invalid("expected ", std::string(what), " of at most 2^31, got ", value);
      return false;
    }
  }
  return true;
}

// Begin and end of one axis, by the padding's name.
std::optional<std::pair<int64_t, int64_t>> NamedPads(Layer& layer, Value x, const ConvSpec& spec,
                                                     size_t axis) {
  const std::string& mode = spec.padding.mode;
  const int64_t reach = spec.span(axis) - 1;
  if (mode == "valid") return std::pair<int64_t, int64_t>(0, 0);
  if (mode == "full") return std::pair(reach, reach);
  if (mode != "same") {
    layer.Invalid("expected padding \"valid\", \"same\", \"full\" or numbers, got \"", mode, "\"");
    return std::nullopt;
  }
  int64_t total = reach;
  if (const int64_t stride = spec.stride[axis]; stride > 1) {
    const Dim& extent = x.type().dim(static_cast<int>(axis) + 2);
    if (!extent.is_static()) {
      layer.Invalid("expected a known extent for padding \"same\" with a stride, the input is ",
                    ToString(x.type()));
      return std::nullopt;
    }
    const int64_t last = (extent.coefficient() + stride - 1) / stride - 1;
    total = std::max<int64_t>(last * stride + spec.span(axis) - extent.coefficient(), 0);
  }
  return std::pair(total / 2, total - total / 2);
}

int64_t Taps(const ConvSpec& spec) {
  int64_t taps = 1;
  for (int64_t k : spec.kernel) taps *= k;
  return taps;
}

// The number of taps of output `o` on one axis that lie in the input.
int64_t TapsInside(const ConvSpec& spec, size_t axis, int64_t pad, int64_t input, int64_t o) {
  int64_t inside = 0;
  for (int64_t k = 0; k < spec.kernel[axis]; ++k) {
    const int64_t at = o * spec.stride[axis] + k * spec.dilation[axis] - pad;
    inside += at >= 0 && at < input;
  }
  return inside;
}

// taps / taps inside for every position of an output [1,1,extents...]: a product over the axes. A
// window with no tap inside sums to 0; its factor is finite.
absl::StatusOr<Tensor> KnownFactor(const ConvSpec& spec, const Dims& pads, const Dims& input,
                                   const Dims& output, DType dtype) {
  Dims dims = {1, 1};
  dims.insert(dims.end(), output.begin(), output.end());
  WEFT_ASSIGN_OR_RETURN(Tensor factor, Tensor::Zeros(DType::kF64, dims));
  const std::span<double> values = factor.mutable_values<double>();
  std::fill(values.begin(), values.end(), 1.0);
  size_t step = values.size();
  for (size_t a = 0; a < spec.rank(); ++a) {
    const size_t extent = static_cast<size_t>(output[a]);
    step /= extent;
    for (size_t i = 0; i < values.size(); ++i) {
      const auto o = static_cast<int64_t>(i / step % extent);
      const int64_t inside = TapsInside(spec, a, pads[a], input[a], o);
      values[i] *=
          static_cast<double>(spec.kernel[a]) / static_cast<double>(std::max<int64_t>(inside, 1));
    }
  }
  return factor.Converted(dtype);
}

// The same where the extents are not known: by a convolution of ones over all input channels.
Value ComputedFactor(Layer& layer, Value x, const ConvSpec& spec, const Dims& pads) {
  const DType dtype = x.type().dtype;
  Dims axes, dims = {1, x.type().dim(1).coefficient()};
  for (int i = 0; i < x.type().rank(); ++i) axes.push_back(i);
  dims.insert(dims.end(), spec.kernel.begin(), spec.kernel.end());
  auto ones = Initializer::Constant(1).Make(dtype, dims, {}, 0, "");
  if (!ones.ok()) return layer.Fail(ones.status());
  ConvSpec one = spec;
  one.groups = 1;
  const Value image =
      layer.Part("ExpandLike", {layer.Scalar(1, dtype), x}, {{"axes", std::move(axes)}});
  const Value inside = layer.Part("Conv", {image, layer.Constant("ones", *std::move(ones))},
                                  ConvAttributesOf(one, pads));
  const double all = static_cast<double>(Taps(spec)) * static_cast<double>(dims[1]);
  return layer.Part(
      "Div", {layer.Scalar(all, dtype), layer.Part("Max", {inside, layer.Scalar(1, dtype)})});
}

Value CropFactor(Layer& layer, Value x, Value y, const ConvSpec& spec, const Dims& pads) {
  const auto spatial = [](Value v) {
    const Shape& shape = v.type().shape;
    return StaticDims(Shape(shape.begin() + 2, shape.end()));
  };
  const auto input = spatial(x), output = spatial(y);
  if (!input.ok() || !output.ok()) return ComputedFactor(layer, x, spec, pads);
  auto factor = KnownFactor(spec, pads, *input, *output, x.type().dtype);
  if (!factor.ok()) return layer.Fail(factor.status());
  return layer.Constant("crop_scale", *std::move(factor));
}

}  // namespace

std::string_view ImageForm(size_t rank) {
  return rank == 1 ? "[N,C,L]" : rank == 2 ? "[N,C,H,W]" : "[N,C,D,H,W]";
}

bool CheckConv(Layer& layer, Value x, const ConvSpec& spec) {
  return layer.ExpectRank(x, static_cast<int>(spec.rank()) + 2, ImageForm(spec.rank())) &&
         CheckAxes(layer, "channels", {spec.channels}, 1) &&
         CheckAxes(layer, "a kernel", spec.kernel, 1) &&
         CheckAxes(layer, "a stride", spec.stride, 1) &&
         CheckAxes(layer, "a padding", spec.padding.values, 0) &&
         CheckAxes(layer, "a dilation", spec.dilation, 1) &&
         layer.ExpectAtLeast("groups", spec.groups, 1);
}

std::optional<Dims> ResolvePads(Layer& layer, Value x, const ConvSpec& spec) {
  if (!layer.ok()) return std::nullopt;
  const size_t rank = spec.rank();
  Dims begins, ends;
  if (!spec.padding.mode.empty()) {
    for (size_t a = 0; a < rank; ++a) {
      const auto pads = NamedPads(layer, x, spec, a);
      if (!pads) return std::nullopt;
      begins.push_back(pads->first);
      ends.push_back(pads->second);
    }
  } else if (const Dims& given = spec.padding.values; given.size() == 1) {
    begins = ends = Dims(rank, given[0]);
  } else if (given.size() == rank || given.size() == 2 * rank) {
    begins = {given.begin(), given.begin() + static_cast<std::ptrdiff_t>(rank)};
    ends = {given.end() - static_cast<std::ptrdiff_t>(rank), given.end()};
  } else {
    layer.Invalid("expected a padding of 1, ", rank, " or ", 2 * rank, " numbers, got ",
                  ToString(given));
    return std::nullopt;
  }
  begins.insert(begins.end(), ends.begin(), ends.end());
  return begins;
}

AttributeMap ConvAttributesOf(const ConvSpec& spec, Dims pads) {
  return {{"kernel_shape", spec.kernel},
          {"strides", spec.stride},
          {"pads", std::move(pads)},
          {"dilations", spec.dilation},
          {"group", spec.groups}};
}

Value PadSpatial(Layer& layer, Value x, const Dims& pads, std::string_view mode) {
  if (!layer.ok() || AllZero(pads)) return x;
  const auto middle = pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2);
  Dims all = {0, 0};
  all.insert(all.end(), pads.begin(), middle);
  all.insert(all.end(), {0, 0});
  all.insert(all.end(), middle, pads.end());
  return layer.Part("Pad", {x, layer.Ints(std::move(all))}, {{"mode", std::string(mode)}});
}

Value PerChannel(Layer& layer, Value b, size_t spatial_rank) {
  if (!layer.ok()) return {};
  Dims shape(spatial_rank + 1, 1);
  shape[0] = -1;
  return layer.Part("Reshape", {b, layer.Ints(std::move(shape))});
}

Value AddConv(Layer& layer, Value x, const ConvSpec& spec) {
  if (!CheckConv(layer, x, spec)) return {};
  const std::optional<std::string_view> mode = PadMode(spec.padding_mode);
  if (!mode) {
    return layer.Invalid(
        "expected padding_mode zeros, replicate, reflect, symmetric, circular or "
        "crop, got \"",
        spec.padding_mode, "\"");
  }
  const int64_t channels = layer.KnownExtent(x, 1, "channels");
  if (channels % spec.groups != 0 || spec.channels % spec.groups != 0) {
    return layer.Invalid("expected channels that ", spec.groups, " groups divide, got ", channels,
                         " input and ", spec.channels, " output channels");
  }
  std::optional<Dims> pads = ResolvePads(layer, x, spec);
  if (!pads) return {};
  if (!mode->empty()) {
    x = PadSpatial(layer, x, *pads, *mode);
    pads->assign(pads->size(), 0);
  }
  Dims dims = {spec.channels, channels / spec.groups};
  dims.insert(dims.end(), spec.kernel.begin(), spec.kernel.end());
  const auto [weight, bias] = layer.WeightAndBias(dims, spec.init, spec.bias);
  if (spec.padding_mode != "crop" || AllZero(*pads)) {
    std::vector<Value> inputs = {x, weight};
    if (spec.bias) inputs.push_back(bias);
    return layer.Node(std::move(inputs), ConvAttributesOf(spec, *pads));
  }
  const Value y = layer.Part("Conv", {x, weight}, ConvAttributesOf(spec, *pads));
  if (!layer.ok()) return {};
  const Value factor = CropFactor(layer, x, y, spec, *pads);
  if (!spec.bias) return layer.Result("Mul", {y, factor});
  return layer.Result("Add",
                      {layer.Part("Mul", {y, factor}), PerChannel(layer, bias, spec.rank())});
}

}  // namespace weft
