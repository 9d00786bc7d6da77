// Sums with nothing but zeros and products with nothing but ones go, such as dropout of whole
// channels or examples leaves behind at inference:
//
//   add(x, 0)    sub(x, 0)                             =>    x
//   mul(x, expand_like(1, s))    div(x, 1)    pow(x, 1)    =>    x
//
// Adding 0 makes 0 of -0, which then stays; all else, NaN too, is as before. (x * 0 is not 0: x may
// be infinite.)

#include "passes/clean/clean.h"
#include "passes/clean/moves.h"

namespace weft {
namespace {

template <int number>
bool IsFilled(const Node& node) {
  return IsFilledWith(node.op_name() == kConstant ? node.output() : node.input(0), number);
}

Condition RemoveNeutralHolds(const Match& m) { return HaveSameType(m, "x", "result"); }

std::vector<Value> RemoveNeutralReplace(const Match& m, Rewriter&) { return {m["x"]}; }

template <int number>
Pass Remove(std::string_view name, std::string_view doc, std::vector<std::string> ops) {
  return ToPass(
      {.name = name,
       .doc = doc,
       .pattern =
           OneOf(std::move(ops),
                 {Any().As("x"),
                  OneOf({std::string(kConstant), "Expand", "ExpandLike"}).Where(IsFilled<number>)})
               .As("result"),
       .conditions = RemoveNeutralHolds,
       .rewrite = RemoveNeutralReplace});
}

}  // namespace

Pass RemoveZeros() {
  return Remove<0>("remove_zeros", "remove sums with tensors of zeros", {"Add", "Sub"});
}

Pass RemoveOnes() {
  return Remove<1>("remove_ones", "remove products with tensors of ones, and powers of one",
                   {"Mul", "Div", "Pow"});
}

}  // namespace weft
