#include "graph/bind.h"
#include "graph/text.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

//   x -> conv1 -> bn1 -> relu1 -> y   =>   x -> conv1 (FusedConv, post_ops=[Relu]) -> y
TEST(PipelineTest, ConvBnReluBecomesOneFusedConv) {
  Net net;
  const Value bn = net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4));
  net.Output("y", net.Relu("relu1", bn));
  const PassReport report = ExpectGoldenRewrite("conv_bn_relu", net.graph, TestOptions());
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 1);
  EXPECT_EQ(CountOps(net.graph, "Conv") + CountOps(net.graph, "Relu"), 0);
  EXPECT_THAT(report.ToString(),
              HasSubstr("fold_conv_bn: conv1 (Conv) + bn1 (BatchNormalization) -> conv1 (Conv), "
                        "computing conv1.weight + conv1.bias\n"));
  EXPECT_THAT(report.ToString(),
              HasSubstr("fuse_conv_activation: conv1 (Conv) + bn1 (BatchNormalization) + relu1 "
                        "(Relu) -> conv1 (FusedConv)\n"));
  EXPECT_THAT(report.near_misses, IsEmpty());
}

//   x -> conv1 -> bn1 -> relu1 -> conv2 -> bn2 -> add1 -> relu2 -> y
//    \-------------------------------------------/
TEST(PipelineTest, AResidualBlockBecomesTwoFusedConvs) {
  Net net;
  const Value x = net.Image(4, 6);
  const Value a = net.Relu("relu1", net.BatchNorm("bn1", net.Conv("conv1", x, 4, {.bias = false})));
  const Value b = net.BatchNorm("bn2", net.Conv("conv2", a, 4, {.bias = false}));
  net.Output("y", net.Relu("relu2", net.Add("Add", "add1", {b, x})));
  ExpectGoldenRewrite("residual_block", net.graph, TestOptions());
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 2);
  const std::vector<PostOp> post_ops =
      GetPostOps(net.graph.Find("conv2")->attributes(), "post_ops");
  ASSERT_EQ(post_ops.size(), 2u);
  EXPECT_EQ(post_ops[0].op, "Add");
  EXPECT_EQ(post_ops[1].op, "Relu");
}

TEST(PipelineTest, ProvenanceNamesTheNodesOfTheFileAfterSeveralRewrites) {
  Net net;
  const Value x = net.Image(4, 6);
  const Value bn = net.BatchNorm("bn1", net.Conv("conv1", x, 4));
  net.Output("y", net.Relu("relu1", net.Add("Add", "add1", {bn, x})));
  MustOptimize(net.graph);
  const Node& fused = *net.graph.Find("conv1");
  EXPECT_EQ(fused.provenance().rule, "fuse_conv_activation");
  EXPECT_THAT(fused.provenance().sources, ElementsAre("conv1", "bn1", "add1", "relu1"));
}

TEST(PipelineTest, ASecondSessionStillSpeaksOfTheOriginalNodes) {
  Net net;
  const Value bn = net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4));
  net.Output("y", net.Relu("relu1", bn));
  MustOptimize(net.graph, TestOptions({"fold_conv_bn", "fold_constants"}));
  EXPECT_THAT(MustOptimize(net.graph).ToString(),
              testing::EndsWith(
                  "\nfuse_conv_activation: conv1 + bn1 + relu1 (Relu) -> conv1 (FusedConv)\n"));
}

TEST(PipelineTest, PassNamesAreInTheOrderOfThePipelineEachOnce) {
  const std::vector<std::string> names = PassNames();
  const auto place = [&](const char* name) {
    return std::find(names.begin(), names.end(), name) - names.begin();
  };
  EXPECT_EQ(place("remove_dead"), 0);
  EXPECT_LT(place("merge_common"), place("recognize_silu"));
  EXPECT_LT(place("recognize_silu"), place("fold_conv_bn"));
  EXPECT_LT(place("fold_conv_bn"), place("fold_conv_conv"));
  EXPECT_LT(place("fold_conv_conv"), place("fuse_conv_activation"));
  EXPECT_LT(place("fuse_conv_activation"), std::ssize(names));
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
}

TEST(PipelineTest, EveryPassHasAOneLineDoc) {
  for (const Stage& stage : Pipeline()) {
    for (const Pass& pass : stage.passes) {
      EXPECT_FALSE(pass.doc.empty()) << pass.name;
      EXPECT_EQ(pass.doc.find('\n'), std::string_view::npos) << pass.name;
    }
  }
}

TEST(PipelineTest, RunsOnlyTheChosenPasses) {
  Net net;
  const Value bn = net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4));
  net.Output("y", net.Relu("relu1", bn));
  ExpectSameResults(net.graph, TestOptions({"fold_constants", "fuse_conv_activation"}));
  EXPECT_EQ(CountOps(net.graph, "BatchNormalization"), 1);
  EXPECT_EQ(CountOps(net.graph, "Relu"), 1);
}

TEST(PipelineTest, AnUnknownPassIsAnErrorThatListsTheKnownOnes) {
  Net net;
  net.Output("y", net.Relu("relu1", net.Conv("conv1", net.Image(3, 6), 4)));
  const std::string before = ToText(net.graph);
  const auto report = Optimize(net.graph, TestOptions({"fuse_conv_activation", "fuse_everything"}));
  EXPECT_EQ(report.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(report.status().message()),
              HasSubstr("unknown pass 'fuse_everything'; expected remove_dead, remove_identity"));
  EXPECT_EQ(ToText(net.graph), before);
}

TEST(PipelineTest, WithoutAnEvaluatorThereIsAnError) {
  Net net;
  net.Output("y", net.Relu("relu1", net.Image(3, 6)));
  EXPECT_EQ(Optimize(net.graph, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(PipelineTest, EveryNumberOfRewritesIsAGoodPlaceToStop) {
  auto build = [] {
    Net net;
    const Value x = net.Image(4, 6);
    const Value a = net.Relu("relu1", net.BatchNorm("bn1", net.Conv("conv1", x, 4)));
    const Value b = net.BatchNorm("bn2", net.Conv("conv2", a, 4));
    net.Output("y", net.Relu("relu2", net.Add("Add", "add1", {b, x})));
    return net;
  };
  Net whole = build();
  const TensorMap expected = ResultsOf(whole.graph, 2);
  const std::vector<std::string> all = Rewrites(MustOptimize(whole.graph));
  ASSERT_GT(all.size(), 5u);
  for (size_t limit = 0; limit <= all.size(); ++limit) {
    Net net = build();
    const std::string before = ToText(net.graph);
    PassOptions options = TestOptions();
    options.max_rewrites = static_cast<int>(limit);
    const PassReport report = MustOptimize(net.graph, options);
    EXPECT_THAT(Rewrites(report), testing::ElementsAreArray(all.begin(), all.begin() + limit));
    EXPECT_LE(RelativeDifference(expected, ResultsOf(net.graph, 2)), 1e-12);
    if (limit == 0) {
      EXPECT_EQ(ToText(net.graph), before);
    }
  }
}

TEST(PipelineTest, DoubledReadersMergeBeforeTheyCountAsConsumers) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(3, 6), 4);
  net.Output("a", net.Relu("relu1", conv));
  net.Output("b", net.Relu("relu2", conv));
  const PassReport report = ExpectSameResults(net.graph, TestOptions());
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 1);
  EXPECT_THAT(report.near_misses, IsEmpty());
}

TEST(PipelineTest, NearMissesOfWhatAnotherPassTookAreNotReported) {
  // fold_conv_affine cannot take the residual, fuse_conv_add can.
  Net net;
  const Value z = net.Image(4, 6, "z");
  net.Output("y", net.Add("Add", "add1", {net.Conv("conv1", net.Image(4, 6), 4), z}));
  EXPECT_THAT(MustOptimize(net.graph).near_misses, IsEmpty());
}

TEST(PipelineTest, ATrainingGraphKeepsItsUpdates) {
  Net net;
  net.variables = true;
  const Value bn = net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4), "auto");
  net.Output("y", net.Relu("relu1", bn));
  Graph training = ForTraining(net.graph).value();
  const std::string before = ToText(training);
  const PassReport report = MustOptimize(training);
  EXPECT_EQ(ToText(training), before);
  EXPECT_THAT(NearMisses(report),
              ElementsAre("fold_conv_bn at bn1: bn1 is in mode training, not inference",
                          "fuse_scale_shift at bn1: bn1 is in mode training, not inference"));
}

}  // namespace
}  // namespace weft
