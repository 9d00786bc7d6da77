#include "ops/window.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <optional>
#include <string>

namespace weft {
namespace {

// Keeps every sum and product below inside 64 bits.
constexpr int64_t kMaxWindowValue = std::numeric_limits<int32_t>::max();

struct WindowSpec : WindowAttributes {
  bool pooling = false;

  size_t rank() const { return kernel.size(); }
  int64_t span(size_t axis) const { return (kernel[axis] - 1) * dilations[axis] + 1; }
  bool same() const { return auto_pad == AutoPad::kSameUpper || auto_pad == AutoPad::kSameLower; }
};

// Where a window lies on one axis.
struct Placement {
  int64_t pad_begin = 0;
  int64_t pad_end = 0;
  int64_t output = 0;
};

int64_t CeilDivide(int64_t a, int64_t b) { return a / b + (a % b > 0 ? 1 : 0); }

// Arguments are absl's here, so that messages read as one line.
template <typename... Args>
absl::Status Invalid(const Args&... args) {
  return absl::InvalidArgumentError(absl::StrCat(args...));
}

absl::Status CheckRange(absl::string_view name, const Dims& values, int64_t minimum) {
  for (int64_t value : values) {
    if (value < minimum) {
      return Invalid("expected ", name, " of at least ", minimum, ", got ", ToString(values));
    }
    if (value > kMaxWindowValue) {
      return Invalid("expected ", name, " of at most ", kMaxWindowValue, ", got ",
                     ToString(values));
    }
  }
  return absl::OkStatus();
}

// The ints of an attribute, `fallback` everywhere when it is absent.
absl::StatusOr<Dims> ReadInts(const AttributeMap& attributes, absl::string_view name, size_t length,
                              int64_t fallback) {
  Dims values = GetInts(attributes, {name.data(), name.size()});
  if (values.empty()) values.assign(length, fallback);
  if (values.size() != length) {
    return Invalid("expected ", length, " ", name, ", got ", ToString(values));
  }
  WEFT_RETURN_IF_ERROR(CheckRange(name, values, fallback));
  return values;
}

absl::StatusOr<AutoPad> ReadAutoPad(const AttributeMap& attributes) {
  const std::string text = GetString(attributes, "auto_pad", "NOTSET");
  if (text == "NOTSET") return AutoPad::kNotSet;
  if (text == "SAME_UPPER") return AutoPad::kSameUpper;
  if (text == "SAME_LOWER") return AutoPad::kSameLower;
  if (text == "VALID") return AutoPad::kValid;
  return Invalid("expected auto_pad NOTSET, SAME_UPPER, SAME_LOWER or VALID, got \"", text, "\"");
}

absl::StatusOr<WindowSpec> ReadSpec(const AttributeMap& attributes, Dims kernel) {
  WEFT_ASSIGN_OR_RETURN(WindowAttributes read, ReadWindowAttributes(attributes, std::move(kernel)));
  return WindowSpec{std::move(read)};
}

// Whether each window has a tap in the input. Undilated ones do, since pads are below the span; a
// dilated one may step over an input shorter than the dilation. Errors: too many to look at.
absl::StatusOr<bool> EveryWindowReads(const WindowSpec& spec, size_t axis, int64_t input,
                                      const Placement& place) {
  constexpr int64_t kMostWindows = int64_t{1} << 20;
  const int64_t dilation = spec.dilations[axis], stride = spec.strides[axis];
  if (input >= dilation) return true;
  // Where windows lie between multiples of the dilation repeats itself; those that begin in the
  // input read it.
  const int64_t period = dilation / std::gcd(dilation, stride);
  const int64_t windows = std::min({place.output, period, CeilDivide(place.pad_begin, stride)});
  if (windows > kMostWindows) {
    return Invalid("expected at most ", kMostWindows, " windows that begin in the pads of spatial ",
                   "axis ", axis, " where its extent, ", input, ", is below the dilation, ",
                   dilation, ", got ", windows);
  }
  for (int64_t o = 0; o < windows; ++o) {
    const int64_t start = o * stride - place.pad_begin;
    const int64_t tap = CeilDivide(-start, dilation);
    if (tap >= spec.kernel[axis] || start + tap * dilation >= input) return false;
  }
  return true;
}

absl::Status CheckPooling(const WindowSpec& spec, size_t axis, int64_t input,
                          const Placement& place) {
  if (input < 1)
    return Invalid("expected elements on spatial axis ", axis, " of the input, got none");
  if (place.pad_begin >= spec.span(axis) || place.pad_end >= spec.span(axis)) {
    return Invalid("expected pads below the kernel's span of ", spec.span(axis),
                   " on spatial axis ", axis, ", got ", ToString(spec.pads));
  }
  WEFT_ASSIGN_OR_RETURN(const bool reads, EveryWindowReads(spec, axis, input, place));
  if (!reads) {
    return Invalid("expected every window on spatial axis ", axis,
                   " to read some of the input, got one that reads padding only: extent ", input,
                   ", dilation ", spec.dilations[axis], ", pads ", place.pad_begin, " and ",
                   place.pad_end);
  }
  return absl::OkStatus();
}

absl::StatusOr<Placement> Place(const WindowSpec& spec, size_t axis, int64_t input) {
  Placement place;
  const int64_t stride = spec.strides[axis];
  const int64_t span = spec.span(axis);
  if (spec.same()) {
    place.output = CeilDivide(input, stride);
    const int64_t total = std::max<int64_t>((place.output - 1) * stride + span - input, 0);
    const int64_t less = total / 2;
    place.pad_begin = spec.auto_pad == AutoPad::kSameUpper ? less : total - less;
    place.pad_end = total - place.pad_begin;
  } else {
    place.pad_begin = spec.pads[axis];
    place.pad_end = spec.pads[spec.rank() + axis];
    const int64_t room = input + place.pad_begin + place.pad_end - span;
    // In ceil_mode one window may reach beyond the input's end.
    if (room < 0 && (!spec.ceil_mode || room <= -stride)) {
      return Invalid("expected a kernel that fits on spatial axis ", axis, ", got one that spans ",
                     span, ", the input ", input, " with pads ", place.pad_begin, " and ",
                     place.pad_end);
    }
    place.output = (spec.ceil_mode ? CeilDivide(room, stride) : room / stride) + 1;
    if (spec.ceil_mode && (place.output - 1) * stride >= input + place.pad_begin) --place.output;
  }
  if (place.output < 1) return Invalid("expected outputs on spatial axis ", axis, ", got none");
  if (spec.pooling) WEFT_RETURN_IF_ERROR(CheckPooling(spec, axis, input, place));
  return place;
}

// t such that the output is floor((input + t) / stride); nullopt where ceil_mode may drop a window.
std::optional<int64_t> Shift(const WindowSpec& spec, size_t axis) {
  const int64_t stride = spec.strides[axis];
  if (spec.same()) return stride - 1;
  const int64_t pad_end = spec.pads[spec.rank() + axis];
  const int64_t shift = spec.pads[axis] + pad_end - spec.span(axis) + stride;
  if (!spec.ceil_mode) return shift;
  if (pad_end + stride > spec.span(axis)) return std::nullopt;
  return shift + stride - 1;
}

Dim SymbolicOutput(const WindowSpec& spec, size_t axis, const Dim& input) {
  const int64_t stride = spec.strides[axis];
  const std::optional<int64_t> shift = Shift(spec, axis);
  std::string formula = input.ToString();
  if (!shift.has_value()) {
    return InferContext::DerivedDim(absl::StrCat("ceil_mode(", formula, ",span=", spec.span(axis),
                                                 ",stride=", stride, ",pads=", spec.pads[axis], ",",
                                                 spec.pads[spec.rank() + axis], ")"));
  }
  if (*shift >= 0 && *shift < stride) {
    if (std::optional<Dim> exact = Dim::DivideExactly(input, stride)) return *exact;
  }
  if (*shift != 0) absl::StrAppend(&formula, *shift > 0 ? "+" : "", *shift);
  if (stride != 1) formula = absl::StrCat("floor((", formula, ")/", stride, ")");
  return InferContext::DerivedDim(formula);
}

absl::StatusOr<Shape> InferShape(const WindowSpec& spec, const Dim& channels, const Shape& x) {
  Shape shape = {x[0], channels};
  for (size_t axis = 0; axis < spec.rank(); ++axis) {
    const Dim& input = x[axis + 2];
    if (!input.is_static()) {
      shape.push_back(SymbolicOutput(spec, axis, input));
      continue;
    }
    WEFT_ASSIGN_OR_RETURN(const Placement place, Place(spec, axis, input.coefficient()));
    shape.push_back(place.output);
  }
  WEFT_RETURN_IF_ERROR(CountElements(shape).status());
  return shape;
}

absl::Status FillWindow(const WindowSpec& spec, std::span<const int64_t> x, Window& window) {
  window.kernel = spec.kernel;
  window.strides = spec.strides;
  window.dilations = spec.dilations;
  for (size_t axis = 0; axis < spec.rank(); ++axis) {
    WEFT_ASSIGN_OR_RETURN(const Placement place, Place(spec, axis, x[axis + 2]));
    window.input.push_back(x[axis + 2]);
    window.pads_begin.push_back(place.pad_begin);
    window.pads_end.push_back(place.pad_end);
    window.output.push_back(place.output);
  }
  return absl::OkStatus();
}

absl::Status CheckSpatialInput(const Shape& x) {
  if (x.size() >= 3) return absl::OkStatus();
  return Invalid("expected an input [N,C,spatial axes...], got ", ToString(x));
}

absl::Status CheckChannels(const Shape& x, const Shape& w, int64_t group) {
  if (group < 1 || group > kMaxWindowValue)
    return Invalid("expected a group of 1 to ", kMaxWindowValue, ", got ", group);
  if (w[0].is_static() && w[0].coefficient() % group != 0) {
    return Invalid("expected output channels that group ", group, " divides, weights are ",
                   ToString(w));
  }
  const std::optional<Dim> channels = Dim::Multiply(w[1], group);
  if (!channels.has_value()) return Invalid("expected smaller weights, got ", ToString(w));
  if (x[1].is_static() && channels->is_static() && x[1] != *channels) {
    return Invalid("expected ", x[1].ToString(), " input channels",
                   group > 1 ? absl::StrCat(" in ", group, " groups") : "", ", weights are ",
                   ToString(w));
  }
  return absl::OkStatus();
}

absl::StatusOr<WindowSpec> ReadConvSpec(const AttributeMap& attributes, const Shape& x,
                                        const Shape& w) {
  WEFT_RETURN_IF_ERROR(CheckSpatialInput(x));
  if (w.size() != x.size()) {
    return Invalid("expected weights of ", x.size(), " axes for the input ", ToString(x), ", got ",
                   ToString(w));
  }
  WEFT_RETURN_IF_ERROR(CheckChannels(x, w, GetInt(attributes, "group", 1)));
  const Shape spatial(w.begin() + 2, w.end());
  absl::StatusOr<Dims> kernel = StaticDims(spatial);
  if (!kernel.ok()) return Invalid("expected weights of a known kernel size, got ", ToString(w));
  const Dims given = GetInts(attributes, "kernel_shape");
  if (!given.empty() && given != *kernel) {
    return Invalid("expected weights of kernel_shape ", ToString(given), ", got ", ToString(w));
  }
  return ReadSpec(attributes, *std::move(kernel));
}

absl::StatusOr<WindowSpec> ReadPoolSpec(const AttributeMap& attributes, const Shape& x) {
  WEFT_RETURN_IF_ERROR(CheckSpatialInput(x));
  Dims kernel = GetInts(attributes, "kernel_shape");
  if (kernel.size() != x.size() - 2) {
    return Invalid("expected ", x.size() - 2, " kernel_shape for the input ", ToString(x), ", got ",
                   ToString(kernel));
  }
  WEFT_ASSIGN_OR_RETURN(WindowSpec spec, ReadSpec(attributes, std::move(kernel)));
  spec.pooling = true;
  return spec;
}

Dims PrependChannels(int64_t batch, int64_t channels, const Dims& spatial) {
  Dims dims = {batch, channels};
  dims.insert(dims.end(), spatial.begin(), spatial.end());
  return dims;
}

}  // namespace

int64_t Window::Product(const Dims& dims) {
  int64_t product = 1;
  for (int64_t d : dims) product *= d;
  return product;
}

int64_t Window::span(int axis) const {
  const size_t a = static_cast<size_t>(axis);
  return (kernel[a] - 1) * dilations[a] + 1;
}

absl::StatusOr<WindowAttributes> ReadWindowAttributes(const AttributeMap& attributes, Dims kernel) {
  WindowAttributes spec;
  const size_t rank = kernel.size();
  spec.kernel = std::move(kernel);
  WEFT_RETURN_IF_ERROR(CheckRange("kernel_shape", spec.kernel, 1));
  WEFT_RETURN_IF_ERROR(CountElements(spec.kernel).status());
  WEFT_ASSIGN_OR_RETURN(spec.strides, ReadInts(attributes, "strides", rank, 1));
  WEFT_ASSIGN_OR_RETURN(spec.dilations, ReadInts(attributes, "dilations", rank, 1));
  WEFT_ASSIGN_OR_RETURN(spec.pads, ReadInts(attributes, "pads", 2 * rank, 0));
  WEFT_ASSIGN_OR_RETURN(spec.auto_pad, ReadAutoPad(attributes));
  const bool padded =
      std::any_of(spec.pads.begin(), spec.pads.end(), [](auto p) { return p != 0; });
  if (spec.auto_pad != AutoPad::kNotSet && padded) {
    return Invalid("expected no pads beside auto_pad ", GetString(attributes, "auto_pad"), ", got ",
                   ToString(spec.pads));
  }
  spec.ceil_mode = GetInt(attributes, "ceil_mode") != 0;
  return spec;
}

absl::StatusOr<Dims> ReadWindowInts(const AttributeMap& attributes, std::string_view name,
                                    size_t length, int64_t fallback) {
  return ReadInts(attributes, {name.data(), name.size()}, length, fallback);
}

Dims ConvWindow::output_dims() const { return PrependChannels(batch, out_channels, output); }
Dims PoolWindow::output_dims() const { return PrependChannels(batch, channels, output); }

absl::StatusOr<ConvWindow> ReadConvWindow(const AttributeMap& attributes,
                                          std::span<const int64_t> x, std::span<const int64_t> w) {
  WEFT_ASSIGN_OR_RETURN(const WindowSpec spec, ReadConvSpec(attributes, ToShape(x), ToShape(w)));
  ConvWindow window;
  WEFT_RETURN_IF_ERROR(FillWindow(spec, x, window));
  window.batch = x[0];
  window.in_channels = x[1];
  window.out_channels = w[0];
  window.group = GetInt(attributes, "group", 1);
  return window;
}

absl::StatusOr<PoolWindow> ReadPoolWindow(const AttributeMap& attributes,
                                          std::span<const int64_t> x) {
  WEFT_ASSIGN_OR_RETURN(const WindowSpec spec, ReadPoolSpec(attributes, ToShape(x)));
  PoolWindow window;
  WEFT_RETURN_IF_ERROR(FillWindow(spec, x, window));
  window.batch = x[0];
  window.channels = x[1];
  window.ceil_mode = spec.ceil_mode;
  window.count_include_pad = GetInt(attributes, "count_include_pad") != 0;
  return window;
}

absl::StatusOr<Shape> InferConvShape(const AttributeMap& attributes, const Shape& x,
                                     const Shape& w) {
  WEFT_ASSIGN_OR_RETURN(const WindowSpec spec, ReadConvSpec(attributes, x, w));
  return InferShape(spec, w[0], x);
}

absl::StatusOr<Shape> InferPoolShape(const AttributeMap& attributes, const Shape& x) {
  WEFT_ASSIGN_OR_RETURN(const WindowSpec spec, ReadPoolSpec(attributes, x));
  return InferShape(spec, x[1], x);
}

std::vector<int64_t> AllButChannelAxis(int rank) {
  std::vector<int64_t> axes = {0};
  for (int64_t axis = 2; axis < rank; ++axis) axes.push_back(axis);
  return axes;
}

absl::Status CheckShape(std::string_view name, const Shape& expected, const Shape& actual) {
  bool differs = expected.size() != actual.size();
  for (size_t i = 0; !differs && i < expected.size(); ++i) {
    differs = expected[i].is_static() && actual[i].is_static() && expected[i] != actual[i];
  }
  if (!differs) return absl::OkStatus();
  return Invalid("expected ", std::string(name), " ", ToString(expected), ", got ",
                 ToString(actual));
}

}  // namespace weft
