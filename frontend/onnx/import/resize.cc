// Resize in its three forms, and Upsample before it.

#include <algorithm>
#include <cmath>

#include "frontend/onnx/import/ops.h"

namespace weft {
namespace {

std::vector<Value> Refused(ImportContext& c, const std::string& what) {
  c.Unsupported(what);
  return {};
}

// Upsample-1 called linear interpolation along two axes bilinear.
std::string Mode(ImportContext& c) {
  const std::string mode = c.String("mode");
  return mode == "bilinear" ? "linear" : mode;
}

// An operand that an empty tensor stands for as if it were absent.
Value Given(ImportContext& c, int i) {
  const Tensor* known = c.constant(i);
  return known != nullptr && known->size() == 0 ? Value() : c.in(i);
}

// Before opset 11 places were scaled without an offset, and the nearest element was the one before
// the place where an axis grew, the one after it where it shrank (ONNX's suite of opset 10, and
// runtimes').
std::vector<Value> Asymmetric(ImportContext& c, Value scales) {
  const Tensor* known = scales ? ConstantValue(scales) : nullptr;
  bool grows = false, shrinks = false;
  for (int64_t i = 0; known != nullptr && i < known->size(); ++i) {
    grows = grows || known->At(i) > 1;
    shrinks = shrinks || known->At(i) < 1;
  }
  if (grows && shrinks && c.String("mode") == "nearest") {
    return Refused(c,
                   "to grow along an axis and to shrink along another, by the nearest element, "
                   "is not supported before opset 11");
  }
  return ImportOp(c, {.op = "Resize",
                      .inputs = {c.in(0), Value(), scales},
                      .attributes = {{"coordinate_transformation_mode", "asymmetric"},
                                     {"nearest_mode", shrinks ? "ceil" : "floor"},
                                     {"mode", Mode(c)}},
                      .ignored = {"scales", "width_scale", "height_scale"}});
}

// Opsets 11 and 12 had places of (o + 0.5) / scale for the nearest neighbour: half_pixel's and a
// half more, which another rounding makes up for.
AttributeMap HalfPixelForNearest(ImportContext& c) {
  const std::string nearest = c.String("nearest_mode");
  const bool floor = nearest == "floor";
  if (c.String("mode") != "nearest" || (!floor && nearest != "round_prefer_floor")) {
    c.Unsupported(absl::StrCat("tf_half_pixel_for_nn with mode ", c.String("mode"), " and ",
                               nearest, " is not supported"));
  }
  return {{"coordinate_transformation_mode", "half_pixel"},
          {"nearest_mode", floor ? "round_prefer_ceil" : "ceil"}};
}

bool Stretches(ImportContext& c) {
  return c.String("keep_aspect_ratio_policy", "stretch") == "stretch";
}

// What a Resize goes by: one of the two.
struct SizesOrScales {
  Value sizes = {}, scales = {};
};

// All axes of these extents by one factor, to its nearest elements. Where these are whole, `sizes`
// says so exactly; else places must go by the factor, as far as the sizes then round down.
SizesOrScales ByOneFactor(ImportContext& c, const std::vector<int64_t>& extents, double factor) {
  const auto scale = static_cast<float>(factor);
  std::vector<int64_t> sizes;
  bool whole = true, down = true;
  for (int64_t extent : extents) {
    const double size = static_cast<double>(extent) * factor, nearest = std::floor(size + 0.5);
    whole = whole && std::abs(size - nearest) <= 1e-9 * nearest;
    down = down && std::floor(static_cast<float>(extent) * scale) == static_cast<float>(nearest);
    sizes.push_back(static_cast<int64_t>(std::clamp(nearest, -1.0, 0x1p40)));
  }
  if (whole) return {.sizes = c.Ints(sizes)};
  const auto scales =
      Tensor::FromValues<float>({std::ssize(extents)}, std::vector<float>(extents.size(), scale));
  if (down && scales.ok()) return {.scales = c.Constant(*scales)};
  return {c.Unsupported("to keep a ratio that rounds parts of elements up is not supported")};
}

// Since opset 18: all axes by one factor, so that none is larger, or none smaller, than `sizes`
// says.
SizesOrScales SizesOfOneFactor(ImportContext& c) {
  const auto sizes = c.KnownInts(3, "sizes");
  if (!sizes || !c.ok()) return {};
  const TensorType& x = c.type(0);
  const bool larger = c.String("keep_aspect_ratio_policy") == "not_smaller";
  const std::vector<int64_t> axes = c.Ints("axes");
  std::vector<int64_t> extents;
  std::optional<double> factor;
  for (size_t i = 0; i < sizes->size(); ++i) {
    const auto axis = NormalizeAxis(i < axes.size() ? axes[i] : static_cast<int64_t>(i), x.rank());
    if (!axis.ok()) return {c.Fail(axis.status())};
    if (!x.dim(*axis).is_static() || x.dim(*axis).coefficient() == 0) {
      return {c.Unsupported("to keep the ratio of axes of unknown extent is not supported")};
    }
    extents.push_back(x.dim(*axis).coefficient());
    const double own = static_cast<double>((*sizes)[i]) / static_cast<double>(extents.back());
    if (!factor || (larger ? own > *factor : own < *factor)) factor = own;
  }
  return ByOneFactor(c, extents, factor.value_or(1));
}

// Whether the sizes are given, or follow from the scales without a part of an element left over.
bool MakesWholeElements(ImportContext& c) {
  const Tensor* scales = c.constant(2);
  if (scales == nullptr || scales->size() == 0) return Stretches(c);
  const std::vector<int64_t> axes = c.Ints("axes");
  const TensorType& x = c.type(0);
  for (int64_t i = 0; i < scales->size() && c.ok(); ++i) {
    const int64_t given = static_cast<size_t>(i) < axes.size() ? axes[static_cast<size_t>(i)] : i;
    const auto axis = NormalizeAxis(given, x.rank());
    const bool is_known = axis.ok() && x.dim(*axis).is_static();
    const auto extent = is_known ? static_cast<float>(x.dim(*axis).coefficient()) : 1.0f;
    const float size = extent * static_cast<float>(scales->At(i));  // in f32, as ONNX multiplies
    if (size != std::floor(size)) return false;
  }
  return true;
}

// The axes whose sizes are known where the others, of symbolic extent, keep theirs: U-Nets resize
// to the height and width of another image of the batch. nullopt where that is not so.
struct KnownSizes {
  std::vector<int64_t> axes, sizes;
};
std::optional<KnownSizes> SizesBesideSymbols(ImportContext& c) {
  const ShapeValue* sizes = c.shape(3);
  const TensorType& x = c.type(0);
  if (sizes == nullptr || c.constant(3) != nullptr || c.Has("axes") || !Stretches(c) ||
      sizes->elements.size() != x.shape.size()) {
    return std::nullopt;
  }
  KnownSizes known;
  for (size_t axis = 0; axis < x.shape.size(); ++axis) {
    const std::optional<Dim>& size = sizes->elements[axis];
    if (size == x.shape[axis] && !size->is_static()) continue;
    if (!size || !size->is_static()) return std::nullopt;
    known.axes.push_back(static_cast<int64_t>(axis));
    known.sizes.push_back(size->coefficient());
  }
  return known;
}

std::vector<Value> Resize(ImportContext& c) {
  if (c.opset() < 11) return Asymmetric(c, c.in(1));
  const std::string places = c.String("coordinate_transformation_mode");
  AttributeMap attributes;
  if (places == "tf_half_pixel_for_nn") attributes = HalfPixelForNearest(c);
  const bool crops = places == "tf_crop_and_resize";
  if (c.Int("antialias") != 0 && c.String("mode") != "nearest" && !crops && Stretches(c) &&
      places != "half_pixel_symmetric") {
    return AntialiasedResize(c);
  }
  // Since opset 19; which ONNX before it, and other runtimes, call half_pixel where they agree.
  if (places == "half_pixel_symmetric" && MakesWholeElements(c)) {
    attributes.emplace("coordinate_transformation_mode", "half_pixel");
  }
  if (const auto known = crops ? std::nullopt : SizesBesideSymbols(c)) {
    if (known->axes.empty()) return {c.Result("Identity", {c.in(0)})};
    attributes.emplace("axes", known->axes);
    return ImportOp(c, {.op = "Resize",
                        .inputs = {c.in(0), Value(), Value(), c.Ints(known->sizes)},
                        .attributes = std::move(attributes)});
  }
  const SizesOrScales by = Stretches(c) || Given(c, 2) || !Given(c, 3)
                               ? SizesOrScales{.sizes = Given(c, 3), .scales = Given(c, 2)}
                               : SizesOfOneFactor(c);
  const Value roi = crops ? Given(c, 1) : Value();
  return ImportOp(c, {.op = "Resize",
                      .inputs = {c.in(0), roi, by.scales, by.sizes},
                      .attributes = std::move(attributes),
                      .ignored = {"keep_aspect_ratio_policy"}});
}

std::vector<Value> Upsample(ImportContext& c) {
  if (c.opset() >= 9) return Asymmetric(c, c.in(1));
  std::vector<float> scales = {1, 1, static_cast<float>(c.Float("height_scale")),
                               static_cast<float>(c.Float("width_scale"))};
  if (c.opset() >= 7) {
    const auto& given = c.Find("scales")->floats();
    scales.assign(given.begin(), given.end());
  }
  const auto tensor =
      Tensor::FromValues<float>({static_cast<int64_t>(scales.size())}, std::span(scales));
  return Asymmetric(c, tensor.ok() ? c.Constant(*tensor) : c.Fail(tensor.status()));
}

}  // namespace

std::vector<OnnxOp> ResizeImports() {
  return {{"Resize", Resize, {1, 2, 3}}, {"Upsample", Upsample, {1}}};
}

}  // namespace weft
