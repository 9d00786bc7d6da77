// Random graphs of all ops and of what networks are made of: whatever the passes do to them, the
// results stay.

#include <cstdlib>
#include <set>

#include "graph/text.h"
#include "passes/rule.h"
#include "tests/passes/testing_nets.h"
#include "tests/passes/testing_proof.h"

namespace weft {
namespace {

// How many graphs, and the first one's seed, as the environment says: 20,000 take a while.
uint32_t Number(const char* variable, uint32_t fallback) {
  const char* text = std::getenv(variable);
  return text == nullptr ? fallback : static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
}

RandomGraph GraphOf(uint32_t seed) {
  return MakeRandomGraph({.seed = seed, .dtype = seed % 3 == 0 ? DType::kF32 : DType::kF64});
}

double ToleranceOf(uint32_t seed) { return seed % 3 == 0 ? 1e-4 : 1e-9; }

// A failure names the seed and shows the smallest graph that still fails.
void ExpectNoMistake(uint32_t seed, const PassOptions& options) {
  RandomGraph random = GraphOf(seed);
  const double tolerance = ToleranceOf(seed);
  if (Mistake(random, options, tolerance).empty()) return;
  const RandomGraph smallest = Shrink(std::move(random), [&](const RandomGraph& r) {
    return !Mistake(r, options, tolerance).empty();
  });
  ADD_FAILURE() << "seed " << seed << (options.passes.empty() ? "" : ", " + options.passes[0])
                << ": " << Mistake(smallest, options, tolerance) << "\n"
                << ToText(smallest.graph);
}

TEST(RandomGraphsTest, OptimizedGraphsComputeTheSame) {
  const uint32_t first = Number("WEFT_RANDOM_SEED", 1);
  const uint32_t count = Number("WEFT_RANDOM_GRAPHS", 1500);
  const std::vector<std::string> passes = PassNames();
  for (uint32_t seed = first; seed < first + count; ++seed) {
    ExpectNoMistake(seed, TestOptions());
    ExpectNoMistake(seed, TestOptions({passes[seed % passes.size()]}));
    if (HasFailure()) break;
  }
}

// Every op of the table is in some graph, but for those with this reason not to.
TEST(RandomGraphsTest, EveryOpOfTheTableIsReached) {
  const std::set<std::string> exceptions = {};
  std::set<std::string> missing;
  for (const OpCase& row : RunnableCases()) missing.insert(row.op);
  for (uint32_t seed = 1; seed <= 1500; ++seed) {
    const RandomGraph random = GraphOf(seed);
    for (const Node& node : random.graph.nodes()) missing.erase(std::string(node.op_name()));
  }
  EXPECT_EQ(missing, exceptions);
}

// The passes find their patterns.
TEST(RandomGraphsTest, EveryPassFindsSomethingToDo) {
  std::map<std::string, int> rewrites;
  for (uint32_t seed = 1; seed <= 400; ++seed) {
    RandomGraph random = GraphOf(seed);
    for (const Rewrite& r : MustOptimize(random.graph).rewrites) ++rewrites[r.rule];
  }
  EXPECT_GT(rewrites["fold_conv_bn"], 40);
  EXPECT_GT(rewrites["fuse_conv_activation"], 40);
  EXPECT_GT(rewrites["fuse_conv_add"], 20);
  EXPECT_GT(rewrites["fold_1x1"], 10);
  EXPECT_GT(rewrites["merge_common"], 40);
}

Rule Wrong(std::string_view name, Pattern pattern, std::string op) {
  return {.name = name,
          .doc = "",
          .pattern = std::move(pattern),
          .conditions = nullptr,
          .rewrite = [op](const Match& m, Rewriter& r) -> std::vector<Value> {
            return {r.OpAs(m.root()->name(), op, {m["x"], m["y"]})};
          }};
}

// The first graph for which `rule` makes a mistake that `expected` is part of, shrunk.
RandomGraph SmallestMistakeOf(const Rule& rule, const std::string& expected) {
  PassOptions options = TestOptions({std::string(rule.name)});
  options.own = {ToPass(rule)};
  const auto fails = [&](const RandomGraph& random) {
    return Mistake(random, options, 1e-4).find(expected) != std::string::npos;
  };
  for (uint32_t seed = 1; seed <= 500; ++seed) {
    RandomGraph random = GraphOf(seed);
    if (fails(random)) return Shrink(std::move(random), fails);
  }
  ADD_FAILURE() << "no mistake of " << rule.name;
  return {};
}

TEST(RandomGraphsTest, AWrongRuleIsFoundAndTheGraphShrunk) {
  const RandomGraph smallest = SmallestMistakeOf(
      Wrong("add_for_sub", Op("Sub", {Any().As("x"), Op("ReduceMean", {Any()}).As("y")}), "Add"),
      "differs by");
  EXPECT_EQ(CountOps(smallest.graph, "Sub"), 1);
  EXPECT_EQ(CountOps(smallest.graph, "ReduceMean"), 1);
  EXPECT_LE(smallest.graph.size(), 4) << ToText(smallest.graph);
}

TEST(RandomGraphsTest, ARuleThatNeverEndsIsFoundAndTheGraphShrunk) {
  const RandomGraph smallest = SmallestMistakeOf(
      Wrong("mul_for_mul", Op("Mul", {Any().As("x"), Any().As("y")}), "Mul"), "never comes");
  EXPECT_LE(smallest.graph.size(), 3) << ToText(smallest.graph);
}

TEST(RandomGraphsTest, TheSameGraphIsAlwaysRewrittenTheSameWay) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    RandomGraph a = GraphOf(seed), b = GraphOf(seed);
    EXPECT_EQ(ToText(a.graph), ToText(b.graph));
    EXPECT_EQ(MustOptimize(a.graph).ToString(), MustOptimize(b.graph).ToString());
    EXPECT_EQ(ToText(a.graph), ToText(b.graph));
  }
}

}  // namespace
}  // namespace weft
