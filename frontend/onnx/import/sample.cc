// Sampling at places that are computed (grids, regions, deformed windows), and the boxes that stay.

#include <algorithm>

#include "frontend/onnx/import/ops.h"

namespace weft {
namespace {

// Opset 20 renamed the modes.
std::vector<Value> GridSample(ImportContext& c) {
  std::string mode = c.String("mode");
  if (mode == "bilinear") mode = "linear";
  if (mode == "bicubic") mode = "cubic";
  return ImportOp(c, {.op = "GridSample", .inputs = c.ins(), .attributes = {{"mode", mode}}});
}

// Before opset 16 regions have no offset of half a pixel. Mode max is refused: runtimes take it for
// different things, the largest point or the largest weighted element.
std::vector<Value> RoiAlign(ImportContext& c) {
  if (c.opset() >= 16) return ImportSame(c);
  return ImportOp(c, {.op = "RoiAlign",
                      .inputs = c.ins(),
                      .attributes = {{"coordinate_transformation_mode", "output_half_pixel"}}});
}

// A DeformConv of an image X [N,C,H,W]: every tap of the window at every position reads a point of
// its own.
//
//     X [N*D,C/D,H,W]  points = position + tap + offset, as a grid [N*D,taps*oh,ow,2]
//          \              /
//         GridSample, zeros outside      [N*D,C/D,taps*oh,ow]
//               |  * mask
//     W [G,M/G,C/G*taps]  MatMul  [N,G,C/G*taps,oh*ow]  + B
//
// D: offset groups, the channels that share offsets; G: groups of the convolution.
struct DeformWindow {
  std::vector<int64_t> kernel, strides, dilations, pads;
  int64_t groups = 1, offset_groups = 1;
  int64_t height = 0, width = 0, rows = 0, columns = 0;  // of X and of Y

  int64_t taps() const { return kernel[0] * kernel[1]; }
};

std::vector<int64_t> IntsOr(const ImportContext& c, std::string_view name,
                            std::vector<int64_t> fallback) {
  return c.Has(name) ? c.Ints(name) : std::move(fallback);
}

bool ReadDeformWindow(ImportContext& c, DeformWindow& window) {
  const Value x = c.in(0), w = c.in(1), offset = c.in(2);
  if (!c.ok()) return false;
  const Shape &image = c.TypeOf(x).shape, &weights = c.TypeOf(w).shape;
  const Shape& offsets = c.TypeOf(offset).shape;
  const auto is_static = [](const Shape& shape, size_t from) {
    return std::all_of(shape.begin() + static_cast<std::ptrdiff_t>(from), shape.end(),
                       [](const Dim& d) { return d.is_static() && d.coefficient() > 0; });
  };
  if (image.size() != 4 || weights.size() != 4 || offsets.size() != 4 || !is_static(image, 1) ||
      !is_static(weights, 0) || !is_static(offsets, 1)) {
    c.Unsupported(absl::StrCat("X ", ToString(image), ", W ", ToString(weights), " and offset ",
                               ToString(offsets), " are no images of known size"));
    return false;
  }
  const int64_t kh = weights[2].coefficient(), kw = weights[3].coefficient();
  window = {.kernel = IntsOr(c, "kernel_shape", {kh, kw}),
            .strides = IntsOr(c, "strides", {1, 1}),
            .dilations = IntsOr(c, "dilations", {1, 1}),
            .pads = IntsOr(c, "pads", {0, 0, 0, 0}),
            .groups = c.Int("group", 1),
            .offset_groups = c.Int("offset_group", 1),
            .height = image[2].coefficient(),
            .width = image[3].coefficient(),
            .rows = offsets[2].coefficient(),
            .columns = offsets[3].coefficient()};
  const int64_t channels = image[1].coefficient(), g = window.groups, d = window.offset_groups;
  const bool fits = window.kernel == std::vector<int64_t>{kh, kw} && g > 0 && d > 0 &&
                    channels == weights[1].coefficient() * g && channels % d == 0 &&
                    weights[0].coefficient() % g == 0 && offsets[1] == Dim(2 * d * window.taps()) &&
                    window.strides.size() == 2 && window.dilations.size() == 2 &&
                    window.pads.size() == 4;
  if (fits) return true;
  c.Fail(absl::InvalidArgumentError(absl::StrCat(
      "expected weights [M,C/group,kH,kW], offsets [N,offset_group*kH*kW*2,oH,oW] and attributes "
      "that fit X ",
      ToString(image), ", got ", ToString(weights), " and ", ToString(offsets))));
  return false;
}

// Where each tap is without an offset, as components of a grid [taps,rows,columns,2]: x, then y, in
// [-1,1] from one outer edge of the image to the other.
Value PlacesOfTaps(ImportContext& c, const DeformWindow& w, DType dtype) {
  std::vector<double> places;
  for (int64_t tap = 0; tap < w.taps(); ++tap) {
    const int64_t y0 = tap / w.kernel[1] * w.dilations[0] - w.pads[0];
    const int64_t x0 = tap % w.kernel[1] * w.dilations[1] - w.pads[1];
    for (int64_t i = 0; i < w.rows * w.columns; ++i) {
      const int64_t y = i / w.columns * w.strides[0] + y0, x = i % w.columns * w.strides[1] + x0;
      places.push_back(static_cast<double>(2 * x + 1) / static_cast<double>(w.width) - 1);
      places.push_back(static_cast<double>(2 * y + 1) / static_cast<double>(w.height) - 1);
    }
  }
  auto tensor = Tensor::FromValues<double>({w.taps(), w.rows, w.columns, 2}, places);
  if (tensor.ok()) tensor = tensor->Converted(dtype);
  return tensor.ok() ? c.Constant(*std::move(tensor)) : c.Fail(tensor.status());
}

// The grid [N*D,taps*rows,columns,2] of the offsets, which come as y, then x, in elements.
Value DeformedGrid(ImportContext& c, const DeformWindow& w) {
  const Value offset = c.in(2);
  const DType dtype = c.TypeOf(offset).dtype;
  const double elements = 2.0 * static_cast<double>(w.taps() * w.rows * w.columns);
  if (!c.budget().Spend(0, elements * static_cast<double>(SizeOf(dtype)))) {
    return c.Unsupported("so many places are not supported");
  }
  const Value pairs = c.Op("Reshape", {offset, c.Ints({-1, w.taps(), 2, w.rows, w.columns})});
  const Value last = c.Op("Transpose", {pairs}, {{"perm", std::vector<int64_t>{0, 1, 3, 4, 2}}});
  const Value xy = c.Op("Gather", {last, c.Ints({1, 0})}, {{"axis", 4}});
  const std::vector<double> steps = {2 / static_cast<double>(w.width),
                                     2 / static_cast<double>(w.height)};
  auto unit = Tensor::FromValues<double>({2}, steps);
  if (unit.ok()) unit = unit->Converted(dtype);
  if (!unit.ok()) return c.Fail(unit.status());
  const Value moved = c.Op("Mul", {xy, c.Constant(*std::move(unit))});
  const Value grid = c.Op("Add", {moved, PlacesOfTaps(c, w, dtype)});
  return c.Op("Reshape", {grid, c.Ints({-1, w.taps() * w.rows, w.columns, 2})});
}

std::vector<Value> DeformConv(ImportContext& c) {
  DeformWindow w;
  if (!ReadDeformWindow(c, w)) return {};
  const Value x = c.in(0), weights = c.in(1), bias = c.in(3), mask = c.in(4);
  const int64_t channels = c.TypeOf(x).dim(1).coefficient();
  const int64_t features = c.TypeOf(weights).dim(0).coefficient();
  const int64_t column = channels / w.groups * w.taps(), positions = w.rows * w.columns;
  const Value images =
      c.Op("Reshape", {x, c.Ints({-1, channels / w.offset_groups, w.height, w.width})});
  Value points = c.Op("GridSample", {images, DeformedGrid(c, w)});
  if (mask) {
    const Value each = c.Op("Reshape", {mask, c.Ints({-1, 1, w.taps() * w.rows, w.columns})});
    points = c.Op("Mul", {points, each});
  }
  const Value columns = c.Op("Reshape", {points, c.Ints({-1, w.groups, column, positions})});
  const Value rows = c.Op("Reshape", {weights, c.Ints({w.groups, features / w.groups, column})});
  const Value product = c.Op("MatMul", {rows, columns});
  const std::vector<int64_t> shape = {-1, features, w.rows, w.columns};
  if (!bias) return {c.Result("Reshape", {product, c.Ints(shape)})};
  const Value y = c.Op("Reshape", {product, c.Ints(shape)});
  return {c.Result("Add", {y, c.Op("Reshape", {bias, c.Ints({features, 1, 1})})})};
}

// Ours has as many rows as there can be.
std::vector<Value> NonMaxSuppression(ImportContext& c) {
  const Node* node =
      c.OpNode("NonMaxSuppression", c.ins(), {{"center_point_box", c.Int("center_point_box")}}, 2);
  if (node == nullptr) return {};
  return {c.Result("Slice", {node->output(0), c.Ints({0}), node->output(1), c.Ints({0})})};
}

}  // namespace

std::vector<OnnxOp> SampleImports() {
  return {{"DeformConv", DeformConv},
          {"Det", ImportSame},
          {"GridSample", GridSample},
          {"NonMaxSuppression", NonMaxSuppression, {2}},
          {"RoiAlign", RoiAlign}};
}

}  // namespace weft
