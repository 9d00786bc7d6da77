// Random graphs of all ops and of what networks are made of: whatever the passes do to them, the
// results stay.

#include <cstdlib>
#include <set>

#include "graph/text.h"
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
  const uint32_t count = Number("WEFT_RANDOM_GRAPHS", 6000);
  const std::vector<std::string> passes = PassNames();
  for (uint32_t seed = first; seed < first + count; ++seed) {
    ExpectNoMistake(seed, TestOptions());
    ExpectNoMistake(seed, TestOptions({passes[seed % passes.size()]}));
    if (HasFailure()) break;
  }
}

TEST(RandomGraphsTest, GraphsRun) {
  for (uint32_t seed = 1; seed <= 1000; ++seed) {
    const RandomGraph random = GraphOf(seed);
    EXPECT_EQ(ReferenceEvaluator().RunGraph(random.graph, random.feeds).status(), absl::OkStatus())
        << "seed " << seed;
  }
}

// Every op of the table is in some graph, but for the exceptions.
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

// A pass that no graph gives work has not been tried. Some find it behind others only, some only
// where no other has been first.
TEST(RandomGraphsTest, EveryPassFindsSomethingToDo) {
  const std::set<std::string> exceptions = {};
  std::set<std::string> idle;
  for (const Stage& stage : Pipeline()) {
    for (const Pass& pass : stage.passes) {
      if (!pass.lossy && !pass.on_request) idle.emplace(pass.name);
    }
  }
  const auto run = [&](uint32_t seed, std::vector<std::string> passes) {
    RandomGraph random = GraphOf(seed);
    for (const Rewrite& r : MustOptimize(random.graph, TestOptions(std::move(passes))).rewrites) {
      idle.erase(r.rule);
    }
  };
  for (uint32_t seed = 1; seed <= 1500 && idle != exceptions; ++seed) {
    run(seed, {});
    for (const std::string& pass : std::set(idle)) run(seed, {pass});
  }
  EXPECT_EQ(idle, exceptions);
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
