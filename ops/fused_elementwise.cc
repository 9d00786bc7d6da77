#include "ops/fused_elementwise.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/strings/str_join.h"
#include "graph/evaluate.h"
#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/ops.h"
#include "ops/post_ops.h"

namespace weft {
namespace {

constexpr std::array<const char*, 6> kBinarySteps = {"Add", "Div", "Max", "Min", "Mul", "Sub"};

bool IsUnaryStep(const OpDef& op) {
  return op.traits.elementwise && !op.draws_random && op.aliases == InPlace &&
         op.inputs.size() == 1 && op.inputs[0].dtypes.contains(DType::kF32);
}

absl::Status CheckStepOperand(const InferContext& c, const ElementwiseStep& step) {
  if (!IsBinaryStep(step.op)) {
    if (step.input == -1 && !step.operand_first) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("expected no operand for a unary op, got index ", step.input,
                     step.operand_first ? ", which comes first" : ""));
  }
  if (step.input < 0 || step.input >= c.num_inputs() || !c.has(static_cast<int>(step.input))) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected the index of an input that the node has, got ", step.input, " of ",
                     c.num_inputs()));
  }
  return absl::OkStatus();
}

absl::Status CheckShapes(const InferContext& c) {
  for (int i = 1; i < c.num_inputs(); ++i) {
    if (!c.has(i) || MayBroadcastTo(c.type(i).shape, c.type(0).shape)) continue;
    return absl::InvalidArgumentError(absl::StrCat("input ", i, " is ", ToString(c.type(i)),
                                                   ", expected it to broadcast to X's ",
                                                   ToString(c.type(0))));
  }
  return absl::OkStatus();
}

absl::Status CheckStep(const InferContext& c, const ElementwiseStep& step) {
  const auto& ops = ElementwiseStepOps();
  if (!std::binary_search(ops.begin(), ops.end(), step.op)) {
    return absl::InvalidArgumentError(absl::StrCat("expected one of ",
                                                   absl::StrJoin(kBinarySteps, ", "),
                                                   " or an op of one input that keeps its type"));
  }
  AttributeMap attributes = step.attributes;
  WEFT_RETURN_IF_ERROR(CheckFunction(*StandardOps().Find(step.op), attributes));
  return CheckStepOperand(c, step);
}

absl::StatusOr<std::vector<TensorType>> InferFusedElementwise(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckShapes(c));
  const std::vector<ElementwiseStep> steps = GetElementwiseSteps(c.attributes());
  if (steps.empty()) return absl::InvalidArgumentError("attribute steps: expected at least one");
  for (size_t i = 0; i < steps.size(); ++i) {
    WEFT_RETURN_IF_ERROR(
        Annotate(CheckStep(c, steps[i]), absl::StrCat("steps[", i, "] (", steps[i].op, ")")));
  }
  for (int64_t i : GetInts(c.attributes(), "operand_first")) {
    if (i >= 0 && i < static_cast<int64_t>(steps.size())) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "attribute operand_first: expected numbers of steps, below ", steps.size(), ", got ", i));
  }
  return std::vector<TensorType>{c.type(0)};
}

// Each step makes a new tensor: X may be an operand of any, and the result may lie in its memory.
absl::Status EvaluateFusedElementwise(const EvalContext& c) {
  const std::vector<TensorView> inputs(c.inputs.begin(), c.inputs.end());
  TensorView value = c.in(0);
  Tensor kept;
  for (const ElementwiseStep& step : GetElementwiseSteps(c.attributes)) {
    const OpDef& op = *StandardOps().Find(step.op);
    AttributeMap attributes = step.attributes;
    WEFT_RETURN_IF_ERROR(CheckAttributes(op, attributes));  // fills in defaults
    WEFT_ASSIGN_OR_RETURN(Tensor next,
                          Tensor::Zeros(value.dtype, {c.out().dims.begin(), c.out().dims.end()}));
    const std::array<TensorView, 1> outputs = {ViewOf(next)};
    WEFT_RETURN_IF_ERROR(op.evaluate({.attributes = attributes,
                                      .inputs = StepOperands(step, value, inputs),
                                      .outputs = outputs,
                                      .key = c.key}));
    kept = std::move(next);
    value = ViewOf(kept);
  }
  if (value.data != nullptr) {
    std::memcpy(c.out().data, value.data, static_cast<size_t>(value.size()) * SizeOf(value.dtype));
  }
  return absl::OkStatus();
}

Cost FusedElementwiseCost(const CostContext& c) {
  const size_t steps = GetPostOps(c.attributes, "steps").size();
  return {.flops = static_cast<double>(steps) * static_cast<double>(c.OutputSize())};
}

// All operands of the result's type are read at the place that is written, or before it.
std::vector<Alias> InPlaceOfAny(const Node& node) {
  std::vector<Alias> aliases;
  for (int i = 0; i < node.num_inputs(); ++i) {
    if (node.input(i) && node.input(i).type() == node.type()) {
      aliases.push_back({.output = 0, .input = i});
    }
  }
  return aliases;
}

}  // namespace

const std::vector<std::string>& ElementwiseStepOps() {
  static const auto& names = *[] {
    auto* all = new std::vector<std::string>(kBinarySteps.begin(), kBinarySteps.end());
    for (const OpDef* op : StandardOps().All()) {
      if (IsUnaryStep(*op)) all->emplace_back(op->name);
    }
    std::sort(all->begin(), all->end());
    return all;
  }();
  return names;
}

bool IsBinaryStep(std::string_view op) {
  return std::find(kBinarySteps.begin(), kBinarySteps.end(), op) != kBinarySteps.end();
}

std::vector<ElementwiseStep> GetElementwiseSteps(const AttributeMap& attributes) {
  std::vector<ElementwiseStep> steps;
  for (PostOp& post : GetPostOps(attributes, "steps")) steps.push_back({std::move(post)});
  for (int64_t i : GetInts(attributes, "operand_first")) {
    if (i >= 0 && i < static_cast<int64_t>(steps.size())) {
      steps[static_cast<size_t>(i)].operand_first = true;
    }
  }
  return steps;
}

AttributeMap ElementwiseAttributes(const std::vector<ElementwiseStep>& steps) {
  std::vector<PostOp> posts(steps.begin(), steps.end());
  std::vector<int64_t> operand_first;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].operand_first) operand_first.push_back(static_cast<int64_t>(i));
  }
  AttributeMap attributes = {{"steps", std::move(posts)}};
  if (!operand_first.empty()) attributes.emplace("operand_first", std::move(operand_first));
  return attributes;
}

std::vector<OpDef> FusedElementwiseOps() {
  return {
      {.name = "FusedElementwise",
       .doc = "X after `steps`, one after the other: an op of one input (Relu, Exp, …), or Add, "
              "Div, Max, Min, Mul or Sub with the node's input number `input` (X itself or one of "
              "Z, which broadcasts to X's shape) as its second operand; as its first one in the "
              "steps whose numbers `operand_first` lists.",
       .inputs = {{"X"}, {.name = "Z", .arity = Arity::kVariadic}},
       .attributes = {{.name = "steps", .kind = Attribute::Kind::kPostOps, .required = true},
                      {"operand_first", Attribute::Kind::kInts, std::vector<int64_t>{}}},
       .infer = InferFusedElementwise,
       .no_gradient = "made by the optimizer, after the gradients",
       .evaluate = EvaluateFusedElementwise,
       .cost = FusedElementwiseCost,
       .aliases = InPlaceOfAny,
       .traits = {.elementwise = true}},
  };
}

}  // namespace weft
