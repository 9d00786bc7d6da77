// Rules planted wrong: random graphs find them, and what is shown of them is small.

#include "graph/text.h"
#include "passes/rule.h"
#include "tests/passes/testing_nets.h"
#include "tests/passes/testing_proof.h"

namespace weft {
namespace {

struct Planted {
  Rule rule;
  std::string mistake;           // is part of what is said
  std::vector<std::string> ops;  // that the smallest graph has
  int most_nodes = 0;            // of it, leaves too
};

bool IsZero(const Node& node) {
  const Tensor& value = LeafValue(node);
  return value.rank() == 0 && kFloatTypes.contains(value.dtype()) && value.At(0) == 0;
}

bool HasEpsilon(const Node& node) {
  return GetString(node.attributes(), "mode") == "inference" &&
         GetFloat(node.attributes(), "epsilon") != 1e-5;
}

using BuildFn = std::vector<Value> (*)(const Match&, Rewriter&);

Rule Wrong(std::string_view name, Pattern pattern, BuildFn rewrite,
           Condition (*conditions)(const Match&) = nullptr) {
  return {name, "", std::move(pattern), conditions, rewrite};
}

std::vector<Planted> PlantedRules() {
  return {
      {.rule = Wrong("add_for_sub", Op("Sub", {Any().As("x"), Op("ReduceMean", {Any()}).As("y")}),
                     [](const Match& m, Rewriter& r) -> std::vector<Value> {
                       return {r.OpAs(m.root()->name(), "Add", {m["x"], m["y"]})};
                     }),
       .mistake = "differs by",
       .ops = {"Sub", "ReduceMean"},
       .most_nodes = 4},
      // NaN and infinities times zero are NaN.
      {.rule = Wrong("zero_for_product",
                     Op("Mul", {Any().As("x"), Op("Constant").Where(IsZero).As("zero")}),
                     [](const Match& m, Rewriter& r) -> std::vector<Value> {
                       return {r.OpAs(m.root()->name(), "ExpandLike", {m["zero"], m["x"]})};
                     }),
       .mistake = "differs by inf",
       .ops = {"Mul"},
       .most_nodes = 3},
      {.rule = Wrong("another_epsilon", Op("BatchNormalization").Where(HasEpsilon),
                     [](const Match& m, Rewriter& r) -> std::vector<Value> {
                       const auto inputs = m.root()->inputs();
                       return {r.OpAs(m.root()->name(), "BatchNormalization",
                                      {inputs.begin(), inputs.end()}, {{"mode", "inference"}})};
                     }),
       .mistake = "differs by",
       .ops = {"BatchNormalization"},
       .most_nodes = 6},
      // As if every pair went there and back.
      {.rule = Wrong(
           "no_transposes", Op("Transpose", {Op("Transpose", {Any().As("x")}).As("t")}).As("y"),
           [](const Match& m, Rewriter&) -> std::vector<Value> { return {m["x"]}; },
           [](const Match& m) { return HaveSameType(m, "x", "y"); }),
       .mistake = "differs by",
       .ops = {"Transpose"},
       .most_nodes = 3},
      {.rule = Wrong("mul_for_mul", Op("Mul", {Any().As("x"), Any().As("y")}),
                     [](const Match& m, Rewriter& r) -> std::vector<Value> {
                       return {r.OpAs(m.root()->name(), "Mul", {m["x"], m["y"]})};
                     }),
       .mistake = "never comes to an end",
       .ops = {"Mul"},
       .most_nodes = 3},
  };
}

TEST(PlantedRulesTest, EachIsFoundAndItsGraphShrunk) {
  for (const Planted& planted : PlantedRules()) {
    SCOPED_TRACE(planted.rule.name);
    PassOptions options = TestOptions({std::string(planted.rule.name)});
    options.own = {ToPass(planted.rule)};
    options.verify_each = false;
    const auto fails = [&](const RandomGraph& random) {
      return Mistake(random, options, 1e-4).find(planted.mistake) != std::string::npos;
    };
    RandomGraph random;
    for (uint32_t seed = 1; seed <= 5000 && !fails(random); ++seed) {
      random = MakeRandomGraph({.seed = seed});
    }
    ASSERT_TRUE(fails(random)) << "none of 5000 graphs shows it";
    const RandomGraph smallest = Shrink(std::move(random), fails);
    EXPECT_LE(smallest.graph.size(), planted.most_nodes) << ToText(smallest.graph);
    for (const std::string& op : planted.ops) {
      EXPECT_GT(CountOps(smallest.graph, op), 0) << op << "\n" << ToText(smallest.graph);
    }
  }
}

}  // namespace
}  // namespace weft
