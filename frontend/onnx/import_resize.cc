// Resize in its three forms, and Upsample before it.

#include "frontend/onnx/import_ops.h"

namespace weft {
namespace {

// An operand that an empty tensor stands for as if it were absent.
Value Given(ImportContext& c, int i) {
  const Tensor* known = c.constant(i);
  return known != nullptr && known->size() == 0 ? Value() : c.in(i);
}

// Before opset 11 places were scaled without an offset and rounded down.
std::vector<Value> Asymmetric(ImportContext& c, Value scales) {
  return ImportOp(c, {.op = "Resize",
                      .inputs = {c.in(0), Value(), scales},
                      .attributes = {{"coordinate_transformation_mode", "asymmetric"},
                                     {"nearest_mode", "floor"}},
                      .ignored = {"scales"}});
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

std::vector<Value> Resize(ImportContext& c) {
  if (c.opset() < 11) return Asymmetric(c, c.in(1));
  const std::string places = c.String("coordinate_transformation_mode");
  AttributeMap attributes;
  if (places == "tf_half_pixel_for_nn") attributes = HalfPixelForNearest(c);
  const Value roi = places == "tf_crop_and_resize" ? Given(c, 1) : Value();
  return ImportOp(c, {.op = "Resize",
                      .inputs = {c.in(0), roi, Given(c, 2), Given(c, 3)},
                      .attributes = std::move(attributes)});
}

std::vector<Value> Upsample(ImportContext& c) {
  if (c.opset() >= 9) return Asymmetric(c, c.in(1));
  const auto& given = c.Find("scales")->floats();
  const std::vector<float> scales(given.begin(), given.end());
  const auto tensor =
      Tensor::FromValues<float>({static_cast<int64_t>(scales.size())}, std::span(scales));
  return Asymmetric(c, tensor.ok() ? c.Constant(*tensor) : c.Fail(tensor.status()));
}

}  // namespace

std::vector<OnnxOp> ResizeImports() {
  return {{"Resize", Resize, {1, 2, 3}}, {"Upsample", Upsample, {1}}};
}

}  // namespace weft
