// A product with nothing but ones goes, as dropout of whole channels or examples leaves it behind
// at inference:
//
//   mul(x, expand_like(1, s))    =>    x

#include "passes/clean/clean.h"
#include "passes/rule.h"

namespace weft {
namespace {

bool IsOnes(const Node& node) {
  const Tensor* tensor =
      ConstantValue(node.op_name() == "ExpandLike" ? node.input(0) : node.output());
  for (int64_t i = 0; tensor != nullptr && i < tensor->size(); ++i) {
    if (tensor->At(i) != 1) return false;
  }
  return tensor != nullptr;
}

Condition Holds(const Match& m) { return HaveSameType(m, "x", "product"); }

std::vector<Value> Replace(const Match& m, Rewriter&) { return {m["x"]}; }

}  // namespace

Pass RemoveOnes() {
  return ToPass({.name = "remove_ones",
                 .doc = "remove products with tensors of ones",
                 .pattern = Op("Mul", {Any().As("x"),
                                       OneOf({std::string(kConstant), "ExpandLike"}).Where(IsOnes)})
                                .As("product"),
                 .conditions = Holds,
                 .rewrite = Replace});
}

}  // namespace weft
