#include "passes/linear/linear_op.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ops/post_ops.h"

namespace weft {
namespace {

const std::vector<std::string> kLinearOps = {"Conv", "ConvTranspose", "Gemm", "MatMul"};

Dims ExtentsOf(Value constant) { return StaticDims(constant.type().shape).value_or(Dims()); }

// w with an axis for the groups: [group, w0/group, w1, taps...].
Value WithGroups(Rewriter& r, const LinearOp& op) {
  Dims dims = ExtentsOf(op.w);
  dims[0] /= op.group;
  dims.insert(dims.begin(), op.group);
  return r.Op("Reshape", {op.w, r.Ints(dims)});
}

// `v`, one number a channel or one for all, laid along `axis` of such a w.
Value AlongChannels(Rewriter& r, const LinearOp& op, Value v, int axis) {
  if (!r.ok()) return Value();
  Dims dims(static_cast<size_t>(op.w.type().rank()) + 1, 1);
  const int64_t count = v.type().dim(0).coefficient();
  if (count != 1) {
    dims[0] = op.group;
    dims[static_cast<size_t>(axis) + 1] = count / op.group;
  }
  return r.Op("Reshape", {v, r.Ints(dims)});
}

// w[c, m] * shift[c], with an axis for the groups.
Value ShiftedTaps(Rewriter& r, const LinearOp& op, Value shift) {
  return r.Op("Mul", {WithGroups(r, op), AlongChannels(r, op, shift, op.w_in)});
}

Value Times(Rewriter& r, Value v, double factor) {
  if (factor == 1 || !r.ok()) return v;
  return r.Op("Mul", {v, r.Scalar(factor, v.type().dtype)});
}

}  // namespace

LinearOp ReadLinearOp(const Match& match) {
  const Node& node = *match.node("linear");
  const OpDef* unfused = UnfusedFormOf(node.op());
  LinearOp op = {.node = &node, .kind = unfused != nullptr ? unfused->name : node.op_name()};
  op.group = GetInt(node.attributes(), "group", 1);
  op.alpha = GetFloat(node.attributes(), "alpha", 1);
  op.beta = GetFloat(node.attributes(), "beta", 1);
  op.w = match["w"];
  if (op.beta != 0) op.bias = match["b"];
  if (op.kind == "Conv") return op;
  op.w_in = 0;
  op.w_out = 1;
  if (op.kind == "MatMul") {
    op.x_axis = node.input(0).type().rank() - 1;
    op.y_axis = node.type().rank() - 1;
  } else if (op.kind == "Gemm") {
    if (GetInt(node.attributes(), "transA") != 0) op.x_axis = 0;
    if (GetInt(node.attributes(), "transB") != 0) std::swap(op.w_in, op.w_out);
  }
  return op;
}

Pattern LinearPattern(Pattern x) {
  return OneOf(kLinearOps, {std::move(x), Any().As("w"), Any().As("b").Optional()}).As("linear");
}

Pattern FusedLinearPattern(Pattern x) {
  std::vector<std::string> ops = kLinearOps;
  for (const std::string& op : kLinearOps) ops.emplace_back(FusedFormOf(op)->name);
  return OneOf(std::move(ops), {std::move(x), Any().As("w"), Any().As("b").Optional(), Rest()})
      .As("linear");
}

Condition HasChannels(const Match& match) {
  const std::string w = match["w"].ToString();
  const TensorType& type = match["w"].type();
  const bool empty = std::find(type.shape.begin(), type.shape.end(), Dim(0)) != type.shape.end();
  const bool matrix = ReadLinearOp(match).kind != "MatMul" || type.rank() == 2;
  return All({Unless(!kFloatTypes.contains(type.dtype), absl::StrCat(w, " is ", ToString(type))),
              Unless(empty, absl::StrCat(w, " has no elements")),
              Unless(!matrix, absl::StrCat(w, " is ", ToString(type), ", not a matrix"))});
}

Condition MayHaveBias(const Match& match) {
  const LinearOp op = ReadLinearOp(match);
  const TensorType& y = op.node->type();
  const std::string is = absl::StrCat(op.node->name(), " is ", ToString(y));
  if (op.node->op_name() == "MatMul" && (y.rank() != 2 || op.w.type().rank() != 2)) {
    return Unless(true, absl::StrCat(is, ", and Gemm adds a bias to matrices only"));
  }
  return Unless(op.bias.null() && !y.dim(op.y_axis).is_static(),
                absl::StrCat(is, ", of channels that are not known"));
}

Value ScaledWeights(Rewriter& r, const LinearOp& op, Value scale, int axis) {
  const Value scaled = r.Op("Mul", {WithGroups(r, op), AlongChannels(r, op, scale, axis)});
  return r.OpAs(op.w.node->name(), "Reshape", {scaled, r.Ints(ExtentsOf(op.w))});
}

Value EffectOfTaps(Rewriter& r, const LinearOp& op, Value shift) {
  const Value sums = r.Op("ReduceSum", {ShiftedTaps(r, op, shift)},
                          {{"axes", Dims{op.w_in + 1}}, {"keepdims", 0}});
  Dims dims = ExtentsOf(op.w);
  dims[static_cast<size_t>(op.w_out)] = -1;
  dims[static_cast<size_t>(op.w_in)] = 1;
  return r.Op("Reshape", {sums, r.Ints(dims)});
}

Value EffectOfShift(Rewriter& r, const LinearOp& op, Value shift) {
  const Value products = ShiftedTaps(r, op, shift);
  Dims axes = {op.w_in + 1};
  for (int axis = 2; axis < op.w.type().rank(); ++axis) axes.push_back(axis + 1);
  const Value sums = r.Op("ReduceSum", {products}, {{"axes", axes}, {"keepdims", 0}});
  return Times(r, r.Op("Reshape", {sums, r.Ints({-1})}), op.alpha);
}

Value NewBias(Rewriter& r, const LinearOp& op, Value scale, Value shift) {
  Value b = op.bias;
  if (b.null() && shift.null()) return Value();
  const std::string name = b ? b.node->name() : op.node->name() + ".bias";
  if (b.null()) {  // zeros give one number for all channels its shape
    const TensorType& y = op.node->type();
    absl::StatusOr<Tensor> zeros = Tensor::Zeros(y.dtype, {y.dim(op.y_axis).coefficient()});
    b = zeros.ok() ? r.Constant(*std::move(zeros)) : r.Fail(zeros.status());
  }
  b = Times(r, b, op.beta);
  if (shift.null()) return scale ? r.OpAs(name, "Mul", {b, scale}) : b;
  return r.OpAs(name, "Add", {scale ? r.Op("Mul", {b, scale}) : b, shift});
}

Value WithOperands(Rewriter& r, const LinearOp& op, Value x, Value w, Value bias) {
  std::vector<Value> operands = {x, w};
  if (bias) operands.push_back(bias);
  if (bias && op.node->op_name() == "MatMul") {
    return r.OpAs(op.node->name(), "Gemm", std::move(operands));
  }
  AttributeMap attributes = op.node->attributes();
  if (op.node->op_name() == "Gemm") attributes.insert_or_assign("beta", 1.0);
  return r.OpAs(op.node->name(), std::string(op.node->op_name()), std::move(operands),
                std::move(attributes));
}

}  // namespace weft
