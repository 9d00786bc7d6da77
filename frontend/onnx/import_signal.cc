// Transforms and windows.

#include <numbers>

#include "frontend/onnx/import_ops.h"
#include "frontend/onnx/tensor_proto.h"

namespace weft {
namespace {

// a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N) for n = 0 ... size - 1, with N = size, or size - 1
// where the window is not periodic.
std::vector<Value> Window(ImportContext& c, double a0, double a1, double a2) {
  const auto size = c.KnownNumber(0, "size");
  const auto type = static_cast<int32_t>(c.Int("output_datatype", onnx::TensorProto::FLOAT));
  const std::optional<DType> dtype = DTypeOfOnnx(type);
  if (!dtype || !kNumericTypes.contains(*dtype)) {
    c.Unsupported(absl::StrCat("output_datatype ", OnnxTypeName(type), " is not supported"));
  }
  if (!size || !c.ok()) return {};
  const double period = c.Int("periodic", 1) != 0 ? *size : *size - 1;
  const Value n = c.Op(
      "Range", {c.Scalar(0, DType::kF64), c.Scalar(*size, DType::kF64), c.Scalar(1, DType::kF64)});
  const auto cosine = [&](double turns, double factor) {
    const Value angle =
        c.Op("Mul", {n, c.Scalar(turns * 2 * std::numbers::pi / period, DType::kF64)});
    return c.Op("Mul", {c.Op("Cos", {angle}), c.Scalar(factor, DType::kF64)});
  };
  const Value one = c.Op("Sub", {c.Scalar(a0, DType::kF64), cosine(1, a1)});
  return {c.Result("Cast", {a2 == 0 ? one : c.Op("Add", {one, cosine(2, a2)})}, {{"to", *dtype}})};
}

std::vector<Value> HannWindow(ImportContext& c) { return Window(c, 0.5, 0.5, 0); }
std::vector<Value> HammingWindow(ImportContext& c) {
  return Window(c, 25.0 / 46.0, 1 - 25.0 / 46.0, 0);
}
std::vector<Value> BlackmanWindow(ImportContext& c) { return Window(c, 0.42, 0.5, 0.08); }

}  // namespace

std::vector<OnnxOp> SignalImports() {
  return {{"BlackmanWindow", BlackmanWindow, {0}},
          {"DFT", ImportSame, {1}},
          {"HammingWindow", HammingWindow, {0}},
          {"HannWindow", HannWindow, {0}}};
}

}  // namespace weft
