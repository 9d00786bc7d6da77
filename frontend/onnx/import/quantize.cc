// Quantization as arithmetic on wider types: exact, not fast.

#include <numeric>

#include "frontend/onnx/import/halves.h"
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

constexpr DTypeSet kQuantizedTypes = {DType::kU8, DType::kI8, DType::kU16, DType::kI16};

// The type of a quantized result: the zero point's; opset 21 can name one; u8.
DType QuantizedType(ImportContext& c, Value zero_point) {
  const auto given = static_cast<int32_t>(c.Int("output_dtype"));
  const DType named = DTypeOfOnnx(given).value_or(given == 0 ? DType::kU8 : DType::kF32);
  const DType dtype = zero_point ? c.TypeOf(zero_point).dtype : named;
  if (!kQuantizedTypes.contains(dtype)) {
    const std::string what = zero_point ? absl::StrCat("a zero point of ", Absl(ToString(dtype)))
                                        : "an output of " + OnnxTypeName(given);
    c.Unsupported(what + " is not supported, only " + kQuantizedTypes.ToString());
  }
  return dtype;
}

// round(x) + zero_point, to the nearest even, saturated: a Cast of too much means nothing in ONNX.
Value Saturated(ImportContext& c, Value x, Value zero_point) {
  const DType dtype = QuantizedType(c, zero_point);
  const double values = SizeOf(dtype) == 1 ? 256 : 65536;
  const bool is_signed = dtype == DType::kI8 || dtype == DType::kI16;
  const double least = is_signed ? -values / 2 : 0;
  const double most = least + values - 1;
  Value y = c.Op("Round", {x});
  if (zero_point) y = c.Op("Add", {y, To(c, zero_point, DType::kF32)});
  y = c.Op("Clip", {y, c.Scalar(least, DType::kF32), c.Scalar(most, DType::kF32)});
  return c.Result("Cast", {y}, {{"to", dtype}});
}

Value Quantized(ImportContext& c, Value x, Value scale, Value zero_point) {
  return Saturated(c, c.Op("Div", {To(c, x, DType::kF32), scale}), zero_point);
}

// x - zero_point, in a type that holds it.
Value Offset(ImportContext& c, Value x, Value zero_point, DType dtype) {
  const Value y = To(c, x, dtype);
  return zero_point ? c.Op("Sub", {y, To(c, zero_point, dtype)}) : y;
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
  if (given != 0 && ImportedDTypeOf(given) != DType::kF32) {
    c.Unsupported("an output_dtype other than FLOAT, FLOAT16 and BFLOAT16 is not supported");
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
  const Value range = c.Op("Sub", {most, least});
  // Zeros alone are of any scale; ONNX Runtime says 1.
  const Value scale = c.Op("Where", {c.Op("Equal", {range, zero}), c.Scalar(1, DType::kF32),
                                     c.Op("Div", {range, c.Scalar(255, DType::kF32)})});
  const Value offset =
      c.Op("Clip", {c.Op("Div", {c.Op("Neg", {least}), scale}), zero, c.Scalar(255, DType::kF32)});
  const Value zero_point = c.Op("Cast", {c.Op("Round", {offset})}, {{"to", DType::kU8}});
  return {Quantized(c, x, scale, zero_point), scale, zero_point};
}

// How many terms a sum of products has at most, so that f32 holds it: 2^24 is the last integer
// before which there is no gap, and bytes less their zero points are up to 255. f32 is what all
// runtimes convolve.
constexpr int64_t kMostProducts = (1 << 24) / (255 * 255);
constexpr int64_t kMostSplitProducts = (1 << 24) / (255 * 16);

// The elements from axis `first` to `last`, exclusively; very many where that is not known.
int64_t CountOf(const Shape& shape, size_t first, size_t last) {
  int64_t count = 1;
  for (size_t axis = first; axis < last; ++axis) {
    const Dim& dim = shape[axis];
    if (!dim.is_static() || dim.coefficient() > kMostSplitProducts) return kMostSplitProducts + 1;
    count = std::min(count * dim.coefficient(), kMostSplitProducts + 1);
  }
  return count;
}

Value Convolved(ImportContext& c, Value x, Value w, Value bias = {}) {
  const std::vector<Value> y = ImportOp(c, {.op = "Conv", .inputs = {x, w, bias}});
  return y.empty() ? Value() : y[0];
}

// Two convolutions whose sums are 16 times smaller: w = 16 high + low.
Value ConvolvedInHalves(ImportContext& c, Value x, Value w) {
  const Value base = c.Scalar(16, DType::kF32);
  const Value high = c.Op("Floor", {c.Op("Div", {w, base})});
  const Value low = c.Op("Sub", {w, c.Op("Mul", {high, base})});
  const AttributeMap to_i32 = {{"to", DType::kI32}};
  const Value y = Convolved(c, x, high);
  if (!c.ok()) return {};
  const Value rest = c.Op("Cast", {c.Op("Conv", {x, low}, y.node->attributes())}, to_i32);
  const Value most = c.Op("Mul", {c.Op("Cast", {y}, to_i32), c.Scalar(16, DType::kI32)});
  return c.Op("Add", {most, rest});
}

std::vector<Value> ConvInteger(ImportContext& c) {
  const Shape& shape = c.type(1).shape;
  const int64_t products = CountOf(shape, std::min<size_t>(1, shape.size()), shape.size());
  // Doubles hold sums of 2^37 products.
  const DType dtype = products > kMostSplitProducts ? DType::kF64 : DType::kF32;
  const Value x = Offset(c, c.in(0), c.in(2), dtype);
  const Value w = Offset(c, c.in(1), AlongFirstAxis(c, c.in(1), c.in(3)), dtype);
  if (!c.ok()) return {};
  if (products > kMostProducts && products <= kMostSplitProducts) {
    return {ConvolvedInHalves(c, x, w)};
  }
  return {c.Op("Cast", {Convolved(c, x, w)}, {{"to", DType::kI32}})};
}

std::vector<Value> MatMulInteger(ImportContext& c) {
  const Shape& shape = c.type(0).shape;
  const int64_t products =
      CountOf(shape, shape.size() - std::min<size_t>(1, shape.size()), shape.size());
  const DType dtype = products > kMostProducts ? DType::kI32 : DType::kF32;
  const Value a = Offset(c, c.in(0), AlongRows(c, c.in(0), c.in(2)), dtype);
  const Value b = Offset(c, c.in(1), c.in(3), dtype);
  if (dtype == DType::kI32) return {c.Result("MatMul", {a, b})};
  return {c.Result("Cast", {c.Op("MatMul", {a, b})}, {{"to", DType::kI32}})};
}

// The sums are those of integers, exact up to 2^24; what follows rounds them to a byte.
std::vector<Value> QLinearMatMul(ImportContext& c) {
  const Value a = Offset(c, c.in(0), AlongRows(c, c.in(0), c.in(2)), DType::kF32);
  const Value y = c.Op("MatMul", {a, Offset(c, c.in(3), c.in(5), DType::kF32)});
  if (!c.ok()) return {};
  const Value scale = c.Op("Mul", {AlongRows(c, c.in(0), c.in(1)), c.in(4)});
  const Value ratio = c.Op("Div", {scale, AlongRows(c, y, c.in(6))});
  return {Saturated(c, c.Op("Mul", {y, ratio}), AlongRows(c, y, c.in(7)))};
}

// The bias is in units of x_scale * w_scale, one a channel where w_scale is.
std::vector<Value> QLinearConv(ImportContext& c) {
  const Value x = Offset(c, c.in(0), c.in(2), DType::kF32);
  const Value w = Offset(c, c.in(3), AlongFirstAxis(c, c.in(3), c.in(5)), DType::kF32);
  const Value y = Convolved(c, x, w, To(c, c.in(8), DType::kF32));
  if (!c.ok()) return {};
  const Value ratio = c.Op("Div", {c.Op("Mul", {c.in(1), c.in(4)}), c.in(6)});
  return {Saturated(c, c.Op("Mul", {y, AlongAxis(c, y, ratio, 1)}), AlongAxis(c, y, c.in(7), 1))};
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
