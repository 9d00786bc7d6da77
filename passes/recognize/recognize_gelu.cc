// Gelu in its two forms (Hendrycks and Gimpel 2016), its three factors in any order:
//
//   x * 0.5 * (1 + erf(x / sqrt(2)))                                  => Gelu
//   x * 0.5 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x^3)))           => Gelu, approximate "tanh"

#include <cmath>

#include "passes/recognize/recognize.h"
#include "passes/rule.h"

namespace weft {
namespace {

const double kRoot2 = std::sqrt(2.0);
const double kRoot2OverPi = std::sqrt(2 / std::acos(-1.0));

Pattern GeluInput() { return Any().As("x"); }

// 1 + `function`
Pattern OnePlus(Pattern function) {
  return Op("Add", {std::move(function).As("function"), Number().As("one")}).As("gate");
}

// x * 0.5 * gate
Pattern HalfOf(const Pattern& gate) {
  const Pattern x = GeluInput(), half = Number().As("half");
  return Either({Op("Mul", {Op("Mul", {x, half}).As("product"), gate}),
                 Op("Mul", {Op("Mul", {x, gate}).As("product"), half}),
                 Op("Mul", {x, Op("Mul", {gate, half}).As("product")})})
      .As("y");
}

Pattern ErfForm() {
  const Pattern x = GeluInput();
  return HalfOf(OnePlus(Op("Erf", {Either({Op("Div", {x, Number().As("root2")}),
                                           Op("Mul", {x, Number().As("inverse_root2")})})
                                       .As("scaled")})));
}

Pattern TanhForm() {
  const Pattern x = GeluInput();
  const Pattern cube =
      Either({Op("Pow", {x, Number().As("three")}), Op("Mul", {x, Op("Mul", {x, x}).As("square")})})
          .As("cube");
  const Pattern inner = Op("Add", {x, Op("Mul", {cube, Number().As("c")}).As("term")}).As("sum");
  return HalfOf(
      OnePlus(Op("Tanh", {Op("Mul", {inner, Number().As("root2_over_pi")}).As("scaled")})));
}

Condition IsGelu(const Match& m) {
  for (const auto& [name, number] : {std::pair("half", 0.5),
                                     {"one", 1},
                                     {"root2", kRoot2},
                                     {"inverse_root2", 1 / kRoot2},
                                     {"three", 3},
                                     {"c", 0.044715},
                                     {"root2_over_pi", kRoot2OverPi}}) {
    if (Condition condition = IsNumber(m, name, number); !condition.holds) return condition;
  }
  return All({HaveSameType(m, "x", "y"), AreReadInside(m, {"product", "gate", "function", "scaled",
                                                           "sum", "term", "cube", "square"})});
}

}  // namespace

std::vector<Pass> RecognizeGelu() {
  const auto rule = [](std::string_view name, std::string_view doc, Pattern pattern,
                       const char* approximate) {
    return ToPass(
        {.name = name,
         .doc = doc,
         .pattern = std::move(pattern),
         .conditions = IsGelu,
         .rewrite = [approximate](const Match& m, Rewriter& r) -> std::vector<Value> {
           return {r.OpAs(m.root()->name(), "Gelu", {m["x"]}, {{"approximate", approximate}})};
         }});
  };
  return {rule("recognize_gelu", "make x * (1 + erf(x / sqrt(2))) / 2 a Gelu", ErfForm(), "none"),
          rule("recognize_gelu_tanh", "make the tanh form of Gelu a Gelu", TanhForm(), "tanh")};
}

}  // namespace weft
