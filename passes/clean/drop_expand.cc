// An operand that broadcasting repeats anyway is not repeated beforehand:
//
//   add(x, expand(c, shape of x))  =>  add(x, c)

#include "absl/strings/str_cat.h"
#include "passes/clean/clean.h"
#include "passes/rule.h"

namespace weft {
namespace {

const std::vector<std::string> kBroadcasting = {
    "Add", "Sub", "Mul",   "Div",   "Mod",  "Pow",         "Sum", "Mean",    "Min",
    "Max", "And", "Equal", "Where", "Less", "LessOrEqual", "Or",  "Greater", "GreaterOrEqual",
    "Xor"};

bool Repeats(const Node& node) {
  return node.op_name() == "Expand" ||
         (node.op_name() == "ExpandLike" && GetInts(node.attributes(), "axes").empty());
}

// The first operand that is repeated although another has the whole shape; -1: none.
int RepeatedOperand(const Node& node) {
  for (int i = 0; i < node.num_inputs(); ++i) {
    if (!Repeats(*node.input(i).node)) continue;
    for (int other = 0; other < node.num_inputs(); ++other) {
      if (other != i && node.input(other).type().shape == node.type().shape) return i;
    }
  }
  return -1;
}

bool HasRepeatedOperand(const Node& node) { return RepeatedOperand(node) >= 0; }

std::vector<Value> DropExpandReplace(const Match& m, Rewriter& r) {
  const Node& node = *m.root();
  std::vector<Value> inputs(node.inputs().begin(), node.inputs().end());
  Value& repeated = inputs[static_cast<size_t>(RepeatedOperand(node))];
  repeated = repeated.node->input(0);
  const Value result = r.OpAs(node.name(), node.op_name(), inputs, node.attributes());
  if (!r.ok() || result.type() == node.type()) return {result};
  return r.Decline(absl::StrCat("it would be ", ToString(result.type())));
}

}  // namespace

Pass DropExpand() {
  return ToPass({.name = "drop_expand",
                 .doc = "leave to broadcasting what Expand repeats",
                 .pattern = OneOf(kBroadcasting).Where(HasRepeatedOperand),
                 .conditions = nullptr,
                 .rewrite = DropExpandReplace});
}

}  // namespace weft
