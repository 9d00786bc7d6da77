// Activations that are written out:
//
//   max(x, 0) => Relu     max(x, a*x) => LeakyRelu     min(max(x, a), b) => Clip
//   x * sigmoid(x) => Silu     x * tanh(softplus(x)) => Mish     log(exp(x) + 1) => Softplus
//   clip(x + 3, 0, 6) / 6 => HardSigmoid, and x times that => HardSwish
//
// Products of an infinity and 0 are NaN, which the ops know better: HardSwish of -infinity is 0.

#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/op.h"
#include "passes/recognize/recognize.h"
#include "passes/rule.h"

namespace weft {
namespace {

// Some compositions are made of integers too, with quotients that are cut.
Condition Takes(const Match& m, const std::string& op) {
  const TensorType& x = m["x"].type();
  const OpDef* def = m.graph().registry().Find(op);
  return Unless(def == nullptr || !def->input(0).dtypes.contains(x.dtype),
                absl::StrCat(op, " takes no ", ToString(x)));
}

// A rule that makes `op` of what matched, of x, to y.
Pass Recognize(std::string_view name, std::string_view doc, Pattern pattern,
               std::function<Condition(const Match&)> conditions, std::string op,
               AttributeMap attributes = {}) {
  return ToPass({.name = name,
                 .doc = doc,
                 .pattern = std::move(pattern).As("y"),
                 .conditions =
                     [op, conditions = std::move(conditions)](const Match& m) {
                       return All({HaveSameType(m, "x", "y"), Takes(m, op), conditions(m)});
                     },
                 .rewrite = [op = std::move(op), attributes = std::move(attributes)](
                                const Match& m, Rewriter& r) -> std::vector<Value> {
                   return {r.OpAs(m.root()->name(), op, {m["x"]}, attributes)};
                 }});
}

Pattern X() { return Any().As("x"); }

bool IsSixth(const Node& hard_sigmoid) {
  const AttributeMap& attributes = hard_sigmoid.attributes();
  return std::abs(GetFloat(attributes, "alpha") - 1.0 / 6) < 1e-6 &&
         std::abs(GetFloat(attributes, "beta") - 0.5) < 1e-6;
}

// relu6(x + 3), whose numbers AreThreeAndSix checks.
Pattern ShiftedRelu6() {
  return Op("Clip", {Op("Add", {X(), Number().As("three")}).As("sum"), Number().As("zero"),
                     Number().As("six")})
      .As("clip");
}

Condition AreThreeAndSix(const Match& m) {
  return All({IsNumber(m, "three", 3), IsNumber(m, "zero", 0), IsNumber(m, "six", 6),
              IsNumber(m, "divisor", 6), IsNumber(m, "factor", 1.0 / 6),
              AreReadInside(m, {"sum", "clip", "product", "gate"})});
}

// `x` a sixth.
Pattern ASixthOf(const Pattern& x) {
  return Either({Op("Div", {x, Number().As("divisor")}), Op("Mul", {x, Number().As("factor")})});
}

Pass RecognizeLeakyRelu() {
  return ToPass(
      {.name = "recognize_leaky_relu",
       .doc = "make max(x, a*x) a LeakyRelu",
       .pattern = InAnyOrder("Max", X(), Op("Mul", {X(), Number().As("a")}).As("ax")).As("y"),
       .conditions =
           [](const Match& m) {
             const Tensor* a = ConstantValue(m["a"]);
             const bool fits = a->At(0) > 0 && a->At(0) < 1;
             return All({HaveSameType(m, "x", "y"), AreReadInside(m, {"ax"}),
                         Unless(!fits, m["a"].ToString() + " is not between 0 and 1")});
           },
       .rewrite = [](const Match& m, Rewriter& r) -> std::vector<Value> {
         return {r.OpAs(m.root()->name(), "LeakyRelu", {m["x"]},
                        {{"alpha", ConstantValue(m["a"])->At(0)}})};
       }});
}

Pass RecognizeClip() {
  return ToPass({.name = "recognize_clip",
                 .doc = "make min(max(x, a), b) a Clip",
                 .pattern = InAnyOrder("Min", InAnyOrder("Max", X(), Number().As("low")).As("max"),
                                       Number().As("high"))
                                .As("y"),
                 .conditions =
                     [](const Match& m) {
                       for (const char* name : {"low", "high"}) {
                         if (!IsKnownNumber(m[name]))
                           return Unless(true, m[name].ToString() + " is NaN");
                       }
                       return All({HaveSameType(m, "x", "y"), AreReadInside(m, {"max"})});
                     },
                 .rewrite = [](const Match& m, Rewriter& r) -> std::vector<Value> {
                   const Value low = r.Op("Reshape", {m["low"], r.Ints({})});
                   const Value high = r.Op("Reshape", {m["high"], r.Ints({})});
                   return {r.OpAs(m.root()->name(), "Clip", {m["x"], low, high})};
                 }});
}

}  // namespace

std::vector<Pass> RecognizeActivations() {
  return {
      Recognize(
          "recognize_relu", "make max(x, 0) a Relu", InAnyOrder("Max", X(), Number().As("zero")),
          [](const Match& m) { return IsNumber(m, "zero", 0); }, "Relu"),
      RecognizeLeakyRelu(),
      RecognizeClip(),
      Recognize(
          "recognize_softplus", "make log(exp(x) + 1) a Softplus",
          Op("Log", {Op("Add", {Op("Exp", {X()}).As("exp"), Number().As("one")}).As("sum")}),
          [](const Match& m) {
            return All({IsNumber(m, "one", 1), AreReadInside(m, {"exp", "sum"})});
          },
          "Softplus"),
      Recognize(
          "recognize_silu", "make x * sigmoid(x) a Silu",
          Op("Mul", {X(), Op("Sigmoid", {X()}).As("gate")}),
          [](const Match& m) { return AreReadInside(m, {"gate"}); }, "Silu"),
      Recognize(
          "recognize_mish", "make x * tanh(softplus(x)) a Mish",
          Op("Mul", {X(), Op("Tanh", {Op("Softplus", {X()}).As("soft")}).As("gate")}),
          [](const Match& m) {
            return AreReadInside(m, {"soft", "gate"});
          },
          "Mish"),
      Recognize("recognize_hard_swish", "make x * clip(x + 3, 0, 6) / 6 a HardSwish",
                Either({ASixthOf(Op("Mul", {X(), ShiftedRelu6()}).As("product")),
                        Op("Mul", {X(), ASixthOf(ShiftedRelu6()).As("gate")}),
                        Op("Mul", {X(), Op("HardSigmoid", {X()}).As("gate").Where(IsSixth)})}),
                AreThreeAndSix, "HardSwish"),
      Recognize("recognize_hard_sigmoid", "make clip(x + 3, 0, 6) / 6 a HardSigmoid",
                ASixthOf(ShiftedRelu6()), AreThreeAndSix, "HardSigmoid",
                {{"alpha", 1.0 / 6}, {"beta", 0.5}}),
  };
}

}  // namespace weft
