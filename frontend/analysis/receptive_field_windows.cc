#include <algorithm>
#include <cmath>
#include <optional>

#include "frontend/analysis/receptive_field_shapes.h"
#include "ops/conv_transpose.h"
#include "ops/window.h"

// The rules of what slides over an image.

namespace weft {
namespace {

// The transpose: unit o of the result sees units from (o + pad - (span-1)) / stride to
// (o + pad) / stride, as far as these are whole numbers.
absl::Status SlideBack(Trace& trace, size_t axis, double span, double stride, double pad) {
  return Slide(trace, axis, (span - 1) / stride + 1, 1 / stride, (span - 1 - pad) / stride);
}

// Padding before the first window, which for auto_pad may depend on the extent.
absl::StatusOr<int64_t> PadBegin(const WindowAttributes& w, size_t axis, const Dim& extent) {
  if (w.auto_pad != AutoPad::kSameUpper && w.auto_pad != AutoPad::kSameLower) return w.pads[axis];
  const int64_t span = (w.kernel[axis] - 1) * w.dilations[axis] + 1, stride = w.strides[axis];
  int64_t total = span - 1;
  if (stride > 1) {
    if (!extent.is_static()) return Unknown("auto_pad on the unknown extent ", extent.ToString());
    const int64_t in = extent.coefficient(), out = (in + stride - 1) / stride;
    total = std::max<int64_t>((out - 1) * stride + span - in, 0);
  }
  return w.auto_pad == AutoPad::kSameUpper ? total / 2 : total - total / 2;
}

absl::StatusOr<Trace> SlideWindow(Trace trace, const Shape& x, const AttributeMap& attributes,
                                  Dims kernel) {
  WEFT_ASSIGN_OR_RETURN(const WindowAttributes w,
                        ReadWindowAttributes(attributes, std::move(kernel)));
  for (size_t a = 0; a < w.kernel.size(); ++a) {
    WEFT_ASSIGN_OR_RETURN(const int64_t pad, PadBegin(w, a, x[a + 2]));
    const double span = static_cast<double>(w.kernel[a] - 1) * static_cast<double>(w.dilations[a]);
    WEFT_RETURN_IF_ERROR(
        Slide(trace, a + 2, span + 1, static_cast<double>(w.strides[a]), static_cast<double>(pad)));
  }
  return trace;
}

absl::StatusOr<Dims> KernelOf(const Shape& weights) {
  return StaticDims(Shape(weights.begin() + 2, weights.end()));
}

// What of the elements around `x` a resized element reads.
struct Reach {
  double before = 0, after = 0;
};

Reach ReachOf(const std::string& mode, const std::string& nearest, double x) {
  const double below = std::floor(x + 1e-9), ratio = std::max(x - below, 0.0);
  if (ratio < 1e-9) return {};
  if (mode == "linear") return {ratio, 1 - ratio};
  if (mode == "cubic") return {1 + ratio, 2 - ratio};
  const bool up = nearest == "ceil" || (nearest != "floor" && ratio > 0.5 + 1e-9) ||
                  (nearest == "round_prefer_ceil" && ratio > 0.5 - 1e-9);
  return up ? Reach{ratio - 1, 1 - ratio} : Reach{ratio, -ratio};
}

// Element o of a resized axis lies at begin + step * o.
struct Placement {
  double begin = 0, step = 1;
};

absl::StatusOr<Placement> PlaceOf(const std::string& transformation, const Dim& input,
                                  const Dim& output, double scale) {
  if (transformation == "align_corners") {
    if (!input.is_static() || !output.is_static()) return Unknown("extents are not known");
    const auto in = static_cast<double>(input.coefficient() - 1);
    const auto out = static_cast<double>(output.coefficient() - 1);
    return Placement{0, out > 0 ? in / out : 0};
  }
  if (transformation == "asymmetric") return Placement{0, 1 / scale};
  if (transformation == "half_pixel" || transformation == "pytorch_half_pixel") {
    return Placement{0.5 / scale - 0.5, 1 / scale};
  }
  return Unknown("coordinates ", transformation);
}

// Output over input: of the extents where these are known.
absl::StatusOr<double> ScaleOf(const FieldContext& c, size_t axis) {
  const Dim &in = c.node.input(0).type().dim(static_cast<int>(axis)),
            &out = c.node.type().dim(static_cast<int>(axis));
  const Tensor* scales = c.node.input(2).null() ? nullptr : ConstantValue(c.node.input(2));
  const bool all = GetInts(c.node.attributes(), "axes").empty();
  if (scales != nullptr && all && scales->size() == c.node.input(0).type().rank()) {
    return scales->At(static_cast<int64_t>(axis));
  }
  if (in.is_static() && out.is_static() && in.coefficient() > 0 && out.coefficient() > 0) {
    return static_cast<double>(out.coefficient()) / static_cast<double>(in.coefficient());
  }
  return Unknown("the scale of axis ", axis);
}

// Reads of an axis repeat with the period of its scale, which the first elements show.
absl::Status ResizeAxis(const FieldContext& c, size_t axis, TracedAxis& traced) {
  constexpr int64_t kElements = 4096;
  const AttributeMap& attributes = c.node.attributes();
  const Dim& in = c.node.input(0).type().dim(static_cast<int>(axis));
  const Dim& out = c.node.type().dim(static_cast<int>(axis));
  WEFT_ASSIGN_OR_RETURN(const double scale, ScaleOf(c, axis));
  if (scale == 1 && in == out) return absl::OkStatus();
  if (!traced.field.placed) return Unknown("resizing along axis ", axis);
  WEFT_ASSIGN_OR_RETURN(
      const Placement place,
      PlaceOf(GetString(attributes, "coordinate_transformation_mode"), in, out, scale));
  const std::string mode = GetString(attributes, "mode");
  const std::string nearest = GetString(attributes, "nearest_mode");
  Reach most{-1, -1};
  const int64_t elements = out.is_static() ? std::min(out.coefficient(), kElements) : kElements;
  for (int64_t o = 0; o < elements; ++o) {
    const Reach reach = ReachOf(mode, nearest, place.begin + place.step * static_cast<double>(o));
    most = {std::max(most.before, reach.before), std::max(most.after, reach.after)};
  }
  FieldAxis& f = traced.field;
  f.start += (place.begin - most.before) * f.stride;
  f.size += (most.before + most.after) * f.stride;
  f.stride *= place.step;
  return absl::OkStatus();
}

}  // namespace

// Units of `axis` become windows of `span` units, `stride` apart; the first begins `pad` before.
absl::Status Slide(Trace& trace, size_t axis, double span, double stride, double pad) {
  for (TracedAxis& traced : trace) {
    if (!traced.along[axis] || (span == 1 && stride == 1 && pad == 0)) continue;
    if (!traced.field.placed) {
      return Unknown("windows over axis ", axis, ", along which fields are not placed");
    }
    FieldAxis& f = traced.field;
    f.start -= pad * f.stride;
    f.size += (span - 1) * f.stride;
    f.stride *= stride;
  }
  return absl::OkStatus();
}

absl::StatusOr<Trace> ConvFields(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Dims kernel, KernelOf(ShapeOf(c, 1)));
  WEFT_ASSIGN_OR_RETURN(Trace x, OnlyOf(c));
  See(x, AxisSet().set(1));
  return SlideWindow(std::move(x), ShapeOf(c), c.node.attributes(), kernel);
}

absl::StatusOr<Trace> PoolFields(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c));
  return SlideWindow(std::move(trace), ShapeOf(c), c.node.attributes(),
                     GetInts(c.node.attributes(), "kernel_shape"));
}

// Regions are equal windows where the output's extent divides the input's.
absl::StatusOr<Trace> AdaptivePoolFields(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c));
  const Shape &x = ShapeOf(c), &y = c.node.type().shape;
  for (size_t axis = 2; axis < x.size(); ++axis) {
    if (y[axis] == Dim(1)) {
      See(trace, AxisSet().set(axis));
      continue;
    }
    const std::optional<Dim> step = Dim::DivideExactly(x[axis], y[axis]);
    if (!step || !step->is_static()) {
      return Unknown("regions of several sizes: ", x[axis].ToString(), " to ", y[axis].ToString());
    }
    const auto extent = static_cast<double>(step->coefficient());
    WEFT_RETURN_IF_ERROR(Slide(trace, axis, extent, extent, 0));
  }
  return trace;
}

// Each element comes from the window that it was the maximum of; indices see what the values see.
absl::StatusOr<Trace> UnpoolFields(const FieldContext& c) {
  if (!c.inputs[0]) return Unknown("expected that input 0 depends on the network's input");
  Trace trace = *c.inputs[0];
  WEFT_ASSIGN_OR_RETURN(
      const WindowAttributes w,
      ReadWindowAttributes(c.node.attributes(), GetInts(c.node.attributes(), "kernel_shape")));
  for (size_t a = 0; a < w.kernel.size(); ++a) {
    WEFT_RETURN_IF_ERROR(SlideBack(trace, a + 2, static_cast<double>(w.kernel[a]),
                                   static_cast<double>(w.strides[a]),
                                   static_cast<double>(w.pads[a])));
  }
  return trace;
}

absl::StatusOr<Trace> ConvTransposeFields(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c));
  See(trace, AxisSet().set(1));
  WEFT_ASSIGN_OR_RETURN(const TransposedConv transposed,
                        ReadConvTranspose(c.node.attributes(), ShapeOf(c), ShapeOf(c, 1)));
  WEFT_ASSIGN_OR_RETURN(const Dims kernel, KernelOf(ShapeOf(c, 1)));
  WEFT_ASSIGN_OR_RETURN(const WindowAttributes w, ReadWindowAttributes(transposed.conv, kernel));
  for (size_t a = 0; a < kernel.size(); ++a) {
    const double span = static_cast<double>(kernel[a] - 1) * static_cast<double>(w.dilations[a]);
    WEFT_RETURN_IF_ERROR(SlideBack(trace, a + 2, span + 1, static_cast<double>(w.strides[a]),
                                   static_cast<double>(w.pads[a])));
  }
  return trace;
}

// DepthToSpace, SpaceToDepth: blocks of the image.
absl::StatusOr<Trace> BlockFields(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c));
  const auto block = static_cast<double>(GetInt(c.node.attributes(), "blocksize", 1));
  const bool back = c.node.op_name() == "DepthToSpace";
  for (size_t axis : {size_t{2}, size_t{3}}) {
    WEFT_RETURN_IF_ERROR(back ? SlideBack(trace, axis, block, block, 0)
                              : Slide(trace, axis, block, block, 0));
  }
  return trace;
}

absl::StatusOr<Trace> ResizeFields(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c));
  for (TracedAxis& traced : trace) {
    for (size_t axis = 0; axis < kMaxRank; ++axis) {
      if (traced.along[axis]) WEFT_RETURN_IF_ERROR(ResizeAxis(c, axis, traced));
    }
  }
  return trace;
}

}  // namespace weft
