// What a report says: the work before and after, the rules, the lines.
#include "passes/rule.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// relu(relu(x)) -> relu(x)
Pass MergeRelus() {
  return ToPass({.name = "merge_relus",
                 .doc = "one Relu is enough",
                 .pattern = Op("Relu", {Op("Relu", {Any().As("x")})}),
                 .conditions = nullptr,
                 .rewrite = [](const Match& m, Rewriter& r) -> std::vector<Value> {
                   return {r.OpAs(m.root()->name(), "Relu", {m["x"]})};
                 }});
}

TEST(ReportTest, CountsTheWorkOfTheGraphAndOfEachRule) {
  Net net;
  const Value bn = net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4));
  net.Output("y", net.Relu("relu1", bn));
  const PassReport report = MustOptimize(net.graph);
  const int64_t macs = 6 * 6 * 4 * 3 * 9;
  const double image = 6 * 6 * 8, bias = 4 * 8, weight = 4 * 3 * 9 * 8;
  const double conv = 3 * image + weight + bias + 4 * image;  // x, W, B and Y
  EXPECT_EQ(report.before, (Work{3, macs, conv + (8 * image + 4 * bias) + 8 * image}));
  EXPECT_EQ(report.after, (Work{1, macs, conv}));
  const std::vector<RuleSummary> rules = report.Summary();
  ASSERT_EQ(rules.size(), 3u);
  EXPECT_EQ(rules[0].rule, "fold_conv_bn");
  EXPECT_EQ(rules[0].times, 1);
  EXPECT_EQ(rules[0].after.nodes - rules[0].before.nodes, -1);
  EXPECT_EQ(rules[0].after.bytes - rules[0].before.bytes, -(8 * image + 4 * bias));
  // What it folds is what fold_conv_bn left to compute.
  EXPECT_EQ(rules[1].rule, "fold_constants");
  EXPECT_EQ(rules[1].times, 2);
  EXPECT_EQ(rules[1].after, Work());
  EXPECT_EQ(rules[2].rule, "fuse_conv_activation");
  EXPECT_EQ(rules[2].after.bytes - rules[2].before.bytes, -8 * image);
}

TEST(ReportTest, WhatIsComputedForARewriteStandsInItsLine) {
  Net net;
  net.Output("y", net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4)));
  const PassReport report = MustOptimize(net.graph);
  ASSERT_EQ(report.rewrites.size(), 3u);
  EXPECT_EQ(report.rewrites[1].cause, 0u);
  EXPECT_EQ(report.rewrites[2].cause, 0u);
  EXPECT_THAT(report.ToString(),
              HasSubstr("\nfold_conv_bn: conv1 (Conv) + bn1 (BatchNormalization) -> conv1 (Conv), "
                        "computing conv1.weight + conv1.bias\n"));
  EXPECT_THAT(report.ToString(), Not(HasSubstr("\nfold_constants")));
}

TEST(ReportTest, WhatIsComputedInOneScopeIsOneLine) {
  Net net;
  const Value x = net.Image(4, 1);
  for (const char* name : {"a.scale", "a.shift", "b.scale"}) {
    const Value sum = net.Add("Exp", name, {net.Random(std::string(name) + "/log", {4, 1, 1})});
    net.Output(name, net.Add("Mul", std::string(name) + "/product", {x, sum}));
  }
  EXPECT_THAT(MustOptimize(net.graph).ToString(),
              HasSubstr("fold_constants: a.scale (Exp) + a.shift (Exp) -> a.scale (Constant) + "
                        "a.shift (Constant)\n"
                        "fold_constants: b.scale (Exp) -> b.scale (Constant)\n"));
}

TEST(ReportTest, EqualConstantsAreOneLineWhateverTheirScopes) {
  Net net;
  const Value x = net.Image(4, 1);
  for (const char* name : {"a", "b"}) {
    const Tensor c = net.RandomTensor({4, 1, 1});
    for (const char* part : {".scale", ".shift"}) {
      const std::string full = std::string(name) + part;
      const Value constant = net.graph.AddConstant(full, c).value();
      net.Output(full + "/y",
                 net.Add("Atan", full + "/atan", {net.Add("Mul", full + "/mul", {x, constant})}));
    }
  }
  EXPECT_THAT(
      MustOptimize(net.graph, TestOptions({"merge_common"})).ToString(),
      HasSubstr("\nmerge_common: a.scale (Constant) + a.shift (Constant) + b.scale (Constant) "
                "+ b.shift (Constant) -> a.scale (Constant) + b.scale (Constant)\n"));
}

TEST(ReportTest, ALineNamesAFewNodesAndCountsTheOthers) {
  PassReport report;
  Rewrite& rewrite = report.rewrites.emplace_back();
  rewrite.rule = "rule";
  for (int i = 0; i < 20; ++i) rewrite.sources.push_back(std::to_string(i));
  rewrite.results = {"y"};
  EXPECT_EQ(report.ToString(),
            "  rule x 1\n"
            "rule: 0 + 1 + 2 + 3 + 4 + 5 + 6 + 13 more -> y\n");
}

TEST(ReportTest, NearMissesThatSayTheSameOfTheirNodesShareALine) {
  PassReport report;
  report.near_misses = {{"rule", "a", "a is large"},
                        {"rule", "b", "c has 2 consumers"},
                        {"rule", "c", "c is large"},
                        {"other", "d", "d is large"}};
  EXPECT_EQ(report.ToString(),
            "near-miss: rule at a + c: it is large\n"
            "near-miss: rule at b: c has 2 consumers\n"
            "near-miss: other at d: d is large\n");
}

// Of other nodes, types and numbers.
TEST(ReportTest, NearMissesThatSayTheLikeShareALine) {
  PassReport report;
  report.near_misses = {{"rule", "a", "conv1 has 2 consumers"},
                        {"rule", "b", "block2.conv has 3 consumers"},
                        {"rule", "c", "conv1 is f32[N,3], conv2 is f32[N,4]"},
                        {"rule", "d", "conv1 has 2 consumers"},
                        {"rule", "e", "conv2 is f32[N,4], it is an output"},
                        {"other", "a", "conv1 has 2 consumers"},
                        {"other", "b", "conv1 has 2 consumers"}};
  EXPECT_EQ(report.ToString(),
            "near-miss: rule at a + b + d: conv1 has 2 consumers, and the like\n"
            "near-miss: rule at c: conv1 is f32[N,3], conv2 is f32[N,4]\n"
            "near-miss: rule at e: conv2 is f32[N,4], it is an output\n"
            "near-miss: other at a + b: conv1 has 2 consumers\n");
}

TEST(ReportTest, AChainOfRewritesNamesItsFirstSources) {
  Net net;
  Value x = net.Image(1, 1);
  for (int i = 0; i < 300; ++i) x = net.Relu("relu" + std::to_string(i), x);
  net.Output("y", x);
  PassOptions options = TestOptions();
  options.own = {MergeRelus()};
  options.disable = {"remove_repeated"};  // which would leave nothing to it
  const PassReport report = MustOptimize(net.graph, options);
  EXPECT_EQ(CountOps(net.graph, "Relu"), 1);
  EXPECT_EQ(report.rewrites.back().sources.size(), 64u);
  EXPECT_EQ(report.rewrites.back().sources[0], "relu0");
}

TEST(ReportTest, WithoutExplainingThereAreOnlyTheRewrites) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(3, 6), 4);
  net.Output("a", net.BatchNorm("bn1", conv));
  net.Output("b", conv);
  PassOptions options = TestOptions({"fold_conv_bn"});
  options.explain = false;
  const PassReport report = MustOptimize(net.graph, options);
  EXPECT_THAT(report.near_misses, IsEmpty());
  EXPECT_EQ(report.before, Work());
  options.explain = true;
  EXPECT_THAT(NearMisses(MustOptimize(net.graph, options)),
              ElementsAre("fold_conv_bn at bn1: conv1 has 2 consumers"));
}

}  // namespace
}  // namespace weft
