#include "ops/fused_conv.h"

#include <array>

#include "absl/strings/str_join.h"
#include "ops/conv.h"
#include "ops/families.h"
#include "ops/ops.h"
#include "ops/window.h"

namespace weft {
namespace {

constexpr int kFirstOperand = 3;  // after X, W, B

absl::Status CheckOperand(const InferContext& c, const PostOp& post, const TensorType& y) {
  if (post.input < kFirstOperand || post.input >= c.num_inputs() ||
      !c.has(static_cast<int>(post.input))) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected the index of an added input (", kFirstOperand,
                     " or more) that the node has, got ", post.input, " of ", c.num_inputs()));
  }
  const TensorType& z = c.type(static_cast<int>(post.input));
  if (z == y) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("input ", post.input, " is ", ToString(z),
                                                 ", expected the output's type ", ToString(y)));
}

absl::Status CheckPostOp(const InferContext& c, const PostOp& post, const TensorType& y) {
  if (post.op != "Add" && !IsFusedActivation(post.op)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected Add or one of ", absl::StrJoin(FusedActivations(), ", ")));
  }
  const OpDef* op = StandardOps().Find(post.op);
  if (op == nullptr) return absl::InternalError(absl::StrCat("unknown op ", post.op));
  AttributeMap attributes = post.attributes;
  WEFT_RETURN_IF_ERROR(CheckAttributes(*op, attributes));
  if (!IsFusedActivation(post.op)) return CheckOperand(c, post, y);
  if (post.input == -1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a unary op reads no further input, got index ", post.input));
}

absl::StatusOr<std::vector<TensorType>> InferFusedConv(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(TensorType y, InferConvType(c));
  const std::vector<PostOp> posts = GetPostOps(c.attributes(), "post_ops");
  for (size_t i = 0; i < posts.size(); ++i) {
    WEFT_RETURN_IF_ERROR(Annotate(CheckPostOp(c, posts[i], y),
                                  absl::StrCat("post_ops[", i, "] (", posts[i].op, ")")));
  }
  return std::vector<TensorType>{std::move(y)};
}

// Y = op(Y, operand?), in place: the ops above declare that they can.
absl::Status ApplyPostOp(const EvalContext& c, const PostOp& post) {
  const OpDef* op = StandardOps().Find(post.op);
  if (op == nullptr) return absl::InvalidArgumentError(absl::StrCat("unknown op ", post.op));
  AttributeMap attributes = post.attributes;
  WEFT_RETURN_IF_ERROR(CheckAttributes(*op, attributes));
  std::vector<TensorView> inputs = {c.out()};
  if (post.input >= 0) inputs.push_back(c.in(static_cast<int>(post.input)));
  const std::array<TensorView, 1> outputs = {c.out()};
  return op->evaluate(
      {.attributes = attributes, .inputs = inputs, .outputs = outputs, .key = c.key});
}

absl::Status EvaluateFusedConv(const EvalContext& c) {
  WEFT_RETURN_IF_ERROR(EvaluateConv(c));
  for (const PostOp& post : GetPostOps(c.attributes, "post_ops")) {
    WEFT_RETURN_IF_ERROR(ApplyPostOp(c, post));
  }
  return absl::OkStatus();
}

Cost FusedConvCost(const CostContext& c) {
  Cost cost = ConvCost(c.OutputSize(), c.inputs[1]);
  const size_t posts = GetPostOps(c.attributes, "post_ops").size();
  cost.flops += static_cast<double>(posts) * static_cast<double>(c.OutputSize());
  return cost;
}

}  // namespace

const std::vector<std::string>& FusedActivations() {
  static const auto& names = *[] {
    auto* all = new std::vector<std::string>;
    for (const OpDef* op : StandardOps().All()) {
      if (op->traits.activation) all->emplace_back(op->name);
    }
    return all;
  }();
  return names;
}

bool IsFusedActivation(std::string_view op) {
  const OpDef* def = StandardOps().Find(op);
  return def != nullptr && def->traits.activation;
}

std::vector<OpDef> FusedConvOps() {
  return {
      {.name = "FusedConv",
       .doc =
           "Conv, then post_ops in order on its result: an activation (Relu, Gelu, …), or Add of "
           "the node's input number `input` (one of Z, of Y's type).",
       .inputs = {{"X"},
                  {"W"},
                  {.name = "B", .arity = Arity::kOptional},
                  {.name = "Z", .arity = Arity::kVariadic}},
       .attributes =
           ConvAttributes({{"post_ops", Attribute::Kind::kPostOps, std::vector<PostOp>{}}}),
       .infer = InferFusedConv,
       .no_gradient = "fused for inference",
       .evaluate = EvaluateFusedConv,
       .cost = FusedConvCost},
  };
}

}  // namespace weft
