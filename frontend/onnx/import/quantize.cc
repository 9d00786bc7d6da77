// Quantization as arithmetic on wider types: exact, not fast.

#include <numeric>

#include "frontend/onnx/import/ops.h"
#include "frontend/onnx/tensor_proto.h"

namespace weft {
namespace {

Value To(ImportContext& c, Value x, DType dtype) {
  return x.null() || c.TypeOf(x).dtype == dtype ? x : c.Op("Cast", {x}, {{"to", dtype}});
}

// A scale or zero point of one element an index of `given` axis, with axes of 1 after it.
Value AlongAxis(ImportContext& c, Value x, Value factor, int64_t given) {
  if (!c.ok() || factor.null() || c.TypeOf(factor).rank() != 1) return factor;
  if (c.TypeOf(factor).dim(0) == Dim(1)) return c.Op("Reshape", {factor, c.Ints({})});
  const absl::StatusOr<int> axis = NormalizeAxis(given, c.TypeOf(x).rank());
  if (!axis.ok()) return c.Fail(axis.status());
  std::vector<int64_t> trailing(static_cast<size_t>(c.TypeOf(x).rank() - 1 - *axis));
  std::iota(trailing.begin(), trailing.end(), 1);
  return trailing.empty() ? factor : c.Op("Unsqueeze", {factor, c.Ints(trailing)});
}

Value AlongAxis(ImportContext& c, Value x, Value factor) {
  return AlongAxis(c, x, factor, c.Int("axis", 1));
}
Value AlongFirstAxis(ImportContext& c, Value x, Value factor) { return AlongAxis(c, x, factor, 0); }
// One a row of a matrix [...,M,K].
Value AlongRows(ImportContext& c, Value x, Value factor) {
  return c.TypeOf(x).rank() < 2 ? factor : AlongAxis(c, x, factor, -2);
}

// round(x / scale) + zero_point, to the nearest even, saturated: of the zero point's type, u8
// without one.
Value Quantized(ImportContext& c, Value x, Value scale, Value zero_point) {
  // Opset 21 can name the type.
  const auto given = static_cast<int32_t>(c.Int("output_dtype"));
  const DType named = DTypeOfOnnx(given).value_or(given == 0 ? DType::kU8 : DType::kF32);
  const DType dtype = zero_point ? c.TypeOf(zero_point).dtype : named;
  if (dtype != DType::kU8 && dtype != DType::kI8) {
    return c.Unsupported(
        absl::StrCat("a zero point of ", Absl(ToString(dtype)), " is not supported, only u8|i8"));
  }
  Value y = c.Op("Round", {c.Op("Div", {To(c, x, DType::kF32), scale})});
  if (zero_point) y = c.Op("Add", {y, To(c, zero_point, DType::kF32)});
  return c.Result("Cast", {y}, {{"to", dtype}});  // which saturates
}

// x - zero_point, in a type that holds it.
Value Offset(ImportContext& c, Value x, Value zero_point, DType dtype) {
  const Value y = To(c, x, dtype);
  return zero_point ? c.Op("Sub", {y, To(c, zero_point, dtype)}) : y;
}

Value Dequantized(ImportContext& c, Value x, Value scale, Value zero_point) {
  if (c.ok() && c.TypeOf(scale).dtype != DType::kF32) {
    return c.Unsupported(absl::StrCat("a scale of ", Absl(ToString(c.TypeOf(scale).dtype)),
                                      " is not supported, only f32"));
  }
  return c.Op("Mul", {Offset(c, x, zero_point, DType::kF32), scale});
}

// Opsets 21 and 23 let blocks of elements have scales of their own and name types.
void CheckNoBlocks(ImportContext& c) {
  for (const char* name : {"block_size", "precision"}) {
    if (c.Int(name) != 0) c.Unsupported(absl::StrCat("its attribute ", name, " is not supported"));
  }
}

std::vector<Value> QuantizeLinear(ImportContext& c) {
  CheckNoBlocks(c);
  const Value x = c.in(0);
  const Value scale = AlongAxis(c, x, c.in(1)), zero_point = AlongAxis(c, x, c.in(2));
  return {Quantized(c, x, scale, zero_point)};
}

std::vector<Value> DequantizeLinear(ImportContext& c) {
  CheckNoBlocks(c);
  const auto given = static_cast<int32_t>(c.Int("output_dtype"));
  if (given != 0 && given != OnnxTypeOf(DType::kF32)) {
    c.Unsupported("an output_dtype other than FLOAT is not supported");
  }
  const Value x = c.in(0);
  const Value scale = AlongAxis(c, x, c.in(1)), zero_point = AlongAxis(c, x, c.in(2));
  return {c.Result("Mul", {Offset(c, x, zero_point, DType::kF32), scale})};
}

// The range of x with zero in it is what 0 to 255 stand for.
std::vector<Value> DynamicQuantizeLinear(ImportContext& c) {
  const Value x = c.in(0), zero = c.Scalar(0, DType::kF32);
  const Value least = c.Op("Min", {c.Op("ReduceMin", {x}, {{"keepdims", 0}}), zero});
  const Value most = c.Op("Max", {c.Op("ReduceMax", {x}, {{"keepdims", 0}}), zero});
  const Value scale = c.Op("Div", {c.Op("Sub", {most, least}), c.Scalar(255, DType::kF32)});
  const Value offset =
      c.Op("Clip", {c.Op("Div", {c.Op("Neg", {least}), scale}), zero, c.Scalar(255, DType::kF32)});
  const Value zero_point = c.Op("Cast", {c.Op("Round", {offset})}, {{"to", DType::kU8}});
  return {Quantized(c, x, scale, zero_point), scale, zero_point};
}

// In doubles: sums of 2^37 products of bytes are exact.
std::vector<Value> ConvInteger(ImportContext& c) {
  const Value x = Offset(c, c.in(0), c.in(2), DType::kF64);
  const Value w = Offset(c, c.in(1), AlongFirstAxis(c, c.in(1), c.in(3)), DType::kF64);
  const std::vector<Value> y = ImportOp(c, {.op = "Conv", .inputs = {x, w}});
  if (!c.ok()) return {};
  return {c.Op("Cast", {y[0]}, {{"to", DType::kI32}})};
}

std::vector<Value> MatMulInteger(ImportContext& c) {
  const Value a = Offset(c, c.in(0), AlongRows(c, c.in(0), c.in(2)), DType::kI32);
  const Value b = Offset(c, c.in(1), c.in(3), DType::kI32);
  return {c.Result("MatMul", {a, b})};
}

std::vector<Value> QLinearMatMul(ImportContext& c) {
  const Value x = c.in(0);
  const Value a = Dequantized(c, x, AlongRows(c, x, c.in(1)), AlongRows(c, x, c.in(2)));
  const Value y = c.Op("MatMul", {a, Dequantized(c, c.in(3), c.in(4), c.in(5))});
  return {Quantized(c, y, AlongRows(c, y, c.in(6)), AlongRows(c, y, c.in(7)))};
}

// The bias is of scale x_scale * w_scale, which is one a channel where w_scale is.
std::vector<Value> QLinearConv(ImportContext& c) {
  const Value x = Dequantized(c, c.in(0), c.in(1), c.in(2));
  const Value scale = AlongFirstAxis(c, c.in(3), c.in(4));
  const Value w = Dequantized(c, c.in(3), scale, AlongFirstAxis(c, c.in(3), c.in(5)));
  Value bias;
  if (c.has(8)) {
    bias = c.Op("Mul", {To(c, c.in(8), DType::kF32), c.Op("Mul", {c.in(1), c.in(4)})});
  }
  const std::vector<Value> y = ImportOp(c, {.op = "Conv", .inputs = {x, w, bias}});
  if (!c.ok()) return {};
  return {Quantized(c, y[0], c.in(6), c.in(7))};
}

}  // namespace

std::vector<OnnxOp> QuantizeImports() {
  return {{"QLinearConv", QLinearConv},
          {"ConvInteger", ConvInteger},
          {"DequantizeLinear", DequantizeLinear},
          {"MatMulInteger", MatMulInteger},
          {"DynamicQuantizeLinear", DynamicQuantizeLinear},
          {"QLinearMatMul", QLinearMatMul},
          {"QuantizeLinear", QuantizeLinear}};
}

}  // namespace weft
