// What has no effect on the result of the op before it goes:
//
//   relu2(relu1(x))    floor(round(x))    abs(exp(x))    =>    what is inside
//   neg2(neg1(x))                                        =>    x
//
// The inner op stays for whoever else reads it.

#include <algorithm>

#include "passes/clean/clean.h"
#include "passes/rule.h"

namespace weft {
namespace {

// After any of `inner`, any of `outer` changes nothing.
struct Family {
  std::vector<std::string_view> outer;
  std::vector<std::string_view> inner;
};

const std::vector<Family>& Families() {
  static const auto* families = new std::vector<Family>{
      {{"Relu", "Abs"},
       {"Relu", "Abs", "Sigmoid", "HardSigmoid", "Softplus", "Softmax", "Exp", "Sqrt"}},
      {{"Floor", "Ceil", "Round"}, {"Floor", "Ceil", "Round"}},
      {{"Sign"}, {"Sign"}},
      {{"Neg"}, {"Neg"}},
  };
  return *families;
}

bool Contains(const std::vector<std::string_view>& ops, std::string_view op) {
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

// The smallest integer has no absolute value: Abs leaves it as it is.
bool MayBeNegative(const Node& node) {
  return node.op_name() == "Abs" && !kFloatTypes.contains(node.type().dtype);
}

bool HasNoEffect(const Node& node) {
  if (node.op_name() == "Relu" && MayBeNegative(*node.input(0).node)) return false;
  return std::any_of(Families().begin(), Families().end(), [&](const Family& family) {
    return Contains(family.outer, node.op_name()) &&
           Contains(family.inner, node.input(0).node->op_name());
  });
}

std::vector<Value> RemoveRepeatedReplace(const Match& m, Rewriter&) {
  const Value inner = m.root()->input(0);
  return {m.root()->op_name() == "Neg" ? inner.node->input(0) : inner};
}

}  // namespace

Pass RemoveRepeated() {
  std::vector<std::string> outer;
  for (const Family& family : Families()) {
    outer.insert(outer.end(), family.outer.begin(), family.outer.end());
  }
  return ToPass({.name = "remove_repeated",
                 .doc = "remove activations and roundings of what they do not change",
                 .pattern = OneOf(std::move(outer)).Where(HasNoEffect),
                 .conditions = nullptr,
                 .rewrite = RemoveRepeatedReplace});
}

}  // namespace weft
