#include "ops/post_ops.h"

#include <algorithm>
#include <array>
#include <limits>

#include "absl/strings/str_join.h"
#include "graph/evaluate.h"
#include "ops/broadcast.h"
#include "ops/ops.h"

namespace weft {
namespace {

constexpr std::string_view kFused = "Fused";
constexpr std::string_view kWithOperand[] = {"Add", "Mul", "PRelu"};

// Clip with its limits as inputs.
absl::Status EvaluatePostClip(const EvalContext& c) {
  const auto limit = [&](std::string_view name) {
    return Tensor::Scalar(GetFloat(c.attributes, name), c.out().dtype);
  };
  const Tensor min = limit("min"), max = limit("max");
  const std::array<TensorView, 3> inputs = {c.in(0), ViewOf(min), ViewOf(max)};
  return StandardOps().Find("Clip")->evaluate(
      {.attributes = {}, .inputs = inputs, .outputs = c.outputs, .key = c.key});
}

const OpDef& PostClip() {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  static const OpDef& op = *new OpDef{.name = "Clip",
                                      .inputs = {{"X"}},
                                      .attributes = {{"min", Attribute::Kind::kFloat, -kInfinity},
                                                     {"max", Attribute::Kind::kFloat, kInfinity}},
                                      .evaluate = EvaluatePostClip,
                                      .aliases = InPlace};
  return op;
}

absl::Status CheckPostOperand(const InferContext& c, const PostOp& post, int first,
                              const TensorType& y) {
  if (post.input < first || post.input >= c.num_inputs() || !c.has(static_cast<int>(post.input))) {
    return absl::InvalidArgumentError(absl::StrCat("expected the index of an added input (", first,
                                                   " or more) that the node has, got ", post.input,
                                                   " of ", c.num_inputs()));
  }
  const TensorType& z = c.type(static_cast<int>(post.input));
  if (z.dtype == y.dtype && BroadcastsTo(z.shape, y.shape)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("input ", post.input, " is ", ToString(z),
                                                 ", expected one that broadcasts to the output's "
                                                 "type ",
                                                 ToString(y)));
}

}  // namespace

absl::Status CheckFunction(const OpDef& op, AttributeMap& attributes) {
  WEFT_RETURN_IF_ERROR(CheckAttributes(op, attributes));
  if (op.infer == nullptr || op.inputs.size() != 1) return absl::OkStatus();
  // What values attributes may have, its inference knows.
  Graph scratch(StandardOps());
  WEFT_ASSIGN_OR_RETURN(const Value x, scratch.AddInput("x", {DType::kF32, {}}));
  return op.infer(InferContext("", std::span(&x, 1), attributes, 1)).status();
}

namespace {

absl::Status CheckPostOp(const InferContext& c, const PostOp& post, int first,
                         const TensorType& y) {
  const OpDef* op = FindPostOp(post.op);
  if (op == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected one of ", absl::StrJoin(PostOpNames(), ", ")));
  }
  AttributeMap attributes = post.attributes;
  WEFT_RETURN_IF_ERROR(CheckFunction(*op, attributes));
  if (TakesOperand(*op)) return CheckPostOperand(c, post, first, y);
  if (post.input == -1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a unary op reads no further input, got index ", post.input));
}

// Y = op(Y, operand?), in place: the ops declare that they can.
absl::Status ApplyPostOp(const EvalContext& c, const PostOp& post) {
  const OpDef* op = FindPostOp(post.op);
  if (op == nullptr) return absl::InvalidArgumentError(absl::StrCat("unknown op ", post.op));
  AttributeMap attributes = post.attributes;
  WEFT_RETURN_IF_ERROR(CheckAttributes(*op, attributes));  // fills in defaults
  std::vector<TensorView> inputs = {c.out()};
  if (post.input >= 0) inputs.push_back(c.in(static_cast<int>(post.input)));
  const std::array<TensorView, 1> outputs = {c.out()};
  return op->evaluate(
      {.attributes = attributes, .inputs = inputs, .outputs = outputs, .key = c.key});
}

}  // namespace

const OpDef* FindPostOp(std::string_view name) {
  if (name == PostClip().name) return &PostClip();
  const OpDef* op = StandardOps().Find(name);
  const bool known =
      op != nullptr && (op->traits.activation || std::ranges::count(kWithOperand, name) > 0);
  return known ? op : nullptr;
}

const std::vector<std::string>& PostOpNames() {
  static const auto& names = *[] {
    auto* all = new std::vector<std::string>;
    for (const OpDef* op : StandardOps().All()) {
      if (FindPostOp(op->name) != nullptr) all->emplace_back(op->name);
    }
    return all;
  }();
  return names;
}

bool TakesOperand(const OpDef& post_op) { return post_op.inputs.size() == 2; }

absl::Status CheckPostOps(const InferContext& c, int first, const TensorType& y) {
  const std::vector<PostOp> posts = GetPostOps(c.attributes(), "post_ops");
  for (size_t i = 0; i < posts.size(); ++i) {
    WEFT_RETURN_IF_ERROR(Annotate(CheckPostOp(c, posts[i], first, y),
                                  absl::StrCat("post_ops[", i, "] (", posts[i].op, ")")));
  }
  return absl::OkStatus();
}

absl::Status ApplyPostOps(const EvalContext& c) {
  for (const PostOp& post : GetPostOps(c.attributes, "post_ops")) {
    WEFT_RETURN_IF_ERROR(ApplyPostOp(c, post));
  }
  return absl::OkStatus();
}

const OpDef* FusedFormOf(std::string_view op) {
  if (op.starts_with(kFused)) return StandardOps().Find(op);
  return StandardOps().Find(std::string(kFused).append(op));
}

const OpDef* UnfusedFormOf(const OpDef& op) {
  if (!op.name.starts_with(kFused)) return nullptr;
  return StandardOps().Find(op.name.substr(kFused.size()));
}

int FirstOperandOf(const OpDef& fused) { return static_cast<int>(fused.inputs.size()) - 1; }

}  // namespace weft
