// Reductions, softmaxes and what sorts.

#include "frontend/onnx/import/ops.h"

namespace weft {
namespace {

// Ours have axes as an attribute; ONNX's ReduceSum has had them as an operand since opset 13.
std::vector<Value> ReduceNumbers(ImportContext& c) {
  if (!c.has(1)) {
    if (c.Int("noop_with_empty_axes") != 0) return {c.Result("Identity", {c.in(0)})};
    return ImportOp(c,
                    {.op = c.op_type(), .inputs = {c.in(0)}, .ignored = {"noop_with_empty_axes"}});
  }
  const auto axes = c.KnownInts(1, "axes");
  if (!axes) return {};
  if (axes->empty() && c.Int("noop_with_empty_axes") != 0) {
    return {c.Result("Identity", {c.in(0)})};
  }
  AttributeMap attributes;
  if (!axes->empty()) attributes.emplace("axes", *axes);
  return ImportOp(c, {.op = c.op_type(),
                      .inputs = {c.in(0)},
                      .attributes = std::move(attributes),
                      .ignored = {"noop_with_empty_axes"}});
}

// Of bools, since opset 20, the extremes are those of 0 and 1.
std::vector<Value> Reduce(ImportContext& c) {
  const Value x = c.in(0);
  if (!c.ok() || c.TypeOf(x).dtype != DType::kBool) return ReduceNumbers(c);
  if (c.op_type() != "ReduceMax" && c.op_type() != "ReduceMin") return ReduceNumbers(c);
  const auto axes = c.KnownInts(1, "axes");
  if (c.Int("noop_with_empty_axes") != 0 && (!axes || axes->empty())) {
    return {c.Result("Identity", {x})};
  }
  AttributeMap attributes = {{"keepdims", c.Int("keepdims", 1)}};
  if (axes && !axes->empty()) attributes.emplace("axes", *axes);
  const Value ints = c.Op("Cast", {x}, {{"to", DType::kI32}});
  const Value y = c.Op(c.op_type(), {ints}, std::move(attributes));
  return {c.Result("Cast", {y}, {{"to", DType::kBool}})};
}

// Before opset 13 all axes from `axis` (1) on were one.
std::vector<Value> Softmax(ImportContext& c) {
  const Value x = c.in(0);
  if (c.opset() >= 13 || !c.ok()) return ImportSame(c);
  const int rank = c.TypeOf(x).rank();
  const int64_t given = c.Int("axis", 1);
  const int64_t axis = given < 0 ? given + rank : given;
  if (axis == rank - 1) {
    return ImportOp(c, {.op = c.op_type(), .inputs = {x}, .attributes = {{"axis", axis}}});
  }
  const Value rows = c.Op("Flatten", {x}, {{"axis", given}});
  const Value y = c.Op(c.op_type(), {rows}, {{"axis", 1}});
  return {c.Result("ReshapeLike", {y, x})};
}

std::vector<Value> TopK(ImportContext& c) {
  if (c.opset() >= 10) return ImportSame(c);
  return ImportOp(c, {.op = "TopK", .inputs = {c.in(0), c.Ints({c.Int("k")})}, .ignored = {"k"}});
}

}  // namespace

std::vector<OnnxOp> ReduceImports() {
  std::vector<OnnxOp> ops = {{"TopK", TopK, {1}},     {"ArgMax", ImportSame},
                             {"ArgMin", ImportSame},  {"CumSum", ImportSame},
                             {"Einsum", ImportSame},  {"Softmax", Softmax},
                             {"LogSoftmax", Softmax}, {"Hardmax", Softmax}};
  for (std::string_view name :
       {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
        "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"}) {
    ops.push_back({name, Reduce, {1}});
  }
  return ops;
}

}  // namespace weft
