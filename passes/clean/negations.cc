// Signs go into the op beside them, all exactly:
//
//   y + neg(x)  =>  y - x      neg(x) * c, neg(x * c)  =>  x * (-c)      c constant
//   y - neg(x)  =>  y + x      neg(x) / c              =>  x / (-c)

#include "passes/clean/clean.h"
#include "passes/rule.h"

namespace weft {
namespace {

Pattern AConstant() { return Op(std::string(kConstant)).As("c"); }

Condition NegationsHolds(const Match& m) {
  return All({HasSingleReader(m, "inner"), IsNotConstant(m, "x")});
}

std::vector<Value> TakeTheOther(const Match& m, Rewriter& r) {
  const std::string_view other = m.root()->op_name() == "Add" ? "Sub" : "Add";
  return {r.OpAs(m.root()->name(), other, {m["y"], m["x"]})};
}

// Integer quotients are cut, and the smallest integer has no negative.
bool IsExact(const Node& node) {
  return node.op_name() != "Div" || kFloatTypes.contains(node.type().dtype);
}

std::vector<Value> NegateConstant(const Match& m, Rewriter& r) {
  const bool is_outside = m.root()->op_name() == "Neg";
  return {r.OpAs(m.root()->name(), is_outside ? "Mul" : m.root()->op_name(),
                 {m["x"], r.Op("Neg", {m["c"]})})};
}

}  // namespace

Pass NegateTerms() {
  return ToPass(
      {.name = "negate_terms",
       .doc = "subtract instead of adding what is negated, and the other way round",
       .pattern = OneOf({"Add", "Sub"}, {Any().As("y"), Op("Neg", {Any().As("x")}).As("inner")}),
       .conditions = NegationsHolds,
       .rewrite = TakeTheOther});
}

Pass NegateFactors() {
  return ToPass(
      {.name = "negate_factors",
       .doc = "negate a constant factor instead of the other one",
       .pattern = OneOf({"Mul", "Div"}, {Op("Neg", {Any().As("x")}).As("inner"), AConstant()})
                      .Where(IsExact),
       .conditions = NegationsHolds,
       .rewrite = NegateConstant});
}

Pass NegateProducts() {
  return ToPass({.name = "negate_products",
                 .doc = "negate a constant factor instead of the product",
                 .pattern = Op("Neg", {Op("Mul", {Any().As("x"), AConstant()}).As("inner")}),
                 .conditions = NegationsHolds,
                 .rewrite = NegateConstant});
}

}  // namespace weft
