// Element-wise ops, each read by the next one only, become one node that takes the value through
// all of them while it is in the cache:
//
//   relu(mul(x, scale) + y)  =>  fused(x, scale, y) {steps=[Mul(1), Add(2), Relu]}
//   x * sigmoid(x)           =>  fused(x)           {steps=[Sigmoid, Mul(0)]}
//
// Of two operands the running value is the one that is being fused; the other one, which may be
// broadcast, is computed elsewhere. Clip is Max and Min with its bounds.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ops/fused_elementwise.h"
#include "passes/chains/chains.h"
#include "passes/rule.h"

namespace weft {
namespace {

constexpr std::string_view kFused = "FusedElementwise";
// A chain copies what the one before it has, and a kernel follows that many operands on its stack.
constexpr size_t kMostSteps = 64;
constexpr size_t kMostOperands = 8;

// Steps on inputs[0] with the other inputs, as the attributes of a FusedElementwise say it.
struct StepChain {
  std::vector<Value> inputs;
  std::vector<ElementwiseStep> steps;

  // The number of the input `operand`, which is added where it is new.
  int64_t Input(Value operand) {
    const auto found = std::find(inputs.begin(), inputs.end(), operand);
    const int64_t index = found - inputs.begin();
    if (found == inputs.end()) inputs.push_back(operand);
    return index;
  }

  // `next` begins with what this one ends with.
  void Append(const StepChain& next) {
    for (ElementwiseStep step : next.steps) {
      if (step.input >= 0) step.input = Input(next.inputs[static_cast<size_t>(step.input)]);
      steps.push_back(std::move(step));
    }
  }
};

StepChain ClipChain(const Node& clip) {
  StepChain chain{{clip.input(0)}, {}};
  for (int i : {1, 2}) {
    if (i >= clip.num_inputs() || clip.input(i).null()) continue;
    chain.steps.push_back({{.op = i == 1 ? "Max" : "Min", .input = chain.Input(clip.input(i))}});
  }
  return chain;
}

// What `node` does to its input number `running`.
StepChain ChainOf(const Node& node, int running) {
  if (node.op_name() == kFused) {
    return {{node.inputs().begin(), node.inputs().end()}, GetElementwiseSteps(node.attributes())};
  }
  if (node.op_name() == "Clip") return ClipChain(node);
  StepChain chain{{node.input(running)}, {}};
  ElementwiseStep step{{.op = std::string(node.op_name()), .attributes = node.attributes()}};
  if (IsBinaryStep(node.op_name())) {
    step.input = chain.Input(node.input(1 - running));
    step.operand_first = running == 1 && !node.op().traits.commutative;
  }
  chain.steps.push_back(std::move(step));
  return chain;
}

// The input that is as large as the result, -1 where both are broadcast.
int RunningInput(const Node& node) {
  if (node.input(0).type() == node.type()) return 0;
  return IsBinaryStep(node.op_name()) && node.input(1).type() == node.type() ? 1 : -1;
}

// Clip ignores a bound that is not a number; Max and Min do not. One without bounds does nothing.
bool HasPlainBounds(const Node& clip) {
  int bounds = 0;
  for (int i = 1; i < clip.num_inputs(); ++i) {
    if (clip.input(i).null()) continue;
    if (!IsKnownNumber(clip.input(i))) return false;
    ++bounds;
  }
  return bounds > 0;
}

bool CanBeSteps(const Node& node) {
  if (!kFloatTypes.contains(node.type().dtype)) return false;
  if (node.op_name() == "Clip") return HasPlainBounds(node);
  return !IsBinaryStep(node.op_name()) || node.num_inputs() == 2;  // Max and Min take any number
}
bool ReadsTwoValues(const Node& node) { return CanBeSteps(node) && node.input(0) != node.input(1); }
bool CanBeFirstSteps(const Node& node) { return CanBeSteps(node) && RunningInput(node) >= 0; }

// A fused node that comes back to what it began with needs that value, whose node would stay.
bool ReadsItsInputAgain(const Node& node) {
  if (node.op_name() != kFused) return false;
  const std::vector<PostOp> steps = GetPostOps(node.attributes(), "steps");
  return std::any_of(steps.begin(), steps.end(),
                     [](const PostOp& step) { return step.input == 0; });
}

// Whether it adds several values of its size that are computed: neither variables nor constants.
bool AddsComputedValues(const Node& node) {
  int computed = 0;
  for (const Value& v : node.inputs()) {
    computed += !v.null() && v.node->num_inputs() > 0 && v.type() == node.type();
  }
  if (computed < 2) return false;
  const auto is_sum = [](std::string_view op) { return op == "Add" || op == "Sub"; };
  if (node.op_name() != kFused) return is_sum(node.op_name());
  const std::vector<PostOp> steps = GetPostOps(node.attributes(), "steps");
  return std::any_of(steps.begin(), steps.end(), [&](const PostOp& s) { return is_sum(s.op); });
}

// Gradients are summed in the first one's memory, each as soon as it is there; as operands of one
// node all of them would be kept until the last is.
Condition IsNoRunningSum(const Match& m) {
  return Unless(!m.graph().updates().empty() && AddsComputedValues(*m.node("first")) &&
                    AddsComputedValues(*m.node("last")),
                absl::StrCat(m["first"].ToString(), " is summed in place"));
}

Condition FuseElementwiseHolds(const Match& m) {
  const Node& last = *m.node("last");
  return All({HasSingleReader(m, "first"), HaveSameType(m, "first", "last"), IsNoRunningSum(m),
              Unless(ReadsItsInputAgain(last),
                     absl::StrCat(last.name(), " reads ", m["first"].ToString(), " again"))});
}

std::vector<Value> FuseElementwiseReplace(const Match& m, Rewriter& r) {
  const Node& first = *m.node("first");
  const Node& last = *m.node("last");
  StepChain chain = ChainOf(first, RunningInput(first));
  chain.Append(ChainOf(last, last.input(0) == m["first"] ? 0 : 1));
  if (chain.steps.size() > kMostSteps || chain.inputs.size() > kMostOperands) {
    return r.Decline(absl::StrCat("it would have ", chain.steps.size(), " steps on ",
                                  chain.inputs.size(), " inputs, of ", kMostSteps, " on ",
                                  kMostOperands));
  }
  return {r.OpAs(last.name(), kFused, std::move(chain.inputs), ElementwiseAttributes(chain.steps))};
}

std::vector<std::string> StepOps() {
  std::vector<std::string> ops = ElementwiseStepOps();
  ops.emplace_back("Clip");
  ops.emplace_back(kFused);
  return ops;
}

Pass FuseInto(Pattern last) {
  return ToPass({.name = "fuse_elementwise",
                 .doc = "element-wise ops that follow one another as one node",
                 .pattern = std::move(last).As("last"),
                 .conditions = FuseElementwiseHolds,
                 .rewrite = FuseElementwiseReplace});
}

Pattern First() { return OneOf(StepOps()).As("first").Where(CanBeFirstSteps); }

// The first step's result is what the last one reads first (or either, where it commutes), or
// second: two patterns, one pass.
class FuseInEitherOrder : public PassRun {
 public:
  explicit FuseInEitherOrder(PassContext& context)
      : left_(FuseInto(OneOf(StepOps(), {First(), Rest()}).Where(CanBeSteps)).start(context)),
        right_(FuseInto(OneOf({"Div", "Max", "Min", "Sub"}, {Any(), First()}).Where(ReadsTwoValues))
                   .start(context)) {}

  absl::Status Run() override {
    WEFT_RETURN_IF_ERROR(left_->Run());
    return right_->Run();
  }
  void Explain() override {
    left_->Explain();
    right_->Explain();
  }

 private:
  std::unique_ptr<PassRun> left_;
  std::unique_ptr<PassRun> right_;
};

}  // namespace

Pass FuseElementwise() {
  Pass pass = FuseInto(OneOf(StepOps()));
  pass.start = [](PassContext& context) { return std::make_unique<FuseInEitherOrder>(context); };
  return pass;
}

}  // namespace weft
