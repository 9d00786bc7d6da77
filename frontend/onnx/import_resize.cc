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

std::vector<Value> Resize(ImportContext& c) {
  if (c.opset() < 11) return Asymmetric(c, c.in(1));
  const bool crops = c.String("coordinate_transformation_mode") == "tf_crop_and_resize";
  return ImportOp(c,
                  {.op = "Resize",
                   .inputs = {c.in(0), crops ? Given(c, 1) : Value(), Given(c, 2), Given(c, 3)}});
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
